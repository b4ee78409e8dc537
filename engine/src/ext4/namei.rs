//! Names: each call is one handle, so it happens in one transaction or not at all.
//!
//! ```text
//!   create   inode bitmap, group descriptors, new inode, directory block, directory inode
//!   unlink   directory block, directory inode, inode (one link less; the last one: orphan list)
//!   rename   directory blocks, both directories, the inode, and the one that it replaces
//! ```
//! Arguments are checked by the VFS; what is left here is what only the file system can know.

use super::{Fs, inode::timestamp};
use crate::format::fast::NameChange;
use crate::format::{ExtentNode, ExtentState, FileKind, InodeFlags};
use crate::history::Errno;
use crate::page_cache::What;
use crate::units::{Block, BlockNr, FileBlock, Ino, len_u64};

/// The most names that an inode may have (EXT4_LINK_MAX).
pub(super) const LINK_MAX: u16 = 65_000;
/// Symlinks shorter than this are kept in the inode.
const FAST_SYMLINK_BYTES: usize = 60;

/// One end of a rename: a directory and a name in it.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The directory.
    pub dir: Ino,
    /// The name.
    pub name: &'a [u8],
}

impl Fs {
    /// Creates a regular file. v6.6 fs/ext4/namei.c, `ext4_create`
    pub fn create(&mut self, place: Place<'_>, mode: u16) -> Result<Ino, Errno> {
        self.within("ext4_create", |fs| {
            fs.make_room_for_entry(place.dir, place.name)?;
            fs.start_handle(8 + fs.index_credits());
            let ino = fs.new_inode(place.dir, FileKind::REGULAR.mode_bits() | (mode & 0o7777))?;
            fs.set_goal(ino, place.dir);
            fs.add_entry(place.dir, place.name, ino)?;
            fs.mark_inode_dirty(ino);
            fs.track_name(NameChange::Creat, place, ino);
            fs.stop_handle_of_names();
            Ok(ino)
        })
    }

    /// Creates a directory. v6.6 fs/ext4/namei.c, `ext4_mkdir`
    pub fn mkdir(&mut self, place: Place<'_>, mode: u16) -> Result<Ino, Errno> {
        self.within("ext4_mkdir", |fs| {
            fs.load_inode(place.dir);
            if fs.inode(place.dir).raw.links >= LINK_MAX {
                return Err(Errno::EMLINK);
            }
            fs.make_room(if fs.has_dir_index() { 6 } else { 4 })?;
            fs.start_handle(12 + fs.index_credits());
            let ino = fs.new_inode(place.dir, FileKind::DIRECTORY.mode_bits() | (mode & 0o7777))?;
            fs.set_goal(ino, place.dir);
            fs.init_dir(ino, place.dir)?;
            fs.inode_mut(ino).raw.links = 2;
            fs.mark_inode_dirty(ino);
            fs.add_entry(place.dir, place.name, ino)?;
            fs.inode_mut(place.dir).raw.links += 1;
            fs.mark_inode_dirty(place.dir);
            fs.track_name(NameChange::Creat, place, ino);
            fs.stop_handle_of_names();
            Ok(ino)
        })
    }

    /// Creates a symlink; a long target goes into a block of its own, which is journalled.
    /// v6.6 fs/ext4/namei.c, `ext4_symlink`
    pub fn symlink(&mut self, place: Place<'_>, target: &[u8]) -> Result<Ino, Errno> {
        self.within("ext4_symlink", |fs| {
            fs.make_room_for_entry(place.dir, place.name)?;
            fs.make_room(4)?;
            fs.start_handle(12 + fs.index_credits());
            let ino = fs.new_inode(place.dir, FileKind::SYMLINK.mode_bits() | 0o777)?;
            fs.set_goal(ino, place.dir);
            if target.len() < FAST_SYMLINK_BYTES {
                for (to, from) in fs.inode_mut(ino).raw.block.iter_mut().zip(target) {
                    *to = *from;
                }
            } else {
                let raw = &mut fs.inode_mut(ino).raw;
                raw.flags = InodeFlags::EXTENTS;
                raw.block = ExtentNode::EMPTY.to_root();
                let (nr, _) = fs.map_new_blocks(ino, FileBlock::new(0), 1, ExtentState::Written)?;
                fs.create_block(nr, Block::starting_with(target), What::Symlink(ino));
            }
            let inode = fs.inode_mut(ino);
            inode.size = len_u64(target.len());
            inode.raw.size = inode.size;
            fs.add_entry(place.dir, place.name, ino)?;
            fs.mark_inode_dirty(ino);
            fs.stop_handle_of_names();
            Ok(ino)
        })
    }

