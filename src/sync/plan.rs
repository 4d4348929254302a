//! From a snapshot to a plan: what is written where, and why.
//!
//! Law: a plan is plain data. Computing it twice from the same snapshot gives the same plan, and carrying it out twice changes
//! nothing the second time.

use std::collections::{BTreeMap, BTreeSet};

use super::matching::{self, Candidate, Doubt};
use super::merge::admit;
use super::snapshot::{Alone, PairView, Sighting, Snapshot};
use super::{
    Both, Conflict, DeletionPolicy, Loose, LooseReason, MergeRules, Merged, Origin, Pair, PairId, Policy,
    RecordId, Review, Side, Withheld, merge,
};
use crate::contact::{Contact, Field, TextField};
use crate::mapping::{Document, GoogleRules, Person};

/// Everything that the next cycle does.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// One step a pair, in the order of their ids.
    pub steps: Vec<Step>,
    /// Records that stay alone, as they must be remembered.
    pub loose: Vec<Loose>,
    /// Ambiguous matches.
    pub reviews: Vec<Review>,
    /// Records that are remembered as loose and are gone.
    pub vanished: Vec<RecordId>,
}

/// What happens to one pair.
#[derive(Debug, Clone)]
pub struct Step {
    /// The pair.
    pub pair: PairId,
    /// How the pair came (or comes) to be.
    pub origin: Origin,
    /// The pair as stored; `None` for one that is made by this step.
    pub before: Option<Pair>,
    /// Google's record as observed.
    pub google: Option<Person>,
    /// Dafater's record as observed.
    pub dafater: Option<Document>,
    /// What is done.
    pub action: Action,
    /// Why, as a clause.
    pub reason: &'static str,
}

/// The kinds of step.
#[derive(Debug, Clone)]
pub enum Action {
    /// Both records exist: write what differs (perhaps nothing) and remember the new base.
    Merge(Box<Merged>),
    /// One record exists: create the other.
    Create {
        /// The side on which it is created.
        side: Side,
        /// What it will say.
        contact: Contact,
        /// What it cannot hold.
        withheld: Vec<Withheld>,
    },
    /// The counterpart of a deleted record is deleted too.
    Delete {
        /// The side on which it is deleted.
        side: Side,
    },
    /// The pair is dissolved; the record that is left stays and is remembered.
    Detach {
        /// The side on which a record is left.
        left: Side,
    },
    /// Both records are gone: the pair is forgotten.
    Forget,
    /// What must be written cannot be written yet: looked at again in the next cycle.
    Postpone,
}

impl Step {
    /// The sides that this step writes.
    #[must_use]
    pub fn writes(&self, side: Side) -> bool {
        match &self.action {
            Action::Merge(merged) => match side {
                Side::Google => !merged.google.fields.is_empty(),
                Side::Dafater => !merged.dafater.fields.is_empty(),
            },
            Action::Create { side: to, .. } | Action::Delete { side: to } => *to == side,
            Action::Detach { .. } | Action::Forget | Action::Postpone => false,
        }
    }

    /// Whether this step deletes a record, or leaves one without any content.
    #[must_use]
    pub fn destroys(&self) -> bool {
        match &self.action {
            Action::Delete { .. } => true,
            Action::Merge(merged) => [&merged.google, &merged.dafater]
                .into_iter()
                .any(|target| !target.fields.is_empty() && target.contact.is_empty()),
            Action::Create { .. } | Action::Detach { .. } | Action::Forget | Action::Postpone => false,
        }
    }

    /// Whether the step makes a pair of two records that both existed.
    #[must_use]
    pub fn links(&self) -> bool {
        self.before.is_none() && self.origin == Origin::Matched && matches!(self.action, Action::Merge(_))
    }

    /// The conflicts that this step leaves open.
    pub fn conflicts(&self) -> impl Iterator<Item = Conflict> {
        let open = match &self.action {
            Action::Merge(merged) => merged.conflicts.as_slice(),
            Action::Create { .. }
            | Action::Delete { .. }
            | Action::Detach { .. }
            | Action::Forget
            | Action::Postpone => &[],
        };
        open.iter().map(|open| Conflict {
            pair: self.pair.clone(),
            field: open.field,
            base: open.base.clone(),
            google: open.google.clone(),
            dafater: open.dafater.clone(),
            resolution: None,
        })
    }
}

