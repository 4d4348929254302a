use serde_json::json;

use super::*;
use crate::dafater::testing::{answer, html, refusal};
use crate::remote::Disposition;

const LIST: Call = Call::read("list contacts");
const GET: Call = Call::read_document("read a contact");
const CREATE: Call = Call::create("create a contact");
const UPDATE: Call = Call::change("update a contact");

fn error(call: Call, response: &http::Response<Bytes>) -> DafaterError {
    object(call, response).expect_err("a refusal")
}

fn disposition(call: Call, response: &http::Response<Bytes>) -> Disposition {
    error(call, response).disposition()
}

#[test]
fn wrong_keys_stop_the_account() {
    let wrong = answer(
        401,
        &json!({"exception": "frappe.exceptions.AuthenticationError", "exc_type": "AuthenticationError"}),
    );
    assert_eq!(disposition(LIST, &wrong), Disposition::Unauthorized);
    assert_eq!(
        disposition(LIST, &html(401, "<h1>401 Authorization Required</h1>")),
        Disposition::Unauthorized
    );
}

#[test]
fn a_password_that_the_site_lacks_is_not_taken_for_wrong_keys() {
    let lacking = refusal(
        401,
        "AuthenticationError",
        "Password not found for Google Contacts GC-me@gmail.example next_sync_token",
    );
    let error = error(UPDATE, &lacking);
    assert!(matches!(error, DafaterError::SecretNotSet(_)), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Refused);
    // Where no document is saved, no such password is needed: there it is a rule about the login.
    let barred = refusal(401, "AuthenticationError", "Access not allowed from this IP Address");
    assert_eq!(disposition(LIST, &barred), Disposition::Unauthorized);
}

#[test]
fn no_login_and_no_permission_are_told_apart() {
    let guest = refusal(
        403,
        "PermissionError",
        "User <strong>Guest</strong> does not have doctype access via role permission for document <strong>Contact</strong>",
    );
    let plain = refusal(
        403,
        "PermissionError",
        "User <strong>plain@dafater.test</strong> does not have access to this document: Contact - Omar",
    );
    assert_eq!(disposition(LIST, &guest), Disposition::Unauthorized);
    assert_eq!(disposition(GET, &plain), Disposition::Forbidden);
    assert_eq!(disposition(GET, &html(403, "<h1>Blocked by the firewall</h1>")), Disposition::Forbidden);
}

#[test]
fn not_found_means_gone_only_when_the_site_says_it_of_a_document() {
    let missing = refusal(404, "DoesNotExistError", "Contact NoSuchContact not found");
    assert_eq!(disposition(GET, &missing), Disposition::Gone);
    assert_eq!(disposition(LIST, &missing), Disposition::Forbidden);
    let unknown_site =
        html(404, "<!doctype html>\n<title>404 Not Found</title>\n<p>nosuch.example does not exist</p>\n");
    assert_eq!(disposition(GET, &unknown_site), Disposition::Forbidden);
    assert!(error(GET, &unknown_site).hint().contains("[dafater] url"));
}

#[test]
fn a_create_that_misses_something_it_refers_to_is_refused_and_no_wrong_address() {
    let missing = refusal(404, "DoesNotExistError", "Customer Globex LLC not found");
    assert_eq!(disposition(CREATE, &missing), Disposition::Refused);
    assert_eq!(
        disposition(CREATE, &answer(404, &json!({"exc_type": "DoesNotExistError"}))),
        Disposition::Forbidden
    );
}

#[test]
fn a_redirect_is_a_wrong_address_and_nothing_was_written() {
    assert_eq!(disposition(UPDATE, &html(301, "<h1>301 Moved Permanently</h1>")), Disposition::Forbidden);
}

#[test]
fn a_refused_lock_is_stale_with_and_without_a_traceback() {
    let text = "Error: Document has been modified after you have opened it (2026-11-22 11:38:19.578520, 2026-11-22 11:38:19.827693). Please refresh to get the latest document.";
    assert_eq!(disposition(UPDATE, &refusal(417, "TimestampMismatchError", text)), Disposition::Stale);
    assert_eq!(
        disposition(UPDATE, &answer(417, &json!({"exc_type": "TimestampMismatchError"}))),
        Disposition::Stale
    );
}

#[test]
fn refused_content_concerns_one_record() {
    for class in [
        "ValidationError",
        "LinkValidationError",
        "MandatoryError",
        "InvalidPhoneNumberError",
        "InvalidEmailAddressError",
        "CharacterLengthExceededError",
        "LinkExistsError",
        "CannotChangeConstantError",
    ] {
        assert_eq!(disposition(UPDATE, &refusal(417, class, "no")), Disposition::Refused, "{class}");
    }
    assert_eq!(
        disposition(
            CREATE,
            &refusal(409, "NameError", "Name cannot contain special characters like '<', '>'")
        ),
        Disposition::Refused
    );
}

#[test]
fn refused_content_makes_no_sense_for_a_list_and_is_our_error() {
    let unknown_field = refusal(417, "DataError", "Field not permitted in query: nope_field");
    assert_eq!(disposition(LIST, &unknown_field), Disposition::Protocol);
}

