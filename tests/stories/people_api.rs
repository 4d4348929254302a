//! Google's own word on the shape of every answer: its discovery document.
//!
//! What the stand-in answers in any story is held against it; the stories here ask what the engine never asks. The document is
//! `tests/fixtures/people-api.json`, without its prose.

use std::sync::LazyLock;

use bytes::Bytes;
use dafater_contactsd::sandbox::Model as _;
use dafater_contactsd::sandbox::google::{Google, GoogleOptions};
use http::{Request, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../fixtures/people-api.json")).unwrap());

/// Panics unless `response` is what the document lets the method answer that `request` is for.
pub(crate) fn check(request: &Request<Bytes>, response: &Response<Bytes>) {
    let path = request.uri().path();
    if !path.starts_with("/v1/") {
        return;
    }
    let line = format!("{} {path}: {}", request.method(), String::from_utf8_lossy(response.body()));
    let answer: Value =
        serde_json::from_slice(response.body()).unwrap_or_else(|error| panic!("{error}: {line}"));
    let outcome = if response.status().is_success() {
        let method = method(request.method().as_str(), path);
        let method = method.unwrap_or_else(|| panic!("no method of the API: {line}"));
        message(&answer, method["answer"].as_str().unwrap(), "")
    } else {
        refusal(&answer, response.status().as_u16())
    };
    outcome.unwrap_or_else(|flaw| panic!("{flaw}, in {line}"));
}

/// The method that a request is for.
fn method(verb: &str, path: &str) -> Option<&'static Value> {
    let is_meant = |method: &&Value| {
        let resource = method["id"].as_str().unwrap().split('.').next().unwrap();
        let template = method["path"].as_str().unwrap();
        method["verb"] == verb
            && match template.split_once("{+resourceName}") {
                None => template == path,
                Some((before, after)) => {
                    path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after)).is_some_and(|name| {
                        name.strip_prefix(resource)
                            .and_then(|name| name.strip_prefix('/'))
                            .is_some_and(|id| !id.is_empty() && !id.contains(['/', ':']))
                    })
                }
            }
    };
    DOCUMENT["methods"].as_array().unwrap().iter().find(is_meant)
}

fn message(value: &Value, name: &str, at: &str) -> Result<(), String> {
    let fields = DOCUMENT["messages"][name].as_object().ok_or(format!("no message {name}"))?;
    for (key, value) in object(value, at)? {
        let kind = fields.get(key).ok_or(format!("{at} {name} has no field {key}"))?;
        holds(value, kind, &format!("{at}.{key}"))?;
    }
    Ok(())
}

fn holds(value: &Value, kind: &Value, at: &str) -> Result<(), String> {
    let expect = |is_so: bool, what: &str| is_so.then_some(()).ok_or(format!("{at} is no {what}: {value}"));
    if let Some(name) = kind["is"].as_str() {
        return message(value, name, at);
    }
    if let Some(kind) = kind.get("list") {
        let items = value.as_array().ok_or(format!("{at} is no list"))?;
        return items.iter().try_for_each(|item| holds(item, kind, at));
    }
    if let Some(kind) = kind.get("map") {
        return object(value, at)?.values().try_for_each(|value| holds(value, kind, at));
    }
    if let Some(choices) = kind["enum"].as_array() {
        return expect(choices.contains(value), "known choice");
    }
    let text = value.as_str();
    match kind.as_str().unwrap() {
        "any" => Ok(()),
        "string" => expect(text.is_some(), "string"),
        "boolean" => expect(value.is_boolean(), "boolean"),
        "int32" => expect(value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()), "int32"),
        "datetime" => expect(text.is_some_and(|text| text.parse::<Timestamp>().is_ok()), "instant"),
        other => Err(format!("{other} is a kind that this check does not know")),
    }
}

/// API: the envelope of every error, <https://google.aip.dev/193>.
fn refusal(answer: &Value, status: u16) -> Result<(), String> {
    let error = object(&answer["error"], "error")?;
    let known = ["code", "message", "status", "details", "errors"];
    if let Some(key) = error.keys().find(|key| !known.contains(&key.as_str())) {
        return Err(format!("an error has no field {key}"));
    }
    let is_typed = |detail: &Value| {
        detail["@type"].as_str().is_some_and(|kind| kind.starts_with("type.googleapis.com/"))
    };
    let is_whole = error.get("code") == Some(&json!(status))
        && error.get("message").is_some_and(Value::is_string)
        && error.get("status").is_some_and(Value::is_string)
        && error.get("details").is_none_or(|details| details.as_array().unwrap().iter().all(is_typed));
    is_whole.then_some(()).ok_or_else(|| format!("not the envelope of an error with status {status}"))
}

