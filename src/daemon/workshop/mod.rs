//! The real back-end: where the store, the vault and the clients become engines.

mod consent;
mod desk;
mod exports;
mod keys;
mod recorded;

use std::collections::BTreeMap;
use std::io::BufRead;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::consent::Consents;
use self::desk::DeskReader;
pub use self::desk::examine_desk;
use self::exports::Exports;
use self::keys::KeyHome;
use self::recorded::Recorded;
use super::{AccountSettings, Backend, Consent, DeskDoor, EngineFactory, Settings};
use crate::config::{Config, GoogleClient, Quota, Span};
use crate::control::{Exit, Failure, Finding};
use crate::dafater::{DafaterError, Permissions, SiteClient, SiteOptions};
use crate::execute::{AccountEngine, Engine, EngineError, Hub, Parts, Settings as EngineSettings};
use crate::google::oauth::{
    AccessTokens, ClientCredentials, RefreshingTokens, ServiceAccountKey, ServiceAccountTokens,
    TokenEndpoint, TokenVault, VaultKey,
};
use crate::google::{Budget, Governor, PeopleClient};
use crate::remote::{
    Clock, CountingTransport, NoticingTransport, ReqwestTransport, Transport, TransportOptions,
};
use crate::state::AccountState;
use crate::store::{ImportOptions, OpenError, OpenOptions, SledStore, Store, import_from};

/// How long closing the store may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// Connecting takes no longer than this, whatever a whole request may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Opens the store of this machine.
pub struct Workshop {
    clock: Arc<dyn Clock>,
    credentials: Option<PathBuf>,
}

impl Workshop {
    /// A back-end that tells the time by `clock`. `credentials` is the directory of systemd's credentials, if there is one.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, credentials: Option<PathBuf>) -> Self {
        Self { clock, credentials }
    }
}

impl Backend for Workshop {
    fn open<'a>(&'a self, settings: &'a Settings) -> BoxFuture<'a, Result<Arc<dyn EngineFactory>, Failure>> {
        Box::pin(async move {
            let (state, options) = (settings.state.clone(), OpenOptions::new(self.clock.now()));
            let home = KeyHome::find(&state, self.credentials.as_deref());
            let opened = blocking(move || {
                let (store, _) = SledStore::open(&state, &options).map_err(|error| refused(&error))?;
                let store = Arc::new(store);
                let vault = home.open(&(Arc::clone(&store) as Arc<dyn Store>))?;
                Ok((store, Arc::new(vault), home))
            });
            let (store, vault, key_home) = opened.await?;
            let exports = Exports::start(Arc::clone(&store), Arc::clone(&self.clock), settings);
            let consents = Consents::new(Arc::clone(&vault), Arc::clone(&self.clock));
            let (clock, governors) = (Arc::clone(&self.clock), Mutex::default());
            let desk = DeskReader::new(
                Arc::clone(&store) as Arc<dyn Store>,
                Arc::clone(&vault),
                Arc::clone(&self.clock),
            );
            let (rights, forbidden) = (Mutex::default(), Arc::default());
            Ok(Arc::new(Bench {
                store,
                vault,
                key_home,
                consents,
                desk,
                hub: Arc::default(),
                exports,
                governors,
                clock,
                rights,
                forbidden,
            }) as Arc<dyn EngineFactory>)
        })
    }

    fn import<'a>(
        &'a self,
        settings: &'a Settings,
        mut lines: Box<dyn BufRead + Send>,
    ) -> BoxFuture<'a, Result<String, Failure>> {
        let state = settings.state.clone();
        // What is there is kept under another name; a store that was refused is just what an import replaces.
        let options = ImportOptions { set_aside: true, ..ImportOptions::new(self.clock.now()) };
        Box::pin(blocking(move || {
            let summary = import_from(&state, &mut lines, &options).map_err(|error| {
                Failure::new(Exit::Data, "the export cannot be imported; the store is as it was")
                    .cause(error.to_string())
            })?;
            Ok(format!("imported {} entries into {}", summary.entries, state.display()))
        }))
    }
}

/// An open store, and what engines are built with.
struct Bench {
    store: Arc<SledStore>,
    vault: Arc<TokenVault>,
    key_home: KeyHome,
    consents: Consents,
    desk: DeskReader,
    /// What the engines share, whatever is reloaded.
    hub: Arc<Hub>,
    exports: Exports,
    /// One for each OAuth client, by its id: the quotas of a project are shared by all its accounts, and outlive a reload.
    governors: Mutex<BTreeMap<String, Arc<Governor>>>,
    clock: Arc<dyn Clock>,
    /// What the site's user was last seen to be allowed to.
    rights: Mutex<Option<Permissions>>,
    /// Told each time that the site forbids something.
    forbidden: Arc<Notify>,
}

