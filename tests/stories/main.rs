//! Stories about the outside: what people and remotes do, and what the daemon makes of it.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    unreachable_pub,
    reason = "tests, at the edge where clocks are read"
)]

mod house;
mod world;

mod addresses;
mod addresses_by_chance;
mod bad_input;
mod conformance;
mod deletions;
mod downtime;
mod editing;
mod faults;
mod fields;
mod first_sync;
mod fuzz;
mod judgement;
mod labels;
mod labels_by_chance;
mod links;
mod people;
mod people_api;
mod photos;
mod process;
mod profiles;
mod quotas;
mod refused_values;
mod renames;
mod room;
mod scope;
mod undo;
