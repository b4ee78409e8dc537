//! Hashed directories (`dir_index`): the blocks that lead from a name's hash to the block that has the name.
//!
//! ```text
//!   root, block 0:  . │ .. (as long as the rest) │ hash version, depth │ limit, count │ block │ hash, block │ …
//!   node:           one free entry as long as the block                │ limit, count │ block │ hash, block │ …
//!   leaf:           an ordinary block of names, whose hashes lie between its own and the next one's
//! ```
//! To whoever knows no index, root and nodes look like blocks without names. The lowest bit of a hash in an index
//! says that names with this hash begin in the leaf before.
//!
//! Left to the reader: whether a block of an index exists, and whether it is one.
//! Not modelled: indices more than two levels deep (`large_dir`), SipHash (`casefold` with `encrypt`).

use super::bytes::{byte, le16, le32, put, put_byte, put_le16, put_le32, span};
use super::{Dirent, Expected, FileKind, FormatError, InodeSeed, Structure, dirent};
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, len_u64};

mod hash;

pub use hash::{DirHash, HashVersion};

/// Where the entries of a root begin.
const ROOT_ENTRIES: usize = 32;
/// Where those of a node begin.
const NODE_ENTRIES: usize = 8;
/// Bytes of an entry.
const ENTRY: usize = 8;
/// Bytes of the tail with the checksum.
const TAIL: usize = 8;
/// Bytes of what the root says of the index.
const INFO_BYTES: u8 = 8;

/// How deep an index may be, beside its root (`ext4_dir_htree_level`).
pub const MAX_LEVELS: u8 = 2;

/// One way out of an index block: names whose hash is at least this one, and below the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexEntry {
    /// The least hash; that of the first entry is 0 and not stored.
    pub hash: u32,
    /// The block of the directory that it leads to.
    pub block: FileBlock,
}

/// What kind of index block it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IndexKind {
    /// The first block of the directory.
    Root {
        /// The directory.
        dir: Ino,
        /// Its parent.
        parent: Ino,
        /// How names are hashed.
        version: HashVersion,
        /// How many levels of nodes lie between it and the leaves.
        levels: u8,
    },
    /// A block below.
    Node,
}

/// A block of an index (`struct dx_root`, `struct dx_node`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndexBlock {
    /// Root or node.
    pub kind: IndexKind,
    /// Where it leads; at least one, in the order of their hashes.
    pub entries: Vec<IndexEntry>,
}

/// Whether a block of a directory that has an index is part of the index, by its place and its first entry.
/// v6.6 fs/ext4/namei.c, `__ext4_read_dirblock`
pub fn is_index_block(block: &Block, at: FileBlock) -> bool {
    at.get() == 0 || usize::from(le16(block.bytes(), 4)) == BLOCK_BYTES
}

/// The names in a block of a directory that has an index: `.` and `..` in its root, none in a node.
///
/// # Errors
/// As [`IndexBlock::from_block`] and [`dirent::entries`].
pub fn names(block: &Block, at: FileBlock, csum: Option<InodeSeed>) -> Result<Vec<Dirent>, FormatError> {
    if !is_index_block(block, at) {
        return dirent::entries(block, csum);
    }
    let dots = |ino, name: &[u8]| Dirent { ino, kind: FileKind::DIRECTORY, name: name.to_vec() };
    Ok(match IndexBlock::from_block(block, at, csum)?.kind {
        IndexKind::Root { dir, parent, .. } => vec![dots(dir, b"."), dots(parent, b"..")],
        IndexKind::Node => Vec::new(),
    })
}

/// How many entries an index block has room for.
pub fn limit(kind: &IndexKind, csum: Option<InodeSeed>) -> usize {
    let tail = if csum.is_some() { TAIL } else { 0 };
    BLOCK_BYTES.saturating_sub(tail).saturating_sub(start(kind)) / ENTRY
}

const fn start(kind: &IndexKind) -> usize {
    match kind {
        IndexKind::Root { .. } => ROOT_ENTRIES,
        IndexKind::Node => NODE_ENTRIES,
    }
}

impl IndexBlock {
    /// The index block at a place of a directory, verified where the file system has checksums.
    ///
    /// # Errors
    /// Its checksum is bad, it leads nowhere, or its hashes are not in order.
    // v6.6 fs/ext4/namei.c, ext4_dx_csum_verify, dx_probe.
    pub fn from_block(block: &Block, at: FileBlock, csum: Option<InodeSeed>) -> Result<Self, FormatError> {
        let b = block.bytes();
        let demand = |field, found: u64, expected| Structure::DirectoryIndex.demand(field, found, expected);
        let kind = if at.get() == 0 { root(b)? } else { IndexKind::Node };
        let from = start(&kind);
        let (room, count) = (le16(b, from), le16(b, from.saturating_add(2)));
        demand("room", room.into(), Expected::Exactly(len_u64(limit(&kind, csum))))?;
        demand("number of entries", count.into(), Expected::AtLeast(1))?;
        demand("number of entries", count.into(), Expected::AtMost(room.into()))?;
        if let Some(seed) = csum {
            let stored =
                le32(b, from.saturating_add(usize::from(room).saturating_mul(ENTRY)).saturating_add(4));
            Structure::DirectoryIndex.demand_checksum(stored, checksum(b, from, room, count, seed))?;
        }
        let mut entries = Vec::new();
        for nr in 0..usize::from(count) {
            let entry = from.saturating_add(nr.saturating_mul(ENTRY));
            let hash = if nr == 0 { 0 } else { le32(b, entry) };
            let least = entries.last().map_or(0, |last: &IndexEntry| u64::from(last.hash));
            demand("hash", hash.into(), Expected::AtLeast(least))?;
            let block = le32(b, entry.saturating_add(4)) & 0x0FFF_FFFF;
            demand("block", block.into(), Expected::AtLeast(1))?;
            entries.push(IndexEntry { hash, block: FileBlock::new(block) });
        }
        Ok(Self { kind, entries })
    }

