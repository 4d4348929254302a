//! From a seed to a history.

use dafater_contactsd::sync::{ConflictPolicy, DeletionPolicy, FirstSync, Side};

use super::chance::Chance;
use super::deeds::{GENDER, MAPPED_END};
use super::history::{
    Address, Closed, Crash, Cycle, Decision, Deed, Edit, Event, Fault, History, Kind, Newcomer, Number,
    Place, Rules, Setting, Text,
};

/// What may happen. Each level contains the ones below.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Malice {
    /// Users edit, the daemon syncs.
    Peace,
    /// Requests fail, replicas lag, users act in the middle of a cycle.
    Faults,
    /// The process dies as well.
    Crashes,
}

/// What seeds mean. A seed that taught something keeps its meaning when new kinds of trouble are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    First,
    /// The first, and on top of it, from a stream of chance of its own: several accounts, quotas, maintenance, a clock that is set,
    /// things that happen at one instant, death at any await.
    Second,
    /// The second, and on top of it what an operator does: runs are undone, questions and conflicts are answered.
    Third,
    /// The third, and on top of it whatever else may travel: genders, fields that an operator mapped, postal addresses.
    Fourth,
}

impl History {
    /// The history of `seed`.
    pub fn generate(seed: u64) -> Self {
        Self::of(Edition::Fourth, seed)
    }

    /// The history of `seed` in an edition.
    pub fn of(edition: Edition, seed: u64) -> Self {
        let mut history = Self::first(seed);
        if edition != Edition::First {
            history.worsen();
        }
        if matches!(edition, Edition::Third | Edition::Fourth) {
            history.operate();
        }
        if edition == Edition::Fourth {
            history.enrich();
        }
        history
    }

    fn first(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let malice = match chance.below(10) {
            0..2 => Malice::Peace,
            2..6 => Malice::Faults,
            _ => Malice::Crashes,
        };
        let mut generator = Generator { chance, malice, token: 0 };
        let setting = generator.setting();
        let rules = setting.rules;
        let mut events = generator.population();
        let count = generator.chance.between(5, 30);
        for _ in 0..count {
            let event = generator.event(rules);
            events.push(event);
        }
        Self { seed, setting, events, forgets: false }
    }

    /// Adds the trouble of the second edition.
    fn worsen(&mut self) {
        let mut chance = Chance::new(self.seed ^ SECOND);
        if chance.percent(25) {
            return;
        }
        let setting = &mut self.setting;
        setting.accounts = chance.pick(&[1, 1, 1, 2, 2, 3]);
        setting.quota = chance.pick(&[0, 0, 0, 3, 10]);
        setting.site_limit = chance.pick(&[0, 0, 0, 0, 20, 60]);
        let accounts = setting.accounts;
        let mut generator = Generator { chance, malice: Malice::Crashes, token: 10_000 };
        for event in &mut self.events {
            if let Event::Cycle(cycle) = event {
                cycle.account = generator.chance.below(accounts);
                generator.worsen_cycle(cycle);
            }
        }
        for _ in 0..generator.chance.below(5) {
            let event = generator.worse_event();
            let at = generator.chance.below(u32::try_from(self.events.len()).unwrap() + 1);
            self.events.insert(at as usize, event);
        }
        // Whoever has several accounts syncs more often.
        for _ in 0..(accounts - 1) * 4 {
            let at = generator.chance.below(u32::try_from(self.events.len()).unwrap() + 1);
            let cycle = Cycle {
                account: generator.chance.below(accounts),
                order: generator.chance.next(),
                ..Cycle::default()
            };
            self.events.insert(at as usize, Event::Cycle(cycle));
        }
    }
}

