//! `doctor`: a self-test with advice, and the repair of what a site lacks.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::cli::Done;
use crate::cli::console::{Console, Tone};
use crate::cli::context::Context;
use crate::cli::doctor::{self, Check, Fix, Grade, Key};
use crate::control::{Exit, Failure};

/// Test everything that a sync needs, and say what to do next
///
/// Nothing is changed, unless --fix is given: then the site gets a role with the least rights, which the daemon's user is given, and
/// a hidden, unique field of Contact that makes creates safe; its own Google integration is stopped for our accounts, and it gets the
/// webhooks of [dafater.webhook]. What is there is left as it is.
#[derive(Debug, Args)]
pub struct Doctor {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
    /// Make the role and the field that the site lacks, with the key of a System Manager
    #[arg(long, conflicts_with = "json")]
    fix: bool,
    /// File that holds the API key of a System Manager as KEY:SECRET; `-` is stdin; it is asked for when this is missing. It is used
    /// once and not kept
    #[arg(long, value_name = "FILE", requires = "fix", alias = "key-file")]
    system_manager_key_file: Option<PathBuf>,
    /// Do not ask before anything is made
    #[arg(long, requires = "fix")]
    yes: bool,
}

impl Doctor {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        if self.fix {
            return self.repair(context);
        }
        let checks = context.within_runtime(async |context| Ok(doctor::examine(context).await))?;
        if self.json {
            for check in &checks {
                context.console.line(serde_json::to_string(check).unwrap_or_default());
            }
        } else {
            print(&mut context.console, &checks);
        }
        Ok(checks.iter().map(|check| check.exit).max().unwrap_or(Exit::Ok))
    }

    fn repair(self, context: &mut Context) -> Done {
        let settings = context.load()?.settings;
        let key = if let Some(file) = &self.system_manager_key_file {
            read_key(&mut context.console, file)?
        } else {
            let question = "API key of a System Manager of the site, as KEY:SECRET (used once, not kept): ";
            let line = context.console.ask_secret(question).map(Zeroizing::new).map_err(|error| {
                Failure::new(Exit::Usage, "the key cannot be read").cause(error.to_string())
            })?;
            Key::read(&line)?
        };
        let is_sure = self.yes;
        context.within_runtime(async |context| {
            let fix = Fix::plan(&settings, key).await?;
            fix.show(&mut context.console);
            if fix.is_empty() {
                context.console.line("nothing is missing");
                return Ok(Exit::Ok);
            }
            if !is_sure && !agrees(&mut context.console)? {
                context.console.line("nothing was made");
                return Ok(Exit::Ok);
            }
            let console = &mut context.console;
            fix.carry_out(&mut |made| console.line(format!("made {made}"))).await?;
            console.note("`dafater-contactsd doctor` shows the rights that hold now; roles that the user needed before can be taken from it");
            Ok(Exit::Ok)
        })
    }
}

fn read_key(console: &mut Console, file: &Path) -> Result<Key, Failure> {
    let mut text = Zeroizing::new(String::new());
    let read = if file == Path::new("-") {
        console.input().read_to_string(&mut text)
    } else {
        File::open(file).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::new(Exit::Usage, format!("{} cannot be read", file.display())).cause(error.to_string())
    })?;
    Key::read(&text)
}

fn agrees(console: &mut Console) -> Result<bool, Failure> {
    let answer = console.ask("Make it? [y/N] ").map_err(|error| {
        Failure::new(Exit::Usage, "nobody answers; --yes agrees beforehand").cause(error.to_string())
    })?;
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

fn print(console: &mut Console, checks: &[Check]) {
    let width = checks.iter().map(|check| check.check.chars().count()).max().unwrap_or(0);
    let mut said = None;
    for check in checks {
        let (tone, word) = match check.grade {
            Grade::Ok => (Tone::Good, "OK"),
            Grade::Warn => (Tone::Warning, "WARN"),
            Grade::Fail => (Tone::Bad, "FAIL"),
        };
        let word = console.paint(tone, word, 4);
        console.line(format!("{word}  {:<width$}  {}", check.check, check.message));
        // Several checks in a row may ask for the same.
        if let Some(next) = check.next.as_ref().filter(|next| said != Some(*next)) {
            console.line(format!("      {:<width$}  -> {next}", ""));
        }
        said = check.next.as_ref();
    }
    let count = |grade| checks.iter().filter(|check| check.grade == grade).count();
    let (warnings, failures) = (count(Grade::Warn), count(Grade::Fail));
    console.line(format!("\n{} checks: {warnings} with advice, {failures} failed", checks.len()));
}
