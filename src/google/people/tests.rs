use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::google::testing::{ManualClock, Script, account, answer, client, no_answer, page, person, raw};
use crate::google::{Budget, GoogleError, Governor, UpdateMask, UpdatePath, with_lock};
use crate::mapping::{Etag, ResourceName, SourceId};
use crate::remote::{Clock as _, Disposition};

fn name(id: u64) -> ResourceName {
    ResourceName(format!("people/c{id}"))
}

fn body(value: Value) -> Map<String, Value> {
    let Value::Object(body) = value else { panic!("{value}") };
    body
}

fn phones() -> UpdateMask {
    [UpdatePath::PhoneNumbers].into_iter().collect()
}

#[tokio::test]
async fn a_full_read_asks_for_the_same_fields_on_every_page_and_ends_with_a_cursor() {
    let script = Script::new([
        answer(200, &json!({"connections": [person(1, "Ada")], "nextPageToken": "p2", "totalItems": 2})),
        answer(200, &json!({"connections": [person(2, "Bea")], "nextSyncToken": "s1", "totalItems": 2})),
    ]);
    let client = client(&script);
    let mut list = ListConnections { request_sync_token: true, ..ListConnections::default() };
    let first = client.list_connections(&list).await.unwrap();
    assert_eq!((first.next_page_token.as_deref(), first.next_sync_token), (Some("p2"), None));
    list.page_token = first.next_page_token;
    let end = client.list_connections(&list).await.unwrap();
    assert_eq!(end.people[0].as_ref().unwrap().source_id, SourceId("2".to_owned()));
    assert_eq!((end.next_page_token, end.total_items), (None, Some(2)));
    assert_eq!(end.next_sync_token, Some(SyncToken("s1".to_owned())));
    let query = "personFields=metadata,names,emailAddresses,phoneNumbers,organizations,memberships,clientData\
                 &sources=READ_SOURCE_TYPE_CONTACT&pageSize=1000&requestSyncToken=true";
    assert_eq!(
        script.lines(),
        [
            format!("GET /v1/people/me/connections?{query}"),
            format!("GET /v1/people/me/connections?{query}&pageToken=p2"),
        ]
    );
    assert_eq!(script.header(0, "accept").as_deref(), Some("application/json"));
    assert_eq!(script.header(0, "authorization").as_deref(), Some("Bearer token-1"));
    assert_eq!(client.requests_sent(), 2);
}

#[tokio::test]
async fn a_delta_brings_tombstones_and_its_refused_token_asks_for_a_full_read() {
    let tombstone = json!({"resourceName": "people/c9", "etag": "%x", "metadata": {
        "sources": [{"type": "CONTACT", "id": "9", "etag": "#y"}], "deleted": true, "objectType": "PERSON"}});
    let script = Script::new([
        answer(200, &json!({"connections": [tombstone], "nextSyncToken": "s2"})),
        answer(
            400,
            &json!({"error": {"code": 400, "message": "Request contains an invalid argument.", "status": "INVALID_ARGUMENT"}}),
        ),
    ]);
    let client = client(&script);
    let list = ListConnections {
        sync_token: Some(SyncToken("s1".to_owned())),
        request_sync_token: true,
        page_token: None,
    };
    let page = client.list_connections(&list).await.unwrap();
    assert!(page.people[0].as_ref().unwrap().deleted);
    assert!(script.lines()[0].ends_with("&requestSyncToken=true&syncToken=s1"));
    let refused = client.list_connections(&list).await.unwrap_err();
    assert_eq!(refused.disposition(), Disposition::CursorExpired);
}

#[tokio::test]
async fn a_contact_without_identity_does_not_spoil_its_page() {
    let broken = json!({"resourceName": "people/nobody", "metadata": {"sources": []}});
    let script = Script::new([answer(200, &json!({"connections": [broken, person(2, "Bea")]}))]);
    let page = client(&script).list_connections(&ListConnections::default()).await.unwrap();
    assert_eq!(page.people[0].as_ref().unwrap_err().id, "people/nobody");
    assert!(page.people[1].is_ok());
}

