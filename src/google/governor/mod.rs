//! Stays below Google's quotas instead of running into them, for all accounts of one OAuth client.
//!
//! A refused call costs as much as a good one, and a program that keeps being refused stays refused. Each call waits until it fits
//! into what its account may spend a minute, into what all accounts together may spend, and into the contacts of the day.
//!
//! Laws: in no sixty seconds is more spent than the budget, but by a single call that costs more than all of it. Where the accounts
//! want more together than there is, who has spent least lately goes first, so that a busy account never starves a quiet one.

mod books;
mod budget;
mod window;

#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use self::books::Books;
pub use self::budget::Budget;
use super::Method;
use crate::account::AccountName;
use crate::remote::Clock;

/// Lets the calls of all accounts of one OAuth client through, each when its time has come.
pub struct Governor {
    books: Mutex<Books>,
    clock: Arc<dyn Clock>,
}

/// Why a call is not let through. Nothing was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detained {
    /// Its turn comes so late that the run had better end and go on then.
    Until(Duration),
    /// The run was asked to stop.
    Stopped,
}

/// A call waits in place for its minute, not for its day.
const PATIENCE: Duration = Duration::from_mins(5);
/// Those in front may go away: the turn is looked at again after this.
const RECONSIDER: Duration = Duration::from_secs(5);

impl Governor {
    /// A governor with empty books.
    #[must_use]
    pub fn new(budget: Budget, clock: Arc<dyn Clock>) -> Self {
        Self { books: Mutex::new(Books::new(budget)), clock }
    }

    /// Takes another budget; what was spent stays spent.
    pub fn set_budget(&self, budget: Budget) {
        self.books().set_budget(budget);
    }

    /// Waits until a call of `method` by `account` fits, and books it. Dropping it while it waits is safe.
    pub(super) async fn admit(
        &self,
        account: &AccountName,
        method: Method,
        cancel: &CancellationToken,
    ) -> Result<(), Detained> {
        let place = self.books().queue(account.clone(), method);
        let place = Place { governor: self, place };
        loop {
            let booked = self.books().book(place.place, self.clock.now());
            match booked {
                Ok(()) => return Ok(()),
                Err(wait) if wait > PATIENCE => return Err(Detained::Until(wait)),
                Err(wait) => tokio::select! {
                    () = cancel.cancelled() => return Err(Detained::Stopped),
                    () = self.clock.sleep(wait.min(RECONSIDER)) => {}
                },
            }
        }
    }

    /// Google refused a call of `method` for this minute all the same: its books say that the minute is spent.
    pub(super) fn refused(&self, account: &AccountName, method: Method) {
        let now = self.clock.now();
        self.books().refused(account, method, now);
    }

    /// A panic elsewhere leaves at worst a call that was booked and not sent.
    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Governor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Governor").finish_non_exhaustive()
    }
}

/// A place in the queue; given up when it is dropped.
struct Place<'a> {
    governor: &'a Governor,
    place: u64,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.governor.books().leave(self.place);
    }
}
