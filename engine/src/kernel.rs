//! Which Linux is modelled, and what its releases do differently.
//!
//! ```text
//!   2.5.67 ─ 2.6.11 ─ 2.6.16 ─ 2.6.17 ─ … ─ 6.6 ─ 6.12      Kernel, in order of release
//!      └── rules: one value for each row of the table ──┘     Rules
//! ```
//! Everything that differs is a row of the table in `rules`: no other module compares kernels. Beneath all of them is
//! one file system, the ext4 of 6.6: for kernels before it (2.6.28) it stands in for ext3, with the mount options that
//! ext3 had by default.
//!
//! Not modelled: what differs in the on-disk format, in the reporting of I/O errors, and in the dirty limits.

mod calls;
mod names;
mod rules;
mod versions;

pub use calls::{Feature, NEWCOMERS, Newcomer};
pub use rules::{
    AutoDaAlloc, Barriers, CommitRoom, DataJournalSync, Delalloc, DioFua, DioSync, DirtyTracking, EofZeroing,
    FadviseScope, FallocateModes, FastCommits, FdatasyncTimes, KeptBack, LogChecksum, MsyncAsync, MsyncSync,
    MsyncWalk, NewBlocks, NojournalFsync, OSync, OrderedCommit, OrderedScope, PageMkwrite, Row, Rules, Since,
    StablePages, SyncData, SyncFlush, TABLE, TornCommit, Writer,
};
pub use versions::{Kernel, KernelError};

#[cfg(test)]
mod tests;
