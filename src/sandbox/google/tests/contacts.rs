//! Creating, updating and deleting one contact.

use super::*;

fn create(world: &mut World, person: Value) -> Value {
    world.ok("POST", "/v1/people:createContact", person)
}

fn update(world: &mut World, person: &Value, mask: &str) -> (u16, Value) {
    let name = person["resourceName"].as_str().unwrap().to_owned();
    world.call("PATCH", &format!("/v1/{name}:updateContact?updatePersonFields={mask}"), person)
}

#[test]
fn a_created_contact_gets_ids_etags_derived_fields_and_my_contacts() {
    let mut world = World::new();
    let person = create(
        &mut world,
        json!({"names": [{"givenName": "Ada", "familyName": "Lovelace"}],
            "phoneNumbers": [{"value": "(212) 555-0123", "type": "mobile"}, {"value": "x"}]}),
    );
    let source = &person["metadata"]["sources"][0];
    let id = u64::from_str_radix(source["id"].as_str().unwrap(), 16).unwrap();
    assert_eq!(person["resourceName"], format!("people/c{id}"));
    assert!(source["etag"].as_str().unwrap().starts_with('#'));
    assert!(person["etag"].as_str().unwrap().starts_with('%'));
    assert_eq!(source["updateTime"], "2026-03-01T08:00:00.000000Z");
    assert_eq!(person["names"][0]["displayNameLastFirst"], "Lovelace, Ada");
    assert_eq!(person["names"][0]["metadata"]["primary"], true);
    assert_eq!(person["names"][0]["metadata"]["source"], json!({"type": "CONTACT", "id": source["id"]}));
    assert_eq!(person["phoneNumbers"][0]["canonicalForm"], "+12125550123");
    assert_eq!(person["phoneNumbers"][0]["formattedType"], "Mobile");
    assert!(person["phoneNumbers"][1]["metadata"].get("primary").is_none());
    assert!(person["phoneNumbers"][1].get("canonicalForm").is_none());
    assert_eq!(
        person["memberships"][0]["contactGroupMembership"],
        json!({"contactGroupId": "myContacts", "contactGroupResourceName": "contactGroups/myContacts"})
    );
    assert!(person["memberships"][0]["metadata"].get("primary").is_none());
    assert_eq!(person["photos"][0]["default"], true);
    let name = person["resourceName"].as_str().unwrap();
    assert_eq!(world.google.person(ADA, name).unwrap(), Some(person.clone()));
}

#[test]
fn the_chosen_item_is_primary_instead_of_the_first() {
    let mut world = World::new();
    let mails =
        json!([{"value": "a@example.com"}, {"value": "b@example.com", "metadata": {"sourcePrimary": true}}]);
    let person = create(&mut world, json!({"emailAddresses": mails}));
    assert!(person["emailAddresses"][0]["metadata"].get("primary").is_none());
    assert_eq!(person["emailAddresses"][1]["metadata"]["primary"], true);
    assert_eq!(person["emailAddresses"][1]["metadata"]["sourcePrimary"], true);
    let both = json!({"emailAddresses": [{"value": "a", "metadata": {"sourcePrimary": true}},
        {"value": "b", "metadata": {"sourcePrimary": true}}]});
    assert_eq!(world.refused("POST", "/v1/people:createContact", both).0, 400);
}

#[test]
fn an_update_replaces_the_fields_of_its_mask_whole_and_no_other() {
    let mut world = World::new();
    let person = create(
        &mut world,
        json!({"names": [{"givenName": "Ada"}], "urls": [{"value": "https://example.com"}],
            "emailAddresses": [{"value": "a@example.com"}, {"value": "b@example.com"}],
            "clientData": [{"key": "k", "value": "v"}, {"key": "k", "value": "v"}]}),
    );
    assert_eq!(person["clientData"].as_array().unwrap().len(), 2, "duplicates are allowed");
    let mut edited = person.clone();
    edited["emailAddresses"] = json!([{"value": "c@example.com"}]);
    edited["names"] = json!([{"givenName": "Not in the mask"}]);
    edited.as_object_mut().unwrap().remove("urls");
    let (status, updated) = update(&mut world, &edited, "email_addresses,urls");
    assert_eq!(status, 200, "{updated}");
    assert_eq!(texts(&updated["emailAddresses"], "value"), ["c@example.com"]);
    assert!(updated.get("urls").is_none(), "in the mask and not in the body: cleared");
    assert_eq!(updated["names"], person["names"]);
    assert_eq!(updated["clientData"], person["clientData"]);
}

