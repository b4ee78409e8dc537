//! Contents that no reader looked at, folded piece by piece.
//!
//! ```text
//!   start ──see(block 90, 0, A)──▶ state ──see(block 90, 512, B)──▶ state …     for each content of each piece,
//!         ──see(block 90, 0, C)──▶ state ──                                     equal states at equal levels as one
//! ```
//! A file of a thousand free units has 2^1000 contents, and "is it all old, or all new?" has three states. What is
//! counted are distinct images: those of the folded blocks by state, those of all others by the levels at which they
//! are legal, and then both together.

use super::Levels;
use super::class::{Class, Told};
use super::group::{Group, Kind};
use super::images::Images;
use super::weight::Span;
use crate::units::{BlockNr, Widen};
use num_bigint::BigUint;
use std::collections::BTreeMap;
use std::ops::Range;

/// A fold with more states than this is given up.
pub(super) const MOST_STATES: usize = 1 << 14;
/// Groups with more kinds of contents are taken cell by cell.
const MOST_KINDS: usize = 6;

/// What somebody makes of contents, piece by piece.
pub trait Fold {
    /// What is remembered of the pieces so far. Fewer states are faster.
    type State: Clone + Ord;
    /// Before the first piece.
    fn start(&self) -> Self::State;
    /// After the bytes from `at` on of a block. The pieces of a block come in order and are all of it.
    fn see(&self, state: &Self::State, block: BlockNr, at: usize, bytes: &[u8]) -> Self::State;
}

/// The fold that looks at nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Fold for Nothing {
    type State = ();
    fn start(&self) {}
    fn see(&self, (): &(), _: BlockNr, _: usize, _: &[u8]) {}
}

/// A fold has too many states to be exact.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("more than {MOST_STATES} combinations must be told apart")]
pub struct TooMany;

/// Images whose fold ends in one state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Weighed<S> {
    /// The state.
    pub state: S,
    /// At which of the levels in question they are legal: at all of these, at no other.
    pub levels: Levels,
    /// How many distinct images.
    pub images: BigUint,
}

type Weights<S> = BTreeMap<(Levels, S), BigUint>;

