//! What happens in one history, as plain data: the setting, and events in their order.
//!
//! Law: an event says what happens without saying what happened before, so that any event may be left out and the rest still
//! is a history. Whom a deed concerns is a number that is read modulo those who are there.

use dafater_contactsd::sync::{ConflictPolicy, DeletionPolicy, FirstSync, Side};

/// One history.
#[derive(Debug, Clone)]
pub struct History {
    pub seed: u64,
    pub setting: Setting,
    pub events: Vec<Event>,
    /// Whether the daemon silently loses its memory before the rest: the judge must notice.
    pub forgets: bool,
}

/// Where a history takes place. Times are in seconds.
#[derive(Debug, Clone)]
pub struct Setting {
    pub rules: Rules,
    pub first_sync: FirstSync,
    pub label: bool,
    pub list_delay: u32,
    pub get_delay: u32,
    pub stale_etag: u32,
    pub late_commit: u32,
    pub google_skew: i32,
    pub site_skew: i32,
    pub zone: &'static str,
    pub grouped_phones: bool,
    pub collapsed_texts: bool,
    pub old_names_answer: bool,
    pub expired_code: u16,
    pub connections: u32,
    /// Google accounts that share the site.
    pub accounts: u32,
    /// What each account may do in a minute, in tenths of what Google grants; 0 counts nothing.
    pub quota: u32,
    /// Requests that the site answers in a minute; 0 counts nothing.
    pub site_limit: u32,
    /// Whether an operator mapped further fields.
    pub mapped: bool,
    /// Whether postal addresses travel.
    pub addresses: bool,
}

/// What an operator may change between two cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    pub pull: bool,
    pub push: bool,
    pub conflict: ConflictPolicy,
    pub deletions: DeletionPolicy,
    pub max_deletes_percent: u8,
}

/// One event.
#[derive(Debug, Clone)]
pub enum Event {
    /// Somebody does something.
    Deed(Deed),
    /// Several things happen at one instant.
    Together(Vec<Deed>),
    /// Time passes, in seconds.
    Wait(u32),
    /// The site's System Settings get another time zone.
    Zone(&'static str),
    /// The site's clock is set: so many seconds before or after the true time.
    SiteClock(i32),
    /// The site goes down for maintenance, or only takes no writes, or is back.
    Maintenance(Closed),
    /// New contacts get a label from now on, or none.
    Label(bool),
    /// All sync tokens die.
    ExpireTokens,
    /// The operator changes the rules.
    Configure(Rules),
    /// A held plan is released.
    Approve,
    /// A held plan is dropped.
    Discard,
    /// The operator puts the nth of the last runs back, while everything befalls that as it befalls a cycle.
    Undo { nth: u32, cycle: Cycle },
    /// The operator answers the nth of all open questions: a conflict goes to a side, for a record is decided who it is.
    Decide { nth: u32, side: Side, decision: Decision },
    /// The daemon runs one cycle.
    Cycle(Cycle),
}

/// Who a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A record is the same as its nth candidate.
    Link(u32),
    /// A record is left alone.
    Skip,
    /// A record is somebody of its own.
    Separate,
}

/// How much of the site is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    Nothing,
    Writes,
    Everything,
}

/// What a person does by hand.
#[derive(Debug, Clone)]
pub enum Deed {
    Add { side: Side, who: Newcomer },
    Edit { side: Side, who: u32, edit: Edit },
    Delete { side: Side, who: u32 },
    Restore { side: Side, who: u32 },
    Rename { side: Side, who: u32, to: u32 },
    Merge { side: Side, loser: u32, survivor: u32 },
    Hide { who: u32 },
    Unhide,
    Poison { who: u32, token: u32 },
}

impl Deed {
    /// Where it is done.
    pub fn side(&self) -> Side {
        match self {
            Self::Add { side, .. }
            | Self::Edit { side, .. }
            | Self::Delete { side, .. }
            | Self::Restore { side, .. }
            | Self::Rename { side, .. }
            | Self::Merge { side, .. } => *side,
            Self::Hide { .. } | Self::Unhide | Self::Poison { .. } => Side::Dafater,
        }
    }
}

