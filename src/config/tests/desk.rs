use super::*;
use crate::account::AccountRecord;
use crate::config::{Config, WithDesk};

const DESK: &str = "dafater.accounts_from_google_contacts=true";

fn record(email_id: &str) -> AccountRecord {
    AccountRecord {
        name: format!("GC-{email_id}"),
        creation: format!("2026-01-01 00:00:00.{:06}", email_id.len()),
        email_id: email_id.to_owned(),
        enable: true,
        pull: true,
        push: false,
        has_consent: false,
    }
}

fn names(joined: &WithDesk) -> Vec<String> {
    joined.config.accounts.keys().map(ToString::to_string).collect()
}

#[test]
fn records_count_only_where_the_configuration_wants_them() {
    let records = [record("support@example.com")];
    let config = Etc::valid().loaded().config;
    assert_eq!(names(&config.with_desk(&records)), ["sales"]);
    let config = Etc::valid().set(DESK).loaded().config;
    assert_eq!(names(&config.with_desk(&records)), ["sales", "support-at-example.com"]);
}

#[test]
fn a_record_lies_above_the_defaults_and_below_the_table_with_its_address() {
    let defaults = "[defaults]\npush_to_google_contacts = true\nconflict = \"google\"\n";
    let etc = Etc::valid_and(&format!("pull_from_google_contacts = false\n{defaults}")).set(DESK);
    let joined = etc.loaded().config.with_desk(&[record("Sales@Example.com"), record("support@example.com")]);
    let account = |name: &str| &joined.config.accounts[&name.parse().unwrap()];
    let of = |name: &str| {
        let account = account(name);
        (account.pull_from_google_contacts, account.push_to_google_contacts)
    };
    assert_eq!(of("sales"), (false, false), "the table's pull, the record's push");
    assert_eq!(of("support-at-example.com"), (true, false));
    assert_eq!(account("sales").email_id, "sales@example.com");
    assert_eq!(account("support-at-example.com").policy().conflict, crate::sync::ConflictPolicy::Google);
    let behind: Vec<_> = joined.records.values().map(|record| record.name.as_str()).collect();
    assert_eq!(behind, ["GC-Sales@Example.com", "GC-support@example.com"]);
}

#[test]
fn a_disabled_record_is_no_account_and_disables_the_table_with_its_address() {
    let config = Etc::valid().set(DESK).loaded().config;
    let off = |email: &str| AccountRecord { enable: false, ..record(email) };
    let joined = config.with_desk(&[off("sales@example.com"), off("support@example.com")]);
    assert_eq!(names(&joined), ["sales"]);
    assert!(!joined.config.accounts.values().next().unwrap().enable);
}

#[test]
fn names_are_valid_and_distinct_and_depend_on_the_address_alone() {
    let config = Etc::valid_and("[accounts.\"info-at-example.com\"]\nemail_id = \"other@example.com\"\n");
    let config = config.set(DESK).loaded().config;
    let long = format!("{}@example.com", "x".repeat(60));
    let odd = ["a+b@example.com", "a-b@example.com", "A_b@example.com", "info@example.com", &long];
    let records: Vec<AccountRecord> = odd.iter().map(|email| record(email)).collect();
    let mut backwards = records.clone();
    backwards.reverse();
    let joined = config.with_desk(&records);
    assert_eq!(names(&joined), names(&config.with_desk(&backwards)));
    assert_eq!((names(&joined).len(), joined.records.len()), (odd.len() + 2, odd.len()));
    for record in &records {
        let alone = config.with_desk(std::slice::from_ref(record));
        let name = alone.records.keys().next().unwrap();
        assert_eq!(joined.records[name], *record, "{name}");
    }
    assert!(names(&joined).contains(&"a_b-at-example.com".to_owned()));
}

#[test]
fn a_record_that_cannot_be_used_is_told_and_takes_nothing_from_the_others() {
    let config = Etc::valid().set(DESK).loaded().config;
    let twin = AccountRecord {
        name: "Sales again".to_owned(),
        creation: "2027-01-01 00:00:00".to_owned(),
        email_id: "SUPPORT@example.com".to_owned(),
        ..record("support@example.com")
    };
    let joined = config.with_desk(&[twin, record("not an address"), record("support@example.com")]);
    assert_eq!(names(&joined), ["sales", "support-at-example.com"]);
    let told: Vec<String> =
        joined.findings.iter().map(|finding| format!("{}: {}", finding.place, finding.message)).collect();
    assert_eq!(
        told,
        [
            "Google Contacts GC-not an address: the record names no address of a Google account and is passed over",
            "Google Contacts Sales again: an older record names the same Google account; this one is passed over",
        ]
    );
}

#[test]
fn what_a_record_changes_is_a_change_of_its_account_and_of_no_other() {
    let config = Etc::valid().set(DESK).loaded().config;
    let before = config.with_desk(&[record("support@example.com"), record("info@example.com")]).config;
    let changed = AccountRecord { push: true, ..record("support@example.com") };
    // Joined again, whatever was joined before is forgotten.
    let after = before.with_desk(&[changed]).config;
    let keys: Vec<String> =
        Config::diff(&before, &after).into_iter().map(|change| change.key.to_string()).collect();
    assert_eq!(
        keys,
        ["accounts.\"info-at-example.com\"", "accounts.\"support-at-example.com\".push_to_google_contacts"]
    );
    assert_eq!(Config::diff(&config, &after.with_desk(&[]).config), []);
}

#[test]
fn neither_an_account_nor_an_oauth_client_is_missed_where_the_desk_gives_them() {
    let etc = Etc::empty();
    etc.write(
        "config.toml",
        "[dafater]\nurl = \"https://erp.example.com\"\napi_key = \"0123456789abcde\"\napi_secret_file = \"DIR/secret\"\n\
         accounts_from_google_contacts = true\n",
    );
    let config = etc.loaded().config;
    assert!(matches!(config.google.client, crate::config::GoogleClient::Site));
    assert_eq!(etc.warnings(), [] as [String; 0]);
    etc.write("conf.d/half.toml", "[google]\nclient_id = \"1.apps\"\n");
    assert_eq!(
        etc.errors(),
        ["conf.d/half.toml:1:2: google.client_secret: the client secret is set nowhere"]
    );
}
