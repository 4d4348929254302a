//! Keeps a business's contacts the same in Google Contacts and in Dafater (a Frappe site).
//!
//! Per account and cycle:
//!
//! ```text
//!  observe google ┐                                                             ┌ write google
//!  observe dafater├─> snapshot ─> match ─> merge ─> plan ─> guard ─> execute ───┤
//!  base (sled)    ┘   (facts)     (pairs)  (3-way)  (data)  (hold?)  (journal)  └ write dafater ─> receipts ─> base, cursors
//! ```
//!
//! Everything between *snapshot* and *guard* is a pure function: no clock, no I/O, no async, no randomness. A plan is plain data.
//! [`execute`] is the only writer of the outside world.

#![forbid(unsafe_code)]

pub mod account;
pub mod cli;
pub mod config;
pub mod contact;
pub mod control;
pub mod daemon;
pub mod dafater;
pub mod execute;
pub mod google;
pub mod mapping;
pub mod observe;
pub mod remote;
#[cfg(feature = "sandbox")]
pub mod sandbox;
pub mod schedule;
pub mod state;
pub mod store;
pub mod sync;
