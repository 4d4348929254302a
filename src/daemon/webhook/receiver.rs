//! The port at which webhooks arrive.
//!
//! Law: whoever knocks, and whatever he sends, costs a bounded amount of memory and time, and learns nothing.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::signature::{HEADER, is_genuine};
use crate::observe::events;

/// A bound port.
pub(super) struct Receiver {
    listener: TcpListener,
    door: Arc<Door>,
}

/// What all connections share.
struct Door {
    secret: SecretString,
    hints: Arc<Notify>,
    refusals: Mutex<Refusals>,
}

/// Hints that were refused, and when it was said last.
#[derive(Default)]
struct Refusals {
    since_told: u64,
    told: Option<Instant>,
}

impl Receiver {
    /// Binds the port. What arrives with the right signature rings `hints`.
    pub(super) async fn bind(
        address: SocketAddr,
        secret: SecretString,
        hints: Arc<Notify>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let door = Door { secret, hints, refusals: Mutex::default() };
        Ok(Self { listener, door: Arc::new(door) })
    }

    #[cfg(test)]
    pub(super) fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Answers until it is dropped, or the port accepts nothing more.
    pub(super) async fn serve(self) {
        let (places, mut open) = (Arc::new(Semaphore::new(MOST_CONNECTIONS)), JoinSet::new());
        loop {
            let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
            let stream = loop {
                tokio::select! {
                    accepted = self.listener.accept() => match accepted {
                        Ok((stream, _)) => break stream,
                        // Out of descriptors, most likely: that passes.
                        Err(_) => tokio::time::sleep(BREATH).await,
                    },
                    Some(_) = open.join_next() => {}
                }
            };
            let door = Arc::clone(&self.door);
            open.spawn(async move {
                door.attend(stream).await;
                drop(place);
            });
        }
    }
}

impl Door {
    /// One connection. Whoever is slow is sent away.
    async fn attend(self: Arc<Self>, stream: TcpStream) {
        let service = service_fn(|request| {
            let door = Arc::clone(&self);
            async move { Ok::<_, Infallible>(door.answer(request).await) }
        });
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(MOST_HEADERS)
            .keep_alive(false);
        // What goes wrong on a connection concerns the one at its other end.
        timeout(PATIENCE, builder.serve_connection(TokioIo::new(stream), service)).await.ok();
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Empty<Bytes>> {
        let status = self.judge(request).await;
        let mut response = Response::new(Empty::new());
        *response.status_mut() = status;
        response
    }

    async fn judge(&self, request: Request<Incoming>) -> StatusCode {
        if request.method() != Method::POST {
            return StatusCode::METHOD_NOT_ALLOWED;
        }
        let Some(signature) = request.headers().get(HEADER).cloned() else {
            return self.refuse("it bears no signature");
        };
        let Ok(body) = Limited::new(request.into_body(), MOST_BODY).collect().await else {
            return StatusCode::PAYLOAD_TOO_LARGE;
        };
        let body = body.to_bytes();
        if !is_genuine(self.secret.expose_secret().as_bytes(), &body, signature.as_bytes()) {
            return self.refuse("its signature is not that of the configured secret");
        }
        self.hints.notify_one();
        StatusCode::OK
    }

    /// Counts a hint that is refused, and says so now and then.
    fn refuse(&self, reason: &'static str) -> StatusCode {
        let now = Instant::now();
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.since_told += 1;
        if refusals.told.is_none_or(|told| now.duration_since(told) >= TELL_EVERY) {
            refusals.told = Some(now);
            let count = std::mem::take(&mut refusals.since_told);
            drop(refusals);
            events::WebhookRefused { reason, count }.emit();
        }
        StatusCode::FORBIDDEN
    }
}

/// Connections at a time; more wait to be accepted.
const MOST_CONNECTIONS: usize = 16;
/// A webhook that holds a whole contact with hundreds of rows fits.
const MOST_BODY: usize = 256 * 1024;
const MOST_HEADERS: usize = 16 * 1024;
/// A connection lives no longer.
const PATIENCE: Duration = Duration::from_secs(10);
const BREATH: Duration = Duration::from_millis(100);
/// How often refused hints are logged.
const TELL_EVERY: Duration = Duration::from_mins(10);
