//! Which of Google's labels a contact gets for what it is linked to in Dafater, and which it loses again.
//!
//! A label is put on once for each link. Whoever takes it off by hand is not contradicted until the link, or the rule, changes; whoever put
//! it on by hand keeps it when the link goes. Both need a memory of what the sync itself did: [`Worn`].
//!
//! Law: pure; and only what the sync put on is taken off.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::mapping::{Document, Person, SourceId};

/// `contactGroups/…`: the address of a label, which it keeps under every name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LabelId(pub String);

/// What a label is used for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It is put on contacts that the sync creates.
    Created,
    /// It is put on contacts that are linked to this DocType, whose name is in lower case.
    Linked(String),
    /// Contacts that carry it take part; so the configuration calls it.
    Scope(String),
}

/// What links ask for now. DocTypes are in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LabelRules {
    /// The label of each DocType.
    pub by_link: BTreeMap<String, LabelId>,
    /// DocTypes whose label cannot be had now: what was done for them stays as it is.
    pub resting: BTreeSet<String>,
}

/// What the sync did with the labels of one contact.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worn {
    /// The contact. Of another one that took its place nothing is known.
    pub source: Option<SourceId>,
    /// The links that were dealt with, and the label that each stood for.
    pub dealt: BTreeMap<String, LabelId>,
    /// Labels that the sync put on, and when.
    pub put: BTreeMap<LabelId, Timestamp>,
    /// Labels that the sync took off, and when.
    pub taken: BTreeMap<LabelId, Timestamp>,
    /// Labels that stood for no link and were taken off because the contact left: they are put on again when it comes back.
    pub left: BTreeSet<LabelId>,
}

/// What becomes of the labels of one contact.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Relabel {
    /// Labels that are put on.
    pub add: BTreeSet<LabelId>,
    /// Labels that are taken off.
    pub remove: BTreeSet<LabelId>,
    /// What is remembered once that is done.
    pub after: Worn,
}

impl Relabel {
    /// Whether anything is written to Google.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !self.add.is_empty() || !self.remove.is_empty()
    }
}

/// The moment, and how long a write may stay invisible: within it, what a read shows of our own writes is no evidence.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// How long a write may stay invisible.
    pub settle: SignedDuration,
}

impl Worn {
    /// What is known of this contact; nothing, if another one is meant.
    #[must_use]
    pub fn of(&self, source: &SourceId) -> Self {
        match &self.source {
            Some(known) if known == source => self.clone(),
            Some(_) | None => Self { source: Some(source.clone()), ..Self::default() },
        }
    }

    /// Takes in what was begun `at` and whose answer is not known: what was to be put on and shows is our doing, and so is what was to be
    /// taken off and does not show.
    pub fn recognise(
        &mut self,
        add: &BTreeSet<LabelId>,
        remove: &BTreeSet<LabelId>,
        shown: &BTreeSet<LabelId>,
        at: Timestamp,
    ) {
        self.put.extend(add.intersection(shown).map(|label| (label.clone(), at)));
        for label in remove.difference(shown) {
            if self.put.remove(label).is_some() && !self.dealt.values().any(|dealt| dealt == label) {
                self.left.insert(label.clone());
            }
            self.dealt.retain(|_, dealt| dealt != label);
        }
    }

    /// What is left of this now that the contact shows `shown`: what a person took off is not ours any more, should it ever come back.
    #[must_use]
    pub fn seen(&self, shown: &BTreeSet<LabelId>, moment: Moment) -> Self {
        let mut seen = self.clone();
        seen.put.retain(|label, _| self.wears(label, shown, moment));
        seen
    }

    /// Whether the label is on.
    fn wears(&self, label: &LabelId, shown: &BTreeSet<LabelId>, moment: Moment) -> bool {
        let is_recent =
            |at: Option<&Timestamp>| at.is_some_and(|at| moment.now.duration_since(*at) < moment.settle);
        if is_recent(self.put.get(label)) {
            true
        } else if is_recent(self.taken.get(label)) {
            false
        } else {
            shown.contains(label)
        }
    }

