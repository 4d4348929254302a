//! The decisions: from what both sides hold and what they last agreed on, to a plan.
//!
//! Law: pure. No clock, no I/O, no async, no randomness: the same snapshot gives the same plan.

mod account;
mod pair;
mod policy;
mod record;
mod side;

pub use account::AccountName;
pub use pair::{DafaterBase, GoogleBase, Origin, Pair, PairId, Withheld};
pub use policy::{ConflictPolicy, DeletionPolicy, FirstSync, Policy, Scope};
pub use record::{Conflict, Loose, LooseReason, RecordId, Review};
pub use side::Side;
