//! What the documents say is so.

use std::collections::BTreeMap;
use std::process::Command;

use crate::files::{File, all, root};

/// Documents whose commands must exist.
const DOCUMENTS: &[&str] = &["README.md", "docs/operations.md"];

const PROGRAM: &str = "dafater-contactsd";

/// The commands in the fenced blocks of a document, each as its words behind the program's name.
fn commands(document: &str) -> Vec<Vec<String>> {
    let mut is_code = false;
    let mut commands = Vec::new();
    for line in document.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            let line = line.split(" #").next().unwrap_or_default();
            commands.extend(line.split(['|', ';', '&']).filter_map(command));
        }
    }
    commands
}

fn command(text: &str) -> Option<Vec<String>> {
    let words: Vec<&str> = text.split_whitespace().collect();
    // After `-u` it is a user or a unit.
    let program = (0..words.len()).find(|&at| words[at] == PROGRAM && (at == 0 || words[at - 1] != "-u"));
    let cargo = || {
        words.windows(2).position(|pair| pair == ["cargo", "run"])?;
        words.iter().position(|word| *word == "--")
    };
    // `systemctl … dafater-contactsd`, `apt …`, `journalctl -u …` name it too, and do not run it.
    let at = match program {
        Some(0) => 0,
        Some(at)
            if words[0] == "sudo" && !matches!(words[1], "systemctl" | "journalctl" | "apt" | "install") =>
        {
            at
        }
        _ => cargo()?,
    };
    Some(words[at + 1..].iter().map(|word| (*word).to_owned()).collect())
}

/// What is wrong with a command, by the help of the program.
fn offence(words: &[String], help: &mut impl FnMut(&[&str]) -> Option<String>) -> Option<String> {
    let shown = format!("`{PROGRAM} {}`", words.join(" "));
    let is_option = |word: &&String| word.starts_with("--");
    let mut path: Vec<&str> = Vec::new();
    let mut text = help(&path)?;
    for word in words {
        if !lists(&text, word) {
            break;
        }
        path.push(word);
        text = help(&path)?;
    }
    if path.is_empty() && !words.iter().any(|word| matches!(word.as_str(), "--help" | "--version")) {
        return Some(format!("{shown}: there is no such command"));
    }
    let missing = words.iter().filter(is_option).find(|option| {
        let name = option.split('=').next().unwrap_or_default();
        !text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '[' | '=')).any(|word| word == name)
    })?;
    Some(format!("{shown}: its help does not know {missing}"))
}

/// Whether a help text lists `word` under "Commands:".
fn lists(help: &str, word: &str) -> bool {
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .any(|line| line.split_whitespace().next() == Some(word))
}

/// The help of the program that was built, each page asked for once.
fn helper() -> impl FnMut(&[&str]) -> Option<String> {
    let mut pages: BTreeMap<String, Option<String>> = BTreeMap::new();
    move |path| {
        pages
            .entry(path.join(" "))
            .or_insert_with(|| {
                let answer = Command::new(env!("CARGO_BIN_EXE_dafater-contactsd"))
                    .args(path)
                    .arg("--help")
                    .output()
                    .unwrap();
                assert!(answer.status.success(), "`{PROGRAM} {} --help` fails", path.join(" "));
                Some(String::from_utf8(answer.stdout).unwrap())
            })
            .clone()
    }
}

