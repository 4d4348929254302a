//! What goes along with contacts where it is asked for: labels, photos, addresses, mapped fields; and the room that Google has.

use dafater_contactsd::sandbox::google::Google;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::house::House;
use crate::world::{EMAIL, contact, person};

const JPEG: &[u8] = b"\xff\xd8\xff a face";
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n another face";

impl House {
    fn link(&self, name: &str, doctypes: &[&str]) {
        let links: Vec<Value> =
            doctypes.iter().map(|doctype| json!({ "link_doctype": doctype, "link_name": "Acme" })).collect();
        self.site().edit(name, json!({ "links": links }), Timestamp::now()).unwrap();
    }

    fn labels_of(&self, given: &str) -> Vec<String> {
        let groups = self.google().groups(EMAIL).unwrap();
        let persons = self.persons();
        let person = persons.iter().find(|person| person["names"][0]["givenName"] == given).unwrap();
        let of = |one: &Value| {
            let id = one["contactGroupMembership"]["contactGroupResourceName"].as_str().unwrap();
            groups.iter().find(|(known, _)| known == id).unwrap().1.clone()
        };
        let mut names: Vec<String> = person["memberships"]
            .as_array()
            .unwrap()
            .iter()
            .map(of)
            .filter(|name| name != "myContacts")
            .collect();
        names.sort();
        names
    }
}

fn count(google: &Google, api: &str) -> usize {
    google.requests().filter(|one| one.api == api).count()
}

