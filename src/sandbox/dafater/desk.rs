//! What people do on the site itself, in process and without HTTP: the site's own rules hold, the counters do not count it.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::Rng as _;
use serde_json::{Map, Value, json};

use super::Site;
use super::access::{Rights, User};
use super::document::{Doc, Form};
use super::incoming;
use super::ledger::{Ledger, Logged, WriteKind};
use super::refusal::Refusal;

/// Who acts when nobody is named: a System Manager.
pub const DESK_USER: &str = "desk@dafater.example";

/// The credentials of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The public half.
    pub api_key: String,
    /// The secret half.
    pub api_secret: String,
}

/// The site refused what a desk user tried.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the site refused with {exc_type}: {message}")]
pub struct Refused {
    /// The exception's class.
    pub exc_type: String,
    /// What the user was told.
    pub message: String,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self { exc_type: refusal.exc_type().to_owned(), message: refusal.message().to_owned() }
    }
}

/// A document at one moment. Two are equal only if nothing happened to the document between them.
#[derive(Debug, Clone)]
pub struct DocumentVersion(Arc<Doc>);

impl PartialEq for DocumentVersion {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl DocumentVersion {
    /// Its `name`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its `creation`, as the site prints it.
    #[must_use]
    pub fn creation(&self) -> String {
        self.0.creation.printed()
    }
}

impl Site {
    /// Adds a user, or gives one new roles and new keys. Without a role a user sees only contacts of its own.
    pub fn add_user(&mut self, name: &str, roles: &[&str]) -> Keys {
        let keys = Keys { api_key: self.secret(), api_secret: self.secret() };
        let user = User {
            roles: roles.iter().map(|role| (*role).to_owned()).collect(),
            api_key: keys.api_key.clone(),
            api_secret: keys.api_secret.clone(),
            time_zone: self.zone_name.clone(),
            restrictions: BTreeMap::new(),
            hidden: std::collections::BTreeSet::new(),
        };
        self.access.add(name, user);
        keys
    }

    /// Gives a user other roles.
    pub fn set_roles(&mut self, name: &str, roles: &[&str]) {
        if let Some(user) = self.access.user_mut(name) {
            user.roles = roles.iter().map(|role| (*role).to_owned()).collect();
        }
    }

    /// Gives a user another secret; the old one is refused from now on.
    pub fn rotate_keys(&mut self, name: &str) -> Option<Keys> {
        let mut user = self.access.user(name)?.clone();
        user.api_secret = self.secret();
        let keys = Keys { api_key: user.api_key.clone(), api_secret: user.api_secret.clone() };
        self.access.add(name, user);
        Some(keys)
    }

    /// Grants a role rights that it does not have by itself.
    pub fn grant(&mut self, role: &str, doctype: &str, rights: Rights) {
        self.access.grant(role, doctype, rights);
    }

    /// A User Permission: of documents that link to `doctype`, the user sees only those that link to `value` or to nothing.
    pub fn restrict(&mut self, user: &str, doctype: &str, value: &str) {
        if let Some(user) = self.access.user_mut(user) {
            user.restrictions.entry(doctype.to_owned()).or_default().insert(value.to_owned());
        }
    }

    /// Hides a contact from a user, whatever it will be called: missing from lists, 403 by name.
    pub fn hide(&mut self, user: &str, contact: &str) {
        self.hide_in(user, "Contact", contact);
    }

    /// [`Self::hide`] for any DocType.
    pub fn hide_in(&mut self, user: &str, doctype: &str, name: &str) {
        let Some(creation) = self.db.get(doctype, name).map(|doc| doc.creation) else { return };
        if let Some(user) = self.access.user_mut(user) {
            user.hidden.insert(creation);
        }
    }

    /// Lets a user see again all that was hidden or restricted.
    pub fn unhide(&mut self, user: &str) {
        if let Some(user) = self.access.user_mut(user) {
            user.hidden.clear();
            user.restrictions.clear();
        }
    }

    /// Changes System Settings' `time_zone`. Stamps that were written stay as they are; an unknown name is UTC.
    pub fn set_time_zone(&mut self, name: &str) {
        self.zone = TimeZone::get(name).unwrap_or(TimeZone::UTC);
        name.clone_into(&mut self.zone_name);
    }

