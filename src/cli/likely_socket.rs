//! Where the daemon's socket probably is when the configuration on disk cannot be used.
//!
//! Commands must reach a running daemon just then: to ask for its state, and to hear why a reload is refused. So the layers are looked
//! through for this one key, and what else they say does not matter.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use crate::config::Sources;

/// The path that the highest layer names which can be read at all.
pub(super) fn likely_socket(sources: &Sources) -> PathBuf {
    let from_arguments = sources.set.iter().rev().find_map(|argument| {
        let (key, value) = argument.split_once('=')?;
        (key.trim() == "control.socket").then(|| unquoted(value))
    });
    let variable = sources.environment.get(OsStr::new("DAFATER_CONTACTSD_CONTROL__SOCKET"));
    from_arguments
        .or_else(|| variable.and_then(|value| value.to_str()).map(unquoted))
        .or_else(|| drop_ins(&sources.drop_ins()).iter().rev().find_map(|file| in_file(file)))
        .or_else(|| in_file(&sources.main_file()))
        .unwrap_or_else(|| usual(sources))
}

fn usual(sources: &Sources) -> PathBuf {
    let directory = sources.runtime_directory().unwrap_or_else(|| Path::new("/run/dafater-contactsd"));
    directory.join("control.sock")
}

fn drop_ins(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new("toml")) && path.is_file())
        .collect();
    files.sort();
    files
}

fn in_file(path: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(path).ok()?;
    let Ok(table) = text.parse::<toml::Table>() else { return in_broken(&text) };
    table.get("control")?.get("socket")?.as_str().map(PathBuf::from)
}

/// A file that is no TOML as a whole is looked through line by line.
fn in_broken(text: &str) -> Option<PathBuf> {
    let mut heading = "";
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            heading = line;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let key = key.trim();
        if key == "control.socket" && heading.is_empty()
            || key == "socket" && heading.starts_with("[control]")
        {
            return Some(unquoted(value));
        }
    }
    None
}

/// The text between quotes, or all of it.
fn unquoted(value: &str) -> PathBuf {
    let value = value.trim();
    let inner = value.strip_prefix(['"', '\'']).and_then(|rest| rest.split(['"', '\'']).next());
    PathBuf::from(inner.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(main: &str, drop_in: &str, set: &[&str]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let config = directory.path().join("config.toml");
        fs::write(&config, main).unwrap();
        fs::create_dir(directory.path().join("conf.d")).unwrap();
        fs::write(directory.path().join("conf.d/10.toml"), drop_in).unwrap();
        let set = set.iter().map(|argument| (*argument).to_owned()).collect();
        likely_socket(&Sources::new([], Some(config), set)).display().to_string()
    }

    const MAIN: &str = "bogus = 1\n[control]\nsocket = \"/a/control.sock\" # here\n";

    #[test]
    fn the_highest_layer_that_names_it_wins() {
        assert_eq!(found("", "", &[]), "/run/dafater-contactsd/control.sock");
        assert_eq!(found(MAIN, "", &[]), "/a/control.sock");
        assert_eq!(found(MAIN, "control.socket = '/b'", &[]), "/b");
        assert_eq!(found(MAIN, "control.socket = '/b'", &["x=1", "control.socket=/c"]), "/c");
    }

    #[test]
    fn it_is_found_in_a_file_that_is_no_toml() {
        assert_eq!(found(&format!("{MAIN}[accounts.sales\n"), "", &[]), "/a/control.sock");
        assert_eq!(found("[[\ncontrol.socket = \"/x\"", "", &[]), "/run/dafater-contactsd/control.sock");
        assert_eq!(found(MAIN, "broken", &[]), "/a/control.sock");
    }
}
