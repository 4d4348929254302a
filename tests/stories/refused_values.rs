//! Values that one side cannot hold: what is sent, what is withheld, and that nothing is lost.

use dafater_contactsd::execute::HistoryFilter;
use serde_json::{Value, json};

use crate::world::{World, contact, person, writes};

/// A world that keeps what is sent to the site.
fn world() -> World {
    let world = World::new();
    world.site().switches.log_bodies = true;
    world
}

/// The bodies that were sent to create contacts, in order.
fn sent(world: &World) -> Vec<Value> {
    let site = world.site();
    let creates = site
        .log()
        .filter(|logged| logged.method == "POST" && logged.target.ends_with("/api/resource/Contact"));
    creates.map(|logged| serde_json::from_str(&logged.body).unwrap()).collect()
}

/// Fields of which the history says that they were withheld.
fn withheld(world: &World) -> Vec<String> {
    let history = world.engine().history(&HistoryFilter::default()).unwrap();
    let notes = history.iter().filter(|entry| entry.action == "withhold");
    let mut fields: Vec<String> = notes
        .flat_map(|entry| &entry.changes)
        .map(|change| format!("{}: {}", change.field, change.reason))
        .collect();
    fields.sort();
    fields
}

/// Google keeps what it had, a further sync writes nothing, and what is withheld is told once.
async fn nothing_is_lost(world: &mut World, before: &[Value]) {
    let told = withheld(world);
    for _ in 0..2 {
        assert_eq!(writes(&world.settle().await), 0, "{}", world.picture());
    }
    assert_eq!(withheld(world), told, "told once");
    for (now, before) in world.persons().iter().zip(before) {
        for field in ["names", "emailAddresses", "phoneNumbers", "organizations"] {
            assert_eq!(now[field], before[field], "{field}");
        }
    }
}

#[tokio::test]
async fn names_with_slashes_line_breaks_and_brackets_go_across_and_can_be_edited() {
    for (given, family) in [
        ("AC/DC", "Band"),
        ("Ends", "with/"),
        ("100%", "#1?"),
        ("Two\nLines", "Here"),
        ("<Ada>", "Lovelace"),
        ("A & B < C", "Ltd"),
        ("New Contact", "of ours"),
    ] {
        let mut world = world();
        let resource = world.add_person(person(given, family, "ada@example.com", ""));
        let before = world.persons();
        world.settle().await;
        assert_eq!(world.contacts().len(), 1, "{given:?} {family:?}: {:?}", world.parked_reasons());
        nothing_is_lost(&mut world, &before).await;
        // The document is reached by that name.
        world.edit_person(&resource, json!({ "organizations": [{ "title": "Edited" }] }));
        world.settle().await;
        assert_eq!(
            world.contacts()[0]["designation"],
            "Edited",
            "{given:?} {family:?}: {:?}",
            world.parked_reasons()
        );
        world.delete_person(&resource);
        world.settle().await;
        assert!(world.contacts().is_empty(), "{given:?} {family:?}: {:?}", world.parked_reasons());
    }
}

#[tokio::test]
async fn names_that_the_site_cannot_tell_apart_are_different_people_all_the_same() {
    let mut world = world();
    for (number, given) in ["😀", "😁", "José", "jose", "JOSÉ", "Ada", "Ada\u{200b}"].into_iter().enumerate()
    {
        world.add_person(person(given, "", &format!("p{number}@example{number}.com"), ""));
    }
    let before = world.persons();
    world.settle().await;
    world.settle().await;
    assert_eq!(world.contacts().len(), 7, "{:?}\n{}", world.parked_reasons(), world.picture());
    nothing_is_lost(&mut world, &before).await;
}

#[tokio::test]
async fn what_is_longer_than_a_field_is_withheld_and_the_rest_goes() {
    let mut world = world();
    let long = "x".repeat(141);
    world.add_person(json!({
        "names": [{ "givenName": "Ada", "familyName": long, "honorificSuffix": "Jr" }],
        "emailAddresses": [{ "value": format!("{}@example.com", "y".repeat(140)) }, { "value": "ada@example.com" }],
        "organizations": [{ "name": "Acme", "title": long }],
    }));
    let before = world.persons();
    world.settle().await;
    let body = &sent(&world)[0];
    assert_eq!((&body["first_name"], &body["company_name"]), (&json!("Ada"), &json!("Acme")));
    assert!(
        body.get("last_name").is_none_or(|name| name == "")
            && body.get("designation").is_none_or(|title| title == "")
    );
    assert_eq!(body["email_ids"].as_array().unwrap().len(), 1);
    let told = withheld(&world);
    assert_eq!(told.len(), 4, "{told:#?}");
    assert!(told.iter().filter(|told| told.contains("140 characters")).count() == 3, "{told:#?}");
    nothing_is_lost(&mut world, &before).await;

    // The name that is too long only as a whole.
    let mut world = self::world();
    world.add_person(person(&"a".repeat(100), &"b".repeat(100), "long@example.com", ""));
    let before = world.persons();
    world.settle().await;
    assert_eq!(world.contacts().len(), 1, "{:?}", world.parked_reasons());
    assert_eq!(withheld(&world).len(), 1, "{:?}", withheld(&world));
    nothing_is_lost(&mut world, &before).await;
}

