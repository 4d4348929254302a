use std::net::{Ipv4Addr, SocketAddr};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::*;

/// The signature of `{}` with the secret `s3cret`, as Python's `hmac` makes it.
const GENUINE: &str = "rb3hzkDInBQhVofV12Kkffbfrvz61h4uhnGP/ISYVxs=";

async fn door() -> (SocketAddr, Arc<Notify>) {
    let hints = Arc::new(Notify::new());
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let receiver = Receiver::bind(any, "s3cret".to_owned().into(), Arc::clone(&hints)).await.unwrap();
    let address = receiver.address();
    tokio::spawn(receiver.serve());
    (address, hints)
}

async fn send(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok();
    answer
}

fn post(signature: &str, body: &str) -> String {
    format!(
        "POST /any HTTP/1.1\r\nHost: x\r\nX-Frappe-Webhook-Signature: {signature}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn rings(hints: &Notify) -> bool {
    timeout(Duration::from_millis(50), hints.notified()).await.is_ok()
}

#[tokio::test]
async fn a_genuine_hint_rings_and_nothing_else_does() {
    let (address, hints) = door().await;
    assert!(send(address, &post(GENUINE, "{}")).await.starts_with("HTTP/1.1 200"));
    assert!(rings(&hints).await);
    for (request, status) in [
        (post(&STANDARD.encode([0; 32]), "{}"), "403"),
        (post(GENUINE, "{ }"), "403"),
        (post("", "{}"), "403"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_owned(), "403"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "405"),
        (post(GENUINE, &"x".repeat(300_000)), "413"),
    ] {
        let answer = send(address, &request).await;
        assert!(answer.is_empty() || answer.contains(status), "{answer}");
        assert!(!rings(&hints).await, "{answer}");
    }
}

#[tokio::test]
async fn a_port_in_use_is_an_error_and_not_the_end() {
    let (address, _) = door().await;
    assert!(Receiver::bind(address, "s3cret".to_owned().into(), Arc::new(Notify::new())).await.is_err());
}
