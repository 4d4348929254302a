//! Where a setting was written: file and line, variable, or argument.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

/// Where a setting, or a mistake in one, was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Nowhere: it is the compiled-in default.
    Default,
    /// In a file.
    File {
        /// The file.
        path: PathBuf,
        /// The position in it, if it is about one.
        position: Option<Position>,
    },
    /// In an environment variable.
    Environment {
        /// Its name.
        variable: String,
    },
    /// In an argument of the command line.
    CommandLine {
        /// The argument, without the value it sets.
        argument: String,
    },
    /// In a systemd credential.
    Credential {
        /// The credential's file.
        path: PathBuf,
    },
    /// In a record of "Google Contacts" on the site.
    Record {
        /// The record's name.
        name: String,
    },
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Place {
    /// A file as a whole.
    #[must_use]
    pub fn whole(path: &Path) -> Self {
        Self::File { path: path.to_owned(), position: None }
    }

    /// The name of the layer that the place belongs to.
    #[must_use]
    pub const fn layer(&self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::File { .. } => "file",
            Self::Environment { .. } => "environment",
            Self::CommandLine { .. } => "command line",
            Self::Credential { .. } => "credential",
            Self::Record { .. } => "google contacts",
        }
    }

    /// The file, if the place is in one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } | Self::Credential { path } => Some(path),
            Self::Default | Self::Environment { .. } | Self::CommandLine { .. } | Self::Record { .. } => None,
        }
    }

    /// The position in the file, if the place has one.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::File { position, .. } => *position,
            Self::Default
            | Self::Environment { .. }
            | Self::CommandLine { .. }
            | Self::Credential { .. }
            | Self::Record { .. } => None,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("compiled-in default"),
            Self::File { path, position: None } => write!(f, "{}", path.display()),
            Self::File { path, position: Some(Position { line, column }) } => {
                write!(f, "{}:{line}:{column}", path.display())
            }
            Self::Environment { variable } => write!(f, "environment variable {variable}"),
            Self::CommandLine { argument } => f.write_str(argument),
            Self::Credential { path } => write!(f, "credential {}", path.display()),
            Self::Record { name } => write!(f, "Google Contacts {name}"),
        }
    }
}

/// The position of byte `offset` in `text`.
pub(super) fn position(text: &str, offset: usize) -> Position {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Position {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_counts_lines_and_characters_from_one() {
        let text = "a = 1\r\n\"é\" = 2, b\n";
        let at = |needle: &str| {
            let Position { line, column } = position(text, text.find(needle).unwrap());
            (line, column)
        };
        assert_eq!((at("a"), at("\"é"), at("b")), ((1, 1), (2, 1), (2, 10)));
        assert_eq!(position(text, 999).line, 3);
    }
}
