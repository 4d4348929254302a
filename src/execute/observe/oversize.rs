//! Records that are too large to be remembered: set aside before anything is decided about them, so that nobody else suffers.
//!
//! Law: what could not be committed as a pair is never written, not even in part.

use super::{Observer, Picture};
use crate::contact::{Contact, Value, Values};
use crate::execute::EngineError;
use crate::mapping::{DocumentName, SourceId};
use crate::observe::events;
use crate::state::Parked;
use crate::sync::{PairId, RecordId};

/// Bytes of a contact in its canonical form, both sides of a pair taken together. A pair keeps it twice, with what belongs to it;
/// the store takes 64 KiB in one value.
const LARGEST: usize = 26 * 1024;
/// Values of each list that a contact is known by while it is set aside.
const KNOWN_BY: usize = 20;
/// When a record that did not change is looked at again.
const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

impl Observer<'_> {
    /// Takes oversized records out of `picture`; they are known to matching all the same, so that nobody is made a second time.
    pub(super) fn set_aside(&self, picture: &mut Picture) -> Result<Vec<Parked>, EngineError> {
        let phones = self.settings.policy.phones;
        let account = self.parts.state.account();
        let mut parked = Vec::new();
        picture.pairs.retain(|view| {
            let (google, dafater) = (view.google.present(), view.dafater.present());
            let [one, other] = [
                google.map(|person| person.contact(phones)),
                dafater.map(|document| document.contact(phones)),
            ]
            .map(Option::unwrap_or_default);
            let size = together(&one, &other);
            if size > LARGEST {
                let google = google.map(|person| (person.source_id.clone(), person.etag.0.clone()));
                let dafater = dafater.map(|document| (document.name.clone(), document.modified.0.clone()));
                parked.push(self.oversized(view.pair.id.clone(), google, dafater, size));
            }
            size <= LARGEST
        });
        picture.google.retain(|alone| {
            let person = &alone.record;
            let contact = person.contact(phones);
            let size = size(&contact);
            if size > LARGEST {
                let id = PairId::from_google(account, &person.source_id);
                let revision = (person.source_id.clone(), person.etag.0.clone());
                parked.push(self.oversized(id, Some(revision), None, size));
                picture.paired.push((RecordId::Google(person.source_id.clone()), known_by(contact)));
            }
            size <= LARGEST
        });
        picture.dafater.retain(|alone| {
            let document = &alone.record;
            let contact = document.contact(phones);
            let size = size(&contact);
            if size > LARGEST {
                let id = PairId::from_dafater(account, &document.creation, &document.name);
                let revision = (document.name.clone(), document.modified.0.clone());
                parked.push(self.oversized(id, None, Some(revision), size));
                picture.paired.push((RecordId::Dafater(document.name.clone()), known_by(contact)));
            }
            size <= LARGEST
        });
        self.only_news(parked)
    }

    fn oversized(
        &self,
        pair: PairId,
        google: Option<(SourceId, String)>,
        dafater: Option<(DocumentName, String)>,
        size: usize,
    ) -> Parked {
        let reason = format!(
            "its mapped values take {} KiB, where {} are the most: remove addresses or numbers",
            size.div_ceil(1024),
            LARGEST / 1024
        );
        let next = self.now.checked_add(AGAIN).unwrap_or(self.now);
        Parked { pair, google, dafater, attempts: 1, next, reason }
    }

    /// What is parked in the same words already stays as it is until it is due.
    fn only_news(&self, parked: Vec<Parked>) -> Result<Vec<Parked>, EngineError> {
        let known = self.parts.state.parked()?;
        let is_news = |new: &Parked| {
            !known.iter().any(|old| {
                (&old.pair, &old.google, &old.dafater, &old.reason)
                    == (&new.pair, &new.google, &new.dafater, &new.reason)
                    && old.next > self.now
            })
        };
        let (news, old): (Vec<_>, Vec<_>) = parked.into_iter().partition(is_news);
        for parked in &news {
            let account = self.parts.state.account().clone();
            let reason = format!("{} is set aside: {}", parked.pair, parked.reason);
            events::ItemMalformed { account, reason }.emit();
        }
        let kept = known.into_iter().filter(|known| old.iter().any(|old| old.pair == known.pair));
        Ok(news.into_iter().chain(kept).collect())
    }
}

/// Bytes that the contact takes, roughly and never too few.
fn size(contact: &Contact) -> usize {
    let texts: usize = contact.texts.values().map(|text| text.len() + 4).sum();
    texts + list(&contact.emails) + list(&contact.phones)
}

/// Bytes that a contact of all that both say would take.
fn together(one: &Contact, other: &Contact) -> usize {
    let more = |own: &Values, further: &Values| -> usize {
        further.iter().filter(|value| !own.contains(&value.key)).map(bytes).sum()
    };
    let texts = other.texts.iter().filter(|(field, text)| one.text(**field) != text.as_str());
    size(one)
        + texts.map(|(_, text)| text.len() + 4).sum::<usize>()
        + more(&one.emails, &other.emails)
        + more(&one.phones, &other.phones)
}

fn list(values: &Values) -> usize {
    values.iter().map(bytes).sum()
}

fn bytes(value: &Value) -> usize {
    value.key.as_str().len() + value.raw.len() + value.label.as_ref().map_or(0, String::len) + 8
}

/// As much of a contact as tells it from others.
fn known_by(mut contact: Contact) -> Contact {
    for list in [&mut contact.emails, &mut contact.phones] {
        let mut few = Values::default();
        list.iter().take(KNOWN_BY).for_each(|value| few.add(value.clone()));
        *list = few;
    }
    contact
}
