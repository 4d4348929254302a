//! One history from its beginning to its end.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard};

use dafater_contactsd::dafater::{self, SiteClient};
use dafater_contactsd::execute::{
    AccountEngine, ConflictView, Engine as _, EngineError, HistoryFilter, Outcome, Parts, ReviewView,
    RunReport, RunRequest, Settings, UndoRequest, UndoView,
};
use dafater_contactsd::google::PeopleClient;
use dafater_contactsd::remote::{Clock as _, CountingTransport, Transport};
use dafater_contactsd::sandbox::dafater::{
    Maintenance, PhoneFormat, RateLimit, Site, SiteOptions, Switches, TextFormat,
};
use dafater_contactsd::sandbox::google::{Google, GoogleOptions, Quotas};
use dafater_contactsd::state::AccountState;
use dafater_contactsd::store::{Fault as StoreFault, MemoryStore};
use dafater_contactsd::sync::{Links, Policy, Scope, Side};
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::chance::Chance;
use super::clock::VirtualClock;
use super::deeds::{ACCOUNTS, DAEMON, EMAILS};
use super::drive::{Ended, drive};
use super::history::{Closed, Crash, Cycle, Decision, Event, History, Setting};
use super::laws;
use super::picture::{MAPPED, mapping};
use super::scene::{Scene, Violation};
use super::trouble::{Met, Trouble};
use super::watch::PROPAGATION;
use super::wire::{Shared, Tokens, Wire};

/// What came of a history.
#[derive(Debug, Clone)]
pub struct Played {
    /// The laws that were broken, in the order in which it was noticed.
    pub violations: Vec<Violation>,
    /// Everything that left or entered the process, and everything that became durable, as one number.
    pub trace: u64,
    pub cycles: u32,
    pub requests: u64,
    pub log: Vec<String>,
    pub met: Met,
    /// Every cycle before the rest.
    pub spans: Vec<Span>,
}

/// How much one cycle did.
#[derive(Debug, Clone, Default)]
pub struct Span {
    /// Its requests: whether each could change something.
    pub effects: Vec<bool>,
    pub commits: u32,
    pub polls: u32,
}

/// Plays `history`; with `is_told`, keeps a log of everything.
pub fn play(history: &History, is_told: bool) -> Played {
    let mut world = World::new(&history.setting);
    if is_told {
        world.scene().log = Some(Vec::new());
    }
    for event in &history.events {
        world.pass(event);
        if !world.scene().violations.is_empty() {
            break;
        }
    }
    if history.forgets {
        world.scene().restart_with(MemoryStore::new());
        world.kill();
    }
    let spans = std::mem::take(&mut world.spans);
    if world.scene().violations.is_empty() {
        world.come_to_rest();
    }
    let mut scene = world.scene();
    scene.trace_durable();
    Played {
        violations: std::mem::take(&mut scene.violations),
        trace: scene.trace(),
        cycles: scene.cycle,
        requests: scene.requests,
        log: scene.log.take().unwrap_or_default(),
        met: std::mem::take(&mut scene.met),
        spans,
    }
}

/// Which run is to be undone.
enum Wish {
    /// The nth of the last ones.
    Nth(u32),
    Run(UndoRequest),
}

/// What a run of the daemon's process was.
#[derive(Debug)]
enum Did {
    Run(RunReport),
    Undo(Result<UndoView, EngineError>),
}

/// What waits for a person.
enum Question {
    Conflict(ConflictView),
    Review(ReviewView),
}

pub struct World {
    scene: Shared,
    clock: Arc<VirtualClock>,
    keys: (String, String),
    engines: Vec<Option<AccountEngine>>,
    spans: Vec<Span>,
    /// Undoings that did not come to their end: whoever asked for one asks again.
    unfinished: Vec<(usize, UndoRequest)>,
}

