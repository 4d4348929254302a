//! Batches: whole or not at all.

use super::*;

fn contact(given: &str) -> Value {
    json!({"contactPerson": {"names": [{"givenName": given}]}})
}

#[test]
fn a_batch_creates_in_the_order_of_the_request() {
    let mut world = World::new();
    let body = json!({"contacts": [contact("Ada"), contact("Berta")], "readMask": "names",
        "sources": ["READ_SOURCE_TYPE_CONTACT"]});
    let answer = world.ok("POST", "/v1/people:batchCreateContacts", body);
    let names: Vec<_> = answer["createdPeople"]
        .as_array()
        .unwrap()
        .iter()
        .map(|created| {
            assert_eq!((&created["httpStatusCode"], &created["status"]), (&json!(200), &json!({})));
            assert_eq!(created["requestedResourceName"], created["person"]["resourceName"]);
            created["person"]["names"][0]["givenName"].as_str().unwrap()
        })
        .collect();
    assert_eq!(names, ["Ada", "Berta"]);
    let silent = json!({"contacts": [contact("Carl")]});
    assert_eq!(world.ok("POST", "/v1/people:batchCreateContacts", silent), json!({}));
    assert_eq!(world.google.writes(ADA).unwrap().created, 3);
}

#[test]
fn a_batch_with_one_bad_contact_creates_none_and_says_which() {
    let mut world = World::new();
    let bad = json!({"contactPerson": {"names": [{"givenName": "a"}, {"givenName": "b"}]}});
    let body = json!({"contacts": [contact("Ada"), bad], "readMask": "names"});
    let (status, answer) = world.call("POST", "/v1/people:batchCreateContacts", &body);
    assert_eq!(status, 400);
    let details = &answer["error"]["details"][0];
    assert_eq!(details["@type"], "type.googleapis.com/google.people.v1.BatchCreateContactsErrorDetails");
    assert_eq!(details["contactErrors"].as_object().unwrap().keys().collect::<Vec<_>>(), ["1"]);
    assert_eq!(details["contactErrors"]["1"]["code"], 3);
    assert_eq!(world.google.person_count(ADA), Ok(0));
}

#[test]
fn a_batch_with_one_stale_etag_updates_none_and_says_which() {
    let mut world = World::new();
    let (ada, berta) = (world.add("Ada"), world.add("Berta"));
    let (mut first, mut second) = (world.person(&ada), world.person(&berta));
    world.google.edit_person(ADA, &berta, json!({"names": [{"givenName": "B."}]}), world.now).unwrap();
    first["names"] = json!([{"givenName": "Adele"}]);
    second["names"] = json!([{"givenName": "Bella"}]);
    let batch = |second: &Value| {
        json!({"contacts": {ada.clone(): first, berta.clone(): second, "people/c5": {"etag": "%"}},
            "updateMask": "names", "readMask": "names"})
    };
    let (status, answer) = world.call("POST", "/v1/people:batchUpdateContacts", &batch(&second));
    assert_eq!(status, 400);
    let details = &answer["error"]["details"][0];
    assert_eq!(details["@type"], "type.googleapis.com/google.people.v1.BatchUpdateContactsErrorDetails");
    let errors = details["contactErrors"].as_object().unwrap();
    assert_eq!(errors.len(), 2);
    assert_eq!(errors[&berta]["code"], 9);
    assert_eq!(errors["people/c5"]["code"], 5);
    assert_eq!(world.person(&ada)["names"][0]["givenName"], "Ada", "nothing was written");

    let mut second = world.person(&berta);
    second["names"] = json!([{"givenName": "Bella"}]);
    let mut good = batch(&second);
    good["contacts"].as_object_mut().unwrap().remove("people/c5");
    let answer = world.ok("POST", "/v1/people:batchUpdateContacts", good);
    assert_eq!(answer["updateResult"][&berta]["person"]["names"][0]["givenName"], "Bella");
    assert_eq!(world.person(&ada)["names"][0]["givenName"], "Adele");
}

#[test]
fn batches_are_bounded_and_need_their_masks() {
    let mut world = World::new();
    let many: Vec<Value> = (0..201).map(|n| contact(&n.to_string())).collect();
    let create = "/v1/people:batchCreateContacts";
    assert_eq!(world.refused("POST", create, json!({"contacts": many})).0, 400);
    assert_eq!(world.refused("POST", create, json!({"contacts": []})).0, 400);
    let ada = world.add("Ada");
    let person = world.person(&ada);
    let update = json!({"contacts": {ada: person}});
    let (_, message) = world.refused("POST", "/v1/people:batchUpdateContacts", update);
    assert!(message.starts_with("updateMask is required."), "{message}");
    let names: Vec<String> = (0..501).map(|n| format!("people/c{}", n + 1)).collect();
    let delete = "/v1/people:batchDeleteContacts";
    assert_eq!(world.refused("POST", delete, json!({"resourceNames": names})).0, 400);
    let names: Vec<String> = (0..201).map(|n| format!("resourceNames=people/c{n}")).collect();
    let uri = format!("/v1/people:batchGet?personFields=names&{}", names.join("&"));
    assert_eq!(world.refused("GET", &uri, Value::Null).0, 400);
}

#[test]
fn a_batch_of_deletes_with_an_unknown_name_deletes_none() {
    let mut world = World::new();
    let (ada, berta) = (world.add("Ada"), world.add("Berta"));
    let delete = "/v1/people:batchDeleteContacts";
    let unknown = json!({"resourceNames": [ada, "people/c5"]});
    assert_eq!(world.refused("POST", delete, unknown).0, 404);
    assert_eq!(world.google.person_count(ADA), Ok(2));
    assert_eq!(world.ok("POST", delete, json!({"resourceNames": [ada, berta]})), json!({}));
    assert_eq!(world.google.person_count(ADA), Ok(0));
    assert_eq!(world.google.writes(ADA).unwrap().deleted, 2);
}

#[test]
fn batch_get_answers_each_name_in_order() {
    let mut world = World::new();
    let (ada, berta) = (world.add("Ada"), world.add("Berta"));
    let uri = format!(
        "/v1/people%3AbatchGet?resourceNames={berta}&resourceNames=people/c5&resourceNames={ada}&personFields=names"
    );
    let answer = world.get(&uri);
    let status: Vec<_> = answer["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|r| r["httpStatusCode"].as_u64().unwrap())
        .collect();
    assert_eq!(status, [200, 404, 200]);
    assert_eq!(answer["responses"][2]["person"]["names"][0]["givenName"], "Ada");
}