impl Plan {
    /// Computes the plan.
    #[must_use]
    pub fn compute(snapshot: &Snapshot, policy: &Policy) -> Self {
        let mut planner = Planner { snapshot, policy, plan: Self::default(), placed: Placed::default() };
        for view in &snapshot.pairs {
            planner.pair(view);
        }
        planner.alone();
        let mut plan = planner.plan;
        plan.steps.sort_by(|left, right| left.pair.cmp(&right.pair));
        plan
    }
}

struct Planner<'a> {
    snapshot: &'a Snapshot,
    policy: &'a Policy,
    plan: Plan,
    placed: Placed,
}

impl<'a> Planner<'a> {
    fn pair(&mut self, view: &PairView) {
        use Sighting::{Gone, Present, Stale, Unseen};
        match (&view.google, &view.dafater) {
            (Present(google), Present(dafater)) => self.both(view, google, dafater),
            (Gone, Gone) => self.step(view, Action::Forget, "deleted on both sides"),
            (Gone, Present(dafater)) => match self.recreated(&view.pair) {
                Some(google) => self.both(view, google, dafater),
                None => self.one_left(view, Side::Dafater),
            },
            (Present(_), Gone) => self.one_left(view, Side::Google),
            (Stale, Present(dafater)) => self.behind_stale(view, dafater),
            // The other half will be read again when it can be; until then nothing is known that could be acted on.
            (Stale, Gone) => self.step(view, Action::Postpone, "Google still shows an older state"),
            (Unseen, Present(_) | Gone | Unseen | Stale) | (Present(_) | Gone | Stale, Unseen | Stale) => {
                self.step(view, Action::Postpone, "one of the two records cannot be read");
            }
        }
    }

