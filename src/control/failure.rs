//! Why a command failed, in the form in which people read it.

use serde::{Deserialize, Serialize};

use super::Exit;
use crate::execute::EngineError;

/// One thing that is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What is wrong, as a clause.
    pub message: String,
    /// Where: `file:line:column`, or the name of a layer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// What to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// Why a command failed: what happened, its causes, what to do next, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What happened, as a clause.
    pub message: String,
    /// What led to it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Finding>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The exit code.
    pub exit: Exit,
}

impl Failure {
    /// A failure without causes.
    #[must_use]
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hint: None, exit }
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With what led to it.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(Finding { message: cause.into(), place: None, hint: None });
        self
    }

    /// With several things that are wrong.
    #[must_use]
    pub fn findings(mut self, findings: Vec<Finding>) -> Self {
        self.causes.extend(findings);
        self
    }

    /// As it is printed on a terminal: the error, each cause with its place and hint, the hint.
    #[must_use]
    pub fn render(&self) -> String {
        let mut lines = vec![format!("error: {}", self.message)];
        for cause in &self.causes {
            lines.push(format!("  cause: {}", cause.message));
            lines.extend(cause.place.iter().map(|place| format!("  --> {place}")));
            lines.extend(cause.hint.iter().map(|hint| format!("  hint: {hint}")));
        }
        lines.extend(self.hint.iter().map(|hint| format!("  hint: {hint}")));
        lines.join("\n")
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let exit = Exit::of_engine(&error);
        Self { message: error.message, causes: Vec::new(), hint: error.hint, exit }
    }
}

impl Finding {
    /// A finding as one line, for logs and `STATUS=`.
    #[must_use]
    pub fn line(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.message),
            None => self.message.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_why_where_and_what_next() {
        let failure = Failure::new(Exit::Configuration, "reload refused").findings(vec![Finding {
            message: "unknown key `x`".to_owned(),
            place: Some("a.toml:7:1".to_owned()),
            hint: Some("did you mean `y`?".to_owned()),
        }]);
        assert_eq!(
            failure.render(),
            "error: reload refused\n  cause: unknown key `x`\n  --> a.toml:7:1\n  hint: did you mean `y`?"
        );
    }
}
