//! The end of a run: what is remembered of it.
//!
//! Law: the cursors move in the same commit as "each item that they passed is applied, parked or waits for a person".

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::apply::{Applied, Patience};
use super::observe::Observed;
use super::{AccountEngine, EngineError};
use crate::mapping::Mapping;
use crate::observe::events;
use crate::state::{
    Changes, Counts, Exhausted, HeldBy, Hold, Intent, IntentKind, Parked, Progress, Tombstone,
};
use crate::sync::guard::digest;
use crate::sync::{AccountName, Action, Conflict, LooseReason, PairId, Plan, RecordId, Side, Sighting, Step};

/// The time of the last success is saved at most this often, so that an idle cycle commits nothing.
const SUCCESS_SAVED_EVERY: SignedDuration = SignedDuration::from_mins(5);

/// Records that a question names. Of a thousand namesakes nobody reads the rest, and the store takes 64 KiB.
const MOST_CANDIDATES: usize = 200;

/// Why a document waits that the site has and does not show.
const HIDDEN: &str = "the site does not show this contact to its user; looked at again until it does";

/// How long writes to Google rest after the first refusal of its contact storage; twice as long after each further one.
const FIRST_REST: SignedDuration = SignedDuration::from_mins(15);
/// Asking more often than this keeps an exhausted storage exhausted; asking less often loses time.
const LONGEST_REST: SignedDuration = SignedDuration::from_hours(6);

/// The rest after so many refusals. Accounts that were refused together come back up to a quarter later, each by its name.
fn rest(strikes: u32, account: &AccountName) -> SignedDuration {
    let doublings = 1_i32.checked_shl(strikes.saturating_sub(1).min(10)).unwrap_or(1);
    let whole = FIRST_REST.saturating_mul(doublings).min(LONGEST_REST);
    let spread = account.as_str().bytes().fold(0_i32, |sum, byte| (sum * 31 + i32::from(byte)) % 250);
    whole.saturating_add((whole / 1000).saturating_mul(spread))
}

impl AccountEngine {
    /// Writes down what a person is asked about, before anything is done: the base of a pair whose other fields agree moves on, and
    /// after a run that ends early nothing would bring the pair up again.
    pub(super) async fn begin_conflicts(
        &self,
        plan: &Plan,
        (run, now): (&str, Timestamp),
    ) -> Result<(), EngineError> {
        let state = self.state();
        let known = state.conflicts()?;
        let mut changes = state.changes();
        for step in &plan.steps {
            let new: Vec<Conflict> = step.conflicts().filter(|conflict| !known.contains(conflict)).collect();
            for conflict in &new {
                let is_same =
                    |other: &&Conflict| (&other.pair, &other.field) == (&conflict.pair, &conflict.field);
                if !known.iter().any(|other| is_same(&other)) {
                    let (account, pair) = (state.account().clone(), conflict.pair.to_string());
                    events::ItemConflict { account, pair, field: conflict.field.to_string() }.emit();
                }
                changes.set_conflict(conflict);
            }
            self.note_conflicts(step, new, (run, now), &mut changes);
        }
        Ok(state.commit(changes).await?)
    }

