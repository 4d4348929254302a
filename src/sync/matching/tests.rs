use super::*;
use crate::contact::{PhoneContext, TextField, Value};

fn contact(name: &str, company: &str, email: &str, phone: &str) -> Contact {
    let mut contact = Contact::default();
    contact.set_text(&TextField::Given, name);
    contact.set_text(&TextField::Company, company);
    if let Some(key) = Key::email(email) {
        contact.emails.add(Value { key, raw: email.to_owned(), label: None });
    }
    if let Some(key) = PhoneContext::default().key(phone) {
        contact.phones.add(Value { key, raw: phone.to_owned(), label: None });
    }
    contact
}

fn free(contacts: &[Contact]) -> Vec<Candidate<'_>> {
    contacts.iter().map(|contact| Candidate { contact, standing: Standing::Free }).collect()
}

fn matched(google: &[Contact], dafater: &[Contact]) -> Matches {
    find(&free(google), &free(dafater))
}

#[test]
fn the_name_and_an_address_make_a_pair() {
    let found = matched(
        &[contact("Ada Lovelace", "", "ada@x.org", "")],
        &[contact("Alan", "", "alan@x.org", ""), contact("ada lovelace", "", "ADA@x.org", "")],
    );
    assert_eq!(found.pairs, [(0, 1)]);
    assert!(found.google_review.is_empty() && found.dafater_review.is_empty());
}

#[test]
fn a_shared_mailbox_does_not_make_one_person_of_two() {
    let found = matched(
        &[contact("Ada", "Engines", "office@x.org", "")],
        &[contact("Grace", "Engines", "office@x.org", "")],
    );
    assert_eq!(found.pairs, []);
    assert_eq!((found.google_review.len(), found.dafater_review.len()), (1, 1));
}

#[test]
fn a_shared_mailbox_does_not_hinder_those_who_share_it() {
    let people = |names: [&str; 3]| names.map(|name| contact(name, "Engines", "office@x.org", ""));
    let found = matched(&people(["Ada", "Grace", "Alan"]), &people(["Alan", "Ada", "Grace"]));
    assert_eq!(found.pairs, [(0, 1), (1, 2), (2, 0)]);
    assert!(found.google_review.is_empty() && found.dafater_review.is_empty());
}

#[test]
fn what_everybody_shares_is_no_evidence() {
    let many: Vec<Contact> =
        (0..=COMMONPLACE).map(|n| contact(&format!("Person {n}"), "", "all@x.org", "")).collect();
    let found = matched(&many, &[contact("Somebody Else", "", "all@x.org", "")]);
    assert_eq!(found, Matches::default());
}

#[test]
fn equal_candidates_are_a_question() {
    let ada = contact("Ada", "", "ada@x.org", "");
    let found = matched(std::slice::from_ref(&ada), &[ada.clone(), ada.clone()]);
    assert_eq!(found.pairs, []);
    assert_eq!(found.google_review[&0].others, BTreeSet::from([0, 1]));
}

#[test]
fn the_order_of_records_does_not_matter() {
    let google = [
        contact("Ada", "", "ada@x.org", "+966501111111"),
        contact("Ada", "", "", "+966501111111"),
        contact("Grace", "Navy", "grace@x.org", ""),
        contact("", "Navy", "", ""),
    ];
    let dafater = [
        contact("Ada", "", "ada@x.org", ""),
        contact("Grace", "Navy", "", ""),
        contact("", "Navy", "", ""),
        contact("Ada", "", "", "+966501111111"),
    ];
    let orders: Vec<[usize; 4]> = (0..256_usize)
        .map(|n| [n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6 & 3])
        .filter(|order| order.iter().collect::<BTreeSet<_>>().len() == 4)
        .collect();
    let outcome = |left: &[usize; 4], right: &[usize; 4]| {
        let found = matched(&left.map(|n| google[n].clone()), &right.map(|n| dafater[n].clone()));
        let mut pairs: Vec<_> = found.pairs.iter().map(|(l, r)| (left[*l], right[*r])).collect();
        pairs.sort_unstable();
        let asked = |review: &BTreeMap<usize, Doubt>, order: &[usize; 4]| {
            review.keys().map(|index| order[*index]).collect::<BTreeSet<_>>()
        };
        (pairs, asked(&found.google_review, left), asked(&found.dafater_review, right))
    };
    let first = outcome(&orders[0], &orders[0]);
    for left in &orders {
        for right in orders.iter().step_by(5) {
            assert_eq!(outcome(left, right), first);
        }
    }
}

