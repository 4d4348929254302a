//! Fields that an operator mapped, and gender, which needs no mapping.

use dafater_contactsd::contact::{Field, MappedField, PhoneContext, Region, TextField};
use dafater_contactsd::execute::{HistoryFilter, RunRequest, Settings};
use dafater_contactsd::mapping::Mapping;
use dafater_contactsd::sync::{ConflictPolicy, Direction, FieldRule, FieldRules};
use serde_json::{Value, json};

use crate::world::{EMAIL, Strike, World, contact, person, writes};

fn text(slot: &str, column: &str) -> TextField {
    TextField::Mapped(MappedField::new(slot, column))
}

/// The default fields and these.
fn map(settings: &mut Settings, fields: &[(&str, &str)]) {
    let mut texts = Mapping::default_texts();
    texts.extend(fields.iter().map(|(slot, column)| text(slot, column)));
    let phones = PhoneContext { region: Some(Region::try_from("SA".to_owned()).unwrap()) };
    settings.policy.mapping = Mapping::new(phones, &texts);
}

fn rule(settings: &mut Settings, field: Field, direction: Direction, wins: Option<ConflictPolicy>) {
    settings.policy.fields = FieldRules::from_iter([(field, FieldRule { direction, wins })]);
}

fn add_field(world: &World, name: &str, kind: &str, options: &str) {
    let now = world.tick();
    let field =
        json!({ "dt": "Contact", "fieldname": name, "label": name, "fieldtype": kind, "options": options });
    world.site().insert_into("Custom Field", field, now).unwrap();
}

const USUAL: [(&str, &str); 5] = [
    ("birthday", "custom_birthday"),
    ("notes", "custom_notes"),
    ("url.work", "custom_website"),
    ("custom.Customer No", "custom_number"),
    ("nickname", "custom_nickname"),
];

/// A world whose site has the usual custom fields, with what an operator changed of the settings.
fn world(change: impl FnOnce(&mut Settings)) -> World {
    let world = World::with(|settings| {
        map(settings, &USUAL);
        change(settings);
    });
    add_field(&world, "custom_birthday", "Date", "");
    add_field(&world, "custom_notes", "Small Text", "");
    for name in ["custom_website", "custom_number", "custom_nickname"] {
        add_field(&world, name, "Data", "");
    }
    world
}

fn ada(more: &Value) -> Value {
    let mut person = person("Ada", "Lovelace", "ada@example.com", "");
    person.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    person
}

async fn linked(mut world: World, more: Value) -> (World, String, String) {
    let resource = world.add_person(ada(&more));
    world.settle().await;
    let name = world.contact("Ada")["name"].as_str().unwrap().to_owned();
    (world, resource, name)
}

fn says(world: &World, resource: &str, path: &str) -> Value {
    let person = world.google().person(EMAIL, resource).unwrap().unwrap();
    person.pointer(path).cloned().unwrap_or(Value::Null)
}

/// The items of a list as a user wrote them.
fn plain(world: &World, resource: &str, list: &str) -> Vec<Value> {
    let mut items = says(world, resource, &format!("/{list}")).as_array().cloned().unwrap_or_default();
    for item in &mut items {
        item.as_object_mut().unwrap().retain(|key, _| key != "metadata" && !key.starts_with("formatted"));
    }
    items
}

#[tokio::test]
async fn a_birthday_goes_both_ways_and_away_again() {
    let (mut world, resource, name) =
        linked(world(|_| {}), json!({ "birthdays": [{ "date": { "year": 1815, "month": 12, "day": 10 } }] }))
            .await;
    assert_eq!(world.contact("Ada")["custom_birthday"], "1815-12-10");
    world.is_quiet().await;
    world.edit_contact(&name, json!({ "custom_birthday": "1816-01-02" }));
    let report = world.settle().await;
    assert_eq!((report.google.updated, writes(&report)), (1, 1), "{report:?}");
    assert_eq!(
        plain(&world, &resource, "birthdays"),
        [json!({ "date": { "year": 1816, "month": 1, "day": 2 } })]
    );
    world.is_quiet().await;
    world.edit_contact(&name, json!({ "custom_birthday": "" }));
    world.settle().await;
    assert_eq!(says(&world, &resource, "/birthdays"), Value::Null);
    world.is_quiet().await;
}

