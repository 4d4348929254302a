//! One plain sentence: who must act, and how.

use std::borrow::Cow;

use super::{ApiError, BodyKind, GoogleError, Quota};
use crate::remote::{Disposition, TransportError};

impl GoogleError {
    /// Who must act, and how.
    #[must_use]
    pub fn hint(&self) -> Cow<'static, str> {
        match self {
            Self::Transport { source: TransportError::NotSent { .. }, .. } => {
                "check the network, name resolution and proxy of this machine; the daemon tries again by itself".into()
            }
            Self::Transport { source: TransportError::NoAnswer { .. }, .. } => {
                "nothing to do unless it persists; the daemon looks up what happened and tries again by itself".into()
            }
            Self::Authorization(error) => error.hint().into(),
            Self::Api(error) => error.hint(),
            Self::Unintelligible { .. } => WRONG_ADDRESS.into(),
            Self::Malformed { .. } | Self::Unaddressable { .. } => {
                "open and save this contact in Google Contacts; if that does not help, report it as a bug".into()
            }
            Self::Detained { .. } => {
                "nothing to do; the daemon stays below Google's quotas and goes on by itself. [google.quota] says how much it \
                 allows itself"
                    .into()
            }
            Self::Stopped { .. } => "nothing to do: the next run continues".into(),
            Self::Unsendable { .. } => "report this as a bug of dafater-contactsd".into(),
        }
    }
}

impl ApiError {
    /// Who must act, and how.
    #[must_use]
    pub fn hint(&self) -> Cow<'static, str> {
        if self.is_account_full() {
            return "the account holds as many contacts as Google allows (25,000, the trash included): its owner \
                    empties the trash or deletes contacts in Google Contacts"
                .into();
        }
        match self.disposition() {
            Disposition::CursorExpired => {
                "nothing to do; Google no longer accepts the sync token, the daemon reads all contacts again"
                    .into()
            }
            Disposition::Throttled { .. } => self.quota_hint().into(),
            Disposition::Stale => {
                "nothing to do; the contact changed meanwhile, the daemon reads it and merges again".into()
            }
            Disposition::Gone => "nothing to do; the contact was deleted in Google meanwhile".into(),
            Disposition::Unavailable => {
                "nothing to do; Google fails at the moment, the daemon tries again".into()
            }
            Disposition::InDoubt => {
                "nothing to do; Google failed while writing, the daemon looks up what happened first".into()
            }
            Disposition::Unauthorized => {
                "the owner of the account consents again: run `dafater-contactsd authorize ACCOUNT`".into()
            }
            Disposition::Forbidden => self.forbidden_hint(),
            Disposition::Refused => self.refused_hint(),
            Disposition::Protocol if self.body == BodyKind::Google => {
                "report this as a bug of dafater-contactsd, with the line above".into()
            }
            Disposition::Protocol => WRONG_ADDRESS.into(),
        }
    }

    fn quota_hint(&self) -> &'static str {
        match self.quota().unwrap_or(Quota::Unnamed) {
            Quota::Minute => {
                "nothing to do; the quota a minute is used up, the daemon waits. If it happens often, raise the People \
                 API quota in the Google Cloud console or sync less often"
            }
            Quota::Day => {
                "nothing to do today; the daily quota is used up. If it happens often, raise the People API quota in the \
                 Google Cloud console"
            }
            Quota::ContactStorage => {
                "nothing to do; Google slows down writes of this account for some hours, the daemon waits longer each time"
            }
            Quota::Unnamed => "nothing to do; Google asks to slow down, the daemon waits",
        }
    }

    fn forbidden_hint(&self) -> Cow<'static, str> {
        if self.has_reason("SERVICE_DISABLED") || self.has_reason("accessNotConfigured") {
            return match self.activation_url() {
                Some(url) => {
                    format!("the owner of the Google Cloud project enables the People API at {url}").into()
                }
                None => {
                    "the owner of the Google Cloud project enables the People API in its API library".into()
                }
            };
        }
        // API: the reason is newer than the text; older front-ends send the text only.
        if self.has_reason("ACCESS_TOKEN_SCOPE_INSUFFICIENT")
            || self.message().contains("insufficient authentication scopes")
        {
            return "the consent does not include contacts: run `dafater-contactsd authorize ACCOUNT` and leave the box for \
                    contacts ticked"
                .into();
        }
        if self.body != BodyKind::Google {
            return WRONG_ADDRESS.into();
        }
        "an administrator of the Workspace checks that the contacts service is on for this user and that this application is \
         allowed"
            .into()
    }

    fn refused_hint(&self) -> Cow<'static, str> {
        let fields: Vec<&str> =
            self.field_violations.iter().map(|violation| violation.field.as_str()).collect();
        match (self.http_status, fields.is_empty()) {
            (409, _) => "a label of this name exists already; choose another name or use the existing label".into(),
            (_, false) => format!("Google does not take {}; correct it in Dafater", fields.join(", ")).into(),
            (_, true) => {
                "Google does not take this contact's content; look for an over-long or malformed value in Dafater".into()
            }
        }
    }

    /// The page on which the API is enabled. Only Google's own consoles are passed on to a person.
    fn activation_url(&self) -> Option<&str> {
        let given = self.metadata("activationUrl").into_iter();
        let helped = self.help_urls.iter().map(String::as_str);
        let quoted = self.message().split_whitespace();
        given.chain(helped).chain(quoted).find(|word| {
            word.starts_with("https://console.developers.google.com/")
                || word.starts_with("https://console.cloud.google.com/")
        })
    }
}

const WRONG_ADDRESS: &str =
    "something other than the People API answered: check `api_url` in [google] and any proxy in between";
