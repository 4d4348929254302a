//! One account in service.
//!
//! Law: its cycles never overlap, whether the schedule or a command asks for them, and neither does anything else that changes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{AccountSettings, Surroundings};
use crate::execute::{Cause, Counts, Engine, Outcome, Requests, RunReport, RunRequest};
use crate::observe::events;
use crate::schedule::{Agenda, Backoff};

/// An account: its settings, its engine, and what it remembers between cycles.
pub struct LiveAccount {
    settings: AccountSettings,
    engine: Arc<dyn Engine>,
    memory: Arc<Memory>,
    surroundings: Surroundings,
}

/// What survives a reload.
struct Memory {
    /// Held while anything changes the account.
    gate: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

struct State {
    agenda: Agenda,
    running: Option<Timestamp>,
    last: Option<RunReport>,
    failing_since: Option<Timestamp>,
    coalesced: u64,
    panics: u32,
    /// Something may have happened since the last cycle began.
    woken: bool,
    foresight: Foresight,
    /// Why a plan is held, and when that was told.
    held: Option<(String, Timestamp)>,
}

impl State {
    /// Whether the log has not heard yet, or not for a day, that a plan is held and why.
    fn is_held_anew(&mut self, report: &RunReport, now: Timestamp) -> bool {
        let reason = report.error.as_deref().unwrap_or_default();
        match report.outcome {
            Outcome::Held => {
                let is_known = self
                    .held
                    .as_ref()
                    .is_some_and(|(known, told)| known == reason && is_young(Some(*told), TELL_EVERY, now));
                if !is_known {
                    self.held = Some((reason.to_owned(), now));
                }
                !is_known
            }
            Outcome::Ok => {
                self.held = None;
                false
            }
            Outcome::Skipped | Outcome::Failed => false,
        }
    }
}

fn is_young(at: Option<Timestamp>, age: SignedDuration, now: Timestamp) -> bool {
    at.is_some_and(|at| now.duration_since(at).abs() < age)
}

/// What is known of troubles to come.
#[derive(Default)]
struct Foresight {
    looked: Option<Timestamp>,
    told: Option<Timestamp>,
    warning: Option<String>,
}

/// How often it is looked what is going to need a person.
const LOOK_EVERY: SignedDuration = SignedDuration::from_hours(1);
/// Hints start no cycle sooner after the last one.
const REST: SignedDuration = SignedDuration::from_secs(5);
/// How often the same warning is logged.
const TELL_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Who asked for a cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// Its time has come.
    Schedule,
    /// Something may have happened.
    Hint,
    /// A person.
    Command,
}

/// Where an account stands in this process; the store knows the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Since when a cycle runs.
    pub running_since: Option<Timestamp>,
    /// When the next one is due.
    pub next_run: Option<Timestamp>,
    /// Failures since the last success.
    pub failures: u32,
    /// Due times that went by while a cycle ran.
    pub coalesced: u64,
    /// What the last cycle did.
    pub last: Option<RunReport>,
    /// What is going to need a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<String>,
}

impl LiveAccount {
    /// Puts an account into service, or puts `previous` on new settings: its memory goes on, and so does a cycle that runs.
    #[must_use]
    pub fn new(
        settings: AccountSettings,
        engine: Arc<dyn Engine>,
        surroundings: Surroundings,
        previous: Option<&Self>,
    ) -> Self {
        let now = surroundings.clock.now();
        let memory = if let Some(previous) = previous {
            previous.state().agenda.reschedule(settings.schedule.clone(), settings.zone, now);
            Arc::clone(&previous.memory)
        } else {
            // An interval counts from the last success; without a readable store the first cycle will say what is wrong.
            let last_run = engine.status().ok().and_then(|status| status.last_sync_on);
            let agenda = Agenda::new(settings.schedule.clone(), settings.zone, last_run, now);
            let state = State {
                agenda,
                running: None,
                last: None,
                failing_since: None,
                coalesced: 0,
                panics: 0,
                woken: false,
                foresight: Foresight::default(),
                held: None,
            };
            Arc::new(Memory { gate: tokio::sync::Mutex::new(()), state: Mutex::new(state) })
        };
        Self { settings, engine, memory, surroundings }
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &AccountSettings {
        &self.settings
    }

    /// Its engine, for what changes nothing. For anything else hold [`Self::exclusively`].
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// Waits until nothing changes the account, and keeps it so.
    pub async fn exclusively(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.memory.gate.lock().await
    }

    /// Whether its time has come, or something may have happened and it has rested.
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        let mut state = self.state();
        let is_due = state.agenda.is_due(now);
        self.settings.enable && (is_due || state.woken && state.agenda.may_run_early(now, REST))
    }

