//! The outside world of one history: both remotes, the people, and the bad luck; everything that a request meets.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use dafater_contactsd::contact::Contact;
use dafater_contactsd::mapping::{SiteStamp, SourceId};
use dafater_contactsd::remote::Clock as _;
use dafater_contactsd::sandbox::Model as _;
use dafater_contactsd::sandbox::dafater::Site;
use dafater_contactsd::sandbox::google::Google;
use dafater_contactsd::state::AccountState;
use dafater_contactsd::store::MemoryStore;
use dafater_contactsd::sync::Side;
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::book::Book;
use super::clock::VirtualClock;
use super::deeds::{EMAIL, Remotes};
use super::history::{Crash, Cycle, Deed, Fault, Rules, Setting};
use super::picture::{Id, Picture, see_document, see_person};
use super::watch;

/// A law that was broken, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub law: &'static str,
    pub what: String,
}

/// What becomes of a request.
pub enum Reply {
    Answer(Response<Bytes>),
    NotSent,
    NoAnswer,
    /// The process is dead.
    Never,
}

pub struct Scene {
    pub clock: Arc<VirtualClock>,
    pub setting: Setting,
    pub rules: Rules,
    /// Whether Google, and Dafater, could ever be written.
    pub was_open: [bool; 2],
    pub google: Google,
    pub site: Site,
    pub store: Arc<MemoryStore>,
    pub book: Book,
    pub violations: Vec<Violation>,
    /// Number of the running (or next) cycle.
    pub cycle: u32,
    pub cycle_began: Timestamp,
    /// Successful writes of this cycle by record.
    pub writes: BTreeMap<Id, u32>,
    pub deletions: u32,
    pub requests: u64,
    /// Whether anything happened that lets a side miss news until it is read whole.
    pub missed_news: bool,
    /// Whether the site hides records from the daemon.
    pub is_hiding: bool,
    /// Whether a held plan was ever dropped.
    pub had_discard: bool,
    pub log: Option<Vec<String>>,
    script: Cycle,
    nth: u32,
    is_dead: bool,
    picture: Arc<Picture>,
    /// Whether a side may differ from the picture: Google, Dafater.
    is_dirty: [bool; 2],
    /// When transactions of people on the site commit.
    late: Vec<Timestamp>,
    deleted_names: Vec<String>,
    deleted_persons: Vec<String>,
    trace: DefaultHasher,
    token: Option<(String, Timestamp)>,
}

impl Scene {
    pub fn new(
        clock: Arc<VirtualClock>,
        setting: Setting,
        google: Google,
        site: Site,
        store: Arc<MemoryStore>,
    ) -> Self {
        Self {
            cycle_began: clock.now(),
            clock,
            rules: setting.rules,
            was_open: [setting.rules.push, setting.rules.pull],
            setting,
            google,
            site,
            store,
            book: Book::default(),
            violations: Vec::new(),
            cycle: 0,
            writes: BTreeMap::new(),
            deletions: 0,
            requests: 0,
            missed_news: false,
            is_hiding: false,
            had_discard: false,
            log: None,
            script: Cycle::default(),
            nth: 0,
            is_dead: false,
            picture: Arc::default(),
            is_dirty: [true, true],
            late: Vec::new(),
            deleted_names: Vec::new(),
            deleted_persons: Vec::new(),
            trace: DefaultHasher::new(),
            token: None,
        }
    }

    pub fn say(&mut self, line: impl FnOnce() -> String) {
        if let Some(log) = &mut self.log {
            let line = line();
            log.push(line);
        }
    }

    pub fn violate(&mut self, law: &'static str, what: String) {
        self.say(|| format!("!! {law}: {what}"));
        self.violations.push(Violation { law, what });
    }

    pub fn state(&self) -> AccountState {
        AccountState::new(self.store.clone(), "sales".parse().unwrap())
    }

    pub fn is_dead(&self) -> bool {
        self.is_dead || self.store.is_crashed()
    }

