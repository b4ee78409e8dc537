//! Dirty pages on their way to the disk.
//!
//! ```text
//!   pass 1: pages that have a written block                       W(data)
//!   pass 2: handle 1: allocate, as unwritten; W(data); i_disksize
//!           … when the write completes …
//!           handle 2: unwritten becomes written
//! ```
//! The two handles may land in different transactions: a commit between them makes the new size durable and the data
//! not. Who waits (fsync, sync, truncate) runs handle 2 before going on; else the schedule says when it runs.
//!
//! A page that changes while it is on its way is in `stable.rs`. Not modelled: write errors.

use super::Fs;
use crate::device::Why;
use crate::format::ExtentState;
use crate::history::Errno;
use crate::kernel::DirtyTracking;
use crate::mutant::Mutant;
use crate::page_cache::Mkclean;
use crate::scenario::DataMode;
use crate::schedule::Schedule;
use crate::units::{Block, BlockNr, FileBlock, Ino, RequestIdx, Time, Widen, block_bytes, len_u32};

/// Whether the caller waits (`enum writeback_sync_modes`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum SyncMode {
    /// WB_SYNC_ALL: every dirty page, and wait.
    All,
    /// WB_SYNC_NONE: start, and skip what is on its way already.
    None,
}

/// A data write that has been submitted.
#[derive(Clone, Debug)]
pub(super) struct Writeback {
    ino: Ino,
    from: FileBlock,
    blocks: u32,
    requests: Vec<RequestIdx>,
    /// Whether its blocks become written when it completes.
    converts: bool,
    /// When it was submitted.
    submitted: Time,
}

/// The most blocks of one mapping, and of its handle (MAX_WRITEPAGES_EXTENT_LEN).
const MAPPING_BLOCKS: u32 = 2048;
/// From the page cache to the file system.
const WRITEPAGES: &[&str] = &["do_writepages", "ext4_writepages", "ext4_do_writepages"];
/// The most pages of one bio (BIO_MAX_VECS).
const BIO_PAGES: usize = 256;

impl Writeback {
    fn meets(&self, ino: Ino, first: FileBlock, last: FileBlock) -> bool {
        self.ino == ino && self.from <= last && first < self.from.plus(self.blocks)
    }

    fn covers(&self, ino: Ino, page: FileBlock) -> bool {
        self.ino == ino && page >= self.from && page < self.from.plus(self.blocks)
    }
}

impl Fs {
    /// Starts to write a file that has delayed blocks, and does not wait. v6.6 fs/ext4/inode.c, `ext4_alloc_da_blocks`
    pub(super) fn alloc_da_blocks(&mut self, ino: Ino) {
        if self.inode(ino).pages.delayed() == 0 {
            return;
        }
        self.through(&["ext4_alloc_da_blocks", "filemap_flush", "__filemap_fdatawrite_range"], |fs| {
            // filemap_flush returns an error that its callers ignore
            let _ = fs.write_pages(ino, FileBlock::new(0), FileBlock::new(u32::MAX), SyncMode::None);
        });
    }

    /// Starts to write the dirty pages of a range, and does not wait: pages that are on their way already are passed
    /// over. v6.6 mm/filemap.c, `__filemap_fdatawrite_range` with WB_SYNC_NONE
    ///
    /// # Errors
    /// ENOSPC, where a page finds no block.
    pub fn start_writeback(&mut self, ino: Ino, first: FileBlock, last: FileBlock) -> Result<(), Errno> {
        self.within("__filemap_fdatawrite_range", |fs| fs.write_pages(ino, first, last, SyncMode::None))
    }

    /// Waits for the pages of a range that are on their way. v6.6 mm/filemap.c, `__filemap_fdatawait_range`
    pub fn wait_for_writeback(&mut self, ino: Ino, first: FileBlock, last: FileBlock) {
        self.within("__filemap_fdatawait_range", |fs| {
            fs.decide(if fs.is_any_on_its_way(ino, first, last) {
                "waits until the data has arrived, which does not make it durable"
            } else {
                "nothing of the range is on its way: no wait"
            });
            fs.finish_writebacks(ino, first, last);
        });
    }

