//! What the shell needs of the configuration, and where it comes from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::desk::{Desk, refusal};
use crate::config::{self, Account, Config, Refused, ScheduleSpec, Severity, Sources};
use crate::control::{Exit, Failure, Finding};
use crate::observe::{LogFormat, LogSettings};
use crate::schedule::{Schedule, Tz};
use crate::sync::AccountName;

/// The configuration, with what concerns the process around the engine in the form that it works with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The whole of it, for whoever builds engines.
    pub config: Arc<Config>,
    /// The accounts by name.
    pub accounts: BTreeMap<AccountName, AccountSettings>,
    /// The state directory.
    pub state: PathBuf,
    /// The control socket.
    pub socket: PathBuf,
    /// Log level and form.
    pub log: LogSettings,
    /// What the site's own records say of the accounts.
    pub desk: Arc<Desk>,
    /// Records that cannot be used, and why.
    pub remarks: Vec<Finding>,
    /// Unix users, uids and `@groups` who may see and do everything.
    pub system_managers: Vec<String>,
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
    /// The record on the site that says so, by its name.
    pub record: Option<String>,
    /// Why it must not be synced for now, and the way out.
    pub refused: Option<String>,
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

impl SettingsSource for Sources {
    fn load(&self) -> Result<Loaded, Failure> {
        let loaded = config::load(self).map_err(|error| refused(&error))?;
        let settings = Settings::new(loaded.config)?;
        Ok(Loaded { settings, warnings: loaded.warnings.iter().map(told).collect() })
    }
}

/// What differs between two configurations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys that take effect at once.
    pub applied: Vec<String>,
    /// Keys that take effect at the next start.
    pub restart_needed: Vec<String>,
    /// The accounts among them.
    pub accounts: BTreeSet<AccountName>,
    /// Whether something changed that all engines are built from.
    pub shared: bool,
}

impl Settings {
    /// The settings of a configuration.
    ///
    /// # Errors
    /// A schedule passed the checks and cannot be computed with: a defect.
    pub fn new(config: Config) -> Result<Self, Failure> {
        let accounts = config.accounts.iter().map(|(name, account)| {
            let settings = AccountSettings::new(name, account).map_err(|reason| {
                Failure::new(Exit::Configuration, format!("account `{name}` cannot be scheduled"))
                    .cause(reason)
            })?;
            Ok((name.clone(), settings))
        });
        Ok(Self {
            accounts: accounts.collect::<Result<_, Failure>>()?,
            state: config.store.path.clone(),
            socket: config.control.socket.clone(),
            log: LogSettings { level: config.log.level.clone(), format: form(config.log.format) },
            system_managers: config.control.system_managers.clone(),
            desk: Arc::default(),
            remarks: Vec::new(),
            config: Arc::new(config),
        })
    }

    /// The same settings with the accounts of the desk.
    ///
    /// # Errors
    /// A schedule passed the checks and cannot be computed with: a defect.
    pub fn with_desk(&self, desk: Desk) -> Result<Self, Failure> {
        let joined = self.config.with_desk(&desk.records);
        let mut settings = Self::new(joined.config)?;
        for (name, record) in joined.records {
            if let Some(account) = settings.accounts.get_mut(&name) {
                account.refused = refusal(&desk, &record);
                account.record = Some(record.name);
            }
        }
        settings.remarks = joined.findings.iter().map(told).collect();
        settings.desk = Arc::new(desk);
        Ok(settings)
    }

    /// What differs in `new`.
    #[must_use]
    pub fn changes(&self, new: &Self) -> Changes {
        let mut changes = Changes::default();
        for change in Config::diff(&self.config, &new.config) {
            let key = change.key.to_string();
            if change.needs_restart {
                changes.restart_needed.push(key);
                continue;
            }
            match change.key.names() {
                [table, name, ..] if table == "accounts" => {
                    changes.accounts.extend(AccountName::try_from(name.clone()));
                }
                // No engine is built from these.
                [table, ..] if table == "control" || table == "log" || table == "defaults" => {}
                _ => changes.shared = true,
            }
            changes.applied.push(key);
        }
        for (name, account) in &self.accounts {
            let is_other =
                |new: &AccountSettings| (&new.record, &new.refused) != (&account.record, &account.refused);
            if new.accounts.get(name).is_some_and(is_other) && changes.accounts.insert(name.clone()) {
                changes.applied.push(format!("accounts.{name}"));
            }
        }
        changes
    }
}

