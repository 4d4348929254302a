//! Reads which addresses changed, and proves that one is gone.
//!
//! An edit of an Address does not move the contact that it is linked to: addresses have a watermark of their own, which leads to the pairs
//! that must be looked at.
//!
//! Law: an Address that a pair knew and that is not shown any more is gone only if the site says so under its own name. While that cannot be
//! told, nothing is known of the contact's addresses.

use std::collections::{BTreeMap, BTreeSet};

use super::identity::Gathered;
use super::{Deletions, Observer};
use crate::dafater::{AddressLookup, Stamp};
use crate::execute::EngineError;
use crate::mapping::{AddressDocument, Document, DocumentName, SiteStamp};
use crate::state::{AccountState, AddressCursor};
use crate::sync::{AddressStamp, Pair, PairView, Sighting};

/// What a read of the site's addresses showed.
#[derive(Debug, Default)]
pub(in crate::execute) struct AddressReading {
    /// The watermark to store once everything read is dealt with.
    pub(in crate::execute) cursor: Option<AddressCursor>,
    /// The changes that were seen, by name and revision, and the deletions, by name and creation: seen again, they are no news.
    seen: BTreeSet<(String, String)>,
    /// Of those changes the names of contacts to which the address was linked, and which contact had the name then.
    held: Vec<((String, String), DocumentName, Option<SiteStamp>)>,
    /// Addresses that changed, with their revision now.
    changed: BTreeMap<DocumentName, SiteStamp>,
    /// Addresses that were deleted, with their creation where it is known.
    deleted: Deletions,
    /// Contacts that one of those is linked to now.
    contacts: BTreeSet<DocumentName>,
    /// Of every address its revision and its contacts, when all were compared.
    all: Option<BTreeMap<DocumentName, SiteStamp>>,
    all_of: BTreeMap<DocumentName, BTreeSet<DocumentName>>,
}

