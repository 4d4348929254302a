//! Why the sandbox gave up.

use std::io;

use super::super::dafater::Refused;
use super::super::google::HandError;

/// Why the sandbox gave up.
#[derive(Debug, thiserror::Error)]
pub enum TownError {
    /// Something of this machine.
    #[error("{doing} failed")]
    Io {
        /// What was tried.
        doing: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// An address that the daemon would refuse.
    #[error("{address} is not a loopback address, and the daemon speaks plain http to no other")]
    NotLoopback {
        /// The address.
        address: String,
    },
    /// The stand-in for Google refused one of the sample contacts.
    #[error("the stand-in for Google refused a sample contact")]
    Google(#[from] HandError),
    /// The stand-in for Dafater refused one of the sample contacts.
    #[error("the stand-in for Dafater refused a sample contact")]
    Dafater(#[from] Refused),
    /// A command of the program under trial failed.
    #[error("`dafater-contactsd {command}` ended with {ended}")]
    Command {
        /// The command.
        command: String,
        /// How it ended.
        ended: String,
        /// What it said.
        said: String,
    },
    /// The daemon under trial went away.
    #[error("the daemon {what}")]
    Daemon {
        /// What it did.
        what: String,
        /// The end of its log.
        log: String,
    },
}

impl TownError {
    /// What the program under trial said, if it said anything.
    #[must_use]
    pub fn details(&self) -> &str {
        match self {
            Self::Command { said, .. } => said.trim_end(),
            Self::Daemon { log, .. } => log.trim_end(),
            Self::Io { .. } | Self::NotLoopback { .. } | Self::Google(_) | Self::Dafater(_) => "",
        }
    }
}

/// Names what was tried when an error of the system comes up.
pub(super) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> TownError {
    let doing = doing.into();
    move |source| TownError::Io { doing, source }
}
