//! All mapped ranges of the program.
//!
//! ```text
//!   0x10000 … ──────────── free ───────────┤ m3 ├┤ m2 ├──┤ m1 │ MMAP_BASE … TASK_SIZE
//!                                    each new one goes into the highest gap that is wide enough
//! ```
//! An operation may cut ranges where its own begins and ends; neighbours that fit together are joined when it is done.
//!
//! Not modelled: randomised addresses, the bottom-up layout of old kernels, what the program had mapped before its
//! first call, and the guard gap of stacks.

use super::{MAX_MAP_COUNT, Pte, Vma};
use crate::history::Errno;
use crate::units::{FileBlock, Ino, block_bytes};
use std::collections::{BTreeMap, BTreeSet};

/// The mapped ranges, by their first address (`struct mm_struct`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AddressSpace {
    vmas: BTreeMap<u64, Vma>,
}

impl AddressSpace {
    /// Nothing mapped.
    pub const fn new() -> Self {
        Self { vmas: BTreeMap::new() }
    }

    /// The range that an address lies in. v6.6 mm/mmap.c, `vma_lookup`
    pub fn lookup(&self, address: u64) -> Option<&Vma> {
        self.vmas.range(..=address).next_back().map(|(_, vma)| vma).filter(|vma| address < vma.end)
    }

    /// Whether a page of a file is in a page table (`folio_mapped`).
    pub fn is_page_mapped(&self, ino: Ino, page: FileBlock) -> bool {
        self.vmas.values().filter(|vma| vma.file.is_some_and(|file| file.ino == ino)).any(|vma| {
            let offset = u64::from(page.get()).checked_sub(vma.pgoff);
            let pte = offset.and_then(|offset| vma.ptes.get(&(vma.start / block_bytes() + offset)));
            matches!(pte, Some(Pte::ReadOnly | Pte::Writable { .. }))
        })
    }

    /// The range that an address lies in, to change its page table.
    pub fn lookup_mut(&mut self, address: u64) -> Option<&mut Vma> {
        self.vmas.range_mut(..=address).next_back().map(|(_, vma)| vma).filter(|vma| address < vma.end)
    }

    /// The first range that ends behind an address. v6.6 mm/mmap.c, `find_vma`
    pub fn find(&self, address: u64) -> Option<&Vma> {
        self.lookup(address).or_else(|| self.vmas.range(address..).next().map(|(_, vma)| vma))
    }

    /// Whether any part of a range of addresses is mapped. v6.6 include/linux/mm.h, `find_vma_intersection`
    pub fn is_mapped(&self, start: u64, end: u64) -> bool {
        self.find(start).is_some_and(|vma| vma.start < end)
    }

    /// Every range, by address.
    pub fn vmas(&self) -> impl Iterator<Item = &Vma> {
        self.vmas.values()
    }

    /// How many ranges there are (`mm->map_count`).
    pub fn count(&self) -> usize {
        self.vmas.len()
    }

    /// Cuts the range that an address lies in, so that one begins there. v6.6 mm/mmap.c, `__split_vma`
    pub(super) fn cut(&mut self, at: u64) {
        if self.lookup(at).is_none_or(|vma| vma.start == at) {
            return;
        }
        if let Some(behind) = self.lookup_mut(at).map(|vma| vma.split_off(at)) {
            self.vmas.insert(at, behind);
        }
    }

    /// The same, where there may be too many ranges. v6.6 mm/mmap.c, `split_vma`
    ///
    /// # Errors
    /// ENOMEM: there are too many.
    pub(super) fn split(&mut self, at: u64) -> Result<(), Errno> {
        if self.count() >= MAX_MAP_COUNT && self.lookup(at).is_some_and(|vma| vma.start != at) {
            return Err(Errno::ENOMEM);
        }
        self.cut(at);
        Ok(())
    }

