//! Why a disk does not mount.

use super::Repair;
use crate::format::FormatError;
use crate::history::Errno;
use crate::units::{BlockNr, Ino, Tid};

/// Why Linux refuses a disk. It is an outcome, to be judged like any other.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MountError {
    /// The superblock is none, is corrupt, or needs what is not supported.
    #[error("{0}")]
    Superblock(FormatError),
    /// A group descriptor is corrupt.
    #[error("group {group}: {error}")]
    Group {
        /// Which group.
        group: u32,
        /// What is wrong with it.
        error: FormatError,
    },
    /// The inode of the journal cannot be read.
    #[error("the journal's inode {ino} cannot be read: {errno}")]
    JournalInode {
        /// Its number.
        ino: Ino,
        /// The error of reading it.
        errno: Errno,
    },
    /// The file of orphans cannot be read.
    #[error("the file of orphans, inode {ino}, cannot be read: {errno}")]
    OrphanFile {
        /// Its number.
        ino: Ino,
        /// The error of reading it.
        errno: Errno,
    },
    /// The superblock of the journal is none, is corrupt, or needs what is not supported.
    #[error("{0}")]
    JournalSuperblock(FormatError),
    /// The journal says that it is longer than its inode.
    #[error("the journal has {claimed} blocks, but its inode has {mapped}")]
    JournalTooLong {
        /// By its superblock.
        claimed: u32,
        /// By its inode.
        mapped: u64,
    },
    /// The journal is shorter than the kernel accepts.
    #[error("the journal has {blocks} blocks, and at least {least} are needed")]
    JournalTooShort {
        /// Its length.
        blocks: u32,
        /// The least length.
        least: u32,
    },
    /// The log leads to a block that the journal does not have.
    #[error("the log goes on at block {at} of the journal, which has {blocks}")]
    LogBlock {
        /// Where the log goes on.
        at: u32,
        /// The length of the journal.
        blocks: u32,
    },
    /// The log goes round the whole journal and does not end.
    #[error("the log of {blocks} blocks does not end")]
    LogWithoutEnd {
        /// The length of the journal.
        blocks: u32,
    },
    /// A transaction has a commit block, and a descriptor or revoke block with a bad checksum.
    #[error("transaction {tid} is committed, but the checksum of a descriptor or revoke block is bad")]
    BadDescriptor {
        /// Which transaction.
        tid: Tid,
    },
    /// A revoke block claims to be longer than a block.
    #[error("transaction {tid}: {error}")]
    BadRevoke {
        /// Which transaction.
        tid: Tid,
        /// What is wrong with it.
        error: FormatError,
    },
    /// The checksum of a commit block, or of the whole transaction, is bad.
    #[error("transaction {tid} is corrupt: the checksum of its commit block is bad")]
    BadCommit {
        /// Which transaction.
        tid: Tid,
    },
    /// A copy in the log is not what was logged. There may be more of them behind it.
    #[error("transaction {tid} has a corrupt copy of block {block} in the log")]
    BadCopy {
        /// The block that the copy is of.
        block: BlockNr,
        /// Its transaction.
        tid: Tid,
    },
    /// A copy in the log belongs behind the end of the disk.
    #[error("transaction {tid} has a copy of block {block}, but the disk has {blocks}")]
    CopyOutside {
        /// Which transaction.
        tid: Tid,
        /// The block that the copy is of.
        block: BlockNr,
        /// The disk's size in blocks.
        blocks: u64,
    },
    /// A later pass over the log ended elsewhere than the first.
    #[error("the log ends at transaction {found}, but at {expected} when it was scanned")]
    PassesDisagree {
        /// Where this pass ended.
        found: Tid,
        /// Where the scan ended.
        expected: Tid,
    },
    /// A fast commit is not whole, and it is the first of its transaction.
    #[error("the first fast commit of transaction {tid} is not whole: {error}")]
    FastCommit {
        /// Its transaction.
        tid: Tid,
        /// What is wrong with it.
        error: FormatError,
    },
    /// Every block for fast commits is in use: Linux looks for one more and finds the end of the journal.
    #[error("all {blocks} blocks for fast commits are in use, and the journal ends behind them")]
    FastArea {
        /// How many there are.
        blocks: u32,
    },
    /// A fast commit asks for what cannot be done.
    #[error("a fast commit cannot be replayed: inode {ino}: {errno}")]
    FastReplay {
        /// The inode that it is about.
        ino: Ino,
        /// The error of it.
        errno: Errno,
    },
    /// `e2fsck` was run before the mount, and gave up.
    #[error("e2fsck gives up: {first}")]
    NeedsRepair {
        /// The first repair that it does not make by itself.
        first: Repair,
    },
    /// The root directory cannot be read.
    #[error("the root directory cannot be read: {errno}")]
    Root {
        /// The error of reading it.
        errno: Errno,
    },
}

impl MountError {
    /// The error that mount(2) returns.
    pub const fn errno(&self) -> Errno {
        match self {
            Self::Superblock(error) | Self::JournalSuperblock(error) if error.is_bad_checksum() => {
                Errno::EBADMSG
            }
            Self::Superblock(_)
            | Self::JournalSuperblock(_)
            | Self::JournalTooLong { .. }
            | Self::JournalTooShort { .. }
            | Self::BadRevoke { .. } => Errno::EINVAL,
            Self::Group { .. }
            | Self::LogBlock { .. }
            | Self::LogWithoutEnd { .. }
            | Self::FastArea { .. }
            | Self::BadCommit { .. } => Errno::EUCLEAN,
            Self::JournalInode { errno, .. } | Self::OrphanFile { errno, .. } | Self::Root { errno } => {
                *errno
            }
            Self::FastReplay { errno, .. } => *errno,
            Self::FastCommit { error: FormatError::Field { .. }, .. } => Errno::ECANCELED,
            Self::FastCommit { error: FormatError::Unsupported { .. }, .. } => Errno::EOPNOTSUPP,
            Self::FastCommit { error: FormatError::Checksum { .. }, .. }
            | Self::BadDescriptor { .. }
            | Self::BadCopy { .. } => Errno::EBADMSG,
            Self::CopyOutside { .. } => Errno::ENOMEM,
            Self::PassesDisagree { .. } => Errno::EIO,
            Self::NeedsRepair { .. } => Errno::EUCLEAN,
        }
    }
}

/// The error of reading something corrupt in a mounted file system.
pub(super) const fn errno_of(error: &FormatError) -> Errno {
    match error {
        FormatError::Checksum { .. } => Errno::EBADMSG,
        FormatError::Field { .. } => Errno::EUCLEAN,
        FormatError::Unsupported { .. } => Errno::EOPNOTSUPP,
    }
}
