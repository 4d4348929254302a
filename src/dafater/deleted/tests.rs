use serde_json::json;

use super::*;
use crate::dafater::testing::{Script, message, refusal};

fn since() -> SiteStamp {
    SiteStamp("2026-11-22 11:34:59".to_owned())
}

fn row(entry: &str, data: &str) -> Value {
    json!({"name": entry, "deleted_name": "DelMe", "creation": "2026-11-22 11:39:59.083317", "restored": 0,
        "new_name": null, "data": data})
}

const DATA: &str = "{\n \"company_name\": null,\n \"creation\": \"2026-11-22 11:39:57.829351\",\n \"first_name\": \"DelMe\"\n}";

#[tokio::test]
async fn deletions_take_one_request_and_tell_which_contact_of_that_name_it_was() {
    let (site, script) = Script::site([message(json!([row("l9tmo64nqt", DATA)]))]);
    let feed = site.deleted_contacts(&since()).await.expect("a feed");
    let deleted = DeletedContact {
        entry: DocumentName("l9tmo64nqt".to_owned()),
        name: DocumentName("DelMe".to_owned()),
        deleted_at: SiteStamp("2026-11-22 11:39:59.083317".to_owned()),
        creation: Some(SiteStamp("2026-11-22 11:39:57.829351".to_owned())),
        restored: false,
        new_name: None,
        is_address: false,
    };
    assert_eq!(feed, DeletedFeed::Readable(vec![Ok(deleted)]));
    let body = script.body(0);
    assert_eq!(body["doctype"], "Deleted Document");
    assert_eq!(
        body["filters"],
        json!([["deleted_doctype", "=", "Contact"], ["creation", ">=", "2026-11-22 11:34:59"]])
    );
    assert_eq!(body["order_by"], "creation asc, name asc");
}

#[tokio::test]
async fn a_restored_contact_is_told_with_its_new_name() {
    let mut restored = row("l9tmo64nqt", DATA);
    restored["restored"] = json!(1);
    restored["new_name"] = json!("DelMe");
    let (site, _) = Script::site([message(json!([restored]))]);
    let Ok(DeletedFeed::Readable(feed)) = site.deleted_contacts(&since()).await else { panic!("readable") };
    let entry = feed[0].as_ref().expect("well formed");
    assert_eq!((entry.restored, entry.new_name.as_ref().map(|name| name.0.as_str())), (true, Some("DelMe")));
}

#[tokio::test]
async fn a_user_who_may_not_read_deletions_has_an_unreadable_feed_and_no_error() {
    let refused = refusal(
        403,
        "PermissionError",
        "User <strong>sales@dafater.test</strong> does not have doctype access via role permission for document <strong>Deleted Document</strong>",
    );
    let (site, _) = Script::site([refused]);
    assert_eq!(site.deleted_contacts(&since()).await.expect("no error"), DeletedFeed::Unreadable);
}

#[tokio::test]
async fn a_lost_login_is_not_taken_for_a_feed_that_is_merely_unreadable() {
    let guest = refusal(
        403,
        "PermissionError",
        "User <strong>Guest</strong> does not have doctype access via role permission",
    );
    let (site, _) = Script::site([guest]);
    assert!(matches!(site.deleted_contacts(&since()).await, Err(DafaterError::NotLoggedIn(_))));
}

#[tokio::test]
async fn data_that_is_no_json_costs_only_the_creation() {
    let (site, _) = Script::site([message(json!([row("a", "{not json"), {"name": "b"}, null]))]);
    let Ok(DeletedFeed::Readable(feed)) = site.deleted_contacts(&since()).await else { panic!("readable") };
    assert_eq!(feed[0].as_ref().expect("well formed").creation, None);
    assert!(feed[1].is_err() && feed[2].is_err());
}

#[tokio::test]
async fn an_overflowing_page_is_followed_by_the_next() {
    let full: Vec<_> = (0..1000).map(|number| row(&format!("{number:04}"), DATA)).collect();
    let (site, script) = Script::site([message(json!(full)), message(json!([row("zzzz", DATA)]))]);
    let Ok(DeletedFeed::Readable(feed)) = site.deleted_contacts(&since()).await else { panic!("readable") };
    assert_eq!(feed.len(), 1001);
    assert_eq!(
        script.body(1)["or_filters"],
        json!([["creation", ">", "2026-11-22 11:39:59.083317"], ["name", ">", "0999"]])
    );
}
