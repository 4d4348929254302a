//! Which method of the API a request is for.

use http::Method;

use super::call::Call;
use super::quota::Cost;

/// A method of the People API with its resource name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    ListConnections(String),
    GetPerson(String),
    BatchGetPeople,
    CreateContact,
    UpdateContact(String),
    DeleteContact(String),
    BatchCreateContacts,
    BatchUpdateContacts,
    BatchDeleteContacts,
    UpdatePhoto(String),
    DeletePhoto(String),
    ListGroups,
    BatchGetGroups,
    CreateGroup,
    GetGroup(String),
    UpdateGroup(String),
    DeleteGroup(String),
    ModifyMembers(String),
    /// Google has it, the stand-in does not.
    NotModelled(&'static str),
}

/// What is known of a method before its arguments are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts {
    /// The method's name in the reference.
    pub(super) name: &'static str,
    /// Query parameters it takes.
    pub(super) parameters: &'static [&'static str],
    pub(super) cost: Cost,
    /// Whether it changes anything, and so needs the full scope.
    pub(super) writes: bool,
}

impl Route {
    /// The method a request is for, or none.
    pub(super) fn of(call: &Call<'_>) -> Option<Self> {
        let rest = call.path.strip_prefix("/v1/")?;
        let get = *call.method == Method::GET;
        let post = *call.method == Method::POST;
        let patch = *call.method == Method::PATCH;
        let put = *call.method == Method::PUT;
        let delete = *call.method == Method::DELETE;
        let name = |verb: &str| rest.strip_suffix(verb).map(str::to_owned);
        let route = match rest {
            "people:batchGet" if get => Self::BatchGetPeople,
            "people:createContact" if post => Self::CreateContact,
            "people:batchCreateContacts" if post => Self::BatchCreateContacts,
            "people:batchUpdateContacts" if post => Self::BatchUpdateContacts,
            "people:batchDeleteContacts" if post => Self::BatchDeleteContacts,
            "people:searchContacts" if get => Self::NotModelled("people.searchContacts"),
            "people:listDirectoryPeople" if get => Self::NotModelled("people.listDirectoryPeople"),
            "people:searchDirectoryPeople" if get => Self::NotModelled("people.searchDirectoryPeople"),
            "otherContacts" if get => Self::NotModelled("otherContacts.list"),
            "contactGroups" if get => Self::ListGroups,
            "contactGroups" if post => Self::CreateGroup,
            "contactGroups:batchGet" if get => Self::BatchGetGroups,
            _ if rest.starts_with("people/") => {
                if let Some(owner) = name("/connections").filter(|_| get) {
                    Self::ListConnections(owner)
                } else if let Some(name) = name(":updateContact").filter(|_| patch) {
                    Self::UpdateContact(name)
                } else if let Some(name) = name(":deleteContact").filter(|_| delete) {
                    Self::DeleteContact(name)
                } else if let Some(name) = name(":updateContactPhoto").filter(|_| patch) {
                    Self::UpdatePhoto(name)
                } else if let Some(name) = name(":deleteContactPhoto").filter(|_| delete) {
                    Self::DeletePhoto(name)
                } else if get && !rest.contains(':') {
                    Self::GetPerson(rest.to_owned())
                } else {
                    return None;
                }
            }
            _ if rest.starts_with("contactGroups/") => {
                if let Some(name) = name("/members:modify").filter(|_| post) {
                    Self::ModifyMembers(name)
                } else if rest.contains(':') {
                    return None;
                } else if get {
                    Self::GetGroup(rest.to_owned())
                } else if put {
                    Self::UpdateGroup(rest.to_owned())
                } else if delete {
                    Self::DeleteGroup(rest.to_owned())
                } else {
                    return None;
                }
            }
            _ => return None,
        };
        route.has_one_segment().then_some(route)
    }

