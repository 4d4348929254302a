//! T9: the state is lost while a deletion and an edit have not crossed yet.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{agreed, pass_doubt, titled};
use crate::house::House;
use crate::world::{contact, person};

/// Pairs that began on either side, one of each with a title, in agreement.
fn remembered(account: &str) -> House {
    let house = agreed(4, &format!("deletions = \"propagate\"\n{account}"));
    house.edit_contact("Alan Number3", json!({ "designation": "Reader" }));
    house.edit_person("Grace Number3", titled("Admiral"));
    house.settle();
    assert_eq!(house.settle().writes(), 0);
    house
}

/// On each side one who began there is deleted, one who began on the other, and one is edited.
fn left_pending(house: &House) {
    house.delete_person("Grace Number0");
    house.delete_person("Alan Number0");
    house.delete_contact("Grace Number1");
    house.delete_contact("Alan Number1");
    house.edit_contact("Alan Number3", json!({ "designation": "Professor" }));
    house.edit_person("Grace Number3", titled("Rear Admiral"));
}

fn lines_of(output: &str) -> Vec<Value> {
    output.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The whole state directory is gone and the daemon starts anew; it has asked its question.
fn forgotten(account: &str) -> House {
    let house = remembered(account);
    left_pending(&house);
    let before = house.lines();
    let asked = house.writes_asked();
    fs::remove_dir_all(house.path("state")).unwrap();
    house.authorize();
    let daemon = house.start();
    let patience = Instant::now() + Duration::from_secs(20);
    let held = loop {
        let status = lines_of(&house.tell(&["status", "--json"]));
        if let Some(reason) = status.iter().find_map(|line| line["hold"]["reason"].as_str()) {
            break reason.to_owned();
        }
        assert!(Instant::now() < patience, "nothing is held: {status:#?}\n{:#?}", house.lines());
        std::thread::sleep(Duration::from_millis(100));
    };
    assert!(held.contains("nothing is remembered of this account") && held.contains("4 contacts"), "{held}");
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(house.lines(), before, "nobody came back, was doubled or overwritten");
    assert_eq!(house.writes_asked(), asked, "not one write before somebody answered");
    drop(daemon);
    house
}

/// Who was edited while nothing was remembered is a conflict, whatever the policy: either side may be the one that was edited.
fn settle_edits(house: &House) {
    let conflicts = lines_of(&house.tell(&["conflicts", "list", "--json"]));
    assert_eq!(conflicts.len(), 2, "{conflicts:#?}");
    // Another edit of the contact does not let a policy answer in a person's place.
    house.edit_person("Alan Number3", json!({ "phoneNumbers": [{ "value": "+966501234567" }] }));
    house.settle();
    assert_eq!(house.contact("Alan Number3")["designation"], "Professor");
    for conflict in &conflicts {
        let side = if conflict["dafater_value"] == "Professor" { "dafater" } else { "google" };
        house.tell(&["conflicts", "resolve", conflict["id"].as_str().unwrap(), side]);
    }
    house.settle();
    for (begins, title) in [("Alan Number3", "Professor"), ("Grace Number3", "Rear Admiral")] {
        assert_eq!(house.contact(begins)["designation"], title);
        assert_eq!(house.person(begins)["organizations"][0]["title"], title);
    }
}

#[test]
fn t09_a_lost_state_is_rebuilt_and_nobody_who_was_deleted_comes_back_unasked() {
    let house = forgotten("schedule = \"every 1s\"\nconflict = \"google\"");
    let [google, dafater] = house.lines();
    house.tell(&["discard", "sales"]);
    let synced = house.settle();
    assert_eq!(synced.writes(), 0, "{}", synced.report);

    settle_edits(&house);
    assert_eq!(house.lines().map(|lines| lines.len()), [google.len(), dafater.len()], "nobody came back");
    // New contacts and later edits cross as ever.
    house.add_person(person("Grace", "Hopper", "hopper@example.com", ""));
    house.add_contact(contact("Alan", "Turing", "turing@example.com", ""));
    house.edit_contact("Grace Number2", json!({ "designation": "Captain" }));
    house.settle();
    assert_eq!(house.person("Grace Number2")["organizations"][0]["title"], "Captain");
    assert_eq!(house.lines().map(|lines| lines.len()), [google.len() + 2, dafater.len() + 2]);
    assert_eq!(house.settle().writes(), 0);
}

#[test]
fn t09_after_a_lost_state_those_who_stand_alone_cross_when_a_person_says_so() {
    let house = forgotten("schedule = \"every 1s\"\nconflict = \"dafater\"");
    house.tell(&["approve", "sales"]);
    let synced = house.settle();
    assert_eq!((synced.count("google", "created"), synced.count("dafater", "created")), (2, 2));

    settle_edits(&house);
    assert_eq!(house.repaired().len(), 8, "and nobody is doubled");
}

#[test]
fn t09_a_lost_database_is_refused_and_its_export_brings_the_deletion_and_the_edit_across() {
    let house = remembered("conflict = \"google\"");
    let export = house.path("export.jsonl");
    house.tell(&["store", "export", export.to_str().unwrap()]);
    left_pending(&house);
    fs::remove_dir_all(house.path("state/db")).unwrap();
    let asked = house.writes_asked();
    for _ in 0..2 {
        let refused = house.run(&["sync"]);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(65), "{told}");
        assert!(
            told.contains("its database is gone") && told.contains("begin with an empty store"),
            "{told}"
        );
    }
    assert_eq!(house.writes_asked(), asked);

    house.tell(&["store", "import", export.to_str().unwrap()]);
    let synced = house.settle();

    assert_eq!((synced.count("google", "deleted"), synced.count("dafater", "deleted")), (2, 2));
    assert_eq!((synced.count("google", "updated"), synced.count("dafater", "updated")), (1, 1));
    assert_eq!(
        house.repaired(),
        [
            "Alan Number2 alan2@example.com",
            "Alan Number3 Professor alan3@example.com",
            "Grace Number2 grace2@example.com",
            "Grace Number3 Rear Admiral grace3@example.com",
        ]
    );
}