impl Bench {
    fn governor(&self, config: &Config) -> Arc<Governor> {
        let client = match &config.google.client {
            GoogleClient::Consent { id, .. } => id.clone(),
            GoogleClient::Site => String::new(),
            GoogleClient::ServiceAccount { file, .. } => file.display().to_string(),
        };
        let budget = budget(&config.google.quota);
        let mut governors = self.governors.lock().unwrap_or_else(PoisonError::into_inner);
        let governor = governors
            .entry(client)
            .or_insert_with(|| Arc::new(Governor::new(budget, Arc::clone(&self.clock))));
        governor.set_budget(budget);
        Arc::clone(governor)
    }

    fn tokens(&self, account: &AccountSettings, config: &Config) -> Result<Arc<dyn AccessTokens>, String> {
        let transport = transport(config.google.timeout)?;
        let token_url = config.google.token_url.clone();
        Ok(match &config.google.client {
            client @ (GoogleClient::Consent { .. } | GoogleClient::Site) => {
                let credentials = match client {
                    GoogleClient::Consent { id, secret } => {
                        ClientCredentials { id: id.clone(), secret: secret.clone() }
                    }
                    // Never asked as nobody: each consent then lies beside the client that it was given to.
                    GoogleClient::Site | GoogleClient::ServiceAccount { .. } => {
                        ClientCredentials { id: String::new(), secret: SecretString::default() }
                    }
                };
                let endpoint = TokenEndpoint::new(transport, credentials, token_url);
                let clock = Arc::clone(&self.clock);
                Arc::new(RefreshingTokens::new(
                    account.name.clone(),
                    endpoint,
                    Arc::clone(&self.vault),
                    clock,
                ))
            }
            GoogleClient::ServiceAccount { key, .. } => {
                let key = ServiceAccountKey::parse(key).map_err(|error| error.to_string())?;
                let clock = Arc::clone(&self.clock);
                let (name, email_id) = (account.name.clone(), account.email_id.clone());
                Arc::new(ServiceAccountTokens::new(name, email_id, key, transport, token_url, clock))
            }
        })
    }
}

impl EngineFactory for Bench {
    fn build(
        &self,
        account: &AccountSettings,
        settings: &Settings,
        cancel: CancellationToken,
    ) -> Result<Arc<dyn Engine>, String> {
        let config = &settings.config;
        let Some(table) = config.accounts.get(&account.name) else {
            return Err("it is not in the configuration".to_owned());
        };
        let google_sent = Arc::new(CountingTransport::new(transport(config.google.timeout)?));
        let forbidden = Arc::clone(&self.forbidden);
        let noticing = NoticingTransport::new(
            transport(config.dafater.timeout)?,
            Arc::new(move || forbidden.notify_one()),
        );
        let dafater_sent = Arc::new(CountingTransport::new(Arc::new(noticing)));
        let mut site = site_options(config);
        if let Some((key, secret)) = table.api_keys() {
            (site.api_key, site.api_secret) = (key.to_owned(), secret.clone());
        }
        site.addresses = table.addresses;
        let has_photos = table.photos != crate::sync::PhotoPolicy::Off;
        if has_photos {
            site.extra_fields.push("image".to_owned());
        }
        let needs_consent = !matches!(config.google.client, GoogleClient::ServiceAccount { .. });
        let google = PeopleClient::new(
            Arc::clone(&google_sent) as _,
            config.google.api_url.clone(),
            self.tokens(account, config)?,
        )
        .governed(self.governor(config), account.name.clone(), cancel.clone());
        let parts = Parts {
            google: if has_photos { google.with_photos() } else { google },
            google_sent,
            dafater: SiteClient::new(Arc::clone(&dafater_sent) as _, site)
                .map_err(|error| error.to_string())?,
            dafater_sent,
            state: AccountState::new(Arc::clone(&self.store) as Arc<dyn Store>, account.name.clone()),
            vault: needs_consent.then(|| Arc::clone(&self.vault)),
            clock: Arc::clone(&self.clock),
        };
        let engine_settings = EngineSettings {
            policy: table.policy(),
            links: table.links.clone(),
            site: config.dafater.url.host_str().unwrap_or_default().to_owned(),
            label: table.google_label().map(str::to_owned),
            labels: table.label_rules(),
            photos: table.photos,
            max_contacts: config.google.max_contacts,
            propagation: signed(config.google.propagation),
            full_read_after: signed(config.google.full_read_after),
            overlap: signed(config.dafater.overlap),
            settle: signed(config.dafater.settle),
            sweep: signed(config.dafater.sweep),
            history_keep: signed(config.history.keep),
            connections: config.dafater.connections,
        };
        let engine = AccountEngine::new(parts, engine_settings, cancel).beside(Arc::clone(&self.hub));
        Ok(match &account.record {
            None => Arc::new(engine),
            Some(record) => Arc::new(Recorded {
                engine,
                site: site_client(config).map_err(|failure| failure.to_string())?,
                record: record.clone(),
                clock: Arc::clone(&self.clock),
                form: form(&config.dafater.url, record),
                memory: Mutex::default(),
            }),
        })
    }

    fn consent(&self) -> &dyn Consent {
        &self.consents
    }

