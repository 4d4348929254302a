//! One account under sync: the real [`Engine`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::apply::Executor;
use super::cycle::Ended;
use super::hub::Hub;
use super::judgement::conflict_id;
use super::observe::Memory;
use super::settings::{Parts, Settings};
use super::wanted::Wanted;
use super::{
    AccountStatus, ConflictView, Engine, EngineError, HistoryFilter, HistoryView, Outcome, PlanView,
    Requests, ReviewView, RunReport, RunRequest, UndoRequest, UndoView, show,
};
use crate::contact::TextField;
use crate::google::oauth::{AuthorizationError, VaultError};
use crate::mapping::PersonField;
use crate::observe::events;
use crate::state::{AccountState, Cursors, HoldDecision, Progress};
use crate::sync::{AccountName, PhotoPolicy, Plan, Policy, RecordId, Side};

/// One account under sync.
pub struct AccountEngine {
    pub(super) parts: Parts,
    /// As an operator wrote them.
    pub(super) configured: Settings,
    /// As they are used: without the fields that the site does not have.
    pub(super) in_force: std::sync::Mutex<Arc<Settings>>,
    pub(super) cancel: CancellationToken,
    pub(super) memory: Mutex<Memory>,
    /// What happened last, newer than what is saved.
    recent: std::sync::Mutex<Option<Progress>>,
    /// What it shares with the other accounts of its site.
    pub(super) hub: Arc<Hub>,
}

/// How the account stands with Google.
#[derive(Debug, Default)]
struct Standing {
    authorized: bool,
    consented_as: Option<String>,
    /// When and why that is going to end.
    ending: Option<String>,
}

impl AccountEngine {
    /// An engine over `parts`; `cancel` ends a run between two writes.
    #[must_use]
    pub fn new(parts: Parts, settings: Settings, cancel: CancellationToken) -> Self {
        let mapping = &settings.policy.mapping;
        // What an operator mapped is read once the site is known to have it.
        let usual = mapping.without(|text| matches!(text, TextField::Mapped(_)));
        parts.dafater.read_also(usual.columns(), []);
        let parts = Parts {
            google: parts.google.reading(mapping.person_fields().into_iter().map(PersonField::path)),
            ..parts
        };
        Self {
            parts,
            in_force: std::sync::Mutex::new(Arc::new(Settings {
                policy: Policy { mapping: usual, ..settings.policy.clone() },
                ..settings.clone()
            })),
            configured: settings,
            cancel,
            memory: Mutex::default(),
            recent: std::sync::Mutex::default(),
            hub: Arc::default(),
        }
    }

    /// The same engine, beside others of the same site.
    #[must_use]
    pub fn beside(self, hub: Arc<Hub>) -> Self {
        Self { hub, ..self }
    }

    pub(super) fn state(&self) -> &AccountState {
        &self.parts.state
    }

