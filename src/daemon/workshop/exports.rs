//! Exports and checks of the open store.

use std::io::Write;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;

use super::{blocking, failed, signed};
use crate::control::{Exit, Failure, Finding};
use crate::daemon::Settings;
use crate::remote::Clock;
use crate::state::AccountState;
use crate::store::{SledStore, automatic_exports};

/// How often it is looked whether an export is due.
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_mins(1);

/// Writes an export when the newest one grows old.
pub(super) struct Exports {
    keep: usize,
    task: JoinHandle<()>,
}

impl Exports {
    pub(super) fn start(store: Arc<SledStore>, clock: Arc<dyn Clock>, settings: &Settings) -> Self {
        let state = settings.state.clone();
        let every = signed(settings.config.store.export_every);
        let keep = usize::try_from(settings.config.store.export_keep).unwrap_or(usize::MAX);
        let task = tokio::spawn(async move {
            loop {
                clock.sleep(LOOK_EVERY).await;
                let now = clock.now();
                let (store, state) = (Arc::clone(&store), state.clone());
                let outcome = blocking(move || {
                    let newest = automatic_exports(&state).map(|export| export.written_at).max();
                    if newest.is_none_or(|newest| now.duration_since(newest) >= every) {
                        store.write_rotating_export(keep, now).map_err(|error| failed(&error))?;
                    }
                    Ok(())
                });
                if let Err(failure) = outcome.await {
                    crate::observe::events::StoreExportFailed { reason: failure.to_string() }.emit();
                    clock
                        .sleep(
                            std::time::Duration::try_from(every.min(SignedDuration::from_hours(1)))
                                .unwrap_or(LOOK_EVERY),
                        )
                        .await;
                }
            }
        });
        Self { keep, task }
    }

    /// How many exports are kept.
    pub(super) fn keep(&self) -> usize {
        self.keep
    }

    pub(super) fn stop(&self) {
        self.task.abort();
    }
}

/// Gives the lines of an export to `take` until it has enough.
pub(super) fn lines(
    store: &SledStore,
    now: Timestamp,
    take: &mut dyn FnMut(&str) -> bool,
) -> Result<(), Failure> {
    let mut lines = Lines { take, pending: Vec::new(), is_over: false };
    let outcome = store.export_to(&mut lines, now);
    if lines.is_over {
        return Ok(());
    }
    outcome.map(drop).map_err(|error| failed(&error))
}

/// Cuts what is written into lines.
struct Lines<'a> {
    take: &'a mut dyn FnMut(&str) -> bool,
    pending: Vec<u8>,
    is_over: bool,
}

impl Write for Lines<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        while let Some(end) = self.pending.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.pending.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line);
            if !(self.take)(text.trim_end_matches('\n')) {
                self.is_over = true;
                return Err(std::io::ErrorKind::BrokenPipe.into());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Reads every entry and tells what was found.
pub(super) fn verify(store: &SledStore) -> Result<Vec<String>, Failure> {
    let report = store
        .verify(&|tree, key, value| AccountState::check_entry(tree, key, value))
        .map_err(|error| failed(&error))?;
    let mut lines: Vec<String> = report
        .trees
        .iter()
        .map(|(tree, found)| format!("{tree}: {} entries, {} bytes", found.entries, found.bytes))
        .collect();
    lines.push(format!("generation {}, {} bytes on disk", report.generation, report.size_on_disk));
    if report.is_sound() {
        lines.push("the store is sound".to_owned());
        return Ok(lines);
    }
    let findings = report
        .undecodable
        .iter()
        .map(|entry| Finding {
            message: format!("{}: {}", entry.tree, entry.reason),
            place: None,
            hint: None,
        })
        .collect();
    Err(Failure::new(Exit::Data, "the store is damaged")
        .findings(findings)
        .hint("stop the daemon and import the newest export: `dafater-contactsd store import FILE`"))
}
