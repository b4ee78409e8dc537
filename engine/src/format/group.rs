//! A group descriptor: where a group's bitmaps and inodes are, and how much of them is free.
//!
//! ```text
//!   without 64bit: 32 bytes     with it: 64, of which the second half has the upper halves of block numbers,
//!                               of counts, and of the bitmaps' checksums
//! ```

use super::bytes::{high16, high32, join32, join64, le16, le32, low16, low32, put_le16, put_le32, span};
use super::checksum::crc32c;
use super::{Expected, FormatError, FsSeed, Structure};
use crate::units::{BLOCK_BYTES, Block, BlockNr, len_u64};

const CHECKSUM: usize = 0x1E;

/// How long a descriptor is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DescSize {
    /// 32 bytes.
    Short,
    /// 64 bytes: the feature `64bit`.
    Long,
}

impl DescSize {
    /// In bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Short => 32,
            Self::Long => 64,
        }
    }

    /// What a descriptor keeps of a bitmap's checksum.
    pub fn kept(self, checksum: u32) -> u32 {
        match self {
            Self::Short => low16(checksum).into(),
            Self::Long => checksum,
        }
    }
}

/// A group descriptor (`struct ext4_group_desc`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupDesc {
    /// The block bitmap.
    pub block_bitmap: BlockNr,
    /// The inode bitmap.
    pub inode_bitmap: BlockNr,
    /// The first block of the inode table.
    pub inode_table: BlockNr,
    /// Free blocks.
    pub free_blocks: u32,
    /// Free inodes.
    pub free_inodes: u32,
    /// Inodes that are directories.
    pub used_dirs: u32,
    /// [`Self::INODE_ZEROED`] and others.
    pub flags: u16,
    /// The checksum of the block bitmap, or its lower half; 0 without checksums.
    pub block_bitmap_csum: u32,
    /// The checksum of the inode bitmap, or its lower half; 0 without checksums.
    pub inode_bitmap_csum: u32,
    /// Inodes at the end of the table that were never used; 0 without checksums.
    pub itable_unused: u32,
}

impl GroupDesc {
    /// `flags`: the inodes were never initialised.
    pub const INODE_UNINIT: u16 = 1;
    /// `flags`: the block bitmap was never initialised.
    pub const BLOCK_UNINIT: u16 = 2;
    /// `flags`: the inode table was zeroed.
    pub const INODE_ZEROED: u16 = 4;

    /// A descriptor from its bytes, verified where the file system has checksums.
    ///
    /// # Errors
    /// [`FormatError::Checksum`].
    // v6.6 fs/ext4/super.c, ext4_group_desc_csum_verify.
    fn from_bytes(b: &[u8], size: DescSize, csum: Option<(FsSeed, u32)>) -> Result<Self, FormatError> {
        if let Some((seed, group)) = csum {
            let computed = checksum(b, seed, group);
            Structure::GroupDescriptor.demand_checksum(le16(b, CHECKSUM), computed)?;
        }
        let upper16 = |at| match size {
            DescSize::Short => 0,
            DescSize::Long => le16(b, at),
        };
        let upper32 = |at| match size {
            DescSize::Short => 0,
            DescSize::Long => le32(b, at),
        };
        let block = |low, high| BlockNr::new(join64(le32(b, low), upper32(high)));
        let number = |low, high| join32(le16(b, low), upper16(high));
        Ok(Self {
            block_bitmap: block(0x00, 0x20),
            inode_bitmap: block(0x04, 0x24),
            inode_table: block(0x08, 0x28),
            free_blocks: number(0x0C, 0x2C),
            free_inodes: number(0x0E, 0x2E),
            used_dirs: number(0x10, 0x30),
            flags: le16(b, 0x12),
            block_bitmap_csum: number(0x18, 0x38),
            inode_bitmap_csum: number(0x1A, 0x3A),
            itable_unused: number(0x1C, 0x32),
        })
    }

    /// Puts the fields into bytes whose other fields stay as they are, and seals them where there are checksums.
    fn put(&self, b: &mut [u8], size: DescSize, csum: Option<(FsSeed, u32)>) {
        for (low, high, block) in
            [(0x00, 0x20, self.block_bitmap), (0x04, 0x24, self.inode_bitmap), (0x08, 0x28, self.inode_table)]
        {
            put_le32(b, low, low32(block.get()));
            match size {
                DescSize::Short => assert!(high32(block.get()) == 0, "block {block} in 32 bits"),
                DescSize::Long => put_le32(b, high, high32(block.get())),
            }
        }
        for (low, high, number) in [
            (0x0C, 0x2C, self.free_blocks),
            (0x0E, 0x2E, self.free_inodes),
            (0x10, 0x30, self.used_dirs),
            (0x1C, 0x32, self.itable_unused),
            (0x18, 0x38, self.block_bitmap_csum),
            (0x1A, 0x3A, self.inode_bitmap_csum),
        ] {
            put_le16(b, low, low16(number));
            match size {
                DescSize::Short => assert!(high16(number) == 0, "{number} in 16 bits"),
                DescSize::Long => put_le16(b, high, high16(number)),
            }
        }
        put_le16(b, 0x12, self.flags);
        if let Some((seed, group)) = csum {
            let sealed = checksum(b, seed, group);
            put_le16(b, CHECKSUM, sealed);
        }
    }

    /// The descriptor at `index_in_block`.
    ///
    /// # Errors
    /// Its checksum is bad, or no block has so many.
    pub fn read_from(
        block: &Block,
        index_in_block: usize,
        size: DescSize,
        csum: Option<(FsSeed, u32)>,
    ) -> Result<Self, FormatError> {
        let at = index_in_block.saturating_mul(size.bytes());
        let last = len_u64(in_block(size)).saturating_sub(1);
        Structure::GroupDescriptor.demand(
            "index in block",
            len_u64(index_in_block),
            Expected::AtMost(last),
        )?;
        Self::from_bytes(span(block.bytes(), at, at.saturating_add(size.bytes())), size, csum)
    }

    /// Writes the descriptor at `index_in_block`; bytes that have no name here stay as they are.
    ///
    /// # Panics
    /// Where no block has so many, or a number is too long for a descriptor of this size.
    pub fn write_into(
        &self,
        block: &mut Block,
        index_in_block: usize,
        size: DescSize,
        csum: Option<(FsSeed, u32)>,
    ) {
        assert!(
            index_in_block < in_block(size),
            "descriptor {index_in_block} of {} in a block",
            in_block(size)
        );
        let at = index_in_block.saturating_mul(size.bytes());
        let place = block.bytes_mut().get_mut(at..at.saturating_add(size.bytes())).unwrap_or(&mut []);
        self.put(place, size, csum);
    }
}

const fn in_block(size: DescSize) -> usize {
    match size {
        DescSize::Short => BLOCK_BYTES / 32,
        DescSize::Long => BLOCK_BYTES / 64,
    }
}

/// The low half of the checksum of the group's number and its descriptor, whose own checksum counts as zero.
fn checksum(descriptor: &[u8], seed: FsSeed, group: u32) -> u16 {
    let mut covered = descriptor.to_vec();
    put_le16(&mut covered, CHECKSUM, 0);
    let number = seed.checksum(&group.to_le_bytes());
    low16(crc32c(number, &covered))
}

#[cfg(test)]
mod tests;
