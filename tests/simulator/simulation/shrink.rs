//! The smallest history that still breaks the same law.

use super::history::{Event, History};
use super::world::play;

/// Leaves out events, then what befalls the cycles, as long as `law` stays broken.
pub fn shrink(history: &History, law: &str) -> History {
    let breaks = |history: &History| play(history, false).violations.iter().any(|found| found.law == law);
    let mut smallest = history.clone();
    loop {
        let before = size(&smallest);
        let mut width = smallest.events.len().div_ceil(2).max(1);
        loop {
            let mut at = 0;
            while at < smallest.events.len() {
                let mut fewer = smallest.clone();
                fewer.events.drain(at..(at + width).min(fewer.events.len()));
                if breaks(&fewer) {
                    smallest = fewer;
                } else {
                    at += width;
                }
            }
            if width == 1 {
                break;
            }
            width /= 2;
        }
        for at in 0..smallest.events.len() {
            for candidate in simpler(&smallest.events[at]) {
                let mut next = smallest.clone();
                next.events[at] = candidate;
                if breaks(&next) {
                    smallest = next;
                }
            }
        }
        for change in SETTINGS {
            let mut next = smallest.clone();
            change(&mut next);
            if format!("{:?}", next.setting) != format!("{:?}", smallest.setting) && breaks(&next) {
                smallest = next;
            }
        }
        if size(&smallest) >= before {
            return smallest;
        }
    }
}

fn size(history: &History) -> usize {
    let parts = |event: &Event| match event {
        Event::Cycle(cycle) | Event::Undo { cycle, .. } => {
            1 + cycle.deeds.len()
                + cycle.faults.len()
                + cycle.strikes.len()
                + usize::from(cycle.crash.is_some())
        }
        Event::Together(deeds) => 1 + deeds.len(),
        _ => 1,
    };
    history.events.iter().map(parts).sum()
}

fn simpler(event: &Event) -> Vec<Event> {
    if let Event::Together(deeds) = event {
        return deeds.iter().map(|deed| Event::Deed(deed.clone())).collect();
    }
    if let Event::Undo { nth, cycle } = event {
        let simpler = simpler(&Event::Cycle(cycle.clone())).into_iter();
        return simpler
            .filter_map(|event| match event {
                Event::Cycle(cycle) => Some(Event::Undo { nth: *nth, cycle }),
                _ => None,
            })
            .collect();
    }
    let Event::Cycle(cycle) = event else { return Vec::new() };
    let mut all = Vec::new();
    if cycle.account > 0 {
        all.push(Event::Cycle(super::history::Cycle { account: 0, ..cycle.clone() }));
    }
    for nth in 0..cycle.deeds.len() {
        let mut fewer = cycle.clone();
        fewer.deeds.remove(nth);
        all.push(Event::Cycle(fewer));
    }
    for nth in 0..cycle.faults.len() {
        let mut fewer = cycle.clone();
        fewer.faults.remove(nth);
        all.push(Event::Cycle(fewer));
    }
    for nth in 0..cycle.strikes.len() {
        let mut fewer = cycle.clone();
        fewer.strikes.remove(nth);
        all.push(Event::Cycle(fewer));
    }
    if cycle.crash.is_some() {
        all.push(Event::Cycle(super::history::Cycle { crash: None, ..cycle.clone() }));
    }
    if cycle.full {
        all.push(Event::Cycle(super::history::Cycle { full: false, ..cycle.clone() }));
    }
    all
}

/// Ways in which a setting may be plainer.
const SETTINGS: [fn(&mut History); 17] = [
    |history| history.setting.addresses = false,
    |history| history.setting.mapped = false,
    |history| history.setting.accounts = 1,
    |history| history.setting.accounts = history.setting.accounts.min(2),
    |history| history.setting.quota = 0,
    |history| history.setting.site_limit = 0,
    |history| history.setting.list_delay = 0,
    |history| history.setting.get_delay = 0,
    |history| history.setting.stale_etag = 0,
    |history| history.setting.late_commit = 0,
    |history| (history.setting.google_skew, history.setting.site_skew) = (0, 0),
    |history| history.setting.label = false,
    |history| history.setting.grouped_phones = false,
    |history| history.setting.collapsed_texts = false,
    |history| history.setting.old_names_answer = true,
    |history| history.setting.connections = 1,
    |history| history.setting.zone = "UTC",
];
