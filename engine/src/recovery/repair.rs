//! What `e2fsck` would have to repair: each is damage that a mount does not notice.

use crate::format::FormatError;
use crate::history::Errno;
use crate::units::{BlockNr, Ino, Tid};
use std::fmt;

/// A repair that `e2fsck` would make.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Repair {
    /// The log is not empty, but the superblock does not say that it must be replayed: the kernel ignores it.
    LogIgnored {
        /// The first transaction in it.
        first: Tid,
    },
    /// A group descriptor is corrupt after replay.
    GroupDescriptor {
        /// Which group.
        group: u32,
        /// What is wrong with it.
        error: FormatError,
    },
    /// The orphan list leads to what can't be an orphan.
    Orphan {
        /// The inode that it names.
        ino: Ino,
    },
    /// A directory has a block that cannot be read; readdir(2) passes over it.
    DamagedDirectory {
        /// Its inode.
        ino: Ino,
        /// What looking up a name in that block returns.
        errno: Errno,
    },
    /// Nothing but the checksum of a directory's block is bad.
    DirectoryChecksum {
        /// The directory.
        ino: Ino,
    },
    /// Nothing but the checksum of an inode is bad.
    InodeChecksum {
        /// Its number.
        ino: Ino,
    },
    /// A name leads to an inode that nobody uses.
    NameOfUnused {
        /// That inode.
        ino: Ino,
    },
    /// An inode in use that has no name and is no orphan.
    Unattached {
        /// Its number.
        ino: Ino,
        /// What it is.
        what: Unnamed,
    },
    /// Something that a name stands for cannot be read.
    Unreadable {
        /// Its inode.
        ino: Ino,
        /// The error of reading it.
        errno: Errno,
    },
    /// A second name of a directory.
    SecondName {
        /// The directory.
        ino: Ino,
    },
    /// The first entries of a directory are not `.` and `..`.
    Dots {
        /// The directory.
        ino: Ino,
    },
    /// An entry says that its inode is of another kind.
    Kind {
        /// The inode.
        ino: Ino,
    },
    /// The size does not fit the blocks.
    Size {
        /// The inode.
        ino: Ino,
        /// Its size in bytes.
        size: u64,
        /// How many bytes its blocks reach to.
        reach: u64,
    },
    /// An inode counts other space than it takes.
    Sectors {
        /// The inode.
        ino: Ino,
        /// What it says, in 512 bytes.
        stored: u64,
        /// What it takes.
        counted: u64,
    },
    /// An inode counts other names than it has.
    Links {
        /// The inode.
        ino: Ino,
        /// What it says.
        stored: u32,
        /// What it has.
        counted: u32,
    },
    /// A block belongs to more than one owner.
    Shared {
        /// The first such block of an inode.
        block: BlockNr,
        /// Of this inode.
        ino: Ino,
    },
    /// Extended attributes that cannot be read.
    Attributes {
        /// The inode that has them.
        ino: Ino,
        /// What is wrong with them.
        error: FormatError,
    },
    /// A block of attributes counts other users than it has.
    AttributeUsers {
        /// The block.
        block: BlockNr,
        /// What it says.
        stored: u32,
        /// What it has.
        counted: u32,
    },
    /// A bitmap has a bad checksum.
    BitmapChecksum(FormatError),
    /// Blocks in use are marked as free.
    BlocksMarkedFree {
        /// The first one of its group.
        first: BlockNr,
        /// How many of the group.
        blocks: u32,
    },
    /// Blocks that nobody uses are marked as in use.
    BlocksLeaked {
        /// The first one of its group.
        first: BlockNr,
        /// How many of the group.
        blocks: u32,
    },
    /// Inodes in use are marked as free.
    InodesMarkedFree {
        /// The first one of its group.
        first: Ino,
        /// How many of the group.
        inodes: u32,
    },
    /// Inodes that nothing leads to are marked as in use.
    InodesLeaked {
        /// The first one of its group.
        first: Ino,
        /// How many of the group.
        inodes: u32,
    },
    /// A bitmap has clear bits behind the end of its group.
    Padding {
        /// The bitmap.
        bitmap: BlockNr,
    },
    /// A group descriptor counts wrongly.
    GroupCount {
        /// The group.
        group: u32,
        /// What is counted.
        what: Counted,
        /// What the descriptor says.
        stored: u32,
        /// What there is.
        counted: u32,
    },
}

