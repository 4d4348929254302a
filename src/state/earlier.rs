//! Values as earlier versions of the program wrote them.
//!
//! A store keeps months of history; it is read in the shape in which each entry was written.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::records::{self, IntentKind};
use super::{ChangeView, HistoryView};
use crate::account::AccountName;
use crate::contact::{self, Key, TextField, Values};
use crate::mapping::{DocumentName, Etag, ResourceName, SiteStamp, SourceId};
use crate::store::{CodecError, decode, version_of};
use crate::sync::{self, LooseReason, Origin, PairId, RecordId, Side, Withheld};

/// History before an entry told what was there after the write; records before a contact had addresses.
const FIRST: u8 = 1;
/// History before a contact had addresses; records that stood alone before they were known by Google's name.
const SECOND: u8 = 2;
/// Intents before they knew how Google called a contact.
const THIRD: u8 = 3;

/// A contact before it had addresses.
#[derive(Deserialize)]
struct Contact {
    texts: BTreeMap<TextField, String>,
    emails: Values,
    phones: Values,
    mobile: Option<Key>,
}

impl From<Contact> for contact::Contact {
    fn from(contact: Contact) -> Self {
        let Contact { texts, emails, phones, mobile } = contact;
        Self { texts, emails, phones, mobile, addresses: None }
    }
}

#[derive(Deserialize)]
struct Pair {
    id: PairId,
    origin: Origin,
    google: GoogleBase,
    dafater: DafaterBase,
    aliases: Vec<(Key, Key)>,
    withheld: Vec<Withheld>,
}

#[derive(Deserialize)]
struct GoogleBase {
    source_id: SourceId,
    resource_name: ResourceName,
    etag: Etag,
    updated: Option<Timestamp>,
    superseded: Vec<Etag>,
    contact: Contact,
}

#[derive(Deserialize)]
struct DafaterBase {
    name: DocumentName,
    creation: SiteStamp,
    modified: SiteStamp,
    contact: Contact,
}

impl From<Pair> for sync::Pair {
    fn from(pair: Pair) -> Self {
        let GoogleBase { source_id, resource_name, etag, updated, superseded, contact } = pair.google;
        let DafaterBase { name, creation, modified, contact: in_dafater } = pair.dafater;
        Self {
            id: pair.id,
            origin: pair.origin,
            google: sync::GoogleBase {
                source_id,
                resource_name,
                etag,
                updated,
                superseded,
                contact: contact.into(),
            },
            dafater: sync::DafaterBase {
                name,
                creation,
                modified,
                contact: in_dafater.into(),
                addresses: None,
            },
            aliases: pair.aliases,
            withheld: pair.withheld,
        }
    }
}

#[derive(Deserialize)]
struct Loose {
    record: RecordId,
    creation: Option<SiteStamp>,
    revision: String,
    contact: Contact,
    why: LooseReason,
}

impl From<Loose> for sync::Loose {
    fn from(loose: Loose) -> Self {
        let Loose { record, creation, revision, contact, why } = loose;
        Self { record, creation, resource_name: None, revision, contact: contact.into(), why }
    }
}

#[derive(Deserialize)]
struct SecondLoose {
    record: RecordId,
    creation: Option<SiteStamp>,
    revision: String,
    contact: contact::Contact,
    why: LooseReason,
}

impl From<SecondLoose> for sync::Loose {
    fn from(loose: SecondLoose) -> Self {
        let SecondLoose { record, creation, revision, contact, why } = loose;
        Self { record, creation, resource_name: None, revision, contact, why }
    }
}

#[derive(Deserialize)]
struct Parted {
    pair: Pair,
    at: Timestamp,
}

impl From<Parted> for records::Parted {
    fn from(parted: Parted) -> Self {
        Self { pair: parted.pair.into(), at: parted.at }
    }
}

#[derive(Deserialize)]
struct Promise {
    google: Contact,
    dafater: Contact,
}

impl From<Promise> for sync::Promise {
    fn from(promise: Promise) -> Self {
        Self { google: promise.google.into(), dafater: promise.dafater.into() }
    }
}

#[derive(Deserialize)]
struct FirstView {
    account: AccountName,
    run: String,
    at: Timestamp,
    action: String,
    side: Option<Side>,
    google: Option<RecordId>,
    dafater: Option<RecordId>,
    title: String,
    reason: String,
    changes: Vec<ChangeView>,
}

#[derive(Deserialize)]
struct FirstEntry {
    view: FirstView,
    before: Option<Contact>,
    image: Option<String>,
}

