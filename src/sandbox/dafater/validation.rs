//! The checks that every save makes, whatever changed: links, mandatory fields, formats, options, lengths.
//!
//! Law: a document with one bad value refuses every save, also of another field.

use serde_json::{Map, Value};

use super::collation::Key;
use super::document::Doc;
use super::refusal::{Notice, Refusal};
use super::schema::{DocType, Field, Kind};
use super::{Site, text};

impl Site {
    /// Looks up all links, writes the stored spelling of their names, and refuses those that lead nowhere.
    pub(super) fn check_links(&self, schema: &DocType, doc: &mut Doc) -> Result<(), Refusal> {
        let mut missing = Vec::new();
        for field in schema.columns() {
            let Kind::Link(target) = field.kind else { continue };
            self.check_link(target, field, &mut doc.fields, "", &mut missing);
        }
        for (table, child) in schema.tables() {
            let Some(child) = self.schemas.get(child) else { continue };
            for (row, number) in doc.rows_mut(table).iter_mut().zip(1..) {
                let place = format!("Row #{number}: ");
                for field in child.columns() {
                    if let Kind::Link(target) = field.kind {
                        let known = missing.len();
                        self.check_link(target, field, &mut row.fields, &place, &mut missing);
                        if missing.len() > known {
                            // A link that leads nowhere is blanked before the dynamic link asks for it.
                            row.fields.insert(field.name.clone(), Value::Null);
                        }
                    } else if let Kind::DynamicLink(by) = field.kind
                        && !row.text(&field.name).is_empty()
                    {
                        let target = row.text(by).to_owned();
                        if target.is_empty() {
                            let label = child.field(by).map_or(by, |field| &field.label);
                            return Err(Refusal::validation(format!("{label} must be set first")));
                        }
                        self.check_link(&target, field, &mut row.fields, &place, &mut missing);
                    }
                }
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Refusal::invalid("LinkValidationError", format!("Could not find {}", missing.join(", "))))
    }

    fn check_link(
        &self,
        target: &str,
        field: &Field,
        fields: &mut Map<String, Value>,
        place: &str,
        missing: &mut Vec<String>,
    ) {
        let Some(Value::String(name)) = fields.get(&field.name) else { return };
        if name.is_empty() {
            return;
        }
        match self.stored_name(target, name) {
            Some(stored) => {
                fields.insert(field.name.clone(), stored.into());
            }
            None => missing.push(format!("{place}{}: {name}", field.label)),
        }
    }

    /// The stored spelling of a document's name.
    fn stored_name(&self, doctype: &str, name: &str) -> Option<String> {
        match doctype {
            "DocType" => (self.schemas.contains_key(name) || name == "User").then(|| name.to_owned()),
            "User" => self.access.user(name).map(|_| name.to_owned()),
            doctype => self.db.get(doctype, name).map(|doc| doc.name.clone()),
        }
    }

    /// Everything that is checked after the DocType's own rules.
    pub(super) fn check_values(&self, schema: &DocType, doc: &mut Doc) -> Result<(), Refusal> {
        self.check_mandatory(schema, doc)?;
        let who = format!("{} {}", schema.name, doc.name);
        check_fields(schema, &mut doc.fields, &who, "")?;
        let name = doc.name.clone();
        for (table, child) in schema.tables() {
            let Some(child) = self.schemas.get(child) else { continue };
            for row in doc.rows_mut(table) {
                let who = format!("{} {name}: {} row #{}", schema.name, child.name, row.idx);
                let place = format!("Row #{}:", row.idx);
                check_fields(child, &mut row.fields, &who, &place)?;
            }
        }
        Ok(())
    }

    fn check_mandatory(&self, schema: &DocType, doc: &Doc) -> Result<(), Refusal> {
        let mut fields = Vec::new();
        let mut notices = Vec::new();
        for field in schema.columns().filter(|field| field.required && is_blank(doc.fields.get(&field.name)))
        {
            fields.push(field.name.clone());
            notices.push(Notice::plain(format!("Error: Value missing for {}: {}", schema.name, field.label)));
        }
        for (table, child) in schema.tables() {
            let Some(child) = self.schemas.get(child) else { continue };
            for row in doc.rows(table) {
                for field in
                    child.columns().filter(|field| field.required && is_blank(row.fields.get(&field.name)))
                {
                    fields.push(field.name.clone());
                    notices.push(Notice::plain(format!(
                        "Error: <strong>{}</strong> Row #{}: Value missing for: {}",
                        child.name, row.idx, field.label
                    )));
                }
            }
        }
        if fields.is_empty() {
            Ok(())
        } else {
            Err(Refusal::mandatory(schema.name, &doc.name, &fields, notices))
        }
    }

    /// Refuses a value of a unique field that another document has. Blank values do not count, and become null.
    pub(super) fn check_unique(
        &mut self,
        schema: &DocType,
        doc: &mut Doc,
        stored: Option<&Doc>,
    ) -> Result<(), Refusal> {
        for field in schema.columns().filter(|field| field.unique) {
            if doc.text(&field.name).is_empty() {
                doc.set(&field.name, Value::Null);
                continue;
            }
            let value = doc.text(&field.name);
            // The index makes the second of two writers wait for the first.
            self.db.wait_for_value(schema.name, &field.name, value);
            let holder =
                self.db.table(schema.name).and_then(|table| table.holder(&field.name, &Key::of(value)));
            if holder.is_some_and(|holder| stored.is_none_or(|stored| holder.key != stored.key)) {
                return Err(Refusal::unique(schema.name, &doc.name, &field.name, &field.label, value));
            }
        }
        Ok(())
    }
}

/// Formats, options, lengths and HTML of one document or row.
fn check_fields(
    schema: &DocType,
    fields: &mut Map<String, Value>,
    who: &str,
    place: &str,
) -> Result<(), Refusal> {
    for field in schema.columns() {
        match (field.kind, fields.get(&field.name)) {
            (_, Some(Value::Array(_) | Value::Object(_))) => {
                return Err(Refusal::validation(format!("Value for {} cannot be a list", field.label)));
            }
            (Kind::Email | Kind::Phone, Some(Value::Number(_) | Value::Bool(_))) => {
                return Err(Refusal::crash("", "AttributeError", "'int' object has no attribute 'strip'"));
            }
            (Kind::Email, Some(Value::String(value))) if !value.is_empty() => {
                if let Some(bad) = text::first_bad_email(value) {
                    let message = format!("{bad} is not a valid Email Address");
                    return Err(Refusal::invalid("InvalidEmailAddressError", message));
                }
            }
            (Kind::Phone, Some(Value::String(value))) if !value.is_empty() && !text::is_phone(value) => {
                let message = format!("{} is not a valid Phone Number", text::trim(value));
                return Err(Refusal::invalid("InvalidPhoneNumberError", message));
            }
            _ => {}
        }
    }
    for field in schema.columns() {
        let Kind::Select(options) = field.kind else { continue };
        let Some(Value::String(value)) = fields.get(&field.name) else { continue };
        if !value.is_empty() && !options.contains(&value.as_str()) {
            let options = options.iter().map(|option| format!("\"{option}\"")).collect::<Vec<_>>().join(", ");
            let message =
                format!("{place} {} cannot be \"{value}\". It should be one of {options}", field.label);
            return Err(Refusal::validation(message));
        }
    }
    for field in schema.columns().filter(|field| field.kind == Kind::Choice) {
        let Some(Value::String(value)) = fields.get(&field.name) else { continue };
        if !value.is_empty() && !field.options.lines().any(|option| option == value) {
            let options =
                field.options.lines().map(|option| format!("\"{option}\"")).collect::<Vec<_>>().join(", ");
            let message =
                format!("{place} {} cannot be \"{value}\". It should be one of {options}", field.label);
            return Err(Refusal::validation(message));
        }
    }
    for field in schema.columns().filter(|field| field.kind == Kind::Date) {
        match fields.get(&field.name) {
            Some(Value::String(value)) if value.is_empty() => {
                fields.insert(field.name.clone(), Value::Null);
            }
            Some(Value::String(value)) if value.parse::<jiff::civil::Date>().is_err() => {
                let message = format!("Incorrect date value: '{value}' for column '{}'", field.name);
                return Err(Refusal::invalid("DataError", message));
            }
            _ => {}
        }
    }
    for field in schema.columns().filter(|field| field.kind.is_bounded()) {
        let Some(Value::String(value)) = fields.get(&field.name) else { continue };
        if value.len() > field.limit && value.chars().count() > field.limit {
            return Err(Refusal::too_long(who, &field.label, value));
        }
    }
    for field in schema.columns() {
        let Some(Value::String(value)) = fields.get_mut(&field.name) else { continue };
        let is_html = matches!(field.kind, Kind::Data | Kind::Text);
        if let Some(clean) = is_html.then(|| text::sanitized(value)).flatten() {
            *value = clean;
        }
    }
    Ok(())
}

fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        // API: has_content in frappe/model/base_document.py.
        Some(Value::String(text)) => text::trim(&text::without_tags(text)).is_empty(),
        Some(_) => false,
    }
}
