//! A length of time as an operator writes it.

use std::fmt;
use std::time::Duration;

use jiff::SpanRelativeTo;
use jiff::fmt::friendly::SpanParser;
use serde::Deserialize;

/// A duration with units: `30s`, `5m`, `2h`, `7d`, `1h30m`. A day is 24 hours; months and years have no fixed length and are refused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(Duration);

impl Span {
    /// A span of that many seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// The span as the standard library's duration.
    #[must_use]
    pub const fn duration(self) -> Duration {
        self.0
    }
}

impl From<Span> for Duration {
    fn from(span: Span) -> Self {
        span.0
    }
}

impl From<Duration> for Span {
    fn from(duration: Duration) -> Self {
        Self(duration)
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl std::str::FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXPECTED: &str =
            "a duration needs a number and a unit, such as \"30s\", \"5m\", \"2h\", \"7d\" or \"1h30m\"";
        let span = SpanParser::new().parse_span(text.trim()).map_err(|_| EXPECTED.to_owned())?;
        if span.is_negative() {
            return Err("a duration cannot be negative".to_owned());
        }
        span.to_duration(SpanRelativeTo::days_are_24_hours())
            .map_err(|_| "months and years have no fixed length; write days (\"30d\")".to_owned())
            .and_then(|signed| Duration::try_from(signed).map_err(|_| EXPECTED.to_owned()))
            .map(Self)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut seconds = self.0.as_secs();
        let millis = self.0.subsec_millis();
        if seconds == 0 && millis == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
            if seconds >= length {
                write!(f, "{}{unit}", seconds / length)?;
                seconds %= length;
            }
        }
        if millis > 0 {
            write!(f, "{millis}ms")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_written_with_units_and_prints_as_it_would_be_written() {
        for (text, seconds, printed) in [
            ("30s", 30, "30s"),
            ("5m", 300, "5m"),
            ("2h", 7_200, "2h"),
            ("7d", 604_800, "7d"),
            ("1h30m", 5_400, "1h30m"),
            ("1h 30m", 5_400, "1h30m"),
            ("24h", 86_400, "1d"),
            ("5 minutes", 300, "5m"),
            ("0s", 0, "0s"),
        ] {
            let span: Span = text.parse().unwrap();
            assert_eq!((span.duration().as_secs(), span.to_string().as_str()), (seconds, printed), "{text}");
        }
        assert_eq!("1500ms".parse::<Span>().unwrap().to_string(), "1s500ms");
    }

    #[test]
    fn what_has_no_unit_no_fixed_length_or_no_future_is_refused() {
        for text in
            ["", "5", "300", "m", "-5m", "5m ago", "1 month", "2y", "5 parsecs", "99999999999999999999d"]
        {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }
}
