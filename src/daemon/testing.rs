//! A scripted engine, a clock that is set by hand, and settings without a configuration.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::{
    AccountSettings, Backend, Begun, Consent, Desk, DeskDoor, EngineFactory, Loaded, Settings,
    SettingsSource, Surroundings,
};
use crate::config::Sources;
use crate::control::{Exit, Failure};
use crate::dafater::Permissions;
use crate::execute::{
    AccountStatus, ConflictView, Counts, Engine, EngineError, EngineErrorKind, HistoryFilter, HistoryView,
    Outcome, PlanView, Requests, ReviewView, RunReport, RunRequest, UndoRequest, UndoView,
};
use crate::mapping::{DocumentName, SourceId};
use crate::remote::Clock;
use crate::sync::{AccountName, RecordId, Side};

/// What one cycle does.
pub(crate) enum Script {
    /// Ends at once.
    Report(RunReport),
    /// Lets the others run first.
    Yield(RunReport),
    /// Goes on until the test lets it go.
    Held(RunReport),
    /// Hits a defect.
    Panic,
    /// Goes on until it is cancelled.
    UntilCancelled(RunReport),
    /// Never ends.
    Forever,
}

/// An engine that does what it was told; further cycles are successful and quiet.
pub(crate) struct FakeEngine {
    account: AccountName,
    script: Mutex<VecDeque<Script>>,
    cancel: CancellationToken,
    /// Ends a cycle that is held.
    pub(crate) let_go: Notify,
    runs: AtomicUsize,
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
    pub(crate) calls: Mutex<Vec<String>>,
    /// When and why the authorization is going to end.
    pub(crate) ending: Mutex<Option<String>>,
}

impl FakeEngine {
    pub(crate) fn new(account: &str, script: impl IntoIterator<Item = Script>) -> Arc<Self> {
        Self::cancellable(account, script, CancellationToken::new())
    }

    pub(crate) fn cancellable(
        account: &str,
        script: impl IntoIterator<Item = Script>,
        cancel: CancellationToken,
    ) -> Arc<Self> {
        Arc::new(Self {
            account: account.parse().unwrap(),
            script: Mutex::new(script.into_iter().collect()),
            cancel,
            let_go: Notify::new(),
            runs: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
            calls: Mutex::default(),
            ending: Mutex::default(),
        })
    }

    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::SeqCst)
    }

    pub(crate) fn most_at_once(&self) -> usize {
        self.most_at_once.load(Ordering::SeqCst)
    }

    fn call(&self, call: String) {
        self.calls.lock().unwrap().push(call);
    }
}

fn unknown<T>(what: &str) -> Result<T, EngineError> {
    Err(EngineError {
        message: format!("there is no {what}"),
        hint: None,
        kind: EngineErrorKind::Unknown,
        side: None,
    })
}

impl Engine for FakeEngine {
    fn account(&self) -> &AccountName {
        &self.account
    }

    fn run(&self, _: RunRequest) -> BoxFuture<'_, RunReport> {
        Box::pin(async move {
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            self.runs.fetch_add(1, Ordering::SeqCst);
            let script = self.script.lock().unwrap().pop_front();
            let report = match script {
                None => ok(self.account.as_str()),
                Some(Script::Report(report)) => report,
                Some(Script::Yield(report)) => {
                    tokio::task::yield_now().await;
                    report
                }
                Some(Script::Held(report)) => {
                    self.let_go.notified().await;
                    report
                }
                Some(Script::Panic) => {
                    self.at_once.fetch_sub(1, Ordering::SeqCst);
                    panic!("a defect")
                }
                Some(Script::UntilCancelled(report)) => {
                    self.cancel.cancelled().await;
                    report
                }
                Some(Script::Forever) => std::future::pending().await,
            };
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            report
        })
    }

    fn plan(&self) -> BoxFuture<'_, Result<PlanView, EngineError>> {
        let plan = PlanView {
            account: self.account.clone(),
            held: None,
            google: Counts::default(),
            dafater: Counts::default(),
            linked: 0,
            steps: Vec::new(),
        };
        Box::pin(async { Ok(plan) })
    }

    fn status(&self) -> Result<AccountStatus, EngineError> {
        Ok(AccountStatus {
            account: self.account.clone(),
            last_sync_on: None,
            last_full_read: None,
            has_cursor: false,
            authorized: true,
            consented_as: None,
            linked: 2,
            parked: 0,
            conflicts: 1,
            review: 0,
            in_doubt: 0,
            hold: None,
            error: None,
            warning: None,
            ending: self.ending.lock().unwrap().clone(),
        })
    }

    fn conflicts(&self) -> Result<Vec<ConflictView>, EngineError> {
        Ok(vec![ConflictView {
            id: format!("{}-1", self.account),
            account: self.account.clone(),
            google: RecordId::Google(SourceId("c1".to_owned())),
            dafater: RecordId::Dafater(DocumentName("Ada".to_owned())),
            field: "phone".to_owned(),
            base: None,
            google_value: "1".to_owned(),
            dafater_value: "2".to_owned(),
            resolution: None,
        }])
    }

    fn resolve<'a>(&'a self, id: &'a str, side: Side) -> BoxFuture<'a, Result<(), EngineError>> {
        self.call(format!("resolve {id} {side}"));
        Box::pin(async { Ok(()) })
    }

    fn reviews(&self) -> Result<Vec<ReviewView>, EngineError> {
        Ok(Vec::new())
    }

    fn link<'a>(
        &'a self,
        google: &'a RecordId,
        dafater: &'a RecordId,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        self.call(format!("link {google} {dafater}"));
        Box::pin(async { Ok(()) })
    }

    fn skip<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.call(format!("skip {record}"));
        Box::pin(async { Ok(()) })
    }

    fn separate<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>> {
        self.call(format!("separate {record}"));
        Box::pin(async { Ok(()) })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(async { Ok(()) })
    }

    fn approve(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(async { unknown("held plan") })
    }

    fn discard(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        self.call("discard".to_owned());
        Box::pin(async { Ok(()) })
    }

    fn undo<'a>(&'a self, request: &'a UndoRequest) -> BoxFuture<'a, Result<UndoView, EngineError>> {
        self.call(format!("undo {}", request.run));
        Box::pin(async { unknown("run") })
    }

    fn history(&self, _: &HistoryFilter) -> Result<Vec<HistoryView>, EngineError> {
        Ok(Vec::new())
    }
}

