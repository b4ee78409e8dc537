//! Every legal crash image of all runs of a scenario, as one space.
//!
//! ```text
//!   run 0   moment 0 ───────────── 9 | 10 ──────── 17        | an epoch ends: something became durable
//!   cuts            ▲ 4                          ▲ 17        ▲ a window ends
//!   levels          0       1 (at 9)             2
//!   run 1   …                                                levels 3, 4, …
//!
//!   cell 40   content A at levels 0 1        content B at levels 1 2 3 4
//! ```
//! Within an epoch legal sets only grow, so that all images of a stretch of it are legal at its last moment. A
//! *level* is such a moment; all that is said about windows is said about sets of levels. At one level the legal
//! images are the product of what each unit may hold there. A *cell* is a unit that can hold more than one content.
//! Contents of several runs are one content where their bytes are equal: an image that several runs can leave is one.

use super::Levels;
use super::content::Content;
use super::flaw::{Flaw, is_made};
use super::group::Groups;
use super::space::{Space, Unit};
use crate::device::{DeviceLog, DiskImage};
use crate::schedule::Schedule;
use crate::units::{Block, BlockNr, Lba, Moment, SECTOR_BYTES, SECTORS_PER_BLOCK, Widen, len_u32};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

/// A run, and where its windows end.
#[derive(Clone, Debug)]
pub struct Course<'a> {
    /// The schedule that witnesses of this run are named by.
    pub schedule: Schedule,
    /// The disk before the first request.
    pub base: &'a DiskImage,
    /// What happened at the device.
    pub log: &'a DeviceLog,
    /// The last moment of each stretch that is asked about; the end of the log needs no mention.
    pub cuts: Vec<Moment>,
}

/// The last moment of a stretch of one epoch of one run.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Level {
    /// Which run.
    pub run: usize,
    /// The moment.
    pub moment: Moment,
}

/// One of the contents of a cell.
#[derive(Debug)]
pub(super) struct Variant {
    pub(super) bytes: Content,
    /// The levels at which it may survive.
    pub(super) legal: Levels,
}

/// What a run makes of a cell.
#[derive(Debug)]
pub(super) enum InRun {
    /// It never writes it: the base has this variant.
    Base(usize),
    /// It is this unit of its space; for each content of the unit, the variant, where any level allows it.
    Unit { unit: usize, variants: SmallVec<[Option<usize>; 2]> },
}

/// How many contents of one block are kept once they were put together.
const KEPT_PER_BLOCK: usize = 256;
/// How many contents of all blocks may be kept: 256 MiB of them.
const KEPT: usize = 65_536;

/// A block with cells.
#[derive(Debug)]
pub(super) struct Varying {
    pub(super) block: BlockNr,
    pub(super) cells: Range<usize>,
    /// Its contents, by the number that its variants are the digits of; none where there are too many.
    kept: Vec<OnceLock<Block>>,
}

impl Varying {
    /// Whether its contents are kept.
    pub(super) const fn is_kept(&self) -> bool {
        !self.kept.is_empty()
    }

    /// The content with these variants, if it is one that is kept.
    pub(super) fn kept<'s>(&'s self, images: &Images<'_>, choice: &[u16]) -> Option<&'s Block> {
        let cells = &images.cells[self.cells.clone()];
        if self.kept.is_empty() {
            return None;
        }
        let digits = cells.iter().zip(choice);
        let number =
            digits.fold(0, |number, (cell, variant)| number * cell.variants.len() + usize::from(*variant));
        let put_together =
            || images.compose(self.block, self.cells.clone(), choice.iter().map(|it| usize::from(*it)));
        self.kept.get(number).map(|kept| kept.get_or_init(put_together))
    }
}

/// A unit that can hold more than one content.
#[derive(Debug)]
pub(super) struct Cell {
    /// Its place in its block, in bytes.
    pub(super) at: usize,
    pub(super) variants: SmallVec<[Variant; 2]>,
    pub(super) runs: SmallVec<[InRun; 2]>,
    /// The group of cells that are alike.
    pub(super) group: usize,
}

/// All legal crash images of all runs of a scenario.
#[derive(Debug)]
pub struct Images<'a> {
    pub(super) courses: Vec<Course<'a>>,
    pub(super) spaces: Vec<Space>,
    levels: Vec<Level>,
    /// For each run, its levels.
    of_run: Vec<Range<usize>>,
    pub(super) cells: Vec<Cell>,
    /// The blocks that have cells.
    varying: Vec<Varying>,
    /// For each block of the disk, one more than its place among them, or zero.
    places: Vec<u32>,
    /// What stands outside the cells.
    ground: DiskImage,
    pub(super) groups: Groups,
}

