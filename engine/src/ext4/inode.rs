//! Inodes in memory: what the system believes, beside what the journal has been told.

use super::extents::ExtentTree;
use super::nojournal::VfsDirty;
use super::{Datasync, Fs, ROOT};
use crate::format::{ExtentNode, FileKind, InodeFlags, RawInode, Timestamp};
use crate::page_cache::Pages;
use crate::units::{BlockNr, Ino, Tid, Time};

/// An inode in memory (`struct ext4_inode_info`).
#[derive(Clone, Debug)]
pub struct Inode {
    /// What the journal has been told, or will be at the end of the present handle. Its size is `i_disksize`.
    pub(super) raw: RawInode,
    /// The size that the program sees (`i_size`).
    pub(super) size: u64,
    pub(super) tree: ExtentTree,
    pub(super) pages: Pages,
    /// The last transaction that changed the inode at all (`i_sync_tid`).
    pub(super) sync_tid: Tid,
    /// The last transaction that is needed to read its data back (`i_datasync_tid`).
    pub(super) datasync_tid: Tid,
    /// When it got dirty pages after having none.
    pub(super) dirtied_when: Option<Time>,
    /// Made without a name, and may get one (I_LINKABLE).
    pub(super) linkable: bool,
    /// Open file descriptions.
    pub(super) opens: u32,
    /// Truncated to nothing since it was last closed (EXT4_STATE_DA_ALLOC_CLOSE).
    pub(super) alloc_at_close: bool,
    /// The directory in which it was created, near which its blocks go.
    pub(super) goal: Option<BlockNr>,
    /// Without a journal: the directory in which it got a name that no sync has written (EXT4_STATE_NEWENTRY).
    pub(super) new_in: Option<Ino>,
    /// Without a journal: what the VFS believes.
    pub(super) vfs_dirty: Option<VfsDirty>,
}

/// What stat(2) says of an inode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "stat(2)")]
pub struct Stat {
    pub ino: Ino,
    pub kind: FileKind,
    pub size: u64,
    pub links: u16,
}

impl Inode {
    pub(super) fn fresh(mode: u16, generation: u32, now: Time, tid: Tid) -> Self {
        let mut raw = Self::new_raw(mode, generation, timestamp(now));
        if FileKind::of_mode(mode) == FileKind::SYMLINK {
            raw.flags = InodeFlags::NONE;
            raw.block = [0; 60];
        }
        Self::in_memory(raw, ExtentTree::empty(), tid)
    }

    /// A new inode as the disk holds it: no blocks yet.
    pub(super) fn new_raw(mode: u16, generation: u32, now: Timestamp) -> RawInode {
        RawInode {
            mode,
            links: 1,
            atime: now,
            ctime: now,
            mtime: now,
            crtime: now,
            flags: InodeFlags::EXTENTS,
            block: ExtentNode::EMPTY.to_root(),
            generation,
            ..RawInode::new()
        }
    }

    pub(super) fn in_memory(raw: RawInode, tree: ExtentTree, tid: Tid) -> Self {
        let size = raw.size;
        Self {
            raw,
            size,
            tree,
            pages: Pages::new(),
            sync_tid: tid,
            datasync_tid: tid,
            dirtied_when: None,
            linkable: false,
            opens: 0,
            alloc_at_close: false,
            goal: None,
            new_in: None,
            vfs_dirty: None,
        }
    }

    pub(super) fn is_directory(&self) -> bool {
        self.raw.kind() == FileKind::DIRECTORY
    }

    pub(super) fn is_regular(&self) -> bool {
        self.raw.kind() == FileKind::REGULAR
    }
}

/// A moment as an inode stores it.
pub(super) fn timestamp(time: Time) -> Timestamp {
    Timestamp { secs: i64::try_from(time.secs()).unwrap_or(i64::MAX), nanos: time.nanos() }
}

impl Fs {
    /// An inode that is in memory.
    ///
    /// # Panics
    /// Where it was never loaded: a bug in the caller.
    #[expect(clippy::expect_used, reason = "a bug in the caller")]
    pub(super) fn inode(&self, ino: Ino) -> &Inode {
        self.inodes.get(&ino).expect("an inode that was looked up")
    }

    /// An inode in memory, to change.
    ///
    /// # Panics
    /// Where it was never loaded: a bug in the caller.
    #[expect(clippy::expect_used, reason = "a bug in the caller")]
    pub(super) fn inode_mut(&mut self, ino: Ino) -> &mut Inode {
        self.inodes.get_mut(&ino).expect("an inode that was looked up")
    }

    /// Reads an inode into memory. v6.6 fs/ext4/inode.c, `__ext4_iget`
    #[expect(clippy::expect_used, reason = "our own mkfs and our own writes made it")]
    pub(super) fn load_inode(&mut self, ino: Ino) {
        if self.inodes.contains_key(&ino) {
            return;
        }
        let (nr, what, slot) = self.inode_place(ino);
        let block = self.bread(nr, what);
        let raw =
            RawInode::read_from(&block, slot, self.seed.map(|seed| (seed, ino))).expect("a sound inode");
        let tree =
            if raw.flags.has(InodeFlags::EXTENTS) { self.load_tree(ino, &raw) } else { ExtentTree::empty() };
        let tid = self.present_tid();
        self.inodes.insert(ino, Inode::in_memory(raw, tree, tid));
    }

