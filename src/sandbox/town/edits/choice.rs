//! Who can be edited: people who are clear and stand on both sides, whoever brought them there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::{Household, Town, TownError};
use crate::sandbox::comparison;

/// The people who are left to be edited.
pub(super) struct Choice {
    /// Both sides had them.
    pub(super) shared: Vec<Household>,
    /// The sync brought them from Google to Dafater.
    pub(super) from_google: Vec<Household>,
    /// The sync brought them from Dafater to Google.
    pub(super) from_dafater: Vec<Household>,
}

impl Choice {
    /// Takes the first household that `suits`, trying the three kinds in turns.
    pub(super) fn take<T>(
        &mut self,
        turn: usize,
        mut suits: impl FnMut(&Household) -> Result<Option<T>, TownError>,
    ) -> Result<Option<(Household, T)>, TownError> {
        let mut kinds = [&mut self.shared, &mut self.from_google, &mut self.from_dafater];
        kinds.rotate_left(turn % 3);
        for kind in kinds {
            for index in (0..kind.len()).rev() {
                let found = kind.get(index).map(&mut suits).transpose()?.flatten();
                if let Some(found) = found {
                    return Ok(Some((kind.remove(index), found)));
                }
            }
        }
        Ok(None)
    }
}

impl Town {
    /// Everybody who can be edited in the first account and in Dafater. `waiting`: records that wait for a person.
    pub(super) fn choice(&self, waiting: &BTreeSet<String>) -> Result<Choice, TownError> {
        let mut choice = Choice { shared: Vec::new(), from_google: Vec::new(), from_dafater: Vec::new() };
        let Some(account) = self.accounts.first() else { return Ok(choice) };
        let text = |record: &Value, key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut made_in_dafater: BTreeMap<String, String> = BTreeMap::new();
        let mut creations: BTreeMap<String, String> = BTreeMap::new();
        for contact in self.site().contacts() {
            let Some(name) = text(&contact, "name") else { continue };
            creations.extend(text(&contact, "creation").map(|creation| (name.clone(), creation)));
            made_in_dafater.extend(text(&contact, "google_contacts_id").map(|id| (id, name)));
        }
        let mut made_in_google: BTreeMap<String, String> = BTreeMap::new();
        let mut waits: BTreeSet<String> = BTreeSet::new();
        for person in self.persons(account)? {
            let Some(resource) = text(&person, "resourceName") else { continue };
            if waiting.contains(&format!("google:{}", comparison::source_id(&person))) {
                waits.insert(resource.clone());
            }
            made_in_google.extend(comparison::origin(&person).map(|creation| (creation, resource)));
        }
        for household in self.households.iter().filter(|household| household.is_plain) {
            let resource = household.google.iter().find(|(of, _)| *of == 0).map(|(_, resource)| resource);
            let is_waiting = resource.is_some_and(|resource| waits.contains(resource))
                || household.dafater.iter().any(|name| waiting.contains(&format!("dafater:{name}")));
            if is_waiting {
                continue;
            }
            let mut household = household.clone();
            match (resource.cloned(), household.dafater.first()) {
                (Some(_), Some(_)) => choice.shared.push(household),
                (Some(resource), None) => {
                    household.dafater.extend(made_in_dafater.get(&resource).cloned());
                    choice.from_google.extend(Some(household).filter(|both| !both.dafater.is_empty()));
                }
                (None, Some(name)) if household.google.is_empty() => {
                    let copy = creations.get(name).and_then(|creation| made_in_google.get(creation));
                    household.google.extend(copy.map(|resource| (0, resource.clone())));
                    choice.from_dafater.extend(Some(household).filter(|both| !both.google.is_empty()));
                }
                (None, _) => {}
            }
        }
        Ok(choice)
    }
}
