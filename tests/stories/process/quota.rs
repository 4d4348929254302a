//! What the configuration allows is what the daemon allows itself.

use crate::house::House;
use crate::world::contact;

#[test]
fn a_day_that_is_spent_ends_the_run_and_says_when_it_goes_on() {
    let house = House::authorized("");
    house.write("conf.d/30-quota.toml", "[google.quota]\ndaily_writes = 200\n");
    for n in 0..250 {
        house.add_contact(contact("Ada", &format!("Number{n}"), &format!("ada{n}@example.com"), ""));
    }
    let synced = house.sync();
    assert_eq!((synced.exit, synced.count("google", "created")), (69, 200), "{}", synced.report);
    let wait = synced.report["retry_after_seconds"].as_u64().unwrap();
    assert!((80_000..=86_400).contains(&wait), "{wait}");
    let told = synced.report["error"].as_str().unwrap();
    assert!(told.contains("allows itself") && told.contains("[google.quota]"), "{told}");

    house.write("conf.d/30-quota.toml", "");
    house.settle();
    assert_eq!(house.persons().len(), 250);
    assert_eq!(house.settle().writes(), 0);
}

#[test]
fn a_quota_that_is_none_is_refused_with_its_place() {
    let house = House::new();
    house.write("conf.d/30-quota.toml", "[google.quota]\ncritical_reads = 0\ncritical_write = 5\n");
    let output = house.run(&["check-config"]);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(78), "{said}");
    assert!(said.contains("30-quota.toml:2:1") && said.contains("critical_writes"), "{said}");
}
