//! Many Google accounts and one site: Dafater is the hub.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::house::House;
use crate::world::{contact, person};

const OTHERS: [&str; 2] = ["support", "info"];

fn email(name: &str) -> String {
    format!("{name}@example.com")
}

/// A house with two more accounts, all authorized.
fn house() -> House {
    let house = House::authorized("");
    for name in OTHERS {
        open(&house, name, "");
    }
    house
}

fn open(house: &House, name: &str, more: &str) {
    let token = house.google().add_account(&email(name));
    let table = format!(
        "[accounts.{name}]\nemail_id = \"{}\"\nlabel = \"\"\nregion = \"SA\"\nmax_deletes_percent = 100\n{more}",
        email(name)
    );
    house.write(&format!("conf.d/{name}.toml"), &table);
    house.write("token", &token);
    let file = house.path("token");
    let given = house.run(&["authorize", name, "--refresh-token-file", file.to_str().unwrap()]);
    assert!(given.status.success(), "{}", String::from_utf8_lossy(&given.stderr));
}

fn add(house: &House, account: &str, person: Value) -> String {
    house.google().add_person(&email(account), person, Timestamp::now()).unwrap()
}

fn persons(house: &House, account: &str) -> Vec<Value> {
    house.google().persons(&email(account)).unwrap()
}

/// Syncs all accounts until nobody writes any more; answers the rounds it took.
fn settle(house: &House) -> usize {
    for round in 0..8 {
        let output = house.run(&["sync", "--json"]);
        let text = String::from_utf8(output.stdout).unwrap();
        let reports: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(reports.iter().all(|report| report["outcome"] == "ok"), "{text}");
        let writes = |report: &Value| {
            ["google", "dafater"]
                .iter()
                .flat_map(|side| {
                    ["created", "updated", "deleted"].map(|kind| report[side][kind].as_u64().unwrap())
                })
                .sum::<u64>()
        };
        if reports.iter().map(writes).sum::<u64>() == 0 {
            return round;
        }
    }
    panic!("the accounts write for ever");
}

#[test]
fn a_person_in_three_accounts_is_one_contact_and_a_change_goes_round_once() {
    let house = house();
    let ada = || person("Ada", "Lovelace", "ada@example.com", "");
    let first = add(&house, "sales", ada());
    for account in OTHERS {
        add(&house, account, ada());
    }
    settle(&house);
    let counts = |house: &House| ["sales", "support", "info"].map(|account| persons(house, account).len());
    assert_eq!((house.contacts().len(), counts(&house)), (1, [1, 1, 1]));

    // A number that is written in one account reaches the others, and comes back from none.
    let phones = json!({ "phoneNumbers": [{ "value": "+966501234567" }] });
    house.google().edit_person(&email("sales"), &first, phones, Timestamp::now()).unwrap();
    settle(&house);
    for account in OTHERS {
        assert_eq!(persons(&house, account)[0]["phoneNumbers"][0]["value"], "+966501234567", "{account}");
    }
    // Somebody new in the hub goes to all, somebody new in one account to the two others.
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    add(&house, "info", person("Grace", "Hopper", "grace@example.com", ""));
    settle(&house);
    assert_eq!((house.contacts().len(), counts(&house)), (3, [3, 3, 3]));
    assert_eq!(settle(&house), 0);
}

#[test]
fn an_account_that_is_taken_away_leaves_its_contacts_and_continues_when_it_comes_back() {
    let house = house();
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    add(&house, "info", person("Grace", "Hopper", "grace@example.com", ""));
    settle(&house);
    let table = std::fs::read_to_string(house.path("conf.d/info.toml")).unwrap();
    std::fs::remove_file(house.path("conf.d/info.toml")).unwrap();
    house.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    settle(&house);
    assert_eq!(
        (house.contacts().len(), persons(&house, "info").len(), persons(&house, "support").len()),
        (3, 2, 3)
    );
    house.write("conf.d/info.toml", &table);
    settle(&house);
    assert_eq!((house.contacts().len(), persons(&house, "info").len()), (3, 3));
}

#[test]
fn an_account_with_api_keys_of_its_own_sees_what_its_user_may_see() {
    let house = House::authorized("");
    let keys = house.site().add_user("layla@example.com", &[]);
    house.write("layla", &format!("{}\n", keys.api_secret));
    let file = house.path("layla");
    open(
        &house,
        "layla",
        &format!("api_key = \"{}\"\napi_secret_file = \"{}\"\n", keys.api_key, file.display()),
    );
    house.add_contact(contact("Alan", "Turing", "alan@example.com", ""));
    add(&house, "layla", person("Grace", "Hopper", "grace@example.com", ""));
    settle(&house);
    assert_eq!(house.contacts().len(), 2);
    let graces = house.contacts().into_iter().find(|contact| contact["first_name"] == "Grace").unwrap();
    assert_eq!(graces["owner"], "layla@example.com");
    // The company's account sees both, Layla her own only.
    assert_eq!((house.persons().len(), persons(&house, "layla").len()), (2, 1));
}
