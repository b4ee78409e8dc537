//! One request to the device, and why it was made.

use crate::units::{BlockNr, FileBlock, Ino, Lba, StepIdx, Tid};
use std::fmt;
use std::sync::Arc;

/// What the device is asked to do.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Op {
    /// Write whole sectors.
    Write {
        /// The first sector.
        lba: Lba,
        /// The bytes, a multiple of 512 of them.
        data: Arc<[u8]>,
        /// REQ_FUA: completion means that this write is durable.
        fua: bool,
    },
    /// Make every write that has completed durable.
    Flush,
}

/// A request in the device log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// What was asked.
    pub op: Op,
    /// By whom, and why.
    pub cause: Cause,
}

/// The step during which a request was made, who made it and why.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cause {
    /// The step that was running.
    pub step: StepIdx,
    /// The context that submitted it.
    pub origin: Origin,
    /// What it carries.
    pub why: Why,
}

/// The context that submits a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// The program's own call.
    Call,
    /// The flusher thread (`wb_workfn`).
    Flusher,
    /// The journal thread's timer (`kjournald2`).
    CommitTimer,
}

/// What a request carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// Contents of a file.
    Data {
        /// Whose.
        ino: Ino,
        /// The first block of the file that is written.
        from: FileBlock,
        /// How many blocks.
        blocks: u32,
    },
    /// Bytes of a page that changed while it was being written: the write on its way may carry them instead of its
    /// own. Such a request never completes, so what it changes stays possible until it is written again.
    DataChangedInFlight {
        /// Whose.
        ino: Ino,
        /// The block of the file.
        from: FileBlock,
        /// How many blocks.
        blocks: u32,
    },
    /// The descriptor block of a transaction.
    Descriptor(Tid),
    /// The copy of a metadata block in the log.
    Copy {
        /// Of which transaction.
        tid: Tid,
        /// Of which block.
        of: BlockNr,
        /// What that block is.
        what: String,
    },
    /// A revoke block of a transaction.
    Revoke(Tid),
    /// The commit block of a transaction.
    Commit(Tid),
    /// A block of fast commits of a transaction.
    FastCommit(Tid),
    /// The journal superblock: the log starts here now.
    JournalSuperblock,
    /// The file-system superblock, outside any transaction.
    Superblock,
    /// A metadata block in its place.
    InPlace {
        /// Which block.
        block: BlockNr,
        /// What that block is.
        what: String,
    },
    /// The flush before a commit block (REQ_PREFLUSH).
    FlushBeforeCommit(Tid),
    /// The flush before the last block of a fast commit (REQ_PREFLUSH).
    FlushBeforeFastCommit(Tid),
    /// The flush behind a commit block that did not wait (`journal_async_commit`).
    FlushBehindCommit(Tid),
    /// The flush that stands for FUA behind a write.
    FlushForFua,
    /// The flush that ends an fsync whose commit did not flush (`blkdev_issue_flush`).
    FlushOfSync,
    /// The flush before the log's tail moves on (`jbd2_journal_update_sb_log_tail`).
    FlushBeforeTail,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data { ino, from, blocks: 1 } => write!(f, "data of inode {ino}, block {from}"),
            Self::Data { ino, from, blocks } => {
                write!(f, "data of inode {ino}, blocks {from} to {}", from.get() + blocks - 1)
            }
            Self::DataChangedInFlight { ino, from, blocks } => {
                let data = Self::Data { ino: *ino, from: *from, blocks: *blocks };
                write!(f, "{data}, changed on its way")
            }
            Self::Descriptor(tid) => write!(f, "descriptor of transaction {tid}"),
            Self::Copy { tid, of, what } => write!(f, "copy of {what} (block {of}) for transaction {tid}"),
            Self::Revoke(tid) => write!(f, "revoke block of transaction {tid}"),
            Self::Commit(tid) => write!(f, "commit block of transaction {tid}"),
            Self::FastCommit(tid) => write!(f, "fast commit of transaction {tid}"),
            Self::JournalSuperblock => write!(f, "journal superblock"),
            Self::Superblock => write!(f, "superblock"),
            Self::InPlace { block, what } => write!(f, "{what} (block {block}) in its place"),
            Self::FlushBeforeCommit(tid) => write!(f, "flush before the commit block of transaction {tid}"),
            Self::FlushBeforeFastCommit(tid) => {
                write!(f, "flush before the fast commit of transaction {tid}")
            }
            Self::FlushBehindCommit(tid) => write!(f, "flush behind the commit block of transaction {tid}"),
            Self::FlushForFua => write!(f, "flush for want of FUA"),
            Self::FlushOfSync => write!(f, "flush that ends the sync"),
            Self::FlushBeforeTail => write!(f, "flush before the log's tail moves"),
        }
    }
}
