//! RENAME_EXCHANGE: two names stand for each other's inodes, in one handle.
//!
//! ```text
//!   /a ▸ inode 12        /a ▸ inode 13
//!   /d/b ▸ inode 13  ──▶ /d/b ▸ inode 12        a directory's `..` follows it, and the link counts of both parents
//! ```
//! No link is dropped and nothing is freed. No data is started either: `auto_da_alloc` knows only a plain rename.

use super::namei::LINK_MAX;
use super::{Fs, Place};
use crate::history::Errno;
use crate::units::Ino;

impl Fs {
    /// Exchanges what two names stand for. The VFS has checked that no directory moves into itself.
    /// v6.6 fs/ext4/namei.c, `ext4_cross_rename`
    ///
    /// # Errors
    /// EMLINK, where a directory comes into one that has the most names.
    pub fn exchange(
        &mut self,
        (old, old_ino): (Place<'_>, Ino),
        (new, new_ino): (Place<'_>, Ino),
    ) -> Result<(), Errno> {
        self.within("ext4_cross_rename", |fs| {
            let (old_is_dir, new_is_dir) = (fs.is_dir(old_ino), fs.is_dir(new_ino));
            let across = old.dir != new.dir;
            // Where one of the two is a directory, one parent gets a subdirectory and the other loses one.
            let gains = match (across, old_is_dir, new_is_dir) {
                (true, true, false) => Some((new.dir, old.dir)),
                (true, false, true) => Some((old.dir, new.dir)),
                (true, true, true) | (true, false, false) | (false, _, _) => None,
            };
            if gains.is_some_and(|(gains, _)| fs.stat(gains).links >= LINK_MAX) {
                return Err(Errno::EMLINK);
            }
            fs.start_handle(16);
            fs.mark_ineligible("two names were exchanged");
            for (place, ino) in [(new, old_ino), (old, new_ino)] {
                fs.within("ext4_setent", |fs| fs.set_entry(place.dir, place.name, ino));
                fs.stamp_times(place.dir);
                fs.mark_inode_dirty(place.dir);
            }
            for ino in [old_ino, new_ino] {
                fs.stamp_ctime(ino);
                fs.mark_inode_dirty(ino);
            }
            for (is_dir, ino, parent) in [(old_is_dir, old_ino, new.dir), (new_is_dir, new_ino, old.dir)] {
                if across && is_dir {
                    fs.within("ext4_rename_dir_finish", |fs| fs.set_entry(ino, b"..", parent));
                }
            }
            if let Some((gains, loses)) = gains {
                fs.inode_mut(gains).raw.links += 1;
                fs.inode_mut(loses).raw.links -= 1;
                fs.mark_inode_dirty(gains);
                fs.mark_inode_dirty(loses);
            }
            for (ino, parent) in [(old_ino, new.dir), (new_ino, old.dir)] {
                let inode = fs.inode_mut(ino);
                inode.new_in = inode.new_in.map(|_| parent);
            }
            fs.stop_handle_of_names();
            Ok(())
        })
    }
}
