//! Whether every long-lived task still moves.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The tasks that are watched.
#[derive(Clone, Default)]
pub(super) struct Heartbeats(Arc<Mutex<BTreeMap<String, Arc<AtomicBool>>>>);

/// One task's heart; a task that ends is no longer watched.
pub(super) struct Heart {
    task: String,
    beat: Arc<AtomicBool>,
    all: Heartbeats,
}

impl Heartbeats {
    /// Watches a task from now on.
    pub(super) fn watch(&self, task: impl Into<String>) -> Heart {
        let (task, beat) = (task.into(), Arc::new(AtomicBool::new(true)));
        self.lock().insert(task.clone(), Arc::clone(&beat));
        Heart { task, beat, all: self.clone() }
    }

    /// The tasks that have not moved since this was asked last.
    pub(super) fn late(&self) -> Vec<String> {
        let tasks = self.lock();
        let late = tasks.iter().filter(|(_, beat)| !beat.swap(false, Ordering::Relaxed));
        late.map(|(task, _)| task.clone()).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<AtomicBool>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heart {
    /// The task moves.
    pub(super) fn beat(&self) {
        self.beat.store(true, Ordering::Relaxed);
    }
}

impl Drop for Heart {
    fn drop(&mut self) {
        let mut tasks = self.all.lock();
        // A successor of the same name may already be watched.
        if tasks.get(&self.task).is_some_and(|beat| Arc::ptr_eq(beat, &self.beat)) {
            tasks.remove(&self.task);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_that_stands_still_is_late_and_one_that_ended_is_not() {
        let hearts = Heartbeats::default();
        let (sales, support) = (hearts.watch("sales"), hearts.watch("support"));
        assert!(hearts.late().is_empty());
        sales.beat();
        assert_eq!(hearts.late(), ["support"]);
        drop(support);
        sales.beat();
        assert!(hearts.late().is_empty());
        assert_eq!(hearts.late(), ["sales"]);
    }

    #[test]
    fn a_successor_stays_watched_when_its_predecessor_ends() {
        let hearts = Heartbeats::default();
        let first = hearts.watch("sales");
        let _second = hearts.watch("sales");
        drop(first);
        hearts.late();
        assert_eq!(hearts.late(), ["sales"]);
    }
}