#[test]
fn a_taken_name_and_a_taken_unique_value_have_their_own_errors() {
    let taken = refusal(409, "DuplicateEntryError", "Contact <strong>jose-1</strong> already exists");
    assert!(matches!(error(CREATE, &taken), DafaterError::Duplicate(_)));
    assert_eq!(error(CREATE, &taken).reason_for_people(), Some("Contact jose-1 already exists"));
    let unique = refusal(417, "UniqueValidationError", "Sync Key must be unique");
    assert!(matches!(error(CREATE, &unique), DafaterError::NotUnique(_)));
}

#[test]
fn a_failure_that_the_site_names_left_nothing_behind() {
    for content in ["JSONDecodeError", "TypeError", "AttributeError", "ConnectionError", "AppSpecificError"] {
        let failure = answer(500, &json!({"exc_type": content}));
        assert_eq!(disposition(CREATE, &failure), Disposition::Refused, "{content}");
        assert_eq!(disposition(LIST, &failure), Disposition::Unavailable, "{content}");
    }
    for database in ["QueryTimeoutError", "QueryDeadlockError", "OperationalError", "InternalError"] {
        assert_eq!(
            disposition(UPDATE, &answer(500, &json!({"exc_type": database}))),
            Disposition::Unavailable,
            "{database}"
        );
    }
}

#[test]
fn a_failure_that_nobody_names_leaves_a_write_in_doubt() {
    for status in [500, 502, 503, 504, 524] {
        let page = html(status, "<html><head><title>502 Bad Gateway</title></head></html>");
        assert_eq!(disposition(CREATE, &page), Disposition::InDoubt, "{status}");
        assert_eq!(disposition(LIST, &page), Disposition::Unavailable, "{status}");
    }
}

#[test]
fn maintenance_wrote_nothing() {
    let stopped = answer(
        503,
        &json!({"exception": "frappe.exceptions.SessionStopped: Session Stopped", "exc_type": "SessionStopped"}),
    );
    assert_eq!(disposition(UPDATE, &stopped), Disposition::Unavailable);
    assert!(matches!(
        error(CREATE, &refusal(503, "InReadOnlyMode", "Site is running in read only mode")),
        DafaterError::Closed(_)
    ));
}

#[test]
fn a_rate_limit_tells_how_long_to_wait_in_json_and_in_plain_text() {
    for mut limited in
        [answer(429, &json!({"exc_type": "TooManyRequestsError"})), html(429, "Too Many Requests")]
    {
        assert_eq!(disposition(UPDATE, &limited), Disposition::Throttled { retry_after: None });
        limited.headers_mut().insert("X-RateLimit-Reset", "57".parse().expect("a value"));
        assert_eq!(
            disposition(UPDATE, &limited),
            Disposition::Throttled { retry_after: Some(Duration::from_secs(57)) }
        );
        limited.headers_mut().insert("Retry-After", "56".parse().expect("a value"));
        assert_eq!(
            disposition(UPDATE, &limited),
            Disposition::Throttled { retry_after: Some(Duration::from_secs(56)) }
        );
    }
}

#[test]
fn a_proxy_that_finds_the_request_too_large_wrote_nothing() {
    assert_eq!(disposition(CREATE, &html(413, "<h1>Request Entity Too Large</h1>")), Disposition::Refused);
    assert_eq!(disposition(LIST, &html(414, "<h1>414 Request-URI Too Large</h1>")), Disposition::Protocol);
    assert_eq!(
        disposition(LIST, &html(400, "<p>Bad Request</p> Request Line is too large (6616 &gt; 4094)")),
        Disposition::Protocol
    );
    // One contact whose name is too long for the way to the site concerns nobody else.
    assert_eq!(disposition(CREATE, &html(414, "<h1>414 Request-URI Too Large</h1>")), Disposition::Refused);
    assert_eq!(
        disposition(CREATE, &html(400, "Request Line is too large (6616 &gt; 4094)")),
        Disposition::Refused
    );
    assert_eq!(disposition(CREATE, &html(400, "<p>Bad Request</p>")), Disposition::Protocol);
}

#[test]
fn a_success_that_is_not_json_is_a_protocol_error_and_leaves_a_write_in_doubt() {
    for page in
        [html(200, "<html>Login</html>"), html(200, ""), answer(200, &json!([1])), answer(200, &json!(null))]
    {
        assert_eq!(disposition(LIST, &page), Disposition::Protocol);
        assert_eq!(disposition(UPDATE, &page), Disposition::InDoubt);
    }
}

#[test]
fn text_that_pretends_to_be_a_class_does_not_reach_the_log() {
    let forged = answer(417, &json!({"exc_type": "Layla Haddad +966 50 123 4567\nERROR forged"}));
    let error = error(UPDATE, &forged);
    assert!(!format!("{error} {error:?}").contains("Layla"), "{error:?}");
}

#[test]
fn wrongly_typed_error_bodies_do_no_harm() {
    for body in [
        json!({"exc_type": 7, "_server_messages": 7}),
        json!({"exc_type": null, "_server_messages": "[7]"}),
        json!("x"),
    ] {
        assert_eq!(disposition(UPDATE, &answer(500, &body)), Disposition::InDoubt);
    }
}
