//! Photos: carried where configured, when they changed, and never in the way.

use dafater_contactsd::execute::{HistoryFilter, RunReport};
use dafater_contactsd::sync::{ConflictPolicy, PhotoPolicy};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::world::{EMAIL, Strike, World, always, contact, once, person, writes};

/// Image files, by what is in them.
fn jpeg(content: &str) -> Vec<u8> {
    [b"\xff\xd8\xff", content.as_bytes()].concat()
}

fn png(content: &str) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n", content.as_bytes()].concat()
}

async fn ada(photos: PhotoPolicy) -> World {
    let mut world = World::with(|settings| settings.photos = photos);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.add_contact(contact("Ada", "Lovelace", "ada@example.com", ""));
    world.settle().await;
    world
}

impl World {
    fn resource(&self) -> String {
        self.person("Ada")["resourceName"].as_str().unwrap().to_owned()
    }

    fn name(&self) -> String {
        self.contact("Ada")["name"].as_str().unwrap().to_owned()
    }

    fn set_google_photo(&self, photo: Option<Vec<u8>>) {
        let (resource, now) = (self.resource(), self.tick());
        self.google().set_photo(EMAIL, &resource, photo, now).unwrap();
    }

    fn set_dafater_photo(&self, filename: &str, photo: &[u8]) {
        let (name, now) = (self.name(), self.tick());
        self.site().set_photo(&name, filename, photo, now).unwrap();
    }

    /// What both photos show.
    fn photos(&self) -> (Option<Vec<u8>>, Option<Vec<u8>>) {
        let resource = self.resource();
        let google = self.google().photo(EMAIL, &resource).unwrap();
        let image = self.contact("Ada")["image"].as_str().unwrap_or_default().to_owned();
        (google, self.site().file(&image))
    }

    async fn carried(&mut self) -> RunReport {
        let report = self.sync_after(SignedDuration::from_mins(20)).await;
        assert_eq!(report.error, None, "{report:?}");
        report
    }

    async fn photos_are_quiet(&mut self) {
        for _ in 0..2 {
            let report = self.carried().await;
            assert_eq!((writes(&report), report.photos), (0, 0), "{report:?}");
        }
        let before = self.store.commits();
        self.sync_after(SignedDuration::from_mins(1)).await;
        assert_eq!(self.store.commits(), before, "an idle cycle commits");
    }
}

#[tokio::test]
async fn photos_are_off_by_default() {
    let mut world = ada(PhotoPolicy::Off).await;
    world.set_google_photo(Some(jpeg("one")));
    let report = world.carried().await;
    assert_eq!((report.photos, world.photos().1), (0, None));
}

#[tokio::test]
async fn a_photo_goes_to_the_side_that_has_none_and_changes_follow() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_google_photo(Some(jpeg("one")));
    assert_eq!(world.carried().await.photos, 1);
    assert_eq!(world.photos(), (Some(jpeg("one")), Some(jpeg("one"))));
    world.photos_are_quiet().await;
    world.set_dafater_photo("two.png", &png("two"));
    assert_eq!(world.carried().await.photos, 1);
    assert_eq!(world.photos(), (Some(png("two")), Some(png("two"))));
    world.photos_are_quiet().await;
    world.set_google_photo(Some(png("three")));
    assert_eq!(world.carried().await.photos, 1);
    assert_eq!(world.photos(), (Some(png("three")), Some(png("three"))));
    world.photos_are_quiet().await;
}

#[tokio::test]
async fn contacts_that_the_sync_creates_get_their_photos_with_the_next_run() {
    let mut world = World::with(|settings| settings.photos = PhotoPolicy::Both);
    world.add_person(person("Ada", "Lovelace", "ada@example.com", ""));
    world.set_google_photo(Some(jpeg("one")));
    world.settle().await;
    assert_eq!(world.carried().await.photos, 1);
    assert_eq!(world.photos().1, Some(jpeg("one")));
    world.photos_are_quiet().await;
}

#[tokio::test]
async fn each_direction_is_its_own() {
    for (policy, google, dafater) in [(PhotoPolicy::Pull, false, true), (PhotoPolicy::Push, true, false)] {
        let mut world = ada(policy).await;
        world.set_google_photo(Some(jpeg("g")));
        world.carried().await;
        assert_eq!(world.photos().1.is_some(), dafater, "{policy:?}");
        let mut world = ada(policy).await;
        world.set_dafater_photo("d.png", &png("d"));
        world.carried().await;
        assert_eq!(world.photos().0.is_some(), google, "{policy:?}");
        world.photos_are_quiet().await;
    }
}

