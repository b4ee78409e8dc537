//! Where things lie, as the superblock alone tells.
//!
//! ```text
//!   group 0: superblock │ descriptors │ block bitmap │ inode bitmap │ inode table │ blocks
//!   group 1, 3, 5, 7, 9, 25 …: the same, with copies of the first two; any other group: without them
//! ```
//! Bitmaps and inode tables are where the descriptors say, which mkfs may choose.

use super::{Expected, FormatError, GroupDesc, Incompat, RoCompat, Structure, Superblock};
use crate::units::{BlockNr, Ino, Widen};

/// Group descriptors in a block.
pub const DESCRIPTORS_PER_BLOCK: u32 = 128;
/// Inodes in a block.
pub const INODES_PER_BLOCK: u32 = 16;

/// Where an inode lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InodePlace {
    /// Its group.
    pub group: u32,
    /// Its bit in the group's inode bitmap.
    pub bit: u32,
    /// Its block, counted from the start of the group's inode table.
    pub table_block: u32,
    /// Its slot in that block.
    pub slot: usize,
}

impl Superblock {
    /// How many groups there are.
    pub const fn groups(&self) -> u32 {
        // A superblock that was read has no 0 here; one that was made wrongly has no groups.
        if self.blocks_per_group == 0 { 0 } else { self.blocks.div_ceil(self.blocks_per_group) }
    }

    /// How many blocks the group descriptors take.
    pub const fn descriptor_blocks(&self) -> u32 {
        self.groups().div_ceil(DESCRIPTORS_PER_BLOCK)
    }

    /// The block that holds a group's descriptor, and its index in that block.
    pub fn descriptor_place(&self, group: u32) -> (BlockNr, usize) {
        let block = u64::from(group / DESCRIPTORS_PER_BLOCK).saturating_add(1);
        (BlockNr::new(block), (group % DESCRIPTORS_PER_BLOCK).index())
    }

    /// How many blocks a group's inode table takes.
    pub const fn inode_table_blocks(&self) -> u32 {
        self.inodes_per_group.div_ceil(INODES_PER_BLOCK)
    }

    /// The first block of a group.
    pub fn first_block(&self, group: u32) -> BlockNr {
        BlockNr::new(u64::from(group).saturating_mul(self.blocks_per_group.into()))
    }

    /// How many blocks a group has: the last one may be short, and one beyond it has none.
    pub fn blocks_in(&self, group: u32) -> u32 {
        let before = group.saturating_mul(self.blocks_per_group);
        self.blocks.saturating_sub(before).min(self.blocks_per_group)
    }

    /// The group of a block, and its bit in the group's block bitmap, if the file system has such a block.
    pub fn block_place(&self, block: BlockNr) -> Option<(u32, u32)> {
        let block = u32::try_from(block.get()).ok().filter(|block| *block < self.blocks)?;
        Some((block.checked_div(self.blocks_per_group)?, block.checked_rem(self.blocks_per_group)?))
    }

    /// Where an inode lies, if the file system has such an inode.
    pub fn inode_place(&self, ino: Ino) -> Option<InodePlace> {
        let index = ino.get().checked_sub(1).filter(|_| ino.get() <= self.inodes)?;
        let bit = index.checked_rem(self.inodes_per_group)?;
        Some(InodePlace {
            group: index.checked_div(self.inodes_per_group)?,
            bit,
            table_block: bit / INODES_PER_BLOCK,
            slot: (bit % INODES_PER_BLOCK).index(),
        })
    }

    /// Whether a group starts with a copy of the superblock and the descriptors (`ext4_bg_has_super`).
    pub fn has_copy(&self, group: u32) -> bool {
        let is_power_of = |base: u32| {
            let mut rest = group;
            while rest > 1 && rest.is_multiple_of(base) {
                rest = rest.checked_div(base).unwrap_or(0);
            }
            rest == 1
        };
        !self.ro_compat.has(RoCompat::SPARSE_SUPER) || group == 0 || [3, 5, 7].into_iter().any(is_power_of)
    }
}

impl GroupDesc {
    /// Refuses a descriptor whose bitmaps or inode table lie outside of its group, or of the file system where
    /// groups share a place for them.
    ///
    /// # Errors
    /// [`FormatError::Field`].
    // v6.6 fs/ext4/super.c, ext4_check_descriptors.
    pub fn check_places(&self, fs: &Superblock, group: u32) -> Result<(), FormatError> {
        let (first, blocks) = if fs.incompat.has(Incompat::FLEX_BG) {
            (0, u64::from(fs.blocks))
        } else {
            (fs.first_block(group).get(), u64::from(fs.blocks_in(group)))
        };
        let end = first.saturating_add(blocks);
        // Behind the superblock and the descriptors of the first group.
        let first = first.max(u64::from(fs.descriptor_blocks()).saturating_add(1));
        for (field, at, len) in [
            ("block bitmap", self.block_bitmap, 1),
            ("inode bitmap", self.inode_bitmap, 1),
            ("inode table", self.inode_table, fs.inode_table_blocks()),
        ] {
            let last = end.saturating_sub(len.into());
            Structure::GroupDescriptor.demand(field, at.get(), Expected::AtLeast(first))?;
            Structure::GroupDescriptor.demand(field, at.get(), Expected::AtMost(last))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
