//! Addresses: Address documents that are linked to contacts.
//!
//! An Address says in its table `links` whom it belongs to; the contact says nothing of it, and no edit of an Address moves the contact's
//! `modified`. A page of contacts costs one request more to find what is linked to them, and two more if anything is.
//!
//! Law: a contact is given addresses only if all that could be seen of them is known; an Address that is missing from a list is never
//! reported as gone, only a look-up by its own name can say so.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use http::Method;
use serde_json::{Map, Value, json};

use super::client::{Reply, SiteClient};
use super::document::{Stamp, is_bookkeeping};
use super::error::{Answer, Call, DafaterError};
use super::name::{encoded, filter_carries, path_carries};
use super::query::{Keyset, ListQuery};
use super::read::{CHUNK, KeysetPosition, Lookup, SWEEP};
use super::write::sendable;
use crate::mapping::{AddressDocument, DocumentName, Malformed, SiteStamp};

/// One page of addresses in the order (`modified`, `name`).
#[derive(Debug)]
pub struct AddressPage {
    /// Name and revision of each.
    pub stamps: Vec<Stamp>,
    /// Where the next page begins; `None` when this was the last.
    pub next: Option<KeysetPosition>,
}

/// Which contacts each address is linked to.
pub type AddressLinks = BTreeMap<DocumentName, BTreeSet<DocumentName>>;

/// What a look-up of an address by name found.
#[derive(Debug, Clone, PartialEq)]
pub enum AddressLookup {
    /// The document.
    Found(AddressDocument),
    /// The site says that there is none: deleted or renamed.
    Missing,
    /// The site's user may not see it; it may well exist.
    Hidden,
    /// It is there, and cannot be understood.
    Malformed(Malformed),
}

impl SiteClient {
    /// Whether contacts are read with their addresses.
    #[must_use]
    pub fn reads_addresses(&self) -> bool {
        self.addresses
    }

    /// Whether the site's user may not read addresses at all, as far as was seen.
    #[must_use]
    pub fn hides_addresses(&self) -> bool {
        self.addresses_hidden.load(Ordering::Relaxed)
    }

