//! What systemd is told.
//!
//! `READY=1` once everything is up, `STATUS=` at each transition, `RELOADING=1` with `MONOTONIC_USEC=` in one datagram and then
//! always `READY=1`, also when the reload was refused, `STOPPING=1` at the first signal, `WATCHDOG=1` while all is well.
//!
//! API: `sd_notify(3)`. Without `NOTIFY_SOCKET` nobody is told, and that is no fault.

use std::io;
use std::sync::{Mutex, PoisonError};

use sd_notify::NotifyState;

use crate::observe::events;

type Send = dyn Fn(&[NotifyState<'_>]) -> io::Result<()> + std::marker::Send + Sync;

/// Tells the service manager.
pub struct Notifier {
    send: Box<Send>,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    status: String,
    failed: bool,
}

impl Notifier {
    /// Tells whoever `NOTIFY_SOCKET` names.
    #[must_use]
    pub fn of_systemd() -> Self {
        Self::new(sd_notify::notify)
    }

    /// Hands the states to `send`.
    pub fn new(
        send: impl Fn(&[NotifyState<'_>]) -> io::Result<()> + std::marker::Send + Sync + 'static,
    ) -> Self {
        Self { send: Box::new(send), said: Mutex::default() }
    }

    /// Everything is up.
    pub fn ready(&self, status: &str) {
        self.remember(status);
        self.tell(&[NotifyState::Ready, NotifyState::Status(status)]);
    }

    /// What the daemon does, as one sentence. Said only when it differs from what was said last.
    pub fn status(&self, status: &str) {
        if self.remember(status) {
            self.tell(&[NotifyState::Status(status)]);
        }
    }

    /// A reload begins; [`Self::ready`] must follow, however it ends.
    pub fn reloading(&self) {
        // API: systemd 253 and later end a service that sends RELOADING=1 without MONOTONIC_USEC= in the same message.
        match NotifyState::monotonic_usec_now() {
            Ok(now) => self.tell(&[NotifyState::Reloading, now]),
            Err(error) => self.failed(&error),
        }
    }

    /// The daemon stops.
    pub fn stopping(&self, status: &str) {
        self.remember(status);
        self.tell(&[NotifyState::Stopping, NotifyState::Status(status)]);
    }

    /// All tasks move.
    pub fn watchdog(&self) {
        self.tell(&[NotifyState::Watchdog]);
    }

    /// Starting, reloading or stopping takes longer: wait so many microseconds from now.
    pub fn extend_timeout(&self, microseconds: u32) {
        self.tell(&[NotifyState::ExtendTimeoutUsec(microseconds)]);
    }

    fn tell(&self, states: &[NotifyState<'_>]) {
        if let Err(error) = (self.send)(states) {
            self.failed(&error);
        }
    }

    /// Whether the status is news.
    fn remember(&self, status: &str) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let news = said.status != status;
        status.clone_into(&mut said.status);
        news
    }

    /// Said once: a manager that is gone does not come back.
    fn failed(&self, error: &io::Error) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        if !std::mem::replace(&mut said.failed, true) {
            drop(said);
            events::NotifyFailed { reason: error.to_string() }.emit();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use super::*;

    /// A service manager that listens on a socket of its own.
    struct Manager {
        socket: UnixDatagram,
        notifier: Notifier,
        _directory: tempfile::TempDir,
    }

    impl Manager {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("notify");
            let socket = UnixDatagram::bind(&path).unwrap();
            socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let notifier = Notifier::new(move |states| {
                let lines: Vec<String> = states.iter().map(ToString::to_string).collect();
                let message = lines.join("\n") + "\n";
                UnixDatagram::unbound()?.send_to(message.as_bytes(), &path).map(drop)
            });
            Self { socket, notifier, _directory: directory }
        }

        fn datagram(&self) -> Option<String> {
            let mut buffer = [0; 4096];
            let length = self.socket.recv(&mut buffer).ok()?;
            Some(String::from_utf8(buffer[..length].to_vec()).unwrap())
        }
    }

    #[test]
    fn a_reload_is_one_datagram_with_its_time_and_ready_follows() {
        let manager = Manager::new();
        manager.notifier.reloading();
        manager.notifier.ready("Idle.");
        let reloading = manager.datagram().unwrap();
        let fields: Vec<&str> = reloading.lines().map(|line| line.split_once('=').unwrap().0).collect();
        assert_eq!(fields, ["RELOADING", "MONOTONIC_USEC"]);
        assert_eq!(manager.datagram().unwrap(), "READY=1\nSTATUS=Idle.\n");
        assert_eq!(manager.datagram(), None);
    }

    #[test]
    fn the_same_status_is_said_once() {
        let manager = Manager::new();
        manager.notifier.status("Idle.");
        manager.notifier.status("Idle.");
        manager.notifier.stopping("Stopping.");
        assert_eq!(manager.datagram().unwrap(), "STATUS=Idle.\n");
        assert_eq!(manager.datagram().unwrap(), "STOPPING=1\nSTATUS=Stopping.\n");
        assert_eq!(manager.datagram(), None);
    }

    #[test]
    fn a_manager_that_is_gone_does_not_hurt() {
        let notifier = Notifier::new(|_| Err(io::ErrorKind::NotFound.into()));
        notifier.ready("Idle.");
        notifier.watchdog();
    }
}
