//! What both remotes share: how a request leaves the process, what a failure means, and the clock.
//!
//! The clients build [`http::Request`]s and read [`http::Response`]s; a [`Transport`] carries them. In the daemon that is
//! `reqwest`, in the simulator a direct call into a model, so that everything above this line is the same code in both.

mod clock;
mod counting;
mod disposition;
mod noticing;
mod reqwest_transport;

use bytes::Bytes;
use futures_util::future::BoxFuture;

pub use clock::{Clock, SystemClock};
pub use counting::CountingTransport;
pub use disposition::Disposition;
pub use noticing::NoticingTransport;
pub use reqwest_transport::{ReqwestTransport, TransportOptions};

/// Carries one request to a remote and brings the answer back.
///
/// A transport follows no redirects, keeps no cookies, and bounds both time and size: an answer is whole or it is an error.
pub trait Transport: Send + Sync {
    /// Sends `request`, whose URI is absolute, and returns the whole answer whatever its status.
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>>;
}

/// Why no answer came. Which of the two it is decides whether a write may have happened.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The request never left: name resolution, connection or TLS failed. Nothing was written.
    #[error("cannot connect to {host}: {reason}")]
    NotSent {
        /// Host that was asked for.
        host: String,
        /// The innermost cause, in plain words.
        reason: String,
    },
    /// The request may have reached the remote: time-out, reset, truncated or oversized answer. A write is in doubt.
    #[error("no complete answer from {host}: {reason}")]
    NoAnswer {
        /// Host that was asked.
        host: String,
        /// The innermost cause, in plain words.
        reason: String,
    },
}
