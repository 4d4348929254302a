//! `store`: the state as lines, and its health.

use std::fs::File;
use std::io::{BufRead, BufReader, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Args, Subcommand};
use secrecy::SecretString;

use crate::cli::Done;
use crate::cli::context::Context;
use crate::cli::route::Route;
use crate::control::{Exit, Failure, Request};

/// Export, import, verify and rekey the store
#[derive(Debug, Args)]
pub struct Store {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Write the store as JSON lines; tokens stay sealed
    Export {
        /// File to create, readable by its owner only; stdout when it is missing
        file: Option<PathBuf>,
    },
    /// Fill an empty store from an export; the daemon must not run
    Import {
        /// The export; `-` is stdin
        file: PathBuf,
    },
    /// Read the whole store and report what is wrong with it
    Verify,
    /// Seal all tokens with another key
    Rekey {
        /// The key, as 32 bytes, hexadecimal or base64; `-` is stdin; a new one is made when it is missing
        #[arg(long, value_name = "FILE")]
        key_file: Option<PathBuf>,
    },
}

impl Store {
    pub(in crate::cli) fn run(self, context: &mut Context) -> Done {
        match self.action {
            Action::Export { file } => export(context, file.as_deref()),
            Action::Import { file } => import(context, &file),
            Action::Verify => context.ask(Request::StoreVerify {}, &mut |console, item| {
                console.line(item.as_str().unwrap_or_default());
                Ok(())
            }),
            Action::Rekey { key_file } => rekey(context, key_file.as_deref()),
        }
    }
}

fn rekey(context: &mut Context, file: Option<&Path>) -> Done {
    let key = match file {
        None => None,
        Some(file) => {
            let mut bytes = zeroize::Zeroizing::new(Vec::new());
            let read = if file == Path::new("-") {
                context.console.input().read_to_end(&mut bytes)
            } else {
                File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
            };
            read.map_err(|error| {
                Failure::new(Exit::Usage, format!("{} cannot be read", file.display()))
                    .cause(error.to_string())
            })?;
            // Bytes that are no text go in letters.
            let is_raw = bytes.len() == 32;
            let text =
                if is_raw { STANDARD.encode(&bytes) } else { String::from_utf8_lossy(&bytes).into_owned() };
            Some(SecretString::from(text))
        }
    };
    context.ask(Request::StoreRekey { key }, &mut |console, item| {
        console.line(item.as_str().unwrap_or_default());
        Ok(())
    })
}

fn export(context: &mut Context, file: Option<&Path>) -> Done {
    let Some(path) = file else {
        return context.ask(Request::StoreExport {}, &mut |console, item| {
            writeln!(console.out(), "{}", item.as_str().unwrap_or_default()).ok();
            Ok(())
        });
    };
    let cannot = |error: std::io::Error| {
        Failure::new(Exit::CannotCreate, format!("the export cannot be written to {}", path.display()))
            .cause(error.to_string())
    };
    let created = File::options().write(true).create_new(true).mode(0o600).open(path).map_err(cannot)?;
    let mut out = std::io::BufWriter::new(created);
    let exit = context.ask(Request::StoreExport {}, &mut |_, item| {
        writeln!(out, "{}", item.as_str().unwrap_or_default()).map_err(cannot)
    })?;
    out.into_inner().map_err(|error| cannot(error.into_error()))?.sync_all().map_err(cannot)?;
    Ok(exit)
}

fn import(context: &mut Context, file: &Path) -> Done {
    let lines: Box<dyn BufRead + Send> = if file == Path::new("-") {
        context.console.input()
    } else {
        let file = File::open(file).map_err(|error| {
            Failure::new(Exit::Usage, format!("{} cannot be read", file.display())).cause(error.to_string())
        })?;
        Box::new(BufReader::new(file))
    };
    let settings = context.load()?.settings;
    let imported = context.within_runtime(async |context| {
        if Route::find_daemon(context).await.is_ok() {
            return Err(Failure::new(Exit::TryAgain, "the daemon is running and has the store locked")
                .hint("stop it first: systemctl stop dafater-contactsd"));
        }
        context.backend.import(&settings, lines).await
    })?;
    context.console.line(imported);
    Ok(Exit::Ok)
}
