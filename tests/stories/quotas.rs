//! Google's quotas: what was done stays done, what was asked for is waited for, and one that is exhausted for hours is left alone.

use jiff::SignedDuration;
use serde_json::json;

use crate::world::{EMAIL, Strike, World, contact, once, person, writes};

const WITH_DELAY: Strike = Strike::Answer(
    429,
    "application/json",
    r#"{"error":{"code":429,"message":"Quota exceeded for quota metric 'Critical write requests (Contact Creates and Updates)'.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"41s"}]}}"#,
);

#[tokio::test]
async fn a_run_that_meets_a_quota_keeps_what_it_did_and_the_next_one_goes_on() {
    let mut world = World::new();
    for n in 0..450 {
        world.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    let mut batches = 0;
    world.google_weather(move |line, _| {
        batches += u32::from(line.contains("batchCreateContacts"));
        (batches == 3).then_some(WITH_DELAY)
    });
    let first = world.sync().await;
    assert_eq!((first.google.created, first.retry_after_seconds), (400, Some(41)), "{first:?}");
    assert!(first.error.as_ref().unwrap().contains("429"), "{first:?}");
    world.calm();
    let second = world.sync().await;
    assert_eq!((second.google.created, second.error), (50, None));
    assert_eq!(world.persons().len(), 450);
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn without_a_word_about_the_time_only_the_own_backoff_counts() {
    let mut world = World::new();
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.google_weather(once("createContact", Strike::EXHAUSTED));
    let report = world.sync().await;
    assert!(report.error.is_some());
    assert_eq!(report.retry_after_seconds, None);
    world.converge().await;
    assert_eq!(world.persons().len(), 1);
}

#[tokio::test]
async fn an_exhausted_storage_is_left_alone_for_hours_while_google_s_edits_arrive() {
    let mut world = World::new();
    let grace = world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.settle().await;
    world.settle().await;
    let began = world.clock_now();
    world.google().refuse_writes_until(EMAIL, Some(began + SignedDuration::from_hours(5))).unwrap();
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));

    let refused = world.sync().await;
    assert!(refused.error.as_ref().unwrap().contains("some hours"), "{refused:?}");
    assert_eq!(refused.retry_after_seconds, None, "only writes to Google rest");
    world.edit_person(&grace, json!({ "organizations": [{ "title": "Admiral" }] }));
    let resting = world.sync().await;
    assert!(resting.error.as_ref().unwrap().contains("takes no writes of account"), "{resting:?}");
    assert_eq!(resting.dafater.updated, 1, "{resting:?}");
    assert_eq!(world.contact("Grace")["designation"], "Admiral");

    // Every five minutes a run, each in a process of its own.
    world.google().reset_counters();
    while world.clock_now() < began + SignedDuration::from_hours(5) {
        world.sync().await;
    }
    let attempts = world.google().requests().filter(|request| request.method != http::Method::GET).count();
    assert!((2..=5).contains(&attempts), "{attempts} attempts in five hours");
    for _ in 0..(6 * 12) {
        world.sync().await;
    }
    assert_eq!(world.persons().len(), 2, "{}", world.picture());
    assert_eq!(world.settle().await.google.created, 0);
    assert_eq!(world.lines().len(), 2);
}

#[tokio::test]
async fn a_run_without_anything_for_google_is_well_while_the_storage_rests() {
    let mut world = World::new();
    world
        .google()
        .refuse_writes_until(EMAIL, Some(world.clock_now() + SignedDuration::from_hours(2)))
        .unwrap();
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.sync().await;
    world.delete_contact(&name);
    world.sync().await;
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    let report = world.sync().await;
    assert_eq!((report.error, report.dafater.created), (None, 1));
}

#[tokio::test]
async fn one_bad_contact_never_blocks_the_199_beside_it_even_where_google_does_not_name_it() {
    let mut world = World::new();
    for n in 0..200 {
        world.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    let unnamed = Strike::Answer(
        400,
        "application/json",
        r#"{"error":{"code":400,"message":"Request contains an invalid argument.","status":"INVALID_ARGUMENT"}}"#,
    );
    world.google_weather(move |line, body| {
        (line.contains("reateContact") && body.contains("ada77@example.com")).then(|| unnamed.clone())
    });
    let report = world.sync().await;
    assert_eq!((report.google.created, report.parked), (199, 1), "{report:?}");
    assert!(report.requests.google < 30, "halved, not one by one: {:?}", report.requests);
}

#[tokio::test]
async fn one_contact_that_is_gone_already_costs_few_deletions_more() {
    let mut world = World::with(|settings| {
        settings.policy.deletions = dafater_contactsd::sync::DeletionPolicy::Propagate;
    });
    for n in 0..300 {
        world.add_person(person("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    world.settle().await;
    world.settle().await;
    for contact in world.contacts() {
        world.delete_contact(contact["name"].as_str().unwrap());
    }
    let refused = Strike::Answer(
        404,
        "application/json",
        r#"{"error":{"code":404,"message":"Requested entity was not found.","status":"NOT_FOUND"}}"#,
    );
    let gone = world.person("Ada Number77")["resourceName"].as_str().unwrap().to_owned();
    world.google_weather(move |line, body| {
        (line.contains("batchDelete") && body.contains(&gone)).then(|| refused.clone())
    });
    let report = world.sync().await;
    assert_eq!((report.google.deleted, world.persons().len()), (300, 0), "{report:?}");
    assert!(report.requests.google < 40, "{:?}", report.requests);
}

#[tokio::test]
async fn two_thousand_new_contacts_meet_no_quota_and_take_the_time_they_need() {
    let mut world = World::new().with_quotas();
    for n in 0..2_000 {
        world.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    let began = world.clock_now();
    let report = world.settle().await;
    assert_eq!((report.google.created, report.requests.google), (2_000, 1 + 10), "{report:?}");
    let took = world.clock_now().duration_since(began).as_secs();
    // Ten batches of 6 units, 25 units a minute: four at once, four a minute later, two another minute later.
    assert!((120..500).contains(&took), "{took} s");
    let refused = world.google().requests().filter(|request| request.status == 429).count();
    assert_eq!(refused, 0);
}
