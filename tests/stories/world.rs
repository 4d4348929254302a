//! A world in one process: the real engine and clients, both stand-ins without a socket, a memory store and a clock of its own.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use dafater_contactsd::contact::{PhoneContext, Region};
use dafater_contactsd::dafater::{self, SiteClient};
use dafater_contactsd::execute::{
    AccountEngine, Engine, Parts, RunReport, RunRequest, Settings, UndoRequest, UndoView,
};
use dafater_contactsd::google::oauth::{AccessTokens, AuthorizationError};
use dafater_contactsd::google::{Budget, Governor, PeopleClient};
use dafater_contactsd::remote::{Clock, CountingTransport, Transport, TransportError};
use dafater_contactsd::sandbox::Model;
use dafater_contactsd::sandbox::dafater::{Site, SiteOptions};
use dafater_contactsd::sandbox::google::{Google, GoogleOptions, Quotas};
use dafater_contactsd::state::AccountState;
use dafater_contactsd::store::{Fault, MemoryStore};
use dafater_contactsd::sync::{
    ConflictPolicy, DeletionPolicy, FieldRules, FirstSync, Links, PhotoPolicy, Policy, Scope,
};
use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::people_api;

pub(crate) const EMAIL: &str = "sales@example.com";
/// The daemon's user on the site.
pub(crate) const DAEMON: &str = "contacts@example.com";

/// A clock that only moves when told to.
pub(crate) struct VirtualClock(AtomicI64);

impl VirtualClock {
    pub(crate) fn advance(&self, duration: SignedDuration) {
        self.0.fetch_add(i64::try_from(duration.as_micros()).unwrap(), Ordering::SeqCst);
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::SeqCst)).unwrap()
    }

    /// Whoever sleeps wakes at once, and it is later.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.advance(SignedDuration::try_from(duration).unwrap());
        Box::pin(std::future::ready(()))
    }
}

/// What happens to a request on its way.
#[derive(Clone)]
pub(crate) enum Strike {
    /// It arrives and is carried out; the answer is lost.
    LoseAnswer,
    /// It never arrives, and nobody can tell.
    LoseRequest,
    /// It never arrives; something on the way answers instead.
    Answer(u16, &'static str, &'static str),
    /// It is carried out; half of the answer's body arrives, as if it were whole.
    HalfBody,
    /// It is carried out; something on the way rewrites the JSON of the answer.
    Rewrite(fn(&mut Value)),
}

impl Strike {
    /// What nginx says while the site restarts.
    pub(crate) const BAD_GATEWAY: Self =
        Self::Answer(502, "text/html", "<html><head><title>502 Bad Gateway</title></head></html>");
    /// Google is overloaded.
    pub(crate) const UNAVAILABLE: Self = Self::Answer(
        503,
        "application/json",
        r#"{"error":{"code":503,"message":"The service is currently unavailable.","status":"UNAVAILABLE"}}"#,
    );
    /// Google's contacts backend has had enough.
    pub(crate) const EXHAUSTED: Self = Self::Answer(
        429,
        "application/json",
        r#"{"error":{"code":429,"message":"Resource has been exhausted (e.g. check quota).","status":"RESOURCE_EXHAUSTED"}}"#,
    );
}

/// Decides about each request: method and path with query, then the body.
pub(crate) type Weather = Box<dyn FnMut(&str, &str) -> Option<Strike> + Send>;

/// Calls a model as if it were behind a socket.
struct Direct<M> {
    model: Arc<Mutex<M>>,
    clock: Arc<VirtualClock>,
    weather: Arc<Mutex<Option<Weather>>>,
    /// Looks at each answer as the model gave it.
    check: fn(&http::Request<Bytes>, &http::Response<Bytes>),
}

