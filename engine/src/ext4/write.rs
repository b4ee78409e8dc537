//! Buffered reads and writes: into the page cache, with blocks reserved but not allocated.
//!
//! ```text
//!   write: times (a handle) ▸ per page: reserve, copy, dirty, i_size
//!          an end inside a block that is allocated and written already: i_disksize too, at once (a handle)
//! ```
//! The last line is why an append to the tail of a file can survive as a size without bytes: nothing orders that
//! block's data before the transaction that holds the new size.
//!
//! With nodelalloc each page is one handle that allocates its block and moves i_size and i_disksize; the commit writes
//! the page (data=ordered), logs it (data=journal), or does nothing about it (data=writeback).

use super::truncate::MAX_BYTES;
use super::{Datasync, Fs};
use crate::format::ExtentState;
use crate::history::Errno;
use crate::kernel::KeptBack;
use crate::page_cache::Folio;
use crate::scenario::DataMode;
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, Widen, block_bytes, len_u64};

impl Fs {
    /// Reads up to `len` bytes. v6.6 mm/filemap.c, `filemap_read`
    pub fn read(&mut self, ino: Ino, pos: u64, len: u64) -> Vec<u8> {
        self.within("filemap_read", |fs| {
            let end = fs.inode(ino).size.min(pos.saturating_add(len));
            let mut bytes = Vec::new();
            let mut at = pos;
            while at < end {
                let Some(page) = FileBlock::of_byte(at) else { break };
                fs.load_page(ino, page);
                let from = (at % block_bytes()).index();
                let count = (end - at).min(len_u64(BLOCK_BYTES - from)).index();
                if let Some(folio) = fs.inode(ino).pages.get(page) {
                    bytes.extend_from_slice(&folio.data.bytes()[from..from + count]);
                }
                at += len_u64(count);
            }
            bytes
        })
    }

    /// Writes into the page cache; returns how much was taken. v6.6 fs/ext4/file.c, `ext4_buffered_write_iter`
    pub fn write(&mut self, ino: Ino, pos: u64, data: &[u8]) -> Result<u64, Errno> {
        self.within("ext4_buffered_write_iter", |fs| {
            let data = fs.within("ext4_write_checks", |fs| {
                // v6.6 fs/read_write.c, generic_write_checks: what does not fit is cut off
                let room = fs.within("generic_write_checks", |_| {
                    MAX_BYTES.checked_sub(pos).filter(|room| *room > 0).ok_or(Errno::EFBIG)
                })?;
                fs.within("file_modified", |fs| fs.update_time(ino));
                Ok(data.get(..room.index()).unwrap_or(data))
            })?;
            fs.within("generic_perform_write", |fs| fs.copy_in(ino, pos, data))
        })
    }

    /// v6.6 mm/filemap.c, `generic_perform_write`
    fn copy_in(&mut self, ino: Ino, pos: u64, data: &[u8]) -> Result<u64, Errno> {
        let mut reserved = self.reserved_blocks();
        let mut done = 0;
        let mut is_first_repeat = true;
        while done < data.len() {
            let at = pos + len_u64(done);
            let page = FileBlock::of_byte(at).ok_or(Errno::EFBIG)?;
            let from = (at % block_bytes()).index();
            let piece = &data[done..data.len().min(done + BLOCK_BYTES - from)];
            if done > 0 && is_first_repeat {
                is_first_repeat = false;
                let pages = len_u64(data.len() - done).div_ceil(block_bytes());
                self.decide(format!(
                    "and so on for {} more",
                    if pages == 1 { "1 page".to_owned() } else { format!("{pages} pages") }
                ));
            }
            let copied = if done == 0 {
                self.copy_page(ino, page, from, piece, &mut reserved)
            } else {
                self.silently(|fs| fs.copy_page(ino, page, from, piece, &mut reserved))
            };
            match copied {
                Ok(()) => done += piece.len(),
                // Something was written: the error is lost, the count is short.
                Err(_) if done > 0 => break,
                Err(errno) => return Err(errno),
            }
        }
        Ok(len_u64(done))
    }

    /// One turn of the loop.
    fn copy_page(
        &mut self,
        ino: Ino,
        page: FileBlock,
        from: usize,
        piece: &[u8],
        reserved: &mut u64,
    ) -> Result<(), Errno> {
        let whole = piece.len() == BLOCK_BYTES;
        let (begin, end) = match (self.options.data, self.options.delalloc) {
            (DataMode::Journal, _) => ("ext4_write_begin", "ext4_journalled_write_end"),
            (DataMode::Ordered | DataMode::Writeback, true) => ("ext4_da_write_begin", "ext4_da_write_end"),
            (DataMode::Ordered | DataMode::Writeback, false) => ("ext4_write_begin", "ext4_write_end"),
        };
        self.within(begin, |fs| fs.write_begin(ino, page, whole, reserved))?;
        self.within("copy_page_from_iter_atomic", |_| ());
        self.within(end, |fs| fs.write_end(ino, page, from, piece));
        self.within("balance_dirty_pages_ratelimited", |_| ());
        Ok(())
    }

