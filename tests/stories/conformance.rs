//! The sandbox's Dafater against what a real site answered.
//!
//! `tests/fixtures/dafater-exchanges.jsonl` holds the exchanges in their order; `tests/fixtures/README.md` says how they are written. They
//! are replayed against the model, each at its own time, and status, type and shape of each answer are compared.
//!
//! Law: `tests/fixtures/dafater-differences.json` is exactly what differs; a difference that was mended is struck from it.

mod shape;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use dafater_contactsd::sandbox::Model as _;
use dafater_contactsd::sandbox::dafater::{Keys, Maintenance, RateLimit, Rights, Site, SiteOptions};
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::Value;

use shape::difference;

/// Who asks, and the roles of each.
const USERS: [(&str, &str, &[&str]); 6] = [
    ("manager", "sync@erp.example", &["System Manager"]),
    ("admin", "Administrator", &["System Manager"]),
    ("sales", "sales@erp.example", &["Sales User"]),
    ("chief", "salesmgr@erp.example", &["Sales Manager"]),
    ("plain", "plain@erp.example", &[]),
    ("service", "svc@erp.example", &["Contact Sync"]),
];

/// How many exchanges must agree.
const LEAST: usize = 300;

/// A site while the exchanges go by.
struct Replay {
    site: Site,
    keys: BTreeMap<&'static str, Keys>,
    /// Secrets that were replaced, by the user who had them.
    former: BTreeMap<&'static str, String>,
    /// What was answered, by the exchange's number: later exchanges refer to it.
    answers: BTreeMap<String, Value>,
    now: Timestamp,
}

impl Replay {
    fn new() -> Self {
        let mut site = Site::new(SiteOptions {
            host: Some("erp.example".to_owned()),
            small_lists_readable: false,
            ..SiteOptions::default()
        });
        let keys = USERS.map(|(short, name, roles)| (short, site.add_user(name, roles)));
        Self {
            site,
            keys: keys.into(),
            former: BTreeMap::new(),
            answers: BTreeMap::new(),
            now: Timestamp::UNIX_EPOCH,
        }
    }

    /// What was done to the site between two requests.
    fn arrange(&mut self, step: &Value) {
        let text = |key: &str| step[key].as_str().unwrap_or_default();
        match text("arrange") {
            "maintenance" => {
                self.site.switches.maintenance = match text("to") {
                    "stopped" => Maintenance::Stopped,
                    "read only" => Maintenance::ReadOnly,
                    _ => Maintenance::Off,
                }
            }
            "rate limit" => {
                self.site.switches.rate_limit = step["limit"].as_u64().map(|limit| RateLimit {
                    limit,
                    window: Duration::from_hours(1),
                    cost: limit,
                });
            }
            "tracebacks" => self.site.switches.no_traceback = text("to") == "off",
            "poison" => self.site.poison(text("name"), step["fields"].clone()),
            "mandatory field" => self.site.add_custom_field(text("name"), text("label"), false, true),
            "no field" => self.site.remove_custom_field(text("name")),
            "time zone" => self.site.set_time_zone(text("to")),
            "restrict" => self.site.restrict(text("user"), text("doctype"), text("value")),
            "unhide" => self.site.unhide(text("user")),
            "grant" => {
                let rights = if step["rights"] == "all" { Rights::ALL } else { Rights::READ };
                self.site.grant(text("role"), text("doctype"), rights);
            }
            "new keys" => {
                let (short, name, _) = USERS.into_iter().find(|user| user.0 == text("user")).unwrap();
                let keys = self.site.rotate_keys(name).unwrap();
                let former = self.keys.insert(short, keys).unwrap();
                self.former.insert(short, former.api_secret);
            }
            other => panic!("{other} cannot be arranged"),
        }
    }

