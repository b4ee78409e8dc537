//! Without a journal: metadata is dirty buffers, and a sync call writes those of one file.
//!
//! ```text
//!   fsync   W(data), wait ▸ W(blocks on the inode's list), wait ▸ W(inode table) ▸ the same for new parents ▸ FLUSH
//!   syncfs  W(data) ▸ W(all metadata) ▸ wait ▸ FLUSH ▸ W(what the data made dirty again), not flushed
//! ```
//! Bitmaps, group descriptors and the superblock are nobody's: only the flusher, sync and unmount write them. There is
//! no orphan list. The VFS has its own idea of whether an inode is dirty, and old kernels go by it:
//!
//! ```text
//!   times stamped, pages dirtied     I_DIRTY_SYNC, I_DIRTY_PAGES
//!   size grown, chmod, truncate      I_DIRTY_DATASYNC too
//!   names, links, blocks             nothing: ext4 writes the buffer itself
//! ```
//! Not modelled: several dentries of one inode (the one that came last counts), `sync_inode_metadata` of a directory that
//! was removed.

use super::Fs;
use super::fsync::Datasync;
use super::writeback::SyncMode;
use crate::block::Barrier;
use crate::history::Errno;
use crate::jbd2::write_in_place;
use crate::kernel::NojournalFsync;
use crate::mutant::Mutant;
use crate::units::{BlockNr, FileBlock, Ino, Time};

/// What the VFS knows of an inode's changes (`i_state`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct VfsDirty {
    /// Since when it is dirty at all.
    since: Time,
    /// Whether fdatasync has to care (I_DIRTY_DATASYNC).
    datasync: bool,
}

impl Fs {
    /// A metadata block waits to be written in its place, at once where the mount says so.
    /// v6.6 fs/ext4/ext4_jbd2.c, `__ext4_handle_dirty_metadata`
    pub(super) fn dirty_buffer(&mut self, nr: BlockNr) {
        self.buffers.mark_dirty(nr, self.q.now());
        self.arm_flusher();
        let Some(what) = self.buffers.what(nr).cloned() else { return };
        if self.needs_sync(&what).is_some() {
            self.within("sync_dirty_buffer", |fs| {
                fs.decide("a synchronous mount: the block goes to its place at once");
                write_in_place(&mut fs.q, &mut fs.buffers, &[nr]);
            });
        }
    }

    /// The VFS takes an inode for dirty. v6.6 fs/fs-writeback.c, `__mark_inode_dirty`
    pub(super) fn mark_vfs_dirty(&mut self, ino: Ino, datasync: Datasync) {
        let now = self.q.now();
        if self.journal.is_some() {
            return;
        }
        let dirty = self.inode_mut(ino).vfs_dirty.get_or_insert(VfsDirty { since: now, datasync: false });
        dirty.datasync |= datasync == Datasync::Yes;
        self.arm_flusher();
    }

    /// v6.6 fs/ext4/fsync.c, `ext4_fsync_nojournal`
    pub(super) fn fsync_nojournal(
        &mut self,
        ino: Ino,
        (first, last): (FileBlock, FileBlock),
        datasync: Datasync,
    ) -> Result<(), Errno> {
        self.within("ext4_fsync_nojournal", |fs| {
            fs.within("file_write_and_wait_range", |fs| fs.write_pages(ino, first, last, SyncMode::All))?;
            fs.sync_mapping_buffers(ino);
            let dirty = fs.inode(ino).vfs_dirty;
            let is_dirty = match datasync {
                Datasync::No => dirty.is_some(),
                Datasync::Yes => dirty.is_some_and(|dirty| dirty.datasync),
            };
            match fs.options.rules.nojournal_fsync {
                NojournalFsync::SkipsClean if !is_dirty => {
                    fs.decide("the VFS takes the inode for clean: no inode, no parent, no flush");
                    return Ok(());
                }
                NojournalFsync::Flushes if !is_dirty => {
                    fs.decide("the VFS takes the inode for clean: the inode table is left alone");
                }
                NojournalFsync::SkipsClean | NojournalFsync::Flushes | NojournalFsync::WritesInode => {
                    fs.write_inode(ino);
                }
            }
            if !fs.q.lacks(Mutant::SyncWithoutParent) {
                fs.sync_parent(ino);
            }
            if fs.q.barrier() == Barrier::On && !fs.q.lacks(Mutant::SyncWithoutFlush) {
                fs.flush_of_sync();
            }
            Ok(())
        })
    }

    /// Writes the blocks on the list of an inode: directory blocks, nodes of its extent tree.
    /// v6.6 fs/buffer.c, `sync_mapping_buffers`
    fn sync_mapping_buffers(&mut self, ino: Ino) {
        let dirty = self.buffers.dirty_of(ino);
        if !dirty.is_empty() {
            self.within("sync_mapping_buffers", |fs| write_in_place(&mut fs.q, &mut fs.buffers, &dirty));
        }
    }

    /// Writes the block of the inode table that holds an inode, if it is dirty. v6.6 fs/ext4/inode.c, `ext4_write_inode`
    fn write_inode(&mut self, ino: Ino) {
        self.within("ext4_write_inode", |fs| {
            fs.inode_mut(ino).vfs_dirty = None;
            let (nr, _, _) = fs.inode_place(ino);
            if fs.buffers.is_dirty(nr) {
                write_in_place(&mut fs.q, &mut fs.buffers, &[nr]);
            } else {
                fs.decide("its block is clean");
            }
        });
    }

    /// Writes the directories above a new name, as far up as they are new too. v6.6 fs/ext4/fsync.c, `ext4_sync_parent`
    fn sync_parent(&mut self, ino: Ino) {
        let mut at = ino;
        while let Some(parent) = self.inode_mut(at).new_in.take() {
            self.within("ext4_sync_parent", |fs| {
                fs.decide(format!("inode {at} has a new name: directory {parent} is written too"));
                fs.sync_mapping_buffers(parent);
                if fs.inode(parent).vfs_dirty.is_some() {
                    fs.write_inode(parent);
                }
            });
            at = parent;
        }
    }

    /// The flusher and sync have seen to an inode: ext4 leaves its buffer to the block device, and the VFS takes the
    /// inode for clean. v6.6 fs/fs-writeback.c, `__writeback_single_inode`
    pub(super) fn note_vfs_clean(&mut self, since: Option<Time>) {
        for inode in self.inodes.values_mut() {
            let is_old = |dirty: VfsDirty| since.is_none_or(|since| dirty.since <= since);
            if inode.vfs_dirty.is_some_and(is_old) {
                inode.vfs_dirty = None;
            }
        }
    }
}
