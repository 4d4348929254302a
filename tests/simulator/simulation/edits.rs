//! No edit of a person is lost, and none comes back: what a pair says is held against all that people ever said of it.

use std::collections::BTreeSet;

use dafater_contactsd::contact::{Contact, Field, TextField};
use dafater_contactsd::sync::{ConflictPolicy, Origin, Pair, RecordId, Side};

use super::book::TextEdit;
use super::laws::{Found, View, ids, is_open, waits_elsewhere};
use super::picture::Id;
use super::scene::Scene;
use super::trouble::Trouble;
use super::values::keep_values;

/// Whose edits concern a pair.
pub struct Kin {
    pub left: Id,
    pub right: Id,
    /// The document's copies in all accounts: they hear of everything, and tell everything, through it.
    pub copies: Vec<Id>,
    /// Whom one of them ever was paired with.
    pub former: BTreeSet<Id>,
    /// Whether the document stands in place of an earlier one.
    is_made_anew: bool,
}

impl Kin {
    fn of(view: &View<'_>) -> Self {
        let View { scene, pair, .. } = view;
        let (left, right) = ids(pair);
        let copies: Vec<Id> = scene.pairs_of(&right).into_iter().map(|(_, _, copy)| copy).collect();
        let partners = &scene.book.partners;
        let of_all = [&left, &right].into_iter().chain(&copies);
        let former: BTreeSet<Id> = of_all.filter_map(|id| partners.get(id)).flatten().cloned().collect();
        let is_made_anew = former.iter().any(|id| id.0 == Side::Dafater && *id != right);
        Self { left, right, copies, former, is_made_anew }
    }

    pub fn is_ours(&self, id: &Id) -> bool {
        *id == self.left || *id == self.right || self.copies.contains(id)
    }
}

/// No lost edit: what each side says is the end of a chain of edits, and every other end is in the history.
pub fn keep_edits(view: &View<'_>, found: &mut Found) {
    let kin = Kin::of(view);
    for field in &view.scene.book.fields {
        keep_texts(view, &kin, field, found);
    }
    let rules = &view.scene.rules;
    if !rules.pull || !rules.push || view.scene.book.poisoned.contains_key(&kin.right) {
        return;
    }
    for field in &[Field::Emails, Field::Phones, Field::Addresses] {
        keep_values(view, &kin, field, found);
    }
}

