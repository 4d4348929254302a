//! One account under sync: the real [`Engine`].

use std::collections::BTreeMap;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::apply::{Applied, Executor};
use super::observe::{Memory, Observed, Observer};
use super::settings::{Parts, Settings};
use super::{
    AccountStatus, ConflictView, Engine, EngineError, HistoryFilter, HistoryView, HoldView, Outcome,
    PlanView, Requests, ReviewView, RunReport, RunRequest, show,
};
use crate::google::oauth::{AuthorizationError, VaultError};
use crate::observe::events;
use crate::state::{AccountState, Cursors, Hold, HoldDecision, Progress};
use crate::sync::guard::{Approval, Verdict, judge};
use crate::sync::{AccountName, Action, Loose, LooseReason, Plan, RecordId, Side};

/// One account under sync.
pub struct AccountEngine {
    parts: Parts,
    settings: Settings,
    cancel: CancellationToken,
    memory: Mutex<Memory>,
    /// What happened last, newer than what is saved.
    recent: std::sync::Mutex<Option<Progress>>,
}

/// How the account stands with Google.
#[derive(Debug, Default)]
struct Standing {
    authorized: bool,
    consented_as: Option<String>,
    warning: Option<String>,
}

/// How a run ended, before it becomes a report.
enum Ended {
    Done(Applied),
    Held(String),
    Planned(Plan),
}

impl AccountEngine {
    /// An engine over `parts`; `cancel` ends a run between two writes.
    #[must_use]
    pub fn new(parts: Parts, settings: Settings, cancel: CancellationToken) -> Self {
        Self { parts, settings, cancel, memory: Mutex::default(), recent: std::sync::Mutex::default() }
    }

    pub(super) fn state(&self) -> &AccountState {
        &self.parts.state
    }

    /// One cycle.
    async fn cycle(&self, request: RunRequest, run: &str, now: Timestamp) -> Result<Ended, EngineError> {
        let mut memory = self.memory.lock().await;
        let observed = self.look(request, now, &mut memory).await?;
        self.report(&observed);
        if !request.dry_run {
            self.redeem(&observed).await?;
        }
        let mut plan = Plan::compute(&observed.snapshot, &self.settings.policy);
        let hold = self.state().hold()?;
        if let Some(hold) = hold.as_ref().filter(|hold| hold.decision == Some(HoldDecision::Discarded)) {
            discard(&mut plan, hold, &observed, &self.settings);
        }
        match self.verdict(&plan, &observed, hold.as_ref())? {
            Verdict::Hold { reason, digest } => {
                if !request.dry_run {
                    self.hold(&plan, hold.as_ref(), &reason, digest, now).await?;
                }
                Ok(Ended::Held(reason))
            }
            Verdict::Go if request.dry_run => Ok(Ended::Planned(plan)),
            Verdict::Go => {
                let google_rests = self.google_rests(now)?;
                let label = match google_rests {
                    Some(_) => None,
                    None => self.label(&plan, &mut memory).await?,
                };
                let executor = Executor {
                    parts: &self.parts,
                    settings: &self.settings,
                    run,
                    now,
                    label,
                    google_rests,
                    failures: observed
                        .retried
                        .iter()
                        .map(|parked| (parked.pair.clone(), parked.attempts))
                        .collect(),
                    cancel: &self.cancel,
                    applied: std::sync::Mutex::default(),
                    is_halted: false.into(),
                };
                let applied = executor.run(&plan).await?;
                self.finish(&plan, &observed, &applied, hold.as_ref(), now).await?;
                if !applied.parked.is_empty() {
                    // A label that is gone would spoil every create.
                    memory.labels = None;
                }
                Ok(Ended::Done(applied))
            }
        }
    }

    /// Remembers what our own writes made the base, before anything is built on it.
    async fn redeem(&self, observed: &Observed) -> Result<(), EngineError> {
        let mut changes = self.state().changes();
        for pair in &observed.redeemed {
            self.state().put_pair(pair, &mut changes)?;
        }
        for intent in &observed.recovered {
            // Nobody noted what it replaced: the process died before the receipt.
            changes.add_history(&intent.pair, Some(intent.side), &intent.entry);
        }
        Ok(self.state().commit(changes).await?)
    }

    async fn look(
        &self,
        request: RunRequest,
        now: Timestamp,
        memory: &mut Memory,
    ) -> Result<Observed, EngineError> {
        let observer =
            Observer { parts: &self.parts, settings: &self.settings, now, parked: BTreeMap::new() };
        observer.observe(request, &self.fingerprint(), memory).await
    }

    /// Says what the look itself brought up.
    fn report(&self, observed: &Observed) {
        let account = self.state().account();
        if observed.intents > 0 {
            events::JournalRecovered { account: account.clone(), intents: observed.intents }.emit();
        }
        for reason in &observed.malformed {
            events::ItemMalformed { account: account.clone(), reason: reason.clone() }.emit();
        }
    }

