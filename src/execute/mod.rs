//! Runs a plan: journal (intent, effect, receipt), recovery, outcome. The only writer of the outside world.

mod account;
mod apply;
mod cycle;
mod engine;
mod fields;
mod finish;
mod hold;
mod hub;
mod judgement;
mod labels;
mod notes;
mod observe;
mod photos;
mod report;
mod retention;
mod room;
mod settings;
mod show;
mod undo;
mod view;
mod wanted;

pub use crate::state::{ChangeView, Counts, HistoryView};
pub use account::AccountEngine;
pub use engine::{Engine, EngineError, EngineErrorKind, RunRequest, UndoRequest};
pub use hub::Hub;
pub use report::{Cause, Outcome, Requests, RunReport};
pub use settings::{Parts, Settings};
pub use view::{
    AccountStatus, ConflictView, HistoryFilter, HoldView, LeftView, PlanView, ReviewView, StepView, UndoView,
};
