//! Blocks: giving them out and taking them back.
//!
//! A stand-in for mballoc: first fit forward from a goal for the whole length, else the longest run that there is.
//! Blocks that were freed by a transaction which has not committed are not given out.
//!
//! Not modelled: size normalisation and preallocation, which are in memory only.

use super::Fs;
use crate::format::{GroupDesc, bitmap};
use crate::history::Errno;
use crate::mutant::Mutant;
use crate::page_cache::What;
use crate::units::{Block, BlockNr, Widen, len_u32};
use std::collections::BTreeSet;

/// What freed blocks held.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Held {
    /// File data.
    Data,
    /// A directory, an extent node, a long symlink: older copies may be in the log.
    Metadata,
}

impl Fs {
    pub(super) fn group(&self, group: u32) -> &GroupDesc {
        &self.groups[group.index()]
    }

    /// Blocks that are free by the group descriptors, pinned ones included (`s_freeclusters_counter`).
    pub(super) fn free_blocks_count(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.free_blocks)).sum()
    }

    /// Allocates up to `want` neighbouring blocks, as near behind `goal` as there are.
    /// v6.6 fs/ext4/mballoc.c, `ext4_mb_new_blocks`
    pub(super) fn allocate(&mut self, goal: BlockNr, want: u32) -> Result<(BlockNr, u32), Errno> {
        let found = self.find_free(goal, want).ok_or(Errno::ENOSPC)?;
        let (first, len) = found;
        self.mark_blocks(first, len, bitmap::set);
        self.decide(format!(
            "allocates block {first}{}",
            if len > 1 { format!(" to {}", first.get() + u64::from(len) - 1) } else { String::new() }
        ));
        Ok(found)
    }

    /// Makes sure, before a handle starts, that it will find this many blocks beside those that are promised to
    /// dirty pages or kept back. v6.6 fs/ext4/balloc.c, `ext4_has_free_clusters`
    pub(super) fn make_room(&mut self, blocks: u32) -> Result<(), Errno> {
        let promised = self.reserved_blocks();
        if self.free_blocks_count() < u64::from(blocks) + promised + self.kept_back() {
            self.decide("no free block but those that are promised or kept back");
            return Err(Errno::ENOSPC);
        }
        self.unpin(u64::from(blocks) + promised);
        Ok(())
    }

    /// Where so many blocks are free only with those that the running transaction has freed, it is committed.
    /// v6.6 fs/ext4/balloc.c, `ext4_should_retry_alloc`
    pub(super) fn unpin(&mut self, wanted: u64) {
        let freed = self.running().map(|running| running.freed()).unwrap_or_default();
        let pinned: u64 = freed.iter().map(|(_, len)| u64::from(*len)).sum();
        if pinned > 0 && self.free_blocks_count().saturating_sub(pinned) < wanted {
            self.decide("too few blocks are free beside those that the running transaction has freed");
            self.commit_running();
        }
    }

    /// Frees blocks. v6.6 fs/ext4/mballoc.c, `ext4_free_blocks`
    pub(super) fn free(&mut self, first: BlockNr, len: u32, held: Held) {
        for nr in 0..u64::from(len) {
            self.forget(first.plus(nr), held);
        }
        self.mark_blocks(first, len, bitmap::clear);
        self.freed(first, len, held);
    }

    fn mark_blocks(&mut self, first: BlockNr, len: u32, mark: fn(&mut Block, u32)) {
        let (mut at, mut left) = (first, len);
        while left > 0 {
            let Some((group, start)) = self.superblock.block_place(at) else { return };
            let (bits, len) = (self.superblock.blocks_per_group, self.superblock.blocks_in(group));
            let here = left.min(len - start);
            self.block_bitmap(group);
            let (nr, seed, size) = (self.group(group).block_bitmap, self.seed, self.superblock.desc_size());
            let (free, checksum) = self.change_block(nr, What::BlockBitmap { group }, |block| {
                for bit in start..start + here {
                    mark(block, bit);
                }
                (
                    bitmap::count_clear(block, len),
                    seed.map(|seed| bitmap::checksum(seed, block, bits.index() / 8, size)),
                )
            });
            let desc = &mut self.groups[group.index()];
            desc.free_blocks = free;
            desc.block_bitmap_csum = checksum.unwrap_or(0);
            desc.flags &= !GroupDesc::BLOCK_UNINIT;
            self.change_group(group);
            at = at.plus(u64::from(here));
            left -= here;
        }
    }

    fn find_free(&mut self, goal: BlockNr, want: u32) -> Option<(BlockNr, u32)> {
        let pinned = self.pinned();
        let groups = len_u32(self.groups.len());
        let (first, goal_bit) = self.superblock.block_place(goal).unwrap_or((0, 0));
        let mut best: Option<(BlockNr, u32)> = None;
        for step in 0..=groups {
            let group = (first + step) % groups;
            let from = if step == 0 { goal_bit } else { 0 };
            for (start, len) in self.free_runs(group, from, &pinned) {
                if len >= want {
                    return Some((start, want));
                }
                if best.is_none_or(|(_, longest)| len > longest) {
                    best = Some((start, len));
                }
            }
        }
        best
    }

    /// The runs of free blocks of a group behind a bit, in order.
    fn free_runs(&mut self, group: u32, from: u32, pinned: &BTreeSet<BlockNr>) -> Vec<(BlockNr, u32)> {
        if self.group(group).free_blocks == 0 {
            return Vec::new();
        }
        let block = self.block_bitmap(group);
        let (start, len) = (self.superblock.first_block(group), self.superblock.blocks_in(group));
        let mut runs: Vec<(BlockNr, u32)> = Vec::new();
        let mut bit = from;
        while let Some(free) = bitmap::find_clear(&block, bit, len) {
            let nr = start.plus(u64::from(free));
            bit = free + 1;
            if pinned.contains(&nr) {
                continue;
            }
            match runs.last_mut() {
                Some((first, count)) if first.plus(u64::from(*count)) == nr => *count += 1,
                _ => runs.push((nr, 1)),
            }
        }
        runs
    }

    /// The blocks that no one may have before the running transaction commits.
    fn pinned(&self) -> BTreeSet<BlockNr> {
        if self.q.lacks(Mutant::ReuseBeforeCommit) {
            return BTreeSet::new();
        }
        let freed = self.running().map(|running| running.freed()).unwrap_or_default();
        freed.iter().flat_map(|(first, len)| (0..u64::from(*len)).map(|nr| first.plus(nr))).collect()
    }
}
