//! The explorer against every image made one by one: random logs, random readers that are trees of questions.

mod logs;
mod naive;
mod reader;

use super::*;
use crate::device::Reader;
use crate::units::{BlockNr, Moment};
use logs::random_log;
use naive::Naive;
use num_bigint::BigUint;
use proptest::prelude::*;
use reader::Tree;
use std::collections::{BTreeMap, BTreeSet};

fn images_of<'a>(runs: &'a [logs::Run]) -> Images<'a> {
    Images::of(runs.iter().map(logs::Run::course).collect())
}

fn bounds() -> Bounds {
    Bounds::default()
}

/// Sums up what the fold of the parity of some blocks says of each outcome.
type Counts = BTreeMap<(u32, u8), BigUint>;

fn counted(images: &Images<'_>, tree: &Tree, within: &Levels, blocks: &[BlockNr]) -> Counts {
    let explored = explore(images, tree.reader(), &bounds(), &|_| {});
    assert_eq!(explored.coverage, Coverage::Complete);
    let mut counts = Counts::new();
    for leaf in &explored.leaves {
        for weighed in images.fold(&leaf.class, within, blocks, &reader::Parity).unwrap() {
            *counts.entry((leaf.found, weighed.state)).or_default() += weighed.images;
        }
    }
    counts
}

/// Outcomes with the parity of all contents, of the explorer and of every image made one by one.
fn both(runs: &[logs::Run], tree: &Tree, range: (u8, u8)) -> (Counts, Counts) {
    let images = images_of(runs);
    let all: Vec<_> = (0..logs::BLOCKS).map(BlockNr::new).collect();
    let during = logs::ranges(runs, range);
    let mut within = Levels::none();
    for (run, during) in during.iter().enumerate() {
        within.add(&images.during(run, *during.start(), *during.end()));
    }
    let mut expected = Counts::new();
    for image in Naive::of(runs).images(&during) {
        let found = tree.reader().finish(&mut image.clone());
        *expected.entry((found, reader::parity(&image))).or_default() += 1_u32;
    }
    (counted(&images, tree, &within, &all), expected)
}

