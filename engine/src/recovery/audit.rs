//! Does the bookkeeping fit what is in use?
//!
//! ```text
//!   names, orphans, journal, metadata ──▶ blocks and inodes in use ──compare──▶ bitmaps, counts, links
//! ```
//! Orphans count as in use, with all of their blocks: processing them frees exactly that. The superblock's counts are
//! stale after any power cut, and `e2fsck` refreshes them quietly. What is in use is known before anything is compared,
//! so that a group is asked how it differs from it, and no more.
//!
//! A group whose bitmap was never initialised has the one that its first user would give it.
//!
//! Not covered: whether names lie in the blocks that their hashes lead to.

use super::attributes::Blocks;
use super::fs::{Fs, Places};
use super::group::{
    AskBitmap, AskCounts, AskScanned, AskUnnamed, Checksummed, Compared, Described, Expected,
};
use super::inode::{Inode, Mapping};
use super::log::Log;
use super::orphans::Orphans;
use super::repair::{Counted, Repair};
use super::walk::{ROOT, Seen, Walk};
use crate::device::Media;
use crate::format::{ExtentState, FileKind, Structure};
use crate::history::Errno;
use crate::units::{BlockNr, Ino, SECTORS_PER_BLOCK, Widen, block_bytes, len_u32};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Where the blocks are of orphans that have no name.
pub(super) type Nameless = Arc<BTreeMap<Ino, Result<Mapping, Errno>>>;

/// Who uses blocks and inodes, beside metadata and the log.
#[derive(Clone, Debug, Default)]
pub(super) struct InUse {
    pub(super) orphans: Orphans,
    pub(super) nameless: Nameless,
    pub(super) walk: Walk,
    pub(super) attributes: Blocks,
    /// The block of the inode that keeps room for more group descriptors.
    pub(super) resize: Option<BlockNr>,
}

/// What is in use, and how many groups were compared with it.
#[derive(Clone, Debug)]
pub(super) struct Auditor {
    used: Arc<Used>,
    next: u32,
    /// Of the group before that one: how many inodes are looked at, and how many blocks of them were.
    table: Option<(u32, u32)>,
}

/// What is in use.
#[derive(Debug)]
struct Used {
    blocks: Bits,
    inodes: Bits,
    /// The directories of each group.
    directories: Vec<u32>,
}

impl Auditor {
    /// Counts what is in use, and compares what each inode says with it.
    pub(super) fn of(
        fs: &Fs,
        journal: Option<&Log>,
        InUse { orphans, nameless, walk, attributes, resize }: &InUse,
        repairs: &mut Vec<Repair>,
    ) -> Self {
        let used = Used {
            blocks: Bits::of(fs.superblock.blocks),
            inodes: Bits::of(fs.superblock.inodes),
            directories: vec![0; fs.groups.len()],
        };
        let mut count = Count { fs, repairs, used, blocks: attributes, users: BTreeMap::new() };
        count.metadata();
        if let Some(block) = resize {
            count.used.blocks.set(block.get());
        }
        if let Some((ino, mapping)) = &orphans.file {
            count.used.inodes.set(ino.get().saturating_sub(1).into());
            count.take(*ino, mapping);
        }
        if let Some(log) = journal {
            count.take(fs.superblock.journal_ino, &log.mapping);
        }
        // A hostile superblock may name more than there are.
        for ino in 1..fs.superblock.first_ino.get().min(fs.superblock.inodes.saturating_add(1)) {
            count.used.inodes.set(ino.saturating_sub(1).into());
        }
        for (ino, seen) in walk.seen.iter() {
            count.named(*ino, seen, orphans.inodes.contains_key(ino));
        }
        for (ino, mapping) in nameless.iter() {
            if let Some(inode) = orphans.inodes.get(ino) {
                count.nameless(*ino, inode, mapping);
            }
        }
        count.names(walk, orphans);
        let unsealed = walk.unsealed.iter().map(|ino| Repair::DirectoryChecksum { ino: *ino });
        let unused = walk.unused.iter().map(|ino| Repair::NameOfUnused { ino: *ino });
        let inodes = walk.unsealed_inodes.iter().map(|ino| Repair::InodeChecksum { ino: *ino });
        count.repairs.extend(unsealed.chain(inodes).chain(unused));
        count.attribute_users();
        Self { used: Arc::new(count.used), next: 0, table: None }
    }

