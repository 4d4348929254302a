//! When a run is due.
//!
//! [`Schedule`] and [`Backoff`] are functions of time, [`Agenda`] is what one account remembers between two runs. All three take
//! the time as an argument, so that a year with both its clock changes passes in a test within a millisecond.
//!
//! Law: pure, but for [`Ticker`], which only says that a second has gone by. When a run is due is never the ticker's decision.

mod agenda;
mod backoff;
mod pattern;
mod ticker;

pub use agenda::Agenda;
pub use backoff::Backoff;
pub use chrono_tz::Tz;
pub use pattern::{Schedule, ScheduleError};
pub use ticker::{Ticker, TickerError};