    /// What becomes of the labels of a contact that shows `shown` and is linked to `links`.
    #[must_use]
    pub fn relabel(
        &self,
        rules: &LabelRules,
        links: &BTreeSet<String>,
        shown: &BTreeSet<LabelId>,
        moment: Moment,
    ) -> Relabel {
        let wears = |label: &LabelId| self.wears(label, shown, moment);
        let wanted: BTreeMap<&String, &LabelId> =
            rules.by_link.iter().filter(|(doctype, _)| links.contains(*doctype)).collect();
        let mut relabel = Relabel { after: self.seen(shown, moment), ..Relabel::default() };
        let Relabel { add, remove, after } = &mut relabel;
        for (doctype, label) in &self.dealt {
            if rules.resting.contains(doctype) || wanted.get(doctype) == Some(&label) {
                continue;
            }
            after.dealt.remove(doctype);
            let is_kept = wanted.values().any(|wanted| *wanted == label);
            if !is_kept && after.put.remove(label).is_some() {
                remove.insert(label.clone());
                after.taken.insert(label.clone(), moment.now);
            }
        }
        for label in std::mem::take(&mut after.left) {
            if !wears(&label) {
                after.taken.remove(&label);
                after.put.insert(label.clone(), moment.now);
                add.insert(label);
            }
        }
        for (doctype, label) in wanted {
            if self.dealt.get(doctype) == Some(label) {
                continue;
            }
            after.dealt.insert(doctype.clone(), label.clone());
            if !wears(label) {
                add.insert(label.clone());
                after.taken.remove(label);
                after.put.insert(label.clone(), moment.now);
            }
        }
        if !add.is_empty() || !remove.is_empty() {
            after.taken.retain(|_, at| moment.now.duration_since(*at) < moment.settle);
        }
        relabel
    }

    /// What becomes of the labels of a contact that leaves: all that the sync put on is taken off.
    #[must_use]
    pub fn leave(&self, now: Timestamp) -> Relabel {
        let remove: BTreeSet<LabelId> = self.put.keys().cloned().collect();
        let after = Self {
            source: self.source.clone(),
            dealt: BTreeMap::new(),
            put: BTreeMap::new(),
            taken: remove.iter().map(|label| (label.clone(), now)).collect(),
            left: remove
                .iter()
                .filter(|label| !self.dealt.values().any(|dealt| dealt == *label))
                .cloned()
                .collect(),
        };
        Relabel { add: BTreeSet::new(), remove, after }
    }
}

/// The DocTypes that a document is linked to, in lower case.
#[must_use]
pub fn linked_doctypes(document: &Document) -> BTreeSet<String> {
    document.links.iter().map(|link| link.doctype.to_lowercase()).collect()
}

