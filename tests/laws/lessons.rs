//! Worlds that broke a law once, each named for what it taught.

use std::collections::BTreeSet;

use dafater_contactsd::contact::{Field, TextField};
use dafater_contactsd::sync::{ConflictPolicy, DeletionPolicy, Side};

use super::keep_the_laws;
use super::script::{Event, Luck, Round, Rules, Script};

const USUAL: Rules = Rules {
    conflict: ConflictPolicy::Newest,
    deletions: DeletionPolicy::Keep,
    pull: true,
    push: true,
    max_deletes: 100,
};

fn quiet() -> Round {
    Round::default()
}

fn calm(events: Vec<Event>) -> Round {
    Round { events, luck: Luck::default() }
}

fn hidden(half: (usize, bool), events: Vec<Event>) -> Round {
    Round { events, luck: Luck { hidden: BTreeSet::from([half]), ..Luck::default() } }
}

fn meanwhile(meanwhile: Vec<Event>) -> Round {
    Round { events: Vec::new(), luck: Luck { meanwhile, ..Luck::default() } }
}

/// A re-created contact whose answer was lost names a Google contact that cannot be seen: it was taken for a new one.
#[test]
fn a_copy_of_a_contact_that_cannot_be_seen_is_not_copied_again() {
    let edit_beats_deletion = Round {
        events: vec![Event::Delete(Side::Dafater, 0), Event::SetText(Side::Google, 0, TextField::Given)],
        luck: Luck { lost: BTreeSet::from([(0, false)]), ..Luck::default() },
    };
    keep_the_laws(&Script {
        rules: USUAL,
        initial: vec![(0, None)],
        rounds: vec![quiet(), edit_beats_deletion, hidden((0, true), Vec::new())],
    });
}

/// A contact was deleted and entered again while its Google half could not be seen: it was created in Google a second time.
#[test]
fn a_contact_entered_again_waits_while_its_old_counterpart_cannot_be_seen() {
    keep_the_laws(&Script {
        rules: Rules { pull: false, ..USUAL },
        initial: vec![(3, None)],
        rounds: vec![
            quiet(),
            hidden((3, true), vec![Event::Delete(Side::Dafater, 3)]),
            hidden((3, true), vec![Event::Appear(Side::Dafater, 3)]),
        ],
    });
}

#[test]
fn what_is_typed_while_a_plan_is_carried_out_is_not_lost() {
    let typed = Round {
        events: vec![Event::SetText(Side::Google, 0, TextField::Family)],
        luck: Luck { meanwhile: vec![Event::SetText(Side::Dafater, 0, TextField::Title)], ..Luck::default() },
    };
    keep_the_laws(&Script {
        rules: USUAL,
        initial: vec![(0, None)],
        rounds: vec![quiet(), typed, calm(Vec::new())],
    });
}

/// Google makes the only number the primary one by itself. Nobody had promised that, so our own write was not known again: it passed
/// for an edit, and the edit for a reason to bring back a contact that was deleted meanwhile.
#[test]
fn a_primary_that_google_chose_by_itself_makes_no_edit_of_a_write_of_ours() {
    let deleted_meanwhile = Round {
        events: vec![Event::AddValue(Side::Dafater, 3, Field::Phones)],
        luck: Luck {
            lost: BTreeSet::from([(3, true)]),
            meanwhile: vec![Event::Delete(Side::Dafater, 3)],
            ..Luck::default()
        },
    };
    keep_the_laws(&Script {
        rules: USUAL,
        initial: vec![(3, None)],
        rounds: vec![quiet(), deleted_meanwhile],
    });
}

/// Google's answer to our write was lost, and the next read showed the state before it. The write was forgotten with that read; once
/// it showed, it passed for an edit that beats the deletion of its document.
#[test]
fn a_write_that_does_not_show_yet_is_looked_for_until_it_may_have_shown() {
    let deleted_meanwhile = Round {
        events: vec![Event::SetText(Side::Dafater, 3, TextField::Given)],
        luck: Luck {
            lost: BTreeSet::from([(3, true)]),
            meanwhile: vec![Event::Delete(Side::Dafater, 3)],
            ..Luck::default()
        },
    };
    let late = Round { events: Vec::new(), luck: Luck { late: BTreeSet::from([3]), ..Luck::default() } };
    keep_the_laws(&Script {
        rules: Rules { deletions: DeletionPolicy::Propagate, ..USUAL },
        initial: vec![(3, None)],
        rounds: vec![quiet(), deleted_meanwhile, late],
    });
}

