use serde_json::json;

use super::*;
use crate::dafater::testing::{Script, answer, data, html, message, refusal};

const LAYLA: &str = "Layla bint Haddad-Acme Trading";
const AT: &str = "2026-11-22 11:33:46.381217";

fn name(text: &str) -> DocumentName {
    DocumentName(text.to_owned())
}

fn stamp(text: &str) -> SiteStamp {
    SiteStamp(text.to_owned())
}

fn parent(name: &str, modified: &str) -> Value {
    json!({"name": name, "creation": AT, "modified": modified, "first_name": name, "last_name": null})
}

fn email(parent: &str, idx: i64, address: &str, modified: &str) -> Value {
    json!({"name": format!("row{idx}"), "parent": parent, "parenttype": "Contact", "idx": idx, "email_id": address,
        "is_primary": i64::from(idx == 1), "modified": modified})
}

fn document(name: &str, modified: &str) -> Value {
    json!({"name": name, "creation": AT, "modified": modified, "doctype": "Contact", "first_name": name,
        "email_ids": [], "phone_nos": [], "links": []})
}

fn nothing() -> http::Response<bytes::Bytes> {
    message(json!([]))
}

#[tokio::test]
async fn a_first_read_asks_for_everything_in_order_with_token_and_without_cookies() {
    let (site, script) = Script::site([nothing()]);
    let page = site.changed_contacts(None, None, |_, _| false).await.expect("a page");
    assert!(page.contacts.is_empty() && page.next.is_none());
    assert_eq!(script.lines(), ["POST /api/method/frappe.client.get_list"]);
    let body = script.body(0);
    assert_eq!(body["doctype"], "Contact");
    assert_eq!(body["filters"], json!([]));
    assert_eq!(body["order_by"], "modified asc, name asc");
    assert_eq!(body["limit_page_length"], 1000);
    assert_eq!(body.get("or_filters"), None);
    assert_eq!(
        body["fields"],
        json!([
            "name",
            "modified",
            "creation",
            "first_name",
            "middle_name",
            "last_name",
            "salutation",
            "company_name",
            "designation",
            "department",
            "google_contacts_id",
            "sync_with_google_contacts"
        ])
    );
    assert_eq!(script.header(0, "authorization").as_deref(), Some("token 0123456789abcde:s3cret"));
    assert_eq!(script.header(0, "accept").as_deref(), Some("application/json"));
    assert_eq!(script.header(0, "cookie"), None);
}

#[tokio::test]
async fn the_next_page_starts_after_the_last_row_among_equal_stamps() {
    let (site, script) = Script::site([nothing()]);
    let after = KeysetPosition { modified: stamp("2026-11-22 12:30:00"), name: name("Key2") };
    let since = stamp("2026-11-22 12:00:00");
    site.changed_contacts(Some(&since), Some(&after), |_, _| false).await.expect("a page");
    let body = script.body(0);
    assert_eq!(body["filters"], json!([["modified", ">=", "2026-11-22 12:30:00"]]));
    assert_eq!(body["or_filters"], json!([["modified", ">", "2026-11-22 12:30:00"], ["name", ">", "Key2"]]));
}

#[tokio::test]
async fn an_idle_cycle_rereads_the_overlap_in_exactly_one_request() {
    let (site, script) = Script::site([message(json!([parent(LAYLA, AT), parent("Omar", AT)]))]);
    let since = stamp("2026-11-22 11:28:46");
    let known = |_: &DocumentName, modified: &SiteStamp| modified.0 == AT;
    let page = site.changed_contacts(Some(&since), None, known).await.expect("a page");
    assert_eq!(script.lines().len(), 1);
    assert_eq!(script.body(0)["filters"], json!([["modified", ">=", "2026-11-22 11:28:46"]]));
    assert!(page.contacts.is_empty());
    assert_eq!(page.seen.len(), 2);
}