#[tokio::test]
async fn a_birthday_without_its_year_stays_where_it_is() {
    let (mut world, resource, _) =
        linked(world(|_| {}), json!({ "birthdays": [{ "date": { "month": 2, "day": 29 } }] })).await;
    assert_eq!(world.contact("Ada")["custom_birthday"], Value::Null);
    world.is_quiet().await;
    assert_eq!(plain(&world, &resource, "birthdays"), [json!({ "date": { "month": 2, "day": 29 } })]);
    let history = world.engine().history(&HistoryFilter::default()).unwrap();
    let reasons: Vec<_> =
        history.iter().flat_map(|view| &view.changes).map(|change| &change.reason).collect();
    assert!(reasons.iter().any(|reason| reason.contains("year, month and day")), "{reasons:?}");
}

#[tokio::test]
async fn one_value_of_a_list_goes_and_comes_and_the_others_stay() {
    let urls = json!({ "urls": [
        { "value": "https://blog.example", "type": "blog" },
        { "value": "https://work.example", "type": "work" },
        { "value": "https://castle.example", "type": "Castle" },
    ], "userDefined": [{ "key": "Shoe", "value": "38" }, { "key": "Customer No", "value": "C-7" }],
       "nicknames": [{ "value": "Byron", "type": "MAIDEN_NAME" }] });
    let (mut world, resource, name) = linked(world(|_| {}), urls).await;
    let contact = world.contact("Ada");
    assert_eq!(
        (&contact["custom_website"], &contact["custom_number"]),
        (&json!("https://work.example"), &json!("C-7"))
    );
    assert_eq!(contact["custom_nickname"], Value::Null, "a maiden name is no nickname");
    world.is_quiet().await;

    world.edit_contact(
        &name,
        json!({ "custom_website": "", "custom_number": "C-8", "custom_nickname": "Addie" }),
    );
    let report = world.settle().await;
    assert_eq!(writes(&report), 1, "{report:?}");
    assert_eq!(
        plain(&world, &resource, "urls"),
        [
            json!({ "value": "https://blog.example", "type": "blog" }),
            json!({ "value": "https://castle.example", "type": "Castle" })
        ]
    );
    assert_eq!(
        plain(&world, &resource, "userDefined"),
        [json!({ "key": "Shoe", "value": "38" }), json!({ "key": "Customer No", "value": "C-8" })]
    );
    let nicknames = plain(&world, &resource, "nicknames");
    assert_eq!(nicknames[0], json!({ "value": "Byron", "type": "MAIDEN_NAME" }));
    assert_eq!(nicknames[1]["value"], "Addie");
    world.is_quiet().await;

    world.edit_contact(&name, json!({ "custom_website": "https://new.example" }));
    world.settle().await;
    assert_eq!(
        plain(&world, &resource, "urls")[2],
        json!({ "value": "https://new.example", "type": "work" })
    );
    world.is_quiet().await;
}

#[tokio::test]
async fn notes_that_are_only_pulled_are_never_written_back() {
    let notes = Field::Text(text("notes", "custom_notes"));
    let only_pulled = world(|settings| rule(settings, notes, Direction::Pull, None));
    let (mut world, resource, name) =
        linked(only_pulled, json!({ "biographies": [{ "value": "Gate B,\nring twice" }] })).await;
    assert_eq!(world.contact("Ada")["custom_notes"], "Gate B,\nring twice");
    world.edit_contact(&name, json!({ "custom_notes": "Gate C" }));
    assert_eq!(writes(&world.settle().await), 0);
    assert_eq!(says(&world, &resource, "/biographies/0/value"), "Gate B,\nring twice");
    assert_eq!(world.contact("Ada")["custom_notes"], "Gate C");
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.settle().await;
    assert_eq!(says(&world, &resource, "/biographies/0/value"), "Gate B,\nring twice");
    // A new contact goes to Google without them.
    let mut alan = contact("Alan", "Turing", "alan@example.com", "");
    alan["custom_notes"] = json!("Hut 8");
    world.add_contact(alan);
    world.settle().await;
    assert_eq!(world.person("Alan").get("biographies"), None);
    world.is_quiet().await;
    // The direction opens: what was left out is filled, as at a first match.
    world.settings.policy.fields = FieldRules::default();
    world.settle().await;
    assert_eq!(world.person("Alan")["biographies"][0]["value"], "Hut 8");
}

