//! A block for a page that is about to be dirtied, or the promise of one.
//!
//! ```text
//!   delalloc     a block is reserved; writeback allocates it
//!   nodelalloc   handle: a written block is allocated; the commit writes the page and waits (ordered data),
//!                logs it (data=journal), or lets it be (data=writeback)
//! ```
//! Without delayed allocation new blocks are never unwritten ones, whatever `dioread_nolock` says.
//!
//! Not modelled: what a failed nodelalloc write leaves in the journal (the inode goes on the orphan list and off again).

use super::{Fs, ROOM_TO_SPLIT};
use crate::format::ExtentState;
use crate::history::Errno;
use crate::scenario::DataMode;
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
        let found = inode.tree.lookup(page);
        if let (false, Some((_, ExtentState::Unwritten))) = (self.options.delalloc, found) {
            self.within("ext4_get_block", |fs| fs.initialize_block(ino, page));
            return Ok(());
        }
        if is_delayed || found.is_some() {
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

    /// Marks the unwritten block of one page as written before its data is there, in a handle that is left open.
    /// v6.6 fs/ext4/extents.c, `ext4_ext_handle_unwritten_extents`, `ext4_ext_convert_to_initialized`
    fn initialize_block(&mut self, ino: Ino, page: FileBlock) {
        self.unpin(ROOM_TO_SPLIT);
        self.start_handle(CREDITS);
        self.mark_extents_written(ino, page, 1);
        self.decide(match self.options.data {
            DataMode::Ordered => {
                "nodelalloc: the unwritten block is marked as written now; the commit writes the page and waits for it"
            }
            DataMode::Writeback => {
                "nodelalloc: the unwritten block is marked as written now, and no commit waits for its data"
            }
            DataMode::Journal => {
                "data=journal: the unwritten block is marked as written now, and its data will be logged"
            }
        });
        self.order_data(ino, page);
    }

    /// Allocates the block of one page, in a handle that is left open. Where blocks are free only with those that the
    /// running transaction has freed, it is committed first.
    /// v6.6 fs/ext4/inode.c, `ext4_get_block`, `ext4_map_blocks`; balloc.c, `ext4_should_retry_alloc`
    fn allocate_block(&mut self, ino: Ino, page: FileBlock) -> Result<(), Errno> {
        self.make_room(1)?;
        self.start_handle(CREDITS);
        self.map_new_blocks(ino, page, 1, ExtentState::Written)?;
        self.decide(match self.options.data {
            DataMode::Ordered => {
                "nodelalloc: the block is allocated now; the commit writes the page and waits for it"
            }
            DataMode::Writeback => "nodelalloc: the block is allocated now, and no commit waits for its data",
            DataMode::Journal => "data=journal: the block is allocated now, and its data will be logged",
        });
        self.order_data(ino, page);
        Ok(())
    }
}
