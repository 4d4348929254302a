//! Reads contacts: what changed, by name, by identity, and all stamps.
//!
//! A page costs four requests: the parents, then one list for each child table. Rows that the caller knows already cost none of
//! the three, so that an idle cycle, which reads the overlap again, is one request.
//!
//! Law: a contact that is missing from a list is never reported as missing; only a look-up by its own name can say so.

use std::collections::{BTreeMap, BTreeSet};

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::assemble::{Assembly, assemble};
use super::client::SiteClient;
use super::document::{Stamp, whole};
use super::error::{Call, DafaterError};
use super::name::{encoded, filter_carries, path_carries};
use super::query::{Keyset, ListQuery};
use crate::mapping::{Document, DocumentName, Malformed, SiteStamp};

/// A place in the order (`modified`, `name`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeysetPosition {
    /// Stamp of the last row that was read.
    pub modified: SiteStamp,
    /// Its name.
    pub name: DocumentName,
}

/// One page of contacts in the order (`modified`, `name`).
#[derive(Debug)]
pub struct ChangedPage {
    /// The contacts that the caller did not know at their `modified`, whole. One that vanished while the page was read is in
    /// `seen` only.
    pub contacts: Vec<Result<Document, Malformed>>,
    /// Every contact of the page, known or not, in order.
    pub seen: Vec<Stamp>,
    /// Where the next page begins; `None` when this was the last.
    pub next: Option<KeysetPosition>,
}

/// One page of all contacts in order of name.
#[derive(Debug)]
pub struct SweepPage {
    /// The contacts of the page.
    pub stamps: Vec<Result<Stamp, Malformed>>,
    /// After which name the next page begins; `None` when this was the last.
    pub next: Option<DocumentName>,
}

/// What a look-up by name found.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// The document. Its name may differ from the asked one in case or accents, as the site compares names loosely; whether it
    /// is the same contact, `creation` tells.
    Found(Document),
    /// The site says that there is none: deleted or renamed.
    Missing(DocumentName),
    /// The site's user may not see it; it may well exist.
    Hidden(DocumentName),
    /// It is there, and cannot be understood.
    Malformed(Malformed),
}

impl SiteClient {
    /// One page of the contacts that changed at or after `since` (all, if `None`), continuing `after` the previous page.
    ///
    /// `known` tells which rows the caller has seen at just that `modified`; they are not read again.
    ///
    /// # Errors
    /// The site did not answer all of the lists.
    pub async fn changed_contacts(
        &self,
        since: Option<&SiteStamp>,
        after: Option<&KeysetPosition>,
        known: impl Fn(&DocumentName, &SiteStamp) -> bool + Send,
    ) -> Result<ChangedPage, DafaterError> {
        let query = self.parents().keyset(Keyset::Modified, since, after).limit(self.page_size);
        let rows = self.list(LIST, &query).await?;
        let full = rows.len() >= self.page_size as usize;
        let mut page = ChangedPage { contacts: Vec::new(), seen: Vec::new(), next: None };
        let mut unknown = Vec::new();
        for row in rows {
            match Stamp::read(&row) {
                Err(malformed) => page.contacts.push(Err(malformed)),
                Ok(stamp) => {
                    if !known(&stamp.name, &stamp.modified) {
                        unknown.push(row);
                    }
                    page.seen.push(stamp);
                }
            }
        }
        if full {
            let last = page
                .seen
                .last()
                .map(|stamp| KeysetPosition { modified: stamp.modified.clone(), name: stamp.name.clone() });
            if last.as_ref().is_none_or(|last| Some(last) == after) {
                return Err(DafaterError::Protocol {
                    call: LIST,
                    status: 200,
                    what: "its pages do not advance",
                });
            }
            page.next = last;
        }
        for lookup in self.with_children(unknown).await? {
            match lookup {
                Lookup::Found(document) => page.contacts.push(Ok(document)),
                Lookup::Malformed(malformed) => page.contacts.push(Err(malformed)),
                Lookup::Missing(_) | Lookup::Hidden(_) => {}
            }
        }
        Ok(page)
    }

