//! Plays histories drawn from seeds and reports every law that breaks.
//!
//! `cargo run --release --example simulate -- --seeds 100000`

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
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers"
)]

#[path = "../tests/simulator/simulation/mod.rs"]
mod simulation;

use std::collections::BTreeMap;
use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use clap::Parser;
use simulation::generate::Edition;
use simulation::history::History;
use simulation::shrink::shrink;
use simulation::trouble::{self, Met};
use simulation::world::{Played, play};

/// Most of a history's time goes into values that come and go.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Plays histories drawn from seeds and reports every law that breaks.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many seeds to play.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed; alone, only this seed is played, and told event by event.
    #[arg(long)]
    seed: Option<u64>,
    /// What seeds mean: 1 to 3 are older editions, in which some of the named seeds were found.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=4))]
    edition: u8,
    /// Lists how often each kind of trouble was met.
    #[arg(long)]
    met: bool,
    /// Threads.
    #[arg(long, default_value_t = 1)]
    threads: u64,
    /// Plays every nth history twice and compares the bytes.
    #[arg(long, default_value_t = 16)]
    twice: u64,
    /// Stops after so many violations.
    #[arg(long, default_value_t = 1)]
    stop_after: usize,
    /// Reports violations without looking for the smallest history.
    #[arg(long)]
    no_shrink: bool,
    /// Tells the whole smallest history, request by request.
    #[arg(long)]
    told: bool,
}

impl Arguments {
    fn edition(&self) -> Edition {
        match self.edition {
            1 => Edition::First,
            2 => Edition::Second,
            3 => Edition::Third,
            _ => Edition::Fourth,
        }
    }
}

/// A seed that broke a law.
struct Failure {
    seed: u64,
    law: &'static str,
    what: String,
}

#[expect(clippy::disallowed_methods, reason = "a tool measures its own speed")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let alone = arguments.seed.is_some() && !std::env::args().any(|argument| argument.starts_with("--seeds"));
    let first = arguments.seed.unwrap_or(0);
    let count = if alone { 1 } else { arguments.seeds };
    std::panic::set_hook(Box::new(|_| {}));

    let next = AtomicU64::new(first);
    let (done, repeated) = (AtomicU64::new(0), AtomicU64::new(0));
    let (cycles, requests) = (AtomicU64::new(0), AtomicU64::new(0));
    let failures: Mutex<Vec<Failure>> = Mutex::default();
    let met: Mutex<Met> = Mutex::default();
    let edition = arguments.edition();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..arguments.threads.max(1) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + count || failures.lock().unwrap().len() >= arguments.stop_after {
                        return;
                    }
                    let twice = seed.is_multiple_of(arguments.twice.max(1));
                    let played = play_seed(edition, seed, twice);
                    done.fetch_add(1, Ordering::Relaxed);
                    repeated.fetch_add(u64::from(twice), Ordering::Relaxed);
                    cycles.fetch_add(u64::from(played.cycles), Ordering::Relaxed);
                    requests.fetch_add(played.requests, Ordering::Relaxed);
                    trouble::add(&mut met.lock().unwrap(), &played.met);
                    if let Some(broken) = played.violations.first() {
                        let (law, what) = (broken.law, broken.what.clone());
                        failures.lock().unwrap().push(Failure { seed, law, what });
                    }
                }
            });
        }
        let is_terminal = std::io::stderr().is_terminal();
        let mut shown = Instant::now();
        while done.load(Ordering::Relaxed) < count && failures.lock().unwrap().len() < arguments.stop_after {
            std::thread::sleep(Duration::from_millis(50));
            if shown.elapsed() > Duration::from_secs(if is_terminal { 1 } else { 20 }) {
                shown = Instant::now();
                let plays = done.load(Ordering::Relaxed) + repeated.load(Ordering::Relaxed);
                let rate = rate(plays, began.elapsed());
                progress(done.load(Ordering::Relaxed), count, rate, is_terminal);
            }
        }
    });
    let (done, repeated) = (done.into_inner(), repeated.into_inner());
    let elapsed = began.elapsed();
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|failure| failure.seed);
    let mut by_law: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for failure in &failures {
        by_law.entry(failure.law).or_default().push(failure.seed);
    }
    println!(
        "{done} histories, {repeated} of them twice, {} cycles, {} requests in {:.1} s: {:.0} histories a second",
        cycles.into_inner(),
        requests.into_inner(),
        elapsed.as_secs_f64(),
        rate(done + repeated, elapsed),
    );
    for (law, seeds) in &by_law {
        println!("  {law}: {} seeds, {:?}", seeds.len(), &seeds[..seeds.len().min(12)]);
    }
    if arguments.met {
        for (trouble, count) in met.into_inner().unwrap() {
            println!("  met {count:>8} {trouble:?}");
        }
    }
    let Some(failure) = failures.first() else { return ExitCode::SUCCESS };
    report(failure, &arguments, alone);
    ExitCode::FAILURE
}

/// Plays a history; twice where the bytes are to be compared.
fn play_seed(edition: Edition, seed: u64, twice: bool) -> Played {
    let history = History::of(edition, seed);
    let mut played = play(&history, false);
    if twice && play(&history, false).trace != played.trace {
        let what = "played twice, it left other bytes".to_owned();
        played.violations.push(simulation::scene::Violation { law: "determinism", what });
    }
    played
}

fn report(failure: &Failure, arguments: &Arguments, alone: bool) {
    println!("\nlaw broken: {}\n  seed {}\n  {}", failure.law, failure.seed, failure.what);
    let mut history = History::of(arguments.edition(), failure.seed);
    if !arguments.no_shrink && failure.law != "determinism" {
        history = shrink(&history, failure.law);
        println!("\nsmallest history that still fails:\n  {:?}", history.setting);
        for event in &history.events {
            println!("  {event:?}");
        }
        let played = play(&history, false);
        for broken in &played.violations {
            println!("  => {}: {}", broken.law, broken.what);
        }
    }
    if arguments.told || alone && arguments.no_shrink {
        println!("\nrequest by request:");
        for line in play(&history, true).log {
            println!("{line}");
        }
    }
    println!(
        "\nreplay: cargo run --release --example simulate -- --seed {}{}{}",
        failure.seed,
        if arguments.edition == 4 { String::new() } else { format!(" --edition {}", arguments.edition) },
        if arguments.told { "" } else { " --told" }
    );
}

fn rate(done: u64, elapsed: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let done = done as f64;
    done / elapsed.as_secs_f64()
}

fn progress(done: u64, count: u64, rate: f64, is_terminal: bool) {
    const WIDTH: u64 = 40;
    let filled = usize::try_from(done * WIDTH / count.max(1)).unwrap();
    let bar = format!("{:<40}", "#".repeat(filled));
    let line = format!("[{bar}] {done} of {count}, {rate:.0} a second");
    let mut out = std::io::stderr();
    let end = if is_terminal { "\r" } else { "\n" };
    drop(write!(out, "{line}{end}"));
    drop(out.flush());
}
