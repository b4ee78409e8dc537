//! How a group's bookkeeping differs from what is in use.
//!
//! ```text
//!   in use  1 1 1 0 0 1      free but used: bit 1, used but free: bit 3
//!   bitmap  1 0 1 1 0 1
//! ```
//! What is in use is part of each question, so that two contents which are right are one answer, and two which are
//! wrong in the same way too.

use super::repair::{Counted, Unnamed};
use crate::device::{Media, Question};
use crate::format::{
    DescSize, FileKind, FormatError, FsSeed, GroupDesc, RawInode, Structure, Superblock, bitmap,
};
use crate::units::{Block, BlockNr, Widen, len_u32};

/// What a group descriptor should count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) directories: u32,
    /// At most as many.
    pub(super) unused_inodes: u32,
    pub(super) free_inodes: u32,
    pub(super) free_blocks: u32,
}

/// What does the descriptor of this group count wrongly, and what does it say about the bitmaps?
pub(super) struct AskCounts<'a> {
    pub(super) group: u32,
    pub(super) superblock: &'a Superblock,
    pub(super) expected: Expected,
}

/// The bookkeeping of a group descriptor.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Counts {
    /// What is counted wrongly, beside what is free: what, how many it says, how many there are.
    pub(super) wrong: Vec<(Counted, u32, u32)>,
    /// The inode bitmap; none where there is no such descriptor.
    pub(super) inodes: Option<Described>,
    /// The block bitmap.
    pub(super) blocks: Option<Described>,
}

/// What a descriptor says about a bitmap.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Described {
    /// What it would be, where it was never initialised.
    pub(super) initial: Option<Block>,
    /// The bitmap's checksum; 0 without checksums.
    pub(super) checksum: u32,
    /// How many it says are free and how many are, where that differs.
    pub(super) wrong_free: Option<(u32, u32)>,
}

impl Question for AskCounts<'_> {
    type Answer = Counts;
    fn answer(&self, content: &Block) -> Counts {
        // There is such a descriptor: the places in it were read.
        let fs = self.superblock;
        let (_, index) = fs.descriptor_place(self.group);
        let Ok(group) = GroupDesc::read_from(content, index, fs.desc_size(), None) else {
            return Counts::default();
        };
        let expected = &self.expected;
        let mut wrong = Vec::new();
        if group.used_dirs != expected.directories {
            wrong.push((Counted::Directories, group.used_dirs, expected.directories));
        }
        if group.itable_unused > expected.unused_inodes {
            wrong.push((Counted::UnusedInodes, group.itable_unused, expected.unused_inodes));
        }
        let described = |initial: Option<Block>, checksum, stored, counted| Described {
            checksum: if fs.has_metadata_csum() && initial.is_none() { checksum } else { 0 },
            initial,
            wrong_free: (stored != counted).then_some((stored, counted)),
        };
        let has = |flag| group.flags & flag != 0;
        let inodes = has(GroupDesc::INODE_UNINIT).then(|| fs.initial_inode_bitmap());
        let blocks = has(GroupDesc::BLOCK_UNINIT).then(|| fs.initial_block_bitmap(self.group, &group));
        Counts {
            wrong,
            inodes: Some(described(inodes, group.inode_bitmap_csum, group.free_inodes, expected.free_inodes)),
            blocks: Some(described(blocks, group.block_bitmap_csum, group.free_blocks, expected.free_blocks)),
        }
    }
}

/// How many inodes of this group does a check look at? Those behind them were never used.
pub(super) struct AskScanned<'a> {
    pub(super) group: u32,
    pub(super) superblock: &'a Superblock,
}

impl Question for AskScanned<'_> {
    type Answer = u32;
    // e2fsprogs 1.47 lib/ext2fs/inode.c, get_next_blockgroup: bg_itable_unused, where groups have checksums.
    fn answer(&self, content: &Block) -> u32 {
        let all = self.superblock.inodes_per_group;
        let (_, index) = self.superblock.descriptor_place(self.group);
        let group = GroupDesc::read_from(content, index, self.superblock.desc_size(), None);
        match group {
            Ok(group) if !self.superblock.has_metadata_csum() || group.itable_unused > all => all,
            Ok(group) if group.flags & GroupDesc::INODE_UNINIT != 0 => 0,
            Ok(group) => all.saturating_sub(group.itable_unused),
            Err(_) => 0,
        }
    }
}

