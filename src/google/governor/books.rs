//! The books of one OAuth client: what each account and all together have spent, and who waits. Pure: the time is given.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::budget::{Budget, CLASSES, Cost};
use super::window::Window;
use crate::account::AccountName;
use crate::google::Method;

const MINUTE: Duration = Duration::from_mins(1);
const LATELY: Duration = Duration::from_mins(15);
const DAY: Duration = Duration::from_hours(24);
/// Others are in front and there is room for them: they are given the time to come.
const AFTER_YOU: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Books {
    budget: Budget,
    accounts: BTreeMap<AccountName, Ledger>,
    project: Ledger,
    day: Window,
    /// In the order in which they came.
    waiting: BTreeMap<u64, Waiting>,
    next: u64,
}

#[derive(Debug)]
struct Waiting {
    account: AccountName,
    cost: Cost,
}

impl Books {
    pub(super) fn new(budget: Budget) -> Self {
        Self {
            budget,
            accounts: BTreeMap::new(),
            project: Ledger::default(),
            day: Window::new(DAY),
            waiting: BTreeMap::new(),
            next: 0,
        }
    }

    pub(super) fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
    }

    /// A place in the queue.
    pub(super) fn queue(&mut self, account: AccountName, method: Method) -> u64 {
        let place = self.next;
        self.next += 1;
        self.waiting.insert(place, Waiting { account, cost: Cost::of(method) });
        place
    }

    /// Gives a place up.
    pub(super) fn leave(&mut self, place: u64) {
        self.waiting.remove(&place);
    }

    /// Books the call that has this place and gives the place up, or says how long to wait before asking again.
    pub(super) fn book(&mut self, place: u64, now: Timestamp) -> Result<(), Duration> {
        let Some(Waiting { account, cost }) = self.waiting.get(&place) else { return Ok(()) };
        let (account, cost) = (account.clone(), *cost);
        let own = self.accounts.entry(account.clone()).or_default();
        let wait = own.wait(cost.minute, self.budget.of_account(), now);
        let today = self.day.wait(cost.day, self.budget.daily_writes, now);
        let wait = wait.max(today).max(self.turn(place, &account, cost, now));
        if !wait.is_zero() {
            return Err(wait);
        }
        self.accounts.entry(account).or_default().spend(cost.minute, now);
        self.project.spend(cost.minute, now);
        self.day.spend(cost.day, now);
        self.waiting.remove(&place);
        Ok(())
    }

    /// Google says that the minute is spent, whatever the books say.
    pub(super) fn refused(&mut self, account: &AccountName, method: Method, now: Timestamp) {
        let cost = Cost::of(method).minute;
        let limits = self.budget.of_account();
        let mut spent = [0; CLASSES];
        for ((spent, cost), limit) in spent.iter_mut().zip(cost).zip(limits) {
            *spent = if cost > 0 { limit } else { 0 };
        }
        self.accounts.entry(account.clone()).or_default().spend(spent, now);
    }

    /// How long until what all may spend has room for this call and for all that go before it.
    fn turn(&mut self, place: u64, account: &AccountName, cost: Cost, now: Timestamp) -> Duration {
        let limits = self.budget.of_project();
        let wanted = self.before(place, account, now);
        let all = std::array::from_fn(|class| {
            let own = cost.minute.get(class).copied().unwrap_or_default();
            // Who wants something else is not in the way.
            if own == 0 { 0 } else { wanted.get(class).copied().unwrap_or_default().saturating_add(own) }
        });
        let wait = self.project.wait(all, limits, now);
        if wait.is_zero() && all != cost.minute && !self.project.has_room(all, limits, now) {
            return AFTER_YOU;
        }
        wait
    }

    /// What those want who go before this call: of other accounts, not held up by themselves, with less spent lately, or as
    /// little and waiting for longer.
    fn before(&mut self, place: u64, account: &AccountName, now: Timestamp) -> [u32; CLASSES] {
        let limits = self.budget.of_account();
        let own = self.accounts.entry(account.clone()).or_default().lately.spent(now);
        let mut wanted = [0_u32; CLASSES];
        for (other, waiting) in &self.waiting {
            if waiting.account == *account {
                continue;
            }
            let ledger = self.accounts.entry(waiting.account.clone()).or_default();
            let goes_first = (ledger.lately.spent(now), *other) < (own, place);
            if goes_first && ledger.wait(waiting.cost.minute, limits, now).is_zero() {
                for (sum, cost) in wanted.iter_mut().zip(waiting.cost.minute) {
                    *sum = sum.saturating_add(cost);
                }
            }
        }
        wanted
    }
}

/// What was spent.
#[derive(Debug)]
struct Ledger {
    /// In the last minute, by class.
    minute: [Window; CLASSES],
    /// Altogether, over a time in which everybody had many turns.
    lately: Window,
}

impl Default for Ledger {
    fn default() -> Self {
        Self { minute: std::array::from_fn(|_| Window::new(MINUTE)), lately: Window::new(LATELY) }
    }
}

impl Ledger {
    fn wait(&mut self, cost: [u32; CLASSES], limits: [u32; CLASSES], now: Timestamp) -> Duration {
        let windows = self.minute.iter_mut().zip(cost).zip(limits);
        windows.map(|((window, cost), limit)| window.wait(cost, limit, now)).max().unwrap_or_default()
    }

    fn has_room(&mut self, cost: [u32; CLASSES], limits: [u32; CLASSES], now: Timestamp) -> bool {
        let mut windows = self.minute.iter_mut().zip(cost).zip(limits);
        windows.all(|((window, cost), limit)| cost == 0 || window.spent(now).saturating_add(cost) <= limit)
    }

    fn spend(&mut self, cost: [u32; CLASSES], now: Timestamp) {
        self.lately.spend(cost.iter().sum(), now);
        for (window, cost) in self.minute.iter_mut().zip(cost) {
            window.spend(cost, now);
        }
    }
}