    fn rights<'a>(&'a self, settings: &'a Settings) -> BoxFuture<'a, Result<Permissions, Failure>> {
        Box::pin(async move {
            let permissions = site_client(&settings.config)?.permissions().await.map_err(site_failure)?;
            *self.rights.lock().unwrap_or_else(PoisonError::into_inner) = Some(permissions.clone());
            Ok(permissions)
        })
    }

    fn known_rights(&self) -> Option<Permissions> {
        self.rights.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn forbidden(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.forbidden.notified())
    }

    fn desk(&self) -> &dyn DeskDoor {
        &self.desk
    }

    fn export(&self, take: &mut dyn FnMut(&str) -> bool) -> Result<(), Failure> {
        exports::lines(&self.store, self.clock.now(), take)
    }

    fn verify(&self) -> Result<Vec<String>, Failure> {
        exports::verify(&self.store)
    }

    fn rekey(&self, key: Option<SecretString>) -> BoxFuture<'_, Result<Vec<String>, Failure>> {
        Box::pin(async move {
            let given = key.map(|key| VaultKey::from_text(key.expose_secret().as_bytes())).transpose();
            let given = given.map_err(|error| {
                Failure::new(Exit::Usage, "the new key cannot be used").cause(error.to_string())
            })?;
            let rekeyed = self.key_home.rekey(&self.vault, given).await?;
            let (store, now) = (Arc::clone(&self.store), self.clock.now());
            let keep = self.exports.keep();
            blocking(move || {
                store.write_rotating_export(keep, now).map(drop).map_err(|error| failed(&error))
            })
            .await?;
            let mut told = vec![format!("{} values are sealed with the new key", rekeyed.sealed)];
            if rekeyed.unreadable > 0 {
                told.push(format!(
                    "{} values did not open and are as they were: their accounts must be authorized anew",
                    rekeyed.unreadable
                ));
            }
            told.push("exports from before are sealed with the former key; a new one was written".to_owned());
            told.extend(self.key_home.reminder());
            Ok(told)
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.exports.stop();
        let store = Arc::clone(&self.store);
        Box::pin(async move {
            // A store that cannot be closed in time is as whole as one that was killed: every commit is durable.
            drop(blocking(move || store.close(CLOSE_WITHIN).map_err(|error| failed(&error))).await);
        })
    }
}

/// A client of the site as its configured user, beside those of the accounts.
///
/// # Errors
/// The configured key cannot be sent, or no connection can be made at all.
pub fn site_client(config: &Config) -> Result<SiteClient, Failure> {
    let transport = transport(config.dafater.timeout)
        .map_err(|reason| Failure::new(Exit::Internal, "no client can be made").cause(reason))?;
    SiteClient::new(transport, site_options(config)).map_err(site_failure)
}

fn site_options(config: &Config) -> SiteOptions {
    let (key, secret) = (config.dafater.api_key.clone(), config.dafater.api_secret.clone());
    SiteOptions {
        page_size: config.dafater.page_size,
        ..SiteOptions::new(config.dafater.url.clone(), key, secret)
    }
}

fn site_failure(error: DafaterError) -> Failure {
    EngineError::from(error).into()
}

fn budget(quota: &Quota) -> Budget {
    Budget {
        critical_reads: quota.critical_reads,
        critical_writes: quota.critical_writes,
        reads: quota.reads,
        writes: quota.writes,
        photo_writes: quota.photo_writes,
        daily_writes: quota.daily_writes,
        project: quota.project,
    }
}

/// The address of a record's form.
fn form(site: &url::Url, record: &str) -> String {
    let mut form = site.clone();
    form.set_query(None);
    form.set_fragment(None);
    if let Ok(mut path) = form.path_segments_mut() {
        path.pop_if_empty().extend(["app", "google-contacts", record]);
    }
    form.into()
}

fn transport(timeout: Span) -> Result<Arc<dyn Transport>, String> {
    let timeout = timeout.duration();
    let options = TransportOptions {
        timeout,
        connect_timeout: CONNECT_WITHIN.min(timeout),
        ..TransportOptions::default()
    };
    let transport =
        ReqwestTransport::new(&options).map_err(|error| format!("no connection can be made: {error}"))?;
    Ok(Arc::new(transport))
}

fn signed(span: Span) -> SignedDuration {
    SignedDuration::try_from(span.duration()).unwrap_or(SignedDuration::MAX)
}

fn refused(error: &OpenError) -> Failure {
    let exit = Exit::try_from(error.exit_code()).unwrap_or(Exit::Internal);
    let mut failure = Failure::new(exit, error.to_string()).hint(error.hint());
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        failure.causes.push(Finding { message: inner.to_string(), place: None, hint: None });
        cause = inner.source();
    }
    failure
}

fn failed(error: &dyn std::error::Error) -> Failure {
    Failure::new(Exit::Internal, error.to_string())
}

/// Runs what blocks off the async threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(Failure::new(Exit::Internal, "a task in the background ended early").cause(error.to_string()))
    })
}