impl History {
    /// Adds the operator of the third edition.
    fn operate(&mut self) {
        let mut generator =
            Generator { chance: Chance::new(self.seed ^ THIRD), malice: Malice::Crashes, token: 20_000 };
        if generator.chance.percent(25) {
            return;
        }
        if generator.chance.one_in(3) {
            self.setting.rules.conflict = ConflictPolicy::Manual;
        }
        let accounts = self.setting.accounts;
        if generator.chance.one_in(2) {
            let first = self.events.len() / 3;
            let at = first
                + generator.chance.below(u32::try_from(self.events.len() - first).unwrap() + 1) as usize;
            let quarrel = generator.quarrel();
            self.events.splice(at..at, quarrel);
        }
        for _ in 0..generator.chance.between(1, 5) {
            let event = generator.operation(accounts);
            // Nothing has happened yet at the beginning.
            let first = self.events.len() / 3;
            let rest = u32::try_from(self.events.len() - first).unwrap();
            let at = first + generator.chance.below(rest + 1) as usize;
            self.events.insert(at, event);
        }
    }
}

impl History {
    /// Adds what else may travel.
    fn enrich(&mut self) {
        let mut generator =
            Generator { chance: Chance::new(self.seed ^ FOURTH), malice: Malice::Crashes, token: 30_000 };
        if generator.chance.percent(25) {
            return;
        }
        self.setting.mapped = generator.chance.percent(60);
        self.setting.addresses = generator.chance.percent(60);
        for _ in 0..generator.chance.between(4, 16) {
            let deed = generator.enriched(&self.setting);
            let at = generator.chance.below(u32::try_from(self.events.len()).unwrap() + 1) as usize;
            match self.events.get_mut(at) {
                Some(Event::Cycle(cycle)) if generator.chance.one_in(4) => {
                    cycle.deeds.push((generator.request(), deed));
                }
                _ => self.events.insert(at, Event::Deed(deed)),
            }
        }
    }
}

/// Keeps the fourth edition's stream of chance apart from the others'.
const FOURTH: u64 = 0xF1E1_D000_0000_0000;

/// Keeps the third edition's stream of chance apart from the others'.
const THIRD: u64 = 0x7A1D_0000_0000_0000;

/// Keeps the second edition's stream of chance apart from the first's.
const SECOND: u64 = 0x5EC0_4D00_0000_0000;

struct Generator {
    chance: Chance,
    malice: Malice,
    token: u32,
}

impl Generator {
    fn token(&mut self) -> u32 {
        self.token += 1;
        self.token
    }

    fn side(&mut self) -> Side {
        self.chance.pick(&[Side::Google, Side::Dafater])
    }

    fn setting(&mut self) -> Setting {
        let chance = &mut self.chance;
        let (pull, push) = match chance.below(10) {
            0 => (true, false),
            1 => (false, true),
            _ => (true, true),
        };
        let rules = Rules {
            pull,
            push,
            conflict: chance.pick(&[
                ConflictPolicy::Newest,
                ConflictPolicy::Newest,
                ConflictPolicy::Dafater,
                ConflictPolicy::Google,
                ConflictPolicy::Manual,
            ]),
            deletions: chance.pick(&[
                DeletionPolicy::Keep,
                DeletionPolicy::CreatedBySync,
                DeletionPolicy::Propagate,
                DeletionPolicy::Propagate,
            ]),
            max_deletes_percent: chance.pick(&[0, 10, 34, 100, 100, 100]),
        };
        let lags = self.malice >= Malice::Faults && chance.percent(60);
        let list_delay = if lags { chance.pick(&[0, 5, 60, 300, 540]) } else { 0 };
        Setting {
            rules,
            first_sync: if chance.one_in(8) { FirstSync::Hold } else { FirstSync::Apply },
            label: chance.one_in(4),
            list_delay,
            get_delay: if lags { chance.below(list_delay + 1) } else { 0 },
            stale_etag: if lags { chance.pick(&[0, 0, 30, 120]) } else { 0 },
            late_commit: if self.malice >= Malice::Faults { chance.pick(&[0, 0, 0, 30, 240]) } else { 0 },
            google_skew: chance.pick(&[0, 0, 0, -90, 170]),
            site_skew: chance.pick(&[0, 0, 0, 110, -200]),
            zone: chance.pick(&["Asia/Riyadh", "Asia/Riyadh", "UTC", "America/New_York"]),
            grouped_phones: chance.one_in(6),
            collapsed_texts: chance.one_in(6),
            old_names_answer: chance.percent(70),
            expired_code: chance.pick(&[400, 410]),
            connections: chance.between(1, 4),
            accounts: 1,
            quota: 0,
            site_limit: 0,
            mapped: false,
            addresses: false,
        }
    }