    /// Looks contacts up by name, in bulk; each that the lists do not return is asked for singly.
    ///
    /// # Errors
    /// The site did not answer one of the look-ups.
    pub async fn contacts_by_name(&self, names: &[DocumentName]) -> Result<Vec<Lookup>, DafaterError> {
        let mut found: BTreeMap<DocumentName, Lookup> = BTreeMap::new();
        let asked: Vec<&str> =
            names.iter().filter(|name| filter_carries(name)).map(|name| name.0.as_str()).collect();
        for names in asked.chunks(CHUNK) {
            let query = self.parents().filter("name", "in", names);
            for lookup in self.with_children(self.list(LIST, &query).await?).await? {
                found.insert(lookup.name(), lookup);
            }
        }
        let mut lookups = Vec::with_capacity(names.len());
        for name in names {
            lookups.push(match found.get(name) {
                Some(lookup) => lookup.clone(),
                None => self.get_contact(name).await?,
            });
        }
        Ok(lookups)
    }

    /// Looks one contact up by name, as one snapshot.
    ///
    /// # Errors
    /// The site did not answer, or answered neither with a document nor with the word that there is none.
    pub async fn get_contact(&self, name: &DocumentName) -> Result<Lookup, DafaterError> {
        let mut lookups = vec![self.get_bare(name).await?];
        self.attach_addresses(&mut lookups).await?;
        Ok(lookups.pop().unwrap_or_else(|| Lookup::Missing(name.clone())))
    }

    /// [`get_contact`](Self::get_contact) without its addresses.
    pub(super) async fn get_bare(&self, name: &DocumentName) -> Result<Lookup, DafaterError> {
        match self.get_everything(name).await {
            Ok(document) => Ok(Lookup::of(whole(document, &self.fields()))),
            Err(DafaterError::Missing(_)) => Ok(Lookup::Missing(name.clone())),
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => {
                Ok(Lookup::Hidden(name.clone()))
            }
            Err(error) => Err(error),
        }
    }

    /// A contact with everything that the site keeps of it, also what is never synced: a before-image of a deletion.
    ///
    /// # Errors
    /// The site did not answer, shows no such contact, or answered with something else.
    pub async fn get_everything(&self, name: &DocumentName) -> Result<Value, DafaterError> {
        let outcome = if path_carries(name) {
            let path = format!("/api/resource/Contact/{}", encoded(name));
            match self.request(GET, Method::GET, &path, None).await {
                // API: a route that does not match gives the same 404, only without a message. Ask in the other way.
                Err(DafaterError::Missing(answer)) if answer.reason.is_none() => {
                    self.get_by_query(name).await
                }
                outcome => outcome.map(|reply| (reply, "data")),
            }
        } else {
            self.get_by_query(name).await
        };
        match outcome {
            Ok((mut reply, key)) => match reply.body.remove(key) {
                Some(document) => Ok(document),
                None => Err(reply.misunderstood(GET, "it holds no document")),
            },
            Err(error) => Err(error),
        }
    }

    async fn get_by_query(
        &self,
        name: &DocumentName,
    ) -> Result<(super::client::Reply, &'static str), DafaterError> {
        let arguments = [("doctype", "Contact"), ("name", name.0.as_str())];
        Ok((self.get_method(GET, "frappe.client.get", &arguments).await?, "message"))
    }