impl World {
    fn new(setting: &Setting) -> Self {
        let clock = Arc::new(VirtualClock::new());
        let seconds = |seconds: u32| SignedDuration::from_secs(seconds.into());
        let mut google = Google::new(GoogleOptions {
            region: "SA".to_owned(),
            list_delay: seconds(setting.list_delay),
            get_delay: seconds(setting.get_delay),
            stale_etag: seconds(setting.stale_etag),
            expired_token_code: setting.expired_code,
            old_names_answer: setting.old_names_answer,
            remembered_requests: 0,
            quotas: (setting.quota > 0).then(|| quotas(setting.quota)),
            ..GoogleOptions::default()
        });
        for email in &EMAILS[..setting.accounts as usize] {
            google.add_account(email);
        }
        let mut site = Site::new(SiteOptions {
            time_zone: setting.zone.to_owned(),
            // Where business is done; to send all the others again and again would be most of what is sent.
            countries: Some(&["ae", "at", "bh", "de", "eg", "gb", "jo", "kw", "om", "qa", "sa", "us"]),
            switches: Switches {
                late_commit: std::time::Duration::from_secs(setting.late_commit.into()),
                phone_format: if setting.grouped_phones { PhoneFormat::Grouped } else { PhoneFormat::AsIs },
                text_format: if setting.collapsed_texts { TextFormat::Collapsed } else { TextFormat::AsIs },
                rate_limit: (setting.site_limit > 0).then(|| RateLimit {
                    limit: u64::from(setting.site_limit) * 1_000,
                    window: std::time::Duration::from_mins(1),
                    cost: 1_000,
                }),
                ..Switches::default()
            },
            ..SiteOptions::default()
        });
        for (_, name, kind) in MAPPED.iter().filter(|_| setting.mapped) {
            let field = json!({ "dt": "Contact", "fieldname": name, "label": name, "fieldtype": kind });
            site.insert_into("Custom Field", field, clock.now()).unwrap();
        }
        site.settle();
        let keys = site.add_user(DAEMON, &["System Manager"]);
        let store = Arc::new(MemoryStore::new());
        let scene = Scene::new(clock.clone(), setting.clone(), google, site, store);
        Self {
            scene: Arc::new(Mutex::new(scene)),
            clock,
            keys: (keys.api_key, keys.api_secret),
            engines: (0..setting.accounts).map(|_| None).collect(),
            spans: Vec::new(),
            unfinished: Vec::new(),
        }
    }