    /// What stat(2) says.
    pub fn stat(&mut self, ino: Ino) -> Stat {
        self.load_inode(ino);
        let inode = self.inode(ino);
        Stat { ino, kind: inode.raw.kind(), size: inode.size, links: inode.raw.links }
    }

    /// Tells the journal what the inode is now. Needs a handle.
    /// v6.6 fs/ext4/inode.c, `__ext4_mark_inode_dirty`, `ext4_do_update_inode`
    pub(super) fn mark_inode_dirty(&mut self, ino: Ino) {
        let (nr, what, slot) = self.inode_place(ino);
        let inode = self.inode(ino);
        let (mut raw, seed) = (inode.raw.clone(), self.seed.map(|seed| (seed, ino)));
        if raw.flags.has(InodeFlags::EXTENTS) {
            raw.block = inode.tree.root();
        }
        let size_changed = self.change_block(nr, what, |block| {
            let before = RawInode::read_from(block, slot, None).map(|raw| raw.size);
            raw.write_into(block, slot, seed);
            before.ok() != Some(raw.size)
        });
        self.track_inode(ino);
        let tid = self.present_tid();
        let inode = self.inode_mut(ino);
        let before = (inode.sync_tid, inode.datasync_tid);
        inode.sync_tid = tid;
        if size_changed {
            inode.datasync_tid = tid;
        }
        if before != (inode.sync_tid, inode.datasync_tid) {
            self.within("__ext4_mark_inode_dirty", |fs| {
                fs.decide(if size_changed {
                    format!("inode {ino}, and its size: i_sync_tid and i_datasync_tid are {tid} now")
                } else {
                    format!("inode {ino}: i_sync_tid is {tid} now; i_datasync_tid stays {}", before.1)
                });
            });
        }
    }

    /// The data of this inode can be read back only with this transaction.
    /// v6.6 fs/ext4/ext4_jbd2.h, `ext4_update_inode_fsync_trans`
    pub(super) fn needs_this_transaction(&mut self, ino: Ino) {
        let tid = self.present_tid();
        let inode = self.inode_mut(ino);
        inode.sync_tid = tid;
        inode.datasync_tid = tid;
    }

    /// Stamps mtime and ctime, unless the clock has not ticked since. v6.6 fs/inode.c, `file_update_time`
    pub(super) fn update_time(&mut self, ino: Ino) {
        let now = timestamp(self.q.now());
        let inode = self.inode(ino);
        if inode.raw.mtime == now && inode.raw.ctime == now {
            self.decide("the clock has not ticked since the last change: no time to update");
            return;
        }
        self.through(&["generic_update_time", "__mark_inode_dirty", "ext4_dirty_inode"], |fs| {
            fs.start_handle(2);
            let inode = fs.inode_mut(ino);
            inode.raw.mtime = now;
            inode.raw.ctime = now;
            fs.mark_inode_dirty(ino);
            fs.mark_vfs_dirty(ino, Datasync::No);
        });
    }

    /// Stamps ctime within a handle.
    pub(super) fn stamp_ctime(&mut self, ino: Ino) {
        let now = timestamp(self.q.now());
        self.inode_mut(ino).raw.ctime = now;
    }

    /// Stamps mtime and ctime within a handle.
    pub(super) fn stamp_times(&mut self, ino: Ino) {
        let now = timestamp(self.q.now());
        let raw = &mut self.inode_mut(ino).raw;
        raw.mtime = now;
        raw.ctime = now;
    }

    /// An open file description refers to the inode from now on.
    pub fn hold(&mut self, ino: Ino) {
        self.load_inode(ino);
        self.inode_mut(ino).opens += 1;
    }

    /// An open file description is closed. v6.6 fs/ext4/file.c, `ext4_release_file`; fs/inode.c, `iput`
    pub fn release(&mut self, ino: Ino) {
        self.within("ext4_release_file", |fs| {
            if fs.inode(ino).alloc_at_close {
                fs.decide("the file was truncated to nothing while open: its data is written now");
                fs.inode_mut(ino).alloc_at_close = false;
                fs.alloc_da_blocks(ino);
            }
        });
        self.inode_mut(ino).opens -= 1;
        self.iput(ino);
    }

    /// Evicts an inode that has neither names nor users. v6.6 fs/inode.c, `iput_final`
    pub(super) fn iput(&mut self, ino: Ino) {
        let inode = self.inode(ino);
        if inode.opens == 0 && inode.raw.links == 0 {
            self.evict(ino);
        }
    }

    /// Changes the permission bits. v6.6 fs/ext4/inode.c, `ext4_setattr`
    pub fn chmod(&mut self, ino: Ino, mode: u16) {
        self.within("ext4_setattr", |fs| {
            fs.load_inode(ino);
            fs.start_handle(2);
            let inode = fs.inode_mut(ino);
            inode.raw.mode = (inode.raw.mode & !0o7777) | (mode & 0o7777);
            fs.stamp_ctime(ino);
            fs.mark_inode_dirty(ino);
            fs.mark_vfs_dirty(ino, Datasync::Yes);
        });
    }

    /// The root directory's inode number.
    pub const fn root(&self) -> Ino {
        ROOT
    }
}
