//! What one account remembers between two runs.

use std::time::Duration;

use chrono_tz::Tz;
use jiff::{SignedDuration, Timestamp};

use super::{Backoff, Schedule};

/// When an account's next run is due, and how its last ones went.
#[derive(Debug, Clone)]
pub struct Agenda {
    schedule: Schedule,
    zone: Tz,
    due: Option<Timestamp>,
    not_before: Option<Timestamp>,
    started: Option<Timestamp>,
    failures: u32,
    seen: Timestamp,
}

impl Agenda {
    /// The agenda of an account that enters service at `now`. A cron pattern waits for its next time; an interval counts from
    /// `last_run`, and a run whose time has passed is due at once.
    #[must_use]
    pub fn new(schedule: Schedule, zone: Tz, last_run: Option<Timestamp>, now: Timestamp) -> Self {
        let mut agenda = Self {
            schedule,
            zone,
            due: None,
            not_before: None,
            started: last_run.filter(|last| *last <= now),
            failures: 0,
            seen: now,
        };
        agenda.arrange(now);
        agenda
    }

    /// Takes another schedule; failures and their waiting time stay.
    pub fn reschedule(&mut self, schedule: Schedule, zone: Tz, now: Timestamp) {
        if self.schedule != schedule || self.zone != zone {
            self.schedule = schedule;
            self.zone = zone;
            self.arrange(now);
        }
    }

    /// Whether a run is due. Looking changes nothing but what is needed to notice that the clock was put back.
    pub fn is_due(&mut self, now: Timestamp) -> bool {
        if now < self.seen.saturating_sub(CLOCK_SLACK).unwrap_or(self.seen) {
            // The clock was put back: what was computed from the old time may lie hours ahead.
            self.started = self.started.filter(|started| *started <= now);
            self.not_before = None;
            self.arrange(now);
        }
        self.seen = now;
        self.next_run().is_some_and(|due| due <= now)
    }

    /// When the next run is due, the waiting time after failures included.
    #[must_use]
    pub fn next_run(&self) -> Option<Timestamp> {
        self.due.map(|due| self.not_before.map_or(due, |wait| due.max(wait)))
    }

    /// How long the account still waits after its failures, if it does.
    #[must_use]
    pub fn waiting(&self, now: Timestamp) -> Option<Duration> {
        let until = self.not_before.filter(|until| *until > now)?;
        Duration::try_from(until.duration_since(now)).ok()
    }

    /// Whether the account may run before its time: it waits for nothing, and its last run began at least `rest` ago.
    #[must_use]
    pub fn may_run_early(&self, now: Timestamp, rest: SignedDuration) -> bool {
        self.waiting(now).is_none() && self.started.is_none_or(|started| now.duration_since(started) >= rest)
    }

    /// Failures since the last success.
    #[must_use]
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// A run starts.
    pub fn started(&mut self, now: Timestamp) {
        self.started = Some(now);
    }

    /// What made the account fail was mended: it need not wait any longer.
    pub fn release(&mut self) {
        self.not_before = None;
    }

    /// A remote asked not to be asked again before this time; what failed waits at least so long.
    pub fn postpone(&mut self, now: Timestamp, asked: Duration) {
        if let Ok(until) = now.checked_add(asked) {
            self.not_before = Some(self.not_before.map_or(until, |wait| wait.max(until)));
        }
    }

    /// The run that started last is over. Answers how many due times went by meanwhile: they become one run, at once.
    pub fn finished(&mut self, now: Timestamp, succeeded: bool, backoff: Backoff, jitter: f64) -> u32 {
        let started = self.started.unwrap_or(now);
        if succeeded {
            self.failures = 0;
            self.not_before = None;
        } else {
            self.failures = self.failures.saturating_add(1);
            let wait = backoff.delay(self.failures, jitter);
            self.not_before = now.checked_add(wait).ok();
        }
        let mut missed = 0;
        let mut next = self.schedule.next_after(started, self.zone);
        self.due = next.map(|due| due.max(now));
        while let Some(due) = next.filter(|due| *due <= now && missed < MISSED_COUNTED) {
            missed += 1;
            next = self.schedule.next_after(due, self.zone);
        }
        missed
    }

    fn arrange(&mut self, now: Timestamp) {
        self.due = match &self.schedule {
            Schedule::Cron { .. } => self.schedule.next_after(now, self.zone),
            Schedule::Every(_) => match self.started {
                Some(last) => self.schedule.next_after(last, self.zone).map(|due| due.max(now)),
                None => Some(now),
            },
        };
    }
}

