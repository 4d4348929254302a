//! The `dafater-contactsd` binary: parse, call, exit code.

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;

use dafater_contactsd::cli::{self, Console, Wiring};
use dafater_contactsd::control::Exit;
use dafater_contactsd::daemon::{Surroundings, Workshop};
use dafater_contactsd::observe;
use dafater_contactsd::remote::SystemClock;

/// The system's allocator keeps what a run over all contacts needed for as long as the process lives; this one gives it back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    observe::report_panics();
    observe::forbid_core_dumps();
    let environment: Vec<_> = std::env::vars_os().collect();
    let credentials = environment.iter().find(|(name, _)| name == "CREDENTIALS_DIRECTORY");
    let credentials = credentials.map(|(_, directory)| directory.into());
    let wiring = Wiring {
        backend: Arc::new(Workshop::new(Arc::new(SystemClock), credentials)),
        surroundings: Surroundings::of_this_machine(),
        environment,
    };
    let command = AssertUnwindSafe(|| cli::run(std::env::args_os(), wiring, Console::of_process()));
    std::panic::catch_unwind(command).unwrap_or(Exit::Internal).into()
}
