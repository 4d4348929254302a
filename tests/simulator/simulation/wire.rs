//! The daemon's end of the wire: its transports and tokens, without a socket.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use dafater_contactsd::google::oauth::{AccessTokens, AuthorizationError};
use dafater_contactsd::remote::{Transport, TransportError};
use dafater_contactsd::sync::Side;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use secrecy::SecretString;

use super::scene::{Reply, Scene};

pub type Shared = Arc<Mutex<Scene>>;

/// Carries requests into the scene. Answers arrive in an order that the cycle shuffles.
pub struct Wire {
    pub account: usize,
    pub side: Side,
    pub scene: Shared,
    pub order: Mutex<super::chance::Chance>,
}

impl Transport for Wire {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let delay = self.order.lock().unwrap().below(4);
        Box::pin(async move {
            Turns(delay).await;
            let host = request.uri().host().unwrap_or_default().to_owned();
            let reply = self.scene.lock().unwrap().receive(self.account, self.side, &request);
            match reply {
                Reply::Answer(response) => {
                    Turns(delay / 2).await;
                    Ok(response)
                }
                Reply::NotSent => Err(TransportError::NotSent { host, reason: "no route".to_owned() }),
                Reply::NoAnswer => Err(TransportError::NoAnswer { host, reason: "reset".to_owned() }),
                Reply::Never => std::future::pending().await,
            }
        })
    }
}

/// Lets others go first, so many times.
struct Turns(u32);

impl Future for Turns {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.0 == 0 {
            return Poll::Ready(());
        }
        self.0 -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Access tokens that are always fresh.
pub struct Tokens(pub Shared, pub usize);

impl AccessTokens for Tokens {
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>> {
        let token = self.0.lock().unwrap().access_token(self.1);
        Box::pin(std::future::ready(Ok(SecretString::from(token))))
    }

    fn refused(&self, _token: &SecretString) {}
}
