//! What every command works with.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::route::Route;
use super::{Console, Global, Wiring};
use crate::config::Sources;
use crate::control::{Exit, Failure, Reply, Request};
use crate::daemon::{Backend, Loaded, SettingsSource as _, Surroundings};
use crate::observe::{self, LogFormat, LogHandle, LogSettings, Output};

/// Options, console, configuration and what stands below.
pub(super) struct Context {
    pub(super) console: Console,
    pub(super) sources: Sources,
    pub(super) backend: Arc<dyn Backend>,
    pub(super) surroundings: Surroundings,
    global: Global,
}

impl Context {
    pub(super) fn new(global: Global, wiring: Wiring, console: Console) -> Self {
        let mut set = global.set.clone();
        if let Some(level) = &global.log_level {
            set.push(format!("log.level={level:?}"));
        }
        if let Some(LogFormat::Auto | LogFormat::Text | LogFormat::Json | LogFormat::Journald) =
            global.log_format
        {
            let name = serde_json::to_string(&global.log_format).unwrap_or_default();
            set.push(format!("log.format={name}"));
        }
        let sources = Sources::new(wiring.environment, global.config.clone(), set);
        Self { console, sources, backend: wiring.backend, surroundings: wiring.surroundings, global }
    }

    /// The configuration.
    pub(super) fn load(&self) -> Result<Loaded, Failure> {
        self.sources.load()
    }

    /// Logging for the daemon: as configured.
    pub(super) fn log_as_configured(&self, settings: &LogSettings) -> Result<LogHandle, Failure> {
        self.log(settings, false)
    }

    /// Logging for a command: only what is wrong, unless more is asked for, and never into the answer.
    pub(super) fn log_quietly(&self) {
        let level = self.global.log_level.clone().unwrap_or_else(|| "warn".to_owned());
        let format = self.global.log_format.unwrap_or(LogFormat::Text);
        // A command whose log cannot be set up can still do its work.
        self.log(&LogSettings { level, format }, true).ok();
    }

    fn log(&self, settings: &LogSettings, command: bool) -> Result<LogHandle, Failure> {
        let stream = self.sources.environment.get(std::ffi::OsStr::new("JOURNAL_STREAM"));
        let output = Output {
            journal: observe::is_journal(stream.and_then(|stream| stream.to_str())),
            color: self.global.color != super::Color::Never,
            json_to_stderr: command,
        };
        observe::install(settings, output).map_err(|error| {
            Failure::new(Exit::Configuration, "logging cannot be set up").cause(error.to_string())
        })
    }

    /// Asks the daemon, or does it alone. Each part of the answer goes to `part` as it comes.
    pub(super) fn ask(
        &mut self,
        request: Request,
        part: &mut dyn FnMut(&mut Console, Value) -> Result<(), Failure>,
    ) -> Result<Exit, Failure> {
        self.within_runtime(async |context| {
            let mut route = Route::find(context).await?;
            let answer = context.ask_on(&mut route, request, part).await;
            route.close().await;
            answer
        })
    }

    /// Asks the daemon; there must be one.
    pub(super) fn ask_daemon(
        &mut self,
        request: Request,
        part: &mut dyn FnMut(&mut Console, Value) -> Result<(), Failure>,
    ) -> Result<Exit, Failure> {
        self.within_runtime(async |context| {
            let mut route = Route::find_daemon(context).await?;
            context.ask_on(&mut route, request, part).await
        })
    }

    /// One question on a route that stays open for another.
    pub(super) async fn ask_on(
        &mut self,
        route: &mut Route,
        request: Request,
        part: &mut dyn FnMut(&mut Console, Value) -> Result<(), Failure>,
    ) -> Result<Exit, Failure> {
        let mut trouble = None;
        let console = &mut self.console;
        let answer = route
            .call(request, &mut |reply| match reply {
                Reply::Item { item } => {
                    if let Err(failure) = part(console, item) {
                        trouble.get_or_insert(failure);
                    }
                }
                Reply::Note { note } => console.note(format!("note: {note}")),
                Reply::Done { .. } | Reply::Error { .. } => {}
            })
            .await;
        match trouble {
            Some(failure) => Err(failure),
            None => answer,
        }
    }

    /// The whole answer at once, printed as JSON lines or by `print`.
    pub(super) fn show<T: DeserializeOwned>(
        &mut self,
        request: Request,
        json: bool,
        print: impl FnOnce(&mut Self, Vec<T>),
    ) -> Result<Exit, Failure> {
        let mut items = Vec::new();
        let exit = self.ask(request, &mut |console, item| {
            if json {
                console.line(item);
            } else {
                items.push(read(item)?);
            }
            Ok(())
        })?;
        if !json {
            print(self, items);
        }
        Ok(exit)
    }

    /// Does something without an answer, and says that it is done.
    pub(super) fn tell(&mut self, request: Request, done: &str) -> Result<Exit, Failure> {
        let exit = self.ask(request, &mut |_, _| Ok(()))?;
        self.console.line(done);
        Ok(exit)
    }

    pub(super) fn within_runtime<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.log_quietly();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
                |error| Failure::new(Exit::Internal, "the runtime cannot be built").cause(error.to_string()),
            )?;
        let result = runtime.block_on(work(self));
        runtime.shutdown_background();
        result
    }
}

/// A part of an answer in its own type.
pub(super) fn read<T: DeserializeOwned>(item: Value) -> Result<T, Failure> {
    serde_json::from_value(item).map_err(|error| {
        Failure::new(Exit::Internal, "the daemon's answer is not understood")
            .cause(error.to_string())
            .hint("use the dafater-contactsd command of the same version as the running daemon")
    })
}
