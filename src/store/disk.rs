//! The one place that touches the engine: open, read, and commit so that it survives a power cut.
//!
//! The engine's own flush starts the writing but never syncs file sizes, blob files or directories. A commit is therefore:
//! apply the batch, flush, then sync the log file, or the whole file system where blob files exist.
//!
//! Law: no method panics, and when [`Disk::commit`] returns `Ok` the batch is on disk, whole.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::panics::caught;
use super::{StoreError, files};

/// What the engine ran into.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Another holder of the database.
    Locked,
    /// The system refused.
    Io(io::Error),
    /// The files are not what the engine expects.
    Damaged(String),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Locked => f.write_str("another process has the database open"),
            Self::Io(error) => write!(f, "{error}"),
            Self::Damaged(cause) => f.write_str(cause),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        // The engine reads past the end of a cut file, or misses a blob file that its log names.
        let damage = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidData
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::NotFound
        );
        if damage { Self::Damaged(error.to_string()) } else { Self::Io(error) }
    }
}

impl From<sled::Error> for Trouble {
    fn from(error: sled::Error) -> Self {
        match error {
            sled::Error::Io(error) if error.to_string().contains("could not acquire lock") => Self::Locked,
            sled::Error::Io(error) => error.into(),
            sled::Error::CollectionNotFound(_) => Self::Damaged("the engine misses its tree".to_owned()),
            error @ (sled::Error::Unsupported(_)
            | sled::Error::ReportableBug(_)
            | sled::Error::Corruption { .. }) => Self::Damaged(error.to_string()),
        }
    }
}

impl From<Trouble> for StoreError {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble.to_string())
    }
}

/// An open database.
#[derive(Debug)]
pub(super) struct Disk {
    db: sled::Db,
    /// The log that holds everything but blobs.
    log: File,
    /// The database's directory, as a handle to its file system.
    directory: File,
    blobs: PathBuf,
    #[cfg(test)]
    pub(super) failing: std::sync::atomic::AtomicBool,
}

/// The engine's own file inside its directory.
pub(super) const LOG_FILE: &str = "db";

impl Disk {
    /// Opens the database in `directory`, creating it where there is none, and makes its files and their names durable.
    pub(super) fn open(directory: &Path) -> Result<Self, Trouble> {
        let mut patience = LOCK_ATTEMPTS;
        let db = loop {
            match protected(|| {
                sled::Config::new().path(directory).cache_capacity(CACHE).flush_every_ms(None).open()
            }) {
                // Threads of the engine may hold the lock for a moment after a database was closed in this process.
                Err(Trouble::Locked) if patience > 0 => {
                    patience -= 1;
                    std::thread::sleep(LOCK_PAUSE);
                }
                other => break other?,
            }
        };
        let disk = Self {
            db,
            log: File::options().read(true).write(true).open(directory.join(LOG_FILE))?,
            directory: File::open(directory)?,
            blobs: directory.join("blobs"),
            #[cfg(test)]
            failing: std::sync::atomic::AtomicBool::new(false),
        };
        disk.log.sync_all()?;
        File::open(directory.join("conf"))?.sync_all()?;
        files::sync_directory(&disk.blobs)?;
        disk.directory.sync_all()?;
        match directory.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => files::sync_directory(parent)?,
            Some(_) | None => {}
        }
        Ok(disk)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, Trouble> {
        protected(|| self.db.get(key))
    }

    /// All entries whose key starts with `prefix`, in order; ends after the first trouble.
    pub(super) fn scan(&self, prefix: &[u8]) -> Scan {
        Scan { entries: Some(self.db.scan_prefix(prefix)) }
    }

    /// Applies a batch and returns when it is on disk.
    pub(super) fn commit(&self, batch: sled::Batch) -> Result<(), Trouble> {
        self.apply(batch)?;
        self.sync()
    }

    /// Applies a batch, durable with the next [`Disk::sync`].
    pub(super) fn apply(&self, batch: sled::Batch) -> Result<(), Trouble> {
        protected(|| self.db.apply_batch(batch))
    }

    /// Returns when everything applied is on disk.
    pub(super) fn sync(&self) -> Result<(), Trouble> {
        #[cfg(test)]
        if self.failing.load(std::sync::atomic::Ordering::SeqCst) {
            return Err(Trouble::Io(io::ErrorKind::StorageFull.into()));
        }
        protected(|| self.db.flush())?;
        if fs::read_dir(&self.blobs)?.next().is_some() {
            rustix::fs::syncfs(&self.directory).map_err(io::Error::from)?;
        } else {
            self.log.sync_data()?;
        }
        Ok(())
    }
}

/// The entries of a scan.
pub(super) struct Scan {
    entries: Option<sled::Iter>,
}

impl Iterator for Scan {
    type Item = Result<(sled::IVec, sled::IVec), Trouble>;

    fn next(&mut self) -> Option<Self::Item> {
        let entries = self.entries.as_mut()?;
        let next = protected(|| entries.next().transpose()).transpose();
        if !matches!(next, Some(Ok(_))) {
            self.entries = None;
        }
        next
    }
}

/// Calls the engine; its panics are damage.
fn protected<T>(work: impl FnOnce() -> sled::Result<T>) -> Result<T, Trouble> {
    caught(work).map_err(Trouble::Damaged)?.map_err(Trouble::from)
}

/// Bytes of page cache; the engine's default is a gigabyte.
const CACHE: u64 = 16 * 1024 * 1024;
/// How often a held lock is tried again.
const LOCK_ATTEMPTS: u32 = 50;
/// The pause between two attempts.
const LOCK_PAUSE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_committed_is_there_after_a_reopen_and_scans_in_order() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        {
            let disk = Disk::open(&path).unwrap();
            let mut batch = sled::Batch::default();
            batch.insert(b"ab", b"2");
            batch.insert(b"aa", b"1");
            batch.insert(b"b", b"3");
            disk.commit(batch).unwrap();
        }
        let disk = Disk::open(&path).unwrap();
        let keys: Vec<_> = disk.scan(b"a").map(|entry| entry.unwrap().0.to_vec()).collect();
        assert_eq!(keys, [b"aa".to_vec(), b"ab".to_vec()]);
        assert_eq!(disk.get(b"b").unwrap().unwrap(), b"3");
    }

    #[test]
    fn values_that_end_up_in_blob_files_are_synced_with_the_file_system() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::open(&directory.path().join("db")).unwrap();
        let mut batch = sled::Batch::default();
        batch.insert(b"large", vec![7_u8; 300_000]);
        disk.commit(batch).unwrap();
        assert!(fs::read_dir(&disk.blobs).unwrap().next().is_some(), "the value stands in a blob file");
    }

    #[test]
    fn a_database_opens_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("db");
        let _first = Disk::open(&path).unwrap();
        assert!(matches!(Disk::open(&path), Err(Trouble::Locked)));
    }
}
