//! Which write of which unit a crash image shows.
//!
//! ```text
//!   unit 40     base   w3    w7    w9
//!   image       holds what w7 wrote: w3 was overwritten, w7 survived, w9 is lost
//! ```
//! Where two versions of a unit are equal the later one counts: what cannot be told apart is not called lost.

use crate::device::{Cache, DeviceLog, DiskImage, Event, Fua, Op};
use crate::units::{BlockNr, Lba, Moment, RequestIdx, SECTOR_BYTES, SECTORS_PER_BLOCK, Widen, len_u32};
use std::collections::BTreeMap;

/// One version of a unit.
#[derive(Debug)]
struct Version {
    request: RequestIdx,
    content: Box<[u8]>,
}

/// What happened to a request, and when.
#[derive(Clone, Copy, Debug)]
struct Life {
    submitted: Moment,
    durable: Option<Moment>,
}

/// Every unit that a run wrote.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    log: &'a DeviceLog,
    units: BTreeMap<Lba, Vec<Version>>,
    lives: Vec<Life>,
}

/// What became of a write that was not durable when the power was cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fate {
    /// The write.
    pub(super) request: RequestIdx,
    /// How many of its units are lost.
    pub(super) lost: u32,
    /// How many it has.
    pub(super) units: u32,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(base: &DiskImage, log: &'a DeviceLog) -> Self {
        let mut units: BTreeMap<Lba, Vec<Version>> = BTreeMap::new();
        let sectors = log.disk().atomic.sectors();
        for (idx, request) in (0..).zip(log.requests()) {
            let Op::Write { lba, data, .. } = &request.op else { continue };
            for (sector, bytes) in (0..).zip(data.chunks(SECTOR_BYTES)) {
                let at = lba.plus(sector);
                let unit = Lba::new(at.get() / sectors * sectors);
                let versions = units.entry(unit).or_default();
                if versions.last().is_none_or(|last| last.request.get() != idx) {
                    let content = versions
                        .last()
                        .map_or_else(|| of_image(base, unit, sectors), |last| last.content.clone());
                    versions.push(Version { request: RequestIdx::new(idx), content });
                }
                let from = (at.get() - unit.get()).index() * SECTOR_BYTES;
                if let Some(last) = versions.last_mut() {
                    last.content[from..from + bytes.len()].copy_from_slice(bytes);
                }
            }
        }
        Self { log, units, lives: lives(log) }
    }

    /// The writes that were under way at a moment, in order, and what an image shows of each.
    pub(super) fn fates(&self, at: Moment, image: &DiskImage) -> Vec<Fate> {
        let mut fates: BTreeMap<RequestIdx, Fate> = BTreeMap::new();
        let sectors = self.log.disk().atomic.sectors();
        for (unit, versions) in &self.units {
            let there: Vec<&Version> =
                versions.iter().filter(|version| self.life(version.request).submitted < at).collect();
            let found = of_image(image, *unit, sectors);
            let shown = there.iter().rposition(|version| version.content == found);
            let durable =
                |version: &&Version| self.life(version.request).durable.is_some_and(|since| since <= at);
            let settled = there.iter().rposition(durable).map_or(0, |place| place + 1);
            for (place, version) in there.iter().enumerate().skip(settled) {
                let request = version.request;
                let fate = fates.entry(request).or_insert(Fate { request, lost: 0, units: 0 });
                fate.units += 1;
                fate.lost += u32::from(shown.is_none_or(|shown| place > shown));
            }
        }
        fates.into_values().collect()
    }

    /// The first request that was submitted at this moment or later.
    pub(super) fn next(&self, at: Moment) -> Option<RequestIdx> {
        self.log.events().iter().skip(at.get().index()).find_map(|event| match event {
            Event::Submitted(idx) => Some(*idx),
            Event::Completed(_) => None,
        })
    }

    fn life(&self, request: RequestIdx) -> Life {
        self.lives[request.get().index()]
    }
}

/// The bytes of one unit of an image.
fn of_image(image: &DiskImage, unit: Lba, sectors: u64) -> Box<[u8]> {
    let block: BlockNr = unit.block();
    let from = (unit.get() % SECTORS_PER_BLOCK).index() * SECTOR_BYTES;
    image.block(block).bytes()[from..from + sectors.index() * SECTOR_BYTES].into()
}

/// When each request was submitted and, for writes, durable.
fn lives(log: &DeviceLog) -> Vec<Life> {
    let mut lives: Vec<Life> = Vec::with_capacity(log.requests().len());
    let mut completed: Vec<RequestIdx> = Vec::new();
    let mut covered: BTreeMap<RequestIdx, usize> = BTreeMap::new();
    for (moment, event) in (0..).zip(log.events()) {
        let done = Some(Moment::new(moment + 1));
        match event {
            Event::Submitted(idx) => {
                lives.push(Life { submitted: Moment::new(moment), durable: None });
                if log.request(*idx).op == Op::Flush {
                    covered.insert(*idx, completed.len());
                }
            }
            Event::Completed(idx) => match &log.request(*idx).op {
                Op::Flush => {
                    for write in completed.iter().take(covered.get(idx).copied().unwrap_or(0)) {
                        let durable = &mut lives[write.get().index()].durable;
                        *durable = durable.or(done);
                    }
                }
                Op::Write { fua, .. } => {
                    completed.push(*idx);
                    let native = *fua && log.disk().fua == Fua::Native;
                    if native || log.disk().cache == Cache::WriteThrough {
                        lives[idx.get().index()].durable = done;
                    }
                }
            },
        }
    }
    debug_assert_eq!(len_u32(lives.len()), len_u32(log.requests().len()), "each request is submitted once");
    lives
}
