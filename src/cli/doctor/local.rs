//! What lies on this machine: the configuration, the daemon, the store.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde_json::Value;

use super::Check;
use crate::cli::context::Context;
use crate::cli::words::{counted, relative};
use crate::control::{Client, DaemonView, Reply, Request};
use crate::daemon::Settings;
use crate::store::automatic_exports;

/// The configuration, if it can be used.
pub(super) fn configuration(context: &Context, checks: &mut Vec<Check>) -> Option<Settings> {
    match context.load() {
        Ok(loaded) => {
            let accounts = u32::try_from(loaded.settings.accounts.len()).unwrap_or(u32::MAX);
            checks.push(Check::ok(
                "configuration",
                format!("it can be used: {}", counted(accounts, "account")),
            ));
            for warning in loaded.warnings {
                let check = Check::warn("configuration", warning.line());
                checks.push(warning.hint.map_or(check.clone(), |hint| check.next(hint)));
            }
            Some(loaded.settings)
        }
        Err(failure) => {
            checks.push(
                Check::fail("configuration", &failure)
                    .next("`dafater-contactsd check-config` shows every mistake"),
            );
            None
        }
    }
}

/// Whether the daemon answers.
pub(super) async fn daemon(context: &Context, settings: &Settings, checks: &mut Vec<Check>) -> bool {
    let socket = settings.socket.display();
    let mut client = match Client::connect(&settings.socket).await {
        Ok(Some(client)) => client,
        Ok(None) => {
            checks.push(
                Check::warn("daemon", format!("nobody answers at {socket}"))
                    .next("start it with `systemctl start dafater-contactsd`"),
            );
            return false;
        }
        Err(failure) => {
            checks.push(Check::fail("daemon", &failure));
            return false;
        }
    };
    let mut item = Value::Null;
    let answered = client
        .call(&Request::Daemon {}, &mut |reply| {
            if let Reply::Item { item: view } = reply {
                item = view;
            }
        })
        .await;
    if let Err(failure) = answered {
        checks.push(Check::fail("daemon", &failure));
        return true;
    }
    let Ok(view) = serde_json::from_value::<DaemonView>(item) else {
        checks.push(
            Check::warn("daemon", "its answer is not understood")
                .next("use the dafater-contactsd command of the same version as the running daemon"),
        );
        return true;
    };
    let since = relative(view.started, context.surroundings.clock.now());
    let message = format!("version {} runs as process {}, started {since}", view.version, view.pid);
    let own = env!("CARGO_PKG_VERSION");
    checks.push(if !view.refused.is_empty() {
        Check::warn(
            "daemon",
            format!("{message}; it works with an older configuration, the last reload was refused"),
        )
        .next("correct what `dafater-contactsd check-config` shows, then `dafater-contactsd reload`")
    } else if view.version == own {
        Check::ok("daemon", message)
    } else {
        Check::warn("daemon", format!("{message}, and this command is of version {own}"))
            .next("restart it: `systemctl restart dafater-contactsd`")
    });
    true
}

/// Whether the store is there and who holds it. Answers whether the accounts can be asked for their tokens.
pub(super) fn store(context: &Context, settings: &Settings, is_up: bool, checks: &mut Vec<Check>) -> bool {
    let path = settings.state.display();
    let database = settings.state.join("db");
    let can_ask = if is_up {
        checks.push(Check::ok("store", format!("held by the running daemon, at {path}")));
        true
    } else if !is_there(&database) {
        checks.push(
            Check::warn("store", format!("there is none at {path} yet"))
                .next("the first start of the daemon makes it"),
        );
        false
    } else if owner(&database).is_none_or(|owner| owner != rustix::process::geteuid().as_raw()) {
        // Opening it would leave files behind that the daemon cannot use.
        checks.push(
            Check::warn("store", format!("not opened: it belongs to another user, at {path}"))
                .next("sudo -u dafater-contactsd dafater-contactsd doctor"),
        );
        false
    } else {
        // Opened, and read whole, with the accounts.
        true
    };
    if is_up || is_there(&database) {
        exports(context, settings, checks);
    }
    can_ask
}

fn exports(context: &Context, settings: &Settings, checks: &mut Vec<Check>) {
    let now = context.surroundings.clock.now();
    let every = settings.config.store.export_every.duration();
    let next = "look for `store` in the log of the daemon; it exports while it runs";
    checks.push(match automatic_exports(&settings.state).next_back() {
        None => Check::warn("export", "there is no automatic export of the store yet").next(next),
        Some(latest) => {
            let age = now.duration_since(latest.written_at);
            let message =
                format!("the last automatic export was written {}", relative(latest.written_at, now));
            if age.unsigned_abs() > every.saturating_mul(2) && age.is_positive() {
                Check::warn("export", message).next(next)
            } else {
                Check::ok("export", message)
            }
        }
    });
}

fn is_there(path: &Path) -> bool {
    path.try_exists().unwrap_or(true)
}

fn owner(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|metadata| metadata.uid())
}
