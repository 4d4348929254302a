//! Custom fields: columns that the site adds to a DocType.

use std::sync::Arc;

use super::Site;
use super::document::Doc;
use super::refusal::Refusal;
use super::schema::{Field, Kind};

impl Site {
    /// Adds a Data field to Contact, as the form "Customize" would. A unique one refuses doubles; a mandatory one refuses every save
    /// of a contact without it.
    pub fn add_custom_field(&mut self, name: &str, label: &str, unique: bool, mandatory: bool) {
        let mut field = Field::new(name, label, Kind::Data);
        field.unique = unique;
        field.required = mandatory;
        self.add_field("Contact", field);
    }

    /// Removes a custom field again. The values are gone.
    pub fn remove_custom_field(&mut self, name: &str) {
        if let Some(schema) = self.schemas.get_mut("Contact") {
            Arc::make_mut(schema).fields.retain(|field| field.name != name);
        }
    }

    pub(super) fn check_custom_field(&self, doc: &mut Doc) -> Result<(), Refusal> {
        let (doctype, field) = (doc.text("dt").to_owned(), doc.text("fieldname").to_owned());
        if self.schema(&doctype)?.field(&field).is_some() {
            return Err(Refusal::validation(format!(
                "A field with the name <strong>{field}</strong> already exists in {doctype}"
            )));
        }
        doc.rename(format!("{doctype}-{field}"));
        Ok(())
    }

    pub(super) fn add_custom_field_of(&mut self, doc: &Doc) -> Result<(), Refusal> {
        let kind = match doc.text("fieldtype") {
            "Data" | "" => Kind::Data,
            "Check" => Kind::Check,
            "Small Text" | "Text" | "Long Text" => Kind::Text,
            "Date" => Kind::Date,
            "Select" => Kind::Choice,
            "Link" => match self.schemas.keys().find(|known| **known == doc.text("options")) {
                Some(doctype) => Kind::Link(doctype),
                None => {
                    return Err(Refusal::validation(
                        "Options must be a valid DocType for field of type Link".to_owned(),
                    ));
                }
            },
            other => {
                return Err(Refusal::validation(format!(
                    "This stand-in has no custom fields of type {other}"
                )));
            }
        };
        let mut field = Field::new(doc.text("fieldname"), doc.text("label"), kind);
        doc.text("options").clone_into(&mut field.options);
        field.unique = doc.is_checked("unique");
        field.required = doc.is_checked("reqd");
        let doctype = doc.text("dt").to_owned();
        self.add_field(&doctype, field);
        Ok(())
    }

    fn add_field(&mut self, doctype: &str, field: Field) {
        let Some(schema) = self.schemas.get_mut(doctype) else { return };
        if field.unique {
            self.db.watch(doctype, &field.name);
        }
        let schema = Arc::make_mut(schema);
        schema.fields.retain(|other| other.name != field.name);
        schema.fields.push(field);
    }
}