#[tokio::test]
async fn a_page_takes_four_requests_and_rows_come_in_order_of_idx() {
    let emails =
        [email(LAYLA, 2, "layla@home.example", AT), email(LAYLA, 1, "Layla.Haddad@Acme.example", AT)];
    let link = json!({"parent": LAYLA, "idx": 1, "link_doctype": "Customer", "link_name": "Acme Trading"});
    let (site, script) = Script::site([
        message(json!([parent(LAYLA, AT), parent("Known", AT)])),
        message(json!(emails)),
        message(
            json!([{"parent": LAYLA, "idx": 1, "phone": "+966 50 123 4567", "is_primary_mobile_no": 1, "modified": AT}]),
        ),
        message(json!([link])),
    ]);
    let page = site.changed_contacts(None, None, |name, _| name.0 == "Known").await.expect("a page");
    assert!(script.is_over());
    for (index, table) in [(1, "Contact Email"), (2, "Contact Phone"), (3, "Dynamic Link")] {
        let body = script.body(index);
        assert_eq!((&body["doctype"], &body["parent"]), (&json!(table), &json!("Contact")));
        assert_eq!(body["filters"], json!([["parenttype", "=", "Contact"], ["parent", "in", [LAYLA]]]));
        assert_eq!(
            (&body["order_by"], &body["limit_page_length"]),
            (&json!("parent asc, idx asc"), &json!(0))
        );
    }
    let [Ok(layla)] = page.contacts.as_slice() else { panic!("one contact: {:?}", page.contacts) };
    let addresses: Vec<_> = layla.email_ids.iter().map(|row| row["email_id"].as_str()).collect();
    assert_eq!(addresses, [Some("Layla.Haddad@Acme.example"), Some("layla@home.example")]);
    assert_eq!(layla.phone_nos[0]["phone"], "+966 50 123 4567");
    assert_eq!((layla.links[0].doctype.as_str(), layla.links[0].name.as_str()), ("Customer", "Acme Trading"));
}

#[tokio::test]
async fn a_full_page_says_where_the_next_begins() {
    let page = message(json!([parent("Key0", "2026-11-22 12:30:00"), parent("Key1", "2026-11-22 12:30:00")]));
    let (site, _) = Script::site_with([page], |options| options.page_size = 2);
    let page = site.changed_contacts(None, None, |_, _| true).await.expect("a page");
    assert_eq!(
        page.next,
        Some(KeysetPosition { modified: stamp("2026-11-22 12:30:00"), name: name("Key1") })
    );
}

#[tokio::test]
async fn pages_that_do_not_advance_are_an_error_and_no_endless_loop() {
    let (site, _) =
        Script::site_with([message(json!([parent("Key1", AT)]))], |options| options.page_size = 1);
    let after = KeysetPosition { modified: stamp(AT), name: name("Key1") };
    let error = site.changed_contacts(None, Some(&after), |_, _| true).await.expect_err("no advance");
    assert!(matches!(error, DafaterError::Protocol { .. }), "{error:?}");
}

#[tokio::test]
async fn a_malformed_row_stands_beside_the_good_ones() {
    let rows = json!([{"name": "Broken", "creation": AT, "modified": null}, 7, parent("Omar", AT)]);
    let stamps = message(json!([parent("Omar", AT)]));
    let (site, _) = Script::site([message(rows), nothing(), nothing(), nothing(), stamps]);
    let page = site.changed_contacts(None, None, |_, _| false).await.expect("a page");
    let ids: Vec<_> = page
        .contacts
        .iter()
        .map(|contact| {
            contact.as_ref().map_or_else(|error| error.id.clone(), |document| document.name.0.clone())
        })
        .collect();
    assert_eq!(ids, ["Broken", "(unknown)", "Omar"]);
}

