//! The superblock and the group descriptors: what must be sound before anything else is read.
//!
//! What a descriptor counts is asked by the audit, which knows what it should count.

use super::Attributes;
use super::error::MountError;
use super::preen::View;
use super::repair::Repair;
use crate::device::{Media, Question};
use crate::format::{Expected, FormatError, GroupDesc, Incompat, InodePlace, Structure, Superblock};
use crate::units::{Block, BlockNr, Ino, Widen, len_u32};
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a file system is.
#[derive(Debug)]
pub(super) struct Fs {
    /// Counts, times and what else [`used`] leaves out are 0.
    pub(super) superblock: Arc<Superblock>,
    /// As many as the superblock says.
    pub(super) groups: Vec<Places>,
    /// Whether attributes in inodes are read.
    pub(super) attributes: Attributes,
    /// With whose rules.
    pub(super) view: View,
}

/// Where the bitmaps and the inodes of a group are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Places {
    pub(super) block_bitmap: BlockNr,
    pub(super) inode_bitmap: BlockNr,
    pub(super) inode_table: BlockNr,
}

impl Places {
    const fn of(group: &GroupDesc) -> Self {
        let GroupDesc { block_bitmap, inode_bitmap, inode_table, .. } = *group;
        Self { block_bitmap, inode_bitmap, inode_table }
    }
}

/// What is in block 0, before replay or after it?
struct AskSuperblock;

impl Question for AskSuperblock {
    type Answer = Result<Superblock, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        Superblock::from_block(content).map(used)
    }
}

/// A superblock without what nobody here looks at: contents that differ in nothing else are the same disk.
fn used(superblock: Superblock) -> Superblock {
    Superblock {
        reserved_blocks: 0,
        free_blocks: 0,
        free_inodes: 0,
        mount_time: 0,
        write_time: 0,
        mount_count: 0,
        max_mount_count: 0,
        state: 0,
        on_error: 0,
        check_time: 0,
        group: 0,
        hash_seed: [0; 16],
        hash_version: 0,
        journal_backup_type: 0,
        default_mount_options: 0,
        mkfs_time: 0,
        journal_backup: [0; 68],
        min_extra_isize: 0,
        want_extra_isize: 0,
        flags: 0,
        ..superblock
    }
}

/// Where are the bitmaps and inodes of the groups from `first` on whose descriptors are in this block?
struct AskPlaces<'a> {
    superblock: &'a Superblock,
    first: u32,
}

impl AskPlaces<'_> {
    fn groups(&self) -> impl Iterator<Item = u32> {
        let per_block = self.superblock.descriptors_per_block();
        self.first..self.superblock.groups().min(self.first.saturating_add(per_block))
    }

    /// A descriptor, and why it is not to be trusted.
    fn read(&self, content: &Block, group: u32) -> Result<GroupDesc, (Option<GroupDesc>, FormatError)> {
        let (_, index) = self.superblock.descriptor_place(group);
        let csum = self.superblock.metadata_seed().map(|seed| (seed, group));
        let size = self.superblock.desc_size();
        GroupDesc::read_from(content, index, size, csum)
            .map_err(|error| (GroupDesc::read_from(content, index, size, None).ok(), error))
    }
}

impl Question for AskPlaces<'_> {
    type Answer = Result<Vec<Places>, MountError>;
    // v6.6 fs/ext4/super.c, ext4_group_desc_init, ext4_check_descriptors.
    fn answer(&self, content: &Block) -> Self::Answer {
        let place = |group| {
            let refused = |error| MountError::Group { group, error };
            let found = self.read(content, group).map_err(|(_, error)| refused(error))?;
            found.check_places(self.superblock, group).map_err(refused)?;
            Ok(Places::of(&found))
        };
        self.groups().map(place).collect()
    }
}

/// The same after replay: for each group where they are, and what is wrong with the descriptor.
struct AskPlacesAgain<'a>(AskPlaces<'a>);

#[derive(Clone, PartialEq, Eq)]
struct Again {
    /// None where there is no such descriptor.
    places: Option<Places>,
    checksum: Option<FormatError>,
    outside: Option<FormatError>,
}

impl Question for AskPlacesAgain<'_> {
    type Answer = Vec<Again>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let again = |group| {
            let (found, checksum) = match self.0.read(content, group) {
                Ok(found) => (Some(found), None),
                Err((found, error)) => (found, Some(error)),
            };
            let outside = found.as_ref().and_then(|it| it.check_places(self.0.superblock, group).err());
            Again { places: found.as_ref().map(Places::of), checksum, outside }
        };
        self.0.groups().map(again).collect()
    }
}

/// A file system that is being opened: its superblock, and the groups that were read.
#[derive(Clone, Debug)]
pub(super) struct Opening {
    superblock: Arc<Superblock>,
    groups: Vec<Places>,
    attributes: Attributes,
    view: View,
}

