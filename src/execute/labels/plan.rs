//! From what was seen of the contacts to what becomes of their labels.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{Held, Names, Roles};
use crate::execute::apply::{dafater_id, google_id, title_of};
use crate::execute::observe::{Memory, Observed};
use crate::execute::{AccountEngine, ChangeView, EngineError, StepView};
use crate::mapping::{Document, Person, ResourceName};
use crate::observe::events;
use crate::remote::Disposition;
use crate::state::Owed;
use crate::sync::{
    Action, LabelId, LabelRules, Moment, Pair, PairId, Plan, RecordId, Relabel, Role, Side, Sighting, Step,
    Worn, linked_doctypes, shown_labels,
};

/// What becomes of labels in one run.
#[derive(Debug, Clone, Default)]
pub(in crate::execute) struct LabelPlan {
    /// Contacts that exist.
    pub(in crate::execute) steps: Vec<LabelStep>,
    /// Contacts that the run creates: they are created with their labels.
    pub(in crate::execute) created: BTreeMap<PairId, Relabel>,
    /// What is remembered without any write.
    pub(super) noted: BTreeMap<PairId, Worn>,
    /// Contacts that are looked at again, because nothing can be done about them now.
    pub(super) postponed: Vec<PairId>,
    /// Contacts about which nothing is left to do.
    pub(super) settled: Vec<PairId>,
    /// Names of labels.
    pub(super) names: Names,
    /// Whether every contact must be compared anew: a link has another label.
    pub(in crate::execute) is_rebound: bool,
    /// Whether Google takes no labels now: what is to be done is written down only.
    pub(super) is_waiting: bool,
}

/// What becomes of the labels of one contact.
#[derive(Debug, Clone)]
pub(in crate::execute) struct LabelStep {
    pub(super) pair: PairId,
    pub(super) google: Option<RecordId>,
    pub(super) dafater: Option<RecordId>,
    pub(super) title: String,
    pub(super) resource: ResourceName,
    pub(super) relabel: Relabel,
    pub(super) reason: String,
}

/// A contact whose links are known now.
struct Candidate<'a> {
    pair: &'a PairId,
    /// `None` for one that is about to be created.
    person: Option<&'a Person>,
    document: &'a Document,
    worn: Worn,
    links: BTreeSet<String>,
}

const LEFT: &str = "it left the scope of the account";
const BY_LINK: &str = "what it is linked to in Dafater changed, or the rules for labels";

impl AccountEngine {
    /// What becomes of labels in this run. Nothing is written to Google but labels that do not exist yet, and nothing at all where `is_real`
    /// is not set.
    pub(in crate::execute) async fn plan_labels(
        &self,
        plan: &Plan,
        observed: &Observed,
        memory: &mut Memory,
        now: Timestamp,
        is_real: bool,
    ) -> Result<LabelPlan, EngineError> {
        let mut labels = LabelPlan::default();
        if !self.configured.policy.push {
            return Ok(labels);
        }
        let owed: BTreeMap<PairId, Owed> =
            self.state().owed_labels()?.into_iter().map(|owed| (owed.pair.clone(), owed)).collect();
        let candidates = self.candidates(plan, observed, &owed)?;
        let moment = Moment { now, settle: self.configured.propagation };
        labels.see(&candidates, &owed, moment);
        let leaving = self.leaving(plan)?;
        let rules = &self.configured.labels;
        let is_ruled = |doctype: &String| rules.contains_key(doctype);
        let linked: BTreeSet<String> = candidates
            .iter()
            .flat_map(|candidate| &candidate.links)
            .filter(|doctype| is_ruled(doctype))
            .cloned()
            .collect();
        let dealt = candidates.iter().flat_map(|candidate| candidate.worn.dealt.keys()).cloned();
        let wanted: BTreeSet<String> = dealt.filter(is_ruled).chain(linked.iter().cloned()).collect();
        let is_needed = !wanted.is_empty()
            || !leaving.is_empty()
            || candidates.iter().any(Candidate::is_known)
            || owed.values().any(|owed| !owed.remove.is_empty());
        if !is_needed {
            self.settle_labels(&mut labels, &owed, &candidates, observed)?;
            return Ok(labels);
        }
        for (pair, worn) in leaving {
            labels.leave(pair, &worn, now);
        }
        let rest = memory.labels_rest.until.filter(|until| *until > now);
        let read = match rest {
            Some(_) => false,
            None => match self.read_labels(memory, now).await {
                Ok(()) => true,
                Err(error) => {
                    self.labels_failed(&error.to_string());
                    false
                }
            },
        };
        if !read {
            labels.postpone(&candidates, rules);
            labels.is_waiting = true;
            return Ok(labels);
        }
        let (rules, waiting) = self.label_rules(&wanted, &linked, memory, now, is_real, &mut labels).await?;
        for candidate in &candidates {
            let is_late = candidate.links.iter().any(|doctype| waiting.contains(doctype));
            if is_late {
                labels.postponed.push(candidate.pair.clone());
            }
            labels.add(candidate, &rules, moment, owed.contains_key(candidate.pair) && !is_late);
        }
        self.settle_labels(&mut labels, &owed, &candidates, observed)?;
        if let Some(book) = &memory.labels {
            let ids =
                labels.steps.iter().flat_map(|step| step.relabel.add.iter().chain(&step.relabel.remove));
            let names: Names = ids.map(|id| (id.clone(), book.name(id).to_owned())).collect();
            labels.names.extend(names.into_iter().filter(|(id, _)| !id.0.starts_with(UNMADE)));
        }
        Ok(labels)
    }

