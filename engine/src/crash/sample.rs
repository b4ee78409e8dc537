//! Draws from what was not followed to the end, each image with its exact share.
//!
//! ```text
//!   open paths ──by mass──▶ one ──by weight──▶ a level ──▶ at each question one answer, by the weight of its contents
//! ```
//! A draw ends in a leaf: a whole class of images with one result, which then is looked at exactly. The n-th draw has
//! the n-th stream of ChaCha8: what is drawn depends on the seed alone.

use super::Levels;
use super::class::Combo;
use super::explore::{Bounds, Leaf, Open};
use super::images::Images;
use super::probe::{Chooser, Part, Probe, Trail};
use super::weight::Span;
use crate::device::{Reader, Step};
use num_bigint::BigUint;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::ops::Range;

/// What was drawn.
#[derive(Debug)]
pub(super) struct Draws<F> {
    /// The leaves, each once, in the order of the draws that found them.
    pub(super) leaves: Vec<Leaf<F>>,
    /// How many draws there were.
    pub(super) draws: u64,
}

/// The answers that a draw was given: two draws with the same are one leaf.
type Path = (usize, Vec<usize>);

/// Draws from some open paths.
pub(super) fn draw<R: Reader>(images: &Images<'_>, open: &[Open<R>], bounds: &Bounds) -> Draws<R::Found> {
    let masses: Vec<BigUint> = open.iter().map(|open| images.mass(&open.class)).collect();
    let one = |number: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(bounds.seed);
        rng.set_stream(number);
        let path = pick(&mut rng, &masses);
        follow(images, &open[path], path, rng)
    };
    let drawn: Vec<(Path, Leaf<R::Found>)> = (0..bounds.draws).into_par_iter().map(one).collect();
    let mut known = BTreeMap::new();
    let mut leaves = Vec::new();
    for (path, leaf) in drawn {
        if known.insert(path, ()).is_none() {
            leaves.push(leaf);
        }
    }
    Draws { leaves, draws: bounds.draws }
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