    /// One page of the addresses that changed at or after `since` (all, if `None`), continuing `after` the previous page; `None` when the
    /// site's user may not read addresses.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn changed_addresses(
        &self,
        since: Option<&SiteStamp>,
        after: Option<&KeysetPosition>,
    ) -> Result<Option<AddressPage>, DafaterError> {
        let query =
            ListQuery::of("Address", &Stamp::FIELDS).keyset(Keyset::Modified, since, after).limit(SWEEP);
        let Some(rows) = self.visible(&query).await? else { return Ok(None) };
        let is_full = rows.len() >= SWEEP as usize;
        let stamps: Vec<Stamp> = rows.iter().filter_map(|row| Stamp::read(row).ok()).collect();
        let last = stamps
            .last()
            .map(|stamp| KeysetPosition { modified: stamp.modified.clone(), name: stamp.name.clone() });
        let next = last.filter(|_| is_full);
        if next.is_some() && next.as_ref() == after {
            return Err(DafaterError::Protocol { call: LIST, status: 200, what: "its pages do not advance" });
        }
        Ok(Some(AddressPage { stamps, next }))
    }

    /// The newest revision of any address; `None` when there is none, or none that may be read.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn newest_address(&self) -> Result<Option<SiteStamp>, DafaterError> {
        let query = ListQuery::of("Address", &Stamp::FIELDS).newest_first().limit(1);
        let rows = self.visible(&query).await?.unwrap_or_default();
        Ok(rows.first().and_then(|row| Stamp::read(row).ok()).map(|stamp| stamp.modified))
    }

    /// Which contacts are linked to the addresses called `names`, or to any address; `None` when the site's user may not read addresses.
    ///
    /// # Errors
    /// The site did not answer.
    pub async fn address_links(
        &self,
        names: Option<&[DocumentName]>,
    ) -> Result<Option<AddressLinks>, DafaterError> {
        let all = ListQuery::rows_of("Address", "Dynamic Link", &["parent", "link_name"]);
        let all = all.filter("link_doctype", "=", "Contact");
        let mut rows = Vec::new();
        match names {
            None => match self.visible(&all).await? {
                Some(found) => rows = found,
                None => return Ok(None),
            },
            Some(names) => {
                for names in names.chunks(CHUNK) {
                    let names: Vec<&str> = names.iter().map(|name| name.0.as_str()).collect();
                    match self.visible(&all.clone().filter("parent", "in", names)).await? {
                        Some(found) => rows.extend(found),
                        None => return Ok(None),
                    }
                }
            }
        }
        let mut links = AddressLinks::new();
        for row in &rows {
            if let (Some(address), Some(contact)) = (text(row, "parent"), text(row, "link_name")) {
                links.entry(DocumentName(address)).or_default().insert(DocumentName(contact));
            }
        }
        Ok(Some(links))
    }

    /// Looks one address up by name.
    ///
    /// # Errors
    /// The site did not answer, or answered neither with a document nor with the word that there is none.
    pub async fn get_address(&self, name: &DocumentName) -> Result<AddressLookup, DafaterError> {
        let outcome = if path_carries(name) {
            let path = format!("/api/resource/Address/{}", encoded(name));
            self.request(GET, Method::GET, &path, None).await.map(|reply| (reply, "data"))
        } else {
            let arguments = [("doctype", "Address"), ("name", name.0.as_str())];
            self.get_method(GET, "frappe.client.get", &arguments).await.map(|reply| (reply, "message"))
        };
        match outcome {
            Ok((mut reply, key)) => match reply.body.remove(key) {
                Some(address) => Ok(match whole(address) {
                    Ok(address) => AddressLookup::Found(address),
                    Err(malformed) => AddressLookup::Malformed(malformed),
                }),
                None => Err(reply.misunderstood(GET, "it holds no document")),
            },
            Err(DafaterError::Missing(answer)) if answer.reason.is_some() => Ok(AddressLookup::Missing),
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => Ok(AddressLookup::Hidden),
            Err(error) => Err(error),
        }
    }

    /// Creates an address. The site makes its name of the title and the type.
    ///
    /// # Errors
    /// It was refused, or it is in doubt whether it was stored.
    pub async fn create_address(&self, body: Map<String, Value>) -> Result<AddressDocument, DafaterError> {
        let body = Value::Object(sendable(body));
        let reply = self.request(CREATE, Method::POST, "/api/resource/Address", Some(&body)).await?;
        written(CREATE, reply, "data")
    }

    /// Changes the fields in `body`, if the address is still at the revision `lock`.
    ///
    /// # Errors
    /// [`DafaterError::Stale`] when it is at another revision; otherwise why it was not written, or is in doubt.
    pub async fn update_address(
        &self,
        name: &DocumentName,
        lock: &SiteStamp,
        body: Map<String, Value>,
    ) -> Result<AddressDocument, DafaterError> {
        let mut body = sendable(body);
        body.insert("modified".to_owned(), json!(lock));
        if path_carries(name) {
            let path = format!("/api/resource/Address/{}", encoded(name));
            let reply = self.request(UPDATE, Method::PUT, &path, Some(&Value::Object(body))).await?;
            written(UPDATE, reply, "data")
        } else {
            let arguments = json!({"doctype": "Address", "name": name, "fieldname": body});
            let reply = self.post_method(UPDATE, "frappe.client.set_value", &arguments).await?;
            written(UPDATE, reply, "message")
        }
    }

    /// Deletes an address if it is still at the revision `lock`.
    ///
    /// The site has no lock for deletions, so the revision is read just before.
    ///
    /// # Errors
    /// [`DafaterError::Stale`] when it is at another revision, [`DafaterError::Missing`] when there is none,
    /// [`DafaterError::Refused`] when other records refer to it; otherwise why it was not deleted.
    pub async fn delete_address(&self, name: &DocumentName, lock: &SiteStamp) -> Result<(), DafaterError> {
        let concluded = || Box::new(Answer::concluded(DELETE));
        match self.get_address(name).await? {
            AddressLookup::Found(address) if address.modified == *lock => {}
            AddressLookup::Found(_) => return Err(DafaterError::Stale(concluded())),
            AddressLookup::Missing => return Err(DafaterError::Missing(concluded())),
            AddressLookup::Hidden => return Err(DafaterError::Forbidden(concluded())),
            AddressLookup::Malformed(_) => return Err(DafaterError::Refused(concluded())),
        }
        if path_carries(name) {
            let path = format!("/api/resource/Address/{}", encoded(name));
            self.request(DELETE, Method::DELETE, &path, None).await?;
        } else {
            let arguments = json!({"doctype": "Address", "name": name});
            self.post_method(DELETE, "frappe.client.delete", &arguments).await?;
        }
        Ok(())
    }

    /// Gives each contact that was found its addresses, if they are read at all and can be seen. One that went meanwhile is not found.
    pub(super) async fn attach_addresses(&self, lookups: &mut [Lookup]) -> Result<(), DafaterError> {
        if !self.addresses {
            return Ok(());
        }
        let names: Vec<DocumentName> = lookups
            .iter()
            .filter_map(|lookup| match lookup {
                Lookup::Found(document) if filter_carries(&document.name) => Some(document.name.clone()),
                Lookup::Found(_) | Lookup::Missing(_) | Lookup::Hidden(_) | Lookup::Malformed(_) => None,
            })
            .collect();
        let Some(mut addresses) = self.addresses_of(&names).await? else { return Ok(()) };
        let standing = self.standing(&names).await?;
        for lookup in lookups {
            let Lookup::Found(document) = lookup else { continue };
            let Some(addresses) = addresses.remove(&document.name) else { continue };
            // Who deletes a contact deletes its addresses first: of one that went meanwhile, or was hidden, nobody took an address away.
            *lookup = if standing.contains(&document.name) {
                Lookup::Found(document.clone().with_addresses(addresses))
            } else {
                Lookup::Hidden(document.name.clone())
            };
        }
        Ok(())
    }

    /// Which of the contacts called `names` are there still.
    async fn standing(&self, names: &[DocumentName]) -> Result<BTreeSet<DocumentName>, DafaterError> {
        let mut standing = BTreeSet::new();
        for names in names.chunks(MANY) {
            let asked: Vec<&str> = names.iter().map(|name| name.0.as_str()).collect();
            let rows =
                self.list(LIST, &ListQuery::of("Contact", &["name"]).filter("name", "in", asked)).await?;
            standing.extend(rows.iter().filter_map(|row| text(row, "name")).map(DocumentName));
        }
        Ok(standing)
    }

    /// The addresses of the contacts called `names`; of one of which some cannot be understood, `None`. `None` for all when addresses may
    /// not be read.
    async fn addresses_of(
        &self,
        names: &[DocumentName],
    ) -> Result<Option<BTreeMap<DocumentName, Option<Vec<AddressDocument>>>>, DafaterError> {
        let mut found: BTreeMap<DocumentName, Option<Vec<AddressDocument>>> = BTreeMap::new();
        for names in names.chunks(MANY) {
            let asked: Vec<&str> = names.iter().map(|name| name.0.as_str()).collect();
            let links = ListQuery::rows_of("Address", "Dynamic Link", &["parent"])
                .filter("link_doctype", "=", "Contact")
                .filter("link_name", "in", asked);
            let Some(rows) = self.visible(&links).await? else { return Ok(None) };
            let parents: BTreeSet<String> = rows.iter().filter_map(|row| text(row, "parent")).collect();
            found.extend(names.iter().map(|name| (name.clone(), Some(Vec::new()))));
            for address in self.whole_addresses(&parents).await? {
                let (owners, address) = match address {
                    Ok(address) => (owners(&address), Some(address)),
                    // Whose it is nobody can tell.
                    Err(_) => (names.to_vec(), None),
                };
                for owner in owners {
                    let Some(known) = found.get_mut(&owner) else { continue };
                    match (&address, known.as_mut()) {
                        (Some(address), Some(addresses)) => addresses.push(address.clone()),
                        (None, _) => *known = None,
                        (Some(_), None) => {}
                    }
                }
            }
        }
        Ok(Some(found))
    }

    /// The addresses called `names`, as far as they may be seen.
    async fn whole_addresses(
        &self,
        names: &BTreeSet<String>,
    ) -> Result<Vec<Result<AddressDocument, Malformed>>, DafaterError> {
        let mut addresses = Vec::new();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for names in names.chunks(MANY) {
            // All columns: a before-image must bring back what a site has added.
            let query = ListQuery::of("Address", &["*"]).filter("name", "in", names);
            let Some(rows) = self.visible(&query).await? else { return Ok(addresses) };
            let fields = ["parent", "idx", "link_doctype", "link_name"];
            let links = ListQuery::rows_of("Address", "Dynamic Link", &fields).filter("parent", "in", names);
            let mut links_of: BTreeMap<String, Vec<Value>> = BTreeMap::new();
            for row in self.visible(&links).await?.unwrap_or_default() {
                links_of.entry(text(&row, "parent").unwrap_or_default()).or_default().push(row);
            }
            for mut row in rows {
                let links = text(&row, "name").and_then(|name| links_of.remove(&name)).unwrap_or_default();
                if let Some(row) = row.as_object_mut() {
                    row.insert("links".to_owned(), Value::Array(links));
                }
                addresses.push(whole(row));
            }
        }
        Ok(addresses)
    }

    /// The rows of a list; `None` when the site's user may not read addresses.
    async fn visible(&self, query: &ListQuery) -> Result<Option<Vec<Value>>, DafaterError> {
        let rows = match self.list(LIST, query).await {
            Ok(rows) => Some(rows),
            Err(DafaterError::Forbidden(answer)) if answer.exc_type.is_some() => None,
            Err(error) => return Err(error),
        };
        self.addresses_hidden.store(rows.is_none(), Ordering::Relaxed);
        Ok(rows)
    }
}