impl Observer<'_> {
    /// Reads what changed since `cursor`, and everything if `sweeps`. Without a cursor all contacts are read whole, and their addresses
    /// with them.
    pub(super) async fn read_addresses(
        &self,
        cursor: Option<AddressCursor>,
        (sweeps, deleted): (bool, &Deletions),
        known: &BTreeSet<(String, String)>,
    ) -> Result<AddressReading, EngineError> {
        let mut reading = AddressReading::default();
        if !self.parts.dafater.reads_addresses() {
            return Ok(reading);
        }
        // The last deletion is reported until there is another one.
        for deletion in deleted {
            let seen = seen_deletion(deletion);
            if !known.contains(&seen) {
                reading.deleted.push(deletion.clone());
            }
            reading.seen.insert(seen);
        }
        let Some(mut cursor) = cursor else {
            reading.cursor = Some(AddressCursor { modified: self.parts.dafater.newest_address().await? });
            return Ok(reading);
        };
        let since = cursor.modified.as_ref().map(|stamp| self.overlapping(stamp));
        let Some(stamps) = self.address_stamps(since.as_ref()).await? else { return Ok(reading) };
        for Stamp { name, modified, .. } in stamps {
            if cursor.modified.as_ref().is_none_or(|mark| modified.civil() > mark.civil()) {
                cursor.modified = Some(modified.clone());
            }
            let seen = (name.0.clone(), modified.0.clone());
            if !known.contains(&seen) {
                reading.changed.insert(name, modified);
            }
            reading.seen.insert(seen);
        }
        self.forget_own_writes(&mut reading)?;
        let changed: Vec<DocumentName> = reading.changed.keys().cloned().collect();
        if !changed.is_empty()
            && let Some(links) = self.parts.dafater.address_links(Some(&changed)).await?
        {
            for (address, contact) in
                links.iter().flat_map(|(name, all)| all.iter().map(move |one| (name, one)))
            {
                if let Some(modified) = reading.changed.get(address) {
                    let seen = (address.0.clone(), modified.0.clone());
                    let holder = creation_of(&self.parts.state, contact)?;
                    reading.held.push((seen, contact.clone(), holder));
                }
                reading.contacts.insert(contact.clone());
            }
        }
        if sweeps
            && let (Some(stamps), Some(links)) =
                (self.address_stamps(None).await?, self.parts.dafater.address_links(None).await?)
        {
            reading.all = Some(stamps.into_iter().map(|stamp| (stamp.name, stamp.modified)).collect());
            for (address, contacts) in links {
                for contact in contacts {
                    reading.all_of.entry(contact).or_default().insert(address.clone());
                }
            }
        }
        reading.cursor = Some(cursor);
        Ok(reading)
    }

    /// The pairs whose addresses changed are looked at.
    pub(super) fn force_addresses(
        &self,
        reading: &AddressReading,
        gathered: &mut Gathered,
    ) -> Result<(), EngineError> {
        if reading.changed.is_empty() && reading.deleted.is_empty() && reading.all.is_none() {
            return Ok(());
        }
        for pair in self.parts.state.pairs() {
            let pair = pair?;
            let known = pair.dafater.addresses.as_deref().unwrap_or_default();
            let is_changed = known.iter().any(|address| reading.changed.contains_key(&address.name))
                || reading.contacts.contains(&pair.dafater.name)
                || known.iter().any(|address| is_reported(address, &reading.deleted))
                || reading.differs(&pair);
            if is_changed {
                let half = gathered.half(pair);
                if let Some(Sighting::Present(document)) = &half.dafater
                    && reading.is_ahead_of(document)
                {
                    half.dafater = None;
                }
            }
        }
        Ok(())
    }

    /// Asks under its own name for each address that a pair knew and that its contact does not show any more.
    pub(super) async fn confirm_addresses(
        &self,
        gathered: &mut Gathered,
        deleted: &[(DocumentName, Option<SiteStamp>)],
    ) -> Result<(), EngineError> {
        for half in gathered.pairs.values_mut() {
            let Some(Sighting::Present(document)) = &half.dafater else { continue };
            let (Some(known), Some(shown)) = (&half.pair.dafater.addresses, &document.addresses) else {
                continue;
            };
            let is_shown = |address: &&AddressStamp| {
                shown.iter().any(|shown| shown.creation.civil() == address.creation.civil())
            };
            let missing: Vec<AddressStamp> =
                known.iter().filter(|address| !is_shown(address)).cloned().collect();
            if missing.is_empty() {
                continue;
            }
            let mut addresses = Some(shown.as_ref().clone());
            for address in missing.iter().filter(|address| !is_reported(address, deleted)) {
                match self.parts.dafater.get_address(&address.name).await? {
                    AddressLookup::Missing => {}
                    AddressLookup::Found(found) => {
                        if let Some(addresses) = &mut addresses
                            && is_still_its(&found, address, document)
                        {
                            addresses.push(found);
                        }
                    }
                    AddressLookup::Hidden | AddressLookup::Malformed(_) => addresses = None,
                }
            }
            let document = document.clone().with_addresses(addresses);
            half.dafater = Some(Sighting::Present(document));
        }
        Ok(())
    }

    async fn address_stamps(&self, since: Option<&SiteStamp>) -> Result<Option<Vec<Stamp>>, EngineError> {
        let mut stamps = Vec::new();
        let mut after = None;
        loop {
            let page = self.parts.dafater.changed_addresses(since, after.as_ref()).await?;
            let Some(page) = page else { return Ok(None) };
            stamps.extend(page.stamps);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(Some(stamps)),
            }
        }
    }

    /// What a pair remembers at just that revision, and none at another, we wrote or saw ourselves.
    fn forget_own_writes(&self, reading: &mut AddressReading) -> Result<(), EngineError> {
        if reading.changed.is_empty() {
            return Ok(());
        }
        let (mut known, mut otherwise) = (BTreeSet::new(), BTreeSet::new());
        for pair in self.parts.state.pairs() {
            for address in pair?.dafater.addresses.into_iter().flatten() {
                if let Some(modified) = reading.changed.get(&address.name) {
                    let list = if *modified == address.modified { &mut known } else { &mut otherwise };
                    list.insert(address.name);
                }
            }
        }
        reading.changed.retain(|name, _| !known.contains(name) || otherwise.contains(name));
        Ok(())
    }
}

