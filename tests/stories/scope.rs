//! Who takes part: entering the scope, leaving it, and coming back.

use dafater_contactsd::execute::{RunRequest, Settings};
use dafater_contactsd::sandbox::dafater::Site;
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{EMAIL, World, contact, person, writes};

fn customers_only(settings: &mut Settings) {
    settings.policy.scope.linked_to = vec!["Customer".to_owned()];
    settings.label = Some("Dafater".to_owned());
}

fn open_ones(settings: &mut Settings) {
    r#"[["status", "=", "Open"]]"#.clone_into(&mut settings.policy.scope.filters);
    settings.label = Some("Dafater".to_owned());
}

fn acme(world: &World) {
    let now = world.tick();
    world.site().insert_into("Customer", json!({ "customer_name": "Acme" }), now).unwrap();
}

fn link(world: &World, name: &str, to: &[&str]) {
    let links: Vec<Value> =
        to.iter().map(|customer| json!({ "link_doctype": "Customer", "link_name": customer })).collect();
    world.edit_contact(name, json!({ "links": links }));
}

/// Whether the person carries a label that somebody made: here only the account's.
fn is_labelled(world: &World, begins: &str) -> bool {
    let memberships = world.person(begins)["memberships"].clone();
    memberships.as_array().into_iter().flatten().any(|membership| {
        let group = &membership["contactGroupMembership"]["contactGroupResourceName"];
        group.as_str().is_some_and(|group| group != "contactGroups/myContacts")
    })
}

fn linked(world: &World) -> u32 {
    world.engine().status().unwrap().linked
}

/// Ada, whom the scope holds since she is a customer's, or open, depending on `enter`.
async fn entered(change: fn(&mut Settings), enter: impl Fn(&World, &str)) -> (World, String) {
    let mut world = World::with(change);
    acme(&world);
    let name = world.add_contact(contact("Ada", "Lovelace", "ada@example.com", "+966501234567"));
    world.settle().await;
    assert_eq!(world.persons().len(), 0, "outside, nothing is created");
    enter(&world, &name);
    world.settle().await;
    assert_eq!((world.persons().len(), linked(&world)), (1, 1), "{}", world.picture());
    world.is_quiet().await;
    (world, name)
}

async fn leaves_and_comes_back(change: fn(&mut Settings), move_it: impl Fn(&World, &str, bool)) {
    let (mut world, name) = entered(change, |world, name| move_it(world, name, true)).await;
    assert!(is_labelled(&world, "Ada"));

    move_it(&world, &name, false);
    world.settle().await;
    assert_eq!(linked(&world), 0);
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 1), "both stay: {}", world.picture());
    assert!(!is_labelled(&world, "Ada"), "the label tells who is synced");
    world.is_quiet().await;

    // Apart, each is edited by itself; nobody is made a second time.
    let resource = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
    world.edit_person(&resource, json!({ "organizations": [{ "title": "Countess" }] }));
    world.edit_contact(&name, json!({ "last_name": "Byron" }));
    for _ in 0..2 {
        assert_eq!(writes(&world.settle().await), 0, "{}", world.picture());
    }
    world.sync_as(RunRequest { full: true, dry_run: false }).await;
    assert_eq!((world.persons().len(), world.contacts().len()), (1, 1), "{}", world.picture());

    move_it(&world, &name, true);
    world.settle().await;
    world.settle().await;
    assert_eq!(
        (world.persons().len(), world.contacts().len(), linked(&world)),
        (1, 1, 1),
        "{}",
        world.picture()
    );
    let status = world.engine().status().unwrap();
    assert_eq!((status.conflicts, status.review, status.parked), (0, 0, 0), "{status:?}");
    let ada = world.contact("Ada");
    assert_eq!((&ada["last_name"], &ada["designation"]), (&json!("Byron"), &json!("Countess")));
    assert_eq!(world.person("Ada")["names"][0]["familyName"], "Byron");
    world.is_quiet().await;
}

#[tokio::test]
async fn a_customer_s_contact_is_created_leaves_with_the_link_and_is_the_same_when_it_comes_back() {
    leaves_and_comes_back(customers_only, |world, name, is_in| {
        link(world, name, if is_in { &["Acme"] } else { &[] });
    })
    .await;
}

