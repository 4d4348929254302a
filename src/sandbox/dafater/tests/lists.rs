use super::*;

fn three() -> World {
    let mut world = World::new();
    for name in ["Ada", "Bea", "Cem"] {
        let mail = |n| json!({"email_id": format!("tm{n}.{name}@x.example")});
        world.create(json!({"first_name": name, "email_ids": [mail(1), mail(2)]}));
    }
    world
}

#[test]
fn a_page_is_twenty_rows_unless_asked_otherwise() {
    let mut world = World::new();
    for n in 0..25 {
        world.site.insert(json!({"first_name": format!("C{n:02}")}), world.now).unwrap();
    }
    // Recorded: 301, 309 to 313.
    assert_eq!(world.names(json!({})).len(), 20);
    for all in [json!(0), json!("0"), json!("abc"), json!(100_000)] {
        assert_eq!(world.names(json!({"limit_page_length": all})).len(), 25);
    }
    assert_eq!(world.names(json!({"limit": 3, "limit_start": 23})).len(), 2);
    world.list(json!({"limit_page_length": -1})).is(500, "ProgrammingError");
}

#[test]
fn the_keyset_page_is_exact_across_equal_stamps() {
    let mut world = World::new();
    for n in 0..8 {
        world.site.insert(json!({"first_name": format!("Key{n}")}), world.now).unwrap();
        world.site.poison(&format!("Key{n}"), json!({"modified": "2026-11-22 12:30:00"}));
    }
    // Recorded: 1101 and 1102.
    let mut seen = Vec::new();
    let mut last = String::new();
    loop {
        let page = world.list(json!({
            "fields": ["name", "modified"], "filters": [["modified", ">=", "2026-11-22 12:30:00"]],
            "or_filters": [["modified", ">", "2026-11-22 12:30:00"], ["name", ">", last]],
            "order_by": "modified asc, name asc", "limit_page_length": 3,
        }));
        let rows = page.body["message"].as_array().unwrap().clone();
        let Some(row) = rows.last() else { break };
        last = row["name"].as_str().unwrap().to_owned();
        assert_eq!(row["modified"], "2026-11-22 12:30:00");
        seen.extend(rows.iter().map(|row| row["name"].as_str().unwrap().to_owned()));
    }
    assert_eq!(seen, (0..8).map(|n| format!("Key{n}")).collect::<Vec<_>>());
}

#[test]
fn the_same_page_can_be_asked_for_in_the_query() {
    let mut world = three();
    let answer = world.get("/api/resource/Contact?fields=%5B%22name%22%2C+%22gender%22%5D&filters=%5B%5B%22name%22%2C+%22like%22%2C+%22be%25%22%5D%5D");
    assert_eq!(answer.data(), &json!([{"name": "Bea", "gender": null}]));
    let arrays = world.get("/api/resource/Contact?as_dict=false&order_by=name+desc&limit=1");
    assert_eq!(arrays.data(), &json!([["Cem"]]));
}

#[test]
fn filters_compare_as_the_database_does() {
    let mut world = three();
    world.put("/api/resource/Contact/Ada", json!({"google_contacts_id": "people/c1"}));
    for (filter, expected) in [
        (json!(["name", "=", "ADÁ "]), vec!["Ada"]),
        (json!(["name", "!=", "Ada"]), vec!["Bea", "Cem"]),
        (json!(["name", "in", ["ada", "cem", "nobody"]]), vec!["Ada", "Cem"]),
        (json!(["name", "not in", ["ada", "cem"]]), vec!["Bea"]),
        (json!(["google_contacts_id", "is", "set"]), vec!["Ada"]),
        (json!(["google_contacts_id", "is", "not set"]), vec!["Bea", "Cem"]),
        (json!(["google_contacts_id", "!=", "people/c1"]), vec!["Bea", "Cem"]),
        (json!(["creation", "between", ["2026-11-22 11:00:02", "2026-11-22 11:00:03"]]), vec!["Bea", "Cem"]),
        (json!(["creation", ">=", "2026-11-22T11:00:03.000000Z"]), vec!["Cem"]),
        (json!(["Contact", "sync_with_google_contacts", "=", 0]), vec!["Ada", "Bea", "Cem"]),
    ] {
        let told = filter.to_string();
        assert_eq!(world.names(json!({"filters": [filter], "order_by": "name asc"})), expected, "{told}");
    }
    assert_eq!(
        world.names(json!({"filters": {"name": ["like", "%e%"]}, "order_by": "name desc"})),
        ["Cem", "Bea"]
    );
}

#[test]
fn unknown_fields_and_orders_are_refused() {
    let mut world = three();
    // Recorded: 325b, 334 to 338, 352.
    world.list(json!({"fields": ["nope_field"]})).is(417, "DataError");
    world.list(json!({"filters": [["nope", "=", "1"]]})).is(417, "DataError");
    world.list(json!({"fields": ["name, (select 1)"]})).is(417, "DataError");
    world.list(json!({"fields": ["name", {"email_ids": ["email_id"]}]})).is(500, "TypeError");
    world.list(json!({"order_by": "nope desc"})).is(500, "OperationalError");
    world.get("/api/resource/Contact?fields=%5Bname").is(500, "JSONDecodeError");
    let counted =
        world.list(json!({"fields": ["count(name) as n", "max(creation) as m"], "limit_page_length": 1}));
    assert_eq!(counted.body["message"], json!([{"n": 3, "m": "2026-11-22 11:00:03"}]));
}

