//! ADD_RANGE and DEL_RANGE: where the blocks of a file are.
//!
//! ```text
//!   0+8@100   ADD 2+1@300   ──▶   0+2@100  2+1@300  3+5@103      block 102 is free
//! ```
//! The extents of a file are taken as one list, changed, and stored in as few nodes as hold them.
//!
//! Not modelled: which node of a large tree holds which extent.

use super::super::error::MountError;
use super::tables::{Mark, Tables, refused};
use crate::device::Media;
use crate::format::extent::{BLOCK_MAX, ROOT_MAX};
use crate::format::{Entries, Extent, ExtentNode, FileKind, Index, RawInode};
use crate::history::Errno;
use crate::units::{BlockNr, FileBlock, Ino};

impl<M: Media> Tables<'_, M> {
    /// v6.6 fs/ext4/fast_commit.c, `ext4_fc_replay_add_range`
    pub(super) fn add_range(&mut self, ino: Ino, extent: Extent) -> Result<(), MountError> {
        if !self.fs.has_blocks(extent.at, extent.blocks) {
            return Err(refused(ino, Errno::EUCLEAN));
        }
        self.replace(ino, extent.from, extent.blocks, Some(extent))
    }

    /// v6.6 fs/ext4/fast_commit.c, `ext4_fc_replay_del_range`
    pub(super) fn del_range(&mut self, ino: Ino, from: FileBlock, blocks: u32) -> Result<(), MountError> {
        self.replace(ino, from, blocks, None)
    }

    /// Puts an extent, or a hole, where others may be. Without the file nothing happens.
    fn replace(
        &mut self,
        ino: Ino,
        from: FileBlock,
        blocks: u32,
        new: Option<Extent>,
    ) -> Result<(), MountError> {
        let Some(inode) = self.named(ino).filter(|inode| inode.kind == FileKind::REGULAR) else {
            return Ok(());
        };
        let (Some(mapping), Some(mut raw)) = (self.mapping(&inode), self.raw(ino)) else {
            return Err(refused(ino, Errno::EUCLEAN));
        };
        let (from, end) = (u64::from(from.get()), u64::from(from.get()).saturating_add(blocks.into()));
        let mut extents = Vec::new();
        for old in &mapping.extents {
            extents.extend(part(old, 0, from));
            extents.extend(part(old, end, u64::MAX));
            let gone = part(old, from, end);
            let stays = |gone: &Extent| new.is_some_and(|new| new.find(gone.from) == Some(gone.at));
            if let Some(gone) = gone.filter(|gone| !stays(gone)) {
                self.mark_blocks(gone.at, gone.blocks, Mark::Free);
            }
        }
        extents.extend(new);
        extents.sort_by_key(|extent| extent.from);
        self.store(ino, &mut raw, merged(&extents), mapping.nodes)
    }

    pub(super) fn store(
        &mut self,
        ino: Ino,
        raw: &mut RawInode,
        extents: Vec<Extent>,
        nodes: Vec<BlockNr>,
    ) -> Result<(), MountError> {
        let seed = self.fs.superblock.inode_seed(ino, raw.generation);
        let mut spare = nodes.into_iter();
        let mut depth = 0_u16;
        let mut entries = Entries::Leaf(extents);
        while entries.len() > ROOT_MAX {
            let mut above = Vec::new();
            for (from, part) in parts(&entries) {
                let leaf = match spare.next() {
                    Some(node) => node,
                    None => self.allocate(ino)?,
                };
                self.keep(leaf, ExtentNode { depth, entries: part }.to_block(seed));
                above.push(Index { from, leaf });
            }
            entries = Entries::Index(above);
            depth = depth.saturating_add(1);
        }
        spare.for_each(|node| self.mark_blocks(node, 1, Mark::Free));
        raw.block = ExtentNode { depth, entries }.to_root();
        self.put_raw(ino, raw);
        Ok(())
    }
}

/// What of an extent lies between two blocks of the file.
fn part(extent: &Extent, from: u64, end: u64) -> Option<Extent> {
    let start = u64::from(extent.from.get());
    let (low, high) = (start.max(from), extent.end().min(end));
    let blocks = u32::try_from(high.checked_sub(low)?).ok().filter(|blocks| *blocks > 0)?;
    let at = extent.at.plus(low.saturating_sub(start));
    Some(Extent { from: FileBlock::new(u32::try_from(low).ok()?), blocks, at, state: extent.state })
}

/// Neighbours of one state in one piece.
pub(super) fn merged(extents: &[Extent]) -> Vec<Extent> {
    let mut merged: Vec<Extent> = Vec::new();
    for extent in extents {
        match merged.last_mut() {
            Some(last)
                if last.state == extent.state
                    && last.end() == u64::from(extent.from.get())
                    && last.at.plus(last.blocks.into()) == extent.at
                    && last.blocks.saturating_add(extent.blocks) <= extent.state.max_blocks() =>
            {
                last.blocks = last.blocks.saturating_add(extent.blocks);
            }
            Some(_) | None => merged.push(*extent),
        }
    }
    merged
}

/// The entries of a level, as many in a node as it holds, each with its first block.
fn parts(entries: &Entries) -> Vec<(FileBlock, Entries)> {
    match entries {
        Entries::Leaf(extents) => extents
            .chunks(BLOCK_MAX)
            .filter_map(|part| Some((part.first()?.from, Entries::Leaf(part.to_vec()))))
            .collect(),
        Entries::Index(children) => children
            .chunks(BLOCK_MAX)
            .filter_map(|part| Some((part.first()?.from, Entries::Index(part.to_vec()))))
            .collect(),
    }
}
