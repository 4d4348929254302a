//! What the history keeps of each effect.

use serde_json::{Map, Value};

use super::Executor;
use super::receipt::Work;
use crate::contact::{Contact, Field, Values};
use crate::execute::{ChangeView, HistoryView};
use crate::mapping::Document;
use crate::state::{Changes, HistoryEntry, Intent, IntentKind};
use crate::sync::{Action, RecordId, Side, Step, Withheld};

/// A before-image larger than this is not kept: a value of the store holds 64 KiB.
const IMAGE_LIMIT: usize = 40 * 1024;

impl Executor<'_> {
    /// Adds to the history what was done to `step` without a write.
    pub(super) fn note(&self, step: &Step, side: Option<Side>, action: &str, changes: &mut Changes) {
        changes.add_history(&step.pair, &self.entry(step, side, action));
    }

    /// Adds to the history what a side cannot hold, and why.
    pub(super) fn note_withheld(&self, step: &Step, withheld: &[&Withheld], changes: &mut Changes) {
        let mut entry = self.entry(step, None, "withhold");
        "what one side cannot hold stays on the other".clone_into(&mut entry.view.reason);
        entry.view.changes = withheld
            .iter()
            .map(|withheld| ChangeView {
                field: format!("{} ({})", withheld.field, withheld.from),
                before: String::new(),
                after: String::new(),
                reason: withheld.reason.clone(),
            })
            .collect();
        changes.add_history(&step.pair, &entry);
    }

    /// The intent of writing `side`.
    pub(super) fn intent(&self, work: &Work<'_>, side: Side) -> Intent {
        let step = work.step;
        let (kind, action) = match &step.action {
            Action::Create { .. } => (IntentKind::Create, "create"),
            Action::Delete { .. } => (IntentKind::Delete, "delete"),
            Action::Merge(_) | Action::Detach { .. } | Action::Leave | Action::Forget | Action::Postpone => {
                (IntentKind::Update, "update")
            }
        };
        let google = step.google.as_ref().map(|person| RecordId::Google(person.source_id.clone()));
        let dafater = step.dafater.as_ref().map(|document| RecordId::Dafater(document.name.clone()));
        let own = match side {
            Side::Google => google.clone().or(dafater.clone()),
            Side::Dafater => dafater.clone().or(google.clone()),
        };
        let before = step.before.as_ref().map(|pair| RecordId::Google(pair.google.source_id.clone()));
        Intent {
            pair: step.pair.clone(),
            side,
            kind,
            record: own
                .or(before)
                .or_else(|| Some(self.images.get(&(step.pair.clone(), side))?.record.clone()))
                .unwrap_or_else(|| RecordId::Dafater(crate::mapping::DocumentName(String::new()))),
            at: self.now,
            entry: self.with_lost(
                kind,
                with_everything(work, self.entry(step, Some(side), action)),
                work,
                side,
            ),
            promise: work.promise(side),
            resource_name: step.google.as_ref().map(|person| person.resource_name.clone()),
        }
    }

    /// The addresses that an earlier deletion took before it ended early belong to what is deleted now.
    fn with_lost(&self, kind: IntentKind, entry: HistoryEntry, work: &Work<'_>, side: Side) -> HistoryEntry {
        let is_it = |earlier: &&&Intent| (&earlier.pair, earlier.side) == (&work.step.pair, side);
        let Some(earlier) = self.begun.iter().find(is_it).filter(|_| kind == IntentKind::Delete) else {
            return entry;
        };
        let parse = |image: &Option<String>| -> Option<Map<String, Value>> {
            serde_json::from_str(image.as_deref()?).ok()
        };
        let (Some(mut image), Some(whole)) = (parse(&entry.image), parse(&earlier.entry.image)) else {
            return entry;
        };
        image.extend(Document::addresses_of_image(&whole));
        let mut before = entry.before;
        if let (Some(before), Some(earlier)) = (&mut before, &earlier.entry.before) {
            before.take(&Field::Addresses, earlier);
        }
        let image = Some(Value::Object(image).to_string()).filter(|image| image.len() <= IMAGE_LIMIT);
        HistoryEntry { before, image, ..entry }
    }

    /// What the history says of a write that arrived.
    pub(super) fn received(&self, work: &Work<'_>, side: Side) -> HistoryEntry {
        let mut entry = self.intent(work, side).entry;
        // A record that was created has an address since.
        let google = work.google.as_ref().map(|person| RecordId::Google(person.source_id.clone()));
        let dafater = work.dafater.as_ref().map(|document| RecordId::Dafater(document.name.clone()));
        entry.view.google = google.or(entry.view.google);
        entry.view.dafater = dafater.or(entry.view.dafater);
        if let Some((after, revision)) = work.after(side) {
            (entry.after, entry.revision) = (Some(after), Some(revision));
        }
        entry
    }

    fn entry(&self, step: &Step, side: Option<Side>, action: &str) -> HistoryEntry {
        let mapping = &self.settings.policy.mapping;
        let (before, image) = match side {
            Some(Side::Google) => (
                step.google.as_ref().map(|person| person.contact(mapping)),
                step.google.as_ref().and_then(|person| serde_json::to_string(&*person.fields).ok()),
            ),
            Some(Side::Dafater) => (
                step.dafater.as_ref().map(|document| document.contact(mapping)),
                step.dafater.as_ref().and_then(|document| serde_json::to_string(&document.to_json()).ok()),
            ),
            None => (None, None),
        };
        HistoryEntry {
            view: HistoryView {
                account: self.parts.state.account().clone(),
                run: self.run.to_owned(),
                at: self.now,
                action: action.to_owned(),
                side,
                google: google_id(step),
                dafater: dafater_id(step),
                title: title_of(step),
                reason: match self.undoes {
                    Some(run) => format!("run {run} was undone"),
                    None => step.reason.to_owned(),
                },
                // What was written is told by the entry of the write.
                changes: if side.is_some() { changes_of(step, side, mapping) } else { Vec::new() },
                undoes: self.undoes.map(str::to_owned),
            },
            before,
            image: image.filter(|image| image.len() <= IMAGE_LIMIT),
            after: None,
            revision: None,
        }
    }
}

