//! A command's end of the control socket.

use std::io;
use std::path::Path;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::{Exit, Failure, Reply, Request};

/// A connection to a running daemon.
pub struct Client {
    reading: Lines<BufReader<OwnedReadHalf>>,
    writing: OwnedWriteHalf,
}

impl Client {
    /// Connects. `None`: no daemon listens there.
    ///
    /// # Errors
    /// A daemon may be there, but cannot be reached.
    pub async fn connect(path: &Path) -> Result<Option<Self>, Failure> {
        match UnixStream::connect(path).await {
            Ok(stream) => {
                let (reading, writing) = stream.into_split();
                Ok(Some(Self { reading: BufReader::new(reading).lines(), writing }))
            }
            Err(error) if is_nobody(&error) => Ok(None),
            Err(error) => {
                let exit = if error.kind() == io::ErrorKind::PermissionDenied {
                    Exit::Unauthorized
                } else {
                    Exit::Unavailable
                };
                Err(Failure::new(exit, format!("the daemon cannot be reached at {}", path.display()))
                    .cause(error.to_string()))
            }
        }
    }

    /// Sends a request and hands on what comes back.
    ///
    /// # Errors
    /// The daemon refused, or went away.
    pub async fn call(&mut self, request: &Request, reply: &mut dyn FnMut(Reply)) -> Result<Exit, Failure> {
        let line = request.to_line()?;
        // A daemon that turns the client away may have hung up already; its answer can still be read.
        self.writing.write_all(&line).await.ok();
        loop {
            let line = self.reading.next_line().await.ok().flatten().ok_or_else(gone)?;
            match serde_json::from_str(&line) {
                Ok(Reply::Done { exit, .. }) => return Ok(exit),
                Ok(Reply::Error { error }) => return Err(error),
                Ok(part @ (Reply::Item { .. } | Reply::Note { .. })) => reply(part),
                Err(error) => {
                    return Err(Failure::new(Exit::Internal, "the daemon's answer is not understood")
                        .cause(error.to_string())
                        .hint(
                            "use the dafater-contactsd command of the same version as the running daemon",
                        ));
                }
            }
        }
    }
}

fn is_nobody(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}

fn gone() -> Failure {
    Failure::new(Exit::TryAgain, "the daemon went away before it had answered")
        .hint("look at its log: journalctl -u dafater-contactsd")
}
