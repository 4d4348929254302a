//! What no one should have written: it is taken, set aside or refused with a reason, and nobody else suffers.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{EMAIL, Strike, World, contact, contact_line, person, writes};

/// A pair that is in agreement, and whose person Google then shows in another shape.
async fn poisoned(poison: fn(&mut Value)) -> World {
    let mut world = World::new();
    world.add_person(person("Poison", "Ivy", "poison@example.com", "+966501234567"));
    world.settle().await;
    world.settle().await;
    let resource = world.person("Poison")["resourceName"].as_str().unwrap().to_owned();
    world.edit_person(&resource, json!({ "names": [{ "givenName": "Poison", "familyName": "Oak" }] }));
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.google_weather(move |line, _| line.starts_with("GET").then_some(Strike::Rewrite(poison)));
    world
}

fn is_poison(person: &Value) -> bool {
    person["names"][0]["givenName"] == "Poison"
}

/// Applies `change` to the poisoned person, wherever Google shows it.
fn spoil(answer: &mut Value, change: fn(&mut Value)) {
    let lists = ["connections", "responses"];
    for list in lists {
        if let Some(items) = answer.get_mut(list).and_then(Value::as_array_mut) {
            for item in items {
                let person = if item.get("person").is_some() { &mut item["person"] } else { item };
                if is_poison(person) {
                    change(person);
                }
            }
        }
    }
    if is_poison(answer) {
        change(answer);
    }
}

#[tokio::test]
async fn a_person_of_the_wrong_shape_is_no_empty_person_and_the_others_go_on() {
    let poisons: [fn(&mut Value); 9] = [
        |answer| spoil(answer, |person| person["phoneNumbers"] = json!("+966501234567")),
        |answer| spoil(answer, |person| person["phoneNumbers"] = json!([7])),
        |answer| spoil(answer, |person| person["phoneNumbers"][0]["value"] = json!(966)),
        |answer| spoil(answer, |person| person["emailAddresses"] = json!({ "value": "poison@example.com" })),
        |answer| spoil(answer, |person| person["organizations"] = json!(true)),
        |answer| spoil(answer, |person| person["metadata"] = json!("none")),
        |answer| spoil(answer, |person| person["metadata"]["sources"][0]["id"] = json!("x".repeat(9_000))),
        |answer| {
            spoil(answer, |person| person["metadata"]["sources"][0]["etag"] = json!("x".repeat(100_000)));
        },
        |answer| spoil(answer, |person| person["resourceName"] = json!("people/../../etc")),
    ];
    for (index, poison) in poisons.into_iter().enumerate() {
        let mut world = poisoned(poison).await;
        let before = contact_line(&world.contact("Poison"));
        for request in [false, true, false] {
            let report =
                world.sync_as(dafater_contactsd::execute::RunRequest { full: request, dry_run: false }).await;
            assert_eq!(report.error, None, "{index}: {report:?}");
        }
        assert_eq!(contact_line(&world.contact("Poison")), before, "{index}: nothing of it is believed");
        assert_eq!(world.contacts().len(), 2, "{index}: Ada goes on\n{}", world.picture());
        world.calm();
        world.converge().await;
        world.sync_as(dafater_contactsd::execute::RunRequest { full: true, dry_run: false }).await;
        world.lines();
        assert!(contact_line(&world.contact("Poison")).contains("Oak"), "{index}: well again, it is read");
    }
}

#[tokio::test]
async fn unknown_words_of_google_are_taken_as_they_are() {
    let mut world = poisoned(|answer| {
        spoil(answer, |person| {
            person["phoneNumbers"][0]["type"] = json!("NEURAL_LINK");
            person["metadata"]["objectType"] = json!("ROBOT");
            person["metadata"]["sources"][0]["profileMetadata"] =
                json!({ "objectType": "?", "userTypes": ["MARTIAN"] });
            person["names"][0]["metadata"]["source"]["type"] = json!("CONTACT");
            person["telepathy"] = json!([{ "value": 1 }]);
        });
    })
    .await;
    world.settle().await;
    assert!(contact_line(&world.contact("Poison")).contains("Oak"), "{}", world.picture());
    assert_eq!(world.contacts().len(), 2);
}

/// Ten thousand addresses, which Google's own limits would not let anybody write.
fn ten_thousand(answer: &mut Value) {
    spoil(answer, |person| {
        let heads = (1..10_000).map(|n| json!({ "value": format!("head{n}@example.com") }));
        person["emailAddresses"] =
            std::iter::once(json!({ "value": "poison@example.com" })).chain(heads).collect();
    });
}

#[tokio::test]
async fn ten_thousand_values_are_set_aside_and_come_back_when_they_are_fewer() {
    for was_paired in [false, true] {
        let mut world = World::new();
        let resource = world.add_person(person("Poison", "Ivy", "poison@example.com", ""));
        if was_paired {
            world.settle().await;
            world.settle().await;
            world.edit_person(&resource, json!({ "organizations": [{ "title": "Villain" }] }));
        } else {
            world.add_contact(contact("Poison", "Ivy", "poison@example.com", ""));
        }
        world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
        world.google_weather(|line, _| line.starts_with("GET").then_some(Strike::Rewrite(ten_thousand)));

        let report = world.settle().await;
        assert_eq!(report.parked, 1, "{report:?}");
        assert!(world.contacts().iter().any(|contact| contact["first_name"] == "Ada"), "{}", world.picture());
        assert_eq!(world.persons().len(), 2, "nobody is made a second time\n{}", world.picture());
        let reason = world.parked_reasons();
        assert!(reason[0].contains("26 are the most"), "{reason:?}");
        world.settle().await;
        let quiet = world.settle().await;
        assert_eq!((writes(&quiet), quiet.parked), (0, 1));

        world.calm();
        world.edit_person(&resource, json!({ "organizations": [{ "title": "Gardener" }] }));
        world.converge().await;
        assert_eq!((world.persons().len(), world.contacts().len()), (2, 2), "{}", world.picture());
        assert_eq!(world.contact("Poison")["designation"], "Gardener");
    }
}

