//! A node of an extent tree: which blocks of the disk hold which blocks of a file.
//!
//! ```text
//!   inode: | header | up to 4 entries |            block: | header | up to 340 entries | checksum |
//!   depth 1: Index{from, leaf} ──────────────────────────▶ depth 0: Extent{from, blocks, at, state}
//! ```
//! A node that was read has entries in order that don't overlap, and an extent ends at or before block 2^32 - 1 of
//! the file. Whether the blocks exist on the disk, and whether a child's depth is one less, is for the reader to ask.
//! Bytes behind the entries are written as zeros, where Linux leaves old entries.

use super::bytes::{high32, join64, le16, le32, low16, low32, put_le16, put_le32, span};
use super::{Expected, FormatError, InodeSeed, Structure};
use crate::units::{Block, BlockNr, FileBlock, len_u64};

/// Entries in an inode.
pub const ROOT_MAX: usize = 4;
/// Entries in a block.
pub const BLOCK_MAX: usize = 340;
/// The deepest root (`EXT4_MAX_EXTENT_DEPTH`).
pub const DEPTH_MAX: u16 = 5;
/// Blocks in a written extent (`EXT_INIT_MAX_LEN`).
pub const WRITTEN_MAX: u32 = 32768;
/// Blocks in an unwritten extent (`EXT_UNWRITTEN_MAX_LEN`).
pub const UNWRITTEN_MAX: u32 = 32767;

const MAGIC: u16 = 0xF30A;
const HEADER: usize = 12;
const ENTRY: usize = 12;

/// Whether the blocks of an extent were ever written.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ExtentState {
    /// They hold data.
    Written,
    /// They are allocated and read as zeros.
    Unwritten,
}

impl ExtentState {
    /// How many blocks one extent of this state can have.
    pub const fn max_blocks(self) -> u32 {
        match self {
            Self::Written => WRITTEN_MAX,
            Self::Unwritten => UNWRITTEN_MAX,
        }
    }
}

/// Blocks of a file that lie in one piece on the disk (`struct ext4_extent`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Extent {
    /// The first block of the file.
    pub from: FileBlock,
    /// How many: at least 1, at most [`ExtentState::max_blocks`].
    pub blocks: u32,
    /// Where the first one lies.
    pub at: BlockNr,
    /// Whether they were written.
    pub state: ExtentState,
}

impl Extent {
    /// The block of the file behind the last one; for the very last block of a file no number is left.
    pub fn end(&self) -> u64 {
        u64::from(self.from.get()).saturating_add(self.blocks.into())
    }

    /// Where a block of the file lies, if it lies in this extent.
    pub fn find(&self, block: FileBlock) -> Option<BlockNr> {
        let offset = block.get().checked_sub(self.from.get()).filter(|offset| *offset < self.blocks)?;
        self.at.get().checked_add(offset.into()).map(BlockNr::new)
    }
}

/// A child of a node (`struct ext4_extent_idx`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Index {
    /// The first block of the file that it may hold.
    pub from: FileBlock,
    /// The block of the child.
    pub leaf: BlockNr,
}

/// The entries of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entries {
    /// Extents: the depth is 0.
    Leaf(Vec<Extent>),
    /// Children: the depth is larger.
    Index(Vec<Index>),
}

