//! What a fault or a dirty bit of the page table does to the page cache.

use super::Fs;
use crate::units::{FileBlock, Ino};

impl Fs {
    /// The page table knew that a page was stored to; the page cache knows it from now on, if it has the page.
    /// 2.6.11 mm/page-writeback.c, `set_page_dirty`, `__set_page_dirty_buffers`
    pub fn set_page_dirty(&mut self, ino: Ino, page: FileBlock) {
        if self.inode(ino).pages.get(page).is_some() {
            self.mark_page_dirty(ino, page);
        }
    }
}
