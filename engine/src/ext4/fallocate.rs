//! fallocate: blocks for a file before its bytes, and ranges that become zeros.
//!
//! ```text
//!   allocate     per chunk, a handle: unwritten blocks, i_size and i_disksize up to its end (KEEP_SIZE: neither)
//!   ZERO_RANGE   drop pages ▸ as allocate, and written blocks become unwritten ▸ edges: zeros in the page cache
//!   PUNCH_HOLE   punch.rs        COLLAPSE_RANGE, INSERT_RANGE   shift.rs
//! ```
//! Each chunk is a handle of its own, so a crash may leave a file with some of its chunks. Unwritten blocks read as
//! zeros until data was written to them and the handle behind that write is committed (`writeback.rs`).
//!
//! Not modelled: that writing to a short unwritten extent without `dioread_nolock` zeroes all of it on disk
//! (`ext4_ext_zeroout`): it reads the same.

use super::{Datasync, Fs};
use crate::format::ExtentState;
use crate::history::Errno;
use crate::units::{FileBlock, Ino, block_bytes};

/// Whether a range behind the end of the file moves the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewSize {
    /// It does.
    Grows,
    /// FALLOC_FL_KEEP_SIZE
    Kept,
}

/// What is done to a range.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FallocateMode {
    /// It gets blocks.
    Allocate(NewSize),
    /// FALLOC_FL_ZERO_RANGE
    ZeroRange(NewSize),
    /// FALLOC_FL_PUNCH_HOLE
    PunchHole,
    /// FALLOC_FL_COLLAPSE_RANGE
    CollapseRange,
    /// FALLOC_FL_INSERT_RANGE
    InsertRange,
}

/// A call of fallocate(2) whose arguments make sense.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fallocate {
    /// What is done.
    pub mode: FallocateMode,
    /// Where, in bytes.
    pub offset: u64,
    /// How long, in bytes: at least 1. The end is at most that of the largest file.
    pub len: u64,
    /// Whether the descriptor has O_SYNC or O_DSYNC; which of them makes no difference.
    pub sync: Option<Datasync>,
}

impl Fallocate {
    /// The byte behind the range.
    pub const fn end(&self) -> u64 {
        self.offset + self.len
    }

    /// The range in whole blocks: the first, and the one behind the last.
    pub(super) fn whole_blocks(&self) -> (FileBlock, FileBlock) {
        let first = block_of(self.offset.next_multiple_of(block_bytes()));
        (first, block_of(self.end()).max(first))
    }
}

/// The block that holds a byte; behind the largest file it is the last.
pub(super) fn block_of(byte: u64) -> FileBlock {
    FileBlock::of_byte(byte).unwrap_or(FileBlock::new(u32::MAX))
}

/// What happens to blocks that are written already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum WrittenBlocks {
    /// They stay.
    Stay,
    /// They become unwritten (EXT4_GET_BLOCKS_CONVERT_UNWRITTEN).
    Convert,
}

/// Some blocks that are to be allocated.
#[derive(Clone, Copy, Debug)]
struct Request {
    first: FileBlock,
    /// The block behind the last.
    end: FileBlock,
    /// The size that the file has when all are there, if it changes.
    new_size: Option<u64>,
    written: WrittenBlocks,
}

/// What a handle may change that allocates one chunk.
const CREDITS: u32 = 16;

impl Fs {
    /// fallocate(2). v6.6 fs/ext4/extents.c, `ext4_fallocate`
    ///
    /// # Errors
    /// EINVAL, EFBIG, ENOSPC, and those of writing dirty pages.
    pub fn fallocate(&mut self, ino: Ino, call: &Fallocate) -> Result<(), Errno> {
        self.within("ext4_fallocate", |fs| {
            fs.load_inode(ino);
            match call.mode {
                FallocateMode::PunchHole => fs.within("ext4_punch_hole", |fs| fs.punch_hole(ino, call)),
                FallocateMode::CollapseRange => {
                    fs.within("ext4_collapse_range", |fs| fs.collapse_range(ino, call))
                }
                FallocateMode::InsertRange => fs.within("ext4_insert_range", |fs| fs.insert_range(ino, call)),
                FallocateMode::ZeroRange(size) => {
                    fs.within("ext4_zero_range", |fs| fs.zero_range(ino, call, size))
                }
                FallocateMode::Allocate(size) => fs.preallocate(ino, call, size),
            }
        })
    }

    /// The rest of `ext4_fallocate`.
    fn preallocate(&mut self, ino: Ino, call: &Fallocate, size: NewSize) -> Result<(), Errno> {
        let new_size = self.new_size(ino, call, size);
        self.within("file_modified", |fs| fs.update_time(ino));
        let (first, end) = (block_of(call.offset), block_of(call.end().next_multiple_of(block_bytes())));
        self.alloc_file_blocks(ino, Request { first, end, new_size, written: WrittenBlocks::Stay })?;
        if call.sync.is_some() && self.journal.is_some() {
            self.decide("O_SYNC or O_DSYNC: the allocation must be durable");
            let tid = self.inode(ino).sync_tid;
            self.within("ext4_fc_commit", |fs| fs.commit_fast(tid));
        }
        Ok(())
    }

    /// The size that the file gets, if it changes.
    fn new_size(&mut self, ino: Ino, call: &Fallocate, size: NewSize) -> Option<u64> {
        let inode = self.inode(ino);
        let behind = call.end() > inode.size || call.end() > inode.raw.size;
        match size {
            NewSize::Kept => {
                if behind {
                    self.decide("FALLOC_FL_KEEP_SIZE: blocks behind the end of the file, which stays");
                }
                None
            }
            NewSize::Grows => behind.then(|| call.end()),
        }
    }

