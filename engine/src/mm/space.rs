//! All mapped ranges of the program.

use super::{Pte, Vma};
use crate::units::{FileBlock, Ino, block_bytes};
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
}

impl Default for AddressSpace {
    fn default() -> Self {
        Self::new()
    }
}
