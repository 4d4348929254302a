//! Carries photos.

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::plan::{PhotoPlan, PhotoStep};
use super::{LARGEST, kind_of};
use crate::execute::apply::Patience;
use crate::execute::notes::Note;
use crate::execute::{AccountEngine, EngineError, EngineErrorKind};
use crate::mapping::SitePhoto;
use crate::observe::events;
use crate::remote::Disposition;
use crate::state::{Changes, OwedPhoto};
use crate::sync::{PhotoAction, Pictured, RecordId, Side};

/// Entries in one commit.
const CHUNK: usize = 500;

/// How an attempt ended.
enum Ended {
    /// It arrived; so it is remembered.
    Done(Pictured),
    /// There is nothing that could be carried: too large, of another kind, not to be had. So it is remembered, until it changes.
    Unfit(&'static str),
    /// The content is what is there already.
    Same(Option<String>),
    /// It is tried again.
    Failed(EngineError),
}

impl AccountEngine {
    /// Writes down which photos are to be carried, before anything else is sent.
    pub(in crate::execute) async fn begin_photos(
        &self,
        photos: &PhotoPlan,
        (run, now): (&str, Timestamp),
    ) -> Result<(), EngineError> {
        // A receipt makes what was read the base, and then it is no news any more.
        self.note_photos(photos, (run, now)).await?;
        let state = self.state();
        let known = state.owed_photos()?;
        let steps = photos.steps.iter().map(|step| &step.pair);
        let new: Vec<_> =
            steps.chain(&photos.later).filter(|pair| !known.iter().any(|owed| owed.pair == **pair)).collect();
        for chunk in new.chunks(CHUNK) {
            let mut changes = state.changes();
            for pair in chunk {
                changes.set_owed_photo(&OwedPhoto {
                    pair: (*pair).clone(),
                    attempts: 0,
                    next: now,
                    sent: None,
                    hash: None,
                });
            }
            state.commit(changes).await?;
        }
        Ok(())
    }

    /// Carries photos; returns how many arrived. What fails stays written down.
    pub(in crate::execute) async fn carry_photos(
        &self,
        photos: &PhotoPlan,
        (run, now): (&str, Timestamp),
    ) -> Result<u32, EngineError> {
        self.note_photos(photos, (run, now)).await?;
        let (mut done, mut failed) = (0, None);
        for step in &photos.steps {
            if self.is_cancelled() {
                break;
            }
            match self.carry(step, now).await? {
                Ended::Done(pictured) => {
                    self.pictured(step, pictured, None, (run, now)).await?;
                    done += 1;
                }
                Ended::Unfit(reason) => {
                    let seen = step.seen(step.known.hash.clone(), step.known.put);
                    self.pictured(step, seen, Some(reason), (run, now)).await?;
                }
                Ended::Same(hash) => {
                    let mut changes = self.state().changes();
                    changes.set_pictured(&step.pair, &step.seen(hash, step.known.put));
                    changes.remove_owed_photo(&step.pair);
                    self.state().commit(changes).await?;
                }
                Ended::Failed(error) => {
                    self.put_photo_off(step, &error, now).await?;
                    let is_alone = matches!(
                        error.kind,
                        EngineErrorKind::Remote(
                            Disposition::Refused
                                | Disposition::Gone
                                | Disposition::Stale
                                | Disposition::InDoubt
                        )
                    );
                    failed = Some(error);
                    if !is_alone {
                        break;
                    }
                }
            }
        }
        if let Some(error) = failed {
            let account = self.state().account().clone();
            events::PhotosPostponed { account, reason: error.to_string() }.emit();
        }
        Ok(done)
    }

