//! What a person decides about one contact: which value counts, who is who. Each decision is noted in the history; the next cycle
//! carries it out.

use super::account::run_id;
use super::notes::Note;
use super::{AccountEngine, EngineError};
use crate::sync::{Conflict, Loose, LooseReason, Pair, RecordId, Side};

impl AccountEngine {
    /// Decides the conflict `id` in favour of `side`.
    pub(super) async fn resolve_conflict(&self, id: &str, side: Side) -> Result<(), EngineError> {
        let state = self.state();
        let conflict = state.conflicts()?.into_iter().find(|conflict| conflict_id(conflict) == id);
        let Some(conflict) = conflict else {
            let message = format!("account {} has no open conflict {id}", state.account());
            return Err(EngineError::unknown(message, "see `dafater-contactsd conflicts list`"));
        };
        let at = self.parts.clock.now();
        let mut changes = state.changes();
        if let Some(pair) = state.pair(&conflict.pair)? {
            let note = Note {
                run: &run_id(at),
                at,
                action: "resolve",
                title: pair.dafater.contact.title(),
                google: Some(RecordId::Google(pair.google.source_id)),
                dafater: Some(RecordId::Dafater(pair.dafater.name)),
                reason: format!("a person decided that {} goes to {side}", conflict.field),
                changes: Vec::new(),
                undoes: None,
            };
            changes.add_history(&pair.id, &note.entry(state.account()));
        }
        // What waits for its time is tried at once.
        changes.remove_parked(&conflict.pair);
        changes.set_conflict(&Conflict { resolution: Some(side), ..conflict });
        Ok(state.commit(changes).await?)
    }

    /// Declares two records to be the same person.
    pub(super) async fn declare_same(
        &self,
        google: &RecordId,
        dafater: &RecordId,
    ) -> Result<(), EngineError> {
        let state = self.state();
        let at = self.parts.clock.now();
        let mut changes = state.changes();
        for (record, other) in [(google, dafater), (dafater, google)] {
            let loose = self.standing_alone(record)?;
            let reason = format!("a person declared it to be the same as {other}");
            self.note_record(record, Some(&loose), "declare", reason, (&run_id(at), at), &mut changes);
            changes.remove_apart(record);
        }
        changes.set_link(google, dafater);
        Ok(state.commit(changes).await?)
    }

    /// Leaves a record alone for good; or, if it is only in doubt to whom it belongs, unlinked.
    pub(super) async fn leave_alone(&self, record: &RecordId) -> Result<(), EngineError> {
        let state = self.state();
        for unlinked in state.unlinked()? {
            if let Some(pair) = state.pair(&unlinked.pair)?
                && RecordId::Dafater(pair.dafater.name.clone()) == *record
            {
                return self.leave_unlinked(&pair).await;
            }
        }
        let loose = self.standing_alone(record)?;
        let at = self.parts.clock.now();
        let mut changes = state.changes();
        let reason = "a person decided that it is left alone".to_owned();
        self.note_record(record, Some(&loose), "skip", reason, (&run_id(at), at), &mut changes);
        changes.set_loose(&Loose { why: LooseReason::Skipped, ..loose });
        changes.remove_review(record);
        changes.remove_apart(record);
        Ok(state.commit(changes).await?)
    }

    async fn leave_unlinked(&self, pair: &Pair) -> Result<(), EngineError> {
        let state = self.state();
        let at = self.parts.clock.now();
        let note = Note {
            run: &run_id(at),
            at,
            action: "skip",
            title: pair.dafater.contact.title(),
            google: Some(RecordId::Google(pair.google.source_id.clone())),
            dafater: Some(RecordId::Dafater(pair.dafater.name.clone())),
            reason: "a person decided that it is linked to nobody".to_owned(),
            changes: Vec::new(),
            undoes: None,
        };
        let mut changes = state.changes();
        changes.add_history(&pair.id, &note.entry(state.account()));
        changes.remove_unlinked(&pair.id);
        Ok(state.commit(changes).await?)
    }

    /// Declares a record to be somebody of its own, and so whoever it alone could have been.
    pub(super) async fn declare_apart(&self, record: &RecordId) -> Result<(), EngineError> {
        let state = self.state();
        let loose = self.standing_alone(record)?;
        let at = self.parts.clock.now();
        let mut changes = state.changes();
        let reason = "a person decided that it is somebody of its own".to_owned();
        self.note_record(record, Some(&loose), "separate", reason, (&run_id(at), at), &mut changes);
        // Nobody has to be asked any more where there was only this question.
        let answered = state
            .reviews()?
            .into_iter()
            .filter(|review| review.candidates.iter().all(|candidate| candidate == record))
            .map(|review| review.record);
        for record in std::iter::once(record.clone()).chain(answered) {
            if let Some(loose) = state.loose(&record)? {
                changes.set_loose(&Loose { why: LooseReason::Review, ..loose });
            }
            changes.set_apart(&record);
        }
        Ok(state.commit(changes).await?)
    }

    fn standing_alone(&self, record: &RecordId) -> Result<Loose, EngineError> {
        let state = self.state();
        state.loose(record)?.ok_or_else(|| {
            let message = format!("account {} knows no record {record} that stands alone", state.account());
            EngineError::unknown(message, "see `dafater-contactsd review list`")
        })
    }
}

/// By which people name a conflict: the pair, and the field without blanks.
pub(super) fn conflict_id(conflict: &Conflict) -> String {
    format!("{}-{}", conflict.pair, conflict.field.to_string().replace(' ', "-"))
}