    pub fn scene(&self) -> MutexGuard<'_, Scene> {
        self.scene.lock().unwrap()
    }

    fn pass(&mut self, event: &Event) {
        self.scene().say(|| format!("{event:?}"));
        match event {
            Event::Deed(deed) => self.scene().act(deed),
            Event::Wait(seconds) => self.clock.advance(SignedDuration::from_secs((*seconds).into())),
            Event::Zone(zone) => {
                let mut scene = self.scene();
                scene.site.set_time_zone(zone);
                scene.missed_news = true;
                scene.meet(Trouble::ZoneChange);
            }
            Event::Together(deeds) => {
                let mut scene = self.scene();
                scene.clock.advance(SignedDuration::from_secs(1));
                let before = scene.picture();
                for deed in deeds {
                    scene.act_now(deed);
                }
                let after = scene.picture();
                let changed = after.of_side(Side::Dafater).filter(|(id, seen)| {
                    before.0.get(*id).is_none_or(|old| old.json["modified"] != seen.json["modified"])
                });
                if changed.count() > 1 {
                    scene.meet(Trouble::EqualModified);
                }
            }
            Event::SiteClock(skew) => {
                let mut scene = self.scene();
                // What is stamped before the cursor is found by the sweep.
                scene.missed_news |= *skew < scene.setting.site_skew;
                scene.setting.site_skew = *skew;
                scene.meet(Trouble::ClockJump);
            }
            Event::Maintenance(closed) => self.scene().site.switches.maintenance = maintenance(*closed),
            Event::Label(label) => {
                let mut scene = self.scene();
                scene.setting.label = *label;
                scene.meet(Trouble::ConfigChange);
                drop(scene);
                self.kill();
            }
            Event::ExpireTokens => {
                let mut scene = self.scene();
                for account in scene.accounts() {
                    scene.google.expire_sync_tokens(EMAILS[account]).unwrap();
                }
            }
            Event::Configure(rules) => {
                let mut scene = self.scene();
                if scene.rules != *rules {
                    scene.meet(Trouble::ConfigChange);
                }
                let now = scene.clock.now();
                for (side, was_open, is_open) in
                    [(0, scene.rules.push, rules.push), (1, scene.rules.pull, rules.pull)]
                {
                    let since = if was_open { Some(now) } else { scene.closed[side] };
                    scene.closed[side] = since.filter(|_| !is_open);
                    scene.was_open[side] |= is_open;
                }
                scene.rules = *rules;
                drop(scene);
                self.kill();
            }
            Event::Approve | Event::Discard => {
                let is_approval = matches!(event, Event::Approve);
                for account in 0..self.engines.len() {
                    self.decide(account, is_approval);
                }
            }
            Event::Undo { nth, cycle } => drop(self.perform(cycle.clone(), Some(Wish::Nth(*nth)))),
            Event::Decide { nth, side, decision } => self.answer(*nth as usize, *side, *decision),
            Event::Cycle(cycle) => drop(self.cycle(cycle.clone())),
        }
    }

    /// An operator answers the nth of all open questions, if there is one.
    fn answer(&mut self, nth: usize, side: Side, decision: Decision) {
        let mut questions = Vec::new();
        for account in 0..self.engines.len() {
            let engine = self.engine(account, 0);
            let conflicts = engine.conflicts().unwrap().into_iter().map(Question::Conflict);
            let reviews = engine.reviews().unwrap().into_iter().map(Question::Review);
            questions.extend(conflicts.chain(reviews).map(|question| (account, question)));
        }
        if questions.is_empty() {
            return;
        }
        let nth = nth % questions.len();
        let (account, question) = questions.swap_remove(nth);
        let scene = self.scene.clone();
        let engine = self.engine(account, 0);
        let trouble = match question {
            Question::Conflict(conflict) => {
                drive(engine.resolve(&conflict.id, side), None, || false);
                Trouble::Resolved
            }
            Question::Review(review) => {
                let record = &review.record;
                match decision {
                    Decision::Link(candidate) => {
                        let others: Vec<_> =
                            review.candidates.iter().filter(|other| other.side() != record.side()).collect();
                        if others.is_empty() {
                            return;
                        }
                        let other = others[candidate as usize % others.len()];
                        let (google, dafater) =
                            if record.side() == Side::Google { (record, other) } else { (other, record) };
                        drive(engine.link(google, dafater), None, || false);
                        Trouble::Linked
                    }
                    Decision::Skip => {
                        drive(engine.skip(record), None, || false);
                        let mut scene = scene.lock().unwrap();
                        let id = scene.id_of(record);
                        scene.skipped.extend(id);
                        Trouble::Skipped
                    }
                    Decision::Separate => {
                        drive(engine.separate(record), None, || false);
                        let mut scene = scene.lock().unwrap();
                        let id = scene.id_of(record);
                        scene.separated.extend(id);
                        Trouble::Separated
                    }
                }
            }
        };
        scene.lock().unwrap().meet(trouble);
    }

    fn decide(&mut self, account: usize, is_approval: bool) {
        self.scene().had_discard |= !is_approval;
        let engine = self.engine(account, 0);
        let decision = if is_approval { engine.approve() } else { engine.discard() };
        // Nothing may be held.
        drop(drive(decision, None, || false));
    }

    /// The daemon's process is no more, with all its engines.
    fn kill(&mut self) {
        self.engines.iter_mut().for_each(|engine| *engine = None);
    }

    /// The daemon's process; a new one if the last one died.
    fn engine(&mut self, account: usize, order: u64) -> &AccountEngine {
        if self.engines[account].is_none() {
            self.engines[account] = Some(self.new_engine(account, order));
        }
        self.engines[account].as_ref().unwrap()
    }

    fn new_engine(&self, account: usize, order: u64) -> AccountEngine {
        let count = |side: Side| {
            let wire =
                Wire { account, side, scene: self.scene.clone(), order: Mutex::new(Chance::new(order)) };
            let wire: Arc<dyn Transport> = Arc::new(wire);
            Arc::new(CountingTransport::new(wire))
        };
        let (google_sent, dafater_sent) = (count(Side::Google), count(Side::Dafater));
        let tokens = Arc::new(Tokens(self.scene.clone(), account));
        let mut options = dafater::SiteOptions::new(
            "https://erp.example.com".parse().unwrap(),
            self.keys.0.clone(),
            SecretString::from(self.keys.1.clone()),
        );
        let scene = self.scene();
        options.addresses = scene.setting.addresses;
        let parts = Parts {
            google: PeopleClient::new(
                google_sent.clone(),
                "https://people.googleapis.com/".parse().unwrap(),
                tokens,
            ),
            google_sent,
            dafater: SiteClient::new(dafater_sent.clone(), options).unwrap(),
            dafater_sent,
            state: AccountState::new(scene.store().clone(), ACCOUNTS[account].parse().unwrap()),
            clock: self.clock.clone(),
            vault: None,
        };
        AccountEngine::new(parts, settings(&scene), CancellationToken::new())
    }

    /// One run of the daemon; nothing if it died.
    pub fn cycle(&mut self, cycle: Cycle) -> Option<RunReport> {
        self.perform(cycle, None)
    }

    /// Whoever asked for an undo that did not come to its end asks once more.
    fn ask_again(&mut self) {
        for (account, request) in std::mem::take(&mut self.unfinished) {
            let account = u32::try_from(account).unwrap();
            drop(self.perform(Cycle { account, ..Cycle::default() }, Some(Wish::Run(request))));
        }
    }

    /// One run of the daemon, or the undoing of one of its last runs; its report, or nothing if it died or undid a run.
    fn perform(&mut self, cycle: Cycle, undo: Option<Wish>) -> Option<RunReport> {
        let request = RunRequest { full: cycle.full, dry_run: false };
        let account = cycle.account as usize % self.engines.len();
        let undone = match undo {
            None => None,
            Some(Wish::Run(request)) => Some(request),
            Some(Wish::Nth(nth)) => {
                let runs = self.runs(account);
                let run = runs.get(nth as usize % runs.len().max(1))?.clone();
                Some(UndoRequest { run, contact: None, dry_run: false })
            }
        };
        let (order, crash) = (cycle.order, cycle.crash);
        let attempts = self.begin(cycle);
        let limit = laws::deletions_allowed(&self.scene(), account);
        self.scene().wish(account, undone.is_some());
        let scene = self.scene.clone();
        let engine = self.engine(account, order);
        let is_dead = || scene.lock().unwrap().is_dead();
        let most = match crash {
            Some(Crash::Await { nth }) => Some(nth),
            _ => None,
        };
        let deed = async {
            match &undone {
                Some(request) => Did::Undo(engine.undo(request).await),
                None => Did::Run(engine.run(request).await),
            }
        };
        let ended = catch_unwind(AssertUnwindSafe(|| drive(deed, most, is_dead)));
        let mut polls = 0;
        let did = match ended {
            Ok((ended, count)) => {
                polls = count;
                match ended {
                    Ended::Done(did) => Some(did),
                    Ended::Died => None,
                    Ended::Stuck => {
                        self.scene().violate("termination", "the run waits for nothing".to_owned());
                        None
                    }
                }
            }
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                self.scene().violate("no panic", text.unwrap_or_default());
                None
            }
        };
        let commits = u32::try_from(self.scene().store().attempts() - attempts).unwrap();
        let effects = self.scene().effects.clone();
        self.spans.push(Span { effects, commits, polls });
        self.meet_ending(crash, commits, did.as_ref());
        if let Some(request) = undone {
            self.note_undo(account, request, did.as_ref());
        }
        self.conclude(account, crash, limit, did)
    }

    /// Makes everything ready for a run: how many commits were tried before it.
    fn begin(&mut self, cycle: Cycle) -> u64 {
        let mut scene = self.scene();
        let crash = cycle.crash;
        scene.clock.advance(SignedDuration::from_secs(1));
        scene.begin(cycle);
        let attempts = scene.store().attempts();
        let at = |nth: u32| attempts + 1 + u64::from(nth);
        match crash {
            Some(Crash::Commit { nth, durable }) => {
                scene.store().fault_at(at(nth), StoreFault::Hang { durable });
            }
            Some(Crash::Refusal { nth }) => scene.store().fault_at(at(nth), StoreFault::Refuse),
            Some(Crash::Request { .. } | Crash::Effect { .. } | Crash::Await { .. }) | None => {}
        }
        attempts
    }

    /// Remembers an undo that did not come to its end.
    fn note_undo(&mut self, account: usize, request: UndoRequest, did: Option<&Did>) {
        let asked = (account, request);
        self.unfinished.retain(|known| *known != asked);
        match did {
            Some(Did::Undo(Ok(view))) if view.error.is_none() => {
                if view.held.is_some() {
                    self.scene().meet(Trouble::UndoHeld);
                } else if view.run.is_some() {
                    self.scene().meet(Trouble::Undone);
                }
            }
            _ => self.unfinished.push(asked),
        }
    }

    /// What the process left behind.
    fn conclude(
        &mut self,
        account: usize,
        crash: Option<Crash>,
        limit: Option<u32>,
        did: Option<Did>,
    ) -> Option<RunReport> {
        let is_restarted = did.is_none();
        let mut scene = self.scene();
        if is_restarted || scene.is_dead() {
            let durable = scene.store().snapshot_durable();
            scene.restart_with(MemoryStore::from_durable(durable));
        } else if matches!(crash, Some(Crash::Commit { .. } | Crash::Refusal { .. })) {
            scene.store().clear_faults();
        }
        scene.end();
        if let Some(limit) = limit
            && scene.deletions > limit
        {
            let what = format!("{} records were deleted in one cycle, {limit} are allowed", scene.deletions);
            scene.violate("bounded harm", what);
        }
        scene.trace_durable();
        laws::learn_pairs(&mut scene);
        scene.say(|| format!("   = {did:?}"));
        if scene.log.is_some() {
            let pairs: Vec<_> = scene.state(account).pairs().filter_map(Result::ok).collect();
            for pair in pairs {
                scene.say(|| format!("   . {pair:?}"));
            }
            let state = scene.state(account);
            for parked in state.parked().unwrap() {
                scene.say(|| format!("   . {parked:?}"));
            }
            for intent in state.intents().unwrap() {
                scene.say(|| format!("   . {intent:?}"));
            }
        }
        drop(scene);
        if is_restarted {
            self.kill();
        }
        match did {
            Some(Did::Run(report)) => Some(report),
            Some(Did::Undo(_)) | None => None,
        }
    }

    /// The ids of an account's last runs, newest first.
    fn runs(&mut self, account: usize) -> Vec<String> {
        let mut runs: Vec<String> = Vec::new();
        for view in self.engine(account, 0).history(&HistoryFilter::default()).unwrap() {
            if !runs.contains(&view.run) && view.side.is_some() {
                runs.push(view.run);
            }
        }
        runs
    }

    fn meet_ending(&self, crash: Option<Crash>, commits: u32, did: Option<&Did>) {
        let mut scene = self.scene();
        match (crash, did) {
            (Some(Crash::Commit { .. }), None) => scene.meet(Trouble::CrashAtCommit),
            (Some(Crash::Await { .. }), None) => scene.meet(Trouble::CrashAtAwait),
            (Some(Crash::Refusal { nth }), _) if commits > nth => scene.meet(Trouble::StoreRefusal),
            _ => {}
        }
        let Some(Did::Run(report)) = did else { return };
        for (is_met, trouble) in [
            (report.outcome == Outcome::Held, Trouble::Held),
            (report.conflicts > 0, Trouble::Conflict),
            (report.review > 0, Trouble::Review),
        ] {
            if is_met {
                scene.meet(trouble);
            }
        }
    }

    /// The luck turns, and nobody touches anything any more: now every law must hold.
    fn come_to_rest(&mut self) {
        {
            let mut scene = self.scene();
            scene.say(|| "-- rest --".to_owned());
            let setting = &mut scene.setting;
            (setting.list_delay, setting.get_delay, setting.stale_etag) = (0, 0, 0);
            setting.late_commit = 0;
            scene.settle();
            let options = scene.google.options_mut();
            options.list_delay = SignedDuration::ZERO;
            options.get_delay = SignedDuration::ZERO;
            options.stale_etag = SignedDuration::ZERO;
            options.quotas = None;
            let switches = &mut scene.site.switches;
            switches.late_commit = std::time::Duration::ZERO;
            switches.maintenance = Maintenance::Off;
            switches.rate_limit = None;
            scene.site.unhide(DAEMON);
        }
        self.clock.advance(SignedDuration::from_mins(11));
        self.ask_again();
        self.calm_down(SignedDuration::from_mins(20));
        let has_excuse = self.scene().missed_news;
        if !has_excuse && self.is_lawful() {
            laws::check(&mut self.scene());
        }
        if self.is_lawful() {
            // Everything that waits is due again, and both sides are read whole.
            self.clock.advance(SignedDuration::from_hours(25));
            self.calm_down(SignedDuration::from_mins(20));
        }
        if self.is_lawful() {
            self.clock.advance(SignedDuration::from_hours(8 * 24));
            self.calm_down(SignedDuration::from_mins(20));
        }
        if self.is_lawful() {
            laws::check(&mut self.scene());
        }
    }

    fn is_lawful(&self) -> bool {
        self.scene().violations.is_empty()
    }

    /// Runs cycles until one changes nothing any more.
    fn calm_down(&mut self, pause: SignedDuration) {
        let mut before = laws::Standing::take(&mut self.scene());
        for _ in 0..CYCLES_TO_REST {
            self.clock.advance(pause);
            let mut is_open = false;
            for account in 0..self.engines.len() {
                let next = Cycle { account: u32::try_from(account).unwrap(), ..Cycle::default() };
                let report = self.cycle(next);
                if !self.is_lawful() {
                    return;
                }
                let Some(report) = report else {
                    self.scene().violate("termination", "a run without faults did not end".to_owned());
                    return;
                };
                match report.outcome {
                    Outcome::Held => {
                        is_open = true;
                        self.decide(account, true);
                    }
                    Outcome::Failed => {
                        let what = format!("a run without faults failed: {:?}", report.error);
                        self.scene().violate("convergence", what);
                        return;
                    }
                    Outcome::Ok | Outcome::Skipped => {}
                }
            }
            let after = laws::Standing::take(&mut self.scene());
            if !is_open && before == after {
                return;
            }
            before = after;
        }
        let what = format!("still writing after {CYCLES_TO_REST} cycles without faults");
        self.scene().violate("quiescence", what);
    }
}

