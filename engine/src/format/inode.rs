//! An inode: 256 bytes, of which the first 128 are those of ext2.
//!
//! ```text
//!   mode uid size times links sectors flags │ block: 60 bytes │ generation … │ extra_isize, nanoseconds, crtime │ tail
//! ```
//! The checksum is in two halves, one on each side of byte 128. All bytes have a place in [`RawInode`] but those
//! that Linux neither reads nor writes.
//!
//! Not modelled: inodes whose second half ends before the creation time.

use super::bytes::{
    array, high16, high32, join32, join64, le16, le32, low16, low32, put, put_le16, put_le32,
};
use super::{Expected, FileKind, FormatError, FsSeed, Structure};
use crate::units::{Block, Ino, len_u64};

mod timestamp;

pub use timestamp::Timestamp;

/// Bytes of an inode.
const LEN: usize = 256;
const CHECKSUM_LOW: usize = 0x7C;
const CHECKSUM_HIGH: usize = 0x82;
/// Bytes of the second half that are known, up to and with the project.
const EXTRA_ISIZE: u16 = 32;

/// Flags of an inode; others stay representable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InodeFlags(pub u32);

impl InodeFlags {
    /// No flag.
    pub const NONE: Self = Self(0);
    /// Writes are synchronous (`chattr +S`).
    pub const SYNC: Self = Self(0x8);
    /// The file can't be changed (`chattr +i`).
    pub const IMMUTABLE: Self = Self(0x10);
    /// The file can only be appended to (`chattr +a`).
    pub const APPEND: Self = Self(0x20);
    /// The directory is hashed.
    pub const INDEX: Self = Self(0x1000);
    /// Data is journalled (`chattr +j`).
    pub const JOURNAL_DATA: Self = Self(0x4000);
    /// Changes of the directory are synchronous (`chattr +D`).
    pub const DIRSYNC: Self = Self(0x1_0000);
    /// `sectors` counts blocks.
    pub const HUGE_FILE: Self = Self(0x4_0000);
    /// `block` is the root of an extent tree.
    pub const EXTENTS: Self = Self(0x8_0000);
    /// `block` holds the contents.
    pub const INLINE_DATA: Self = Self(0x1000_0000);

    /// Whether all of `other` are set.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// These flags with `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
    /// These flags without `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// An inode (`struct ext4_inode`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RawInode {
    /// The kind of the file and who may do what.
    pub mode: u16,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The size in bytes (`i_disksize`).
    pub size: u64,
    /// When it was last read.
    pub atime: Timestamp,
    /// When the inode last changed.
    pub ctime: Timestamp,
    /// When the contents last changed.
    pub mtime: Timestamp,
    /// When it was created.
    pub crtime: Timestamp,
    /// When it was deleted, in seconds since 1970; on the orphan list the next inode of the list.
    pub dtime: u32,
    /// Names.
    pub links: u16,
    /// Space it takes, with the nodes of its extent tree (`i_blocks`, 48 bits).
    pub sectors: u64,
    /// Flags.
    pub flags: InodeFlags,
    /// The root of the extent tree, or the target of a short symlink.
    pub block: [u8; 60],
    /// Tells this inode from earlier ones with its number; part of the checksum's seed.
    pub generation: u32,
    /// Changes counted (`i_version`).
    pub version: u64,
    /// The block of extended attributes (`i_file_acl`, 48 bits); 0 without one.
    pub attributes_block: u64,
    /// How many bytes of the second half are in use: 32, or 0 in an inode that was never written.
    pub extra_isize: u16,
    /// The project.
    pub project: u32,
    /// The bytes from 160 on: attributes in the inode.
    pub tail: [u8; 96],
}

