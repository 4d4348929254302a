//! The first sync, and the quiet after it.

use insta::assert_snapshot;

use crate::world::{World, contact, person};

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
