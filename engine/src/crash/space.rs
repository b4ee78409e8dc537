//! Versions: for each atomic unit that was ever written, what it held, since when it may survive, and since when
//! nothing older can.
//!
//! ```text
//!   unit 40   versions  base ── w3 ── w7 ── w9        (submission order, first moments rising)
//!             durable   base ─────── w7               (moments rising, versions rising)
//!   at a moment m the survivors are durable(m) ..= newest(m)
//! ```

use super::content::Content;
use super::flaw::{Flaw, is_made};
use crate::device::{AtomicUnit, Cache, DeviceLog, DiskImage, Event, Fua, Op};
use crate::units::{
    BlockNr, Lba, Moment, RequestIdx, SECTOR_BYTES, SECTORS_PER_BLOCK, Widen, len_u32, len_u64,
};
use num_bigint::BigUint;
use smallvec::{SmallVec, smallvec};
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

/// One version of a unit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    /// The write it came with; the base has none.
    pub(super) request: Option<RequestIdx>,
    /// The first moment at which it may survive.
    pub(super) since: Moment,
    /// Which of the unit's distinct contents it is.
    pub(super) content: usize,
}

/// A distinct content that a unit may hold at some moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Alternative {
    /// The earliest version with this content that may survive.
    pub(super) version: usize,
    /// The content.
    pub(super) content: usize,
    /// The first moment at which it may survive.
    pub(super) since: Moment,
}

/// When a version may survive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    /// The first moment.
    pub(super) start: Moment,
    /// The first moment at which it cannot any more.
    pub(super) end: Option<Moment>,
}

/// Everything that one atomic unit held.
#[derive(Debug)]
pub(super) struct Unit {
    /// Its first sector.
    pub(super) lba: Lba,
    /// Distinct contents; the first is the base image's.
    pub(super) contents: SmallVec<[Content; 2]>,
    /// In order of submission; the first is the base.
    pub(super) versions: SmallVec<[Version; 2]>,
    /// From which moment on nothing older than which version survives.
    pub(super) durable: SmallVec<[(Moment, usize); 2]>,
}

impl Unit {
    fn new(lba: Lba, base: Content) -> Self {
        let version = Version { request: None, since: Moment::new(0), content: 0 };
        let durable = smallvec![(Moment::new(0), 0)];
        Self { lba, contents: smallvec![base], versions: smallvec![version], durable }
    }

    fn submit(&mut self, request: RequestIdx, since: Moment, at: usize, bytes: Content) {
        let newest = &self.contents[self.versions[self.versions.len() - 1].content];
        let content = if bytes.len() == newest.len() {
            bytes
        } else {
            let mut mixed: Box<[u8]> = (**newest).into();
            mixed[at..at + bytes.len()].copy_from_slice(&bytes);
            Content::Mixed(mixed)
        };
        let known = self.contents.iter().position(|other| *other == content);
        let content = known.unwrap_or_else(|| {
            self.contents.push(content);
            self.contents.len() - 1
        });
        self.versions.push(Version { request: Some(request), since, content });
    }

    /// The version became durable; says whether that is news.
    fn harden(&mut self, from: Moment, request: RequestIdx) -> bool {
        let Some(version) = self.version_of(request) else { return false };
        let news = version > self.oldest(from);
        if news {
            self.durable.push((from, version));
        }
        news
    }

    /// The oldest version that may survive at a moment: the newest durable one.
    pub(super) fn oldest(&self, moment: Moment) -> usize {
        let known = self.durable.partition_point(|(from, _)| *from <= moment);
        self.durable[known.saturating_sub(1)].1
    }

    /// The newest version that may survive at a moment.
    pub(super) fn newest(&self, moment: Moment) -> usize {
        self.versions.partition_point(|version| version.since <= moment).saturating_sub(1)
    }

    /// When each version may survive: from its submission until something newer is durable.
    pub(super) fn lives(&self) -> impl Iterator<Item = Life> + '_ {
        let life = |(number, version): (usize, &Version)| {
            let late = usize::from(is_made(Flaw::LateDurable));
            let newer = self.durable.iter().find(|(_, durable)| *durable > number + late);
            Life { start: version.since, end: newer.map(|(from, _)| *from) }
        };
        self.versions.iter().enumerate().map(life)
    }

    /// The version that a request brought.
    pub(super) fn version_of(&self, request: RequestIdx) -> Option<usize> {
        self.versions.binary_search_by_key(&Some(request), |version| version.request).ok()
    }

    /// The distinct contents that may survive at a moment, oldest first.
    pub(super) fn alternatives(&self, moment: Moment) -> Vec<Alternative> {
        let mut found: Vec<Alternative> = Vec::new();
        for version in self.oldest(moment)..=self.newest(moment) {
            let Version { content, since, .. } = self.versions[version];
            if !found.iter().any(|other| other.content == content) {
                found.push(Alternative { version, content, since });
            }
        }
        found
    }

    /// The block that it is part of, and where in it.
    pub(super) fn place(&self) -> (BlockNr, usize) {
        (self.lba.block(), (self.lba.get() % SECTORS_PER_BLOCK).index() * SECTOR_BYTES)
    }
}

