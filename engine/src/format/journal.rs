//! Blocks of the journal, all big-endian.
//!
//! ```text
//!   | superblock | … | revoke │ descriptor │ copy │ copy │ descriptor │ copy │ commit | …
//!                    └───────────────── one transaction: all have its tid ────────────┘
//! ```
//! Every block but the copies starts with the same header: magic, type, tid. A copy that starts with the magic has it
//! replaced by zeros, and its tag says so. Parsing and verifying are two things, as recovery counts the tags of a
//! descriptor whose checksum is bad.
//!
//! Fast commits, behind the log, are in [`fast`](super::fast). Not modelled: an external journal, journal superblocks of version 1.

use super::bytes::{be32, put_be32};
use super::{JournalSeed, Structure, bytes};
use crate::units::{Block, Tid};

mod commit;
mod descriptor;
mod features;
mod revoke;
mod superblock;

pub use commit::{Commit, CommitChecksum};
pub use descriptor::{Descriptor, Tag, tag_checksum};
pub use features::{ChecksumVersion, JournalCompat, JournalFeatures, JournalFormat, JournalIncompat};
pub use revoke::Revoke;
pub use superblock::JournalSuperblock;

/// What every block of the journal but copies starts with (`JBD2_MAGIC_NUMBER`).
pub const MAGIC: u32 = 0xC03B_3998;
/// Bytes of a header.
const HEADER: usize = 12;

/// What a block of the journal is; others stay representable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockType(pub u32);

impl BlockType {
    /// Tags of the copies that follow it.
    pub const DESCRIPTOR: Self = Self(1);
    /// The end of a transaction.
    pub const COMMIT: Self = Self(2);
    /// The superblock of an old journal.
    pub const SUPERBLOCK_V1: Self = Self(3);
    /// The superblock.
    pub const SUPERBLOCK_V2: Self = Self(4);
    /// Blocks whose earlier copies must not be replayed.
    pub const REVOKE: Self = Self(5);
}

/// The start of a block of the journal (`journal_header_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalHeader {
    /// What the block is.
    pub kind: BlockType,
    /// The transaction it belongs to.
    pub tid: Tid,
}

impl JournalHeader {
    fn put(self, bytes: &mut [u8]) {
        put_be32(bytes, 0, MAGIC);
        put_be32(bytes, 4, self.kind.0);
        put_be32(bytes, 8, self.tid.get());
    }
}

/// The header of a block; none if it doesn't start with the magic.
pub fn header(block: &Block) -> Option<JournalHeader> {
    let b = block.bytes();
    let header = JournalHeader { kind: BlockType(be32(b, 4)), tid: Tid::new(be32(b, 8)) };
    (be32(b, 0) == MAGIC).then_some(header)
}

/// The copy of a block as the log holds it, and whether its magic had to be escaped.
// v6.6 fs/jbd2/journal.c, jbd2_journal_write_metadata_buffer.
pub fn escape(block: &Block) -> (Block, bool) {
    if be32(block.bytes(), 0) != MAGIC {
        return (block.clone(), false);
    }
    let mut logged = block.clone();
    put_be32(logged.bytes_mut(), 0, 0);
    (logged, true)
}

/// The block whose copy was escaped.
// v6.6 fs/jbd2/recovery.c, do_one_pass.
pub fn unescape(logged: &Block) -> Block {
    let mut block = logged.clone();
    put_be32(block.bytes_mut(), 0, MAGIC);
    block
}

/// The tid of a block, if it is of this type.
fn tid_of(block: &Block, kind: BlockType, structure: Structure) -> Result<Tid, super::FormatError> {
    let b = block.bytes();
    structure.demand("magic", be32(b, 0), super::Expected::Exactly(MAGIC.into()))?;
    structure.demand("type", be32(b, 4), super::Expected::Exactly(kind.0.into()))?;
    Ok(Tid::new(be32(b, 8)))
}

/// The checksum of a block in which the one at `at` counts as zero.
fn checksum_without(seed: JournalSeed, block: &Block, at: usize) -> u32 {
    let before = seed.checksum(bytes::head(block.bytes(), at));
    let rest = super::checksum::crc32c(before, &[0; 4]);
    let from = at.saturating_add(4);
    super::checksum::crc32c(rest, bytes::span(block.bytes(), from, block.bytes().len()))
}

#[cfg(test)]
mod tests;
