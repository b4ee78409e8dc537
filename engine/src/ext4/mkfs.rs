//! Making a file system, as small as the kernel and e2fsck accept.
//!
//! ```text
//!   group 0: superblock │ descriptors │ block bitmap │ inode bitmap │ inode table │ root │ lost+found │ journal
//!   others:  copies of the first two where the group's number asks for them │ bitmaps │ inode table │ free
//! ```
//! With `orphan_file` the file of orphans lies before the journal.
//! Not modelled: what mke2fs adds by default (flex_bg, resize_inode, 64bit, huge_file, ext_attr); an image has it.

use super::inode::{Inode, timestamp};
use super::{JOURNAL, LOST_FOUND, ROOT};
use crate::device::DiskImage;
use crate::format::dirent;
use crate::format::journal::{JournalFeatures, JournalSuperblock};
use crate::format::{
    Compat, Dirent, Extent, ExtentNode, ExtentState, FileKind, FsSeed, GroupDesc, Incompat, RawInode,
    RoCompat, Superblock, bitmap, fast, orphan,
};
use crate::scenario::{Checksums, Mkfs};
use crate::units::{BLOCK_BYTES, Block, BlockNr, FileBlock, Ino, Tid, Time, Widen, block_bytes};

/// Names the file system and seeds its checksums: always the same, so that images are.
const UUID: [u8; 16] = *b"unplug-filesystm";
const BLOCKS_PER_GROUP: u32 = 32768;
/// The file of orphans, the first inode behind lost+found.
const ORPHAN_FILE: Ino = Ino::new(12);
/// Its blocks (`ext2fs_default_orphan_file_blocks` for a small file system).
const ORPHAN_BLOCKS: u32 = 32;

/// An empty file system of the wanted size: root directory, lost+found, journal.
///
/// # Panics
/// Where the sizes do not fit each other, which the scenario's check excludes.
pub fn mkfs(options: &Mkfs, now: Time) -> DiskImage {
    let mut image = DiskImage::new(options.blocks);
    let mut plan = Plan::new(options, now);
    let root = plan.take(1)[0].0;
    let lost_found = plan.take(1)[0].0;
    let journal = plan.take(options.journal_blocks.map_or(0, |log| log + fast_blocks(options)));
    if options.orphan_file {
        let runs = plan.take(ORPHAN_BLOCKS);
        plan.write_orphan_file(&mut image, &runs);
    }
    plan.write_dirs(&mut image, root, lost_found);
    plan.write_journal(&mut image, &journal);
    plan.write_groups(&mut image);
    image
}

/// What goes where.
struct Plan {
    superblock: Superblock,
    seed: Option<FsSeed>,
    groups: Vec<GroupDesc>,
    /// For each group the first block that nothing lies in.
    next: Vec<u32>,
    /// Blocks for fast commits at the end of the journal.
    fast_blocks: u32,
    now: Time,
}

impl Plan {
    fn new(options: &Mkfs, now: Time) -> Self {
        let superblock = new_superblock(options, now);
        let groups: Vec<GroupDesc> =
            (0..superblock.groups()).map(|group| place_group(&superblock, group)).collect();
        let table = superblock.inode_table_blocks();
        let next = (0..superblock.groups())
            .zip(&groups)
            .map(|(group, desc)| {
                let behind =
                    desc.inode_table.plus(u64::from(table)).get() - superblock.first_block(group).get();
                u32::try_from(behind).unwrap_or(u32::MAX)
            })
            .collect();
        let seed = superblock.metadata_seed();
        Self { superblock, seed, groups, next, fast_blocks: fast_blocks(options), now }
    }

    /// Takes free blocks, group after group: the runs that they come in.
    fn take(&mut self, blocks: u32) -> Vec<(BlockNr, u32)> {
        let mut left = blocks;
        let mut runs = Vec::new();
        for (group, next) in (0..).zip(&mut self.next) {
            let here =
                left.min(self.superblock.blocks_in(group) - *next).min(ExtentState::Written.max_blocks());
            if here > 0 {
                runs.push((self.superblock.first_block(group).plus(u64::from(*next)), here));
                *next += here;
                left -= here;
            }
        }
        assert_eq!(left, 0, "the journal fits the disk");
        runs
    }

    fn write_dirs(&self, image: &mut DiskImage, root: BlockNr, lost_found: BlockNr) {
        for (ino, at, mode, links) in [(ROOT, root, 0o755, 3), (LOST_FOUND, lost_found, 0o700, 2)] {
            let mut block = dirent::new_block_dots(ino, ROOT, self.seed.map(|seed| seed.inode(ino, 0)));
            if ino == ROOT {
                let entry =
                    Dirent { ino: LOST_FOUND, kind: FileKind::DIRECTORY, name: b"lost+found".to_vec() };
                let inserted = dirent::insert(&mut block, &entry, self.seed.map(|seed| seed.inode(ino, 0)));
                assert!(inserted.is_ok(), "a new directory has room for a name");
            }
            image.set(at, block);
            let mut inode = Inode::new_raw(FileKind::DIRECTORY.mode_bits() | mode, 0, timestamp(self.now));
            inode.links = links;
            self.write_inode(image, ino, inode, &[(at, 1)]);
        }
    }

