//! What the CPU does through a mapping: loads, stores, and the faults they take.

use super::Vfs;
use crate::history::Errno;
use crate::scenario::Name;

impl Vfs {
    /// The CPU stores bytes. The errors are signals.
    pub fn store(&mut self, _map: &Name, _offset: i64, _data: &[u8]) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// The CPU loads bytes. The errors are signals.
    pub fn load(&mut self, _map: &Name, _offset: i64, _len: u64) -> Result<Vec<u8>, Errno> {
        Err(Errno::ENOSYS)
    }

    /// Faults every page of a range in, without a store. v6.6 mm/gup.c, `__mm_populate`
    pub(super) fn populate(&mut self, _start: u64, _end: u64) -> Result<(), Errno> {
        Ok(())
    }
}
