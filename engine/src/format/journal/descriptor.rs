//! A descriptor block: for each copy that follows it, a tag that says where the copy belongs.
//!
//! ```text
//!   header │ tag │ 16 bytes of UUID │ tag │ tag │ … │ tag with LAST │ … │ checksum
//! ```
//! Linux leaves the bytes of the UUID zero.

use super::super::bytes::{be16, be32, high32, join64, low16, low32, put_be16, put_be32};
use super::super::checksum::crc32c;
use super::super::{FormatError, JournalSeed, Structure};
use super::features::{ChecksumVersion, JournalFormat, JournalIncompat, UUID};
use super::{BlockType, HEADER, JournalHeader, checksum_without, tid_of};
use crate::units::{BLOCK_BYTES, Block, BlockNr, Tid};

const ESCAPE: u32 = 1;
const SAME_UUID: u32 = 2;
const LAST: u32 = 8;

/// Where a copy belongs (`journal_block_tag_t`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag {
    /// The block that the copy is of.
    pub block: BlockNr,
    /// Whether the copy's magic was replaced by zeros.
    pub escaped: bool,
    /// The checksum of the copy as logged: all of [`tag_checksum`] with v3, its low half with v2, otherwise 0.
    pub csum: u32,
}

impl Tag {
    /// The tag of a copy.
    pub fn of(block: BlockNr, escaped: bool, format: &JournalFormat, tid: Tid, logged: &Block) -> Self {
        Self { block, escaped, csum: stored_checksum(format, tid, logged) }
    }

    /// Whether a copy is the one that was logged (`jbd2_block_tag_csum_verify`). Without checksums, any is.
    pub fn matches(&self, format: &JournalFormat, tid: Tid, logged: &Block) -> bool {
        match format.features.checksums() {
            ChecksumVersion::None | ChecksumVersion::V1 => true,
            ChecksumVersion::V2 | ChecksumVersion::V3 => self.csum == stored_checksum(format, tid, logged),
        }
    }

    fn read(bytes: &[u8], at: usize, format: &JournalFormat) -> (Self, u32) {
        let word = |offset| be32(bytes, at.saturating_add(offset));
        let half = |offset| be16(bytes, at.saturating_add(offset));
        let wide = format.features.has(JournalIncompat::BITS_64);
        let high = if wide { word(8) } else { 0 };
        let block = BlockNr::new(join64(word(0), high));
        let (csum, flags) = match format.features.checksums() {
            ChecksumVersion::V3 => (word(12), word(4)),
            ChecksumVersion::V2 => (half(4).into(), half(6).into()),
            ChecksumVersion::V1 | ChecksumVersion::None => (0, half(6).into()),
        };
        (Self { block, escaped: flags & ESCAPE != 0, csum }, flags)
    }

    fn put(&self, bytes: &mut [u8], at: usize, flags: u32, format: &JournalFormat) {
        let flags = if self.escaped { flags | ESCAPE } else { flags };
        let wide = format.features.has(JournalIncompat::BITS_64);
        assert!(wide || high32(self.block.get()) == 0, "block {} in a tag of 32 bits", self.block);
        put_be32(bytes, at, low32(self.block.get()));
        match format.features.checksums() {
            ChecksumVersion::V3 => {
                put_be32(bytes, at.saturating_add(4), flags);
                put_be32(bytes, at.saturating_add(12), self.csum);
            }
            ChecksumVersion::V2 | ChecksumVersion::V1 | ChecksumVersion::None => {
                put_be16(bytes, at.saturating_add(4), low16(self.csum));
                put_be16(bytes, at.saturating_add(6), low16(flags));
            }
        }
        if wide {
            put_be32(bytes, at.saturating_add(8), high32(self.block.get()));
        }
    }
}

/// The checksum of a copy as logged, that is after escaping.
// v6.6 fs/jbd2/commit.c, jbd2_block_tag_csum_set.
pub fn tag_checksum(seed: JournalSeed, tid: Tid, logged: &Block) -> u32 {
    crc32c(seed.checksum(&tid.get().to_be_bytes()), logged.bytes())
}

