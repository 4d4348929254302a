//! One request and its answer: the request line, the form, who asks, and how an answer is written.
//!
//! Law: the checks come in the site's own order: line, host, maintenance, form, rate limit, authentication, route. One request is one
//! transaction.

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::access::GUEST;
use super::ledger::Logged;
use super::refusal::{Refusal, server_messages};
use super::switches::Maintenance;
use super::{Session, Site};
use crate::sandbox::Model;

/// How long the site worked on an answer: an extension of each response, for the shell to wait and the simulator to add.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessingTime(pub Duration);

/// gunicorn's bound of a request line.
const LINE_LIMIT: usize = 4094;

/// A request, taken apart.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: Method,
    /// The decoded path below `/api`, without a trailing slash.
    pub(super) path: Vec<String>,
    pub(super) version: Version,
    /// `frappe.form_dict`.
    pub(super) form: Map<String, Value>,
    /// The body, when it is JSON although it did not say so.
    pub(super) body: Option<Value>,
}

/// Which of the two APIs is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// What a handler has to say.
#[derive(Debug)]
pub(super) enum Reply {
    /// `{"data": …}` with this status.
    Data(u16, Value),
    /// `{"message": …}`, or nothing for null.
    Message(Value),
}

impl Model for Site {
    fn handle(&mut self, request: &Request<Bytes>, now: Timestamp) -> Response<Bytes> {
        self.db.settle(now);
        self.took = Duration::ZERO;
        self.notices.clear();
        self.written.clear();
        self.session = Session { user: GUEST.to_owned(), now, over_http: true };
        let mut route = String::new();
        let mut response = self.exchange(request, &mut route);
        if request.method() == Method::HEAD {
            *response.body_mut() = Bytes::new();
        }
        let logged = Logged {
            at: now,
            method: request.method().to_string(),
            target: target(request).to_owned(),
            user: self.session.user.clone(),
            status: response.status().as_u16(),
            body: if self.switches.log_bodies {
                String::from_utf8_lossy(request.body()).into_owned()
            } else {
                String::new()
            },
        };
        self.ledger.request(&route, logged);
        response
    }
}

impl Site {
    fn exchange(&mut self, request: &Request<Bytes>, route: &mut String) -> Response<Bytes> {
        let line = request.method().as_str().len() + target(request).len() + " ".len() + " HTTP/1.1".len();
        if line > LINE_LIMIT {
            let page = format!(
                "<html>\n  <head>\n    <title>Bad Request</title>\n  </head>\n  <body>\n    <h1><p>Bad Request</p></h1>\n    \
                 Request Line is too large ({line} &gt; {LINE_LIMIT})\n  </body>\n</html>\n"
            );
            return self.respond(400, HeaderMap::new(), "text/html", page.into(), false);
        }
        let asked = host(request);
        if self.host.is_some() && asked != self.host {
            let page = format!(
                "<!doctype html>\n<html lang=en>\n<title>404 Not Found</title>\n<h1>Not Found</h1>\n<p>{} does not exist</p>\n",
                asked.unwrap_or_default()
            );
            return self.respond(404, HeaderMap::new(), "text/html; charset=utf-8", page.into(), false);
        }
        if is_file(request) {
            return match self.authenticate(request) {
                Ok(()) => self.serve_file(request),
                Err(refusal) => self.refuse(request, Version::One, &refusal, HeaderMap::new(), true),
            };
        }
        let mut limits = HeaderMap::new();
        let done = self.attempt(request, route, &mut limits);
        let (version, done, has_session) = match done {
            Ok((version, done)) => (version, done, true),
            Err(refusal) => {
                let has_session = !matches!(refusal.exc_type(), "SessionStopped" | "JSONDecodeError");
                (version_of(target(request)), Err(refusal), has_session)
            }
        };
        match &done {
            Ok(_) => {
                self.db.commit(None);
                for (doctype, kind) in std::mem::take(&mut self.written) {
                    self.ledger.write(&doctype, kind);
                }
            }
            Err(_) => self.db.roll_back(0),
        }
        match done {
            Ok(reply) => self.accept(request, version, reply, limits),
            Err(refusal) => self.refuse(request, version, &refusal, limits, has_session),
        }
    }

    /// Everything from the form on. The outer error comes from before the call could be read.
    fn attempt(
        &mut self,
        request: &Request<Bytes>,
        route: &mut String,
        limits: &mut HeaderMap,
    ) -> Result<(Version, Result<Reply, Refusal>), Refusal> {
        if self.switches.maintenance == Maintenance::Stopped {
            return Err(Refusal::stopped());
        }
        let call = Call::read(request)?;
        *route = call.route();
        let done =
            self.limit(limits).and_then(|()| self.authenticate(request)).and_then(|()| self.dispatch(&call));
        Ok((call.version, done))
    }

