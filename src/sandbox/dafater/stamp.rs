//! Date and time as the site keeps it: civil, without a zone, to the microsecond.
//!
//! Law: two stamps compare as the database compares them, and one stamp has two spellings: the one that a save answers with (always
//! six digits) and the one that is read later (no fraction when it is zero).

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Unit};

/// Microseconds since 1970-01-01 00:00:00 of the site's wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp(i64);

impl Stamp {
    pub(super) const MIN: Self = Self(i64::MIN);

    /// What the wall clock of `zone` shows at `now`.
    pub(super) fn of(now: Timestamp, zone: &TimeZone) -> Self {
        Self::from_civil(zone.to_datetime(now))
    }

    /// Reads what a client sent: `T` or a blank between date and time, a bare date, a short fraction. A zone suffix is ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let date = text.get(..10)?;
        let time = text.get(11..).unwrap_or_default();
        let end = time.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(time.len());
        let time = time.get(..end).unwrap_or_default().trim_end_matches('.');
        let time = if time.is_empty() { "00:00:00" } else { time };
        let civil: DateTime = format!("{date}T{time}").parse().ok()?;
        Some(Self::from_civil(civil.round(Unit::Microsecond).ok()?))
    }

    /// The spelling of lists and reads.
    pub(super) fn printed(self) -> String {
        if self.0.rem_euclid(1_000_000) == 0 { self.seconds() } else { self.echoed() }
    }

    /// The spelling of the answer to the save that set it.
    pub(super) fn echoed(self) -> String {
        format!("{}.{:06}", self.seconds(), self.0.rem_euclid(1_000_000))
    }

    /// The last microsecond of the day, for the upper end of a `between` with a bare date.
    pub(super) fn end_of_day(self) -> Self {
        const DAY: i64 = 86_400_000_000;
        Self(self.0 - self.0.rem_euclid(DAY) + DAY - 1)
    }

    fn seconds(self) -> String {
        let civil =
            Timestamp::from_microsecond(self.0).map(|at| TimeZone::UTC.to_datetime(at)).unwrap_or_default();
        format!(
            "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second()
        )
    }

    fn from_civil(civil: DateTime) -> Self {
        Self(TimeZone::UTC.to_timestamp(civil).map_or(0, Timestamp::as_microsecond))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_the_wall_clock_of_the_sites_zone() {
        let now: Timestamp = "2026-11-22T08:33:46.381217Z".parse().unwrap();
        let riyadh = TimeZone::get("Asia/Riyadh").unwrap();
        assert_eq!(Stamp::of(now, &riyadh).printed(), "2026-11-22 11:33:46.381217");
    }

    #[test]
    fn a_zero_fraction_is_read_without_digits_and_echoed_with_six() {
        let stamp = Stamp::parse("2026-11-22 12:30:00").unwrap();
        assert_eq!(stamp.printed(), "2026-11-22 12:30:00");
        assert_eq!(stamp.echoed(), "2026-11-22 12:30:00.000000");
    }

    #[test]
    fn a_zone_suffix_is_ignored() {
        let plain = Stamp::parse("2026-11-22 11:33:55.099917").unwrap();
        for text in
            ["2026-11-22T11:33:55.099917", "2026-11-22T11:33:55.099917Z", "2026-11-22T11:33:55.099917+03:00"]
        {
            assert_eq!(Stamp::parse(text), Some(plain), "{text}");
        }
        assert_eq!(Stamp::parse("yesterday, about noon"), None);
    }
}
