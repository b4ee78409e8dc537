//! mmap, munmap, mremap, mprotect, mlock, munlock, remap_file_pages.

use super::Vfs;
use crate::history::Errno;
use crate::scenario::{At, MapFlags, MremapFlags, Name, Prot};

/// The arguments of `mmap`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "mmap(2)")]
pub struct Mmap<'a> {
    pub length: u64,
    pub prot: Prot,
    pub flags: MapFlags,
    pub offset: u64,
    pub at: Option<&'a At>,
}

/// The arguments of `mremap`; `to` is the address for MREMAP_FIXED.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "mremap(2)")]
pub struct Mremap<'a> {
    pub offset: i64,
    pub length: Option<u64>,
    pub new_length: u64,
    pub flags: MremapFlags,
    pub to: Option<&'a At>,
}

impl Vfs {
    /// The address of a byte of a mapping; counted from 0 where the name was never mapped.
    pub(super) fn address(&self, map: &Name, offset: i64) -> u64 {
        self.maps.get(map).map_or(0, |mapped| mapped.start).wrapping_add_signed(offset)
    }

    /// mmap(2)
    pub fn mmap(&mut self, _map: &Name, _fd: Option<&Name>, _asked: &Mmap<'_>) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// munmap(2)
    pub fn munmap(&mut self, _map: &Name, _offset: i64, _length: Option<u64>) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// mremap(2)
    pub fn mremap(&mut self, _map: &Name, _asked: &Mremap<'_>) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// mprotect(2)
    pub fn mprotect(
        &mut self,
        _map: &Name,
        _offset: i64,
        _length: Option<u64>,
        _prot: Prot,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// mlock(2)
    pub fn mlock(&mut self, _map: &Name) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// munlock(2)
    pub fn munlock(&mut self, _map: &Name) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// remap_file_pages(2)
    pub fn remap_file_pages(
        &mut self,
        _map: &Name,
        _offset: i64,
        _length: u64,
        _pgoff: u64,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
