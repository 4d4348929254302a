//! A database whose seal is checked at open and kept with every commit.
//!
//! Opening counts all entries and compares them with the seal: the only way to notice that the engine dropped some of them
//! while it recovered. Its cost grows with the store.
//!
//! Law: an open database holds exactly the entries that its last durable commit left.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::FORMAT;
use super::codec::{decode, encode};
use super::disk::{Disk, Scan, Trouble};
use super::layout::{FORMAT_KEY, ORIGIN_KEY, Origin, SEAL_KEY, format_from};
use super::seal::Seal;

/// Changes by key on disk; `None` removes.
pub(super) type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// An open database, whole.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) disk: Disk,
    pub(super) format: u32,
    pub(super) origin: Origin,
    seal: Mutex<Seal>,
}

/// Why a database cannot be used.
#[derive(Debug)]
pub(super) enum Unfit {
    /// The engine or the system failed, or entries are missing.
    Trouble(Trouble),
    /// It holds nothing at all.
    Empty,
    /// It has a format from the future.
    Newer(u32),
}

impl From<Trouble> for Unfit {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl Database {
    /// Opens the database in `directory` and checks its seal.
    pub(super) fn open(directory: &Path) -> Result<Self, Unfit> {
        let disk = Disk::open(directory)?;
        let Some(format) = disk.get(FORMAT_KEY)? else {
            return Err(match disk.scan(b"").next() {
                None => Unfit::Empty,
                Some(_) => damaged("it has no format number"),
            });
        };
        let format = format_from(&format).ok_or_else(|| damaged("its format number cannot be read"))?;
        if format > FORMAT {
            return Err(Unfit::Newer(format));
        }
        let origin = disk.get(ORIGIN_KEY)?.and_then(|bytes| decode(Origin::VERSION, &bytes).ok());
        let origin: Origin = origin.ok_or_else(|| damaged("it does not say where it comes from"))?;
        let seal = disk.get(SEAL_KEY)?.and_then(|bytes| decode(Seal::VERSION, &bytes).ok());
        let seal: Seal = seal.ok_or_else(|| damaged("its seal is missing"))?;

        let counted = count(&disk)?;
        if !counted.agrees_with(&seal) {
            return Err(damaged(&disagreement(&counted, &seal)));
        }
        Ok(Self { disk, format, origin, seal: Mutex::new(seal) })
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &[u8]) -> Result<Option<sled::IVec>, Trouble> {
        self.disk.get(key)
    }

    /// All entries whose key starts with `prefix`, the seal included.
    pub(super) fn scan(&self, prefix: &[u8]) -> Scan {
        self.disk.scan(prefix)
    }

    /// The current seal. While the guard lives nothing is committed.
    pub(super) fn hold(&self) -> MutexGuard<'_, Seal> {
        self.seal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes `changes` durable together with the seal that fits them, and returns that seal.
    pub(super) fn commit(&self, changes: Changes) -> Result<Seal, Trouble> {
        let mut seal = self.hold();
        let mut next = Seal { generation: seal.generation + 1, ..*seal };
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            if let Some(old) = self.disk.get(&key)? {
                next.remove(&key, &old);
            }
            match value {
                Some(value) => {
                    next.add(&key, &value);
                    batch.insert(key, value);
                }
                None => batch.remove(key),
            }
        }
        batch.insert(SEAL_KEY, encode(Seal::VERSION, &next));
        self.disk.commit(batch)?;
        *seal = next;
        Ok(next)
    }

    /// Counts all entries again; `None` when they are those that the seal describes.
    pub(super) fn recount(&self) -> Result<Option<String>, Trouble> {
        let seal = self.hold();
        let counted = count(&self.disk)?;
        Ok((!counted.agrees_with(&seal)).then(|| disagreement(&counted, &seal)))
    }
}

/// What the entries that can be read add up to.
fn count(disk: &Disk) -> Result<Seal, Trouble> {
    let mut counted = Seal::default();
    for entry in disk.scan(b"") {
        let (key, value) = entry?;
        if key != SEAL_KEY {
            counted.add(&key, &value);
        }
    }
    Ok(counted)
}

fn disagreement(counted: &Seal, seal: &Seal) -> String {
    if counted.entries == seal.entries {
        format!("some of its {} entries are not what was stored", seal.entries)
    } else {
        format!("it shows {} entries where {} were stored", counted.entries, seal.entries)
    }
}

fn damaged(cause: &str) -> Unfit {
    Unfit::Trouble(Trouble::Damaged(cause.to_owned()))
}
