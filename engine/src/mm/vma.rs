//! One mapped range, and how it is cut and joined.

use super::{PAGE, Pte};
use crate::units::{FileBlock, Ino};
use std::collections::BTreeMap;

/// The open file description that a mapping keeps open (`vma->vm_file`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct MappedFile {
    /// Which open file description: mappings merge only within one.
    pub file: u32,
    /// Its inode.
    pub ino: Ino,
}

/// What a mapped range is like (`vm_flags`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "vm_flags are bits")]
pub struct VmFlags {
    /// VM_READ
    pub read: bool,
    /// VM_WRITE
    pub write: bool,
    /// VM_EXEC
    pub exec: bool,
    /// VM_SHARED: stores reach the file.
    pub shared: bool,
    /// VM_MAYSHARE: it was mapped as shared, whether or not its file is writable.
    pub may_share: bool,
    /// VM_MAYWRITE: mprotect may add VM_WRITE.
    pub may_write: bool,
    /// VM_LOCKED
    pub locked: bool,
}

/// A mapped range (`struct vm_area_struct`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Vma {
    /// The first address, a multiple of 4096.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
    /// Which page of the file the first page shows. Of private anonymous memory: the page number of the address at
    /// which it was mapped; of shared anonymous memory: a number of its own.
    pub pgoff: u64,
    /// What is mapped; none where it is anonymous.
    pub file: Option<MappedFile>,
    /// What it is like.
    pub flags: VmFlags,
    /// The page table, by page number (address / 4096); what is not in it is absent.
    pub ptes: BTreeMap<u64, Pte>,
}

/// A dirty bit that was found in the page table.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DirtyPage {
    /// The file that is mapped.
    pub ino: Ino,
    /// Which page of it.
    pub page: FileBlock,
}

impl Vma {
    /// Which page of the file an address within the range shows. v6.6 include/linux/pagemap.h, `linear_page_index`
    pub const fn page_index(&self, address: u64) -> u64 {
        self.pgoff + (address - self.start) / PAGE
    }

    /// The part from an address on is cut off and returned. v6.6 mm/mmap.c, `__split_vma`
    pub(super) fn split_off(&mut self, at: u64) -> Self {
        let behind = Self {
            start: at,
            end: self.end,
            pgoff: self.page_index(at),
            file: self.file,
            flags: self.flags,
            ptes: self.ptes.split_off(&(at / PAGE)),
        };
        self.end = at;
        behind
    }

    /// Whether the range behind goes on where this one ends: the same file, its next page, the same flags.
    /// v6.6 mm/mmap.c, `can_vma_merge_after`, `is_mergeable_vma`
    pub(super) fn goes_on_in(&self, next: &Self) -> bool {
        self.end == next.start
            && self.flags == next.flags
            && self.file == next.file
            && self.page_index(self.end) == next.pgoff
    }

    /// The dirty bits of pages of the file in a range of addresses.
    pub(super) fn dirty_bits(&self, start: u64, end: u64) -> Vec<DirtyPage> {
        let Some(file) = self.file else { return Vec::new() };
        self.ptes
            .range(start / PAGE..end / PAGE)
            .filter_map(|(nr, pte)| match pte {
                Pte::Writable { dirty: true, .. } => {
                    let page = FileBlock::new(u32::try_from(self.page_index(nr * PAGE)).ok()?);
                    Some(DirtyPage { ino: file.ino, page })
                }
                Pte::Writable { dirty: false, .. } | Pte::Absent | Pte::ReadOnly | Pte::Private(_) => None,
            })
            .collect()
    }

    /// Every dirty bit of the range: what unmapping it hands to the page cache. 2.6.11 mm/memory.c, `zap_pte_range`
    pub fn dirty_pages(&self) -> Vec<DirtyPage> {
        self.dirty_bits(self.start, self.end)
    }

    /// Takes the dirty bits of a range of addresses out of the page table. 2.6.11 mm/msync.c, `filemap_sync`
    pub fn take_dirty(&mut self, start: u64, end: u64) -> Vec<DirtyPage> {
        let found = self.dirty_bits(start, end);
        for (_, pte) in self.ptes.range_mut(start / PAGE..end / PAGE) {
            match pte {
                Pte::Writable { dirty, .. } => *dirty = false,
                Pte::Absent | Pte::ReadOnly | Pte::Private(_) => {}
            }
        }
        found
    }
}
