//! The control socket: how a running daemon is asked, by whom, and what it answers.
//!
//! [`Operations`] is the one implementation of every command. A [`Server`] puts it on a socket; a command that finds no daemon works
//! with its own.
//!
//! Law: who asks is told by the kernel, never by the client.

mod access;
mod client;
mod exit;
mod failure;
mod operations;
mod protocol;
mod server;
mod users;
mod view;

pub use access::Role;
pub use client::Client;
pub use exit::Exit;
pub use failure::{Failure, Finding};
pub use operations::{Operations, Replies};
pub use protocol::{MAX_LINE, Reply, Request, VERSION};
pub use server::Server;
pub use users::Caller;
pub use view::{AccountView, DaemonView, ProbeView, StatusView};
