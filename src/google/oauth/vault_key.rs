//! The key of the vault: 32 bytes in a file that only we may read, or given by systemd.

use std::fmt;
use std::fs::{File, OpenOptions, hard_link, remove_file};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::OsRng;
use chacha20poly1305::aead::rand_core::RngCore as _;
use zeroize::Zeroizing;

/// Seals and opens the vault.
#[derive(Clone)]
pub struct VaultKey(Zeroizing<[u8; KEY_LENGTH]>);

const KEY_LENGTH: usize = 32;
/// Longer than any form of a key.
const LONGEST: usize = 128;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum VaultKeyError {
    /// The file cannot be read or created.
    #[error("the vault key {path} cannot be {action}")]
    Io {
        /// Where it is.
        path: PathBuf,
        /// "read", "created", …
        action: &'static str,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Others may read or write the file.
    #[error("the vault key {path} has mode {mode:04o}, so that others may use it; run `chmod 600 {path}`")]
    Exposed {
        /// Where it is.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key has another length.
    #[error(
        "a vault key has 32 bytes and this one has {found}; put back the right one, or remove it and authorise all accounts again"
    )]
    Length {
        /// Bytes found, counted up to 33.
        found: usize,
    },
}

impl VaultKey {
    /// Takes the key as given, for instance as a systemd credential.
    ///
    /// # Errors
    /// There are not exactly 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, VaultKeyError> {
        match bytes.try_into() {
            Ok(key) => Ok(Self(Zeroizing::new(key))),
            Err(_) => Err(VaultKeyError::Length { found: bytes.len() }),
        }
    }

    /// A new key.
    #[must_use]
    pub fn generate() -> Self {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        // Randomness is an argument everywhere else; a key that a test could choose would be none.
        OsRng.fill_bytes(key.as_mut_slice());
        Self(key)
    }

    /// Takes the key as a person gives it: 32 bytes, or their hexadecimal or base64 form on one line.
    ///
    /// # Errors
    /// It is none of these.
    pub fn from_text(bytes: &[u8]) -> Result<Self, VaultKeyError> {
        if bytes.len() == KEY_LENGTH {
            return Self::from_bytes(bytes);
        }
        let text = bytes.trim_ascii();
        let read = if text.len() == 2 * KEY_LENGTH {
            text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
        } else {
            STANDARD.decode(text).ok()
        };
        Self::from_bytes(&Zeroizing::new(read.unwrap_or_default()))
            .map_err(|_| VaultKeyError::Length { found: bytes.len() })
    }

    /// Reads a key that is given as a file, such as a systemd credential.
    ///
    /// # Errors
    /// The file cannot be read, or holds no key.
    pub fn load(path: &Path) -> Result<Self, VaultKeyError> {
        let file = File::open(path).map_err(|source| failed(path, "read", source))?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST));
        file.take(LONGEST as u64).read_to_end(&mut bytes).map_err(|source| failed(path, "read", source))?;
        Self::from_text(&bytes)
    }

    /// Writes the key into a file of mode 0600 that did not exist, whole and durably.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), VaultKeyError> {
        let written = write_durably(path, self.0.as_slice()).and_then(|()| sync_directory(path));
        written.map_err(|source| failed(path, "created", source))
    }

    /// Puts the file `from` in the place of `to`, durably.
    ///
    /// # Errors
    /// It cannot be moved.
    pub fn put_in_place(from: &Path, to: &Path) -> Result<(), VaultKeyError> {
        let moved = std::fs::rename(from, to).and_then(|()| sync_directory(to));
        moved.map_err(|source| failed(to, "replaced", source))
    }

    /// Reads the key file; at the first start, creates it with random bytes and mode 0600.
    ///
    /// The new file appears whole and durable or not at all: a crash leaves no half key behind, and tokens are never sealed with
    /// a key that a power cut could take away.
    ///
    /// # Errors
    /// The file cannot be read or created, is open to others, or holds no key.
    pub fn load_or_create(path: &Path) -> Result<Self, VaultKeyError> {
        match File::open(path) {
            Ok(file) => Self::read(path, &file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(path),
            Err(source) => Err(failed(path, "read", source)),
        }
    }

    fn read(path: &Path, mut file: &File) -> Result<Self, VaultKeyError> {
        let metadata = file.metadata().map_err(|source| failed(path, "read", source))?;
        let mode = metadata.permissions().mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(VaultKeyError::Exposed { path: path.to_owned(), mode });
        }
        let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_LENGTH + 1));
        let mut bounded = (&mut file).take(KEY_LENGTH as u64 + 1);
        bounded.read_to_end(&mut bytes).map_err(|source| failed(path, "read", source))?;
        Self::from_bytes(&bytes)
    }

    fn create(path: &Path) -> Result<Self, VaultKeyError> {
        let key = Self::generate();
        let draft = draft_path(path);
        let written = write_durably(&draft, key.0.as_slice()).and_then(|()| hard_link(&draft, path));
        // The draft is ours alone; if it cannot be removed it is an extra copy with the same protection.
        drop(remove_file(&draft));
        match written.and_then(|()| sync_directory(path)) {
            Ok(()) => Ok(key),
            // Another process was faster: its key counts.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.exists() => {
                let file = File::open(path).map_err(|source| failed(path, "read", source))?;
                Self::read(path, &file)
            }
            Err(source) => Err(failed(path, "created", source)),
        }
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_LENGTH] {
        &self.0
    }
}