#[derive(Deserialize)]
struct SecondEntry {
    view: HistoryView,
    before: Option<Contact>,
    image: Option<String>,
    after: Option<Contact>,
    revision: Option<String>,
}

#[derive(Deserialize)]
struct Intent<E, P = Promise> {
    pair: PairId,
    side: Side,
    kind: IntentKind,
    record: RecordId,
    at: Timestamp,
    entry: E,
    promise: Option<P>,
}

impl From<FirstEntry> for records::HistoryEntry {
    fn from(entry: FirstEntry) -> Self {
        let FirstView { account, run, at, action, side, google, dafater, title, reason, changes } =
            entry.view;
        Self {
            view: HistoryView {
                account,
                run,
                at,
                action,
                side,
                google,
                dafater,
                title,
                reason,
                changes,
                undoes: None,
            },
            before: entry.before.map(Into::into),
            image: entry.image,
            after: None,
            revision: None,
        }
    }
}

impl From<SecondEntry> for records::HistoryEntry {
    fn from(entry: SecondEntry) -> Self {
        let SecondEntry { view, before, image, after, revision } = entry;
        Self { view, before: before.map(Into::into), image, after: after.map(Into::into), revision }
    }
}

impl<E: Into<records::HistoryEntry>, P: Into<sync::Promise>> From<Intent<E, P>> for records::Intent {
    fn from(intent: Intent<E, P>) -> Self {
        let Intent { pair, side, kind, record, at, entry, promise } = intent;
        let (entry, promise) = (entry.into(), promise.map(Into::into));
        Self { pair, side, kind, record, at, entry, promise, resource_name: None }
    }
}

/// An entry of the history, in whichever shape it was written.
pub(super) fn read_entry(bytes: &[u8]) -> Result<records::HistoryEntry, CodecError> {
    match version_of(bytes)? {
        FIRST => decode::<FirstEntry>(FIRST, bytes).map(Into::into),
        SECOND => decode::<SecondEntry>(SECOND, bytes).map(Into::into),
        _ => decode(super::HISTORY_VERSION, bytes),
    }
}

/// An intent, in whichever shape it was written.
pub(super) fn read_intent(bytes: &[u8]) -> Result<records::Intent, CodecError> {
    match version_of(bytes)? {
        FIRST => decode::<Intent<FirstEntry>>(FIRST, bytes).map(Into::into),
        SECOND => decode::<Intent<SecondEntry>>(SECOND, bytes).map(Into::into),
        THIRD => decode::<Intent<records::HistoryEntry, sync::Promise>>(THIRD, bytes).map(Into::into),
        _ => decode(super::INTENT_VERSION, bytes),
    }
}

/// A pair, in whichever shape it was written.
pub(super) fn read_pair(bytes: &[u8]) -> Result<sync::Pair, CodecError> {
    read_record::<Pair, _>(bytes)
}

/// A pair that ended, in whichever shape it was written.
pub(super) fn read_parted(bytes: &[u8]) -> Result<records::Parted, CodecError> {
    read_record::<Parted, _>(bytes)
}

/// A record that stands alone, in whichever shape it was written.
pub(super) fn read_loose(bytes: &[u8]) -> Result<sync::Loose, CodecError> {
    match version_of(bytes)? {
        FIRST => decode::<Loose>(FIRST, bytes).map(Into::into),
        SECOND => decode::<SecondLoose>(SECOND, bytes).map(Into::into),
        _ => decode(super::LOOSE_VERSION, bytes),
    }
}

