//! Values: a version byte, then postcard.
//!
//! The version is that of the value's own shape; who changes the shape raises it and keeps reading the older ones
//! (see [`version_of`]).
//!
//! Law: bytes that are not exactly one value of the expected version are an error, never a guess.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Store, StoreError, Tree};

/// Why bytes are not the expected value. Shows nothing of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// There are no bytes.
    #[error("it is empty")]
    Empty,
    /// The shape has another version.
    #[error("it has version {found} where {expected} was expected")]
    Version {
        /// The version that is there.
        found: u8,
        /// The version that was asked for.
        expected: u8,
    },
    /// The bytes do not make a value.
    #[error("its bytes do not make a value")]
    Malformed,
    /// Bytes are left after the value.
    #[error("{bytes} bytes are left after it")]
    Trailing {
        /// How many.
        bytes: usize,
    },
}

/// The bytes of `value`, whose shape has this `version`.
///
/// # Panics
/// The type cannot be written at all (`#[serde(flatten)]`, a sequence of unknown length). No value of a type that was
/// written once panics.
#[must_use]
pub fn encode<T: Serialize + ?Sized>(version: u8, value: &T) -> Vec<u8> {
    #[expect(
        clippy::expect_used,
        reason = "a property of the type that its first test shows, not of the value"
    )]
    postcard::to_extend(value, vec![version]).expect("the type has a postcard form")
}

/// The value in `bytes`, if its shape has this `version`.
///
/// # Errors
/// The bytes are not exactly one such value.
pub fn decode<T: DeserializeOwned>(version: u8, bytes: &[u8]) -> Result<T, CodecError> {
    let (found, value) = bytes.split_first().ok_or(CodecError::Empty)?;
    if *found != version {
        return Err(CodecError::Version { found: *found, expected: version });
    }
    let (value, rest) = postcard::take_from_bytes(value).map_err(|_| CodecError::Malformed)?;
    if !rest.is_empty() {
        return Err(CodecError::Trailing { bytes: rest.len() });
    }
    Ok(value)
}

/// The version of the value in `bytes`, for those who read more than one.
///
/// # Errors
/// There are no bytes.
pub fn version_of(bytes: &[u8]) -> Result<u8, CodecError> {
    bytes.first().copied().ok_or(CodecError::Empty)
}

/// The decoded value of `key`.
///
/// # Errors
/// The store cannot be read, or the value is not of this version and type.
pub fn get_decoded<T: DeserializeOwned>(
    store: &dyn Store,
    tree: Tree,
    key: &[u8],
    version: u8,
) -> Result<Option<T>, StoreError> {
    store
        .get(tree, key)?
        .map(|bytes| decode(version, &bytes).map_err(|cause| StoreError::Undecodable { tree, cause }))
        .transpose()
}

/// All entries whose key starts with `prefix`, decoded, in byte order of their keys.
///
/// An entry that cannot be decoded is an error item; the scan goes on after it.
pub fn scan_decoded<'a, T: DeserializeOwned + 'a>(
    store: &'a dyn Store,
    tree: Tree,
    prefix: &[u8],
    version: u8,
) -> impl Iterator<Item = Result<(Vec<u8>, T), StoreError>> + Send + use<'a, T> {
    store.scan(tree, prefix).map(move |entry| {
        let (key, bytes) = entry?;
        let value = decode(version, &bytes).map_err(|cause| StoreError::Undecodable { tree, cause })?;
        Ok((key, value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Batch, MemoryStore};

    #[test]
    fn a_value_comes_back_as_it_was() {
        let value = ("Ada".to_owned(), vec![1_u64, 2, 3], Some(-4_i32));
        assert_eq!(decode(7, &encode(7, &value)), Ok(value));
    }

    #[test]
    fn another_version_is_named() {
        let bytes = encode(2, &5_u32);
        assert_eq!(decode::<u32>(1, &bytes), Err(CodecError::Version { found: 2, expected: 1 }));
        assert_eq!(version_of(&bytes), Ok(2));
    }

    #[test]
    fn too_few_and_too_many_bytes_are_refused() {
        let mut bytes = encode(1, &"Ada");
        assert_eq!(decode::<String>(1, &bytes[..3]), Err(CodecError::Malformed));
        assert_eq!(decode::<String>(1, &[]), Err(CodecError::Empty));
        bytes.push(0);
        assert_eq!(decode::<String>(1, &bytes), Err(CodecError::Trailing { bytes: 1 }));
    }

    #[tokio::test]
    async fn a_scan_goes_on_after_a_value_it_cannot_read() {
        let store = MemoryStore::new();
        let mut batch = Batch::default();
        batch.put(Tree::Queue, "a/1", encode(1, &1_u8));
        batch.put(Tree::Queue, "a/2", vec![9]);
        batch.put(Tree::Queue, "a/3", encode(1, &3_u8));
        batch.put(Tree::Queue, "b/1", encode(1, &4_u8));
        store.commit(batch).await.unwrap();

        let found: Vec<_> = scan_decoded::<u8>(&store, Tree::Queue, b"a/", 1).collect();
        let cause = CodecError::Version { found: 9, expected: 1 };
        assert_eq!(
            found,
            [
                Ok((b"a/1".to_vec(), 1)),
                Err(StoreError::Undecodable { tree: Tree::Queue, cause }),
                Ok((b"a/3".to_vec(), 3)),
            ]
        );
        assert_eq!(get_decoded::<u8>(&store, Tree::Queue, b"b/1", 1), Ok(Some(4)));
        assert_eq!(get_decoded::<u8>(&store, Tree::Queue, b"c", 1), Ok(None));
    }
}
