//! The metadata blocks of a file system, as the block device's page cache holds them.

use crate::units::{Block, BlockNr, FileBlock, Ino, Time};
use std::collections::BTreeMap;
use std::fmt;

/// What a metadata block is, for those who read the log.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum What {
    Superblock,
    GroupDescriptors,
    BlockBitmap {
        group: u32,
    },
    InodeBitmap {
        group: u32,
    },
    InodeTable {
        first: Ino,
        last: Ino,
    },
    Directory(Ino),
    ExtentNode(Ino),
    Symlink(Ino),
    Attributes(Ino),
    OrphanFile,
    /// A block of a file whose data is journalled.
    Data {
        ino: Ino,
        at: FileBlock,
    },
}

impl What {
    /// The inode whose buffer list it is on, without a journal: fsync of that inode writes it.
    /// v6.6 fs/buffer.c, `mark_buffer_dirty_inode`
    pub const fn inode(&self) -> Option<Ino> {
        match self {
            Self::Directory(ino) | Self::ExtentNode(ino) | Self::Symlink(ino) | Self::Attributes(ino) => {
                Some(*ino)
            }
            Self::Superblock
            | Self::GroupDescriptors
            | Self::BlockBitmap { .. }
            | Self::InodeBitmap { .. }
            | Self::InodeTable { .. }
            | Self::OrphanFile
            | Self::Data { .. } => None,
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Superblock => write!(f, "superblock"),
            Self::GroupDescriptors => write!(f, "group descriptors"),
            Self::BlockBitmap { group: 0 } => write!(f, "block bitmap"),
            Self::BlockBitmap { group } => write!(f, "block bitmap of group {group}"),
            Self::InodeBitmap { group: 0 } => write!(f, "inode bitmap"),
            Self::InodeBitmap { group } => write!(f, "inode bitmap of group {group}"),
            Self::InodeTable { first, last } => write!(f, "inodes {first} to {last}"),
            Self::Directory(ino) if ino.get() == 2 => write!(f, "root directory"),
            Self::Directory(ino) => write!(f, "directory (inode {ino})"),
            Self::ExtentNode(ino) => write!(f, "extent node of inode {ino}"),
            Self::Attributes(ino) => write!(f, "attributes of inode {ino}"),
            Self::OrphanFile => write!(f, "orphan file"),
            Self::Symlink(ino) => write!(f, "symlink (inode {ino})"),
            Self::Data { ino, at } => write!(f, "data of inode {ino}, block {at}"),
        }
    }
}

/// A metadata block in memory (`struct buffer_head`).
#[derive(Clone, Debug)]
struct Buffer {
    data: Block,
    what: What,
    dirty: bool,
}

/// The metadata blocks that were read or written.
#[derive(Clone, Debug)]
pub struct Buffers {
    buffers: BTreeMap<BlockNr, Buffer>,
    dirtied_when: Option<Time>,
}

impl Buffers {
    /// Nothing cached.
    pub const fn new() -> Self {
        Self { buffers: BTreeMap::new(), dirtied_when: None }
    }

    /// A block's contents, if it is cached.
    pub fn get(&self, nr: BlockNr) -> Option<&Block> {
        self.buffers.get(&nr).map(|buffer| &buffer.data)
    }

    /// What a cached block is.
    pub fn what(&self, nr: BlockNr) -> Option<&What> {
        self.buffers.get(&nr).map(|buffer| &buffer.what)
    }

    /// Puts a block into the cache, clean.
    pub fn insert(&mut self, nr: BlockNr, data: Block, what: What) {
        self.buffers.insert(nr, Buffer { data, what, dirty: false });
    }

    /// Replaces the contents of a cached block.
    pub fn replace(&mut self, nr: BlockNr, data: Block) {
        if let Some(buffer) = self.buffers.get_mut(&nr) {
            buffer.data = data;
        }
    }

    /// Forgets a block: its contents are of no interest any more (`bforget`).
    pub fn forget(&mut self, nr: BlockNr) {
        self.buffers.remove(&nr);
    }

    /// The block may be written in its place from now on (`mark_buffer_dirty`).
    pub fn mark_dirty(&mut self, nr: BlockNr, now: Time) {
        if let Some(buffer) = self.buffers.get_mut(&nr) {
            buffer.dirty = true;
            if !matches!(buffer.what, What::Data { .. }) {
                self.dirtied_when.get_or_insert(now);
            }
        }
    }

    /// The block is written, or a transaction owns it now (`clear_buffer_dirty`).
    pub fn mark_clean(&mut self, nr: BlockNr) {
        if let Some(buffer) = self.buffers.get_mut(&nr) {
            buffer.dirty = false;
        }
    }

    /// Whether a block waits to be written in its place.
    pub fn is_dirty(&self, nr: BlockNr) -> bool {
        self.buffers.get(&nr).is_some_and(|buffer| buffer.dirty)
    }

    /// The metadata blocks that wait to be written in their place, ascending. Data is in the pages of its file, not in
    /// those of the block device.
    pub fn dirty(&self) -> Vec<BlockNr> {
        let is_metadata = |buffer: &Buffer| !matches!(buffer.what, What::Data { .. });
        let dirty = self.buffers.iter().filter(|(_, buffer)| buffer.dirty && is_metadata(buffer));
        dirty.map(|(nr, _)| *nr).collect()
    }

    /// The dirty blocks on the list of an inode, ascending.
    pub fn dirty_of(&self, ino: Ino) -> Vec<BlockNr> {
        let of = |buffer: &Buffer| buffer.dirty && buffer.what.inode() == Some(ino);
        self.buffers.iter().filter(|(_, buffer)| of(buffer)).map(|(nr, _)| *nr).collect()
    }

    /// When the oldest dirty block became dirty after all had been clean.
    pub const fn dirtied_when(&self) -> Option<Time> {
        self.dirtied_when
    }

    /// The flusher has seen to all dirty blocks.
    pub fn all_submitted(&mut self) {
        self.dirtied_when = None;
    }
}

impl Default for Buffers {
    fn default() -> Self {
        Self::new()
    }
}
