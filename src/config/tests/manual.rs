use super::*;
use crate::config::kind::Kind;
use crate::config::layout::{SECTIONS, account_keys, compiled_in, key_at};
use crate::config::schema::{Key, Need};
use crate::config::tree::{Value, leaves};
use crate::config::{check_config, example, reference};
use crate::sync::{ConflictPolicy, DeletionPolicy, FirstSync, Scope};

/// The committed files that are generated, with what they should hold.
fn generated() -> [(PathBuf, String); 2] {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    [
        (root.join("packaging/example/config.toml"), example()),
        (root.join("docs/configuration.md"), reference()),
    ]
}

#[test]
fn the_committed_example_and_reference_are_the_generated_ones() {
    for (path, text) in generated() {
        let stale = "is stale; run `cargo test --lib write_the_manual -- --ignored`";
        assert!(fs::read_to_string(&path).is_ok_and(|found| found == text), "{} {stale}", name(&path));
    }
}

#[test]
#[ignore = "it rewrites the example and the reference"]
fn write_the_manual() {
    for (path, text) in generated() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

#[test]
fn the_example_passes_its_own_check() {
    let etc = Etc::empty();
    etc.write("config.toml", &example().replace("/etc/dafater-contactsd/credentials/", "DIR/"));
    etc.write("api-secret", "one\n");
    etc.write("client-secret", "two\n");
    let answer = check_config(&etc.sources(), false);
    assert_eq!(
        (answer.text.as_str(), answer.accepted),
        ("The configuration is valid: 1 account from 1 file.\n", true)
    );
}

#[test]
fn the_example_shows_every_key_and_each_shown_default_is_the_default() {
    let everything: String = example()
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with([' ', '#'])).unwrap_or(line))
        .collect::<Vec<_>>()
        .join("\n");
    let shown: toml::Table = everything.parse().unwrap();
    let table = |name: &str| shown[name].as_table().unwrap();
    for section in SECTIONS {
        assert_eq!(names(section.keys), table(section.name).keys().cloned().collect());
    }
    let both = table("defaults").keys().chain(shown["accounts"]["sales"].as_table().unwrap().keys());
    assert_eq!(names(account_keys()), both.cloned().collect());
    for (path, entry) in leaves(&compiled_in()) {
        let value =
            path.names().iter().fold(&toml::Value::Table(shown.clone()), |at, name| &at[name]).to_string();
        assert_eq!(value, entry.value.to_string(), "{path}");
    }
}

fn names(keys: &[Key]) -> std::collections::BTreeSet<String> {
    keys.iter().map(|key| key.name.to_owned()).collect()
}

#[test]
fn the_reference_says_what_each_key_is_for() {
    let keys = SECTIONS.iter().flat_map(|section| section.keys).chain(account_keys());
    for key in keys {
        assert!(reference().contains(&format!("### `{}`", key.name)), "{}", key.name);
        assert!(key.about.first().is_some_and(|line| line.len() > 20), "{} is not described", key.name);
    }
}

#[test]
fn every_default_and_every_sample_is_a_value_that_its_key_takes() {
    fn check(keys: &[Key]) {
        for key in keys {
            let (Need::Required(toml)
            | Need::Identity(toml)
            | Need::Own(toml)
            | Need::Usual(toml)
            | Need::Optional(toml)
            | Need::Default(toml)) = key.need;
            let value = crate::config::document::parse_value(toml, &crate::config::Place::Default);
            // The sample of a secret only stands for one.
            if !matches!(key.kind, Kind::Secret) {
                assert_eq!(value.map(|value| key.kind.fault(&value)), Some(None), "{}", key.name);
            }
            if let Kind::Table(inner) = key.kind {
                check(inner);
            }
        }
    }
    for section in SECTIONS {
        check(section.keys);
    }
    check(account_keys());
}

#[test]
fn the_words_of_a_choice_are_the_words_of_its_type() {
    fn words<Choice: serde::de::DeserializeOwned>(path: &[&str]) {
        let path: Vec<String> = path.iter().map(|name| (*name).to_owned()).collect();
        let Kind::Choice(words) = key_at(&path).unwrap().kind else { panic!("{path:?} is no choice") };
        let read = |word: &str| serde_json::from_value::<Choice>(word.into());
        assert!(words.iter().all(|word| read(word).is_ok()), "{path:?}");
        // serde names the words that it knows.
        let known = read("nonsense").err().unwrap().to_string();
        assert_eq!(known.matches('`').count() / 2 - 1, words.len(), "{known}");
    }
    words::<ConflictPolicy>(&["defaults", "conflict"]);
    words::<DeletionPolicy>(&["defaults", "deletions"]);
    words::<FirstSync>(&["accounts", "x", "first_sync"]);
    words::<crate::config::LogFormat>(&["log", "format"]);
}

#[test]
fn the_keys_of_a_scope_are_those_of_its_type() {
    let Kind::Table(keys) = key_at(&["defaults".into(), "scope".into()]).unwrap().kind else { panic!() };
    let scope = serde_json::to_value(Scope::default()).unwrap();
    assert_eq!(names(keys), scope.as_object().unwrap().keys().cloned().collect());
}

#[test]
fn the_defaults_alone_make_the_types_that_the_rest_of_the_daemon_expects() {
    let config = Etc::valid().loaded().config;
    let account = config.accounts.values().next().unwrap();
    let policy = account.policy();
    assert_eq!((policy.pull, policy.push, policy.max_deletes_percent), (true, true, 10));
    assert_eq!((policy.conflict, policy.deletions, policy.first_sync), Default::default());
    assert_eq!((policy.scope, account.google_label()), (Scope::default(), Some("Dafater")));
    assert_eq!(account.schedule.to_string(), "0 */5 * * * *");
    assert_eq!(
        (config.history.keep.to_string(), config.dafater.overlap.to_string()),
        ("90d".into(), "5m".into())
    );
    assert_eq!(compiled_in().get("accounts").map(|entry| entry.value == Value::Table([].into())), Some(true));
}
