//! One inode, and where its blocks are.
//!
//! ```text
//!   inode: | index | index |          at most five levels, each one less deep than its parent
//!               │       └──▶ node: | extent | extent |
//!               └──────────▶ node: | extent | …
//! ```
//! A tree is sound if its nodes and extents lie in the file system and go on in the order of the file.
//!
//! Not answered, so that it tells no two disks apart: owners, permissions, times, versions; attributes in the inode, if
//! nobody reads them.

use super::Attributes;
use super::error::errno_of;
use super::fs::Fs;
use super::group::AskScanned;
use crate::device::{Media, Question};
use crate::format::xattr::Attribute;
use crate::format::{
    Compat, Entries, Extent, ExtentNode, FileKind, FormatError, FsSeed, Index, InodeFlags, InodePlace,
    InodeSeed, RawInode, xattr,
};
use crate::history::Errno;
use crate::units::{Block, BlockNr, FileBlock, Ino, len_u64};

/// What is used of an inode.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Inode {
    pub(super) kind: FileKind,
    pub(super) links: u16,
    /// In bytes.
    pub(super) size: u64,
    /// The space that it says it takes, in 512 bytes or in blocks.
    pub(super) sectors: u64,
    /// Whether `sectors` counts blocks.
    pub(super) counts_blocks: bool,
    /// The block of its extended attributes; 0 without one.
    pub(super) attributes_block: u64,
    /// Whether blocks of a directory are found by hashes.
    pub(super) is_indexed: bool,
    /// The attributes in the inode, if they are read.
    pub(super) attributes: Result<Vec<Attribute>, FormatError>,
    /// The target of a symlink that is in the inode, up to the first zero byte.
    pub(super) target: Option<Vec<u8>>,
    /// Where the checksums of its blocks start, if it has blocks with checksums.
    pub(super) seed: Option<InodeSeed>,
    /// The root of its extent tree; none in a short symlink.
    root: Result<Option<ExtentNode>, Errno>,
}

impl Inode {
    fn of(raw: &RawInode, Slot { csum, attributes, .. }: &Slot) -> Self {
        let kind = raw.kind();
        let target = is_short_symlink(raw).then(|| {
            let len_bytes = usize::try_from(raw.size).unwrap_or(usize::MAX);
            // The kernel's string ends at the first zero byte.
            raw.block.iter().take(len_bytes).take_while(|byte| **byte != 0).copied().collect()
        });
        let root = if raw.flags.has(InodeFlags::EXTENTS) && !raw.flags.has(InodeFlags::INLINE_DATA) {
            ExtentNode::from_root(&raw.block).map(Some).map_err(|error| errno_of(&error))
        } else if target.is_some() {
            Ok(None)
        } else {
            Err(Errno::EOPNOTSUPP)
        };
        let has_nodes = root.as_ref().is_ok_and(|root| root.as_ref().is_some_and(|root| root.depth > 0));
        let seed = csum.filter(|_| has_nodes || kind == FileKind::DIRECTORY);
        Self {
            kind,
            links: raw.links,
            size: raw.size,
            sectors: raw.sectors,
            counts_blocks: raw.flags.has(InodeFlags::HUGE_FILE),
            attributes_block: raw.attributes_block,
            is_indexed: kind == FileKind::DIRECTORY && raw.flags.has(InodeFlags::INDEX),
            attributes: xattr::in_inode(&raw.tail).map(|found| attributes.used(found)),
            target,
            seed: seed.map(|(seed, ino)| seed.inode(ino, raw.generation)),
            root,
        }
    }
}

/// Whether the target of a symlink is in the inode.
// v6.6 fs/ext4/inode.c, ext4_inode_is_fast_symlink.
fn is_short_symlink(inode: &RawInode) -> bool {
    let attributes = if inode.attributes_block == 0 { 0 } else { 8 };
    inode.kind() == FileKind::SYMLINK && inode.sectors == attributes && inode.size < 60
}

/// What is in this slot of the inode table?
#[derive(Clone, Copy)]
struct Slot {
    slot: usize,
    csum: Option<(FsSeed, Ino)>,
    attributes: Attributes,
}

impl Slot {
    fn of(fs: &Fs, ino: Ino, place: InodePlace) -> Self {
        let csum = fs.superblock.metadata_seed().map(|seed| (seed, ino));
        Self { slot: place.slot, csum, attributes: fs.attributes }
    }

    fn read(&self, content: &Block) -> Result<RawInode, Errno> {
        RawInode::read_from(content, self.slot, self.csum).map_err(|error| errno_of(&error))
    }
}

