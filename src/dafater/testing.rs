//! A transport that plays a script: answers in order, requests kept.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use serde_json::{Value, json};

use super::{SiteClient, SiteOptions};
use crate::remote::{Transport, TransportError};

/// Answers in order; a request beyond the script fails the test.
#[derive(Default)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Response<Bytes>>>,
    requests: Mutex<Vec<Request<Bytes>>>,
}

impl Script {
    /// A client whose site gives just these answers.
    pub(super) fn site(answers: impl IntoIterator<Item = Response<Bytes>>) -> (SiteClient, Arc<Script>) {
        Self::site_with(answers, |_| {})
    }

    pub(super) fn site_with(
        answers: impl IntoIterator<Item = Response<Bytes>>,
        adjust: impl FnOnce(&mut SiteOptions),
    ) -> (SiteClient, Arc<Script>) {
        let script = Arc::new(Self { answers: Mutex::new(answers.into_iter().collect()), ..Self::default() });
        let url = "https://erp.example/".parse().expect("a URL");
        let mut options = SiteOptions::new(url, "0123456789abcde".to_owned(), "s3cret".to_owned().into());
        adjust(&mut options);
        let client = SiteClient::new(script.clone(), options).expect("sendable credentials");
        (client, script)
    }

    /// `METHOD /path` of each request so far.
    pub(super) fn lines(&self) -> Vec<String> {
        let line = |request: &Request<Bytes>| {
            format!("{} {}", request.method(), request.uri().path_and_query().expect("a path"))
        };
        self.requests.lock().expect("no panic").iter().map(line).collect()
    }

    /// The JSON body of the request with this index.
    pub(super) fn body(&self, index: usize) -> Value {
        serde_json::from_slice(self.requests.lock().expect("no panic")[index].body()).expect("JSON")
    }

    /// A header of the request with this index.
    pub(super) fn header(&self, index: usize, name: &str) -> Option<String> {
        let requests = self.requests.lock().expect("no panic");
        requests[index].headers().get(name).map(|value| value.to_str().expect("text").to_owned())
    }

    /// Whether every answer was asked for.
    pub(super) fn is_over(&self) -> bool {
        self.answers.lock().expect("no panic").is_empty()
    }
}

impl Transport for Script {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<Response<Bytes>, TransportError>> {
        let line = format!("{} {}", request.method(), request.uri());
        self.requests.lock().expect("no panic").push(request);
        let answer = self.answers.lock().expect("no panic").pop_front();
        Box::pin(async move { Ok(answer.unwrap_or_else(|| panic!("the script has no answer to {line}"))) })
    }
}

/// An answer in JSON, dated as the site dates them.
pub(super) fn answer(status: u16, body: &Value) -> Response<Bytes> {
    raw(status, "application/json", &body.to_string())
}

/// `{"message": …}`, as methods answer.
#[expect(clippy::needless_pass_by_value, reason = "reads better where the value is written in place")]
pub(super) fn message(value: Value) -> Response<Bytes> {
    answer(200, &json!({ "message": value }))
}

/// `{"data": …}`, as documents are answered.
#[expect(clippy::needless_pass_by_value, reason = "reads better where the value is written in place")]
pub(super) fn data(value: Value) -> Response<Bytes> {
    answer(200, &json!({ "data": value }))
}

/// A refusal with its class and one message.
pub(super) fn refusal(status: u16, exc_type: &str, text: &str) -> Response<Bytes> {
    let message = json!({"message": text, "title": "Message", "indicator": "red", "raise_exception": 1});
    let messages = json!([message.to_string()]).to_string();
    answer(status, &json!({"exc_type": exc_type, "exc": "<traceback>", "_server_messages": messages}))
}

/// A page in HTML, from the web server or from whatever stands before it.
pub(super) fn html(status: u16, page: &str) -> Response<Bytes> {
    raw(status, "text/html; charset=utf-8", page)
}

fn raw(status: u16, kind: &str, body: &str) -> Response<Bytes> {
    Response::builder()
        .status(status)
        .header("Content-Type", kind)
        .header("Date", "Sun, 22 Nov 2026 08:33:47 GMT")
        .header("Set-Cookie", "sid=Guest; Path=/")
        .body(Bytes::from(body.to_owned()))
        .expect("a response")
}
