//! Changes labels: each with as few calls as there can be.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::json;

use super::plan::{LabelPlan, LabelStep};
use super::rest_after;
use crate::execute::notes::Note;
use crate::execute::observe::Memory;
use crate::execute::{AccountEngine, EngineError};
use crate::google::{GroupName, MAX_MEMBERS};
use crate::mapping::ResourceName;
use crate::remote::Disposition;
use crate::state::{Changes, Owed};
use crate::sync::{LabelId, PairId, Worn};

/// Entries in one commit.
const CHUNK: usize = 500;

/// One contact that joins or leaves one label.
#[derive(Debug, Clone, Copy)]
struct Move<'a> {
    step: &'a LabelStep,
    joins: bool,
}

impl AccountEngine {
    /// Writes down what becomes of labels, before anything is sent.
    pub(in crate::execute) async fn begin_labels(
        &self,
        labels: &LabelPlan,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        // A receipt makes what was read the base, and then it is no news any more.
        self.note_labels(labels).await?;
        let state = self.state();
        let known: BTreeMap<PairId, Owed> =
            state.owed_labels()?.into_iter().map(|owed| (owed.pair.clone(), owed)).collect();
        let mut owed = Vec::new();
        for step in &labels.steps {
            let (add, remove) = (step.relabel.add.clone(), step.relabel.remove.clone());
            let resource = Some(step.resource.clone());
            owed.push(Owed { pair: step.pair.clone(), resource, add, remove, at: now });
        }
        for (pair, relabel) in &labels.created {
            let (add, remove) = (relabel.add.clone(), BTreeSet::new());
            owed.push(Owed { pair: pair.clone(), resource: None, add, remove, at: now });
        }
        for pair in &labels.postponed {
            if !owed.iter().any(|owed| owed.pair == *pair) {
                owed.push(Owed::look_again(pair.clone(), now));
            }
        }
        // What was begun before keeps its time: it may have happened then.
        let is_new = |owed: &&Owed| {
            known.get(&owed.pair).is_none_or(|known| {
                (&known.resource, &known.add, &known.remove) != (&owed.resource, &owed.add, &owed.remove)
            })
        };
        let is_empty = |owed: &Owed| owed.add.is_empty() && owed.remove.is_empty();
        let owed: Vec<Owed> = owed
            .into_iter()
            .filter(|owed| is_new(&owed) && !(is_empty(owed) && known.contains_key(&owed.pair)))
            .collect();
        for chunk in owed.chunks(CHUNK) {
            let mut changes = state.changes();
            for owed in chunk {
                changes.set_owed(owed);
            }
            state.commit(changes).await?;
        }
        Ok(())
    }

    /// Changes labels; returns how many contacts have others than before. What fails stays written down and is tried again.
    pub(in crate::execute) async fn relabel(
        &self,
        labels: &LabelPlan,
        memory: &mut Memory,
        (run, now): (&str, Timestamp),
        undoes: Option<&str>,
    ) -> Result<u32, EngineError> {
        self.note_labels(labels).await?;
        if labels.is_waiting {
            return Ok(0);
        }
        let mut by_label: BTreeMap<&LabelId, Vec<Move<'_>>> = BTreeMap::new();
        let mut open: BTreeMap<&PairId, usize> = BTreeMap::new();
        for step in &labels.steps {
            let joins = step.relabel.add.iter().map(|label| (label, true));
            for (label, joins) in joins.chain(step.relabel.remove.iter().map(|label| (label, false))) {
                by_label.entry(label).or_default().push(Move { step, joins });
                *open.entry(&step.pair).or_default() += 1;
            }
        }
        // What did not happen after all.
        let mut void: BTreeSet<(&PairId, &LabelId)> = BTreeSet::new();
        let mut done = 0;
        for (label, moves) in by_label {
            for chunk in moves.chunks(MAX_MEMBERS) {
                if self.is_cancelled() {
                    return Ok(done);
                }
                let names = |joins: bool| -> Vec<ResourceName> {
                    chunk
                        .iter()
                        .filter(|one| one.joins == joins)
                        .map(|one| one.step.resource.clone())
                        .collect()
                };
                let group = GroupName(label.0.clone());
                match self.parts.google.modify_members(&group, &names(true), &names(false)).await {
                    Ok(answer) => {
                        memory.labels_rest.attempts = 0;
                        for one in chunk {
                            let is_void = answer.not_found.contains(&one.step.resource)
                                || !one.joins && answer.last_label.contains(&one.step.resource);
                            if is_void {
                                void.insert((&one.step.pair, label));
                            }
                        }
                    }
                    // The label was deleted meanwhile; the next look at all labels says so.
                    Err(error) if error.disposition() == Disposition::Gone => {
                        memory.labels = None;
                        void.extend(chunk.iter().map(|one| (&one.step.pair, label)));
                    }
                    Err(error) => {
                        let rest = &mut memory.labels_rest;
                        rest.until = now.checked_add(rest_after(&error, rest.attempts)).ok();
                        rest.attempts = rest.attempts.saturating_add(1);
                        self.labels_failed(&error.to_string());
                        return Ok(done);
                    }
                }
                let mut changes = self.state().changes();
                for one in chunk {
                    let Some(left) = open.get_mut(&one.step.pair) else { continue };
                    *left = left.saturating_sub(1);
                    if *left == 0 {
                        let is_done = |label: &LabelId| !void.contains(&(&one.step.pair, label));
                        done +=
                            self.relabelled(labels, one.step, is_done, (run, now), undoes, &mut changes)?;
                    }
                }
                self.state().commit(changes).await?;
            }
        }
        Ok(done)
    }

