//! Mounting a dead disk: what Linux would find.
//!
//! ```text
//!   Media ──superblock, groups──▶ log: scan ▸ revoke ▸ replay ──▶ overlay ──▶ orphans ──▶ tree ──▶ audit
//! ```
//! [`Recovery`] goes step by step, and can be copied between two of them: each step asks about one block of the log, one
//! block of a directory, one inode or one group, so that each of several possible answers can be followed from there.
//! A question asks for what is used, and no more: disks that differ in nothing else are one to it. A transaction is
//! revoked and replayed as soon as the scan has passed its commit block, so that ways through the log that part later
//! share it; [`recover`] makes the three passes in turn, and finds the same.
//!
//! Everything is read from bytes through [`Media`]; nothing here knows the live file system. A corrupt disk gives a
//! [`MountError`] or an unreadable entry, never a panic, whatever the bytes are. Nothing is written: replayed blocks
//! are an overlay of references into the log, those that fast commits change are kept in it, and what orphan processing frees is never looked at again. Where it is certain
//! that the mount fails, nothing more is read.
//!
//! Invariants: the disk is asked in an order that depends on its answers alone; each loop is bounded by the size of
//! the disk or of the journal; a block beyond the file system is never asked for. Before replay it asks about nothing
//! but the superblock, the group descriptors, the journal's inode and the journal: what replay overwrites is not read.
//!
//! Not modelled: journals of their own, what the mount itself writes, `errors=` and the error state of
//! a superblock, extents that overlap metadata (`block_validity`; the audit finds them), block-mapped files, whether a
//! lookup by hash finds what is in a directory.
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use crate::device::{Media, Reader};
use crate::format::xattr::Attribute;
use crate::units::{Block, BlockNr};

mod ahead;
mod attributes;
mod audit;
mod error;
mod fast;
mod fs;
mod group;
mod inode;
mod log;
mod node;
mod orphans;
mod overlay;
mod preen;
mod reader;
mod repair;
mod replay;
mod revoke;
mod scan;
mod shelf;
mod tree;
mod walk;

pub use crate::kernel::TornCommit;
pub use error::MountError;
pub use overlay::Source;
pub use preen::RepairNeeded;
pub use reader::Recovery;
pub use repair::{Counted, Repair, Unnamed};
pub use tree::*;

use crate::kernel::Kernel;
use fs::Fs;
use log::JournalFile;
use overlay::{After, Overlay};
use std::sync::Arc;

/// Whether to look for what `e2fsck` would have to repair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audit {
    /// Read bitmaps and compare them with what is in use, and all counts with what is counted.
    Full,
    /// Read only what a mount and a walk through the names read.
    Skip,
}

/// Whether to read extended attributes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attributes {
    /// Read their names and values.
    Read,
    /// Pass over them; an audit still checks that they are sound.
    Skip,
}

impl Attributes {
    /// What is used of the attributes that were found.
    fn used(self, found: Vec<Attribute>) -> Vec<Attribute> {
        match self {
            Self::Read => found,
            Self::Skip => Vec::new(),
        }
    }
}

/// Whether `e2fsck` is run before the mount.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fsck {
    /// Not: Linux finds the disk as the power cut left it.
    Never,
    /// `e2fsck -p`: the log and the orphans; all else only where the log is corrupt or there is none.
    AtBoot,
    /// `e2fsck -fp`: all of it.
    Forced,
}

/// How this Linux recovers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// What a torn commit block is worth.
    pub torn_commit: TornCommit,
    /// Whether to audit.
    pub audit: Audit,
    /// Whether to read extended attributes.
    pub attributes: Attributes,
    /// Whether `e2fsck` goes first.
    pub fsck: Fsck,
}

impl Profile {
    /// The profile of a kernel, with an audit, without attributes.
    pub fn of(kernel: Kernel) -> Self {
        let torn_commit = kernel.rules().torn_commit;
        Self { torn_commit, audit: Audit::Full, attributes: Attributes::Skip, fsck: Fsck::Never }
    }

    /// The profile of e2fsprogs 1.47, run before a mount: it drops a transaction whose commit block is torn, whatever
    /// the first bytes say.
    // e2fsprogs 1.47 e2fsck/recovery.c, do_one_pass.
    pub const fn e2fsck(fsck: Fsck) -> Self {
        let torn_commit = TornCommit::Rejected;
        Self { torn_commit, audit: Audit::Full, attributes: Attributes::Skip, fsck }
    }
}

/// What a mount finds. A copy is cheap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survivors {
    /// The names, and what they stand for.
    pub tree: Arc<Tree>,
    /// What `e2fsck` would have to repair, beyond the journal, orphans and the superblock's stale counts.
    pub repairs: Vec<Repair>,
    /// What is needed beyond the mount: for `repairs`, or, where `e2fsck` made them already, for those that it made.
    pub needed: RepairNeeded,
    overlay: Overlay,
}

impl Survivors {
    /// The blocks that were replayed, in their order.
    pub fn replayed(&self) -> Vec<BlockNr> {
        self.overlay.replayed().collect()
    }

    /// The content of a block after replay.
    pub fn read<M: Media>(&self, disk: &mut M, block: BlockNr) -> Block {
        After::new(disk, &self.overlay).read(block)
    }

    /// Where the content of a block is after replay.
    pub fn source(&self, block: BlockNr) -> Source {
        self.overlay.source(block)
    }
}

/// Mounts a disk. The log is read in three passes, one after the other, as Linux reads it.
///
/// # Errors
/// Why Linux would refuse to mount it. Transactions before the one that is refused would have been written home.
pub fn recover<M: Media>(disk: &mut M, profile: &Profile) -> Result<Survivors, MountError> {
    Recovery::in_turn(profile).finish(disk)
}

/// Where the superblock of the journal lies, if there is a journal.
///
/// # Errors
/// Why it cannot be found.
pub fn journal_start<M: Media>(disk: &mut M) -> Result<Option<BlockNr>, MountError> {
    let fs = Fs::open(disk, Attributes::Skip)?;
    if !fs.superblock.has_journal() {
        return Ok(None);
    }
    JournalFile::find(disk, &fs).map(|file| Some(file.zero()))
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test may panic")]
mod tests;
