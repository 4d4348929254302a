//! Edits of each field in each direction, conflicts, switches, and what must stay untouched.

use dafater_contactsd::sync::{ConflictPolicy, Side};
use insta::assert_snapshot;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{Strike, World, contact, once, person, writes};

async fn linked_under(conflict: ConflictPolicy) -> (World, String, String) {
    let mut world = World::with(|settings| settings.policy.conflict = conflict);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    let resource = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    (world, resource, name)
}

async fn linked() -> (World, String, String) {
    linked_under(ConflictPolicy::Newest).await
}

#[tokio::test]
async fn each_text_edited_in_dafater_arrives_in_google() {
    let edits: [(Value, Value); 7] = [
        (json!({ "salutation": "Dr" }), json!("Dr")),
        (json!({ "first_name": "Augusta" }), json!("Augusta")),
        (json!({ "middle_name": "King" }), json!("King")),
        (json!({ "last_name": "Byron" }), json!("Byron")),
        (json!({ "company_name": "Analytical" }), json!("Analytical")),
        (json!({ "designation": "Countess" }), json!("Countess")),
        (json!({ "department": "Engines" }), json!("Engines")),
    ];
    let paths = [
        "/names/0/honorificPrefix",
        "/names/0/givenName",
        "/names/0/middleName",
        "/names/0/familyName",
        "/organizations/0/name",
        "/organizations/0/title",
        "/organizations/0/department",
    ];
    let (mut world, resource, name) = linked().await;
    for ((edit, value), path) in edits.into_iter().zip(paths) {
        world.edit_contact(&name, edit.clone());
        let report = world.settle().await;
        assert_eq!((report.google.updated, writes(&report)), (1, 1), "{edit}: {report:?}");
        let person = world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap();
        assert_eq!(person.pointer(path), Some(&value), "{edit}");
        assert_eq!(writes(&world.settle().await), 0, "{edit}");
        // Cleared again, the field is gone there as well.
        let slot = edit.as_object().unwrap().keys().next().unwrap().clone();
        if slot != "first_name" {
            world.edit_contact(&name, json!({ slot: "" }));
            world.settle().await;
            let person = world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap();
            assert_eq!(person.pointer(path), None, "{edit}");
        }
    }
}

#[tokio::test]
async fn each_text_edited_in_google_arrives_in_dafater() {
    let edits = [
        ("salutation", json!({ "names": [{ "givenName": "Ada", "honorificPrefix": "Dr." }] }), "Dr"),
        ("first_name", json!({ "names": [{ "givenName": "Augusta" }] }), "Augusta"),
        ("middle_name", json!({ "names": [{ "givenName": "Augusta", "middleName": "King" }] }), "King"),
        ("last_name", json!({ "names": [{ "givenName": "Augusta", "familyName": "Byron" }] }), "Byron"),
        ("company_name", json!({ "organizations": [{ "name": "Analytical" }] }), "Analytical"),
        ("designation", json!({ "organizations": [{ "title": "Countess" }] }), "Countess"),
        ("department", json!({ "organizations": [{ "department": "Engines" }] }), "Engines"),
    ];
    let (mut world, resource, name) = linked().await;
    for (slot, edit, value) in edits {
        world.edit_person(&resource, edit);
        let report = world.settle().await;
        assert_eq!((report.dafater.updated, writes(&report)), (1, 1), "{slot}: {report:?}");
        assert_eq!(world.site().contact(&name).unwrap()[slot], value);
        assert_eq!(writes(&world.settle().await), 0, "{slot}");
    }
}

