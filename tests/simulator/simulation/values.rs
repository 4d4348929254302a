//! No value that a person added is lost, and none that a person took away comes back.

use std::collections::BTreeSet;

use dafater_contactsd::contact::{Contact, Field};
use dafater_contactsd::mapping::SourceId;
use dafater_contactsd::sync::{Origin, Pair, Side};
use jiff::Timestamp;

use super::book::{ValueEdit, set};
use super::edits::{Kin, lost_an_answer};
use super::laws::{Found, View, ids, waits_elsewhere};
use super::picture::Id;
use super::scene::Scene;

/// Holds the values of a pair against all that people ever said of them.
pub fn keep_values(view: &View<'_>, kin: &Kin, field: &Field, found: &mut Found) {
    let edits = of_field(view.scene, kin, field);
    if edits.is_empty() || waits_elsewhere(view, field) {
        return;
    }
    let keys: BTreeSet<&str> = edits.iter().map(|edit| edit.key.as_str()).collect();
    for key in keys {
        Said { view, kin, field, edits: &edits, key }.judge(found);
    }
}

/// Who added or took away a value that concerns the pair.
fn of_field<'a>(scene: &'a Scene, kin: &Kin, field: &Field) -> Vec<&'a ValueEdit> {
    let is_ours = |id: &Id| kin.is_ours(id);
    // What was taken away from a copy that is no partner any more, or from one of a document that was made anew since, was
    // carried while it was one.
    let was_ours = |id: &Id| kin.former.contains(id);
    let concerns = |edit: &&ValueEdit| {
        let mut told = std::iter::once(&edit.record).chain(&edit.agreed_with);
        is_ours(&edit.record) || edit.agreed_with.iter().any(is_ours) || !edit.is_added && told.any(was_ours)
    };
    scene.book.values.iter().filter(|edit| edit.field == *field).filter(concerns).collect()
}

/// What people said of one value of a pair.
struct Said<'a> {
    view: &'a View<'a>,
    kin: &'a Kin,
    field: &'a Field,
    /// Of all values of the field.
    edits: &'a [&'a ValueEdit],
    key: &'a str,
}

impl<'a> Said<'a> {
    fn judge(&self, found: &mut Found) {
        let Self { view, kin, key, .. } = self;
        let scene = view.scene;
        let has = |contact: &Contact| set(contact, self.field).keys().any(|other| other.as_str() == *key);
        let (at_google, at_dafater) = (has(view.google), has(view.dafater));
        let is_told = |edit: &&ValueEdit| edit.is_added && !self.is_no_news(edit) && !self.is_old(edit);
        let told = self.all().filter(is_told).map(|edit| edit.at).max();
        let removed =
            self.all().filter(|edit| !edit.is_added).map(|edit| shown_at(scene, edit, &kin.right)).max();
        // What is put into the tables behind the site's back moves no revision: a write in that moment cannot know of it.
        let is_poison = key.starts_with("askfor");
        let is_own = |edit: &ValueEdit| edit.record == kin.left || edit.record == kin.right;
        let is_added = !is_poison && self.all().any(|edit| edit.is_added && is_own(edit));
        let is_lost = is_added
            && told > removed
            && !(at_google || at_dafater)
            && !self.all().any(|edit| self.is_moved_late(edit));
        if is_lost && !is_aliased(view.pair, key) && !was_begun_to_delete(view, key) {
            let what = format!("{key} was added to {:?} and is on neither side", ids(view.pair));
            found.push(("no lost edit", what));
        }
        let added = self.all().filter(|edit| edit.is_added).map(|edit| edit.at).max();
        let agreed = self.agreed();
        if agreed.is_some() && agreed > added && (at_google || at_dafater) {
            let what = format!(
                "{key} was removed from {:?} and is back ({at_google}, {at_dafater})",
                ids(view.pair)
            );
            found.push(("no resurrection", what));
        }
    }

