//! Ranges of a tree beside a plain map of blocks.

use super::ExtentTree;
use super::range::Shift;
use crate::format::{Extent, ExtentState};
use crate::units::{BlockNr, FileBlock};
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Blocks of the file that operations begin in.
const BLOCKS: u32 = 40;

type Plain = BTreeMap<u32, (u64, ExtentState)>;

#[derive(Clone, Debug)]
enum Op {
    /// A hole gets blocks, as far as it goes.
    Fill {
        at: u32,
        want: u32,
        state: ExtentState,
    },
    Remove {
        first: u32,
        end: u32,
    },
    Mark {
        at: u32,
        blocks: u32,
        state: ExtentState,
    },
    Collapse {
        first: u32,
        by: u32,
    },
    Insert {
        at: u32,
        by: u32,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let state = || prop_oneof![Just(ExtentState::Written), Just(ExtentState::Unwritten)];
    prop_oneof![
        4 => (0..BLOCKS, 1..9_u32, state()).prop_map(|(at, want, state)| Op::Fill { at, want, state }),
        2 => (0..BLOCKS, 1..9_u32).prop_map(|(first, blocks)| Op::Remove { first, end: first + blocks }),
        2 => (0..BLOCKS, 1..9_u32, state()).prop_map(|(at, blocks, state)| Op::Mark { at, blocks, state }),
        1 => (0..BLOCKS, 1..5_u32).prop_map(|(first, by)| Op::Collapse { first, by }),
        1 => (0..BLOCKS, 1..5_u32).prop_map(|(at, by)| Op::Insert { at, by }),
    ]
}

fn remove(tree: &mut ExtentTree, plain: &mut Plain, first: u32, end: u32) -> Result<(), TestCaseError> {
    let mut behind = end;
    while let Some((at, blocks)) = tree.remove_last(FileBlock::new(first), FileBlock::new(end)) {
        // Each piece is one of the map, and they come from the right.
        let piece = plain.iter().find(|(_, (nr, _))| *nr == at.get()).map(|(block, _)| *block);
        let from = piece.ok_or_else(|| TestCaseError::fail("freed what is not there"))?;
        prop_assert!(from >= first && from + blocks <= behind, "{from}+{blocks} in {first}..{behind}");
        behind = from;
        for nr in 0..blocks {
            prop_assert_eq!(plain.remove(&(from + nr)).map(|(nr, _)| nr), Some(at.get() + u64::from(nr)));
        }
    }
    prop_assert!(plain.range(first..end).next().is_none(), "all of {first}..{end} is gone");
    Ok(())
}

fn apply(tree: &mut ExtentTree, plain: &mut Plain, next: &mut u64, op: &Op) -> Result<(), TestCaseError> {
    match *op {
        Op::Fill { at, want, state } => {
            let run = tree.run(FileBlock::new(at), want);
            if run.found.is_none() {
                let blocks = run.blocks;
                *next += 1;
                let nr = *next;
                *next += u64::from(blocks);
                tree.insert(Extent { from: FileBlock::new(at), blocks, at: BlockNr::new(nr), state });
                plain.extend((0..blocks).map(|step| (at + step, (nr + u64::from(step), state))));
            }
        }
        Op::Remove { first, end } => remove(tree, plain, first, end)?,
        Op::Mark { at, blocks, state } => {
            match state {
                ExtentState::Written => tree.mark_written(FileBlock::new(at), blocks),
                ExtentState::Unwritten => tree.mark_unwritten(FileBlock::new(at), blocks),
            }
            plain.range_mut(at..at + blocks).for_each(|(_, (_, was))| *was = state);
        }
        Op::Collapse { first, by } => {
            remove(tree, plain, first, first + by)?;
            tree.shift(FileBlock::new(first + by), FileBlock::new(u32::MAX), by, Shift::Left);
            let moved = plain.split_off(&first);
            plain.extend(moved.into_iter().map(|(block, what)| (block - by, what)));
        }
        Op::Insert { at, by } => {
            tree.cut(FileBlock::new(at));
            tree.shift(FileBlock::new(at), FileBlock::new(u32::MAX), by, Shift::Right);
            let moved = plain.split_off(&at);
            plain.extend(moved.into_iter().map(|(block, what)| (block + by, what)));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn a_tree_does_what_a_map_of_blocks_does(ops in prop::collection::vec(op(), 1..40)) {
        let (mut tree, mut plain, mut next) = (ExtentTree::empty(), Plain::new(), 1000);
        for op in &ops {
            apply(&mut tree, &mut plain, &mut next, op)?;
            let found: Plain = (0..400)
                .filter_map(|block| {
                    tree.lookup(FileBlock::new(block)).map(|(at, state)| (block, (at.get(), state)))
                })
                .collect();
            prop_assert_eq!(&found, &plain, "after {:?}", op);
            let sorted = tree.extents().windows(2).all(|two| two[0].end() <= two[1].from.get().into());
            prop_assert!(sorted, "in order, and none over another: {:?}", tree.extents());
            for block in 0..60 {
                let run = tree.run(FileBlock::new(block), 7);
                let same = |step: &u32| match run.found {
                    None => !plain.contains_key(&(block + step)),
                    Some((at, state)) => {
                        plain.get(&(block + step)) == Some(&(at.get() + u64::from(*step), state))
                    }
                };
                let blocks = (0..7).take_while(same).count();
                prop_assert!(usize::try_from(run.blocks).unwrap() <= blocks && run.blocks > 0);
            }
            prop_assert_eq!(tree.end(), plain.keys().next_back().map_or(0, |last| u64::from(*last) + 1));
        }
    }
}
