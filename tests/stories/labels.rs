//! Labels: what Dafater's links put on contacts in Google, and what people do with labels by hand.

use dafater_contactsd::execute::{HistoryFilter, RunReport, RunRequest, Settings};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{EMAIL, Strike, World, always, contact, once, person, writes};

fn with_rules(rules: &[(&str, &str)]) -> impl FnOnce(&mut Settings) {
    let rules = owned(rules);
    move |settings| settings.labels = rules
}

pub(crate) fn owned(rules: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    rules.iter().map(|(doctype, label)| ((*doctype).to_owned(), (*label).to_owned())).collect()
}

const RULES: &[(&str, &str)] = &[("customer", "Customers"), ("supplier", "Vendors")];

/// A contact in Dafater that is linked to `doctypes`.
pub(crate) fn linked(first: &str, doctypes: &[&str]) -> Value {
    let mut contact = contact(first, "Lovelace", &format!("{}@example.com", first.to_lowercase()), "");
    contact["links"] = links(doctypes);
    contact
}

fn links(doctypes: &[&str]) -> Value {
    doctypes.iter().map(|doctype| json!({ "link_doctype": doctype, "link_name": "Acme" })).collect()
}

impl World {
    pub(crate) fn with_acme(self) -> Self {
        let now = self.tick();
        for (doctype, name) in
            [("Customer", "customer_name"), ("Supplier", "supplier_name"), ("Lead", "lead_name")]
        {
            self.site().insert_into(doctype, json!({ name: "Acme" }), now).unwrap();
        }
        self
    }

    /// The labels that a contact in Google carries, by name, without the one that all carry.
    pub(crate) fn labels_of(&self, begins: &str) -> Vec<String> {
        let groups = self.google().groups(EMAIL).unwrap();
        let person = self.person(begins);
        let mut names: Vec<String> = person["memberships"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["contactGroupMembership"]["contactGroupResourceName"].as_str().unwrap())
            .map(|id| groups.iter().find(|(known, _)| known == id).unwrap().1.clone())
            .filter(|name| name != "myContacts")
            .collect();
        names.sort();
        names
    }

    fn label_id(&self, name: &str) -> String {
        let groups = self.google().groups(EMAIL).unwrap();
        groups.into_iter().find(|(_, known)| known == name).unwrap_or_else(|| panic!("no label {name}")).0
    }

    /// A person gives a contact these labels, and no others.
    pub(crate) fn label_by_hand(&self, begins: &str, labels: &[&str]) {
        let resource = self.person(begins)["resourceName"].as_str().unwrap().to_owned();
        let mut all = vec!["contactGroups/myContacts".to_owned()];
        all.extend(labels.iter().map(|label| self.label_id(label)));
        let all: Vec<Value> = all
            .into_iter()
            .map(|id| json!({ "contactGroupMembership": { "contactGroupResourceName": id } }))
            .collect();
        self.edit_person(&resource, json!({ "memberships": all }));
    }

    pub(crate) fn link_by_hand(&self, begins: &str, doctypes: &[&str]) {
        let name = self.contact(begins)["name"].as_str().unwrap().to_owned();
        self.edit_contact(&name, json!({ "links": links(doctypes) }));
    }

    pub(crate) async fn later(&mut self) -> RunReport {
        let report = self.sync_after(SignedDuration::from_mins(20)).await;
        assert_eq!(report.error, None, "{report:?}");
        report
    }

    /// Nothing more happens, whatever is read.
    pub(crate) async fn labels_are_quiet(&mut self) {
        for full in [false, false, true] {
            self.clock.advance(SignedDuration::from_mins(20));
            let report = self.sync_as(RunRequest { full, dry_run: false }).await;
            assert_eq!((writes(&report), report.labels, report.error.as_ref()), (0, 0, None), "{report:?}");
        }
        // The time of success is saved every five minutes.
        let before = self.store.commits();
        self.sync_after(SignedDuration::from_mins(1)).await;
        assert_eq!(self.store.commits(), before, "an idle cycle commits");
    }
}

