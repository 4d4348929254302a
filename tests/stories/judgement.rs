//! What people decide, what the daemon decides, and how long it remembers why.

use dafater_contactsd::execute::{HistoryFilter, Outcome};
use dafater_contactsd::sync::{ConflictPolicy, Side};
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{World, contact, person, writes};

fn name(record: &Value) -> String {
    record["name"].as_str().or(record["resourceName"].as_str()).unwrap().to_owned()
}

/// What the history tells of a contact, oldest first.
fn told(world: &World, text: &str) -> String {
    let filter = HistoryFilter { contact: Some(text.to_owned()), ..HistoryFilter::default() };
    let mut entries = world.engine().history(&filter).unwrap();
    entries.reverse();
    let lines = entries.iter().flat_map(|entry| {
        let side = entry.side.map(|side| format!(" in {side}")).unwrap_or_default();
        let head = format!("{}{side}: {}", entry.action, entry.reason);
        let fields = entry.changes.iter().map(|change| {
            let (before, after) = (&change.before, &change.after);
            format!("  {}: {before} -> {after} ({})", change.field, change.reason)
        });
        std::iter::once(head).chain(fields).collect::<Vec<_>>()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Two persons who share a telephone.
async fn roommates() -> World {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "", "+966501234567"));
    world.add_contact(contact("Grace", "Hopper", "", "+966501234567"));
    let report = world.settle().await;
    assert_eq!((writes(&report), report.review), (0, 2), "{report:?}");
    world
}

#[tokio::test]
async fn two_persons_who_are_declared_two_are_created_separately() {
    let mut world = roommates().await;
    let asked = world.engine().reviews().unwrap();
    let record = asked.iter().find(|review| review.record.side() == Side::Google).unwrap().record.clone();
    world.engine().separate(&record).await.unwrap();
    world.converge().await;
    assert_eq!(world.lines(), ["Ada Lovelace +966501234567", "Grace Hopper +966501234567"]);
    assert_eq!(world.engine().reviews().unwrap(), []);
    world.is_quiet().await;
    assert_snapshot!(told(&world, "ada"), @r"
    review: an address or number agrees, the names differ; may be dafater:Grace Hopper
    separate: a person decided that it is somebody of its own
    create in dafater: new in Google
      given name:  -> Ada (new in Google)
      family name:  -> Lovelace (new in Google)
      phones:  -> +966501234567 (new in Google)
    ");
}

#[tokio::test]
async fn a_declaration_survives_an_outage() {
    let mut world = roommates().await;
    let asked = world.engine().reviews().unwrap();
    world.engine().separate(&asked[0].record).await.unwrap();
    world.site_weather(|line, _| line.starts_with("POST").then_some(crate::world::Strike::BAD_GATEWAY));
    world.google_weather(|line, _| line.starts_with("POST").then_some(crate::world::Strike::UNAVAILABLE));
    world.sync().await;
    world.calm();
    world.converge().await;
    assert_eq!(world.lines(), ["Ada Lovelace +966501234567", "Grace Hopper +966501234567"]);
}

/// Left alone is not "another person": nobody gets a second record beside the one that a person wanted to be left in peace.
#[tokio::test]
async fn beside_one_who_is_left_alone_no_double_is_made() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    for _ in 0..2 {
        world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    }
    world.sync().await;
    let asked = world.engine().reviews().unwrap();
    let google = asked.iter().find(|review| review.record.side() == Side::Google).unwrap();
    world.engine().skip(&google.record).await.unwrap();
    world.converge().await;
    assert_eq!(world.persons().len(), 1);
    // Also none that is entered later.
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.converge().await;
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 3));
}

#[tokio::test]
async fn one_who_is_left_alone_stays_alone_and_one_who_is_linked_is_one() {
    let mut world = roommates().await;
    let asked = world.engine().reviews().unwrap();
    for review in &asked {
        world.engine().skip(&review.record).await.unwrap();
    }
    world.is_quiet().await;
    let of = |side| asked.iter().find(|review| review.record.side() == side).unwrap().record.clone();
    world.engine().link(&of(Side::Google), &of(Side::Dafater)).await.unwrap();
    let report = world.settle().await;
    assert_eq!(report.linked, 1, "{report:?}");
    world.converge().await;
    assert_eq!(world.lines().len(), 1);
    assert!(told(&world, "ada").contains("declare: a person declared it to be the same as dafater:Grace"));
}

