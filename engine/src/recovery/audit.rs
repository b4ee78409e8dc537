//! Does the bookkeeping fit what is in use?
//!
//! ```text
//!   names, orphans, journal, metadata ──▶ blocks and inodes in use ──compare──▶ bitmaps, counts, links
//! ```
//! Orphans count as in use, with all of their blocks: processing them frees exactly that. The superblock's counts are
//! stale after any power cut, and `e2fsck` refreshes them quietly.
//!
//! Not covered: file systems with room for more group descriptors (`resize_inode`) and groups whose bitmaps were
//! never initialised, whose bitmaps are not compared.

use super::fs::Fs;
use super::inode::{self, Mapping};
use super::log::Log;
use super::repair::{Counted, Repair};
use super::walk::{ROOT, Seen, Walk};
use crate::device::{Media, Question};
use crate::format::{
    Compat, ExtentState, FileKind, FsSeed, GroupDesc, InodeFlags, RawInode, Structure, bitmap,
};
use crate::units::{Block, BlockNr, Ino, SECTORS_PER_BLOCK, Widen, block_bytes, len_u32};
use std::collections::BTreeMap;

/// Compares what is in use with what the file system says about it.
pub(super) fn audit<M: Media>(
    disk: &mut M,
    fs: &Fs,
    journal: Option<&Log>,
    orphans: &BTreeMap<Ino, RawInode>,
    walk: Walk,
    repairs: &mut Vec<Repair>,
) {
    let mut audit =
        Audit { fs, repairs, blocks: Bits::of(fs.superblock.blocks), inodes: Bits::of(fs.superblock.inodes) };
    audit.metadata();
    if let Some(log) = journal {
        audit.take(fs.superblock.journal_ino, &log.mapping);
    }
    for ino in 1..fs.superblock.first_ino.get() {
        audit.inodes.set(ino.saturating_sub(1).into());
    }
    let mut directories = vec![0_u32; fs.groups.len()];
    let mut count = |ino: Ino, inode: &RawInode| {
        if inode.kind() == FileKind::DIRECTORY {
            let group = fs.superblock.inode_place(ino).map(|place| place.group.index());
            if let Some(group) = group.and_then(|group| directories.get_mut(group)) {
                *group = group.saturating_add(1);
            }
        }
    };
    for (ino, seen) in &walk.seen {
        if let Ok(seen) = seen {
            count(*ino, &seen.inode);
        }
        audit.named(*ino, seen, orphans.contains_key(ino));
    }
    for (ino, inode) in orphans.iter().filter(|(ino, _)| !walk.seen.contains_key(ino)) {
        count(*ino, inode);
        audit.inodes.set(ino.get().saturating_sub(1).into());
        match inode::mapping(disk, fs, *ino, inode) {
            Ok(mapping) => audit.space(*ino, inode, &mapping),
            Err(errno) => audit.repairs.push(Repair::Unreadable { ino: *ino, errno }),
        }
    }
    audit.names(&walk, orphans);
    for (group, (descriptor, directories)) in (0..).zip(fs.groups.iter().zip(directories)) {
        audit.group(disk, group, descriptor, directories);
    }
}

/// One bit per block or inode, as bitmaps have them.
struct Bits(Vec<u8>);

impl Bits {
    fn of(bits: u32) -> Self {
        Self(vec![0; bits.div_ceil(8).index()])
    }

    /// Sets a bit; whether it was clear.
    fn set(&mut self, bit: u64) -> bool {
        let mask = 1 << (bit % 8);
        let Some(byte) = self.0.get_mut((bit / 8).index()) else { return false };
        let clear = *byte & mask == 0;
        *byte |= mask;
        clear
    }

    /// The bits of a group, which starts at a whole byte.
    fn of_group(&self, first: u64, bits: u32) -> &[u8] {
        let from = (first / 8).index();
        let to = from.saturating_add(bits.div_ceil(8).index()).min(self.0.len());
        self.0.get(from..to).unwrap_or(&[])
    }
}