#[tokio::test]
async fn a_contact_gets_the_labels_of_its_links_and_loses_them_with_the_links() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.add_contact(linked("Grace", &["Customer", "Supplier"]));
    world.add_contact(linked("Alan", &["Lead"]));
    let report = world.settle().await;
    assert_eq!((report.google.created, report.labels), (3, 0), "created with their labels: {report:?}");
    assert_eq!(world.labels_of("Ada"), ["Customers"]);
    assert_eq!(world.labels_of("Grace"), ["Customers", "Vendors"]);
    assert!(world.labels_of("Alan").is_empty());
    world.labels_are_quiet().await;

    world.link_by_hand("Ada", &["Supplier"]);
    world.link_by_hand("Grace", &[]);
    world.link_by_hand("Alan", &["Lead", "Customer"]);
    let report = world.later().await;
    assert_eq!((report.labels, writes(&report)), (3, 0), "{report:?}");
    assert_eq!(world.labels_of("Ada"), ["Vendors"]);
    assert!(world.labels_of("Grace").is_empty());
    assert_eq!(world.labels_of("Alan"), ["Customers"]);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn a_contact_that_was_matched_gets_its_label_in_one_call_with_all_others() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    for first in ["Ada", "Grace", "Alan"] {
        world.add_contact(linked(first, &["Customer"]));
        world.add_person(person(first, "Lovelace", &format!("{}@example.com", first.to_lowercase()), ""));
    }
    let report = world.settle().await;
    assert_eq!((report.linked, report.labels, writes(&report)), (3, 3, 0), "{report:?}");
    let calls = world.google().requests().filter(|request| request.api.ends_with("members.modify")).count();
    assert_eq!(calls, 1);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn what_people_put_on_and_take_off_by_hand_stays_so() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    let now = world.tick();
    world.google().add_group(EMAIL, "Customers", now).unwrap();
    world.google().add_group(EMAIL, "Friends of the house", now).unwrap();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.label_by_hand("Ada", &["Customers", "Friends of the house"]);
    world.add_contact(linked("Ada", &["Customer"]));
    world.add_contact(linked("Grace", &["Customer"]));
    world.settle().await;
    world.later().await;
    // What a person put on stays when the link goes.
    world.link_by_hand("Ada", &[]);
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Customers", "Friends of the house"]);
    // What a person took off is not put on again, also not by a full read, until the link changes.
    world.label_by_hand("Grace", &[]);
    world.later().await;
    world.labels_are_quiet().await;
    assert!(world.labels_of("Grace").is_empty());
    world.link_by_hand("Grace", &[]);
    world.later().await;
    world.link_by_hand("Grace", &["Customer"]);
    world.later().await;
    assert_eq!(world.labels_of("Grace"), ["Customers"]);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn a_rule_that_comes_changes_or_goes_reaches_all_contacts() {
    let mut world = World::with(|settings| settings.label = Some("Dafater".to_owned())).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.add_contact(linked("Grace", &["Supplier"]));
    world.settle().await;
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Dafater"]);
    for (rules, ada, grace) in [
        (RULES, vec!["Customers", "Dafater"], vec!["Dafater", "Vendors"]),
        (
            &[("customer", "Clients"), ("supplier", "Vendors")],
            vec!["Clients", "Dafater"],
            vec!["Dafater", "Vendors"],
        ),
        (&[("supplier", "Vendors")], vec!["Dafater"], vec!["Dafater", "Vendors"]),
        (&[], vec!["Dafater"], vec!["Dafater"]),
    ] {
        world.settings.labels = owned(rules);
        world.later().await;
        assert_eq!(world.labels_of("Ada"), ada, "{rules:?}");
        assert_eq!(world.labels_of("Grace"), grace, "{rules:?}");
        world.labels_are_quiet().await;
    }
}

#[tokio::test]
async fn a_label_that_is_renamed_in_google_keeps_its_role() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.settings.label = Some("Dafater".to_owned());
    world.add_contact(linked("Ada", &["Customer"]));
    world.settle().await;
    let now = world.tick();
    for (old, new) in [("Customers", "Kunden"), ("Dafater", "Aus Dafater")] {
        let id = world.label_id(old);
        world.google().rename_group(EMAIL, &id, new, now).unwrap();
    }
    world.add_contact(linked("Grace", &["Customer"]));
    world.later().await;
    assert_eq!(world.labels_of("Grace"), ["Aus Dafater", "Kunden"]);
    world.link_by_hand("Ada", &[]);
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Aus Dafater"]);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn a_label_of_the_scope_keeps_its_role_under_another_name() {
    let mut world = World::with(|settings| settings.policy.scope.google_labels = vec!["Business".to_owned()]);
    let now = world.tick();
    let id = world.google().add_group(EMAIL, "Business", now).unwrap();
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.label_by_hand("Ada", &["Business"]);
    world.settle().await;
    let now = world.tick();
    world.google().rename_group(EMAIL, &id, "Work", now).unwrap();
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.label_by_hand("Grace", &["Work"]);
    world.add_person(person("Alan", "Turing", "alan@example.com", ""));
    world.later().await;
    assert_eq!(world.contacts().len(), 2, "\n{}", world.picture());
}

