//! An engine whose account is a record on the site: the record is told of each success.
//!
//! Law: of the record only `last_sync_on` is written, after a success that changed anything, and else no more often than
//! [`NOTE_EVERY`]: each save of a record leaves a version on the site.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

use crate::account::AccountName;
use crate::dafater::{DafaterError, SiteClient};
use crate::execute::{
    AccountStatus, Cause, ConflictView, Counts, Engine, EngineError, HistoryFilter, HistoryView, Outcome,
    PlanView, ReviewView, RunReport, RunRequest, UndoRequest, UndoView,
};
use crate::observe::events;
use crate::remote::Clock;
use crate::sync::{RecordId, Side};

/// How often a success that changed nothing is noted.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(15);

/// An engine and its record.
pub(super) struct Recorded<E> {
    pub(super) engine: E,
    pub(super) site: SiteClient,
    /// The record's name.
    pub(super) record: String,
    pub(super) clock: std::sync::Arc<dyn Clock>,
    /// Where a person finds the record.
    pub(super) form: String,
    pub(super) memory: Mutex<Memory>,
}

/// What was noted, and what was said.
#[derive(Default)]
pub(super) struct Memory {
    noted: Option<Timestamp>,
    trouble: Option<String>,
}

impl<E: Engine> Recorded<E> {
    async fn run_and_note(&self, request: RunRequest) -> RunReport {
        let mut report = self.engine.run(request).await;
        if report.cause == Some(Cause::Unauthorized) && !self.has_consent() {
            let waits = report.error.take().unwrap_or_default();
            report.error =
                Some(format!("{waits}; or give the consent in Dafater, with the button on {}", self.form));
        }
        if report.outcome == Outcome::Ok && !request.dry_run {
            let changed = report.linked > 0
                || report.google != Counts::default()
                || report.dafater != Counts::default();
            let now = self.clock.now();
            let due = self.memory().noted.is_none_or(|noted| now.duration_since(noted) >= NOTE_EVERY);
            if changed || due {
                report.requests.dafater += 2;
                self.note(now).await;
            }
        }
        report
    }

    fn has_consent(&self) -> bool {
        self.engine.status().is_ok_and(|status| status.authorized)
    }

    async fn note(&self, now: Timestamp) {
        let noted = self.write(now).await;
        let mut memory = self.memory();
        // A site that refuses is asked again with the next note that is due, not in each cycle.
        memory.noted = Some(now);
        match noted {
            Ok(()) => memory.trouble = None,
            Err(error) => {
                let reason = error.to_string();
                let is_news = memory.trouble.replace(reason.clone()) != Some(reason.clone());
                drop(memory);
                if is_news {
                    events::LastSyncNotNoted { account: self.engine.account().clone(), reason }.emit();
                }
            }
        }
    }

    async fn write(&self, now: Timestamp) -> Result<(), DafaterError> {
        let zone = self.site.site_time().await?;
        self.site.note_last_sync(&self.record, &zone.stamp(now)).await
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> Engine for Recorded<E> {
    fn run(&self, request: RunRequest) -> BoxFuture<'_, RunReport> {
        Box::pin(self.run_and_note(request))
    }

    fn account(&self) -> &AccountName {
        self.engine.account()
    }

    fn plan(&self) -> BoxFuture<'_, Result<PlanView, EngineError>> {
        self.engine.plan()
    }

    fn status(&self) -> Result<AccountStatus, EngineError> {
        self.engine.status()
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.engine.probe()
    }

    fn conflicts(&self) -> Result<Vec<ConflictView>, EngineError> {
        self.engine.conflicts()
    }

    fn resolve<'a>(&'a self, id: &'a str, side: Side) -> BoxFuture<'a, Result<(), EngineError>> {
        self.engine.resolve(id, side)
    }

    fn reviews(&self) -> Result<Vec<ReviewView>, EngineError> {
        self.engine.reviews()
    }

    fn link<'a>(
        &'a self,
        google: &'a RecordId,
        dafater: &'a RecordId,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        self.engine.link(google, dafater)
    }

    fn skip<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.engine.skip(record)
    }

    fn separate<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.engine.separate(record)
    }

    fn approve(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.engine.approve()
    }

    fn discard(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.engine.discard()
    }

    fn undo<'a>(&'a self, request: &'a UndoRequest) -> BoxFuture<'a, Result<UndoView, EngineError>> {
        self.engine.undo(request)
    }

    fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryView>, EngineError> {
        self.engine.history(filter)
    }
}
