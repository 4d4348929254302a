//! An account holds so many contacts: what finds no room waits, and nothing else does.

use dafater_contactsd::execute::RunRequest;
use serde_json::json;

use crate::world::{World, contact, writes};

/// A world in which Google holds `in_truth` contacts and the daemon believes in `believed`, with five in Dafater.
fn crowded(in_truth: usize, believed: usize) -> World {
    let world = World::with(|settings| settings.max_contacts = believed);
    world.google().options_mut().max_contacts = in_truth;
    for n in 0..5 {
        world.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    world
}

async fn what_finds_no_room_waits(mut world: World, is_foreseen: bool) {
    if is_foreseen {
        let plan = world.engine().plan().await.unwrap();
        let waiting =
            plan.steps.iter().filter(|step| step.action == "postpone" && step.reason.contains("full"));
        assert_eq!((plan.google.created, waiting.count()), (3, 2), "{plan:?}");
    }
    let report = world.sync().await;
    assert_eq!((report.error.as_ref(), report.google.created, report.parked), (None, 3, 2), "{report:?}");
    let warning = world.engine().status().unwrap().warning.unwrap();
    assert!(warning.contains("no room for 2 contacts"), "{warning}");

    // Updates in both directions go on, and what waits is not sent again in each cycle.
    let person = world.persons()[0].clone();
    world.edit_person(
        person["resourceName"].as_str().unwrap(),
        json!({ "organizations": [{ "name": "Analytical" }] }),
    );
    let other = world.persons()[1]["names"][0]["familyName"].as_str().unwrap().to_owned();
    let name = world.contact(&format!("Ada {other}"))["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "company_name": "Bletchley" }));
    let report = world.settle().await;
    assert_eq!(
        (report.google.updated, report.dafater.updated, report.google.created),
        (1, 1, 0),
        "{report:?}"
    );
    let report = world.settle().await;
    assert_eq!((writes(&report), report.parked), (0, 2), "{report:?}");

    // A person makes room.
    world.settings.max_contacts = 25_000;
    world.google().options_mut().max_contacts = 25_000;
    let report = world.sync_as(RunRequest { full: true, dry_run: false }).await;
    assert_eq!((report.google.created, report.parked), (2, 0), "{report:?}");
    assert_eq!(world.engine().status().unwrap().warning, None);
    assert_eq!(world.persons().len(), 5);
    world.is_quiet().await;
}

#[tokio::test]
async fn what_would_go_beyond_the_limit_waits_and_is_said_before_google_refuses_it() {
    what_finds_no_room_waits(crowded(25_000, 3), true).await;
}

#[tokio::test]
async fn what_google_refuses_for_lack_of_room_waits_and_the_room_there_is_is_filled() {
    what_finds_no_room_waits(crowded(3, 25_000), false).await;
}

#[tokio::test]
async fn the_trash_counts() {
    let mut world = crowded(25_000, 6);
    world.settle().await;
    for person in world.persons().iter().take(2) {
        world.delete_person(person["resourceName"].as_str().unwrap());
    }
    world.settings.policy.deletions = dafater_contactsd::sync::DeletionPolicy::Keep;
    world.settle().await;
    world.add_contact(contact("Grace", "Hopper", "grace@example.com", ""));
    world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    let report = world.settle().await;
    assert_eq!((report.google.created, report.parked), (1, 1), "{report:?}\n{}", world.picture());
}

#[tokio::test]
async fn that_the_limit_is_near_is_said() {
    let mut world = crowded(25_000, 5);
    world.settle().await;
    let warning = world.engine().status().unwrap().warning.unwrap();
    assert!(warning.contains("google has 5 contacts"), "{warning}");
    // Contacts that Google has for itself take room as well.
    let mut world = crowded(25_000, 60);
    world.settle().await;
    assert_eq!(world.engine().status().unwrap().warning, None);
    world.settings.policy.pull = false;
    for n in 0..53 {
        world.add_person(crate::world::person(
            "Grace",
            &format!("N{n}"),
            &format!("grace{n}@example.com"),
            "",
        ));
    }
    world.settle().await;
    let warning = world.engine().status().unwrap().warning.unwrap();
    assert!(warning.contains("google has 58 contacts"), "{warning}");
    // Where nothing is created in Google, its room is nobody's concern.
    (world.settings.policy.push, world.settings.policy.pull) = (false, true);
    world.settle().await;
    assert_eq!(world.engine().status().unwrap().warning, None);
}
