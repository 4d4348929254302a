//! What people decide: reviews, links, held plans.

use dafater_contactsd::execute::{Outcome, RunRequest};
use dafater_contactsd::mapping::{DocumentName, SourceId};
use dafater_contactsd::sync::{DeletionPolicy, FirstSync, RecordId};
use insta::assert_snapshot;
use serde_json::json;

use crate::world::{World, contact, person, writes};

fn google_id(resource: &str) -> RecordId {
    let number: u64 = resource.strip_prefix("people/c").unwrap().parse().unwrap();
    RecordId::Google(SourceId(format!("{number:x}")))
}

fn dafater_id(name: &str) -> RecordId {
    RecordId::Dafater(DocumentName(name.to_owned()))
}

#[tokio::test]
async fn an_ambiguous_match_waits_for_a_person_and_is_linked_by_one() {
    let mut world = World::new();
    let ada = world.add_person(person("Ada", "Lovelace", "shared@example.com", ""));
    let alan = world.add_contact(contact("Alan", "Turing", "shared@example.com", ""));
    let report = world.settle().await;
    assert_eq!((report.review, writes(&report)), (2, 0), "{report:?}");
    assert_eq!(writes(&world.settle().await), 0);
    world.engine().link(&google_id(&ada), &dafater_id(&alan)).await.unwrap();
    let report = world.settle().await;
    assert_eq!((report.linked, report.review), (1, 0), "{report:?}");
    assert_eq!(world.engine().status().unwrap().linked, 1);
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn a_record_that_a_person_skips_stays_alone() {
    let mut world = World::new();
    let ada = world.add_person(person("Ada", "Lovelace", "shared@example.com", ""));
    let alan = world.add_contact(contact("Alan", "Turing", "shared@example.com", ""));
    world.settle().await;
    world.engine().skip(&google_id(&ada)).await.unwrap();
    world.engine().skip(&dafater_id(&alan)).await.unwrap();
    world.edit_person(&ada, json!({ "organizations": [{ "name": "Analytical" }] }));
    world.edit_contact(&alan, json!({ "company_name": "Bletchley" }));
    world.sync_as(RunRequest { full: true, dry_run: false }).await;
    let report = world.settle().await;
    assert_eq!((report.review, writes(&report), world.persons().len(), world.contacts().len()), (0, 0, 1, 1));
}

#[tokio::test]
async fn a_question_is_asked_again_when_one_of_the_candidates_is_gone() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "shared@example.com", ""));
    let alan = world.add_contact(contact("Alan", "Turing", "shared@example.com", ""));
    assert_eq!(world.settle().await.review, 2);
    world.delete_contact(&alan);
    world.converge().await;
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace shared@example.com
    google   Ada Lovelace shared@example.com
    ");
    assert_eq!(world.engine().reviews().unwrap(), []);
}

#[tokio::test]
async fn a_question_is_asked_again_when_one_of_the_candidates_changes() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "shared@example.com", ""));
    let alan = world.add_contact(contact("Alan", "Turing", "shared@example.com", ""));
    assert_eq!(world.settle().await.review, 2);
    world.edit_contact(&alan, json!({ "email_ids": [{ "email_id": "alan@example.com" }] }));
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (2, 2), "\n{}", world.picture());
    assert_eq!(world.engine().reviews().unwrap(), []);
}

#[tokio::test]
async fn a_link_to_a_record_that_is_gone_is_forgotten() {
    let mut world = World::new();
    let ada = world.add_person(person("Ada", "Lovelace", "shared@example.com", ""));
    let alan = world.add_contact(contact("Alan", "Turing", "shared@example.com", ""));
    world.settle().await;
    world.engine().link(&google_id(&ada), &dafater_id(&alan)).await.unwrap();
    world.delete_contact(&alan);
    world.converge().await;
    world.settle().await;
    let report = world.settle().await;
    assert_eq!((report.requests.google, report.requests.dafater), (1, 2), "{report:?}");
}

#[tokio::test]
async fn duplicates_of_the_built_in_integration_are_not_doubled_in_google() {
    let mut world = World::new();
    let ada = world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    for _ in 0..3 {
        let mut copy = contact("Ada", "Lovelace", "ada@example.com", "");
        copy["google_contacts_id"] = json!(ada);
        world.add_contact(copy);
    }
    let report = world.settle().await;
    assert_eq!((report.linked, report.google.created, report.review), (1, 0, 2), "{report:?}");
    assert_eq!(world.persons().len(), 1);
}

#[tokio::test]
async fn a_twin_on_one_side_is_not_created_on_the_other() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.add_contact(contact("Ada", "Lovelace", "private@example.com", "+966501234567"));
    world.settle().await;
    world.settle().await;
    assert_eq!(world.persons().len(), 1, "\n{}", world.picture());
}

