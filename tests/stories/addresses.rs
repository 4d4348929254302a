//! Postal addresses: Address documents that are linked to a contact, and what Google holds of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use dafater_contactsd::contact::Field;
use dafater_contactsd::execute::RunRequest;
use dafater_contactsd::sandbox::dafater::{Maintenance, WriteKind};
use dafater_contactsd::sync::{Direction, FieldRule, FieldRules};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{DAEMON, Strike, World, contact, once, person};

fn world() -> World {
    World::with(|settings| {
        let mapping = settings.policy.mapping.clone();
        settings.policy.mapping = mapping.with_addresses(true);
    })
}

fn office() -> Value {
    json!({ "type": "work", "streetAddress": "12 King Fahd Road", "city": "Riyadh", "region": "Riyadh Region",
        "postalCode": "11564", "country": "Saudi Arabia", "countryCode": "SA", "poBox": "77" })
}

fn home() -> Value {
    json!({ "type": "home", "streetAddress": "7 Olaya Street", "city": "Riyadh", "postalCode": "12211", "country": "KSA" })
}

/// Ada in Google with these addresses; her resource name.
fn ada(world: &World, addresses: &[Value]) -> String {
    let mut ada = person("Ada", "Lovelace", "ada@example.com", "");
    ada["addresses"] = addresses.to_vec().into();
    world.add_person(ada)
}

/// Every Address of the site, a line each.
fn documents(world: &World) -> Vec<String> {
    let text = |address: &Value, key: &str| address[key].as_str().unwrap_or("-").to_owned();
    let addresses = world.site().documents("Address");
    let line = |address: &Value| {
        let links = address["links"].as_array().unwrap();
        let links: Vec<&str> = links.iter().filter_map(|link| link["link_name"].as_str()).collect();
        let parts = ["address_type", "address_line1", "city", "state", "pincode", "country"];
        let parts = parts.map(|key| text(address, key)).join(", ");
        format!("{} ({}): {parts}", text(address, "name"), links.join(" & "))
    };
    addresses.iter().filter(|address| address["disabled"] != 1).map(line).collect()
}

/// The addresses of Ada in Google, a line each.
fn in_google(world: &World) -> Vec<String> {
    let ada = world.person("Ada Lovelace");
    let text = |address: &Value, key: &str| address[key].as_str().unwrap_or("-").to_owned();
    let line = |address: &Value| {
        ["type", "streetAddress", "city", "region", "postalCode", "country"]
            .map(|key| text(address, key))
            .join(", ")
    };
    ada["addresses"].as_array().into_iter().flatten().map(line).collect()
}

fn add_address(world: &World, content: Value) -> String {
    let now = world.tick();
    world.site().insert_into("Address", content, now).unwrap()
}

fn edit_address(world: &World, name: &str, change: Value) {
    let now = world.tick();
    world.site().edit_in("Address", name, change, now).unwrap();
}

fn delete_address(world: &World, name: &str) {
    let now = world.tick();
    world.site().delete_in("Address", name, now).unwrap();
}

/// Whether a request creates an Address.
fn is_create(line: &str) -> bool {
    line.starts_with("POST ") && line.ends_with("/api/resource/Address")
}

fn link(name: &str) -> Value {
    json!({ "link_doctype": "Contact", "link_name": name })
}

#[tokio::test]
async fn addresses_travel_with_a_new_contact_in_both_directions() {
    let mut world = world();
    ada(&world, &[office(), home()]);
    let grace = world.add_contact(contact("Grace", "Hopper", "grace@example.com", ""));
    add_address(
        &world,
        json!({ "address_title": "Grace", "address_type": "Billing", "address_line1": "1 Navy Yard", "address_line2": "Floor 2",
            "city": "Washington", "state": "DC", "pincode": "20374", "country": "United States", "links": [link(&grace)] }),
    );
    world.converge().await;
    assert_eq!(
        documents(&world),
        [
            "Ada Lovelace-Office (Ada Lovelace): Office, 12 King Fahd Road, Riyadh, Riyadh Region, 11564, Saudi Arabia",
            "Ada Lovelace-Personal (Ada Lovelace): Personal, 7 Olaya Street, Riyadh, -, 12211, Saudi Arabia",
            "Grace-Billing (Grace Hopper): Billing, 1 Navy Yard, Washington, DC, 20374, United States",
        ]
    );
    let grace = world.person("Grace Hopper");
    let address = &grace["addresses"][0];
    let key = |key: &str| address[key].as_str().unwrap().to_owned();
    assert_eq!(
        [
            "type",
            "streetAddress",
            "extendedAddress",
            "city",
            "region",
            "postalCode",
            "country",
            "countryCode"
        ]
        .map(key),
        ["work", "1 Navy Yard", "Floor 2", "Washington", "DC", "20374", "United States", "US"]
    );
}

