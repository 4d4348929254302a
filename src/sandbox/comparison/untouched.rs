//! What the sync has no business with: it must be byte for byte what people made it.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::own;

/// The parts of records that nobody but people may change, by the record's name.
#[derive(Debug, Clone, Default)]
pub struct Untouched(BTreeMap<String, Rest>);

/// What is left of a record when all that is synced is taken away.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rest {
    /// Fields that are not synced at all.
    fields: Map<String, Value>,
    /// What stands beside each address and number, its spelling included.
    beside: BTreeMap<(String, String), Value>,
    /// What stands beside the organisation that is synced, if there is one.
    work: Option<Value>,
}

impl Untouched {
    /// Of people in Google.
    #[must_use]
    pub fn of_google(persons: &[Value]) -> Self {
        let rest = |person: &Value| (own::field(person, "resourceName").to_owned(), of_person(person));
        Self(persons.iter().map(rest).collect())
    }

    /// Of contacts in Dafater.
    #[must_use]
    pub fn of_dafater(documents: &[Value]) -> Self {
        let rest = |document: &Value| (own::field(document, "name").to_owned(), of_document(document));
        Self(documents.iter().map(rest).collect())
    }

    /// Where `later` is not as it was, as sentences. Records that came or went are no concern here.
    #[must_use]
    pub fn changes(&self, later: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        for (name, before) in &self.0 {
            let Some(after) = later.0.get(name) else { continue };
            let keys =
                before.fields.keys().chain(after.fields.keys()).collect::<std::collections::BTreeSet<_>>();
            for key in keys.into_iter().filter(|key| before.fields.get(*key) != after.fields.get(*key)) {
                changes.push(change(name, key, before.fields.get(key), after.fields.get(key)));
            }
            for (key, beside) in &before.beside {
                if let Some(now) = after.beside.get(key).filter(|now| *now != beside) {
                    changes.push(change(name, &key.0, Some(beside), Some(now)));
                }
            }
            if let (Some(work), Some(now)) = (&before.work, &after.work)
                && work != now
            {
                changes.push(change(name, "organizations", Some(work), Some(now)));
            }
        }
        changes
    }
}

fn change(name: &str, field: &str, before: Option<&Value>, after: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), Value::to_string);
    format!("{name}: {field} was {} and is {}", shown(before), shown(after))
}

fn of_person(person: &Value) -> Rest {
    let mut fields = person.as_object().cloned().unwrap_or_default();
    let mut rest = Rest::default();
    for gone in ["etag", "metadata", "emailAddresses", "phoneNumbers", "organizations", "names", "genders"] {
        fields.remove(gone);
    }
    for (list, key) in [("emailAddresses", own::email as fn(&str) -> String), ("phoneNumbers", own::phone)] {
        for item in own::list(person, list) {
            let id = (list.to_owned(), key(own::field(item, "value")));
            rest.beside.insert(id, without(item, &["metadata"]));
        }
    }
    let synced = own::organization(person);
    let mut others = Vec::new();
    for (index, item) in own::list(person, "organizations").iter().enumerate() {
        if index == synced {
            rest.work = Some(without(item, &["metadata", "name", "title", "department"]));
        } else {
            others.push(without(item, &["metadata"]));
        }
    }
    if !others.is_empty() {
        fields.insert("organizations".to_owned(), Value::Array(others));
    }
    if let Some(name) = own::list(person, "names").first() {
        let synced = ["honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix"];
        let derived = ["metadata", "displayName", "displayNameLastFirst", "unstructuredName"];
        let name = without(name, &[synced.as_slice(), &derived].concat());
        if name.as_object().is_some_and(|name| !name.is_empty()) {
            fields.insert("names".to_owned(), name);
        }
    }
    if let Some(Value::Array(data)) = fields.get_mut("clientData") {
        data.retain(|entry| own::field(entry, "key") != "dafater-contactsd");
        if data.is_empty() {
            fields.remove("clientData");
        }
    }
    rest.fields = fields;
    rest
}

/// API: `full_name`, `email_id`, `phone` and `mobile_no` are derived by the framework on each save.
const SYNCED_OR_DERIVED: [&str; 17] = [
    "modified",
    "modified_by",
    "full_name",
    "email_id",
    "phone",
    "mobile_no",
    "salutation",
    "first_name",
    "middle_name",
    "last_name",
    "company_name",
    "designation",
    "department",
    "gender",
    "email_ids",
    "phone_nos",
    "links",
];

fn of_document(document: &Value) -> Rest {
    let Value::Object(mut fields) = without(document, &SYNCED_OR_DERIVED) else { return Rest::default() };
    // API: a save writes "" where there was nothing: the picture that gravatar.com does not have, for one.
    fields.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
    let links = own::list(document, "links").iter().map(|row| without(row, &["modified", "modified_by"]));
    fields.insert("links".to_owned(), links.collect());
    let mut rest = Rest { fields, ..Rest::default() };
    let framework = [
        "name",
        "owner",
        "creation",
        "modified",
        "modified_by",
        "idx",
        "is_primary",
        "is_primary_phone",
        "is_primary_mobile_no",
    ];
    let tables =
        [("email_ids", "email_id", own::email as fn(&str) -> String), ("phone_nos", "phone", own::phone)];
    for (table, column, key) in tables {
        for row in own::list(document, table) {
            let id = (table.to_owned(), key(own::field(row, column)));
            rest.beside.insert(id, without(row, &framework));
        }
    }
    rest
}

fn without(item: &Value, keys: &[&str]) -> Value {
    let mut item = item.as_object().cloned().unwrap_or_default();
    item.retain(|key, _| !keys.contains(&key.as_str()));
    Value::Object(item)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_label_that_was_lost_is_seen_and_a_value_that_was_synced_is_not() {
        let before = json!({ "resourceName": "people/c1", "birthdays": [{ "date": { "year": 1980 } }],
            "phoneNumbers": [{ "value": "050 223 4567", "type": "Chauffeur" }],
            "organizations": [{ "name": "Acme", "type": "work" }, { "name": "Chamber" }] });
        let mut after = before.clone();
        after["phoneNumbers"].as_array_mut().unwrap().push(json!({ "value": "+4930123" }));
        after["organizations"][0]["name"] = json!("Acme Ltd");
        let of = |person: &Value| Untouched::of_google(std::slice::from_ref(person));
        assert_eq!(of(&before).changes(&of(&after)), Vec::<String>::new());
        after["phoneNumbers"][0]["type"] = json!("mobile");
        after["organizations"][1]["name"] = json!("Chamber!");
        after.as_object_mut().unwrap().remove("birthdays");
        let changes = of(&before).changes(&of(&after)).join("\n");
        for part in ["birthdays was", "Chauffeur", "Chamber!"] {
            assert!(changes.contains(part), "{part}: {changes}");
        }
    }
}
