//! What the daemon remembers of an account, as typed tables over the [`Store`].
//!
//! Keys (each begins with the account's name and a zero byte, see [`crate::store::Key`]):
//!
//! | tree | key | value |
//! |---|---|---|
//! | accounts | `cursors` | [`Cursors`] |
//! | accounts | `progress` | [`Progress`] |
//! | accounts | `exhausted` | [`Exhausted`] |
//! | accounts | `addresses` | [`AddressCursor`] |
//! | accounts | `labels` | [`Labels`] |
//! | pairs | `worn` pair id | [`Worn`](crate::sync::Worn) |
//! | queue | `label` pair id | [`Owed`] |
//! | pairs | `photo` pair id | [`Pictured`](crate::sync::Pictured) |
//! | queue | `photo` pair id | [`OwedPhoto`] |
//! | pairs | `pair` id | [`Pair`] |
//! | pairs | `google` source id | pair id |
//! | pairs | `dafater` name | pair id |
//! | pairs | `creation` creation, name | pair id |
//! | pairs | `parted` source id | [`Parted`] |
//! | pairs | `parting` creation | source id of what is parted |
//! | pairs | `loose` record | [`Loose`] |
//! | pairs | `left` id | [`Pair`] that left the scope |
//! | pairs | `left-google` source id | pair id |
//! | pairs | `left-dafater` creation | pair id |
//! | journal | pair id, side | [`Intent`] |
//! | queue | `parked` pair id | [`Parked`] |
//! | queue | `review` record | [`Review`] |
//! | queue | `unlinked` pair id | [`Unlinked`] |
//! | queue | `conflict` pair id, field | [`Conflict`] |
//! | queue | `link` google, dafater | declared to be the same person |
//! | queue | `hold` | [`Hold`] |
//! | queue | `undo` | [`UndoHold`] |
//! | queue | `held` `cycle` or `undo`, pair id | that the held plan deletes or empties it |
//! | queue | `apart` record | declared to be a person of its own |
//! | tombstones | record | [`Tombstone`] |
//! | history | run, pair id, side (of a write) or what was decided | [`HistoryEntry`] |
//!
//! Law: what belongs together changes in one [`Changes`], which is one commit.

mod changes;
mod earlier;
mod records;
mod shown;
mod tables;

pub use changes::Changes;
pub use records::{
    AddressCursor, Bound, Cursors, DafaterCursor, Exhausted, GoogleCursor, HeldBy, HistoryEntry, Hold,
    HoldDecision, Intent, IntentKind, Labels, Owed, OwedPhoto, Parked, Parted, Progress, Tombstone, UndoHold,
    Unlinked,
};
pub use shown::{ChangeView, Counts, HistoryView};
pub use tables::AccountState;

/// Version of every value's shape; see [`crate::store::codec`].
const VALUE_VERSION: u8 = 1;
/// Version of the pairs.
const RECORD_VERSION: u8 = 2;
/// Version of the records that stand alone.
const LOOSE_VERSION: u8 = 3;
/// Version of the history's entries.
const HISTORY_VERSION: u8 = 3;
/// Version of the intents.
const INTENT_VERSION: u8 = 4;
