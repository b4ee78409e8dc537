//! mremap.
//!
//! ```text
//!   shrink   [ a b c d ] ─▶ [ a b ]            the tail is unmapped
//!   grow     [ a b ] free ─▶ [ a b · · ]       in place, where there is room
//!   move     [ a b ] … ─▶ … [ a b · · ]        the page table moves, dirty bits and all
//! ```
//! The order of checks is that of 6.1 to 6.12; in kernels before 5.16 the new address is checked before the old one is
//! looked up, and 6.17 checks everything before it unmaps anything.

use super::{AddressSpace, MAX_MAP_COUNT, PAGE, Placement, Pte, TASK_SIZE, Unmapped, Vma, page_align};
use crate::history::Errno;
use std::collections::BTreeMap;

/// The flags of mremap that a kernel knows.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct RemapFlags {
    /// MREMAP_MAYMOVE
    pub may_move: bool,
    /// MREMAP_FIXED
    pub fixed: bool,
    /// MREMAP_DONTUNMAP
    pub dont_unmap: bool,
}

/// What mremap is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Remap {
    /// Where the old range begins.
    pub address: u64,
    /// Its length; 0 asks for a second mapping of the same.
    pub old_len: u64,
    /// The new length.
    pub new_len: u64,
    /// How.
    pub flags: RemapFlags,
    /// Where to, for MREMAP_FIXED.
    pub to: u64,
}

/// What mremap did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remapped {
    /// Where the range begins now.
    pub address: u64,
    /// The new part of a locked range, which is to be faulted in.
    pub populate: Option<(u64, u64)>,
}

impl AddressSpace {
    /// mremap(2). v6.6 mm/mremap.c, `mremap`
    ///
    /// What was unmapped on the way is added to `unmapped`, also where the call fails.
    ///
    /// # Errors
    /// EINVAL, EFAULT, ENOMEM, in the kernel's order.
    pub fn remap(&mut self, asked: &Remap, unmapped: &mut Unmapped) -> Result<Remapped, Errno> {
        let Remap { address, old_len, new_len, flags, .. } = *asked;
        let moves_only = flags.dont_unmap && (!flags.may_move || old_len != new_len);
        if (flags.fixed && !flags.may_move) || moves_only || !address.is_multiple_of(PAGE) {
            return Err(Errno::EINVAL);
        }
        let (old_len, new_len) = (page_align(old_len), page_align(new_len));
        if new_len == 0 {
            return Err(Errno::EINVAL);
        }
        self.lookup(address).ok_or(Errno::EFAULT)?;
        let asked = Remap { old_len, new_len, ..*asked };
        if flags.fixed || flags.dont_unmap {
            return self.remap_to(&asked, unmapped);
        }
        if old_len == new_len {
            return Ok(Remapped { address, populate: None });
        }
        if old_len > new_len {
            unmapped.extend(self.unmap(address + new_len, old_len - new_len)?);
            return Ok(Remapped { address, populate: None });
        }
        self.grow(&asked, unmapped)
    }

    /// Grows in place, or moves. v6.6 mm/mremap.c, `mremap`, `vma_expandable`
    fn grow(&mut self, asked: &Remap, unmapped: &mut Unmapped) -> Result<Remapped, Errno> {
        let Remap { address, old_len, new_len, flags, .. } = *asked;
        let vma = self.resizable(asked)?;
        let (upto, locked) = (vma.end, vma.flags.locked);
        let end = address.checked_add(new_len).filter(|end| *end <= TASK_SIZE);
        if let Some(end) = end.filter(|end| old_len == upto - address && !self.is_mapped(upto, *end)) {
            if let Some(vma) = self.lookup_mut(address) {
                vma.end = end;
            }
            self.merge(address, end);
            return Ok(Remapped { address, populate: locked.then_some((upto, end)) });
        }
        if !flags.may_move {
            return Err(Errno::ENOMEM);
        }
        let to = self.unmapped_area(new_len, Placement::Hint(0))?;
        self.move_vma(asked, to, unmapped)
    }