/// No text of a person is lost.
#[expect(clippy::too_many_lines, reason = "what excuses a lost text, one after the other")]
fn keep_texts(view: &View<'_>, kin: &Kin, field: &TextField, found: &mut Found) {
    let View { scene, pair, google, dafater, .. } = view;
    let Kin { left, right, copies, former, is_made_anew } = kin;
    let is_made_anew = *is_made_anew;
    let is_ours = |id: &Id| kin.is_ours(id);
    // What a former counterpart said was carried over while it was one; what it said last may have gone with it.
    let is_known = |id: &Id| is_ours(id) || former.contains(id);
    let edits: Vec<_> =
        scene.book.texts.iter().filter(|edit| edit.field == *field && is_known(&edit.record)).collect();
    let withheld = pair.withheld.iter().any(|withheld| withheld.field == Field::Text(field.clone()));
    // What was said stands until somebody replaces it on the same record, or on its counterpart.
    let was_copy = |id: &Id, at| {
        let since = scene.book.paired_at.get(&(id.clone(), right.clone()));
        copies.contains(id) && since.is_some_and(|since| *since < at)
    };
    // A copy that is known for one only since then meets its document as at a first match: a blank is filled.
    let reaches = |edit: &TextEdit, said: &TextEdit| {
        edit.record == said.record
            || !replaces_own(&edits, edit, said)
                && (edit.partners.contains(&said.record)
                    || copies.contains(&edit.record)
                        && was_copy(&said.record, edit.at)
                        && (!edit.to.is_empty() || was_copy(&edit.record, edit.at)))
    };
    let chain = &edits;
    let is_end_of = |value: &str, counts: &dyn Fn(&TextEdit) -> bool| {
        let edits = || edits.iter().enumerate().filter(|(_, edit)| counts(edit));
        // A document that was made anew may say what others had not heard was replaced: then a policy decides, and says so.
        // LIMIT: where it says nothing it is filled from the copies that stand: what was cleared in the one that it was made of
        // and what that one never heard look alike, and nothing may be lost.
        // LIMIT: who edits what arrived by a write whose answer was lost may as well have edited what was there before it: two
        // edits of one field, of which a policy that is no question lets one win, and says so.
        let was_overruled = |edit: &TextEdit| {
            let to = heard_of(chain, edit);
            let is_filled = is_made_anew && to.is_empty() && scene.accounts().len() > 1;
            is_filled
                || (is_made_anew || lost_an_answer(scene)) && is_overruled(scene, to, value, &is_known)
                || lost_an_answer(scene) && is_to_be_overruled(view, field, edit, value)
        };
        let is_put_back = |edit: &TextEdit| {
            let is_same_undo = |other: &TextEdit| {
                let is_same = (other.cycle, &other.from, &other.to) == (edit.cycle, &edit.from, &edit.to);
                edit.is_undo && other.is_undo && is_same && edit.partners.contains(&other.record)
            };
            puts_back(scene, chain, edit)
                || seems_to_agree(scene, chain, edit, &is_known)
                || begins_to_part(pair, kin, chain, edit)
                || chain.iter().any(|other| is_same_undo(other) && puts_back(scene, chain, other))
        };
        let replacing = || {
            edits().filter(|(_, edit)| {
                let replaces = is_ours(&edit.record) && edit.from.as_deref() == Some(value);
                // LIMIT: a document that was made anew meets its copies elsewhere as at a first match: a blank is filled.
                let was_filled = is_made_anew && copies.len() > 1 && edit.to.is_empty();
                replaces && !was_overruled(edit) && !was_filled && !is_put_back(edit)
            })
        };
        let mut said = edits().filter(|(_, edit)| edit.to == value).peekable();
        if said.peek().is_none() {
            // A blank that was said before the record met anybody is filled.
            let is_unmet = |edit: &TextEdit| edit.to.is_empty() && edit.partners.is_empty();
            return replacing().all(|(_, edit)| is_unmet(edit));
        }
        said.any(|(nth, said)| !replacing().any(|(later, edit)| reaches(edit, said) && later > nth))
    };
    let is_end = |value: &str| is_end_of(value, &|_| true);
    let poisoned = scene.book.poisoned.get(right);
    // What cannot be stored any more could be, until it was given what the site refuses.
    let met_at = |other: &Id| scene.book.paired_at.get(&(other.clone(), right.clone()));
    let met = former.iter().chain([left]).filter_map(met_at).min();
    let could_change = [scene.was_open[0], scene.was_open[1] && poisoned.is_none_or(|at| met < Some(at))];
    let can_change = [scene.rules.push, scene.rules.pull && poisoned.is_none()];
    for (nth, (side, contact)) in [(Side::Google, *google), (Side::Dafater, *dafater)].into_iter().enumerate()
    {
        let value = contact.text(field);
        // The site has no slot for a suffix.
        let has_slot = side == Side::Google || *field != TextField::Suffix;
        // While the direction to a side is off, its own edits alone decide what it says.
        // What a copy in another account says reaches this one through the site, where it may have to wait.
        let is_cut_off = || {
            let is_own = |edit: &TextEdit| edit.record == *left || edit.record == *right;
            // Only what was said since anybody agreed on it waits.
            let is_last = |edit: &TextEdit| {
                let is_later = |later: &&&TextEdit| later.record == edit.record && later.at > edit.at;
                edits.iter().filter(is_later).all(|later| later.agreed_with.is_empty())
            };
            waits_elsewhere(view, &Field::Text(field.clone()))
                && (is_end_of(value, &is_own) || is_end_of(value, &|edit| is_own(edit) || !is_last(edit)))
        };
        // What was said on the other side since the direction to a side was switched off waits there, for the copies as well.
        let own = if side == Side::Google { left } else { right };
        let has_arrived = |edit: &TextEdit| {
            let closed = scene.closed[usize::from(edit.record.0 == Side::Google)];
            edit.record == *own || closed.is_none_or(|closed| edit.at < closed)
        };
        // LIMIT: a document that is renamed while the site hides it is not known again: what a write without an answer made of it meets it
        // as at first.
        let is_unknown = lost_an_answer(scene)
            && scene.book.hidden.contains(right)
            && scene.names_of(right).any(|name| name.starts_with("Renamed "));
        let is_lawful = is_unknown
            || could_change[nth] && (is_end(value) || is_cut_off() || is_end_of(value, &has_arrived))
            || (scene.accounts().len() > 1 || lost_an_answer(scene))
                && is_open(view, &Field::Text(field.clone()))
            || !can_change[nth]
                && is_end_of(value, &|edit| {
                    let id = &edit.record;
                    id.0 == side && !(copies.contains(id) && *id != *left)
                });
        if has_slot && !withheld && !is_lawful {
            let what = format!(
                "{field:?} of {:?} says {value:?} on {side}, which a person had replaced: {edits:?}",
                ids(pair)
            );
            found.push(("no lost edit", what));
        }
    }
    for (nth, edit) in edits.iter().enumerate() {
        let is_open = !edits.iter().enumerate().any(|(later, next)| {
            later > nth
                && is_ours(&next.record)
                && next.from.as_ref() == Some(&edit.to)
                && reaches(next, edit)
        });
        let lost = (edit.record == *left || edit.record == *right)
            && !edit.to.is_empty()
            && is_open
            && google.text(field) != edit.to
            && dafater.text(field) != edit.to;
        if lost && !is_in_history(scene, &edit.to) {
            let what = format!("{field:?} {:?} of {:?} vanished without a record", edit.to, edit.record);
            found.push(("no lost edit", what));
        }
    }
}

