use jiff::tz::Offset;
use serde_json::{Map, json};

use super::*;
use crate::dafater::testing::{Script, answer, data, html, message, refusal};

fn no_settings() -> http::Response<bytes::Bytes> {
    refusal(403, "PermissionError", "No permission for System Settings")
}

#[tokio::test]
async fn the_zone_comes_from_the_system_settings() {
    let (site, script) = Script::site([message(json!("Asia/Riyadh"))]);
    assert_eq!(
        site.site_time().await.expect("a zone"),
        SiteZone::Named(TimeZone::get("Asia/Riyadh").expect("a zone"))
    );
    let line = "GET /api/method/frappe.client.get_single_value?doctype=System+Settings&field=time_zone";
    assert_eq!(script.lines(), [line]);
}

#[tokio::test]
async fn a_user_without_the_settings_learns_the_offset_from_an_own_write() {
    let stored = json!({"name": "X", "creation": "2026-11-22 11:33:46.381217", "modified": "2026-11-22 11:33:46.381217",
        "email_ids": [], "phone_nos": [], "links": []});
    let (site, script) = Script::site([data(stored), no_settings()]);
    site.create_contact(Map::new()).await.expect("created");
    let measured = SiteZone::Measured { offset: Offset::constant(3), by: Measure::OwnWrite };
    assert_eq!(site.site_time().await.expect("a zone"), measured);
    assert!(script.is_over());
}

#[tokio::test]
async fn without_own_writes_a_contact_saved_just_now_must_serve() {
    let (site, script) = Script::site([no_settings(), message(json!([{"modified": "2026-11-22 11:31:00"}]))]);
    let measured = SiteZone::Measured { offset: Offset::constant(3), by: Measure::NewestContact };
    assert_eq!(site.site_time().await.expect("a zone"), measured);
    assert_eq!(script.body(1)["order_by"], "modified desc");
}

#[tokio::test]
async fn with_nothing_to_measure_by_utc_is_assumed_and_said_to_be() {
    for rows in [json!([]), json!([{"modified": "2026-11-01 10:10:00"}]), json!([7])] {
        let (site, _) = Script::site([no_settings(), message(rows)]);
        let zone = site.site_time().await.expect("a zone");
        assert!(!zone.is_known(), "{zone:?}");
    }
}

#[tokio::test]
async fn the_user_is_named_and_a_missing_login_is_told_from_a_wrong_key() {
    let guest = refusal(
        403,
        "PermissionError",
        "Function <strong>frappe.auth.get_logged_user</strong> is not whitelisted.",
    );
    let wrong = answer(401, &json!({"exc_type": "AuthenticationError"}));
    let (site, _) = Script::site([message(json!("sync@dafater.test")), guest, wrong, message(json!(7))]);
    assert_eq!(site.logged_user().await.expect("a user"), "sync@dafater.test");
    assert!(matches!(site.logged_user().await, Err(DafaterError::NotLoggedIn(_))));
    assert!(matches!(site.logged_user().await, Err(DafaterError::Credentials(_))));
    assert!(matches!(site.logged_user().await, Err(DafaterError::Protocol { .. })));
}

#[tokio::test]
async fn the_version_is_that_of_frappe_among_the_apps() {
    let versions = json!({"frappe": {"title": "Frappe Framework", "branch": "", "version": "15.44.2"}, "erpnext": {"version": "15.40.0"}, "odd": 7});
    let (site, _) = Script::site([message(versions), message(json!({}))]);
    let version = site.version().await.expect("a version");
    assert_eq!((version.frappe.as_str(), version.major(), version.apps.len()), ("15.44.2", Some(15), 2));
    assert!(site.version().await.is_err());
}

#[tokio::test]
async fn permissions_are_told_one_by_one_and_what_is_not_told_stays_open() {
    let may = |granted: bool| message(json!({ "has_permission": granted }));
    let mut row: Map<String, Value> =
        crate::dafater::CONTACT_FIELDS.iter().map(|&field| (field.to_owned(), Value::Null)).collect();
    row.remove("designation");
    let (site, script) = Script::site([
        may(true),
        may(true),
        refusal(417, "ValidationError", "Failed to get method"),
        may(false),
        refusal(403, "PermissionError", "no"),
        may(false),
        may(true),
        message(json!([row])),
    ]);
    let permissions = site.permissions().await.expect("permissions");
    let expected = Permissions {
        read: Some(true),
        write: Some(true),
        create: None,
        delete: Some(false),
        deleted_documents: Some(false),
        system_settings: Some(false),
        google_contacts: Some(true),
        hidden_fields: BTreeSet::from(["designation".to_owned()]),
    };
    assert_eq!(permissions, expected);
    let line = "GET /api/method/frappe.client.has_permission?doctype=Contact&docname=&perm_type=delete";
    assert_eq!(script.lines()[3], line);
    let line = "GET /api/method/frappe.client.has_permission?doctype=System+Settings&docname=&perm_type=read";
    assert_eq!(script.lines()[5], line);
}

#[tokio::test]
async fn permissions_of_an_unreachable_site_are_an_error() {
    let (site, _) = Script::site([html(502, "Bad Gateway")]);
    assert!(site.permissions().await.is_err());
}

#[tokio::test]
async fn salutations_are_a_set_or_not_readable() {
    let (site, _) = Script::site([
        message(json!([{"name": "Ms"}, {"name": "Dr"}, 7])),
        refusal(403, "PermissionError", "no"),
    ]);
    assert_eq!(
        site.salutations().await.expect("a set"),
        Some(BTreeSet::from(["Dr".to_owned(), "Ms".to_owned()]))
    );
    assert_eq!(site.salutations().await.expect("no error"), None);
}

#[tokio::test]
async fn a_key_that_no_header_carries_is_refused_at_once_and_debug_shows_no_secret() {
    let url: url::Url = "https://erp.example/sub/".parse().expect("a URL");
    let options = |secret: &str| {
        crate::dafater::SiteOptions::new(url.clone(), "key".to_owned(), secret.to_owned().into())
    };
    let transport = std::sync::Arc::new(crate::dafater::testing::Script::default());
    assert!(matches!(
        SiteClient::new(transport.clone(), options("a\nb")),
        Err(DafaterError::UnsendableCredentials)
    ));
    let site = SiteClient::new(transport, options("s3cret")).expect("a client");
    assert!(!format!("{site:?} {:?}", options("s3cret")).contains("s3cret"));
}
