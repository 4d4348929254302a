//! What goes wrong on the way: each next cycle repairs it, and nothing is lost or doubled.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dafater_contactsd::execute::HistoryFilter;
use dafater_contactsd::state::AccountState;
use dafater_contactsd::sync::ConflictPolicy;
use insta::assert_snapshot;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::world::{EMAIL, Strike, VirtualClock, World, always, contact, once, person, writes};

const CREATE_IN_GOOGLE: &str = "people:createContact";
const BATCH_CREATE_IN_GOOGLE: &str = "people:batchCreateContacts";
const CREATE_IN_DAFATER: &str = "POST https://erp.example.com/api/resource/Contact";

async fn linked() -> (World, String, String) {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    world.settle().await;
    let resource = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    (world, resource, name)
}

/// One record on each side, whatever it took.
fn assert_single(world: &World) {
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 1), "\n{}", world.picture());
    let status = world.engine().status().unwrap();
    assert_eq!((status.linked, status.parked, status.in_doubt, status.review), (1, 0, 0, 0), "{status:?}");
}

#[tokio::test]
async fn a_create_in_google_whose_answer_is_lost_is_found_again() {
    for strike in [Strike::LoseAnswer, Strike::HalfBody, Strike::LoseRequest] {
        let mut world = World::new();
        world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
        world.google_weather(once(CREATE_IN_GOOGLE, strike));
        assert!(world.sync().await.error.is_some());
        world.converge().await;
        world.converge().await;
        assert_single(&world);
    }
}

#[tokio::test]
async fn a_create_in_google_is_found_again_although_google_shows_it_late() {
    let mut world = World::new();
    world.google().options_mut().list_delay = SignedDuration::from_mins(7);
    world.google().options_mut().get_delay = SignedDuration::from_mins(7);
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.google_weather(once(CREATE_IN_GOOGLE, Strike::LoseAnswer));
    world.sync().await;
    for _ in 0..6 {
        world.sync().await;
    }
    assert_single(&world);
}

#[tokio::test]
async fn a_create_in_google_whose_answer_is_lost_is_not_sent_again_because_a_list_left_it_out() {
    let mut world = World::new();
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.google_weather(once(CREATE_IN_GOOGLE, Strike::LoseAnswer));
    world.sync().await;
    let without_ada = Strike::Rewrite(|json| {
        if let Some(people) = json["connections"].as_array_mut() {
            people.retain(|person| !person.to_string().contains("Lovelace"));
        }
    });
    // Every list lacks her while she may be late, and the first one after that.
    world.google_weather(always("/connections", without_ada));
    world.sync_after(SignedDuration::from_secs(20)).await;
    world.sync_after(SignedDuration::from_mins(11)).await;
    world.calm();
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (2, 2), "\n{}", world.picture());
}

#[tokio::test]
async fn what_an_update_replaced_is_kept_although_its_answer_was_lost_and_google_shows_it_late() {
    let mut world = World::with(|settings| settings.policy.conflict = ConflictPolicy::Dafater);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    let resource = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical", "title": "Countess" }] }));
    world.edit_contact(&name, json!({ "designation": "Mathematician" }));
    world.clock.advance(SignedDuration::from_mins(20));
    world.google().options_mut().list_delay = SignedDuration::from_mins(5);
    world.google().options_mut().get_delay = SignedDuration::from_mins(5);
    world.google_weather(once("updateContact", Strike::LoseAnswer));
    assert!(world.sync_after(SignedDuration::ZERO).await.error.is_some());
    for _ in 0..3 {
        // What it wrote does not show yet, and the lock of what shows is refused.
        world.sync_after(SignedDuration::from_secs(20)).await;
    }
    world.clock.advance(SignedDuration::from_mins(20));
    world.converge().await;
    assert_eq!(world.person("Ada")["organizations"][0]["title"], "Mathematician");
    let history = world.engine().history(&dafater_contactsd::execute::HistoryFilter::default()).unwrap();
    let mut changes = history.iter().flat_map(|entry| &entry.changes);
    assert!(changes.any(|change| change.before == "Countess"), "{history:#?}");
}

