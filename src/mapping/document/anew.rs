//! A before-image -> the body that creates the document anew.

use serde_json::{Map, Value as Json};

use super::Document;
use super::write::FRAMEWORK_COLUMNS;
use crate::contact::{Contact, Field};
use crate::mapping::Mapping;

/// API: what `Contact.validate` computes from the rest.
const COMPUTED: [&str; 4] = ["email_id", "phone", "mobile_no", "full_name"];

impl Document {
    /// The body that creates a document as `image` shows it, but saying `target` in what is mapped.
    #[must_use]
    pub fn anew(image: &Map<String, Json>, target: &Contact, mapping: &Mapping) -> Map<String, Json> {
        let current = Self::parse(Json::Object(image.clone())).ok();
        let said = current.as_ref().map(|document| document.contact(mapping)).unwrap_or_default();
        let fields = Field::of(&[&said, target]);
        let mut body = image.clone();
        body.extend(Self::body(current.as_ref(), target, &fields, mapping));
        body.retain(|column, value| {
            is_own(column) && !COMPUTED.contains(&column.as_str()) && !value.is_null()
        });
        for table in body.values_mut().filter_map(Json::as_array_mut) {
            for row in table.iter_mut().filter_map(Json::as_object_mut) {
                row.retain(|column, value| is_own(column) && !value.is_null());
            }
        }
        body
    }
}

pub(super) fn is_own(column: &str) -> bool {
    !column.starts_with('_') && !FRAMEWORK_COLUMNS.contains(&column)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_comes_back_with_its_links_and_its_own_columns_and_without_names() {
        let Json::Object(image) = json!({
            "name": "Ada-Acme", "owner": "x", "creation": "2026-01-01 00:00:00.000001", "modified": "2026-01-01 00:00:00.000001",
            "doctype": "Contact", "idx": 0, "first_name": "Ada", "status": "Passive", "email_id": "a@b.example", "_comments": "[]",
            "email_ids": [{"name": "r1", "parent": "Ada-Acme", "idx": 1, "email_id": "a@b.example", "is_primary": 1}],
            "links": [{"name": "r2", "link_doctype": "Customer", "link_name": "Acme"}], "phone_nos": [],
        }) else {
            unreachable!()
        };
        let mapping = Mapping::default();
        let target = Document::parse(Json::Object(image.clone())).unwrap().contact(&mapping);
        assert_eq!(
            Json::Object(Document::anew(&image, &target, &mapping)),
            json!({
                "first_name": "Ada", "status": "Passive", "phone_nos": [],
                "email_ids": [{"email_id": "a@b.example", "is_primary": 1}],
                "links": [{"link_doctype": "Customer", "link_name": "Acme"}],
            })
        );
    }
}
