//! Reads the layers: compiled-in defaults, main file, drop-ins, environment, command line.
//!
//! Law: a layer that cannot be read is a finding, and the others are read all the same.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::document::{parse_file, parse_key, parse_value};
use super::finding::{Finding, quoted};
use super::kind::Kind;
use super::layout::{ACCOUNTS, compiled_in, key_at};
use super::place::{Place, position};
use super::sources::Sources;
use super::tree::{Entry, KeyPath, Table, Value};

/// Settings that come from one place.
pub(super) struct Layer {
    /// What they set.
    pub(super) table: Table,
    /// Whether other users than its owner may read where they stand.
    pub(super) exposure: Exposure,
}

/// Who, beside the owner, may read a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposure {
    /// Nobody, as far as permissions tell.
    Private,
    /// A file that its group or everybody may read, with its mode.
    Readable(u32),
    /// An environment variable or an argument, which tools for looking at processes show.
    Process,
}

/// All layers, lowest first.
pub(super) struct Layers {
    /// The layers that could be read.
    pub(super) readable: Vec<Layer>,
    /// The files that make up the configuration, also those that could not be read.
    pub(super) files: Vec<PathBuf>,
    /// Files beside the drop-ins that are none: hidden ones, backups.
    pub(super) skipped: Vec<PathBuf>,
    /// Whether every layer could be read, so that what is nowhere is truly missing.
    pub(super) complete: bool,
    /// What is wrong with the layers that could not be read.
    pub(super) findings: Vec<Finding>,
}

/// Reads every layer of `sources`.
pub(super) fn read(sources: &Sources) -> Layers {
    let mut reading = Layers {
        readable: Vec::new(),
        files: Vec::new(),
        skipped: Vec::new(),
        complete: true,
        findings: Vec::new(),
    };
    reading.push(compiled_in(), Exposure::Private);
    reading.push_directories(sources);
    reading.read_files(sources);
    reading.read_environment(sources);
    for (index, argument) in sources.set.iter().enumerate() {
        reading.read_set(index + 1, argument);
    }
    reading
}

impl Layers {
    fn push(&mut self, table: Table, exposure: Exposure) {
        self.readable.push(Layer { table, exposure });
    }

    fn refuse(&mut self, place: &Place, message: impl Into<String>, hint: Option<String>) {
        self.complete = false;
        self.findings.push(Finding::error(place, &KeyPath::default(), message).maybe_hint(hint));
    }

    /// What systemd says about directories counts as a default that any file may override.
    fn push_directories(&mut self, sources: &Sources) {
        let socket = sources.runtime_directory().map(|directory| directory.join("control.sock"));
        let directories = [
            ("STATE_DIRECTORY", ["store", "path"], sources.state_directory().map(Path::to_owned)),
            ("RUNTIME_DIRECTORY", ["control", "socket"], socket),
        ];
        for (variable, path, directory) in directories {
            let Some(directory) = directory else { continue };
            let place = Place::Environment { variable: variable.to_owned() };
            match directory.to_str() {
                Some(text) => {
                    let table = nested(&path.map(str::to_owned), Value::Text(text.to_owned()), &place);
                    self.push(table, Exposure::Private);
                }
                None => self.refuse(&place, "the directory's path is not UTF-8", None),
            }
        }
    }

