//! Who may use whom.

use std::collections::BTreeSet;

use crate::files::{File, sources};
use crate::paths::named_in;

/// What one module may use of the crate, beside itself.
struct Rule {
    module: &'static str,
    may_use: &'static [&'static str],
    why: &'static str,
}

const fn rule(module: &'static str, may_use: &'static [&'static str], why: &'static str) -> Rule {
    Rule { module, may_use, why }
}

/// The law, from the ground up. The longest name that fits a file is its rule.
const LAW: &[Rule] = &[
    rule("account", &[], "it is a word that all modules share"),
    rule("contact", &[], "the canonical contact knows no remote and no store"),
    rule("mapping", &["contact"], "reading and writing records is the same whatever is decided about them"),
    rule("sync", &["account", "contact", "mapping"], "decisions are values, computed from values"),
    rule("schedule", &[], "when a run is due depends on nothing that a run does"),
    rule("remote", &[], "what both clients share knows neither of them"),
    rule("store", &[], "the store holds bytes and knows nothing of what they mean"),
    rule(
        "google",
        &["account", "contact", "mapping", "remote", "store"],
        "a client knows records, never what the sync decides about them",
    ),
    rule(
        "dafater",
        &["account", "contact", "mapping", "remote"],
        "a client knows records, never what the sync decides about them",
    ),
    rule("state", &["account", "contact", "mapping", "store", "sync"], "what is remembered knows no remote"),
    rule("observe", &["account", "sync"], "events are told to it; it asks nobody"),
    rule(
        "execute",
        &[
            "account", "contact", "dafater", "google", "mapping", "observe", "remote", "state", "store",
            "sync",
        ],
        "the engine runs in a daemon, in a test and in a simulator, and knows none of them",
    ),
    rule(
        "config",
        &["account", "contact", "mapping", "schedule", "sync"],
        "the configuration is a value that is read once; it does not know what is done with it",
    ),
    rule(
        "sandbox::google",
        &[],
        "a stand-in shares no code with the client it stands in for, so that one error cannot hide in both",
    ),
    rule(
        "sandbox::dafater",
        &[],
        "a stand-in shares no code with the client it stands in for, so that one error cannot hide in both",
    ),
    rule(
        "sandbox",
        &["account", "cli", "config", "control", "daemon", "execute", "observe", "remote", "store"],
        "the sandbox judges from outside: it uses nothing of the clients, the mapping and the contact",
    ),
    rule("control", BELOW_THE_COMMANDS, "the control socket serves commands and does not know them"),
    rule("daemon", BELOW_THE_COMMANDS, "the daemon lives without the command line"),
    rule("cli", &["sandbox", ANYTHING], "the command line may know everything"),
];

const ANYTHING: &str = "*";

const BELOW_THE_COMMANDS: &[&str] = &[
    "account", "config", "contact", "control", "daemon", "dafater", "execute", "google", "mapping",
    "observe", "remote", "schedule", "state", "store", "sync",
];

/// What breaks the law in one file, as sentences.
fn offences(file: &File) -> Vec<String> {
    let modules = file.modules();
    let (Some(own), Some(rule)) = (modules.first(), rule_of(&modules)) else {
        return match modules.first() {
            Some(module) => vec![format!("{}: the law does not know the module `{module}`", file.path)],
            None => Vec::new(),
        };
    };
    let allowed =
        |used: &str| used == *own || rule.may_use.contains(&used) || rule.may_use.contains(&ANYTHING);
    named_in(&file.text, &modules)
        .into_iter()
        .filter(|named| named.parts.first().is_some_and(|first| first == "crate"))
        .filter_map(|named| {
            let used = named.parts.get(1).filter(|used| is_module(used) && !allowed(used))?;
            let may =
                if rule.may_use.is_empty() { "nothing else".to_owned() } else { rule.may_use.join(", ") };
            Some(format!(
                "{}:{}: `{}` uses `crate::{used}`\n    it may use: {may}\n    because {}",
                file.path, named.line, rule.module, rule.why
            ))
        })
        .collect()
}

fn rule_of(modules: &[&str]) -> Option<&'static Rule> {
    let own = modules.join("::");
    LAW.iter()
        .filter(|rule| own == rule.module || own.starts_with(&format!("{}::", rule.module)))
        .max_by_key(|rule| rule.module.len())
}

/// Items that stand in `lib.rs` itself are nobody's.
fn is_module(name: &str) -> bool {
    LAW.iter().any(|rule| rule.module == name)
}

#[test]
fn nobody_uses_what_is_not_below_him() {
    let offences: Vec<String> = sources().iter().flat_map(offences).collect();
    assert!(
        offences.is_empty(),
        "the dependency law (tests/architecture/law.rs) is broken:\n{}",
        offences.join("\n")
    );
}

#[test]
fn the_law_knows_every_module_and_no_other() {
    let written: BTreeSet<String> =
        sources().iter().filter_map(|file| file.modules().first().map(|&module| module.to_owned())).collect();
    let known: BTreeSet<String> =
        LAW.iter().filter(|rule| !rule.module.contains("::")).map(|rule| rule.module.to_owned()).collect();
    assert_eq!(written, known, "left: the modules under src; right: the modules of the law");
}

#[test]
fn the_law_has_no_circles_below_the_shell() {
    let mut below = BTreeSet::new();
    for rule in LAW.iter().take_while(|rule| rule.module != "config") {
        for used in rule.may_use {
            assert!(below.contains(used), "`{}` may use `{used}`, which is not below it", rule.module);
        }
        below.insert(rule.module);
    }
    assert!(below.contains("execute"), "the order of the law was not understood");
}

#[test]
fn a_forbidden_edge_is_told_with_its_place_and_reason() {
    let file = File {
        path: "src/google/people/update.rs".to_owned(),
        text: "use crate::mapping::Person;\n\nfn decide() { crate::sync::Plan::default(); }\n".to_owned(),
    };
    assert_eq!(
        offences(&file),
        [concat!(
            "src/google/people/update.rs:3: `google` uses `crate::sync`\n",
            "    it may use: account, contact, mapping, remote, store\n",
            "    because a client knows records, never what the sync decides about them"
        )]
    );
}

#[test]
fn a_stand_in_that_borrows_from_the_daemon_is_found() {
    let file = |text: &str| File { path: "src/sandbox/google/people.rs".to_owned(), text: text.to_owned() };
    assert_eq!(offences(&file("use crate::sandbox::Model;")), Vec::<String>::new());
    for borrowed in ["use crate::mapping::Person;", "use super::super::super::google::Client;"] {
        assert_eq!(offences(&file(borrowed)).len(), 1, "{borrowed}");
    }
}

#[test]
fn a_module_that_the_law_forgot_is_found() {
    let file = File { path: "src/novelty/mod.rs".to_owned(), text: String::new() };
    assert_eq!(offences(&file), ["src/novelty/mod.rs: the law does not know the module `novelty`"]);
}
