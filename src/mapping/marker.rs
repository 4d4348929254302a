//! The marker that a record created by the sync carries, so that it is known again without any memory of ours.

use serde_json::{Map, Value, json};

use super::{Person, SiteStamp};

/// The key of our entry in a Person's `clientData`.
pub const MARKER_KEY: &str = "dafater-contactsd";

/// What the entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marker {
    /// Host of the site that the contact came from.
    pub site: String,
    /// The pair's id as text.
    pub pair: String,
    /// `creation` of the document that the contact was made from.
    pub creation: SiteStamp,
}

impl Marker {
    /// The `clientData` entry.
    #[must_use]
    pub fn entry(&self) -> Value {
        json!({ "key": MARKER_KEY, "value": format!("{};{};{}", self.pair, self.creation.0, self.site) })
    }

    fn parse(value: &str) -> Option<Self> {
        let mut parts = value.splitn(3, ';');
        let (pair, creation, site) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { site: site.to_owned(), pair: pair.to_owned(), creation: SiteStamp(creation.to_owned()) })
    }
}

impl Person {
    /// Our marker for `site`, if the person carries one. Markers of other sites and other programs are not ours to read.
    #[must_use]
    pub fn marker(&self, site: &str) -> Option<Marker> {
        let is_ours =
            |entry: &&Map<String, Value>| entry.get("key").and_then(Value::as_str) == Some(MARKER_KEY);
        self.items("clientData")
            .filter(is_ours)
            .filter_map(|entry| Marker::parse(entry.get("value")?.as_str()?))
            .find(|marker| marker.site == site)
    }

    /// The resource names of the labels that the person carries.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.items("memberships")
            .filter_map(|item| item.get("contactGroupMembership")?.get("contactGroupResourceName")?.as_str())
    }
}
