//! Extended attributes: names and values, behind an inode's fields or in a block of their own.
//!
//! ```text
//!   inode  magic │ entry │ entry │ 0 0 0 0 │ … free … │ value │ value │     96 bytes; values count from the first entry
//!   block  header: magic, users, hash, checksum │ entry │ … │ value │       4096 bytes; values count from the block
//!   entry  name length │ namespace │ where the value is u16 │ inode (0) │ its size │ hash │ name, padded to 4
//! ```
//! Values are padded to 4 bytes and lie at the end, the first one last.
//!
//! Not modelled: values in inodes of their own (`ea_inode`), which are refused.

use super::bytes::{byte, le16, le32, put, put_le16, put_le32, span, wipe};
use super::checksum::crc32c;
use super::{Expected, FormatError, FsSeed, Structure};
use crate::units::{BLOCK_BYTES, Block, BlockNr, Widen, len_u32, len_u64};

const MAGIC: u32 = 0xEA02_0000;
/// Bytes of an entry before its name.
const ENTRY: usize = 16;
/// Bytes of a block's header.
const HEADER: usize = 32;
/// Bytes behind an inode's fields.
const TAIL: usize = 96;
/// The most users of one block (`EXT4_XATTR_REFCOUNT_MAX`).
pub const MAX_USERS: u32 = 1024;

/// An attribute.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Attribute {
    /// The namespace, by its number: 1 is `user.`.
    pub namespace: Namespace,
    /// The name without its namespace.
    pub name: Vec<u8>,
    /// The value.
    pub value: Vec<u8>,
}

/// The namespace of an attribute (`e_name_index`); others stay representable.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Namespace(pub u8);

impl Namespace {
    const NAMES: [(Self, &'static str); 6] = [
        (Self(1), "user."),
        (Self(2), "system.posix_acl_access"),
        (Self(3), "system.posix_acl_default"),
        (Self(4), "trusted."),
        (Self(6), "security."),
        (Self(7), "system."),
    ];

    /// `user.`
    pub const USER: Self = Self(1);

    /// The namespace of a full name, and the rest of the name.
    pub fn of(full: &str) -> Option<(Self, &str)> {
        let found = |(space, prefix): &(Self, &str)| full.strip_prefix(prefix).map(|rest| (*space, rest));
        [Self::NAMES[0], Self::NAMES[3], Self::NAMES[4]].iter().find_map(found)
    }

    /// What stands before the name.
    pub fn prefix(self) -> &'static str {
        Self::NAMES.iter().find(|(space, _)| *space == self).map_or("", |(_, prefix)| prefix)
    }
}

/// A block of attributes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AttributeBlock {
    /// How many inodes share it.
    pub users: u32,
    /// The attributes, in their order.
    pub attributes: Vec<Attribute>,
}

/// Where entries and values may lie.
struct Area {
    /// Where the first entry starts.
    first: usize,
    /// From where values are counted.
    base: usize,
    end: usize,
}

const IN_INODE: Area = Area { first: 4, base: 4, end: TAIL };
const IN_BLOCK: Area = Area { first: HEADER, base: 0, end: BLOCK_BYTES };

/// The attributes behind the fields of an inode; none where nothing was ever put there.
///
/// # Errors
/// Entries or values that can't be, or a value in an inode of its own.
// v6.6 fs/ext4/xattr.c, check_xattrs.
pub fn in_inode(tail: &[u8; TAIL]) -> Result<Vec<Attribute>, FormatError> {
    if le32(tail, 0) == MAGIC { read(tail, &IN_INODE) } else { Ok(Vec::new()) }
}

/// The bytes behind the fields of an inode with these attributes, if they fit.
pub fn to_inode(attributes: &[Attribute]) -> Option<[u8; TAIL]> {
    let mut tail = [0; TAIL];
    if !attributes.is_empty() {
        put_le32(&mut tail, 0, MAGIC);
        write(&mut tail, &IN_INODE, attributes, Hashes::Left)?;
    }
    Some(tail)
}

impl AttributeBlock {
    /// The block at `nr`, verified where the file system has checksums.
    ///
    /// # Errors
    /// It is none, its checksum is bad, or as [`in_inode`].
    // v6.6 fs/ext4/xattr.c, ext4_xattr_check_block.
    pub fn from_block(block: &Block, nr: BlockNr, csum: Option<FsSeed>) -> Result<Self, FormatError> {
        let b = block.bytes();
        let demand = |field, found: u32, expected| Structure::Attributes.demand(field, found, expected);
        demand("magic", le32(b, 0), Expected::Exactly(MAGIC.into()))?;
        demand("blocks", le32(b, 8), Expected::Exactly(1))?;
        if let Some(seed) = csum {
            Structure::Attributes.demand_checksum(le32(b, 16), checksum(b, nr, seed))?;
        }
        Ok(Self { users: le32(b, 4), attributes: read(b, &IN_BLOCK)? })
    }