    async fn carry(&self, step: &PhotoStep, now: Timestamp) -> Result<Ended, EngineError> {
        let (person, document) = (&step.person, &step.document);
        let photo = match step.action {
            PhotoAction::Carry(Side::Google) => {
                let SitePhoto::File(path) = document.photo() else { return Ok(Ended::Unfit(NOT_THERE)) };
                match self.parts.dafater.download(&path).await {
                    Ok(photo) => photo,
                    Err(error) => return Ok(Ended::Failed(error.into())),
                }
            }
            PhotoAction::Carry(Side::Dafater) => {
                match self.parts.google.download_photo(person.photo().unwrap_or_default()).await {
                    Ok(photo) => photo,
                    Err(error) => return Ok(Ended::Failed(error.into())),
                }
            }
            PhotoAction::Clear(side) => return self.clear(step, side, now).await,
            PhotoAction::Keep | PhotoAction::Note | PhotoAction::Stay => {
                return Ok(Ended::Same(step.known.hash.clone()));
            }
        };
        let Some(photo) = photo else { return Ok(Ended::Unfit(NOT_THERE)) };
        let Some(kind) = kind_of(&photo) else { return Ok(Ended::Unfit("it is neither JPEG nor PNG")) };
        if photo.len() > LARGEST {
            return Ok(Ended::Unfit("it is larger than 5 MiB"));
        }
        let hash = Some(hash_of(&photo));
        // What was carried last is there still, unless somebody changed it there.
        let has_copy = match step.side() {
            Side::Google => person.photo().is_some() && person.photo() == step.known.google.as_deref(),
            Side::Dafater => {
                let photo = document.photo();
                photo.place().is_some() && photo.place() == step.known.dafater.as_deref()
            }
        };
        if has_copy && step.known.hash == hash {
            return Ok(Ended::Same(hash));
        }
        self.sending(step, step.side(), hash.clone(), now).await?;
        Ok(match step.side() {
            Side::Google => self.to_google(step, &photo, hash).await,
            Side::Dafater => self.to_dafater(step, &photo, kind, hash).await,
        })
    }

    async fn to_google(&self, step: &PhotoStep, photo: &Bytes, hash: Option<String>) -> Ended {
        match self.parts.google.update_photo(&step.person.resource_name, photo).await {
            Ok(Some(person)) => {
                let google = person.photo().map(str::to_owned);
                Ended::Done(Pictured { google, ..step.seen(hash, Some(Side::Google)) })
            }
            // It is there; where it lies shows with the next read.
            Ok(None) => {
                Ended::Failed(EngineError::unknown("google's answer did not show the photo", "nothing to do"))
            }
            Err(error) => Ended::Failed(error.into()),
        }
    }

    async fn to_dafater(&self, step: &PhotoStep, photo: &Bytes, kind: &str, hash: Option<String>) -> Ended {
        let filename = format!("google-{}.{kind}", step.pair);
        match self.parts.dafater.attach_photo(&step.document.name, &filename, photo).await {
            Ok(place) => {
                let dafater = Some(place);
                Ended::Done(Pictured { dafater, ..step.seen(hash, Some(Side::Dafater)) })
            }
            Err(error) => Ended::Failed(error.into()),
        }
    }

    async fn clear(&self, step: &PhotoStep, side: Side, now: Timestamp) -> Result<Ended, EngineError> {
        self.sending(step, side, None, now).await?;
        let cleared = match side {
            Side::Google => match self.parts.google.delete_photo(&step.person.resource_name).await {
                Err(error) if error.disposition() != Disposition::Gone => Err(EngineError::from(error)),
                Ok(()) | Err(_) => Ok(Pictured { google: None, ..step.seen(None, None) }),
            },
            Side::Dafater => {
                let (name, lock) = (&step.document.name, &step.document.modified);
                match self.parts.dafater.clear_photo(name, lock).await {
                    Ok(_) => Ok(Pictured { dafater: None, ..step.seen(None, None) }),
                    Err(error) => Err(EngineError::from(error)),
                }
            }
        };
        Ok(cleared.map_or_else(Ended::Failed, Ended::Done))
    }

    /// Writes down what is about to be sent: whatever lies there afterwards is our own.
    async fn sending(
        &self,
        step: &PhotoStep,
        side: Side,
        hash: Option<String>,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let mut changes = self.state().changes();
        let attempts = step.owed.as_ref().map_or(0, |owed| owed.attempts);
        let pair = step.pair.clone();
        // What was seen until now, so that it can be told what changed.
        changes.set_pictured(&step.pair, &step.known);
        changes.set_owed_photo(&OwedPhoto { pair, attempts, next: now, sent: Some(side), hash });
        Ok(self.state().commit(changes).await?)
    }

