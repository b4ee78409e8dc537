//! The walks of kernels that find stores in the page table: up to 2.6.18.

use super::{Extent, MsyncAsync, MsyncSync, Storage, Vma, Walk};
use crate::history::Errno;

impl<S: Storage> Walk<'_, S> {
    /// The walk up to 2.6.16, all of it under the mmap lock. 2.6.11 mm/msync.c, `sys_msync`
    pub(super) fn walk_under_lock(&mut self) -> Result<(), Errno> {
        let mut unmapped = Ok(());
        loop {
            let vma = self.next().ok_or(Errno::ENOMEM)?;
            if self.start < vma.start {
                self.decide("a hole: ENOMEM is remembered");
                unmapped = Err(Errno::ENOMEM);
                self.start = vma.start;
            }
            let upto = self.end.min(vma.end);
            if self.start < upto {
                self.interval(&vma, upto)?;
            }
            if self.end <= vma.end {
                return unmapped;
            }
            self.start = vma.end;
        }
    }

    /// The walk of 2.6.17 and 2.6.18: one variable holds the remembered hole and what the last sync returned.
    /// 2.6.18 mm/msync.c, `sys_msync`
    pub(super) fn walk_and_forget(&mut self) -> Result<(), Errno> {
        let mut unmapped = Ok(());
        let mut vma = self.next().ok_or(Errno::ENOMEM)?;
        loop {
            if self.start < vma.start {
                self.decide("a hole: ENOMEM is remembered");
                unmapped = Err(Errno::ENOMEM);
                self.start = vma.start;
            }
            let upto = self.end.min(vma.end);
            let moved = if self.start < upto { self.interval(&vma, upto)? } else { 0 };
            let last = self.end <= vma.end;
            let mut error = if last { unmapped } else { Ok(()) };
            self.start = vma.end;
            if self.asked.ms_async
                && moved > 0
                && let Some(file) = vma.file
            {
                self.storage.throttle(file, moved);
            } else if self.asked.ms_sync
                && let Some(file) = self.shared_file(&vma)
            {
                if upto <= vma.start {
                    self.decide(
                        "the range ended in the hole before this mapping: its file is synced all the same",
                    );
                }
                self.decide(
                    "the mmap lock is dropped for the sync; behind it the next mapping is looked up afresh",
                );
                self.storage.sync(file, Extent::Whole)?;
                if error.is_err() {
                    self.decide("the sync succeeded, and that overwrites the remembered ENOMEM");
                }
                error = Ok(());
            }
            if last {
                return error;
            }
            match self.next() {
                Some(next) => vma = next,
                None => {
                    self.decide(
                        "the walk ran off the last mapping: what the mapping before returned is returned",
                    );
                    return error;
                }
            }
        }
    }

    /// One mapping: its dirty bits move, and what this kernel does at once is done. Returns how many bits moved.
    /// 2.6.11 mm/msync.c, `msync_interval`, `filemap_sync`
    fn interval(&mut self, vma: &Vma, upto: u64) -> Result<u64, Errno> {
        self.storage.enter("msync_interval");
        let result = self.treat(vma, upto);
        self.storage.leave();
        result
    }

    fn treat(&mut self, vma: &Vma, upto: u64) -> Result<u64, Errno> {
        self.refuse_locked(vma)?;
        let Some(file) = self.shared_file(vma) else { return Ok(0) };
        let moved = self.storage.move_dirty_bits(self.start, upto);
        if self.asked.ms_sync {
            match self.rules.msync_sync {
                MsyncSync::WholeFileData => self.storage.sync(file, Extent::WholeData)?,
                MsyncSync::WholeFile | MsyncSync::Range => {}
            }
        } else if self.asked.ms_async {
            match self.rules.msync_async {
                MsyncAsync::StartsIo => self.storage.start_io(file)?,
                MsyncAsync::MovesDirtyBits | MsyncAsync::Nothing => {
                    self.decide("no I/O: the pages are dirty now, and writeback finds them in its time");
                }
                MsyncAsync::MovesAndThrottles => {}
            }
        }
        Ok(moved)
    }
}
