//! The automatic exports in `<state>/export/`.
//!
//! ```text
//! contacts-20261123T020844Z.jsonl             automatic, the newest few are kept
//! before-format-2-20261123T020844Z.jsonl      before a migration to format 2, kept until a person removes it
//! ```
//!
//! Law: rotation removes only its own files, and never the one just written.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::files;

/// One automatic export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AutomaticExport {
    /// Its file.
    pub path: PathBuf,
    /// When it was written, to the second.
    pub written_at: Timestamp,
}

/// The automatic exports of a state directory, oldest first. A directory that cannot be read has none.
#[must_use]
pub fn automatic_exports(state: &Path) -> impl DoubleEndedIterator<Item = AutomaticExport> + use<> {
    let entries = fs::read_dir(export_directory(state)).into_iter().flatten().flatten();
    let mut exports: Vec<_> = entries
        .filter_map(|entry| {
            let name = entry.file_name();
            let stamp = name.to_str()?.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?;
            Some(AutomaticExport { path: entry.path(), written_at: parse_stamp(stamp)? })
        })
        .collect();
    exports.sort_by_key(|export| export.written_at);
    exports.into_iter()
}

/// Where the automatic export of this moment goes.
pub(super) fn automatic_path(state: &Path, now: Timestamp) -> PathBuf {
    export_directory(state).join(format!("{PREFIX}{}{SUFFIX}", stamp(now)))
}

/// Where the copy from before a migration goes.
pub(super) fn archive_path(state: &Path, from: u32, now: Timestamp) -> PathBuf {
    export_directory(state).join(format!("before-format-{}-{}{SUFFIX}", from + 1, stamp(now)))
}

/// Makes sure that exports can be written.
pub(super) fn create_export_directory(state: &Path) -> io::Result<()> {
    files::create_directory(&export_directory(state))
}

/// Removes all but the newest `keep` automatic exports; `written` stays whatever the clock says.
pub(super) fn rotate(state: &Path, keep: usize, written: &Path) -> io::Result<()> {
    let others = automatic_exports(state).filter(|export| export.path != written);
    for export in others.rev().skip(keep.saturating_sub(1)) {
        files::remove_file(&export.path)?;
    }
    files::sync_directory(&export_directory(state))
}

/// A moment in file names, in UTC; sorts as text.
pub(super) fn stamp(moment: Timestamp) -> String {
    moment.strftime(STAMP).to_string()
}

fn parse_stamp(stamp: &str) -> Option<Timestamp> {
    DateTime::strptime(STAMP, stamp).ok()?.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp())
}

fn export_directory(state: &Path) -> PathBuf {
    state.join("export")
}

const PREFIX: &str = "contacts-";
const SUFFIX: &str = ".jsonl";
const STAMP: &str = "%Y%m%dT%H%M%SZ";

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn touch(state: &Path, now: &str) -> PathBuf {
        let path = automatic_path(state, moment(now));
        fs::write(&path, "").unwrap();
        path
    }

    #[test]
    fn rotation_keeps_the_newest_and_what_is_not_its_own() {
        let state = tempfile::tempdir().unwrap();
        create_export_directory(state.path()).unwrap();
        touch(state.path(), "2026-01-01T00:00:00Z");
        let archive = archive_path(state.path(), 1, moment("2020-01-01T00:00:00Z"));
        fs::write(&archive, "").unwrap();
        let second = touch(state.path(), "2026-01-02T00:00:00Z");
        let third = touch(state.path(), "2026-01-03T00:00:00Z");

        rotate(state.path(), 2, &third).unwrap();
        let left: Vec<_> = automatic_exports(state.path()).map(|export| export.path).collect();
        assert_eq!(left, [second, third]);
        assert!(archive.exists());
    }

    #[test]
    fn an_export_written_after_the_clock_went_back_stays() {
        let state = tempfile::tempdir().unwrap();
        create_export_directory(state.path()).unwrap();
        touch(state.path(), "2030-01-01T00:00:00Z");
        let written = touch(state.path(), "2026-01-01T00:00:00Z");
        rotate(state.path(), 1, &written).unwrap();
        let left: Vec<_> = automatic_exports(state.path()).collect();
        assert_eq!(left, [AutomaticExport { path: written, written_at: moment("2026-01-01T00:00:00Z") }]);
    }
}
