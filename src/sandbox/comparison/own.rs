//! The comparison's own idea of what is the same: written anew, because an idea borrowed from the mapping would hide its errors.

use serde_json::Value;
use unicode_normalization::UnicodeNormalization as _;

/// Text as a reader sees it: composed, without invisible marks, with single blanks.
pub(super) fn text(raw: &str) -> String {
    let visible = raw.nfc().filter(|c| {
        let is_mark =
            matches!(*c as u32, 0x200B | 0x200E | 0x200F | 0x202A..=0x202E | 0x2066..=0x2069 | 0xFEFF);
        !is_mark && (c.is_whitespace() || !c.is_control())
    });
    visible.collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A salutation: "Dr." is "Dr".
pub(super) fn salutation(raw: &str) -> String {
    text(raw).trim_end_matches('.').to_owned()
}

/// A gender: Google writes small what Dafater writes with a capital, and has a word for none.
pub(super) fn gender(raw: &str) -> String {
    Some(text(raw).to_lowercase()).filter(|gender| gender != "unspecified").unwrap_or_default()
}

/// An address as a mail server knows it: the part between angle brackets if there are any, in lower case.
pub(super) fn email(raw: &str) -> String {
    let inner = match (raw.rfind('<'), raw.rfind('>')) {
        (Some(open), Some(close)) if open < close => raw.get(open + 1..close).unwrap_or_default(),
        _ => raw,
    };
    text(inner).to_lowercase()
}

/// A number as it is dialled from abroad: the digits with the country, and the extension.
pub(super) fn phone(raw: &str) -> String {
    let lower = digits(raw).to_lowercase();
    let (number, extension) = match lower.split_once("ext").or_else(|| lower.split_once('x')) {
        Some((number, extension)) => (number.to_owned(), only_digits(extension)),
        None => (lower.clone(), String::new()),
    };
    let dialled = only_digits(&number);
    let abroad = if number.trim_start().starts_with('+') {
        Some(dialled.clone())
    } else {
        dialled.strip_prefix("00").map(str::to_owned)
    };
    let mut key = match abroad {
        Some(abroad) => format!("+{}", without_trunk_zero(&abroad)),
        // Whoever writes no country means the accounts' own.
        None => match dialled.strip_prefix('0') {
            Some(rest) if matches!(rest.len(), 8 | 9) => format!("+966{rest}"),
            _ => number.chars().filter(|c| c.is_ascii_digit() || matches!(c, '*' | '#')).collect(),
        },
    };
    if !extension.is_empty() {
        key.push_str(" ext ");
        key.push_str(&extension);
    }
    key
}

/// Text in which the digits of every script are ASCII, and blanks are blanks.
pub(super) fn digits(raw: &str) -> String {
    let ascii = |c: char| {
        let code = c as u32;
        [0x0660, 0x06F0]
            .into_iter()
            .find(|zero| (*zero..*zero + 10).contains(&code))
            .and_then(|zero| char::from_digit(code - zero, 10))
            .unwrap_or(c)
    };
    text(raw).chars().map(ascii).collect()
}

fn only_digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// `+49 (0) 30 …`: the zero is dialled within the country only.
fn without_trunk_zero(abroad: &str) -> String {
    for country in ["966", "20", "49", "44"] {
        if let Some(rest) = abroad.strip_prefix(country) {
            return format!("{country}{}", rest.strip_prefix('0').unwrap_or(rest));
        }
    }
    abroad.to_owned()
}

/// A text field of a record, `""` when it is absent.
pub(super) fn field<'a>(record: &'a Value, key: &str) -> &'a str {
    record.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A list of a record, empty when it is absent.
pub(super) fn list<'a>(record: &'a Value, key: &str) -> &'a [Value] {
    record.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A box that is ticked.
pub(super) fn ticked(row: &Value, key: &str) -> bool {
    row.get(key).and_then(Value::as_i64) == Some(1)
}

/// The place of the organisation that Dafater knows of: the current one, else the first.
pub(super) fn organization(person: &Value) -> usize {
    let current = |item: &Value| item.get("current").and_then(Value::as_bool) == Some(true);
    list(person, "organizations").iter().position(current).unwrap_or_default()
}

/// How people call a record of either side.
#[must_use]
pub fn title(record: &Value) -> String {
    let name = list(record, "names").first().map(|name| field(name, "displayName")).unwrap_or_default();
    let company = list(record, "organizations").first().map(|work| field(work, "name")).unwrap_or_default();
    [name, field(record, "full_name"), company, field(record, "company_name"), field(record, "name")]
        .into_iter()
        .map(text)
        .find(|title| !title.is_empty())
        .unwrap_or_else(|| "somebody without a name".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_the_same_in_every_spelling() {
        for raw in [
            "+966 50 223 4567",
            "00966-50-2234567",
            "050 223 4567",
            "(050)223-4567",
            "٠٥٠٢٢٣٤٥٦٧",
            "\u{202A}+966 50 223 4567\u{202C}",
            "+966 (0) 50 223 4567",
            "+966.50.223.4567",
        ] {
            assert_eq!(phone(raw), "+966502234567", "{raw}");
        }
        assert_eq!(phone("+49 (0)30 2234567"), phone("0049 30 223 45 67"));
        assert_ne!(phone("+966 11 223 4567 ext. 12"), phone("+966 11 223 4567"));
        assert_eq!(phone("*100#"), "*100#");
    }

    #[test]
    fn what_nobody_sees_makes_no_difference_and_case_does_only_in_names() {
        assert_eq!(text(" Cafe\u{301}\u{200F}  ☕\n"), "Café ☕");
        assert_ne!(text("ada"), text("Ada"));
        assert_eq!(email("Ada <ADA@x.example> "), "ada@x.example");
        assert_eq!(salutation("Dr."), salutation("Dr"));
    }
}
