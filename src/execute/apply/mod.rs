//! Carries a plan out.
//!
//! Google first, one write at a time as it demands; then the site, a few at a time. Each write is an intent before it leaves and a
//! receipt in the same commit as the base it made. A record that is refused is parked and the others go on; a remote that fails
//! halts the run, and what was done stays done.

mod addresses;
mod apart;
mod dafater;
mod google;
mod history;
mod links;
mod receipt;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

pub(super) use self::apart::take_apart;
pub(super) use self::history::{changes_of, dafater_id, google_id, title_of};
use self::links::Linking;
use self::receipt::Work;
use super::labels::worn_at_birth;
use super::room::NO_ROOM;
use super::settings::{Parts, Settings};
use super::{Counts, EngineError};
use crate::mapping::Document;
use crate::observe::events;
use crate::remote::Disposition;
use crate::state::{Changes, Intent, Owed, Parked, Parted, Tombstone};
use crate::sync::{
    Action, Image, LooseReason, Origin, Pair, PairId, Plan, RecordId, Relabel, Side, Step, linked_doctypes,
};

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) google: Counts,
    pub(super) dafater: Counts,
    pub(super) linked: u32,
    /// Contacts whose labels were changed.
    pub(super) labels: u32,
    /// Photos that were carried.
    pub(super) photos: u32,
    /// Pairs that must be looked at again.
    pub(super) parked: BTreeMap<PairId, Parked>,
    /// Pairs of which a record was deleted or emptied.
    pub(super) destroyed: BTreeSet<PairId>,
    /// Pairs of which a write was refused: what was in doubt before it is in doubt again.
    pub(super) refused: BTreeSet<(PairId, Side)>,
    /// Documents that were created without a counterpart.
    pub(super) documents: BTreeMap<PairId, Document>,
    /// Why the run ended early.
    pub(super) halted: Option<EngineError>,
    /// Google holds no further contact.
    pub(super) is_full: bool,
    /// Google's contact storage refused a write for hours.
    pub(super) is_exhausted: bool,
}

pub(super) struct Executor<'a> {
    pub(super) parts: &'a Parts,
    pub(super) settings: &'a Settings,
    pub(super) run: &'a str,
    pub(super) now: Timestamp,
    /// Resource name of the label for created contacts.
    pub(super) label: Option<String>,
    /// Until when nothing is written to Google.
    pub(super) google_rests: Option<Timestamp>,
    /// How often each pair has failed before.
    pub(super) failures: BTreeMap<PairId, u32>,
    /// Earlier updates that are still in doubt: a write that is refused takes nothing back of them.
    pub(super) doubtful: &'a [Intent],
    /// Earlier updates without a receipt, of which nothing tells yet what they replaced.
    pub(super) unnoted: Vec<&'a Intent>,
    /// Earlier deletions that ended early.
    pub(super) begun: Vec<&'a Intent>,
    pub(super) cancel: &'a CancellationToken,
    /// The run that is put back, if one is.
    pub(super) undoes: Option<&'a str>,
    /// Pairs that it made, and that are taken apart.
    pub(super) apart: BTreeSet<PairId>,
    /// What records looked like that are created anew.
    pub(super) images: &'a BTreeMap<(PairId, Side), Image>,
    /// The labels that contacts are created with.
    pub(super) births: BTreeMap<PairId, Relabel>,
    /// Labels that Google has.
    pub(super) known_labels: BTreeSet<String>,
    pub(super) applied: Mutex<Applied>,
    pub(super) is_halted: AtomicBool,
}

/// Store-only steps in one commit.
const RECORD_CHUNK: usize = 500;