    /// Something may have happened: the next cycle need not wait for its time. Any number of hints are one.
    pub fn wake(&self) {
        self.state().woken = true;
    }

    /// One cycle, after the one that may be running.
    pub async fn cycle(&self, request: RunRequest, trigger: Trigger) -> RunReport {
        let _gate = self.memory.gate.lock().await;
        self.run(request, trigger).await
    }

    /// One cycle because its time has come, unless one is running: then that one will do.
    pub async fn cycle_unless_busy(&self) -> Option<RunReport> {
        let _gate = self.memory.gate.try_lock().ok()?;
        let trigger = if self.state().woken { Trigger::Hint } else { Trigger::Schedule };
        Some(self.run(RunRequest::default(), trigger).await)
    }

    /// Notes that a cycle ended in a panic. Answers how many have, since one ended well.
    #[expect(clippy::must_use_candidate, reason = "called for what it notes")]
    pub fn panicked(&self) -> u32 {
        let now = self.surroundings.clock.now();
        let jitter = (self.surroundings.jitter)();
        let mut state = self.state();
        state.agenda.finished(now, false, Backoff::RUNS, jitter);
        state.failing_since.get_or_insert(now);
        state.panics = state.panics.saturating_add(1);
        state.panics
    }

    /// Where it stands.
    #[must_use]
    pub fn standing(&self) -> Standing {
        let state = self.state();
        Standing {
            running_since: state.running,
            next_run: state.agenda.next_run().filter(|_| self.settings.enable),
            failures: state.agenda.failures(),
            coalesced: state.coalesced,
            last: state.last.clone(),
            warning: state.foresight.warning.clone(),
        }
    }

    /// Looks, now and then, whether something is going to need a person, and says so once a day. An account that is not synced is
    /// looked at too: its consent dies of disuse.
    pub fn look_ahead(&self, now: Timestamp) {
        if is_young(self.state().foresight.looked, LOOK_EVERY, now) {
            return;
        }
        let warning = self.engine.status().ok().and_then(|status| status.ending);
        let mut state = self.state();
        let foresight = &mut state.foresight;
        foresight.looked = Some(now);
        let is_news = foresight.warning != warning || !is_young(foresight.told, TELL_EVERY, now);
        foresight.warning.clone_from(&warning);
        if let Some(reason) = warning.filter(|_| is_news) {
            foresight.told = Some(now);
            drop(state);
            events::AuthorizationEnding { account: self.settings.name.clone(), reason }.emit();
            self.surroundings.changed.notify_one();
        }
    }

    /// A person gave consent anew: what failed for want of it need not wait, and what was foreseen is looked at again.
    pub fn consented(&self) {
        let mut state = self.state();
        state.agenda.release();
        state.foresight = Foresight::default();
        drop(state);
        self.look_ahead(self.surroundings.clock.now());
        self.surroundings.changed.notify_one();
    }

    async fn run(&self, request: RunRequest, trigger: Trigger) -> RunReport {
        let account = self.settings.name.clone();
        if !self.settings.enable {
            let reason = "the account is disabled".to_owned();
            events::SyncSkipped { account, reason: reason.clone() }.emit();
            return self.untried(Outcome::Skipped, reason, None);
        }
        if let Some(reason) = self.settings.refused.clone() {
            return self.refuse(reason, !request.dry_run);
        }
        let trigger = match trigger {
            Trigger::Schedule => "schedule",
            Trigger::Hint => "hint",
            Trigger::Command => "command",
        };
        events::SyncStarted { account, trigger, full: request.full }.emit();
        let started = self.surroundings.clock.now();
        let running = Running::new(self, started, !request.dry_run);
        let report = self.engine.run(request).await;
        drop(running);
        if !request.dry_run {
            self.conclude(&report, started);
        }
        self.surroundings.changed.notify_one();
        report
    }

