//! Puts a run back: from the history of the run to a plan of its own, which goes the way of every plan.
//!
//! Law: an undo is a run. It is guarded, journalled and kept in the history like any other, so that it can be undone in turn; and
//! what it leaves is a base on which the next cycle has nothing to do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::account::run_id;
use super::apply::{Applied, Executor, take_apart};
use super::observe::{Memory, Observer};
use super::wanted::Wanted;
use super::{AccountEngine, EngineError, LeftView, StepView, UndoRequest, UndoView, show};
use crate::mapping::Document;
use crate::state::{HeldBy, HistoryEntry, HistoryView, Hold, HoldDecision, Intent, IntentKind, UndoHold};
use crate::sync::guard::{Approval, Verdict, digest, judge};
use crate::sync::matching::{Candidate, Standing, find};
use crate::sync::{
    Action, Alone, Deed, DeedKind, LeftAlone, PairId, Plan, RecordId, Side, Snapshot, Step, Undo,
};

/// Labels that every Google account has.
const SYSTEM_LABELS: [&str; 2] = ["contactGroups/myContacts", "contactGroups/starred"];

/// What a run did, and what cannot be put back whatever the records say now.
#[derive(Default)]
struct Deeds {
    by_pair: BTreeMap<PairId, Vec<Deed>>,
    left: Vec<LeftAlone>,
}

impl AccountEngine {
    /// Puts back what `request` names.
    pub(super) async fn put_back(&self, request: &UndoRequest) -> Result<UndoView, EngineError> {
        let mut memory = self.memory.lock().await;
        let now = self.parts.clock.now();
        let run = run_id(now);
        let deeds = self.deeds(request)?;
        let snapshot = self.look_at_deeds(&deeds, now, &mut memory).await?;
        let settings = self.settings();
        let mut undo = Undo::compute(&snapshot, &settings.policy, &deeds.by_pair);
        undo.left.splice(..0, deeds.left.iter().cloned());

        let hold = self.state().undo_hold()?.filter(|hold| hold.is_for(request));
        let is_approved =
            hold.as_ref().is_some_and(|held| held.hold.decision == Some(HoldDecision::Approved));
        let pairs = if is_approved { self.state().held(HeldBy::Undo)? } else { BTreeSet::new() };
        let approval = Approval { pairs, ..Approval::default() };
        let verdict = judge(&undo.plan, snapshot.total_pairs, false, &settings.policy, &approval);
        let mut view = self.view(request, &undo, &verdict);
        let labels = self.undo_labels(self.label_deeds(request)?, &mut memory, now).await?;
        view.steps.extend(labels.views(&undo.plan));
        if request.dry_run {
            return Ok(view);
        }
        if let Verdict::Hold { reason, .. } = verdict {
            self.hold_undo(request, &undo.plan, reason, hold.as_ref(), now).await?;
            return Ok(view);
        }
        self.begin_labels(&labels, now).await?;
        self.begin_policy(&self.fingerprint()).await?;
        let (mut applied, moved) = self.carry_out(request, &run, now, &undo, &snapshot, &mut memory).await?;
        if applied.halted.is_none() {
            let undoes = Some(request.run.as_str());
            applied.labels = self.relabel(&labels, &mut memory, (&run, now), undoes).await?;
        }
        self.finish_undo(request, (&run, now), &undo, (&applied, &snapshot), hold.as_ref()).await?;
        self.move_history(&run, &moved).await?;
        (view.google, view.dafater) = (applied.google, applied.dafater);
        let is_written = applied.google != super::Counts::default()
            || applied.dafater != super::Counts::default()
            || applied.labels > 0
            || !undo.apart.is_empty();
        view.run = is_written.then_some(run);
        view.left.extend(undo.plan.steps.iter().filter_map(|step| {
            let parked = applied.parked.get(&step.pair)?;
            let title = super::apply::title_of(step);
            Some(LeftView { title, side: None, field: None, reason: parked.reason.clone() })
        }));
        view.error = applied.halted.map(|error| error.to_string());
        Ok(view)
    }