#[tokio::test]
async fn addresses_and_numbers_come_and_go_with_their_primaries() {
    let (mut world, resource, name) = linked().await;
    world.edit_contact(
        &name,
        json!({
            "email_ids": [{ "email_id": "ada@example.com" }, { "email_id": "a.l@example.com", "is_primary": 1 }],
            "phone_nos": [{ "phone": "+966501234567", "is_primary_phone": 1 }, { "phone": "0112345678" }],
        }),
    );
    let report = world.settle().await;
    assert_eq!((report.google.updated, writes(&report)), (1, 1), "{report:?}");
    let ada = world.person("Ada");
    assert_eq!(ada["emailAddresses"].as_array().unwrap().len(), 2);
    let primary = ada["emailAddresses"].as_array().unwrap().iter();
    let primary: Vec<&Value> = primary.filter(|item| item["metadata"]["primary"] == json!(true)).collect();
    assert_eq!(primary[0]["value"], "a.l@example.com");
    assert_eq!(writes(&world.settle().await), 0);

    world.edit_person(
        &resource,
        json!({
            "emailAddresses": [{ "value": "ada@example.com" }],
            "phoneNumbers": [{ "value": "+966 11 234 5678" }],
        }),
    );
    let report = world.settle().await;
    assert_eq!((report.dafater.updated, writes(&report)), (1, 1), "{report:?}");
    let ada = world.contact("Ada");
    assert_eq!(ada["email_ids"].as_array().unwrap().len(), 1);
    assert_eq!(ada["email_ids"][0]["is_primary"], 1);
    assert_eq!(ada["phone_nos"].as_array().unwrap().len(), 1);
    assert_eq!(ada["phone_nos"][0]["phone"], "0112345678", "its own spelling stays");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn a_number_corrected_in_dafater_keeps_its_label_in_google() {
    let mut world = World::new();
    let resource = world.add_person(json!({
        "names": [{ "givenName": "Ada" }],
        "phoneNumbers": [
            { "value": "+966112345678", "type": "work" },
            { "value": "+966501234567", "type": "Villa" },
        ],
    }));
    world.settle().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_contact(
        &name,
        json!({ "phone_nos": [{ "phone": "+966112345678", "is_primary_phone": 1 }, { "phone": "+966501234999" }] }),
    );
    world.settle().await;
    let ada = world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap();
    assert_eq!(ada["phoneNumbers"][1]["value"], "+966501234999");
    assert_eq!(ada["phoneNumbers"][1]["type"], "Villa");
    assert_eq!(ada["phoneNumbers"][1]["canonicalForm"], "+966501234999");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn edits_of_different_fields_on_both_sides_are_both_kept() {
    let (mut world, resource, name) = linked().await;
    world.edit_contact(&name, json!({ "designation": "Countess", "phone_nos": [] }));
    world.edit_person(
        &resource,
        json!({
            "names": [{ "givenName": "Ada", "familyName": "Byron" }],
            "emailAddresses": [{ "value": "ada@example.com" }, { "value": "new@example.com" }],
        }),
    );
    let report = world.settle().await;
    assert_eq!(writes(&report), 2, "{report:?}");
    assert_snapshot!(world.picture(), @r"
    dafater  Ada Byron Countess ada@example.com new@example.com
    google   Ada Byron Countess ada@example.com new@example.com
    ");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn a_conflict_goes_to_whom_the_policy_names_and_the_loser_is_in_the_history() {
    let expected = [
        (ConflictPolicy::Google, "Google's"),
        (ConflictPolicy::Dafater, "Dafater's"),
        (ConflictPolicy::Newest, "Dafater's"),
    ];
    for (policy, winner) in expected {
        let (mut world, resource, name) = linked_under(policy).await;
        world.edit_person(&resource, json!({ "organizations": [{ "title": "Google's" }] }));
        world.edit_contact(&name, json!({ "designation": "Dafater's" }));
        world.settle().await;
        assert_eq!(world.person("Ada")["organizations"][0]["title"], winner, "{policy:?}");
        assert_eq!(world.contact("Ada")["designation"], winner, "{policy:?}");
        let history = world.engine().history(&dafater_contactsd::execute::HistoryFilter::default()).unwrap();
        let said: Vec<&str> =
            history.iter().flat_map(|view| &view.changes).map(|change| change.before.as_str()).collect();
        let loser = if winner == "Google's" { "Dafater's" } else { "Google's" };
        assert!(said.contains(&loser), "{policy:?}: {said:?}");
        assert_eq!(writes(&world.settle().await), 0, "{policy:?}");
    }
}

#[tokio::test]
async fn the_newer_edit_wins_by_its_own_sides_clock() {
    let (mut world, resource, name) = linked().await;
    world.edit_contact(&name, json!({ "designation": "earlier" }));
    world.edit_person(&resource, json!({ "organizations": [{ "title": "later" }] }));
    world.settle().await;
    assert_eq!(world.contact("Ada")["designation"], "later");
}

#[tokio::test]
async fn under_manual_a_conflict_waits_and_the_rest_of_the_contact_goes() {
    for side in [Side::Google, Side::Dafater] {
        let (mut world, resource, name) = linked_under(ConflictPolicy::Manual).await;
        world.edit_person(&resource, json!({ "organizations": [{ "title": "Google's" }] }));
        world.edit_contact(&name, json!({ "designation": "Dafater's", "department": "Engines" }));
        let report = world.settle().await;
        assert_eq!(report.conflicts, 1, "{report:?}");
        assert_eq!(world.person("Ada")["organizations"][0]["title"], "Google's");
        assert_eq!(world.person("Ada")["organizations"][0]["department"], "Engines");
        assert_eq!(writes(&world.settle().await), 0);
        let conflict = world.engine().conflicts().unwrap().remove(0);
        assert_eq!(
            (conflict.google_value.as_str(), conflict.dafater_value.as_str()),
            ("Google's", "Dafater's")
        );

        world.engine().resolve(&conflict.id, side).await.unwrap();
        let report = world.settle().await;
        assert_eq!((report.conflicts, writes(&report)), (0, 1), "{report:?}");
        let winner = if side == Side::Google { "Google's" } else { "Dafater's" };
        assert_eq!(world.person("Ada")["organizations"][0]["title"], winner);
        assert_eq!(world.contact("Ada")["designation"], winner);
        assert_eq!(writes(&world.settle().await), 0);
    }
}

#[tokio::test]
async fn a_decision_about_a_conflict_survives_a_write_that_fails() {
    let (mut world, resource, name) = linked_under(ConflictPolicy::Manual).await;
    world.edit_person(&resource, json!({ "organizations": [{ "title": "Google's" }] }));
    world.edit_contact(&name, json!({ "designation": "Dafater's" }));
    world.settle().await;
    let conflict = world.engine().conflicts().unwrap().remove(0);
    world.engine().resolve(&conflict.id, Side::Google).await.unwrap();
    let refusal = r#"{"exc_type":"ValidationError"}"#;
    world.site_weather(crate::world::once(
        "PUT ",
        crate::world::Strike::Answer(417, "application/json", refusal),
    ));
    world.sync().await;
    world.converge().await;
    assert_eq!(world.contact("Ada")["designation"], "Google's");
    assert_eq!(world.engine().conflicts().unwrap(), []);
}

#[tokio::test]
async fn an_edit_that_settles_a_conflict_by_itself_closes_it() {
    let (mut world, resource, name) = linked_under(ConflictPolicy::Manual).await;
    world.edit_person(&resource, json!({ "organizations": [{ "title": "Google's" }] }));
    world.edit_contact(&name, json!({ "designation": "Dafater's" }));
    assert_eq!(world.settle().await.conflicts, 1);
    world.edit_contact(&name, json!({ "designation": "Google's" }));
    let report = world.settle().await;
    assert_eq!((report.conflicts, writes(&report)), (0, 0), "{report:?}");
}

#[tokio::test]
async fn pull_only_writes_nothing_to_google_and_push_only_nothing_to_dafater() {
    for pull in [true, false] {
        let (mut world, resource, name) = linked().await;
        world.settings.policy.pull = pull;
        world.settings.policy.push = !pull;
        world.google().reset_counters();
        world.site().reset_counters();
        world.edit_contact(&name, json!({ "designation": "Countess", "email_ids": [] }));
        world.edit_person(&resource, json!({ "names": [{ "givenName": "Ada", "familyName": "Byron" }] }));
        world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
        world.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
        world.converge().await;
        if pull {
            assert_eq!(
                format!("{:?}", world.google().writes(crate::world::EMAIL).unwrap()),
                format!("{:?}", dafater_contactsd::sandbox::google::Writes::default())
            );
            assert_eq!(world.contacts().len(), 3);
        } else {
            assert_eq!(world.site().write_count(), 0);
            assert_eq!(world.persons().len(), 3);
        }
        // Turned on again, what waited goes across, and nothing is doubled.
        world.settings.policy.pull = true;
        world.settings.policy.push = true;
        world.converge().await;
        assert_eq!(
            world.lines(),
            [
                "Ada Byron Countess +966501234567",
                "Alan Turing alan@example.com",
                "Grace Hopper grace@example.com"
            ],
            "pull = {pull}"
        );
    }
}

#[tokio::test]
async fn a_direction_that_is_on_again_waits_for_google_to_show_its_present_state() {
    let mut world = World::with(|settings| settings.policy.pull = false);
    let delay = SignedDuration::from_mins(8);
    world.google().options_mut().list_delay = delay;
    world.google().options_mut().get_delay = delay;
    let mut ada = person("Ada", "Lovelace", "ada@example.com", "");
    ada["organizations"] = json!([{ "name": "Analytical" }]);
    world.add_person(ada);
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.clock.advance(delay);
    world.sync().await;
    assert_eq!(world.contact("Ada")["company_name"], Value::Null, "{}", world.picture());
    world.settings.policy.pull = true;
    // The first two still see what was there before.
    for minutes in [1, 2, 5] {
        world.sync_after(SignedDuration::from_mins(minutes)).await;
    }
    world.converge().await;
    assert_eq!(world.lines(), ["Ada Lovelace Analytical Countess ada@example.com"]);
}

#[tokio::test]
async fn with_both_directions_off_nothing_is_asked_at_all() {
    let (mut world, _, name) = linked().await;
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.settings.policy.pull = false;
    world.settings.policy.push = false;
    let report = world.sync().await;
    assert_eq!(report.outcome, dafater_contactsd::execute::Outcome::Skipped);
    assert_eq!((report.requests.google, report.requests.dafater), (0, 0));
}

#[tokio::test]
async fn what_is_not_mapped_stays_byte_equal_on_both_sides() {
    let mut world = World::new();
    let group = {
        let now = world.tick();
        world.google().add_group(crate::world::EMAIL, "Friends of Babbage", now).unwrap()
    };
    let resource = world.add_person(json!({
        "names": [{ "givenName": "Ada", "familyName": "Lovelace", "phoneticGivenName": "Ey-da" }],
        "emailAddresses": [
            { "value": "ada@example.com", "type": "Castle", "displayName": "Ada L." },
            { "value": "second@example.com", "type": "home" },
        ],
        "phoneNumbers": [{ "value": "050 123 4567", "type": "workFax" }],
        "organizations": [
            { "name": "Analytical", "title": "Countess", "jobDescription": "notes", "type": "work" },
            { "name": "Royal Society", "title": "guest", "type": "school" },
        ],
        "birthdays": [{ "date": { "year": 1815, "month": 12, "day": 10 } }],
        "biographies": [{ "value": "wrote the first program" }],
        "addresses": [{ "streetAddress": "12 St James's Square", "type": "home" }],
        "userDefined": [{ "key": "shoe", "value": "36" }],
        "clientData": [{ "key": "someone-else", "value": "theirs" }],
        "memberships": [
            { "contactGroupMembership": { "contactGroupResourceName": "contactGroups/myContacts" } },
            { "contactGroupMembership": { "contactGroupResourceName": group } },
        ],
    }));
    world.settle().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_contact(
        &name,
        json!({ "gender": "Female", "status": "Replied", "unsubscribed": 1, "address": null }),
    );
    world.settle().await;
    let unmapped = |person: &Value| -> Value {
        let mut rest = person.clone();
        let rest_map = rest.as_object_mut().unwrap();
        for key in ["etag", "metadata"] {
            rest_map.remove(key);
        }
        rest_map["names"][0].as_object_mut().unwrap().retain(|key, _| key.starts_with("phonetic"));
        rest_map["organizations"][0].as_object_mut().unwrap().retain(|key, _| key != "title");
        rest
    };
    let before = unmapped(&world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap());
    world.edit_contact(&name, json!({ "designation": "Lady", "middle_name": "King" }));
    world.settle().await;
    let after = world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap();
    assert_eq!(unmapped(&after), before);
    assert_eq!(after["organizations"][0]["title"], "Lady");

    let before = world.site().contact(&name).unwrap();
    world.edit_person(
        &resource,
        json!({ "emailAddresses": [
            { "value": "ada@example.com", "type": "Castle", "displayName": "Ada L." },
            { "value": "second@example.com", "type": "home" },
            { "value": "third@example.com" },
        ] }),
    );
    world.settle().await;
    let after = world.site().contact(&name).unwrap();
    for (key, value) in before.as_object().unwrap() {
        let is_expected = ["email_ids", "modified", "modified_by"].contains(&key.as_str());
        // The site stamps every row with its parent's; the rows of a table that was not sent stay themselves.
        let stamped = |value: &Value| {
            let names = |rows: &Vec<Value>| rows.iter().map(|row| row["name"].clone()).collect::<Vec<_>>();
            value.as_array().map_or_else(|| value.clone(), |rows| json!(names(rows)))
        };
        assert!(
            is_expected || stamped(&after[key]) == stamped(value),
            "{key}: {value} became {}",
            after[key]
        );
    }
    assert_eq!(after["email_ids"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_value_that_dafater_cannot_hold_stays_where_it_is_and_the_rest_goes() {
    let mut world = World::new();
    let long = "x".repeat(100);
    let resource = world.add_person(json!({
        "names": [{ "givenName": long, "middleName": long, "familyName": "Lovelace", "honorificSuffix": "PhD" }],
        "emailAddresses": [{ "value": "ada@exämple.com" }, { "value": "ada@example.com" }],
        "phoneNumbers": [{ "value": "call 1-800-ENGINE now please" }, { "value": "\u{202A}٠٥٠١٢٣٤٥٦٧\u{202C}" }],
        "organizations": [{ "name": "y".repeat(141), "title": "Countess" }],
    }));
    let report = world.settle().await;
    assert_eq!((report.parked, report.dafater.created), (0, 1), "{report:?}");
    let ada = world.contacts().remove(0);
    assert_eq!(ada["first_name"], long);
    assert_eq!(ada["middle_name"], Value::Null, "the three together would be too long");
    assert_eq!(ada["last_name"], "Lovelace");
    assert_eq!(ada["company_name"], Value::Null);
    assert_eq!(ada["designation"], "Countess");
    assert_eq!(ada["email_ids"].as_array().unwrap().len(), 1);
    assert_eq!(ada["phone_nos"].as_array().unwrap().len(), 1);
    assert_eq!(ada["phone_nos"][0]["phone"], "0501234567");
    for _ in 0..2 {
        assert_eq!(writes(&world.settle().await), 0);
    }
    // A later edit in Dafater leaves in Google what Dafater could not hold.
    let name = ada["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "last_name": "Byron", "department": "Engines" }));
    world.settle().await;
    let ada = world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap();
    assert_eq!(ada["names"][0]["middleName"], long);
    assert_eq!(ada["names"][0]["honorificSuffix"], "PhD");
    assert_eq!(ada["names"][0]["familyName"], "Byron");
    assert_eq!(ada["emailAddresses"].as_array().unwrap().len(), 2);
    assert_eq!(ada["organizations"][0]["name"], "y".repeat(141));
}

#[tokio::test]
async fn a_name_that_grows_too_long_as_a_whole_does_not_stop_the_rest() {
    let (mut world, resource, name) = linked().await;
    world.edit_person(
        &resource,
        json!({
            "names": [{ "givenName": "Ada", "middleName": "m".repeat(135), "familyName": "Lovelace" }],
            "organizations": [{ "title": "Countess" }],
        }),
    );
    let report = world.settle().await;
    assert_eq!(report.parked, 0, "{report:?}");
    assert_eq!(world.site().contact(&name).unwrap()["designation"], "Countess");
    assert_eq!(world.site().contact(&name).unwrap()["last_name"], "Lovelace");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn two_sides_that_spell_differently_leave_each_other_in_peace() {
    let mut world = World::new();
    world.site().switches.phone_format = dafater_contactsd::sandbox::dafater::PhoneFormat::Grouped;
    world.site().switches.text_format = dafater_contactsd::sandbox::dafater::TextFormat::Collapsed;
    world.settings.policy.mapping = dafater_contactsd::mapping::Mapping::default();
    let resource = world.add_person(json!({
        "names": [{ "givenName": "Ada  Augusta", "familyName": "Lovelace" }],
        "phoneNumbers": [{ "value": "050-123-4567" }, { "value": "011 234 5678" }],
    }));
    world.settle().await;
    assert_eq!(writes(&world.settle().await), 0, "\n{}", world.picture());
    let before = world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap();
    let name = world.contacts().remove(0)["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.settle().await;
    let after = world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap();
    assert_eq!(after["phoneNumbers"], before["phoneNumbers"]);
    // Removing one of them on either side removes just that one on the other.
    world.edit_person(&resource, json!({ "phoneNumbers": [{ "value": "011 234 5678" }] }));
    world.settle().await;
    let phones = world.site().contact(&name).unwrap()["phone_nos"].clone();
    assert_eq!(phones.as_array().unwrap().len(), 1, "{phones}");
    assert_eq!(phones[0]["phone"], "011 234 567 8");
    assert_eq!(writes(&world.settle().await), 0);
}

#[tokio::test]
async fn a_rename_in_dafater_loses_nobody() {
    let (mut world, resource, name) = linked().await;
    for (old, new) in [(name.as_str(), "Second"), ("Second", "Third"), ("Third", "Fourth")] {
        let now = world.tick();
        world.site().rename(old, new, now).unwrap();
        world.edit_contact(new, json!({ "designation": new }));
        let report = world.settle().await;
        assert_eq!(
            (report.google.updated, writes(&report)),
            (1, 1),
            "{new}: {report:?}\n{}",
            world.picture()
        );
        assert_eq!(world.person("Ada")["organizations"][0]["title"], new);
    }
    // A rename alone is noticed when Google's half must go across.
    let now = world.tick();
    world.site().rename("Fourth", "Fifth", now).unwrap();
    world.edit_person(&resource, json!({ "organizations": [{ "title": "Duchess" }] }));
    world.settle().await;
    assert_eq!(world.site().contact("Fifth").unwrap()["designation"], "Duchess");
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 1));
}

#[tokio::test]
async fn a_name_that_was_freed_by_a_rename_may_be_taken_by_somebody_else() {
    let (mut world, _, name) = linked().await;
    let now = world.tick();
    world.site().rename(&name, "Countess", now).unwrap();
    world.add_contact(contact("Ada", "Lovelace", "other@example.com", "+966509999999"));
    world.settle().await;
    world.edit_contact("Countess", json!({ "middle_name": "King" }));
    world.converge().await;
    assert_eq!(world.persons().len(), 2, "\n{}", world.picture());
    assert_eq!(world.person("Ada King")["emailAddresses"][0]["value"], "ada@example.com");
}

#[tokio::test]
async fn a_contact_that_is_linked_to_a_profile_keeps_its_counterpart() {
    let (mut world, resource, name) = linked().await;
    let now = world.tick();
    let renamed = world.google().rename(crate::world::EMAIL, &resource, now).unwrap();
    world.settle().await;
    world.edit_person(&renamed, json!({ "organizations": [{ "title": "Countess" }] }));
    world.settle().await;
    assert_eq!(world.site().contact(&name).unwrap()["designation"], "Countess");
    world.edit_contact(&name, json!({ "designation": "Lady" }));
    world.settle().await;
    assert_eq!(world.person("Ada")["organizations"][0]["title"], "Lady");
}

#[tokio::test]
async fn our_own_writes_come_back_late_and_are_no_news() {
    let (mut world, resource, name) = linked().await;
    world.google().options_mut().list_delay = jiff::SignedDuration::from_mins(7);
    for title in ["one", "two", "three"] {
        world.edit_contact(&name, json!({ "designation": title }));
        world.settle().await;
        assert_eq!(
            world.google().person(crate::world::EMAIL, &resource).unwrap().unwrap()["organizations"][0]["title"],
            title
        );
    }
    for _ in 0..4 {
        assert_eq!(writes(&world.settle().await), 0, "\n{}", world.picture());
    }
    assert_eq!(world.contact("Ada")["designation"], "three");
}

#[tokio::test]
async fn a_contact_of_an_unusual_size_stops_nobody() {
    let (mut world, resource, name) = linked().await;
    let emails: Vec<Value> =
        (0..90).map(|n| json!({ "value": format!("{}{n}@example.com", "a".repeat(120)) })).collect();
    let notes = "n".repeat(39_000);
    world.edit_person(&resource, json!({ "emailAddresses": emails, "biographies": [{ "value": notes }] }));
    world.add_person(person("Alan", "Turing", "alan@example.com", ""));
    world.settle().await;
    world.edit_contact(&name, json!({ "designation": "Countess", "email_ids": [] }));
    world.settle().await;
    assert_eq!(world.person("Ada")["organizations"][0]["title"], "Countess");
    assert_eq!(world.contacts().len(), 2);
    assert_eq!(writes(&world.settle().await), 0);
}

/// The second write, which would have taken the place of the one in doubt, was refused; what went the other way beside it was agreed on.
#[tokio::test]
async fn what_is_taken_away_after_a_refused_write_and_one_in_doubt_does_not_come_back() {
    let refused = || {
        let refusal = r#"{"error":{"code":400,"message":"Request person.metadata.sources.etag is different than the current person.metadata.sources.etag. Clear local cache and get the latest person.","status":"FAILED_PRECONDITION"}}"#;
        Strike::Answer(400, "application/json", refusal)
    };
    let mut world = World::new();
    let resource = world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.converge().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.google_weather(once(":updateContact", Strike::LoseRequest));
    world.sync().await;
    let email = |address: &str| json!({ "value": address, "type": "work" });
    let both = [email("ada@example.com"), email("second@example.com")];
    world.edit_person(&resource, json!({ "emailAddresses": both }));
    world.google_weather(once(":updateContact", refused()));
    let minute = SignedDuration::from_mins(1);
    assert_eq!(world.sync_after(minute).await.dafater.updated, 1);
    world.calm();
    world.edit_person(&resource, json!({ "emailAddresses": [email("ada@example.com")] }));
    world.sync_after(minute).await;
    world.converge().await;
    assert_eq!(world.contact("Ada")["email_ids"].as_array().unwrap().len(), 1, "{}", world.picture());
    assert_eq!(world.person("Ada")["emailAddresses"].as_array().unwrap().len(), 1);
}
