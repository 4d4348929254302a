//! Two remotes as maps, the daemon's memory between them, and what a user may know about both.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use dafater_contactsd::contact::{Contact, Field, MappedField, PhoneContext, TextField};
use dafater_contactsd::mapping::{Document, Mapping, Person, SiteRules};
use dafater_contactsd::sync::{
    AccountName, Alone, Decisions, FieldRules, FirstSync, Loose, Pair, PairId, PairView, Policy, Promise,
    RecordId, Scope, Side, Sighting, Snapshot,
};
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::script::{Luck, PEOPLE, Rules, Script};

pub const SITE: &str = "erp.example.com";
/// How the daemon reads the records of the world.
pub fn mapping() -> &'static Mapping {
    static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
        let mut texts = Mapping::default_texts();
        texts.extend([notes(), customer_number()]);
        Mapping::new(PhoneContext::default(), &texts).with_addresses(true)
    });
    &MAPPING
}

/// A text with a place of its own, which an operator mapped.
pub fn notes() -> TextField {
    TextField::Mapped(MappedField::new("notes", "custom_notes"))
}

/// One item of a list, which an operator mapped.
pub fn customer_number() -> TextField {
    TextField::Mapped(MappedField::new("custom.Customer No", "custom_number"))
}

/// A record of a remote: as it is sent, and as it is read.
#[derive(Debug, Clone)]
pub struct Held<T> {
    pub raw: Value,
    pub parsed: T,
}

/// Something unique that a user wrote: as long as nobody withdraws it, it must stand somewhere.
#[derive(Debug, Clone)]
pub struct Wish {
    pub person: usize,
    pub is_withdrawn: bool,
}

/// A record of a pair that a user deleted.
#[derive(Debug, Clone)]
pub struct Deleted {
    /// The other half.
    pub counterpart: u64,
    pub name: String,
}

/// Two remotes and the daemon's memory.
pub struct World {
    pub policy: Policy,
    pub google: BTreeMap<u64, Arc<Held<Person>>>,
    pub dafater: BTreeMap<u64, Arc<Held<Document>>>,
    pub pairs: BTreeMap<PairId, Pair>,
    pub loose: BTreeMap<RecordId, Loose>,
    /// Questions that name nobody: they wait for an answer or an edit.
    pub asked: BTreeSet<RecordId>,
    pub in_doubt: BTreeSet<PairId>,
    /// What creates in doubt make both sides agree on, if they arrived.
    pub promises: BTreeMap<PairId, Promise>,
    /// What updates whose answer was lost made both sides agree on, if they arrived.
    pub owed: Vec<(PairId, Side, Option<Contact>, Promise)>,
    pub decisions: Decisions,
    /// What Google showed in the round before.
    pub shown: BTreeMap<u64, Person>,
    /// Whom each record is about.
    pub owners: BTreeMap<u64, usize>,
    /// The record of each `creation`, which no rename changes.
    pub births: BTreeMap<String, u64>,
    /// Records that the sync made.
    pub ours: BTreeSet<u64>,
    pub wishes: BTreeMap<String, Wish>,
    /// Texts that a logged decision has overwritten.
    pub logged: BTreeSet<String>,
    /// What users deleted of a person on a side.
    pub deleted: BTreeMap<(usize, bool), Vec<Deleted>>,
    /// Persons that a user touched since, on the other side.
    pub edited_since: BTreeSet<usize>,
    /// Who stands outside the scope, on which side.
    pub outside: BTreeSet<(usize, bool)>,
    /// Persons that stood twice on a side without any fault of ours.
    pub doubled: BTreeSet<usize>,
    pub open_conflicts: BTreeMap<PairId, BTreeSet<Field>>,
    revision: u64,
    record: u64,
    unique: u64,
}