#[tokio::test]
async fn a_field_that_the_site_does_not_have_is_left_alone_and_the_others_travel() {
    let unknown =
        World::with(|settings| map(settings, &[("birthday", "custom_birthdy"), ("notes", "custom_notes")]));
    add_field(&unknown, "custom_birthday", "Date", "");
    add_field(&unknown, "custom_notes", "Small Text", "");
    let (mut world, resource, name) = linked(
        unknown,
        json!({ "birthdays": [{ "date": { "year": 1815, "month": 12, "day": 10 } }], "biographies": [{ "value": "Hi" }] }),
    )
    .await;
    assert_eq!(world.contact("Ada")["custom_notes"], "Hi");
    world.edit_contact(&name, json!({ "designation": "Countess", "custom_notes": "Ho" }));
    world.settle().await;
    assert_eq!(says(&world, &resource, "/biographies/0/value"), "Ho");
    assert_eq!(says(&world, &resource, "/birthdays/0/date/year"), 1815);
    world.is_quiet().await;
    // Then somebody adds it.
    add_field(&world, "custom_birthdy", "Date", "");
    world.settle().await;
    assert_eq!(world.contact("Ada")["custom_birthdy"], "1815-12-10");
    world.is_quiet().await;
}

#[tokio::test]
async fn a_mapping_that_is_added_later_fills_and_never_wipes_and_one_that_is_moved_does_neither() {
    let none = World::new();
    for name in ["custom_birthday", "custom_other"] {
        add_field(&none, name, "Date", "");
    }
    let (mut world, ada, _) =
        linked(none, json!({ "birthdays": [{ "date": { "year": 1815, "month": 12, "day": 10 } }] })).await;
    let alan = world.add_person(person("Alan", "Turing", "alan@example.com", ""));
    world.settle().await;
    let name = world.contact("Alan")["name"].as_str().unwrap().to_owned();
    world.edit_contact(&name, json!({ "custom_birthday": "1912-06-23" }));
    assert_eq!(writes(&world.settle().await), 0);

    map(&mut world.settings, &[("birthday", "custom_birthday")]);
    let report = world.settle().await;
    assert_eq!((report.google.updated, report.dafater.updated), (1, 1), "{report:?}");
    assert_eq!(world.contact("Ada")["custom_birthday"], "1815-12-10");
    assert_eq!(says(&world, &alan, "/birthdays/0/date/year"), 1912);
    world.is_quiet().await;

    map(&mut world.settings, &[("birthday", "custom_other")]);
    world.settle().await;
    assert_eq!(
        says(&world, &ada, "/birthdays/0/date/year"),
        1815,
        "the new field is empty, and wipes nothing"
    );
    assert_eq!(world.contact("Ada")["custom_other"], "1815-12-10");
    assert_eq!(world.contact("Ada")["custom_birthday"], "1815-12-10", "what was mapped before stays");
    world.is_quiet().await;

    map(&mut world.settings, &[]);
    assert_eq!(writes(&world.sync_as(RunRequest { full: true, dry_run: false }).await), 0);
    assert_eq!(world.contact("Ada")["custom_other"], "1815-12-10");
}

#[tokio::test]
async fn one_field_is_won_by_a_side_whatever_the_account_says() {
    let wins = Field::Text(text("notes", "custom_notes"));
    let google = world(|settings| rule(settings, wins, Direction::Both, Some(ConflictPolicy::Google)));
    let (mut world, resource, name) = linked(google, json!({ "biographies": [{ "value": "one" }] })).await;
    world.edit_person(
        &resource,
        json!({ "biographies": [{ "value": "two" }], "nicknames": [{ "value": "Addie" }] }),
    );
    world.edit_contact(&name, json!({ "custom_notes": "three", "custom_nickname": "Countess" }));
    world.settle().await;
    let contact = world.contact("Ada");
    assert_eq!((&contact["custom_notes"], &contact["custom_nickname"]), (&json!("two"), &json!("Countess")));
    assert_eq!(says(&world, &resource, "/biographies/0/value"), "two");
    assert_eq!(says(&world, &resource, "/nicknames/0/value"), "Countess");
    world.is_quiet().await;
}

#[tokio::test]
async fn a_gender_goes_in_the_words_of_each_side_and_only_where_the_site_knows_it() {
    let (mut world, resource, name) =
        linked(World::new(), json!({ "genders": [{ "value": "female" }] })).await;
    assert_eq!(world.contact("Ada")["gender"], "Female");
    world.is_quiet().await;
    world.edit_contact(&name, json!({ "gender": "Other" }));
    world.settle().await;
    assert_eq!(says(&world, &resource, "/genders/0/value"), "Other");
    world.edit_contact(&name, json!({ "gender": "Male" }));
    world.settle().await;
    assert_eq!(says(&world, &resource, "/genders/0/value"), "male");
    world.edit_person(&resource, json!({ "genders": [{ "value": "a river" }] }));
    world.settle().await;
    assert_eq!(world.contact("Ada")["gender"], "Male", "no Gender of that name");
    world.is_quiet().await;
}

