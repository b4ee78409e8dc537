//! A group descriptor: where a group's bitmaps and inodes are, and how much of them is free.

use super::bytes::{array, le16, le32, low16, put, put_le16, put_le32};
use super::{Expected, FormatError, FsSeed, Structure};
use crate::units::{Block, BlockNr, len_u64};

/// Bytes of a descriptor (without `64bit`).
const LEN: usize = 32;
const CHECKSUM: usize = 0x1E;

/// A group descriptor (`struct ext4_group_desc`, its first 32 bytes).
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
    /// The checksum of the block bitmap; 0 without checksums.
    pub block_bitmap_csum: u16,
    /// The checksum of the inode bitmap; 0 without checksums.
    pub inode_bitmap_csum: u16,
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
    pub fn from_bytes(bytes: &[u8; LEN], csum: Option<(FsSeed, u32)>) -> Result<Self, FormatError> {
        if let Some((seed, group)) = csum {
            let computed = checksum(bytes, seed, group);
            Structure::GroupDescriptor.demand_checksum(le16(bytes, CHECKSUM), computed)?;
        }
        let block = |at| BlockNr::new(le32(bytes, at).into());
        Ok(Self {
            block_bitmap: block(0x00),
            inode_bitmap: block(0x04),
            inode_table: block(0x08),
            free_blocks: le16(bytes, 0x0C).into(),
            free_inodes: le16(bytes, 0x0E).into(),
            used_dirs: le16(bytes, 0x10).into(),
            flags: le16(bytes, 0x12),
            block_bitmap_csum: le16(bytes, 0x18),
            inode_bitmap_csum: le16(bytes, 0x1A),
            itable_unused: le16(bytes, 0x1C).into(),
        })
    }

    /// The bytes of this descriptor, sealed where the file system has checksums.
    ///
    /// # Panics
    /// Where a block number needs more than 32 bits or a count more than 16.
    #[expect(clippy::expect_used, reason = "a bug in the caller")]
    pub fn to_bytes(&self, csum: Option<(FsSeed, u32)>) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        for (at, block) in [(0x00, self.block_bitmap), (0x04, self.inode_bitmap), (0x08, self.inode_table)] {
            put_le32(&mut bytes, at, u32::try_from(block.get()).expect("a block number of 32 bits"));
        }
        for (at, count) in [
            (0x0C, self.free_blocks),
            (0x0E, self.free_inodes),
            (0x10, self.used_dirs),
            (0x1C, self.itable_unused),
        ] {
            put_le16(&mut bytes, at, u16::try_from(count).expect("a count of 16 bits"));
        }
        put_le16(&mut bytes, 0x12, self.flags);
        put_le16(&mut bytes, 0x18, self.block_bitmap_csum);
        put_le16(&mut bytes, 0x1A, self.inode_bitmap_csum);
        if let Some((seed, group)) = csum {
            let sealed = checksum(&bytes, seed, group);
            put_le16(&mut bytes, CHECKSUM, sealed);
        }
        bytes
    }

    /// The descriptor at `index_in_block`.
    ///
    /// # Errors
    /// Its checksum is bad, or no block has so many.
    pub fn read_from(
        block: &Block,
        index_in_block: usize,
        csum: Option<(FsSeed, u32)>,
    ) -> Result<Self, FormatError> {
        let at = index_in_block.saturating_mul(LEN);
        Structure::GroupDescriptor.demand(
            "index in block",
            len_u64(index_in_block),
            Expected::AtMost(127),
        )?;
        Self::from_bytes(&array(block.bytes(), at), csum)
    }

    /// Writes the descriptor at `index_in_block`.
    ///
    /// # Panics
    /// Where no block has so many, and as [`Self::to_bytes`].
    pub fn write_into(&self, block: &mut Block, index_in_block: usize, csum: Option<(FsSeed, u32)>) {
        assert!(index_in_block < 128, "descriptor {index_in_block} of 128 in a block");
        put(block.bytes_mut(), index_in_block.saturating_mul(LEN), &self.to_bytes(csum));
    }
}

/// The low half of the checksum of the group's number and its descriptor, whose own checksum counts as zero.
fn checksum(bytes: &[u8; LEN], seed: FsSeed, group: u32) -> u16 {
    let mut descriptor = *bytes;
    put_le16(&mut descriptor, CHECKSUM, 0);
    let mut covered = [0; 4 + LEN];
    put_le32(&mut covered, 0, group);
    put(&mut covered, 4, &descriptor);
    low16(seed.checksum(&covered))
}

#[cfg(test)]
mod tests;
