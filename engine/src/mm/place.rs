//! Where a mapping goes.

use super::{AddressSpace, MMAP_BASE, MMAP_MIN, PAGE, TASK_SIZE};
use crate::history::Errno;

/// What the program says of the address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// Nothing, or a hint: taken where that place is free.
    Hint(u64),
    /// MAP_FIXED: there, whatever is there now.
    Fixed(u64),
}

impl AddressSpace {
    /// The address for a mapping of `len` bytes, a multiple of 4096. v6.6 mm/mmap.c, `get_unmapped_area`,
    /// `generic_get_unmapped_area_topdown`
    ///
    /// # Errors
    /// ENOMEM (no room, or behind the end of the address space), EINVAL (MAP_FIXED, not a multiple of 4096).
    pub fn unmapped_area(&self, len: u64, placement: Placement) -> Result<u64, Errno> {
        let last = TASK_SIZE.checked_sub(len).ok_or(Errno::ENOMEM)?;
        match placement {
            Placement::Fixed(at) if at > last => Err(Errno::ENOMEM),
            Placement::Fixed(at) if !at.is_multiple_of(PAGE) => Err(Errno::EINVAL),
            Placement::Fixed(at) => Ok(at),
            Placement::Hint(at) => {
                let hint = round_hint(at);
                if hint != 0 && hint <= last && !self.is_mapped(hint, hint + len) {
                    return Ok(hint);
                }
                self.highest_gap(len).ok_or(Errno::ENOMEM)
            }
        }
    }

    /// The top of the highest gap below the base that is wide enough; if there is none, the lowest above it.
    fn highest_gap(&self, len: u64) -> Option<u64> {
        let mut top = MMAP_BASE;
        let below: Vec<_> = self.vmas().take_while(|vma| vma.start < MMAP_BASE).collect();
        for vma in below.iter().rev() {
            if top.checked_sub(len).is_some_and(|at| at >= vma.end) {
                return Some(top - len);
            }
            top = vma.start;
        }
        if let Some(at) = top.checked_sub(len).filter(|at| *at >= MMAP_MIN) {
            return Some(at);
        }
        self.lowest_gap_above_base(len)
    }

    /// v6.6 mm/mmap.c: top-down failed, so it is tried bottom-up.
    fn lowest_gap_above_base(&self, len: u64) -> Option<u64> {
        let mut at = MMAP_BASE;
        for vma in self.vmas().filter(|vma| vma.end > MMAP_BASE) {
            if at + len <= vma.start {
                return Some(at);
            }
            at = vma.end;
        }
        (at + len <= TASK_SIZE).then_some(at)
    }
}

/// v6.6 mm/mmap.c, `round_hint_to_min`
const fn round_hint(at: u64) -> u64 {
    let at = at & !(PAGE - 1);
    if at != 0 && at < MMAP_MIN { MMAP_MIN } else { at }
}