#[test]
fn of_twins_on_one_side_the_one_that_says_most_goes_across() {
    let twins = [contact("Ada", "", "", "+966501111111"), contact("Ada", "", "ada@x.org", "+966501111111")];
    let found = matched(&twins, &[]);
    assert_eq!(found.google_review.keys().collect::<Vec<_>>(), [&0]);
    assert_eq!(found.google_review[&0].twins, BTreeSet::from([1]));
}

#[test]
fn a_duplicate_of_a_paired_record_is_a_question() {
    let ada = contact("Ada", "", "ada@x.org", "");
    let google = [Candidate { contact: &ada, standing: Standing::Paired }];
    let dafater = [
        Candidate { contact: &ada, standing: Standing::Paired },
        Candidate { contact: &ada, standing: Standing::Free },
    ];
    let found = find(&google, &dafater);
    assert_eq!(found.pairs, []);
    assert_eq!(found.dafater_review.keys().collect::<Vec<_>>(), [&1]);
}

#[test]
fn who_stands_outside_the_scope_on_the_other_side_is_a_question_and_a_twin_outside_is_none() {
    let ada = contact("Ada", "", "ada@x.org", "");
    let free = Candidate { contact: &ada, standing: Standing::Free };
    let outside = Candidate { contact: &ada, standing: Standing::Outside };
    let found = find(&[outside], &[free]);
    assert_eq!(found.pairs, []);
    assert_eq!(found.dafater_review.keys().collect::<Vec<_>>(), [&0]);
    assert_eq!(find(&[], &[outside, free]), Matches::default());
}

#[test]
fn a_duplicate_of_a_record_that_is_just_being_paired_is_a_question() {
    let found = matched(
        &[contact("Ada", "", "ada@x.org", "")],
        &[contact("Ada", "", "ada@x.org", "+966501111111"), contact("Ada", "", "own@x.org", "+966501111111")],
    );
    assert_eq!(found.pairs, [(0, 0)]);
    assert_eq!(found.dafater_review.keys().collect::<Vec<_>>(), [&1]);
}

#[test]
fn arabic_names_are_matched_in_every_spelling_of_their_letters() {
    let found = matched(
        &[contact("محمد  العتيبي", "", "m@x.org", "")],
        &[contact("\u{200F}محمد العتيبي", "", "m@x.org", "")],
    );
    assert_eq!(found.pairs, [(0, 0)]);
}

#[test]
fn a_name_with_and_without_its_middle_part_is_one_name() {
    let found = matched(
        &[contact("Ada King Lovelace", "", "ada@x.org", "")],
        &[contact("Ada Lovelace", "", "ada@x.org", "")],
    );
    assert_eq!(found.pairs, [(0, 0)]);
}

#[test]
fn nameless_companies_match_by_name_and_persons_are_not_their_company() {
    let company = contact("", "Analytical Engines", "", "");
    let found = matched(std::slice::from_ref(&company), &[contact("", "analytical engines", "", "")]);
    assert_eq!(found.pairs, [(0, 0)]);
    let found = matched(&[company], &[contact("Ada", "Analytical Engines", "", "")]);
    assert_eq!(found, Matches::default());
}

#[test]
fn the_same_name_with_other_addresses_is_another_person() {
    let found = matched(
        &[contact("Mohammed Ali", "", "one@x.org", "")],
        &[contact("Mohammed Ali", "", "two@x.org", "")],
    );
    assert_eq!(found, Matches::default());
}
