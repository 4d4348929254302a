//! Importing a logical export into a state directory without a store.
//!
//! The database is built aside while the export is read and checked; it takes its place only when everything held.
//!
//! Law: all or nothing. A refused import leaves the state directory as it was.

use std::io::{BufRead, Read};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::build::Builder;
use super::disk::{LOG_FILE, Trouble};
use super::error::OpenError;
use super::export::{Header, Line, Trailer, hex};
use super::layout::{Origin, physical_key};
use super::mark::Mark;
use super::open::{BUILDING, DATABASE, aside, lock};
use super::{Batch, FORMAT, Tree, VALUE_LIMIT, files};

/// How to import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Now: dates the new database.
    pub now: Timestamp,
    /// The version of this program.
    pub written_by: String,
    /// Whether a database that is already there is set aside. It is kept under another name, never removed.
    pub set_aside: bool,
}

impl ImportOptions {
    /// Refuses to replace a database.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self { now, written_by: env!("CARGO_PKG_VERSION").to_owned(), set_aside: false }
    }
}

/// What was imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportSummary {
    /// How many entries.
    pub entries: u64,
    /// When the export was made.
    pub exported_at: Timestamp,
    /// The generation that the store goes on from.
    pub generation: u64,
    /// Where the database that was there is kept.
    pub set_aside: Option<PathBuf>,
}

/// Why an import was refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// There is a store already.
    #[error("{} holds a store already; set it aside first", .state.display())]
    NotEmpty {
        /// The state directory.
        state: PathBuf,
    },
    /// The state directory cannot be used.
    #[error("the store cannot be imported")]
    State(#[from] OpenError),
    /// The export comes from a newer version.
    #[error("the export has format {found}, this version knows formats up to {supported}")]
    NewerFormat {
        /// The format that it has.
        found: u32,
        /// The newest format that is known here.
        supported: u32,
    },
    /// A line is not what it should be.
    #[error("line {line} of the export {reason}")]
    Line {
        /// Its number, from 1.
        line: u64,
        /// What is wrong, as a predicate.
        reason: &'static str,
    },
    /// The export ends early.
    #[error("the export ends after line {line} without its checksum, so it is not whole")]
    Truncated {
        /// The last line that was read.
        line: u64,
    },
    /// The export was altered.
    #[error("the export does not agree with its checksum, so it was altered or damaged")]
    Altered,
    /// The export cannot be read.
    #[error("the export cannot be read")]
    Read(#[source] std::io::Error),
    /// The new database cannot be written.
    #[error("the new database cannot be written: {0}")]
    Write(String),
}

/// Makes a store in `state` from an export.
///
/// # Errors
/// The export is not whole, or the state directory is in use or holds a store.
pub fn import_from(
    state: &Path,
    reader: &mut dyn BufRead,
    options: &ImportOptions,
) -> Result<ImportSummary, ImportError> {
    files::create_directory(state).map_err(|source| OpenError::Create { path: state.to_owned(), source })?;
    let _lock = lock(state)?;
    let database = state.join(DATABASE);
    let occupied = database.join(LOG_FILE).exists();
    if occupied && !options.set_aside {
        return Err(ImportError::NotEmpty { state: state.to_owned() });
    }

    // Nothing in the old file matters but that the new database continues after it.
    let reached = Mark::read(state).ok().flatten().map_or(0, |mark| mark.generation);
    let building = state.join(BUILDING);
    let built = build(&building, reader, reached, options);
    let (origin, header, entries, generation) = match built {
        Ok(built) => built,
        Err(error) => {
            files::remove_directory(&building).map_err(|error| ImportError::Write(error.to_string()))?;
            return Err(error);
        }
    };

    let aside = database.exists().then(|| aside(state, "replaced", options.now));
    files::replace_directory(&building, &database, aside.as_deref())
        .and_then(|()| Mark { format: header.format, store: origin.created, generation }.write(state))
        .map_err(|error| ImportError::Write(error.to_string()))?;
    Ok(ImportSummary { entries, exported_at: header.exported_at, generation, set_aside: aside })
}

fn build(
    directory: &Path,
    reader: &mut dyn BufRead,
    reached: u64,
    options: &ImportOptions,
) -> Result<(Origin, Header, u64, u64), ImportError> {
    let mut lines = Lines { reader, number: 0, hash: Sha256::new() };
    let first = lines.next()?.ok_or(ImportError::Truncated { line: 0 })?;
    let header: Header = serde_json::from_slice(&first).map_err(|_| lines.wrong("is no header"))?;
    if header.format > FORMAT {
        return Err(ImportError::NewerFormat { found: header.format, supported: FORMAT });
    }
    lines.hash.update(&first);

    let origin = Origin { created: options.now, written_by: options.written_by.clone() };
    let mut builder = Builder::begin(directory, header.format, &origin)?;
    let mut entries = 0;
    let mut previous: Option<Vec<u8>> = None;
    loop {
        let bytes = lines.next()?.ok_or(ImportError::Truncated { line: lines.number })?;
        if let Ok(trailer) = serde_json::from_slice::<Trailer>(&bytes) {
            if trailer.entries != entries || trailer.sha256 != hex(lines.hash.clone()) {
                return Err(ImportError::Altered);
            }
            break;
        }
        lines.hash.update(&bytes);
        let line: Line = serde_json::from_slice(&bytes).map_err(|_| lines.wrong("is no entry"))?;
        let (tree, key, value) = line.entry().ok_or_else(|| lines.wrong("is no entry"))?;
        check(tree, &key, &value).map_err(|reason| lines.wrong(reason))?;
        let key = physical_key(tree, &key);
        if previous.as_ref().is_some_and(|previous| *previous >= key) {
            return Err(lines.wrong("is out of order"));
        }
        builder.add(key.clone(), value)?;
        previous = Some(key);
        entries += 1;
    }
    if lines.next()?.is_some() {
        return Err(lines.wrong("stands after the checksum"));
    }
    let generation = header.generation.max(reached) + 1;
    builder.finish(generation)?;
    Ok((origin, header, entries, generation))
}

fn check(tree: Tree, key: &[u8], value: &[u8]) -> Result<(), &'static str> {
    let mut batch = Batch::default();
    batch.put(tree, key, value.to_vec());
    batch.check().map_err(|_| "is an entry that no store takes")
}

impl From<Trouble> for ImportError {
    fn from(trouble: Trouble) -> Self {
        Self::Write(trouble.to_string())
    }
}

/// The lines of an export, each bounded in length, its newline included.
struct Lines<'a> {
    reader: &'a mut dyn BufRead,
    number: u64,
    hash: Sha256,
}

impl Lines<'_> {
    /// The next line; `None` at the end. A last line without its newline is not whole.
    fn next(&mut self) -> Result<Option<Vec<u8>>, ImportError> {
        let mut line = Vec::new();
        let read = self.reader.take(LINE_LIMIT).read_until(b'\n', &mut line).map_err(ImportError::Read)?;
        if read == 0 {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(ImportError::Truncated { line: self.number });
        }
        self.number += 1;
        Ok(Some(line))
    }

    fn wrong(&self, reason: &'static str) -> ImportError {
        ImportError::Line { line: self.number, reason }
    }
}

/// Twice the largest entry leaves room for base64 and names.
const LINE_LIMIT: u64 = 2 * (VALUE_LIMIT as u64 + super::KEY_LIMIT as u64);
