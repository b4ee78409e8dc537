//! The content of a file: blocks that hold something, and zeros between them.

use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, Widen, block_bytes, len_u64};

/// A regular file as a program reads it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Content {
    ino: Ino,
    size_bytes: u64,
    blocks: Vec<(FileBlock, Block)>,
}

/// A part of a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Segment<'a> {
    /// This many zero bytes.
    Zeros(u64),
    /// These bytes.
    Bytes(&'a [u8]),
}

impl Content {
    /// A file of `size_bytes`. Blocks that are missing are zeros; bytes behind the end are cut off. The blocks
    /// must come in the order of the file, each once.
    pub fn new(ino: Ino, size_bytes: u64, blocks: impl IntoIterator<Item = (FileBlock, Block)>) -> Self {
        let blocks = blocks
            .into_iter()
            .filter(|(at, _)| at.first_byte() < size_bytes)
            .map(|(at, block)| (at, trimmed(block, size_bytes - at.first_byte())))
            .filter(|(_, block)| block.bytes().iter().any(|byte| *byte != 0))
            .collect();
        Self { ino, size_bytes, blocks }
    }

    /// Its inode.
    pub const fn ino(&self) -> Ino {
        self.ino
    }

    /// Its size in bytes.
    pub const fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// The blocks that are not all zeros, in order; bytes behind the end of the file are zeros.
    pub fn blocks(&self) -> &[(FileBlock, Block)] {
        &self.blocks
    }

    /// The bytes from the first to the last, zeros in one piece.
    pub fn segments(&self) -> Vec<Segment<'_>> {
        let mut segments = Vec::new();
        let mut at = 0;
        for (block_at, block) in &self.blocks {
            let from = block_at.first_byte();
            if from > at {
                segments.push(Segment::Zeros(from - at));
            }
            let len = (self.size_bytes - from).min(block_bytes()).index();
            segments.push(Segment::Bytes(&block.bytes()[..len]));
            at = from + len_u64(len);
        }
        if at < self.size_bytes {
            segments.push(Segment::Zeros(self.size_bytes - at));
        }
        segments
    }

    /// Some bytes of the file, cut off at its end.
    pub fn bytes(&self, offset: u64, len: usize) -> Vec<u8> {
        let len = self.size_bytes.saturating_sub(offset).min(len_u64(len)).index();
        let mut bytes = Vec::with_capacity(len);
        while bytes.len() < len {
            let at = offset + len_u64(bytes.len());
            let within = (at % block_bytes()).index();
            let count = (BLOCK_BYTES - within).min(len - bytes.len());
            match self.block_at(at) {
                Some(block) => bytes.extend_from_slice(&block.bytes()[within..within + count]),
                None => bytes.resize(bytes.len() + count, 0),
            }
        }
        bytes
    }

    fn block_at(&self, offset: u64) -> Option<&Block> {
        let wanted = FileBlock::of_byte(offset)?;
        let found = self.blocks.binary_search_by_key(&wanted, |(at, _)| *at).ok()?;
        self.blocks.get(found).map(|(_, block)| block)
    }
}

/// The same memory, unless something but zeros lies behind the end.
fn trimmed(mut block: Block, len_bytes: u64) -> Block {
    let keep = len_bytes.min(block_bytes()).index();
    if block.bytes()[keep..].iter().any(|byte| *byte != 0) {
        block.bytes_mut()[keep..].fill(0);
    }
    block
}
