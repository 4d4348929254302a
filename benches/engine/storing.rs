//! Commits that are on the disk when they return.

use dafater_contactsd::store::{Batch, Key, OpenOptions, SledStore, Store as _, Tree};
use divan::Bencher;
use jiff::Timestamp;

/// One commit of so many pairs with 700 bytes each.
#[divan::bench(args = [1, 200], sample_count = 20, sample_size = 1)]
fn commit(bencher: Bencher<'_, '_>, pairs: u64) {
    let directory = tempfile::tempdir().unwrap();
    let (store, _) = SledStore::open(directory.path(), &OpenOptions::new(Timestamp::UNIX_EPOCH)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut round = 0;
    bencher
        .with_inputs(|| {
            round += 1;
            let mut batch = Batch::default();
            for pair in 0..pairs {
                batch.put(Tree::Pairs, Key::account("sales").number(round).number(pair), vec![7; 700]);
            }
            batch
        })
        .bench_local_values(|batch| runtime.block_on(store.commit(batch)).unwrap());
}

/// Opening a store reads every entry once.
#[divan::bench(args = [2_000, 25_000], sample_count = 3, sample_size = 1)]
fn open(bencher: Bencher<'_, '_>, pairs: u64) {
    let directory = tempfile::tempdir().unwrap();
    let options = OpenOptions::new(Timestamp::UNIX_EPOCH);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (store, _) = SledStore::open(directory.path(), &options).unwrap();
    for first in (0..pairs).step_by(500) {
        let mut batch = Batch::default();
        for pair in first..pairs.min(first + 500) {
            batch.put(Tree::Pairs, Key::account("sales").number(pair), vec![7; 700]);
        }
        runtime.block_on(store.commit(batch)).unwrap();
    }
    drop(store);
    bencher.bench_local(|| SledStore::open(directory.path(), &options).unwrap());
}
