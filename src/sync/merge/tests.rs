use super::*;
use crate::contact::{MappedField, PhoneContext};

static SITE: SiteRules =
    SiteRules { salutations: None, genders: None, columns: BTreeMap::new(), countries: None };

fn rules() -> MergeRules<'static> {
    MergeRules {
        conflict: ConflictPolicy::Newest,
        newer: Side::Dafater,
        pull: true,
        push: true,
        fields: FieldRules::default(),
        site: &SITE,
        resolutions: BTreeMap::new(),
        aliases: &[],
        shared: BTreeSet::new(),
    }
}

fn titled(title: &str) -> Contact {
    let mut contact = Contact::default();
    contact.set_text(&TextField::Title, title);
    contact
}

/// A contact with these addresses; the one behind `*` is primary.
fn reached(emails: &[&str]) -> Contact {
    let mut contact = Contact::default();
    let mut primary = None;
    for email in emails {
        let raw = email.trim_start_matches('*');
        let key = Key::email(raw).unwrap();
        if raw != *email {
            primary = Some(key.clone());
        }
        contact.emails.add(Value { key, raw: raw.to_owned(), label: None });
    }
    contact.emails.set_primary(primary.as_ref());
    contact
}

fn called(phones: &[&str], mobile: Option<&str>) -> Contact {
    let context = PhoneContext::default();
    let mut contact = Contact::default();
    for phone in phones {
        contact.phones.add(Value { key: context.key(phone).unwrap(), raw: (*phone).to_owned(), label: None });
    }
    contact.mobile = mobile.and_then(|phone| context.key(phone));
    contact
}

fn merged(base: (&Contact, &Contact), now: (&Contact, &Contact), rules: &MergeRules<'_>) -> Merged {
    let both = |(google, dafater)| Both { google, dafater };
    merge(both(base), both(now), rules)
}

fn emails(contact: &Contact) -> Vec<&str> {
    let mut all: Vec<&str> = contact.emails.keys().map(Key::as_str).collect();
    all.sort_unstable();
    all
}

#[test]
fn every_row_of_the_truth_table() {
    use Side::{Dafater, Google};
    // base, Google now, Dafater now -> what is written where
    let table = [
        ("a", "a", "a", None),
        ("a", "b", "a", Some((Dafater, "b"))),
        ("a", "a", "b", Some((Google, "b"))),
        ("a", "b", "b", None),
        ("a", "", "a", Some((Dafater, ""))),
        ("a", "a", "", Some((Google, ""))),
        ("", "b", "", Some((Dafater, "b"))),
        ("", "", "b", Some((Google, "b"))),
        ("a", "", "", None),
        // Changed on both sides: Dafater is the newer one here.
        ("a", "b", "c", Some((Google, "c"))),
        ("", "b", "c", Some((Google, "c"))),
        ("a", "", "c", Some((Google, "c"))),
        ("a", "b", "", Some((Google, ""))),
    ];
    for (base, google, dafater, expected) in table {
        let (base, google, dafater) = (titled(base), titled(google), titled(dafater));
        let merged = merged((&base, &base), (&google, &dafater), &rules());
        for side in [Google, Dafater] {
            let target = if side == Google { &merged.google } else { &merged.dafater };
            match expected.filter(|(to, _)| *to == side) {
                Some((_, text)) => {
                    assert_eq!(target.contact.text(&TextField::Title), text, "{google:?} {dafater:?}");
                    assert_eq!(target.fields, BTreeSet::from([Field::Text(TextField::Title)]));
                }
                None => assert_eq!(target.fields, BTreeSet::new(), "{google:?} {dafater:?}"),
            }
        }
        assert_eq!(merged.decisions.len(), usize::from(expected.is_some()));
    }
}

#[test]
fn sides_that_differ_without_having_changed_are_left_in_peace() {
    let (google, dafater) = (titled("Dr. med."), titled("Dr med"));
    let merged = merged((&google, &dafater), (&google, &dafater), &rules());
    assert_eq!((merged.google.fields.len(), merged.dafater.fields.len()), (0, 0));
}