/// An inode that no name leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unnamed {
    /// A regular file without blocks.
    Empty,
    /// Anything else.
    Other,
}

/// What a group descriptor counts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Counted {
    /// Free blocks.
    FreeBlocks,
    /// Free inodes.
    FreeInodes,
    /// Directories.
    Directories,
    /// Inodes at the end of the table that were never used: at most as many as counted.
    UnusedInodes,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FreeBlocks => "free blocks",
            Self::FreeInodes => "free inodes",
            Self::Directories => "directories",
            Self::UnusedInodes => "unused inodes",
        })
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LogIgnored { first } => {
                write!(
                    f,
                    "the log starts with transaction {first}, but the superblock does not ask for its replay"
                )
            }
            Self::GroupDescriptor { group, error } => write!(f, "group {group}: {error}"),
            Self::Orphan { ino } => write!(f, "the orphan list leads to inode {ino}, which is no orphan"),
            Self::DamagedDirectory { ino, errno } => {
                write!(f, "directory {ino} has a block that cannot be read: {errno}")
            }
            Self::DirectoryChecksum { ino } => write!(f, "directory {ino} has a block with a bad checksum"),
            Self::InodeChecksum { ino } => write!(f, "inode {ino} has a bad checksum"),
            Self::NameOfUnused { ino } => write!(f, "a name leads to inode {ino}, which is not in use"),
            Self::Unattached { ino, what: Unnamed::Empty } => {
                write!(f, "inode {ino}, an empty file, has no name")
            }
            Self::Unattached { ino, what: Unnamed::Other } => {
                write!(f, "inode {ino} is in use, but has no name")
            }
            Self::Unreadable { ino, errno } => write!(f, "inode {ino} cannot be read: {errno}"),
            Self::SecondName { ino } => write!(f, "directory {ino} has a second name"),
            Self::Dots { ino } => write!(f, "directory {ino} does not start with . and .. as it should"),
            Self::Kind { ino } => write!(f, "an entry says that inode {ino} is of another kind"),
            Self::Size { ino, size, reach } => {
                write!(f, "inode {ino} has a size of {size} bytes, but its blocks reach to byte {reach}")
            }
            Self::Sectors { ino, stored, counted } => {
                write!(f, "inode {ino} says that it takes {stored} sectors, but it takes {counted}")
            }
            Self::Links { ino, stored, counted } => {
                write!(f, "inode {ino} says that it has {stored} links, but it has {counted}")
            }
            Self::Shared { block, ino } => write!(f, "block {block} of inode {ino} is in use elsewhere too"),
            Self::Attributes { ino, error } => write!(f, "inode {ino}: {error}"),
            Self::AttributeUsers { block, stored, counted } => {
                write!(f, "block {block} of attributes says that it has {stored} users, but it has {counted}")
            }
            Self::BitmapChecksum(error) => write!(f, "{error}"),
            Self::BlocksMarkedFree { first, blocks } => {
                write!(f, "{blocks} blocks in use are marked as free, first block {first}")
            }
            Self::BlocksLeaked { first, blocks } => {
                write!(f, "{blocks} blocks that nothing uses are marked as in use, first block {first}")
            }
            Self::InodesMarkedFree { first, inodes } => {
                write!(f, "{inodes} inodes in use are marked as free, first inode {first}")
            }
            Self::InodesLeaked { first, inodes } => {
                write!(f, "{inodes} inodes that nothing leads to are marked as in use, first inode {first}")
            }
            Self::Padding { bitmap } => write!(f, "bitmap {bitmap} has clear bits behind its end"),
            Self::GroupCount { group, what, stored, counted } => {
                write!(f, "group {group} says that it has {stored} {what}, but it has {counted}")
            }
        }
    }
}
