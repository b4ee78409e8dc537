//! Inodes that must be finished off after a crash: unlinked but open, or half truncated.
//!
//!   superblock.last_orphan ─▶ inode ─(dtime field)─▶ inode ─▶ … ─▶ 0

use super::Fs;
use crate::units::Ino;

impl Fs {
    /// Puts an inode at the head of the list. Needs a handle. v6.6 fs/ext4/orphan.c, `ext4_orphan_add`
    pub(super) fn orphan_add(&mut self, ino: Ino) {
        if self.orphans.contains(&ino) {
            return;
        }
        self.within("ext4_orphan_add", |fs| {
            fs.inode_mut(ino).raw.dtime = fs.orphans.first().map_or(0, |next| next.get());
            fs.orphans.insert(0, ino);
            fs.superblock.last_orphan = ino;
            fs.change_superblock();
            fs.mark_inode_dirty(ino);
        });
    }

    /// Takes an inode off the list. Needs a handle. v6.6 fs/ext4/orphan.c, `ext4_orphan_del`
    pub(super) fn orphan_del(&mut self, ino: Ino) {
        let Some(at) = self.orphans.iter().position(|orphan| *orphan == ino) else { return };
        self.within("ext4_orphan_del", |fs| {
            fs.orphans.remove(at);
            let next = fs.inode(ino).raw.dtime;
            fs.inode_mut(ino).raw.dtime = 0;
            match at.checked_sub(1).and_then(|before| fs.orphans.get(before)).copied() {
                None => {
                    fs.superblock.last_orphan = Ino::new(next);
                    fs.change_superblock();
                }
                Some(before) => {
                    fs.inode_mut(before).raw.dtime = next;
                    fs.mark_inode_dirty(before);
                }
            }
            fs.mark_inode_dirty(ino);
        });
    }
}
