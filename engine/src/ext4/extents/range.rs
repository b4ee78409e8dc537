//! Ranges of an extent tree: what lies there, taking it out, marking it, moving what lies behind it.
//!
//! ```text
//!   blocks        0    4    8    12   16
//!   before        ├─A──────┼─B───────┤          A written, B unwritten
//!   remove 4..8   ├─A──┤   ├─B───────┤          the cut splits A
//!   shift left    ├─A──┼─B───────┤              B begins where the hole was
//! ```
//! Nodes keep their blocks: where extents move, so do the first keys of the nodes that hold them.

use super::ExtentTree;
use crate::format::{Extent, ExtentState};
use crate::units::{BlockNr, FileBlock};

/// What lies at a block of a file, and how far that goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ext4) struct Run {
    /// Where it lies and whether it is written; nothing for a hole.
    pub(in crate::ext4) found: Option<(BlockNr, ExtentState)>,
    /// How many blocks are the same.
    pub(in crate::ext4) blocks: u32,
}

/// Which way extents move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::ext4) enum Shift {
    /// To lower blocks of the file.
    Left,
    /// To higher ones.
    Right,
}

impl ExtentTree {
    /// What lies at a block, up to `want` blocks long.
    pub(in crate::ext4) fn run(&self, at: FileBlock, want: u32) -> Run {
        let found = self.lookup(at);
        let after = self.extents.partition_point(|extent| extent.from <= at);
        let end = match found {
            Some(_) => self.left_neighbour(at).map(Extent::end),
            None => self.extents.get(after).map(|next| next.from.get().into()),
        };
        let room = end.map_or(u64::MAX, |end| end - u64::from(at.get()));
        Run { found, blocks: u32::try_from(room).unwrap_or(u32::MAX).min(want) }
    }

    /// Takes out the last blocks of a range that lie in one piece; nothing where the range is a hole.
    /// v6.6 fs/ext4/extents.c, `ext4_ext_rm_leaf`
    pub(in crate::ext4) fn remove_last(
        &mut self,
        first: FileBlock,
        end: FileBlock,
    ) -> Option<(BlockNr, u32)> {
        let before = self.extents.partition_point(|extent| extent.from < end);
        let last = self.extents.get(before.checked_sub(1)?)?;
        if last.end() <= first.get().into() {
            return None;
        }
        self.split_at(first);
        self.split_at(end);
        let before = self.extents.partition_point(|extent| extent.from < end);
        let taken = self.extents.remove(before.checked_sub(1)?);
        Some((taken.at, taken.blocks))
    }

    /// Marks blocks as never written, splitting extents at their edges.
    /// v6.6 fs/ext4/extents.c, `convert_initialized_extent`
    pub(in crate::ext4) fn mark_unwritten(&mut self, from: FileBlock, blocks: u32) {
        self.mark(from, blocks, ExtentState::Unwritten);
    }

    /// Cuts the extent in two that reaches over a block. v6.6 fs/ext4/extents.c, `ext4_split_extent_at`
    pub(in crate::ext4) fn cut(&mut self, at: FileBlock) {
        self.split_at(at);
    }

    /// The block behind the last one.
    pub(in crate::ext4) fn end(&self) -> u64 {
        self.extents.last().map_or(0, Extent::end)
    }

    /// The first blocks of the leaves that hold something from `from` on, but at least that of the first extent there.
    pub(in crate::ext4) fn leaves_from(&self, from: FileBlock) -> Vec<FileBlock> {
        let start = self.extents.partition_point(|extent| extent.from < from);
        let Some(first) = self.extents.get(start).map(|extent| extent.from) else { return Vec::new() };
        let leaves = self.levels.first().into_iter().flatten().map(|node| node.first);
        [first].into_iter().chain(leaves.filter(|leaf| *leaf > first)).collect()
    }

    /// Moves the extents of a range of blocks. Where they go nothing may lie.
    /// v6.6 fs/ext4/extents.c, `ext4_ext_shift_path_extents`
    pub(in crate::ext4) fn shift(&mut self, from: FileBlock, end: FileBlock, by: u32, way: Shift) {
        let moved = |at: FileBlock| match way {
            _ if at < from || at >= end => at,
            Shift::Left => FileBlock::new(at.get() - by),
            Shift::Right => at.plus(by),
        };
        for extent in &mut self.extents {
            extent.from = moved(extent.from);
        }
        for node in self.levels.iter_mut().flatten() {
            node.first = moved(node.first);
        }
        if way == Shift::Left {
            // v6.6 fs/ext4/extents.c, ext4_ext_try_to_merge_right: only to the left are neighbours joined
            self.merge();
        }
    }
}
