//! Starts a task for each account, and starts it again when it breaks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio_util::sync::CancellationToken;

use super::heartbeat::Heartbeats;
use super::keeper::Keeper;
use super::{Roster, Surroundings};
use crate::observe::events;
use crate::schedule::Backoff;
use crate::sync::AccountName;

/// The tasks of all accounts.
pub(super) struct Supervisor {
    roster: watch::Receiver<Arc<Roster>>,
    ticks: watch::Receiver<Timestamp>,
    cancel: CancellationToken,
    heartbeats: Heartbeats,
    surroundings: Surroundings,
    tasks: JoinSet<()>,
    accounts: BTreeMap<Id, AccountName>,
}

impl Supervisor {
    /// Starts the tasks of the accounts that are enabled.
    pub(super) fn start(
        roster: watch::Receiver<Arc<Roster>>,
        ticks: watch::Receiver<Timestamp>,
        cancel: CancellationToken,
        heartbeats: Heartbeats,
        surroundings: Surroundings,
    ) -> Self {
        let mut supervisor = Self {
            roster,
            ticks,
            cancel,
            heartbeats,
            surroundings,
            tasks: JoinSet::new(),
            accounts: BTreeMap::new(),
        };
        supervisor.reconcile();
        supervisor
    }

    /// Starts the tasks that are missing. Those that are superfluous end by themselves at the next tick.
    pub(super) fn reconcile(&mut self) {
        let roster = Arc::clone(&self.roster.borrow());
        for (name, account) in &roster.accounts {
            let kept = self.accounts.values().any(|kept| kept == name);
            if account.settings().enable && !kept && !self.cancel.is_cancelled() {
                self.spawn(name.clone(), Duration::ZERO);
            }
        }
    }

    /// Waits for a task to end and sees to it. Never returns while all is well; may be dropped and called again.
    pub(super) async fn tend(&mut self) {
        match self.tasks.join_next_with_id().await {
            None => std::future::pending().await,
            Some(Ok((id, ()))) => {
                self.accounts.remove(&id);
            }
            Some(Err(error)) => {
                if let Some(account) = self.accounts.remove(&error.id()).filter(|_| error.is_panic()) {
                    self.restart(account);
                }
            }
        }
        // An account that was taken away and given back may have lost its task in between.
        self.reconcile();
    }