#[tokio::test]
async fn a_street_that_is_corrected_on_one_side_is_corrected_in_its_place_on_the_other() {
    let mut world = world();
    let resource = ada(&world, &[office(), home()]);
    world.converge().await;
    let before = world.site().document("Address", "Ada Lovelace-Office").unwrap();

    let mut moved = office();
    moved["streetAddress"] = "14 King Fahd Road".into();
    world.edit_person(&resource, json!({ "addresses": [moved, home()] }));
    world.converge().await;
    let after = world.site().document("Address", "Ada Lovelace-Office").unwrap();
    assert_eq!(after["address_line1"], "14 King Fahd Road");
    assert_eq!(
        (&after["creation"], &after["address_title"]),
        (&before["creation"], &before["address_title"])
    );
    assert_eq!(documents(&world).len(), 2);

    edit_address(
        &world,
        "Ada Lovelace-Personal",
        json!({ "address_line1": "8 Olaya Street", "county": "Central" }),
    );
    world.converge().await;
    assert_eq!(
        in_google(&world),
        [
            "work, 14 King Fahd Road, Riyadh, Riyadh Region, 11564, Saudi Arabia",
            "home, 8 Olaya Street, Riyadh, -, 12211, KSA",
        ]
    );
    assert_eq!(world.person("Ada Lovelace")["addresses"][0]["poBox"], "77", "what is not mapped stays");
    assert_eq!(world.site().document("Address", "Ada Lovelace-Personal").unwrap()["county"], "Central");
}

#[tokio::test]
async fn addresses_may_go_one_way_while_the_rest_goes_both() {
    let mut world = world();
    let rule = FieldRule { direction: Direction::Pull, wins: None };
    world.settings.policy.fields = FieldRules::from_iter([(Field::Addresses, rule)]);
    let resource = ada(&world, &[office()]);
    world.converge().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    let before = in_google(&world);
    edit_address(&world, "Ada Lovelace-Office", json!({ "address_line1": "99 Elsewhere" }));
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.settle().await;
    assert_eq!(in_google(&world), before);
    assert_eq!(world.person("Ada Lovelace")["organizations"][0]["title"], "Countess");
    // A new contact of the site goes to Google without its address, and one of Google's comes with its own.
    let grace = world.add_contact(contact("Grace", "Hopper", "grace@example.com", ""));
    add_address(
        &world,
        json!({ "address_title": "Grace", "address_type": "Office", "address_line1": "1 Navy Yard", "city": "Washington",
            "country": "United States", "links": [link(&grace)] }),
    );
    world.edit_person(&resource, json!({ "addresses": [office(), home()] }));
    world.settle().await;
    assert_eq!(world.person("Grace Hopper").get("addresses"), None);
    assert!(documents(&world).iter().any(|line| line.contains("7 Olaya Street")), "{:?}", documents(&world));
    world.is_quiet().await;
}

#[tokio::test]
async fn an_idle_cycle_asks_for_changed_addresses_and_writes_nothing() {
    let mut world = world();
    ada(&world, &[office()]);
    world.converge().await;
    world.sync().await;
    let report = world.sync().await;
    assert_eq!(
        (report.requests.dafater, report.requests.google),
        (3, 1),
        "contacts, deletions and addresses"
    );
    assert_eq!(crate::world::writes(&report), 0);
}

#[tokio::test]
async fn a_new_address_goes_across_and_a_deleted_one_leaves_the_other() {
    let mut world = world();
    let resource = ada(&world, &[office()]);
    world.converge().await;

    world.edit_person(&resource, json!({ "addresses": [office(), home()] }));
    world.converge().await;
    assert_eq!(documents(&world).len(), 2);

    world.edit_person(&resource, json!({ "addresses": [home()] }));
    world.converge().await;
    assert_eq!(
        documents(&world),
        ["Ada Lovelace-Personal (Ada Lovelace): Personal, 7 Olaya Street, Riyadh, -, 12211, Saudi Arabia"]
    );
    add_address(
        &world,
        json!({ "address_title": "Ada", "address_type": "Office", "address_line1": "1 Corniche", "city": "Jeddah",
            "country": "Saudi Arabia", "links": [link("Ada Lovelace")] }),
    );
    world.converge().await;
    assert_eq!(in_google(&world).len(), 2);
    delete_address(&world, "Ada Lovelace-Personal");
    world.converge().await;
    assert_eq!(in_google(&world), ["work, 1 Corniche, Jeddah, -, -, Saudi Arabia"]);
}

