//! Extended attributes: in the inode, and in a block that several inodes may share.
//!
//! ```text
//!   inode 12 ──▶ its own attributes          block 800: 2 users
//!     └─ attributes_block ──────────────────▶  its attributes  ◀────────── inode 13
//! ```
//! The names and values are asked for where a profile says so. Else two disks are one whose attributes are sound and
//! have as many users.

use super::Attributes;
use super::error::errno_of;
use super::fs::Fs;
use super::inode::Inode;
use crate::device::{Media, Question};
use crate::format::xattr::{Attribute, AttributeBlock};
use crate::format::{FormatError, FsSeed};
use crate::history::Errno;
use crate::units::{Block, BlockNr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which attributes are in this block, and how many inodes share it?
struct AskAttributes {
    nr: BlockNr,
    csum: Option<FsSeed>,
    reads: Attributes,
}

impl Question for AskAttributes {
    type Answer = Result<AttributeBlock, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let found = AttributeBlock::from_block(content, self.nr, self.csum)?;
        Ok(AttributeBlock { attributes: self.reads.used(found.attributes), ..found })
    }
}

/// The blocks of attributes, as far as they were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    found: Arc<BTreeMap<BlockNr, Result<AttributeBlock, FormatError>>>,
}

impl Blocks {
    /// The block of attributes of an inode that was not read yet.
    pub(super) fn missing(&self, fs: &Fs, inode: &Inode) -> Option<BlockNr> {
        let nr = BlockNr::new(inode.attributes_block);
        (fs.has_blocks(nr, 1) && !self.found.contains_key(&nr)).then_some(nr)
    }

    /// Reads a block.
    // v6.6 fs/ext4/xattr.c, ext4_xattr_block_get.
    pub(super) fn read<M: Media>(&mut self, disk: &mut M, fs: &Fs, reads: Attributes, nr: BlockNr) {
        let csum = fs.superblock.metadata_seed();
        let found = disk.ask(nr, &AskAttributes { nr, csum, reads });
        Arc::make_mut(&mut self.found).insert(nr, found);
    }

    /// The block of an inode; none where it has none, or the file system no such block.
    pub(super) fn of(&self, inode: &Inode) -> Option<&Result<AttributeBlock, FormatError>> {
        self.found.get(&BlockNr::new(inode.attributes_block))
    }

    /// All attributes of an inode, those in the inode first.
    // v6.6 fs/ext4/xattr.c, ext4_xattr_get.
    pub(super) fn all(&self, inode: &Inode) -> Result<Vec<Attribute>, Errno> {
        let mut all = inode.attributes.clone().map_err(|error| errno_of(&error))?;
        if let Some(block) = self.of(inode) {
            all.extend(block.as_ref().map_err(errno_of)?.attributes.iter().cloned());
        }
        Ok(all)
    }
}