    /// The bytes of this index block.
    ///
    /// # Panics
    /// Where it has no entry, or more than it has room for.
    pub fn to_block(&self, csum: Option<InodeSeed>) -> Block {
        let (from, room) = (start(&self.kind), limit(&self.kind, csum));
        assert!((1..=room).contains(&self.entries.len()), "{} entries of {room}", self.entries.len());
        let mut block = Block::zeroed();
        let b = block.bytes_mut();
        match self.kind {
            IndexKind::Root { dir, parent, version, levels } => {
                put_dots(b, dir, parent);
                put_byte(b, 28, version.code());
                put_byte(b, 29, INFO_BYTES);
                put_byte(b, 30, levels);
            }
            IndexKind::Node => put_le16(b, 4, short(BLOCK_BYTES)),
        }
        let (room, count) = (short(room), short(self.entries.len()));
        for (nr, entry) in self.entries.iter().enumerate() {
            let at = from.saturating_add(nr.saturating_mul(ENTRY));
            put_le32(b, at, entry.hash);
            put_le32(b, at.saturating_add(4), entry.block.get());
        }
        put_le16(b, from, room);
        put_le16(b, from.saturating_add(2), count);
        if let Some(seed) = csum {
            let at = from.saturating_add(usize::from(room).saturating_mul(ENTRY)).saturating_add(4);
            let sealed = checksum(b, from, room, count, seed);
            put_le32(b, at, sealed);
        }
        block
    }

    /// The entry that leads to a hash. v6.6 fs/ext4/namei.c, `dx_probe`
    pub fn find(&self, hash: u32) -> usize {
        self.entries.partition_point(|entry| entry.hash <= hash).saturating_sub(1)
    }
}

/// Lets the name `..` in the root of an index stand for another directory.
///
/// # Errors
/// As [`IndexBlock::from_block`].
pub fn set_parent(block: &mut Block, parent: Ino, csum: Option<InodeSeed>) -> Result<(), FormatError> {
    let mut index = IndexBlock::from_block(block, FileBlock::new(0), csum)?;
    if let IndexKind::Root { parent: old, .. } = &mut index.kind {
        *old = parent;
    }
    *block = index.to_block(csum);
    Ok(())
}

fn root(b: &[u8; BLOCK_BYTES]) -> Result<IndexKind, FormatError> {
    let demand = |field, found: u64, expected| Structure::DirectoryIndex.demand(field, found, expected);
    demand("length of .", le16(b, 4).into(), Expected::Exactly(12))?;
    let rest = len_u64(BLOCK_BYTES).saturating_sub(12);
    demand("length of ..", le16(b, 16).into(), Expected::Exactly(rest))?;
    demand("reserved field", le32(b, 24).into(), Expected::Exactly(0))?;
    demand("length of its description", byte(b, 29).into(), Expected::Exactly(INFO_BYTES.into()))?;
    demand("levels", byte(b, 30).into(), Expected::AtMost(u64::from(MAX_LEVELS).saturating_sub(1)))?;
    demand("flags", u64::from(byte(b, 31) & 1), Expected::Exactly(0))?;
    let version = HashVersion::of(byte(b, 28))
        .ok_or_else(|| Structure::DirectoryIndex.unsupported("directory hash", byte(b, 28)))?;
    let (dir, parent) = (Ino::new(le32(b, 0)), Ino::new(le32(b, 12)));
    Ok(IndexKind::Root { dir, parent, version, levels: byte(b, 30) })
}

fn put_dots(b: &mut [u8; BLOCK_BYTES], dir: Ino, parent: Ino) {
    for (at, ino, len_bytes, name) in
        [(0, dir, 12, &b"."[..]), (12, parent, BLOCK_BYTES.saturating_sub(12), b"..")]
    {
        put_le32(b, at, ino.get());
        put_le16(b, at.saturating_add(4), short(len_bytes));
        put(b, at.saturating_add(6), &[u8::try_from(name.len()).unwrap_or(0), 2]);
        put(b, at.saturating_add(8), name);
    }
}

#[expect(clippy::expect_used, reason = "a block has fewer bytes than 2^16")]
fn short(number: usize) -> u16 {
    u16::try_from(number).expect("a number below the bytes of a block")
}

/// v6.6 fs/ext4/namei.c, `ext4_dx_csum`: what is in use, then the tail without its checksum.
fn checksum(b: &[u8; BLOCK_BYTES], from: usize, room: u16, count: u16, seed: InodeSeed) -> u32 {
    let used = from.saturating_add(usize::from(count).saturating_mul(ENTRY));
    let tail = from.saturating_add(usize::from(room).saturating_mul(ENTRY));
    let mut covered = span(b, 0, used).to_vec();
    covered.extend_from_slice(span(b, tail, tail.saturating_add(4)));
    covered.extend_from_slice(&[0; 4]);
    seed.checksum(&covered)
}

#[cfg(test)]
mod tests;
