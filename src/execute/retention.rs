//! What is forgotten with time: runs in the history, and memories of deletions.
//!
//! Law: forgetting is never in the way. It happens after a run that ended well, a bounded piece a run, in a commit of its own; what a
//! held undo needs goes with it, and the undo says so.

use jiff::{SignedDuration, Timestamp};

use super::account::run_id;
use super::{AccountEngine, EngineError};

/// Entries that are forgotten after one run, at most: what a busy day leaves is gone within some cycles.
const PIECE: usize = 500;
/// Memories of deletions are kept this long: beyond it no echo of the deleted record is left anywhere.
const TOMBSTONES_KEPT: SignedDuration = SignedDuration::from_hours(24 * 60);

impl AccountEngine {
    /// Forgets a piece of what is older than it is kept; of memories of deletions only where both sides were read whole.
    pub(super) async fn forget(&self, is_full: bool, now: Timestamp) -> Result<(), EngineError> {
        let state = self.state();
        let mut changes = state.changes();
        if let Ok(oldest) = now.checked_sub(self.configured.history_keep) {
            state.forget_history(&run_id(oldest), PIECE, &mut changes)?;
        }
        if is_full {
            for tombstone in state.tombstones() {
                let tombstone = tombstone?;
                if now.duration_since(tombstone.at) > TOMBSTONES_KEPT {
                    changes.remove_tombstone(&tombstone.record);
                }
            }
            for parted in state.all_parted() {
                let parted = parted?;
                if now.duration_since(parted.at) > TOMBSTONES_KEPT {
                    let pair = &parted.pair;
                    changes.remove_parted(&pair.google.source_id, &pair.dafater.creation);
                }
            }
        }
        Ok(state.commit(changes).await?)
    }
}
