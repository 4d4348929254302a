//! What people do in Google Contacts by hand, and what Google does behind the API's back.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::account::{Account, Turn};
use super::edit::Draft;
use super::mask::Mask;
use super::oauth::{CONTACTS, Grant};
use super::record::{Item, Look, Profile, Record, Shown};
use super::refusal::Refusal;
use super::schema::PERSON;
use super::{Google, shape};

/// Why something could not be done by hand.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HandError {
    /// No such account.
    #[error("the stand-in for Google has no account {0}")]
    NoAccount(String),
    /// No such contact.
    #[error("there is no contact {0}")]
    NoContact(String),
    /// Google would not take it.
    #[error("refused: {0}")]
    Refused(String),
}

impl From<Refusal> for HandError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.message.into_owned())
    }
}

impl Google {
    /// Opens an account; the result is a refresh token with the scopes `contacts`, `openid` and `email`.
    pub fn add_account(&mut self, email: &str) -> String {
        let index = self.accounts.len();
        // A subject is a number of 21 digits.
        let sub = format!("1{:020}", self.random.next());
        self.accounts.push(Account::new(index as u64, email, sub, &self.options.region));
        self.issue(index, &[CONTACTS, "openid", "https://www.googleapis.com/auth/userinfo.email"])
    }

    /// Another refresh token for an account, with these scopes.
    ///
    /// # Errors
    /// There is no such account.
    pub fn issue_refresh_token(&mut self, email: &str, scopes: &[&str]) -> Result<String, HandError> {
        let index = self.index(email)?;
        Ok(self.issue(index, scopes))
    }

    fn issue(&mut self, account: usize, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        self.oauth.issue_refresh(Grant { account, scopes }, &mut self.random)
    }

    /// An access token with the scope `contacts`, without the way through the token endpoint.
    ///
    /// # Errors
    /// There is no such account.
    pub fn issue_access_token(&mut self, email: &str, now: Timestamp) -> Result<String, HandError> {
        let account = self.index(email)?;
        let grant = Grant { account, scopes: [CONTACTS.to_owned()].into() };
        Ok(self.oauth.issue_access(grant, None, &mut self.random, now))
    }

    /// The `OpenID` subject of an account.
    ///
    /// # Errors
    /// There is no such account.
    pub fn subject(&self, email: &str) -> Result<&str, HandError> {
        Ok(&self.account(email)?.sub)
    }

    /// Takes all tokens of an account away, as the user does at myaccount.google.com.
    ///
    /// # Errors
    /// There is no such account.
    pub fn revoke_tokens(&mut self, email: &str) -> Result<(), HandError> {
        let index = self.index(email)?;
        self.oauth.revoke_account(index);
        Ok(())
    }

    /// Makes all access tokens of an account expire before their time.
    ///
    /// # Errors
    /// There is no such account.
    pub fn expire_access_tokens(&mut self, email: &str) -> Result<(), HandError> {
        let index = self.index(email)?;
        self.oauth.expire_access(index);
        Ok(())
    }

    /// Makes all sync tokens of an account expire before their time.
    ///
    /// # Errors
    /// There is no such account.
    pub fn expire_sync_tokens(&mut self, email: &str) -> Result<(), HandError> {
        self.account_mut(email)?.epoch += 1;
        Ok(())
    }

    /// Lets the contacts backend refuse all writes of an account until then.
    ///
    /// # Errors
    /// There is no such account.
    pub fn refuse_writes_until(&mut self, email: &str, until: Option<Timestamp>) -> Result<(), HandError> {
        self.account_mut(email)?.closed_until = until;
        Ok(())
    }

    /// Lets every change of an account arrive in lists and gets at once, whatever the delays.
    ///
    /// # Errors
    /// There is no such account.
    pub fn settle(&mut self, email: &str) -> Result<(), HandError> {
        let account = self.account_mut(email)?;
        account.listed.settle();
        account.got.settle();
        Ok(())
    }

    /// Adds a contact from a `Person`; the result is its resource name.
    ///
    /// # Errors
    /// There is no such account, or Google would not take the contact.
    pub fn add_person(&mut self, email: &str, person: Value, now: Timestamp) -> Result<String, HandError> {
        let mut turn = self.turn(email, now)?;
        turn.check_room(1)?;
        let draft = Draft::new(shape::read(person, &PERSON, "person")?);
        let record = turn.prepare_new(draft)?;
        Ok(turn.commit(record).resource_name.clone())
    }

    /// Replaces the fields that `fields` names; `null` or `[]` empties one.
    ///
    /// # Errors
    /// There is no such contact, or Google would not take the fields.
    pub fn edit_person(
        &mut self,
        email: &str,
        resource: &str,
        fields: Value,
        now: Timestamp,
    ) -> Result<(), HandError> {
        let mut turn = self.turn(email, now)?;
        let mask = Mask::of_names(fields.as_object().into_iter().flat_map(Map::keys).map(String::as_str));
        let draft = Draft::new(shape::read(fields, &PERSON, "person")?);
        let before = Arc::clone(turn.contact(resource)?);
        let record = turn.prepare_update(&before, draft, mask)?;
        turn.commit(record);
        Ok(())
    }