/// LIMIT: whether an edit had arrived before it was replaced cannot be known when the answer to the write that carried it was lost; a
/// person is asked then.
pub fn lost_an_answer(scene: &Scene) -> bool {
    const LOST: [Trouble; 6] = [
        Trouble::LostAfter,
        Trouble::GatewayHtmlAfterCommit,
        Trouble::Truncated,
        Trouble::CrashAfterEffect,
        Trouble::CrashAtCommit,
        Trouble::StoreRefusal,
    ];
    LOST.iter().any(|trouble| scene.met.contains_key(trouble))
}

/// Whether the history has a value, or a write has it that cannot be looked at yet: it is noted with that.
fn is_in_history(scene: &Scene, value: &str) -> bool {
    scene
        .accounts()
        .flat_map(|account| {
            let state = scene.state(account);
            let begun = state.intents().unwrap().into_iter().map(|intent| intent.entry);
            begun.chain(state.history(None).filter_map(Result::ok)).collect::<Vec<_>>()
        })
        .any(|entry| entry.view.changes.iter().any(|change| change.before.contains(value)))
}

/// Whether an edit replaced no more than what its own record had been told by a person, although a counterpart says the same: there are
/// few genders, and nobody had agreed on this one yet.
fn replaces_own(edits: &[&TextEdit], edit: &TextEdit, said: &TextEdit) -> bool {
    let before = || edits.iter().take_while(|other| !std::ptr::eq(**other, edit));
    let is_told = |own: Option<&&TextEdit>| {
        own.is_some_and(|own| edit.from.as_ref() == Some(&own.to) && own.from != edit.from)
    };
    // What its counterpart had been told, and both agreed on, it was told by that; what that one was told since, it had not heard of.
    let is_heard = |other: &&&TextEdit| {
        edit.agreed_with.contains(&other.record) && edit.from.as_ref() == Some(&other.to)
    };
    let is_told = is_told(before().filter(|other| other.record == edit.record).last())
        || is_told(before().filter(is_heard).last());
    // What its own counterpart does not know of it yet, no copy knows of it: that one was told the same by somebody else.
    let known_to = edit.known_to.iter().filter(|_| !edit.agreed_with.is_empty());
    let had_agreed = edit.agreed_with.iter().chain(known_to).any(|id| *id == said.record);
    edit.record != said.record && is_told && !had_agreed
}

/// What others hear of an edit: who edits the same record again before anybody has agreed on it, says only the last.
fn heard_of<'e>(edits: &[&'e TextEdit], edit: &'e TextEdit) -> &'e str {
    let later = edits.iter().skip_while(|other| !std::ptr::eq(**other, edit)).skip(1);
    let mut heard = edit;
    for next in later.filter(|next| next.record == edit.record) {
        if next.from.as_ref() != Some(&heard.to) || !next.agreed_with.is_empty() {
            break;
        }
        heard = next;
    }
    &heard.to
}

/// LIMIT: whether an edit put back just what was there before a write whose answer was lost. That leaves the record as if the write had
/// never arrived, and it is sent again.
fn puts_back(scene: &Scene, edits: &[&TextEdit], edit: &TextEdit) -> bool {
    let partners = &scene.book.partners;
    let carries =
        |counterpart: &Id| edit.partners.contains(counterpart) && !edit.agreed_with.contains(counterpart);
    // Nobody saw what was said in between.
    let to = heard_of(edits, edit);
    let origin = scene.book.made.get(&edit.record).filter(|origin| !edit.agreed_with.contains(origin));
    // Said of the counterpart, or of its copy in another account; or of the one that the record was made of.
    let is_heard = |said: &TextEdit| {
        let copies = || edit.partners.iter().filter_map(|counterpart| partners.get(counterpart)).flatten();
        std::iter::once(&said.record).chain(&said.partners).any(carries)
            || origin == Some(&said.record)
            || edit.agreed_with.is_empty() && copies().any(|copy| *copy == said.record)
    };
    // Who enters somebody anew replaces nothing; the record that is like that one said itself what was there before. In the place of what
    // the daemon made was nothing.
    let nothing = String::new();
    let before = edits.iter().take_while(|other| !std::ptr::eq(**other, edit));
    let own = before.filter(|other| other.record == edit.record).last().map(|own| &own.to);
    let own = own.or_else(|| scene.book.made.contains_key(&edit.record).then_some(&nothing));
    let is_sent = |said: &TextEdit| {
        // Of those who had not met, either may have said something else.
        let was_own = said.partners.is_empty() && own.is_some_and(|own| own == to);
        is_heard(said)
            && edit.from.as_ref() == Some(&said.to)
            && (was_own || stood_before(edits, said).or(own).is_some_and(|before| before == to))
    };
    lost_an_answer(scene) && edits.iter().any(|said| is_sent(said))
}