impl World {
    pub fn new(script: &Script) -> Self {
        let mut world = Self {
            policy: policy(script.rules),
            google: BTreeMap::new(),
            dafater: BTreeMap::new(),
            pairs: BTreeMap::new(),
            loose: BTreeMap::new(),
            asked: BTreeSet::new(),
            in_doubt: BTreeSet::new(),
            promises: BTreeMap::new(),
            owed: Vec::new(),
            decisions: Decisions::default(),
            shown: BTreeMap::new(),
            owners: BTreeMap::new(),
            births: BTreeMap::new(),
            ours: BTreeSet::new(),
            wishes: BTreeMap::new(),
            logged: BTreeSet::new(),
            deleted: BTreeMap::new(),
            edited_since: BTreeSet::new(),
            outside: BTreeSet::new(),
            doubled: BTreeSet::new(),
            open_conflicts: BTreeMap::new(),
            revision: 0,
            record: 0,
            unique: 0,
        };
        for (person, side) in &script.initial {
            for one in [Side::Google, Side::Dafater] {
                if side.is_none_or(|side| side == one) && world.find(one, *person).is_empty() {
                    world.enter(one, *person);
                }
            }
        }
        world
    }

    /// A number that nothing else has.
    pub fn next(&mut self) -> u64 {
        self.unique += 1;
        self.unique
    }

    /// The person's records on a side, the oldest first.
    pub fn find(&self, side: Side, person: usize) -> Vec<u64> {
        let has = |id: &&u64| self.owners.get(id) == Some(&person);
        match side {
            Side::Google => self.google.keys().filter(has).copied().collect(),
            Side::Dafater => self.dafater.keys().filter(has).copied().collect(),
        }
    }

    /// A user enters somebody.
    pub fn enter(&mut self, side: Side, person: usize) {
        let name = format!("Person{person}");
        match side {
            Side::Google => {
                let fields = json!({
                    "names": [{ "givenName": name, "phoneticGivenName": "p" }],
                    "emailAddresses": [{ "value": anchor(person), "type": "Castle" }],
                    "birthdays": [{ "date": { "year": 1815 } }],
                    "userDefined": [{ "key": "Shoe", "value": "38" }],
                    "organizations": [
                        { "name": format!("Company{person}"), "jobDescription": "own" },
                        { "name": "Second" },
                    ],
                });
                self.add_google(person, fields);
            }
            Side::Dafater => {
                let fields = json!({
                    "first_name": name,
                    "company_name": format!("Company{person}"),
                    "gender": "Female",
                    "email_ids": [{ "email_id": anchor(person), "custom_note": "own", "name": "row" }],
                });
                self.add_dafater(person, fields);
            }
        }
        self.deleted.remove(&(person, side == Side::Google));
        self.edited_since.insert(person);
    }

    pub fn add_google(&mut self, person: usize, mut fields: Value) -> u64 {
        let id = self.new_record(person);
        self.stamp_google(id, &mut fields);
        let parsed = Person::parse(fields.clone()).unwrap();
        self.google.insert(id, Arc::new(Held { raw: fields, parsed }));
        id
    }

    pub fn add_dafater(&mut self, person: usize, mut fields: Value) -> u64 {
        let id = self.new_record(person);
        let creation = self.stamp();
        fields["creation"] = json!(creation);
        fields["name"] = json!(format!("Doc{id}"));
        fields["__addresses"] = json!([]);
        self.births.insert(creation, id);
        self.stamp_dafater(&mut fields);
        let parsed = Document::parse(fields.clone()).unwrap();
        self.dafater.insert(id, Arc::new(Held { raw: fields, parsed }));
        id
    }

    /// Changes a Google contact as a write of one does: its revision moves.
    pub fn change_google(&mut self, id: u64, change: impl FnOnce(&mut Map<String, Value>)) {
        let Some(mut raw) = self.google.get(&id).map(|held| held.raw.clone()) else { return };
        change(raw.as_object_mut().unwrap());
        self.stamp_google(id, &mut raw);
        let parsed = Person::parse(raw.clone()).unwrap();
        self.google.insert(id, Arc::new(Held { raw, parsed }));
    }

