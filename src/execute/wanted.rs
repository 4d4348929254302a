//! Which contacts a person means by a text.

use std::collections::BTreeSet;

use super::{EngineError, HistoryView};
use crate::state::AccountState;
use crate::sync::RecordId;

/// The contacts whose title or record id contains a text, in any case: now, or at any time that the history tells of. A contact that
/// was renamed is found under each of its names, with all that was done to it.
pub(super) struct Wanted(Option<BTreeSet<RecordId>>);

impl Wanted {
    /// The contacts that `text` means; all where there is none.
    pub(super) fn new(state: &AccountState, text: Option<&str>) -> Result<Self, EngineError> {
        let Some(text) = text.map(str::to_lowercase) else { return Ok(Self(None)) };
        let is_meant = |title: &str, records: &[&RecordId]| {
            title.to_lowercase().contains(&text)
                || records.iter().any(|record| record.as_str().to_lowercase().contains(&text))
        };
        let mut records = BTreeSet::new();
        for pair in state.pairs() {
            let pair = pair?;
            let google = RecordId::Google(pair.google.source_id);
            let dafater = RecordId::Dafater(pair.dafater.name);
            let titles = format!("{}\n{}", pair.google.contact.title(), pair.dafater.contact.title());
            if is_meant(&titles, &[&google, &dafater]) {
                records.extend([google, dafater]);
            }
        }
        for loose in state.all_loose() {
            let loose = loose?;
            if is_meant(&loose.contact.title(), &[&loose.record]) {
                records.insert(loose.record);
            }
        }
        for entry in state.history(None) {
            let view = entry?.view;
            let both: Vec<&RecordId> = view.google.iter().chain(&view.dafater).collect();
            if is_meant(&view.title, &both) {
                records.extend(both.into_iter().cloned());
            }
        }
        Ok(Self(Some(records)))
    }

    /// Whether an entry of the history is about one of them.
    pub(super) fn covers(&self, view: &HistoryView) -> bool {
        let Some(records) = &self.0 else { return true };
        view.google.iter().chain(&view.dafater).any(|record| records.contains(record))
    }
}
