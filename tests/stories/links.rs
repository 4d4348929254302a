//! To whom contacts from Google are linked.

use dafater_contactsd::sync::{LinkBy, Links};
use serde_json::{Value, json};

use crate::world::{World, contact, person};

fn world(by: &[LinkBy]) -> World {
    let by = by.to_vec();
    let world = World::with(move |settings| {
        settings.links = Links {
            by,
            doctypes: vec!["Customer".to_owned(), "Supplier".to_owned()],
            free_mail: vec!["gmail.com".to_owned()],
        };
    });
    let now = world.tick();
    for customer in ["Acme Trading", "Globex", "Initech"] {
        world.site().insert_into("Customer", json!({ "customer_name": customer }), now).unwrap();
    }
    world.site().insert_into("Supplier", json!({ "supplier_name": "Hooli" }), now).unwrap();
    world
}

fn of(organisation: &str, given: &str, email: &str) -> Value {
    let mut person = person(given, "", email, "");
    person["organizations"] = json!([{ "name": organisation }]);
    person
}

fn links(contact: &Value) -> Vec<String> {
    let rows = contact["links"].as_array().into_iter().flatten();
    rows.map(|row| {
        format!("{}:{}", row["link_doctype"].as_str().unwrap(), row["link_name"].as_str().unwrap())
    })
    .collect()
}

#[tokio::test]
async fn a_contact_of_a_customer_s_organisation_is_linked_to_it_in_any_case() {
    let mut world = world(&[LinkBy::Organisation]);
    world.add_person(of("ACME trading", "Ada", "ada@acme.example"));
    world.add_person(of("Hooli", "Gavin", ""));
    world.add_person(of("Nobody Inc", "Bob", ""));
    world.settle().await;
    assert_eq!(links(&world.contact("Ada")), ["Customer:Acme Trading"]);
    assert_eq!(links(&world.contact("Gavin")), ["Supplier:Hooli"]);
    assert!(links(&world.contact("Bob")).is_empty());
    assert_eq!(world.contact("Ada")["name"], "Ada-Acme Trading");
    world.is_quiet().await;
}

#[tokio::test]
async fn a_mail_domain_that_a_customer_s_contacts_use_links_and_free_mail_never_does() {
    let mut world = world(&[LinkBy::EmailDomain]);
    for (name, email, customer) in
        [("Known", "known@globex.example", "Globex"), ("Free", "someone@gmail.com", "Initech")]
    {
        let mut known = contact(name, "", email, "");
        known["links"] = json!([{ "link_doctype": "Customer", "link_name": customer }]);
        world.add_contact(known);
    }
    world.add_person(person("Ada", "", "ada@Globex.example", ""));
    world.add_person(person("Bob", "", "bob@gmail.com", ""));
    world.settle().await;
    assert_eq!(links(&world.contact("Ada")), ["Customer:Globex"]);
    assert!(links(&world.contact("Bob")).is_empty());
}

#[tokio::test]
async fn between_two_nobody_guesses_and_the_history_names_both() {
    let mut world = world(&[LinkBy::Organisation, LinkBy::EmailDomain]);
    let mut known = contact("Known", "", "known@shared.example", "");
    known["links"] = json!([{ "link_doctype": "Customer", "link_name": "Globex" }]);
    world.add_contact(known);
    world.add_person(of("Initech", "Ada", "ada@shared.example"));
    world.settle().await;
    assert!(links(&world.contact("Ada")).is_empty());
    let history = world.engine().history(&dafater_contactsd::execute::HistoryFilter::default()).unwrap();
    let note = history.iter().find(|entry| entry.action == "party").unwrap();
    assert!(note.reason.contains("Globex, Initech"), "{}", note.reason);
    // A person is asked, once, until the contact is linked on the site.
    let asked = world.engine().reviews().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].title, "Ada");
    assert!(asked[0].reason.contains("Globex, Initech; link it on the site"), "{}", asked[0].reason);
    assert_eq!(world.sync().await.review, 1);
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "links": [{ "link_doctype": "Customer", "link_name": "Initech" }] }));
    assert_eq!(world.sync().await.review, 0);
    assert!(world.engine().reviews().unwrap().is_empty());
}

