//! The table of promises.

use crate::scenario::{DataMode, Stack, Synchronous};

/// How binding a promise is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// POSIX or a manual page says it.
    Documented,
    /// ext4 gives it with these mount options.
    Ext4,
}

impl Level {
    /// As it is printed.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Documented => "documented",
            Self::Ext4 => "ext4",
        }
    }
}

/// A promise that a call makes.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The call.
    pub call: &'static str,
    /// How binding it is.
    pub level: Level,
    /// What survives a power cut once the call has returned.
    pub promise: &'static str,
    /// What it does not promise, for the reader.
    pub not: &'static str,
    /// Where it is written, or which function does it.
    pub source: &'static str,
    /// What must be so of the mount, in words; empty where it is always promised.
    pub on: &'static str,
    /// The same for the machine.
    needs: fn(&Stack) -> bool,
}

impl Row {
    /// Whether it is promised on this machine.
    pub fn is_given(&self, stack: &Stack) -> bool {
        (self.needs)(stack)
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        (self.call, self.level, self.promise) == (other.call, other.level, other.promise)
    }
}

impl Eq for Row {}

const fn always(_: &Stack) -> bool {
    true
}

fn has_journal(stack: &Stack) -> bool {
    stack.has_journal()
}

fn hides_stale(stack: &Stack) -> bool {
    stack.has_journal() && stack.mount.data != DataMode::Writeback
}

fn forces_data(stack: &Stack) -> bool {
    stack.has_journal() && stack.mount.auto_da_alloc && stack.mount.data != DataMode::Writeback
}

fn syncs_names(stack: &Stack) -> bool {
    stack.mount.synchronous != Synchronous::None
}

const fn documented(
    call: &'static str,
    promise: &'static str,
    not: &'static str,
    source: &'static str,
) -> Row {
    Row { call, level: Level::Documented, promise, not, source, on: "", needs: always }
}

