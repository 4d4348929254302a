//! Stories about damaged, lost and exchanged files. None may end with a store that opens and shows less than was stored.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::mark::{FILE_NAME, Mark};
use super::sled_tests::{everything, open, put};
use super::writer::MARK_AFTER_COMMITS;
use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

type Everything = Vec<(Tree, Vec<u8>, Vec<u8>)>;

/// A store that was used and closed, and what it held.
fn used(state: &Path) -> Everything {
    let store = open(state);
    commit(&store, "first", 60);
    let held = everything(&store);
    drop(store);
    held
}

fn commit(store: &SledStore, name: &str, count: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for n in 0..count {
        let value = [n.to_be_bytes().repeat(50), name.as_bytes().to_vec()].concat();
        runtime.block_on(store.commit(put(Tree::Pairs, &format!("{name}\0{n:04}"), &value))).unwrap();
    }
}

fn refusal(state: &Path) -> OpenError {
    SledStore::open(state, &OpenOptions::new(NOW)).map(|(_, opened)| opened).unwrap_err()
}

fn log(state: &Path) -> PathBuf {
    state.join("db/db")
}

fn copy(from: &Path, to: &Path) {
    files::copy_directory(from, to, &|_| false).unwrap();
}

/// Opens a damaged store: whole or refused, nothing between.
fn whole_or_refused(state: &Path, held: &Everything, what: &str) -> bool {
    match SledStore::open(state, &OpenOptions::new(NOW)) {
        Ok((store, _)) => {
            assert!(
                everything(&store) == *held,
                "{what}: the store opened with other entries than were stored"
            );
            true
        }
        Err(OpenError::Damaged { .. } | OpenError::Lost { .. }) => false,
        Err(error) => panic!("{what}: {error}"),
    }
}

#[test]
fn a_truncated_database_is_whole_or_refused() {
    let original = tempfile::tempdir().unwrap();
    let held = used(&original.path().join("state"));
    let size = fs::metadata(log(&original.path().join("state"))).unwrap().len();
    let mut refused = 0;
    for (n, cut) in [1, 100, 4_096, 20_000, size / 2, size - 1_000, size - 1, size].into_iter().enumerate() {
        let state = original.path().join(format!("cut-{n}"));
        copy(&original.path().join("state"), &state);
        File::options().write(true).open(log(&state)).unwrap().set_len(size - cut.min(size)).unwrap();
        refused += u32::from(!whole_or_refused(&state, &held, &format!("{cut} of {size} bytes cut")));
    }
    assert!(refused > 0, "no cut was deep enough to matter");
}

#[test]
fn a_database_with_zeroed_or_flipped_bytes_is_whole_or_refused() {
    let original = tempfile::tempdir().unwrap();
    let held = used(&original.path().join("state"));
    let bytes = fs::read(log(&original.path().join("state"))).unwrap();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    let mut refused = 0;
    for (n, place) in [0, 30, last / 7, last / 3, last / 2, last * 3 / 4, last - 40].into_iter().enumerate() {
        for (how, damage) in [("zeroed", vec![0_u8; 4_096]), ("flipped", vec![bytes[place] ^ 0x40])] {
            let state = original.path().join(format!("{how}-{n}"));
            copy(&original.path().join("state"), &state);
            let file = File::options().write(true).open(log(&state)).unwrap();
            file.write_all_at(&damage, place as u64).unwrap();
            refused += u32::from(!whole_or_refused(&state, &held, &format!("{how} at {place} of {last}")));
        }
    }
    assert!(refused > 0, "no damage was deep enough to matter");
}

/// What the image of a killed process holds: the state directory, and the entries after each of its generations.
struct Killed {
    state: tempfile::TempDir,
    after: BTreeMap<u64, Everything>,
}

/// A store that was killed in the middle of its work: files as the system had them, and no close.
fn killed() -> Killed {
    let state = tempfile::tempdir().unwrap();
    let living = state.path().join("living");
    let store = open(&living);
    commit(&store, "before", 300);
    drop(store);
    let store = open(&living);
    let mut after = BTreeMap::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    for n in 0..MARK_AFTER_COMMITS + 44 {
        let mut batch =
            put(Tree::Pairs, &format!("sales\0{:02}", n % 97), &vec![u8::try_from(n % 251).unwrap(); 2_000]);
        batch.put(Tree::Accounts, "sales\0cursor", encode(1, &n));
        batch.delete(Tree::Pairs, format!("sales\0{:02}", (n + 13) % 97));
        runtime.block_on(store.commit(batch)).unwrap();
        after.insert(store.shared().database.hold().generation, everything(&store));
    }
    copy(&living, &state.path().join("killed"));
    Killed { state, after }
}

