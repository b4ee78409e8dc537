//! The sync calls.

use super::Vfs;
use crate::ext4::Datasync;
use crate::history::Errno;
use crate::scenario::{Advice, Name, SyncRangeFlags};
use crate::units::FileBlock;

impl Vfs {
    /// fsync(2). v6.6 fs/sync.c, `do_fsync`
    ///
    /// # Errors
    /// EBADF, and those of writing the data.
    pub fn fsync(&mut self, fd: &Name, datasync: Datasync) -> Result<(), Errno> {
        self.within("do_fsync", |vfs| {
            let (_, file) = vfs.file(fd)?;
            vfs.within("vfs_fsync_range", |vfs| {
                vfs.fs.sync_file(file.ino, FileBlock::new(0), FileBlock::new(u32::MAX), datasync)
            })
        })
    }

    /// syncfs(2). v6.6 fs/sync.c, `syncfs`
    ///
    /// # Errors
    /// EBADF, and those of writing the data.
    pub fn syncfs(&mut self, fd: &Name) -> Result<(), Errno> {
        self.file(fd)?;
        self.fs.sync_filesystem()
    }

    /// sync_file_range(2)
    pub fn sync_file_range(
        &mut self,
        _fd: &Name,
        _offset: i64,
        _nbytes: i64,
        _flags: SyncRangeFlags,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// posix_fadvise(2)
    pub fn posix_fadvise(
        &mut self,
        _fd: &Name,
        _offset: i64,
        _length: i64,
        _advice: Advice,
    ) -> Result<(), Errno> {
        Err(Errno::ENOSYS)
    }

    /// sync(2). v6.6 fs/sync.c, `ksys_sync`
    pub fn sync(&mut self) {
        self.within("ksys_sync", |vfs| vfs.fs.sync());
    }
}
