//! From the first line to the last.
//!
//! Open the store, recover, bind the control socket, start the accounts, say READY; then tick, reload and answer until the first stop
//! signal; then let the operations in flight end, and go.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::desk::{Follower, News};
use super::heartbeat::{Heart, Heartbeats};
use super::reload::Reloader;
use super::rights::RightsKeeper;
use super::sentence::sentence;
use super::signals::{DaemonSignals, Wish};
use super::supervisor::Supervisor;
use super::webhook::Webhooks;
use super::{
    Backend, EngineFactory, Loaded, Notifier, ReloadRequest, Reloads, Roster, SettingsSource, StopSignal,
    Surroundings,
};
use crate::account::AccountName;
use crate::config::Account;
use crate::control::{Exit, Failure, Operations, Server};
use crate::dafater::SiteCountry;
use crate::observe::{LogHandle, events};
use crate::schedule::Ticker;

/// Within this time the daemon obeys its first stop signal, whatever hangs.
pub const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What a daemon is started with.
pub struct Launch {
    /// Where the configuration comes from.
    pub source: Arc<dyn SettingsSource>,
    /// The configuration as it was loaded first.
    pub loaded: Loaded,
    /// What engines stand on.
    pub backend: Arc<dyn Backend>,
    /// Time and chance.
    pub surroundings: Surroundings,
    /// Who is told of transitions.
    pub notifier: Notifier,
    /// How often the service manager wants to hear that all is well, if it does.
    pub watchdog: Option<Duration>,
    /// The log filter, if it can be changed.
    pub log: Option<LogHandle>,
}

/// Runs the daemon until it is told to stop.
///
/// # Errors
/// It could not start.
pub fn run(launch: Launch) -> Result<Exit, Failure> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().map_err(
            |error| Failure::new(Exit::Internal, "the runtime cannot be built").cause(error.to_string()),
        )?;
    let result = runtime.block_on(live(launch));
    // What still hangs was given its time.
    runtime.shutdown_timeout(LAST_MOMENT);
    result
}

/// The daemon's life, within a runtime.
pub(super) async fn live(launch: Launch) -> Result<Exit, Failure> {
    let mut signals = DaemonSignals::register().map_err(|error| {
        Failure::new(Exit::Internal, "signals cannot be taken over").cause(error.to_string())
    })?;
    launch.notifier.status("Starting");
    for warning in &launch.loaded.warnings {
        let place = warning.place.clone().unwrap_or_default();
        events::ConfigFinding { finding: warning.message.clone(), place }.emit();
    }
    events::ConfigLoaded { accounts: launch.loaded.settings.accounts.len() }.emit();
    let factory = tokio::select! {
        opened = launch.backend.open(&launch.loaded.settings) => opened?,
        () = ask_for_time(&launch.notifier) => return Err(Failure::new(Exit::Internal, "the store does not open")),
        signal = signals.stop() => {
            events::DaemonStopping { signal: signal.name() }.emit();
            launch.notifier.stopping("Stopping");
            return Ok(Exit::Ok);
        }
    };
    let mut daemon = Daemon::start(launch, factory).await?;
    let signal = daemon.work(&mut signals).await;
    daemon.stop(signal, &mut signals).await;
    Ok(Exit::Ok)
}

/// A migration may take longer than the manager's patience, but not for ever.
async fn ask_for_time(notifier: &Notifier) {
    for _ in 0..EXTENSIONS {
        sleep(EXTENSION / 3).await;
        notifier.extend_timeout(u32::try_from(EXTENSION.as_micros()).unwrap_or(u32::MAX));
    }
}

/// A daemon that is up.
struct Daemon {
    notifier: Notifier,
    log: Option<LogHandle>,
    watchdog: Option<Duration>,
    roster: watch::Sender<Arc<Roster>>,
    reloader: Reloader,
    reloads: mpsc::Receiver<ReloadRequest>,
    desk: mpsc::Receiver<News>,
    supervisor: Supervisor,
    heartbeats: Heartbeats,
    cycles: TaskTracker,
    server: JoinHandle<()>,
    ticks: watch::Sender<Timestamp>,
    pulse: Pulse,
}

/// The ticker, and when it was heard last.
struct Pulse {
    ticker: Option<Ticker>,
    sender: mpsc::Sender<()>,
    heard: mpsc::Receiver<()>,
    last: Instant,
}

