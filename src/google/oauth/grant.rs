//! What is known about a consent, beside the token itself.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A consent: who gave it, when, and for what. Sealed like the token, though nothing in it is secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// Address of the Google account that consented; `None` if Google did not say.
    pub address: Option<String>,
    /// Google's unchanging id of that account. A later consent for the same account must come from the same one.
    pub subject: Option<String>,
    /// What was granted; empty if Google did not list it.
    pub scopes: Vec<String>,
    /// When the consent was stored.
    pub consented_at: Timestamp,
    /// When a refresh last succeeded, to the day.
    pub refreshed_at: Timestamp,
}
