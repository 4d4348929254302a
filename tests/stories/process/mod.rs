//! Stories told by the built binary over real HTTP.

mod consent;
mod daemon;
mod directions;
mod faults;
mod quota;
mod scale;
mod secrets;