    /// All contacts that are committed, as full documents in the order of their names.
    #[must_use]
    pub fn contacts(&self) -> Vec<Value> {
        self.documents("Contact")
    }

    /// One contact as a full document, nulls included.
    #[must_use]
    pub fn contact(&self, name: &str) -> Option<Value> {
        self.document("Contact", name)
    }

    /// How many contacts are committed.
    #[must_use]
    pub fn contact_count(&self) -> usize {
        self.db.table("Contact").map_or(0, super::tables::Table::len)
    }

    /// All committed documents of a DocType.
    #[must_use]
    pub fn documents(&self, doctype: &str) -> Vec<Value> {
        let (Some(schema), Some(table)) = (self.schemas.get(doctype), self.db.table(doctype)) else {
            return Vec::new();
        };
        table.by_name().map(|doc| Value::Object(doc.to_json(schema, AS_STORED))).collect()
    }

    /// [`Self::documents`], each as something that is cheap to hold and to compare.
    #[must_use]
    pub fn versions(&self, doctype: &str) -> Vec<DocumentVersion> {
        let all = self.db.table(doctype).into_iter().flat_map(super::tables::Table::by_name);
        all.map(|doc| DocumentVersion(Arc::clone(doc))).collect()
    }

    /// A version of a document of `doctype` as a full document, nulls included.
    #[must_use]
    pub fn show(&self, doctype: &str, version: &DocumentVersion) -> Option<Value> {
        Some(Value::Object(version.0.to_json(self.schemas.get(doctype)?, AS_STORED)))
    }

    /// One document of a DocType.
    #[must_use]
    pub fn document(&self, doctype: &str, name: &str) -> Option<Value> {
        let schema = self.schemas.get(doctype)?;
        Some(Value::Object(self.db.get(doctype, name)?.to_json(schema, AS_STORED)))
    }

    /// Makes a contact. Returns its name.
    ///
    /// # Errors
    /// The site's own rules refuse the content.
    pub fn insert(&mut self, contact: Value, now: Timestamp) -> Result<String, Refused> {
        self.insert_into("Contact", contact, now)
    }

    /// Makes a document of any DocType. Returns its name.
    ///
    /// # Errors
    /// The site's own rules refuse the content.
    pub fn insert_into(&mut self, doctype: &str, content: Value, now: Timestamp) -> Result<String, Refused> {
        self.act(now, |site| Ok(site.insert_doc(doctype, object(content))?.name))
    }

    /// Saves the fields of `change` over a contact; a table that is given is replaced whole.
    ///
    /// # Errors
    /// The contact does not exist, or the site's own rules refuse the result.
    pub fn edit(&mut self, name: &str, change: Value, now: Timestamp) -> Result<(), Refused> {
        self.edit_in("Contact", name, change, now)
    }

    /// [`Self::edit`] for any DocType.
    ///
    /// # Errors
    /// The document does not exist, or the site's own rules refuse the result.
    pub fn edit_in(
        &mut self,
        doctype: &str,
        name: &str,
        change: Value,
        now: Timestamp,
    ) -> Result<(), Refused> {
        self.act(now, |site| site.update_doc(doctype, name, object(change)).map(drop))
    }

    /// Deletes a contact.
    ///
    /// # Errors
    /// It does not exist, or something refers to it.
    pub fn delete(&mut self, name: &str, now: Timestamp) -> Result<(), Refused> {
        self.delete_in("Contact", name, now)
    }

    /// Deletes a document of any DocType.
    ///
    /// # Errors
    /// It does not exist, or something refers to it.
    pub fn delete_in(&mut self, doctype: &str, name: &str, now: Timestamp) -> Result<(), Refused> {
        self.act(now, |site| site.delete_doc(doctype, name))
    }

    /// Renames a contact: nothing else about it moves.
    ///
    /// # Errors
    /// It does not exist, or another has the name.
    pub fn rename(&mut self, old: &str, new: &str, now: Timestamp) -> Result<String, Refused> {
        self.act(now, |site| site.rename_doc("Contact", old, new, false))
    }

