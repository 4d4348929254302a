//! Which label plays which role. A label is found, or made, by its name once, and known by its address from then on: renaming it in
//! Google changes nothing, and another name in the configuration is another label.

use jiff::{SignedDuration, Timestamp};

use super::book::LabelBook;
use crate::state::{Bound, Labels};
use crate::sync::{LabelId, Role};

/// The roles while they are looked at.
#[derive(Debug, Clone, Default)]
pub(in crate::execute) struct Roles {
    pub(in crate::execute) labels: Labels,
    /// Whether anything is to be remembered.
    pub(in crate::execute) is_changed: bool,
    /// Whether a link has another label than before, under the same name: every contact is compared anew.
    pub(in crate::execute) is_rebound: bool,
    /// Roles whose label turned out to be gone, or to take no members, just now.
    pub(in crate::execute) lost: Vec<Role>,
}

/// What is known of the label of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::execute) enum Held {
    /// This label plays it.
    By(LabelId),
    /// There is no such label yet.
    Absent,
    /// The label was deleted in Google, or takes no members: a person decided so.
    Refused,
}

impl Roles {
    pub(in crate::execute) fn new(labels: Labels) -> Self {
        Self { labels, ..Self::default() }
    }

    /// The label that plays `role`, which the configuration calls `name`. What was made or found within `settle` may not show yet.
    pub(in crate::execute) fn resolve(
        &mut self,
        role: &Role,
        name: &str,
        book: &LabelBook,
        now: Timestamp,
        settle: SignedDuration,
    ) -> Held {
        let known = self.labels.0.get(role).filter(|bound| bound.name == name).cloned();
        if let Some(bound) = &known {
            let may_be_late = !bound.is_gone
                && !book.has(&bound.id)
                && !book.is_buried(&bound.id)
                && now.duration_since(bound.at) < settle;
            if may_be_late || book.has(&bound.id) && self.fits(role, &bound.id, book) {
                if bound.is_gone {
                    self.bind(role, name, bound.id.clone(), now);
                }
                return Held::By(bound.id.clone());
            }
        }
        match (book.find(name), known) {
            (Some(id), known) if self.fits(role, id, book) => {
                self.is_rebound |= known.is_some_and(|bound| bound.id != *id);
                self.bind(role, name, id.clone(), now);
                Held::By(id.clone())
            }
            (Some(id), known) => {
                self.lose(role, known.unwrap_or_else(|| bound(name, id.clone(), now)));
                Held::Refused
            }
            // The label for what the sync creates is made again; those of links are a person's to take away.
            (None, None) => Held::Absent,
            (None, Some(_)) if *role == Role::Created => Held::Absent,
            (None, Some(known)) => {
                self.lose(role, known);
                Held::Refused
            }
        }
    }

    /// Remembers that a label plays a role.
    pub(in crate::execute) fn bind(&mut self, role: &Role, name: &str, id: LabelId, now: Timestamp) {
        self.labels.0.insert(role.clone(), bound(name, id, now));
        self.is_changed = true;
    }

    fn lose(&mut self, role: &Role, known: Bound) {
        if !known.is_gone {
            self.labels.0.insert(role.clone(), Bound { is_gone: true, ..known });
            self.is_changed = true;
            self.lost.push(role.clone());
        }
    }

    #[expect(clippy::unused_self, reason = "it reads as a question about the role")]
    fn fits(&self, role: &Role, id: &LabelId, book: &LabelBook) -> bool {
        matches!(role, Role::Scope(_)) || book.takes_members(id)
    }
}

fn bound(name: &str, id: LabelId, at: Timestamp) -> Bound {
    Bound { name: name.to_owned(), id, at, is_gone: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::google::{Group, GroupKind, GroupName};

    const SETTLE: SignedDuration = SignedDuration::from_mins(10);

    fn book(labels: &[(&str, &str, GroupKind)]) -> LabelBook {
        let mut book = LabelBook::default();
        for (id, name, kind) in labels {
            book.add(Group {
                resource_name: GroupName((*id).to_owned()),
                name: (*name).to_owned(),
                kind: *kind,
                deleted: false,
                member_count: 0,
            });
        }
        book
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_795_000_000 + 60 * minute).unwrap()
    }

    fn by(id: &str) -> Held {
        Held::By(LabelId(id.to_owned()))
    }

    #[test]
    fn a_renamed_label_keeps_its_role_and_another_name_is_another_label() {
        let role = Role::Linked("customer".to_owned());
        let mut roles = Roles::default();
        let ours = book(&[("contactGroups/1", "Customers", GroupKind::User)]);
        assert_eq!(roles.resolve(&role, "Customers", &ours, at(0), SETTLE), by("contactGroups/1"));
        let renamed = book(&[
            ("contactGroups/1", "Kunden", GroupKind::User),
            ("contactGroups/2", "Customers", GroupKind::User),
        ]);
        assert_eq!(roles.resolve(&role, "Customers", &renamed, at(60), SETTLE), by("contactGroups/1"));
        assert_eq!(roles.resolve(&role, "Clients", &renamed, at(60), SETTLE), Held::Absent);
    }

    #[test]
    fn a_label_that_a_person_deleted_is_not_made_again_until_there_is_one_of_its_name() {
        let role = Role::Linked("customer".to_owned());
        let mut roles = Roles::default();
        let ours = book(&[("contactGroups/1", "Customers", GroupKind::User)]);
        roles.resolve(&role, "Customers", &ours, at(0), SETTLE);
        // A list may not show what was made a moment ago.
        assert_eq!(roles.resolve(&role, "Customers", &book(&[]), at(1), SETTLE), by("contactGroups/1"));
        assert_eq!(roles.resolve(&role, "Customers", &book(&[]), at(60), SETTLE), Held::Refused);
        assert_eq!(roles.lost.len(), 1);
        assert_eq!(roles.resolve(&role, "Customers", &book(&[]), at(70), SETTLE), Held::Refused);
        assert_eq!((roles.lost.len(), roles.is_rebound), (1, false), "it is said once");
        let again = book(&[("contactGroups/3", "Customers", GroupKind::User)]);
        assert_eq!(roles.resolve(&role, "Customers", &again, at(80), SETTLE), by("contactGroups/3"));
        assert!(roles.is_rebound);
    }

    #[test]
    fn system_labels_take_members_only_where_google_lets_them() {
        let systems = book(&[
            ("contactGroups/starred", "starred", GroupKind::System),
            ("contactGroups/friends", "friends", GroupKind::System),
        ]);
        let mut roles = Roles::default();
        let role = Role::Linked("lead".to_owned());
        assert_eq!(roles.resolve(&role, "Starred", &systems, at(0), SETTLE), by("contactGroups/starred"));
        assert_eq!(roles.resolve(&role, "Friends", &systems, at(0), SETTLE), Held::Refused);
        let scope = Role::Scope("Friends".to_owned());
        assert_eq!(roles.resolve(&scope, "Friends", &systems, at(0), SETTLE), by("contactGroups/friends"));
    }
}
