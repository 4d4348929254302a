//! Puts a model on a port: a thin HTTP/1.1 shell.
//!
//! Law: the shell adds nothing to the model's answers; faults act here as they do without a socket.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use super::Model;
use super::faults::{Exchange, Faults};
use crate::remote::Clock;

/// Largest request body that is read.
const MAX_BODY: usize = 16 << 20;

/// A model that serves. It stops when this is dropped.
#[derive(Debug)]
pub struct Stand {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Stand {
    /// Listens on `listen` (port 0 picks a free one) and answers every request with `model`, through `faults`, at the time of `clock`.
    ///
    /// For each request the model is locked first, then the faults; who locks both keeps to that order.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub async fn start<M: Model + 'static>(
        listen: SocketAddr,
        model: Arc<Mutex<M>>,
        faults: Arc<Mutex<Faults>>,
        clock: Arc<dyn Clock>,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared { model, faults, clock });
        Ok(Self { address, task: tokio::spawn(accept(listener, shared)) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its base address, with a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        // Open connections belong to the task and end with it.
        self.task.abort();
    }
}

struct Shared<M> {
    model: Arc<Mutex<M>>,
    faults: Arc<Mutex<Faults>>,
    clock: Arc<dyn Clock>,
}

async fn accept<M: Model + 'static>(listener: TcpListener, shared: Arc<Shared<M>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(converse(stream, Arc::clone(&shared)));
                }
                // Out of file descriptors, most likely: give others the time to close theirs.
                Err(_) => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn converse<M: Model + 'static>(stream: TcpStream, shared: Arc<Shared<M>>) {
    let service = service_fn(|request| answer(request, Arc::clone(&shared)));
    // An error is a client that went away or a fault that cut the connection; neither is news.
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
}

/// The connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is cut on purpose")]
struct Cut;

async fn answer<M: Model>(
    request: Request<Incoming>,
    shared: Arc<Shared<M>>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (head, body) = request.into_parts();
    let too_large = || {
        let mut response = Response::new(Full::from("the request is larger than 16 MiB"));
        *response.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
        response
    };
    if body.size_hint().lower() > MAX_BODY as u64 {
        return Ok(too_large());
    }
    let body = match Limited::new(body, MAX_BODY).collect().await {
        Ok(body) => body,
        Err(error) if error.is::<LengthLimitError>() => return Ok(too_large()),
        Err(_) => return Err(Cut),
    };
    let request = Request::from_parts(head, body.to_bytes());
    let exchange = {
        let mut model = shared.model.lock().unwrap_or_else(PoisonError::into_inner);
        let mut faults = shared.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.exchange(&mut *model, &request, shared.clock.now())
    };
    match exchange {
        Exchange::Answer(response, delay) => {
            if let Some(delay) = delay {
                shared.clock.sleep(delay).await;
            }
            Ok(response.map(Full::new))
        }
        Exchange::NoAnswer { .. } => Err(Cut),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::faults::{Effect, Rule, When};
    use super::*;
    use crate::remote::SystemClock;

    /// Answers with what it was sent.
    struct Echo;

    impl Model for Echo {
        fn handle(&mut self, request: &Request<Bytes>, _: Timestamp) -> Response<Bytes> {
            Response::new(format!("{} {} {}", request.method(), request.uri(), request.body().len()).into())
        }
    }

    async fn start(faults: &Arc<Mutex<Faults>>) -> Stand {
        let model = Arc::new(Mutex::new(Echo));
        Stand::start("127.0.0.1:0".parse().unwrap(), model, Arc::clone(faults), Arc::new(SystemClock))
            .await
            .unwrap()
    }

    async fn send(stand: &Stand, request: &str) -> String {
        let mut stream = TcpStream::connect(stand.address()).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        drop(stream.read_to_string(&mut answer).await);
        answer
    }

    const REQUEST: &str =
        "POST /a?b=c HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc";

    #[tokio::test]
    async fn a_model_answers_over_a_socket_until_it_is_dropped() {
        let faults = Arc::new(Mutex::new(Faults::none()));
        let stand = start(&faults).await;
        let address = stand.address();
        assert_eq!(stand.url(), format!("http://{address}/"));
        let answer = send(&stand, REQUEST).await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nPOST /a?b=c 3"),
            "{answer}"
        );
        drop(stand);
        tokio::task::yield_now().await;
        assert!(TcpStream::connect(address).await.is_err());
    }

    #[tokio::test]
    async fn a_lost_answer_closes_the_connection() {
        let faults = Arc::new(Mutex::new(Faults::none()));
        let stand = start(&faults).await;
        faults.lock().unwrap().add(Rule::new(Effect::DropAfter).when(When::Next(1)));
        assert_eq!(send(&stand, REQUEST).await, "");
        assert!(send(&stand, REQUEST).await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_body_that_is_too_large_is_refused() {
        let faults = Arc::new(Mutex::new(Faults::none()));
        let stand = start(&faults).await;
        let head = format!("POST /a HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", MAX_BODY + 1);
        let mut stream = TcpStream::connect(stand.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 413");
    }
}