impl AddressReading {
    /// Whether a contact was read before its addresses became what they are: it is to be read again.
    fn is_ahead_of(&self, document: &Document) -> bool {
        let shown = AddressStamp::of(document).unwrap_or_default();
        let is_shown = |name: &str, modified: &str| {
            shown.iter().any(|address| address.name.0 == name && address.modified.0 == modified)
        };
        let its = self.held.iter().filter(|(_, contact, _)| *contact == document.name);
        its.into_iter().any(|((name, modified), ..)| !is_shown(name, modified))
            || shown.iter().any(|address| is_reported(address, &self.deleted))
    }

    /// The changes that are no news any more once the cycle is over.
    ///
    /// API: addresses are linked to a name, whoever has it. What was linked to it before a contact of that name was made is looked at
    /// with that contact, in the next cycle.
    pub(in crate::execute) fn dealt_with(
        &self,
        state: &AccountState,
        pairs: &[PairView],
    ) -> Result<BTreeSet<(String, String)>, EngineError> {
        // About a pair of which a half could not be seen as it is now nothing was decided.
        let is_open = |view: &&PairView| {
            matches!(view.google, Sighting::Stale | Sighting::Unseen)
                || matches!(view.dafater, Sighting::Stale | Sighting::Unseen)
        };
        let open: Vec<&Pair> = pairs.iter().filter(is_open).map(|view| &view.pair).collect();
        let mut dealt_with = self.seen.clone();
        for (seen, contact, holder) in &self.held {
            let is_its = |pair: &&Pair| pair.dafater.name == *contact;
            if creation_of(state, contact)? != *holder || open.iter().any(is_its) {
                dealt_with.remove(seen);
            }
        }
        for address in open.iter().filter_map(|pair| pair.dafater.addresses.as_ref()).flatten() {
            if let Some(modified) = self.changed.get(&address.name) {
                dealt_with.remove(&(address.name.0.clone(), modified.0.clone()));
            }
            for deletion in self.deleted.iter().filter(|deletion| is_of(deletion, address)) {
                dealt_with.remove(&seen_deletion(deletion));
            }
        }
        Ok(dealt_with)
    }

    /// Whether the site shows other addresses of a pair's contact than it remembers.
    fn differs(&self, pair: &Pair) -> bool {
        let Some(all) = &self.all else { return false };
        let linked = self.all_of.get(&pair.dafater.name).into_iter().flatten();
        let shown: BTreeSet<&DocumentName> = linked.filter(|name| all.contains_key(*name)).collect();
        let Some(known) = &pair.dafater.addresses else { return !shown.is_empty() };
        known.len() != shown.len()
            || known.iter().any(|address| {
                !shown.contains(&address.name) || all.get(&address.name) != Some(&address.modified)
            })
    }
}

fn is_reported(address: &AddressStamp, deleted: &[(DocumentName, Option<SiteStamp>)]) -> bool {
    deleted.iter().any(|deletion| is_of(deletion, address))
}

fn is_of((name, creation): &(DocumentName, Option<SiteStamp>), address: &AddressStamp) -> bool {
    match creation {
        Some(creation) => creation.civil() == address.creation.civil(),
        None => *name == address.name,
    }
}

fn seen_deletion((name, creation): &(DocumentName, Option<SiteStamp>)) -> (String, String) {
    (format!("{} deleted", name.0), creation.as_ref().map_or("", |at| &at.0).to_owned())
}

/// When the contact was created that has the name, if it is in a pair.
fn creation_of(state: &AccountState, contact: &DocumentName) -> Result<Option<SiteStamp>, EngineError> {
    Ok(state.pair_of_dafater(contact)?.map(|pair| pair.dafater.creation))
}

/// Whether what stands under the address's name is that address, and is still linked to the contact.
fn is_still_its(found: &AddressDocument, address: &AddressStamp, document: &Document) -> bool {
    found.creation.civil() == address.creation.civil() && found.belongs_to(&document.name)
}