#[test]
fn every_command_in_the_documents_exists() {
    let mut help = helper();
    let mut offences = Vec::new();
    let mut count = 0;
    for document in DOCUMENTS {
        for words in commands(&File::read(document).text) {
            count += 1;
            offences.extend(offence(&words, &mut help).map(|offence| format!("{document}: {offence}")));
        }
    }
    assert!(count > 10, "the commands of the documents were not found");
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn every_command_in_the_units_exists() {
    let mut help = helper();
    let mut count = 0;
    for unit in all().iter().filter(|file| file.path.starts_with("systemd/")) {
        for line in unit.text.lines().filter(|line| line.starts_with("Exec")) {
            let Some((_, command)) = line.split_once("=/usr/bin/dafater-contactsd ") else {
                assert!(line.ends_with('='), "{}: {line} runs another program", unit.path);
                continue;
            };
            count += 1;
            let words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
            assert_eq!(offence(&words, &mut help), None, "{}", unit.path);
        }
    }
    assert!(count >= 4, "the commands of the units were not found");
}

#[test]
fn every_credential_of_the_units_is_one_that_the_configuration_knows() {
    let manual = File::read("docs/configuration.md").text;
    let mut count = 0;
    for unit in all().iter().filter(|file| file.path.starts_with("systemd/")) {
        for line in unit.text.lines().filter(|line| line.starts_with("LoadCredential")) {
            let name = line.split_once('=').unwrap().1.split(':').next().unwrap();
            assert!(manual.contains(&format!("systemd credential `{name}`")), "{}: {name}", unit.path);
            count += 1;
        }
    }
    assert!(count >= 4, "the credentials of the units were not found");
}

#[test]
fn the_unit_lets_the_daemon_see_who_calls_and_does_not_repeat_what_cannot_help() {
    let unit = File::read("systemd/dafater-contactsd.service").text;
    let value = |key: &str| {
        unit.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or_else(|| panic!("no {key}="))
    };
    assert_eq!(value("PrivateUsers"), "no");
    assert_eq!(value("Type"), "notify");
    assert_eq!(value("RuntimeDirectoryMode"), "0755", "Desk Users must reach the control socket");
    assert_eq!(value("StateDirectoryMode"), "0700");
    for code in ["64", "65", "77", "78"] {
        assert!(value("RestartPreventExitStatus").split(' ').any(|listed| listed == code), "{code}");
    }
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let mut help = |path: &[&str]| {
        Some(match path {
            [] => "Usage: x\n\nCommands:\n  sync  Sync now\n\nOptions:\n  -h, --help".to_owned(),
            _ => "Usage: x sync\n\nOptions:\n      --full  Whole\n  -h, --help".to_owned(),
        })
    };
    let document = "```\nsudo -u dafater-contactsd dafater-contactsd sync sales --full  # whole\ndafater-contactsd sync --all\n\
                    cargo run --release -- snyc\nsystemctl start dafater-contactsd\n```\ndafater-contactsd nonsense\n";
    let found: Vec<String> =
        commands(document).iter().filter_map(|words| offence(words, &mut help)).collect();
    assert_eq!(
        found,
        [
            "`dafater-contactsd sync --all`: its help does not know --all",
            "`dafater-contactsd snyc`: there is no such command"
        ]
    );
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut offences = Vec::new();
    for document in all().iter().filter(|file| file.path.to_ascii_lowercase().ends_with(".md")) {
        let folder = root().join(&document.path).parent().unwrap().to_owned();
        for link in document.text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap_or_default();
            let is_local =
                !target.is_empty() && !target.contains(':') && !target.contains(char::is_whitespace);
            if is_local && !folder.join(target).exists() {
                offences.push(format!("{}: nothing stands at {link}", document.path));
            }
        }
    }
    assert!(offences.is_empty(), "{}", offences.join("\n"));
}

#[test]
fn no_file_knows_the_machine_on_which_it_was_written() {
    // Written in halves, so that this file does not find itself.
    let mut traces = vec![
        concat!("/wo", "rk/").to_owned(),
        concat!("/ro", "ot/").to_owned(),
        concat!("/Use", "rs/").to_owned(),
    ];
    let here = root().to_str().unwrap();
    if here.matches('/').count() > 1 {
        traces.push(here.to_owned());
    }
    let mut offences = Vec::new();
    for file in all() {
        for (number, line) in file.text.lines().enumerate() {
            if let Some(trace) = traces.iter().find(|trace| line.contains(trace.as_str())) {
                offences.push(format!("{}:{}: {trace}", file.path, number + 1));
            }
        }
    }
    assert!(offences.is_empty(), "paths of one machine:\n{}", offences.join("\n"));
}