    /// The target of a symlink. v6.6 fs/ext4/symlink.c, `ext4_get_link`
    pub fn readlink(&mut self, ino: Ino) -> Vec<u8> {
        self.load_inode(ino);
        let inode = self.inode(ino);
        let len = usize::try_from(inode.size).unwrap_or(usize::MAX);
        match inode.tree.lookup(FileBlock::new(0)) {
            Some((nr, _)) => self.bread(nr, What::Symlink(ino)).bytes().iter().take(len).copied().collect(),
            None => inode.raw.block.iter().take(len).copied().collect(),
        }
    }

    /// Gives an inode another name. v6.6 fs/ext4/namei.c, `__ext4_link`
    pub fn link(&mut self, ino: Ino, place: Place<'_>) -> Result<(), Errno> {
        self.within("ext4_link", |fs| {
            fs.load_inode(ino);
            if fs.inode(ino).raw.links >= LINK_MAX {
                return Err(Errno::EMLINK);
            }
            fs.make_room_for_entry(place.dir, place.name)?;
            fs.start_handle(6 + fs.index_credits());
            fs.stamp_ctime(ino);
            fs.inode_mut(ino).raw.links += 1;
            fs.add_entry(place.dir, place.name, ino)?;
            fs.mark_inode_dirty(ino);
            fs.track_name(NameChange::Link, place, ino);
            if fs.inode(ino).raw.links == 1 {
                fs.decide("its first name: it needs the orphan list no more");
                fs.orphan_del(ino);
                fs.inode_mut(ino).linkable = false;
            }
            fs.stop_handle_of_names();
            Ok(())
        })
    }

    /// Removes a name of something that is no directory. v6.6 fs/ext4/namei.c, `ext4_unlink`
    pub fn unlink(&mut self, place: Place<'_>, ino: Ino) {
        self.within("ext4_unlink", |fs| {
            fs.load_inode(ino);
            fs.start_handle(8);
            fs.delete_entry(place.dir, place.name);
            fs.stamp_times(place.dir);
            fs.mark_inode_dirty(place.dir);
            fs.drop_link(ino);
            fs.track_name(NameChange::Unlink, place, ino);
            fs.stop_handle_of_names();
        });
        self.iput(ino);
    }

    /// Removes an empty directory. v6.6 fs/ext4/namei.c, `ext4_rmdir`
    pub fn rmdir(&mut self, place: Place<'_>, ino: Ino) -> Result<(), Errno> {
        self.within("ext4_rmdir", |fs| {
            if !fs.is_empty_dir(ino) {
                return Err(Errno::ENOTEMPTY);
            }
            fs.start_handle(8);
            fs.delete_entry(place.dir, place.name);
            fs.clear_links(ino);
            fs.stamp_times(place.dir);
            fs.inode_mut(place.dir).raw.links -= 1;
            fs.mark_inode_dirty(place.dir);
            fs.track_name(NameChange::Unlink, place, ino);
            fs.stop_handle_of_names();
            Ok(())
        })?;
        self.iput(ino);
        Ok(())
    }