#[test]
fn texts_merge_alike_in_both_directions() {
    let values = ["", "a", "b", "c"];
    for base in values {
        for one in values {
            for other in values {
                let (base, one, other) = (titled(base), titled(one), titled(other));
                let google = MergeRules { conflict: ConflictPolicy::Google, ..rules() };
                let dafater = MergeRules { conflict: ConflictPolicy::Dafater, ..rules() };
                let straight = merged((&base, &base), (&one, &other), &google);
                let mirrored = merged((&base, &base), (&other, &one), &dafater);
                assert_eq!(straight.google.contact, mirrored.dafater.contact);
                assert_eq!(straight.dafater.contact, mirrored.google.contact);
            }
        }
    }
}

#[test]
fn sets_merge_value_by_value() {
    let base = reached(&["a@x.org", "b@x.org", "c@x.org"]);
    let google = reached(&["b@x.org", "c@x.org", "d@x.org"]);
    let dafater = reached(&["a@x.org", "c@x.org", "e@x.org"]);
    let merged = merged((&base, &base), (&google, &dafater), &rules());
    let expected = ["c@x.org", "d@x.org", "e@x.org"];
    assert_eq!(emails(&merged.google.contact), expected);
    assert_eq!(emails(&merged.dafater.contact), expected);
    assert!(merged.conflicts.is_empty());
}

#[test]
fn a_value_edited_on_one_side_survives_its_removal_on_the_other() {
    let base = reached(&["ada@x.org"]);
    let merged = merged((&base, &base), (&reached(&["ada@y.org"]), &reached(&[])), &rules());
    assert_eq!(emails(&merged.google.contact), ["ada@y.org"]);
    assert_eq!(emails(&merged.dafater.contact), ["ada@y.org"]);
}

#[test]
fn a_value_removed_here_and_added_there_again_stays() {
    // Dafater never had it when both last agreed: adding it there is news, its absence in Google is old.
    let merged = merged(
        (&reached(&["ada@x.org"]), &reached(&[])),
        (&reached(&[]), &reached(&["ada@x.org"])),
        &rules(),
    );
    assert_eq!(emails(&merged.google.contact), ["ada@x.org"]);
    assert_eq!(emails(&merged.dafater.contact), ["ada@x.org"]);
}

#[test]
fn a_primary_that_moves_on_one_side_moves_on_the_other() {
    let base = reached(&["*a@x.org", "b@x.org"]);
    let moved = reached(&["a@x.org", "*b@x.org"]);
    for (google, dafater) in [(&moved, &base), (&base, &moved)] {
        let merged = merged((&base, &base), (google, dafater), &rules());
        let primary = Key::email("b@x.org");
        assert_eq!(merged.google.contact.emails.primary(), primary.as_ref());
        assert_eq!(merged.dafater.contact.emails.primary(), primary.as_ref());
    }
}

#[test]
fn googles_primary_by_position_is_no_wish() {
    let google = reached(&["*a@x.org", "b@x.org"]);
    let dafater = reached(&["a@x.org", "b@x.org"]);
    let merged = merged((&Contact::default(), &Contact::default()), (&google, &dafater), &rules());
    assert_eq!((merged.google.fields.len(), merged.dafater.fields.len()), (0, 0));
}

#[test]
fn the_mobile_number_moves_with_the_side_that_moved_it() {
    let numbers = ["+966501234567", "+966507654321"];
    let base = called(&numbers, Some(numbers[0]));
    let moved = called(&numbers, Some(numbers[1]));
    let from_google = merged((&base, &base), (&moved, &base), &rules());
    assert_eq!(from_google.dafater.contact.mobile, moved.mobile);
    let from_dafater = merged((&base, &base), (&base, &moved), &rules());
    assert_eq!(from_dafater.google.contact.mobile, moved.mobile);
    let other = called(&numbers, None);
    let filled = merged((&Contact::default(), &Contact::default()), (&base, &other), &rules());
    assert_eq!(filled.dafater.contact.mobile, base.mobile);
}

