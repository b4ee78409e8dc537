//! Changing a file's size, and deleting what has no name any more.

use super::alloc::Held;
use super::{Datasync, Fs};
use crate::format::{ExtentState, InodeFlags};
use crate::history::Errno;
use crate::kernel::EofZeroing;
use crate::scenario::DataMode;
use crate::units::{BLOCK_BYTES, FileBlock, Ino, Widen, block_bytes};

/// The largest file (s_maxbytes of a 4 KiB extent-mapped file).
pub(crate) const MAX_BYTES: u64 = (1 << 44) - 4096;
/// Behind every block of a file (EXT_MAX_BLOCKS).
const LAST: FileBlock = FileBlock::new(u32::MAX);
/// What freeing one extent may change: bitmaps and descriptors of the groups that it lies in, inode, leaf, indices.
const REMOVE_CREDITS: u32 = 10;

/// The block of the last byte of a file of this size; the first block where there is none.
fn last_block(size: u64) -> FileBlock {
    FileBlock::of_byte(size.saturating_sub(1)).unwrap_or(LAST)
}

impl Fs {
    /// Sets a file's size. v6.6 fs/ext4/inode.c, `ext4_setattr`
    pub fn set_size(&mut self, ino: Ino, size: u64) -> Result<(), Errno> {
        if size > MAX_BYTES {
            return Err(Errno::EFBIG);
        }
        self.within("ext4_setattr", |fs| {
            fs.load_inode(ino);
            let old = fs.inode(ino).size;
            if size != old {
                fs.start_handle(4);
                if size < old {
                    fs.orphan_add(ino);
                    fs.track_range(ino, last_block(size), FileBlock::new(LAST.get() - 1));
                } else {
                    fs.stamp_times(ino);
                    fs.zero_behind_old_end(ino, size);
                }
                if size > old {
                    fs.track_range(ino, last_block(old), last_block(size));
                }
                let inode = fs.inode_mut(ino);
                inode.raw.size = size;
                inode.size = size;
                fs.mark_inode_dirty(ino);
                fs.mark_vfs_dirty(ino, Datasync::Yes);
            }
            fs.within("truncate_pagecache", |fs| fs.truncate_pagecache(ino, size));
            if size <= old {
                fs.truncate(ino);
            }
        });
        Ok(())
    }

    /// Frees what lies behind the end of a file. v6.6 fs/ext4/inode.c, `ext4_truncate`
    pub(super) fn truncate(&mut self, ino: Ino) {
        self.within("ext4_truncate", |fs| {
            let size = fs.inode(ino).size;
            if size == 0 && fs.options.auto_da_alloc {
                fs.inode_mut(ino).alloc_at_close = true;
            }
            fs.start_handle(16);
            if !size.is_multiple_of(block_bytes()) {
                fs.zero_partial_block(ino, size);
            }
            fs.orphan_add(ino);
            let first = FileBlock::of_byte(size.next_multiple_of(block_bytes())).unwrap_or(LAST);
            fs.within("ext4_ext_truncate", |fs| fs.remove_space(ino, first, LAST));
            if fs.inode(ino).raw.links > 0 {
                fs.orphan_del(ino);
            }
            fs.stamp_times(ino);
            fs.mark_inode_dirty(ino);
            fs.stop_handle_of_data();
        });
    }

    /// Removes a file's blocks of a range, the last ones first. Needs a handle. Where the transaction has no room for
    /// more, the tree is stored as far as it is done and the handle goes on in the next transaction.
    /// v6.6 fs/ext4/extents.c, `ext4_ext_remove_space`, `ext4_datasem_ensure_credits`
    pub(super) fn remove_space(&mut self, ino: Ino, first: FileBlock, end: FileBlock) {
        self.within("ext4_ext_remove_space", |fs| {
            let held = if fs.inode(ino).is_regular() { Held::Data } else { Held::Metadata };
            let mut any = false;
            loop {
                fs.ensure_credits(ino, REMOVE_CREDITS);
                let Some((at, blocks)) = fs.inode_mut(ino).tree.remove_last(first, end) else { break };
                any = true;
                fs.inode_mut(ino).raw.sectors -= u64::from(blocks) * 8;
                fs.free(at, blocks, held);
            }
            if any {
                fs.needs_this_transaction(ino);
            }
            if fs.inode(ino).raw.flags.has(InodeFlags::EXTENTS) {
                fs.store_changed_tree(ino);
            }
        });
    }

    /// Stores a tree that needs at most one node more, for which there is room.
    pub(super) fn store_changed_tree(&mut self, ino: Ino) {
        if self.store_tree(ino).is_err() {
            self.decide("no block for a new extent node");
        }
    }

    /// Goes on in the next transaction where this one has no room for the next step of a long change. What is done so
    /// far is a sound file system. v6.6 fs/ext4/ext4_jbd2.h, `ext4_journal_ensure_credits_fn`
    pub(super) fn ensure_credits(&mut self, ino: Ino, credits: u32) {
        if self.journal.as_ref().is_none_or(|journal| journal.has_room(credits)) {
            return;
        }
        self.within("jbd2__journal_restart", |fs| {
            fs.decide(
                "the transaction is full: what is done so far is committed, the rest goes into the next",
            );
            if fs.inode(ino).raw.flags.has(InodeFlags::EXTENTS) {
                fs.store_changed_tree(ino);
            }
            fs.start_handle(credits);
        });
    }

