//! Groups and who is in them.

use super::*;

fn create(world: &mut World, name: &str) -> Value {
    world.ok("POST", "/v1/contactGroups", json!({"contactGroup": {"name": name}}))
}

fn groups_of(world: &mut World, person: &str) -> Vec<String> {
    let person = world.person(person);
    let memberships = person["memberships"].as_array().unwrap().clone();
    memberships
        .iter()
        .map(|membership| {
            membership["contactGroupMembership"]["contactGroupResourceName"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn a_group_lives_from_creation_to_deletion() {
    let mut world = World::new();
    let list = world.get("/v1/contactGroups?pageSize=1000");
    assert_eq!(list["totalItems"], 8);
    let mine = list["contactGroups"].as_array().unwrap().iter().find(|g| g["name"] == "myContacts").unwrap();
    assert_eq!(mine["formattedName"], "My Contacts");
    assert!(
        mine.get("etag").is_none() && mine.get("metadata").is_none() && mine.get("memberCount").is_none()
    );
    let token = list["nextSyncToken"].as_str().unwrap().to_owned();

    let group = create(&mut world, "Business");
    assert_eq!(group["groupType"], "USER_CONTACT_GROUP");
    let name = group["resourceName"].as_str().unwrap().to_owned();
    let twice = json!({"contactGroup": {"name": "Business"}});
    assert_eq!(world.refused("POST", "/v1/contactGroups", twice).0, 409);

    let renamed = json!({"contactGroup": {"name": "Firms", "etag": group["etag"]}});
    let updated = world.ok("PUT", &format!("/v1/{name}"), renamed.clone());
    assert_eq!((&updated["name"], &updated["formattedName"]), (&json!("Firms"), &json!("Firms")));
    let (status, message) = world.refused("PUT", &format!("/v1/{name}"), renamed);
    assert_eq!(status, 409);
    assert!(message.contains("Contact group etag is outdated"));

    let delta = world.get(&format!("/v1/contactGroups?pageSize=1000&syncToken={token}"));
    assert_eq!(texts(&delta["contactGroups"], "name"), ["Firms"]);
    let token = delta["nextSyncToken"].as_str().unwrap().to_owned();
    world.ok("DELETE", &format!("/v1/{name}"), Value::Null);
    let delta = world.get(&format!("/v1/contactGroups?pageSize=1000&syncToken={token}"));
    assert_eq!(delta["contactGroups"][0]["metadata"]["deleted"], true);
    assert_eq!(world.refused("GET", &format!("/v1/{name}"), Value::Null).0, 404);
    assert_eq!(world.refused("DELETE", "/v1/contactGroups/starred", Value::Null).0, 400);
}

#[test]
fn members_join_and_leave_but_never_their_last_group() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let group = create(&mut world, "Business")["resourceName"].as_str().unwrap().to_owned();
    let modify = |world: &mut World, group: &str, body: Value| {
        world.call("POST", &format!("/v1/{group}/members:modify"), &body)
    };
    let before = world.person(&ada)["metadata"]["sources"][0]["etag"].clone();
    let answer = modify(&mut world, &group, json!({"resourceNamesToAdd": [ada, "people/c5"]}));
    assert_eq!(answer, (200, json!({"notFoundResourceNames": ["people/c5"]})));
    assert_eq!(groups_of(&mut world, &ada), ["contactGroups/myContacts", group.as_str()]);
    assert_ne!(world.person(&ada)["metadata"]["sources"][0]["etag"], before, "a membership is a change");
    let shown = world.get(&format!("/v1/{group}?maxMembers=10"));
    assert_eq!((&shown["memberCount"], &shown["memberResourceNames"]), (&json!(1), &json!([ada])));

    let leave = json!({"resourceNamesToRemove": [ada]});
    assert_eq!(modify(&mut world, "contactGroups/myContacts", leave.clone()), (200, json!({})));
    let answer = modify(&mut world, &group, leave);
    assert_eq!(answer, (200, json!({"canNotRemoveLastContactGroupResourceNames": [ada]})));
    assert_eq!(groups_of(&mut world, &ada), [group.as_str()]);
    assert_eq!(
        modify(&mut world, "contactGroups/friends", json!({"resourceNamesToAdd": [ada]})).0,
        400,
        "deprecated groups take no members"
    );
}

#[test]
fn memberships_can_be_written_whole_and_group_ids_are_derived() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let group = create(&mut world, "Business")["resourceName"].as_str().unwrap().to_owned();
    let mut person = world.person(&ada);
    person["memberships"] =
        json!([{"contactGroupMembership": {"contactGroupResourceName": group, "contactGroupId": "x"}}]);
    let uri = format!("/v1/{ada}:updateContact?updatePersonFields=memberships&personFields=memberships");
    let answer = world.ok("PATCH", &uri, person);
    let id = group.trim_start_matches("contactGroups/");
    assert_eq!(answer["memberships"][0]["contactGroupMembership"]["contactGroupId"], id);
    assert_eq!(world.get("/v1/contactGroups/myContacts").get("memberCount"), None);
    assert_eq!(world.get(&format!("/v1/{group}"))["memberCount"], 1);
}

#[test]
fn deleting_a_group_keeps_its_contacts_unless_asked_otherwise() {
    let mut world = World::new();
    for with_contacts in [false, true] {
        let group = create(&mut world, "Business")["resourceName"].as_str().unwrap().to_owned();
        let only = json!([{"contactGroupMembership": {"contactGroupResourceName": group}}]);
        let person = json!({"names": [{"givenName": "Ada"}], "memberships": only});
        let ada = world.google.add_person(ADA, person, world.now).unwrap();
        world.ok("DELETE", &format!("/v1/{group}?deleteContacts={with_contacts}"), Value::Null);
        if with_contacts {
            assert_eq!(world.google.person(ADA, &ada).unwrap(), None);
        } else {
            assert_eq!(groups_of(&mut world, &ada), ["contactGroups/myContacts"]);
        }
    }
}

#[test]
fn groups_are_fetched_together_and_in_pages() {
    let mut world = World::new();
    let uri = "/v1/contactGroups:batchGet?resourceNames=contactGroups/starred&resourceNames=contactGroups/none&groupFields=name";
    let answer = world.get(uri);
    assert_eq!(answer["responses"][0]["contactGroup"]["formattedName"], "Starred");
    assert_eq!(answer["responses"][1]["status"]["code"], 5);
    let mut seen = Vec::new();
    let mut uri = "/v1/contactGroups?pageSize=3".to_owned();
    loop {
        let page = world.get(&uri);
        seen.extend(texts(&page["contactGroups"], "name"));
        let Some(token) = page["nextPageToken"].as_str() else { break };
        uri = format!("/v1/contactGroups?pageSize=3&pageToken={token}");
    }
    assert_eq!(seen.len(), 8);
}
