//! Plans that wait for a person, and what the person decided.
//!
//! Law: a decision holds for exactly the records that the held plan would have deleted, emptied or brought back. It is remembered one by one, so
//! that a run that is interrupted asks nothing twice.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::observe::Observed;
use super::{AccountEngine, EngineError, EngineErrorKind, HoldView, UndoRequest, UndoView, show};
use crate::state::{Changes, HeldBy, Hold, HoldDecision, UndoHold};
use crate::sync::guard::{Approval, Verdict, judge};
use crate::sync::{Action, PairId, Plan, Side};

impl AccountEngine {
    /// Whether `plan` may go.
    pub(super) fn verdict(
        &self,
        plan: &Plan,
        observed: &Observed,
        hold: Option<&Hold>,
    ) -> Result<Verdict, EngineError> {
        let approval = match hold.filter(|hold| hold.decision == Some(HoldDecision::Approved)) {
            Some(hold) => {
                Approval { digest: Some(hold.digest.clone()), pairs: self.state().held(HeldBy::Cycle)? }
            }
            None => Approval::default(),
        };
        let is_first = !self.state().progress()?.had_first_sync;
        Ok(judge(plan, observed.snapshot.total_pairs, is_first, &self.settings().policy, &approval))
    }

    /// Remembers that the plan waits, and what it asks about. Nothing else of it is remembered: it is computed anew until it
    /// may go.
    pub(super) async fn hold(
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
        let asked: BTreeSet<&PairId> =
            plan.steps.iter().filter(|step| plan.asks(step)).map(|step| &step.pair).collect();
        for pair in self.state().held(HeldBy::Cycle)?.iter().filter(|pair| !asked.contains(pair)) {
            changes.remove_held(HeldBy::Cycle, pair);
        }
        for pair in asked {
            changes.set_held(HeldBy::Cycle, pair);
        }
        changes.set_hold(&Hold { since, reason: reason.to_owned(), digest, google, dafater, decision: None });
        Ok(self.state().commit(changes).await?)
    }

    /// Carries out an undo that was held and is approved.
    pub(super) async fn undo_if_approved(&self) -> Result<Option<UndoView>, EngineError> {
        let held = self.state().undo_hold()?;
        let Some(held) = held.filter(|held| held.hold.decision == Some(HoldDecision::Approved)) else {
            return Ok(None);
        };
        let UndoHold { run, contact, .. } = held;
        match self.put_back(&UndoRequest { run, contact, dry_run: false }).await {
            // Forgotten in the meantime: there is nothing to wait for any more.
            Err(error) if error.kind == EngineErrorKind::Unknown => {
                let mut changes = self.state().changes();
                self.drop_undo(&mut changes)?;
                self.state().commit(changes).await?;
                Ok(None)
            }
            outcome => outcome.map(Some),
        }
    }

    /// What waits for a person.
    pub(super) fn hold_view(&self) -> Result<Option<HoldView>, EngineError> {
        let shown = |hold: Hold, reason| HoldView {
            since: hold.since,
            reason,
            google: hold.google,
            dafater: hold.dafater,
            approved: hold.decision == Some(HoldDecision::Approved),
        };
        let of_cycle = self.state().hold()?.map(|hold| shown(hold.clone(), hold.reason));
        let of_undo = self.state().undo_hold()?.map(|UndoHold { run, hold, .. }| {
            let reason = format!("to undo run {run}: {}", hold.reason);
            shown(hold, reason)
        });
        Ok(match (of_cycle, of_undo) {
            (Some(cycle), Some(undo)) => {
                let reason = format!("{}; and {}", cycle.reason, undo.reason);
                Some(HoldView { reason, approved: cycle.approved && undo.approved, ..cycle })
            }
            (one, None) | (None, one) => one,
        })
    }

    /// Forgets the undo that waits.
    pub(super) fn drop_undo(&self, changes: &mut Changes) -> Result<(), EngineError> {
        changes.remove_undo_hold();
        for pair in self.state().held(HeldBy::Undo)? {
            changes.remove_held(HeldBy::Undo, &pair);
        }
        Ok(())
    }

    /// Decides whatever waits.
    pub(super) async fn decide_hold(&self, decision: HoldDecision) -> Result<(), EngineError> {
        let state = self.state();
        let mut changes = state.changes();
        if let Some(hold) = state.hold()? {
            changes.set_hold(&Hold { decision: Some(decision), ..hold });
        }
        match (state.undo_hold()?, decision) {
            (Some(mut undo), HoldDecision::Approved) => {
                undo.hold.decision = Some(decision);
                changes.set_undo_hold(&undo);
            }
            (Some(_), HoldDecision::Discarded) => self.drop_undo(&mut changes)?,
            (None, HoldDecision::Approved | HoldDecision::Discarded) => {}
        }
        if changes.is_empty() {
            let message = format!("no plan of account {} is held", state.account());
            return Err(EngineError::unknown(message, "see `dafater-contactsd status`"));
        }
        Ok(state.commit(changes).await?)
    }
}

/// Turns what a person refused, deletions and resurrections, into records that stay, unpaired.
pub(super) fn discard(plan: &mut Plan, refused: &BTreeSet<PairId>) {
    let is_rebuilt = plan.is_rebuilt;
    for step in plan.steps.iter_mut().filter(|step| refused.contains(&step.pair)) {
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
