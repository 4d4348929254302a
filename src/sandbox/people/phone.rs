//! Telephone numbers, and the many ways in which people write one.

use super::words::Place;

/// A number as the network knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phone {
    /// Country code.
    country: u16,
    /// First digits: the network or the city.
    area: &'static str,
    /// What follows.
    line: String,
    /// Whether it is a mobile number.
    pub(super) is_mobile: bool,
}

/// How somebody writes a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// `+966501234567`
    Plain,
    /// `+966 50 123 4567`
    Spaced,
    /// `00966-50-1234567`
    Zeros,
    /// `+966.50.123.4567`
    Dotted,
    /// `050 123 4567`: only where the account's country is the number's.
    National,
    /// `(050)123-4567`
    Bracketed,
    /// `٠٥٠١٢٣٤٥٦٧`
    Arabic,
    /// With the invisible marks that a copy from a right-to-left text brings along.
    Marked,
}

impl Spelling {
    /// The ways that a Dafater form takes.
    pub(super) const PLAIN_ONES: [Self; 6] =
        [Self::Spaced, Self::Plain, Self::National, Self::Zeros, Self::Bracketed, Self::Dotted];
    /// All of them.
    pub(super) const ALL: [Self; 8] = [
        Self::Spaced,
        Self::National,
        Self::Plain,
        Self::Arabic,
        Self::Zeros,
        Self::Bracketed,
        Self::Marked,
        Self::Dotted,
    ];
}

impl Phone {
    /// The number with this serial at a place. Numbers with different serials differ.
    pub(super) fn new(place: &'static Place, is_mobile: bool, serial: usize) -> Self {
        let (areas, digits) =
            if is_mobile { (place.mobile, place.digits.0) } else { (place.landline, place.digits.1) };
        let space = 10_u64.pow(u32::try_from(digits).unwrap_or(7)) / 10;
        // Steps of a large number that shares no factor with the space visit each value once; the first digit is never 0 or 1.
        let step = (serial as u64).wrapping_mul(2_654_347) % space;
        let line = format!("{}{step:0width$}", 2 + serial % 7, width = digits - 1);
        let area = areas.get(serial / 7 % areas.len()).copied().unwrap_or_default();
        Self { country: place.country, area, line, is_mobile }
    }

    /// The number as this way writes it.
    pub(super) fn written(&self, spelling: Spelling) -> String {
        let Self { country, area, line, .. } = self;
        let (front, back) = line.split_at(line.len().saturating_sub(4));
        // Whoever dials abroad writes the country.
        let is_national = matches!(spelling, Spelling::National | Spelling::Bracketed | Spelling::Arabic);
        let spelling = if is_national && *country != HOME { Spelling::Spaced } else { spelling };
        match spelling {
            Spelling::Plain => format!("+{country}{area}{line}"),
            Spelling::Spaced => format!("+{country} {area} {front} {back}"),
            Spelling::Zeros => format!("00{country}-{area}-{line}"),
            Spelling::Dotted => format!("+{country}.{area}.{front}.{back}"),
            Spelling::National => format!("0{area} {front} {back}"),
            Spelling::Bracketed => format!("(0{area}){front}-{back}"),
            Spelling::Arabic => arabic(&format!("0{area}{line}")),
            Spelling::Marked => format!("\u{202A}+{country} {area} {front} {back}\u{202C}"),
        }
    }

    /// With an extension, which a Dafater form refuses.
    pub(super) fn with_extension(&self, extension: u16) -> String {
        format!("{} ext. {extension}", self.written(Spelling::Spaced))
    }
}

/// The country of the accounts.
const HOME: u16 = 966;

fn arabic(digits: &str) -> String {
    digits
        .chars()
        .map(|c| c.to_digit(10).and_then(|digit| char::from_u32(0x0660 + digit)).unwrap_or(c))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use serde_json::json;

    use super::super::super::google::{Google, GoogleOptions};
    use super::super::words::PLACES;
    use super::*;

    #[test]
    fn google_understands_every_spelling_as_the_same_number() {
        let mut google = Google::new(GoogleOptions { region: "SA".to_owned(), ..GoogleOptions::default() });
        google.add_account("a@example.com");
        for (place, is_mobile) in PLACES.iter().flat_map(|place| [(place, true), (place, false)]) {
            for serial in [0, 1, 9, 123, 99_999] {
                let phone = Phone::new(place, is_mobile, serial);
                let spellings = Spelling::ALL.map(|spelling| json!({ "value": phone.written(spelling) }));
                let person = json!({ "phoneNumbers": spellings });
                let name = google.add_person("a@example.com", person, Timestamp::UNIX_EPOCH).unwrap();
                let person = google.person("a@example.com", &name).unwrap().unwrap();
                let plain = phone.written(Spelling::Plain);
                for item in person["phoneNumbers"].as_array().unwrap() {
                    let is_arabic = item["value"].as_str().unwrap().starts_with('٠');
                    assert!(item["canonicalForm"] == plain.as_str() || is_arabic, "{plain}: {item}");
                }
            }
        }
    }

    #[test]
    fn a_hundred_thousand_numbers_are_all_different() {
        for place in &PLACES {
            let numbers: BTreeSet<String> =
                (0..100_000).map(|serial| Phone::new(place, true, serial).written(Spelling::Plain)).collect();
            assert_eq!(numbers.len(), 100_000);
        }
    }
}
