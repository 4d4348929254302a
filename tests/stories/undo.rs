//! Runs that are put back.

use dafater_contactsd::execute::{Outcome, UndoRequest, UndoView};
use dafater_contactsd::sync::DeletionPolicy;
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::house::House;
use crate::world::{World, contact, person, writes};

fn wrote(view: &UndoView) -> u32 {
    [view.google, view.dafater].iter().map(|counts| counts.created + counts.updated + counts.deleted).sum()
}

fn left(view: &UndoView) -> Vec<String> {
    let field = |field: &Option<String>| field.clone().unwrap_or_default();
    view.left.iter().map(|left| format!("{} {}: {}", left.title, field(&left.field), left.reason)).collect()
}

fn name(record: &Value) -> String {
    record["name"].as_str().or(record["resourceName"].as_str()).unwrap().to_owned()
}

/// Ada stands on both sides.
async fn ada() -> World {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    world
}

#[tokio::test]
async fn an_edit_that_waits_for_its_direction_travels_although_a_run_was_undone_meanwhile() {
    let mut world = ada().await;
    let (resource, document) = (name(&world.person("Ada")), name(&world.contact("Ada")));
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Analytical" }] }));
    let run = world.settle().await.run;
    world.settings.policy.push = false;
    world.edit_contact(&document, json!({ "department": "Engines" }));
    let undone = world.undo(&run).await;
    assert_eq!(wrote(&undone), 1, "{undone:?}");
    world.settings.policy.push = true;
    world.converge().await;
    assert_eq!(world.lines(), ["Ada Lovelace Engines ada@example.com +966501234567"]);
}

/// The pair that the run made is no more: one of the two was deleted, and an edit of the other brought it back as another record.
#[tokio::test]
async fn who_was_made_anew_since_stays_with_its_counterpart_when_the_match_is_undone() {
    let mut world = World::new();
    let first = world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    let document = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    let run = world.settle().await.run;
    world.delete_person(&first);
    world.edit_contact(&document, json!({ "company_name": "Analytical" }));
    world.settle().await;
    let second = name(&world.person("Ada"));
    assert_ne!(first, second);

    let undone = world.undo(&run).await;
    assert_eq!(wrote(&undone), 0, "{undone:?}");
    assert_eq!(left(&undone), ["Ada Lovelace : one of the two was made anew since"]);
    world.edit_person(&second, json!({ "organizations": [{ "name": "Engine" }] }));
    world.converge().await;
    assert_eq!(world.lines(), ["Ada Lovelace Engine ada@example.com"]);
}

#[tokio::test]
async fn an_edit_that_was_carried_is_put_back_on_both_sides_and_stays_put() {
    let mut world = ada().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
    let run = world.settle().await.run;
    assert_eq!(world.lines(), ["Eda Lovelace ada@example.com +966501234567"]);

    let undone = world.undo(&run).await;
    assert_eq!((wrote(&undone), undone.left.len()), (2, 0), "{undone:?}");
    assert_eq!(world.lines(), ["Ada Lovelace ada@example.com +966501234567"]);
    world.is_quiet().await;

    let undone = world.undo(&undone.run.unwrap()).await;
    assert_eq!(wrote(&undone), 2, "{undone:?}");
    assert_eq!(world.lines(), ["Eda Lovelace ada@example.com +966501234567"], "an undo is undone");
    world.is_quiet().await;
    assert_eq!(wrote(&world.undo(&undone.run.unwrap()).await), 2);
    assert_eq!(world.lines(), ["Ada Lovelace ada@example.com +966501234567"]);
    world.is_quiet().await;
}

#[tokio::test]
async fn what_somebody_changed_since_is_left_alone_and_named() {
    let mut world = ada().await;
    let resource = name(&world.person("Ada"));
    let change = json!({
        "names": [{"givenName": "Eda", "familyName": "Byron"}],
        "emailAddresses": [{"value": "ada@example.com", "type": "work"}, {"value": "eda@example.com"}],
    });
    world.edit_person(&resource, change);
    let run = world.settle().await.run;
    let document = name(&world.contact("Eda"));
    world.edit_contact(&document, json!({"first_name": "Adah"}));
    let emails = json!([
        {"email_id": "ada@example.com", "is_primary": 1}, {"email_id": "eda@example.com"}, {"email_id": "new@example.com"}
    ]);
    world.edit_contact(&document, json!({"email_ids": emails}));
    let undone = world.undo(&run).await;
    assert_eq!(left(&undone), ["Ada Lovelace given name: changed since, left alone"]);
    world.converge().await;
    assert_eq!(world.lines(), ["Adah Lovelace ada@example.com new@example.com +966501234567"]);
    world.is_quiet().await;
}

