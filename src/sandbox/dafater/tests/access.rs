use super::*;

fn as_user(world: &mut World, keys: &Keys, work: impl FnOnce(&mut World) -> Answer) -> Answer {
    let own = std::mem::replace(&mut world.keys, keys.clone());
    let answer = work(world);
    world.keys = own;
    answer
}

#[test]
fn tokens_are_checked_and_nobody_is_a_guest() {
    let mut world = World::new();
    let Keys { api_key, api_secret } = world.keys.clone();
    let basic = {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(format!("{api_key}:{api_secret}"))
    };
    // Recorded: 102 to 112.
    for (header, status) in [
        (format!("token {api_key}:{api_secret}"), 200),
        (format!("Basic {basic}"), 200),
        (format!("token {api_key}:wrong"), 401),
        (format!("token unknown:{api_secret}"), 401),
        ("token nonsense".to_owned(), 401),
        ("Bearer bogus".to_owned(), 401),
    ] {
        let answer = world.send_with(
            "GET",
            "/api/method/frappe.auth.get_logged_user",
            &Value::Null,
            &[("authorization", &header)],
        );
        assert_eq!(answer.status, status, "{header}");
    }
    let guest = world.send_with("GET", "/api/resource/Contact", &Value::Null, &[]);
    guest.is(403, "PermissionError");
    assert_eq!(guest.body["_error_message"], "No permission for Contact");
    let ping = world.send_with("GET", "/api/method/ping", &Value::Null, &[]);
    assert_eq!(ping.body, json!({"message": "pong"}));
    assert!(ping.response.headers()["set-cookie"].to_str().unwrap().starts_with("sid=Guest"));
}

#[test]
fn rotated_keys_kill_the_old_secret() {
    let mut world = World::new();
    let new = world.site.rotate_keys("sync@dafater.test").unwrap();
    // Recorded: 1130.
    world.get("/api/method/frappe.auth.get_logged_user").is(401, "AuthenticationError");
    let answer = as_user(&mut world, &new, |world| world.get("/api/method/frappe.auth.get_logged_user"));
    assert_eq!(answer.body["message"], "sync@dafater.test");
}

#[test]
fn a_user_without_a_role_sees_only_its_own() {
    let mut world = World::new();
    let plain = world.site.add_user("plain@dafater.test", &[]);
    world.create(json!({"first_name": "Omar"}));
    // Recorded: 119, 249, 270, 271, 451.
    let empty = as_user(&mut world, &plain, |world| world.get("/api/resource/Contact"));
    assert_eq!((empty.status, &empty.body), (200, &json!({"data": []})));
    let own = as_user(&mut world, &plain, |world| world.create(json!({"first_name": "ByPlain"})));
    assert_eq!(own.data()["owner"], "plain@dafater.test");
    let list = as_user(&mut world, &plain, |world| world.get("/api/resource/Contact"));
    assert_eq!(list.data(), &json!([{"name": "ByPlain"}]));
    let other = as_user(&mut world, &plain, |world| world.get("/api/resource/Contact/Omar"));
    other.is(403, "PermissionError");
    assert_eq!(
        other.notices()[0]["message"],
        "User <strong>plain@dafater.test</strong> does not have access to this document: Contact - Omar"
    );
    let write = as_user(&mut world, &plain, |world| {
        world.put("/api/resource/Contact/Omar", json!({"designation": "x"}))
    });
    assert_eq!(write.body["_error_message"], "Insufficient Permission for Contact (<strong>write</strong>)");
}

#[test]
fn deleting_needs_a_master_managers_role_and_deleted_documents_a_grant() {
    let mut world = World::new();
    let sales = world.site.add_user("sales@dafater.test", &["Sales User"]);
    let master = world.site.add_user("master@dafater.test", &["Sales Master Manager"]);
    world.create(json!({"first_name": "SalesDel"}));
    // Recorded: 508, 514, 1125.
    let refused = as_user(&mut world, &sales, |world| world.delete("/api/resource/Contact/SalesDel"));
    refused.is(403, "PermissionError");
    assert_eq!(
        refused.body["exception"],
        "frappe.exceptions.PermissionError: User not allowed to delete Contact: SalesDel"
    );
    assert_eq!(
        as_user(&mut world, &master, |world| world.delete("/api/resource/Contact/SalesDel")).status,
        202
    );
    let graves = "/api/resource/Deleted%20Document";
    as_user(&mut world, &sales, |world| world.get(graves)).is(403, "PermissionError");
    world.site.grant("Sales User", "Deleted Document", Rights::READ);
    assert_eq!(as_user(&mut world, &sales, |world| world.get(graves)).status, 200);
}

