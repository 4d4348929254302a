//! Whether somebody stands on a side more often than people wrote them down.

use std::collections::BTreeMap;

use serde_json::Value;

use super::own;

/// How often each name is found at each address or number.
#[derive(Debug, Clone, Default)]
pub struct Crowd(BTreeMap<(String, String), usize>);

impl Crowd {
    /// Of people in Google.
    #[must_use]
    pub fn of_google(persons: &[Value]) -> Self {
        Self::count(
            persons,
            &[("emailAddresses", "value", own::email), ("phoneNumbers", "value", own::phone)],
        )
    }

    /// Of contacts in Dafater.
    #[must_use]
    pub fn of_dafater(documents: &[Value]) -> Self {
        Self::count(documents, &[("email_ids", "email_id", own::email), ("phone_nos", "phone", own::phone)])
    }

    fn count(records: &[Value], lists: &[List]) -> Self {
        let mut crowd = Self::default();
        for record in records {
            let name = own::title(record).to_lowercase();
            let mut keys: Vec<String> = Vec::new();
            for (list, column, key) in lists {
                keys.extend(own::list(record, list).iter().map(|item| key(own::field(item, column))));
            }
            keys.sort();
            keys.dedup();
            for key in keys {
                *crowd.0.entry((name.clone(), key)).or_default() += 1;
            }
        }
        crowd
    }

    /// The larger of two counts: somebody who stands twice on one side may stand twice on the other.
    pub fn allow(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            let own = self.0.entry(key.clone()).or_default();
            *own = (*own).max(*count);
        }
    }

    /// Who stands in `later` more often than allowed, as sentences.
    #[must_use]
    pub fn doubled(&self, later: &Self, side: &str) -> Vec<String> {
        let mut doubled = Vec::new();
        for ((name, key), count) in &later.0 {
            let allowed = self.0.get(&(name.clone(), key.clone())).copied().unwrap_or(1).max(1);
            if *count > allowed {
                doubled.push(format!(
                    "{name} ({key}) stands {count} times in {side}, and was written {allowed} times"
                ));
            }
        }
        doubled
    }
}

/// A list of a record, the key of a value in it, and what a value is known by.
type List = (&'static str, &'static str, fn(&str) -> String);
