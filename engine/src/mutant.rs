//! Ways to break the model on purpose.
//!
//! Each leaves out one rule of ordering. A test runs a scenario under each and must see it fail: what cannot be
//! seen to fail is not tested. Nothing but tests sets one.

/// A rule that is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mutant {
    /// The commit block goes out without REQ_PREFLUSH.
    CommitWithoutPreflush,
    /// The commit block does not wait for descriptors and copies.
    CommitWithoutWait,
    /// The commit block goes out without REQ_FUA.
    CommitWithoutFua,
    /// The last block of a fast commit goes out without REQ_PREFLUSH.
    FastCommitWithoutPreflush,
    /// With `journal_async_commit` no flush follows the commit block.
    AsyncCommitWithoutFlush,
    /// With `data=journal` data blocks are written to their places and not logged.
    DataNotJournalled,
    /// Without a journal fsync does not write the directories above a new file.
    SyncWithoutParent,
    /// A mount with `sync` or `dirsync` does not wait for the commit of a change of names.
    DirsyncWithoutCommit,
    /// fsync does not flush where no commit does it.
    SyncWithoutFlush,
    /// What fsync commits does not wait for the extents to be marked as written.
    SyncWithoutConversion,
    /// The log's tail moves on without a flush of the blocks written in place.
    TailWithoutFlush,
    /// A commit moves the log's tail before its flush, not behind its commit block.
    TailBeforeRecord,
    /// Freed blocks are given out again before the transaction that freed them has committed.
    ReuseBeforeCommit,
    /// Freed metadata blocks are not revoked.
    NoRevoke,
    /// Writeback leaves the page writable in its mappings: later stores are not seen.
    WritebackWithoutWriteProtect,
    /// Writeback does not zero what lies behind the end of the file.
    WritebackWithoutZeroedEnd,
    /// msync forgets the last of several pages.
    MsyncWithoutLastPage,
    /// Before 2.6.19: munmap drops dirty bits instead of handing them to the page cache.
    MunmapWithoutDirtyBits,
    /// A direct write behind the end of a file does not put it on the orphan list.
    DirectExtendWithoutOrphan,
    /// A file without a name is not put on the orphan list.
    TmpfileWithoutOrphan,
    /// The zeroed edges of a hole are not on the list of ordered data.
    PunchWithoutOrderedEdges,
    /// A commit does not wait for its ordered data.
    OrderedWithoutWait,
}