#[tokio::test]
async fn an_address_that_is_unlinked_or_disabled_leaves_google() {
    let mut world = world();
    ada(&world, &[office(), home()]);
    world.converge().await;
    edit_address(&world, "Ada Lovelace-Office", json!({ "links": [] }));
    edit_address(&world, "Ada Lovelace-Personal", json!({ "disabled": 1 }));
    world.converge().await;
    assert!(in_google(&world).is_empty(), "{}", world.picture());
}

#[tokio::test]
async fn a_partial_address_stays_in_google_and_the_rest_of_the_contact_goes() {
    let mut world = world();
    let partial = json!({ "type": "home", "streetAddress": "7 Olaya Street", "country": "Saudi Arabia" });
    let resource = ada(&world, &[partial.clone(), office()]);
    world.converge().await;
    assert_eq!(documents(&world).len(), 1);
    assert_eq!(in_google(&world).len(), 2);
    let unknown = json!({ "type": "home", "streetAddress": "7 Olaya Street", "city": "Birnin Zana", "country": "Wakanda" });
    world.edit_person(&resource, json!({ "addresses": [unknown, office()] }));
    world.converge().await;
    assert_eq!((documents(&world).len(), in_google(&world).len()), (1, 2));
    assert!(world.parked_reasons().is_empty());

    world.edit_person(&resource, json!({ "addresses": [home(), office()] }));
    world.converge().await;
    assert_eq!((documents(&world).len(), in_google(&world).len()), (2, 2));
}

#[tokio::test]
async fn an_address_that_belongs_to_a_customer_as_well_is_shown_and_never_touched_from_google() {
    let mut world = world();
    let now = world.tick();
    world.site().insert_into("Customer", json!({ "customer_name": "Analytical Engines" }), now).unwrap();
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    let shared = add_address(
        &world,
        json!({ "address_title": "Analytical Engines", "address_type": "Billing", "address_line1": "12 King Fahd Road",
            "city": "Riyadh", "country": "Saudi Arabia",
            "links": [{ "link_doctype": "Customer", "link_name": "Analytical Engines" }, link(&name)] }),
    );
    world.converge().await;
    let before = world.site().document("Address", &shared).unwrap();
    let resource = world.person("Ada Lovelace")["resourceName"].as_str().unwrap().to_owned();
    assert_eq!(in_google(&world), ["work, 12 King Fahd Road, Riyadh, -, -, Saudi Arabia"]);

    let mut moved = office();
    moved["streetAddress"] = "99 Elsewhere".into();
    for addresses in [json!([moved]), json!([])] {
        world.edit_person(&resource, json!({ "addresses": addresses }));
        world.converge().await;
        assert_eq!(world.site().document("Address", &shared).unwrap(), before);
        assert_eq!(documents(&world).len(), 1, "and no second one appears beside it");
    }
    edit_address(&world, &shared, json!({ "address_line1": "14 King Fahd Road" }));
    world.converge().await;
    assert_eq!(in_google(&world), ["work, 14 King Fahd Road, Riyadh, -, -, Saudi Arabia"]);
}

#[tokio::test]
async fn addresses_that_meet_make_no_doubles_although_one_says_more() {
    let mut world = world();
    ada(&world, &[office()]);
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    add_address(
        &world,
        json!({ "address_title": "Ada", "address_type": "Office", "address_line1": "12 king fahd road", "city": "Riyadh",
            "pincode": "11564", "country": "Saudi Arabia", "links": [link(&name)] }),
    );
    world.converge().await;
    assert_eq!((documents(&world).len(), in_google(&world).len()), (1, 1));
    edit_address(&world, "Ada-Office", json!({ "address_line1": "14 King Fahd Road" }));
    world.converge().await;
    assert_eq!((documents(&world).len(), in_google(&world).len()), (1, 1));
    assert!(in_google(&world)[0].contains("14 King Fahd Road"));
}

