//! The table: what differs between kernels, since when, and where that is written.
//!
//! Evidence: a commit of Linux, a manual page, or a source that was read. Where a change lies between two profiles,
//! it takes effect with the first profile behind it.

use super::Kernel;

/// A value of a rule, and the first kernel that has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Since {
    /// The first profile that does so.
    pub kernel: Kernel,
    /// What it does.
    pub text: &'static str,
    /// Where that is written.
    pub source: &'static str,
}

/// A rule that differs between kernels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its name in [`Rules`].
    pub name: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// Its values, oldest first; the first holds from the oldest profile on.
    pub values: &'static [Since],
}

impl Row {
    /// What one kernel does.
    ///
    /// # Panics
    /// Never: the first value of a row is that of the oldest kernel.
    pub fn of(&self, kernel: Kernel) -> &'static Since {
        let upto = self.values.partition_point(|value| value.kernel <= kernel);
        &self.values[upto - 1]
    }
}

macro_rules! rules {
    ($(
        $(#[$doc:meta])*
        $field:ident: $type:ident, $title:literal {
            $($(#[$value_doc:meta])* $value:ident = $text:literal,)*
        } since {
            $($kernel:ident $then:ident $source:literal,)*
        }
    )*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, PartialEq, Eq, Debug)]
            pub enum $type { $($(#[$value_doc])* $value,)* }

            impl $type {
                /// What it means, in words.
                pub const fn text(self) -> &'static str {
                    match self { $(Self::$value => $text,)* }
                }
            }
        )*

        /// What one kernel does where kernels differ.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct Rules { $($(#[$doc])* pub $field: $type,)* }

        /// Every rule that differs between kernels.
        pub const TABLE: &[Row] = &[$(Row {
            name: stringify!($field),
            title: $title,
            values: &[$(Since {
                kernel: Kernel::$kernel,
                text: $type::$then.text(),
                source: $source,
            },)*],
        },)*];

        impl Kernel {
            /// What this kernel does where kernels differ.
            pub fn rules(self) -> Rules {
                Rules { $($field: {
                    let values = [$((Kernel::$kernel, $type::$then),)*];
                    values[values.partition_point(|(since, _)| *since <= self) - 1].1
                },)* }
            }
        }
    };
}

rules! {
    /// Who knows that a page was stored to through a mapping.
    dirty_tracking: DirtyTracking, "a store to a shared mapping" {
        /// Only the page table: fsync, sync and background writeback do not see it.
        PageTable = "dirties the page table entry alone; only msync, munmap, exit (and reclaim) tell the page cache",
        /// The page cache, from the fault that makes the page writable.
        Fault = "faults, and the fault dirties the page; write-protected again by writeback",
    } since {
        V2_5_67 PageTable "mm/msync.c and mm/page-writeback.c of 2.6.11 to 2.6.18",
        V2_6_19 Fault "d08b3851da41, \"mm: tracking shared dirty pages\"",
    }

    /// What a file system does at the first store to a page through a shared mapping.
    page_mkwrite: PageMkwrite, "the first store to a page through a shared mapping" {
        /// Nothing: it is not told.
        None = "reserves no block and stamps no time: a hole gets its block at writeback, or loses the data",
        /// It gets ready for writeback.
        Reserves = "stamps the times and reserves a block; SIGBUS where the disk is full",
    } since {
        V2_5_67 None "fs/ext3/file.c of 2.6.20: generic_file_mmap, no page_mkwrite",
        V3_10 Reserves "fs/ext4/inode.c, ext4_page_mkwrite, 2.6.27",
    }

    /// What msync(MS_ASYNC) does with each shared file mapping.
    msync_async: MsyncAsync, "msync(MS_ASYNC)" {
        /// Dirty bits move to the pages, and I/O on the whole file starts.
        StartsIo = "moves dirty bits to the page cache and starts I/O on the whole file",
        /// Dirty bits move to the pages of the range.
        MovesDirtyBits = "moves dirty bits of the range to the page cache, no I/O",
        /// The same, and the caller is throttled where too much is dirty.
        MovesAndThrottles = "moves dirty bits of the range to the page cache, then throttles; no I/O of its own",
        /// Nothing: the page cache knows already.
        Nothing = "does nothing",
    } since {
        V2_5_67 StartsIo "mm/msync.c as quoted by the changeset of 2003-04-09",
        V2_6_11 MovesDirtyBits "changeset of 2003-04-09, 2.5.68",
        V2_6_17 MovesAndThrottles "mm/msync.c of 2.6.17 and 2.6.18, balance_dirty_pages_ratelimited_nr",
        V2_6_19 Nothing "204ec841fbea, \"mm: msync() cleanup\"; msync(2), NOTES",
    }

    /// What msync(MS_SYNC) makes durable for each shared file mapping.
    msync_sync: MsyncSync, "msync(MS_SYNC)" {
        /// Dirty bits of the range move; then the whole file as by fdatasync, under the mmap lock.
        WholeFileData = "moves dirty bits of the range, then syncs the whole file as fdatasync does",
        /// Dirty bits of the range move where the table has them; then the whole file as by fsync, without the lock.
        WholeFile = "syncs the whole file as fsync does (before 2.6.19: dirty bits of the range move first, and only they)",
        /// The pages of the range as by fdatasync.
        Range = "syncs the pages of the range as fdatasync does",
    } since {
        V2_5_67 WholeFileData "mm/msync.c of 2.6.11 and 2.6.16, msync_interval: f_op->fsync with datasync 1",
        V2_6_17 WholeFile "mm/msync.c of 2.6.17 to 2.6.20: do_fsync with datasync 0",
        V3_16 Range "7fc34a62ca44, \"mm/msync.c: sync only the requested range in msync()\"; 496a8e68654c",
    }

    /// Whether msync finds the holes in its range.
    msync_walk: MsyncWalk, "msync over a range with a hole" {
        /// ENOMEM, and what is mapped is treated.
        Sound = "returns ENOMEM; what is mapped is synced",
        /// The walk forgets the hole after a sync, and goes on to the mapping behind the range.
        LosesHoles = "returns 0 when the hole ends the range or a sync succeeds behind it; may sync the next file too",
    } since {
        V2_5_67 Sound "mm/msync.c of 2.6.11",
        V2_6_17 LosesHoles "mm/msync.c of 2.6.17 and 2.6.18; Hugh Dickins, 2006-06-14",
        V2_6_19 Sound "204ec841fbea",
    }

    /// Whether a page that changes while it is being written is waited for.
    stable_pages: StablePages, "a write to a page that is on its way to the disk" {
        /// Never.
        Never = "never waits: the disk may get old bytes, new bytes, or some of each",
        /// Where the device needs its data not to change (queue/stable_writes).
        IfAsked = "waits where the device says that it needs stable pages",
    } since {
        V2_5_67 Never "no wait_for_stable_page in mm/ before 3.9",
        V3_10 IfAsked "1d1d1a767206, \"mm: only enforce stable page writes if the backing device requires it\", 3.9",
    }

    /// Who writes dirty pages when nobody asks for it.
    writer: Writer, "background writeback" {
        /// A pool of threads for all devices.
        Pdflush = "pdflush: wakes every 5 s, writes what has been dirty for 30 s",
        /// A worker for each device.
        Flusher = "the flusher of each device: wakes every 5 s, writes what has been dirty for 30 s",
    } since {
        V2_5_67 Pdflush "mm/page-writeback.c of 2.6.11, wb_kupdate",
        V3_10 Flusher "03ba3782e8dc, 2.6.32",
    }

    /// What posix_fadvise(POSIX_FADV_DONTNEED) starts to write.
    fadvise_dontneed: FadviseScope, "posix_fadvise(POSIX_FADV_DONTNEED)" {
        /// The whole file.
        WholeFile = "starts writing the whole file",
        /// The range.
        Range = "starts writing the range",
    } since {
        V2_5_67 WholeFile "mm/fadvise.c of 2.6.20, filemap_flush",
        V3_10 Range "mm/fadvise.c, __filemap_fdatawrite_range",
    }

    /// What O_SYNC means.
    o_sync: OSync, "O_SYNC" {
        /// What is called O_DSYNC today.
        DataOnly = "is today's O_DSYNC: times need not be durable",
        /// All metadata.
        Full = "waits for all metadata, as fsync does",
    } since {
        V2_5_67 DataOnly "open(2), \"before Linux 2.6.33\"",
        V3_10 Full "6b2f3d1f769b, 2.6.33",
    }

    /// Whether the file system asks for barriers unless told otherwise.
    barriers: Barriers, "barriers by default" {
        /// Not: ext3.
        Off = "off, as in ext3: nothing ever flushes the disk's cache",
        /// It does: ext4.
        On = "on",
    } since {
        V2_5_67 Off "ext3's default until 3.1",
        V3_10 On "ext4's default since it is called so",
    }

    /// Who writes the dirty pages of a file that is synced.
    sync_data: SyncData, "fsync: the dirty pages of the file" {
        /// The system call, before it asks the file system to sync.
        Caller = "are written by the system call before the file system syncs, and waited for behind it",
        /// The file system.
        FileSystem = "are written and waited for by the file system's own sync",
    } since {
        V2_5_67 Caller "fs/buffer.c, sys_fsync; fs/sync.c, do_fsync, before 3.1",
        V3_10 FileSystem "02c24a82187d, 3.1: fsync is given a range",
    }

    /// What fdatasync does about a transaction that has nothing but new times of the file.
    fdatasync_times: FdatasyncTimes, "fdatasync of a file of which only the times changed" {
        /// As fsync.
        Commits = "commits, as fsync does",
        /// It leaves it alone.
        Skips = "does not commit",
    } since {
        V2_5_67 Commits "fs/ext3/fsync.c before 3d61f75eefed, tested with 2.6.24",
        V3_10 Skips "3d61f75eefed, \"ext3: fdatasync should skip metadata writeout when overwriting\"",
    }

    /// Whether a sync call flushes the disk's cache where no commit does.
    sync_flush: SyncFlush, "fsync of a file whose metadata is committed already" {
        /// Not.
        None = "does not flush the disk's cache, even with barriers",
        /// It does.
        Flush = "flushes the disk's cache",
    } since {
        V2_5_67 None "fs/ext3/fsync.c before 56fcad29d4b3, 2.6.32",
        V3_10 Flush "fs/ext4/fsync.c, blkdev_issue_flush",
    }

    /// Whether blocks are allocated when data is written back, unless told otherwise.
    delalloc: Delalloc, "delayed allocation by default" {
        /// write() allocates: ext3.
        Off = "off, as in ext3: write() allocates",
        /// Writeback allocates: ext4.
        On = "on: writeback allocates",
    } since {
        V2_5_67 Off "ext3 has none",
        V3_10 On "ext4's default since 2.6.28",
    }

    /// Whether a file that replaces another has its data started, unless told otherwise.
    auto_da_alloc: AutoDaAlloc, "auto_da_alloc by default" {
        /// Not.
        Off = "off",
        /// It has.
        On = "on",
    } since {
        V2_5_67 Off "before 2.6.30",
        V3_10 On "bf1b69c0db7e and relatives, 2.6.30",
    }

    /// Whether the last blocks of a disk are kept back, so that writeback finds room for metadata.
    kept_back: KeptBack, "the last blocks of a nearly full disk" {
        /// Not.
        None = "are given to files",
        /// A fiftieth of the disk, 4096 blocks at most.
        Fiftieth = "are kept back for metadata: a fiftieth of the disk, 4096 blocks at most",
    } since {
        V2_5_67 None "fs/ext4/super.c before 27dd43854227",
        V3_10 Fiftieth "27dd43854227, \"ext4: introduce reserved space\", 3.10",
    }

    /// How new blocks of a file are allocated, unless told otherwise.
    new_blocks: NewBlocks, "new blocks of a file by default" {
        /// As written; the commit waits for their data (dioread_lock).
        Written = "are written blocks at once, and the commit waits for their data (dioread_lock)",
        /// As unwritten, until their data is there (dioread_nolock).
        Unwritten = "read as zeros until their data is there; no commit waits for it (dioread_nolock)",
    } since {
        V2_5_67 Written "fs/ext4/super.c before 5.6",
        V5_15 Unwritten "244adf6426ee, 5.6",
    }

    /// What a commit does with ordered data that is dirty.
    ordered_commit: OrderedCommit, "a commit with ordered data" {
        /// It writes it.
        Writes = "writes dirty pages of files that got blocks, and waits for them",
        /// It only waits for what is on its way.
        Waits = "only waits for data that is on its way (delalloc)",
    } since {
        V2_5_67 Writes "jbd2_journal_file_inode before 41617e1a8dec, 4.7",
        V4_19 Waits "41617e1a8dec and ee0876bc69ee, 4.7",
    }

    /// Which pages of a file a commit with ordered data looks at.
    ordered_scope: OrderedScope, "the pages that a commit with ordered data looks at" {
        /// All of the file.
        WholeFile = "are all dirty pages with a block of a file that got blocks",
        /// From the first block that it got to the last.
        Range = "are those from the first to the last block that the file got",
    } since {
        V2_5_67 WholeFile "fs/jbd2/commit.c, journal_submit_inode_data_buffers, before 5.3",
        V5_4 Range "6ba0e7dc64a5 and 73131fbb003b, 5.3: i_dirty_start, i_dirty_end",
    }

    /// Whether a synchronous direct write has made its new size durable when it returns.
    dio_sync: DioSync, "an O_DIRECT write with O_SYNC that extends the file" {
        /// It has.
        WithSize = "returns when the new size is durable",
        /// It may have not: the sync comes before the size is set.
        BeforeSize = "may return before the new size is durable",
    } since {
        V2_5_67 WithSize "generic_write_sync behind ext4_direct_IO",
        V5_15 BeforeSize "378f32bab371, 5.5, before 91562895f803",
        V6_6 WithSize "91562895f803, 6.6.3",
    }

    /// Whether a direct overwrite with O_DSYNC uses FUA where the device has it.
    dio_fua: DioFua, "an O_DIRECT overwrite with O_DSYNC on a device with FUA" {
        /// Not.
        Flush = "writes, then flushes",
        /// It does.
        Fua = "writes with FUA, without a flush",
    } since {
        V2_5_67 Flush "fs/direct-io.c",
        V5_15 Fua "378f32bab371, 5.5: iomap_dio_rw",
    }

    /// Whether the rest of the last block is zeroed before a file grows.
    eof_zeroing: EofZeroing, "the rest of the last block, as the file grows" {
        /// Not: bytes that were stored behind the end through a mapping become file data.
        None = "is left as it is: bytes stored there through a mapping become part of the file",
        /// It is.
        Zeroed = "is zeroed",
    } since {
        V2_5_67 None "fs/ext4/inode.c, ext4_setattr, before c7fc0366c656",
        V6_12 Zeroed "c7fc0366c656, 6.13 and stable kernels of January 2025",
    }

    /// What fallocate returns for modes that exclude each other.
    fallocate_modes: FallocateModes, "fallocate with modes that exclude each other" {
        /// It depends.
        Mixed = "is EINVAL where COLLAPSE_RANGE, INSERT_RANGE or UNSHARE_RANGE is among them, else EOPNOTSUPP",
        /// Always the same.
        Unsupported = "is EOPNOTSUPP",
    } since {
        V2_5_67 Mixed "fs/open.c of 6.6, vfs_fallocate",
        V6_12 Unsupported "fs/open.c, \"fs: sort out the fallocate mode mess\", 6.12",
    }

    /// How large a transaction may grow.
    transaction_room: CommitRoom, "the largest transaction" {
        /// A quarter of the log.
        Quarter = "a quarter of the log",
        /// A third of the log.
        Third = "a third of the log",
    } since {
        V2_5_67 Quarter "fs/jbd2/journal.c before 6.11",
        V6_12 Third "fs/jbd2/journal.c, 6.11",
    }

    /// What fsync does with `data=journal`.
    data_journal_sync: DataJournalSync, "fsync with data=journal" {
        /// It commits.
        Commits = "commits; what is committed goes to its place later",
        /// It commits, then writes in place, then flushes.
        WritesInPlace = "commits, then writes the pages in their places and flushes",
    } since {
        V2_5_67 Commits "fs/ext4/fsync.c before 6.4: ext4_force_commit",
        V6_6 WritesInPlace "fs/ext4/inode.c since 6.4, ext4_do_writepages",
    }

    /// What fsync does without a journal.
    nojournal_fsync: NojournalFsync, "fsync without a journal" {
        /// Nothing more where the VFS takes the inode for clean.
        SkipsClean = "writes neither inode nor parent, and flushes nothing, where the VFS takes the inode for clean",
        /// It always flushes.
        Flushes = "always flushes; leaves the inode table alone where the VFS takes the inode for clean",
        /// It always writes the inode too.
        WritesInode = "always writes the inode table and flushes",
    } since {
        V2_5_67 SkipsClean "fs/ext4/fsync.c before 6.5, ext4_fsync_nojournal",
        V6_6 Flushes "fs/ext4/fsync.c since 6.5, generic_buffers_fsync_noflush",
        V6_12 WritesInode "seen on Linux 6.18.44; stable kernels of 2026",
    }

    /// The checksums of a log whose file system has `metadata_csum`.
    log_checksum: LogChecksum, "the log of a file system with checksums" {
        /// Tags have half a checksum.
        V2 = "has checksums v2: 16 bits for each copy",
        /// Tags have a whole one.
        V3 = "has checksums v3: 32 bits for each copy",
    } since {
        V2_5_67 V2 "include/linux/jbd2.h, JBD2_FEATURE_INCOMPAT_CSUM_V2, 3.5; before that metadata had no checksums",
        V4_19 V3 "db9ee220361d, 3.18",
    }

    /// What fsync does on a file system with room for fast commits.
    fast_commit: FastCommits, "the feature fast_commit" {
        /// Nothing: it is not known, and the room belongs to the log.
        Unknown = "is not known: each fsync commits, and the log has all blocks of the journal",
        /// fsync of a regular file writes what changed since the last commit, in few blocks.
        Written = "lets fsync of a regular file write a fast commit behind the log, where all that has changed allows it",
    } since {
        V2_5_67 Unknown "fs/ext4/fast_commit.c came with 5.10",
        V5_15 Written "fs/ext4/fast_commit.c of 6.6, measured on 6.18; before 6.2 a fast commit that was cut off ended the replay",
    }

    /// What recovery makes of a torn commit block with a bad checksum.
    torn_commit: TornCommit, "a torn commit block at recovery" {
        /// The mount fails.
        Rejected = "fails the mount",
        /// It is taken where its first 60 bytes check out.
        Accepted = "is accepted where its first 60 bytes check out",
    } since {
        V2_5_67 Rejected "fs/jbd2/recovery.c of 6.6",
        V6_6_51 Accepted "fs/jbd2/recovery.c, 6.6.51 and 6.11, jbd2_commit_block_csum_verify_partial",
    }
}
