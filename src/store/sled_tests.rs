//! Stories about the store on disk in good health.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Waker};
use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;

use super::writer::MARK_AFTER_COMMITS;
use super::*;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;
const SOON: Duration = Duration::from_secs(10);

pub(super) fn open(state: &Path) -> SledStore {
    SledStore::open(state, &OpenOptions::new(NOW)).expect("the store opens").0
}

pub(super) fn put(tree: Tree, key: &str, value: &[u8]) -> Batch {
    let mut batch = Batch::default();
    batch.put(tree, key, value.to_vec());
    batch
}

/// Everything that is not the store's own.
pub(super) fn everything(store: &dyn Store) -> Vec<(Tree, Vec<u8>, Vec<u8>)> {
    let scan = |tree| store.scan(tree, b"").map(move |entry| entry.map(|(key, value)| (tree, key, value)));
    Tree::ALL
        .into_iter()
        .flat_map(scan)
        .map(|entry| entry.expect("the scan goes through"))
        .filter(|(tree, key, _)| *tree != Tree::Meta || !key.starts_with(RESERVED.as_bytes()))
        .collect()
}

fn marked(state: &Path) -> u64 {
    mark::Mark::read(state).unwrap().unwrap().generation
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart_and_nothing_else() {
    let state = tempfile::tempdir().unwrap();
    let (store, opened) = SledStore::open(state.path(), &OpenOptions::new(NOW)).unwrap();
    assert!(opened.created);
    let mut batch = put(Tree::Pairs, "sales\0p1", b"one");
    batch.put(Tree::Journal, "sales\0i1", b"intent".to_vec());
    store.commit(batch).await.unwrap();
    let mut batch = put(Tree::Pairs, "sales\0p1", b"two");
    batch.delete(Tree::Journal, "sales\0i1");
    batch.delete(Tree::Journal, "never there");
    store.commit(batch).await.unwrap();
    drop(store);

    let (store, opened) = SledStore::open(state.path(), &OpenOptions::new(NOW)).unwrap();
    assert!(!opened.created);
    assert_eq!(everything(&store), [(Tree::Pairs, b"sales\0p1".to_vec(), b"two".to_vec())]);
    assert_eq!(store.get(Tree::Pairs, b"sales\0p1"), Ok(Some(b"two".to_vec())));
    assert_eq!(store.get(Tree::Journal, b"sales\0i1"), Ok(None));
}

#[tokio::test]
async fn a_second_process_is_told_that_the_store_is_in_use() {
    let state = tempfile::tempdir().unwrap();
    let first = open(state.path());
    let error = SledStore::open(state.path(), &OpenOptions::new(NOW)).unwrap_err();
    assert!(matches!(error, OpenError::Locked { .. }), "{error}");
    assert_eq!(error.exit_code(), 75);
    drop(first);
    open(state.path());
}

#[test]
fn a_store_is_not_created_where_none_was_to_be_created() {
    let state = tempfile::tempdir().unwrap();
    let options = OpenOptions { create: false, ..OpenOptions::new(NOW) };
    let error = SledStore::open(&state.path().join("missing"), &options).unwrap_err();
    assert!(matches!(error, OpenError::Absent { .. }), "{error}");
    assert_eq!(std::fs::read_dir(state.path()).unwrap().count(), 0);
}

#[test]
fn a_state_directory_that_cannot_be_made_is_named() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = SledStore::open(&file.join("state"), &OpenOptions::new(NOW)).unwrap_err();
    assert!(matches!(error, OpenError::Create { .. }), "{error}");
    assert_eq!(error.exit_code(), 73);
}