/// A clock that stands still until it is set; waiting takes no time.
pub(crate) struct TestClock(Mutex<Timestamp>);

impl TestClock {
    pub(crate) fn set(&self, time: &str) {
        *self.0.lock().unwrap() = time.parse().unwrap();
    }

    pub(crate) fn time(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::task::yield_now())
    }
}

/// Surroundings in which only the test makes time pass.
pub(crate) fn surroundings(now: &str) -> (Surroundings, Arc<TestClock>) {
    let clock = Arc::new(TestClock(Mutex::new(now.parse().unwrap())));
    let surroundings = Surroundings {
        clock: Arc::clone(&clock) as _,
        jitter: Arc::new(|| 1.0),
        changed: Arc::new(Notify::new()),
    };
    (surroundings, clock)
}

/// A successful, quiet run.
pub(crate) fn ok(account: &str) -> RunReport {
    RunReport {
        account: account.parse().unwrap(),
        outcome: Outcome::Ok,
        run: "r1".to_owned(),
        google: Counts::default(),
        dafater: Counts::default(),
        labels: 0,
        photos: 0,
        linked: 0,
        conflicts: 0,
        parked: 0,
        review: 0,
        requests: Requests::default(),
        error: None,
        cause: None,
        retry_after_seconds: None,
    }
}

/// A run that failed.
pub(crate) fn failed(account: &str) -> RunReport {
    RunReport { outcome: Outcome::Failed, error: Some("the site is down".to_owned()), ..ok(account) }
}

/// An account that is synced every five minutes and belongs to layla.
pub(crate) fn account_settings(name: &str) -> AccountSettings {
    settings(&[name]).accounts.into_values().next().unwrap()
}

/// Settings with these accounts.
pub(crate) fn settings(accounts: &[&str]) -> Settings {
    settings_with(accounts, &[])
}

/// Settings with these accounts, and more as `--set` takes it.
pub(crate) fn settings_with(accounts: &[&str], more: &[&str]) -> Settings {
    let set = set_arguments(accounts, more);
    let sources = Sources { directory: "/nonexistent".into(), ..Sources::new([], None, set) };
    sources.load().unwrap_or_else(|failure| panic!("{}", failure.render())).settings
}

/// A whole configuration as arguments of `--set`.
pub(crate) fn set_arguments(accounts: &[&str], more: &[&str]) -> Vec<String> {
    static SECRET: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let secret = SECRET.get_or_init(|| {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cr3t").unwrap();
        file
    });
    let secret = secret.path().display();
    let mut set = vec![
        "dafater.url=\"https://erp.example.com\"".to_owned(),
        "dafater.api_key=\"0123456789abcde\"".to_owned(),
        format!("dafater.api_secret_file=\"{secret}\""),
        "google.client_id=\"1.apps.googleusercontent.com\"".to_owned(),
        format!("google.client_secret_file=\"{secret}\""),
        "control.socket=\"/nonexistent/control.sock\"".to_owned(),
        "defaults.owner=layla".to_owned(),
    ];
    set.extend(accounts.iter().map(|name| format!("accounts.{name}.email_id=\"{name}@example.com\"")));
    set.extend(more.iter().map(|argument| (*argument).to_owned()));
    set
}

/// Builds engines that were prepared, else quiet ones; refuses accounts that own the name `bad`.
#[derive(Default)]
pub(crate) struct FakeFactory {
    pub(crate) engines: Mutex<BTreeMap<AccountName, Arc<FakeEngine>>>,
    pub(crate) scripts: Mutex<BTreeMap<String, Vec<Script>>>,
    /// What the desk says.
    pub(crate) desk: Mutex<Desk>,
}

impl FakeFactory {
    pub(crate) fn script(self, account: &str, script: impl IntoIterator<Item = Script>) -> Self {
        self.scripts.lock().unwrap().insert(account.to_owned(), script.into_iter().collect());
        self
    }

