//! Where mappings go. Hints, MAP_FIXED and the ends of the address space were run on Linux 6.18 too.

use super::super::{AddressSpace, MMAP_BASE, PAGE, Placement, TASK_SIZE};
use super::{PRIVATE, SHARED, at, ranges, space, vma};
use crate::history::Errno;

fn place(space: &AddressSpace, pages: u64, placement: Placement) -> Result<u64, Errno> {
    space.unmapped_area(pages * PAGE, placement)
}

fn mapped(start: u64, pages: u64) -> super::Vma {
    super::Vma { start, end: start + pages * PAGE, ..vma(Some(1), 0, 1, PRIVATE) }
}

#[test]
fn the_highest_gap_that_is_wide_enough_is_taken() {
    let mut space = space([mapped(MMAP_BASE - PAGE, 1), mapped(MMAP_BASE - 4 * PAGE, 1)]);
    assert_eq!(place(&space, 2, Placement::Hint(0)), Ok(MMAP_BASE - 3 * PAGE), "between the two");
    assert_eq!(place(&space, 3, Placement::Hint(0)), Ok(MMAP_BASE - 7 * PAGE), "below both");
    space.unmap(MMAP_BASE - PAGE, PAGE).unwrap();
    assert_eq!(place(&space, 3, Placement::Hint(0)), Ok(MMAP_BASE - 3 * PAGE));
}

#[test]
fn what_does_not_fit_below_the_base_goes_above_it() {
    let space = space([mapped(PAGE, 1), mapped(2 * PAGE, (MMAP_BASE / PAGE) - 2)]);
    assert_eq!(
        place(&space, 1, Placement::Hint(0)),
        Ok(MMAP_BASE),
        "the first page is below vm.mmap_min_addr"
    );
    assert_eq!(place(&space, TASK_SIZE / PAGE, Placement::Hint(0)), Err(Errno::ENOMEM));
}

#[test]
fn a_hint_is_taken_where_it_is_free() {
    let space = space([mapped(at(4), 2)]);
    let elsewhere = MMAP_BASE - PAGE;
    let rows = [
        ("free", at(0), Ok(at(0))),
        ("not a multiple of 4096: rounded down", at(0) + 100, Ok(at(0))),
        ("taken", at(4), Ok(elsewhere)),
        ("the second page of what is there", at(5), Ok(elsewhere)),
        ("very low: raised", 1, Ok(elsewhere)),
        ("low: raised to vm.mmap_min_addr", PAGE, Ok(0x1_0000)),
        ("behind the end", TASK_SIZE, Ok(elsewhere)),
    ];
    for (name, hint, wanted) in rows {
        assert_eq!(place(&space, 1, Placement::Hint(hint)), wanted, "{name}");
    }
}

#[test]
fn a_fixed_address_is_checked_and_taken() {
    let space = space([mapped(at(4), 2)]);
    let rows = [
        ("taken already", at(4), Ok(at(4))),
        ("not a multiple of 4096", at(4) + 1, Err(Errno::EINVAL)),
        ("the last page", TASK_SIZE - PAGE, Ok(TASK_SIZE - PAGE)),
        ("behind the end", TASK_SIZE, Err(Errno::ENOMEM)),
        ("behind the end, and no multiple of 4096", TASK_SIZE + 1, Err(Errno::ENOMEM)),
    ];
    for (name, address, wanted) in rows {
        assert_eq!(place(&space, 1, Placement::Fixed(address)), wanted, "{name}");
    }
}

#[test]
fn neighbours_join_where_file_page_and_flags_go_on() {
    let locked = super::VmFlags { locked: true, ..SHARED };
    let rows = [
        ("the next page of the same description", vma(Some(1), 2, 4, SHARED), 1),
        ("another description", vma(Some(2), 2, 4, SHARED), 2),
        ("another page", super::Vma { pgoff: 3, ..vma(Some(1), 2, 4, SHARED) }, 2),
        ("other flags", vma(Some(1), 2, 4, locked), 2),
        ("anonymous", vma(None, 2, 4, SHARED), 2),
        ("a page further on", vma(Some(1), 3, 4, SHARED), 2),
    ];
    for (name, next, wanted) in rows {
        let both = [vma(Some(1), 0, 2, SHARED), next];
        assert_eq!(ranges(&space(both.clone())).len(), wanted, "{name}");
        assert_eq!(ranges(&space(both.into_iter().rev())).len(), wanted, "{name}, the other way round");
    }
}
