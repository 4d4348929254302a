//! Runs a plan: journal (intent, effect, receipt), recovery, outcome. The only writer of the outside world.

mod report;

pub use report::{Counts, Outcome, Requests, RunReport};
