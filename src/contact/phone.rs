//! Phone numbers: E.164 where a number can be understood, its digits otherwise.

use std::cell::RefCell;
use std::collections::BTreeMap;

use phonenumber::{Mode, country};
use serde::{Deserialize, Serialize};

use super::Key;

/// An ISO 3166 country code ("SA") whose dialling rules apply to numbers written without a country code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(country::Id);

impl TryFrom<String> for Region {
    type Error = String;

    fn try_from(code: String) -> Result<Self, String> {
        code.to_ascii_uppercase().parse().map(Self).map_err(|_| {
            format!("`{code}` is not a country code; write two letters such as \"SA\" or \"DE\"")
        })
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        format!("{:?}", region.0)
    }
}

/// How numbers of one account are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PhoneContext {
    /// Rules for numbers without a country code; without a region such numbers are compared by their digits.
    pub region: Option<Region>,
}

impl PhoneContext {
    /// The key of a phone number as written; `None` when it holds no digit at all and no other text either.
    #[must_use]
    pub fn key(self, raw: &str) -> Option<Key> {
        LATELY_READ.with_borrow_mut(|lately| lately.key(self, raw))
    }

    fn read(self, raw: &str) -> Option<Key> {
        let plain = plain_digits(raw);
        // Whoever writes 00 means +, also before a number that no rule knows.
        let plain = plain.strip_prefix("00").map_or(plain.clone(), |rest| format!("+{rest}"));
        if let Some(e164) = self.e164(&plain) {
            return Some(Key::from_canonical(e164));
        }
        let significant: String =
            plain.chars().filter(|c| c.is_alphanumeric() || matches!(c, '+' | '*' | '#')).collect();
        (!significant.is_empty()).then(|| Key::from_canonical(significant.to_lowercase()))
    }

    /// The E.164 form, with `;ext=` kept apart from the number it extends.
    fn e164(self, plain: &str) -> Option<String> {
        let number = phonenumber::parse(self.region.map(|region| region.0), plain).ok()?;
        if !phonenumber::is_valid(&number) {
            return None;
        }
        let e164 = number.format().mode(Mode::E164).to_string();
        Some(match number.extension() {
            Some(extension) => format!("{e164};ext={extension}"),
            None => e164,
        })
    }
}

thread_local! {
    static LATELY_READ: RefCell<LatelyRead> = RefCell::default();
}

/// The keys of the numbers that were read last: to read one costs more than all else that is done with a contact, and a number is read
/// again when the record is, when its write is answered, and when its change is listed.
#[derive(Default)]
struct LatelyRead {
    context: PhoneContext,
    keys: BTreeMap<String, Option<Key>>,
}

impl LatelyRead {
    /// Some numbers of some hundred bytes.
    const MOST: usize = 2_000;
    /// Longer ones are hardly numbers.
    const LONGEST: usize = 64;

    fn key(&mut self, context: PhoneContext, raw: &str) -> Option<Key> {
        if raw.len() > Self::LONGEST {
            return context.read(raw);
        }
        if self.context != context || self.keys.len() >= Self::MOST {
            *self = Self { context, keys: BTreeMap::new() };
        }
        if let Some(key) = self.keys.get(raw) {
            return key.clone();
        }
        let key = context.read(raw);
        self.keys.insert(raw.to_owned(), key.clone());
        key
    }
}

/// Digits of every script as ASCII, without direction marks, trimmed.
#[must_use]
pub fn plain_digits(raw: &str) -> String {
    super::canonical_text(raw)
        .chars()
        .map(|c| ascii_digit(c).unwrap_or(if c == '\u{A0}' { ' ' } else { c }))
        .collect()
}

fn ascii_digit(c: char) -> Option<char> {
    let zero = match c {
        '\u{0660}'..='\u{0669}' => 0x0660,
        '\u{06F0}'..='\u{06F9}' => 0x06F0,
        '\u{0966}'..='\u{096F}' => 0x0966,
        '\u{FF10}'..='\u{FF19}' => 0xFF10,
        _ => return None,
    };
    char::from_digit(u32::from(c) - zero, 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn saudi() -> PhoneContext {
        PhoneContext { region: Some(Region::try_from("sa".to_owned()).unwrap()) }
    }

    #[test]
    fn one_number_in_many_spellings_has_one_key() {
        let keys = [
            "+966 50 123 4567",
            "00966501234567",
            "050 123 4567",
            "٠٥٠١٢٣٤٥٦٧",
            "(050)123-4567",
            "\u{202A}+966501234567\u{202C}",
        ]
        .map(|raw| saudi().key(raw).unwrap().to_string());
        assert_eq!(keys, std::array::from_fn::<_, 6, _>(|_| "+966501234567".to_owned()));
    }

    #[test]
    fn a_number_that_no_rule_knows_is_the_same_behind_a_plus_and_behind_two_zeros() {
        assert_eq!(saudi().key("0044-7911-643394"), saudi().key("+44 7911 64 3394"));
    }

    #[test]
    fn a_number_is_read_by_the_rules_that_are_asked_for_whatever_was_read_before() {
        let german = PhoneContext { region: Some(Region::try_from("de".to_owned()).unwrap()) };
        for _ in 0..3 {
            assert_eq!(saudi().key("030 1234567").unwrap().as_str(), "0301234567");
            assert_eq!(german.key("030 1234567").unwrap().as_str(), "+49301234567");
        }
        let all = |n: usize| saudi().key(&format!("05{n:08}")).unwrap().to_string();
        let first: Vec<String> = (0..3 * LatelyRead::MOST).map(all).collect();
        assert_eq!((0..3 * LatelyRead::MOST).map(all).collect::<Vec<_>>(), first);
    }

    #[test]
    fn an_extension_is_part_of_the_number() {
        assert_ne!(saudi().key("+966 11 234 5678 ext. 12"), saudi().key("+966 11 234 5678"));
    }

    #[test]
    fn a_short_code_is_compared_by_what_is_dialled() {
        assert_eq!(saudi().key("*100#"), saudi().key(" *100# "));
        assert_eq!(PhoneContext::default().key("050 123 4567"), PhoneContext::default().key("0501234567"));
        assert_eq!(PhoneContext::default().key(" -- "), None);
    }
}