/// What one side cannot hold of the other's counted as agreed on, and was told to nobody, because the write that left it out shows.
#[tokio::test]
async fn what_a_side_cannot_hold_is_told_although_the_answer_to_the_write_beside_it_was_lost() {
    let (mut world, resource, name) = linked().await;
    world.edit_contact(&name, json!({ "company_name": "Navy", "designation": "Countess" }));
    world.tick();
    world.edit_person(&resource, json!({ "organizations": [{ "name": "x".repeat(150) }] }));
    world.google_weather(once("updateContact", Strike::LoseAnswer));
    assert!(world.sync().await.error.is_some());
    world.converge().await;
    let history = world.engine().history(&HistoryFilter::default()).unwrap();
    let is_told = history.iter().any(|entry| entry.action == "withhold");
    let is_overruled = world.person("Ada")["organizations"][0]["name"] == "Navy";
    assert!(is_told || is_overruled, "{history:?}\n{}", world.picture());
    world.is_quiet().await;
}

/// The address came back: as another one stood beside it by now, the write did not show as it was sent, and it counted as a person's.
#[tokio::test]
async fn what_a_write_without_an_answer_brought_is_known_although_somebody_added_to_it_since() {
    let (mut world, resource, name) = linked().await;
    let emails = |other: &str| json!({ "email_ids": [{ "email_id": "ada@example.com", "is_primary": 1 }, { "email_id": other }] });
    world.edit_contact(&name, emails("countess@example.com"));
    world.google_weather(once("updateContact", Strike::LoseAnswer));
    assert!(world.sync().await.error.is_some());
    world.tick();
    let mut in_google = world.person("Ada")["emailAddresses"].as_array().unwrap().clone();
    in_google.push(json!({ "value": "navy@example.com" }));
    world.edit_person(&resource, json!({ "emailAddresses": in_google }));
    world.edit_contact(&name, emails("lady@example.com"));
    world.converge().await;
    let picture = world.picture();
    assert!(!picture.contains("countess@"), "{picture}");
    assert!(picture.contains("navy@") && picture.contains("lady@"), "{picture}");
    world.is_quiet().await;
}

/// The copy that nobody had noted was taken for somebody new.
#[tokio::test]
async fn a_create_whose_answer_is_lost_does_not_bring_back_what_it_was_made_from_and_was_deleted_meanwhile() {
    for (to_google, is_edited) in [(true, false), (true, true), (false, false), (false, true)] {
        let mut world = World::new();
        let name = if to_google {
            world.google_weather(once(CREATE_IN_GOOGLE, Strike::LoseAnswer));
            world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""))
        } else {
            world.site_weather(once(CREATE_IN_DAFATER, Strike::LoseAnswer));
            world.add_person(person("Ada", "Lovelace", "ada@example.com", ""))
        };
        assert!(world.sync().await.error.is_some());
        if to_google {
            world.delete_contact(&name);
        } else {
            world.delete_person(&name);
        }
        if is_edited && to_google {
            let copy = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
            world.edit_person(&copy, json!({ "organizations": [{ "title": "Countess" }] }));
        } else if is_edited {
            let copy = world.contact("Ada")["name"].as_str().unwrap().to_owned();
            world.edit_contact(&copy, json!({ "designation": "Countess" }));
        }
        world.converge().await;
        world.converge().await;
        let standing = world.persons().len() + world.contacts().len();
        assert_eq!(standing, 1 + usize::from(is_edited), "an edit beats a deletion\n{}", world.picture());
        let status = world.engine().status().unwrap();
        assert_eq!((status.parked, status.in_doubt, status.review), (0, 0, 0), "{status:?}");
        world.is_quiet().await;
    }
}

#[tokio::test]
async fn a_batch_of_creates_whose_answer_is_lost_is_found_again_each_by_its_marker() {
    let mut world = World::new();
    for n in 0..5 {
        world.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    world.google_weather(once(BATCH_CREATE_IN_GOOGLE, Strike::LoseAnswer));
    world.sync().await;
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (5, 5), "\n{}", world.picture());
}

#[tokio::test]
async fn a_create_in_dafater_whose_answer_is_lost_is_found_again() {
    for strike in [Strike::LoseAnswer, Strike::HalfBody, Strike::LoseRequest] {
        let mut world = World::new();
        world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
        world.site_weather(once(CREATE_IN_DAFATER, strike));
        assert!(world.sync().await.error.is_some());
        world.converge().await;
        world.converge().await;
        assert_single(&world);
    }
}

