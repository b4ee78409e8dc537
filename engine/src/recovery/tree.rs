//! What is found on a recovered disk. File contents are references: nobody reads them until a question needs it.

use crate::format::xattr::Attribute;
use crate::history::Errno;
use crate::units::{BlockNr, FileBlock, Ino};
use std::collections::BTreeMap;

/// The names on a recovered file system: absolute paths, `/` itself and `/lost+found` left out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tree {
    /// What each path names. Bytes of a name that are not UTF-8 stand as `\xNN`.
    pub entries: BTreeMap<String, Node>,
    /// The attributes of each inode that has any, if they were read; or the error that reading them returns.
    pub attributes: BTreeMap<Ino, Result<Vec<Attribute>, Errno>>,
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Node {
    /// A directory.
    Directory(Ino),
    /// A symlink and its target.
    Symlink(Ino, String),
    /// A regular file.
    File(File),
    /// Something that cannot be read, and the error that reading it returns.
    Unreadable(Errno),
}

/// A regular file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct File {
    /// Its inode.
    pub ino: Ino,
    /// Its size in bytes.
    pub size: u64,
    /// Where its blocks are, in order, without holes and unwritten extents (both read as zeros).
    pub extents: Vec<Extent>,
    /// Blocks below its size that are allocated but not marked as written: the first of each run, and how many.
    pub unwritten: Vec<(FileBlock, u32)>,
}

/// Blocks of a file that lie in one piece on the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// The first block of the file.
    pub from: FileBlock,
    /// How many.
    pub blocks: u32,
    /// Where the first one lies.
    pub at: BlockNr,
}
