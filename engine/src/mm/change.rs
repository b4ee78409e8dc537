//! What mmap, munmap, mprotect, mlock and remap_file_pages do to the mapped ranges.
//!
//! What is unmapped is returned, page table and all: its dirty bits may be the only trace of a store.

use super::{AddressSpace, MAX_MAP_COUNT, PAGE, TASK_SIZE, Vma};
use crate::history::Errno;
use std::collections::BTreeMap;

/// Ranges that are mapped no more.
pub type Unmapped = Vec<Vma>;

/// A length rounded up to pages; too large a one wraps around to 0. v6.6 include/linux/mm.h, `PAGE_ALIGN`
pub const fn page_align(len: u64) -> u64 {
    len.wrapping_add(PAGE - 1) & !(PAGE - 1)
}

/// What mprotect asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "mprotect(2)")]
pub struct Access {
    pub read: bool,
    pub write: bool,
    pub exec: bool,
}

/// Whether pages stay in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lock {
    /// mlock
    Locked,
    /// munlock
    Unlocked,
}

impl AddressSpace {
    /// Maps a range in place of what was there. v6.6 mm/mmap.c, `mmap_region`
    ///
    /// # Errors
    /// ENOMEM: too many ranges.
    pub fn map(&mut self, vma: Vma) -> Result<Unmapped, Errno> {
        let unmapped = self.clear(vma.start, vma.end)?;
        self.insert(vma);
        Ok(unmapped)
    }

    /// Whether one more mapping is one too many. v6.6 mm/mmap.c, `do_mmap`
    ///
    /// # Errors
    /// ENOMEM.
    pub fn has_room(&self) -> Result<(), Errno> {
        if self.count() > MAX_MAP_COUNT { Err(Errno::ENOMEM) } else { Ok(()) }
    }

    /// Unmaps a range. v6.6 mm/mmap.c, `do_vmi_munmap`
    ///
    /// # Errors
    /// EINVAL (alignment, length, outside of the address space), ENOMEM (a split makes too many ranges).
    pub fn unmap(&mut self, start: u64, len: u64) -> Result<Unmapped, Errno> {
        if !start.is_multiple_of(PAGE)
            || TASK_SIZE.checked_sub(start).is_none_or(|room| len > room)
            || len == 0
        {
            return Err(Errno::EINVAL);
        }
        self.clear(start, start + page_align(len))
    }

    /// v6.6 mm/mmap.c, `do_vmi_align_munmap`
    pub(super) fn clear(&mut self, start: u64, end: u64) -> Result<Unmapped, Errno> {
        // Only a hole in the middle makes one more of them.
        let splits = self.lookup(start).is_some_and(|vma| vma.start < start && end < vma.end);
        if splits && self.count() >= MAX_MAP_COUNT {
            return Err(Errno::ENOMEM);
        }
        self.cut(start);
        self.cut(end);
        Ok(self.take(start, end))
    }

    /// Unmaps everything. v6.6 mm/mmap.c, `exit_mmap`
    pub fn unmap_all(&mut self) -> Unmapped {
        self.take(0, u64::MAX)
    }

    /// Changes the protection of a range; what lies before a hole or a refusal is changed.
    /// v6.6 mm/mprotect.c, `do_mprotect_pkey`
    ///
    /// # Errors
    /// EINVAL (alignment), ENOMEM (the range wraps around, a hole, too many ranges), EACCES (a shared mapping of a file
    /// that was opened read-only cannot become writable).
    pub fn protect(&mut self, start: u64, len: u64, access: Access) -> Result<(), Errno> {
        if !start.is_multiple_of(PAGE) {
            return Err(Errno::EINVAL);
        }
        if len == 0 {
            return Ok(());
        }
        let end = start.checked_add(page_align(len)).filter(|end| *end > start).ok_or(Errno::ENOMEM)?;
        self.for_each_piece(start, end, |vma| {
            if access.write && !vma.flags.may_write {
                return Err(Errno::EACCES);
            }
            vma.flags.read = access.read;
            vma.flags.write = access.write;
            vma.flags.exec = access.exec;
            Ok(())
        })
    }

    /// Sets or clears VM_LOCKED; what lies before a hole is changed. v6.6 mm/mlock.c, `apply_vma_lock_flags`
    ///
    /// # Errors
    /// EINVAL (the range wraps around), ENOMEM (a hole, too many ranges).
    pub fn lock(&mut self, start: u64, end: u64, lock: Lock) -> Result<(), Errno> {
        if end < start {
            return Err(Errno::EINVAL);
        }
        if end == start {
            return Ok(());
        }
        self.for_each_piece(start, end, |vma| {
            vma.flags.locked = lock == Lock::Locked;
            Ok(())
        })
    }

    /// Changes the mapped pieces of a range one after the other, up to the first hole or error, and joins what fits.
    fn for_each_piece(
        &mut self,
        start: u64,
        end: u64,
        mut change: impl FnMut(&mut Vma) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let mut at = start;
        let mut result = Ok(());
        while at < end && result.is_ok() {
            result = self.change_piece(&mut at, end, &mut change);
        }
        self.merge(start, end);
        result
    }

    /// Changes the piece that begins at an address, and goes on to where it ends. A piece that would not change is
    /// not cut, and neither is one that may not.
    fn change_piece(
        &mut self,
        at: &mut u64,
        end: u64,
        change: &mut impl FnMut(&mut Vma) -> Result<(), Errno>,
    ) -> Result<(), Errno> {
        let vma = self.lookup(*at).ok_or(Errno::ENOMEM)?;
        let (upto, mut changed) = (vma.end.min(end), Vma { ptes: BTreeMap::new(), ..vma.clone() });
        change(&mut changed)?;
        if changed.flags != vma.flags {
            self.split(*at)?;
            self.split(upto)?;
            for piece in self.between_mut(*at, upto) {
                piece.flags = changed.flags;
            }
        }
        *at = upto;
        Ok(())
    }

    /// Checks the arguments of remap_file_pages and finds the range that it is about.
    /// v6.6 mm/mmap.c, `remap_file_pages`
    ///
    /// # Errors
    /// EINVAL: nothing to map, the page offset wraps around, not a shared writable mapping, or not one mapping.
    pub fn remappable(&self, start: u64, size: u64, pgoff: u64) -> Result<&Vma, Errno> {
        let end = start.checked_add(size).filter(|end| *end > start).ok_or(Errno::EINVAL)?;
        pgoff.checked_add(size / PAGE).ok_or(Errno::EINVAL)?;
        let vma = self.lookup(start).filter(|vma| vma.flags.shared).ok_or(Errno::EINVAL)?;
        let mut upto = vma.end;
        while upto < end {
            let next = self.lookup(upto).filter(|next| next.file == vma.file && next.flags == vma.flags);
            upto = next.ok_or(Errno::EINVAL)?.end;
        }
        Ok(vma)
    }
}