fn object<'v>(value: &'v Value, at: &str) -> Result<&'v Map<String, Value>, String> {
    value.as_object().ok_or_else(|| format!("{at} is no object: {value}"))
}

/// A Google that is asked by hand.
struct Desk {
    google: Google,
    token: String,
    now: Timestamp,
}

impl Desk {
    fn new() -> Self {
        let now: Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let mut google = Google::new(GoogleOptions::default());
        google.add_account("ada@example.com");
        let token = google.issue_access_token("ada@example.com", now).unwrap();
        Self { google, token, now }
    }

    fn ask(&mut self, verb: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        let request = Request::builder()
            .method(verb)
            .uri(format!("https://people.googleapis.com{path}"))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .body(body)
            .unwrap();
        let response = self.google.handle(&request, self.now);
        check(&request, &response);
        serde_json::from_slice(response.body()).unwrap()
    }

    fn ok(&mut self, verb: &str, path: &str, body: &Value) -> Value {
        let answer = self.ask(verb, path, body);
        assert!(answer.get("error").is_none(), "{verb} {path}: {answer}");
        answer
    }
}

/// A contact with something in every field that a client may write.
fn full_person() -> Value {
    let date = json!({"year": 1815, "month": 12, "day": 10});
    json!({
        "names": [{"givenName": "Ada", "familyName": "Lovelace", "honorificPrefix": "Lady", "phoneticGivenName": "Eida"}],
        "nicknames": [{"value": "Countess", "type": "DEFAULT"}],
        "emailAddresses": [{"value": "ada@example.com", "type": "work"}, {"value": "a@example.org", "type": "my own"}],
        "phoneNumbers": [{"value": "+1 650 253 0000", "type": "mobile"}],
        "addresses": [{"streetAddress": "12 Saint James's Square", "city": "London", "countryCode": "GB", "type": "home"}],
        "organizations": [{"name": "Analytical Engines", "title": "Analyst", "startDate": date, "current": true}],
        "birthdays": [{"date": date}],
        "events": [{"date": date, "type": "anniversary"}],
        "biographies": [{"value": "First of all.", "contentType": "TEXT_PLAIN"}],
        "genders": [{"value": "female"}],
        "urls": [{"value": "https://example.com", "type": "homePage"}],
        "relations": [{"person": "Byron", "type": "father"}],
        "imClients": [{"username": "ada", "protocol": "jabber", "type": "work"}],
        "sipAddresses": [{"value": "sip:ada@example.com", "type": "work"}],
        "calendarUrls": [{"url": "https://example.com/ada.ics", "type": "availability"}],
        "externalIds": [{"value": "7", "type": "customer"}],
        "interests": [{"value": "flight"}],
        "occupations": [{"value": "mathematician"}],
        "locales": [{"value": "en"}],
        "locations": [{"value": "London", "type": "desk"}],
        "miscKeywords": [{"value": "poet", "type": "HOME"}],
        "userDefined": [{"key": "Customer No", "value": "C-7"}],
        "clientData": [{"key": "crm", "value": "7"}]
    })
}

