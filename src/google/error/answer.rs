//! An error answer, read from its status line, headers and body.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use http::{HeaderMap, Response};
use jiff::Timestamp;
use serde_json::Value;

use super::details::{
    ContactErrors, Details, ErrorInfo, FieldViolation, LONGEST_DELAY, QuotaViolation, text,
};
use crate::google::Method;

/// What the body of an error answer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyKind {
    /// Google's error object: the People API itself answered.
    Google,
    /// Nothing.
    Empty,
    /// A page: a front-end, a proxy or a wrong address answered.
    Html,
    /// Something else.
    Other,
}

/// An error answer of the People API, or of something that stands where the People API should.
#[derive(Clone)]
pub struct ApiError {
    /// What was called.
    pub method: Method,
    /// Whether the call carried a sync token.
    pub incremental: bool,
    /// HTTP status code.
    pub http_status: u16,
    /// Canonical status (`INVALID_ARGUMENT`, …); empty if the body names none.
    pub status: String,
    /// What the body was.
    pub body: BodyKind,
    /// Reasons, newest form first.
    pub reasons: Vec<ErrorInfo>,
    /// How long Google asked us to wait: `Retry-After` or `RetryInfo`, the longer of the two.
    pub retry_after: Option<Duration>,
    /// Limits that were hit.
    pub quota_violations: Vec<QuotaViolation>,
    /// Fields that were refused.
    pub field_violations: Vec<FieldViolation>,
    /// Contacts of a batch that were refused.
    pub contact_errors: Option<ContactErrors>,
    pub(super) help_urls: Vec<String>,
    /// The status code as the body repeats it; what stands between us and Google does not.
    pub(super) code: Option<i64>,
    message: String,
}

impl ApiError {
    /// Reads an answer whose status is not a success.
    #[must_use]
    pub(crate) fn read(method: Method, incremental: bool, response: &Response<Bytes>) -> Self {
        let envelope: Option<Value> = serde_json::from_slice(response.body()).ok();
        let error = envelope.as_ref().and_then(|body| body.get("error")).filter(|error| error.is_object());
        let details = error.map(Details::read).unwrap_or_default();
        Self {
            method,
            incremental,
            http_status: response.status().as_u16(),
            status: error.map(|error| text(error, "status")).unwrap_or_default(),
            body: if error.is_some() { BodyKind::Google } else { kind_of(response) },
            reasons: details.infos,
            retry_after: retry_after(response.headers()).max(details.retry_delay),
            quota_violations: details.quota_violations,
            field_violations: details.field_violations,
            contact_errors: details.contact_errors,
            help_urls: details.help_urls,
            code: error.and_then(|error| error.get("code")).and_then(Value::as_i64),
            message: error.map(|error| text(error, "message")).unwrap_or_default(),
        }
    }

    /// Google's own words. They may quote what was sent: never log them above debug.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether any of the details gives `reason`.
    #[must_use]
    pub fn has_reason(&self, reason: &str) -> bool {
        self.reasons.iter().any(|info| info.reason == reason)
    }

    /// The first value of a key in the reasons' metadata.
    pub(super) fn metadata(&self, key: &str) -> Option<&str> {
        self.reasons.iter().find_map(|info| info.metadata.get(key)).map(String::as_str)
    }
}

impl std::error::Error for ApiError {}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was refused with {}", self.method, self.http_status)?;
        if is_constant(&self.status) {
            write!(f, " {}", self.status)?;
        }
        if let Some(info) = self.reasons.iter().find(|info| is_constant(&info.reason)) {
            write!(f, " ({})", info.reason)?;
        }
        match self.body {
            BodyKind::Google => Ok(()),
            BodyKind::Empty => f.write_str(" and an empty body"),
            BodyKind::Html => f.write_str(" and a web page"),
            BodyKind::Other => f.write_str(" and no error body"),
        }
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("method", &self.method)
            .field("incremental", &self.incremental)
            .field("http_status", &self.http_status)
            .field("status", &self.status)
            .field("body", &self.body)
            .field("reasons", &self.reasons)
            .field("retry_after", &self.retry_after)
            .field("quota_violations", &self.quota_violations)
            .field("field_violations", &self.field_violations)
            .field("contact_errors", &self.contact_errors)
            .finish_non_exhaustive()
    }
}

/// A code word, as opposed to a sentence that might quote something.
fn is_constant(word: &str) -> bool {
    !word.is_empty() && word.len() <= 80 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn kind_of(response: &Response<Bytes>) -> BodyKind {
    let body = response.body().trim_ascii_start();
    let declared =
        response.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if body.is_empty() {
        BodyKind::Empty
    } else if declared || body.starts_with(b"<") {
        BodyKind::Html
    } else {
        BodyKind::Other
    }
}

/// `Retry-After`, in seconds or as a date. A date is measured against the answer's own `Date`, so that our clock does not matter.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = if let Ok(seconds) = value.parse() {
        Duration::from_secs(seconds)
    } else {
        let sent = http_date(headers.get(DATE)?.to_str().ok()?)?;
        Duration::try_from(http_date(value)?.duration_since(sent)).unwrap_or_default()
    };
    Some(delay.min(LONGEST_DELAY))
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text).ok().map(|date| date.timestamp())
}