fn read_record<E: DeserializeOwned + Into<T>, T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    match version_of(bytes)? {
        FIRST => decode::<E>(FIRST, bytes).map(Into::into),
        _ => decode(super::RECORD_VERSION, bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::encode;

    #[test]
    fn an_entry_of_the_first_version_is_still_read() {
        let view = (
            ("sales", "20260101T000000000000Z", Timestamp::UNIX_EPOCH, "update", Some(Side::Google)),
            (None::<RecordId>, None::<RecordId>, "Ada", "edited in Dafater", Vec::<ChangeView>::new()),
        );
        let bytes = encode(FIRST, &(view, None::<()>, Some("{}")));
        let entry = read_entry(&bytes).unwrap();
        assert_eq!((entry.view.title.as_str(), entry.image.as_deref()), ("Ada", Some("{}")));
        assert_eq!((entry.after, entry.view.undoes), (None, None));
        assert!(read_entry(&bytes[..bytes.len() - 1]).is_err() && read_intent(&bytes).is_err());
    }

    /// Bytes as version 1 of the records wrote them, before contacts had addresses.
    const PAIR: &str = "\
        011830313233343536373839616263646566303132333435363701010231660a70656f706c652f633331032365310114\
        313937302d30312d30315430303a30303a30305a0002010341646103084c6f76656c6163650000010d2b393636353031\
        323334353637102b39363620353020313233203435363701066d6f62696c6500010d2b3936363530313233343536370c\
        416461204c6f76656c61636513323032362d30312d30312030303a30303a303013323032362d30312d30322030303a30\
        303a303002010341646103084c6f76656c6163650000010d2b393636353031323334353637102b393636203530203132\
        33203435363701066d6f62696c6500010d2b3936363530313233343536370000";
    const LOOSE: &str = "\
        0100023166000323653102010341646103084c6f76656c6163650000010d2b393636353031323334353637102b393636\
        20353020313233203435363701066d6f62696c6500010d2b39363635303132333435363705";
    const INTENT: &str = "\
        021830313233343536373839616263646566303132333435363700010002316614313937302d30312d30315430303a30\
        303a30305a0573616c6573017214313937302d30312d30315430303a30303a30305a0675706461746501000000034164\
        610665646974656400000102010341646103084c6f76656c6163650000010d2b393636353031323334353637102b3936\
        3620353020313233203435363701066d6f62696c6500010d2b3936363530313233343536370000010323653101020103\
        41646103084c6f76656c6163650000010d2b393636353031323334353637102b39363620353020313233203435363701\
        066d6f62696c6500010d2b39363635303132333435363702010341646103084c6f76656c6163650000010d2b39363635\
        3031323334353637102b39363620353020313233203435363701066d6f62696c6500010d2b3936363530313233343536\
        37";

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    }

    #[test]
    fn a_pair_and_a_lone_record_from_before_there_were_addresses_are_still_read() {
        let pair = read_pair(&bytes(PAIR)).unwrap();
        assert_eq!(
            (pair.google.contact.title().as_str(), pair.google.etag.0.as_str()),
            ("Ada Lovelace", "#e1")
        );
        assert_eq!(pair.dafater.contact.phones.iter().next().unwrap().raw, "+966 50 123 4567");
        assert_eq!(pair.dafater.contact.mobile.as_ref().unwrap().as_str(), "+966501234567");
        assert_eq!((&pair.dafater.contact.addresses, &pair.dafater.addresses), (&None, &None));
        let at = Timestamp::from_second(1_767_225_600).unwrap();
        let parted: Vec<u8> = bytes(PAIR).into_iter().chain(encode(FIRST, &at).split_off(1)).collect();
        assert_eq!(read_parted(&parted).unwrap(), records::Parted { pair: pair.clone(), at });
        let loose = read_loose(&bytes(LOOSE)).unwrap();
        assert_eq!((loose.contact.title().as_str(), loose.why), ("Ada Lovelace", LooseReason::Empty));
    }

    #[test]
    fn a_lone_record_from_before_it_was_known_by_googles_name_is_still_read() {
        let known = read_loose(&bytes(LOOSE)).unwrap();
        let second =
            encode(SECOND, &(&known.record, &known.creation, &known.revision, &known.contact, known.why));
        assert_eq!(read_loose(&second).unwrap(), known);
        assert_eq!(known.resource_name, None);
        let now = sync::Loose { resource_name: Some(ResourceName("people/1".to_owned())), ..known };
        assert_eq!(read_loose(&encode(crate::state::LOOSE_VERSION, &now)).unwrap(), now);
    }

    #[test]
    fn an_intent_from_before_it_knew_googles_name_is_still_read() {
        let known = read_intent(&bytes(INTENT)).unwrap();
        let records::Intent { pair, side, kind, record, at, entry, promise, .. } = &known;
        let third = encode(THIRD, &(pair, side, kind, record, at, entry, promise));
        assert_eq!(read_intent(&third).unwrap(), known);
        let now = records::Intent { resource_name: Some(ResourceName("people/1".to_owned())), ..known };
        assert_eq!(read_intent(&encode(crate::state::INTENT_VERSION, &now)).unwrap(), now);
    }

    #[test]
    fn an_intent_from_before_there_were_addresses_is_still_read() {
        let intent = read_intent(&bytes(INTENT)).unwrap();
        assert_eq!((intent.kind, intent.side), (IntentKind::Update, Side::Google));
        assert_eq!(intent.promise.unwrap().dafater.title(), "Ada Lovelace");
        assert_eq!((intent.entry.after, intent.entry.revision.as_deref()), (None, Some("#e1")));
    }
}
