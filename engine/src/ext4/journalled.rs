//! `data=journal`: blocks of files go through the log, as metadata does.
//!
//! ```text
//!   write, store    handle: the page's block joins the running transaction
//!   commit          takes the page as it is now, write-protects it; a copy goes to the log
//!   later           in its place: writeback of the file, or a checkpoint
//!   freed           forgotten, never revoked: whatever comes there next is logged too
//! ```
//! So what a write did is there after a crash as a whole, or not at all, in the order of the transactions. There is no
//! delayed allocation, and O_DIRECT goes through the page cache.
//!
//! Not modelled: the wait of truncation for a commit of the last page, what reclaim does with such pages; bytes behind
//! the end of the file are logged as they are and not zeroed on their way to their place. Before 5.10 the page was not
//! write-protected at the commit, and a store could reach the log or not.

use super::Fs;
use super::writeback::SyncMode;
use crate::device::Why;
use crate::history::Errno;
use crate::kernel::DataJournalSync;
use crate::mutant::Mutant;
use crate::page_cache::{Mkclean, What};
use crate::scenario::DataMode;
use crate::units::{Block, BlockNr, FileBlock, Ino, len_u32};

/// What a handle may change that logs a page for which there may be no block yet.
const CREDITS: u32 = 16;

impl Fs {
    /// The running transaction will log a page of a file, with `data=journal`. Needs a handle.
    /// v6.6 fs/ext4/inode.c, `ext4_dirty_journalled_data`
    pub(super) fn journal_page(&mut self, ino: Ino, at: FileBlock) {
        if self.options.data != DataMode::Journal || self.q.lacks(Mutant::DataNotJournalled) {
            return;
        }
        let inode = self.inode(ino);
        let Some((nr, _)) = inode.tree.lookup(at) else { return };
        let Some(data) = inode.pages.get(at).map(|folio| folio.data.clone()) else { return };
        self.within("ext4_dirty_journalled_data", |fs| {
            fs.create_block(nr, data, What::Data { ino, at });
            fs.needs_this_transaction(ino);
            let tid = fs.present_tid();
            fs.decide(format!("page {at} (block {nr}) will be in the log of transaction {tid}"));
        });
    }

    /// A commit begins: what it logs of files is what their pages hold now, and the next store to one faults.
    /// v6.6 fs/ext4/super.c, `ext4_journalled_submit_inode_data_buffers`
    pub(super) fn take_journalled_pages(&mut self) {
        let blocks = self.running().map(|running| running.blocks().to_vec()).unwrap_or_default();
        for nr in blocks {
            let Some(What::Data { ino, at }) = self.buffers.what(nr).cloned() else { continue };
            let Some(inode) = self.inodes.get_mut(&ino) else { continue };
            if inode.tree.lookup(at).map(|(at, _)| at) != Some(nr) {
                continue;
            }
            let Some(data) = inode.pages.get(at).map(|folio| folio.data.clone()) else { continue };
            let mapped = inode.pages.mkclean(at);
            self.buffers.replace(nr, data);
            match mapped {
                Mkclean::WasClean => {}
                Mkclean::Protected => self.decide(format!(
                    "page {at} of inode {ino} is logged as it is now; the next store to it faults"
                )),
            }
        }
    }

    /// Writes the dirty pages of a range that are committed to their places; those that are not stay dirty.
    /// v6.6 fs/ext4/inode.c, `ext4_do_writepages`, `ext4_should_journal_data`
    pub(super) fn write_journalled_pages(
        &mut self,
        ino: Ino,
        first: FileBlock,
        last: FileBlock,
        mode: SyncMode,
    ) -> Result<(), Errno> {
        let dirty = self.pages_to_write(ino, first, last);
        if dirty.is_empty() {
            return Ok(());
        }
        let mut result = Ok(());
        for page in &dirty {
            result = result.and(self.log_late(ino, *page));
        }
        match (self.options.rules.data_journal_sync, mode) {
            (DataJournalSync::WritesInPlace, SyncMode::All) => {
                let tid = self.inode(ino).datasync_tid;
                self.decide("data=journal: the commit makes the data durable, before it goes to its place");
                self.complete_transaction(tid);
            }
            (DataJournalSync::WritesInPlace, SyncMode::None) | (DataJournalSync::Commits, _) => {}
        }
        match self.options.rules.data_journal_sync {
            // v6.6 fs/ext4/inode.c, mpage_prepare_extent_to_map: a handle, whether anything needs it or not
            DataJournalSync::WritesInPlace => self.start_handle(CREDITS),
            DataJournalSync::Commits => {}
        }
        self.checkpoint_pages(ino, &dirty);
        result
    }