#[tokio::test]
async fn as_many_values_as_google_takes_go_across() {
    let mut world = World::new();
    let heads: Vec<Value> = (0..450).map(|n| json!({ "value": format!("h{n}@example.com") })).collect();
    world.add_person(json!({ "names": [{ "givenName": "Hydra" }], "emailAddresses": heads }));
    world.settle().await;
    assert_eq!(world.contact("Hydra")["email_ids"].as_array().unwrap().len(), 450);
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn a_document_of_ten_thousand_rows_is_set_aside_and_the_others_go_on() {
    let mut world = World::new();
    let rows: Vec<Value> = (0..10_000).map(|n| json!({ "phone": format!("+96650{n:07}") })).collect();
    world.add_contact(json!({ "first_name": "Hydra", "phone_nos": rows }));
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    let report = world.settle().await;
    assert_eq!((report.parked, world.persons().len()), (1, 1), "{report:?}");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn control_characters_right_to_left_marks_and_a_mebibyte_of_notes_harm_nobody() {
    let mut world = World::new();
    world.add_person(json!({
        "names": [{ "givenName": "Bi\u{0}di\u{7}\u{1b}[31m", "familyName": "\u{202e}Hebrew\u{200f}\u{2066}" }],
        "emailAddresses": [{ "value": "bidi@example.com\r\nBcc: all@example.com" }],
        "phoneNumbers": [{ "value": "\u{200e}+966 50\u{a0}765 4321\u{200f}", "type": "mobile" }],
    }));
    world.google_weather(|line, _| {
        line.starts_with("GET").then_some(Strike::Rewrite(|answer| {
            for person in answer.get_mut("connections").and_then(Value::as_array_mut).into_iter().flatten() {
                person["biographies"] =
                    json!([{ "value": "n".repeat(1 << 20), "contentType": "TEXT_CUNEIFORM" }]);
            }
        }))
    });
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    for _ in 0..3 {
        world.settle().await;
    }
    let ada = world.contacts().iter().filter(|contact| contact["first_name"] == "Ada").count();
    assert_eq!((ada, world.persons().len(), world.contacts().len()), (1, 2, 2), "{}", world.picture());
    let bidi = world.contacts().into_iter().find(|contact| contact["first_name"] != "Ada").unwrap();
    assert_eq!(bidi["phone_nos"].as_array().unwrap().len(), 1, "the number is taken: {bidi}");
    assert_eq!(writes(&world.settle().await), 0, "and all is quiet");
}

#[tokio::test]
async fn a_list_that_google_cuts_at_a_hundred_is_read_whole_before_it_is_believed() {
    let mut world = World::new();
    let numbers: Vec<Value> =
        (0..150).map(|n| json!({ "value": format!("+96650{n:07}"), "type": "work" })).collect();
    let resource = world.add_person(json!({ "names": [{ "givenName": "Switch" }], "phoneNumbers": numbers }));
    world.settle().await;
    let phones = |world: &World| world.contact("Switch")["phone_nos"].as_array().unwrap().len();
    assert_eq!(phones(&world), 150);
    world.settle().await;
    world.sync_as(dafater_contactsd::execute::RunRequest { full: true, dry_run: false }).await;
    assert_eq!(phones(&world), 150, "a complete read shows no deletion");

    let name = world.contact("Switch")["name"].as_str().unwrap().to_owned();
    let mut rows = world.contact("Switch")["phone_nos"].clone();
    rows.as_array_mut().unwrap().push(json!({ "phone": "+966509999999" }));
    world.edit_contact(&name, json!({ "phone_nos": rows }));
    world.settle().await;
    let held =
        world.google().person(EMAIL, &resource).unwrap().unwrap()["phoneNumbers"].as_array().unwrap().len();
    assert_eq!(held, 151, "what a list does not show is not overwritten");
    world.clock.advance(SignedDuration::from_mins(30));
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn a_document_of_the_wrong_shape_is_no_empty_document() {
    let mut world = World::new();
    world.add_contact(contact("Poison", "Ivy", "poison@example.com", "+966501234567"));
    world.settle().await;
    world.settle().await;
    let name = world.contact("Poison")["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "designation": "Villain" }));
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.site_weather(|line, _| {
        line.starts_with("GET").then_some(Strike::Rewrite(|answer| {
            for row in answer.get_mut("data").and_then(Value::as_array_mut).into_iter().flatten() {
                if row["first_name"] == "Poison" {
                    row["first_name"] = json!(["Poison"]);
                }
            }
        }))
    });
    world.sync().await;
    let poison = world.person("Poison");
    assert_eq!(poison["phoneNumbers"].as_array().unwrap().len(), 1, "{poison}");
    world.calm();
    world.converge().await;
    assert_eq!(world.persons().len(), 2, "{}", world.picture());
}