/// A clock that is disciplined steps by less than this; a clock that was set steps by more.
const CLOCK_SLACK: SignedDuration = SignedDuration::from_secs(10);

/// Counting further would take long and tell nobody anything.
const MISSED_COUNTED: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-03-01T{text}Z").parse().unwrap()
    }

    fn agenda(schedule: &str, last_run: Option<&str>, now: &str) -> Agenda {
        Agenda::new(schedule.parse().unwrap(), Tz::UTC, last_run.map(at), at(now))
    }

    #[test]
    fn a_cron_pattern_waits_for_its_next_time() {
        let mut agenda = agenda("0 */5 * * * *", Some("03:00:00"), "10:01:00");
        assert!(!agenda.is_due(at("10:04:59")));
        assert!(agenda.is_due(at("10:05:00")));
    }

    #[test]
    fn an_interval_counts_from_the_last_run_even_over_a_restart() {
        let mut agenda = agenda("every 1h", Some("09:30:00"), "10:00:00");
        assert!(!agenda.is_due(at("10:29:59")));
        assert!(agenda.is_due(at("10:30:00")));
    }

    #[test]
    fn an_interval_that_passed_while_the_daemon_was_down_is_due_at_once() {
        assert!(agenda("every 1h", Some("01:00:00"), "10:00:00").is_due(at("10:00:00")));
        assert!(agenda("every 1h", None, "10:00:00").is_due(at("10:00:00")));
    }

    #[test]
    fn due_times_during_a_run_become_one_run() {
        let mut agenda = agenda("0 */5 * * * *", None, "10:01:00");
        agenda.started(at("10:05:00"));
        assert_eq!(agenda.finished(at("10:17:00"), true, Backoff::RUNS, 0.0), 2);
        assert!(agenda.is_due(at("10:17:00")));
        agenda.started(at("10:17:00"));
        assert_eq!(agenda.finished(at("10:18:00"), true, Backoff::RUNS, 0.0), 0);
        assert_eq!(agenda.next_run(), Some(at("10:20:00")));
    }

    #[test]
    fn a_failing_account_waits_longer_each_time_and_success_forgets_it() {
        let mut agenda = agenda("every 1s", None, "10:00:00");
        for (failures, wait) in [(1, 30), (2, 60), (3, 120)] {
            agenda.started(at("10:00:00"));
            agenda.finished(at("10:00:00"), false, Backoff::RUNS, 1.0);
            assert_eq!(agenda.failures(), failures);
            assert_eq!(agenda.waiting(at("10:00:00")), Some(Duration::from_secs(wait)));
        }
        assert!(!agenda.is_due(at("10:01:59")));
        assert!(agenda.is_due(at("10:02:00")));
        agenda.started(at("10:02:00"));
        agenda.finished(at("10:02:00"), true, Backoff::RUNS, 1.0);
        assert!(agenda.is_due(at("10:02:01")));
    }

    #[test]
    fn what_a_remote_asks_for_is_waited_for_even_beyond_the_own_cap() {
        let mut agenda = agenda("every 1s", None, "10:00:00");
        agenda.started(at("10:00:00"));
        agenda.finished(at("10:00:00"), false, Backoff::RUNS, 1.0);
        agenda.postpone(at("10:00:00"), Duration::from_secs(10));
        assert_eq!(agenda.waiting(at("10:00:00")), Some(Duration::from_secs(30)), "the longer one counts");
        agenda.postpone(at("10:00:00"), Duration::from_hours(2));
        assert!(!agenda.is_due(at("11:59:59")));
        assert!(agenda.is_due(at("12:00:00")));
    }

    #[test]
    fn a_clock_that_is_put_back_does_not_silence_an_account() {
        let mut agenda = agenda("every 5m", Some("10:00:00"), "10:00:00");
        agenda.started(at("10:00:00"));
        agenda.finished(at("10:00:01"), true, Backoff::RUNS, 0.0);
        assert!(!agenda.is_due(at("10:00:02")));
        assert!(agenda.is_due(at("07:00:00")));
    }

    #[test]
    fn another_schedule_holds_at_once_and_the_same_one_changes_nothing() {
        let mut agenda = agenda("0 0 * * * *", None, "10:01:00");
        agenda.reschedule("0 0 * * * *".parse().unwrap(), Tz::UTC, at("10:59:59"));
        assert_eq!(agenda.next_run(), Some(at("11:00:00")));
        agenda.reschedule("0 */5 * * * *".parse().unwrap(), Tz::UTC, at("10:02:00"));
        assert_eq!(agenda.next_run(), Some(at("10:05:00")));
    }
}
