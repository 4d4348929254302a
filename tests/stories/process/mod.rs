//! Stories told by the built binary over real HTTP.

mod daemon;
mod directions;
mod faults;
mod scale;
