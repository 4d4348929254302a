//! Plans for whole accounts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use dafater_contactsd::mapping::{Document, Marker, Person};
use dafater_contactsd::sync::{
    AccountName, Alone, ConflictPolicy, DafaterBase, Decisions, DeletionPolicy, FieldRules, FirstSync,
    GoogleBase, Origin, Pair, PairId, PairView, Plan, Policy, RecordId, Scope, Sighting, Snapshot,
};
use divan::Bencher;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::people::{document, mapping, person};

const SIZES: [usize; 2] = [2_000, 25_000];
const SITE: &str = "erp.example.com";

fn policy() -> Policy {
    Policy {
        pull: true,
        push: true,
        conflict: ConflictPolicy::Newest,
        deletions: DeletionPolicy::Propagate,
        max_deletes_percent: 10,
        first_sync: FirstSync::Apply,
        scope: Scope::default(),
        mapping: mapping(),
        fields: FieldRules::default(),
    }
}

fn account() -> AccountName {
    "sales".parse().unwrap()
}

fn empty() -> Snapshot {
    Snapshot {
        account: account(),
        site: SITE.to_owned(),
        site_rules: Arc::default(),
        zone: TimeZone::UTC,
        total_pairs: 0,
        pairs: Vec::new(),
        due: BTreeSet::new(),
        google: Vec::new(),
        dafater: Vec::new(),
        paired: Vec::new(),
        in_doubt: BTreeSet::new(),
        promises: BTreeMap::new(),
        begun: BTreeSet::new(),
        left_over: BTreeSet::new(),
        bereft: BTreeMap::new(),
        veiled: BTreeSet::new(),
        missed: Vec::new(),
        leaving: BTreeSet::new(),
        left: Vec::new(),
        parted: Vec::new(),
        taken: BTreeSet::new(),
        decisions: Decisions::default(),
    }
}

fn alone<T>(record: T) -> Alone<T> {
    Alone { record, before: None, is_in_scope: true, is_waiting: false, successor: None }
}

fn pair(google: &Person, dafater: &Document) -> Pair {
    Pair {
        id: PairId::from_google(&account(), &google.source_id),
        origin: Origin::Matched,
        google: GoogleBase {
            source_id: google.source_id.clone(),
            resource_name: google.resource_name.clone(),
            etag: google.etag.clone(),
            updated: google.updated,
            superseded: Vec::new(),
            contact: google.contact(&mapping()),
        },
        dafater: DafaterBase {
            name: dafater.name.clone(),
            creation: dafater.creation.clone(),
            modified: dafater.modified.clone(),
            contact: dafater.contact(&mapping()),
            addresses: None,
        },
        aliases: Vec::new(),
        withheld: Vec::new(),
    }
}

fn views(
    size: usize,
    see: impl Fn(usize, Person, Document) -> (Sighting<Person>, Sighting<Document>),
) -> Snapshot {
    let mut snapshot = empty();
    snapshot.total_pairs = size;
    snapshot.pairs = (0..size)
        .map(|number| {
            let (google, dafater) = (person(number), document(number));
            let pair = pair(&google, &dafater);
            let (google, dafater) = see(number, google, dafater);
            PairView { pair, is_moved: false, google, dafater }
        })
        .collect();
    snapshot
}

fn measure(bencher: Bencher<'_, '_>, snapshot: &Snapshot, steps: usize) {
    assert_eq!(
        Plan::compute(snapshot, &policy()).steps.len(),
        steps,
        "the plan is not the one to be measured"
    );
    bencher.bench(|| Plan::compute(snapshot, &policy()));
}

/// Half of each side is the same person.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn first_sync(bencher: Bencher<'_, '_>, size: usize) {
    let mut snapshot = empty();
    snapshot.google = (0..size).map(|number| alone(person(number))).collect();
    snapshot.dafater = (size / 2..size + size / 2).map(|number| alone(document(number))).collect();
    measure(bencher, &snapshot, size + size / 2);
}

/// A complete read finds nothing new.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn nothing_changed(bencher: Bencher<'_, '_>, size: usize) {
    let snapshot = views(size, |_, google, dafater| (Sighting::Present(google), Sighting::Present(dafater)));
    measure(bencher, &snapshot, 0);
}