    /// The record that we created in place of a deleted one, when the answer was lost: it carries the pair's marker.
    fn recreated(&mut self, pair: &Pair) -> Option<&'a Person> {
        let snapshot = self.snapshot;
        let carries = |person: &Person| {
            person.marker(&snapshot.site).is_some_and(|marker| marker.pair == pair.id.as_str())
        };
        let index = snapshot.google.iter().position(|alone| carries(&alone.record))?;
        self.placed.google.insert(index);
        snapshot.google.get(index).map(|alone| &alone.record)
    }

    fn both(&mut self, view: &PairView, google: &Person, dafater: &Document) {
        let (google_now, dafater_now) =
            (google.contact(self.policy.phones), dafater.contact(self.policy.phones));
        let base = Both { google: &view.pair.google.contact, dafater: &view.pair.dafater.contact };
        let merged = merge(
            base,
            Both { google: &google_now, dafater: &dafater_now },
            &self.rules(Some(&view.pair), google, dafater),
        );
        let is_known = !view.is_moved
            && view.pair.google.etag == google.etag
            && view.pair.dafater.modified == dafater.modified
            && merged.google.fields.is_empty()
            && merged.dafater.fields.is_empty()
            && merged.conflicts.is_empty();
        if is_known {
            return;
        }
        let reason = match (merged.google.fields.is_empty(), merged.dafater.fields.is_empty()) {
            (true, true) => "nothing to carry",
            (false, true) => "edited in Dafater",
            (true, false) => "edited in Google",
            (false, false) => "edited on both sides",
        };
        self.plan.steps.push(Step {
            pair: view.pair.id.clone(),
            origin: view.pair.origin,
            before: Some(view.pair.clone()),
            google: Some(google.clone()),
            dafater: Some(dafater.clone()),
            action: Action::Merge(Box::new(merged)),
            reason,
        });
    }

    /// Google shows a state that we know to be old, so nothing changed there; what Dafater changed must wait for a fresh read.
    fn behind_stale(&mut self, view: &PairView, dafater: &Document) {
        if view.pair.dafater.modified != dafater.modified {
            self.step(view, Action::Postpone, "Google still shows an older state");
        }
    }

    fn one_left(&mut self, view: &PairView, left: Side) {
        let pair = &view.pair;
        let (is_edited, contact) = match left {
            Side::Google => {
                let now = view
                    .google
                    .present()
                    .map(|person| person.contact(self.policy.phones))
                    .unwrap_or_default();
                (differs(&now, &pair.google.contact), now)
            }
            Side::Dafater => {
                let now = view
                    .dafater
                    .present()
                    .map(|document| document.contact(self.policy.phones))
                    .unwrap_or_default();
                (differs(&now, &pair.dafater.contact), now)
            }
        };
        let gone = left.other();
        if is_edited && self.may_write(gone) {
            if self.snapshot.in_doubt.contains(&pair.id) {
                self.step(view, Action::Postpone, "created again already, but the answer was lost");
                return;
            }
            let (contact, withheld) = self.admitted(&contact, gone);
            self.step(view, Action::Create { side: gone, contact, withheld }, "an edit beats a deletion");
            return;
        }
        let may_delete = match self.policy.deletions {
            DeletionPolicy::Keep => false,
            DeletionPolicy::CreatedBySync => pair.origin == Origin::Created(left),
            DeletionPolicy::Propagate => true,
        };
        if may_delete && !is_edited && self.may_write(left) {
            self.step(view, Action::Delete { side: left }, "deleted on the other side");
        } else {
            self.step(view, Action::Detach { left }, "deleted on the other side, kept here by policy");
        }
    }

    /// Places the records that are in no pair.
    fn alone(&mut self) {
        let snapshot = self.snapshot;
        let phones = self.policy.phones;
        let google: Vec<Contact> = snapshot.google.iter().map(|alone| alone.record.contact(phones)).collect();
        let dafater: Vec<Contact> =
            snapshot.dafater.iter().map(|alone| alone.record.contact(phones)).collect();

        let mut placed = std::mem::take(&mut self.placed);
        self.by_decision(&mut placed);
        self.by_marker(&mut placed);

        let mut google_candidates = Candidates::default();
        for (index, alone) in snapshot.google.iter().enumerate() {
            if let Some(contact) = google
                .get(index)
                .filter(|contact| takes_part(alone, contact) && !placed.google.contains(&index))
            {
                google_candidates.push(Some(index), contact);
            }
        }
        let mut dafater_candidates = Candidates::default();
        for (index, alone) in snapshot.dafater.iter().enumerate() {
            if let Some(contact) = dafater
                .get(index)
                .filter(|contact| takes_part(alone, contact) && !placed.dafater.contains(&index))
            {
                dafater_candidates.push(Some(index), contact);
            }
        }
        for (record, contact) in &snapshot.paired {
            match record.side() {
                Side::Google => google_candidates.push(None, contact),
                Side::Dafater => dafater_candidates.push(None, contact),
            }
        }
        let matches = matching::find(&google_candidates.list, &dafater_candidates.list);
        for (left, right) in &matches.pairs {
            if let (Some(google), Some(dafater)) =
                (google_candidates.origin(*left), dafater_candidates.origin(*right))
            {
                self.join(google, dafater, Origin::Matched, "the same person on both sides");
                placed.google.insert(google);
                placed.dafater.insert(dafater);
            }
        }
        let google_doubts = google_candidates.doubts(&matches.google_review);
        let dafater_doubts = dafater_candidates.doubts(&matches.dafater_review);
        let google_ids: Vec<RecordId> =
            snapshot.google.iter().map(|alone| RecordId::Google(alone.record.source_id.clone())).collect();
        let dafater_ids: Vec<RecordId> =
            snapshot.dafater.iter().map(|alone| RecordId::Dafater(alone.record.name.clone())).collect();
        let google_of =
            |index: usize| google_candidates.record(index, &google_ids, &snapshot.paired, Side::Google);
        let dafater_of =
            |index: usize| dafater_candidates.record(index, &dafater_ids, &snapshot.paired, Side::Dafater);

        for (index, alone) in snapshot.google.iter().enumerate() {
            let (Some(contact), Some(id)) = (google.get(index), google_ids.get(index)) else { continue };
            if placed.google.contains(&index) || alone.is_waiting {
                continue;
            }
            let review = google_doubts.get(&index).map(|doubt| review(id, doubt, &dafater_of, &google_of));
            let loose = |why| Loose {
                record: id.clone(),
                creation: None,
                revision: alone.record.etag.0.clone(),
                contact: contact.clone(),
                why,
            };
            match self.fate(alone, contact, review, Side::Dafater) {
                Fate::Create => self.create(Some(&alone.record), None, contact, Side::Dafater),
                Fate::Loose(why, review) => self.keep(loose(why), review, alone.before.as_ref()),
            }
        }
        for (index, alone) in snapshot.dafater.iter().enumerate() {
            let (Some(contact), Some(id)) = (dafater.get(index), dafater_ids.get(index)) else { continue };
            if placed.dafater.contains(&index) || alone.is_waiting {
                continue;
            }
            let review = dafater_doubts.get(&index).map(|doubt| review(id, doubt, &google_of, &dafater_of));
            let loose = |why| Loose {
                record: id.clone(),
                creation: Some(alone.record.creation.clone()),
                revision: alone.record.modified.0.clone(),
                contact: contact.clone(),
                why,
            };
            match self.fate(alone, contact, review, Side::Google) {
                Fate::Create => self.create(None, Some(&alone.record), contact, Side::Google),
                Fate::Loose(why, review) => self.keep(loose(why), review, alone.before.as_ref()),
            }
        }
    }

    fn by_decision(&mut self, placed: &mut Placed) {
        let snapshot = self.snapshot;
        for (google, dafater) in &snapshot.decisions.links {
            let left = snapshot.google.iter().position(|alone| alone.record.source_id.0 == google.as_str());
            let right = snapshot.dafater.iter().position(|alone| alone.record.name.0 == dafater.as_str());
            if let (Some(left), Some(right)) = (left, right)
                && placed.take(left, right)
            {
                self.join(left, right, Origin::Matched, "a person declared them to be the same");
            }
        }
    }

    /// A record that carries our marker was created by us, whatever our memory says.
    fn by_marker(&mut self, placed: &mut Placed) {
        let snapshot = self.snapshot;
        for (left, alone) in snapshot.google.iter().enumerate() {
            let Some(marker) = alone.record.marker(&snapshot.site) else { continue };
            let mut sources = snapshot
                .dafater
                .iter()
                .enumerate()
                .filter(|(_, other)| other.record.creation == marker.creation);
            let source = sources.next().map(|(right, _)| right);
            if let Some(right) = source.filter(|_| sources.next().is_none())
                && placed.take(left, right)
            {
                self.join(left, right, Origin::Created(Side::Google), "created here by the sync");
            }
        }
        for (right, alone) in snapshot.dafater.iter().enumerate() {
            let Some(id) = alone.record.google_contacts_id() else { continue };
            let source = snapshot.google.iter().enumerate().find(|(_, other)| {
                other.record.resource_name.0 == id
                    || other.record.previous_names.iter().any(|name| name.0 == id)
            });
            if let Some((left, google)) = source
                && placed.take(left, right)
            {
                // The built-in integration leaves the same id on contacts that people made; only an intent of ours proves more.
                let pair = PairId::from_google(&snapshot.account, &google.record.source_id);
                let is_ours = snapshot.begun.contains(&pair);
                let origin = if is_ours { Origin::Created(Side::Dafater) } else { Origin::Matched };
                self.join(left, right, origin, "the document names the Google contact");
            }
        }
    }

    fn join(&mut self, google: usize, dafater: usize, origin: Origin, reason: &'static str) {
        let snapshot = self.snapshot;
        let (Some(google), Some(dafater)) = (snapshot.google.get(google), snapshot.dafater.get(dafater))
        else {
            return;
        };
        let (google, dafater) = (&google.record, &dafater.record);
        let (google_now, dafater_now) =
            (google.contact(self.policy.phones), dafater.contact(self.policy.phones));
        let nothing = Contact::default();
        let base = Both { google: &nothing, dafater: &nothing };
        let merged = merge(
            base,
            Both { google: &google_now, dafater: &dafater_now },
            &self.rules(None, google, dafater),
        );
        let pair = match origin {
            Origin::Created(Side::Google) => {
                PairId::from_dafater(&snapshot.account, &dafater.creation, &dafater.name)
            }
            Origin::Matched | Origin::Created(Side::Dafater) => {
                PairId::from_google(&snapshot.account, &google.source_id)
            }
        };
        self.plan.steps.push(Step {
            pair,
            origin,
            before: None,
            google: Some(google.clone()),
            dafater: Some(dafater.clone()),
            action: Action::Merge(Box::new(merged)),
            reason,
        });
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
        if contact.is_empty() {
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

    fn keep(&mut self, loose: Loose, review: Option<Review>, before: Option<&Loose>) {
        if before != Some(&loose) {
            self.plan.loose.push(loose);
        }
        self.plan.reviews.extend(review);
    }

    fn create(&mut self, google: Option<&Person>, dafater: Option<&Document>, contact: &Contact, side: Side) {
        let account = &self.snapshot.account;
        let pair = match (google, dafater) {
            (Some(google), _) => PairId::from_google(account, &google.source_id),
            (None, Some(dafater)) => PairId::from_dafater(account, &dafater.creation, &dafater.name),
            (None, None) => return,
        };
        let is_in_doubt = self.snapshot.in_doubt.contains(&pair);
        let (contact, withheld) = self.admitted(contact, side);
        let reason = match side {
            _ if is_in_doubt => {
                "created already, but the answer was lost; looked for before it is sent again"
            }
            Side::Google => "new in Dafater",
            Side::Dafater => "new in Google",
        };
        let action = if is_in_doubt { Action::Postpone } else { Action::Create { side, contact, withheld } };
        self.plan.steps.push(Step {
            pair,
            origin: Origin::Created(side),
            before: None,
            google: google.cloned(),
            dafater: dafater.cloned(),
            action,
            reason,
        });
    }

    /// What `side` can hold of `contact`.
    fn admitted(&self, contact: &Contact, side: Side) -> (Contact, Vec<Withheld>) {
        let mut admitted = Contact::default();
        let mut withheld = Vec::new();
        let mut refuse =
            |field, refusal: &str| withheld.push(Withheld { from: side, field, reason: refusal.to_owned() });
        for field in TextField::ALL {
            let text = contact.text(field);
            if text.is_empty() {
                continue;
            }
            let held = match side {
                Side::Google => GoogleRules.text(field, text),
                Side::Dafater => self.snapshot.site_rules.text(field, text),
            };
            match held {
                Ok(text) => drop(admitted.texts.insert(field, text)),
                Err(refusal) => refuse(Field::Text(field), refusal),
            }
        }
        for (field, from, to) in [
            (Field::Emails, &contact.emails, &mut admitted.emails),
            (Field::Phones, &contact.phones, &mut admitted.phones),
        ] {
            for value in from {
                match admit(side, field, value) {
                    Ok(mut value) => {
                        if side == Side::Google
                            && field == Field::Phones
                            && contact.mobile.as_ref() == Some(&value.key)
                        {
                            value.label = Some("mobile".to_owned());
                        }
                        to.add(value);
                    }
                    Err(refusal) => refuse(field, refusal),
                }
            }
            to.set_primary(from.primary());
        }
        admitted.mobile = contact.mobile.clone().filter(|mobile| admitted.phones.contains(mobile));
        (admitted, withheld)
    }

    fn rules<'r>(&'r self, pair: Option<&'r Pair>, google: &Person, dafater: &Document) -> MergeRules<'r> {
        let resolutions = pair.map_or_else(BTreeMap::new, |pair| {
            let of_pair =
                |((id, field), side): (&(PairId, Field), &Side)| (*id == pair.id).then_some((*field, *side));
            self.snapshot.decisions.resolutions.iter().filter_map(of_pair).collect()
        });
        MergeRules {
            conflict: self.policy.conflict,
            newer: match (google.updated, self.snapshot.instant(&dafater.modified)) {
                (Some(google), Some(dafater)) if google > dafater => Side::Google,
                (Some(_), None) => Side::Google,
                (Some(_) | None, _) => Side::Dafater,
            },
            pull: self.policy.pull,
            push: self.policy.push,
            site: &self.snapshot.site_rules,
            resolutions,
            aliases: pair.map_or(&[], |pair| pair.aliases.as_slice()),
        }
    }

    fn may_write(&self, side: Side) -> bool {
        match side {
            Side::Google => self.policy.push,
            Side::Dafater => self.policy.pull,
        }
    }

    fn step(&mut self, view: &PairView, action: Action, reason: &'static str) {
        self.plan.steps.push(Step {
            pair: view.pair.id.clone(),
            origin: view.pair.origin,
            before: Some(view.pair.clone()),
            google: view.google.present().cloned(),
            dafater: view.dafater.present().cloned(),
            action,
            reason,
        });
    }
}

enum Fate {
    Create,
    Loose(LooseReason, Option<Review>),
}

/// Indexes of records that have their place.
#[derive(Default)]
struct Placed {
    google: BTreeSet<usize>,
    dafater: BTreeSet<usize>,
}

impl Placed {
    /// Takes both unless one of them is taken already.
    fn take(&mut self, google: usize, dafater: usize) -> bool {
        let is_free = !self.google.contains(&google) && !self.dafater.contains(&dafater);
        if is_free {
            self.google.insert(google);
            self.dafater.insert(dafater);
        }
        is_free
    }
}

/// The records of one side that take part in matching; those of `paired` have no origin.
#[derive(Default)]
struct Candidates<'a> {
    list: Vec<Candidate<'a>>,
    origins: Vec<Option<usize>>,
}