    /// Writes the dirty pages of a range and waits for them, and for those on their way before (WB_SYNC_ALL).
    /// v6.6 mm/filemap.c, `filemap_write_and_wait_range`
    pub fn write_and_wait(&mut self, ino: Ino, first: FileBlock, last: FileBlock) -> Result<(), Errno> {
        self.within("filemap_write_and_wait_range", |fs| fs.write_pages(ino, first, last, SyncMode::All))
    }

    /// Drops the pages of a range from the cache that are clean and not on their way, but for those that the caller
    /// keeps. v6.6 mm/truncate.c, `invalidate_mapping_pages`
    pub fn invalidate_pages(
        &mut self,
        ino: Ino,
        first: FileBlock,
        last: FileBlock,
        keeps: impl Fn(FileBlock) -> bool,
    ) {
        let busy = |page: FileBlock| self.writebacks.iter().any(|writeback| writeback.covers(ino, page));
        let pages = &self.inode(ino).pages;
        let clean: Vec<FileBlock> = pages
            .range(first, last)
            .filter(|(page, folio)| !folio.dirty && !busy(*page) && !keeps(*page))
            .map(|(page, _)| page)
            .collect();
        self.decide(match clean.len() {
            0 => "no page can be dropped".to_owned(),
            count => format!("drops {count} clean pages from the page cache"),
        });
        for page in clean {
            self.inode_mut(ino).pages.remove(page);
        }
    }

    /// Writes the dirty pages of a range. v6.6 fs/ext4/inode.c, `ext4_do_writepages`
    pub(super) fn write_pages(
        &mut self,
        ino: Ino,
        first: FileBlock,
        last: FileBlock,
        mode: SyncMode,
    ) -> Result<(), Errno> {
        let result = match mode {
            SyncMode::All => self.within("__filemap_fdatawrite_range", |fs| {
                fs.through(WRITEPAGES, |fs| {
                    if fs.is_any_on_its_way(ino, first, last) {
                        fs.decide(
                            "WB_SYNC_ALL: pages that are on their way are waited for, and written again",
                        );
                    }
                    fs.finish_writebacks(ino, first, last);
                    fs.submit_pages(ino, first, last, mode)
                })
            }),
            SyncMode::None => self.through(WRITEPAGES, |fs| fs.submit_pages(ino, first, last, mode)),
        };
        match (mode, self.q.schedule()) {
            (SyncMode::All, _) if self.q.lacks(Mutant::SyncWithoutConversion) => {}
            (SyncMode::All, _) => self.wait_for_writeback(ino, first, last),
            (SyncMode::None, Schedule::Prompt) => {
                if self.is_any_on_its_way(ino, first, last) {
                    self.decide("nobody waits for the data; with this schedule it arrives at once");
                }
                self.finish_writebacks(ino, first, last);
            }
            (SyncMode::None, Schedule::Late) => {
                if self.is_any_on_its_way(ino, first, last) {
                    self.decide("nobody waits for the data: it is still on its way");
                }
            }
        }
        result
    }

    /// The two passes over the dirty pages of a range.
    fn submit_pages(
        &mut self,
        ino: Ino,
        first: FileBlock,
        last: FileBlock,
        mode: SyncMode,
    ) -> Result<(), Errno> {
        if self.pages_to_write(ino, first, last).is_empty() {
            self.decide("nothing dirty in the range");
        }
        if self.options.data == DataMode::Journal && !self.q.lacks(Mutant::DataNotJournalled) {
            return self.write_journalled_pages(ino, first, last, mode);
        }
        self.submit_mapped_pages(ino, first, last);
        self.submit_new_pages(ino, first, last)
    }

    /// Pass 1: pages whose blocks are allocated and written need no transaction.
    pub(super) fn submit_mapped_pages(&mut self, ino: Ino, first: FileBlock, last: FileBlock) {
        let inode = self.inode(ino);
        let written: Vec<(FileBlock, BlockNr)> = self
            .pages_to_write(ino, first, last)
            .into_iter()
            .filter_map(|page| match inode.tree.lookup(page) {
                Some((nr, ExtentState::Written)) => Some((page, nr)),
                Some((_, ExtentState::Unwritten)) | None => None,
            })
            .collect();
        if !written.is_empty() {
            self.decide("blocks that are allocated and written are overwritten in place: no transaction");
        }
        for run in runs(&written, |a, b| a.0.plus(1) == b.0 && a.1.plus(1) == b.1) {
            self.submit_data(ino, run[0].0, run[0].1, len_u32(run.len()), false);
        }
    }