    /// Everything that left or entered the process so far, as one number.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    pub fn trace_durable(&mut self) {
        self.store.snapshot_durable().hash(&mut self.trace);
    }

    pub fn google_now(&self) -> Timestamp {
        self.clock.now() + SignedDuration::from_secs(self.setting.google_skew.into())
    }

    pub fn site_now(&self) -> Timestamp {
        self.clock.now() + SignedDuration::from_secs(self.setting.site_skew.into())
    }

    pub fn access_token(&mut self) -> String {
        let now = self.google_now();
        if let Some((token, issued)) = &self.token
            && now.duration_since(*issued).abs() < SignedDuration::from_mins(50)
        {
            return token.clone();
        }
        let token = self.google.issue_access_token(EMAIL, now).unwrap();
        self.token = Some((token.clone(), now));
        token
    }

    /// Prepares for a cycle.
    pub fn begin(&mut self, script: Cycle) {
        self.cycle += 1;
        self.cycle_began = self.clock.now();
        self.script = script;
        self.nth = 0;
        self.is_dead = false;
        self.writes.clear();
        self.deletions = 0;
    }

    pub fn end(&mut self) {
        self.script = Cycle::default();
        self.is_dead = false;
    }

    /// Both sides now.
    pub fn picture(&mut self) -> Arc<Picture> {
        for side in [Side::Google, Side::Dafater] {
            if std::mem::take(&mut self.is_dirty[nth(side)]) {
                let mut next = Picture::default();
                let known = &self.picture.0;
                let all = match side {
                    Side::Google => self.google.persons(EMAIL).unwrap(),
                    Side::Dafater => self.site.contacts(),
                };
                for json in all {
                    let id = identify(side, &json);
                    let seen = match known.get(&id).filter(|seen| seen.json == json) {
                        Some(seen) => seen.clone(),
                        None if side == Side::Google => Arc::new(see_person(json).1),
                        None => Arc::new(see_document(json).1),
                    };
                    next.0.insert(id, seen);
                }
                let others = known.iter().filter(|((of, _), _)| *of != side);
                next.0.extend(others.map(|(id, seen)| (id.clone(), seen.clone())));
                self.picture = Arc::new(next);
            }
        }
        self.picture.clone()
    }

    /// The daemon's opinion: what it holds for agreed upon of a record (its half, the other's), and its counterpart.
    pub fn pair_of(&self, id: &Id) -> Option<(Contact, Contact, Id)> {
        let state = self.state();
        match id.0 {
            Side::Google => {
                let pair = state.pair_of_google(&SourceId(id.1.clone())).ok()??;
                let other = (Side::Dafater, pair.dafater.creation.0.clone());
                Some((pair.google.contact, pair.dafater.contact, other))
            }
            Side::Dafater => {
                let pair = state.pairs_of_creation(&SiteStamp(id.1.clone())).ok()?.pop()?;
                let other = (Side::Google, pair.google.source_id.0);
                Some((pair.dafater.contact, pair.google.contact, other))
            }
        }
    }

    /// Notes what people changed since `before`.
    fn note(&mut self, before: &Picture) {
        let after = self.picture();
        let (at, cycle) = (self.clock.now(), self.cycle);
        let mut book = std::mem::take(&mut self.book);
        let lookup = |id: &Id| self.pair_of(id);
        book.note(before, &after, at, cycle, lookup);
        self.book = book;
    }

    /// Transactions of people that are due are committed, and noted.
    pub fn catch_up(&mut self) {
        let now = self.site_now();
        if !self.late.iter().any(|due| *due <= now) {
            return;
        }
        let before = self.picture();
        self.site.catch_up(now);
        self.late.retain(|due| *due > now);
        self.is_dirty[nth(Side::Dafater)] = true;
        self.note(&before);
    }

    /// Commits what is still open on the site and shows all that is delayed at Google.
    pub fn settle(&mut self) {
        let before = self.picture();
        self.site.settle();
        self.google.settle(EMAIL).unwrap();
        self.late.clear();
        self.is_dirty = [true, true];
        self.note(&before);
    }

    /// Somebody acts.
    pub fn act(&mut self, deed: &Deed) {
        self.clock.advance(SignedDuration::from_secs(1));
        self.catch_up();
        let before = self.picture();
        let (google_now, site_now) = (self.google_now(), self.site_now());
        let mut remotes = Remotes {
            google: &mut self.google,
            google_now,
            site: &mut self.site,
            site_now,
            deleted_names: &mut self.deleted_names,
            deleted_persons: &mut self.deleted_persons,
        };
        remotes.carry_out(deed, &before);
        if self.setting.late_commit > 0 {
            self.late.push(site_now + SignedDuration::from_secs(self.setting.late_commit.into()));
        }
        match deed {
            Deed::Hide { .. } => self.is_hiding = true,
            Deed::Unhide => self.is_hiding = false,
            _ => {}
        }
        // A rename on the site moves no `modified`, nor does what becomes visible: the daily sweep finds both.
        self.missed_news |= matches!(deed, Deed::Hide { .. } | Deed::Rename { side: Side::Dafater, .. });
        if let Deed::Poison { who, .. } = deed
            && let Some((id, _)) = before.nth(Side::Dafater, *who)
        {
            self.book.poisoned.insert(id.clone());
        }
        self.is_dirty[nth(deed.side())] = true;
        self.note(&before);
        self.say(|| format!("   {deed:?}"));
    }

    /// A request of the daemon arrives.
    pub fn receive(&mut self, side: Side, request: &Request<Bytes>) -> Reply {
        if self.is_dead() {
            return Reply::Never;
        }
        self.requests += 1;
        let nth = self.nth;
        self.nth += 1;
        let deeds: Vec<Deed> =
            self.script.deeds.iter().filter(|(at, _)| *at == nth).map(|(_, deed)| deed.clone()).collect();
        for deed in &deeds {
            self.act(deed);
        }
        // Each request takes a moment, so that no two writes share one.
        self.clock.advance(SignedDuration::from_micros(1_700));
        let fault = self.script.faults.iter().find(|(at, _)| *at == nth).map(|(_, fault)| *fault);
        let crash = match self.script.crash {
            Some(Crash::Request { nth: at, done }) if at == nth => Some(done),
            Some(_) | None => None,
        };
        let is_done = match (crash, fault) {
            (Some(done), _) => done,
            (None, Some(fault)) => fault.is_done(),
            (None, None) => true,
        };
        let response = is_done.then(|| self.handle(side, request));
        self.record(side, request, response.as_ref(), fault);
        if crash.is_some() {
            self.is_dead = true;
            return Reply::Never;
        }
        match fault {
            None => Reply::Answer(response.unwrap()),
            Some(fault) => self.strike(fault, side, request, response),
        }
    }

    fn handle(&mut self, side: Side, request: &Request<Bytes>) -> Response<Bytes> {
        self.catch_up();
        let is_write = is_write(side, request);
        if is_write && side == Side::Dafater && !self.late.is_empty() {
            // Whoever writes a row waits for the transaction that holds it: what that one does is people's work.
            let before = self.picture();
            self.site.settle();
            self.late.clear();
            self.is_dirty[nth(Side::Dafater)] = true;
            self.note(&before);
        }
        let before = is_write.then(|| self.picture());
        let (google_now, site_now) = (self.google_now(), self.site_now());
        let response = match side {
            Side::Google => self.google.handle(request, google_now),
            Side::Dafater => self.site.handle(request, site_now),
        };
        if let Some(before) = before {
            self.is_dirty[nth(side)] = true;
            if response.status().is_success() {
                let after = self.picture();
                watch::judge_write(self, side, &before, &after);
            }
        }
        response
    }

    fn record(
        &mut self,
        side: Side,
        request: &Request<Bytes>,
        response: Option<&Response<Bytes>>,
        fault: Option<Fault>,
    ) {
        (side, request.method().as_str(), request.uri().to_string(), request.body()).hash(&mut self.trace);
        if let Some(response) = response {
            (response.status().as_u16(), response.body()).hash(&mut self.trace);
        }
        if self.log.is_some() {
            let uri = request.uri().path_and_query().map_or("", |uri| uri.as_str());
            let uri: String = uri.chars().take(150).collect();
            let body: String = String::from_utf8_lossy(request.body()).chars().take(600).collect();
            let answer = response.map_or_else(String::new, |response| {
                let text: String = String::from_utf8_lossy(response.body()).chars().take(1_500).collect();
                format!("{} {text}", response.status().as_u16())
            });
            let nth = self.nth - 1;
            self.say(|| {
                format!("   [{nth}] {side} {} {uri} {body}\n         {fault:?} -> {answer}", request.method())
            });
        }
    }

    fn strike(
        &mut self,
        fault: Fault,
        side: Side,
        request: &Request<Bytes>,
        response: Option<Response<Bytes>>,
    ) -> Reply {
        let page = |status: u16, kind: &str, body: String| {
            let response = Response::builder().status(status).header("content-type", kind);
            Reply::Answer(response.body(Bytes::from(body)).unwrap())
        };
        match fault {
            Fault::Unreachable => Reply::NotSent,
            Fault::RequestLost | Fault::AnswerLost => Reply::NoAnswer,
            Fault::Throttled if side == Side::Google => page(
                429,
                "application/json",
                json!({ "error": { "code": 429, "status": "RESOURCE_EXHAUSTED",
                    "message": "Resource has been exhausted (e.g. check quota)." } })
                .to_string(),
            ),
            Fault::Throttled => page(429, "text/html", "<h1>Too Many Requests</h1>".to_owned()),
            Fault::Unavailable if side == Side::Google => page(
                503,
                "application/json",
                json!({ "error": { "code": 503, "status": "UNAVAILABLE",
                    "message": "The service is currently unavailable." } })
                .to_string(),
            ),
            Fault::Unavailable => page(
                503,
                "application/json",
                json!({ "exception": "frappe.exceptions.SessionStopped", "exc_type": "SessionStopped" })
                    .to_string(),
            ),
            Fault::Gateway => page(502, "text/html", "<html><h1>502 Bad Gateway</h1></html>".to_owned()),
            Fault::GatewayAfter => page(504, "text/html", "<html><h1>504 Time-out</h1></html>".to_owned()),
            Fault::Truncated => {
                let response = response.unwrap();
                let (parts, body) = response.into_parts();
                let half = body.slice(..body.len() / 2);
                Reply::Answer(Response::from_parts(parts, half))
            }
            Fault::ShortPage | Fault::Doubled => {
                let response = response.unwrap();
                if !is_list(side, request) || !response.status().is_success() {
                    return Reply::Answer(response);
                }
                let (parts, body) = response.into_parts();
                let mut json: Value = serde_json::from_slice(&body).unwrap_or_default();
                let list = ["connections", "responses", "message", "data"]
                    .into_iter()
                    .find(|key| json[*key].is_array())
                    .and_then(|key| json[key].as_array_mut());
                let Some(list) = list.filter(|list| !list.is_empty()) else {
                    return Reply::Answer(Response::from_parts(parts, body));
                };
                if fault == Fault::Doubled {
                    let first = list[0].clone();
                    list.push(first);
                } else {
                    list.pop();
                    self.missed_news = true;
                }
                Reply::Answer(Response::from_parts(parts, Bytes::from(json.to_string())))
            }
        }
    }
}

