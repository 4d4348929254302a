//! The kinds of trouble that a batch of histories must meet: a simulator that meets none proves nothing.

use std::collections::BTreeMap;

/// One kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    /// A list was read while a person's change did not show in it yet.
    ListBehind,
    /// A look-up by name was made while a person's change did not show in it yet.
    GetBehind,
    /// A read was made while it showed new content under the old etag.
    StaleEtag,
    /// A write was refused because the record had moved on.
    Outrun,
    TokenExpired,
    ParameterMismatch,
    Unreachable,
    /// A write's request was lost.
    LostBefore,
    /// A write was carried out, and its answer was lost.
    LostAfter,
    Throttled,
    /// A minute's quota was used up at Google.
    QuotaSpent,
    /// The site's rate limit was reached.
    SiteLimit,
    Unavailable,
    Maintenance,
    GatewayHtml,
    GatewayHtmlAfterCommit,
    Truncated,
    ShortPage,
    HalfPage,
    Doubled,
    EqualModified,
    LateCommit,
    Rename,
    Hidden,
    Forbidden,
    Unauthorized,
    Restored,
    Merged,
    Normalised,
    /// The site refused a value.
    RefusedValue,
    Poison,
    ClockSkew,
    ClockJump,
    ZoneChange,
    EditInCycle,
    ManyAccounts,
    ConfigChange,
    CrashAtRequest,
    CrashAfterEffect,
    CrashAtCommit,
    CrashAtAwait,
    StoreRefusal,
    Held,
    Conflict,
    Review,
    /// A run was undone, and that wrote something.
    Undone,
    /// An undo waits for approval.
    UndoHeld,
    /// A person decided a conflict.
    Resolved,
    /// A person answered who a record is: the same as another, nobody's concern, or somebody of its own.
    Linked,
    Skipped,
    Separated,
}

impl Trouble {
    pub const ALL: [Self; 51] = [
        Self::ListBehind,
        Self::GetBehind,
        Self::StaleEtag,
        Self::Outrun,
        Self::TokenExpired,
        Self::ParameterMismatch,
        Self::Unreachable,
        Self::LostBefore,
        Self::LostAfter,
        Self::Throttled,
        Self::QuotaSpent,
        Self::SiteLimit,
        Self::Unavailable,
        Self::Maintenance,
        Self::GatewayHtml,
        Self::GatewayHtmlAfterCommit,
        Self::Truncated,
        Self::ShortPage,
        Self::HalfPage,
        Self::Doubled,
        Self::EqualModified,
        Self::LateCommit,
        Self::Rename,
        Self::Hidden,
        Self::Forbidden,
        Self::Unauthorized,
        Self::Restored,
        Self::Merged,
        Self::Normalised,
        Self::RefusedValue,
        Self::Poison,
        Self::ClockSkew,
        Self::ClockJump,
        Self::ZoneChange,
        Self::EditInCycle,
        Self::ManyAccounts,
        Self::ConfigChange,
        Self::CrashAtRequest,
        Self::CrashAfterEffect,
        Self::CrashAtCommit,
        Self::CrashAtAwait,
        Self::StoreRefusal,
        Self::Held,
        Self::Conflict,
        Self::Review,
        Self::Undone,
        Self::UndoHeld,
        Self::Resolved,
        Self::Linked,
        Self::Skipped,
        Self::Separated,
    ];
}

/// How often each kind was met.
pub type Met = BTreeMap<Trouble, u64>;

/// Adds up what two histories met.
pub fn add(total: &mut Met, met: &Met) {
    for (trouble, count) in met {
        *total.entry(*trouble).or_default() += count;
    }
}
