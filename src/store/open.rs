//! Opening: everything that must hold before a single contact is synced from a store.
//!
//! Law: an existing store that is not provably whole and latest is refused, and refusing changes nothing that a later
//! attempt needs.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicU64;

use jiff::Timestamp;

use super::build::Builder;
use super::codec::encode;
use super::database::{Changes, Database, Unfit};
use super::disk::{LOG_FILE, Trouble};
use super::error::{OpenError, WayOut, WhyLost};
use super::layout::{ORIGIN_KEY, Origin};
use super::mark::Mark;
use super::rotation::{automatic_exports, stamp};
use super::tally::{self, Tally};
use super::writer::Shared;
use super::{FORMAT, files, migrate};

/// How to open a store.
#[derive(Debug, Clone)]
pub struct OpenOptions {
    /// Now: names what is set aside, and dates a new store.
    pub now: Timestamp,
    /// The version of this program.
    pub written_by: String,
    /// Whether a store is created where there is none.
    pub create: bool,
    /// What to do with a store that is not what was last stored.
    pub trust: Trust,
}

impl OpenOptions {
    /// Creates where there is none, and trusts nothing unproven.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { now, written_by: env!("CARGO_PKG_VERSION").to_owned(), create: true, trust: Trust::Proven }
    }
}

/// What to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trust {
    /// Only a store that is whole and the latest. The daemon's choice.
    #[default]
    Proven,
    /// A store that is whole, though perhaps not the latest: a person restored a copy and means it.
    Adopt,
    /// None: a person wants to begin with an empty store. The database that is there is set aside, not removed.
    StartOver,
}

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// There was no store; this is a new one.
    pub created: bool,
    /// The database was damaged and repaired; its damaged files are kept here.
    pub repaired: Option<PathBuf>,
    /// The format that the database had before it was brought to this version's.
    pub migrated_from: Option<u32>,
    /// The generation after opening.
    pub generation: u64,
    /// How many entries were counted, the store's own included.
    pub entries: u64,
}

/// The database's directory in the state directory.
pub(super) const DATABASE: &str = "db";
/// Where a new database is built.
pub(super) const BUILDING: &str = "db.new";
/// Where a repair is tried on a copy.
const REPAIRING: &str = "db.repair";
/// The lock that one process holds while it uses the state directory.
const LOCK: &str = "lock";

/// Locks the state directory, so that opening, importing and starting over exclude each other.
pub(super) fn lock(state: &Path) -> Result<File, OpenError> {
    let path = state.join(LOCK);
    match files::lock(&path) {
        Ok(Some(file)) => Ok(file),
        Ok(None) => Err(OpenError::Locked { state: state.to_owned() }),
        Err(source) => Err(OpenError::Create { path, source }),
    }
}

/// Where a database that leaves its place is kept: a name that is free.
pub(super) fn aside(state: &Path, what: &str, now: Timestamp) -> PathBuf {
    let first = state.join(format!("{DATABASE}.{what}-{}", stamp(now)));
    let mut path = first.clone();
    let mut number = 1;
    while path.exists() {
        number += 1;
        path = files::beside(&first, &format!("-{number}"));
    }
    path
}

/// Opens the store in `state`; returns it with its lock and what the generation file now says.
pub(super) fn open(state: &Path, options: &OpenOptions) -> Result<(Shared, File, Opened), OpenError> {
    let place = Place { state, options, database: state.join(DATABASE) };
    if !options.create && !place.holds_anything() {
        return Err(OpenError::Absent { state: state.to_owned() });
    }
    files::create_directory(state).map_err(|source| OpenError::Create { path: state.to_owned(), source })?;
    let lock = lock(state)?;
    for leftover in [BUILDING, REPAIRING] {
        files::remove_directory(&state.join(leftover)).map_err(|source| place.unreachable(source))?;
    }

    let mark = place.read_mark()?;
    let created = place.create_if_due(mark.as_ref())?;
    let mark = if created { place.read_mark()? } else { mark };
    let (database, repaired) = place.open_whole(mark.as_ref())?;
    let (database, migrated_from) = place.migrate(database)?;
    let (tally, generation, entries) = place.begin(&database)?;

    let shared = Shared {
        state: state.to_owned(),
        database,
        commits: AtomicU64::new(0),
        syncs: AtomicU64::new(0),
        tally,
        stopped: OnceLock::new(),
    };
    Ok((shared, lock, Opened { created, repaired, migrated_from, generation, entries }))
}

