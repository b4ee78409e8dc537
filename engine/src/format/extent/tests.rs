#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::RawInode;
use super::super::reference::{flipped, inode_seed, mke2fs, mkimg, patched};
use super::*;
use proptest::prelude::*;

fn extent(from: u32, blocks: u32, at: u64, state: ExtentState) -> Extent {
    Extent { from: FileBlock::new(from), blocks, at: BlockNr::new(at), state }
}

fn written(from: u32, blocks: u32, at: u64) -> Extent {
    extent(from, blocks, at, ExtentState::Written)
}

#[test]
fn reads_what_others_wrote() {
    let check = |name: &str, table: &Block, slot, node: ExtentNode| {
        let root = RawInode::read_from(table, slot, None).unwrap().block;
        assert_eq!(ExtentNode::from_root(&root).as_ref(), Ok(&node), "{name}");
        let used = HEADER + ENTRY * node.entries.len();
        assert_eq!(node.to_root()[..used], root[..used], "{name}: written as it was read");
    };
    let table = mkimg("csum inode table");
    check("a directory", &table, 1, ExtentNode::leaf(vec![written(0, 1, 20)]));
    check("the journal", &table, 7, ExtentNode::leaf(vec![written(0, 1024, 26)]));
    check("an empty file", &mkimg("csum copy 2"), 15, ExtentNode::EMPTY);
    let table = mke2fs("inode table");
    let preallocated = extent(1, 3, 1060, ExtentState::Unwritten);
    check(
        "written, then preallocated",
        &table,
        12,
        ExtentNode::leaf(vec![written(0, 1, 1049), preallocated]),
    );
    let child = Index { from: FileBlock::new(0), leaf: BlockNr::new(1055) };
    check("islands", &table, 13, ExtentNode { depth: 1, entries: Entries::Index(vec![child]) });

    let node = mke2fs("islands node");
    let seed = Some(inode_seed(14));
    let islands = [(0, 1050), (3, 1051), (6, 1052), (9, 1053), (12, 1054), (15, 1056)];
    let islands = ExtentNode::leaf(islands.map(|(from, at)| written(from, 1, at)).to_vec());
    assert_eq!(ExtentNode::from_block(&node, seed).as_ref(), Ok(&islands));
    assert_eq!(islands.to_block(seed), node);
}

#[test]
fn a_bad_checksum_is_refused() {
    let node = mke2fs("islands node");
    let check = |name: &str, node: &Block, ino| {
        let error = ExtentNode::from_block(node, Some(inode_seed(ino))).unwrap_err();
        assert!(error.is_bad_checksum(), "{name}: {error}");
    };
    check("a place", &flipped(&node, 0x14), 14);
    check("the checksum", &flipped(&node, 4092), 14);
    check("behind the entries", &flipped(&node, 4000), 14);
    check("the node of another inode", &node, 13);
    assert!(ExtentNode::from_block(&flipped(&node, 4092), None).is_ok(), "without checksums nobody asks");
    assert!(ExtentNode::from_block(&Block::zeroed(), None).is_err(), "a block that was never written");
}

#[test]
fn the_checksum_lies_behind_the_room_that_the_node_claims() {
    let seed = inode_seed(14);
    let mut node = patched(&mke2fs("islands node"), 4, &6_u16.to_le_bytes());
    let at = 12 + 6 * 12;
    let sealed = seed.checksum(&node.bytes()[..at]);
    node = patched(&node, at, &sealed.to_le_bytes());
    assert!(ExtentNode::from_block(&node, Some(seed)).is_ok());
}

#[test]
fn what_cannot_be_is_refused() {
    let good = ExtentNode::leaf(vec![written(10, 5, 100), written(15, 5, 200)]).to_root();
    #[track_caller]
    fn check(good: &[u8; 60], what: &str, patches: &[(usize, &[u8])], message: &str) {
        let mut root = *good;
        for (at, with) in patches {
            root[*at..at + with.len()].copy_from_slice(with);
        }
        let found = ExtentNode::from_root(&root).map_err(|error| error.to_string());
        let message = format!("corrupt extent node: {message}");
        assert_eq!(found.err().as_deref(), Some(message.as_str()), "{what}");
    }
    check(&good, "no magic", &[(0, &[0])], "magic is 62208, expected 62218");
    check(&good, "no room", &[(4, &[0])], "room for entries is 0, expected at least 1");
    check(&good, "more room than there is", &[(4, &[5])], "room for entries is 5, expected at most 4");
    check(&good, "more entries than room", &[(2, &[5])], "entries is 5, expected at most 4");
    check(&good, "too deep", &[(6, &[6])], "depth is 6, expected at most 5");
    check(
        &good,
        "a parent of none",
        &[(2, &[0]), (6, &[1])],
        "entries above depth 0 is 0, expected at least 1",
    );
    check(&good, "an extent of nothing", &[(16, &[0])], "length of an extent is 0, expected at least 1");
    check(&good, "an overlap", &[(24, &[14])], "first block of an extent is 14, expected at least 15");
    check(&good, "disorder", &[(24, &[0])], "first block of an extent is 0, expected at least 15");
    check(
        &good,
        "an end that wraps",
        &[(24, &[0xFB, 0xFF, 0xFF, 0xFF])],
        "end of an extent is 4294967296, expected at most 4294967295",
    );
    check(
        &good,
        "the same child twice",
        &[(6, &[1]), (24, &[10])],
        "first block of a child is 10, expected at least 11",
    );
}

