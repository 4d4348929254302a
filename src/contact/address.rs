//! Postal addresses: their parts, and when two are the same.
//!
//! In a [`Values`] an address is a [`Value`] as a phone number is one: its `raw` holds the parts, a line each and in a fixed order,
//! as [`Address::of`] reads them back; its `label` is the side's own word for its kind.
//!
//! Law: two spellings have one key when people would deliver to the same door: case, white space, commas, the script of the digits, where
//! the street is broken into lines and what the country is called are spelling.

use super::country::{country_code, country_key};
use super::{Key, Value, Values, canonical_text, plain_digits};

/// The parts of an address that travel, in canonical spelling; blank where the side does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Address {
    /// The first line: street and number.
    pub line1: String,
    /// Whatever else belongs to the street.
    pub line2: String,
    /// City or town.
    pub city: String,
    /// State or province.
    pub region: String,
    /// Postal code.
    pub postal_code: String,
    /// The country's name as the side spells it.
    pub country: String,
}

/// What an address is for, as far as both sides can tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressKind {
    /// Where the person lives.
    Home,
    /// Where the person works, or goods and letters go to.
    Work,
    /// Neither, or nobody says.
    Other,
}

impl AddressKind {
    /// The kind that a label means: a type of Google's, or an `address_type` of Dafater's.
    #[must_use]
    pub fn of(label: Option<&str>) -> Self {
        match label {
            Some("home" | "Personal" | "Current" | "Permanent") => Self::Home,
            Some(
                "work" | "Office" | "Billing" | "Shipping" | "Plant" | "Postal" | "Shop" | "Subsidiary"
                | "Warehouse",
            ) => Self::Work,
            Some(_) | None => Self::Other,
        }
    }

    /// Google's type for a new address of this kind.
    #[must_use]
    pub fn google_type(self) -> &'static str {
        match self {
            Self::Home => "home",
            Self::Work => "work",
            Self::Other => "other",
        }
    }

    /// Dafater's type for a new address of this kind.
    #[must_use]
    pub fn dafater_type(self) -> &'static str {
        match self {
            Self::Home => "Personal",
            Self::Work => "Office",
            Self::Other => "Other",
        }
    }
}

impl Address {
    /// The address in the lines of `street` and `further`, and in the other parts as they were written.
    #[must_use]
    pub fn new(street: [&str; 2], city: &str, region: &str, postal_code: &str, country: &str) -> Self {
        let mut lines =
            street.into_iter().flat_map(str::lines).map(canonical_text).filter(|line| !line.is_empty());
        Self {
            line1: lines.next().unwrap_or_default(),
            line2: lines.collect::<Vec<_>>().join(", "),
            city: canonical_text(city),
            region: canonical_text(region),
            postal_code: canonical_text(postal_code),
            country: canonical_text(country),
        }
    }

    /// The address that `value` holds.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        let mut lines = value.raw.split('\n').map(str::to_owned);
        let mut next = || lines.next().unwrap_or_default();
        Self {
            line1: next(),
            line2: next(),
            city: next(),
            region: next(),
            postal_code: next(),
            country: next(),
        }
    }

    /// The value that holds this address; `None` where nothing but a country is known.
    #[must_use]
    pub fn value(&self, label: Option<&str>) -> Option<Value> {
        let [street, city, region, postal_code, _] = self.compared();
        if [&street, &city, &region, &postal_code].into_iter().all(String::is_empty) {
            return None;
        }
        let parts = [&self.line1, &self.line2, &self.city, &self.region, &self.postal_code, &self.country];
        Some(Value {
            key: Key::from_canonical(self.compared().join("|")),
            raw: parts.map(String::as_str).join("\n"),
            label: label.filter(|label| !label.is_empty()).map(str::to_owned),
        })
    }

    /// The code of its country, where that is known.
    #[must_use]
    pub fn country_code(&self) -> Option<&'static str> {
        country_code(&self.country)
    }

    /// Street, city, region, postal code and country as they are compared.
    #[must_use]
    pub fn compared(&self) -> [String; 5] {
        let postal_code = words(&self.postal_code).replace([' ', '-'], "");
        let street = words(&format!("{} {}", self.line1, self.line2));
        [street, words(&self.city), words(&self.region), postal_code, country_key(&self.country)]
    }

    /// Whether one says nothing that the other denies, and both name the same street in the same place.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let (one, other) = (self.compared(), other.compared());
        let agrees = |(one, other): (&String, &String)| one == other || one.is_empty() || other.is_empty();
        let both_say = |part: usize| matches!((one.get(part), other.get(part)), (Some(one), Some(other)) if one == other && !one.is_empty());
        one.iter().zip(&other).all(agrees) && both_say(0) && (both_say(1) || both_say(3))
    }
}

