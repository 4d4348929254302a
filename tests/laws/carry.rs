//! Carries plans out on a world, as luck has it, and keeps the memory that the daemon would keep.

use std::collections::BTreeSet;

use dafater_contactsd::contact::{Contact, Field};
use dafater_contactsd::mapping::{
    AddressChange, AddressDocument, Document, DocumentName, Marker, Person, PersonPatch, SiteStamp,
};
use dafater_contactsd::sync::guard::{Approval, Verdict, judge};
use dafater_contactsd::sync::{
    Action, Loose, LooseReason, Merged, Pair, Plan, RecordId, Side, Snapshot, Step, Written,
};
use serde_json::{Value, json};

use super::checks;
use super::script::{Event, Luck};
use super::world::{SITE, World, address_stamp, mapping};

impl World {
    /// One cycle. A plan that the guard holds is not carried out, unless `is_approved`.
    pub fn sync(&mut self, luck: &Luck, is_approved: bool) -> Plan {
        let mut snapshot = self.snapshot(luck);
        self.redeem(&mut snapshot, luck);
        let plan = Plan::compute(&snapshot, &self.policy);
        checks::of_the_plan(&snapshot, &plan, &self.policy);
        self.check_creates(&snapshot, &plan);
        // Whom Google does not show yet nobody can know: the same person may well be made a second time.
        let unknown =
            self.google.keys().filter(|id| self.is_late(luck, **id) && !self.shown.contains_key(id));
        self.doubled.extend(unknown.map(|id| self.owners[id]).collect::<Vec<_>>());
        self.shown = self.google_shown(luck);
        let is_held = matches!(
            judge(&plan, snapshot.total_pairs, false, &self.policy, &Approval::default()),
            Verdict::Hold { .. }
        );
        for event in &luck.meanwhile {
            if let Event::Appear(_, person) = event {
                self.doubled.insert(*person);
            }
            self.happen(event);
        }
        if is_held && !is_approved {
            return plan;
        }
        let before = (self.google.clone(), self.dafater.clone());
        self.note_questions(&snapshot, &plan);
        self.apply(&plan, luck);
        self.check_uninvited(&before, &plan);
        self.check_duplicates();
        plan
    }

    /// What is asked about a record that was looked at holds until it is looked at again.
    fn note_questions(&mut self, snapshot: &Snapshot, plan: &Plan) {
        for alone in &snapshot.google {
            self.asked.remove(&RecordId::Google(alone.record.source_id.clone()));
        }
        for alone in &snapshot.dafater {
            self.asked.remove(&RecordId::Dafater(alone.record.name.clone()));
        }
        let naming_nobody = plan.reviews.iter().filter(|review| review.candidates.is_empty());
        self.asked.extend(naming_nobody.map(|review| review.record.clone()));
    }

    fn google_shown(&self, luck: &Luck) -> std::collections::BTreeMap<u64, Person> {
        let late = self.shown.iter().filter(|(id, _)| self.is_late(luck, **id));
        let now = self.google.iter().filter(|(id, _)| !self.is_late(luck, **id));
        now.map(|(id, held)| (*id, held.parsed.clone()))
            .chain(late.map(|(id, person)| (*id, person.clone())))
            .collect()
    }

    fn apply(&mut self, plan: &Plan, luck: &Luck) {
        for loose in &plan.loose {
            self.note_alone(loose.clone());
        }
        for step in &plan.steps {
            let fields: BTreeSet<Field> = step.conflicts().map(|conflict| conflict.field).collect();
            self.open_conflicts.remove(&step.pair);
            if !fields.is_empty() {
                self.open_conflicts.insert(step.pair.clone(), fields);
            }
            self.carry_out(step, luck);
        }
    }

