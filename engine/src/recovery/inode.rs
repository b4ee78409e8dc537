//! One inode, and where its blocks are.
//!
//! ```text
//!   inode: | index | index |          at most five levels, each one less deep than its parent
//!               │       └──▶ node: | extent | extent |
//!               └──────────▶ node: | extent | …
//! ```
//! A tree is sound if its nodes and extents lie in the file system and go on in the order of the file.

use super::error::errno_of;
use super::fs::Fs;
use crate::device::{Media, Question};
use crate::format::{
    Entries, Extent, ExtentNode, FileKind, FormatError, FsSeed, Index, InodeFlags, InodeSeed, RawInode,
};
use crate::history::Errno;
use crate::units::{Block, BlockNr, FileBlock, Ino};

/// What is in this slot of the inode table?
struct AskInode {
    slot: usize,
    csum: Option<(FsSeed, Ino)>,
}

impl Question for AskInode {
    type Answer = Result<RawInode, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        RawInode::read_from(content, self.slot, self.csum)
    }
}

/// What is this node of an extent tree?
struct AskNode {
    csum: Option<InodeSeed>,
}

impl Question for AskNode {
    type Answer = Result<ExtentNode, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        ExtentNode::from_block(content, self.csum)
    }
}

/// Reads an inode as it is.
// v6.6 fs/ext4/inode.c, __ext4_iget.
pub(super) fn raw<M: Media>(disk: &mut M, fs: &Fs, ino: Ino) -> Result<RawInode, Errno> {
    let (block, place) = fs.place(ino).ok_or(Errno::EUCLEAN)?;
    let csum = fs.superblock.metadata_seed().map(|seed| (seed, ino));
    disk.ask(block, &AskInode { slot: place.slot, csum }).map_err(|error| errno_of(&error))
}

/// Reads an inode that a name stands for.
// v6.6 fs/ext4/namei.c, ext4_lookup: a deleted inode is corruption here.
pub(super) fn named<M: Media>(disk: &mut M, fs: &Fs, ino: Ino) -> Result<RawInode, Errno> {
    let inode = raw(disk, fs, ino)?;
    if inode.links == 0 || inode.kind() == FileKind::UNKNOWN {
        return Err(Errno::EUCLEAN);
    }
    Ok(inode)
}

/// Where the blocks of an inode are.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Mapping {
    /// In the order of the file.
    pub(super) extents: Vec<Extent>,
    /// The blocks of the tree itself.
    pub(super) nodes: Vec<BlockNr>,
}

impl Mapping {
    /// Where a block of the file is.
    pub(super) fn find(&self, block: FileBlock) -> Option<&Extent> {
        let after = self.extents.partition_point(|extent| extent.from <= block);
        let extent = self.extents.get(after.checked_sub(1)?)?;
        extent.find(block).map(|_| extent)
    }

    /// How many blocks it takes, with the tree's.
    pub(super) fn blocks(&self) -> u64 {
        let data = self.extents.iter().map(|extent| u64::from(extent.blocks));
        data.fold(crate::units::len_u64(self.nodes.len()), u64::saturating_add)
    }
}

/// Reads where the blocks of an inode are; a short symlink has none.
// v6.6 fs/ext4/extents.c, __ext4_ext_check, ext4_find_extent.
pub(super) fn mapping<M: Media>(disk: &mut M, fs: &Fs, ino: Ino, inode: &RawInode) -> Result<Mapping, Errno> {
    if !inode.flags.has(InodeFlags::EXTENTS) || inode.flags.has(InodeFlags::INLINE_DATA) {
        return if is_short_symlink(inode) { Ok(Mapping::default()) } else { Err(Errno::EOPNOTSUPP) };
    }
    let root = ExtentNode::from_root(&inode.block).map_err(|error| errno_of(&error))?;
    let csum = fs.superblock.inode_seed(ino, inode.generation);
    let mut reader = Reader { fs, csum, mapping: Mapping::default(), next: 0 };
    reader.read(disk, root)?;
    Ok(reader.mapping)
}

/// Whether the target of a symlink is in the inode.
// v6.6 fs/ext4/inode.c, ext4_inode_is_fast_symlink.
pub(super) fn is_short_symlink(inode: &RawInode) -> bool {
    let attributes = if inode.attributes_block == 0 { 0 } else { 8 };
    inode.kind() == FileKind::SYMLINK && inode.sectors == attributes && inode.size < 60
}

struct Reader<'a> {
    fs: &'a Fs,
    csum: Option<InodeSeed>,
    mapping: Mapping,
    /// The first block of the file that was not passed yet.
    next: u64,
}

impl Reader<'_> {
    fn read<M: Media>(&mut self, disk: &mut M, node: ExtentNode) -> Result<(), Errno> {
        match node.entries {
            Entries::Leaf(extents) => extents.into_iter().try_for_each(|extent| self.take(extent)),
            Entries::Index(children) => {
                children.into_iter().try_for_each(|child| self.descend(disk, child, node.depth))
            }
        }
    }

    fn take(&mut self, extent: Extent) -> Result<(), Errno> {
        if u64::from(extent.from.get()) < self.next || !self.fs.has_blocks(extent.at, extent.blocks) {
            return Err(Errno::EUCLEAN);
        }
        self.next = extent.end();
        self.mapping.extents.push(extent);
        Ok(())
    }

    fn descend<M: Media>(&mut self, disk: &mut M, child: Index, depth: u16) -> Result<(), Errno> {
        // No tree has more nodes than the disk has blocks: one that does goes in circles.
        let room = u64::from(self.fs.superblock.blocks);
        let is_sound = self.fs.has_blocks(child.leaf, 1) && u64::from(child.from.get()) >= self.next;
        if !is_sound || crate::units::len_u64(self.mapping.nodes.len()) >= room {
            return Err(Errno::EUCLEAN);
        }
        self.mapping.nodes.push(child.leaf);
        let node = disk.ask(child.leaf, &AskNode { csum: self.csum }).map_err(|error| errno_of(&error))?;
        if node.depth.saturating_add(1) != depth {
            return Err(Errno::EUCLEAN);
        }
        self.read(disk, node)
    }
}