#[tokio::test]
async fn a_contact_enters_and_leaves_by_the_site_s_own_filter() {
    leaves_and_comes_back(open_ones, |world, name, is_in| {
        world.edit_contact(name, json!({ "status": if is_in { "Open" } else { "Passive" } }));
    })
    .await;
}

#[tokio::test]
async fn a_filter_on_a_child_table_lists_a_contact_once_for_each_row_and_counts_it_once() {
    let change = |settings: &mut Settings| {
        settings.policy.scope.filters = r#"[["Dynamic Link", "link_doctype", "=", "Customer"]]"#.to_owned();
    };
    let (world, _) = entered(change, |world, name| {
        let now = world.tick();
        world.site().insert_into("Customer", json!({ "customer_name": "Globex" }), now).unwrap();
        link(world, name, &["Acme", "Globex"]);
    })
    .await;
    assert_eq!(world.persons().len(), 1);
}

#[tokio::test]
async fn what_moves_in_or_out_of_a_filter_without_being_changed_is_found() {
    let (mut world, name) = entered(open_ones, |world, name| {
        world.edit_contact(name, json!({ "status": "Open" }));
    })
    .await;
    // Past all rules, `modified` does not move.
    world.site().poison(&name, json!({ "status": "Passive" }));
    world.sync_after(SignedDuration::from_mins(61)).await;
    assert_eq!((linked(&world), world.persons().len()), (0, 1), "{}", world.picture());
    world.site().poison(&name, json!({ "status": "Open" }));
    world.sync_after(SignedDuration::from_mins(61)).await;
    assert_eq!((linked(&world), world.persons().len()), (1, 1), "{}", world.picture());
}

#[tokio::test]
async fn not_being_listed_is_no_deletion_whatever_hides_the_contact() {
    let mut world = World::with(|settings| {
        open_ones(settings);
        settings.policy.deletions = dafater_contactsd::sync::DeletionPolicy::Propagate;
    });
    let mut ada = contact("Ada", "Lovelace", "ada@example.com", "");
    ada["status"] = json!("Open");
    let name = world.add_contact(ada);
    world.settle().await;
    world.become_user(&["Sales Master Manager"]);
    world.site().hide(crate::world::DAEMON, &name);
    for _ in 0..3 {
        world.sync_after(SignedDuration::from_hours(25)).await;
    }
    assert_eq!(
        (world.persons().len(), world.contacts().len(), linked(&world)),
        (1, 1, 1),
        "{}",
        world.picture()
    );
}

#[tokio::test]
async fn what_is_deleted_while_it_is_outside_deletes_nothing_and_does_not_come_back() {
    for is_deleted_in_google in [false, true] {
        let (mut world, name) = entered(customers_only, |world, name| link(world, name, &["Acme"])).await;
        link(&world, &name, &[]);
        world.settle().await;
        let resource = world.person("Ada")["resourceName"].as_str().unwrap().to_owned();
        if is_deleted_in_google {
            world.delete_person(&resource);
        } else {
            world.delete_contact(&name);
        }
        world.settle().await;
        world.sync_as(RunRequest { full: true, dry_run: false }).await;
        let left = (world.persons().len(), world.contacts().len());
        assert_eq!(left, if is_deleted_in_google { (0, 1) } else { (1, 0) }, "{}", world.picture());
        if is_deleted_in_google {
            // Whoever enters the scope is created where nobody stands for them.
            link(&world, &name, &["Acme"]);
            world.settle().await;
            assert_eq!((world.persons().len(), linked(&world)), (1, 1), "{}", world.picture());
            world.is_quiet().await;
        } else {
            world.edit_person(&resource, json!({ "organizations": [{ "title": "Countess" }] }));
            world.settle().await;
            world.settle().await;
            assert_eq!(world.contacts().len(), 0, "{}", world.picture());
        }
    }
}