    /// Sends the request of an exchange. The answer, and its body read.
    fn ask(&mut self, exchange: &Value) -> (Response<Bytes>, Value) {
        let line = self.filled(exchange["request"].as_str().unwrap());
        let (method, target) = line.split_once(' ').unwrap();
        let mut headers = BTreeMap::from([
            ("host".to_owned(), "erp.example".to_owned()),
            ("accept".to_owned(), "application/json".to_owned()),
        ]);
        if let Some(keys) = exchange["as"].as_str().map(|user| &self.keys[user]) {
            let token = format!("token {}:{}", keys.api_key, keys.api_secret);
            headers.insert("authorization".to_owned(), token);
        }
        let body = match &exchange["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.filled(&exchange["body"].to_string())
            }
        };
        if !body.is_empty() {
            headers.insert("content-type".to_owned(), "application/json".to_owned());
        }
        for (name, value) in exchange["headers"].as_object().into_iter().flatten() {
            match value.as_str() {
                Some(value) => headers.insert(name.clone(), self.filled(value)),
                None => headers.remove(name),
            };
        }
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let mut body = body.into_bytes();
        if exchange["bytes"] == "not UTF-8" {
            body.extend([0xff, 0xfe]);
        }
        if let Some(at) = exchange["at"].as_str() {
            self.now = at.parse().unwrap();
        }
        let response = self.site.handle(&request.body(body.into()).unwrap(), self.now);
        let text = String::from_utf8_lossy(response.body());
        let body = serde_json::from_str(&text).unwrap_or_else(|_| Value::from(&*text));
        (response, body)
    }

    /// `text` with `${id/pointer}` replaced by what the exchange of that number answered, and `${user}` by that user's key.
    fn filled(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            let (reference, after) = after.split_once('}').unwrap();
            filled += before;
            filled += &self.referred(reference);
            rest = after;
        }
        filled + rest
    }

    fn referred(&self, reference: &str) -> String {
        if let Some((id, pointer)) = reference.split_once('/') {
            let answer = self.answers.get(id).unwrap_or_else(|| panic!("{id} comes later"));
            // What an answer lacks is a difference of that exchange, and no name of anything here.
            return answer.pointer(&format!("/{pointer}")).and_then(Value::as_str).unwrap_or("?").to_owned();
        }
        let (user, half) = reference.split_once('.').unwrap();
        let Keys { api_key, api_secret } = &self.keys[user];
        match half {
            "key" => api_key.clone(),
            "secret" => api_secret.clone(),
            "former" => self.former[user].clone(),
            "pair" => STANDARD.encode(format!("{api_key}:{api_secret}")),
            other => panic!("{other} is no half of a key"),
        }
    }

    /// How the site's answer differs from the recorded one.
    fn compare(&mut self, exchange: &Value) -> Option<String> {
        let (response, body) = self.ask(exchange);
        self.answers.insert(exchange["id"].as_str().unwrap().to_owned(), body.clone());
        let status = response.status().as_u16();
        if exchange["status"] != status {
            return Some(format!("status {status} instead of {}: {body}", exchange["status"]));
        }
        let exc_type = body.get("exc_type").or_else(|| body.pointer("/errors/0/type"));
        if exchange["exc_type"] != *exc_type.unwrap_or(&Value::Null) {
            return Some(format!("exc_type {exc_type:?} instead of {}", exchange["exc_type"]));
        }
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
        let kind = header("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
        let expected = exchange["type"].as_str().unwrap_or("application/json");
        if kind != expected {
            return Some(format!("{kind} instead of {expected}"));
        }
        let gives_cookie = exchange["cookie"] != false;
        if header("set-cookie").is_some() != gives_cookie {
            return Some(format!("a cookie is {} given", if gives_cookie { "not" } else { "" }));
        }
        let names = exchange["with"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let missing = names.filter(|name| header(name).is_none()).collect::<Vec<_>>();
        if !missing.is_empty() {
            return Some(format!("without the headers {missing:?}"));
        }
        let shape = self.filled(&exchange["answer"].to_string());
        let shape: Value = serde_json::from_str(&shape).unwrap();
        difference(&shape, &body)
    }
}

fn fixture(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A difference that is known: where in the answer, and why it stays.
#[derive(serde::Deserialize)]
struct Known {
    #[serde(rename = "where")]
    place: String,
    why: String,
}

#[test]
fn the_stand_in_answers_what_a_real_site_answered() {
    let known: BTreeMap<String, Known> =
        serde_json::from_str(&fixture("dafater-differences.json")).expect("the list of differences");
    let mut replay = Replay::new();
    let (mut agree, mut differ) = (0, Vec::new());
    for line in fixture("dafater-exchanges.jsonl").lines() {
        let exchange: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        if exchange.get("arrange").is_some() {
            replay.arrange(&exchange);
        } else if exchange.get("set up").is_some() {
            let (response, body) = replay.ask(&exchange);
            assert!(response.status().is_success(), "{exchange}: {body}");
        } else {
            let id = exchange["id"].as_str().unwrap().to_owned();
            assert!(!replay.answers.contains_key(&id), "{id} is there twice");
            match replay.compare(&exchange) {
                None => agree += 1,
                Some(difference) => differ.push((id, difference)),
            }
        }
    }
    let is_known = |(id, found): &(String, String)| {
        known.get(id).is_some_and(|known| found.starts_with(&format!("{}: ", known.place)))
    };
    let news: Vec<_> = differ.iter().filter(|found| !is_known(found)).collect();
    assert!(news.is_empty(), "{agree} agree, {} differ in what is not listed:\n{news:#?}", news.len());
    let mended: Vec<_> = known.keys().filter(|id| !differ.iter().any(|(other, _)| other == *id)).collect();
    assert!(mended.is_empty(), "these agree or are not there: strike them from the differences: {mended:?}");
    assert!(agree >= LEAST, "only {agree} agree");
    for (id, Known { why, .. }) in &known {
        assert!(why.split_whitespace().count() >= 5, "{id} has no reason: {why}");
    }
}