/// By then everything must have settled.
const CYCLES_TO_REST: u32 = 16;

fn quotas(tenths: u32) -> Quotas {
    let all = Quotas::observed();
    let part = |quota: u32| quota * tenths / 10;
    Quotas {
        critical_reads: part(all.critical_reads),
        critical_writes: part(all.critical_writes),
        reads: part(all.reads),
        writes: part(all.writes),
        photo_writes: part(all.photo_writes),
        daily_writes: all.daily_writes,
        full_reads: part(all.full_reads),
    }
}

fn maintenance(closed: Closed) -> Maintenance {
    match closed {
        Closed::Nothing => Maintenance::Off,
        Closed::Writes => Maintenance::ReadOnly,
        Closed::Everything => Maintenance::Stopped,
    }
}

fn settings(scene: &Scene) -> Settings {
    let rules = scene.rules;
    Settings {
        policy: Policy {
            pull: rules.pull,
            push: rules.push,
            conflict: rules.conflict,
            deletions: rules.deletions,
            max_deletes_percent: rules.max_deletes_percent,
            first_sync: scene.setting.first_sync,
            scope: Scope::default(),
            mapping: mapping(&scene.setting),
            fields: dafater_contactsd::sync::FieldRules::default(),
        },
        links: Links::default(),
        site: "erp.example.com".to_owned(),
        label: scene.setting.label.then(|| "Dafater".to_owned()),
        labels: std::collections::BTreeMap::new(),
        photos: dafater_contactsd::sync::PhotoPolicy::Off,
        max_contacts: 25_000,
        propagation: PROPAGATION,
        full_read_after: SignedDuration::from_hours(6 * 24),
        overlap: SignedDuration::from_mins(5),
        settle: SignedDuration::from_mins(2),
        sweep: SignedDuration::from_hours(24),
        history_keep: SignedDuration::from_hours(24 * 90),
        connections: scene.setting.connections as usize,
    }
}
