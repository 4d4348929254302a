//! Records that are too large to be remembered: set aside before anything is decided about them, so that nobody else suffers.
//!
//! Law: what could not be committed as a pair is never written, not even in part.

use super::{Observer, Picture};
use crate::contact::{Contact, Value, Values};
use crate::execute::EngineError;
use crate::mapping::{DocumentName, SourceId};
use crate::observe::events;
use crate::state::Parked;
use crate::sync::{Loose, LooseReason, PairId, RecordId};

/// Bytes of a contact in its canonical form, both sides of a pair taken together. A pair keeps it twice, with what belongs to it;
/// the store takes 64 KiB in one value.
const LARGEST: usize = 26 * 1024;
/// Values of each list that a contact is known by while it is set aside.
const KNOWN_BY: usize = 20;
/// Bytes of what a pair remembers of each Address document beside what it says.
const STAMP: usize = 200;
/// Bytes of each text of it.
const KNOWN_TEXT: usize = 1024;
/// When a record that did not change is looked at again.
const AGAIN: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Records that are too large to be remembered whole.
#[derive(Debug, Default)]
pub(in crate::execute) struct Oversized {
    /// All of them, to be looked at again.
    pub(in crate::execute) parked: Vec<Parked>,
    /// Those in no pair, as they are remembered: by a few of their values.
    pub(in crate::execute) loose: Vec<Loose>,
}

impl Observer<'_> {
    /// Takes oversized records out of `picture`; they are known to matching all the same, so that nobody is made a second time.
    pub(super) fn set_aside(&self, picture: &mut Picture) -> Result<Oversized, EngineError> {
        let mapping = &self.settings.policy.mapping;
        let account = self.parts.state.account();
        let (mut parked, mut loose) = (Vec::new(), Vec::new());
        picture.pairs.retain(|view| {
            let (google, dafater) = (view.google.present(), view.dafater.present());
            let [one, other] = [
                google.map(|person| person.contact(mapping)),
                dafater.map(|document| document.contact(mapping)),
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
            let contact = person.contact(mapping);
            let size = size(&contact);
            if size > LARGEST {
                let id = PairId::from_google(account, &person.source_id);
                let revision = (person.source_id.clone(), person.etag.0.clone());
                parked.push(self.oversized(id, Some(revision), None, size));
                let known = Loose {
                    record: RecordId::Google(person.source_id.clone()),
                    creation: None,
                    resource_name: Some(person.resource_name.clone()),
                    revision: person.etag.0.clone(),
                    contact: essence(contact),
                    why: LooseReason::Parked,
                };
                picture.paired.push((known.record.clone(), known.contact.clone()));
                loose.push(known);
            }
            size <= LARGEST
        });
        picture.dafater.retain(|alone| {
            let document = &alone.record;
            let contact = document.contact(mapping);
            let size = size(&contact);
            if size > LARGEST {
                let id = PairId::from_dafater(account, &document.creation, &document.name);
                let revision = (document.name.clone(), document.modified.0.clone());
                parked.push(self.oversized(id, None, Some(revision), size));
                let known = Loose {
                    record: RecordId::Dafater(document.name.clone()),
                    creation: Some(document.creation.clone()),
                    resource_name: None,
                    revision: document.modified.0.clone(),
                    contact: essence(contact),
                    why: LooseReason::Parked,
                };
                picture.paired.push((known.record.clone(), known.contact.clone()));
                loose.push(known);
            }
            size <= LARGEST
        });
        let parked = self.only_news(parked)?;
        let mut news = Vec::new();
        for known in loose {
            if self.parts.state.loose(&known.record)?.as_ref() != Some(&known) {
                news.push(known);
            }
        }
        Ok(Oversized { parked, loose: news })
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
    texts + list(&contact.emails) + list(&contact.phones) + contact.addresses.as_ref().map_or(0, stamped)
}

/// Bytes that a contact of all that both say would take.
fn together(one: &Contact, other: &Contact) -> usize {
    let more = |own: &Values, further: &Values| -> usize {
        further.iter().filter(|value| !own.contains(&value.key)).map(bytes).sum()
    };
    let texts = other.texts.iter().filter(|(field, text)| one.text(field) != text.as_str());
    size(one)
        + texts.map(|(_, text)| text.len() + 4).sum::<usize>()
        + more(&one.emails, &other.emails)
        + more(&one.phones, &other.phones)
        + more(
            one.addresses.as_ref().unwrap_or_else(|| Values::none()),
            other.addresses.as_ref().unwrap_or_else(|| Values::none()),
        )
}

fn list(values: &Values) -> usize {
    values.iter().map(bytes).sum()
}

/// Addresses, each with the stamp of its document.
fn stamped(addresses: &Values) -> usize {
    list(addresses) + addresses.len() * STAMP
}

fn bytes(value: &Value) -> usize {
    value.key.as_str().len() + value.raw.len() + value.label.as_ref().map_or(0, String::len) + 8
}

/// As much of a contact as tells it from others.
fn essence(mut contact: Contact) -> Contact {
    for list in [&mut contact.emails, &mut contact.phones].into_iter().chain(&mut contact.addresses) {
        let mut few = Values::default();
        list.iter().take(KNOWN_BY).for_each(|value| few.add(value.clone()));
        *list = few;
    }
    contact.texts.values_mut().for_each(|text| text.truncate(text.floor_char_boundary(KNOWN_TEXT)));
    contact
}
