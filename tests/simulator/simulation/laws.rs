//! The laws, checked when everything is at rest.

use std::collections::BTreeSet;
use std::sync::Arc;

use dafater_contactsd::contact::{Contact, Field, Key, TextField};
use dafater_contactsd::remote::Clock as _;
use dafater_contactsd::store::{Durable, Tree};
use dafater_contactsd::sync::{LooseReason, Pair, RecordId, Side};

use super::book::{TextEdit, sets};
use super::edits::keep_edits;
use super::picture::{Id, Picture, Seen};
use super::scene::Scene;
use super::watch::made_of;

/// Everything that must not change while nothing happens.
pub struct Standing {
    picture: Arc<Picture>,
    durable: Durable,
}

impl PartialEq for Standing {
    fn eq(&self, other: &Self) -> bool {
        let (left, right) = (&self.picture.0, &other.picture.0);
        // A record that did not change is the very one that was seen before.
        let is_same =
            |(one, other): (&Arc<Seen>, &Arc<Seen>)| Arc::ptr_eq(one, other) || one.json == other.json;
        left.keys().eq(right.keys())
            && left.values().zip(right.values()).all(is_same)
            && self.durable == other.durable
    }
}

impl Standing {
    pub fn take(scene: &mut Scene) -> Self {
        let picture = scene.picture();
        let mut durable = scene.store().snapshot_durable();
        // The time of the last success, and of the last look at all names.
        durable.retain(|(tree, _), _| *tree != Tree::Accounts);
        Self { picture, durable }
    }
}

/// How many deletions one cycle may make; nothing if a person released a plan.
pub fn deletions_allowed(scene: &Scene, account: usize) -> Option<u32> {
    let state = scene.state(account);
    let is_approved = state.hold().ok().flatten().is_some_and(|hold| hold.decision.is_some());
    let held = state.undo_hold().ok().flatten();
    if is_approved || held.is_some_and(|held| held.hold.decision.is_some()) {
        return None;
    }
    let percent = u32::from(scene.rules.max_deletes_percent);
    let pairs = u32::try_from(state.pair_count()).unwrap();
    Some(if percent == 0 { 0 } else { (pairs * percent / 100).max(1) })
}

/// Remembers which records the daemon holds for one person.
pub fn learn_pairs(scene: &mut Scene) {
    if !scene.has_committed_pairs() {
        return;
    }
    for account in scene.accounts() {
        let pairs: Vec<Pair> = scene.state(account).pairs().filter_map(Result::ok).collect();
        for pair in pairs {
            let (google, dafater) = ids(&pair);
            let now = scene.clock.now();
            scene.book.pair(&google, &dafater, now);
        }
    }
}

pub fn ids(pair: &Pair) -> (Id, Id) {
    ((Side::Google, pair.google.source_id.0.clone()), (Side::Dafater, pair.dafater.creation.0.clone()))
}

/// Checks every law that concerns where things came to rest.
pub fn check(scene: &mut Scene) {
    let picture = scene.picture();
    // Whoever writes the whole table anew may have taken the poison out.
    scene.book.poisoned.retain(|id, _| picture.0.get(id).is_none_or(|seen| is_refused(&seen.json)));
    let mut found = Vec::new();
    for account in scene.accounts() {
        check_account(scene, account, &picture, &mut found);
    }
    for (law, what) in found {
        scene.violate(law, what);
    }
}

fn check_account(scene: &Scene, account: usize, picture: &Picture, found: &mut Found) {
    let state = scene.state(account);
    let pairs: Vec<Pair> = state.pairs().map(Result::unwrap).collect();
    let mut paired: BTreeSet<Id> = BTreeSet::new();
    for pair in &pairs {
        let (google, dafater) = ids(pair);
        for id in [&google, &dafater] {
            if !paired.insert(id.clone()) {
                found.push(("no duplicates", format!("{id:?} is in two pairs")));
            }
        }
        match (picture.0.get(&google), picture.0.get(&dafater)) {
            (Some(left), Some(right)) => {
                let view = View { scene, account, pair, google: &left.contact, dafater: &right.contact };
                agree(&view, found);
                keep_edits(&view, found);
            }
            (left, right) => {
                let is_there = (left.is_some(), right.is_some());
                if !scene.book.poisoned.contains_key(&dafater) {
                    found.push((
                        "convergence",
                        format!("{google:?} and {dafater:?} are still a pair, but {is_there:?}"),
                    ));
                }
            }
        }
    }
    stand_alone(scene, account, picture, &paired, found);
    for intent in state.intents().unwrap() {
        found.push((
            "cursor safety",
            format!("an intent was never settled: {:?} {:?}", intent.kind, intent.record),
        ));
    }
    for parked in state.parked().unwrap() {
        let is_excused = parked.dafater.as_ref().is_some_and(|(name, _)| {
            picture.named(Side::Dafater, &name.0).is_some_and(|id| scene.book.poisoned.contains_key(id))
        });
        if !is_excused {
            found.push((
                "isolation",
                format!("still parked: {} ({:?} {:?})", parked.reason, parked.google, parked.dafater),
            ));
        }
    }
}