#[test]
fn what_a_side_cannot_hold_is_withheld_and_remembered() {
    let long = titled(&"x".repeat(141));
    let merged = merged((&Contact::default(), &Contact::default()), (&long, &titled("")), &rules());
    assert_eq!(merged.dafater.fields, BTreeSet::new());
    assert_eq!(merged.withheld.len(), 1);
    let after = Both { google: &long, dafater: &merged.dafater.contact };
    let nothing = Contact::default();
    let base = Both { google: &nothing, dafater: &nothing };
    let (google, dafater) = rebase(base, &merged, after, |_| true, &[]);
    assert_eq!(
        (google.text(&TextField::Title), dafater.text(&TextField::Title)),
        (long.text(&TextField::Title), "")
    );
}

#[test]
fn what_waits_for_a_direction_goes_once_it_is_on() {
    let base = reached(&["a@x.org"]);
    let google = reached(&["b@x.org"]);
    let off = MergeRules { pull: false, ..rules() };
    let waiting = merged((&base, &base), (&google, &base), &off);
    assert_eq!(waiting.dafater.fields, BTreeSet::new());
    assert_eq!(waiting.pending, BTreeSet::from([Field::Emails]));
    let both = |google, dafater| Both { google, dafater };
    let (base_google, base_dafater) =
        rebase(both(&base, &base), &waiting, both(&google, &base), |_| true, &[]);
    let later = merged((&base_google, &base_dafater), (&google, &base), &rules());
    assert_eq!(emails(&later.dafater.contact), ["b@x.org"]);
}

#[test]
fn what_both_sides_mark_is_agreed_although_other_values_wait() {
    let nothing = Contact::default();
    let both = |google, dafater| Both { google, dafater };
    let off = MergeRules { pull: false, ..rules() };
    let (google, dafater) = (reached(&["*a@x.org", "b@x.org"]), reached(&["*a@x.org"]));
    let waiting = merged((&nothing, &nothing), (&google, &dafater), &off);
    assert_eq!(waiting.pending, BTreeSet::from([Field::Emails]));
    let (_, base) = rebase(both(&nothing, &nothing), &waiting, both(&google, &dafater), |_| true, &[]);
    assert_eq!(base, dafater, "nobody edited Dafater's record");

    let google = called(&["0501234567", "0509876543"], Some("0501234567"));
    // The same mobile number on both sides, and two that differ: neither is owed to anybody.
    for mobile in ["0501234567", "0507777777"] {
        let dafater = called(&[mobile], Some(mobile));
        let waiting = merged((&nothing, &nothing), (&google, &dafater), &off);
        assert_eq!(waiting.pending, BTreeSet::from([Field::Phones]));
        let after = Both { google: &waiting.google.contact, dafater: &dafater };
        let (_, base) = rebase(both(&nothing, &nothing), &waiting, after, |_| true, &[]);
        assert_eq!(base, dafater, "nobody edited Dafater's record");
    }
}

#[test]
fn a_base_moves_only_as_far_as_the_writes_went() {
    let base = titled("a");
    let (google, dafater) = (titled("b"), titled("a"));
    let carried = merged((&base, &base), (&google, &dafater), &rules());
    let both = |google, dafater| Both { google, dafater };
    let failed = rebase(both(&base, &base), &carried, both(&google, &dafater), |_| false, &[]);
    assert_eq!(failed, (base.clone(), base.clone()));
    let done = rebase(both(&base, &base), &carried, both(&google, &google), |_| true, &[]);
    assert_eq!(done, (google.clone(), google));
}

#[test]
fn under_manual_a_conflict_waits_until_a_person_decides() {
    let (base, google, dafater) = (titled("a"), titled("b"), titled("c"));
    let manual = MergeRules { conflict: ConflictPolicy::Manual, ..rules() };
    let open = merged((&base, &base), (&google, &dafater), &manual);
    assert_eq!(open.conflicts.len(), 1);
    assert_eq!((open.google.fields.len(), open.dafater.fields.len()), (0, 0));
    let decided =
        MergeRules { resolutions: BTreeMap::from([(Field::Text(TextField::Title), Side::Google)]), ..manual };
    let closed = merged((&base, &base), (&google, &dafater), &decided);
    assert_eq!(closed.conflicts, []);
    assert_eq!(closed.dafater.contact.text(&TextField::Title), "b");
}

