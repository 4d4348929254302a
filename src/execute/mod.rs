//! Runs a plan: journal (intent, effect, receipt), recovery, outcome. The only writer of the outside world.

mod account;
mod apply;
mod engine;
mod observe;
mod report;
mod settings;
mod show;
mod view;

pub use account::AccountEngine;
pub use engine::{Engine, EngineError, EngineErrorKind, RunRequest};
pub use report::{Cause, Counts, Outcome, Requests, RunReport};
pub use settings::{Parts, Settings};
pub use view::{
    AccountStatus, ChangeView, ConflictView, HistoryFilter, HistoryView, HoldView, PlanView, ReviewView,
    StepView,
};