#[tokio::test]
async fn an_answer_that_cannot_be_understood_is_an_error_and_not_an_empty_list() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in [
        "",
        "null",
        "[]",
        "{\"connections\": {}}",
        "{\"connections\": [",
        "<html></html>",
        "\u{0}\u{0}",
        deep.as_str(),
        "{\"connections\": \"Ada\"}",
    ] {
        let script = Script::new([raw(200, "application/json", text.to_owned())]);
        let error = client(&script).list_connections(&ListConnections::default()).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::Protocol, "{text:.40}");
        assert!(!error.to_string().contains("Ada"), "serde's words quote the body: {error}");
    }
}

#[tokio::test]
async fn a_page_that_names_itself_as_the_next_is_refused() {
    let script = Script::new([answer(200, &json!({"connections": [], "nextPageToken": "p1"}))]);
    let list = ListConnections { page_token: Some("p1".to_owned()), ..ListConnections::default() };
    let error = client(&script).list_connections(&list).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Protocol);
}

#[tokio::test]
async fn only_googles_own_word_makes_a_contact_missing() {
    let not_found =
        json!({"error": {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}});
    let script = Script::new([
        answer(200, &person(1, "Ada")),
        answer(404, &not_found),
        page(404),
        page(502),
        no_answer(),
    ]);
    let client = client(&script);
    assert_eq!(client.get(&name(1)).await.unwrap().unwrap().etag, Etag("#etag1=".to_owned()));
    assert!(client.get(&name(1)).await.unwrap().is_none());
    for meaning in [Disposition::Protocol, Disposition::Unavailable, Disposition::Unavailable] {
        assert_eq!(client.get(&name(1)).await.unwrap_err().disposition(), meaning);
    }
}

#[tokio::test]
async fn a_look_up_of_many_asks_for_each_name_once_in_requests_of_two_hundred() {
    let found = |ids: std::ops::Range<u64>| {
        let responses: Vec<Value> = ids
            .map(|id| json!({"requestedResourceName": format!("people/c{id}"), "person": person(id, "X"), "status": {}, "httpStatusCode": 200}))
            .collect();
        answer(200, &json!({"responses": responses}))
    };
    let script = Script::new([found(0..200), found(200..201)]);
    let names: Vec<ResourceName> = (0..201).chain(0..201).map(name).collect();
    let lookups = client(&script).batch_get(&names).await.unwrap();
    assert_eq!(lookups.len(), 201);
    assert!(lookups.iter().all(|(_, lookup)| matches!(lookup, Lookup::Found(_))));
    let asked: Vec<usize> =
        script.lines().iter().map(|line| line.matches("resourceNames=").count()).collect();
    assert_eq!(asked, [200, 1]);
}

#[tokio::test]
async fn a_look_up_tells_missing_from_unknown() {
    let mut renamed = person(4, "Dan");
    renamed["resourceName"] = json!("people/c44");
    let script = Script::new([answer(
        200,
        &json!({"responses": [
            {"requestedResourceName": "people/c1", "httpStatusCode": 404, "status": {"code": 5, "message": "Requested entity was not found."}},
            {"requestedResourceName": "people/c2", "httpStatusCode": 403, "status": {"code": 7, "message": "No."}},
            {"requestedResourceName": "people/c4", "httpStatusCode": 200, "status": {}, "person": renamed},
            {"requestedResourceName": "people/c5", "status": {}},
        ]}),
    )]);
    let names: Vec<_> = (1..=5).map(name).collect();
    let lookups = client(&script).batch_get(&names).await.unwrap();
    let lookups: Vec<_> = lookups.into_iter().map(|(_, lookup)| lookup).collect();
    assert_eq!(lookups[0], Lookup::Missing);
    assert!(matches!(&lookups[1], Lookup::Failed(why) if why.contains("code 7")));
    assert!(matches!(&lookups[2], Lookup::Failed(why) if why == "not answered"));
    assert!(matches!(&lookups[3], Lookup::Found(person) if person.resource_name == name(44)));
    assert!(matches!(&lookups[4], Lookup::Failed(_)), "silence is not absence");
}