/// Whether both hold the same addresses, each of the same kind.
pub(super) fn same(one: &Values, other: &Values) -> bool {
    one.same_keys(other) && are_among(one, other)
}

/// Whether each of the addresses is one of the `others`, of the same kind.
pub(super) fn are_among(addresses: &Values, others: &Values) -> bool {
    let kind = |value: &Value| AddressKind::of(value.label.as_deref());
    addresses.iter().all(|value| others.get(&value.key).is_some_and(|other| kind(value) == kind(other)))
}

fn words(text: &str) -> String {
    let plain = plain_digits(text).to_lowercase().replace([',', ';', '\u{60C}', '|'], " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Which of the `added` addresses are corrections of which `removed` ones, as (removed, added): the likest first.
///
/// One out and one in need little in common; of many, more.
#[must_use]
pub fn corrections(removed: &[&Value], added: &[&Value]) -> Vec<(usize, usize)> {
    let needed = if removed.len() == 1 && added.len() == 1 { 1 } else { 3 };
    let mut likely = Vec::new();
    for (left, before) in removed.iter().enumerate() {
        for (right, after) in added.iter().enumerate() {
            let score = likeness(before, after);
            if score >= needed {
                likely.push((std::cmp::Reverse(score), left, right));
            }
        }
    }
    likely.sort_unstable();
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, left, right) in likely {
        if !pairs.iter().any(|(one, other)| *one == left || *other == right) {
            pairs.push((left, right));
        }
    }
    pairs
}

fn likeness(one: &Value, other: &Value) -> u32 {
    let parts = Address::of(one).compared().into_iter().zip(Address::of(other).compared());
    // Street, city, region, postal code; that two live in one country says nothing.
    let shared = parts.zip([4, 1, 1, 2, 0]).filter(|((one, other), _)| one == other && !one.is_empty());
    let kind = AddressKind::of(one.label.as_deref()) == AddressKind::of(other.label.as_deref());
    shared.map(|(_, weight)| weight).sum::<u32>() + u32::from(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn riyadh(street: &str, region: &str) -> Address {
        Address::new([street, ""], "Riyadh", region, "11564", "Saudi Arabia")
    }

    fn value(address: &Address, label: &str) -> Value {
        address.value(Some(label)).expect("an address")
    }

    #[test]
    fn one_door_in_many_spellings_has_one_key() {
        let spellings = [
            Address::new(["12 King Fahd Road", "Floor 3"], "Riyadh", "", "11564", "Saudi Arabia"),
            Address::new(["12 King Fahd  road\nFloor 3", ""], "RIYADH", "", "11 564", "KSA"),
            Address::new(["١٢ King Fahd Road, Floor ٣", ""], "riyadh", " ", "١١٥٦٤", "السعودية"),
        ];
        let keys = spellings.map(|address| value(&address, "work").key);
        assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    }

    #[test]
    fn the_parts_come_back_from_the_value() {
        let address = Address::new(["12 King Fahd Road\nTower B", "Floor 3"], "Riyadh", "", "", "KSA");
        assert_eq!(
            (address.line1.as_str(), address.line2.as_str()),
            ("12 King Fahd Road", "Tower B, Floor 3")
        );
        assert_eq!(Address::of(&value(&address, "home")), address);
    }

    #[test]
    fn a_country_alone_is_no_address() {
        assert_eq!(Address::new(["", " "], "", "", "", "Saudi Arabia").value(None), None);
        assert!(Address::new(["", ""], "Riyadh", "", "", "").value(None).is_some());
    }

    #[test]
    fn what_one_side_leaves_out_makes_no_second_address() {
        let (one, other) = (riyadh("12 King Fahd Road", ""), riyadh("12 King Fahd Road", "Riyadh Region"));
        assert_ne!(value(&one, "work").key, value(&other, "work").key);
        assert!(one.is_like(&other));
        assert!(!other.is_like(&riyadh("12 King Fahd Road", "Eastern Province")));
        assert!(!one.is_like(&riyadh("14 King Fahd Road", "")));
    }

    #[test]
    fn a_corrected_street_is_known_among_others_by_what_stayed() {
        let old =
            [value(&riyadh("12 King Fahd Road", ""), "work"), value(&riyadh("7 Olaya Street", ""), "home")];
        let moved = Address::new(["1 Corniche", ""], "Jeddah", "", "23411", "Saudi Arabia");
        let new = [value(&moved, "other"), value(&riyadh("8 Olaya Street", ""), "home")];
        let pairs = corrections(&[&old[0], &old[1]], &[&new[0], &new[1]]);
        assert_eq!(pairs, [(1, 1)]);
        assert_eq!(
            corrections(&[&old[1]], &[&value(&moved, "home")]),
            [(0, 0)],
            "one out, one in, of one kind"
        );
        assert!(corrections(&[&old[1]], &[&value(&moved, "work")]).is_empty());
    }
}
