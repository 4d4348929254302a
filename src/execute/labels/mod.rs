//! Labels: what Dafater's links put on contacts in Google.
//!
//! The contacts go first; then each label is changed with as few calls as there can be, apart from the contacts' own writes: a membership
//! needs no lock and takes a thousand contacts at once. What is to be done is written down before anything is sent, and done again where the
//! answer was lost: to put on what is on, and to take off what is off, changes nothing.
//!
//! Law: labels never hold up contacts. What fails here waits, and everything else goes on.

mod apply;
mod book;
mod plan;
mod roles;
mod undo;

use std::collections::BTreeMap;

pub(super) use self::apply::worn_at_birth;
pub(super) use self::book::LabelBook;
pub(super) use self::plan::LabelPlan;
pub(super) use self::roles::{Held, Roles};
use super::observe::Memory;
use super::{AccountEngine, EngineError};
use crate::google::GoogleError;
use crate::observe::events;
use crate::remote::Disposition;
use crate::state::Labels;
use crate::sync::{Action, LabelId, Plan, Role, Side};
use jiff::Timestamp;

impl AccountEngine {
    /// The label for contacts that the plan creates in Google; made if the account lacks it.
    pub(super) async fn label(
        &self,
        plan: &Plan,
        memory: &mut Memory,
    ) -> Result<Option<String>, EngineError> {
        let creates =
            plan.steps.iter().any(|step| matches!(step.action, Action::Create { side: Side::Google, .. }));
        let Some(name) = self.configured.label.as_ref().filter(|_| creates) else { return Ok(None) };
        let now = self.parts.clock.now();
        if memory.labels.is_none() {
            self.read_labels(memory, now).await?;
        }
        let mut roles = Roles::new(self.state().labels()?);
        let book = memory.labels.get_or_insert_default();
        let label = match roles.resolve(&Role::Created, name, book, now, self.configured.propagation) {
            Held::By(id) => id,
            Held::Absent => match self.make_label(name, memory).await {
                Ok(id) => {
                    roles.bind(&Role::Created, name, id.clone(), now);
                    id
                }
                Err(error) => return Err(error.into()),
            },
            Held::Refused => {
                self.remember_roles(&roles).await?;
                return Ok(None);
            }
        };
        self.remember_roles(&roles).await?;
        Ok(Some(label.0))
    }

    /// Reads the labels that Google has, or what changed of them.
    pub(super) async fn read_labels(&self, memory: &mut Memory, now: Timestamp) -> Result<(), EngineError> {
        let mut book = memory.labels.take().unwrap_or_default();
        book.refresh(&self.parts.google, now, self.configured.full_read_after).await?;
        memory.labels = Some(book);
        Ok(())
    }

    /// Makes a label. Where that fails all labels are read again before the next attempt: it may be there after all, because its answer was
    /// lost, or a person made it.
    async fn make_label(&self, name: &str, memory: &mut Memory) -> Result<LabelId, GoogleError> {
        match self.parts.google.create_group(name).await {
            Ok(group) => {
                let id = LabelId(group.resource_name.0.clone());
                memory.labels.get_or_insert_default().add(group);
                Ok(id)
            }
            Err(error) => {
                memory.labels = None;
                Err(error)
            }
        }
    }

    /// Remembers which label plays which role, and says which was lost.
    async fn remember_roles(&self, roles: &Roles) -> Result<(), EngineError> {
        for role in &roles.lost {
            let (account, label) = (self.state().account().clone(), roles.name(role));
            events::LabelLost { account, role: role_name(role), label }.emit();
        }
        if !roles.is_changed {
            return Ok(());
        }
        let mut changes = self.state().changes();
        changes.set_labels(&roles.labels);
        Ok(self.state().commit(changes).await?)
    }

    /// Remembers which labels the scope means, so that they keep their role under another name.
    pub(super) async fn remember_scope(&self, memory: &Memory, now: Timestamp) -> Result<(), EngineError> {
        let Some(book) = memory.labels.as_ref() else { return Ok(()) };
        let mut roles = Roles::new(self.state().labels()?);
        for name in &self.configured.policy.scope.google_labels {
            roles.resolve(&Role::Scope(name.clone()), name, book, now, self.configured.propagation);
        }
        self.remember_roles(&roles).await
    }

    /// What a person should know of the labels.
    pub(super) fn label_warning(&self) -> Result<Option<String>, EngineError> {
        let Labels(roles) = self.state().labels()?;
        let is_used = |role: &Role, name: &str| match role {
            Role::Linked(doctype) => self.configured.labels.get(doctype).is_some_and(|label| label == name),
            Role::Scope(scope) => self.configured.policy.scope.google_labels.contains(scope),
            Role::Created => self.configured.label.as_deref() == Some(name),
        };
        let lost: Vec<String> = roles
            .iter()
            .filter(|(role, bound)| bound.is_gone && is_used(role, &bound.name))
            .map(|(role, bound)| format!("{} ({})", bound.name, role_name(role)))
            .collect();
        Ok((!lost.is_empty()).then(|| {
            format!(
                "google has no label any more, or none that takes contacts, for {}; make one of that name, or change the configuration",
                lost.join(", ")
            )
        }))
    }
}

impl Roles {
    fn name(&self, role: &Role) -> String {
        self.labels.0.get(role).map(|bound| bound.name.clone()).unwrap_or_default()
    }
}

/// What a label is for, in words.
fn role_name(role: &Role) -> String {
    match role {
        Role::Created => "created by the sync".to_owned(),
        Role::Linked(doctype) => format!("linked to {doctype}"),
        Role::Scope(_) => "the scope".to_owned(),
    }
}

/// How long a failure of Google keeps labels waiting.
fn rest_after(error: &GoogleError, attempts: u32) -> jiff::SignedDuration {
    let own = jiff::SignedDuration::from_secs((60_i64 << attempts.min(6)).min(3_600));
    match error.disposition() {
        Disposition::Throttled { retry_after: Some(wait) } => {
            jiff::SignedDuration::try_from(wait).unwrap_or(own).max(own)
        }
        Disposition::Throttled { retry_after: None }
        | Disposition::Unavailable
        | Disposition::InDoubt
        | Disposition::Stale
        | Disposition::Gone
        | Disposition::Refused
        | Disposition::Forbidden
        | Disposition::Unauthorized
        | Disposition::CursorExpired
        | Disposition::Protocol => own,
    }
}

/// Until when labels wait, and after how many failures.
#[derive(Debug, Clone, Default)]
pub(super) struct Rest {
    pub(super) until: Option<Timestamp>,
    pub(super) attempts: u32,
}

/// Names of labels by their address, for people.
type Names = BTreeMap<LabelId, String>;
