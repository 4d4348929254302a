//! Reads an answer: the JSON object of a success, or the error that a refusal means.
//!
//! The site undoes the whole request before it answers with an `exc_type`, so any refusal that names its class left nothing
//! behind. Only an answer without a class (a proxy's page, a broken worker) leaves a write in doubt.
//
// API: frappe/app.py (`application`, `handle_exception`) rolls back and then reports; frappe/exceptions.py gives the statuses.

use std::time::Duration;

use bytes::Bytes;
use http::header::RETRY_AFTER;
use serde_json::{Map, Value};

use super::error::{Answer, Call, DafaterError};
use super::message;

/// The body of a success.
///
/// # Errors
/// The site refused, or the answer is no JSON object.
pub(super) fn object(
    call: Call,
    response: &http::Response<Bytes>,
) -> Result<Map<String, Value>, DafaterError> {
    let status = response.status();
    let body = match serde_json::from_slice(response.body()) {
        Ok(Value::Object(body)) => Some(body),
        _ => None,
    };
    match body {
        Some(body) if status.is_success() => Ok(body),
        None if status.is_success() => {
            Err(DafaterError::Protocol { call, status: status.as_u16(), what: "it is not a JSON object" })
        }
        body => Err(refusal(call, response, &body.unwrap_or_default())),
    }
}

fn refusal(call: Call, response: &http::Response<Bytes>, body: &Map<String, Value>) -> DafaterError {
    let status = response.status().as_u16();
    let exc_type = body.get("exc_type").and_then(Value::as_str).filter(|name| is_class_name(name));
    let answer = Box::new(Answer {
        call,
        status: Some(status),
        exc_type: exc_type.map(str::to_owned),
        reason: message::explanation(body),
    });
    let protocol = |what| DafaterError::Protocol { call, status, what };
    match (status, exc_type) {
        (_, Some("QueryTimeoutError" | "QueryDeadlockError")) => DafaterError::Busy(answer),
        (_, Some("SessionStopped" | "InReadOnlyMode")) => DafaterError::Closed(answer),
        (_, Some("TimestampMismatchError")) => DafaterError::Stale(answer),
        (400, Some(class)) if class.starts_with("InvalidAuthorization") => DafaterError::Credentials(answer),
        // API: wrong keys give 401 without a message; a save that needs a password which the site lacks gives one with it.
        (401, Some("AuthenticationError"))
            if (call.writes || call.of_password) && !message::server_messages(body).is_empty() =>
        {
            DafaterError::SecretNotSet(answer)
        }
        (401, _) => DafaterError::Credentials(answer),
        (403, _) if speaks_to_a_guest(body) => DafaterError::NotLoggedIn(answer),
        (403, _) => DafaterError::Forbidden(answer),
        (404 | 417, Some(_)) if call == Call::FILTERED => DafaterError::Filter(answer),
        (404, Some("DoesNotExistError")) if call.of_document => DafaterError::Missing(answer),
        // API: a hook may look up something that the new document refers to and not find it.
        (404, Some("DoesNotExistError")) if call.writes && !message::server_messages(body).is_empty() => {
            DafaterError::Refused(answer)
        }
        (300..=399 | 404, _) => DafaterError::WrongAddress(answer),
        (409, Some("DuplicateEntryError")) => DafaterError::Duplicate(answer),
        (413, _) => DafaterError::TooLarge(answer),
        (414, _) => DafaterError::TooLong(answer),
        (400, None) if is_line_too_large(response.body()) => DafaterError::TooLong(answer),
        (429, _) => DafaterError::Throttled { answer, retry_after: retry_after(response) },
        (417, Some("UniqueValidationError")) if call.writes => DafaterError::NotUnique(answer),
        (409 | 417, Some(_)) if call.writes => DafaterError::Refused(answer),
        (417, Some(_)) => protocol("it does not know a field or a method that we asked for"),
        (503, Some(_)) => DafaterError::Closed(answer),
        (500..=599, Some(class)) => failure(class, answer),
        (408 | 500..=599, None) => DafaterError::Unclear(answer),
        _ => protocol("the status is unexpected"),
    }
}

/// API: gunicorn/http/errors.py, `LimitRequestLine`, in a page of its own before the site is asked.
fn is_line_too_large(page: &[u8]) -> bool {
    const SAID: &[u8] = b"Request Line is too large";
    page.windows(SAID.len()).any(|window| window == SAID)
}

/// A class of 500. Everything was undone; the question is only whether the record or the site is to blame.
fn failure(class: &str, answer: Box<Answer>) -> DafaterError {
    if DATABASE_FAILURES.contains(&class) || !answer.call.writes {
        DafaterError::Busy(answer)
    } else {
        DafaterError::Refused(answer)
    }
}

/// Classes of the database drivers and of the worker's own distress: the site is to blame, not the record.
const DATABASE_FAILURES: [&str; 8] = [
    "OperationalError",
    "InternalError",
    "InterfaceError",
    "ProgrammingError",
    "DatabaseError",
    "MemoryError",
    "BusyLoadingError",
    "TimeoutError",
];

/// API: without a login the site answers 403 and names the user it saw, which no role can make anything else than `Guest`.
fn speaks_to_a_guest(body: &Map<String, Value>) -> bool {
    body.contains_key("session_expired")
        || message::server_messages(body).iter().any(|message| message.contains("<strong>Guest</strong>"))
}

/// API: `Retry-After` is in seconds here; `X-RateLimit-Reset` says the same.
fn retry_after(response: &http::Response<Bytes>) -> Option<Duration> {
    let seconds = |name: &str| response.headers().get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    seconds(RETRY_AFTER.as_str()).or_else(|| seconds("x-ratelimit-reset")).map(Duration::from_secs)
}

/// Guards the logs against text that only pretends to be a class.
fn is_class_name(name: &str) -> bool {
    (1..=80).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

#[cfg(test)]
mod tests;