/// A run of moments in which nothing becomes durable.
pub(super) type Moments = RangeInclusive<Moment>;

/// Every legal crash state of one run, as versions of units and epochs.
#[derive(Debug)]
pub struct Space {
    /// In order of address.
    pub(super) units: Vec<Unit>,
    /// For each request, the units that it wrote, in order of address.
    pub(super) written: Vec<Vec<usize>>,
    /// The epochs, in order; together they are all moments.
    pub(super) epochs: Vec<Moments>,
    sums: Sums,
}

/// Numbers of writes of units, from each moment on at which they change.
#[derive(Debug, Default)]
struct Sums {
    /// How many were submitted.
    submitted: Vec<(Moment, u64)>,
    /// How many of them are durable, or stand under something durable.
    settled: Vec<(Moment, u64)>,
    /// When the youngest of the durable ones was submitted.
    youngest: Vec<(Moment, Moment)>,
}

impl Sums {
    fn of(units: &[Unit]) -> Self {
        let mut submitted: BTreeMap<Moment, u64> = BTreeMap::new();
        let mut settled: BTreeMap<Moment, u64> = BTreeMap::new();
        let mut youngest: BTreeMap<Moment, Moment> = BTreeMap::new();
        for unit in units {
            for version in unit.versions.iter().skip(1) {
                *submitted.entry(version.since).or_default() += 1;
            }
            for pair in unit.durable.windows(2) {
                let [(_, before), (from, durable)] = pair else { continue };
                *settled.entry(*from).or_default() += len_u64(durable - before);
                let since = unit.versions[*durable].since;
                let known = youngest.entry(*from).or_insert(since);
                *known = since.max(*known);
            }
        }
        let sum = |counts: BTreeMap<Moment, u64>| {
            let mut total = 0;
            let add = |(from, count): (Moment, u64)| {
                total += count;
                (from, total)
            };
            counts.into_iter().map(add).collect()
        };
        let mut latest = Moment::new(0);
        let youngest = youngest.into_iter().map(|(from, since)| {
            latest = latest.max(since);
            (from, latest)
        });
        let youngest = youngest.collect();
        Self { submitted: sum(submitted), settled: sum(settled), youngest }
    }
}

/// What holds from the last change before a moment on.
fn known<T: Copy>(changes: &[(Moment, T)], moment: Moment) -> Option<T> {
    let before = changes.partition_point(|(from, _)| *from <= moment);
    before.checked_sub(1).and_then(|last| changes.get(last)).map(|(_, value)| *value)
}

impl Space {
    /// Reads a log.
    pub fn of(base: &DiskImage, log: &DeviceLog) -> Self {
        let mut reading = Reading::new(base, log);
        for (moment, event) in (1..).map(Moment::new).zip(log.events()) {
            match event {
                Event::Submitted(request) => reading.submitted(*request, moment),
                Event::Completed(request) => reading.completed(*request, moment),
            }
        }
        reading.finish()
    }

    /// How many different images are legal at one moment.
    pub fn states_at(&self, moment: Moment) -> BigUint {
        self.units.iter().map(|unit| unit.alternatives(moment).len()).product()
    }

    /// How many epochs there are.
    pub fn epochs(&self) -> usize {
        self.epochs.len()
    }

    /// The last moment.
    pub fn last(&self) -> Moment {
        self.epochs.last().map_or(Moment::new(0), |epoch| *epoch.end())
    }
}

/// The log as far as it has been read.
struct Reading<'a> {
    base: &'a DiskImage,
    log: &'a DeviceLog,
    unit_sectors: u64,
    units: BTreeMap<u64, Unit>,
    written: Vec<Vec<u64>>,
    submitted: Vec<Option<Moment>>,
    /// Writes that completed and are not durable, and since when.
    cached: BTreeMap<RequestIdx, Moment>,
    completed: Vec<bool>,
    edges: Vec<Moment>,
}