/// Somebody new. Two newcomers of one token are one person, told differently by each side.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer {
    pub token: u32,
    pub kind: Kind,
    /// Also carries things that are not mapped.
    pub rich: bool,
}

/// How somebody is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Full,
    Arabic,
    Emoji,
    NameOnly,
    AddressOnly,
    NumberOnly,
    Company,
    Empty,
    /// Values that one side cannot hold.
    Awkward,
}

/// A change by hand.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    /// A text field, by number, gets a value of its own.
    Text {
        field: u32,
        value: Text,
    },
    /// A text field is emptied.
    Clear {
        field: u32,
    },
    AddEmail {
        token: u32,
        value: Address,
    },
    AddPhone {
        token: u32,
        value: Number,
    },
    RemoveEmail {
        nth: u32,
    },
    RemovePhone {
        nth: u32,
    },
    ChangeEmail {
        nth: u32,
        token: u32,
    },
    ChangePhone {
        nth: u32,
        token: u32,
    },
    PrimaryEmail {
        nth: u32,
    },
    PrimaryPhone {
        nth: u32,
    },
    Mobile {
        nth: u32,
    },
    /// A postal address is added.
    AddPlace {
        token: u32,
        place: Place,
    },
    RemovePlace {
        nth: u32,
    },
    /// Its street changes.
    MovePlace {
        nth: u32,
        token: u32,
    },
    /// What it is for changes.
    LabelPlace {
        nth: u32,
        is_work: bool,
    },
    /// Something that is not mapped.
    Unmapped {
        which: u32,
        token: u32,
    },
    /// Saved without a change, or with one of spelling.
    Touch,
}

/// The text that is entered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Text {
    Unique(u32),
    Arabic(u32),
    Emoji(u32),
    /// Nobody's own: both sides may enter it.
    Common(u32),
    /// Too long for the site.
    Long(u32),
}

/// A postal address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Whole,
    /// One that both sides may enter, each in its own spelling.
    Common(u32),
    /// The site refuses it: without a country.
    Partial,
    /// The site does not know the country.
    Wakanda,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    Plain,
    /// The site refuses it.
    Foreign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    International,
    National,
    ShortCode,
    /// The site refuses it.
    Words,
}

/// One run of the daemon.
#[derive(Debug, Clone, Default)]
pub struct Cycle {
    /// Which account, read modulo those there are.
    pub account: u32,
    pub full: bool,
    /// Shuffles the order in which answers arrive.
    pub order: u64,
    /// Before the nth request, somebody acts.
    pub deeds: Vec<(u32, Deed)>,
    /// What befalls the nth request.
    pub faults: Vec<(u32, Fault)>,
    /// What befalls the nth request that may change something.
    pub strikes: Vec<(u32, Fault)>,
    /// Where the process dies.
    pub crash: Option<Crash>,
}

/// What befalls a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// No connection.
    Unreachable,
    /// It was lost on its way, and nobody can tell.
    RequestLost,
    /// It was carried out, and the answer was lost.
    AnswerLost,
    /// 429, nothing done.
    Throttled,
    /// 503 with the remote's own JSON, nothing done.
    Unavailable,
    /// 502 with a gateway's HTML, nothing done.
    Gateway,
    /// 504 with a gateway's HTML, after it was carried out.
    GatewayAfter,
    /// The answer's body ends early.
    Truncated,
    /// A list without its last entry that looks whole.
    ShortPage,
    /// A list without its second half that looks whole.
    HalfPage,
    /// A list with an entry that stands twice.
    Doubled,
    /// 400: the parameters are not those of the sync token's request.
    Mismatch,
    /// 403, nothing done.
    Forbidden,
    /// 401, nothing done.
    Unauthorized,
}

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// At the nth request, before or after the remote carried it out.
    Request { nth: u32, done: bool },
    /// The same, at the nth request that may change something.
    Effect { nth: u32, done: bool },
    /// At the nth commit, before or after it is durable.
    Commit { nth: u32, durable: bool },
    /// Where the run awaits something for the nth time.
    Await { nth: u32 },
    /// Not quite: the store refuses the nth commit and goes on.
    Refusal { nth: u32 },
}
