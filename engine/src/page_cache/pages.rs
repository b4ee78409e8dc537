//! The pages of one file.

use crate::units::{Block, FileBlock};
use std::collections::BTreeMap;

/// A page of a file.
#[derive(Clone, Debug)]
pub struct Folio {
    /// Its contents. Bytes past the end of the file are zero.
    pub data: Block,
    /// Whether it differs from what was last submitted for it.
    pub dirty: bool,
    /// Whether a block is reserved but not yet allocated for it (BH_Delay).
    pub delayed: bool,
}

/// The pages of one file (`struct address_space`).
#[derive(Clone, Debug)]
pub struct Pages {
    folios: BTreeMap<FileBlock, Folio>,
}

impl Pages {
    /// No pages.
    pub const fn new() -> Self {
        Self { folios: BTreeMap::new() }
    }

    /// One page, if it is cached.
    pub fn get(&self, at: FileBlock) -> Option<&Folio> {
        self.folios.get(&at)
    }

    /// One page to change, if it is cached.
    pub fn get_mut(&mut self, at: FileBlock) -> Option<&mut Folio> {
        self.folios.get_mut(&at)
    }

    /// Puts a page into the cache.
    pub fn insert(&mut self, at: FileBlock, folio: Folio) {
        self.folios.insert(at, folio);
    }

    /// The dirty pages in ascending order.
    pub fn dirty(&self) -> impl Iterator<Item = FileBlock> {
        self.folios.iter().filter(|(_, folio)| folio.dirty).map(|(at, _)| *at)
    }

    /// The cached pages of a range in ascending order.
    pub fn range(&self, first: FileBlock, last: FileBlock) -> impl Iterator<Item = (FileBlock, &Folio)> {
        self.folios.range(first..=last).map(|(at, folio)| (*at, folio))
    }

    /// Drops one page.
    pub fn remove(&mut self, at: FileBlock) {
        self.folios.remove(&at);
    }

    /// How many pages wait for a block.
    pub fn delayed(&self) -> usize {
        self.folios.values().filter(|folio| folio.delayed).count()
    }

    /// Drops the pages from `from` on.
    pub fn truncate(&mut self, from: FileBlock) {
        self.folios.split_off(&from);
    }
}

impl Default for Pages {
    fn default() -> Self {
        Self::new()
    }
}