    fn carry_out(&mut self, step: &Step, luck: &Luck) {
        let person = self.person_of(step);
        let fate = |side: Side| {
            let key = (person, side == Side::Google);
            (luck.refused.contains(&key), luck.lost.contains(&key))
        };
        match &step.action {
            Action::Merge(merged) => self.carry_merge(step, merged, fate),
            Action::Create { side, contact, .. } => {
                let (is_refused, is_lost) = fate(*side);
                if is_refused {
                    return;
                }
                let (source, now) = match side.other() {
                    Side::Google => (source_of(step), step.google.as_ref().unwrap().contact(mapping())),
                    Side::Dafater => {
                        (self.document_of(step), step.dafater.as_ref().unwrap().contact(mapping()))
                    }
                };
                let id = self.create(step, *side, contact, person);
                self.ours.insert(id);
                // Whoever deletes the source in the moment in which it is carried across comes too late for this write.
                let is_overtaken = !self.is_current(step, side.other());
                self.check_resurrection(person, *side, (source, &now), is_overtaken);
                if is_lost {
                    self.in_doubt.insert(step.pair.clone());
                    let promise = step.promise(*side, Written::default(), mapping()).unwrap();
                    self.promises.insert(step.pair.clone(), promise);
                    return;
                }
                let (google, dafater) = match side {
                    Side::Google => (Some(self.google[&id].parsed.clone()), None),
                    Side::Dafater => (None, Some(self.dafater[&id].parsed.clone())),
                };
                let written = Written { google: google.as_ref(), dafater: dafater.as_ref() };
                self.remember(step.settled(written, mapping()).unwrap());
            }
            Action::Delete { side } => {
                let (is_refused, is_lost) = fate(*side);
                if is_refused || !self.is_current(step, *side) {
                    return;
                }
                match side {
                    Side::Google => {
                        // A tombstone keeps what we deleted from being taken for new where it still shows.
                        self.shown.remove(&source_of(step));
                        self.google.remove(&source_of(step));
                    }
                    Side::Dafater => drop(self.dafater.remove(&self.document_of(step))),
                }
                if !is_lost {
                    self.pairs.remove(&step.pair);
                }
            }
            Action::Detach { left } => {
                self.pairs.remove(&step.pair);
                self.note_alone(step.loose(*left, LooseReason::Detached, mapping()).unwrap());
            }
            // No world of the laws has a scope.
            Action::Leave => unreachable!("nothing leaves"),
            Action::Forget => drop(self.pairs.remove(&step.pair)),
            Action::Postpone => {
                for side in [Side::Google, Side::Dafater].into_iter().filter(|_| step.before.is_none()) {
                    if let Some(loose) = step.loose(side, LooseReason::Parked, mapping()) {
                        self.note_alone(loose);
                    }
                }
            }
        }
    }

    fn carry_merge(&mut self, step: &Step, merged: &Merged, fate: impl Fn(Side) -> (bool, bool)) {
        // As the executor does: a new pair is remembered before anything is written.
        if step.meets() {
            let pair = step.settled(Written::default(), mapping()).unwrap();
            self.remember(pair);
        }
        for decision in &merged.decisions {
            self.logged.extend(decision.before.split(", ").map(str::to_owned));
        }
        let (mut google, mut dafater) = (None, None);
        if !merged.google.fields.is_empty() {
            let (is_refused, is_lost) = fate(Side::Google);
            if !is_refused && self.is_current(step, Side::Google) {
                let id = source_of(step);
                let fields = &merged.google.fields;
                let patch = PersonPatch::new(step.google.as_ref(), &merged.google.contact, fields, mapping());
                if !patch.mask.is_empty() {
                    self.change_google(id, |record| {
                        for path in &patch.mask {
                            match patch.body.get(path.path()) {
                                Some(list) => drop(record.insert(path.path().to_owned(), list.clone())),
                                None => drop(record.remove(path.path())),
                            }
                        }
                    });
                }
                google = (!is_lost).then(|| self.google[&id].parsed.clone());
                if is_lost {
                    self.owe(step, Side::Google, Written::default());
                }
            }
        }
        if !merged.dafater.fields.is_empty() {
            let (is_refused, is_lost) = fate(Side::Dafater);
            if !is_refused && self.is_current(step, Side::Dafater) {
                let id = self.document_of(step);
                let fields = &merged.dafater.fields;
                let body = Document::body(step.dafater.as_ref(), &merged.dafater.contact, fields, mapping());
                if !body.is_empty() {
                    self.change_dafater(id, |record| record.extend(body));
                }
                self.place(id, &merged.dafater.contact);
                dafater = (!is_lost).then(|| self.dafater[&id].parsed.clone());
                if is_lost {
                    self.owe(step, Side::Dafater, Written { google: google.as_ref(), dafater: None });
                }
            }
        }
        let wrote = google.is_some() || dafater.is_some();
        let writes = step.writes(Side::Google) || step.writes(Side::Dafater);
        if wrote || !writes {
            let written = Written { google: google.as_ref(), dafater: dafater.as_ref() };
            self.remember(step.settled(written, mapping()).unwrap());
        }
    }

    /// An intent remembers what its write makes both sides agree on.
    fn owe(&mut self, step: &Step, side: Side, written: Written<'_>) {
        let promise = step.promise(side, written, mapping()).unwrap();
        let was = match side {
            Side::Google => step.google.as_ref().map(|person| person.contact(mapping())),
            Side::Dafater => step.dafater.as_ref().map(|document| document.contact(mapping())),
        };
        self.owed.push((step.pair.clone(), side, was, promise));
    }

    /// Whether the record still has the revision that the plan was made from: both remotes refuse a write otherwise.
    fn is_current(&self, step: &Step, side: Side) -> bool {
        match side {
            Side::Google => {
                let now = self.google.get(&source_of(step)).map(|held| &held.parsed.etag);
                now == step.google.as_ref().map(|person| &person.etag)
            }
            Side::Dafater => {
                let now = self.dafater.get(&self.document_of(step)).map(|held| &held.parsed);
                let known = step.dafater.as_ref();
                now.map(|document| (&document.modified, &document.name))
                    == known.map(|document| (&document.modified, &document.name))
            }
        }
    }

