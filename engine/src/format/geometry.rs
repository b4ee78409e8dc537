//! Where things lie, as the superblock alone tells.
//!
//! ```text
//!   group 0: superblock │ descriptors │ block bitmap │ inode bitmap │ inode table │ blocks
//!   group 1, 3, 5, 7, 9, 25 …: the same, with copies of the first two; any other group: without them
//! ```
//! Bitmaps and inode tables are where the descriptors say, which mkfs may choose.

use super::{
    Compat, DescSize, Expected, FormatError, GroupDesc, Incompat, RoCompat, Structure, Superblock, bitmap,
};
use crate::units::{Block, BlockNr, Ino, Widen};

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
        self.groups().div_ceil(self.descriptors_per_block())
    }

    /// How many blocks a copy of the superblock takes with the descriptors and the room for more of them.
    /// v6.6 fs/ext4/balloc.c, `ext4_num_base_meta_clusters`
    pub fn copy_blocks(&self) -> u32 {
        let room = if self.compat.has(Compat::RESIZE_INODE) { self.reserved_gdt_blocks.into() } else { 0 };
        self.descriptor_blocks().saturating_add(room).saturating_add(1)
    }

    /// How long a group descriptor is.
    pub const fn desc_size(&self) -> DescSize {
        if self.incompat.has(Incompat::BITS_64) { DescSize::Long } else { DescSize::Short }
    }

    /// How many group descriptors a block has room for.
    pub const fn descriptors_per_block(&self) -> u32 {
        match self.desc_size() {
            DescSize::Short => 128,
            DescSize::Long => 64,
        }
    }

    /// The block that holds a group's descriptor, and its index in that block.
    pub fn descriptor_place(&self, group: u32) -> (BlockNr, usize) {
        let (block, index) = match self.desc_size() {
            DescSize::Short => (group / 128, group % 128),
            DescSize::Long => (group / 64, group % 64),
        };
        (BlockNr::new(u64::from(block).saturating_add(1)), index.index())
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

    /// The block bitmap of a group that was never used: its copy of the superblock and descriptors, and its own bitmaps
    /// and inode table where they lie in it. v6.6 fs/ext4/balloc.c, `ext4_init_block_bitmap`
    pub fn initial_block_bitmap(&self, group: u32, desc: &GroupDesc) -> Block {
        let mut bits = Block::zeroed();
        let copies = if self.has_copy(group) { self.copy_blocks() } else { 0 };
        let table = self.inode_table_blocks();
        let own = [(desc.block_bitmap, 1), (desc.inode_bitmap, 1), (desc.inode_table, table)];
        let first = (self.first_block(group), copies);
        for (at, len) in own.into_iter().chain([first]) {
            let places = (0..u64::from(len))
                .filter_map(|nr| self.block_place(BlockNr::new(at.get().saturating_add(nr))));
            places.filter(|(of, _)| *of == group).for_each(|(_, bit)| bitmap::set(&mut bits, bit));
        }
        (self.blocks_in(group)..bitmap::BITS).for_each(|bit| bitmap::set(&mut bits, bit));
        bits
    }

    /// The inode bitmap of a group whose inodes were never used.
    pub fn initial_inode_bitmap(&self) -> Block {
        let mut bits = Block::zeroed();
        (self.inodes_per_group..bitmap::BITS).for_each(|bit| bitmap::set(&mut bits, bit));
        bits
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
