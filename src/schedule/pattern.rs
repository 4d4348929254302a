//! A schedule as it stands in the configuration.

use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use jiff::Timestamp;

/// When an account is synced.
#[derive(Debug, Clone)]
pub enum Schedule {
    /// A cron pattern with seconds; five fields are taken too and mean second 0.
    Cron {
        /// The pattern as it was written.
        text: String,
        /// The pattern as it is computed with.
        cron: Box<Cron>,
    },
    /// So long after the start of the run before.
    Every(Duration),
}

/// Why a schedule cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Neither a cron pattern nor `every`.
    #[error("`{text}` is no schedule: {reason}")]
    Unreadable {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Well-formed, but its day never comes.
    #[error("`{text}` never comes due")]
    Never {
        /// What was written.
        text: String,
    },
}

impl Schedule {
    /// The first time after `after` at which a run is due, in the wall time of `zone`.
    ///
    /// Where the clock is put forward, a time that does not exist is due at the end of the gap; where it is put back, a time that
    /// exists twice is due the first time. `None`: never again.
    #[must_use]
    pub fn next_after(&self, after: Timestamp, zone: Tz) -> Option<Timestamp> {
        match self {
            Self::Cron { cron, .. } => {
                let local = DateTime::<Utc>::from_timestamp(after.as_second(), 0)?.with_timezone(&zone);
                let next = cron.find_next_occurrence(&local, false).ok()?;
                Timestamp::from_second(next.timestamp()).ok()
            }
            Self::Every(interval) => after.checked_add(*interval).ok(),
        }
    }
}

impl FromStr for Schedule {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let text = text.trim();
        let unreadable = |reason: String| ScheduleError::Unreadable { text: text.to_owned(), reason };
        if let Some(interval) = text.strip_prefix("every ") {
            let interval = parse_duration(interval.trim()).map_err(unreadable)?;
            if interval < Duration::from_secs(1) {
                return Err(unreadable("the interval is shorter than one second".to_owned()));
            }
            return Ok(Self::Every(interval));
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Optional)
            .build()
            .parse(text)
            .map_err(|error| unreadable(plain(&error.to_string())))?;
        // Any time serves: a pattern either comes again and again or not at all.
        if cron.find_next_occurrence(&DateTime::<Utc>::UNIX_EPOCH, false).is_err() {
            return Err(ScheduleError::Never { text: text.to_owned() });
        }
        Ok(Self::Cron { text: text.to_owned(), cron: Box::new(cron) })
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Cron { text: a, .. }, Self::Cron { text: b, .. }) => a == b,
            (Self::Every(a), Self::Every(b)) => a == b,
            (Self::Cron { .. }, Self::Every(_)) | (Self::Every(_), Self::Cron { .. }) => false,
        }
    }
}

impl Eq for Schedule {}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cron { text, .. } => f.write_str(text),
            Self::Every(interval) => {
                let seconds = interval.as_secs();
                let (amount, unit) = match seconds {
                    _ if seconds % 3_600 == 0 => (seconds / 3_600, 'h'),
                    _ if seconds % 60 == 0 => (seconds / 60, 'm'),
                    _ => (seconds, 's'),
                };
                write!(f, "every {amount}{unit}")
            }
        }
    }
}

/// Reads a duration with units: `90s`, `5m`, `1h30m`, `7d`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let mut total = 0_u64;
    let mut digits = String::new();
    for c in text.chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(format!("`{text}` is no duration; use units like 30s, 5m, 2h, 7d")),
        };
        let amount = digits.parse::<u64>().map_err(|_| format!("a figure is missing before `{c}`"))?;
        total = amount
            .checked_mul(unit)
            .and_then(|seconds| total.checked_add(seconds))
            .filter(|seconds| *seconds <= 366 * 86_400)
            .ok_or_else(|| format!("`{text}` is longer than a year"))?;
        digits.clear();
    }
    if text.is_empty() || !digits.is_empty() {
        return Err(format!("`{text}` has no unit; use units like 30s, 5m, 2h, 7d"));
    }
    Ok(Duration::from_secs(total))
}

/// croner's message as a clause.
fn plain(message: &str) -> String {
    let message = message.rsplit(": ").next().unwrap_or(message).trim_end_matches('.');
    let mut chars = message.chars();
    chars.next().map(|first| first.to_lowercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn next(schedule: &str, zone: &str, after: &str) -> String {
        let schedule: Schedule = schedule.parse().unwrap();
        schedule.next_after(at(after), zone.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn six_fields_carry_seconds() {
        assert_eq!(next("30 */5 * * * *", "UTC", "2026-03-01T10:01:00Z"), "2026-03-01T10:05:30Z");
    }

    #[test]
    fn five_fields_mean_second_zero() {
        assert_eq!(next("*/5 * * * *", "UTC", "2026-03-01T10:05:00Z"), "2026-03-01T10:10:00Z");
    }

    #[test]
    fn a_fraction_of_a_second_after_a_due_time_waits_for_the_next_one() {
        assert_eq!(next("0 */5 * * * *", "UTC", "2026-03-01T10:05:00.4Z"), "2026-03-01T10:10:00Z");
    }

    #[test]
    fn nine_in_riyadh_is_six_in_utc() {
        assert_eq!(next("0 0 9 * * *", "Asia/Riyadh", "2026-03-01T10:00:00Z"), "2026-03-02T06:00:00Z");
    }

    #[test]
    fn nine_in_berlin_stays_nine_over_both_clock_changes() {
        assert_eq!(next("0 0 9 * * *", "Europe/Berlin", "2026-03-28T09:00:00Z"), "2026-03-29T07:00:00Z");
        assert_eq!(next("0 0 9 * * *", "Europe/Berlin", "2026-10-24T08:00:00Z"), "2026-10-25T08:00:00Z");
    }

    #[test]
    fn a_time_that_the_clock_skips_is_due_at_the_end_of_the_gap() {
        assert_eq!(next("0 30 2 * * *", "Europe/Berlin", "2026-03-29T00:00:00Z"), "2026-03-29T01:00:00Z");
    }

    #[test]
    fn a_time_that_comes_twice_is_due_once() {
        let first = "2026-10-25T00:30:00Z";
        assert_eq!(next("0 30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z"), first);
        assert_eq!(next("0 30 2 * * *", "Europe/Berlin", first), "2026-10-26T01:30:00Z");
    }

    #[test]
    fn every_counts_from_the_run_before() {
        assert_eq!(next("every 5m", "UTC", "2026-03-01T10:01:07Z"), "2026-03-01T10:06:07Z");
        assert_eq!(next("every 1h30m", "UTC", "2026-03-01T10:00:00Z"), "2026-03-01T11:30:00Z");
    }

    #[test]
    fn a_schedule_is_shown_as_it_may_be_written() {
        for text in ["0 */5 * * * *", "every 45s", "every 90m", "every 2h"] {
            assert_eq!(text.parse::<Schedule>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_reason() {
        for text in
            ["", "often", "* * * *", "61 * * * * *", "every", "every 5", "every 0s", "every m", "every 5y"]
        {
            let error = text.parse::<Schedule>().unwrap_err().to_string();
            assert!(error.contains(text) && error.len() > text.len() + 10, "{text}: {error}");
        }
    }

    #[test]
    fn a_day_that_never_comes_is_refused() {
        let error = "0 0 0 30 2 *".parse::<Schedule>().unwrap_err();
        assert_eq!(error, ScheduleError::Never { text: "0 0 0 30 2 *".to_owned() });
    }
}
