//! Bad luck on the wire beyond the fault card: the cycle ends as failed, the next one repairs it.

use std::time::Duration;

use dafater_contactsd::sandbox::faults::{Effect, Faults, Rule, When};
use http::Method;
use serde_json::json;

use crate::house::House;
use crate::world::{EMAIL, contact, contact_line, person, person_line};

/// A house that was in agreement, and then was edited on both sides.
fn edited() -> House {
    let house = House::authorized("");
    for n in 0..6 {
        house.add_person(person("Grace", &format!("Number{n}"), &format!("grace{n}@example.com"), ""));
    }
    house.settle();
    let name = house.contacts()[0]["name"].as_str().unwrap().to_owned();
    house.site().edit(&name, json!({ "designation": "Admiral" }), jiff::Timestamp::now()).unwrap();
    house.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    house
}

fn strike(faults: &std::sync::Mutex<Faults>, rule: Rule) {
    faults.lock().unwrap().add(rule);
}

/// After the fault has passed, both sides say the same and nobody stands twice.
fn repaired(house: &House) {
    house.google_faults.lock().unwrap().clear();
    house.site_faults.lock().unwrap().clear();
    for _ in 0..3 {
        house.settle();
        // What was in doubt is looked for this long (`settle`, `propagation`) before it is sent again.
        std::thread::sleep(Duration::from_millis(600));
    }
    house.settle();
    let quiet = house.settle();
    assert_eq!(quiet.writes(), 0, "{}", quiet.report);
    let mut google: Vec<String> = house.persons().iter().map(person_line).collect();
    let mut dafater: Vec<String> = house.contacts().iter().map(contact_line).collect();
    google.sort();
    dafater.sort();
    assert_eq!(google, dafater);
    assert_eq!(google.len(), 8, "{google:?}");
}

#[test]
fn an_expired_sync_token_costs_a_full_read_and_nothing_else() {
    let house = edited();
    house.google().expire_sync_tokens(EMAIL).unwrap();
    house.settle();
    repaired(&house);
}

#[test]
fn a_page_that_fails_half_way_is_read_again() {
    let house = edited();
    strike(
        &house.google_faults,
        Rule::new(Effect::TruncateBody(120)).path("connections").when(When::Next(1)),
    );
    assert_ne!(house.sync().exit, 0);
    repaired(&house);
}

#[test]
fn a_429_ends_the_cycle_and_the_next_one_goes_on() {
    let house = edited();
    let busy = Effect::too_many_requests(Some(Duration::from_secs(1)));
    strike(
        &house.google_faults,
        Rule::new(busy).method(Method::POST).path("createContact").when(When::Next(1)),
    );
    assert_ne!(house.sync().exit, 0);
    repaired(&house);
}

#[test]
fn a_503_on_either_side_ends_the_cycle_and_the_next_one_goes_on() {
    let house = edited();
    strike(
        &house.google_faults,
        Rule::new(Effect::unavailable(false)).path("updateContact").when(When::Next(1)),
    );
    assert_ne!(house.sync().exit, 0);
    strike(&house.site_faults, Rule::new(Effect::unavailable(false)).path("/api/").when(When::Next(1)));
    assert_eq!(house.sync().exit, 69);
    repaired(&house);
}

#[test]
fn a_site_that_answers_nonsense_gives_one_clear_error() {
    let house = edited();
    for body in ["", "[]", "{\"message\": 7}", "<html>login</html>", "{\"message\": [{\"name\": 3}]}"] {
        house.site_faults.lock().unwrap().clear();
        let nonsense = Effect::status(http::StatusCode::OK, "application/json", body, false);
        strike(&house.site_faults, Rule::new(nonsense).when(When::Always));
        let synced = house.sync();
        assert!([0, 69, 75].contains(&synced.exit), "{body}: {} {}", synced.exit, synced.report);
        assert_eq!(house.persons().len(), 7, "nothing happened to Google for {body}");
    }
    repaired(&house);
}
