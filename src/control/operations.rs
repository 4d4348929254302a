//! Every command, once: what the socket serves and what a command does that finds no daemon.

use std::sync::Arc;

use jiff::Timestamp;
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::{mpsc, watch};
use tokio_util::task::TaskTracker;

use super::{AccountView, DaemonView, Exit, Failure, ProbeView, Reply, Request, Role, StatusView};
use crate::daemon::{
    Begun, EngineFactory, LiveAccount, ReloadOutcome, Reloads, Roster, Surroundings, Trigger,
};
use crate::dafater::Permissions;
use crate::execute::{Cause, HistoryFilter, Outcome, RunRequest, UndoRequest};
use crate::observe::events;
use crate::sync::{AccountName, RecordId, Side};

/// What commands work on.
pub struct Operations {
    /// The accounts.
    pub roster: watch::Receiver<Arc<Roster>>,
    /// What engines stand on.
    pub factory: Arc<dyn EngineFactory>,
    /// Time and chance.
    pub surroundings: Surroundings,
    /// Where cycles run, so that they outlive whoever asked for them, and the process waits for them.
    pub cycles: TaskTracker,
    /// The way to reload; none outside the daemon.
    pub reloads: Option<Reloads>,
    /// Since when the process runs.
    pub started: Timestamp,
}

/// Where the parts of an answer go. A receiver that is gone does not stop what was begun.
#[derive(Debug, Clone)]
pub struct Replies(mpsc::Sender<Reply>);

impl Replies {
    /// A way for answers, and where they arrive.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Reply>) {
        let (sender, receiver) = mpsc::channel(16);
        (Self(sender), receiver)
    }

    async fn item<T: Serialize>(&self, item: &T) -> Result<(), Failure> {
        let item = serde_json::to_value(item).map_err(|error| {
            Failure::new(Exit::Internal, "the answer cannot be written").cause(error.to_string())
        })?;
        self.0.send(Reply::Item { item }).await.ok();
        Ok(())
    }

    async fn note(&self, note: impl Into<String>) {
        self.0.send(Reply::Note { note: note.into() }).await.ok();
    }
}