#[tokio::test]
async fn creates_ask_to_read_back_what_they_wrote() {
    let created = json!({"createdPeople": [
        {"person": person(1, "Ada"), "status": {}, "httpStatusCode": 200},
        {"person": {"resourceName": "people/broken"}, "status": {}},
    ]});
    let script = Script::new([answer(200, &person(1, "Ada")), answer(200, &created)]);
    let client = client(&script);
    let ada = || body(json!({"names": [{"givenName": "Ada"}]}));
    assert_eq!(client.create_contact(ada()).await.unwrap().resource_name, name(1));
    assert_eq!(client.batch_create(vec![ada(), ada()]).await.unwrap().len(), 1);
    assert!(client.batch_create(Vec::new()).await.unwrap().is_empty());
    let lines = script.lines();
    assert!(lines[0].starts_with("POST /v1/people:createContact?personFields=metadata,"), "{}", lines[0]);
    assert_eq!(lines[1], "POST /v1/people:batchCreateContacts");
    assert_eq!(lines.len(), 2, "nothing to create sends nothing");
    assert_eq!(script.json(0), json!({"names": [{"givenName": "Ada"}]}));
    let sent = script.json(1);
    assert_eq!(sent["contacts"][1], json!({"contactPerson": {"names": [{"givenName": "Ada"}]}}));
    assert_eq!(sent["readMask"], crate::google::FieldMask::READ.as_str());
    assert_eq!(script.header(1, "content-length"), Some(script.body(1).len().to_string()));
    assert_eq!(script.header(1, "content-type").as_deref(), Some("application/json"));
}

#[tokio::test]
async fn an_update_sends_its_mask_and_its_lock_and_brings_the_next_one() {
    let script = Script::new([
        answer(200, &person(7, "Ada")),
        answer(200, &json!({"updateResult": {"people/c7": {"person": person(7, "Ada"), "status": {}}}})),
    ]);
    let client = client(&script);
    let locked =
        || with_lock(body(json!({"phoneNumbers": []})), &SourceId("7".to_owned()), &Etag("#old=".to_owned()));
    let updated = client.update_contact(&name(7), &phones(), locked()).await.unwrap();
    assert_eq!(updated.etag, Etag("#etag7=".to_owned()));
    let updated = client.batch_update(&phones(), vec![(name(7), locked())]).await.unwrap();
    assert_eq!(updated.keys().cloned().collect::<Vec<_>>(), [name(7)]);
    assert!(
        script.lines()[0]
            .starts_with("PATCH /v1/people/c7:updateContact?updatePersonFields=phoneNumbers&personFields=")
    );
    let lock = json!({"sources": [{"type": "CONTACT", "id": "7", "etag": "#old="}]});
    assert_eq!(script.json(0)["metadata"], lock);
    assert_eq!(script.json(1)["contacts"]["people/c7"]["metadata"], lock);
    assert_eq!(script.json(1)["updateMask"], "phoneNumbers");
}

#[tokio::test]
async fn deletes_name_what_they_delete() {
    let script = Script::new([answer(200, &json!({})), answer(200, &json!({}))]);
    let client = client(&script);
    client.delete_contact(&name(3)).await.unwrap();
    client.batch_delete(&[name(3), name(4)]).await.unwrap();
    client.batch_delete(&[]).await.unwrap();
    assert_eq!(script.lines(), ["DELETE /v1/people/c3:deleteContact", "POST /v1/people:batchDeleteContacts"]);
    assert_eq!(script.json(1), json!({"resourceNames": ["people/c3", "people/c4"]}));
}

