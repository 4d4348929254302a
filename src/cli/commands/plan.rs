//! `plan`: what the next sync would do.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::cli::words::{value, writes};
use crate::control::Request;
use crate::execute::{ChangeView, PlanView, StepView};
use crate::sync::AccountName;

/// Show what the next sync would do, field by field; writes nothing
#[derive(Debug, Args)]
pub struct Plan {
    /// The account
    account: AccountName,
    /// One JSON object
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        context.show(Request::Plan { account: self.account }, self.json, |context, plans: Vec<PlanView>| {
            for plan in plans {
                let text = text(&plan);
                context.console.text(&text);
            }
        })
    }
}

fn text(plan: &PlanView) -> String {
    let mut lines: Vec<String> = plan.steps.iter().flat_map(step).collect();
    let mut totals = writes(plan.google, plan.dafater);
    if plan.linked > 0 {
        totals.push(format!("{} linked", plan.linked));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(match totals.as_slice() {
        [] => format!("{}: nothing would be written", plan.account),
        totals => format!("{}: {}", plan.account, totals.join("; ")),
    });
    lines
        .extend(plan.held.iter().map(|reason| format!("{}: the plan would be held: {reason}", plan.account)));
    lines.join("\n") + "\n"
}

/// A step and its fields.
pub(super) fn step(step: &StepView) -> Vec<String> {
    let side = step.side.map(|side| format!(" in {side}")).unwrap_or_default();
    let head = format!("{}{side}: {} ({})", step.action, step.title, step.reason);
    std::iter::once(head).chain(step.changes.iter().map(change)).collect()
}

/// One field of a step, indented.
pub(super) fn change(change: &ChangeView) -> String {
    if change.before.is_empty() && change.after.is_empty() {
        // A decision about the field that changes nothing.
        return format!("    {}: {}", change.field, change.reason);
    }
    let (before, after) = (value(&change.before), value(&change.after));
    let reason = if change.reason.is_empty() { String::new() } else { format!("  ({})", change.reason) };
    format!("    {}: {before} -> {after}{reason}", change.field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::execute::Counts;
    use crate::sync::Side;

    #[test]
    fn each_step_has_its_reason_and_each_field_its_values() {
        let step = StepView {
            action: "update".to_owned(),
            side: Some(Side::Google),
            google: None,
            dafater: None,
            title: "Ada".to_owned(),
            reason: "changed in dafater".to_owned(),
            changes: vec![ChangeView {
                field: "phone".to_owned(),
                before: String::new(),
                after: "+966501234567".to_owned(),
                reason: String::new(),
            }],
        };
        let plan = PlanView {
            account: "sales".parse().unwrap(),
            held: Some("3 of 4 contacts would be deleted".to_owned()),
            google: Counts { created: 0, updated: 1, deleted: 0 },
            dafater: Counts::default(),
            linked: 0,
            steps: vec![step],
        };
        insta::assert_snapshot!(text(&plan), @r"
        update in google: Ada (changed in dafater)
            phone: (nothing) -> +966501234567

        sales: google: 1 updated
        sales: the plan would be held: 3 of 4 contacts would be deleted
        ");
    }
}
