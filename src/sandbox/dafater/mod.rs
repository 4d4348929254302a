//! A Frappe 15 site with the DocTypes around Contact, as it answers over HTTP.
//!
//! ```text
//!  request ─> exchange (line, form, session, body) ─> resource / method ─> query          lists
//!                                                                       └> write, rename  saves, with naming, validation, contact
//!  desk (in process, the site's own rules) ──────────────────────────────┘        └> tables: transactions, late commits
//! ```
//!
//! Law: answers what a recorded site answers, also where that is surprising: derived fields, stale row names that are echoed but not
//! stored, `name` in a body that retargets a save, renames without a trace, lists without what the user may not see. A route or method
//! that is not modelled is refused as the site refuses an unknown one.

mod access;
mod address;
mod collation;
mod contact;
mod custom;
mod desk;
mod document;
mod exchange;
mod files;
mod google;
mod incoming;
mod ledger;
mod method;
mod naming;
mod permission;
mod query;
mod refusal;
mod rename;
mod resource;
mod roles;
mod schema;
mod stamp;
mod switches;
mod tables;
mod text;
mod validation;
mod write;

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rand::SeedableRng as _;
use rand::rngs::StdRng;

pub use access::Rights;
pub use desk::{DESK_USER, DocumentVersion, Keys, Refused};
pub use exchange::ProcessingTime;
pub use ledger::{Logged, WriteKind};
pub use switches::{Maintenance, PhoneFormat, RateLimit, Switches, TextFormat};

use access::Access;
use ledger::Ledger;
use refusal::Notice;
use schema::Schemas;
use stamp::Stamp;
use tables::Database;

/// How a site begins.
#[derive(Debug, Clone)]
pub struct SiteOptions {
    /// Seed of names and keys: the same seed and the same calls give the same site.
    pub seed: u64,
    /// IANA name of System Settings' `time_zone`; an unknown name is UTC.
    pub time_zone: String,
    /// The only host that the site answers for; `None`: any.
    pub host: Option<String>,
    /// Whether any user with a role may read Salutation and Gender.
    pub small_lists_readable: bool,
    /// A role that may read Deleted Document, besides System Manager.
    pub deleted_documents_readable_by: Option<String>,
    /// Codes of the countries that the administrator kept; `None`: all that Frappe ships.
    pub countries: Option<&'static [&'static str]>,
    /// The switches at the beginning.
    pub switches: Switches,
}

impl Default for SiteOptions {
    fn default() -> Self {
        Self {
            seed: 0,
            time_zone: "Asia/Riyadh".to_owned(),
            host: None,
            small_lists_readable: true,
            deleted_documents_readable_by: None,
            countries: None,
            switches: Switches::default(),
        }
    }
}

/// Who is being answered, and when.
#[derive(Debug)]
struct Session {
    user: String,
    now: Timestamp,
    /// Whether the work counts as a client's.
    over_http: bool,
}

/// The stand-in for Dafater.
#[derive(Debug)]
pub struct Site {
    /// What can be turned while the site runs.
    pub switches: Switches,
    schemas: Schemas,
    db: Database,
    access: Access,
    zone: TimeZone,
    zone_name: String,
    host: Option<String>,
    google: google::GoogleSettings,
    rng: StdRng,
    last_write: Timestamp,
    session: Session,
    notices: Vec<Notice>,
    took: Duration,
    /// The rate limit's current window, and the microseconds used in it.
    rate: (i128, u64),
    /// Writes of the running transaction, counted when it commits.
    written: Vec<(String, WriteKind)>,
    ledger: Ledger,
    /// Last numbers of naming series.
    series: std::collections::BTreeMap<String, u64>,
    files: Vec<files::Attached>,
}

impl Site {
    /// A site without contacts, with the salutations and genders that Frappe ships.
    #[must_use]
    pub fn new(options: SiteOptions) -> Self {
        let mut access = Access::default();
        access.small_lists_readable = options.small_lists_readable;
        if let Some(role) = &options.deleted_documents_readable_by {
            access.grant(role, "Deleted Document", Rights::READ);
        }
        let mut site = Self {
            switches: options.switches,
            schemas: schema::standard(),
            db: Database::default(),
            access,
            zone: TimeZone::UTC,
            zone_name: String::new(),
            host: options.host,
            google: google::GoogleSettings::default(),
            rng: StdRng::seed_from_u64(options.seed),
            last_write: Timestamp::UNIX_EPOCH,
            session: Session {
                user: access::ADMINISTRATOR.to_owned(),
                now: Timestamp::UNIX_EPOCH,
                over_http: false,
            },
            notices: Vec::new(),
            took: Duration::ZERO,
            rate: (0, 0),
            written: Vec::new(),
            ledger: Ledger::default(),
            series: std::collections::BTreeMap::new(),
            files: Vec::new(),
        };
        site.set_time_zone(&options.time_zone);
        site.furnish(options.countries);
        site
    }

    /// The moment of the next write by the site's clock: now, but never the same microsecond twice.
    fn tick(&mut self) -> Stamp {
        let next = self.last_write + SignedDuration::from_micros(1);
        self.last_write = self.session.now.max(next);
        Stamp::of(self.last_write, &self.zone)
    }

    fn wrote(&mut self, doctype: &str, kind: WriteKind) {
        if self.session.over_http {
            self.written.push((doctype.to_owned(), kind));
        }
    }
}