    /// Contacts whose links are known, with what the sync did with their labels.
    fn candidates<'a>(
        &self,
        plan: &'a Plan,
        observed: &'a Observed,
        owed: &BTreeMap<PairId, Owed>,
    ) -> Result<Vec<Candidate<'a>>, EngineError> {
        let mut found: Vec<(&PairId, Option<&Person>, &Document)> = Vec::new();
        for step in &plan.steps {
            match (&step.action, &step.google, &step.dafater) {
                (Action::Merge(_), Some(person), Some(document)) => {
                    found.push((&step.pair, Some(person), document));
                }
                (Action::Create { side: Side::Google, .. }, _, Some(document)) => {
                    found.push((&step.pair, None, document));
                }
                _ => {}
            }
        }
        let planned: BTreeSet<&PairId> = plan.steps.iter().map(|step| &step.pair).collect();
        for view in observed.snapshot.pairs.iter().filter(|view| !planned.contains(&view.pair.id)) {
            if let (Sighting::Present(person), Sighting::Present(document)) = (&view.google, &view.dafater) {
                found.push((&view.pair.id, Some(person), document));
            }
        }
        let mut candidates = Vec::new();
        for (pair, person, document) in found {
            let mut worn = self.state().worn(pair)?.unwrap_or_default();
            if let Some(person) = person {
                worn = worn.of(&person.source_id);
                if let Some(owed) = owed.get(pair) {
                    worn.recognise(&owed.add, &owed.remove, &shown_labels(person), owed.at);
                }
            } else {
                worn = Worn::default();
            }
            candidates.push(Candidate { pair, person, document, worn, links: linked_doctypes(document) });
        }
        Ok(candidates)
    }

    /// The label of each DocType that is `wanted`; those that a contact is `linked` to are made where Google lacks them. Returns the
    /// DocTypes whose label could not be made now, too.
    async fn label_rules(
        &self,
        wanted: &BTreeSet<String>,
        linked: &BTreeSet<String>,
        memory: &mut Memory,
        now: Timestamp,
        is_real: bool,
        labels: &mut LabelPlan,
    ) -> Result<(LabelRules, BTreeSet<String>), EngineError> {
        let mut roles = Roles::new(self.state().labels()?);
        let (mut found, mut waiting) = (LabelRules::default(), BTreeSet::new());
        for doctype in wanted {
            let Some(name) = self.configured.labels.get(doctype) else { continue };
            let role = Role::Linked(doctype.clone());
            let book = memory.labels.get_or_insert_default();
            let id = match roles.resolve(&role, name, book, now, self.configured.propagation) {
                Held::By(id) => Some(id),
                Held::Absent if !linked.contains(doctype) => None,
                Held::Absent if !is_real => {
                    let id = LabelId(format!("{UNMADE}{name}"));
                    labels.names.insert(id.clone(), name.clone());
                    Some(id)
                }
                Held::Absent => match self.make_label(name, memory).await {
                    Ok(id) => {
                        roles.bind(&role, name, id.clone(), now);
                        Some(id)
                    }
                    Err(error) => {
                        // Another program may have made it a moment ago: then it is found by its name.
                        let is_there = error.disposition() == Disposition::Refused
                            && self.read_labels(memory, now).await.is_ok();
                        let book = memory.labels.get_or_insert_default();
                        match roles.resolve(&role, name, book, now, self.configured.propagation) {
                            Held::By(id) if is_there => Some(id),
                            Held::By(_) | Held::Absent | Held::Refused => {
                                self.labels_failed(&error.to_string());
                                waiting.insert(doctype.clone());
                                None
                            }
                        }
                    }
                },
                Held::Refused => None,
            };
            match id {
                Some(id) => drop(found.by_link.insert(doctype.clone(), id)),
                None => drop(found.resting.insert(doctype.clone())),
            }
        }
        labels.is_rebound = roles.is_rebound;
        if is_real {
            self.remember_roles(&roles).await?;
        }
        Ok((found, waiting))
    }

    /// Pairs that leave the scope, with what the sync did with their labels.
    fn leaving<'a>(&self, plan: &'a Plan) -> Result<Vec<(&'a Pair, Worn)>, EngineError> {
        let mut leaving = Vec::new();
        for step in plan.steps.iter().filter(|step| matches!(step.action, Action::Leave)) {
            let Some(pair) = step.before.as_ref().filter(|_| self.configured.policy.scope.unlabel) else {
                continue;
            };
            let worn = self.state().worn(&pair.id)?.unwrap_or_default().of(&pair.google.source_id);
            if !worn.put.is_empty() {
                leaving.push((pair, worn));
            }
        }
        Ok(leaving)
    }

    /// What was owed to pairs that are no more: what was to be taken off is taken off, the rest is void.
    fn settle_labels(
        &self,
        labels: &mut LabelPlan,
        owed: &BTreeMap<PairId, Owed>,
        candidates: &[Candidate<'_>],
        observed: &Observed,
    ) -> Result<(), EngineError> {
        let is_seen: BTreeSet<&PairId> = candidates.iter().map(|candidate| candidate.pair).collect();
        let snapshot = &observed.snapshot;
        for (pair, owed) in owed {
            let is_open = labels.steps.iter().any(|step| step.pair == *pair)
                || labels.created.contains_key(pair)
                || labels.postponed.contains(pair)
                || labels.settled.contains(pair);
            let stands = !is_seen.contains(pair)
                && (snapshot.pairs.iter().any(|view| view.pair.id == *pair)
                    || snapshot.in_doubt.contains(pair)
                    || snapshot.begun.contains(pair));
            if is_open || stands {
                continue;
            }
            let resource =
                owed.resource.as_ref().filter(|_| !owed.remove.is_empty() && !is_seen.contains(pair));
            let Some(resource) = resource else {
                labels.settled.push(pair.clone());
                continue;
            };
            let worn = self.state().worn(pair)?.unwrap_or_default();
            let relabel = Relabel { remove: owed.remove.clone(), ..worn.leave(owed.at) };
            labels.steps.push(LabelStep {
                pair: pair.clone(),
                google: worn.source.map(RecordId::Google),
                dafater: None,
                title: String::new(),
                resource: resource.clone(),
                relabel,
                reason: LEFT.to_owned(),
            });
        }
        Ok(())
    }

    /// Google takes no writes now: whoever has other links than before is looked at again.
    pub(in crate::execute) fn put_labels_off(
        &self,
        plan: &Plan,
        observed: &Observed,
        now: Timestamp,
    ) -> Result<LabelPlan, EngineError> {
        let mut labels = LabelPlan { is_waiting: true, ..LabelPlan::default() };
        if self.configured.policy.push {
            let candidates = self.candidates(plan, observed, &BTreeMap::new())?;
            let moment = Moment { now, settle: self.configured.propagation };
            labels.see(&candidates, &BTreeMap::new(), moment);
            labels.postpone(&candidates, &self.configured.labels);
            for (pair, worn) in self.leaving(plan)? {
                labels.leave(pair, &worn, now);
            }
        }
        Ok(labels)
    }

    pub(super) fn labels_failed(&self, reason: &str) {
        events::LabelsPostponed { account: self.state().account().clone(), reason: reason.to_owned() }.emit();
    }
}