    /// Changes a document as a save of one does: its stamp moves.
    pub fn change_dafater(&mut self, id: u64, change: impl FnOnce(&mut Map<String, Value>)) {
        let Some(mut raw) = self.dafater.get(&id).map(|held| held.raw.clone()) else { return };
        change(raw.as_object_mut().unwrap());
        self.stamp_dafater(&mut raw);
        let parsed = Document::parse(raw.clone()).unwrap();
        self.dafater.insert(id, Arc::new(Held { raw, parsed }));
    }

    /// API: a rename moves neither `modified` nor `creation`.
    pub fn rename(&mut self, id: u64) {
        let n = self.next();
        let Some(held) = self.dafater.get_mut(&id) else { return };
        let held = Arc::make_mut(held);
        let before = RecordId::Dafater(held.parsed.name.clone());
        let begun = PairId::from_dafater(&account(), &held.parsed.creation, &held.parsed.name);
        held.raw["name"] = json!(format!("Doc{id}-{n}"));
        // API: what links to it follows it, unstamped.
        for address in held.raw["__addresses"].as_array_mut().into_iter().flatten() {
            address["links"][0]["link_name"] = json!(format!("Doc{id}-{n}"));
        }
        held.parsed = Document::parse(held.raw.clone()).unwrap();
        let after = RecordId::Dafater(held.parsed.name.clone());
        // As the observer does: an intent finds its document by what no rename changes.
        if self.in_doubt.contains(&begun) {
            let now = PairId::from_dafater(&account(), &held.parsed.creation, &held.parsed.name);
            self.in_doubt.insert(now);
        }
        if self.asked.remove(&before) {
            self.asked.insert(after.clone());
        }
        if let Some(loose) = self.loose.remove(&before) {
            self.loose.insert(after.clone(), Loose { record: after, ..loose });
        }
    }

    fn new_record(&mut self, person: usize) -> u64 {
        self.record += 1;
        self.owners.insert(self.record, person);
        self.record
    }

    fn stamp(&mut self) -> String {
        self.revision += 1;
        let (minutes, seconds) = (self.revision / 60 % 60, self.revision % 60);
        format!("2026-11-{:02} 12:{minutes:02}:{seconds:02}.000000", 1 + self.revision / 3_600)
    }

    fn stamp_google(&mut self, id: u64, record: &mut Value) {
        let stamp = self.stamp();
        let revision = self.revision;
        for field in ["names", "emailAddresses", "phoneNumbers", "organizations"] {
            let Some(items) = record.get_mut(field).and_then(Value::as_array_mut) else { continue };
            if items.is_empty() {
                record.as_object_mut().unwrap().remove(field);
                continue;
            }
            let chosen = items.iter().position(|item| item["metadata"]["sourcePrimary"] == json!(true));
            for (index, item) in items.iter_mut().enumerate() {
                let mut metadata = json!({ "source": { "type": "CONTACT" } });
                if index == chosen.unwrap_or(0) {
                    metadata["primary"] = json!(true);
                    if chosen.is_some() {
                        metadata["sourcePrimary"] = json!(true);
                    }
                }
                item["metadata"] = metadata;
            }
        }
        record["resourceName"] = json!(format!("people/c{id}"));
        let previous = record["metadata"].get("previousResourceNames").cloned();
        record["metadata"] = json!({ "sources": [{
            "type": "CONTACT",
            "id": format!("{id:x}"),
            "etag": format!("e{revision}"),
            "updateTime": format!("{}Z", stamp.replace(' ', "T")),
        }] });
        if let Some(previous) = previous {
            record["metadata"]["previousResourceNames"] = previous;
        }
    }

    fn stamp_dafater(&mut self, record: &mut Value) {
        record["modified"] = json!(self.stamp());
        for (table, flags) in [
            ("email_ids", ["is_primary"].as_slice()),
            ("phone_nos", &["is_primary_phone", "is_primary_mobile_no"]),
        ] {
            let Some(rows) = record.get_mut(table).and_then(Value::as_array_mut) else { continue };
            for flag in flags {
                let flagged = rows.iter().filter(|row| row[flag] == json!(1)).count();
                assert!(flagged <= 1, "the site refuses two primaries: {rows:?}");
            }
            let is_single = rows.len() == 1;
            for (index, row) in rows.iter_mut().enumerate() {
                row["idx"] = json!(index + 1);
                // API: a single address becomes the primary one by itself.
                if is_single && table == "email_ids" {
                    row["is_primary"] = json!(1);
                }
            }
        }
    }

