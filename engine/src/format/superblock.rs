//! The superblock: what the file system is, and what its state was when it was last written.
//!
//! ```text
//!   block 0   | 1024 bytes of anything | superblock, 1024 bytes, checksum in its last four | … |
//! ```
//! Bytes without a name here stay as they are when a superblock is written, so that one from mke2fs is kept.
//! A superblock that was read satisfies: blocks and inodes per group are not 0 and fit one bitmap block, groups
//! times inodes per group is the number of inodes, and there is at least one group.

use super::bytes::{array, byte, le16, le32, put, put_byte, put_le16, put_le32, span};
use super::checksum::crc32c;
use super::{Expected, FormatError, FsSeed, InodeSeed, Structure, bitmap};
use crate::units::{Block, Ino};

mod features;

pub use features::{Compat, Incompat, RoCompat};

const START: usize = 1024;
const LEN: usize = 1024;
const CHECKSUM: usize = 0x3FC;
const MAGIC: u16 = 0xEF53;
/// log2 of the block size in KiB.
const LOG_BLOCK_SIZE: u32 = 2;
const INODE_BYTES: u16 = 256;
const CHECKSUM_CRC32C: u8 = 1;

/// The superblock (`struct ext4_super_block`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Superblock {
    /// Inodes of the file system.
    pub inodes: u32,
    /// Blocks of the file system.
    pub blocks: u32,
    /// Blocks that only root may take.
    pub reserved_blocks: u32,
    /// Free blocks, as of the last time the superblock was refreshed.
    pub free_blocks: u32,
    /// Free inodes, as of the last time the superblock was refreshed.
    pub free_inodes: u32,
    /// Blocks per group.
    pub blocks_per_group: u32,
    /// Inodes per group.
    pub inodes_per_group: u32,
    /// When it was last mounted, in seconds since 1970.
    pub mount_time: u32,
    /// When this was last written, in seconds since 1970.
    pub write_time: u32,
    /// How often it was mounted since it was last checked.
    pub mount_count: u16,
    /// After how many mounts it wants to be checked; 0xFFFF is never.
    pub max_mount_count: u16,
    /// Whether it was unmounted cleanly, and whether errors were seen: `STATE_…`.
    pub state: u16,
    /// What to do on an error: 1 goes on, 2 remounts read-only, 3 panics.
    pub on_error: u16,
    /// When it was last checked, in seconds since 1970.
    pub check_time: u32,
    /// The first inode that is not reserved.
    pub first_ino: Ino,
    /// The group that this copy lies in.
    pub group: u16,
    /// Features that may be ignored.
    pub compat: Compat,
    /// Features without which it may not be read.
    pub incompat: Incompat,
    /// Features without which it may not be written.
    pub ro_compat: RoCompat,
    /// The name that seeds the checksums.
    pub uuid: [u8; 16],
    /// The inode of the journal; 0 without one.
    pub journal_ino: Ino,
    /// The first inode of the orphan list; 0 where it is empty.
    pub last_orphan: Ino,
    /// The seed of directory hashes.
    pub hash_seed: [u8; 16],
    /// The kind of directory hashes.
    pub hash_version: u8,
    /// What `journal_backup` holds: 1 for the blocks of the journal inode.
    pub journal_backup_type: u8,
    /// Mount options that need not be given.
    pub default_mount_options: u32,
    /// When it was made, in seconds since 1970.
    pub mkfs_time: u32,
    /// Blocks behind each copy of the descriptors that are kept for more of them.
    pub reserved_gdt_blocks: u16,
    /// Bytes of a group descriptor; 0 stands for 32.
    pub desc_bytes: u16,
    /// Where the checksums start, with the feature for it.
    pub checksum_seed: u32,
    /// The file of orphans; 0 without one.
    pub orphan_file: Ino,
    /// `i_block` of the journal's inode, and the upper and lower half of its size.
    pub journal_backup: [u8; 68],
    /// Bytes behind the first 128 that every inode has.
    pub min_extra_isize: u16,
    /// Bytes behind the first 128 that new inodes get.
    pub want_extra_isize: u16,
    /// 1 where directory hashes take characters as signed.
    pub flags: u32,
}

impl Superblock {
    /// `state`: it was unmounted cleanly, or it has a journal.
    pub const STATE_VALID: u16 = 1;
    /// `state`: errors were seen (`ext4_error`).
    pub const STATE_ERROR: u16 = 2;

    /// The superblock in block 0.
    ///
    /// # Errors
    /// It is none, its checksum is bad, its geometry can't be, or it needs what is not modelled.
    // v6.6 fs/ext4/super.c, ext4_load_super, ext4_init_metadata_csum, ext4_handle_clustersize, ext4_check_geometry.
    pub fn from_block(block: &Block) -> Result<Self, FormatError> {
        Self::from_bytes(span(block.bytes(), START, START + LEN))
    }

