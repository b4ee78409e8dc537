//! What recovery found, without the contents of files.
//!
//! ```text
//!   /conf   inode 12, 5000 bytes    block 0 is the disk's 700    block 1 is the log's copy at 1031, escaped
//! ```
//! An outline is all that is known of many crash images at once: the same names, sizes and places, whatever the blocks
//! of files hold. [`Outline::fill`] reads them from one of the images.

use super::{Content, Entry, Mounted, Observation};
use crate::device::Media;
use crate::format::journal::unescape;
use crate::history::Errno;
use crate::recovery::{File, MountError, Node, RepairNeeded, Source, Survivors, Tree};
use crate::units::{Block, BlockNr, FileBlock, Ino, Widen, block_bytes};

/// What was found, but for the contents of files.
pub type Outline = Observation<FileShape>;

/// A regular file, and where its contents stand.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct FileShape {
    /// Its inode.
    pub ino: Ino,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Where each block stands that begins below its size, in order; the others are zeros.
    pub blocks: Vec<(FileBlock, Source)>,
}

impl FileShape {
    /// How many bytes of a block are before the end of the file.
    pub fn visible(&self, at: FileBlock) -> usize {
        self.size_bytes.saturating_sub(at.first_byte()).min(block_bytes()).index()
    }

    /// The file with its contents.
    pub(super) fn fill(&self, mut read: impl FnMut(&Source) -> Block) -> Content {
        let blocks = self.blocks.iter().map(|(at, source)| (*at, read(source)));
        Content::new(self.ino, self.size_bytes, blocks)
    }
}

impl Outline {
    /// What recovery found on a disk of so many blocks. A file with blocks beyond it is unreadable (EUCLEAN).
    pub fn of(survivors: &Survivors, blocks: u64) -> Self {
        let repairs = survivors.repairs.iter().map(ToString::to_string).collect();
        of_tree(&survivors.tree, (repairs, survivors.needed), blocks, |nr| survivors.source(nr))
    }

    /// The same, of a disk that may not have been mounted at all.
    pub fn of_mount(found: &Result<Survivors, MountError>, blocks: u64) -> Self {
        match found {
            Ok(survivors) => Self::of(survivors, blocks),
            Err(error) => Self::unmountable(error),
        }
    }

    /// Reads the contents from the disk that was recovered, as it was before.
    pub fn fill<M: Media>(&self, disk: &mut M) -> Observation {
        self.map(|file| {
            file.fill(|source| match source {
                Source::Disk(nr) | Source::Copy { at: nr, escaped: false } => disk.read(*nr),
                Source::Copy { at, escaped: true } => unescape(&disk.read(*at)),
                Source::Kept(block) => block.clone(),
            })
        })
    }
}

impl Observation {
    /// Its outline, with all contents in it.
    pub fn outline(&self) -> Outline {
        self.map(|content| FileShape {
            ino: content.ino(),
            size_bytes: content.size_bytes(),
            blocks: content.blocks().iter().map(|(at, block)| (*at, Source::Kept(block.clone()))).collect(),
        })
    }
}

/// A tree with the places of its files' blocks, as `source` says.
pub(super) fn of_tree(
    tree: &Tree,
    (repairs, repair): (Vec<String>, RepairNeeded),
    blocks: u64,
    source: impl Fn(BlockNr) -> Source,
) -> Outline {
    let entry = |node: &Node| match node {
        Node::Directory(ino) => Entry::Directory(*ino),
        Node::Symlink(ino, target) => Entry::Symlink(*ino, target.clone()),
        Node::Unreadable(errno) => Entry::Unreadable(*errno),
        Node::File(file) if !fits(file, blocks) => Entry::Unreadable(Errno::EUCLEAN),
        Node::File(file) => Entry::File(shape(file, &source)),
    };
    let entries = tree.entries.iter().map(|(path, node)| (path.clone(), entry(node))).collect();
    let attributes = tree.attributes.clone();
    Observation::Mounted(Mounted { entries, repairs, repair, attributes })
}

fn fits(file: &File, blocks: u64) -> bool {
    file.extents.iter().all(|extent| {
        let end = extent.at.get().checked_add(u64::from(extent.blocks));
        end.is_some_and(|end| end <= blocks) && extent.from.get().checked_add(extent.blocks).is_some()
    })
}

fn shape(file: &File, source: &impl Fn(BlockNr) -> Source) -> FileShape {
    let places = file
        .extents
        .iter()
        .flat_map(|extent| (0..extent.blocks).map(|i| (extent.from.plus(i), extent.at.plus(u64::from(i)))));
    let within = places.take_while(|(at, _)| at.first_byte() < file.size);
    FileShape {
        ino: file.ino,
        size_bytes: file.size,
        blocks: within.map(|(at, nr)| (at, source(nr))).collect(),
    }
}
