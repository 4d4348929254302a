//! What happens to each pair, and the rules that all steps share.

use std::collections::BTreeMap;

use super::{Action, Plan, Step};
use crate::contact::{Contact, Field, TextField, Values};
use crate::mapping::{Document, GoogleRules, Person, SiteRules};
use crate::sync::merge::admit;
use crate::sync::snapshot::{PairView, Sighting, Snapshot};
use crate::sync::{
    AddressStamp, Both, ConflictPolicy, DeletionPolicy, MergeRules, Origin, Pair, PairId, Policy, Side,
    Withheld, merge,
};

const UNREADABLE: &str = "one of the two records cannot be read";

pub(super) struct Planner<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) policy: &'a Policy,
    pub(super) plan: Plan,
    /// Pairs of which one record was deleted: unless a record that stands alone takes its place, the other is dealt with last.
    pub(super) widows: Vec<Widow<'a>>,
    /// Pairs of which one record was deleted and the other cannot be seen: what may take the place of the deleted one waits.
    pub(super) veiled: Vec<Widow<'a>>,
    /// Pairs of which both records were deleted.
    pub(super) lost: Vec<&'a PairView>,
}

/// The record that is left of a pair.
#[derive(Debug, Clone, Copy)]
pub(super) struct Widow<'a> {
    pub(super) view: &'a PairView,
    /// Where the record is that is left.
    pub(super) left: Side,
}

