//! The daemon's life: what runs, for how long, and what the outside is told of it.
//!
//! ```text
//! ticker ──> life ──ticks──> one supervised task an account ──> LiveAccount::cycle ──> Engine
//! signals ─>  │ ──roster──>          (reads the roster at each tick)      ▲
//! desk ────>  │                                                           │
//! reload ──>  └──STATUS──> systemd                   control socket ──────┘
//! ```
//!
//! Law: cycles of one account never overlap, whoever asks for them; a cycle ends with the configuration it began with; a panic
//! ends one task and no other; the first stop signal is obeyed within [`STOP_WITHIN`].

mod backend;
mod desk;
mod heartbeat;
mod keeper;
mod life;
mod live_account;
mod notify;
mod reload;
mod rights;
mod roster;
mod sentence;
mod settings;
mod signals;
mod supervisor;
mod surroundings;
#[cfg(test)]
pub(crate) mod testing;
mod webhook;
mod workshop;

pub use backend::{Backend, Begun, Consent, EngineFactory};
pub use desk::{Desk, DeskDoor, join, take_over};
pub use life::{Launch, STOP_WITHIN, run};
pub use live_account::{LiveAccount, Standing, Trigger};
pub use notify::Notifier;
pub use reload::{ReloadOutcome, ReloadRequest, Reloads};
pub use roster::Roster;
pub use settings::{AccountSettings, Loaded, Settings, SettingsSource};
pub use signals::{StopSignal, StopSignals};
pub use surroundings::Surroundings;
pub use workshop::{Workshop, examine_desk, site_client};
