//! Takes one redirect of a browser on 127.0.0.1.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use url::Url;
use zeroize::Zeroizing;

use super::{PendingGrant, RedirectError};

/// Waits for the browser to come back from Google's consent page.
#[derive(Debug)]
pub struct LoopbackListener {
    listener: TcpListener,
    redirect_uri: Url,
}

impl LoopbackListener {
    /// Listens on a free port of 127.0.0.1, or on `port` if it is not 0.
    ///
    /// # Errors
    /// The port cannot be had.
    pub async fn bind(port: u16) -> Result<Self, RedirectError> {
        let failed = |reason: &dyn std::fmt::Display| RedirectError::Listener(reason.to_string());
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| failed(&error))?;
        let address = listener.local_addr().map_err(|error| failed(&error))?;
        let redirect_uri = Url::parse(&format!("http://{address}/")).map_err(|error| failed(&error))?;
        Ok(Self { listener, redirect_uri })
    }

    /// The address to which Google sends the browser back. A "Desktop app" client may use any port of the loopback interface.
    #[must_use]
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// Waits for the answer to `pending` and returns its address, for [`PendingGrant::finish`]. Whatever else knocks (the
    /// browser asking for an icon, another program trying its luck) is turned away. The caller bounds the time.
    ///
    /// # Errors
    /// The listener failed.
    pub async fn receive(&self, pending: &PendingGrant) -> Result<Zeroizing<String>, RedirectError> {
        loop {
            let (stream, _) =
                self.listener.accept().await.map_err(|error| RedirectError::Listener(error.to_string()))?;
            let answer = Arc::new(Mutex::new(None));
            let service = service_fn(|request: Request<Incoming>| {
                let (response, redirected) = self.respond(&request, pending);
                if let Some(redirected) = redirected {
                    *answer.lock().unwrap_or_else(PoisonError::into_inner) = Some(redirected);
                }
                async move { Ok::<_, Infallible>(response) }
            });
            let connection =
                http1::Builder::new().keep_alive(false).serve_connection(TokioIo::new(stream), service);
            // A browser opens connections it never uses; none of them may keep the real one waiting.
            let served = tokio::time::timeout(PATIENCE, connection).await;
            if let Some(redirected) = answer.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return Ok(redirected);
            }
            drop(served);
        }
    }

    fn respond<B>(
        &self,
        request: &Request<B>,
        pending: &PendingGrant,
    ) -> (Response<Full<Bytes>>, Option<Zeroizing<String>>) {
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let redirected = self.redirect_uri.join(target).ok().filter(|url| pending.is_answered_by(url));
        match redirected {
            Some(url) => (page(StatusCode::OK, DONE), Some(Zeroizing::new(String::from(url)))),
            None => (page(StatusCode::NOT_FOUND, NOT_HERE), None),
        }
    }
}

/// How long one connection may take; the redirect itself takes milliseconds.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);
const DONE: &str = "Received. You may close this page and go back to the terminal.";
const NOT_HERE: &str = "There is nothing here.";

fn page(status: StatusCode, sentence: &str) -> Response<Full<Bytes>> {
    let html =
        format!("<!doctype html><meta charset=\"utf-8\"><title>dafater-contactsd</title><p>{sentence}</p>");
    let mut response = Response::new(Full::new(Bytes::from(html)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        // The code stands in this page's address: it goes into no cache and to no one else.
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, http::HeaderValue::from_static(value));
    }
    response
}
