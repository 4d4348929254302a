//! When an account is synced, as the operator writes it.
//!
//! Law: what this module accepts comes due. An expression that never matches a date (the 30th of February) is refused here,
//! because an account that silently never runs is the worst schedule of all.

use std::fmt;

use chrono::TimeZone;
use croner::parser::{CronParser, Seconds};
use serde::Deserialize;

use super::Span;

/// When an account is synced.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum ScheduleSpec {
    /// At the times that a cron expression names, in the account's time zone.
    Cron(CronExpression),
    /// Again and again with this distance.
    Every(Span),
}

/// A cron expression that is known to be valid: second, minute, hour, day of month, month, day of week, and optionally a year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CronExpression(String);

impl CronExpression {
    /// The expression with its field for seconds, also when it was written without one.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ScheduleSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cron(expression) => expression.fmt(f),
            Self::Every(span) => write!(f, "every {span}"),
        }
    }
}

impl std::str::FromStr for ScheduleSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        match text.split_once(char::is_whitespace) {
            Some(("every", interval)) => every(interval),
            _ => text.parse().map(Self::Cron),
        }
    }
}

impl TryFrom<String> for ScheduleSpec {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

fn every(interval: &str) -> Result<ScheduleSpec, String> {
    let span: Span = interval.parse()?;
    if span < SHORTEST_INTERVAL || span > LONGEST_INTERVAL {
        return Err(format!("an interval lies between {SHORTEST_INTERVAL} and {LONGEST_INTERVAL}"));
    }
    Ok(ScheduleSpec::Every(span))
}

impl std::str::FromStr for CronExpression {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let expression = match fields.len() {
            0 => return Err("the schedule is empty".to_owned()),
            5 => format!("0 {}", fields.join(" ")),
            _ => fields.join(" "),
        };
        let cron = CronParser::builder()
            .seconds(Seconds::Required)
            .build()
            .parse(&expression)
            .map_err(|error| explain(&error))?;
        let start = chrono::Utc.with_ymd_and_hms(2024, 1, 1, 0, 0, 0).single();
        match start.map(|start| cron.find_next_occurrence(&start, true)) {
            Some(Err(_)) => Err("the cron expression never comes due".to_owned()),
            Some(Ok(_)) | None => Ok(Self(expression)),
        }
    }
}

fn explain(error: &croner::errors::CronError) -> String {
    use croner::errors::CronError::{
        ComponentError, EmptyPattern, IllegalCharacters, InvalidDate, InvalidPattern, InvalidTime,
        TimeSearchLimitExceeded,
    };
    let reason = match error {
        ComponentError(reason) | IllegalCharacters(reason) | InvalidPattern(reason) => {
            reason.trim_end_matches('.').escape_debug().to_string()
        }
        EmptyPattern => "it is empty".to_owned(),
        InvalidDate | InvalidTime | TimeSearchLimitExceeded => "it never comes due".to_owned(),
    };
    format!("the cron expression is not valid: {reason}")
}

const SHORTEST_INTERVAL: Span = Span::from_secs(1);
const LONGEST_INTERVAL: Span = Span::from_secs(31 * 86_400);

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        text.parse::<ScheduleSpec>().map(|schedule| schedule.to_string())
    }

    #[test]
    fn five_fields_are_a_cron_expression_at_second_zero() {
        assert_eq!(read("*/5 * * * *").unwrap(), "0 */5 * * * *");
        assert_eq!(read("0 */5 * * * *"), read("*/5 * * * *"));
        assert_eq!(read(" 30  0 7 * *  MON-FRI ").unwrap(), "30 0 7 * * MON-FRI");
        assert_eq!(read("@hourly").unwrap(), "@hourly");
    }

    #[test]
    fn an_interval_is_written_with_every() {
        assert_eq!("every 90s".parse(), Ok(ScheduleSpec::Every(Span::from_secs(90))));
        assert_eq!(read("every 1h 30m").unwrap(), "every 1h30m");
        for text in ["every", "every day", "every 0s", "every 100ms", "every 90d", "every -5m"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_not_cron_or_never_comes_due_is_refused() {
        for text in ["", "5m", "* * * *", "61 * * * * *", "0 */5 * * * * * *", "0 0 0 30 2 *", "x * * * *"] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read("0 0 0 30 2 *").unwrap_err().contains("never comes due"));
        assert!(read("0 0 0 29 2 *").is_ok(), "a leap day comes, if seldom");
    }
}
