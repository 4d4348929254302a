//! What Google answers when it refuses: the error envelope and the texts that clients see.

use std::borrow::Cow;

use http::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};
use http::{Response, StatusCode};
use serde_json::{Value, json};

use bytes::Bytes;

/// A refused request.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Refusal {
    /// HTTP status.
    pub(super) code: u16,
    /// Canonical status, such as `INVALID_ARGUMENT`.
    pub(super) status: &'static str,
    /// The sentence for people.
    pub(super) message: Cow<'static, str>,
    /// `error.details`.
    pub(super) details: Vec<Value>,
}

/// A body, or why there is none.
pub(super) type Answer = Result<Vec<u8>, Refusal>;

impl Refusal {
    pub(super) fn new(code: u16, status: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, status, message: message.into(), details: Vec::new() }
    }

    /// 400 with a text of its own.
    pub(super) fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "INVALID_ARGUMENT", message)
    }

    /// 400 with the text Google uses when it does not say what is wrong.
    pub(super) fn invalid_argument() -> Self {
        Self::invalid("Request contains an invalid argument.")
    }

    /// 400 for what cannot be read into the request message.
    pub(super) fn unreadable(violations: Vec<(String, String)>) -> Self {
        let message =
            violations.iter().map(|(_, description)| description.as_str()).collect::<Vec<_>>().join("\n");
        let violations: Vec<Value> = violations
            .into_iter()
            .map(|(field, description)| json!({"field": field, "description": description}))
            .collect();
        let mut refusal = Self::invalid(message);
        refusal.details = vec![
            json!({"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}),
        ];
        refusal
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "Requested entity was not found.")
    }

    /// The etag of a person, or of its CONTACT source, is not the current one.
    pub(super) fn stale_person(field: &str) -> Self {
        Self::new(
            400,
            "FAILED_PRECONDITION",
            format!(
                "Request {field} is different than the current {field}. Clear local cache and get the latest person."
            ),
        )
    }

    pub(super) fn conflict(status: &'static str, message: &'static str) -> Self {
        Self::new(409, status, message)
    }

    pub(super) fn not_modelled(method: &str) -> Self {
        Self::new(501, "UNIMPLEMENTED", format!("The stand-in does not model {method}."))
    }

    /// Adds a `google.rpc.ErrorInfo`.
    pub(super) fn with_info(mut self, reason: &str, domain: &str, metadata: Value) -> Self {
        let mut info =
            json!({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": domain});
        if let (Some(info), false) = (info.as_object_mut(), metadata.is_null()) {
            info.insert("metadata".to_owned(), metadata);
        }
        self.details.push(info);
        self
    }

    /// The `google.rpc.Code` of the status.
    pub(super) fn rpc_code(&self) -> u32 {
        match self.status {
            "INVALID_ARGUMENT" => 3,
            "NOT_FOUND" => 5,
            "ALREADY_EXISTS" => 6,
            "PERMISSION_DENIED" => 7,
            "RESOURCE_EXHAUSTED" => 8,
            "FAILED_PRECONDITION" => 9,
            "ABORTED" => 10,
            "UNIMPLEMENTED" => 12,
            "UNAUTHENTICATED" => 16,
            _ => 2,
        }
    }

    /// As a `google.rpc.Status` inside another answer.
    pub(super) fn to_status(&self) -> Value {
        json!({"code": self.rpc_code(), "message": self.message})
    }

    fn v1_reason(&self) -> &'static str {
        match self.status {
            "FAILED_PRECONDITION" => "failedPrecondition",
            "NOT_FOUND" => "notFound",
            "PERMISSION_DENIED" => "forbidden",
            "RESOURCE_EXHAUSTED" => "rateLimitExceeded",
            "UNAUTHENTICATED" => "authError",
            "ALREADY_EXISTS" => "alreadyExists",
            "ABORTED" => "aborted",
            _ => "badRequest",
        }
    }

    /// The whole answer; `v1` adds the older `errors` list.
    pub(super) fn to_response(&self, v1: bool) -> Response<Bytes> {
        let mut error = json!({"code": self.code, "message": self.message, "status": self.status});
        if let Some(error) = error.as_object_mut() {
            if v1 {
                let item = json!({"message": self.message, "domain": "global", "reason": self.v1_reason()});
                error.insert("errors".to_owned(), json!([item]));
            }
            if !self.details.is_empty() {
                error.insert("details".to_owned(), Value::Array(self.details.clone()));
            }
        }
        let mut response = json_response(self.code, json!({"error": error}).to_string().into_bytes());
        if self.code == 401 || self.code == 403 && self.message.contains("scopes") {
            let challenge = if self.code == 401 {
                "Bearer realm=\"https://accounts.google.com/\", error=\"invalid_token\""
            } else {
                "Bearer realm=\"https://accounts.google.com/\", error=\"insufficient_scope\", \
                 scope=\"https://www.googleapis.com/auth/contacts\""
            };
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        response
    }
}

/// A JSON answer with the headers of Google's front end.
pub(super) fn json_response(code: u16, body: Vec<u8>) -> Response<Bytes> {
    let mut response = plain_response(code, "application/json; charset=UTF-8", body.into());
    let headers = response.headers_mut();
    headers.insert("vary", HeaderValue::from_static("Origin, X-Origin, Referer"));
    headers.insert("cache-control", HeaderValue::from_static("private"));
    headers.insert("x-content-type-options", HeaderValue::from_static("nosniff"));
    headers.insert("x-frame-options", HeaderValue::from_static("SAMEORIGIN"));
    response
}

/// The page that Google shows for an address it does not know.
pub(super) fn unknown_address(path: &str) -> Response<Bytes> {
    let path = path.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let body = format!(
        "<!DOCTYPE html>\n<html lang=en>\n  <meta charset=utf-8>\n  <title>Error 404 (Not Found)!!1</title>\n  \
         <p><b>404.</b> <ins>That’s an error.</ins>\n  <p>The requested URL <code>{path}</code> was not found on this \
         server.  <ins>That’s all we know.</ins>\n"
    );
    plain_response(404, "text/html; charset=UTF-8", body.into())
}

/// An answer of any type.
pub(super) fn plain_response(code: u16, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response.headers_mut().insert("server", HeaderValue::from_static("ESF"));
    response
}
