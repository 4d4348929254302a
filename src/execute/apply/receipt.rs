//! A step while it is carried out.

use serde_json::Value;

use crate::contact::{Contact, PhoneContext};
use crate::mapping::{Document, Person};
use crate::sync::{Loose, LooseReason, Pair, Promise, Side, Step, Written};

/// A step and what its writes have left so far.
pub(super) struct Work<'a> {
    pub(super) step: &'a Step,
    /// Google's record as the last write left it.
    pub(super) google: Option<Person>,
    /// Dafater's record as the last write left it.
    pub(super) dafater: Option<Document>,
    /// The record that is deleted, with everything that its side keeps of it.
    pub(super) everything: Option<Value>,
    phones: PhoneContext,
}

impl<'a> Work<'a> {
    pub(super) fn new(step: &'a Step, phones: PhoneContext) -> Self {
        Self { step, google: None, dafater: None, everything: None, phones }
    }

    /// The pair as it stands now; `None` while one of the records does not exist.
    pub(super) fn pair(&self) -> Option<Pair> {
        let written = Written { google: self.google.as_ref(), dafater: self.dafater.as_ref() };
        self.step.settled(written, self.phones)
    }

    /// What the record of `side` says since it was written, and its revision.
    pub(super) fn after(&self, side: Side) -> Option<(Contact, String)> {
        match side {
            Side::Google => {
                self.google.as_ref().map(|person| (person.contact(self.phones), person.etag.0.clone()))
            }
            Side::Dafater => self
                .dafater
                .as_ref()
                .map(|document| (document.contact(self.phones), document.modified.0.clone())),
        }
    }

    /// What both sides agree on once the write to `side` has arrived.
    pub(super) fn promise(&self, side: Side) -> Option<Promise> {
        let written = Written { google: self.google.as_ref(), dafater: self.dafater.as_ref() };
        self.step.promise(side, written, self.phones)
    }

    /// The remaining record of a dissolved pair, or one whose counterpart could not be made.
    pub(super) fn loose(&self, side: Side, why: LooseReason) -> Option<Loose> {
        self.step.loose(side, why, self.phones)
    }

    /// What the step sends to `side`.
    pub(super) fn sent(&self, side: Side) -> Option<&Contact> {
        self.step.sent(side)
    }
}
