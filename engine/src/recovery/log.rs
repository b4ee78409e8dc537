//! The journal as a ring of blocks, and what stands in one of them.
//!
//! ```text
//!   journal  0            first                    blocks
//!            │ superblock │ log, as a ring ─────────▶ │
//!   each is mapped to the disk by the journal's extents
//! ```

use super::error::MountError;
use super::fs::Fs;
use super::inode::{self, Mapping};
use crate::device::{Media, Question};
use crate::format::journal::{
    BlockType, ChecksumVersion, Commit, CommitChecksum, Descriptor, JournalFormat, JournalIncompat,
    JournalSuperblock, Revoke, header,
};
use crate::format::{FileKind, FormatError};
use crate::history::Errno;
use crate::units::{Block, BlockNr, FileBlock, Tid, block_bytes, len_u32};

/// The least length of a journal (`JBD2_MIN_JOURNAL_BLOCKS`).
const LEAST_BLOCKS: u32 = 1024;
/// Bytes in a block.
const BLOCK: u64 = block_bytes();
/// How often a log may go round the ring.
const LAPS: u32 = 4;

/// What is in block 0 of the journal?
struct AskJournalSuperblock;

impl Question for AskJournalSuperblock {
    type Answer = Result<JournalSuperblock, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let found = JournalSuperblock::from_block(content)?;
        // Of an empty log nobody asks where it would go on.
        let sequence = if found.start == 0 { Tid::new(0) } else { found.sequence };
        // Where there are no fast commits, nobody asks for their blocks.
        let has_fast = found.features.has(JournalIncompat::FAST_COMMIT);
        let fast_commit_blocks = if has_fast { found.fast_commit_blocks } else { 0 };
        Ok(JournalSuperblock { sequence, errno: 0, users: 0, fast_commit_blocks, head: 0, ..found })
    }
}

/// Does the log go on in this block with this transaction, and with what?
struct AskHead {
    tid: Tid,
    format: JournalFormat,
}

/// A block of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Head {
    /// It is no block of the expected transaction.
    End,
    /// A descriptor, and how many copies follow it.
    Descriptor { copies: u32, checksum: Sound },
    /// A revoke block.
    Revoke { checksum: Sound },
    /// A commit block, without its nanoseconds and without a checksum of the block itself.
    Commit { commit: Commit, checksum: CommitChecksum },
}

/// Whether the checksum of a descriptor or revoke block is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Sound {
    Good,
    Bad,
}

impl<T, E> From<Result<T, E>> for Sound {
    fn from(verified: Result<T, E>) -> Self {
        if verified.is_ok() { Self::Good } else { Self::Bad }
    }
}

impl Question for AskHead {
    type Answer = Head;
    // v6.6 fs/jbd2/recovery.c, do_one_pass: what it looks at in each block, and no more.
    fn answer(&self, content: &Block) -> Head {
        let Some(head) = header(content).filter(|head| head.tid == self.tid) else { return Head::End };
        match head.kind {
            BlockType::DESCRIPTOR => {
                let copies =
                    Descriptor::from_block(content, &self.format).map_or(0, |found| found.tags.len());
                let checksum = Descriptor::verify(content, &self.format).into();
                Head::Descriptor { copies: len_u32(copies), checksum }
            }
            BlockType::REVOKE => Head::Revoke { checksum: Revoke::verify(content, &self.format).into() },
            BlockType::COMMIT => match Commit::from_block(content) {
                Ok(commit) => {
                    let checksum = Commit::verify(content, &self.format);
                    let commit = Commit { nanos: 0, ..commit };
                    match self.format.features.checksums() {
                        ChecksumVersion::V1 => Head::Commit { commit, checksum },
                        ChecksumVersion::None | ChecksumVersion::V2 | ChecksumVersion::V3 => {
                            Head::Commit { commit: Commit::new(commit.tid, commit.secs, 0), checksum }
                        }
                    }
                }
                Err(_) => Head::End,
            },
            BlockType(_) => Head::End,
        }
    }
}

/// The journal of a file system.
#[derive(Debug)]
pub(super) struct Log {
    superblock: JournalSuperblock,
    pub(super) format: JournalFormat,
    pub(super) mapping: Mapping,
}

/// The inode of a journal.
#[derive(Clone, Debug)]
pub(super) struct JournalFile {
    mapping: Mapping,
    /// Its first block.
    zero: BlockNr,
    /// How many blocks its size has room for.
    blocks: u64,
}

impl JournalFile {
    /// Finds the journal.
    // v6.6 fs/ext4/super.c, ext4_get_journal_inode.
    pub(super) fn find<M: Media>(disk: &mut M, fs: &Fs) -> Result<Self, MountError> {
        let ino = fs.superblock.journal_ino;
        let refused = |errno| MountError::JournalInode { ino, errno };
        let inode = inode::named(disk, fs, ino).map_err(refused)?;
        if inode.kind != FileKind::REGULAR {
            return Err(refused(Errno::EUCLEAN));
        }
        let mapping = inode::mapping(disk, fs, &inode).map_err(refused)?;
        let zero = place(&mapping, 0).ok_or_else(|| refused(Errno::EUCLEAN))?;
        Ok(Self { mapping, zero, blocks: inode.size / BLOCK })
    }

