//! What a report is made of: runs, stretches, and the leaves that were found.

use super::Repairs;
use super::claims::{Open, rank};
use super::timeline::{Run, Timeline};
use crate::crash::{Best, Bounds, Course, Coverage, Images, Leaf, Levels, TooMany};
use crate::device::DiskImage;
use crate::oracle::{Entry, Formula, Observation, Outline, Residual};
use crate::recovery::RepairNeeded;
use crate::schedule::Schedule;
use crate::units::{BlockNr, Ino, Moment, len_u64};
use num_bigint::BigUint;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// What a report is made of.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) images: &'a Images<'a>,
    pub(super) leaves: &'a [Leaf<Outline>],
    pub(super) coverage: &'a Coverage,
    pub(super) runs: &'a [Run<'a>],
    pub(super) timeline: &'a Timeline,
    pub(super) bounds: Bounds,
    /// The bytes that the disk writes as one piece.
    pub(super) unit_bytes: usize,
    /// The levels of each stretch.
    pub(super) stretches: Vec<Levels>,
    /// For each leaf, how many of its images are legal at exactly which levels.
    masses: Vec<Vec<(Levels, BigUint)>>,
}

/// All legal images of some runs, with a level at the end of each stretch.
pub fn images<'a>(timeline: &Timeline, runs: &[(Schedule, &'a DiskImage, &Run<'a>)]) -> Images<'a> {
    let course = |(number, (schedule, base, run)): (usize, &(Schedule, &'a DiskImage, &Run<'a>))| Course {
        schedule: *schedule,
        base,
        log: run.log,
        cuts: (0..timeline.len()).map(|stretch| *timeline.moments(stretch, number).end()).collect(),
    };
    Images::of(runs.iter().enumerate().map(course).collect())
}

impl<'a> Stage<'a> {
    pub(super) fn new(
        images: &'a Images<'a>,
        (leaves, coverage): (&'a [Leaf<Outline>], &'a Coverage),
        (runs, timeline): (&'a [Run<'a>], &'a Timeline),
        (bounds, unit_bytes): (Bounds, usize),
    ) -> Self {
        let join =
            |levels: Vec<Levels>| levels.into_iter().reduce(|one, other| one.or(&other)).unwrap_or_default();
        let of_stretch = |stretch: usize| {
            let during = |run: usize| {
                let moments = timeline.moments(stretch, run);
                images.during(run, *moments.start(), *moments.end())
            };
            join((0..runs.len()).map(during).collect())
        };
        Self {
            images,
            leaves,
            coverage,
            runs,
            timeline,
            bounds,
            unit_bytes,
            stretches: (0..timeline.len()).map(of_stretch).collect(),
            masses: leaves.par_iter().map(|leaf| images.by_levels(&leaf.class)).collect(),
        }
    }

    /// How many distinct images are legal at any of some levels.
    pub(super) fn total(&self, levels: &Levels) -> BigUint {
        match self.coverage {
            Coverage::Complete => (0..self.leaves.len()).map(|leaf| self.images_of(leaf, levels)).sum(),
            Coverage::Partial(_) => self.images.images(levels),
        }
    }

    /// How many of all images need a repair.
    pub(super) fn repairs(&self) -> Repairs {
        let (all, mut repairs) = (self.images.all(), Repairs::default());
        for (number, leaf) in self.leaves.iter().enumerate() {
            match leaf.found.repair() {
                RepairNeeded::None => {}
                RepairNeeded::Automatic => repairs.automatic += self.images_of(number, &all),
                RepairNeeded::Manual => repairs.manual += self.images_of(number, &all),
            }
        }
        repairs
    }

    /// How many of them lead to a leaf.
    pub(super) fn images_of(&self, leaf: usize, levels: &Levels) -> BigUint {
        let masses = self.masses[leaf].iter().filter(|(legal, _)| legal.meets(levels));
        masses.map(|(_, images)| images).sum()
    }

    /// The levels of some stretches.
    pub(super) fn levels_of(&self, stretches: &RangeInclusive<usize>) -> Levels {
        let some = self.stretches.get(stretches.clone()).unwrap_or_default();
        some.iter().cloned().reduce(|one, other| one.or(&other)).unwrap_or_default()
    }

    /// The moments of some stretches, for each run.
    pub(super) fn during(&self, stretches: &RangeInclusive<usize>) -> Vec<Option<RangeInclusive<Moment>>> {
        let of_run = |run: usize| {
            let from = *self.timeline.moments(*stretches.start(), run).start();
            let to = *self.timeline.moments(*stretches.end(), run).end();
            from..=to
        };
        let some = !stretches.is_empty();
        (0..self.runs.len()).map(|run| some.then(|| of_run(run))).collect()
    }

    /// The runs that some levels belong to.
    pub(super) fn runs_of(&self, levels: &Levels) -> BTreeSet<usize> {
        levels.iter().filter_map(|level| self.images.levels().get(level)).map(|level| level.run).collect()
    }

    /// Whether leaves may be missing at some levels.
    pub(super) fn left_open(&self, levels: &Levels) -> Option<Open> {
        match self.coverage {
            Coverage::Partial(partial) if partial.levels.meets(levels) => Some(Open::Sampled),
            Coverage::Complete | Coverage::Partial(_) => None,
        }
    }

    /// Looks for an image of a leaf on which a formula ends as wanted, where not every combination can be told apart: at
    /// the moments where that can be done, and where that finds nothing, among images that are drawn. Says how many were.
    pub(super) fn seek(
        &self,
        leaf: &Leaf<Outline>,
        stretches: &RangeInclusive<usize>,
        formula: &Formula,
        decides: impl Fn(&Residual) -> bool,
    ) -> (Option<Best>, u64) {
        let blocks: Vec<BlockNr> = formula.blocks().collect();
        match self.images.best(&leaf.class, &self.during(stretches), &blocks, formula, &decides) {
            Ok(Some(best)) => (Some(best), 0),
            Ok(None) | Err(TooMany) => {
                let levels = self.levels_of(stretches);
                let drawn = self.images.draw(&leaf.class, &levels, &blocks, formula, &self.bounds);
                let many = len_u64(drawn.len());
                let deciding = drawn.into_iter().filter(|one| decides(&one.state)).map(|one| one.image);
                (deciding.min_by_key(rank), many)
            }
        }
    }

    /// The names that each file was found by.
    pub(super) fn names(&self) -> BTreeMap<Ino, BTreeSet<String>> {
        let mut names: BTreeMap<Ino, BTreeSet<String>> = BTreeMap::new();
        for leaf in self.leaves {
            let Observation::Mounted(mounted) = &leaf.found else { continue };
            for (path, entry) in &mounted.entries {
                if let Entry::File(shape) = entry
                    && !names.get(&shape.ino).is_some_and(|names| names.contains(path))
                {
                    names.entry(shape.ino).or_default().insert(path.clone());
                }
            }
        }
        names
    }
}
