//! A database built aside and put in place whole.
//!
//! First start, import and start-over all build in a directory of their own and rename it, so that no crash leaves half a store.
//!
//! Law: [`Builder::finish`] returns after everything in the new directory is on disk.

use std::path::Path;

use super::codec::encode;
use super::disk::{Disk, Trouble};
use super::files;
use super::layout::{FORMAT_KEY, ORIGIN_KEY, Origin, SEAL_KEY, format_bytes};
use super::seal::Seal;

/// A database being built.
#[derive(Debug)]
pub(super) struct Builder {
    disk: Disk,
    seal: Seal,
    batch: sled::Batch,
    batched: usize,
}

impl Builder {
    /// Begins in `directory`; what an interrupted attempt left there is removed.
    pub(super) fn begin(directory: &Path, format: u32, origin: &Origin) -> Result<Self, Trouble> {
        files::remove_directory(directory)?;
        files::create_directory(directory)?;
        let mut builder = Self {
            disk: Disk::open(directory)?,
            seal: Seal::default(),
            batch: sled::Batch::default(),
            batched: 0,
        };
        builder.add(FORMAT_KEY.to_vec(), format_bytes(format))?;
        builder.add(ORIGIN_KEY.to_vec(), encode(Origin::VERSION, origin))?;
        Ok(builder)
    }

    /// Adds one entry under its key on disk; the caller never adds a key twice.
    pub(super) fn add(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), Trouble> {
        self.seal.add(&key, &value);
        self.batched += key.len() + value.len();
        self.batch.insert(key, value);
        if self.batched > BATCH_BYTES {
            self.batched = 0;
            self.disk.apply(std::mem::take(&mut self.batch))?;
        }
        Ok(())
    }

    /// Seals the database at `generation`, makes it durable and closes it.
    pub(super) fn finish(mut self, generation: u64) -> Result<(), Trouble> {
        self.seal.generation = generation;
        self.batch.insert(SEAL_KEY, encode(Seal::VERSION, &self.seal));
        self.disk.commit(self.batch)
    }
}

/// How many bytes are handed to the engine at once.
const BATCH_BYTES: usize = 1024 * 1024;