#[derive(Debug, Clone)]
enum Harm {
    Nothing,
    Cut(f64),
    Zero(f64, usize),
    Flip(f64, u8),
}

fn harm() -> impl Strategy<Value = Harm> {
    prop_oneof![
        1 => Just(Harm::Nothing),
        8 => (0.0..1.0).prop_map(Harm::Cut),
        8 => ((0.0..1.0), 1_usize..70_000).prop_map(|(place, length)| Harm::Zero(place, length)),
        8 => ((0.0..1.0), 0_u8..8).prop_map(|(place, bit)| Harm::Flip(place, 1 << bit)),
    ]
}

impl Harm {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a place in a small file"
    )]
    fn strike(&self, log: &Path) {
        let bytes = fs::read(log).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).unwrap();
        let at = |place: &f64| (place * used as f64) as usize;
        let file = File::options().write(true).open(log).unwrap();
        match self {
            Self::Nothing => {}
            Self::Cut(place) => file.set_len(at(place) as u64).unwrap(),
            Self::Zero(place, length) => file.write_all_at(&vec![0; *length], at(place) as u64).unwrap(),
            Self::Flip(place, bit) => file.write_all_at(&[bytes[at(place)] ^ bit], at(place) as u64).unwrap(),
        }
    }
}

#[test]
fn a_killed_and_damaged_store_is_whole_or_refused() {
    strike(&killed(), |reached, latest, _| reached == latest);
}

#[test]
fn after_a_power_cut_a_damaged_store_shows_one_moment_no_older_than_its_mark_or_is_refused() {
    let killed = killed();
    fs::remove_file(killed.state.path().join("killed").join(tally::FILE_NAME)).unwrap();
    strike(&killed, |reached, _, marked| reached >= marked);
}

/// Damages copies of the image at random places. What opens must be one moment of the store's life, and that a `fair` one.
fn strike(killed: &Killed, fair: impl Fn(u64, u64, u64) -> bool) {
    let image = killed.state.path().join("killed");
    let marked = Mark::read(&image).unwrap().unwrap().generation;
    let latest = *killed.after.keys().next_back().unwrap();
    let outcomes = RefCell::new(BTreeMap::<&str, u32>::new());
    let cases = ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    let checked = TestRunner::new(cases).run(&harm(), |harm| {
        let state = killed.state.path().join("struck");
        files::remove_directory(&state).unwrap();
        copy(&image, &state);
        harm.strike(&log(&state));
        let outcome = match SledStore::open(&state, &OpenOptions::new(NOW)) {
            Ok((store, opened)) => {
                let reached = opened.generation - 1;
                prop_assert!(
                    fair(reached, latest, marked),
                    "generation {reached} was shown, {latest} was the last"
                );
                prop_assert!(everything(&store) == killed.after[&reached], "what is shown was never stored");
                if reached == latest { "whole" } else { "the last commits lost" }
            }
            Err(OpenError::Damaged { cause, .. }) if cause.starts_with("the engine gave up") => "panic",
            Err(OpenError::Damaged { cause, .. }) if cause.contains("entries") => "seal",
            Err(OpenError::Damaged { .. }) => "damaged",
            Err(OpenError::Lost { .. }) => "lost",
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        *outcomes.borrow_mut().entry(outcome).or_default() += 1;
        prop_assert!(outcome == "whole" || !matches!(harm, Harm::Nothing));
        Ok(())
    });
    let outcomes = outcomes.into_inner();
    checked.unwrap();
    assert!(outcomes.len() > 1, "too little was tried: {outcomes:?}");
}

#[test]
fn a_database_of_zeroes_is_refused() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    let size = fs::metadata(log(state.path())).unwrap().len();
    fs::write(log(state.path()), vec![0; usize::try_from(size).unwrap()]).unwrap();
    for file in fs::read_dir(state.path().join("db")).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("snap.") {
            fs::remove_file(file.path()).unwrap();
        }
    }
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::Lost { why: WhyLost::Empty { .. }, .. }), "{error}");
}

