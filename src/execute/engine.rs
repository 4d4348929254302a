//! What can be asked of one account: the narrow door between the engine and the process around it.

use futures_util::future::BoxFuture;
use jiff::Timestamp;

use super::{
    AccountStatus, Cause, ConflictView, HistoryFilter, HistoryView, PlanView, ReviewView, RunReport, UndoView,
};
use crate::dafater::DafaterError;
use crate::google::GoogleError;
use crate::google::oauth::VaultError;
use crate::remote::Disposition;
use crate::store::StoreError;
use crate::sync::{AccountName, RecordId, Side};

/// How a cycle is to be run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunRequest {
    /// Read everything instead of what changed.
    pub full: bool,
    /// Compute and report, write nothing.
    pub dry_run: bool,
}

/// Which run is to be put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoRequest {
    /// The run.
    pub run: String,
    /// Only contacts whose title or record id contains this text, in any case.
    pub contact: Option<String>,
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

    /// Asks Google for the account's labels: it can be reached, and lets the account in.
    fn probe(&self) -> BoxFuture<'_, Result<(), EngineError>>;

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

    /// Declares a record to be somebody of its own, whoever it resembles: its counterpart is created.
    fn separate<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>>;

    /// Releases a held plan.
    fn approve(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Drops a held plan: what it would have deleted stays, unpaired.
    fn discard(&self) -> BoxFuture<'_, Result<(), EngineError>>;

    /// Puts back what a run wrote, as a run of its own.
    fn undo<'a>(&'a self, request: &'a UndoRequest) -> BoxFuture<'a, Result<UndoView, EngineError>>;

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
    /// The remote that failed, if one did.
    pub side: Option<Side>,
}

/// Classes of failure; each has its exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EngineErrorKind {
    /// There is nothing of that name: no such conflict, no held plan, no such record.
    Unknown,
    /// The store failed.
    Store,
    /// The process is about to stop.
    Stopped,
    /// The configuration asks for what cannot be.
    Configuration,
    /// A remote failed.
    Remote(Disposition),
}

impl EngineErrorKind {
    /// Who must act, where that is known.
    #[must_use]
    pub fn cause(&self) -> Option<Cause> {
        match self {
            Self::Unknown | Self::Stopped => None,
            Self::Store => Some(Cause::Internal),
            Self::Configuration => Some(Cause::Configuration),
            Self::Remote(disposition) => match disposition {
                Disposition::Unauthorized | Disposition::Forbidden => Some(Cause::Unauthorized),
                Disposition::Unavailable
                | Disposition::Throttled { .. }
                | Disposition::InDoubt
                | Disposition::Protocol => Some(Cause::Unavailable),
                Disposition::Stale
                | Disposition::Gone
                | Disposition::Refused
                | Disposition::CursorExpired => None,
            },
        }
    }
}

impl EngineError {
    /// Nothing of that name is there.
    #[must_use]
    pub fn unknown(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: Some(hint.into()), kind: EngineErrorKind::Unknown, side: None }
    }

    /// The filter of the scope is no JSON.
    pub(super) fn filters(error: &serde_json::Error) -> Self {
        Self {
            message: format!("the filter of the scope is not JSON: {error}"),
            hint: Some("correct `filters` in the `scope` of the account".to_owned()),
            kind: EngineErrorKind::Configuration,
            side: None,
        }
    }

    /// The run was asked to stop.
    pub(super) fn stopped() -> Self {
        Self {
            message: "stopped before the run was finished".to_owned(),
            hint: Some("nothing to do: the next run continues".to_owned()),
            kind: EngineErrorKind::Stopped,
            side: None,
        }
    }

    /// The vault cannot be opened.
    pub(super) fn vault(error: &VaultError) -> Self {
        Self { message: error.to_string(), hint: None, kind: EngineErrorKind::Store, side: None }
    }

    /// Google takes no writes of the account for some hours.
    pub(super) fn google_rests(account: &AccountName, until: Timestamp) -> Self {
        let kind = EngineErrorKind::Remote(Disposition::Throttled { retry_after: None });
        let message = format!(
            "google takes no writes of account {account} for now; they go on at {} UTC",
            until.strftime("%Y-%m-%d %H:%M")
        );
        let hint = "nothing to do; what changed in Google still arrives in Dafater".to_owned();
        Self { message, hint: Some(hint), kind, side: Some(Side::Google) }
    }

    /// How long the remote asks to be left alone.
    pub(super) fn retry_after(&self) -> Option<std::time::Duration> {
        match &self.kind {
            EngineErrorKind::Remote(Disposition::Throttled { retry_after }) => *retry_after,
            EngineErrorKind::Remote(_)
            | EngineErrorKind::Unknown
            | EngineErrorKind::Store
            | EngineErrorKind::Configuration
            | EngineErrorKind::Stopped => None,
        }
    }

    /// Whether Google no longer accepts the cursor.
    pub(super) fn is_expired_cursor(&self) -> bool {
        self.kind == EngineErrorKind::Remote(Disposition::CursorExpired)
    }
}

impl From<StoreError> for EngineError {
    fn from(error: StoreError) -> Self {
        Self { message: error.to_string(), hint: None, kind: EngineErrorKind::Store, side: None }
    }
}

impl From<GoogleError> for EngineError {
    fn from(error: GoogleError) -> Self {
        Self::from(&error)
    }
}

impl From<&GoogleError> for EngineError {
    fn from(error: &GoogleError) -> Self {
        if let GoogleError::Stopped { .. } = error {
            return Self::stopped();
        }
        let kind = EngineErrorKind::Remote(error.disposition());
        Self {
            message: with_causes(error),
            hint: Some(error.hint().into_owned()),
            kind,
            side: Some(Side::Google),
        }
    }
}

impl From<DafaterError> for EngineError {
    fn from(error: DafaterError) -> Self {
        Self::from(&error)
    }
}

impl From<&DafaterError> for EngineError {
    fn from(error: &DafaterError) -> Self {
        // The site's words are about the filter, and about no contact.
        let (kind, message) = if let DafaterError::Filter(_) = error {
            let reason = error.reason_for_people().unwrap_or("it does not say why");
            (EngineErrorKind::Configuration, format!("{error}: {reason}"))
        } else {
            (EngineErrorKind::Remote(error.disposition()), with_causes(error))
        };
        Self { message, hint: Some(error.hint().to_owned()), kind, side: Some(Side::Dafater) }
    }
}

/// An error with its causes in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let text = inner.to_string();
        if !message.contains(&text) {
            message = format!("{message}: {text}");
        }
        cause = inner.source();
    }
    message
}
