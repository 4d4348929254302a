//! connections.list: full reads, deltas, tokens, delays.

use super::*;

const SYNC: &str = "/v1/people/me/connections?personFields=names,metadata&requestSyncToken=true\
                    &sources=READ_SOURCE_TYPE_CONTACT&pageSize=2";

fn given_names(list: &Value) -> Vec<String> {
    let people = list["connections"].as_array().cloned().unwrap_or_default();
    people
        .iter()
        .map(|person| {
            if person["metadata"]["deleted"] == true {
                "(deleted)"
            } else {
                person["names"][0]["givenName"].as_str().unwrap()
            }
        })
        .map(str::to_owned)
        .collect()
}

/// Reads all pages; the names and the sync token.
fn read_all(world: &mut World, uri: &str) -> (Vec<String>, String) {
    let mut names = Vec::new();
    let mut page = world.get(uri);
    loop {
        names.extend(given_names(&page));
        match page["nextPageToken"].as_str().map(str::to_owned) {
            Some(token) => {
                assert!(page.get("nextSyncToken").is_none(), "the sync token comes on the last page only");
                page = world.get(&format!("{uri}&pageToken={token}"));
            }
            None => return (names, page["nextSyncToken"].as_str().unwrap().to_owned()),
        }
    }
}

fn delta(world: &mut World, token: &str) -> (Vec<String>, String) {
    read_all(world, &format!("{SYNC}&syncToken={token}"))
}

#[test]
fn an_empty_account_answers_without_empty_lists() {
    let mut world = World::new();
    assert_eq!(world.get("/v1/people/me/connections?personFields=names"), json!({}));
    let answer = world.get(SYNC);
    assert!(answer["nextSyncToken"].is_string());
    assert!(answer.get("connections").is_none() && answer.get("totalItems").is_none());
}

#[test]
fn a_full_read_is_paged_and_its_token_gives_what_changed_since() {
    let mut world = World::new();
    let ada = world.add("Ada");
    world.add("Berta");
    let carl = world.add("Carl");
    let (names, token) = read_all(&mut world, SYNC);
    assert_eq!(names, ["Ada", "Berta", "Carl"]);
    assert_eq!(delta(&mut world, &token).0, Vec::<String>::new());

    world.google.edit_person(ADA, &ada, json!({"names": [{"givenName": "Adele"}]}), world.now).unwrap();
    world.google.delete_person(ADA, &carl, world.now).unwrap();
    world.add("Dora");
    let (names, next) = delta(&mut world, &token);
    assert_eq!(names, ["Adele", "(deleted)", "Dora"]);
    assert_eq!(delta(&mut world, &token).0, names, "a token may be used again");
    assert_eq!(delta(&mut world, &next).0, Vec::<String>::new());
    assert_eq!(read_all(&mut world, SYNC).0, ["Berta", "Adele", "Dora"], "a full read has no tombstones");
}

#[test]
fn a_tombstone_tells_who_is_gone_and_nothing_else() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let (_, token) = read_all(&mut world, SYNC);
    let id = world.person(&ada)["metadata"]["sources"][0]["id"].clone();
    world.ok("DELETE", &format!("/v1/{ada}:deleteContact"), Value::Null);
    let answer = world.get(&format!("{SYNC}&syncToken={token}"));
    let tombstone = &answer["connections"][0];
    assert_eq!(tombstone["resourceName"], ada.as_str());
    assert_eq!(tombstone["metadata"]["deleted"], true);
    assert_eq!(tombstone["metadata"]["objectType"], "PERSON");
    assert_eq!(tombstone["metadata"]["sources"][0]["id"], id);
    assert_eq!(tombstone.as_object().unwrap().len(), 3, "{tombstone}");
    assert_eq!(world.refused("GET", &format!("/v1/{ada}?personFields=names"), Value::Null).0, 404);
}

#[test]
fn what_changes_between_two_pages_is_in_the_next_delta() {
    let mut world = World::new();
    let ada = world.add("Ada");
    for name in ["Berta", "Carl"] {
        world.add(name);
    }
    let first = world.get(SYNC);
    assert_eq!(given_names(&first), ["Ada", "Berta"]);
    world.google.edit_person(ADA, &ada, json!({"names": [{"givenName": "Adele"}]}), world.now).unwrap();
    let second = world.get(&format!("{SYNC}&pageToken={}", first["nextPageToken"].as_str().unwrap()));
    let token = second["nextSyncToken"].as_str().unwrap();
    assert_eq!(delta(&mut world, token).0, ["Adele"]);
}

#[test]
fn a_sync_token_expires_seven_days_after_the_full_read_however_often_it_is_used() {
    let mut world = World::new();
    world.add("Ada");
    let (_, mut token) = read_all(&mut world, SYNC);
    for _ in 0..6 {
        world.wait(86_400);
        token = delta(&mut world, &token).1;
    }
    world.wait(86_400);
    let (status, answer) = world.call("GET", &format!("{SYNC}&syncToken={token}"), &Value::Null);
    assert_eq!((status, &answer["error"]["status"]), (400, &json!("INVALID_ARGUMENT")));
    assert_eq!(
        answer["error"]["message"],
        "Sync token is expired. Clear local cache and retry call without the sync token."
    );
    assert_eq!(
        answer["error"]["details"],
        json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "EXPIRED_SYNC_TOKEN",
            "domain": "people.googleapis.com"}])
    );
}

