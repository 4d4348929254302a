//! What is known about a consent, beside the token itself.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::account::AccountName;

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
    /// When it ends whatever is done, if Google said so: the consent screen is in Testing then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Google declared it over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
}

/// Google's verdict that a consent is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Over {
    /// When it was given.
    pub at: Timestamp,
    /// Google's words.
    pub reason: String,
}

/// How a consent is going to end if nobody acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// At a fixed time, because the consent screen is in Testing.
    Testing(Timestamp),
    /// By disuse.
    Disuse(Timestamp),
}

// API: a refresh token that is not used for six months dies (Google Identity, "Refresh token expiration").
const DISUSE: Duration = Duration::from_hours(180 * 24);
/// So long before it dies of disuse, it is spoken of.
const DISUSE_WARNED: Duration = Duration::from_hours(30 * 24);
/// What a consent lives while the consent screen is in Testing, give or take half a day.
const TESTING: [Duration; 2] = [Duration::from_hours(156), Duration::from_hours(180)];

impl Grant {
    /// A consent of which nothing is known but when it was stored.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self {
            address: None,
            subject: None,
            scopes: Vec::new(),
            consented_at: now,
            refreshed_at: now,
            expires_at: None,
            over: None,
        }
    }

    /// How the consent is going to end, where that is near or avoidable.
    #[must_use]
    pub fn ending(&self, now: Timestamp) -> Option<Ending> {
        if self.over.is_some() {
            return None;
        }
        if let Some(at) = self.expires_at {
            return Some(Ending::Testing(at));
        }
        let dies = self.refreshed_at.checked_add(DISUSE).ok()?;
        let near = dies.checked_sub(DISUSE_WARNED).ok()?;
        (now >= near).then_some(Ending::Disuse(dies))
    }

    /// Whether a consent that is over at `now` lived as long as one does while the consent screen is in Testing.
    #[must_use]
    pub fn died_of_testing(&self, now: Timestamp) -> bool {
        let lived = Duration::try_from(now.duration_since(self.consented_at)).unwrap_or_default();
        let [least, most] = TESTING;
        self.expires_at.is_some_and(|at| at <= now) || (least..=most).contains(&lived)
    }
}

impl Ending {
    /// The ending as a sentence, with what prevents it.
    #[must_use]
    pub fn sentence(self, account: &AccountName) -> String {
        let day = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M UTC").to_string();
        match self {
            Self::Testing(at) => format!(
                "the consent of account {account} ends on {}, because the consent screen of the Google Cloud project is in \
                 Testing: set it to \"In production\" (https://console.cloud.google.com/auth/audience), then run \
                 `dafater-contactsd authorize {account}`",
                day(at)
            ),
            Self::Disuse(at) => format!(
                "the consent of account {account} ends on {}, because it is not used: sync the account, or run \
                 `dafater-contactsd authorize {account}` when it is needed again",
                day(at)
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::testing::account;

    fn at(days: i64) -> Timestamp {
        "2026-11-23T08:00:00Z".parse::<Timestamp>().unwrap() + jiff::SignedDuration::from_hours(24 * days)
    }

    #[test]
    fn a_consent_that_google_limits_in_time_is_spoken_of_from_the_first_day() {
        let grant = Grant { expires_at: Some(at(7)), ..Grant::new(at(0)) };
        let ending = grant.ending(at(0)).unwrap();
        assert_eq!(ending, Ending::Testing(at(7)));
        let told = ending.sentence(&account("sales"));
        assert!(told.contains("2026-11-30") && told.contains("In production"), "{told}");
        assert!(told.contains("`dafater-contactsd authorize sales`"), "{told}");
    }

    #[test]
    fn a_consent_dies_of_disuse_after_six_months_and_is_spoken_of_a_month_before() {
        let grant = Grant { refreshed_at: at(10), ..Grant::new(at(0)) };
        assert_eq!(grant.ending(at(159)), None);
        assert_eq!(grant.ending(at(160)), Some(Ending::Disuse(at(190))));
        assert!(grant.ending(at(160)).unwrap().sentence(&account("sales")).contains("not used"));
        let over = Grant { over: Some(Over { at: at(1), reason: String::new() }), ..grant };
        assert_eq!(over.ending(at(160)), None, "what is over needs no warning");
    }

    #[test]
    fn seven_days_tell_a_consent_screen_in_testing() {
        let grant = Grant::new(at(0));
        assert_eq!([1, 7, 9].map(|day| grant.died_of_testing(at(day))), [false, true, false]);
        assert!(Grant { expires_at: Some(at(3)), ..grant }.died_of_testing(at(3)));
    }

    #[test]
    fn a_record_of_an_earlier_version_is_read() {
        let earlier = r#"{"address":null,"subject":"1","scopes":[],"consented_at":"2026-11-23T08:00:00Z","refreshed_at":"2026-11-23T08:00:00Z"}"#;
        let read: Grant = serde_json::from_str(earlier).unwrap();
        assert_eq!(read, Grant { subject: Some("1".to_owned()), ..Grant::new(at(0)) });
    }
}