#[tokio::test]
async fn a_label_that_a_person_deletes_is_not_made_again_until_there_is_one_of_its_name() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.settle().await;
    world.later().await;
    let (id, now) = (world.label_id("Customers"), world.tick());
    world.google().delete_group(EMAIL, &id, now).unwrap();
    world.add_contact(linked("Grace", &["Customer"]));
    world.later().await;
    assert!(world.labels_of("Ada").is_empty() && world.labels_of("Grace").is_empty());
    let warning = world.engine().status().unwrap().warning.unwrap();
    assert!(warning.contains("Customers"), "{warning}");
    world.labels_are_quiet().await;
    let now = world.tick();
    world.google().add_group(EMAIL, "Customers", now).unwrap();
    world.link_by_hand("Grace", &["Customer", "Lead"]);
    world.later().await;
    world.later().await;
    assert_eq!(
        (world.labels_of("Ada"), world.labels_of("Grace")),
        (vec!["Customers".to_owned()], vec!["Customers".to_owned()])
    );
    assert_eq!(world.engine().status().unwrap().warning, None);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn a_system_label_that_takes_nobody_is_said_and_holds_up_nothing() {
    let mut world = World::with(with_rules(&[("customer", "Friends"), ("supplier", "Starred")])).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.add_contact(linked("Grace", &["Supplier"]));
    world.settle().await;
    assert!(world.labels_of("Ada").is_empty());
    assert_eq!(world.labels_of("Grace"), ["starred"]);
    assert!(world.engine().status().unwrap().warning.unwrap().contains("Friends"));
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn a_lost_answer_and_a_crash_neither_lose_a_label_nor_claim_a_persons() {
    for strike in [Strike::LoseAnswer, Strike::LoseRequest, Strike::UNAVAILABLE, Strike::EXHAUSTED] {
        let mut world = World::with(with_rules(RULES)).with_acme();
        world.add_contact(linked("Ada", &["Customer"]));
        world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
        world.google_weather(once("members:modify", strike));
        let report = world.sync().await;
        assert_eq!((report.error, report.linked), (None, 1), "labels hold up nothing");
        world.calm();
        world.later().await;
        assert_eq!(world.labels_of("Ada"), ["Customers"]);
        world.link_by_hand("Ada", &[]);
        world.later().await;
        assert!(world.labels_of("Ada").is_empty(), "it was the sync's own");
        world.labels_are_quiet().await;
    }
    for commit in 1..12 {
        for durable in [false, true] {
            let mut world = World::with(with_rules(RULES)).with_acme();
            world.add_contact(linked("Ada", &["Customer"]));
            world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
            world.add_contact(linked("Grace", &["Supplier"]));
            world.sync_killed_at(commit, durable).await;
            world.later().await;
            world.later().await;
            assert_eq!(
                (world.labels_of("Ada"), world.labels_of("Grace")),
                (vec!["Customers".to_owned()], vec!["Vendors".to_owned()]),
                "{commit} {durable}"
            );
            world.link_by_hand("Ada", &[]);
            world.link_by_hand("Grace", &[]);
            world.later().await;
            assert!(world.labels_of("Ada").is_empty(), "{commit} {durable}");
            assert!(world.labels_of("Grace").is_empty(), "{commit} {durable}");
            world.labels_are_quiet().await;
        }
    }
}

#[tokio::test]
async fn what_refuses_labels_holds_up_no_contact() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.google_weather(always("contactGroups", Strike::UNAVAILABLE));
    for _ in 0..3 {
        assert_eq!(world.sync().await.error, None);
    }
    assert_eq!(world.persons().len(), 1);
    world.calm();
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Customers"]);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn labels_are_planned_remembered_and_put_back() {
    let mut world = World::new().with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    world.settings.labels = owned(RULES);
    let commits = world.store.commits();
    let report = world.sync_as(RunRequest { full: false, dry_run: true }).await;
    assert_eq!((report.labels, world.store.commits()), (1, commits), "{report:?}");
    assert!(world.google().groups(EMAIL).unwrap().iter().all(|(_, name)| name != "Customers"));
    let plan = world.engine().plan().await.unwrap();
    let step = plan.steps.iter().find(|step| step.action == "label").unwrap();
    assert_eq!((step.title.as_str(), step.changes[0].after.as_str()), ("Ada Lovelace", "Customers"));
    let report = world.settle().await;
    let history = world.engine().history(&HistoryFilter::default()).unwrap();
    let entry = history.iter().find(|entry| entry.action == "label").unwrap();
    assert_eq!(entry.changes[0].after, "Customers");
    let undone = world.undo(&report.run).await;
    assert!(undone.steps.iter().any(|step| step.action == "label"), "{undone:?}");
    assert!(world.labels_of("Ada").is_empty());
    let back = world.undo(&undone.run.unwrap()).await;
    assert!(back.run.is_some());
    assert_eq!(world.labels_of("Ada"), ["Customers"]);
}

