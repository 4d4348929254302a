//! The configuration: layers, checks, secrets, origins.
//!
//! ```text
//! compiled-in defaults < main file < conf.d/*.toml < environment < --set
//!        each layer ─> tree with places ─> check alone ┐
//!                                └─> merge ─> check together ─> Config, Origins   or   every Finding
//! Config + records of "Google Contacts" ─> Config with the accounts of the desk
//! ```
//!
//! Law: all or nothing. Either every layer is without error and a [`Config`] comes out, or none does and every mistake of every
//! layer is told at once, with its file and line. What is read of the world is what [`Sources`] names.

mod changes;
mod check;
mod commands;
mod desk;
mod document;
mod fields;
mod finding;
mod kind;
mod layers;
mod layout;
mod load;
mod manual;
mod meaning;
mod merge;
mod nearest;
mod origins;
mod place;
mod schema;
mod secrets;
mod settings;
mod sources;
mod tree;
mod values;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use changes::Change;
pub use commands::{Answer, check_config, show};
pub use desk::WithDesk;
pub use fields::FieldSpec;
pub use finding::{Finding, Refused, Severity};
pub use load::{Loaded, load};
pub use manual::{example, reference};
pub use origins::{Origin, Origins};
pub use place::{Place, Position};
pub use settings::{
    Account, Control, Dafater, Google, GoogleClient, History, Log, LogFormat, Quota, Store, Webhook,
};
pub use sources::Sources;
pub use tree::KeyPath;
pub use values::{CronExpression, ScheduleSpec, Span, ZoneName};

use crate::account::AccountName;

/// A configuration that passed every check.
///
/// `[defaults]` is no part of it: what stands there was laid under each account.
#[derive(Debug, Clone)]
pub struct Config {
    /// The Dafater site.
    pub dafater: Dafater,
    /// The Google side.
    pub google: Google,
    /// The state of the daemon.
    pub store: Store,
    /// Logging.
    pub log: Log,
    /// The Google accounts under sync.
    pub accounts: BTreeMap<AccountName, Account>,
    /// The control socket.
    pub control: Control,
    /// The memory of changes.
    pub history: History,
    /// The same once more, in a form that two configurations are compared by.
    settings: changes::Settings,
    /// What accounts are made of when records of the desk join in.
    ground: std::sync::Arc<desk::Ground>,
}
