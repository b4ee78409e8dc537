//! What a program would find after the crash.

use super::{Content, FileShape, Outline};
use crate::device::Media;
use crate::history::Errno;
use crate::recovery::{MountError, Source, Survivors, Tree};
use crate::units::{Block, BlockNr, Ino};
use std::collections::BTreeMap;

/// What was found on a recovered disk. `F` is what is known of a regular file: its [`Content`], or its
/// [`FileShape`] where contents were not read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation<F = Content> {
    /// It cannot be mounted, and why.
    Unmountable(String),
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
    /// Of a disk that cannot be mounted.
    pub fn unmountable(error: &MountError) -> Self {
        Self::Unmountable(error.to_string())
    }

    /// The same, with something else known of each regular file.
    pub(super) fn map<G>(&self, mut file: impl FnMut(&F) -> G) -> Observation<G> {
        match self {
            Self::Unmountable(why) => Observation::Unmountable(why.clone()),
            Self::Mounted(mounted) => {
                let entries = mounted.entries.iter();
                let entries = entries.map(|(path, entry)| (path.clone(), entry.map(&mut file))).collect();
                Observation::Mounted(Mounted { entries, repairs: mounted.repairs.clone() })
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
    let outline = super::outline::of_tree(tree, repairs, blocks, Source::Disk);
    outline.map(|file: &FileShape| {
        file.fill(|source| match source {
            Source::Disk(nr) | Source::Copy { at: nr, .. } => read(*nr),
            Source::Kept(block) => block.clone(),
        })
    })
}