#[test]
fn user_permissions_hide_rows_without_a_word() {
    let mut world = World::new();
    let sales = world.site.add_user("sales@dafater.test", &["Sales User"]);
    world.create(json!({"first_name": "MaleOne", "gender": "Male"}));
    world.create(json!({"first_name": "Omar"}));
    world.site.restrict("sales@dafater.test", "Gender", "Female");
    // Recorded: 1141 and 1142.
    let list = as_user(&mut world, &sales, |world| world.get("/api/resource/Contact"));
    assert_eq!(list.data(), &json!([{"name": "Omar"}]));
    let one = as_user(&mut world, &sales, |world| world.get("/api/resource/Contact/MaleOne"));
    one.is(403, "PermissionError");
    assert!(
        one.notices()[0]["message"]
            .as_str()
            .unwrap()
            .contains("linked to Gender 'Male' in field Gender<br>User")
    );
    world.site.hide("sales@dafater.test", "Omar");
    world.site.rename("Omar", "Renamed", world.now).unwrap();
    assert_eq!(as_user(&mut world, &sales, |world| world.get("/api/resource/Contact")).data(), &json!([]));
    as_user(&mut world, &sales, |world| world.get("/api/resource/Contact/Renamed"))
        .is(403, "PermissionError");
    world.site.unhide("sales@dafater.test");
    assert_eq!(as_user(&mut world, &sales, |world| world.get("/api/resource/Contact/Renamed")).status, 200);
}

#[test]
fn the_sites_zone_is_told_to_system_managers_only() {
    let mut world = World::new();
    let sales = world.site.add_user("sales@dafater.test", &["Sales User"]);
    world.site.set_time_zone("America/New_York");
    // Recorded: 330, 330b, 964, 965.
    let path = "/api/method/frappe.client.get_single_value?doctype=System+Settings&field=time_zone";
    assert_eq!(world.get(path).body["message"], "America/New_York");
    as_user(&mut world, &sales, |world| world.get(path)).is(403, "PermissionError");
    let own = world.get("/api/method/frappe.client.get_time_zone");
    assert_eq!(own.body["message"], json!({"time_zone": "Asia/Riyadh"}));
    assert_eq!(world.create(json!({"first_name": "NY"})).data()["modified"], "2026-11-22 03:00:04.000000");
}

#[test]
fn small_lists_may_be_closed_to_users() {
    let mut world = World::with(SiteOptions { small_lists_readable: false, ..SiteOptions::default() });
    let sales = world.site.add_user("sales@dafater.test", &["Sales User"]);
    as_user(&mut world, &sales, |world| world.get("/api/resource/Salutation")).is(403, "PermissionError");
    assert!(
        world.get("/api/resource/Salutation").data().as_array().unwrap().contains(&json!({"name": "Dr"}))
    );
}

#[test]
fn unknown_routes_doctypes_and_methods_are_told_apart() {
    let mut world = World::new();
    // Recorded: 114 to 118.
    let nothing = world.get("/api/nothing");
    assert_eq!((nothing.status, &nothing.body), (404, &json!({"exc_type": "DoesNotExistError"})));
    let doctype = world.get("/api/resource/NoSuchDocType");
    doctype.is(404, "DoesNotExistError");
    assert_eq!(doctype.notices()[0]["message"], "DocType NoSuchDocType not found");
    assert!(doctype.body.get("exception").is_none());
    world.get("/api/method/frappe.client.nope").is(417, "ValidationError");
    world.get("/api/method/frappe.client.insert_doc").is(403, "PermissionError");
    let verb = world.get("/api/method/frappe.client.insert?doc=%7B%7D");
    assert_eq!(verb.body["exception"], "frappe.exceptions.PermissionError: Not permitted");
    assert_eq!(world.get("/api/v2/method/ping").body, json!({"data": "pong"}));
}
