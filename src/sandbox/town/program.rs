//! The program under trial: the real binary, in processes of its own.

use std::fs::{self, File};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::error::{TownError, io};

/// The binary and the configuration that it is given.
#[derive(Debug, Clone)]
pub(super) struct Program {
    pub(super) executable: PathBuf,
    pub(super) config: PathBuf,
    pub(super) log: PathBuf,
    pub(super) socket: PathBuf,
}

impl Program {
    /// Nothing of this process's environment reaches the program: neither a proxy nor another configuration.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.executable);
        command.env_clear().arg("--config").arg(&self.config).args(arguments).stdin(Stdio::null());
        // A Ctrl-C in the terminal is for the sandbox, which stops the program in an orderly way.
        command.process_group(0);
        command
    }

    /// Runs a command to its end and returns what it printed.
    pub(super) async fn ask(&self, arguments: &[&str]) -> Result<String, TownError> {
        let mut command = self.command(arguments);
        let doing = io("running dafater-contactsd");
        let output = match tokio::task::spawn_blocking(move || command.output()).await {
            Ok(output) => output.map_err(doing)?,
            Err(error) => return Err(doing(std::io::Error::other(error))),
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(said);
        }
        let said = said + &String::from_utf8_lossy(&output.stderr);
        let command = arguments.join(" ");
        Err(TownError::Command { command, ended: ending(output.status), said })
    }

    /// Runs a command that prints one JSON value a line.
    pub(super) async fn ask_json(&self, arguments: &[&str]) -> Result<Vec<Value>, TownError> {
        let said = self.ask(arguments).await?;
        let values: Result<Vec<Value>, _> = said.lines().map(serde_json::from_str).collect();
        values.map_err(|_| TownError::Command {
            command: arguments.join(" "),
            ended: "no JSON".to_owned(),
            said,
        })
    }

    /// Starts the daemon and waits until it answers.
    pub(super) async fn start(&self) -> Result<Daemon, TownError> {
        let log = File::create(&self.log).map_err(io("making the daemon's log"))?;
        let mut command = self.command(&["run"]);
        command.stdout(Stdio::null()).stderr(log);
        let child = command.spawn().map_err(io("starting the daemon"))?;
        let mut daemon = Daemon { child, log: self.log.clone() };
        for _ in 0..START_WITHIN {
            if let Some(status) = daemon.child.try_wait().map_err(io("waiting for the daemon"))? {
                return Err(daemon.failed(&format!("ended with {} before it was ready", ending(status))));
            }
            if tokio::net::UnixStream::connect(&self.socket).await.is_ok() {
                return Ok(daemon);
            }
            tokio::time::sleep(STEP).await;
        }
        Err(daemon.failed("did not open its control socket in time"))
    }
}

/// A running daemon. Dropping it stops it too, whatever becomes of it.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    /// Sends SIGTERM and waits for the end, which must be in order.
    pub(super) async fn stop(mut self) -> Result<(), TownError> {
        self.terminate();
        for _ in 0..STOP_WITHIN {
            match self.child.try_wait().map_err(io("waiting for the daemon"))? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(self.failed(&format!("ended with {}", ending(status)))),
                None => tokio::time::sleep(STEP).await,
            }
        }
        Err(self.failed("did not stop within 6 s of SIGTERM"))
    }

    /// How it ended, if it did.
    pub(super) fn ended(&mut self) -> Option<TownError> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(self.failed(&format!("ended with {}", ending(status))))
    }

    fn terminate(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        // One that has ended already is seen by whoever waits.
        pid.map(|pid| kill_process(pid, Signal::TERM).ok());
    }

    fn failed(&self, what: &str) -> TownError {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(20).collect();
        let log = lines.into_iter().rev().collect::<Vec<_>>().join("\n");
        TownError::Daemon { what: what.to_owned(), log }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return;
        }
        self.terminate();
        for _ in 0..STOP_WITHIN {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(STEP);
        }
        // An error says that it has ended meanwhile.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn ending(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "an unknown status".to_owned(),
    }
}

const STEP: Duration = Duration::from_millis(50);
/// Steps.
const START_WITHIN: u32 = 400;
/// Steps.
const STOP_WITHIN: u32 = 120;
