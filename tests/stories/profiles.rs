//! Contacts that are joined with a profile: Google names them after that, and not after their own id.
//!
//! API: an old name may go on to answer, or not; here it does not.

use dafater_contactsd::sync::Side;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{EMAIL, Strike, World, contact, once, person, writes};

/// Joins a contact with a profile. Google gives it another name.
fn join(world: &World, person: &str) -> String {
    let now = world.clock_now();
    world.google().options_mut().old_names_answer = false;
    world.google().rename(EMAIL, person, now).unwrap()
}

fn name(record: &Value) -> String {
    record["name"].as_str().or(record["resourceName"].as_str()).unwrap().to_owned()
}

#[tokio::test]
async fn who_was_known_before_gets_no_double_when_the_same_person_is_entered_on_the_site() {
    let mut world = World::with(|settings| settings.policy.pull = false);
    let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    join(&world, &ada);
    let report = world.settle().await;
    assert_eq!(writes(&report), 0, "{report:?}");
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.converge().await;
    assert_eq!(world.persons().len(), 1, "{:?}", world.lines());
    assert_eq!(world.engine().status().unwrap().linked, 1);
    world.is_quiet().await;
}

#[tokio::test]
async fn who_is_joined_after_it_was_seen_is_found_under_its_new_name() {
    let mut world = World::with(|settings| settings.policy.pull = false);
    let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    join(&world, &ada);
    world.settle().await;
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.converge().await;
    assert_eq!(world.persons().len(), 1, "{:?}", world.lines());
    world.is_quiet().await;
}

#[tokio::test]
async fn nobody_is_made_in_its_place_while_its_new_name_does_not_show() {
    let mut world = World::with(|settings| settings.policy.pull = false);
    let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    world.google().options_mut().list_delay = SignedDuration::from_mins(30);
    join(&world, &ada);
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    for _ in 0..3 {
        let report = world.sync_after(SignedDuration::from_secs(5)).await;
        assert_eq!((writes(&report), world.persons().len()), (0, 1), "{report:?}");
    }
    world.sync_after(SignedDuration::from_mins(31)).await;
    world.converge().await;
    assert_eq!((world.persons().len(), world.engine().status().unwrap().linked), (1, 1));
    world.is_quiet().await;
}

#[tokio::test]
async fn who_is_deleted_without_a_notice_is_forgotten_and_may_be_made() {
    let mut world = World::with(|settings| settings.policy.pull = false);
    let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    world.delete_person(&ada);
    world.google().expire_sync_tokens(EMAIL).unwrap();
    world.settle().await;
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.converge().await;
    assert_eq!((world.persons().len(), world.engine().status().unwrap().linked), (1, 1));
    world.is_quiet().await;
}

#[tokio::test]
async fn a_person_may_link_it() {
    let mut world = World::new();
    let ada = world.add_person(person("Ada", "Lovelace", "", "+966501234567"));
    join(&world, &ada);
    world.add_contact(contact("Grace", "Hopper", "", "+966501234567"));
    let report = world.settle().await;
    assert_eq!((writes(&report), report.review), (0, 2), "{report:?}");
    let asked = world.engine().reviews().unwrap();
    let of =
        |side: Side| asked.iter().map(|review| &review.record).find(|record| record.side() == side).unwrap();
    world.engine().link(of(Side::Google), of(Side::Dafater)).await.unwrap();
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 1), "{:?}", world.lines());
    assert_eq!(world.engine().reviews().unwrap(), []);
    assert_eq!(world.engine().status().unwrap().linked, 1);
}

#[tokio::test]
async fn its_copy_is_made_although_the_first_attempt_never_arrived() {
    let mut world = World::new();
    let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    join(&world, &ada);
    world.site_weather(once("/api/resource/Contact", Strike::LoseRequest));
    world.sync().await;
    world.calm();
    world.converge().await;
    assert_eq!(world.contacts().iter().map(name).collect::<Vec<_>>(), ["Ada Lovelace"]);
    assert_eq!(world.parked_reasons(), [""; 0]);
    world.is_quiet().await;
}

#[tokio::test]
async fn a_copy_that_was_made_under_its_first_name_is_known_again() {
    let mut world = World::new();
    let ada = world.add_person(person("", "", "", "+966501234567"));
    world.site_weather(once("/api/resource/Contact", Strike::LoseAnswer));
    world.sync().await;
    world.calm();
    // Nothing but the name of the Google contact tells whose copy the document is.
    let document = name(&world.contacts()[0]);
    world.edit_contact(&document, json!({ "phone_nos": [] }));
    join(&world, &ada);
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 1), "{}", world.picture());
    assert_eq!(world.engine().status().unwrap().linked, 1);
    world.is_quiet().await;
}

#[tokio::test]
async fn a_copy_that_was_made_of_one_that_is_deleted_by_now_brings_nobody_back() {
    let mut world = World::new();
    let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    let ada = join(&world, &ada);
    world.site_weather(once("/api/resource/Contact", Strike::LoseAnswer));
    world.sync().await;
    world.calm();
    world.delete_person(&ada);
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (0, 1), "{}", world.picture());
    world.is_quiet().await;
}