    /// Renames a document of any DocType; contacts that link to it change without moving `modified`.
    ///
    /// # Errors
    /// It does not exist, or another has the name.
    pub fn rename_in(
        &mut self,
        doctype: &str,
        old: &str,
        new: &str,
        now: Timestamp,
    ) -> Result<String, Refused> {
        self.act(now, |site| site.rename_doc(doctype, old, new, false))
    }

    /// Merges one contact into another: the source's rows are lost.
    ///
    /// # Errors
    /// One of them does not exist.
    pub fn merge(&mut self, source: &str, target: &str, now: Timestamp) -> Result<(), Refused> {
        self.act(now, |site| site.rename_doc("Contact", source, target, true).map(drop))
    }

    /// Restores the latest Deleted Document of the contact that had this name. Returns the name of the new contact.
    ///
    /// # Errors
    /// There is none, or its content is refused today.
    pub fn restore(&mut self, deleted_name: &str, now: Timestamp) -> Result<String, Refused> {
        self.act(now, |site| {
            let grave = site.db.table("Deleted Document").and_then(|table| {
                let is_it = |doc: &&std::sync::Arc<Doc>| {
                    doc.text("deleted_name") == deleted_name && doc.text("deleted_doctype") == "Contact"
                };
                table.by_name().filter(is_it).max_by_key(|doc| doc.creation).map(|doc| doc.name.clone())
            });
            let grave = grave.ok_or_else(|| Refusal::missing("Deleted Document", deleted_name))?;
            site.restore_doc(&grave)
        })
    }

    /// Clears the Deleted Document log, as the site does with old rows: those deletions leave no trace any more.
    pub fn purge_deleted_documents(&mut self) {
        let graves: Vec<_> = self
            .db
            .table("Deleted Document")
            .into_iter()
            .flat_map(|table| table.by_name().cloned())
            .collect();
        for grave in graves {
            self.db.remove("Deleted Document", &grave);
        }
        self.db.commit(None);
    }

    /// Writes fields of a stored contact past all rules, as an old import or a database script would: no check, no derived fields, no
    /// `modified`. `modified` and `creation` themselves may be among the fields.
    pub fn poison(&mut self, name: &str, fields: Value) {
        let Some(schema) = self.schemas.get("Contact").cloned() else { return };
        let Some(before) = self.db.get("Contact", name).cloned() else { return };
        let mut doc = Doc::clone(&before);
        if let Ok(given) = incoming::fill(&mut doc, &schema, &self.schemas, object(fields)) {
            let stamp = |value: Option<Value>| value.and_then(|value| super::Stamp::parse(value.as_str()?));
            doc.modified = stamp(given.modified).unwrap_or(doc.modified);
            doc.creation = stamp(given.creation).unwrap_or(doc.creation);
        }
        for table in ["email_ids", "phone_nos", "links"] {
            let unnamed = doc.rows(table).iter().filter(|row| row.name.is_empty()).count();
            let mut names: Vec<String> = (0..unnamed).map(|_| self.random_name()).collect();
            for row in doc.rows_mut(table).iter_mut().filter(|row| row.name.is_empty()) {
                row.name = names.pop().unwrap_or_default();
            }
        }
        self.put(&schema, Some(before), doc);
        self.db.commit(None);
    }

    /// Requests by method and route since the last reset. A route is a path with `{name}` for the document, or the method's name.
    #[must_use]
    pub fn requests(&self) -> &BTreeMap<(String, String), u64> {
        &self.ledger.requests
    }

    /// All requests since the last reset.
    #[must_use]
    pub fn request_count(&self) -> u64 {
        self.ledger.requests.values().sum()
    }

    /// Writes over HTTP that succeeded since the last reset, by DocType and kind.
    #[must_use]
    pub fn writes(&self) -> &BTreeMap<(String, WriteKind), u64> {
        &self.ledger.writes
    }

    /// All writes over HTTP that succeeded since the last reset.
    #[must_use]
    pub fn write_count(&self) -> u64 {
        self.ledger.writes.values().sum()
    }

