//! A report on a whole store.
//!
//! Law: verifying changes nothing, and names no entry outside the report's own fields.

use super::database::Database;
use super::files;
use super::layout::logical_key;
use super::mark::Mark;
use super::open::DATABASE;
use super::writer::Shared;
use super::{RESERVED, StoreError, Tree};

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The format of the database.
    pub format: u32,
    /// The generation of the database.
    pub generation: u64,
    /// The generation in the file beside it; `None` when it cannot be read.
    pub marked_generation: Option<u64>,
    /// Each tree with what it holds, in order.
    pub trees: Vec<(Tree, TreeReport)>,
    /// The first values that could not be read.
    pub undecodable: Vec<Undecodable>,
    /// What is wrong with the entries as a whole: `None` when they are exactly those that were stored.
    pub disagreement: Option<String>,
    /// Bytes on disk.
    pub size_on_disk: u64,
}

/// What one tree holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeReport {
    /// Entries.
    pub entries: u64,
    /// Bytes of their keys and values.
    pub bytes: u64,
    /// Entries whose value could not be read.
    pub undecodable: u64,
}

/// A value that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undecodable {
    /// Its tree.
    pub tree: Tree,
    /// Its key; may name a person, so it is for the operator's screen, not for a log.
    pub key: Vec<u8>,
    /// What is wrong.
    pub reason: String,
}

/// Says what is wrong with a value of a tree under a key.
pub type Validate<'a> = dyn Fn(Tree, &[u8], &[u8]) -> Result<(), String> + 'a;

impl VerifyReport {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.disagreement.is_none()
            && self.undecodable.is_empty()
            && self.marked_generation.is_some_and(|marked| marked <= self.generation)
    }
}

/// Reads everything. `validate` says what is wrong with a value of a tree under a key.
pub(super) fn verify(shared: &Shared, validate: &Validate<'_>) -> Result<VerifyReport, StoreError> {
    let database = &shared.database;
    let disagreement = database.recount()?;
    let (trees, undecodable) = read_trees(database, validate)?;
    let mark = Mark::read(&shared.state).ok().flatten();
    let marked_generation =
        mark.filter(|mark| mark.store == database.origin.created).map(|mark| mark.generation);
    let generation = database.hold().generation;
    Ok(VerifyReport {
        format: database.format,
        generation,
        marked_generation,
        trees,
        undecodable,
        disagreement,
        size_on_disk: size_on_disk(shared)?,
    })
}

/// The bytes that the database takes on disk.
pub(super) fn size_on_disk(shared: &Shared) -> Result<u64, StoreError> {
    files::size_of_directory(&shared.state.join(DATABASE))
        .map_err(|error| StoreError::Failed(error.to_string()))
}

type Trees = (Vec<(Tree, TreeReport)>, Vec<Undecodable>);

fn read_trees(database: &Database, validate: &Validate<'_>) -> Result<Trees, StoreError> {
    let mut trees: Vec<_> = Tree::ALL.into_iter().map(|tree| (tree, TreeReport::default())).collect();
    let mut undecodable = Vec::new();
    for entry in database.scan(b"") {
        let (key, value) = entry?;
        let (tree, key) = logical_key(&key)
            .ok_or_else(|| StoreError::Failed("an entry belongs to an unknown tree".to_owned()))?;
        let Some((_, report)) = trees.iter_mut().find(|(found, _)| *found == tree) else { continue };
        report.entries += 1;
        report.bytes += (key.len() + value.len()) as u64;
        if tree == Tree::Meta && key.starts_with(RESERVED.as_bytes()) {
            continue;
        }
        if let Err(reason) = validate(tree, key, &value) {
            report.undecodable += 1;
            if undecodable.len() < UNDECODABLE_SHOWN {
                undecodable.push(Undecodable { tree, key: key.to_vec(), reason });
            }
        }
    }
    Ok((trees, undecodable))
}

/// How many unreadable values a report names.
const UNDECODABLE_SHOWN: usize = 100;