#[tokio::test]
async fn a_lost_answer_to_a_new_address_makes_no_second_one() {
    for strike in [Strike::LoseAnswer, Strike::LoseRequest] {
        let mut world = world();
        let resource = ada(&world, &[office()]);
        world.converge().await;
        world.edit_person(&resource, json!({ "addresses": [office(), home()] }));
        let mut strikes = vec![strike];
        world.site_weather(move |line, _| is_create(line).then(|| strikes.pop()).flatten());
        let report = world.sync().await;
        assert_eq!(report.parked, 1, "{report:?}");
        world.calm();
        for _ in 0..4 {
            world.sync().await;
            assert!(documents(&world).len() <= 2);
            world.clock.advance(world.settings.settle);
        }
        world.converge().await;
        assert_eq!((documents(&world).len(), in_google(&world).len()), (2, 2));
    }
}

#[tokio::test]
async fn a_refused_address_is_parked_and_the_rest_of_the_contact_goes() {
    let mut world = world();
    let resource = ada(&world, &[office()]);
    world.converge().await;
    let mut named = person("Ada", "King", "ada@example.com", "");
    named["addresses"] = json!([office(), home()]);
    world.edit_person(&resource, named);
    world.site_weather(|line, _| {
        is_create(line).then_some(Strike::Answer(
            417,
            "application/json",
            r#"{"exc_type":"ValidationError","_server_messages":"[\"{\\\"message\\\": \\\"no\\\"}\"]"}"#,
        ))
    });
    world.sync().await;
    assert_eq!(world.contact("Ada King")["last_name"], "King");
    assert_eq!(world.parked_reasons().len(), 1);
    world.calm();
    world.clock.advance(jiff::SignedDuration::from_hours(1));
    world.converge().await;
    assert_eq!(documents(&world).len(), 2);
}

