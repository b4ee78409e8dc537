//! The block layer: what becomes of a bio on its way to the device.
//!
//! ```text
//!   PREFLUSH|FUA write, no FUA in the device:   FLUSH, wait │ W, wait │ FLUSH, wait
//!   PREFLUSH|FUA write, FUA in the device:      FLUSH, wait │ W+FUA, wait
//!   write-through device:                       W, wait
//! ```
//! It also carries what every layer above needs and none owns: the virtual clock, the schedule, and the record of
//! the way that the present call takes.
//!
//! Not modelled: merging of neighbouring bios (it changes no order), several queues, errors.

use crate::device::{Cache, Cause, DeviceLog, Disk, DiskImage, DiskModel, Fua, Op, Origin, Why};
use crate::history::Way;
use crate::mutant::Mutant;
use crate::schedule::Schedule;
use crate::units::{Block, BlockNr, Lba, Moment, RequestIdx, StepIdx, Time};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Whether the file system asks for barriers (mount option `barrier`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Barrier {
    /// PREFLUSH, FUA and flushes are sent.
    On,
    /// They are left out (`nobarrier`).
    Off,
}

/// The request queue of the device.
#[derive(Debug)]
pub struct Queue {
    disk: Disk,
    in_flight: BTreeSet<RequestIdx>,
    barrier: Barrier,
    schedule: Schedule,
    mutant: Option<Mutant>,
    now: Time,
    step: StepIdx,
    origin: Origin,
    way: Way,
}

impl Queue {
    /// A queue before a disk.
    pub fn new(disk: Disk, barrier: Barrier, schedule: Schedule, mutant: Option<Mutant>, now: Time) -> Self {
        Self {
            disk,
            in_flight: BTreeSet::new(),
            barrier,
            schedule,
            mutant,
            now,
            step: StepIdx::new(0),
            origin: Origin::Call,
            way: Way::new(),
        }
    }

    /// Whether the file system asks for barriers.
    pub const fn barrier(&self) -> Barrier {
        self.barrier
    }

    /// When I/O completes that nobody waits for.
    pub const fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// Whether this rule is left out.
    pub fn lacks(&self, mutant: Mutant) -> bool {
        self.mutant == Some(mutant)
    }

    /// The virtual clock.
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The clock goes on.
    pub fn advance_to(&mut self, time: Time) {
        self.now = self.now.max(time);
    }

    /// A step begins: its requests and its way are told apart from here on.
    pub fn begin_step(&mut self, step: StepIdx) {
        self.step = step;
        self.way = Way::new();
    }

    /// The way of the step that ends.
    pub fn take_way(&mut self) -> Way {
        std::mem::take(&mut self.way)
    }

    /// The way of the present call.
    pub const fn way(&mut self) -> &mut Way {
        &mut self.way
    }

    /// Another thread goes to work, until the way leaves it.
    pub fn enter_thread(&mut self, name: &'static str) {
        let now = self.now;
        self.way.enter_thread(name, now);
    }

    /// Who submits from now on; returns who did before.
    pub const fn set_origin(&mut self, origin: Origin) -> Origin {
        std::mem::replace(&mut self.origin, origin)
    }

    /// The present moment of the device log.
    pub fn moment(&self) -> Moment {
        self.disk.log().now()
    }

    /// Reads one block: the newest write, durable or not.
    pub fn read(&self, block: BlockNr) -> Block {
        self.disk.read(block)
    }

    /// Forgets what happened so far; returns what it left, which is taken as durable.
    pub fn restart_log(&mut self) -> DiskImage {
        assert!(self.in_flight.is_empty(), "nothing is on its way");
        self.way = Way::new();
        self.disk.restart_log()
    }

    /// What happened, and what the newest writes left.
    pub fn into_parts(self) -> (DeviceLog, DiskImage) {
        self.disk.into_parts()
    }

    /// Submits a write of neighbouring blocks and does not wait.
    /// v6.6 block/blk-core.c, `submit_bio`.
    pub fn submit_write(&mut self, at: BlockNr, blocks: &[Block], why: Why) -> RequestIdx {
        self.submit(Op::Write { lba: at.first_lba(), data: joined(blocks), fua: false }, why)
    }

    /// New bytes of something that is on its way: the device may take them along. Nothing ever waits for them, so they
    /// may survive, and what was submitted may too, until both are overwritten by something durable.
    pub fn change_in_flight(&mut self, at: Lba, bytes: &[u8], why: Why) {
        let cause = Cause { step: self.step, origin: self.origin, why };
        let request = self.disk.submit(Op::Write { lba: at, data: bytes.into(), fua: false }, cause);
        self.way.request(request);
    }

    /// Submits a write of whole sectors and does not wait.
    pub fn submit_sectors(&mut self, lba: Lba, bytes: &[u8], why: Why) -> RequestIdx {
        self.submit(Op::Write { lba, data: bytes.into(), fua: false }, why)
    }

    /// Submits a write of whole sectors with REQ_FUA, which the device must know, and does not wait.
    pub fn submit_fua(&mut self, lba: Lba, bytes: &[u8], why: Why) -> RequestIdx {
        self.submit(Op::Write { lba, data: bytes.into(), fua: true }, why)
    }

    /// What kind of disk it is.
    pub const fn disk(&self) -> &DiskModel {
        self.disk.model()
    }

    /// Waits for a request; one that completed before is no wait.
    pub fn wait(&mut self, request: RequestIdx) {
        if self.in_flight.remove(&request) {
            self.disk.complete(request);
        }
    }

    /// Whether a request has not completed.
    pub fn is_in_flight(&self, request: RequestIdx) -> bool {
        self.in_flight.contains(&request)
    }

    /// A write that is durable when it returns: REQ_FUA, and REQ_PREFLUSH where a reason is given for it.
    /// v6.6 block/blk-flush.c, `blk_insert_flush`.
    pub fn write_durably(&mut self, at: BlockNr, block: &Block, preflush: Option<Why>, why: Why) {
        if let Some(preflush) = preflush {
            self.flush(preflush);
        }
        let data = joined(std::slice::from_ref(block));
        let lba = at.first_lba();
        let model = *self.disk.model();
        let spared = matches!(why, Why::Commit(_)) && self.lacks(Mutant::CommitWithoutFua);
        let barrier = if spared { Barrier::Off } else { self.barrier };
        match (barrier, model.cache, model.fua) {
            (Barrier::Off, _, _) | (_, Cache::WriteThrough, _) => {
                let write = self.submit(Op::Write { lba, data, fua: false }, why);
                self.wait(write);
            }
            (Barrier::On, Cache::Volatile, Fua::Native) => {
                let write = self.submit(Op::Write { lba, data, fua: true }, why);
                self.wait(write);
            }
            (Barrier::On, Cache::Volatile, Fua::Emulated) => {
                let write = self.submit(Op::Write { lba, data, fua: false }, why);
                self.wait(write);
                self.flush(Why::FlushForFua);
            }
        }
    }

    /// Makes everything durable that has completed; nothing to do on a write-through device or without barriers.
    /// v6.6 block/blk-flush.c, `blkdev_issue_flush`.
    pub fn flush(&mut self, why: Why) {
        if self.barrier == Barrier::On && self.disk.model().cache == Cache::Volatile {
            let flush = self.submit(Op::Flush, why);
            self.wait(flush);
        }
    }

    fn submit(&mut self, op: Op, why: Why) -> RequestIdx {
        let cause = Cause { step: self.step, origin: self.origin, why };
        let request = self.disk.submit(op, cause);
        self.in_flight.insert(request);
        self.way.request(request);
        request
    }
}

fn joined(blocks: &[Block]) -> Arc<[u8]> {
    blocks.iter().flat_map(|block| block.bytes().iter().copied()).collect()
}
