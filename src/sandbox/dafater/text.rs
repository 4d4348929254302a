//! What the site takes for a phone number and an e-mail address, and what it does to HTML.
//!
//! Law: these decide exactly as the recorded site does, also where that is surprising.

/// Whether `text` passes as a phone number: 1 to 20 of digits, blank and `+ _ - , . * # ( )`, after trimming.
pub(super) fn is_phone(text: &str) -> bool {
    // API: PHONE_NUMBER_PATTERN in frappe/utils/__init__.py.
    let text = trim(text);
    (1..=20).contains(&text.chars().count())
        && text.chars().all(|c| {
            c.is_ascii_digit() || matches!(c, ' ' | '+' | '_' | '-' | ',' | '.' | '*' | '#' | '(' | ')')
        })
}

/// Whether each comma-separated part of `text` passes as an e-mail address; if not, the first part that does not.
pub(super) fn first_bad_email(text: &str) -> Option<&str> {
    trim(text).split(',').map(trim).find(|part| !is_email(part))
}

fn is_email(part: &str) -> bool {
    if part.contains("undisclosed-recipient") {
        return true;
    }
    if part.contains(' ') && !part.contains('<') {
        return false;
    }
    // API: Python's parseaddr takes an address that stands in the open before one in angle brackets.
    let (open, rest) = part.split_once('<').unwrap_or((part, ""));
    let address = if open.contains('@') { open } else { rest };
    begins_with_address(trim(address))
}

/// API: `EMAIL_MATCH_PATTERN` in `frappe/utils/__init__.py` is asked for a match at the beginning only: whatever follows passes.
fn begins_with_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else { return false };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c))
    };
    let end = domain.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '-'));
    let mut labels = domain.get(..end.unwrap_or(domain.len())).unwrap_or_default().split('.');
    let first = labels.next().unwrap_or_default();
    local.split('.').all(is_atom)
        && !first.is_empty()
        && !first.starts_with('-')
        && !first.ends_with('-')
        && labels.next().is_some_and(|label| label.starts_with(|c: char| c.is_ascii_alphanumeric()))
}

/// Python's `str.strip`.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// `text` without anything in angle brackets.
pub(super) fn without_tags(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, tag)) = rest.split_once('<') {
        let Some((_, after)) = tag.split_once('>') else { break };
        plain.push_str(before);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

/// Escapes the tags that are not allowed and closes those that were left open, if `text` opens any tag at all; else `None`: plain
/// `<` and `&` stay.
///
/// Attributes stay as they are; a site also drops those that it does not know.
pub(super) fn sanitized(text: &str) -> Option<String> {
    let opens = tags(text).any(|(start, _, _)| text.get(start..).is_some_and(|tag| !tag.starts_with("</")));
    if !opens {
        return None;
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    let mut open = Vec::new();
    for (start, end, name) in tags(text) {
        escape_into(&mut clean, text.get(rest..start).unwrap_or_default());
        rest = end;
        let tag = text.get(start..end).unwrap_or_default();
        if !ALLOWED.contains(&name.as_str()) {
            escape_into(&mut clean, tag);
            continue;
        }
        clean.push_str(tag);
        if !tag.starts_with("</") {
            open.push(name);
        } else if let Some(at) = open.iter().rposition(|opened| *opened == name) {
            open.truncate(at);
        }
    }
    escape_into(&mut clean, text.get(rest..).unwrap_or_default());
    for name in open.iter().rev().filter(|name| !VOID.contains(&name.as_str())) {
        clean.push_str("</");
        clean.push_str(name);
        clean.push('>');
    }
    Some(clean)
}

/// Start, end and lower-case name of each tag.
fn tags(text: &str) -> impl Iterator<Item = (usize, usize, String)> {
    text.match_indices('<').filter_map(|(start, _)| {
        let rest = text.get(start + 1..)?;
        let body = rest.strip_prefix('/').unwrap_or(rest);
        if !body.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = start + 1 + rest.find('>')? + 1;
        let name =
            body.chars().take_while(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
        Some((start, end, name))
    })
}

fn escape_into(clean: &mut String, text: &str) {
    for (at, c) in text.char_indices() {
        match c {
            '<' => clean.push_str("&lt;"),
            '>' => clean.push_str("&gt;"),
            '&' if !is_entity(text.get(at + 1..).unwrap_or_default()) => clean.push_str("&amp;"),
            c => clean.push(c),
        }
    }
}

/// Whether what follows an `&` makes it an entity already.
fn is_entity(rest: &str) -> bool {
    ["amp;", "lt;", "gt;", "quot;"].iter().any(|entity| rest.starts_with(entity))
}

/// Tags that are never closed.
const VOID: &[&str] = &["br", "hr", "img"];

const ALLOWED: &[&str] = &[
    "a",
    "abbr",
    "b",
    "blockquote",
    "br",
    "code",
    "div",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "svg",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "tr",
    "u",
    "ul",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_digits_and_a_few_signs_up_to_twenty() {
        for good in ["+966 50 123 4567", "+1 (415) 555-0000", "*100#", "+966 50\n", "12345678901234567890"] {
            assert!(is_phone(good), "{good}");
        }
        for bad in [
            "not a phone",
            "+1 415 555 0000 ext. 12",
            "٠٥٠١٢٣٤٥٦٧",
            "1-800-FLOWERS",
            "+123456789012345678901",
            "",
            "\u{202a}+966 50 1\u{202c}",
        ] {
            assert!(!is_phone(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_are_ascii_with_a_dotted_domain_but_may_be_lists_or_carry_a_name() {
        for good in [
            "Layla.Haddad@Acme.example",
            "Some One <some@one.example>",
            " trail@one.example ",
            "a@x.example, b@x.example",
            "o'neil+tag@x-y.example.co",
            "a@x.example;b@x.example",
            "a@x.example.",
            "a@x.example>",
            "a@x.example <b>",
        ] {
            assert_eq!(first_bad_email(good), None, "{good}");
        }
        assert_eq!(first_bad_email("not an email"), Some("not an email"));
        assert_eq!(first_bad_email("用户@例え.jp"), Some("用户@例え.jp"));
        assert_eq!(first_bad_email("root@localhost"), Some("root@localhost"));
    }

    #[test]
    fn only_text_with_a_tag_is_sanitized() {
        assert_eq!(
            sanitized("<b>Chief</b> <script>alert(1)</script>").as_deref(),
            Some("<b>Chief</b> &lt;script&gt;alert(1)&lt;/script&gt;")
        );
        assert_eq!(sanitized("R&D < Co"), None);
        assert_eq!(sanitized("A & B < C > D"), None);
        assert_eq!(sanitized("a closing </ksa> alone"), None);
    }

    #[test]
    fn sanitized_text_is_well_formed_html() {
        assert_eq!(sanitized("<p>para").as_deref(), Some("<p>para</p>"));
        assert_eq!(sanitized("<br> R&D &amp; <q>").as_deref(), Some("<br> R&amp;D &amp; <q></q>"));
    }

    #[test]
    fn nothing_is_left_of_a_text_in_angle_brackets() {
        assert_eq!(without_tags("<a@b.example>"), "");
        assert_eq!(without_tags("Some One <a@b.example> < 3"), "Some One  < 3");
    }
}