impl<M: Model> Transport for Direct<M> {
    fn send(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<Bytes>, TransportError>> {
        let now = self.clock.now();
        // Each request takes a moment, so that no two writes share one.
        self.clock.advance(SignedDuration::from_micros(1_700));
        let line = format!("{} {}", request.method(), request.uri());
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let strike = self.weather.lock().unwrap().as_mut().and_then(|weather| weather(&line, &body));
        let lost = || TransportError::NoAnswer { host: "host".to_owned(), reason: "reset".to_owned() };
        let answered = |status: u16, kind: &str, body: Bytes| {
            http::Response::builder().status(status).header("content-type", kind).body(body).unwrap()
        };
        let answer = match strike {
            Some(Strike::LoseRequest) => Err(lost()),
            Some(Strike::Answer(status, kind, body)) => {
                Ok(answered(status, kind, Bytes::from_static(body.as_bytes())))
            }
            strike => {
                let response = self.model.lock().unwrap().handle(&request, now);
                (self.check)(&request, &response);
                match strike {
                    Some(Strike::LoseAnswer) => Err(lost()),
                    Some(Strike::HalfBody) => {
                        let half = response.body().slice(..response.body().len() / 2);
                        Ok(answered(response.status().as_u16(), "application/json", half))
                    }
                    Some(Strike::Rewrite(rewrite)) => {
                        let mut answer = serde_json::from_slice(response.body()).unwrap();
                        rewrite(&mut answer);
                        Ok(answered(
                            response.status().as_u16(),
                            "application/json",
                            answer.to_string().into(),
                        ))
                    }
                    _ => Ok(response),
                }
            }
        };
        Box::pin(std::future::ready(answer))
    }
}

/// An access token that never dies.
struct Token(SecretString);

impl AccessTokens for Token {
    fn access_token(&self) -> BoxFuture<'_, Result<SecretString, AuthorizationError>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn refused(&self, _token: &SecretString) {}
}

/// Both remotes and the way to each.
struct Models {
    google: Arc<Mutex<Google>>,
    site: Arc<Mutex<Site>>,
    google_weather: Arc<Mutex<Option<Weather>>>,
    site_weather: Arc<Mutex<Option<Weather>>>,
    governor: Option<Arc<Governor>>,
}

/// One account between one Google and one site.
pub(crate) struct World {
    pub(crate) clock: Arc<VirtualClock>,
    pub(crate) google: Arc<Mutex<Google>>,
    pub(crate) site: Arc<Mutex<Site>>,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) settings: Settings,
    models: Models,
    token: String,
    keys: (String, String),
    engine: AccountEngine,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let clock = Arc::new(VirtualClock(AtomicI64::new(1_795_000_000_000_000)));
        let mut google = Google::new(GoogleOptions {
            sync_token_age: SignedDuration::from_hours(7 * 24),
            region: "SA".to_owned(),
            ..GoogleOptions::default()
        });
        google.add_account(EMAIL);
        let far = clock.now();
        let token = google.issue_access_token(EMAIL, far).unwrap();
        let mut site = Site::new(SiteOptions::default());
        let keys = site.add_user(DAEMON, &["System Manager"]);
        let mut settings = settings();
        change(&mut settings);
        let (google, site) = (Arc::new(Mutex::new(google)), Arc::new(Mutex::new(site)));
        let store = Arc::new(MemoryStore::new());
        let keys = (keys.api_key.clone(), keys.api_secret.clone());
        let (google_weather, site_weather) = (Arc::default(), Arc::default());
        let models = Models {
            google: google.clone(),
            site: site.clone(),
            google_weather: Arc::clone(&google_weather),
            site_weather: Arc::clone(&site_weather),
            governor: None,
        };
        let engine = engine(&clock, &models, &store, &settings, &token, &keys);
        Self { clock, google, site, store, settings, models, token, keys, engine }
    }

    /// Google counts as it was seen to, and the daemon keeps below that as it does by default.
    pub(crate) fn with_quotas(mut self) -> Self {
        self.google().options_mut().quotas = Some(Quotas::observed());
        self.models.governor = Some(Arc::new(Governor::new(Budget::default(), self.clock.clone())));
        self.restart();
        self
    }

    /// A new process over what was durable.
    pub(crate) fn restart(&mut self) {
        let token = self.google().issue_access_token(EMAIL, self.clock.now()).unwrap();
        self.token = token;
        self.engine = engine(&self.clock, &self.models, &self.store, &self.settings, &self.token, &self.keys);
    }

    pub(crate) fn google(&self) -> MutexGuard<'_, Google> {
        self.google.lock().unwrap()
    }

    pub(crate) fn site(&self) -> MutexGuard<'_, Site> {
        self.site.lock().unwrap()
    }

    pub(crate) fn engine(&self) -> &dyn Engine {
        &self.engine
    }

    pub(crate) fn add_person(&self, person: Value) -> String {
        let now = self.tick();
        self.google().add_person(EMAIL, person, now).unwrap()
    }

    pub(crate) fn add_contact(&self, contact: Value) -> String {
        let now = self.tick();
        self.site().insert(contact, now).unwrap()
    }

    pub(crate) fn edit_person(&self, resource: &str, change: Value) {
        let now = self.tick();
        self.google().edit_person(EMAIL, resource, change, now).unwrap();
    }

    pub(crate) fn edit_contact(&self, name: &str, change: Value) {
        let now = self.tick();
        self.site().edit(name, change, now).unwrap();
    }

    pub(crate) fn delete_person(&self, resource: &str) {
        let now = self.tick();
        self.google().delete_person(EMAIL, resource, now).unwrap();
    }

    /// Restores a contact from Google's trash.
    pub(crate) fn restore_person(&self, resource: &str) {
        let now = self.tick();
        self.google().restore_person(EMAIL, resource, now).unwrap();
    }

    pub(crate) fn delete_contact(&self, name: &str) {
        let now = self.tick();
        self.site().delete(name, now).unwrap();
    }

    /// The one contact in Google whose line begins so.
    pub(crate) fn person(&self, begins: &str) -> Value {
        let mut found = self.persons().into_iter().filter(|person| person_line(person).starts_with(begins));
        let person = found.next().unwrap_or_else(|| panic!("no {begins} in\n{}", self.picture()));
        assert!(found.next().is_none(), "two {begins} in\n{}", self.picture());
        person
    }

    /// The one contact in Dafater whose line begins so.
    pub(crate) fn contact(&self, begins: &str) -> Value {
        let mut found =
            self.contacts().into_iter().filter(|contact| contact_line(contact).starts_with(begins));
        let contact = found.next().unwrap_or_else(|| panic!("no {begins} in\n{}", self.picture()));
        assert!(found.next().is_none(), "two {begins} in\n{}", self.picture());
        contact
    }

    /// Lets `weather` decide about each request to Google.
    pub(crate) fn google_weather(&self, weather: impl FnMut(&str, &str) -> Option<Strike> + Send + 'static) {
        *self.models.google_weather.lock().unwrap() = Some(Box::new(weather));
    }

    /// Lets `weather` decide about each request to the site.
    pub(crate) fn site_weather(&self, weather: impl FnMut(&str, &str) -> Option<Strike> + Send + 'static) {
        *self.models.site_weather.lock().unwrap() = Some(Box::new(weather));
    }

    /// Somebody does this on the site just before its `nth` request from now on.
    pub(crate) fn at_site_request(
        &self,
        nth: usize,
        deed: impl FnOnce(&mut Site, Timestamp) + Send + 'static,
    ) {
        let (site, clock) = (self.site.clone(), self.clock.clone());
        let (mut requests, mut deed) = (0, Some(deed));
        self.site_weather(move |_, _| {
            requests += 1;
            if let Some(deed) = deed.take_if(|_| requests == nth) {
                deed(&mut site.lock().unwrap(), clock.now());
            }
            None
        });
    }

    /// Every request arrives again, and every answer.
    pub(crate) fn calm(&self) {
        *self.models.google_weather.lock().unwrap() = None;
        *self.models.site_weather.lock().unwrap() = None;
    }

    /// The daemon's user on the site has these roles from now on.
    pub(crate) fn become_user(&mut self, roles: &[&str]) {
        let keys = self.site().add_user(DAEMON, roles);
        self.keys = (keys.api_key, keys.api_secret);
        self.restart();
    }

    /// Syncs until a cycle writes nothing to either side, and returns how many cycles that took.
    pub(crate) async fn converge(&mut self) -> usize {
        for cycle in 1..=12 {
            let report = self.sync().await;
            if report.error.is_none() && writes(&report) == 0 && report.parked == 0 {
                return cycle;
            }
        }
        panic!("no quiet after 12 cycles:\n{}", self.picture());
    }

    /// Why records are parked.
    pub(crate) fn parked_reasons(&self) -> Vec<String> {
        let state = AccountState::new(self.store.clone(), "sales".parse().unwrap());
        state.parked().unwrap().into_iter().map(|parked| parked.reason).collect()
    }

    pub(crate) fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    /// People act at least a second apart.
    pub(crate) fn tick(&self) -> Timestamp {
        self.clock.advance(SignedDuration::from_secs(1));
        self.clock.now()
    }

    pub(crate) async fn sync(&mut self) -> RunReport {
        self.sync_as(RunRequest::default()).await
    }

    /// Syncs after a pause other than the usual five minutes.
    pub(crate) async fn sync_after(&mut self, pause: SignedDuration) -> RunReport {
        self.clock.advance(pause);
        self.restart();
        self.engine.run(RunRequest::default()).await
    }

    /// A run of the same process, some seconds after the last one: a new process has forgotten what was dealt with, and looks again.
    pub(crate) async fn run_on(&self, seconds: i64) -> RunReport {
        self.clock.advance(SignedDuration::from_secs(seconds));
        let report = self.engine.run(RunRequest::default()).await;
        assert_eq!(report.error, None, "{report:?}");
        report
    }

    /// Somebody deletes the daemon's state.
    pub(crate) fn lose_store(&mut self) {
        self.store = Arc::new(MemoryStore::new());
        self.restart();
    }

    /// Syncs in a process that is killed right after (or right before) its `nth` commit becomes durable. Returns whether it was; the next
    /// sync is another process.
    pub(crate) async fn sync_killed_at(&mut self, nth: u64, durable: bool) -> bool {
        self.doom(nth, durable);
        self.sync().await;
        self.survive()
    }

    /// Puts a run back in a process that is killed as in [`sync_killed_at`](Self::sync_killed_at).
    pub(crate) async fn undo_killed_at(&mut self, run: &str, nth: u64, durable: bool) -> bool {
        self.doom(nth, durable);
        self.restart();
        let request = UndoRequest { run: run.to_owned(), contact: None, dry_run: false };
        drop(self.engine.undo(&request).await);
        self.survive()
    }

    fn doom(&mut self, nth: u64, durable: bool) {
        self.store = Arc::new(MemoryStore::from_durable(self.store.snapshot_durable()));
        self.store.fault_at(nth, Fault::Crash { durable });
    }

    /// Goes on with what was durable. Returns whether the process was killed.
    fn survive(&mut self) -> bool {
        let was_killed = self.store.is_crashed();
        self.store = Arc::new(MemoryStore::from_durable(self.store.snapshot_durable()));
        was_killed
    }

    pub(crate) async fn sync_as(&mut self, request: RunRequest) -> RunReport {
        self.clock.advance(SignedDuration::from_mins(5));
        // The stand-in's access tokens live an hour.
        self.restart();
        self.engine.run(request).await
    }

    /// Puts a run back, a minute later, in a process of its own.
    pub(crate) async fn undo(&mut self, run: &str) -> UndoView {
        self.undo_as(UndoRequest { run: run.to_owned(), contact: None, dry_run: false }).await
    }

    pub(crate) async fn undo_as(&mut self, request: UndoRequest) -> UndoView {
        self.clock.advance(SignedDuration::from_mins(1));
        self.restart();
        self.engine.undo(&request).await.unwrap()
    }

    /// Syncs, twice, and expects that there is nothing to do.
    pub(crate) async fn is_quiet(&mut self) {
        for _ in 0..2 {
            let report = self.settle().await;
            let idle = (writes(&report), report.linked, report.parked, report.review, report.conflicts);
            assert_eq!(idle, (0, 0, 0, 0, 0), "{report:?}\n{}", self.picture());
        }
        let report = self.sync_as(RunRequest { full: true, dry_run: false }).await;
        assert_eq!((writes(&report), report.error.as_ref()), (0, None), "{report:?}\n{}", self.picture());
    }

    /// Syncs and expects success.
    pub(crate) async fn settle(&mut self) -> RunReport {
        let report = self.sync().await;
        assert_eq!(report.error, None, "{report:?}");
        report
    }

    pub(crate) fn persons(&self) -> Vec<Value> {
        self.google().persons(EMAIL).unwrap()
    }

    pub(crate) fn contacts(&self) -> Vec<Value> {
        self.site().contacts()
    }

    /// The lines of both sides, which must be the same.
    pub fn lines(&self) -> Vec<String> {
        let mut google: Vec<String> = self.persons().iter().map(person_line).collect();
        let mut dafater: Vec<String> = self.contacts().iter().map(contact_line).collect();
        google.sort();
        dafater.sort();
        assert_eq!(google, dafater, "\n{}", self.picture());
        google
    }

    /// Both sides as people see them, one line a record, in order of text.
    pub(crate) fn picture(&self) -> String {
        let mut lines: Vec<String> =
            self.persons().iter().map(|person| format!("google   {}", person_line(person))).collect();
        lines.extend(self.contacts().iter().map(|contact| format!("dafater  {}", contact_line(contact))));
        lines.sort();
        lines.join("\n")
    }
}

