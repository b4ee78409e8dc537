//! mremap and remap_file_pages. The rows were run on Linux 6.18 too, but for the two that say so.

use super::super::{AddressSpace, Lock, PAGE, Remap, RemapFlags, TASK_SIZE};
use super::{PRIVATE, SHARED, at, dirty, ranges, space, vma};
use crate::history::Errno;

const MAY_MOVE: RemapFlags = RemapFlags { may_move: true, fixed: false, dont_unmap: false };
const FIXED: RemapFlags = RemapFlags { fixed: true, ..MAY_MOVE };
const DONT_UNMAP: RemapFlags = RemapFlags { dont_unmap: true, ..MAY_MOVE };
const IN_PLACE: RemapFlags = RemapFlags { may_move: false, ..MAY_MOVE };

fn remap(address: u64, old: u64, new: u64, flags: RemapFlags, to: u64) -> Remap {
    Remap { address, old_len: old * PAGE, new_len: new * PAGE, flags, to }
}

/// A shared mapping of pages 0 to 3, a private one of 8 and 9.
fn two() -> AddressSpace {
    space([vma(Some(1), 0, 4, SHARED), vma(Some(1), 8, 10, PRIVATE)])
}

#[test]
fn mremap_fails_as_the_kernel_does() {
    let only_fixed = RemapFlags { fixed: true, ..IN_PLACE };
    let only_dont_unmap = RemapFlags { dont_unmap: true, ..IN_PLACE };
    let rows = [
        ("MREMAP_FIXED alone", remap(at(0), 1, 1, only_fixed, at(20)), Errno::EINVAL),
        ("MREMAP_DONTUNMAP alone", remap(at(0), 1, 1, only_dont_unmap, 0), Errno::EINVAL),
        ("MREMAP_DONTUNMAP with another length", remap(at(0), 1, 2, DONT_UNMAP, 0), Errno::EINVAL),
        ("an address that is no multiple of 4096", remap(at(0) + 1, 1, 1, MAY_MOVE, 0), Errno::EINVAL),
        ("a new length of 0", remap(at(0), 1, 0, MAY_MOVE, 0), Errno::EINVAL),
        ("nothing mapped", remap(at(5), 1, 1, MAY_MOVE, 0), Errno::EFAULT),
        // Linux 6.18 checks the new address first: EINVAL.
        ("nothing mapped, and a bad new address", remap(at(5), 1, 1, FIXED, 100), Errno::EFAULT),
        ("a new address that is no multiple of 4096", remap(at(0), 1, 1, FIXED, 100), Errno::EINVAL),
        ("a new address behind the end", remap(at(0), 1, 1, FIXED, TASK_SIZE), Errno::EINVAL),
        ("onto itself", remap(at(0), 1, 1, FIXED, at(0)), Errno::EINVAL),
        ("onto a part of itself", remap(at(0), 2, 1, FIXED, at(1)), Errno::EINVAL),
        ("MREMAP_DONTUNMAP with a bad hint", remap(at(0), 1, 1, DONT_UNMAP, 100), Errno::EINVAL),
        ("grown, longer than it is", remap(at(0), 5, 6, MAY_MOVE, 0), Errno::EFAULT),
        ("moved, longer than it is", remap(at(0), 5, 6, FIXED, at(20)), Errno::EFAULT),
        ("no room to grow, and it may not move", remap(at(0), 4, 9, IN_PLACE, 0), Errno::ENOMEM),
        ("the middle cannot grow in place", remap(at(0), 2, 3, IN_PLACE, 0), Errno::ENOMEM),
        ("a second mapping in place", remap(at(0), 0, 1, IN_PLACE, 0), Errno::ENOMEM),
        ("a second mapping of what is private", remap(at(8), 0, 1, MAY_MOVE, 0), Errno::EINVAL),
        ("the same, in place", remap(at(8), 0, 1, IN_PLACE, 0), Errno::EINVAL),
    ];
    for (name, asked, wanted) in rows {
        let mut space = two();
        assert_eq!(space.remap(&asked, &mut Vec::new()), Err(wanted), "{name}");
        assert_eq!(space, two(), "{name} changes nothing");
    }
}

#[test]
fn a_failed_move_has_unmapped_where_it_should_have_gone() {
    // Not run on a real kernel: Linux 6.18 checks first, the kernels that are modelled unmap first.
    let mut space = two();
    let mut unmapped = Vec::new();
    assert_eq!(space.remap(&remap(at(0), 5, 6, FIXED, at(8)), &mut unmapped), Err(Errno::EFAULT));
    assert_eq!((ranges(&space), unmapped.len()), (vec![(0, 4, 0)], 1));
}

