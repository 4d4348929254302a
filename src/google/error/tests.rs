use std::time::Duration;

use http::Response;
use serde_json::{Value, json};

use super::*;
use crate::google::Method;
use crate::google::testing::{answer, no_answer, not_sent, page, raw};
use crate::remote::{Disposition, TransportError};

const ETAG_MISMATCH: &str = r#"{"error": {"code": 400, "status": "FAILED_PRECONDITION",
    "message": "Request person.metadata.sources.etag is different than the current person.metadata.sources.etag. Clear local cache and get the latest person."}}"#;
const ETAG_MISSING: &str = r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT",
    "message": "Request must set person.etag or person.metadata.sources.etag for the source that is being updated."}}"#;
const EXPIRED: &str = r#"{"error": {"code": 400, "status": "FAILED_PRECONDITION",
    "message": "Sync token is expired. Clear local cache and retry call without the sync token.",
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "EXPIRED_SYNC_TOKEN", "domain": "people.googleapis.com"}]}}"#;
const GENERIC_400: &str = r#"{"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT"}}"#;
const NOT_FOUND: &str =
    r#"{"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}}"#;
const MINUTE: &str = r#"{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED",
    "message": "Quota exceeded for quota metric 'Critical read requests (Contact and Profile Reads)' and limit 'Critical read requests (Contact and Profile Reads) per minute per user' of service 'people.googleapis.com' for consumer 'project_number:1'.",
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "RATE_LIMIT_EXCEEDED", "domain": "googleapis.com",
        "metadata": {"quota_limit": "CriticalReadsPerMinutePerProjectPerUser", "service": "people.googleapis.com"}},
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "31.5s"}]}}"#;
const STORAGE: &str = r#"{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "Resource has been exhausted (e.g. check quota).",
    "details": [{"@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"subject": "QUOTA_EXCEEDED", "description": "FBS quota limit exceeded"}]}]}}"#;
const OLD_RATE_LIMIT: &str = r#"{"error": {"code": 403, "message": "Rate Limit Exceeded",
    "errors": [{"message": "Rate Limit Exceeded", "domain": "usageLimits", "reason": "userRateLimitExceeded"}]}}"#;
const DISABLED: &str = r#"{"error": {"code": 403, "status": "PERMISSION_DENIED",
    "message": "People API has not been used in project 42 before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/people.googleapis.com/overview?project=42 then retry.",
    "details": [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED", "domain": "googleapis.com"}]}}"#;
const SCOPES: &str = r#"{"error": {"code": 403, "message": "Request had insufficient authentication scopes.", "status": "PERMISSION_DENIED"}}"#;
const DENIED: &str = r#"{"error": {"code": 403, "message": "The caller does not have permission", "status": "PERMISSION_DENIED"}}"#;
const UNAUTHENTICATED: &str = r#"{"error": {"code": 401, "status": "UNAUTHENTICATED",
    "message": "Request had invalid authentication credentials."}}"#;
const FULL: &str =
    r#"{"error": {"code": 429, "message": "MY_CONTACTS_OVERFLOW_COUNT", "status": "RESOURCE_EXHAUSTED"}}"#;
const INTERNAL: &str =
    r#"{"error": {"code": 500, "message": "Internal error encountered.", "status": "INTERNAL"}}"#;
const LABEL_EXISTS: &str =
    r#"{"error": {"code": 409, "message": "Contact group name already exists", "status": "ALREADY_EXISTS"}}"#;
const LABEL_STALE: &str =
    r#"{"error": {"code": 409, "message": "Contact group etag is outdated", "status": "ABORTED"}}"#;

fn read(method: Method, status: u16, body: &str) -> ApiError {
    ApiError::read(method, false, &raw(status, "application/json", body.to_owned()).unwrap())
}

