//! What may be written where, and how the account is authorised.

use crate::house::House;
use crate::world::{contact, person};

#[test]
fn both_sides_get_what_they_lack_and_then_fall_silent() {
    let house = House::authorized("");
    house.add_person(person("Grace", "Hopper", "grace@example.com", "+966 50 111 2222"));
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));

    let first = house.settle();
    assert_eq!((first.count("google", "created"), first.count("dafater", "created")), (1, 1));
    let second = house.settle();

    assert_eq!(second.writes(), 0, "{}", second.report);
    let quiet = house.settle();
    assert_eq!(quiet.report["requests"]["google"], 1, "{}", quiet.report);
    assert!(quiet.report["requests"]["dafater"].as_u64().unwrap() <= 2, "{}", quiet.report);
}

#[test]
fn pull_only_never_writes_to_google() {
    let house = House::authorized("push_to_google_contacts = false");
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    let name = house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    house.settle();
    house.site().edit(&name, serde_json::json!({ "designation": "Reader" }), jiff::Timestamp::now()).unwrap();
    house.settle();

    assert_eq!(house.google().counters().writes, dafater_contactsd::sandbox::google::Writes::default());
    assert_eq!(house.contacts().len(), 2);
}

#[test]
fn push_only_never_writes_to_dafater() {
    let house = House::authorized("pull_from_google_contacts = false");
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    house.settle();
    house.settle();

    assert_eq!(house.site().write_count(), 0);
    assert_eq!(house.persons().len(), 2);
}

#[test]
fn a_disabled_account_makes_no_request() {
    let house = House::authorized("enable = false");
    house.google().reset_counters();
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));

    let synced = house.sync_with(&["sales"]);

    assert_eq!(synced.report["outcome"], "skipped", "{}", synced.report);
    assert_eq!((house.google().counters().api_requests(), house.site().request_count()), (0, 0));
}

#[test]
fn an_account_with_both_directions_off_is_told_so_by_the_check() {
    let house = House::with("pull_from_google_contacts = false\npush_to_google_contacts = false");
    let output = house.run(&["check-config"]);
    let text = [output.stdout, output.stderr].concat();
    assert!(
        String::from_utf8_lossy(&text).contains("push_to_google_contacts"),
        "{}",
        String::from_utf8_lossy(&text)
    );
}

#[test]
fn a_consent_of_somebody_else_is_refused_and_not_stored() {
    let house = House::new();
    let other = house.google().add_account("somebody.else@example.com");
    house.write("refresh-token", &other);
    let token = house.path("refresh-token");
    let output = house.run(&["authorize", "sales", "--refresh-token-file", token.to_str().unwrap()]);

    assert_eq!(output.status.code(), Some(77), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(house.sync().exit, 77, "nothing was stored");
}

#[test]
fn a_revoked_token_stops_the_account_with_the_command_that_mends_it() {
    let house = House::authorized("");
    house.settle();
    house.google().revoke_tokens(crate::world::EMAIL).unwrap();

    let synced = house.sync();

    assert_eq!(synced.exit, 77, "{}", synced.report);
    assert!(
        synced.report["error"].as_str().unwrap().contains("dafater-contactsd authorize sales"),
        "{}",
        synced.report
    );
}
