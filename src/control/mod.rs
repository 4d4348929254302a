//! The control socket: how a running daemon is asked, and by whom.
mod access;
mod exit;
mod failure;
mod protocol;
mod users;
pub use access::Role;
pub use exit::Exit;
pub use failure::{Failure, Finding};
pub use protocol::{MAX_LINE, Reply, Request, VERSION};
pub use users::Caller;