    fn write_journal(&mut self, image: &mut DiskImage, runs: &[(BlockNr, u32)]) {
        let Some((first, _)) = runs.first() else { return };
        let len = runs.iter().map(|(_, len)| len).sum();
        let superblock = JournalSuperblock {
            blocks: len,
            first: 1,
            sequence: Tid::new(1),
            start: 0,
            errno: 0,
            features: JournalFeatures::NONE,
            ro_compat: 0,
            uuid: UUID,
            users: 1,
            fast_commit_blocks: self.fast_blocks,
            head: 0,
        };
        let mut block = Block::zeroed();
        superblock.write_into(&mut block);
        image.set(*first, block);
        let inode = Inode::new_raw(FileKind::REGULAR.mode_bits() | 0o600, 0, timestamp(self.now));
        let raw = self.write_inode(image, JOURNAL, inode, runs);
        // A copy of where the journal lies, for e2fsck.
        let size = raw.size.to_le_bytes();
        let (low, high) = size.split_at(4);
        let backup = raw.block.iter().chain(high).chain(low);
        for (to, from) in self.superblock.journal_backup.iter_mut().zip(backup) {
            *to = *from;
        }
    }

    /// e2fsprogs 1.47 lib/ext2fs/orphan.c, `ext2fs_create_orphan_file`
    fn write_orphan_file(&mut self, image: &mut DiskImage, runs: &[(BlockNr, u32)]) {
        let seed = self.seed.map(|seed| seed.inode(ORPHAN_FILE, 0));
        for nr in runs.iter().flat_map(|(at, len)| (0..u64::from(*len)).map(|nr| at.plus(nr))) {
            image.set(nr, orphan::new_block(nr, seed));
        }
        let inode = Inode::new_raw(FileKind::REGULAR.mode_bits() | 0o600, 0, timestamp(self.now));
        self.write_inode(image, ORPHAN_FILE, inode, runs);
        self.superblock.orphan_file = ORPHAN_FILE;
    }

    fn write_inode(
        &self,
        image: &mut DiskImage,
        ino: Ino,
        mut raw: RawInode,
        runs: &[(BlockNr, u32)],
    ) -> RawInode {
        let mut from = 0;
        let mut extents = Vec::new();
        for (at, blocks) in runs {
            extents.push(Extent {
                from: FileBlock::new(from),
                blocks: *blocks,
                at: *at,
                state: ExtentState::Written,
            });
            from += blocks;
        }
        raw.block = ExtentNode::leaf(extents).to_root();
        raw.size = u64::from(from) * block_bytes();
        raw.sectors = u64::from(from) * 8;
        let Some(place) = self.superblock.inode_place(ino) else { return raw };
        let nr = self.groups[place.group.index()].inode_table.plus(u64::from(place.table_block));
        let mut block = image.block(nr).clone();
        raw.write_into(&mut block, place.slot, self.seed.map(|seed| (seed, ino)));
        image.set(nr, block);
        raw
    }

    fn write_groups(&mut self, image: &mut DiskImage) {
        for group in 0..self.superblock.groups() {
            self.write_bitmaps(image, group);
        }
        self.superblock.free_blocks = self.groups.iter().map(|desc| desc.free_blocks).sum();
        self.superblock.free_inodes = self.groups.iter().map(|desc| desc.free_inodes).sum();
        for copy in (0..self.superblock.groups()).filter(|group| self.superblock.has_copy(*group)) {
            let start = self.superblock.first_block(copy);
            let mut block = Block::zeroed();
            if copy == 0 {
                self.superblock.write_into(&mut block);
            } else {
                self.superblock.write_backup_into(&mut block, u16::try_from(copy).unwrap_or(u16::MAX));
            }
            image.set(start, block);
            for (group, desc) in (0..).zip(&self.groups) {
                let (place, index) = self.superblock.descriptor_place(group);
                let nr = start.plus(place.get());
                let mut block = image.block(nr).clone();
                desc.write_into(
                    &mut block,
                    index,
                    self.superblock.desc_size(),
                    self.seed.map(|seed| (seed, group)),
                );
                image.set(nr, block);
            }
        }
    }

