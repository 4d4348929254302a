//! The source of ticks.
//!
//! One job in UTC fires once a second and says so through a channel of one. A tick that nobody has taken yet makes the next one
//! superfluous. The scheduler is asked for nothing else: given a time zone it keeps the offset of the day on which the job was
//! added, and it starts a job again while the job still runs.

use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// Ticks once a second until it is stopped.
pub struct Ticker {
    scheduler: JobScheduler,
}

/// Why there are no ticks.
#[derive(Debug, thiserror::Error)]
#[error("the scheduler cannot {step}: {source}")]
pub struct TickerError {
    /// What it was to do.
    step: &'static str,
    /// Its own words.
    source: JobSchedulerError,
}

impl Ticker {
    /// Starts to tick into `ticks`.
    ///
    /// # Errors
    /// The scheduler could not be built or started.
    pub async fn start(ticks: mpsc::Sender<()>) -> Result<Self, TickerError> {
        let failed = |step| move |source| TickerError { step, source };
        let scheduler = JobScheduler::new().await.map_err(failed("be built"))?;
        let job = Job::new_async(EVERY_SECOND, move |_, _| {
            // Full means that the last tick still waits to be taken: nothing is lost.
            ticks.try_send(()).ok();
            Box::pin(async {})
        })
        .map_err(failed("read its pattern"))?;
        scheduler.add(job).await.map_err(failed("take its job"))?;
        scheduler.start().await.map_err(failed("start"))?;
        Ok(Self { scheduler })
    }

    /// Stops ticking.
    pub async fn stop(mut self) {
        // A scheduler that is already stopped has nothing left to fail at.
        drop(self.scheduler.shutdown().await);
    }
}

const EVERY_SECOND: &str = "* * * * * *";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_ticks_and_a_tick_that_waits_is_not_doubled() {
        let (sender, mut ticks) = mpsc::channel(1);
        let ticker = Ticker::start(sender).await.unwrap();
        tokio::time::sleep(Duration::from_millis(3_200)).await;
        ticker.stop().await;
        assert!(ticks.try_recv().is_ok(), "no tick in three seconds");
        assert!(ticks.try_recv().is_err(), "ticks piled up");
    }
}