    /// FALLOC_FL_ZERO_RANGE. v6.6 fs/ext4/extents.c, `ext4_zero_range`
    fn zero_range(&mut self, ino: Ino, call: &Fallocate, size: NewSize) -> Result<(), Errno> {
        self.commit_logged_data();
        self.write_dirty_range(ino, call)?;
        let new_size = self.new_size(ino, call, size);
        self.within("file_modified", |fs| fs.update_time(ino));
        let (first, end) = call.whole_blocks();
        let has_edges = !(call.offset | call.len).is_multiple_of(block_bytes());
        if has_edges {
            let (first, end) = (block_of(call.offset), block_of(call.end().next_multiple_of(block_bytes())));
            self.alloc_file_blocks(ino, Request { first, end, new_size, written: WrittenBlocks::Stay })?;
        }
        if first < end {
            self.update_disksize_before_punch(ino, call);
            self.place_logged_pages(ino, first, end)?;
            self.truncate_pagecache_range(ino, first, end);
            self.stamp_times(ino);
            self.alloc_file_blocks(ino, Request { first, end, new_size, written: WrittenBlocks::Convert })?;
        }
        if has_edges {
            self.start_handle(CREDITS);
            self.stamp_times(ino);
            self.update_inode_size(ino, new_size);
            self.mark_inode_dirty(ino);
            self.zero_partial_blocks(ino, call.offset, call.end());
            self.needs_this_transaction(ino);
            if call.sync.is_some() && self.journal.is_some() {
                self.within("jbd2_journal_stop", |fs| {
                    fs.decide("O_SYNC or O_DSYNC, and the range has edges: a synchronous handle");
                    fs.wait_for_commit();
                });
            }
        }
        Ok(())
    }

    /// Allocates blocks as unwritten ones, chunk by chunk. v6.6 fs/ext4/extents.c, `ext4_alloc_file_blocks`
    fn alloc_file_blocks(&mut self, ino: Ino, request: Request) -> Result<(), Errno> {
        self.within("ext4_alloc_file_blocks", |fs| {
            let mut at = request.first;
            while at < request.end {
                match fs.alloc_chunk(ino, at, request) {
                    Ok(blocks) => at = at.plus(blocks),
                    Err(Errno::ENOSPC) if fs.should_retry_alloc() => {}
                    Err(errno) => return Err(errno),
                }
            }
            Ok(())
        })
    }

    /// One handle of it; returns how many blocks it covered.
    fn alloc_chunk(&mut self, ino: Ino, at: FileBlock, request: Request) -> Result<u32, Errno> {
        let want = (request.end.get() - at.get()).min(ExtentState::Unwritten.max_blocks());
        let run = self.inode(ino).tree.run(at, want);
        let room = self.free_blocks_count().saturating_sub(self.reserved_blocks() + self.kept_back());
        if run.found.is_none() && room == 0 {
            self.decide("no free block but those that are promised or kept back");
            return Err(Errno::ENOSPC);
        }
        let wanted = run.blocks.min(u32::try_from(room).unwrap_or(u32::MAX));
        self.unpin(u64::from(wanted) + 2);
        self.start_handle(CREDITS);
        let blocks = match (run.found, request.written) {
            (None, _) => {
                let (_, blocks) = self.map_new_blocks(ino, at, wanted, ExtentState::Unwritten)?;
                self.decide("unwritten blocks: they read as zeros until something is written to them");
                self.release_reserved(ino, at, blocks);
                blocks
            }
            (Some((_, ExtentState::Written)), WrittenBlocks::Convert) => {
                self.inode_mut(ino).tree.mark_unwritten(at, run.blocks);
                self.store_changed_tree(ino);
                self.track_range(ino, at, at.plus(run.blocks - 1));
                self.decide("written blocks become unwritten: they read as zeros, and nothing is written");
                run.blocks
            }
            (Some((_, state)), _) => {
                self.decide("the blocks are there already");
                match state {
                    ExtentState::Unwritten => self.track_range(ino, at, at.plus(run.blocks - 1)),
                    ExtentState::Written => {}
                }
                run.blocks
            }
        };
        self.stamp_ctime(ino);
        let done = at.plus(blocks).first_byte();
        self.update_inode_size(ino, request.new_size.map(|size| size.min(done)));
        self.mark_inode_dirty(ino);
        self.needs_this_transaction(ino);
        Ok(blocks)
    }

    /// Blocks that were promised to dirty pages are there now. v6.6 fs/ext4/inode.c, `ext4_da_update_reserve_space`
    fn release_reserved(&mut self, ino: Ino, first: FileBlock, blocks: u32) {
        let pages = &mut self.inode_mut(ino).pages;
        let promised: Vec<FileBlock> = pages
            .range(first, first.plus(blocks - 1))
            .filter(|(_, folio)| folio.delayed)
            .map(|(page, _)| page)
            .collect();
        for page in &promised {
            if let Some(folio) = pages.get_mut(*page) {
                folio.delayed = false;
            }
        }
        if !promised.is_empty() {
            self.decide(format!("{} of them were promised to dirty pages", promised.len()));
        }
    }

    /// The file ends there from now on, if it ended before. Needs a handle.
    /// v6.6 fs/ext4/ext4.h, `ext4_update_inode_size`
    fn update_inode_size(&mut self, ino: Ino, size: Option<u64>) {
        let Some(size) = size else { return };
        if size > self.inode(ino).size {
            self.zero_behind_old_end(ino, size);
            self.inode_mut(ino).size = size;
            self.stamp_times(ino);
            self.decide(format!("i_size is {size} now"));
        }
        if size > self.inode(ino).raw.size {
            self.inode_mut(ino).raw.size = size;
            self.decide(format!("the size on disk becomes {size}, in the transaction that is running now"));
        }
    }
}
