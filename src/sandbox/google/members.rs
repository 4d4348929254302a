//! `contactGroups.members.modify`: contacts join and leave groups.
//!
//! Law: a contact is always in one group at least.

use serde_json::{Map, Value};

use super::account::Turn;
use super::call::Call;
use super::edit::membership;
use super::groups::list;
use super::mask::bit;
use super::people::body;
use super::record::{Item, Record};
use super::refusal::{Answer, Refusal};
use super::schema::MODIFY_MEMBERS;

impl Turn<'_> {
    /// `contactGroups.members.modify`
    pub(super) fn modify_members(&mut self, call: &Call<'_>, resource: &str) -> Answer {
        let request = call.read(&MODIFY_MEMBERS, "")?;
        let names = |key: &str| -> Vec<String> {
            list(&request, key).iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (add, remove) = (names("resourceNamesToAdd"), names("resourceNamesToRemove"));
        let group = self.account.group(resource).ok_or_else(Refusal::not_found)?.clone();
        if add.len() + remove.len() > 1000 {
            return Err(Refusal::invalid("Must not specify more than 1000 resource names in total."));
        }
        if add.is_empty() && remove.is_empty() || !add.is_empty() && !group.takes_members() {
            return Err(Refusal::invalid_argument());
        }
        let (mut not_found, mut last) = (Vec::new(), Vec::new());
        let adding = add.into_iter().map(|name| (name, true));
        for (name, joins) in adding.chain(remove.into_iter().map(|name| (name, false))) {
            let Ok(record) = self.find(&name) else {
                not_found.push(name);
                continue;
            };
            let member = record.groups().any(|id| id == group.id);
            if member == joins {
                continue;
            }
            let mut record = (**record).clone();
            if joins {
                join(&mut record, resource);
            } else if record.groups().count() == 1 {
                last.push(name);
                continue;
            } else {
                leave(&mut record, &group.id);
            }
            self.commit(record);
            self.account.writes.memberships += 1;
        }
        let mut answer = Map::new();
        for (key, names) in
            [("notFoundResourceNames", not_found), ("canNotRemoveLastContactGroupResourceNames", last)]
        {
            if !names.is_empty() {
                answer.insert(key.to_owned(), names.into());
            }
        }
        body(&answer)
    }
}

/// Puts the contact into a group.
fn join(record: &mut Record, resource: &str) {
    record.fields.entry(bit::MEMBERSHIPS).or_default().push(membership(resource));
}

/// Takes the contact out of a group; API: a contact is always in one, so the last one is exchanged for "My Contacts".
pub(super) fn leave(record: &mut Record, group: &str) {
    let memberships: &mut Vec<Item> = record.fields.entry(bit::MEMBERSHIPS).or_default();
    let id =
        |item: &Item| item.value.get("contactGroupMembership").and_then(|m| m.get("contactGroupId")).cloned();
    memberships.retain(|item| id(item).is_none_or(|id| id != group));
    if memberships.is_empty() {
        memberships.push(membership("contactGroups/myContacts"));
    }
}
