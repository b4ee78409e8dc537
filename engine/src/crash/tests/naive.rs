//! All images of some moments, made one by one from the versions that each unit may hold.

use super::logs::Run;
use crate::crash::Space;
use crate::device::DiskImage;
use crate::units::{Moment, len_u32};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// The runs, unit by unit.
pub(super) struct Naive<'a> {
    runs: &'a [Run],
    spaces: Vec<Space>,
}

impl<'a> Naive<'a> {
    pub(super) fn of(runs: &'a [Run]) -> Self {
        Self { runs, spaces: runs.iter().map(|run| Space::of(&run.base, &run.log)).collect() }
    }

    /// The version that each unit holds, for every combination at a moment.
    fn states(&self, run: usize, moment: Moment) -> Vec<Vec<usize>> {
        let mut states = vec![Vec::new()];
        for unit in &self.spaces[run].units {
            let longer = |state: &Vec<usize>| {
                let versions = unit.oldest(moment)..=unit.newest(moment);
                let state = state.clone();
                versions.map(move |version| [state.clone(), vec![version]].concat()).collect::<Vec<_>>()
            };
            states = states.iter().flat_map(longer).collect();
        }
        states
    }

    fn image(&self, run: usize, state: &[usize]) -> DiskImage {
        let mut image = self.runs[run].base.clone();
        for (unit, version) in self.spaces[run].units.iter().zip(state) {
            image.write(unit.lba, &unit.contents[unit.versions[*version].content]);
        }
        image
    }

    /// Every image that is legal in any of the ranges, once.
    pub(super) fn images(&self, during: &[RangeInclusive<Moment>]) -> Vec<DiskImage> {
        let mut images: BTreeMap<Vec<u8>, DiskImage> = BTreeMap::new();
        for (run, during) in during.iter().enumerate() {
            for moment in (during.start().get()..=during.end().get()).map(Moment::new) {
                for state in self.states(run, moment) {
                    let image = self.image(run, &state);
                    images.insert(image.to_bytes(), image);
                }
            }
        }
        images.into_values().collect()
    }

    /// The image of every set of writes of units that can have reached the medium at a moment of a range; each set
    /// once. What is durable, and what is under it, has reached it.
    pub(super) fn subsets(&self, run: usize, during: &RangeInclusive<Moment>) -> Vec<DiskImage> {
        let units = &self.spaces[run].units;
        let mut sets: BTreeSet<Vec<Vec<usize>>> = BTreeSet::new();
        for moment in (during.start().get()..=during.end().get()).map(Moment::new) {
            let mut here: Vec<Vec<Vec<usize>>> = vec![Vec::new()];
            for unit in units {
                let (oldest, newest) = (unit.oldest(moment), unit.newest(moment));
                let mut longer = Vec::new();
                for set in here {
                    for bits in 0..1_usize << (newest - oldest) {
                        let reached = (1..=newest)
                            .filter(|version| *version <= oldest || bits >> (version - oldest - 1) & 1 == 1);
                        longer.push([set.clone(), vec![reached.collect()]].concat());
                    }
                }
                here = longer;
            }
            sets.extend(here);
        }
        let version = |reached: &Vec<usize>| reached.last().copied().unwrap_or(0);
        sets.iter().map(|set| self.image(run, &set.iter().map(version).collect::<Vec<_>>())).collect()
    }

    /// Every image at every moment, and how many units do not hold the newest content.
    pub(super) fn losses(
        &self,
        run: usize,
        during: &RangeInclusive<Moment>,
    ) -> Vec<(Moment, u32, DiskImage)> {
        let mut losses = Vec::new();
        for moment in (during.start().get()..=during.end().get()).map(Moment::new) {
            for state in self.states(run, moment) {
                let lost = self.spaces[run].units.iter().zip(&state).filter(|(unit, version)| {
                    unit.versions[**version].content != unit.versions[unit.newest(moment)].content
                });
                losses.push((moment, len_u32(lost.count()), self.image(run, &state)));
            }
        }
        losses
    }
}
