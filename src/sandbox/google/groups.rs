//! `contactGroups`: list, get, batchGet, create, update, delete.

use serde_json::{Map, Value, json};

use jiff::Timestamp;

use super::account::{Account, Turn};
use super::call::Call;
use super::connections::{check_age, page_size};
use super::mask::camel_case;
use super::members::leave;
use super::people::body;
use super::random::fingerprint;
use super::record::timestamp;
use super::refusal::{Answer, Refusal};
use super::schema::{CREATE_GROUP, UPDATE_GROUP};
use super::token::{Purpose, Token};

/// A group ("label") of contacts.
#[derive(Debug, Clone)]
pub(super) struct Group {
    /// What follows `contactGroups/`.
    pub(super) id: String,
    pub(super) name: String,
    formatted: String,
    /// `None` for a system group, which has neither etag nor times.
    user: Option<UserGroup>,
    sequence: u64,
    pub(super) deleted: bool,
}

#[derive(Debug, Clone)]
struct UserGroup {
    etag: String,
    updated: Timestamp,
    client_data: Vec<Value>,
}

impl Group {
    /// Whether contacts can be added to it.
    pub(super) fn takes_members(&self) -> bool {
        self.user.is_some() || matches!(self.id.as_str(), "myContacts" | "starred")
    }
}

/// The groups that every account has.
pub(super) fn system_groups() -> Vec<Group> {
    let names = [
        ("myContacts", "My Contacts"),
        ("starred", "Starred"),
        ("friends", "Friends"),
        ("family", "Family"),
        ("coworkers", "Coworkers"),
        ("chatBuddies", "Chat contacts"),
        ("all", "All Contacts"),
        ("blocked", "Blocked"),
    ];
    let group = |(id, formatted): (&str, &str)| Group {
        id: id.to_owned(),
        name: id.to_owned(),
        formatted: formatted.to_owned(),
        user: None,
        sequence: 0,
        deleted: false,
    };
    names.into_iter().map(group).collect()
}

impl Account {
    /// The group of this resource name, unless it is deleted.
    pub(super) fn group(&self, name: &str) -> Option<&Group> {
        let id = name.strip_prefix("contactGroups/")?;
        self.groups.iter().find(|group| group.id == id && !group.deleted)
    }

    fn members_of(&self, id: &str) -> impl ExactSizeIterator<Item = &u64> {
        self.members.get(id).map(|members| members.iter()).unwrap_or_default()
    }

    fn show(&self, group: &Group, fields: GroupFields, max_members: usize) -> Map<String, Value> {
        let mut shown = Map::new();
        shown.insert("resourceName".to_owned(), format!("contactGroups/{}", group.id).into());
        if let Some(user) = &group.user {
            shown.insert("etag".to_owned(), user.etag.clone().into());
            if fields.metadata {
                let mut metadata = json!({"updateTime": timestamp(user.updated)});
                if let (Some(metadata), true) = (metadata.as_object_mut(), group.deleted) {
                    metadata.insert("deleted".to_owned(), true.into());
                }
                shown.insert("metadata".to_owned(), metadata);
            }
            if fields.client_data && !user.client_data.is_empty() {
                shown.insert("clientData".to_owned(), user.client_data.clone().into());
            }
        }
        if group.deleted {
            return shown;
        }
        if fields.group_type {
            let kind = if group.user.is_some() { "USER_CONTACT_GROUP" } else { "SYSTEM_CONTACT_GROUP" };
            shown.insert("groupType".to_owned(), kind.into());
        }
        if fields.name {
            shown.insert("name".to_owned(), group.name.clone().into());
            shown.insert("formattedName".to_owned(), group.formatted.clone().into());
        }
        let members = self.members_of(&group.id);
        if fields.member_count && members.len() > 0 {
            shown.insert("memberCount".to_owned(), members.len().into());
        }
        let names: Vec<Value> = members
            .take(max_members)
            .filter_map(|id| self.live.live(*id))
            .map(|record| record.resource_name.clone().into())
            .collect();
        if !names.is_empty() {
            shown.insert("memberResourceNames".to_owned(), names.into());
        }
        shown
    }
}

/// The fields of a group that a read asks for.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "a set of five named fields")]
struct GroupFields {
    client_data: bool,
    group_type: bool,
    member_count: bool,
    metadata: bool,
    name: bool,
}

impl GroupFields {
    fn parse(text: Option<&str>, parameter: &str) -> Result<Self, Refusal> {
        let Some(text) = text else {
            return Ok(Self {
                client_data: false,
                group_type: true,
                member_count: true,
                metadata: true,
                name: true,
            });
        };
        let mut fields =
            Self { client_data: false, group_type: false, member_count: false, metadata: false, name: false };
        for path in text.split(',').map(str::trim) {
            match camel_case(path).as_ref() {
                "clientData" => fields.client_data = true,
                "groupType" => fields.group_type = true,
                "memberCount" => fields.member_count = true,
                "metadata" => fields.metadata = true,
                "name" => fields.name = true,
                _ => {
                    return Err(Refusal::invalid(format!(
                        "Invalid {parameter} mask path: \"{path}\". Valid paths are documented at \
                         https://developers.google.com/people/api/rest/v1/contactGroups/get."
                    )));
                }
            }
        }
        Ok(fields)
    }