impl<'a> Candidates<'a> {
    fn push(&mut self, origin: Option<usize>, contact: &'a Contact) {
        self.list.push(Candidate { contact, is_paired: origin.is_none() });
        self.origins.push(origin);
    }

    fn origin(&self, index: usize) -> Option<usize> {
        self.origins.get(index).copied().flatten()
    }

    fn doubts<'m>(&self, review: &'m BTreeMap<usize, Doubt>) -> BTreeMap<usize, &'m Doubt> {
        review.iter().filter_map(|(index, doubt)| Some((self.origin(*index)?, doubt))).collect()
    }

    /// The id of a candidate, whether it stands alone or is paired.
    fn record(
        &self,
        index: usize,
        alone: &[RecordId],
        paired: &[(RecordId, Contact)],
        side: Side,
    ) -> Option<RecordId> {
        if let Some(origin) = self.origin(index) {
            return alone.get(origin).cloned();
        }
        let nth = self.origins.iter().take(index).filter(|origin| origin.is_none()).count();
        paired.iter().filter(|(record, _)| record.side() == side).nth(nth).map(|(record, _)| record.clone())
    }
}

fn review(
    id: &RecordId,
    doubt: &Doubt,
    other: &impl Fn(usize) -> Option<RecordId>,
    own: &impl Fn(usize) -> Option<RecordId>,
) -> Review {
    let candidates = doubt.others.iter().filter_map(|index| other(*index));
    let twins = doubt.twins.iter().filter_map(|index| own(*index));
    Review {
        record: id.clone(),
        candidates: candidates.chain(twins).collect(),
        reason: doubt.reason.to_owned(),
    }
}

fn takes_part<T>(alone: &Alone<T>, contact: &Contact) -> bool {
    alone.is_in_scope
        && !contact.is_empty()
        && alone.before.as_ref().is_none_or(|loose| loose.why != LooseReason::Skipped)
}

fn differs(left: &Contact, right: &Contact) -> bool {
    Field::all().any(|field| !left.agrees_on(field, right))
}
