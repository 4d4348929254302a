//! Stand-ins for Google and Dafater.
//!
//! Each is a *model*: request in, response out, with the time as an argument and its randomness seeded, so that it serves over a
//! socket (the sandbox, the stories under `tests/`) and without one (the simulator). A thin HTTP shell puts a model on a port.
//!
//! Law: shares no code with the clients it stands in for: no types, no constants, so that one error cannot hide in both.

pub mod comparison;
pub mod dafater;
pub mod faults;
pub mod google;
pub mod people;
pub mod serve;
pub mod town;

use bytes::Bytes;
use jiff::Timestamp;

/// A remote without a socket.
pub trait Model: Send {
    /// Answers one request at the time `now`. Never panics, whatever the request.
    fn handle(&mut self, request: &http::Request<Bytes>, now: Timestamp) -> http::Response<Bytes>;
}
