use super::*;

const UPD: &str = "/api/resource/Contact/Upd";

/// A contact with two addresses and two numbers.
fn updatable() -> World {
    let mut world = World::new();
    world.create(json!({
        "first_name": "Upd", "company_name": "Co",
        "email_ids": [{"email_id": "u1@x.example", "is_primary": 1}, {"email_id": "u2@x.example"}],
        "phone_nos": [{"phone": "+1 1", "is_primary_phone": 1}, {"phone": "+2 2", "is_primary_mobile_no": 1}],
    }));
    world
}

#[test]
fn an_update_is_partial_and_always_moves_modified() {
    let mut world = updatable();
    // Recorded: 402 to 407.
    let changed = world.put(UPD, json!({"last_name": "Changed"}));
    assert_eq!(changed.data()["full_name"], "Upd Changed");
    assert_eq!(changed.data()["email_ids"].as_array().unwrap().len(), 2);
    let stamps = |answer: &Answer| (answer.data()["creation"].clone(), answer.data()["modified"].clone());
    let (creation, modified) = stamps(&changed);
    let again = world.put(UPD, json!({}));
    assert_eq!(stamps(&again).0, creation);
    assert_ne!(stamps(&again).1, modified);
    assert_eq!(again.data()["phone_nos"][1]["modified"], again.data()["modified"]);
    let cleared = world.put(UPD, json!({"company_name": null, "last_name": ""}));
    assert!(cleared.data().get("company_name").is_none());
    assert_eq!(cleared.data()["last_name"], "");
    assert_eq!(cleared.name(), "Upd");
}

#[test]
fn a_table_that_is_sent_is_replaced_whole() {
    let mut world = updatable();
    // Recorded: 409 to 413, 419.
    let before = world.get(UPD).data()["email_ids"][0]["name"].clone();
    let after = world.put(UPD, json!({"email_ids": [{"email_id": "u1@x.example"}]}));
    assert_ne!(after.data()["email_ids"][0]["name"], before);
    assert_eq!(after.data()["email_ids"][0]["creation"], after.data()["creation"]);
    let row = world.get(UPD).data()["phone_nos"][0]["name"].clone();
    world.put(UPD, json!({"phone_nos": [{"name": row}]})).is(417, "MandatoryError");
    assert_eq!(world.put(UPD, json!({"phone_nos": []})).data()["phone"], "");
    assert_eq!(world.put(UPD, json!({"email_ids": null})).data()["email_id"], "");
    world.put(UPD, json!({"email_ids": [{"email_id": "i2@x.example", "idx": 2}, {"email_id": "i1@x.example", "idx": 1}]}));
    assert_eq!(world.get(UPD).data()["email_ids"][0]["email_id"], "i1@x.example");
}

#[test]
fn a_stale_row_name_is_echoed_but_not_stored() {
    let mut world = updatable();
    // Recorded: 414 and 415.
    let rows = json!([{"name": "zzzzzzzzzz", "email_id": "zz@x.example", "is_primary": 1}]);
    let echoed = world.put(UPD, json!({"email_ids": rows}));
    assert_eq!(echoed.data()["email_ids"][0]["email_id"], "zz@x.example");
    let stored = world.get(UPD);
    assert_eq!(stored.data()["email_ids"], json!([]));
    assert_eq!(stored.data()["email_id"], "zz@x.example");
}

#[test]
fn another_contacts_row_is_stolen_without_moving_that_contact() {
    let mut world = updatable();
    // Recorded: 416 to 418.
    let victim = world.create(json!({"first_name": "Victim", "email_ids": [{"email_id": "v@x.example"}]}));
    let row = victim.data()["email_ids"][0]["name"].clone();
    let modified = world.get("/api/resource/Contact/Victim").data()["modified"].clone();
    world.put(UPD, json!({"email_ids": [{"name": row, "email_id": "stolen@x.example"}]}));
    assert_eq!(world.get(UPD).data()["email_ids"][0]["email_id"], "stolen@x.example");
    let robbed = world.get("/api/resource/Contact/Victim");
    assert_eq!(robbed.data()["email_ids"], json!([]));
    assert_eq!(robbed.data()["email_id"], "v@x.example");
    assert_eq!(robbed.data()["modified"], modified);
}

#[test]
fn the_lock_must_be_sent_exactly_as_read() {
    let mut world = updatable();
    world.site.poison("Upd", json!({"modified": "2026-11-22 11:38:19.254663"}));
    // Recorded: 430 to 434.
    let lock = |lock: Value| json!({"designation": "D", "modified": lock});
    for stale in [
        json!("2026-11-22 11:38:19"),
        json!("2026-11-22T11:38:19.254663"),
        json!("2020-01-01 00:00:00"),
        Value::Null,
    ] {
        let refused = world.put(UPD, lock(stale));
        refused.is(417, "TimestampMismatchError");
        assert!(
            refused.body["exception"]
                .as_str()
                .unwrap()
                .contains("(2026-11-22 11:38:19.254663, 2026-11-22 11:00:")
        );
    }
    assert_eq!(world.put(UPD, lock("2026-11-22 11:38:19.254663".into())).status, 200);
    assert_eq!(world.put(UPD, json!({"designation": "no lock"})).status, 200);
}

