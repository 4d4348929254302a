//! How long a failing account is left alone.

use std::time::Duration;

/// Doubles from one failure to the next, up to a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The wait after the first failure.
    pub first: Duration,
    /// The longest wait.
    pub cap: Duration,
}

impl Backoff {
    /// Between two runs of a failing account.
    pub const RUNS: Self = Self { first: Duration::from_secs(30), cap: Duration::from_mins(30) };

    /// Before a task that panicked is started again.
    pub const RESTARTS: Self = Self { first: Duration::from_secs(1), cap: Duration::from_mins(1) };

    /// The wait after so many failures in a row. `jitter` (0 to 1) spreads it over its whole length ("full jitter"), so that
    /// accounts that failed together do not come back together; the first second is always waited for.
    #[must_use]
    pub fn delay(&self, failures: u32, jitter: f64) -> Duration {
        if failures == 0 {
            return Duration::ZERO;
        }
        let doubled = 2_u32.checked_pow(failures - 1).and_then(|factor| self.first.checked_mul(factor));
        let whole = doubled.unwrap_or(self.cap).min(self.cap);
        whole.mul_f64(jitter.clamp(0.0, 1.0)).max(LEAST).min(whole)
    }
}

/// No failure is answered at once.
const LEAST: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_the_cap_and_never_overflows() {
        let waits: Vec<u64> =
            [0, 1, 2, 3, 7, 8, u32::MAX].iter().map(|n| Backoff::RUNS.delay(*n, 1.0).as_secs()).collect();
        assert_eq!(waits, [0, 30, 60, 120, 1_800, 1_800, 1_800]);
    }

    #[test]
    fn jitter_spreads_the_wait_over_its_whole_length_but_for_a_second() {
        assert_eq!(Backoff::RUNS.delay(1, 0.0), Duration::from_secs(1));
        assert_eq!(Backoff::RUNS.delay(1, -3.0), Duration::from_secs(1));
        assert_eq!(Backoff::RUNS.delay(3, 0.5), Duration::from_mins(1));
        assert_eq!(Backoff::RUNS.delay(1, 7.0), Duration::from_secs(30));
    }
}