    fn population(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let shared = self.chance.below(4);
        for _ in 0..shared {
            let who = self.newcomer();
            for side in [Side::Google, Side::Dafater] {
                events.push(Event::Deed(Deed::Add { side, who }));
            }
        }
        for side in [Side::Google, Side::Dafater] {
            for _ in 0..self.chance.below(4) {
                let who = self.newcomer();
                events.push(Event::Deed(Deed::Add { side, who }));
                if self.chance.one_in(8) {
                    events.push(Event::Deed(Deed::Add { side, who }));
                }
            }
        }
        events
    }

    fn newcomer(&mut self) -> Newcomer {
        let kind = match self.chance.below(12) {
            0 => Kind::Arabic,
            1 => Kind::Emoji,
            2 => Kind::NameOnly,
            3 => Kind::AddressOnly,
            4 => Kind::NumberOnly,
            5 => Kind::Company,
            6 if self.chance.one_in(3) => Kind::Empty,
            7 => Kind::Awkward,
            _ => Kind::Full,
        };
        Newcomer { token: self.token(), kind, rich: self.chance.one_in(3) }
    }

    fn event(&mut self, rules: Rules) -> Event {
        match self.chance.below(100) {
            0..38 => Event::Deed(self.deed()),
            38..78 => Event::Cycle(self.cycle()),
            78..91 => {
                Event::Wait(self.chance.pick(&[5, 45, 200, 400, 1_000, 4_000, 40_000, 100_000, 700_000]))
            }
            91 => Event::ExpireTokens,
            92 => Event::Zone(self.chance.pick(&["Asia/Riyadh", "UTC", "America/New_York", "Asia/Tokyo"])),
            93..95 => Event::Configure(self.reconfigured(rules)),
            95..98 => Event::Approve,
            _ => Event::Discard,
        }
    }

    fn reconfigured(&mut self, rules: Rules) -> Rules {
        let chance = &mut self.chance;
        match chance.below(4) {
            0 => {
                let (pull, push) = chance.pick(&[(true, true), (true, true), (true, false), (false, true)]);
                Rules { pull, push, ..rules }
            }
            1 => Rules {
                conflict: chance.pick(&[
                    ConflictPolicy::Newest,
                    ConflictPolicy::Dafater,
                    ConflictPolicy::Google,
                    ConflictPolicy::Manual,
                ]),
                ..rules
            },
            2 => Rules {
                deletions: chance.pick(&[
                    DeletionPolicy::Keep,
                    DeletionPolicy::CreatedBySync,
                    DeletionPolicy::Propagate,
                ]),
                ..rules
            },
            _ => Rules { max_deletes_percent: chance.pick(&[0, 10, 100]), ..rules },
        }
    }

    fn deed(&mut self) -> Deed {
        let side = self.side();
        let who = self.chance.any();
        match self.chance.below(100) {
            0..12 => Deed::Add { side, who: self.newcomer() },
            12..68 => Deed::Edit { side, who, edit: self.edit() },
            68..80 => Deed::Delete { side, who },
            80..84 => Deed::Restore { side, who },
            84..89 => Deed::Rename { side, who, to: self.token() },
            89..93 => Deed::Merge { side, loser: who, survivor: self.chance.any() },
            93..96 => Deed::Hide { who },
            96..98 => Deed::Unhide,
            _ if self.chance.one_in(2) => Deed::Poison { who, token: self.token() },
            _ => Deed::Unhide,
        }
    }