#[tokio::test]
async fn rows_of_another_revision_are_trusted_if_the_parent_did_not_move_while_they_were_read() {
    let (site, script) = Script::site([
        message(json!([parent("Omar", AT)])),
        message(json!([email("Omar", 1, "o@b.example", "2026-11-20 10:00:00")])),
        nothing(),
        nothing(),
        message(json!([parent("Omar", AT)])),
    ]);
    let page = site.changed_contacts(None, None, |_, _| false).await.expect("a page");
    assert!(script.is_over());
    assert_eq!(script.body(4)["filters"], json!([["name", "in", ["Omar"]]]));
    assert_eq!(page.contacts[0].as_ref().expect("well formed").email_ids[0]["email_id"], "o@b.example");
}

#[tokio::test]
async fn a_contact_that_was_saved_while_it_was_read_is_read_again_singly() {
    let later = "2026-11-22 11:40:00.000001";
    let (site, script) = Script::site([
        message(json!([parent("Omar", AT), parent("Sara", AT)])),
        message(json!([email("Omar", 1, "new@b.example", later), email("Sara", 1, "s@b.example", AT)])),
        nothing(),
        nothing(),
        message(json!([parent("Omar", later), parent("Sara", AT)])),
        data(document("Omar", later)),
    ]);
    let page = site.changed_contacts(None, None, |_, _| false).await.expect("a page");
    assert_eq!(script.lines().last().map(String::as_str), Some("GET /api/resource/Contact/Omar"));
    assert_eq!(page.contacts[0].as_ref().expect("well formed").modified, stamp(later));
    assert_eq!(page.contacts[1].as_ref().expect("well formed").name, name("Sara"));
    assert!(script.is_over());
}

/// API: a rename takes the rows along and leaves `modified` as it was.
#[tokio::test]
async fn a_contact_that_was_renamed_while_it_was_read_has_not_lost_its_numbers() {
    let (site, script) = Script::site([
        message(json!([parent("Omar", AT)])),
        message(json!([email("Omar", 1, "o@b.example", AT)])),
        nothing(),
        nothing(),
        nothing(),
        refusal(404, "DoesNotExistError", "Contact Omar not found"),
    ]);
    let page = site.changed_contacts(None, None, |_, _| false).await.expect("a page");
    assert!(script.is_over());
    assert!(page.contacts.is_empty());
    assert_eq!(page.seen[0].name, name("Omar"));
}

#[tokio::test]
async fn a_contact_that_vanished_while_it_was_read_is_reported_as_seen_only() {
    let (site, _) = Script::site([
        message(json!([parent("Omar", AT)])),
        message(json!([email("Omar", 1, "o@b.example", "2026-11-22 11:40:00")])),
        nothing(),
        nothing(),
        nothing(),
        refusal(404, "DoesNotExistError", "Contact Omar not found"),
    ]);
    let page = site.changed_contacts(None, None, |_, _| false).await.expect("a page");
    assert!(page.contacts.is_empty());
    assert_eq!(page.seen[0].name, name("Omar"));
}

#[tokio::test]
async fn names_that_the_lists_leave_out_are_asked_for_singly_before_anything_is_said() {
    let names = ["Omar", "Deleted", "MaleOne"].map(name);
    let (site, script) = Script::site([
        message(json!([parent("Omar", AT)])),
        nothing(),
        nothing(),
        nothing(),
        message(json!([parent("Omar", AT)])),
        refusal(404, "DoesNotExistError", "Contact Deleted not found"),
        refusal(
            403,
            "PermissionError",
            "User <strong>sales@dafater.test</strong> does not have access to this document: Contact - MaleOne",
        ),
    ]);
    let lookups = site.contacts_by_name(&names).await.expect("look-ups");
    assert_eq!(script.body(0)["filters"], json!([["name", "in", ["Omar", "Deleted", "MaleOne"]]]));
    assert!(matches!(&lookups[0], Lookup::Found(document) if document.name == names[0]));
    assert_eq!(lookups[1..], [Lookup::Missing(names[1].clone()), Lookup::Hidden(names[2].clone())]);
}

