//! The laws of the sync, on histories drawn from seeds.

#![allow(
    missing_docs,
    unreachable_pub,
    dead_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    clippy::struct_excessive_bools,
    reason = "tests"
)]

mod simulation;

use simulation::history::History;
use simulation::world::play;

#[test]
fn a_fixed_set_of_seeds_keeps_every_law() {
    for seed in 0..20 {
        let played = play(&History::generate(seed), false);
        assert_eq!(played.violations, [], "seed {seed}");
    }
}
