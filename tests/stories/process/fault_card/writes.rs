//! T1 to T5 and T8: what becomes of writes.

use std::time::Duration;

use dafater_contactsd::sandbox::dafater::PhoneFormat;
use dafater_contactsd::sandbox::faults::{Effect, Rule, When};
use http::{Method, StatusCode};
use serde_json::json;

use super::{agreed, strike, titled};
use crate::house::House;
use crate::world::{contact, person};

#[test]
fn t01_a_create_whose_answer_is_lost_makes_no_second_contact() {
    let create = || Rule::new(Effect::DropAfter).method(Method::POST);
    let house = House::authorized("");
    for n in 0..5 {
        house.add_person(person("Grace", &format!("Number{n}"), &format!("grace{n}@example.com"), ""));
        house.add_contact(contact("Alan", &format!("Number{n}"), &format!("alan{n}@example.com"), ""));
    }
    strike(&house.google_faults, create().path("batchCreateContacts").when(When::Next(1)));
    assert_ne!(house.sync().exit, 0);
    strike(&house.site_faults, create().path("/api/resource/Contact").when(When::Next(2)));
    assert_ne!(house.sync().exit, 0);
    assert_eq!(house.repaired().len(), 10);

    // A single create in Google, and one on the site of which only a proxy answers.
    house.add_contact(contact("Alan", "Turing", "turing@example.com", ""));
    strike(&house.google_faults, create().path("createContact").when(When::Next(1)));
    assert_ne!(house.sync().exit, 0);
    house.add_person(person("Grace", "Hopper", "hopper@example.com", ""));
    let proxy = Rule::new(Effect::bad_gateway(true)).method(Method::POST).path("/api/resource/Contact");
    strike(&house.site_faults, proxy.when(When::Next(1)));
    assert_ne!(house.sync().exit, 0);

    assert_eq!(house.struck(), (2, 3));
    assert_eq!(house.repaired().len(), 12);
}

#[test]
fn t02_an_update_that_is_refused_once_is_carried_by_the_next_run() {
    let house = agreed(3, "");
    for n in 0..3 {
        house.edit_contact(&format!("Grace Number{n}"), json!({ "designation": "Admiral" }));
        house.edit_person(&format!("Alan Number{n}"), titled("Reader"));
    }
    let google = Rule::new(Effect::unavailable(false)).method(Method::POST).path("batchUpdateContacts");
    strike(&house.google_faults, google.when(When::Next(1)));
    assert_eq!(house.sync().exit, 69);
    house.calm();
    // One document that the site does not take: the two others go in the same run.
    let refusal = Effect::status(
        StatusCode::EXPECTATION_FAILED,
        "application/json",
        r#"{"exc_type":"ValidationError"}"#,
        false,
    );
    strike(&house.site_faults, Rule::new(refusal).method(Method::PUT).when(When::Next(1)));
    let synced = house.sync();
    assert_eq!((synced.count("google", "updated"), synced.count("dafater", "updated")), (3, 2));
    assert_eq!(synced.report["parked"], 1, "{}", synced.report);
    house.calm();
    house.tell(&["sync", "--full"]);

    let lines = house.repaired();
    assert_eq!(lines.iter().filter(|line| line.contains("Admiral") || line.contains("Reader")).count(), 6);
}

#[test]
fn t03_an_update_whose_answer_is_lost_is_neither_undone_nor_taken_for_an_edit() {
    let house = agreed(1, "conflict = \"google\"");
    house.edit_contact("Alan", json!({ "designation": "Reader" }));
    let update = Rule::new(Effect::DropAfter).path(":updateContact").when(When::Next(1));
    strike(&house.google_faults, update);
    assert_ne!(house.sync().exit, 0);
    // Our own word stands in Google and was not noted. It is no edit that could win against a person's next word.
    house.edit_contact("Alan", json!({ "designation": "Professor" }));
    house.edit_person("Grace", titled("Admiral"));
    strike(&house.site_faults, Rule::new(Effect::DropAfter).method(Method::PUT).when(When::Next(1)));
    assert_ne!(house.sync().exit, 0);
    house.edit_person("Grace", titled("Rear Admiral"));

    assert_eq!(house.struck(), (1, 1));
    assert_eq!(
        house.repaired(),
        ["Alan Number0 Professor alan0@example.com", "Grace Number0 Rear Admiral grace0@example.com"]
    );
}

