//! What a program would find after the crash.

use super::Content;
use crate::device::Media;
use crate::history::Errno;
use crate::recovery::{File, MountError, Node, Survivors, Tree};
use crate::units::{Block, BlockNr, Ino};
use std::collections::BTreeMap;

/// What was found on a recovered disk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observation {
    /// It cannot be mounted, and why.
    Unmountable(String),
    /// It can.
    Mounted(Mounted),
}

/// A file system that could be mounted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mounted {
    /// What each absolute path names; `/` itself and `/lost+found` are left out.
    pub entries: BTreeMap<String, Entry>,
    /// What `e2fsck` would have to repair beyond journal and orphan processing, one line each.
    pub repairs: Vec<String>,
}

/// What a name stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// A directory.
    Directory(Ino),
    /// A symlink and its target.
    Symlink(Ino, String),
    /// A regular file.
    File(Content),
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

impl Observation {
    /// Of a disk that cannot be mounted.
    pub fn unmountable(error: &MountError) -> Self {
        Self::Unmountable(error.to_string())
    }
}

/// Looks at what was recovered from a disk.
pub fn observe<M: Media>(survivors: &Survivors, disk: &mut M) -> Observation {
    let repairs = survivors.repairs.iter().map(ToString::to_string).collect();
    let blocks = disk.blocks();
    observe_tree(&survivors.tree, repairs, blocks, |nr| survivors.read(disk, nr))
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
    let mut entry = |node: &Node| match node {
        Node::Directory(ino) => Entry::Directory(*ino),
        Node::Symlink(ino, target) => Entry::Symlink(*ino, target.clone()),
        Node::Unreadable(errno) => Entry::Unreadable(*errno),
        Node::File(file) if !fits(file, blocks) => Entry::Unreadable(Errno::EUCLEAN),
        Node::File(file) => Entry::File(content(file, &mut read)),
    };
    let entries = tree.entries.iter().map(|(path, node)| (path.clone(), entry(node))).collect();
    Observation::Mounted(Mounted { entries, repairs })
}

fn fits(file: &File, blocks: u64) -> bool {
    file.extents.iter().all(|extent| {
        let end = extent.at.get().checked_add(u64::from(extent.blocks));
        end.is_some_and(|end| end <= blocks) && extent.from.get().checked_add(extent.blocks).is_some()
    })
}

fn content(file: &File, read: &mut impl FnMut(BlockNr) -> Block) -> Content {
    let places = file
        .extents
        .iter()
        .flat_map(|extent| (0..extent.blocks).map(|i| (extent.from.plus(i), extent.at.plus(u64::from(i)))));
    let within = places.take_while(|(at, _)| at.first_byte() < file.size);
    Content::new(file.ino, file.size, within.map(|(at, nr)| (at, read(nr))))
}