#[tokio::test]
async fn values_over_the_limit_and_reserved_keys_are_refused_and_nothing_of_their_batch_is_stored() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    store.commit(put(Tree::History, "largest", &vec![1; VALUE_LIMIT])).await.unwrap();

    let mut batch = put(Tree::Queue, "small", b"1");
    batch.put(Tree::History, "larger", vec![1; VALUE_LIMIT + 1]);
    let refused =
        StoreError::ValueTooLarge { tree: Tree::History, bytes: VALUE_LIMIT + 1, limit: VALUE_LIMIT };
    assert_eq!(store.commit(batch).await, Err(refused));
    let refused = StoreError::KeyTooLong { tree: Tree::Queue, bytes: KEY_LIMIT + 1, limit: KEY_LIMIT };
    assert_eq!(store.commit(put(Tree::Queue, &"k".repeat(KEY_LIMIT + 1), b"")).await, Err(refused));
    assert_eq!(store.commit(put(Tree::Meta, "store.seal", b"")).await, Err(StoreError::Reserved));

    assert_eq!(everything(&store).len(), 1);
    assert_eq!(store.commits(), 1);
    assert_eq!(std::fs::read_dir(state.path().join("db/blobs")).unwrap().count(), 0);
}

#[tokio::test]
async fn an_idle_cycle_commits_nothing() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let log = state.path().join("db/db");
    let before = (std::fs::read(&log).unwrap(), marked(state.path()));
    store.commit(Batch::default()).await.unwrap();
    assert_eq!((store.commits(), store.syncs()), (0, 0));
    assert_eq!((std::fs::read(&log).unwrap(), marked(state.path())), before);
}

#[tokio::test]
async fn commits_that_wait_together_share_one_sync() {
    let state = tempfile::tempdir().unwrap();
    let store = Arc::new(open(state.path()));
    // Nothing is written while the database is held, so these commits queue up behind the first.
    let held = Arc::clone(&store);
    let commits = {
        let _held = held.shared().database.hold();
        let mut commits = Vec::new();
        for n in 0..20 {
            let mut commit = store.commit(put(Tree::Queue, "same", &[n]));
            let mut context = Context::from_waker(Waker::noop());
            assert!(commit.as_mut().poll(&mut context).is_pending());
            commits.push(commit);
        }
        commits
    };
    for commit in commits {
        commit.await.unwrap();
    }
    assert_eq!(store.commits(), 20);
    assert!(store.syncs() <= 2, "{} syncs", store.syncs());
    assert_eq!(store.get(Tree::Queue, b"same"), Ok(Some(vec![19])), "the last one wins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn commits_of_many_tasks_are_all_durable_and_in_each_tasks_order() {
    let state = tempfile::tempdir().unwrap();
    let store = Arc::new(open(state.path()));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..32_u64 {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            for n in 0..10_u64 {
                let mut batch = Batch::default();
                batch.put(Tree::Pairs, Key::account("a").number(task).number(n), encode(1, &n));
                batch.put(Tree::Accounts, Key::account("a").number(task), encode(1, &n));
                store.commit(batch).await.unwrap();
                let latest =
                    get_decoded(&*store, Tree::Accounts, Key::account("a").number(task).as_bytes(), 1);
                assert_eq!(latest, Ok(Some(n)), "a commit shows once it resolved");
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(store.commits(), 320);
    drop(store);

    let store = open(state.path());
    let last: Vec<_> = scan_decoded::<u64>(&store, Tree::Accounts, b"a\0", 1).map(|e| e.unwrap().1).collect();
    assert_eq!(last, [9; 32]);
    assert_eq!(store.scan(Tree::Pairs, b"a\0").count(), 320);
}

#[tokio::test]
async fn a_failed_commit_stops_the_store_and_a_restart_shows_only_what_was_acknowledged() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    store.commit(put(Tree::Queue, "a", b"1")).await.unwrap();
    store.shared().database.disk.failing.store(true, Ordering::SeqCst);
    let error = store.commit(put(Tree::Queue, "b", b"2")).await.unwrap_err();
    assert!(matches!(error, StoreError::Stopped(_)), "{error}");

    store.shared().database.disk.failing.store(false, Ordering::SeqCst);
    assert_eq!(store.commit(put(Tree::Queue, "c", b"3")).await, Err(error.clone()));
    assert_eq!(store.get(Tree::Queue, b"a"), Err(error.clone()));
    assert_eq!(store.scan(Tree::Queue, b"").next(), Some(Err(error)));
    assert!(store.close(SOON).is_err());
    drop(store);

    let keys: BTreeSet<_> = everything(&open(state.path())).into_iter().map(|(_, key, _)| key).collect();
    assert!(keys.contains(&b"a"[..]) && !keys.contains(&b"c"[..]), "{keys:?}");
}

#[tokio::test]
async fn a_closed_store_refuses_commits_and_still_reads() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    store.commit(put(Tree::Queue, "a", b"1")).await.unwrap();
    store.close(SOON).unwrap();
    assert_eq!(store.commit(put(Tree::Queue, "b", b"2")).await, Err(StoreError::Closed));
    assert_eq!(store.get(Tree::Queue, b"a"), Ok(Some(b"1".to_vec())));
    store.close(SOON).unwrap();
}

#[tokio::test]
async fn a_commit_that_nobody_waits_for_any_more_still_becomes_durable() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    {
        let mut commit = store.commit(put(Tree::Queue, "a", b"1"));
        let _pending_or_done = futures_util::poll!(&mut commit);
    }
    let never_polled = store.commit(put(Tree::Queue, "b", b"2"));
    drop(never_polled);
    drop(store);
    assert_eq!(everything(&open(state.path())), [(Tree::Queue, b"a".to_vec(), b"1".to_vec())]);
}