impl Daemon {
    async fn start(launch: Launch, factory: Arc<dyn EngineFactory>) -> Result<Self, Failure> {
        let Launch { source, loaded, surroundings, notifier, watchdog, log, .. } = launch;
        let cancel = CancellationToken::new();
        let heartbeats = Heartbeats::default();
        let cycles = TaskTracker::new();
        let now = surroundings.clock.now();
        // What the desk said last is enough to begin with; it is read again at once.
        let settings = loaded.settings.with_desk(factory.desk().remembered())?;
        let roster = Roster::open(settings, factory.as_ref(), &surroundings, &cancel, None)?;
        let server = Server::bind(&roster.settings.socket)?;
        let (roster, _) = watch::channel(Arc::new(roster));
        let (ticks, _) = watch::channel(now);
        let (asking, reloads) = Reloads::channel();
        let pulse = Pulse::start().await?;
        let operations = Operations {
            roster: roster.subscribe(),
            factory: Arc::clone(&factory),
            surroundings: surroundings.clone(),
            cycles: cycles.clone(),
            reloads: Some(asking),
            started: now,
        };
        let heart = heartbeats.watch("control socket");
        let server = tokio::spawn(answer(server, Arc::new(operations), cancel.clone(), heart));
        let supervisor = Supervisor::start(
            roster.subscribe(),
            ticks.subscribe(),
            cancel.clone(),
            heartbeats.clone(),
            surroundings.clone(),
        );
        let rights = RightsKeeper {
            factory: Arc::clone(&factory),
            roster: roster.subscribe(),
            cancel: cancel.clone(),
        };
        drop(tokio::spawn(rights.keep()));
        let (news, desk) = mpsc::channel(1);
        let follower = Follower {
            roster: roster.subscribe(),
            factory: Arc::clone(&factory),
            news,
            surroundings: surroundings.clone(),
            cancel: cancel.clone(),
        };
        cycles.spawn(follower.follow());
        let (regions, told, asked) = (roster.subscribe(), cancel.clone(), Arc::clone(&factory));
        cycles.spawn(async move {
            tokio::select! {
                () = told.cancelled() => {}
                () = advise_on_regions(regions, asked.as_ref()) => {}
            }
        });
        let (hearing, surroundings_of_it) = (roster.subscribe(), surroundings.clone());
        let webhooks = Webhooks { roster: hearing, surroundings: surroundings_of_it, cancel: cancel.clone() };
        cycles.spawn(webhooks.run());
        let accounts = roster.borrow().accounts.len();
        notifier.ready(&sentence(&roster.borrow()));
        events::DaemonReady { version: env!("CARGO_PKG_VERSION"), accounts }.emit();
        let started_with = Arc::clone(&roster.borrow().settings);
        let reloader = Reloader { source, started_with, factory, surroundings, cancel };
        Ok(Self {
            notifier,
            log,
            watchdog,
            roster,
            reloader,
            reloads,
            desk,
            supervisor,
            heartbeats,
            cycles,
            server,
            ticks,
            pulse,
        })
    }

    /// Ticks, reloads, watches, until the first stop signal.
    async fn work(&mut self, signals: &mut DaemonSignals) -> StopSignal {
        let changed = Arc::clone(&self.reloader.surroundings.changed);
        let mut watchdog = self.watchdog.map(|period| steady(period / 2));
        let mut look = steady(LOOK_AFTER_TICKER);
        loop {
            tokio::select! {
                wish = signals.next() => match wish {
                    Wish::Stop(signal) => return signal,
                    Wish::Reload => self.reload(None),
                },
                Some(request) = self.reloads.recv() => self.reload(Some(request)),
                Some(news) = self.desk.recv() => self.follow(news),
                Some(()) = self.pulse.heard.recv() => {
                    self.pulse.last = Instant::now();
                    self.ticks.send_replace(self.reloader.surroundings.clock.now());
                }
                () = changed.notified() => self.notifier.status(&sentence(&self.roster.borrow())),
                () = self.supervisor.tend() => {}
                _ = look.tick() => {
                    self.pulse.look_after().await;
                    let now = self.reloader.surroundings.clock.now();
                    self.roster.borrow().accounts.values().for_each(|account| account.look_ahead(now));
                }
                () = due(watchdog.as_mut()) => self.feed_watchdog(),
            }
        }
    }

    fn reload(&mut self, request: Option<ReloadRequest>) {
        self.notifier.reloading();
        let current = Arc::clone(&self.roster.borrow());
        let (outcome, publish) = self.reloader.reload(&current);
        if let Some(roster) = publish {
            let level = &roster.settings.log.level;
            if *level != current.settings.log.level
                && let Some(Err(error)) = self.log.as_ref().map(|log| log.set_level(level))
            {
                events::ConfigFinding { finding: error.to_string(), place: "log.level".to_owned() }.emit();
            }
            self.roster.send_replace(Arc::new(roster));
            self.supervisor.reconcile();
        }
        self.notifier.ready(&sentence(&self.roster.borrow()));
        if let Some(request) = request {
            // Whoever asked may have gone.
            request.send(outcome).ok();
        }
    }

    fn follow(&mut self, News { desk, published }: News) {
        let current = Arc::clone(&self.roster.borrow());
        if let Some(roster) = self.reloader.follow(&current, desk) {
            self.roster.send_replace(Arc::new(roster));
            self.supervisor.reconcile();
        }
        self.notifier.status(&sentence(&self.roster.borrow()));
        // Whoever waits may be stopping.
        published.send(()).ok();
    }