/// LIMIT: whether an edit says what Google still shows, though it was taken back there, or lost to it and that was noted. Both seem to
/// agree on it, and that it was taken back shows later, and stands.
fn seems_to_agree(scene: &Scene, edits: &[&TextEdit], edit: &TextEdit, counts: &dyn Fn(&Id) -> bool) -> bool {
    let is_shown =
        |shown: &str| *shown == edit.to || is_overruled(scene, heard_of(edits, edit), shown, counts);
    edits.iter().any(|said| {
        said.record.0 == Side::Google
            && said.record != edit.record
            && edit.from.as_ref() == Some(&said.to)
            && (said.at..said.at + scene.list_lag).contains(&edit.at)
            && said.from.as_deref().is_some_and(is_shown)
    })
}

/// What stood where something was said: where nobody had agreed on what it replaced, what that had replaced.
fn stood_before<'e>(edits: &[&'e TextEdit], said: &'e TextEdit) -> Option<&'e String> {
    let before = edits.iter().take_while(|other| !std::ptr::eq(**other, said)).copied().collect::<Vec<_>>();
    let mut first = said;
    while first.agreed_with.is_empty()
        && let Some(earlier) = before.iter().rfind(|earlier| {
            earlier.at < first.at && earlier.record == said.record && Some(&earlier.to) == first.from.as_ref()
        })
        && earlier.from.is_some()
    {
        first = earlier;
    }
    first.from.as_ref()
}

/// Whether an undo only gave a record back what it said before it met its counterpart, which may have been made anew since. Who are to
/// be parted are told nothing; where that ends early, they stay together and meet as they did at first.
fn begins_to_part(pair: &Pair, kin: &Kin, edits: &[&TextEdit], edit: &TextEdit) -> bool {
    let mut own = edits.iter().filter(|own| own.record == edit.record && own.partners.is_empty());
    let before = own.next_back();
    let is_made_anew = |partner: &Id| *partner != kin.left && *partner != kin.right;
    let had_matched = pair.origin == Origin::Matched || edit.partners.iter().any(is_made_anew);
    edit.is_undo && had_matched && before.is_some_and(|before| before.to == edit.to)
}

/// Whether a policy lets `value` win over an edit of the same field, and cannot say so before the direction to the record of that edit is
/// on again.
fn is_to_be_overruled(view: &View<'_>, field: &TextField, edit: &TextEdit, value: &str) -> bool {
    let View { scene, pair, google, dafater, .. } = view;
    let (left, right) = ids(pair);
    let has_changed = |base: &Contact, now: &Contact| base.text(field) != now.text(field);
    let are_both = has_changed(&pair.google.contact, google) && has_changed(&pair.dafater.contact, dafater);
    let (is_barred, said) = match scene.rules.conflict {
        ConflictPolicy::Google => (!scene.rules.pull && edit.record == right, google.text(field)),
        ConflictPolicy::Dafater => (!scene.rules.push && edit.record == left, dafater.text(field)),
        ConflictPolicy::Newest | ConflictPolicy::Manual => (false, ""),
    };
    are_both && is_barred && said == value
}

/// Whether a conflict of a record that `counts` was decided, and noted, for `winner` over `loser`.
fn is_overruled(scene: &Scene, loser: &str, winner: &str, counts: &dyn Fn(&Id) -> bool) -> bool {
    let is_it = |record: &RecordId| match record {
        RecordId::Google(source) => counts(&(Side::Google, source.0.clone())),
        RecordId::Dafater(name) => scene.book.names.get(&(Side::Dafater, name.0.clone())).is_some_and(counts),
    };
    let entries = scene
        .accounts()
        .flat_map(|account| scene.state(account).history(None).filter_map(Result::ok).collect::<Vec<_>>());
    let ours =
        entries.into_iter().filter(|entry| entry.view.google.iter().chain(&entry.view.dafater).any(is_it));
    ours.flat_map(|entry| entry.view.changes).any(|change| {
        change.reason.starts_with("changed on both sides") && change.before == loser && change.after == winner
    })
}
