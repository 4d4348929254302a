//! Which time the site's naive stamps mean.
//!
//! The site prints every stamp in one zone of its own. Only a System Manager may read which; for another user the distance from
//! UTC is measured: the `modified` of a document that was just saved, against the `Date` of the answer.
//!
//! Limits: a measured distance is that of the moment, so it is wrong for stamps of the other half of the year where clocks
//! change; and a contact that somebody saved exactly some quarter hours ago looks freshly saved in another zone, which is why
//! [`Measure::NewestContact`] is a guess and [`Measure::OwnWrite`] is not.

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{Timestamp, Unit};

use crate::mapping::SiteStamp;

/// The meaning of the site's stamps.
///
/// A measured distance is that of the moment: wrong for stamps of the other half of the year where clocks change.
#[derive(Debug, Clone, PartialEq)]
pub enum SiteZone {
    /// The zone in the System Settings.
    Named(TimeZone),
    /// A distance from UTC that was measured.
    Measured {
        /// The distance.
        offset: Offset,
        /// What it was measured by.
        by: Measure,
    },
    /// Not known. UTC stands in for it; stamps of the two sides must not be compared.
    Assumed,
}

/// What a distance from UTC was measured by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// A contact that this client has just written.
    OwnWrite,
    /// The contact that was saved last, if that can have been in the last five minutes.
    NewestContact,
}

impl SiteZone {
    /// The instant that `stamp` means; `None` if it is no stamp. Of the two instants that a stamp has when clocks go back, the
    /// earlier.
    #[must_use]
    pub fn timestamp(&self, stamp: &SiteStamp) -> Option<Timestamp> {
        stamp.civil()?.to_zoned(self.time_zone()).ok().map(|zoned| zoned.timestamp())
    }

    /// How the site would print `instant`.
    #[must_use]
    pub fn stamp(&self, instant: Timestamp) -> SiteStamp {
        SiteStamp::from(instant.to_zoned(self.time_zone()).datetime())
    }

    /// Whether stamps may be compared with another clock.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Assumed)
    }

    /// The zone in which the stamps are to be read.
    #[must_use]
    pub fn time_zone(&self) -> TimeZone {
        match self {
            Self::Named(zone) => zone.clone(),
            Self::Measured { offset, .. } => TimeZone::fixed(*offset),
            Self::Assumed => TimeZone::UTC,
        }
    }
}

/// The distance from UTC at which `local` is at most five minutes before `now`, in quarter hours as all zones have them.
pub(super) fn nearest_offset(local: DateTime, now: Timestamp) -> Option<Offset> {
    let reading = local.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let distance = reading.since((Unit::Second, now)).ok()?.get_seconds();
    // `Date` has whole seconds, so the stamp may seem to be after it.
    let quarters = (distance - CLOCK_SLACK).div_euclid(QUARTER) + 1;
    let age = quarters * QUARTER - distance;
    if age > LONGEST_AGE || !(-12 * 4..=14 * 4).contains(&quarters) {
        return None;
    }
    Offset::from_seconds(i32::try_from(quarters * QUARTER).ok()?).ok()
}

/// Seconds in a quarter of an hour.
const QUARTER: i64 = 900;

/// Seconds by which the stamp may be ahead of the `Date` header.
const CLOCK_SLACK: i64 = 5;

/// Seconds that may lie between a save and the answer that tells of it.
const LONGEST_AGE: i64 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(local: &str, now: &str) -> Option<i32> {
        let (local, now) = (local.parse().expect("a civil time"), now.parse().expect("an instant"));
        nearest_offset(local, now).map(Offset::seconds)
    }

    #[test]
    fn a_fresh_save_shows_the_distance_from_utc_to_the_quarter_hour() {
        assert_eq!(measured("2026-11-22 11:33:46.381217", "2026-11-22T08:33:47Z"), Some(3 * 3600));
        assert_eq!(measured("2026-11-22 14:18:40", "2026-11-22T08:33:47Z"), Some(5 * 3600 + 45 * 60));
        assert_eq!(measured("2026-11-22 03:33:40", "2026-11-22T08:33:47Z"), Some(-5 * 3600));
        assert_eq!(measured("2026-11-22 08:33:47.9", "2026-11-22T08:33:47Z"), Some(0));
    }

    #[test]
    fn an_old_save_and_an_impossible_distance_show_nothing() {
        assert_eq!(measured("2026-11-22 11:23:46", "2026-11-22T08:33:47Z"), None);
        assert_eq!(measured("2026-11-24 08:33:46", "2026-11-22T08:33:47Z"), None);
    }

    #[test]
    fn a_stamp_is_read_and_printed_in_the_site_s_zone() {
        let zone = SiteZone::Measured { offset: Offset::constant(3), by: Measure::OwnWrite };
        let stamp = SiteStamp("2026-11-22 11:33:46.381217".to_owned());
        let instant = zone.timestamp(&stamp).expect("a stamp");
        assert_eq!(instant, "2026-11-22T08:33:46.381217Z".parse().expect("an instant"));
        assert_eq!(zone.stamp(instant), stamp);
        assert_eq!(zone.timestamp(&SiteStamp("yesterday".to_owned())), None);
    }
}