    /// The last requests, oldest first.
    #[must_use]
    pub fn log(&self) -> impl DoubleEndedIterator<Item = &Logged> {
        self.ledger.log.iter()
    }

    /// Sets the counters to zero and empties the log.
    pub fn reset_counters(&mut self) {
        self.ledger = Ledger::default();
    }

    /// Commits every transaction that is still open.
    pub fn settle(&mut self) {
        self.db.wait_for_all();
    }

    /// Commits every transaction that is due at `now`, as the next request would.
    pub fn catch_up(&mut self, now: Timestamp) {
        self.db.settle(now);
    }

    /// Does `work` as the desk user in one transaction.
    fn act<T>(
        &mut self,
        now: Timestamp,
        work: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refused> {
        self.db.settle(now);
        self.session = super::Session { user: DESK_USER.to_owned(), now, over_http: false };
        let late = self.switches.late_commit;
        let due = SignedDuration::try_from(late).ok().filter(|late| !late.is_zero()).map(|late| now + late);
        let done = work(self);
        match &done {
            Ok(_) => self.db.commit(due),
            Err(_) => self.db.roll_back(0),
        }
        self.notices.clear();
        done.map_err(Refused::from)
    }

    /// What every site has from the start.
    pub(super) fn furnish(&mut self, codes: Option<&[&str]>) {
        // The same for every site, and made once: a thousand sites are made in a test.
        static COUNTRIES: OnceLock<Vec<Arc<Doc>>> = OnceLock::new();
        // What is shipped was committed long ago, also where commits are late.
        let late = std::mem::take(&mut self.switches.late_commit);
        self.add_user(DESK_USER, &["System Manager"]);
        for (doctype, field, names) in [
            (
                "Salutation",
                "salutation",
                ["Mr", "Ms", "Mx", "Dr", "Mrs", "Madam", "Miss", "Master", "Prof"].as_slice(),
            ),
            (
                "Gender",
                "gender",
                &[
                    "Female",
                    "Male",
                    "Other",
                    "Transgender",
                    "Genderqueer",
                    "Non-Conforming",
                    "Prefer not to say",
                ],
            ),
        ] {
            for name in names {
                // The shipped lists are valid by construction.
                let made = self.insert_into(doctype, json!({field: name}), Timestamp::UNIX_EPOCH);
                debug_assert!(made.is_ok(), "a shipped {doctype} was refused");
            }
        }
        let job = json!({
            "method": "frappe.integrations.doctype.google_contacts.google_contacts.sync", "frequency": "Daily", "create_log": 1,
        });
        let made = self.insert_into("Scheduled Job Type", job, Timestamp::UNIX_EPOCH);
        debug_assert!(made.is_ok(), "the shipped job was refused");
        let rng = self.rng.clone();
        let countries = COUNTRIES.get_or_init(|| self.shipped_countries());
        // The first site is like those after it.
        self.rng = rng;
        let is_kept = |country: &&Arc<Doc>| codes.is_none_or(|codes| codes.contains(&country.text("code")));
        for country in countries.iter().filter(is_kept) {
            self.db.adopt("Country", country);
        }
        self.switches.late_commit = late;
    }

    // API: frappe/geo/country_info.json.
    fn shipped_countries(&mut self) -> Vec<Arc<Doc>> {
        for (code, name) in include_str!("countries.txt").lines().filter_map(|line| line.split_once(' ')) {
            let country = json!({"country_name": name, "code": code});
            let made = self.insert_into("Country", country, Timestamp::UNIX_EPOCH);
            debug_assert!(made.is_ok(), "a shipped country was refused");
        }
        let table = self.db.table("Country").into_iter();
        let countries: Vec<Arc<Doc>> = table.flat_map(|table| table.by_name().cloned()).collect();
        // This site is to have those that it keeps, like any.
        for country in &countries {
            self.db.remove("Country", country);
        }
        self.db.commit(None);
        countries
    }

    fn secret(&mut self) -> String {
        format!("{:015x}", self.rng.r#gen::<u64>() >> 4)
    }
}

const AS_STORED: Form = Form { nulls: true, echo: false };

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}
