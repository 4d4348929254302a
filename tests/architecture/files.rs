//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A text file of the repository.
pub(crate) struct File {
    /// Its path below the root, with `/`.
    pub(crate) path: String,
    /// What it says.
    pub(crate) text: String,
}

impl File {
    pub(crate) fn read(path: &str) -> Self {
        let text = fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        Self { path: path.to_owned(), text }
    }

    /// The modules that lead to a source file: `src/google/oauth/mod.rs` gives `["google", "oauth"]`.
    pub(crate) fn modules(&self) -> Vec<&str> {
        let inner = self.path.strip_prefix("src/").and_then(|path| path.strip_suffix(".rs")).unwrap_or("");
        inner.split('/').filter(|part| !matches!(*part, "mod" | "lib" | "main" | "")).collect()
    }

    /// Whether the whole file is there for tests only.
    pub(crate) fn is_of_tests(&self) -> bool {
        self.modules().iter().any(|part| matches!(*part, "tests" | "testing") || part.ends_with("_tests"))
    }
}

/// Every Rust file under `src`.
pub(crate) fn sources() -> Vec<File> {
    let sources: Vec<File> = below("src").into_iter().filter(|file| is_rust(&file.path)).collect();
    assert!(sources.len() > 50, "src was not found whole: {} files", sources.len());
    sources
}

/// Every text file of the repository, without what is built, and what only one machine keeps.
pub(crate) fn all() -> Vec<File> {
    below("")
}

fn is_rust(path: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == "rs")
}

fn below(folder: &str) -> Vec<File> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() && !matches!(name.as_str(), "target" | ".git") {
                folders.push(entry.path());
            } else if kind.is_file() && name != ".git" {
                let path = entry.path();
                let relative = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                // What is no text holds no path of anybody.
                found.extend(fs::read_to_string(&path).ok().map(|text| File { path: relative, text }));
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

#[test]
fn a_file_knows_its_modules() {
    let modules = |path: &str| {
        let file = File { path: path.to_owned(), text: String::new() };
        file.modules().join("::")
    };
    assert_eq!(modules("src/google/oauth/mod.rs"), "google::oauth");
    assert_eq!(modules("src/account.rs"), "account");
    assert_eq!(modules("src/lib.rs"), "");
}