#[tokio::test]
async fn a_company_without_a_person_goes_across() {
    let mut world = World::new();
    world.add_contact(json!({ "company_name": "Analytical Engines" }));
    world.add_person(json!({ "organizations": [{ "name": "Bletchley Park" }] }));
    world.add_person(json!({ "organizations": [{ "name": "analytical engines" }] }));
    let report = world.settle().await;
    assert_eq!((report.linked, report.dafater.created, report.google.created), (1, 1, 0), "{report:?}");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn what_holds_nothing_that_the_other_side_can_hold_is_not_created_empty() {
    let mut world = World::new();
    world.add_person(json!({ "names": [{ "honorificSuffix": "PhD" }] }));
    world.add_person(json!({ "emailAddresses": [{ "value": "ada@exämple.com" }] }));
    world.add_person(json!({ "birthdays": [{ "date": { "year": 1815, "month": 12, "day": 10 } }] }));
    world.add_contact(json!({ "status": "Open" }));
    let report = world.settle().await;
    assert_eq!(writes(&report), 0, "{report:?}\n{}", world.picture());
}

#[tokio::test]
async fn the_first_plan_can_be_held_until_a_person_approves_it() {
    let mut world = World::with(|settings| settings.policy.first_sync = FirstSync::Hold);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    let report = world.sync().await;
    assert_eq!((report.outcome, world.contacts().len()), (Outcome::Held, 0), "{report:?}");
    world.engine().approve().await.unwrap();
    world.settle().await;
    assert_eq!(world.contacts().len(), 1);
    assert_eq!(world.engine().status().unwrap().hold, None);
}

async fn ten(max_deletes_percent: u8) -> World {
    let mut world = World::with(|settings| {
        settings.policy.deletions = DeletionPolicy::Propagate;
        settings.policy.max_deletes_percent = max_deletes_percent;
    });
    for n in 0..10 {
        world.add_person(person("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    world.settle().await;
    world
}

fn delete_in_google(world: &World, count: usize) {
    for person in world.persons().iter().take(count) {
        world.delete_person(person["resourceName"].as_str().unwrap());
    }
}

#[tokio::test]
async fn a_plan_that_deletes_too_much_is_held_whole_and_goes_when_approved() {
    let mut world = ten(20).await;
    delete_in_google(&world, 3);
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    for _ in 0..2 {
        let report = world.sync().await;
        assert_eq!((report.outcome, world.contacts().len()), (Outcome::Held, 10), "{report:?}");
    }
    world.engine().approve().await.unwrap();
    let report = world.settle().await;
    assert_eq!((report.dafater.deleted, report.dafater.created), (3, 1), "{report:?}");
    assert_eq!(world.engine().status().unwrap().hold, None);
}

#[tokio::test]
async fn an_approval_holds_for_no_more_than_was_shown() {
    let mut world = ten(20).await;
    delete_in_google(&world, 3);
    world.sync().await;
    world.engine().approve().await.unwrap();
    delete_in_google(&world, 3);
    let report = world.sync().await;
    assert_eq!((report.outcome, world.contacts().len()), (Outcome::Held, 10), "{report:?}");
}

#[tokio::test]
async fn an_approval_still_counts_when_the_run_is_cut_short() {
    let mut world = ten(20).await;
    delete_in_google(&world, 6);
    world.sync().await;
    world.engine().approve().await.unwrap();
    let mut count = 0;
    world.site_weather(move |line, _| {
        count += usize::from(line.starts_with("DELETE "));
        (line.starts_with("DELETE ") && count > 1).then_some(crate::world::Strike::BAD_GATEWAY)
    });
    world.sync().await;
    world.calm();
    world.converge().await;
    assert_eq!(world.contacts().len(), 4, "\n{}", world.picture());
}

#[tokio::test]
async fn a_discarded_plan_deletes_nothing_and_is_not_asked_again() {
    let mut world = ten(20).await;
    delete_in_google(&world, 3);
    world.sync().await;
    world.engine().discard().await.unwrap();
    let report = world.settle().await;
    assert_eq!((writes(&report), world.contacts().len()), (0, 10), "{report:?}");
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (7, 10));
}

#[tokio::test]
async fn emptying_many_contacts_is_held_and_can_be_discarded() {
    let mut world = ten(20).await;
    for person in world.persons().iter().take(5) {
        let resource = person["resourceName"].as_str().unwrap().to_owned();
        world.edit_person(&resource, json!({ "names": [], "emailAddresses": [] }));
    }
    assert_eq!(world.sync().await.outcome, Outcome::Held);
    world.engine().discard().await.unwrap();
    let report = world.settle().await;
    assert_eq!(writes(&report), 0, "{report:?}");
    world.converge().await;
    let named = world.contacts().iter().filter(|contact| contact["first_name"] == "Ada").count();
    assert_eq!(named, 10, "\n{}", world.picture());
}

#[tokio::test]
async fn one_of_nine_may_always_go_unless_nothing_may() {
    for (percent, outcome) in [(10, Outcome::Ok), (0, Outcome::Held)] {
        let mut world = ten(percent).await;
        delete_in_google(&world, 1);
        assert_eq!(world.sync().await.outcome, outcome, "{percent}");
    }
}

#[tokio::test]
async fn a_dry_run_writes_nowhere() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    let report = world.sync_as(RunRequest { full: false, dry_run: true }).await;
    assert_eq!((report.dafater.created, world.contacts().len(), world.store.commits()), (1, 0, 0));
}
