//! What the history tells beside the writes: what was decided about a contact, by whom or by which rule, and why.

use jiff::Timestamp;

use super::apply::{Applied, dafater_id, google_id, title_of};
use super::{AccountEngine, EngineError};
use crate::state::{AccountState, ChangeView, Changes, HistoryEntry, HistoryView};
use crate::sync::{AccountName, Conflict, Loose, PairId, Plan, RecordId, Review, Step};

/// A decision without a write.
pub(super) struct Note<'a> {
    pub(super) run: &'a str,
    pub(super) at: Timestamp,
    pub(super) action: &'static str,
    pub(super) google: Option<RecordId>,
    pub(super) dafater: Option<RecordId>,
    pub(super) title: String,
    pub(super) reason: String,
    pub(super) changes: Vec<ChangeView>,
    pub(super) undoes: Option<String>,
}

impl Note<'_> {
    pub(super) fn entry(self, account: &AccountName) -> HistoryEntry {
        HistoryEntry {
            view: HistoryView {
                account: account.clone(),
                run: self.run.to_owned(),
                at: self.at,
                action: self.action.to_owned(),
                side: None,
                google: self.google,
                dafater: self.dafater,
                title: self.title,
                reason: self.reason,
                changes: self.changes,
                undoes: self.undoes,
            },
            before: None,
            image: None,
            after: None,
            revision: None,
        }
    }
}

impl AccountEngine {
    /// What a run decided and did not write: what it parked and asked.
    pub(super) fn note_waiting(
        &self,
        plan: &Plan,
        applied: &Applied,
        (run, at): (&str, Timestamp),
        changes: &mut Changes,
    ) -> Result<(), EngineError> {
        let state = self.state();
        let known = state.parked()?;
        for step in &plan.steps {
            let Some(parked) = applied.parked.get(&step.pair) else { continue };
            if !known.iter().any(|other| (&other.pair, &other.reason) == (&parked.pair, &parked.reason)) {
                let note = of_step(step, "park", parked.reason.clone(), (run, at));
                changes.add_history(&step.pair, &note.entry(state.account()));
            }
        }
        let asked = state.reviews()?;
        for review in plan.reviews.iter().filter(|review| !asked.contains(review)) {
            let loose = plan.loose.iter().find(|loose| loose.record == review.record).cloned();
            let loose = match loose {
                Some(loose) => Some(loose),
                None => state.loose(&review.record)?,
            };
            self.note_review(review, loose.as_ref(), (run, at), changes);
        }
        Ok(())
    }

    /// Notes the conflicts that a step leaves open.
    pub(super) fn note_conflicts(
        &self,
        step: &Step,
        new: Vec<Conflict>,
        (run, at): (&str, Timestamp),
        changes: &mut Changes,
    ) {
        if new.is_empty() {
            return;
        }
        let reason = "changed on both sides, waits for a person".to_owned();
        let changes_of = new.into_iter().map(|conflict| ChangeView {
            field: conflict.field.to_string(),
            before: conflict.base.unwrap_or_default(),
            after: format!("google: {} | dafater: {}", conflict.google, conflict.dafater),
            reason: String::new(),
        });
        let note = Note { changes: changes_of.collect(), ..of_step(step, "conflict", reason, (run, at)) };
        changes.add_history(&step.pair, &note.entry(self.state().account()));
    }

    fn note_review(
        &self,
        review: &Review,
        loose: Option<&Loose>,
        (run, at): (&str, Timestamp),
        changes: &mut Changes,
    ) {
        let candidates: Vec<String> = review.candidates.iter().map(ToString::to_string).collect();
        let reason = format!("{}; may be {}", review.reason, candidates.join(" or "));
        self.note_record(&review.record, loose, "review", reason, (run, at), changes);
    }

    /// Notes what was decided about a record that stands alone.
    pub(super) fn note_record(
        &self,
        record: &RecordId,
        loose: Option<&Loose>,
        action: &'static str,
        reason: String,
        (run, at): (&str, Timestamp),
        changes: &mut Changes,
    ) {
        let account = self.state().account();
        let note = Note {
            run,
            at,
            action,
            google: matches!(record, RecordId::Google(_)).then(|| record.clone()),
            dafater: matches!(record, RecordId::Dafater(_)).then(|| record.clone()),
            title: loose.map(|loose| loose.contact.title()).unwrap_or_default(),
            reason,
            changes: Vec::new(),
            undoes: None,
        };
        changes.add_history(&begun(self.state(), record, loose), &note.entry(account));
    }
}

fn of_step<'a>(
    step: &Step,
    action: &'static str,
    reason: String,
    (run, at): (&'a str, Timestamp),
) -> Note<'a> {
    Note {
        run,
        at,
        action,
        google: google_id(step),
        dafater: dafater_id(step),
        title: title_of(step),
        reason,
        changes: Vec::new(),
        undoes: None,
    }
}

/// The pair that a record would begin.
fn begun(state: &AccountState, record: &RecordId, loose: Option<&Loose>) -> PairId {
    match record {
        RecordId::Google(source) => PairId::from_google(state.account(), source),
        RecordId::Dafater(name) => {
            let creation = loose.and_then(|loose| loose.creation.clone());
            let unknown = || crate::mapping::SiteStamp(String::new());
            PairId::from_dafater(state.account(), &creation.unwrap_or_else(unknown), name)
        }
    }
}