impl Fault {
    /// Whether the remote carries the request out.
    fn is_done(self) -> bool {
        match self {
            Self::Unreachable | Self::RequestLost | Self::Throttled | Self::Unavailable | Self::Gateway => {
                false
            }
            Self::AnswerLost | Self::GatewayAfter | Self::Truncated | Self::ShortPage | Self::Doubled => true,
        }
    }
}

/// Whether a request may change something.
fn is_write(side: Side, request: &Request<Bytes>) -> bool {
    if request.method() == Method::GET {
        return false;
    }
    side == Side::Google || {
        let path = request.uri().path();
        !path.contains(".get_") && !path.contains(".validate")
    }
}

/// Whether a request lists records: only such an answer may be a page.
fn is_list(side: Side, request: &Request<Bytes>) -> bool {
    let uri = request.uri().to_string();
    match side {
        Side::Google => uri.contains("/connections?"),
        Side::Dafater => {
            // The rows of contacts that were listed come whole, or not at all.
            let body = String::from_utf8_lossy(request.body());
            !is_write(side, request)
                && ["Contact Email", "Contact Phone", "Dynamic Link"]
                    .iter()
                    .all(|child| !body.contains(child))
        }
    }
}

/// Google first.
fn nth(side: Side) -> usize {
    usize::from(side == Side::Dafater)
}

fn identify(side: Side, json: &Value) -> Id {
    let id = match side {
        Side::Google => json["metadata"]["sources"][0]["id"].as_str(),
        Side::Dafater => json["creation"].as_str(),
    };
    (side, id.unwrap().to_owned())
}
