//! Where settings come from, as an argument.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// Everything outside the process that loading a configuration looks at: files, environment, arguments.
///
/// A reload uses the same sources again and reads their files anew.
#[derive(Clone)]
pub struct Sources {
    /// `--config FILE`: replaces the main file, and must exist. Drop-ins are read from `conf.d/` beside it.
    pub config: Option<PathBuf>,
    /// The directory of the main file when `--config` is not given.
    pub directory: PathBuf,
    /// The environment of the process.
    pub environment: BTreeMap<OsString, OsString>,
    /// `--set key.path=value`, in the order of the command line.
    pub set: Vec<String>,
}

impl Sources {
    /// The sources of a process with this environment and these arguments.
    #[must_use]
    pub fn new(
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        config: Option<PathBuf>,
        set: Vec<String>,
    ) -> Self {
        Self {
            config,
            directory: PathBuf::from("/etc/dafater-contactsd"),
            environment: environment.into_iter().collect(),
            set,
        }
    }

    /// The main file.
    #[must_use]
    pub fn main_file(&self) -> PathBuf {
        self.config.clone().unwrap_or_else(|| self.directory.join("config.toml"))
    }

    /// The directory of the drop-ins.
    #[must_use]
    pub fn drop_ins(&self) -> PathBuf {
        self.main_file().parent().unwrap_or(Path::new("")).join("conf.d")
    }

    /// `$CREDENTIALS_DIRECTORY`: where systemd puts the credentials of the unit.
    #[must_use]
    pub fn credentials_directory(&self) -> Option<&Path> {
        self.directory_variable("CREDENTIALS_DIRECTORY")
    }

    /// `$STATE_DIRECTORY`: where systemd wants the state.
    #[must_use]
    pub fn state_directory(&self) -> Option<&Path> {
        self.directory_variable("STATE_DIRECTORY")
    }

    /// `$RUNTIME_DIRECTORY`: where systemd wants sockets.
    #[must_use]
    pub fn runtime_directory(&self) -> Option<&Path> {
        self.directory_variable("RUNTIME_DIRECTORY")
    }

    /// The first of the directories in a variable; systemd separates several by colons.
    fn directory_variable(&self, variable: &str) -> Option<&Path> {
        use std::os::unix::ffi::OsStrExt;
        let first =
            self.environment.get(OsStr::new(variable))?.as_bytes().split(|byte| *byte == b':').next()?;
        (!first.is_empty()).then(|| Path::new(OsStr::from_bytes(first)))
    }
}

/// Names only: the values of the environment and of `--set` may be secrets.
impl std::fmt::Debug for Sources {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sources")
            .field("main_file", &self.main_file())
            .field("variables", &self.environment.len())
            .field("set", &self.set.len())
            .finish_non_exhaustive()
    }
}
