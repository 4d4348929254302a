//! The decisions: from what both sides hold and what they last agreed on, to a plan.
//!
//! Law: pure. No clock, no I/O, no async, no randomness: the same snapshot gives the same plan.

pub mod guard;
mod labels;
mod links;
pub mod matching;
mod merge;
mod pair;
mod photos;
mod plan;
mod policy;
mod receipt;
mod record;
mod scope;
mod side;
mod snapshot;

pub use crate::account::AccountName;
pub use labels::{LabelId, LabelRules, Moment, Relabel, Role, Worn, linked_doctypes, shown_labels};
pub use links::{LinkBy, Links, choose};
pub use merge::{Both, Decision, MergeRules, Merged, OpenConflict, Target, merge, rebase};
pub use pair::{AddressStamp, DafaterBase, GoogleBase, Origin, Pair, PairId, Withheld};
pub use photos::{PhotoAction, PhotoPolicy, Pictured};
pub use plan::{Action, Deed, DeedKind, Image, LeftAlone, Plan, Step, Undo};
pub use policy::{
    ConflictPolicy, DeletionPolicy, Direction, FieldRule, FieldRules, FirstSync, Policy, Scope,
};
pub use receipt::{Promise, Written};
pub use record::{Conflict, Loose, LooseReason, RecordId, Review};
pub use scope::stays;
pub use side::Side;
pub use snapshot::{Alone, Decisions, Left, PairView, Sighting, Snapshot};