    /// Makes a page ready to be written to. Without delayed allocation a handle is left open that goes on in
    /// `write_end`: the block and the size are in one transaction.
    /// v6.6 fs/ext4/inode.c, `ext4_da_write_begin`, `ext4_write_begin`
    fn write_begin(
        &mut self,
        ino: Ino,
        page: FileBlock,
        whole: bool,
        reserved: &mut u64,
    ) -> Result<(), Errno> {
        if whole && self.inode(ino).pages.get(page).is_none() {
            self.inode_mut(ino).pages.insert(page, Folio::clean(Block::zeroed()));
        } else {
            self.load_page(ino, page);
        }
        self.wait_for_stable_page(ino, page);
        self.prepare_page(ino, page, reserved)?;
        if !self.options.delalloc {
            // A handle that allocated a block has asked for room enough to go on with.
            self.start_handle(2);
        }
        Ok(())
    }

    /// Takes the bytes over and moves the end of the file.
    /// v6.6 fs/ext4/inode.c, `ext4_da_write_end`, `ext4_write_end`
    fn write_end(&mut self, ino: Ino, page: FileBlock, from: usize, piece: &[u8]) {
        self.change_page(ino, page, |data| data[from..from + piece.len()].copy_from_slice(piece));
        self.mark_page_dirty(ino, page);
        self.journal_page(ino, page);
        let (start, end) =
            (page.first_byte() + len_u64(from), page.first_byte() + len_u64(from + piece.len()));
        let old = self.inode(ino).size;
        if end <= old {
            return;
        }
        self.zero_behind_old_end(ino, start);
        self.inode_mut(ino).size = end;
        self.mark_vfs_dirty(ino, Datasync::Yes);
        self.decide(format!("i_size is {end} now"));
        if !self.options.delalloc {
            self.decide(format!("the size on disk becomes {end}, in the transaction that is running now"));
            let raw = &mut self.inode_mut(ino).raw;
            raw.size = raw.size.max(end);
            self.mark_inode_dirty(ino);
            return;
        }
        let inode = self.inode(ino);
        // An unwritten block on its way counts, one that waits for its data does not: the buffer becomes an ordinary
        // one with its writeback. v6.6 fs/ext4/inode.c, ext4_da_should_update_i_disksize, mpage_process_folio
        let is_delayed = inode.pages.get(page).is_some_and(|folio| folio.delayed);
        let is_mapped = !is_delayed
            && match inode.tree.lookup(page) {
                Some((_, ExtentState::Written)) => true,
                Some((_, ExtentState::Unwritten)) => self.is_on_its_way(ino, page),
                None => false,
            };
        if is_mapped && end > inode.raw.size {
            self.within("ext4_da_do_write_end", |fs| {
                fs.decide(
                    "the new end is in a block that is allocated already: the new size is journalled at once",
                );
                fs.start_handle(2);
                fs.inode_mut(ino).raw.size = end;
                fs.mark_inode_dirty(ino);
            });
        }
    }

    /// Brings a page into the cache. A hole, and a block that was never written, read as zeros.
    pub(super) fn load_page(&mut self, ino: Ino, page: FileBlock) {
        if self.inode(ino).pages.get(page).is_some() {
            return;
        }
        let data = self.peek(ino, page);
        self.inode_mut(ino).pages.insert(page, Folio::clean(data));
    }

    /// A page of a file in memory as read(2) would show it; nothing is loaded for it.
    pub fn peek(&self, ino: Ino, page: FileBlock) -> Block {
        let inode = self.inode(ino);
        let mut data = match (inode.pages.get(page), inode.tree.lookup(page)) {
            (Some(folio), _) => folio.data.clone(),
            (None, Some((nr, ExtentState::Written))) => self.q.read(nr),
            (None, Some((_, ExtentState::Unwritten)) | None) => Block::zeroed(),
        };
        let valid = inode.size.saturating_sub(page.first_byte());
        if valid < block_bytes() && data.bytes()[valid.index()..].iter().any(|byte| *byte != 0) {
            data.bytes_mut()[valid.index()..].fill(0);
        }
        data
    }

    /// How long a file is, if it is in memory.
    pub fn size_of(&self, ino: Ino) -> Option<u64> {
        self.inodes.get(&ino).map(|inode| inode.size)
    }

    /// A page is dirty; the flusher hears of the first one. v6.6 fs/fs-writeback.c, `__mark_inode_dirty`
    pub(super) fn mark_page_dirty(&mut self, ino: Ino, page: FileBlock) {
        let now = self.q.now();
        let inode = self.inode_mut(ino);
        if let Some(folio) = inode.pages.get_mut(page) {
            folio.dirty = true;
        }
        inode.dirtied_when.get_or_insert(now);
        self.mark_vfs_dirty(ino, Datasync::No);
        self.arm_flusher();
    }

    /// Blocks that are promised to dirty pages (`s_dirtyclusters_counter`).
    pub(super) fn reserved_blocks(&self) -> u64 {
        self.inodes.values().map(|inode| len_u64(inode.pages.delayed())).sum()
    }

    /// Blocks that are kept back for metadata. v6.6 fs/ext4/super.c, `ext4_calculate_resv_clusters`
    pub(super) fn kept_back(&self) -> u64 {
        match self.options.rules.kept_back {
            KeptBack::None => 0,
            KeptBack::Fiftieth => u64::from((self.superblock.blocks / 50).min(4096)),
        }
    }
}
