//! The binary from outside: exit codes, streams, and the first words to a service manager.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a story stops where its world breaks")]

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dafater-contactsd"));
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// Writes a configuration that passes its checks and touches nothing outside `directory`.
fn configure(directory: &Path) -> String {
    let path = directory.join("config.toml");
    std::fs::write(directory.join("secret"), "s3cr3t").unwrap();
    let here = directory.display();
    let text = format!(
        r#"
[dafater]
url = "http://127.0.0.1:9"
api_key = "0123456789abcde"
api_secret_file = "{here}/secret"

[google]
client_id = "1.apps.googleusercontent.com"
client_secret_file = "{here}/secret"
api_url = "http://127.0.0.1:9/"
token_url = "http://127.0.0.1:9/token"

[store]
path = "{here}/state"

[control]
socket = "{here}/control.sock"

[accounts.sales]
email_id = "sales@example.com"
schedule = "0 0 3 * * *"
"#
    );
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn help_goes_to_stdout_and_mistakes_go_to_stderr() {
    let help = run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(text(&help.stdout).contains("check-config") && help.stderr.is_empty());
    let mistake = run(&["snyc"]);
    assert_eq!(mistake.status.code(), Some(64));
    assert!(text(&mistake.stderr).contains("sync") && mistake.stdout.is_empty());
}

#[test]
fn a_configuration_is_judged_by_its_exit_code() {
    let directory = tempfile::tempdir().unwrap();
    let config = configure(directory.path());
    assert_eq!(run(&["check-config", "--quiet", "--config", &config]).status.code(), Some(0));
    let refused = run(&["run", "--config", &config, "--set", "accounts.sales.schedule=never"]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(text(&refused.stderr).starts_with("error: the configuration cannot be used\n"));
    assert_eq!(run(&["run", "--config", "/nonexistent/config.toml"]).status.code(), Some(78));
}

#[expect(clippy::disallowed_methods, reason = "a story from outside measures real time")]
fn now() -> Instant {
    Instant::now()
}

/// A daemon under a service manager that listens; killed with its story.
struct Service {
    daemon: Child,
    manager: UnixDatagram,
}

impl Service {
    fn start(directory: &Path, config: &str) -> Self {
        let path = directory.join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut run = command(&["run", "--config", config]);
        let daemon = run.env("NOTIFY_SOCKET", &path).stderr(Stdio::null()).spawn().unwrap();
        Self { daemon, manager }
    }

    /// The next message that is no mere change of the status.
    fn hears(&self) -> String {
        let mut datagram = [0; 4096];
        loop {
            let length = self.manager.recv(&mut datagram).unwrap();
            let message = text(&datagram[..length]);
            if !message.starts_with("STATUS=") {
                return message.to_owned();
            }
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.daemon), signal).unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.daemon.kill().ok();
        self.daemon.wait().ok();
    }
}

#[test]
fn a_service_manager_hears_of_start_reload_refusal_and_stop() {
    let directory = tempfile::tempdir().unwrap();
    let config = configure(directory.path());
    let mut service = Service::start(directory.path(), &config);
    assert!(service.hears().starts_with("READY=1\nSTATUS=Idle; 1 account; next run 03:00 UTC"));

    service.signal(Signal::HUP);
    let reloading = service.hears();
    assert!(reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="), "{reloading}");
    assert!(service.hears().starts_with("READY=1\nSTATUS=Idle"));

    let drop_in = directory.path().join("conf.d/20-sales.toml");
    std::fs::create_dir(directory.path().join("conf.d")).unwrap();
    std::fs::write(&drop_in, "[accounts.sales]\nmax_deletes_procent = 3\n").unwrap();
    let refused = run(&["reload", "--config", &config]);
    assert_eq!(refused.status.code(), Some(78));
    let place = format!("{}:2:1", drop_in.display());
    assert!(text(&refused.stderr).contains(&place), "{}", text(&refused.stderr));
    assert!(service.hears().starts_with("RELOADING=1\n"));
    let ready = service.hears();
    assert!(ready.starts_with("READY=1\nSTATUS=Reload refused") && ready.contains(&place), "{ready}");

    std::fs::write(&drop_in, "[accounts.sales]\nmax_deletes_percent = 3\n").unwrap();
    let applied = run(&["reload", "--config", &config]);
    assert_eq!(text(&applied.stdout), "reloaded: accounts.sales.max_deletes_percent\n");
    assert_eq!(run(&["run", "--config", &config]).status.code(), Some(75), "a second daemon");

    let before = now();
    service.signal(Signal::TERM);
    assert_eq!(service.daemon.wait().unwrap().code(), Some(0));
    assert!(before.elapsed() < Duration::from_secs(5));
    assert!(!directory.path().join("control.sock").exists());
}

#[cfg(feature = "sandbox")]
#[test]
fn a_sandbox_rehearses_the_whole_story_and_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let rehearsal = command(&["sandbox", "--once", "--contacts", "40", "--accounts", "2"])
        .env("TMPDIR", directory.path())
        .output()
        .unwrap();
    let said = text(&rehearsal.stdout);
    assert_eq!(rehearsal.status.code(), Some(0), "{said}\n{}", text(&rehearsal.stderr));
    assert!(said.contains("both sides agree"), "{said}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
