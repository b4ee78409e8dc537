//! Images that a reader cannot tell apart.
//!
//! ```text
//!   told   block 1031 ∈ { this, or this }     because of what it answered
//!   free   all other blocks
//!   levels where the answers are possible together
//! ```
//! The contents of a block that was asked about are the ones with the answer that was given; a block that gave one
//! answer for all of its contents stays free.

use super::Levels;
use super::images::Images;
use crate::units::{Block, BlockNr};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One content of a block: a variant for each of its cells.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Combo {
    pub(super) choice: Box<[u16]>,
    /// The levels at which it may survive.
    pub(super) legal: Levels,
}

impl Combo {
    /// The variants, in the order of the cells.
    pub(super) fn variants(&self) -> impl Iterator<Item = usize> + '_ {
        self.choice.iter().map(|variant| usize::from(*variant))
    }
}

/// What is known of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Told {
    pub(super) cells: Range<usize>,
    pub(super) combos: Vec<Combo>,
}

/// Images that a reader cannot tell apart.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Class {
    pub(super) told: Arc<BTreeMap<BlockNr, Arc<Told>>>,
    pub(super) levels: Levels,
}

impl Class {
    /// All images.
    pub(super) fn all(images: &Images<'_>) -> Self {
        Self { told: Arc::default(), levels: images.all() }
    }

    /// Takes down what a block is known to hold. Of blocks that can hold nothing else at the levels that are left,
    /// nothing needs to be known any more: without this, a long log would be told in full.
    pub(super) fn tell(&mut self, images: &Images<'_>, block: BlockNr, told: Told) {
        let levels = &self.levels;
        let known = Arc::make_mut(&mut self.told);
        known.insert(block, Arc::new(told));
        known.retain(|_, told| images.has_choice(told.cells.clone(), levels));
    }

    /// The levels at which it has images.
    pub const fn levels(&self) -> &Levels {
        &self.levels
    }
}

impl Images<'_> {
    /// Whether some cells can hold more than one content together at some levels.
    fn has_choice(&self, cells: Range<usize>, levels: &Levels) -> bool {
        self.cells[cells]
            .iter()
            .any(|cell| cell.variants.iter().filter(|variant| variant.legal.meets(levels)).nth(1).is_some())
    }

    /// Puts one content of a block together, from a variant for each of its cells.
    pub(super) fn compose(
        &self,
        block: BlockNr,
        cells: Range<usize>,
        variants: impl Iterator<Item = usize>,
    ) -> Block {
        let mut content = self.ground(block).clone();
        for (cell, variant) in self.cells[cells].iter().zip(variants) {
            let bytes = &cell.variants[variant].bytes;
            content.bytes_mut()[cell.at..cell.at + bytes.len()].copy_from_slice(bytes);
        }
        content
    }
}