/// A state directory under lock.
struct Place<'a> {
    state: &'a Path,
    options: &'a OpenOptions,
    database: PathBuf,
}

impl Place<'_> {
    fn holds_database(&self) -> bool {
        fs::metadata(self.database.join(LOG_FILE)).is_ok_and(|file| file.len() > 0)
    }

    fn holds_anything(&self) -> bool {
        self.holds_remains() || !matches!(Mark::read(self.state), Ok(None))
    }

    /// Whether anything but the generation file shows that there was a store.
    fn holds_remains(&self) -> bool {
        fs::read_dir(&self.database).is_ok_and(|mut files| files.next().is_some())
            || automatic_exports(self.state).next_back().is_some()
    }

    /// What the generation file says; refuses a format from the future before the database is touched.
    fn read_mark(&self) -> Result<Option<Mark>, OpenError> {
        match Mark::read(self.state) {
            Ok(Some(mark)) if mark.format > FORMAT => Err(self.newer(mark.format)),
            Ok(mark) => Ok(mark.map(|mark| {
                let latest = tally::latest(self.state, mark.store).unwrap_or(0);
                Mark { generation: mark.generation.max(latest), ..mark }
            })),
            Err(Some(source)) => Err(self.unreachable(source)),
            Err(None) if self.options.trust == Trust::Proven => Err(self.lost(WhyLost::MarkUnreadable)),
            Err(None) => Ok(None),
        }
    }

    /// Creates the first database, or a new one in place of what is there when that is wanted.
    fn create_if_due(&self, mark: Option<&Mark>) -> Result<bool, OpenError> {
        let expected = mark.map_or(0, |mark| mark.generation);
        if self.options.trust == Trust::StartOver {
            self.create(expected + 1)?;
            return Ok(true);
        }
        if self.holds_database() {
            return Ok(false);
        }
        if mark.is_some() {
            return Err(self.lost(WhyLost::Gone { expected }));
        }
        if self.holds_remains() {
            return Err(self.lost(WhyLost::OnlyRemains));
        }
        self.create(FIRST_GENERATION)?;
        Ok(true)
    }

    fn create(&self, generation: u64) -> Result<(), OpenError> {
        let origin = Origin { created: self.options.now, written_by: self.options.written_by.clone() };
        let building = self.state.join(BUILDING);
        Builder::begin(&building, FORMAT, &origin)
            .and_then(|builder| builder.finish(generation))
            .map_err(|trouble| self.troubled(trouble))?;
        let aside = self.database.exists().then(|| aside(self.state, "replaced", self.options.now));
        files::replace_directory(&building, &self.database, aside.as_deref())
            .and_then(|()| Mark { format: FORMAT, store: origin.created, generation }.write(self.state))
            .map_err(|source| self.unreachable(source))
    }

    /// Opens the database, repairing it when it can be repaired, and compares it with the generation file.
    fn open_whole(&self, mark: Option<&Mark>) -> Result<(Database, Option<PathBuf>), OpenError> {
        let (database, repaired) = match Database::open(&self.database) {
            Ok(database) => (database, None),
            Err(Unfit::Trouble(trouble @ Trouble::Damaged(_))) => match self.repair(mark) {
                Some((database, kept)) => (database, Some(kept)),
                None => return Err(self.troubled(trouble)),
            },
            Err(Unfit::Trouble(trouble @ (Trouble::Locked | Trouble::Io(_)))) => {
                return Err(self.troubled(trouble));
            }
            Err(Unfit::Newer(found)) => return Err(self.newer(found)),
            Err(Unfit::Empty) => {
                return Err(self.lost(match mark {
                    Some(mark) => WhyLost::Empty { expected: mark.generation },
                    None => WhyLost::OnlyRemains,
                }));
            }
        };
        if self.options.trust == Trust::Proven {
            compare(mark, &database).map_err(|why| self.lost(why))?;
        }
        Ok((database, repaired))
    }

    /// Tries, on a copy, to open the database without the engine's own snapshots, which it can rebuild from its log.
    /// The copy takes the database's place only if its seal holds and it is as new as the generation file asks.
    fn repair(&self, mark: Option<&Mark>) -> Option<(Database, PathBuf)> {
        let copy = self.state.join(REPAIRING);
        let kept = aside(self.state, "damaged", self.options.now);
        let repaired = (|| {
            files::copy_directory(&self.database, &copy, &|name| name.starts_with("snap.")).ok()?;
            let database = Database::open(&copy).ok()?;
            compare(mark, &database).ok()?;
            drop(database);
            files::replace_directory(&copy, &self.database, Some(&kept)).ok()?;
            Database::open(&self.database).ok()
        })();
        if repaired.is_none() {
            // The next opening removes it too.
            drop(files::remove_directory(&copy));
        }
        Some((repaired?, kept))
    }

    fn migrate(&self, mut database: Database) -> Result<(Database, Option<u32>), OpenError> {
        let from = database.format;
        if from == FORMAT {
            return Ok((database, None));
        }
        migrate::migrate(self.state, &database, migrate::STEPS, FORMAT, self.options.now)
            .map_err(|cause| OpenError::Migration { state: self.state.to_owned(), from, cause })?;
        database.format = FORMAT;
        Ok((database, Some(from)))
    }

    /// Advances the generation, so that a copy made before this opening is never mistaken for what follows.
    fn begin(&self, database: &Database) -> Result<(Tally, u64, u64), OpenError> {
        let origin = Origin { written_by: self.options.written_by.clone(), ..database.origin.clone() };
        let changes = Changes::from([(ORIGIN_KEY.to_vec(), Some(encode(Origin::VERSION, &origin)))]);
        let seal = database.commit(changes).map_err(|trouble| self.troubled(trouble))?;
        Mark { format: database.format, store: origin.created, generation: seal.generation }
            .write(self.state)
            .and_then(|()| Tally::begin(self.state, origin.created, seal.generation))
            .map(|tally| (tally, seal.generation, seal.entries))
            .map_err(|source| self.unreachable(source))
    }

    fn way_out(&self) -> WayOut {
        let export = automatic_exports(self.state).next_back();
        WayOut {
            export: export.map(|export| {
                let age = self.options.now.duration_since(export.written_at);
                (export, age)
            }),
        }
    }

    fn lost(&self, why: WhyLost) -> OpenError {
        OpenError::Lost { state: self.state.to_owned(), why, way_out: self.way_out() }
    }

    fn newer(&self, found: u32) -> OpenError {
        OpenError::NewerFormat { state: self.state.to_owned(), found, supported: FORMAT }
    }

    fn unreachable(&self, source: io::Error) -> OpenError {
        OpenError::Create { path: self.state.to_owned(), source }
    }

    fn troubled(&self, trouble: Trouble) -> OpenError {
        match trouble {
            Trouble::Locked => OpenError::Locked { state: self.state.to_owned() },
            Trouble::Io(source) => OpenError::Create { path: self.database.clone(), source },
            Trouble::Damaged(cause) => {
                OpenError::Damaged { state: self.state.to_owned(), cause, way_out: self.way_out() }
            }
        }
    }
}

/// Whether the generation file vouches for the database.
fn compare(mark: Option<&Mark>, database: &Database) -> Result<(), WhyLost> {
    let found = database.hold().generation;
    match mark {
        // The first start was interrupted between putting the database in place and writing the file.
        None if found == FIRST_GENERATION => Ok(()),
        None => Err(WhyLost::Unproven { found }),
        Some(mark) if mark.store != database.origin.created => {
            Err(WhyLost::Foreign { found: database.origin.created, expected: mark.store })
        }
        Some(mark) if found < mark.generation => Err(WhyLost::Older { found, expected: mark.generation }),
        Some(_) => Ok(()),
    }
}

/// The generation of a database that was just created.
const FIRST_GENERATION: u64 = 1;
