//! From what was seen of the contacts to what becomes of their photos.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::MOST;
use crate::execute::apply::{dafater_id, google_id, title_of};
use crate::execute::observe::Observed;
use crate::execute::{AccountEngine, ChangeView, EngineError, StepView};
use crate::mapping::{Document, Person, SitePhoto};
use crate::state::OwedPhoto;
use crate::sync::{Action, PairId, PhotoAction, Pictured, Plan, RecordId, Side, Sighting};

/// What becomes of photos in one run.
#[derive(Debug, Clone, Default)]
pub(in crate::execute) struct PhotoPlan {
    pub(super) steps: Vec<PhotoStep>,
    /// What is remembered without any write.
    pub(super) noted: Vec<(PairId, Pictured)>,
    /// Contacts that have a photo of their own on both sides.
    pub(super) staying: Vec<PhotoStep>,
    /// Contacts that are created now and are looked at again when they stand, and photos beyond what one run carries.
    pub(super) later: Vec<PairId>,
    /// Contacts about which nothing is left to do.
    pub(super) settled: Vec<PairId>,
}

/// What becomes of the photo of one contact.
#[derive(Debug, Clone)]
pub(super) struct PhotoStep {
    pub(super) pair: PairId,
    pub(super) person: Person,
    pub(super) document: Document,
    pub(super) known: Pictured,
    pub(super) action: PhotoAction,
    pub(super) owed: Option<OwedPhoto>,
}

impl AccountEngine {
    /// Whether photos are carried to `side`.
    pub(super) fn may_picture(&self, side: Side) -> bool {
        let policy = &self.configured.policy;
        let is_open = match side {
            Side::Google => policy.push,
            Side::Dafater => policy.pull,
        };
        is_open && self.configured.photos.writes(side)
    }

    /// What becomes of photos in this run.
    pub(in crate::execute) fn plan_photos(
        &self,
        plan: &Plan,
        observed: &Observed,
        now: Timestamp,
    ) -> Result<PhotoPlan, EngineError> {
        let mut photos = PhotoPlan::default();
        if !self.may_picture(Side::Google) && !self.may_picture(Side::Dafater) {
            return Ok(photos);
        }
        let owed = self.state().owed_photos()?;
        let mut seen: BTreeSet<&PairId> = BTreeSet::new();
        for step in &plan.steps {
            seen.insert(&step.pair);
            match (&step.action, &step.google, &step.dafater) {
                (Action::Merge(_), Some(person), Some(document)) => {
                    self.picture(&step.pair, person, document, &owed, now, &mut photos)?;
                }
                (Action::Create { side: Side::Google, .. }, _, Some(document))
                    if document.photo() != SitePhoto::None && self.may_picture(Side::Google) =>
                {
                    photos.later.push(step.pair.clone());
                }
                (Action::Create { side: Side::Dafater, .. }, Some(person), _)
                    if person.photo().is_some() && self.may_picture(Side::Dafater) =>
                {
                    photos.later.push(step.pair.clone());
                }
                _ => {}
            }
        }
        for view in observed.snapshot.pairs.iter().filter(|view| !seen.contains(&view.pair.id)) {
            if let (Sighting::Present(person), Sighting::Present(document)) = (&view.google, &view.dafater) {
                self.picture(&view.pair.id, person, document, &owed, now, &mut photos)?;
            }
        }
        // Of pairs that are no more, and are not about to be, nothing is owed.
        for owed in owed.iter().filter(|owed| !seen.contains(&owed.pair)) {
            let is_begun = observed.snapshot.begun.contains(&owed.pair);
            if self.state().pair(&owed.pair)?.is_none() && !is_begun {
                photos.settled.push(owed.pair.clone());
            }
        }
        let beyond = photos.steps.split_off(photos.steps.len().min(MOST));
        photos.later.extend(beyond.into_iter().map(|step| step.pair));
        Ok(photos)
    }

