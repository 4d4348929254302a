//! What the daemon says of itself: the event catalogue, and where its lines go.
//!
//! Law: whatever is logged at `info` or above is an event of the catalogue. The levels are promises: `error` means that a person must
//! act, `warn` that something unexpected was dealt with, `info` what a person just caused or what a run achieved.

mod dumps;
pub mod events;
mod loggable;
mod logging;
mod panics;

pub use dumps::forbid_core_dumps;
pub use events::{CATALOGUE, Entry, explain};
pub use logging::{LogError, LogFormat, LogHandle, LogSettings, Output, install, is_journal};
pub use panics::report_panics;
