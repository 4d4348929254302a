//! Reads the site: everything, or what changed since the watermark, and what was deleted.

use std::collections::BTreeMap;

use super::{Deletions, Observer};
use crate::dafater::{DeletedFeed, Stamp};
use crate::execute::EngineError;
use crate::mapping::{Document, DocumentName, SiteStamp};
use crate::state::DafaterCursor;
use crate::sync::{LooseReason, RecordId, Side};

/// What a read of the site showed.
pub(in crate::execute) struct DafaterReading {
    /// Contacts that were read whole.
    pub(super) present: BTreeMap<DocumentName, Document>,
    /// Deletions that the site reports.
    pub(super) deleted: Deletions,
    /// Deletions of addresses that the site reports.
    pub(super) deleted_addresses: Deletions,
    /// Whether deletions can be read at all by this user.
    pub(super) reads_deletions: bool,
    /// Whether every contact was read whole.
    pub(super) is_complete: bool,
    /// Every contact's address and identity, when they were compared in this cycle.
    pub(super) sweep: Option<Vec<Stamp>>,
    /// The watermarks to store once everything read is dealt with.
    pub(super) cursor: DafaterCursor,
    /// Contacts that could not be understood.
    pub(super) malformed: Vec<String>,
}

impl Observer<'_> {
    /// Reads from `cursor`, or everything without one.
    pub(super) async fn read_dafater(
        &self,
        cursor: Option<&DafaterCursor>,
    ) -> Result<DafaterReading, EngineError> {
        let mut reading = DafaterReading {
            present: BTreeMap::new(),
            deleted: Vec::new(),
            deleted_addresses: Vec::new(),
            reads_deletions: true,
            is_complete: cursor.is_none(),
            sweep: None,
            cursor: cursor.cloned().unwrap_or(DafaterCursor {
                modified: None,
                deleted: None,
                swept_at: self.now,
            }),
            malformed: Vec::new(),
        };
        let since = cursor.and_then(|cursor| cursor.modified.as_ref()).map(|stamp| self.overlapping(stamp));
        let stamps = self.read_changes(since.as_ref(), cursor.is_none(), &mut reading).await?;
        if cursor.is_none() {
            reading.sweep = Some(stamps);
        } else if self.now.duration_since(reading.cursor.swept_at) >= self.settings.sweep {
            reading.sweep = Some(self.sweep().await?);
        }
        if reading.sweep.is_some() {
            reading.cursor.swept_at = self.now;
        }
        // From where the last read stood, not from what this one has just seen: a held plan leaves the cursors behind.
        let from = match cursor {
            // Read before, without any contact yet: what was deleted since was created by us.
            Some(cursor) => {
                Some(cursor.deleted.clone().or_else(|| cursor.modified.clone()).unwrap_or_else(dawn))
            }
            None => reading.cursor.modified.clone(),
        };
        if let Some(from) = from {
            self.read_deletions(&from, &mut reading).await?;
        }
        Ok(reading)
    }

    async fn read_changes(
        &self,
        since: Option<&SiteStamp>,
        read_all: bool,
        reading: &mut DafaterReading,
    ) -> Result<Vec<Stamp>, EngineError> {
        let mut stamps = Vec::new();
        let mut after = None;
        loop {
            let known = |name: &DocumentName, modified: &SiteStamp| !read_all && self.knows(name, modified);
            let page = self.parts.dafater.changed_contacts(since, after.as_ref(), known).await?;
            for contact in page.contacts {
                match contact {
                    Ok(document) => drop(reading.present.insert(document.name.clone(), document)),
                    Err(malformed) => reading.malformed.push(nameless(&malformed)),
                }
            }
            stamps.extend(page.seen);
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        for stamp in &stamps {
            let is_later =
                reading.cursor.modified.as_ref().is_none_or(|mark| stamp.modified.civil() > mark.civil());
            if is_later {
                reading.cursor.modified = Some(stamp.modified.clone());
            }
        }
        Ok(stamps)
    }

    /// The contacts that changed since `watermark` and were not dealt with yet.
    pub(super) async fn read_since(&self, watermark: &SiteStamp) -> Result<Vec<Document>, EngineError> {
        let (since, mut after, mut found) = (self.overlapping(watermark), None, Vec::new());
        loop {
            let known = |name: &DocumentName, modified: &SiteStamp| self.knows(name, modified);
            let page = self.parts.dafater.changed_contacts(Some(&since), after.as_ref(), known).await?;
            found.extend(page.contacts.into_iter().filter_map(Result::ok));
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(found),
            }
        }
    }

    /// Whether this revision was dealt with: paired, judged to stay alone, or parked.
    pub(super) fn knows(&self, name: &DocumentName, modified: &SiteStamp) -> bool {
        let state = &self.parts.state;
        // A store that fails here fails again, aloud, where the contact is looked at.
        if let Ok(Some(pair)) = state.pair_of_dafater(name) {
            return pair.dafater.modified == *modified || self.waits(&pair.id, Side::Dafater, &modified.0);
        }
        let record = RecordId::Dafater(name.clone());
        state.loose(&record).is_ok_and(|loose| {
            loose.is_some_and(|loose| {
                let creation = loose.creation.as_ref();
                let begun = creation.and_then(|creation| self.begun_by_document(creation, name).ok());
                let is_due = begun
                    .and_then(|pair| self.parked.get(&pair))
                    .is_some_and(|parked| parked.next <= self.now);
                let is_free = loose.why == LooseReason::DirectionOff && self.settings.policy.push;
                loose.revision == modified.0 && !is_due && !is_free
            })
        })
    }

    async fn sweep(&self) -> Result<Vec<Stamp>, EngineError> {
        let mut stamps = Vec::new();
        let mut after = None;
        loop {
            let page = self.parts.dafater.sweep(after.as_ref()).await?;
            stamps.extend(page.stamps.into_iter().flatten());
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(stamps),
            }
        }
    }

    async fn read_deletions(
        &self,
        from: &SiteStamp,
        reading: &mut DafaterReading,
    ) -> Result<(), EngineError> {
        match self.parts.dafater.deleted_contacts(&self.overlapping(from)).await? {
            DeletedFeed::Unreadable => reading.reads_deletions = false,
            DeletedFeed::Readable(entries) => {
                let mut mark = reading.cursor.deleted.clone().or_else(|| reading.cursor.modified.clone());
                for entry in entries {
                    match entry {
                        Ok(entry) => {
                            let is_later = |mark: &SiteStamp| entry.deleted_at.civil() > mark.civil();
                            if mark.as_ref().is_none_or(is_later) {
                                mark = Some(entry.deleted_at.clone());
                            }
                            let list = if entry.is_address {
                                &mut reading.deleted_addresses
                            } else {
                                &mut reading.deleted
                            };
                            list.push((entry.name, entry.creation));
                        }
                        Err(malformed) => reading.malformed.push(nameless(&malformed)),
                    }
                }
                reading.cursor.deleted = mark;
            }
        }
        Ok(())
    }

    /// `stamp` less the overlap: transactions commit later than they stamp.
    pub(super) fn overlapping(&self, stamp: &SiteStamp) -> SiteStamp {
        stamp
            .civil()
            .and_then(|civil| civil.checked_sub(self.settings.overlap).ok())
            .map_or_else(|| stamp.clone(), SiteStamp::from)
    }
}

/// A document's name is a person's name: it stays out of what may reach a log.
fn nameless(malformed: &crate::mapping::Malformed) -> String {
    format!("a document of the site: {}", malformed.reason)
}

/// Before any site had a contact.
fn dawn() -> SiteStamp {
    SiteStamp::from(jiff::civil::date(1970, 1, 2).at(0, 0, 0, 0))
}