    fn edit(&mut self) -> Edit {
        let token = self.token();
        let chance = &mut self.chance;
        let nth = chance.below(4);
        match chance.below(100) {
            0..35 => Edit::Text {
                field: chance.below(8),
                value: match chance.below(10) {
                    0 => Text::Arabic(token),
                    1 => Text::Emoji(token),
                    2 => Text::Common(chance.below(3)),
                    3 if chance.one_in(3) => Text::Long(token),
                    _ => Text::Unique(token),
                },
            },
            35..43 => Edit::Clear { field: chance.below(8) },
            43..52 => Edit::AddEmail {
                token,
                value: if chance.one_in(6) { Address::Foreign } else { Address::Plain },
            },
            52..61 => Edit::AddPhone {
                token,
                value: match chance.below(8) {
                    0 => Number::Words,
                    1 => Number::ShortCode,
                    2..5 => Number::National,
                    _ => Number::International,
                },
            },
            61..66 => Edit::RemoveEmail { nth },
            66..71 => Edit::RemovePhone { nth },
            71..76 => Edit::ChangeEmail { nth, token },
            76..81 => Edit::ChangePhone { nth, token },
            81..84 => Edit::PrimaryEmail { nth },
            84..87 => Edit::PrimaryPhone { nth },
            87..89 => Edit::Mobile { nth },
            89..97 => Edit::Unmapped { which: chance.below(6), token },
            _ => Edit::Touch,
        }
    }

    fn cycle(&mut self) -> Cycle {
        let mut cycle = Cycle {
            account: 0,
            full: self.chance.one_in(12),
            order: self.chance.next(),
            deeds: Vec::new(),
            faults: Vec::new(),
            strikes: Vec::new(),
            crash: None,
        };
        if self.malice >= Malice::Faults {
            if self.chance.percent(25) {
                for _ in 0..self.chance.between(1, 2) {
                    let nth = self.request();
                    cycle.deeds.push((nth, self.deed()));
                }
            }
            if self.chance.percent(40) {
                for _ in 0..self.chance.between(1, 3) {
                    let nth = self.request();
                    cycle.faults.push((nth, self.fault()));
                }
            }
        }
        if self.malice >= Malice::Crashes && self.chance.percent(35) {
            let nth = self.request();
            cycle.crash = Some(match self.chance.below(7) {
                0..3 => Crash::Request { nth, done: self.chance.one_in(2) },
                3..6 => Crash::Commit { nth: nth / 2, durable: self.chance.one_in(2) },
                _ => Crash::Refusal { nth: nth / 2 },
            });
        }
        cycle
    }

    fn worsen_cycle(&mut self, cycle: &mut Cycle) {
        if self.chance.one_in(8) {
            let fault = self.chance.pick(&[
                Fault::HalfPage,
                Fault::HalfPage,
                Fault::Mismatch,
                Fault::Mismatch,
                Fault::Forbidden,
                Fault::Unauthorized,
            ]);
            // Lists come first.
            cycle.faults.push((self.chance.below(4), fault));
        }
        // Most requests only read: what befalls a write must be aimed at one.
        if self.chance.one_in(4) {
            let nth = self.chance.pick(&[0, 0, 0, 1, 2, 3]);
            let fault = self.chance.pick(&[
                Fault::RequestLost,
                Fault::AnswerLost,
                Fault::AnswerLost,
                Fault::GatewayAfter,
                Fault::Truncated,
                Fault::Throttled,
                Fault::Forbidden,
            ]);
            cycle.strikes.push((nth, fault));
        }
        if cycle.crash.is_none() {
            cycle.crash = match self.chance.below(16) {
                0 | 1 => {
                    let end = self.chance.pick(&[8, 32, 128]);
                    Some(Crash::Await { nth: self.chance.below(end) })
                }
                2 | 3 => Some(Crash::Effect {
                    nth: self.chance.pick(&[0, 0, 0, 1, 2, 3]),
                    done: self.chance.percent(70),
                }),
                _ => None,
            };
        }
    }

