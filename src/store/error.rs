//! Why the store cannot serve, and what a person can do about it.
//!
//! Law: no key and no value of an entry appears in an error, for keys may name people.

use std::io;
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::codec::CodecError;
use super::rotation::AutomaticExport;
use super::{FORMAT, Tree};

/// Why the store cannot serve.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Reading or writing failed.
    #[error("the store failed: {0}")]
    Failed(String),
    /// An earlier commit failed, so what memory shows may not be on disk.
    #[error("the store stopped because a commit failed ({0}); restart to return to what is on disk")]
    Stopped(String),
    /// The store was closed.
    #[error("the store is closed")]
    Closed,
    /// A simulated crash happened.
    #[error("the store's process crashed")]
    Crashed,
    /// A value is larger than the store takes.
    #[error("a value of {bytes} bytes for `{tree}` is over the store's limit of {limit}; split it")]
    ValueTooLarge {
        /// Where it was to be put.
        tree: Tree,
        /// Its size.
        bytes: usize,
        /// The largest size.
        limit: usize,
    },
    /// A key is longer than the store takes.
    #[error("a key of {bytes} bytes for `{tree}` is over the store's limit of {limit}")]
    KeyTooLong {
        /// Where it was to be put.
        tree: Tree,
        /// Its length.
        bytes: usize,
        /// The longest length.
        limit: usize,
    },
    /// A batch touches a key that belongs to the store itself.
    #[error("keys of `meta` that begin with `store.` belong to the store itself")]
    Reserved,
    /// A stored value cannot be understood.
    #[error("a value in `{tree}` cannot be read: {cause}; `store verify` counts them")]
    Undecodable {
        /// Where it stands.
        tree: Tree,
        /// What is wrong with it.
        cause: CodecError,
    },
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the store in {} is in use by another process", .state.display())]
    Locked {
        /// The state directory.
        state: PathBuf,
    },
    /// A newer version of this program wrote it.
    #[error("the store in {} has format {found}, this version knows formats up to {supported}", .state.display())]
    NewerFormat {
        /// The state directory.
        state: PathBuf,
        /// The format that is there.
        found: u32,
        /// The newest format that is known here.
        supported: u32,
    },
    /// It cannot be created or reached.
    #[error("the store cannot be kept at {}", .path.display())]
    Create {
        /// The file or directory that failed.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is none, and none was to be created.
    #[error("there is no store in {}", .state.display())]
    Absent {
        /// The state directory.
        state: PathBuf,
    },
    /// Its files are damaged.
    #[error("the store in {} is damaged: {cause}", .state.display())]
    Damaged {
        /// The state directory.
        state: PathBuf,
        /// What was found.
        cause: String,
        /// What a person can do.
        way_out: WayOut,
    },
    /// It opens, but it is not what was last stored.
    #[error("the store in {} is not what was last stored: {why}; nothing is synced from it", .state.display())]
    Lost {
        /// The state directory.
        state: PathBuf,
        /// What is missing.
        why: WhyLost,
        /// What a person can do.
        way_out: WayOut,
    },
    /// An older format could not be brought forward; the store is unchanged.
    #[error("the store in {} could not be migrated from format {from}: {cause}", .state.display())]
    Migration {
        /// The state directory.
        state: PathBuf,
        /// The format that is there.
        from: u32,
        /// What failed.
        cause: String,
    },
}

impl OpenError {
    /// The exit code of a command that ends with this error (sysexits).
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Locked { .. } => 75,
            Self::NewerFormat { .. } | Self::Damaged { .. } | Self::Lost { .. } => 65,
            Self::Create { .. } | Self::Absent { .. } => 73,
            Self::Migration { .. } => 70,
        }
    }

    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Locked { .. } => {
                "ask the running daemon (`status`, `sync`), or stop it before you use its store".to_owned()
            }
            Self::NewerFormat { .. } => {
                format!("install the newer version again, or import an export of format {FORMAT} or older")
            }
            Self::Create { path, source } if source.kind() == io::ErrorKind::StorageFull => {
                format!("free some space on the file system of {}", path.display())
            }
            Self::Create { path, .. } => {
                format!(
                    "check that {} is on a writable file system and belongs to the daemon's user",
                    path.display()
                )
            }
            Self::Absent { .. } => "start the daemon once, or name the right state directory".to_owned(),
            Self::Damaged { way_out, .. } | Self::Lost { way_out, .. } => way_out.to_string(),
            Self::Migration { .. } => "keep the older version running and report this".to_owned(),
        }
    }
}

/// How the store differs from what was last stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WhyLost {
    /// The database is gone although the store was in use.
    #[error("its database is gone, it had reached generation {expected}")]
    Gone {
        /// What the generation file says.
        expected: u64,
    },
    /// The database and its generation file are gone, but exports or files of the engine are there.
    #[error("its database is gone, only remains are left")]
    OnlyRemains,
    /// The database opens, but holds nothing.
    #[error("it is empty, it had reached generation {expected}")]
    Empty {
        /// What the generation file says.
        expected: u64,
    },
    /// The database is older than it was: a restored copy, or its last commits were lost.
    #[error("it is at generation {found}, it had reached {expected}")]
    Older {
        /// What the database says.
        found: u64,
        /// What the generation file says.
        expected: u64,
    },
    /// The database came from somewhere else.
    #[error("its database was created at {found}, its generation file belongs to one created at {expected}")]
    Foreign {
        /// When the database was created.
        found: Timestamp,
        /// When the database that the file speaks of was created.
        expected: Timestamp,
    },
    /// The generation file is not there, so nobody can say whether the database is the latest.
    #[error("its generation file is gone, so nothing proves that generation {found} is the latest")]
    Unproven {
        /// What the database says.
        found: u64,
    },
    /// The generation file cannot be read.
    #[error("its generation file cannot be understood")]
    MarkUnreadable,
}

/// What a person can do about a damaged or lost store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayOut {
    /// The newest automatic export, with its age.
    pub export: Option<(AutomaticExport, SignedDuration)>,
}

impl std::fmt::Display for WayOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some((export, age)) = &self.export {
            let age = readable_age(*age);
            write!(
                f,
                "restore the last automatic export with `store import {}` (written {age} ago), or ",
                export.path.display()
            )?;
        }
        f.write_str(
            "begin with an empty store (move the state directory away, authorize the accounts again): the pairs are then found \
             again by the markers on both sides, nothing is deleted, and nothing brought back or overwritten unasked",
        )
    }
}

/// An age in its largest whole unit.
fn readable_age(age: SignedDuration) -> String {
    let seconds = age.as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} seconds"),
        120..7_200 => format!("{} minutes", seconds / 60),
        7_200..172_800 => format!("{} hours", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_store_names_the_export_that_restores_it_and_its_age() {
        let export =
            AutomaticExport { path: "/state/export/a.jsonl".into(), written_at: Timestamp::UNIX_EPOCH };
        let error = OpenError::Damaged {
            state: "/state".into(),
            cause: "a page is missing".to_owned(),
            way_out: WayOut { export: Some((export, SignedDuration::from_hours(3))) },
        };
        assert_eq!(error.to_string(), "the store in /state is damaged: a page is missing");
        assert!(error.hint().starts_with(
            "restore the last automatic export with `store import /state/export/a.jsonl` (written 3 hours ago), or "
        ));
        assert_eq!(error.exit_code(), 65);
    }

    #[test]
    fn without_an_export_the_rebuild_is_the_way_out() {
        assert!(WayOut { export: None }.to_string().starts_with("begin with an empty store"));
    }
}
