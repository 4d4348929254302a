//! Signals, as the daemon understands them.

use std::io;

use futures_util::StreamExt as _;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_tokio::Signals;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGTERM`, from the service manager.
    Terminate,
    /// `SIGINT`, from a terminal.
    Interrupt,
}

impl StopSignal {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    /// What a shell expects of a process that it killed.
    #[must_use]
    pub fn exit_code(self) -> i32 {
        match self {
            Self::Terminate => 128 + SIGTERM,
            Self::Interrupt => 128 + SIGINT,
        }
    }
}

/// What a signal asks the daemon for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    Reload,
    Stop(StopSignal),
}

/// The signals of the daemon. A storm of equal ones is one.
pub(super) struct DaemonSignals(Signals);

impl DaemonSignals {
    /// Takes the signals over. Must be called within the runtime.
    pub(super) fn register() -> io::Result<Self> {
        Signals::new([SIGHUP, SIGTERM, SIGINT]).map(Self)
    }

    /// The next wish.
    pub(super) async fn next(&mut self) -> Wish {
        loop {
            match self.0.next().await {
                Some(SIGHUP) => return Wish::Reload,
                Some(SIGTERM) => return Wish::Stop(StopSignal::Terminate),
                Some(SIGINT) => return Wish::Stop(StopSignal::Interrupt),
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// The next wish to stop.
    pub(super) async fn stop(&mut self) -> StopSignal {
        loop {
            if let Wish::Stop(signal) = self.next().await {
                return signal;
            }
        }
    }
}

/// The stop signals of a command that runs by itself.
pub struct StopSignals(Signals);

impl StopSignals {
    /// Takes the signals over. Must be called within a runtime.
    ///
    /// # Errors
    /// The system refuses.
    pub fn register() -> io::Result<Self> {
        Signals::new([SIGTERM, SIGINT]).map(Self)
    }

    /// The next one.
    pub async fn next(&mut self) -> StopSignal {
        match self.0.next().await {
            Some(SIGINT) => StopSignal::Interrupt,
            Some(_) => StopSignal::Terminate,
            None => std::future::pending().await,
        }
    }
}
