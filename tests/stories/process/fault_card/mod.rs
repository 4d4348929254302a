//! The fault card: twelve faults that every two-way sync meets, each told once, over real HTTP, with the real store on disk.
//!
//! | | fault | what holds |
//! |---|---|---|
//! | T1 | a create is stored and its answer lost | it is found again, not sent again |
//! | T2 | one update is refused | the next run carries it, and the others went |
//! | T3 | an update is stored and its answer lost | it is neither undone nor taken for an edit |
//! | T4 | the same person is entered on both sides at once | one record a side |
//! | T5 | different fields are edited on both sides | both edits stand, whoever wins conflicts |
//! | T6 | 18 of 20 are deleted on one side | held, until a person says so |
//! | T7 | all are deleted on one side | held, until a person says so |
//! | T8 | one side writes phone numbers its own way | no write answers another, and nobody's spelling is overwritten |
//! | T9 | the state is lost with a deletion and an edit pending | pairs are known again; the rest is asked |
//! | T10 | half of a listing is missing | nothing is deleted |
//! | T11 | the token expires while a contact is deleted | the deletion arrives exactly once |
//! | T12 | the process is killed in its initial sync | no duplicate, no loss, no refused store |

mod deletions;
mod killed;
mod memory_lost;
mod writes;

use std::sync::Mutex;
use std::time::Duration;

use dafater_contactsd::sandbox::faults::{Faults, Rule};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::house::{House, Synced};
use crate::world::{EMAIL, contact, contact_line, person, person_line};

fn strike(faults: &Mutex<Faults>, rule: Rule) {
    faults.lock().unwrap().add(rule);
}

/// What was in doubt is looked for this long (`settle` and `propagation` in a house) before it is sent again.
fn pass_doubt() {
    std::thread::sleep(Duration::from_millis(1200));
}

/// A house in which `count` contacts that began on each side stand on both.
fn agreed(count: usize, account: &str) -> House {
    let house = House::authorized(account);
    for n in 0..count {
        house.add_person(person("Grace", &format!("Number{n}"), &format!("grace{n}@example.com"), ""));
        house.add_contact(contact("Alan", &format!("Number{n}"), &format!("alan{n}@example.com"), ""));
    }
    house.settle();
    pass_doubt();
    assert_eq!(house.settle().writes(), 0);
    house
}

impl House {
    fn calm(&self) {
        self.google_faults.lock().unwrap().clear();
        self.site_faults.lock().unwrap().clear();
    }

    fn struck(&self) -> (u64, u64) {
        (self.google_faults.lock().unwrap().struck(), self.site_faults.lock().unwrap().struck())
    }

    /// The faults are over: after some cycles, the last without a write, both sides say the same. Returns what.
    fn repaired(&self) -> Vec<String> {
        self.calm();
        self.settle();
        pass_doubt();
        self.settle();
        assert_eq!(self.settle().writes(), 0);
        let [google, dafater] = self.lines();
        assert_eq!(google, dafater);
        google
    }

    /// Google's contacts and the site's, as people see them.
    fn lines(&self) -> [Vec<String>; 2] {
        let mut google: Vec<String> = self.persons().iter().map(person_line).collect();
        let mut dafater: Vec<String> = self.contacts().iter().map(contact_line).collect();
        google.sort();
        dafater.sort();
        [google, dafater]
    }

    /// The one contact in Google whose line begins so.
    fn person(&self, begins: &str) -> Value {
        let mut found = self.persons().into_iter().filter(|person| person_line(person).starts_with(begins));
        let person = found.next().unwrap_or_else(|| panic!("no {begins} in {:#?}", self.lines()));
        assert!(found.next().is_none(), "two {begins} in {:#?}", self.lines());
        person
    }

    /// The one contact of the site whose line begins so.
    fn contact(&self, begins: &str) -> Value {
        let mut found =
            self.contacts().into_iter().filter(|contact| contact_line(contact).starts_with(begins));
        let contact = found.next().unwrap_or_else(|| panic!("no {begins} in {:#?}", self.lines()));
        assert!(found.next().is_none(), "two {begins} in {:#?}", self.lines());
        contact
    }

    fn edit_person(&self, begins: &str, change: Value) {
        let resource = self.person(begins)["resourceName"].as_str().unwrap().to_owned();
        self.google().edit_person(EMAIL, &resource, change, Timestamp::now()).unwrap();
    }

    fn edit_contact(&self, begins: &str, change: Value) {
        let name = self.contact(begins)["name"].as_str().unwrap().to_owned();
        self.site().edit(&name, change, Timestamp::now()).unwrap();
    }

    fn delete_person(&self, begins: &str) {
        let resource = self.person(begins)["resourceName"].as_str().unwrap().to_owned();
        self.google().delete_person(EMAIL, &resource, Timestamp::now()).unwrap();
    }

    fn delete_contact(&self, begins: &str) {
        let name = self.contact(begins)["name"].as_str().unwrap().to_owned();
        self.site().delete(&name, Timestamp::now()).unwrap();
    }

    /// All writes that the remotes were asked for so far.
    fn writes_asked(&self) -> (u64, u64) {
        (self.google().counters().writes.total(), self.site().write_count())
    }

    /// Runs a command that must succeed, and returns what it printed.
    fn tell(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {text}");
        text
    }
}

fn titled(title: &str) -> Value {
    json!({ "organizations": [{ "title": title }] })
}

fn is_held(synced: &Synced) -> bool {
    synced.report["outcome"] == "held"
}
