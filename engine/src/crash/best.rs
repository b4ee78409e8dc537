//! The image that shows something with the fewest writes lost.
//!
//! ```text
//!   for each moment at which something in question was written: newest everywhere, but
//!     told blocks   the content with the fewest units that are not the newest
//!     folded blocks the cheapest way to a state that is accepted
//! ```
//! A unit is *lost* where it does not hold the newest content that was submitted before the power cut. Of the
//! images with the fewest units lost, the one at the earliest moment is taken, and of those the one with the newer
//! contents in the earlier blocks.

use super::class::Class;
use super::fold::{Fold, MOST_STATES, Part, TooMany};
use super::id::CrashId;
use super::images::{Images, InRun, Level};
use super::name::name;
use super::space::Unit;
use crate::units::{BlockNr, Moment, len_u32};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::rc::Rc;

/// An image, and when the power is cut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Best {
    /// How many units do not hold the newest content.
    pub lost: u32,
    /// The run.
    pub run: usize,
    /// The moment of the power cut.
    pub moment: Moment,
    /// The variants of the cells that had to be chosen; all others hold the newest.
    choices: BTreeMap<usize, usize>,
}

/// The cells that were chosen on the way to a state, the last first.
#[derive(Debug)]
struct Chosen {
    cells: Vec<(usize, usize)>,
    before: Option<Rc<Self>>,
}

/// What it takes to get somewhere.
#[derive(Clone, Debug)]
struct Way {
    lost: u32,
    chosen: Option<Rc<Chosen>>,
}

impl Way {
    fn on(&self, lost: u32, cells: Vec<(usize, usize)>) -> Self {
        let chosen = Rc::new(Chosen { cells, before: self.chosen.clone() });
        Self { lost: self.lost + lost, chosen: Some(chosen) }
    }
}

