//! From a snapshot to a plan: what is written where, and why.
//!
//! Law: a plan is plain data. Computing it twice from the same snapshot gives the same plan, and carrying it out twice changes
//! nothing the second time.

mod candidates;
mod forgotten;
mod planner;
mod reunion;
mod singles;
mod undo;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use self::planner::Planner;
pub use self::undo::{Deed, DeedKind, LeftAlone, Undo};
use super::snapshot::Snapshot;
use super::{Conflict, Loose, Merged, Origin, Pair, PairId, Policy, RecordId, Review, Side, Withheld};
use crate::contact::Contact;
use crate::mapping::{Document, Person};

/// Everything that the next cycle does.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One step a pair, in the order of their ids.
    pub steps: Vec<Step>,
    /// Records that stay alone, as they must be remembered.
    pub loose: Vec<Loose>,
    /// Ambiguous matches.
    pub reviews: Vec<Review>,
    /// Records that are remembered as loose and are gone.
    pub vanished: Vec<RecordId>,
    /// Whether no pair is remembered although the records show that the account was synced before: the memory was lost.
    pub is_rebuilt: bool,
    /// What records looked like that are created anew.
    pub images: BTreeMap<(PairId, Side), Image>,
}

/// A record that was deleted and is created anew.
#[derive(Debug, Clone, PartialEq)]
pub struct Image {
    /// Its JSON, as its side showed it.
    pub fields: Map<String, Value>,
    /// By which the new one is looked for while it is in doubt whether it was created.
    pub record: RecordId,
}

/// What happens to one pair.
#[derive(Debug, Clone)]
pub struct Step {
    /// The pair.
    pub pair: PairId,
    /// How the pair came (or comes) to be.
    pub origin: Origin,
    /// The pair as stored; `None` for one that is made by this step.
    pub before: Option<Pair>,
    /// What both sides agreed on although no pair says so: the receipt of the create that wrote it was lost.
    pub agreed: Option<Box<(Contact, Contact)>>,
    /// Google's record as observed.
    pub google: Option<Person>,
    /// Dafater's record as observed.
    pub dafater: Option<Document>,
    /// What is done.
    pub action: Action,
    /// Why, as a clause.
    pub reason: &'static str,
}

/// The kinds of step.
#[expect(clippy::large_enum_variant, reason = "a step holds one, in a list that is built once and read")]
#[derive(Debug, Clone)]
pub enum Action {
    /// Both records exist: write what differs (perhaps nothing) and remember the new base.
    Merge(Box<Merged>),
    /// One record exists: create the other.
    Create {
        /// The side on which it is created.
        side: Side,
        /// What it will say.
        contact: Contact,
        /// What it cannot hold.
        withheld: Vec<Withheld>,
    },
    /// The counterpart of a deleted record is deleted too.
    Delete {
        /// The side on which it is deleted.
        side: Side,
    },
    /// The pair is dissolved; the record that is left stays and is remembered.
    Detach {
        /// The side on which a record is left.
        left: Side,
    },
    /// A record left the scope: the pair is dissolved and remembered, both records stay.
    Leave,
    /// Both records are gone: the pair is forgotten.
    Forget,
    /// What must be written cannot be written yet: looked at again in the next cycle.
    Postpone,
}

impl Step {
    /// The sides that this step writes.
    #[must_use]
    pub fn writes(&self, side: Side) -> bool {
        match &self.action {
            Action::Merge(merged) => match side {
                Side::Google => !merged.google.fields.is_empty(),
                Side::Dafater => !merged.dafater.fields.is_empty(),
            },
            Action::Create { side: to, .. } | Action::Delete { side: to } => *to == side,
            Action::Detach { .. } | Action::Leave | Action::Forget | Action::Postpone => false,
        }
    }

    /// Whether this step deletes a record, or leaves one without any content.
    #[must_use]
    pub fn destroys(&self) -> bool {
        match &self.action {
            Action::Delete { .. } => true,
            Action::Merge(merged) => [&merged.google, &merged.dafater]
                .into_iter()
                .any(|target| !target.fields.is_empty() && target.contact.is_empty()),
            Action::Create { .. }
            | Action::Detach { .. }
            | Action::Leave
            | Action::Forget
            | Action::Postpone => false,
        }
    }

    /// Whether the step makes a pair of two records that both existed.
    #[must_use]
    pub fn links(&self) -> bool {
        self.meets() && self.origin == Origin::Matched && matches!(self.action, Action::Merge(_))
    }

    /// Whether its records meet for the first time.
    #[must_use]
    pub fn meets(&self) -> bool {
        self.before.is_none() || self.is_rejoined()
    }

    /// Whether one of the pair's records was replaced by another: it was deleted, and stands again (restored, or typed again).
    /// What both had agreed on does not hold for the new one.
    #[must_use]
    pub fn is_rejoined(&self) -> bool {
        let (Some(before), Action::Merge(_)) = (&self.before, &self.action) else { return false };
        let is_other_person =
            self.google.as_ref().is_some_and(|person| person.source_id != before.google.source_id);
        let is_other_document = self
            .dafater
            .as_ref()
            .is_some_and(|document| document.creation.civil() != before.dafater.creation.civil());
        is_other_person || is_other_document
    }

    /// What both records last agreed on, as far as it holds for them: (Google's, Dafater's).
    #[must_use]
    pub fn base(&self) -> (Contact, Contact) {
        if let Some(agreed) = &self.agreed {
            return agreed.as_ref().clone();
        }
        // With a record that is new nothing was agreed on, whatever was with the one before it.
        let is_new = self.is_rejoined() || matches!(self.action, Action::Create { .. });
        match &self.before {
            Some(pair) if !is_new => (pair.google.contact.clone(), pair.dafater.contact.clone()),
            Some(_) | None => (Contact::default(), Contact::default()),
        }
    }

    /// The conflicts that this step leaves open.
    pub fn conflicts(&self) -> impl Iterator<Item = Conflict> {
        let open = match &self.action {
            Action::Merge(merged) => merged.conflicts.as_slice(),
            Action::Create { .. }
            | Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Leave
            | Action::Forget
            | Action::Postpone => &[],
        };
        open.iter().map(|open| Conflict {
            pair: self.pair.clone(),
            field: open.field.clone(),
            base: open.base.clone(),
            google: open.google.clone(),
            dafater: open.dafater.clone(),
            resolution: None,
        })
    }
}

impl Plan {
    /// Whether a step may bring back somebody who was deleted on purpose: without a memory, a record that stands on one side only
    /// may be new, or the one that is left of a pair.
    #[must_use]
    pub fn may_resurrect(&self, step: &Step) -> bool {
        self.is_rebuilt && matches!(step.action, Action::Create { .. })
    }

    /// Whether a step counts where a person is asked: it destroys something, or may bring somebody back.
    #[must_use]
    pub fn asks(&self, step: &Step) -> bool {
        step.destroys() || self.may_resurrect(step)
    }

    /// Computes the plan.
    #[must_use]
    pub fn compute(snapshot: &Snapshot, policy: &Policy) -> Self {
        Planner::new(snapshot, policy).plan()
    }
}