#[test]
fn updates_need_the_current_etag_at_either_level() {
    let mut world = World::new();
    let old = create(&mut world, json!({"names": [{"givenName": "Ada"}]}));
    let (status, new) = update(&mut world, &old, "names");
    assert_eq!(status, 200);
    let name = old["resourceName"].clone();
    let names = json!([{"givenName": "Adele"}]);
    let by_person =
        |etag: &Value| json!({"resourceName": name.clone(), "etag": etag, "names": names.clone()});
    let by_source = |etag: &Value| {
        json!({"resourceName": name.clone(), "names": names.clone(),
            "metadata": {"sources": [{"type": "CONTACT", "etag": etag}]}})
    };
    let (old_source, new_source) =
        (&old["metadata"]["sources"][0]["etag"], &new["metadata"]["sources"][0]["etag"]);
    let message = |answer: (u16, Value)| {
        assert_eq!((answer.0, &answer.1["error"]["status"]), (400, &json!("FAILED_PRECONDITION")));
        answer.1["error"]["message"].as_str().unwrap().to_owned()
    };
    let person_text = "Request person.etag is different than the current person.etag. Clear local cache and get the latest \
                       person.";
    assert_eq!(message(update(&mut world, &by_person(&old["etag"]), "names")), person_text);
    assert_eq!(message(update(&mut world, &by_person(new_source), "names")), person_text, "the wrong level");
    let answer = message(update(&mut world, &by_source(old_source), "names"));
    assert!(
        answer.starts_with("Request person.metadata.sources.etag is different than the current"),
        "{answer}"
    );
    let (status, answer) = update(&mut world, &json!({"resourceName": name, "names": names}), "names");
    assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
    assert_eq!(
        answer["error"]["message"],
        "Request must set person.etag or person.metadata.sources.etag for the source that is being updated."
    );
    let (status, newer) = update(&mut world, &by_source(new_source), "names");
    assert_eq!(status, 200);
    assert_eq!(update(&mut world, &by_person(&newer["etag"]), "names").0, 200);
}

#[test]
fn the_etag_of_a_person_differs_with_the_mask_and_each_is_good_for_an_update() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let few = world.get(&format!("/v1/{ada}?personFields=names"));
    let many = world.get(&format!("/v1/{ada}?personFields=names,urls"));
    assert_ne!(few["etag"], many["etag"]);
    assert_eq!(update(&mut world, &few, "names").0, 200);
    assert_eq!(update(&mut world, &many, "names").0, 400, "the contact has changed since");
}

#[test]
fn a_lagging_replica_shows_the_new_content_with_the_old_etag() {
    let mut world =
        World::with(GoogleOptions { stale_etag: SignedDuration::from_secs(10), ..GoogleOptions::default() });
    let ada = world.add("Ada");
    world.wait(60);
    let before = world.person(&ada);
    let (_, written) = update(&mut world, &before, "names");
    let read = world.person(&ada);
    assert_eq!(read["metadata"]["sources"][0]["etag"], before["metadata"]["sources"][0]["etag"]);
    assert_eq!(update(&mut world, &read, "names").0, 400);
    world.wait(10);
    let read = world.person(&ada);
    assert_eq!(read["metadata"]["sources"][0]["etag"], written["metadata"]["sources"][0]["etag"]);
    assert_eq!(update(&mut world, &read, "names").0, 200);
}

#[test]
fn singletons_memberships_and_limits_are_kept() {
    let mut world = World::new();
    let person = create(&mut world, json!({"names": [{"givenName": "Ada"}]}));
    for field in ["names", "biographies", "genders"] {
        let mut two = person.clone();
        let key = if field == "names" { "givenName" } else { "value" };
        two[field] = json!([{key: "a"}, {key: "b"}]);
        assert_eq!(update(&mut world, &two, field).0, 400, "{field}");
        assert_eq!(world.refused("POST", "/v1/people:createContact", two).0, 400, "{field}");
    }
    let mut lonely = person.clone();
    lonely["memberships"] = json!([]);
    assert_eq!(update(&mut world, &lonely, "memberships").0, 400);
    lonely["memberships"] =
        json!([{"contactGroupMembership": {"contactGroupResourceName": "contactGroups/none"}}]);
    assert_eq!(update(&mut world, &lonely, "memberships").0, 400);
    let mut long = person.clone();
    long["nicknames"] = json!([{"value": "é".repeat(1024)}]);
    assert_eq!(update(&mut world, &long, "nicknames").0, 200);
    let mut long = world.person(person["resourceName"].as_str().unwrap());
    long["nicknames"] = json!([{"value": "é".repeat(1025)}]);
    assert_eq!(update(&mut world, &long, "nicknames").0, 400);
    long["biographies"] = json!([{"value": "n".repeat(5000)}]);
    assert_eq!(update(&mut world, &long, "biographies").0, 200, "notes may be longer");
    let mut big = world.person(person["resourceName"].as_str().unwrap());
    big["biographies"] = json!([{"value": "n".repeat(129 << 10)}]);
    assert_eq!(update(&mut world, &big, "biographies").0, 400);
    big["urls"] = (0..501).map(|n| json!({"value": format!("https://example.com/{n}")})).collect();
    assert_eq!(update(&mut world, &big, "urls").0, 400);
    let date = json!({"birthdays": [{"date": {"month": 13, "day": 1}}]});
    assert_eq!(world.refused("POST", "/v1/people:createContact", date).0, 400);
}

