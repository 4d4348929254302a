//! The store in memory, which a simulator can crash.
//!
//! [`MemoryStore::snapshot_durable`] is what a restarted process would find; [`MemoryStore::from_durable`] restarts from it.
//! A [`Fault`] strikes one commit, counted from the store's beginning.
//!
//! Law: behaves as the store on disk does, but for where the bytes are; after a crash it answers nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use tokio::sync::Notify;

use super::{Batch, Entry, Store, StoreError, Tree};

/// What is on the imagined disk.
pub type Durable = BTreeMap<(Tree, Vec<u8>), Vec<u8>>;

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is refused, nothing of it is durable, and the store goes on.
    Refuse,
    /// The process dies: this and every later call is [`StoreError::Crashed`].
    Crash {
        /// Whether the batch still reached the disk.
        durable: bool,
    },
    /// The process dies, and this and every later commit never resolves; reads are [`StoreError::Crashed`].
    Hang {
        /// Whether the batch still reached the disk.
        durable: bool,
    },
}

/// A store in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    crash: Notify,
}

#[derive(Debug, Default)]
struct Inner {
    entries: Durable,
    commits: u64,
    attempts: u64,
    faults: BTreeMap<u64, Fault>,
    dead: Option<Fault>,
    touched: BTreeMap<Tree, u64>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store that finds `entries` on its disk.
    #[must_use]
    pub fn from_durable(entries: Durable) -> Self {
        Self { inner: Mutex::new(Inner { entries, ..Inner::default() }), crash: Notify::new() }
    }

    /// What a process that starts now would find.
    #[must_use]
    pub fn snapshot_durable(&self) -> Durable {
        self.inner().entries.clone()
    }

