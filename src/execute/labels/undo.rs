//! Puts the labels of a run back.
//!
//! Law: what somebody changed since is left alone. Whether a label that a run put on is still the sync's own is in the memory of its contact.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::plan::{LabelPlan, LabelStep};
use crate::execute::observe::Memory;
use crate::execute::wanted::Wanted;
use crate::execute::{AccountEngine, EngineError, UndoRequest};
use crate::state::HistoryView;
use crate::sync::{LabelId, PairId, Relabel};

/// What a run did with the labels of one contact.
#[derive(Debug, Clone)]
pub(in crate::execute) struct LabelDeed {
    pair: PairId,
    view: HistoryView,
    moved: Moved,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Moved {
    added: BTreeSet<LabelId>,
    removed: BTreeSet<LabelId>,
}

impl AccountEngine {
    /// What a run did with labels.
    pub(in crate::execute) fn label_deeds(
        &self,
        request: &UndoRequest,
    ) -> Result<Vec<LabelDeed>, EngineError> {
        let wanted = Wanted::new(self.state(), request.contact.as_deref())?;
        let mut deeds = Vec::new();
        for deed in self.state().deeds(Some(&request.run)) {
            let (pair, entry) = deed?;
            if entry.view.action != "label" || !wanted.covers(&entry.view) {
                continue;
            }
            let moved = entry.image.as_deref().and_then(|image| serde_json::from_str(image).ok());
            deeds.push(LabelDeed { pair, view: entry.view, moved: moved.unwrap_or_default() });
        }
        Ok(deeds)
    }

    /// The labels of a run, put back.
    pub(in crate::execute) async fn undo_labels(
        &self,
        deeds: Vec<LabelDeed>,
        memory: &mut Memory,
        now: Timestamp,
    ) -> Result<LabelPlan, EngineError> {
        let mut labels = LabelPlan::default();
        if deeds.is_empty() || !self.configured.policy.push {
            return Ok(labels);
        }
        self.read_labels(memory, now).await?;
        let book = memory.labels.get_or_insert_default();
        for LabelDeed { pair: id, view, moved } in deeds {
            let (Some(pair), Some(worn)) = (self.state().pair(&id)?, self.state().worn(&id)?) else {
                continue;
            };
            if worn.source.as_ref() != Some(&pair.google.source_id) {
                continue;
            }
            let mut relabel = Relabel { after: worn.clone(), ..Relabel::default() };
            for label in moved.added.into_iter().filter(|label| worn.put.contains_key(label)) {
                relabel.after.put.remove(&label);
                relabel.after.taken.insert(label.clone(), now);
                relabel.remove.insert(label);
            }
            for label in
                moved.removed.into_iter().filter(|label| !worn.put.contains_key(label) && book.has(label))
            {
                relabel.after.put.insert(label.clone(), now);
                relabel.after.taken.remove(&label);
                relabel.add.insert(label);
            }
            if !relabel.is_write() {
                continue;
            }
            for label in relabel.add.iter().chain(&relabel.remove) {
                labels.names.insert(label.clone(), book.name(label).to_owned());
            }
            labels.steps.push(LabelStep {
                pair: id,
                google: view.google,
                dafater: view.dafater,
                title: view.title,
                resource: pair.google.resource_name,
                relabel,
                reason: "the run changed its labels".to_owned(),
            });
        }
        Ok(labels)
    }
}