    /// Compares one group, or looks at one block of its inodes.
    pub(super) fn step<M: Media>(
        &mut self,
        disk: &mut M,
        fs: &Fs,
        repairs: &mut Vec<Repair>,
    ) -> ControlFlow<()> {
        let group = if self.table.is_some() { self.next.saturating_sub(1) } else { self.next };
        let Some(places) = fs.groups.get(group.index()).copied() else { return ControlFlow::Break(()) };
        let mut comparing = Group { fs, used: &self.used, group, places, repairs };
        if let Some((scanned, block)) = self.table {
            let goes_on = comparing.unattached(disk, scanned, block);
            self.table = goes_on.then(|| (scanned, block.saturating_add(1)));
        } else {
            self.table = Some((comparing.compare(disk), 0));
            self.next = group.saturating_add(1);
        }
        ControlFlow::Continue(())
    }
}

/// One bit per block or inode, as bitmaps have them.
#[derive(Debug)]
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

    /// Sets a run of bits; the first that was set before. What lies behind the last byte is left out, and counts as one
    /// that was set.
    fn set_run(&mut self, first: u64, bits: u32) -> Option<u64> {
        let end = first.saturating_add(bits.into());
        let all = crate::units::len_u64(self.0.len()).saturating_mul(8);
        if end > all {
            let inside = u32::try_from(all.saturating_sub(first)).unwrap_or(0);
            return self.set_run(first, inside).or(Some(first.max(all)));
        }
        let (mut bit, mut taken) = (first, None);
        while bit < end {
            let whole = bit.is_multiple_of(8) && end.saturating_sub(bit) >= 8;
            match self.0.get_mut((bit / 8).index()) {
                Some(byte) if whole && *byte == 0 => {
                    *byte = u8::MAX;
                    bit = bit.saturating_add(8);
                }
                Some(_) | None => {
                    if !self.set(bit) {
                        taken = taken.or(Some(bit));
                    }
                    bit = bit.saturating_add(1);
                }
            }
        }
        taken
    }

    /// The bits of a group, which starts at a whole byte.
    fn of_group(&self, first: u64, bits: u32) -> &[u8] {
        let from = (first / 8).index();
        let to = from.saturating_add(bits.div_ceil(8).index()).min(self.0.len());
        self.0.get(from..to).unwrap_or(&[])
    }
}

struct Count<'a> {
    fs: &'a Fs,
    repairs: &'a mut Vec<Repair>,
    used: Used,
    blocks: &'a Blocks,
    /// For each block of attributes how many users it says it has, and how many it has.
    users: BTreeMap<BlockNr, (u32, u32)>,
}