#[test]
fn data_of_profiles_and_empty_items_in_the_body_are_ignored() {
    let mut world = World::new();
    let person = create(
        &mut world,
        json!({"names": [{"givenName": "Ada", "metadata": {"source": {"type": "CONTACT", "id": "1"}}},
                {"givenName": "Profile", "metadata": {"source": {"type": "PROFILE", "id": "2"}}}],
            "nicknames": [{"value": ""}], "skills": [{"value": "analysis"}], "resourceName": "people/c1"}),
    );
    assert_eq!(texts(&person["names"], "givenName"), ["Ada"]);
    assert!(person.get("nicknames").is_none() && person.get("skills").is_none());
    assert_ne!(person["resourceName"], "people/c1");
}

#[test]
fn a_full_account_refuses_contacts_and_the_trash_counts() {
    let mut world = World::with(GoogleOptions { max_contacts: 2, ..GoogleOptions::default() });
    let ada = world.add("Ada");
    world.add("Berta");
    world.google.delete_person(ADA, &ada, world.now).unwrap();
    let one_more = json!({"names": [{"givenName": "Carl"}]});
    let (status, message) = world.refused("POST", "/v1/people:createContact", one_more.clone());
    assert_eq!(status, 429);
    assert!(message.contains("MY_CONTACTS_OVERFLOW_COUNT"));
    world.wait(30 * 86_400);
    create(&mut world, one_more);
}

#[test]
fn a_deleted_contact_is_gone_for_every_method() {
    let mut world = World::new();
    let person = create(&mut world, json!({"names": [{"givenName": "Ada"}]}));
    let name = person["resourceName"].as_str().unwrap().to_owned();
    assert_eq!(world.ok("DELETE", &format!("/v1/{name}:deleteContact"), Value::Null), json!({}));
    let gone = (404, "Requested entity was not found.".to_owned());
    assert_eq!(world.refused("DELETE", &format!("/v1/{name}:deleteContact"), Value::Null), gone);
    assert_eq!(update(&mut world, &person, "names").0, 404);
    let answer = world.get(&format!("/v1/people:batchGet?resourceNames={name}&personFields=names"));
    assert_eq!(answer["responses"][0]["httpStatusCode"], 404);
    assert_eq!(answer["responses"][0]["status"], json!({"code": 5, "message": gone.1}));
}

#[test]
fn a_photo_is_set_and_removed_and_its_address_tells_the_content() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let uri = format!("/v1/{ada}:updateContactPhoto");
    let jpeg = json!({"photoBytes": "/9j/4AAQSkZJRg==", "personFields": "photos"});
    let answer = world.ok("PATCH", &uri, jpeg);
    let photo = &answer["person"]["photos"][0];
    assert!(photo.get("default").is_none());
    let unpadded = json!({"photoBytes": "_9j_4AAQSkZJRg"});
    assert_eq!(world.ok("PATCH", &uri, unpadded), json!({}));
    assert_eq!(world.person(&ada)["photos"][0]["url"], photo["url"], "the same picture");
    assert_eq!(world.refused("PATCH", &uri, json!({"photoBytes": "AAAA"})).0, 400);
    let delete = format!("/v1/{ada}:deleteContactPhoto?personFields=photos");
    assert_eq!(world.ok("DELETE", &delete, Value::Null)["person"]["photos"][0]["default"], true);
    assert_eq!(world.refused("DELETE", &delete, Value::Null).0, 404);
}