    /// A cycle that must not be tried. Its reason is told when it is news, not at each due time.
    fn refuse(&self, reason: String, counts: bool) -> RunReport {
        let report = self.untried(Outcome::Failed, reason.clone(), Some(Cause::Configuration));
        let before = if counts { self.state().last.replace(report.clone()) } else { None };
        if before.is_none_or(|before| before.error.as_ref() != Some(&reason)) {
            events::AccountRefused { account: self.settings.name.clone(), reason }.emit();
        }
        if counts {
            let now = self.surroundings.clock.now();
            let jitter = (self.surroundings.jitter)();
            let mut state = self.state();
            state.woken = false;
            state.agenda.started(now);
            // It is no failure that waiting would cure: once the reason is gone, the account goes on at once.
            state.agenda.finished(now, true, Backoff::RUNS, jitter);
        }
        self.surroundings.changed.notify_one();
        report
    }

    fn conclude(&self, report: &RunReport, started: Timestamp) {
        let now = self.surroundings.clock.now();
        let succeeded = report.outcome != Outcome::Failed && report.cause.is_none();
        let jitter = (self.surroundings.jitter)();
        let mut state = self.state();
        let failures_before = state.agenda.failures();
        let coalesced = state.agenda.finished(now, succeeded, Backoff::RUNS, jitter);
        if let Some(asked) = report.retry_after_seconds.filter(|_| !succeeded) {
            // Who was sent away together does not come back together.
            state
                .agenda
                .postpone(now, Duration::from_secs(asked).mul_f64(1.0 + jitter.clamp(0.0, 1.0) / 10.0));
        }
        state.coalesced += u64::from(coalesced);
        state.panics = 0;
        let before = state.last.replace(report.clone());
        let is_held_anew = state.is_held_anew(report, now);
        let failing_since = if succeeded {
            state.failing_since.take()
        } else {
            Some(*state.failing_since.get_or_insert(started))
        };
        let retry_in = state.agenda.waiting(now);
        drop(state);

        if succeeded && failures_before > 0 {
            let after = failing_since.map(|since| seconds(now.duration_since(since).as_secs()));
            let after = after.unwrap_or_default();
            events::SyncRecovered { account: report.account.clone(), failures: failures_before, after }
                .emit();
        }
        let ended = Ended {
            elapsed_ms: u64::try_from(now.duration_since(started).as_millis()).unwrap_or_default(),
            coalesced,
            failures: failures_before.saturating_add(1),
            retry_in: retry_in.map(|wait| format!("{}s", wait.as_secs())).unwrap_or_default(),
            is_news: before.is_none_or(|before| before.error != report.error),
            is_held_anew,
        };
        ended.tell(report);
    }