    fn authenticate(&mut self, request: &Request<Bytes>) -> Result<(), Refusal> {
        let Some(header) = request.headers().get(http::header::AUTHORIZATION) else { return Ok(()) };
        let header = header.to_str().unwrap_or("?").trim();
        if header.is_empty() {
            return Ok(());
        }
        let user = self.access.authenticate(header).ok_or_else(Refusal::unauthorized)?.to_owned();
        self.session.user = user;
        Ok(())
    }

    /// Counts this request's processing time; refuses it when the window has none left.
    fn limit(&mut self, headers: &mut HeaderMap) -> Result<(), Refusal> {
        let Some(limit) = self.switches.rate_limit else { return Ok(()) };
        let window = i128::from(limit.window.as_secs().max(1));
        let second = i128::from(self.session.now.as_second());
        let number = second.div_euclid(window);
        if self.rate.0 != number {
            self.rate = (number, 0);
        }
        let reset = window - second.rem_euclid(window);
        let mut header = |name: &'static str, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        header("x-ratelimit-reset", reset.to_string());
        header("x-ratelimit-limit", limit.limit.to_string());
        header("x-ratelimit-remaining", limit.limit.saturating_sub(self.rate.1).to_string());
        if self.rate.1 >= limit.limit {
            header("retry-after", reset.to_string());
            return Err(Refusal::too_many_requests());
        }
        header("x-ratelimit-used", limit.cost.to_string());
        self.rate.1 += limit.cost;
        Ok(())
    }

    fn accept(
        &mut self,
        request: &Request<Bytes>,
        version: Version,
        reply: Reply,
        limits: HeaderMap,
    ) -> Response<Bytes> {
        let mut body = Map::new();
        let (status, key, value) = match (reply, version) {
            (Reply::Data(status, value), _) => (status, "data", value),
            (Reply::Message(value), Version::One) => (200, "message", value),
            (Reply::Message(value), Version::Two) => (200, "data", value),
        };
        if !value.is_null() {
            body.insert(key.to_owned(), value);
        }
        if !self.notices.is_empty() && version == Version::One {
            let nonce = self.nonce();
            let messages = server_messages(&self.notices, nonce);
            body.insert("_server_messages".to_owned(), messages.into());
        }
        let cookie = request.headers().get(http::header::COOKIE).and_then(|cookie| cookie.to_str().ok());
        let sid =
            cookie.and_then(|cookie| cookie.split(';').find_map(|pair| pair.trim().strip_prefix("sid=")));
        if sid.is_some_and(|sid| sid != GUEST) && version == Version::One {
            body.insert("session_expired".to_owned(), 1.into());
        }
        self.respond_json(status, limits, &body, true)
    }

    fn refuse(
        &mut self,
        request: &Request<Bytes>,
        version: Version,
        refusal: &Refusal,
        limits: HeaderMap,
        has_session: bool,
    ) -> Response<Bytes> {
        let accept = request.headers().get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accept.is_some_and(|accept| accept.contains("text/html")) {
            return if refusal.status() == 429 {
                self.respond(
                    429,
                    limits,
                    "text/plain; charset=utf-8",
                    "Too Many Requests".into(),
                    has_session,
                )
            } else {
                let page = refusal.to_html();
                self.respond(refusal.status(), limits, "text/html; charset=utf-8", page.into(), has_session)
            };
        }
        let traceback = !self.switches.no_traceback;
        let body = match version {
            Version::One => refusal.to_v1(traceback, self.nonce()),
            Version::Two => refusal.to_v2(traceback),
        };
        self.respond_json(refusal.status(), limits, &body, has_session)
    }