/// A pair of an account at rest.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub scene: &'a Scene,
    pub account: usize,
    pub pair: &'a Pair,
    pub google: &'a Contact,
    pub dafater: &'a Contact,
}

pub type Found = Vec<(&'static str, String)>;

/// Whether the difference of a pair in `field` is accounted for.
fn is_explained(view: &View<'_>, field: &Field) -> bool {
    let View { scene, pair, .. } = view;
    let (left, dafater) = ids(pair);
    // LIMIT: Google's first organisation is the mapped one. When it was emptied on the site, or in another account, it goes, and the
    // second one, which nobody may touch, stands in its place.
    let organization = [TextField::Company, TextField::Title, TextField::Department].map(Field::Text);
    let is_second_organization = organization.contains(field)
        && scene.book.texts.iter().any(|edit| {
            let copies = scene.book.partners.get(&dafater);
            (edit.record == dafater
                || edit.record != left && copies.is_some_and(|copies| copies.contains(&edit.record)))
                && organization.contains(&Field::Text(edit.field.clone()))
                && edit.to.is_empty()
        });
    let is_withheld = pair.withheld.iter().any(|withheld| withheld.field == *field);
    is_withheld
        || is_second_organization
        || is_second_of_its_kind(view, field)
        || is_left_behind(view, field)
        || is_open(view, field)
        || *field == Field::Text(TextField::Suffix)
        || scene.book.poisoned.contains_key(&dafater)
        || !scene.rules.pull
        || !scene.rules.push
}

/// LIMIT: of the nicknames, or the fields of one name, that a merge in Google left a contact with, the first is the mapped one. When that
/// was emptied on the site, or by an undo, the next stands in its place.
fn is_second_of_its_kind(view: &View<'_>, field: &Field) -> bool {
    let View { scene, pair, google, dafater, .. } = view;
    let Field::Text(text @ TextField::Mapped(mapped)) = field else { return false };
    let right = ids(pair).1;
    let was_emptied = |edit: &TextEdit| edit.record == right && edit.field == *text && edit.to.is_empty();
    (mapped.slot() == "nickname" || mapped.slot().starts_with("custom."))
        && dafater.text(text).is_empty()
        && !google.text(text).is_empty()
        && pair.google.contact.text(text) == google.text(text)
        && scene.book.texts.iter().any(was_emptied)
}

/// LIMIT: an address that is given to a contact in a transaction that is not committed yet when that one is deleted belongs to whoever is
/// made under its name.
fn is_left_behind(view: &View<'_>, field: &Field) -> bool {
    let View { scene, dafater, .. } = view;
    let right = ids(view.pair).1;
    let mut gone = scene.book.gone.iter().filter(|(id, _)| id.0 == Side::Dafater);
    *field == Field::Addresses
        && scene.has_late_commits
        && scene.book.made.contains_key(&right)
        && gone.any(|(_, gone)| gone.said.title() == dafater.title())
}

/// Whether a person still has to decide what a pair says.
pub fn is_open(view: &View<'_>, field: &Field) -> bool {
    let conflicts = view.scene.state(view.account).conflicts().unwrap();
    conflicts.iter().any(|open| open.pair == view.pair.id && open.field == *field)
}

/// Convergence of one pair.
fn agree(view: &View<'_>, found: &mut Found) {
    let View { pair, google, dafater, .. } = view;
    for field in view.scene.book.fields.clone() {
        let (left, right) = (google.text(&field), dafater.text(&field));
        let differs = if field == TextField::Prefix {
            left.to_lowercase() != right.to_lowercase()
        } else {
            left != right
        };
        if differs && !is_explained(view, &Field::Text(field.clone())) {
            let what = format!("{field:?} of {:?}: google {left:?}, dafater {right:?}", ids(pair));
            found.push(("convergence", what));
        }
    }
    for ((field, left), (_, right)) in sets(google).into_iter().zip(sets(dafater)) {
        if is_explained(view, &field) {
            continue;
        }
        let left: BTreeSet<&str> = left.keys().map(Key::as_str).collect();
        // Addresses that met are one although one of them says more.
        let same = |key: &'_ Key| {
            let alias = pair
                .aliases
                .iter()
                .find(|(google, dafater)| dafater == key && left.contains(google.as_str()));
            alias
                .filter(|_| field == Field::Addresses)
                .map_or_else(|| key.clone(), |(google, _)| google.clone())
        };
        let right: BTreeSet<Key> = right.keys().map(same).collect();
        let right: BTreeSet<&str> = right.iter().map(Key::as_str).collect();
        if left != right {
            let what = format!("{field} of {:?}: google {left:?}, dafater {right:?}", ids(pair));
            found.push(("convergence", what));
        }
    }
}

