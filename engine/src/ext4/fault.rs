//! What the file system does when a program touches a page of a file through a mapping.
//!
//! ```text
//!   load    filemap_fault: the page comes into the cache
//!   store   … ▸ ext4_page_mkwrite: times (a handle) ▸ a block is reserved ▸ dirty ▸ stable? ▸ a stamp
//!           further stores: nothing that a file system sees, as long as the stamp is good
//! ```
//! On kernels that leave it to the page table (before 2.6.19) a store tells nobody: `set_page_dirty` is what msync,
//! munmap and exit do with the dirty bit later.
//!
//! Not modelled: the allocation at the fault on a nearly full disk (`ext4_nonda_switch`).

use super::Fs;
use crate::history::Errno;
use crate::kernel::{DirtyTracking, PageMkwrite};
use crate::scenario::DataMode;
use crate::units::{Block, FileBlock, Ino, Stamp, block_bytes, len_u64};

impl Fs {
    /// Brings a page of a mapped file into the cache. v6.6 mm/filemap.c, `filemap_fault`
    ///
    /// # Errors
    /// SIGBUS for a page that begins at the end of the file or behind it.
    pub fn fault(&mut self, ino: Ino, page: FileBlock) -> Result<(), Errno> {
        self.within("filemap_fault", |fs| {
            let pages = fs.inode(ino).size.div_ceil(block_bytes());
            if u64::from(page.get()) >= pages {
                fs.decide(format!("page {page} of a file that has {pages}: SIGBUS"));
                return Err(Errno::SIGBUS);
            }
            if fs.inode(ino).pages.get(page).is_none() {
                fs.load_page(ino, page);
            }
            Ok(())
        })
    }

    /// The bytes of a cached page.
    pub fn cached_page(&self, ino: Ino, page: FileBlock) -> Option<&Block> {
        self.inode(ino).pages.get(page).map(|folio| &folio.data)
    }

    /// The stamp of a cached page.
    pub fn page_stamp(&self, ino: Ino, page: FileBlock) -> Option<Stamp> {
        Some(self.inode(ino).pages.get(page)?.stamp())
    }

    /// Makes a cached page ready to be stored to through a mapping; the mapping may store as long as the page has the
    /// stamp that is returned. v6.6 mm/memory.c, `do_page_mkwrite`, `fault_dirty_shared_page`
    ///
    /// # Errors
    /// SIGBUS where no block can be reserved.
    pub fn page_mkwrite(&mut self, ino: Ino, page: FileBlock) -> Result<Stamp, Errno> {
        match self.options.rules.dirty_tracking {
            DirtyTracking::PageTable => {
                self.decide("mapped writable: only the page table will know of stores");
            }
            DirtyTracking::Fault => {
                match self.options.rules.page_mkwrite {
                    PageMkwrite::None => self.decide("the file system is not told: nothing is reserved"),
                    PageMkwrite::Reserves => self.within("do_page_mkwrite", |fs| {
                        fs.within("ext4_page_mkwrite", |fs| fs.ext4_page_mkwrite(ino, page))
                    })?,
                }
                self.within("fault_dirty_shared_page", |fs| fs.mark_page_dirty(ino, page));
                self.wait_for_stable_page(ino, page);
                self.decide(
                    "the page is dirty and mapped writable: further stores to it are invisible to the kernel until \
                     writeback write-protects it",
                );
            }
        }
        self.inode_mut(ino).pages.map_writable(page).ok_or(Errno::SIGBUS)
    }

    /// v6.6 fs/ext4/inode.c, `ext4_page_mkwrite`
    fn ext4_page_mkwrite(&mut self, ino: Ino, page: FileBlock) -> Result<(), Errno> {
        self.within("file_update_time", |fs| fs.update_time(ino));
        loop {
            let mut reserved = self.reserved_blocks();
            match self.within("block_page_mkwrite", |fs| fs.prepare_page(ino, page, &mut reserved)) {
                Ok(()) => {
                    if self.options.data == DataMode::Journal {
                        self.start_handle(2);
                        self.journal_page(ino, page);
                    }
                    return Ok(());
                }
                Err(Errno::ENOSPC) if self.should_retry_alloc() => {}
                Err(errno) => {
                    self.decide(format!("{errno}: SIGBUS"));
                    return Err(Errno::SIGBUS);
                }
            }
        }
    }

    /// Blocks that were freed may be had after a commit. v6.6 fs/ext4/balloc.c, `ext4_should_retry_alloc`
    pub(super) fn should_retry_alloc(&mut self) -> bool {
        let is_pending = self.running().is_some_and(|running| !running.freed().is_empty());
        if is_pending {
            self.within("ext4_should_retry_alloc", |fs| {
                fs.decide("blocks were freed by the running transaction: tries again when it has committed");
                fs.within("jbd2_journal_force_commit_nested", Self::wait_for_commit);
            });
        }
        is_pending
    }

    /// The CPU stores bytes into a cached page. No function of the kernel runs.
    ///
    /// # Panics
    /// Where the bytes go beyond the page: a bug in the caller.
    pub fn store_in_page(&mut self, ino: Ino, page: FileBlock, from: usize, bytes: &[u8]) {
        let end = page.first_byte() + len_u64(from + bytes.len());
        if end > self.inode(ino).size {
            self.decide("some of it lies behind the end of the file: it lasts until writeback zeroes it");
        }
        self.change_page(ino, page, |data| data[from..from + bytes.len()].copy_from_slice(bytes));
    }

    /// A page table's dirty bit becomes the page's. Nothing is reserved: over a hole writeback allocates, or fails.
    /// 2.6.18 mm/page-writeback.c, `set_page_dirty`
    pub fn set_page_dirty(&mut self, ino: Ino, page: FileBlock) {
        if self.inode(ino).pages.get(page).is_some() {
            self.within("set_page_dirty", |fs| {
                fs.decide(format!(
                    "page {page} of inode {ino}: the dirty bit moves from the page table to the page"
                ));
                fs.mark_page_dirty(ino, page);
            });
        }
    }
}
