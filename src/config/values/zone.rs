//! The time zone that a cron expression is read in.

use std::fmt;

use serde::Deserialize;

use crate::config::nearest::nearest;

/// A zone of the IANA time zone database, such as `UTC`, `Asia/Riyadh` or `Europe/Berlin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct ZoneName(chrono_tz::Tz);

impl ZoneName {
    /// The zone with its rules.
    #[must_use]
    pub const fn zone(self) -> chrono_tz::Tz {
        self.0
    }

    /// The known zone whose name comes closest to `text`.
    pub(in crate::config) fn resembling(text: &str) -> Option<&'static str> {
        nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()))
    }
}

impl std::str::FromStr for ZoneName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        name.parse().map(Self).map_err(|_| format!("no time zone is called `{}`", name.escape_debug()))
    }
}

impl TryFrom<String> for ZoneName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_known_by_its_iana_name_and_a_misspelt_one_has_a_neighbour() {
        assert_eq!("Asia/Riyadh".parse::<ZoneName>().unwrap().to_string(), "Asia/Riyadh");
        assert_eq!("UTC".parse::<ZoneName>().unwrap().zone(), chrono_tz::UTC);
        assert!("Asia/Riyad".parse::<ZoneName>().is_err());
        assert_eq!(ZoneName::resembling("Asia/Riyad"), Some("Asia/Riyadh"));
    }
}