    /// The contacts that were created at just these times, under whatever name they have now. Finds renamed contacts.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn find_by_creation(&self, creations: &[SiteStamp]) -> Result<Vec<Stamp>, DafaterError> {
        let mut found = Vec::new();
        for creations in creations.chunks(CHUNK) {
            let query =
                ListQuery::of("Contact", &Stamp::FIELDS).filter("creation", "in", spellings(creations));
            let rows = self.list(LIST, &query).await?;
            for row in &rows {
                found.push(Stamp::read(row).map_err(|_| UNREADABLE_MATCH)?);
            }
        }
        Ok(found)
    }

    /// The contacts that carry one of these values in `google_contacts_id`; several may carry the same.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn find_by_google_id(&self, ids: &[String]) -> Result<Vec<Document>, DafaterError> {
        self.find_by_value("google_contacts_id", ids).await
    }

    /// The contacts that carry just one of these values in `field`, which must be one of the fields that are read.
    ///
    /// # Errors
    /// The site did not answer, or has no such field.
    pub async fn find_by_value(&self, field: &str, values: &[String]) -> Result<Vec<Document>, DafaterError> {
        let mut found = Vec::new();
        for values in values.chunks(CHUNK) {
            let query = self.parents().filter(field, "in", values);
            for lookup in self.with_children(self.list(LIST, &query).await?).await? {
                match lookup {
                    Lookup::Found(document) => found.push(document),
                    Lookup::Missing(_) => {}
                    Lookup::Hidden(_) | Lookup::Malformed(_) => return Err(UNREADABLE_MATCH),
                }
            }
        }
        // API: the site compares without regard to case and accents; markers and resource names are exact.
        found.retain(|document| {
            let value = document.fields.get(field).and_then(Value::as_str);
            value.is_some_and(|value| values.iter().any(|asked| asked == value))
        });
        Ok(found)
    }

    /// One page of the stamps of all contacts that the site's user may see. A contact that is renamed meanwhile may be in none
    /// or in two of the pages.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn sweep(&self, after: Option<&DocumentName>) -> Result<SweepPage, DafaterError> {
        let mut query = ListQuery::of("Contact", &Stamp::FIELDS).limit(SWEEP);
        if let Some(after) = after {
            query = query.filter("name", ">", after);
        }
        let rows = self.list(LIST, &query).await?;
        let mut next = None;
        if rows.len() >= SWEEP as usize {
            let last = rows.iter().rev().find_map(|row| row.get("name").and_then(Value::as_str));
            next = last.map(|name| DocumentName(name.to_owned()));
            if next.is_none() || next.as_ref() == after {
                return Err(DafaterError::Protocol {
                    call: LIST,
                    status: 200,
                    what: "its pages do not advance",
                });
            }
        }
        Ok(SweepPage { stamps: rows.iter().map(Stamp::read).collect(), next })
    }

    fn parents(&self) -> ListQuery {
        let mut query = ListQuery::of("Contact", &Stamp::FIELDS);
        query.fields.extend(self.fields().iter().cloned());
        query
    }

    /// Completes rows of Contact with their child tables, in the order of the rows.
    async fn with_children(&self, rows: Vec<Value>) -> Result<Vec<Lookup>, DafaterError> {
        let shown = self.shown();
        // API: a list prints what is empty as null, and leaves out what is not there.
        let shows_all = |row: &Value| shown.iter().all(|column| row.get(column).is_some());
        if !rows.iter().all(shows_all) {
            let what = "it no longer shows a field that is synced: the field was removed, or hidden from the daemon's user";
            return Err(DafaterError::Protocol { call: LIST, status: 200, what });
        }
        let mut order = Vec::with_capacity(rows.len());
        let mut parents = BTreeMap::new();
        let mut singly = BTreeSet::new();
        let mut malformed = BTreeMap::new();
        for row in rows {
            match (Stamp::read(&row), row) {
                (Ok(stamp), Value::Object(row)) => {
                    if filter_carries(&stamp.name) {
                        parents.insert(stamp.name.0.clone(), row);
                    } else {
                        singly.insert(stamp.name.0.clone());
                    }
                    order.push(stamp.name);
                }
                (Err(error), _) => {
                    order.push(DocumentName(error.id.clone()));
                    malformed.insert(error.id.clone(), error);
                }
                (Ok(_), _) => {}
            }
        }
        let mut assembly = self.read_tables(parents).await?;
        singly.extend(self.settle(&mut assembly).await?);
        let mut lookups = Vec::with_capacity(order.len());
        for name in order {
            lookups.push(if let Some(error) = malformed.remove(&name.0) {
                Lookup::Malformed(error)
            } else if singly.contains(&name.0) {
                self.get_bare(&name).await?
            } else if let Some(document) = assembly.documents.remove(&name.0) {
                Lookup::of(whole(Value::Object(document), &self.fields()))
            } else {
                continue;
            });
        }
        self.attach_addresses(&mut lookups).await?;
        Ok(lookups)
    }

    async fn read_tables(
        &self,
        parents: BTreeMap<String, Map<String, Value>>,
    ) -> Result<Assembly, DafaterError> {
        if parents.is_empty() {
            return Ok(Assembly::default());
        }
        let names: Vec<&str> = parents.keys().map(String::as_str).collect();
        // All columns, since a table is written whole: what a site has added to its rows must come back with them.
        let emails = ListQuery::child_rows("Contact Email", &["*"], &names);
        let phones = ListQuery::child_rows("Contact Phone", &["*"], &names);
        let link_fields = ["parent", "idx", "link_doctype", "link_name"];
        let links = ListQuery::child_rows("Dynamic Link", &link_fields, &names);
        let rows = [
            self.list(ROWS, &emails).await?,
            self.list(ROWS, &phones).await?,
            self.list(ROWS, &links).await?,
        ];
        Ok(assemble(parents, rows))
    }

    /// Which contacts must be read singly. A doubtful one is settled by its parent's stamp: if that is still the same after the
    /// rows were read, nothing was written between the lists, and the rows are of that revision.
    ///
    /// API: a rename moves the rows and no stamp. Renamed between the lists, a contact would seem to have lost its rows.
    async fn settle(&self, assembly: &mut Assembly) -> Result<BTreeSet<String>, DafaterError> {
        let mut singly = std::mem::take(&mut assembly.incomplete);
        let lacks_rows = |document: &Map<String, Value>| {
            ["email_ids", "phone_nos"]
                .iter()
                .any(|table| document.get(*table).and_then(Value::as_array).is_none_or(Vec::is_empty))
        };
        let bare = assembly.documents.iter().filter(|(_, document)| lacks_rows(document));
        assembly.doubtful.extend(bare.map(|(name, _)| name.clone()));
        let doubtful: Vec<String> = assembly.doubtful.difference(&singly).cloned().collect();
        if doubtful.is_empty() {
            return Ok(singly);
        }
        let query = ListQuery::of("Contact", &Stamp::FIELDS).filter("name", "in", &doubtful);
        let rows = self.list(LIST, &query).await?;
        let now: BTreeMap<String, SiteStamp> = rows
            .iter()
            .filter_map(|row| Stamp::read(row).ok())
            .map(|stamp| (stamp.name.0, stamp.modified))
            .collect();
        singly.extend(doubtful.into_iter().filter(|name| {
            let before = assembly.documents.get(name).and_then(|document| document.get("modified"));
            let before = before.and_then(Value::as_str);
            before.is_none() || before != now.get(name).map(|stamp| stamp.0.as_str())
        }));
        Ok(singly)
    }
}

