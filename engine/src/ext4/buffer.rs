//! Metadata blocks: reading them, and changing them under a handle.

use super::Fs;
use crate::format::INODES_PER_BLOCK;
use crate::page_cache::What;
use crate::units::{Block, BlockNr, Ino, len_u32};

impl Fs {
    /// A metadata block as the system sees it (`sb_bread`).
    pub(super) fn bread(&mut self, nr: BlockNr, what: What) -> Block {
        if let Some(data) = self.buffers.get(nr) {
            return data.clone();
        }
        let data = self.q.read(nr);
        self.buffers.insert(nr, data.clone(), what);
        data
    }

    /// Changes a metadata block within a handle.
    /// v6.6 fs/ext4/ext4_jbd2.c, `__ext4_journal_get_write_access`, `__ext4_handle_dirty_metadata`
    pub(super) fn change_block<R>(
        &mut self,
        nr: BlockNr,
        what: What,
        change: impl FnOnce(&mut Block) -> R,
    ) -> R {
        let mut data = self.bread(nr, what);
        let result = change(&mut data);
        self.buffers.replace(nr, data);
        self.dirty_metadata(nr);
        result
    }

    /// Puts new contents into a block that was just allocated (`sb_getblk`).
    pub(super) fn create_block(&mut self, nr: BlockNr, data: Block, what: What) {
        self.buffers.insert(nr, data, what);
        self.dirty_metadata(nr);
    }

    /// Writes the superblock in memory into its block. v6.6 fs/ext4/orphan.c, `ext4_superblock_csum_set`
    pub(super) fn change_superblock(&mut self) {
        let superblock = self.superblock.clone();
        self.change_block(BlockNr::new(0), What::Superblock, |block| superblock.write_into(block));
    }

    /// Writes a group descriptor in memory into its block.
    pub(super) fn change_group(&mut self, group: u32) {
        let desc = self.group(group).clone();
        let seed = self.seed.map(|seed| (seed, group));
        let ((nr, index), size) = (self.superblock.descriptor_place(group), self.superblock.desc_size());
        self.change_block(nr, What::GroupDescriptors, |block| desc.write_into(block, index, size, seed));
    }

    /// Where an inode lies: its block, what that is, and its slot there.
    /// v6.6 fs/ext4/inode.c, `__ext4_get_inode_loc`
    ///
    /// # Panics
    /// Where there is no such inode: a bug in the caller.
    #[expect(clippy::expect_used, reason = "a bug in the caller")]
    pub(super) fn inode_place(&self, ino: Ino) -> (BlockNr, What, usize) {
        let place = self.superblock.inode_place(ino).expect("an inode of this file system");
        let first = Ino::new(ino.get() - len_u32(place.slot));
        let what = What::InodeTable { first, last: Ino::new(first.get() + INODES_PER_BLOCK - 1) };
        (self.group(place.group).inode_table.plus(u64::from(place.table_block)), what, place.slot)
    }
}
