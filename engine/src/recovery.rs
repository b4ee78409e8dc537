//! Mounting a dead disk: what Linux would find.
//!
//! ```text
//!   Media ──superblock, groups──▶ log: scan ▸ revoke ▸ replay ──▶ overlay ──▶ orphans ──▶ tree ──▶ audit
//! ```
//! Everything is read from bytes through [`Media`]; nothing here knows the live file system. A corrupt disk gives a
//! [`MountError`] or an unreadable entry, never a panic, whatever the bytes are. Nothing is written: replayed blocks
//! are an overlay of references into the log, and what orphan processing frees is never looked at again.
//!
//! Invariants: the disk is asked in an order that depends on its answers alone; each loop is bounded by the size of
//! the disk or of the journal; a block beyond the file system is never asked for.
//!
//! Not modelled: journals of their own, fast commits, what the mount itself writes, `errors=` and the error state of
//! a superblock, extents that overlap metadata (`block_validity`; the audit finds them), block-mapped files.
#![warn(clippy::arithmetic_side_effects, clippy::indexing_slicing)]

use crate::device::Media;
use crate::units::{Block, BlockNr};

mod audit;
mod error;
mod fs;
mod inode;
mod log;
mod orphans;
mod overlay;
mod repair;
mod replay;
mod revoke;
mod scan;
mod tree;
mod walk;

pub use crate::kernel::TornCommit;
pub use error::MountError;
pub use repair::{Counted, Repair};
pub use tree::*;

use crate::kernel::Kernel;
use fs::Fs;
use log::Log;
use overlay::{After, Overlay};

/// Whether to look for what `e2fsck` would have to repair.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audit {
    /// Read bitmaps and compare them with what is in use, and all counts with what is counted.
    Full,
    /// Read only what a mount and a walk through the names read.
    Skip,
}

/// How this Linux recovers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Profile {
    /// What a torn commit block is worth.
    pub torn_commit: TornCommit,
    /// Whether to audit.
    pub audit: Audit,
}

impl Profile {
    /// The profile of a kernel, with an audit.
    pub fn of(kernel: Kernel) -> Self {
        Self { torn_commit: kernel.rules().torn_commit, audit: Audit::Full }
    }
}

/// What a mount finds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Survivors {
    /// The names, and what they stand for.
    pub tree: Tree,
    /// What `e2fsck` would have to repair, beyond the journal, orphans and the superblock's stale counts.
    pub repairs: Vec<Repair>,
    overlay: Overlay,
}

impl Survivors {
    /// The content of a block after replay.
    pub fn read<M: Media>(&self, disk: &mut M, block: BlockNr) -> Block {
        After::new(disk, &self.overlay).read(block)
    }
}

/// Mounts a disk.
///
/// # Errors
/// Why Linux would refuse to mount it. Transactions before the one that is refused would have been written home.
// v6.6 fs/ext4/super.c, __ext4_fill_super.
pub fn recover<M: Media>(disk: &mut M, profile: &Profile) -> Result<Survivors, MountError> {
    let before = Fs::open(disk)?;
    let mut repairs = Vec::new();
    let mut overlay = Overlay::default();
    let mut journal = None;
    if before.superblock.has_journal() {
        let log = Log::open(disk, &before)?;
        overlay = replay_log(disk, &before, &log, profile, &mut repairs)?;
        journal = Some(log);
    }
    let mut disk = After::new(disk, &overlay);
    let fs = Fs::reopen(&mut disk, &before, &mut repairs)?;
    let orphans = orphans::list(&mut disk, &fs, &mut repairs);
    let mut walk = walk::walk(&mut disk, &fs)?;
    let tree = Tree { entries: std::mem::take(&mut walk.entries) };
    repairs.extend(
        walk.damaged.iter().map(|(ino, errno)| Repair::DamagedDirectory { ino: *ino, errno: *errno }),
    );
    match profile.audit {
        Audit::Full => audit::audit(&mut disk, &fs, journal.as_ref(), &orphans, walk, &mut repairs),
        Audit::Skip => {}
    }
    Ok(Survivors { tree, repairs, overlay })
}

/// What is replayed from the log.
// v6.6 fs/ext4/super.c, ext4_load_journal; fs/jbd2/journal.c, jbd2_journal_load.
fn replay_log<M: Media>(
    disk: &mut M,
    fs: &Fs,
    log: &Log,
    profile: &Profile,
    repairs: &mut Vec<Repair>,
) -> Result<Overlay, MountError> {
    if log.is_empty() {
        return Ok(Overlay::default());
    }
    let scan = scan::scan(disk, log, profile.torn_commit)?;
    let overlay = if fs.needs_recovery() {
        let revoked = revoke::revoked(disk, log, scan.end)?;
        replay::replay(disk, log, scan.end, &revoked)?
    } else {
        // Without the flag the log is thrown away (jbd2_journal_wipe).
        repairs.push(Repair::LogIgnored { first: log.first_tid() });
        Overlay::default()
    };
    match scan.failed {
        Some(tid) => Err(MountError::BadCommit { tid }),
        None => Ok(overlay),
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, clippy::indexing_slicing, reason = "a test may panic")]
mod tests;
