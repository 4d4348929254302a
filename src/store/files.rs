//! Files and directories that survive a power cut.
//!
//! Law: what these functions return from is on disk, name included.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FlockOperation, RenameFlags};

/// Makes the names in `directory` durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Creates `directory` and what is missing above it, for the owner only, durably.
pub(super) fn create_directory(directory: &Path) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    match directory.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => sync_directory(parent),
        Some(_) | None => Ok(()),
    }
}

/// Replaces `path` by a file, for the owner only, that `write` fills: readers see the old file or the whole new one.
pub(super) fn write_whole<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut io::BufWriter<&File>) -> Result<T, E>,
) -> Result<T, E> {
    let temporary = beside(path, ".tmp");
    let written = (|| {
        let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        let mut buffer = io::BufWriter::new(&file);
        let result = write(&mut buffer)?;
        buffer.flush()?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        if let Some(parent) = path.parent() {
            sync_directory(parent)?;
        }
        Ok(result)
    })();
    if written.is_err() {
        // The first error is the one to tell; a leftover is overwritten next time.
        drop(remove_file(&temporary));
    }
    written
}

/// Puts `new` at `place`. What stood there goes to `aside`, or is removed.
pub(super) fn replace_directory(new: &Path, place: &Path, aside: Option<&Path>) -> io::Result<()> {
    if !place.exists() {
        fs::rename(new, place)?;
    } else if rustix::fs::renameat_with(CWD, new, CWD, place, RenameFlags::EXCHANGE).is_ok() {
        match aside {
            Some(aside) => fs::rename(new, aside)?,
            None => fs::remove_dir_all(new)?,
        }
    } else {
        // Not every file system can exchange two names at once.
        let old = beside(place, ".old");
        fs::rename(place, aside.unwrap_or(&old))?;
        fs::rename(new, place)?;
        remove_directory(&old)?;
    }
    match place.parent() {
        Some(parent) => sync_directory(parent),
        None => Ok(()),
    }
}

/// Copies a directory of files and directories, without those files that `leave_out` names.
pub(super) fn copy_directory(from: &Path, to: &Path, leave_out: &dyn Fn(&str) -> bool) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            copy_directory(&entry.path(), &to.join(name), leave_out)?;
        } else if !leave_out(&name.to_string_lossy()) {
            let copy = to.join(name);
            fs::copy(entry.path(), &copy)?;
            File::open(copy)?.sync_all()?;
        }
    }
    sync_directory(to)
}

/// The bytes of all files below `directory`.
pub(super) fn size_of_directory(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        bytes += match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of_directory(&entry.path())?,
            Ok(metadata) => metadata.len(),
            Err(gone) if gone.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
    }
    Ok(bytes)
}

/// Removes a directory that may not be there.
pub(super) fn remove_directory(directory: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_dir_all(directory))
}

/// Removes a file that may not be there.
pub(super) fn remove_file(file: &Path) -> io::Result<()> {
    absent_is_fine(fs::remove_file(file))
}

/// Locks a state directory for this process until the file is dropped; `None` when another has it.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    let file = File::options().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The path with `suffix` after its name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_rewrite_leaves_the_old_file_and_nothing_beside_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, "old").unwrap();
        let failed: io::Result<()> = write_whole(&path, |file| {
            file.write_all(b"half")?;
            Err(io::Error::other("no space"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replaced_directory_is_kept_aside_when_asked() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        for (name, content) in [("db", "old"), ("db.new", "new")] {
            fs::create_dir(at(name)).unwrap();
            fs::write(at(name).join("file"), content).unwrap();
        }
        replace_directory(&at("db.new"), &at("db"), Some(&at("db.aside"))).unwrap();
        assert_eq!(fs::read_to_string(at("db/file")).unwrap(), "new");
        assert_eq!(fs::read_to_string(at("db.aside/file")).unwrap(), "old");
        assert!(!at("db.new").exists());
    }
}
