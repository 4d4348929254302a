//! Insert, save and delete: what the framework does around a DocType's own rules.
//!
//! Law: each is checked in the site's own order, so that the first of several reasons to refuse is the one that is told.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Site;
use super::access::Action;
use super::address::title_address;
use super::document::{Doc, Form, Row, Standing};
use super::incoming::{self, Given};
use super::ledger::WriteKind;
use super::refusal::Refusal;
use super::schema::{DocType, Kind};
use super::stamp::Stamp;

impl Site {
    /// Makes a document; the answer is the document as it was saved, new rows marked.
    // API: Document.insert in frappe/model/document.py.
    pub(super) fn insert_doc(&mut self, doctype: &str, json: Map<String, Value>) -> Result<Doc, Refusal> {
        let schema = self.schema(doctype)?;
        let user = self.session.user.clone();
        let mut doc = Doc::blank(&schema, &user);
        let stamp = self.tick();
        doc.creation = stamp;
        doc.modified = stamp;
        let prompted = json.get("__newname").and_then(Value::as_str).unwrap_or_default().to_owned();
        incoming::fill(&mut doc, &schema, &self.schemas, json)?;
        for row in doc.tables.values_mut().flatten() {
            row.name.clear();
            row.standing = Standing::New;
            row.owner.clone_from(&user);
            (row.creation, row.modified) = (stamp, stamp);
        }
        self.check_links(&schema, &mut doc)?;
        self.permit(Action::Create, &schema, None)?;
        title_address(&schema, &mut doc);
        doc.rename(self.new_name(&schema, &doc, &prompted)?);
        self.before_save(&schema, &mut doc)?;
        self.check_values(&schema, &mut doc)?;
        self.check_unique(&schema, &mut doc, None)?;
        if doc.name.chars().count() > 140 {
            let message = "(1406, \"Data too long for column 'name' at row 1\")";
            return Err(Refusal::crash("pymysql.err", "DataError", message));
        }
        self.db.wait_for(doctype, &doc.name);
        if self.db.get(doctype, &doc.name).is_some() {
            return Err(Refusal::duplicate(doctype, &doc.name));
        }
        let mut stored = doc.clone();
        name_rows(self, &mut doc);
        for (table, rows) in &doc.tables {
            stored.tables.insert(table.clone(), rows.clone());
        }
        self.put(&schema, None, stored);
        if schema.name == "Contact" {
            Self::push_to_google(&doc, true)?;
        }
        self.after_insert(&schema, &doc)?;
        self.wrote(doctype, WriteKind::Created);
        Ok(doc)
    }

    /// Saves `doc`, which was loaded and changed; `given` is what the client sent of the columns it should not send.
    // API: Document._save in frappe/model/document.py.
    pub(super) fn save_doc(&mut self, doctype: &str, mut doc: Doc, given: &Given) -> Result<Doc, Refusal> {
        let schema = self.schema(doctype)?;
        let loaded = doc.name.clone();
        self.permit(Action::Write, &schema, Some(&doc))?;
        let target = match &given.name {
            Some(Value::String(name)) => name.clone(),
            Some(Value::Number(name)) => name.to_string(),
            _ => loaded.clone(),
        };
        self.db.wait_for(doctype, &target);
        let stored =
            self.db.get(doctype, &target).cloned().ok_or_else(|| Refusal::missing(doctype, &target))?;
        let stamp = self.tick();
        let lock = match &given.modified {
            None => Some(doc.modified.printed()),
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => None,
        };
        let current = stored.modified.printed();
        if lock.as_ref() != Some(&current) {
            return Err(Refusal::stale(&current, &stamp.echoed()));
        }
        check_constants(&doc, &stored, given)?;
        doc.owner.clone_from(&stored.owner);
        doc.creation = stored.creation;
        doc.rename(stored.name.clone());
        doc.modified = stamp;
        doc.modified_by.clone_from(&self.session.user);
        for row in doc.tables.values_mut().flatten() {
            row.modified = stamp;
            row.modified_by.clone_from(&self.session.user);
        }
        self.check_links(&schema, &mut doc)?;
        self.before_save(&schema, &mut doc)?;
        self.check_values(&schema, &mut doc)?;
        self.check_unique(&schema, &mut doc, Some(&stored))?;
        name_rows(self, &mut doc);
        self.persist(&schema, &stored, &loaded, &doc);
        if schema.name == "Contact" {
            Self::push_to_google(&doc, false)?;
        }
        self.wrote(doctype, WriteKind::Updated);
        Ok(doc)
    }