#[tokio::test]
async fn where_both_have_a_photo_both_stay_unless_the_policy_names_a_side() {
    let (google, dafater) = (jpeg("g"), png("d"));
    for (conflict, after) in [
        (ConflictPolicy::Newest, (&google, &dafater)),
        (ConflictPolicy::Manual, (&google, &dafater)),
        (ConflictPolicy::Dafater, (&dafater, &dafater)),
        (ConflictPolicy::Google, (&google, &google)),
    ] {
        let mut world = ada(PhotoPolicy::Both).await;
        world.settings.policy.conflict = conflict;
        world.set_google_photo(Some(google.clone()));
        world.set_dafater_photo("d.png", &dafater);
        world.carried().await;
        assert_eq!(world.photos(), (Some(after.0.clone()), Some(after.1.clone())), "{conflict:?}");
        world.photos_are_quiet().await;
        if after.0 != after.1 {
            let history = world.engine().history(&HistoryFilter::default()).unwrap();
            assert_eq!(history.iter().filter(|entry| entry.reason.contains("both stay")).count(), 1);
            // Whoever changes one of them then means it.
            world.set_google_photo(Some(jpeg("new")));
            world.carried().await;
            assert_eq!(world.photos(), (Some(jpeg("new")), Some(jpeg("new"))));
            world.photos_are_quiet().await;
        }
    }
}

#[tokio::test]
async fn a_photo_that_was_carried_before_is_carried_again_where_somebody_replaced_it() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.settings.policy.conflict = ConflictPolicy::Dafater;
    world.set_dafater_photo("a.png", &png("a"));
    world.carried().await;
    world.carried().await;
    world.set_google_photo(Some(png("b")));
    world.set_dafater_photo("c.png", &png("c"));
    world.set_dafater_photo("copy-of-a.png", &png("a"));
    world.set_dafater_photo("b.png", &png("other"));
    world.carried().await;
    world.set_google_photo(Some(png("b")));
    world.set_dafater_photo("a.png", &png("a"));
    world.carried().await;
    assert_eq!(world.photos(), (Some(png("a")), Some(png("a"))));
    world.photos_are_quiet().await;
}

#[tokio::test]
async fn a_lost_store_carries_no_photo_again() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_google_photo(Some(jpeg("g")));
    world.carried().await;
    world.lose_store();
    let before = world.site().file_count();
    for _ in 0..3 {
        world.sync_after(SignedDuration::from_mins(20)).await;
    }
    let photos = world.photos();
    assert_eq!((photos, world.site().file_count()), ((Some(jpeg("g")), Some(jpeg("g"))), before));
}

#[tokio::test]
async fn a_photo_that_goes_takes_only_its_own_copy_with_it() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_google_photo(Some(jpeg("g")));
    world.carried().await;
    world.carried().await;
    world.set_google_photo(None);
    assert_eq!(world.carried().await.photos, 1);
    assert_eq!(world.photos(), (None, None));
    world.photos_are_quiet().await;
    // The copy goes, and the original stays.
    world.set_google_photo(Some(jpeg("again")));
    world.carried().await;
    world.carried().await;
    let name = world.name();
    world.edit_contact(&name, json!({ "image": "" }));
    world.carried().await;
    assert_eq!(world.photos(), (Some(jpeg("again")), None));
    world.photos_are_quiet().await;
}

#[tokio::test]
async fn what_is_no_users_photo_is_not_carried() {
    for image in [
        "https://secure.gravatar.com/avatar/abc?d=404",
        "https://photos.example/a.png",
        "data:image/png;base64,AA",
    ] {
        let mut world = ada(PhotoPolicy::Both).await;
        let name = world.name();
        world.edit_contact(&name, json!({ "image": image }));
        let report = world.carried().await;
        assert_eq!((report.photos, world.photos().0), (0, None), "{image}");
        world.photos_are_quiet().await;
    }
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_dafater_photo("note.txt", b"no image at all");
    assert_eq!(world.carried().await.photos, 0);
    let history = world.engine().history(&HistoryFilter::default()).unwrap();
    assert!(history.iter().any(|entry| entry.reason.contains("neither JPEG nor PNG")), "{history:?}");
    world.photos_are_quiet().await;
}