impl Operations {
    /// Does what `request` asks for, in the quality of `role`. Parts of the answer go to `replies`, the end is the result.
    ///
    /// # Errors
    /// It was not done.
    pub async fn perform(&self, role: &Role, request: Request, replies: &Replies) -> Result<Exit, Failure> {
        match request {
            Request::Status { accounts } => self.status(role, &accounts, replies).await,
            Request::Accounts {} => self.accounts(role, replies).await,
            Request::Sync { accounts, dry_run, full } => {
                self.sync(role, &accounts, RunRequest { full, dry_run }, replies).await
            }
            Request::Plan { account } => {
                let account = self.find(role, &account)?;
                let _gate = waited_for(&account, replies).await;
                replies.item(&account.engine().plan().await?).await?;
                Ok(Exit::Ok)
            }
            Request::Approve { account } => {
                let account = self.find(role, &account)?;
                let _gate = waited_for(&account, replies).await;
                account.engine().approve().await?;
                Ok(Exit::Ok)
            }
            Request::Discard { account } => {
                let account = self.find(role, &account)?;
                let _gate = waited_for(&account, replies).await;
                account.engine().discard().await?;
                Ok(Exit::Ok)
            }
            Request::Conflicts { account, id } => {
                self.conflicts(role, account.as_ref(), id.as_deref(), replies).await
            }
            Request::Resolve { id, side } => self.resolve(role, &id, side, replies).await,
            Request::Reviews { account } => {
                for account in self.chosen(role, account.as_ref())? {
                    for review in account.engine().reviews()? {
                        replies.item(&review).await?;
                    }
                }
                Ok(Exit::Ok)
            }
            Request::Link { account, google, dafater } => {
                self.link(role, &account, (&google, &dafater), replies).await
            }
            Request::Skip { account, record } => {
                let account = self.find(role, &account)?;
                let _gate = waited_for(&account, replies).await;
                account.engine().skip(&record).await?;
                Ok(Exit::Ok)
            }
            Request::Separate { account, record } => {
                let account = self.find(role, &account)?;
                let _gate = waited_for(&account, replies).await;
                account.engine().separate(&record).await?;
                Ok(Exit::Ok)
            }
            Request::History { account, filter } => {
                self.history(role, account.as_ref(), filter, replies).await
            }
            Request::Undo { run, account, contact, dry_run } => {
                self.undo(role, account.as_ref(), UndoRequest { run, contact, dry_run }, replies).await
            }
            Request::Authorize { account, paste, port } => {
                self.authorize(role, &account, (!paste).then_some(port), replies).await
            }
            Request::AuthorizeFinish { account, answer } => {
                self.grant(role, &account, Grant::Answer(answer), replies).await
            }
            Request::AuthorizeAdopt { account, refresh_token } => {
                self.grant(role, &account, Grant::RefreshToken(refresh_token), replies).await
            }
            Request::Revoke { account } => self.revoke(role, &account, replies).await,
            Request::Reload {} => self.reload(role, replies).await,
            Request::Daemon {} => {
                replies.item(&self.daemon(role)).await?;
                Ok(Exit::Ok)
            }
            Request::Probe {} => self.probe(role, replies).await,
            Request::StoreExport {} => self.export(role, replies).await,
            Request::StoreVerify {} => {
                managers_only(role)?;
                let factory = Arc::clone(&self.factory);
                for line in in_the_background(move || factory.verify()).await? {
                    replies.item(&line).await?;
                }
                Ok(Exit::Ok)
            }
            Request::StoreRekey { key } => {
                managers_only(role)?;
                for line in self.factory.rekey(key).await? {
                    replies.item(&line).await?;
                }
                events::VaultRekeyed {}.emit();
                Ok(Exit::Ok)
            }
        }
    }

    async fn link(
        &self,
        role: &Role,
        account: &AccountName,
        (google, dafater): (&RecordId, &RecordId),
        replies: &Replies,
    ) -> Result<Exit, Failure> {
        if (google.side(), dafater.side()) != (Side::Google, Side::Dafater) {
            return Err(Failure::new(Exit::Usage, "a link needs one record of each side"));
        }
        let account = self.find(role, account)?;
        let _gate = waited_for(&account, replies).await;
        account.engine().link(google, dafater).await?;
        Ok(Exit::Ok)
    }

    async fn revoke(&self, role: &Role, account: &AccountName, replies: &Replies) -> Result<Exit, Failure> {
        let account = self.find(role, account)?;
        let settings = Arc::clone(&self.roster.borrow().settings);
        let _gate = waited_for(&account, replies).await;
        self.factory.consent().revoke(account.settings(), &settings).await?;
        events::AuthorizationRevoked { account: account.settings().name.clone() }.emit();
        Ok(Exit::Ok)
    }

    async fn status(&self, role: &Role, names: &[AccountName], replies: &Replies) -> Result<Exit, Failure> {
        let accounts = self.named_or_all(role, names)?;
        if accounts.is_empty() {
            replies.note(NO_ACCOUNT).await;
        }
        self.note_what_concerns_all(role, replies).await;
        for account in accounts {
            let status = account.engine().status()?;
            let mut view = StatusView::new(&account, status, self.surroundings.clock.now());
            // Without a daemon nobody comes back.
            view.next_run = view.next_run.filter(|_| self.reloads.is_some());
            replies.item(&view).await?;
        }
        Ok(Exit::Ok)
    }

    async fn note_what_concerns_all(&self, role: &Role, replies: &Replies) {
        if self.reloads.is_none() {
            replies.note("no daemon is running").await;
        }
        if !self.daemon(role).refused.is_empty() {
            replies.note(REFUSED).await;
        }
        for (right, degrades) in self.factory.known_rights().iter().flat_map(Permissions::degradations) {
            replies.note(format!("the site's user may not {right}: {degrades}")).await;
        }
    }

