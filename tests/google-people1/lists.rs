//! `people.connections.list`: whole, by changes, and with a token that is too old.

use std::collections::BTreeSet;

use dafater_contactsd::remote::{Clock as _, SystemClock};
use google_people1::api::{ListConnectionsResponse, Person};
use serde_json::json;

use crate::office::{EMAIL, ME, Office, fields, given_name, refusal};

async fn page(office: &Office, page: Option<&str>, sync: Option<&str>) -> ListConnectionsResponse {
    let mut call = office.hub.people().connections_list(ME).person_fields(fields()).page_size(1_000);
    call = call.request_sync_token(true);
    if let Some(token) = page {
        call = call.page_token(token);
    }
    if let Some(token) = sync {
        call = call.sync_token(token);
    }
    call.doit().await.unwrap().1
}

/// All pages, and the token for what changes later.
async fn read(office: &Office, sync: Option<&str>) -> (Vec<Person>, String, usize) {
    let (mut all, mut token, mut pages) = (Vec::new(), None, 0);
    loop {
        let answer = page(office, token.as_deref(), sync).await;
        all.extend(answer.connections.unwrap_or_default());
        pages += 1;
        match answer.next_page_token {
            Some(next) => token = Some(next),
            None => return (all, answer.next_sync_token.expect("a sync token on the last page"), pages),
        }
    }
}

#[tokio::test]
async fn a_full_read_comes_in_pages_and_a_delta_brings_just_what_changed() {
    let office = Office::open().await;
    let names: Vec<String> = (0..2_500).map(|number| office.add(&format!("Person {number}"))).collect();
    let (all, token, pages) = read(&office, None).await;
    let found: BTreeSet<&str> = all.iter().map(|person| person.resource_name.as_deref().unwrap()).collect();
    assert_eq!((all.len(), found.len(), pages), (2_500, 2_500, 3));

    let (quiet, token, _) = read(&office, Some(&token)).await;
    assert_eq!(quiet.len(), 0);

    let now = SystemClock.now();
    office.google().edit_person(EMAIL, &names[7], json!({"names": [{"givenName": "Grace"}]}), now).unwrap();
    office.google().delete_person(EMAIL, &names[8], now).unwrap();
    let (changed, _, _) = read(&office, Some(&token)).await;
    let is_deleted =
        |person: &Person| person.metadata.as_ref().is_some_and(|known| known.deleted == Some(true));
    let (gone, edited): (Vec<Person>, Vec<Person>) = changed.into_iter().partition(is_deleted);
    assert_eq!(edited.iter().map(given_name).collect::<Vec<_>>(), ["Grace"]);
    assert_eq!(
        gone.iter().map(|person| person.resource_name.as_deref().unwrap()).collect::<Vec<_>>(),
        [&names[8]]
    );
}

#[tokio::test]
async fn a_sync_token_that_expired_is_refused_with_its_reason() {
    let office = Office::open().await;
    office.add("Ada");
    let (_, token, _) = read(&office, None).await;
    office.google().expire_sync_tokens(EMAIL).unwrap();
    let call = office.hub.people().connections_list(ME).person_fields(fields()).sync_token(&token);
    let (status, reason) = refusal(call.request_sync_token(true).page_size(1_000).doit().await.unwrap_err());
    assert!(["INVALID_ARGUMENT", "FAILED_PRECONDITION"].contains(&status.as_str()), "{status}");
    assert_eq!(reason.as_deref(), Some("EXPIRED_SYNC_TOKEN"));
}

#[tokio::test]
async fn the_parameters_of_a_token_may_not_change() {
    let office = Office::open().await;
    (0..3).for_each(|number| drop(office.add(&format!("Person {number}"))));
    let (_, token, _) = read(&office, None).await;
    let call = office.hub.people().connections_list(ME).person_fields(crate::office::mask(&["names"]));
    let (status, _) = refusal(call.sync_token(&token).request_sync_token(true).doit().await.unwrap_err());
    assert_eq!(status, "INVALID_ARGUMENT");
}
