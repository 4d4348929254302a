//! The store on disk.
//!
//! ```text
//! <state>/db/            the engine's directory
//! <state>/generation     how far the database had come at least; generation.latest beside it, unsynced
//! <state>/lock           held by the one process that uses the store
//! <state>/export/        automatic exports
//! ```
//!
//! **How a loss is noticed.** The engine may open a damaged file and show less than was stored, even nothing. Witnesses
//! contradict it:
//!
//! * The *seal*, one more key in every batch, so it costs no sync of its own. It holds the generation, which grows with each
//!   commit, and the sum of all entries. A database whose entries do not add up is damaged.
//! * The *generation file* beside the database says how far that had come at least. It is replaced and synced at open, before
//!   an automatic export, at close, after 256 commits, and when no commit came for two seconds, always after the commits that
//!   it speaks of are durable. A database older than it is a restored copy or has lost its last commits; one that is empty or
//!   gone has lost all; one created at another time belongs elsewhere.
//! * The *tally* notes each commit beside it without a sync, so that a killed process leaves an exact witness too.
//! * Opening is itself a commit, so a copy from before it never passes for what came after.
//!
//! What stays unnoticed: that a power cut takes the unsynced tally *and* the disk loses commits that it had reported as
//! synced since the file was last replaced; and a restored copy of the whole state directory.
//!
//! Law: what [`Store::commit`] acknowledged is there after any crash and power cut, or the store refuses to open.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use jiff::Timestamp;

use super::export::{ExportError, ExportSummary, write_export};
use super::layout::physical_key;
use super::rotation::{automatic_path, create_export_directory, rotate};
use super::verify::{self, Validate, VerifyReport};
use super::writer::{Shared, Writer};
use super::{Batch, Entry, OpenError, OpenOptions, Opened, Store, StoreError, Tree, files, open};

/// The store on disk, open in this process only. Dropping it writes what is queued.
#[derive(Debug)]
pub struct SledStore {
    // INVARIANT: dropped in this order: the thread ends, then the database closes, then others may lock.
    writer: Writer,
    shared: Arc<Shared>,
    _lock: File,
}

impl SledStore {
    /// Opens the store of a state directory. Reads every entry once, so it takes a moment for a large store.
    ///
    /// # Errors
    /// The store is in use, damaged, lost, too new, or cannot be created.
    pub fn open(state: &Path, options: &OpenOptions) -> Result<(Self, Opened), OpenError> {
        let (shared, lock, opened) = open::open(state, options)?;
        let shared = Arc::new(shared);
        let writer = Writer::start(Arc::clone(&shared), opened.generation)
            .map_err(|source| OpenError::Create { path: state.to_owned(), source })?;
        Ok((Self { writer, shared, _lock: lock }, opened))
    }

    /// How many batches became durable since the store was opened. A cycle with nothing to do adds none.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::SeqCst)
    }

    /// How many syncs these took: fewer than the commits when some waited together.
    #[must_use]
    pub fn syncs(&self) -> u64 {
        self.shared.syncs.load(Ordering::SeqCst)
    }

    /// The bytes that the database takes on disk.
    ///
    /// # Errors
    /// Its directory cannot be read.
    pub fn size_on_disk(&self) -> Result<u64, StoreError> {
        verify::size_on_disk(&self.shared)
    }

    /// Writes everything, as it is at one moment, as JSON Lines. Commits wait meanwhile; blocks.
    ///
    /// # Errors
    /// The store cannot be read or `writer` not be written.
    pub fn export_to(&self, writer: &mut dyn Write, now: Timestamp) -> Result<ExportSummary, ExportError> {
        self.shared.check()?;
        write_export(&self.shared.database, writer, now)
    }

    /// Writes an automatic export into the state directory and removes all but the newest `keep`. Blocks.
    ///
    /// # Errors
    /// The store cannot be read, or the export directory not be written; older exports are then untouched.
    pub fn write_rotating_export(
        &self,
        keep: usize,
        now: Timestamp,
    ) -> Result<(PathBuf, ExportSummary), ExportError> {
        self.writer.mark()?;
        let state = &self.shared.state;
        create_export_directory(state)?;
        let path = automatic_path(state, now);
        let summary = files::write_whole(&path, |file| write_export(&self.shared.database, file, now))?;
        rotate(state, keep, &path)?;
        Ok((path, summary))
    }

    /// Reads everything and reports; `validate` says what is wrong with a value of a tree under a key. Blocks.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn verify(&self, validate: &Validate<'_>) -> Result<VerifyReport, StoreError> {
        self.shared.check()?;
        verify::verify(&self.shared, validate)
    }

    /// Makes durable what is queued and ends the writing thread; later commits are refused, reads go on. Blocks for `within`
    /// at most. The lock is released when the store is dropped.
    ///
    /// # Errors
    /// The generation file cannot be written, a commit failed earlier, or it takes longer than `within`.
    pub fn close(&self, within: Duration) -> Result<(), StoreError> {
        self.writer.close(within)
    }
}

#[cfg(test)]
impl SledStore {
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }
}

impl Store for SledStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.shared.check()?;
        let value = self.shared.database.get(&physical_key(tree, key))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan<'a>(
        &'a self,
        tree: Tree,
        prefix: &[u8],
    ) -> Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send + 'a> {
        if let Err(stopped) = self.shared.check() {
            return Box::new(std::iter::once(Err(stopped)));
        }
        Box::new(self.shared.database.scan(&physical_key(tree, prefix)).map(|entry| {
            let (key, value) = entry?;
            Ok((key.iter().skip(1).copied().collect(), value.to_vec()))
        }))
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        if batch.is_empty() {
            return future::ready(Ok(())).boxed();
        }
        match batch.check() {
            Ok(()) => self.writer.commit(batch).boxed(),
            Err(refused) => future::ready(Err(refused)).boxed(),
        }
    }
}