    fn worse_event(&mut self) -> Event {
        match self.chance.below(6) {
            0 | 1 => {
                let count = self.chance.between(2, 4);
                Event::Together((0..count).map(|_| self.deed()).collect())
            }
            2 => Event::SiteClock(self.chance.pick(&[-150, -40, 0, 60, 300, 4_000])),
            3 => Event::Maintenance(self.chance.pick(&[Closed::Nothing, Closed::Writes, Closed::Everything])),
            4 => Event::Label(self.chance.one_in(2)),
            _ => Event::Deed(self.deed()),
        }
    }

    /// Both sides give the same fields other texts, the daemon sees it, and an operator decides.
    fn quarrel(&mut self) -> Vec<Event> {
        let field = 1 + self.chance.below(7);
        let mut deeds = Vec::new();
        for who in 0..4 {
            for side in [Side::Google, Side::Dafater] {
                let edit = Edit::Text { field, value: Text::Unique(self.token()) };
                deeds.push(Deed::Edit { side, who, edit });
            }
        }
        let decide = |side| Event::Decide { nth: 0, side, decision: Decision::Skip };
        let side = self.side();
        vec![
            Event::Together(deeds),
            Event::Cycle(Cycle::default()),
            Event::Wait(700),
            decide(side),
            decide(side),
        ]
    }

    /// Something of what the fourth edition brings happens to somebody.
    fn enriched(&mut self, setting: &Setting) -> Deed {
        let (side, who, token) = (self.side(), self.chance.any(), self.token());
        let chance = &mut self.chance;
        let is_mapped = setting.mapped;
        if setting.addresses && chance.percent(70) {
            let nth = chance.below(3);
            let edit = match chance.below(10) {
                0..5 => Edit::AddPlace {
                    token,
                    place: match chance.below(8) {
                        0 => Place::Partial,
                        1 => Place::Wakanda,
                        2 | 3 => Place::Common(chance.below(2)),
                        _ => Place::Whole,
                    },
                },
                5 | 6 => Edit::RemovePlace { nth },
                7 | 8 => Edit::MovePlace { nth, token },
                _ => Edit::LabelPlace { nth, is_work: chance.one_in(2) },
            };
            return Deed::Edit { side, who, edit };
        }
        let field = if is_mapped { chance.between(GENDER, MAPPED_END - 1) } else { GENDER };
        let edit = match chance.below(10) {
            0..2 => Edit::Clear { field },
            2 => Edit::Text { field, value: Text::Common(chance.below(3)) },
            3 => Edit::Text { field, value: Text::Long(token) },
            4 => Edit::Text { field, value: Text::Arabic(token) },
            _ => Edit::Text { field, value: Text::Unique(token) },
        };
        Deed::Edit { side, who, edit }
    }

    fn operation(&mut self, accounts: u32) -> Event {
        if self.chance.one_in(2) {
            let mut cycle = if self.chance.one_in(2) { self.cycle() } else { Cycle::default() };
            (cycle.account, cycle.full) = (self.chance.below(accounts), false);
            return Event::Undo { nth: self.chance.pick(&[0, 0, 0, 1, 1, 2, 3, 5]), cycle };
        }
        let decision = match self.chance.below(4) {
            0 | 1 => Decision::Link(self.chance.below(4)),
            2 => Decision::Skip,
            _ => Decision::Separate,
        };
        Event::Decide { nth: self.chance.below(12), side: self.side(), decision }
    }

    /// Which request of a cycle: small numbers more often.
    fn request(&mut self) -> u32 {
        let end = self.chance.pick(&[4, 8, 16]);
        self.chance.below(end)
    }

    fn fault(&mut self) -> Fault {
        self.chance.pick(&[
            Fault::Unreachable,
            Fault::RequestLost,
            Fault::AnswerLost,
            Fault::AnswerLost,
            Fault::AnswerLost,
            Fault::Throttled,
            Fault::Unavailable,
            Fault::Gateway,
            Fault::GatewayAfter,
            Fault::Truncated,
            Fault::ShortPage,
            Fault::Doubled,
        ])
    }
}
