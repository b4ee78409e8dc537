//! Where kernel and model are known to differ, and why. Whatever is not listed here fails.
//!
//! The recordings were made on Linux 6.18; the model follows 6.12, the nearest that it knows.

use std::ops::RangeInclusive;

/// A case whose requests come in another order, with its reason.
pub(super) struct Order {
    /// Its name.
    pub(super) case: &'static str,
    /// The order of the model.
    pub(super) model: &'static str,
    /// The recorded order.
    pub(super) kernel: &'static str,
}

/// Something that the kernel found and the model does not, with its reason.
pub(super) struct Outcome {
    /// The name of the case.
    pub(super) case: &'static str,
    /// The windows: after which steps.
    pub(super) after: RangeInclusive<i64>,
    /// The tree.
    pub(super) outcome: &'static str,
}

pub(super) const ORDERS: &[Order] = &[
    // The flusher wakes every 5 s, counted from the first page that was dirtied since it had nothing to do. In the
    // recording that was before the program started, in the model it is in the program's own write. So which comes
    // first, the second commit (5 s after data was written back, rounded up to a second) or the blocks of the first
    // commit in their places (at the flusher's next turn after they are 30 s old), is a matter of phase; the model
    // has one of the two. Blocks of the running transaction are not among those written, in either.
    Order {
        case: "timer-flusher",
        model: "journal superblock, descriptor, copies, flush, commit, flush, \
                data, descriptor, copies, flush, commit, flush, in place",
        kernel: "journal superblock, descriptor, copies, flush, commit, flush, \
                 data, in place, descriptor, copies, flush, commit, flush",
    },
    // mmap is an access: the kernel stamps the time (relatime, `file_accessed` in ext4_file_mmap), and fsync commits
    // it. The model keeps no access times; the same program on a file system mounted noatime only flushed.
    Order {
        case: "msync-private",
        model: "flush",
        kernel: "journal superblock, descriptor, copies, flush, commit, flush",
    },
    // The model sends the zeros before and behind a piece of a new block as requests of their own, as iomap_dio_zero
    // makes them; the block layer has merged the three. The recording counts blocks that a request touches.
    Order {
        case: "direct-sector",
        model: "data x4, journal superblock, descriptor, copies, flush, commit, flush",
        kernel: "data x2, journal superblock, descriptor, copies, flush, commit, flush",
    },
    // Metadata is submitted before the data has arrived, so what marks the new blocks as written comes behind the flush,
    // unflushed. Here the data arrives at once; under the late schedule the order is the recorded one.
    Order {
        case: "nojournal-sync",
        model: "data, in place, flush",
        kernel: "data, in place, flush, in place",
    },
    // Where blocks are marked as written before their data is there, ext4 does not split a short unwritten extent: it
    // writes zeros to the rest of it and marks all of it (`ext4_ext_convert_to_initialized`, up to 32 KiB). The model
    // splits. The rest reads as zeros in either.
    Order {
        case: "fallocate-nodelalloc",
        model: "journal superblock, descriptor, copies, flush, commit, flush, \
                data, descriptor, copies, flush, commit, flush",
        kernel: "journal superblock, descriptor, copies, flush, commit, flush, \
                 data x2, descriptor, copies, flush, commit, flush",
    },
    Order {
        case: "fallocate-overwrite-dioread-lock",
        model: "journal superblock, descriptor, copies, flush, commit, flush, \
                descriptor, copies, flush, commit, flush, data, descriptor, copies, flush, commit, flush",
        kernel: "journal superblock, descriptor, copies, flush, commit, flush, \
                 descriptor, copies, flush, commit, flush, data x2, descriptor, copies, flush, commit, flush",
    },
    // The superblock's last-mounted path, which the model does not write, was in the first commit; so it can go to its place
    // in syncfs, before the next commit.
    Order {
        case: "fast-commit-full-between",
        model: "data, journal superblock, descriptor, copies, flush, commit, flush, data, flush, fast commit, flush, \
                descriptor, copies, flush, commit, flush, in place, data, flush, fast commit, flush",
        kernel: "data, journal superblock, descriptor, copies, flush, commit, flush, data, flush, fast commit, flush, \
                 in place, descriptor, copies, flush, commit, flush, in place, data, flush, fast commit, flush",
    },
];

pub(super) const OUTCOMES: &[Outcome] = &[
    // The kernel's allocator gave the new file a block that had never been used, the model's gives it the one that was
    // just freed: the size survives without the data in both, over zeros there and over the old file's bytes here.
    Outcome { case: "data-writeback-nodelalloc-stale", after: 4..=6, outcome: "{/f \\x00*4096, /g h}" },
    // The recorder takes what the parent's entry says to be a directory for one, and does not look at its inode, which
    // here is as bad as that of the file beside it.
    Outcome { case: "nojournal-dirsync", after: 0..=2, outcome: "{/d dir, /f !Bad message}" },
];

/// Cases in which the model of 6.6 does something else than the recorded kernel. Most let a file grow from the middle
/// of a block, which 6.12.9 and later zero first (`kernel/rules.rs`, `eof_zeroing`); those without a journal sync
/// an inode that the VFS takes for clean (`nojournal_fsync`). Everything else that was recorded on 6.18 is the same
/// in the models of 6.12 and of 6.6.
pub(super) const OLDER: &[&str] = &[
    "fast-commit-o-sync",
    "fast-commit-preallocate",
    "fast-commit-truncate",
    "ftruncate-extend-fsync",
    "mmap-extend-store-msync",
    "mmap-grow-write",
    "mmap-past-eof-append",
    "mmap-past-eof-extend-first",
    "msync-past-eof",
    "nojournal-direct",
    "nojournal-fsync-directory",
    "nojournal-fsync-empty",
    "nojournal-overwrite-fdatasync",
    "nojournal-rename-replace",
    "nojournal-unlink-fsync-directory",
    "sparse-tail-fsync",
];
