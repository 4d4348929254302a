//! Counts what is sent.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use futures_util::future::BoxFuture;

use super::{Transport, TransportError};

/// A transport that counts the requests which pass through it.
pub struct CountingTransport {
    inner: Arc<dyn Transport>,
    sent: AtomicU32,
}

impl CountingTransport {
    /// Counts what `inner` carries.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>) -> Self {
        Self { inner, sent: AtomicU32::new(0) }
    }

    /// Requests since this was made.
    #[must_use]
    pub fn sent(&self) -> u32 {
        self.sent.load(Ordering::Relaxed)
    }
}

impl Transport for CountingTransport {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        self.sent.fetch_add(1, Ordering::Relaxed);
        self.inner.send(request)
    }
}
