//! What the shell takes from the machine: time and chance.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::remote::{Clock, SystemClock};

/// Time, chance, and a bell that rings when something of note has changed.
#[derive(Clone)]
pub struct Surroundings {
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// A number from 0 to 1, another one each time.
    pub jitter: Arc<dyn Fn() -> f64 + Send + Sync>,
    /// Rung whenever `STATUS=` may have to be said anew.
    pub changed: Arc<Notify>,
}

impl Surroundings {
    /// The machine's.
    #[must_use]
    pub fn of_this_machine() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            jitter: Arc::new(rand::random::<f64>),
            changed: Arc::new(Notify::new()),
        }
    }
}
