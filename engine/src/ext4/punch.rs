//! FALLOC_FL_PUNCH_HOLE: blocks of the middle of a file go, and it reads as zeros there.
//!
//! ```text
//!   block       |  0        |  1        |  2        |
//!   range             ├───────────────────────┤
//!   done           zeros in │  freed    │ zeros in
//!                  the page │           │ the page        the commit writes these pages and waits for them
//! ```
//! One handle zeroes the edges and frees the blocks, the last ones first; where it outgrows its transaction it goes on
//! in the next one, so a crash may leave the end of a hole without its beginning.

use super::fallocate::{Fallocate, block_of};
use super::{Fs, ROOM_TO_SPLIT};
use crate::history::Errno;
use crate::mutant::Mutant;
use crate::scenario::DataMode;
use crate::units::{FileBlock, Ino, Widen, block_bytes};

impl Fs {
    /// v6.6 fs/ext4/inode.c, `ext4_punch_hole`
    pub(super) fn punch_hole(&mut self, ino: Ino, call: &Fallocate) -> Result<(), Errno> {
        self.write_dirty_range(ino, call)?;
        let size = self.inode(ino).size;
        if call.offset >= size {
            self.decide("the hole lies behind the end of the file: nothing to do");
            return Ok(());
        }
        // A hole that reaches behind the end goes to the end of the page that holds it.
        let end = if call.end() > size { size + block_bytes() - size % block_bytes() } else { call.end() };
        let call = Fallocate { len: end - call.offset, ..*call };
        self.within("file_modified", |fs| fs.update_time(ino));
        let (first, stop) = call.whole_blocks();
        if first < stop {
            self.update_disksize_before_punch(ino, &call);
            self.truncate_pagecache_range(ino, first, stop);
        }
        self.unpin(ROOM_TO_SPLIT);
        self.start_handle(16);
        self.zero_partial_blocks(ino, call.offset, call.end());
        if first < stop {
            self.remove_space(ino, first, stop);
        }
        // One block too many, as the kernel has it.
        self.track_range(ino, first, block_of(call.end()));
        self.stamp_times(ino);
        self.mark_inode_dirty(ino);
        self.needs_this_transaction(ino);
        self.stop_handle_of_data();
        Ok(())
    }

    /// Where a file has dirty pages, those of the range are written before they go.
    /// v6.6 fs/ext4/inode.c, `ext4_punch_hole`; fs/ext4/extents.c, `ext4_zero_range`
    pub(super) fn write_dirty_range(&mut self, ino: Ino, call: &Fallocate) -> Result<(), Errno> {
        if self.inode(ino).pages.dirty().next().is_none() {
            return Ok(());
        }
        self.decide("the file has dirty pages: those of the range are written first, and waited for");
        self.write_and_wait(ino, block_of(call.offset), block_of(call.end() - 1))
    }

    /// Dirty pages that go would have moved the size on disk; now nothing else will.
    /// v6.6 fs/ext4/inode.c, `ext4_update_disksize_before_punch`
    pub(super) fn update_disksize_before_punch(&mut self, ino: Ino, call: &Fallocate) {
        let inode = self.inode(ino);
        let size = inode.size;
        if call.offset > size || call.end() < size || inode.raw.size >= size {
            return;
        }
        self.within("ext4_update_disksize_before_punch", |fs| {
            fs.decide(format!("the size on disk lags behind: it becomes {size}"));
            fs.start_handle(2);
            fs.inode_mut(ino).raw.size = size;
            fs.mark_inode_dirty(ino);
        });
    }

    /// Drops the pages of whole blocks, when their writeback is over. v6.6 mm/truncate.c, `truncate_pagecache_range`
    pub(super) fn truncate_pagecache_range(&mut self, ino: Ino, first: FileBlock, end: FileBlock) {
        self.within("truncate_pagecache_range", |fs| {
            let last = FileBlock::new(end.get() - 1);
            fs.finish_writebacks(ino, first, last);
            let pages = &mut fs.inode_mut(ino).pages;
            let gone: Vec<FileBlock> = pages.range(first, last).map(|(page, _)| page).collect();
            gone.iter().for_each(|page| pages.remove(*page));
            fs.note_clean(ino);
        });
    }

    /// Zeroes the bytes of a range that share a block with others. Needs a handle.
    /// v6.6 fs/ext4/inode.c, `ext4_zero_partial_blocks`
    pub(super) fn zero_partial_blocks(&mut self, ino: Ino, from: u64, end: u64) {
        let (first, last) = (block_of(from), block_of(end - 1));
        let within = |byte: u64, page: FileBlock| (byte - page.first_byte()).index();
        let whole = block_bytes().index();
        self.within("ext4_zero_partial_blocks", |fs| {
            if first == last {
                let (from, to) = (within(from, first), within(end, first));
                if from > 0 || to < whole {
                    fs.zero_page_range(ino, first, from..to);
                }
                return;
            }
            if within(from, first) > 0 {
                fs.zero_page_range(ino, first, within(from, first)..whole);
            }
            if within(end, last) < whole {
                fs.zero_page_range(ino, last, 0..within(end, last));
            }
        });
    }

    /// Zeroes bytes of one page, if it has a block; a hole is zeros already. Needs a handle.
    /// v6.6 fs/ext4/inode.c, `__ext4_block_zero_page_range`
    fn zero_page_range(&mut self, ino: Ino, page: FileBlock, bytes: std::ops::Range<usize>) {
        self.within("ext4_block_zero_page_range", |fs| {
            if !fs.has_buffer(ino, page) {
                fs.decide(format!("block {page} was never written: it is zeros already"));
                return;
            }
            fs.load_page(ino, page);
            fs.change_page(ino, page, |data| data[bytes].fill(0));
            fs.mark_page_dirty(ino, page);
            let then = match fs.options.data {
                DataMode::Ordered => "the commit writes it and waits for it",
                DataMode::Writeback => "no commit waits for it",
                DataMode::Journal => "it is logged",
            };
            fs.decide(format!("zeroes part of block {page} in the page cache; {then}"));
            if !fs.q.lacks(Mutant::PunchWithoutOrderedEdges) {
                fs.order_data(ino, page);
                fs.journal_page(ino, page);
            }
        });
    }
}
