//! What a site should have so that it can be synced with the least rights and without doubles: a role, and a field.
//!
//! Only a System Manager may make any of it, so the client of another key than the daemon's does this, once. What is there is left
//! as it is.
//!
//! Law: nothing is taken away, neither a right nor a role nor a field; and a rule is never inserted by itself.
//
// API: a first Custom DocPerm of a DocType replaces all its standard rules; the permission manager copies these before it adds one
// (`setup_custom_perms` in frappe/permissions.py).

use std::fmt;

use http::Method;
use serde_json::{Value, json};

use super::client::SiteClient;
use super::document::Stamp;
use super::error::{Call, DafaterError};
use super::query::ListQuery;
use super::rights::Right;

/// The role with the least rights that the daemon needs.
pub const ROLE: &str = "Contacts Sync";

/// The field of Contact that makes a create safe to repeat: hidden, and unique over the site.
///
/// It is sent with every create. A site without it drops it without a word; a site that has it refuses the second contact of one
/// pair, whatever became of the answer to the first.
pub const KEY_FIELD: &str = "custom_dafater_contactsd_key";

/// The administrator who has every right without any role.
const ADMINISTRATOR: &str = "Administrator";

/// Something that a site needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Provision {
    /// The role.
    Role,
    /// That the role has a right.
    Rule(Right),
    /// That the daemon's user has the role.
    Member {
        /// The user.
        user: String,
    },
    /// The hidden unique field.
    KeyField,
}

impl fmt::Display for Provision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Role => write!(f, "the role \"{ROLE}\""),
            Self::Rule(right) => write!(f, "the right of \"{ROLE}\" to {right}"),
            Self::Member { user } => write!(f, "the role \"{ROLE}\" for the user {user}"),
            Self::KeyField => write!(f, "the hidden, unique field {KEY_FIELD} of Contact"),
        }
    }
}

impl SiteClient {
    /// What the site needs for the daemon's `user`, in the order in which it can be made, and whether it is there.
    ///
    /// # Errors
    /// The site did not answer, or this client's user is no System Manager.
    pub async fn provisions(&self, user: &str) -> Result<Vec<(Provision, bool)>, DafaterError> {
        let call = Call::read("tell how it is set up");
        let has = |rows: &[Value]| !rows.is_empty();
        let role = self.list(call, &ListQuery::of("Role", &["name"]).filter("name", "=", ROLE)).await?;
        let columns = ["parent", "permlevel", "if_owner", "read", "write", "create", "delete"];
        let rules =
            self.list(call, &ListQuery::of("Custom DocPerm", &columns).filter("role", "=", ROLE)).await?;
        let is_set = |row: &Value, column: &str| row.get(column).and_then(Value::as_i64) == Some(1);
        let may = |right: Right| {
            rules.iter().any(|row| {
                row.get("parent").and_then(Value::as_str) == Some(right.doctype())
                    && row.get("permlevel").and_then(Value::as_i64).unwrap_or(0) == 0
                    && !is_set(row, "if_owner")
                    && is_set(row, right.kind())
            })
        };
        let field = ListQuery::of("Custom Field", &["name", "unique"]).filter("dt", "=", "Contact").filter(
            "fieldname",
            "=",
            KEY_FIELD,
        );
        let field = self.list(call, &field).await?;
        let is_member = user == ADMINISTRATOR || self.has_role(user).await?;
        let mut provisions = vec![(Provision::Role, has(&role))];
        provisions.extend(Right::ALL.into_iter().map(|right| (Provision::Rule(right), may(right))));
        provisions.push((Provision::Member { user: user.to_owned() }, is_member));
        provisions.push((Provision::KeyField, has(&field)));
        Ok(provisions)
    }

    async fn has_role(&self, user: &str) -> Result<bool, DafaterError> {
        let call = Call::read("tell the roles of a user");
        let mut query = ListQuery::of("Has Role", &["role"]).filter("parent", "=", user);
        query = query.filter("parenttype", "=", "User");
        query.parent = Some("User");
        let rows = self.list(call, &query).await?;
        Ok(rows.iter().any(|row| row.get("role").and_then(Value::as_str) == Some(ROLE)))
    }

