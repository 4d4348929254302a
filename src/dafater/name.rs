//! How a document's name travels in an address.

use crate::mapping::DocumentName;

/// Whether `/api/resource/Contact/<name>` leads to the document.
///
/// API: the route matches no line break; a slash at the end or two in a row are cut or redirected on the way, and URL libraries
/// resolve `.` and `..` even when percent-encoded. Such names go in the query of `frappe.client.get`.
pub(super) fn path_carries(name: &DocumentName) -> bool {
    let name = name.0.as_str();
    let segments_fit = name.split('/').all(|segment| !matches!(segment, "" | "." | ".."));
    segments_fit && !name.contains(is_break)
}

/// Whether the name survives a list filter.
///
/// API: `frappe/model/db_query.py` strips the values of an `in` filter, so a name with an odd edge would silently match nothing.
pub(super) fn filter_carries(name: &DocumentName) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    !name.0.is_empty() && !name.0.starts_with(odd) && !name.0.ends_with(odd)
}

/// Percent-encodes everything but RFC 3986's unreserved characters.
pub(super) fn encoded(name: &DocumentName) -> String {
    let mut path = String::with_capacity(name.0.len() * 3);
    for byte in name.0.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            path.push(char::from(byte));
        } else {
            path.push('%');
            path.extend([byte >> 4, byte & 15].map(hex));
        }
    }
    path
}

fn hex(nibble: u8) -> char {
    char::from(if nibble < 10 { b'0' + nibble } else { b'A' + nibble - 10 })
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DocumentName {
        DocumentName(text.to_owned())
    }

    #[test]
    fn odd_characters_are_percent_encoded() {
        assert_eq!(encoded(&name("A/B 50% #1? x")), "A%2FB%2050%25%20%231%3F%20x");
        assert_eq!(encoded(&name("ليلى")), "%D9%84%D9%8A%D9%84%D9%89");
        assert_eq!(encoded(&name("Tom & O'Neil~_.-")), "Tom%20%26%20O%27Neil~_.-");
    }

    #[test]
    fn a_path_carries_inner_slashes_but_no_slash_at_an_edge_no_dots_and_no_line_break() {
        for fits in ["Omar", "A/B 50% #1? x", "a.b", "..x", "ليلى 😀 حداد", "bell\u{7}"] {
            assert!(path_carries(&name(fits)), "{fits:?}");
        }
        for odd in ["", ".", "..", "Ends/", "/Starts", "a//b", "a/../b", "Multi\nLine"] {
            assert!(!path_carries(&name(odd)), "{odd:?}");
        }
    }

    #[test]
    fn a_filter_carries_no_name_with_white_space_at_an_edge() {
        assert!(filter_carries(&name("Layla bint Haddad-Acme Trading")));
        for odd in ["", " Omar", "Omar\u{a0}", "Omar\u{1f}"] {
            assert!(!filter_carries(&name(odd)), "{odd:?}");
        }
    }
}