#[tokio::test]
async fn a_person_who_loses_the_label_of_the_scope_leaves_and_what_the_sync_made_does_not_count() {
    let mut world = World::with(|settings| {
        settings.policy.scope.google_labels = vec!["Business".to_owned()];
        settings.policy.scope.linked_to = vec!["Customer".to_owned()];
    });
    acme(&world);
    let now = world.tick();
    let business = world.google().add_group(EMAIL, "Business", now).unwrap();
    let member = |groups: &[&str]| {
        let all = ["contactGroups/myContacts"].iter().chain(groups);
        let memberships: Vec<Value> = all
            .map(|group| json!({ "contactGroupMembership": { "contactGroupResourceName": group } }))
            .collect();
        json!({ "memberships": memberships })
    };
    let mut grace = person("Grace", "Hopper", "grace@example.com", "");
    grace["memberships"] = member(&[&business])["memberships"].clone();
    let resource = world.add_person(grace);
    world.settle().await;
    // Made by the sync, neither needs what its counterpart has.
    let mut ada = contact("Ada", "Lovelace", "ada@example.com", "");
    ada["links"] = json!([{ "link_doctype": "Customer", "link_name": "Acme" }]);
    world.add_contact(ada);
    world.settle().await;
    assert_eq!(
        (world.persons().len(), world.contacts().len(), linked(&world)),
        (2, 2, 2),
        "{}",
        world.picture()
    );
    world.is_quiet().await;

    world.edit_person(&resource, member(&[]));
    world.settle().await;
    assert_eq!(
        (world.persons().len(), world.contacts().len(), linked(&world)),
        (2, 2, 1),
        "{}",
        world.picture()
    );
    world.is_quiet().await;
    world.edit_person(&resource, member(&[&business]));
    world.settle().await;
    assert_eq!((world.contacts().len(), linked(&world)), (2, 2), "{}", world.picture());
}

#[tokio::test]
async fn a_scope_that_is_changed_by_a_reload_holds_at_once() {
    let mut world = World::new();
    acme(&world);
    let mut ada = contact("Ada", "Lovelace", "ada@example.com", "");
    ada["links"] = json!([{ "link_doctype": "Customer", "link_name": "Acme" }]);
    world.add_contact(ada);
    world.add_contact(contact("Bob", "Builder", "bob@example.com", ""));
    world.settle().await;
    assert_eq!(linked(&world), 2);
    customers_only(&mut world.settings);
    world.settle().await;
    assert_eq!(
        (linked(&world), world.persons().len(), world.contacts().len()),
        (1, 2, 2),
        "{}",
        world.picture()
    );
    world.is_quiet().await;
    world.settings.policy.scope.linked_to.clear();
    world.settle().await;
    assert_eq!(
        (linked(&world), world.persons().len(), world.contacts().len()),
        (2, 2, 2),
        "{}",
        world.picture()
    );
    world.is_quiet().await;
}

#[tokio::test]
async fn a_filter_that_the_site_refuses_fails_the_account_with_the_site_s_reason() {
    let mut world = World::with(|settings| {
        settings.policy.scope.filters = r#"[["nosuch", "=", "Open"]]"#.to_owned();
    });
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    let report = world.sync().await;
    let error = report.error.unwrap();
    assert!(error.contains("Field not permitted in query: nosuch") && error.contains("`filters`"), "{error}");
    assert_eq!(report.cause, Some(dafater_contactsd::execute::Cause::Configuration));
    assert_eq!(world.persons().len(), 0);
}

#[tokio::test]
async fn a_quiet_cycle_under_a_filter_costs_no_more_than_without() {
    fn lists(site: &Site) -> u64 {
        site.requests()
            .iter()
            .filter(|((_, route), _)| route == "frappe.client.get_list")
            .map(|(_, count)| count)
            .sum()
    }
    let mut counts = Vec::new();
    for filters in ["", r#"[["status", "=", "Open"]]"#] {
        let mut world = World::with(|settings| settings.policy.scope.filters = filters.to_owned());
        world.settle().await;
        world.site().reset_counters();
        // One process: the world's own syncs are each another one.
        for _ in 0..5 {
            world.clock.advance(SignedDuration::from_mins(5));
            assert_eq!(world.engine().run(RunRequest::default()).await.error, None);
        }
        counts.push(lists(&world.site()));
    }
    assert!(counts[1] <= counts[0] + 1, "all contacts are asked for once an hour: {counts:?}");
}