    /// How many batches became durable since the store began; empty ones are none.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.inner().commits
    }

    /// How many commits touched `tree` since the store began.
    #[must_use]
    pub fn commits_to(&self, tree: Tree) -> u64 {
        self.inner().touched.get(&tree).copied().unwrap_or_default()
    }

    /// Lets `fault` strike the `nth` commit that is tried, the first being 1; empty and refused batches do not count.
    pub fn fault_at(&self, nth: u64, fault: Fault) {
        self.inner().faults.insert(nth, fault);
    }

    /// How many commits were tried: what [`Self::fault_at`] counts.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        self.inner().attempts
    }

    /// Forgets the faults that have not struck.
    pub fn clear_faults(&self) {
        self.inner().faults.clear();
    }

    /// Whether a fault ended the imagined process.
    #[must_use]
    pub fn is_crashed(&self) -> bool {
        self.inner().dead.is_some()
    }

    /// Resolves when a fault ended the imagined process: race it against the code under test.
    pub async fn crashed(&self) {
        let notified = self.crash.notified();
        if !self.is_crashed() {
            notified.await;
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What becomes of a batch; `None` when the caller never learns.
    fn attempt(&self, batch: Batch) -> Option<Result<(), StoreError>> {
        let mut inner = self.inner();
        if let Some(dead) = inner.dead {
            return dead.answer();
        }
        if let Err(refused) = batch.check() {
            return Some(Err(refused));
        }
        inner.attempts += 1;
        let nth = inner.attempts;
        let fault = inner.faults.remove(&nth);
        let durable = match fault {
            None => true,
            Some(Fault::Refuse) => false,
            Some(Fault::Crash { durable } | Fault::Hang { durable }) => durable,
        };
        if durable {
            inner.apply(batch);
        }
        match fault {
            None => Some(Ok(())),
            Some(Fault::Refuse) => Fault::Refuse.answer(),
            Some(fault @ (Fault::Crash { .. } | Fault::Hang { .. })) => {
                inner.dead = Some(fault);
                drop(inner);
                self.crash.notify_waiters();
                fault.answer()
            }
        }
    }
}

impl Inner {
    fn apply(&mut self, batch: Batch) {
        self.commits += 1;
        let operations = batch.into_operations();
        let trees: BTreeSet<Tree> = operations.iter().map(|(tree, ..)| *tree).collect();
        for tree in trees {
            *self.touched.entry(tree).or_default() += 1;
        }
        for (tree, key, value) in operations {
            match value {
                Some(value) => drop(self.entries.insert((tree, key), value)),
                None => drop(self.entries.remove(&(tree, key))),
            }
        }
    }
}

impl Fault {
    fn answer(self) -> Option<Result<(), StoreError>> {
        match self {
            Self::Refuse => Some(Err(StoreError::Failed("the commit was refused on purpose".to_owned()))),
            Self::Crash { .. } => Some(Err(StoreError::Crashed)),
            Self::Hang { .. } => None,
        }
    }
}

impl Store for MemoryStore {
    fn get(&self, tree: Tree, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let inner = self.inner();
        match inner.dead {
            Some(_) => Err(StoreError::Crashed),
            None => Ok(inner.entries.get(&(tree, key.to_vec())).cloned()),
        }
    }

    fn scan<'a>(
        &'a self,
        tree: Tree,
        prefix: &[u8],
    ) -> Box<dyn Iterator<Item = Result<Entry, StoreError>> + Send + 'a> {
        let inner = self.inner();
        if inner.dead.is_some() {
            return Box::new(std::iter::once(Err(StoreError::Crashed)));
        }
        let found: Vec<_> = inner
            .entries
            .range((tree, prefix.to_vec())..)
            .take_while(|((found, key), _)| *found == tree && key.starts_with(prefix))
            .map(|((_, key), value)| Ok((key.clone(), value.clone())))
            .collect();
        Box::new(found.into_iter())
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<(), StoreError>> {
        async move {
            if batch.is_empty() {
                return Ok(());
            }
            match self.attempt(batch) {
                Some(answer) => answer,
                None => future::pending().await,
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(key: &str) -> Batch {
        let mut batch = Batch::default();
        batch.put(Tree::Journal, key, b"x".to_vec());
        batch
    }

    fn keys(store: &MemoryStore) -> Vec<Vec<u8>> {
        store.scan(Tree::Journal, b"").map(|entry| entry.unwrap().0).collect()
    }

    #[tokio::test]
    async fn a_crash_before_the_disk_loses_the_batch_and_one_after_it_keeps_it() {
        for (durable, expected) in [(false, vec![b"1".to_vec()]), (true, vec![b"1".to_vec(), b"2".to_vec()])]
        {
            let store = MemoryStore::new();
            store.fault_at(2, Fault::Crash { durable });
            store.commit(put("1")).await.unwrap();
            assert_eq!(store.commit(put("2")).await, Err(StoreError::Crashed));
            assert_eq!(store.commit(put("3")).await, Err(StoreError::Crashed));
            assert_eq!(store.get(Tree::Journal, b"1"), Err(StoreError::Crashed));

            let restarted = MemoryStore::from_durable(store.snapshot_durable());
            assert_eq!(keys(&restarted), expected);
        }
    }

    #[tokio::test]
    async fn a_hang_never_answers_and_is_noticed_from_beside() {
        let store = MemoryStore::new();
        store.fault_at(1, Fault::Hang { durable: true });
        tokio::select! {
            biased;
            answer = store.commit(put("1")) => panic!("a dead process answered {answer:?}"),
            () = store.crashed() => {}
        }
        assert!(store.commit(put("2")).now_or_never().is_none());
        assert_eq!(store.snapshot_durable().len(), 1);
    }

    #[tokio::test]
    async fn a_refused_commit_leaves_no_trace_and_the_next_one_succeeds() {
        let store = MemoryStore::new();
        store.fault_at(1, Fault::Refuse);
        assert!(matches!(store.commit(put("1")).await, Err(StoreError::Failed(_))));
        store.commit(put("2")).await.unwrap();
        assert_eq!(keys(&store), [b"2".to_vec()]);
        assert_eq!(store.commits(), 1);
    }

    #[tokio::test]
    async fn an_empty_batch_is_no_commit() {
        let store = MemoryStore::new();
        store.fault_at(1, Fault::Crash { durable: false });
        store.commit(Batch::default()).await.unwrap();
        assert_eq!(store.commits(), 0);
        assert_eq!(store.commits_to(Tree::Journal), 0);
    }
}
