//! What becomes of the photos of a pair: which side's goes to the other, if any.
//!
//! A photo is known by where it lies: Google gives each content an address of its own, and so does the site. Only what changed since both
//! were last seen is carried, and a photo that goes takes its copy with it only if the sync had made that copy. Nobody can tell when a photo
//! was changed: where both sides have one of their own both stay, unless the policy for conflicts names a side.
//!
//! Law: pure; a photo is never overwritten by one that was there before it, but where the policy says so.

use serde::{Deserialize, Serialize};

use super::{ConflictPolicy, Side};
use crate::mapping::{SitePhoto, SourceId};

/// In which directions photos are carried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PhotoPolicy {
    /// Not at all.
    #[default]
    Off,
    /// From Google to Dafater.
    Pull,
    /// From Dafater to Google.
    Push,
    /// Both ways.
    Both,
}

impl PhotoPolicy {
    /// Whether photos are carried to `side`.
    #[must_use]
    pub fn writes(self, side: Side) -> bool {
        match side {
            Side::Google => matches!(self, Self::Push | Self::Both),
            Side::Dafater => matches!(self, Self::Pull | Self::Both),
        }
    }
}

/// The photos of a pair as they were last seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictured {
    /// Google's contact. Of another one that took its place nothing is known.
    pub source: Option<SourceId>,
    /// Where Google's photo lay.
    pub google: Option<String>,
    /// Where Dafater's lay.
    pub dafater: Option<String>,
    /// Hash of the content that the sync carried last.
    pub hash: Option<String>,
    /// The side whose photo the sync put there.
    pub put: Option<Side>,
}

/// What happens to a photo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhotoAction {
    /// Nothing, and nothing new.
    Keep,
    /// It is only remembered what is there.
    Note,
    /// The other side's photo goes to this one.
    Carry(Side),
    /// The photo of this side goes, as the one it was made from is gone.
    Clear(Side),
    /// Both sides have a photo of their own, and both stay until one of them changes.
    Stay,
}

