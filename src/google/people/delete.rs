//! `people.deleteContact` and `people.batchDeleteContacts`. Neither takes a lock: the caller reads the contact first.

use serde::de::IgnoredAny;
use serde_json::json;

use crate::google::client::{Call, PeopleClient, at_most, person_path};
use crate::google::error::GoogleError;
use crate::google::method::Method;
use crate::mapping::ResourceName;

/// Contacts that one batch may delete.
pub const MAX_BATCH_DELETE: usize = 500;

impl PeopleClient {
    /// Moves one contact to the trash.
    ///
    /// # Errors
    /// The call failed; `Gone` means that there is no such contact (any more).
    pub async fn delete_contact(&self, name: &ResourceName) -> Result<(), GoogleError> {
        let method = Method::DeleteContact;
        let path = person_path(method, name, ":deleteContact")?;
        let _: IgnoredAny = self.call(Call::new(method, http::Method::DELETE, path)).await?;
        Ok(())
    }

    /// Moves up to [`MAX_BATCH_DELETE`] contacts to the trash.
    ///
    /// # Errors
    /// The call failed; `Gone` means that at least one does not exist (any more), and none was deleted by this call.
    pub async fn batch_delete(&self, names: &[ResourceName]) -> Result<(), GoogleError> {
        let method = Method::BatchDeleteContacts;
        at_most(method, MAX_BATCH_DELETE, names.len())?;
        if names.is_empty() {
            return Ok(());
        }
        let call = Call::new(method, http::Method::POST, ["people:batchDeleteContacts"])
            .json(&json!({"resourceNames": names}));
        let _: IgnoredAny = self.call(call).await?;
        Ok(())
    }
}
