#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::super::reference::{flipped, inode_seed};
use super::*;
use proptest::prelude::*;

const SEED: [u8; 16] =
    [0x4c, 0x55, 0xfa, 0xaa, 0x81, 0xa0, 0x4f, 0x06, 0x93, 0xac, 0xa0, 0x7e, 0xc3, 0x2c, 0x3f, 0xb1];

#[test]
fn hashes_are_those_of_debugfs() {
    let names =
        ["a", "hello", "a-much-longer-name-that-has-more-than-thirty-two-bytes-in-it-and-more", "grün"];
    let check = |version, wanted: [u32; 4]| {
        let hash = DirHash::new(version, 1, &SEED);
        assert_eq!(names.map(|name| hash.hash(name.as_bytes())), wanted, "{version:?}");
    };
    // debugfs 1.47.0: dx_hash -h VERSION -s 4c55faaa-81a0-4f06-93ac-a07ec32c3fb1 NAME
    check(HashVersion::HalfMd4, [0xd8d1_b6ce, 0xbbd9_6880, 0x0b65_afa8, 0x26b9_78ce]);
    check(HashVersion::Tea, [0x287a_1e56, 0x87fc_9ca4, 0x9e7a_948c, 0x4d2e_7640]);
    check(HashVersion::Legacy, [0xe74b_53e2, 0x3225_2546, 0x49c1_70ea, 0xc202_f150]);
}

#[test]
fn signed_bytes_matter_only_above_127() {
    let (signed, unsigned) =
        (DirHash::new(HashVersion::HalfMd4, 1, &SEED), DirHash::new(HashVersion::HalfMd4, 2, &SEED));
    assert_eq!(signed.hash(b"plain"), unsigned.hash(b"plain"));
    assert_ne!(signed.hash("grün".as_bytes()), unsigned.hash("grün".as_bytes()));
}

fn root() -> IndexBlock {
    let kind =
        IndexKind::Root { dir: Ino::new(12), parent: Ino::new(2), version: HashVersion::HalfMd4, levels: 0 };
    let entry = |hash, block| IndexEntry { hash, block: FileBlock::new(block) };
    IndexBlock { kind, entries: vec![entry(0, 1), entry(100, 2), entry(100, 3), entry(200, 4)] }
}

#[test]
fn a_hash_is_found_in_the_last_block_that_starts_at_or_below_it() {
    let root = root();
    assert_eq!([0, 99, 100, 199, 200, u32::MAX].map(|hash| root.find(hash)), [0, 0, 2, 2, 3, 3]);
}

#[test]
fn index_blocks_come_back() {
    let node = IndexBlock { kind: IndexKind::Node, ..root() };
    for (index, at) in [(root(), FileBlock::new(0)), (node, FileBlock::new(7))] {
        for csum in [None, Some(inode_seed(12))] {
            let block = index.to_block(csum);
            assert!(is_index_block(&block, at));
            assert_eq!(IndexBlock::from_block(&block, at, csum), Ok(index.clone()));
        }
        let sealed = index.to_block(Some(inode_seed(12)));
        let found = IndexBlock::from_block(&flipped(&sealed, 22), at, Some(inode_seed(12)));
        assert!(found.unwrap_err().is_bad_checksum());
    }
    let mut block = root().to_block(None);
    set_parent(&mut block, Ino::new(77), None).unwrap();
    assert_eq!(block.bytes()[12], 77);
    let limits =
        [None, Some(inode_seed(12))].map(|csum| (limit(&root().kind, csum), limit(&IndexKind::Node, csum)));
    assert_eq!(limits, [(508, 511), (507, 510)], "entries in a root and in a node");
}

#[test]
fn what_is_no_index_is_refused() {
    let check = |what: &str, at: usize, byte: u8, wanted: &str| {
        let mut block = root().to_block(None);
        block.bytes_mut()[at] = byte;
        let error = IndexBlock::from_block(&block, FileBlock::new(0), None).unwrap_err();
        assert_eq!(error.to_string(), wanted, "{what}");
    };
    check("three levels", 30, 2, "corrupt directory index: levels is 2, expected at most 1");
    check("SipHash", 28, 6, "unsupported directory hash in the directory index: 0x6");
    check("a small room", 32, 1, "corrupt directory index: room is 257, expected 508");
    check("no entries", 34, 0, "corrupt directory index: number of entries is 0, expected at least 1");
    check("hashes out of order", 48, 50, "corrupt directory index: hash is 50, expected at least 100");
    check("a way to the root", 36, 0, "corrupt directory index: block is 0, expected at least 1");
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_panic(bytes in any::<[u8; 64]>(), at in 0_u32..2, keep in 0_usize..64) {
        let mut block = root().to_block(None);
        block.bytes_mut()[keep..64].copy_from_slice(&bytes[keep..]);
        let _ = IndexBlock::from_block(&block, FileBlock::new(at), None);
    }
}
