//! The laws, by number and name, on a plan and on what it leaves behind.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dafater_contactsd::contact::{Contact, TextField, Values};
use dafater_contactsd::mapping::{Document, Person};
use dafater_contactsd::sync::guard::{Approval, Verdict, judge};
use dafater_contactsd::sync::{Action, PairId, Plan, Policy, RecordId, Side, Sighting, Snapshot, Step};
use serde_json::Value;

use super::carry::{shows, source_of};
use super::happen::has_word;
use super::script::{Luck, PEOPLE};
use super::world::{Deleted, Held, World, anchor, mapping};

type Remotes = (BTreeMap<u64, Arc<Held<Person>>>, BTreeMap<u64, Arc<Held<Document>>>);

pub fn of_the_plan(snapshot: &Snapshot, plan: &Plan, policy: &Policy) {
    economy(plan);
    absence_is_not_deletion(snapshot, plan);
    bounded_harm(plan, policy, snapshot.total_pairs);
    reversibility(plan);
    no_wrong_direction(plan, policy);
    nobody_is_passed_over(snapshot, plan);
}

fn economy(plan: &Plan) {
    let pairs: BTreeSet<&PairId> = plan.steps.iter().map(|step| &step.pair).collect();
    assert_eq!(pairs.len(), plan.steps.len(), "law 11, economy: one step a pair");
}

fn absence_is_not_deletion(snapshot: &Snapshot, plan: &Plan) {
    for view in &snapshot.pairs {
        let is_unseen = view.google == Sighting::Unseen || view.dafater == Sighting::Unseen;
        for step in plan.steps.iter().filter(|step| is_unseen && step.pair == view.pair.id) {
            assert!(
                matches!(step.action, Action::Postpone),
                "law 7, absence is not deletion: {:?} on a pair that cannot be seen",
                step.action
            );
        }
    }
}

fn bounded_harm(plan: &Plan, policy: &Policy, total: usize) {
    let policy = Policy { max_deletes_percent: 30, ..policy.clone() };
    let destroyed = plan.steps.iter().filter(|step| step.destroys()).count();
    let limit = (total * 30 / 100).max(1);
    match judge(plan, total, false, &policy, &Approval::default()) {
        Verdict::Go => assert!(destroyed <= limit, "law 8, bounded harm: {destroyed} of {total} go"),
        Verdict::Hold { digest, .. } => {
            assert!(destroyed > limit, "law 8, bounded harm: held for nothing");
            let approval = Approval { digest: Some(digest), ..Approval::default() };
            assert_eq!(judge(plan, total, false, &policy, &approval), Verdict::Go);
        }
    }
}

fn reversibility(plan: &Plan) {
    for step in &plan.steps {
        if matches!(step.action, Action::Merge(_) | Action::Delete { .. }) {
            let is_kept = |side| match side {
                Side::Google => step.google.is_some(),
                Side::Dafater => step.dafater.is_some(),
            };
            for side in [Side::Google, Side::Dafater].into_iter().filter(|side| step.writes(*side)) {
                assert!(
                    is_kept(side),
                    "law 12, reversibility: nothing of {side} was kept before it is written"
                );
            }
        }
    }
}

fn no_wrong_direction(plan: &Plan, policy: &Policy) {
    for step in &plan.steps {
        assert!(policy.push || !step.writes(Side::Google), "law 6: pull only writes nothing to Google");
        assert!(policy.pull || !step.writes(Side::Dafater), "law 6: push only writes nothing to Dafater");
    }
}

/// Whoever stands alone gets a counterpart, or is remembered with the reason why not.
fn nobody_is_passed_over(snapshot: &Snapshot, plan: &Plan) {
    let mut placed: BTreeSet<RecordId> = plan.loose.iter().map(|loose| loose.record.clone()).collect();
    for step in &plan.steps {
        placed.extend(step.google.iter().map(|person| RecordId::Google(person.source_id.clone())));
        placed.extend(step.dafater.iter().map(|document| RecordId::Dafater(document.name.clone())));
    }
    let people = snapshot
        .google
        .iter()
        .map(|alone| (RecordId::Google(alone.record.source_id.clone()), alone.before.is_some()));
    let documents = snapshot
        .dafater
        .iter()
        .map(|alone| (RecordId::Dafater(alone.record.name.clone()), alone.before.is_some()));
    for (record, is_remembered) in people.chain(documents) {
        assert!(is_remembered || placed.contains(&record), "law 9, cursor safety: {record} was passed over");
    }
}