    fn feed_watchdog(&self) {
        let late = self.heartbeats.late();
        if late.is_empty() {
            self.notifier.watchdog();
        } else {
            events::TaskLate { task: late.join(", ") }.emit();
        }
    }

    /// Lets the operations in flight end, but not for ever. A second signal ends the process at once.
    async fn stop(mut self, signal: StopSignal, signals: &mut DaemonSignals) {
        events::DaemonStopping { signal: signal.name() }.emit();
        self.notifier.stopping("Stopping after the operations in flight");
        self.reloader.cancel.cancel();
        self.cycles.close();
        // Whoever waits for a reload learns that there will be none.
        self.reloads.close();
        while self.reloads.try_recv().is_ok() {}
        let ended = async {
            self.supervisor.ended().await;
            self.cycles.wait().await;
        };
        tokio::select! {
            () = ended => {}
            () = sleep(ABANDON_AFTER) => {}
            signal = signals.stop() => {
                events::DaemonKilled { signal: signal.name() }.emit();
                std::process::exit(signal.exit_code());
            }
        }
        let abandoned = self.supervisor.left() + self.cycles.len();
        drop(timeout(LAST_MOMENT, self.reloader.factory.close()).await);
        drop(timeout(LAST_MOMENT, self.server).await);
        if let Some(ticker) = self.pulse.ticker.take() {
            drop(timeout(LAST_MOMENT, ticker.stop()).await);
        }
        events::DaemonStopped { abandoned }.emit();
    }
}

impl Pulse {
    async fn start() -> Result<Self, Failure> {
        let (sender, heard) = mpsc::channel(1);
        let ticker = Ticker::start(sender.clone()).await.map_err(|error| {
            Failure::new(Exit::Internal, "the daemon has no clock").cause(error.to_string())
        })?;
        Ok(Self { ticker: Some(ticker), sender, heard, last: Instant::now() })
    }

    /// A clock that is put back silences the scheduler until the old time has come again: replace it.
    async fn look_after(&mut self) {
        let silent = self.last.elapsed();
        if silent < SILENCE {
            return;
        }
        if let Some(ticker) = self.ticker.take() {
            ticker.stop().await;
        }
        self.ticker = Ticker::start(self.sender.clone()).await.ok();
        self.last = Instant::now();
        events::TickerRestarted { silent_for: format!("{} s", silent.as_secs()) }.emit();
    }
}

/// Answers on the socket, come what may.
async fn answer(server: Server, operations: Arc<Operations>, cancel: CancellationToken, heart: Heart) {
    loop {
        let serving = server.serve(Arc::clone(&operations), cancel.clone(), || heart.beat());
        let reason = match AssertUnwindSafe(serving).catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "a defect was hit".to_owned(),
        };
        events::ControlStopped { reason }.emit();
        heart.beat();
        sleep(Duration::from_secs(1)).await;
    }
}

/// Says once how numbers without a country code are compared, if that is nowhere decided, and what the site would decide.
async fn advise_on_regions(mut rosters: watch::Receiver<Arc<Roster>>, factory: &dyn EngineFactory) {
    let undecided = |(name, account): (&AccountName, &Account)| {
        (account.enable && account.region.is_none()).then(|| name.to_string())
    };
    // Accounts of the desk may come a moment later.
    let (roster, accounts) = loop {
        let roster = Arc::clone(&rosters.borrow_and_update());
        let accounts: Vec<String> = roster.settings.config.accounts.iter().filter_map(undecided).collect();
        if !accounts.is_empty() {
            break (roster, accounts);
        }
        if rosters.changed().await.is_err() {
            return;
        }
    };
    let advice = match factory.desk().country(&roster.settings).await {
        Some(SiteCountry { name, code: Some(code) }) => {
            format!("the site's country is {name}: set region = \"{code}\" in [defaults]")
        }
        Some(SiteCountry { name, code: None }) => {
            format!("the site's country is {name}: set `region` in [defaults] to its code of two letters")
        }
        None => {
            "set `region` in [defaults] to the country whose dialling rules apply, such as \"SA\"".to_owned()
        }
    };
    events::RegionNotSet { accounts: accounts.join(", "), advice }.emit();
}

fn steady(period: Duration) -> Interval {
    let mut interval = interval(period.max(Duration::from_millis(10)));
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

async fn due(interval: Option<&mut Interval>) {
    match interval {
        Some(interval) => {
            interval.tick().await;
        }
        None => std::future::pending().await,
    }
}

const ABANDON_AFTER: Duration = Duration::from_millis(4_200);
const LAST_MOMENT: Duration = Duration::from_millis(200);
const EXTENSION: Duration = Duration::from_secs(30);
const EXTENSIONS: u32 = 180;
const LOOK_AFTER_TICKER: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(15);

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
