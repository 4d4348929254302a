//! `run`: the daemon, in the foreground.

use std::sync::Arc;

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::daemon::{self, Launch, Notifier};

/// Run the daemon in the foreground
#[derive(Debug, Args)]
pub struct Run {}

impl Run {
    pub(in crate::cli) fn run(context: &mut Context) -> Done {
        let loaded = context.load()?;
        let log = context.log_as_configured(&loaded.settings.log)?;
        daemon::run(Launch {
            source: Arc::new(context.sources.clone()),
            loaded,
            backend: Arc::clone(&context.backend),
            surroundings: context.surroundings.clone(),
            notifier: Notifier::of_systemd(),
            watchdog: sd_notify::watchdog_enabled(),
            log: Some(log),
        })
    }
}
