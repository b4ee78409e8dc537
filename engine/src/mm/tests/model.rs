//! Random calls, against an array with one entry for each page.

use super::super::{Access, AddressSpace, Lock, PAGE, Pte, Remap, RemapFlags, Stamp, VmFlags};
use super::{PRIVATE, READ_ONLY_FILE, SHARED, at, ranges, vma};
use crate::history::Errno;
use proptest::prelude::*;

const PAGES: usize = 24;

/// What one page of the address space is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Page {
    file: Option<u32>,
    page: u64,
    flags: VmFlags,
    dirty: bool,
}

type Model = [Option<Page>; PAGES];

#[derive(Clone, Copy, Debug)]
enum Op {
    Map { first: usize, pages: usize, file: Option<u32>, pgoff: u64, flags: usize },
    Unmap { first: usize, pages: usize },
    Protect { first: usize, pages: usize, write: bool },
    Lock { first: usize, pages: usize, lock: Lock },
    Move { first: usize, pages: usize, to: usize },
    Store { page: usize },
}

fn index(page: usize) -> u64 {
    u64::try_from(page).unwrap()
}

/// Errors are results too: a hole ends a change half-way.
fn expected(model: &mut Model, op: Op) -> Result<(), Errno> {
    match op {
        Op::Map { first, pages, file, pgoff, flags } => {
            let flags = [SHARED, READ_ONLY_FILE, PRIVATE][flags];
            for nr in 0..pages {
                model[first + nr] = Some(Page { file, page: pgoff + index(nr), flags, dirty: false });
            }
        }
        Op::Unmap { first, pages } => model[first..first + pages].fill(None),
        Op::Protect { first, pages, write } => {
            for page in &mut model[first..first + pages] {
                let page = page.as_mut().ok_or(Errno::ENOMEM)?;
                if write && !page.flags.may_write {
                    return Err(Errno::EACCES);
                }
                page.flags.write = write;
            }
        }
        Op::Lock { first, pages, lock } => {
            for page in &mut model[first..first + pages] {
                page.as_mut().ok_or(Errno::ENOMEM)?.flags.locked = lock == Lock::Locked;
            }
        }
        Op::Move { first, pages, to } => {
            let old = *model;
            model[to..to + pages].copy_from_slice(&old[first..first + pages]);
            model[first..first + pages].fill(None);
        }
        Op::Store { page } => {
            if let Some(page) = &mut model[page] {
                page.dirty = true;
            }
        }
    }
    Ok(())
}

fn perform(space: &mut AddressSpace, op: Op) -> Result<(), Errno> {
    match op {
        Op::Map { first, pages, file, pgoff, flags } => {
            let flags = [SHARED, READ_ONLY_FILE, PRIVATE][flags];
            let new = super::Vma { pgoff, ..vma(file, index(first), index(first + pages), flags) };
            space.map(new).map(|_| ())
        }
        Op::Unmap { first, pages } => space.unmap(at(index(first)), index(pages) * PAGE).map(|_| ()),
        Op::Protect { first, pages, write } => {
            let access = Access { read: true, write, exec: false };
            space.protect(at(index(first)), index(pages) * PAGE, access)
        }
        Op::Lock { first, pages, lock } => space.lock(at(index(first)), at(index(first + pages)), lock),
        Op::Move { first, pages, to } => {
            let flags = RemapFlags { may_move: true, fixed: true, dont_unmap: false };
            let len = index(pages) * PAGE;
            let asked =
                Remap { address: at(index(first)), old_len: len, new_len: len, flags, to: at(index(to)) };
            space.remap(&asked, &mut Vec::new()).map(|_| ())
        }
        Op::Store { page } => {
            let address = at(index(page));
            if let Some(vma) = space.lookup_mut(address) {
                vma.ptes.insert(address / PAGE, Pte::Writable { stamp: Stamp::default(), dirty: true });
            }
            Ok(())
        }
    }
}

fn pages_of(space: &AddressSpace) -> Model {
    std::array::from_fn(|nr| {
        let address = at(index(nr));
        space.lookup(address).map(|vma| Page {
            file: vma.file.map(|file| file.file),
            page: vma.page_index(address),
            flags: vma.flags,
            dirty: vma.ptes.contains_key(&(address / PAGE)),
        })
    })
}

/// Whether a move is one that mremap takes: a single mapping, to a place that it does not overlap.
fn can_move(model: &Model, first: usize, pages: usize, to: usize) -> bool {
    let goes_on = |pair: &[Option<Page>]| match (pair[0], pair[1]) {
        (Some(a), Some(b)) => a.file == b.file && a.flags == b.flags && a.page + 1 == b.page,
        (None, _) | (_, None) => false,
    };
    let part = &model[first..first + pages];
    let apart = first + pages <= to || to + pages <= first;
    // Untouched private anonymous memory is renumbered on the way, which the array does not know.
    part[0].is_some_and(|page| page.file.is_some()) && apart && part.windows(2).all(goes_on)
}

fn spans() -> impl Strategy<Value = (usize, usize)> {
    (0..PAGES).prop_flat_map(|first| (Just(first), 1..=(PAGES - first).min(8)))
}

fn op() -> impl Strategy<Value = Op> {
    let file = prop_oneof![Just(None), Just(Some(1)), Just(Some(2))];
    let lock = prop_oneof![Just(Lock::Locked), Just(Lock::Unlocked)];
    prop_oneof![
        // A page offset that follows the address, mostly, so that neighbours fit together.
        (spans(), file, any::<bool>(), 0..3_usize).prop_map(|((first, pages), file, shifted, flags)| {
            Op::Map { first, pages, file, pgoff: index(first) + u64::from(shifted), flags }
        }),
        spans().prop_map(|(first, pages)| Op::Unmap { first, pages }),
        (spans(), any::<bool>()).prop_map(|((first, pages), write)| Op::Protect { first, pages, write }),
        (spans(), lock).prop_map(|((first, pages), lock)| Op::Lock { first, pages, lock }),
        (spans(), 0..PAGES).prop_map(|((first, pages), to)| Op::Move {
            first,
            pages,
            to: to.min(PAGES - pages)
        }),
        (0..PAGES).prop_map(|page| Op::Store { page }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn ranges_are_pages_with_the_same_story(ops in proptest::collection::vec(op(), 1..40)) {
        let (mut space, mut model): (AddressSpace, Model) = (AddressSpace::new(), [None; PAGES]);
        for op in ops {
            if let Op::Move { first, pages, to } = op && !can_move(&model, first, pages, to) {
                continue;
            }
            prop_assert_eq!(perform(&mut space, op), expected(&mut model, op), "{:?}", op);
            // Sound means: joined wherever two can be one.
            ranges(&space);
            prop_assert_eq!(pages_of(&space), model, "{:?}", op);
        }
    }
}