/// What is this inode, which must be in use?
struct AskInode(Slot);

impl Question for AskInode {
    type Answer = Result<Inode, Errno>;
    // v6.6 fs/ext4/inode.c, __ext4_iget; fs/ext4/namei.c, ext4_lookup: a deleted inode is corruption.
    fn answer(&self, content: &Block) -> Self::Answer {
        let raw = self.0.read(content)?;
        if raw.links == 0 || raw.kind() == FileKind::UNKNOWN {
            return Err(Errno::EUCLEAN);
        }
        Ok(Inode::of(&raw, &self.0))
    }
}

/// Reads an inode that must be in use.
pub(super) fn named<M: Media>(disk: &mut M, fs: &Fs, ino: Ino) -> Result<Inode, Errno> {
    let (block, place) = fs.place(ino).ok_or(Errno::EUCLEAN)?;
    disk.ask(block, &AskInode(Slot::of(fs, ino, place)))
}

/// What is this inode, which must be in use, whatever its checksum?
struct AskUnsealed(Slot);

impl Question for AskUnsealed {
    type Answer = Option<Inode>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let raw = RawInode::read_from(content, self.0.slot, None).ok()?;
        (raw.links > 0 && raw.kind() != FileKind::UNKNOWN).then(|| Inode::of(&raw, &self.0))
    }
}

/// Reads an inode of which the checksum is bad, and nothing else may be.
// e2fsprogs 1.47 e2fsck/pass1.c, e2fsck_pass1: "passes checks, but checksum does not match inode"
pub(super) fn unsealed<M: Media>(disk: &mut M, fs: &Fs, ino: Ino) -> Option<Inode> {
    let (block, place) = fs.place(ino)?;
    disk.ask(block, &AskUnsealed(Slot::of(fs, ino, place)))
}

/// Is nobody using this inode, whatever its checksum?
struct AskUnused(Slot);

impl Question for AskUnused {
    type Answer = bool;
    fn answer(&self, content: &Block) -> bool {
        RawInode::read_from(content, self.0.slot, None).is_ok_and(|raw| raw.links == 0)
    }
}

/// Whether an inode that has a name is not in use, and lies where `e2fsck` looks for inodes in use: then it clears the
/// name without a question.
// e2fsprogs 1.47 e2fsck/pass2.c, check_dir_block: PR_2_UNUSED_INODE.
pub(super) fn is_unused<M: Media>(disk: &mut M, fs: &Fs, ino: Ino) -> bool {
    let Some((block, place)) = fs.place(ino) else { return false };
    let (at, _) = fs.superblock.descriptor_place(place.group);
    disk.ask(block, &AskUnused(Slot::of(fs, ino, place)))
        && place.bit < disk.ask(at, &AskScanned { group: place.group, superblock: &fs.superblock })
}

/// The file of orphans: its blocks, and where their checksums start.
pub(super) fn orphan_file<M: Media>(
    disk: &mut M,
    fs: &Fs,
    ino: Ino,
) -> Result<(Mapping, Option<InodeSeed>), Errno> {
    let (block, place) = fs.place(ino).ok_or(Errno::EUCLEAN)?;
    let (inode, seed) = disk.ask(block, &AskSeeded(Slot::of(fs, ino, place)))?;
    Ok((mapping(disk, fs, &inode)?, seed))
}

/// What is this inode, and where do the checksums of its blocks start, whatever kind it has?
struct AskSeeded(Slot);

impl Question for AskSeeded {
    type Answer = Result<(Inode, Option<InodeSeed>), Errno>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let raw = self.0.read(content)?;
        let seed = self.0.csum.map(|(seed, ino)| seed.inode(ino, raw.generation));
        Ok((Inode::of(&raw, &self.0), seed))
    }
}

/// Where does the room for more group descriptors have its block, which leads to all others?
struct AskResize(Slot);

impl Question for AskResize {
    type Answer = Option<BlockNr>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let raw = self.0.read(content).ok()?;
        let at = raw.block.get(DOUBLY_INDIRECT..)?.first_chunk()?;
        Some(u32::from_le_bytes(*at)).filter(|at| *at != 0).map(|at| BlockNr::new(at.into()))
    }
}

/// The inode that keeps room for more group descriptors (`EXT4_RESIZE_INO`).
const RESIZE: Ino = Ino::new(7);
/// Where it has its only block (`EXT4_DIND_BLOCK`).
const DOUBLY_INDIRECT: usize = 13 * 4;

