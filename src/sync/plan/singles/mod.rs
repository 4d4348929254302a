//! Places the records that have no counterpart: those in no pair, and those whose counterpart was deleted.
//!
//! What people declared comes first, then the markers that our own creates left, then likeness. Whoever finds nobody is created
//! on the other side, or stays alone for a reason.

mod likeness;
mod proofs;

use std::collections::BTreeSet;

use super::planner::{Planner, Widow, differs};
use super::{Action, Step, forgotten};
use crate::contact::Contact;
use crate::mapping::{Document, Person};
use crate::sync::Withheld;
use crate::sync::snapshot::{Alone, PairView};
use crate::sync::{Both, ConflictPolicy, Loose, LooseReason, Origin, PairId, RecordId, Review, Side, merge};

/// A record without a counterpart.
struct Single<'a, T> {
    id: RecordId,
    record: &'a T,
    contact: Contact,
    kind: Kind<'a, T>,
}

enum Kind<'a, T> {
    /// It is in no pair.
    Alone(&'a Alone<T>),
    /// Its counterpart was deleted.
    Widow(Widow<'a>),
}

impl<'a, T> Single<'a, T> {
    fn widow(&self) -> Option<Widow<'a>> {
        match &self.kind {
            Kind::Alone(_) => None,
            Kind::Widow(widow) => Some(*widow),
        }
    }

    /// Whether it was dealt with before. A question is no answer.
    fn is_remembered(&self) -> bool {
        match &self.kind {
            Kind::Widow(_) => true,
            Kind::Alone(alone) => alone.before.as_ref().is_some_and(|loose| loose.why != LooseReason::Review),
        }
    }

    /// Whether a person decided that it stays alone.
    fn is_skipped(&self) -> bool {
        match &self.kind {
            Kind::Widow(_) => false,
            Kind::Alone(alone) => {
                alone.before.as_ref().is_some_and(|loose| loose.why == LooseReason::Skipped)
            }
        }
    }

    /// Whether it is in no pair; a widow has its pair's fate.
    fn is_alone(&self) -> bool {
        self.widow().is_none()
    }

    /// Whether it is parked already and not due again.
    fn is_waiting(&self) -> bool {
        matches!(&self.kind, Kind::Alone(alone) if alone.is_waiting)
    }

    /// Whether it takes part in matching by likeness.
    fn takes_part(&self) -> bool {
        !self.contact.is_empty()
    }

    /// Whether its counterpart was deleted, now or before.
    fn is_widowed(&self) -> bool {
        match &self.kind {
            Kind::Widow(_) => true,
            Kind::Alone(alone) => {
                alone.before.as_ref().is_some_and(|loose| loose.why == LooseReason::Detached)
            }
        }
    }

    /// Whether it may find a counterpart: what is left alone, or stands outside the scope, only shows that another may be its double.
    fn may_match(&self) -> bool {
        match &self.kind {
            Kind::Widow(_) => true,
            Kind::Alone(alone) => alone.is_in_scope && !self.is_skipped(),
        }
    }
}

type People<'a> = Vec<Single<'a, Person>>;
type Documents<'a> = Vec<Single<'a, Document>>;

/// Indexes of records that have their place.
#[derive(Default)]
struct Placed {
    google: BTreeSet<usize>,
    dafater: BTreeSet<usize>,
}

enum Fate {
    Create,
    Loose(LooseReason, Option<Review>),
}

impl<'a> Planner<'a> {
    pub(super) fn place_singles(&mut self) {
        let people = self.people();
        let documents = self.documents();
        let mut placed = Placed::default();
        self.plan.is_rebuilt = forgotten::is_memory_lost(self.snapshot);
        self.by_decision(&people, &documents, &mut placed);
        self.by_marker(&people, &documents, &mut placed);
        self.bereaved(&people, &documents, &mut placed);
        self.behind_the_veil(&people, &documents, &mut placed);
        self.by_likeness(&people, &documents, placed);
    }

