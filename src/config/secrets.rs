//! Finds the secrets: written in the configuration, in a file of their own, or as a systemd credential.
//!
//! Law: exactly one of the three, and what was found is never shown again.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::finding::Finding;
use super::kind::Kind;
use super::layers::{hint, reason};
use super::layout::ACCOUNTS;
use super::place::Place;
use super::sources::Sources;
use super::tree::{Entry, KeyPath, Table, Value};

/// A secret, and the names of the three ways to give it.
pub(super) struct SecretKey {
    /// The table that it belongs to.
    pub(super) table: KeyPath,
    /// The key for the secret itself; the key for its file is the same with `_file`.
    pub(super) key: &'static str,
    /// The systemd credential.
    pub(super) credential: String,
    /// What it is, in a clause.
    pub(super) what: String,
}

impl SecretKey {
    fn new(table: KeyPath, key: &'static str, credential: &str, what: &str) -> Self {
        Self { table, key, credential: credential.to_owned(), what: what.to_owned() }
    }

    /// The secret of the Dafater user.
    pub(super) fn api() -> Self {
        Self::new(KeyPath::new(["dafater"]), API_SECRET, "dafater-api-secret", "the API secret")
    }

    /// The secret of the OAuth client.
    pub(super) fn client() -> Self {
        Self::new(KeyPath::new(["google"]), CLIENT_SECRET, "google-client-secret", "the client secret")
    }

    /// The secret that webhooks are signed with.
    pub(super) fn webhook() -> Self {
        let table = KeyPath::new(["dafater", WEBHOOK]);
        Self::new(table, WEBHOOK_SECRET, "dafater-webhook-secret", "the secret of the webhook")
    }

    /// The secret of the Dafater user of one account.
    pub(super) fn of_account(name: &str) -> Self {
        let credential = format!("dafater-api-secret-{name}");
        let what = format!("the API secret of account {name}");
        Self::new(KeyPath::new([ACCOUNTS, name]), API_SECRET, &credential, &what)
    }

    /// The path of the setting.
    pub(super) fn path(&self) -> KeyPath {
        self.table.join(self.key)
    }
}

/// The key of an API secret.
pub(super) const API_SECRET: &str = "api_secret";
/// The key of the client secret.
pub(super) const CLIENT_SECRET: &str = "client_secret";
/// The table of the webhook, within its section.
pub(super) const WEBHOOK: &str = "webhook";
/// The key of its secret.
pub(super) const WEBHOOK_SECRET: &str = "secret";

/// A secret that was found.
#[derive(Clone)]
pub(super) struct Found {
    /// The secret.
    pub(super) secret: SecretString,
    /// Where it stands.
    pub(super) place: Place,
}

impl Found {
    /// The secret in the clear, on its way into the struct that hides it again.
    pub(super) fn value(&self) -> Value {
        Value::Text(self.secret.expose_secret().to_owned())
    }
}