#[test]
fn a_deleted_database_file_is_not_replaced_by_a_new_one() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    fs::remove_file(log(state.path())).unwrap();
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::Lost { why: WhyLost::Gone { .. }, .. }), "{error}");
    assert!(!log(state.path()).exists());
}

#[test]
fn an_emptied_database_directory_is_not_filled_anew() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    fs::remove_dir_all(state.path().join("db")).unwrap();
    for _ in 0..2 {
        let error = refusal(state.path());
        assert!(matches!(error, OpenError::Lost { why: WhyLost::Gone { .. }, .. }), "{error}");
    }
    fs::create_dir(state.path().join("db")).unwrap();
    assert!(matches!(refusal(state.path()), OpenError::Lost { why: WhyLost::Gone { .. }, .. }));
}

#[test]
fn exports_alone_are_no_first_start() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let (export, _) = store.write_rotating_export(3, NOW).unwrap();
    drop(store);
    fs::remove_dir_all(state.path().join("db")).unwrap();
    fs::remove_file(state.path().join(FILE_NAME)).unwrap();

    let options = OpenOptions::new(NOW + SignedDuration::from_hours(50));
    let error = SledStore::open(state.path(), &options).unwrap_err();
    assert!(matches!(error, OpenError::Lost { why: WhyLost::OnlyRemains, .. }), "{error}");
    let hint = error.hint();
    assert!(hint.contains(&format!("store import {}` (written 2 days ago)", export.display())), "{hint}");
}

#[test]
fn a_state_directory_with_nothing_at_all_is_a_first_start() {
    let state = tempfile::tempdir().unwrap();
    fs::create_dir(state.path().join("db")).unwrap();
    let (store, opened) = SledStore::open(state.path(), &OpenOptions::new(NOW)).unwrap();
    assert!(opened.created);
    assert_eq!(everything(&store), []);
}

#[test]
fn a_damaged_snapshot_of_the_engine_is_repaired_on_a_copy() {
    let state = tempfile::tempdir().unwrap();
    let held = used(state.path());
    let mut damaged = 0;
    drop(open(state.path()));
    for file in fs::read_dir(state.path().join("db")).unwrap().flatten() {
        if file.file_name().to_string_lossy().starts_with("snap.") {
            let file = File::options().write(true).open(file.path()).unwrap();
            file.write_all_at(&[0xA5; 8], 3).unwrap();
            damaged += 1;
        }
    }
    assert_eq!(damaged, 1, "the engine keeps one snapshot");

    let (store, opened) = SledStore::open(state.path(), &OpenOptions::new(NOW)).unwrap();
    assert_eq!(everything(&store), held);
    let kept = opened.repaired.expect("the repair is reported");
    assert!(kept.join("db").exists(), "the damaged files are kept");
    drop(store);
    let (_, opened) = SledStore::open(state.path(), &OpenOptions::new(NOW)).unwrap();
    assert_eq!(opened.repaired, None);
}

#[test]
fn a_repair_that_would_lose_commits_is_no_repair() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    let old = state.path().join("old");
    copy(&state.path().join("db"), &old);
    let store = open(state.path());
    commit(&store, "second", 5);
    drop(store);
    // The files of an old copy, with a snapshot that cannot be read.
    fs::remove_dir_all(state.path().join("db")).unwrap();
    copy(&old, &state.path().join("db"));
    fs::write(state.path().join("db/snap.FFFFFFFFFFFFFFFF"), "no snapshot").unwrap();
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    let names: Vec<_> = fs::read_dir(state.path()).unwrap().flatten().map(|file| file.file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().starts_with("db.")), "{names:?}");
}

#[test]
fn an_old_copy_of_the_database_is_refused_unless_a_person_means_it() {
    let state = tempfile::tempdir().unwrap();
    let held = used(state.path());
    let old = state.path().join("old");
    copy(&state.path().join("db"), &old);
    // Even without a commit: what another process did in between is unknown to the copy.
    drop(open(state.path()));
    fs::remove_dir_all(state.path().join("db")).unwrap();
    fs::rename(&old, state.path().join("db")).unwrap();
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::Lost { why: WhyLost::Older { .. }, .. }), "{error}");

    let options = OpenOptions { trust: Trust::Adopt, ..OpenOptions::new(NOW) };
    assert_eq!(everything(&SledStore::open(state.path(), &options).unwrap().0), held);
    open(state.path());
}