struct Audit<'a> {
    fs: &'a Fs,
    repairs: &'a mut Vec<Repair>,
    blocks: Bits,
    inodes: Bits,
}

impl Audit<'_> {
    fn metadata(&mut self) {
        let fs = &self.fs.superblock;
        for (group, descriptor) in (0..).zip(&self.fs.groups) {
            if fs.has_copy(group) {
                let first = fs.first_block(group).get();
                let end = first.saturating_add(u64::from(fs.descriptor_blocks())).saturating_add(1);
                (first..end).for_each(|block| {
                    self.blocks.set(block);
                });
            }
            self.blocks.set(descriptor.block_bitmap.get());
            self.blocks.set(descriptor.inode_bitmap.get());
            for block in 0..u64::from(fs.inode_table_blocks()) {
                self.blocks.set(descriptor.inode_table.get().saturating_add(block));
            }
        }
    }

    /// Marks the blocks of an inode as in use.
    fn take(&mut self, ino: Ino, mapping: &Mapping) {
        let mut shared = None;
        let mut take = |block: BlockNr| {
            if !self.blocks.set(block.get()) && shared.is_none() {
                shared = Some(block);
            }
        };
        mapping.nodes.iter().for_each(|node| take(*node));
        for extent in &mapping.extents {
            (0..u64::from(extent.blocks))
                .for_each(|block| take(BlockNr::new(extent.at.get().saturating_add(block))));
        }
        self.repairs.extend(shared.map(|block| Repair::Shared { block, ino }));
    }

    fn named(&mut self, ino: Ino, seen: &Result<Seen, crate::history::Errno>, is_orphan: bool) {
        self.inodes.set(u64::from(ino.get()).saturating_sub(1));
        let seen = match seen {
            Ok(seen) => seen,
            Err(errno) => return self.repairs.push(Repair::Unreadable { ino, errno: *errno }),
        };
        let mapping = match &seen.mapping {
            Ok(mapping) => mapping,
            Err(errno) => return self.repairs.push(Repair::Unreadable { ino, errno: *errno }),
        };
        self.space(ino, &seen.inode, mapping);
        if !is_orphan {
            self.size(ino, &seen.inode, mapping);
        }
    }

    fn space(&mut self, ino: Ino, inode: &RawInode, mapping: &Mapping) {
        self.take(ino, mapping);
        let attributes = u64::from(inode.attributes_block != 0);
        if attributes != 0 && !self.blocks.set(inode.attributes_block) {
            self.repairs.push(Repair::Shared { block: BlockNr::new(inode.attributes_block), ino });
        }
        let blocks = mapping.blocks().saturating_add(attributes);
        let is_in_blocks = inode.flags.has(InodeFlags::HUGE_FILE);
        let counted = if is_in_blocks { blocks } else { blocks.saturating_mul(SECTORS_PER_BLOCK) };
        if inode.sectors != counted {
            self.repairs.push(Repair::Sectors { ino, stored: inode.sectors, counted });
        }
    }

    /// A directory ends with its last block; a file may end before it, but not before written blocks.
    // e2fsprogs 1.47 e2fsck/pass1.c, check_blocks: i_size against last_init_lblock.
    fn size(&mut self, ino: Ino, inode: &RawInode, mapping: &Mapping) {
        let last = |extent: &crate::format::Extent| extent.end().saturating_mul(block_bytes());
        let written = mapping.extents.iter().rev().find(|extent| extent.state == ExtentState::Written);
        let (reach, is_bad) = match inode.kind() {
            FileKind::DIRECTORY => {
                let reach = mapping.extents.last().map_or(0, last);
                (reach, reach != inode.size)
            }
            FileKind::REGULAR => {
                let reach = written.map_or(0, last);
                (reach, inode.size < reach.saturating_sub(block_bytes()))
            }
            FileKind(_) => (0, false),
        };
        if is_bad {
            self.repairs.push(Repair::Size { ino, size: inode.size, reach });
        }
    }

    /// Compares link counts with names, and looks at the entries of directories.
    fn names(&mut self, walk: &Walk, orphans: &BTreeMap<Ino, RawInode>) {
        self.repairs.extend(walk.again.iter().map(|ino| Repair::SecondName { ino: *ino }));
        for (ino, names) in &walk.directories {
            let parent = walk.parents.get(ino).copied().unwrap_or(ROOT);
            let is = |at: usize, name: &[u8], ino: Ino| {
                names.get(at).is_some_and(|entry| entry.name == name && entry.ino == ino)
            };
            if !is(0, b".", *ino) || !is(1, b"..", parent) {
                self.repairs.push(Repair::Dots { ino: *ino });
            }
            for entry in names {
                if let Some(Ok(seen)) = walk.seen.get(&entry.ino) {
                    if seen.inode.kind() != entry.kind {
                        self.repairs.push(Repair::Kind { ino: entry.ino });
                    }
                }
            }
        }
        let seen =
            walk.seen.iter().filter_map(|(ino, seen)| seen.as_ref().ok().map(|seen| (*ino, &seen.inode)));
        let nameless = orphans.iter().filter(|(ino, _)| !walk.seen.contains_key(ino));
        for (ino, inode) in seen.chain(nameless.map(|(ino, inode)| (*ino, inode))) {
            let counted = walk.names.get(&ino).copied().unwrap_or(0);
            // A directory with too many subdirectories to count says 1.
            let is_uncounted = inode.kind() == FileKind::DIRECTORY && inode.links == 1 && counted > 65000;
            if u32::from(inode.links) != counted && !is_uncounted {
                self.repairs.push(Repair::Links { ino, stored: inode.links.into(), counted });
            }
        }
    }

    fn group<M: Media>(&mut self, disk: &mut M, group: u32, descriptor: &GroupDesc, directories: u32) {
        let fs = &self.fs.superblock;
        let mut wrong = |what, stored, counted| {
            if stored != counted {
                self.repairs.push(Repair::GroupCount { group, what, stored, counted });
            }
        };
        wrong(Counted::Directories, descriptor.used_dirs, directories);
        let inodes = fs.inodes_per_group;
        let first_ino = u64::from(group).saturating_mul(inodes.into());
        let used_inodes = self.inodes.of_group(first_ino, inodes);
        let unused_bytes = len_u32(used_inodes.iter().rev().take_while(|byte| **byte == 0).count());
        let last = used_inodes.iter().rev().find(|byte| **byte != 0).map_or(0, |byte| byte.leading_zeros());
        let never_used = unused_bytes.saturating_mul(8).saturating_add(last);
        if descriptor.itable_unused > never_used {
            wrong(Counted::UnusedInodes, descriptor.itable_unused, never_used);
        }
        if descriptor.flags & GroupDesc::INODE_UNINIT == 0 {
            let map = Map {
                at: descriptor.inode_bitmap,
                structure: Structure::InodeBitmap,
                bits: inodes,
                len_bits: inodes,
                stored: descriptor.inode_bitmap_csum,
            };
            let compared = map.compare(disk, fs.metadata_seed(), self.repairs, used_inodes);
            let ino = |bit: u32| Ino::new(len_u32(first_ino.index()).saturating_add(bit).saturating_add(1));
            let Compared { free_but_used, used_but_free, free } = compared;
            self.repairs.extend(
                free_but_used.map(|(bit, inodes)| Repair::InodesMarkedFree { first: ino(bit), inodes }),
            );
            self.repairs
                .extend(used_but_free.map(|(bit, inodes)| Repair::InodesLeaked { first: ino(bit), inodes }));
            if descriptor.free_inodes != free {
                let (stored, what) = (descriptor.free_inodes, Counted::FreeInodes);
                self.repairs.push(Repair::GroupCount { group, what, stored, counted: free });
            }
        }
        if descriptor.flags & GroupDesc::BLOCK_UNINIT == 0 && !fs.compat.has(Compat::RESIZE_INODE) {
            self.block_bitmap(disk, group, descriptor);
        }
    }

    fn block_bitmap<M: Media>(&mut self, disk: &mut M, group: u32, descriptor: &GroupDesc) {
        let fs = &self.fs.superblock;
        let first = fs.first_block(group);
        let map = Map {
            at: descriptor.block_bitmap,
            structure: Structure::BlockBitmap,
            bits: fs.blocks_in(group),
            len_bits: fs.blocks_per_group,
            stored: descriptor.block_bitmap_csum,
        };
        let used = self.blocks.of_group(first.get(), fs.blocks_in(group));
        let compared = map.compare(disk, fs.metadata_seed(), self.repairs, used);
        let block = |bit: u32| BlockNr::new(first.get().saturating_add(bit.into()));
        let Compared { free_but_used, used_but_free, free } = compared;
        self.repairs.extend(
            free_but_used.map(|(bit, blocks)| Repair::BlocksMarkedFree { first: block(bit), blocks }),
        );
        self.repairs
            .extend(used_but_free.map(|(bit, blocks)| Repair::BlocksLeaked { first: block(bit), blocks }));
        if descriptor.free_blocks != free {
            let (stored, what) = (descriptor.free_blocks, Counted::FreeBlocks);
            self.repairs.push(Repair::GroupCount { group, what, stored, counted: free });
        }
    }
}