    /// What the run did, from its history.
    fn deeds(&self, request: &UndoRequest) -> Result<Deeds, EngineError> {
        let state = self.state();
        let later = self.later(&request.run)?;
        let wanted = Wanted::new(state, request.contact.as_deref())?;
        // An update in doubt is no obstacle: what it wrote shows, or the lock of what shows instead is refused.
        let is_obstacle = |intent: &Intent| intent.kind != IntentKind::Update;
        let in_doubt: BTreeSet<PairId> =
            state.intents()?.into_iter().filter(is_obstacle).map(|intent| intent.pair).collect();
        let mut deeds = Deeds::default();
        let mut is_known = false;
        for deed in state.deeds(Some(&request.run)) {
            let (pair, entry) = deed?;
            is_known = true;
            let is_wanted = wanted.covers(&entry.view);
            let Some(deed) = deed_of(entry, |side| later.last(&pair, side)).filter(|_| is_wanted) else {
                continue;
            };
            let obstacle = if in_doubt.contains(&pair) {
                Some("an earlier write of it is in doubt; sync first")
            } else if deed.kind == DeedKind::Delete && later.put_back(&request.run, &pair) {
                Some("put back already")
            } else if deed.kind == DeedKind::Delete && self.has_moved_on(&pair, &deed)? {
                Some("its counterpart has another one by now")
            } else if deed.kind == DeedKind::Link && later.made_anew(&pair) {
                Some("one of the two was made anew since")
            } else {
                None
            };
            match obstacle {
                Some(reason) => {
                    let (side, title) = (Some(deed.side), deed.title);
                    deeds.left.push(LeftAlone { pair, title, side, field: None, reason });
                }
                None => deeds.by_pair.entry(pair).or_default().push(deed),
            }
        }
        if !is_known {
            let message = format!("account {} remembers no run {}", state.account(), request.run);
            return Err(EngineError::unknown(message, "see `dafater-contactsd history`"));
        }
        Ok(deeds)
    }

    /// Whether what is left of a pair that is no more belongs to another pair by now.
    fn has_moved_on(&self, pair: &PairId, deed: &Deed) -> Result<bool, EngineError> {
        let state = self.state();
        if state.pair(pair)?.is_some() {
            return Ok(false);
        }
        if let Some(RecordId::Google(source)) = &deed.google
            && state.pair_of_google(source)?.is_some()
        {
            return Ok(true);
        }
        let Some(RecordId::Dafater(name)) = &deed.dafater else { return Ok(false) };
        let Some(other) = state.pair_of_dafater(name)? else { return Ok(false) };
        // The name alone says little: it may have been given to another person.
        let before = deed.before.clone().unwrap_or_default();
        let one = |contact| [Candidate { contact, standing: Standing::Free }];
        Ok(!find(&one(&before), &one(&other.dafater.contact)).pairs.is_empty())
    }

    /// What later runs did.
    fn later(&self, run: &str) -> Result<Later, EngineError> {
        let mut later = Later::default();
        for deed in self.state().deeds(None) {
            let (pair, entry) = deed?;
            if entry.view.run.as_str() > run {
                let HistoryView { run, undoes, side, action, .. } = entry.view;
                let (revision, creates) = (entry.revision, action == "create");
                later.0.push(LaterDeed { run, undoes, pair, side, revision, creates });
            }
        }
        Ok(later)
    }

    async fn look_at_deeds(
        &self,
        deeds: &Deeds,
        now: Timestamp,
        memory: &mut Memory,
    ) -> Result<Snapshot, EngineError> {
        let (mut pairs, mut records) = (Vec::new(), BTreeSet::new());
        for (id, deeds) in &deeds.by_pair {
            if let Some(pair) = self.state().pair(id)? {
                pairs.push(pair);
            } else {
                let both = deeds.iter().flat_map(|deed| [&deed.google, &deed.dafater]);
                records.extend(both.flatten().cloned());
                records.extend(self.left_saying(deeds)?);
            }
        }
        self.learn_fields(memory, now).await?;
        let settings = self.settings();
        let observer = Observer { parts: &self.parts, settings: &settings, now, parked: BTreeMap::new() };
        let is_birth = !records.is_empty() && settings.policy.pull;
        let mut snapshot = observer.look_at(pairs, records, memory).await?;
        if is_birth {
            let newcomers = observer.newcomers().await?;
            let is_known = |newcomer: &Alone<Document>| {
                snapshot.dafater.iter().any(|alone| alone.record.name == newcomer.record.name)
            };
            let newcomers: Vec<_> = newcomers.into_iter().filter(|newcomer| !is_known(newcomer)).collect();
            snapshot.dafater.extend(newcomers);
        }
        Ok(snapshot)
    }