impl Entries {
    /// How many.
    pub const fn len(&self) -> usize {
        match self {
            Self::Leaf(extents) => extents.len(),
            Self::Index(children) => children.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A node of an extent tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExtentNode {
    /// How many levels are below it.
    pub depth: u16,
    /// Its entries.
    pub entries: Entries,
}

impl ExtentNode {
    /// The root of an empty file.
    pub const EMPTY: Self = Self { depth: 0, entries: Entries::Leaf(Vec::new()) };

    /// A node of depth 0.
    pub const fn leaf(extents: Vec<Extent>) -> Self {
        Self { depth: 0, entries: Entries::Leaf(extents) }
    }

    /// The root in an inode's `block`.
    ///
    /// # Errors
    /// It is no valid node.
    pub fn from_root(bytes: &[u8; 60]) -> Result<Self, FormatError> {
        parse(bytes, ROOT_MAX).map(|(node, _)| node)
    }

    /// The bytes of an inode's `block`.
    ///
    /// # Panics
    /// With more than [`ROOT_MAX`] entries, or with any that [`Self::from_root`] would refuse.
    pub fn to_root(&self) -> [u8; 60] {
        let mut bytes = [0; 60];
        self.fill(&mut bytes, ROOT_MAX);
        bytes
    }

    /// The node in a block, verified where the file system has checksums.
    ///
    /// # Errors
    /// It is no valid node, or its checksum is bad.
    pub fn from_block(block: &Block, csum: Option<InodeSeed>) -> Result<Self, FormatError> {
        let (node, max) = parse(block.bytes(), BLOCK_MAX)?;
        if let Some(seed) = csum {
            let tail = tail(max);
            let computed = seed.checksum(span(block.bytes(), 0, tail));
            Structure::ExtentNode.demand_checksum(le32(block.bytes(), tail), computed)?;
        }
        Ok(node)
    }

    /// The block of a node, sealed where the file system has checksums.
    ///
    /// # Panics
    /// With more than [`BLOCK_MAX`] entries, or with any that [`Self::from_block`] would refuse.
    pub fn to_block(&self, csum: Option<InodeSeed>) -> Block {
        let mut block = Block::zeroed();
        let bytes = block.bytes_mut();
        self.fill(bytes, BLOCK_MAX);
        if let Some(seed) = csum {
            let tail = tail(BLOCK_MAX);
            let sealed = seed.checksum(span(bytes, 0, tail));
            put_le32(bytes, tail, sealed);
        }
        block
    }

    #[expect(clippy::expect_used, reason = "a bug in the caller")]
    fn fill(&self, bytes: &mut [u8], max: usize) {
        let count = |n: usize| u16::try_from(n).expect("a count of 16 bits");
        assert!(self.entries.len() <= max, "{} entries in a node of {max}", self.entries.len());
        assert!(self.depth <= DEPTH_MAX, "depth {}", self.depth);
        put_le16(bytes, 0, MAGIC);
        put_le16(bytes, 2, count(self.entries.len()));
        put_le16(bytes, 4, count(max));
        put_le16(bytes, 6, self.depth);
        let places = (HEADER..).step_by(ENTRY);
        match &self.entries {
            Entries::Leaf(extents) => {
                assert!(self.depth == 0, "extents at depth {}", self.depth);
                check_extents(extents).expect("extents in order");
                places.zip(extents).for_each(|(at, extent)| put_extent(bytes, at, extent));
            }
            Entries::Index(children) => {
                assert!(self.depth > 0 && !children.is_empty(), "no children, or at depth 0");
                check_children(children).expect("children in order");
                places.zip(children).for_each(|(at, child)| put_child(bytes, at, child));
            }
        }
    }
}

/// Where the checksum of a node of `max` entries lies (`find_ext4_extent_tail`).
const fn tail(max: usize) -> usize {
    HEADER.saturating_add(ENTRY.saturating_mul(max))
}

/// A node and the number of entries that it says it has room for.
// v6.6 fs/ext4/extents.c, __ext4_ext_check.
fn parse(bytes: &[u8], capacity: usize) -> Result<(ExtentNode, usize), FormatError> {
    let at = Structure::ExtentNode;
    let (magic, len, max, depth) = (le16(bytes, 0), le16(bytes, 2), le16(bytes, 4), le16(bytes, 6));
    at.demand("magic", magic, Expected::Exactly(MAGIC.into()))?;
    at.demand("room for entries", max, Expected::AtLeast(1))?;
    at.demand("room for entries", max, Expected::AtMost(len_u64(capacity)))?;
    at.demand("entries", len, Expected::AtMost(max.into()))?;
    at.demand("depth", depth, Expected::AtMost(DEPTH_MAX.into()))?;
    let places = (HEADER..).step_by(ENTRY).take(len.into());
    let entries = if depth == 0 {
        let extents = places.map(|at| extent(bytes, at)).collect::<Vec<_>>();
        check_extents(&extents)?;
        Entries::Leaf(extents)
    } else {
        at.demand("entries above depth 0", len, Expected::AtLeast(1))?;
        let children = places.map(|at| child(bytes, at)).collect::<Vec<_>>();
        check_children(&children)?;
        Entries::Index(children)
    };
    Ok((ExtentNode { depth, entries }, max.into()))
}

/// v6.6 fs/ext4/extents.c, ext4_valid_extent_entries.
fn check_extents(extents: &[Extent]) -> Result<(), FormatError> {
    let at = Structure::ExtentNode;
    let mut end = 0;
    for extent in extents {
        at.demand("length of an extent", extent.blocks, Expected::AtLeast(1))?;
        at.demand("length of an extent", extent.blocks, Expected::AtMost(extent.state.max_blocks().into()))?;
        at.demand("first block of an extent", extent.from.get(), Expected::AtLeast(end))?;
        end = extent.end();
        at.demand("end of an extent", end, Expected::AtMost(u32::MAX.into()))?;
        at.demand("place of an extent", extent.at.get(), Expected::AtMost(PLACE_MAX))?;
    }
    Ok(())
}

/// v6.6 fs/ext4/extents.c, ext4_valid_extent_entries.
fn check_children(children: &[Index]) -> Result<(), FormatError> {
    let at = Structure::ExtentNode;
    let mut least = 0;
    for child in children {
        at.demand("first block of a child", child.from.get(), Expected::AtLeast(least))?;
        at.demand("place of a child", child.leaf.get(), Expected::AtMost(PLACE_MAX))?;
        least = u64::from(child.from.get()).saturating_add(1);
    }
    Ok(())
}

/// The last block number that an entry has bits for.
const PLACE_MAX: u64 = (1 << 48) - 1;

fn extent(bytes: &[u8], at: usize) -> Extent {
    let raw = u32::from(le16(bytes, at.saturating_add(4)));
    let (blocks, state) = match raw.checked_sub(WRITTEN_MAX) {
        None | Some(0) => (raw, ExtentState::Written),
        Some(blocks) => (blocks, ExtentState::Unwritten),
    };
    let place = join64(le32(bytes, at.saturating_add(8)), le16(bytes, at.saturating_add(6)).into());
    Extent { from: FileBlock::new(le32(bytes, at)), blocks, at: BlockNr::new(place), state }
}

fn put_extent(bytes: &mut [u8], at: usize, extent: &Extent) {
    let raw = match extent.state {
        ExtentState::Written => extent.blocks,
        ExtentState::Unwritten => extent.blocks.saturating_add(WRITTEN_MAX),
    };
    put_le32(bytes, at, extent.from.get());
    put_le16(bytes, at.saturating_add(4), low16(raw));
    put_le16(bytes, at.saturating_add(6), low16(high32(extent.at.get())));
    put_le32(bytes, at.saturating_add(8), low32(extent.at.get()));
}

fn child(bytes: &[u8], at: usize) -> Index {
    let leaf = join64(le32(bytes, at.saturating_add(4)), le16(bytes, at.saturating_add(8)).into());
    Index { from: FileBlock::new(le32(bytes, at)), leaf: BlockNr::new(leaf) }
}

fn put_child(bytes: &mut [u8], at: usize, child: &Index) {
    put_le32(bytes, at, child.from.get());
    put_le32(bytes, at.saturating_add(4), low32(child.leaf.get()));
    put_le16(bytes, at.saturating_add(8), low16(high32(child.leaf.get())));
}

#[cfg(test)]
mod tests;