impl<'a> Images<'a> {
    /// All legal images of some runs on disks of one size.
    pub fn of(courses: Vec<Course<'a>>) -> Self {
        let spaces: Vec<Space> = courses.iter().map(|course| Space::of(course.base, course.log)).collect();
        let mut levels = Vec::new();
        let mut of_run = Vec::new();
        for (run, (course, space)) in courses.iter().zip(&spaces).enumerate() {
            let ends = space.epochs.iter().map(|epoch| *epoch.end());
            let cuts = course.cuts.iter().copied().filter(|cut| *cut <= space.last());
            let moments: BTreeSet<Moment> = ends.chain(cuts).collect();
            let from = levels.len();
            levels.extend(moments.into_iter().map(|moment| Level { run, moment }));
            of_run.push(from..levels.len());
        }
        let ground = courses.first().map_or_else(|| DiskImage::new(0), |course| course.base.clone());
        let mut images = Self {
            courses,
            spaces,
            levels,
            of_run,
            cells: Vec::new(),
            varying: Vec::new(),
            places: vec![0; ground.blocks().index()],
            ground,
            groups: Groups::default(),
        };
        images.fill();
        images.keep();
        images.groups = Groups::of(&mut images.cells, images.levels.len());
        images
    }

    /// The levels, run after run, each in order.
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// All levels.
    pub fn all(&self) -> Levels {
        Levels::of(0..self.levels.len())
    }

    /// The size of the disk in blocks.
    pub fn blocks(&self) -> u64 {
        self.ground.blocks()
    }

    /// The levels whose images are those that are legal in a run from one moment until another, which is the end of
    /// its log or one of its cuts.
    pub fn during(&self, run: usize, from: Moment, to: Moment) -> Levels {
        let mut during = Levels::none();
        let of_run = self.of_run[run].clone();
        for epoch in self.spaces[run].epochs.iter().filter(|it| *it.end() >= from && *it.start() <= to) {
            let top = to.min(*epoch.end());
            let found = self.levels[of_run.clone()].binary_search_by_key(&top, |level| level.moment);
            debug_assert!(found.is_ok(), "{top} is a cut or the end of an epoch");
            if let Ok(level) = found {
                during.insert(of_run.start + level..of_run.start + level + 1);
            }
        }
        during
    }

    /// The level that has all images that are legal at a moment.
    pub(super) fn level_of(&self, run: usize, moment: Moment) -> usize {
        let of_run = self.of_run[run].clone();
        of_run.start + self.levels[of_run].partition_point(|level| level.moment < moment)
    }

    /// The cells of a block; none where all images hold the same there.
    pub(super) fn cells_of(&self, block: BlockNr) -> Option<Range<usize>> {
        self.varying(block).map(|varying| varying.cells.clone())
    }

    /// A block with cells.
    pub(super) fn varying(&self, block: BlockNr) -> Option<&Varying> {
        let place = self.places.get(usize::try_from(block.get()).ok()?)?;
        self.varying.get(place.index().checked_sub(1)?)
    }

    /// Whether images differ in a block.
    pub fn varies(&self, block: BlockNr) -> bool {
        self.varying(block).is_some()
    }

    /// What a block holds outside its cells.
    pub(super) fn ground(&self, block: BlockNr) -> &Block {
        self.ground.block(block)
    }

    /// The unit of a run's space that a cell is.
    pub(super) fn unit(&self, run: usize, cell: &Cell) -> Option<(usize, &Unit)> {
        match &cell.runs[run] {
            InRun::Base(_) => None,
            InRun::Unit { unit, .. } => Some((*unit, &self.spaces[run].units[*unit])),
        }
    }

    /// Finds the cells.
    fn fill(&mut self) {
        for (lba, units) in self.written() {
            let (block, at) = place(lba);
            let (variants, runs) = self.variants(lba, &units);
            if let [only] = &*variants {
                self.ground.write(lba, &only.bytes);
                continue;
            }
            let cell = self.cells.len();
            self.cells.push(Cell { at, variants, runs, group: 0 });
            match self.varying.last_mut().filter(|last| last.block == block) {
                Some(last) => last.cells.end = cell + 1,
                None => {
                    self.varying.push(Varying { block, cells: cell..cell + 1, kept: Vec::new() });
                    if let Some(place) = self.places.get_mut(block.get().index()) {
                        *place = len_u32(self.varying.len());
                    }
                }
            }
        }
    }