    fn people(&self) -> People<'a> {
        let mapping = &self.policy.mapping;
        let alone = self.snapshot.google.iter().map(|alone| Single {
            id: RecordId::Google(alone.record.source_id.clone()),
            record: &alone.record,
            contact: alone.record.contact(mapping),
            kind: Kind::Alone(alone),
        });
        let widows = self.widows.iter().filter(|widow| widow.left == Side::Google).filter_map(|widow| {
            let record = widow.view.google.present()?;
            let id = RecordId::Google(record.source_id.clone());
            Some(Single { id, record, contact: record.contact(mapping), kind: Kind::Widow(*widow) })
        });
        alone.chain(widows).collect()
    }

    fn documents(&self) -> Documents<'a> {
        let mapping = &self.policy.mapping;
        let alone = self.snapshot.dafater.iter().map(|alone| Single {
            id: RecordId::Dafater(alone.record.name.clone()),
            record: &alone.record,
            contact: alone.record.contact(mapping),
            kind: Kind::Alone(alone),
        });
        let widows = self.widows.iter().filter(|widow| widow.left == Side::Dafater).filter_map(|widow| {
            let record = widow.view.dafater.present()?;
            let id = RecordId::Dafater(record.name.clone());
            Some(Single { id, record, contact: record.contact(mapping), kind: Kind::Widow(*widow) })
        });
        alone.chain(widows).collect()
    }

    fn person_waits(&mut self, index: usize, person: &Single<'a, Person>, placed: &mut Placed) {
        if person.is_alone() && placed.google.insert(index) && !person.is_waiting() {
            self.wait_for_veiled(Some(person.record), None);
        }
    }

    fn document_waits(&mut self, index: usize, document: &Single<'a, Document>, placed: &mut Placed) {
        if document.is_alone() && placed.dafater.insert(index) && !document.is_waiting() {
            self.wait_for_veiled(None, Some(document.record));
        }
    }

    /// Nothing is created for a record whose counterpart may be one that cannot be seen now.
    fn wait_for_veiled(&mut self, google: Option<&Person>, dafater: Option<&Document>) {
        let Some(pair) = self.new_pair(google, dafater) else { return };
        self.plan.steps.push(Step {
            pair,
            origin: Origin::Matched,
            before: None,
            agreed: None,
            google: google.cloned(),
            dafater: dafater.cloned(),
            action: Action::Postpone,
            reason: "its counterpart may be a record that cannot be read now",
        });
    }

    /// The id of the pair that a record without counterpart begins.
    fn new_pair(&self, google: Option<&Person>, dafater: Option<&Document>) -> Option<PairId> {
        let account = &self.snapshot.account;
        match (google, dafater) {
            (Some(google), _) => Some(PairId::from_google(account, &google.source_id)),
            (None, Some(dafater)) => Some(PairId::from_dafater(account, &dafater.creation, &dafater.name)),
            (None, None) => None,
        }
    }

    /// Makes a pair of two singles, unless one of them has its place already or both lost their counterparts.
    fn join(
        &mut self,
        (left, right): (usize, usize),
        people: &People<'a>,
        documents: &Documents<'a>,
        placed: &mut Placed,
        origin: Origin,
        reason: &'static str,
    ) {
        let snapshot = self.snapshot;
        let (Some(person), Some(document)) = (people.get(left), documents.get(right)) else { return };
        let widow = match (person.widow(), document.widow()) {
            (Some(_), Some(_)) => return,
            (widow, None) | (None, widow) => widow,
        };
        if placed.google.contains(&left) || placed.dafater.contains(&right) {
            return;
        }
        placed.google.insert(left);
        placed.dafater.insert(right);
        let before = widow.map(|widow| &widow.view.pair);
        let pair = match (before, origin) {
            (Some(pair), _) => pair.id.clone(),
            (None, Origin::Created(Side::Google)) => {
                PairId::from_dafater(&snapshot.account, &document.record.creation, &document.record.name)
            }
            (None, Origin::Matched | Origin::Created(Side::Dafater)) => {
                PairId::from_google(&snapshot.account, &person.record.source_id)
            }
        };
        let (mut base_google, mut base_dafater) = (Contact::default(), Contact::default());
        let mut agreed = None;
        if let (Origin::Created(side), Some(promise)) = (origin, snapshot.promises.get(&pair)) {
            // What we wrote into a record that we created, and did not note, is no edit.
            let created = match side {
                Side::Google => &person.contact,
                Side::Dafater => &document.contact,
            };
            promise.redeem_base(&mut base_google, &mut base_dafater, side, created);
            agreed = Some(Box::new((base_google.clone(), base_dafater.clone())));
        }
        let base = Both { google: &base_google, dafater: &base_dafater };
        let now = Both { google: &person.contact, dafater: &document.contact };
        let mut rules = self.rules(before, person.record, document.record);
        if !person.is_remembered()
            && !document.is_remembered()
            && forgotten::is_forgotten(snapshot, &pair, person.record, document.record)
        {
            rules.conflict = ConflictPolicy::Manual;
            rules.fields = rules.fields.without_winners();
        }
        let mut merged = merge(base, now, &rules);
        if let Origin::Created(side) = origin {
            // What could not go across when the copy was made is noted now, if that was lost with the receipt.
            let origin = if side == Side::Google { &document.contact } else { &person.contact };
            let copy = if side == Side::Google { &person.contact } else { &document.contact };
            let (_, withheld) = self.admitted(origin, side);
            let is_new = |withheld: &Withheld| {
                !copy.agrees_on(&withheld.field, origin)
                    && !merged.withheld.iter().any(|known| known.field == withheld.field)
            };
            let withheld: Vec<Withheld> = withheld.into_iter().filter(is_new).collect();
            merged.withheld.extend(withheld);
        }
        self.plan.steps.push(Step {
            pair,
            origin,
            before: before.cloned(),
            agreed,
            google: Some(person.record.clone()),
            dafater: Some(document.record.clone()),
            action: Action::Merge(Box::new(merged)),
            reason,
        });
    }

    /// The question about a record whose counterpart is gone without a memory of either.
    fn left_over<T>(&self, single: &Single<'_, T>, alone: &Alone<T>) -> Option<Review> {
        let is_asked = !self.plan.is_rebuilt && self.snapshot.left_over.contains(&single.id);
        let asked = alone.before.as_ref().filter(|before| before.why == LooseReason::Review);
        // An edit beats a deletion, remembered or not.
        let is_edited = asked.is_some_and(|asked| differs(&single.contact, &asked.contact));
        (is_asked && !is_edited).then(|| forgotten::question(&single.id))
    }

    fn fate<T>(&self, alone: &Alone<T>, contact: &Contact, review: Option<Review>, to: Side) -> Fate {
        let decided = alone.before.as_ref().map(|loose| loose.why);
        match decided {
            Some(LooseReason::Skipped) => return Fate::Loose(LooseReason::Skipped, None),
            Some(LooseReason::Detached) => return Fate::Loose(LooseReason::Detached, None),
            Some(
                LooseReason::DirectionOff
                | LooseReason::OutOfScope
                | LooseReason::Review
                | LooseReason::Empty
                | LooseReason::Parked,
            )
            | None => {}
        }
        if self.admitted(contact, to).0.is_empty() {
            Fate::Loose(LooseReason::Empty, None)
        } else if !alone.is_in_scope {
            Fate::Loose(LooseReason::OutOfScope, None)
        } else if let Some(review) = review {
            Fate::Loose(LooseReason::Review, Some(review))
        } else if self.may_write(to) {
            Fate::Create
        } else {
            Fate::Loose(LooseReason::DirectionOff, None)
        }
    }

    fn keep<T>(
        &mut self,
        single: &Single<'_, T>,
        creation: Option<crate::mapping::SiteStamp>,
        revision: String,
        why: LooseReason,
        review: Option<Review>,
        before: Option<&Loose>,
    ) {
        let loose =
            Loose { record: single.id.clone(), creation, revision, contact: single.contact.clone(), why };
        if before != Some(&loose) {
            self.plan.loose.push(loose);
        }
        self.plan.reviews.extend(review);
    }

    fn create(&mut self, google: Option<&Person>, dafater: Option<&Document>, contact: &Contact, side: Side) {
        let Some(pair) = self.new_pair(google, dafater) else { return };
        let marked = google
            .and_then(|person| person.marker(&self.snapshot.site))
            .and_then(|marker| PairId::parse(&marker.pair));
        let is_in_doubt = marked.iter().chain([&pair]).any(|pair| self.snapshot.in_doubt.contains(pair));
        let (contact, withheld) = self.admitted(contact, side);
        let reason = match side {
            _ if is_in_doubt => {
                "created already, but the answer was lost; looked for before it is sent again"
            }
            Side::Google if self.plan.is_rebuilt => {
                "new in Dafater, or deleted in Google while it was forgotten"
            }
            Side::Dafater if self.plan.is_rebuilt => {
                "new in Google, or deleted in Dafater while it was forgotten"
            }
            Side::Google => "new in Dafater",
            Side::Dafater => "new in Google",
        };
        let action = if is_in_doubt { Action::Postpone } else { Action::Create { side, contact, withheld } };
        self.plan.steps.push(Step {
            pair,
            origin: Origin::Created(side),
            before: None,
            agreed: None,
            google: google.cloned(),
            dafater: dafater.cloned(),
            action,
            reason,
        });
    }
}

/// Both records of a pair, as they are remembered.
fn halves(view: &PairView) -> [RecordId; 2] {
    [RecordId::Google(view.pair.google.source_id.clone()), RecordId::Dafater(view.pair.dafater.name.clone())]
}
