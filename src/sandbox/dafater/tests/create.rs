use super::*;

#[test]
fn a_contact_is_named_after_the_person_and_the_first_link() {
    let mut world = World::new();
    world.site.insert_into("Customer", json!({"customer_name": "Acme Trading"}), world.now).unwrap();
    // Recorded: 201 and 204.
    let links = json!([{"link_doctype": "Customer", "link_name": "acme trading"}]);
    let body = json!({"first_name": "Layla", "middle_name": "bint", "last_name": "Haddad", "links": links});
    let first = world.create(body.clone());
    assert_eq!(first.status, 200);
    assert_eq!(first.name(), "Layla bint Haddad-Acme Trading");
    assert_eq!(first.data()["links"][0]["link_name"], "Acme Trading");
    assert_eq!(first.data()["links"][0]["link_title"], "Acme Trading");
    assert_eq!(first.data()["links"][0]["__unsaved"], 1);
    assert_eq!(world.create(body).name(), "Layla bint Haddad-Acme Trading-1");
}

#[test]
fn without_a_person_the_company_names_it_and_without_both_nobody_does() {
    let mut world = World::new();
    assert_eq!(world.create(json!({"company_name": "Company Only LLC"})).name(), "Company Only LLC");
    // Recorded: 205. The answer leaves nulls out.
    let empty = world.create(json!({}));
    assert_eq!(empty.name().len(), 10);
    assert_eq!(empty.data()["full_name"], "");
    assert!(empty.data().get("first_name").is_none());
}

#[test]
fn what_a_client_must_not_set_is_ignored_or_derived() {
    let mut world = World::new();
    // Recorded: 234 and 237.
    let made = world.create(json!({
        "name": "MY-OWN", "__newname": "X", "owner": "Administrator", "creation": "2001-01-01 00:00:00",
        "first_name": "RO", "full_name": "Forged", "email_id": "ro@x.example", "phone": "555",
        "google_contacts_id": "people/c123", "pulled_from_google_contacts": true, "no_such_field": "zzz",
    }));
    let data = made.data();
    assert_eq!(
        (made.name(), &data["owner"], &data["full_name"]),
        ("RO", &json!("sync@dafater.test"), &json!("RO"))
    );
    assert_eq!((&data["email_id"], &data["phone"]), (&json!(""), &json!("")));
    assert_eq!(
        (&data["google_contacts_id"], &data["pulled_from_google_contacts"]),
        (&json!("people/c123"), &json!(1))
    );
    assert!(data.get("no_such_field").is_none());
}

#[test]
fn the_collation_makes_some_names_impossible() {
    let mut world = World::new();
    // Recorded: 361 to 363.
    assert_eq!(world.create(json!({"first_name": "Jose"})).name(), "Jose");
    assert_eq!(world.create(json!({"first_name": "José"})).name(), "José-1");
    let refused = world.create(json!({"first_name": "jose"}));
    refused.is(409, "DuplicateEntryError");
    assert_eq!(
        refused.body["exception"],
        "frappe.exceptions.DuplicateEntryError: ('Contact', 'jose-1', IntegrityError(1062, \"Duplicate entry 'jose-1' for key 'PRIMARY'\"))"
    );
    assert_eq!(refused.notices()[0]["title"], "Duplicate Name");
    // Recorded: 240, 364: all emoji are equal, but the number goes on.
    world.create(json!({"first_name": "ليلى 😀"}));
    assert_eq!(world.create(json!({"first_name": "ليلى 😁"})).name(), "ليلى 😁-1");
    // Case alone is seen by the numbering too.
    world.create(json!({"first_name": "Omar"}));
    world.create(json!({"first_name": "Omar"}));
    assert_eq!(world.create(json!({"first_name": "OMAR"})).name(), "OMAR-2");
}

#[test]
fn some_names_are_refused() {
    let mut world = World::new();
    for name in ["a<b", "New Contact 1", "Contact"] {
        world.create(json!({"first_name": name})).is(409, "NameError");
    }
}