/// Strikes the first request whose line contains `part`.
pub(crate) fn once(part: &'static str, strike: Strike) -> impl FnMut(&str, &str) -> Option<Strike> + Send {
    let mut strike = Some(strike);
    move |line, _| if line.contains(part) { strike.take() } else { None }
}

/// Strikes every request whose line contains `part`.
pub(crate) fn always(part: &'static str, strike: Strike) -> impl FnMut(&str, &str) -> Option<Strike> + Send {
    move |line, _| line.contains(part).then(|| strike.clone())
}

/// All writes of a run.
pub(crate) fn writes(report: &RunReport) -> u32 {
    [report.google, report.dafater]
        .iter()
        .map(|counts| counts.created + counts.updated + counts.deleted)
        .sum()
}

pub(crate) fn settings() -> Settings {
    Settings {
        policy: Policy {
            pull: true,
            push: true,
            conflict: ConflictPolicy::Newest,
            deletions: DeletionPolicy::CreatedBySync,
            max_deletes_percent: 100,
            first_sync: FirstSync::Apply,
            scope: Scope::default(),
            mapping: PhoneContext { region: Some(Region::try_from("SA".to_owned()).unwrap()) }.into(),
            fields: FieldRules::default(),
        },
        site: "erp.example.com".to_owned(),
        links: Links::default(),
        label: None,
        labels: std::collections::BTreeMap::new(),
        photos: PhotoPolicy::Off,
        max_contacts: 25_000,
        propagation: SignedDuration::from_mins(10),
        full_read_after: SignedDuration::from_hours(6 * 24),
        overlap: SignedDuration::from_mins(5),
        settle: SignedDuration::from_mins(2),
        sweep: SignedDuration::from_hours(24),
        history_keep: SignedDuration::from_hours(24 * 90),
        connections: 4,
    }
}