#[tokio::test]
async fn addresses_that_may_not_be_read_are_left_as_they_are_on_both_sides() {
    let mut world = world();
    let resource = ada(&world, &[office()]);
    world.converge().await;
    let forbid = |line: &str, body: &str| {
        let is_of_addresses = body.contains(r#""doctype":"Address""#)
            || body.contains(r#""parent":"Address""#)
            || line.contains("/Address");
        is_of_addresses.then_some(Strike::Answer(
            403,
            "application/json",
            r#"{"exc_type":"PermissionError"}"#,
        ))
    };
    world.site_weather(forbid);
    let mut named = person("Ada", "King", "ada@example.com", "");
    named["addresses"] = json!([]);
    world.edit_person(&resource, named);
    world.converge().await;
    assert_eq!(world.contact("Ada King")["last_name"], "King");
    assert_eq!(documents(&world).len(), 1, "an edit that cannot be judged deletes nothing");
    world.calm();
    world.clock.advance(jiff::SignedDuration::from_hours(25));
    world.sync_as(RunRequest { full: true, dry_run: false }).await;
    world.converge().await;
    assert!(documents(&world).is_empty(), "it is carried once it can be");
}

#[tokio::test]
async fn an_address_hidden_by_a_user_permission_is_not_taken_for_deleted() {
    let mut world = world();
    ada(&world, &[office(), home()]);
    world.converge().await;
    world.site().hide_in(DAEMON, "Address", "Ada Lovelace-Office");
    edit_address(&world, "Ada Lovelace-Personal", json!({ "address_line1": "8 Olaya Street" }));
    world.clock.advance(jiff::SignedDuration::from_hours(25));
    world.converge().await;
    assert_eq!(in_google(&world).len(), 2);
    world.site().unhide(DAEMON);
    world.sync_as(RunRequest { full: true, dry_run: false }).await;
    world.converge().await;
    assert_eq!(in_google(&world).len(), 2);
    assert!(in_google(&world).iter().any(|line| line.contains("8 Olaya")), "{:?}", in_google(&world));
}

#[tokio::test]
async fn a_renamed_address_is_still_the_same() {
    let mut world = world();
    ada(&world, &[office()]);
    world.converge().await;
    let now = world.tick();
    world.site().rename_in("Address", "Ada Lovelace-Office", "Head office", now).unwrap();
    world.clock.advance(jiff::SignedDuration::from_hours(25));
    world.converge().await;
    assert_eq!(in_google(&world).len(), 1);
    edit_address(&world, "Head office", json!({ "city": "Jeddah" }));
    world.converge().await;
    assert_eq!(in_google(&world), ["work, 12 King Fahd Road, Jeddah, Riyadh Region, 11564, Saudi Arabia"]);
}

#[tokio::test]
async fn what_an_address_is_for_travels_and_a_type_that_means_the_same_stays() {
    let mut world = world();
    let resource = ada(&world, &[office()]);
    world.converge().await;
    edit_address(&world, "Ada Lovelace-Office", json!({ "address_type": "Shipping" }));
    world.converge().await;
    assert!(in_google(&world)[0].starts_with("work"));
    let mut as_home = office();
    as_home["type"] = "home".into();
    world.edit_person(&resource, json!({ "addresses": [as_home] }));
    world.converge().await;
    assert!(documents(&world)[0].contains("): Personal"), "{:?}", documents(&world));
    edit_address(&world, "Ada Lovelace-Office", json!({ "address_type": "Other" }));
    world.converge().await;
    assert!(in_google(&world)[0].starts_with("other"));
}

#[tokio::test]
async fn a_deleted_person_takes_the_contact_and_its_own_addresses_along() {
    let mut world = world();
    let resource = ada(&world, &[office(), home()]);
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.converge().await;
    world.delete_person(&resource);
    world.converge().await;
    assert!(documents(&world).is_empty() && world.contacts().len() == 1, "{}", world.picture());
}

#[tokio::test]
async fn an_address_that_stands_there_twice_keeps_both_its_kinds() {
    let mut world = world();
    ada(&world, &[home()]);
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    for kind in ["Office", "Personal"] {
        add_address(
            &world,
            json!({ "address_title": "Ada", "address_type": kind, "address_line1": "1 Navy Yard", "city": "Riyadh",
                "country": "Saudi Arabia", "links": [link(&name)] }),
        );
    }
    world.converge().await;
    let kinds: Vec<String> = documents(&world).iter().map(|line| line[..14].to_owned()).collect();
    assert_eq!(kinds, ["Ada Lovelace-P", "Ada-Office (Ad", "Ada-Personal ("]);
    let kept = documents(&world).iter().filter(|line| line.contains("Office, 1 Navy Yard")).count();
    assert_eq!((kept, in_google(&world).len()), (1, 2), "{:?}", documents(&world));
}

#[tokio::test]
async fn a_contact_made_anew_whose_addresses_did_not_come_loses_none_in_google() {
    for nth in 1..40 {
        let mut world = world();
        let resource = ada(&world, &[office(), home()]);
        world.converge().await;
        let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
        for address in ["Ada Lovelace-Office", "Ada Lovelace-Personal"] {
            delete_address(&world, address);
        }
        world.delete_contact(&name);
        world.edit_person(&resource, json!({ "names": [{ "givenName": "Eda", "familyName": "Lovelace" }] }));
        let was_killed = world.sync_killed_at(nth, true).await;
        world.converge().await;
        let counts = (documents(&world).len(), world.contacts().len());
        let eda = world.person("Eda Lovelace");
        assert_eq!(eda["addresses"].as_array().map(Vec::len), Some(2), "killed at {nth}\n{eda}");
        assert_eq!(counts, (2, 1), "killed at {nth}");
        if !was_killed {
            assert!(nth > 3);
            return;
        }
    }
    panic!("the sync never ended");
}

#[tokio::test]
async fn a_copy_whose_addresses_did_not_come_brings_nobody_back() {
    for (lost, left) in [("/api/resource/Contact", 1), ("/api/resource/Address", 0)] {
        let mut world = world();
        let resource = ada(&world, &[office(), home()]);
        let mut strikes = vec![Strike::LoseAnswer];
        world.site_weather(move |line, _| {
            (line.starts_with("POST ") && line.ends_with(lost)).then(|| strikes.pop()).flatten()
        });
        world.sync().await;
        assert!(documents(&world).len() < 2, "{}", world.picture());
        world.calm();
        world.delete_person(&resource);
        world.converge().await;
        assert_eq!((world.persons().len(), world.contacts().len()), (0, left), "{}", world.picture());
    }
}

#[tokio::test]
async fn a_contact_that_is_deleted_with_its_address_while_it_is_read_takes_none_away_in_google() {
    for nth in 1..12 {
        let mut world = world();
        ada(&world, &[office()]);
        world.converge().await;
        let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
        world.edit_contact(&name, json!({ "designation": "Countess" }));
        world.at_site_request(nth, move |site, now| {
            site.delete_in("Address", "Ada Lovelace-Office", now).unwrap();
            site.delete(&name, now).unwrap();
        });
        world.sync().await;
        world.calm();
        world.converge().await;
        assert_eq!((in_google(&world).len(), world.contacts().len()), (1, 0), "{nth}\n{}", world.picture());
    }
}

#[tokio::test]
async fn an_address_that_was_taken_away_while_its_contact_is_deleted_does_not_come_back_with_that() {
    let mut taken = 0;
    for nth in 1..24 {
        let mut world = world();
        let resource = ada(&world, &[office(), home()]);
        world.converge().await;
        let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
        world.delete_person(&resource);
        let is_taken = Arc::new(AtomicBool::new(false));
        let told = is_taken.clone();
        world.at_site_request(nth, move |site, now| {
            told.store(site.delete_in("Address", "Ada Lovelace-Office", now).is_ok(), Ordering::Relaxed);
            drop(site.edit(&name, json!({ "designation": "Countess" }), now));
        });
        world.sync().await;
        world.calm();
        if is_taken.load(Ordering::Relaxed) {
            let is_back = documents(&world).iter().any(|line| line.contains("King Fahd"));
            assert!(!is_back, "{nth}\n{}", world.picture());
            taken += 1;
        }
    }
    assert!(taken > 5, "{taken}");
}

/// API: an Address is named after its title and type; the name of one that went is free for the next.
#[tokio::test]
async fn an_address_that_goes_while_another_takes_its_name_leaves_google_and_the_other_stays() {
    let next =
        || json!({ "type": "work", "streetAddress": "1 Corniche", "city": "Jeddah", "country": "KSA" });
    for (nth, is_replaced) in (1..24).flat_map(|nth| [(nth, true), (nth, false)]) {
        let mut world = world();
        let ada = ada(&world, &[office()]);
        world.converge().await;
        // Ada is not among those that are read again because they changed a moment ago.
        world.clock.advance(SignedDuration::from_hours(1));
        world.add_contact(contact("Grace", "Hopper", "grace@example.com", ""));
        world.converge().await;
        let now = if is_replaced { json!([next()]) } else { json!([office(), next()]) };
        world.edit_person(&ada, json!({ "addresses": now }));
        let (deed, was_done) = std::sync::mpsc::channel();
        world.at_site_request(nth, move |site, now| {
            deed.send(site.delete_in("Address", "Ada Lovelace-Office", now).is_ok()).unwrap();
        });
        world.run_on(1).await;
        world.calm();
        // Without the daily comparison of all addresses.
        for _ in 0..3 {
            world.run_on(600).await;
        }
        if was_done.try_recv() == Ok(true) {
            assert_eq!(
                (in_google(&world).len(), documents(&world).len()),
                (1, 1),
                "{nth}\n{}",
                world.picture()
            );
        }
    }
}

#[tokio::test]
async fn an_address_that_comes_or_goes_while_its_contact_is_read_travels_all_the_same() {
    for (nth, comes) in (1..14).flat_map(|nth| [(nth, true), (nth, false)]) {
        let mut world = world();
        ada(&world, &[office()]);
        world.converge().await;
        let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
        world.edit_contact(&name, json!({ "designation": "Countess" }));
        world.at_site_request(nth, move |site, now| {
            if comes {
                let home = json!({ "address_type": "Personal", "address_line1": "7 Olaya Street", "city": "Riyadh",
                    "country": "Saudi Arabia", "links": [link(&name)] });
                site.insert_into("Address", home, now).unwrap();
            } else {
                site.delete_in("Address", "Ada Lovelace-Office", now).unwrap();
            }
        });
        world.run_on(1).await;
        world.calm();
        // Without the daily comparison of all addresses.
        for _ in 0..3 {
            world.run_on(600).await;
        }
        assert_eq!(in_google(&world).len(), if comes { 2 } else { 0 }, "{nth}\n{}", world.picture());
    }
}

#[tokio::test]
async fn a_deletion_that_ends_after_the_addresses_went_is_finished_and_is_no_edit() {
    for (part, strike) in [
        ("/api/resource/Address/", Strike::HalfBody),
        ("/api/resource/Contact/", Strike::LoseRequest),
        ("/api/resource/Contact/", Strike::BAD_GATEWAY),
    ] {
        let mut world = world();
        let resource = ada(&world, &[office(), home()]);
        world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
        world.converge().await;
        edit_address(&world, "Ada Lovelace-Office", json!({ "county": "Central" }));
        world.converge().await;
        world.delete_person(&resource);
        let mut strike = Some(strike);
        world.site_weather(move |line, _| {
            let is_it = line.starts_with("DELETE ") && line.contains(part);
            if is_it { strike.take() } else { None }
        });
        world.sync().await;
        world.calm();
        assert!(documents(&world).len() < 2 && world.contacts().len() == 2, "{part}\n{}", world.picture());
        let run = world.sync().await.run;
        world.converge().await;
        let counts = (documents(&world).len(), world.contacts().len(), world.persons().len());
        assert_eq!(counts, (0, 1, 1), "{part}\n{}", world.picture());

        world.undo(&run).await;
        world.converge().await;
        assert_eq!((documents(&world).len(), in_google(&world).len()), (2, 2), "{part}");
        let office = world.site().document("Address", "Ada Lovelace-Office").unwrap();
        assert_eq!(office["county"], "Central", "{part}");
    }
}

#[tokio::test]
async fn an_undone_deletion_brings_an_address_back_with_what_is_not_synced_of_it() {
    let mut world = world();
    let resource = ada(&world, &[office(), home()]);
    world.converge().await;
    edit_address(&world, "Ada Lovelace-Office", json!({ "phone": "+966 11 000 0000", "county": "Central" }));
    world.converge().await;
    world.edit_person(&resource, json!({ "addresses": [home()] }));
    let run = world.sync().await.run;
    assert_eq!(documents(&world).len(), 1);
    world.converge().await;
    world.undo(&run).await;
    world.converge().await;
    assert_eq!((documents(&world).len(), in_google(&world).len()), (2, 2));
    let office = world.site().document("Address", "Ada Lovelace-Office").unwrap();
    assert_eq!(
        (office["phone"].as_str(), office["county"].as_str()),
        (Some("+966 11 000 0000"), Some("Central"))
    );
}

#[tokio::test]
async fn an_address_that_may_not_be_deleted_goes_out_of_use_instead() {
    let mut world = world();
    world.become_user(&["Sales Master Manager", "Sales User"]);
    let resource = ada(&world, &[office(), home()]);
    world.converge().await;
    // A Sales User may change an Address and not delete it.
    world.edit_person(&resource, json!({ "addresses": [home()] }));
    world.converge().await;
    assert_eq!(documents(&world).len(), 1);
    assert_eq!(world.site().document("Address", "Ada Lovelace-Office").unwrap()["disabled"], 1);
    world.edit_person(&resource, json!({ "addresses": [home(), office()] }));
    world.converge().await;
    assert_eq!(documents(&world).len(), 2, "and comes back into use");
    assert_eq!(world.site().document("Address", "Ada Lovelace-Office").unwrap()["disabled"], 0);
}

#[tokio::test]
async fn nothing_is_asked_or_written_of_addresses_while_they_do_not_travel() {
    let mut world = World::new();
    ada(&world, &[office()]);
    world.converge().await;
    assert!(documents(&world).is_empty());
    let asked = world.site().requests().keys().any(|(_, route)| route.contains("Address"));
    let written = world.site().writes().get(&("Address".to_owned(), WriteKind::Created)).copied();
    assert!(!asked && written.is_none());
}

#[tokio::test]
async fn addresses_that_are_switched_on_later_are_carried_then() {
    let mut world = World::new();
    ada(&world, &[office()]);
    world.converge().await;
    let mapping = world.settings.policy.mapping.clone();
    world.settings.policy.mapping = mapping.with_addresses(true);
    world.restart();
    world.converge().await;
    assert_eq!(documents(&world).len(), 1);
}

#[tokio::test]
async fn a_contact_that_the_site_refuses_is_not_tried_in_each_cycle_because_an_address_of_it_was_deleted() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static TRIED: AtomicUsize = AtomicUsize::new(0);
    let mut world = world();
    let ada = ada(&world, &[office(), home()]);
    world.converge().await;
    // Google hears of a deletion, and its answer is lost.
    let address = documents(&world)[0].split(" (").next().unwrap().to_owned();
    delete_address(&world, &address);
    world.google_weather(once(":updateContact", Strike::LoseAnswer));
    world.sync().await;
    assert_eq!(in_google(&world).len(), 1);
    // From now on the site refuses every save of the contact.
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.site().poison(&name, json!({ "phone_nos": [{ "phone": "ask at the desk, then wait" }] }));
    world.edit_person(&ada, json!({ "names": [{ "givenName": "Augusta", "familyName": "Lovelace" }] }));
    world.site_weather(|line, _| {
        TRIED.fetch_add(usize::from(line.starts_with("PUT ")), Ordering::Relaxed);
        None
    });
    for _ in 0..50 {
        world.run_on(60).await;
    }
    // At once, and after 1, 2, 4, 8 and 16 minutes each time.
    let tried = TRIED.load(Ordering::Relaxed);
    assert!((2..=7).contains(&tried), "tried {tried} times in fifty minutes");
}

/// API: addresses are linked to a name, whoever has it.
#[tokio::test]
async fn an_address_that_came_to_a_contact_while_it_was_deleted_travels_when_that_is_made_anew() {
    let mut world = world();
    let ada = ada(&world, &[]);
    world.converge().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    // The number beats the deletion.
    world.edit_person(&ada, json!({ "phoneNumbers": [{ "value": "+966501234567" }] }));
    world.site().switches.late_commit = std::time::Duration::from_secs(5);
    add_address(
        &world,
        json!({ "address_type": "Office", "address_line1": "1 Tahlia Street", "city": "Riyadh", "country": "Saudi Arabia",
            "links": [link(&name)] }),
    );
    world.site().switches.late_commit = std::time::Duration::ZERO;
    world.delete_contact(&name);
    // What is newer than that by more than lists overlap.
    world.clock.advance(SignedDuration::from_mins(12));
    let grace = world.add_contact(contact("Grace", "Hopper", "grace@example.com", ""));
    add_address(
        &world,
        json!({ "address_type": "Office", "address_line1": "2 Olaya Street", "city": "Riyadh", "country": "Saudi Arabia",
            "links": [link(&grace)] }),
    );
    world.converge().await;
    assert_eq!(
        in_google(&world),
        ["work, 1 Tahlia Street, Riyadh, -, -, Saudi Arabia"],
        "{:?}",
        documents(&world)
    );
    world.is_quiet().await;
}

/// API: a list may be minutes behind our own writes.
#[tokio::test]
async fn an_address_that_is_taken_away_while_an_older_write_is_in_doubt_does_not_come_back() {
    let mut world = world();
    let ada = person("Ada", "Lovelace", "ada@example.com", "");
    let resource = world.add_person(ada);
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.converge().await;
    let phone = json!([{ "value": "+966 50 100 0002", "type": "mobile" }]);
    world.edit_person(&resource, json!({ "phoneNumbers": phone }));
    world.site_weather(once("/api/resource/Contact/", Strike::LoseRequest));
    assert_eq!(world.sync().await.parked, 1);
    world.calm();
    let address = add_address(
        &world,
        json!({ "address_title": "Place", "address_type": "Office", "address_line1": "12 King Fahd Road",
            "city": "Riyadh", "country": "Saudi Arabia", "links": [link(&name)] }),
    );
    world.site().switches.maintenance = Maintenance::ReadOnly;
    let minute = SignedDuration::from_mins(1);
    let report = world.sync_after(minute).await;
    assert_eq!((report.google.updated, report.dafater.updated), (1, 0), "{report:?}");
    assert_eq!(in_google(&world).len(), 1);
    world.site().switches.maintenance = Maintenance::Off;
    delete_address(&world, &address);
    world.sync_after(minute).await;
    world.converge().await;
    assert_eq!((documents(&world), in_google(&world)), (Vec::new(), Vec::new()));
    assert_eq!(world.contact("Ada")["phone_nos"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_address_that_is_added_while_google_shows_an_older_state_of_the_contact_travels_when_it_shows_the_new_one()
 {
    let mut world = world();
    world.google().options_mut().list_delay = jiff::SignedDuration::from_secs(180);
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    world.edit_contact(&name, json!({ "company_name": "Analytical Engines" }));
    world.run_on(60).await;
    add_address(
        &world,
        json!({ "address_type": "Office", "address_line1": "1 Tahlia Street", "city": "Riyadh", "country": "Saudi Arabia",
            "links": [link(&name)] }),
    );
    // By now the list shows the contact as we created it, and not yet as we changed it.
    world.run_on(130).await;
    assert_eq!(in_google(&world), [""; 0]);
    world.run_on(240).await;
    assert_eq!(in_google(&world), ["work, 1 Tahlia Street, Riyadh, -, -, Saudi Arabia"]);
    world.is_quiet().await;
}