/// A part of a block, and what it may hold.
pub(super) enum Part<'a> {
    /// The same in all images.
    Fixed(usize, &'a [u8]),
    /// One of the variants of a cell.
    Cell(usize),
    /// The whole block: one of these contents.
    Told(&'a Told),
}

impl Images<'_> {
    /// How many distinct images are legal at any of some levels.
    pub fn images(&self, within: &Levels) -> BigUint {
        self.images_of(&Class::all(self), within)
    }

    /// How many of them a class has.
    pub fn images_of(&self, class: &Class, within: &Levels) -> BigUint {
        let levels = class.levels.and(within);
        if levels.is_empty() { BigUint::ZERO } else { self.rest(class, &levels, &[]).into_values().sum() }
    }

    /// How many distinct images of a class are legal at exactly which of its levels.
    pub fn by_levels(&self, class: &Class) -> Vec<(Levels, BigUint)> {
        if class.levels.is_empty() {
            return Vec::new();
        }
        self.rest(class, &class.levels, &[]).into_iter().collect()
    }

    /// Folds over some blocks, in ascending order, in all images of a class that are legal at any of some levels.
    ///
    /// # Errors
    /// Where there are too many states.
    pub fn fold<F: Fold>(
        &self,
        class: &Class,
        within: &Levels,
        blocks: &[BlockNr],
        fold: &F,
    ) -> Result<Vec<Weighed<F::State>>, TooMany> {
        let levels = class.levels.and(within);
        if levels.is_empty() {
            return Ok(Vec::new());
        }
        let mut weights: Weights<F::State> = Weights::new();
        weights.insert((levels.clone(), fold.start()), BigUint::from(1_u32));
        for block in blocks {
            for part in self.parts(class, *block) {
                weights = self.see(&weights, *block, &part, fold);
                if weights.len() > MOST_STATES {
                    return Err(TooMany);
                }
            }
        }
        let rest = self.rest(class, &levels, blocks);
        let mut both: Weights<F::State> = Weights::new();
        for ((seen, state), images) in &weights {
            for (unseen, others) in &rest {
                let levels = seen.and(unseen);
                if !levels.is_empty() {
                    *both.entry((levels, state.clone())).or_default() += images * others;
                }
            }
        }
        let weighed = |((levels, state), images)| Weighed { state, levels, images };
        Ok(both.into_iter().map(weighed).collect())
    }

    /// How many sets of unit writes that are possible within some levels end in each state; see
    /// [`subsets`](Images::subsets).
    ///
    /// # Errors
    /// Where there are too many states.
    pub fn fold_subsets<F: Fold>(
        &self,
        class: &Class,
        within: &Levels,
        blocks: &[BlockNr],
        fold: &F,
    ) -> Result<BTreeMap<F::State, BigUint>, TooMany> {
        let mut sums: BTreeMap<F::State, (BigUint, BigUint)> = BTreeMap::new();
        for (span, is_shared) in self.spans(&class.levels.and(within)) {
            for (state, sets) in self.fold_span(class, span, blocks, fold)? {
                let (sum, shared) = sums.entry(state).or_default();
                if is_shared { *shared += sets } else { *sum += sets }
            }
        }
        Ok(sums.into_iter().map(|(state, (sum, shared))| (state, sum - shared)).collect())
    }

    fn fold_span<F: Fold>(
        &self,
        class: &Class,
        span: Span,
        blocks: &[BlockNr],
        fold: &F,
    ) -> Result<BTreeMap<F::State, BigUint>, TooMany> {
        let told = class.told.values().map(|told| told.cells.clone());
        let loose = blocks.iter().filter(|block| !class.told.contains_key(block));
        let counted = told.chain(loose.filter_map(|block| self.cells_of(*block)));
        let Some(free) = self.free_writes(span, counted) else { return Ok(BTreeMap::new()) };
        let mut factor = BigUint::from(1_u32) << free;
        for told in
            class.told.iter().filter(|(block, _)| blocks.binary_search(block).is_err()).map(|(_, told)| told)
        {
            factor *= self.told_weight(told.cells.clone(), &told.combos, span);
        }
        let mut weights = BTreeMap::from([(fold.start(), factor)]);
        weights.retain(|_, sets| *sets != BigUint::ZERO);
        for block in blocks {
            for part in self.parts(class, *block) {
                let mut next: BTreeMap<F::State, BigUint> = BTreeMap::new();
                let mut add = |state: F::State, sets: BigUint| {
                    if sets != BigUint::ZERO {
                        *next.entry(state).or_default() += sets;
                    }
                };
                for (state, sets) in &weights {
                    match &part {
                        Part::Fixed(at, bytes) => add(fold.see(state, *block, *at, bytes), sets.clone()),
                        Part::Cell(cell) => {
                            let cell = &self.cells[*cell];
                            for (number, variant) in cell.variants.iter().enumerate() {
                                let seen = || fold.see(state, *block, cell.at, &variant.bytes);
                                let weight = self.variant_weight(cell, number, span);
                                if weight != BigUint::ZERO {
                                    add(seen(), sets * weight);
                                }
                            }
                        }
                        Part::Told(told) => {
                            for combo in &told.combos {
                                let weight = self.combo_weight(told.cells.clone(), combo, span);
                                if weight != BigUint::ZERO {
                                    let content = self.compose(*block, told.cells.clone(), combo.variants());
                                    add(fold.see(state, *block, 0, content.bytes()), sets * weight);
                                }
                            }
                        }
                    }
                }
                weights = next;
                if weights.len() > MOST_STATES {
                    return Err(TooMany);
                }
            }
        }
        Ok(weights)
    }

    /// The parts of a block, in order.
    pub(super) fn parts<'c>(&'c self, class: &'c Class, block: BlockNr) -> Vec<Part<'c>> {
        let ground = self.ground(block).bytes();
        if let Some(told) = class.told.get(&block) {
            return vec![Part::Told(told)];
        }
        let mut parts = Vec::new();
        let mut at = 0;
        for number in self.cells_of(block).unwrap_or(0..0) {
            let cell = &self.cells[number];
            if at < cell.at {
                parts.push(Part::Fixed(at, &ground[at..cell.at]));
            }
            parts.push(Part::Cell(number));
            at = cell.at + cell.variants.first().map_or(0, |variant| variant.bytes.len());
        }
        if at < ground.len() {
            parts.push(Part::Fixed(at, &ground[at..]));
        }
        parts
    }

    fn see<F: Fold>(
        &self,
        weights: &Weights<F::State>,
        block: BlockNr,
        part: &Part<'_>,
        fold: &F,
    ) -> Weights<F::State> {
        let mut next: Weights<F::State> = Weights::new();
        let mut add = |levels: Levels, state: F::State, images: &BigUint| {
            *next.entry((levels, state)).or_default() += images;
        };
        for ((levels, state), images) in weights {
            match part {
                Part::Fixed(at, bytes) => add(levels.clone(), fold.see(state, block, *at, bytes), images),
                Part::Cell(cell) => {
                    let cell = &self.cells[*cell];
                    for variant in cell.variants.iter().filter(|variant| variant.legal.meets(levels)) {
                        let state = fold.see(state, block, cell.at, &variant.bytes);
                        add(levels.and(&variant.legal), state, images);
                    }
                }
                Part::Told(told) => {
                    for combo in told.combos.iter().filter(|combo| combo.legal.meets(levels)) {
                        let content = self.compose(block, told.cells.clone(), combo.variants());
                        let state = fold.see(state, block, 0, content.bytes());
                        add(levels.and(&combo.legal), state, images);
                    }
                }
            }
        }
        next
    }

    /// The images of everything but some blocks, by the levels at which they are legal.
    fn rest(&self, class: &Class, levels: &Levels, blocks: &[BlockNr]) -> BTreeMap<Levels, BigUint> {
        let mut weights = BTreeMap::from([(levels.clone(), BigUint::from(1_u32))]);
        // Cells that are counted elsewhere are missing from their groups.
        let mut missing: BTreeMap<usize, u32> = BTreeMap::new();
        let mut miss = |cells: Range<usize>| {
            for cell in &self.cells[cells] {
                *missing.entry(cell.group).or_default() += 1;
            }
        };
        for (block, told) in class.told.iter() {
            miss(told.cells.clone());
            if blocks.binary_search(block).is_ok() {
                continue;
            }
            let mut kinds: BTreeMap<Levels, u32> = BTreeMap::new();
            for combo in &told.combos {
                *kinds.entry(combo.legal.and(levels)).or_default() += 1;
            }
            let kinds = kinds.into_iter().map(|(legal, contents)| Kind { legal, contents });
            let block = Group { kinds: kinds.filter(|kind| !kind.legal.is_empty()).collect(), cells: 1 };
            weights = multiply(weights, &block, 1, levels);
        }
        let loose = blocks.iter().filter(|block| !class.told.contains_key(block));
        loose.filter_map(|block| self.cells_of(*block)).for_each(miss);
        for number in self.groups.within(levels) {
            let group = &self.groups.groups[number];
            let cells = group.cells - missing.get(&number).copied().unwrap_or(0);
            weights = multiply(weights, group, cells, levels);
        }
        weights
    }
}

