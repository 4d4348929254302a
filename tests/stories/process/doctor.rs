//! The self-test, and the repair of a site that lacks something.

use std::io::Write as _;
use std::process::{Output, Stdio};

use serde_json::{Value, json};

use crate::house::House;
use crate::world::{contact, person};

const USER: &str = "contacts@example.com";
const MANAGER: &str = "boss@example.com";

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

fn checks(house: &House) -> Vec<Value> {
    let output = house.run(&["doctor", "--json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Grades by check, of those that are not well.
fn unwell(checks: &[Value]) -> Vec<String> {
    let word =
        |check: &Value| format!("{} {}", check["grade"].as_str().unwrap(), check["check"].as_str().unwrap());
    checks.iter().filter(|check| check["grade"] != "ok").map(word).collect()
}

/// The daemon's user has just these roles from now on.
fn demote(house: &House, roles: &[&str]) {
    let keys = house.site().add_user(USER, roles);
    let text = format!("[dafater]\napi_key = \"{}\"\napi_secret = \"{}\"\n", keys.api_key, keys.api_secret);
    house.write("conf.d/10-user.toml", &text);
}

/// The key of a System Manager, in a file.
fn manager_key(house: &House) -> String {
    let keys = house.site().add_user(MANAGER, &["System Manager"]);
    house.write("manager-key", &format!("{}:{}\n", keys.api_key, keys.api_secret));
    house.path("manager-key").display().to_string()
}

#[test]
fn a_healthy_house_passes_with_and_without_the_daemon() {
    let house = House::authorized("");
    house.site().add_custom_field("custom_dafater_contactsd_key", "Contacts Sync Key", true, false);
    house.settle();
    let alone = checks(&house);
    assert_eq!(unwell(&alone), ["warn daemon", "warn export"], "{alone:#?}");
    assert!(
        alone.iter().any(|check| check["check"] == "account sales" && check["grade"] == "ok"),
        "{alone:#?}"
    );

    let daemon = house.start();
    daemon.wait_for("daemon.ready");
    let with_daemon = checks(&house);
    assert!(unwell(&with_daemon).iter().all(|check| check == "warn export"), "{with_daemon:#?}");
    let output = house.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("right to delete Contact"), "{}", said(&output));
}

#[test]
fn what_fails_exits_as_the_same_failure_does_elsewhere() {
    let unauthorized = House::new();
    assert_eq!(unauthorized.sync().exit, 77);
    assert_eq!(unauthorized.run(&["doctor"]).status.code(), Some(77));

    let wrong_key = House::authorized("");
    wrong_key.site().rotate_keys(USER).unwrap();
    let output = wrong_key.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(77), "{}", said(&output));
    assert!(said(&output).contains("FAIL  site"), "{}", said(&output));
    assert_eq!(wrong_key.run(&["check-config", "--environment"]).status.code(), Some(77));

    let refused = House::authorized("");
    refused.write("conf.d/20.toml", "[accounts.sales]\nlabell = \"x\"\n");
    assert_eq!(refused.run(&["doctor"]).status.code(), Some(78));
}

#[test]
fn what_the_user_may_not_do_is_said_by_the_doctor_the_check_the_daemon_and_the_status() {
    let house = House::authorized("");
    demote(&house, &["Sales User"]);
    house.site().add_custom_field("custom_dafater_contactsd_key", "Contacts Sync Key", true, false);
    let found = checks(&house);
    let unwell = unwell(&found);
    for right in ["delete Contact", "read Deleted Document", "read System Settings"] {
        assert!(unwell.contains(&format!("warn right to {right}")), "{unwell:?}");
    }
    assert!(unwell.iter().any(|check| check == "warn time zone"), "{unwell:?}");
    let checked = house.run(&["check-config", "--environment"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
    assert!(said(&checked).contains("right to delete Contact: missing"), "{}", said(&checked));

    let daemon = house.start();
    daemon.wait_for("site.right_missing");
    let log = daemon.log();
    assert_eq!(log.matches("\"site.right_missing\"").count(), 3, "once for each right:\n{log}");
    let status = house.run(&["status"]);
    assert!(said(&status).contains("may not delete Contact"), "{}", said(&status));
}

#[test]
fn contacts_of_the_built_in_integration_are_counted_and_never_made() {
    let house = House::authorized("");
    let name = house.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    house.site().poison(&name, json!({ "sync_with_google_contacts": 1 }));
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    house.settle();
    let found = checks(&house);
    let built_in = found.iter().find(|check| check["check"] == "built-in integration").unwrap();
    assert_eq!(built_in["grade"], "warn");
    assert!(built_in["message"].as_str().unwrap().starts_with("1 contact with"), "{built_in}");
    let flags: Vec<_> =
        house.contacts().iter().map(|contact| contact["sync_with_google_contacts"].clone()).collect();
    assert_eq!(flags.iter().filter(|flag| **flag == json!(1)).count(), 1);
}

#[test]
fn the_fix_makes_the_role_and_the_field_once_and_keeps_no_key() {
    let house = House::authorized("");
    demote(&house, &[]);
    let key = manager_key(&house);
    let text = std::fs::read_to_string(house.path("manager-key")).unwrap();
    let secret = text.trim().split(':').nth(1).unwrap().to_owned();

    // Nobody agrees: nothing is made.
    let mut child = house
        .command(&["doctor", "--fix", "--system-manager-key-file", &key])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"n\n").unwrap();
    let refused = child.wait_with_output().unwrap();
    assert!(
        said(&refused).contains("nothing was made") && said(&refused).contains("will be made"),
        "{}",
        said(&refused)
    );
    assert!(house.site().documents("Role").is_empty());

    let fixed = house.run(&["doctor", "--fix", "--system-manager-key-file", &key, "--yes"]);
    assert_eq!(fixed.status.code(), Some(0), "{}", said(&fixed));
    assert_eq!(String::from_utf8_lossy(&fixed.stdout).matches("made ").count(), 10, "{}", said(&fixed));
    let again = house.run(&["doctor", "--fix", "--system-manager-key-file", &key, "--yes"]);
    assert!(said(&again).contains("nothing is missing"), "{}", said(&again));

    let found = checks(&house);
    let rights = unwell(&found);
    assert!(rights.iter().all(|check| !check.contains("right")), "{rights:?}");
    assert!(
        !rights.iter().any(|check| check.contains("safe creates") || check.contains("time zone")),
        "{rights:?}"
    );

    // With just that role everything goes across, deletions too.
    house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    house.settle();
    assert_eq!(house.contacts().len(), 1);
    assert_eq!(house.contacts()[0]["custom_dafater_contactsd_key"].as_str().unwrap().len(), 24);
    let resource = house.persons()[0]["resourceName"].as_str().unwrap().to_owned();
    house.google().delete_person(crate::world::EMAIL, &resource, jiff::Timestamp::now()).unwrap();
    house.settle();
    assert_eq!(house.contacts().len(), 0);

    for kept in walk(house.dir.path()) {
        let is_given = kept.ends_with("manager-key");
        let bytes = std::fs::read(&kept).unwrap();
        let holds = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
        assert!(is_given || !holds, "{} holds the key", kept.display());
    }
    assert!(!said(&fixed).contains(&secret));
}

#[test]
fn a_key_of_somebody_else_makes_nothing_and_says_who_is_needed() {
    let house = House::authorized("");
    let keys = house.site().add_user("layla@example.com", &["Sales User"]);
    house.write("key", &format!("{}:{}", keys.api_key, keys.api_secret));
    let key = house.path("key").display().to_string();
    let output = house.run(&["doctor", "--fix", "--system-manager-key-file", &key, "--yes"]);
    assert_eq!(output.status.code(), Some(77), "{}", said(&output));
    assert!(said(&output).contains("System Manager"), "{}", said(&output));
    assert!(house.site().documents("Role").is_empty());
}

fn walk(directory: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walk(&path));
        } else if path.is_file() {
            files.push(path);
        }
    }
    files
}