    /// The report of a cycle that was not tried, or that left none.
    #[must_use]
    pub fn untried(&self, outcome: Outcome, error: String, cause: Option<Cause>) -> RunReport {
        RunReport {
            account: self.settings.name.clone(),
            outcome,
            run: String::new(),
            google: Counts::default(),
            dafater: Counts::default(),
            labels: 0,
            photos: 0,
            linked: 0,
            conflicts: 0,
            parked: 0,
            review: 0,
            requests: Requests::default(),
            error: Some(error),
            cause,
            retry_after_seconds: None,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked while holding it had changed whole fields only.
        self.memory.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Marks the account as running until it is dropped, by the end of a cycle or by its panic.
struct Running<'a>(&'a LiveAccount);

impl<'a> Running<'a> {
    fn new(account: &'a LiveAccount, now: Timestamp, counts: bool) -> Self {
        let mut state = account.state();
        state.running = Some(now);
        if counts {
            state.agenda.started(now);
            // What happens from here on may be missed by this cycle, and is not taken for seen.
            state.woken = false;
        }
        drop(state);
        account.surroundings.changed.notify_one();
        Self(account)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.state().running = None;
    }
}

/// What the log says of a cycle beyond its report.
struct Ended {
    elapsed_ms: u64,
    coalesced: u32,
    failures: u32,
    retry_in: String,
    is_news: bool,
    is_held_anew: bool,
}

impl Ended {
    fn tell(self, report: &RunReport) {
        let account = report.account.clone();
        let run = report.run.clone();
        let reason = report.error.clone().unwrap_or_default();
        let requests = report.requests.google + report.requests.dafater;
        // Whoever must act is called once, not at every try.
        if report.cause == Some(Cause::Unauthorized) && self.is_news {
            events::AuthorizationRequired { account: account.clone(), reason: reason.clone() }.emit();
        }
        match report.outcome {
            Outcome::Ok if is_quiet(report) => {
                events::SyncQuiet { account, run, requests, elapsed_ms: self.elapsed_ms }.emit();
            }
            Outcome::Ok => events::SyncFinished {
                account,
                run,
                google: written(report.google),
                dafater: written(report.dafater),
                linked: report.linked,
                conflicts: report.conflicts,
                parked: report.parked,
                review: report.review,
                requests,
                elapsed_ms: self.elapsed_ms,
                coalesced: self.coalesced,
            }
            .emit(),
            // Until somebody decides, each run comes to the same end; `status` tells it meanwhile.
            Outcome::Held if !self.is_held_anew => {}
            Outcome::Held => events::SyncHeld { account, run, reason }.emit(),
            Outcome::Skipped => events::SyncSkipped { account, reason }.emit(),
            Outcome::Failed => {
                let (failures, retry_in) = (self.failures, self.retry_in);
                events::SyncFailed { account, run, reason, failures, retry_in }.emit();
            }
        }
    }
}

fn is_quiet(report: &RunReport) -> bool {
    report.google == Counts::default()
        && report.dafater == Counts::default()
        && report.linked == 0
        && report.labels == 0
        && report.photos == 0
}

/// `+2 ~1 -0`: created, updated, deleted.
fn written(counts: Counts) -> String {
    format!("+{} ~{} -{}", counts.created, counts.updated, counts.deleted)
}

fn seconds(seconds: i64) -> String {
    match seconds {
        ..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::testing::{FakeEngine, Script, account_settings, failed, ok, surroundings};

    fn live(engine: &Arc<FakeEngine>) -> (LiveAccount, Arc<crate::daemon::testing::TestClock>) {
        let (surroundings, clock) = surroundings("2026-03-01T10:00:00Z");
        let account =
            LiveAccount::new(account_settings("sales"), Arc::clone(engine) as _, surroundings, None);
        (account, clock)
    }

    #[tokio::test]
    async fn two_commands_at_once_become_two_cycles_one_after_the_other() {
        let engine = FakeEngine::new("sales", [Script::Yield(ok("sales")), Script::Yield(ok("sales"))]);
        let (account, _) = live(&engine);
        let request = RunRequest::default();
        tokio::join!(account.cycle(request, Trigger::Command), account.cycle(request, Trigger::Command));
        assert_eq!((engine.runs(), engine.most_at_once()), (2, 1));
    }

    #[tokio::test]
    async fn a_due_time_during_a_cycle_starts_no_second_one() {
        let engine = FakeEngine::new("sales", [Script::Yield(ok("sales"))]);
        let (account, _) = live(&engine);
        let command = account.cycle(RunRequest::default(), Trigger::Command);
        let (_, scheduled) = tokio::join!(command, account.cycle_unless_busy());
        assert_eq!((engine.runs(), scheduled), (1, None));
    }

    #[tokio::test]
    async fn a_failing_account_waits_and_its_next_success_forgets_it() {
        let engine = FakeEngine::new("sales", [Script::Report(failed("sales")), Script::Report(ok("sales"))]);
        let (account, clock) = live(&engine);
        clock.set("2026-03-01T10:05:00Z");
        assert!(account.is_due(clock.time()));
        account.cycle_unless_busy().await;
        clock.set("2026-03-01T10:05:10Z");
        assert!(!account.is_due(clock.time()));
        assert_eq!(account.standing().failures, 1);
        account.cycle(RunRequest::default(), Trigger::Command).await;
        assert_eq!(account.standing().failures, 0);
        assert_eq!(account.standing().next_run, Some("2026-03-01T10:10:00Z".parse().unwrap()));
    }

    #[tokio::test]
    async fn a_disabled_account_is_never_due_and_its_engine_is_left_alone() {
        let engine = FakeEngine::new("sales", []);
        let (surroundings, clock) = surroundings("2026-03-01T10:00:00Z");
        let settings = AccountSettings { enable: false, ..account_settings("sales") };
        let account = LiveAccount::new(settings, Arc::clone(&engine) as _, surroundings, None);
        clock.set("2026-03-02T10:00:00Z");
        assert!(!account.is_due(clock.time()));
        let report = account.cycle(RunRequest::default(), Trigger::Command).await;
        assert_eq!((report.outcome, engine.runs()), (Outcome::Skipped, 0));
    }

    #[tokio::test]
    async fn a_dry_run_moves_nothing() {
        let engine = FakeEngine::new("sales", [Script::Report(failed("sales"))]);
        let (account, _) = live(&engine);
        let before = account.standing();
        account.cycle(RunRequest { dry_run: true, full: false }, Trigger::Command).await;
        assert_eq!(account.standing(), before);
    }

    #[tokio::test]
    async fn a_warning_is_told_at_once_once_a_day_and_in_the_standing() {
        let engine = FakeEngine::new("sales", []);
        let (account, clock) = live(&engine);
        account.look_ahead(clock.time());
        assert_eq!(account.standing().warning, None);
        *engine.ending.lock().unwrap() = Some("the consent ends".to_owned());
        clock.set("2026-03-01T10:30:00Z");
        account.look_ahead(clock.time());
        assert_eq!(account.standing().warning, None, "it is looked at once an hour");
        clock.set("2026-03-01T11:00:00Z");
        account.look_ahead(clock.time());
        assert_eq!(account.standing().warning.as_deref(), Some("the consent ends"));
        *engine.ending.lock().unwrap() = None;
        account.consented();
        assert_eq!(account.standing().warning, None, "a new consent is looked at at once");
    }

    #[tokio::test]
    async fn why_a_plan_is_held_is_told_at_once_when_it_changes_and_once_a_day() {
        let (account, _) = live(&FakeEngine::new("sales", []));
        let of = |outcome, reason: &str| account.untried(outcome, reason.to_owned(), None);
        let mut told = Vec::new();
        for (time, report) in [
            ("01T10:00", of(Outcome::Held, "18 of 20 would go")),
            ("01T10:05", of(Outcome::Held, "18 of 20 would go")),
            ("01T10:10", of(Outcome::Failed, "the site is down")),
            ("01T10:15", of(Outcome::Held, "18 of 20 would go")),
            ("01T10:20", of(Outcome::Held, "19 of 20 would go")),
            ("02T10:20", of(Outcome::Held, "19 of 20 would go")),
            ("02T10:25", of(Outcome::Ok, "")),
            ("02T10:30", of(Outcome::Held, "19 of 20 would go")),
        ] {
            let now = format!("2026-03-{time}:00Z").parse().unwrap();
            if account.state().is_held_anew(&report, now) {
                told.push(time);
            }
        }
        assert_eq!(told, ["01T10:00", "01T10:20", "02T10:20", "02T10:30"]);
    }

    #[tokio::test]
    async fn a_new_consent_ends_the_waiting() {
        let engine = FakeEngine::new("sales", [Script::Report(failed("sales"))]);
        let (account, clock) = live(&engine);
        clock.set("2026-03-01T10:05:00Z");
        account.cycle_unless_busy().await;
        account.memory.state.lock().unwrap().agenda.postpone(clock.time(), Duration::from_hours(9));
        clock.set("2026-03-01T10:10:00Z");
        assert!(!account.is_due(clock.time()));
        account.consented();
        assert!(account.is_due(clock.time()));
    }

    #[tokio::test]
    async fn what_a_remote_asks_to_wait_is_waited() {
        let asked = RunReport { retry_after_seconds: Some(7_200), ..failed("sales") };
        let engine = FakeEngine::new("sales", [Script::Report(asked)]);
        let (account, clock) = live(&engine);
        clock.set("2026-03-01T10:05:00Z");
        account.cycle_unless_busy().await;
        clock.set("2026-03-01T12:04:59Z");
        assert!(!account.is_due(clock.time()));
        clock.set("2026-03-01T12:25:00Z");
        assert!(account.is_due(clock.time()));
    }

    #[tokio::test]
    async fn a_reload_during_a_cycle_keeps_the_memory_and_the_gate() {
        let engine = FakeEngine::new("sales", [Script::Yield(ok("sales"))]);
        let (account, clock) = live(&engine);
        let next = FakeEngine::new("sales", [Script::Report(ok("sales"))]);
        let (surroundings, _) = surroundings("2026-03-01T10:00:00Z");
        let replace = async {
            let settings =
                AccountSettings { schedule: "every 1h".parse().unwrap(), ..account_settings("sales") };
            let reloaded = LiveAccount::new(settings, Arc::clone(&next) as _, surroundings, Some(&account));
            assert!(reloaded.standing().running_since.is_some());
            assert_eq!(reloaded.cycle_unless_busy().await, None);
            reloaded
        };
        let (_, reloaded) = tokio::join!(account.cycle(RunRequest::default(), Trigger::Command), replace);
        assert_eq!((engine.runs(), next.runs()), (1, 0));
        clock.set("2026-03-01T11:00:00Z");
        assert!(reloaded.is_due(clock.time()));
    }
}