    /// Contacts that stand alone in Google and say what one said that a run deleted: an undo that was not noted may have put it back.
    fn left_saying(&self, deeds: &[Deed]) -> Result<Vec<RecordId>, EngineError> {
        let is_of_google = |deed: &&Deed| deed.kind == DeedKind::Delete && deed.side == Side::Google;
        let said: Vec<_> =
            deeds.iter().filter(is_of_google).filter_map(|deed| deed.before.as_ref()).collect();
        let mut left = Vec::new();
        if said.is_empty() {
            return Ok(left);
        }
        for loose in self.state().all_loose() {
            let loose = loose?;
            if loose.record.side() == Side::Google && said.iter().any(|said| said.agrees(&loose.contact)) {
                left.push(loose.record);
            }
        }
        Ok(left)
    }

    fn view(&self, request: &UndoRequest, undo: &Undo, verdict: &Verdict) -> UndoView {
        let settings = self.settings();
        let mapping = &settings.policy.mapping;
        let plan = show::plan(self.state().account(), &undo.plan, verdict, mapping);
        let mut steps = plan.steps;
        for pair in &undo.reborn {
            // The other half is made from the first, and looks like it.
            let first = undo.plan.steps.iter().position(|step| step.pair == *pair);
            if let Some(first) = first.and_then(|first| steps.get(first)).cloned()
                && first.side == Some(Side::Dafater)
                && settings.policy.push
            {
                steps.push(StepView { side: Some(Side::Google), ..first });
            }
        }
        for id in &undo.apart {
            let Ok(Some(pair)) = self.state().pair(id) else { continue };
            steps.push(StepView {
                action: "unlink".to_owned(),
                side: None,
                title: pair.dafater.contact.title(),
                google: Some(RecordId::Google(pair.google.source_id)),
                dafater: Some(RecordId::Dafater(pair.dafater.name)),
                reason: "the pair was made by the run; both stay, alone".to_owned(),
                changes: Vec::new(),
            });
        }
        UndoView {
            account: self.state().account().clone(),
            undoes: request.run.clone(),
            run: None,
            held: plan.held,
            google: plan.google,
            dafater: plan.dafater,
            steps,
            left: undo
                .left
                .iter()
                .map(|left| LeftView {
                    title: left.title.clone(),
                    side: left.side,
                    field: left.field.as_ref().map(ToString::to_string),
                    reason: left.reason.to_owned(),
                })
                .collect(),
            error: None,
        }
    }

    /// Remembers that the undoing waits, and what it would destroy.
    async fn hold_undo(
        &self,
        request: &UndoRequest,
        plan: &Plan,
        reason: String,
        before: Option<&UndoHold>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut changes = self.state().changes();
        for pair in self.state().held(HeldBy::Undo)? {
            changes.remove_held(HeldBy::Undo, &pair);
        }
        for step in plan.steps.iter().filter(|step| step.destroys()) {
            changes.set_held(HeldBy::Undo, &step.pair);
        }
        let (google, dafater) = show::counts(plan);
        let since = before.map_or(now, |held| held.hold.since);
        let digest = digest(plan, &BTreeSet::new());
        let hold = Hold { since, reason, digest, google, dafater, decision: None };
        let (run, contact) = (request.run.clone(), request.contact.clone());
        changes.set_undo_hold(&UndoHold { run, contact, hold });
        Ok(self.state().commit(changes).await?)
    }

