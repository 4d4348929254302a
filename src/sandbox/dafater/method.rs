//! `/api/method/…`: the methods of `frappe.client` and a few others.

use http::Method;
use serde_json::{Map, Value, json};

use super::Site;
use super::access::{Action, GUEST, Reach};
use super::document::{Doc, Form};
use super::exchange::Call;
use super::google;
use super::incoming;
use super::query::{self, ListArguments};
use super::refusal::Refusal;

/// The form of `frappe.client`: nulls are shown.
const STORED: Form = Form { nulls: true, echo: false };
const SAVED: Form = Form { nulls: true, echo: true };

/// Most documents of one `insert_many`.
const BULK_LIMIT: usize = 200;

impl Site {
    pub(super) fn method(&mut self, call: &Call, method: &str) -> Result<Value, Refusal> {
        match method {
            "ping" | "frappe.ping" => return Ok("pong".into()),
            "frappe.client.get_time_zone" => {
                return Ok(json!({"time_zone": self.access.time_zone(&self.session.user)}));
            }
            LOGGED_USER | VERSIONS if self.session.user == GUEST => {
                return Err(Refusal::not_whitelisted(method));
            }
            LOGGED_USER => return Ok(self.session.user.as_str().into()),
            VERSIONS => return Ok(versions()),
            _ => {}
        }
        let (handler, posts) = find(method)?;
        if self.session.user == GUEST {
            return Err(Refusal::not_whitelisted(method));
        }
        if posts && !matches!(call.method, Method::POST | Method::PUT) {
            return Err(Refusal::not_permitted("Not permitted"));
        }
        handler(self, call)
    }

    fn get_list(&mut self, call: &Call) -> Result<Value, Refusal> {
        let doctype = required(call, "doctype")?;
        if doctype == "Has Role" {
            return self.roles_of(call);
        }
        self.list(&ListArguments::parse(doctype, &call.form)?)
    }

    fn get_count(&mut self, call: &Call) -> Result<Value, Refusal> {
        let doctype = required(call, "doctype")?;
        Ok(query::count(self, &ListArguments::parse(doctype, &call.form)?)?.into())
    }

    fn get(&mut self, call: &Call) -> Result<Value, Refusal> {
        let doctype = required(call, "doctype")?;
        if doctype == google::NAME {
            return self.get_google_settings();
        }
        let schema = self.schema(doctype)?;
        let name = match (call.text("name"), call.form.get("filters")) {
            (Some(name), _) => name.to_owned(),
            (None, Some(Value::String(filters))) if !filters.starts_with(['{', '[']) => filters.clone(),
            (None, _) => {
                let found =
                    self.list(&ListArguments::parse(doctype, &only_filters(call, json!(["name"])))?)?;
                let name = found.pointer("/0/name").and_then(Value::as_str);
                name.ok_or_else(|| Refusal::validation("No document found for given filters"))?.to_owned()
            }
        };
        let doc = self.db.get(doctype, &name).cloned().ok_or_else(|| Refusal::missing(doctype, &name))?;
        self.permit(Action::Read, &schema, Some(&doc))?;
        Ok(Value::Object(doc.to_json(&schema, STORED)))
    }

    fn get_value(&mut self, call: &Call) -> Result<Value, Refusal> {
        let doctype = required(call, "doctype")?;
        let fields = match call.form.get("fieldname") {
            Some(Value::String(text)) if text.starts_with('[') => {
                serde_json::from_str(text).map_err(|_| Refusal::bad_json(text))?
            }
            Some(Value::String(text)) => json!([text]),
            Some(fields @ Value::Array(_)) => fields.clone(),
            _ => json!(["name"]),
        };
        if doctype == "System Settings" {
            let settings = self.system_settings()?;
            let names = fields.as_array().into_iter().flatten().filter_map(Value::as_str);
            let pairs = names.map(|name| (name.to_owned(), settings.get(name).cloned().unwrap_or_default()));
            return Ok(Value::Object(pairs.collect()));
        }
        let schema = self.schema(doctype)?;
        if self.access.reach(&self.session.user, schema.name, Action::Read) == Reach::Nothing
            && !schema.is_child
        {
            return Err(Refusal::not_permitted(format!("No permission for {doctype}")));
        }
        let found = self.list(&ListArguments::parse(doctype, &only_filters(call, fields))?)?;
        Ok(found.get(0).cloned().unwrap_or_else(|| json!({})))
    }

