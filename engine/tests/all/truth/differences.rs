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
];

pub(super) const OUTCOMES: &[Outcome] = &[];

/// Cases in which the model of 6.6 does something else than the recorded kernel: each lets a file grow from the middle
/// of a block, which 6.12.9 and later zero first (`kernel/rules.rs`, `eof_zeroing`). Everything else that was recorded
/// on 6.18 is the same in the models of 6.12 and of 6.6.
pub(super) const OLDER: &[&str] = &[
    "ftruncate-extend-fsync",
    "mmap-extend-store-msync",
    "mmap-grow-write",
    "mmap-past-eof-append",
    "mmap-past-eof-extend-first",
    "msync-past-eof",
    "sparse-tail-fsync",
];
