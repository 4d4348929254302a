//! Photos: carried after everything else, one by one, each with a back-off of its own.
//!
//! A photo that is to be carried is written down before anything is sent, and stays written down until it arrived. What was sent and never
//! answered is known again: whatever lies there since is our own.
//!
//! Law: a photo never fails a contact, and never holds up a run: so many a run, the others with the next ones.

mod apply;
mod plan;

pub(super) use self::plan::PhotoPlan;

/// Photos in one run.
const MOST: usize = 30;
/// A larger photo is not carried.
const LARGEST: usize = 5 * 1024 * 1024;

/// What a photo is, by its first bytes. API: Google takes JPEG and PNG.
fn kind_of(photo: &[u8]) -> Option<&'static str> {
    if photo.starts_with(b"\xff\xd8\xff") {
        Some("jpg")
    } else if photo.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("png")
    } else {
        None
    }
}