    /// Pass 2: pages that need a block, or whose block is unwritten.
    /// v6.6 fs/ext4/inode.c, `mpage_map_and_submit_extent`
    fn submit_new_pages(&mut self, ino: Ino, first: FileBlock, last: FileBlock) -> Result<(), Errno> {
        let pages = self.pages_to_write(ino, first, last);
        let mut result = Ok(());
        for run in runs(&pages, |a, b| a.plus(1) == *b) {
            let (mut page, mut left) = (run[0], len_u32(run.len()));
            while left > 0 {
                let blocks = match self.map_and_submit(ino, page, left) {
                    Ok(blocks) => blocks,
                    Err(errno) => {
                        self.give_up_page(ino, page);
                        result = result.and(Err(errno));
                        1
                    }
                };
                page = page.plus(blocks);
                left -= blocks;
            }
        }
        result
    }

    /// A page that finds no block is not tried again. One with a promise is dropped, one without stays, clean: what
    /// was stored in it is in memory only.
    /// v6.6 fs/ext4/inode.c, `mpage_release_unused_pages`; 2.6.18 fs/buffer.c, `__block_write_full_page`
    fn give_up_page(&mut self, ino: Ino, page: FileBlock) {
        self.decide(format!(
            "no block for page {page}: it is given up, and its data will not reach the disk"
        ));
        let pages = &mut self.inode_mut(ino).pages;
        match pages.get_mut(page) {
            Some(folio) if folio.delayed => {
                pages.remove(page);
            }
            Some(folio) => folio.dirty = false,
            None => {}
        }
        self.note_clean(ino);
    }

    /// One extent of pass 2; returns how many blocks of the file it covered.
    fn map_and_submit(&mut self, ino: Ino, page: FileBlock, want: u32) -> Result<u32, Errno> {
        self.within("mpage_map_and_submit_extent", |fs| {
            let want = want.min(MAPPING_BLOCKS);
            // The block itself is promised; a node of the extent tree may be needed too.
            fs.unpin(u64::from(want) + 2);
            fs.start_handle(8);
            let state = fs.state_of_new_blocks();
            let (at, blocks) = match fs.inode(ino).tree.lookup(page) {
                Some((at, _)) => {
                    fs.decide("the block is allocated already, and unwritten");
                    (at, fs.unwritten_run(ino, page, want))
                }
                None => {
                    let want = fs.hole_run(ino, page, want);
                    fs.map_new_blocks(ino, page, want, state)?
                }
            };
            if state == ExtentState::Written {
                // v6.6 fs/ext4/inode.c, ext4_map_blocks: EXT4_GET_BLOCKS_IO_SUBMIT
                fs.decide(match fs.options.data {
                    DataMode::Ordered => {
                        "dioread_lock: these are written blocks at once, and the commit waits for their data"
                    }
                    DataMode::Writeback | DataMode::Journal => {
                        "dioread_lock: these are written blocks at once, and no commit waits for their data"
                    }
                });
                fs.mark_extents_written(ino, page, blocks);
                fs.wait_for_data(ino, page, page.plus(blocks - 1));
            }
            if state == ExtentState::Unwritten {
                fs.decide("unwritten until the data has arrived: no commit waits for it");
            }
            fs.submit_data(ino, page, at, blocks, state == ExtentState::Unwritten);
            let inode = fs.inode_mut(ino);
            let end = page.plus(blocks).first_byte().min(inode.size);
            if end > inode.raw.size {
                inode.raw.size = end;
                fs.decide(format!("the size on disk becomes {end}, in the transaction that is running now"));
                fs.mark_inode_dirty(ino);
            }
            Ok(blocks)
        })
    }

