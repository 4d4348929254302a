//! A clock that only moves when told to.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use dafater_contactsd::remote::Clock;
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

#[derive(Debug)]
pub struct VirtualClock(AtomicI64);

impl VirtualClock {
    pub fn new() -> Self {
        Self(AtomicI64::new(1_795_000_000_000_000))
    }

    pub fn advance(&self, duration: SignedDuration) {
        self.0.fetch_add(i64::try_from(duration.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.advance(SignedDuration::try_from(duration).unwrap());
        Box::pin(std::future::ready(()))
    }
}
