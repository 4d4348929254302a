//! Makes what the site lacks, with the key of a System Manager that is given once and not kept.

use std::fmt::Display;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::site::is_ours;
use crate::cli::Console;
use crate::control::{Exit, Failure};
use crate::daemon::{Settings, site_client};
use crate::dafater::{DafaterError, Provision, Remedy, SiteClient, SiteOptions, WantedWebhook};
use crate::execute::EngineError;
use crate::remote::{ReqwestTransport, TransportOptions};

/// The API key of a System Manager.
pub(in crate::cli) struct Key {
    key: String,
    secret: SecretString,
}

impl Key {
    /// Reads `KEY:SECRET`.
    ///
    /// # Errors
    /// It is none. What was read is not repeated.
    pub(in crate::cli) fn read(text: &str) -> Result<Self, Failure> {
        match text.trim().split_once(':') {
            Some((key, secret)) if !key.is_empty() && !secret.is_empty() && !secret.contains(':') => {
                Ok(Self { key: key.to_owned(), secret: SecretString::from(secret) })
            }
            _ => Err(Failure::new(Exit::Usage, "the key of the System Manager is not understood")
                .hint("write it as KEY:SECRET; the site shows both under User, Settings, API Access")),
        }
    }
}

/// What there is to be made.
pub(in crate::cli) struct Fix {
    manager: SiteClient,
    provisions: Vec<(Provision, bool)>,
    remedies: Vec<Remedy>,
    webhook: Option<WantedWebhook>,
}

impl Fix {
    /// Looks what the site has.
    ///
    /// # Errors
    /// The site did not answer, or one of the keys is not that of a user who may do this.
    pub(in crate::cli) async fn plan(settings: &Settings, key: Key) -> Result<Self, Failure> {
        let user = site_client(&settings.config)?.logged_user().await.map_err(|error| failure(&error))?;
        let timeout = settings.config.dafater.timeout.duration();
        let options = TransportOptions { timeout, connect_timeout: timeout, ..TransportOptions::default() };
        let transport = ReqwestTransport::new(&options).map_err(|error| {
            Failure::new(Exit::Internal, "no client can be made").cause(error.to_string())
        })?;
        let options = SiteOptions::new(
            settings.config.dafater.url.clone(),
            key.key,
            key.secret.expose_secret().to_owned().into(),
        );
        let manager = SiteClient::new(Arc::new(transport), options).map_err(|error| managers(&error))?;
        let provisions = manager.provisions(&user).await.map_err(|error| managers(&error))?;
        let webhook = webhook(settings, user);
        let records = manager.account_records().await.map_err(|error| managers(&error))?;
        let ours: Vec<_> = records.into_iter().filter(|record| is_ours(record, settings)).collect();
        let remedies = manager.remedies(&ours, webhook.as_ref()).await.map_err(|error| managers(&error))?;
        Ok(Self { manager, provisions, remedies, webhook })
    }

    /// Whether there is nothing to be made.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.remedies.is_empty() && self.missing().next().is_none()
    }

    fn missing(&self) -> impl Iterator<Item = &Provision> {
        self.provisions.iter().filter(|(_, is_there)| !is_there).map(|(provision, _)| provision)
    }

    /// Says what is there and what would be made.
    pub(in crate::cli) fn show(&self, console: &mut Console) {
        for (provision, is_there) in &self.provisions {
            let word = if *is_there { "is there     " } else { "will be made " };
            console.note(format!("{word} {provision}"));
        }
        for remedy in &self.remedies {
            console.note(format!("will be made  {remedy}"));
        }
    }

    /// Makes what is missing and tells of each.
    ///
    /// # Errors
    /// The site refused one of them; those before it are made, and another run goes on there.
    pub(in crate::cli) async fn carry_out(&self, told: &mut dyn FnMut(&dyn Display)) -> Result<(), Failure> {
        for provision in self.missing() {
            self.manager.provide(provision).await.map_err(|error| {
                let mut failure = managers(&error);
                failure.message = format!("{provision} cannot be made: {}", failure.message);
                failure
            })?;
            told(provision);
        }
        for remedy in &self.remedies {
            self.manager.mend(remedy, self.webhook.as_ref()).await.map_err(|error| {
                let mut failure = managers(&error);
                failure.message = format!("{remedy} cannot be made: {}", failure.message);
                failure
            })?;
            told(remedy);
        }
        Ok(())
    }
}

/// How the site is to tell the daemon of a save, if it is to.
fn webhook(settings: &Settings, user: String) -> Option<WantedWebhook> {
    let webhook = settings.config.dafater.webhook.as_ref()?;
    let url = match &webhook.url {
        Some(url) => url.clone(),
        None => format!("http://{}/", webhook.listen).parse().ok()?,
    };
    Some(WantedWebhook { url, secret: webhook.secret.clone(), user })
}

fn failure(error: &DafaterError) -> Failure {
    EngineError::from(error).into()
}

/// The hints of the client speak of the daemon's own key.
fn managers(error: &DafaterError) -> Failure {
    let mut failure = failure(error);
    if failure.exit == Exit::Unauthorized {
        failure.hint = Some("give the API key of a user who is a System Manager of the site".to_owned());
    }
    if let Some(reason) = error.reason_for_people() {
        failure = failure.cause(reason);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_two_words_and_never_repeated() {
        assert!(Key::read("0123456789abcde:fedcba987654321\n").is_ok());
        for wrong in ["", "only-a-key", ":secret", "key:", "a:b:c"] {
            let failure = Key::read(wrong).err().unwrap();
            assert_eq!(failure.exit, Exit::Usage);
            assert!(wrong.is_empty() || !failure.render().contains(wrong), "{wrong}");
        }
    }
}
