//! All mapped ranges of the program.

use super::{Pte, Vma};
use crate::units::{Ino, block_bytes};
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

    /// The range that an address lies in, to change its page table.
    pub fn lookup_mut(&mut self, address: u64) -> Option<&mut Vma> {
        self.vmas.range_mut(..=address).next_back().map(|(_, vma)| vma).filter(|vma| address < vma.end)
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
