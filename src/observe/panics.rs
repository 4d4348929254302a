//! Panics as events.

use std::panic::{self, PanicHookInfo};

use super::events;

/// From now on a panic is one event with its place. Its message may repeat contact data and stays at `debug`.
pub fn report_panics() {
    panic::set_hook(Box::new(report));
}

fn report(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|place| format!("{}:{}", place.file(), place.line())).unwrap_or_default();
    events::Panicked { place }.emit();
    let payload = info.payload();
    let message = payload.downcast_ref::<String>().map(String::as_str);
    if let Some(message) = message.or_else(|| payload.downcast_ref::<&str>().copied()) {
        events::PanicMessage { panic: message.to_owned() }.emit();
    }
}
