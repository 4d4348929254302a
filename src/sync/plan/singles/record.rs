//! What placing must know of a record, whichever side it stands on.

use crate::contact::Contact;
use crate::mapping::{Document, Mapping, Person, ResourceName, SiteStamp};
use crate::sync::snapshot::PairView;
use crate::sync::{AccountName, PairId, RecordId, Side};

pub(super) trait Record {
    const SIDE: Side;

    fn id(&self) -> RecordId;
    fn revision(&self) -> &str;
    /// By which it is known after a rename.
    fn creation(&self) -> Option<&SiteStamp>;
    /// Under which Google reads it.
    fn resource_name(&self) -> Option<&ResourceName>;
    fn says(&self, mapping: &Mapping) -> Contact;
    /// The id of the pair that it begins, if that is nobody else's.
    fn begun(&self, account: &AccountName) -> PairId;
    /// As Google's record, or as Dafater's.
    fn halves(&self) -> (Option<&Person>, Option<&Document>);
    /// The record of a pair, if it was seen.
    fn of(view: &PairView) -> Option<&Self>;
}

impl Record for Person {
    const SIDE: Side = Side::Google;

    fn id(&self) -> RecordId {
        RecordId::Google(self.source_id.clone())
    }

    fn revision(&self) -> &str {
        &self.etag.0
    }

    fn creation(&self) -> Option<&SiteStamp> {
        None
    }

    fn resource_name(&self) -> Option<&ResourceName> {
        Some(&self.resource_name)
    }

    fn says(&self, mapping: &Mapping) -> Contact {
        self.contact(mapping)
    }

    fn begun(&self, account: &AccountName) -> PairId {
        PairId::from_google(account, &self.source_id)
    }

    fn halves(&self) -> (Option<&Person>, Option<&Document>) {
        (Some(self), None)
    }

    fn of(view: &PairView) -> Option<&Self> {
        view.google.present()
    }
}

impl Record for Document {
    const SIDE: Side = Side::Dafater;

    fn id(&self) -> RecordId {
        RecordId::Dafater(self.name.clone())
    }

    fn revision(&self) -> &str {
        &self.modified.0
    }

    fn creation(&self) -> Option<&SiteStamp> {
        Some(&self.creation)
    }

    fn resource_name(&self) -> Option<&ResourceName> {
        None
    }

    fn says(&self, mapping: &Mapping) -> Contact {
        self.contact(mapping)
    }

    fn begun(&self, account: &AccountName) -> PairId {
        PairId::from_dafater(account, &self.creation, &self.name)
    }

    fn halves(&self) -> (Option<&Person>, Option<&Document>) {
        (None, Some(self))
    }

    fn of(view: &PairView) -> Option<&Self> {
        view.dafater.present()
    }
}