impl World {
    /// Before a record is created, the person must not stand there already, as far as anybody could see.
    pub fn check_creates(&self, snapshot: &Snapshot, plan: &Plan) {
        for step in &plan.steps {
            let Action::Create { side, .. } = &step.action else { continue };
            let (contact, id) = match side {
                Side::Dafater => {
                    let person = step.google.as_ref().expect("law 12: a create has its source");
                    (person.contact(mapping()), source_of(step))
                }
                Side::Google => {
                    let document = step.dafater.as_ref().expect("law 12: a create has its source");
                    (document.contact(mapping()), self.births[&document.creation.0])
                }
            };
            let person = self.owners[&id];
            let own = anchor(person);
            let is_same = |other: &Contact| {
                other.folded_name() == contact.folded_name()
                    && other.emails.keys().any(|key| key.to_string() == own)
            };
            assert!(
                !shows(snapshot, *side, is_same),
                "law 5, no duplicates: person {person} stands in {side} already"
            );
            if step.before.is_none() {
                let half = (person, *side == Side::Dafater);
                assert!(!self.outside.contains(&half), "law 6, no uninvited write: {half:?} is out of scope");
            }
        }
    }

    pub fn check_duplicates(&self) {
        // Two records with different names at one address are two persons, whoever entered them.
        for person in (0..PEOPLE).filter(|person| !self.doubled.contains(person)) {
            for side in [Side::Google, Side::Dafater] {
                let records = self.find(side, person);
                let ours = records.iter().filter(|id| self.ours.contains(id)).count();
                assert!(ours <= 1, "law 5, no duplicates: person {person} was made twice in {side}");
            }
        }
    }

    pub fn check_uninvited(&self, before: &Remotes, plan: &Plan) {
        let known: BTreeSet<u64> =
            plan.steps.iter().filter(|step| step.google.is_some()).map(source_of).collect();
        for (id, held) in &before.0 {
            let Some(now) = self.google.get(id) else { continue };
            if Arc::ptr_eq(held, now) {
                continue;
            }
            let (record, now) = (&held.raw, &now.raw);
            assert!(known.contains(id), "law 6, no uninvited write: a contact that no step names");
            for field in ["birthdays", "clientData"] {
                assert_eq!(now[field], record[field], "law 6, no uninvited write: {field}");
            }
            let phonetic = |record: &Value| record["names"][0]["phoneticGivenName"].clone();
            assert_eq!(phonetic(now), phonetic(record), "law 6, no uninvited write: the phonetic name");
            let seconds = |record: &Value| count(&record["organizations"], "name", "Second");
            assert_eq!(seconds(now), seconds(record), "law 6, no uninvited write: the second organisation");
            let shoes = |record: &Value| count(&record["userDefined"], "key", "Shoe");
            assert_eq!(
                shoes(now),
                shoes(record),
                "law 6, no uninvited write: a custom field that is not mapped"
            );
            same_beside(&record["addresses"], &now["addresses"], "streetAddress", "poBox");
            for list in ["emailAddresses", "phoneNumbers"] {
                law_labels(&record[list], &now[list]);
            }
        }
        for (id, held) in &before.1 {
            let Some(now) = self.dafater.get(id).filter(|now| !Arc::ptr_eq(held, now)) else { continue };
            let (record, now) = (&held.raw, &now.raw);
            same_beside(&record["__addresses"], &now["__addresses"], "creation", "phone");
            assert_eq!(now["gender"], record["gender"], "law 6, no uninvited write: gender");
            let notes = |record: &Value| count(&record["email_ids"], "custom_note", "own");
            assert_eq!(notes(now), notes(record), "law 6, no uninvited write: a site's own column");
        }
    }

    /// Nothing is left to do, and all laws of a world at rest hold.
    pub fn check_rest(&mut self, calm: &Luck) {
        let memory = |world: &Self| {
            let google: Vec<Arc<Held<Person>>> = world.google.values().cloned().collect();
            let dafater: Vec<Arc<Held<Document>>> = world.dafater.values().cloned().collect();
            (google, dafater, world.pairs.clone(), world.loose.clone())
        };
        let before = memory(self);
        let plan = self.sync(calm, true);
        let writes: Vec<&Step> = plan
            .steps
            .iter()
            .filter(|step| step.writes(Side::Google) || step.writes(Side::Dafater))
            .collect();
        assert!(writes.is_empty(), "law 2, quiescence: {writes:#?}");
        let after = memory(self);
        let is_same = before.0.iter().zip(&after.0).all(|(one, two)| Arc::ptr_eq(one, two))
            && before.1.iter().zip(&after.1).all(|(one, two)| Arc::ptr_eq(one, two))
            && (before.0.len(), before.1.len()) == (after.0.len(), after.1.len())
            && (before.2, before.3) == (after.2, after.3);
        assert!(is_same, "law 2, quiescence: nothing changes when nothing is new");
        let postponed = plan.steps.iter().filter(|step| matches!(step.action, Action::Postpone)).count();
        assert_eq!(postponed, 0, "law 10, isolation: nothing waits for ever");
        self.law_convergence();
        self.check_lost_edits();
    }