    /// The bytes of this block for the place `nr`, if the attributes fit.
    pub fn to_block(&self, nr: BlockNr, csum: Option<FsSeed>) -> Option<Block> {
        let mut block = Block::zeroed();
        let b = block.bytes_mut();
        write(b, &IN_BLOCK, &self.attributes, Hashes::Kept)?;
        for (at, value) in [(0, MAGIC), (4, self.users), (8, 1), (12, self.hash())] {
            put_le32(b, at, value);
        }
        if let Some(seed) = csum {
            let sealed = checksum(b, nr, seed);
            put_le32(b, 16, sealed);
        }
        Some(block)
    }

    /// By which the kernel finds blocks with the same attributes. v6.6 fs/ext4/xattr.c, `ext4_xattr_rehash`
    pub fn hash(&self) -> u32 {
        let hashes: Vec<u32> = self.attributes.iter().map(hash).collect();
        if hashes.contains(&0) {
            return 0;
        }
        hashes.into_iter().fold(0, |all: u32, one| all.rotate_left(16) ^ one)
    }
}

/// Whether entries carry hashes: only those in a block do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hashes {
    Kept,
    Left,
}

/// v6.6 fs/ext4/xattr.c, `ext4_xattr_hash_entry`
fn hash(attribute: &Attribute) -> u32 {
    let name = attribute.name.iter().fold(0_u32, |hash, byte| hash.rotate_left(5) ^ u32::from(*byte));
    let words = attribute.value.chunks(4).map(|chunk| {
        let mut word = [0; 4];
        put(&mut word, 0, chunk);
        u32::from_le_bytes(word)
    });
    words.fold(name, |hash, word| hash.rotate_left(16) ^ word)
}

fn read(b: &[u8], area: &Area) -> Result<Vec<Attribute>, FormatError> {
    let demand = |field, found, expected| Structure::Attributes.demand(field, len_u64(found), expected);
    let end = len_u64(area.end);
    let mut attributes = Vec::new();
    let mut at = area.first;
    loop {
        demand("end of the entries", at.saturating_add(4), Expected::AtMost(end))?;
        if le32(b, at) == 0 {
            return Ok(attributes);
        }
        demand("end of an entry", at.saturating_add(ENTRY), Expected::AtMost(end))?;
        let name_bytes = usize::from(byte(b, at));
        let (value_at, size) =
            (usize::from(le16(b, at.saturating_add(2))), le32(b, at.saturating_add(8)).index());
        if le32(b, at.saturating_add(4)) != 0 {
            return Err(Structure::Attributes
                .unsupported("value in an inode of its own", le32(b, at.saturating_add(4))));
        }
        let next = at.saturating_add(ENTRY).saturating_add(name_bytes.next_multiple_of(4));
        demand("end of an entry", next, Expected::AtMost(end))?;
        let from = area.base.saturating_add(value_at);
        let to = from.saturating_add(size);
        demand("end of a value", to, Expected::AtMost(end))?;
        let name = span(b, at.saturating_add(ENTRY), at.saturating_add(ENTRY).saturating_add(name_bytes));
        attributes.push(Attribute {
            namespace: Namespace(byte(b, at.saturating_add(1))),
            name: name.to_vec(),
            value: span(b, from, to).to_vec(),
        });
        at = next;
    }
}

/// Puts attributes into an area of zeros; nothing where they don't fit.
fn write(b: &mut [u8], area: &Area, attributes: &[Attribute], hashes: Hashes) -> Option<()> {
    let (mut at, mut free) = (area.first, area.end);
    for attribute in attributes {
        let size = attribute.value.len();
        let next = at.saturating_add(ENTRY).saturating_add(attribute.name.len().next_multiple_of(4));
        free = free.checked_sub(size.next_multiple_of(4))?;
        if next.saturating_add(4) > free {
            return None;
        }
        let value_at = if size == 0 { 0 } else { free.saturating_sub(area.base) };
        let name_bytes = u8::try_from(attribute.name.len()).ok()?;
        put(b, at, &[name_bytes, attribute.namespace.0]);
        put_le16(b, at.saturating_add(2), u16::try_from(value_at).ok()?);
        put_le32(b, at.saturating_add(8), len_u32(size));
        put_le32(b, at.saturating_add(12), if hashes == Hashes::Kept { hash(attribute) } else { 0 });
        put(b, at.saturating_add(ENTRY), &attribute.name);
        put(b, free, &attribute.value);
        at = next;
    }
    wipe(b, at, at.saturating_add(4));
    Some(())
}

/// v6.6 fs/ext4/xattr.c, `ext4_xattr_block_csum`
fn checksum(b: &[u8; BLOCK_BYTES], nr: BlockNr, seed: FsSeed) -> u32 {
    let mut covered = *b;
    wipe(&mut covered, 16, 20);
    crc32c(seed.checksum(&nr.get().to_le_bytes()), &covered)
}

#[cfg(test)]
mod tests;