fn engine(
    clock: &Arc<VirtualClock>,
    models: &Models,
    store: &Arc<MemoryStore>,
    settings: &Settings,
    token: &str,
    keys: &(String, String),
) -> AccountEngine {
    let count = |transport: Arc<dyn Transport>| Arc::new(CountingTransport::new(transport));
    let google_sent = count(Arc::new(Direct {
        model: models.google.clone(),
        clock: clock.clone(),
        weather: Arc::clone(&models.google_weather),
        check: people_api::check,
    }));
    let dafater_sent = count(Arc::new(Direct {
        model: models.site.clone(),
        clock: clock.clone(),
        weather: Arc::clone(&models.site_weather),
        check: |_, _| {},
    }));
    let tokens = Arc::new(Token(SecretString::from(token.to_owned())));
    let mut options = dafater::SiteOptions::new(
        "https://erp.example.com".parse().unwrap(),
        keys.0.clone(),
        SecretString::from(keys.1.clone()),
    );
    options.addresses = settings.policy.mapping.addresses;
    let api = "https://people.googleapis.com/".parse().unwrap();
    let mut google = PeopleClient::new(google_sent.clone(), api, tokens);
    if settings.photos != PhotoPolicy::Off {
        google = google.with_photos();
        options.extra_fields.push("image".to_owned());
    }
    let parts = Parts {
        google: match &models.governor {
            None => google,
            Some(governor) => {
                google.governed(governor.clone(), "sales".parse().unwrap(), CancellationToken::new())
            }
        },
        google_sent,
        dafater: SiteClient::new(dafater_sent.clone(), options).unwrap(),
        dafater_sent,
        state: AccountState::new(store.clone(), "sales".parse().unwrap()),
        vault: None,
        clock: clock.clone(),
    };
    AccountEngine::new(parts, settings.clone(), CancellationToken::new())
}