    /// MREMAP_FIXED and MREMAP_DONTUNMAP. v6.6 mm/mremap.c, `mremap_to`
    fn remap_to(&mut self, asked: &Remap, unmapped: &mut Unmapped) -> Result<Remapped, Errno> {
        let Remap { address, mut old_len, new_len, flags, to } = *asked;
        if !to.is_multiple_of(PAGE) || TASK_SIZE.checked_sub(new_len).is_none_or(|last| to > last) {
            return Err(Errno::EINVAL);
        }
        if address.wrapping_add(old_len) > to && to + new_len > address {
            return Err(Errno::EINVAL);
        }
        if self.count() + 2 >= MAX_MAP_COUNT - 3 {
            return Err(Errno::ENOMEM);
        }
        if flags.fixed {
            unmapped.extend(self.unmap(to, new_len)?);
        }
        if old_len > new_len {
            unmapped.extend(self.unmap(address + new_len, old_len - new_len)?);
            old_len = new_len;
        }
        let asked = Remap { old_len, ..*asked };
        self.resizable(&asked)?;
        let placement = if flags.fixed { Placement::Fixed(to) } else { Placement::Hint(to) };
        let to = self.unmapped_area(new_len, placement)?;
        self.move_vma(&asked, to, unmapped)
    }

    /// The range that is to grow or move, if it can. v6.6 mm/mremap.c, `vma_to_resize`
    fn resizable(&self, asked: &Remap) -> Result<&Vma, Errno> {
        let Remap { address, old_len, new_len, .. } = *asked;
        let vma = self.lookup(address).ok_or(Errno::EFAULT)?;
        if old_len == 0 && !vma.flags.shared && !vma.flags.may_share {
            return Err(Errno::EINVAL);
        }
        if old_len > vma.end - address {
            return Err(Errno::EFAULT);
        }
        if new_len != old_len {
            vma.page_index(address).checked_add(new_len / PAGE).ok_or(Errno::EINVAL)?;
        }
        Ok(vma)
    }

    /// Moves a range with its page table. v6.6 mm/mremap.c, `move_vma`, `move_page_tables`
    fn move_vma(&mut self, asked: &Remap, to: u64, unmapped: &mut Unmapped) -> Result<Remapped, Errno> {
        let Remap { address, old_len, new_len, flags, .. } = *asked;
        if self.count() >= MAX_MAP_COUNT - 3 {
            return Err(Errno::ENOMEM);
        }
        let vma = self.lookup_mut(address).ok_or(Errno::EFAULT)?;
        let mut pgoff = vma.page_index(address);
        // v6.6 mm/mmap.c, copy_vma: what was never touched may as well belong to its new place
        if vma.file.is_none() && !vma.flags.shared && vma.ptes.is_empty() {
            pgoff = to / PAGE;
        }
        let mut moved = Vma { start: to, end: to + new_len, pgoff, ptes: BTreeMap::new(), ..vma.clone() };
        let (first, behind) = (address / PAGE, (address + old_len) / PAGE);
        let pages: Vec<u64> = vma.ptes.range(first..behind).map(|(nr, _)| *nr).collect();
        let ptes: Vec<(u64, Pte)> = pages.into_iter().filter_map(|nr| vma.ptes.remove_entry(&nr)).collect();
        moved.ptes = ptes.into_iter().map(|(nr, pte)| (nr - first + to / PAGE, pte)).collect();
        let locked = moved.flags.locked;
        if flags.dont_unmap {
            vma.flags.locked = false;
            let (start, end) = (vma.start, vma.end);
            self.merge(start, end);
        } else if old_len > 0 {
            unmapped.extend(self.unmap(address, old_len)?);
        }
        self.insert(moved);
        let grown = locked && new_len > old_len;
        Ok(Remapped { address: to, populate: grown.then_some((to + old_len, to + new_len)) })
    }
}