    /// Accounts that are not authorized are not tried: Google need not be asked to know that.
    async fn probe(&self, role: &Role, replies: &Replies) -> Result<Exit, Failure> {
        for account in self.visible(role) {
            let status = account.engine().status()?;
            let is_tried = account.settings().enable && status.authorized;
            let failure = if is_tried { account.engine().probe().await.err() } else { None };
            let view = ProbeView {
                account: account.settings().name.clone(),
                enable: account.settings().enable,
                authorized: status.authorized,
                consented_as: status.consented_as,
                failure: failure.map(Failure::from),
                warning: status.warning,
            };
            replies.item(&view).await?;
        }
        Ok(Exit::Ok)
    }

    async fn accounts(&self, role: &Role, replies: &Replies) -> Result<Exit, Failure> {
        for account in self.visible(role) {
            let status = account.engine().status().ok();
            replies.item(&AccountView::new(account.settings(), status.as_ref())).await?;
        }
        Ok(Exit::Ok)
    }

    /// Runs the accounts side by side; each report goes out when it is there.
    async fn sync(
        &self,
        role: &Role,
        names: &[AccountName],
        request: RunRequest,
        replies: &Replies,
    ) -> Result<Exit, Failure> {
        let mut accounts = self.named_or_all(role, names)?;
        if names.is_empty() {
            accounts.retain(|account| account.settings().enable);
        }
        if accounts.is_empty() {
            replies.note(NO_ACCOUNT).await;
        }
        let (reports, mut arriving) = mpsc::channel(accounts.len().max(1));
        for account in accounts {
            if account.standing().running_since.is_some() {
                let name = &account.settings().name;
                replies.note(format!("a sync of {name} is running; another one follows it")).await;
            }
            let reports = reports.clone();
            let cycles = self.cycles.clone();
            self.cycles.spawn(async move {
                let running = Arc::clone(&account);
                let cycle = cycles.spawn(async move { running.cycle(request, Trigger::Command).await });
                let report = cycle.await.unwrap_or_else(|_| {
                    account.panicked();
                    let error = "a defect was hit; the log says where".to_owned();
                    account.untried(Outcome::Failed, error, Some(Cause::Internal))
                });
                reports.send(report).await.ok();
            });
        }
        drop(reports);
        let mut exit = Exit::Ok;
        while let Some(report) = arriving.recv().await {
            exit = exit.max(Exit::of_run(&report));
            replies.item(&report).await?;
        }
        Ok(exit)
    }

    async fn conflicts(
        &self,
        role: &Role,
        account: Option<&AccountName>,
        id: Option<&str>,
        replies: &Replies,
    ) -> Result<Exit, Failure> {
        let mut found = false;
        for account in self.chosen(role, account)? {
            for conflict in account.engine().conflicts()? {
                if id.is_none_or(|id| conflict.id == id) {
                    found = true;
                    replies.item(&conflict).await?;
                }
            }
        }
        match id {
            Some(id) if !found => Err(no_conflict(id)),
            _ => Ok(Exit::Ok),
        }
    }

    async fn resolve(&self, role: &Role, id: &str, side: Side, replies: &Replies) -> Result<Exit, Failure> {
        for account in self.visible(role) {
            if account.engine().conflicts()?.iter().any(|conflict| conflict.id == id) {
                let _gate = waited_for(&account, replies).await;
                account.engine().resolve(id, side).await?;
                return Ok(Exit::Ok);
            }
        }
        Err(no_conflict(id))
    }