/// Every contact got another title in Google, each company another name in Dafater.
#[divan::bench(args = SIZES, sample_count = 5, sample_size = 1)]
fn all_edited_on_both_sides(bencher: Bencher<'_, '_>, size: usize) {
    let snapshot = views(size, |number, mut google, mut dafater| {
        google.etag.0.push('2');
        Arc::make_mut(&mut google.fields)["organizations"][0]["title"] = json!("Head of purchasing");
        dafater.modified.0.replace_range(..10, "2026-11-21");
        Arc::make_mut(&mut dafater.fields)
            .insert("company_name".to_owned(), json!(format!("Renamed {number}")));
        (Sighting::Present(google), Sighting::Present(dafater))
    });
    measure(bencher, &snapshot, size);
}

/// The memory is lost, and the sync made each Google contact: the markers tell.
#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn rebuilt_by_markers(bencher: Bencher<'_, '_>, size: usize) {
    let mut snapshot = empty();
    snapshot.dafater = (0..size).map(|number| alone(document(number))).collect();
    snapshot.google = (0..size)
        .map(|number| {
            let mut google = person(number);
            let creation = document(number).creation;
            let pair = PairId::from_google(&account(), &google.source_id).to_string();
            let entry = Marker { site: SITE.to_owned(), pair, creation }.entry();
            Arc::make_mut(&mut google.fields).insert("clientData".to_owned(), json!([entry]));
            alone(google)
        })
        .collect();
    measure(bencher, &snapshot, size);
}

/// The site's own integration ran before: every document names its Google contact.
#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn taken_over_by_ids(bencher: Bencher<'_, '_>, size: usize) {
    let mut snapshot = empty();
    snapshot.google = (0..size).map(|number| alone(person(number))).collect();
    snapshot.dafater = (0..size)
        .map(|number| {
            let mut document = document(number);
            Arc::make_mut(&mut document.fields)
                .insert("google_contacts_id".to_owned(), json!(person(number).resource_name));
            alone(document)
        })
        .collect();
    measure(bencher, &snapshot, size);
}

/// All of Google was deleted and put back: the same people under new names.
#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn google_restored_under_new_ids(bencher: Bencher<'_, '_>, size: usize) {
    let mut snapshot = views(size, |_, _, dafater| (Sighting::Gone, Sighting::Present(dafater)));
    snapshot.google = (0..size)
        .map(|number| {
            let mut google = person(number);
            google.source_id.0.push('f');
            google.resource_name.0.push('9');
            alone(google)
        })
        .collect();
    // The records of dissolved pairs are not to be joined in the same plan: each is a step, and each new person is one.
    let steps = Plan::compute(&snapshot, &policy()).steps.len();
    assert!(steps >= size);
    measure(bencher, &snapshot, steps);
}

/// Every newcomer shares a number with somebody who is paired, under another name: a person must look at all of them.
#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn everybody_in_doubt(bencher: Bencher<'_, '_>, size: usize) {
    let mut snapshot = empty();
    snapshot.total_pairs = size;
    for number in 0..size {
        let (google, dafater) = (person(number), document(number));
        snapshot.paired.push((RecordId::Google(google.source_id.clone()), google.contact(&mapping())));
        snapshot.paired.push((RecordId::Dafater(dafater.name.clone()), dafater.contact(&mapping())));
        let mut newcomer = google;
        newcomer.source_id.0.push('f');
        snapshot.google.push(alone(newcomer));
    }
    measure(bencher, &snapshot, 0);
}

/// One family: everybody has the same name and company.
#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn all_namesakes(bencher: Bencher<'_, '_>, size: usize) {
    let mut snapshot = empty();
    for number in 0..size {
        let (mut google, mut dafater) = (person(number), document(number));
        Arc::make_mut(&mut google.fields)["names"][0] =
            json!({ "givenName": "Mohammed", "familyName": "Ali" });
        Arc::make_mut(&mut google.fields)["organizations"][0]["name"] = json!("Ali & Sons");
        for (key, value) in [("first_name", "Mohammed"), ("last_name", "Ali"), ("company_name", "Ali & Sons")]
        {
            Arc::make_mut(&mut dafater.fields).insert(key.to_owned(), json!(value));
        }
        snapshot.google.push(alone(google));
        snapshot.dafater.push(alone(dafater));
    }
    measure(bencher, &snapshot, size);
}