    /// Writes, in two goes where both records of a pair are gone: the second is made from the first. Tells which pairs were reborn
    /// under which id.
    async fn carry_out(
        &self,
        request: &UndoRequest,
        run: &str,
        now: Timestamp,
        undo: &Undo,
        snapshot: &Snapshot,
        memory: &mut Memory,
    ) -> Result<(Applied, Vec<(PairId, PairId)>), EngineError> {
        let undoes = Some(request.run.as_str());
        let known_labels = self.known_labels(&undo.plan).await?;
        let settings = self.settings();
        let mut doubtful = self.state().intents()?;
        doubtful.retain(|intent| intent.kind == IntentKind::Update);
        // What was put back may stand beside a field that both sides changed since.
        self.begin_conflicts(&undo.plan, (run, now)).await?;
        let executor = Executor {
            undoes,
            known_labels: known_labels.clone(),
            doubtful: &doubtful,
            unnoted: doubtful.iter().collect(),
            apart: undo.apart.iter().cloned().collect(),
            ..self.executor(&settings, run, now, &undo.plan, None)
        };
        let mut applied = executor.run(&undo.plan).await?;
        let (mut plan, mut moved) = (Plan::default(), Vec::new());
        for (pair, document) in applied.documents.iter().filter(|(pair, _)| undo.reborn.contains(pair)) {
            let step = Undo::second_half(snapshot, &settings.policy, document);
            let Some(step) = step else { continue };
            if let Some(image) = undo.plan.images.get(&(pair.clone(), Side::Google)) {
                plan.images.insert((step.pair.clone(), Side::Google), image.clone());
            }
            moved.push((pair.clone(), step.pair.clone()));
            plan.steps.push(step);
        }
        if plan.steps.is_empty() || applied.halted.is_some() {
            return Ok((applied, Vec::new()));
        }
        let label = self.label(&plan, memory).await?;
        let executor = Executor { undoes, known_labels, ..self.executor(&settings, run, now, &plan, label) };
        let second = executor.run(&plan).await?;
        applied.google.created += second.google.created;
        moved.retain(|(_, new)| second.halted.is_none() && !second.parked.contains_key(new));
        applied.parked.extend(second.parked);
        applied.halted = second.halted;
        Ok((applied, moved))
    }

    /// The labels that Google has, if a contact is created anew that had some.
    async fn known_labels(&self, plan: &Plan) -> Result<BTreeSet<String>, EngineError> {
        let needs = plan
            .images
            .iter()
            .any(|((_, side), image)| *side == Side::Google && image.fields.contains_key("memberships"));
        let mut known: BTreeSet<String> = SYSTEM_LABELS.map(str::to_owned).into();
        if needs {
            known.extend(self.parts.google.list_groups(None).await?.by_name().into_values());
        }
        Ok(known)
    }

    /// What belongs together at the end of an undo: pairs are taken apart, memories of deletions end, settled conflicts close.
    async fn finish_undo(
        &self,
        request: &UndoRequest,
        (run, now): (&str, Timestamp),
        undo: &Undo,
        (applied, snapshot): (&Applied, &Snapshot),
        hold: Option<&UndoHold>,
    ) -> Result<(), EngineError> {
        let (state, settings) = (self.state(), self.settings());
        let mut changes = state.changes();
        let is_done = |pair: &PairId| applied.halted.is_none() && !applied.parked.contains_key(pair);
        for id in undo.apart.iter().filter(|pair| is_done(pair)) {
            // What was written is apart already.
            let Some(mut pair) = state.pair(id)? else { continue };
            let view = snapshot.pairs.iter().find(|view| view.pair.id == *id);
            if let Some(person) = view.and_then(|view| view.google.present()) {
                pair.google.contact = person.contact(&settings.policy.mapping);
            }
            if let Some(document) = view.and_then(|view| view.dafater.present()) {
                pair.dafater.contact = document.contact(&settings.policy.mapping);
            }
            take_apart(state, pair, &request.run, (run, now), &mut changes)?;
        }
        for step in undo.plan.steps.iter().filter(|step| is_done(&step.pair)) {
            if let Action::Create { .. } = step.action {
                for record in undo
                    .plan
                    .images
                    .iter()
                    .filter(|((pair, _), _)| *pair == step.pair)
                    .map(|(_, i)| &i.record)
                {
                    changes.remove_tombstone(record);
                }
            }
        }
        for conflict in state.conflicts()? {
            let settles = |step: &Step| match &step.action {
                Action::Merge(merged) => {
                    step.pair == conflict.pair
                        && !merged.conflicts.iter().any(|open| open.field == conflict.field)
                }
                Action::Delete { .. } => step.pair == conflict.pair,
                Action::Create { .. }
                | Action::Detach { .. }
                | Action::Leave
                | Action::Forget
                | Action::Postpone => false,
            };
            let is_apart = undo.apart.contains(&conflict.pair);
            if is_done(&conflict.pair) && (is_apart || undo.plan.steps.iter().any(settles)) {
                changes.remove_conflict(&conflict.pair, &conflict.field);
            }
        }
        if hold.is_some() && applied.halted.is_none() {
            self.drop_undo(&mut changes)?;
        }
        Ok(state.commit(changes).await?)
    }
}

