//! The command line: one file per command.
//!
//! A command that concerns accounts asks the running daemon; where none runs, it opens the store itself and does the same by the
//! same [`Operations`](crate::control::Operations). Law: what is printed on stdout is the answer and nothing else; whatever goes
//! wrong is one [`Failure`] on stderr with an exit code after sysexits.

mod arguments;
mod commands;
mod console;
mod context;
mod doctor;
mod likely_socket;
mod route;
mod surroundings;
mod table;
mod words;

use std::ffi::OsString;
use std::sync::Arc;

use clap::{CommandFactory as _, Parser as _};

pub use arguments::{Arguments, Color, Command, Global};
pub use console::Console;
use context::Context;

use crate::control::{Exit, Failure};
use crate::daemon::{Backend, Surroundings};

/// What the command line is given by `main`.
pub struct Wiring {
    /// What engines stand on.
    pub backend: Arc<dyn Backend>,
    /// Time and chance.
    pub surroundings: Surroundings,
    /// The environment of the process.
    pub environment: Vec<(OsString, OsString)>,
}

/// Parses the arguments and does what they say.
pub fn run(arguments: impl IntoIterator<Item = OsString>, wiring: Wiring, console: Console) -> Exit {
    let mut console = console;
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(answer) => return console.clap(&answer),
    };
    console.choose_color(arguments.global.color, &wiring.environment);
    let mut context = Context::new(arguments.global, wiring, console);
    match arguments.command.run(&mut context) {
        Ok(exit) => exit,
        Err(failure) => {
            context.console.fail(&failure);
            failure.exit
        }
    }
}

/// The definition of the command line, for man pages and completions.
#[must_use]
pub fn definition() -> clap::Command {
    Arguments::command()
}

/// The result of every command.
type Done = Result<Exit, Failure>;

#[cfg(test)]
mod tests;