#[tokio::test]
async fn many_names_go_in_chunks() {
    let names: Vec<_> = (0..201).map(|number| name(&format!("Contact {number}"))).collect();
    let rows = |range: std::ops::Range<usize>| {
        message(Value::Array(range.map(|number| parent(&format!("Contact {number}"), AT)).collect()))
    };
    let (site, script) = Script::site([
        rows(0..200),
        nothing(),
        nothing(),
        nothing(),
        rows(0..200),
        rows(200..201),
        nothing(),
        nothing(),
        nothing(),
        rows(200..201),
    ]);
    assert_eq!(site.contacts_by_name(&names).await.expect("look-ups").len(), 201);
    assert!(script.is_over());
}

#[tokio::test]
async fn a_name_travels_percent_encoded() {
    let (site, script) = Script::site([data(document("A/B 50% #1? x", AT))]);
    site.get_contact(&name("A/B 50% #1? x")).await.expect("a look-up");
    assert_eq!(script.lines(), ["GET /api/resource/Contact/A%2FB%2050%25%20%231%3F%20x"]);
}

#[tokio::test]
async fn a_name_that_no_path_carries_travels_in_the_query() {
    for (odd, query) in [("Ends/", "Ends%2F"), ("Multi\nLine", "Multi%0ALine"), ("..", "..")] {
        let (site, script) = Script::site([message(document(odd, AT))]);
        let lookup = site.get_contact(&name(odd)).await.expect("a look-up");
        assert!(matches!(lookup, Lookup::Found(_)));
        assert_eq!(
            script.lines(),
            [format!("GET /api/method/frappe.client.get?doctype=Contact&name={query}")]
        );
    }
}

#[tokio::test]
async fn a_not_found_without_words_may_be_the_route_s_and_is_confirmed_in_the_other_way() {
    let silent = || answer(404, &json!({"exc_type": "DoesNotExistError"}));
    let (site, _) = Script::site([silent(), message(document("Odd", AT))]);
    assert!(matches!(site.get_contact(&name("Odd")).await, Ok(Lookup::Found(_))));
    let (site, script) = Script::site([silent(), silent()]);
    assert_eq!(site.get_contact(&name("Odd")).await.expect("a look-up"), Lookup::Missing(name("Odd")));
    assert!(script.is_over());
}

#[tokio::test]
async fn neither_a_wrong_site_nor_a_firewall_makes_a_contact_missing_or_hidden() {
    for page in [
        html(404, "<p>nosuch.example does not exist</p>"),
        html(403, "blocked"),
        html(502, "Bad Gateway"),
        html(200, "Login"),
    ] {
        let (site, _) = Script::site([page]);
        site.get_contact(&name("Omar")).await.expect_err("no word about the contact");
    }
}

#[tokio::test]
async fn a_document_without_its_tables_is_malformed_rather_than_empty() {
    let (site, _) = Script::site([data(json!({"name": "Omar", "creation": AT, "modified": AT}))]);
    assert!(matches!(site.get_contact(&name("Omar")).await, Ok(Lookup::Malformed(_))));
}

#[tokio::test]
async fn a_renamed_contact_is_found_by_its_creation() {
    let (site, script) = Script::site([message(json!([parent("RnTrace New", AT)]))]);
    let found = site.find_by_creation(&[stamp(AT), stamp("2026-11-22 12:30:00")]).await.expect("stamps");
    assert_eq!(found[0].name, name("RnTrace New"));
    assert_eq!(
        script.body(0)["filters"],
        json!([["creation", "in", [AT, "2026-11-22 12:30:00", "2026-11-22 12:30:00.000000"]]])
    );
}