#[tokio::test]
async fn an_answer_on_the_other_side_that_no_cycle_has_seen_is_not_overwritten() {
    let mut world = ada().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
    let run = world.settle().await.run;
    world.edit_person(&resource, json!({"names": [{"givenName": "Ida", "familyName": "Lovelace"}]}));
    let undone = world.undo(&run).await;
    assert_eq!((wrote(&undone), left(&undone).len()), (0, 1), "{undone:?}");
    world.converge().await;
    assert_eq!(world.lines(), ["Ida Lovelace ada@example.com +966501234567"]);
}

#[tokio::test]
async fn an_edit_elsewhere_that_no_cycle_has_seen_is_still_carried() {
    let mut world = ada().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
    let run = world.settle().await.run;
    world.edit_person(&resource, json!({"organizations": [{"name": "Engines"}]}));
    world.undo(&run).await;
    world.converge().await;
    assert_eq!(world.lines(), ["Ada Lovelace Engines ada@example.com +966501234567"]);
}

#[tokio::test]
async fn a_conflict_that_the_newer_won_is_put_back_to_the_one_that_lost() {
    let mut world = ada().await;
    let (resource, document) = (name(&world.person("Ada")), name(&world.contact("Ada")));
    world.edit_contact(&document, json!({"company_name": "Right"}));
    world.edit_person(&resource, json!({"organizations": [{"name": "Wrong"}]}));
    let run = world.settle().await.run;
    assert_eq!(world.lines(), ["Ada Lovelace Wrong ada@example.com +966501234567"]);
    world.undo(&run).await;
    assert_eq!(world.lines(), ["Ada Lovelace Right ada@example.com +966501234567"]);
    world.is_quiet().await;
}

#[tokio::test]
async fn what_a_run_created_is_deleted_and_its_origin_stays_alone() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    let run = world.settle().await.run;
    let undone = world.undo(&run).await;
    assert_eq!((undone.google.deleted, undone.dafater.deleted), (1, 1), "{undone:?}");
    let alone = "dafater  Alan Turing alan@example.com\ngoogle   Ada Lovelace ada@example.com";
    assert_eq!(world.picture(), alone);
    world.is_quiet().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"organizations": [{"name": "Engines"}]}));
    world.is_quiet().await;

    let again = world.undo(&undone.run.unwrap()).await;
    assert_eq!((again.google.created, again.dafater.created), (1, 1), "{again:?}");
    assert_eq!(world.lines(), ["Ada Lovelace Engines ada@example.com", "Alan Turing alan@example.com"]);
    world.is_quiet().await;
    let document = name(&world.contact("Ada"));
    world.edit_contact(&document, json!({"designation": "Countess"}));
    world.converge().await;
    assert_eq!(
        world.lines(),
        ["Ada Lovelace Engines Countess ada@example.com", "Alan Turing alan@example.com"]
    );
}

#[tokio::test]
async fn what_a_run_created_and_somebody_touched_since_stays() {
    for change in [json!({"first_name": "Adah"}), json!({"status": "Passive"})] {
        let mut world = World::new();
        world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
        let run = world.settle().await.run;
        let document = name(&world.contact("Ada"));
        world.edit_contact(&document, change);
        let undone = world.undo(&run).await;
        assert_eq!((wrote(&undone), left(&undone).len()), (0, 1), "{undone:?}");
        world.converge().await;
        assert_eq!(world.lines().len(), 1);
    }
}

#[tokio::test]
async fn what_a_run_created_and_somebody_touched_after_a_later_run_was_put_back_stays() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    let created = world.settle().await.run;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"organizations": [{"name": "Engines"}]}));
    let edited = world.settle().await.run;
    assert_eq!(wrote(&world.undo(&edited).await), 2);
    let document = name(&world.contact("Ada"));
    world.edit_contact(&document, json!({"status": "Open"}));
    world.converge().await;
    let undone = world.undo(&created).await;
    assert_eq!(
        (wrote(&undone), left(&undone)),
        (0, vec!["Ada Lovelace : changed since, left alone".to_owned()])
    );
    assert_eq!(world.contact("Ada")["status"], "Open");
}

