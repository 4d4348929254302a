//! What the site's user may do, and what is degraded where it may not.
//!
//! Law: a right that the site would not tell about is neither there nor missing: nothing is concluded from it.

use std::collections::BTreeSet;
use std::fmt;

/// One thing that the daemon's user should be allowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Right {
    /// Read contacts.
    ReadContacts,
    /// Change contacts of others.
    ChangeContacts,
    /// Create contacts.
    CreateContacts,
    /// Delete contacts of others.
    DeleteContacts,
    /// Read Deleted Document, from which deletions are learnt.
    ReadDeletedDocuments,
    /// Read System Settings, which name the time zone.
    ReadSystemSettings,
    /// Read Google Contacts, the accounts of the site's own integration.
    ReadGoogleContacts,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 7] = [
        Self::ReadContacts,
        Self::ChangeContacts,
        Self::CreateContacts,
        Self::DeleteContacts,
        Self::ReadDeletedDocuments,
        Self::ReadSystemSettings,
        Self::ReadGoogleContacts,
    ];

    /// The DocType that it concerns.
    #[must_use]
    pub fn doctype(self) -> &'static str {
        match self {
            Self::ReadContacts | Self::ChangeContacts | Self::CreateContacts | Self::DeleteContacts => {
                "Contact"
            }
            Self::ReadDeletedDocuments => "Deleted Document",
            Self::ReadSystemSettings => "System Settings",
            Self::ReadGoogleContacts => "Google Contacts",
        }
    }

    /// The kind of permission, in the site's word.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::ReadContacts
            | Self::ReadDeletedDocuments
            | Self::ReadSystemSettings
            | Self::ReadGoogleContacts => "read",
            Self::ChangeContacts => "write",
            Self::CreateContacts => "create",
            Self::DeleteContacts => "delete",
        }
    }

    /// What happens without it, as a clause.
    #[must_use]
    pub fn degrades(self) -> &'static str {
        match self {
            Self::ReadContacts => "nothing can be synced",
            Self::ChangeContacts => {
                "only contacts that the user created itself are seen and changed; what changes in Google does not reach the others"
            }
            Self::CreateContacts => "contacts that are new in Google are not created on the site",
            Self::DeleteContacts => "contacts that are deleted in Google stay on the site",
            Self::ReadDeletedDocuments => {
                "a deletion on the site is noticed by the next sweep over all contacts, not by the next sync"
            }
            Self::ReadSystemSettings => {
                "the time zone of the site is measured instead of read, so that `newest` may be judged wrongly for an hour where clocks change"
            }
            Self::ReadGoogleContacts => {
                "it cannot be seen whether the site's own Google integration writes to the same contacts"
            }
        }
    }

    /// Whether the sync cannot do without it.
    #[must_use]
    pub fn is_vital(self) -> bool {
        self == Self::ReadContacts
    }
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.doctype())
    }
}

/// What the site's user may do; `None` where the site would not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Read contacts. Also true of a user who sees only contacts of their own: such a user lacks [`Permissions::write`].
    pub read: Option<bool>,
    /// Change contacts of others.
    pub write: Option<bool>,
    /// Create contacts.
    pub create: Option<bool>,
    /// Delete contacts of others.
    pub delete: Option<bool>,
    /// Read Deleted Document, from which deletions are learnt.
    pub deleted_documents: Option<bool>,
    /// Read System Settings, which name the time zone.
    pub system_settings: Option<bool>,
    /// Read Google Contacts, the accounts of the site's own integration. Also true of a user who sees only accounts of their own.
    pub google_contacts: Option<bool>,
    /// Fields of Contact that the user's role hides: they look empty in every read, and nothing written to them stays.
    pub hidden_fields: BTreeSet<String>,
}

impl Permissions {
    /// Whether the user has `right`, if the site said so.
    #[must_use]
    pub fn of(&self, right: Right) -> Option<bool> {
        match right {
            Right::ReadContacts => self.read,
            Right::ChangeContacts => self.write,
            Right::CreateContacts => self.create,
            Right::DeleteContacts => self.delete,
            Right::ReadDeletedDocuments => self.deleted_documents,
            Right::ReadSystemSettings => self.system_settings,
            Right::ReadGoogleContacts => self.google_contacts,
        }
    }

    /// What is missing and what that degrades, in the order of weight: (what, what is degraded).
    #[must_use]
    pub fn degradations(&self) -> Vec<(String, String)> {
        let missing = Right::ALL.into_iter().filter(|right| self.of(*right) == Some(false));
        let hidden = self.hidden_fields.iter().map(|field| {
            let degraded = "what it says is not seen, and nothing that is written to it stays";
            (format!("see the field {field} of Contact"), degraded.to_owned())
        });
        missing.map(|right| (right.to_string(), right.degrades().to_owned())).chain(hidden).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_site_denies_is_degraded_and_what_it_does_not_tell_is_not() {
        let permissions = Permissions {
            read: Some(true),
            delete: Some(false),
            deleted_documents: None,
            hidden_fields: BTreeSet::from(["designation".to_owned()]),
            ..Permissions::default()
        };
        let missing: Vec<String> = permissions.degradations().into_iter().map(|(what, _)| what).collect();
        assert_eq!(missing, ["delete Contact", "see the field designation of Contact"]);
    }

    #[test]
    fn every_right_says_what_it_is_for() {
        for right in Right::ALL {
            assert!(right.degrades().split_whitespace().count() >= 4, "{right}");
        }
        assert_eq!(Right::ALL.into_iter().filter(|right| right.is_vital()).count(), 1);
    }
}
