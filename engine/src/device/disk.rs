//! The disk that the running system sees: it logs everything and reads back the newest write.

use super::{Cause, DeviceLog, DiskImage, DiskModel, Op, Request};
use crate::units::{Block, BlockNr, RequestIdx};

/// A running disk.
#[derive(Clone, Debug)]
pub struct Disk {
    log: DeviceLog,
    newest: DiskImage,
}

impl Disk {
    /// A disk that holds `content`.
    pub const fn new(model: DiskModel, content: DiskImage) -> Self {
        Self { log: DeviceLog::new(model), newest: content }
    }

    /// What kind of disk it is.
    pub const fn model(&self) -> &DiskModel {
        self.log.disk()
    }

    /// Hands a request to the device.
    pub fn submit(&mut self, op: Op, cause: Cause) -> RequestIdx {
        if let Op::Write { lba, data, .. } = &op {
            self.newest.write(*lba, data);
        }
        self.log.submit(Request { op, cause })
    }

    /// The host sees a request complete.
    pub fn complete(&mut self, idx: RequestIdx) {
        self.log.complete(idx);
    }

    /// Reads one block: the newest write, in flight or not.
    pub fn read(&self, nr: BlockNr) -> Block {
        self.newest.block(nr).clone()
    }

    /// What happened so far.
    pub const fn log(&self) -> &DeviceLog {
        &self.log
    }

    /// Forgets the log; returns what the newest writes left.
    pub fn restart_log(&mut self) -> DiskImage {
        self.log = DeviceLog::new(*self.log.disk());
        self.newest.clone()
    }

    /// What happened, and what the newest writes left.
    pub fn into_parts(self) -> (DeviceLog, DiskImage) {
        (self.log, self.newest)
    }
}