impl Executor<'_> {
    /// Carries `plan` out and tells what came of it.
    pub(super) async fn run(self, plan: &Plan) -> Result<Applied, EngineError> {
        let mut works: Vec<Work<'_>> =
            plan.steps.iter().map(|step| Work::new(step, &self.settings.policy.mapping)).collect();
        self.record(&works).await?;
        if let Some(until) = self.google_rests {
            let (waiting, free): (Vec<_>, Vec<_>) =
                works.into_iter().partition(|work| work.step.writes(Side::Google));
            let linking = self.linking(&free).await?;
            self.write_dafater(free, &linking).await?;
            if !waiting.is_empty() {
                self.halt(EngineError::google_rests(self.parts.state.account(), until));
            }
        } else {
            self.write_google(&mut works).await?;
            let linking = if self.must_stop() { Linking::default() } else { self.linking(&works).await? };
            self.write_dafater(works, &linking).await?;
        }
        let applied = self.applied.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(applied)
    }

    /// Everything that needs no remote: new bases, dissolved pairs.
    async fn record(&self, works: &[Work<'_>]) -> Result<(), EngineError> {
        // Dissolved pairs first: their records may belong to new ones.
        let (joined, dissolved): (Vec<_>, Vec<_>) =
            works.iter().partition(|work| matches!(work.step.action, Action::Merge(_)));
        for chunk in dissolved.chunks(RECORD_CHUNK).chain(joined.chunks(RECORD_CHUNK)) {
            let mut changes = self.parts.state.changes();
            for work in chunk {
                self.record_step(work, &mut changes)?;
            }
            self.parts.state.commit(changes).await?;
        }
        Ok(())
    }

    fn record_step(&self, work: &Work<'_>, changes: &mut Changes) -> Result<(), EngineError> {
        let state = &self.parts.state;
        let step = work.step;
        match &step.action {
            // A pair of two records that exist is remembered even if the writes to it fail: it must not be taken for two people.
            Action::Merge(_) => {
                let is_written_later = step.writes(Side::Google) || step.writes(Side::Dafater);
                if is_written_later && !step.meets() {
                    return Ok(());
                }
                let Some(pair) = work.pair() else { return Ok(()) };
                self.settle(step, &pair, changes)?;
                state.put_pair(&pair, changes)?;
                self.keep_doubts(work, &pair, None, changes);
                if !is_written_later {
                    self.report_withheld(step, &pair, changes);
                }
                if step.links() {
                    self.note(step, None, "link", changes);
                    self.with(|applied| applied.linked += 1);
                } else if step.before.is_none() {
                    self.note(step, None, "find", changes);
                }
            }
            Action::Detach { .. } => {
                state.drop_pair(&step.pair, changes)?;
                self.part(step, changes);
                // Both records are left where a person refused to have one emptied.
                for side in [Side::Google, Side::Dafater] {
                    if let Some(loose) = work.loose(side, LooseReason::Detached) {
                        changes.set_loose(&loose);
                    }
                }
                self.note(step, None, "detach", changes);
            }
            Action::Leave => {
                state.drop_pair(&step.pair, changes)?;
                if let Some(pair) = &step.before {
                    changes.set_left(pair);
                }
                // What is known of its labels and photos holds when it comes back.
                if let Some(worn) = state.worn(&step.pair)? {
                    changes.set_worn(&step.pair, &worn);
                }
                if let Some(pictured) = state.pictured(&step.pair)? {
                    changes.set_pictured(&step.pair, &pictured);
                }
                for side in [Side::Google, Side::Dafater] {
                    if let Some(loose) = work.loose(side, LooseReason::OutOfScope) {
                        changes.set_loose(&loose);
                    }
                }
                self.note(step, None, "leave", changes);
            }
            Action::Forget => {
                state.drop_pair(&step.pair, changes)?;
                self.note(step, None, "forget", changes);
            }
            Action::Postpone => {
                for side in [Side::Google, Side::Dafater] {
                    if let (None, Some(loose)) = (&step.before, work.loose(side, LooseReason::Parked)) {
                        changes.set_loose(&loose);
                    }
                }
                // Room is made by people, in their own time.
                let patience = if step.reason == NO_ROOM { Patience::Long } else { Patience::None };
                self.park(step, step.reason, patience);
            }
            Action::Create { .. } | Action::Delete { .. } => {}
        }
        Ok(())
    }

    /// What no longer applies once a pair stands: that its records stood alone or waited, and what was in doubt.
    fn settle(&self, step: &Step, pair: &Pair, changes: &mut Changes) -> Result<(), EngineError> {
        let records =
            [RecordId::Google(pair.google.source_id.clone()), RecordId::Dafater(pair.dafater.name.clone())];
        if step.meets() {
            for record in &records {
                changes.remove_loose(record);
                changes.remove_review(record);
                changes.remove_tombstone(record);
                changes.remove_apart(record);
            }
            let [google, dafater] = &records;
            changes.remove_link(google, dafater);
            let state = &self.parts.state;
            let by_google = state.left_of_google(&pair.google.source_id)?;
            let by_dafater = state.left_of_dafater(&pair.dafater.creation)?;
            for left in by_google.iter().chain(&by_dafater) {
                changes.remove_left(left, &pair.id);
            }
            changes.remove_parted(&pair.google.source_id, &pair.dafater.creation);
            let account = self.parts.state.account();
            let begun = [
                PairId::from_google(account, &pair.google.source_id),
                PairId::from_dafater(account, &pair.dafater.creation, &pair.dafater.name),
            ];
            for id in begun.iter().chain([&pair.id]) {
                // A record that was deleted, replaced and restored first began the pair that is now another's.
                if *id != pair.id && state.pair(id)?.is_some() {
                    continue;
                }
                changes.remove_intent(id, Side::Google);
                changes.remove_intent(id, Side::Dafater);
                changes.remove_parked(id);
            }
        } else if matches!(pair.origin, Origin::Created(_)) {
            for side in
                [Side::Google, Side::Dafater].into_iter().filter(|side| !self.is_doubtful(&pair.id, *side))
            {
                changes.remove_intent(&pair.id, side);
            }
        }
        self.remember_replaced(step, pair, changes);
        Ok(())
    }

    /// The receipt of a write: the new base, the history, and the end of the intent, for one commit.
    fn receipt(&self, work: &Work<'_>, side: Side, changes: &mut Changes) -> Result<(), EngineError> {
        let step = work.step;
        let entry = self.received(work, side);
        changes.add_history(&step.pair, &entry);
        if let Some(pair) = work.pair() {
            self.settle(step, &pair, changes)?;
            if !self.is_taken_apart(work, &pair, changes)? {
                self.parts.state.put_pair(&pair, changes)?;
                self.keep_doubts(work, &pair, Some(side), changes);
                self.report_withheld(step, &pair, changes);
                self.remember_labels(work, side, changes);
            }
        }
        changes.remove_intent(&step.pair, side);
        if step.destroys() {
            self.with(|applied| applied.destroyed.insert(step.pair.clone()));
        }
        events::ItemPushed {
            account: self.parts.state.account().clone(),
            run: self.run.to_owned(),
            side,
            operation: entry.view.action,
            pair: step.pair.to_string(),
        }
        .emit();
        Ok(())
    }

    /// Remembers the labels that a contact was created with, and that one which was linked now is to be looked at for the labels of its
    /// links: our own write is no news to the next run.
    fn remember_labels(&self, work: &Work<'_>, side: Side, changes: &mut Changes) {
        if side == Side::Dafater && self.settings.policy.push {
            let links = |document: Option<&Document>| document.map(linked_doctypes).unwrap_or_default();
            let (now, before) = (links(work.dafater.as_ref()), links(work.step.dafater.as_ref()));
            if now.difference(&before).any(|doctype| self.settings.labels.contains_key(doctype)) {
                changes.set_owed(&Owed::look_again(work.step.pair.clone(), self.now));
            }
        }
        let (Action::Create { side: Side::Google, .. }, Side::Google) = (&work.step.action, side) else {
            return;
        };
        let id = &work.step.pair;
        let Some(person) = work.google.as_ref().filter(|_| self.is_new(work.step)) else { return };
        let birth = self.births.get(id);
        if let Some(worn) = worn_at_birth(birth, self.label.as_ref(), &person.source_id, self.now) {
            changes.set_worn(id, &worn);
        }
        if birth.is_some() {
            changes.remove_owed(id);
        }
    }

    /// Whether a contact of the step was never there before.
    fn is_new(&self, step: &Step) -> bool {
        !self.images.contains_key(&(step.pair.clone(), Side::Google))
    }

    /// Says what cannot go across, unless it was said before.
    fn report_withheld(&self, step: &Step, pair: &Pair, changes: &mut Changes) {
        let known = step.before.as_ref().map(|before| before.withheld.as_slice()).unwrap_or_default();
        let new: Vec<_> = pair.withheld.iter().filter(|withheld| !known.contains(withheld)).collect();
        for withheld in &new {
            events::ItemWithheld {
                account: self.parts.state.account().clone(),
                pair: pair.id.to_string(),
                side: withheld.from,
                field: withheld.field.to_string(),
                reason: withheld.reason.clone(),
            }
            .emit();
        }
        if !new.is_empty() {
            self.note_withheld(step, &new, changes);
        }
    }

    /// Commits the receipt of one write; `is_effect` tells whether anything was sent.
    async fn receive(&self, work: &Work<'_>, side: Side, is_effect: bool) -> Result<(), EngineError> {
        let mut changes = self.parts.state.changes();
        if is_effect {
            self.receipt(work, side, &mut changes)?;
        } else if let Some(pair) = work.pair()
            && !self.is_taken_apart(work, &pair, &mut changes)?
        {
            self.parts.state.put_pair(&pair, &mut changes)?;
            self.keep_doubts(work, &pair, Some(side), &mut changes);
        }
        Ok(self.parts.state.commit(changes).await?)
    }

    /// The receipt of a deletion.
    fn deleted(&self, work: &Work<'_>, side: Side, changes: &mut Changes) -> Result<(), EngineError> {
        let step = work.step;
        changes.add_history(&step.pair, &self.received(work, side));
        changes.remove_intent(&step.pair, side);
        // By an undo a record is deleted while its counterpart stands: that one stays, alone.
        if let Some(left) = work.loose(side.other(), LooseReason::Detached) {
            changes.set_loose(&left);
        }
        if let Some(pair) = &step.before {
            changes.remove_loose(&match side {
                Side::Google => RecordId::Google(pair.google.source_id.clone()),
                Side::Dafater => RecordId::Dafater(pair.dafater.name.clone()),
            });
            self.parts.state.drop_pair(&pair.id, changes)?;
            self.part(step, changes);
            let (record, revision) = match side {
                Side::Google => (RecordId::Google(pair.google.source_id.clone()), pair.google.etag.0.clone()),
                Side::Dafater => {
                    (RecordId::Dafater(pair.dafater.name.clone()), pair.dafater.modified.0.clone())
                }
            };
            changes.set_tombstone(&Tombstone { record, revision, at: self.now });
        }
        self.with(|applied| applied.destroyed.insert(step.pair.clone()));
        Ok(())
    }

    /// Whether an earlier update of the record is still in doubt.
    fn is_doubtful(&self, pair: &PairId, side: Side) -> bool {
        self.doubted(pair, side).is_some()
    }

    /// The earlier update of the record that is still in doubt.
    fn doubted(&self, pair: &PairId, side: Side) -> Option<&Intent> {
        self.doubtful.iter().find(|intent| (&intent.pair, intent.side) == (pair, side))
    }

    /// Writes down what is about to be sent. An earlier write of the same record, which has no receipt, is noted before it gives way:
    /// if the record is not as it was before it, nothing else tells what was there.
    fn set_intent(&self, work: &Work<'_>, side: Side, changes: &mut Changes) -> Result<(), EngineError> {
        let (pair, mapping) = (&work.step.pair, &self.settings.policy.mapping);
        let now = match side {
            Side::Google => work.step.google.as_ref().map(|person| person.contact(mapping)),
            Side::Dafater => work.step.dafater.as_ref().map(|document| document.contact(mapping)),
        };
        let is_earlier = |intent: &&&Intent| (&intent.pair, intent.side) == (pair, side);
        if let Some(earlier) = self.unnoted.iter().find(is_earlier)
            && now.is_some()
            && now != earlier.entry.before
        {
            changes.add_history(pair, &earlier.entry);
        }
        changes.set_intent(&self.intent(work, side));
        self.begin_apart(work, changes)
    }

    /// Takes back what was written down and provably did not happen; what was in doubt before it is in doubt again.
    fn take_back(&self, work: &Work<'_>, side: Side, changes: &mut Changes) -> Result<(), EngineError> {
        let pair = &work.step.pair;
        self.with(|applied| applied.refused.insert((pair.clone(), side)));
        match self.doubted(pair, side) {
            Some(earlier) => changes.set_intent(&following(earlier, work.step, work.pair().as_ref())),
            None => changes.remove_intent(pair, side),
        }
        self.end_apart(work, changes)
    }

    /// Where the base of a pair moves on, so does what its writes promise that are still in doubt; `written` is the side whose write it was
    /// that moved it.
    fn keep_doubts(&self, work: &Work<'_>, pair: &Pair, written: Option<Side>, changes: &mut Changes) {
        let step = work.step;
        // What both were seen to say settles what was in doubt before they met.
        if step.meets() {
            return;
        }
        for side in [Side::Google, Side::Dafater] {
            // Google is written first: what was in doubt there gave way to that, unless it was refused.
            let is_refused = self.with(|applied| applied.refused.contains(&(pair.id.clone(), side)));
            let gave_way = written == Some(Side::Dafater) && step.writes(side) && !is_refused;
            let is_settled = written == Some(side) || gave_way;
            if let Some(earlier) = self.doubted(&pair.id, side).filter(|_| !is_settled) {
                changes.set_intent(&following(earlier, step, Some(pair)));
            }
        }
    }

    /// Remembers a pair of which a person deleted one record: a deletion can be taken back on either side.
    fn part(&self, step: &Step, changes: &mut Changes) {
        if let Some(pair) = step.before.as_ref().filter(|_| step.google.is_none() || step.dafater.is_none()) {
            changes.set_parted(&Parted { pair: pair.clone(), at: self.now });
        }
    }

    /// Remembers with whom a document was a pair before another contact took the place of that one, which can be restored.
    fn remember_replaced(&self, step: &Step, pair: &Pair, changes: &mut Changes) {
        let former = step.before.as_ref().filter(|former| former.google.source_id != pair.google.source_id);
        if let Some(former) = former {
            changes.set_parted(&Parted { pair: former.clone(), at: self.now });
        }
    }

    /// Puts a pair aside whose write `side` refused, and says so the first time.
    fn reject(&self, step: &Step, side: Side, reason: &str, patience: Patience) {
        if patience == Patience::Long && !self.failures.contains_key(&step.pair) {
            let (account, pair) = (self.parts.state.account().clone(), step.pair.to_string());
            events::ItemRejected { account, pair, side, reason: reason.to_owned() }.emit();
        }
        self.park(step, reason, patience);
    }

    /// Puts a pair aside; it is looked at again when it is due.
    fn park(&self, step: &Step, reason: &str, patience: Patience) {
        let attempts = self.failures.get(&step.pair).copied().unwrap_or(0).saturating_add(1);
        let google = step.google.as_ref().map(|person| (person.source_id.clone(), person.etag.0.clone()));
        let dafater =
            step.dafater.as_ref().map(|document| (document.name.clone(), document.modified.0.clone()));
        let before = step.before.as_ref();
        let parked = Parked {
            pair: step.pair.clone(),
            google: google
                .or_else(|| before.map(|pair| (pair.google.source_id.clone(), pair.google.etag.0.clone()))),
            dafater: dafater
                .or_else(|| before.map(|pair| (pair.dafater.name.clone(), pair.dafater.modified.0.clone()))),
            attempts,
            next: self.now.checked_add(patience.delay(attempts)).unwrap_or(self.now),
            reason: reason.to_owned(),
        };
        self.with(|applied| drop(applied.parked.insert(step.pair.clone(), parked)));
    }

    /// The record whose counterpart could not be made still takes part in matching. One that an undo could not give its counterpart
    /// back stays as alone as it was.
    fn leave_alone(&self, work: &Work<'_>, changes: &mut Changes) {
        if let (Action::Create { side, .. }, None, None) = (&work.step.action, &work.step.before, self.undoes)
            && let Some(loose) = work.loose(side.other(), LooseReason::Parked)
        {
            changes.set_loose(&loose);
        }
    }

    /// Ends the run: nothing more is sent to either remote.
    fn halt(&self, error: EngineError) {
        self.is_halted.store(true, Ordering::Relaxed);
        self.with(|applied| {
            applied.halted.get_or_insert(error);
        });
    }

    fn must_stop(&self) -> bool {
        if self.cancel.is_cancelled() && !self.is_halted.load(Ordering::Relaxed) {
            self.halt(EngineError::stopped());
        }
        self.is_halted.load(Ordering::Relaxed)
    }

    fn with<T>(&self, change: impl FnOnce(&mut Applied) -> T) -> T {
        change(&mut self.applied.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}

/// A write that is in doubt, after the base that it was to move has moved on.
fn following(earlier: &Intent, step: &Step, now: Option<&Pair>) -> Intent {
    let mut intent = earlier.clone();
    if let (Some(promise), Some(before), Some(now)) = (&mut intent.promise, &step.before, now) {
        promise.follow(before, now);
    }
    intent
}

/// How soon a parked pair is looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// In the next cycle: the world moved on, reading again will help.
    None,
    /// Soon: something is expected to become visible.
    Short,
    /// Later and later: the record itself was refused.
    Long,
}

impl Patience {
    /// How patiently a failure with this disposition is treated.
    fn of(disposition: &Disposition) -> Self {
        match disposition {
            Disposition::Stale | Disposition::Gone => Self::None,
            Disposition::InDoubt | Disposition::Unavailable | Disposition::Throttled { .. } => Self::Short,
            Disposition::Refused
            | Disposition::Forbidden
            | Disposition::Protocol
            | Disposition::Unauthorized
            | Disposition::CursorExpired => Self::Long,
        }
    }

    /// How long a pair waits that was put aside so many times.
    pub(super) fn delay(self, attempts: u32) -> SignedDuration {
        let doublings = attempts.saturating_sub(1).min(11);
        match self {
            // A lock that is refused again and again is not helped by haste.
            Self::None if attempts <= 3 => SignedDuration::ZERO,
            // What does not become visible within an hour may never.
            Self::None | Self::Short if attempts <= 8 => {
                SignedDuration::from_secs((15 << doublings.min(6)).min(900))
            }
            Self::None | Self::Short | Self::Long => SignedDuration::from_secs((60 << doublings).min(86_400)),
        }
    }
}

/// Whether a failure concerns more than one record.
fn concerns_all(disposition: &Disposition) -> bool {
    match disposition {
        Disposition::Unavailable
        | Disposition::Throttled { .. }
        | Disposition::Unauthorized
        | Disposition::CursorExpired
        | Disposition::Protocol => true,
        Disposition::InDoubt
        | Disposition::Stale
        | Disposition::Gone
        | Disposition::Refused
        | Disposition::Forbidden => false,
    }
}
