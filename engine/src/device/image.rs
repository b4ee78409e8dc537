//! The bytes of a disk, sparse: a block that was never written is zeros.

use super::{Media, Question};
use crate::units::{BLOCK_BYTES, Block, BlockNr, Lba, SECTOR_BYTES, SECTORS_PER_BLOCK, Widen, len_u64};
use std::collections::BTreeMap;

/// A disk's contents.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DiskImage {
    blocks: u64,
    zero: Block,
    content: BTreeMap<BlockNr, Block>,
}

impl DiskImage {
    /// A disk of `blocks` zero blocks.
    pub fn new(blocks: u64) -> Self {
        Self { blocks, zero: Block::zeroed(), content: BTreeMap::new() }
    }

    /// Its size in blocks.
    pub const fn blocks(&self) -> u64 {
        self.blocks
    }

    /// One block.
    pub fn block(&self, nr: BlockNr) -> &Block {
        self.content.get(&nr).unwrap_or(&self.zero)
    }

    /// Replaces one block.
    ///
    /// # Panics
    /// Beyond the end of the disk.
    pub fn set(&mut self, nr: BlockNr, block: Block) {
        assert!(nr.get() < self.blocks, "block {nr} of a disk of {} blocks", self.blocks);
        self.content.insert(nr, block);
    }

    /// Writes whole sectors.
    ///
    /// # Panics
    /// Beyond the end of the disk.
    pub fn write(&mut self, lba: Lba, data: &[u8]) {
        for (sector, bytes) in (0..).zip(data.chunks(SECTOR_BYTES)) {
            let at = lba.plus(sector);
            assert!(at.block().get() < self.blocks, "sector {at} of a disk of {} blocks", self.blocks);
            let from = (at.get() % SECTORS_PER_BLOCK).index() * SECTOR_BYTES;
            let block = self.content.entry(at.block()).or_insert_with(Block::zeroed);
            block.bytes_mut()[from..from + bytes.len()].copy_from_slice(bytes);
        }
    }

    /// The blocks that were ever written, in order.
    pub fn written(&self) -> impl Iterator<Item = (BlockNr, &Block)> {
        self.content.iter().map(|(nr, block)| (*nr, block))
    }

    /// All bytes of the disk, as an image file holds them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.blocks.index() * BLOCK_BYTES];
        for (nr, block) in self.written() {
            let from = nr.get().index() * BLOCK_BYTES;
            bytes[from..from + BLOCK_BYTES].copy_from_slice(block.bytes());
        }
        bytes
    }

    /// A disk from the bytes of an image file; a last partial block is filled with zeros.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let mut image = Self::new(len_u64(bytes.len().div_ceil(BLOCK_BYTES)));
        for (nr, chunk) in (0..).zip(bytes.chunks(BLOCK_BYTES)) {
            if chunk.iter().any(|byte| *byte != 0) {
                image.set(BlockNr::new(nr), Block::starting_with(chunk));
            }
        }
        image
    }
}

impl Media for DiskImage {
    fn blocks(&self) -> u64 {
        self.blocks
    }
    fn ask<Q: Question>(&mut self, block: BlockNr, question: &Q) -> Q::Answer {
        question.answer(self.block(block))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sectors_land_where_they_belong() {
        let mut image = DiskImage::new(4);
        image.write(Lba::new(9), &[7; 1024]);
        let block = image.block(BlockNr::new(1)).bytes();
        assert!(block[..512].iter().all(|b| *b == 0));
        assert!(block[512..1536].iter().all(|b| *b == 7));
        assert!(block[1536..].iter().all(|b| *b == 0));
        assert_eq!(DiskImage::from_bytes(&image.to_bytes()), image);
    }
}
