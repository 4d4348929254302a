//! One record: reading it, its phone numbers, merging it.

use dafater_contactsd::contact::Contact;
use dafater_contactsd::mapping::{Person, SiteRules};
use dafater_contactsd::sync::{Both, ConflictPolicy, FieldRules, MergeRules, Side, merge};
use divan::{Bencher, black_box};

use crate::people::{document, mapping, person, person_json};

#[divan::bench]
fn parse_person(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(|| person_json(7)).bench_values(|json| Person::parse(json).unwrap());
}

#[divan::bench]
fn read_contact_of_person(bencher: Bencher<'_, '_>) {
    let person = person(7);
    bencher.bench(|| black_box(&person).contact(&mapping()));
}

#[divan::bench(args = ["+966 50 123 4567", "0501234567", "٠٥٠١٢٣٤٥٦٧", "+49 (0)30 901820 ext. 12", "*100#"])]
fn phone_key(raw: &str) -> Option<String> {
    mapping().phones.key(black_box(raw)).map(|key| key.to_string())
}

fn rules(site: &SiteRules) -> MergeRules<'_> {
    MergeRules {
        conflict: ConflictPolicy::Newest,
        newer: Side::Google,
        pull: true,
        push: true,
        fields: FieldRules::default(),
        site,
        resolutions: std::collections::BTreeMap::new(),
        aliases: &[],
        shared: std::collections::BTreeSet::new(),
    }
}

#[divan::bench]
fn merge_without_a_change(bencher: Bencher<'_, '_>) {
    let (google, dafater) = (person(7).contact(&mapping()), document(7).contact(&mapping()));
    let both = Both { google: &google, dafater: &dafater };
    let site = SiteRules::default();
    bencher.bench(|| merge(black_box(both), black_box(both), &rules(&site)));
}

#[divan::bench]
fn merge_of_edits_on_both_sides(bencher: Bencher<'_, '_>) {
    let (google, dafater) = (person(7).contact(&mapping()), document(7).contact(&mapping()));
    let base = Both { google: &google, dafater: &dafater };
    let site = SiteRules::default();
    let edit = |number: usize| -> Contact { person(number).contact(&mapping()) };
    let (edited_google, edited_dafater) = (edit(8), edit(9));
    let now = Both { google: &edited_google, dafater: &edited_dafater };
    bencher.bench(|| merge(black_box(base), black_box(now), &rules(&site)));
}