#[test]
fn each_error_body_means_one_thing() {
    use Disposition::*;
    let throttled = |seconds| Throttled { retry_after: Some(Duration::from_secs(seconds)) };
    let table = [
        (Method::UpdateContact, 400, ETAG_MISMATCH, Stale),
        (Method::UpdateContact, 400, ETAG_MISSING, Stale),
        (Method::UpdateContact, 400, GENERIC_400, Refused),
        (Method::ConnectionsList, 400, GENERIC_400, Protocol),
        (Method::ConnectionsList, 400, EXPIRED, CursorExpired),
        (Method::ConnectionsList, 410, EXPIRED, CursorExpired),
        (Method::Get, 404, NOT_FOUND, Gone),
        (Method::DeleteContact, 404, NOT_FOUND, Gone),
        (Method::ConnectionsList, 404, NOT_FOUND, Protocol),
        (Method::CreateContact, 404, NOT_FOUND, Protocol),
        (Method::UpdateContact, 429, STORAGE, throttled(900)),
        (Method::CreateContact, 429, FULL, Refused),
        (Method::CreateContact, 400, FULL, Refused),
        (Method::ConnectionsList, 403, OLD_RATE_LIMIT, Throttled { retry_after: None }),
        (Method::ConnectionsList, 403, DISABLED, Forbidden),
        (Method::ConnectionsList, 403, SCOPES, Forbidden),
        (Method::DeleteContact, 403, DENIED, Forbidden),
        (Method::Get, 401, UNAUTHENTICATED, Unauthorized),
        (Method::Get, 500, INTERNAL, Unavailable),
        (Method::BatchCreateContacts, 500, INTERNAL, InDoubt),
        (Method::ContactGroupsCreate, 409, LABEL_EXISTS, Refused),
        (Method::MembersModify, 409, LABEL_STALE, Stale),
    ];
    for (method, status, body, meaning) in table {
        assert_eq!(read(method, status, body).disposition(), meaning, "{method} {status} {body}");
    }
}

#[test]
fn a_refused_sync_token_means_a_full_read_whatever_the_words() {
    let response = raw(400, "application/json", GENERIC_400).unwrap();
    assert_eq!(
        ApiError::read(Method::ConnectionsList, true, &response).disposition(),
        Disposition::CursorExpired
    );
    let forbidden = raw(403, "application/json", DENIED).unwrap();
    let error = ApiError::read(Method::ConnectionsList, true, &forbidden);
    assert_eq!(error.disposition(), Disposition::Forbidden, "a lost permission is not a lost cursor");
}

#[test]
fn a_page_in_the_place_of_an_error_body_is_never_evidence_about_a_contact() {
    for (status, method, meaning) in [
        (404, Method::Get, Disposition::Protocol),
        (404, Method::DeleteContact, Disposition::Protocol),
        (410, Method::UpdateContact, Disposition::Protocol),
        (302, Method::ConnectionsList, Disposition::Protocol),
        (400, Method::UpdateContact, Disposition::Protocol),
        (403, Method::DeleteContact, Disposition::Forbidden),
        (502, Method::Get, Disposition::Unavailable),
        (504, Method::UpdateContact, Disposition::InDoubt),
    ] {
        let error = ApiError::read(method, false, &page(status).unwrap());
        assert_eq!((error.body, error.disposition()), (BodyKind::Html, meaning), "{method} {status}");
    }
    let gateway = read(Method::Get, 404, r#"{"error": {"message": "no such route"}}"#);
    assert_eq!(gateway.disposition(), Disposition::Protocol, "Google repeats the code in the body");
    let empty = ApiError::read(Method::Get, false, &raw(404, "application/json", "").unwrap());
    assert_eq!((empty.body, empty.disposition()), (BodyKind::Empty, Disposition::Protocol));
}

#[test]
fn without_an_answer_a_write_is_in_doubt_only_if_it_may_have_left() {
    let failed = |method, source: TransportError| GoogleError::Transport { method, source }.disposition();
    assert_eq!(failed(Method::CreateContact, no_answer().unwrap_err()), Disposition::InDoubt);
    assert_eq!(failed(Method::CreateContact, not_sent().unwrap_err()), Disposition::Unavailable);
    assert_eq!(failed(Method::Get, no_answer().unwrap_err()), Disposition::Unavailable);
}

#[test]
fn the_waiting_time_comes_from_the_body_or_the_header_whichever_is_longer() {
    let minute = read(Method::ConnectionsList, 429, MINUTE);
    assert_eq!(minute.quota(), Some(Quota::Minute));
    assert_eq!(minute.retry_after, Some(Duration::from_millis(31_500)));
    let with_header = |value: &str, body: &str| {
        let response = Response::builder()
            .status(429)
            .header("retry-after", value)
            .header("date", "Mon, 23 Nov 2026 08:00:00 GMT")
            .body(bytes::Bytes::from(body.to_owned()))
            .unwrap();
        ApiError::read(Method::ConnectionsList, false, &response).retry_after
    };
    assert_eq!(with_header("120", MINUTE), Some(Duration::from_mins(2)));
    assert_eq!(with_header("5", MINUTE), Some(Duration::from_millis(31_500)));
    assert_eq!(with_header("Mon, 23 Nov 2026 08:01:30 GMT", ""), Some(Duration::from_secs(90)));
    assert_eq!(with_header("Sun, 22 Nov 2026 08:00:00 GMT", ""), Some(Duration::ZERO));
    assert_eq!(with_header("99999999999", ""), Some(Duration::from_hours(24)), "no answer stops us for good");
    assert_eq!(with_header("soon", ""), None);
}

#[test]
fn a_refused_batch_names_the_contacts_at_fault() {
    let error = GoogleError::Api(Box::new(read(
        Method::BatchUpdateContacts,
        400,
        r#"{"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT",
            "details": [{"@type": "type.googleapis.com/google.rpc.DebugInfo", "detail": ["?"]},
                {"@type": "type.googleapis.com/google.people.v1.BatchUpdateContactsErrorDetails", "contactErrors": {
                    "people/c1": {"code": 9, "message": "Request person.etag is different than the current person.etag."},
                    "people/c2": {"code": 5, "message": "Requested entity was not found."},
                    "people/c3": {"code": 3, "message": "Invalid phone 0123"}}}]}}"#,
    )));
    assert_eq!(error.disposition(), Disposition::Refused);
    let Some(ContactErrors::Updated(errors)) = error.contact_errors() else { panic!("{error:?}") };
    let meanings: Vec<_> =
        errors.iter().map(|(name, status)| (name.0.as_str(), status.disposition())).collect();
    assert_eq!(
        meanings,
        [
            ("people/c1", Disposition::Stale),
            ("people/c2", Disposition::Gone),
            ("people/c3", Disposition::Refused),
        ]
    );
}