#[tokio::test]
async fn a_value_that_its_field_refuses_stays_and_the_rest_of_the_contact_goes() {
    let odd = World::with(|settings| {
        map(settings, &[("custom.Class", "custom_class"), ("occupation", "custom_kind")]);
    });
    add_field(&odd, "custom_class", "Select", "Gold\nSilver");
    add_field(&odd, "custom_kind", "Check", "");
    let (mut world, resource, _) = linked(
        odd,
        json!({ "userDefined": [{ "key": "Class", "value": "Bronze" }], "occupations": [{ "value": "poet" }],
            "organizations": [{ "name": "Analytical" }] }),
    )
    .await;
    assert_eq!(world.contact("Ada")["company_name"], "Analytical");
    world.edit_person(&resource, json!({ "userDefined": [{ "key": "Class", "value": "gold" }] }));
    world.settle().await;
    assert_eq!(world.contact("Ada")["custom_class"], "Gold", "in the words of the field");
    assert_eq!(says(&world, &resource, "/occupations/0/value"), "poet");
    world.is_quiet().await;
}

#[tokio::test]
async fn what_a_run_did_to_a_mapped_field_is_shown_by_its_name_and_put_back() {
    let (mut world, resource, name) =
        linked(world(|_| {}), json!({ "userDefined": [{ "key": "Customer No", "value": "C-7" }] })).await;
    world.edit_contact(&name, json!({ "custom_number": "C-8" }));
    let run = world.settle().await.run;
    let history = world.engine().history(&HistoryFilter::default()).unwrap();
    let shown = history.iter().filter(|view| view.run == run).flat_map(|view| &view.changes);
    let shown: Vec<_> =
        shown.map(|change| (change.field.as_str(), change.before.as_str(), change.after.as_str())).collect();
    assert_eq!(shown, [("custom.Customer No (google)", "C-7", "C-8")]);
    world.undo(&run).await;
    assert_eq!(says(&world, &resource, "/userDefined/0/value"), "C-7");
    assert_eq!(world.contact("Ada")["custom_number"], "C-7");
    world.is_quiet().await;
}

#[tokio::test]
async fn a_note_that_is_too_long_to_travel_stays_and_the_rest_of_the_contact_goes() {
    let long = "n".repeat(30_000);
    let (mut world, resource, name) =
        linked(world(|_| {}), json!({ "biographies": [{ "value": long }] })).await;
    assert_eq!(world.contact("Ada")["custom_notes"], Value::Null);
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.settle().await;
    assert_eq!(says(&world, &resource, "/organizations/0/title"), "Countess");
    assert_eq!(says(&world, &resource, "/biographies/0/value").as_str().map(str::len), Some(30_000));
    world.is_quiet().await;
}

#[tokio::test]
async fn a_field_that_is_removed_while_the_daemon_runs_was_not_cleared() {
    let (world, resource, name) =
        linked(world(|_| {}), json!({ "biographies": [{ "value": "Gate B" }] })).await;
    world.site().remove_custom_field("custom_notes");
    world.edit_contact(&name, json!({ "designation": "Countess" }));
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    let report = world.engine().run(RunRequest::default()).await;
    assert!(report.error.is_some(), "what is known of the site is not true any more: {report:?}");
    world.clock.advance(jiff::SignedDuration::from_mins(5));
    let report = world.engine().run(RunRequest::default()).await;
    assert_eq!(report.error, None);
    assert_eq!(says(&world, &resource, "/biographies/0/value"), "Gate B");
    assert_eq!(says(&world, &resource, "/organizations/0/title"), "Countess");
}

#[tokio::test]
async fn a_site_that_neither_says_nor_shows_its_fields_is_asked_again_in_the_next_cycle() {
    let mut world = world(|_| {});
    let mut strike = Some(Strike::HalfBody);
    world.site_weather(
        move |line, _| {
            if line.contains("/api/v2/doctype/Contact/meta") { strike.take() } else { None }
        },
    );
    world.add_person(ada(&json!({ "biographies": [{ "value": "Notes" }] })));
    world.settle().await;
    assert_eq!(world.contact("Ada")["custom_notes"], Value::Null);
    // The same process: a new one asks anyway.
    let report = world.engine().run(RunRequest::default()).await;
    assert_eq!((report.error, &world.contact("Ada")["custom_notes"]), (None, &json!("Notes")));
}