    /// Submits the data of neighbouring blocks. v6.6 fs/ext4/page-io.c, `ext4_io_submit`
    fn submit_data(&mut self, ino: Ino, from: FileBlock, at: BlockNr, blocks: u32, converts: bool) {
        let mut data: Vec<Block> = Vec::new();
        for nr in 0..blocks {
            data.extend(self.clear_dirty_for_io(ino, from.plus(nr)));
        }
        let requests = self.within("ext4_io_submit", |fs| {
            let bios = data
                .chunks(BIO_PAGES)
                .scan(0, |done, pages| Some((std::mem::replace(done, *done + len_u32(pages.len())), pages)));
            bios.map(|(done, pages)| {
                let why = Why::Data { ino, from: from.plus(done), blocks: len_u32(pages.len()) };
                fs.q.submit_write(at.plus(u64::from(done)), pages, why)
            })
            .collect()
        });
        let submitted = self.q.now();
        self.writebacks.push(Writeback { ino, from, blocks, requests, converts, submitted });
        self.note_clean(ino);
    }

    /// Takes a dirty page as it goes to the disk: no mapping may store to it any more without a fault, and what lies
    /// behind the end of the file is zeroed, in memory too. v6.6 fs/ext4/inode.c, `mpage_submit_folio`;
    /// fs/ext4/page-io.c, `ext4_bio_write_folio`
    fn clear_dirty_for_io(&mut self, ino: Ino, page: FileBlock) -> Option<Block> {
        let tracking = self.options.rules.dirty_tracking;
        let protects = !self.q.lacks(Mutant::WritebackWithoutWriteProtect);
        let zeroes = !self.q.lacks(Mutant::WritebackWithoutZeroedEnd);
        let inode = self.inode_mut(ino);
        let mapped = match tracking {
            DirtyTracking::PageTable => Mkclean::WasClean,
            DirtyTracking::Fault if !protects => Mkclean::WasClean,
            DirtyTracking::Fault => inode.pages.mkclean(page),
        };
        let within = inode.size.saturating_sub(page.first_byte()).min(block_bytes()).index();
        let folio = inode.pages.get_mut(page)?;
        folio.dirty = false;
        folio.delayed = false;
        let is_zero = !zeroes || folio.data.bytes()[within..].iter().all(|byte| *byte == 0);
        if !is_zero {
            folio.data.bytes_mut()[within..].fill(0);
        }
        let data = folio.data.clone();
        match mapped {
            Mkclean::WasClean => {}
            Mkclean::Protected => self.within("folio_mkclean", |fs| {
                fs.decide(format!(
                    "page {page} is write-protected in all mappings: the next store to it faults"
                ));
            }),
        }
        if !is_zero {
            self.decide(format!("bytes of page {page} behind the end of the file are zeroed, in memory too"));
        }
        Some(data)
    }

    /// Whether a page has been submitted, and nobody has waited for it yet (PG_writeback).
    pub(super) fn is_on_its_way(&self, ino: Ino, page: FileBlock) -> bool {
        self.writebacks.iter().any(|writeback| writeback.covers(ino, page))
    }

    /// Whether any page of a range has been submitted, and nobody has waited for it yet.
    fn is_any_on_its_way(&self, ino: Ino, first: FileBlock, last: FileBlock) -> bool {
        self.writebacks.iter().any(|writeback| writeback.meets(ino, first, last))
    }

    /// Waits for the data writes of a range of pages. v6.6 mm/filemap.c, `filemap_fdatawait_range`
    pub(super) fn finish_writebacks(&mut self, ino: Ino, first: FileBlock, last: FileBlock) {
        self.finish(|writeback| writeback.meets(ino, first, last));
    }

    /// Waits for those data writes of an inode that a commit waits for: none that converts extents, for their
    /// conversion is itself a handle. v6.6 fs/jbd2/commit.c, `journal_finish_inode_data_buffers`
    pub(super) fn finish_mapped_writebacks(&mut self, ino: Ino, first: FileBlock, last: FileBlock) {
        self.finish(|writeback| writeback.meets(ino, first, last) && !writeback.converts);
    }

    /// Data writes that were submitted before a moment have arrived by now.
    pub(super) fn finish_writebacks_before(&mut self, moment: Time) {
        self.finish(|writeback| writeback.submitted < moment);
    }

