//! The real back-end: where the store, the vault and the clients become engines.

mod consent;
mod exports;

use std::io::BufRead;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::SignedDuration;
use tokio_util::sync::CancellationToken;

use self::consent::Consents;
use self::exports::Exports;
use super::{AccountSettings, Backend, Consent, EngineFactory, Settings};
use crate::config::{Config, GoogleClient, Span};
use crate::control::{Exit, Failure, Finding};
use crate::dafater::{SiteClient, SiteOptions};
use crate::execute::{AccountEngine, Engine, Parts, Settings as EngineSettings};
use crate::google::PeopleClient;
use crate::google::oauth::{
    AccessTokens, ClientCredentials, RefreshingTokens, ServiceAccountKey, ServiceAccountTokens,
    TokenEndpoint, TokenVault, VaultKey,
};
use crate::remote::{Clock, CountingTransport, ReqwestTransport, Transport, TransportOptions};
use crate::state::AccountState;
use crate::store::{ImportOptions, OpenError, OpenOptions, SledStore, Store, import_from};

/// The key that seals tokens, beside the database and not in it: an export of the store does not give tokens away.
const KEY_FILE: &str = "vault.key";
/// How long closing the store may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);
/// Connecting takes no longer than this, whatever a whole request may take.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Opens the store of this machine.
pub struct Workshop {
    clock: Arc<dyn Clock>,
}

impl Workshop {
    /// A back-end that tells the time by `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }
}

impl Backend for Workshop {
    fn open<'a>(&'a self, settings: &'a Settings) -> BoxFuture<'a, Result<Arc<dyn EngineFactory>, Failure>> {
        Box::pin(async move {
            let (state, options) = (settings.state.clone(), OpenOptions::new(self.clock.now()));
            let opened = blocking(move || {
                let (store, _) = SledStore::open(&state, &options).map_err(|error| refused(&error))?;
                let key = VaultKey::load_or_create(&state.join(KEY_FILE)).map_err(|error| {
                    Failure::new(Exit::CannotCreate, "the key that seals the tokens cannot be used")
                        .cause(error.to_string())
                })?;
                Ok((store, key))
            });
            let (store, key) = opened.await?;
            let store = Arc::new(store);
            let vault = Arc::new(TokenVault::new(Arc::clone(&store) as Arc<dyn Store>, &key));
            let exports = Exports::start(Arc::clone(&store), Arc::clone(&self.clock), settings);
            let consents = Consents::new(Arc::clone(&vault), Arc::clone(&self.clock));
            Ok(Arc::new(Bench { store, vault, consents, exports, clock: Arc::clone(&self.clock) })
                as Arc<dyn EngineFactory>)
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
    consents: Consents,
    exports: Exports,
    clock: Arc<dyn Clock>,
}

impl Bench {
    fn tokens(&self, account: &AccountSettings, config: &Config) -> Result<Arc<dyn AccessTokens>, String> {
        let transport = transport(config.google.timeout)?;
        let token_url = config.google.token_url.clone();
        Ok(match &config.google.client {
            GoogleClient::Consent { id, secret } => {
                let credentials = ClientCredentials { id: id.clone(), secret: secret.clone() };
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
        let dafater_sent = Arc::new(CountingTransport::new(transport(config.dafater.timeout)?));
        let (site_key, site_secret) = (config.dafater.api_key.clone(), config.dafater.api_secret.clone());
        let mut site = SiteOptions::new(config.dafater.url.clone(), site_key, site_secret);
        site.page_size = config.dafater.page_size;
        let needs_consent = matches!(config.google.client, GoogleClient::Consent { .. });
        let parts = Parts {
            google: PeopleClient::new(
                Arc::clone(&google_sent) as _,
                config.google.api_url.clone(),
                self.tokens(account, config)?,
            ),
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
            site: config.dafater.url.host_str().unwrap_or_default().to_owned(),
            label: table.google_label().map(str::to_owned),
            propagation: signed(config.google.propagation),
            full_read_after: signed(config.google.full_read_after),
            overlap: signed(config.dafater.overlap),
            settle: signed(config.dafater.settle),
            sweep: signed(config.dafater.sweep),
            history_keep: signed(config.history.keep),
            connections: config.dafater.connections,
        };
        Ok(Arc::new(AccountEngine::new(parts, engine_settings, cancel)))
    }

    fn consent(&self) -> &dyn Consent {
        &self.consents
    }

    fn export(&self, take: &mut dyn FnMut(&str) -> bool) -> Result<(), Failure> {
        exports::lines(&self.store, self.clock.now(), take)
    }

    fn verify(&self) -> Result<Vec<String>, Failure> {
        exports::verify(&self.store)
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
