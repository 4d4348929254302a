//! `/api/resource/…` and `/api/v2/document/…`.

use http::Method;
use serde_json::{Value, json};

use super::Site;
use super::access::{Action, Reach};
use super::document::{Doc, Form, Row};
use super::exchange::{Call, Reply, Version};
use super::google;
use super::incoming;
use super::query::{self, ListArguments};
use super::refusal::Refusal;

/// The form of version 1 and 2: nulls are left out.
const STORED: Form = Form { nulls: false, echo: false };
const SAVED: Form = Form { nulls: false, echo: true };

impl Site {
    /// Finds the handler of a call.
    pub(super) fn dispatch(&mut self, call: &Call) -> Result<Reply, Refusal> {
        let path: Vec<&str> = call.path.iter().map(String::as_str).collect();
        match (call.version, path.as_slice()) {
            (_, ["method", method]) => self.method(call, method).map(Reply::Message),
            (Version::One, ["resource", doctype]) | (Version::Two, ["document", doctype]) => {
                self.collection(call, doctype)
            }
            (Version::One, ["resource", doctype, name]) | (Version::Two, ["document", doctype, name]) => {
                self.single(call, doctype, name)
            }
            // API: frappe/api/v2.py tells the meta to every user.
            (Version::Two, ["doctype", doctype, "meta"]) if call.method == Method::GET => {
                Ok(Reply::Data(200, self.schema(doctype)?.described()))
            }
            (Version::Two, ["doctype", doctype, "count"]) => {
                let arguments = ListArguments::parse(doctype, &call.form)?;
                Ok(Reply::Data(200, query::count(self, &arguments)?.into()))
            }
            _ => Err(Refusal::nothing_here()),
        }
    }

    fn collection(&mut self, call: &Call, doctype: &str) -> Result<Reply, Refusal> {
        match call.method {
            Method::GET | Method::HEAD => {
                self.schema(doctype)?;
                let arguments = ListArguments::parse(doctype, &call.form)?;
                Ok(Reply::Data(200, self.list(&arguments)?))
            }
            Method::POST => {
                let doc = self.insert_doc(doctype, call.document()?)?;
                self.written_down(doctype, &doc, SAVED)
            }
            _ => Err(Refusal::nothing_here()),
        }
    }

    fn single(&mut self, call: &Call, doctype: &str, name: &str) -> Result<Reply, Refusal> {
        if doctype == "System Settings" && call.method == Method::GET {
            return Ok(Reply::Data(200, self.system_settings()?));
        }
        if doctype == google::NAME {
            return self.google_settings(call);
        }
        let schema = self.schema(doctype)?;
        if schema.is_child {
            return self.child(call, doctype, name);
        }
        match call.method {
            Method::GET | Method::HEAD => {
                let doc =
                    self.db.get(doctype, name).cloned().ok_or_else(|| Refusal::missing(doctype, name))?;
                self.permit(Action::Read, &schema, Some(&doc))?;
                self.written_down(doctype, &doc, STORED)
            }
            Method::PUT | Method::PATCH => {
                let doc = self.update_doc(doctype, name, call.document()?)?;
                self.written_down(doctype, &doc, SAVED)
            }
            Method::DELETE => {
                self.delete_doc(doctype, name)?;
                Ok(Reply::Data(202, "ok".into()))
            }
            _ => Err(Refusal::nothing_here()),
        }
    }

    /// A row of a child table by its own name: read, or changed through its parent, which is saved twice.
    fn child(&mut self, call: &Call, doctype: &str, name: &str) -> Result<Reply, Refusal> {
        let missing = || Refusal::missing(doctype, name);
        let (parent, table) = self.owner_of(doctype, name).ok_or_else(missing)?;
        let schema = self.schema("Contact")?;
        let child = self.schema(doctype)?;
        let shown = |doc: &Doc| {
            let row = doc.rows(&table).iter().find(|row| row.name == name).ok_or_else(missing)?;
            Ok(Reply::Data(200, Value::Object(row.to_json(doc, &schema, &table, doctype, SAVED))))
        };
        match call.method {
            Method::GET => {
                let doc = self.load("Contact", &parent)?;
                self.permit(Action::Read, &schema, Some(&doc))?;
                shown(&doc)
            }
            Method::PUT => {
                let mut change = call.document()?;
                let doc = self.change_rows("Contact", &parent, |doc| {
                    let stored = doc.clone();
                    for row in doc.rows_mut(&table).iter_mut().filter(|row| row.name == name) {
                        let mut fields = row.fields.clone();
                        fields.append(&mut change);
                        fields.insert("name".to_owned(), name.into());
                        let changed = incoming::row(&child, fields, row.idx, &stored);
                        *row = Row { creation: row.creation, idx: row.idx, ..changed };
                    }
                })?;
                self.change_rows("Contact", &parent, |_| {})?;
                shown(&doc)
            }
            Method::DELETE => {
                self.change_rows("Contact", &parent, |doc| {
                    doc.rows_mut(&table).retain(|row| row.name != name);
                })?;
                Ok(Reply::Data(202, "ok".into()))
            }
            _ => Err(Refusal::nothing_here()),
        }
    }

    /// The contact and table field that hold a row.
    pub(super) fn owner_of(&self, child: &str, row: &str) -> Option<(String, String)> {
        let schema = self.schemas.get("Contact")?;
        let (table, _) = schema.tables().find(|(_, name)| *name == child)?;
        let doc = self
            .db
            .table("Contact")?
            .by_name()
            .find(|doc| doc.rows(table).iter().any(|other| other.name == row))?;
        Some((doc.name.clone(), table.to_owned()))
    }

    fn written_down(&self, doctype: &str, doc: &Doc, form: Form) -> Result<Reply, Refusal> {
        Ok(Reply::Data(200, Value::Object(doc.to_json(&*self.schema(doctype)?, form))))
    }

    pub(super) fn system_settings(&self) -> Result<Value, Refusal> {
        if self.access.reach(&self.session.user, "System Settings", Action::Read) != Reach::All {
            return Err(Refusal::not_permitted("No permission for System Settings"));
        }
        Ok(json!({
            "name": "System Settings",
            "doctype": "System Settings",
            "owner": "Administrator",
            "language": "en",
            "country": "Saudi Arabia",
            "setup_complete": 1,
            "time_zone": self.zone_name,
            "allow_error_traceback": i64::from(!self.switches.no_traceback),
        }))
    }
}
