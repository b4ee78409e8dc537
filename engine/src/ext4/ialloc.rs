//! Inodes: giving them out and taking them back.
//!
//! First fit in the parent's group, then in the others. Inode numbers may be reused at once, if their contents are
//! journalled.
//!
//! Not modelled: the Orlov spread of directories over groups.

use super::inode::Inode;
use super::{Fs, LOST_FOUND};
use crate::format::{FileKind, GroupDesc, RawInode, bitmap};
use crate::history::Errno;
use crate::page_cache::What;
use crate::units::{Block, Ino, Widen, len_u32};

/// How long an inode number rests without a journal.
const RECENT_SECS: u64 = 5;
/// How much longer while its block has not been written.
const RECENT_DIRTY_SECS: u64 = 300;

impl Fs {
    pub(super) fn group_of_inode(&self, ino: Ino) -> u32 {
        self.superblock.inode_place(ino).map_or(0, |place| place.group)
    }

    /// Allocates an inode near `parent`. v6.6 fs/ext4/ialloc.c, `__ext4_new_inode`
    pub(super) fn new_inode(&mut self, parent: Ino, mode: u16) -> Result<Ino, Errno> {
        let ino = self.within("__ext4_new_inode", |fs| fs.find_inode(parent).ok_or(Errno::ENOSPC))?;
        let group = self.group_of_inode(ino);
        if FileKind::of_mode(mode) == FileKind::DIRECTORY {
            self.groups[group.index()].used_dirs += 1;
        }
        self.init_block_bitmap(group);
        self.mark_inode(ino, bitmap::set);
        self.generation += 1;
        let tid = self.present_tid();
        let inode = Inode::fresh(mode, self.generation, self.q.now(), tid);
        self.inodes.insert(ino, inode);
        self.decide(format!("allocates inode {ino}"));
        Ok(ino)
    }

    /// Takes an inode back. v6.6 fs/ext4/ialloc.c, `ext4_free_inode`
    pub(super) fn free_inode(&mut self, ino: Ino) {
        let group = self.group_of_inode(ino);
        if self.inode(ino).is_directory() {
            self.groups[group.index()].used_dirs -= 1;
        }
        self.mark_inode(ino, bitmap::clear);
        self.inodes.remove(&ino);
    }

    fn find_inode(&mut self, parent: Ino) -> Option<Ino> {
        let groups = len_u32(self.groups.len());
        let near = self.group_of_inode(parent);
        (0..groups).map(|step| (near + step) % groups).find_map(|group| {
            let block = self.inode_bitmap(group);
            let first = if group == 0 { LOST_FOUND.get() - 1 } else { 0 };
            let per_group = self.superblock.inodes_per_group;
            let ino = |bit: u32| Ino::new(group * per_group + bit + 1);
            let mut free = bitmap::find_clear(&block, first, per_group)?;
            while self.is_recently_deleted(ino(free)) {
                free = bitmap::find_clear(&block, free + 1, per_group)?;
            }
            Some(ino(free))
        })
    }

    /// Without a journal an inode is not used again at once: its old contents may be on disk still.
    /// v6.6 fs/ext4/ialloc.c, `recently_deleted`
    fn is_recently_deleted(&mut self, ino: Ino) -> bool {
        if self.journal.is_some() {
            return false;
        }
        let (nr, what, slot) = self.inode_place(ino);
        let block = self.bread(nr, what);
        let deleted = RawInode::read_from(&block, slot, None).map_or(0, |raw| u64::from(raw.dtime));
        let quiet = if self.buffers.is_dirty(nr) { RECENT_SECS + RECENT_DIRTY_SECS } else { RECENT_SECS };
        let now = self.q.now().secs();
        deleted != 0 && deleted <= now && now < deleted + quiet
    }

    fn mark_inode(&mut self, ino: Ino, mark: fn(&mut Block, u32)) {
        let group = self.group_of_inode(ino);
        let per_group = self.superblock.inodes_per_group;
        let bit = (ino.get() - 1) % per_group;
        self.inode_bitmap(group);
        let (nr, seed, size) = (self.group(group).inode_bitmap, self.seed, self.superblock.desc_size());
        let (free, checksum) = self.change_block(nr, What::InodeBitmap { group }, |block| {
            mark(block, bit);
            (
                bitmap::count_clear(block, per_group),
                seed.map(|seed| bitmap::checksum(seed, block, per_group.index() / 8, size)),
            )
        });
        let desc = &mut self.groups[group.index()];
        desc.free_inodes = free;
        desc.inode_bitmap_csum = checksum.unwrap_or(0);
        desc.flags &= !GroupDesc::INODE_UNINIT;
        if seed.is_some() {
            // Inodes behind the highest that was ever used are not looked at.
            desc.itable_unused = desc.itable_unused.min(per_group - bit - 1);
        }
        self.change_group(group);
    }
}
