//! The superblock of the journal: where the log starts and from which transaction on.
//!
//! Bytes without a name here stay as they are when one is written. One that was read satisfies: it has at least two
//! blocks, the log's first block and its start are among them, and its features go together.

use super::super::bytes::{array, be32, byte, put, put_be32, put_byte, span, wipe};
use super::super::checksum::crc32c;
use super::super::fast::UNSAID_BLOCKS;
use super::super::{Expected, FormatError, JournalSeed, Structure};
use super::{
    BlockType, JournalCompat, JournalFeatures, JournalFormat, JournalHeader, JournalIncompat, MAGIC,
};
use crate::units::{BLOCK_BYTES, Block, Tid, len_u64};

/// Bytes that its checksum covers.
const LEN: usize = 1024;
const CHECKSUM: usize = 0xFC;
const CHECKSUM_CRC32C: u8 = 4;

/// The superblock of the journal (`journal_superblock_t`, version 2). Blocks are counted within the journal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct JournalSuperblock {
    /// How many blocks the journal has (`s_maxlen`).
    pub blocks: u32,
    /// The first block of the log (`s_first`).
    pub first: u32,
    /// The first transaction in the log, or of one that is empty the last (`s_sequence`).
    pub sequence: Tid,
    /// Where that transaction starts; 0 where the log is empty (`s_start`).
    pub start: u32,
    /// The error with which the journal was aborted, negative; 0 for none.
    pub errno: i32,
    /// What its blocks look like.
    pub features: JournalFeatures,
    /// Features without which it may not be written: none are known.
    pub ro_compat: u32,
    /// The name that seeds the checksums.
    pub uuid: [u8; 16],
    /// How many file systems use it.
    pub users: u32,
    /// Blocks for fast commits at its end.
    pub fast_commit_blocks: u32,
    /// Where the log would go on, if it is empty (`s_head`).
    pub head: u32,
}

impl JournalSuperblock {
    /// The superblock in block 0 of the journal.
    ///
    /// # Errors
    /// It is none, its checksum is bad, its geometry can't be, or it needs what is not modelled.
    // v6.6 fs/jbd2/journal.c, journal_get_superblock.
    pub fn from_block(block: &Block) -> Result<Self, FormatError> {
        let at = Structure::JournalSuperblock;
        let b = block.bytes();
        at.demand("magic", be32(b, 0), Expected::Exactly(MAGIC.into()))?;
        let kind = BlockType(be32(b, 4));
        if kind == BlockType::SUPERBLOCK_V1 {
            return Err(at.unsupported("version", 1_u32));
        }
        at.demand("type", kind.0, Expected::Exactly(BlockType::SUPERBLOCK_V2.0.into()))?;
        at.demand("block size", be32(b, 0x0C), Expected::Exactly(len_u64(BLOCK_BYTES)))?;
        let superblock = Self::parse(b);
        superblock.features.check()?;
        if superblock.ro_compat != 0 {
            return Err(at.unsupported("unknown read-only compatible feature", superblock.ro_compat));
        }
        if superblock.features.has_block_checksums() {
            if byte(b, 0x50) != CHECKSUM_CRC32C {
                return Err(at.unsupported("checksum type", byte(b, 0x50)));
            }
            at.demand_checksum(be32(b, CHECKSUM), checksum(b))?;
        }
        let last = u64::from(superblock.blocks).saturating_sub(1);
        at.demand("block count", superblock.blocks, Expected::AtLeast(2))?;
        at.demand("first block of the log", superblock.first, Expected::AtLeast(1))?;
        at.demand("first block of the log", superblock.first, Expected::AtMost(last))?;
        at.demand("start of the log", superblock.start, Expected::AtMost(last))?;
        if superblock.start != 0 {
            at.demand("start of the log", superblock.start, Expected::AtLeast(superblock.first.into()))?;
        }
        Ok(superblock)
    }

    fn parse(b: &[u8]) -> Self {
        Self {
            blocks: be32(b, 0x10),
            first: be32(b, 0x14),
            sequence: Tid::new(be32(b, 0x18)),
            start: be32(b, 0x1C),
            errno: be32(b, 0x20).cast_signed(),
            features: JournalFeatures {
                compat: JournalCompat(be32(b, 0x24)),
                incompat: JournalIncompat(be32(b, 0x28)),
            },
            ro_compat: be32(b, 0x2C),
            uuid: array(b, 0x30),
            users: be32(b, 0x40),
            fast_commit_blocks: be32(b, 0x54),
            head: be32(b, 0x58),
        }
    }

    /// Writes into block 0 of the journal; bytes that have no name here stay as they are.
    pub fn write_into(&self, block: &mut Block) {
        let b = block.bytes_mut();
        // Its header has no transaction.
        JournalHeader { kind: BlockType::SUPERBLOCK_V2, tid: Tid::new(0) }.put(b);
        put_be32(b, 0x0C, BLOCK_SIZE);
        for (at, value) in [
            (0x10, self.blocks),
            (0x14, self.first),
            (0x18, self.sequence.get()),
            (0x1C, self.start),
            (0x20, self.errno.cast_unsigned()),
            (0x24, self.features.compat.0),
            (0x28, self.features.incompat.0),
            (0x2C, self.ro_compat),
            (0x40, self.users),
            (0x54, self.fast_commit_blocks),
            (0x58, self.head),
        ] {
            put_be32(b, at, value);
        }
        put(b, 0x30, &self.uuid);
        if self.features.has_block_checksums() {
            put_byte(b, 0x50, CHECKSUM_CRC32C);
            let sealed = checksum(b);
            put_be32(b, CHECKSUM, sealed);
        }
    }

    /// Behind the last block of the log: what follows is for fast commits, if there are any.
    // v6.6 fs/jbd2/journal.c, jbd2_journal_initialize_fast_commit, jbd2_journal_get_num_fc_blks.
    pub const fn log_end(&self) -> u32 {
        if !self.features.has(JournalIncompat::FAST_COMMIT) {
            return self.blocks;
        }
        let said = if self.fast_commit_blocks == 0 { UNSAID_BLOCKS } else { self.fast_commit_blocks };
        self.blocks.saturating_sub(said)
    }

    /// The blocks of fast commits. The block behind the log is not among them, and there is none behind the last.
    pub const fn fast_area(&self) -> std::ops::Range<u32> {
        if self.features.has(JournalIncompat::FAST_COMMIT) {
            self.log_end().saturating_add(1)..self.blocks
        } else {
            self.blocks..self.blocks
        }
    }

    /// What the blocks of this journal look like.
    pub fn format(&self) -> JournalFormat {
        JournalFormat { features: self.features, seed: JournalSeed::of(&self.uuid) }
    }
}

/// [`BLOCK_BYTES`] as the field holds it.
const BLOCK_SIZE: u32 = 4096;

/// The checksum of the first 1024 bytes, in which itself counts as zero.
fn checksum(b: &[u8; BLOCK_BYTES]) -> u32 {
    let mut covered: [u8; LEN] = array(b, 0);
    wipe(&mut covered, CHECKSUM, CHECKSUM + 4);
    crc32c(u32::MAX, span(&covered, 0, LEN))
}
