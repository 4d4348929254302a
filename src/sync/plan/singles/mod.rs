//! Places the records that have no counterpart: those in no pair, and those whose counterpart was deleted.
//!
//! What people declared comes first, then the markers that our own creates left, then likeness. Whoever finds nobody is created
//! on the other side, or stays alone for a reason.

mod likeness;
mod proofs;
mod record;
mod scope;

use std::collections::BTreeSet;

use self::record::Record;
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
        let people = self.singles(&self.snapshot.google);
        let documents = self.singles(&self.snapshot.dafater);
        let mut placed = Placed::default();
        self.plan.is_rebuilt = forgotten::is_memory_lost(self.snapshot);
        self.by_decision(&people, &documents, &mut placed);
        self.by_memory(&people, &documents, &mut placed);
        self.by_memory_of_scope(&people, &documents, &mut placed);
        self.by_marker(&people, &documents, &mut placed);
        self.bereaved(&people, &documents, &mut placed);
        self.behind_the_veil(&people, &documents, &mut placed);
        self.by_likeness(&people, &documents, placed);
    }

    fn singles<T: Record>(&self, alone: &'a [Alone<T>]) -> Vec<Single<'a, T>> {
        let single = |record: &'a T, kind| {
            let contact = record.says(&self.policy.mapping);
            Single { id: record.id(), record, contact, kind }
        };
        let alone = alone.iter().map(|alone| single(&alone.record, Kind::Alone(alone)));
        let widows = self.widows.iter().filter(|widow| widow.left == T::SIDE);
        let widows = widows.filter_map(|widow| Some(single(T::of(widow.view)?, Kind::Widow(*widow))));
        alone.chain(widows).collect()
    }

    /// Nothing is created for a record whose counterpart may be one that cannot be seen now.
    fn wait_for_veiled<T: Record>(
        &mut self,
        index: usize,
        single: &Single<'a, T>,
        placed: &mut BTreeSet<usize>,
    ) {
        if single.is_alone() && placed.insert(index) && !single.is_waiting() {
            let reason = "its counterpart may be a record that cannot be read now";
            self.begin(single.record, Origin::Matched, Action::Postpone, reason);
        }
    }

    /// The id of the pair that a record without counterpart begins.
    fn begun<T: Record>(&self, record: &T) -> PairId {
        self.snapshot.free(record.begun(&self.snapshot.account))
    }

    /// A step for a record without counterpart.
    fn begin<T: Record>(&mut self, record: &T, origin: Origin, action: Action, reason: &'static str) {
        let (google, dafater) = record.halves();
        self.plan.steps.push(Step {
            pair: self.begun(record),
            origin,
            before: None,
            agreed: None,
            google: google.cloned(),
            dafater: dafater.cloned(),
            action,
            reason,
        });
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
            (None, Origin::Created(Side::Google)) => self.begun(document.record),
            (None, Origin::Matched | Origin::Created(Side::Dafater)) => self.begun(person.record),
        };
        let former = self.left_pair(person.record, document.record).filter(|_| before.is_none());
        let pair = former.map_or(pair, |former| former.id.clone());
        let now = Both { google: &person.contact, dafater: &document.contact };
        let mut agreed = former
            .map(|former| (former.google.contact.clone(), former.dafater.contact.clone()))
            .or_else(|| self.agreed_before(person.record, document.record, widow, now))
            .map(Box::new);
        let is_reunion = agreed.is_some();
        let (mut base_google, mut base_dafater) = agreed.as_deref().cloned().unwrap_or_default();
        // The id is made of the document's name; after a rename, the marker has the one under which the create was begun.
        let marker = person.record.marker(&snapshot.site);
        let of_marker = marker.and_then(|marker| PairId::parse(&marker.pair));
        let mut begun = std::iter::once(&pair).chain(&of_marker);
        let promise = begun.find_map(|id| snapshot.promises.get(id));
        if let (Origin::Created(side), Some(promise), None) = (origin, promise, former) {
            // What we wrote into a record that we created, and did not note, is no edit.
            let created = match side {
                Side::Google => &person.contact,
                Side::Dafater => &document.contact,
            };
            promise.redeem_base(&mut base_google, &mut base_dafater, side, (None, created));
            agreed = Some(Box::new((base_google.clone(), base_dafater.clone())));
        }
        let base = Both { google: &base_google, dafater: &base_dafater };
        let mut rules = self.rules(before, person.record, document.record);
        if agreed.is_none()
            && !person.is_remembered()
            && !document.is_remembered()
            && forgotten::is_forgotten(snapshot, &pair, person.record, document.record)
        {
            rules.conflict = ConflictPolicy::Manual;
            rules.fields = rules.fields.without_winners();
        }
        let mut merged = merge(base, now, &rules);
        // What could not go across when the copy was made, or before the two were parted, is noted now: with the pair, that was lost.
        let sides: &[Side] = match origin {
            _ if is_reunion => &[Side::Google, Side::Dafater],
            Origin::Created(Side::Google) => &[Side::Google],
            Origin::Created(Side::Dafater) => &[Side::Dafater],
            Origin::Matched => &[],
        };
        for side in sides {
            let (origin, copy) = match side {
                Side::Google => (&document.contact, &person.contact),
                Side::Dafater => (&person.contact, &document.contact),
            };
            let (_, withheld) = self.admitted(origin, *side);
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

    fn fate<T: Record>(&self, alone: &Alone<T>, contact: &Contact, review: Option<Review>) -> Fate {
        let to = T::SIDE.other();
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

    fn keep<T: Record>(&mut self, single: &Single<'_, T>, why: LooseReason, review: Option<Review>) {
        let loose = Loose {
            record: single.id.clone(),
            creation: single.record.creation().cloned(),
            resource_name: single.record.resource_name().cloned(),
            revision: single.record.revision().to_owned(),
            contact: single.contact.clone(),
            why,
        };
        let is_new = match &single.kind {
            Kind::Alone(alone) => alone.before.as_ref() != Some(&loose),
            Kind::Widow(_) => true,
        };
        if is_new {
            self.plan.loose.push(loose);
        }
        self.plan.reviews.extend(review);
    }

    fn create<T: Record>(&mut self, single: &Single<'_, T>) {
        let side = T::SIDE.other();
        let (google, _) = single.record.halves();
        let marked = google
            .and_then(|person| person.marker(&self.snapshot.site))
            .and_then(|marker| PairId::parse(&marker.pair));
        let pair = self.begun(single.record);
        let is_in_doubt = marked.iter().chain([&pair]).any(|pair| self.snapshot.in_doubt.contains(pair));
        let (contact, withheld) = self.admitted(&single.contact, side);
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
        self.begin(single.record, Origin::Created(side), action, reason);
    }
}

/// Both records of a pair, as they are remembered.
fn halves(view: &PairView) -> [RecordId; 2] {
    [RecordId::Google(view.pair.google.source_id.clone()), RecordId::Dafater(view.pair.dafater.name.clone())]
}