/// As much of the checksum as a tag keeps.
fn stored_checksum(format: &JournalFormat, tid: Tid, logged: &Block) -> u32 {
    match format.features.checksums() {
        ChecksumVersion::V3 => tag_checksum(format.seed, tid, logged),
        ChecksumVersion::V2 => low16(tag_checksum(format.seed, tid, logged)).into(),
        ChecksumVersion::V1 | ChecksumVersion::None => 0,
    }
}

/// A descriptor block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Descriptor {
    /// The transaction it belongs to.
    pub tid: Tid,
    /// The tags, in the order of the copies.
    pub tags: Vec<Tag>,
}

impl Descriptor {
    /// The tags of a block, whether its checksum is good or not: [`Self::verify`] tells. There may be none, and as
    /// many as the block has room for.
    ///
    /// # Errors
    /// It is no descriptor block.
    // v6.6 fs/jbd2/recovery.c, count_tags, do_one_pass.
    pub fn from_block(block: &Block, format: &JournalFormat) -> Result<Self, FormatError> {
        let tid = tid_of(block, BlockType::DESCRIPTOR, Structure::DescriptorBlock)?;
        let tag_bytes = format.features.tag_bytes();
        let mut tags = Vec::new();
        let mut at = HEADER;
        while at.saturating_add(tag_bytes) <= format.tail() {
            let (tag, flags) = Tag::read(block.bytes(), at, format);
            tags.push(tag);
            at = at.saturating_add(tag_bytes);
            if flags & SAME_UUID == 0 {
                at = at.saturating_add(UUID);
            }
            if flags & LAST != 0 {
                break;
            }
        }
        Ok(Self { tid, tags })
    }

    /// The block of this descriptor, sealed where the journal has checksums.
    ///
    /// # Panics
    /// Without tags, or with more than [`JournalFormat::tags_per_descriptor`].
    pub fn to_block(&self, format: &JournalFormat) -> Block {
        let room = format.tags_per_descriptor();
        assert!((1..=room).contains(&self.tags.len()), "{} tags in a descriptor of {room}", self.tags.len());
        let mut block = Block::zeroed();
        let bytes = block.bytes_mut();
        JournalHeader { kind: BlockType::DESCRIPTOR, tid: self.tid }.put(bytes);
        let last = self.tags.len().saturating_sub(1);
        let mut at = HEADER;
        for (nr, tag) in self.tags.iter().enumerate() {
            let first = if nr == 0 { 0 } else { SAME_UUID };
            let flags = if nr == last { first | LAST } else { first };
            tag.put(bytes, at, flags, format);
            at = at.saturating_add(format.features.tag_bytes());
            if nr == 0 {
                at = at.saturating_add(UUID);
            }
        }
        seal(&mut block, format);
        block
    }

    /// Refuses a block whose checksum is bad; good where the journal has none.
    ///
    /// # Errors
    /// [`FormatError::Checksum`].
    pub fn verify(block: &Block, format: &JournalFormat) -> Result<(), FormatError> {
        verify(block, format, Structure::DescriptorBlock)
    }
}

/// v6.6 fs/jbd2/recovery.c, jbd2_descriptor_block_csum_verify.
pub(super) fn verify(block: &Block, format: &JournalFormat, structure: Structure) -> Result<(), FormatError> {
    if !format.features.has_block_checksums() {
        return Ok(());
    }
    let at = BLOCK_BYTES - 4;
    structure.demand_checksum(be32(block.bytes(), at), checksum_without(format.seed, block, at))
}

/// v6.6 fs/jbd2/journal.c, jbd2_descriptor_block_csum_set.
pub(super) fn seal(block: &mut Block, format: &JournalFormat) {
    if format.features.has_block_checksums() {
        let at = BLOCK_BYTES - 4;
        let sealed = checksum_without(format.seed, block, at);
        put_be32(block.bytes_mut(), at, sealed);
    }
}