/// Every mistake that the explorer could make is found by the comparison with brute force or by its own check that
/// the leaves are all images.
#[test]
fn flaws_are_found() {
    use flaw::Flaw;
    use proptest::strategy::ValueTree;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

    let flaws = [
        Flaw::WrongQuotient,
        Flaw::MissingReread,
        Flaw::SwappedVersions,
        Flaw::LateDurable,
        Flaw::MissingAnswer,
    ];
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for flaw in flaws {
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
        let mut runner = TestRunner::new_with_rng(ProptestConfig::default(), rng);
        let found = (0..300).any(|_| {
            let case = (random_log(), reader::tree(), any::<(u8, u8)>()).new_tree(&mut runner).unwrap();
            let (runs, tree, range) = case.current();
            let flawed = || {
                flaw::with(flaw, || {
                    std::panic::catch_unwind(|| both(&runs, &tree, range))
                        .map_or(true, |(ours, naive)| ours != naive)
                })
            };
            one_thread.install(flawed)
        });
        assert!(found, "{flaw:?} is not found");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Distinct images of every outcome, alone and with the parity of all contents, for every pair of cuts.
    #[test]
    fn counts_are_those_of_brute_force((runs, tree, range) in (random_log(), reader::tree(), any::<(u8, u8)>())) {
        let (counts, expected) = both(&runs, &tree, range);
        let mut plain: BTreeMap<u32, BigUint> = BTreeMap::new();
        expected.iter().for_each(|((found, _), images)| *plain.entry(*found).or_default() += images);
        prop_assert_eq!(counts, expected);
        let images = images_of(&runs);
        let mut within = Levels::none();
        for (run, during) in logs::ranges(&runs, range).iter().enumerate() {
            within.add(&images.during(run, *during.start(), *during.end()));
        }
        let mut alone: BTreeMap<u32, BigUint> = BTreeMap::new();
        for leaf in explore(&images, tree.reader(), &bounds(), &|_| {}).leaves {
            *alone.entry(leaf.found).or_default() += images.images_of(&leaf.class, &within);
        }
        alone.retain(|_, images| *images != BigUint::ZERO);
        prop_assert_eq!(alone, plain);
    }

    /// Steps are of no account: a reader that asks its questions one by one finds the same, in the same order, as one
    /// that asks all of them in one step.
    #[test]
    fn leaves_are_the_same_for_steps_of_any_size((runs, tree) in (random_log(), reader::tree())) {
        let images = images_of(&runs);
        let explored = |questions: u32| {
            let explored = explore(&images, tree.reader_of(questions), &bounds(), &|_| {});
            explored.leaves.into_iter().map(|leaf| (leaf.found, leaf.class)).collect::<Vec<_>>()
        };
        let one = explored(1);
        prop_assert_eq!(&explored(2), &one);
        prop_assert_eq!(&explored(50), &one);
    }

    /// So are threads, also where a sample is drawn.
    #[test]
    fn leaves_are_the_same_on_any_number_of_threads((runs, tree) in (random_log(), reader::tree())) {
        let images = images_of(&runs);
        let explored = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let bounds = Bounds { max_leaves: 3, draws: 20, seed: 2 };
            let explored = pool.install(|| explore(&images, tree.reader(), &bounds, &|_| {}));
            let leaves: Vec<_> = explored.leaves.into_iter().map(|leaf| (leaf.found, leaf.class)).collect();
            (leaves, explored.coverage)
        };
        let one = explored(1);
        prop_assert_eq!(&explored(2), &one);
        prop_assert_eq!(&explored(7), &one);
    }

    /// Sets of writes, by outcome.
    #[test]
    fn subsets_are_those_of_brute_force((runs, tree, range) in (random_log(), reader::tree(), any::<(u8, u8)>())) {
        let images = images_of(&runs);
        let naive = Naive::of(&runs);
        let during = logs::ranges(&runs, range);
        let mut expected: Counts = Counts::new();
        for (run, during) in during.iter().enumerate() {
            for image in naive.subsets(run, during) {
                let found = tree.reader().finish(&mut image.clone());
                *expected.entry((found, reader::parity(&image))).or_default() += 1_u32;
            }
        }
        let all: Vec<_> = (0..logs::BLOCKS).map(BlockNr::new).collect();
        let mut within = Levels::none();
        for (run, during) in during.iter().enumerate() {
            within.add(&images.during(run, *during.start(), *during.end()));
        }
        let mut counts = Counts::new();
        let mut alone: BTreeMap<u32, BigUint> = BTreeMap::new();
        for leaf in explore(&images, tree.reader(), &bounds(), &|_| {}).leaves {
            for (state, sets) in images.fold_subsets(&leaf.class, &within, &all, &reader::Parity).unwrap() {
                *counts.entry((leaf.found, state)).or_default() += sets;
            }
            *alone.entry(leaf.found).or_default() += images.subsets_of(&leaf.class, &within);
        }
        counts.retain(|_, sets| *sets != BigUint::ZERO);
        let mut plain: BTreeMap<u32, BigUint> = BTreeMap::new();
        expected.iter().for_each(|((found, _), sets)| *plain.entry(*found).or_default() += sets);
        alone.retain(|_, sets| *sets != BigUint::ZERO);
        prop_assert_eq!(counts, expected);
        prop_assert_eq!(alone, plain);
    }

    /// The best witness: fewest lost, then earliest; and its name gives an image that shows what it stands for.
    #[test]
    fn witnesses_are_the_least((runs, tree, range) in (random_log(), reader::tree(), any::<(u8, u8)>())) {
        let images = images_of(&runs);
        let naive = Naive::of(&runs);
        let during = logs::ranges(&runs, range);
        let all: Vec<_> = (0..logs::BLOCKS).map(BlockNr::new).collect();
        let mut expected: BTreeMap<(u32, u8), (u32, Moment)> = BTreeMap::new();
        for (run, during) in during.iter().enumerate() {
            for (moment, lost, image) in naive.losses(run, during) {
                let found = tree.reader().finish(&mut image.clone());
                let rank = (lost, moment);
                let known = expected.entry((found, reader::parity(&image))).or_insert(rank);
                *known = rank.min(*known);
            }
        }
        let moments: Vec<_> = during.iter().cloned().map(Some).collect();
        let mut ranks: BTreeMap<(u32, u8), (u32, Moment)> = BTreeMap::new();
        for leaf in explore(&images, tree.reader(), &bounds(), &|_| {}).leaves {
            for parity in 0..=1 {
                let best = images.best(&leaf.class, &moments, &all, &reader::Parity, |state| *state == parity).unwrap();
                let Some(best) = best else { continue };
                let id = images.id(&best);
                let course = &runs[best.run];
                let image = image(&course.base, &course.log, &id).unwrap();
                prop_assert_eq!(reader::parity(&image), parity, "{}", id);
                prop_assert_eq!(tree.reader().finish(&mut image.clone()), leaf.found, "{}", id);
                let rank = (best.lost, best.moment);
                let known = ranks.entry((leaf.found, parity)).or_insert(rank);
                *known = rank.min(*known);
            }
        }
        prop_assert_eq!(ranks, expected);
    }

    /// Where the tree is not closed, what is looked at and what is left are all sets of writes.
    #[test]
    fn a_sample_is_honest((runs, tree, leaves) in (random_log(), reader::tree(), 0_u64..4)) {
        let images = images_of(&runs);
        let bounds = Bounds { max_leaves: leaves, draws: 50, seed: 1 };
        let explored = explore(&images, tree.reader(), &bounds, &|_| {});
        let looked: BigUint = explored.leaves.iter().map(|leaf| images.mass(&leaf.class)).sum();
        let of: BigUint = images.all().iter().map(|level| images.weight(&Class::all(&images), images.at(level))).sum();
        match explored.coverage {
            Coverage::Complete => prop_assert_eq!(looked, of),
            Coverage::Partial(partial) => {
                prop_assert_eq!(&partial.of, &of);
                prop_assert_eq!(looked + partial.left, of);
            }
        }
        for leaf in &explored.leaves {
            let all: Vec<_> = (0..logs::BLOCKS).map(BlockNr::new).collect();
            let bounds = Bounds { draws: 5, ..bounds };
            for drawn in images.draw(&leaf.class, &images.all(), &all, &reader::Parity, &bounds) {
                let id = images.id(&drawn.image);
                let run = &runs[drawn.image.run];
                let image = image(&run.base, &run.log, &id).unwrap();
                prop_assert_eq!(reader::parity(&image), drawn.state, "{}", id);
                prop_assert_eq!(tree.reader().finish(&mut image.clone()), leaf.found, "{}", id);
            }
        }
        let naive = Naive::of(&runs);
        let during: Vec<_> = logs::ranges(&runs, (0, 255));
        let known: BTreeSet<u32> =
            naive.images(&during).into_iter().map(|mut image| tree.reader().finish(&mut image)).collect();
        prop_assert!(explored.leaves.iter().all(|leaf| known.contains(&leaf.found)));
    }
}
