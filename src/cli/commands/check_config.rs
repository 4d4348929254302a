//! `check-config`: every finding of every layer, and of what the configuration points at.

use clap::Args;
use serde_json::Value;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::cli::doctor::{self, Check, Grade};
use crate::cli::surroundings;
use crate::config;
use crate::control::{Exit, Failure};

/// Check the configuration
#[derive(Debug, Args)]
pub struct CheckConfig {
    /// Check what it points at, too: the state directory, whether the remotes can be reached, and what the site's user may do
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
        let (failures, rights) =
            if answer.accepted && self.environment { examine(context)? } else { (Vec::new(), Vec::new()) };
        if self.json {
            context.console.text(&with_environment(answer.text, &failures, &rights));
        } else if !answer.accepted {
            context.console.note(answer.text.trim_end());
        } else if !self.quiet {
            context.console.text(&answer.text);
        }
        if !self.json {
            for failure in &failures {
                context.console.fail(failure);
            }
            for right in &rights {
                match right.grade {
                    Grade::Ok => {}
                    Grade::Warn => context.console.note(format!("note: {}: {}", right.check, right.message)),
                    Grade::Fail => context.console.fail(&right.failure()),
                }
            }
        }
        if !answer.accepted {
            return Ok(Exit::Configuration);
        }
        let exits = failures.iter().map(|failure| failure.exit).chain(rights.iter().map(|right| right.exit));
        Ok(exits.max().unwrap_or(Exit::Ok))
    }
}

/// What keeps the daemon from working, and what its user may do on the site.
fn examine(context: &mut Context) -> Result<(Vec<Failure>, Vec<Check>), Failure> {
    let settings = context.load()?.settings;
    context.within_runtime(async |_| {
        let mut failures = surroundings::examine(&settings).await;
        let is_reached = failures.iter().all(|failure| !failure.message.contains("`dafater.url`"));
        let rights = if is_reached { doctor::rights(&settings).await } else { Ok(Vec::new()) };
        let rights = rights.unwrap_or_else(|failure| {
            failures.push(failure);
            Vec::new()
        });
        Ok((failures, rights))
    })
}

/// The answer, with what was found around it.
fn with_environment(text: String, failures: &[Failure], rights: &[Check]) -> String {
    let Ok(Value::Object(mut answer)) = serde_json::from_str::<Value>(&text) else { return text };
    for (key, found) in
        [("environment", serde_json::to_value(failures)), ("rights", serde_json::to_value(rights))]
    {
        if let Ok(found) = found
            && found != Value::Array(Vec::new())
        {
            answer.insert(key.to_owned(), found);
        }
    }
    format!("{:#}\n", Value::Object(answer))
}