/// The block of the inode that keeps room for more group descriptors. Its other blocks are that room.
pub(super) fn resize<M: Media>(disk: &mut M, fs: &Fs) -> Option<BlockNr> {
    let (block, place) = fs.place(RESIZE).filter(|_| fs.superblock.compat.has(Compat::RESIZE_INODE))?;
    disk.ask(block, &AskResize(Slot::of(fs, RESIZE, place)))
}

/// How an orphan was found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum FoundBy {
    /// By the list: what is its deletion time in other inodes is the number of the next one.
    List,
    /// By the file of orphans.
    File,
}

/// Is this an orphan, and which one follows?
struct AskOrphan {
    slot: Slot,
    found_by: FoundBy,
    /// How many inodes there are.
    inodes: u32,
}

impl Question for AskOrphan {
    type Answer = Option<(Inode, Ino)>;
    // v6.6 fs/ext4/ialloc.c, ext4_orphan_get.
    fn answer(&self, content: &Block) -> Self::Answer {
        let raw = self.slot.read(content).ok()?;
        let kind = raw.kind();
        let can_truncate = [FileKind::REGULAR, FileKind::DIRECTORY, FileKind::SYMLINK].contains(&kind);
        let is_orphan = (raw.links == 0 || can_truncate) && kind != FileKind::UNKNOWN;
        let next = match self.found_by {
            FoundBy::List => raw.dtime,
            FoundBy::File => 0,
        };
        (is_orphan && next <= self.inodes).then(|| (Inode::of(&raw, &self.slot), Ino::new(next)))
    }
}

/// Reads an orphan, and the number of the one that follows; 0 for none.
pub(super) fn orphan<M: Media>(disk: &mut M, fs: &Fs, ino: Ino, found_by: FoundBy) -> Option<(Inode, Ino)> {
    let (block, place) = fs.place(ino)?;
    disk.ask(block, &AskOrphan { slot: Slot::of(fs, ino, place), found_by, inodes: fs.superblock.inodes })
}

/// What is this node of an extent tree?
struct AskNode {
    csum: Option<InodeSeed>,
}

impl Question for AskNode {
    type Answer = Result<ExtentNode, Errno>;
    fn answer(&self, content: &Block) -> Self::Answer {
        ExtentNode::from_block(content, self.csum).map_err(|error| errno_of(&error))
    }
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

    /// Where the nth of its blocks is, holes left out.
    pub(super) fn nth(&self, nth: u64) -> Option<BlockNr> {
        let mut rest = nth;
        for extent in &self.extents {
            if rest < extent.blocks.into() {
                return extent.at.get().checked_add(rest).map(BlockNr::new);
            }
            rest = rest.saturating_sub(extent.blocks.into());
        }
        None
    }

    /// How many blocks it takes, with the tree's.
    pub(super) fn blocks(&self) -> u64 {
        let data = self.extents.iter().map(|extent| u64::from(extent.blocks));
        data.fold(len_u64(self.nodes.len()), u64::saturating_add)
    }
}

/// Reads where the blocks of an inode are; a short symlink has none.
// v6.6 fs/ext4/extents.c, __ext4_ext_check, ext4_find_extent.
pub(super) fn mapping<M: Media>(disk: &mut M, fs: &Fs, inode: &Inode) -> Result<Mapping, Errno> {
    let mut reader = Reader { fs, csum: inode.seed, mapping: Mapping::default(), next: 0 };
    if let Some(root) = inode.root.as_ref().map_err(|errno| *errno)? {
        reader.read(disk, root)?;
    }
    Ok(reader.mapping)
}

struct Reader<'a> {
    fs: &'a Fs,
    csum: Option<InodeSeed>,
    mapping: Mapping,
    /// The first block of the file that was not passed yet.
    next: u64,
}

impl Reader<'_> {
    fn read<M: Media>(&mut self, disk: &mut M, node: &ExtentNode) -> Result<(), Errno> {
        match &node.entries {
            Entries::Leaf(extents) => extents.iter().try_for_each(|extent| self.take(*extent)),
            Entries::Index(children) => {
                children.iter().try_for_each(|child| self.descend(disk, *child, node.depth))
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
        if !is_sound || len_u64(self.mapping.nodes.len()) >= room {
            return Err(Errno::EUCLEAN);
        }
        self.mapping.nodes.push(child.leaf);
        let node = disk.ask(child.leaf, &AskNode { csum: self.csum })?;
        if node.depth.saturating_add(1) != depth {
            return Err(Errno::EUCLEAN);
        }
        self.read(disk, &node)
    }
}
