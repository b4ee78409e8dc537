//! Pages that change while they are being written.
//!
//! ```text
//!   page    first ──────────── second                    dirty again: it will be written once more
//!   device  W(first) submitted ─┬─ … ─ W(first) completes
//!                               └─ may take sectors of second along
//! ```
//! The transfer reads the page where it lies. A device that checks sums of what it is sent asks for pages that do not
//! change (`queue/stable_writes`): then whoever wants to change one waits.
//!
//! Not modelled: a mixture of old and new bytes within one atomic unit.

use super::Fs;
use crate::device::Why;
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, SECTOR_BYTES, len_u64};

impl Fs {
    /// Waits for a page that is on its way, where it must not change. v6.6 mm/page-writeback.c, `folio_wait_stable`
    pub(super) fn wait_for_stable_page(&mut self, ino: Ino, page: FileBlock) {
        if !self.is_on_its_way(ino, page) {
            return;
        }
        if !self.options.stable_pages {
            self.decide("the page is on its way to the disk, which does not ask for stable pages: no wait");
            return;
        }
        self.within("folio_wait_stable", |fs| {
            fs.decide("the disk asks for stable pages: waits until this one has arrived");
            fs.finish_writebacks(ino, page, page);
        });
    }

    /// Changes the bytes of a cached page, and of its transfer where one is under way.
    pub(super) fn change_page(
        &mut self,
        ino: Ino,
        page: FileBlock,
        change: impl FnOnce(&mut [u8; BLOCK_BYTES]),
    ) {
        let is_on_its_way = self.is_on_its_way(ino, page);
        let Some(folio) = self.inode_mut(ino).pages.get_mut(page) else { return };
        let before = is_on_its_way.then(|| folio.data.clone());
        change(folio.data.bytes_mut());
        let after = folio.data.clone();
        if let Some(before) = before {
            self.change_in_flight(ino, page, &before, &after);
        }
    }

    /// The sectors that differ may be taken along by the transfer that is under way.
    fn change_in_flight(&mut self, ino: Ino, page: FileBlock, before: &Block, after: &Block) {
        let Some((at, _)) = self.inode(ino).tree.lookup(page) else { return };
        let sectors = before.bytes().chunks(SECTOR_BYTES).zip(after.bytes().chunks(SECTOR_BYTES));
        let differing: Vec<usize> =
            (0..).zip(sectors).filter(|(_, (before, after))| before != after).map(|(nr, _)| nr).collect();
        if !differing.is_empty() {
            self.decide("the page is on its way to the disk: some of the new bytes may go with it");
        }
        for run in differing.chunk_by(|a, b| a + 1 == *b) {
            let (from, to) = (run[0] * SECTOR_BYTES, (run[0] + run.len()) * SECTOR_BYTES);
            let why = Why::DataChangedInFlight { ino, from: page, blocks: 1 };
            self.q.change_in_flight(at.first_lba().plus(len_u64(run[0])), &after.bytes()[from..to], why);
        }
    }
}
