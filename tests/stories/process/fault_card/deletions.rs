//! T6, T7, T10 and T11: what becomes of deletions, and of what only looks like one.

use dafater_contactsd::sandbox::faults::{Effect, Rule, When};
use jiff::Timestamp;

use super::{agreed, is_held, pass_doubt, strike};
use crate::house::House;
use crate::world::EMAIL;

const ALL_DELETIONS: &str = "deletions = \"propagate\"\nmax_deletes_percent = 10";

fn delete_persons(house: &House, count: usize) {
    for person in house.persons().iter().take(count) {
        let resource = person["resourceName"].as_str().unwrap();
        house.google().delete_person(EMAIL, resource, Timestamp::now()).unwrap();
    }
}

fn delete_contacts(house: &House, count: usize) {
    for contact in house.contacts().iter().take(count) {
        house.site().delete(contact["name"].as_str().unwrap(), Timestamp::now()).unwrap();
    }
}

/// `deleted` of 20 are deleted on one side: nothing follows on the other, however often it runs, until a person answers.
fn assert_held(on_google: bool, deleted: usize, answer: &str) {
    let house = agreed(10, ALL_DELETIONS);
    if on_google {
        delete_persons(&house, deleted);
    } else {
        delete_contacts(&house, deleted);
    }
    let asked = house.writes_asked();
    for arguments in [&[][..], &[], &["--full"]] {
        let synced = house.sync_with(arguments);
        assert!(is_held(&synced) && synced.exit == 0, "{} {}", synced.exit, synced.report);
        let reason = synced.report["error"].as_str().unwrap();
        assert!(reason.contains(&format!("delete or empty {deleted} of 20")), "{reason}");
    }
    assert_eq!(house.writes_asked(), asked, "not one write while it is held");

    house.tell(&[answer, "sales"]);
    let synced = house.settle();
    let [google, dafater] = house.lines();
    let left = 20 - deleted;
    if answer == "approve" {
        assert_eq!((google.len(), dafater.len()), (left, left), "{}", synced.report);
    } else {
        assert_eq!(google.len().max(dafater.len()), 20, "what was not deleted by people stays");
        assert_eq!(
            google.len().min(dafater.len()),
            left,
            "and does not come back where it was: {}",
            synced.report
        );
    }
    assert_eq!(house.settle().writes(), 0);
}

#[test]
fn t06_a_run_that_would_delete_18_of_20_is_held() {
    assert_held(true, 18, "approve");
    assert_held(false, 18, "discard");
}

#[test]
fn t07_a_run_that_would_delete_everybody_is_held() {
    assert_held(false, 20, "approve");
    assert_held(true, 20, "discard");
}

#[test]
fn t10_half_a_listing_deletes_nobody() {
    let house = agreed(10, "deletions = \"propagate\"");
    let before = house.lines();
    let asked = house.writes_asked();
    let short = |key| Rule::new(Effect::short_page(key)).when(When::Always);
    for (google, dafater) in [(true, false), (false, true), (true, true)] {
        if google {
            strike(&house.google_faults, short("connections").path("connections"));
        }
        if dafater {
            // Not one listing only: every list that the site gives is half of what it should be.
            strike(&house.site_faults, short("message").path("get_list"));
        }
        for arguments in [&["--full"][..], &[]] {
            let synced = house.sync_with(arguments);
            assert_eq!(synced.writes(), 0, "{google} {dafater}: {}", synced.report);
        }
        house.calm();
    }
    house.settle();
    pass_doubt();
    house.tell(&["sync", "--full"]);
    assert_eq!(house.lines(), before);
    assert_eq!(house.writes_asked(), asked, "and nobody was written anew");
}

#[test]
fn t11_a_deletion_while_the_token_expired_arrives_exactly_once() {
    let house = agreed(5, "deletions = \"propagate\"");
    house.delete_person("Grace Number1");
    house.delete_person("Alan Number1");
    house.delete_contact("Alan Number2");
    house.google().expire_sync_tokens(EMAIL).unwrap();

    let synced = house.settle();

    assert_eq!((synced.count("google", "deleted"), synced.count("dafater", "deleted")), (1, 2));
    assert_eq!(synced.writes(), 3, "{}", synced.report);
    for arguments in [&[][..], &["--full"], &[]] {
        assert_eq!(house.sync_with(arguments).writes(), 0);
    }
    assert_eq!(house.repaired().len(), 7);
}
