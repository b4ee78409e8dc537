//! One mapped range.

use super::Pte;
use crate::units::Ino;
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
    /// Which page of the file the first page shows.
    pub pgoff: u64,
    /// What is mapped; none where it is anonymous.
    pub file: Option<MappedFile>,
    /// What it is like.
    pub flags: VmFlags,
    /// The page table, by page number (address / 4096); what is not in it is absent.
    pub ptes: BTreeMap<u64, Pte>,
}