#[tokio::test]
async fn an_address_with_a_display_name_goes_bare_and_what_is_no_plain_address_stays() {
    let mut world = world();
    let values = [
        "Ada Lovelace <ada@example.com>",
        "Büro@example.com",
        "info@münchen.example",
        "root@localhost",
        "two@example.com, three@example.com",
        " spaced@example.com ",
    ];
    let addresses: Vec<Value> = values.iter().map(|value| json!({ "value": value })).collect();
    world.add_person(json!({ "names": [{ "givenName": "Ada" }], "emailAddresses": addresses }));
    let before = world.persons();
    world.settle().await;
    let body = &sent(&world)[0];
    let went: Vec<&str> =
        body["email_ids"].as_array().unwrap().iter().map(|row| row["email_id"].as_str().unwrap()).collect();
    assert!(went.contains(&"ada@example.com") && went.contains(&"spaced@example.com"), "{went:?}");
    assert!(went.iter().all(|address| address.is_ascii() && !address.contains(['<', ',', ' '])), "{went:?}");
    assert!(
        withheld(&world).iter().any(|told| told.contains("plain ASCII addresses")),
        "{:?}",
        withheld(&world)
    );
    nothing_is_lost(&mut world, &before).await;
}

#[tokio::test]
async fn each_form_of_number_that_the_site_refuses_goes_in_digits_or_stays() {
    for (written, expected) in [
        ("+966 50 123 4567", Some("+966 50 123 4567")),
        ("050\u{a0}123\u{a0}4567", Some("050 123 4567")),
        ("\u{200e}+966501234567\u{200f}", Some("+966501234567")),
        ("٠٥٠١٢٣٤٥٦٧", Some("0501234567")),
        ("*100#", Some("*100#")),
        ("+966 50 123 4567 ext. 12", None),
        ("0800 CALL NOW", None),
        ("+966 (0) 50 - 123 - 45 - 67 - 89", None),
    ] {
        let mut world = world();
        world
            .add_person(json!({ "names": [{ "givenName": "Ada" }], "phoneNumbers": [{ "value": written }] }));
        let before = world.persons();
        world.settle().await;
        assert_eq!(world.contacts().len(), 1, "{written:?}: {:?}", world.parked_reasons());
        let body = &sent(&world)[0];
        let went: Vec<&str> = body["phone_nos"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|row| row["phone"].as_str().unwrap())
            .collect();
        match expected {
            Some(_) => {
                assert_eq!((went.len(), withheld(&world).len()), (1, 0), "{written:?} went as {went:?}");
            }
            None => assert!(
                went.len() + withheld(&world).len() == 1,
                "{written:?} goes in a form that holds it, or is withheld and told: {went:?} {:?}",
                withheld(&world)
            ),
        }
        if let (Some(expected), [went]) = (expected, went.as_slice()) {
            let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
            assert!(
                digits(went).ends_with(digits(expected).trim_start_matches("966").trim_start_matches('0')),
                "{written:?} went as {went}"
            );
        }
        nothing_is_lost(&mut world, &before).await;
    }
}

#[tokio::test]
async fn a_document_that_the_site_refuses_to_save_is_parked_with_its_rule_and_comes_back() {
    let mut world = world();
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.site().poison(&name, json!({ "gender": "Gone" }));
    let resource = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    world.edit_person(&resource, json!({ "organizations": [{ "title": "Countess" }] }));
    let report = world.settle().await;
    assert_eq!(report.parked, 1, "{report:?}");
    let reason = &world.parked_reasons()[0];
    assert!(
        reason.contains("LinkValidationError") && reason.contains("does not exist on the site"),
        "{reason}"
    );
    world.edit_contact(&name, json!({ "gender": "" }));
    world.converge().await;
    assert_eq!(world.contact("Ada")["designation"], "Countess");
}
