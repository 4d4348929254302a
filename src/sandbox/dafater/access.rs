//! Users, their keys, and what each role may do.
//!
//! Law: a user without a role is not refused but sees nothing; only a named document that may not be seen is a 403.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::document::Doc;
use super::stamp::Stamp;

/// Who nobody is.
pub(super) const GUEST: &str = "Guest";
/// Who may do everything.
pub(super) const ADMINISTRATOR: &str = "Administrator";
/// The time zone of users that never chose one, as Frappe ships it.
const DEFAULT_ZONE: &str = "Asia/Kolkata";

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Read,
    Write,
    Create,
    Delete,
}

/// What a role may do with a DocType.
#[expect(clippy::struct_excessive_bools, reason = "a row of a permission table")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rights {
    /// See documents.
    pub read: bool,
    /// Change documents.
    pub write: bool,
    /// Make documents.
    pub create: bool,
    /// Delete documents.
    pub delete: bool,
}

impl Rights {
    /// Everything.
    pub const ALL: Self = Self { read: true, write: true, create: true, delete: true };
    /// Everything but deleting.
    pub const EDIT: Self = Self { delete: false, ..Self::ALL };
    /// Only looking.
    pub const READ: Self = Self { read: true, write: false, create: false, delete: false };

    fn allow(self, action: Action) -> bool {
        match action {
            Action::Read => self.read,
            Action::Write => self.write,
            Action::Create => self.create,
            Action::Delete => self.delete,
        }
    }
}

/// A user of the site.
#[derive(Debug, Clone)]
pub(super) struct User {
    pub(super) roles: BTreeSet<String>,
    pub(super) api_key: String,
    pub(super) api_secret: String,
    pub(super) time_zone: String,
    /// User Permissions: only documents whose link to this DocType is empty or one of these.
    pub(super) restrictions: BTreeMap<String, BTreeSet<String>>,
    /// Documents hidden by a User Permission, by the `creation` that survives renames.
    pub(super) hidden: BTreeSet<Stamp>,
}

/// How far an action reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    Nothing,
    Own,
    All,
}

/// The users and what roles were granted beyond the standard.
#[derive(Debug, Default)]
pub(super) struct Access {
    users: BTreeMap<String, User>,
    keys: BTreeMap<String, String>,
    grants: BTreeMap<(String, String), Rights>,
    /// Whether any desk user may read Salutation and Gender.
    pub(super) small_lists_readable: bool,
}

impl Access {
    pub(super) fn add(&mut self, name: &str, user: User) {
        if let Some(old) = self.users.get(name) {
            self.keys.remove(&old.api_key);
        }
        self.keys.insert(user.api_key.clone(), name.to_owned());
        self.users.insert(name.to_owned(), user);
    }

    pub(super) fn grant(&mut self, role: &str, doctype: &str, rights: Rights) {
        self.grants.insert((role.to_owned(), doctype.to_owned()), rights);
    }

    /// What was granted to a role beyond the standard.
    pub(super) fn granted(&self, role: &str, doctype: &str) -> Rights {
        self.grants.get(&(role.to_owned(), doctype.to_owned())).copied().unwrap_or_default()
    }

    /// Whether the role is one that somebody has or that was granted anything.
    pub(super) fn knows_role(&self, role: &str) -> bool {
        self.users.values().any(|user| user.roles.contains(role))
            || self.grants.keys().any(|(known, _)| known == role)
    }

    pub(super) fn user(&self, name: &str) -> Option<&User> {
        self.users.get(name)
    }

    pub(super) fn user_mut(&mut self, name: &str) -> Option<&mut User> {
        self.users.get_mut(name)
    }