impl fmt::Debug for VaultKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultKey(…)")
    }
}

fn draft_path(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // A draft under our process id is left from a crash: no one else uses that name now.
    match remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent)?.sync_all()
}

fn failed(path: &Path, action: &'static str, source: io::Error) -> VaultKeyError {
    VaultKeyError::Io { path: path.to_owned(), action, source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn mode_of(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn the_first_start_makes_a_private_key_and_the_next_one_finds_it() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vault.key");
        let first = VaultKey::load_or_create(&path).unwrap();
        assert_eq!(mode_of(&path), 0o600);
        assert_eq!(VaultKey::load_or_create(&path).unwrap().bytes(), first.bytes());
        assert_ne!(first.bytes(), &[0; KEY_LENGTH], "the key is random");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn a_key_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vault.key");
        VaultKey::load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = VaultKey::load_or_create(&path).unwrap_err();
        assert!(matches!(refused, VaultKeyError::Exposed { mode: 0o640, .. }), "{refused:?}");
        assert!(refused.to_string().contains("chmod 600"));
    }

    #[test]
    fn a_key_of_another_length_is_refused_and_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("vault.key");
        write_durably(&path, b"too short").unwrap();
        assert!(matches!(VaultKey::load_or_create(&path), Err(VaultKeyError::Length { found: 9 })));
        assert_eq!(fs::read(&path).unwrap(), b"too short");
        assert!(matches!(VaultKey::from_bytes(&[7; 33]), Err(VaultKeyError::Length { found: 33 })));
    }

    #[test]
    fn a_missing_directory_is_an_error_that_names_the_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("absent/vault.key");
        let error = VaultKey::load_or_create(&path).unwrap_err();
        assert!(error.to_string().contains("absent/vault.key"), "{error}");
    }

    #[test]
    fn a_key_is_given_as_bytes_or_in_letters() {
        let hex = "07".repeat(32) + "\n";
        let base64 = STANDARD.encode([7; 32]) + "\n";
        for form in [vec![7; 32], hex.into_bytes(), base64.into_bytes()] {
            assert_eq!(VaultKey::from_text(&form).unwrap().bytes(), &[7; 32]);
        }
        for form in ["", "secret", &"zz".repeat(32), &"07".repeat(31)] {
            assert!(
                matches!(VaultKey::from_text(form.as_bytes()), Err(VaultKeyError::Length { .. })),
                "{form}"
            );
        }
    }

    #[test]
    fn a_key_never_shows_its_bytes() {
        let key = VaultKey::from_bytes(&[65; KEY_LENGTH]).unwrap();
        assert_eq!(format!("{key:?}"), "VaultKey(…)");
    }
}