    pub fn google_of(pair: &Pair) -> u64 {
        u64::from_str_radix(&pair.google.source_id.0, 16).unwrap()
    }

    pub fn dafater_of(&self, pair: &Pair) -> u64 {
        self.births[&pair.dafater.creation.0]
    }

    /// What Google shows: for those who are late, what it showed before.
    fn google_view(&self, luck: &Luck) -> BTreeMap<u64, Person> {
        let is_late = |id: &u64| luck.late.contains(&self.owners[id]);
        let now = self.google.iter().filter(|(id, _)| !is_late(id));
        let before = self.shown.iter().filter(|(id, _)| is_late(id));
        now.map(|(id, held)| (*id, held.parsed.clone()))
            .chain(before.map(|(id, person)| (*id, person.clone())))
            .collect()
    }

    /// What a cycle sees.
    pub fn snapshot(&self, luck: &Luck) -> Snapshot {
        let is_hidden = |id: u64, is_google| luck.hidden.contains(&(self.owners[&id], is_google));
        let mut people = self.google_view(luck);
        let mut documents: BTreeMap<u64, Document> =
            self.dafater.iter().map(|(id, held)| (*id, held.parsed.clone())).collect();
        let mut pairs = Vec::new();
        for pair in self.pairs.values() {
            let (left, right) = (Self::google_of(pair), self.dafater_of(pair));
            let google = match people.remove(&left) {
                Some(_) if is_hidden(left, true) => Sighting::Unseen,
                Some(person) if pair.google.superseded.contains(&person.etag) => Sighting::Stale,
                Some(person) => Sighting::Present(person),
                // Written a moment ago, and not to be seen yet.
                None if luck.late.contains(&self.owners[&left]) && self.google.contains_key(&left) => {
                    Sighting::Unseen
                }
                None => Sighting::Gone,
            };
            let dafater = match documents.remove(&right) {
                Some(_) if is_hidden(right, false) => Sighting::Unseen,
                Some(document) => Sighting::Present(document),
                None => Sighting::Gone,
            };
            let mut pair = pair.clone();
            let mut is_moved = false;
            if let Sighting::Present(document) = &dafater {
                is_moved = document.name != pair.dafater.name;
                pair.dafater.name = document.name.clone();
            }
            pairs.push(PairView { pair, is_moved, google, dafater });
        }
        let people = people.into_iter().map(|(id, person)| {
            let record = RecordId::Google(person.source_id.clone());
            self.alone(person, id, &record, Side::Google)
        });
        let documents = documents.into_iter().map(|(id, document)| {
            // As the observer does: a rename leaves no trace but the `creation` that survives it.
            let is_of = |loose: &&Loose| loose.creation.as_ref() == Some(&document.creation);
            let known = self.loose.values().find(is_of).map(|loose| loose.record.clone());
            let record = known.unwrap_or_else(|| RecordId::Dafater(document.name.clone()));
            self.alone(document, id, &record, Side::Dafater)
        });
        Snapshot {
            account: account(),
            site: SITE.to_owned(),
            site_rules: Arc::new(SiteRules {
                countries: Some(BTreeMap::from([("Saudi Arabia".to_owned(), "sa".to_owned())])),
                ..SiteRules::default()
            }),
            zone: TimeZone::UTC,
            total_pairs: self.pairs.len(),
            pairs,
            due: BTreeSet::new(),
            google: people.collect(),
            dafater: documents.collect(),
            paired: Vec::new(),
            in_doubt: self.in_doubt.clone(),
            begun: self.in_doubt.clone(),
            promises: self.promises.clone(),
            left_over: self.asked.clone(),
            bereft: BTreeMap::new(),
            veiled: BTreeSet::new(),
            missed: Vec::new(),
            leaving: BTreeSet::new(),
            left: Vec::new(),
            parted: Vec::new(),
            taken: BTreeSet::new(),
            decisions: self.decisions.clone(),
        }
    }