#[test]
fn aliases_join_what_a_side_spells_differently() {
    let context = PhoneContext::default();
    let (long, short) = ("+966501234567", "0501234567");
    let aliases = [(context.key(long).unwrap(), context.key(short).unwrap())];
    let with = MergeRules { aliases: &aliases, ..rules() };
    let (google, dafater) = (called(&[long], None), called(&[short], None));
    let quiet = merged((&google, &dafater), (&google, &dafater), &with);
    assert_eq!((quiet.google.fields.len(), quiet.dafater.fields.len()), (0, 0));
    let removed = merged((&google, &dafater), (&Contact::default(), &dafater), &with);
    assert!(removed.dafater.contact.phones.is_empty());
}

#[test]
fn two_rows_that_are_one_to_google_both_stay() {
    let context = PhoneContext::default();
    let (long, short) = ("+966501234567", "0501234567");
    let aliases = [(context.key(long).unwrap(), context.key(short).unwrap())];
    let with = MergeRules { aliases: &aliases, ..rules() };
    let (google, dafater) = (called(&[long], None), called(&[short, long], None));
    let more = called(&[long, "+966507654321"], None);
    let merged = merged((&google, &dafater), (&more, &dafater), &with);
    assert_eq!(merged.dafater.contact.phones.len(), 3);
}

#[test]
fn a_name_that_would_grow_too_long_keeps_the_part_that_it_had() {
    let name = |given: &str, middle: &str, family: &str| {
        let mut contact = Contact::default();
        contact.set_text(&TextField::Given, given);
        contact.set_text(&TextField::Middle, middle);
        contact.set_text(&TextField::Family, family);
        contact
    };
    let base = name("Ada", "", "Lovelace");
    let google = name("Augusta", &"m".repeat(135), "Lovelace");
    let merged = merged((&base, &base), (&google, &base), &rules());
    assert_eq!(merged.dafater.contact, name("Augusta", "", "Lovelace"));
    assert_eq!(merged.withheld.len(), 1);
}

fn noted(note: &str) -> (TextField, Contact) {
    let field = TextField::Mapped(MappedField::new("notes", "custom_notes"));
    let mut contact = Contact::default();
    contact.set_text(&field, note);
    (field, contact)
}

fn about_notes(direction: crate::sync::Direction, wins: Option<ConflictPolicy>) -> MergeRules<'static> {
    let rule = crate::sync::FieldRule { direction, wins };
    let (field, _) = noted("");
    MergeRules { fields: FieldRules::from_iter([(Field::Text(field), rule)]), ..rules() }
}

#[test]
fn a_field_of_one_direction_is_owed_to_nobody_and_forgets_nothing() {
    use crate::sync::Direction;
    let ((field, base), (_, edited)) = (noted("one"), noted("two"));
    for (direction, to_google, to_dafater) in
        [(Direction::Pull, false, true), (Direction::Push, true, false), (Direction::Off, false, false)]
    {
        let with = about_notes(direction, None);
        let both =
            |google, dafater| merge(Both { google: &base, dafater: &base }, Both { google, dafater }, &with);
        let (from_dafater, from_google) = (both(&base, &edited), both(&edited, &base));
        assert_eq!(!from_dafater.google.fields.is_empty(), to_google, "{direction:?}");
        assert_eq!(!from_google.dafater.fields.is_empty(), to_dafater, "{direction:?}");
        if !to_google {
            let after = Both { google: &base, dafater: &edited };
            let (_, dafater) =
                rebase(Both { google: &base, dafater: &base }, &from_dafater, after, |_| true, &[]);
            assert_eq!(dafater.text(&field), "one", "the edit waits until the direction opens");
        }
    }
}

#[test]
fn a_winner_of_one_field_is_asked_before_that_of_the_account() {
    let ((field, base), (_, google), (_, dafater)) = (noted("one"), noted("two"), noted("three"));
    let with = about_notes(crate::sync::Direction::Both, Some(ConflictPolicy::Google));
    let both = Both { google: &google, dafater: &dafater };
    let merged = merge(Both { google: &base, dafater: &base }, both, &with);
    assert_eq!(merged.dafater.contact.text(&field), "two", "the site is the newer one");
    let asked =
        MergeRules { fields: with.fields.without_winners(), conflict: ConflictPolicy::Manual, ..with };
    let merged = merge(Both { google: &base, dafater: &base }, both, &asked);
    assert_eq!(merged.conflicts.len(), 1);
}
