//! What people do in the sandbox: every field, in both directions, at once, against each other.
//!
//! Each edit says what must stand on the other side afterwards, so that a sync which agreed by taking an edit back is found out.

mod choice;
mod in_dafater;
mod in_google;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Household, Town, TownError};
use crate::remote::Clock as _;
use crate::sandbox::comparison;
use choice::Choice;

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

impl Town {
    /// Lets people edit. `waiting`: records that wait for a person and so are in no pair.
    pub(super) async fn edit(&self, waiting: &BTreeSet<String>) -> Result<Edits, TownError> {
        let mut edits = Edits::default();
        let mut choice = self.choice(waiting)?;
        for (what, change) in in_google::CHANGES {
            self.edit_one(Place::Google, what, *change, &mut choice, &mut edits)?;
        }
        for (what, change) in in_dafater::CHANGES {
            self.edit_one(Place::Dafater, what, *change, &mut choice, &mut edits)?;
        }
        self.edit_both(&mut choice, &mut edits).await?;
        self.delete(&mut choice, &mut edits)?;
        self.add(&mut edits)?;
        Ok(edits)
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
        let chosen = choice.take(edits.done.len(), |household| {
            let record = self.record(place, household)?;
            let other = self.record(place.other(), household)?;
            let Some((record, other)) = record.zip(other) else { return Ok(None) };
            // What the other side says already would show nothing.
            Ok(change(&record, &token).filter(|(_, wish)| wish.is_news(&other)))
        })?;
        let Some((household, (fields, wish))) = chosen else {
            edits.left_out += 1;
            return Ok(());
        };
        self.save(place, &household, fields)?;
        let what = format!("{what} in {}", place.name());
        edits.done.push(what.clone());
        let demand = Demand::Wish(wish);
        edits.expectations.push(Expectation { what, household, place: place.other(), demand });
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
            let person = |household: &Household| self.record(Place::Google, household);
            let Some((household, person)) = choice.take(edits.done.len(), person)? else {
                edits.left_out += 1;
                continue;
            };
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
    fn delete(&self, choice: &mut Choice, edits: &mut Edits) -> Result<(), TownError> {
        let now = self.clock.now();
        match choice.from_google.pop() {
            Some(household) => {
                self.remove(Place::Google, &household, now)?;
                let what = "a deletion in Google of somebody whom the sync brought to Dafater";
                edits.gone(what, household, Place::Dafater);
            }
            None => edits.left_out += 1,
        }
        match choice.from_dafater.pop() {
            Some(household) => {
                self.remove(Place::Dafater, &household, now)?;
                let what = "a deletion in Dafater of somebody whom the sync brought to Google";
                edits.gone(what, household, Place::Google);
            }
            None => edits.left_out += 1,
        }
        for what in [
            "a deletion in Google of somebody whom both sides had",
            "a deletion in Dafater of somebody whom both sides had",
        ] {
            let Some(household) = choice.shared.pop() else {
                edits.left_out += 1;
                continue;
            };
            let gone = if what.contains("in Google") { Place::Google } else { Place::Dafater };
            self.remove(gone, &household, now)?;
            match gone {
                Place::Google => edits.left_alone.extend(household.dafater.iter().cloned()),
                Place::Dafater => {
                    edits.left_alone.extend(household.google.iter().map(|(_, resource)| resource.clone()));
                }
            }
            let place = gone.other();
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

    /// Deletes somebody from a side, in each account that has it.
    fn remove(&self, place: Place, household: &Household, now: Timestamp) -> Result<(), TownError> {
        match place {
            Place::Google => {
                for (account, resource) in &household.google {
                    if let Some(account) = self.accounts.get(*account) {
                        self.google().delete_person(&account.email, resource, now)?;
                    }
                }
            }
            Place::Dafater => {
                for name in &household.dafater {
                    self.site().delete(name, now)?;
                }
            }
        }
        Ok(())
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
