//! Every point at which a process can die in a small world, enumerated.
//!
//! A world is three contacts and one cycle in which something happens. It is played once undisturbed, to count the cycle's durable
//! writes, requests and awaits. Then it is played once for each of them with the process dying there: before the request arrives and
//! after it was carried out, before a commit is durable and after it, at each await. The daemon starts again from what was durable,
//! comes to rest, and every law is checked. Then the same once more, with the process dying a second time while it recovers.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use dafater_contactsd::sync::{ConflictPolicy, DeletionPolicy, FirstSync, Side};

use crate::simulation::history::{
    Crash, Cycle, Deed, Edit, Event, History, Kind, Newcomer, Rules, Setting, Text,
};
use crate::simulation::world::{Span, play};

#[test]
fn a_first_sync_may_die_anywhere() {
    let mut world = Vec::new();
    for (token, sides) in
        [(1, &[Side::Google, Side::Dafater][..]), (2, &[Side::Google]), (3, &[Side::Dafater])]
    {
        world.extend(sides.iter().map(|side| add(*side, token)));
    }
    assert!(die_everywhere(&world) > 40);
}

#[test]
fn edits_in_both_directions_may_die_anywhere() {
    let mut world = paired();
    world.push(edit(Side::Google, 0, 1, 11));
    world.push(edit(Side::Dafater, 1, 3, 12));
    world.push(edit(Side::Dafater, 2, 5, 13));
    assert!(die_everywhere(&world) > 40);
}

#[test]
fn conflicts_may_die_anywhere() {
    let mut world = paired();
    for who in 0..3 {
        world.push(edit(Side::Google, who, 1, 20 + who));
        world.push(edit(Side::Dafater, who, 1, 30 + who));
    }
    assert!(die_everywhere(&world) > 40);
}

#[test]
fn deletions_may_die_anywhere() {
    let mut world = paired();
    world.push(Event::Deed(Deed::Delete { side: Side::Google, who: 0 }));
    world.push(Event::Deed(Deed::Delete { side: Side::Dafater, who: 2 }));
    assert!(die_everywhere(&world) > 40);
}

#[test]
fn creates_may_die_anywhere() {
    let mut world = paired();
    world.extend([add(Side::Google, 4), add(Side::Google, 5), add(Side::Dafater, 6), add(Side::Dafater, 7)]);
    assert!(die_everywhere(&world) > 40);
}

#[test]
fn an_edit_that_beats_a_deletion_may_die_anywhere() {
    let mut world = paired();
    world.push(Event::Deed(Deed::Delete { side: Side::Google, who: 0 }));
    for who in 0..3 {
        world.push(edit(Side::Dafater, who, 5, 40 + who));
    }
    assert!(die_everywhere(&world) > 40);
}

fn add(side: Side, token: u32) -> Event {
    Event::Deed(Deed::Add { side, who: Newcomer { token, kind: Kind::Full, rich: true } })
}

fn edit(side: Side, who: u32, field: u32, token: u32) -> Event {
    let edit = Edit::Text { field, value: Text::Unique(token) };
    Event::Deed(Deed::Edit { side, who, edit })
}

/// Three contacts that both sides have, and have agreed on.
fn paired() -> Vec<Event> {
    let mut events = vec![add(Side::Google, 1), add(Side::Google, 2), add(Side::Dafater, 3)];
    events.push(Event::Cycle(Cycle::default()));
    events.push(Event::Wait(1_000));
    events.push(Event::Cycle(Cycle::default()));
    events
}

/// Plays `world` and one more cycle, which dies at every point in turn, and then at every pair of points that matter most. How many
/// points there were.
fn die_everywhere(world: &[Event]) -> usize {
    let undisturbed = told(world, &[None]);
    let span = undisturbed.last().unwrap();
    assert!(span.commits > 1 && span.effects.contains(&true), "nothing happens in {span:?}");
    let mut endings: Vec<Vec<Option<Crash>>> =
        points(undisturbed.last().unwrap()).into_iter().map(|point| vec![Some(point)]).collect();
    let count = endings.len();
    // Dying while recovering: after each effect and around each commit of the first run, at each commit and effect of the next.
    for first in effects_and_commits(undisturbed.last().unwrap()) {
        let recovering = told(world, &[Some(first), None]);
        let again = effects_and_commits(recovering.last().unwrap());
        endings.extend(again.into_iter().map(|second| vec![Some(first), Some(second)]));
    }
    let next = AtomicUsize::new(0);
    let broken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(ending) = endings.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let played = play(&history(world, ending), false);
                    let violations = played.violations.iter();
                    let lines = violations.map(|found| format!("{ending:?}: {}: {}", found.law, found.what));
                    broken.lock().unwrap().extend(lines);
                }
            });
        }
    });
    let broken = broken.into_inner().unwrap();
    assert!(broken.is_empty(), "of {} endings:\n{}", endings.len(), broken.join("\n"));
    println!("{count} points, {} endings", endings.len());
    count
}

/// What each cycle did.
fn told(world: &[Event], endings: &[Option<Crash>]) -> Vec<Span> {
    play(&history(world, endings), false).spans
}

fn points(span: &Span) -> Vec<Crash> {
    let mut points = effects_and_commits(span);
    let reads = span.effects.iter().enumerate().filter(|(_, is_effect)| !**is_effect);
    points.extend(reads.map(|(nth, _)| Crash::Request { nth: nth as u32, done: true }));
    points.extend((0..span.polls - 1).map(|nth| Crash::Await { nth }));
    points
}

fn effects_and_commits(span: &Span) -> Vec<Crash> {
    let mut points = Vec::new();
    for nth in 0..span.commits {
        points.extend([false, true].map(|durable| Crash::Commit { nth, durable }));
    }
    for (nth, _) in span.effects.iter().enumerate().filter(|(_, is_effect)| **is_effect) {
        points.extend([false, true].map(|done| Crash::Request { nth: nth as u32, done }));
    }
    points
}

fn history(world: &[Event], endings: &[Option<Crash>]) -> History {
    let mut events = world.to_vec();
    for crash in endings {
        events.push(Event::Cycle(Cycle { crash: *crash, ..Cycle::default() }));
        events.push(Event::Wait(60));
    }
    let rules = Rules {
        pull: true,
        push: true,
        conflict: ConflictPolicy::Newest,
        deletions: DeletionPolicy::Propagate,
        max_deletes_percent: 100,
    };
    let setting = Setting {
        rules,
        first_sync: FirstSync::Apply,
        label: false,
        list_delay: 0,
        get_delay: 0,
        stale_etag: 0,
        late_commit: 0,
        google_skew: 0,
        site_skew: 0,
        zone: "Asia/Riyadh",
        grouped_phones: false,
        collapsed_texts: false,
        old_names_answer: true,
        expired_code: 400,
        connections: 1,
        accounts: 1,
        quota: 0,
        site_limit: 0,
        mapped: false,
        addresses: false,
    };
    History { seed: 0, setting, events, forgets: false }
}
