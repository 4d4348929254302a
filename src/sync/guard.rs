//! The last look before a plan is carried out: does it do more harm than an operator wanted to allow, or anything that only a
//! person can know to be right?

use std::collections::BTreeSet;

use super::pair::hex_digest;
use super::{FirstSync, PairId, Plan, Policy, Step};

/// Whether a plan may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may.
    Go,
    /// It waits, whole, until a person approves it.
    Hold {
        /// Why, with figures.
        reason: String,
        /// Identifies what is destroyed or perhaps resurrected, so that an approval holds for just that.
        digest: String,
    },
}

/// What a person has said about an earlier hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approval {
    /// The digest that was approved.
    pub digest: Option<String>,
}

/// Judges a plan.
///
/// A deletion, and an update that leaves a record without any content, count as destroyed. The limit is a share of all pairs,
/// but one record may always go unless the share is 0: otherwise nobody with nine contacts could delete one. Whoever may have
/// been deleted while nothing was remembered is never brought back unasked.
#[must_use]
pub fn judge(
    plan: &Plan,
    total_pairs: usize,
    is_first: bool,
    policy: &Policy,
    approval: &Approval,
) -> Verdict {
    let destroyed = plan.steps.iter().filter(|step| step.destroys()).count();
    let digest = digest(plan, &BTreeSet::new());
    if approval.digest.as_ref() == Some(&digest) {
        return Verdict::Go;
    }
    let writes =
        plan.steps.iter().any(|step| step.writes(super::Side::Google) || step.writes(super::Side::Dafater));
    if is_first && policy.first_sync == FirstSync::Hold && writes {
        let reason = "it is the first plan of this account, and first_sync = \"hold\"".to_owned();
        return Verdict::Hold { reason, digest };
    }
    let doubtful = plan.steps.iter().filter(|step| plan.may_resurrect(step)).count();
    if doubtful > 0 {
        let reason = format!(
            "nothing is remembered of this account, though it was synced before; {doubtful} contacts stand on one side only and may be \
             new, or deleted on the other: `approve` carries them across, `discard` leaves them where they are"
        );
        return Verdict::Hold { reason, digest };
    }
    let share = total_pairs.saturating_mul(usize::from(policy.max_deletes_percent)) / 100;
    let limit = if policy.max_deletes_percent == 0 { 0 } else { share.max(1) };
    if destroyed > limit {
        let reason = format!(
            "it would delete or empty {} of {total_pairs} contacts; max_deletes_percent = {} allows {limit}",
            destroyed, policy.max_deletes_percent
        );
        return Verdict::Hold { reason, digest };
    }
    Verdict::Go
}

/// Identifies what the plan deletes, empties or perhaps resurrects, without what is `done`: the same records give the same digest.
#[must_use]
pub fn digest(plan: &Plan, done: &BTreeSet<PairId>) -> String {
    let is_asked = |step: &&Step| step.destroys() || plan.may_resurrect(step);
    let left = plan.steps.iter().filter(|step| !done.contains(&step.pair));
    let asked: Vec<&str> = left.filter(is_asked).map(|step| step.pair.as_str()).collect();
    hex_digest(&asked.join(","), 8)
}
