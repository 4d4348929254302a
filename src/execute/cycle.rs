//! One cycle of an account: look, plan, judge, write, remember.

use std::collections::BTreeMap;

use jiff::Timestamp;
use tokio::sync::MutexGuard;

use super::account::AccountEngine;
use super::apply::{Applied, Executor};
use super::hold::discard;
use super::labels::LabelPlan;
use super::observe::{Memory, Observed, Observer};
use super::photos::PhotoPlan;
use super::{EngineError, RunRequest};
use crate::observe::events;
use crate::state::{Cursors, HeldBy, Hold, HoldDecision, IntentKind};
use crate::sync::guard::Verdict;
use crate::sync::{Action, Plan, Side};

/// What a cycle is about to do.
struct Ready<'a> {
    plan: Plan,
    observed: Observed,
    hold: Option<Hold>,
    verdict: Verdict,
    /// Held while somebody is brought into the site.
    turn: Option<MutexGuard<'a, ()>>,
}

/// How a run ended, before it becomes a report.
pub(super) enum Ended {
    Done(Box<Applied>),
    Held(String),
    Planned(Box<(Plan, LabelPlan, PhotoPlan)>),
}

impl AccountEngine {
    /// One cycle.
    pub(super) async fn cycle(
        &self,
        request: RunRequest,
        run: &str,
        now: Timestamp,
    ) -> Result<Ended, EngineError> {
        let mut memory = self.memory.lock().await;
        let Ready { plan, mut observed, hold, verdict, turn } =
            self.prepare(request, now, &mut memory).await?;
        let settings = self.settings();
        match verdict {
            Verdict::Hold { reason, digest } => {
                if !request.dry_run {
                    self.hold(&plan, hold.as_ref(), &reason, digest, now).await?;
                }
                Ok(Ended::Held(reason))
            }
            Verdict::Go if request.dry_run => {
                let labels = self.plan_labels(&plan, &observed, &mut memory, now, false).await?;
                let photos = self.plan_photos(&plan, &observed, now)?;
                Ok(Ended::Planned(Box::new((plan, labels, photos))))
            }
            Verdict::Go => {
                let google_rests = self.google_rests(now)?;
                let label = match google_rests {
                    Some(_) => None,
                    None => self.label(&plan, &mut memory).await?,
                };
                self.remember_scope(&memory, now).await?;
                let labels = match google_rests {
                    Some(_) => self.put_labels_off(&plan, &observed, now)?,
                    None => self.plan_labels(&plan, &observed, &mut memory, now, true).await?,
                };
                self.begin_labels(&labels, now).await?;
                let photos = self.plan_photos(&plan, &observed, now)?;
                self.begin_photos(&photos, (run, now)).await?;
                if !plan.steps.is_empty() || labels.count() > 0 || photos.count() > 0 {
                    self.begin_policy(&observed.cursors.policy).await?;
                }
                self.begin_conflicts(&plan, (run, now)).await?;
                let executor = Executor {
                    google_rests,
                    births: labels.created.clone(),
                    failures: observed
                        .retried
                        .iter()
                        .map(|parked| (parked.pair.clone(), parked.attempts))
                        .collect(),
                    doubtful: &observed.doubtful,
                    unnoted: observed.unnoted().collect(),
                    begun: observed.begun_deletions().collect(),
                    ..self.executor(&settings, run, now, &plan, label)
                };
                let mut applied = executor.run(&plan).await?;
                // Nobody else is brought into the site.
                drop(turn);
                if applied.halted.is_none() {
                    applied.labels = self.relabel(&labels, &mut memory, (run, now), None).await?;
                }
                if labels.is_rebound {
                    // Every contact has another label to get.
                    observed.cursors.policy.clear();
                }
                self.finish(&plan, &observed, &applied, hold.as_ref(), (run, now)).await?;
                if applied.halted.is_none() {
                    memory.has_sought_stranded = true;
                    memory.addresses =
                        observed.addresses.dealt_with(self.state(), &observed.snapshot.pairs)?;
                    applied.photos = self.carry_photos(&photos, (run, now)).await?;
                    self.forget(observed.is_full, now).await?;
                }
                if !applied.parked.is_empty() {
                    // A label that is gone would spoil every create.
                    memory.labels = None;
                }
                Ok(Ended::Done(Box::new(applied)))
            }
        }
    }