    /// A resource name is a collection and one more segment.
    fn has_one_segment(&self) -> bool {
        match self {
            Self::ListConnections(name)
            | Self::GetPerson(name)
            | Self::UpdateContact(name)
            | Self::DeleteContact(name)
            | Self::UpdatePhoto(name)
            | Self::DeletePhoto(name)
            | Self::GetGroup(name)
            | Self::UpdateGroup(name)
            | Self::DeleteGroup(name)
            | Self::ModifyMembers(name) => {
                name.matches('/').count() == 1 && !name.ends_with('/') && !name.contains(':')
            }
            Self::BatchGetPeople
            | Self::CreateContact
            | Self::BatchCreateContacts
            | Self::BatchUpdateContacts
            | Self::BatchDeleteContacts
            | Self::ListGroups
            | Self::BatchGetGroups
            | Self::CreateGroup
            | Self::NotModelled(_) => true,
        }
    }

    /// What the reference says of the method.
    pub(super) fn facts(&self, call: &Call<'_>) -> Facts {
        let read = |name, parameters, cost| Facts { name, parameters, cost, writes: false };
        let write = |name, parameters, cost| Facts { name, parameters, cost, writes: true };
        match self {
            Self::ListConnections(_) => {
                let full = call.query.get("syncToken").is_none() && call.query.get("pageToken").is_none();
                let cost = if full { Cost::FullRead } else { Cost::CriticalRead };
                read("people.connections.list", LIST_CONNECTIONS, cost)
            }
            Self::GetPerson(_) => read("people.get", GET_PERSON, Cost::CriticalRead),
            Self::BatchGetPeople => read("people.getBatchGet", BATCH_GET_PEOPLE, Cost::CriticalRead),
            Self::CreateContact => write("people.createContact", CREATE_CONTACT, Cost::CriticalWrite),
            Self::UpdateContact(_) => write("people.updateContact", UPDATE_CONTACT, Cost::CriticalWrite),
            Self::DeleteContact(_) => write("people.deleteContact", &[], Cost::Write(1)),
            Self::BatchCreateContacts => write("people.batchCreateContacts", &[], Cost::CriticalBatch),
            Self::BatchUpdateContacts => write("people.batchUpdateContacts", &[], Cost::CriticalBatch),
            Self::BatchDeleteContacts => write("people.batchDeleteContacts", &[], Cost::Write(10)),
            Self::UpdatePhoto(_) => write("people.updateContactPhoto", &[], Cost::PhotoWrite),
            Self::DeletePhoto(_) => write("people.deleteContactPhoto", CREATE_CONTACT, Cost::PhotoWrite),
            Self::ListGroups => read("contactGroups.list", LIST_GROUPS, Cost::Read),
            Self::BatchGetGroups => read("contactGroups.batchGet", BATCH_GET_GROUPS, Cost::Read),
            Self::CreateGroup => write("contactGroups.create", &[], Cost::Write(1)),
            Self::GetGroup(_) => read("contactGroups.get", GET_GROUP, Cost::Read),
            Self::UpdateGroup(_) => write("contactGroups.update", &[], Cost::Write(1)),
            Self::DeleteGroup(_) => write("contactGroups.delete", &["deleteContacts"], Cost::Write(1)),
            Self::ModifyMembers(_) => write("contactGroups.members.modify", &[], Cost::Write(1)),
            Self::NotModelled(name) => read(name, &[], Cost::Read),
        }
    }
}

const OLD_MASK: &str = "requestMask.includeField";
const LIST_CONNECTIONS: &[&str] = &[
    "pageSize",
    "pageToken",
    "personFields",
    OLD_MASK,
    "requestSyncToken",
    "sortOrder",
    "sources",
    "syncToken",
];
const GET_PERSON: &[&str] = &["personFields", OLD_MASK, "sources"];
const BATCH_GET_PEOPLE: &[&str] = &["personFields", OLD_MASK, "resourceNames", "sources"];
const CREATE_CONTACT: &[&str] = &["personFields", "sources"];
const UPDATE_CONTACT: &[&str] = &["personFields", "sources", "updatePersonFields"];
const LIST_GROUPS: &[&str] = &["groupFields", "pageSize", "pageToken", "syncToken"];
const GET_GROUP: &[&str] = &["groupFields", "maxMembers"];
const BATCH_GET_GROUPS: &[&str] = &["groupFields", "maxMembers", "resourceNames"];