    pub(crate) fn engine(&self, account: &str) -> Arc<FakeEngine> {
        Arc::clone(&self.engines.lock().unwrap()[&account.parse().unwrap()])
    }
}

impl EngineFactory for FakeFactory {
    fn build(
        &self,
        account: &AccountSettings,
        _: &Settings,
        cancel: CancellationToken,
    ) -> Result<Arc<dyn Engine>, String> {
        if account.name.as_str() == "bad" {
            return Err("its key file is gone".to_owned());
        }
        let script = self.scripts.lock().unwrap().remove(account.name.as_str()).unwrap_or_default();
        let engine = FakeEngine::cancellable(account.name.as_str(), script, cancel);
        self.engines.lock().unwrap().insert(account.name.clone(), Arc::clone(&engine));
        Ok(engine)
    }

    fn consent(&self) -> &dyn Consent {
        self
    }

    fn rights<'a>(&'a self, _: &'a Settings) -> BoxFuture<'a, Result<Permissions, Failure>> {
        Box::pin(async { Ok(Permissions::default()) })
    }

    fn known_rights(&self) -> Option<Permissions> {
        None
    }

    fn forbidden(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::pending())
    }

    fn desk(&self) -> &dyn DeskDoor {
        self
    }

    fn export(&self, take: &mut dyn FnMut(&str) -> bool) -> Result<(), Failure> {
        let _ = take("{\"format\":1}") && take("{\"tree\":\"meta\"}");
        Ok(())
    }

    fn verify(&self) -> Result<Vec<String>, Failure> {
        Ok(vec!["3 entries are well".to_owned()])
    }

    fn rekey(&self, key: Option<SecretString>) -> BoxFuture<'_, Result<Vec<String>, Failure>> {
        Box::pin(async move { Ok(vec![format!("2 values are sealed, key given: {}", key.is_some())]) })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

impl Consent for FakeFactory {
    fn begin<'a>(
        &'a self,
        account: &'a AccountSettings,
        _: &'a Settings,
        listen: Option<u16>,
    ) -> BoxFuture<'a, Result<Begun, Failure>> {
        Box::pin(async move {
            let url = format!("https://accounts.example.com/?login_hint={}", account.email_id);
            Ok(Begun { url, port: listen })
        })
    }

    fn receive<'a>(
        &'a self,
        account: &'a AccountSettings,
        _: &'a Settings,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        Box::pin(async move { Ok(Some(account.email_id.clone())) })
    }

    fn finish<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
        _: SecretString,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        self.receive(account, settings)
    }

    fn adopt<'a>(
        &'a self,
        account: &'a AccountSettings,
        _: &'a Settings,
        refresh_token: SecretString,
    ) -> BoxFuture<'a, Result<Option<String>, Failure>> {
        Box::pin(async move {
            if refresh_token.expose_secret() == "good" {
                Ok(Some(account.email_id.clone()))
            } else {
                Err(Failure::new(Exit::Unauthorized, "Google does not accept the refresh token"))
            }
        })
    }

    fn revoke<'a>(&'a self, _: &'a AccountSettings, _: &'a Settings) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }
}

impl DeskDoor for FakeFactory {
    fn remembered(&self) -> Desk {
        self.desk.lock().unwrap().clone()
    }

    fn read<'a>(&'a self, _: &'a Settings, _: &'a Desk) -> BoxFuture<'a, Result<Desk, Failure>> {
        Box::pin(async move { Ok(self.remembered()) })
    }

    fn country<'a>(&'a self, _: &'a Settings) -> BoxFuture<'a, Option<crate::dafater::SiteCountry>> {
        Box::pin(async { None })
    }

    fn take_over<'a>(
        &'a self,
        _: &'a AccountSettings,
        _: &'a Settings,
    ) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(async { Ok(false) })
    }
}

/// Gives settings that the test exchanges.
pub(crate) struct FakeSource(pub(crate) Mutex<Result<Settings, Failure>>);

impl FakeSource {
    pub(crate) fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Ok(settings))))
    }

    pub(crate) fn set(&self, settings: Result<Settings, Failure>) {
        *self.0.lock().unwrap() = settings;
    }
}

impl SettingsSource for FakeSource {
    fn load(&self) -> Result<Loaded, Failure> {
        self.0.lock().unwrap().clone().map(|settings| Loaded { settings, warnings: Vec::new() })
    }
}

/// Opens a prepared factory.
pub(crate) struct FakeBackend(pub(crate) Arc<FakeFactory>);

impl Backend for FakeBackend {
    fn open<'a>(&'a self, _: &'a Settings) -> BoxFuture<'a, Result<Arc<dyn EngineFactory>, Failure>> {
        Box::pin(async move { Ok(Arc::clone(&self.0) as _) })
    }

    fn import<'a>(
        &'a self,
        _: &'a Settings,
        lines: Box<dyn std::io::BufRead + Send>,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        Box::pin(async move { Ok(format!("{} lines imported", std::io::BufRead::lines(lines).count())) })
    }
}
