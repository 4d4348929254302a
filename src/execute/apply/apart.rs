//! The end of a pair that a run made and that is put back: two records that are two again.
//!
//! Law: a pair is taken apart in the commit that notes the last write to its records. From the first one on it stands as when its records
//! met, so that no moment at which an undo may end leaves a pair whose sides differ and never changed.

use jiff::Timestamp;

use super::Executor;
use super::receipt::Work;
use crate::execute::EngineError;
use crate::execute::notes::Note;
use crate::state::{AccountState, Changes, IntentKind};
use crate::sync::{Loose, LooseReason, Pair, RecordId, Side};

impl Executor<'_> {
    /// From now on nothing is agreed on that the pair made both agree on.
    pub(super) fn begin_apart(&self, work: &Work<'_>, changes: &mut Changes) -> Result<(), EngineError> {
        match work.pair().filter(|pair| self.apart.contains(&pair.id)) {
            Some(pair) => Ok(self.parts.state.put_pair(&pair, changes)?),
            None => Ok(()),
        }
    }

    /// Takes the pair of `work` apart if that is to be done and nothing more is written to its records. Returns whether it was.
    pub(super) fn is_taken_apart(
        &self,
        work: &Work<'_>,
        pair: &Pair,
        changes: &mut Changes,
    ) -> Result<bool, EngineError> {
        if pair.is_owed() || !self.apart.contains(&pair.id) {
            return Ok(false);
        }
        self.part_now(work, pair.clone(), changes)?;
        Ok(true)
    }

    /// After a write was refused: the pair stays as it was where nothing was written, and else its records are two with what they say.
    pub(super) fn end_apart(&self, work: &Work<'_>, changes: &mut Changes) -> Result<(), EngineError> {
        let Some(before) = work.step.before.as_ref().filter(|pair| self.apart.contains(&pair.id)) else {
            return Ok(());
        };
        match work.pair().filter(|_| work.google.is_some() || work.dafater.is_some()) {
            Some(pair) => self.part_now(work, pair, changes),
            None => Ok(self.parts.state.put_pair(before, changes)?),
        }
    }

    /// Whether a pair that is to be taken apart is not, because Google refused its part.
    pub(super) fn stays_together(&self, work: &Work<'_>) -> bool {
        self.apart.contains(&work.step.pair) && work.step.writes(Side::Google) && work.google.is_none()
    }

    fn part_now(&self, work: &Work<'_>, mut pair: Pair, changes: &mut Changes) -> Result<(), EngineError> {
        let Some(undone) = self.undoes else { return Ok(()) };
        if let Some(contact) = work.now(Side::Google) {
            pair.google.contact = contact;
        }
        if let Some(contact) = work.now(Side::Dafater) {
            pair.dafater.contact = contact;
        }
        take_apart(&self.parts.state, pair, undone, (self.run, self.now), changes)
    }
}

/// Takes a pair apart that the run `undone` made; both records stay, alone, and say what `pair` says. An update whose answer was lost, and
/// that shows, is noted with that: nothing tells of it afterwards.
pub(in crate::execute) fn take_apart(
    state: &AccountState,
    pair: Pair,
    undone: &str,
    (run, at): (&str, Timestamp),
    changes: &mut Changes,
) -> Result<(), EngineError> {
    state.drop_pair(&pair.id, changes)?;
    for intent in state.intents()?.iter().filter(|intent| intent.pair == pair.id) {
        let now = match intent.side {
            Side::Google => &pair.google.contact,
            Side::Dafater => &pair.dafater.contact,
        };
        let was = intent.entry.before.as_ref().filter(|_| intent.kind == IntentKind::Update);
        if let (Some(promise), Some(was)) = (&intent.promise, was)
            && promise.has_arrived(intent.side, was, now)
        {
            changes.add_history(&pair.id, &intent.arrived());
        }
    }
    // Of two who are nobody's pair nobody has to decide anything.
    for conflict in state.conflicts()?.iter().filter(|conflict| conflict.pair == pair.id) {
        changes.remove_conflict(&conflict.pair, &conflict.field);
    }
    let why = LooseReason::Skipped;
    let google = RecordId::Google(pair.google.source_id);
    let dafater = RecordId::Dafater(pair.dafater.name);
    let note = Note {
        run,
        at,
        action: "unlink",
        google: Some(google.clone()),
        dafater: Some(dafater.clone()),
        title: pair.dafater.contact.title(),
        reason: format!("run {undone} was undone"),
        changes: Vec::new(),
        undoes: Some(undone.to_owned()),
    };
    changes.add_history(&pair.id, &note.entry(state.account()));
    changes.set_loose(&Loose {
        record: google,
        creation: None,
        resource_name: Some(pair.google.resource_name),
        revision: pair.google.etag.0,
        contact: pair.google.contact,
        why,
    });
    changes.set_loose(&Loose {
        record: dafater,
        creation: Some(pair.dafater.creation),
        resource_name: None,
        revision: pair.dafater.modified.0,
        contact: pair.dafater.contact,
        why,
    });
    Ok(())
}
