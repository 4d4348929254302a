//! Values as earlier versions of the program wrote them.
//!
//! A store keeps months of history; it is read in the shape in which each entry was written.

use jiff::Timestamp;
use serde::Deserialize;

use super::records::{self, IntentKind};
use super::{ChangeView, HistoryView};
use crate::account::AccountName;
use crate::contact::Contact;
use crate::store::{CodecError, decode, version_of};
use crate::sync::{PairId, Promise, RecordId, Side};

/// The version before an entry told what was there after the write.
const FIRST: u8 = 1;

#[derive(Deserialize)]
struct View {
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
struct Entry {
    view: View,
    before: Option<Contact>,
    image: Option<String>,
}

#[derive(Deserialize)]
struct Intent {
    pair: PairId,
    side: Side,
    kind: IntentKind,
    record: RecordId,
    at: Timestamp,
    entry: Entry,
    promise: Option<Promise>,
}

impl From<Entry> for records::HistoryEntry {
    fn from(entry: Entry) -> Self {
        let View { account, run, at, action, side, google, dafater, title, reason, changes } = entry.view;
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
            before: entry.before,
            image: entry.image,
            after: None,
            revision: None,
        }
    }
}

impl From<Intent> for records::Intent {
    fn from(intent: Intent) -> Self {
        let Intent { pair, side, kind, record, at, entry, promise } = intent;
        Self { pair, side, kind, record, at, entry: entry.into(), promise }
    }
}

/// An entry of the history, in whichever shape it was written.
pub(super) fn read_entry(bytes: &[u8]) -> Result<records::HistoryEntry, CodecError> {
    match version_of(bytes)? {
        FIRST => decode::<Entry>(FIRST, bytes).map(Into::into),
        _ => decode(super::HISTORY_VERSION, bytes),
    }
}

/// An intent, in whichever shape it was written.
pub(super) fn read_intent(bytes: &[u8]) -> Result<records::Intent, CodecError> {
    match version_of(bytes)? {
        FIRST => decode::<Intent>(FIRST, bytes).map(Into::into),
        _ => decode(super::HISTORY_VERSION, bytes),
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
        let bytes = encode(FIRST, &(view, None::<Contact>, Some("{}")));
        let entry = read_entry(&bytes).unwrap();
        assert_eq!((entry.view.title.as_str(), entry.image.as_deref()), ("Ada", Some("{}")));
        assert_eq!((entry.after, entry.view.undoes), (None, None));
        assert!(read_entry(&bytes[..bytes.len() - 1]).is_err() && read_intent(&bytes).is_err());
    }
}
