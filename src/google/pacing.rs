//! Stays below Google's quotas a minute instead of running into them.
//!
//! A refused call costs as much as a good one, and a program that keeps being refused stays refused. The books are kept over a
//! sliding minute, as Google keeps its own.
//!
//! Law: in no sixty seconds more is spent than the budget, except by a single call that costs more than all of it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::Method;

/// What one account may spend a minute. The defaults lie below the smallest limits that Google has been seen to give a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// "Critical read requests (Contact and Profile Reads)".
    pub critical_reads: u32,
    /// "Critical write requests (Contact Creates and Updates)".
    pub critical_writes: u32,
    /// "Read requests (Contact Group Reads)".
    pub reads: u32,
    /// "Write requests (Contact Deletes and Contact Group Writes)".
    pub writes: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self { critical_reads: 50, critical_writes: 25, reads: 75, writes: 25 }
    }
}

impl Budget {
    /// What a call of `method` costs.
    // API: costs as in the guide "Read and Manage Contacts"; a batch costs the same whatever its size.
    #[must_use]
    pub fn cost(method: Method) -> Self {
        let free = Self { critical_reads: 0, critical_writes: 0, reads: 0, writes: 0 };
        match method {
            Method::ConnectionsList | Method::Get | Method::GetBatchGet => Self { critical_reads: 1, ..free },
            Method::CreateContact | Method::UpdateContact => {
                Self { critical_reads: 1, critical_writes: 1, ..free }
            }
            Method::BatchCreateContacts | Method::BatchUpdateContacts => {
                Self { critical_reads: 6, critical_writes: 6, ..free }
            }
            Method::DeleteContact | Method::ContactGroupsCreate | Method::MembersModify => {
                Self { writes: 1, ..free }
            }
            Method::BatchDeleteContacts => Self { writes: 10, ..free },
            Method::ContactGroupsList => Self { reads: 1, ..free },
        }
    }
}

/// The books of one account.
#[derive(Debug)]
pub(super) struct Ledger {
    critical_reads: Window,
    critical_writes: Window,
    reads: Window,
    writes: Window,
}

impl Ledger {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            critical_reads: Window::new(budget.critical_reads),
            critical_writes: Window::new(budget.critical_writes),
            reads: Window::new(budget.reads),
            writes: Window::new(budget.writes),
        }
    }

    /// Books a call of `method`, or says how long to wait before asking again.
    pub(super) fn book(&mut self, method: Method, now: Timestamp) -> Result<(), Duration> {
        let cost = Budget::cost(method);
        let mut windows = [
            (&mut self.critical_reads, cost.critical_reads),
            (&mut self.critical_writes, cost.critical_writes),
            (&mut self.reads, cost.reads),
            (&mut self.writes, cost.writes),
        ];
        let wait = windows.iter_mut().map(|(window, cost)| window.wait(*cost, now)).max().unwrap_or_default();
        if !wait.is_zero() {
            return Err(wait);
        }
        for (window, cost) in windows {
            window.spend(cost, now);
        }
        Ok(())
    }
}

/// What was spent from one limit in the last minute.
#[derive(Debug)]
struct Window {
    limit: u32,
    /// Oldest first.
    spent: VecDeque<(Timestamp, u32)>,
}

const MINUTE: Duration = Duration::from_mins(1);

impl Window {
    fn new(limit: u32) -> Self {
        Self { limit, spent: VecDeque::new() }
    }

    /// How long until `cost` fits.
    fn wait(&mut self, cost: u32, now: Timestamp) -> Duration {
        // A clock that was set back must not stop us: an entry from the future is forgotten like an old one.
        self.spent.retain(|(at, _)| *at <= now && age(*at, now) < MINUTE);
        let mut total: u32 = self.spent.iter().map(|(_, cost)| cost).sum();
        let mut wait = Duration::ZERO;
        for (at, leaving) in &self.spent {
            if cost == 0 || total + cost <= self.limit {
                break;
            }
            total -= leaving;
            wait = MINUTE.saturating_sub(age(*at, now));
        }
        wait
    }

    fn spend(&mut self, cost: u32, now: Timestamp) {
        if cost > 0 {
            self.spent.push_back((now, cost));
        }
    }
}

fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const METHODS: [Method; 6] = [
        Method::Get,
        Method::UpdateContact,
        Method::BatchUpdateContacts,
        Method::DeleteContact,
        Method::BatchDeleteContacts,
        Method::ContactGroupsList,
    ];

    fn start() -> Timestamp {
        "2026-11-23T08:00:00Z".parse().unwrap()
    }

    #[test]
    fn calls_flow_freely_until_the_minute_is_spent_and_again_when_it_is_over() {
        let mut ledger = Ledger::new(Budget::default());
        for _ in 0..4 {
            assert_eq!(ledger.book(Method::BatchUpdateContacts, start()), Ok(()));
        }
        let later = start() + Duration::from_secs(20);
        assert_eq!(ledger.book(Method::BatchUpdateContacts, later), Err(Duration::from_secs(40)));
        assert_eq!(ledger.book(Method::UpdateContact, later), Ok(()), "what fits goes");
        assert_eq!(ledger.book(Method::DeleteContact, later), Ok(()), "deletes have their own limit");
        assert_eq!(ledger.book(Method::BatchUpdateContacts, start() + MINUTE), Ok(()));
    }

    #[test]
    fn a_call_that_costs_more_than_the_budget_goes_alone() {
        let mut ledger = Ledger::new(Budget { writes: 5, ..Budget::default() });
        assert_eq!(ledger.book(Method::BatchDeleteContacts, start()), Ok(()));
        assert_eq!(ledger.book(Method::DeleteContact, start()), Err(MINUTE));
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_the_account() {
        let mut ledger = Ledger::new(Budget { reads: 1, ..Budget::default() });
        assert_eq!(ledger.book(Method::ContactGroupsList, start() + Duration::from_hours(9)), Ok(()));
        assert_eq!(ledger.book(Method::ContactGroupsList, start()), Ok(()));
    }

    proptest! {
        #[test]
        fn no_minute_spends_more_than_the_budget_and_no_wait_is_longer_than_a_minute(
            calls in proptest::collection::vec((0..METHODS.len(), 0_u64..5000), 1..200),
        ) {
            let budget = Budget { critical_reads: 12, critical_writes: 8, reads: 3, writes: 11 };
            let mut ledger = Ledger::new(budget);
            let mut now = start();
            let mut booked: Vec<(Timestamp, Budget)> = Vec::new();
            for (method, pause) in calls {
                now += Duration::from_millis(pause);
                while let Err(wait) = ledger.book(METHODS[method], now) {
                    prop_assert!(!wait.is_zero() && wait <= MINUTE);
                    now += wait;
                }
                booked.push((now, Budget::cost(METHODS[method])));
                let recent = || booked.iter().filter(|(at, _)| age(*at, now) < MINUTE).map(|(_, cost)| cost);
                prop_assert!(recent().map(|cost| cost.critical_reads).sum::<u32>() <= budget.critical_reads);
                prop_assert!(recent().map(|cost| cost.critical_writes).sum::<u32>() <= budget.critical_writes);
                prop_assert!(recent().map(|cost| cost.reads).sum::<u32>() <= budget.reads);
                prop_assert!(recent().map(|cost| cost.writes).sum::<u32>() <= budget.writes);
            }
        }
    }
}
