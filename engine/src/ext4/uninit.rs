//! Groups that mke2fs left as they were: their bitmaps are made when they are first used.
//!
//! ```text
//!   BLOCK_UNINIT   the block bitmap on disk means nothing; only the group's own metadata is in use
//!   INODE_UNINIT   the inode bitmap on disk means nothing; no inode is in use
//!   the first allocation: the flag goes, the bitmap and its checksum come, in one transaction
//! ```
//! Not modelled: the thread that zeroes inode tables after the mount (`ext4lazyinit`).

use super::Fs;
use crate::format::{GroupDesc, bitmap};
use crate::page_cache::What;
use crate::units::{Block, Widen};

impl Fs {
    /// The block bitmap of a group. v6.6 fs/ext4/balloc.c, `ext4_read_block_bitmap`
    pub(super) fn block_bitmap(&mut self, group: u32) -> Block {
        let desc = self.group(group).clone();
        if desc.flags & GroupDesc::BLOCK_UNINIT != 0 && self.buffers.get(desc.block_bitmap).is_none() {
            let initial = self.superblock.initial_block_bitmap(group, &desc);
            self.buffers.insert(desc.block_bitmap, initial, What::BlockBitmap { group });
        }
        self.bread(desc.block_bitmap, What::BlockBitmap { group })
    }

    /// The inode bitmap of a group. v6.6 fs/ext4/ialloc.c, `ext4_read_inode_bitmap`
    pub(super) fn inode_bitmap(&mut self, group: u32) -> Block {
        let desc = self.group(group).clone();
        if desc.flags & GroupDesc::INODE_UNINIT != 0 && self.buffers.get(desc.inode_bitmap).is_none() {
            let initial = self.superblock.initial_inode_bitmap();
            self.buffers.insert(desc.inode_bitmap, initial, What::InodeBitmap { group });
        }
        self.bread(desc.inode_bitmap, What::InodeBitmap { group })
    }

    /// A group gets its first inode: its block bitmap is made too. Needs a handle.
    /// v6.6 fs/ext4/ialloc.c, `__ext4_new_inode`
    pub(super) fn init_block_bitmap(&mut self, group: u32) {
        if self.group(group).flags & GroupDesc::BLOCK_UNINIT == 0 {
            return;
        }
        self.decide(format!("group {group} was never used: its block bitmap is made"));
        self.block_bitmap(group);
        let (nr, size, seed) = (self.group(group).block_bitmap, self.superblock.desc_size(), self.seed);
        let (bits, len) = (self.superblock.blocks_per_group, self.superblock.blocks_in(group));
        let (free, checksum) = self.change_block(nr, What::BlockBitmap { group }, |block| {
            let checksum = seed.map(|seed| bitmap::checksum(seed, block, bits.index() / 8, size));
            (bitmap::count_clear(block, len), checksum)
        });
        let desc = &mut self.groups[group.index()];
        desc.flags &= !GroupDesc::BLOCK_UNINIT;
        desc.free_blocks = free;
        desc.block_bitmap_csum = checksum.unwrap_or(0);
    }
}
