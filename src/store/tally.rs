//! The latest generation, beside the database and unsynced.
//!
//! Written over in place after each commit, without a sync: it costs nothing and survives a killed process, though perhaps not
//! a power cut. It makes the generation file exact wherever the system itself went on.
//!
//! ```text
//! <state>/generation.latest = generation, 8 bytes big-endian ‖ the first 8 bytes of SHA-256(database's creation ‖ generation)
//! ```
//!
//! Law: it never says more than is on disk, and what does not belong to the database at hand is not read from it.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::files;

/// The file of one open database.
#[derive(Debug)]
pub(super) struct Tally {
    file: File,
    store: Timestamp,
}

/// The file's name in the state directory.
pub(super) const FILE_NAME: &str = "generation.latest";

impl Tally {
    /// Begins the file anew for the database created at `store`.
    pub(super) fn begin(state: &Path, store: Timestamp, generation: u64) -> io::Result<Self> {
        let path = state.join(FILE_NAME);
        files::write_whole(&path, |file| file.write_all(&content(store, generation)))?;
        Ok(Self { file: File::options().write(true).open(path)?, store })
    }

    /// Notes that `generation` is on disk.
    pub(super) fn note(&self, generation: u64) -> io::Result<()> {
        self.file.write_all_at(&content(self.store, generation), 0)
    }
}

/// What was last noted for the database created at `store`; `None` when nothing can be read for it.
pub(super) fn latest(state: &Path, store: Timestamp) -> Option<u64> {
    let found = fs::read(state.join(FILE_NAME)).ok()?;
    let generation = u64::from_be_bytes(*found.first_chunk()?);
    (found == content(store, generation)).then_some(generation)
}

fn content(store: Timestamp, generation: u64) -> Vec<u8> {
    let mut content = generation.to_be_bytes().to_vec();
    let mut hash = Sha256::new();
    hash.update(store.as_nanosecond().to_be_bytes());
    hash.update(&content);
    content.extend(hash.finalize().iter().take(8));
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_whole_note_for_this_database_counts() {
        let state = tempfile::tempdir().unwrap();
        let tally = Tally::begin(state.path(), Timestamp::UNIX_EPOCH, 7).unwrap();
        tally.note(8).unwrap();
        assert_eq!(latest(state.path(), Timestamp::UNIX_EPOCH), Some(8));
        assert_eq!(latest(state.path(), Timestamp::MAX), None);

        let path = state.path().join(FILE_NAME);
        let mut torn = fs::read(&path).unwrap();
        torn[7] ^= 1;
        fs::write(&path, torn).unwrap();
        assert_eq!(latest(state.path(), Timestamp::UNIX_EPOCH), None);
        fs::remove_file(&path).unwrap();
        assert_eq!(latest(state.path(), Timestamp::UNIX_EPOCH), None);
    }
}
