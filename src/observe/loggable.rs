//! How the fields of events become values of a log line.

use tracing::Value;

use crate::sync::{AccountName, Side};

/// What may stand in an event. Numbers stay numbers, so that JSON can be reckoned with.
pub(super) trait Loggable {
    /// The value; `None` leaves the field out.
    fn value(&self) -> impl Value + '_;
}

impl Loggable for &'static str {
    fn value(&self) -> impl Value + '_ {
        *self
    }
}

impl Loggable for String {
    fn value(&self) -> impl Value + '_ {
        self.as_str()
    }
}

impl Loggable for bool {
    fn value(&self) -> impl Value + '_ {
        *self
    }
}

impl Loggable for AccountName {
    fn value(&self) -> impl Value + '_ {
        self.as_str()
    }
}

impl Loggable for Option<AccountName> {
    fn value(&self) -> impl Value + '_ {
        self.as_ref().map(AccountName::as_str)
    }
}

impl Loggable for Side {
    fn value(&self) -> impl Value + '_ {
        tracing::field::display(self)
    }
}

impl Loggable for u8 {
    fn value(&self) -> impl Value + '_ {
        u64::from(*self)
    }
}

impl Loggable for u32 {
    fn value(&self) -> impl Value + '_ {
        u64::from(*self)
    }
}

impl Loggable for u64 {
    fn value(&self) -> impl Value + '_ {
        *self
    }
}

impl Loggable for usize {
    fn value(&self) -> impl Value + '_ {
        *self
    }
}

impl Loggable for Option<u32> {
    fn value(&self) -> impl Value + '_ {
        self.map(u64::from)
    }
}

impl Loggable for Option<i32> {
    fn value(&self) -> impl Value + '_ {
        self.map(i64::from)
    }
}

/// The code of an event, if it has one.
pub(super) fn code(code: &'static str) -> Option<&'static str> {
    Some(code).filter(|code| !code.is_empty())
}
