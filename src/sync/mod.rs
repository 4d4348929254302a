//! The decisions: from what both sides hold and what they last agreed on, to a plan.
//!
//! Law: pure. No clock, no I/O, no async, no randomness: the same snapshot gives the same plan.

pub mod guard;
mod labels;
pub mod matching;
mod merge;
mod pair;
mod photos;
mod plan;
mod policy;
mod receipt;
mod record;
mod side;
mod snapshot;

pub use crate::account::AccountName;
pub use labels::{LabelId, LabelRules, Moment, Relabel, Role, Worn, linked_doctypes, shown_labels};
pub use merge::{Both, Decision, MergeRules, Merged, OpenConflict, Target, merge, rebase};
pub use pair::{DafaterBase, GoogleBase, Origin, Pair, PairId, Withheld};
pub use photos::{PhotoAction, PhotoPolicy, Pictured};
pub use plan::{Action, Deed, DeedKind, Image, LeftAlone, Plan, Step, Undo};
pub use policy::{ConflictPolicy, DeletionPolicy, FirstSync, Policy, Scope};
pub use receipt::{Promise, Written};
pub use record::{Conflict, Loose, LooseReason, RecordId, Review};
pub use side::Side;
pub use snapshot::{Alone, Decisions, PairView, Sighting, Snapshot};