    fn get_single_value(&mut self, call: &Call) -> Result<Value, Refusal> {
        let doctype = required(call, "doctype")?;
        let field = required(call, "field")?;
        if doctype != "System Settings" {
            return Err(Refusal::not_permitted(format!("No permission for {doctype}")));
        }
        Ok(self.system_settings()?.get(field).cloned().unwrap_or_default())
    }

    fn has_permission(&mut self, call: &Call) -> Result<Value, Refusal> {
        let doctype = required(call, "doctype")?;
        let action = match call.text("perm_type").unwrap_or("read") {
            "write" => Action::Write,
            "create" => Action::Create,
            "delete" => Action::Delete,
            _ => Action::Read,
        };
        let name = call.text("docname").filter(|name| !name.is_empty());
        if doctype == "System Settings" || name.is_none() {
            if doctype != "System Settings" {
                self.schema(doctype)?;
            }
            // API: `get_role_permissions` in frappe/permissions.py: a right to own documents only counts for reading and creating.
            let is_granted = match self.access.reach(&self.session.user, doctype, action) {
                Reach::All => true,
                Reach::Own => matches!(action, Action::Read | Action::Create),
                Reach::Nothing => false,
            };
            return Ok(json!({ "has_permission": is_granted }));
        }
        let schema = self.schema(doctype)?;
        let doc = name.and_then(|name| self.db.get(schema.name, name)).cloned();
        Ok(json!({"has_permission": self.denial(action, &schema, doc.as_deref()).is_none()}))
    }

    fn insert_one(&mut self, call: &Call) -> Result<Value, Refusal> {
        let json = object(call.form.get("doc"))?;
        let doctype = json.get("doctype").and_then(Value::as_str).unwrap_or_default().to_owned();
        if doctype == "Has Role" {
            return self.give_role(&json);
        }
        let schema = self.schema(&doctype)?;
        if !schema.is_child {
            let doc = self.insert_doc(&doctype, json)?;
            return Ok(Value::Object(doc.to_json(&schema, SAVED)));
        }
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (parent_type, parent, table) = (text("parenttype"), text("parent"), text("parentfield"));
        let parent_schema = self.schema(&parent_type)?;
        let doc = self.change_rows(&parent_type, &parent, |doc| {
            let position = doc.rows(&table).len();
            let row = incoming::row(&schema, json, i64::try_from(position).unwrap_or(i64::MAX - 1) + 1, doc);
            doc.rows_mut(&table).push(row);
        })?;
        Ok(Value::Object(doc.to_json(&parent_schema, SAVED)))
    }

    fn insert_many(&mut self, call: &Call) -> Result<Value, Refusal> {
        let docs = array(call.form.get("docs"))?;
        if docs.len() > BULK_LIMIT {
            return Err(Refusal::validation("Only 200 inserts allowed in one request"));
        }
        let mut names = Vec::new();
        for doc in &docs {
            let json = object(Some(doc))?;
            let doctype = json.get("doctype").and_then(Value::as_str).unwrap_or_default().to_owned();
            names.push(self.insert_doc(&doctype, json)?.name);
        }
        Ok(names.into())
    }

    /// Replaces the whole document: what is not sent is blank.
    fn save(&mut self, call: &Call) -> Result<Value, Refusal> {
        let json = object(call.form.get("doc"))?;
        let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (doctype, name) = (text("doctype"), text("name"));
        let schema = self.schema(&doctype)?;
        let mut doc = Doc::blank(&schema, &self.session.user);
        doc.rename(name.clone());
        let stored = self.load(&doctype, &name)?;
        doc.owner.clone_from(&stored.owner);
        doc.creation = super::Stamp::MIN;
        let mut given = incoming::fill(&mut doc, &schema, &self.schemas, json)?;
        given.modified.get_or_insert(Value::Null);
        let doc = self.save_doc(&doctype, doc, &given)?;
        Ok(Value::Object(doc.to_json(&schema, SAVED)))
    }

