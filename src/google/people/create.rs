//! `people.createContact` and `people.batchCreateContacts`.
//!
//! A create has no lock: when its answer is lost, the caller looks for its own marker before it sends again.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::MAX_BATCH;
use crate::google::client::{Call, PeopleClient, at_most};
use crate::google::error::GoogleError;
use crate::google::mask::READ_SOURCE;
use crate::google::method::Method;
use crate::google::wire::PersonResponse;
use crate::mapping::Person;

impl PeopleClient {
    /// Creates one contact.
    ///
    /// # Errors
    /// The call failed, or what was created cannot be read; both may mean that the contact exists.
    pub async fn create_contact(&self, body: Map<String, Value>) -> Result<Person, GoogleError> {
        let method = Method::CreateContact;
        let call = Call::new(method, http::Method::POST, ["people:createContact"])
            .fields(self.mask())
            .json(&Value::Object(body));
        let person = self.call(call).await?;
        Person::parse(person).map_err(|source| GoogleError::Malformed { method, source })
    }

    /// Creates up to [`MAX_BATCH`] contacts, all or none.
    ///
    /// The contacts come in the order of the request as far as the reference goes; a caller re-matches them by its markers. One
    /// that is missing from the answer or cannot be read is left out: it was created, and its marker is to be looked up.
    ///
    /// # Errors
    /// The call failed; [`GoogleError::contact_errors`] names the contacts at fault when the content was refused.
    pub async fn batch_create(&self, bodies: Vec<Map<String, Value>>) -> Result<Vec<Person>, GoogleError> {
        let method = Method::BatchCreateContacts;
        at_most(method, MAX_BATCH, bodies.len())?;
        if bodies.is_empty() {
            return Ok(Vec::new());
        }
        let contacts: Vec<Value> = bodies.into_iter().map(|body| json!({"contactPerson": body})).collect();
        let call = Call::new(method, http::Method::POST, ["people:batchCreateContacts"]).json(&json!({
            "contacts": contacts,
            "readMask": self.mask().as_str(),
            "sources": [READ_SOURCE],
        }));
        let wire: Wire = self.call(call).await?;
        Ok(wire.created_people.into_iter().filter_map(PersonResponse::person).collect())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    #[serde(default)]
    created_people: Vec<PersonResponse>,
}
