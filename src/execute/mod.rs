//! Runs a plan: journal (intent, effect, receipt), recovery, outcome. The only writer of the outside world.

mod engine;
mod report;
mod view;

pub use engine::{Engine, EngineError, EngineErrorKind, RunRequest};
pub use report::{Cause, Counts, Outcome, Requests, RunReport};
pub use view::{
    AccountStatus, ChangeView, ConflictView, HistoryFilter, HistoryView, HoldView, PlanView, ReviewView,
    StepView,
};