#[tokio::test]
async fn what_a_run_deleted_stands_again_on_both_sides_with_what_is_never_synced() {
    let mut world = World::with(|settings| settings.policy.deletions = DeletionPolicy::Propagate);
    let mut ada = person("Ada", "Lovelace", "ada@example.com", "+966501234567");
    ada["birthdays"] = json!([{"date": {"year": 1815, "month": 12, "day": 10}}]);
    ada["biographies"] = json!([{"value": "Wrote the first program."}]);
    ada["clientData"] = json!([{"key": "crm", "value": "7"}]);
    world.add_person(ada);
    let mut alan = contact("Alan", "Turing", "alan@example.com", "");
    alan["status"] = json!("Open");
    world.add_contact(alan);
    world.settle().await;
    world.delete_contact(&name(&world.contact("Ada")));
    world.delete_person(&name(&world.person("Alan")));
    let run = world.settle().await.run;
    assert_eq!(world.picture(), "");

    let undone = world.undo(&run).await;
    assert_eq!((undone.google.created, undone.dafater.created), (2, 2), "{undone:?}");
    assert_eq!(world.lines(), ["Ada Lovelace ada@example.com +966501234567", "Alan Turing alan@example.com"]);
    let ada = world.person("Ada");
    assert_eq!(ada["birthdays"][0]["date"]["year"], 1815, "{ada}");
    assert_eq!(ada["biographies"][0]["value"], "Wrote the first program.");
    assert_eq!(ada["clientData"][0]["key"], "crm");
    assert_eq!(world.contact("Alan")["status"], "Open");
    world.is_quiet().await;
    assert_eq!(wrote(&world.undo(&run).await), 0, "once is enough");
    let resource = name(&ada);
    world.edit_person(&resource, json!({"organizations": [{"name": "Engines"}]}));
    world.converge().await;
    assert!(world.lines().contains(&"Ada Lovelace Engines ada@example.com +966501234567".to_owned()));

    let gone = world.undo(&undone.run.unwrap()).await;
    assert_eq!((gone.google.deleted, gone.dafater.deleted), (1, 1), "Ada was edited since: {gone:?}");
    world.is_quiet().await;
    assert_eq!(world.lines().len(), 1);
}

#[tokio::test]
async fn two_who_were_taken_for_one_are_two_again_and_stay_two() {
    let mut world = World::new();
    let mut ada = person("Ada", "Lovelace", "ada@example.com", "");
    ada["organizations"] = json!([{"name": "Engines"}]);
    world.add_person(ada);
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    let run = world.settle().await.run;
    let undone = world.undo(&run).await;
    assert_eq!((undone.google.updated, undone.dafater.updated), (1, 1), "{undone:?}");
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace ada@example.com +966501234567
    google   Ada Lovelace Engines ada@example.com
    ");
    world.is_quiet().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"organizations": [{"name": "Difference"}]}));
    world.is_quiet().await;
}

#[tokio::test]
async fn two_who_are_to_be_two_again_never_remain_one_that_says_two_things() {
    for nth in 1..40 {
        for durable in [true, false] {
            let mut world = World::new();
            let mut ada = person("Ada", "Lovelace", "ada@example.com", "");
            ada["organizations"] = json!([{"name": "Engines"}]);
            world.add_person(ada);
            let mut other = contact("Ada", "Lovelace", "ada@example.com", "+966501234567");
            other["company_name"] = json!("Difference");
            world.add_contact(other);
            let run = world.settle().await.run;
            let was_killed = world.undo_killed_at(&run, nth, durable).await;
            world.converge().await;
            world.is_quiet().await;
            let linked = world.engine().status().unwrap().linked;
            let told = format!("killed at {nth} ({durable}), {linked} linked\n{}", world.picture());
            let [dafater, google] =
                <[String; 2]>::try_from(world.picture().lines().map(str::to_owned).collect::<Vec<_>>())
                    .expect(&told);
            if linked == 0 {
                assert!(dafater.ends_with("Ada Lovelace Difference ada@example.com +966501234567"), "{told}");
                assert!(google.ends_with("Ada Lovelace Engines ada@example.com"), "{told}");
            } else {
                let [both] = world.lines().try_into().expect(&told);
                assert!(both.contains("+966501234567"), "{told}");
            }
            if !was_killed {
                assert!(nth > 2 && linked == 0, "{told}");
                return;
            }
        }
    }
    panic!("the undo never ended");
}