/// The contacts that an address belongs to.
fn owners(address: &AddressDocument) -> Vec<DocumentName> {
    let of_contacts = address.links.iter().filter(|link| link.doctype == "Contact");
    let owners: BTreeSet<DocumentName> = of_contacts.map(|link| DocumentName(link.name.clone())).collect();
    owners.into_iter().collect()
}

/// One shape for an address, however it was read.
fn whole(value: Value) -> Result<AddressDocument, Malformed> {
    let mut address = AddressDocument::parse(value)?;
    address.fields.retain(|column, _| !is_bookkeeping(column));
    Ok(address)
}

fn written(call: Call, mut reply: Reply, key: &str) -> Result<AddressDocument, DafaterError> {
    let value = reply.body.remove(key).unwrap_or_default();
    whole(value).map_err(|_| reply.misunderstood(call, "it holds no address"))
}

fn text(row: &Value, column: &str) -> Option<String> {
    row.get(column).and_then(Value::as_str).map(str::to_owned)
}

/// Names in one filter of a page of contacts.
const MANY: usize = 1000;

const LIST: Call = Call::read("list addresses");
const GET: Call = Call::read_document("read an address");
const CREATE: Call = Call::create("create an address");
const UPDATE: Call = Call::change("update an address");
const DELETE: Call = Call::change("delete an address");
