use super::*;

#[test]
fn a_deletion_leaves_a_deleted_document() {
    let mut world = World::new();
    let made = world.create(json!({"first_name": "DelMe", "email_ids": [{"email_id": "del@x.example"}]}));
    let creation = made.data()["creation"].as_str().unwrap().trim_end_matches(".000000").to_owned();
    // Recorded: 501 to 507.
    let deleted = world.delete("/api/resource/Contact/DelMe");
    assert_eq!((deleted.status, &deleted.body), (202, &json!({"data": "ok"})));
    let again = world.delete("/api/resource/Contact/DelMe");
    assert_eq!((again.status, &again.body), (404, &json!({"exc_type": "DoesNotExistError"})));
    world.get("/api/resource/Contact/DelMe").is(404, "DoesNotExistError");
    let graves = world.list(json!({"doctype": "Deleted Document", "fields": ["deleted_name", "owner", "restored", "new_name", "data"]}));
    let grave = &graves.body["message"][0];
    assert_eq!((&grave["deleted_name"], &grave["owner"]), (&json!("DelMe"), &json!("sync@dafater.test")));
    assert_eq!((&grave["restored"], &grave["new_name"]), (&json!(0), &Value::Null));
    let data: Value = serde_json::from_str(grave["data"].as_str().unwrap()).unwrap();
    assert_eq!(data["creation"], creation);
    assert_eq!(data["email_ids"][0]["email_id"], "del@x.example");
}

#[test]
fn the_log_of_deletions_may_be_cleared() {
    let mut world = World::new();
    world.create(json!({"first_name": "Gone"}));
    world.delete("/api/resource/Contact/Gone");
    world.site.purge_deleted_documents();
    assert!(world.names(json!({"doctype": "Deleted Document"})).is_empty());
}

#[test]
fn what_is_referred_to_cannot_be_deleted() {
    let mut world = World::new();
    world.create(json!({"first_name": "Linked"}));
    world.post("/api/resource/Customer", json!({"customer_name": "Globex LLC"}));
    world.put("/api/resource/Customer/Globex%20LLC", json!({"customer_primary_contact": "Linked"}));
    // Recorded: 511 to 513, 542.
    let refused = world.delete("/api/resource/Contact/Linked");
    refused.is(417, "LinkExistsError");
    assert_eq!(
        refused.notices()[0]["message"],
        "Cannot delete or cancel because Contact <a href=\"/app/Form/Contact/Linked\">Linked</a> is linked with Customer \
         <a href=\"/app/Form/Customer/Globex LLC\">Globex LLC</a> "
    );
    world.put("/api/resource/Customer/Globex%20LLC", json!({"customer_primary_contact": null}));
    assert_eq!(world.delete("/api/resource/Contact/Linked").status, 202);
    world.create(
        json!({"first_name": "Of", "links": [{"link_doctype": "Customer", "link_name": "Globex LLC"}]}),
    );
    world.delete("/api/resource/Customer/Globex%20LLC").is(417, "LinkExistsError");
}

#[test]
fn a_rename_moves_nothing_and_leaves_only_a_comment() {
    let mut world = World::new();
    world.create(json!({"first_name": "RenameMe", "email_ids": [{"email_id": "r@x.example"}]}));
    let before = world.get("/api/resource/Contact/RenameMe").data().clone();
    // Recorded: 530 to 535.
    let renamed = world.post(
        "/api/method/frappe.client.rename_doc",
        json!({"doctype": "Contact", "old_name": "RenameMe", "new_name": "Renamed Contact"}),
    );
    assert_eq!(renamed.body["message"], "Renamed Contact");
    world.get("/api/resource/Contact/RenameMe").is(404, "DoesNotExistError");
    let after = world.get("/api/resource/Contact/Renamed%20Contact").data().clone();
    for key in ["creation", "modified", "modified_by", "first_name"] {
        assert_eq!(after[key], before[key], "{key}");
    }
    assert_eq!(after["email_ids"][0]["name"], before["email_ids"][0]["name"]);
    assert_eq!(world.names(json!({"filters": [["creation", "=", before["creation"]]]})), ["Renamed Contact"]);
    assert!(world.site.documents("Deleted Document").is_empty());
    let comments = world.site.documents("Comment");
    assert_eq!(
        comments[0]["content"],
        "renamed from <strong>RenameMe</strong> to <strong>Renamed Contact</strong>"
    );
}

#[test]
fn a_customers_rename_changes_its_contacts_silently() {
    let mut world = World::new();
    world.site.insert_into("Customer", json!({"customer_name": "Old"}), world.now).unwrap();
    world.create(json!({"first_name": "X", "links": [{"link_doctype": "Customer", "link_name": "Old"}]}));
    let before = world.get("/api/resource/Contact/X-Old").data()["modified"].clone();
    world.site.rename_in("Customer", "Old", "New", world.now).unwrap();
    let after = world.get("/api/resource/Contact/X-Old");
    assert_eq!(after.data()["links"][0]["link_name"], "New");
    assert_eq!(after.data()["modified"], before);
}

#[test]
fn a_merge_loses_the_sources_rows_and_moves_the_target() {
    let mut world = World::new();
    world.create(json!({"first_name": "Src", "email_ids": [{"email_id": "s@x.example"}]}));
    let target = world.create(json!({"first_name": "Dst"}));
    let modified = target.data()["modified"].clone();
    // Recorded: 533, 536 to 538.
    assert_eq!(world.site.rename("Src", "Dst", world.now).unwrap_err().exc_type, "ValidationError");
    world.site.merge("Src", "Dst", world.now).unwrap();
    let merged = world.site.contact("Dst").unwrap();
    assert_eq!(merged["email_ids"], json!([]));
    assert_ne!(merged["modified"], modified);
    assert_eq!(world.site.documents("Deleted Document")[0]["deleted_name"], "Src");
}

#[test]
fn a_restore_makes_a_new_document_of_the_old_content() {
    let mut world = World::new();
    let made = world.create(json!({"first_name": "Back", "email_ids": [{"email_id": "b@x.example"}]}));
    let old = made.data().clone();
    world.delete("/api/resource/Contact/Back");
    // Recorded: 518 and 519.
    assert_eq!(world.site.restore("Back", world.now).unwrap(), "Back");
    let restored = world.site.contact("Back").unwrap();
    assert_ne!(restored["creation"], old["creation"]);
    assert_ne!(restored["email_ids"][0]["name"], old["email_ids"][0]["name"]);
    assert_eq!(restored["email_id"], "b@x.example");
    let grave = &world.site.documents("Deleted Document")[0];
    assert_eq!((&grave["restored"], &grave["new_name"]), (&json!(1), &json!("Back")));
    assert_eq!(grave["modified"], grave["creation"]);
}