    async fn history(
        &self,
        role: &Role,
        account: Option<&AccountName>,
        filter: HistoryFilter,
        replies: &Replies,
    ) -> Result<Exit, Failure> {
        let accounts = self.chosen(role, account)?;
        let limit = filter.limit.unwrap_or(usize::MAX);
        let mut entries = in_the_background(move || {
            let mut entries = Vec::new();
            for account in accounts {
                entries.extend(account.engine().history(&filter)?);
            }
            Ok(entries)
        })
        .await?;
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));
        for entry in entries.iter().take(limit) {
            replies.item(entry).await?;
        }
        Ok(Exit::Ok)
    }

    /// A run is that of one account: the one that remembers it.
    async fn undo(
        &self,
        role: &Role,
        name: Option<&AccountName>,
        request: UndoRequest,
        replies: &Replies,
    ) -> Result<Exit, Failure> {
        let filter =
            HistoryFilter { run: Some(request.run.clone()), limit: Some(1), ..HistoryFilter::default() };
        let mut accounts = Vec::new();
        for account in self.chosen(role, name)? {
            if !account.engine().history(&filter)?.is_empty() {
                accounts.push(account);
            }
        }
        let account = match accounts.as_slice() {
            [account] => account,
            [] => {
                let message = format!("no run `{}` is remembered", request.run);
                return Err(Failure::new(Exit::Usage, message)
                    .hint("`dafater-contactsd history` shows the runs that changed anything"));
            }
            [_, _, ..] => {
                let message = format!("several accounts had a run `{}`", request.run);
                return Err(Failure::new(Exit::Usage, message).hint("name one with --account"));
            }
        };
        let _gate = waited_for(account, replies).await;
        let view = account.engine().undo(&request).await?;
        replies.item(&view).await?;
        Ok(if view.error.is_some() { Exit::TryAgain } else { Exit::Ok })
    }

    async fn authorize(
        &self,
        role: &Role,
        account: &AccountName,
        listen: Option<u16>,
        replies: &Replies,
    ) -> Result<Exit, Failure> {
        let live = self.find(role, account)?;
        let settings = Arc::clone(&self.roster.borrow().settings);
        let Begun { url, port } = self.factory.consent().begin(live.settings(), &settings, listen).await?;
        replies.item(&serde_json::json!({ "account": account, "url": url, "port": port })).await?;
        match listen {
            Some(_) => self.grant(role, account, Grant::Browser, replies).await,
            None => Ok(Exit::Ok),
        }
    }

    async fn grant(
        &self,
        role: &Role,
        account: &AccountName,
        grant: Grant,
        replies: &Replies,
    ) -> Result<Exit, Failure> {
        let live = self.find(role, account)?;
        let settings = Arc::clone(&self.roster.borrow().settings);
        let consent = self.factory.consent();
        let consented_as = match grant {
            Grant::Browser => consent.receive(live.settings(), &settings).await?,
            Grant::Answer(answer) => consent.finish(live.settings(), &settings, answer).await?,
            Grant::RefreshToken(token) => consent.adopt(live.settings(), &settings, token).await?,
        };
        events::AuthorizationGranted { account: account.clone() }.emit();
        replies.item(&serde_json::json!({ "account": account, "consented_as": consented_as })).await?;
        live.consented();
        if let Some(warning) = live.engine().status().ok().and_then(|status| status.warning) {
            replies.note(warning).await;
        }
        Ok(Exit::Ok)
    }

    async fn reload(&self, role: &Role, replies: &Replies) -> Result<Exit, Failure> {
        managers_only(role)?;
        let Some(reloads) = &self.reloads else {
            return Err(Failure::new(
                Exit::Unavailable,
                "no daemon is running, so there is nothing to reload",
            )
            .hint("the configuration is read at the next start"));
        };
        match reloads.ask().await {
            None => Err(Failure::new(Exit::TryAgain, "the daemon is stopping")),
            Some(ReloadOutcome::Refused { failure }) => Err(failure),
            Some(outcome @ (ReloadOutcome::Applied { .. } | ReloadOutcome::Unchanged)) => {
                replies.item(&outcome).await?;
                Ok(Exit::Ok)
            }
        }
    }

    fn daemon(&self, role: &Role) -> DaemonView {
        let roster = Arc::clone(&self.roster.borrow());
        let refused = roster.refused.as_ref().filter(|_| *role == Role::SystemManager);
        DaemonView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            started: self.started,
            configured: roster.since,
            refused: refused.map(|failure| failure.causes.clone()).unwrap_or_default(),
        }
    }

    async fn export(&self, role: &Role, replies: &Replies) -> Result<Exit, Failure> {
        managers_only(role)?;
        let (factory, lines) = (Arc::clone(&self.factory), replies.0.clone());
        in_the_background(move || {
            factory.export(&mut |line| lines.blocking_send(Reply::Item { item: line.into() }).is_ok())
        })
        .await?;
        Ok(Exit::Ok)
    }

    /// The accounts that exist for `role`, by name.
    fn visible(&self, role: &Role) -> Vec<Arc<LiveAccount>> {
        let roster = self.roster.borrow();
        let sees = |account: &&Arc<LiveAccount>| role.sees(account.settings().owner.as_deref());
        roster.accounts.values().filter(sees).cloned().collect()
    }

    /// An account by name. One that `role` may not see is missing in the same words as one that is not there.
    fn find(&self, role: &Role, name: &AccountName) -> Result<Arc<LiveAccount>, Failure> {
        let visible = self.visible(role);
        if let Some(account) = visible.iter().find(|account| account.settings().name == *name) {
            return Ok(Arc::clone(account));
        }
        let near = visible
            .iter()
            .map(|account| account.settings().name.as_str())
            .map(|known| (strsim::damerau_levenshtein(known, name.as_str()), known))
            .filter(|(distance, _)| *distance <= 2)
            .min();
        let failure = Failure::new(Exit::Usage, format!("there is no account `{name}`"));
        Err(match near {
            Some((_, known)) => failure.hint(format!("did you mean `{known}`?")),
            None => failure.hint("`dafater-contactsd accounts` lists the accounts"),
        })
    }

    fn named_or_all(&self, role: &Role, names: &[AccountName]) -> Result<Vec<Arc<LiveAccount>>, Failure> {
        if names.is_empty() {
            return Ok(self.visible(role));
        }
        let mut names = names.to_vec();
        names.sort();
        names.dedup();
        names.iter().map(|name| self.find(role, name)).collect()
    }

    fn chosen(&self, role: &Role, name: Option<&AccountName>) -> Result<Vec<Arc<LiveAccount>>, Failure> {
        match name {
            Some(name) => Ok(vec![self.find(role, name)?]),
            None => Ok(self.visible(role)),
        }
    }
}

