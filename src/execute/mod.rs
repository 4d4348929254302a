//! Runs a plan: journal (intent, effect, receipt), recovery, outcome. The only writer of the outside world.

mod account;
mod apply;
mod engine;
mod finish;
mod observe;
mod report;
mod settings;
mod show;
mod view;

pub use crate::state::{ChangeView, Counts, HistoryView};
pub use account::AccountEngine;
pub use engine::{Engine, EngineError, EngineErrorKind, RunRequest};
pub use report::{Cause, Outcome, Requests, RunReport};
pub use settings::{Parts, Settings};
pub use view::{AccountStatus, ConflictView, HistoryFilter, HoldView, PlanView, ReviewView, StepView};
