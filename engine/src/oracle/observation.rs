//! What a program would find after the crash.

use super::{Content, FileShape, Outline};
use crate::device::Media;
use crate::format::xattr::Attribute;
use crate::history::Errno;
use crate::recovery::{MountError, RepairNeeded, Source, Survivors, Tree};
use crate::units::{Block, BlockNr, Ino};
use std::collections::BTreeMap;

/// What was found on a recovered disk. `F` is what is known of a regular file: its [`Content`], or its
/// [`FileShape`] where contents were not read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation<F = Content> {
    /// It cannot be mounted.
    Unmountable {
        /// Why.
        why: String,
        /// What makes it mountable: never [`RepairNeeded::None`].
        repair: RepairNeeded,
    },
    /// It can.
    Mounted(Mounted<F>),
}

/// A file system that could be mounted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mounted<F = Content> {
    /// What each absolute path names; `/` itself and `/lost+found` are left out.
    pub entries: BTreeMap<String, Entry<F>>,
    /// What `e2fsck` would have to repair beyond journal and orphan processing, one line each.
    pub repairs: Vec<String>,
    /// Who makes those repairs, or those that were made before the mount.
    pub repair: RepairNeeded,
    /// The attributes of each inode that has any, if they were read; or the error of reading them.
    pub attributes: BTreeMap<Ino, Result<Vec<Attribute>, Errno>>,
}

/// The name of an attribute with its namespace: `user.a`.
pub fn attribute_name(attribute: &Attribute) -> Vec<u8> {
    [attribute.namespace.prefix().as_bytes(), &attribute.name].concat()
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry<F = Content> {
    /// A directory.
    Directory(Ino),
    /// A symlink and its target.
    Symlink(Ino, String),
    /// A regular file.
    File(F),
    /// Something that cannot be read, and the error that reading it returns.
    Unreadable(Errno),
}

impl Entry {
    /// Its inode, where it could be read.
    pub const fn ino(&self) -> Option<Ino> {
        match self {
            Self::Directory(ino) | Self::Symlink(ino, _) => Some(*ino),
            Self::File(content) => Some(content.ino()),
            Self::Unreadable(_) => None,
        }
    }
}

impl Entry<FileShape> {
    /// Its inode, where it could be read.
    pub const fn shape_ino(&self) -> Option<Ino> {
        match self {
            Self::Directory(ino) | Self::Symlink(ino, _) => Some(*ino),
            Self::File(file) => Some(file.ino),
            Self::Unreadable(_) => None,
        }
    }
}

impl<F> Entry<F> {
    /// The same, with something else known of a regular file.
    fn map<G>(&self, file: impl FnOnce(&F) -> G) -> Entry<G> {
        match self {
            Self::Directory(ino) => Entry::Directory(*ino),
            Self::Symlink(ino, target) => Entry::Symlink(*ino, target.clone()),
            Self::File(known) => Entry::File(file(known)),
            Self::Unreadable(errno) => Entry::Unreadable(*errno),
        }
    }
}

impl<F> Observation<F> {
    /// Of a disk that cannot be mounted. Nobody has asked yet what would make it mountable.
    pub fn unmountable(error: &MountError) -> Self {
        Self::Unmountable { why: error.to_string(), repair: RepairNeeded::Manual }
    }

    /// What it needs beyond the mount.
    pub const fn repair(&self) -> RepairNeeded {
        match self {
            Self::Unmountable { repair, .. } => *repair,
            Self::Mounted(mounted) => mounted.repair,
        }
    }

    /// The same, with what it needs. A disk that cannot be mounted and needs nothing but `e2fsck -p` needs that.
    #[must_use]
    pub fn needing(self, repair: RepairNeeded) -> Self {
        match self {
            Self::Unmountable { why, .. } => {
                Self::Unmountable { why, repair: repair.max(RepairNeeded::Automatic) }
            }
            Self::Mounted(mounted) => Self::Mounted(Mounted { repair, ..mounted }),
        }
    }

    /// The same, with something else known of each regular file.
    pub(super) fn map<G>(&self, mut file: impl FnMut(&F) -> G) -> Observation<G> {
        match self {
            Self::Unmountable { why, repair } => {
                Observation::Unmountable { why: why.clone(), repair: *repair }
            }
            Self::Mounted(mounted) => {
                let entries = mounted.entries.iter();
                let entries = entries.map(|(path, entry)| (path.clone(), entry.map(&mut file))).collect();
                let Mounted { repairs, repair, attributes, .. } = mounted;
                let (repairs, attributes) = (repairs.clone(), attributes.clone());
                Observation::Mounted(Mounted { entries, repairs, repair: *repair, attributes })
            }
        }
    }
}

/// Looks at what was recovered from a disk.
pub fn observe<M: Media>(survivors: &Survivors, disk: &mut M) -> Observation {
    Outline::of(survivors, disk.blocks()).fill(disk)
}

/// Looks at a recovered file system: its names, and the contents of its files as `read` returns them.
///
/// `blocks` is the size of the disk. A file with blocks beyond it is unreadable (EUCLEAN).
pub fn observe_tree(
    tree: &Tree,
    repairs: Vec<String>,
    blocks: u64,
    mut read: impl FnMut(BlockNr) -> Block,
) -> Observation {
    let repair = if repairs.is_empty() { RepairNeeded::None } else { RepairNeeded::Manual };
    let outline = super::outline::of_tree(tree, (repairs, repair), blocks, Source::Disk);
    outline.map(|file: &FileShape| {
        file.fill(|source| match source {
            Source::Disk(nr) | Source::Copy { at: nr, .. } => read(*nr),
            Source::Kept(block) => block.clone(),
        })
    })
}
