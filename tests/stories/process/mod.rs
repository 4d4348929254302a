//! Stories told by the built binary over real HTTP.

mod consent;
mod daemon;
mod damage;
mod desk;
mod directions;
mod doctor;
mod fault_card;
mod faults;
mod many;
mod quota;
mod scale;
mod secrets;
mod upkeep;
mod webhook;