#[test]
fn the_answer_to_an_expired_token_can_be_switched_and_provoked() {
    let mut world = World::with(GoogleOptions {
        expired_token_code: 410,
        expired_token_status: "FAILED_PRECONDITION",
        ..GoogleOptions::default()
    });
    let (_, token) = read_all(&mut world, SYNC);
    world.google.expire_sync_tokens(ADA).unwrap();
    let (status, answer) = world.call("GET", &format!("{SYNC}&syncToken={token}"), &Value::Null);
    assert_eq!((status, &answer["error"]["status"]), (410, &json!("FAILED_PRECONDITION")));
}

#[test]
fn tokens_are_refused_when_mangled_foreign_or_used_with_other_parameters() {
    let mut world = World::new();
    for name in ["Ada", "Berta", "Carl"] {
        world.add(name);
    }
    let (_, token) = read_all(&mut world, SYNC);
    let page = world.get(SYNC)["nextPageToken"].as_str().unwrap().to_owned();
    let plain = "Request contains an invalid argument.";
    let mut mangled = token.clone();
    mangled.replace_range(10..11, if &token[10..11] == "A" { "B" } else { "A" });
    for uri in [
        format!("{SYNC}&syncToken={mangled}"),
        format!("{SYNC}&syncToken={page}"),
        format!("{SYNC}&pageToken={token}"),
        format!("{SYNC}&syncToken=garbage"),
    ] {
        assert_eq!(world.refused("GET", &uri, Value::Null), (400, plain.to_owned()), "{uri}");
    }
    let other = "/v1/people/me/connections?personFields=names&requestSyncToken=true&sources=READ_SOURCE_TYPE_CONTACT&pageSize=2";
    assert_eq!(world.refused("GET", &format!("{other}&syncToken={token}"), Value::Null).0, 400);
    assert_eq!(world.refused("GET", &format!("{other}&pageToken={page}"), Value::Null).0, 400);
    assert_eq!(
        world.refused("GET", &format!("{SYNC}&syncToken={token}&pageToken={page}"), Value::Null).0,
        400
    );

    world.google.add_account("eve@example.com");
    world.token = world.google.issue_access_token("eve@example.com", world.now).unwrap();
    assert_eq!(
        world.refused("GET", &format!("{SYNC}&syncToken={token}"), Value::Null),
        (400, plain.to_owned())
    );
}

#[test]
fn lists_and_deltas_lag_behind_while_get_does_not() {
    let mut world =
        World::with(GoogleOptions { list_delay: SignedDuration::from_mins(3), ..GoogleOptions::default() });
    let (_, token) = read_all(&mut world, SYNC);
    let ada = world.add("Ada");
    let (names, token) = delta(&mut world, &token);
    assert!(names.is_empty());
    assert_eq!(world.person(&ada)["names"][0]["givenName"], "Ada");
    world.wait(100);
    world.google.edit_person(ADA, &ada, json!({"names": [{"givenName": "Adele"}]}), world.now).unwrap();
    world.wait(100);
    let (names, token) = delta(&mut world, &token);
    assert_eq!(names, ["Ada"], "the first change has arrived, the second has not");
    world.wait(100);
    assert_eq!(delta(&mut world, &token).0, ["Adele"]);
}

#[test]
fn gets_lag_behind_by_a_delay_of_their_own() {
    let mut world =
        World::with(GoogleOptions { get_delay: SignedDuration::from_secs(5), ..GoogleOptions::default() });
    let ada = world.add("Ada");
    let uri = format!("/v1/{ada}?personFields=names");
    assert_eq!(world.refused("GET", &uri, Value::Null).0, 404);
    assert_eq!(read_all(&mut world, SYNC).0, ["Ada"]);
    world.wait(5);
    assert_eq!(world.get(&uri)["resourceName"], ada.as_str());
}

#[test]
fn a_rename_is_told_in_deltas_only_and_the_id_stays() {
    let mut world = World::new();
    let old = world.add("Ada");
    let (_, token) = read_all(&mut world, SYNC);
    let new = world.google.rename(ADA, &old, world.now).unwrap();
    let answer = world.get(&format!("{SYNC}&syncToken={token}"));
    let person = &answer["connections"][0];
    assert_eq!(person["resourceName"], new.as_str());
    assert_eq!(person["metadata"]["previousResourceNames"], json!([old]));
    let id = person["metadata"]["sources"][0]["id"].as_str().unwrap();
    assert_eq!(u64::from_str_radix(id, 16).unwrap().to_string(), old.trim_start_matches("people/c"));
    assert!(world.get(SYNC)["connections"][0]["metadata"].get("previousResourceNames").is_none());
    assert_eq!(world.person(&old)["resourceName"], new.as_str(), "the old name still answers");
    world.google.options_mut().old_names_answer = false;
    assert_eq!(world.refused("GET", &format!("/v1/{old}?personFields=names"), Value::Null).0, 404);
}