#[tokio::test]
async fn a_label_change_is_no_edit() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.settle().await;
    world.later().await;
    let now = world.tick();
    world.google().add_group(EMAIL, "Friends of the house", now).unwrap();
    world.label_by_hand("Ada", &["Friends of the house"]);
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.delete_contact(&name);
    let report = world.later().await;
    assert_eq!(
        (report.google.deleted, report.dafater.created),
        (1, 0),
        "an edit would beat the deletion: {report:?}"
    );
}

#[tokio::test]
async fn nothing_is_labelled_where_pushing_is_off() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.settings.policy.push = false;
    world.add_contact(linked("Ada", &["Customer"]));
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    assert!(world.labels_of("Ada").is_empty());
    world.settings.policy.push = true;
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Customers"]);
}

/// Ada with all labels by the sync and one by hand, and Grace, whom somebody gave the account's own label by hand.
async fn two_customers(change: fn(&mut Settings)) -> World {
    let mut world = World::with(|settings| {
        settings.labels = owned(RULES);
        settings.label = Some("Dafater".to_owned());
        settings.policy.scope.linked_to = vec!["Customer".to_owned()];
        change(settings);
    })
    .with_acme();
    world.add_contact(linked("Ada", &["Customer", "Supplier"]));
    world.settle().await;
    let now = world.tick();
    world.google().add_group(EMAIL, "Friends of the house", now).unwrap();
    world.label_by_hand("Ada", &["Customers", "Vendors", "Dafater", "Friends of the house"]);
    world.add_person(person("Grace", "Lovelace", "grace@example.com", ""));
    world.label_by_hand("Grace", &["Dafater", "Vendors"]);
    world.add_contact(linked("Grace", &["Customer", "Supplier"]));
    world.later().await;
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Customers", "Dafater", "Friends of the house", "Vendors"]);
    assert_eq!(world.labels_of("Grace"), ["Customers", "Dafater", "Vendors"]);
    world.labels_are_quiet().await;
    world
}

#[tokio::test]
async fn whoever_leaves_the_scope_loses_what_the_sync_put_on_and_gets_it_again_with_the_return() {
    let troubles: [Option<Strike>; 5] = [
        None,
        Some(Strike::LoseAnswer),
        Some(Strike::LoseRequest),
        Some(Strike::UNAVAILABLE),
        Some(Strike::EXHAUSTED),
    ];
    for trouble in troubles {
        let mut world = two_customers(|_| {}).await;
        for first in ["Ada", "Grace"] {
            world.link_by_hand(first, &[]);
        }
        if let Some(strike) = trouble {
            world.google_weather(once("members:modify", strike));
        }
        world.later().await;
        world.calm();
        world.later().await;
        assert_eq!(world.engine().status().unwrap().linked, 0);
        assert_eq!(world.labels_of("Ada"), ["Friends of the house"]);
        assert_eq!(world.labels_of("Grace"), ["Dafater", "Vendors"], "a person put them on");
        world.labels_are_quiet().await;
        for first in ["Ada", "Grace"] {
            world.link_by_hand(first, &["Customer"]);
        }
        world.later().await;
        world.later().await;
        assert_eq!((world.persons().len(), world.contacts().len()), (2, 2));
        assert_eq!(world.labels_of("Ada"), ["Customers", "Dafater", "Friends of the house"]);
        assert_eq!(world.labels_of("Grace"), ["Customers", "Dafater", "Vendors"]);
        world.labels_are_quiet().await;
    }
}