    /// The copy at the start of another group's first block.
    ///
    /// # Errors
    /// As [`Self::from_block`].
    pub fn from_backup(block: &Block) -> Result<Self, FormatError> {
        Self::from_bytes(span(block.bytes(), 0, LEN))
    }

    /// Writes into block 0; bytes that have no name here stay as they are.
    pub fn write_into(&self, block: &mut Block) {
        self.to_bytes(block.bytes_mut().get_mut(START..START + LEN).unwrap_or(&mut []));
    }

    /// Writes a copy, with its group's number, at the start of that group's first block.
    pub fn write_backup_into(&self, block: &mut Block, group: u16) {
        let copy = Self { group, ..self.clone() };
        copy.to_bytes(block.bytes_mut().get_mut(..LEN).unwrap_or(&mut []));
    }

    /// Whether metadata has checksums.
    pub const fn has_metadata_csum(&self) -> bool {
        self.ro_compat.has(RoCompat::METADATA_CSUM)
    }

    /// Whether it has a journal.
    pub const fn has_journal(&self) -> bool {
        self.compat.has(Compat::HAS_JOURNAL)
    }

    /// Where checksums start, whether metadata has them or not.
    pub fn csum_seed(&self) -> FsSeed {
        if self.incompat.has(Incompat::CSUM_SEED) {
            FsSeed::stored(self.checksum_seed)
        } else {
            FsSeed::of(&self.uuid)
        }
    }

    /// Where checksums start, if metadata has them.
    pub fn metadata_seed(&self) -> Option<FsSeed> {
        self.has_metadata_csum().then(|| self.csum_seed())
    }

    /// Where the checksums of an inode's blocks start, if metadata has them.
    pub fn inode_seed(&self, ino: Ino, generation: u32) -> Option<InodeSeed> {
        self.metadata_seed().map(|seed| seed.inode(ino, generation))
    }

    /// Refuses a file system that is larger than the disk it lies on (`ext4_check_geometry`).
    ///
    /// # Errors
    /// [`FormatError::Field`].
    pub fn check_fits(&self, disk_blocks: u64) -> Result<(), FormatError> {
        Structure::Superblock.demand("block count", self.blocks, Expected::AtMost(disk_blocks))
    }

    fn from_bytes(b: &[u8]) -> Result<Self, FormatError> {
        let at = Structure::Superblock;
        at.demand("magic", le16(b, 0x38), Expected::Exactly(MAGIC.into()))?;
        let superblock = Self::parse(b);
        if superblock.has_metadata_csum() {
            if byte(b, 0x175) != CHECKSUM_CRC32C {
                return Err(at.unsupported("checksum type", byte(b, 0x175)));
            }
            at.demand_checksum(le32(b, CHECKSUM), crc32c(u32::MAX, span(b, 0, CHECKSUM)))?;
        }
        for (what, found, supported) in [
            ("revision", le32(b, 0x4C), 1),
            ("block size", le32(b, 0x18), LOG_BLOCK_SIZE),
            ("cluster size", le32(b, 0x1C), LOG_BLOCK_SIZE),
            ("inode size", le16(b, 0x58).into(), INODE_BYTES.into()),
            ("first data block", le32(b, 0x14), 0),
        ] {
            if found != supported {
                return Err(at.unsupported(what, found));
            }
        }
        superblock.check_features()?;
        if superblock.incompat.has(Incompat::BITS_64) {
            for (what, found, supported) in [
                ("descriptor size", u32::from(superblock.desc_bytes), 64),
                ("number of blocks above", le32(b, 0x150), 0),
            ] {
                if found != supported {
                    return Err(at.unsupported(what, found));
                }
            }
        }
        at.demand(
            "clusters per group",
            le32(b, 0x24),
            Expected::Exactly(superblock.blocks_per_group.into()),
        )?;
        superblock.check_geometry()?;
        Ok(superblock)
    }

    fn check_features(&self) -> Result<(), FormatError> {
        let refusal = self.compat.refused().or(self.incompat.refused()).or(self.ro_compat.refused());
        match refusal {
            Some((what, bits)) => Err(Structure::Superblock.unsupported(what, bits)),
            None => Ok(()),
        }
    }