    /// Puts a contact into the trash.
    ///
    /// # Errors
    /// There is no such contact.
    pub fn delete_person(&mut self, email: &str, resource: &str, now: Timestamp) -> Result<(), HandError> {
        let mut turn = self.turn(email, now)?;
        let id = turn.contact(resource)?.id;
        turn.delete(id, true);
        Ok(())
    }

    /// Takes a contact out of the trash, where it stays for 30 days.
    ///
    /// # Errors
    /// It is not in the trash.
    pub fn restore_person(&mut self, email: &str, resource: &str, now: Timestamp) -> Result<(), HandError> {
        let mut turn = self.turn(email, now)?;
        turn.empty_trash();
        let missing = || HandError::NoContact(resource.to_owned());
        let id = turn.account.id_of(resource).ok_or_else(missing)?;
        let (_, record) = turn.account.trash.remove(&id).ok_or_else(missing)?;
        turn.commit((*record).clone());
        Ok(())
    }

    /// "Merge & fix": the survivor takes over what it lacks, the loser is gone for good.
    ///
    /// # Errors
    /// One of the two does not exist.
    pub fn merge_persons(
        &mut self,
        email: &str,
        loser: &str,
        survivor: &str,
        now: Timestamp,
    ) -> Result<(), HandError> {
        let mut turn = self.turn(email, now)?;
        let lost = Arc::clone(turn.contact(loser)?);
        let mut record: Record = (**turn.contact(survivor)?).clone();
        if lost.id == record.id {
            return Err(HandError::NoContact(loser.to_owned()));
        }
        for (field, items) in &lost.fields {
            let singleton = Mask::ALL.fields().any(|(bit, known)| bit == *field && known.singleton);
            let own: &mut Vec<Item> = record.fields.entry(*field).or_default();
            let taken =
                items.iter().filter(|item| if singleton { own.is_empty() } else { !own.contains(item) });
            let taken: Vec<Item> =
                taken.map(|item| Item { source_primary: false, value: item.value.clone() }).collect();
            own.extend(taken);
        }
        turn.delete(lost.id, false);
        turn.commit(record);
        Ok(())
    }

    /// Links a contact to a profile, which changes its resource name; the result is the new one. `fields` of the profile show in
    /// reads that ask for profiles.
    ///
    /// # Errors
    /// There is no such contact, or the fields have no shape that Google knows.
    pub fn link_profile(
        &mut self,
        email: &str,
        resource: &str,
        fields: Value,
        now: Timestamp,
    ) -> Result<String, HandError> {
        let mut turn = self.turn(email, now)?;
        let mut record: Record = (**turn.contact(resource)?).clone();
        let mut shaped = shape::read(fields, &PERSON, "person")?;
        let mut profile =
            Profile { id: format!("1{:020}", turn.random.next()), fields: std::collections::BTreeMap::new() };
        for (bit, field) in Mask::ALL.fields() {
            let Some(Value::Array(items)) = shaped.remove(field.name) else { continue };
            let items = items.into_iter().filter_map(|item| match item {
                Value::Object(value) => Some(Item { source_primary: false, value }),
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
            });
            profile.fields.insert(bit, items.collect());
        }
        let name = format!("people/{}", profile.id);
        record.profile = Some(profile);
        record.previous_names.push(std::mem::replace(&mut record.resource_name, name.clone()));
        turn.account.aliases.insert(name.clone(), record.id);
        turn.commit(record);
        Ok(name)
    }

    /// Gives a contact a new resource name, as linking it to an empty profile does.
    ///
    /// # Errors
    /// There is no such contact.
    pub fn rename(&mut self, email: &str, resource: &str, now: Timestamp) -> Result<String, HandError> {
        self.link_profile(email, resource, Value::Object(Map::new()), now)
    }

    /// Adds a label; the result is its resource name.
    ///
    /// # Errors
    /// There is no such account.
    pub fn add_group(&mut self, email: &str, name: &str, now: Timestamp) -> Result<String, HandError> {
        let mut turn = self.turn(email, now)?;
        let group = turn.new_group(name.to_owned(), Vec::new());
        let resource = format!("contactGroups/{}", group.id);
        turn.account.groups.push(group);
        Ok(resource)
    }

