//! The logical export: the whole store as JSON Lines.
//!
//! ```text
//! {"format":1,"store":"…","generation":42,"exported_at":"…","written_by":"0.1.0"}      the header
//! {"tree":"pairs","key":"sales\u0000p1","value":"AQID"}                                one line an entry, in order
//! {"tree":"pairs","key_base64":"/wA=","value":"AQID"}                                  where the key is no text
//! {"entries":2,"sha256":"…"}                                                           closes all lines above it
//! ```
//!
//! Values are base64 and opaque: sealed tokens stay sealed. The store's own keys are not entries; the header carries them.
//!
//! Law: an export shows one moment between two commits, and whoever reads it can prove that it is whole and unaltered.

use std::io::{self, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::database::Database;
use super::layout::logical_key;
use super::{RESERVED, StoreError, Tree};

/// What was exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportSummary {
    /// How many entries.
    pub entries: u64,
    /// The generation that they show.
    pub generation: u64,
    /// The checksum of all lines but the last.
    pub sha256: String,
}

/// Why an export failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The export could not be written.
    #[error("the export cannot be written")]
    Write(#[from] io::Error),
    /// The store cannot be read.
    #[error("the store cannot be exported")]
    Read(#[from] StoreError),
}

/// The first line.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: u32,
    pub(super) store: Timestamp,
    pub(super) generation: u64,
    pub(super) exported_at: Timestamp,
    pub(super) written_by: String,
}

/// A line of one entry.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) tree: Tree,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key_base64: Option<String>,
    pub(super) value: String,
}

/// The last line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Trailer {
    pub(super) entries: u64,
    pub(super) sha256: String,
}

impl Line {
    fn new(tree: Tree, key: &[u8], value: &[u8]) -> Self {
        let text = std::str::from_utf8(key).ok().map(str::to_owned);
        let key_base64 = text.is_none().then(|| BASE64.encode(key));
        Self { tree, key: text, key_base64, value: BASE64.encode(value) }
    }

    /// The entry; `None` when the line does not make one.
    pub(super) fn entry(self) -> Option<(Tree, Vec<u8>, Vec<u8>)> {
        let key = match (self.key, self.key_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(encoded)) => BASE64.decode(encoded).ok()?,
            (Some(_), Some(_)) | (None, None) => return None,
        };
        Some((self.tree, key, BASE64.decode(self.value).ok()?))
    }
}

/// Writes all entries as they are at one moment; commits wait meanwhile.
pub(super) fn write_export(
    database: &Database,
    writer: &mut dyn Write,
    now: Timestamp,
) -> Result<ExportSummary, ExportError> {
    let seal = database.hold();
    let mut hash = Sha256::new();
    let header = Header {
        format: database.format,
        store: database.origin.created,
        generation: seal.generation,
        exported_at: now,
        written_by: database.origin.written_by.clone(),
    };
    write_line(writer, &mut hash, &header)?;
    let mut entries = 0;
    for entry in database.scan(b"") {
        let (key, value) = entry.map_err(|trouble| StoreError::Failed(trouble.to_string()))?;
        let (tree, key) = logical_key(&key)
            .ok_or_else(|| StoreError::Failed("an entry belongs to an unknown tree".to_owned()))?;
        if tree == Tree::Meta && key.starts_with(RESERVED.as_bytes()) {
            continue;
        }
        write_line(writer, &mut hash, &Line::new(tree, key, &value))?;
        entries += 1;
    }
    let sha256 = hex(hash);
    serde_json::to_writer(&mut *writer, &Trailer { entries, sha256: sha256.clone() })
        .map_err(io::Error::from)?;
    writer.write_all(b"\n")?;
    writer.flush()?;
    Ok(ExportSummary { entries, generation: seal.generation, sha256 })
}

fn write_line(writer: &mut dyn Write, hash: &mut Sha256, line: &impl Serialize) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(line)?;
    bytes.push(b'\n');
    hash.update(&bytes);
    writer.write_all(&bytes)
}

/// A finished checksum as text.
pub(super) fn hex(hash: Sha256) -> String {
    format!("{:x}", hash.finalize())
}
