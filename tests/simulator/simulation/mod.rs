//! The whole engine against both stand-ins, in one thread and in virtual time.
//!
//! ```text
//!  seed ─> generate ─> history ─> world ─┬─ engine ─> wire ─> scene: deeds, faults, crashes ─> the models
//!                                        │                      └─> watch: judges each write     book: what people did
//!                                        └─ at rest ─> laws, edits, values
//! ```
//!
//! Real are the cycle, the clients, their JSON and error handling, the executor, the journal, the cursors and the tables; imagined are
//! the wire, the clock and the disk. It stands under `tests/` and not in the library because it judges the library: nothing of it
//! is for anyone who runs the daemon. The command `examples/simulate.rs` shares these files.
//!
//! Law: one seed gives one history, and one history always ends the same, to the byte.

pub mod book;
pub mod camera;
pub mod chance;
pub mod clock;
pub mod creations;
pub mod deeds;
pub mod drive;
pub mod edits;
pub mod generate;
pub mod history;
pub mod laws;
pub mod picture;
pub mod scene;
pub mod shrink;
pub mod trouble;
pub mod values;
pub mod watch;
pub mod wire;
pub mod world;
