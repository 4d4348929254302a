//! A stored contact, and how it looks under a mask.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde::ser::{SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value};

use super::etag::{self, Revision};
use super::mask::{Mask, PERSON_FIELDS, bit};

/// A contact at one moment. Records are never changed, only replaced.
#[derive(Debug, Clone)]
pub(super) struct Record {
    /// The CONTACT source's id.
    pub(super) id: u64,
    pub(super) resource_name: String,
    /// Names it had before, oldest first.
    pub(super) previous_names: Vec<String>,
    pub(super) revision: Revision,
    /// The revision before this one.
    pub(super) prior_revision: Revision,
    pub(super) changed: Timestamp,
    /// Place of the last change in the account's order of changes.
    pub(super) sequence: u64,
    pub(super) deleted: bool,
    /// Items by the bit of their field.
    pub(super) fields: BTreeMap<usize, Vec<Item>>,
    /// What a linked profile adds; shown only to reads that ask for profiles.
    pub(super) profile: Option<Profile>,
    /// Marks the photo: a new one for each content. `None` shows the generated monogram.
    pub(super) photo: Option<u64>,
}

/// A profile that a contact is linked to.
#[derive(Debug, Clone)]
pub(super) struct Profile {
    pub(super) id: String,
    pub(super) fields: BTreeMap<usize, Vec<Item>>,
}

/// One item of a repeated field, without its metadata.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) source_primary: bool,
    pub(super) value: Map<String, Value>,
}

impl Record {
    /// The ids of the groups it is in.
    pub(super) fn groups(&self) -> impl Iterator<Item = &str> {
        self.fields.get(&bit::MEMBERSHIPS).into_iter().flatten().filter_map(|item| {
            item.value.get("contactGroupMembership")?.get("contactGroupId").and_then(Value::as_str)
        })
    }

    /// The id as Google writes it in sources.
    pub(super) fn source_id(&self) -> String {
        format!("{:x}", self.id)
    }
}

/// `people/c<DECIMAL>`: the name of a contact that no profile is linked to.
pub(super) fn contact_name(id: u64) -> String {
    format!("people/c{id}")
}

/// The id in a `people/c<DECIMAL>`.
pub(super) fn contact_id(name: &str) -> Option<u64> {
    name.strip_prefix("people/c")?.parse().ok()
}

/// How a record is shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Look {
    pub(super) mask: Mask,
    /// Whether fields of a linked profile are mixed in.
    pub(super) profiles: bool,
    /// Emails and phone numbers are cut to 100 in lists.
    pub(super) listed: bool,
    /// `previousResourceNames` and deletions are told in deltas only.
    pub(super) delta: bool,
}

impl Look {
    /// Everything, as a person who looks at the contact sees it.
    pub(super) const FULL: Self = Self { mask: Mask::ALL, profiles: false, listed: false, delta: false };
}

/// A record under a [`Look`], ready to be written as JSON.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) record: &'a Record,
    pub(super) look: Look,
    /// Shows the etags of the revision before: a replica that lags.
    pub(super) stale_etag: bool,
}

impl Shown<'_> {
    fn revision(&self) -> Revision {
        if self.stale_etag { self.record.prior_revision } else { self.record.revision }
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = self.record;
        let revision = self.revision();
        let mut person = serializer.serialize_map(None)?;
        person.serialize_entry("resourceName", &record.resource_name)?;
        person.serialize_entry("etag", &etag::person_etag(&self.look.mask.numbers(), revision))?;
        let id = record.source_id();
        for (bit, field) in self.look.mask.fields() {
            match bit {
                bit::METADATA => person.serialize_entry("metadata", &self.metadata(&id))?,
                _ if record.deleted => {}
                bit::PHOTOS => person.serialize_entry("photos", &photos(record, &id))?,
                _ => {
                    let own = record.fields.get(&bit).map(Vec::as_slice).unwrap_or_default();
                    let profile = record.profile.as_ref().filter(|_| self.look.profiles);
                    let items = Items {
                        own,
                        id: &id,
                        profile: profile.map(|profile| {
                            (
                                profile.id.as_str(),
                                profile.fields.get(&bit).map(Vec::as_slice).unwrap_or_default(),
                            )
                        }),
                        limit: if self.look.listed && matches!(bit, bit::EMAIL_ADDRESSES | bit::PHONE_NUMBERS)
                        {
                            100
                        } else {
                            usize::MAX
                        },
                        // API: memberships carry no `primary`.
                        primary: bit != bit::MEMBERSHIPS,
                    };
                    if !items.is_empty() {
                        person.serialize_entry(field.name, &items)?;
                    }
                }
            }
        }
        person.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata<'a> {
    sources: Vec<Source<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    previous_resource_names: &'a [String],
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    deleted: bool,
    object_type: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    r#type: &'static str,
    id: &'a str,
    etag: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    update_time: Option<String>,
}