    fn check_geometry(&self) -> Result<(), FormatError> {
        let at = Structure::Superblock;
        at.demand("block count", self.blocks, Expected::AtLeast(1))?;
        at.demand("reserved block count", self.reserved_blocks, Expected::AtMost(self.blocks.into()))?;
        for (field, found) in
            [("blocks per group", self.blocks_per_group), ("inodes per group", self.inodes_per_group)]
        {
            at.demand(field, found, Expected::AtLeast(16))?;
            at.demand(field, found, Expected::AtMost(bitmap::BITS.into()))?;
        }
        at.demand("blocks per group", self.blocks_per_group, Expected::MultipleOf(8))?;
        // An inode table of whole blocks, as mke2fs makes it.
        at.demand("inodes per group", self.inodes_per_group, Expected::MultipleOf(16))?;
        let inodes = u64::from(self.groups()).saturating_mul(self.inodes_per_group.into());
        at.demand("inode count", self.inodes, Expected::Exactly(inodes))?;
        at.demand("first inode", self.first_ino.get(), Expected::AtLeast(11))
    }

    fn parse(b: &[u8]) -> Self {
        Self {
            inodes: le32(b, 0x00),
            blocks: le32(b, 0x04),
            reserved_blocks: le32(b, 0x08),
            free_blocks: le32(b, 0x0C),
            free_inodes: le32(b, 0x10),
            blocks_per_group: le32(b, 0x20),
            inodes_per_group: le32(b, 0x28),
            mount_time: le32(b, 0x2C),
            write_time: le32(b, 0x30),
            mount_count: le16(b, 0x34),
            max_mount_count: le16(b, 0x36),
            state: le16(b, 0x3A),
            on_error: le16(b, 0x3C),
            check_time: le32(b, 0x40),
            first_ino: Ino::new(le32(b, 0x54)),
            group: le16(b, 0x5A),
            compat: Compat(le32(b, 0x5C)),
            incompat: Incompat(le32(b, 0x60)),
            ro_compat: RoCompat(le32(b, 0x64)),
            uuid: array(b, 0x68),
            journal_ino: Ino::new(le32(b, 0xE0)),
            last_orphan: Ino::new(le32(b, 0xE8)),
            hash_seed: array(b, 0xEC),
            hash_version: byte(b, 0xFC),
            journal_backup_type: byte(b, 0xFD),
            default_mount_options: le32(b, 0x100),
            mkfs_time: le32(b, 0x108),
            reserved_gdt_blocks: le16(b, 0xCE),
            desc_bytes: le16(b, 0xFE),
            checksum_seed: le32(b, 0x270),
            orphan_file: Ino::new(le32(b, 0x280)),
            journal_backup: array(b, 0x10C),
            min_extra_isize: le16(b, 0x15C),
            want_extra_isize: le16(b, 0x15E),
            flags: le32(b, 0x160),
        }
    }

    fn to_bytes(&self, b: &mut [u8]) {
        for (at, value) in [
            (0x00, self.inodes),
            (0x04, self.blocks),
            (0x08, self.reserved_blocks),
            (0x0C, self.free_blocks),
            (0x10, self.free_inodes),
            (0x14, 0),
            (0x18, LOG_BLOCK_SIZE),
            (0x1C, LOG_BLOCK_SIZE),
            (0x20, self.blocks_per_group),
            (0x24, self.blocks_per_group),
            (0x28, self.inodes_per_group),
            (0x2C, self.mount_time),
            (0x30, self.write_time),
            (0x40, self.check_time),
            (0x4C, 1),
            (0x54, self.first_ino.get()),
            (0x5C, self.compat.0),
            (0x60, self.incompat.0),
            (0x64, self.ro_compat.0),
            (0xE0, self.journal_ino.get()),
            (0xE8, self.last_orphan.get()),
            (0x100, self.default_mount_options),
            (0x108, self.mkfs_time),
            (0x160, self.flags),
            (0x270, self.checksum_seed),
            (0x280, self.orphan_file.get()),
        ] {
            put_le32(b, at, value);
        }
        for (at, value) in [
            (0x34, self.mount_count),
            (0x36, self.max_mount_count),
            (0x38, MAGIC),
            (0x3A, self.state),
            (0x3C, self.on_error),
            (0x58, INODE_BYTES),
            (0x5A, self.group),
            (0xCE, self.reserved_gdt_blocks),
            (0xFE, self.desc_bytes),
            (0x15C, self.min_extra_isize),
            (0x15E, self.want_extra_isize),
        ] {
            put_le16(b, at, value);
        }
        put(b, 0x68, &self.uuid);
        put(b, 0xEC, &self.hash_seed);
        put_byte(b, 0xFC, self.hash_version);
        put_byte(b, 0xFD, self.journal_backup_type);
        put(b, 0x10C, &self.journal_backup);
        if self.has_metadata_csum() {
            put_byte(b, 0x175, CHECKSUM_CRC32C);
            let checksum = crc32c(u32::MAX, span(b, 0, CHECKSUM));
            put_le32(b, CHECKSUM, checksum);
        }
    }
}

#[cfg(test)]
mod tests;