#[tokio::test]
async fn a_google_id_finds_only_those_that_carry_it_exactly() {
    let carrying = |called: &str, id: &str| {
        let mut row = parent(called, AT);
        row["google_contacts_id"] = json!(id);
        row
    };
    let rows = json!([carrying("Omar", "people/c1a"), carrying("Sara", "people/C1A")]);
    let stamps = message(json!([parent("Omar", AT), parent("Sara", AT)]));
    let (site, _) = Script::site([message(rows), nothing(), nothing(), nothing(), stamps]);
    let found = site.find_by_google_id(&["people/c1a".to_owned()]).await.expect("documents");
    assert_eq!(found.iter().map(|document| document.name.0.as_str()).collect::<Vec<_>>(), ["Omar"]);
}

#[tokio::test]
async fn a_look_up_of_nothing_asks_nothing() {
    let (site, script) = Script::site([]);
    assert!(site.contacts_by_name(&[]).await.expect("none").is_empty());
    assert!(site.find_by_creation(&[]).await.expect("none").is_empty());
    assert!(site.find_by_google_id(&[]).await.expect("none").is_empty());
    assert!(script.lines().is_empty());
}

#[tokio::test]
async fn a_sweep_goes_through_all_names_in_order() {
    let full: Vec<_> = (0..5000).map(|number| parent(&format!("{number:05}"), AT)).collect();
    let (site, script) = Script::site([message(json!(full)), message(json!([parent("zz", AT)]))]);
    let first = site.sweep(None).await.expect("a page");
    assert_eq!((first.stamps.len(), first.next.as_ref()), (5000, Some(&name("04999"))));
    let last = site.sweep(first.next.as_ref()).await.expect("a page");
    assert_eq!((last.stamps.len(), last.next), (1, None));
    let body = script.body(1);
    assert_eq!((&body["filters"], &body["order_by"]), (&json!([["name", ">", "04999"]]), &json!("name asc")));
    assert_eq!(body["fields"], json!(["name", "modified", "creation"]));
}

#[tokio::test]
async fn garbage_instead_of_a_list_is_a_protocol_error() {
    for garbage in
        [answer(200, &json!({})), message(json!("x")), message(json!({"a": 1})), html(200, "<html></html>")]
    {
        let (site, _) = Script::site([garbage]);
        let error = site.changed_contacts(None, None, |_, _| false).await.expect_err("garbage");
        assert!(matches!(error, DafaterError::Protocol { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn a_marker_field_of_the_site_is_read_when_asked_for() {
    let (site, script) =
        Script::site_with([nothing()], |options| options.extra_fields = vec!["custom_sync_key".to_owned()]);
    site.changed_contacts(None, None, |_, _| false).await.expect("a page");
    let body = script.body(0);
    assert!(body["fields"].as_array().expect("a list").contains(&json!("custom_sync_key")));
}

#[tokio::test]
async fn a_marker_finds_the_contact_that_an_earlier_attempt_created() {
    let mut row = parent("Idem", AT);
    row["custom_sync_key"] = json!("uuid-1");
    let stamps = message(json!([parent("Idem", AT)]));
    let answers = [message(json!([row])), nothing(), nothing(), nothing(), stamps];
    let (site, script) =
        Script::site_with(answers, |options| options.extra_fields = vec!["custom_sync_key".to_owned()]);
    let found = site.find_by_value("custom_sync_key", &["uuid-1".to_owned()]).await.expect("documents");
    assert_eq!(found[0].name, name("Idem"));
    assert_eq!(script.body(0)["filters"], json!([["custom_sync_key", "in", ["uuid-1"]]]));
}

#[tokio::test]
async fn a_match_that_cannot_be_read_is_not_taken_for_none() {
    let broken = || {
        message(
            json!([{"name": "Broken", "creation": AT, "modified": null, "google_contacts_id": "people/c1"}]),
        )
    };
    let (site, _) = Script::site([broken(), broken()]);
    assert!(site.find_by_google_id(&["people/c1".to_owned()]).await.is_err());
    assert!(site.find_by_creation(&[stamp(AT)]).await.is_err());
}