    fn check_lost_edits(&self) {
        let mut said = Vec::new();
        self.google.values().for_each(|held| texts_of(&held.raw, &mut said));
        self.dafater.values().for_each(|held| texts_of(&held.raw, &mut said));
        for (text, wish) in self.wishes.iter().filter(|(_, wish)| !wish.is_withdrawn) {
            let is_open = !self.open_conflicts.is_empty();
            assert!(
                said.iter().any(|said| has_word(said, text)) || self.logged.contains(text) || is_open,
                "law 3, no lost edit: {text} of person {} is nowhere",
                wish.person
            );
        }
    }

    /// What a user deleted on this side was just created there, from the record `source` of the other side.
    pub fn check_resurrection(
        &mut self,
        person: usize,
        side: Side,
        source: (u64, &Contact),
        is_overtaken: bool,
    ) {
        // Who bears another name and never was the counterpart of what was deleted is another person at the same address.
        let name = source.1.folded_name();
        let is_of = |deleted: &Deleted| deleted.counterpart == source.0 || may_be_one(&deleted.name, &name);
        let deleted = self.deleted.entry((person, side == Side::Google)).or_default();
        let was_deleted = deleted.iter().any(is_of);
        deleted.retain(|deleted| !is_of(deleted));
        let is_edited = is_overtaken || self.edited_since.contains(&person) || self.doubled.contains(&person);
        assert!(!was_deleted || is_edited, "law 4, no resurrection: person {person} stands in {side} again");
    }

    fn law_convergence(&self) {
        let is_two_way = self.policy.pull && self.policy.push;
        for pair in self.pairs.values() {
            if self.open_conflicts.contains_key(&pair.id) || !is_two_way {
                continue;
            }
            let google = self.google[&Self::google_of(pair)].parsed.contact(mapping());
            let dafater = self.dafater[&self.dafater_of(pair)].parsed.contact(mapping());
            for field in mapping().texts() {
                // What Dafater has no slot for, and what the removal of a first organisation leaves to see.
                if matches!(
                    field,
                    TextField::Suffix | TextField::Prefix | TextField::Company | TextField::Gender
                ) {
                    continue;
                }
                assert_eq!(google.text(field), dafater.text(field), "law 1, convergence: {field:?}");
            }
            let keys = |values: &Values| values.keys().cloned().collect::<BTreeSet<_>>();
            assert_eq!(keys(&google.emails), keys(&dafater.emails), "law 1, convergence: e-mails");
            assert_eq!(keys(&google.phones), keys(&dafater.phones), "law 1, convergence: phones");
            let places = |contact: &Contact| contact.addresses.as_ref().map(keys);
            assert_eq!(places(&google), places(&dafater), "law 1, convergence: addresses");
        }
        for held in self.google.values() {
            let id = RecordId::Google(held.parsed.source_id.clone());
            let is_paired = self.pairs.values().any(|pair| pair.google.source_id == held.parsed.source_id);
            assert!(is_paired || self.loose.contains_key(&id), "law 1, convergence: {id} has no place");
        }
        for held in self.dafater.values() {
            let id = RecordId::Dafater(held.parsed.name.clone());
            let is_paired = self.pairs.values().any(|pair| pair.dafater.creation == held.parsed.creation);
            let is_loose =
                self.loose.values().any(|loose| loose.creation.as_ref() == Some(&held.parsed.creation));
            assert!(is_paired || is_loose, "law 1, convergence: {id} has no place");
        }
    }
}

/// Every text in a record.
fn texts_of<'a>(record: &'a Value, texts: &mut Vec<&'a str>) {
    match record {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        Value::Object(fields) => fields.values().for_each(|field| texts_of(field, texts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether two names may be one person's: they share a word, or one of them is silent.
fn may_be_one(left: &str, right: &str) -> bool {
    let mut words = left.split(' ');
    left.is_empty() || right.is_empty() || words.any(|word| right.split(' ').any(|other| word == other))
}

/// The user's own types stay where they are, on every value that stays.
fn law_labels(before: &Value, now: &Value) {
    for item in before.as_array().into_iter().flatten().filter(|item| item.get("type").is_some()) {
        let after = now.as_array().into_iter().flatten().find(|after| after["value"] == item["value"]);
        let Some(after) = after else { continue };
        // Which number is the mobile one is a matter of both sides.
        let is_mobile = |item: &Value| item["type"] == "mobile";
        if !is_mobile(item) && !is_mobile(after) {
            assert_eq!(after["type"], item["type"], "law 6, no uninvited write: a label");
        }
    }
}

/// What is not mapped of an address stays, as long as the address does.
fn same_beside(before: &Value, now: &Value, identity: &str, own: &str) {
    for item in before.as_array().into_iter().flatten() {
        let after = now.as_array().into_iter().flatten().find(|after| after[identity] == item[identity]);
        if let Some(after) = after {
            assert_eq!(after[own], item[own], "law 6, no uninvited write: {own} of an address");
        }
    }
}

fn count(list: &Value, slot: &str, text: &str) -> usize {
    list.as_array().into_iter().flatten().filter(|item| item[slot] == text).count()
}
