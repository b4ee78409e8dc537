//! What a step changed for whoever looks, and what it made durable by contract.
//!
//! ```text
//!   open(O_CREAT)  New 12, Name 2/"f" = 12
//!   write          Bytes 12, 3 bytes long, block 0 = "new…"
//!   fsync          Synced File 12
//! ```
//! What stands here is what the program sees as the step returns; where and when it reaches the disk is another matter.

use crate::units::{Block, FileBlock, Ino};

/// Something that a step changed or promised. In one step they come in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Fact {
    /// A regular file begins, empty.
    New {
        /// Its inode.
        ino: Ino,
    },
    /// A name stands for something else now.
    Name {
        /// The directory that it is in.
        dir: Ino,
        /// The name.
        name: String,
        /// What it stands for; none if it is gone.
        ino: Option<Ino>,
    },
    /// A file was cut off, or became longer by zeros.
    Size {
        /// The file.
        ino: Ino,
        /// How long it is now.
        size_bytes: u64,
    },
    /// Bytes of a file were written.
    Bytes {
        /// The file.
        ino: Ino,
        /// How long it is now.
        size_bytes: u64,
        /// The blocks with those bytes, as they are now.
        blocks: Vec<(FileBlock, Block)>,
    },
    /// Bytes of a file became zeros.
    Zeros {
        /// The file.
        ino: Ino,
        /// From this byte on.
        from: u64,
        /// Up to here.
        end: u64,
    },
    /// The blocks of a file moved within it: all its contents may be elsewhere.
    Shifted {
        /// The file.
        ino: Ino,
    },
    /// A call has returned after which something is durable.
    Synced(Synced),
}

/// What a call makes durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Synced {
    /// A file, by fsync(2).
    File(Ino),
    /// A file's data, by fdatasync(2).
    Data(Ino),
    /// A directory, by fsync(2) or fdatasync(2).
    Directory(Ino),
    /// Bytes of a file that a call wrote, by O_SYNC, O_DSYNC, their RWF_ flags, or a `sync` mount.
    Written {
        /// The file.
        ino: Ino,
        /// From this byte on.
        from: u64,
        /// Up to here.
        end: u64,
    },
    /// Pages of a file, by msync(2) with MS_SYNC.
    Mapped {
        /// The file.
        ino: Ino,
        /// From this byte on.
        from: u64,
        /// Up to here.
        end: u64,
    },
    /// All files and names, by sync(2) or syncfs(2).
    Everything,
}
