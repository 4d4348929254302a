//! The `contactGroups` resource: Google's labels.

mod members;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Call, PeopleClient};
use super::error::GoogleError;
use super::method::Method;
use super::people::{PAGE_SIZE, SyncToken};
use super::wire::non_empty;

pub use members::{MAX_MEMBERS, MembersModified};

/// `contactGroups/…`: address of a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GroupName(pub String);

/// Who made a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupKind {
    /// A person or a program; its name is free.
    User,
    /// Google: `myContacts`, `starred`, … Its name is fixed.
    System,
}

/// A label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Address of the label.
    pub resource_name: GroupName,
    /// Name, in Google's own words for system labels.
    pub name: String,
    /// Who made it.
    pub kind: GroupKind,
    /// Whether this is a tombstone.
    pub deleted: bool,
    /// Contacts that carry it.
    pub member_count: u64,
}

/// All labels, or what changed since a sync token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The labels; tombstones among them when the read started from a sync token.
    pub groups: Vec<Group>,
    /// The cursor for the next read. Labels have their own, apart from the contacts'.
    pub next_sync_token: Option<SyncToken>,
}

impl Groups {
    /// The resource names of the labels by their names.
    #[must_use]
    pub fn by_name(&self) -> BTreeMap<String, String> {
        let live = self.groups.iter().filter(|group| !group.deleted);
        live.map(|group| (group.name.clone(), group.resource_name.0.clone())).collect()
    }
}

impl PeopleClient {
    /// Reads all pages of labels.
    ///
    /// # Errors
    /// The call failed; `CursorExpired` means that the read must start over without a sync token.
    pub async fn list_groups(&self, sync_token: Option<&SyncToken>) -> Result<Groups, GoogleError> {
        let method = Method::ContactGroupsList;
        let mut groups = Vec::new();
        let mut page_token: Option<String> = None;
        loop {
            let mut call = Call::new(method, http::Method::GET, ["contactGroups"])
                .query("pageSize", PAGE_SIZE.to_string())
                .query("groupFields", GROUP_FIELDS)
                .since(sync_token.map(|token| token.0.as_str()));
            if let Some(token) = &page_token {
                call = call.query("pageToken", token);
            }
            let wire: Wire = self.call(call).await?;
            groups.extend(wire.contact_groups.into_iter().map(Group::from));
            let next = non_empty(wire.next_page_token);
            if next.is_none() {
                let next_sync_token = non_empty(wire.next_sync_token).map(SyncToken);
                return Ok(Groups { groups, next_sync_token });
            }
            if next == page_token {
                let reason = "the next page is the same page".to_owned();
                return Err(GoogleError::Unintelligible { method, reason });
            }
            page_token = next;
        }
    }

    /// Creates a label.
    ///
    /// # Errors
    /// The call failed; `Refused` with status 409 means that a label of this name exists.
    pub async fn create_group(&self, name: &str) -> Result<Group, GoogleError> {
        let method = Method::ContactGroupsCreate;
        let call = Call::new(method, http::Method::POST, ["contactGroups"]).json(&json!({
            "contactGroup": {"name": name},
            "readGroupFields": GROUP_FIELDS,
        }));
        let group: WireGroup = self.call(call).await?;
        Ok(group.into())
    }
}

const GROUP_FIELDS: &str = "metadata,groupType,memberCount,name";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    contact_groups: Vec<WireGroup>,
    next_page_token: Option<String>,
    next_sync_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireGroup {
    resource_name: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    group_type: String,
    #[serde(default)]
    metadata: Value,
    member_count: Option<u64>,
}

impl From<WireGroup> for Group {
    fn from(wire: WireGroup) -> Self {
        let system = wire.group_type == "SYSTEM_CONTACT_GROUP";
        Self {
            resource_name: GroupName(wire.resource_name),
            name: wire.name,
            kind: if system { GroupKind::System } else { GroupKind::User },
            deleted: wire.metadata.get("deleted").and_then(Value::as_bool).unwrap_or(false),
            member_count: wire.member_count.unwrap_or(0),
        }
    }
}

#[cfg(test)]
mod tests;
