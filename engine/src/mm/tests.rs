//! Mappings in a made-up address space of few pages.

mod model;
mod msync;
mod place;
mod remap;

use super::{AddressSpace, MappedFile, PAGE, Pte, Stamp, VmFlags, Vma};
use crate::units::Ino;
use std::collections::BTreeMap;

/// Where page 0 of the tests lies.
const BASE: u64 = 0x1000_0000;

const SHARED: VmFlags = VmFlags {
    read: true,
    write: true,
    exec: false,
    shared: true,
    may_share: true,
    may_write: true,
    locked: false,
};
const READ_ONLY_FILE: VmFlags = VmFlags { write: false, shared: false, may_write: false, ..SHARED };
const PRIVATE: VmFlags = VmFlags { shared: false, may_share: false, ..SHARED };

const fn at(page: u64) -> u64 {
    BASE + page * PAGE
}

/// Pages `[first, behind)` show the same pages of a file; none is in the page table.
const fn vma(file: Option<u32>, first: u64, behind: u64, flags: VmFlags) -> Vma {
    let file = match file {
        Some(file) => Some(MappedFile { file, ino: Ino::new(file) }),
        None => None,
    };
    Vma { start: at(first), end: at(behind), pgoff: first, file, flags, ptes: BTreeMap::new() }
}

/// The same, all of it stored to.
fn dirty(file: u32, first: u64, behind: u64, flags: VmFlags) -> Vma {
    let pte = Pte::Writable { stamp: Stamp::default(), dirty: true };
    let ptes = (at(first) / PAGE..at(behind) / PAGE).map(|nr| (nr, pte.clone())).collect();
    Vma { ptes, ..vma(Some(file), first, behind, flags) }
}

fn space(vmas: impl IntoIterator<Item = Vma>) -> AddressSpace {
    let mut space = AddressSpace::new();
    for vma in vmas {
        assert_eq!(space.map(vma), Ok(Vec::new()));
    }
    space
}

/// The ranges, in pages: first, behind the last, page of the file.
fn ranges(space: &AddressSpace) -> Vec<(u64, u64, u64)> {
    space.assert_sound();
    let page = |address: u64| (address - BASE) / PAGE;
    space.vmas().map(|vma| (page(vma.start), page(vma.end), vma.pgoff)).collect()
}