impl Count<'_> {
    fn metadata(&mut self) {
        let fs = &self.fs.superblock;
        for (group, descriptor) in (0..).zip(&self.fs.groups) {
            if fs.has_copy(group) {
                self.used.blocks.set_run(fs.first_block(group).get(), fs.copy_blocks());
            }
            self.used.blocks.set(descriptor.block_bitmap.get());
            self.used.blocks.set(descriptor.inode_bitmap.get());
            self.used.blocks.set_run(descriptor.inode_table.get(), fs.inode_table_blocks());
        }
    }

    /// Marks the blocks of an inode as in use.
    fn take(&mut self, ino: Ino, mapping: &Mapping) {
        let nodes = mapping.nodes.iter().map(|node| (node.get(), 1));
        let extents = mapping.extents.iter().map(|extent| (extent.at.get(), extent.blocks));
        let mut shared = None;
        for (first, blocks) in nodes.chain(extents) {
            let taken = self.used.blocks.set_run(first, blocks);
            shared = shared.or(taken);
        }
        self.repairs.extend(shared.map(|block| Repair::Shared { block: BlockNr::new(block), ino }));
    }

    /// Counts a directory in its group.
    fn directory(&mut self, ino: Ino, inode: &Inode) {
        if inode.kind == FileKind::DIRECTORY {
            let group = self.fs.superblock.inode_place(ino).map(|place| place.group.index());
            if let Some(group) = group.and_then(|group| self.used.directories.get_mut(group)) {
                *group = group.saturating_add(1);
            }
        }
    }

    fn nameless(&mut self, ino: Ino, inode: &Inode, mapping: &Result<Mapping, Errno>) {
        self.directory(ino, inode);
        self.used.inodes.set(ino.get().saturating_sub(1).into());
        match mapping {
            Ok(mapping) => self.space(ino, inode, mapping),
            Err(errno) => self.repairs.push(Repair::Unreadable { ino, errno: *errno }),
        }
    }

    fn named(&mut self, ino: Ino, seen: &Result<Arc<Seen>, Errno>, is_orphan: bool) {
        self.used.inodes.set(u64::from(ino.get()).saturating_sub(1));
        let seen = match seen {
            Ok(seen) => seen,
            Err(errno) => return self.repairs.push(Repair::Unreadable { ino, errno: *errno }),
        };
        self.directory(ino, &seen.inode);
        let mapping = match &seen.mapping {
            Ok(mapping) => mapping,
            Err(errno) => return self.repairs.push(Repair::Unreadable { ino, errno: *errno }),
        };
        self.space(ino, &seen.inode, mapping);
        if !is_orphan {
            self.size(ino, &seen.inode, mapping);
        }
    }

    fn space(&mut self, ino: Ino, inode: &Inode, mapping: &Mapping) {
        self.take(ino, mapping);
        self.attributes(ino, inode);
        let attributes = u64::from(inode.attributes_block != 0);
        let blocks = mapping.blocks().saturating_add(attributes);
        let counted = if inode.counts_blocks { blocks } else { blocks.saturating_mul(SECTORS_PER_BLOCK) };
        if inode.sectors != counted {
            self.repairs.push(Repair::Sectors { ino, stored: inode.sectors, counted });
        }
    }

    /// Takes note of the attributes of an inode, whose block others may share.
    fn attributes(&mut self, ino: Ino, inode: &Inode) {
        if let Err(error) = inode.attributes {
            self.repairs.push(Repair::Attributes { ino, error });
        }
        let nr = BlockNr::new(inode.attributes_block);
        if let Some((_, users)) = self.users.get_mut(&nr) {
            *users = users.saturating_add(1);
            return;
        }
        match self.blocks.of(inode) {
            Some(Ok(block)) => {
                self.users.insert(nr, (block.users, 1));
            }
            Some(Err(error)) => self.repairs.push(Repair::Attributes { ino, error: *error }),
            None => {}
        }
        if nr.get() != 0 && !self.used.blocks.set(nr.get()) {
            self.repairs.push(Repair::Shared { block: nr, ino });
        }
    }

    fn attribute_users(&mut self) {
        for (block, (stored, counted)) in &self.users {
            if stored != counted {
                let (block, stored, counted) = (*block, *stored, *counted);
                self.repairs.push(Repair::AttributeUsers { block, stored, counted });
            }
        }
    }

    /// A directory ends with its last block; a file may end before it, but not before written blocks.
    // e2fsprogs 1.47 e2fsck/pass1.c, check_blocks: i_size against last_init_lblock.
    fn size(&mut self, ino: Ino, inode: &Inode, mapping: &Mapping) {
        let last = |extent: &crate::format::Extent| extent.end().saturating_mul(block_bytes());
        let written = mapping.extents.iter().rev().find(|extent| extent.state == ExtentState::Written);
        let (reach, is_bad) = match inode.kind {
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
    fn names(&mut self, walk: &Walk, orphans: &Orphans) {
        self.repairs.extend(walk.again.iter().map(|ino| Repair::SecondName { ino: *ino }));
        let mut counts = BTreeMap::new();
        for (ino, names) in walk.directories.iter() {
            let parent = walk.parents.get(ino).copied().unwrap_or(ROOT);
            let is = |at: usize, name: &[u8], ino: Ino| {
                names.get(at).is_some_and(|entry| entry.name == name && entry.ino == ino)
            };
            if !is(0, b".", *ino) || !is(1, b"..", parent) {
                self.repairs.push(Repair::Dots { ino: *ino });
            }
            for entry in names.iter() {
                let count = counts.entry(entry.ino).or_insert(0_u32);
                *count = count.saturating_add(1);
                let seen = walk.seen.get(&entry.ino).and_then(|seen| seen.as_ref().ok());
                if seen.is_some_and(|seen| seen.inode.kind != entry.kind) {
                    self.repairs.push(Repair::Kind { ino: entry.ino });
                }
            }
        }
        let seen =
            walk.seen.iter().filter_map(|(ino, seen)| seen.as_ref().ok().map(|seen| (*ino, &seen.inode)));
        let nameless = orphans.inodes.iter().filter(|(ino, _)| !walk.seen.contains(ino));
        for (ino, inode) in seen.chain(nameless.map(|(ino, inode)| (*ino, inode))) {
            let counted = counts.get(&ino).copied().unwrap_or(0);
            // A directory with too many subdirectories to count says 1.
            let is_uncounted = inode.kind == FileKind::DIRECTORY && inode.links == 1 && counted > 65000;
            if u32::from(inode.links) != counted && !is_uncounted {
                self.repairs.push(Repair::Links { ino, stored: inode.links.into(), counted });
            }
        }
    }
}

struct Group<'a> {
    fs: &'a Fs,
    used: &'a Used,
    group: u32,
    places: Places,
    repairs: &'a mut Vec<Repair>,
}

