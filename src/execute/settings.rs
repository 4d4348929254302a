//! What one account's engine is built from.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::SignedDuration;

use crate::dafater::SiteClient;
use crate::google::PeopleClient;
use crate::google::oauth::TokenVault;
use crate::remote::{Clock, CountingTransport};
use crate::state::AccountState;
use crate::sync::{Links, PhotoPolicy, Policy};

/// The clients and the memory of one account.
pub struct Parts {
    /// The People API as this account.
    pub google: PeopleClient,
    /// What `google` sends is counted here.
    pub google_sent: Arc<CountingTransport>,
    /// The site.
    pub dafater: SiteClient,
    /// What `dafater` sends is counted here.
    pub dafater_sent: Arc<CountingTransport>,
    /// The account's tables.
    pub state: AccountState,
    /// The vault of the account's tokens; `None` where the account needs no consent of its own.
    pub vault: Option<Arc<TokenVault>>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// How an account is synced, beyond the policy.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The rules.
    pub policy: Policy,
    /// To whom contacts from Google are linked.
    pub links: Links,
    /// Host of the site, as markers name it.
    pub site: String,
    /// Label put on contacts that are created in Google; `None` for none.
    pub label: Option<String>,
    /// The label of each DocType that a contact may be linked to; DocTypes in lower case.
    pub labels: BTreeMap<String, String>,
    /// In which directions photos are carried.
    pub photos: PhotoPolicy,
    /// Contacts that a Google account holds, its trash included.
    pub max_contacts: usize,
    /// How long a write to Google may stay invisible.
    pub propagation: SignedDuration,
    /// Age at which the sync token is renewed by a full read; below the seven days at which it dies.
    pub full_read_after: SignedDuration,
    /// How far back the site is read again, for transactions that commit late.
    pub overlap: SignedDuration,
    /// How long a create with a lost answer is looked for on the site.
    pub settle: SignedDuration,
    /// How often all of the site's names are compared with the pairs.
    pub sweep: SignedDuration,
    /// How long a run is remembered.
    pub history_keep: SignedDuration,
    /// Writes to the site at the same time.
    pub connections: usize,
}
