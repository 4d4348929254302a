//! `sandbox`: the daemon on sample contacts, between stand-ins for Google and Dafater.

use std::ffi::OsStr;
use std::io::{IsTerminal as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::control::{Exit, Failure};
use crate::daemon::StopSignals;
use crate::sandbox::town::{self, Narrator, TownError, TownOptions};

/// Try the daemon on sample contacts, between stand-ins for Google and Dafater
///
/// Nothing outside this machine is touched, and nothing is left behind.
#[derive(Debug, Args)]
pub struct Sandbox {
    /// Contacts on each side
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = contacts)]
    contacts: usize,
    /// Google accounts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = accounts)]
    accounts: usize,
    /// Where the stand-ins listen: Google on this port, Dafater on the next; free ports when none is given
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = address)]
    listen: SocketAddr,
    /// Google counts quotas, and the daemon keeps below them as it does by default
    #[arg(long)]
    quotas: bool,
    /// Unattended: sync, edit both sides, sync, compare; exit code 0 only if both sides agree
    #[arg(long)]
    once: bool,
}

impl Sandbox {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let temporary = context.sources.environment.get(OsStr::new("TMPDIR"));
        let executable = std::env::current_exe().map_err(|error| {
            Failure::new(Exit::Internal, "the program does not find itself").cause(error.to_string())
        })?;
        let options = TownOptions {
            contacts: self.contacts,
            accounts: self.accounts,
            listen: self.listen,
            quotas: self.quotas,
            executable,
            temporary: temporary.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from),
        };
        context.within_runtime(async |context| {
            let mut signals = StopSignals::register().map_err(|error| {
                Failure::new(Exit::Internal, "signals cannot be taken over").cause(error.to_string())
            })?;
            let mut voice =
                Voice { lines: context.console.out(), is_watched: std::io::stderr().is_terminal() };
            let ended = if self.once {
                tokio::select! {
                    agreed = town::rehearse(&options, &mut voice) => {
                        agreed.map(|agreed| if agreed { Exit::Ok } else { Exit::Differs })
                    }
                    signal = signals.next() => {
                        return Err(Failure::new(Exit::TryAgain, format!("stopped by {}", signal.name())));
                    }
                }
            } else {
                let stopped = async {
                    signals.next().await;
                };
                town::stay(&options, stopped, &mut voice).await.map(|()| Exit::Ok)
            };
            voice.status("");
            ended.map_err(|error| failure(&error))
        })
    }
}

fn failure(error: &TownError) -> Failure {
    let exit = if matches!(error, TownError::NotLoopback { .. }) { Exit::Usage } else { Exit::Internal };
    let mut failure = Failure::new(exit, error.to_string());
    if let Some(cause) = std::error::Error::source(error) {
        failure = failure.cause(cause.to_string());
    }
    for line in error.details().lines() {
        failure = failure.cause(line);
    }
    failure
}

/// What is told goes to stdout; what is only for somebody who watches, to the terminal.
struct Voice<'a> {
    lines: &'a mut dyn std::io::Write,
    is_watched: bool,
}

impl Narrator for Voice<'_> {
    fn say(&mut self, line: &str) {
        self.status("");
        // A reader that went away is no error.
        writeln!(self.lines, "{line}").and_then(|()| self.lines.flush()).ok();
    }

    fn status(&mut self, line: &str) {
        if self.is_watched {
            let line: String = line.chars().take(120).collect();
            write!(std::io::stderr(), "\r\x1b[K{line}").ok();
        }
    }
}

fn contacts(text: &str) -> Result<usize, String> {
    within(text, 0, 100_000)
}

fn accounts(text: &str) -> Result<usize, String> {
    within(text, 1, 50)
}

fn within(text: &str, least: usize, most: usize) -> Result<usize, String> {
    let number = text.parse().ok().filter(|number| (least..=most).contains(number));
    number.ok_or_else(|| format!("write a number from {least} to {most}"))
}

/// `127.0.0.1`, `127.0.0.1:8800` or `8800`.
fn address(text: &str) -> Result<SocketAddr, String> {
    let ip = || text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    let port = || text.parse::<u16>().map(|port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    let found = text.parse().or_else(|_| ip()).or_else(|_| port());
    found.map_err(|_| "write an address such as 127.0.0.1:8800".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_may_be_short() {
        for (text, full) in [
            ("127.0.0.1", "127.0.0.1:0"),
            ("8800", "127.0.0.1:8800"),
            ("0.0.0.0:1", "0.0.0.0:1"),
            ("::1", "[::1]:0"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), full);
        }
        assert!(address("here").is_err() && accounts("0").is_err() && contacts("100001").is_err());
    }
}