#[test]
fn a_number_can_make_a_name_too_long_and_blanks_can_make_it_taken() {
    let mut world = World::new();
    world.create(json!({"first_name": "x".repeat(140)}));
    world.create(json!({"first_name": "x".repeat(140)})).is(500, "DataError");
    // The name is looked for as it is, and stored without the blanks around it.
    assert_eq!(world.create(json!({"company_name": " lead "})).name(), "lead");
    world.create(json!({"company_name": " lead"})).is(409, "DuplicateEntryError");
}

#[test]
fn after_a_contact_whose_name_is_invisible_the_nameless_are_numbered() {
    let mut world = World::new();
    assert_eq!(world.create(json!({})).name().len(), 10);
    world.create(json!({"company_name": "\u{200b}"}));
    assert_eq!(world.create(json!({})).name(), "-1");
    assert_eq!(world.create(json!({})).name(), "-2");
}

#[test]
fn an_address_that_is_all_brackets_counts_as_missing() {
    let mut world = World::new();
    let rows = json!([{"email_id": "<a@b.example>"}]);
    world.create(json!({"first_name": "X", "email_ids": rows})).is(417, "MandatoryError");
}

#[test]
fn a_lone_email_is_primary_and_two_primaries_are_refused() {
    let mut world = World::new();
    // Recorded: 211, 212, 255.
    let one = world.create(json!({"first_name": "One", "email_ids": [{"email_id": " o1@b.example "}]}));
    assert_eq!(one.data()["email_ids"][0]["is_primary"], 1);
    assert_eq!(one.data()["email_ids"][0]["email_id"], " o1@b.example ");
    assert_eq!(one.data()["email_id"], "o1@b.example");
    let several = json!([{"email_id": "n1@b.example"}, {"email_id": "n2@b.example"}]);
    assert_eq!(world.create(json!({"first_name": "No", "email_ids": several})).data()["email_id"], "");
    // Recorded: 210, 213, 214.
    let mails =
        json!([{"email_id": "a1@b.example", "is_primary": 1}, {"email_id": "a2@b.example", "is_primary": 1}]);
    let refused = world.create(json!({"first_name": "Two", "email_ids": mails}));
    refused.is(417, "ValidationError");
    assert_eq!(refused.notices()[0]["message"], "Only one <strong>Email ID</strong> can be set as primary.");
    for flag in ["is_primary_phone", "is_primary_mobile_no"] {
        let phones = json!([{"phone": "111", flag: 1}, {"phone": "222", flag: 1}]);
        world.create(json!({"first_name": "Two", "phone_nos": phones})).is(417, "ValidationError");
    }
}