/// Where the name of a document says nothing, nothing told that it stood again, and it was there twice.
#[tokio::test]
async fn who_was_entered_again_under_another_name_is_not_put_back_beside_that() {
    let mut world = World::with(|settings| settings.policy.deletions = DeletionPolicy::Propagate);
    let only = || json!({ "email_ids": [{ "email_id": "ada@example.com", "is_primary": 1 }] });
    let first = world.add_contact(only());
    world.settle().await;
    world.delete_contact(&first);
    let run = world.settle().await.run;
    assert_eq!((world.contacts().len(), world.persons().len()), (0, 0));
    world.add_contact(only());
    let undone = world.undo(&run).await;
    assert_eq!((undone.google.created, undone.dafater.created), (1, 0), "{undone:?}");
    assert_eq!((world.contacts().len(), world.persons().len()), (1, 1), "{}", world.picture());
    world.is_quiet().await;
}

#[tokio::test]
async fn an_undo_that_would_delete_too_much_waits_for_approval() {
    let mut world = World::with(|settings| settings.policy.max_deletes_percent = 10);
    for number in 0..5 {
        world.add_person(person(&format!("P{number}"), "Lovelace", &format!("p{number}@example.com"), ""));
    }
    let run = world.settle().await.run;
    let held = world.undo(&run).await;
    assert!(held.held.is_some() && held.run.is_none(), "{held:?}");
    world.is_quiet().await;
    assert_eq!(world.contacts().len(), 5);
    let status = world.engine().status().unwrap().hold.unwrap();
    assert!(status.reason.contains(&run), "{status:?}");

    world.engine().discard().await.unwrap();
    assert_eq!(world.engine().status().unwrap().hold, None);
    world.is_quiet().await;
    assert_eq!(world.contacts().len(), 5);

    world.undo(&run).await;
    world.engine().approve().await.unwrap();
    let report = world.sync().await;
    assert_eq!((report.outcome, report.dafater.deleted), (Outcome::Ok, 5), "{report:?}");
    assert_eq!(world.engine().status().unwrap().hold, None);
    world.is_quiet().await;
    assert_eq!((world.contacts().len(), world.persons().len()), (0, 5));
}

#[tokio::test]
async fn a_dry_run_shows_everything_and_writes_nothing() {
    let mut world = ada().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
    let run = world.settle().await.run;
    let before = world.store.snapshot_durable();
    let request = UndoRequest { run: run.clone(), contact: Some("eda".to_owned()), dry_run: true };
    let shown = world.undo_as(request.clone()).await;
    assert_eq!((shown.steps.len(), shown.run), (2, None), "{:?}", shown.steps);
    assert_eq!(world.lines(), ["Eda Lovelace ada@example.com +966501234567"]);
    assert!(world.store.snapshot_durable() == before);
    let nobody = UndoRequest { contact: Some("nobody".to_owned()), ..request };
    assert_eq!(world.undo_as(nobody).await.steps, []);
    let unknown = UndoRequest { run: "20200101T000000000000Z".to_owned(), contact: None, dry_run: true };
    assert!(world.engine().undo(&unknown).await.unwrap_err().to_string().contains("remembers no run"));
}

#[tokio::test]
async fn with_one_direction_only_that_side_is_put_back_and_the_other_left_as_it_is() {
    let mut world = World::with(|settings| settings.policy.push = false);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
    let run = world.settle().await.run;
    let undone = world.undo(&run).await;
    assert_eq!((undone.google.updated, undone.dafater.updated), (0, 1), "{undone:?}");
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Lovelace ada@example.com
    google   Eda Lovelace ada@example.com
    ");
    world.is_quiet().await;
    world.edit_person(&resource, json!({"names": [{"givenName": "Ida", "familyName": "Lovelace"}]}));
    world.converge().await;
    assert_eq!(world.lines(), ["Ida Lovelace ada@example.com"]);
}

#[tokio::test]
async fn an_undo_that_is_killed_anywhere_is_finished_by_itself_or_by_asking_again() {
    for nth in 1..40 {
        for durable in [true, false] {
            let mut world = World::with(|settings| settings.policy.deletions = DeletionPolicy::Propagate);
            world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
            world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
            world.settle().await;
            world.add_person(person("Alan", "Turing", "alan@example.com", ""));
            world.delete_contact(&name(&world.contact("Grace")));
            let resource = name(&world.person("Ada"));
            world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
            let run = world.settle().await.run;

            let was_killed = world.undo_killed_at(&run, nth, durable).await;
            world.converge().await;
            world.undo(&run).await;
            world.converge().await;
            let (persons, contacts) = (world.persons().len(), world.contacts().len());
            let told = format!("killed at {nth} ({durable})\n{}", world.picture());
            assert!((2..=3).contains(&persons) && (2..=3).contains(&contacts), "{told}");
            assert!(world.picture().contains("Ada Lovelace") && !world.picture().contains("Eda"), "{told}");
            let graces = world.picture().matches("Grace Hopper").count();
            assert_eq!(graces, 2, "{told}");
            if !was_killed {
                assert!(nth > 4);
                assert_eq!(writes(&world.settle().await), 0);
                return;
            }
        }
    }
    panic!("the undo never ended");
}

