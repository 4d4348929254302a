//! The generation file beside the database: how far the database had come at least.
//!
//! Law: it is written only after the commit that it speaks of is durable, so it never runs ahead of a healthy database.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::files;

/// The content of `<state>/generation`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The format of the database, so that a newer one is refused before its files are touched.
    pub(super) format: u32,
    /// When the database was created, which tells it from any other.
    pub(super) store: Timestamp,
    /// The generation that it had reached at least.
    pub(super) generation: u64,
}

/// The file's name in the state directory.
pub(super) const FILE_NAME: &str = "generation";

impl Mark {
    /// What stands in the state directory: `Ok(None)` when there is none.
    ///
    /// # Errors
    /// The file cannot be read (`Err(Some)`) or not be understood (`Err(None)`).
    pub(super) fn read(state: &Path) -> Result<Option<Self>, Option<io::Error>> {
        match fs::read(state.join(FILE_NAME)) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|_| None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Some(error)),
        }
    }

    /// Puts it in place, durably.
    pub(super) fn write(&self, state: &Path) -> io::Result<()> {
        files::write_whole(&state.join(FILE_NAME), |file| {
            serde_json::to_writer(&mut *file, self)?;
            file.write_all(b"\n")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_absent_then_read_as_written_then_not_understood_when_cut() {
        let state = tempfile::tempdir().unwrap();
        assert!(matches!(Mark::read(state.path()), Ok(None)));

        let mark = Mark { format: 1, store: Timestamp::UNIX_EPOCH, generation: 42 };
        mark.write(state.path()).unwrap();
        assert_eq!(Mark::read(state.path()).unwrap(), Some(mark));

        fs::write(state.path().join(FILE_NAME), "{\"format\":1").unwrap();
        assert!(matches!(Mark::read(state.path()), Err(None)));
    }
}
