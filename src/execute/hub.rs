//! What the accounts of one site have in common: the site.
//!
//! Two accounts that meet the same person at the same time would each bring him into Dafater. So whoever brings somebody takes his turn,
//! and looks again if another did meanwhile.
//!
//! Law: nobody creates a contact in Dafater on the strength of a look that is older than the latest turn of another account.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Shared by the engines of one site.
#[derive(Debug, Default)]
pub struct Hub {
    turn: Mutex<()>,
    turns: AtomicU64,
}

impl Hub {
    /// How many turns were taken so far: what a look is as old as.
    pub(super) fn turns(&self) -> u64 {
        self.turns.load(Ordering::SeqCst)
    }

    /// Waits for the turn. The others wait until it is dropped.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Whoever has the turn is about to use it.
    pub(super) fn use_turn(&self, _turn: &MutexGuard<'_, ()>) {
        self.turns.fetch_add(1, Ordering::SeqCst);
    }
}
