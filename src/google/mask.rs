//! Which fields are read and which are written.
//!
//! Law: every read that feeds the sync uses one mask. A sync token belongs to the parameters of its first call, so a cursor is stored together with
//! [`FieldMask::fingerprint`] and is void when the fingerprint differs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::people::PAGE_SIZE;

/// A set of person fields to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldMask(Cow<'static, str>);

impl FieldMask {
    /// The mask of every read but those of before-images, and beside what an operator mapped. `metadata` carries identity, revision and the deletion flag.
    pub const READ: Self = Self(Cow::Borrowed(
        "metadata,names,emailAddresses,phoneNumbers,organizations,memberships,clientData",
    ));

    /// Identity and photos.
    pub const PHOTOS: Self = Self(Cow::Borrowed("metadata,photos"));

    /// Everything that a contact may be created with, and its identity.
    pub const EVERYTHING: Self = Self(Cow::Borrowed(
        "metadata,addresses,biographies,birthdays,calendarUrls,clientData,emailAddresses,events,externalIds,genders,imClients,\
         interests,locales,locations,memberships,miscKeywords,names,nicknames,occupations,organizations,phoneNumbers,relations,\
         sipAddresses,urls,userDefined",
    ));

    /// This mask and further fields, each once.
    #[must_use]
    pub fn with<'f>(&self, fields: impl IntoIterator<Item = &'f str>) -> Self {
        let mut mask = self.as_str().to_owned();
        for field in fields {
            if !mask.split(',').any(|known| known == field) {
                mask.push(',');
                mask.push_str(field);
            }
        }
        Self(Cow::Owned(mask))
    }

    /// The mask as the API takes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// All parameters that must stay the same while a sync token is used, in one line.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        format!("personFields={}&pageSize={PAGE_SIZE}&sources={READ_SOURCE}", self.0)
    }
}

impl fmt::Display for FieldMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The only source we read: without it Google mixes profile fields into the contact's.
pub(crate) const READ_SOURCE: &str = "READ_SOURCE_TYPE_CONTACT";

/// A person field that we may write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum UpdatePath {
    /// `names`
    Names,
    /// `emailAddresses`
    EmailAddresses,
    /// `phoneNumbers`
    PhoneNumbers,
    /// `organizations`
    Organizations,
    /// `genders`
    Genders,
    /// `birthdays`
    Birthdays,
    /// `biographies`
    Biographies,
    /// `nicknames`
    Nicknames,
    /// `occupations`
    Occupations,
    /// `interests`
    Interests,
    /// `locales`
    Locales,
    /// `urls`
    Urls,
    /// `relations`
    Relations,
    /// `events`
    Events,
    /// `externalIds`
    ExternalIds,
    /// `imClients`
    ImClients,
    /// `sipAddresses`
    SipAddresses,
    /// `calendarUrls`
    CalendarUrls,
    /// `userDefined`
    UserDefined,
    /// `addresses`
    Addresses,
    /// `memberships`
    Memberships,
    /// `clientData`
    ClientData,
}

impl UpdatePath {
    /// Every path, in the order in which a mask lists them.
    pub const ALL: [Self; 22] = [
        Self::Names,
        Self::EmailAddresses,
        Self::PhoneNumbers,
        Self::Organizations,
        Self::Genders,
        Self::Birthdays,
        Self::Biographies,
        Self::Nicknames,
        Self::Occupations,
        Self::Interests,
        Self::Locales,
        Self::Urls,
        Self::Relations,
        Self::Events,
        Self::ExternalIds,
        Self::ImClients,
        Self::SipAddresses,
        Self::CalendarUrls,
        Self::UserDefined,
        Self::Addresses,
        Self::Memberships,
        Self::ClientData,
    ];

