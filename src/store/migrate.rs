//! From older formats to this version's, step by step.
//!
//! To change the format: raise [`super::FORMAT`], append a [`Step`] to [`STEPS`], keep a fixture of the old format under the
//! step's test. A step is a pure function from all entries to the batch that brings them forward.
//!
//! Law: before the first step the whole store is exported; each step is one atomic commit together with its format number,
//! so an interrupted migration continues at the step it had reached.

use std::path::Path;

use jiff::Timestamp;

use super::Batch;
use super::database::{Changes, Database};
use super::export::write_export;
use super::layout::{FORMAT_KEY, format_bytes, logical_key, physical_key};
use super::rotation::{archive_path, create_export_directory};
use super::{Tree, files};

/// All entries but the store's own.
pub(super) type Entries<'a> = dyn Iterator<Item = Result<(Tree, Vec<u8>, Vec<u8>), String>> + 'a;

/// Brings a store from format `from` to `from + 1`.
#[derive(Debug)]
pub(super) struct Step {
    /// The format that it understands.
    pub(super) from: u32,
    /// What has to change.
    pub(super) apply: fn(&mut Entries<'_>) -> Result<Batch, String>,
}

/// The steps, oldest first.
pub(super) const STEPS: &[Step] = &[];

/// Brings `database` to format `target`.
///
/// # Errors
/// No step leads on, or one failed: what it would have changed is unchanged.
pub(super) fn migrate(
    state: &Path,
    database: &Database,
    steps: &[Step],
    target: u32,
    now: Timestamp,
) -> Result<(), String> {
    let archive = archive_path(state, database.format, now);
    create_export_directory(state)
        .map_err(super::ExportError::from)
        .and_then(|()| files::write_whole(&archive, |file| write_export(database, file, now)))
        .map_err(|error| format!("the archive copy could not be written: {error}"))?;

    for from in database.format..target {
        let step = steps.iter().find(|step| step.from == from);
        let step = step.ok_or_else(|| format!("no way leads on from format {from}"))?;
        let mut entries = database.scan(b"").filter_map(|entry| match entry {
            Ok((key, value)) => match logical_key(&key) {
                Some((Tree::Meta, key)) if key.starts_with(super::RESERVED.as_bytes()) => None,
                Some((tree, key)) => Some(Ok((tree, key.to_vec(), value.to_vec()))),
                None => Some(Err("an entry belongs to an unknown tree".to_owned())),
            },
            Err(trouble) => Some(Err(trouble.to_string())),
        });
        let batch = (step.apply)(&mut entries)?;
        batch.check().map_err(|error| error.to_string())?;
        let mut changes = Changes::new();
        for (tree, key, value) in batch.into_operations() {
            changes.insert(physical_key(tree, &key), value);
        }
        changes.insert(FORMAT_KEY.to_vec(), Some(format_bytes(from + 1)));
        database.commit(changes).map_err(|trouble| trouble.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::build::Builder;
    use crate::store::layout::{Origin, format_from};

    fn old_database(directory: &Path) -> Database {
        let origin = Origin { created: Timestamp::UNIX_EPOCH, written_by: "0.0.1".to_owned() };
        let mut builder = Builder::begin(directory, 0, &origin).unwrap();
        builder.add(physical_key(Tree::Queue, b"a"), b"old".to_vec()).unwrap();
        builder.finish(1).unwrap();
        Database::open(directory).unwrap()
    }

    fn upper_case(entries: &mut Entries<'_>) -> Result<Batch, String> {
        let mut batch = Batch::default();
        for entry in entries {
            let (tree, key, value) = entry?;
            batch.put(tree, key, value.to_ascii_uppercase());
        }
        Ok(batch)
    }

    #[test]
    fn a_step_changes_entries_and_format_together_after_an_archive_copy() {
        let state = tempfile::tempdir().unwrap();
        let database = old_database(&state.path().join("db"));
        let steps = [Step { from: 0, apply: upper_case }];
        migrate(state.path(), &database, &steps, 1, Timestamp::UNIX_EPOCH).unwrap();

        assert_eq!(database.get(&physical_key(Tree::Queue, b"a")).unwrap().unwrap(), b"OLD");
        assert_eq!(format_from(&database.get(FORMAT_KEY).unwrap().unwrap()), Some(1));
        assert_eq!(database.recount().unwrap(), None);
        let archive = std::fs::read_to_string(archive_path(state.path(), 0, Timestamp::UNIX_EPOCH)).unwrap();
        assert!(archive.contains(r#"{"tree":"queue","key":"a","value":"b2xk"}"#), "{archive}");
    }

    #[test]
    fn a_failed_or_missing_step_leaves_the_store_as_it_was() {
        let state = tempfile::tempdir().unwrap();
        let database = old_database(&state.path().join("db"));
        let before = *database.hold();
        let failing = [Step { from: 0, apply: |_| Err("no".to_owned()) }];
        assert_eq!(
            migrate(state.path(), &database, &failing, 1, Timestamp::UNIX_EPOCH),
            Err("no".to_owned())
        );
        let missing = migrate(state.path(), &database, &[], 1, Timestamp::UNIX_EPOCH);
        assert_eq!(missing, Err("no way leads on from format 0".to_owned()));
        assert_eq!(*database.hold(), before);
    }
}
