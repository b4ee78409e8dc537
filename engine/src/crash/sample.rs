//! Draws from what was not followed to the end, each image with its exact share.
//!
//! ```text
//!   open paths ──by mass──▶ one ──by weight──▶ a level ──▶ at each question one answer, by the weight of its contents
//! ```
//! A draw ends in a leaf: a whole class of images with one result, which then is looked at exactly. The n-th draw has
//! the n-th stream of ChaCha8: what is drawn depends on the seed alone.

use super::Levels;
use super::best::Best;
use super::class::{Class, Combo};
use super::explore::{Bounds, Leaf, Open};
use super::fold::Fold;
use super::images::{Images, Level};
use super::probe::{Chooser, Part, Probe, Trail};
use super::weight::Span;
use crate::device::{Reader, Step};
use crate::units::BlockNr;
use num_bigint::BigUint;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// The answers that a draw was given: two draws with the same are one leaf.
type Path = (usize, Vec<usize>);

/// Draws from some open paths; the leaves, each once, in the order of the draws that found them.
pub(super) fn draw<R: Reader>(images: &Images<'_>, open: &[Open<R>], bounds: &Bounds) -> Vec<Leaf<R::Found>> {
    let masses: Vec<BigUint> = open.iter().map(|open| images.mass(&open.class)).collect();
    let one = |number: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(bounds.seed);
        rng.set_stream(number);
        let path = pick(&mut rng, &masses);
        follow(images, &open[path], path, rng)
    };
    let drawn: Vec<(Path, Leaf<R::Found>)> = (0..bounds.draws).into_par_iter().map(one).collect();
    let mut known = BTreeSet::new();
    drawn.into_iter().filter_map(|(path, leaf)| known.insert(path).then_some(leaf)).collect()
}

fn follow<R: Reader>(
    images: &Images<'_>,
    open: &Open<R>,
    path: usize,
    mut rng: ChaCha8Rng,
) -> (Path, Leaf<R::Found>) {
    let levels: Vec<usize> = open.class.levels.iter().collect();
    let weights: Vec<BigUint> =
        levels.iter().map(|level| images.weight(&open.class, images.at(*level))).collect();
    let span = images.at(levels[pick(&mut rng, &weights)]);
    let mut dice = Dice { rng, span, wide: Vec::new() };
    let (mut reader, mut class) = (open.reader.clone(), open.class.clone());
    let mut taken = Vec::new();
    loop {
        let mut trail = Trail::default();
        let mut probe = Probe::new(images, class, &mut trail, dice);
        let step = reader.step(&mut probe);
        Probe { class, chooser: dice, .. } = probe;
        taken.extend(trail.0.iter().map(|turn| turn.taken));
        taken.append(&mut dice.wide);
        match step {
            Step::GoOn(next) => reader = next,
            Step::Done(found) => return ((path, taken), Leaf { found, class }),
        }
    }
}

/// Chooses by weight at one level.
#[derive(Debug)]
struct Dice {
    rng: ChaCha8Rng,
    span: Span,
    /// The contents that were chosen of blocks with too many.
    wide: Vec<usize>,
}

impl Chooser for Dice {
    fn choose(&mut self, images: &Images<'_>, cells: Range<usize>, parts: &[Part]) -> usize {
        let weight = |part: &Part| images.told_weight(cells.clone(), &part.combos, self.span);
        let weights: Vec<BigUint> = parts.iter().map(weight).collect();
        pick(&mut self.rng, &weights)
    }

    fn wide(&mut self, images: &Images<'_>, cells: Range<usize>, levels: &Levels) -> Option<Combo> {
        let mut choice = Vec::with_capacity(cells.len());
        let mut legal = levels.clone();
        for cell in &images.cells[cells] {
            let weight = |variant: usize| images.variant_weight(cell, variant, self.span);
            let weights: Vec<BigUint> = (0..cell.variants.len()).map(weight).collect();
            let variant = pick(&mut self.rng, &weights);
            self.wide.push(variant);
            legal.keep(&cell.variants[variant].legal);
            choice.push(u16::try_from(variant).ok()?);
        }
        Some(Combo { choice: choice.into(), legal })
    }
}

/// One of several, each with the probability of its weight; the last where all weigh nothing.
fn pick(rng: &mut ChaCha8Rng, weights: &[BigUint]) -> usize {
    let total: BigUint = weights.iter().sum();
    let mut at = below(rng, &total);
    for (number, weight) in weights.iter().enumerate() {
        if at < *weight {
            return number;
        }
        at -= weight;
    }
    weights.len().saturating_sub(1)
}

/// A number below another, each with the same probability.
fn below(rng: &mut ChaCha8Rng, end: &BigUint) -> BigUint {
    let bits = end.bits();
    if bits == 0 {
        return BigUint::ZERO;
    }
    loop {
        let words = (0..bits.div_ceil(32)).map(|_| rng.next_u32()).collect();
        let drawn = BigUint::new(words) >> (bits.div_ceil(32) * 32 - bits);
        if drawn < *end {
            return drawn;
        }
    }
}

/// What a drawn image shows.
#[derive(Clone, Debug)]
pub struct Drawn<S> {
    /// The state that its fold ends in.
    pub state: S,
    /// The image, with the newest contents wherever neither the class nor the fold looks.
    pub image: Best,
}

impl Images<'_> {
    /// Draws images of a class that are legal at some levels, each set of writes with the same probability, and
    /// folds over some of their blocks. The n-th draw has the n-th stream of ChaCha8.
    pub fn draw<F: Fold>(
        &self,
        class: &Class,
        within: &Levels,
        blocks: &[BlockNr],
        fold: &F,
        bounds: &Bounds,
    ) -> Vec<Drawn<F::State>> {
        let levels: Vec<usize> = class.levels.and(within).iter().collect();
        if levels.is_empty() {
            return Vec::new();
        }
        let weights: Vec<BigUint> = levels.iter().map(|level| self.weight(class, self.at(*level))).collect();
        let one = |number: u64| {
            let mut rng = ChaCha8Rng::seed_from_u64(bounds.seed);
            rng.set_stream(number);
            let level = self.levels()[levels[pick(&mut rng, &weights)]];
            self.draw_at(class, level, blocks, fold, &mut rng)
        };
        (0..bounds.draws).map(one).collect()
    }

    fn draw_at<F: Fold>(
        &self,
        class: &Class,
        level: Level,
        blocks: &[BlockNr],
        fold: &F,
        rng: &mut ChaCha8Rng,
    ) -> Drawn<F::State> {
        let span = Span { run: level.run, oldest: level.moment, newest: level.moment };
        let mut choices = BTreeMap::new();
        for told in class.told.values() {
            let weight = |combo| self.combo_weight(told.cells.clone(), combo, span);
            let weights: Vec<BigUint> = told.combos.iter().map(weight).collect();
            let combo = &told.combos[pick(rng, &weights)];
            choices.extend(told.cells.clone().zip(combo.variants()));
        }
        let mut state = fold.start();
        for block in blocks {
            let cells = self.cells_of(*block).unwrap_or(0..0);
            if !class.told.contains_key(block) {
                for number in cells.clone() {
                    let cell = &self.cells[number];
                    let weights: Vec<BigUint> = (0..cell.variants.len())
                        .map(|variant| self.variant_weight(cell, variant, span))
                        .collect();
                    choices.insert(number, pick(rng, &weights));
                }
            }
            let choice = cells.clone().filter_map(|cell| choices.get(&cell).copied());
            state = fold.see(&state, *block, 0, self.compose(*block, cells, choice).bytes());
        }
        Drawn { state, image: self.best_of(level, choices) }
    }
}
