//! Stories about the stand-in, told through requests and answers.

mod batches;
mod contacts;
mod groups;
mod requests;
mod signing_in;
mod syncing;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;

const ADA: &str = "ada@example.com";

/// A stand-in with one account, a clock and a token.
struct World {
    google: Google,
    now: Timestamp,
    token: String,
}

impl World {
    fn new() -> Self {
        Self::with(GoogleOptions::default())
    }

    fn with(options: GoogleOptions) -> Self {
        let now: Timestamp = "2026-03-01T08:00:00Z".parse().unwrap();
        let mut google = Google::new(options);
        google.add_account(ADA);
        let token = google.issue_access_token(ADA, now).unwrap();
        Self { google, now, token }
    }

    fn wait(&mut self, seconds: i64) {
        self.now += SignedDuration::from_secs(seconds);
        self.token = self.google.issue_access_token(ADA, self.now).unwrap();
    }

    fn send(&mut self, method: &str, uri: &str, body: impl Into<Bytes>) -> Response<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(uri)
            .header("authorization", format!("Bearer {}", self.token))
            .body(body.into())
            .unwrap();
        self.google.handle(&request, self.now)
    }

    fn call(&mut self, method: &str, uri: &str, body: &Value) -> (u16, Value) {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let response = self.send(method, uri, body);
        let value = serde_json::from_slice(response.body()).unwrap_or_default();
        (response.status().as_u16(), value)
    }

    #[track_caller]
    fn ok(&mut self, method: &str, uri: &str, body: impl Into<Value>) -> Value {
        let (status, answer) = self.call(method, uri, &body.into());
        assert_eq!(status, 200, "{method} {uri}: {answer}");
        answer
    }

    #[track_caller]
    fn get(&mut self, uri: &str) -> Value {
        self.ok("GET", uri, Value::Null)
    }

    /// The error of a refused request, as status and message.
    #[track_caller]
    fn refused(&mut self, method: &str, uri: &str, body: impl Into<Value>) -> (u16, String) {
        let (status, answer) = self.call(method, uri, &body.into());
        assert!(status >= 400, "{method} {uri} was not refused: {answer}");
        assert_eq!(answer["error"]["code"], status);
        (status, answer["error"]["message"].as_str().unwrap().to_owned())
    }

    fn add(&mut self, given: &str) -> String {
        let person = json!({"names": [{"givenName": given}]});
        self.google.add_person(ADA, person, self.now).unwrap()
    }

    #[track_caller]
    fn person(&mut self, name: &str) -> Value {
        self.get(&format!("/v1/{name}?personFields={EVERYTHING}&sources=READ_SOURCE_TYPE_CONTACT"))
    }
}

const EVERYTHING: &str = "names,emailAddresses,phoneNumbers,organizations,memberships,metadata,clientData,biographies,photos,userDefined";

/// The texts of one key in a list of objects.
fn texts(list: &Value, key: &str) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item[key].as_str()).map(str::to_owned).collect()
}
