//! The embedded store: ordered bytes, atomic durable commits.
//!
//! The narrow [`Store`] trait keeps the engine exchangeable and lets a simulator crash it. Reads are synchronous and cheap;
//! a commit is durable when its future resolves. [`SledStore`] keeps the bytes on disk, [`MemoryStore`] in memory.
//!
//! Law: a store that lost anything never opens as if it were whole (see [`SledStore`] for the protocol).

mod build;
mod codec;
mod database;
mod disk;
mod error;
mod export;
mod files;
mod import;
mod key;
mod layout;
mod mark;
mod memory;
mod migrate;
mod open;
mod panics;
mod rotation;
mod seal;
mod sled_store;
mod tally;
mod verify;
mod writer;

#[cfg(test)]
mod damage_tests;
#[cfg(test)]
mod sled_tests;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

pub use codec::{CodecError, decode, encode, get_decoded, scan_decoded, version_of};
pub use error::{OpenError, StoreError, WayOut, WhyLost};
pub use export::{ExportError, ExportSummary};
pub use import::{ImportError, ImportOptions, ImportSummary, import_from};
pub use key::{Key, KeyReader};
pub use memory::{Durable, Fault, MemoryStore};
pub use open::{OpenOptions, Opened, Trust};
pub use rotation::{AutomaticExport, automatic_exports};
pub use sled_store::SledStore;
pub use verify::{TreeReport, Undecodable, Validate, VerifyReport};

/// The format that this version reads and writes.
pub const FORMAT: u32 = 1;

/// The largest value, in bytes: beyond it the engine would leave its log for files of its own, which it never syncs.
pub const VALUE_LIMIT: usize = 64 * 1024;

/// The longest key, in bytes.
pub const KEY_LIMIT: usize = 4 * 1024;

/// Keys of [`Tree::Meta`] that begin so belong to the store itself.
pub const RESERVED: &str = "store.";

/// The logical trees. They share one physical tree, told apart by a leading byte, so that one commit may span them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tree {
    /// Format number and generation.
    Meta,
    /// Cursors, sealed tokens, last success.
    Accounts,
    /// Pairs with their base, and the indexes that find them.
    Pairs,
    /// Intents without a receipt.
    Journal,
    /// Parked items, reviews, conflicts, holds.
    Queue,
    /// Memory of deletions.
    Tombstones,
    /// What was changed, with before-images.
    History,
}

impl Tree {
    /// All trees, in the order of their keys on disk.
    pub const ALL: [Self; 7] = [
        Self::Meta,
        Self::Accounts,
        Self::Pairs,
        Self::Journal,
        Self::Queue,
        Self::Tombstones,
        Self::History,
    ];

    /// The name in exports and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::Accounts => "accounts",
            Self::Pairs => "pairs",
            Self::Journal => "journal",
            Self::Queue => "queue",
            Self::Tombstones => "tombstones",
            Self::History => "history",
        }
    }
}

impl std::fmt::Display for Tree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// Changes that become durable together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    operations: Vec<(Tree, Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// Sets the value of a key.
    pub fn put(&mut self, tree: Tree, key: impl Into<Vec<u8>>, value: Vec<u8>) {
        self.operations.push((tree, key.into(), Some(value)));
    }

    /// Removes a key; a key that is not there is no error.
    pub fn delete(&mut self, tree: Tree, key: impl Into<Vec<u8>>) {
        self.operations.push((tree, key.into(), None));
    }

    /// Whether nothing would change.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// The operations in order; a later one on the same key wins.
    #[must_use]
    pub fn into_operations(self) -> Vec<(Tree, Vec<u8>, Option<Vec<u8>>)> {
        self.operations
    }

    /// Whether every store takes this batch: sizes within their limits, nothing that is the store's own.
    ///
    /// # Errors
    /// The first operation that no store takes.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        for (tree, key, value) in &self.operations {
            let tree = *tree;
            if tree == Tree::Meta && key.starts_with(RESERVED.as_bytes()) {
                return Err(StoreError::Reserved);
            }
            if key.len() > KEY_LIMIT {
                return Err(StoreError::KeyTooLong { tree, bytes: key.len(), limit: KEY_LIMIT });
            }
            match value {
                Some(value) if value.len() > VALUE_LIMIT => {
                    return Err(StoreError::ValueTooLarge { tree, bytes: value.len(), limit: VALUE_LIMIT });
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// An ordered key-value store with durable, atomic commits.
pub trait Store: Send + Sync {
    /// The value of `key`.
    ///
    /// # Errors
    /// The store cannot be read.
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// All entries whose key starts with `prefix`, in byte order of their keys.
    ///
    /// Not a snapshot: commits that happen meanwhile may show in part.
    fn scan<'a>(
        &'a self,
        tree: Tree,
        prefix: &[u8],
    ) -> Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send + 'a>;

    /// Makes `batch` durable. An empty batch touches nothing.
    ///
    /// Nothing happens before the future is first polled; from then on the batch may become durable even if the future is
    /// dropped. Batches that one caller awaits one after the other become durable in that order.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>>;
}
