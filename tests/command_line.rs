//! The binary from outside: exit codes, streams, and the first words to a service manager.

#![expect(clippy::unwrap_used, reason = "a story stops where its world breaks")]

use std::os::unix::net::UnixDatagram;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

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
fn configure(directory: &std::path::Path) -> String {
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

#[test]
fn a_service_manager_hears_of_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let config = configure(directory.path());
    let path = directory.path().join("notify");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut daemon = command(&["run", "--config", &config]);
    let mut daemon = daemon.env("NOTIFY_SOCKET", &path).stderr(Stdio::null()).spawn().unwrap();
    let mut datagram = [0; 1024];
    let length = manager.recv(&mut datagram).unwrap();
    daemon.kill().unwrap();
    daemon.wait().unwrap();
    assert_eq!(text(&datagram[..length]), "STATUS=Starting\n");
}
