//! The site's words for people: HTML inside JSON inside JSON, made plain.

use serde_json::{Map, Value};

/// Longest explanation that is kept, in characters.
const LONGEST: usize = 500;

/// What the site says about an error, as plain text; `None` when it says nothing.
pub(super) fn explanation(body: &Map<String, Value>) -> Option<String> {
    let messages = server_messages(body);
    let text = if messages.is_empty() {
        // The class alone explains nothing.
        plain(body.get("exception").and_then(Value::as_str).filter(|text| text.contains(": "))?)
    } else {
        messages.iter().map(|message| plain(message)).collect::<Vec<_>>().join(" ")
    };
    let text: String = text.chars().take(LONGEST).collect();
    (!text.is_empty()).then_some(text)
}

/// The messages as the site wrote them.
///
/// API: `_server_messages` is a JSON text that holds a list of JSON texts, each `{message (HTML), title, indicator, …}`.
pub(super) fn server_messages(body: &Map<String, Value>) -> Vec<String> {
    let Some(Value::String(list)) = body.get("_server_messages") else { return Vec::new() };
    let Ok(list) = serde_json::from_str::<Vec<Value>>(list) else { return Vec::new() };
    list.into_iter().filter_map(message).filter(|message| !message.trim().is_empty()).collect()
}

fn message(item: Value) -> Option<String> {
    let item = match item {
        Value::String(text) => match serde_json::from_str::<Value>(&text) {
            Ok(Value::Object(object)) => Value::Object(object),
            _ => return Some(text),
        },
        other @ (Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_)) => {
            other
        }
    };
    item.get("message").and_then(Value::as_str).map(str::to_owned)
}

/// Takes the tags out, resolves the usual entities, and folds white space.
fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        let (before, tail) = rest.split_at(at);
        text.push_str(before);
        let Some(length) = tag_length(tail) else {
            // A bare "<" is content: "Name cannot contain special characters like '<', '>'".
            text.push('<');
            rest = tail.get(1..).unwrap_or_default();
            continue;
        };
        let (tag, after) = tail.split_at(length);
        if !is_inline(tag) {
            text.push(' ');
        }
        rest = after;
    }
    text.push_str(rest);
    for (entity, character) in ENTITIES {
        text = text.replace(entity, character);
    }
    // Control and direction characters could rearrange a person's terminal.
    text.retain(|c| {
        c.is_whitespace()
            || !c.is_control()
                && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    });
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether the tag stands inside a line, so that no blank replaces it.
fn is_inline(tag: &str) -> bool {
    let name = tag.trim_start_matches(['<', '/']);
    let end = name.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(name.len());
    matches!(name.get(..end), Some("strong" | "b" | "i" | "em" | "a" | "span" | "code" | "u"))
}

fn tag_length(tail: &str) -> Option<usize> {
    let opens = tail.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '!');
    if opens { tail.find('>').map(|end| end + 1) } else { None }
}

/// `&amp;` comes last, so that `&amp;lt;` stays the text `&lt;`.
const ENTITIES: [(&str, &str); 6] =
    [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&nbsp;", " "), ("&amp;", "&")];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn explained(body: &Value) -> Option<String> {
        explanation(body.as_object().expect("an object"))
    }

    #[test]
    fn tags_go_and_bare_angle_brackets_stay() {
        assert_eq!(plain("Only one <strong>Email ID</strong> can be set"), "Only one Email ID can be set");
        assert_eq!(plain("like '<', '>'"), "like '<', '>'");
        assert_eq!(plain("a<br>b &amp; c &lt;d&gt;"), "a b & c <d>");
        assert_eq!(
            plain("'<strong>First Name</strong>' is <a href=\"/x\">too long</a>."),
            "'First Name' is too long."
        );
        assert_eq!(plain("a < b <"), "a < b <");
    }

    #[test]
    fn the_messages_are_read_out_of_json_in_json() {
        let body = json!({"exc_type": "LinkExistsError",
            "_server_messages": "[\"{\\\"message\\\": \\\"Contact <a href=\\\\\\\"/app/x\\\\\\\">L</a> is linked\\\", \\\"title\\\": \\\"Message\\\"}\"]"});
        assert_eq!(explained(&body).as_deref(), Some("Contact L is linked"));
    }

    #[test]
    fn without_messages_the_exception_speaks_and_without_both_nothing_does() {
        assert_eq!(explained(&json!({"exception": "TypeError: x"})).as_deref(), Some("TypeError: x"));
        assert_eq!(explained(&json!({"exception": "frappe.exceptions.PermissionError"})), None);
        assert_eq!(explained(&json!({"exc_type": "DoesNotExistError"})), None);
    }

    #[test]
    fn a_message_cannot_drive_the_terminal() {
        assert_eq!(plain("\u{1b}[2J\u{202e}call me\u{202c}\nis not valid"), "[2Jcall me is not valid");
    }

    #[test]
    fn garbage_in_the_messages_is_no_message() {
        for garbage in [json!("["), json!(7), json!("[1, null, {}]"), json!("{}"), json!("[\"\"]")] {
            assert!(
                server_messages(json!({"_server_messages": garbage}).as_object().expect("an object"))
                    .is_empty()
            );
        }
    }
}
