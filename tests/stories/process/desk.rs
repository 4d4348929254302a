//! Accounts that are records in Dafater: who opens one in the form there has nothing to configure here.

use std::time::{Duration, Instant};

use dafater_contactsd::dafater::{Remedy, SiteClient, SiteOptions, WantedWebhook};
use dafater_contactsd::remote::{ReqwestTransport, TransportOptions};
use dafater_contactsd::sandbox::google::GoogleOptions;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::house::{Daemon, House};
use crate::world::{EMAIL, contact, person};

const NAME: &str = "sales-at-example.com";

/// A house whose accounts stand on the site only, and whose OAuth client is that of the site's Google Settings.
fn house() -> House {
    let house = House::new();
    let config = std::fs::read_to_string(house.path("config.toml")).unwrap();
    let (shared, _) = config.split_once("[accounts.sales]").unwrap();
    let shared: String =
        shared.lines().filter(|line| !line.starts_with("client_")).flat_map(|line| [line, "\n"]).collect();
    let desk = "[dafater]\naccounts_from_google_contacts = true\naccounts_every = \"1s\"\n";
    let defaults =
        "[defaults]\nregion = \"SA\"\nlabel = \"\"\nschedule = \"every 1s\"\nmax_deletes_percent = 100\n";
    house.write("config.toml", &(shared.replacen("[dafater]\n", desk, 1) + defaults));
    let client = GoogleOptions::default();
    house.site().set_google_client(&client.client_id, &client.client_secret);
    stop_built_in(&house, 1);
    house
}

fn stop_built_in(house: &House, stopped: u8) {
    let change = json!({ "stopped": stopped });
    house.site().edit_in("Scheduled Job Type", "google_contacts.sync", change, Timestamp::now()).unwrap();
}

/// The record of the house's account, with the consent that its form's button leaves.
fn record(house: &House) -> Value {
    json!({ "email_id": EMAIL, "enable": 1, "pull_from_google_contacts": 1, "push_to_google_contacts": 1,
        "refresh_token": house.refresh_token })
}

fn add_record(house: &House, record: Value) -> String {
    house.site().insert_into("Google Contacts", record, Timestamp::now()).unwrap()
}

fn edit_record(house: &House, name: &str, change: Value) {
    house.site().edit_in("Google Contacts", name, change, Timestamp::now()).unwrap();
}

fn last_sync_on(house: &House) -> Value {
    house.site().document("Google Contacts", &format!("GC-{EMAIL}")).unwrap()["last_sync_on"].clone()
}