#[test]
fn t09_an_export_older_than_a_pair_brings_neither_of_the_two_back_unasked() {
    let house = remembered("conflict = \"google\"");
    let export = house.path("export.jsonl");
    house.tell(&["store", "export", export.to_str().unwrap()]);
    // Pairs that the export does not know, with a deletion on either side and an edit that have not crossed.
    for late in ["One", "Two"] {
        house.add_person(person("Grace", late, &format!("grace.{late}@example.com"), ""));
        house.add_contact(contact("Alan", late, &format!("alan.{late}@example.com"), ""));
    }
    house.edit_contact("Alan Two", json!({ "designation": "Reader" }));
    house.settle();
    pass_doubt();
    assert_eq!(house.settle().writes(), 0);
    house.delete_contact("Alan One");
    house.delete_person("Grace One");
    house.edit_contact("Alan Two", json!({ "designation": "Professor" }));
    let before = house.lines();
    fs::remove_dir_all(house.path("state/db")).unwrap();
    house.tell(&["store", "import", export.to_str().unwrap()]);

    for arguments in [&[][..], &[], &["--full"]] {
        let synced = house.sync_with(arguments);
        assert_eq!((synced.exit, synced.writes()), (0, 0), "{} {:#?}", synced.report, house.lines());
        assert_eq!((&synced.report["review"], &synced.report["conflicts"]), (&json!(2), &json!(1)));
    }
    assert_eq!(house.lines(), before, "nobody came back, was doubled or overwritten");

    // An edit beats a deletion, here as ever; whoever shall stay away is skipped.
    house.edit_person("Alan One", titled("Fellow"));
    let left = house.contact("Grace One")["name"].as_str().unwrap().to_owned();
    house.tell(&["review", "skip", "sales", &format!("dafater:{left}")]);
    let synced = house.settle();
    assert_eq!((synced.count("google", "created"), synced.count("dafater", "created")), (0, 1));
    assert_eq!(house.settle().writes(), 0);
    assert_eq!(house.contact("Alan One")["designation"], "Fellow");
}
