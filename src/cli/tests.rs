//! Stories about commands: what is typed, what comes out, with which code.

use std::io::Write;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::control::{Operations, Server};
use crate::daemon::Roster;
use crate::daemon::testing::{
    FakeBackend, FakeFactory, Script, failed, set_arguments, settings_with, surroundings,
};
use crate::execute::{Cause, RunReport};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// What a command left behind.
struct Ran {
    exit: u8,
    out: String,
    err: String,
}

/// A machine with a configuration, without a daemon.
struct Machine {
    factory: Arc<FakeFactory>,
    set: Vec<String>,
    environment: Vec<(OsString, OsString)>,
    input: String,
}

impl Machine {
    fn new(factory: FakeFactory) -> Self {
        Self {
            factory: Arc::new(factory),
            set: set_arguments(&["sales", "support"], &[]),
            environment: Vec::new(),
            input: String::new(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let (out, err) = (Captured::default(), Captured::default());
        let input = std::io::Cursor::new(self.input.clone().into_bytes());
        let console = Console::new(Box::new(out.clone()), Box::new(err.clone()), Box::new(input));
        let wiring = Wiring {
            backend: Arc::new(FakeBackend(Arc::clone(&self.factory))),
            surroundings: surroundings("2026-03-01T10:00:00Z").0,
            environment: self.environment.clone(),
        };
        let program = ["dafater-contactsd".to_owned()].into_iter();
        let set = self.set.iter().map(|argument| format!("--set={argument}"));
        let arguments = arguments.iter().map(|argument| (*argument).to_owned());
        let exit = run(program.chain(arguments).chain(set).map(OsString::from), wiring, console).code();
        Ran { exit, out: out.text(), err: err.text() }
    }
}

/// A daemon that serves `accounts` on a socket in `directory`, as long as the runtime lives.
fn daemon(directory: &Path, accounts: &[&str]) -> (tokio::runtime::Runtime, watch::Sender<Arc<Roster>>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (surroundings, clock) = surroundings("2026-03-01T10:00:00Z");
    let factory = Arc::new(FakeFactory::default());
    let settings = settings_with(accounts, &[]);
    let cancel = CancellationToken::new();
    let roster = Roster::open(settings, factory.as_ref(), &surroundings, &cancel, None).unwrap();
    let (sender, roster) = watch::channel(Arc::new(roster));
    let operations = Operations {
        roster,
        factory,
        surroundings,
        cycles: TaskTracker::new(),
        reloads: None,
        started: clock.time(),
    };
    let _entered = runtime.enter();
    let server = Server::bind(&directory.join("control.sock")).unwrap();
    runtime.spawn(async move { server.serve(Arc::new(operations), cancel, || {}).await });
    (runtime, sender)
}

#[test]
fn the_definition_is_sound_and_lists_only_what_the_contract_knows() {
    definition().debug_assert();
    let known = [
        "run",
        "sync",
        "status",
        "accounts",
        "authorize",
        "revoke",
        "plan",
        "approve",
        "discard",
        "conflicts",
        "review",
        "history",
        "undo",
        "check-config",
        "config",
        "reload",
        "store",
        "doctor",
        "explain",
        #[cfg(feature = "sandbox")]
        "sandbox",
        "man",
        "completions",
    ];
    let names: Vec<String> =
        definition().get_subcommands().map(|command| command.get_name().to_owned()).collect();
    assert_eq!(names, known);
}

#[test]
fn help_and_version_are_answers_and_mistakes_exit_with_64() {
    let machine = Machine::new(FakeFactory::default());
    for arguments in [&["--help"][..], &["--version"], &["sync", "--help"]] {
        let ran = machine.run(arguments);
        assert_eq!((ran.exit, ran.err.as_str()), (0, ""), "{arguments:?}");
        assert!(ran.out.contains("dafater-contactsd") || ran.out.contains("Usage"), "{}", ran.out);
    }
    for arguments in [
        &[][..],
        &["snyc"],
        &["sync", "--fast"],
        &["plan"],
        &["sync", "a/b"],
        &["conflicts", "resolve", "x", "both"],
    ] {
        let ran = machine.run(arguments);
        assert_eq!((ran.exit, ran.out.as_str()), (64, ""), "{arguments:?}");
        assert!(!ran.err.is_empty());
    }
}

#[test]
fn sync_prints_the_line_of_the_contract_for_each_account() {
    let ran = Machine::new(FakeFactory::default()).run(&["sync", "sales", "--json"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let line: serde_json::Value = serde_json::from_str(ran.out.trim()).unwrap();
    let keys: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    let mut expected = [
        "account",
        "outcome",
        "run",
        "google",
        "dafater",
        "linked",
        "conflicts",
        "parked",
        "review",
        "requests",
        "error",
    ];
    expected.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(line["google"], serde_json::json!({"created": 0, "updated": 0, "deleted": 0}));
}

#[test]
fn of_several_accounts_the_highest_code_is_the_exit_code() {
    let revoked = RunReport { cause: Some(Cause::Unauthorized), ..failed("support") };
    let factory = FakeFactory::default()
        .script("sales", [Script::Report(failed("sales"))])
        .script("support", [Script::Report(revoked)]);
    let ran = Machine::new(factory).run(&["sync"]);
    assert_eq!((ran.exit, ran.out.lines().count()), (77, 2));
    assert!(ran.out.contains("sales            failed  the site is down"), "{}", ran.out);
}

#[test]
fn an_account_that_is_not_there_leaves_stdout_empty() {
    let ran = Machine::new(FakeFactory::default()).run(&["plan", "sale"]);
    assert_eq!((ran.exit, ran.out.as_str()), (64, ""));
    assert_eq!(ran.err, "error: there is no account `sale`\n  hint: did you mean `sales`?\n");
}

#[test]
fn status_is_a_table_for_people_and_lines_for_programs() {
    let machine = Machine::new(FakeFactory::default());
    let ran = machine.run(&["status", "sales"]);
    assert_eq!((ran.exit, ran.err.as_str()), (0, "note: no daemon is running\n"));
    insta::assert_snapshot!(ran.out, @r"
    ACCOUNT  STATE         LAST SYNC  NEXT RUN  CURSOR AGE  LINKED  PARKED  CONFLICTS  REVIEW  AUTHORIZED
    sales    never synced  -          -         -           2       0       1          0       yes
    ");
    let ran = machine.run(&["status", "--json"]);
    assert_eq!(ran.out.lines().count(), 2);
    let line: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!((&line["account"], &line["linked"]), (&"sales".into(), &2.into()));
}

#[test]
fn a_configuration_that_cannot_be_used_exits_with_78_and_says_where() {
    let mut machine = Machine::new(FakeFactory::default());
    machine.set.push("accounts.sales.max_deletes_procent=3".to_owned());
    for arguments in [&["status"][..], &["sync"], &["run"], &["check-config"], &["check-config", "--quiet"]] {
        let ran = machine.run(arguments);
        assert_eq!((ran.exit, ran.out.as_str()), (78, ""), "{arguments:?}");
        assert!(ran.err.contains("max_deletes_procent"), "{}", ran.err);
    }
}

#[test]
fn a_sound_configuration_is_checked_quietly_if_asked() {
    let machine = Machine::new(FakeFactory::default());
    let ran = machine.run(&["check-config", "--quiet"]);
    assert_eq!((ran.exit, ran.out.as_str(), ran.err.as_str()), (0, "", ""));
    let ran = machine.run(&["config", "show", "--origin"]);
    assert_eq!(ran.exit, 0);
    assert!(
        ran.out.contains("email_id = \"sales@example.com\"") && !ran.out.contains("s3cr3t"),
        "{}",
        ran.out
    );
}

#[test]
fn a_running_daemon_is_asked_even_if_the_configuration_on_disk_is_broken() {
    let directory = tempfile::tempdir().unwrap();
    let (_runtime, _roster) = daemon(directory.path(), &["office"]);
    let mut machine = Machine::new(FakeFactory::default());
    machine.set = vec!["nonsense=1".to_owned()];
    machine.environment = vec![("RUNTIME_DIRECTORY".into(), directory.path().into())];
    let ran = machine.run(&["accounts"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert!(ran.out.contains("office@example.com"), "{}", ran.out);
}

#[test]
fn reload_needs_a_daemon() {
    let ran = Machine::new(FakeFactory::default()).run(&["reload"]);
    assert_eq!((ran.exit, ran.out.as_str()), (69, ""));
    assert!(ran.err.starts_with("error: no daemon is running\n"), "{}", ran.err);
}

#[test]
fn a_refresh_token_is_proved_and_never_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("token");
    let machine = Machine::new(FakeFactory::default());
    let path = file.display().to_string();
    for (token, exit) in [("good\n", 0), ("revoked-token\n", 77), ("two words", 64), ("", 64)] {
        std::fs::write(&file, token).unwrap();
        let ran = machine.run(&["authorize", "sales", "--refresh-token-file", &path]);
        assert_eq!(ran.exit, exit, "{token}: {}", ran.err);
        assert!(!format!("{}{}", ran.out, ran.err).contains("revoked-token"));
    }
}

#[test]
fn a_consent_can_be_pasted() {
    let mut machine = Machine::new(FakeFactory::default());
    machine.input = "http://127.0.0.1:1/?code=c&state=s\n".to_owned();
    let ran = machine.run(&["authorize", "sales", "--paste"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    let lines: Vec<&str> = ran.out.lines().collect();
    assert!(lines[0].starts_with("https://"), "{lines:?}");
    assert_eq!(lines[1], "sales is authorized as sales@example.com");
    machine.input.clear();
    assert_eq!(machine.run(&["authorize", "sales", "--paste"]).exit, 64);
}

#[test]
fn a_decision_reaches_the_engine_of_its_account() {
    let machine = Machine::new(FakeFactory::default());
    let ran = machine.run(&["conflicts", "resolve", "support-1", "google"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert_eq!(*machine.factory.engine("support").calls.lock().unwrap(), ["resolve support-1 google"]);
    let ran = machine.run(&["review", "link", "sales", "c1", "dafater:Ada"]);
    assert_eq!(ran.exit, 0, "{}", ran.err);
    assert_eq!(*machine.factory.engine("sales").calls.lock().unwrap(), ["link google:c1 dafater:Ada"]);
    assert_eq!(machine.run(&["conflicts", "show", "nothing"]).exit, 64);
    assert_eq!(machine.run(&["approve", "sales"]).exit, 64);
}

#[test]
fn an_export_is_private_and_overwrites_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("export.jsonl");
    let path = file.display().to_string();
    let machine = Machine::new(FakeFactory::default());
    assert_eq!(machine.run(&["store", "export", &path]).exit, 0);
    assert_eq!(std::fs::read_to_string(&file).unwrap().lines().count(), 2);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(machine.run(&["store", "export", &path]).exit, 73);
    assert_eq!(machine.run(&["store", "export"]).out.lines().count(), 2);
    let ran = machine.run(&["store", "import", &path]);
    assert_eq!((ran.exit, ran.out.as_str()), (0, "2 lines imported\n"));
    assert_eq!(machine.run(&["store", "verify"]).out, "3 entries are well\n");
}

#[test]
fn codes_are_explained() {
    let machine = Machine::new(FakeFactory::default());
    let ran = machine.run(&["explain", "cd0202"]);
    assert_eq!(ran.exit, 0);
    assert!(ran.out.starts_with("CD0202 (error, event config.reload.refused)\n"), "{}", ran.out);
    assert_eq!(machine.run(&["explain", "CD9999"]).exit, 64);
    assert!(machine.run(&["explain"]).out.lines().count() > 10);
}

#[test]
fn manual_and_completions_come_from_the_definition() {
    let machine = Machine::new(FakeFactory::default());
    let page = machine.run(&["man"]).out;
    assert!(page.contains(".TH dafater-contactsd 8") && page.contains("check\\-config"), "{page}");
    assert!(machine.run(&["completions", "bash"]).out.contains("check-config"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display().to_string();
    assert_eq!(machine.run(&["man", "--directory", &path]).exit, 0);
    assert!(directory.path().join("dafater-contactsd-sync.8").exists());
    assert!(directory.path().join("dafater-contactsd-store-export.8").exists());
}