    fn verdict(&self, plan: &Plan, observed: &Observed, hold: Option<&Hold>) -> Result<Verdict, EngineError> {
        let approved = hold.filter(|hold| hold.decision == Some(HoldDecision::Approved));
        let approval = Approval { digest: approved.map(|hold| hold.digest.clone()) };
        let is_first = !self.state().progress()?.had_first_sync;
        Ok(judge(plan, observed.snapshot.total_pairs, is_first, &self.settings.policy, &approval))
    }

    /// Remembers that the plan waits. Nothing else of it is remembered: it is computed anew until it may go.
    async fn hold(
        &self,
        plan: &Plan,
        before: Option<&Hold>,
        reason: &str,
        digest: String,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        if before.is_some_and(|hold| hold.digest == digest && hold.decision.is_none()) {
            return Ok(());
        }
        let (google, dafater) = show::counts(plan);
        let since = before.map_or(now, |hold| hold.since);
        let mut changes = self.state().changes();
        changes.set_hold(&Hold { since, reason: reason.to_owned(), digest, google, dafater, decision: None });
        Ok(self.state().commit(changes).await?)
    }

    /// The label for contacts that the plan creates in Google; made if the account lacks it.
    async fn label(&self, plan: &Plan, memory: &mut Memory) -> Result<Option<String>, EngineError> {
        let creates =
            plan.steps.iter().any(|step| matches!(step.action, Action::Create { side: Side::Google, .. }));
        let Some(name) = self.settings.label.as_ref().filter(|_| creates) else { return Ok(None) };
        if memory.labels.is_none() {
            memory.labels = Some(self.parts.google.list_groups(None).await?.by_name());
        }
        let labels = memory.labels.get_or_insert_default();
        if let Some(label) = labels.get(name) {
            return Ok(Some(label.clone()));
        }
        let made = match self.parts.google.create_group(name).await {
            Ok(group) => group.resource_name.0,
            Err(error) => {
                // It may be there after all: its answer was lost, or a person made it.
                memory.labels = None;
                return Err(error.into());
            }
        };
        labels.insert(name.clone(), made.clone());
        Ok(Some(made))
    }

    /// Until when Google takes no writes of this account, if it does not.
    fn google_rests(&self, now: Timestamp) -> Result<Option<Timestamp>, EngineError> {
        Ok(self.state().exhausted()?.map(|exhausted| exhausted.until).filter(|until| *until > now))
    }

    async fn note_failure(&self, error: &str) -> Result<(), EngineError> {
        let saved = self.state().progress()?;
        if saved.last_error.as_deref() == Some(error) {
            return Ok(());
        }
        let mut changes = self.state().changes();
        changes.set_progress(&Progress { last_error: Some(error.to_owned()), ..saved });
        Ok(self.state().commit(changes).await?)
    }

    fn keep_recent(&self, progress: Progress) {
        *self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(progress);
    }

    /// Changes with the policy: both sides are then read whole, because what was left alone may now take part.
    fn fingerprint(&self) -> String {
        let policy = &self.settings.policy;
        format!(
            "pull={} push={} scope={:?} region={:?}",
            policy.pull, policy.push, policy.scope, policy.phones.region
        )
    }

    fn sent(&self) -> Requests {
        Requests { google: self.parts.google_sent.sent(), dafater: self.parts.dafater_sent.sent() }
    }

    async fn run_and_report(&self, request: RunRequest) -> RunReport {
        let now = self.parts.clock.now();
        let run = now.strftime("%Y%m%dT%H%M%S%6fZ").to_string();
        let mut report = RunReport::new(self.state().account().clone(), run.clone());
        if !self.settings.policy.pull && !self.settings.policy.push {
            report.outcome = Outcome::Skipped;
            report.error = Some("both directions are switched off".to_owned());
            return report;
        }
        let before = self.sent();
        let ended = self.cycle(request, &run, now).await;
        let after = self.sent();
        report.requests =
            Requests { google: after.google - before.google, dafater: after.dafater - before.dafater };
        match ended {
            Ok(Ended::Planned(plan)) => {
                (report.google, report.dafater) = show::counts(&plan);
                report.linked = show::links(&plan);
            }
            Ok(Ended::Held(reason)) => {
                report.outcome = Outcome::Held;
                report.error = Some(reason);
            }
            Ok(Ended::Done(applied)) => {
                (report.google, report.dafater, report.linked) =
                    (applied.google, applied.dafater, applied.linked);
                match applied.halted {
                    None => self.keep_recent(Progress {
                        last_success: Some(now),
                        last_error: None,
                        had_first_sync: true,
                    }),
                    Some(error) => {
                        self.fail(&mut report, &error).await;
                        if applied.is_exhausted {
                            // Only writes to Google rest; the schedule goes on with everything else.
                            report.retry_after_seconds = None;
                        }
                    }
                }
            }
            Err(error) => self.fail(&mut report, &error).await,
        }
        self.count_waiting(&mut report);
        report
    }

