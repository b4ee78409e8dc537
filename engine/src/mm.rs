//! The address space of the program: what is mapped where, and what its page table knows.
//!
//! ```text
//!   address ─▶ Vma { file, offset, protection, shared, locked }      (mmap, munmap, mprotect, mremap, mlock)
//!                └─ page ─▶ Pte: absent │ read-only │ writable (dirty?) │ private copy
//! ```
//! The page table refers to pages of the page cache by their stamp: a page that was write-protected or dropped since has
//! another, so that nothing below has to reach up here to take a permission back.
//!
//! Not modelled: huge pages, swap, several processes, reclaim, userfaultfd.

mod pte;
mod space;
mod vma;

pub use crate::units::Stamp;
pub use pte::Pte;
pub use space::AddressSpace;
pub use vma::{MappedFile, VmFlags, Vma};
