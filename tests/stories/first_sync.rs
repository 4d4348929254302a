//! The first sync, and the quiet after it.

use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::json;

use crate::world::{Strike, World, contact, person};

#[tokio::test]
async fn each_side_gets_what_only_the_other_had_and_shared_contacts_are_linked() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966 50 123 4567"));
    world.add_contact(contact("Ada", "Lovelace", "Ada@Example.com", "0501234567"));
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));

    let report = world.settle().await;

    assert_eq!((report.linked, report.google.created, report.dafater.created), (1, 1, 1), "{report:?}");
    assert_snapshot!(world.picture(), @"
    dafater  Ada Lovelace Ada@Example.com 0501234567
    dafater  Alan Turing alan@example.com
    dafater  Grace Hopper grace@example.com
    google   Ada Lovelace ada@example.com +966 50 123 4567
    google   Alan Turing alan@example.com
    google   Grace Hopper grace@example.com
    ");
}

#[tokio::test]
async fn a_cycle_without_news_asks_three_times_and_writes_nothing() {
    let mut world = World::new();
    for n in 0..20 {
        world.add_person(person("G", &format!("Only{n}"), &format!("g{n}@example.com"), ""));
        world.add_contact(contact("D", &format!("Only{n}"), &format!("d{n}@example.com"), ""));
    }
    world.settle().await;
    world.settle().await;
    let commits = world.store.commits();

    let report = world.settle().await;

    assert_eq!((report.requests.google, report.requests.dafater), (1, 2), "{report:?}");
    assert_eq!(
        report.google.created + report.google.updated + report.dafater.created + report.dafater.updated,
        0
    );
    assert_eq!(world.store.commits(), commits + 1, "only the time of success, five minutes later");
}

#[tokio::test]
async fn what_the_site_escapes_is_not_carried_into_google() {
    let mut world = World::new();
    let company = |name: &str| json!({ "organizations": [{ "name": name }] });
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_person(company("Light & Co <KSA> 1"));
    let mut shared = contact("Ada", "Lovelace", "ada@example.com", "");
    shared["company_name"] = json!("Light & Co <KSA> 2");
    world.add_contact(shared);

    world.settle().await;
    let report = world.settle().await;

    assert_eq!((report.google.updated, report.dafater.updated), (0, 0), "{report:?}");
    assert_snapshot!(world.picture(), @"
    dafater  Ada Lovelace Light &amp; Co &lt;KSA&gt; 2 ada@example.com
    dafater  Light &amp; Co &lt;KSA&gt; 1
    google   Ada Lovelace Light & Co <KSA> 2 ada@example.com
    google   Light & Co <KSA> 1
    ");
}

#[tokio::test]
async fn a_person_of_whom_the_site_cannot_make_a_name_arrives_all_the_same() {
    let mut world = World::new();
    world.add_contact(contact("José", "", "", "0501234567"));
    world.add_contact(contact("José", "", "", "0501234568"));
    world.settle().await;
    world.add_person(person("jose", "", "jose@example.com", ""));
    world.add_person(person("<Ada>", "Lovelace", "ada@example.com", ""));
    world.add_person(person("New Contact", "", "new@example.com", ""));

    let report = world.settle().await;
    assert_eq!((report.dafater.created, report.parked), (3, 0), "{report:?}");
    let report = world.settle().await;

    assert_eq!((report.google.updated, report.dafater.updated), (0, 0), "{report:?}");
    assert_snapshot!(world.picture(), @"
    dafater  &lt;Ada&gt; Lovelace ada@example.com
    dafater  José 0501234567
    dafater  José 0501234568
    dafater  New Contact new@example.com
    dafater  jose jose@example.com
    google   <Ada> Lovelace ada@example.com
    google   José 0501234567
    google   José 0501234568
    google   New Contact new@example.com
    google   jose jose@example.com
    ");
}

#[tokio::test]
async fn a_name_that_no_number_can_follow_may_stand_twice() {
    let mut world = World::new();
    let long = "x".repeat(140);
    world.add_contact(contact(&long, "", "one@example.com", ""));
    world.add_person(person(&long, "", "two@example.com", ""));

    let report = world.settle().await;

    assert_eq!((report.dafater.created, report.google.created, report.parked), (1, 1, 0), "{report:?}");
    assert!(world.contacts().iter().all(|contact| contact["first_name"] == json!(long)));
}

/// What salutations and genders there are the site is asked once a day; who says nothing else waits for the next look at everybody.
#[tokio::test]
async fn who_said_nothing_that_the_site_could_hold_comes_across_once_it_can() {
    let mut world = World::new();
    world.add_person(json!({ "genders": [{ "value": "female" }] }));
    let refusal = Strike::Answer(403, "application/json", r#"{"exc_type":"PermissionError"}"#);
    let mut refusals = std::iter::once(refusal);
    world.site_weather(move |_, body| body.contains(r#""Gender""#).then(|| refusals.next()).flatten());
    world.sync().await;
    assert_eq!(world.contacts().len(), 0);
    // Google tells everything again when the token of the last read is too old.
    world.sync_after(SignedDuration::from_hours(9 * 24)).await;
    assert_eq!(world.contacts().len(), 1, "{}", world.picture());
    world.is_quiet().await;
}