impl Images<'_> {
    /// The image of a class whose fold over some blocks ends in an accepted state and that has the fewest units
    /// lost at a moment of `during`, which has a range for each run. Moments at which the fold has too many states are
    /// passed over.
    ///
    /// # Errors
    /// Where such moments were passed over, and no other has an image that is accepted.
    pub fn best<F: Fold>(
        &self,
        class: &Class,
        during: &[Option<RangeInclusive<Moment>>],
        blocks: &[BlockNr],
        fold: &F,
        accept: impl Fn(&F::State) -> bool,
    ) -> Result<Option<Best>, TooMany> {
        let mut best: Option<Best> = None;
        let mut passed_over = false;
        for (run, during) in during.iter().enumerate() {
            let Some(during) = during else { continue };
            for moment in self.moments(class, run, during, blocks) {
                if !class.levels.contains(self.level_of(run, moment)) {
                    continue;
                }
                let bound = best.as_ref().map(|best| (best.lost, best.moment));
                if bound.is_some_and(|bound| bound <= (0, moment)) {
                    break;
                }
                let way = match self.way(class, (run, moment), blocks, fold, &accept) {
                    Ok(Some(way)) => way,
                    Ok(None) => continue,
                    Err(TooMany) => {
                        passed_over = true;
                        continue;
                    }
                };
                if bound.is_none_or(|bound| (way.lost, moment) < bound) {
                    let mut choices = BTreeMap::new();
                    let mut next = way.chosen.as_ref();
                    while let Some(chosen) = next {
                        choices.extend(chosen.cells.iter().copied());
                        next = chosen.before.as_ref();
                    }
                    best = Some(Best { lost: way.lost, run, moment, choices });
                }
            }
        }
        if best.is_none() && passed_over { Err(TooMany) } else { Ok(best) }
    }

    /// The moments at which the fewest units can be lost: when an epoch or the range begins, and behind each write
    /// of what is in question. In between, what is lost can only become more.
    fn moments(
        &self,
        class: &Class,
        run: usize,
        during: &RangeInclusive<Moment>,
        blocks: &[BlockNr],
    ) -> BTreeSet<Moment> {
        let epochs = self.spaces[run].epochs.iter().map(|epoch| *epoch.start());
        let mut moments: BTreeSet<Moment> = epochs.chain([*during.start()]).collect();
        let told = class.told.values().map(|told| told.cells.clone());
        let folded = blocks.iter().filter_map(|block| self.cells_of(*block));
        for cell in told.chain(folded).flatten() {
            if let Some((_, unit)) = self.unit(run, &self.cells[cell]) {
                moments.extend(unit.versions.iter().map(|version| version.since));
            }
        }
        moments.retain(|moment| during.contains(moment));
        moments
    }

    /// The cheapest way at one moment.
    fn way<F: Fold>(
        &self,
        class: &Class,
        (run, moment): (usize, Moment),
        blocks: &[BlockNr],
        fold: &F,
        accept: &impl Fn(&F::State) -> bool,
    ) -> Result<Option<Way>, TooMany> {
        let mut way = Way { lost: 0, chosen: None };
        for (block, told) in class.told.iter().filter(|(block, _)| blocks.binary_search(block).is_err()) {
            let contents = self.told_at(class, *block, run, moment);
            let Some((lost, choice)) = contents.into_iter().min_by_key(|(lost, _)| *lost) else {
                return Ok(None);
            };
            way = way.on(lost, told.cells.clone().zip(choice).collect());
        }
        let mut ways = BTreeMap::from([(fold.start(), way)]);
        for block in blocks {
            for part in self.parts(class, *block) {
                ways = self.over(class, (run, moment), (*block, &part), fold, &ways);
                if ways.len() > MOST_STATES {
                    return Err(TooMany);
                }
            }
        }
        let accepted = ways.into_iter().filter(|(state, _)| accept(state)).map(|(_, way)| way);
        Ok(accepted.min_by_key(|way| way.lost))
    }

    /// The contents that a told block may hold at a moment, newest first, and how many of its units are lost then.
    fn told_at(&self, class: &Class, block: BlockNr, run: usize, moment: Moment) -> Vec<(u32, Vec<usize>)> {
        let Some(told) = class.told.get(&block) else { return Vec::new() };
        let cells = &self.cells[told.cells.clone()];
        let legal: Vec<BTreeSet<usize>> = cells.iter().map(|cell| self.legal_at(cell, run, moment)).collect();
        let newest: Vec<Option<usize>> = cells.iter().map(|cell| self.newest_at(cell, run, moment)).collect();
        let mut contents = Vec::new();
        for combo in told.combos.iter().rev() {
            let choice: Vec<usize> = combo.choice.iter().map(|variant| usize::from(*variant)).collect();
            if choice.iter().zip(&legal).all(|(variant, legal)| legal.contains(variant)) {
                let lost = choice.iter().zip(&newest).filter(|(variant, newest)| Some(**variant) != **newest);
                contents.push((len_u32(lost.count()), choice));
            }
        }
        contents
    }

    /// Folds over one part of a block, with the cheapest way to each state.
    fn over<F: Fold>(
        &self,
        class: &Class,
        (run, moment): (usize, Moment),
        (block, part): (BlockNr, &Part<'_>),
        fold: &F,
        ways: &BTreeMap<F::State, Way>,
    ) -> BTreeMap<F::State, Way> {
        let mut next: BTreeMap<F::State, Way> = BTreeMap::new();
        let mut add = |state: F::State, way: Way| match next.get(&state) {
            Some(known) if known.lost <= way.lost => {}
            Some(_) | None => {
                next.insert(state, way);
            }
        };
        match part {
            Part::Fixed(at, bytes) => {
                ways.iter().for_each(|(state, way)| add(fold.see(state, block, *at, bytes), way.clone()));
            }
            Part::Cell(number) => {
                let cell = &self.cells[*number];
                let newest = self.newest_at(cell, run, moment);
                for variant in self.legal_at(cell, run, moment).into_iter().rev() {
                    let lost = u32::from(newest != Some(variant));
                    for (state, way) in ways {
                        let state = fold.see(state, block, cell.at, &cell.variants[variant].bytes);
                        add(state, way.on(lost, vec![(*number, variant)]));
                    }
                }
            }
            Part::Told(told) => {
                for (lost, choice) in self.told_at(class, block, run, moment) {
                    let content = self.compose(block, told.cells.clone(), choice.iter().copied());
                    for (state, way) in ways {
                        let cells = told.cells.clone().zip(choice.iter().copied()).collect();
                        add(fold.see(state, block, 0, content.bytes()), way.on(lost, cells));
                    }
                }
            }
        }
        next
    }

    /// The image at a level with these variants of some cells, and the newest of all others.
    pub(super) fn best_of(&self, level: Level, choices: BTreeMap<usize, usize>) -> Best {
        let Level { run, moment } = level;
        let is_lost = |(cell, variant): &(&usize, &usize)| {
            self.newest_at(&self.cells[**cell], run, moment) != Some(**variant)
        };
        Best { lost: len_u32(choices.iter().filter(is_lost).count()), run, moment, choices }
    }

    /// The name of an image.
    pub fn id(&self, best: &Best) -> CrashId {
        let space = &self.spaces[best.run];
        name(space, self.courses[best.run].schedule, best.moment, self.contents(best).into_iter().enumerate())
    }

    /// Whether the image is legal at the end of the log too.
    pub fn is_lasting(&self, best: &Best) -> bool {
        let space = &self.spaces[best.run];
        let last = space.last();
        let contents = self.contents(best);
        contents.into_iter().zip(&space.units).all(|(content, unit)| {
            (unit.oldest(last)..=unit.newest(last)).any(|version| unit.versions[version].content == content)
        })
    }

    /// What every unit of the run holds.
    fn contents(&self, best: &Best) -> Vec<usize> {
        let space = &self.spaces[best.run];
        let newest = |unit: &Unit| unit.versions[unit.newest(best.moment)].content;
        let mut contents: Vec<usize> = space.units.iter().map(newest).collect();
        for (cell, variant) in &best.choices {
            if let InRun::Unit { unit, variants } = &self.cells[*cell].runs[best.run] {
                let number = *unit;
                let unit = &space.units[number];
                let legal = unit.oldest(best.moment)..=unit.newest(best.moment);
                let mut held = legal.map(|version| unit.versions[version].content);
                if let Some(content) = held.find(|content| variants[*content] == Some(*variant)) {
                    contents[number] = content;
                }
            }
        }
        contents
    }
}
