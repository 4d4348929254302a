//! The values an operator writes that need more than a string: durations, schedules, time zones, log levels.
//!
//! Law: a value is checked once, when it is read, and cannot be wrong afterwards.

mod schedule;
mod span;
mod zone;

pub use schedule::{CronExpression, ScheduleSpec};
pub use span::Span;
pub use zone::ZoneName;