#[test]
fn bad_values_are_refused_with_their_own_class() {
    let mut world = World::new();
    let email = |email: &str| json!({"first_name": "X", "email_ids": [{"email_id": email, "is_primary": 1}]});
    let phone =
        |phone: Value| json!({"first_name": "X", "phone_nos": [{"phone": phone, "is_primary_phone": 1}]});
    for (body, status, exc_type) in [
        (email("not an email"), 417, "InvalidEmailAddressError"),
        (email("用户@例え.jp"), 417, "InvalidEmailAddressError"),
        (email(&format!("{}@example.example", "e".repeat(140))), 417, "CharacterLengthExceededError"),
        (phone("+1 415 555 0000 ext. 12".into()), 417, "InvalidPhoneNumberError"),
        (phone("".into()), 417, "MandatoryError"),
        (phone(5_551_234.into()), 500, "AttributeError"),
        (json!({"first_name": "L".repeat(141)}), 417, "CharacterLengthExceededError"),
        (
            json!({"first_name": "L".repeat(100), "last_name": "M".repeat(100)}),
            417,
            "CharacterLengthExceededError",
        ),
        (json!({"first_name": "X", "gender": "Martian"}), 417, "LinkValidationError"),
        (json!({"first_name": "X", "salutation": "Lord"}), 417, "LinkValidationError"),
        (json!({"first_name": "X", "status": "Zombie"}), 417, "ValidationError"),
        (
            json!({"first_name": "X", "links": [{"link_doctype": "Customer", "link_name": "No"}]}),
            417,
            "LinkValidationError",
        ),
        (
            json!({"first_name": "X", "links": [{"link_doctype": "Nope", "link_name": "No"}]}),
            417,
            "ValidationError",
        ),
        (json!({"first_name": "X", "sync_with_google_contacts": 1}), 417, "ValidationError"),
        (json!({"first_name": "X", "email_ids": {"email_id": "x@x.example"}}), 500, "TypeError"),
        (json!({"first_name": "X", "email_ids": [null]}), 500, "AttributeError"),
        (json!([{"first_name": "X"}]), 500, "TypeError"),
        ("{\"first_name\": ".into(), 500, "JSONDecodeError"),
    ] {
        let told = body.to_string();
        let answer = world.create(body);
        assert_eq!((answer.status, answer.body["exc_type"].as_str().unwrap()), (status, exc_type), "{told}");
    }
    assert_eq!(world.site.contact_count(), 0);
}

#[test]
fn html_is_sanitized_and_nulls_are_shown_by_client_methods() {
    let mut world = World::new();
    // Recorded: 268.
    let made = world.post(
        "/api/method/frappe.client.insert",
        json!({"doc": {
            "doctype": "Contact", "first_name": "Tom & Jerry", "last_name": "O'Neil",
            "designation": "<b>Chief</b> <script>alert(1)</script>", "company_name": "R&D < Co",
        }}),
    );
    let doc = &made.body["message"];
    assert_eq!(doc["name"], "Tom & Jerry O'Neil");
    assert_eq!(doc["designation"], "<b>Chief</b> &lt;script&gt;alert(1)&lt;/script&gt;");
    assert_eq!(doc["company_name"], "R&D < Co");
    assert!(doc["middle_name"].is_null() && doc.get("middle_name").is_some());
}

#[test]
fn doubled_links_are_written_anew_without_titles() {
    let mut world = World::new();
    world.site.insert_into("Customer", json!({"customer_name": "Acme"}), world.now).unwrap();
    let link = json!({"link_doctype": "Customer", "link_name": "Acme"});
    // Recorded: 244.
    let made = world.create(json!({"first_name": "Dup", "links": [link, link]}));
    let links = made.data()["links"].as_array().unwrap();
    assert_eq!(links.len(), 1);
    assert!(links[0].get("link_title").is_none() && links[0].get("__unsaved").is_none());
    assert_ne!(links[0]["modified"], made.data()["modified"]);
}

#[test]
fn a_unique_custom_field_refuses_the_second_create_but_not_blank_ones() {
    let mut world = World::new();
    // Recorded: 1110 to 1117.
    world.site.add_custom_field("custom_sync_key", "Sync Key", true, false);
    assert_eq!(world.create(json!({"first_name": "Idem", "custom_sync_key": "uuid-1"})).status, 200);
    let again = world.create(json!({"first_name": "Idem", "custom_sync_key": "uuid-1"}));
    again.is(417, "UniqueValidationError");
    assert_eq!(again.notices()[0], json!({"message": "Sync Key must be unique", "title": "Message"}));
    assert_eq!(world.create(json!({"first_name": "Blank", "custom_sync_key": ""})).status, 200);
    let blank = world.create(json!({"first_name": "Blank", "custom_sync_key": ""}));
    assert!(blank.data().get("custom_sync_key").is_none());
    let name = blank.name().to_owned();
    world
        .put(&format!("/api/resource/Contact/{name}"), json!({"custom_sync_key": "uuid-1"}))
        .is(417, "UniqueValidationError");
    let found = world.names(json!({"filters": [["custom_sync_key", "=", "uuid-1"]]}));
    assert_eq!(found, ["Idem"]);
}

