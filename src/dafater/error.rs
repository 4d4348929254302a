//! Why a call to the site failed, who must act, and whether a write may have happened.
//!
//! The site names its errors by class (`exc_type`); that name and the status decide, never the text. The text is written for
//! people and often quotes the contact, so neither `Display` nor `Debug` prints it: ask [`DafaterError::reason_for_people`].

use std::fmt;
use std::time::Duration;

use crate::remote::{Disposition, TransportError};

/// What was asked of the site.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Completes the sentence "the site refused to …".
    pub purpose: &'static str,
    /// Whether the call was meant to change something.
    pub writes: bool,
    /// Whether the call was about one existing document, so that 404 speaks of it and not of the address.
    pub of_document: bool,
    /// Whether the call was for a stored password, so that 401 may speak of it and not of ours.
    pub of_password: bool,
}

impl Call {
    /// A read of many records, or of the site itself.
    pub(super) const fn read(purpose: &'static str) -> Self {
        Self { purpose, writes: false, of_document: false, of_password: false }
    }

    /// The question which contacts the filter of the scope lists.
    pub(super) const FILTERED: Self = Self::read("list contacts by the filter of the scope");

    /// A read of one document.
    pub(super) const fn read_document(purpose: &'static str) -> Self {
        Self { purpose, writes: false, of_document: true, of_password: false }
    }

    /// A read of a password that the site keeps.
    pub(super) const fn read_password(purpose: &'static str) -> Self {
        Self { purpose, writes: false, of_document: true, of_password: true }
    }

    /// A write that makes a new document.
    pub(super) const fn create(purpose: &'static str) -> Self {
        Self { purpose, writes: true, of_document: false, of_password: false }
    }

    /// A write to one existing document.
    pub(super) const fn change(purpose: &'static str) -> Self {
        Self { purpose, writes: true, of_document: true, of_password: false }
    }
}

/// A refusal as the site gave it.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    /// What was asked.
    pub call: Call,
    /// HTTP status; `None` when we found out by comparing, without the site saying so.
    pub status: Option<u16>,
    /// Class of the error, such as `TimestampMismatchError`; `None` for an answer that is not the site's own.
    pub exc_type: Option<String>,
    /// The site's words as plain text. May quote the contact.
    pub(super) reason: Option<String>,
}

impl Answer {
    /// What we concluded ourselves from an answer that was no error.
    pub(super) fn concluded(call: Call) -> Self {
        Self { call, status: None, exc_type: None, reason: None }
    }

    fn is(&self, exc_type: &str) -> bool {
        self.exc_type.as_deref() == Some(exc_type)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.status, &self.exc_type) {
            (Some(status), Some(exc_type)) => write!(f, "{status} {exc_type}"),
            (Some(status), None) => write!(f, "{status}"),
            (None, _) => f.write_str("compared before the call"),
        }
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("call", &self.call)
            .field("status", &self.status)
            .field("exc_type", &self.exc_type)
            .field("reason", &self.reason.as_ref().map(|_| "(kept for people)"))
            .finish()
    }
}

