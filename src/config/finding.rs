//! What a check of the configuration has to say.
//!
//! Law: a finding names the place and the key, and never a secret.

use std::fmt;
use std::path::PathBuf;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::place::{Place, Position};
use super::tree::KeyPath;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can be used, and probably does not do what was meant.
    Warning,
}

/// One mistake, or one thing worth a second look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where it is.
    pub place: Place,
    /// The key it is about; empty when it is about a place as a whole.
    pub key: KeyPath,
    /// What is wrong: a lower-case clause.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Finding {
    /// An error.
    pub(super) fn error(place: &Place, key: &KeyPath, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            place: place.clone(),
            key: key.clone(),
            message: message.into(),
            hint: None,
        }
    }

    /// A warning.
    pub(super) fn warning(place: &Place, key: &KeyPath, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(place, key, message) }
    }

    /// The same finding with a way out.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The same finding with a way out, if there is one.
    pub(super) fn maybe_hint(self, hint: Option<String>) -> Self {
        Self { hint, ..self }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}: {}", self.message)?;
        if self.place != Place::Default {
            write!(f, "\n  --> {}", self.place)?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\n  hint: {hint}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Position { line, column } = self.place.position().unwrap_or(Position { line: 0, column: 0 });
        let positive = |number: usize| (number > 0).then_some(number);
        let mut finding = serializer.serialize_struct("Finding", 9)?;
        finding.serialize_field("severity", &self.severity)?;
        finding.serialize_field("message", &self.message)?;
        finding.serialize_field("hint", &self.hint)?;
        finding.serialize_field("key", &self.key.to_string())?;
        finding.serialize_field("layer", self.place.layer())?;
        finding.serialize_field("file", &self.place.file().map(|file| file.display().to_string()))?;
        finding.serialize_field("line", &positive(line))?;
        finding.serialize_field("column", &positive(column))?;
        finding.serialize_field("origin", &self.place.to_string())?;
        finding.end()
    }
}

/// The configuration was refused; every finding of every layer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", Listing(.findings))]
pub struct Refused {
    /// Errors and warnings, in the order of the layers and of the lines in them.
    pub findings: Vec<Finding>,
    /// The files that make up the configuration, lowest layer first, also those that could not be read.
    pub files: Vec<PathBuf>,
}

impl Refused {
    /// The errors alone.
    pub fn errors(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Error)
    }
}

/// Findings one below the other, with an empty line between two.
pub(super) struct Listing<'a>(pub(super) &'a [Finding]);

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, finding) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

/// `text` as it may stand in a message: control characters escaped, not endless.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 60;
    let shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    let rest = if text.chars().count() > LONGEST { "…" } else { "" };
    format!("`{shown}{rest}`")
}
