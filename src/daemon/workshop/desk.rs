//! The site's records, read through its client: what [`DeskDoor`] promises.
//!
//! Keys in the store: `desk` in [`Tree::Meta`] is the [`Desk`] that was read last; `form_token` of an account in [`Tree::Accounts`] is a
//! digest of the consent that was taken over, or refused, last.
//!
//! Law: a consent is tried once. One that was revoked here is not taken from the site again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};

use super::{consent, failed, site_client};
use crate::account::AccountName;
use crate::config::GoogleClient;
use crate::control::{Exit, Failure};
use crate::daemon::desk::{Desk, DeskDoor, known_but_not_listed};
use crate::daemon::{AccountSettings, Settings};
use crate::dafater::{
    BuiltInJob, DafaterError, RecordLookup, SiteClient, SiteCountry, SiteGoogleClient, SitePassword,
};
use crate::execute::EngineError;
use crate::google::oauth::{AuthorizationError, AuthorizeError, ClientCredentials, TokenVault};
use crate::remote::Clock;
use crate::store::{Batch, Key, Store, Tree, encode, get_decoded};

/// Reads records, and takes over what was consented to there.
pub(super) struct DeskReader {
    store: Arc<dyn Store>,
    vault: Arc<TokenVault>,
    clock: Arc<dyn Clock>,
    /// What was said last of each account: the same is not said each minute.
    told: Mutex<BTreeMap<AccountName, String>>,
}

/// Version of what is remembered.
const VERSION: u8 = 1;
const DESK: &[u8] = b"desk";

impl DeskReader {
    pub(super) fn new(store: Arc<dyn Store>, vault: Arc<TokenVault>, clock: Arc<dyn Clock>) -> Self {
        Self { store, vault, clock, told: Mutex::default() }
    }

    async fn remember(&self, desk: &Desk) -> Result<(), Failure> {
        let bytes = encode(VERSION, desk);
        if self.store.get(Tree::Meta, DESK).ok().flatten().as_deref() == Some(bytes.as_slice()) {
            return Ok(());
        }
        let mut batch = Batch::default();
        batch.put(Tree::Meta, DESK, bytes);
        self.store.commit(batch).await.map_err(|error| failed(&error))
    }

    /// Whether just this consent was tried before.
    fn was_tried(&self, account: &AccountName, digest: &[u8; 32]) -> Result<bool, Failure> {
        let tried: Option<[u8; 32]> =
            get_decoded(self.store.as_ref(), Tree::Accounts, token_key(account).as_bytes(), VERSION)
                .map_err(|error| failed(&error))?;
        Ok(tried.as_ref() == Some(digest))
    }

    async fn note_tried(&self, account: &AccountName, digest: &[u8; 32]) -> Result<(), Failure> {
        let mut batch = Batch::default();
        batch.put(Tree::Accounts, token_key(account), encode(VERSION, digest));
        self.store.commit(batch).await.map_err(|error| failed(&error))
    }

    async fn try_consent(&self, account: &AccountSettings, settings: &Settings) -> Result<bool, Failure> {
        let (Some(record), false) =
            (&account.record, matches!(settings.config.google.client, GoogleClient::ServiceAccount { .. }))
        else {
            return Ok(false);
        };
        let site = site_client(&settings.config)?;
        let token = match site.account_refresh_token(record).await.map_err(of_site)? {
            SitePassword::Set(token) => token,
            SitePassword::NotSet => return Ok(false),
            SitePassword::Forbidden => return Err(not_a_manager(account)),
        };
        let client = match site.google_client().await.map_err(of_site)? {
            SiteGoogleClient::Set { id, secret } => ClientCredentials { id: id.trim().to_owned(), secret },
            SiteGoogleClient::Forbidden => return Err(not_a_manager(account)),
            SiteGoogleClient::NotSet => {
                return Err(Failure::new(
                    Exit::Unauthorized,
                    "a consent was given on the site, but its Google Settings are off or name no OAuth client",
                )
                .hint("enable Google Settings and fill in its Client ID and Client Secret"));
            }
        };
        let digest = digest(&client, &token);
        if self.was_tried(&account.name, &digest)? {
            return Ok(false);
        }
        let is_configured =
            matches!(&settings.config.google.client, GoogleClient::Consent { id, .. } if *id == client.id);
        let authorizer =
            consent::authorizer(settings, &self.vault, &self.clock, (!is_configured).then_some(client))?;
        let outcome = authorizer.authorize_with_refresh_token(&account.name, &account.email_id, token).await;
        if !matches!(&outcome, Err(AuthorizeError::Refused(AuthorizationError::Unavailable { .. }))) {
            self.note_tried(&account.name, &digest).await?;
        }
        consent::accepted(outcome).map(|_| true)
    }
}

