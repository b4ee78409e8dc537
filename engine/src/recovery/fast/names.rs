//! CREAT, LINK and UNLINK: names in directories.
//!
//! ```text
//!   CREAT   the inode is there already ──▶ a name, one link        a directory gets a first block of its own
//!   LINK    ──▶ a name, one link more      UNLINK ──▶ no name, one link less, and no inode behind the last
//! ```
//! A directory's own inode changes with its names only where it grows.
//!
//! Not modelled: which block of a hashed directory a name belongs to (the first with room takes it).

use super::super::error::MountError;
use super::super::inode::Inode;
use super::tables::{Mark, Tables, refused};
use crate::device::Media;
use crate::format::dirent::{self, Inserted};
use crate::format::fast::{FastName, NameChange};
use crate::format::{Dirent, Extent, ExtentNode, ExtentState, FileKind, InodeFlags, InodeSeed, htree};
use crate::history::Errno;
use crate::units::{Block, BlockNr, FileBlock, Ino, block_bytes};

/// A directory and its blocks.
struct Directory {
    ino: Ino,
    is_indexed: bool,
    seed: Option<InodeSeed>,
    blocks: Vec<(FileBlock, BlockNr)>,
}

impl<M: Media> Tables<'_, M> {
    /// v6.6 fs/ext4/fast_commit.c, `ext4_fc_replay_create`, `ext4_fc_replay_link`, `ext4_fc_replay_unlink`
    pub(super) fn name(&mut self, tag: &FastName) -> Result<(), MountError> {
        match tag.change {
            NameChange::Creat => {
                self.mark_inode(tag.ino, Mark::Used);
                let inode = self.named(tag.ino).ok_or_else(|| refused(tag.ino, Errno::EINVAL))?;
                if inode.kind == FileKind::DIRECTORY {
                    self.first_block(tag.ino, tag.parent)?;
                }
                self.insert(tag, inode.kind)?;
                self.set_links(tag.ino, |_| 1);
            }
            NameChange::Link => {
                // A file that had no name before is not there yet: Linux forgets this one.
                let Some(inode) = self.named(tag.ino) else { return Ok(()) };
                if self.insert(tag, inode.kind)? {
                    self.set_links(tag.ino, |links| links.saturating_add(1));
                }
            }
            NameChange::Unlink => {
                let Some(inode) = self.named(tag.ino) else { return Ok(()) };
                if self.remove(tag)? {
                    self.set_links(tag.ino, |links| links.saturating_sub(1));
                    if inode.links <= 1 {
                        self.delete(tag.ino, &inode);
                    }
                }
            }
        }
        Ok(())
    }

    fn set_links(&mut self, ino: Ino, links: impl Fn(u16) -> u16) {
        if let Some(mut raw) = self.raw(ino) {
            raw.links = links(raw.links);
            self.put_raw(ino, &raw);
        }
    }

    fn directory(&mut self, ino: Ino) -> Option<Directory> {
        let inode = self.named(ino).filter(|inode| inode.kind == FileKind::DIRECTORY)?;
        let mapping = self.mapping(&inode)?;
        let blocks = inode.size.checked_div(block_bytes()).unwrap_or(0);
        let blocks = (0..u32::try_from(blocks).unwrap_or(u32::MAX)).map(FileBlock::new);
        let places = blocks.map_while(|at| Some((at, mapping.find(at)?.find(at)?)));
        Some(Directory {
            ino,
            is_indexed: self.has_index(&inode),
            seed: inode.seed,
            blocks: places.collect(),
        })
    }

    /// The blocks that can have names of others than the directory and its parent.
    fn leaves(&mut self, dir: &Directory) -> Vec<(BlockNr, Block)> {
        let mut leaves = Vec::new();
        for (at, nr) in &dir.blocks {
            let block = self.read(*nr);
            if !dir.is_indexed || !htree::is_index_block(&block, *at) {
                leaves.push((*nr, block));
            }
        }
        leaves
    }

    /// Enters a name; false where it is there already, or the directory is not.
    fn insert(&mut self, tag: &FastName, kind: FileKind) -> Result<bool, MountError> {
        let Some(dir) = self.directory(tag.parent) else { return Ok(false) };
        let corrupt = |_| refused(tag.parent, Errno::EUCLEAN);
        let leaves = self.leaves(&dir);
        for (_, block) in &leaves {
            if dirent::find(block, &tag.name, dir.seed).map_err(corrupt)?.is_some() {
                return Ok(false);
            }
        }
        let entry = Dirent { ino: tag.ino, kind, name: tag.name.clone() };
        for (nr, mut block) in leaves {
            if dirent::insert(&mut block, &entry, dir.seed).map_err(corrupt)? == Inserted::Yes {
                self.keep(nr, block);
                return Ok(true);
            }
        }
        let mut block = dirent::new_empty_block(dir.seed);
        dirent::insert(&mut block, &entry, dir.seed).map_err(corrupt)?;
        self.grow(&dir, block)?;
        Ok(true)
    }

    /// Removes a name, if it stands for this inode; false where there is no such name.
    fn remove(&mut self, tag: &FastName) -> Result<bool, MountError> {
        let Some(dir) = self.directory(tag.parent) else { return Ok(false) };
        let corrupt = |_| refused(tag.parent, Errno::EUCLEAN);
        for (nr, mut block) in self.leaves(&dir) {
            let Some(found) = dirent::find(&block, &tag.name, dir.seed).map_err(corrupt)? else { continue };
            if found.ino == tag.ino {
                dirent::remove(&mut block, &tag.name, dir.seed).map_err(corrupt)?;
                self.keep(nr, block);
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Another block for a directory. Its space is not counted. v6.6 fs/ext4/namei.c, `ext4_append`
    fn grow(&mut self, dir: &Directory, block: Block) -> Result<(), MountError> {
        let corrupt = || refused(dir.ino, Errno::EUCLEAN);
        let mut raw = self.raw(dir.ino).ok_or_else(corrupt)?;
        let inode = self.named(dir.ino).ok_or_else(corrupt)?;
        let mapping = self.mapping(&inode).ok_or_else(corrupt)?;
        let from = FileBlock::of_byte(raw.size).ok_or_else(corrupt)?;
        let at = self.allocate(dir.ino)?;
        self.keep(at, block);
        raw.size = raw.size.saturating_add(block_bytes());
        let mut extents = mapping.extents;
        extents.push(Extent { from, blocks: 1, at, state: ExtentState::Written });
        self.store(dir.ino, &mut raw, super::ranges::merged(&extents), mapping.nodes)
    }

    /// The block in which a new directory names itself and its parent. v6.6 fs/ext4/namei.c, `ext4_init_new_dir`
    fn first_block(&mut self, ino: Ino, parent: Ino) -> Result<(), MountError> {
        let mut raw = self.raw(ino).ok_or_else(|| refused(ino, Errno::EINVAL))?;
        let at = self.allocate(ino)?;
        let seed = self.fs.superblock.inode_seed(ino, raw.generation);
        self.keep(at, dirent::new_block_dots(ino, parent, seed));
        let extent = Extent { from: FileBlock::new(0), blocks: 1, at, state: ExtentState::Written };
        raw.block = ExtentNode::leaf(vec![extent]).to_root();
        raw.size = block_bytes();
        self.put_raw(ino, &raw);
        Ok(())
    }

    /// An inode without a name is gone, with its blocks. v6.6 fs/ext4/inode.c, `ext4_evict_inode`
    fn delete(&mut self, ino: Ino, inode: &Inode) {
        if let Some(mapping) = self.mapping(inode) {
            mapping.extents.iter().for_each(|extent| self.mark_blocks(extent.at, extent.blocks, Mark::Free));
            mapping.nodes.iter().for_each(|node| self.mark_blocks(*node, 1, Mark::Free));
        }
        if let Some(mut raw) = self.raw(ino) {
            raw.size = 0;
            raw.sectors = 0;
            if raw.flags.has(InodeFlags::EXTENTS) {
                raw.block = ExtentNode::EMPTY.to_root();
            }
            // When it was deleted; any time but none.
            raw.dtime = raw.ctime.secs.try_into().unwrap_or(u32::MAX).max(1);
            self.put_raw(ino, &raw);
        }
        self.mark_inode(ino, Mark::Free);
    }
}
