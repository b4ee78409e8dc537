//! The tables that a replay changes: inodes, bitmaps, descriptors.
//!
//! ```text
//!   read through the overlay ──▶ change ──▶ seal ──▶ keep in the overlay
//! ```
//! Not modelled: a block bitmap that Linux finds corrupt here, which stops it.

use super::super::error::MountError;
use super::super::fs::Fs;
use super::super::inode::{self, Inode, Mapping};
use super::super::overlay::{After, Overlay};
use crate::device::Media;
use crate::format::fast::{FastTag, InodeBytes};
use crate::format::{Compat, GroupDesc, InodeFlags, RawInode, bitmap};
use crate::history::Errno;
use crate::units::{Block, BlockNr, Ino, Widen};

/// The tables of a file system whose log was replayed.
pub(super) struct Tables<'a, M> {
    pub(super) disk: &'a mut M,
    pub(super) fs: &'a Fs,
    pub(super) overlay: &'a mut Overlay,
    /// All tags that are replayed.
    pub(super) tags: &'a [FastTag],
}

/// What a bit of a bitmap becomes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mark {
    Used,
    Free,
}

impl Mark {
    /// Changes a bit; says whether it was another before.
    fn put(self, bits: &mut Block, bit: u32) -> bool {
        let is_used = bitmap::is_set(bits, bit);
        match self {
            Self::Used if !is_used => bitmap::set(bits, bit),
            Self::Free if is_used && bit < bitmap::BITS => bitmap::clear(bits, bit),
            Self::Used | Self::Free => return false,
        }
        true
    }
}

/// What a replay cannot do, which ends the mount.
pub(super) fn refused(ino: Ino, errno: Errno) -> MountError {
    MountError::FastReplay { ino, errno }
}

