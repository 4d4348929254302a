//! Two thousand contacts on each side, half of them shared.

use serde_json::json;

use crate::house::House;

#[test]
fn two_thousand_contacts_are_joined_in_few_requests_and_without_a_duplicate() {
    let house = House::authorized("");
    for n in 0..2000 {
        let mobile = format!("+96650{:07}", 1_000_000 + n);
        house.add_person(json!({
            "names": [{ "givenName": "Person", "familyName": format!("No{n}") }],
            "emailAddresses": [{ "value": format!("person{n}@example.com") }],
            "phoneNumbers": [{ "value": mobile, "type": "mobile" }],
        }));
        let other = n + 1000;
        house.add_contact(json!({
            "first_name": "Person", "last_name": format!("No{other}"),
            "email_ids": [{ "email_id": format!("Person{other}@Example.com"), "is_primary": 1 }],
            "phone_nos": [{ "phone": format!("050 {:07}", 1_000_000 + other), "is_primary_mobile_no": 1, "is_primary_phone": 1 }],
        }));
    }
    house.google().reset_counters();

    let first = house.settle();

    assert_eq!(first.report["linked"], 1000, "{}", first.report);
    assert_eq!((first.count("google", "created"), first.count("dafater", "created")), (1000, 1000));
    assert_eq!((house.persons().len(), house.contacts().len()), (3000, 3000));
    let requests = first.report["requests"]["google"].as_u64().unwrap();
    assert!(
        requests <= 3 + 5,
        "3 pages and 1000/200 batches, not {requests}: {:?}",
        house.google().counters()
    );
    house.settle();
    assert_eq!(house.settle().writes(), 0);
}