#[test]
fn labels_and_photos_follow_over_real_http_and_then_all_is_silent() {
    let house = House::authorized("photos = \"both\"");
    house.write(
        "conf.d/20-labels.toml",
        "[accounts.sales.labels]\nCustomer = \"Customers\"\nSupplier = \"Vendors\"\nLead = \"Leads\"\n\"Sales Partner\" = \"Partners\"\n",
    );
    for (doctype, field) in [("Customer", "customer_name"), ("Supplier", "supplier_name")] {
        house.site().insert_into(doctype, json!({ field: "Acme" }), Timestamp::now()).unwrap();
    }
    let ada = house.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    house.link(&ada, &["Customer"]);
    house.site().set_photo(&ada, "ada.png", PNG, Timestamp::now()).unwrap();
    let grace = house.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    house.google().set_photo(EMAIL, &grace, Some(JPEG.to_vec()), Timestamp::now()).unwrap();

    let planned = house.sync_with(&["--dry-run"]);
    assert_eq!((planned.exit, planned.count("google", "created")), (0, 1), "{}", planned.report);
    assert_eq!(house.labels_count(), 0, "a plan makes no label");

    house.settle();
    house.settle();
    assert_eq!(house.labels_of("Ada"), ["Customers"]);
    let contacts = house.contacts();
    let image = |given: &str| {
        let found = contacts.iter().find(|contact| contact["first_name"] == given).unwrap();
        found["image"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(house.site().file(&image("Grace")).as_deref(), Some(JPEG));
    let persons = house.persons();
    let person = persons.iter().find(|person| person["names"][0]["givenName"] == "Ada").unwrap();
    let resource = person["resourceName"].as_str().unwrap();
    assert_eq!(house.google().photo(EMAIL, resource).unwrap().as_deref(), Some(PNG));

    std::thread::sleep(std::time::Duration::from_millis(1_200));
    house.link(&ada, &["Supplier"]);
    let moved = house.settle();
    assert_eq!((moved.report["labels"].as_u64(), moved.writes()), (Some(1), 0), "{}", moved.report);
    assert_eq!(house.labels_of("Ada"), ["Vendors"]);

    std::thread::sleep(std::time::Duration::from_millis(1_200));
    house.settle();
    house.google().reset_counters();
    let files = house.site().file_count();
    for _ in 0..2 {
        let quiet = house.settle();
        let carried = (&quiet.report["labels"], &quiet.report["photos"]);
        assert_eq!((quiet.writes(), carried), (0, (&Value::Null, &Value::Null)), "{}", quiet.report);
    }
    let google = house.google();
    assert_eq!(google.counters().writes, dafater_contactsd::sandbox::google::Writes::default());
    assert_eq!((count(&google, "contactGroups.list"), house.site().file_count()), (0, files));
}

#[test]
fn addresses_and_mapped_fields_travel_both_ways_once_they_are_asked_for() {
    let house = House::authorized("");
    let now = Timestamp::now();
    let birthday =
        json!({ "dt": "Contact", "fieldname": "custom_birthday", "label": "Birthday", "fieldtype": "Date" });
    house.site().insert_into("Custom Field", birthday, now).unwrap();
    let mut ada = person("Ada", "Lovelace", "ada@example.com", "");
    ada["birthdays"] = json!([{ "date": { "year": 1815, "month": 12, "day": 10 } }]);
    ada["addresses"] = json!([{ "type": "work", "streetAddress": "12 King Fahd Road", "city": "Riyadh", "country": "Saudi Arabia" }]);
    let resource = house.add_person(ada);
    house.settle();
    let birthday = |house: &House| house.contacts()[0]["custom_birthday"].clone();
    assert_eq!((birthday(&house), house.site().documents("Address").len()), (Value::Null, 0), "nobody asked");

    house.write(
        "conf.d/20-more.toml",
        "[defaults]\naddresses = true\n[accounts.sales.fields]\nbirthday = \"custom_birthday\"\n",
    );
    house.settle();
    assert_eq!(birthday(&house), "1815-12-10");
    let address = house.site().documents("Address")[0].clone();
    assert_eq!(
        (&address["address_line1"], &address["country"]),
        (&json!("12 King Fahd Road"), &json!("Saudi Arabia"))
    );
    assert_eq!(address["links"][0]["link_name"], house.contacts()[0]["name"]);

    std::thread::sleep(std::time::Duration::from_millis(1_200));
    let (now, name) = (Timestamp::now(), house.contacts()[0]["name"].as_str().unwrap().to_owned());
    house.site().edit(&name, json!({ "custom_birthday": "1815-12-11" }), now).unwrap();
    house
        .site()
        .edit_in("Address", address["name"].as_str().unwrap(), json!({ "city": "Jeddah" }), now)
        .unwrap();
    house.settle();
    let ada = house.google().person(EMAIL, &resource).unwrap().unwrap();
    assert_eq!(
        (&ada["birthdays"][0]["date"]["day"], &ada["addresses"][0]["city"]),
        (&json!(11), &json!("Jeddah"))
    );
    std::thread::sleep(std::time::Duration::from_millis(1_200));
    house.settle();
    let quiet = house.settle();
    assert_eq!(quiet.writes(), 0, "{}", quiet.report);
}

impl House {
    fn labels_count(&self) -> usize {
        self.google().groups(EMAIL).unwrap().iter().filter(|(_, name)| name == "Customers").count()
    }
}

#[test]
fn a_full_account_is_said_before_and_once_and_nothing_else_suffers() {
    let house = House::authorized("");
    house.write("conf.d/20-room.toml", "[google]\nmax_contacts = 20\n");
    for n in 0..18 {
        house.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    let daemon = house.start();
    let said = |event: &str| daemon.log().lines().filter(|line| line.contains(event)).count();
    house.settle();
    assert_eq!((said("google.nearly_full"), said("google.full")), (0, 0), "{}", daemon.log());
    house.add_contact(contact("Ada", "Number18", "ada18@example.com", ""));
    house.settle();
    assert_eq!((said("google.nearly_full"), said("google.full")), (1, 0), "{}", daemon.log());
    for n in 19..24 {
        house.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    let grace = house.add_contact(contact("Grace", "Hopper", "ada3@example.net", ""));
    let full = house.settle();
    assert_eq!(
        (full.count("google", "created"), full.report["parked"].as_u64()),
        (1, Some(5)),
        "{}",
        full.report
    );
    assert_eq!((said("google.nearly_full"), said("google.full")), (1, 1), "{}", daemon.log());
    // Everything else goes on, and it is not said again.
    let person = house.persons()[0]["resourceName"].as_str().unwrap().to_owned();
    let change = json!({ "organizations": [{ "name": "Analytical" }] });
    house.google().edit_person(EMAIL, &person, change, Timestamp::now()).unwrap();
    house.site().edit(&grace, json!({ "designation": "Admiral" }), Timestamp::now()).unwrap();
    let report = house.settle();
    assert_eq!(
        (report.count("dafater", "updated"), report.count("google", "created")),
        (1, 0),
        "{}",
        report.report
    );
    house.settle();
    assert_eq!((said("google.nearly_full"), said("google.full")), (1, 1), "{}", daemon.log());
    let status = String::from_utf8_lossy(&house.run(&["status"]).stdout).into_owned();
    assert!(status.contains("no room for 5 contacts"), "{status}");

    // A process that starts now looks ahead at once: no consent is in danger.
    drop(daemon);
    let daemon = house.start();
    house.settle();
    assert!(!daemon.log().contains("authorization.ending"), "{}", daemon.log());
}