impl Pictured {
    /// What becomes of the photos, now that Google's lies at `google` and Dafater's is `dafater`.
    #[must_use]
    pub fn action(
        &self,
        google: Option<&str>,
        dafater: &SitePhoto,
        conflict: ConflictPolicy,
        may_write: impl Fn(Side) -> bool,
    ) -> PhotoAction {
        let (new_google, new_dafater) =
            (self.google.as_deref() != google, self.dafater.as_deref() != dafater.place());
        let is_ours = |side| self.put == Some(side);
        let carry = |to: Side| if may_write(to) { PhotoAction::Carry(to) } else { PhotoAction::Note };
        match (new_google, new_dafater) {
            (false, false) => PhotoAction::Keep,
            // Nobody can fetch what lies elsewhere, and nobody asked to replace it.
            _ if matches!(dafater, SitePhoto::Elsewhere(_)) => PhotoAction::Note,
            (true, false) => match google {
                Some(_) => carry(Side::Dafater),
                None if is_ours(Side::Dafater) && may_write(Side::Dafater) && *dafater != SitePhoto::None => {
                    PhotoAction::Clear(Side::Dafater)
                }
                None => PhotoAction::Note,
            },
            (false, true) => match dafater {
                SitePhoto::File(_) => carry(Side::Google),
                SitePhoto::None | SitePhoto::Elsewhere(_)
                    if is_ours(Side::Google) && may_write(Side::Google) && google.is_some() =>
                {
                    PhotoAction::Clear(Side::Google)
                }
                SitePhoto::None | SitePhoto::Elsewhere(_) => PhotoAction::Note,
            },
            (true, true) => match (google, dafater) {
                (Some(_), SitePhoto::File(_)) => match conflict {
                    ConflictPolicy::Dafater if may_write(Side::Google) => PhotoAction::Carry(Side::Google),
                    ConflictPolicy::Google if may_write(Side::Dafater) => PhotoAction::Carry(Side::Dafater),
                    ConflictPolicy::Dafater
                    | ConflictPolicy::Google
                    | ConflictPolicy::Newest
                    | ConflictPolicy::Manual => PhotoAction::Stay,
                },
                (None, SitePhoto::File(_)) => carry(Side::Google),
                (Some(_), SitePhoto::None | SitePhoto::Elsewhere(_)) => carry(Side::Dafater),
                (None, SitePhoto::None | SitePhoto::Elsewhere(_)) => PhotoAction::Note,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEWEST: ConflictPolicy = ConflictPolicy::Newest;

    fn file(place: &str) -> SitePhoto {
        SitePhoto::File(place.to_owned())
    }

    fn seen(google: Option<&str>, dafater: Option<&str>, put: Option<Side>) -> Pictured {
        let (google, dafater) = (google.map(str::to_owned), dafater.map(str::to_owned));
        Pictured { google, dafater, put, ..Pictured::default() }
    }

    #[test]
    fn an_empty_side_is_filled() {
        let first = Pictured::default();
        let both = |_| true;
        assert_eq!(
            first.action(Some("u1"), &SitePhoto::None, NEWEST, both),
            PhotoAction::Carry(Side::Dafater)
        );
        assert_eq!(first.action(None, &file("/f1"), NEWEST, both), PhotoAction::Carry(Side::Google));
        assert_eq!(first.action(None, &SitePhoto::None, NEWEST, both), PhotoAction::Keep);
        let pull = |side| side == Side::Dafater;
        assert_eq!(first.action(None, &file("/f1"), NEWEST, pull), PhotoAction::Note);
    }

    #[test]
    fn where_both_have_a_photo_of_their_own_both_stay_unless_the_policy_names_a_side() {
        let (pull, push, both) = (|side| side == Side::Dafater, |side| side == Side::Google, |_: Side| true);
        for known in [Pictured::default(), seen(Some("u0"), Some("/f0"), Some(Side::Google))] {
            let action = |conflict, may_write: &dyn Fn(Side) -> bool| {
                known.action(Some("u1"), &file("/f1"), conflict, may_write)
            };
            for conflict in [ConflictPolicy::Newest, ConflictPolicy::Manual] {
                assert_eq!(action(conflict, &both), PhotoAction::Stay);
            }
            assert_eq!(action(ConflictPolicy::Dafater, &both), PhotoAction::Carry(Side::Google));
            assert_eq!(action(ConflictPolicy::Google, &both), PhotoAction::Carry(Side::Dafater));
            assert_eq!(action(ConflictPolicy::Dafater, &pull), PhotoAction::Stay, "nothing is overwritten");
            assert_eq!(action(ConflictPolicy::Google, &push), PhotoAction::Stay);
        }
    }

    #[test]
    fn only_what_changed_is_carried_and_a_photo_takes_only_its_own_copy_with_it() {
        let both = |_| true;
        let known = seen(Some("u1"), Some("/f1"), Some(Side::Dafater));
        assert_eq!(known.action(Some("u1"), &file("/f1"), NEWEST, both), PhotoAction::Keep);
        assert_eq!(known.action(Some("u2"), &file("/f1"), NEWEST, both), PhotoAction::Carry(Side::Dafater));
        assert_eq!(known.action(Some("u1"), &file("/f2"), NEWEST, both), PhotoAction::Carry(Side::Google));
        assert_eq!(known.action(None, &file("/f1"), NEWEST, both), PhotoAction::Clear(Side::Dafater));
        assert_eq!(
            known.action(Some("u1"), &SitePhoto::None, NEWEST, both),
            PhotoAction::Note,
            "Google's is the original"
        );
        assert_eq!(
            known.action(None, &file("/f2"), NEWEST, both),
            PhotoAction::Carry(Side::Google),
            "an edit beats a deletion"
        );
    }

    #[test]
    fn a_photo_that_lies_elsewhere_is_left_alone() {
        let elsewhere = SitePhoto::Elsewhere("https://photos.example/1.png".to_owned());
        assert_eq!(Pictured::default().action(Some("u1"), &elsewhere, NEWEST, |_| true), PhotoAction::Note);
    }
}
