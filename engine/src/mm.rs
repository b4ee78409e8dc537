//! The address space of the program: what is mapped where, and what its page table knows.
//!
//! ```text
//!   address ─▶ Vma { file, offset, protection, shared, locked }      (mmap, munmap, mprotect, mremap, mlock)
//!                └─ page ─▶ Pte: absent │ read-only │ writable (dirty?) │ private copy
//! ```
//! The page table refers to pages of the page cache by their stamp: a page that was write-protected or dropped since has
//! another, so that nothing below has to reach up here to take a permission back.
//!
//! The program is root: it may lock as much memory as it likes.
//!
//! Not modelled: huge pages, swap, several processes, reclaim, userfaultfd; two mappings of the same shared anonymous
//! memory (mremap with an old length of 0, remap_file_pages) do not see each other's stores.

mod change;
mod msync;
mod place;
mod pte;
mod remap;
mod space;
mod vma;

pub use crate::units::Stamp;
pub use change::{Access, Lock, Unmapped, page_align};
pub use msync::{Extent, Msync, Storage, msync};
pub use place::Placement;
pub use pte::Pte;
pub use remap::{Remap, RemapFlags, Remapped};
pub use space::AddressSpace;
pub use vma::{DirtyPage, MappedFile, VmFlags, Vma};

/// Bytes in a page.
pub const PAGE: u64 = 4096;
/// The end of the address space of x86-64 with four levels of page tables. v6.6 arch/x86/include/asm/page_64_types.h
pub const TASK_SIZE: u64 = 0x7fff_ffff_f000;
/// Where the first mapping ends: `mm->mmap_base` without randomisation, for a stack of 8 MiB. v6.6 arch/x86/mm/mmap.c
pub const MMAP_BASE: u64 = 0x7fff_f7ff_f000;
/// The lowest address for a mapping that is not MAP_FIXED (`vm.mmap_min_addr`).
const MMAP_MIN: u64 = 0x1_0000;
/// `vm.max_map_count`
const MAX_MAP_COUNT: usize = 65530;

#[cfg(test)]
mod tests;