impl Candidate<'_> {
    /// Whether the sync did anything with its labels that may have to be changed.
    fn is_known(&self) -> bool {
        !self.worn.dealt.is_empty() || !self.worn.left.is_empty()
    }
}

impl LabelPlan {
    /// Notes what people took off, whatever becomes of the labels in this run: it is not shown again.
    fn see(&mut self, candidates: &[Candidate<'_>], owed: &BTreeMap<PairId, Owed>, moment: Moment) {
        for candidate in candidates {
            let Some(person) = candidate.person else { continue };
            let seen = candidate.worn.seen(&shown_labels(person), moment);
            if seen != candidate.worn || owed.contains_key(candidate.pair) && seen != Worn::default() {
                self.noted.insert(candidate.pair.clone(), seen);
            }
        }
    }

    fn add(&mut self, candidate: &Candidate<'_>, rules: &LabelRules, moment: Moment, is_owed: bool) {
        let shown = candidate.person.map(shown_labels).unwrap_or_default();
        let relabel = candidate.worn.relabel(rules, &candidate.links, &shown, moment);
        let pair = candidate.pair.clone();
        let Some(person) = candidate.person else {
            if relabel.is_write() {
                self.created.insert(pair, relabel);
            }
            return;
        };
        if relabel.is_write() {
            self.steps.push(LabelStep {
                pair,
                google: Some(RecordId::Google(person.source_id.clone())),
                dafater: Some(RecordId::Dafater(candidate.document.name.clone())),
                title: candidate.document.title(),
                resource: person.resource_name.clone(),
                relabel,
                reason: BY_LINK.to_owned(),
            });
        } else if relabel.after != candidate.worn || is_owed {
            // A contact that was never dealt with needs no memory.
            let is_blank = relabel.after.dealt.is_empty() && !candidate.is_known();
            if !is_blank {
                self.noted.insert(pair.clone(), relabel.after);
            }
            if is_owed {
                self.settled.push(pair);
            }
        }
    }

    /// Takes off everything that the sync put on a contact which leaves the account's scope.
    fn leave(&mut self, pair: &Pair, worn: &Worn, now: Timestamp) {
        self.steps.push(LabelStep {
            pair: pair.id.clone(),
            google: Some(RecordId::Google(pair.google.source_id.clone())),
            dafater: Some(RecordId::Dafater(pair.dafater.name.clone())),
            title: pair.dafater.contact.title(),
            resource: pair.google.resource_name.clone(),
            relabel: worn.leave(now),
            reason: LEFT.to_owned(),
        });
    }

    /// Every contact for which something is left to do is looked at again.
    fn postpone(&mut self, candidates: &[Candidate<'_>], rules: &BTreeMap<String, String>) {
        for candidate in candidates {
            let dealt: BTreeSet<&String> = candidate.worn.dealt.keys().collect();
            let due: BTreeSet<&String> =
                candidate.links.iter().filter(|doctype| rules.contains_key(*doctype)).collect();
            if dealt != due {
                self.postponed.push(candidate.pair.clone());
            }
        }
    }

    /// How many contacts get other labels.
    pub(in crate::execute) fn count(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    /// As people are shown it. Contacts that are created are created with their labels.
    pub(in crate::execute) fn views(&self, plan: &Plan) -> Vec<StepView> {
        let of_created = |step: &Step, relabel: &Relabel| StepView {
            action: "label".to_owned(),
            side: Some(Side::Google),
            google: google_id(step),
            dafater: dafater_id(step),
            title: title_of(step),
            reason: BY_LINK.to_owned(),
            changes: self.changes(relabel, BY_LINK),
        };
        let created =
            plan.steps.iter().filter_map(|step| Some(of_created(step, self.created.get(&step.pair)?)));
        let standing = self.steps.iter().map(|step| StepView {
            action: "label".to_owned(),
            side: Some(Side::Google),
            google: step.google.clone(),
            dafater: step.dafater.clone(),
            title: step.title.clone(),
            reason: step.reason.clone(),
            changes: self.changes(&step.relabel, &step.reason),
        });
        created.chain(standing).collect()
    }

    /// Label by label.
    pub(super) fn changes(&self, relabel: &Relabel, reason: &str) -> Vec<ChangeView> {
        let name = |id: &LabelId| self.names.get(id).cloned().unwrap_or_else(|| id.0.clone());
        let view = |before: String, after: String| ChangeView {
            field: "label (google)".to_owned(),
            before,
            after,
            reason: reason.to_owned(),
        };
        let added = relabel.add.iter().map(|id| view(String::new(), name(id)));
        added.chain(relabel.remove.iter().map(|id| view(name(id), String::new()))).collect()
    }
}

/// Address of a label that a plan would make.
const UNMADE: &str = "unmade:";
