//! [`Transport`] over `reqwest`: rustls, no redirects, no cookies, bounded time and size.

use std::error::Error as _;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;

use super::{Transport, TransportError};

/// Bounds of a connection to one remote.
#[derive(Debug, Clone)]
pub struct TransportOptions {
    /// Whole call, connecting and reading included.
    pub timeout: Duration,
    /// Connecting alone.
    pub connect_timeout: Duration,
    /// Largest answer that is read, in bytes after decompression.
    pub max_body: usize,
}

impl Default for TransportOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(90),
            connect_timeout: Duration::from_secs(10),
            max_body: 64 << 20,
        }
    }
}

/// The daemon's transport.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    max_body: usize,
}

impl ReqwestTransport {
    /// Builds the client. Fails when the system has no CA certificates.
    ///
    /// # Errors
    /// The TLS back-end could not be set up; the message names the missing part.
    pub fn new(options: &TransportOptions) -> Result<Self, reqwest::Error> {
        // Installing twice is harmless: the first provider stays.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .timeout(options.timeout)
            .connect_timeout(options.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("dafater-contactsd/", env!("CARGO_PKG_VERSION")))
            // Shorter than any keep-alive a server is likely to have, so that we close first.
            .pool_idle_timeout(Duration::from_secs(4))
            .http1_only()
            .build()?;
        Ok(Self { client, max_body: options.max_body })
    }

    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, TransportError> {
        let host = request.uri().host().unwrap_or("(no host)").to_owned();
        let classify = |error: reqwest::Error| {
            let reason = innermost(&error);
            if error.is_connect() || error.is_builder() || error.is_request() && is_unsent(&error) {
                TransportError::NotSent { host: host.clone(), reason }
            } else {
                TransportError::NoAnswer { host: host.clone(), reason }
            }
        };
        let request = reqwest::Request::try_from(request).map_err(classify)?;
        let mut answer = self.client.execute(request).await.map_err(classify)?;
        let mut response = http::Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(classify)? {
            if body.len() + chunk.len() > self.max_body {
                let reason = format!("the answer is larger than {} bytes", self.max_body);
                return Err(TransportError::NoAnswer { host, reason });
            }
            body.extend_from_slice(&chunk);
        }
        response
            .body(body.freeze())
            .map_err(|error| TransportError::NoAnswer { host, reason: error.to_string() })
    }
}

impl Transport for ReqwestTransport {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// hyper says "operation was canceled" for a request that never got a connection.
fn is_unsent(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if let Some(hyper) = inner.downcast_ref::<hyper::Error>() {
            return hyper.is_canceled();
        }
        cause = inner.source();
    }
    false
}

fn innermost(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "timed out".to_owned();
    }
    let mut last: &dyn std::error::Error = error;
    while let Some(inner) = last.source() {
        last = inner;
    }
    last.to_string()
}