    async fn fail(&self, report: &mut RunReport, error: &EngineError) {
        report.outcome = Outcome::Failed;
        report.cause = error.kind.cause();
        report.retry_after_seconds = error.retry_after().map(|wait| wait.as_secs().max(1));
        if let (Some(seconds), Some(side)) = (report.retry_after_seconds, error.side) {
            let (account, wait) = (self.state().account().clone(), format!("{seconds} s"));
            events::RemoteThrottled { account, side, wait }.emit();
        }
        let message = match &error.hint {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message.clone(),
        };
        // A store that cannot take this note has failed aloud already.
        drop(self.note_failure(&message).await);
        report.error = Some(message);
    }

    fn count_waiting(&self, report: &mut RunReport) {
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let state = self.state();
        report.conflicts = state.conflicts().map_or(0, |open| count(open.len()));
        report.parked = state.parked().map_or(0, |parked| count(parked.len()));
        report.review = state.reviews().map_or(0, |reviews| count(reviews.len()));
    }

    /// How the account stands with Google, as far as the vault tells.
    fn consent(&self) -> Result<Standing, EngineError> {
        let account = self.state().account();
        let Some(vault) = &self.parts.vault else {
            return Ok(Standing { authorized: true, ..Standing::default() });
        };
        match vault.grant(account) {
            Ok(None) => Ok(Standing::default()),
            Ok(Some(grant)) => Ok(Standing {
                authorized: grant.over.is_none(),
                warning: grant.ending(self.parts.clock.now()).map(|ending| ending.sentence(account)),
                consented_as: grant.address,
            }),
            Err(error @ VaultError::Store(_)) => Err(EngineError::vault(&error)),
            // One account whose seal does not open must not hide how the others stand.
            Err(source @ (VaultError::Sealed { .. } | VaultError::Version { .. })) => {
                let error = AuthorizationError::Vault { account: account.clone(), source };
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                let warning = Some(format!("{error}: {cause}; {}", error.hint()));
                Ok(Standing { warning, ..Standing::default() })
            }
        }
    }

    async fn decide_hold(&self, decision: HoldDecision) -> Result<(), EngineError> {
        let account = self.state().account();
        let Some(hold) = self.state().hold()? else {
            let message = format!("no plan of account {account} is held");
            return Err(EngineError::unknown(message, "see `dafater-contactsd status`"));
        };
        let mut changes = self.state().changes();
        changes.set_hold(&Hold { decision: Some(decision), ..hold });
        Ok(self.state().commit(changes).await?)
    }
}

/// Turns what a person refused, deletions and resurrections, into records that stay, unpaired.
fn discard(plan: &mut Plan, hold: &Hold, observed: &Observed, settings: &Settings) {
    let verdict = judge(plan, observed.snapshot.total_pairs, false, &settings.policy, &Approval::default());
    if !matches!(&verdict, Verdict::Hold { digest, .. } if *digest == hold.digest) {
        return;
    }
    let is_rebuilt = plan.is_rebuilt;
    for step in &mut plan.steps {
        if let (true, Action::Create { side, .. }) = (is_rebuilt, &step.action) {
            step.action = Action::Detach { left: side.other() };
            step.reason = "a person discarded its return";
        } else if step.destroys()
            && let Some(left) = [Side::Google, Side::Dafater].into_iter().find(|side| step.writes(*side))
        {
            step.action = Action::Detach { left };
            step.reason = "a person discarded its deletion";
        }
    }
}

impl Engine for AccountEngine {
    fn account(&self) -> &AccountName {
        self.state().account()
    }

