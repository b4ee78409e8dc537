//! Blocks that this code did not write, to compare with.
//!
//! * [`mkimg`]: from a builder written from the rules of the format alone, in another language; e2fsck accepts its
//!   images. Profile `csum` has metadata checksums and journal checksums v3, `plain` has none, `v1` has journal
//!   checksums v1. Transaction 2 creates the file `new`; with `revoke`, transaction 3 revokes block 22.
//! * [`mke2fs`]: from mke2fs and debugfs 1.47.0, with names and sizes to recognise.
//!
//! Each block is a list of `offset: bytes`, or `offset: byte*count`; all other bytes are zero.

#![allow(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "tests may panic")]

use super::FsSeed;
use crate::units::{Block, Ino};

/// The UUID of all of them.
pub(super) const UUID: [u8; 16] =
    [0x11, 0x11, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55];
/// When they were made, in seconds since 1970.
pub(super) const NOW: u32 = 1_700_000_000;

/// A block of the independent builder.
pub(super) fn mkimg(name: &str) -> Block {
    block(include_str!("reference/mkimg.txt"), name)
}

/// A block of mke2fs.
pub(super) fn mke2fs(name: &str) -> Block {
    block(include_str!("reference/mke2fs.txt"), name)
}

/// The seed of the file systems.
pub(super) fn seed() -> FsSeed {
    FsSeed::of(&UUID)
}

/// An inode's seed, of generation 0.
pub(super) fn inode_seed(ino: u32) -> super::InodeSeed {
    seed().inode(Ino::new(ino), 0)
}

/// The block with one bit flipped.
pub(super) fn flipped(block: &Block, at: usize) -> Block {
    let mut block = block.clone();
    block.bytes_mut()[at] ^= 0x10;
    block
}

/// The block with these bytes replaced.
pub(super) fn patched(block: &Block, at: usize, with: &[u8]) -> Block {
    let mut block = block.clone();
    block.bytes_mut()[at..at + with.len()].copy_from_slice(with);
    block
}

fn block(file: &str, name: &str) -> Block {
    let mut block = Block::zeroed();
    let mut lines = file.lines();
    assert!(lines.any(|line| line.strip_prefix("== ") == Some(name)), "no reference block {name}");
    for line in lines.take_while(|line| !line.starts_with("==")) {
        let (at, bytes) = line.split_once(": ").unwrap();
        let at = usize::from_str_radix(at, 16).unwrap();
        let bytes = match bytes.split_once('*') {
            Some((byte, count)) => hex(byte).repeat(count.parse().unwrap()),
            None => hex(bytes),
        };
        block.bytes_mut()[at..at + bytes.len()].copy_from_slice(&bytes);
    }
    block
}

fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}
