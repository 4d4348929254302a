//! Runs a future to its end, or to the imagined process's death.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// How a future ended.
pub enum Ended<T> {
    Done(T),
    /// The process died.
    Died,
    /// It waits, and nothing will ever wake it.
    Stuck,
}

struct Bell(AtomicBool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Polls `future` until it is done, `is_dead`, stuck, or was polled as often as it may be; and how often that was.
pub fn drive<F: Future>(future: F, most: Option<u32>, is_dead: impl Fn() -> bool) -> (Ended<F::Output>, u32) {
    let bell = Arc::new(Bell(AtomicBool::new(false)));
    let waker = Waker::from(bell.clone());
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let mut polls = 0;
    loop {
        polls += 1;
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return (Ended::Done(output), polls);
        }
        if is_dead() || most.is_some_and(|most| polls > most) {
            return (Ended::Died, polls);
        }
        if !bell.0.swap(false, Ordering::Relaxed) {
            return (Ended::Stuck, polls);
        }
    }
}
