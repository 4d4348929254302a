//! What the shell needs of the configuration, and where it comes from.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::control::{Failure, Finding};
use crate::observe::LogSettings;
use crate::schedule::{Schedule, Tz};
use crate::sync::AccountName;

/// The configuration as far as the process around the engine is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The accounts by name.
    pub accounts: BTreeMap<AccountName, AccountSettings>,
    /// The state directory.
    pub state: PathBuf,
    /// The control socket.
    pub socket: PathBuf,
    /// Log level and form.
    pub log: LogSettings,
    /// Unix users, uids and `@groups` who may see and do everything.
    pub system_managers: Vec<String>,
    /// Stands for whatever all engines are built from (the site, the OAuth client, limits): differs when that differs.
    pub fingerprint: String,
}

/// One account, as far as the process around the engine is concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSettings {
    /// The account.
    pub name: AccountName,
    /// Whether it is synced.
    pub enable: bool,
    /// The Google account.
    pub email_id: String,
    /// Its Desk User.
    pub owner: Option<String>,
    /// When it is synced.
    pub schedule: Schedule,
    /// In which zone the schedule is meant.
    pub zone: Tz,
    /// Google -> Dafater.
    pub pull: bool,
    /// Dafater -> Google.
    pub push: bool,
    /// Stands for whatever else its engine is built from: differs when that differs.
    pub fingerprint: String,
}

/// A configuration that can be used, with what is worth a remark.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// Remarks.
    pub warnings: Vec<Finding>,
}

/// Reads the configuration, again and again.
pub trait SettingsSource: Send + Sync {
    /// Reads all layers and checks them.
    ///
    /// # Errors
    /// The configuration cannot be used; every finding is a cause.
    fn load(&self) -> Result<Loaded, Failure>;
}

/// What a reload would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// What takes effect at once.
    pub applied: Vec<String>,
    /// What takes effect at the next start.
    pub restart_needed: Vec<String>,
}

impl Settings {
    /// What differs in `new`.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        let mut applied = |what: String| changes.applied.push(what);
        for name in self.accounts.keys().filter(|name| !new.accounts.contains_key(*name)) {
            applied(format!("accounts.{name} (removed)"));
        }
        for (name, account) in &new.accounts {
            match self.accounts.get(name) {
                None => applied(format!("accounts.{name} (added)")),
                Some(old) if old != account => applied(format!("accounts.{name}")),
                Some(_) => {}
            }
        }
        if self.fingerprint != new.fingerprint {
            applied("what all accounts share".to_owned());
        }
        if self.system_managers != new.system_managers {
            applied("control.system_managers".to_owned());
        }
        if self.log.level != new.log.level {
            applied("log.level".to_owned());
        }
        for (key, differs) in [
            ("store.path", self.state != new.state),
            ("control.socket", self.socket != new.socket),
            ("log.format", self.log.format != new.log.format),
        ] {
            if differs {
                changes.restart_needed.push(key.to_owned());
            }
        }
        changes
    }

    /// `new`, but with what only a restart may change left as it is.
    #[must_use]
    pub fn keeping_what_needs_a_restart(&self, new: Self) -> Self {
        Self {
            state: self.state.clone(),
            socket: self.socket.clone(),
            log: LogSettings { format: self.log.format, ..new.log },
            ..new
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::settings;

    #[test]
    fn changes_name_their_keys_and_tell_what_needs_a_restart() {
        let old = settings(&["sales", "support"]);
        let mut new = settings(&["sales", "office"]);
        new.accounts.get_mut(&"sales".parse().unwrap()).unwrap().owner = Some("omar".to_owned());
        new.socket = PathBuf::from("/elsewhere/control.sock");
        let changes = old.changes(&new);
        assert_eq!(
            changes.applied,
            ["accounts.support (removed)", "accounts.office (added)", "accounts.sales"]
        );
        assert_eq!(changes.restart_needed, ["control.socket"]);
        assert_eq!(old.changes(&old), Changes::default());
        assert_eq!(old.keeping_what_needs_a_restart(new).socket, old.socket);
    }
}
