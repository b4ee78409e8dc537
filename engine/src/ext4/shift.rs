//! FALLOC_FL_COLLAPSE_RANGE and FALLOC_FL_INSERT_RANGE: extents get other numbers, and no data moves.
//!
//! ```text
//!   COLLAPSE_RANGE   A B C D   ▸  A · C D  ▸  A C D        blocks of B freed, then C and D to the left
//!   INSERT_RANGE     A B C D   ▸  A · · B C D              from the last extent on to the right
//! ```
//! Data behind the place is written and waited for, and its pages are dropped, before a handle changes the tree. A
//! handle that outgrows its transaction goes on in the next one: a crash between them leaves some extents moved and
//! the rest not.

use super::extents::Shift;
use super::fallocate::{Fallocate, block_of};
use super::{Fs, MAX_BYTES, ROOM_TO_SPLIT};
use crate::history::Errno;
use crate::units::{FileBlock, Ino, block_bytes};

/// What moving the extents of one leaf may change: the leaf, its index blocks, the inode.
const SHIFT_CREDITS: u32 = 8;

impl Fs {
    /// v6.6 fs/ext4/extents.c, `ext4_collapse_range`
    pub(super) fn collapse_range(&mut self, ino: Ino, call: &Fallocate) -> Result<(), Errno> {
        if !(call.offset | call.len).is_multiple_of(block_bytes()) {
            self.decide("offset and length are not whole blocks");
            return Err(Errno::EINVAL);
        }
        if call.end() >= self.inode(ino).size {
            self.decide("the range reaches the end of the file: that would be a truncation");
            return Err(Errno::EINVAL);
        }
        self.within("file_modified", |fs| fs.update_time(ino));
        self.commit_logged_data();
        let (first, stop) = call.whole_blocks();
        self.write_and_wait(ino, first, first)?;
        self.write_and_wait(ino, stop, FileBlock::new(u32::MAX))?;
        self.within("truncate_pagecache", |fs| fs.truncate_pagecache(ino, call.offset));
        self.unpin(ROOM_TO_SPLIT);
        self.start_handle(16);
        self.mark_ineligible("a range was collapsed");
        self.remove_space(ino, first, stop);
        self.shift_extents(ino, stop, stop.get() - first.get(), Shift::Left);
        let inode = self.inode_mut(ino);
        inode.size -= call.len;
        inode.raw.size = inode.size;
        self.stamp_times(ino);
        self.mark_inode_dirty(ino);
        self.needs_this_transaction(ino);
        self.stop_handle_of_data();
        Ok(())
    }

    /// v6.6 fs/ext4/extents.c, `ext4_insert_range`
    pub(super) fn insert_range(&mut self, ino: Ino, call: &Fallocate) -> Result<(), Errno> {
        if !(call.offset | call.len).is_multiple_of(block_bytes()) {
            self.decide("offset and length are not whole blocks");
            return Err(Errno::EINVAL);
        }
        let size = self.inode(ino).size;
        if call.len > MAX_BYTES - size {
            return Err(Errno::EFBIG);
        }
        if call.offset >= size {
            self.decide("the place is not before the end of the file: that would be an extension");
            return Err(Errno::EINVAL);
        }
        self.within("file_modified", |fs| fs.update_time(ino));
        self.commit_logged_data();
        let (at, end) = call.whole_blocks();
        let by = end.get() - at.get();
        self.write_and_wait(ino, at, FileBlock::new(u32::MAX))?;
        self.within("truncate_pagecache", |fs| fs.truncate_pagecache(ino, call.offset));
        self.unpin(ROOM_TO_SPLIT);
        self.start_handle(16);
        self.mark_ineligible("a range was inserted");
        let inode = self.inode_mut(ino);
        inode.size += call.len;
        inode.raw.size += call.len;
        self.stamp_times(ino);
        self.mark_inode_dirty(ino);
        if self.inode(ino).tree.end() + u64::from(by) > u32::MAX.into() {
            self.decide("blocks behind the end of the file would move behind the last that a file can have");
            return Err(Errno::EINVAL);
        }
        self.inode_mut(ino).tree.cut(at);
        self.shift_extents(ino, block_of(call.offset), by, Shift::Right);
        self.needs_this_transaction(ino);
        self.stop_handle_of_data();
        Ok(())
    }

    /// Moves all extents from a block on, leaf by leaf, so that none ever lies over another. Needs a handle.
    /// v6.6 fs/ext4/extents.c, `ext4_ext_shift_extents`
    fn shift_extents(&mut self, ino: Ino, from: FileBlock, by: u32, way: Shift) {
        self.within("ext4_ext_shift_extents", |fs| {
            let leaves = fs.inode(ino).tree.leaves_from(from);
            let ends = leaves.iter().skip(1).copied().chain([FileBlock::new(u32::MAX)]);
            let mut parts: Vec<(FileBlock, FileBlock)> = leaves.iter().copied().zip(ends).collect();
            match way {
                Shift::Left => {}
                Shift::Right => parts.reverse(),
            }
            fs.decide(match way {
                Shift::Left => format!("what lies behind moves {by} blocks to the left; no data is written"),
                Shift::Right => {
                    format!("what lies behind moves {by} blocks to the right; no data is written")
                }
            });
            for (from, end) in parts {
                fs.ensure_credits(ino, SHIFT_CREDITS);
                fs.inode_mut(ino).tree.shift(from, end, by, way);
            }
            fs.store_changed_tree(ino);
        });
    }
}