impl DeskDoor for DeskReader {
    fn remembered(&self) -> Desk {
        // What cannot be read is read from the site anew.
        get_decoded(self.store.as_ref(), Tree::Meta, DESK, VERSION).ok().flatten().unwrap_or_default()
    }

    fn read<'a>(&'a self, settings: &'a Settings, known: &'a Desk) -> BoxFuture<'a, Result<Desk, Failure>> {
        Box::pin(async move {
            let site = site_client(&settings.config)?;
            let desk = read(&site, known).await.map_err(of_site)?;
            self.remember(&desk).await?;
            Ok(desk)
        })
    }

    fn country<'a>(&'a self, settings: &'a Settings) -> BoxFuture<'a, Option<SiteCountry>> {
        Box::pin(async move { site_client(&settings.config).ok()?.country().await.ok().flatten() })
    }

    fn take_over<'a>(
        &'a self,
        account: &'a AccountSettings,
        settings: &'a Settings,
    ) -> BoxFuture<'a, Result<bool, Failure>> {
        Box::pin(async move {
            let outcome = self.try_consent(account, settings).await;
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            match outcome {
                Ok(taken) => {
                    if taken {
                        told.remove(&account.name);
                    }
                    Ok(taken)
                }
                Err(failure) => {
                    let said = failure.render();
                    let is_news = told.insert(account.name.clone(), said.clone()) != Some(said);
                    if is_news { Err(failure) } else { Ok(false) }
                }
            }
        })
    }
}

/// The records as they are now.
pub(super) async fn read(site: &SiteClient, known: &Desk) -> Result<Desk, DafaterError> {
    let mut records = site.account_records().await?;
    // A list may show less than there is: another role, another owner. Only a look-up says that a record is gone.
    let missing: Vec<_> = known_but_not_listed(&known.records, &records).cloned().collect();
    for record in missing {
        match site.account_record(&record.name).await? {
            RecordLookup::Found(found) => records.push(found),
            RecordLookup::Hidden => records.push(record),
            RecordLookup::Missing => {}
        }
    }
    let enabled = || records.iter().filter(|record| record.enable);
    let job = match enabled().next() {
        Some(_) => site.built_in_job().await?,
        None => BuiltInJob::Unknown,
    };
    let mut pushed = BTreeMap::new();
    for record in enabled().filter(|record| record.push) {
        let count = site.contacts_pushed_by_built_in(&record.name).await?;
        if count > 0 {
            pushed.insert(record.name.clone(), count);
        }
    }
    Ok(Desk { records, job, pushed })
}

/// Looks whether the desk gives what the configuration wants of it, and tells what would keep its accounts from working.
pub async fn examine_desk(settings: &Settings) -> Vec<Failure> {
    if !settings.config.dafater.accounts_from_google_contacts {
        return Vec::new();
    }
    let looked = async {
        let desk = read(&site_client(&settings.config)?, &Desk::default()).await.map_err(of_site)?;
        settings.with_desk(desk)
    };
    let settings = match looked.await {
        Ok(settings) => settings,
        Err(failure) => return vec![failure],
    };
    let remark = |remark: &crate::control::Finding| {
        Failure::new(Exit::Configuration, remark.message.clone()).findings(vec![remark.clone()])
    };
    let refused = settings.accounts.values().filter_map(|account| {
        let message = format!("account {} must not be synced", account.name);
        Some(Failure::new(Exit::Configuration, message).cause(account.refused.clone()?))
    });
    settings.remarks.iter().map(remark).chain(refused).collect()
}

fn not_a_manager(account: &AccountSettings) -> Failure {
    Failure::new(
        Exit::Unauthorized,
        "a consent was given on the site, but the user of the API key is no System Manager and cannot take it over",
    )
    .hint(format!(
        "give that user the role System Manager, or run `dafater-contactsd authorize {}`",
        account.name
    ))
}

fn of_site(error: DafaterError) -> Failure {
    EngineError::from(error).into()
}

fn token_key(account: &AccountName) -> Key {
    Key::account(account.as_str()).text("form_token")
}

/// Tells one consent from another without holding it.
fn digest(client: &ClientCredentials, token: &SecretString) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [client.id.as_str(), client.secret.expose_secret(), token.expose_secret()] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    digest.finalize().into()
}