#[test]
fn t04_one_person_entered_on_both_sides_at_once_stands_once_on_each() {
    let house = agreed(1, "");
    house.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    house.add_contact(contact("Ada", "Lovelace", "Ada@Example.com", ""));
    let synced = house.settle();
    assert_eq!((synced.report["linked"].as_u64(), synced.writes()), (Some(1), 0), "{}", synced.report);

    // Entered on the site while a run that has read the site is about to create her there.
    house.add_person(person("Emmy", "Noether", "emmy@example.com", ""));
    let slow = Rule::new(Effect::Delay(Duration::from_millis(900))).path("get_list");
    strike(&house.site_faults, slow.when(When::Nth(2)));
    std::thread::scope(|scope| {
        let run = scope.spawn(|| house.settle());
        while house.struck().1 == 0 {
            std::thread::sleep(Duration::from_millis(10));
        }
        house.add_contact(contact("Emmy", "Noether", "emmy@example.com", ""));
        run.join().unwrap();
    });
    house.calm();
    for _ in 0..3 {
        house.settle();
    }
    house.person("Emmy");
    let count = |lines: &[String]| lines.iter().filter(|line| line.starts_with("Emmy")).count();
    let [_, dafater] = house.lines();
    let reviews = house.settle().report["review"].as_u64().unwrap();
    assert_eq!(
        count(&dafater) as u64,
        1 + reviews,
        "whom only the race doubled stands in the review: {dafater:?}"
    );
}

#[test]
fn t05_different_fields_edited_on_both_sides_are_both_kept_whoever_wins_conflicts() {
    for conflict in ["google", "dafater", "newest", "manual"] {
        let house = agreed(1, &format!("conflict = \"{conflict}\""));
        house.edit_person("Grace", titled("Admiral"));
        house.edit_contact("Grace", json!({ "department": "Navy" }));
        house.edit_contact("Alan", json!({ "designation": "Reader" }));
        house.edit_person("Alan", json!({ "phoneNumbers": [{ "value": "+966501234567" }] }));

        let synced = house.settle();

        assert_eq!((synced.count("google", "updated"), synced.count("dafater", "updated")), (2, 2));
        assert_eq!(synced.report["conflicts"], 0);
        assert_eq!(
            house.repaired(),
            [
                "Alan Number0 Reader alan0@example.com +966501234567",
                "Grace Number0 Admiral Navy grace0@example.com"
            ],
            "{conflict}"
        );
    }
}

#[test]
fn t08_a_side_that_writes_numbers_its_own_way_is_left_in_peace_and_so_is_the_other() {
    let house = House::authorized("");
    house.site().switches.phone_format = PhoneFormat::Grouped;
    for n in 0..5 {
        house.add_person(person("Grace", &format!("Number{n}"), "", &format!("+9665012345{n:02}")));
        house.add_contact(contact("Alan", &format!("Number{n}"), "", &format!("050 765 43{n:02}")));
    }
    let typed = house.persons().iter().map(|person| person["phoneNumbers"].clone()).collect::<Vec<_>>();
    house.settle();
    for _ in 0..3 {
        assert_eq!(house.settle().writes(), 0);
    }
    assert_eq!(house.contact("Grace Number3")["phone_nos"][0]["phone"], "+966 501 234 503");
    for numbers in typed {
        assert!(
            house.persons().iter().any(|person| person["phoneNumbers"] == numbers),
            "{numbers} was rewritten"
        );
    }
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let [google, dafater] =
        house.lines().map(|lines| lines.iter().map(|line| digits(line)).collect::<Vec<_>>());
    assert_eq!(google, dafater, "the same numbers on both sides");

    house.edit_person("Grace Number3", json!({ "phoneNumbers": [{ "value": "+966509999999" }] }));
    assert_eq!(house.settle().count("dafater", "updated"), 1);
    assert_eq!(house.settle().writes(), 0);
    assert_eq!(house.contact("Grace Number3")["phone_nos"][0]["phone"], "+966 509 999 999");
    assert_eq!(house.person("Grace Number3")["phoneNumbers"][0]["value"], "+966509999999");
}
