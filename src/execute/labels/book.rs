//! The labels that Google has, as far as they were read: all once, then what changed.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};

use crate::execute::EngineError;
use crate::google::{Group, GroupKind, Groups, PeopleClient, SyncToken};
use crate::remote::Disposition;
use crate::sync::LabelId;

/// The labels of one account. Losing it costs a request.
#[derive(Debug, Clone, Default)]
pub(in crate::execute) struct LabelBook {
    live: BTreeMap<LabelId, Group>,
    /// Labels of which a tombstone was seen.
    buried: BTreeSet<LabelId>,
    /// Where the next read of changes starts. Labels have a cursor of their own.
    token: Option<SyncToken>,
    /// When all labels were read.
    read_at: Option<Timestamp>,
}

/// System labels that take members. API: contacts can be added to user labels and to these two only.
const OPEN_SYSTEM_LABELS: [&str; 2] = ["contactGroups/myContacts", "contactGroups/starred"];

impl LabelBook {
    /// Reads what changed, or everything where the cursor is too old (`longest`), unknown or expired.
    pub(in crate::execute) async fn refresh(
        &mut self,
        google: &PeopleClient,
        now: Timestamp,
        longest: SignedDuration,
    ) -> Result<(), EngineError> {
        let is_young = self.read_at.is_some_and(|at| now.duration_since(at) < longest);
        if let Some(token) = self.token.clone().filter(|_| is_young) {
            match google.list_groups(Some(&token)).await {
                Ok(changed) => {
                    self.take(changed);
                    return Ok(());
                }
                Err(error) if error.disposition() == Disposition::CursorExpired => {}
                Err(error) => return Err(error.into()),
            }
        }
        let all = google.list_groups(None).await?;
        *self = Self { read_at: Some(now), ..Self::default() };
        self.take(all);
        Ok(())
    }

    fn take(&mut self, groups: Groups) {
        for group in groups.groups {
            let id = LabelId(group.resource_name.0.clone());
            if group.deleted {
                self.live.remove(&id);
                self.buried.insert(id);
            } else {
                self.live.insert(id, group);
            }
        }
        if let Some(token) = groups.next_sync_token {
            self.token = Some(token);
        }
    }

    /// Adds a label that was made a moment ago.
    pub(in crate::execute) fn add(&mut self, group: Group) {
        self.live.insert(LabelId(group.resource_name.0.clone()), group);
    }

    /// The label that people mean by `name`: one of their own, else one of Google's.
    pub(in crate::execute) fn find(&self, name: &str) -> Option<&LabelId> {
        let own = self.live.iter().find(|(_, group)| group.kind == GroupKind::User && group.name == name);
        let spoken = |text: &str| text.replace(' ', "").to_lowercase();
        let systems = || {
            let is_meant = |group: &Group| spoken(&group.name) == spoken(name);
            self.live.iter().find(|(_, group)| group.kind == GroupKind::System && is_meant(group))
        };
        own.or_else(systems).map(|(id, _)| id)
    }

    /// Whether contacts can be added to the label.
    pub(in crate::execute) fn takes_members(&self, id: &LabelId) -> bool {
        self.live
            .get(id)
            .is_some_and(|group| group.kind == GroupKind::User || OPEN_SYSTEM_LABELS.contains(&id.0.as_str()))
    }

    /// Whether the label is there.
    pub(in crate::execute) fn has(&self, id: &LabelId) -> bool {
        self.live.contains_key(id)
    }

    /// Whether the label was seen deleted.
    pub(in crate::execute) fn is_buried(&self, id: &LabelId) -> bool {
        self.buried.contains(id)
    }

    /// The label's name now, or its address where it is not known.
    pub(in crate::execute) fn name<'a>(&'a self, id: &'a LabelId) -> &'a str {
        self.live.get(id).map_or(id.0.as_str(), |group| group.name.as_str())
    }
}