impl<'a> Planner<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, policy: &'a Policy) -> Self {
        Self {
            snapshot,
            policy,
            plan: Plan::default(),
            widows: Vec::new(),
            veiled: Vec::new(),
            lost: Vec::new(),
        }
    }

    pub(super) fn plan(mut self) -> Plan {
        for view in &self.snapshot.pairs {
            self.pair(view);
        }
        self.place_singles();
        let mut plan = self.plan;
        plan.steps.sort_by(|left, right| left.pair.cmp(&right.pair));
        plan
    }

    fn pair(&mut self, view: &'a PairView) {
        use Sighting::{Gone, Present, Stale, Unseen};
        match (&view.google, &view.dafater) {
            (Present(_), Present(_)) if self.snapshot.leaving.contains(&view.pair.id) => {
                self.step(view, Action::Leave, "a record is outside the scope now");
            }
            (Present(google), Present(dafater)) => self.both(view, google, dafater),
            (Gone, Gone) => {
                self.lost.push(view);
                self.step(view, Action::Forget, "deleted on both sides");
            }
            (Gone, Present(_)) => self.widows.push(Widow { view, left: Side::Dafater }),
            (Present(_), Gone) => self.widows.push(Widow { view, left: Side::Google }),
            (Stale, Present(dafater)) => self.behind_stale(view, dafater),
            // The other half will be read again when it can be; until then nothing is known that could be acted on.
            (Stale, Gone) => {
                self.behind_veil(Widow { view, left: Side::Google }, "Google still shows an older state");
            }
            (Gone, Unseen | Stale) => self.behind_veil(Widow { view, left: Side::Dafater }, UNREADABLE),
            (Unseen, Gone) => self.behind_veil(Widow { view, left: Side::Google }, UNREADABLE),
            (Unseen, Present(_) | Unseen | Stale) | (Present(_) | Stale, Unseen | Stale) => {
                self.step(view, Action::Postpone, UNREADABLE);
            }
        }
    }

    fn both(&mut self, view: &PairView, google: &Person, dafater: &Document) {
        let (google_now, dafater_now) =
            (google.contact(&self.policy.mapping), dafater.contact(&self.policy.mapping));
        let base = Both { google: &view.pair.google.contact, dafater: &view.pair.dafater.contact };
        let merged = merge(
            base,
            Both { google: &google_now, dafater: &dafater_now },
            &self.rules(Some(&view.pair), google, dafater),
        );
        let is_known = !view.is_moved
            && view.pair.google.etag == google.etag
            && view.pair.google.updated == google.updated
            && view.pair.dafater.modified == dafater.modified
            && merged.google.fields.is_empty()
            && merged.dafater.fields.is_empty()
            && merged.conflicts.is_empty()
            && knows_addresses(&view.pair, &google_now, &dafater_now, dafater)
            && merged.withheld.iter().all(|withheld| view.pair.withheld.contains(withheld));
        if is_known {
            return;
        }
        if self.snapshot.in_doubt.contains(&view.pair.id) && merged.dafater.fields.contains(&Field::Addresses)
        {
            return self.step(
                view,
                Action::Postpone,
                "an address may have been created already: its answer was lost",
            );
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
            agreed: None,
            google: Some(google.clone()),
            dafater: Some(dafater.clone()),
            action: Action::Merge(Box::new(merged)),
            reason,
        });
    }

    /// Google shows a state that we know to be old, so nothing changed there; what Dafater changed, and what is due, must wait for a fresh
    /// read.
    fn behind_stale(&mut self, view: &PairView, dafater: &Document) {
        if self.snapshot.due.contains(&view.pair.id) || view.pair.dafater.modified != dafater.modified {
            self.step(view, Action::Postpone, "Google still shows an older state");
        }
    }

    /// One record was deleted, and of the other nothing is known now.
    fn behind_veil(&mut self, widow: Widow<'a>, reason: &'static str) {
        self.veiled.push(widow);
        self.step(widow.view, Action::Postpone, reason);
    }

    /// What becomes of a record whose counterpart was deleted. While it `is_in_doubt` whether another record is its counterpart,
    /// nothing is deleted or created for it. Returns whether the deletion is final: the person is gone on the other side.
    pub(super) fn one_left(&mut self, widow: Widow<'a>, is_in_doubt: bool) -> bool {
        let Widow { view, left } = widow;
        let pair = &view.pair;
        if is_in_doubt {
            let reason = "deleted on the other side, where another record may be the same person";
            self.step(view, Action::Detach { left }, reason);
            return false;
        }
        if self.snapshot.leaving.contains(&pair.id) {
            self.step(view, Action::Detach { left }, "deleted on the other side, and outside the scope here");
            return true;
        }
        let contact = self.widowed(widow);
        let base = match left {
            Side::Google => &pair.google.contact,
            Side::Dafater => &pair.dafater.contact,
        };
        let is_edited = differs(&contact, base) || is_unlike_unknown(widow, &contact, base);
        let gone = left.other();
        let (admitted, withheld) = self.admitted(&contact, gone);
        if is_edited && self.may_write(gone) && !admitted.is_empty() {
            if self.snapshot.in_doubt.contains(&pair.id) {
                self.step(view, Action::Postpone, "created again already, but the answer was lost");
            } else {
                let create = Action::Create { side: gone, contact: admitted, withheld };
                self.step(view, create, "an edit beats a deletion");
            }
            return false;
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
        true
    }

    /// What the record that is left says now.
    pub(super) fn widowed(&self, widow: Widow<'_>) -> Contact {
        let mapping = &self.policy.mapping;
        match widow.left {
            Side::Google => widow.view.google.present().map(|person| person.contact(mapping)),
            Side::Dafater => widow.view.dafater.present().map(|document| document.contact(mapping)),
        }
        .unwrap_or_default()
    }

    /// What `side` can hold of `contact`.
    pub(super) fn admitted(&self, contact: &Contact, side: Side) -> (Contact, Vec<Withheld>) {
        let mut admitted = Contact::default();
        let mut withheld = Vec::new();
        let mut refuse =
            |field, refusal: &str| withheld.push(Withheld { from: side, field, reason: refusal.to_owned() });
        let fields = &self.policy.fields;
        for (field, text) in &contact.texts {
            if !fields.may_go(&Field::Text(field.clone()), side) {
                continue;
            }
            let held = match side {
                Side::Google => GoogleRules.text(field, text),
                Side::Dafater => self.snapshot.site_rules.text(field, text),
            };
            match held {
                Ok(text) => drop(admitted.texts.insert(field.clone(), text)),
                Err(refusal) => refuse(Field::Text(field.clone()), refusal),
            }
        }
        if side == Side::Dafater {
            for part in [TextField::Middle, TextField::Family, TextField::Given] {
                let Err(refusal) = SiteRules::name(&admitted) else { break };
                if admitted.texts.remove(&part).is_some() {
                    refuse(Field::Text(part), refusal);
                }
            }
        }
        for (field, from, to) in [
            (Field::Emails, &contact.emails, &mut admitted.emails),
            (Field::Phones, &contact.phones, &mut admitted.phones),
        ] {
            if !fields.may_go(&field, side) {
                continue;
            }
            for value in from {
                match admit(side, &field, value, &self.snapshot.site_rules) {
                    Ok(mut value) => {
                        if side == Side::Google
                            && field == Field::Phones
                            && contact.mobile.as_ref() == Some(&value.key)
                        {
                            value.label = Some("mobile".to_owned());
                        }
                        to.add(value);
                    }
                    Err(refusal) => refuse(field.clone(), refusal),
                }
            }
            to.set_primary(from.primary());
        }
        admitted.mobile = contact.mobile.clone().filter(|mobile| admitted.phones.contains(mobile));
        if let Some(addresses) = contact.addresses.as_ref().filter(|_| fields.may_go(&Field::Addresses, side))
        {
            let to = admitted.addresses.insert(Values::default());
            for value in addresses {
                match admit(side, &Field::Addresses, value, &self.snapshot.site_rules) {
                    Ok(value) => to.add(value),
                    Err(refusal) => refuse(Field::Addresses, refusal),
                }
            }
        }
        (admitted, withheld)
    }

    pub(super) fn rules<'r>(
        &'r self,
        pair: Option<&'r Pair>,
        google: &Person,
        dafater: &Document,
    ) -> MergeRules<'r> {
        let resolutions = pair.map_or_else(BTreeMap::new, |pair| {
            let of_pair = |((id, field), side): (&(PairId, Field), &Side)| {
                (*id == pair.id).then_some((field.clone(), *side))
            };
            self.snapshot.decisions.resolutions.iter().filter_map(of_pair).collect()
        });
        // What both last agreed on is not known: a policy would overwrite the side that was edited as gladly as the other.
        let asks = pair.map_or(self.plan.is_rebuilt, |pair| self.snapshot.decisions.asked.contains(&pair.id));
        MergeRules {
            conflict: if asks { ConflictPolicy::Manual } else { self.policy.conflict },
            newer: match (google.updated, self.snapshot.instant(&dafater.modified)) {
                (Some(google), Some(dafater)) if google > dafater => Side::Google,
                (Some(_), None) => Side::Google,
                (Some(_) | None, _) => Side::Dafater,
            },
            pull: self.policy.pull,
            push: self.policy.push,
            fields: if asks { self.policy.fields.without_winners() } else { self.policy.fields.clone() },
            site: &self.snapshot.site_rules,
            resolutions,
            aliases: pair.map_or(&[], |pair| pair.aliases.as_slice()),
            shared: dafater.shared_addresses(),
        }
    }

    pub(super) fn may_write(&self, side: Side) -> bool {
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
            agreed: None,
            google: view.google.present().cloned(),
            dafater: view.dafater.present().cloned(),
            action,
            reason,
        });
    }
}