    fn all(&self) -> impl Iterator<Item = &'a ValueEdit> {
        self.edits.iter().copied().filter(|edit| edit.key == self.key)
    }

    /// When both sides last agreed that the value is to go.
    fn agreed(&self) -> Option<Timestamp> {
        let is_ours = |id: &Id| self.kin.is_ours(id);
        let is_agreed = |edit: &&ValueEdit| {
            self.is_shared(edit)
                && !self.begins_to_part(edit)
                && !self.is_as_if_written(edit)
                && is_ours(&edit.record)
                && edit.agreed_with.iter().any(is_ours)
        };
        let agreed = self.all().filter(is_agreed).max_by_key(|edit| edit.at)?;
        // What a merge brings stands there from then on, however long ago it was said: an undo that took it away is over, and so is who
        // took it away from that very record.
        let is_brought = |edit: &ValueEdit| {
            let is_its = agreed.is_undo || edit.record == agreed.record;
            edit.is_added && is_its && agreed.at < edit.shown
        };
        (!self.all().any(is_brought)).then_some(agreed.at)
    }

    /// LIMIT: who takes a value away and puts it back between two cycles of an account, as an undo may, did nothing there; and whoever
    /// takes it away on the other side does. So seems to do who takes away what replaced it by a write whose answer was lost.
    fn is_no_news(&self, edit: &ValueEdit) -> bool {
        let Self { view, kin, edits, key, .. } = self;
        let had_it = |id: &Id| *id == kin.right || kin.former.contains(id);
        let is_of_copy = |other: &ValueEdit| {
            other.record != edit.record
                && edit.known_to.contains(&other.record)
                && (other.key == *key && other.agreed_with.iter().any(had_it)
                    || lost_an_answer(view.scene) && other.gone_before.iter().any(|gone| gone == key))
        };
        let is_of_document = |other: &ValueEdit| {
            had_it(&other.record)
                && edit.known_to.contains(&edit.record)
                && other.key == *key
                && other.agreed_with.contains(&edit.record)
        };
        edits.iter().any(|other| !other.is_added && (is_of_copy(other) || is_of_document(other)))
    }

    /// Whom an undo brings back says what it said long before it was deleted.
    fn is_old(&self, edit: &ValueEdit) -> bool {
        let is_since = |other: &ValueEdit| !other.is_added && !other.is_undo && other.at < edit.at;
        edit.is_undo && self.all().any(is_since)
    }

    /// A copy that was paired later, in another account, may say it again: nobody agreed with that one. LIMIT: so may one whose own
    /// write of it had no answer: that it was there, and was taken away since, cannot be known.
    fn is_shared(&self, edit: &ValueEdit) -> bool {
        let Self { view, kin, edits, key, .. } = self;
        let book = &view.scene.book;
        let mut ever_copies = kin.copies.iter().chain(book.partners.get(&kin.right).into_iter().flatten());
        ever_copies.all(|copy| {
            let since = book.paired_at.get(&(copy.clone(), kin.right.clone()));
            let is_older = since.is_some_and(|since| *since < edit.at);
            // So does one to which somebody else gave it, if its document did not know of that yet.
            let is_own =
                |own: &&ValueEdit| own.is_added && own.record == *copy && own.key == *key && own.at < edit.at;
            let was_told = edits.iter().any(is_own);
            let had_heard = !(was_told || lost_an_answer(view.scene)) || edit.known_to.contains(copy);
            is_older && had_heard || edit.record == *copy || edit.agreed_with.contains(copy)
        })
    }

    /// Who are to be parted by an undo are told nothing, and meet as they did at first where it ends early.
    fn begins_to_part(&self, edit: &ValueEdit) -> bool {
        let is_own = |own: &ValueEdit| own.is_added && own.record == edit.record;
        edit.is_undo && had_matched(self.view, &edit.record) && !self.all().any(is_own)
    }

    /// LIMIT: who takes away what a write whose answer was lost was to take away seems to be that write. What the other side has been
    /// given again since is news.
    fn is_as_if_written(&self, edit: &ValueEdit) -> bool {
        let is_carried =
            |other: &ValueEdit| !other.is_added && other.record != edit.record && other.at < edit.at;
        let is_due = |other: &ValueEdit| {
            self.all().any(|again| {
                again.is_added && again.record == other.record && (other.at..edit.at).contains(&again.at)
            })
        };
        lost_an_answer(self.view.scene) && self.all().any(|other| is_carried(other) && is_due(other))
    }

    /// LIMIT: who moves an address that somebody else took away, in a transaction that is not committed yet when that one is deleted,
    /// comes too late: neither side has a lock for deletions.
    fn is_moved_late(&self, edit: &ValueEdit) -> bool {
        let is_of_move =
            |other: &&&ValueEdit| !other.is_added && other.record == edit.record && other.at == edit.at;
        let is_taken = |key: &str| {
            self.edits.iter().any(|other| !other.is_added && other.key == key && other.record != edit.record)
        };
        self.view.scene.has_late_commits
            && *self.field == Field::Addresses
            && edit.is_added
            && self.edits.iter().filter(is_of_move).any(|left| is_taken(&left.key))
    }
}

/// Whether a record, or the document's copy in another account that it is, met its counterpart by a match.
fn had_matched(view: &View<'_>, record: &Id) -> bool {
    let View { scene, pair, .. } = view;
    let source = SourceId(record.1.clone());
    let mut others =
        scene.accounts().filter_map(|account| scene.state(account).pair_of_google(&source).unwrap());
    pair.origin == Origin::Matched
        || record.0 == Side::Google && others.any(|pair| pair.origin == Origin::Matched)
}

/// When a document can have heard of a value that was taken away. A list may show an older state of a contact that meets its document:
/// the two agree on that one, and the value is taken away once it shows.
fn shown_at(scene: &Scene, edit: &ValueEdit, document: &Id) -> Timestamp {
    let met = scene.book.paired_at.get(&(edit.record.clone(), document.clone()));
    let shown = edit.at + scene.list_lag;
    let was_behind = met.is_some_and(|met| (edit.at..=shown).contains(met));
    if was_behind { shown } else { edit.at }
}

/// Whether a deletion took an address of the document before it ended early, and said so: whoever edits the contact after that may put it
/// back.
fn was_begun_to_delete(view: &View<'_>, key: &str) -> bool {
    let state = view.scene.state(view.account);
    let mut begun = state.deeds(None).filter_map(Result::ok).filter(|(pair, entry)| {
        *pair == view.pair.id && entry.view.reason == "its deletion was begun and not finished"
    });
    let holds = |contact: &Option<Contact>| {
        contact
            .as_ref()
            .is_some_and(|contact| set(contact, &Field::Addresses).keys().any(|held| held.as_str() == key))
    };
    begun.any(|(_, entry)| holds(&entry.before) && !holds(&entry.after))
}

fn is_aliased(pair: &Pair, key: &str) -> bool {
    pair.aliases.iter().any(|(left, right)| left.as_str() == key || right.as_str() == key)
}
