//! Stories about the stand-in. Those that quote a recorded exchange name its number.

#![expect(clippy::needless_pass_by_value, reason = "a story sends a literal")]

mod access;
mod addresses;
mod create;
mod deletion;
mod faults;
mod lists;
mod update;

use bytes::Bytes;
use http::{Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::sandbox::Model as _;

/// A site, a clock that ticks a second a request, and a System Manager who asks.
struct World {
    site: Site,
    now: Timestamp,
    keys: Keys,
}

/// An answer, read.
struct Answer {
    status: u16,
    body: Value,
    response: Response<Bytes>,
}

impl World {
    fn new() -> Self {
        Self::with(SiteOptions::default())
    }

    fn with(options: SiteOptions) -> Self {
        let mut site = Site::new(options);
        let keys = site.add_user("sync@dafater.test", &["System Manager"]);
        Self { site, now: "2026-11-22T08:00:00Z".parse().unwrap(), keys }
    }

    fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &Value::Null)
    }

    fn post(&mut self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &body)
    }

    fn put(&mut self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, &body)
    }

    fn delete(&mut self, path: &str) -> Answer {
        self.send("DELETE", path, &Value::Null)
    }

    fn create(&mut self, contact: Value) -> Answer {
        self.post("/api/resource/Contact", contact)
    }

    /// A list of contacts; arguments are sent in a body, as `frappe.client.get_list` takes them.
    fn list(&mut self, mut arguments: Value) -> Answer {
        if arguments.get("doctype").is_none() {
            arguments["doctype"] = "Contact".into();
        }
        self.post("/api/method/frappe.client.get_list", arguments)
    }

    fn names(&mut self, arguments: Value) -> Vec<String> {
        let answer = self.list(arguments);
        let rows = answer.body["message"].as_array().unwrap();
        rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()).collect()
    }

    fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let token = format!("token {}:{}", self.keys.api_key, self.keys.api_secret);
        self.send_with(method, path, body, &[("authorization", &token)])
    }

    fn send_with(&mut self, method: &str, path: &str, body: &Value, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Value::Null => Bytes::new(),
            // A text is sent as it is, to try what is no JSON.
            Value::String(text) => text.clone().into(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => body.to_string().into(),
        };
        let request = request.header("content-type", "application/json").body(body).unwrap();
        self.now += SignedDuration::from_secs(1);
        let response = self.site.handle(&request, self.now);
        let body = serde_json::from_slice(response.body())
            .unwrap_or_else(|_| String::from_utf8_lossy(response.body()).into_owned().into());
        Answer { status: response.status().as_u16(), body, response }
    }
}

impl Answer {
    fn data(&self) -> &Value {
        assert!(self.status < 300, "{}", self.body);
        &self.body["data"]
    }

    fn name(&self) -> &str {
        self.data()["name"].as_str().unwrap()
    }

    #[track_caller]
    fn is(&self, status: u16, exc_type: &str) {
        assert_eq!(
            (self.status, self.body["exc_type"].as_str().unwrap_or("")),
            (status, exc_type),
            "{}",
            self.body
        );
    }

    /// What the user was told.
    fn notices(&self) -> Vec<Value> {
        let texts: Vec<String> =
            serde_json::from_str(self.body["_server_messages"].as_str().unwrap_or("[]")).unwrap();
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }
}

#[test]
fn the_same_seed_gives_the_same_site() {
    let run = || {
        let mut world = World::with(SiteOptions { seed: 5, ..SiteOptions::default() });
        world.create(json!({"email_ids": [{"email_id": "a@b.example"}]})).body.to_string()
    };
    assert_eq!(run(), run());
}