#[test]
fn every_answer_of_the_stand_in_has_the_shape_that_google_publishes() {
    let mut desk = Desk::new();
    let fields: Vec<String> = full_person().as_object().unwrap().keys().cloned().collect();
    let fields = format!("{},metadata,memberships,photos", fields.join(","));
    let ada = desk.ok("POST", &format!("/v1/people:createContact?personFields={fields}"), &full_person());
    let name = ada["resourceName"].as_str().unwrap().to_owned();
    let read = desk.ok("GET", &format!("/v1/{name}?personFields={fields}"), &Value::Null);
    for field in full_person().as_object().unwrap().keys() {
        assert!(read.get(field).is_some(), "{field} was not kept");
    }
    let path =
        format!("/v1/people:batchGet?resourceNames={name}&resourceNames=people/c404&personFields={fields}");
    desk.ok("GET", &path, &Value::Null);
    let path = format!("/v1/people/me/connections?personFields={fields}&requestSyncToken=true");
    let token = desk.ok("GET", &path, &Value::Null)["nextSyncToken"].as_str().unwrap().to_owned();
    let update = json!({"etag": read["etag"], "nicknames": []});
    let path = format!("/v1/{name}:updateContact?updatePersonFields=nicknames&personFields={fields}");
    desk.ok("PATCH", &path, &update);
    let photo = json!({"photoBytes": "iVBORw0KGgo=", "personFields": fields});
    desk.ok("PATCH", &format!("/v1/{name}:updateContactPhoto"), &photo);
    desk.ok("DELETE", &format!("/v1/{name}:deleteContactPhoto?personFields={fields}"), &Value::Null);

    let label = json!({"contactGroup": {"name": "Customers"}});
    let group = desk.ok("POST", "/v1/contactGroups", &label)["resourceName"].as_str().unwrap().to_owned();
    let members = json!({"resourceNamesToAdd": [name, "people/c404"]});
    desk.ok("POST", &format!("/v1/{group}/members:modify"), &members);
    desk.ok("GET", "/v1/contactGroups?pageSize=10", &Value::Null);
    desk.ok("GET", &format!("/v1/{group}?maxMembers=10"), &Value::Null);
    desk.ok("GET", &format!("/v1/contactGroups:batchGet?resourceNames={group}&maxMembers=2"), &Value::Null);
    desk.ok("PUT", &format!("/v1/{group}"), &json!({"contactGroup": {"name": "Clients"}}));
    desk.ok("DELETE", &format!("/v1/{group}"), &Value::Null);

    let people = json!({"contacts": [{"contactPerson": full_person()}], "readMask": fields});
    let created =
        desk.ok("POST", "/v1/people:batchCreateContacts", &people)["createdPeople"][0]["person"].clone();
    let other = created["resourceName"].as_str().unwrap();
    let update = json!({"contacts": {other: {"etag": created["etag"], "urls": []}}, "updateMask": "urls", "readMask": fields});
    desk.ok("POST", "/v1/people:batchUpdateContacts", &update);
    desk.ok("POST", "/v1/people:batchDeleteContacts", &json!({"resourceNames": [other]}));
    desk.ok("DELETE", &format!("/v1/{name}:deleteContact"), &Value::Null);
    let path =
        format!("/v1/people/me/connections?personFields={fields}&requestSyncToken=true&syncToken={token}");
    let delta = desk.ok("GET", &path, &Value::Null);
    assert_eq!(delta["connections"].as_array().unwrap().len(), 2, "two tombstones: {delta}");

    // Refusals have a shape too.
    for (verb, path, body) in [
        ("GET", "/v1/people/c404?personFields=names", Value::Null),
        ("GET", "/v1/people/me/connections?personFields=shoes", Value::Null),
        ("POST", "/v1/people:createContact", json!({"names": "Ada"})),
        (
            "POST",
            "/v1/people:batchCreateContacts",
            json!({"contacts": [{"contactPerson": {"names": [{"givenName": "a"}, {"givenName": "b"}]}}]}),
        ),
    ] {
        assert!(desk.ask(verb, path, &body).get("error").is_some(), "{verb} {path}");
    }
}

#[test]
fn an_answer_of_another_shape_is_noticed() {
    let ok = |answer: &Value| message(answer, "Person", "");
    assert_eq!(ok(&json!({"resourceName": "people/c1", "names": [{"givenName": "Ada"}]})), Ok(()));
    for flawed in [
        json!({"resource_name": "people/c1"}),
        json!({"names": {"givenName": "Ada"}}),
        json!({"names": [{"givenName": 7}]}),
        json!({"metadata": {"sources": [{"type": "CONTACTS"}]}}),
        json!({"metadata": {"sources": [{"updateTime": "yesterday"}]}}),
        json!({"birthdays": [{"date": {"year": "1815"}}]}),
    ] {
        assert!(ok(&flawed).is_err(), "{flawed}");
    }
    assert!(refusal(&json!({"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}}), 400).is_err());
}