    /// The rest of the last block becomes zero, and goes out before the commit does.
    /// v6.6 fs/ext4/inode.c, `ext4_block_truncate_page`
    fn zero_partial_block(&mut self, ino: Ino, size: u64) {
        let Some(at) = FileBlock::of_byte(size) else { return };
        if !matches!(self.inode(ino).tree.lookup(at), Some((_, ExtentState::Written))) {
            return;
        }
        self.within("ext4_block_truncate_page", |fs| {
            fs.load_page(ino, at);
            let from = (size % block_bytes()).index();
            if let Some(folio) = fs.inode_mut(ino).pages.get_mut(at) {
                folio.data.bytes_mut()[from..].fill(0);
            }
            fs.mark_page_dirty(ino, at);
            fs.decide(match fs.options.data {
                DataMode::Ordered => "zeroes the rest of the last block; the commit waits for it",
                DataMode::Writeback => "zeroes the rest of the last block; no commit waits for it",
                DataMode::Journal => "zeroes the rest of the last block, which is logged",
            });
            fs.order_data(ino, at);
            fs.journal_page(ino, at);
        });
    }

    /// A file is about to grow: on newer kernels what was stored behind its end through a mapping goes away first.
    /// Newer than 6.6: fs/ext4/inode.c, `ext4_setattr`, `ext4_da_do_write_end` (c7fc0366c656)
    pub(super) fn zero_behind_old_end(&mut self, ino: Ino, start: u64) {
        let old = self.inode(ino).size;
        let Some(at) = FileBlock::of_byte(old) else { return };
        if self.options.rules.eof_zeroing == EofZeroing::None
            || start <= old
            || old.is_multiple_of(block_bytes())
            || !self.has_buffer(ino, at)
        {
            return;
        }
        self.within("ext4_zero_partial_blocks", |fs| {
            fs.start_handle(2);
            fs.load_page(ino, at);
            let from = (old % block_bytes()).index();
            let upto = (start - at.first_byte()).min(block_bytes()).index();
            fs.change_page(ino, at, |data| data[from..upto].fill(0));
            fs.mark_page_dirty(ino, at);
            fs.decide(
                "zeroes the rest of the old last block; the commit waits for it if it is on disk already",
            );
            fs.order_data(ino, at);
            fs.journal_page(ino, at);
        });
    }

    /// Whether a page has a mapped buffer: its block is written, or promised, or unwritten and about to be written.
    pub(super) fn has_buffer(&self, ino: Ino, at: FileBlock) -> bool {
        let inode = self.inode(ino);
        let folio = inode.pages.get(at);
        match inode.tree.lookup(at) {
            Some((_, ExtentState::Written)) => true,
            Some((_, ExtentState::Unwritten)) => {
                folio.is_some_and(|folio| folio.dirty) || self.is_on_its_way(ino, at)
            }
            None => folio.is_some_and(|folio| folio.delayed),
        }
    }

    /// Drops pages behind a new end of file, when their writeback is over. v6.6 mm/truncate.c, `truncate_inode_pages`
    pub(super) fn truncate_pagecache(&mut self, ino: Ino, size: u64) {
        let last = FileBlock::of_byte(size).unwrap_or(FileBlock::new(u32::MAX));
        let within = (size % block_bytes()).index();
        // Pages below the new end stay on their way.
        self.finish_writebacks(ino, last, FileBlock::new(u32::MAX));
        let pages = &mut self.inode_mut(ino).pages;
        if within == 0 {
            pages.truncate(last);
        } else {
            pages.truncate(last.plus(1));
            if let Some(folio) = pages.get_mut(last) {
                folio.data.bytes_mut()[within..BLOCK_BYTES].fill(0);
            }
        }
        self.note_clean(ino);
    }

    /// Deletes an inode. v6.6 fs/ext4/inode.c, `ext4_evict_inode`
    pub(super) fn evict(&mut self, ino: Ino) {
        self.within("ext4_evict_inode", |fs| {
            fs.truncate_pagecache(ino, 0);
            fs.start_handle(24);
            let inode = fs.inode_mut(ino);
            inode.size = 0;
            inode.raw.size = 0;
            if !inode.raw.flags.has(InodeFlags::EXTENTS) {
                inode.raw.block = [0; 60];
            }
            fs.mark_inode_dirty(ino);
            fs.remove_space(ino, FileBlock::new(0), LAST);
            fs.release_attributes(ino);
            fs.orphan_del(ino);
            let now = fs.q.now().secs();
            fs.inode_mut(ino).raw.dtime = u32::try_from(now).unwrap_or(u32::MAX);
            fs.mark_inode_dirty(ino);
            fs.within("ext4_free_inode", |fs| fs.free_inode(ino));
            fs.untrack(ino);
            fs.release_inode(ino);
            fs.stop_handle_of_data();
        });
    }
}
