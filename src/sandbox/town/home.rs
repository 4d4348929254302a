//! A private directory for one sandbox: configuration, store, socket, log. It is gone when the sandbox ends.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::error::{TownError, io};

/// The directory. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Home {
    path: PathBuf,
}

impl Home {
    /// Makes one below `parent` that nobody else may read.
    pub(super) fn new(parent: &Path) -> Result<Self, TownError> {
        for attempt in 0..100 {
            let path = parent.join(format!("dafater-sandbox-{}-{attempt}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self { path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io(format!("making {}", path.display()))(error)),
            }
        }
        let taken = io::Error::from(io::ErrorKind::AlreadyExists);
        Err(io(format!("making a directory below {}", parent.display()))(taken))
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that only its owner may read, in place of an earlier one.
    pub(super) fn write(&self, name: &str, content: &str) -> Result<PathBuf, TownError> {
        let path = self.path(name);
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(io(format!("writing {}", path.display())))?;
        file.write_all(content.as_bytes()).map_err(io(format!("writing {}", path.display())))?;
        Ok(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Whatever cannot be removed is in the directory for temporary files.
        drop(fs::remove_dir_all(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn nobody_else_can_read_it_and_nothing_is_left_of_it() {
        let parent = tempfile::tempdir().unwrap();
        let home = Home::new(parent.path()).unwrap();
        let other = Home::new(parent.path()).unwrap();
        assert_ne!(home.path, other.path);
        let file = home.write("config.toml", "secret").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&home.path).unwrap().permissions().mode() & 0o777, 0o700);
        drop((home, other));
        assert_eq!(fs::read_dir(parent.path()).unwrap().count(), 0);
    }
}