#[test]
fn a_refused_batch_of_creates_is_told_by_position() {
    let error = read(
        Method::BatchCreateContacts,
        400,
        r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT", "details": [{
            "@type": "type.googleapis.com/google.people.v1.BatchCreateContactsErrorDetails",
            "contactErrors": {"7": {"code": 8, "message": "MY_CONTACTS_OVERFLOW_COUNT"}, "x": {"code": 3}}}]}}"#,
    );
    assert!(error.is_account_full());
    let Some(ContactErrors::Created(errors)) = &error.contact_errors else { panic!("{error:?}") };
    assert_eq!(errors.iter().map(|(index, s)| (*index, s.code)).collect::<Vec<_>>(), [(7, 8)]);
}

#[test]
fn hints_say_who_must_act() {
    let hint = |status, body| read(Method::UpdateContact, status, body).hint().into_owned();
    assert!(hint(403, DISABLED).contains(
        "https://console.developers.google.com/apis/api/people.googleapis.com/overview?project=42"
    ));
    assert!(hint(403, SCOPES).contains("dafater-contactsd authorize"));
    assert!(hint(403, DENIED).contains("administrator of the Workspace"));
    assert!(hint(401, UNAUTHENTICATED).contains("dafater-contactsd authorize"));
    assert!(hint(429, STORAGE).contains("some hours"));
    assert!(hint(429, FULL).contains("25,000"));
    assert!(hint(400, EXPIRED).contains("reads all contacts again"));
    assert!(hint(400, ETAG_MISMATCH).contains("merges again"));
    assert!(ApiError::read(Method::Get, false, &page(404).unwrap()).hint().contains("api_url"));
    let elsewhere = DISABLED.replace("console.developers.google.com", "console.evil.example");
    assert!(!hint(403, &elsewhere).contains("evil"), "a person is sent to Google's console only");
}

#[test]
fn what_google_quotes_from_a_contact_is_not_shown() {
    let error = GoogleError::Api(Box::new(read(
        Method::UpdateContact,
        400,
        r#"{"error": {"code": 400, "status": "INVALID_ARGUMENT", "message": "Invalid value: Ada Lovelace",
            "details": [{"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [
                {"field": "person.names[0].given_name", "description": "too long: Ada Lovelace"}]}]}}"#,
    )));
    for shown in [format!("{error}"), format!("{error:?}"), error.hint().into_owned()] {
        assert!(!shown.contains("Ada"), "{shown}");
    }
    assert!(error.hint().contains("person.names[0].given_name"), "the field is named");
    assert!(error.api().unwrap().message().contains("Ada"), "the record's own history may have it");
    assert_eq!(error.to_string(), "people.updateContact was refused with 400 INVALID_ARGUMENT");
}

#[test]
fn misshapen_error_bodies_are_read_as_far_as_they_go() {
    let bodies = [
        json!({"error": "invalid_token"}),
        json!({"error": {"details": "none"}}),
        json!({"error": {"code": "x", "details": [null, 3, {"@type": 7}, {"@type": "google.rpc.ErrorInfo", "metadata": []}]}}),
        json!({"error": {"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": "-1s"}]}}),
        json!({"error": {"details": [{"@type": "google.rpc.RetryInfo", "retryDelay": "1e300s"}]}}),
        json!([]),
        Value::Null,
    ];
    for body in bodies {
        let error = ApiError::read(Method::UpdateContact, false, &answer(503, &body).unwrap());
        assert_eq!(error.disposition(), Disposition::InDoubt, "{body}");
        assert_eq!(error.retry_after, None, "{body}");
    }
}
