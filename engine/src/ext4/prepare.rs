//! A block for a page that is about to be dirtied, or the promise of one.
//!
//! ```text
//!   delalloc     a block is reserved; writeback allocates it
//!   nodelalloc   handle: a written block is allocated; the commit writes the page and waits (ordered data)
//! ```
//! Without delayed allocation new blocks are never unwritten ones, whatever `dioread_nolock` says.
//!
//! Not modelled: what a failed nodelalloc write leaves in the journal (the inode goes on the orphan list and off again).

use super::Fs;
use crate::format::ExtentState;
use crate::history::Errno;
use crate::units::{FileBlock, Ino};

/// What a handle may change that allocates one block: bitmap, descriptor, inode, and the nodes of the tree that split.
const CREDITS: u32 = 16;

impl Fs {
    /// Makes sure that a page in the cache has a block, or the promise of one. `reserved` is how many blocks are
    /// promised in all ([`Fs::reserved_blocks`]); it is kept up to date, so that a loop over pages counts once.
    ///
    /// # Errors
    /// ENOSPC.
    pub(super) fn prepare_page(
        &mut self,
        ino: Ino,
        page: FileBlock,
        reserved: &mut u64,
    ) -> Result<(), Errno> {
        let inode = self.inode(ino);
        let is_delayed = inode.pages.get(page).is_some_and(|folio| folio.delayed);
        if is_delayed || inode.tree.lookup(page).is_some() {
            self.decide(if is_delayed {
                "a block is reserved for the page already"
            } else {
                "the page has a block already: nothing to reserve"
            });
            return Ok(());
        }
        if self.options.delalloc {
            self.through(&["ext4_da_get_block_prep", "ext4_da_map_blocks", "ext4_da_reserve_space"], |fs| {
                fs.reserve_block(ino, page, reserved)
            })
        } else {
            self.within("ext4_get_block", |fs| fs.allocate_block(ino, page))
        }
    }

    /// v6.6 fs/ext4/inode.c, `ext4_da_reserve_space`; balloc.c, `ext4_has_free_clusters`
    fn reserve_block(&mut self, ino: Ino, page: FileBlock, reserved: &mut u64) -> Result<(), Errno> {
        if self.free_blocks_count() < *reserved + self.kept_back() + 1 {
            self.decide("no free block to reserve");
            return Err(Errno::ENOSPC);
        }
        self.decide("delayed allocation: one block is reserved; which one, writeback will say");
        *reserved += 1;
        if let Some(folio) = self.inode_mut(ino).pages.get_mut(page) {
            folio.delayed = true;
        }
        Ok(())
    }

    /// Allocates the block of one page, in a handle that is left open. Where blocks are free only with those that the
    /// running transaction has freed, it is committed first.
    /// v6.6 fs/ext4/inode.c, `ext4_get_block`, `ext4_map_blocks`; balloc.c, `ext4_should_retry_alloc`
    fn allocate_block(&mut self, ino: Ino, page: FileBlock) -> Result<(), Errno> {
        self.make_room(1)?;
        self.start_handle(CREDITS);
        self.map_new_blocks(ino, page, 1, ExtentState::Written)?;
        self.decide("nodelalloc: the block is allocated now; the commit writes the page and waits for it");
        self.journal.order_data(ino, page);
        Ok(())
    }
}