    /// The receipt of one contact: what is remembered, and the history.
    fn relabelled(
        &self,
        labels: &LabelPlan,
        step: &LabelStep,
        is_done: impl Fn(&LabelId) -> bool,
        (run, at): (&str, Timestamp),
        undoes: Option<&str>,
        changes: &mut Changes,
    ) -> Result<u32, EngineError> {
        let state = self.state();
        changes.remove_owed(&step.pair);
        let mut relabel = step.relabel.clone();
        relabel.add.retain(&is_done);
        relabel.remove.retain(&is_done);
        // One that could not be put on was not put on by us.
        relabel.after.put.retain(|label, _| !step.relabel.add.contains(label) || is_done(label));
        if state.pair(&step.pair)?.is_some() || state.has_left(&step.pair)? {
            changes.set_worn(&step.pair, &relabel.after);
        }
        if !relabel.is_write() {
            return Ok(0);
        }
        let note = Note {
            run,
            at,
            action: "label",
            google: step.google.clone(),
            dafater: step.dafater.clone(),
            title: step.title.clone(),
            reason: match undoes {
                Some(run) => format!("run {run} was undone"),
                None => step.reason.clone(),
            },
            changes: labels.changes(&relabel, &step.reason),
            undoes: undoes.map(str::to_owned),
        };
        let mut entry = note.entry(state.account());
        entry.image = Some(json!({ "added": relabel.add, "removed": relabel.remove }).to_string());
        changes.add_history(&step.pair, &entry);
        Ok(1)
    }

    /// What is remembered without any write.
    async fn note_labels(&self, labels: &LabelPlan) -> Result<(), EngineError> {
        let state = self.state();
        let noted: Vec<_> = labels.noted.iter().collect();
        for chunk in noted.chunks(CHUNK) {
            let mut changes = state.changes();
            for &(pair, worn) in chunk {
                if state.pair(pair)?.is_some() && state.worn(pair)?.as_ref() != Some(worn) {
                    changes.set_worn(pair, worn);
                }
            }
            state.commit(changes).await?;
        }
        for chunk in labels.settled.chunks(CHUNK) {
            let mut changes = state.changes();
            for pair in chunk {
                changes.remove_owed(pair);
            }
            state.commit(changes).await?;
        }
        Ok(())
    }
}

/// What is remembered of a contact that was created with its labels.
pub(in crate::execute) fn worn_at_birth(
    relabel: Option<&crate::sync::Relabel>,
    label: Option<&String>,
    source: &crate::mapping::SourceId,
    now: Timestamp,
) -> Option<Worn> {
    let mut worn = relabel.map(|relabel| relabel.after.clone()).unwrap_or_default();
    worn.source = Some(source.clone());
    worn.put.extend(label.map(|label| (LabelId(label.clone()), now)));
    (!worn.put.is_empty() || !worn.dealt.is_empty()).then_some(worn)
}
