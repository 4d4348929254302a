//! `contactGroups.members.modify`: puts a label on contacts and takes it off, without touching the rest of them.

use serde::Deserialize;
use serde_json::json;

use super::GroupName;
use crate::google::client::{Call, PeopleClient, at_most, record_path};
use crate::google::error::GoogleError;
use crate::google::method::Method;
use crate::mapping::ResourceName;

/// Contacts that one call may add and remove together.
pub const MAX_MEMBERS: usize = 1000;

/// What was not done. Everything else was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct MembersModified {
    /// Contacts that do not exist.
    #[serde(rename = "notFoundResourceNames")]
    pub not_found: Vec<ResourceName>,
    /// Contacts that would be left without any label.
    #[serde(rename = "canNotRemoveLastContactGroupResourceNames")]
    pub last_label: Vec<ResourceName>,
}

impl PeopleClient {
    /// Adds contacts to a label and removes others from it.
    ///
    /// # Errors
    /// The call failed; `Gone` means that there is no such label (any more).
    pub async fn modify_members(
        &self,
        group: &GroupName,
        add: &[ResourceName],
        remove: &[ResourceName],
    ) -> Result<MembersModified, GoogleError> {
        let method = Method::MembersModify;
        at_most(method, MAX_MEMBERS, add.len() + remove.len())?;
        if add.is_empty() && remove.is_empty() {
            return Ok(MembersModified::default());
        }
        let [collection, id] = record_path(method, "contactGroups", &group.0, "")?;
        let path = [collection, id, "members:modify".to_owned()];
        let call = Call::new(method, http::Method::POST, path)
            .json(&json!({"resourceNamesToAdd": add, "resourceNamesToRemove": remove}));
        self.call(call).await
    }
}
