//! The pages of one file.
//!
//! ```text
//!   enters the cache      stamp 7
//!   a store faults        stamp 7, writably mapped: further stores come unseen
//!   writeback             stamp 8: the permission for 7 is worth nothing, the next store faults
//! ```

use crate::units::{Block, FileBlock, Stamp};
use std::collections::BTreeMap;

/// A page of a file.
#[derive(Clone, Debug)]
pub struct Folio {
    /// Its contents. Bytes past the end of the file are zero, unless they were stored through a mapping.
    pub data: Block,
    /// Whether it differs from what was last submitted for it.
    pub dirty: bool,
    /// Whether a block is reserved but not yet allocated for it (BH_Delay).
    pub delayed: bool,
    /// Which state of it a page table may have permission to write to.
    stamp: Stamp,
    /// Whether that permission was given.
    writably_mapped: bool,
}

impl Folio {
    /// A page as it enters the cache.
    pub fn clean(data: Block) -> Self {
        Self { data, dirty: false, delayed: false, stamp: Stamp::default(), writably_mapped: false }
    }

    /// Which state of it a permission is good for.
    pub const fn stamp(&self) -> Stamp {
        self.stamp
    }
}

/// Whether a page had writable mappings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mkclean {
    /// It had, and they are read-only now.
    Protected,
    /// It had none.
    WasClean,
}

/// The pages of one file (`struct address_space`).
#[derive(Clone, Debug)]
pub struct Pages {
    folios: BTreeMap<FileBlock, Folio>,
    last_stamp: Stamp,
}

impl Pages {
    /// No pages.
    pub fn new() -> Self {
        Self { folios: BTreeMap::new(), last_stamp: Stamp::default() }
    }

    /// One page, if it is cached.
    pub fn get(&self, at: FileBlock) -> Option<&Folio> {
        self.folios.get(&at)
    }

    /// One page to change, if it is cached.
    pub fn get_mut(&mut self, at: FileBlock) -> Option<&mut Folio> {
        self.folios.get_mut(&at)
    }

    /// Puts a page into the cache, with a stamp that none had before.
    pub fn insert(&mut self, at: FileBlock, folio: Folio) {
        self.last_stamp = self.last_stamp.next();
        self.folios.insert(at, Folio { stamp: self.last_stamp, writably_mapped: false, ..folio });
    }

    /// A page table gets permission to write to a page, as long as it has this stamp; none where it is not cached.
    pub fn map_writable(&mut self, at: FileBlock) -> Option<Stamp> {
        let folio = self.folios.get_mut(&at)?;
        folio.writably_mapped = true;
        Some(folio.stamp)
    }

    /// Takes the permission to write from all mappings of a page. v6.6 mm/rmap.c, `folio_mkclean`
    pub fn mkclean(&mut self, at: FileBlock) -> Mkclean {
        match self.folios.get_mut(&at) {
            Some(folio) if folio.writably_mapped => {
                self.last_stamp = self.last_stamp.next();
                folio.stamp = self.last_stamp;
                folio.writably_mapped = false;
                Mkclean::Protected
            }
            Some(_) | None => Mkclean::WasClean,
        }
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