    fn respond_json(
        &self,
        status: u16,
        headers: HeaderMap,
        body: &Map<String, Value>,
        cookie: bool,
    ) -> Response<Bytes> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.respond(status, headers, "application/json", body.into(), cookie)
    }

    pub(super) fn respond(
        &self,
        status: u16,
        mut headers: HeaderMap,
        kind: &'static str,
        body: Bytes,
        cookie: bool,
    ) -> Response<Bytes> {
        use http::header::{CONTENT_LENGTH, CONTENT_TYPE, DATE, SERVER, SET_COOKIE};
        let date =
            TimeZone::UTC.to_datetime(self.session.now).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        headers.insert(SERVER, HeaderValue::from_static("gunicorn"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        if let Ok(date) = HeaderValue::from_str(&date) {
            headers.insert(DATE, date);
        }
        if cookie {
            headers.insert(SET_COOKIE, HeaderValue::from_static("sid=Guest; HttpOnly; Path=/; SameSite=Lax"));
        }
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = headers;
        response.extensions_mut().insert(ProcessingTime(self.took));
        response
    }

    fn nonce(&mut self) -> u64 {
        rand::Rng::r#gen(&mut self.rng)
    }
}

impl Call {
    fn read(request: &Request<Bytes>) -> Result<Self, Refusal> {
        let target = target(request);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let decoded = decode(path);
        let version = version_of(path);
        let below = decoded.strip_prefix("/api").unwrap_or_default();
        let below = below.strip_prefix("/v1").or_else(|| below.strip_prefix("/v2")).unwrap_or(below);
        let below = below.strip_suffix('/').unwrap_or(below);
        // The router's patterns do not match a line break.
        let path = match below.strip_prefix('/') {
            Some(below) if !below.contains('\n') => below.splitn(3, '/').map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        let content_type =
            request.headers().get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default();
        let (form, body) = form(content_type, query, request.body())?;
        Ok(Self { method: request.method().clone(), path, version, form, body })
    }

    fn route(&self) -> String {
        let prefix = if self.version == Version::Two { "/api/v2" } else { "/api" };
        match self.path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["method", method] => (*method).to_owned(),
            [kind, doctype] => format!("{prefix}/{kind}/{doctype}"),
            [kind, doctype, _] => format!("{prefix}/{kind}/{doctype}/{{name}}"),
            _ => prefix.to_owned(),
        }
    }

    /// The document that a write carries: the form's `data`, or the body, or the form itself.
    pub(super) fn document(&self) -> Result<Map<String, Value>, Refusal> {
        let data = match self.form.get("data") {
            Some(Value::String(text)) => serde_json::from_str(text).ok(),
            Some(Value::Null) | None => self.body.clone(),
            Some(data) => Some(data.clone()),
        };
        match data {
            None => Ok(self.form.clone()),
            Some(Value::Object(document)) => Ok(document),
            Some(_) => Err(Refusal::crash("", "TypeError", "pop expected at most 1 argument, got 2")),
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.form.get(key).and_then(Value::as_str)
    }
}

type Form = (Map<String, Value>, Option<Value>);

/// A JSON body replaces the query; any other body is added to it.
fn form(content_type: &str, query: &str, body: &Bytes) -> Result<Form, Refusal> {
    let pairs = |text: &[u8]| -> Vec<(String, Value)> {
        url::form_urlencoded::parse(text)
            .map(|(key, value)| (key.into_owned(), value.into_owned().into()))
            .collect()
    };
    if content_type.starts_with("application/json") && !body.is_empty() {
        let Ok(text) = std::str::from_utf8(body) else {
            return Err(Refusal::crash("", "AttributeError", "'bytes' object has no attribute 'pop'"));
        };
        return match serde_json::from_str(text) {
            Ok(Value::Object(form)) => Ok((form, None)),
            Ok(_) => Err(Refusal::crash("", "TypeError", "pop expected at most 1 argument, got 2")),
            Err(_) => Err(Refusal::bad_json(text)),
        };
    }
    let mut form: Map<String, Value> = pairs(query.as_bytes()).into_iter().collect();
    if content_type.starts_with("application/x-www-form-urlencoded") {
        form.extend(pairs(body));
        return Ok((form, None));
    }
    Ok((form, serde_json::from_slice(body).ok()))
}

/// Whether a file is asked for, and not the API.
fn is_file(request: &Request<Bytes>) -> bool {
    let path = request.uri().path();
    path.starts_with("/private/files/") || path.starts_with("/files/")
}

fn target(request: &Request<Bytes>) -> &str {
    request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

fn host(request: &Request<Bytes>) -> Option<String> {
    let header =
        |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let host = header("x-frappe-site-name").or_else(|| header("host"));
    let host = host.or_else(|| request.uri().host().map(str::to_owned))?;
    Some(host.split(':').next().unwrap_or_default().to_owned())
}

fn version_of(path: &str) -> Version {
    if path.starts_with("/api/v2/") { Version::Two } else { Version::One }
}

/// Percent-decoding of a path, where `+` is a plus.
pub(super) fn decode(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                rest = ahead;
            }
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