    fn create(
        &mut self,
        step: &Step,
        side: Side,
        contact: &dafater_contactsd::contact::Contact,
        person: usize,
    ) -> u64 {
        let fields = Field::of(&[contact]);
        match side {
            Side::Google => {
                let mut body = PersonPatch::new(None, contact, &fields, mapping()).body;
                let marker = Marker {
                    site: SITE.to_owned(),
                    pair: step.pair.to_string(),
                    creation: step.dafater.as_ref().unwrap().creation.clone(),
                };
                body.insert("clientData".to_owned(), json!([marker.entry()]));
                self.add_google(person, Value::Object(body))
            }
            Side::Dafater => {
                let mut body = Document::body(None, contact, &fields, mapping());
                let name = &step.google.as_ref().unwrap().resource_name;
                body.insert("google_contacts_id".to_owned(), json!(name.0));
                let id = self.add_dafater(person, Value::Object(body));
                self.place(id, contact);
                id
            }
        }
    }

    /// Carries the addresses of a document out, as the executor does: each is a document of its own.
    fn place(&mut self, id: u64, target: &Contact) {
        let document = self.dafater[&id].parsed.clone();
        let changes = target.addresses.as_ref().map(|target| document.address_changes(target));
        for change in changes.into_iter().flatten() {
            let n = self.next();
            self.change_dafater(id, |record| {
                let list = record["__addresses"].as_array_mut().unwrap();
                let is = |name: &DocumentName, address: &Value| address["name"] == name.0.as_str();
                match change {
                    AddressChange::Create(wanted) => {
                        let mut body = AddressDocument::anew(&wanted, "Title", &document.name, None);
                        body.insert("name".to_owned(), json!(format!("Address{n}")));
                        body.insert("creation".to_owned(), json!(address_stamp(n)));
                        body.insert("modified".to_owned(), json!(address_stamp(n)));
                        list.push(Value::Object(body));
                    }
                    AddressChange::Update(name, body) => {
                        let known = list.iter_mut().find(|address| is(&name, address)).unwrap();
                        known.as_object_mut().unwrap().extend(body);
                        known["modified"] = json!(address_stamp(n));
                    }
                    AddressChange::Delete(name) => list.retain(|address| !is(&name, address)),
                }
            });
        }
    }

    fn person_of(&self, step: &Step) -> usize {
        let record = match (&step.google, &step.dafater) {
            (Some(_), _) => source_of(step),
            (None, Some(_)) => self.document_of(step),
            (None, None) => return 0,
        };
        self.owners[&record]
    }

    fn document_of(&self, step: &Step) -> u64 {
        self.births[&step.dafater.as_ref().unwrap().creation.0]
    }

    /// Keeps how a record that stands alone was judged. As the observer does: what was noted under a former name of it is forgotten.
    fn note_alone(&mut self, loose: Loose) {
        if let Some(creation) = &loose.creation {
            self.forget_alone(creation);
        }
        self.loose.insert(loose.record.clone(), loose);
    }

    fn forget_alone(&mut self, creation: &SiteStamp) {
        self.loose.retain(|_, loose| loose.creation.as_ref() != Some(creation));
    }

    fn remember(&mut self, pair: Pair) {
        self.loose.remove(&RecordId::Google(pair.google.source_id.clone()));
        self.forget_alone(&pair.dafater.creation);
        self.in_doubt.remove(&pair.id);
        self.promises.remove(&pair.id);
        self.decisions.resolutions.retain(|(id, _), _| *id != pair.id);
        self.pairs.insert(pair.id.clone(), pair);
    }

    /// Syncs in calm weather until nothing is left to do, which must be soon.
    pub fn come_to_rest(&mut self) {
        let calm = Luck::default();
        for _ in 0..5 {
            let plan = self.sync(&calm, true);
            let is_at_rest = plan.steps.is_empty() && plan.loose.is_empty() && self.in_doubt.is_empty();
            // What was in doubt has had its time to show up.
            self.in_doubt.clear();
            if is_at_rest {
                break;
            }
        }
        self.check_rest(&calm);
    }
}

pub fn source_of(step: &Step) -> u64 {
    u64::from_str_radix(&step.google.as_ref().unwrap().source_id.0, 16).unwrap()
}

/// Whether a snapshot shows a record of this name and address on `side`.
pub fn shows(
    snapshot: &Snapshot,
    side: Side,
    is_same: impl Fn(&dafater_contactsd::contact::Contact) -> bool,
) -> bool {
    match side {
        Side::Google => {
            let paired = snapshot.pairs.iter().filter_map(|view| view.google.present());
            let alone = snapshot.google.iter().map(|alone| &alone.record);
            paired.chain(alone).any(|person| is_same(&person.contact(mapping())))
        }
        Side::Dafater => {
            let paired = snapshot.pairs.iter().filter_map(|view| view.dafater.present());
            let alone = snapshot.dafater.iter().map(|alone| &alone.record);
            paired.chain(alone).any(|document| is_same(&document.contact(mapping())))
        }
    }
}