/// What proves that a person gave consent.
enum Grant {
    Browser,
    Answer(SecretString),
    RefreshToken(SecretString),
}

fn managers_only(role: &Role) -> Result<(), Failure> {
    match role {
        Role::SystemManager => Ok(()),
        Role::DeskUser { .. } => Err(Failure::new(Exit::Unauthorized, "only System Managers may do that")
            .hint("root and the users in `control.system_managers` are System Managers")),
    }
}

fn no_conflict(id: &str) -> Failure {
    Failure::new(Exit::Usage, format!("there is no open conflict `{id}`"))
        .hint("`dafater-contactsd conflicts` lists the open ones")
}

/// Runs what blocks without stopping the others.
async fn in_the_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|_| Err(Failure::new(Exit::Internal, "a defect was hit; the log says where")))
}

/// Waits until nothing else changes the account; says so if that may take a while.
async fn waited_for<'a>(account: &'a LiveAccount, replies: &Replies) -> tokio::sync::MutexGuard<'a, ()> {
    if account.standing().running_since.is_some() {
        replies.note(format!("a sync of {} is running; waiting for its end", account.settings().name)).await;
    }
    account.exclusively().await
}

const REFUSED: &str = "the configuration on disk was refused at the last reload, the one before it is in force; \
                       `dafater-contactsd check-config` says why";
const NO_ACCOUNT: &str =
    "there is no account to show; accounts stand in the configuration as [accounts.NAME]";

#[cfg(test)]
#[path = "operations_tests.rs"]
mod tests;
