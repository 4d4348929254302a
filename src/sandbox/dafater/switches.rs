//! What can be turned on a site while it runs: faults, limits and habits.

use std::time::Duration;

/// Whether the site answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Maintenance {
    /// It does.
    #[default]
    Off,
    /// Everything is 503 `SessionStopped`, even `ping`.
    Stopped,
    /// Reads are answered, writes are 503 `InReadOnlyMode`.
    ReadOnly,
}

/// `rate_limit` of the site's configuration: processing time, not requests, is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Processing microseconds that are allowed in a window.
    pub limit: u64,
    /// Length of a window; windows are aligned to the epoch.
    pub window: Duration,
    /// Processing microseconds that one request is taken to cost.
    pub cost: u64,
}

/// What an app on the site does to phone numbers on save.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PhoneFormat {
    /// Nothing.
    #[default]
    AsIs,
    /// Keeps a leading `+` and the digits, in groups of three: `+966 501 234 567`.
    Grouped,
}

/// What an app on the site does to names on save.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextFormat {
    /// Nothing.
    #[default]
    AsIs,
    /// Trims, and makes one blank of several.
    Collapsed,
}

/// The switches of a [`Site`](super::Site). All are off by default.
#[derive(Debug, Clone, Default)]
pub struct Switches {
    /// Whether the site is down for maintenance.
    pub maintenance: Maintenance,
    /// The rate limit, if one is configured.
    pub rate_limit: Option<RateLimit>,
    /// How long after its stamp a desk user's write becomes visible: a transaction that is still open. Zero: at once.
    ///
    /// Requests over HTTP always commit before they are answered.
    pub late_commit: Duration,
    /// Leaves `exception` and `exc` out of error bodies (System Settings, `allow_error_traceback = 0`).
    pub no_traceback: bool,
    /// How long a save with an e-mail address takes (the server asks gravatar.com). Reported as [`ProcessingTime`](super::ProcessingTime).
    pub slow_save: Duration,
    /// What happens to phone numbers on save.
    pub phone_format: PhoneFormat,
    /// What happens to names, company and job title on save.
    pub text_format: TextFormat,
    /// Keeps the bodies of requests in the log.
    pub log_bodies: bool,
}

impl PhoneFormat {
    pub(super) fn apply(self, phone: &str) -> Option<String> {
        match self {
            Self::AsIs => None,
            Self::Grouped => {
                let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
                let groups: Vec<String> = digits.chunks(3).map(|group| group.iter().collect()).collect();
                let plus = if phone.trim_start().starts_with('+') { "+" } else { "" };
                let grouped = format!("{plus}{}", groups.join(" "));
                let is_plain = !phone.contains(['*', '#', ',']) && super::text::is_phone(&grouped);
                is_plain.then_some(grouped).filter(|grouped| grouped != phone)
            }
        }
    }
}

impl TextFormat {
    pub(super) fn apply(self, text: &str) -> Option<String> {
        match self {
            Self::AsIs => None,
            Self::Collapsed => {
                let collapsed = text.split_whitespace().collect::<Vec<_>>().join(" ");
                (collapsed != text).then_some(collapsed)
            }
        }
    }
}