/// Somebody was entered on a side in the moment in which we created them there, and then deleted on the other. Our copy went, as it
/// should; with it went all that told that the other one is the same person, who was taken for new and brought back.
#[test]
fn who_stood_twice_is_not_brought_back_when_the_copy_is_deleted() {
    for (from, to) in [(Side::Google, Side::Dafater), (Side::Dafater, Side::Google)] {
        for deletions in [DeletionPolicy::CreatedBySync, DeletionPolicy::Propagate, DeletionPolicy::Keep] {
            keep_the_laws(&Script {
                rules: Rules { deletions, ..USUAL },
                initial: vec![(0, Some(from))],
                rounds: vec![meanwhile(vec![Event::Double(to, 0)]), calm(vec![Event::Delete(from, 0)])],
            });
        }
    }
}

/// Of somebody who stands twice in Google, the one in a pair showed an older state when its counterpart was deleted. The other said
/// more, so it passed for the one to carry across.
#[test]
fn who_stands_twice_is_not_brought_back_while_one_of_them_shows_an_older_state() {
    let late = Round {
        events: vec![Event::Delete(Side::Dafater, 3)],
        luck: Luck { late: BTreeSet::from([3]), ..Luck::default() },
    };
    keep_the_laws(&Script {
        rules: USUAL,
        initial: vec![(3, Some(Side::Dafater))],
        rounds: vec![
            meanwhile(vec![Event::Double(Side::Google, 3)]),
            calm(vec![Event::ClearText(Side::Dafater, 3, TextField::Given)]),
            late,
        ],
    });
}

/// The records bear two names at one address, and never were a pair: the deletion of one says nothing about the other. The oracle
/// took them for one person.
#[test]
fn who_bears_another_name_is_not_who_was_deleted() {
    let named = calm(vec![Event::SetText(Side::Google, 0, TextField::Given)]);
    let outside = calm(vec![Event::Scope(Side::Dafater, 0)]);
    let back = calm(vec![Event::Delete(Side::Google, 0), Event::Scope(Side::Dafater, 0)]);
    keep_the_laws(&Script {
        rules: USUAL,
        initial: vec![(0, None)],
        rounds: vec![named.clone(), outside, back],
    });
    let entered = Luck { meanwhile: vec![Event::Double(Side::Dafater, 0)], ..Luck::default() };
    keep_the_laws(&Script {
        rules: USUAL,
        initial: vec![(0, Some(Side::Google))],
        rounds: vec![Round { luck: entered, ..named }, calm(vec![Event::Delete(Side::Google, 0)])],
    });
}

/// A world of seed 3: what was noted under the name before a rename hid that the deletion in Google was kept to.
#[test]
fn who_was_judged_under_a_former_name_is_not_new() {
    let outside = Round {
        events: vec![Event::Scope(Side::Google, 3)],
        luck: Luck { meanwhile: vec![Event::Rename(3)], ..Luck::default() },
    };
    let gone = calm(vec![Event::Delete(Side::Google, 3)]);
    keep_the_laws(&Script {
        rules: USUAL,
        initial: vec![(3, None)],
        rounds: vec![outside, gone.clone(), gone],
    });
}

/// A world of seed 0: the survivor of a merge in Google has the name of who was merged into it. The document that was made of that one,
/// its answer lost, passed for one that nothing remembers.
#[test]
fn nothing_is_held_because_a_create_in_doubt_was_merged_into() {
    let doubtful =
        Luck { lost: BTreeSet::from([(0, false)]), late: BTreeSet::from([1, 2]), ..Luck::default() };
    keep_the_laws(&Script {
        rules: Rules {
            conflict: ConflictPolicy::Newest,
            deletions: DeletionPolicy::Keep,
            push: false,
            ..USUAL
        },
        initial: vec![(0, Some(Side::Google)), (1, Some(Side::Google)), (2, None)],
        rounds: vec![
            Round { luck: doubtful, ..Round::default() },
            calm(vec![Event::Absorb(Side::Google, 2, 0)]),
        ],
    });
}
