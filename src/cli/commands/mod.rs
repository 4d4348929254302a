//! One file per command.

pub(super) mod accounts;
pub(super) mod approve;
pub(super) mod authorize;
pub(super) mod check_config;
pub(super) mod completions;
pub(super) mod config;
pub(super) mod conflicts;
pub(super) mod discard;
pub(super) mod doctor;
pub(super) mod explain;
pub(super) mod history;
pub(super) mod man;
pub(super) mod plan;
pub(super) mod reload;
pub(super) mod review;
pub(super) mod revoke;
pub(super) mod run;
#[cfg(feature = "sandbox")]
pub(super) mod sandbox;
pub(super) mod status;
pub(super) mod store;
pub(super) mod sync;
pub(super) mod undo;
