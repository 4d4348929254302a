//! The seal: what the database says of itself, rewritten in the same batch as every commit.
//!
//! It carries the generation (one more per commit), the number of entries and the sum of their digests. Counting all entries
//! at open and comparing shows whether any entry was lost, changed or brought back, which the engine itself does not notice.
//!
//! Law: the seal on disk always describes exactly the entries on disk, for both are written by the same atomic batch.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What the database says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seal {
    /// How many commits made it what it is.
    pub(super) generation: u64,
    /// How many entries there are, the seal itself not counted.
    pub(super) entries: u64,
    /// The sum of the digests of these entries; it does not depend on their order.
    pub(super) sum: u128,
}

impl Seal {
    /// Version of the stored shape.
    pub(super) const VERSION: u8 = 1;

    /// Takes an entry in.
    pub(super) fn add(&mut self, key: &[u8], value: &[u8]) {
        self.entries = self.entries.wrapping_add(1);
        self.sum = self.sum.wrapping_add(digest(key, value));
    }

    /// Takes an entry out.
    pub(super) fn remove(&mut self, key: &[u8], value: &[u8]) {
        self.entries = self.entries.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(digest(key, value));
    }

    /// Whether both describe the same entries.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        (self.entries, self.sum) == (other.entries, other.sum)
    }
}

/// The digest of one entry.
fn digest(key: &[u8], value: &[u8]) -> u128 {
    let mut hash = Sha256::new();
    hash.update((key.len() as u64).to_be_bytes());
    hash.update(key);
    hash.update(value);
    hash.finalize().iter().take(16).fold(0, |sum, byte| sum << 8 | u128::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_entries_does_not_matter_and_their_content_does() {
        let mut one = Seal::default();
        one.add(b"a", b"1");
        one.add(b"b", b"2");
        let mut other = Seal::default();
        other.add(b"b", b"2");
        other.add(b"c", b"3");
        other.add(b"a", b"1");
        assert!(!one.agrees_with(&other));
        other.remove(b"c", b"3");
        assert!(one.agrees_with(&other));
        other.remove(b"a", b"1");
        other.add(b"a1", b"");
        assert!(!one.agrees_with(&other));
    }
}