    fn read_files(&mut self, sources: &Sources) {
        let main = sources.main_file();
        match read_text(&main) {
            // The default main file may be absent; what then is missing is said where it is missed.
            Err(Unreadable::Io(error))
                if error.kind() == io::ErrorKind::NotFound && sources.config.is_none() => {}
            text => self.read_file(&main, text),
        }
        match self.drop_ins(&sources.drop_ins()) {
            Ok(paths) => {
                for path in paths {
                    // A pipe may stand for the main file (`--config <(…)`); as a drop-in it would only block the daemon.
                    if path.metadata().is_ok_and(|about| !about.is_file() && !about.is_dir()) {
                        self.files.push(path.clone());
                        self.refuse(&Place::whole(&path), "the drop-in is not a regular file", None);
                        continue;
                    }
                    let text = read_text(&path);
                    self.read_file(&path, text);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let place = Place::whole(&sources.drop_ins());
                self.refuse(&place, format!("cannot list the drop-ins: {}", reason(&error)), hint(&error));
            }
        }
    }

    /// The drop-ins in byte order of their names.
    fn drop_ins(&mut self, directory: &Path) -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default();
            let hidden = name.as_bytes().starts_with(b".");
            if path.extension() == Some(OsStr::new("toml")) && !hidden {
                paths.push(path);
            } else {
                self.skipped.push(path);
            }
        }
        self.skipped.sort();
        paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
        Ok(paths)
    }

    fn read_file(&mut self, path: &Path, text: Result<(String, Exposure), Unreadable>) {
        self.files.push(path.to_owned());
        match text {
            Ok((text, exposure)) => {
                let text = text.strip_prefix('\u{FEFF}').unwrap_or(&text);
                match parse_file(path, text) {
                    Ok(table) => self.push(table, exposure),
                    Err(error) => {
                        let place = Place::File { path: path.to_owned(), position: error.position };
                        self.refuse(&place, format!("the file is not TOML: {}", error.message), None);
                    }
                }
            }
            Err(Unreadable::Io(error)) => {
                let message = format!("cannot read the configuration: {}", reason(&error));
                self.refuse(&Place::whole(path), message, hint(&error));
            }
            Err(Unreadable::TooLarge) => {
                let message = format!("the file is larger than {} KiB", LARGEST / 1024);
                let hint = "is this a configuration of dafater-contactsd?".to_owned();
                self.refuse(&Place::whole(path), message, Some(hint));
            }
            Err(Unreadable::NotUtf8 { before }) => {
                let position = position(&before, before.len());
                let place = Place::File { path: path.to_owned(), position: Some(position) };
                self.refuse(&place, "the file is not UTF-8", Some("save it as UTF-8".to_owned()));
            }
        }
    }

    fn read_environment(&mut self, sources: &Sources) {
        for (variable, value) in &sources.environment {
            let Some(name) = variable.as_bytes().strip_prefix(PREFIX.as_bytes()) else { continue };
            let place = Place::Environment { variable: variable.to_string_lossy().into_owned() };
            let (Ok(name), Some(value)) = (std::str::from_utf8(name), value.to_str()) else {
                self.refuse(&place, "the variable is not UTF-8", None);
                continue;
            };
            let path: Vec<String> = name.split("__").map(str::to_lowercase).collect();
            if path.iter().any(String::is_empty) || path.len() > DEEPEST {
                let hint = format!("write {PREFIX}TABLE__KEY, such as {PREFIX}DAFATER__URL");
                self.refuse(&place, "the variable names no key", Some(hint));
                continue;
            }
            let path = self.with_account_as_written(path);
            self.push_text(&path, value, &place);
        }
    }

    /// Variables are lower-cased, names of accounts are not: the name is the one that a file wrote, if it differs in case only.
    fn with_account_as_written(&self, mut path: Vec<String>) -> Vec<String> {
        if let [table, name, ..] = path.as_mut_slice()
            && table == ACCOUNTS
        {
            let accounts =
                self.readable.iter().filter_map(|layer| layer.table.get(ACCOUNTS)?.value.as_table());
            let mut alike = accounts.flat_map(Table::keys).filter(|written| written.to_lowercase() == *name);
            let first = alike.next().cloned();
            if let Some(first) = first.filter(|first| alike.all(|other| other == first)) {
                *name = first;
            }
        }
        path
    }

    fn read_set(&mut self, number: usize, argument: &str) {
        // What stands behind the sign may be a secret, and so may all of it if there is no sign.
        let parsed = split_setting(argument);
        let Some((path, value)) = parsed else {
            let written = argument.split_once('=').map(|(key, _)| quoted(key.trim()));
            let which = written.unwrap_or_else(|| format!("number {number}"));
            let place = Place::CommandLine { argument: format!("--set {which}") };
            let hint = "write --set key.path=value, such as --set log.level=debug".to_owned();
            self.refuse(&place, "the argument is not of the form key.path=value", Some(hint));
            return;
        };
        let place = Place::CommandLine {
            argument: format!("--set {}", KeyPath::new(path.iter().map(String::as_str))),
        };
        self.push_text(&path, value, &place);
    }

    fn push_text(&mut self, path: &[String], raw: &str, place: &Place) {
        let value = match key_at(path).map(|key| key.kind) {
            Some(kind) => kind.read(raw, place),
            None => parse_value(raw, place).unwrap_or_else(|| Kind::Text.read(raw, place)),
        };
        self.push(nested(path, value, place), Exposure::Process);
    }
}

/// `key.path=value`; the key may have quoted names with dots and signs in them.
fn split_setting(argument: &str) -> Option<(Vec<String>, &str)> {
    argument
        .match_indices('=')
        .find_map(|(at, _)| Some((parse_key(argument.get(..at)?)?, argument.get(at + 1..)?.trim())))
}

/// A table that holds just `value`, at `path`.
fn nested(path: &[String], value: Value, place: &Place) -> Table {
    let mut table = Table::new();
    if let Some((first, rest)) = path.split_first() {
        let value = if rest.is_empty() { value } else { Value::Table(nested(rest, value, place)) };
        table.insert(first.clone(), Entry { place: place.clone(), value });
    }
    table
}

enum Unreadable {
    Io(io::Error),
    TooLarge,
    NotUtf8 { before: String },
}

fn read_text(path: &Path) -> Result<(String, Exposure), Unreadable> {
    let file = File::open(path).map_err(Unreadable::Io)?;
    let mode = file.metadata().map_err(Unreadable::Io)?.mode();
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(Unreadable::Io)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > LARGEST) {
        return Err(Unreadable::TooLarge);
    }
    let exposure = if mode & 0o044 == 0 { Exposure::Private } else { Exposure::Readable(mode & 0o777) };
    match String::from_utf8(bytes) {
        Ok(text) => Ok((text, exposure)),
        Err(error) => {
            let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            Err(Unreadable::NotUtf8 { before: String::from_utf8_lossy(valid).into_owned() })
        }
    }
}

/// The cause in plain words, without the number that the operating system gives it.
pub(super) fn reason(error: &io::Error) -> String {
    let kind = error.kind();
    if kind == io::ErrorKind::NotFound { "there is no such file".to_owned() } else { kind.to_string() }
}

/// What to do about it, where there is an answer.
pub(super) fn hint(error: &io::Error) -> Option<String> {
    (error.kind() == io::ErrorKind::PermissionDenied)
        .then(|| "run the command as the service's user, or let that user read it".to_owned())
}

const PREFIX: &str = "DAFATER_CONTACTSD_";
/// Deeper than any key, shallow enough for what walks a tree.
const DEEPEST: usize = 16;
/// Larger than any configuration, small enough to refuse a device or a database given by mistake.
const LARGEST: u64 = 1024 * 1024;
