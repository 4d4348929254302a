//! What the pure modules keep away from.

use crate::files::{File, sources};
use crate::paths::named_in;

/// Modules that are functions of values: no task, no file, no network, no clock, no chance, no order that differs from run to run.
const PURE: &[&str] = &["account", "contact", "mapping", "sync"];

/// Modules that are given the time and their randomness, and touch no socket: the models of the sandbox.
const MODELS: &[&str] = &["sandbox::google", "sandbox::dafater"];

const NO_OUTSIDE: &[&str] = &[
    "tokio",
    "hyper",
    "reqwest",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::os",
    "std::time::SystemTime",
    "std::time::Instant",
    "SystemTime::now",
    "Instant::now",
    "Timestamp::now",
    "Zoned::now",
    "jiff::Timestamp::now",
    "jiff::Zoned::now",
    "rand::random",
    "rand::thread_rng",
];

const NO_CHANCE: &[&str] = &[
    "rand",
    "tracing",
    "futures_util",
    "std::collections::HashMap",
    "std::collections::HashSet",
    // What tells one task of another. `Arc` and `OnceLock` do not: a value is shared, or worked out once.
    "std::sync::atomic",
    "std::sync::mpsc",
    "std::sync::Barrier",
    "std::sync::Condvar",
    "std::sync::LazyLock",
    "std::sync::Mutex",
    "std::sync::RwLock",
];

fn offences(file: &File) -> Vec<String> {
    let module = file.modules().join("::");
    let is_one_of = |modules: &[&str]| {
        modules.iter().any(|known| module == *known || module.starts_with(&format!("{known}::")))
    };
    let forbidden: Vec<&str> = match (is_one_of(PURE), is_one_of(MODELS)) {
        (true, _) => NO_OUTSIDE.iter().chain(NO_CHANCE).copied().collect(),
        (false, true) => NO_OUTSIDE.to_vec(),
        (false, false) => Vec::new(),
    };
    named_in(&file.text, &file.modules())
        .iter()
        .filter_map(|named| {
            let hit = forbidden.iter().find(|prefix| named.begins_with(prefix))?;
            Some(format!("{}:{}: {module} is pure and uses `{hit}`", file.path, named.line))
        })
        .collect()
}

#[test]
fn decisions_are_functions_of_values() {
    let offences: Vec<String> =
        sources().iter().filter(|file| !file.is_of_tests()).flat_map(offences).collect();
    assert!(offences.is_empty(), "what must be pure is not:\n{}", offences.join("\n"));
}

#[test]
fn a_clock_a_file_or_a_task_in_a_pure_module_is_found() {
    for text in [
        "let now = jiff::Timestamp::now();",
        "use std::{collections::BTreeMap, fs};",
        "tokio::spawn(async {});",
        "use std::collections::HashMap;",
    ] {
        let file = |path: &str| File { path: path.to_owned(), text: text.to_owned() };
        assert_eq!(offences(&file("src/sync/plan.rs")).len(), 1, "{text}");
        assert_eq!(offences(&file("src/daemon/life.rs")), Vec::<String>::new(), "{text}");
    }
}