    fn run(&self, request: RunRequest) -> BoxFuture<'_, RunReport> {
        Box::pin(self.run_and_report(request))
    }

    fn plan(&self) -> BoxFuture<'_, Result<PlanView, EngineError>> {
        Box::pin(async move {
            let mut memory = self.memory.lock().await;
            let observed = self.look(RunRequest::default(), self.parts.clock.now(), &mut memory).await?;
            let plan = Plan::compute(&observed.snapshot, &self.settings.policy);
            let verdict = self.verdict(&plan, &observed, self.state().hold()?.as_ref())?;
            Ok(show::plan(self.state().account(), &plan, &verdict, self.settings.policy.phones))
        })
    }

    fn status(&self) -> Result<AccountStatus, EngineError> {
        let state = self.state();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let Cursors { google, .. } = state.cursors()?;
        let recent = self.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        let saved = state.progress()?;
        let progress = match recent {
            Some(recent) if recent.last_success > saved.last_success && saved.last_error.is_none() => recent,
            Some(_) | None => saved,
        };
        let Standing { authorized, consented_as, warning } = self.consent()?;
        Ok(AccountStatus {
            account: state.account().clone(),
            last_sync_on: progress.last_success,
            last_full_read: google.as_ref().map(|cursor| cursor.full_read_at),
            has_cursor: google.is_some(),
            authorized,
            consented_as,
            linked: count(state.pair_count()),
            parked: count(state.parked()?.len()),
            conflicts: count(state.conflicts()?.len()),
            review: count(state.reviews()?.len()),
            in_doubt: count(state.intents()?.len()),
            hold: state.hold()?.map(|hold| HoldView {
                since: hold.since,
                reason: hold.reason,
                google: hold.google,
                dafater: hold.dafater,
                approved: hold.decision == Some(HoldDecision::Approved),
            }),
            error: progress.last_error,
            warning,
        })
    }

    fn conflicts(&self) -> Result<Vec<ConflictView>, EngineError> {
        let state = self.state();
        let mut views = Vec::new();
        for conflict in state.conflicts()? {
            let Some(pair) = state.pair(&conflict.pair)? else { continue };
            views.push(ConflictView {
                id: conflict_id(&conflict),
                account: state.account().clone(),
                google: RecordId::Google(pair.google.source_id),
                dafater: RecordId::Dafater(pair.dafater.name),
                field: conflict.field.to_string(),
                base: conflict.base,
                google_value: conflict.google,
                dafater_value: conflict.dafater,
                resolution: conflict.resolution,
            });
        }
        Ok(views)
    }

    fn resolve<'a>(&'a self, id: &'a str, side: Side) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let Some(conflict) =
                self.state().conflicts()?.into_iter().find(|conflict| conflict_id(conflict) == id)
            else {
                let message = format!("account {} has no open conflict {id}", self.state().account());
                return Err(EngineError::unknown(message, "see `dafater-contactsd conflicts list`"));
            };
            let mut changes = self.state().changes();
            changes.set_conflict(&crate::sync::Conflict { resolution: Some(side), ..conflict });
            Ok(self.state().commit(changes).await?)
        })
    }

    fn reviews(&self) -> Result<Vec<ReviewView>, EngineError> {
        let state = self.state();
        let mut views = Vec::new();
        for review in state.reviews()? {
            let title = state.loose(&review.record)?.map(|loose| loose.contact.title()).unwrap_or_default();
            views.push(ReviewView {
                account: state.account().clone(),
                record: review.record,
                title,
                candidates: review.candidates,
                reason: review.reason,
            });
        }
        Ok(views)
    }

    fn link<'a>(
        &'a self,
        google: &'a RecordId,
        dafater: &'a RecordId,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let state = self.state();
            for record in [google, dafater] {
                if state.loose(record)?.is_none() {
                    let message =
                        format!("account {} knows no record {record} that stands alone", state.account());
                    return Err(EngineError::unknown(message, "see `dafater-contactsd review list`"));
                }
            }
            let mut changes = state.changes();
            changes.set_link(google, dafater);
            Ok(state.commit(changes).await?)
        })
    }

    fn skip<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(async move {
            let state = self.state();
            let Some(loose) = state.loose(record)? else {
                let message =
                    format!("account {} knows no record {record} that stands alone", state.account());
                return Err(EngineError::unknown(message, "see `dafater-contactsd review list`"));
            };
            let mut changes = state.changes();
            changes.set_loose(&Loose { why: LooseReason::Skipped, ..loose });
            changes.remove_review(record);
            Ok(state.commit(changes).await?)
        })
    }

    fn approve(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(self.decide_hold(HoldDecision::Approved))
    }

    fn discard(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(self.decide_hold(HoldDecision::Discarded))
    }

    fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryView>, EngineError> {
        let mut views = Vec::new();
        for entry in self.state().history(filter.run.as_deref()) {
            let view = entry?.view;
            if filter.contact.as_ref().is_none_or(|text| concerns(&view, text)) {
                views.push(view);
            }
        }
        views.reverse();
        views.truncate(filter.limit.unwrap_or(usize::MAX));
        Ok(views)
    }
}

fn concerns(view: &HistoryView, text: &str) -> bool {
    let text = text.to_lowercase();
    let records = [&view.google, &view.dafater].into_iter().flatten();
    view.title.to_lowercase().contains(&text)
        || records.into_iter().any(|record| record.as_str().to_lowercase().contains(&text))
}

/// By which people name a conflict: the pair, and the field without blanks.
fn conflict_id(conflict: &crate::sync::Conflict) -> String {
    format!("{}-{}", conflict.pair, conflict.field.to_string().replace(' ', "-"))
}
