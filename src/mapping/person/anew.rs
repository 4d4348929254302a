//! A before-image -> the body that creates the contact anew.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::read::is_primary;
use super::write::PersonPatch;
use super::{Etag, Person, ResourceName, SourceId};
use crate::contact::{Contact, Field};
use crate::mapping::said::Said;
use crate::mapping::{MARKER_KEY, Mapping};

/// API: what people.createContact takes. Photos have a method of their own; the rest is Google's to derive.
const CREATABLE: [&str; 24] = [
    "addresses",
    "biographies",
    "birthdays",
    "calendarUrls",
    "clientData",
    "emailAddresses",
    "events",
    "externalIds",
    "genders",
    "imClients",
    "interests",
    "locales",
    "locations",
    "memberships",
    "miscKeywords",
    "names",
    "nicknames",
    "occupations",
    "organizations",
    "phoneNumbers",
    "relations",
    "sipAddresses",
    "urls",
    "userDefined",
];

/// Keys of an item that Google derives from the others.
const DERIVED: [&str; 6] =
    ["metadata", "canonicalForm", "formattedType", "formattedValue", "displayName", "displayNameLastFirst"];

impl Person {
    /// The body that creates a contact as `image` shows it, but saying `target` in what is mapped.
    ///
    /// Labels that are not `known` any more are left out, as Google would refuse the whole contact; so is our own marker, which
    /// belongs to the contact that is gone.
    #[must_use]
    pub fn anew(
        image: &Map<String, Json>,
        target: &Contact,
        known: impl Fn(&str) -> bool,
        mapping: &Mapping,
    ) -> Map<String, Json> {
        let image = Self {
            resource_name: ResourceName(String::new()),
            source_id: SourceId(String::new()),
            etag: Etag(String::new()),
            updated: None,
            deleted: false,
            previous_names: Vec::new(),
            fields: Arc::new(image.clone()),
            said: Said::default(),
        };
        let fields = Field::of(&[&image.contact(mapping), target]);
        let mut patch = PersonPatch::new(Some(&image), target, &fields, mapping);
        let mut body = Map::new();
        for field in CREATABLE {
            let is_replaced = patch.mask.iter().any(|mapped| mapped.path() == field);
            let items: Vec<Map<String, Json>> = match patch.body.remove(field) {
                Some(Json::Array(items)) => items.into_iter().filter_map(object).collect(),
                Some(_) | None if is_replaced => Vec::new(),
                Some(_) | None => image.items(field).cloned().collect(),
            };
            let is_kept = |item: &Map<String, Json>| match field {
                "clientData" => item.get("key").and_then(Json::as_str) != Some(MARKER_KEY),
                "memberships" => label_of(item).is_some_and(&known),
                _ => true,
            };
            let has_many = items.len() > 1;
            // API: at most one item of a field may be marked; a mark counts before what was primary.
            let is_marked = items.iter().any(is_source_primary);
            let leads = |item: &Map<String, Json>| {
                has_many && if is_marked { is_source_primary(item) } else { is_primary(item) }
            };
            let items: Vec<Json> = items
                .into_iter()
                .filter(is_kept)
                .map(|item| {
                    let leads = leads(&item);
                    Json::Object(creatable(item, leads))
                })
                .filter(|item| item.as_object().is_some_and(|item| !item.is_empty()))
                .collect();
            if !items.is_empty() {
                body.insert(field.to_owned(), Json::Array(items));
            }
        }
        body
    }
}

fn object(item: Json) -> Option<Map<String, Json>> {
    match item {
        Json::Object(item) => Some(item),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) | Json::Array(_) => None,
    }
}

fn label_of(item: &Map<String, Json>) -> Option<&str> {
    item.get("contactGroupMembership")?.get("contactGroupResourceName")?.as_str()
}

fn is_source_primary(item: &Map<String, Json>) -> bool {
    let marked = item.get("metadata").and_then(|metadata| metadata.get("sourcePrimary"));
    marked.and_then(Json::as_bool) == Some(true)
}

fn creatable(mut item: Map<String, Json>, leads: bool) -> Map<String, Json> {
    item.retain(|key, _| !DERIVED.contains(&key.as_str()));
    if item.contains_key("givenName") || item.contains_key("familyName") {
        item.remove("unstructuredName");
    }
    if leads {
        item.insert("metadata".to_owned(), json!({ "sourcePrimary": true }));
    }
    if let Some(Json::Object(membership)) = item.get_mut("contactGroupMembership") {
        membership.retain(|key, _| key == "contactGroupResourceName");
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contact_comes_back_with_what_is_never_synced_and_without_what_google_derives() {
        let Json::Object(image) = json!({
            "names": [{"metadata": {"primary": true}, "displayName": "Ada L", "givenName": "Ada", "phoneticGivenName": "Eida"}],
            "birthdays": [{"metadata": {"primary": true}, "date": {"year": 1815, "month": 12, "day": 10}}],
            "emailAddresses": [{"value": "ada@example.com", "type": "work", "formattedType": "Work"}],
            "memberships": [
                {"contactGroupMembership": {"contactGroupId": "a", "contactGroupResourceName": "contactGroups/a"}},
                {"contactGroupMembership": {"contactGroupResourceName": "contactGroups/gone"}}
            ],
            "clientData": [{"key": "dafater-contactsd", "value": "x;y;z"}, {"key": "crm", "value": "7"}],
            "photos": [{"url": "https://example.com/ada.png"}],
        }) else {
            unreachable!()
        };
        let mapping = Mapping::default();
        let mut target = Contact::default();
        target.set_text(&crate::contact::TextField::Given, "Ada");
        let body = Person::anew(&image, &target, |label| label == "contactGroups/a", &mapping);
        assert_eq!(
            Json::Object(body),
            json!({
                "names": [{"givenName": "Ada", "phoneticGivenName": "Eida"}],
                "birthdays": [{"date": {"year": 1815, "month": 12, "day": 10}}],
                "memberships": [{"contactGroupMembership": {"contactGroupResourceName": "contactGroups/a"}}],
                "clientData": [{"key": "crm", "value": "7"}],
            }),
            "the address is not in the target, so it is not in the body either"
        );
    }

    #[test]
    fn a_contact_whose_primary_address_moved_since_comes_back_with_one_primary_address() {
        let Json::Object(image) = json!({
            "emailAddresses": [
                {"metadata": {"primary": true, "sourcePrimary": true}, "value": "ada@example.com"},
                {"metadata": {}, "value": "countess@example.com"},
            ],
        }) else {
            unreachable!()
        };
        let mut target = Contact::default();
        for address in ["ada@example.com", "countess@example.com"] {
            let key = crate::contact::Key::email(address).unwrap();
            target.emails.add(crate::contact::Value { key, raw: address.to_owned(), label: None });
        }
        target.emails.set_primary(crate::contact::Key::email("countess@example.com").as_ref());
        let body = Person::anew(&image, &target, |_| true, &Mapping::default());
        let marked =
            body["emailAddresses"].as_array().unwrap().iter().filter(|item| !item["metadata"].is_null());
        assert_eq!(marked.map(|item| item["value"].clone()).collect::<Vec<_>>(), ["countess@example.com"]);
    }
}