#[test]
fn a_whole_second_is_echoed_with_six_zeros_that_the_next_lock_must_not_have() {
    let mut world = updatable();
    let echoed = world.put(UPD, json!({})).data()["modified"].as_str().unwrap().to_owned();
    let read = echoed.strip_suffix(".000000").unwrap();
    assert_eq!(world.get(UPD).data()["modified"], read);
    world.put(UPD, json!({"modified": echoed})).is(417, "TimestampMismatchError");
    assert_eq!(world.put(UPD, json!({"modified": read})).status, 200);
}

#[test]
fn a_name_in_the_body_aims_at_another_contact() {
    let mut world = updatable();
    let other = world.create(json!({"first_name": "Other", "designation": "kept"}));
    let (creation, modified) = (
        other.data()["creation"].clone(),
        world.get("/api/resource/Contact/Other").data()["modified"].clone(),
    );
    // Recorded: 443, 460 to 463.
    world.put(UPD, json!({"name": "Nobody"})).is(404, "DoesNotExistError");
    world.put(UPD, json!({"name": "Other"})).is(417, "TimestampMismatchError");
    let hijacked = world.put(UPD, json!({"name": "Other", "modified": modified, "creation": creation}));
    assert_eq!((hijacked.name(), &hijacked.data()["first_name"]), ("Other", &json!("Upd")));
    assert_eq!(world.get("/api/resource/Contact/Other").data()["email_ids"].as_array().unwrap().len(), 2);
    assert_eq!(world.get(UPD).data()["email_ids"], json!([]));
}

#[test]
fn constants_cannot_be_changed() {
    let mut world = updatable();
    // Recorded: 447.
    let refused = world.put(UPD, json!({"owner": "Administrator", "creation": "2001-01-01 00:00:00"}));
    refused.is(417, "CannotChangeConstantError");
    assert_eq!(refused.notices()[0]["message"], "Value cannot be changed for <strong>Created On</strong>");
}

#[test]
fn client_save_replaces_the_whole_document() {
    let mut world = updatable();
    let stored = world.get(UPD).data().clone();
    let save =
        |world: &mut World, doc: Value| world.post("/api/method/frappe.client.save", json!({"doc": doc}));
    // Recorded: 436 to 438.
    save(&mut world, json!({"doctype": "Contact", "name": "Upd"})).is(417, "TimestampMismatchError");
    save(&mut world, json!({"doctype": "Contact", "name": "Upd", "modified": stored["modified"]}))
        .is(417, "CannotChangeConstantError");
    let (creation, modified) = (&stored["creation"], &stored["modified"]);
    let doc = json!({"doctype": "Contact", "name": "Upd", "creation": creation, "modified": modified, "first_name": "Left"});
    let saved = save(&mut world, doc);
    assert_eq!(saved.status, 200);
    assert!(saved.body["message"]["company_name"].is_null());
    assert_eq!(saved.body["message"]["phone_nos"], json!([]));
}

#[test]
fn a_poisoned_contact_refuses_every_save() {
    // Recorded: 1310, 1311, 1313 to 1315.
    for (poison, exc_type) in [
        (json!({"phone_nos": [{"phone": "call me"}]}), "InvalidPhoneNumberError"),
        (json!({"email_ids": [{"email_id": "not-mail", "is_primary": 1}]}), "InvalidEmailAddressError"),
        (json!({"gender": "Gone"}), "LinkValidationError"),
        (
            json!({"email_ids": [{"email_id": "a@x.example", "is_primary": 1}, {"email_id": "b@x.example", "is_primary": 1}]}),
            "ValidationError",
        ),
        (json!({"sync_with_google_contacts": 1, "google_contacts": "GC-gone@x"}), "LinkValidationError"),
    ] {
        let mut world = updatable();
        world.site.poison("Upd", poison);
        world.put(UPD, json!({"designation": "x"})).is(417, exc_type);
    }
}

#[test]
fn a_new_mandatory_field_refuses_old_contacts_too() {
    let mut world = updatable();
    // Recorded: 1150 and 1151.
    world.site.add_custom_field("custom_region", "Region", false, true);
    let refused = world.put(UPD, json!({"designation": "z"}));
    refused.is(417, "MandatoryError");
    assert_eq!(
        refused.notices()[0],
        json!({"message": "Error: Value missing for Contact: Region", "title": "Message"})
    );
    world.site.remove_custom_field("custom_region");
    assert_eq!(world.put(UPD, json!({"designation": "z"})).status, 200);
}

#[test]
fn a_row_can_be_changed_through_its_own_name_and_added_through_its_parent() {
    let mut world = updatable();
    let row = world.get(UPD).data()["email_ids"][1]["name"].as_str().unwrap().to_owned();
    // Recorded: 455 to 459.
    let changed =
        world.put(&format!("/api/resource/Contact%20Email/{row}"), json!({"email_id": "via@x.example"}));
    assert_eq!(changed.data()["email_id"], "via@x.example");
    let added = json!({"doctype": "Contact Email", "parent": "Upd", "parenttype": "Contact", "parentfield": "email_ids", "email_id": "new@x.example"});
    let parent = world.post("/api/method/frappe.client.insert", json!({"doc": added}));
    assert_eq!(parent.body["message"]["email_ids"][2]["email_id"], "new@x.example");
    world.post("/api/method/frappe.client.delete", json!({"doctype": "Contact Email", "name": row}));
    assert_eq!(world.get(UPD).data()["email_ids"].as_array().unwrap().len(), 2);
}

#[test]
fn a_json_body_hides_the_query() {
    let mut world = updatable();
    // Recorded: 464.
    let saved = world.put("/api/resource/Contact/Upd?designation=q", json!({"department": "b"}));
    assert!(saved.data().get("designation").is_none());
}