    /// Waits for all tasks to end.
    pub(super) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }

    /// Tasks that have not ended.
    pub(super) fn left(&self) -> usize {
        self.tasks.len()
    }

    fn restart(&mut self, account: AccountName) {
        let live = self.roster.borrow().accounts.get(&account).cloned();
        let panics = live.map_or(1, |live| live.panicked());
        let wait = Backoff::RESTARTS.delay(panics, (self.surroundings.jitter)());
        let restart_in = format!("{} s", wait.as_secs());
        events::TaskPanicked { task: account.to_string(), restart_in }.emit();
        self.surroundings.changed.notify_one();
        self.spawn(account, wait);
    }

    fn spawn(&mut self, account: AccountName, wait: Duration) {
        let keeper = Keeper {
            account: account.clone(),
            roster: self.roster.clone(),
            ticks: self.ticks.clone(),
            cancel: self.cancel.clone(),
        };
        let (heartbeats, clock) = (self.heartbeats.clone(), Arc::clone(&self.surroundings.clock));
        let name = account.to_string();
        let task = async move {
            if !wait.is_zero() {
                tokio::select! {
                    () = keeper.cancel.cancelled() => return,
                    () = clock.sleep(wait) => {}
                }
            }
            keeper.keep(heartbeats.watch(name)).await;
        };
        self.accounts.insert(self.tasks.spawn(task).id(), account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::Settings;
    use crate::daemon::testing::{FakeFactory, Script, TestClock, ok, settings, settings_with, surroundings};

    /// Accounts under supervision, with ticks by hand.
    struct World {
        factory: FakeFactory,
        clock: Arc<TestClock>,
        surroundings: Surroundings,
        roster: watch::Sender<Arc<Roster>>,
        ticks: watch::Sender<Timestamp>,
        cancel: CancellationToken,
        heartbeats: Heartbeats,
        supervisor: Supervisor,
    }

    impl World {
        fn new(accounts: &[&str], factory: FakeFactory) -> Self {
            let (surroundings, clock) = surroundings("2026-03-01T10:00:00Z");
            let cancel = CancellationToken::new();
            let roster = Roster::open(settings(accounts), &factory, &surroundings, &cancel, None).unwrap();
            let (roster, _) = watch::channel(Arc::new(roster));
            let (ticks, _) = watch::channel(clock.time());
            let heartbeats = Heartbeats::default();
            let supervisor = Supervisor::start(
                roster.subscribe(),
                ticks.subscribe(),
                cancel.clone(),
                heartbeats.clone(),
                surroundings.clone(),
            );
            Self { factory, clock, surroundings, roster, ticks, cancel, heartbeats, supervisor }
        }

        async fn tick(&mut self, time: &str) {
            self.clock.set(&format!("2026-03-01T{time}Z"));
            self.ticks.send_replace(self.clock.time());
            self.settle().await;
        }

        /// Lets every task run as far as it can, and the supervisor see what became of it.
        async fn settle(&mut self) {
            for _ in 0..50 {
                tokio::select! {
                    biased;
                    () = self.supervisor.tend() => {}
                    () = tokio::task::yield_now() => {}
                }
            }
        }

        fn publish(&mut self, settings: Settings) {
            let old = Arc::clone(&self.roster.borrow());
            let new = Roster::open(settings, &self.factory, &self.surroundings, &self.cancel, Some(&old));
            self.roster.send_replace(Arc::new(new.unwrap()));
            self.supervisor.reconcile();
        }

        fn runs(&self, account: &str) -> usize {
            self.factory.engine(account).runs()
        }
    }

    #[tokio::test]
    async fn an_account_runs_when_its_time_has_come_and_not_before() {
        let mut world = World::new(&["sales"], FakeFactory::default());
        world.tick("10:04:59").await;
        assert_eq!(world.runs("sales"), 0);
        world.tick("10:05:00").await;
        world.tick("10:05:01").await;
        assert_eq!(world.runs("sales"), 1);
        world.tick("10:10:00").await;
        assert_eq!(world.runs("sales"), 2);
    }

    #[tokio::test]
    async fn ticks_during_a_cycle_start_no_second_one_and_become_one_run_afterwards() {
        let factory = FakeFactory::default().script("sales", [Script::Held(ok("sales"))]);
        let mut world = World::new(&["sales"], factory);
        world.tick("10:05:00").await;
        for time in ["10:10:00", "10:15:00", "10:20:00"] {
            world.tick(time).await;
        }
        assert_eq!(world.runs("sales"), 1);
        assert!(world.heartbeats.late().is_empty());
        world.factory.engine("sales").let_go.notify_one();
        world.settle().await;
        world.tick("10:20:01").await;
        world.tick("10:20:02").await;
        let engine = world.factory.engine("sales");
        assert_eq!((engine.runs(), engine.most_at_once()), (2, 1));
        let standing = world.roster.borrow().accounts.values().next().unwrap().standing();
        assert_eq!(standing.coalesced, 3);
    }

    #[tokio::test]
    async fn a_panic_ends_one_task_which_comes_back_and_touches_no_other() {
        let factory = FakeFactory::default().script("sales", [Script::Panic]);
        let mut world = World::new(&["sales", "support"], factory);
        world.tick("10:05:00").await;
        assert_eq!((world.runs("sales"), world.runs("support")), (1, 1));
        let standing = |world: &World| world.roster.borrow().accounts[&"sales".parse().unwrap()].standing();
        assert_eq!((standing(&world).failures, standing(&world).running_since), (1, None));
        world.tick("10:05:29").await;
        assert_eq!(world.runs("sales"), 1);
        world.tick("10:10:00").await;
        assert_eq!((world.runs("sales"), world.runs("support")), (2, 2));
        assert_eq!(standing(&world).failures, 0);
    }

    #[tokio::test]
    async fn a_reload_adds_and_removes_tasks() {
        let mut world = World::new(&["sales"], FakeFactory::default());
        world.publish(settings(&["support"]));
        world.tick("10:05:00").await;
        assert_eq!((world.runs("sales"), world.runs("support")), (0, 1));
        assert_eq!(world.supervisor.left(), 1);
        world.publish(settings(&["sales", "support"]));
        world.tick("10:10:00").await;
        assert_eq!((world.runs("sales"), world.runs("support")), (1, 2));
    }

    #[tokio::test]
    async fn a_running_cycle_ends_with_the_engine_it_began_with() {
        let factory = FakeFactory::default().script("sales", [Script::Held(ok("sales"))]);
        let mut world = World::new(&["sales"], factory);
        world.tick("10:05:00").await;
        let old = world.factory.engine("sales");
        world.publish(settings_with(&["sales"], &["accounts.sales.conflict=manual"]));
        world.tick("10:10:00").await;
        assert_eq!((old.runs(), world.runs("sales")), (1, 0));
        old.let_go.notify_one();
        world.settle().await;
        world.tick("10:10:01").await;
        assert_eq!((old.runs(), world.runs("sales")), (1, 1));
    }

    #[tokio::test]
    async fn a_stop_waits_for_the_cycle_to_end_by_itself() {
        let factory = FakeFactory::default().script("sales", [Script::UntilCancelled(ok("sales"))]);
        let mut world = World::new(&["sales", "support"], factory);
        world.tick("10:05:00").await;
        world.cancel.cancel();
        tokio::time::timeout(Duration::from_secs(5), world.supervisor.ended()).await.unwrap();
        let standing = world.roster.borrow().accounts[&"sales".parse().unwrap()].standing();
        assert!(standing.last.is_some());
    }

    #[tokio::test]
    async fn a_task_that_blocks_is_late() {
        let mut world = World::new(&["sales"], FakeFactory::default());
        world.tick("10:00:01").await;
        world.heartbeats.late();
        assert_eq!(world.heartbeats.late(), ["sales"]);
        world.tick("10:00:02").await;
        assert!(world.heartbeats.late().is_empty());
    }
}
