//! `explain`: what a code in the log means, and what to do.

use clap::Args;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::control::{Exit, Failure};
use crate::observe;

/// Explain the code of a warning or error
#[derive(Debug, Args)]
pub struct Explain {
    /// The code, as in CD0302; without one, all codes are listed
    code: Option<String>,
}

impl Explain {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let Some(code) = self.code else {
            for entry in observe::CATALOGUE.iter().filter(|entry| !entry.code.is_empty()) {
                context.console.line(format!("{}  {}", entry.code, entry.message));
            }
            return Ok(Exit::Ok);
        };
        let entry = observe::explain(&code).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("there is no code `{code}`"))
                .hint("`dafater-contactsd explain` lists all codes")
        })?;
        let level = entry.level.to_string().to_lowercase();
        context.console.line(format!("{} ({level}, event {})", entry.code, entry.name));
        context.console.line(format!("\n{}\n\n{}", entry.message, entry.remedy));
        context.console.line(format!("\njournalctl MESSAGE_ID={}", entry.message_id));
        Ok(Exit::Ok)
    }
}
