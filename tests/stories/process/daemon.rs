//! The daemon as a process: schedule, reload, stop, kill.

use std::time::{Duration, Instant};

use crate::house::House;
use crate::world::{contact, person};

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < patience, "{what} did not come true");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn an_edit_arrives_by_itself_within_the_schedule() {
    let house = House::authorized("schedule = \"every 1s\"");
    let _daemon = house.start();
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    until("the new contact on the site", || house.contacts().len() == 1);
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    until("the new contact in Google", || house.persons().len() == 2);
}

#[test]
fn a_refused_reload_keeps_the_old_configuration_and_a_good_one_is_applied() {
    let house = House::authorized("");
    let mut daemon = house.start();
    house.write("conf.d/20-sales.toml", "[accounts.sales]\nmax_deletes_procent = 5\n");
    let refused = house.run(&["reload"]);
    assert_eq!(refused.status.code(), Some(78));
    let told = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(told.contains("20-sales.toml:2:1") && told.contains("max_deletes_percent"), "{told}");

    house.write("conf.d/20-sales.toml", "[accounts.sales]\nmax_deletes_percent = 5\n");
    daemon.signal("HUP");
    daemon.wait_for("config.reload.applied");
    daemon.signal("TERM");
    assert_eq!(daemon.wait().1, Some(0));
}

#[test]
fn it_stops_within_five_seconds_in_the_middle_of_a_sync_and_continues_later() {
    for signal in ["TERM", "INT"] {
        let house = House::authorized("schedule = \"every 1s\"");
        for n in 0..300 {
            house.add_person(person("Grace", &format!("Number{n}"), &format!("grace{n}@example.com"), ""));
        }
        let mut daemon = house.start();
        until("the first contacts", || house.contacts().len() > 3);
        daemon.signal(signal);
        let (took, code) = daemon.wait();
        assert!(took < Duration::from_secs(5), "{took:?}");
        assert_eq!(code, Some(0), "{}", daemon.log());
        drop(daemon);
        house.settle();
        assert_eq!(house.contacts().len(), 300, "after {signal}");
    }
}

#[test]
fn killed_at_any_moment_it_continues_without_a_duplicate() {
    let house = House::authorized("schedule = \"every 1s\"");
    for n in 0..60 {
        house.add_person(person("Grace", &format!("Number{n}"), &format!("grace{n}@example.com"), ""));
        house.add_contact(contact("Alan", &format!("Number{n}"), &format!("alan{n}@example.com"), ""));
    }
    for round in 0_u64..12 {
        let mut daemon = house.start();
        std::thread::sleep(Duration::from_millis(37 * round));
        daemon.child.kill().unwrap();
        daemon.wait();
    }
    for _ in 0..3 {
        house.settle();
    }
    assert_eq!((house.persons().len(), house.contacts().len()), (120, 120));
    assert_eq!(house.settle().writes(), 0);
}

#[test]
fn no_name_address_or_secret_is_in_the_log_above_debug() {
    let house = House::authorized("schedule = \"every 1s\"");
    house.add_person(person("Zebedee", "Quixote", "zebedee@quixote.example", "+966501112222"));
    // A value that the site refuses, so that warnings are written too.
    house.add_contact(serde_json::json!({ "first_name": "Xanthippe", "email_ids": [{ "email_id": "xanthippe@quixote.example" }] }));
    let daemon = house.start();
    until("both", || house.contacts().len() == 2 && house.persons().len() == 2);
    let log = daemon.log();
    let above: Vec<&str> =
        log.lines().filter(|line| !line.contains("\"DEBUG\"") && !line.contains("\"TRACE\"")).collect();
    assert!(!above.is_empty());
    for word in ["Zebedee", "Quixote", "quixote", "Xanthippe", "1112222", "sandbox-secret", "1//"] {
        assert!(!above.iter().any(|line| line.contains(word)), "{word} in {above:#?}");
    }
}