impl<M: Media> Tables<'_, M> {
    pub(super) fn after(&mut self) -> After<'_, M> {
        After::new(self.disk, self.overlay)
    }

    pub(super) fn read(&mut self, nr: BlockNr) -> Block {
        self.after().read(nr)
    }

    pub(super) fn keep(&mut self, nr: BlockNr, block: Block) {
        self.overlay.keep_here(nr, block);
    }

    /// An inode that is in use.
    pub(super) fn named(&mut self, ino: Ino) -> Option<Inode> {
        let fs = self.fs;
        inode::named(&mut self.after(), fs, ino).ok()
    }

    /// Where its blocks are.
    pub(super) fn mapping(&mut self, inode: &Inode) -> Option<Mapping> {
        let fs = self.fs;
        inode::mapping(&mut self.after(), fs, inode).ok()
    }

    pub(super) fn raw(&mut self, ino: Ino) -> Option<RawInode> {
        let (nr, place) = self.fs.place(ino)?;
        RawInode::read_from(&self.read(nr), place.slot, None).ok()
    }

    pub(super) fn put_raw(&mut self, ino: Ino, raw: &RawInode) {
        let Some((nr, place)) = self.fs.place(ino) else { return };
        let mut block = self.read(nr);
        raw.write_into(&mut block, place.slot, self.fs.superblock.metadata_seed().map(|seed| (seed, ino)));
        self.keep(nr, block);
    }

    /// INODE: all of an inode but where its blocks are. They are free until all is replayed.
    // v6.6 fs/ext4/fast_commit.c, ext4_fc_replay_inode.
    pub(super) fn inode(&mut self, ino: Ino, bytes: &InodeBytes) -> Result<(), MountError> {
        self.mark_mapping(ino, Mark::Free);
        let corrupt = || refused(ino, Errno::EUCLEAN);
        let (nr, place) = self.fs.place(ino).ok_or_else(corrupt)?;
        let mut raw = bytes.over(&self.read(nr), place.slot).ok_or_else(corrupt)?;
        self.put_raw(ino, &raw);
        self.mark_inode(ino, Mark::Used);
        // An inode without a name is none here, though a program may have had it open.
        let inode = self.named(ino).ok_or_else(corrupt)?;
        let blocks = self.mapping(&inode).ok_or_else(corrupt)?.blocks();
        raw.sectors = if raw.flags.has(InodeFlags::HUGE_FILE) { blocks } else { blocks.saturating_mul(8) };
        self.put_raw(ino, &raw);
        Ok(())
    }

    /// Marks all blocks of an inode, if it is in use.
    pub(super) fn mark_mapping(&mut self, ino: Ino, mark: Mark) {
        let Some(mapping) = self.named(ino).and_then(|inode| self.mapping(&inode)) else { return };
        mapping.extents.iter().for_each(|extent| self.mark_blocks(extent.at, extent.blocks, mark));
        mapping.nodes.iter().for_each(|node| self.mark_blocks(*node, 1, mark));
    }

    /// v6.6 fs/ext4/mballoc.c, `ext4_mb_mark_bb`
    pub(super) fn mark_blocks(&mut self, at: BlockNr, blocks: u32, mark: Mark) {
        let superblock = self.fs.superblock.clone();
        let mut next = 0;
        while next < blocks {
            let Some((group, bit)) = superblock.block_place(at.plus(next.into())) else { return };
            let here =
                superblock.blocks_in(group).saturating_sub(bit).min(blocks.saturating_sub(next)).max(1);
            let Some(mut desc) = self.descriptor(group) else { return };
            let fresh = desc.flags & GroupDesc::BLOCK_UNINIT != 0;
            let mut bits = if fresh {
                superblock.initial_block_bitmap(group, &desc)
            } else {
                self.read(desc.block_bitmap)
            };
            let changed = (bit..bit.saturating_add(here)).filter(|bit| mark.put(&mut bits, *bit)).count();
            if changed > 0 {
                desc.flags &= !GroupDesc::BLOCK_UNINIT;
                desc.free_blocks = bitmap::count_clear(&bits, superblock.blocks_in(group));
                if let Some(seed) = superblock.metadata_seed() {
                    let len = (superblock.blocks_per_group / 8).index();
                    desc.block_bitmap_csum = bitmap::checksum(seed, &bits, len, superblock.desc_size());
                }
                self.keep(desc.block_bitmap, bits);
                self.put_descriptor(group, &desc);
            }
            next = next.saturating_add(here);
        }
    }

    /// Marks an inode. That it is a directory is not counted. v6.6 fs/ext4/ialloc.c, `ext4_mark_inode_used`
    pub(super) fn mark_inode(&mut self, ino: Ino, mark: Mark) {
        let superblock = self.fs.superblock.clone();
        let Some(place) = superblock.inode_place(ino) else { return };
        let Some(mut desc) = self.descriptor(place.group) else { return };
        let fresh = desc.flags & GroupDesc::INODE_UNINIT != 0;
        let mut bits = if fresh { superblock.initial_inode_bitmap() } else { self.read(desc.inode_bitmap) };
        if !mark.put(&mut bits, place.bit) {
            return;
        }
        let per_group = superblock.inodes_per_group;
        desc.flags &= !GroupDesc::INODE_UNINIT;
        desc.free_inodes = bitmap::count_clear(&bits, per_group);
        if let Some(seed) = superblock.metadata_seed() {
            let behind = per_group.saturating_sub(place.bit).saturating_sub(1);
            desc.itable_unused = desc.itable_unused.min(behind);
            let len = (per_group / 8).index();
            desc.inode_bitmap_csum = bitmap::checksum(seed, &bits, len, superblock.desc_size());
        }
        self.keep(desc.inode_bitmap, bits);
        self.put_descriptor(place.group, &desc);
    }

    /// A free block that no tag gives to a file. v6.6 fs/ext4/mballoc.c, `ext4_mb_new_blocks_simple`
    pub(super) fn allocate(&mut self, ino: Ino) -> Result<BlockNr, MountError> {
        let superblock = self.fs.superblock.clone();
        let near = superblock.inode_place(ino).map_or(0, |place| place.group);
        let groups = superblock.groups();
        for group in (near..groups).chain(0..near) {
            let Some(desc) = self.descriptor(group) else { continue };
            let fresh = desc.flags & GroupDesc::BLOCK_UNINIT != 0;
            let bits = if fresh {
                superblock.initial_block_bitmap(group, &desc)
            } else {
                self.read(desc.block_bitmap)
            };
            let mut bit = 0;
            while let Some(free) = bitmap::find_clear(&bits, bit, superblock.blocks_in(group)) {
                let at = superblock.first_block(group).plus(free.into());
                if !self.is_promised(at) {
                    self.mark_blocks(at, 1, Mark::Used);
                    return Ok(at);
                }
                bit = free.saturating_add(1);
            }
        }
        Err(refused(ino, Errno::ENOSPC))
    }

    /// v6.6 fs/ext4/fast_commit.c, `ext4_fc_replay_check_excluded`
    fn is_promised(&self, at: BlockNr) -> bool {
        self.tags.iter().any(|tag| match tag {
            FastTag::AddRange { extent, .. } => {
                at >= extent.at && at.get() < extent.at.get().saturating_add(extent.blocks.into())
            }
            FastTag::DelRange { .. } | FastTag::Name(_) | FastTag::Inode { .. } => false,
        })
    }

    fn descriptor(&mut self, group: u32) -> Option<GroupDesc> {
        let (nr, index) = self.fs.superblock.descriptor_place(group);
        let block = self.read(nr);
        let desc = GroupDesc::read_from(&block, index, self.fs.superblock.desc_size(), None).ok()?;
        desc.check_places(&self.fs.superblock, group).is_ok().then_some(desc)
    }

    fn put_descriptor(&mut self, group: u32, desc: &GroupDesc) {
        let superblock = &self.fs.superblock;
        let (nr, index) = superblock.descriptor_place(group);
        let (size, seed) = (superblock.desc_size(), superblock.metadata_seed().map(|seed| (seed, group)));
        let mut block = self.read(nr);
        desc.write_into(&mut block, index, size, seed);
        self.keep(nr, block);
    }

    /// Whether blocks of a directory are found by hashes.
    pub(super) fn has_index(&self, dir: &Inode) -> bool {
        dir.is_indexed && self.fs.superblock.compat.has(Compat::DIR_INDEX)
    }
}