#[tokio::test]
async fn labels_come_off_once_google_takes_writes_again() {
    let mut world = two_customers(|_| {}).await;
    let until = world.clock_now() + SignedDuration::from_hours(1);
    world.google().refuse_writes_until(EMAIL, Some(until)).unwrap();
    let person = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    assert!(world.sync_after(SignedDuration::from_mins(20)).await.error.is_some());
    // Google rests now: whoever leaves is remembered, and what is to come off comes off later.
    world.link_by_hand("Ada", &[]);
    let before = world.google().requests().filter(|one| one.api.ends_with("members.modify")).count();
    world.sync_after(SignedDuration::from_mins(1)).await;
    assert_eq!(world.engine().status().unwrap().linked, 1);
    let after = world.google().requests().filter(|one| one.api.ends_with("members.modify")).count();
    assert_eq!((before, world.labels_of("Ada").len()), (after, 4));
    world.sync_after(SignedDuration::from_hours(7)).await;
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Friends of the house"]);
    assert!(world.google().person(EMAIL, &person).unwrap().is_some());
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn labels_stay_on_whoever_leaves_where_the_scope_says_so() {
    let mut world = two_customers(|settings| settings.policy.scope.unlabel = false).await;
    world.link_by_hand("Ada", &[]);
    world.later().await;
    world.later().await;
    assert_eq!(world.engine().status().unwrap().linked, 1);
    assert_eq!(world.labels_of("Ada"), ["Customers", "Dafater", "Friends of the house", "Vendors"]);
}

#[tokio::test]
async fn a_contact_from_google_that_is_linked_by_its_organisation_gets_the_label_of_the_link() {
    let mut world = World::with(|settings| {
        settings.labels = owned(RULES);
        settings.links = dafater_contactsd::sync::Links {
            by: vec![dafater_contactsd::sync::LinkBy::Organisation],
            doctypes: vec!["Customer".to_owned()],
            free_mail: Vec::new(),
        };
    })
    .with_acme();
    let mut ada = person("Ada", "Lovelace", "ada@example.com", "");
    ada["organizations"] = json!([{ "name": "Acme" }]);
    world.add_person(ada);
    world.later().await;
    world.later().await;
    assert_eq!(world.labels_of("Ada"), ["Customers"]);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn the_last_label_of_a_contact_stays_and_is_not_asked_for_again() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.settle().await;
    // A person takes it out of all other labels, "My Contacts" too.
    let (resource, id) =
        (world.person("Ada")["resourceName"].as_str().unwrap().to_owned(), world.label_id("Customers"));
    let only = json!([{ "contactGroupMembership": { "contactGroupResourceName": id } }]);
    world.edit_person(&resource, json!({ "memberships": only }));
    world.later().await;
    world.link_by_hand("Ada", &[]);
    let report = world.later().await;
    assert_eq!(report.labels, 0, "google lets nobody be without a label");
    assert_eq!(world.labels_of("Ada"), ["Customers"]);
    world.labels_are_quiet().await;
}

#[tokio::test]
async fn labels_are_read_from_where_the_last_read_ended_until_google_forgets_it() {
    let mut world = World::with(with_rules(RULES)).with_acme();
    world.add_contact(linked("Ada", &["Customer"]));
    world.settle().await;
    let lists = |world: &World| -> Vec<bool> {
        let google = world.google();
        let all = google.requests().filter(|one| one.api == "contactGroups.list");
        all.map(|one| one.uri.contains("syncToken=")).collect()
    };
    assert_eq!(lists(&world), [false]);
    for (doctypes, forgets, asked) in
        [(&["Customer", "Supplier"][..], false, &[true][..]), (&[], true, &[true, false])]
    {
        let before = lists(&world).len();
        world.link_by_hand("Ada", doctypes);
        if forgets {
            world.google().expire_sync_tokens(EMAIL).unwrap();
        }
        // One process: what it remembers of labels is lost with it.
        world.clock.advance(SignedDuration::from_mins(20));
        assert_eq!(world.engine().run(RunRequest::default()).await.labels, 1);
        assert_eq!(lists(&world)[before..], *asked, "{doctypes:?}");
    }
    assert!(world.labels_of("Ada").is_empty());
}