/// The whole bitmap, as nobody compares less.
struct AskBitmap;

impl Question for AskBitmap {
    type Answer = Block;
    fn answer(&self, content: &Block) -> Block {
        content.clone()
    }
}

/// A bitmap on the disk.
struct Map {
    at: BlockNr,
    structure: Structure,
    /// How many bits stand for something.
    bits: u32,
    /// How many bits the checksum covers.
    len_bits: u32,
    stored: u16,
}

/// How a bitmap differs from what is in use: the first bit, and how many.
struct Compared {
    free_but_used: Option<(u32, u32)>,
    used_but_free: Option<(u32, u32)>,
    /// How many are not in use.
    free: u32,
}

impl Map {
    fn compare<M: Media>(
        &self,
        disk: &mut M,
        seed: Option<FsSeed>,
        repairs: &mut Vec<Repair>,
        in_use: &[u8],
    ) -> Compared {
        let bitmap = disk.ask(self.at, &AskBitmap);
        if let Some(seed) = seed {
            let len_bytes = (self.len_bits / 8).index();
            let verified = bitmap::verify(self.structure, seed, &bitmap, len_bytes, self.stored);
            repairs.extend(verified.err().map(Repair::BitmapChecksum));
        }
        if bitmap::find_clear(&bitmap, self.bits, bitmap::BITS).is_some() {
            repairs.push(Repair::Padding { bitmap: self.at });
        }
        let mut compared = Compared { free_but_used: None, used_but_free: None, free: 0 };
        let add = |sum: &mut Option<(u32, u32)>, bit: u32| {
            let (first, count) = sum.unwrap_or((bit, 0));
            *sum = Some((first, count.saturating_add(1)));
        };
        for ((at, in_use), marked) in (0..).step_by(8).zip(in_use).zip(bitmap.bytes()) {
            let bits = self.bits.saturating_sub(at).min(8);
            for bit in (0..bits).filter(|_| in_use != marked) {
                match (marked >> bit & 1 == 1, in_use >> bit & 1 == 1) {
                    (true, false) => add(&mut compared.used_but_free, at.saturating_add(bit)),
                    (false, true) => add(&mut compared.free_but_used, at.saturating_add(bit)),
                    (true, true) | (false, false) => {}
                }
            }
            compared.free = compared.free.saturating_add(bits.saturating_sub(in_use.count_ones().min(bits)));
        }
        compared
    }
}