    /// Renames `ino` from one place to another, over `victim` if there is one. The VFS has checked that both are
    /// of one kind and that a directory does not move into itself. v6.6 fs/ext4/namei.c, `ext4_rename`
    pub fn rename(
        &mut self,
        old: Place<'_>,
        ino: Ino,
        new: Place<'_>,
        victim: Option<Ino>,
    ) -> Result<(), Errno> {
        self.within("ext4_rename", |fs| {
            fs.load_inode(ino);
            let moves_dir = fs.inode(ino).is_directory();
            if let Some(victim) = victim {
                fs.load_inode(victim);
                if moves_dir && !fs.is_empty_dir(victim) {
                    return Err(Errno::ENOTEMPTY);
                }
                fs.start_data_of_replacement(ino);
            } else {
                fs.make_room_for_entry(new.dir, new.name)?;
                if moves_dir && old.dir != new.dir && fs.inode(new.dir).raw.links >= LINK_MAX {
                    return Err(Errno::EMLINK);
                }
            }
            fs.start_handle(16 + fs.index_credits());
            fs.move_entry(old, ino, new, victim)?;
            if moves_dir {
                fs.move_dir(old.dir, ino, new.dir, victim);
            }
            fs.mark_inode_dirty(old.dir);
            if let Some(victim) = victim {
                if moves_dir { fs.clear_links(victim) } else { fs.drop_link(victim) }
            }
            if moves_dir {
                fs.mark_ineligible("a directory was renamed");
            } else {
                if let Some(victim) = victim {
                    fs.track_name(NameChange::Unlink, new, victim);
                }
                fs.track_name(NameChange::Link, new, ino);
                fs.track_name(NameChange::Unlink, old, ino);
            }
            fs.stop_handle_of_names();
            Ok(())
        })?;
        if let Some(victim) = victim {
            self.iput(victim);
        }
        Ok(())
    }

    /// With auto_da_alloc, what replaces a file has its data on the way to the disk before the name changes.
    fn start_data_of_replacement(&mut self, ino: Ino) {
        if !self.options.auto_da_alloc {
            self.decide("noauto_da_alloc: the new file's data stays in memory");
        } else if self.inode(ino).pages.delayed() > 0 {
            self.decide("auto_da_alloc: starts to write the new file's data, and does not wait for it");
            self.alloc_da_blocks(ino);
        }
    }

    fn move_entry(
        &mut self,
        old: Place<'_>,
        ino: Ino,
        new: Place<'_>,
        victim: Option<Ino>,
    ) -> Result<(), Errno> {
        match victim {
            None => self.add_entry(new.dir, new.name, ino)?,
            Some(_) => {
                self.within("ext4_setent", |fs| fs.set_entry(new.dir, new.name, ino));
                let inode = self.inode_mut(ino);
                inode.new_in = inode.new_in.map(|_| new.dir);
                self.stamp_times(new.dir);
                self.mark_inode_dirty(new.dir);
            }
        }
        self.stamp_ctime(ino);
        self.mark_inode_dirty(ino);
        self.delete_entry(old.dir, old.name);
        self.stamp_times(old.dir);
        Ok(())
    }

    /// `..` follows a directory to its new parent. v6.6 fs/ext4/namei.c, `ext4_rename_dir_finish`
    fn move_dir(&mut self, old_dir: Ino, ino: Ino, new_dir: Ino, victim: Option<Ino>) {
        if old_dir != new_dir {
            self.within("ext4_rename_dir_finish", |fs| fs.set_entry(ino, b"..", new_dir));
            self.inode_mut(new_dir).raw.links += 1;
            self.inode_mut(old_dir).raw.links -= 1;
        }
        if victim.is_some() {
            self.inode_mut(new_dir).raw.links -= 1;
        }
        self.mark_inode_dirty(new_dir);
    }

    fn drop_link(&mut self, ino: Ino) {
        self.stamp_ctime(ino);
        self.inode_mut(ino).raw.links -= 1;
        if self.inode(ino).raw.links == 0 {
            self.orphan_add(ino);
        }
        self.mark_inode_dirty(ino);
    }

    fn clear_links(&mut self, dir: Ino) {
        let now = timestamp(self.q.now());
        let inode = self.inode_mut(dir);
        inode.raw.links = 0;
        inode.size = 0;
        inode.raw.size = 0;
        inode.raw.ctime = now;
        self.orphan_add(dir);
        self.mark_inode_dirty(dir);
    }

    pub(super) fn set_goal(&mut self, ino: Ino, dir: Ino) {
        let near: Option<BlockNr> = Some(self.superblock.first_block(self.group_of_inode(dir)));
        self.inode_mut(ino).goal = near;
    }

    /// Whether an inode is a directory.
    pub fn is_dir(&mut self, ino: Ino) -> bool {
        self.stat(ino).kind == FileKind::DIRECTORY
    }
}
