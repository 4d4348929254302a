//! Renames, merges and restores.
//!
//! Law: a rename moves neither `modified` nor `creation`, of nothing: not of the document, nor of those that link to it. Its only trace
//! is a Comment. A merge loses the source's rows.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Site;
use super::access::Action;
use super::document::Doc;
use super::incoming;
use super::ledger::WriteKind;
use super::refusal::{Notice, Refusal};
use super::schema::Kind;
use super::text;

impl Site {
    /// Gives a document another name, or merges it into the document that has that name. Returns the name.
    // API: rename_doc in frappe/model/rename_doc.py.
    pub(super) fn rename_doc(
        &mut self,
        doctype: &str,
        old: &str,
        new: &str,
        merge: bool,
    ) -> Result<String, Refusal> {
        let schema = self.schema(doctype)?;
        self.db.wait_for_all();
        let source = self.db.get(doctype, old).cloned().ok_or_else(|| Refusal::missing(doctype, old))?;
        self.permit(Action::Write, &schema, Some(&source))?;
        let new = text::trim(new).to_owned();
        let taken = self.db.get(doctype, &new).filter(|doc| doc.key != source.key).cloned();
        match (taken, merge) {
            (Some(_), false) => {
                return Err(Refusal::validation(format!(
                    "Another {doctype} with name {new} exists, select another name"
                )));
            }
            (None, true) => {
                return Err(Refusal::validation(format!(
                    "{doctype} {new} does not exist, select a new target to merge"
                )));
            }
            (Some(target), true) => {
                let mut kept = Doc::clone(&target);
                kept.modified = self.tick();
                kept.modified_by.clone_from(&self.session.user);
                self.db.put(doctype, Some(target), kept);
                self.bury(&schema, &source);
            }
            (None, false) => {
                let mut renamed = Doc::clone(&source);
                renamed.rename(new.clone());
                self.db.put(doctype, Some(Arc::clone(&source)), renamed);
            }
        }
        self.repoint(doctype, &source.name, &new);
        let bold = |name: &str| format!("<strong>{name}</strong>");
        let change = format!("renamed from {} to {}", bold(&source.name), bold(&new));
        self.note(
            "Comment",
            [
                ("comment_type", "Edit".into()),
                ("reference_doctype", doctype.into()),
                ("reference_name", new.as_str().into()),
                ("comment_email", self.session.user.as_str().into()),
                ("content", change.as_str().into()),
            ],
        );
        self.notices.push(Notice::alert(format!("Document {change}")));
        self.wrote(doctype, WriteKind::Renamed);
        Ok(new)
    }

    /// Restores a Deleted Document: a new document of the old content.
    // API: restore in frappe/core/doctype/deleted_document/deleted_document.py.
    pub(super) fn restore_doc(&mut self, deleted: &str) -> Result<String, Refusal> {
        let grave = self.load("Deleted Document", deleted)?;
        let schema = self.schema("Deleted Document")?;
        self.permit(Action::Write, &schema, Some(&grave))?;
        let data: Map<String, Value> =
            serde_json::from_str(grave.text("data")).map_err(|_| Refusal::bad_json(grave.text("data")))?;
        let doctype = grave.text("deleted_doctype").to_owned();
        let restored = self.insert_doc(&doctype, data)?;
        let mut marked = Doc::clone(&grave);
        marked.set("restored", 1);
        marked.set("new_name", restored.name.as_str());
        self.db.put("Deleted Document", Some(Arc::clone(&grave)), marked);
        let content = format!("restored {} as {}", grave.text("deleted_name"), restored.name);
        self.note(
            "Comment",
            [
                ("comment_type", "Edit".into()),
                ("reference_doctype", doctype.as_str().into()),
                ("reference_name", restored.name.as_str().into()),
                ("content", content.into()),
            ],
        );
        self.notices.push(Notice::plain("Document Restored"));
        Ok(restored.name)
    }

    /// Writes the new name wherever the old one is referred to.
    fn repoint(&mut self, doctype: &str, old: &str, new: &str) {
        let schemas: Vec<_> = self.schemas.values().cloned().collect();
        for schema in schemas {
            let Some(table) = self.db.table(schema.name) else { continue };
            let links: Vec<&str> = schema
                .columns()
                .filter(|field| matches!(field.kind, Kind::Link(target) if target == doctype))
                .map(|field| field.name.as_str())
                .collect();
            let is_comment = schema.name == "Comment";
            let refers = |doc: &Doc| {
                links.iter().any(|field| doc.text(field) == old)
                    || is_comment
                        && doc.text("reference_name") == old
                        && doc.text("reference_doctype") == doctype
                    || doc
                        .rows("links")
                        .iter()
                        .any(|row| row.text("link_doctype") == doctype && row.text("link_name") == old)
            };
            let affected: Vec<Arc<Doc>> = table.by_name().filter(|doc| refers(doc)).cloned().collect();
            for before in affected {
                let mut doc = Doc::clone(&before);
                for field in &links {
                    if doc.text(field) == old {
                        doc.set(field, new);
                    }
                }
                if is_comment {
                    doc.set("reference_name", new);
                }
                for row in doc.rows_mut("links") {
                    if row.text("link_doctype") == doctype && row.text("link_name") == old {
                        row.fields.insert("link_name".to_owned(), new.into());
                    }
                }
                self.db.put(schema.name, Some(before), doc);
            }
        }
    }

    /// Changes one row of a child table through its parent; `change` gets the parent. Returns the saved parent.
    pub(super) fn change_rows(
        &mut self,
        parent: &str,
        name: &str,
        change: impl FnOnce(&mut Doc),
    ) -> Result<Doc, Refusal> {
        let mut doc = Doc::clone(&*self.load(parent, name)?);
        change(&mut doc);
        self.save_doc(parent, doc, &incoming::Given::default())
    }
}
