//! Chance from a seed: the same seed gives the same ids, etags and tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// `SplitMix64`: small, quick, and good enough for ids that must only differ.
#[derive(Debug, Clone)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A token-like text of `words` times 8 random bytes.
    pub(super) fn text(&mut self, words: usize) -> String {
        let bytes: Vec<u8> = (0..words).flat_map(|_| self.next().to_be_bytes()).collect();
        URL_SAFE_NO_PAD.encode(bytes)
    }
}

/// Spreads every bit of `value` over the result.
pub(super) fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number that stands for `words` in this order.
pub(super) fn fingerprint(words: &[u64]) -> u64 {
    words.iter().fold(0, |sum, word| mix(sum.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ *word))
}
