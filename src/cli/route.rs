//! Who does the work: the running daemon, or this process alone.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::context::Context;
use super::likely_socket::likely_socket;
use crate::control::{Client, Exit, Failure, Operations, Replies, Reply, Request, Role};
use crate::daemon::{self, EngineFactory, Loaded, Roster, StopSignals};

/// The way to an answer.
pub(super) enum Route {
    Daemon(Client),
    Alone(Box<Alone>),
}

/// This process, with the store locked.
pub(super) struct Alone {
    operations: Operations,
    factory: Arc<dyn EngineFactory>,
    cancel: CancellationToken,
    signals: StopSignals,
    /// Keeps the roster published.
    _roster: watch::Sender<Arc<Roster>>,
}

impl Route {
    /// The daemon if one answers; else this process. A configuration that cannot be used, or read by this user, is no obstacle as
    /// long as a daemon answers.
    pub(super) async fn find(context: &Context) -> Result<Self, Failure> {
        let loaded = context.load();
        let socket = socket(context, &loaded);
        if let Some(client) = Client::connect(&socket).await? {
            return Ok(Self::Daemon(client));
        }
        let signals = StopSignals::register().map_err(|error| {
            Failure::new(Exit::Internal, "signals cannot be taken over").cause(error.to_string())
        })?;
        let settings = loaded?.settings;
        let factory = context.backend.open(&settings).await?;
        let cancel = CancellationToken::new();
        let settings = daemon::join(settings, factory.as_ref()).await?;
        let roster = Roster::open(settings, factory.as_ref(), &context.surroundings, &cancel, None)?;
        daemon::take_over(&roster, factory.as_ref()).await;
        let (sender, roster) = watch::channel(Arc::new(roster));
        let operations = Operations {
            roster,
            factory: Arc::clone(&factory),
            surroundings: context.surroundings.clone(),
            cycles: TaskTracker::new(),
            reloads: None,
            started: context.surroundings.clock.now(),
        };
        Ok(Self::Alone(Box::new(Alone { operations, factory, cancel, signals, _roster: sender })))
    }

    /// The daemon, which must be there.
    pub(super) async fn find_daemon(context: &Context) -> Result<Self, Failure> {
        let loaded = context.load();
        let socket = socket(context, &loaded);
        match (Client::connect(&socket).await?, loaded) {
            (Some(client), _) => Ok(Self::Daemon(client)),
            (None, Err(refused)) => Err(refused),
            (None, Ok(_)) => Err(Failure::new(Exit::Unavailable, "no daemon is running")
                .cause(format!("nobody answers at {}", socket.display()))
                .hint("start it with `systemctl start dafater-contactsd`")),
        }
    }

    /// Asks.
    pub(super) async fn call(
        &mut self,
        request: Request,
        reply: &mut dyn FnMut(Reply),
    ) -> Result<Exit, Failure> {
        match self {
            Self::Daemon(client) => client.call(&request, reply).await,
            Self::Alone(alone) => alone.call(request, reply).await,
        }
    }

    /// Lets go of the store.
    pub(super) async fn close(self) {
        if let Self::Alone(alone) = self {
            alone.operations.cycles.close();
            alone.operations.cycles.wait().await;
            alone.factory.close().await;
        }
    }
}

impl Alone {
    /// Whoever can open the store may do everything. The first signal lets the operation in flight end; the second one does not.
    async fn call(&mut self, request: Request, reply: &mut dyn FnMut(Reply)) -> Result<Exit, Failure> {
        let (replies, mut arriving) = Replies::channel();
        let operations = &self.operations;
        let work = async move { operations.perform(&Role::SystemManager, request, &replies).await };
        let mut work = std::pin::pin!(work);
        let mut result = None;
        loop {
            tokio::select! {
                biased;
                part = arriving.recv() => match part {
                    Some(part) => reply(part),
                    None => break,
                },
                ended = &mut work, if result.is_none() => result = Some(ended),
                signal = self.signals.next() => {
                    if self.cancel.is_cancelled() {
                        std::process::exit(signal.exit_code());
                    }
                    self.cancel.cancel();
                }
            }
        }
        match result {
            Some(result) => result,
            None => work.await,
        }
    }
}

fn socket(context: &Context, loaded: &Result<Loaded, Failure>) -> PathBuf {
    match loaded {
        Ok(loaded) => loaded.settings.socket.clone(),
        Err(_) => likely_socket(&context.sources),
    }
}