#[test]
fn the_length_says_whether_it_was_written() {
    let check = |raw: u16, blocks, state| {
        let mut root = ExtentNode::leaf(vec![written(0, 1, 100)]).to_root();
        root[16..18].copy_from_slice(&raw.to_le_bytes());
        let node = ExtentNode::leaf(vec![extent(0, blocks, 100, state)]);
        assert_eq!(ExtentNode::from_root(&root).as_ref(), Ok(&node), "{raw:#x}");
        assert_eq!(node.to_root(), root, "{raw:#x}");
    };
    check(1, 1, ExtentState::Written);
    check(0x7FFF, 32767, ExtentState::Written);
    check(0x8000, 32768, ExtentState::Written);
    check(0x8001, 1, ExtentState::Unwritten);
    check(0xFFFF, 32767, ExtentState::Unwritten);
}

#[test]
fn blocks_of_the_file_are_found() {
    let extent = written(10, 5, 100);
    let check = |block, place: Option<u64>| {
        assert_eq!(extent.find(FileBlock::new(block)), place.map(BlockNr::new), "block {block}");
    };
    check(9, None);
    check(10, Some(100));
    check(14, Some(104));
    check(15, None);
    assert_eq!(extent.end(), 15);
}

#[test]
#[should_panic(expected = "5 entries in a node of 4")]
fn a_root_has_room_for_four() {
    ExtentNode::leaf((0..5).map(|n| written(n, 1, 100)).collect()).to_root();
}

/// Nodes with up to `max` entries: gaps, lengths and places as they come.
fn nodes(max: usize) -> impl Strategy<Value = ExtentNode> {
    let part = (0_u32..1000, 1_u32..=32767, 0_u64..1 << 48, any::<bool>());
    (proptest::collection::vec(part, 1..=max), 0_u16..=5).prop_map(|(parts, depth)| {
        let mut end = 0;
        let extents: Vec<Extent> = parts
            .into_iter()
            .map(|(gap, blocks, at, is_written)| {
                let state = if is_written { ExtentState::Written } else { ExtentState::Unwritten };
                let extent = extent(end + gap, blocks, at, state);
                end += gap + blocks;
                extent
            })
            .collect();
        if depth == 0 {
            ExtentNode::leaf(extents)
        } else {
            let children = extents.iter().map(|extent| Index { from: extent.from, leaf: extent.at });
            ExtentNode { depth, entries: Entries::Index(children.collect()) }
        }
    })
}

proptest! {
    #[test]
    fn roots_come_back(node in nodes(ROOT_MAX)) {
        prop_assert_eq!(ExtentNode::from_root(&node.to_root()), Ok(node));
    }

    #[test]
    fn blocks_come_back(node in nodes(BLOCK_MAX), ino in any::<u32>(), at in 0_usize..4096) {
        let seed = Some(inode_seed(ino));
        let block = node.to_block(seed);
        prop_assert_eq!(ExtentNode::from_block(&block, seed), Ok(node.clone()));
        prop_assert_eq!(ExtentNode::from_block(&node.to_block(None), None), Ok(node));
        prop_assert!(ExtentNode::from_block(&flipped(&block, at), seed).is_err());
    }

    #[test]
    fn any_bytes_are_read_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 4096), len in 0_u16..400, max in 0_u16..400, depth in 0_u16..7,
    ) {
        let _ = ExtentNode::from_block(&Block::starting_with(&bytes), Some(inode_seed(1)));
        let mut block = Block::starting_with(&bytes);
        for (at, field) in [(0, MAGIC), (2, len), (4, max), (6, depth)] {
            block = patched(&block, at, &field.to_le_bytes());
        }
        if let Ok(node) = ExtentNode::from_block(&block, None) {
            prop_assert_eq!(ExtentNode::from_block(&node.to_block(None), None), Ok(node));
        }
        let _ = ExtentNode::from_block(&block, Some(inode_seed(1)));
        let mut root = [0; 60];
        root.copy_from_slice(&block.bytes()[..60]);
        if let Ok(node) = ExtentNode::from_root(&root) {
            prop_assert_eq!(ExtentNode::from_root(&node.to_root()), Ok(node));
        }
    }
}