#[test]
fn restoring_brings_the_same_contact_back_within_thirty_days() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let before = world.person(&ada);
    world.google.delete_person(ADA, &ada, world.now).unwrap();
    let (_, token) = read_all(&mut world, SYNC);
    world.google.restore_person(ADA, &ada, world.now).unwrap();
    assert_eq!(delta(&mut world, &token).0, ["Ada"]);
    let after = world.person(&ada);
    assert_eq!(after["names"], before["names"]);
    assert_ne!(after["metadata"]["sources"][0]["etag"], before["metadata"]["sources"][0]["etag"]);
    world.google.delete_person(ADA, &ada, world.now).unwrap();
    world.wait(30 * 86_400);
    let refused = world.google.restore_person(ADA, &ada, world.now);
    assert_eq!(refused, Err(HandError::NoContact(ada)));
}

#[test]
fn a_merge_by_hand_deletes_the_loser_and_changes_the_survivor() {
    let mut world = World::new();
    let loser = world.add("Ada");
    let survivor = world.add("Ada L.");
    let mail = json!({"emailAddresses": [{"value": "ada@example.org"}]});
    world.google.edit_person(ADA, &loser, mail, world.now).unwrap();
    let (_, token) = read_all(&mut world, SYNC);
    world.google.merge_persons(ADA, &loser, &survivor, world.now).unwrap();
    assert_eq!(delta(&mut world, &token).0, ["(deleted)", "Ada L."]);
    assert_eq!(world.person(&survivor)["emailAddresses"][0]["value"], "ada@example.org");
    assert!(world.google.restore_person(ADA, &loser, world.now).is_err());
}

#[test]
fn a_linked_profile_shows_only_where_profiles_are_read() {
    let mut world = World::new();
    let ada = world.add("Ada");
    let profile = json!({"names": [{"givenName": "Countess"}]});
    let new = world.google.link_profile(ADA, &ada, profile, world.now).unwrap();
    let mixed = world.get(&format!("/v1/{new}?personFields=names,metadata"));
    assert_eq!(mixed["names"].as_array().unwrap().len(), 2);
    assert_eq!(mixed["names"][1]["metadata"]["source"]["type"], "PROFILE");
    assert_eq!(mixed["metadata"]["sources"].as_array().unwrap().len(), 2);
    assert_eq!(world.person(&new)["names"].as_array().unwrap().len(), 1);
    let none = "/v1/people/me/connections?personFields=names&sources=READ_SOURCE_TYPE_OTHER_CONTACT";
    assert_eq!(world.get(none), json!({}));
}

#[test]
fn sort_orders_work_while_not_syncing() {
    let mut world = World::new();
    for name in ["Carl", "Ada", "Berta"] {
        world.add(name);
    }
    let list = "/v1/people/me/connections?personFields=names&pageSize=1000";
    let sorted = world.get(&format!("{list}&sortOrder=FIRST_NAME_ASCENDING"));
    assert_eq!(given_names(&sorted), ["Ada", "Berta", "Carl"]);
    let sorted = world.get(&format!("{list}&sortOrder=LAST_MODIFIED_DESCENDING"));
    assert_eq!(given_names(&sorted), ["Berta", "Ada", "Carl"]);
    let syncing = format!("{list}&sortOrder=LAST_MODIFIED_DESCENDING&requestSyncToken=true");
    assert_eq!(world.refused("GET", &syncing, Value::Null).0, 400);
    world.google.options_mut().sort_while_syncing = Lenience::Lenient;
    assert_eq!(given_names(&world.get(&syncing)), ["Carl", "Ada", "Berta"]);
}

#[test]
fn page_sizes_are_bounded() {
    let mut world = World::new();
    world.add("Ada");
    let list = "/v1/people/me/connections?personFields=names";
    assert_eq!(world.get(&format!("{list}&pageSize=2000"))["totalItems"], 1);
    world.google.options_mut().oversized_page = Lenience::Strict;
    assert_eq!(world.refused("GET", &format!("{list}&pageSize=2000"), Value::Null).0, 400);
    assert_eq!(world.refused("GET", &format!("{list}&pageSize=-1"), Value::Null).0, 400);
}

#[test]
fn lists_cut_mail_addresses_at_a_hundred_and_get_does_not() {
    let mut world = World::new();
    let mails: Vec<Value> = (0..120).map(|n| json!({"value": format!("a{n}@example.com")})).collect();
    let name = world.google.add_person(ADA, json!({"emailAddresses": mails}), world.now).unwrap();
    let list = world.get("/v1/people/me/connections?personFields=emailAddresses");
    assert_eq!(list["connections"][0]["emailAddresses"].as_array().unwrap().len(), 100);
    assert_eq!(world.person(&name)["emailAddresses"].as_array().unwrap().len(), 120);
}