pub(crate) fn person(given: &str, family: &str, email: &str, phone: &str) -> Value {
    let mut person = json!({});
    if !given.is_empty() || !family.is_empty() {
        person["names"] = json!([{ "givenName": given, "familyName": family }]);
    }
    if !email.is_empty() {
        person["emailAddresses"] = json!([{ "value": email, "type": "work" }]);
    }
    if !phone.is_empty() {
        person["phoneNumbers"] = json!([{ "value": phone, "type": "mobile" }]);
    }
    person
}

pub(crate) fn contact(first: &str, last: &str, email: &str, phone: &str) -> Value {
    let mut contact = json!({});
    if !first.is_empty() {
        contact["first_name"] = json!(first);
    }
    if !last.is_empty() {
        contact["last_name"] = json!(last);
    }
    if !email.is_empty() {
        contact["email_ids"] = json!([{ "email_id": email, "is_primary": 1 }]);
    }
    if !phone.is_empty() {
        contact["phone_nos"] = json!([{ "phone": phone, "is_primary_mobile_no": 1, "is_primary_phone": 1 }]);
    }
    contact
}

fn texts<'a>(list: &'a Value, key: &'a str) -> impl Iterator<Item = &'a str> {
    list.as_array().into_iter().flatten().filter_map(move |item| item[key].as_str())
}

pub(crate) fn person_line(person: &Value) -> String {
    let name = &person["names"][0];
    let organization = &person["organizations"][0];
    let mut words: Vec<&str> =
        ["honorificPrefix", "givenName", "middleName", "familyName", "honorificSuffix"]
            .iter()
            .filter_map(|key| name[*key].as_str())
            .collect();
    words.extend(["name", "title", "department"].iter().filter_map(|key| organization[*key].as_str()));
    words.extend(texts(&person["emailAddresses"], "value"));
    words.extend(texts(&person["phoneNumbers"], "value"));
    words.join(" ")
}

pub(crate) fn contact_line(contact: &Value) -> String {
    let keys =
        ["salutation", "first_name", "middle_name", "last_name", "company_name", "designation", "department"];
    let mut words: Vec<&str> =
        keys.iter().filter_map(|key| contact[*key].as_str()).filter(|text| !text.is_empty()).collect();
    words.extend(texts(&contact["email_ids"], "email_id"));
    words.extend(texts(&contact["phone_nos"], "phone"));
    words.join(" ")
}