impl Opening {
    /// Reads the superblock.
    // v6.6 fs/ext4/super.c, ext4_load_super.
    pub(super) fn start<M: Media>(disk: &mut M, attributes: Attributes) -> Result<Self, MountError> {
        let superblock = if disk.blocks() == 0 {
            Superblock::from_block(&Block::zeroed()).map(used)
        } else {
            disk.ask(BlockNr::new(0), &AskSuperblock)
        };
        let superblock = superblock.map_err(MountError::Superblock)?;
        superblock.check_fits(disk.blocks()).map_err(MountError::Superblock)?;
        let superblock = Arc::new(superblock);
        Ok(Self { superblock, groups: Vec::new(), attributes, view: View::Mount })
    }

    /// Reads one block of group descriptors.
    pub(super) fn step<M: Media>(&mut self, disk: &mut M) -> Result<ControlFlow<Fs>, MountError> {
        let first = len_u32(self.groups.len());
        if first < self.superblock.groups() {
            let block = descriptors(disk, &self.superblock, first)?;
            let places = disk.ask(block, &AskPlaces { superblock: &self.superblock, first })?;
            self.groups.extend(places);
            return Ok(ControlFlow::Continue(()));
        }
        Ok(ControlFlow::Break(self.opened()))
    }

    /// Reads the superblock again after replay, which wrote it beneath Linux's hands. Here a superblock that replay
    /// made unreadable counts as a failure, and the geometry does not change.
    // v6.6 fs/jbd2/recovery.c, do_one_pass: the buffers that ext4 keeps are written.
    pub(super) fn again<M: Media>(disk: &mut M, before: &Fs, view: View) -> Result<Self, MountError> {
        let after = disk.ask(BlockNr::new(0), &AskSuperblock).map_err(MountError::Superblock)?;
        let old = &before.superblock;
        let same = after.blocks == old.blocks && after.groups() == old.groups() && after.inodes == old.inodes;
        let superblock = if same { Arc::new(after) } else { old.clone() };
        Ok(Self { superblock, groups: Vec::new(), attributes: before.attributes, view })
    }

    /// Reads one block of group descriptors again: those in memory are those that were replayed, and are not checked.
    /// Where a group's bitmaps are does not change.
    pub(super) fn step_again<M: Media>(
        &mut self,
        disk: &mut M,
        before: &Fs,
        repairs: &mut Vec<Repair>,
    ) -> Result<ControlFlow<Fs>, MountError> {
        let first = len_u32(self.groups.len());
        if first < self.superblock.groups() {
            let block = descriptors(disk, &self.superblock, first)?;
            let ask = AskPlacesAgain(AskPlaces { superblock: &self.superblock, first });
            let found = disk.ask(block, &ask);
            for ((group, again), old) in (first..).zip(found).zip(before.groups.iter().skip(first.index())) {
                let errors = again.checksum.into_iter().chain(again.outside);
                repairs.extend(errors.map(|error| Repair::GroupDescriptor { group, error }));
                let found = again.places.unwrap_or(*old);
                let bitmaps = if again.outside.is_some() { old } else { &found };
                self.groups.push(Places { inode_table: found.inode_table, ..*bitmaps });
            }
            return Ok(ControlFlow::Continue(()));
        }
        Ok(ControlFlow::Break(self.opened()))
    }

    fn opened(&mut self) -> Fs {
        let groups = std::mem::take(&mut self.groups);
        Fs { superblock: self.superblock.clone(), groups, attributes: self.attributes, view: self.view }
    }
}

/// The block that holds the descriptor of a group, if the disk has one.
fn descriptors<M: Media>(disk: &M, fs: &Superblock, group: u32) -> Result<BlockNr, MountError> {
    let (block, _) = fs.descriptor_place(group);
    if block.get() < disk.blocks() {
        return Ok(block);
    }
    let error = FormatError::Field {
        structure: Structure::GroupDescriptor,
        field: "block",
        found: block.get(),
        expected: Expected::AtMost(disk.blocks().saturating_sub(1)),
    };
    Err(MountError::Group { group, error })
}

impl Fs {
    /// Opens a file system, all at once.
    pub(super) fn open<M: Media>(disk: &mut M, attributes: Attributes) -> Result<Self, MountError> {
        let mut opening = Opening::start(disk, attributes)?;
        loop {
            if let ControlFlow::Break(fs) = opening.step(disk)? {
                return Ok(fs);
            }
        }
    }

    /// Whether the log is to be replayed.
    pub(super) fn needs_recovery(&self) -> bool {
        self.superblock.incompat.has(Incompat::RECOVER)
    }

    /// Where an inode lies, if there is such an inode and its group has a place for it.
    // v6.6 fs/ext4/inode.c, __ext4_get_inode_loc.
    pub(super) fn place(&self, ino: Ino) -> Option<(BlockNr, InodePlace)> {
        let place = self.superblock.inode_place(ino)?;
        let group = self.groups.get(place.group.index())?;
        let block = group.inode_table.get().checked_add(place.table_block.into()).map(BlockNr::new)?;
        (group.inode_table.get() > 0 && self.has_blocks(block, 1)).then_some((block, place))
    }

    /// Whether the file system has all of these blocks, none of them block 0.
    pub(super) fn has_blocks(&self, at: BlockNr, blocks: u32) -> bool {
        let end = at.get().saturating_add(blocks.into());
        at.get() > 0 && end <= u64::from(self.superblock.blocks)
    }
}
