//! What the pieces of a block may hold.
//!
//! ```text
//!   block 90   0..512: A or B    512..1024: A    1024..1536: A or C    …
//! ```

use super::Levels;
use super::class::Class;
use super::images::Images;
use crate::units::BlockNr;
use std::collections::BTreeSet;

/// A piece of a block.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece<'a> {
    /// Where it starts in the block, in bytes.
    pub at: usize,
    /// The distinct contents that it may hold, all of one length; at least one.
    pub any: Vec<&'a [u8]>,
}

/// All pieces of a block, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pieces<'a> {
    /// They cover the block.
    pub pieces: Vec<Piece<'a>>,
    /// Whether, at each single level, every content of each piece goes with all those of the others.
    pub is_free: bool,
}

impl Images<'_> {
    /// What the pieces of a block may hold in the images of a class that are legal at any of some levels, of which
    /// the class must have some.
    pub fn pieces(&self, class: &Class, within: &Levels, block: BlockNr) -> Pieces<'_> {
        let levels = class.levels.and(within);
        let ground = self.ground(block).bytes();
        let told = class.told.get(&block);
        let mut pieces = Vec::new();
        let mut at = 0;
        let mut combinations = 1_usize;
        for (place, number) in self.cells_of(block).unwrap_or(0..0).enumerate() {
            let cell = &self.cells[number];
            if at < cell.at {
                pieces.push(Piece { at, any: vec![&ground[at..cell.at]] });
            }
            let legal = |variant: &usize| match told {
                None => cell.variants[*variant].legal.meets(&levels),
                Some(told) => {
                    let mut combos = told.combos.iter().filter(|combo| combo.legal.meets(&levels));
                    combos.any(|combo| usize::from(combo.choice[place]) == *variant)
                }
            };
            let any = (0..cell.variants.len()).filter(legal).map(|variant| &*cell.variants[variant].bytes);
            let any: Vec<&[u8]> = any.collect();
            combinations = combinations.saturating_mul(any.len());
            at = cell.at + any.first().map_or(0, |bytes| bytes.len());
            pieces.push(Piece { at: cell.at, any });
        }
        if at < ground.len() {
            pieces.push(Piece { at, any: vec![&ground[at..]] });
        }
        let is_free = told.is_none_or(|told| {
            let combos = told.combos.iter().filter(|combo| combo.legal.meets(&levels));
            combos.map(|combo| &combo.choice).collect::<BTreeSet<_>>().len() == combinations
        });
        Pieces { pieces, is_free }
    }
}