    /// The user of an `Authorization` header; `None` when it is refused.
    pub(super) fn authenticate(&self, header: &str) -> Option<&str> {
        let (scheme, credentials) = header.split_once(' ')?;
        let decoded;
        let pair = if scheme.eq_ignore_ascii_case("token") {
            credentials
        } else if scheme.eq_ignore_ascii_case("basic") {
            decoded = String::from_utf8(STANDARD.decode(credentials).ok()?).ok()?;
            &decoded
        } else {
            return None;
        };
        let (key, secret) = pair.split_once(':')?;
        let name = self.keys.get(key)?;
        (self.users.get(name)?.api_secret == secret).then_some(name)
    }

    /// The zone that `get_time_zone` answers: the user's own, not the site's.
    pub(super) fn time_zone<'a>(&'a self, user: &str) -> &'a str {
        self.users.get(user).filter(|_| user != ADMINISTRATOR).map_or(DEFAULT_ZONE, |user| &user.time_zone)
    }

    pub(super) fn is_system_manager(&self, user: &str) -> bool {
        user == ADMINISTRATOR || self.has_role(user, "System Manager")
    }

    fn has_role(&self, user: &str, role: &str) -> bool {
        self.users.get(user).is_some_and(|user| user.roles.contains(role))
    }

    /// How far `user` may do `action` to documents of `doctype`.
    pub(super) fn reach(&self, user: &str, doctype: &str, action: Action) -> Reach {
        if self.is_system_manager(user) {
            return Reach::All;
        }
        let Some(known) = self.users.get(user) else { return Reach::Nothing };
        let standard = known.roles.iter().any(|role| standard(role, doctype).allow(action));
        let granted = known.roles.iter().any(|role| {
            self.grants.get(&(role.clone(), doctype.to_owned())).is_some_and(|rights| rights.allow(action))
        });
        let is_small_list = matches!(doctype, "Salutation" | "Gender") && action == Action::Read;
        if standard || granted || is_small_list && self.small_lists_readable && !known.roles.is_empty() {
            return Reach::All;
        }
        match doctype {
            "Contact" => Reach::Own,
            "Address" if action != Action::Delete => Reach::Own,
            "Country" if action == Action::Read => Reach::All,
            "Google Contacts" if !known.roles.is_empty() => Reach::Own,
            _ => Reach::Nothing,
        }
    }

    /// The sentence that says which User Permission hides `doc`, if one does. `links`: field, label and DocType of its links.
    pub(super) fn restriction<'a>(
        &self,
        user: &str,
        doc: &Doc,
        links: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
    ) -> Option<String> {
        let user = self.users.get(user)?;
        if user.hidden.contains(&doc.creation) {
            return Some(format!(
                "You are not allowed to access this DocType record because of its name {}",
                doc.name
            ));
        }
        if user.restrictions.is_empty() {
            return None;
        }
        links.into_iter().find_map(|(field, label, doctype)| {
            let allowed = user.restrictions.get(doctype)?;
            let value = doc.text(field);
            (!value.is_empty() && !allowed.contains(value)).then(|| {
                format!(
                    "You are not allowed to access this DocType record because it is linked to {doctype} '{value}' in field {label}"
                )
            })
        })
    }
}

// API: permissions of contact.json and address.json in frappe/contacts/doctype, and of ERPNext's parties.
fn standard(role: &str, doctype: &str) -> Rights {
    match (doctype, role) {
        ("Contact", "Sales Master Manager" | "Purchase Master Manager") => Rights::ALL,
        (
            "Contact",
            "Sales Manager"
            | "Sales User"
            | "Purchase Manager"
            | "Purchase User"
            | "Maintenance Manager"
            | "Maintenance User"
            | "Accounts Manager"
            | "Accounts User",
        )
        | ("Address", "Sales User" | "Purchase User" | "Maintenance User" | "Accounts User")
        | ("Customer" | "Lead", "Sales User" | "Sales Manager")
        | ("Supplier", "Purchase User" | "Purchase Manager") => Rights::EDIT,
        ("Customer" | "Lead", "Sales Master Manager") | ("Supplier", "Purchase Master Manager") => {
            Rights::ALL
        }
        _ => Rights::default(),
    }
}