    async fn put_photo_off(
        &self,
        step: &PhotoStep,
        error: &EngineError,
        now: Timestamp,
    ) -> Result<(), EngineError> {
        let state = self.state();
        let owed = state.owed_photos()?.into_iter().find(|owed| owed.pair == step.pair);
        let Some(owed) = owed else { return Ok(()) };
        let attempts = owed.attempts.saturating_add(1);
        // An edit that came between: to look again is all it takes.
        let is_late = matches!(error.kind, EngineErrorKind::Remote(Disposition::Stale));
        let patience = if is_late { Patience::None } else { Patience::Long };
        let next = now.checked_add(patience.delay(attempts)).unwrap_or(now);
        let mut changes = state.changes();
        changes.set_owed_photo(&OwedPhoto { attempts, next, ..owed });
        Ok(state.commit(changes).await?)
    }

    /// The receipt of one photo, or why it is not carried.
    async fn pictured(
        &self,
        step: &PhotoStep,
        pictured: Pictured,
        refusal: Option<&str>,
        moment: (&str, Timestamp),
    ) -> Result<(), EngineError> {
        let mut changes = self.state().changes();
        self.receipt(step, &pictured, refusal, moment, &mut changes);
        Ok(self.state().commit(changes).await?)
    }

    fn receipt(
        &self,
        step: &PhotoStep,
        pictured: &Pictured,
        refusal: Option<&str>,
        (run, at): (&str, Timestamp),
        changes: &mut Changes,
    ) {
        changes.set_pictured(&step.pair, pictured);
        changes.remove_owed_photo(&step.pair);
        let note = Note {
            run,
            at,
            action: "photo",
            google: Some(RecordId::Google(step.person.source_id.clone())),
            dafater: Some(RecordId::Dafater(step.document.name.clone())),
            title: step.document.title(),
            reason: refusal
                .map_or_else(|| step.reason().to_owned(), |refusal| format!("not carried: {refusal}")),
            changes: if refusal.is_none() { vec![step.change()] } else { Vec::new() },
            undoes: None,
        };
        changes.add_history(&step.pair, &note.entry(self.state().account()));
    }

    /// What is remembered without any write.
    async fn note_photos(&self, photos: &PhotoPlan, moment: (&str, Timestamp)) -> Result<(), EngineError> {
        let state = self.state();
        for chunk in photos.staying.chunks(CHUNK) {
            let mut changes = state.changes();
            for step in chunk {
                let seen = step.seen(None, None);
                if state.pair(&step.pair)?.is_some() && state.pictured(&step.pair)?.as_ref() != Some(&seen) {
                    self.receipt(step, &seen, Some(BOTH_STAY), moment, &mut changes);
                }
            }
            state.commit(changes).await?;
        }
        for chunk in photos.noted.chunks(CHUNK) {
            let mut changes = state.changes();
            for (pair, pictured) in chunk {
                if state.pair(pair)?.is_some() && state.pictured(pair)?.as_ref() != Some(pictured) {
                    changes.set_pictured(pair, pictured);
                }
            }
            state.commit(changes).await?;
        }
        for chunk in photos.settled.chunks(CHUNK) {
            let mut changes = state.changes();
            for pair in chunk {
                changes.remove_owed_photo(pair);
            }
            state.commit(changes).await?;
        }
        Ok(())
    }
}

impl PhotoStep {
    /// The photos as they are seen now.
    fn seen(&self, hash: Option<String>, put: Option<Side>) -> Pictured {
        Pictured {
            source: Some(self.person.source_id.clone()),
            google: self.person.photo().map(str::to_owned),
            dafater: self.document.photo().place().map(str::to_owned),
            hash,
            put,
        }
    }
}

const BOTH_STAY: &str = "both sides have a photo of their own, and both stay until one of them changes";
const NOT_THERE: &str = "there is no photo to be had where it should lie";

fn hash_of(photo: &[u8]) -> String {
    let digest = Sha256::digest(photo);
    let number = digest.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{number:032x}")
}
