//! What a deletion on one side does to the other.

use dafater_contactsd::sync::DeletionPolicy;
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::json;

use crate::world::{DAEMON, EMAIL, Strike, World, contact, person, writes};

fn under(policy: DeletionPolicy) -> World {
    World::with(|settings| settings.policy.deletions = policy)
}

/// Ada came from Google, Alan from Dafater, Grace stood on both sides.
async fn three(policy: DeletionPolicy) -> (World, [String; 3], [String; 3]) {
    let mut world = under(policy);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.add_contact(contact("Grace", "Hopper", "grace@example.com", ""));
    world.settle().await;
    let people =
        ["Ada", "Alan", "Grace"].map(|name| world.person(name)["resourceName"].as_str().unwrap().to_owned());
    let names = ["Ada", "Alan", "Grace"].map(|name| world.contact(name)["name"].as_str().unwrap().to_owned());
    (world, people, names)
}

#[tokio::test]
async fn by_default_only_what_the_sync_created_follows_a_deletion_in_google() {
    let (mut world, people, _) = three(DeletionPolicy::CreatedBySync).await;
    for resource in &people {
        world.delete_person(resource);
    }
    let report = world.settle().await;
    assert_eq!(report.dafater.deleted, 1, "{report:?}");
    assert_snapshot!(world.picture(), @r"
    dafater  Alan Turing alan@example.com
    dafater  Grace Hopper grace@example.com
    ");
    world.converge().await;
    assert_eq!(world.persons().len(), 0, "nothing comes back: {}", world.picture());
}

#[tokio::test]
async fn by_default_only_what_the_sync_created_follows_a_deletion_in_dafater() {
    let (mut world, _, names) = three(DeletionPolicy::CreatedBySync).await;
    for name in &names {
        world.delete_contact(name);
    }
    let report = world.settle().await;
    assert_eq!(report.google.deleted, 1, "{report:?}");
    world.converge().await;
    assert_snapshot!(world.picture(), @r"
    google   Ada Lovelace ada@example.com
    google   Grace Hopper grace@example.com
    ");
}

/// "Merge & fix" in Google.
fn merge(world: &World, loser: &str, survivor: &str) {
    let now = world.tick();
    world.google().merge_persons(EMAIL, loser, survivor, now).unwrap();
}

#[tokio::test]
async fn what_a_person_made_is_not_deleted_for_having_swallowed_a_copy_of_ours() {
    let (mut world, people, names) = three(DeletionPolicy::CreatedBySync).await;
    let [_, alan, grace] = &people;
    merge(&world, alan, grace);
    world.settle().await;
    world.delete_contact(&names[2]);
    world.settle().await;
    world.delete_contact(&names[1]);
    world.converge().await;
    assert!(world.picture().contains("google   Grace Hopper"), "{}", world.picture());
}

#[tokio::test]
async fn what_a_person_made_and_merged_before_we_ever_saw_it_is_not_deleted_either() {
    let (mut world, people, names) = three(DeletionPolicy::CreatedBySync).await;
    let twin = world.add_person(person("Alan", "Turing", "alan@example.org", ""));
    merge(&world, &people[1], &twin);
    world.settle().await;
    world.delete_contact(&names[1]);
    world.converge().await;
    assert!(world.picture().contains("google   Alan Turing"), "{}", world.picture());
}

#[tokio::test]
async fn under_keep_nothing_is_ever_deleted_and_nothing_comes_back() {
    let (mut world, people, names) = three(DeletionPolicy::Keep).await;
    world.delete_person(&people[1]);
    world.delete_contact(&names[0]);
    world.converge().await;
    assert_snapshot!(world.picture(), @r"
    dafater  Alan Turing alan@example.com
    dafater  Grace Hopper grace@example.com
    google   Ada Lovelace ada@example.com
    google   Grace Hopper grace@example.com
    ");
}

#[tokio::test]
async fn under_propagate_every_deletion_arrives_once() {
    let (mut world, people, names) = three(DeletionPolicy::Propagate).await;
    world.delete_person(&people[0]);
    world.delete_person(&people[2]);
    world.delete_contact(&names[1]);
    let report = world.settle().await;
    assert_eq!((report.google.deleted, report.dafater.deleted), (1, 2), "{report:?}");
    assert_eq!(world.picture(), "");
    world.converge().await;
    assert_eq!(world.picture(), "");
}

#[tokio::test]
async fn an_edit_beats_a_deletion_on_either_side() {
    let (mut world, people, names) = three(DeletionPolicy::Propagate).await;
    world.delete_person(&people[0]);
    world.edit_contact(&names[0], json!({ "designation": "Countess" }));
    world.delete_contact(&names[1]);
    world.edit_person(&people[1], json!({ "names": [{ "givenName": "Alan", "familyName": "T" }] }));
    world.converge().await;
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace Countess ada@example.com
    dafater  Alan T alan@example.com
    dafater  Grace Hopper grace@example.com
    google   Ada Lovelace Countess ada@example.com
    google   Alan T alan@example.com
    google   Grace Hopper grace@example.com
    ");
}

#[tokio::test]
async fn a_contact_that_is_emptied_while_the_other_is_deleted_makes_no_empty_twin() {
    let (mut world, people, names) = three(DeletionPolicy::Propagate).await;
    world.delete_person(&people[0]);
    world.edit_contact(&names[0], json!({ "first_name": "", "last_name": "", "email_ids": [] }));
    world.settle().await;
    world.converge().await;
    assert_eq!(world.persons().len(), 2, "{}", world.picture());
}

#[tokio::test]
async fn a_deletion_during_an_expired_sync_token_arrives_exactly_once() {
    let (mut world, people, _) = three(DeletionPolicy::Propagate).await;
    world.delete_person(&people[2]);
    world.clock.advance(SignedDuration::from_hours(24 * 8));
    let report = world.settle().await;
    assert_eq!(report.dafater.deleted, 1, "{report:?}");
    world.converge().await;
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace ada@example.com
    dafater  Alan Turing alan@example.com
    google   Ada Lovelace ada@example.com
    google   Alan Turing alan@example.com
    ");
}

#[tokio::test]
async fn a_sync_token_that_dies_early_costs_a_full_read_and_nothing_else() {
    let (mut world, people, _) = three(DeletionPolicy::Propagate).await;
    world.google().expire_sync_tokens(crate::world::EMAIL).unwrap();
    world.delete_person(&people[0]);
    let report = world.settle().await;
    assert_eq!((report.dafater.deleted, writes(&report)), (1, 1), "{report:?}");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn a_contact_restored_from_googles_trash_comes_back_once() {
    let (mut world, people, _) = three(DeletionPolicy::Propagate).await;
    world.delete_person(&people[0]);
    world.settle().await;
    assert_eq!(world.contacts().len(), 2);
    world.restore_person(&people[0]);
    for _ in 0..4 {
        world.settle().await;
    }
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace ada@example.com
    dafater  Alan Turing alan@example.com
    dafater  Grace Hopper grace@example.com
    google   Ada Lovelace ada@example.com
    google   Alan Turing alan@example.com
    google   Grace Hopper grace@example.com
    ");
}

#[tokio::test]
async fn a_contact_restored_from_googles_trash_finds_the_document_that_was_kept() {
    let (mut world, people, _) = three(DeletionPolicy::Keep).await;
    world.delete_person(&people[2]);
    world.settle().await;
    world.clock.advance(SignedDuration::from_hours(1));
    world.restore_person(&people[2]);
    let report = world.settle().await;
    assert_eq!((report.linked, writes(&report)), (1, 0), "{report:?}");
}

#[tokio::test]
async fn a_contact_restored_while_its_successor_is_deleted_brings_back_nothing_that_was_taken_away() {
    let (mut world, people, names) = three(DeletionPolicy::Propagate).await;
    world.edit_contact(&names[0], json!({ "designation": "Countess" }));
    world.settle().await;
    world.delete_person(&people[0]);
    world.edit_contact(&names[0], json!({ "designation": "" }));
    world.settle().await;
    let successor = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    assert_ne!(successor, people[0], "an edit beats a deletion");
    world.clock.advance(SignedDuration::from_hours(1));
    world.delete_person(&successor);
    world.restore_person(&people[0]);
    world.converge().await;
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace ada@example.com
    dafater  Alan Turing alan@example.com
    dafater  Grace Hopper grace@example.com
    google   Ada Lovelace ada@example.com
    google   Alan Turing alan@example.com
    google   Grace Hopper grace@example.com
    ");
}

/// A contact without a name: what it says proves little, that the two were a pair proves all.
#[tokio::test]
async fn a_contact_restored_while_the_site_hides_its_document_waits_for_that() {
    let mut world = World::with(|settings| settings.policy.deletions = DeletionPolicy::Keep);
    let phone = |number: &str| json!([{ "value": number, "type": "mobile" }]);
    let resource = world.add_person(json!({ "phoneNumbers": phone("+966 50 100 0001") }));
    let name = world.add_contact(json!({ "phone_nos": [{ "phone": "0501000001" }] }));
    world.converge().await;
    assert_eq!(world.contacts().len(), 1);
    world.delete_person(&resource);
    world.settle().await;
    world.clock.advance(SignedDuration::from_hours(1));
    world.site().hide(DAEMON, &name);
    world.restore_person(&resource);
    world.settle().await;
    assert_eq!(world.contacts().len(), 1, "{}", world.picture());
    world.site().unhide(DAEMON);
    world.clock.advance(SignedDuration::from_hours(48));
    world.converge().await;
    assert_eq!((world.contacts().len(), world.persons().len()), (1, 1), "{}", world.picture());
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    assert_eq!(world.settle().await.google.updated, 1, "they are a pair again");
}

/// For some minutes after its deletion, a contact that is listed may be no more than an echo of it.
#[tokio::test]
async fn a_contact_restored_beside_its_successor_brings_nobody_back_once_the_document_is_deleted() {
    for policy in [DeletionPolicy::Keep, DeletionPolicy::Propagate] {
        let (mut world, people, names) = three(policy).await;
        world.edit_contact(&names[0], json!({ "designation": "Countess" }));
        world.settle().await;
        world.delete_person(&people[0]);
        world.edit_contact(&names[0], json!({ "designation": "Analyst" }));
        world.settle().await;
        world.restore_person(&people[0]);
        world.sync_after(SignedDuration::from_mins(1)).await;
        world.delete_contact(&names[0]);
        world.sync_after(SignedDuration::from_mins(1)).await;
        world.clock.advance(SignedDuration::from_hours(1));
        world.converge().await;
        let documents = || world.contacts().len();
        assert_eq!((documents(), world.settle().await.review), (2, 1), "{policy:?}: {}", world.picture());
    }
}

/// A document that stood alone went in the cycle in which the contact came back: which of the two was meant last, nobody can tell.
#[tokio::test]
async fn a_contact_restored_and_its_document_deleted_before_the_next_cycle_is_a_question() {
    for policy in [DeletionPolicy::Keep, DeletionPolicy::CreatedBySync] {
        let (mut world, people, names) = three(policy).await;
        world.delete_person(&people[1]);
        world.settle().await;
        world.clock.advance(SignedDuration::from_hours(1));
        world.restore_person(&people[1]);
        world.delete_contact(&names[1]);
        world.converge().await;
        let documents = || world.contacts().len();
        assert_eq!((documents(), world.settle().await.review), (2, 1), "{policy:?}: {}", world.picture());
    }
}

/// The contact that was restored had begun the pair that is now its successor's: the new pair took the place of that one.
#[tokio::test]
async fn a_restored_contact_that_is_somebody_of_its_own_leaves_its_successor_its_pair() {
    let (mut world, people, names) = three(DeletionPolicy::CreatedBySync).await;
    world.delete_person(&people[0]);
    world.edit_contact(&names[0], json!({ "company_name": "Analytical" }));
    world.settle().await;
    assert_eq!(world.persons().len(), 3, "an edit beats a deletion");
    world.clock.advance(SignedDuration::from_hours(1));
    world.restore_person(&people[0]);
    world.settle().await;
    let asked = world.engine().reviews().unwrap();
    assert_eq!(asked.len(), 1, "{asked:?}");
    world.engine().separate(&asked[0].record).await.unwrap();
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (4, 4), "\n{}", world.picture());
    assert_eq!(world.engine().status().unwrap().linked, 4);
    world.is_quiet().await;
}

#[tokio::test]
async fn a_contact_restored_from_googles_trash_finds_its_document_although_they_have_little_in_common_by_now()
{
    let (mut world, people, names) = three(DeletionPolicy::Keep).await;
    world.edit_person(&people[2], json!({ "organizations": [{ "name": "Navy" }] }));
    world.settle().await;
    world.delete_person(&people[2]);
    world.settle().await;
    world.edit_contact(&names[2], json!({ "first_name": "Amazing", "last_name": "Murray", "email_ids": [] }));
    world.clock.advance(SignedDuration::from_hours(1));
    world.restore_person(&people[2]);
    world.edit_person(&people[2], json!({ "organizations": [] }));
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (3, 3), "\n{}", world.picture());
    let ours = world.contact("Amazing");
    assert_eq!(ours["name"], json!(names[2]));
    assert_eq!(
        ours["company_name"].as_str().unwrap_or_default(),
        "",
        "what was cleared in Google meanwhile is cleared"
    );
    let hers = world.person("Amazing");
    assert_eq!(hers["resourceName"], json!(people[2]));
    assert_eq!(hers["emailAddresses"], json!(null), "what was removed in Dafater meanwhile is removed");
}

#[tokio::test]
async fn a_document_deleted_and_restored_between_two_cycles_keeps_its_counterpart() {
    let (mut world, people, names) = three(DeletionPolicy::Propagate).await;
    world.delete_contact(&names[2]);
    let now = world.tick();
    world.site().restore(&names[2], now).unwrap();
    let report = world.settle().await;
    assert_eq!(writes(&report), 0, "{report:?}\n{}", world.picture());
    assert_eq!(world.person("Grace")["resourceName"], json!(people[2]));
    world.edit_person(&people[2], json!({ "organizations": [{ "name": "Navy" }] }));
    world.settle().await;
    assert_eq!(world.contact("Grace")["company_name"], "Navy");
}

#[tokio::test]
async fn a_document_deleted_and_typed_again_under_the_same_name_keeps_its_counterpart() {
    for policy in [DeletionPolicy::Keep, DeletionPolicy::CreatedBySync, DeletionPolicy::Propagate] {
        let (mut world, people, names) = three(policy).await;
        for name in &names {
            world.delete_contact(name);
        }
        world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "050 000 0000"));
        world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
        world.add_contact(contact("Grace", "Hopper", "grace@example.com", ""));
        world.converge().await;
        assert_eq!(world.persons().len(), 3, "{policy:?}\n{}", world.picture());
        assert_eq!(world.contacts().len(), 3, "{policy:?}\n{}", world.picture());
        assert_eq!(world.person("Alan")["resourceName"], json!(people[1]), "{policy:?}");
        assert_eq!(world.person("Ada")["phoneNumbers"][0]["value"], "050 000 0000", "{policy:?}");
    }
}