    fn set_value(&mut self, call: &Call) -> Result<Value, Refusal> {
        let doctype = required(call, "doctype")?;
        let name = required(call, "name")?;
        let schema = self.schema(doctype)?;
        let values = match (call.form.get("fieldname"), call.form.get("value")) {
            (Some(Value::String(field)), Some(value)) if !value.is_null() => {
                Map::from_iter([(field.clone(), value.clone())])
            }
            (Some(Value::String(text)), _) => match serde_json::from_str(text) {
                Ok(Value::Object(values)) => values,
                _ => Map::from_iter([(text.clone(), "".into())]),
            },
            (fields, _) => object(fields)?,
        };
        let doc = self.update_doc(doctype, name, values)?;
        Ok(Value::Object(doc.to_json(&schema, SAVED)))
    }

    fn delete_one(&mut self, call: &Call) -> Result<Value, Refusal> {
        let (doctype, name) = (required(call, "doctype")?, required(call, "name")?);
        if self.schema(doctype)?.is_child {
            let (parent, table) = self.owner_of(doctype, name).ok_or_else(Refusal::nothing_here)?;
            self.change_rows("Contact", &parent, |doc| doc.rows_mut(&table).retain(|row| row.name != name))?;
        } else {
            self.delete_doc(doctype, name)?;
        }
        Ok(Value::Null)
    }

    fn rename_one(&mut self, call: &Call) -> Result<Value, Refusal> {
        let (old, new) = (required(call, "old_name")?, required(call, "new_name")?);
        let merge = call.form.get("merge").is_some_and(super::document::is_checked);
        Ok(self.rename_doc(required(call, "doctype")?, old, new, merge)?.into())
    }

    fn update_document_title(&mut self, call: &Call) -> Result<Value, Refusal> {
        let merge = call.form.get("merge").is_some_and(super::document::is_checked);
        Ok(self
            .rename_doc(
                required(call, "doctype")?,
                required(call, "docname")?,
                required(call, "name")?,
                merge,
            )?
            .into())
    }

    fn restore_one(&mut self, call: &Call) -> Result<Value, Refusal> {
        self.restore_doc(required(call, "name")?)?;
        Ok(Value::Null)
    }

    /// Not atomic: each document is saved or named among the failed.
    fn bulk_update(&mut self, call: &Call) -> Result<Value, Refusal> {
        let Some(Value::String(text)) = call.form.get("docs") else {
            return Err(Refusal::crash(
                "",
                "TypeError",
                "the JSON object must be str, bytes or bytearray, not list",
            ));
        };
        let docs: Vec<Value> = serde_json::from_str(text).map_err(|_| Refusal::bad_json(text))?;
        let mut failed = Vec::new();
        for doc in docs {
            let mut json = object(Some(&doc))?;
            let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (doctype, name) = (text("doctype"), text("docname"));
            json.remove("docname");
            let (savepoint, written) = (self.db.savepoint(), self.written.len());
            if let Err(refusal) = self.update_doc(&doctype, &name, json) {
                self.db.roll_back(savepoint);
                self.written.truncate(written);
                self.notices.extend_from_slice(refusal.notices());
                failed.push(json!({"doc": doc, "exc": refusal.traceback()}));
            }
        }
        Ok(json!({"failed_docs": failed}))
    }
}

const LOGGED_USER: &str = "frappe.auth.get_logged_user";
const VERSIONS: &str = "frappe.utils.change_log.get_versions";

fn versions() -> Value {
    json!({"frappe": {
        "title": "Frappe Framework",
        "description": "Full stack web framework with Python, Javascript, MariaDB, Redis, Node",
        "branch": "",
        "version": "15.44.2",
    }})
}

