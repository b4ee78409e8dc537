//! Device logs for tests.

use crate::device::{
    AtomicUnit, Cache, Cause, DeviceLog, DiskImage, DiskModel, Fua, Op, Origin, Request, Why,
};
use crate::units::{BlockNr, Lba, RequestIdx, StepIdx};

/// A disk of two zero blocks and what happened to it.
#[derive(Debug)]
pub(super) struct Build {
    pub(super) base: DiskImage,
    pub(super) log: DeviceLog,
}

/// The first sector of a block.
pub(super) fn at_block(nr: u64) -> Lba {
    BlockNr::new(nr).first_lba()
}

impl Build {
    pub(super) fn new(cache: Cache, atomic: AtomicUnit, fua: Fua) -> Self {
        let model = DiskModel { blocks: 2, cache, atomic, fua };
        Self { base: DiskImage::new(2), log: DeviceLog::new(model) }
    }
    pub(super) fn blocks() -> Self {
        Self::new(Cache::Volatile, AtomicUnit::Block, Fua::Native)
    }
    pub(super) fn sectors() -> Self {
        Self::new(Cache::Volatile, AtomicUnit::Sector, Fua::Native)
    }
    pub(super) fn write(&mut self, lba: Lba, data: &[u8], fua: bool) -> RequestIdx {
        self.submit(Op::Write { lba, data: data.into(), fua })
    }
    pub(super) fn flush(&mut self) -> RequestIdx {
        self.submit(Op::Flush)
    }
    pub(super) fn done(&mut self, request: RequestIdx) {
        self.log.complete(request);
    }
    fn submit(&mut self, op: Op) -> RequestIdx {
        let cause = Cause { step: StepIdx::new(0), origin: Origin::Call, why: Why::Superblock };
        self.log.submit(Request { op, cause })
    }
}
