//! How the database compares text: `utf8mb4_unicode_ci`.
//!
//! Case, accents, trailing blanks and control characters do not count, and all characters outside the Basic Multilingual Plane
//! (every emoji) are equal to each other.
//!
//! Law: two texts are the same name on the site exactly when their [`Key`]s are equal; `order by` sorts by [`Key`].

use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What is left of a text for comparison: one weight a character.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(Arc<[u32]>);

/// The one weight of every supplementary character.
const SUPPLEMENTARY: u32 = 6 << 24;

impl Key {
    /// The key of `text`.
    pub(super) fn of(text: &str) -> Self {
        let mut weights = weights(text);
        while weights.last() == Some(&weight(' ')) {
            weights.pop();
        }
        Self(weights.into())
    }

    pub(super) fn begins_with(&self, prefix: &Self) -> bool {
        self.0.starts_with(&prefix.0)
    }
}

/// A pattern of `like`: `%` for any run, `_` for any one character.
#[derive(Debug, Clone)]
pub(super) struct Like(Vec<Piece>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Piece {
    Run,
    One,
    Weight(u32),
}

impl Like {
    pub(super) fn new(pattern: &str) -> Self {
        let mut pieces = Vec::new();
        let mut escaped = false;
        for c in pattern.chars() {
            match c {
                '\\' if !escaped => {
                    escaped = true;
                    continue;
                }
                '%' if !escaped => pieces.push(Piece::Run),
                '_' if !escaped => pieces.push(Piece::One),
                c => pieces.extend(weights(c.encode_utf8(&mut [0; 4])).into_iter().map(Piece::Weight)),
            }
            escaped = false;
        }
        Self(pieces)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        matches(&self.0, &weights(text))
    }
}

fn matches(pattern: &[Piece], text: &[u32]) -> bool {
    let Some((piece, pattern_rest)) = pattern.split_first() else { return text.is_empty() };
    match piece {
        Piece::Run => (0..=text.len())
            .any(|skipped| text.get(skipped..).is_some_and(|rest| matches(pattern_rest, rest))),
        Piece::One => text.split_first().is_some_and(|(_, rest)| matches(pattern_rest, rest)),
        Piece::Weight(weight) => {
            text.split_first().is_some_and(|(first, rest)| first == weight && matches(pattern_rest, rest))
        }
    }
}

fn weights(text: &str) -> Vec<u32> {
    let mut weights = Vec::with_capacity(text.len());
    if text.is_ascii() {
        weights.extend(text.chars().filter(|c| !is_ignored(*c)).map(weight));
        return weights;
    }
    for c in text.nfkd() {
        if is_ignored(c) || is_combining_mark(c) {
            continue;
        }
        match c {
            'ß' | 'ẞ' => weights.extend([weight('s'), weight('s')]),
            'æ' | 'Æ' => weights.extend([weight('a'), weight('e')]),
            'œ' | 'Œ' => weights.extend([weight('o'), weight('e')]),
            c => weights.extend(c.to_lowercase().filter(|c| !is_combining_mark(*c)).map(weight)),
        }
    }
    weights
}

/// Blanks before punctuation before digits before letters, as the Unicode collation orders them.
fn weight(c: char) -> u32 {
    let code = u32::from(c);
    if code > 0xFFFF {
        return SUPPLEMENTARY;
    }
    if let Some(digit) = decimal(c) {
        return 4 << 24 | digit;
    }
    let class = if c.is_whitespace() {
        1
    } else if c.is_alphanumeric() {
        5
    } else if c.is_ascii_punctuation() {
        2
    } else {
        3
    };
    class << 24 | u32::from(c.to_ascii_lowercase())
}

fn decimal(c: char) -> Option<u32> {
    c.to_digit(10).or(match c {
        '\u{660}'..='\u{669}' => Some(u32::from(c) - 0x660),
        '\u{6F0}'..='\u{6F9}' => Some(u32::from(c) - 0x6F0),
        _ => None,
    })
}

/// Characters without any weight: controls, zero-width and bidirectional marks.
fn is_ignored(c: char) -> bool {
    matches!(c,
        '\0'..='\u{8}' | '\u{E}'..='\u{1F}' | '\u{7F}'..='\u{9F}' | '\u{AD}'
        | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: &str, other: &str) -> bool {
        Key::of(one) == Key::of(other)
    }

    #[test]
    fn case_accents_trailing_blanks_and_marks_do_not_count() {
        assert!(same("Omar", "ÓMAR"));
        assert!(same("Omar", "Omar  "));
        assert!(same("Omar", "Omar\u{200b}"));
        assert!(same("أحمد", "احمد"));
        assert!(!same("Omar", " Omar"));
        assert!(!same("Omar", "Omer"));
    }

    #[test]
    fn all_emoji_are_equal() {
        assert!(same("ليلى 😀 حداد", "ليلى 😁 حداد"));
        assert!(!same("ليلى 😀", "ليلى"));
    }

    #[test]
    fn order_is_blank_punctuation_digit_letter() {
        let mut names = ["b", "a1", "..", "1", "A B", "a"];
        names.sort_by_key(|name| Key::of(name));
        assert_eq!(names, ["..", "1", "a", "A B", "a1", "b"]);
    }

    #[test]
    fn like_compares_as_the_collation_does() {
        assert!(Like::new("omar%").matches("Ómar-1"));
        assert!(Like::new("%@%").matches("a@x.example"));
        assert!(!Like::new("Key_").matches("Key12"));
        assert!(Like::new(r"50\%").matches("50%"));
    }
}
