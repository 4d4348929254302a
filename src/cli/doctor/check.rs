//! One line of the self-test.

use serde::Serialize;

use crate::control::{Exit, Failure, Finding};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::cli) enum Grade {
    /// All is well.
    Ok,
    /// It works, but not as it could.
    Warn,
    /// It does not work.
    Fail,
}

/// What was checked, what was found, and what to do next.
#[expect(clippy::struct_field_names, reason = "the key of a line of JSON")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Check {
    /// What was checked, in a word or two.
    pub(in crate::cli) check: String,
    /// How it ended.
    pub(in crate::cli) grade: Grade,
    /// What was found, as a clause.
    pub(in crate::cli) message: String,
    /// What to do next.
    pub(in crate::cli) next: Option<String>,
    /// The exit code that it deserves.
    pub(in crate::cli) exit: Exit,
}

impl Check {
    pub(super) fn ok(check: impl Into<String>, message: impl Into<String>) -> Self {
        Self { check: check.into(), grade: Grade::Ok, message: message.into(), next: None, exit: Exit::Ok }
    }

    pub(super) fn warn(check: impl Into<String>, message: impl Into<String>) -> Self {
        Self { grade: Grade::Warn, ..Self::ok(check, message) }
    }

    /// What a command would have failed with.
    pub(super) fn fail(check: impl Into<String>, failure: &Failure) -> Self {
        let causes: Vec<String> = failure.causes.iter().map(Finding::line).collect();
        let message = match causes.as_slice() {
            [] => failure.message.clone(),
            causes => format!("{}: {}", failure.message, causes.join("; ")),
        };
        let hint =
            failure.hint.clone().or_else(|| failure.causes.iter().find_map(|cause| cause.hint.clone()));
        Self { grade: Grade::Fail, exit: failure.exit, next: hint, ..Self::ok(check, message) }
    }

    /// The same as the failure of a command.
    pub(in crate::cli) fn failure(&self) -> Failure {
        let failure = Failure::new(self.exit, format!("{}: {}", self.check, self.message));
        Failure { hint: self.next.clone(), ..failure }
    }

    pub(super) fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }
}
