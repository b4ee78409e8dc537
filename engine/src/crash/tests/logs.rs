//! Random device logs: few blocks, two sectors of each in use, so that every image can be made.

use crate::crash::Course;
use crate::device::{
    AtomicUnit, Cache, Cause, DeviceLog, DiskImage, DiskModel, Fua, Op, Origin, Request, Why,
};
use crate::schedule::Schedule;
use crate::units::{BlockNr, Lba, Moment, RequestIdx, SECTOR_BYTES, StepIdx, len_u32};
use proptest::prelude::*;
use std::ops::RangeInclusive;

/// The size of the disk.
pub(super) const BLOCKS: u64 = 3;

/// A run.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) schedule: Schedule,
    pub(super) base: DiskImage,
    pub(super) log: DeviceLog,
    pub(super) cuts: Vec<Moment>,
}

impl Run {
    pub(super) fn course(&self) -> Course<'_> {
        Course { schedule: self.schedule, base: &self.base, log: &self.log, cuts: self.cuts.clone() }
    }
}

#[derive(Clone, Copy, Debug)]
enum Act {
    Write {
        block: u64,
        sector: u64,
        both: bool,
        fill: u8,
        fua: bool,
    },
    Flush,
    /// Completes the n-th of what is in flight.
    Complete(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (0..BLOCKS, 0..2_u64, any::<bool>(), 0..3_u8, prop::bool::weighted(0.2))
            .prop_map(|(block, sector, both, fill, fua)| Act::Write { block, sector, both, fill, fua }),
        1 => Just(Act::Flush),
        4 => (0..4_usize).prop_map(Act::Complete),
    ]
}

fn disk() -> impl Strategy<Value = DiskModel> {
    let cache = prop_oneof![3 => Just(Cache::Volatile), 1 => Just(Cache::WriteThrough)];
    let atomic = prop_oneof![3 => Just(AtomicUnit::Sector), 1 => Just(AtomicUnit::Block)];
    let fua = prop_oneof![Just(Fua::Native), Just(Fua::Emulated)];
    (cache, atomic, fua).prop_map(|(cache, atomic, fua)| DiskModel { blocks: BLOCKS, cache, atomic, fua })
}

/// One run or two of one disk; the second begins like the first, mostly.
pub(super) fn random_log() -> impl Strategy<Value = Vec<Run>> {
    let acts = prop::collection::vec(act(), 0..14);
    (disk(), acts, prop::option::of((0..10_usize, prop::collection::vec(act(), 0..6), any::<bool>())))
        .prop_map(|(disk, acts, second)| {
            let mut runs = vec![run(Schedule::Prompt, disk, &acts, false)];
            if let Some((keep, more, other_base)) = second {
                let acts: Vec<Act> = acts.iter().take(keep).chain(&more).copied().collect();
                runs.push(run(Schedule::Late, disk, &acts, other_base));
            }
            runs
        })
}

fn run(schedule: Schedule, disk: DiskModel, acts: &[Act], other_base: bool) -> Run {
    let mut base = DiskImage::new(BLOCKS);
    if other_base {
        base.write(BlockNr::new(1).first_lba(), &[2; SECTOR_BYTES]);
    }
    let mut log = DeviceLog::new(disk);
    let mut flying: Vec<RequestIdx> = Vec::new();
    let mut writes = 0;
    for act in acts {
        match act {
            // So that there are few images.
            Act::Write { .. } if writes >= 6 => {}
            Act::Write { block, sector, both, fill, fua } => {
                writes += 1;
                let first = BlockNr::new(*block).first_lba();
                let (lba, sectors) = if *both { (first, 2) } else { (Lba::new(first.get() + sector), 1) };
                flying.push(submit(
                    &mut log,
                    Op::Write { lba, data: vec![*fill; sectors * SECTOR_BYTES].into(), fua: *fua },
                ));
            }
            Act::Flush => flying.push(submit(&mut log, Op::Flush)),
            Act::Complete(number) => {
                if *number < flying.len() {
                    log.complete(flying.remove(*number));
                }
            }
        }
    }
    let last = log.now().get();
    let cuts = [last / 3, last * 2 / 3, last].map(Moment::new).to_vec();
    Run { schedule, base, log, cuts }
}

fn submit(log: &mut DeviceLog, op: Op) -> RequestIdx {
    let cause = Cause { step: StepIdx::new(0), origin: Origin::Call, why: Why::Superblock };
    log.submit(Request { op, cause })
}

/// A range of moments of each run, from anywhere to a cut.
pub(super) fn ranges(runs: &[Run], (from, to): (u8, u8)) -> Vec<RangeInclusive<Moment>> {
    let range = |run: &Run| {
        let cut = run.cuts[usize::from(to) * run.cuts.len() / 256];
        let from = u32::from(from) * (cut.get() + 1) / 256;
        Moment::new(from.min(len_u32(run.log.events().len())))..=cut
    };
    runs.iter().map(range).collect()
}
