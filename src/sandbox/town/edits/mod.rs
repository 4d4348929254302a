//! What people do in the sandbox: every field, in both directions, at once, against each other.
//!
//! Each edit says what must stand on the other side afterwards, so that a sync which agreed by taking an edit back is found out.

mod in_dafater;
mod in_google;

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Household, Town, TownError};
use crate::remote::Clock as _;
use crate::sandbox::comparison;

/// A change of one record: the fields to save, and what the other side must then say. `None`: the record has nothing to change.
type Change = fn(&Value, &str) -> Option<(Value, Wish)>;

/// What a record must say.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wish {
    /// This text at this place.
    Text(&'static str, String),
    /// An address or number among the values of this list.
    Has(&'static str, String),
    /// No such address or number.
    HasNot(&'static str, String),
    /// This one is the primary.
    Primary(&'static str, String),
    /// Nothing in particular.
    Nothing,
}

/// A side of the town.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Google,
    Dafater,
}

/// What must be true after the next sync.
#[derive(Debug, Clone)]
pub(super) struct Expectation {
    /// What was done, in words.
    what: String,
    household: Household,
    place: Place,
    demand: Demand,
}

#[derive(Debug, Clone)]
enum Demand {
    Wish(Wish),
    /// The record is gone.
    Gone,
    /// The record is there.
    There,
    /// Exactly one record holds this text.
    Once(String),
}

/// All edits, and what they must lead to.
#[derive(Debug, Clone, Default)]
pub(super) struct Edits {
    pub(super) expectations: Vec<Expectation>,
    /// Edits for which the town had nobody left.
    pub(super) left_out: usize,
    /// Records that the policy on deletions leaves alone.
    pub(super) left_alone: BTreeSet<String>,
    /// What was edited, in words.
    pub(super) done: Vec<String>,
}

/// People who can be edited: who is clear and stands on both sides.
struct Choice {
    households: Vec<Household>,
}

impl Town {
    /// Lets people edit. `waiting`: records that wait for a person and so are in no pair.
    pub(super) async fn edit(&self, waiting: &BTreeSet<String>) -> Result<Edits, TownError> {
        let mut edits = Edits::default();
        let mut choice = Choice { households: self.paired(waiting)? };
        for (what, change) in in_google::CHANGES {
            self.edit_one(Place::Google, what, *change, &mut choice, &mut edits)?;
        }
        for (what, change) in in_dafater::CHANGES {
            self.edit_one(Place::Dafater, what, *change, &mut choice, &mut edits)?;
        }
        self.edit_both(&mut choice, &mut edits).await?;
        self.delete(&mut choice, &mut edits, waiting)?;
        self.add(&mut edits)?;
        Ok(edits)
    }

    /// Households with a record in the first account and one in Dafater, wherever they began.
    fn paired(&self, waiting: &BTreeSet<String>) -> Result<Vec<Household>, TownError> {
        let mut paired = Vec::new();
        let first = self.accounts.first().map(|account| account.email.clone()).unwrap_or_default();
        for household in self.households.iter().filter(|household| household.is_plain) {
            let google: Vec<_> = household.google.iter().filter(|(account, _)| *account == 0).collect();
            if let ([(_, resource)], [document]) = (google.as_slice(), household.dafater.as_slice()) {
                let id = self
                    .google()
                    .person(&first, resource)?
                    .map(|person| comparison::source_id(&person).to_owned());
                let is_waiting = waiting.contains(&format!("dafater:{document}"))
                    || id.is_none_or(|id| waiting.contains(&format!("google:{id}")));
                if !is_waiting {
                    paired.push(household.clone());
                }
            }
        }
        Ok(paired)
    }

    fn edit_one(
        &self,
        place: Place,
        what: &str,
        change: Change,
        choice: &mut Choice,
        edits: &mut Edits,
    ) -> Result<(), TownError> {
        let token = format!("{}", edits.done.len() + 100);
        for index in (0..choice.households.len()).rev() {
            let Some(household) = choice.households.get(index).cloned() else { continue };
            let (Some(record), Some(other)) =
                (self.record(place, &household)?, self.record(place.other(), &household)?)
            else {
                continue;
            };
            let Some((fields, wish)) = change(&record, &token) else { continue };
            // What is removed here must have stood there, or nothing is shown.
            if !wish.is_news(&other) {
                continue;
            }
            choice.households.remove(index);
            self.save(place, &household, fields)?;
            let what = format!("{what} in {}", place.name());
            edits.done.push(what.clone());
            edits.expectations.push(Expectation {
                what,
                household,
                place: place.other(),
                demand: Demand::Wish(wish),
            });
            return Ok(());
        }
        edits.left_out += 1;
        Ok(())
    }

    /// Both sides change the same contact: different fields, then the same field in both orders.
    async fn edit_both(&self, choice: &mut Choice, edits: &mut Edits) -> Result<(), TownError> {
        let title = |record: &Value, text: &str| in_google::work(record, "title", text);
        for (what, google, dafater, winner) in [
            ("different fields of one contact on both sides", "Joint Title", None, None),
            (
                "a conflict that Dafater wins, being newer",
                "Lost Title",
                Some("Won Title"),
                Some(Place::Dafater),
            ),
            (
                "a conflict that Google wins, being newer",
                "Won Title",
                Some("Lost Title"),
                Some(Place::Google),
            ),
        ] {
            let Some(household) = choice.households.pop() else {
                edits.left_out += 1;
                continue;
            };
            let Some(person) = self.record(Place::Google, &household)? else { continue };
            let in_google = title(&person, google);
            let in_dafater = match dafater {
                Some(text) => json!({ "designation": text }),
                None => json!({ "department": "Joint Department" }),
            };
            let order = match winner {
                Some(Place::Google) => [(Place::Dafater, in_dafater), (Place::Google, in_google)],
                Some(Place::Dafater) | None => [(Place::Google, in_google), (Place::Dafater, in_dafater)],
            };
            for (place, fields) in order {
                self.save(place, &household, fields)?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            let wishes = match winner {
                None => vec![
                    (Place::Dafater, Wish::Text("/designation", google.to_owned())),
                    (Place::Google, Wish::Text("department", "Joint Department".to_owned())),
                ],
                Some(winner) => vec![
                    (Place::Google, Wish::Text("title", "Won Title".to_owned())),
                    (Place::Dafater, Wish::Text("/designation", "Won Title".to_owned())),
                ]
                .into_iter()
                .filter(|(place, _)| *place != winner || dafater.is_some())
                .collect(),
            };
            for (place, wish) in wishes {
                let (what, household) = (what.to_owned(), household.clone());
                edits.expectations.push(Expectation { what, household, place, demand: Demand::Wish(wish) });
            }
            edits.done.push(what.to_owned());
        }
        Ok(())
    }

    /// Deletes on each side somebody whom the sync brought to the other, and somebody whom both had from the start.
    fn delete(
        &self,
        choice: &mut Choice,
        edits: &mut Edits,
        waiting: &BTreeSet<String>,
    ) -> Result<(), TownError> {
        let now = self.clock.now();
        let Some(account) = self.accounts.first() else { return Ok(()) };
        let only_google = self.households.iter().rev().find(|household| {
            household.is_plain
                && household.dafater.is_empty()
                && household.google.first().is_some_and(|(of, _)| *of == 0)
        });
        let only_dafater = self.households.iter().rev().find(|household| {
            let is_waiting =
                household.dafater.iter().any(|name| waiting.contains(&format!("dafater:{name}")));
            household.is_plain && household.google.is_empty() && !is_waiting
        });
        match only_google.and_then(|household| Some((household, household.google.first()?))) {
            Some((household, (_, resource))) => {
                let copy = self.copies_of_person(resource);
                self.google().delete_person(&account.email, resource, now)?;
                let household = Household { dafater: copy, ..household.clone() };
                edits.gone(
                    "a deletion in Google of somebody whom the sync brought to Dafater",
                    household,
                    Place::Dafater,
                );
            }
            None => edits.left_out += 1,
        }
        match only_dafater.and_then(|household| Some((household, household.dafater.first()?))) {
            Some((household, document)) => {
                let copies = self.copies_of_document(document)?;
                self.site().delete(document, now)?;
                let household = Household { google: copies, ..household.clone() };
                edits.gone(
                    "a deletion in Dafater of somebody whom the sync brought to Google",
                    household,
                    Place::Google,
                );
            }
            None => edits.left_out += 1,
        }
        for what in [
            "a deletion in Google of somebody whom both sides had",
            "a deletion in Dafater of somebody whom both sides had",
        ] {
            let Some(household) = choice.households.pop() else {
                edits.left_out += 1;
                continue;
            };
            let is_google = what.contains("in Google");
            if is_google {
                for (account, resource) in &household.google {
                    if let Some(account) = self.accounts.get(*account) {
                        self.google().delete_person(&account.email, resource, now)?;
                    }
                }
                edits.left_alone.extend(household.dafater.iter().cloned());
            } else {
                for document in &household.dafater {
                    self.site().delete(document, now)?;
                }
                edits.left_alone.extend(household.google.iter().map(|(_, resource)| resource.clone()));
            }
            let place = if is_google { Place::Dafater } else { Place::Google };
            let what = what.to_owned();
            edits.done.push(what.clone());
            edits.expectations.push(Expectation { what, household, place, demand: Demand::There });
        }
        Ok(())
    }

    /// Somebody new on each side.
    fn add(&self, edits: &mut Edits) -> Result<(), TownError> {
        let now = self.clock.now();
        let Some(account) = self.accounts.first() else { return Ok(()) };
        let (in_google, in_dafater) = ("new.in.google@fresh.example", "new.in.dafater@fresh.example");
        let person = json!({ "names": [{ "givenName": "سميرة", "familyName": "Newcomer 🆕" }],
            "emailAddresses": [{ "value": in_google, "type": "work" }],
            "phoneNumbers": [{ "value": "٠٥٠٩٩٩٠٠٠١", "type": "mobile" }],
            "birthdays": [{ "date": { "year": 1999, "month": 12, "day": 31 } }] });
        self.google().add_person(&account.email, person, now)?;
        let contact = json!({ "first_name": "Neu", "last_name": "Ankömmling", "salutation": "Prof", "company_name": "Fresh GmbH",
            "email_ids": [{ "email_id": in_dafater, "is_primary": 1 }],
            "phone_nos": [{ "phone": "0049 151 19990002", "is_primary_mobile_no": 1, "is_primary_phone": 1 }] });
        self.site().insert(contact, now)?;
        for (what, place, address) in [
            ("a new contact in Google", Place::Dafater, in_google),
            ("a new contact in Dafater", Place::Google, in_dafater),
        ] {
            edits.done.push(what.to_owned());
            edits.expectations.push(Expectation {
                what: what.to_owned(),
                household: Household { google: vec![(0, String::new())], ..Household::default() },
                place,
                demand: Demand::Once(address.to_owned()),
            });
        }
        Ok(())
    }

    /// Which expectations are not met, as sentences.
    pub(super) fn unmet(&self, edits: &Edits) -> Result<Vec<String>, TownError> {
        let mut unmet = Vec::new();
        for expectation in &edits.expectations {
            let record = self.record(expectation.place, &expectation.household)?;
            let met = match &expectation.demand {
                Demand::Wish(wish) => record.as_ref().is_some_and(|record| wish.holds(record)),
                Demand::Gone => record.is_none(),
                Demand::There => record.is_some(),
                Demand::Once(text) => self.count(expectation.place, text)? == 1,
            };
            if !met {
                let shown = record.map_or_else(|| "no such record".to_owned(), |record| record.to_string());
                unmet.push(format!(
                    "{}: {:?} expected in {}, found {shown}",
                    expectation.what,
                    expectation.demand,
                    expectation.place.name()
                ));
            }
        }
        Ok(unmet)
    }

    fn count(&self, place: Place, text: &str) -> Result<usize, TownError> {
        let records = match place {
            Place::Google => match self.accounts.first() {
                Some(account) => self.persons(account)?,
                None => Vec::new(),
            },
            Place::Dafater => self.site().contacts(),
        };
        Ok(records.iter().filter(|record| record.to_string().contains(text)).count())
    }

    /// The household's record on a side, in its first account.
    fn record(&self, place: Place, household: &Household) -> Result<Option<Value>, TownError> {
        match place {
            Place::Google => {
                let Some((account, resource)) = household.google.first() else { return Ok(None) };
                let Some(account) = self.accounts.get(*account) else { return Ok(None) };
                Ok(self.google().person(&account.email, resource)?)
            }
            Place::Dafater => Ok(household.dafater.first().and_then(|name| self.site().contact(name))),
        }
    }

    fn save(&self, place: Place, household: &Household, fields: Value) -> Result<(), TownError> {
        let now = self.clock.now();
        match place {
            Place::Google => {
                let Some((account, resource)) = household.google.first() else { return Ok(()) };
                let Some(account) = self.accounts.get(*account) else { return Ok(()) };
                Ok(self.google().edit_person(&account.email, resource, fields, now)?)
            }
            Place::Dafater => {
                let Some(name) = household.dafater.first() else { return Ok(()) };
                Ok(self.site().edit(name, fields, now)?)
            }
        }
    }

    /// Documents that the sync made of a person.
    fn copies_of_person(&self, resource: &str) -> Vec<String> {
        let contacts = self.site().contacts();
        let made = contacts
            .iter()
            .filter(|contact| contact.get("google_contacts_id").and_then(Value::as_str) == Some(resource));
        made.filter_map(|contact| contact.get("name")?.as_str().map(str::to_owned)).collect()
    }

    /// People whom the sync made of a document.
    fn copies_of_document(&self, name: &str) -> Result<Vec<(usize, String)>, TownError> {
        let creation =
            self.site().contact(name).and_then(|contact| Some(contact.get("creation")?.as_str()?.to_owned()));
        let mut copies = Vec::new();
        for (index, account) in self.accounts.iter().enumerate() {
            for person in self.persons(account)? {
                let resource = person.get("resourceName").and_then(Value::as_str).unwrap_or_default();
                if creation.is_some() && comparison::origin(&person) == creation {
                    copies.push((index, resource.to_owned()));
                }
            }
        }
        Ok(copies)
    }
}

impl Edits {
    fn gone(&mut self, what: &str, household: Household, place: Place) {
        self.done.push(what.to_owned());
        self.expectations.push(Expectation { what: what.to_owned(), household, place, demand: Demand::Gone });
    }
}

impl Place {
    fn other(self) -> Self {
        match self {
            Self::Google => Self::Dafater,
            Self::Dafater => Self::Google,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Google => "Google",
            Self::Dafater => "Dafater",
        }
    }
}

impl Wish {
    /// Whether a record does not say it yet, and could lose what it is to lose.
    fn is_news(&self, record: &Value) -> bool {
        match self {
            Self::Nothing => true,
            Self::Text(..) | Self::Has(..) | Self::HasNot(..) => !self.holds(record),
            Self::Primary(list, key) => !self.holds(record) && Self::Has(list, key.clone()).holds(record),
        }
    }

    fn holds(&self, record: &Value) -> bool {
        match self {
            Self::Text(place, text) => comparison::text_at(record, place) == *text,
            Self::Has(list, key) => comparison::keys_of(record, list).contains(key),
            Self::HasNot(list, key) => !comparison::keys_of(record, list).contains(key),
            Self::Primary(list, key) => comparison::primary_of(record, list).as_ref() == Some(key),
            Self::Nothing => true,
        }
    }
}