#[tokio::test]
async fn every_decision_on_one_contact_is_told_with_its_reason() {
    let mut world = World::with(|settings| settings.policy.conflict = ConflictPolicy::Newest);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    let (resource, document) = (name(&world.person("Ada")), name(&world.contact("Ada")));
    world.edit_contact(&document, json!({"company_name": "Older"}));
    world.edit_person(&resource, json!({"organizations": [{"name": "Newer"}]}));
    world.settle().await;
    world.edit_person(
        &resource,
        json!({"emailAddresses": [{"value": "ada@example.com"}, {"value": "ädä@example.com"}]}),
    );
    world.settle().await;
    world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
    world.settle().await;
    assert_snapshot!(told(&world, "eda"), @r"
    link: the name and an e-mail address agree
    update in dafater: edited in Google
      company (dafater): Older -> Newer (changed on both sides, the newer record wins)
    withhold: what one side cannot hold stays on the other
      e-mails (dafater):  ->  (Dafater takes only plain ASCII addresses with a dotted domain)
    update in dafater: edited in Google
      given name (dafater): Ada -> Eda (changed in Google, unchanged in Dafater)
    ");
}

#[tokio::test]
async fn a_conflict_that_waits_is_told_and_so_is_who_decided_it() {
    let mut world = World::with(|settings| settings.policy.conflict = ConflictPolicy::Manual);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    let (resource, document) = (name(&world.person("Ada")), name(&world.contact("Ada")));
    world.edit_contact(&document, json!({"company_name": "Left"}));
    world.edit_person(&resource, json!({"organizations": [{"name": "Right"}]}));
    assert_eq!(world.settle().await.conflicts, 1);
    assert_eq!(world.settle().await.conflicts, 1);
    let open = world.engine().conflicts().unwrap();
    world.engine().resolve(&open[0].id, Side::Dafater).await.unwrap();
    assert_eq!(world.settle().await.conflicts, 0);
    assert_eq!(world.lines(), ["Ada Lovelace Left ada@example.com"]);
    assert_snapshot!(told(&world, "ada"), @r"
    create in dafater: new in Google
      given name:  -> Ada (new in Google)
      family name:  -> Lovelace (new in Google)
      e-mails:  -> ada@example.com (new in Google)
    conflict: changed on both sides, waits for a person
      company:  -> google: Right | dafater: Left ()
    resolve: a person decided that company goes to dafater
    update in google: edited in Dafater
      company (google): Right -> Left (changed on both sides, decided by a person)
    ");
}

/// Two persons whose companies differ, and the document of one who waits for a write: the site takes none now.
async fn quarrel_while_the_site_is_closed() -> World {
    let mut world = World::with(|settings| settings.policy.conflict = ConflictPolicy::Manual);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.settle().await;
    let (resource, document) = (name(&world.person("Ada")), name(&world.contact("Ada")));
    world.edit_contact(&document, json!({"company_name": "Left"}));
    world.edit_person(&resource, json!({"organizations": [{"name": "Right"}]}));
    world
}

/// Makes the site refuse a write to another contact, so that the run ends early; then it is open again.
async fn sync_while_closed(world: &mut World) {
    let grace = name(&world.person("Grace"));
    world.edit_person(&grace, json!({"emailAddresses": [{"value": "admiral@example.com"}]}));
    world.site_weather(|line, _| line.starts_with("PUT").then_some(crate::world::Strike::BAD_GATEWAY));
    assert_eq!(world.sync().await.outcome, Outcome::Failed);
    world.calm();
}

#[tokio::test]
async fn a_conflict_is_asked_although_the_run_that_found_it_ended_early() {
    let mut world = quarrel_while_the_site_is_closed().await;
    sync_while_closed(&mut world).await;
    assert_eq!(world.settle().await.conflicts, 1);
    let told = told(&world, "ada");
    assert_eq!(told.matches("waits for a person").count(), 1, "{told}");
}

#[tokio::test]
async fn a_decision_that_a_run_carried_out_is_no_question_although_it_ended_early() {
    let mut world = quarrel_while_the_site_is_closed().await;
    assert_eq!(world.settle().await.conflicts, 1);
    let open = world.engine().conflicts().unwrap();
    world.engine().resolve(&open[0].id, Side::Dafater).await.unwrap();
    sync_while_closed(&mut world).await;
    assert_eq!(world.settle().await.conflicts, 0);
    assert_eq!(
        world.lines(),
        ["Ada Lovelace Left ada@example.com", "Grace Hopper admiral@example.com"],
        "what was decided stands"
    );
}

#[tokio::test]
async fn what_failed_is_told_once_however_often_it_is_tried() {
    let mut world = World::new();
    world.site_weather(|line, _| {
        (line.starts_with("POST") && line.contains("/api/resource/Contact")).then_some(
            crate::world::Strike::Answer(
                417,
                "application/json",
                r#"{"exc_type":"ValidationError","exception":"frappe.exceptions.ValidationError: no"}"#,
            ),
        )
    });
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    for _ in 0..6 {
        world.sync_after(SignedDuration::from_hours(30)).await;
    }
    let parked = told(&world, "ada").lines().filter(|line| line.starts_with("park")).count();
    assert_eq!(parked, 1, "{}", told(&world, "ada"));
}

#[tokio::test]
async fn an_approved_plan_that_is_killed_on_its_way_does_not_ask_again() {
    for nth in 1..60 {
        let mut world = World::with(|settings| settings.policy.max_deletes_percent = 10);
        for number in 0..6 {
            let email = format!("p{number}@example.com");
            world.add_person(person(&format!("P{number}"), "Lovelace", &email, ""));
        }
        world.settle().await;
        for person in world.persons() {
            world.delete_person(&name(&person));
        }
        assert_eq!(world.sync().await.outcome, Outcome::Held);
        world.engine().approve().await.unwrap();
        let was_killed = world.sync_killed_at(nth, true).await;
        let report = world.sync().await;
        assert_eq!(report.outcome, Outcome::Ok, "killed at {nth}: {report:?}");
        assert_eq!(world.contacts().len(), 0, "killed at {nth}");
        assert_eq!(world.engine().status().unwrap().hold, None);
        if !was_killed {
            assert!(nth > 6);
            return;
        }
    }
    panic!("the run never ended");
}

#[tokio::test]
async fn what_was_discarded_does_not_come_again_even_if_more_is_deleted_meanwhile() {
    let mut world = World::with(|settings| settings.policy.max_deletes_percent = 10);
    for number in 0..6 {
        let email = format!("p{number}@example.com");
        world.add_person(person(&format!("P{number}"), "Lovelace", &email, ""));
    }
    world.settle().await;
    for person in world.persons().iter().take(5) {
        world.delete_person(&name(person));
    }
    assert_eq!(world.sync().await.outcome, Outcome::Held);
    world.engine().discard().await.unwrap();
    world.delete_person(&name(&world.persons()[0]));
    let report = world.sync().await;
    assert_eq!((report.outcome, report.dafater.deleted), (Outcome::Ok, 1), "{report:?}");
    assert_eq!((world.contacts().len(), world.persons().len()), (5, 0));
    world.is_quiet().await;
}

#[tokio::test]
async fn runs_are_forgotten_after_their_time_piece_by_piece_and_never_in_the_way() {
    let mut world = World::with(|settings| settings.history_keep = SignedDuration::from_hours(24 * 90));
    let all = |world: &World| world.engine().history(&HistoryFilter::default()).unwrap().len();
    for number in 0..700 {
        let email = format!("p{number}@example.com");
        world.add_person(person(&format!("P{number}"), "Lovelace", &email, ""));
    }
    let run = world.settle().await.run;
    assert_eq!(all(&world), 700);
    world.sync_after(SignedDuration::from_hours(24 * 89)).await;
    assert_eq!(all(&world), 700);
    let resource = name(&world.person("P7 "));
    world.edit_person(&resource, json!({"names": [{"givenName": "Ada", "familyName": "Lovelace"}]}));
    world.sync_after(SignedDuration::from_hours(26)).await;
    assert_eq!(all(&world), 201, "a piece is forgotten");
    world.settle().await;
    assert_eq!(all(&world), 1, "the rest is, and the young one stays");
    let commits = world.store.snapshot_durable();
    world.sync_after(SignedDuration::from_mins(1)).await;
    assert!(world.store.snapshot_durable() == commits, "and then there is nothing to do");
    let request = dafater_contactsd::execute::UndoRequest { run, contact: None, dry_run: false };
    assert!(world.engine().undo(&request).await.unwrap_err().to_string().contains("remembers no run"));
}

#[tokio::test]
async fn an_update_whose_answer_was_lost_is_in_the_history_all_the_same() {
    let mut world = World::new();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    let resource = name(&world.person("Ada"));
    world.edit_person(&resource, json!({"names": [{"givenName": "Eda", "familyName": "Lovelace"}]}));
    world.site_weather(crate::world::once("PUT", crate::world::Strike::LoseAnswer));
    let run = world.sync().await.run;
    world.calm();
    world.converge().await;
    assert!(told(&world, "ada").contains("update in dafater: edited in Google"), "{}", told(&world, "ada"));
    world.undo(&run).await;
    assert_eq!(world.lines(), ["Ada Lovelace ada@example.com"]);
    world.is_quiet().await;
}
