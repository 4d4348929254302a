//! The laws of the planner on worlds made by chance: edits, deletions, renames and duplicates on both sides, failing, lost and
//! late writes, users who write at the same time.
//!
//! No client, no store, no clock: a plan is carried out on two maps. The usual run plays the same few hundred worlds each time;
//! `LAW_CASES=1000000 cargo test --release --test laws` plays as many as it is told, and `LAW_SEED=7` others than the usual ones.
//! A failing world is shrunk and printed with the name of the law that it breaks; it then becomes a script of its own here.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::redundant_pub_crate,
    unreachable_pub,
    reason = "tests"
)]

mod carry;
mod checks;
mod happen;
mod lessons;
mod script;
mod world;

use dafater_contactsd::sync::{ConflictPolicy, DeletionPolicy, Origin, Plan, Policy, Side};
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use script::{Luck, Rules, Script, scripts};
use world::World;

/// Most of a world's time goes into values that come and go.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plays a script.
///
/// # Panics
///
/// With the name of the law that it breaks.
pub fn keep_the_laws(script: &Script) {
    let mut world = play_rounds(script);
    let Policy { pull, push, conflict, .. } = &mut world.policy;
    if !*pull || !*push || *conflict == ConflictPolicy::Manual {
        // What waited for a direction or for a person goes across once it may.
        (*pull, *push) = (true, true);
        if *conflict == ConflictPolicy::Manual {
            *conflict = ConflictPolicy::Google;
        }
        world.come_to_rest();
    }
    assert!(world.open_conflicts.is_empty(), "law 1, convergence: every conflict is decided");
}

/// The world after the last round of a script, at rest.
#[must_use]
pub fn play_rounds(script: &Script) -> World {
    let mut world = World::new(script);
    for round in &script.rounds {
        for event in &round.events {
            world.happen(event);
        }
        world.sync(&round.luck, false);
    }
    world.come_to_rest();
    world
}

/// Worlds are drawn in so many parts at once, each from a seed of its own: the same worlds on any number of cores.
const SHARDS: u8 = 16;

/// A number that the environment asks for.
fn asked(variable: &str) -> Option<u32> {
    #[expect(clippy::disallowed_methods, reason = "how long a test runs is asked outside the project")]
    let asked = std::env::var(variable).ok()?;
    Some(asked.parse().expect("LAW_CASES and LAW_SEED are numbers"))
}

/// The seed of a part of the worlds: another part and another `LAW_SEED` draw other worlds.
fn seed(part: u8) -> [u8; 32] {
    let mut seed = [part; 32];
    for (byte, asked) in seed.iter_mut().zip(asked("LAW_SEED").unwrap_or(0).to_le_bytes()) {
        *byte ^= asked;
    }
    seed
}

/// Plays `usual` worlds, or as many as the environment asks for, and always the same.
///
/// `one_in`: of so many worlds asked for, one is played.
fn play(usual: u32, one_in: u32, part: u8, test: impl Fn(&Script) + Sync) {
    let share = asked("LAW_CASES").map_or(usual, |cases| cases.div_ceil(one_in)).div_ceil(u32::from(SHARDS));
    let config = ProptestConfig { cases: share, failure_persistence: None, ..ProptestConfig::default() };
    let run = |shard: u8| {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &seed(part + shard));
        let mut runner = TestRunner::new_with_rng(config.clone(), rng);
        runner.run(&scripts(), |script| {
            test(&script);
            Ok(())
        })
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let run = &run;
        let workers: Vec<_> = (0..SHARDS).map(|shard| scope.spawn(move || run(shard))).collect();
        let ends = workers.into_iter().map(|worker| worker.join().expect("a runner catches what fails"));
        ends.filter_map(Result::err).map(|failure| failure.to_string()).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn every_world_keeps_the_laws() {
    play(600, 1, 0, keep_the_laws);
}

#[test]
fn the_same_snapshot_gives_the_same_plan() {
    play(100, 20, 100, |script| {
        let mut world = World::new(script);
        for round in &script.rounds {
            round.events.iter().for_each(|event| world.happen(event));
            let (one, two) = (world.snapshot(&round.luck), world.snapshot(&round.luck));
            let plan = |snapshot| format!("{:?}", Plan::compute(snapshot, &world.policy));
            assert_eq!(plan(&one), plan(&two));
            world.sync(&round.luck, false);
        }
    });
}

#[test]
fn a_pair_that_the_sync_made_remembers_who_made_it() {
    let script = Script {
        rules: Rules {
            conflict: ConflictPolicy::Newest,
            deletions: DeletionPolicy::CreatedBySync,
            pull: true,
            push: true,
            max_deletes: 100,
        },
        initial: vec![(0, Some(Side::Google)), (1, Some(Side::Dafater)), (2, None)],
        rounds: Vec::new(),
    };
    let mut world = World::new(&script);
    world.sync(&Luck::default(), false);
    let mut origins: Vec<String> = world.pairs.values().map(|pair| format!("{:?}", pair.origin)).collect();
    origins.sort();
    let created = |side| format!("{:?}", Origin::Created(side));
    assert_eq!(origins, [created(Side::Dafater), created(Side::Google), format!("{:?}", Origin::Matched)]);
}