    /// The path as the API spells it; also the key in a person body.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::EmailAddresses => "emailAddresses",
            Self::PhoneNumbers => "phoneNumbers",
            Self::Organizations => "organizations",
            Self::Genders => "genders",
            Self::Birthdays => "birthdays",
            Self::Biographies => "biographies",
            Self::Nicknames => "nicknames",
            Self::Occupations => "occupations",
            Self::Interests => "interests",
            Self::Locales => "locales",
            Self::Urls => "urls",
            Self::Relations => "relations",
            Self::Events => "events",
            Self::ExternalIds => "externalIds",
            Self::ImClients => "imClients",
            Self::SipAddresses => "sipAddresses",
            Self::CalendarUrls => "calendarUrls",
            Self::UserDefined => "userDefined",
            Self::Addresses => "addresses",
            Self::Memberships => "memberships",
            Self::ClientData => "clientData",
        }
    }
}

impl fmt::Display for UpdatePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A field name that is not in the update mask's vocabulary.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a person field that is written")]
pub struct UnknownPath(pub String);

impl FromStr for UpdatePath {
    type Err = UnknownPath;

    fn from_str(path: &str) -> Result<Self, UnknownPath> {
        Self::ALL.into_iter().find(|known| known.as_str() == path).ok_or_else(|| UnknownPath(path.to_owned()))
    }
}

/// The fields that one write replaces. A path in the mask whose field is absent from the body is emptied.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UpdateMask(BTreeSet<UpdatePath>);

impl UpdateMask {
    /// Adds a path.
    pub fn insert(&mut self, path: UpdatePath) {
        self.0.insert(path);
    }

    /// Whether a write with this mask would change nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the mask replaces `path`.
    #[must_use]
    pub fn contains(&self, path: UpdatePath) -> bool {
        self.0.contains(&path)
    }

    /// The paths in the mask's order.
    pub fn paths(&self) -> impl Iterator<Item = UpdatePath> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<UpdatePath> for UpdateMask {
    fn from_iter<I: IntoIterator<Item = UpdatePath>>(paths: I) -> Self {
        Self(paths.into_iter().collect())
    }
}

impl fmt::Display for UpdateMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, path) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator}{path}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_lists_each_path_once_in_a_fixed_order() {
        let mask: UpdateMask =
            [UpdatePath::ClientData, UpdatePath::Names, UpdatePath::ClientData].into_iter().collect();
        assert_eq!(mask.to_string(), "names,clientData");
        assert!(!mask.contains(UpdatePath::PhoneNumbers));
    }

    #[test]
    fn every_path_is_read_back_from_its_own_spelling_in_masks_and_in_journals() {
        for path in UpdatePath::ALL {
            assert_eq!(path.as_str().parse(), Ok(path));
            assert_eq!(serde_json::to_value(path).unwrap(), path.as_str());
        }
        assert_eq!("photos".parse::<UpdatePath>(), Err(UnknownPath("photos".to_owned())));
    }

    #[test]
    fn whatever_is_written_is_also_read() {
        // What an operator maps is read beside the rest.
        let read: Vec<&str> = FieldMask::EVERYTHING.as_str().split(',').collect();
        assert!(UpdatePath::ALL.into_iter().all(|path| read.contains(&path.as_str())));
        assert!(read.contains(&"metadata"), "without metadata deletions cannot be seen");
    }

    #[test]
    fn what_is_mapped_is_read_beside_the_rest_and_makes_another_cursor() {
        let mask = FieldMask::READ.with(["birthdays", "names", "birthdays"]);
        assert_eq!(mask.as_str(), format!("{},birthdays", FieldMask::READ));
        assert_ne!(mask.fingerprint(), FieldMask::READ.fingerprint());
        assert_eq!(FieldMask::READ.with(["names"]), FieldMask::READ);
    }

    #[test]
    fn the_fingerprint_covers_every_constant_parameter() {
        let fingerprint = FieldMask::READ.fingerprint();
        for part in [FieldMask::READ.as_str(), "1000", "READ_SOURCE_TYPE_CONTACT"] {
            assert!(fingerprint.contains(part), "{part} is missing in {fingerprint}");
        }
    }
}