/// Waits until something holds.
fn until(daemon: &Daemon<'_>, what: &str, mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !holds() {
        assert!(Instant::now() < patience, "{what} did not come true: {}", daemon.log());
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn accounts(house: &House) -> Vec<Value> {
    let output = house.run(&["accounts", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_record_and_its_consent_are_all_that_a_sync_needs() {
    let house = house();
    add_record(&house, record(&house));
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    let before = house.site().document("Google Contacts", &format!("GC-{EMAIL}")).unwrap();
    let synced = house.settle();
    assert_eq!((synced.report["account"].as_str(), synced.writes()), (Some(NAME), 1), "{}", synced.report);
    assert_eq!(house.contacts().len(), 1);

    // Of the record nothing is written but the time.
    let mut after = house.site().document("Google Contacts", &format!("GC-{EMAIL}")).unwrap();
    assert!(after["last_sync_on"].is_string(), "{after}");
    for key in ["last_sync_on", "modified", "modified_by"] {
        after[key] = before[key].clone();
    }
    assert_eq!(after, before);
    let status = house.run(&["status", "--json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!((status["account"].as_str(), status["state"].as_str()), (Some(NAME), Some("ok")));
    assert!(house.run(&["plan", NAME]).status.success());
}

#[test]
fn the_daemon_follows_what_a_person_does_with_the_record() {
    let house = house();
    let daemon = house.start();
    assert_eq!(accounts(&house), [] as [Value; 0]);
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    let name = add_record(&house, record(&house));
    until(&daemon, "the first contact", || house.contacts().len() == 1);
    until(&daemon, "the time of the sync", || last_sync_on(&house).is_string());

    // Only one direction: what is new in Dafater stays there.
    edit_record(&house, &name, json!({ "push_to_google_contacts": 0 }));
    until(&daemon, "one direction", || accounts(&house)[0]["push_to_google_contacts"] == false);
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    house.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    until(&daemon, "the other direction", || house.contacts().len() == 3);
    assert_eq!(house.persons().len(), 2);

    // Disabled: nothing moves, nothing is deleted, and the pairs are remembered.
    edit_record(&house, &name, json!({ "enable": 0 }));
    until(&daemon, "no account", || accounts(&house).is_empty());
    house.add_person(person("Edsger", "Dijkstra", "edsger@example.com", ""));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!((house.contacts().len(), house.persons().len()), (3, 3));
    edit_record(&house, &name, json!({ "enable": 1, "push_to_google_contacts": 1 }));
    until(&daemon, "everybody on both sides", || (house.contacts().len(), house.persons().len()) == (4, 4));

    // Renamed: the same account goes on under its own name.
    house.site().rename_in("Google Contacts", &name, "Our sales", Timestamp::now()).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(accounts(&house)[0]["account"], NAME);
    house.add_person(person("Barbara", "Liskov", "barbara@example.com", ""));
    until(&daemon, "the next contact", || house.contacts().len() == 5);

    // Deleted: the account ends, its contacts stay.
    house.site().delete_in("Google Contacts", "Our sales", Timestamp::now()).unwrap();
    until(&daemon, "no account", || accounts(&house).is_empty());
    assert_eq!((house.contacts().len(), house.persons().len()), (5, 5));
}

#[test]
fn a_site_that_is_down_or_refuses_changes_nothing_even_over_a_restart() {
    let house = house();
    let name = add_record(&house, record(&house));
    let daemon = house.start();
    until(&daemon, "the first sync", || last_sync_on(&house).is_string());
    drop(daemon);
    // The user of the key loses its role: the list is empty now, and the record may still well be there.
    house.site().set_roles("contacts@example.com", &["Sales Master Manager"]);
    let daemon = house.start();
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(accounts(&house)[0]["account"], NAME, "{}", daemon.log());
    house.site().set_roles("contacts@example.com", &["System Manager"]);
    edit_record(&house, &name, json!({ "enable": 0 }));
    until(&daemon, "no account", || accounts(&house).is_empty());
}

#[test]
fn a_table_with_the_same_address_overrides_what_it_sets_and_gives_the_name() {
    let house = house();
    add_record(&house, record(&house));
    house.write(
        "conf.d/sales.toml",
        "[accounts.sales]\nemail_id = \"Sales@Example.com\"\npush_to_google_contacts = false\n",
    );
    house.settle();
    let listed = accounts(&house);
    assert_eq!(listed.len(), 1);
    assert_eq!(
        (
            &listed[0]["account"],
            &listed[0]["push_to_google_contacts"],
            &listed[0]["pull_from_google_contacts"]
        ),
        (&json!("sales"), &json!(false), &json!(true))
    );
    assert!(last_sync_on(&house).is_string());
}

#[test]
fn an_account_without_a_consent_waits_and_says_where_to_give_it() {
    let house = house();
    let mut without = record(&house);
    without["refresh_token"] = Value::Null;
    let name = add_record(&house, without);
    let synced = house.sync();
    let told = synced.report["error"].as_str().unwrap().to_owned();
    assert_eq!(synced.exit, 77, "{told}");
    assert!(told.contains("/app/google-contacts/GC-sales@example.com"), "{told}");
    let daemon = house.start();
    edit_record(&house, &name, json!({ "refresh_token": house.refresh_token }));
    daemon.wait_for("authorization.granted");
    until(&daemon, "a sync", || last_sync_on(&house).is_string());
    drop(daemon);

    // Who revokes here is not authorized again behind his back.
    assert!(house.run(&["revoke", NAME]).status.success());
    assert_eq!(house.sync().exit, 77);
    assert_eq!(house.sync().exit, 77);
    let mended = house.google().issue_refresh_token(EMAIL, &["https://www.googleapis.com/auth/contacts"]);
    edit_record(&house, &name, json!({ "refresh_token": mended.unwrap() }));
    house.settle();
}

#[test]
fn the_account_waits_while_the_site_s_own_integration_would_insert_duplicates() {
    let house = house();
    stop_built_in(&house, 0);
    add_record(&house, record(&house));
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    let synced = house.sync();
    let told = synced.report["error"].as_str().unwrap().to_owned();
    assert_eq!((synced.exit, synced.report["outcome"].as_str()), (78, Some("failed")), "{told}");
    assert!(told.contains("google_contacts.sync") && told.contains("doctor --fix"), "{told}");
    assert_eq!(house.contacts().len(), 0);
    let daemon = house.start();
    daemon.wait_for("account.refused");
    let status = house.run(&["status"]);
    let status = String::from_utf8_lossy(&status.stdout).into_owned();
    assert!(status.contains("refused") && status.contains("doctor --fix"), "{status}");
    stop_built_in(&house, 1);
    until(&daemon, "the contact", || house.contacts().len() == 1);
}

#[test]
fn how_bare_numbers_are_compared_is_said_once_with_the_country_of_the_site() {
    let house = house();
    let config = std::fs::read_to_string(house.path("config.toml")).unwrap();
    house.write("config.toml", &config.replace("region = \"SA\"\n", ""));
    add_record(&house, record(&house));
    let daemon = house.start();
    daemon.wait_for("region.not_set");
    let log = daemon.log();
    let line = log.lines().find(|line| line.contains("region.not_set")).unwrap();
    assert!(line.contains(NAME) && line.contains("Saudi Arabia"), "{line}");
    assert_eq!(log.matches("region.not_set").count(), 1);
}

#[test]
fn what_a_system_manager_may_have_mended_is_mended_once() {
    let house = house();
    stop_built_in(&house, 0);
    let name = add_record(&house, record(&house));
    let mut pushed = contact("Alan", "Turing", "alan@example.com", "");
    // Pulled, so that the site calls nobody while it is made.
    for (key, value) in [("pulled_from_google_contacts", json!(1)), ("sync_with_google_contacts", json!(1))] {
        pushed[key] = value;
    }
    pushed["google_contacts"] = json!(name);
    house.add_contact(pushed);
    let keys = house.site().add_user("manager@example.com", &["System Manager"]);
    let config = std::fs::read_to_string(house.path("config.toml")).unwrap();
    let url = config.lines().find_map(|line| line.strip_prefix("url = ")).unwrap().trim_matches('"');
    let transport = std::sync::Arc::new(ReqwestTransport::new(&TransportOptions::default()).unwrap());
    let options = SiteOptions::new(url.parse().unwrap(), keys.api_key, keys.api_secret.into());
    let site = SiteClient::new(transport, options).unwrap();
    let webhook = |secret: &str| WantedWebhook {
        url: "http://127.0.0.1:8765/".parse().unwrap(),
        secret: secret.to_owned().into(),
        user: "contacts@example.com".to_owned(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let records = site.account_records().await.unwrap();
        let wanted = webhook("one");
        let remedies = site.remedies(&records, Some(&wanted)).await.unwrap();
        assert_eq!(
            remedies,
            [
                Remedy::StopBuiltIn { job: "google_contacts.sync".to_owned() },
                Remedy::ReleaseContacts { record: name.clone(), contacts: 1 },
                Remedy::Webhook { event: "on_update", existing: None },
                Remedy::Webhook { event: "on_trash", existing: None },
            ]
        );
        for remedy in &remedies {
            site.mend(remedy, Some(&wanted)).await.unwrap();
        }
        assert_eq!(site.remedies(&records, Some(&wanted)).await.unwrap(), []);
        // Another secret is put into the documents that are there.
        let wanted = webhook("two");
        for remedy in site.remedies(&records, Some(&wanted)).await.unwrap() {
            assert!(matches!(&remedy, Remedy::Webhook { existing: Some(_), .. }), "{remedy}");
            site.mend(&remedy, Some(&wanted)).await.unwrap();
        }
        assert_eq!(site.remedies(&records, Some(&wanted)).await.unwrap(), []);
    });
    assert_eq!(house.contacts()[0]["sync_with_google_contacts"], 0);
    let hooks = house.site().documents("Webhook");
    assert_eq!(hooks.len(), 2);
    assert!(hooks.iter().all(|hook| hook["webhook_json"] == "{}"), "no contact leaves the site by this way");
    house.settle();
}

#[test]
fn the_doctor_finds_the_sites_own_integration_at_work_and_its_fix_stops_it_and_makes_the_webhooks() {
    let house = house();
    stop_built_in(&house, 0);
    add_record(&house, record(&house));
    house.write("webhook-secret", "hush");
    let hook = format!(
        "[dafater.webhook]\nlisten = \"127.0.0.1:8765\"\nsecret_file = \"{}\"\n",
        at(&house, "webhook-secret")
    );
    house.write("conf.d/20.toml", &hook);
    let keys = house.site().add_user("manager@example.com", &["System Manager"]);
    house.write("key", &format!("{}:{}", keys.api_key, keys.api_secret));
    let job = || {
        let output = house.run(&["doctor", "--json"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let mut checks = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        checks.find(|check| check["check"] == "built-in job").unwrap()
    };
    let found = job();
    assert_eq!(found["grade"], "warn", "{found}");
    assert!(found["message"].as_str().unwrap().ends_with("doubles contacts of 1 account"), "{found}");
    let fixed = house.run(&["doctor", "--fix", "--system-manager-key-file", &at(&house, "key"), "--yes"]);
    let told = String::from_utf8_lossy(&fixed.stdout).into_owned();
    assert_eq!(fixed.status.code(), Some(0), "{told}");
    assert_eq!(job()["grade"], "ok");
    assert_eq!(house.site().documents("Webhook").len(), 2, "{told}");
}

fn at(house: &House, name: &str) -> String {
    house.path(name).display().to_string()
}
