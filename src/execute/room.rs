//! Room in Google: an account holds so many contacts, and its trash counts.
//!
//! Law: what finds no room waits, each contact by itself. Updates, deletions, labels and everything in Dafater go on.

use jiff::{SignedDuration, Timestamp};

use super::apply::Applied;
use super::observe::Memory;
use super::{AccountEngine, EngineError};
use crate::observe::events;
use crate::state::Parked;
use crate::sync::{Action, Plan, RecordId, Side};

/// Why a contact is not created in Google.
pub(super) const NO_ROOM: &str =
    "the Google account is full, its trash included; the contact is created when there is room";

/// API: what is deleted by hand stays in the trash for so long, and counts.
const TRASH_KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// From this share of the limit on, in percent, `status` says that it is near.
const NEAR: usize = 95;

impl AccountEngine {
    /// Lets wait what the plan would create in Google beyond what there is room for. Returns how many contacts the account then holds,
    /// where that changes or `is_full_read`.
    pub(super) fn make_room(
        &self,
        plan: &mut Plan,
        is_full_read: bool,
        now: Timestamp,
    ) -> Result<Option<usize>, EngineError> {
        let is_create = |action: &Action| matches!(action, Action::Create { side: Side::Google, .. });
        let creates = plan.steps.iter().filter(|step| is_create(&step.action)).count();
        if creates == 0 && !is_full_read {
            return Ok(None);
        }
        let occupied = self.occupied(now)?;
        let room = self.configured.max_contacts.saturating_sub(occupied);
        for step in plan.steps.iter_mut().filter(|step| is_create(&step.action)).skip(room) {
            step.action = Action::Postpone;
            step.reason = NO_ROOM;
        }
        Ok(Some(occupied.saturating_add(creates.min(room))))
    }

    /// Says that the account is nearly full, once until there is room again. Where nothing is created in Google nobody needs to know.
    pub(super) fn report_room(&self, held: Option<usize>, memory: &mut Memory) {
        let Some(held) = held else { return };
        let limit = self.configured.max_contacts;
        let is_near = self.configured.policy.push && is_near(held, limit);
        if is_near && !memory.is_nearly_full {
            let account = self.state().account().clone();
            events::GoogleNearlyFull { account, held, room: limit.saturating_sub(held), limit }.emit();
        }
        memory.is_nearly_full = is_near;
    }

    /// How many contacts Google counts, as far as anybody told: in pairs, alone, and deleted lately.
    fn occupied(&self, now: Timestamp) -> Result<usize, EngineError> {
        let state = self.state();
        let mut occupied = state.pair_count();
        for loose in state.all_loose() {
            occupied += usize::from(loose?.record.side() == Side::Google);
        }
        for tombstone in state.tombstones() {
            let tombstone = tombstone?;
            let is_kept = now.duration_since(tombstone.at) < TRASH_KEPT;
            occupied += usize::from(is_kept && matches!(tombstone.record, RecordId::Google(_)));
        }
        Ok(occupied)
    }

    /// Says, the first time, that contacts wait for room.
    pub(super) fn report_full(&self, known: &[Parked], applied: &Applied) {
        let waiting = applied.parked.values().filter(|parked| parked.reason == NO_ROOM).count();
        if waiting > 0 && !known.iter().any(|parked| parked.reason == NO_ROOM) {
            let limit = self.configured.max_contacts;
            events::GoogleFull { account: self.state().account().clone(), waiting, limit }.emit();
        }
    }

    /// What a person should know of the room that is left.
    pub(super) fn room_warning(&self) -> Result<Option<String>, EngineError> {
        let limit = self.configured.max_contacts;
        let waiting = self.state().parked()?.iter().filter(|parked| parked.reason == NO_ROOM).count();
        if waiting > 0 {
            return Ok(Some(format!(
                "google has no room for {waiting} contacts: an account holds {limit}, its trash included; delete contacts there, or \
                 empty the trash, then `sync --full`"
            )));
        }
        if !self.configured.policy.push {
            return Ok(None);
        }
        let held = self.occupied(self.parts.clock.now())?;
        Ok(is_near(held, limit).then(|| {
            format!(
                "google has {held} contacts, what lies in its trash included, and an account holds {limit}"
            )
        }))
    }
}

fn is_near(held: usize, limit: usize) -> bool {
    held > 0 && held.saturating_mul(100) >= limit.saturating_mul(NEAR)
}
