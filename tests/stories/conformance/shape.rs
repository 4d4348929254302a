//! The shape of an answer, as the exchanges write it down, and whether an answer has it.
//!
//! An object has exactly the keys of its shape, a list exactly its length, and a plain value is equal. What cannot be equal on two sites is
//! named instead: `@time`, `@name` (of a row or document that has no better one), `@text`, `@int`, `@any`; `~` begins a text.
//! `{"@each": …}` is a list that is not empty, each of whose items has the shape; `{"@in any order": […]}` is what it says;
//! `{"@json": …}` is a text that holds JSON.

use serde_json::Value;

/// Where and how `found` differs from `shape`; `None` when it has it.
pub fn difference(shape: &Value, found: &Value) -> Option<String> {
    at("", shape, found)
}

fn at(path: &str, shape: &Value, found: &Value) -> Option<String> {
    let differs = || Some(format!("{path}: {} instead of {}", brief(found), brief(shape)));
    match (shape, found) {
        (Value::String(shape), _) if shape.starts_with('@') => {
            if is_a(shape, found) {
                None
            } else {
                differs()
            }
        }
        (Value::String(shape), Value::String(found)) => {
            let is_same = match shape.strip_prefix('~') {
                Some(beginning) => found.starts_with(beginning),
                None => shape == found,
            };
            if is_same { None } else { differs() }
        }
        (Value::Object(shape), _) if shape.contains_key("@json") => {
            let Some(inner) = found.as_str().and_then(|text| serde_json::from_str(text).ok()) else {
                return differs();
            };
            at(path, &shape["@json"], &inner)
        }
        (Value::Object(shape), _) if shape.contains_key("@each") => {
            let Some(items) = found.as_array().filter(|items| !items.is_empty()) else { return differs() };
            items.iter().enumerate().find_map(|(n, item)| at(&format!("{path}/{n}"), &shape["@each"], item))
        }
        (Value::Object(shape), _) if shape.contains_key("@in any order") => {
            let sorted = |list: &Value| {
                let mut items: Vec<Value> = list.as_array().into_iter().flatten().cloned().collect();
                items.sort_by_key(Value::to_string);
                Value::Array(items)
            };
            at(path, &sorted(&shape["@in any order"]), &sorted(found))
        }
        (Value::Object(shape), Value::Object(found)) => {
            let missing = shape.keys().find(|key| !found.contains_key(*key));
            if let Some(key) = missing {
                return Some(format!("{path}/{key}: missing"));
            }
            let extra = found.keys().find(|key| !shape.contains_key(*key));
            if let Some(key) = extra {
                return Some(format!("{path}/{key}: not recorded, but {}", brief(&found[key])));
            }
            shape.iter().find_map(|(key, shape)| at(&format!("{path}/{key}"), shape, &found[key]))
        }
        (Value::Array(shape), Value::Array(found)) if shape.len() == found.len() => {
            let mut pairs = shape.iter().zip(found).enumerate();
            pairs.find_map(|(n, (shape, found))| at(&format!("{path}/{n}"), shape, found))
        }
        _ if shape == found => None,
        _ => differs(),
    }
}

/// Whether `found` is of the kind that is named.
fn is_a(kind: &str, found: &Value) -> bool {
    let text = found.as_str();
    match kind {
        "@text" => text.is_some(),
        "@html" => text.is_some_and(|text| text.trim_start().starts_with('<')),
        "@any" => true,
        "@int" => found.is_i64() || found.is_u64(),
        "@name" => text.is_some_and(|text| {
            text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        }),
        "@time" => text.is_some_and(is_time),
        _ => panic!("{kind} is no kind of value"),
    }
}

/// `2026-11-22 11:33:46.381217`, or without the fraction when it is zero.
fn is_time(text: &str) -> bool {
    let pattern = "dddd-dd-dd dd:dd:dd.dddddd";
    let follows = |pattern: &str| {
        let fits = |(pattern, found): (char, char)| match pattern {
            'd' => found.is_ascii_digit(),
            _ => pattern == found,
        };
        pattern.len() == text.len() && pattern.chars().zip(text.chars()).all(fits)
    };
    follows(pattern) && !text.ends_with(".000000") || follows(&pattern[.."dddd-dd-dd dd:dd:dd".len()])
}

fn brief(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(300) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[test]
fn a_shape_is_neither_wider_nor_narrower_than_it_says() {
    use serde_json::json;
    let row = json!({ "name": "@name", "modified": "@time", "says": "~Only one", "data": { "@json": [1] } });
    let good = json!({ "name": "l69b09aqee", "modified": "2026-11-22 11:33:46.381217", "says": "Only one row", "data": "[1]" });
    assert_eq!(difference(&json!({ "@each": row }), &json!([good])), None);
    assert!(difference(&json!({ "@each": row }), &json!([])).is_some(), "an empty list");
    for (key, wrong) in [
        ("name", json!("Omar")),
        ("modified", json!("2026-11-22 11:33:46.381")),
        ("modified", json!("2026-11-22 11:33:46.000000")),
        ("says", json!("only one")),
        ("data", json!("[2]")),
        ("more", json!(null)),
    ] {
        let mut bad = good.clone();
        bad[key] = wrong;
        let found = difference(&row, &bad).unwrap_or_else(|| panic!("{key} passes: {bad}"));
        assert!(found.starts_with(&format!("/{key}")), "{found}");
    }
    let mut less = good;
    less.as_object_mut().unwrap().remove("name");
    assert_eq!(difference(&row, &less), Some("/name: missing".to_owned()));
}