impl<'a> Reading<'a> {
    fn new(base: &'a DiskImage, log: &'a DeviceLog) -> Self {
        let requests = log.requests().len();
        Self {
            base,
            log,
            unit_sectors: log.disk().atomic.sectors(),
            units: BTreeMap::new(),
            written: vec![Vec::new(); requests],
            submitted: vec![None; requests],
            cached: BTreeMap::new(),
            completed: vec![false; requests],
            edges: Vec::new(),
        }
    }

    fn submitted(&mut self, request: RequestIdx, after: Moment) {
        self.submitted[request.get().index()] = Some(after);
        let Op::Write { lba, data, .. } = &self.log.request(request).op else { return };
        let mut sector = lba.get();
        let end = sector + len_u64(data.len() / SECTOR_BYTES);
        while sector < end {
            let number = sector / self.unit_sectors;
            let upto = end.min((number + 1) * self.unit_sectors);
            let from = (sector - lba.get()).index() * SECTOR_BYTES;
            let to = (upto - lba.get()).index() * SECTOR_BYTES;
            let at = (sector % self.unit_sectors).index() * SECTOR_BYTES;
            let (base, atomic) = (self.base, self.log.disk().atomic);
            let unit = self.units.entry(number).or_insert_with(|| base_unit(base, atomic, number));
            let content = Content::Written { data: Arc::clone(data), from, len: to - from };
            unit.submit(request, after, at, content);
            self.written[request.get().index()].push(number);
            sector = upto;
        }
    }

    fn completed(&mut self, request: RequestIdx, after: Moment) {
        if std::mem::replace(&mut self.completed[request.get().index()], true) {
            return;
        }
        let disk = self.log.disk();
        match &self.log.request(request).op {
            // A disk that does not know FUA makes no promise for it; the block layer sends a flush instead.
            Op::Write { fua, .. }
                if disk.cache == Cache::WriteThrough || (*fua && disk.fua == Fua::Native) =>
            {
                self.harden(&[request], after);
            }
            Op::Write { .. } => {
                self.cached.insert(request, after);
            }
            Op::Flush => {
                let asked = self.submitted[request.get().index()];
                // Completed at an event before the submission's: `since` moments stand behind their events.
                let covered: Vec<RequestIdx> = self
                    .cached
                    .iter()
                    .filter(|(_, done)| Some(**done) < asked)
                    .map(|(write, _)| *write)
                    .collect();
                self.cached.retain(|write, _| !covered.contains(write));
                self.harden(&covered, after);
            }
        }
    }

    fn harden(&mut self, requests: &[RequestIdx], from: Moment) {
        let mut edge = false;
        for request in requests {
            for number in &self.written[request.get().index()] {
                if let Some(unit) = self.units.get_mut(number) {
                    edge |= unit.harden(from, *request);
                }
            }
        }
        if edge {
            self.edges.push(from);
        }
    }

    fn finish(self) -> Space {
        let starts = std::iter::once(Moment::new(0)).chain(self.edges.iter().copied());
        let ends = self.edges.iter().map(|edge| Moment::new(edge.get() - 1)).chain([self.log.now()]);
        let epochs = starts.zip(ends).map(|(start, end)| start..=end).collect();
        let place: BTreeMap<u64, usize> =
            self.units.keys().enumerate().map(|(at, number)| (*number, at)).collect();
        let written =
            self.written.iter().map(|units| units.iter().map(|number| place[number]).collect()).collect();
        let units: Vec<Unit> = self.units.into_values().collect();
        let sums = Sums::of(&units);
        Space { units, written, epochs, sums }
    }
}

fn base_unit(base: &DiskImage, atomic: AtomicUnit, number: u64) -> Unit {
    let lba = Lba::new(number * atomic.sectors());
    let from = (lba.get() % SECTORS_PER_BLOCK).index() * SECTOR_BYTES;
    let block = base.block(lba.block()).clone();
    Unit::new(lba, Content::Base { block, from, len: atomic.bytes() })
}

impl Space {
    /// How many writes of units lie between what is durable at one moment and what is submitted at another; none
    /// where something is durable at the first that is submitted after the second.
    pub(super) fn free_writes(&self, durable: Moment, submitted: Moment) -> Option<u64> {
        if known(&self.sums.youngest, durable).is_some_and(|since| since > submitted) {
            return None;
        }
        let all = known(&self.sums.submitted, submitted).unwrap_or(0);
        Some(all.saturating_sub(known(&self.sums.settled, durable).unwrap_or(0)))
    }

    /// The requests of the log, for messages.
    pub(super) fn requests(&self) -> u32 {
        len_u32(self.written.len())
    }
}
