//! A commit block: a transaction that has one has happened.
//!
//! ```text
//!   header │ checksum type, size │ checksum │ … │ seconds, nanoseconds │ zeros to the end of the block
//!   └──────────────────────── 60 bytes, the first sector ──────────────┘
//! ```
//! On a disk that writes single sectors the zeros may be missing: something old is in their place.

use super::super::bytes::{be32, be64, byte, head, put_be32, put_be64, put_byte};
use super::super::{FormatError, Structure};
use super::features::{ChecksumVersion, JournalFormat};
use super::{BlockType, JournalHeader, checksum_without, tid_of};
use crate::units::{Block, Tid};

/// Bytes of a commit block that are not zero by definition (`struct commit_header`).
const LEN: usize = 60;
const CHECKSUM: usize = 0x10;
const TYPE_CRC32: u8 = 1;
const SIZE_CRC32: u8 = 4;

/// A commit block (`struct commit_header`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Commit {
    /// The transaction that it commits.
    pub tid: Tid,
    /// When, in seconds since 1970.
    pub secs: u64,
    /// The nanoseconds of it.
    pub nanos: u32,
    /// What kind of checksum v1 it has: 1 for CRC-32, 0 for none.
    pub checksum_type: u8,
    /// How many bytes the checksum v1 has: 4, or 0.
    pub checksum_bytes: u8,
    /// With v1 the checksum of the transaction; otherwise, as it was read, the block's own or 0.
    pub checksum: u32,
}

/// What the checksum of a commit block says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CommitChecksum {
    /// It is good, or the journal has none.
    Good,
    /// It is good if what follows the header is taken as zeros, which it is not: only its first sector was written.
    GoodAsTorn,
    /// It is bad.
    Bad,
}

impl Commit {
    /// The end of a transaction, without a checksum v1.
    pub const fn new(tid: Tid, secs: u64, nanos: u32) -> Self {
        Self { tid, secs, nanos, checksum_type: 0, checksum_bytes: 0, checksum: 0 }
    }

    /// The same with a checksum v1: [`super::super::checksum::crc32_be`] from ~0 over the transaction's descriptors
    /// and copies, in the order of the log.
    #[must_use]
    pub const fn with_v1(self, checksum: u32) -> Self {
        Self { checksum_type: TYPE_CRC32, checksum_bytes: SIZE_CRC32, checksum, ..self }
    }

    /// Whether a checksum v1 is that of the transaction, or it has none at all.
    // v6.6 fs/jbd2/recovery.c, do_one_pass.
    pub fn matches_v1(&self, computed: u32) -> bool {
        match (self.checksum_type, self.checksum_bytes) {
            (TYPE_CRC32, SIZE_CRC32) => self.checksum == computed,
            (0, 0) => self.checksum == 0,
            (_, _) => false,
        }
    }

    /// The values in a block, whether its checksum is good or not: [`Self::verify`] tells.
    ///
    /// # Errors
    /// It is no commit block.
    pub fn from_block(block: &Block) -> Result<Self, FormatError> {
        let tid = tid_of(block, BlockType::COMMIT, Structure::CommitBlock)?;
        let b = block.bytes();
        Ok(Self {
            tid,
            secs: be64(b, 0x30),
            nanos: be32(b, 0x38),
            checksum_type: byte(b, 0x0C),
            checksum_bytes: byte(b, 0x0D),
            checksum: be32(b, CHECKSUM),
        })
    }

    /// The block of this commit. With checksums v2 and v3 it is sealed, and a checksum v1 does not count.
    // v6.6 fs/jbd2/commit.c, journal_submit_commit_record, jbd2_commit_block_csum_set.
    pub fn to_block(&self, format: &JournalFormat) -> Block {
        let mut block = Block::zeroed();
        let b = block.bytes_mut();
        JournalHeader { kind: BlockType::COMMIT, tid: self.tid }.put(b);
        put_be64(b, 0x30, self.secs);
        put_be32(b, 0x38, self.nanos);
        match format.features.checksums() {
            ChecksumVersion::None => {}
            ChecksumVersion::V1 => {
                put_byte(b, 0x0C, self.checksum_type);
                put_byte(b, 0x0D, self.checksum_bytes);
                put_be32(b, CHECKSUM, self.checksum);
            }
            ChecksumVersion::V2 | ChecksumVersion::V3 => {
                let sealed = checksum_without(format.seed, &block, CHECKSUM);
                put_be32(block.bytes_mut(), CHECKSUM, sealed);
            }
        }
        block
    }

    /// What the block's own checksum says; that of v1 needs the whole transaction: [`Self::matches_v1`].
    // v6.6 fs/jbd2/recovery.c, jbd2_commit_block_csum_verify, and jbd2_commit_block_csum_verify_partial of 6.6.51.
    pub fn verify(block: &Block, format: &JournalFormat) -> CommitChecksum {
        if !format.features.has_block_checksums() {
            return CommitChecksum::Good;
        }
        let is_good =
            |block: &Block| be32(block.bytes(), CHECKSUM) == checksum_without(format.seed, block, CHECKSUM);
        if is_good(block) {
            CommitChecksum::Good
        } else if is_good(&Block::starting_with(head(block.bytes(), LEN))) {
            CommitChecksum::GoodAsTorn
        } else {
            CommitChecksum::Bad
        }
    }
}
