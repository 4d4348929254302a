//! What happens to a world: a script is drawn by chance, shrunk by its parts, and written by hand where it once taught something.

use std::collections::BTreeSet;

use dafater_contactsd::contact::{Field, TextField};
use dafater_contactsd::sync::{ConflictPolicy, DeletionPolicy, Side};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

use super::world::{customer_number, notes};

/// How many persons a world knows.
pub const PEOPLE: usize = 4;

/// Something that happens to one contact of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A text field is set; the value is unique.
    SetText(Side, usize, TextField),
    /// A text field is cleared.
    ClearText(Side, usize, TextField),
    /// A value is added; it is unique.
    AddValue(Side, usize, Field),
    /// The nth value is removed.
    RemoveValue(Side, usize, Field, usize),
    /// The last value becomes the primary one.
    MovePrimary(Side, usize, Field),
    /// The nth number becomes the mobile one.
    MarkMobile(Side, usize, usize),
    /// The nth value in Google gets a type of the user's own.
    Label(usize, Field, usize),
    /// The record is deleted.
    Delete(Side, usize),
    /// A new record appears on one side.
    Appear(Side, usize),
    /// A user enters somebody a second time.
    Double(Side, usize),
    /// A user merges the second person's record into the first one's.
    Absorb(Side, usize, usize),
    /// The document gets another name.
    Rename(usize),
    /// What stands alone enters the scope, or leaves it.
    Scope(Side, usize),
    /// A person decides all open conflicts for one side.
    Resolve(Side),
}

/// A person and a side: whether it is Google's.
pub type Half = (usize, bool);

/// What befalls the reads and the writes of a round.
#[derive(Debug, Clone, Default)]
pub struct Luck {
    /// Writes that are refused.
    pub refused: BTreeSet<Half>,
    /// Writes that happen and whose answer is lost.
    pub lost: BTreeSet<Half>,
    /// Records that cannot be seen, though they are known to a pair.
    pub hidden: BTreeSet<Half>,
    /// Persons whom Google shows as it did in the round before.
    pub late: BTreeSet<usize>,
    /// What users do between the read and the writes.
    pub meanwhile: Vec<Event>,
}

/// What happens before a cycle, and during it.
#[derive(Debug, Clone, Default)]
pub struct Round {
    pub events: Vec<Event>,
    pub luck: Luck,
}

/// The rules of the account.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub conflict: ConflictPolicy,
    pub deletions: DeletionPolicy,
    pub pull: bool,
    pub push: bool,
    /// Of all pairs, in percent; more is held and waits for approval.
    pub max_deletes: u8,
}

/// A whole history.
#[derive(Debug, Clone)]
pub struct Script {
    pub rules: Rules,
    /// Who is there at the beginning, on one side or on both.
    pub initial: Vec<(usize, Option<Side>)>,
    pub rounds: Vec<Round>,
}

pub fn scripts() -> impl Strategy<Value = Script> {
    let initial = vec((0..PEOPLE, proptest::option::of(sides())), 1..6);
    (rules(), initial, vec(rounds(), 1..5)).prop_map(|(rules, initial, rounds)| Script {
        rules,
        initial,
        rounds,
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let conflict = prop_oneof![
        Just(ConflictPolicy::Newest),
        Just(ConflictPolicy::Google),
        Just(ConflictPolicy::Dafater),
        Just(ConflictPolicy::Manual)
    ];
    let deletions = prop_oneof![
        Just(DeletionPolicy::Keep),
        Just(DeletionPolicy::CreatedBySync),
        Just(DeletionPolicy::Propagate)
    ];
    let directions = prop_oneof![4 => Just((true, true)), 1 => Just((true, false)), 1 => Just((false, true))];
    let max_deletes = prop_oneof![3 => Just(100_u8), 1 => Just(30), 1 => Just(0)];
    (conflict, deletions, directions, max_deletes).prop_map(
        |(conflict, deletions, (pull, push), max_deletes)| Rules {
            conflict,
            deletions,
            pull,
            push,
            max_deletes,
        },
    )
}

fn rounds() -> impl Strategy<Value = Round> {
    (vec(events(), 0..5), luck()).prop_map(|(events, luck)| Round { events, luck })
}

fn luck() -> impl Strategy<Value = Luck> {
    let some = || btree_set((0..PEOPLE, any::<bool>()), 0..3);
    let late = prop_oneof![2 => Just(BTreeSet::new()), 1 => btree_set(0..PEOPLE, 0..3)];
    let meanwhile = prop_oneof![3 => Just(Vec::new()), 1 => vec(events(), 0..3)];
    (some(), some(), some(), late, meanwhile).prop_map(|(refused, lost, hidden, late, meanwhile)| Luck {
        refused,
        lost,
        hidden,
        late,
        meanwhile,
    })
}

fn events() -> impl Strategy<Value = Event> {
    let text = || {
        prop_oneof![
            Just(TextField::Given),
            Just(TextField::Middle),
            Just(TextField::Family),
            Just(TextField::Title),
            Just(notes()),
            Just(customer_number())
        ]
    };
    let set = || prop_oneof![Just(Field::Emails), Just(Field::Phones)];
    let many = || prop_oneof![Just(Field::Emails), Just(Field::Phones), Just(Field::Addresses)];
    let who = || 0..PEOPLE;
    prop_oneof![
        15 => (sides(), who(), text()).prop_map(|(side, who, field)| Event::SetText(side, who, field)),
        6 => (sides(), who(), text()).prop_map(|(side, who, field)| Event::ClearText(side, who, field)),
        12 => (sides(), who(), many()).prop_map(|(side, who, field)| Event::AddValue(side, who, field)),
        9 => (sides(), who(), many(), 0_usize..4)
            .prop_map(|(side, who, field, nth)| Event::RemoveValue(side, who, field, nth)),
        6 => (sides(), who(), set()).prop_map(|(side, who, field)| Event::MovePrimary(side, who, field)),
        4 => (sides(), who(), 0_usize..3).prop_map(|(side, who, nth)| Event::MarkMobile(side, who, nth)),
        3 => (who(), set(), 0_usize..3).prop_map(|(who, field, nth)| Event::Label(who, field, nth)),
        4 => (sides(), who()).prop_map(|(side, who)| Event::Delete(side, who)),
        4 => (sides(), who()).prop_map(|(side, who)| Event::Appear(side, who)),
        2 => (sides(), who()).prop_map(|(side, who)| Event::Double(side, who)),
        2 => (sides(), who(), who()).prop_map(|(side, one, other)| Event::Absorb(side, one, other)),
        2 => who().prop_map(Event::Rename),
        2 => (sides(), who()).prop_map(|(side, who)| Event::Scope(side, who)),
        2 => sides().prop_map(Event::Resolve),
    ]
}

fn sides() -> impl Strategy<Value = Side> {
    prop_oneof![Just(Side::Google), Just(Side::Dafater)]
}