const fn ext4(
    call: &'static str,
    promise: &'static str,
    not: &'static str,
    source: &'static str,
    (on, needs): (&'static str, fn(&Stack) -> bool),
) -> Row {
    Row { call, level: Level::Ext4, promise, not, source, on, needs }
}

/// What was there before the program started.
pub(super) const BEFORE: Row =
    documented("(before)", "what was there when the program started", "", "umount(2): all of it was written");
/// fsync of a file.
pub(super) const FSYNC: Row = documented(
    "fsync",
    "the bytes and the size of the file",
    "its name, other files",
    "fsync(2); POSIX fsync: synchronized I/O file integrity completion",
);
/// fdatasync of a file.
pub(super) const FDATASYNC: Row = documented(
    "fdatasync",
    "the bytes and the size of the file",
    "times, mode, its name",
    "fdatasync(2); POSIX fdatasync: synchronized I/O data integrity completion",
);
/// fsync of a directory.
pub(super) const FSYNC_DIRECTORY: Row = documented(
    "fsync of a directory",
    "its names",
    "the bytes of the files in it",
    "fsync(2): \"an explicit fsync() on a file descriptor for the directory is also needed\"",
);
/// A synchronous write.
pub(super) const WRITTEN: Row = documented(
    "write with O_SYNC, O_DSYNC, RWF_SYNC, RWF_DSYNC",
    "the bytes that were written",
    "other bytes, the file's name",
    "open(2), readv(2): synchronized I/O",
);
/// msync.
pub(super) const MSYNC: Row = documented(
    "msync(MS_SYNC)",
    "the bytes of the pages",
    "pages outside the range, the file's name",
    "msync(2); POSIX msync: synchronized I/O data integrity completion",
);
/// sync and syncfs.
pub(super) const SYNC: Row = documented(
    "sync, syncfs",
    "the bytes of all files, and all names",
    "whether it failed (sync)",
    "sync(2): \"sync() or syncfs() provide the same guarantees as fsync() called on every file in the system or \
     filesystem respectively\"",
);
/// The names of a file.
pub(super) const FSYNC_NAMES: Row = ext4(
    "fsync",
    "the names that the file was given, or lost",
    "",
    "v6.6 fs/ext4/fsync.c, ext4_fsync_journal: commits the transaction that changed the inode",
    ("with a journal", has_journal),
);
/// The name of a new file.
pub(super) const FDATASYNC_NAME: Row = ext4(
    "fdatasync",
    "the name that a new file was made with",
    "a rename or a link since",
    "v6.6 fs/ext4/inode.c, ext4_mark_iloc_dirty: i_datasync_tid of a new inode",
    ("with a journal", has_journal),
);
/// A commit carries all before it.
pub(super) const DIRECTORY_ORDER: Row = ext4(
    "fsync of a directory",
    "all names that were changed before it was",
    "",
    "v6.6 fs/jbd2/commit.c: a transaction holds all operations since the last one",
    ("with a journal", has_journal),
);
/// Names on a mount with `dirsync` or `sync`.
pub(super) const SYNCHRONOUS_NAMES: Row = ext4(
    "any call that changes names",
    "the names",
    "the bytes of files (dirsync)",
    "mount(8): sync, dirsync",
    ("with dirsync or sync", syncs_names),
);
/// A rename is atomic.
pub(super) const RENAME: Row = ext4(
    "rename over a name",
    "the old file or the new one has the name, at every moment",
    "which of the two; the bytes of the new one",
    "v6.6 fs/ext4/namei.c, ext4_rename: one handle",
    ("with a journal", has_journal),
);
/// `auto_da_alloc`: the size.
pub(super) const RENAME_SIZE: Row = ext4(
    "rename over a name",
    "where the new file has the name, it has its whole size",
    "its bytes",
    "v6.6 fs/ext4/namei.c, ext4_rename: ext4_alloc_da_blocks",
    ("auto_da_alloc", forces_data),
);
/// `auto_da_alloc`: the bytes, as its documentation says.
pub(super) const RENAME_BYTES: Row = ext4(
    "rename over a name",
    "where the new file has the name, it has its bytes",
    "",
    "ext4(5), Documentation/admin-guide/ext4.rst: auto_da_alloc. Not so with dioread_nolock, which is the default",
    ("auto_da_alloc", forces_data),
);
/// The commit timer.
pub(super) const TIMER: Row = ext4(
    "(time passes)",
    "names that were changed before the commit interval began",
    "the bytes of files",
    "ext4(5): commit=",
    ("with a journal", has_journal),
);
/// No stale bytes.
pub(super) const OWN_BYTES: Row = ext4(
    "(always)",
    "no file shows bytes that it never held",
    "that it shows those that it should hold: zeros are possible",
    "ext4(5): data=ordered, data=journal",
    ("data=ordered, data=journal", hides_stale),
);
/// It mounts.
pub(super) const MOUNTS: Row = ext4(
    "(always)",
    "the file system can be mounted",
    "",
    "v6.6 fs/jbd2: what is replayed is whole",
    ("with a journal", has_journal),
);

/// All promises, by call.
pub const TABLE: &[Row] = &[
    FSYNC,
    FSYNC_NAMES,
    FDATASYNC,
    FDATASYNC_NAME,
    FSYNC_DIRECTORY,
    DIRECTORY_ORDER,
    SYNC,
    WRITTEN,
    MSYNC,
    RENAME,
    RENAME_SIZE,
    RENAME_BYTES,
    SYNCHRONOUS_NAMES,
    TIMER,
    BEFORE,
    OWN_BYTES,
    MOUNTS,
    documented("write, pwrite, close", NOTHING, "everything", "write(2), close(2)"),
    documented("O_DIRECT write", NOTHING, "everything: it needs O_SYNC too", "open(2): O_DIRECT"),
    documented("msync(MS_ASYNC)", NOTHING, "everything", "msync(2), NOTES: \"a no-op\" since 2.6.19"),
    documented("store to a mapping, munmap", NOTHING, "everything until msync or fsync", "mmap(2), msync(2)"),
    documented("sync_file_range", NOTHING, "everything", "sync_file_range(2): \"extremely dangerous\""),
    documented("posix_fadvise", NOTHING, "everything", "posix_fadvise(2)"),
    documented("truncate, fallocate", NOTHING, "everything until fsync", "fsync(2)"),
    documented(
        "open(O_CREAT), link, unlink, mkdir, rename",
        NOTHING,
        "everything until fsync of the directory",
        "fsync(2)",
    ),
];

/// What most calls promise.
const NOTHING: &str = "nothing";
