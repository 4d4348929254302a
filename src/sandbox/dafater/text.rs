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
    let address = match (part.rfind('<'), part.rfind('>')) {
        (Some(open), Some(close)) if open < close => part.get(open + 1..close).unwrap_or_default(),
        _ => part,
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let is_atom = |atom: &str| {
        !atom.is_empty()
            && atom.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+/=?^_`{|}~-".contains(c))
    };
    let is_label = |label: &str| {
        let inner = |c: char| c.is_ascii_alphanumeric() || c == '-';
        !label.is_empty() && label.chars().all(inner) && !label.starts_with('-') && !label.ends_with('-')
    };
    local.split('.').all(is_atom) && domain.contains('.') && domain.split('.').all(is_label)
}

/// Python's `str.strip`.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

/// Escapes the tags that are not allowed, if `text` holds any tag at all; else `None`: plain `<` and `&` stay.
pub(super) fn sanitized(text: &str) -> Option<String> {
    if !text.contains('<') || tags(text).next().is_none() {
        return None;
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = 0;
    for (start, end, name) in tags(text) {
        escape_into(&mut clean, text.get(rest..start).unwrap_or_default());
        let tag = text.get(start..end).unwrap_or_default();
        if ALLOWED.contains(&name.as_str()) {
            clean.push_str(tag);
        } else {
            escape_into(&mut clean, tag);
        }
        rest = end;
    }
    escape_into(&mut clean, text.get(rest..).unwrap_or_default());
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
    for c in text.chars() {
        match c {
            '<' => clean.push_str("&lt;"),
            '>' => clean.push_str("&gt;"),
            '&' => clean.push_str("&amp;"),
            c => clean.push(c),
        }
    }
}

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
    "s",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
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
    }
}