    /// What belongs together at the end of a run, in one commit: the cursors, and that each item they passed is applied, parked or
    /// waits for a person. A run that was halted leaves the cursors where they were.
    pub(super) async fn finish(
        &self,
        plan: &Plan,
        observed: &Observed,
        applied: &Applied,
        hold: Option<&Hold>,
        (run, now): (&str, Timestamp),
    ) -> Result<(), EngineError> {
        let state = self.state();
        let mut changes = state.changes();
        self.note_waiting(plan, applied, (run, now), &mut changes)?;
        note_arrived(plan, observed, &self.settings().policy.mapping, &mut changes);
        self.report_full(&state.parked()?, applied);
        // A write of this run may have been begun under the same key and be in doubt itself.
        for intent in state.intents()?.iter().filter(|intent| observed.settled.contains(intent)) {
            let is_noted = match intent.kind {
                // What stays alone for it was not noted by a run that was halted: the next one must know it for what it is.
                IntentKind::Create => applied.halted.is_none() || state.pair(&intent.pair)?.is_some(),
                // What it replaced is noted when the record can be seen again.
                IntentKind::Update => {
                    !is_out_of_sight(observed, intent) || state.pair(&intent.pair)?.is_none()
                }
                IntentKind::Delete | IntentKind::Extend => true,
            };
            if is_noted {
                changes.remove_intent(&intent.pair, intent.side);
            }
        }
        for parked in applied.parked.values() {
            changes.set_parked(parked);
        }
        if applied.halted.is_none() {
            self.release(plan, observed, applied, now, &mut changes)?;
            self.remember(plan, observed, applied, now, &mut changes)?;
            if hold.is_some() {
                changes.remove_hold();
                for pair in state.held(HeldBy::Cycle)? {
                    changes.remove_held(HeldBy::Cycle, &pair);
                }
            }
            if let Some(cursor) = &observed.addresses.cursor
                && state.address_cursor()?.as_ref() != Some(cursor)
            {
                changes.set_address_cursor(cursor);
            }
            if state.cursors()? != observed.cursors {
                changes.set_cursors(&observed.cursors);
            }
        }
        if let Some(hold) = hold.filter(|_| applied.halted.is_some()) {
            // What was approved and not reached yet stays approved.
            changes.set_hold(&Hold { digest: digest(plan, &applied.destroyed), ..hold.clone() });
        }
        let progress = Progress { last_success: Some(now), last_error: None, had_first_sync: true };
        if applied.halted.is_none() && self.is_due(&progress, &changes)? {
            changes.set_progress(&progress);
        }
        self.note_exhaustion(applied, now, &mut changes)?;
        state.commit(changes).await?;
        Ok(())
    }

    /// Writes to Google rest longer each time that its contact storage refuses them, and no longer once it takes one.
    fn note_exhaustion(
        &self,
        applied: &Applied,
        now: Timestamp,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let state = self.state();
        let before = state.exhausted()?;
        if applied.is_exhausted {
            let progressed = applied.google != Counts::default();
            let strikes = before.filter(|_| !progressed).map_or(0, |before| before.strikes).saturating_add(1);
            let until = now.checked_add(rest(strikes, state.account())).unwrap_or(now);
            changes.set_exhausted(&Exhausted { until, strikes });
            events::GoogleExhausted { account: state.account().clone(), strikes, until: until.to_string() }
                .emit();
        } else if before.is_some() && applied.google != Counts::default() {
            changes.remove_exhausted();
        }
        Ok(())
    }

