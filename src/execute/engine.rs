//! What can be asked of one account: the narrow door between the engine and the process around it.

use futures_util::future::BoxFuture;

use super::{AccountStatus, ConflictView, HistoryFilter, HistoryView, PlanView, ReviewView, RunReport};
use crate::remote::Disposition;
use crate::sync::{AccountName, RecordId, Side};

/// How a cycle is to be run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// Read everything instead of what changed.
    pub full: bool,
    /// Compute and report, write nothing.
    pub dry_run: bool,
}

/// One account under sync. Calls that change anything must not overlap; the caller serialises them.
pub trait Engine: Send + Sync {
    /// The account's name.
    fn account(&self) -> &AccountName;

    /// One cycle. Failures are part of the report.
    fn run(&self, request: RunRequest) -> BoxFuture<'_, RunReport>;

    /// What the next cycle would do; writes nothing, anywhere.
    fn plan(&self) -> BoxFuture<'_, Result<PlanView, EngineError>>;

    /// Where the account stands, from the store alone.
    ///
    /// # Errors
    /// The store cannot be read.
    fn status(&self) -> Result<AccountStatus, EngineError>;

    /// Open conflicts.
    ///
    /// # Errors
    /// The store cannot be read.
    fn conflicts(&self) -> Result<Vec<ConflictView>, EngineError>;

    /// Decides an open conflict in favour of `side`; the next cycle carries it out.
    fn resolve<'a>(&'a self, id: &'a str, side: Side) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Ambiguous matches that wait for a person.
    ///
    /// # Errors
    /// The store cannot be read.
    fn reviews(&self) -> Result<Vec<ReviewView>, EngineError>;

    /// Declares two records to be the same person.
    fn link<'a>(
        &'a self,
        google: &'a RecordId,
        dafater: &'a RecordId,
    ) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Leaves a record alone for good.
    fn skip<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Releases a held plan.
    fn approve(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Drops a held plan: what it would have deleted stays, unpaired.
    fn discard(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// What was changed, newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryView>, EngineError>;
}

/// Why an account cannot do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EngineError {
    /// What happened, to whom.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// The class of the failure.
    pub kind: EngineErrorKind,
}

/// Classes of failure; each has its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// There is nothing of that name: no such conflict, no held plan, no such record.
    Unknown,
    /// The store failed.
    Store,
    /// A remote failed.
    Remote(Disposition),
}
