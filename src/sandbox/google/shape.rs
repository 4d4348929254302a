//! Reads JSON into the shape of a message, as proto3 JSON wants it.
//!
//! Law: a key that the message does not have is refused, output-only fields are ignored, and what has its zero value is left out.

use serde_json::{Map, Value};

use super::mask::{camel_case, snake_case};
use super::refusal::Refusal;
use super::schema::{Kind, Message};

/// Reads `value` as `message`; `at` is its path in the request, for the error text.
pub(super) fn read(value: Value, message: &Message, at: &str) -> Result<Map<String, Value>, Refusal> {
    let mut reader = Reader { path: at.to_owned(), violations: Vec::new() };
    let fields = reader.message(value, message);
    if reader.violations.is_empty() { Ok(fields) } else { Err(Refusal::unreadable(reader.violations)) }
}

struct Reader {
    path: String,
    violations: Vec<(String, String)>,
}

impl Reader {
    fn message(&mut self, value: Value, message: &Message) -> Map<String, Value> {
        let mut fields = Map::new();
        let Value::Object(object) = value else {
            let _: Option<()> = self.wrong("message", &value);
            return fields;
        };
        for (key, value) in object {
            let name = camel_case(&key);
            let Some(field) = message.fields.iter().find(|field| field.name == name) else {
                self.unknown(&key);
                continue;
            };
            if value.is_null() {
                continue;
            }
            let length = self.path.len();
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(&snake_case(field.name));
            if let Some(value) = self.field(value, &field.kind) {
                fields.insert(field.name.to_owned(), value);
            }
            self.path.truncate(length);
        }
        fields
    }

    /// The value, or nothing when it is the zero value, output-only or refused.
    fn field(&mut self, value: Value, kind: &Kind) -> Option<Value> {
        match kind {
            Kind::Derived => None,
            Kind::Text => self.text(value).filter(|text| !text.is_empty()).map(Value::String),
            Kind::Flag => match value.as_bool() {
                Some(flag) => flag.then_some(Value::Bool(true)),
                None => self.wrong("TYPE_BOOL", &value),
            },
            Kind::Integer => {
                let number = match &value {
                    Value::String(text) => text.parse().ok(),
                    Value::Number(number) => number.as_i64().and_then(|number| i32::try_from(number).ok()),
                    Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
                };
                match number {
                    Some(0) => None,
                    Some(number) => Some(number.into()),
                    None => self.wrong("TYPE_INT32", &value),
                }
            }
            Kind::Choice(values) => {
                match value.as_str().and_then(|text| values.iter().position(|v| *v == text)) {
                    Some(0) => None,
                    Some(_) => Some(value),
                    None => self.wrong("TYPE_ENUM", &value),
                }
            }
            Kind::One(message) => {
                let fields = self.message(value, message);
                (!fields.is_empty()).then_some(Value::Object(fields))
            }
            Kind::Many(message) => {
                let items =
                    self.each(value, |reader, item| Some(Value::Object(reader.message(item, message))));
                (!items.is_empty()).then_some(Value::Array(items))
            }
            Kind::Texts => {
                let items = self.each(value, |reader, item| reader.text(item).map(Value::String));
                (!items.is_empty()).then_some(Value::Array(items))
            }
            Kind::Named(message) => {
                let Value::Object(object) = value else { return self.wrong("map", &value) };
                let mut named = Map::new();
                for (index, (key, value)) in object.into_iter().enumerate() {
                    let length = self.path.len();
                    self.at_index(index);
                    self.path.push_str(".value");
                    named.insert(key, Value::Object(self.message(value, message)));
                    self.path.truncate(length);
                }
                (!named.is_empty()).then_some(Value::Object(named))
            }
        }
    }

    fn each(&mut self, value: Value, mut read: impl FnMut(&mut Self, Value) -> Option<Value>) -> Vec<Value> {
        // API: proto3 JSON takes a lone value for a list of one.
        let items = match value {
            Value::Array(items) => items,
            lone
            @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_)) => {
                vec![lone]
            }
        };
        let length = self.path.len();
        let mut found = Vec::with_capacity(items.len());
        for (index, item) in items.into_iter().enumerate() {
            self.at_index(index);
            found.extend(read(self, item));
            self.path.truncate(length);
        }
        found
    }

    fn at_index(&mut self, index: usize) {
        self.path.extend(["[", &index.to_string(), "]"]);
    }

    fn text(&mut self, value: Value) -> Option<String> {
        match value {
            Value::String(text) => Some(text),
            other
            @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                self.wrong("TYPE_STRING", &other)
            }
        }
    }

    fn wrong<T>(&mut self, kind: &str, value: &Value) -> Option<T> {
        let description = format!("Invalid value at '{}' ({kind}), {value}", self.path);
        self.violations.push((self.path.clone(), description));
        None
    }

    fn unknown(&mut self, key: &str) {
        let place = if self.path.is_empty() { String::new() } else { format!(" at '{}'", self.path) };
        let description =
            format!("Invalid JSON payload received. Unknown name \"{key}\"{place}: Cannot find field.");
        self.violations.push((self.path.clone(), description));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::schema::{BATCH_UPDATE, PERSON};
    use super::*;

    fn refused(value: Value) -> String {
        read(value, &PERSON, "person").unwrap_err().message.into_owned()
    }

    #[test]
    fn unknown_keys_and_wrong_types_are_refused_with_their_place() {
        assert_eq!(
            refused(json!({"x": 1})),
            "Invalid JSON payload received. Unknown name \"x\" at 'person': Cannot find field."
        );
        assert_eq!(
            refused(json!({"phoneNumbers": [{"number": "1"}]})),
            "Invalid JSON payload received. Unknown name \"number\" at 'person.phone_numbers[0]': Cannot find field."
        );
        assert_eq!(
            refused(json!({"names": [{"givenName": 5}]})),
            "Invalid value at 'person.names[0].given_name' (TYPE_STRING), 5"
        );
        assert!(refused(json!([])).contains("(message)"));
        let batch = read(json!({"contacts": {"people/c1": {"nope": 1}}}), &BATCH_UPDATE, "").unwrap_err();
        assert!(batch.message.contains("\"nope\" at 'contacts[0].value'"), "{}", batch.message);
    }

    #[test]
    fn zero_values_and_output_only_fields_are_left_out() {
        let person = json!({
            "names": [{"givenName": "Ada", "familyName": "", "displayName": "ignored"}],
            "email_addresses": [{"value": "ada@example.com", "formattedType": 5}],
            "biographies": [{"contentType": "CONTENT_TYPE_UNSPECIFIED", "value": "x"}],
            "birthdays": [{"date": {"year": 0, "month": "12", "day": 10}}],
            "photos": [{"url": "ignored"}],
            "urls": null,
        });
        assert_eq!(
            Value::Object(read(person, &PERSON, "person").unwrap()),
            json!({
                "names": [{"givenName": "Ada"}],
                "emailAddresses": [{"value": "ada@example.com"}],
                "biographies": [{"value": "x"}],
                "birthdays": [{"date": {"month": 12, "day": 10}}],
            })
        );
    }
}