    fn picture(
        &self,
        pair: &PairId,
        person: &Person,
        document: &Document,
        owed: &[OwedPhoto],
        now: Timestamp,
        photos: &mut PhotoPlan,
    ) -> Result<(), EngineError> {
        let stored = self.state().pictured(pair)?.unwrap_or_default();
        let mut known = match &stored.source {
            Some(source) if *source == person.source_id => stored.clone(),
            Some(_) | None => Pictured { source: Some(person.source_id.clone()), ..Pictured::default() },
        };
        let (google, dafater) = (person.photo(), document.photo());
        let owed = owed.iter().find(|owed| owed.pair == *pair);
        // What was sent and not answered is there now, or it is sent again.
        match owed.and_then(|owed| owed.sent) {
            Some(Side::Google) if google != known.google.as_deref() => {
                known.google = google.map(str::to_owned);
                known.dafater = dafater.place().map(str::to_owned);
                (known.put, known.hash) = (Some(Side::Google), owed.and_then(|owed| owed.hash.clone()));
            }
            Some(Side::Dafater) if dafater.place() != known.dafater.as_deref() => {
                known.google = google.map(str::to_owned);
                known.dafater = dafater.place().map(str::to_owned);
                (known.put, known.hash) = (Some(Side::Dafater), owed.and_then(|owed| owed.hash.clone()));
            }
            Some(Side::Google | Side::Dafater) | None => {}
        }
        let conflict = self.configured.policy.conflict;
        let step = |known, action| PhotoStep {
            pair: pair.clone(),
            person: person.clone(),
            document: document.clone(),
            known,
            action,
            owed: owed.cloned(),
        };
        match known.action(google, &dafater, conflict, |side| self.may_picture(side)) {
            PhotoAction::Keep | PhotoAction::Note => {
                known.google = google.map(str::to_owned);
                known.dafater = dafater.place().map(str::to_owned);
                let is_blank =
                    known.google.is_none() && known.dafater.is_none() && stored == Pictured::default();
                if known != stored && !is_blank {
                    photos.noted.push((pair.clone(), known));
                }
                if owed.is_some() {
                    photos.settled.push(pair.clone());
                }
            }
            action @ (PhotoAction::Carry(_) | PhotoAction::Clear(_)) => {
                if owed.is_some_and(|owed| owed.next > now) {
                    return Ok(());
                }
                photos.steps.push(step(known, action));
            }
            PhotoAction::Stay => photos.staying.push(step(known, PhotoAction::Stay)),
        }
        Ok(())
    }
}

impl PhotoPlan {
    /// How many photos are carried.
    pub(in crate::execute) fn count(&self) -> u32 {
        u32::try_from(self.steps.len()).unwrap_or(u32::MAX)
    }

    /// As people are shown it.
    pub(in crate::execute) fn views(&self, plan: &Plan) -> Vec<StepView> {
        let standing = self.steps.iter().map(PhotoStep::view);
        let born = plan
            .steps
            .iter()
            .filter(|step| matches!(step.action, Action::Create { .. }) && self.later.contains(&step.pair));
        let born = born.map(|step| StepView {
            action: "photo".to_owned(),
            side: None,
            google: google_id(step),
            dafater: dafater_id(step),
            title: title_of(step),
            reason: "its photo follows with the next sync".to_owned(),
            changes: Vec::new(),
        });
        standing.chain(born).collect()
    }
}

impl PhotoStep {
    pub(super) fn side(&self) -> Side {
        match self.action {
            PhotoAction::Carry(side) | PhotoAction::Clear(side) => side,
            PhotoAction::Keep | PhotoAction::Note | PhotoAction::Stay => Side::Dafater,
        }
    }

    pub(super) fn reason(&self) -> &'static str {
        match self.action {
            PhotoAction::Carry(Side::Google) => "there is a new photo in Dafater",
            PhotoAction::Carry(Side::Dafater) => "there is a new photo in Google",
            PhotoAction::Clear(_) | PhotoAction::Keep | PhotoAction::Note | PhotoAction::Stay => {
                "the photo that it was made from is gone"
            }
        }
    }

    pub(super) fn change(&self) -> ChangeView {
        let (before, after) = match self.action {
            PhotoAction::Carry(_) => ("", "a photo"),
            PhotoAction::Clear(_) | PhotoAction::Keep | PhotoAction::Note | PhotoAction::Stay => {
                ("a photo", "")
            }
        };
        ChangeView {
            field: format!("photo ({})", self.side()),
            before: before.to_owned(),
            after: after.to_owned(),
            reason: self.reason().to_owned(),
        }
    }

    fn view(&self) -> StepView {
        StepView {
            action: "photo".to_owned(),
            side: Some(self.side()),
            google: Some(RecordId::Google(self.person.source_id.clone())),
            dafater: Some(RecordId::Dafater(self.document.name.clone())),
            title: self.document.title(),
            reason: self.reason().to_owned(),
            changes: vec![self.change()],
        }
    }
}
