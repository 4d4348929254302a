//! `people.updateContact` and `people.batchUpdateContacts`.
//!
//! Each path of the mask is replaced whole; a path whose field is absent from the body is emptied. Bodies carry their lock
//! ([`crate::google::with_lock`]).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::MAX_BATCH;
use crate::google::client::{Call, PeopleClient, at_most, person_path};
use crate::google::error::GoogleError;
use crate::google::mask::{READ_SOURCE, UpdateMask};
use crate::google::method::Method;
use crate::google::wire::PersonResponse;
use crate::mapping::{Person, ResourceName};

impl PeopleClient {
    /// Updates one contact and returns it as it is now, with the etag for a further update.
    ///
    /// # Errors
    /// The call failed; `Stale` means that the contact changed since its lock was read.
    pub async fn update_contact(
        &self,
        name: &ResourceName,
        mask: &UpdateMask,
        body: Map<String, Value>,
    ) -> Result<Person, GoogleError> {
        let method = Method::UpdateContact;
        refuse_empty(method, mask)?;
        let path = person_path(method, name, ":updateContact")?;
        let call = Call::new(method, http::Method::PATCH, path)
            .query("updatePersonFields", mask.to_string())
            .fields(self.mask())
            .json(&Value::Object(body));
        let person = self.call(call).await?;
        Person::parse(person).map_err(|source| GoogleError::Malformed { method, source })
    }

    /// Updates up to [`MAX_BATCH`] contacts with one mask, all or none, and returns them by the name they were sent under.
    ///
    /// One that is missing from the answer or cannot be read is left out: it was written, and is to be read again.
    ///
    /// # Errors
    /// The call failed; [`GoogleError::contact_errors`] names the contacts at fault when the content or a lock was refused.
    pub async fn batch_update(
        &self,
        mask: &UpdateMask,
        bodies: Vec<(ResourceName, Map<String, Value>)>,
    ) -> Result<BTreeMap<ResourceName, Person>, GoogleError> {
        let method = Method::BatchUpdateContacts;
        refuse_empty(method, mask)?;
        at_most(method, MAX_BATCH, bodies.len())?;
        if bodies.is_empty() {
            return Ok(BTreeMap::new());
        }
        let count = bodies.len();
        let contacts: Map<String, Value> =
            bodies.into_iter().map(|(name, body)| (name.0, Value::Object(body))).collect();
        if contacts.len() < count {
            let reason = "one contact is updated twice".to_owned();
            return Err(GoogleError::Unsendable { method, reason });
        }
        let call = Call::new(method, http::Method::POST, ["people:batchUpdateContacts"]).json(&json!({
            "contacts": contacts,
            "updateMask": mask.to_string(),
            "readMask": self.mask().as_str(),
            "sources": [READ_SOURCE],
        }));
        let wire: Wire = self.call(call).await?;
        let people = wire.update_result.into_iter();
        Ok(people.filter_map(|(name, response)| Some((ResourceName(name), response.person()?))).collect())
    }
}

/// Without a path there is nothing to write, and Google refuses the call.
fn refuse_empty(method: Method, mask: &UpdateMask) -> Result<(), GoogleError> {
    if mask.is_empty() {
        return Err(GoogleError::Unsendable { method, reason: "the update mask is empty".to_owned() });
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    update_result: BTreeMap<String, PersonResponse>,
}