#[tokio::test]
async fn the_same_content_at_another_place_is_not_carried_again() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_dafater_photo("a.png", &png("a"));
    world.carried().await;
    world.carried().await;
    let puts = |world: &World| {
        world.google().requests().filter(|one| one.api == "people.updateContactPhoto").count()
    };
    assert_eq!(puts(&world), 1);
    world.set_dafater_photo("b.png", &png("b"));
    world.set_dafater_photo("a.png", &png("a"));
    world.carried().await;
    assert_eq!(puts(&world), 1);
    world.photos_are_quiet().await;
}

#[tokio::test]
async fn a_photo_that_fails_waits_by_itself_and_everything_else_goes_on() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_google_photo(Some(jpeg("g")));
    world.add_person(person("Grace", "Hopper", "grace@example.com", ""));
    world.site_weather(always("attach_file", Strike::BAD_GATEWAY));
    let report = world.carried().await;
    assert_eq!((report.dafater.created, report.photos, report.parked), (1, 0, 0), "{report:?}");
    world.calm();
    world.carried().await;
    world.carried().await;
    assert_eq!(world.photos().1, Some(jpeg("g")));
    world.photos_are_quiet().await;
}

#[tokio::test]
async fn a_lost_answer_carries_no_photo_back() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_dafater_photo("d.png", &png("d"));
    world.google_weather(once(":updateContactPhoto", Strike::LoseAnswer));
    world.carried().await;
    world.calm();
    let before = world.site().file_count();
    world.carried().await;
    world.photos_are_quiet().await;
    assert_eq!((world.photos(), world.site().file_count()), ((Some(png("d")), Some(png("d"))), before));

    let mut world = ada(PhotoPolicy::Both).await;
    world.set_google_photo(Some(jpeg("g")));
    world.site_weather(once("attach_file", Strike::LoseAnswer));
    world.carried().await;
    world.calm();
    world.carried().await;
    world.photos_are_quiet().await;
    let puts = world.google().requests().filter(|one| one.api == "people.updateContactPhoto").count();
    assert_eq!((world.photos().1, world.site().file_count(), puts), (Some(jpeg("g")), 1, 0));
}

#[tokio::test]
async fn a_photo_is_planned_and_remembered_and_is_no_edit() {
    let mut world = ada(PhotoPolicy::Both).await;
    world.set_google_photo(Some(jpeg("g")));
    world.restart();
    let plan = world.engine().plan().await.unwrap();
    let step = plan.steps.iter().find(|step| step.action == "photo").unwrap();
    assert_eq!(step.changes[0].field, "photo (dafater)");
    world.carried().await;
    let history = world.engine().history(&HistoryFilter::default()).unwrap();
    assert!(history.iter().any(|entry| entry.action == "photo"));
    world.carried().await;
    world.set_google_photo(Some(jpeg("new")));
    let name = world.name();
    world.settings.policy.deletions = dafater_contactsd::sync::DeletionPolicy::Propagate;
    world.delete_contact(&name);
    let report = world.carried().await;
    assert_eq!((report.google.deleted, report.dafater.created), (1, 0), "an edit would beat the deletion");
}

#[tokio::test]
async fn photos_switched_on_later_reach_all_contacts_a_few_in_each_run() {
    let mut world = World::with(|settings| settings.photos = PhotoPolicy::Off);
    for n in 0..35 {
        let resource = world.add_person(person("Ada", &format!("N{n}"), &format!("ada{n}@example.com"), ""));
        let now = world.tick();
        world.google().set_photo(EMAIL, &resource, Some(jpeg(&format!("{n}"))), now).unwrap();
    }
    world.settle().await;
    world.settings.photos = PhotoPolicy::Pull;
    let mut carried = Vec::new();
    for _ in 0..4 {
        carried.push(world.carried().await.photos);
    }
    assert_eq!(carried, [30, 5, 0, 0]);
    let with_image =
        |contact: &Value| contact["image"].as_str().is_some_and(|image| image.starts_with("/private/"));
    assert_eq!(world.contacts().iter().filter(|contact| with_image(contact)).count(), 35);
    world.photos_are_quiet().await;
}
