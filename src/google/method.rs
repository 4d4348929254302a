//! The methods of the People API that we call, by their names in the reference.

use std::fmt;

/// A method of the People API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// `people.connections.list`
    ConnectionsList,
    /// `people.get`
    Get,
    /// `people.getBatchGet`
    GetBatchGet,
    /// `people.createContact`
    CreateContact,
    /// `people.batchCreateContacts`
    BatchCreateContacts,
    /// `people.updateContact`
    UpdateContact,
    /// `people.batchUpdateContacts`
    BatchUpdateContacts,
    /// `people.deleteContact`
    DeleteContact,
    /// `people.batchDeleteContacts`
    BatchDeleteContacts,
    /// `people.updateContactPhoto`
    UpdateContactPhoto,
    /// `people.deleteContactPhoto`
    DeleteContactPhoto,
    /// A photo, from where it lies
    DownloadPhoto,
    /// `contactGroups.list`
    ContactGroupsList,
    /// `contactGroups.create`
    ContactGroupsCreate,
    /// `contactGroups.members.modify`
    MembersModify,
}

impl Method {
    /// The name in the reference.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectionsList => "people.connections.list",
            Self::Get => "people.get",
            Self::GetBatchGet => "people.getBatchGet",
            Self::CreateContact => "people.createContact",
            Self::BatchCreateContacts => "people.batchCreateContacts",
            Self::UpdateContact => "people.updateContact",
            Self::BatchUpdateContacts => "people.batchUpdateContacts",
            Self::DeleteContact => "people.deleteContact",
            Self::BatchDeleteContacts => "people.batchDeleteContacts",
            Self::UpdateContactPhoto => "people.updateContactPhoto",
            Self::DeleteContactPhoto => "people.deleteContactPhoto",
            Self::DownloadPhoto => "photo",
            Self::ContactGroupsList => "contactGroups.list",
            Self::ContactGroupsCreate => "contactGroups.create",
            Self::MembersModify => "contactGroups.members.modify",
        }
    }

    /// Whether the method changes anything, so that a missing answer leaves a doubt.
    #[must_use]
    pub fn is_mutation(self) -> bool {
        match self {
            Self::ConnectionsList
            | Self::Get
            | Self::GetBatchGet
            | Self::DownloadPhoto
            | Self::ContactGroupsList => false,
            Self::CreateContact
            | Self::BatchCreateContacts
            | Self::UpdateContact
            | Self::BatchUpdateContacts
            | Self::DeleteContact
            | Self::BatchDeleteContacts
            | Self::UpdateContactPhoto
            | Self::DeleteContactPhoto
            | Self::ContactGroupsCreate
            | Self::MembersModify => true,
        }
    }

    /// Whether the request names records that must exist, so that "not found" speaks of them and not of the route.
    #[must_use]
    pub fn names_records(self) -> bool {
        match self {
            Self::Get
            | Self::UpdateContact
            | Self::BatchUpdateContacts
            | Self::DeleteContact
            | Self::BatchDeleteContacts
            | Self::UpdateContactPhoto
            | Self::DeleteContactPhoto
            | Self::MembersModify => true,
            Self::ConnectionsList
            | Self::DownloadPhoto
            | Self::GetBatchGet
            | Self::CreateContact
            | Self::BatchCreateContacts
            | Self::ContactGroupsList
            | Self::ContactGroupsCreate => false,
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
