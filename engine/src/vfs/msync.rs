//! msync.

use super::Vfs;
use crate::history::Errno;
use crate::scenario::{MsyncFlags, Name};

impl Vfs {
    /// msync(2)
    pub fn msync(
        &mut self,
        _map: &Name,
        _offset: i64,
        _length: Option<u64>,
        _flags: MsyncFlags,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }
}