impl RawInode {
    /// An inode that is all zeros, but for the size of its second half.
    pub const fn new() -> Self {
        Self {
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            atime: Timestamp::EPOCH,
            ctime: Timestamp::EPOCH,
            mtime: Timestamp::EPOCH,
            crtime: Timestamp::EPOCH,
            dtime: 0,
            links: 0,
            sectors: 0,
            flags: InodeFlags::NONE,
            block: [0; 60],
            generation: 0,
            version: 0,
            attributes_block: 0,
            extra_isize: EXTRA_ISIZE,
            project: 0,
            tail: [0; 96],
        }
    }

    /// What kind of file it is.
    pub fn kind(&self) -> FileKind {
        FileKind::of_mode(self.mode)
    }

    /// An inode from its bytes, verified where the file system has checksums. One that was never written is all
    /// zeros and has no checksum: ask the bitmap before reading it.
    ///
    /// # Errors
    /// A bad checksum, a negative size, or a second half that can't be read.
    // v6.6 fs/ext4/inode.c, __ext4_iget, ext4_inode_csum_verify.
    pub fn from_bytes(b: &[u8; LEN], csum: Option<(FsSeed, Ino)>) -> Result<Self, FormatError> {
        let at = Structure::Inode;
        let extra_isize = le16(b, 0x80);
        at.demand("extra_isize", extra_isize, Expected::AtMost(128))?;
        at.demand("extra_isize", extra_isize, Expected::MultipleOf(4))?;
        if let Some((seed, ino)) = csum {
            let computed = checksum(b, seed, ino);
            // The upper half is there only if the inode says that it has a second half.
            if has_upper_checksum(extra_isize) {
                at.demand_checksum(join32(le16(b, CHECKSUM_LOW), le16(b, CHECKSUM_HIGH)), computed)?;
            } else {
                at.demand_checksum(le16(b, CHECKSUM_LOW), low16(computed))?;
            }
        }
        if extra_isize != 0 && extra_isize < EXTRA_ISIZE {
            return Err(at.unsupported("extra_isize", extra_isize));
        }
        let size = join64(le32(b, 0x04), le32(b, 0x6C));
        at.demand("size", size, Expected::AtMost(i64::MAX.unsigned_abs()))?;
        Ok(Self::parse(b, size, extra_isize))
    }

    fn parse(b: &[u8; LEN], size: u64, extra_isize: u16) -> Self {
        let extra = |at| if extra_isize == 0 { 0 } else { le32(b, at) };
        let time = |at, extra_at| Timestamp::decode(le32(b, at), extra(extra_at));
        Self {
            mode: le16(b, 0x00),
            uid: join32(le16(b, 0x02), le16(b, 0x78)),
            gid: join32(le16(b, 0x18), le16(b, 0x7A)),
            size,
            atime: time(0x08, 0x8C),
            ctime: time(0x0C, 0x84),
            mtime: time(0x10, 0x88),
            crtime: Timestamp::decode(extra(0x90), extra(0x94)),
            dtime: le32(b, 0x14),
            links: le16(b, 0x1A),
            sectors: join64(le32(b, 0x1C), le16(b, 0x74).into()),
            flags: InodeFlags(le32(b, 0x20)),
            block: array(b, 0x28),
            generation: le32(b, 0x64),
            version: join64(le32(b, 0x24), extra(0x98)),
            attributes_block: join64(le32(b, 0x68), le16(b, 0x76).into()),
            extra_isize,
            project: extra(0x9C),
            tail: array(b, 0xA0),
        }
    }