#[tokio::test]
async fn the_generation_file_follows_by_count_by_quiet_and_at_close() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let first = marked(state.path());

    store.commit(put(Tree::Queue, "a", b"0")).await.unwrap();
    assert_eq!(marked(state.path()), first, "one commit alone costs no second sync");

    for n in 1..=MARK_AFTER_COMMITS {
        store.commit(put(Tree::Queue, "a", &n.to_be_bytes())).await.unwrap();
    }
    assert!(marked(state.path()) >= first + MARK_AFTER_COMMITS);

    store.commit(put(Tree::Queue, "b", b"")).await.unwrap();
    let reached = store.shared().database.hold().generation;
    for _ in 0..100 {
        if marked(state.path()) == reached {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(marked(state.path()), reached, "a quiet store is marked");

    store.commit(put(Tree::Queue, "c", b"")).await.unwrap();
    store.close(SOON).unwrap();
    assert_eq!(marked(state.path()), reached + 1);
}

#[tokio::test]
async fn an_export_imported_elsewhere_scans_the_same() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let mut batch = put(Tree::Pairs, "sales\0people/c1", b"\x01\x02\xff");
    batch.put(Tree::Pairs, [0xFF, 0x00], b"key is no text".to_vec());
    batch.put(Tree::Meta, "mine", vec![]);
    batch.put(Tree::History, "\u{201c}quoted\"\n", vec![7; VALUE_LIMIT]);
    store.commit(batch).await.unwrap();
    let mut export = Vec::new();
    let written = store.export_to(&mut export, NOW).unwrap();
    assert_eq!(written.entries, 4);

    let elsewhere = tempfile::tempdir().unwrap();
    let imported = import_from(elsewhere.path(), &mut export.as_slice(), &ImportOptions::new(NOW)).unwrap();
    assert_eq!(imported.entries, 4);
    assert!(imported.generation > written.generation);
    let (copy, opened) = SledStore::open(elsewhere.path(), &OpenOptions::new(NOW)).unwrap();
    assert!(!opened.created);
    assert_eq!(everything(&copy), everything(&store));
    assert!(copy.verify(&|_, _, _| Ok(())).unwrap().is_sound());
}