/// One of the ways in which a secret is given.
enum Way<'a> {
    Literal(&'a Entry),
    File(&'a Entry),
    Credential(PathBuf),
}

impl SecretKey {
    /// Finds the secret in `table`, or says what is wrong. `None` without a finding: its value was already found wrong.
    pub(super) fn resolve(
        &self,
        table: &Table,
        sources: &Sources,
        missing_at: Option<&Place>,
        findings: &mut Vec<Finding>,
    ) -> Option<Found> {
        let path = self.path();
        let mut ways = self.ways(table, sources);
        if ways.len() > 1 {
            findings.push(self.given_twice(&ways, &path));
            return None;
        }
        match ways.pop() {
            None => {
                let place = missing_at?;
                let message = format!("{} is set nowhere", self.what);
                findings.push(Finding::error(place, &path, message).hint(format!(
                    "set `{key}_file` or `{key}` in {table}, or give the systemd credential `{credential}`",
                    key = self.key,
                    table = self.table.heading(),
                    credential = self.credential
                )));
                None
            }
            Some(Way::Literal(entry)) => {
                let text = entry.value.as_text().filter(|_| Kind::Secret.fault(&entry.value).is_none())?;
                Some(Found { secret: text.into(), place: entry.place.clone() })
            }
            Some(Way::File(entry)) => {
                let file = Path::new(entry.value.as_text().filter(|file| !file.is_empty())?);
                let path = self.table.join(&self.file_key());
                let secret = self.read(file, &entry.place, &path, findings)?;
                Some(Found { secret, place: entry.place.clone() })
            }
            Some(Way::Credential(file)) => {
                let place = Place::Credential { path: file.clone() };
                let text = self.checked(read_file(&file), &file, &place, &path, findings)?;
                Some(Found { secret: text.as_str().into(), place })
            }
        }
    }

    fn file_key(&self) -> String {
        format!("{}_file", self.key)
    }

    /// Whether systemd gives it.
    pub(super) fn is_credential(&self, sources: &Sources) -> bool {
        self.credential_file(sources).is_some()
    }

    fn credential_file(&self, sources: &Sources) -> Option<PathBuf> {
        let file = sources.credentials_directory()?.join(&self.credential);
        file.symlink_metadata().is_ok().then_some(file)
    }

    fn ways<'a>(&self, table: &'a Table, sources: &Sources) -> Vec<Way<'a>> {
        let credential = self.credential_file(sources);
        let literal = table.get(self.key).map(Way::Literal);
        let file = table.get(&self.file_key()).map(Way::File);
        [literal, file, credential.map(Way::Credential)].into_iter().flatten().collect()
    }

    fn given_twice(&self, ways: &[Way<'_>], path: &KeyPath) -> Finding {
        let mut place = Place::Default;
        let mut told = Vec::new();
        for way in ways {
            told.push(match way {
                Way::Literal(entry) => {
                    place = entry.place.clone();
                    format!("`{}` ({})", self.key, entry.place)
                }
                Way::File(entry) => {
                    place = entry.place.clone();
                    format!("`{}` ({})", self.file_key(), entry.place)
                }
                Way::Credential(_) => format!("the systemd credential `{}`", self.credential),
            });
        }
        let message = format!("{} is given {} times: {}", self.what, ways.len(), told.join(", "));
        Finding::error(&place, path, message).hint("keep exactly one of them")
    }

    fn read(
        &self,
        file: &Path,
        place: &Place,
        path: &KeyPath,
        findings: &mut Vec<Finding>,
    ) -> Option<SecretString> {
        let read = read_file(file);
        if let Ok((_, mode)) = &read {
            findings.extend(readable_by_all(file, *mode, place, path));
        }
        let text = self.checked(read, file, place, path, findings)?;
        Some(text.as_str().into())
    }

    /// The secret without the end of its line, if it can be one.
    fn checked(
        &self,
        read: io::Result<(Zeroizing<String>, u32)>,
        file: &Path,
        place: &Place,
        path: &KeyPath,
        findings: &mut Vec<Finding>,
    ) -> Option<Zeroizing<String>> {
        let refuse = |message: String| Finding::error(place, path, message);
        match read {
            Err(error) => {
                let message = format!("cannot read {} from {}: {}", self.what, told(file), reason(&error));
                findings.push(refuse(message).maybe_hint(hint(&error)));
                None
            }
            Ok((text, _)) => {
                let text = Zeroizing::new(text.trim().to_owned());
                if text.is_empty() {
                    findings.push(refuse(format!("{} holds no secret: it is empty", told(file))));
                    return None;
                }
                if !text.chars().all(|c| c.is_ascii_graphic()) {
                    let message = format!("{} does not hold {}", told(file), self.what);
                    findings.push(refuse(message).hint(
                        "the file must hold the secret and nothing else: one line of visible ASCII characters",
                    ));
                    return None;
                }
                Some(text)
            }
        }
    }
}

/// Reads the key file of a service account.
pub(super) fn service_account(entry: &Entry, findings: &mut Vec<Finding>) -> Option<(PathBuf, SecretString)> {
    let file = Path::new(entry.value.as_text().filter(|file| !file.is_empty())?);
    let path = KeyPath::new(["google", "service_account_file"]);
    match read_file(file) {
        Err(error) => {
            let message = format!("cannot read the service account from {}: {}", told(file), reason(&error));
            findings.push(Finding::error(&entry.place, &path, message).maybe_hint(hint(&error)));
            None
        }
        Ok((text, mode)) => {
            findings.extend(readable_by_all(file, mode, &entry.place, &path));
            if !is_service_account(&text) {
                let message = format!("{} is not the key file of a service account", told(file));
                findings.push(Finding::error(&entry.place, &path, message).hint(
                    "Google offers it as a JSON file, with `client_email` and `private_key`, when a key is created",
                ));
                return None;
            }
            Some((file.to_owned(), text.as_str().into()))
        }
    }
}

fn is_service_account(text: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct KeyFile<'a> {
        #[serde(borrow)]
        client_email: std::borrow::Cow<'a, str>,
        #[serde(borrow)]
        private_key: std::borrow::Cow<'a, str>,
    }
    serde_json::from_str::<KeyFile<'_>>(text).is_ok_and(|key| {
        let KeyFile { client_email, private_key } = key;
        !client_email.is_empty() && Zeroizing::new(private_key.into_owned()).contains("PRIVATE KEY")
    })
}

fn readable_by_all(file: &Path, mode: u32, place: &Place, path: &KeyPath) -> Option<Finding> {
    (mode & 0o004 != 0).then(|| {
        let message = format!("everybody may read the secret in {} (mode {mode:04o})", told(file));
        Finding::warning(place, path, message).hint(format!("chmod 600 {}", told(file)))
    })
}

/// The file in a message. A name that is no full path may be the secret itself, written to the wrong key.
fn told(file: &Path) -> String {
    if file.is_absolute() { file.display().to_string() } else { "the file that it names".to_owned() }
}

/// The text of a file and its permissions.
fn read_file(path: &Path) -> io::Result<(Zeroizing<String>, u32)> {
    const LARGEST: u64 = 64 * 1024;
    let file = File::open(path)?;
    let mode = file.metadata()?.mode() & 0o777;
    let mut text = Zeroizing::new(String::new());
    file.take(LARGEST + 1).read_to_string(&mut text)?;
    if u64::try_from(text.len()).is_ok_and(|length| length > LARGEST) {
        return Err(io::Error::from(io::ErrorKind::FileTooLarge));
    }
    Ok((text, mode))
}
