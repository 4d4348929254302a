//! What was spent of one limit lately. Pure: the time is given.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

/// What was spent of one limit within its span. It slides: Google's own minute may begin at any second.
#[derive(Debug)]
pub(super) struct Window {
    span: Duration,
    /// Oldest first.
    spent: VecDeque<Spent>,
}

/// What was spent within a moment.
#[derive(Debug, Clone, Copy)]
struct Spent {
    first: Timestamp,
    last: Timestamp,
    cost: u32,
}

impl Window {
    pub(super) fn new(span: Duration) -> Self {
        Self { span, spent: VecDeque::new() }
    }

    /// What was spent within the span before `now`.
    pub(super) fn spent(&mut self, now: Timestamp) -> u32 {
        let span = self.span;
        // A clock that was set back must not stop us: an entry from the future is forgotten like an old one.
        self.spent.retain(|spent| spent.last <= now && age(spent.last, now) < span);
        self.spent.iter().fold(0, |total, spent| total.saturating_add(spent.cost))
    }

    /// How long until `cost` fits below `limit`. What is larger than the limit fits once nothing else is left.
    pub(super) fn wait(&mut self, cost: u32, limit: u32, now: Timestamp) -> Duration {
        let mut total = self.spent(now);
        let mut wait = Duration::ZERO;
        for spent in &self.spent {
            if cost == 0 || total.saturating_add(cost) <= limit {
                break;
            }
            total = total.saturating_sub(spent.cost);
            wait = self.span.saturating_sub(age(spent.last, now));
        }
        wait
    }

    /// Books `cost`.
    pub(super) fn spend(&mut self, cost: u32, now: Timestamp) {
        if cost == 0 {
            return;
        }
        // A day of single writes need not be a list of eighty thousand.
        if let Some(moment) = self.spent.back_mut()
            && moment.first <= now
            && age(moment.first, now) < self.span / GRAINS
        {
            moment.last = now;
            moment.cost = moment.cost.saturating_add(cost);
        } else {
            self.spent.push_back(Spent { first: now, last: now, cost });
        }
    }
}

/// What is spent within this part of the span is one entry, at the time of the last.
const GRAINS: u32 = 6_000;

fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}
