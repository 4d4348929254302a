//! From an effect to the base it made.

use crate::contact::{Contact, Key, PhoneContext, Value, Values, plain_digits};
use crate::mapping::{Document, Etag, Person, SiteStamp};
use crate::sync::{
    Action, Both, DafaterBase, GoogleBase, Loose, LooseReason, Merged, Origin, Pair, RecordId, Side, Step,
    Withheld, rebase,
};

/// A step while it is carried out.
pub(super) struct Work<'a> {
    pub(super) step: &'a Step,
    /// Google's record as the last write left it.
    pub(super) google: Option<Person>,
    /// Dafater's record as the last write left it.
    pub(super) dafater: Option<Document>,
    phones: PhoneContext,
}

/// Revisions that are remembered as replaced by our own writes.
const SUPERSEDED_KEPT: usize = 4;

impl<'a> Work<'a> {
    pub(super) fn new(step: &'a Step, phones: PhoneContext) -> Self {
        Self { step, google: None, dafater: None, phones }
    }

    /// The pair as it stands now; `None` while one of the records does not exist.
    ///
    /// INVARIANT: while a write is owed, the revisions are blank. Whatever is observed is then news, so that a crash between two
    /// writes cannot make the second one be forgotten.
    pub(super) fn pair(&self) -> Option<Pair> {
        let step = self.step;
        let google = self.google.as_ref().or(step.google.as_ref())?;
        let dafater = self.dafater.as_ref().or(step.dafater.as_ref())?;
        let (google_now, dafater_now) = (google.contact(self.phones), dafater.contact(self.phones));
        let (base_google, base_dafater) = step.base();

        let mut aliases = step.before.as_ref().map(|pair| pair.aliases.clone()).unwrap_or_default();
        if self.google.is_some()
            && let Some(sent) = self.sent(Side::Google)
        {
            learn(&mut aliases, sent, &google_now, |sent, stored| (stored, sent));
        }
        if self.dafater.is_some()
            && let Some(sent) = self.sent(Side::Dafater)
        {
            learn(&mut aliases, sent, &dafater_now, |sent, stored| (sent, stored));
        }
        let plain = Merged::default();
        let (merged, withheld) = match &step.action {
            Action::Merge(merged) => (merged.as_ref(), merged.withheld.as_slice()),
            Action::Create { withheld, .. } => (&plain, withheld.as_slice()),
            Action::Delete { .. } | Action::Detach { .. } | Action::Forget | Action::Postpone => {
                (&plain, [].as_slice())
            }
        };
        let written = |side| match side {
            Side::Google => self.google.is_some(),
            Side::Dafater => self.dafater.is_some(),
        };
        let is_owed = !merged.google.fields.is_empty() && self.google.is_none()
            || !merged.dafater.fields.is_empty() && self.dafater.is_none();
        let base = Both { google: &base_google, dafater: &base_dafater };
        let after = Both { google: &google_now, dafater: &dafater_now };
        let (google_contact, dafater_contact) = rebase(base, merged, after, written, &aliases);
        Some(Pair {
            id: step.pair.clone(),
            origin: match &step.action {
                Action::Create { side, .. } => Origin::Created(*side),
                Action::Merge(_)
                | Action::Delete { .. }
                | Action::Detach { .. }
                | Action::Forget
                | Action::Postpone => step.origin,
            },
            google: GoogleBase {
                source_id: google.source_id.clone(),
                resource_name: google.resource_name.clone(),
                etag: if is_owed { Etag(String::new()) } else { google.etag.clone() },
                updated: google.updated,
                superseded: self.superseded(google),
                contact: google_contact,
            },
            dafater: DafaterBase {
                name: dafater.name.clone(),
                creation: dafater.creation.clone(),
                modified: if is_owed { SiteStamp(String::new()) } else { dafater.modified.clone() },
                contact: dafater_contact,
            },
            aliases,
            withheld: self.withheld(withheld),
        })
    }

    /// The remaining record of a dissolved pair, or one whose counterpart could not be made.
    pub(super) fn loose(&self, side: Side, why: LooseReason) -> Option<Loose> {
        Some(match side {
            Side::Google => {
                let person = self.step.google.as_ref()?;
                Loose {
                    record: RecordId::Google(person.source_id.clone()),
                    creation: None,
                    revision: person.etag.0.clone(),
                    contact: person.contact(self.phones),
                    why,
                }
            }
            Side::Dafater => {
                let document = self.step.dafater.as_ref()?;
                Loose {
                    record: RecordId::Dafater(document.name.clone()),
                    creation: Some(document.creation.clone()),
                    revision: document.modified.0.clone(),
                    contact: document.contact(self.phones),
                    why,
                }
            }
        })
    }

    /// What the step sends to `side`.
    pub(super) fn sent(&self, side: Side) -> Option<&Contact> {
        match &self.step.action {
            Action::Merge(merged) => Some(match side {
                Side::Google => &merged.google.contact,
                Side::Dafater => &merged.dafater.contact,
            }),
            Action::Create { side: to, contact, .. } if *to == side => Some(contact),
            Action::Create { .. }
            | Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Forget
            | Action::Postpone => None,
        }
    }

    fn superseded(&self, google: &Person) -> Vec<Etag> {
        let known =
            self.step.before.as_ref().map(|pair| pair.google.superseded.as_slice()).unwrap_or_default();
        let replaced =
            self.step.google.as_ref().map(|person| &person.etag).filter(|etag| **etag != google.etag);
        replaced.into_iter().chain(known).take(SUPERSEDED_KEPT).cloned().collect()
    }

    /// What is withheld now, and what was withheld before in fields that this step did not touch.
    fn withheld(&self, now: &[Withheld]) -> Vec<Withheld> {
        let mut all = now.to_vec();
        for earlier in self.step.before.iter().flat_map(|pair| &pair.withheld) {
            if !all.iter().any(|newer| (newer.from, newer.field) == (earlier.from, earlier.field)) {
                all.push(earlier.clone());
            }
        }
        all
    }
}

/// A side that stored a value under another key than it was sent under: both are the same from now on.
fn learn(
    aliases: &mut Vec<(Key, Key)>,
    sent: &Contact,
    stored: &Contact,
    order: impl Fn(Key, Key) -> (Key, Key),
) {
    for (sent, stored) in [(&sent.emails, &stored.emails), (&sent.phones, &stored.phones)] {
        let mut missing = lacking(sent, stored);
        let mut new = lacking(stored, sent);
        if missing.len() != new.len() {
            continue;
        }
        // The order is the side's own: what it spells as it was sent is told by that, the rest by position.
        let is_same = |sent: &Value, stored: &Value| plain_digits(&sent.raw) == plain_digits(&stored.raw);
        let mut paired = Vec::new();
        missing.retain(|sent| match new.iter().position(|stored| is_same(sent, stored)) {
            Some(position) => {
                paired.push((sent.key.clone(), new.remove(position).key.clone()));
                false
            }
            None => true,
        });
        let by_position =
            missing.iter().zip(&new).map(|(sent, stored)| (sent.key.clone(), stored.key.clone()));
        for (sent, stored) in paired.into_iter().chain(by_position) {
            let alias = order(sent, stored);
            aliases.retain(|(google, dafater)| *google != alias.0 && *dafater != alias.1);
            aliases.push(alias);
        }
    }
}

fn lacking<'v>(from: &'v Values, than: &Values) -> Vec<&'v Value> {
    from.iter().filter(|value| !than.contains(&value.key)).collect()
}
