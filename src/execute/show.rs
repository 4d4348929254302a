//! A plan as people are shown it.

use super::apply::{changes_of, dafater_id, google_id, title_of};
use super::{Counts, PlanView, StepView};
use crate::mapping::Mapping;
use crate::sync::guard::Verdict;
use crate::sync::{AccountName, Action, Plan, Side, Step};

/// What a plan would write, by side.
pub(super) fn counts(plan: &Plan) -> (Counts, Counts) {
    let (mut google, mut dafater) = (Counts::default(), Counts::default());
    for step in &plan.steps {
        for (side, counts) in [(Side::Google, &mut google), (Side::Dafater, &mut dafater)] {
            if step.writes(side) {
                match &step.action {
                    Action::Create { .. } => counts.created += 1,
                    Action::Delete { .. } => counts.deleted += 1,
                    Action::Merge(_)
                    | Action::Detach { .. }
                    | Action::Leave
                    | Action::Forget
                    | Action::Postpone => {
                        counts.updated += 1;
                    }
                }
            }
        }
    }
    (google, dafater)
}

/// Pairs that a plan would make of records that both exist.
pub(super) fn links(plan: &Plan) -> u32 {
    u32::try_from(plan.steps.iter().filter(|step| step.links()).count()).unwrap_or(u32::MAX)
}

/// The plan, step by step; steps that only remember what was seen are left out.
pub(super) fn plan(account: &AccountName, plan: &Plan, verdict: &Verdict, mapping: &Mapping) -> PlanView {
    let (google, dafater) = counts(plan);
    let mut steps: Vec<StepView> = plan.steps.iter().flat_map(|step| views(step, mapping)).collect();
    steps.extend(plan.reviews.iter().map(|review| {
        let is_google = review.record.side() == Side::Google;
        StepView {
            action: "review".to_owned(),
            side: None,
            google: is_google.then(|| review.record.clone()),
            dafater: (!is_google).then(|| review.record.clone()),
            title: String::new(),
            reason: review.reason.clone(),
            changes: Vec::new(),
        }
    }));
    PlanView {
        account: account.clone(),
        held: match verdict {
            Verdict::Go => None,
            Verdict::Hold { reason, .. } => Some(reason.clone()),
        },
        google,
        dafater,
        linked: links(plan),
        steps,
    }
}

fn views(step: &Step, mapping: &Mapping) -> Vec<StepView> {
    let view = |action: &str, side: Option<Side>| StepView {
        action: action.to_owned(),
        side,
        google: google_id(step),
        dafater: dafater_id(step),
        title: title_of(step),
        reason: step.reason.to_owned(),
        changes: changes_of(step, side, mapping),
    };
    match &step.action {
        Action::Create { side, .. } => vec![view("create", Some(*side))],
        Action::Delete { side } => vec![view("delete", Some(*side))],
        Action::Detach { .. } => vec![view("detach", None)],
        Action::Leave => vec![view("leave", None)],
        Action::Forget => vec![view("forget", None)],
        Action::Postpone => vec![view("postpone", None)],
        Action::Merge(merged) => {
            let mut views = Vec::new();
            if step.links() {
                views.push(StepView { changes: Vec::new(), ..view("link", None) });
            }
            views.extend(
                [Side::Google, Side::Dafater]
                    .into_iter()
                    .filter(|side| step.writes(*side))
                    .map(|side| view("update", Some(side))),
            );
            if !merged.conflicts.is_empty() {
                views.push(StepView { changes: Vec::new(), ..view("conflict", None) });
            }
            views
        }
    }
}
