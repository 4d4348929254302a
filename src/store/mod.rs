//! The embedded store: ordered bytes, atomic durable commits.
//!
//! The narrow [`Store`] trait keeps the engine exchangeable and lets a simulator crash it. Reads are synchronous and cheap;
//! a commit is durable when its future resolves.

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};

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
    fn scan<'a>(
        &'a self,
        tree: Tree,
        prefix: &[u8],
    ) -> Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send + 'a>;

    /// Makes `batch` durable. An empty batch touches nothing.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>>;
}

/// Why the store cannot serve.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("the store failed: {0}")]
    Failed(String),
}
