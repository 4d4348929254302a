//! What may be spent, and what a call costs.

use crate::google::Method;

/// What one account may spend a minute, what all may spend together, and how many contacts may be written a day. The defaults lie
/// below the smallest limits that Google has been seen to give a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// "Critical read requests (Contact and Profile Reads)".
    pub critical_reads: u32,
    /// "Critical write requests (Contact Creates and Updates)".
    pub critical_writes: u32,
    /// "Read requests (Contact Group Reads)".
    pub reads: u32,
    /// "Write requests (Contact Deletes and Contact Group Writes)".
    pub writes: u32,
    /// "Photo write requests (Photo Updates)".
    pub photo_writes: u32,
    /// "Daily Contact Writes (Total)", of all accounts together.
    pub daily_writes: u32,
    /// All accounts together may spend so many times what one may spend a minute.
    pub project: u32,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            critical_reads: 50,
            critical_writes: 25,
            reads: 75,
            writes: 25,
            photo_writes: 40,
            daily_writes: 80_000,
            project: 10,
        }
    }
}

/// Classes of cost that are counted by the minute.
pub(super) const CLASSES: usize = 5;

impl Budget {
    /// What one account may spend a minute, by class.
    pub(super) fn of_account(&self) -> [u32; CLASSES] {
        [self.critical_reads, self.critical_writes, self.reads, self.writes, self.photo_writes]
    }

    /// What all accounts may spend a minute, by class.
    pub(super) fn of_project(&self) -> [u32; CLASSES] {
        self.of_account().map(|limit| limit.saturating_mul(self.project))
    }
}

/// What a call costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cost {
    /// By class.
    pub(super) minute: [u32; CLASSES],
    /// Of the contacts of the day.
    pub(super) day: u32,
}

impl Cost {
    /// What a call of `method` costs.
    // API: costs as in the guide "Read and Manage Contacts"; a batch costs the same whatever its size.
    pub(super) fn of(method: Method) -> Self {
        let (minute, day) = match method {
            Method::ConnectionsList | Method::Get | Method::GetBatchGet => ([1, 0, 0, 0, 0], 0),
            Method::CreateContact | Method::UpdateContact => ([1, 1, 0, 0, 0], 1),
            Method::BatchCreateContacts | Method::BatchUpdateContacts => ([6, 6, 0, 0, 0], 200),
            Method::DeleteContact | Method::ContactGroupsCreate | Method::MembersModify => {
                ([0, 0, 0, 1, 0], 0)
            }
            Method::BatchDeleteContacts => ([0, 0, 0, 10, 0], 0),
            Method::ContactGroupsList => ([0, 0, 1, 0, 0], 0),
            Method::UpdateContactPhoto | Method::DeleteContactPhoto => ([0, 0, 0, 0, 1], 0),
            // It is no call of the API.
            Method::DownloadPhoto => ([0; CLASSES], 0),
        };
        Self { minute, day }
    }
}
