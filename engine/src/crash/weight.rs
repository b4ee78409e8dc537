//! How many sets of unit writes can have reached the medium.
//!
//! ```text
//!   unit 40   durable: base     submitted since: w3 w7      base 1 set · w3 1 set · w7 2 sets (with w3, without)
//! ```
//! At a level, every write of a unit that was submitted and that nothing durable stands over has reached the medium or
//! has not: `2^n` sets for `n` such writes. Over a stretch the sets that are possible at some moment are counted once.
//! They grow at their upper end with submissions and at their lower end with what becomes durable, so a set that is
//! possible at two moments is possible between them: all sets are the sum over the levels less the sum over what
//! neighbours share.

use super::Levels;
use super::class::{Class, Combo};
use super::images::{Cell, Images, InRun};
use crate::units::{Moment, len_u64};
use num_bigint::BigUint;
use std::collections::BTreeSet;
use std::ops::Range;

/// The moments that bound what can have reached the medium: something as old as what is durable at `oldest`, and
/// as new as what is submitted at `newest`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Span {
    pub(super) run: usize,
    pub(super) oldest: Moment,
    pub(super) newest: Moment,
}

impl Images<'_> {
    /// What is possible at a level.
    pub(super) fn at(&self, level: usize) -> Span {
        let level = self.levels()[level];
        Span { run: level.run, oldest: level.moment, newest: level.moment }
    }

    /// The spans whose sets, added and (where the flag is set) subtracted, are those of some levels.
    pub(super) fn spans(&self, levels: &Levels) -> Vec<(Span, bool)> {
        let mut spans = Vec::new();
        let mut before: Option<Span> = None;
        for level in levels.iter() {
            let here = self.at(level);
            if let Some(before) = before.filter(|before| before.run == here.run) {
                spans.push((Span { newest: before.newest, ..here }, true));
            }
            spans.push((here, false));
            before = Some(here);
        }
        spans
    }

    /// How many sets of writes are possible within some levels, summed over the runs.
    pub fn subsets(&self, within: &Levels) -> BigUint {
        self.subsets_of(&Class::all(self), within)
    }

    /// How many of them lead to an image of a class.
    pub fn subsets_of(&self, class: &Class, within: &Levels) -> BigUint {
        let (mut sum, mut shared) = (BigUint::ZERO, BigUint::ZERO);
        for (span, is_shared) in self.spans(&class.levels.and(within)) {
            let sets = self.weight(class, span);
            if is_shared { shared += sets } else { sum += sets }
        }
        sum - shared
    }

    /// The sets of a class, summed over its levels.
    pub(super) fn mass(&self, class: &Class) -> BigUint {
        class.levels.iter().map(|level| self.weight(class, self.at(level))).sum()
    }

    /// How many sets of writes lead to an image of a class within a span.
    pub(super) fn weight(&self, class: &Class, span: Span) -> BigUint {
        let Some(free) = self.free_writes(span, class.told.values().map(|told| told.cells.clone())) else {
            return BigUint::ZERO;
        };
        let mut weight = BigUint::from(1_u32);
        for told in class.told.values() {
            weight *= self.told_weight(told.cells.clone(), &told.combos, span);
            if weight == BigUint::ZERO {
                return weight;
            }
        }
        weight << free
    }

    /// How many writes are free in a span outside some cells; none where the span has no image.
    pub(super) fn free_writes(&self, span: Span, but: impl Iterator<Item = Range<usize>>) -> Option<u64> {
        let space = &self.spaces[span.run];
        let all = space.free_writes(span.oldest, span.newest)?;
        let told = but.flatten().map(|cell| self.free_writes_of(&self.cells[cell], span)).sum::<u64>();
        // Units that are no cells have writes too: of bytes that were there before.
        Some(all.saturating_sub(told))
    }

    fn free_writes_of(&self, cell: &Cell, span: Span) -> u64 {
        let Some((_, unit)) = self.unit(span.run, cell) else { return 0 };
        len_u64(unit.newest(span.newest).saturating_sub(unit.oldest(span.oldest)))
    }

    /// How many sets of writes leave some cells with one of these contents.
    pub(super) fn told_weight(&self, cells: Range<usize>, combos: &[Combo], span: Span) -> BigUint {
        combos.iter().map(|combo| self.combo_weight(cells.clone(), combo, span)).sum()
    }

    /// How many sets of writes leave some cells with this content.
    pub(super) fn combo_weight(&self, cells: Range<usize>, combo: &Combo, span: Span) -> BigUint {
        let mut product = BigUint::from(1_u32);
        for (cell, variant) in self.cells[cells].iter().zip(&combo.choice) {
            product *= self.variant_weight(cell, usize::from(*variant), span);
            if product == BigUint::ZERO {
                break;
            }
        }
        product
    }

    /// How many sets of writes leave a cell with a variant.
    pub(super) fn variant_weight(&self, cell: &Cell, variant: usize, span: Span) -> BigUint {
        match &cell.runs[span.run] {
            InRun::Base(base) => BigUint::from(u32::from(*base == variant)),
            InRun::Unit { unit, variants } => {
                let unit = &self.spaces[span.run].units[*unit];
                let (oldest, newest) = (unit.oldest(span.oldest), unit.newest(span.newest));
                let mut sum = BigUint::ZERO;
                for version in oldest..=newest {
                    if variants[unit.versions[version].content] == Some(variant) {
                        sum += BigUint::from(1_u32) << version.saturating_sub(oldest + 1);
                    }
                }
                sum
            }
        }
    }

    /// The variants that a cell may hold at a moment of a run.
    pub(super) fn legal_at(&self, cell: &Cell, run: usize, moment: Moment) -> BTreeSet<usize> {
        match &cell.runs[run] {
            InRun::Base(base) => BTreeSet::from([*base]),
            InRun::Unit { unit, variants } => {
                let unit = &self.spaces[run].units[*unit];
                let versions = unit.oldest(moment)..=unit.newest(moment);
                versions.filter_map(|version| variants[unit.versions[version].content]).collect()
            }
        }
    }

    /// The newest variant of a cell that may survive at a moment.
    pub(super) fn newest_at(&self, cell: &Cell, run: usize, moment: Moment) -> Option<usize> {
        match &cell.runs[run] {
            InRun::Base(base) => Some(*base),
            InRun::Unit { unit, variants } => {
                let unit = &self.spaces[run].units[*unit];
                variants[unit.versions[unit.newest(moment)].content]
            }
        }
    }
}