    fn bits(self) -> u64 {
        [self.client_data, self.group_type, self.member_count, self.metadata, self.name]
            .into_iter()
            .fold(0, |bits, set| bits << 1 | u64::from(set))
    }
}

impl Turn<'_> {
    /// `contactGroups.list`
    pub(super) fn list_groups(&mut self, call: &Call<'_>) -> Answer {
        let query = &call.query;
        let fields = GroupFields::parse(query.get("groupFields"), "groupFields")?;
        let size = page_size(query.integer("pageSize")?, 30, self.options)?;
        let pinned = fingerprint(&[fields.bits(), size as u64]);
        let (key, index) = (self.options.seed, self.account.index);
        let token = |name: &str, purpose: Purpose| {
            query
                .get(name)
                .map(|text| Token::decode(text, key, purpose, index).ok_or_else(Refusal::invalid_argument))
                .transpose()
        };
        let sync = token("syncToken", Purpose::GroupSync)?;
        if let Some(sync) = &sync {
            check_age(sync, self.account, self.options, self.now)?;
        }
        let since = sync.as_ref().map_or(0, |sync| sync.horizon + 1);
        let page = token("pageToken", Purpose::GroupPage)?;
        let foreign = |token: &Option<Token>| token.as_ref().is_some_and(|token| token.parameters != pinned);
        if foreign(&sync) || foreign(&page) || page.as_ref().is_some_and(|page| page.since != since) {
            return Err(Refusal::invalid_argument());
        }
        let account = &*self.account;
        let listed: Vec<&Group> = account
            .groups
            .iter()
            .filter(|group| if since > 0 { group.sequence >= since } else { !group.deleted })
            .collect();
        let read = page.unwrap_or_else(|| Token {
            purpose: Purpose::GroupPage,
            account: index,
            epoch: account.epoch,
            since,
            after: 0,
            horizon: account.sequence,
            full_at: sync.as_ref().map_or_else(|| self.now.as_second(), |sync| sync.full_at),
            total: listed.len() as u64,
            parameters: pinned,
        });
        let offset = usize::try_from(read.after).unwrap_or(usize::MAX);
        let page: Vec<Value> = listed
            .iter()
            .skip(offset)
            .take(size)
            .map(|group| Value::Object(account.show(group, fields, 0)))
            .collect();
        let mut answer = Map::new();
        let next = offset + page.len();
        if next < listed.len() {
            let token = Token { after: next as u64, ..read };
            answer.insert("nextPageToken".to_owned(), token.encode(key).into());
        } else {
            let token = Token { purpose: Purpose::GroupSync, since: 0, after: 0, total: 0, ..read };
            answer.insert("nextSyncToken".to_owned(), token.encode(key).into());
        }
        if !page.is_empty() {
            answer.insert("contactGroups".to_owned(), page.into());
        }
        if read.total > 0 {
            answer.insert("totalItems".to_owned(), read.total.into());
        }
        body(&answer)
    }

    /// `contactGroups.get`
    pub(super) fn get_group(&self, call: &Call<'_>, name: &str) -> Answer {
        let (fields, max_members) = group_read(call)?;
        let group = self.account.group(name).ok_or_else(Refusal::not_found)?;
        body(&self.account.show(group, fields, max_members))
    }

    /// `contactGroups.batchGet`
    pub(super) fn batch_get_groups(&self, call: &Call<'_>) -> Answer {
        let (fields, max_members) = group_read(call)?;
        let names: Vec<&str> = call.query.all("resourceNames").collect();
        if names.is_empty() || names.len() > 200 {
            return Err(Refusal::invalid("Must specify between 1 and 200 resource names."));
        }
        let respond = |name: &&str| match self.account.group(name) {
            Some(group) => {
                json!({"requestedResourceName": name, "status": {}, "contactGroup": self.account.show(group, fields, max_members)})
            }
            None => json!({"requestedResourceName": name, "status": Refusal::not_found().to_status()}),
        };
        let responses: Vec<Value> = names.iter().map(respond).collect();
        body(&json!({"responses": responses}))
    }

    /// `contactGroups.create`
    pub(super) fn create_group(&mut self, call: &Call<'_>) -> Answer {
        let request = call.read(&CREATE_GROUP, "")?;
        let fields = GroupFields::parse(text(&request, "readGroupFields"), "readGroupFields")?;
        let written = request.get("contactGroup").and_then(Value::as_object).cloned().unwrap_or_default();
        let name = self.free_name(text(&written, "name"), None)?;
        let client_data = list(&written, "clientData");
        let group = self.new_group(name, client_data);
        self.account.writes.groups += 1;
        let answer = body(&self.account.show(&group, fields, 0));
        self.account.groups.push(group);
        answer
    }

    /// `contactGroups.update`
    pub(super) fn update_group(&mut self, call: &Call<'_>, resource: &str) -> Answer {
        let request = call.read(&UPDATE_GROUP, "")?;
        let fields = GroupFields::parse(text(&request, "readGroupFields"), "readGroupFields")?;
        let update = text(&request, "updateGroupFields").unwrap_or("name");
        let written = request.get("contactGroup").and_then(Value::as_object).cloned().unwrap_or_default();
        let mut group = self.account.group(resource).ok_or_else(Refusal::not_found)?.clone();
        let Some(user) = group.user.as_mut() else { return Err(Refusal::invalid_argument()) };
        if text(&written, "etag").is_some_and(|etag| etag != user.etag) {
            return Err(Refusal::conflict("ABORTED", "Contact group etag is outdated."));
        }
        for path in update.split(',').map(str::trim) {
            match camel_case(path).as_ref() {
                "name" => {
                    group.name = self.free_name(text(&written, "name"), Some(&group.id))?;
                    group.formatted.clone_from(&group.name);
                }
                "clientData" => user.client_data = list(&written, "clientData"),
                _ => return Err(Refusal::invalid_argument()),
            }
        }
        user.etag = group_etag(self.random.next());
        user.updated = self.now;
        self.account.writes.groups += 1;
        let answer = body(&self.account.show(&group, fields, 0));
        self.store_group(group);
        answer
    }

    /// `contactGroups.delete`
    pub(super) fn delete_group(&mut self, call: &Call<'_>, resource: &str) -> Answer {
        let with_contacts = call.query.flag("deleteContacts")?;
        self.drop_group(resource, with_contacts)?;
        self.account.writes.groups += 1;
        Ok(b"{}".to_vec())
    }

    /// Deletes a group, and its contacts with it or not.
    pub(super) fn drop_group(&mut self, resource: &str, with_contacts: bool) -> Result<(), Refusal> {
        let mut group = self.account.group(resource).ok_or_else(Refusal::not_found)?.clone();
        let Some(user) = group.user.as_mut() else { return Err(Refusal::invalid_argument()) };
        user.updated = self.now;
        group.deleted = true;
        let members: Vec<u64> = self.account.members_of(&group.id).copied().collect();
        for id in members {
            if with_contacts {
                self.delete(id, true);
                self.account.writes.deleted += 1;
            } else if let Some(record) = self.account.live.live(id) {
                let mut record = (**record).clone();
                leave(&mut record, &group.id);
                self.commit(record);
            }
        }
        self.store_group(group);
        Ok(())
    }

    /// Gives a group another name.
    pub(super) fn rename_group(&mut self, resource: &str, name: &str) -> Result<(), Refusal> {
        let mut group = self.account.group(resource).ok_or_else(Refusal::not_found)?.clone();
        group.name = self.free_name(Some(name), Some(&group.id))?;
        group.formatted.clone_from(&group.name);
        let etag = group_etag(self.random.next());
        let Some(user) = group.user.as_mut() else { return Err(Refusal::invalid_argument()) };
        (user.etag, user.updated) = (etag, self.now);
        self.store_group(group);
        Ok(())
    }

    /// A name that no other group has.
    fn free_name(&self, name: Option<&str>, own: Option<&str>) -> Result<String, Refusal> {
        let name = name.map(str::trim).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| Refusal::invalid("Contact group name must not be empty."))?;
        let mut others =
            self.account.groups.iter().filter(|group| !group.deleted && Some(group.id.as_str()) != own);
        if others.any(|group| group.name == name || group.user.is_none() && group.formatted == name) {
            return Err(Refusal::conflict("ALREADY_EXISTS", "Contact group name already exists."));
        }
        Ok(name.to_owned())
    }

    /// A new user group, not stored yet.
    pub(super) fn new_group(&mut self, name: String, client_data: Vec<Value>) -> Group {
        self.account.sequence += 1;
        let etag = group_etag(self.random.next());
        Group {
            id: format!("{:x}", self.random.next()),
            formatted: name.clone(),
            name,
            user: Some(UserGroup { etag, updated: self.now, client_data }),
            sequence: self.account.sequence,
            deleted: false,
        }
    }

    fn store_group(&mut self, mut group: Group) {
        self.account.sequence += 1;
        group.sequence = self.account.sequence;
        if let Some(place) = self.account.groups.iter_mut().find(|known| known.id == group.id) {
            *place = group;
        }
    }
}

fn group_read(call: &Call<'_>) -> Result<(GroupFields, usize), Refusal> {
    let fields = GroupFields::parse(call.query.get("groupFields"), "groupFields")?;
    let max_members =
        usize::try_from(call.query.integer("maxMembers")?).map_err(|_| Refusal::invalid_argument())?;
    Ok((fields, max_members))
}

fn group_etag(revision: u64) -> String {
    super::etag::source_etag(revision).split_off(1)
}

fn text<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    map.get(key).and_then(Value::as_str)
}

pub(super) fn list(map: &Map<String, Value>, key: &str) -> Vec<Value> {
    map.get(key).and_then(Value::as_array).cloned().unwrap_or_default()
}
