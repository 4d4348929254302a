use serde_json::json;

use super::*;
use crate::dafater::testing::{Script, answer, data, html, message, refusal};
use crate::remote::Disposition;

const NAME: &str = "Upd Test-Globex LLC";
const LOCK: &str = "2026-11-22 11:38:19.578520";

fn name() -> DocumentName {
    DocumentName(NAME.to_owned())
}

fn lock() -> SiteStamp {
    SiteStamp(LOCK.to_owned())
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where the value is written in place")]
fn body(value: Value) -> Map<String, Value> {
    value.as_object().expect("an object").clone()
}

fn stored(name: &str, modified: &str) -> Value {
    json!({"name": name, "owner": "sync@dafater.test", "creation": "2026-11-22 11:38:15.955707", "modified": modified,
        "doctype": "Contact", "first_name": "Upd", "email_ids": [], "phone_nos": [], "links": [], "__unsaved": 1})
}

#[tokio::test]
async fn a_contact_is_created_under_the_name_that_the_site_gives_it() {
    let (site, script) = Script::site([data(stored("Upd-1", "2026-11-22 11:33:46.381217"))]);
    let document =
        site.create_contact(body(json!({"first_name": "Upd", "name": "Other"}))).await.expect("created");
    assert_eq!(document.name.0, "Upd-1");
    assert_eq!(script.lines(), ["POST /api/resource/Contact"]);
    assert_eq!(script.body(0), json!({"first_name": "Upd"}));
    assert_eq!(script.header(0, "content-type").as_deref(), Some("application/json"));
}

#[tokio::test]
async fn an_update_carries_its_lock_to_the_last_digit() {
    let (site, script) = Script::site([data(stored(NAME, "2026-11-22 11:38:20.000001"))]);
    let document =
        site.update_contact(&name(), &lock(), body(json!({"designation": null}))).await.expect("updated");
    assert_eq!(document.modified.0, "2026-11-22 11:38:20.000001");
    assert_eq!(script.lines(), ["PUT /api/resource/Contact/Upd%20Test-Globex%20LLC"]);
    assert_eq!(script.body(0), json!({"designation": null, "modified": LOCK}));
}

#[tokio::test]
async fn no_key_that_could_reach_another_document_or_row_leaves() {
    let (site, script) = Script::site([data(stored(NAME, LOCK))]);
    let hostile = json!({"name": "Victim", "owner": "x", "creation": "y", "modified": "z", "modified_by": "x",
        "doctype": "User", "docstatus": 2, "idx": 1, "flags": {}, "__islocal": 1, "_user_tags": "t", "first_name": "Upd",
        "email_ids": [{"name": "l8v6vjb99v", "parent": "Victim", "parenttype": "Contact", "parentfield": "email_ids",
            "idx": 7, "doctype": "Contact Email", "email_id": "a@b.example", "is_primary": 1, "custom_label": "work"}]});
    site.update_contact(&name(), &lock(), body(hostile)).await.expect("updated");
    let clean = json!({"first_name": "Upd", "modified": LOCK,
        "email_ids": [{"email_id": "a@b.example", "is_primary": 1, "custom_label": "work"}]});
    assert_eq!(script.body(0), clean);
}

#[tokio::test]
async fn a_name_that_no_path_carries_is_updated_and_deleted_by_method() {
    let odd = DocumentName("Ends/".to_owned());
    let (site, script) = Script::site([
        message(stored("Ends/", LOCK)),
        message(stored("Ends/", LOCK)),
        answer(200, &json!({})),
    ]);
    site.update_contact(&odd, &lock(), body(json!({"designation": "d"}))).await.expect("updated");
    site.delete_contact(&odd, &lock()).await.expect("deleted");
    assert_eq!(
        script.lines(),
        [
            "POST /api/method/frappe.client.set_value",
            "GET /api/method/frappe.client.get?doctype=Contact&name=Ends%2F",
            "POST /api/method/frappe.client.delete",
        ]
    );
    assert_eq!(
        script.body(0),
        json!({"doctype": "Contact", "name": "Ends/", "fieldname": {"designation": "d", "modified": LOCK}})
    );
    assert_eq!(script.body(2), json!({"doctype": "Contact", "name": "Ends/"}));
}

#[tokio::test]
async fn a_deletion_happens_only_at_the_revision_that_it_was_decided_on() {
    let (site, script) = Script::site([data(stored(NAME, LOCK)), answer(202, &json!({"data": "ok"}))]);
    let deleted = site.delete_contact(&name(), &lock()).await.expect("deleted");
    assert_eq!(deleted.name, name());
    assert_eq!(script.lines()[1], "DELETE /api/resource/Contact/Upd%20Test-Globex%20LLC");

    let (site, script) = Script::site([data(stored(NAME, "2026-11-22 11:38:19.827693"))]);
    let error = site.delete_contact(&name(), &lock()).await.expect_err("edited meanwhile");
    assert_eq!(error.disposition(), Disposition::Stale);
    assert_eq!(script.lines().len(), 1, "nothing is deleted");
}

#[tokio::test]
async fn deleting_what_is_gone_hidden_or_referred_to_says_which() {
    let missing = refusal(404, "DoesNotExistError", "Contact DelMe not found");
    let hidden = refusal(
        403,
        "PermissionError",
        "User <strong>sales@dafater.test</strong> does not have access to this document",
    );
    let linked = refusal(
        417,
        "LinkExistsError",
        "Cannot delete or cancel because Contact <a href=\"/app/x\">L</a> is linked with Customer <a>G</a>",
    );
    let (site, _) = Script::site([missing, hidden, data(stored(NAME, LOCK)), linked]);
    let gone = site.delete_contact(&name(), &lock()).await.expect_err("gone");
    assert_eq!(gone.disposition(), Disposition::Gone);
    let hidden = site.delete_contact(&name(), &lock()).await.expect_err("hidden");
    assert_eq!(hidden.disposition(), Disposition::Forbidden);
    let linked = site.delete_contact(&name(), &lock()).await.expect_err("linked");
    assert_eq!((linked.exc_type(), linked.disposition()), (Some("LinkExistsError"), Disposition::Refused));
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_leaves_the_write_in_doubt() {
    for odd in
        [html(200, "<html></html>"), answer(200, &json!({})), data(json!("ok")), data(json!({"name": "X"}))]
    {
        let (site, _) = Script::site([odd]);
        let error = site.create_contact(body(json!({"first_name": "X"}))).await.expect_err("unreadable");
        assert_eq!(error.disposition(), Disposition::InDoubt);
    }
}

#[tokio::test]
async fn a_reading_failure_before_a_deletion_is_not_a_deletion_in_doubt() {
    let (site, _) = Script::site([html(502, "Bad Gateway")]);
    let error = site.delete_contact(&name(), &lock()).await.expect_err("not read");
    assert_eq!(error.disposition(), Disposition::Unavailable);
}

#[tokio::test]
async fn a_write_reports_a_contact_missing_only_after_looking() {
    let missing = || refusal(404, "DoesNotExistError", "Contact Upd Test-Globex LLC not found");
    let (site, script) = Script::site([missing(), missing()]);
    let error = site.update_contact(&name(), &lock(), Map::new()).await.expect_err("missing");
    assert_eq!(error.disposition(), Disposition::Gone);
    assert_eq!(script.lines()[1], "GET /api/resource/Contact/Upd%20Test-Globex%20LLC");

    let hook = refusal(404, "DoesNotExistError", "Customer Globex LLC not found");
    let (site, _) = Script::site([hook, data(stored(NAME, LOCK))]);
    let error =
        site.update_contact(&name(), &lock(), Map::new()).await.expect_err("a hook misses its customer");
    assert_eq!(error.disposition(), Disposition::Refused);
    assert_eq!(error.reason_for_people(), Some("Customer Globex LLC not found"));
}

#[tokio::test]
async fn a_lock_that_is_refused_reaches_the_caller_as_stale() {
    let text = "Error: Document has been modified after you have opened it";
    let (site, script) = Script::site([refusal(417, "TimestampMismatchError", text)]);
    let error = site.update_contact(&name(), &lock(), Map::new()).await.expect_err("stale");
    assert_eq!(error.disposition(), Disposition::Stale);
    assert_eq!(script.lines().len(), 1, "it is not tried again here");
}