#[test]
fn insert_many_is_atomic_and_bounded() {
    let mut world = World::new();
    let doc =
        |name: String, gender: Value| json!({"doctype": "Contact", "first_name": name, "gender": gender});
    // Recorded: 601 to 603.
    let good: Vec<_> = (0..3).map(|n| doc(format!("Bulk{n}"), Value::Null)).collect();
    let made = world.post("/api/method/frappe.client.insert_many", json!({"docs": good}));
    assert_eq!(made.body, json!({"message": ["Bulk0", "Bulk1", "Bulk2"]}));
    let one_bad = json!([doc("A".into(), Value::Null), doc("B".into(), "Martian".into())]);
    world
        .post("/api/method/frappe.client.insert_many", json!({"docs": one_bad}))
        .is(417, "LinkValidationError");
    let many: Vec<_> = (0..201).map(|n| doc(format!("Lim{n}"), Value::Null)).collect();
    world.post("/api/method/frappe.client.insert_many", json!({"docs": many})).is(417, "ValidationError");
    assert_eq!(world.site.contact_count(), 3);
    assert_eq!(world.site.write_count(), 3);
}

#[test]
fn the_built_in_push_breaks_saves_of_flagged_contacts() {
    let mut world = World::new();
    let account = json!({"email_id": "me@gmail.example", "enable": 1});
    world.post("/api/resource/Google%20Contacts", account.clone()).is(417, "ValidationError");
    world.site.enable_google();
    assert_eq!(world.post("/api/resource/Google%20Contacts", account.clone()).name(), "GC-me@gmail.example");
    world.post("/api/resource/Google%20Contacts", account).is(409, "DuplicateEntryError");
    // Recorded: 820 to 823: the link alone is harmless, the flag is not.
    let flagged =
        json!({"first_name": "G", "google_contacts": "GC-me@gmail.example", "sync_with_google_contacts": 1});
    world.create(flagged.clone()).is(500, "ConnectionError");
    let mut pulled = flagged;
    pulled["pulled_from_google_contacts"] = 1.into();
    assert_eq!(world.create(pulled).name(), "G");
    world.put("/api/resource/Contact/G", json!({"designation": "x"})).is(500, "ConnectionError");
    assert!(world.site.contact("G").unwrap()["designation"].is_null());
}

#[test]
fn passwords_are_asterisks_to_all_and_text_to_a_system_manager() {
    let mut world = World::new();
    // Recorded: 803 to 815b.
    let settings = json!({"enable": 1, "client_id": "cid", "client_secret": "VERY-SECRET"});
    let saved = world.put("/api/resource/Google%20Settings/Google%20Settings", settings);
    assert_eq!(
        (&saved.data()["client_id"], &saved.data()["client_secret"]),
        (&json!("cid"), &json!("***********"))
    );
    let account = json!({"email_id": "me@gmail.example", "enable": 1, "refresh_token": "1//token", "next_sync_token": "S"});
    assert_eq!(world.post("/api/resource/Google%20Contacts", account).data()["refresh_token"], "********");
    let path = "/api/resource/Google%20Contacts/GC-me%40gmail.example";
    world.put(path, json!({"refresh_token": "********", "next_sync_token": ""}));
    let password = |field: &str| {
        format!(
            "/api/method/frappe.client.get_password?doctype=Google+Contacts&name=GC-me%40gmail.example&fieldname={field}"
        )
    };
    assert_eq!(world.get(&password("refresh_token")).body["message"], "1//token");
    world.get(&password("next_sync_token")).is(401, "AuthenticationError");
    world.keys = world.site.add_user("sales@dafater.test", &["Sales User"]);
    world.get(&password("refresh_token")).is(403, "PermissionError");
    world.get(path).is(403, "PermissionError");
}