/// Whether a pair remembers both sides' addresses as they are.
fn knows_addresses(pair: &Pair, google: &Contact, dafater: &Contact, document: &Document) -> bool {
    let is_looked_at = google.addresses.is_some() && dafater.addresses.is_some();
    let is_remembered = pair.google.contact.addresses.is_some() && pair.dafater.contact.addresses.is_some();
    !is_looked_at || is_remembered && pair.dafater.addresses == AddressStamp::of(document)
}

/// Whether the record that is left was written since, and holds addresses of which it is not known what was agreed on: nobody may have
/// heard of them.
fn is_unlike_unknown(widow: Widow<'_>, now: &Contact, base: &Contact) -> bool {
    let pair = &widow.view.pair;
    let is_written = match widow.left {
        Side::Google => widow.view.google.present().is_some_and(|person| person.etag != pair.google.etag),
        Side::Dafater => {
            widow.view.dafater.present().is_some_and(|document| document.modified != pair.dafater.modified)
        }
    };
    is_written && base.addresses.is_none() && now.addresses.as_ref().is_some_and(|all| !all.is_empty())
}

/// Whether what a record says `now` is not what was agreed upon.
pub(super) fn differs(now: &Contact, base: &Contact) -> bool {
    Field::of(&[now, base]).iter().any(|field| !now.agrees_on(field, base))
}