    /// Parked pairs that were looked at and need to wait no longer, and links that were carried out or have lost a record.
    fn release(
        &self,
        plan: &Plan,
        observed: &Observed,
        applied: &Applied,
        now: Timestamp,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let state = self.state();
        let is_looked_at = |pair: &PairId| {
            observed.retried.iter().any(|parked| parked.pair == *pair)
                || plan.steps.iter().any(|step| step.pair == *pair)
        };
        let known = state.parked()?;
        for parked in &known {
            let is_hidden = parked.dafater.as_ref().is_some_and(|(name, _)| observed.hidden.contains(name));
            if is_hidden && is_looked_at(&parked.pair) && !applied.parked.contains_key(&parked.pair) {
                // Nothing else will ever bring it up again: a document that comes back into sight is not changed by that.
                let attempts = parked.attempts.saturating_add(1);
                let next = now.checked_add(Patience::Long.delay(attempts)).unwrap_or(now);
                let reason = HIDDEN.to_owned();
                changes.set_parked(&Parked { attempts, next, reason, ..parked.clone() });
                continue;
            }
            // A full read looks at everything, also at an echo that has not died away.
            let is_echo = observed.echoes.iter().any(|echo| echo.pair == parked.pair);
            let is_oversized =
                observed.oversized.parked.iter().any(|oversized| oversized.pair == parked.pair);
            let stays = is_echo || is_oversized || applied.parked.contains_key(&parked.pair);
            if is_looked_at(&parked.pair) && !stays {
                changes.remove_parked(&parked.pair);
            }
        }
        for oversized in observed.oversized.parked.iter().filter(|oversized| !known.contains(oversized)) {
            changes.set_parked(oversized);
        }
        for loose in &observed.oversized.loose {
            changes.set_loose(loose);
        }
        for echo in observed.echoes.iter().filter(|echo| !known.contains(echo)) {
            changes.set_parked(echo);
        }
        for (google, dafater) in &observed.snapshot.decisions.links {
            changes.remove_link(google, dafater);
        }
        for record in &observed.snapshot.decisions.apart {
            // One that waits for its counterpart to be made is still somebody of its own.
            let waits = state.loose(record)?.is_some_and(|loose| loose.why == LooseReason::Parked);
            // One that is deleted is nobody's double. What the site hides may come back.
            let is_gone = !stands(observed, record);
            if !waits && (applied.parked.is_empty() || is_gone) {
                changes.remove_apart(record);
            }
        }
        Ok(())
    }

    /// Records that stay alone, questions and conflicts, and memories of deletions.
    fn remember(
        &self,
        plan: &Plan,
        observed: &Observed,
        applied: &Applied,
        now: Timestamp,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let state = self.state();
        for loose in &plan.loose {
            changes.set_loose(loose);
        }
        let asked: BTreeSet<&RecordId> = plan.reviews.iter().map(|review| &review.record).collect();
        let known = state.reviews()?;
        for review in &plan.reviews {
            let mut review = review.clone();
            review.candidates.truncate(MOST_CANDIDATES);
            if !known.contains(&review) {
                changes.set_review(&review);
            }
        }
        let looked_at = observed
            .snapshot
            .google
            .iter()
            .map(|alone| RecordId::Google(alone.record.source_id.clone()))
            .chain(
                observed.snapshot.dafater.iter().map(|alone| RecordId::Dafater(alone.record.name.clone())),
            );
        let answered: BTreeSet<RecordId> = looked_at.filter(|record| !asked.contains(record)).collect();
        for review in known.iter().filter(|review| answered.contains(&review.record)) {
            changes.remove_review(&review.record);
        }
        for record in &observed.vanished {
            if state.loose(record)?.is_some() {
                changes.remove_loose(record);
                changes.remove_review(record);
            }
        }
        for unlinked in state.unlinked()? {
            let mut seen = observed.snapshot.pairs.iter().filter(|view| view.pair.id == unlinked.pair);
            let is_linked =
                seen.any(|view| view.dafater.present().is_some_and(|document| !document.links.is_empty()));
            if is_linked || state.pair(&unlinked.pair)?.is_none() {
                changes.remove_unlinked(&unlinked.pair);
            }
        }
        self.remember_conflicts(plan, observed, applied, changes)?;
        for (source, revision) in &observed.deleted {
            let record = RecordId::Google(source.clone());
            if state.tombstone(&record)?.is_none_or(|known| known.revision != *revision) {
                changes.set_tombstone(&Tombstone { record, revision: revision.clone(), at: now });
            }
        }
        Ok(())
    }

    /// Conflicts that are over: decided, or nobody's any more.
    fn remember_conflicts(
        &self,
        plan: &Plan,
        observed: &Observed,
        applied: &Applied,
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let open: Vec<_> = plan.steps.iter().flat_map(Step::conflicts).collect();
        // A decision whose write failed has yet to be carried out.
        let is_done = |step: &&Step| !applied.parked.contains_key(&step.pair);
        let merged: BTreeSet<_> = plan.steps.iter().filter(is_done).map(|step| &step.pair).collect();
        for conflict in &self.state().conflicts()? {
            let is_open =
                open.iter().any(|other| (&other.pair, &other.field) == (&conflict.pair, &conflict.field));
            let is_over = merged.contains(&conflict.pair)
                || is_settled(conflict, observed, &self.settings().policy.mapping);
            if is_over && !is_open {
                changes.remove_conflict(&conflict.pair, &conflict.field);
            }
        }
        Ok(())
    }

