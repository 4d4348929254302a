//! Documents that stand alone and are renamed: no read of changes shows it.

use dafater_contactsd::sync::Side;
use serde_json::Value;

use crate::world::{World, contact, person, writes};

fn rename(world: &World, document: &str, new: &str) {
    let now = world.tick();
    world.site().rename(document, new, now).unwrap();
}

/// Lets so much happen on the site that what stood there before is not read again.
async fn pass(world: &World) {
    world.run_on(900).await;
    world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    world.run_on(60).await;
}

fn name(record: &Value) -> String {
    record["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_was_known_before_gets_no_double_when_the_same_person_is_entered_in_google() {
    let mut world = World::with(|settings| settings.policy.push = false);
    let ada = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    let report = world.settle().await;
    assert_eq!(writes(&report), 0, "{report:?}");
    pass(&world).await;
    rename(&world, &ada, "Countess");
    world.run_on(60).await;
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    for _ in 0..3 {
        world.run_on(60).await;
    }
    assert_eq!(
        world.contacts().iter().map(name).collect::<Vec<_>>(),
        ["Alan Turing", "Countess"],
        "{}",
        world.picture()
    );
    assert_eq!(world.engine().status().unwrap().linked, 1);
    world.is_quiet().await;
}

#[tokio::test]
async fn who_is_deleted_without_a_notice_is_forgotten_and_may_be_made() {
    let mut world = World::with(|settings| settings.policy.push = false);
    let ada = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    pass(&world).await;
    world.delete_contact(&ada);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    for _ in 0..3 {
        world.run_on(60).await;
    }
    assert_eq!((world.contacts().len(), world.engine().status().unwrap().linked), (2, 1));
    world.is_quiet().await;
}

#[tokio::test]
async fn who_must_be_decided_upon_is_asked_for_under_its_new_name() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "", "+966501234567"));
    let grace = world.add_contact(contact("Grace", "Hopper", "", "+966501234567"));
    let report = world.settle().await;
    assert_eq!((writes(&report), report.review), (0, 2), "{report:?}");
    pass(&world).await;
    rename(&world, &grace, "Admiral");
    for _ in 0..3 {
        world.run_on(60).await;
    }
    world.add_person(person("Ada", "Byron", "", "+966501234567"));
    for _ in 0..3 {
        world.run_on(60).await;
    }
    let asked = world.engine().reviews().unwrap();
    let of =
        |side: Side| asked.iter().map(|review| &review.record).find(|record| record.side() == side).unwrap();
    assert_eq!(of(Side::Dafater).to_string(), "dafater:Admiral");
    world.engine().link(of(Side::Google), of(Side::Dafater)).await.unwrap();
    for _ in 0..3 {
        world.run_on(60).await;
    }
    assert_eq!((world.persons().len(), world.contacts().len()), (3, 3), "{}", world.picture());
    assert_eq!(world.engine().status().unwrap().linked, 3);
}

#[tokio::test]
async fn who_is_renamed_while_it_is_deleted_is_deleted_under_its_new_name() {
    for nth in 1..14 {
        let mut world = World::with(|settings| settings.policy.max_deletes_percent = 100);
        let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
        world.converge().await;
        let document = name(&world.contacts()[0]);
        world.delete_person(&ada);
        world.at_site_request(nth, move |site, now| drop(site.rename(&document, "Countess", now)));
        world.run_on(60).await;
        world.calm();
        world.converge().await;
        assert_eq!((world.persons().len(), world.contacts().len()), (0, 0), "{nth}\n{}", world.picture());
        world.is_quiet().await;
    }
}