/// The whole record in place of the part of it that is synced, where it was read for that.
fn with_everything(work: &Work<'_>, mut entry: HistoryEntry) -> HistoryEntry {
    let everything = work.everything.as_ref().map(Value::to_string);
    if let Some(everything) = everything.filter(|image| image.len() <= IMAGE_LIMIT) {
        entry.image = Some(everything);
    }
    entry
}

/// Google's record of a step, as far as it is known.
pub(in crate::execute) fn google_id(step: &Step) -> Option<RecordId> {
    let observed = step.google.as_ref().map(|person| person.source_id.clone());
    observed.or_else(|| step.before.as_ref().map(|pair| pair.google.source_id.clone())).map(RecordId::Google)
}

/// Dafater's record of a step, as far as it is known.
pub(in crate::execute) fn dafater_id(step: &Step) -> Option<RecordId> {
    let observed = step.dafater.as_ref().map(|document| document.name.clone());
    observed.or_else(|| step.before.as_ref().map(|pair| pair.dafater.name.clone())).map(RecordId::Dafater)
}

/// How people know the contact of a step: its name, else its company, else an address.
pub(in crate::execute) fn title_of(step: &Step) -> String {
    match (&step.dafater, &step.google, &step.before) {
        (Some(document), _, _) => document.title(),
        (None, Some(person), _) => person.title(),
        (None, None, Some(pair)) => pair.dafater.contact.title(),
        (None, None, None) => String::new(),
    }
}

/// Field by field, what a step does to `side`; for both sides where none is named.
pub(in crate::execute) fn changes_of(
    step: &Step,
    side: Option<Side>,
    mapping: &crate::mapping::Mapping,
) -> Vec<ChangeView> {
    match &step.action {
        Action::Merge(merged) => merged
            .decisions
            .iter()
            .filter(|decision| side.is_none_or(|side| side == decision.to))
            .map(|decision| ChangeView {
                field: format!("{} ({})", decision.field, decision.to),
                before: decision.before.clone(),
                after: decision.after.clone(),
                reason: decision.reason.to_owned(),
            })
            .collect(),
        Action::Create { contact, .. } => whole(contact, |text| ChangeView {
            field: text.0,
            before: String::new(),
            after: text.1,
            reason: step.reason.to_owned(),
        }),
        Action::Delete { side } => {
            let contact = match side {
                Side::Google => step.google.as_ref().map(|person| person.contact(mapping)),
                Side::Dafater => step.dafater.as_ref().map(|document| document.contact(mapping)),
            };
            whole(&contact.unwrap_or_default(), |text| ChangeView {
                field: text.0,
                before: text.1,
                after: String::new(),
                reason: step.reason.to_owned(),
            })
        }
        Action::Detach { .. } | Action::Leave | Action::Forget | Action::Postpone => Vec::new(),
    }
}

fn whole(contact: &Contact, view: impl Fn((String, String)) -> ChangeView) -> Vec<ChangeView> {
    let listed =
        |values: &Values| values.iter().map(|value| value.raw.as_str()).collect::<Vec<_>>().join(", ");
    let listed_lines =
        |values: &Values| values.iter().map(crate::contact::Value::shown).collect::<Vec<_>>().join("; ");
    Field::of(&[contact])
        .into_iter()
        .filter_map(|field| {
            let text = match &field {
                Field::Text(text) => contact.text(text).to_owned(),
                Field::Emails => listed(&contact.emails),
                Field::Phones => listed(&contact.phones),
                Field::Addresses => contact.addresses.as_ref().map(listed_lines).unwrap_or_default(),
            };
            (!text.is_empty()).then(|| view((field.to_string(), text)))
        })
        .collect()
}