    fn write_bitmaps(&mut self, image: &mut DiskImage, group: u32) {
        let len = self.superblock.blocks_in(group);
        let per_group = self.superblock.inodes_per_group;
        let last = if self.superblock.orphan_file == ORPHAN_FILE { ORPHAN_FILE } else { LOST_FOUND };
        let used_inodes = if group == 0 { last.get() } else { 0 };
        let used_blocks = self.next[group.index()];
        let blocks = bits(|bit| bit < used_blocks || bit >= len);
        let inodes = bits(|bit| bit < used_inodes || bit >= per_group);
        let (seed, size) = (self.seed, self.superblock.desc_size());
        let desc = &mut self.groups[group.index()];
        desc.free_blocks = len - used_blocks;
        desc.free_inodes = per_group - used_inodes;
        desc.used_dirs = if group == 0 { 2 } else { 0 };
        if let Some(seed) = seed {
            desc.flags = GroupDesc::INODE_ZEROED;
            desc.itable_unused = per_group - used_inodes;
            desc.block_bitmap_csum = bitmap::checksum(seed, &blocks, BLOCKS_PER_GROUP.index() / 8, size);
            desc.inode_bitmap_csum = bitmap::checksum(seed, &inodes, per_group.index() / 8, size);
        }
        image.set(desc.block_bitmap, blocks);
        image.set(desc.inode_bitmap, inodes);
    }
}

/// How many blocks there are for fast commits, beyond those that were asked for as journal.
fn fast_blocks(options: &Mkfs) -> u32 {
    if options.fast_commit { fast::default_blocks(options.blocks) } else { 0 }
}

/// A bitmap block with the bits set for which `used` holds.
fn bits(used: impl Fn(u32) -> bool) -> Block {
    let mut bytes = [0_u8; BLOCK_BYTES];
    for (from, byte) in (0..).step_by(8).zip(&mut bytes) {
        *byte = (0..8).filter(|bit| used(from + bit)).fold(0, |byte, bit| byte | 1 << bit);
    }
    Block::from(bytes)
}

fn place_group(superblock: &Superblock, group: u32) -> GroupDesc {
    let start = superblock.first_block(group);
    let copies = if superblock.has_copy(group) { 1 + u64::from(superblock.descriptor_blocks()) } else { 0 };
    GroupDesc {
        block_bitmap: start.plus(copies),
        inode_bitmap: start.plus(copies + 1),
        inode_table: start.plus(copies + 2),
        free_blocks: 0,
        free_inodes: 0,
        used_dirs: 0,
        flags: 0,
        block_bitmap_csum: 0,
        inode_bitmap_csum: 0,
        itable_unused: 0,
    }
}

fn compat(options: &Mkfs) -> Compat {
    let wanted = [
        (options.journal_blocks.is_some(), Compat::HAS_JOURNAL),
        (options.dir_index, Compat::DIR_INDEX),
        (options.orphan_file, Compat::ORPHAN_FILE),
        (options.fast_commit, Compat::FAST_COMMIT),
    ];
    wanted.iter().filter(|(wanted, _)| *wanted).fold(Compat(0), |all, (_, feature)| all.with(*feature))
}

fn new_superblock(options: &Mkfs, now: Time) -> Superblock {
    let blocks = u32::try_from(options.blocks).unwrap_or(u32::MAX);
    let groups = blocks.div_ceil(BLOCKS_PER_GROUP);
    let inodes_per_group = options.inodes.div_ceil(groups).next_multiple_of(16);
    let seconds = u32::try_from(now.secs()).unwrap_or(u32::MAX);
    let mut ro_compat = RoCompat::SPARSE_SUPER.with(RoCompat::LARGE_FILE).with(RoCompat::EXTRA_ISIZE);
    match options.metadata_csum {
        Checksums::Crc32c => ro_compat = ro_compat.with(RoCompat::METADATA_CSUM),
        Checksums::None => {}
    }
    Superblock {
        inodes: inodes_per_group * groups,
        blocks,
        reserved_blocks: 0,
        free_blocks: 0,
        free_inodes: 0,
        blocks_per_group: BLOCKS_PER_GROUP,
        inodes_per_group,
        mount_time: 0,
        write_time: seconds,
        mount_count: 0,
        max_mount_count: u16::MAX,
        state: Superblock::STATE_VALID,
        on_error: 1,
        check_time: seconds,
        first_ino: LOST_FOUND,
        group: 0,
        compat: compat(options),
        incompat: Incompat::FILETYPE.with(Incompat::EXTENTS),
        ro_compat,
        uuid: UUID,
        journal_ino: options.journal_blocks.map_or(Ino::new(0), |_| JOURNAL),
        last_orphan: Ino::new(0),
        hash_seed: UUID,
        hash_version: 1,
        journal_backup_type: options.journal_blocks.map_or(0, |_| 1),
        default_mount_options: 0x0C,
        mkfs_time: seconds,
        reserved_gdt_blocks: 0,
        desc_bytes: 0,
        checksum_seed: 0,
        orphan_file: Ino::new(0),
        journal_backup: [0; 68],
        min_extra_isize: 32,
        want_extra_isize: 32,
        flags: 1,
    }
}