#[tokio::test]
async fn a_cut_or_altered_export_is_refused_and_leaves_nothing() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    for n in 0..20 {
        store.commit(put(Tree::Pairs, &format!("sales\0{n:02}"), &[n; 30])).await.unwrap();
    }
    let mut export = Vec::new();
    store.export_to(&mut export, NOW).unwrap();
    let lines: Vec<&[u8]> = export.split_inclusive(|byte| *byte == b'\n').collect();

    let mut altered = export.clone();
    let place = export.windows(5).position(|window| window == b"value").unwrap() + 10;
    altered[place] = if altered[place] == b'A' { b'B' } else { b'A' };
    let mut attempts: Vec<(&str, Vec<u8>)> = vec![
        ("altered", altered),
        ("one line missing", [&lines[..5], &lines[6..]].concat().concat()),
        ("one line twice", [&lines[..6], &lines[5..]].concat().concat()),
        ("two lines swapped", [&lines[..5], &[lines[6], lines[5]], &lines[7..]].concat().concat()),
        ("no header", lines[1..].concat()),
        ("something after it", [&export[..], b"{}\n"].concat()),
        ("nothing", vec![]),
    ];
    for cut in [export.len() - 1, export.len() - 30, export.len() / 2, 10] {
        attempts.push(("cut", export[..cut].to_vec()));
    }
    for (what, attempt) in attempts {
        let elsewhere = tempfile::tempdir().unwrap();
        let refused = import_from(elsewhere.path(), &mut attempt.as_slice(), &ImportOptions::new(NOW));
        assert!(refused.is_err(), "{what}: {refused:?}");
        let left: Vec<_> =
            std::fs::read_dir(elsewhere.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["lock"], "{what}");
    }
}