/// Why a call to the site failed.
#[derive(Debug, thiserror::Error)]
pub enum DafaterError {
    /// No answer came.
    #[error("could not {}", call.purpose)]
    Transport {
        /// What was asked.
        call: Call,
        /// Whether the request left, and what stopped it.
        source: TransportError,
    },
    /// The key or secret cannot stand in a header.
    #[error("the API key or secret holds characters that no request can carry")]
    UnsendableCredentials,
    /// The site does not know the key, or the secret is wrong.
    #[error("the site did not accept the API key when asked to {} ({})", .0.call.purpose, .0)]
    Credentials(Box<Answer>),
    /// The site took us for a guest: the credentials did not reach it.
    #[error("the site saw no login when asked to {} ({})", .0.call.purpose, .0)]
    NotLoggedIn(Box<Answer>),
    /// The site's user may not do this.
    #[error("the site's user is not permitted to {} ({})", .0.call.purpose, .0)]
    Forbidden(Box<Answer>),
    /// The document does not exist (any more) under this name.
    #[error("the site has no such record to {} ({})", .0.call.purpose, .0)]
    Missing(Box<Answer>),
    /// There is no Frappe site, or not the expected one, at the configured address.
    #[error("no site at the configured address could {} ({})", .0.call.purpose, .0)]
    WrongAddress(Box<Answer>),
    /// The document was changed since the revision that the write was computed from. Nothing was written.
    #[error("the record changed meanwhile, so the site did not {} ({})", .0.call.purpose, .0)]
    Stale(Box<Answer>),
    /// Another document took the name that the site computed. Nothing was written; the same call may succeed when repeated,
    /// but not if the names differ only in case or accents: then the contact must be created without its names and corrected.
    #[error("the site computed a name that is taken and did not {} ({})", .0.call.purpose, .0)]
    Duplicate(Box<Answer>),
    /// A field that must be unique holds this value elsewhere. Nothing was written; for a marker field: an earlier attempt was.
    #[error("a unique value is already in use, so the site did not {} ({})", .0.call.purpose, .0)]
    NotUnique(Box<Answer>),
    /// The content of this record was refused. Nothing was written.
    #[error("the site refused to {} ({})", .0.call.purpose, .0)]
    Refused(Box<Answer>),
    /// The site needed one of its own stored secrets and found none. Says nothing about our credentials. Nothing was written.
    #[error("the site lacks a stored password that it needs to {} ({})", .0.call.purpose, .0)]
    SecretNotSet(Box<Answer>),
    /// The filter of the scope asks for what the site does not have.
    #[error("the site refuses the filter of the scope ({0})")]
    Filter(Box<Answer>),
    /// The body was larger than the site or its proxy accepts. Nothing was written.
    #[error("the request to {} is larger than the site accepts ({})", .0.call.purpose, .0)]
    TooLarge(Box<Answer>),
    /// The address of the request was longer than the site's server or its proxy accepts. Nothing was written.
    #[error("the address of the request to {} is longer than the site accepts ({})", .0.call.purpose, .0)]
    TooLong(Box<Answer>),
    /// The site's database was locked or not usable, or a read failed; the site undid what it had begun.
    #[error("the site was not able to {} just now ({})", .0.call.purpose, .0)]
    Busy(Box<Answer>),
    /// The site is in maintenance or read-only.
    #[error("the site is closed for maintenance and did not {} ({})", .0.call.purpose, .0)]
    Closed(Box<Answer>),
    /// The site asks to slow down. Nothing was written.
    #[error("the site asks to slow down before we {} ({answer})", answer.call.purpose)]
    Throttled {
        /// The refusal.
        answer: Box<Answer>,
        /// How long it asked to wait.
        retry_after: Option<Duration>,
    },
    /// Something before the site answered in its place, or the site broke off: a write may have happened.
    #[error("the site gave no usable answer when asked to {} ({})", .0.call.purpose, .0)]
    Unclear(Box<Answer>),
    /// The answer is not what the site's interface promises.
    #[error("the site's answer to \"{}\" is not understood: {what} (status {status})", call.purpose)]
    Protocol {
        /// What was asked.
        call: Call,
        /// HTTP status.
        status: u16,
        /// What is wrong with the answer, in our words.
        what: &'static str,
    },
}

impl DafaterError {
    /// The engine's view of this error.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Transport { source: TransportError::NotSent { .. }, .. }
            | Self::Busy(_)
            | Self::Closed(_) => Disposition::Unavailable,
            Self::Transport { call, source: TransportError::NoAnswer { .. } } => in_doubt_if_written(*call),
            Self::Unclear(answer) => in_doubt_if_written(answer.call),
            Self::UnsendableCredentials | Self::Credentials(_) | Self::NotLoggedIn(_) => {
                Disposition::Unauthorized
            }
            Self::Forbidden(_) | Self::WrongAddress(_) => Disposition::Forbidden,
            Self::Missing(_) => Disposition::Gone,
            Self::Stale(_) => Disposition::Stale,
            Self::TooLarge(answer) | Self::TooLong(answer) if !answer.call.writes => Disposition::Protocol,
            Self::Duplicate(_)
            | Self::NotUnique(_)
            | Self::Refused(_)
            | Self::SecretNotSet(_)
            | Self::Filter(_)
            | Self::TooLarge(_)
            | Self::TooLong(_) => Disposition::Refused,
            Self::Throttled { retry_after, .. } => Disposition::Throttled { retry_after: *retry_after },
            // The site said "done" in words that we do not understand: the write is likely to have happened.
            Self::Protocol { call, status: 200..=299, .. } if call.writes => Disposition::InDoubt,
            Self::Protocol { .. } => Disposition::Protocol,
        }
    }

    /// The refusal, when the site gave one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match self {
            Self::Credentials(answer)
            | Self::NotLoggedIn(answer)
            | Self::Forbidden(answer)
            | Self::Missing(answer)
            | Self::WrongAddress(answer)
            | Self::Stale(answer)
            | Self::Duplicate(answer)
            | Self::NotUnique(answer)
            | Self::Refused(answer)
            | Self::SecretNotSet(answer)
            | Self::Filter(answer)
            | Self::TooLarge(answer)
            | Self::TooLong(answer)
            | Self::Busy(answer)
            | Self::Closed(answer)
            | Self::Throttled { answer, .. }
            | Self::Unclear(answer) => Some(answer),
            Self::Transport { .. } | Self::UnsendableCredentials | Self::Protocol { .. } => None,
        }
    }

    /// The class that the site gave the error, such as `LinkExistsError`.
    #[must_use]
    pub fn exc_type(&self) -> Option<&str> {
        self.answer()?.exc_type.as_deref()
    }

    /// Whether the site cannot make a name of what a new document says. Nothing was written; it can be created without its names.
    #[must_use]
    pub fn concerns_name(&self) -> bool {
        // API: a name of 140 characters that is taken gets a number, and then no column holds it: DataError.
        matches!(self, Self::Duplicate(_))
            || matches!(self, Self::Refused(answer)
                if answer.call.writes && (answer.is("NameError") || answer.is("DataError")))
    }

    /// The site's own explanation as plain text. It may quote the contact: for a person's eyes, not for logs above `debug`.
    #[must_use]
    pub fn reason_for_people(&self) -> Option<&str> {
        self.answer()?.reason.as_deref()
    }

    /// What the operator can do about it, in one sentence.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Transport { .. } => {
                "check that [dafater] url is right and that the site can be reached from here"
            }
            Self::UnsendableCredentials | Self::Credentials(_) => {
                "generate new API keys for the site's user and set [dafater] api_key and api_secret"
            }
            Self::NotLoggedIn(_) => "check that no proxy before the site removes the Authorization header",
            Self::Forbidden(answer) if answer.exc_type.is_none() => {
                "something before the site refused the request: check its proxy or firewall"
            }
            Self::Forbidden(_) => {
                "give the site's user a role that may read, write, create and delete all contacts"
            }
            Self::Missing(_) => "nothing to do: the record was deleted or renamed on the site",
            Self::WrongAddress(_) => {
                "check [dafater] url: the address must be that of the site itself, with https and without redirects"
            }
            Self::Stale(_) => "nothing to do: the record is read again and merged again",
            Self::Duplicate(_) => {
                "the site has a contact whose name differs only in case, accents or invisible characters; rename one of them"
            }
            Self::NotUnique(_) => {
                "another contact holds the same unique value; it may be this one, created before"
            }
            Self::Refused(answer) => refused_hint(answer),
            Self::SecretNotSet(_) => {
                "clear \"Sync with Google Contacts\" on the contact: the site's own Google sync has no token"
            }
            Self::Filter(_) => {
                "correct `filters` in the `scope` of the account; `dafater-contactsd check-config --environment` tries it"
            }
            Self::TooLarge(_) => "make the contact smaller, or raise the body size limit of the site's proxy",
            Self::TooLong(_) => {
                "raise the limit of the site's proxy (nginx: large_client_header_buffers) and of its server (gunicorn: --limit-request-line)"
            }
            Self::Busy(_) => "nothing to do: it is tried again; if it stays, look at the site's database",
            Self::Closed(_) => "nothing to do: it is tried again when the site is open",
            Self::Throttled { .. } => "nothing to do: it is tried again when the site's rate limit allows",
            Self::Unclear(_) => "look at the logs of the site and of its proxy; it is tried again",
            Self::Protocol { status: 417, .. } => {
                "the site's Contact lacks a field that is read: check its version and the configured marker field"
            }
            Self::Protocol { .. } => {
                "check that [dafater] url leads to a Frappe site of version 14 or later, and not to a login page or another app"
            }
        }
    }
}

