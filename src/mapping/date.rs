//! Dates of which a part may be unknown: a birthday without its year is still a birthday.
//!
//! As text a date is `1990-12-31`, `--12-31` without a year, `1990-12` or `1990` with less.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

/// A leap year: a day of which no year is known may be the 29th of February.
const SOME_LEAP_YEAR: i16 = 2000;

/// Google's date as text; `None` where it holds none.
pub(super) fn text_of(date: &Value) -> Option<String> {
    let part = |key: &str| date.get(key).and_then(Value::as_i64).unwrap_or_default();
    match (part("year"), part("month"), part("day")) {
        (0, month, day) if month > 0 && day > 0 => Some(format!("--{month:02}-{day:02}")),
        (year, month, day) if year > 0 && month > 0 && day > 0 => {
            Some(format!("{year:04}-{month:02}-{day:02}"))
        }
        (year, month, 0) if year > 0 && month > 0 => Some(format!("{year:04}-{month:02}")),
        (year, 0, 0) if year > 0 => Some(format!("{year:04}")),
        _ => None,
    }
}

/// A date as Google takes it; `None` where the text is none.
pub(super) fn json_of(text: &str) -> Option<Value> {
    let number = |digits: &str, length: usize| {
        let is_number = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse::<i16>().ok()).flatten()
    };
    let (year, rest) = match text.strip_prefix("--") {
        Some(rest) => (None, Some(rest)),
        None => match text.split_once('-') {
            Some((year, rest)) => (Some(number(year, 4).filter(|year| *year > 0)?), Some(rest)),
            None => (Some(number(text, 4).filter(|year| *year > 0)?), None),
        },
    };
    let (month, day) = match rest.map(|rest| rest.split_once('-').ok_or(rest)) {
        None => (None, None),
        Some(Ok((month, day))) => (Some(number(month, 2)?), Some(number(day, 2)?)),
        Some(Err(_)) if year.is_none() => return None,
        Some(Err(month)) => (Some(number(month, 2)?), None),
    };
    let month_or_first = i8::try_from(month.unwrap_or(1)).ok()?;
    let day_or_first = i8::try_from(day.unwrap_or(1)).ok()?;
    Date::new(year.unwrap_or(SOME_LEAP_YEAR), month_or_first, day_or_first).ok()?;
    let parts = [("year", year), ("month", month), ("day", day)];
    let known = parts.into_iter().filter_map(|(key, part)| Some((key.to_owned(), json!(part?))));
    Some(Value::Object(known.collect::<Map<_, _>>()))
}

/// Whether the text is a date of which every part is known.
pub(super) fn is_full(text: &str) -> bool {
    text.len() == 10 && !text.starts_with('-') && json_of(text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_comes_back_as_it_went_whatever_is_known_of_it() {
        for text in ["1815-12-10", "--02-29", "1815-12", "1815"] {
            assert_eq!(text_of(&json_of(text).unwrap()).as_deref(), Some(text));
        }
        assert_eq!(json_of("1815-12-10"), Some(json!({"year": 1815, "month": 12, "day": 10})));
        assert_eq!(text_of(&json!({"year": 0, "month": 3, "day": 1})).as_deref(), Some("--03-01"));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in
            ["", "soon", "1815-13-01", "1900-02-29", "10.12.1815", "--12", "-12-10", "1815-1-2", "0000-01-01"]
        {
            assert_eq!(json_of(text), None, "{text}");
        }
        for date in [json!({}), json!({"day": 3}), json!({"year": "x"}), json!(7)] {
            assert_eq!(text_of(&date), None, "{date}");
        }
        assert!(is_full("1815-12-10") && !is_full("--12-10") && !is_full("1815-12"));
    }
}
