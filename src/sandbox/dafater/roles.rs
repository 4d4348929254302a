//! Roles as a System Manager hands them out: documents of the DocType Role, the permission manager, and the roles of a user.
//!
//! Law: a rule that is added grants reading and nothing else; adding it twice says so and changes nothing; only a System Manager may.

use serde_json::{Map, Value, json};

use super::Site;
use super::access::Rights;
use super::document::is_checked;
use super::exchange::Call;
use super::refusal::{Notice, Refusal};

impl Site {
    fn managers_only(&self) -> Result<(), Refusal> {
        if self.access.is_system_manager(&self.session.user) { Ok(()) } else { Err(Refusal::forbidden()) }
    }

    /// `frappe.core.page.permission_manager.permission_manager.add`.
    // API: `add_permission` in frappe/permissions.py. The standard rules that it copies first hold here anyway.
    pub(super) fn add_rule(&mut self, call: &Call) -> Result<Value, Refusal> {
        self.managers_only()?;
        let argument = |key: &str| call.text(key).unwrap_or_default().to_owned();
        let (doctype, role) = (argument("parent"), argument("role"));
        self.known_rule(&doctype, &role)?;
        if self.rule(&doctype, &role).is_some() {
            let notice =
                "Rule for this doctype, role, permlevel and if-owner combination already exists.".to_owned();
            self.notices.push(Notice::plain(notice).alerting());
            return Ok(Value::Null);
        }
        self.access.grant(&role, &doctype, Rights::READ);
        self.note(
            "Custom DocPerm",
            [
                ("parent", doctype.into()),
                ("role", role.into()),
                ("permlevel", 0.into()),
                ("if_owner", 0.into()),
                ("read", 1.into()),
                ("write", 0.into()),
                ("create", 0.into()),
                ("delete", 0.into()),
                ("export", 1.into()),
            ],
        );
        Ok(Value::Null)
    }

    /// `frappe.core.page.permission_manager.permission_manager.update`.
    // API: `update_permission_property` in frappe/permissions.py: without a rule nothing happens.
    pub(super) fn change_rule(&mut self, call: &Call) -> Result<Value, Refusal> {
        self.managers_only()?;
        let argument = |key: &str| call.text(key).unwrap_or_default().to_owned();
        let (doctype, role, kind) = (argument("doctype"), argument("role"), argument("ptype"));
        self.known_rule(&doctype, &role)?;
        let is_granted = call.form.get("value").is_some_and(is_checked);
        let Some(name) = self.rule(&doctype, &role) else { return Ok(Value::Null) };
        let mut rights = self.access.granted(&role, &doctype);
        match kind.as_str() {
            "read" => rights.read = is_granted,
            "write" => rights.write = is_granted,
            "create" => rights.create = is_granted,
            "delete" => rights.delete = is_granted,
            other => return Err(Refusal::validation(format!("This stand-in knows no right to {other}"))),
        }
        self.access.grant(&role, &doctype, rights);
        let change = Map::from_iter([(kind, Value::from(i64::from(is_granted)))]);
        self.update_doc("Custom DocPerm", &name, change)?;
        Ok(Value::Null)
    }

    fn known_rule(&self, doctype: &str, role: &str) -> Result<(), Refusal> {
        if doctype != "System Settings" {
            self.schema(doctype)?;
        }
        match self.db.get("Role", role) {
            Some(_) => Ok(()),
            None => Err(Refusal::invalid("LinkValidationError", format!("Could not find Role: {role}"))),
        }
    }

    fn rule(&self, doctype: &str, role: &str) -> Option<String> {
        let table = self.db.table("Custom DocPerm")?;
        let is_it = |doc: &&std::sync::Arc<super::document::Doc>| {
            doc.text("parent") == doctype && doc.text("role") == role
        };
        table.by_name().find(is_it).map(|doc| doc.name.clone())
    }

    /// A row of the table `roles` of a user, inserted as a document. The answer is the user.
    // API: `insert_doc` in frappe/client.py appends to the parent; a role that the user has already is dropped again.
    pub(super) fn give_role(&mut self, row: &Map<String, Value>) -> Result<Value, Refusal> {
        self.managers_only()?;
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (user, role) = (text("parent"), text("role"));
        if self.db.get("Role", &role).is_none() && !self.access.knows_role(&role) {
            return Err(Refusal::invalid(
                "LinkValidationError",
                format!("Could not find Row #1: Role: {role}"),
            ));
        }
        let Some(known) = self.access.user_mut(&user) else { return Err(Refusal::missing("User", &user)) };
        known.roles.insert(role);
        let rows: Vec<Value> = known
            .roles
            .iter()
            .map(|role| json!({"doctype": "Has Role", "role": role, "parent": user}))
            .collect();
        Ok(
            json!({"doctype": "User", "name": user, "email": user, "enabled": 1, "role_profile_name": null, "roles": rows}),
        )
    }

    /// The rows of the roles of users, as a list of the DocType Has Role shows them to a System Manager.
    pub(super) fn roles_of(&self, call: &Call) -> Result<Value, Refusal> {
        self.managers_only()?;
        let user =
            call.form.get("filters").and_then(Value::as_array).into_iter().flatten().find_map(|filter| {
                match filter.as_array().map(Vec::as_slice) {
                    Some([Value::String(field), Value::String(equal), Value::String(user)])
                        if field == "parent" && equal == "=" =>
                    {
                        Some(user.as_str())
                    }
                    _ => None,
                }
            });
        let known = user.and_then(|user| self.access.user(user));
        Ok(known.into_iter().flat_map(|user| &user.roles).map(|role| json!({ "role": role })).collect())
    }
}