    /// The bytes of this inode, sealed where the file system has checksums.
    ///
    /// # Panics
    /// Where `extra_isize` is one that [`Self::from_bytes`] would refuse, the size has more than 63 bits, or
    /// sectors or the attributes' block have more than 48.
    pub fn to_bytes(&self, csum: Option<(FsSeed, Ino)>) -> [u8; LEN] {
        let has_extra = self.extra_isize != 0;
        assert!(
            !has_extra || (EXTRA_ISIZE..=128).contains(&self.extra_isize),
            "extra_isize {}",
            self.extra_isize
        );
        assert!(self.extra_isize.is_multiple_of(4), "extra_isize {}", self.extra_isize);
        assert!(i64::try_from(self.size).is_ok(), "a size of {}", self.size);
        assert!((self.sectors | self.attributes_block) >> 48 == 0, "{self:?}");
        let mut b = [0; LEN];
        for (at, value) in [
            (0x00, self.mode),
            (0x02, low16(self.uid)),
            (0x18, low16(self.gid)),
            (0x1A, self.links),
            (0x74, low16(high32(self.sectors))),
            (0x76, low16(high32(self.attributes_block))),
            (0x78, high16(self.uid)),
            (0x7A, high16(self.gid)),
            (0x80, self.extra_isize),
        ] {
            put_le16(&mut b, at, value);
        }
        for (at, value) in [
            (0x04, low32(self.size)),
            (0x14, self.dtime),
            (0x1C, low32(self.sectors)),
            (0x20, self.flags.0),
            (0x24, low32(self.version)),
            (0x64, self.generation),
            (0x68, low32(self.attributes_block)),
            (0x6C, high32(self.size)),
        ] {
            put_le32(&mut b, at, value);
        }
        put(&mut b, 0x28, &self.block);
        put(&mut b, 0xA0, &self.tail);
        self.put_times(&mut b);
        if has_extra {
            put_le32(&mut b, 0x98, high32(self.version));
            put_le32(&mut b, 0x9C, self.project);
        }
        if let Some((seed, ino)) = csum {
            let sealed = checksum(&b, seed, ino);
            put_le16(&mut b, CHECKSUM_LOW, low16(sealed));
            if has_upper_checksum(self.extra_isize) {
                put_le16(&mut b, CHECKSUM_HIGH, high16(sealed));
            }
        }
        b
    }

    fn put_times(&self, b: &mut [u8; LEN]) {
        for (at, extra_at, time) in [
            (0x08, 0x8C, self.atime),
            (0x0C, 0x84, self.ctime),
            (0x10, 0x88, self.mtime),
            (0x90, 0x94, self.crtime),
        ] {
            let (secs, extra) = time.encode();
            if self.extra_isize != 0 || at < 0x80 {
                put_le32(b, at, secs);
            }
            if self.extra_isize != 0 {
                put_le32(b, extra_at, extra);
            }
        }
    }

    /// The inode in a slot of a block of the inode table.
    ///
    /// # Errors
    /// As [`Self::from_bytes`], or no block has so many slots.
    pub fn read_from(block: &Block, slot: usize, csum: Option<(FsSeed, Ino)>) -> Result<Self, FormatError> {
        Structure::Inode.demand("slot", len_u64(slot), Expected::AtMost(15))?;
        Self::from_bytes(&array(block.bytes(), slot.saturating_mul(LEN)), csum)
    }

    /// Writes the inode in a slot of a block of the inode table.
    ///
    /// # Panics
    /// Where no block has so many slots, and as [`Self::to_bytes`].
    pub fn write_into(&self, block: &mut Block, slot: usize, csum: Option<(FsSeed, Ino)>) {
        assert!(slot < 16, "slot {slot} of 16 in a block");
        put(block.bytes_mut(), slot.saturating_mul(LEN), &self.to_bytes(csum));
    }
}

impl Default for RawInode {
    fn default() -> Self {
        Self::new()
    }
}

/// v6.6 fs/ext4/ext4.h, EXT4_FITS_IN_INODE of `i_checksum_hi`.
const fn has_upper_checksum(extra_isize: u16) -> bool {
    extra_isize >= 4
}

/// The checksum of an inode whose own checksum counts as zero.
fn checksum(b: &[u8; LEN], seed: FsSeed, ino: Ino) -> u32 {
    let mut covered = *b;
    put_le16(&mut covered, CHECKSUM_LOW, 0);
    if has_upper_checksum(le16(b, 0x80)) {
        put_le16(&mut covered, CHECKSUM_HIGH, 0);
    }
    seed.inode(ino, le32(b, 0x64)).checksum(&covered)
}

#[cfg(test)]
mod tests;