    /// Makes room for the contents of blocks that have few.
    fn keep(&mut self) {
        let mut room = KEPT;
        for varying in &mut self.varying {
            let factors = self.cells[varying.cells.clone()].iter().map(|cell| cell.variants.len());
            let contents = factors.fold(1_usize, usize::saturating_mul);
            if contents <= KEPT_PER_BLOCK.min(room) {
                varying.kept = std::iter::repeat_with(OnceLock::new).take(contents).collect();
                room -= contents;
            }
        }
    }

    /// For each unit that some run writes, or that the runs start with different contents of, its place in each
    /// run's space.
    fn written(&self) -> BTreeMap<Lba, SmallVec<[Option<usize>; 2]>> {
        let none = || SmallVec::from_elem(None, self.spaces.len());
        let mut written: BTreeMap<Lba, SmallVec<[Option<usize>; 2]>> = BTreeMap::new();
        for (run, space) in self.spaces.iter().enumerate() {
            for (number, unit) in space.units.iter().enumerate() {
                written.entry(unit.lba).or_insert_with(none)[run] = Some(number);
            }
        }
        let Some((first, others)) = self.courses.split_first() else { return written };
        for other in others.iter().filter(|other| other.base != first.base) {
            let sectors = other.log.disk().atomic.sectors();
            let blocks = first.base.written().chain(other.base.written()).map(|(nr, _)| nr);
            for nr in blocks.filter(|nr| first.base.block(*nr) != other.base.block(*nr)) {
                let all = (0..SECTORS_PER_BLOCK / sectors).map(|unit| unit * sectors);
                for lba in all.map(|sector| nr.first_lba().plus(sector)) {
                    written.entry(lba).or_insert_with(none);
                }
            }
        }
        written
    }

    /// The contents that a unit can hold, and what each run makes of them.
    fn variants(&self, lba: Lba, units: &[Option<usize>]) -> (SmallVec<[Variant; 2]>, SmallVec<[InRun; 2]>) {
        let mut variants: SmallVec<[Variant; 2]> = SmallVec::new();
        let mut intern = |bytes: &Content| {
            let known = variants.iter().position(|variant| variant.bytes == *bytes);
            known.unwrap_or_else(|| {
                variants.push(Variant { bytes: bytes.clone(), legal: Levels::none() });
                variants.len() - 1
            })
        };
        let mut runs = SmallVec::new();
        for (run, unit) in units.iter().enumerate() {
            runs.push(match unit {
                None => {
                    let (block, at) = place(lba);
                    let course = &self.courses[run];
                    let (block, len) = (course.base.block(block).clone(), course.log.disk().atomic.bytes());
                    InRun::Base(intern(&Content::Base { block, from: at, len }))
                }
                Some(unit) => {
                    let contents = &self.spaces[run].units[*unit].contents;
                    InRun::Unit {
                        unit: *unit,
                        variants: contents.iter().map(|bytes| Some(intern(bytes))).collect(),
                    }
                }
            });
        }
        for (run, in_run) in runs.iter().enumerate() {
            let of_run = self.of_run[run].clone();
            match in_run {
                InRun::Base(variant) => variants[*variant].legal.insert(of_run),
                InRun::Unit { unit, variants: of } => {
                    let unit = &self.spaces[run].units[*unit];
                    for (version, life) in unit.lives().enumerate() {
                        let level = |moment: Moment| {
                            let levels = &self.levels[of_run.clone()];
                            of_run.start + levels.partition_point(|level| level.moment < moment)
                        };
                        let end = life.end.map_or(of_run.end, level);
                        let last = unit.versions.len() - 1;
                        let is_swapped = is_made(Flaw::SwappedVersions) && version > 0 && version + 1 >= last;
                        let held = if is_swapped { 2 * last - 1 - version } else { version };
                        let content = unit.versions[held].content;
                        if let Some(variant) = of[content] {
                            variants[variant].legal.insert(level(life.start)..end);
                        }
                    }
                }
            }
        }
        // What no level allows is no choice; numbers of the others move up.
        let mut kept = 0;
        let moved = variants.iter().map(|variant| {
            let is_kept = !variant.legal.is_empty();
            kept += usize::from(is_kept);
            is_kept.then_some(kept - usize::from(is_kept))
        });
        let moved: SmallVec<[Option<usize>; 4]> = moved.collect();
        for in_run in &mut runs {
            match in_run {
                InRun::Base(variant) => *variant = moved[*variant].unwrap_or(0),
                InRun::Unit { variants, .. } => {
                    variants.iter_mut().for_each(|it| *it = it.and_then(|it| moved[it]));
                }
            }
        }
        variants.retain(|variant| !variant.legal.is_empty());
        (variants, runs)
    }
}

fn place(lba: Lba) -> (BlockNr, usize) {
    let within = lba.get() % SECTORS_PER_BLOCK;
    (lba.block(), within.index() * SECTOR_BYTES)
}