    /// Looks and plans. Who would bring somebody into the site waits for a turn, and looks again if another account brought somebody
    /// meanwhile.
    async fn prepare(
        &self,
        request: RunRequest,
        now: Timestamp,
        memory: &mut Memory,
    ) -> Result<Ready<'_>, EngineError> {
        let mut turn = None;
        loop {
            let turns = self.hub.turns();
            let observed = self.look(request, now, memory).await?;
            if turn.is_none() {
                self.report(&observed, memory);
            }
            if !request.dry_run {
                self.redeem(&observed).await?;
            }
            let mut plan = Plan::compute(&observed.snapshot, &self.settings().policy);
            let without_room = self.make_room(&mut plan, observed.is_full, now)?;
            if !request.dry_run {
                self.report_room(without_room, memory);
            }
            let hold = self.state().hold()?;
            if hold.as_ref().is_some_and(|hold| hold.decision == Some(HoldDecision::Discarded)) {
                discard(&mut plan, &self.state().held(HeldBy::Cycle)?);
            }
            let verdict = self.verdict(&plan, &observed, hold.as_ref())?;
            let brings = matches!(verdict, Verdict::Go) && !request.dry_run && brings_somebody(&plan);
            if brings && turn.is_none() {
                turn = Some(tokio::select! {
                    turn = self.hub.turn() => turn,
                    () = self.cancel.cancelled() => return Err(EngineError::stopped()),
                });
                if self.hub.turns() != turns {
                    // Perhaps the same.
                    continue;
                }
            }
            match &turn {
                Some(turn) if brings => self.hub.use_turn(turn),
                Some(_) | None => drop(turn.take()),
            }
            return Ok(Ready { plan, observed, hold, verdict, turn });
        }
    }

    /// Forgets under which policy both sides were read whole before anything is noted under another one: what a run that ends early, or an
    /// undo, noted as waiting for a direction would be news to nobody if the old policy came back.
    pub(super) async fn begin_policy(&self, policy: &str) -> Result<(), EngineError> {
        let known = self.state().cursors()?;
        if known.policy.is_empty() || known.policy == policy {
            return Ok(());
        }
        let mut changes = self.state().changes();
        changes.set_cursors(&Cursors { policy: String::new(), ..known });
        Ok(self.state().commit(changes).await?)
    }

    /// Remembers what our own writes made the base, before anything is built on it.
    async fn redeem(&self, observed: &Observed) -> Result<(), EngineError> {
        let settings = self.settings();
        let mut changes = self.state().changes();
        for pair in &observed.redeemed {
            self.state().put_pair(pair, &mut changes)?;
            let (deletions, others): (Vec<_>, Vec<_>) = observed
                .settled
                .iter()
                .filter(|intent| intent.pair == pair.id)
                .partition(|intent| intent.kind == IntentKind::Delete);
            for intent in others {
                changes.add_history(&pair.id, &intent.arrived());
            }
            let view = observed.snapshot.pairs.iter().find(|view| view.pair.id == pair.id);
            let document = view.and_then(|view| view.dafater.present());
            let now = document.map(|document| document.contact(&settings.policy.mapping));
            for intent in deletions {
                if let Some(entry) = now.as_ref().and_then(|now| intent.begun(now)) {
                    changes.add_history(&pair.id, &entry);
                }
            }
        }
        Ok(self.state().commit(changes).await?)
    }

    pub(super) async fn look(
        &self,
        request: RunRequest,
        now: Timestamp,
        memory: &mut Memory,
    ) -> Result<Observed, EngineError> {
        self.learn_fields(memory, now).await?;
        let settings = self.settings();
        let observer = Observer { parts: &self.parts, settings: &settings, now, parked: BTreeMap::new() };
        let seen = observer.observe(request, &self.fingerprint(), memory).await;
        if seen.is_err() {
            // Perhaps the site is not as it was known to be.
            memory.site = None;
        }
        seen
    }

    /// Says what the look itself brought up.
    fn report(&self, observed: &Observed, memory: &mut Memory) {
        let account = self.state().account();
        let hides_addresses = self.parts.dafater.hides_addresses();
        if hides_addresses && !memory.is_told_of_hidden_addresses {
            events::AddressesHidden { account: account.clone() }.emit();
        }
        memory.is_told_of_hidden_addresses = hides_addresses;
        if observed.intents > 0 {
            events::JournalRecovered { account: account.clone(), intents: observed.intents }.emit();
        }
        for reason in &observed.malformed {
            events::ItemMalformed { account: account.clone(), reason: reason.clone() }.emit();
        }
    }
}

/// Whether the plan creates a contact in Dafater.
fn brings_somebody(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| matches!(step.action, Action::Create { side: Side::Dafater, .. }))
}