type Handler = fn(&mut Site, &Call) -> Result<Value, Refusal>;

/// The handler of a whitelisted method, and whether it must be posted.
fn find(method: &str) -> Result<(Handler, bool), Refusal> {
    let handler: (Handler, bool) = match method {
        "frappe.client.get_list" => (Site::get_list, false),
        "frappe.client.get_count" | "frappe.desk.reportview.get_count" => (Site::get_count, false),
        "frappe.client.get" => (Site::get, false),
        "frappe.client.get_value" => (Site::get_value, false),
        "frappe.client.get_single_value" => (Site::get_single_value, false),
        "frappe.client.get_password" => (Site::get_password, false),
        "frappe.client.has_permission" => (Site::has_permission, false),
        "frappe.client.insert" => (Site::insert_one, true),
        "frappe.client.insert_many" => (Site::insert_many, true),
        "frappe.client.save" => (Site::save, true),
        "frappe.client.set_value" => (Site::set_value, true),
        "frappe.client.attach_file" => (Site::attach_file, true),
        "frappe.client.delete" => (Site::delete_one, true),
        "frappe.client.rename_doc" => (Site::rename_one, true),
        "frappe.client.bulk_update" => (Site::bulk_update, true),
        "frappe.core.page.permission_manager.permission_manager.add" => (Site::add_rule, false),
        "frappe.core.page.permission_manager.permission_manager.update" => (Site::change_rule, false),
        "frappe.model.rename_doc.update_document_title" => (Site::update_document_title, true),
        "frappe.core.doctype.deleted_document.deleted_document.restore" => (Site::restore_one, true),
        // Functions that exist but are not for clients.
        "frappe.client.insert_doc" | "frappe.client.check_parent_permission" | "frappe.utils.data.now" => {
            return Err(Refusal::not_whitelisted(method));
        }
        "frappe.utils.get_system_timezone" => {
            return Err(Refusal::not_whitelisted("frappe.utils.data.get_system_timezone"));
        }
        _ => {
            let (module, name) = method.rsplit_once('.').unwrap_or(("", method));
            return Err(Refusal::validation(format!(
                "Failed to get method for command {method} with module '{module}' has no attribute '{name}'"
            )));
        }
    };
    Ok(handler)
}

fn required<'a>(call: &'a Call, key: &str) -> Result<&'a str, Refusal> {
    call.text(key).ok_or_else(|| {
        Refusal::crash("", "TypeError", format!("missing 1 required positional argument: '{key}'"))
    })
}

/// The call's filters with other fields, first row only. A filter that is a bare text is a name.
fn only_filters(call: &Call, fields: Value) -> Map<String, Value> {
    let filters = match call.form.get("filters") {
        Some(Value::String(text)) if !text.is_empty() && !text.starts_with(['{', '[']) => {
            json!([["name", "=", text]])
        }
        filters => filters.cloned().unwrap_or_default(),
    };
    let mut form = Map::from_iter([
        ("filters".to_owned(), filters),
        ("fields".to_owned(), fields),
        ("limit_page_length".to_owned(), 1.into()),
    ]);
    if let Some(parent) = call.form.get("parent") {
        form.insert("parent".to_owned(), parent.clone());
    }
    form
}

fn object(value: Option<&Value>) -> Result<Map<String, Value>, Refusal> {
    match value {
        Some(Value::Object(map)) => Ok(map.clone()),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| Refusal::bad_json(text)),
        _ => Err(Refusal::crash("", "TypeError", "'NoneType' object is not a document")),
    }
}

fn array(value: Option<&Value>) -> Result<Vec<Value>, Refusal> {
    match value {
        Some(Value::Array(items)) => Ok(items.clone()),
        Some(Value::String(text)) => serde_json::from_str(text).map_err(|_| Refusal::bad_json(text)),
        _ => Err(Refusal::crash("", "TypeError", "'NoneType' object is not iterable")),
    }
}
