//! How logical entries lie in the one physical tree.
//!
//! ```text
//! key on disk   = tree byte ‖ key          01 meta  02 accounts  03 pairs  04 journal  05 queue  06 tombstones  07 history
//! meta ‖ store.format  = 4 bytes, big-endian: the format of everything else
//! meta ‖ store.origin  = codec version 1: [`Origin`]
//! meta ‖ store.seal    = codec version 1: `Seal`, rewritten by every commit
//! ```
//!
//! Law: the tree bytes and the place of `store.format` never change, so that any version can tell what it finds.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Tree;

/// Where the format number stands.
pub(super) const FORMAT_KEY: &[u8] = b"\x01store.format";
/// Where the origin stands.
pub(super) const ORIGIN_KEY: &[u8] = b"\x01store.origin";
/// Where the seal stands.
pub(super) const SEAL_KEY: &[u8] = b"\x01store.seal";

/// Where a database comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Origin {
    /// When it was created; also tells it from every other database.
    pub(super) created: Timestamp,
    /// The version that last opened it.
    pub(super) written_by: String,
}

impl Origin {
    /// Version of the stored shape.
    pub(super) const VERSION: u8 = 1;
}

/// The key on disk.
pub(super) fn physical_key(tree: Tree, key: &[u8]) -> Vec<u8> {
    let mut physical = Vec::with_capacity(1 + key.len());
    physical.push(tree_byte(tree));
    physical.extend_from_slice(key);
    physical
}

/// The tree and the key within it; `None` for a tree that this version does not know.
pub(super) fn logical_key(physical: &[u8]) -> Option<(Tree, &[u8])> {
    let (byte, key) = physical.split_first()?;
    let tree = Tree::ALL.into_iter().find(|tree| tree_byte(*tree) == *byte)?;
    Some((tree, key))
}

/// The format number in its stored form.
pub(super) fn format_bytes(format: u32) -> Vec<u8> {
    format.to_be_bytes().to_vec()
}

/// The format number from its stored form.
pub(super) fn format_from(bytes: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.try_into().ok()?))
}

fn tree_byte(tree: Tree) -> u8 {
    match tree {
        Tree::Meta => 1,
        Tree::Accounts => 2,
        Tree::Pairs => 3,
        Tree::Journal => 4,
        Tree::Queue => 5,
        Tree::Tombstones => 6,
        Tree::History => 7,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_on_disk_is_fixed() {
        let bytes: Vec<u8> = Tree::ALL.into_iter().map(tree_byte).collect();
        assert_eq!(bytes, [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(FORMAT_KEY, physical_key(Tree::Meta, b"store.format"));
        assert_eq!(format_bytes(1), [0, 0, 0, 1]);
    }

    #[test]
    fn a_key_is_found_back_in_its_tree() {
        for tree in Tree::ALL {
            assert_eq!(logical_key(&physical_key(tree, b"sales\0x")), Some((tree, &b"sales\0x"[..])));
        }
        assert_eq!(logical_key(b"\x63sales"), None);
        assert_eq!(logical_key(b""), None);
    }
}