    /// Loads a document to change it: waits for its row.
    pub(super) fn load(&mut self, doctype: &str, name: &str) -> Result<Arc<Doc>, Refusal> {
        self.schema(doctype)?;
        self.db.wait_for(doctype, name);
        self.db.get(doctype, name).cloned().ok_or_else(|| Refusal::missing(doctype, name))
    }

    /// A partial update: `json` over the stored document.
    pub(super) fn update_doc(
        &mut self,
        doctype: &str,
        name: &str,
        json: Map<String, Value>,
    ) -> Result<Doc, Refusal> {
        let schema = self.schema(doctype)?;
        let mut doc = Doc::clone(&*self.load(doctype, name)?);
        let given = incoming::fill(&mut doc, &schema, &self.schemas, json)?;
        self.save_doc(doctype, doc, &given)
    }

    /// Deletes a document and keeps it as a Deleted Document.
    // API: delete_doc in frappe/model/delete_doc.py.
    pub(super) fn delete_doc(&mut self, doctype: &str, name: &str) -> Result<(), Refusal> {
        let schema = self.schema(doctype)?;
        self.db.wait_for(doctype, name);
        let doc = self.db.get(doctype, name).cloned().ok_or_else(Refusal::nothing_here)?;
        if let Some(reason) = self.denial(Action::Delete, &schema, Some(&doc)) {
            return Err(Refusal::delete_forbidden(reason, doctype, &doc.name));
        }
        if let Some(blocker) = self.blocker(doctype, &doc.name) {
            let link = |doctype: &str, name: &str| {
                format!("{doctype} <a href=\"/app/Form/{doctype}/{name}\">{name}</a>")
            };
            let place = if blocker.row == 0 { String::new() } else { format!("at Row: {}", blocker.row) };
            let message = format!(
                "Cannot delete or cancel because {} is linked with {} {place}",
                link(doctype, &doc.name),
                link(&blocker.doctype, &blocker.name)
            );
            return Err(Refusal::invalid("LinkExistsError", message));
        }
        self.bury(&schema, &doc);
        self.wrote(doctype, WriteKind::Deleted);
        Ok(())
    }

    /// Takes a document out of its table into a Deleted Document, without questions.
    pub(super) fn bury(&mut self, schema: &DocType, doc: &Arc<Doc>) {
        self.db.remove(schema.name, doc);
        if schema.name != "Deleted Document" {
            let data = pretty(&Value::Object(doc.to_json(schema, Form { nulls: true, echo: false })));
            self.note(
                "Deleted Document",
                [
                    ("deleted_name", Value::from(doc.name.as_str())),
                    ("deleted_doctype", schema.name.into()),
                    ("restored", 0.into()),
                    ("data", data.into()),
                ],
            );
            self.note(
                "Comment",
                [("comment_type", "Deleted".into()), ("reference_doctype", schema.name.into())],
            );
        }
    }

    /// Writes a document that the site makes by itself.
    pub(super) fn note<const N: usize>(&mut self, doctype: &str, values: [(&str, Value); N]) {
        let Some(schema) = self.schemas.get(doctype).cloned() else { return };
        let mut doc = Doc::blank(&schema, &self.session.user);
        let stamp = self.tick();
        (doc.creation, doc.modified) = (stamp, stamp);
        doc.rename(self.random_name());
        for (field, value) in values {
            doc.set(field, value);
        }
        self.db.put(doctype, None, doc);
    }

    fn before_save(&mut self, schema: &DocType, doc: &mut Doc) -> Result<(), Refusal> {
        match schema.name {
            "Contact" => self.validate_contact(doc),
            "Address" => {
                self.validate_address(doc);
                Ok(())
            }
            "Google Contacts" if !self.google.enable => {
                Err(Refusal::validation("Enable Google API in Google Settings."))
            }
            "Custom Field" => self.check_custom_field(doc),
            _ => Ok(()),
        }
    }

    fn after_insert(&mut self, schema: &DocType, doc: &Doc) -> Result<(), Refusal> {
        if schema.name == "Custom Field" { self.add_custom_field_of(doc) } else { Ok(()) }
    }