impl Lookup {
    fn of(document: Result<Document, Malformed>) -> Self {
        match document {
            Ok(document) => Self::Found(document),
            Err(malformed) => Self::Malformed(malformed),
        }
    }

    /// The name that the lookup is about.
    fn name(&self) -> DocumentName {
        match self {
            Self::Found(document) => document.name.clone(),
            Self::Missing(name) | Self::Hidden(name) => name.clone(),
            Self::Malformed(malformed) => DocumentName(malformed.id.clone()),
        }
    }
}

/// Each stamp as it is and with all six digits: older sites compare stamps in `in` filters as text.
fn spellings(stamps: &[SiteStamp]) -> BTreeSet<String> {
    let full = stamps.iter().filter_map(SiteStamp::civil).map(|civil| SiteStamp::from(civil).0);
    stamps.iter().map(|stamp| stamp.0.clone()).chain(full).collect()
}

const LIST: Call = Call::read("list contacts");
const ROWS: Call = Call::read("list e-mails, phones and links of contacts");
/// A match that cannot be read is no "nothing found": the caller would create it again, or take it for deleted.
const UNREADABLE_MATCH: DafaterError =
    DafaterError::Protocol { call: LIST, status: 200, what: "a contact that matches cannot be read" };

const GET: Call = Call::read_document("read a contact");

/// Names or ids in one filter.
pub(super) const CHUNK: usize = 200;

/// Stamps in one page of a sweep.
pub(super) const SWEEP: u32 = 5000;

#[cfg(test)]
mod tests;
