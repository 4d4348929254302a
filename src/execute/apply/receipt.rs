//! A step while it is carried out.

use serde_json::Value;

use crate::contact::Contact;
use crate::mapping::{Document, Mapping, Person};
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
    mapping: &'a Mapping,
}

impl<'a> Work<'a> {
    pub(super) fn new(step: &'a Step, mapping: &'a Mapping) -> Self {
        Self { step, google: None, dafater: None, everything: None, mapping }
    }

    /// The pair as it stands now; `None` while one of the records does not exist.
    pub(super) fn pair(&self) -> Option<Pair> {
        let written = Written { google: self.google.as_ref(), dafater: self.dafater.as_ref() };
        self.step.settled(written, self.mapping)
    }

    /// What the record of `side` says since it was written, and its revision.
    pub(super) fn after(&self, side: Side) -> Option<(Contact, String)> {
        match side {
            Side::Google => {
                self.google.as_ref().map(|person| (person.contact(self.mapping), person.etag.0.clone()))
            }
            Side::Dafater => self
                .dafater
                .as_ref()
                .map(|document| (document.contact(self.mapping), document.modified.0.clone())),
        }
    }

    /// What the record of `side` says, as it was seen or written.
    pub(super) fn now(&self, side: Side) -> Option<Contact> {
        let seen = || match side {
            Side::Google => self.step.google.as_ref().map(|person| person.contact(self.mapping)),
            Side::Dafater => self.step.dafater.as_ref().map(|document| document.contact(self.mapping)),
        };
        self.after(side).map(|(contact, _)| contact).or_else(seen)
    }

    /// What both sides agree on once the write to `side` has arrived.
    pub(super) fn promise(&self, side: Side) -> Option<Promise> {
        let written = Written { google: self.google.as_ref(), dafater: self.dafater.as_ref() };
        self.step.promise(side, written, self.mapping)
    }

    /// The remaining record of a dissolved pair, or one whose counterpart could not be made.
    pub(super) fn loose(&self, side: Side, why: LooseReason) -> Option<Loose> {
        self.step.loose(side, why, self.mapping)
    }

    /// What the step sends to `side`.
    pub(super) fn sent(&self, side: Side) -> Option<&Contact> {
        self.step.sent(side)
    }
}
