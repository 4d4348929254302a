//! The one thread that writes.
//!
//! Commits queue in a channel. The thread takes all that wait, up to a limit, into one batch and one sync, and answers each
//! caller after that sync. It also keeps the generation file close behind the database: at once after [`MARK_AFTER_COMMITS`]
//! commits, else when nothing was committed for [`MARK_AFTER_QUIET`].
//!
//! Law: fail-stop. After one failed commit nothing is written any more, for what memory shows may not be on disk.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::database::{Changes, Database};
use super::layout::physical_key;
use super::mark::Mark;
use super::tally::Tally;
use super::{Batch, StoreError};

/// What the writing thread and the readers share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: PathBuf,
    pub(super) database: Database,
    /// Batches that became durable.
    pub(super) commits: AtomicU64,
    /// Syncs that this took.
    pub(super) syncs: AtomicU64,
    pub(super) tally: Tally,
    /// Set when a commit failed.
    pub(super) stopped: OnceLock<StoreError>,
}

/// The handle of the writing thread.
#[derive(Debug)]
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// After so many commits the generation file follows at once.
pub(super) const MARK_AFTER_COMMITS: u64 = 256;
/// After so long without a commit the generation file follows.
pub(super) const MARK_AFTER_QUIET: Duration = Duration::from_secs(2);
/// A group is closed when it has so many operations.
const GROUP_OPERATIONS: usize = 4_000;

type Answer = oneshot::Sender<Result<(), StoreError>>;
type MarkAnswer = mpsc::SyncSender<Result<(), StoreError>>;

#[derive(Debug)]
enum Job {
    Commit(Batch, Answer),
    Mark(MarkAnswer),
    Stop(MarkAnswer),
}

impl Shared {
    /// Refuses when the store stopped.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.stopped.get().map_or(Ok(()), |stopped| Err(stopped.clone()))
    }

    fn commit(&self, group: Vec<(Batch, Answer)>) {
        let mut changes = Changes::new();
        let mut answers = Vec::with_capacity(group.len());
        for (batch, answer) in group {
            for (tree, key, value) in batch.into_operations() {
                changes.insert(physical_key(tree, &key), value);
            }
            answers.push(answer);
        }
        let result = self.check().and_then(|()| match self.database.commit(changes) {
            Ok(seal) => {
                // Only a sharper witness: the commit is durable without it.
                drop(self.tally.note(seal.generation));
                Ok(())
            }
            Err(trouble) => {
                let stopped = StoreError::Stopped(trouble.to_string());
                Err(self.stopped.get_or_init(|| stopped).clone())
            }
        });
        if result.is_ok() {
            self.commits.fetch_add(answers.len() as u64, Ordering::SeqCst);
            self.syncs.fetch_add(1, Ordering::SeqCst);
        }
        for answer in answers {
            // A caller that no longer waits has lost nothing.
            drop(answer.send(result.clone()));
        }
    }

    /// Brings the generation file up to the database.
    fn mark(&self, marked: &mut u64) -> Result<(), StoreError> {
        self.check()?;
        let generation = self.database.hold().generation;
        if generation > *marked {
            let mark = Mark { format: self.database.format, store: self.database.origin.created, generation };
            mark.write(&self.state).map_err(|error| {
                StoreError::Failed(format!("the generation file cannot be written: {error}"))
            })?;
            *marked = generation;
        }
        Ok(())
    }
}

impl Writer {
    /// Starts the thread. `marked` is what the generation file says.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn start(shared: Arc<Shared>, marked: u64) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&shared, &queue, marked))?;
        Ok(Self { jobs, thread: Mutex::new(Some(thread)) })
    }

    /// Queues a batch and waits until it is durable.
    pub(super) async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let (answer, done) = oneshot::channel();
        self.jobs.send(Job::Commit(batch, answer)).map_err(|_| StoreError::Closed)?;
        done.await.map_err(|_| StoreError::Closed)?
    }

    /// Brings the generation file up to everything that was committed before.
    pub(super) fn mark(&self) -> Result<(), StoreError> {
        let (answer, done) = mpsc::sync_channel(1);
        self.jobs.send(Job::Mark(answer)).map_err(|_| StoreError::Closed)?;
        done.recv().map_err(|_| StoreError::Closed)?
    }

    /// Writes what is queued and ends the thread; gives up waiting after `within`.
    pub(super) fn close(&self, within: Duration) -> Result<(), StoreError> {
        let (answer, done) = mpsc::sync_channel(1);
        if self.jobs.send(Job::Stop(answer)).is_err() {
            return Ok(());
        }
        let result = match done.recv_timeout(within) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                return Err(StoreError::Failed(format!("commits are still being written after {within:?}")));
            }
            Err(RecvTimeoutError::Disconnected) => Err(StoreError::Closed),
        };
        self.join();
        result
    }

    fn join(&self) {
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // Its only way to fail is a panic, which its callers have seen as `Closed`.
            drop(thread.join());
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (answer, _done) = mpsc::sync_channel(1);
        drop(self.jobs.send(Job::Stop(answer)));
        self.join();
    }
}

fn serve(shared: &Shared, queue: &mpsc::Receiver<Job>, mut marked: u64) {
    let mut next = None;
    loop {
        let job = match next.take() {
            Some(job) => job,
            None => match wait(shared, queue, &mut marked) {
                Some(job) => job,
                None => return,
            },
        };
        match job {
            Job::Commit(batch, answer) => {
                let mut operations = batch.operations.len();
                let mut group = vec![(batch, answer)];
                while operations < GROUP_OPERATIONS {
                    match queue.try_recv() {
                        Ok(Job::Commit(batch, answer)) => {
                            operations += batch.operations.len();
                            group.push((batch, answer));
                        }
                        Ok(other @ (Job::Mark(_) | Job::Stop(_))) => {
                            next = Some(other);
                            break;
                        }
                        Err(_) => break,
                    }
                }
                shared.commit(group);
                if shared.database.hold().generation >= marked + MARK_AFTER_COMMITS {
                    // Not this commit's concern: it is durable. The file is tried again when it is quiet.
                    drop(shared.mark(&mut marked));
                }
            }
            Job::Mark(answer) => drop(answer.send(shared.mark(&mut marked))),
            Job::Stop(answer) => {
                drop(answer.send(shared.mark(&mut marked)));
                return;
            }
        }
    }
}

/// The next job; `None` when nobody is left to send one.
fn wait(shared: &Shared, queue: &mpsc::Receiver<Job>, marked: &mut u64) -> Option<Job> {
    loop {
        if shared.stopped.get().is_some() || shared.database.hold().generation == *marked {
            return queue.recv().ok();
        }
        match queue.recv_timeout(MARK_AFTER_QUIET) {
            Ok(job) => return Some(job),
            Err(RecvTimeoutError::Disconnected) => return None,
            Err(RecvTimeoutError::Timeout) => drop(shared.mark(marked)),
        }
    }
}