impl Group<'_> {
    /// Compares the bookkeeping; how many inodes are to be looked at.
    fn compare<M: Media>(&mut self, disk: &mut M) -> u32 {
        let fs = &self.fs.superblock;
        let (at, _) = fs.descriptor_place(self.group);
        let expected = Expected {
            directories: self.used.directories.get(self.group.index()).copied().unwrap_or(0),
            unused_inodes: unused(self.inodes()),
            free_inodes: free(self.inodes(), fs.inodes_per_group),
            free_blocks: free(self.blocks(), fs.blocks_in(self.group)),
        };
        let counts = disk.ask(at, &AskCounts { group: self.group, superblock: fs, expected });
        counts.wrong.iter().for_each(|(what, stored, counted)| self.count(*what, (*stored, *counted)));
        if let Some(bitmap) = counts.inodes {
            self.inode_bitmap(disk, bitmap);
        }
        if let Some(bitmap) = counts.blocks {
            self.block_bitmap(disk, bitmap);
        }
        disk.ask(at, &AskScanned { group: self.group, superblock: fs })
    }

    /// Looks for inodes in use that have no name and are no orphans, in one block of those that are to be looked at;
    /// whether there was such a block.
    fn unattached<M: Media>(&mut self, disk: &mut M, scanned: u32, block: u32) -> bool {
        let fs = &self.fs.superblock;
        let per_block = fs.inodes_per_group.checked_div(fs.inode_table_blocks()).unwrap_or(0);
        let first = block.saturating_mul(per_block);
        let table = self.places.inode_table.get();
        let nr = BlockNr::new(table.saturating_add(block.into()));
        if per_block == 0 || first >= scanned || table == 0 || !self.fs.has_blocks(nr, 1) {
            return false;
        }
        let slots = scanned.saturating_sub(first).min(per_block).index();
        let known = self.inodes().get((first / 8).index()..).unwrap_or(&[]);
        let found = disk.ask(nr, &AskUnnamed { slots, known });
        let before = self.group.saturating_mul(fs.inodes_per_group).saturating_add(first);
        self.repairs.extend(found.into_iter().map(|(slot, what)| {
            let ino = before.saturating_add(slot).saturating_add(1);
            Repair::Unattached { ino: Ino::new(ino), what }
        }));
        true
    }

    /// The inodes in use.
    fn inodes(&self) -> &[u8] {
        let inodes = self.fs.superblock.inodes_per_group;
        self.used.inodes.of_group(u64::from(self.group).saturating_mul(inodes.into()), inodes)
    }

    /// The blocks in use.
    fn blocks(&self) -> &[u8] {
        let fs = &self.fs.superblock;
        self.used.blocks.of_group(fs.first_block(self.group).get(), fs.blocks_in(self.group))
    }

    fn count(&mut self, what: Counted, (stored, counted): (u32, u32)) {
        self.repairs.push(Repair::GroupCount { group: self.group, what, stored, counted });
    }

    /// The checksum of a bitmap that covers so many bits; one that was never initialised has none.
    fn checksum(&self, described: &Described, len_bits: u32) -> Option<Checksummed> {
        let fs = &self.fs.superblock;
        let seed = fs.metadata_seed().filter(|_| described.initial.is_none())?;
        Some(Checksummed { seed, len_bits, stored: described.checksum, size: fs.desc_size() })
    }

    fn inode_bitmap<M: Media>(&mut self, disk: &mut M, described: Described) {
        let fs = &self.fs.superblock;
        let inodes = fs.inodes_per_group;
        let (at, structure) = (self.places.inode_bitmap, Structure::InodeBitmap);
        let checksum = self.checksum(&described, inodes);
        let ask = AskBitmap { structure, bits: inodes, checksum, used: self.inodes() };
        let found = ask.of(disk, at, &described);
        self.damage(at, &found);
        let before = self.group.saturating_mul(inodes);
        let ino = |bit: u32| Ino::new(before.saturating_add(bit).saturating_add(1));
        let marked = |(bit, inodes)| Repair::InodesMarkedFree { first: ino(bit), inodes };
        let leaked = |(bit, inodes)| Repair::InodesLeaked { first: ino(bit), inodes };
        self.repairs.extend(found.free_but_used.map(marked));
        self.repairs.extend(found.used_but_free.map(leaked));
        described.wrong_free.into_iter().for_each(|wrong| self.count(Counted::FreeInodes, wrong));
    }

    fn block_bitmap<M: Media>(&mut self, disk: &mut M, described: Described) {
        let fs = &self.fs.superblock;
        let (at, structure) = (self.places.block_bitmap, Structure::BlockBitmap);
        let checksum = self.checksum(&described, fs.blocks_per_group);
        let bits = fs.blocks_in(self.group);
        let ask = AskBitmap { structure, bits, checksum, used: self.blocks() };
        let found = ask.of(disk, at, &described);
        self.damage(at, &found);
        let first = fs.first_block(self.group).get();
        let block = |bit: u32| BlockNr::new(first.saturating_add(bit.into()));
        let marked = |(bit, blocks)| Repair::BlocksMarkedFree { first: block(bit), blocks };
        let leaked = |(bit, blocks)| Repair::BlocksLeaked { first: block(bit), blocks };
        self.repairs.extend(found.free_but_used.map(marked));
        self.repairs.extend(found.used_but_free.map(leaked));
        described.wrong_free.into_iter().for_each(|wrong| self.count(Counted::FreeBlocks, wrong));
    }

    /// What is wrong with a bitmap, whatever is in use.
    fn damage(&mut self, bitmap: BlockNr, found: &Compared) {
        self.repairs.extend(found.checksum.map(Repair::BitmapChecksum));
        self.repairs.extend(found.padding.then_some(Repair::Padding { bitmap }));
    }
}

/// How many inodes at the end of a group are not in use.
fn unused(used: &[u8]) -> u32 {
    let unused_bytes = len_u32(used.iter().rev().take_while(|byte| **byte == 0).count());
    let last = used.iter().rev().find(|byte| **byte != 0).map_or(0, |byte| byte.leading_zeros());
    unused_bytes.saturating_mul(8).saturating_add(last)
}

/// How many of so many bits are not in use.
fn free(used: &[u8], bits: u32) -> u32 {
    let room = |at: u32| bits.saturating_sub(at).min(8);
    let free = (0..).step_by(8).zip(used).map(|(at, byte)| room(at).saturating_sub(byte.count_ones()));
    free.fold(0, u32::saturating_add)
}
