//! A store that is not what was last stored: refused with the way out, never synced from.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use dafater_contactsd::store::{OpenOptions, SledStore};
use jiff::Timestamp;

use crate::house::House;
use crate::world::{contact, person};

/// A house in agreement whose store wrote an automatic export.
fn kept() -> (House, PathBuf) {
    let house = House::authorized("deletions = \"propagate\"");
    for n in 0..40 {
        house.add_person(person("Grace", &format!("Number{n}"), &format!("grace{n}@example.com"), ""));
        house.add_contact(contact("Alan", &format!("Number{n}"), &format!("alan{n}@example.com"), ""));
    }
    house.settle();
    assert_eq!(house.settle().writes(), 0);
    let now = Timestamp::now();
    let (store, _) = SledStore::open(&house.path("state"), &OpenOptions::new(now)).unwrap();
    let (export, _) = store.write_rotating_export(3, now).unwrap();
    drop(store);
    assert_eq!(house.settle().writes(), 0);
    (house, export)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn log(house: &House) -> PathBuf {
    house.path("state/db/db")
}

fn copy(from: &Path, to: &Path) {
    drop(fs::remove_dir_all(to));
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Every command that would work with the store refuses it in the same words, again and again, and asks the remotes nothing.
fn assert_refused(house: &House, export: &Path, how: &str) {
    house.google().reset_counters();
    let asked = house.site().request_count();
    for command in [&["sync"][..], &["run"], &["store", "verify"], &["plan", "sales"], &["sync", "--full"]] {
        let output = house.run(command);
        let told = told(&output);
        assert_eq!(output.status.code(), Some(65), "{how}, {command:?}: {told}");
        let way_out = format!("store import {}", export.display());
        assert!(told.contains("the store in") && told.contains(&way_out), "{how}, {command:?}: {told}");
        assert!(told.contains("begin with an empty store"), "{how}, {command:?}: {told}");
        assert!(!told.contains("panicked"), "{how}, {command:?}: {told}");
    }
    let google = house.google().counters().api_requests();
    assert_eq!((google, house.site().request_count() - asked), (0, 0), "{how}: a remote was asked");
}

/// The way out is the one that the message names, and after it nothing is left to do.
fn assert_way_out(house: &House, export: &Path, how: &str) {
    let output = house.run(&["store", "import", export.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{how}: {}", told(&output));
    let asked = (house.google().counters().writes, house.site().write_count());
    assert_eq!(house.settle().writes(), 0, "{how}");
    assert_eq!((house.google().counters().writes, house.site().write_count()), asked, "{how}");
    assert_eq!((house.persons().len(), house.contacts().len()), (80, 80), "{how}");
}

/// A damage and its name.
type Damage<'a> = (&'a str, &'a dyn Fn(&House));

/// The damage is done to the same store again and again; each is refused, and mended by its export.
fn each_refused(damages: &[Damage<'_>]) {
    let (house, export) = kept();
    let whole = house.path("whole");
    copy(&house.path("state"), &whole);
    for (how, damage) in damages {
        copy(&whole, &house.path("state"));
        damage(&house);
        assert_refused(&house, &export, how);
        assert_way_out(&house, &export, how);
    }
}

fn without_snapshots(house: &House) {
    for entry in fs::read_dir(house.path("state/db")).unwrap().map(Result::unwrap) {
        if entry.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
}

/// The last byte of the log that is used.
fn used(house: &House) -> u64 {
    fs::read(log(house)).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64
}

#[test]
fn a_truncated_store_is_refused_and_its_export_is_the_way_out() {
    let cut = |house: &House, length: u64| {
        File::options().write(true).open(log(house)).unwrap().set_len(length).unwrap();
    };
    each_refused(&[
        ("cut to nothing", &|house| cut(house, 0)),
        ("cut in the middle", &|house| cut(house, used(house) / 2)),
        ("its last bytes cut", &|house| cut(house, used(house) - 40)),
    ]);
}

#[test]
fn a_zeroed_store_is_refused_and_its_export_is_the_way_out() {
    let zero = |house: &House, from: u64, length: usize| {
        File::options().write(true).open(log(house)).unwrap().write_all_at(&vec![0; length], from).unwrap();
    };
    each_refused(&[
        ("zeroed, with its snapshot", &|house| zero(house, 0, usize::try_from(used(house)).unwrap())),
        ("zeroed, without a snapshot", &|house| {
            zero(house, 0, usize::try_from(used(house)).unwrap());
            without_snapshots(house);
        }),
        ("its last bytes zeroed", &|house| zero(house, used(house) - 2000, 2000)),
        ("zeroed in the middle", &|house| zero(house, used(house) / 2, 4096)),
    ]);
}

#[test]
fn a_store_of_which_one_file_is_missing_is_refused_or_whole() {
    each_refused(&[
        ("without its log", &|house| fs::remove_file(log(house)).unwrap()),
        ("without its generation file", &|house| fs::remove_file(house.path("state/generation")).unwrap()),
        ("without its directory", &|house| fs::remove_dir_all(house.path("state/db")).unwrap()),
    ]);
    // What the engine can make anew from its log, and what is only a sharper witness.
    let (house, _) = kept();
    let whole = house.path("whole");
    copy(&house.path("state"), &whole);
    let mut spared = 0;
    for missing in ["db/conf", "db/snap", "db/blobs", "generation.latest"] {
        copy(&whole, &house.path("state"));
        let path = house.path("state").join(missing);
        match missing {
            "db/snap" => without_snapshots(&house),
            "db/blobs" => fs::remove_dir_all(path).unwrap(),
            _ => fs::remove_file(path).unwrap(),
        }
        let output = house.run(&["sync", "--json"]);
        match output.status.code() {
            Some(0) => spared += 1,
            code => assert_eq!(code, Some(65), "{missing}: {}", told(&output)),
        }
        assert_eq!((house.persons().len(), house.contacts().len()), (80, 80), "{missing}");
        let line = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(!line.contains("\"created\":1") && !line.contains("\"deleted\":1"), "{missing}: {line}");
    }
    assert!(spared > 0);
}

#[test]
fn a_store_that_opens_silently_empty_is_refused_and_its_export_is_the_way_out() {
    each_refused(&[
        ("an empty database of the engine", &|house| {
            fs::remove_dir_all(house.path("state/db")).unwrap();
            drop(sled::open(house.path("state/db")).unwrap());
        }),
        ("a new and empty store in its place", &|house| {
            let new = house.path("new");
            drop(fs::remove_dir_all(&new));
            let options = OpenOptions::new(Timestamp::now());
            drop(SledStore::open(&new, &options).unwrap());
            copy(&new.join("db"), &house.path("state/db"));
        }),
        ("nothing but its exports", &|house| {
            fs::remove_dir_all(house.path("state/db")).unwrap();
            fs::remove_file(house.path("state/generation")).unwrap();
        }),
    ]);
}
