//! Follows a reader through every legal crash image at once: one path for each combination of different answers.
//!
//! ```text
//!   reader ──step──▶ one answer ──step──▶ two answers ─┬─▶ … ─▶ found, class        a leaf
//!                                                      └─▶ … ─▶ found, class        another
//! ```
//! The classes of the leaves are disjoint and together they are all legal images: that is checked, level by level,
//! every time. Open paths are followed in parallel, each for a fixed number of steps a round, and kept in their
//! order: what is found does not depend on the number of threads.

use super::Levels;
use super::class::Class;
use super::images::Images;
use super::probe::{First, Probe, Trail};
use super::sample::draw;
use crate::device::{Reader, Step};
use crate::units::len_u64;
use num_bigint::BigUint;
use rayon::prelude::*;

/// How many steps an open path is followed in one round.
const STEPS: u32 = 2048;
/// And in the first rounds, until there are open paths for everybody.
const FIRST_STEPS: u32 = 128;
/// So many open paths are enough for everybody.
const ENOUGH: usize = 32;

/// How much to look at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// How many leaves are enough: the paths that are open then are sampled.
    pub max_leaves: u64,
    /// How many images are drawn from what is not followed to the end.
    pub draws: u64,
    /// What they are drawn with.
    pub seed: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { max_leaves: 100_000, draws: 3_000, seed: 0 }
    }
}

/// What a reader finds in all images of a class.
#[derive(Clone, Debug)]
pub struct Leaf<F> {
    /// What it finds.
    pub found: F,
    /// In which images.
    pub class: Class,
}

/// How much was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Coverage {
    /// Every legal image.
    Complete,
    /// All but some, of which a sample was drawn.
    Partial(Box<Partial>),
}

/// What was not looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Partial {
    /// Why.
    pub reason: String,
    /// How many write subsets were not looked at, summed over the levels.
    pub left: BigUint,
    /// Of how many.
    pub of: BigUint,
    /// How many images were drawn at random from what was left before the first was drawn.
    pub draws: u64,
    /// The levels at which something was left.
    pub levels: Levels,
}

/// What was found, and where.
#[derive(Debug)]
pub struct Explored<F> {
    /// In an order that depends on the images and the reader alone.
    pub leaves: Vec<Leaf<F>>,
    /// How much was looked at.
    pub coverage: Coverage,
}

/// A path that is not at its end.
#[derive(Clone, Debug)]
pub(super) struct Open<R> {
    pub(super) reader: R,
    pub(super) class: Class,
    /// It asks for a block with too many contents.
    pub(super) too_wide: bool,
}

enum Path<R: Reader> {
    Open(Open<R>),
    Leaf(Leaf<R::Found>),
}

/// Follows a reader through all images. `progress` is told the number of leaves now and then.
///
/// # Panics
/// Where the leaves are not all images, each once: a mistake in here, or a reader whose steps depend on more than
/// the answers that it gets.
pub fn explore<R: Reader>(
    images: &Images<'_>,
    reader: R,
    bounds: &Bounds,
    progress: &(dyn Fn(u64) + Sync),
) -> Explored<R::Found> {
    let mut paths = vec![Path::Open(Open { reader, class: Class::all(images), too_wide: false })];
    let mut leaves = 0;
    loop {
        let open = paths.iter().filter(|path| path.is_open()).count();
        if open == 0 || leaves >= bounds.max_leaves {
            break;
        }
        let steps = if open < ENOUGH { FIRST_STEPS } else { STEPS };
        let follow = |path: Path<R>| match path {
            Path::Open(open) if !open.too_wide => follow(images, open, steps),
            Path::Open(_) | Path::Leaf(_) => vec![path],
        };
        let followed: Vec<Vec<Path<R>>> = paths.into_par_iter().map(follow).collect();
        paths = followed.into_iter().flatten().collect();
        leaves = len_u64(paths.iter().filter(|path| !path.is_open()).count());
        progress(leaves);
    }
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for path in paths {
        match path {
            Path::Leaf(leaf) => found.push(leaf),
            Path::Open(path) => open.push(path),
        }
    }
    verify(images, found.iter().map(|leaf| &leaf.class).chain(open.iter().map(|open| &open.class)));
    let coverage = match open.is_empty() {
        true => Coverage::Complete,
        false => sampled(images, &open, bounds, &mut found),
    };
    Explored { leaves: found, coverage }
}

