//! A revoke block: blocks whose copies in this and earlier transactions must not be replayed.
//!
//! ```text
//!   header │ bytes in use, from the start of the block │ block number │ block number │ … │ checksum
//! ```

use super::super::bytes::{be32, be64, high32, low32, put_be32, put_be64};
use super::super::{Expected, FormatError, Structure};
use super::descriptor::{seal, verify};
use super::{BlockType, HEADER, JournalFormat, JournalHeader, JournalIncompat, tid_of};
use crate::units::{Block, BlockNr, Tid, Widen, len_u32, len_u64};

/// Where the block numbers start.
pub(super) const RECORDS: usize = 16;

/// A revoke block (`jbd2_journal_revoke_header_t`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revoke {
    /// The transaction it belongs to.
    pub tid: Tid,
    /// The revoked blocks.
    pub blocks: Vec<BlockNr>,
}

impl Revoke {
    /// The revoked blocks of a block, whether its checksum is good or not: [`Self::verify`] tells.
    ///
    /// # Errors
    /// It is no revoke block, or claims to be longer than a block.
    // v6.6 fs/jbd2/recovery.c, scan_revoke_records.
    pub fn from_block(block: &Block, format: &JournalFormat) -> Result<Self, FormatError> {
        let at = Structure::RevokeBlock;
        let tid = tid_of(block, BlockType::REVOKE, at)?;
        let bytes = block.bytes();
        let used = be32(bytes, HEADER);
        at.demand("bytes in use", used, Expected::AtMost(len_u64(format.tail())))?;
        let record = format.revoke_bytes();
        let wide = format.features.has(JournalIncompat::BITS_64);
        let records = (RECORDS..).step_by(record).take_while(|at| at.saturating_add(record) <= used.index());
        let number = |at| if wide { be64(bytes, at) } else { be32(bytes, at).into() };
        Ok(Self { tid, blocks: records.map(|at| BlockNr::new(number(at))).collect() })
    }

    /// The block of these revokes, sealed where the journal has checksums.
    ///
    /// # Panics
    /// With more than [`JournalFormat::revokes_per_block`], or with a block number of more than 32 bits where the
    /// journal has none such.
    pub fn to_block(&self, format: &JournalFormat) -> Block {
        let room = format.revokes_per_block();
        assert!(self.blocks.len() <= room, "{} revokes in a block of {room}", self.blocks.len());
        let mut block = Block::zeroed();
        let bytes = block.bytes_mut();
        JournalHeader { kind: BlockType::REVOKE, tid: self.tid }.put(bytes);
        let wide = format.features.has(JournalIncompat::BITS_64);
        let mut at = RECORDS;
        for revoked in &self.blocks {
            let number = revoked.get();
            assert!(wide || high32(number) == 0, "block {revoked} in a revoke of 32 bits");
            if wide {
                put_be64(bytes, at, number);
            } else {
                put_be32(bytes, at, low32(number));
            }
            at = at.saturating_add(format.revoke_bytes());
        }
        put_be32(bytes, HEADER, len_u32(at));
        seal(&mut block, format);
        block
    }

    /// Refuses a block whose checksum is bad; good where the journal has none.
    ///
    /// # Errors
    /// [`FormatError::Checksum`].
    pub fn verify(block: &Block, format: &JournalFormat) -> Result<(), FormatError> {
        verify(block, format, Structure::RevokeBlock)
    }
}
