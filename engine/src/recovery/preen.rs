//! What `e2fsck -fp` does about damage by itself, and where it gives up.
//!
//! ```text
//!   bitmaps, counts, links, sizes        repaired without a question      exit code 1     Automatic
//!   names and blocks that contradict     "RUN fsck MANUALLY"              exit code 4     Manual
//!   no superblock                        it is not even opened            exit code 8     Manual
//! ```
//! A check looks at the disk with other eyes than a mount ([`View::Check`]): it believes an inode and the names in a
//! directory block of which nothing but the checksum is bad, and clears a name that leads to an inode which nobody uses.
//!
//! Each class was measured with e2fsck 1.47.0 on crash images or on disks that were damaged on purpose
//! (`tests/audited.rs`, and `tests/all/preen.rs` of the crate). What was not measured counts as manual.
//!
//! Not modelled: repairs by a human (`e2fsck -y`), and what is left behind after them.

use super::Repair;
use super::repair::{Counted, Unnamed};

/// What a disk needs before it is whole, beyond the journal, orphans and the superblock's stale counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum RepairNeeded {
    /// Nothing.
    None,
    /// What `e2fsck -fp` does by itself.
    Automatic,
    /// A human: `e2fsck -fp` gives up.
    Manual,
}

/// With whose rules a disk is read behind its log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum View {
    /// As Linux reads it.
    Mount,
    /// As `e2fsck` reads it, which goes on behind some damage.
    Check,
}

impl RepairNeeded {
    /// What some repairs need together.
    pub(super) fn of(repairs: &[Repair]) -> Self {
        repairs.iter().map(Repair::needed).max().unwrap_or(Self::None)
    }
}

impl Repair {
    /// Who makes this repair.
    // e2fsprogs 1.47 e2fsck/problem.c, problem_table: PR_PREEN_OK.
    pub const fn needed(&self) -> RepairNeeded {
        match self {
            Self::DirectoryChecksum { .. }
            | Self::InodeChecksum { .. }
            | Self::NameOfUnused { .. }
            | Self::Unattached { what: Unnamed::Empty, .. }
            | Self::Size { .. }
            | Self::Sectors { .. }
            | Self::Links { .. }
            | Self::BitmapChecksum(_)
            | Self::BlocksMarkedFree { .. }
            | Self::BlocksLeaked { .. }
            | Self::InodesMarkedFree { .. }
            | Self::InodesLeaked { .. }
            | Self::Padding { .. }
            | Self::GroupCount {
                what: Counted::FreeBlocks | Counted::FreeInodes | Counted::Directories | Counted::UnusedInodes,
                ..
            } => RepairNeeded::Automatic,
            Self::LogIgnored { .. }
            | Self::GroupDescriptor { .. }
            | Self::Orphan { .. }
            | Self::DamagedDirectory { .. }
            | Self::Unreadable { .. }
            | Self::Unattached { what: Unnamed::Other, .. }
            | Self::SecondName { .. }
            | Self::Dots { .. }
            | Self::Kind { .. }
            | Self::Shared { .. }
            | Self::Attributes { .. }
            | Self::AttributeUsers { .. } => RepairNeeded::Manual,
        }
    }
}