    /// Where its superblock lies.
    pub(super) const fn zero(&self) -> BlockNr {
        self.zero
    }
}

impl Log {
    /// Reads the superblock of the journal.
    // v6.6 fs/jbd2/journal.c, journal_get_superblock, journal_reset.
    pub(super) fn open<M: Media>(disk: &mut M, file: JournalFile) -> Result<Self, MountError> {
        let JournalFile { mapping, zero, blocks: mapped } = file;
        let superblock = disk.ask(zero, &AskJournalSuperblock).map_err(MountError::JournalSuperblock)?;
        if u64::from(superblock.blocks) > mapped {
            return Err(MountError::JournalTooLong { claimed: superblock.blocks, mapped });
        }
        let usable = superblock.log_end().saturating_sub(superblock.first).saturating_add(1);
        if usable < LEAST_BLOCKS {
            return Err(MountError::JournalTooShort { blocks: superblock.blocks, least: LEAST_BLOCKS });
        }
        let format = superblock.format();
        Ok(Self { superblock, format, mapping })
    }

    /// Whether there is nothing to replay.
    pub(super) const fn is_empty(&self) -> bool {
        self.superblock.start == 0
    }

    /// The first transaction of the log.
    pub(super) const fn first_tid(&self) -> Tid {
        self.superblock.sequence
    }

    /// The start of the log.
    pub(super) const fn start(&self) -> Cursor {
        Cursor { at: self.superblock.start, passed: 0 }
    }

    /// The block under the cursor, on the disk.
    pub(super) fn block(&self, cursor: Cursor) -> Result<BlockNr, MountError> {
        let outside = MountError::LogBlock { at: cursor.at, blocks: self.superblock.blocks };
        if cursor.at >= self.superblock.blocks {
            return Err(outside);
        }
        place(&self.mapping, cursor.at).ok_or(outside)
    }

    /// Moves a cursor on, round the ring. Torn tags can lead over a part of the ring twice; a log that goes round
    /// it again and again is one that the kernel would not leave.
    // v6.6 fs/jbd2/recovery.c, wrap.
    pub(super) fn step(&self, cursor: Cursor, blocks: u32) -> Result<Cursor, MountError> {
        let end = self.superblock.log_end();
        let passed = cursor.passed.saturating_add(blocks);
        if passed > end.saturating_mul(LAPS) {
            return Err(MountError::LogWithoutEnd { blocks: end });
        }
        let at = cursor.at.saturating_add(blocks);
        let ring = end.saturating_sub(self.superblock.first);
        Ok(Cursor { at: if at >= end { at.saturating_sub(ring) } else { at }, passed })
    }

    /// The blocks of the journal that hold fast commits.
    pub(super) const fn fast_area(&self) -> std::ops::Range<u32> {
        self.superblock.fast_area()
    }

    /// Whether there are fast commits.
    pub(super) const fn has_fast_commits(&self) -> bool {
        self.format.features.has(JournalIncompat::FAST_COMMIT)
    }

    /// A block of the journal, on the disk.
    pub(super) fn place(&self, nr: u32) -> Result<BlockNr, MountError> {
        let outside = MountError::LogBlock { at: nr, blocks: self.superblock.blocks };
        place(&self.mapping, nr).ok_or(outside)
    }

    /// What stands under the cursor.
    pub(super) fn head<M: Media>(&self, disk: &mut M, cursor: Cursor, tid: Tid) -> Result<Head, MountError> {
        let block = self.block(cursor)?;
        Ok(disk.ask(block, &AskHead { tid, format: self.format }))
    }

    /// Whether a block of the disk is part of the journal.
    pub(super) fn contains(&self, block: BlockNr) -> bool {
        let covers = |extent: &crate::format::Extent| {
            extent.at <= block && block.get() < extent.at.get().saturating_add(extent.blocks.into())
        };
        self.mapping.extents.iter().any(covers)
    }
}

/// A place in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cursor {
    /// The block of the journal.
    at: u32,
    /// How many blocks were passed since the start.
    passed: u32,
}

fn place(mapping: &Mapping, block: u32) -> Option<BlockNr> {
    let block = FileBlock::new(block);
    mapping.find(block).and_then(|extent| extent.find(block))
}

/// The error of a revoke block that cannot be read.
pub(super) const fn corrupt(tid: Tid, error: FormatError) -> MountError {
    if error.is_bad_checksum() {
        MountError::BadDescriptor { tid }
    } else {
        MountError::BadRevoke { tid, error }
    }
}