impl Shown<'_> {
    fn metadata<'a>(&'a self, id: &'a str) -> Metadata<'a> {
        let record = self.record;
        let mut sources = vec![Source {
            r#type: "CONTACT",
            id,
            etag: etag::source_etag(self.revision()),
            update_time: Some(timestamp(record.changed)),
        }];
        if let Some(profile) = record.profile.as_ref().filter(|_| self.look.profiles) {
            let etag = etag::source_etag(super::random::mix(record.id));
            sources.push(Source { r#type: "PROFILE", id: &profile.id, etag, update_time: None });
        }
        Metadata {
            sources,
            previous_resource_names: if self.look.delta { &record.previous_names } else { &[] },
            deleted: record.deleted,
            object_type: "PERSON",
        }
    }
}

/// RFC 3339 in UTC with microseconds.
pub(super) fn timestamp(at: Timestamp) -> String {
    format!("{at:.6}")
}

/// The items of one field with their metadata.
struct Items<'a> {
    own: &'a [Item],
    id: &'a str,
    profile: Option<(&'a str, &'a [Item])>,
    limit: usize,
    primary: bool,
}

impl Items<'_> {
    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.profile.is_none_or(|(_, items)| items.is_empty())
    }
}

impl Serialize for Items<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        let own = self.own.iter().map(|item| (item, "CONTACT", self.id));
        let (profile_id, profile) = self.profile.unwrap_or_default();
        let profile = profile.iter().map(|item| (item, "PROFILE", profile_id));
        let marked = self.own.iter().position(|item| item.source_primary).unwrap_or(0);
        for (index, (item, source, id)) in own.chain(profile).take(self.limit).enumerate() {
            list.serialize_element(&WithMetadata {
                item,
                source,
                id,
                primary: self.primary && index == marked,
            })?;
        }
        list.end()
    }
}

struct WithMetadata<'a> {
    item: &'a Item,
    source: &'static str,
    id: &'a str,
    primary: bool,
}

impl Serialize for WithMetadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(
            "metadata",
            &FieldMetadata {
                primary: self.primary,
                source: FieldSource { r#type: self.source, id: self.id },
                source_primary: self.item.source_primary,
            },
        )?;
        for (key, value) in &self.item.value {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldMetadata<'a> {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    primary: bool,
    source: FieldSource<'a>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    source_primary: bool,
}

#[derive(Serialize)]
struct FieldSource<'a> {
    r#type: &'static str,
    id: &'a str,
}

#[derive(Serialize)]
struct Photo<'a> {
    metadata: FieldMetadata<'a>,
    url: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    default: bool,
}

/// API: a contact without a photo shows a generated monogram, marked `default`.
fn photos<'a>(record: &Record, id: &'a str) -> [Photo<'a>; 1] {
    let url = match record.photo {
        Some(mark) => format!("https://lh3.googleusercontent.com/contacts/{mark:016x}=s100"),
        None => format!("https://lh3.googleusercontent.com/cm/{:016x}=s100", super::random::mix(record.id)),
    };
    let source = FieldSource { r#type: "CONTACT", id };
    let metadata = FieldMetadata { primary: true, source, source_primary: false };
    [Photo { metadata, url, default: record.photo.is_none() }]
}

/// The JSON name of a field.
pub(super) fn field_name(bit: usize) -> &'static str {
    PERSON_FIELDS.get(bit).map_or("", |field| field.name)
}