/// The labels that a contact shows.
#[must_use]
pub fn shown_labels(person: &Person) -> BTreeSet<LabelId> {
    person.labels().map(|label| LabelId(label.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: SignedDuration = SignedDuration::from_mins(10);

    fn labels<const N: usize>(names: [&str; N]) -> BTreeSet<LabelId> {
        names.map(|name| LabelId(name.to_owned())).into()
    }

    fn rules<const N: usize>(rules: [(&str, &str); N]) -> LabelRules {
        let by_link = rules.map(|(doctype, label)| (doctype.to_owned(), LabelId(label.to_owned())));
        LabelRules { by_link: by_link.into(), resting: BTreeSet::new() }
    }

    fn links<const N: usize>(doctypes: [&str; N]) -> BTreeSet<String> {
        doctypes.map(str::to_owned).into()
    }

    fn at(minute: i64) -> Moment {
        let now = Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap();
        Moment { now, settle: SETTLE }
    }

    #[test]
    fn a_link_puts_its_label_on_once_and_takes_it_off_when_it_goes() {
        let customers = rules([("customer", "g1")]);
        let worn = Worn::default();
        let put = worn.relabel(&customers, &links(["customer"]), &labels([]), at(0));
        assert_eq!((put.add.clone(), put.remove.len()), (labels(["g1"]), 0));
        let again = put.after.relabel(&customers, &links(["customer"]), &labels(["g1"]), at(20));
        assert_eq!((again.is_write(), &again.after), (false, &put.after));
        let gone = put.after.relabel(&customers, &links([]), &labels(["g1"]), at(30));
        assert_eq!((gone.add.len(), gone.remove), (0, labels(["g1"])));
    }

    #[test]
    fn a_label_that_a_person_put_on_stays_when_the_link_goes() {
        let customers = rules([("customer", "g1")]);
        let seen = Worn::default().relabel(&customers, &links(["customer"]), &labels(["g1"]), at(0));
        assert!(!seen.is_write());
        assert!(!seen.after.relabel(&customers, &links([]), &labels(["g1"]), at(20)).is_write());
    }

    #[test]
    fn a_label_that_a_person_took_off_stays_off_until_the_link_changes() {
        let customers = rules([("customer", "g1")]);
        let put = Worn::default().relabel(&customers, &links(["customer"]), &labels([]), at(0)).after;
        let off = put.relabel(&customers, &links(["customer"]), &labels([]), at(20));
        assert!(!off.is_write() && off.after.put.is_empty());
        let unlinked = off.after.relabel(&customers, &links([]), &labels([]), at(30)).after;
        assert_eq!(
            unlinked.relabel(&customers, &links(["customer"]), &labels([]), at(40)).add,
            labels(["g1"])
        );
        // And whoever puts it on again means it.
        assert!(!off.after.relabel(&customers, &links([]), &labels(["g1"]), at(30)).is_write());
    }

    #[test]
    fn a_read_that_does_not_show_our_own_write_yet_is_no_evidence() {
        let customers = rules([("customer", "g1")]);
        let put = Worn::default().relabel(&customers, &links(["customer"]), &labels([]), at(0)).after;
        let late = put.relabel(&customers, &links(["customer"]), &labels([]), at(1));
        assert_eq!(late.after, put);
        let taken = put.relabel(&customers, &links([]), &labels([]), at(2));
        assert_eq!(taken.remove, labels(["g1"]));
        let back = taken.after.relabel(&customers, &links(["customer"]), &labels(["g1"]), at(3));
        assert_eq!(back.add, labels(["g1"]));
    }

    #[test]
    fn a_rule_that_names_another_label_moves_it_and_a_rule_that_is_gone_takes_it_off() {
        let put = Worn::default()
            .relabel(&rules([("customer", "g1")]), &links(["customer"]), &labels([]), at(0))
            .after;
        let moved = put.relabel(&rules([("customer", "g2")]), &links(["customer"]), &labels(["g1"]), at(20));
        assert_eq!((moved.add, moved.remove), (labels(["g2"]), labels(["g1"])));
        let gone = put.relabel(&LabelRules::default(), &links(["customer"]), &labels(["g1"]), at(20));
        assert_eq!((gone.add.len(), gone.remove), (0, labels(["g1"])));
    }

    #[test]
    fn a_label_that_two_links_share_goes_with_the_last_of_them() {
        let both = rules([("customer", "g1"), ("supplier", "g1")]);
        let put = Worn::default().relabel(&both, &links(["customer", "supplier"]), &labels([]), at(0)).after;
        let one = put.relabel(&both, &links(["supplier"]), &labels(["g1"]), at(20));
        assert!(!one.is_write());
        assert_eq!(one.after.relabel(&both, &links([]), &labels(["g1"]), at(40)).remove, labels(["g1"]));
    }

    #[test]
    fn a_label_that_cannot_be_had_changes_nothing() {
        let put = Worn::default()
            .relabel(&rules([("customer", "g1")]), &links(["customer"]), &labels([]), at(0))
            .after;
        let resting = LabelRules { resting: links(["customer"]), ..LabelRules::default() };
        for links in [links(["customer"]), links([])] {
            assert!(!put.relabel(&resting, &links, &labels(["g1"]), at(20)).is_write());
        }
    }

    #[test]
    fn what_was_begun_and_not_answered_is_told_by_what_shows() {
        let customers = rules([("customer", "g1")]);
        // It arrived: it is ours, and goes with the link.
        let mut worn = Worn::default();
        worn.recognise(&labels(["g1"]), &labels([]), &labels(["g1"]), at(0).now);
        let worn = worn.relabel(&customers, &links(["customer"]), &labels(["g1"]), at(20)).after;
        assert_eq!(worn.relabel(&customers, &links([]), &labels(["g1"]), at(40)).remove, labels(["g1"]));
        // It was taken off: a link that is back puts it on again.
        let mut taken = worn.clone();
        taken.recognise(&labels([]), &labels(["g1"]), &labels([]), at(40).now);
        assert_eq!(taken.relabel(&customers, &links(["customer"]), &labels([]), at(60)).add, labels(["g1"]));
    }

    #[test]
    fn whoever_comes_back_gets_the_accounts_own_label_again_and_those_of_links_by_the_rules_of_then() {
        let (label, customers) = (LabelId("own".to_owned()), rules([("customer", "g1")]));
        let mut worn = Worn::default().relabel(&customers, &links(["customer"]), &labels([]), at(0)).after;
        worn.put.insert(label, at(0).now);
        let left = worn.leave(at(20).now);
        assert_eq!(left.remove, labels(["g1", "own"]));
        let back = left.after.relabel(&LabelRules::default(), &links(["customer"]), &labels([]), at(60));
        assert_eq!(back.add, labels(["own"]));
        assert!(back.after.left.is_empty());
    }

    #[test]
    fn whoever_leaves_keeps_what_a_person_put_on() {
        let customers = rules([("customer", "g1"), ("supplier", "g2")]);
        let worn = Worn::default()
            .relabel(&customers, &links(["customer", "supplier"]), &labels(["g2"]), at(0))
            .after;
        let left = worn.leave(at(20).now);
        assert_eq!((left.add.len(), left.remove), (0, labels(["g1"])));
    }
}