impl AccountSettings {
    fn new(name: &AccountName, account: &Account) -> Result<Self, String> {
        let schedule = match &account.schedule {
            ScheduleSpec::Cron(expression) => {
                expression.as_str().parse().map_err(|error| format!("{error}"))?
            }
            ScheduleSpec::Every(span) => Schedule::Every(span.duration()),
        };
        Ok(Self {
            name: name.clone(),
            enable: account.enable,
            email_id: account.email_id.clone(),
            owner: account.owner.clone(),
            schedule,
            zone: account.time_zone.zone(),
            pull: account.pull_from_google_contacts,
            push: account.push_to_google_contacts,
            record: None,
            refused: None,
        })
    }
}

/// A refused configuration as the failure of a command.
fn refused(refused: &Refused) -> Failure {
    let errors = refused.findings.iter().filter(|finding| finding.severity == Severity::Error);
    Failure::new(Exit::Configuration, "the configuration cannot be used").findings(errors.map(told).collect())
}

fn told(finding: &config::Finding) -> Finding {
    Finding {
        message: finding.message.clone(),
        place: Some(finding.place.to_string()),
        hint: finding.hint.clone(),
    }
}

fn form(format: config::LogFormat) -> LogFormat {
    match format {
        config::LogFormat::Auto => LogFormat::Auto,
        config::LogFormat::Text => LogFormat::Text,
        config::LogFormat::Json => LogFormat::Json,
        config::LogFormat::Journald => LogFormat::Journald,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::{settings, settings_with};

    #[test]
    fn changes_name_their_keys_and_tell_what_needs_a_restart() {
        let old = settings(&["sales", "support"]);
        let set = ["accounts.sales.owner=omar", "control.socket=/elsewhere/control.sock", "log.level=debug"];
        let changes = old.changes(&settings_with(&["sales", "office"], &set));
        assert_eq!(
            changes.applied,
            ["accounts.office", "accounts.sales.owner", "accounts.support", "log.level"]
        );
        assert_eq!(changes.restart_needed, ["control.socket"]);
        let accounts: Vec<&str> = changes.accounts.iter().map(AccountName::as_str).collect();
        assert_eq!(accounts, ["office", "sales", "support"]);
        assert!(!changes.shared);
        assert_eq!(old.changes(&settings(&["sales", "support"])), Changes::default());
    }

    #[test]
    fn what_all_engines_are_built_from_is_told_apart() {
        let moved = settings_with(&["sales"], &["dafater.url=\"https://erp2.example.com\""]);
        assert!(settings(&["sales"]).changes(&moved).shared);
    }

    #[test]
    fn a_refused_configuration_exits_with_78_and_names_its_place() {
        let set = ["accounts.sales.max_deletes_procent=3".to_owned()];
        let failure = Sources::new([], None, set.to_vec()).load().unwrap_err();
        assert_eq!(failure.exit, Exit::Configuration);
        assert!(failure.render().contains("max_deletes_procent"), "{}", failure.render());
        assert!(failure.render().contains("  hint: did you mean"), "{}", failure.render());
    }

    #[test]
    fn a_schedule_arrives_as_it_was_written() {
        let settings = settings_with(
            &["sales", "support"],
            &["accounts.sales.schedule=\"every 90m\"", "accounts.support.time_zone=\"Asia/Riyadh\""],
        );
        let account = |name: &str| &settings.accounts[&name.parse().unwrap()];
        assert_eq!(account("sales").schedule, "every 90m".parse().unwrap());
        assert_eq!(account("support").zone, Tz::Asia__Riyadh);
    }
}
