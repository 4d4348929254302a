//! Address documents.

use serde_json::{Value, json};

use super::World;

fn office() -> Value {
    json!({ "address_title": "Acme", "address_type": "Office", "address_line1": "12 King Fahd Road", "city": "Riyadh",
        "country": "saudi arabia" })
}

fn with(changes: Value) -> Value {
    let mut address = office();
    address.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    address
}

impl World {
    fn address(&mut self, address: Value) -> super::Answer {
        self.post("/api/resource/Address", address)
    }
}

#[test]
fn an_address_is_called_after_its_title_and_type_and_a_taken_name_gets_the_next_number() {
    let mut world = World::new();
    let names = [0; 3].map(|_| world.address(office()).name().to_owned());
    assert_eq!(names, ["Acme-Office", "Acme-Office-1", "Acme-Office-2"]);
    assert_eq!(
        world.get("/api/resource/Address/Acme-Office").data()["country"],
        "Saudi Arabia",
        "as the site spells it"
    );
    world.create(json!({ "first_name": "Ada" }));
    let links = json!([{ "link_doctype": "Contact", "link_name": "Ada" }]);
    let untitled = world.address(with(json!({ "address_title": null, "links": links })));
    assert_eq!((untitled.name(), &untitled.data()["address_title"]), ("Ada-Office", &json!("Ada")));
    world.address(with(json!({ "address_title": "" }))).is(417, "ValidationError");
}

#[test]
fn a_partial_address_is_refused_with_what_it_lacks() {
    let mut world = World::new();
    for missing in ["address_type", "address_line1", "city", "country"] {
        world.address(with(json!({ missing: "" }))).is(417, "MandatoryError");
    }
    world.address(with(json!({ "country": "Wakanda" }))).is(417, "LinkValidationError");
    world.address(with(json!({ "address_type": "home" }))).is(417, "ValidationError");
    assert_eq!(world.address(with(json!({ "address_line1": "x".repeat(240) }))).status, 200);
    world.address(with(json!({ "address_line1": "x".repeat(241) }))).is(417, "CharacterLengthExceededError");
    world.address(with(json!({ "city": "x".repeat(141) }))).is(417, "CharacterLengthExceededError");
}

#[test]
fn a_contact_stays_as_long_as_an_address_is_linked_to_it() {
    let mut world = World::new();
    world.create(json!({ "first_name": "Ada" }));
    world.address(with(json!({ "links": [{ "link_doctype": "Contact", "link_name": "Ada" }] })));
    world.delete("/api/resource/Contact/Ada").is(417, "LinkExistsError");
    assert_eq!(world.delete("/api/resource/Address/Acme-Office").status, 202);
    assert_eq!(world.delete("/api/resource/Contact/Ada").status, 202);
}

#[test]
fn a_renamed_contact_is_renamed_in_its_addresses_and_their_stamps_stay() {
    let mut world = World::new();
    world.create(json!({ "first_name": "Ada" }));
    world.address(with(json!({ "links": [{ "link_doctype": "Contact", "link_name": "Ada" }] })));
    let before = world.get("/api/resource/Address/Acme-Office").data()["modified"].clone();
    world.site.rename("Ada", "Ada King", world.now).unwrap();
    let after = world.get("/api/resource/Address/Acme-Office");
    assert_eq!(
        (&after.data()["links"][0]["link_name"], &after.data()["modified"]),
        (&json!("Ada King"), &before)
    );
}

#[test]
fn of_two_preferred_addresses_the_newer_one_is_it_and_the_other_is_changed() {
    let mut world = World::new();
    world.create(json!({ "first_name": "Ada" }));
    let links = json!([{ "link_doctype": "Contact", "link_name": "Ada" }]);
    let first = world.address(with(json!({ "links": links, "is_primary_address": 1 })));
    world.address(with(json!({ "links": links, "is_primary_address": 1 })));
    let after = world.get("/api/resource/Address/Acme-Office");
    assert_eq!(after.data()["is_primary_address"], 0);
    assert_ne!(after.data()["modified"], first.data()["modified"]);
}

#[test]
fn a_sales_user_may_change_an_address_and_not_delete_it() {
    let mut world = World::new();
    world.address(office());
    world.keys = world.site.add_user("sales@dafater.test", &["Sales User"]);
    assert_eq!(world.put("/api/resource/Address/Acme-Office", json!({ "city": "Jeddah" })).status, 200);
    world.delete("/api/resource/Address/Acme-Office").is(403, "PermissionError");
    world.keys = world.site.add_user("nobody@dafater.test", &[]);
    world.get("/api/resource/Address/Acme-Office").is(403, "PermissionError");
    let own = json!({ "doctype": "Address" });
    assert!(world.names(own).is_empty(), "what one may not see is missing without a word");
}

#[test]
fn links_of_addresses_are_listed_apart_from_those_of_contacts() {
    let mut world = World::new();
    let customer = json!({ "customer_name": "Acme" });
    world.post("/api/resource/Customer", customer);
    world.create(
        json!({ "first_name": "Ada", "links": [{ "link_doctype": "Customer", "link_name": "Acme" }] }),
    );
    world.address(with(json!({ "links": [{ "link_doctype": "Contact", "link_name": "Ada-Acme" }] })));
    let answer = world.list(json!({ "doctype": "Dynamic Link", "parent": "Address", "fields": ["parent", "link_name"],
        "filters": [["parenttype", "=", "Address"], ["link_doctype", "=", "Contact"], ["link_name", "in", ["Ada-Acme"]]],
        "order_by": "parent asc, idx asc", "limit_page_length": 0 }));
    assert_eq!(answer.body["message"], json!([{ "parent": "Acme-Office", "link_name": "Ada-Acme" }]));
}
