//! Composed keys.
//!
//! ```text
//! account name ‖ 00 ‖ part ‖ part …        a text part:    its UTF-8 bytes (00 as 01 01, 01 as 01 02), then 00
//!                                          a number part:  8 bytes, big-endian
//!                                          a bytes part:   as they are, of fixed length or last
//! ```
//!
//! Law: different parts give different keys, the keys of one account never begin like those of another, and keys sort as
//! their parts do.

/// Builds one key, part by part. Any number of parts also makes a prefix to scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(Vec<u8>);

impl Key {
    /// The keys of one account begin so.
    #[must_use]
    pub fn account(name: &str) -> Self {
        Self(Vec::with_capacity(64)).text(name)
    }

    /// Adds a text, closed by a zero byte.
    #[must_use]
    pub fn text(mut self, part: &str) -> Self {
        for byte in part.bytes() {
            match byte {
                0 | ESCAPE => self.0.extend_from_slice(&[ESCAPE, byte + 1]),
                byte => self.0.push(byte),
            }
        }
        self.0.push(0);
        self
    }

    /// Adds a number; numbers sort by value.
    #[must_use]
    pub fn number(mut self, part: u64) -> Self {
        self.0.extend_from_slice(&part.to_be_bytes());
        self
    }

    /// Adds bytes as they are: for a fixed length, or as the last part.
    #[must_use]
    pub fn bytes(mut self, part: &[u8]) -> Self {
        self.0.extend_from_slice(part);
        self
    }

    /// The key so far, to read or to scan with.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<Key> for Vec<u8> {
    fn from(key: Key) -> Self {
        key.0
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// Takes a key apart again. Each step is `None` when the key does not go on so.
#[derive(Debug, Clone)]
pub struct KeyReader<'a>(&'a [u8]);

impl<'a> KeyReader<'a> {
    /// Begins at the account's name.
    #[must_use]
    pub fn new(key: &'a [u8]) -> Self {
        Self(key)
    }

    /// The next part, a text.
    pub fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        let mut rest = self.0;
        loop {
            let (byte, after) = rest.split_first()?;
            match *byte {
                0 => {
                    self.0 = after;
                    return String::from_utf8(text).ok();
                }
                ESCAPE => {
                    let (escaped, after) = after.split_first()?;
                    text.push(escaped.checked_sub(1)?);
                    rest = after;
                }
                byte => {
                    text.push(byte);
                    rest = after;
                }
            }
        }
    }

    /// The next part, a number.
    pub fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_be_bytes(*number))
    }

    /// What is left.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.0
    }
}

/// Announces a byte of the text that would otherwise end it, raised by one so that keys sort as their texts do.
const ESCAPE: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_layout_is_account_zero_parts() {
        let key = Key::account("sales").text("people/c1").number(258).bytes(b"x");
        assert_eq!(key.as_bytes(), b"sales\0people/c1\0\0\0\0\0\0\0\x01\x02x");
    }

    #[test]
    fn an_account_is_no_prefix_of_another() {
        assert!(!Key::account("sales2").as_bytes().starts_with(Key::account("sales").as_bytes()));
    }

    #[test]
    fn a_foreign_key_is_no_key_of_ours() {
        assert_eq!(KeyReader::new(b"sales").text(), None);
        assert_eq!(KeyReader::new(b"1234567").number(), None);
    }

    proptest! {
        #[test]
        fn parts_come_back_and_sort_as_they_do(
            a in ("[\\x00\\x01\\x02ab]{0,4}", "[\\x00\\x01\\x02ab]{0,4}", 0..1000_u64),
            b in ("[\\x00\\x01\\x02ab]{0,4}", "[\\x00\\x01\\x02ab]{0,4}", 0..1000_u64),
        ) {
            let key = |(account, text, number): &(String, String, u64)| Key::account(account).text(text).number(*number);
            let (key_a, key_b) = (key(&a), key(&b));
            prop_assert_eq!(key_a.as_bytes().cmp(key_b.as_bytes()), a.cmp(&b));

            let mut reader = KeyReader::new(key_a.as_bytes());
            prop_assert_eq!((reader.text().unwrap(), reader.text().unwrap(), reader.number().unwrap()), a);
            prop_assert_eq!(reader.rest(), b"");
        }
    }
}