#[tokio::test]
async fn syncing_again_at_once_after_a_lost_answer_makes_no_second_record() {
    let lost = [
        (CREATE_IN_GOOGLE, contact("Ada", "Lovelace", "ada@example.com", ""), None),
        (CREATE_IN_DAFATER, json!({}), Some(person("Ada", "Lovelace", "ada@example.com", ""))),
    ];
    for (call, document, someone) in lost {
        let mut world = World::new();
        match someone {
            Some(someone) => drop(world.add_person(someone)),
            None => drop(world.add_contact(document)),
        }
        world.google_weather(once(call, Strike::LoseAnswer));
        world.site_weather(once(call, Strike::LoseAnswer));
        world.sync().await;
        for _ in 0..3 {
            world.sync_after(SignedDuration::from_secs(2)).await;
        }
        world.converge().await;
        assert_single(&world);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_twice_makes_no_second_record() {
    let mut world = World::new();
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    // The first request never arrives; the second, sent when the first is given up, arrives and its answer is lost.
    world.google_weather(once(CREATE_IN_GOOGLE, Strike::LoseRequest));
    world.sync().await;
    world.google().options_mut().list_delay = SignedDuration::from_mins(8);
    world.google().options_mut().get_delay = SignedDuration::from_mins(8);
    world.google_weather(once(CREATE_IN_GOOGLE, Strike::LoseAnswer));
    for _ in 0..8 {
        world.sync().await;
    }
    assert_single(&world);
}

#[tokio::test]
async fn a_recreation_after_a_deletion_whose_answer_is_lost_is_found_again() {
    for (delay, in_google) in [(1, true), (5, true), (1, false), (5, false)] {
        let (mut world, resource, name) = linked().await;
        if in_google {
            world.delete_person(&resource);
            world.edit_contact(&name, json!({ "designation": "Countess" }));
            world.google_weather(once(CREATE_IN_GOOGLE, Strike::LoseAnswer));
        } else {
            world.delete_contact(&name);
            world.edit_person(&resource, json!({ "organizations": [{ "title": "Countess" }] }));
            world.site_weather(once(CREATE_IN_DAFATER, Strike::LoseAnswer));
        }
        world.sync().await;
        for _ in 0..8 {
            world.sync_after(SignedDuration::from_mins(delay)).await;
        }
        world.converge().await;
        assert_single(&world);
        assert_eq!(world.contact("Ada")["designation"], "Countess");
        assert_eq!(world.person("Ada")["organizations"][0]["title"], "Countess");
    }
}

#[tokio::test]
async fn an_update_whose_answer_is_lost_is_not_undone() {
    for strike in [Strike::LoseAnswer, Strike::LoseRequest, Strike::HalfBody] {
        let (mut world, resource, name) = linked().await;
        world.edit_contact(&name, json!({ "designation": "Countess" }));
        world.google_weather(once(":updateContact", strike.clone()));
        world.sync().await;
        world.converge().await;
        assert_eq!(world.person("Ada")["organizations"][0]["title"], "Countess");
        world.edit_person(&resource, json!({ "organizations": [{ "title": "Duchess" }] }));
        world.site_weather(once("PUT ", strike));
        world.sync().await;
        world.converge().await;
        assert_eq!(world.contact("Ada")["designation"], "Duchess");
        assert_single(&world);
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_finished_quietly() {
    for in_google in [true, false] {
        let mut world = World::with(|settings| {
            settings.policy.deletions = dafater_contactsd::sync::DeletionPolicy::Propagate;
        });
        let resource = world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
        world.settle().await;
        let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
        if in_google {
            world.delete_contact(&name);
            world.google_weather(once(":deleteContact", Strike::LoseAnswer));
        } else {
            world.delete_person(&resource);
            world.site_weather(once("DELETE ", Strike::LoseAnswer));
        }
        world.sync().await;
        world.converge().await;
        assert_eq!(world.picture(), "");
        let status = world.engine().status().unwrap();
        assert_eq!((status.linked, status.parked, status.in_doubt), (0, 0, 0), "{status:?}");
    }
}

#[tokio::test]
async fn an_overloaded_remote_ends_the_run_and_the_next_one_goes_on() {
    let strikes = [Strike::UNAVAILABLE, Strike::EXHAUSTED, Strike::BAD_GATEWAY];
    for strike in strikes {
        let (mut world, resource, name) = linked().await;
        world.edit_contact(&name, json!({ "designation": "Countess" }));
        world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical" }] }));
        world.google_weather(always("", strike.clone()));
        assert!(world.sync().await.error.is_some());
        world.calm();
        world.site_weather(always("", strike));
        assert!(world.sync().await.error.is_some());
        world.calm();
        world.converge().await;
        assert_eq!(world.lines(), ["Ada Lovelace Analytical Countess ada@example.com +966501234567"]);
    }
}

#[tokio::test]
async fn half_a_page_is_no_page() {
    let (mut world, resource, _) = linked().await;
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical" }] }));
    world.google_weather(once("/connections", Strike::HalfBody));
    let report = world.sync().await;
    assert!(report.error.is_some(), "{report:?}");
    assert_eq!(writes(&report), 0);
    world.settle().await;
    assert_eq!(world.contact("Ada")["company_name"], "Analytical");
}

#[tokio::test]
async fn one_document_on_which_the_site_always_breaks_down_does_not_stop_the_others() {
    let mut world = World::new();
    for n in 0..6 {
        world.add_person(person("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    let broken = r#"{"exc_type":"QueryTimeoutError"}"#;
    world.site_weather(move |line, body| {
        (line.starts_with(CREATE_IN_DAFATER) && body.contains("Number0")).then_some(Strike::Answer(
            500,
            "application/json",
            broken,
        ))
    });
    for _ in 0..6 {
        world.sync().await;
    }
    assert_eq!(world.contacts().len(), 5, "{}", world.picture());
    world.calm();
    for _ in 0..6 {
        world.sync().await;
    }
    assert_eq!(world.contacts().len(), 6, "{}", world.picture());
}

#[tokio::test]
async fn one_contact_that_is_refused_is_parked_and_the_others_go() {
    let mut world = World::new();
    let resource = world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_person(person("Alan", "Turing", "alan@example.com", ""));
    let refusal = r#"{"exc_type":"ValidationError"}"#;
    world.site_weather(|line, body| {
        (line.starts_with(CREATE_IN_DAFATER) && body.contains("Lovelace")).then_some(Strike::Answer(
            417,
            "application/json",
            refusal,
        ))
    });
    let report = world.settle().await;
    assert_eq!((report.parked, report.dafater.created), (1, 1), "{report:?}");
    world.edit_person(&resource, json!({ "names": [{ "givenName": "Ada", "familyName": "Byron" }] }));
    let report = world.settle().await;
    assert_eq!((report.parked, report.dafater.created), (0, 1), "{report:?}");
}

#[tokio::test]
async fn a_full_read_tries_again_what_was_refused() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    let refusal = r#"{"exc_type":"ValidationError"}"#;
    world.site_weather(always(CREATE_IN_DAFATER, Strike::Answer(417, "application/json", refusal)));
    for _ in 0..8 {
        world.settle().await;
    }
    world.calm();
    world.google().expire_sync_tokens(crate::world::EMAIL).unwrap();
    let report = world.settle().await;
    assert_eq!((report.parked, report.dafater.created), (0, 1), "{report:?}");
}

#[tokio::test]
async fn a_poisoned_document_is_parked_and_recovers_when_somebody_mends_it() {
    let (mut world, resource, name) = linked().await;
    world.site().poison(&name, json!({ "phone_nos": [{ "phone": "call me" }] }));
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical" }] }));
    let report = world.settle().await;
    assert_eq!(report.parked, 1, "{report:?}");
    for _ in 0..3 {
        assert_eq!(writes(&world.settle().await), 0);
    }
    world.edit_contact(&name, json!({ "phone_nos": [{ "phone": "050 123 4567" }] }));
    world.converge().await;
    assert_eq!(world.contact("Ada")["company_name"], "Analytical");
    assert_single(&world);
}

#[tokio::test]
async fn a_contact_that_changes_under_our_hands_is_read_and_merged_again() {
    let (mut world, resource, name) = linked().await;
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical" }] }));
    let (site, clock) = (world.site.clone(), world.clock.clone());
    let mut struck = false;
    let document = name.clone();
    world.site_weather(move |line, _| {
        if line.starts_with("PUT ") && !std::mem::replace(&mut struck, true) {
            let now = dafater_contactsd::remote::Clock::now(clock.as_ref());
            site.lock().unwrap().edit(&document, json!({ "designation": "Countess" }), now).unwrap();
        }
        None
    });
    world.settle().await;
    world.converge().await;
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace Analytical Countess ada@example.com +966501234567
    google   Ada Lovelace Analytical Countess ada@example.com +966501234567
    ");
}

#[tokio::test]
async fn a_transaction_that_commits_very_late_is_found_by_the_sweep() {
    let (mut world, _, name) = linked().await;
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.settle().await;
    // Stamped before the watermark, visible long after it.
    world.site().switches.late_commit = std::time::Duration::from_mins(30);
    let late = world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.site().switches.late_commit = std::time::Duration::ZERO;
    world.clock.advance(SignedDuration::from_secs(60));
    world.add_contact(contact("Emmy", "Noether", "emmy@example.com", ""));
    for _ in 0..9 {
        world.settle().await;
    }
    assert!(world.site().contact(&late).is_some());
    world.clock.advance(SignedDuration::from_hours(25));
    world.settle().await;
    world.converge().await;
    assert_eq!(world.person("Ada")["organizations"][0]["title"], "Countess", "\n{}", world.picture());
    assert_eq!(world.persons().len(), 4, "\n{}", world.picture());
}

#[tokio::test]
async fn a_lost_store_is_rebuilt_from_the_markers_without_a_second_record() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "", ""));
    world.add_contact(contact("Alan", "Turing", "", ""));
    world.add_person(person("Same", "Name", "", "+966501234567"));
    world.add_contact(contact("Same", "Name", "same@example.com", "050 123 4567"));
    world.settle().await;
    let before = world.picture();
    world.lose_store();
    let report = world.settle().await;
    assert_eq!(writes(&report), 0, "{report:?}");
    assert_eq!(world.picture(), before);
    assert_eq!(world.engine().status().unwrap().linked, 3);
}

#[tokio::test]
async fn a_process_killed_after_any_commit_repairs_itself() {
    for (nth, durable) in (1..40).flat_map(|nth| [(nth, true), (nth, false)]) {
        let (mut world, resource, name) = linked().await;
        world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical" }] }));
        world.edit_contact(&name, json!({ "middle_name": "King" }));
        world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
        world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
        if !world.sync_killed_at(nth, durable).await {
            assert!(nth > 4, "the run has several commits");
            return;
        }
        world.converge().await;
        assert_eq!(
            world.lines(),
            [
                "Ada King Lovelace Analytical ada@example.com +966501234567",
                "Alan Turing alan@example.com",
                "Grace Hopper grace@example.com",
            ],
            "killed at commit {nth}, durable: {durable}"
        );
    }
    panic!("the run never ended");
}

/// The request on its way was stamped when it left; who edits while it is under way edits before it arrives.
fn a_moment_before(clock: &VirtualClock) -> Timestamp {
    dafater_contactsd::remote::Clock::now(clock) - SignedDuration::from_millis(10)
}

/// Somebody goes on typing in Google while the first word is carried to Dafater.
#[tokio::test]
async fn a_newer_edit_in_google_does_not_lose_to_a_write_of_ours_that_was_not_noted() {
    for nth in 1..20 {
        let (mut world, resource, _) = linked().await;
        let titled = |title: &str| json!({ "organizations": [{ "title": title }] });
        world.edit_person(&resource, titled("first"));
        let (google, clock, typed) =
            (world.google.clone(), world.clock.clone(), Arc::new(AtomicBool::new(false)));
        let (person, is_typed) = (resource.clone(), typed.clone());
        world.site_weather(move |line, _| {
            if line.starts_with("PUT ") && !is_typed.swap(true, Ordering::Relaxed) {
                let now = a_moment_before(&clock);
                google.lock().unwrap().edit_person(EMAIL, &person, titled("second"), now).unwrap();
            }
            None
        });
        let was_killed = world.sync_killed_at(nth, false).await;
        world.calm();
        world.converge().await;
        let last = if typed.load(Ordering::Relaxed) { "second" } else { "first" };
        assert_eq!(world.contact("Ada")["designation"], last, "killed at commit {nth}");
        assert_eq!(world.person("Ada")["organizations"][0]["title"], last, "killed at commit {nth}");
        if !was_killed {
            return;
        }
    }
    panic!("the run never ended");
}

/// Somebody goes on typing in Dafater while the first word is carried to Google.
#[tokio::test]
async fn a_newer_edit_in_dafater_does_not_lose_to_a_write_of_ours_that_was_not_noted() {
    for nth in 1..20 {
        let (mut world, _, name) = linked().await;
        world.edit_contact(&name, json!({ "designation": "first" }));
        let (site, clock, typed) =
            (world.site.clone(), world.clock.clone(), Arc::new(AtomicBool::new(false)));
        let (document, is_typed) = (name.clone(), typed.clone());
        world.google_weather(move |line, _| {
            if line.contains(":updateContact") && !is_typed.swap(true, Ordering::Relaxed) {
                let now = a_moment_before(&clock);
                site.lock().unwrap().edit(&document, json!({ "designation": "second" }), now).unwrap();
            }
            None
        });
        let was_killed = world.sync_killed_at(nth, false).await;
        world.calm();
        world.converge().await;
        let last = if typed.load(Ordering::Relaxed) { "second" } else { "first" };
        assert_eq!(world.contact("Ada")["designation"], last, "killed at commit {nth}");
        assert_eq!(world.person("Ada")["organizations"][0]["title"], last, "killed at commit {nth}");
        if !was_killed {
            return;
        }
    }
    panic!("the run never ended");
}

/// Somebody corrects a name in Google while the contact is created in Dafater.
#[tokio::test]
async fn a_correction_does_not_lose_to_a_creation_of_ours_that_was_not_noted() {
    for nth in 1..20 {
        let mut world = World::new();
        let resource = world.add_person(person("Ada", "Byron", "ada@example.com", ""));
        let (google, clock, typed) =
            (world.google.clone(), world.clock.clone(), Arc::new(AtomicBool::new(false)));
        let is_typed = typed.clone();
        world.site_weather(move |line, _| {
            if line.starts_with(CREATE_IN_DAFATER) && !is_typed.swap(true, Ordering::Relaxed) {
                let now = a_moment_before(&clock);
                let name = json!({ "names": [{ "givenName": "Ada", "familyName": "Lovelace" }] });
                google.lock().unwrap().edit_person(EMAIL, &resource, name, now).unwrap();
            }
            None
        });
        let was_killed = world.sync_killed_at(nth, false).await;
        world.calm();
        world.converge().await;
        let last = if typed.load(Ordering::Relaxed) { "Lovelace" } else { "Byron" };
        assert_eq!(world.contact("Ada")["last_name"], last, "killed at commit {nth}");
        assert_eq!(world.person("Ada")["names"][0]["familyName"], last, "killed at commit {nth}");
        if !was_killed {
            return;
        }
    }
    panic!("the run never ended");
}

/// A create whose answer is lost reaches the site after all, in a transaction that ends long after it was given up.
async fn created_late(has_key: bool) -> World {
    let mut world = World::with(|settings| settings.settle = SignedDuration::ZERO);
    if has_key {
        world.site().add_custom_field(KEY_FIELD, "Contacts Sync Key", true, false);
    }
    let resource = world.add_person(person("Late", "Riser", "late@example.com", "+966501234567"));
    world.site_weather(once(CREATE_IN_DAFATER, Strike::LoseRequest));
    world.sync().await;
    let state = AccountState::new(world.store.clone(), "sales".parse().unwrap());
    let mut body = contact("Late", "Riser", "late@example.com", "+966501234567");
    body["google_contacts_id"] = json!(resource);
    body[KEY_FIELD] = json!(state.intents().unwrap()[0].pair);
    world.site().switches.late_commit = std::time::Duration::from_secs(1_000);
    world.add_contact(body);
    world.site().switches.late_commit = std::time::Duration::ZERO;
    world.calm();
    for _ in 0..5 {
        world.sync().await;
    }
    world
}

const KEY_FIELD: &str = "custom_dafater_contactsd_key";

#[tokio::test]
async fn with_the_key_field_a_create_is_never_carried_out_twice() {
    let mut world = created_late(true).await;
    assert_eq!(world.contacts().len(), 1, "{}", world.picture());
    assert_eq!(world.contact("Late")[KEY_FIELD].as_str().unwrap().len(), 24);
    world.is_quiet().await;
    // The site refuses the second one, whoever sends it.
    let key = world.contact("Late")[KEY_FIELD].clone();
    let now = world.tick();
    let again = world.site().insert(json!({ "first_name": "Late", KEY_FIELD: key }), now);
    assert_eq!(again.unwrap_err().exc_type, "UniqueValidationError");
    // What the field is for.
    assert_eq!(created_late(false).await.contacts().len(), 2, "without it, so much bad luck makes a double");
}

#[tokio::test]
async fn another_unique_field_of_the_site_parks_the_contact_with_its_reason() {
    let mut world = World::new();
    world.site().add_custom_field("company_name", "Company Name", true, false);
    let organisation =
        |given: &str| json!({ "names": [{ "givenName": given }], "organizations": [{ "name": "Acme" }] });
    world.add_person(organisation("Ada"));
    world.settle().await;
    world.add_person(organisation("Grace"));
    let report = world.settle().await;
    assert_eq!((report.parked, world.contacts().len()), (1, 1), "{report:?}");
    let reasons = world.parked_reasons();
    assert!(reasons[0].contains("unique value is already in use"), "{reasons:?}");
}
