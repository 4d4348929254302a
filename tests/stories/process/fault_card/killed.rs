//! T12: the process is killed in its initial sync, a hundred times.

use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::house::House;
use crate::world::{contact, person};

/// How often it is killed, by two threads together.
const KILLS: u32 = 100;
/// Half of them stand on each side in the beginning.
const CONTACTS: usize = 300;
/// Another seed than the usual one.
const SEED: &str = "DAFATER_CONTACTSD_KILL_SEED";

/// Nobody was synced yet.
fn before_the_first_sync() -> House {
    let house = House::authorized("");
    for n in 0..CONTACTS / 2 {
        house.add_person(person("Grace", &format!("Number{n}"), &format!("grace{n}@example.com"), ""));
        house.add_contact(contact("Alan", &format!("Number{n}"), &format!("alan{n}@example.com"), ""));
    }
    house
}

fn sync_in_the_background(house: &House) -> Child {
    house
        .command(&["sync"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

/// Kills it after `moment`; if it has ended by then, it ended well. Whether it was killed.
fn kill_after(house: &House, moment: Duration) -> bool {
    let begun = Instant::now();
    let mut sync = sync_in_the_background(house);
    while begun.elapsed() < moment {
        if sync.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    sync.kill().unwrap();
    let output = sync.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    // A store that was refused would end it at once, and with words.
    assert!(output.status.code().is_none_or(|code| code == 0), "{}: {told}", output.status);
    output.status.code().is_none()
}

/// Everybody stands once on each side, as they were typed, and the next run has nothing to do.
fn assert_whole(house: &House) {
    for _ in 0..4 {
        house.settle();
        if (house.persons().len(), house.contacts().len()) == (CONTACTS, CONTACTS) {
            break;
        }
        // What was in doubt is looked for this long before it is sent again.
        std::thread::sleep(Duration::from_millis(500));
    }
    let expected = |house: &House| {
        let [mut google, dafater] = house.lines();
        assert_eq!(google, dafater);
        google.dedup();
        google.len()
    };
    assert_eq!(expected(house), CONTACTS, "no duplicate, no loss");
    assert_eq!((house.persons().len(), house.contacts().len()), (CONTACTS, CONTACTS));
    assert_eq!(house.settle().writes(), 0);
}

/// What the kills met.
#[derive(Debug, Default)]
struct Tally {
    kills: u32,
    /// Initial syncs that were killed and seen through to their end.
    houses: u32,
    /// Kills after the first write of the killed process, and before everybody stood on both sides.
    between_writes: u32,
}

/// Kills initial syncs at moments spread over `whole`, until there were `kills`.
fn kill(kills: u32, whole: Duration, mut chance: StdRng) -> Tally {
    let mut tally = Tally::default();
    while tally.kills < kills {
        let house = before_the_first_sync();
        tally.houses += 1;
        loop {
            let asked = house.writes_asked();
            let moment = whole.mul_f64(chance.gen_range(0.0..1.0));
            if tally.kills == kills || !kill_after(&house, moment) {
                break;
            }
            tally.kills += 1;
            let is_over = (house.persons().len(), house.contacts().len()) == (CONTACTS, CONTACTS);
            tally.between_writes += u32::from(house.writes_asked() != asked && !is_over);
        }
        assert_whole(&house);
    }
    tally
}

/// How long an initial sync takes that nobody kills.
fn uninterrupted() -> Duration {
    let house = before_the_first_sync();
    let begun = Instant::now();
    assert!(!kill_after(&house, Duration::from_mins(1)));
    let whole = begun.elapsed();
    assert_whole(&house);
    whole
}

#[test]
fn t12_killed_a_hundred_times_in_its_initial_sync_it_doubles_and_loses_nobody() {
    let seed: u64 = std::env::var(SEED).ok().map_or(12, |seed| seed.parse().unwrap());
    println!("{SEED}={seed}");
    let tallies: Vec<Tally> = std::thread::scope(|scope| {
        let work = |n| move || kill(KILLS / 2, uninterrupted(), StdRng::seed_from_u64(seed + n));
        let threads: Vec<_> = (0..2).map(|n| scope.spawn(work(n))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    println!("{tallies:?}");
    let between: u32 = tallies.iter().map(|tally| tally.between_writes).sum();
    assert!(between >= KILLS / 10, "only {between} kills met a sync that was writing");
}
