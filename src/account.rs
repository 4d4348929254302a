//! The name of an account under sync, and the record that Dafater keeps of one: the words that every module may use.

use serde::{Deserialize, Serialize};

/// NAME of `[accounts.NAME]`: 1 to 64 characters of `a-z A-Z 0-9 . _ -`. It prefixes the account's keys in the store.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountName(String);

impl AccountName {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AccountName {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
            return Err(format!("`{name}` cannot name an account; use 1 to 64 of a-z A-Z 0-9 . _ -"));
        }
        Ok(Self(name))
    }
}

impl std::str::FromStr for AccountName {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::try_from(name.to_owned())
    }
}

impl From<AccountName> for String {
    fn from(name: AccountName) -> Self {
        name.0
    }
}

impl std::fmt::Display for AccountName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A record of the DocType "Google Contacts" on the site: what a person there says of an account.
#[expect(clippy::struct_excessive_bools, reason = "each is a check box of the form")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountRecord {
    /// Its address on the site, such as `GC-sales@example.com`. A person may rename it.
    pub name: String,
    /// When it was created, by the site's clock. Survives renames.
    pub creation: String,
    /// The address of the Google account.
    pub email_id: String,
    /// Whether the account is to be synced.
    pub enable: bool,
    /// Google -> Dafater.
    pub pull: bool,
    /// Dafater -> Google.
    pub push: bool,
    /// Whether a consent was given with the button of its form. What it is worth, only Google knows.
    pub has_consent: bool,
}