/// Takes some cells of a group in.
fn multiply(
    weights: BTreeMap<Levels, BigUint>,
    group: &Group,
    cells: u32,
    levels: &Levels,
) -> BTreeMap<Levels, BigUint> {
    if cells == 0 {
        return weights;
    }
    let kinds: Vec<Kind> = group
        .kinds
        .iter()
        .map(|kind| Kind { legal: kind.legal.and(levels), contents: kind.contents })
        .filter(|kind| !kind.legal.is_empty())
        .collect();
    if kinds.iter().all(|kind| kind.legal == *levels) {
        let contents: u32 = kinds.iter().map(|kind| kind.contents).sum();
        let factor = BigUint::from(contents).pow(cells);
        return weights.into_iter().map(|(levels, images)| (levels, images * &factor)).collect();
    }
    let ways = if kinds.len() <= MOST_KINDS {
        vec![used(&kinds, cells)]
    } else {
        vec![used_once(&kinds); cells.index()]
    };
    let mut weights = weights;
    for ways in ways {
        let mut next: BTreeMap<Levels, BigUint> = BTreeMap::new();
        for (levels, images) in &weights {
            for (legal, ways) in &ways {
                let levels = levels.and(legal);
                if !levels.is_empty() {
                    *next.entry(levels).or_default() += images * ways;
                }
            }
        }
        weights = next;
    }
    weights
}

fn used_once(kinds: &[Kind]) -> Vec<(Levels, BigUint)> {
    kinds.iter().map(|kind| (kind.legal.clone(), BigUint::from(kind.contents))).collect()
}

/// For each set of kinds, how many ways there are to fill `cells` cells with all of these kinds and no other, and
/// at which levels these are legal.
fn used(kinds: &[Kind], cells: u32) -> Vec<(Levels, BigUint)> {
    if cells == 1 {
        return used_once(kinds);
    }
    let sets = 1_usize << kinds.len();
    let members = |set: usize| kinds.iter().enumerate().filter(move |(kind, _)| set >> kind & 1 == 1);
    // At most these kinds, then those that use fewer taken away.
    let mut ways: Vec<BigUint> = Vec::with_capacity(sets);
    let mut used = Vec::new();
    for set in 0..sets {
        let contents: u32 = members(set).map(|(_, kind)| kind.contents).sum();
        let within = (1..set).filter(|part| part & set == *part);
        let fewer: BigUint = within.map(|part| &ways[part]).sum();
        let all = if set == 0 { BigUint::ZERO } else { BigUint::from(contents).pow(cells) - fewer };
        let legal = members(set).map(|(_, kind)| kind.legal.clone()).reduce(|one, other| one.and(&other));
        if let Some(legal) = legal.filter(|legal| !legal.is_empty() && all != BigUint::ZERO) {
            used.push((legal, all.clone()));
        }
        ways.push(all);
    }
    used
}
