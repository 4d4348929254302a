//! The daemon's end of the control socket.
//!
//! Anybody may connect; what he may do is decided by his credentials. Law: whatever a client sends, or does not send, or does not
//! read, costs a bounded amount of memory and time, and Desk Users cannot lock System Managers out.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{Caller, Exit, Failure, MAX_LINE, Operations, Replies, Reply, Request, Role};
use crate::observe::events;

/// The bound socket. It is removed when this is dropped.
pub struct Server {
    listener: UnixListener,
    path: PathBuf,
    own_uid: u32,
    desk: Arc<Semaphore>,
    managers: Arc<Semaphore>,
}

impl Server {
    /// Binds the socket. A file that an earlier daemon left behind is replaced, unless somebody answers there. Must be called
    /// within the runtime.
    ///
    /// # Errors
    /// Another daemon answers, or the socket cannot be created.
    pub fn bind(path: &Path) -> Result<Self, Failure> {
        let cannot = |reason: String| {
            Failure::new(
                Exit::CannotCreate,
                format!("the control socket {} cannot be created", path.display()),
            )
            .cause(reason)
            .hint("set `control.socket`, or let systemd create /run/dafater-contactsd (RuntimeDirectory=)")
        };
        if let Some(directory) = path.parent().filter(|directory| !directory.exists()) {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(directory)
                .map_err(|error| cannot(error.to_string()))?;
        }
        clear(path).map_err(|trouble| match trouble {
            Trouble::Answered => {
                Failure::new(Exit::TryAgain, format!("another daemon answers at {}", path.display()))
                    .hint("stop it first, or give this one another `control.socket` and `store.path`")
            }
            Trouble::NotASocket => cannot("something that is no socket stands there".to_owned()),
            Trouble::Io(error) => cannot(error.to_string()),
        })?;
        let listener = UnixListener::bind(path).map_err(|error| cannot(error.to_string()))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))
            .map_err(|error| cannot(error.to_string()))?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            own_uid: rustix::process::geteuid().as_raw(),
            desk: Arc::new(Semaphore::new(DESK_CONNECTIONS)),
            managers: Arc::new(Semaphore::new(MANAGER_CONNECTIONS)),
        })
    }

    /// Answers until `cancel` is cancelled. `alive` is called once a second at least.
    ///
    /// # Errors
    /// The socket accepts no more connections.
    pub async fn serve(
        &self,
        operations: Arc<Operations>,
        cancel: CancellationToken,
        alive: impl Fn() + Send,
    ) -> io::Result<()> {
        let mut second = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                _ = second.tick() => alive(),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => self.admit(stream, &operations, &cancel),
                    // The client is gone already.
                    Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                    Err(error) => return Err(error),
                },
            }
        }
    }

    fn admit(&self, stream: UnixStream, operations: &Arc<Operations>, cancel: &CancellationToken) {
        let Ok(credentials) = stream.peer_cred() else {
            refused(None, "its credentials are not known");
            return;
        };
        let caller = Caller::from_peer(credentials.uid(), credentials.gid(), credentials.pid());
        let connection = Connection {
            caller,
            own_uid: self.own_uid,
            operations: Arc::clone(operations),
            cancel: cancel.clone(),
        };
        let seats = match connection.role() {
            Role::SystemManager => &self.managers,
            Role::DeskUser { .. } => &self.desk,
        };
        // Dropped with the last task that works for this connection.
        let seat = Arc::clone(seats).try_acquire_owned().ok().map(Arc::new);
        operations.cycles.spawn(async move {
            match seat {
                Some(seat) => connection.serve(stream, &seat).await,
                None => connection.turn_away(stream).await,
            }
        });
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

/// One client.
struct Connection {
    caller: Caller,
    own_uid: u32,
    operations: Arc<Operations>,
    cancel: CancellationToken,
}

impl Connection {
    /// The role, by the configuration that is in force now.
    fn role(&self) -> Role {
        Role::of(&self.caller, self.own_uid, &self.operations.roster.borrow().settings.system_managers)
    }

    async fn serve(self, stream: UnixStream, seat: &Arc<OwnedSemaphorePermit>) {
        let (reading, mut writing) = stream.into_split();
        let mut reading = BufReader::new(reading);
        loop {
            let line = tokio::select! {
                () = self.cancel.cancelled() => return,
                line = timeout(REQUEST_DEADLINE, read_line(&mut reading)) => line,
            };
            let line = match line {
                Ok(Ok(line)) if line.is_empty() => return,
                Ok(Ok(line)) => line,
                Ok(Err(_)) => return,
                Err(_) => return refused(Some(self.caller.uid), "it sent no request in time"),
            };
            let parsed = Request::from_line(&line);
            let sound = parsed.is_ok();
            let kept = match parsed {
                Ok(request) => self.answer(request, &mut writing, seat).await,
                Err(failure) => {
                    refused(Some(self.caller.uid), &failure.message);
                    send(&mut writing, &Reply::end(Err(failure))).await
                }
            };
            // After what is no request, nobody knows where the next one begins.
            if !kept || !sound {
                return;
            }
        }
    }

    /// Carries a request out and sends the answer. Answers whether the client still listens.
    async fn answer(
        &self,
        request: Request,
        writing: &mut OwnedWriteHalf,
        seat: &Arc<OwnedSemaphorePermit>,
    ) -> bool {
        let (replies, mut arriving) = Replies::channel();
        let audit = Audit::new(&self.caller, &self.role(), &request);
        let (operations, role, seat) = (Arc::clone(&self.operations), self.role(), Arc::clone(seat));
        // In a task of its own: what was begun is finished even if the client goes.
        let work = self.operations.cycles.spawn(async move {
            let result = operations.perform(&role, request, &replies).await;
            drop(seat);
            result
        });
        let mut listening = true;
        while let Some(reply) = arriving.recv().await {
            listening = send(writing, &reply).await;
            if !listening {
                break;
            }
        }
        drop(arriving);
        let result = work
            .await
            .unwrap_or_else(|_| Err(Failure::new(Exit::Internal, "a defect was hit; the log says where")));
        audit.emit(&result);
        listening && send(writing, &Reply::end(result)).await
    }

    async fn turn_away(self, stream: UnixStream) {
        refused(Some(self.caller.uid), "too many clients are connected");
        let failure =
            Failure::new(Exit::TryAgain, "too many clients are connected").hint("try again in a moment");
        let (_reading, mut writing) = stream.into_split();
        send(&mut writing, &Reply::end(Err(failure))).await;
    }
}

/// What the log says of a request; no contact data, no secret.
struct Audit {
    command: &'static str,
    account: Option<crate::sync::AccountName>,
    uid: u32,
    pid: Option<i32>,
    role: &'static str,
}

impl Audit {
    fn new(caller: &Caller, role: &Role, request: &Request) -> Self {
        Self {
            command: request.name(),
            account: request.account().cloned(),
            uid: caller.uid,
            pid: caller.pid,
            role: role.title(),
        }
    }

    fn emit(self, result: &Result<Exit, Failure>) {
        let exit = match result {
            Ok(exit) => *exit,
            Err(failure) => failure.exit,
        };
        events::ControlRequest {
            command: self.command,
            account: self.account,
            uid: self.uid,
            pid: self.pid,
            role: self.role.to_owned(),
            exit: exit.code(),
        }
        .emit();
    }
}

/// A line of at most one byte more than allowed; empty at the end.
async fn read_line(reading: &mut BufReader<OwnedReadHalf>) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    reading.take(MAX_LINE as u64 + 1).read_until(b'\n', &mut line).await?;
    Ok(line)
}

/// Whether the client took it in time.
async fn send(writing: &mut OwnedWriteHalf, reply: &Reply) -> bool {
    matches!(timeout(REPLY_DEADLINE, writing.write_all(&reply.to_line())).await, Ok(Ok(())))
}

fn refused(uid: Option<u32>, reason: &str) {
    events::ControlRefused { uid, reason: reason.to_owned() }.emit();
}

enum Trouble {
    Answered,
    NotASocket,
    Io(io::Error),
}

/// Removes a socket that nobody listens on.
fn clear(path: &Path) -> Result<(), Trouble> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Trouble::Io(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => return Err(Trouble::NotASocket),
        Ok(_) => {}
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Ok(_) => Err(Trouble::Answered),
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(Trouble::Io)
        }
        Err(error) => Err(Trouble::Io(error)),
    }
}

const DESK_CONNECTIONS: usize = 32;
const MANAGER_CONNECTIONS: usize = 16;
const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
const REPLY_DEADLINE: Duration = Duration::from_secs(10);

#[cfg(test)]
#[path = "server_tests.rs"]
mod tests;
