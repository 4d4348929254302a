//! Canonical text: what is compared, and what is only matched.

use sha2::{Digest as _, Sha256};
use unicode_normalization::UnicodeNormalization as _;

/// NFC, trimmed, runs of white space as one blank, without control and bidirectional format characters.
/// Case, accents and emoji stay: a change of those is an edit.
#[must_use]
pub fn canonical_text(raw: &str) -> String {
    if is_plain(raw) {
        return raw.to_owned();
    }
    let composed: String = raw.chars().filter(|c| !is_invisible(*c)).nfc().collect();
    let mut canonical = String::with_capacity(composed.len());
    for word in composed.split_whitespace() {
        if !canonical.is_empty() {
            canonical.push(' ');
        }
        canonical.push_str(word);
    }
    canonical
}

/// As [`canonical_text`], but line breaks and blanks within a line stay; trailing blanks, and blank lines around the text, go.
#[must_use]
pub fn canonical_lines(raw: &str) -> String {
    let composed: String = raw.replace("\r\n", "\n").chars().filter(|c| !is_invisible(*c)).nfc().collect();
    let lines: Vec<&str> = composed.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

/// A text of more bytes than this does not travel: it is known by its beginning and its digest, so that it is seen to change.
const LONGEST: usize = 8 * 1024;

/// Ends what is known of a text that is too long to travel, and stands in no canonical text.
const TOO_LONG: char = '\u{1}';

/// A canonical text as a contact holds it.
pub(super) fn held(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let beginning: String = text.chars().take(80).collect();
    let digest = Sha256::digest(&text);
    let digest = digest.iter().take(12).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{beginning} … ({} bytes, {digest:024x}){TOO_LONG}", text.len())
}

/// Whether only the beginning of a text is known: it can be compared, and never written.
#[must_use]
pub fn is_too_long(text: &str) -> bool {
    text.ends_with(TOO_LONG)
}

/// [`canonical_text`] with compatibility forms and case folded away: for matching, never for comparing edits.
#[must_use]
pub fn folded_text(raw: &str) -> String {
    if is_plain(raw) {
        return raw.to_ascii_lowercase();
    }
    let compatible: String = raw.nfkc().collect();
    canonical_text(&compatible).to_lowercase()
}

/// Whether the text is ASCII and canonical as it stands. Most of what is read is, and composing takes a sixth of a plan's time.
fn is_plain(raw: &str) -> bool {
    let is_blank = |edge: Option<&u8>| edge == Some(&b' ');
    raw.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        && !is_blank(raw.as_bytes().first())
        && !is_blank(raw.as_bytes().last())
        && !raw.contains("  ")
}

/// Characters that no reader sees: controls other than white space, and the marks that only steer direction.
/// Zero-width joiners stay: they shape Arabic and hold emoji together.
fn is_invisible(c: char) -> bool {
    (c.is_control() && !c.is_whitespace())
        || matches!(c, '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_without_meaning_is_dropped() {
        assert_eq!(canonical_text("  Cafe\u{301}  \u{200F}du\tNord\n"), "Café du Nord");
    }

    #[test]
    fn what_is_plain_already_stays_and_what_only_looks_plain_does_not() {
        for (raw, canonical) in [("", ""), ("Ada Lovelace", "Ada Lovelace"), (" Ada", "Ada"), ("Ada ", "Ada")]
        {
            assert_eq!(canonical_text(raw), canonical);
        }
        for raw in ["Ada  L.", "Ada\tL.", "A\u{0}da L."] {
            assert_eq!(canonical_text(raw), "Ada L.");
            assert_eq!(folded_text(raw), folded_text("Ada L."));
        }
        assert_eq!(folded_text("Ada L."), "ada l.");
    }

    #[test]
    fn a_mark_between_a_letter_and_its_accent_does_not_keep_them_apart() {
        assert_eq!(canonical_text("e\u{200B}\u{301}"), "é");
    }

    #[test]
    fn the_lines_of_a_note_are_content_and_their_ends_are_not() {
        assert_eq!(
            canonical_lines("\r\n Call first.\u{200F}  \r\n\r\n  - gate  B \n"),
            "Call first.\n\n  - gate  B"
        );
        assert_eq!(canonical_lines(" \n\t\r\n"), "");
    }

    #[test]
    fn of_a_text_that_is_too_long_to_travel_it_is_known_when_it_changes() {
        let (long, other) = ("n".repeat(LONGEST + 1), "n".repeat(LONGEST + 2));
        assert!(is_too_long(&held(long.clone())) && held(long.clone()) != held(other));
        assert_eq!(held(long.clone()), held(long));
        assert!(!is_too_long(&held("n".repeat(LONGEST))));
        assert!(!is_too_long(&canonical_lines("whatever\u{1}")));
    }

    #[test]
    fn case_and_emoji_are_content() {
        assert_ne!(canonical_text("ada"), canonical_text("Ada"));
        assert_eq!(canonical_text("👩‍💻 Ada"), "👩‍💻 Ada");
    }

    #[test]
    fn folding_joins_what_people_take_for_the_same() {
        assert_eq!(folded_text("Ｓｍｉｔｈ  JOHN"), folded_text("smith john"));
    }
}