    /// Waits for all data writes.
    pub(super) fn finish_all_writebacks(&mut self) {
        self.finish(|_| true);
    }

    fn finish(&mut self, which: impl Fn(&Writeback) -> bool) {
        let (done, left) = std::mem::take(&mut self.writebacks).into_iter().partition(which);
        self.writebacks = left;
        let done: Vec<Writeback> = done;
        for writeback in &done {
            for request in &writeback.requests {
                self.q.wait(*request);
            }
        }
        for writeback in done.iter().filter(|writeback| writeback.converts) {
            self.by_thread("a worker of ext4", |fs| {
                fs.within("ext4_end_io_rsv_work", |fs| fs.convert(writeback));
            });
        }
    }

    /// The data is on the device: unwritten becomes written. v6.6 fs/ext4/page-io.c, `ext4_end_io_end`
    fn convert(&mut self, writeback: &Writeback) {
        self.convert_unwritten_extents(writeback.ino, writeback.from, writeback.blocks);
    }

    /// A handle that marks blocks as written. v6.6 fs/ext4/extents.c, `ext4_convert_unwritten_extents`
    pub(super) fn convert_unwritten_extents(&mut self, ino: Ino, from: FileBlock, blocks: u32) {
        self.within("ext4_convert_unwritten_extents", |fs| {
            fs.decide(format!(
                "the data has arrived: {} of inode {ino} from block {from} on become written",
                if blocks == 1 { "1 block".to_owned() } else { format!("{blocks} blocks") },
            ));
            // Splitting an extent in three may need new nodes.
            fs.start_handle(8);
            fs.mark_extents_written(ino, from, blocks);
        });
    }

    /// Marks blocks as written. Needs a handle.
    pub(super) fn mark_extents_written(&mut self, ino: Ino, from: FileBlock, blocks: u32) {
        self.inode_mut(ino).tree.mark_written(from, blocks);
        self.track_range(ino, from, from.plus(blocks - 1));
        if self.store_tree(ino).is_err() {
            self.decide("no block for a new extent node");
        }
        self.needs_this_transaction(ino);
    }

    /// How the blocks are marked that writeback allocates. v6.6 fs/ext4/ext4_jbd2.h, `ext4_should_dioread_nolock`
    const fn state_of_new_blocks(&self) -> ExtentState {
        if self.options.dioread_nolock { ExtentState::Unwritten } else { ExtentState::Written }
    }

    /// The dirty pages of a range that are not on their way already.
    pub(super) fn pages_to_write(&self, ino: Ino, first: FileBlock, last: FileBlock) -> Vec<FileBlock> {
        self.inode(ino)
            .pages
            .dirty()
            .filter(|page| *page >= first && *page <= last)
            .filter(|page| !self.is_on_its_way(ino, *page))
            .collect()
    }

    pub(super) fn unwritten_run(&self, ino: Ino, page: FileBlock, want: u32) -> u32 {
        let tree = &self.inode(ino).tree;
        let first = tree.lookup(page).map(|(at, _)| at);
        let goes_on = |nr: &u32| {
            tree.lookup(page.plus(*nr)).map(|(at, _)| at) == first.map(|at| at.plus(u64::from(*nr)))
        };
        len_u32((0..want).take_while(goes_on).count())
    }

    pub(super) fn hole_run(&self, ino: Ino, page: FileBlock, want: u32) -> u32 {
        let tree = &self.inode(ino).tree;
        len_u32((0..want).take_while(|nr| tree.lookup(page.plus(*nr)).is_none()).count())
    }

    /// An inode without dirty pages is of no interest to the flusher.
    pub(super) fn note_clean(&mut self, ino: Ino) {
        let inode = self.inode_mut(ino);
        if inode.pages.dirty().next().is_none() {
            inode.dirtied_when = None;
        }
    }
}

/// The longest runs of a list in which each item follows the one before.
fn runs<T: Clone>(items: &[T], follows: impl Fn(&T, &T) -> bool) -> Vec<Vec<T>> {
    items.chunk_by(|a, b| follows(a, b)).map(<[T]>::to_vec).collect()
}
