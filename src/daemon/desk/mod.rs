//! What Dafater's own records say about the accounts.
//!
//! ```text
//! Google Contacts (site) ──each minute──> Desk ──with the configuration──> Settings ──one publication──> Roster
//!                                          └──> remembered in the store, for a start while the site is down
//! ```
//!
//! Law: only what the site says of a record changes its account. A site that is down, a refusal and a list that shows less than before
//! change nothing; a record that is gone ends the sync of its account and deletes no contact.

mod follow;
mod said;

use futures_util::future::BoxFuture;

pub(super) use follow::{Follower, News};
pub use follow::{join, take_over};
pub use said::Desk;
pub(super) use said::{known_but_not_listed, refusal};

use super::{AccountSettings, Settings};
use crate::control::Failure;
use crate::dafater::SiteCountry;

/// The site, as far as its records are accounts.
pub trait DeskDoor: Send + Sync {
    /// What was read last, by this process or an earlier one.
    fn remembered(&self) -> Desk;

    /// Reads the records, compares them with what is known, and remembers them.
    fn read<'a>(&'a self, settings: &'a Settings, known: &'a Desk) -> BoxFuture<'a, Result<Desk, Failure>>;

    /// The country of the site, for advice; `None` if it would not say.
    fn country<'a>(&'a self, settings: &'a Settings) -> BoxFuture<'a, Option<SiteCountry>>;

    /// Takes over the consent that was given for an account with the button of its form. `false`: there is none that is new.
    fn take_over<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<bool, Failure>>;
}