#[test]
fn a_parent_appears_once_per_matching_row() {
    let mut world = three();
    // Recorded: 314, 340, 350, 1104.
    let filter = json!([["Contact Email", "email_id", "like", "TM%.ada@%"]]);
    assert_eq!(world.names(json!({"filters": filter})), ["Ada", "Ada"]);
    assert_eq!(world.names(json!({"filters": filter, "group_by": "`tabContact`.name"})), ["Ada"]);
    let fields = json!(["name", "email_ids.email_id"]);
    world.list(json!({"fields": fields, "order_by": "creation asc"})).is(500, "OperationalError");
    let joined = world.list(json!({"fields": fields, "order_by": "`tabContact`.creation asc", "limit": 3}));
    assert_eq!(joined.body["message"][1], json!({"name": "Ada", "email_id": "tm2.Ada@x.example"}));
    world.create(json!({"first_name": "Zoe"}));
    let without = world.list(json!({"fields": fields, "filters": [["name", "=", "Zoe"]]}));
    assert_eq!(without.body["message"], json!([{"name": "Zoe", "email_id": null}]));
}

#[test]
fn child_rows_are_listed_only_through_their_parent() {
    let mut world = three();
    // Recorded: 318 and 319.
    let arguments = json!({
        "doctype": "Contact Email", "fields": ["parent", "idx", "email_id", "is_primary"],
        "filters": [["parenttype", "=", "Contact"], ["parent", "in", ["Cem", "Ada"]]],
        "order_by": "parent asc, idx asc", "limit_page_length": 0,
    });
    let refused = world.list(arguments.clone());
    refused.is(403, "PermissionError");
    assert!(refused.body.get("_server_messages").is_none());
    let mut arguments = arguments;
    arguments["parent"] = "Contact".into();
    let rows = world.list(arguments);
    let parents: Vec<_> = rows.body["message"].as_array().unwrap().iter().map(|row| &row["parent"]).collect();
    assert_eq!(parents, ["Ada", "Ada", "Cem", "Cem"]);
    assert_eq!(
        rows.body["message"][1],
        json!({"parent": "Ada", "idx": 2, "email_id": "tm2.Ada@x.example", "is_primary": 0})
    );
}

#[test]
fn a_request_line_over_4094_bytes_is_an_html_error() {
    let mut world = World::new();
    // Recorded: 354.
    let answer = world.get(&format!("/api/resource/Contact?filters={}", "x".repeat(4100)));
    assert_eq!(answer.status, 400);
    assert_eq!(answer.response.headers()["content-type"], "text/html");
    assert!(answer.body.as_str().unwrap().contains("Request Line is too large (414"));
    assert!(!answer.response.headers().contains_key("set-cookie"));
}

#[test]
fn names_are_addressed_by_path_as_far_as_the_router_goes() {
    let mut world = World::new();
    for name in ["A/B 50% #1?", "Ends/", "Multi\nLine", "..", "Omar"] {
        world.create(json!({"first_name": name}));
    }
    // Recorded: 261 to 267, 274 to 280.
    for path in ["A%2FB%2050%25%20%231%3F", "A/B%2050%25%20%231%3F"] {
        assert_eq!(world.get(&format!("/api/resource/Contact/{path}")).name(), "A/B 50% #1?");
    }
    assert_eq!(world.get("/api/resource/Contact/OMAR").name(), "Omar");
    assert_eq!(world.get("/api/resource/Contact/Omar%20").name(), "Omar");
    assert_eq!(world.get("/api/resource/Contact/%2E%2E").name(), "..");
    let newline = world.get("/api/resource/Contact/Multi%0ALine");
    assert_eq!((newline.status, &newline.body), (404, &json!({"exc_type": "DoesNotExistError"})));
    let slash = world.get("/api/resource/Contact/Ends%2F");
    assert_eq!(slash.notices()[0]["message"], "Contact Ends not found");
    let by_method = world.get("/api/method/frappe.client.get?doctype=Contact&name=Ends%2F");
    assert_eq!(by_method.body["message"]["name"], "Ends/");
    let created =
        world.post("/api/resource/Contact", json!({"fields": "[\"name\"]", "limit_page_length": "2"}));
    assert_eq!(created.name().len(), 10, "a POST with list arguments creates an empty contact");
}

#[test]
fn twenty_five_thousand_contacts_are_paged_by_keyset() {
    let mut world = World::new();
    for n in 0..25_000 {
        world.site.insert(json!({"first_name": format!("Person {n}"), "email_ids": [{"email_id": format!("p{n}@x.example")}]}), world.now).unwrap();
    }
    let (mut since, mut after, mut seen) = ("2000-01-01 00:00:00".to_owned(), String::new(), 0);
    loop {
        let page = world.list(json!({
            "fields": ["*"], "filters": [["modified", ">=", since]],
            "or_filters": [["modified", ">", since], ["name", ">", after]],
            "order_by": "modified asc, name asc", "limit_page_length": 1000,
        }));
        let rows = page.body["message"].as_array().unwrap();
        let Some(last) = rows.last() else { break };
        seen += rows.len();
        since = last["modified"].as_str().unwrap().to_owned();
        after = last["name"].as_str().unwrap().to_owned();
        let parents: Vec<_> = rows.iter().map(|row| row["name"].clone()).collect();
        let children = world.list(json!({
            "doctype": "Contact Email", "parent": "Contact", "fields": ["parent", "email_id"],
            "filters": [["parent", "in", parents]], "order_by": "parent asc, idx asc", "limit_page_length": 0,
        }));
        assert_eq!(children.body["message"].as_array().unwrap().len(), 1000);
    }
    assert_eq!(seen, 25_000);
}
