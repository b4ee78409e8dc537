//! All mapped ranges of the program.

use super::Vma;
use std::collections::BTreeMap;

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
}

impl Default for AddressSpace {
    fn default() -> Self {
        Self::new()
    }
}