#[test]
fn an_export_that_agrees_with_its_checksum_but_makes_no_store_is_refused() {
    let header =
        format!(r#"{{"format":1,"store":"{NOW}","generation":1,"exported_at":"{NOW}","written_by":"0"}}"#);
    let entry = r#"{"tree":"queue","key":"a","value":"MQ=="}"#;
    let import = |entries: &[&str]| {
        let lines = format!("{}\n", [&[&*header], entries].concat().join("\n"));
        let mut hash = <sha2::Sha256 as sha2::Digest>::new();
        sha2::Digest::update(&mut hash, &lines);
        let sha256 = export::hex(hash);
        let whole = format!("{lines}{{\"entries\":{},\"sha256\":\"{sha256}\"}}\n", entries.len());
        let state = tempfile::tempdir().unwrap();
        import_from(state.path(), &mut whole.as_bytes(), &ImportOptions::new(NOW))
    };
    import(&[entry]).unwrap();
    for (entries, reason) in [
        ([entry, entry], "is out of order"),
        ([entry, r#"{"tree":"queue","key":"A","value":"MQ=="}"#], "is out of order"),
        ([entry, r#"{"tree":"queue","value":"MQ=="}"#], "is no entry"),
        ([entry, r#"{"tree":"queue","key":"b","value":"?"}"#], "is no entry"),
        ([entry, r#"{"tree":"contacts","key":"b","value":"MQ=="}"#], "is no entry"),
        ([r#"{"tree":"meta","key":"store.seal","value":"MQ=="}"#, entry], "is an entry that no store takes"),
    ] {
        let refused = import(&entries).unwrap_err().to_string();
        assert!(refused.ends_with(reason), "{refused}");
    }
}

#[tokio::test]
async fn an_import_replaces_a_store_only_when_it_may_set_it_aside() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    store.commit(put(Tree::Queue, "a", b"exported")).await.unwrap();
    let (path, _) = store.write_rotating_export(3, NOW).unwrap();
    store.commit(put(Tree::Queue, "a", b"later")).await.unwrap();
    let import = |options: &ImportOptions| {
        let mut export = std::io::BufReader::new(std::fs::File::open(&path).unwrap());
        import_from(state.path(), &mut export, options)
    };
    let refused = import(&ImportOptions::new(NOW)).unwrap_err();
    assert!(matches!(refused, ImportError::State(OpenError::Locked { .. })), "{refused}");
    store.close(SOON).unwrap();
    let reached = marked(state.path());
    drop(store);
    let refused = import(&ImportOptions::new(NOW)).unwrap_err();
    assert!(matches!(refused, ImportError::NotEmpty { .. }), "{refused}");

    let later = NOW + jiff::SignedDuration::from_secs(1);
    let done = import(&ImportOptions { set_aside: true, ..ImportOptions::new(later) }).unwrap();
    assert!(done.generation > reached, "generations go on, they never begin again");
    assert!(done.set_aside.unwrap().join("db").exists());
    let store = open(state.path());
    assert_eq!(everything(&store), [(Tree::Queue, b"a".to_vec(), b"exported".to_vec())]);
}

#[tokio::test]
async fn an_export_of_a_newer_format_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let export = format!(
        "{{\"format\":{},\"store\":\"{NOW}\",\"generation\":1,\"exported_at\":\"{NOW}\",\"written_by\":\"9\"}}\n",
        FORMAT + 1
    );
    let refused = import_from(state.path(), &mut export.as_bytes(), &ImportOptions::new(NOW)).unwrap_err();
    assert!(matches!(refused, ImportError::NewerFormat { found: 2, supported: 1 }), "{refused}");
}

#[tokio::test]
async fn verify_counts_what_is_there_and_names_what_cannot_be_read() {
    let state = tempfile::tempdir().unwrap();
    let store = open(state.path());
    let mut batch = put(Tree::Queue, "a", &encode(1, &1_u8));
    batch.put(Tree::Queue, "b", b"\x09".to_vec());
    batch.put(Tree::Pairs, "c", encode(1, &3_u8));
    store.commit(batch).await.unwrap();

    let report = store
        .verify(&|_, _, value| decode::<u8>(1, value).map(drop).map_err(|error| error.to_string()))
        .unwrap();
    assert!(!report.is_sound());
    assert_eq!(report.disagreement, None);
    let queue = report.trees.iter().find(|(tree, _)| *tree == Tree::Queue).unwrap().1;
    assert_eq!(queue, TreeReport { entries: 2, bytes: 5, undecodable: 1 });
    let reason = "it has version 9 where 1 was expected".to_owned();
    assert_eq!(report.undecodable, [Undecodable { tree: Tree::Queue, key: b"b".to_vec(), reason }]);
    assert!(report.marked_generation.unwrap() <= report.generation);
    assert_eq!(report.size_on_disk, store.size_on_disk().unwrap());
    assert!(report.size_on_disk > 0);
}

type Operation = (usize, Vec<u8>, Option<Vec<u8>>);

fn operations() -> impl Strategy<Value = Vec<Vec<Operation>>> {
    let key = prop::collection::vec(prop::sample::select(vec![0_u8, 1, b'a', 0xFF]), 0..4);
    let value = prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..40));
    let operation = (0..Tree::ALL.len(), key, value);
    prop::collection::vec(prop::collection::vec(operation, 0..8), 0..10)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn the_store_on_disk_and_the_one_in_memory_show_the_same(batches in operations()) {
        let state = tempfile::tempdir().unwrap();
        let on_disk = open(state.path());
        let in_memory = MemoryStore::new();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for operations in batches {
            let mut batch = Batch::default();
            for (tree, key, value) in operations {
                match value {
                    Some(value) => batch.put(Tree::ALL[tree], key, value),
                    None => batch.delete(Tree::ALL[tree], key),
                }
            }
            runtime.block_on(on_disk.commit(batch.clone())).unwrap();
            runtime.block_on(in_memory.commit(batch)).unwrap();
        }
        prop_assert_eq!(on_disk.commits(), in_memory.commits());
        for prefix in [&b"a"[..], &[0], &[0xFF], &[0xFF, 0xFF]] {
            for tree in Tree::ALL {
                let found = |store: &dyn Store| -> Vec<_> { store.scan(tree, prefix).map(Result::unwrap).collect() };
                prop_assert_eq!(found(&on_disk), found(&in_memory));
            }
        }
        prop_assert_eq!(everything(&on_disk), everything(&in_memory));
        drop(on_disk);
        prop_assert_eq!(everything(&open(state.path())), everything(&in_memory));
    }
}