/// Whether a document says what the site itself refuses to store.
fn is_refused(document: &serde_json::Value) -> bool {
    let rows = document["phone_nos"].as_array().into_iter().flatten();
    rows.filter_map(|row| row["phone"].as_str()).any(|phone| phone.starts_with("ask for "))
}

/// Whether the document's copy in another account differs from it for a reason.
pub fn waits_elsewhere(view: &View<'_>, field: &Field) -> bool {
    let (_, right) = ids(view.pair);
    let others = view.scene.accounts().filter(|account| *account != view.account);
    others.into_iter().any(|account| {
        let stamp = dafater_contactsd::mapping::SiteStamp(right.1.clone());
        let pairs = view.scene.state(account).pairs_of_creation(&stamp).unwrap();
        pairs.iter().any(|pair| is_explained(&View { account, pair, ..*view }, field))
    })
}

/// Whether a contact says anything that both sides can hold.
fn can_cross(contact: &Contact) -> bool {
    let crosses = |(field, text): (&TextField, &String)| match field {
        TextField::Prefix | TextField::Suffix => false,
        TextField::Gender => ["Male", "Female", "Other"].contains(&text.as_str()),
        // Whose year nobody knows.
        TextField::Mapped(mapped) if mapped.slot() == "birthday" => !text.starts_with("--"),
        _ => (1..=140).contains(&text.chars().count()),
    };
    contact.texts.iter().any(crosses)
        || contact.emails.iter().any(|email| email.raw.is_ascii())
        || contact.phones.iter().any(|phone| phone.raw.len() <= 20)
}

/// Every record that is in no pair has its reason.
fn stand_alone(scene: &Scene, account: usize, picture: &Picture, paired: &BTreeSet<Id>, found: &mut Found) {
    let state = scene.state(account);
    let reviews = state.reviews().unwrap();
    for (id, seen) in &picture.0 {
        let is_elsewhere = id.0 == Side::Google && seen.account != account;
        if is_elsewhere || paired.contains(id) || scene.book.poisoned.contains_key(id) {
            continue;
        }
        let record = match id.0 {
            Side::Google => RecordId::Google(dafater_contactsd::mapping::SourceId(id.1.clone())),
            Side::Dafater => RecordId::Dafater(dafater_contactsd::mapping::DocumentName(seen.name.clone())),
        };
        let why = state.loose(&record).unwrap().map(|loose| loose.why);
        let is_excused = match why {
            Some(LooseReason::DirectionOff) => !scene.rules.pull || !scene.rules.push,
            Some(LooseReason::Review) => reviews.iter().any(|review| review.record == record),
            Some(LooseReason::Empty) => !can_cross(&seen.contact),
            Some(LooseReason::Detached) => {
                // A copy whose receipt was lost has what it was made from, also where an undo made it.
                let partners = scene.book.partners.get(id).into_iter().flatten();
                let origin = made_of(&seen.json);
                let mut partners = partners.chain(scene.book.made.get(id)).chain(&origin);
                scene.had_discard || partners.any(|partner| scene.book.gone.contains_key(partner))
            }
            Some(LooseReason::Skipped) => scene.had_undo || scene.skipped.contains(id),
            Some(LooseReason::OutOfScope | LooseReason::Parked) | None => false,
        };
        if !is_excused {
            found.push(("convergence", format!("{id:?} ({:?}) stands alone: {why:?}", seen.contact.title())));
        }
    }
}