#[tokio::test]
async fn what_the_api_could_only_refuse_is_not_sent() {
    let script = Script::new([]);
    let client = client(&script);
    let many = |count: u64| (0..count).map(|id| (name(id), Map::new())).collect::<Vec<_>>();
    let mut refused = vec![
        client.update_contact(&name(1), &UpdateMask::default(), Map::new()).await.unwrap_err(),
        client.batch_update(&phones(), many(201)).await.unwrap_err(),
        client.batch_update(&phones(), [many(1), many(1)].concat()).await.unwrap_err(),
        client.batch_create(vec![Map::new(); 201]).await.unwrap_err(),
        client.batch_delete(&(0..501).map(name).collect::<Vec<_>>()).await.unwrap_err(),
    ];
    for error in &refused {
        assert_eq!(error.disposition(), Disposition::Protocol, "{error:?}");
    }
    refused.clear();
    for odd in ["people/", "c1", "people/../x", "people/c1/y", "people/c1?z", "contactGroups/c1", "people/.."]
    {
        refused.push(client.delete_contact(&ResourceName(odd.to_owned())).await.unwrap_err());
    }
    for error in &refused {
        assert!(matches!(error, GoogleError::Unaddressable { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::Refused, "only that record suffers");
    }
    let odd = ResourceName("people/c1?z".to_owned());
    let lookups = client.batch_get(std::slice::from_ref(&odd)).await.unwrap();
    assert!(matches!(lookups.as_slice(), [(name, Lookup::Failed(_))] if *name == odd));
    assert_eq!(script.count(), 0);
}

#[tokio::test]
async fn a_write_that_was_answered_with_nonsense_is_in_doubt() {
    for nonsense in
        [raw(200, "text/html", "<p>Welcome to the hotel"), answer(200, &json!({"resourceName": 1}))]
    {
        let script = Script::new([nonsense]);
        let error = client(&script).create_contact(Map::new()).await.unwrap_err();
        assert_eq!(error.disposition(), Disposition::InDoubt);
    }
}

#[tokio::test]
async fn a_refused_access_token_is_replaced_once_and_the_call_repeated_once() {
    let unauthenticated = || answer(401, &json!({"error": {"code": 401, "status": "UNAUTHENTICATED"}}));
    let script = Script::new([
        unauthenticated(),
        answer(200, &person(1, "Ada")),
        unauthenticated(),
        unauthenticated(),
    ]);
    let client = client(&script);
    assert!(client.create_contact(Map::new()).await.is_ok());
    let tokens: BTreeSet<_> = (0..2).map(|index| script.header(index, "authorization").unwrap()).collect();
    assert_eq!(tokens.len(), 2, "the second try has another token");
    assert_eq!(script.body(0), script.body(1));
    let error = client.create_contact(Map::new()).await.unwrap_err();
    assert_eq!(error.disposition(), Disposition::Unauthorized);
    assert_eq!(script.count(), 4, "no third try");
}

#[tokio::test]
async fn a_governed_client_waits_for_its_budget_by_the_clock_it_was_given() {
    let script = Script::new((0..3).map(|_| answer(200, &json!({}))));
    let clock = ManualClock::new();
    let started = clock.now();
    let budget = Budget { writes: 2, ..Budget::default() };
    let governor = Arc::new(Governor::new(budget, clock.clone()));
    let client = client(&script).governed(governor, account("sales"), CancellationToken::new());
    for id in 0..2 {
        client.delete_contact(&name(id)).await.unwrap();
    }
    assert_eq!(clock.now(), started, "what fits does not wait");
    client.delete_contact(&name(2)).await.unwrap();
    assert_eq!(clock.now(), started + Duration::from_mins(1));
}

#[tokio::test]
async fn writes_go_one_after_the_other_and_reads_do_not_wait() {
    let (first, second) = (name(1), name(2));
    let script = Script::new([no_answer(), answer(200, &json!({}))]);
    let writer = client(&script);
    let (lost, done) =
        futures_util::future::join(writer.delete_contact(&first), writer.delete_contact(&second)).await;
    assert_eq!(lost.unwrap_err().disposition(), Disposition::InDoubt);
    assert!(done.is_ok());
    assert_eq!(script.most_at_once(), 1);
    let script = Script::new([answer(200, &person(1, "Ada")), answer(200, &person(2, "Bea"))]);
    let reader = client(&script);
    let (one, two) = futures_util::future::join(reader.get(&first), reader.get(&second)).await;
    assert!(one.is_ok() && two.is_ok());
    assert_eq!(script.most_at_once(), 2);
}

#[test]
fn calls_can_be_awaited_from_any_task() {
    fn sendable<T: Send>(value: T) -> T {
        value
    }
    let client = client(&Script::new([]));
    let mask = phones();
    drop(sendable(client.list_connections(&ListConnections::default())));
    drop(sendable(client.batch_get(&[])));
    drop(sendable(client.batch_update(&mask, Vec::new())));
    drop(sendable(client.list_groups(None)));
}
