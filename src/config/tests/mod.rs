//! Stories about configurations: what an operator writes, and what the daemon makes of it.

mod anything;
mod desk;
mod fields;
mod files;
mod findings;
mod manual;
mod precedence;
mod secrets;
mod shown;

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{Finding, Loaded, Refused, Severity, Sources, load};

/// A configuration directory of its own, with a main file, drop-ins, and whatever a story adds.
struct Etc {
    directory: tempfile::TempDir,
    environment: Vec<(OsString, OsString)>,
    set: Vec<String>,
}

/// A configuration without a mistake. It needs the file `secret`.
const VALID: &str = r#"
[dafater]
url = "https://erp.example.com"
api_key = "0123456789abcde"
api_secret_file = "DIR/secret"

[google]
client_id = "1.apps.googleusercontent.com"
client_secret_file = "DIR/secret"

[accounts.sales]
email_id = "sales@example.com"
"#;

impl Etc {
    /// Nothing but a file `secret`.
    fn empty() -> Self {
        let etc = Self { directory: tempfile::tempdir().unwrap(), environment: Vec::new(), set: Vec::new() };
        etc.write("secret", "s3cr3t-in-a-file\n");
        etc
    }

    /// The main file is `VALID`.
    fn valid() -> Self {
        let etc = Self::empty();
        etc.write("config.toml", VALID);
        etc
    }

    /// The main file is `VALID` and more.
    fn valid_and(more: &str) -> Self {
        let etc = Self::empty();
        etc.write("config.toml", &format!("{VALID}{more}"));
        etc
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file for its owner only. `DIR` stands for the directory.
    fn write(&self, name: &str, text: &str) {
        self.write_bytes(name, text.replace("DIR", self.directory.path().to_str().unwrap()).as_bytes());
    }

    fn write_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        self.permit(name, 0o600);
    }

    fn permit(&self, name: &str, mode: u32) {
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    fn set(mut self, argument: &str) -> Self {
        self.set.push(argument.to_owned());
        self
    }

    fn sources(&self) -> Sources {
        let mut sources = Sources::new(self.environment.clone(), None, self.set.clone());
        sources.directory = self.directory.path().to_owned();
        sources
    }

    fn load(&self) -> Result<Loaded, Refused> {
        load(&self.sources())
    }

    fn loaded(&self) -> Loaded {
        self.load().unwrap_or_else(|refused| panic!("{refused}"))
    }

    fn refused(&self) -> Vec<Finding> {
        self.load().map(|_| ()).unwrap_err().findings
    }

    /// Each error as `place: key: message`, the directory cut off.
    fn errors(&self) -> Vec<String> {
        let refused = self.refused();
        let errors = refused.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| self.line(finding)).collect()
    }

    fn warnings(&self) -> Vec<String> {
        self.loaded().warnings.iter().map(|finding| self.line(finding)).collect()
    }

    fn line(&self, finding: &Finding) -> String {
        let line = format!("{}: {}: {}", finding.place, finding.key, finding.message);
        self.without_directory(&line)
    }

    fn without_directory(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.directory.path().display()), "")
    }
}

/// The name of a file's directory is no part of a story.
fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}