    pub(super) fn executor<'a>(
        &'a self,
        settings: &'a Settings,
        run: &'a str,
        now: Timestamp,
        plan: &'a Plan,
        label: Option<String>,
    ) -> Executor<'a> {
        Executor {
            parts: &self.parts,
            settings,
            run,
            now,
            label,
            failures: BTreeMap::new(),
            doubtful: &[],
            unnoted: Vec::new(),
            begun: Vec::new(),
            cancel: &self.cancel,
            google_rests: None,
            undoes: None,
            apart: BTreeSet::new(),
            images: &plan.images,
            known_labels: BTreeSet::new(),
            applied: std::sync::Mutex::default(),
            is_halted: false.into(),
            births: BTreeMap::new(),
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Until when Google takes no writes of this account, if it does not.
    pub(super) fn google_rests(&self, now: Timestamp) -> Result<Option<Timestamp>, EngineError> {
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
    pub(super) fn fingerprint(&self) -> String {
        let settings = self.settings();
        let policy = &settings.policy;
        let account = format!(
            "pull={} push={} scope={:?} region={:?}",
            policy.pull, policy.push, policy.scope, policy.mapping.phones.region
        );
        let labels = (!settings.labels.is_empty()).then(|| format!("labels={:?}", settings.labels));
        let photos = (settings.photos != PhotoPolicy::Off).then(|| format!("photos={:?}", settings.photos));
        let mapped = policy.mapping.texts().filter(|text| matches!(text, TextField::Mapped(_)));
        let directions =
            policy.fields.directions().map(|(field, direction)| format!("{field:?}={direction:?}"));
        let fields = mapped.map(|text| format!("{text:?}")).chain(directions);
        // Nothing where they do not travel: whoever never had them is not read anew.
        let addresses = policy.mapping.addresses.then(|| "addresses".to_owned());
        std::iter::once(account)
            .chain(labels)
            .chain(photos)
            .chain(fields)
            .chain(addresses)
            .collect::<Vec<_>>()
            .join(" ")
    }

    fn sent(&self) -> Requests {
        Requests { google: self.parts.google_sent.sent(), dafater: self.parts.dafater_sent.sent() }
    }

    async fn run_and_report(&self, request: RunRequest) -> RunReport {
        let mut report = RunReport::new(self.state().account().clone(), run_id(self.parts.clock.now()));
        if !self.configured.policy.pull && !self.configured.policy.push {
            report.outcome = Outcome::Skipped;
            report.error = Some("both directions are switched off".to_owned());
            return report;
        }
        let before = self.sent();
        let undone = if request.dry_run { Ok(None) } else { self.undo_if_approved().await };
        let now = self.parts.clock.now();
        report.run = run_id(now);
        let ended = match &undone {
            Ok(_) => self.cycle(request, &report.run, now).await,
            Err(error) => Err(error.clone()),
        };
        let after = self.sent();
        report.requests =
            Requests { google: after.google - before.google, dafater: after.dafater - before.dafater };
        match ended {
            Ok(Ended::Planned(planned)) => {
                let (plan, labels, photos) = *planned;
                (report.labels, report.photos) = (labels.count(), photos.count());
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
                (report.labels, report.photos) = (applied.labels, applied.photos);
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
        if let Ok(Some(undone)) = undone {
            report.google += undone.google;
            report.dafater += undone.dafater;
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
        report.review = self.questions().map_or(0, count);
    }

    /// How many questions wait for a person.
    fn questions(&self) -> Result<usize, EngineError> {
        Ok(self.state().reviews()?.len() + self.state().unlinked()?.len())
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
                ending: grant.ending(self.parts.clock.now()).map(|ending| ending.sentence(account)),
                consented_as: grant.address,
            }),
            Err(error @ VaultError::Store(_)) => Err(EngineError::vault(&error)),
            // One account whose seal does not open must not hide how the others stand.
            Err(source @ (VaultError::Sealed { .. } | VaultError::Version { .. })) => {
                let error = AuthorizationError::Vault { account: account.clone(), source };
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                let ending = Some(format!("{error}: {cause}; {}", error.hint()));
                Ok(Standing { ending, ..Standing::default() })
            }
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
            let now = self.parts.clock.now();
            let settings = self.settings();
            let mut plan = Plan::compute(&observed.snapshot, &settings.policy);
            self.make_room(&mut plan, false, now)?;
            let verdict = self.verdict(&plan, &observed, self.state().hold()?.as_ref())?;
            let labels = self.plan_labels(&plan, &observed, &mut memory, now, false).await?;
            let photos = self.plan_photos(&plan, &observed, now)?;
            let mut view = show::plan(self.state().account(), &plan, &verdict, &settings.policy.mapping);
            view.steps.extend(labels.views(&plan));
            view.steps.extend(photos.views(&plan));
            Ok(view)
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
        let Standing { authorized, consented_as, ending } = self.consent()?;
        let pairs = state.pair_count();
        let warnings: Vec<String> =
            ending.iter().cloned().chain(self.label_warning()?).chain(self.room_warning()?).collect();
        Ok(AccountStatus {
            account: state.account().clone(),
            last_sync_on: progress.last_success,
            last_full_read: google.as_ref().map(|cursor| cursor.full_read_at),
            has_cursor: google.is_some(),
            authorized,
            consented_as,
            linked: count(pairs),
            parked: count(state.parked()?.len()),
            conflicts: count(state.conflicts()?.len()),
            review: count(self.questions()?),
            in_doubt: count(state.intents()?.len()),
            hold: self.hold_view()?,
            error: progress.last_error,
            warning: (!warnings.is_empty()).then(|| warnings.join("; ")),
            ending,
        })
    }

    fn probe(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(async move { Ok(self.parts.google.list_groups(None).await.map(drop)?) })
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
        Box::pin(self.resolve_conflict(id, side))
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
        for unlinked in state.unlinked()? {
            let Some(pair) = state.pair(&unlinked.pair)? else { continue };
            views.push(ReviewView {
                account: state.account().clone(),
                record: RecordId::Dafater(pair.dafater.name),
                title: pair.dafater.contact.title(),
                candidates: Vec::new(),
                reason: format!("{}; link it on the site, or skip it", unlinked.doubt),
            });
        }
        Ok(views)
    }

    fn link<'a>(
        &'a self,
        google: &'a RecordId,
        dafater: &'a RecordId,
    ) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.declare_same(google, dafater))
    }

    fn skip<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.leave_alone(record))
    }

    fn separate<'a>(&'a self, record: &'a RecordId) -> BoxFuture<'a, Result<(), EngineError>> {
        Box::pin(self.declare_apart(record))
    }

    fn approve(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(self.decide_hold(HoldDecision::Approved))
    }

    fn discard(&self) -> BoxFuture<'_, Result<(), EngineError>> {
        Box::pin(self.decide_hold(HoldDecision::Discarded))
    }

    fn undo<'a>(&'a self, request: &'a UndoRequest) -> BoxFuture<'a, Result<UndoView, EngineError>> {
        Box::pin(self.put_back(request))
    }

    fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryView>, EngineError> {
        let wanted = Wanted::new(self.state(), filter.contact.as_deref())?;
        let mut views = Vec::new();
        for entry in self.state().history(filter.run.as_deref()) {
            let view = entry?.view;
            if wanted.covers(&view) {
                views.push(view);
            }
        }
        views.reverse();
        views.truncate(filter.limit.unwrap_or(usize::MAX));
        Ok(views)
    }
}

/// The id of a run that begins `now`: ids sort by time.
pub(super) fn run_id(now: Timestamp) -> String {
    now.strftime("%Y%m%dT%H%M%S%6fZ").to_string()
}