    /// Stores `doc` over `stored`. Rows that are new are inserted; a row that already has a name is updated wherever it is, taken from
    /// whichever document has it, and lost when nobody does.
    fn persist(&mut self, schema: &DocType, stored: &Arc<Doc>, loaded: &str, doc: &Doc) {
        let mut after = doc.clone();
        for (table, _) in schema.tables() {
            let mut rows: Vec<Row> = Vec::new();
            for row in doc.rows(table) {
                let is_here = stored.rows(table).iter().any(|old| old.name == row.name);
                if row.standing != Standing::Kept
                    || is_here
                    || self.take_row(schema, table, &row.name, loaded, &stored.name)
                {
                    rows.retain(|earlier| earlier.name != row.name);
                    rows.push(row.clone());
                }
            }
            rows.sort_by_key(|row| row.idx);
            after.tables.insert(table.to_owned(), rows);
        }
        self.put(schema, Some(Arc::clone(stored)), after);
    }

    /// Takes a row out of another document, whose `modified` does not move. Returns whether anybody had it.
    fn take_row(&mut self, schema: &DocType, table: &str, row: &str, loaded: &str, target: &str) -> bool {
        let has = |doc: &Doc| doc.name != target && doc.rows(table).iter().any(|other| other.name == row);
        let near = self.db.get(schema.name, loaded).filter(|doc| has(doc)).cloned();
        let owner = near.or_else(|| {
            self.db.table(schema.name).and_then(|docs| docs.by_name().find(|doc| has(doc)).cloned())
        });
        let Some(owner) = owner else { return false };
        let mut poorer = Doc::clone(&owner);
        poorer.rows_mut(table).retain(|other| other.name != row);
        self.db.put(schema.name, Some(owner), poorer);
        true
    }

    pub(super) fn put(&mut self, schema: &DocType, before: Option<Arc<Doc>>, mut doc: Doc) {
        incoming::store_form(&mut doc.fields, schema);
        for (table, child) in schema.tables() {
            let Some(child) = self.schemas.get(child).cloned() else { continue };
            for row in doc.rows_mut(table) {
                row.standing = Standing::Kept;
                incoming::store_form(&mut row.fields, &child);
            }
        }
        self.db.put(schema.name, before, doc);
    }

    /// The first document that refers to this one.
    fn blocker(&self, doctype: &str, name: &str) -> Option<Blocker> {
        for schema in self.schemas.values() {
            if matches!(schema.name, "Comment" | "Deleted Document" | "Custom Field") {
                continue;
            }
            let Some(table) = self.db.table(schema.name) else { continue };
            let links: Vec<&str> = schema
                .columns()
                .filter(|field| matches!(field.kind, Kind::Link(target) if target == doctype))
                .map(|field| field.name.as_str())
                .collect();
            let has_rows = matches!(schema.name, "Contact" | "Address");
            if links.is_empty() && !has_rows {
                continue;
            }
            for doc in table.by_name() {
                if links.iter().any(|field| doc.text(field) == name) {
                    return Some(Blocker { doctype: schema.name.to_owned(), name: doc.name.clone(), row: 0 });
                }
                let row = doc
                    .rows("links")
                    .iter()
                    .find(|row| row.text("link_doctype") == doctype && row.text("link_name") == name);
                if let Some(row) = row {
                    return Some(Blocker {
                        doctype: schema.name.to_owned(),
                        name: doc.name.clone(),
                        row: row.idx,
                    });
                }
            }
        }
        None
    }
}

struct Blocker {
    doctype: String,
    name: String,
    row: i64,
}

fn check_constants(doc: &Doc, stored: &Doc, given: &Given) -> Result<(), Refusal> {
    let creation = match &given.creation {
        None => Some(doc.creation),
        Some(value) => value.as_str().and_then(Stamp::parse),
    };
    let owner = match &given.owner {
        None => stored.owner.as_str(),
        Some(value) => value.as_str().unwrap_or_default(),
    };
    let changed = if creation != Some(stored.creation) {
        "Created On"
    } else if owner != stored.owner {
        "Created By"
    } else {
        return Ok(());
    };
    let message = format!("Value cannot be changed for <strong>{changed}</strong>");
    Err(Refusal::invalid("CannotChangeConstantError", message))
}

/// Names new rows. Those that the document's own rules made have a name already.
fn name_rows(site: &mut Site, doc: &mut Doc) {
    for row in doc.tables.values_mut().flatten().filter(|row| row.name.is_empty()) {
        row.name = site.random_name();
    }
}

/// `json.dumps(…, indent=1, sort_keys=True)`.
fn pretty(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b" ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    match serde::Serialize::serialize(value, &mut serializer) {
        Ok(()) => String::from_utf8(bytes).unwrap_or_default(),
        Err(_) => value.to_string(),
    }
}