    /// Whether the time of success must be saved: with any other change, after a failure, or when the saved one grows old.
    fn is_due(&self, progress: &Progress, changes: &Changes) -> Result<bool, EngineError> {
        let saved = self.state().progress()?;
        let age = saved.last_success.map(|last| progress.last_success.unwrap_or(last).duration_since(last));
        Ok(!changes.is_empty()
            || saved.last_error.is_some()
            || !saved.had_first_sync
            || age.is_none_or(|age| age >= SUCCESS_SAVED_EVERY))
    }
}

/// Whether a record in no pair is seen to stand, or hidden by the site.
fn stands(observed: &Observed, record: &RecordId) -> bool {
    match record {
        RecordId::Google(source) => {
            observed.snapshot.google.iter().any(|alone| alone.record.source_id == *source)
        }
        RecordId::Dafater(name) => {
            observed.hidden.contains(name)
                || observed.snapshot.dafater.iter().any(|alone| alone.record.name == *name)
        }
    }
}

/// Whether both sides are seen to say the same where they differed: a run carried the decision out, and ended before it could say so.
fn is_settled(conflict: &Conflict, observed: &Observed, mapping: &Mapping) -> bool {
    let view = observed.snapshot.pairs.iter().find(|view| view.pair.id == conflict.pair);
    let both = view.and_then(|view| Some((view.google.present()?, view.dafater.present()?)));
    both.is_some_and(|(google, dafater)| {
        google.contact(mapping).agrees_on(&conflict.field, &dafater.contact(mapping))
    })
}

/// Whether the record that a write of an earlier run was for is known of and cannot be seen as it is now.
fn is_out_of_sight(observed: &Observed, intent: &Intent) -> bool {
    let view = observed.snapshot.pairs.iter().find(|view| view.pair.id == intent.pair);
    view.is_some_and(|view| match intent.side {
        Side::Google => matches!(view.google, Sighting::Stale | Sighting::Unseen),
        Side::Dafater => matches!(view.dafater, Sighting::Stale | Sighting::Unseen),
    })
}

/// Writes of an earlier run whose answer was lost: deletions that are seen to have happened, and updates after which the record is
/// not as it was, though it does not say what they wrote either. What they replaced is kept.
fn note_arrived(plan: &Plan, observed: &Observed, mapping: &Mapping, changes: &mut Changes) {
    let is_gone = |pair: &PairId| {
        let mut steps = plan.steps.iter().filter(|step| step.pair == *pair);
        steps.any(|step| matches!(step.action, Action::Forget))
    };
    for intent in observed.settled.iter().filter(|intent| intent.kind == IntentKind::Delete) {
        if is_gone(&intent.pair) {
            changes.add_history(&intent.pair, &intent.entry);
        }
    }
    let is_redeemed = |intent: &Intent| observed.redeemed.iter().any(|pair| pair.id == intent.pair);
    let updates = observed.settled.iter().filter(|intent| intent.kind == IntentKind::Update);
    for intent in updates.filter(|intent| !is_redeemed(intent)) {
        let view = observed.snapshot.pairs.iter().find(|view| view.pair.id == intent.pair);
        let now = view.and_then(|view| match intent.side {
            Side::Google => view.google.present().map(|person| person.contact(mapping)),
            Side::Dafater => view.dafater.present().map(|document| document.contact(mapping)),
        });
        if now.is_some() && now != intent.entry.before {
            changes.add_history(&intent.pair, &intent.entry);
        }
    }
}