/// Which inodes of this block are in use that are not known?
pub(super) struct AskUnnamed<'a> {
    /// So many, from the first one on.
    pub(super) slots: usize,
    /// One bit for each inode that is known.
    pub(super) known: &'a [u8],
}

impl Question for AskUnnamed<'_> {
    type Answer = Vec<(u32, Unnamed)>;
    // e2fsprogs 1.47 e2fsck/pass4.c, disconnect_inode.
    fn answer(&self, content: &Block) -> Self::Answer {
        let is_known =
            |slot: &usize| self.known.get(slot / 8).is_some_and(|byte| byte >> (slot % 8) & 1 == 1);
        let unnamed = |slot: usize| {
            let raw = RawInode::read_from(content, slot, None).ok().filter(|raw| raw.links > 0)?;
            let is_empty = raw.kind() == FileKind::REGULAR && raw.sectors == 0;
            Some((len_u32(slot), if is_empty { Unnamed::Empty } else { Unnamed::Other }))
        };
        (0..self.slots).filter(|slot| !is_known(slot)).filter_map(unnamed).collect()
    }
}

/// The checksum of a bitmap.
pub(super) struct Checksummed {
    /// Where checksums start.
    pub(super) seed: FsSeed,
    /// How many bits it covers.
    pub(super) len_bits: u32,
    /// What it should be.
    pub(super) stored: u32,
    /// How long a descriptor is, which says how much of it is kept.
    pub(super) size: DescSize,
}

/// How does this bitmap differ from what is in use?
pub(super) struct AskBitmap<'a> {
    pub(super) structure: Structure,
    /// How many bits stand for something.
    pub(super) bits: u32,
    /// Its checksum, if it has one.
    pub(super) checksum: Option<Checksummed>,
    /// What is in use.
    pub(super) used: &'a [u8],
}

/// How a bitmap differs from what is in use: of each kind the first bit, and how many.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Compared {
    /// Its checksum is bad.
    pub(super) checksum: Option<FormatError>,
    /// Bits that stand for nothing are clear.
    pub(super) padding: bool,
    pub(super) free_but_used: Option<(u32, u32)>,
    pub(super) used_but_free: Option<(u32, u32)>,
}

impl AskBitmap<'_> {
    /// Asks about the bitmap at a block, or about the one that a group starts with.
    pub(super) fn of<M: Media>(&self, disk: &mut M, at: BlockNr, described: &Described) -> Compared {
        match &described.initial {
            Some(initial) => self.answer(initial),
            None => disk.ask(at, self),
        }
    }
}

impl Question for AskBitmap<'_> {
    type Answer = Compared;
    fn answer(&self, content: &Block) -> Compared {
        let checksum = self.checksum.as_ref().and_then(|Checksummed { seed, len_bits, stored, size }| {
            let len_bytes = (len_bits / 8).index();
            bitmap::verify(self.structure, *seed, content, len_bytes, (*stored, *size)).err()
        });
        let rest = bitmap::find_clear(content, self.bits, self.bits.next_multiple_of(8));
        let behind = content.bytes().get(self.bits.div_ceil(8).index()..).unwrap_or(&[]);
        let padding = rest.is_some() || behind.iter().any(|byte| *byte != u8::MAX);
        let mut compared = Compared { checksum, padding, free_but_used: None, used_but_free: None };
        let add = |sum: &mut Option<(u32, u32)>, bit: u32| {
            let (first, count) = sum.unwrap_or((bit, 0));
            *sum = Some((first, count.saturating_add(1)));
        };
        for ((at, used), marked) in (0..).step_by(8).zip(self.used).zip(content.bytes()) {
            let bits = self.bits.saturating_sub(at).min(8);
            for bit in (0..bits).filter(|_| used != marked) {
                match (marked >> bit & 1 == 1, used >> bit & 1 == 1) {
                    (true, false) => add(&mut compared.used_but_free, at.saturating_add(bit)),
                    (false, true) => add(&mut compared.free_but_used, at.saturating_add(bit)),
                    (true, true) | (false, false) => {}
                }
            }
        }
        compared
    }
}
