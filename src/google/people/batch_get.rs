//! `people.get` and `people.getBatchGet`: contacts by name, as they are now.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::MAX_BATCH;
use crate::google::client::{Call, PeopleClient, person_path};
use crate::google::error::GoogleError;
use crate::google::mask::FieldMask;
use crate::google::method::Method;
use crate::google::wire::{NOT_FOUND, PersonResponse};
use crate::mapping::{Person, ResourceName};
use crate::remote::Disposition;

/// What a look-up by name found.
#[derive(Debug, Clone, PartialEq)]
pub enum Lookup {
    /// The contact. Its name may differ from the one asked for: then it was renamed.
    Found(Person),
    /// Google knows no contact of this name.
    Missing,
    /// Google knows the contact, and what it says of it cannot be understood.
    Malformed(String),
    /// Google could not say. This is no evidence of a deletion.
    Failed(String),
}

impl PeopleClient {
    /// Reads one contact; `None` if Google knows no contact of this name.
    ///
    /// # Errors
    /// The call failed, or the contact has no identity.
    pub async fn get(&self, name: &ResourceName) -> Result<Option<Person>, GoogleError> {
        let method = Method::Get;
        let call = Call::new(method, http::Method::GET, person_path(method, name, "")?).fields(self.mask());
        match self.call::<Value>(call).await {
            Ok(person) => {
                Person::parse(person).map(Some).map_err(|source| GoogleError::Malformed { method, source })
            }
            Err(error) if error.disposition() == Disposition::Gone => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads contacts by name, [`MAX_BATCH`] a request. Each name is looked up and answered once, in the order of its first mention.
    ///
    /// # Errors
    /// A request failed; what the requests before it found is dropped.
    pub async fn batch_get(
        &self,
        names: &[ResourceName],
    ) -> Result<Vec<(ResourceName, Lookup)>, GoogleError> {
        let mut seen = BTreeSet::new();
        let names: Vec<&ResourceName> = names.iter().filter(|name| seen.insert(*name)).collect();
        let mut found = Vec::with_capacity(names.len());
        for chunk in names.chunks(MAX_BATCH) {
            let mut answers = self.batch_get_chunk(chunk, self.mask()).await?;
            found.extend(chunk.iter().map(|name| {
                let lookup = answers.remove(name.0.as_str());
                ((*name).clone(), lookup.unwrap_or_else(|| Lookup::Failed("not answered".to_owned())))
            }));
        }
        Ok(found)
    }

    /// Reads up to [`MAX_BATCH`] contacts with every field that a contact may be created with: before-images of deletions. What
    /// cannot be read is left out.
    ///
    /// # Errors
    /// The request failed.
    pub async fn batch_get_everything(
        &self,
        names: &[ResourceName],
    ) -> Result<BTreeMap<String, Person>, GoogleError> {
        let names: Vec<&ResourceName> = names.iter().collect();
        let answers = self.batch_get_chunk(&names, &FieldMask::EVERYTHING).await?;
        let found = |(name, lookup)| match lookup {
            Lookup::Found(person) => Some((name, person)),
            Lookup::Missing | Lookup::Malformed(_) | Lookup::Failed(_) => None,
        };
        Ok(answers.into_iter().filter_map(found).collect())
    }

    async fn batch_get_chunk(
        &self,
        names: &[&ResourceName],
        mask: &FieldMask,
    ) -> Result<BTreeMap<String, Lookup>, GoogleError> {
        let method = Method::GetBatchGet;
        let mut call = Call::new(method, http::Method::GET, ["people:batchGet"]).fields(mask);
        let mut answers = BTreeMap::new();
        let mut asked = false;
        for name in names {
            // One name that Google would refuse must not spoil the look-up of the others.
            match person_path(method, name, "") {
                Ok(_) => {
                    call = call.query("resourceNames", &name.0);
                    asked = true;
                }
                Err(error) => {
                    answers.insert(name.0.clone(), Lookup::Failed(error.to_string()));
                }
            }
        }
        if asked {
            let wire: Wire = self.call(call).await?;
            answers.extend(wire.responses.into_iter().map(lookup));
        }
        Ok(answers)
    }
}

fn lookup(response: PersonResponse) -> (String, Lookup) {
    let name = response.requested_resource_name.clone();
    let status = response.status();
    let lookup = match (status.code, response.person) {
        (NOT_FOUND, _) => Lookup::Missing,
        (0, Some(person)) => match Person::parse(person) {
            Ok(person) => Lookup::Found(person),
            Err(malformed) => Lookup::Malformed(malformed.reason),
        },
        (0, None) => Lookup::Failed("answered without a contact".to_owned()),
        (code, _) => Lookup::Failed(format!("refused with code {code}: {}", status.message)),
    };
    (name, lookup)
}

#[derive(Deserialize)]
struct Wire {
    #[serde(default)]
    responses: Vec<PersonResponse>,
}
