//! Tells when a remote forbids something.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::StatusCode;

use super::{Transport, TransportError};

/// A transport that calls out at each answer of status 403.
pub struct NoticingTransport {
    inner: Arc<dyn Transport>,
    forbidden: Arc<dyn Fn() + Send + Sync>,
}

impl NoticingTransport {
    /// Calls `forbidden` at each 403 that `inner` brings.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, forbidden: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { inner, forbidden }
    }
}

impl Transport for NoticingTransport {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(async move {
            let answer = self.inner.send(request).await;
            if matches!(&answer, Ok(response) if response.status() == StatusCode::FORBIDDEN) {
                (self.forbidden)();
            }
            answer
        })
    }
}
