//! The outside world of one history: both remotes, the people, and the bad luck; everything that a request meets.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bytes::Bytes;
use dafater_contactsd::contact::Contact;
use dafater_contactsd::mapping::{Mapping, SiteStamp, SourceId};
use dafater_contactsd::remote::Clock as _;
use dafater_contactsd::sandbox::Model as _;
use dafater_contactsd::sandbox::dafater::Site;
use dafater_contactsd::sandbox::google::Google;
use dafater_contactsd::state::{AccountState, HoldDecision};
use dafater_contactsd::store::{MemoryStore, Tree};
use dafater_contactsd::sync::{RecordId, Side};
use http::{Method, Request, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::book::Book;
use super::camera::{Camera, Place};
use super::clock::VirtualClock;
use super::deeds::{ACCOUNTS, EMAILS, Remotes};
use super::history::{Crash, Cycle, Deed, Fault, Rules, Setting};
use super::picture::{Id, Picture, Seen, fields, mapping};
use super::trouble::{Met, Trouble};
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
    /// Since when Google, and Dafater, may not be written any more.
    pub closed: [Option<Timestamp>; 2],
    /// How long a list in Google may have shown an older state.
    pub list_lag: SignedDuration,
    /// Whether transactions on the site were ever committed later than they began.
    pub has_late_commits: bool,
    pub google: Google,
    pub site: Site,
    store: Arc<MemoryStore>,
    /// How many stores there were before this one.
    restarts: u64,
    pub book: Book,
    /// How the daemon reads records.
    pub mapping: Mapping,
    pub violations: Vec<Violation>,
    /// Number of the running (or next) cycle.
    pub cycle: u32,
    pub cycle_began: Timestamp,
    /// Records of which nobody knew, when the cycle began, whether the last write to them had arrived.
    pub in_doubt: BTreeSet<Id>,
    /// Successful writes of this cycle by record.
    pub writes: BTreeMap<Id, u32>,
    pub deletions: u32,
    /// Documents of which the running cycle deleted an address, as they were before.
    pub stripped: BTreeMap<Id, Arc<Seen>>,
    pub requests: u64,
    /// Whether anything happened that lets a side miss news until it is read whole.
    pub missed_news: bool,
    /// Whether the site hides records from the daemon.
    pub is_hiding: bool,
    /// Whether a held plan was ever dropped.
    pub had_discard: bool,
    /// Whether what is written now is the operator's wish: a run is being put back.
    pub is_undoing: bool,
    /// Whether a run was ever put back: pairs that it made are taken apart by that.
    pub had_undo: bool,
    /// Records that a person left alone.
    pub skipped: BTreeSet<Id>,
    /// Records that a person called somebody of its own.
    pub separated: BTreeSet<Id>,
    pub log: Option<Vec<String>>,
    pub met: Met,
    /// What the requests of this cycle were: whether each could change something.
    pub effects: Vec<bool>,
    script: Cycle,
    nth: u32,
    is_dead: bool,
    camera: Camera,
    /// When transactions of people on the site commit.
    late: Vec<Timestamp>,
    deleted_names: Vec<String>,
    deleted_persons: Vec<(usize, String)>,
    /// When a person last changed something at Google.
    google_edited: Option<Timestamp>,
    google_written: Option<Timestamp>,
    trace: DefaultHasher,
    /// After how many restarts and commits the store was last traced, and learnt from.
    traced: Option<(u64, u64)>,
    learnt: Option<(u64, u64)>,
    tokens: BTreeMap<usize, (String, Timestamp)>,
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
            closed: [None; 2],
            has_late_commits: setting.late_commit > 0,
            list_lag: SignedDuration::from_secs(setting.list_delay.into()),
            book: Book { fields: fields(&setting), ..Book::default() },
            camera: Camera::new(&setting),
            mapping: mapping(&setting),
            setting,
            google,
            site,
            store,
            restarts: 0,
            violations: Vec::new(),
            cycle: 0,
            in_doubt: BTreeSet::new(),
            writes: BTreeMap::new(),
            deletions: 0,
            stripped: BTreeMap::new(),
            requests: 0,
            missed_news: false,
            is_hiding: false,
            had_discard: false,
            is_undoing: false,
            had_undo: false,
            skipped: BTreeSet::new(),
            separated: BTreeSet::new(),
            log: None,
            met: Met::new(),
            effects: Vec::new(),
            script: Cycle::default(),
            nth: 0,
            is_dead: false,
            late: Vec::new(),
            deleted_names: Vec::new(),
            deleted_persons: Vec::new(),
            google_edited: None,
            google_written: None,
            trace: DefaultHasher::new(),
            traced: None,
            learnt: None,
            tokens: BTreeMap::new(),
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

    pub fn accounts(&self) -> std::ops::Range<usize> {
        0..self.setting.accounts as usize
    }

    pub fn state(&self, account: usize) -> AccountState {
        AccountState::new(self.store.clone(), ACCOUNTS[account].parse().unwrap())
    }

    pub fn meet(&mut self, trouble: Trouble) {
        *self.met.entry(trouble).or_default() += 1;
    }

    fn meet_if(&mut self, is_met: bool, trouble: Trouble) {
        if is_met {
            self.meet(trouble);
        }
    }

    pub fn is_dead(&self) -> bool {
        self.is_dead || self.store.is_crashed()
    }

    /// Everything that left or entered the process so far, as one number.
    pub fn trace(&self) -> u64 {
        self.trace.finish()
    }

    pub fn store(&self) -> &Arc<MemoryStore> {
        &self.store
    }

    /// What the next process finds.
    pub fn restart_with(&mut self, store: MemoryStore) {
        self.store = Arc::new(store);
        self.restarts += 1;
    }

    /// Whether anything became durable about pairs since the last time it was asked here.
    pub fn has_committed_pairs(&mut self) -> bool {
        let now = Some((self.restarts, self.store.commits_to(Tree::Pairs)));
        std::mem::replace(&mut self.learnt, now) != now
    }

    pub fn trace_durable(&mut self) {
        let now = Some((self.restarts, self.store.commits()));
        if std::mem::replace(&mut self.traced, now) != now {
            self.store.snapshot_durable().hash(&mut self.trace);
        }
    }

    pub fn google_now(&self) -> Timestamp {
        self.clock.now() + SignedDuration::from_secs(self.setting.google_skew.into())
    }

    pub fn site_now(&self) -> Timestamp {
        self.clock.now() + SignedDuration::from_secs(self.setting.site_skew.into())
    }

    pub fn access_token(&mut self, account: usize) -> String {
        let now = self.google_now();
        if let Some((token, issued)) = self.tokens.get(&account)
            && now.duration_since(*issued).abs() < SignedDuration::from_mins(50)
        {
            return token.clone();
        }
        let token = self.google.issue_access_token(EMAILS[account], now).unwrap();
        self.tokens.insert(account, (token.clone(), now));
        token
    }

    /// Prepares for a cycle.
    pub fn begin(&mut self, script: Cycle) {
        self.cycle += 1;
        self.cycle_began = self.clock.now();
        self.in_doubt = watch::in_doubt(self, &self.in_doubt);
        self.script = script;
        self.nth = 0;
        self.is_dead = false;
        self.writes.clear();
        self.deletions = 0;
        self.stripped.clear();
        self.effects.clear();
    }

    /// Notes whether what comes is an undo, asked for now or approved before.
    pub fn wish(&mut self, account: usize, is_undo: bool) {
        let held = self.state(account).undo_hold().ok().flatten();
        let is_due = held.is_some_and(|held| held.hold.decision == Some(HoldDecision::Approved));
        self.is_undoing = is_undo || is_due;
        self.had_undo |= self.is_undoing;
    }

    pub fn end(&mut self) {
        self.is_undoing = false;
        self.script = Cycle::default();
        self.is_dead = false;
    }

    /// Both sides now.
    pub fn picture(&mut self) -> Arc<Picture> {
        self.camera.take(&self.google, &self.site)
    }

    /// The record that somebody is asked about; a document may have another name since.
    pub fn id_of(&mut self, record: &RecordId) -> Option<Id> {
        match record {
            RecordId::Google(source) => Some((Side::Google, source.0.clone())),
            RecordId::Dafater(name) => {
                let now = self.picture().named(Side::Dafater, &name.0).cloned();
                now.or_else(|| self.book.names.get(&(Side::Dafater, name.0.clone())).cloned())
            }
        }
    }

    /// Every name that a record ever had.
    pub fn names_of<'s>(&'s self, id: &'s Id) -> impl Iterator<Item = &'s str> {
        self.book.names.iter().filter(move |(_, known)| *known == id).map(|((_, name), _)| name.as_str())
    }

    /// The daemon's opinion: what it holds for agreed upon of a record (its half, the other's), and each counterpart.
    pub fn pairs_of(&self, id: &Id) -> Vec<(Contact, Contact, Id)> {
        let mut found = Vec::new();
        for account in self.accounts() {
            let state = self.state(account);
            match id.0 {
                Side::Google => {
                    if let Ok(Some(pair)) = state.pair_of_google(&SourceId(id.1.clone())) {
                        let other = (Side::Dafater, pair.dafater.creation.0.clone());
                        found.push((pair.google.contact, pair.dafater.contact, other));
                    }
                }
                Side::Dafater => {
                    let pairs = state.pairs_of_creation(&SiteStamp(id.1.clone())).unwrap_or_default();
                    found.extend(pairs.into_iter().map(|pair| {
                        (pair.dafater.contact, pair.google.contact, (Side::Google, pair.google.source_id.0))
                    }));
                }
            }
        }
        found
    }

    /// Notes what people changed since `before`.
    fn note(&mut self, before: &Picture) {
        let after = self.picture();
        let (at, cycle) = (self.clock.now(), self.cycle);
        let mut book = std::mem::take(&mut self.book);
        let lookup = |id: &Id| self.pairs_of(id);
        book.note(before, &after, at, cycle, self.is_undoing, lookup);
        self.book = book;
    }

    /// Transactions of people that are due are committed, and noted.
    pub fn catch_up(&mut self) {
        let now = self.site_now();
        if !self.late.iter().any(|due| *due <= now) {
            return;
        }
        self.meet(Trouble::LateCommit);
        let before = self.picture();
        self.site.catch_up(now);
        self.late.retain(|due| *due > now);
        self.camera.touch(Place::Site);
        self.note(&before);
    }

    /// Commits what is still open on the site and shows all that is delayed at Google.
    pub fn settle(&mut self) {
        let before = self.picture();
        self.site.settle();
        for account in self.accounts() {
            self.google.settle(EMAILS[account]).unwrap();
        }
        self.late.clear();
        self.camera.touch(Place::Site);
        self.note(&before);
    }

    /// Somebody acts.
    pub fn act(&mut self, deed: &Deed) {
        self.clock.advance(SignedDuration::from_secs(1));
        self.act_now(deed);
    }

    /// Somebody acts at the very instant of the one before.
    pub fn act_now(&mut self, deed: &Deed) {
        self.catch_up();
        let before = self.picture();
        let (google_now, site_now) = (self.google_now(), self.site_now());
        let accounts = self.setting.accounts as usize;
        let mut remotes = Remotes {
            accounts,
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
            self.book.poisoned.entry(id.clone()).or_insert(self.clock.now());
        }
        if let Deed::Hide { who } = deed
            && let Some((id, _)) = before.nth(Side::Dafater, *who)
        {
            self.book.hidden.insert(id.clone());
        }
        match deed.side() {
            Side::Google => self.accounts().for_each(|account| self.camera.touch(Place::Account(account))),
            Side::Dafater => self.camera.touch(Place::Site),
        }
        self.note(&before);
        if deed.side() == Side::Google {
            self.google_edited = Some(self.clock.now());
        }
        match deed {
            Deed::Rename { .. } => self.meet(Trouble::Rename),
            Deed::Restore { .. } => {
                let is_back = self.picture().0.len() > before.0.len();
                self.meet_if(is_back, Trouble::Restored);
            }
            Deed::Merge { .. } => {
                let is_gone = self.picture().0.len() < before.0.len();
                self.meet_if(is_gone, Trouble::Merged);
            }
            Deed::Hide { .. } => self.meet_if(!before.0.is_empty(), Trouble::Hidden),
            Deed::Poison { .. } => self.meet_if(!before.0.is_empty(), Trouble::Poison),
            Deed::Add { .. } | Deed::Edit { .. } | Deed::Delete { .. } | Deed::Unhide => {}
        }
        self.say(|| format!("   {deed:?}"));
    }

    /// A request of the daemon arrives.
    pub fn receive(&mut self, account: usize, side: Side, request: &Request<Bytes>) -> Reply {
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
            self.meet(Trouble::EditInCycle);
        }
        if side == Side::Google && request.uri().path().ends_with("/connections") {
            // An approved undo comes before the cycle that carries it out; only the cycle lists. It is a run of its own: what it wrote
            // and could not end is written anew by the plan that follows.
            if std::mem::take(&mut self.is_undoing) {
                self.writes.clear();
            }
        }
        let is_write = is_write(side, request);
        let effect = u32::try_from(self.effects.iter().filter(|is_write| **is_write).count()).unwrap();
        self.effects.push(is_write);
        self.meet_if(is_write && account > 0, Trouble::ManyAccounts);
        // Each request takes a moment, so that no two writes share one.
        self.clock.advance(SignedDuration::from_micros(1_700));
        let of =
            |list: &[(u32, Fault)], nth: u32| list.iter().find(|(at, _)| *at == nth).map(|(_, fault)| *fault);
        let struck = if is_write { of(&self.script.strikes, effect) } else { None };
        let fault = of(&self.script.faults, nth).or(struck);
        let crash = match self.script.crash {
            Some(Crash::Request { nth: at, done }) if at == nth => Some(done),
            Some(Crash::Effect { nth: at, done }) if is_write && at == effect => Some(done),
            Some(_) | None => None,
        };
        let is_done = match (crash, fault) {
            (Some(done), _) => done,
            (None, Some(fault)) => fault.is_done(),
            (None, None) => true,
        };
        let response = is_done.then(|| self.handle(account, side, request));
        self.record(side, request, response.as_ref(), fault);
        self.observe(side, request, response.as_ref());
        if let Some(done) = crash {
            self.meet(if done && is_write { Trouble::CrashAfterEffect } else { Trouble::CrashAtRequest });
            self.is_dead = true;
            return Reply::Never;
        }
        match fault {
            None => Reply::Answer(response.unwrap()),
            Some(fault) => self.strike(fault, side, request, response),
        }
    }

    fn handle(&mut self, account: usize, side: Side, request: &Request<Bytes>) -> Response<Bytes> {
        self.catch_up();
        let is_write = is_write(side, request);
        if is_write && side == Side::Dafater && !self.late.is_empty() {
            // Whoever writes a row waits for the transaction that holds it: what that one does is people's work.
            let before = self.picture();
            self.site.settle();
            self.late.clear();
            self.camera.touch(Place::Site);
            self.note(&before);
        }
        let before = is_write.then(|| self.picture());
        let (google_now, site_now) = (self.google_now(), self.site_now());
        let response = match side {
            Side::Google => self.google.handle(request, google_now),
            Side::Dafater => self.site.handle(request, site_now),
        };
        if let Some(before) = before {
            self.camera.touch(if side == Side::Google { Place::Account(account) } else { Place::Site });
            if response.status().is_success() {
                let after = self.picture();
                watch::judge_write(self, side, &before, &after);
                // What an undo takes back it takes back in the operator's name. The addresses that go before a contact that it deletes are
                // taken away by nobody, should that end early.
                if self.is_undoing && !watch::begins_to_delete(self, &before, &after) {
                    self.note(&before);
                }
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
            let uri: String = uri.chars().take(300).collect();
            let body: String = String::from_utf8_lossy(request.body()).chars().take(4_000).collect();
            let answer = response.map_or_else(String::new, |response| {
                let text: String = String::from_utf8_lossy(response.body()).chars().take(20_000).collect();
                format!("{} {text}", response.status().as_u16())
            });
            let nth = self.nth - 1;
            self.say(|| {
                format!("   [{nth}] {side} {} {uri} {body}\n         {fault:?} -> {answer}", request.method())
            });
        }
    }

    /// Counts the trouble that lies in what the models themselves answered.
    fn observe(&mut self, side: Side, request: &Request<Bytes>, response: Option<&Response<Bytes>>) {
        let Some(response) = response else { return };
        let uri = request.uri().path();
        let status = response.status().as_u16();
        let says = |what: &str| String::from_utf8_lossy(response.body()).contains(what);
        let is_write = is_write(side, request);
        let now = self.clock.now();
        let is_recent = |at: Option<Timestamp>, delay: u32| {
            at.is_some_and(|at| now.duration_since(at) < SignedDuration::from_secs(delay.into()))
        };
        let setting = self.setting.clone();
        match side {
            Side::Google if !is_write => {
                let is_list = uri.ends_with("/connections");
                let is_behind = |delay| is_recent(self.google_edited, delay);
                let (list, get) = (is_behind(setting.list_delay), is_behind(setting.get_delay));
                let is_stale = is_recent(self.google_edited.max(self.google_written), setting.stale_etag);
                self.meet_if(is_list && list, Trouble::ListBehind);
                self.meet_if(!is_list && get, Trouble::GetBehind);
                self.meet_if(is_stale, Trouble::StaleEtag);
                self.meet_if(status != 200 && says("EXPIRED_SYNC_TOKEN"), Trouble::TokenExpired);
            }
            Side::Google => {
                self.google_written = Some(now);
                self.meet_if(matches!(status, 400 | 409 | 412), Trouble::Outrun);
            }
            Side::Dafater => {
                self.meet_if(status != 200 && says("TimestampMismatchError"), Trouble::Outrun);
                self.meet_if(is_write && status == 417, Trouble::RefusedValue);
                let is_normalised = setting.grouped_phones || setting.collapsed_texts;
                self.meet_if(is_write && status == 200 && is_normalised, Trouble::Normalised);
                self.meet_if(status == 503, Trouble::Maintenance);
                self.meet_if(status == 429, Trouble::SiteLimit);
            }
        }
        self.meet_if(side == Side::Google && status == 429, Trouble::QuotaSpent);
        let is_skewed = setting.google_skew != 0 || setting.site_skew != 0;
        self.meet_if(is_write && is_skewed, Trouble::ClockSkew);
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each kind of fault")]
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
        let is_write = is_write(side, request);
        let trouble = match fault {
            Fault::Unreachable => Some(Trouble::Unreachable),
            Fault::RequestLost => is_write.then_some(Trouble::LostBefore),
            Fault::AnswerLost => is_write.then_some(Trouble::LostAfter),
            Fault::Throttled => Some(Trouble::Throttled),
            Fault::Unavailable => Some(Trouble::Unavailable),
            Fault::Gateway => Some(Trouble::GatewayHtml),
            Fault::GatewayAfter => is_write.then_some(Trouble::GatewayHtmlAfterCommit),
            Fault::Truncated => Some(Trouble::Truncated),
            Fault::Forbidden => Some(Trouble::Forbidden),
            Fault::Unauthorized => Some(Trouble::Unauthorized),
            // Counted where they can be done.
            Fault::ShortPage | Fault::HalfPage | Fault::Doubled | Fault::Mismatch => None,
        };
        if let Some(trouble) = trouble {
            self.meet(trouble);
        }
        let refusal = |status: u16, google: &str, site: &str| {
            let body = match side {
                Side::Google => {
                    json!({ "error": { "code": status, "status": google, "message": "Refused." } })
                }
                Side::Dafater => {
                    json!({ "exception": format!("frappe.exceptions.{site}"), "exc_type": site })
                }
            };
            page(status, "application/json", body.to_string())
        };
        // What salutations, genders and countries there are the site is asked once a day: until then it knows of none.
        let body = String::from_utf8_lossy(request.body());
        let is_of_words =
            |doctype: &str| side == Side::Dafater && body.starts_with(&format!(r#"{{"doctype":"{doctype}""#));
        self.missed_news |=
            fault == Fault::Forbidden && ["Salutation", "Gender", "Country"].into_iter().any(is_of_words);
        match fault {
            Fault::Unreachable => Reply::NotSent,
            Fault::Forbidden => refusal(403, "PERMISSION_DENIED", "PermissionError"),
            Fault::Unauthorized => refusal(401, "UNAUTHENTICATED", "AuthenticationError"),
            Fault::Mismatch => {
                if !request.uri().to_string().contains("syncToken=") {
                    return Reply::Answer(response.unwrap());
                }
                self.meet(Trouble::ParameterMismatch);
                let message = "Request parameters must match the request that returned the sync token.";
                let body =
                    json!({ "error": { "code": 400, "status": "INVALID_ARGUMENT", "message": message } });
                page(400, "application/json", body.to_string())
            }
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
            Fault::ShortPage | Fault::HalfPage | Fault::Doubled => {
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
                match fault {
                    Fault::Doubled => {
                        let first = list[0].clone();
                        list.push(first);
                        self.meet(Trouble::Doubled);
                    }
                    Fault::HalfPage => {
                        list.truncate(list.len() / 2);
                        self.missed_news = true;
                        self.meet(Trouble::HalfPage);
                    }
                    _ => {
                        list.pop();
                        self.missed_news = true;
                        self.meet(Trouble::ShortPage);
                    }
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
            Self::Unreachable
            | Self::RequestLost
            | Self::Throttled
            | Self::Unavailable
            | Self::Gateway
            | Self::Forbidden
            | Self::Unauthorized => false,
            Self::AnswerLost
            | Self::GatewayAfter
            | Self::Truncated
            | Self::ShortPage
            | Self::HalfPage
            | Self::Doubled
            | Self::Mismatch => true,
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
