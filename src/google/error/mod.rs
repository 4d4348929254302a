//! Why a call to the People API failed, what that means, and who must act.
//!
//! Law: `Display` and `Debug` of these types show methods, codes and reasons, never what Google quoted from a contact. The quoted
//! text is behind [`ApiError::message`], for the record's own history.

mod answer;
mod details;
mod disposition;
mod hint;

use crate::mapping::Malformed;
use crate::remote::TransportError;

pub use answer::{ApiError, BodyKind};
pub use details::{ContactErrors, ErrorInfo, FieldViolation, QuotaViolation, RpcStatus};
pub use disposition::Quota;

use super::Method;
use super::oauth::AuthorizationError;

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum GoogleError {
    /// No answer came.
    #[error("{method} got no answer")]
    Transport {
        /// What was called.
        method: Method,
        /// Why not.
        #[source]
        source: TransportError,
    },
    /// There was no access token to call with.
    #[error(transparent)]
    Authorization(#[from] AuthorizationError),
    /// The remote answered with an error status.
    #[error(transparent)]
    Api(Box<ApiError>),
    /// The remote answered with success, and with a body that the People API does not send.
    #[error("{method} was answered with something the People API does not send: {reason}")]
    Unintelligible {
        /// What was called.
        method: Method,
        /// What is wrong, without quoting the body.
        reason: String,
    },
    /// The answer held one contact, and that has no identity.
    #[error("{method} was answered with an unusable contact")]
    Malformed {
        /// What was called.
        method: Method,
        /// What is missing.
        #[source]
        source: Malformed,
    },
    /// A record's name is none that can be called. Nothing was sent.
    #[error("{method} was not sent: `{name}` is no name in {collection}")]
    Unaddressable {
        /// What was to be called.
        method: Method,
        /// The name.
        name: String,
        /// `people` or `contactGroups`.
        collection: &'static str,
    },
    /// Nothing was sent, because the API could only refuse it.
    #[error("{method} was not sent: {reason}")]
    Unsendable {
        /// What was to be called.
        method: Method,
        /// Why it makes no sense.
        reason: String,
    },
    /// Nothing was sent, because it would exceed what the daemon allows itself.
    #[error("{method} was not sent: what the daemon allows itself is spent for {} min", .wait.as_secs().div_ceil(60))]
    Detained {
        /// What was to be called.
        method: Method,
        /// When there is room again.
        wait: std::time::Duration,
    },
    /// Nothing was sent, because the run was asked to stop.
    #[error("{method} was not sent: the daemon stops")]
    Stopped {
        /// What was to be called.
        method: Method,
    },
}

impl GoogleError {
    /// The error answer, if that is what came.
    #[must_use]
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            Self::Transport { .. }
            | Self::Authorization(_)
            | Self::Unintelligible { .. }
            | Self::Malformed { .. }
            | Self::Unaddressable { .. }
            | Self::Unsendable { .. }
            | Self::Detained { .. }
            | Self::Stopped { .. } => None,
        }
    }

    /// Which contacts of a refused batch were at fault. A batch is refused whole: the others were not written either.
    #[must_use]
    pub fn contact_errors(&self) -> Option<&ContactErrors> {
        self.api().and_then(|error| error.contact_errors.as_ref())
    }
}

#[cfg(test)]
mod tests;
