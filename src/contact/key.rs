//! The canonical identity of one value within its field.

use serde::{Deserialize, Serialize};

/// A canonical e-mail address, phone number or postal address. Equal keys mean the same value, whatever the spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    /// Wraps a string that is already canonical.
    pub(crate) fn from_canonical(value: String) -> Self {
        Self(value)
    }

    /// The key of an e-mail address: trimmed and folded in case, local part included, as every large provider treats it.
    /// Of `Some One <a@b.example>` only the address counts. `None` for blank text.
    #[must_use]
    pub fn email(raw: &str) -> Option<Self> {
        let folded = super::folded_text(bare_address(raw));
        (!folded.is_empty()).then_some(Self(folded))
    }

    /// The canonical text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address within `Some One <a@b.example>`, or the text itself.
#[must_use]
pub fn bare_address(raw: &str) -> &str {
    match raw.trim().strip_suffix('>').and_then(|open| open.rsplit_once('<')) {
        Some((_, address)) if address.contains('@') => address.trim(),
        Some(_) | None => raw.trim(),
    }
}
