//! The superblock and the group descriptors: what must be sound before anything else is read.

use super::error::MountError;
use super::repair::Repair;
use crate::device::{Media, Question};
use crate::format::{FormatError, FsSeed, GroupDesc, Incompat, InodePlace, Superblock};
use crate::units::{Block, BlockNr, Ino, Widen};

/// What a file system is.
#[derive(Debug)]
pub(super) struct Fs {
    pub(super) superblock: Superblock,
    /// As many as the superblock says.
    pub(super) groups: Vec<GroupDesc>,
}

/// What is in block 0?
struct AskSuperblock;

impl Question for AskSuperblock {
    type Answer = Result<Superblock, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        Superblock::from_block(content)
    }
}

/// What is the descriptor of this group?
struct AskGroup {
    index: usize,
    csum: Option<(FsSeed, u32)>,
}

impl Question for AskGroup {
    type Answer = Result<GroupDesc, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        GroupDesc::read_from(content, self.index, self.csum)
    }
}

impl Fs {
    /// Reads what is checked before the journal is touched.
    // v6.6 fs/ext4/super.c, ext4_load_super, ext4_group_desc_init, ext4_check_descriptors.
    pub(super) fn open<M: Media>(disk: &mut M) -> Result<Self, MountError> {
        if disk.blocks() == 0 {
            let nothing = Superblock::from_block(&Block::zeroed());
            return nothing
                .map_err(MountError::Superblock)
                .map(|superblock| Self { superblock, groups: Vec::new() });
        }
        let superblock = disk.ask(BlockNr::new(0), &AskSuperblock).map_err(MountError::Superblock)?;
        superblock.check_fits(disk.blocks()).map_err(MountError::Superblock)?;
        let mut groups = Vec::new();
        for group in 0..superblock.groups() {
            let refused = |error| MountError::Group { group, error };
            let found = ask_group(disk, &superblock, group, Trust::Verify).map_err(refused)?;
            found.check_places(&superblock, group).map_err(refused)?;
            groups.push(found);
        }
        Ok(Self { superblock, groups })
    }

    /// Reads the same after replay, which wrote it beneath Linux's hands: the group descriptors in memory are those
    /// that were replayed, and are not checked again. Here a superblock that replay made unreadable counts as a
    /// failure, and where a group's bitmaps are does not change.
    // v6.6 fs/jbd2/recovery.c, do_one_pass: the buffers that ext4_group_desc_init keeps are written.
    pub(super) fn reopen<M: Media>(
        disk: &mut M,
        before: &Self,
        repairs: &mut Vec<Repair>,
    ) -> Result<Self, MountError> {
        let superblock = disk.ask(BlockNr::new(0), &AskSuperblock).map_err(MountError::Superblock)?;
        let same = superblock.blocks == before.superblock.blocks
            && superblock.groups() == before.superblock.groups()
            && superblock.inodes == before.superblock.inodes;
        let superblock = if same { superblock } else { before.superblock.clone() };
        let mut groups = Vec::new();
        for (group, old) in (0..).zip(&before.groups) {
            let found = ask_group(disk, &superblock, group, Trust::Verify).or_else(|error| {
                repairs.push(Repair::GroupDescriptor { group, error });
                ask_group(disk, &superblock, group, Trust::Believe)
            });
            let mut found = found.unwrap_or_else(|_| old.clone());
            if let Err(error) = found.check_places(&superblock, group) {
                repairs.push(Repair::GroupDescriptor { group, error });
                found.block_bitmap = old.block_bitmap;
                found.inode_bitmap = old.inode_bitmap;
            }
            groups.push(found);
        }
        Ok(Self { superblock, groups })
    }

    /// Whether the log is to be replayed.
    pub(super) const fn needs_recovery(&self) -> bool {
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

/// Whether a checksum counts.
#[derive(Clone, Copy)]
enum Trust {
    Verify,
    Believe,
}

fn ask_group<M: Media>(
    disk: &mut M,
    fs: &Superblock,
    group: u32,
    trust: Trust,
) -> Result<GroupDesc, FormatError> {
    let (block, index) = fs.descriptor_place(group);
    if block.get() >= disk.blocks() {
        return Err(FormatError::Field {
            structure: crate::format::Structure::GroupDescriptor,
            field: "block",
            found: block.get(),
            expected: crate::format::Expected::AtMost(disk.blocks().saturating_sub(1)),
        });
    }
    let csum = match trust {
        Trust::Verify => fs.metadata_seed().map(|seed| (seed, group)),
        Trust::Believe => None,
    };
    disk.ask(block, &AskGroup { index, csum })
}