#[tokio::test]
async fn whoever_shall_be_linked_to_nobody_is_skipped_and_not_asked_about_again() {
    let mut world = world(&[LinkBy::Organisation, LinkBy::EmailDomain]);
    let mut known = contact("Known", "", "known@shared.example", "");
    known["links"] = json!([{ "link_doctype": "Customer", "link_name": "Globex" }]);
    world.add_contact(known);
    let resource = world.add_person(of("Initech", "Ada", "ada@shared.example"));
    world.settle().await;
    let asked = world.engine().reviews().unwrap();
    world.engine().skip(&asked[0].record).await.unwrap();
    assert_eq!(world.engine().status().unwrap().review, 0);
    // It stays a pair.
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Umbrella" }] }));
    world.settle().await;
    assert_eq!(world.contact("Ada")["company_name"], "Umbrella");
    assert!(world.engine().reviews().unwrap().is_empty() && links(&world.contact("Ada")).is_empty());
}

#[tokio::test]
async fn a_contact_that_is_paired_is_linked_once_and_a_link_of_a_person_stays() {
    let mut world = world(&[LinkBy::Organisation]);
    world.add_contact(contact("Ada", "Lovelace", "ada@acme.example", ""));
    let mut own = contact("Grace", "Hopper", "grace@acme.example", "");
    own["links"] = json!([{ "link_doctype": "Supplier", "link_name": "Hooli" }]);
    world.add_contact(own);
    for (given, family, email) in
        [("Ada", "Lovelace", "ada@acme.example"), ("Grace", "Hopper", "grace@acme.example")]
    {
        let mut person = person(given, family, email, "");
        person["organizations"] = json!([{ "name": "Acme Trading" }]);
        world.add_person(person);
    }
    let report = world.settle().await;
    assert_eq!(report.linked, 2);
    assert_eq!(links(&world.contact("Ada")), ["Customer:Acme Trading"]);
    assert_eq!(links(&world.contact("Grace")), ["Supplier:Hooli"]);
    world.is_quiet().await;
    // A person takes the link away: it is not made again.
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "links": [], "designation": "Countess" }));
    world.settle().await;
    assert!(links(&world.contact("Ada")).is_empty());
    world.is_quiet().await;
}

#[tokio::test]
async fn without_a_rule_or_without_the_right_to_read_customers_nobody_is_linked_and_all_go_across() {
    let mut off = world(&[]);
    off.add_person(of("Acme Trading", "Ada", ""));
    off.settle().await;
    assert!(links(&off.contact("Ada")).is_empty());

    let mut blind = world(&[LinkBy::Organisation]);
    blind.become_user(&["Purchase Master Manager"]);
    blind.add_person(of("Acme Trading", "Ada", ""));
    blind.settle().await;
    assert!(links(&blind.contact("Ada")).is_empty());
}

#[tokio::test]
async fn the_name_of_the_company_follows_both_ways() {
    let mut world = world(&[LinkBy::Organisation]);
    let resource = world.add_person(of("Acme Trading", "Ada", "ada@acme.example"));
    world.settle().await;
    world.edit_person(&resource, json!({ "organizations": [{ "name": "Globex" }] }));
    world.settle().await;
    let ada = world.contact("Ada");
    assert_eq!(
        (ada["company_name"].as_str(), links(&ada)),
        (Some("Globex"), vec!["Customer:Acme Trading".to_owned()])
    );
    let name = ada["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "company_name": "Initech" }));
    world.settle().await;
    assert_eq!(world.person("Ada")["organizations"][0]["name"], "Initech");
}