    /// As the observer does before it plans: an update whose answer was lost is known again where it shows, and looked for as long as
    /// it may not show yet.
    pub fn redeem(&mut self, snapshot: &mut Snapshot, luck: &Luck) {
        for (id, side, was, promise) in std::mem::take(&mut self.owed) {
            let Some(view) = snapshot.pairs.iter_mut().find(|view| view.pair.id == id) else { continue };
            let now = match side {
                Side::Google => view.google.present().map(|person| person.contact(mapping())),
                Side::Dafater => view.dafater.present().map(|document| document.contact(mapping())),
            };
            match now {
                Some(now) => {
                    let is_late = side == Side::Google && self.is_late(luck, Self::google_of(&view.pair));
                    if promise.redeem(&mut view.pair, side, was.as_ref(), &now) {
                        self.pairs.insert(id, view.pair.clone());
                    } else if is_late {
                        self.owed.push((id, side, was, promise));
                    }
                }
                None => self.owed.push((id, side, was, promise)),
            }
        }
    }

    fn alone<T>(&self, record: T, id: u64, name: &RecordId, side: Side) -> Alone<T> {
        Alone {
            record,
            before: self.loose.get(name).cloned(),
            is_in_scope: !self.outside.contains(&(self.owners[&id], side == Side::Google)),
            is_waiting: false,
            successor: None,
        }
    }

    pub fn is_late(&self, luck: &Luck, id: u64) -> bool {
        luck.late.contains(&self.owners[&id])
    }
}

fn account() -> AccountName {
    "sales".parse().unwrap()
}

fn policy(rules: Rules) -> Policy {
    Policy {
        pull: rules.pull,
        push: rules.push,
        conflict: rules.conflict,
        deletions: rules.deletions,
        max_deletes_percent: rules.max_deletes,
        first_sync: FirstSync::Apply,
        scope: Scope::default(),
        mapping: mapping().clone(),
        fields: FieldRules::default(),
    }
}

/// The address that a person never loses, so that a record is known again.
pub fn anchor(person: usize) -> String {
    assert!(person < PEOPLE);
    format!("anchor{person}@example.com")
}

/// The stamp of an address: each differs.
pub fn address_stamp(n: u64) -> String {
    format!("2026-10-01 12:00:{:02}.{:06}", n / 1_000_000, n % 1_000_000)
}

/// List and slot of a field with many values.
pub fn slots(side: Side, field: &Field) -> (&'static str, &'static str) {
    match (side, field) {
        (Side::Google, Field::Phones) => ("phoneNumbers", "value"),
        (Side::Google, Field::Addresses) => ("addresses", "streetAddress"),
        (Side::Dafater, Field::Addresses) => ("__addresses", "address_line1"),
        (Side::Google, _) => ("emailAddresses", "value"),
        (Side::Dafater, Field::Phones) => ("phone_nos", "phone"),
        (Side::Dafater, _) => ("email_ids", "email_id"),
    }
}

pub fn text_slot(side: Side, field: &TextField) -> &'static str {
    match (side, field) {
        (Side::Google, TextField::Given) => "givenName",
        (Side::Google, TextField::Middle) => "middleName",
        (Side::Google, TextField::Title) => "title",
        (Side::Google, TextField::Mapped(_)) => "value",
        (Side::Dafater, field) if *field == notes() => "custom_notes",
        (Side::Dafater, TextField::Mapped(_)) => "custom_number",
        (Side::Google, _) => "familyName",
        (Side::Dafater, TextField::Given) => "first_name",
        (Side::Dafater, TextField::Middle) => "middle_name",
        (Side::Dafater, TextField::Title) => "designation",
        (Side::Dafater, _) => "last_name",
    }
}
