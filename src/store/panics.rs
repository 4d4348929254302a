//! Panics of the engine, turned into errors.
//!
//! The engine panics on damaged files. What it would print may quote stored entries, so only the place in its source is kept.
//!
//! Law: nothing that runs inside [`caught`] unwinds out of it or prints.

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs `work`; a panic becomes the place where it happened.
pub(super) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    install_hook();
    let watched_before = WATCHED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    WATCHED.set(watched_before);
    result.map_err(|payload| {
        // A payload may own anything; it goes where its own drop cannot hurt.
        drop(panic::catch_unwind(AssertUnwindSafe(|| drop(payload))));
        PLACE.with_borrow(|place| format!("the engine gave up at {place}"))
    })
}

/// Makes the process-wide hook silent on threads that are being watched; elsewhere it does what it did before.
fn install_hook() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !WATCHED.get() {
                return before(info);
            }
            let place = info.location().map_or_else(String::new, |at| {
                let file = at.file().rsplit_once("src/").map_or(at.file(), |(_, file)| file);
                format!("{file}:{}", at.line())
            });
            PLACE.replace(place);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_its_place_without_its_words() {
        let error = caught(|| panic!("Ada, +966 50 123 4567")).unwrap_err();
        assert!(error.starts_with("the engine gave up at store/panics.rs:"), "{error}");
        assert_eq!(caught(|| 7), Ok(7));
    }
}