fn in_doubt_if_written(call: Call) -> Disposition {
    if call.writes { Disposition::InDoubt } else { Disposition::Unavailable }
}

fn refused_hint(answer: &Answer) -> &'static str {
    if answer.is("LinkExistsError") {
        "another record of the site refers to this contact; unlink it there, or keep the contact"
    } else if answer.is("MandatoryError") {
        "the site demands a field that the contact lacks; fill it in on the site, or give it a default"
    } else if answer.is("LinkValidationError") {
        "the contact refers to a record that does not exist on the site; correct the reference"
    } else if answer.is("NameError") {
        "the site cannot make a name of this contact; take < and > out of it, and let it not begin with \"New Contact\""
    } else if answer.is("DocumentLockedError") {
        "a background job of the site holds the contact; it is tried again"
    } else if answer.status == Some(500) {
        "the site failed on this contact; if \"Sync with Google Contacts\" is set on it, clear it, else look at the site's Error Log"
    } else {
        "correct the contact on the site: saving it there shows what is wrong"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Answer {
        Answer {
            call: Call::change("update a contact"),
            status: Some(417),
            exc_type: Some("InvalidPhoneNumberError".to_owned()),
            reason: Some("0500 Layla is not a valid Phone Number".to_owned()),
        }
    }

    #[test]
    fn an_error_shows_its_class_but_not_the_words_that_quote_a_contact() {
        let error = DafaterError::Refused(Box::new(answer()));
        assert_eq!(error.to_string(), "the site refused to update a contact (417 InvalidPhoneNumberError)");
        assert!(!format!("{error:?}").contains("Layla"));
        assert_eq!(error.reason_for_people(), Some("0500 Layla is not a valid Phone Number"));
    }

    #[test]
    fn a_lost_answer_leaves_a_write_in_doubt_and_a_read_merely_unavailable() {
        let lost =
            || TransportError::NoAnswer { host: "erp.example".to_owned(), reason: "timed out".to_owned() };
        let of = |call| DafaterError::Transport { call, source: lost() }.disposition();
        assert_eq!(of(Call::create("create a contact")), Disposition::InDoubt);
        assert_eq!(of(Call::read("read contacts")), Disposition::Unavailable);
    }

    #[test]
    fn a_request_that_never_left_wrote_nothing() {
        let source = TransportError::NotSent { host: "erp.example".to_owned(), reason: "refused".to_owned() };
        let error = DafaterError::Transport { call: Call::create("create a contact"), source };
        assert_eq!(error.disposition(), Disposition::Unavailable);
    }
}