    /// A page that was dirtied without the file system's knowledge is logged when it is found.
    /// v6.6 fs/ext4/inode.c, `mpage_journal_page_buffers`
    fn log_late(&mut self, ino: Ino, page: FileBlock) -> Result<(), Errno> {
        let inode = self.inode(ino);
        let Some(folio) = inode.pages.get(page) else { return Ok(()) };
        let place = inode.tree.lookup(page).map(|(nr, _)| nr);
        if place.is_some_and(|nr| self.is_owned(nr) || self.buffers.get(nr) == Some(&folio.data)) {
            return Ok(());
        }
        self.decide(format!("page {page} is not in the log yet"));
        let mut reserved = self.reserved_blocks();
        self.prepare_page(ino, page, &mut reserved)?;
        self.start_handle(CREDITS);
        self.journal_page(ino, page);
        Ok(())
    }

    /// Blocks of a file are about to be marked as unwritten: what their pages hold goes to its place before they go, so
    /// that no later copy of it is in the log.
    /// v6.6 fs/ext4/extents.c, `ext4_zero_range`
    pub(super) fn place_logged_pages(
        &mut self,
        ino: Ino,
        first: FileBlock,
        end: FileBlock,
    ) -> Result<(), Errno> {
        match (self.options.data, self.options.rules.data_journal_sync) {
            (DataMode::Journal, DataJournalSync::WritesInPlace) => {
                self.write_and_wait(ino, first, FileBlock::new(end.get() - 1))
            }
            (DataMode::Journal, DataJournalSync::Commits) | (DataMode::Ordered | DataMode::Writeback, _) => {
                Ok(())
            }
        }
    }

    /// Extents of a file are about to move or to become unwritten: before 6.4 whatever is logged is committed first.
    /// 6.1 fs/ext4/extents.c, `ext4_zero_range`, `ext4_collapse_range`, `ext4_insert_range`
    pub(super) fn commit_logged_data(&mut self) {
        match (self.options.data, self.options.rules.data_journal_sync) {
            (DataMode::Journal, DataJournalSync::Commits) => self.force_commit(),
            (DataMode::Journal, DataJournalSync::WritesInPlace)
            | (DataMode::Ordered | DataMode::Writeback, _) => {}
        }
    }

    /// Writes the pages in their places whose last contents are committed, and waits.
    fn checkpoint_pages(&mut self, ino: Ino, dirty: &[FileBlock]) {
        let tree = &self.inode(ino).tree;
        let placed: Vec<(FileBlock, BlockNr)> =
            dirty.iter().filter_map(|page| tree.lookup(*page).map(|(nr, _)| (*page, nr))).collect();
        let (owned, committed): (Vec<_>, Vec<_>) = placed.into_iter().partition(|(_, nr)| self.is_owned(*nr));
        if !owned.is_empty() {
            self.decide("what the running transaction owns cannot go to its place yet: it stays dirty");
        }
        let waiting: Vec<_> =
            committed.iter().filter(|(_, nr)| self.buffers.is_dirty(*nr)).copied().collect();
        let mut requests = Vec::new();
        for run in waiting.chunk_by(|a, b| a.0.plus(1) == b.0 && a.1.plus(1) == b.1) {
            let data: Vec<Block> = run.iter().filter_map(|(_, nr)| self.buffers.get(*nr).cloned()).collect();
            let why = Why::Data { ino, from: run[0].0, blocks: len_u32(run.len()) };
            requests.push(self.within("ext4_io_submit", |fs| fs.q.submit_write(run[0].1, &data, why)));
        }
        for request in requests {
            self.q.wait(request);
        }
        for (page, nr) in committed {
            self.buffers.mark_clean(nr);
            if let Some(folio) = self.inode_mut(ino).pages.get_mut(page) {
                folio.dirty = false;
            }
        }
        self.note_clean(ino);
    }
}