    /// Makes one of them.
    ///
    /// # Errors
    /// The site refused, or the role did not stay with the user.
    pub async fn provide(&self, provision: &Provision) -> Result<(), DafaterError> {
        match provision {
            Provision::Role => {
                // API: whoever has only this role is no desk user, and calls everything that the daemon calls all the same.
                let role = json!({"role_name": ROLE, "desk_access": 0});
                let call = Call::create("create a role");
                self.request(call, Method::POST, "/api/resource/Role", Some(&role)).await.map(drop)
            }
            Provision::Rule(right) => {
                let call = Call::create("give a right to a role");
                let rule = json!({"parent": right.doctype(), "role": ROLE, "permlevel": 0});
                self.post_method(call, &manager("add"), &rule).await?;
                let change = json!({"doctype": right.doctype(), "role": ROLE, "permlevel": 0, "ptype": right.kind(), "value": "1"});
                self.post_method(call, &manager("update"), &change).await.map(drop)
            }
            Provision::Member { user } => {
                let call = Call::create("give a role to a user");
                let row = json!({"doctype": "Has Role", "parent": user, "parenttype": "User", "parentfield": "roles", "role": ROLE});
                let reply = self.post_method(call, "frappe.client.insert", &json!({ "doc": row })).await?;
                // API: a role profile replaces the roles of its users at each save.
                if self.has_role(user).await? {
                    Ok(())
                } else {
                    Err(reply.misunderstood(
                        call,
                        "the user does not keep the role: take it into the user's role profile",
                    ))
                }
            }
            Provision::KeyField => {
                let call = Call::create("create a custom field");
                let field = json!({
                    "dt": "Contact", "fieldname": KEY_FIELD, "label": "Contacts Sync Key", "fieldtype": "Data", "unique": 1,
                    "hidden": 1, "no_copy": 1, "read_only": 1, "print_hide": 1, "insert_after": "google_contacts_id",
                });
                self.request(call, Method::POST, "/api/resource/Custom%20Field", Some(&field)).await.map(drop)
            }
        }
    }

    /// Whether contacts have the field that makes creates safe.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn has_key_field(&self) -> Result<bool, DafaterError> {
        let call = Call::read("tell the fields of contacts");
        match self.list(call, &ListQuery::of("Contact", &["name", KEY_FIELD]).limit(1)).await {
            Ok(_) => Ok(true),
            // API: a column that is not there is 417 DataError.
            Err(DafaterError::Protocol { status: 417, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The contact that was created with this key, under whatever name it has now.
    ///
    /// # Errors
    /// The site did not answer, or has no such field.
    pub async fn find_by_key(&self, key: &str) -> Result<Option<Stamp>, DafaterError> {
        let call = Call::read("look for a contact by its key");
        let columns: Vec<&str> = Stamp::FIELDS.into_iter().chain([KEY_FIELD]).collect();
        let rows = self.list(call, &ListQuery::of("Contact", &columns).filter(KEY_FIELD, "=", key)).await?;
        let found = rows.iter().find(|row| row.get(KEY_FIELD).and_then(Value::as_str) == Some(key));
        found.map(Stamp::read).transpose().map_err(|_| DafaterError::Protocol {
            call,
            status: 200,
            what: "the contact cannot be read",
        })
    }
}

fn manager(function: &str) -> String {
    format!("frappe.core.page.permission_manager.permission_manager.{function}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dafater::testing::{Script, data, message, refusal};

    #[tokio::test]
    async fn what_is_there_is_told_from_what_is_missing() {
        let rule = json!({"parent": "Contact", "permlevel": 0, "if_owner": 0, "read": 1, "write": 0, "create": 1, "delete": 0});
        let own = json!({"parent": "Deleted Document", "permlevel": 0, "if_owner": 1, "read": 1});
        let (site, script) = Script::site([
            message(json!([{"name": ROLE}])),
            message(json!([rule, own])),
            message(json!([])),
            message(json!([{"role": "Sales User"}])),
        ]);
        let provisions = site.provisions("sync@erp.example").await.unwrap();
        let there: Vec<String> =
            provisions.iter().filter(|(_, is_there)| *is_there).map(|(what, _)| what.to_string()).collect();
        assert_eq!(
            there,
            [
                "the role \"Contacts Sync\"",
                "the right of \"Contacts Sync\" to read Contact",
                "the right of \"Contacts Sync\" to create Contact",
            ]
        );
        assert_eq!(provisions.len(), 10);
        assert_eq!(script.body(3)["parent"], "User");
    }

    #[tokio::test]
    async fn a_right_is_added_by_the_permission_manager_which_keeps_the_standard_rules() {
        let (site, script) = Script::site([data(json!({})), data(json!({}))]);
        site.provide(&Provision::Rule(Right::DeleteContacts)).await.unwrap();
        assert!(
            script.lines().iter().all(|line| line.contains("permission_manager")),
            "{:?}",
            script.lines()
        );
        assert_eq!(script.body(1)["ptype"], "delete");
    }

    #[tokio::test]
    async fn a_role_that_does_not_stay_is_no_success() {
        let (site, _) = Script::site([message(json!({"name": "u"})), message(json!([]))]);
        let error = site.provide(&Provision::Member { user: "u".to_owned() }).await.unwrap_err();
        assert!(error.to_string().contains("role profile"), "{error}");
    }

    #[tokio::test]
    async fn a_site_without_the_field_says_so_in_its_own_way() {
        let (site, _) = Script::site([
            refusal(417, "DataError", "Field not permitted in query: custom_dafater_contactsd_key"),
            message(json!([])),
        ]);
        assert!(!site.has_key_field().await.unwrap());
        assert!(site.has_key_field().await.unwrap());
    }
}