#[tokio::test]
async fn one_who_comes_back_from_the_trash_after_an_undo_does_not_take_the_place_of_the_one_who_was_made_anew()
 {
    let mut world = World::with(|settings| settings.policy.deletions = DeletionPolicy::Propagate);
    let ada = person("Ada", "Lovelace", "ada@example.com", "");
    world.add_person(ada.clone());
    world.settle().await;
    let old = name(&world.person("Ada"));
    world.delete_person(&old);
    let run = world.settle().await.run;
    world.undo(&run).await;
    assert_eq!(world.lines(), ["Ada Lovelace ada@example.com"]);
    world.restore_person(&old);
    world.converge().await;
    let linked = world.engine().status().unwrap().linked;
    assert_eq!((linked, world.contacts().len()), (1, 1), "{}", world.picture());
    let new = world.persons().iter().map(name).find(|resource| *resource != old).unwrap();
    world.edit_person(&new, json!({"organizations": [{"name": "Engines"}]}));
    world.converge().await;
    assert_eq!(world.contact("Ada")["company_name"], "Engines");
}

#[test]
fn a_run_is_undone_alone_and_through_the_daemon() {
    let house = House::authorized("schedule = \"every 1h\"");
    house.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    let created = house.settle().report["run"].as_str().unwrap().to_owned();
    let undo = |arguments: &[&str]| {
        let output = house.run(&[&["undo", "--json"], arguments].concat());
        let view: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (output.status.code().unwrap(), view)
    };
    let (exit, view) = undo(&[&created, "--dry-run"]);
    assert_eq!((exit, &view["dafater"]["deleted"], &view["run"]), (0, &json!(1), &Value::Null));
    let (exit, view) = undo(&[&created, "--contact", "ada"]);
    assert_eq!((exit, &view["dafater"]["deleted"], house.contacts().len()), (0, &json!(1), 0), "{view}");
    assert_eq!(undo(&["nosuch"]).0, 64);
    let undone = view["run"].as_str().unwrap().to_owned();

    let _daemon = house.start();
    let (exit, view) = undo(&[&undone, "--account", "sales"]);
    assert_eq!((exit, house.contacts().len()), (0, 1), "{view}");
    assert_eq!(house.settle().writes(), 0);
    let history = house.run(&["history", "sales", "--contact", "Ada"]);
    let text = String::from_utf8(history.stdout).unwrap();
    assert!(text.contains(&format!("run {created} was undone")), "{text}");
    assert!(text.contains(&format!("run {undone} was undone")), "{text}");
}

#[tokio::test]
async fn who_comes_back_from_the_trash_after_an_undo_deleted_the_one_made_anew_brings_back_nothing_that_was_replaced()
 {
    let mut world = World::new();
    world.add_contact(json!({ "first_name": "Ada", "last_name": "Lovelace", "designation": "Countess" }));
    world.settle().await;
    let resource = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.delete_person(&resource);
    world.edit_contact(&name, json!({ "designation": "" }));
    let run = world.settle().await.run;
    assert_eq!(world.persons().len(), 1, "an edit beats a deletion");
    world.undo(&run).await;
    assert_eq!(world.persons().len(), 0);
    world.clock.advance(SignedDuration::from_hours(1));
    world.restore_person(&resource);
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 1), "\n{}", world.picture());
    assert_eq!(world.person("Ada")["organizations"], json!(null));
    assert_eq!(world.contact("Ada")["designation"].as_str().unwrap_or_default(), "");
}

/// The process was killed before it noted that the contact was put back, and the document is gone by the time that is looked up.
#[tokio::test]
async fn who_was_put_back_by_an_undo_that_was_killed_is_not_put_back_twice() {
    let mut world = World::with(|settings| settings.policy.pull = false);
    let document = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    let run = world.settle().await.run;
    let run = world.undo(&run).await.run.unwrap();
    assert!(world.undo_killed_at(&run, 2, false).await);
    world.delete_contact(&document);
    world.sync_after(SignedDuration::from_hours(8 * 24)).await;
    assert_eq!(world.persons().len(), 1, "{}", world.picture());
    let undone = world.undo(&run).await;
    assert_eq!(left(&undone), ["Ada Lovelace : it stands again already"]);
    assert_eq!(world.persons().len(), 1, "{}", world.picture());
}