impl<R: Reader> Path<R> {
    /// Whether there is more to follow.
    const fn is_open(&self) -> bool {
        match self {
            Self::Open(open) => !open.too_wide,
            Self::Leaf(_) => false,
        }
    }
}

/// Follows a path for some steps, in order; what is open then is left open.
fn follow<R: Reader>(images: &Images<'_>, open: Open<R>, steps: u32) -> Vec<Path<R>> {
    let mut stack = vec![Path::Open(open)];
    let mut done = Vec::new();
    let mut left = steps;
    while let Some(path) = stack.pop() {
        match path {
            Path::Open(open) if left > 0 && !open.too_wide => {
                left -= 1;
                let from = stack.len();
                branch(images, &open, &mut stack);
                stack[from..].reverse();
            }
            Path::Open(_) | Path::Leaf(_) => done.push(path),
        }
    }
    done
}

/// Takes one step, once for each combination of answers.
fn branch<R: Reader>(images: &Images<'_>, open: &Open<R>, paths: &mut Vec<Path<R>>) {
    let mut trail = Trail::default();
    loop {
        let mut probe = Probe::new(images, open.class.clone(), &mut trail, First);
        let step = open.reader.clone().step(&mut probe);
        if probe.too_wide {
            // All of it is left open: none of its parts is closed before.
            paths.push(Path::Open(Open { too_wide: true, class: probe.class, reader: open.reader.clone() }));
        } else {
            let class = probe.class;
            paths.push(match step {
                Step::GoOn(reader) => Path::Open(Open { reader, class, too_wide: false }),
                Step::Done(found) => Path::Leaf(Leaf { found, class }),
            });
        }
        if !trail.advance() {
            break;
        }
    }
}

/// Draws from what is left open; each draw ends in a leaf, which is added where it is new.
fn sampled<R: Reader>(
    images: &Images<'_>,
    open: &[Open<R>],
    bounds: &Bounds,
    found: &mut Vec<Leaf<R::Found>>,
) -> Coverage {
    let mut levels = Levels::none();
    open.iter().for_each(|open| levels.add(&open.class.levels));
    let wide = open.iter().filter(|open| open.too_wide).count();
    let reason = if wide == 0 {
        format!("{} paths were not followed to their end after {} leaves", open.len(), found.len())
    } else {
        format!("{wide} paths lead to a block with too many contents to tell apart")
    };
    let leaves = draw(images, open, bounds);
    let mut left: BigUint = open.iter().map(|open| images.mass(&open.class)).sum();
    let drawn: BigUint = leaves.iter().map(|leaf| images.mass(&leaf.class)).sum();
    left -= drawn;
    found.extend(leaves);
    let all = images.all();
    let of = all.iter().map(|level| images.weight(&Class::all(images), images.at(level))).sum();
    Coverage::Partial(Box::new(Partial { reason, left, of, draws: bounds.draws, levels }))
}

/// Whether classes are all images, each once.
fn verify<'c>(images: &Images<'_>, classes: impl Iterator<Item = &'c Class>) {
    let mut sums = vec![BigUint::ZERO; images.levels().len()];
    for class in classes {
        for level in class.levels.iter() {
            sums[level] += images.weight(class, images.at(level));
        }
    }
    let all = Class::all(images);
    for (level, sum) in sums.into_iter().enumerate() {
        assert!(sum == images.weight(&all, images.at(level)), "every image has one leaf at level {level}");
    }
}