#[test]
fn a_range_grows_shrinks_and_moves() {
    let rows = [
        ("the same length", remap(at(0), 4, 4, IN_PLACE, 0), vec![(0, 4, 0), (8, 10, 8)]),
        ("the same length, longer than it is", remap(at(0), 7, 7, IN_PLACE, 0), vec![(0, 4, 0), (8, 10, 8)]),
        ("grown", remap(at(0), 4, 6, IN_PLACE, 0), vec![(0, 6, 0), (8, 10, 8)]),
        ("grown from its third page on", remap(at(2), 2, 4, IN_PLACE, 0), vec![(0, 6, 0), (8, 10, 8)]),
        ("grown up to the next", remap(at(0), 4, 8, IN_PLACE, 0), vec![(0, 8, 0), (8, 10, 8)]),
        ("shrunk", remap(at(0), 4, 1, IN_PLACE, 0), vec![(0, 1, 0), (8, 10, 8)]),
        ("shrunk beyond a hole", remap(at(0), 9, 1, IN_PLACE, 0), vec![(0, 1, 0), (9, 10, 9)]),
        ("moved", remap(at(0), 4, 4, FIXED, at(20)), vec![(8, 10, 8), (20, 24, 0)]),
        (
            "its middle moved",
            remap(at(1), 2, 2, FIXED, at(20)),
            vec![(0, 1, 0), (3, 4, 3), (8, 10, 8), (20, 22, 1)],
        ),
        ("moved and grown", remap(at(2), 2, 3, FIXED, at(20)), vec![(0, 2, 0), (8, 10, 8), (20, 23, 2)]),
        ("moved and shrunk", remap(at(0), 4, 1, FIXED, at(20)), vec![(8, 10, 8), (20, 21, 0)]),
        ("moved onto another", remap(at(0), 1, 1, FIXED, at(9)), vec![(1, 4, 1), (8, 9, 8), (9, 10, 0)]),
        ("a second mapping", remap(at(1), 0, 2, FIXED, at(20)), vec![(0, 4, 0), (8, 10, 8), (20, 22, 1)]),
        ("moved and left", remap(at(0), 4, 4, DONT_UNMAP, at(20)), vec![(0, 4, 0), (8, 10, 8), (20, 24, 0)]),
        ("moved to where it joins", remap(at(0), 1, 1, FIXED, at(4)), vec![(1, 4, 1), (4, 5, 0), (8, 10, 8)]),
    ];
    for (name, asked, wanted) in rows {
        let mut space = two();
        space.remap(&asked, &mut Vec::new()).unwrap_or_else(|errno| panic!("{name}: {errno}"));
        assert_eq!(ranges(&space), wanted, "{name}");
    }
}

#[test]
fn dirty_bits_move_with_their_pages() {
    for flags in [FIXED, RemapFlags { dont_unmap: true, ..FIXED }] {
        let mut space = space([dirty(1, 0, 4, SHARED)]);
        let mut unmapped = Vec::new();
        space.remap(&remap(at(1), 2, 2, flags, at(20)), &mut unmapped).unwrap();
        let lost: Vec<_> = unmapped.iter().flat_map(super::Vma::dirty_pages).collect();
        assert_eq!(lost, Vec::new(), "nothing is lost on the way");
        let pages =
            |at| space.lookup(at).unwrap().dirty_pages().iter().map(|dirty| dirty.page.get()).collect();
        let moved: Vec<u32> = pages(at(20));
        assert_eq!(moved, [1, 2]);
        let left: Vec<u32> = [pages(at(0)), if flags.dont_unmap { vec![] } else { pages(at(3)) }].concat();
        assert_eq!(left, [0, 3]);
    }
}

#[test]
fn a_locked_range_that_grows_is_faulted_in_and_one_that_is_left_is_unlocked() {
    let mut space = space([vma(Some(1), 0, 4, SHARED)]);
    space.lock(at(0), at(4), Lock::Locked).unwrap();
    let grown = space.remap(&remap(at(0), 4, 6, IN_PLACE, 0), &mut Vec::new()).unwrap();
    assert_eq!(grown.populate, Some((at(4), at(6))));
    let moved = space.remap(&remap(at(0), 6, 7, FIXED, at(20)), &mut Vec::new()).unwrap();
    assert_eq!(moved.populate, Some((at(26), at(27))));
    space.remap(&remap(at(20), 1, 1, DONT_UNMAP, at(0)), &mut Vec::new()).unwrap();
    let locked: Vec<bool> = space.vmas().map(|vma| vma.flags.locked).collect();
    assert_eq!(locked, [true, false], "the new one is locked, the old one no more");
}

#[test]
fn remap_file_pages_wants_one_shared_mapping() {
    let space = two();
    let rows = [
        ("a part", at(1), 2, 7, Ok(())),
        ("nothing", at(0), 0, 0, Err(Errno::EINVAL)),
        ("a page offset that wraps around", at(0), 2, u64::MAX, Err(Errno::EINVAL)),
        ("nothing mapped", at(5), 1, 0, Err(Errno::EINVAL)),
        ("a private mapping", at(8), 1, 0, Err(Errno::EINVAL)),
        ("into a hole", at(2), 3, 0, Err(Errno::EINVAL)),
    ];
    for (name, start, pages, pgoff, wanted) in rows {
        let found = space.remappable(start, pages * PAGE, pgoff).map(|_| ());
        assert_eq!(found, wanted, "{name}");
    }
}