impl AccountEngine {
    /// Of a pair that was reborn, the history of its first half goes where that of the second is: together they are undone.
    async fn move_history(&self, run: &str, moved: &[(PairId, PairId)]) -> Result<(), EngineError> {
        let mut changes = self.state().changes();
        for deed in self.state().deeds(Some(run)) {
            let (pair, mut entry) = deed?;
            let Some((_, new)) = moved.iter().find(|(old, _)| *old == pair) else { continue };
            changes.add_history(new, &entry);
            // What remains tells that it was put back.
            "restore".clone_into(&mut entry.view.action);
            entry.view.changes.clear();
            changes.add_history(&pair, &HistoryEntry { before: None, image: None, after: None, ..entry });
        }
        Ok(self.state().commit(changes).await?)
    }
}

impl UndoHold {
    fn is_for(&self, request: &UndoRequest) -> bool {
        (&self.run, &self.contact) == (&request.run, &request.contact)
    }
}

/// Entries of later runs, from the first to the last.
#[derive(Default)]
struct Later(Vec<LaterDeed>);

struct LaterDeed {
    run: String,
    /// The run that it undoes.
    undoes: Option<String>,
    pair: PairId,
    side: Option<Side>,
    revision: Option<String>,
    creates: bool,
}

impl Later {
    /// The last write of a pair's record.
    fn last(&self, pair: &PairId, side: Side) -> Option<&LaterDeed> {
        self.0.iter().rfind(|deed| deed.pair == *pair && deed.side == Some(side))
    }

    /// Whether a record of a pair was made anew.
    fn made_anew(&self, pair: &PairId) -> bool {
        self.0.iter().any(|deed| deed.pair == *pair && deed.creates)
    }

    /// Whether `run` was put back for `pair`, and that was not put back in turn.
    fn put_back(&self, run: &str, pair: &PairId) -> bool {
        self.0
            .iter()
            .filter(|deed| deed.pair == *pair && deed.undoes.as_deref() == Some(run))
            .any(|deed| !self.put_back(&deed.run, pair))
    }
}

fn deed_of<'l>(entry: HistoryEntry, last: impl Fn(Side) -> Option<&'l LaterDeed>) -> Option<Deed> {
    let (kind, side) = match (entry.view.action.as_str(), entry.view.side) {
        ("create", Some(side)) => (DeedKind::Create, side),
        ("update", Some(side)) => (DeedKind::Update, side),
        ("delete", Some(side)) => (DeedKind::Delete, side),
        ("link", None) => (DeedKind::Link, Side::Dafater),
        _ => return None,
    };
    Some(Deed {
        kind,
        side,
        before: entry.before,
        after: entry.after,
        revision: entry.revision,
        image: entry.image.and_then(|image| serde_json::from_str(&image).ok()),
        google: entry.view.google,
        dafater: entry.view.dafater,
        title: entry.view.title,
        is_followed: last(side).is_some(),
        last_revision: last(side).and_then(|last| last.revision.clone()),
    })
}
