//! `check-config`: every finding of every layer, and of what the configuration points at.

use clap::Args;
use serde_json::Value;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::cli::surroundings;
use crate::config;
use crate::control::{Exit, Failure};

/// Check the configuration
#[derive(Debug, Args)]
pub struct CheckConfig {
    /// Check what it points at, too: the state directory, and whether the remotes can be reached
    #[arg(long)]
    environment: bool,
    /// One JSON object
    #[arg(long, conflicts_with = "quiet")]
    json: bool,
    /// Say nothing if the configuration can be used
    #[arg(long, short)]
    quiet: bool,
}

impl CheckConfig {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        let answer = config::check_config(&context.sources, self.json);
        let failures = if answer.accepted && self.environment { examine(context)? } else { Vec::new() };
        if self.json {
            context.console.text(&with_environment(answer.text, &failures));
        } else if !answer.accepted {
            context.console.note(answer.text.trim_end());
        } else if !self.quiet {
            context.console.text(&answer.text);
        }
        if !self.json {
            for failure in &failures {
                context.console.fail(failure);
            }
        }
        if !answer.accepted {
            return Ok(Exit::Configuration);
        }
        Ok(failures.iter().map(|failure| failure.exit).max().unwrap_or(Exit::Ok))
    }
}

fn examine(context: &mut Context) -> Result<Vec<Failure>, Failure> {
    let settings = context.load()?.settings;
    context.within_runtime(async |_| Ok(surroundings::examine(&settings).await))
}

/// The answer, with what was found around it.
fn with_environment(text: String, failures: &[Failure]) -> String {
    match (serde_json::from_str::<Value>(&text), serde_json::to_value(failures)) {
        (Ok(Value::Object(mut answer)), Ok(failures)) if failures != Value::Array(Vec::new()) => {
            answer.insert("environment".to_owned(), failures);
            format!("{:#}\n", Value::Object(answer))
        }
        _ => text,
    }
}
