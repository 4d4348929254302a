//! Takes pictures of both sides. What did not change since the last one is not looked at again: most of a history nothing happens.

use std::collections::BTreeSet;
use std::sync::Arc;

use dafater_contactsd::mapping::{Document, Mapping, Person};
use dafater_contactsd::sandbox::dafater::{DocumentVersion, Site};
use dafater_contactsd::sandbox::google::Google;
use dafater_contactsd::sync::Side;
use serde_json::Value;

use super::deeds::EMAILS;
use super::history::Setting;
use super::picture::{ADDRESSES, Id, Origin, Picture, Seen, mapping};

/// Where something may have changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The Google account of this number.
    Account(usize),
    Site,
}

pub struct Camera {
    mapping: Mapping,
    /// Whether addresses travel: then each contact is seen with those that are linked to it.
    has_addresses: bool,
    picture: Arc<Picture>,
    /// What may differ from the picture.
    touched: Vec<Place>,
    addresses: Vec<(DocumentVersion, Value)>,
}

impl Camera {
    pub fn new(setting: &Setting) -> Self {
        let mut camera = Self {
            mapping: mapping(setting),
            has_addresses: setting.addresses,
            picture: Arc::default(),
            touched: Vec::new(),
            addresses: Vec::new(),
        };
        (0..setting.accounts as usize).for_each(|account| camera.touch(Place::Account(account)));
        camera.touch(Place::Site);
        camera
    }

    /// Says that something may have changed there.
    pub fn touch(&mut self, place: Place) {
        if !self.touched.contains(&place) {
            self.touched.push(place);
        }
    }

    /// Both sides now.
    pub fn take(&mut self, google: &Google, site: &Site) -> Arc<Picture> {
        for place in std::mem::take(&mut self.touched) {
            let found = match place {
                Place::Account(account) => persons(google, account),
                Place::Site => self.documents(site),
            };
            self.develop(place, site, found);
        }
        self.picture.clone()
    }

    /// Brings the picture up to what was `found` at a place.
    fn develop(&mut self, place: Place, site: &Site, found: Vec<(Id, Origin)>) {
        let known = &self.picture.0;
        let is_known = |(id, origin): &(Id, Origin)| known.get(id).is_some_and(|seen| seen.origin == *origin);
        let (same, changed): (Vec<_>, Vec<_>) = found.into_iter().partition(is_known);
        let before = known.iter().filter(|(id, seen)| place.has(id, seen)).count();
        if changed.is_empty() && before == same.len() {
            return;
        }
        let changed: Vec<(Id, Arc<Seen>)> = changed
            .into_iter()
            .map(|(id, origin)| {
                let seen = self.see(place, site, origin);
                (id, Arc::new(seen))
            })
            .collect();
        let picture = &mut Arc::make_mut(&mut self.picture).0;
        let same: BTreeSet<Id> = same.into_iter().map(|(id, _)| id).collect();
        picture.retain(|id, seen| !place.has(id, seen) || same.contains(id));
        picture.extend(changed);
    }

    fn see(&self, place: Place, site: &Site, origin: Origin) -> Seen {
        match &origin {
            Origin::Person(person) => {
                let json = person.json();
                let person = Person::parse(json.clone()).unwrap();
                let contact = person.contact(&self.mapping);
                let Place::Account(account) = place else { unreachable!("persons are in accounts") };
                Seen { account, name: person.resource_name.0, json, contact, origin }
            }
            Origin::Documents(documents) => {
                let mut json = site.show("Contact", &documents[0]).unwrap();
                if self.has_addresses {
                    let of = |version| self.addresses.iter().find(|(known, _)| known == version);
                    let own = documents[1..].iter().filter_map(of).map(|(_, address)| address.clone());
                    json[ADDRESSES] = own.collect::<Vec<_>>().into();
                }
                let document = Document::parse(json.clone()).unwrap();
                let contact = document.contact(&self.mapping);
                Seen { account: 0, name: document.name.0, json, contact, origin }
            }
        }
    }

    /// The contacts of the site, each with the addresses that are linked to it, where those travel.
    fn documents(&mut self, site: &Site) -> Vec<(Id, Origin)> {
        if self.has_addresses {
            self.read_addresses(site);
        }
        let contacts = site.versions("Contact").into_iter().map(|contact| {
            let is_its = |address: &Value| {
                let mut links = address["links"].as_array().into_iter().flatten();
                links.any(|link| link["link_doctype"] == "Contact" && link["link_name"] == contact.name())
            };
            let own = self.addresses.iter().filter(|(_, address)| is_its(address));
            let own: Vec<DocumentVersion> = own.map(|(version, _)| version.clone()).collect();
            let id = (Side::Dafater, contact.creation());
            (id, Origin::Documents(std::iter::once(contact).chain(own).collect()))
        });
        contacts.collect()
    }

    /// Reads the addresses that changed, oldest first.
    fn read_addresses(&mut self, site: &Site) {
        let known = std::mem::take(&mut self.addresses);
        let read = |version: DocumentVersion| {
            let same = known.iter().find(|(known, _)| *known == version);
            let json = same.map(|(_, json)| json.clone());
            let json = json.unwrap_or_else(|| site.show("Address", &version).unwrap());
            (version, json)
        };
        self.addresses = site.versions("Address").into_iter().map(read).collect();
        self.addresses.sort_by_key(|(version, _)| version.creation());
    }
}

impl Place {
    /// Whether a record is there.
    fn has(self, id: &Id, seen: &Seen) -> bool {
        match self {
            Self::Account(account) => id.0 == Side::Google && seen.account == account,
            Self::Site => id.0 == Side::Dafater,
        }
    }
}

fn persons(google: &Google, account: usize) -> Vec<(Id, Origin)> {
    let all = google.person_versions(EMAILS[account]).unwrap().into_iter();
    all.map(|person| ((Side::Google, person.source_id()), Origin::Person(person))).collect()
}