#[test]
fn the_database_of_another_store_is_refused_however_far_it_came() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    let other = tempfile::tempdir().unwrap();
    let later = OpenOptions::new(NOW + SignedDuration::from_secs(1));
    let (store, _) = SledStore::open(other.path(), &later).unwrap();
    commit(&store, "other", 100);
    drop(store);
    fs::remove_dir_all(state.path().join("db")).unwrap();
    copy(&other.path().join("db"), &state.path().join("db"));
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::Lost { why: WhyLost::Foreign { .. }, .. }), "{error}");
}

#[test]
fn without_its_generation_file_a_store_is_unproven_and_with_a_broken_one_refused() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    fs::remove_file(state.path().join(FILE_NAME)).unwrap();
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::Lost { why: WhyLost::Unproven { .. }, .. }), "{error}");
    fs::write(state.path().join(FILE_NAME), "\0\0\0\0").unwrap();
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::Lost { why: WhyLost::MarkUnreadable, .. }), "{error}");
}

#[test]
fn a_first_start_that_was_interrupted_before_the_generation_file_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let origin = layout::Origin { created: NOW, written_by: "0".to_owned() };
    let builder = build::Builder::begin(&state.path().join("db"), FORMAT, &origin).unwrap();
    builder.finish(1).unwrap();
    fs::create_dir(state.path().join("db.new")).unwrap();
    open(state.path());
    assert!(!state.path().join("db.new").exists());
    open(state.path());
}

#[test]
fn entries_that_vanish_behind_the_stores_back_are_noticed() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    for (key, value) in [(&b"\x03first\x000007"[..], None), (b"\x03first\x000008", Some("other"))] {
        let copy_of = tempfile::tempdir().unwrap();
        copy(&state.path().join("db"), &copy_of.path().join("db"));
        fs::copy(state.path().join(FILE_NAME), copy_of.path().join(FILE_NAME)).unwrap();
        {
            let disk = disk::Disk::open(&copy_of.path().join("db")).unwrap();
            assert!(disk.get(key).unwrap().is_some());
            let mut batch = sled::Batch::default();
            match value {
                None => batch.remove(key),
                Some(value) => batch.insert(key, value),
            }
            disk.commit(batch).unwrap();
        }
        let error = refusal(copy_of.path());
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    }
}

#[test]
fn a_newer_format_is_refused_before_the_database_is_touched() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    let mark = Mark::read(state.path()).unwrap().unwrap();
    Mark { format: FORMAT + 1, ..mark }.write(state.path()).unwrap();
    fs::write(log(state.path()), "an engine that this version does not know").unwrap();
    let error = refusal(state.path());
    assert!(matches!(error, OpenError::NewerFormat { found: 2, supported: 1, .. }), "{error}");
    assert_eq!(error.exit_code(), 65);
}

#[test]
fn a_newer_format_inside_the_database_is_refused_too() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    {
        let disk = disk::Disk::open(&state.path().join("db")).unwrap();
        let mut batch = sled::Batch::default();
        batch.insert(layout::FORMAT_KEY, layout::format_bytes(7));
        disk.commit(batch).unwrap();
    }
    assert!(matches!(refusal(state.path()), OpenError::NewerFormat { found: 7, .. }));
}

#[test]
fn starting_over_sets_the_database_aside_and_outruns_its_generation() {
    let state = tempfile::tempdir().unwrap();
    used(state.path());
    let old = state.path().join("old");
    copy(&state.path().join("db"), &old);
    let reached = Mark::read(state.path()).unwrap().unwrap().generation;
    let later = NOW + SignedDuration::from_secs(1);
    let options = OpenOptions { trust: Trust::StartOver, ..OpenOptions::new(later) };
    let (store, opened) = SledStore::open(state.path(), &options).unwrap();
    assert!(opened.created && opened.generation > reached + 1);
    assert_eq!(everything(&store), []);
    drop(store);
    open(state.path());
    assert!(state.path().join("db.replaced-19700101T000001Z/db").exists());

    fs::remove_dir_all(state.path().join("db")).unwrap();
    fs::rename(&old, state.path().join("db")).unwrap();
    assert!(matches!(refusal(state.path()), OpenError::Lost { .. }), "what was given up does not come back");
}
