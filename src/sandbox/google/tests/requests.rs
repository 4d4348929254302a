//! Addresses, parameters, errors, quotas: what every request has in common.

use super::*;

#[test]
fn unknown_addresses_get_googles_page() {
    let mut world = World::new();
    for (method, uri) in [
        ("GET", "/"),
        ("POST", "/v1/people/me:createContact"),
        ("PUT", "/v1/people/c1:updateContact"),
        ("POST", "/v1/people/me/connections"),
        ("GET", "/v1/people/c1/c2"),
        ("GET", "/v2/people/me"),
        ("GET", "/token"),
    ] {
        let response = world.send(method, uri, "");
        assert_eq!(response.status(), 404, "{method} {uri}");
        assert_eq!(response.headers()["content-type"], "text/html; charset=UTF-8");
        assert!(response.body().starts_with(b"<!DOCTYPE html>"));
    }
}

#[test]
fn parameters_masks_and_bodies_are_checked() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let (_, message) = world.refused("GET", &format!("/v1/{ada}"), Value::Null);
    assert!(message.starts_with("personFields mask is required."));
    let (_, message) = world.refused("GET", &format!("/v1/{ada}?personFields=names&nonsense=1"), Value::Null);
    assert!(message.contains("Unknown name \"nonsense\": Cannot bind query parameter."), "{message}");
    let uri =
        format!("/v1/{ada}?personFields=names&alt=json&prettyPrint=false&key=k&quotaUser=u&fields=names");
    world.get(&uri);
    let (_, message) = world.refused("POST", "/v1/people:createContact", json!({"x": 1}));
    assert!(message.contains("Unknown name \"x\" at 'person': Cannot find field."));
    let response = world.send("POST", "/v1/people:createContact", "{not json");
    assert_eq!(response.status(), 400);
    assert_eq!(world.refused("GET", &format!("/v1/{ada}?personFields=names&sources=X"), Value::Null).0, 400);
    assert_eq!(world.refused("GET", "/v1/people/c1/connections?personFields=names", Value::Null).0, 400);
    let old = format!("/v1/{ada}?requestMask.includeField=person.names");
    assert_eq!(world.get(&old)["names"][0]["givenName"], "Ada");
    assert_eq!(world.refused("GET", "/v1/people:searchContacts", Value::Null).0, 501);
}

#[test]
fn the_older_error_list_comes_when_asked_for() {
    let mut world = World::new();
    let uri = "/v1/people/c5?personFields=names";
    let (_, answer) = world.call("GET", uri, &Value::Null);
    assert!(answer["error"].get("errors").is_none());
    let (_, answer) = world.call("GET", &format!("{uri}&$.xgafv=1"), &Value::Null);
    assert_eq!(answer["error"]["errors"][0]["reason"], "notFound");
    world.google.options_mut().v1_errors = V1Errors::Always;
    let (_, answer) = world.call("GET", uri, &Value::Null);
    assert_eq!(answer["error"]["errors"][0]["domain"], "global");
}

#[test]
fn the_observed_quotas_are_kept_per_user_and_minute() {
    let mut world =
        World::with(GoogleOptions { quotas: Some(Quotas::observed()), ..GoogleOptions::default() });
    for _ in 0..30 {
        world.ok("POST", "/v1/people:createContact", json!({"names": [{"givenName": "Ada"}]}));
    }
    let (status, message) = world.refused("POST", "/v1/people:createContact", json!({}));
    assert_eq!(status, 429);
    assert!(message.contains("'Critical write requests (Contact Creates and Updates) per minute per user'"));
    world.wait(60);
    world.ok("POST", "/v1/people:createContact", json!({}));
}

#[test]
fn the_contacts_backend_can_refuse_all_writes_for_a_while() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let until = world.now + SignedDuration::from_hours(1);
    world.google.refuse_writes_until(ADA, Some(until)).unwrap();
    let (status, answer) = world.call("DELETE", &format!("/v1/{ada}:deleteContact"), &Value::Null);
    assert_eq!(status, 429);
    assert_eq!(answer["error"]["details"][0]["violations"][0]["description"], "FBS quota limit exceeded");
    world.person(&ada);
    world.wait(3600);
    world.ok("DELETE", &format!("/v1/{ada}:deleteContact"), Value::Null);
}

#[test]
fn requests_and_writes_are_counted_and_remembered() {
    let mut world = World::new();
    let ada = world.add("Ada");
    world.person(&ada);
    world.ok("DELETE", &format!("/v1/{ada}:deleteContact"), Value::Null);
    let counters = world.google.counters();
    assert_eq!(counters.requests["people.get"], 1);
    assert_eq!(counters.writes, Writes { deleted: 1, ..Writes::default() }, "edits by hand do not count");
    assert_eq!(counters.api_requests(), 2);
    let last = world.google.requests().next_back().unwrap();
    assert_eq!((last.api, last.status, last.account.as_deref()), ("people.deleteContact", 200, Some(ADA)));
    world.google.reset_counters();
    assert_eq!(world.google.counters(), Counters::default());
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let tell = |seed| {
        let mut world = World::with(GoogleOptions { seed, ..GoogleOptions::default() });
        world.add("Ada");
        world.google.persons(ADA).unwrap()
    };
    assert_eq!(tell(7), tell(7));
    assert_ne!(tell(7), tell(8));
}

#[test]
fn no_request_makes_it_panic() {
    let mut world = World::new();
    let ada = world.add("Ada");
    for uri in [
        "/v1/people/",
        "/v1/people/c",
        "/v1/people/c99999999999999999999999",
        "/v1/:",
        "/v1/people/%FF%",
        "/v1/",
    ] {
        world.send("GET", &format!("{uri}?personFields=names&pageToken=%00&syncToken=AAAA"), "");
    }
    for body in
        ["[]", "null", "{\"names\":5}", "{\"names\":[5]}", "{\"names\":[null]}", "\u{0}", "{\"etag\":\"%\"}"]
    {
        for uri in [
            "/v1/people:createContact",
            "/v1/people:batchCreateContacts",
            "/v1/people:batchUpdateContacts",
            "/token",
            "/revoke",
        ] {
            world.send("POST", uri, body);
        }
        world.send("PATCH", &format!("/v1/{ada}:updateContact?updatePersonFields=names"), body);
    }
    assert_eq!(world.person(&ada)["names"][0]["givenName"], "Ada");
}

#[test]
fn twenty_five_thousand_contacts_come_once_each_in_twenty_five_pages() {
    let mut world = World::new();
    for n in 0..25_000 {
        world.add(&format!("Contact {n}"));
    }
    let list = "/v1/people/me/connections?personFields=names&pageSize=1000&requestSyncToken=true";
    let mut seen = std::collections::BTreeSet::new();
    let mut pages = 0;
    let mut uri = list.to_owned();
    loop {
        let page = world.get(&uri);
        assert_eq!(page["totalItems"], 25_000);
        seen.extend(texts(&page["connections"], "resourceName"));
        pages += 1;
        match page["nextPageToken"].as_str() {
            Some(token) => uri = format!("{list}&pageToken={token}"),
            None => break,
        }
    }
    assert_eq!((seen.len(), pages), (25_000, 25));
}