#[tokio::test]
async fn a_document_that_was_renamed_and_then_deleted_is_seen_to_be_deleted() {
    let (mut world, _, names) = three(DeletionPolicy::Propagate).await;
    let now = world.tick();
    world.site().rename(&names[2], "Admiral Hopper", now).unwrap();
    world.delete_contact("Admiral Hopper");
    let report = world.settle().await;
    assert_eq!(report.google.deleted, 1, "{report:?}");
}

#[tokio::test]
async fn what_the_daemon_may_not_see_is_not_deleted() {
    let (mut world, people, names) = three(DeletionPolicy::Propagate).await;
    for name in &names {
        world.site().hide(DAEMON, name);
    }
    world.edit_person(&people[0], json!({ "organizations": [{ "name": "Analytical" }] }));
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_hours(25));
        let report = world.sync().await;
        assert_eq!(writes(&report), 0, "{report:?}");
    }
    assert_eq!((world.persons().len(), world.contacts().len()), (3, 3));
    world.site().unhide(DAEMON);
    world.clock.advance(SignedDuration::from_hours(25));
    world.settle().await;
    assert_eq!(world.contact("Ada")["company_name"], "Analytical");
    assert_eq!(world.engine().status().unwrap().parked, 0);
}

#[tokio::test]
async fn a_document_that_is_renamed_and_hidden_is_not_deleted_because_the_deletions_were_refused_once() {
    let (mut world, _, names) = three(DeletionPolicy::Propagate).await;
    let now = world.tick();
    world.site().rename(&names[2], "Admiral Hopper", now).unwrap();
    world.site().hide(DAEMON, "Admiral Hopper");
    let refusal = Strike::Answer(403, "application/json", r#"{"exc_type":"PermissionError"}"#);
    let mut refusals = std::iter::once(refusal);
    world.site_weather(move |_, body| body.contains("Deleted Document").then(|| refusals.next()).flatten());
    for _ in 0..3 {
        assert_eq!(writes(&world.sync_after(SignedDuration::from_hours(25)).await), 0, "{}", world.picture());
    }
    assert_eq!((world.persons().len(), world.contacts().len()), (3, 3));
}

#[tokio::test]
async fn a_user_without_a_role_sees_an_empty_site_and_deletes_nothing() {
    let (mut world, _, _) = three(DeletionPolicy::Propagate).await;
    world.become_user(&[]);
    for _ in 0..3 {
        world.clock.advance(SignedDuration::from_hours(25));
        let report = world.sync().await;
        assert_eq!(writes(&report), 0, "{report:?}");
    }
    assert_eq!((world.persons().len(), world.contacts().len()), (3, 3));
}

#[tokio::test]
async fn without_the_right_to_read_deleted_documents_a_deletion_is_found_by_the_daily_sweep() {
    let (mut world, _, names) = three(DeletionPolicy::Propagate).await;
    world.become_user(&["Sales Manager"]);
    world.settle().await;
    world.delete_contact(&names[2]);
    assert_eq!(writes(&world.settle().await), 0);
    world.clock.advance(SignedDuration::from_hours(25));
    let report = world.settle().await;
    assert_eq!(report.google.deleted, 1, "{report:?}");
    assert_eq!(world.persons().len(), 2);
}

#[tokio::test]
async fn a_deletion_that_the_site_refuses_is_parked_and_done_when_the_site_lets_go() {
    let (mut world, people, names) = three(DeletionPolicy::Propagate).await;
    let refusal =
        r#"{"exc_type":"LinkExistsError","_server_messages":"[\"{\\\"message\\\": \\\"linked\\\"}\"]"}"#;
    world.site_weather(crate::world::always(
        "DELETE ",
        crate::world::Strike::Answer(417, "application/json", refusal),
    ));
    world.delete_person(&people[0]);
    let report = world.sync().await;
    assert_eq!((report.parked, report.dafater.deleted), (1, 0), "{report:?}");
    world.sync().await;
    world.calm();
    for _ in 0..6 {
        world.sync().await;
    }
    assert!(world.site().contact(&names[0]).is_none(), "{}", world.picture());
    assert_eq!(world.engine().status().unwrap().parked, 0);
}