    /// Gives a contact a photo, JPEG or PNG, or takes it away.
    ///
    /// # Errors
    /// There is no such account, no such contact, or it is no such image.
    pub fn set_photo(
        &mut self,
        email: &str,
        resource: &str,
        photo: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<(), HandError> {
        let mut turn = self.turn(email, now)?;
        let record = (**turn.contact(resource)?).clone();
        let refused = || HandError::Refused("it is neither JPEG nor PNG".to_owned());
        let photo = photo.map(|bytes| turn.keep_photo(bytes).ok_or_else(refused)).transpose()?;
        turn.commit(Record { photo, ..record });
        Ok(())
    }

    /// What a contact's photo shows.
    ///
    /// # Errors
    /// There is no such account.
    pub fn photo(&self, email: &str, resource: &str) -> Result<Option<Vec<u8>>, HandError> {
        let account = self.account(email)?;
        let record = account.id_of(resource).and_then(|id| account.live.live(id));
        let photo = record.and_then(|record| account.photos.get(&record.photo?));
        Ok(photo.map(|photo| photo.to_vec()))
    }

    /// Gives a label another name.
    ///
    /// # Errors
    /// There is no such account, no such label, or another one has the name.
    pub fn rename_group(
        &mut self,
        email: &str,
        resource: &str,
        name: &str,
        now: Timestamp,
    ) -> Result<(), HandError> {
        Ok(self.turn(email, now)?.rename_group(resource, name)?)
    }

    /// Deletes a label; its contacts stay.
    ///
    /// # Errors
    /// There is no such account, or no such label.
    pub fn delete_group(&mut self, email: &str, resource: &str, now: Timestamp) -> Result<(), HandError> {
        Ok(self.turn(email, now)?.drop_group(resource, false)?)
    }

    /// The labels: resource name and name.
    ///
    /// # Errors
    /// There is no such account.
    pub fn groups(&self, email: &str) -> Result<Vec<(String, String)>, HandError> {
        let live = self.account(email)?.groups.iter().filter(|group| !group.deleted);
        Ok(live.map(|group| (format!("contactGroups/{}", group.id), group.name.clone())).collect())
    }

    /// All contacts that are not deleted, in the order of their ids, with every field of the CONTACT source.
    ///
    /// # Errors
    /// There is no such account.
    pub fn persons(&self, email: &str) -> Result<Vec<Value>, HandError> {
        Ok(self.account(email)?.live.by_id().map(|record| full(record)).collect())
    }

    /// [`Self::persons`], each as something that is cheap to hold and to compare.
    ///
    /// # Errors
    /// There is no such account.
    pub fn person_versions(&self, email: &str) -> Result<Vec<PersonVersion>, HandError> {
        Ok(self.account(email)?.live.by_id().map(|record| PersonVersion(Arc::clone(record))).collect())
    }

    /// One contact with every field of the CONTACT source.
    ///
    /// # Errors
    /// There is no such account.
    pub fn person(&self, email: &str, resource: &str) -> Result<Option<Value>, HandError> {
        let account = self.account(email)?;
        let record = account.id_of(resource).and_then(|id| account.live.live(id));
        Ok(record.map(|record| full(record)))
    }

    /// Number of contacts that are not deleted.
    ///
    /// # Errors
    /// There is no such account.
    pub fn person_count(&self, email: &str) -> Result<usize, HandError> {
        Ok(self.account(email)?.live.live)
    }

    fn index(&self, email: &str) -> Result<usize, HandError> {
        let found = self.accounts.iter().position(|account| account.email.eq_ignore_ascii_case(email));
        found.ok_or_else(|| HandError::NoAccount(email.to_owned()))
    }

    pub(super) fn account(&self, email: &str) -> Result<&Account, HandError> {
        let found = self.accounts.iter().find(|account| account.email.eq_ignore_ascii_case(email));
        found.ok_or_else(|| HandError::NoAccount(email.to_owned()))
    }

    fn account_mut(&mut self, email: &str) -> Result<&mut Account, HandError> {
        let found = self.accounts.iter_mut().find(|account| account.email.eq_ignore_ascii_case(email));
        found.ok_or_else(|| HandError::NoAccount(email.to_owned()))
    }

    fn turn(&mut self, email: &str, now: Timestamp) -> Result<Turn<'_>, HandError> {
        let found = self.accounts.iter_mut().find(|account| account.email.eq_ignore_ascii_case(email));
        let account = found.ok_or_else(|| HandError::NoAccount(email.to_owned()))?;
        Ok(Turn { account, options: &self.options, random: &mut self.random, now })
    }
}

/// A contact at one moment. Two are equal only if nothing happened to the contact between them.
#[derive(Debug, Clone)]
pub struct PersonVersion(Arc<Record>);

impl PartialEq for PersonVersion {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl PersonVersion {
    /// The id of its CONTACT source.
    #[must_use]
    pub fn source_id(&self) -> String {
        self.0.source_id()
    }

    /// The contact with every field of the CONTACT source.
    #[must_use]
    pub fn json(&self) -> Value {
        full(&self.0)
    }
}

impl Turn<'_> {
    /// By any name the contact ever had: people do not address contacts by name.
    fn contact(&self, resource: &str) -> Result<&Arc<Record>, HandError> {
        let record = self.account.id_of(resource).and_then(|id| self.account.live.live(id));
        record.ok_or_else(|| HandError::NoContact(resource.to_owned()))
    }
}

fn full(record: &Record) -> Value {
    let shown = Shown { record, look: Look::FULL, stale_etag: false };
    serde_json::to_value(shown).unwrap_or_default()
}