    /// Puts a range where nothing is, and joins it with its neighbours.
    pub(super) fn insert(&mut self, vma: Vma) {
        let (start, end) = (vma.start, vma.end);
        self.vmas.insert(start, vma);
        self.merge(start, end);
    }

    /// Takes out the ranges between two addresses at which ranges begin and end.
    pub(super) fn take(&mut self, start: u64, end: u64) -> Vec<Vma> {
        let starts: Vec<u64> = self.vmas.range(start..end).map(|(start, _)| *start).collect();
        starts.iter().filter_map(|start| self.vmas.remove(start)).collect()
    }

    /// The ranges that begin between two addresses.
    pub(super) fn between_mut(&mut self, start: u64, end: u64) -> impl Iterator<Item = &mut Vma> {
        self.vmas.range_mut(start..end).map(|(_, vma)| vma)
    }

    /// Joins neighbours that fit together, from the one before `start` to the one behind `end`.
    /// v6.6 mm/mmap.c, `vma_merge`
    pub(super) fn merge(&mut self, start: u64, end: u64) {
        let from = self.vmas.range(..start).next_back().map_or(start, |(start, _)| *start);
        let starts: Vec<u64> = self.vmas.range(from..=end).map(|(start, _)| *start).collect();
        for pair in starts.windows(2).rev() {
            let joined = match (self.vmas.get(&pair[0]), self.vmas.get(&pair[1])) {
                (Some(vma), Some(next)) => vma.goes_on_in(next),
                (None, _) | (_, None) => false,
            };
            if let Some(mut next) = joined.then(|| self.vmas.remove(&pair[1])).flatten()
                && let Some(vma) = self.vmas.get_mut(&pair[0])
            {
                vma.end = next.end;
                vma.ptes.append(&mut next.ptes);
            }
        }
    }

    /// Checks that ranges are in order, do not overlap, and that page tables stay within them.
    #[cfg(test)]
    pub(super) fn assert_sound(&self) {
        use super::PAGE;
        let mut free_from = 0;
        for (start, vma) in &self.vmas {
            assert_eq!(*start, vma.start);
            assert!(vma.start >= free_from && vma.start < vma.end, "{vma:x?} overlaps or is empty");
            assert!(vma.start.is_multiple_of(PAGE) && vma.end.is_multiple_of(PAGE));
            assert!(vma.ptes.keys().all(|nr| (vma.start..vma.end).contains(&(nr * PAGE))), "{vma:x?}");
            free_from = vma.end;
        }
        for (vma, next) in self.vmas.values().zip(self.vmas.values().skip(1)) {
            assert!(!vma.goes_on_in(next), "{vma:x?} and the next are one");
        }
    }

    /// The pages of a file from one on leave the page table, private copies too; says whether there were any.
    /// v6.6 mm/memory.c, `unmap_mapping_range`
    pub fn unmap_mapping_range(&mut self, ino: Ino, from: u64) -> bool {
        let mut any = false;
        let of_file = |vma: &&mut Vma| vma.file.is_some_and(|file| file.ino == ino);
        for vma in self.vmas.values_mut().filter(of_file) {
            let first = (vma.start / block_bytes()).saturating_add(from.saturating_sub(vma.pgoff));
            any |= !vma.ptes.split_off(&first).is_empty();
        }
        any
    }

    /// The files with pages that only the page table knows to be dirty.
    pub fn dirty_files(&self) -> BTreeSet<Ino> {
        let is_dirty = |pte: &Pte| matches!(pte, Pte::Writable { dirty: true, .. });
        let dirty = self.vmas.values().filter(|vma| vma.flags.shared && vma.ptes.values().any(is_dirty));
        dirty.filter_map(|vma| vma.file).map(|file| file.ino).collect()
    }

    /// Maps a range, for tests of what is beneath mmap.
    #[cfg(test)]
    pub(crate) fn map_for_test(&mut self, vma: Vma) {
        self.vmas.insert(vma.start, vma);
    }
}

impl Default for AddressSpace {
    fn default() -> Self {
        Self::new()
    }
}
