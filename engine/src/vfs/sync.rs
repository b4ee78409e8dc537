//! The sync calls.

use super::Vfs;
use crate::ext4::Datasync;
use crate::history::{Errno, Synced};
use crate::kernel::{FadviseScope, Feature};
use crate::scenario::{Advice, Name, SyncRangeFlags};
use crate::units::{FileBlock, Ino, block_bytes};

impl Vfs {
    /// fsync(2). v6.6 fs/sync.c, `do_fsync`
    ///
    /// # Errors
    /// EBADF, and those of writing the data.
    pub fn fsync(&mut self, fd: &Name, asked: Datasync) -> Result<(), Errno> {
        let call = match asked {
            Datasync::No => "sys_fsync",
            Datasync::Yes => "sys_fdatasync",
        };
        self.through(&[call, "do_fsync"], |vfs| {
            let (_, file) = vfs.file(fd)?;
            let datasync = match asked {
                Datasync::Yes => vfs.fs.fdatasync_asks(),
                Datasync::No => Datasync::No,
            };
            vfs.through(&["vfs_fsync", "vfs_fsync_range"], |vfs| {
                vfs.fs.sync_file(file.ino, FileBlock::new(0), FileBlock::new(u32::MAX), datasync)
            })?;
            let is_dir = vfs.fs.is_dir(file.ino);
            vfs.note_synced(match asked {
                Datasync::Yes | Datasync::No if is_dir => Synced::Directory(file.ino),
                Datasync::Yes => Synced::Data(file.ino),
                Datasync::No => Synced::File(file.ino),
            });
            Ok(())
        })
    }

    /// syncfs(2). v6.6 fs/sync.c, `syncfs`
    ///
    /// # Errors
    /// ENOSYS, EBADF, and those of writing the data.
    pub fn syncfs(&mut self, fd: &Name) -> Result<(), Errno> {
        if !self.fs.options().kernel.has(Feature::Syncfs) {
            return Err(Errno::ENOSYS);
        }
        self.within("sys_syncfs", |vfs| {
            vfs.file(fd)?;
            vfs.fs.sync_filesystem()?;
            vfs.note_synced(Synced::Everything);
            Ok(())
        })
    }

    /// sync_file_range(2): whole pages; `nbytes` 0 is to the end. It neither flushes nor commits.
    /// v6.6 fs/sync.c, `ksys_sync_file_range`
    ///
    /// # Errors
    /// ENOSYS, EBADF, EINVAL for a negative offset or end, and those of writing the data.
    pub fn sync_file_range(
        &mut self,
        fd: &Name,
        offset: i64,
        nbytes: i64,
        flags: SyncRangeFlags,
    ) -> Result<(), Errno> {
        if !self.fs.options().kernel.has(Feature::SyncFileRange) {
            return Err(Errno::ENOSYS);
        }
        self.through(&["sys_sync_file_range", "ksys_sync_file_range", "sync_file_range"], |vfs| {
            let (_, file) = vfs.file(fd)?;
            let from = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
            let behind = offset.checked_add(nbytes).filter(|end| *end >= offset).ok_or(Errno::EINVAL)?;
            let first = page_of(from);
            let last = match (nbytes, u64::try_from(behind)) {
                (0, _) | (_, Err(_)) => FileBlock::new(u32::MAX),
                (_, Ok(end)) => page_of(end - 1),
            };
            let (before, write, after) = (
                flags.has(SyncRangeFlags::SYNC_FILE_RANGE_WAIT_BEFORE),
                flags.has(SyncRangeFlags::SYNC_FILE_RANGE_WRITE),
                flags.has(SyncRangeFlags::SYNC_FILE_RANGE_WAIT_AFTER),
            );
            if before {
                vfs.fs.wait_for_writeback(file.ino, first, last);
            }
            if before && write && after {
                vfs.fs.decide("all three flags: WB_SYNC_ALL");
                let written = vfs.fs.write_and_wait(file.ino, first, last);
                vfs.fs.decide("no commit, no flush: nothing is durable for it");
                return written;
            }
            if write {
                vfs.fs.start_writeback(file.ino, first, last)?;
            }
            if after {
                vfs.fs.wait_for_writeback(file.ino, first, last);
            }
            vfs.fs.decide("no commit, no flush: nothing is durable for it");
            Ok(())
        })
    }

    /// posix_fadvise(2): POSIX_FADV_DONTNEED starts to write and drops whole pages; no other advice does anything here.
    /// v6.6 mm/fadvise.c, `generic_fadvise`
    ///
    /// # Errors
    /// EBADF, EINVAL for a negative length.
    pub fn posix_fadvise(
        &mut self,
        fd: &Name,
        offset: i64,
        length: i64,
        advice: Advice,
    ) -> Result<(), Errno> {
        self.through(&["sys_fadvise64", "ksys_fadvise64_64", "vfs_fadvise", "generic_fadvise"], |vfs| {
            let (_, file) = vfs.file(fd)?;
            let length = u64::try_from(length).map_err(|_| Errno::EINVAL)?;
            match advice {
                Advice::Dontneed => {}
                Advice::Normal | Advice::Random | Advice::Sequential | Advice::Willneed | Advice::Noreuse => {
                    vfs.fs.decide("an advice about reading: nothing to do");
                    return Ok(());
                }
            }
            match u64::try_from(offset) {
                Ok(from) => vfs.drop_pages(file.ino, from, length),
                Err(_) => vfs.fs.decide("a negative offset: no page lies there"),
            }
            Ok(())
        })
    }

    /// POSIX_FADV_DONTNEED. v6.6 mm/fadvise.c, `generic_fadvise`
    fn drop_pages(&mut self, ino: Ino, from: u64, length: u64) {
        let behind = from.checked_add(length).filter(|_| length > 0);
        let (first, last) =
            (page_of(from), behind.map_or(FileBlock::new(u32::MAX), |behind| page_of(behind - 1)));
        let (start, end) = match self.fs.options().rules.fadvise_dontneed {
            FadviseScope::Range => (first, last),
            FadviseScope::WholeFile => (FileBlock::new(0), FileBlock::new(u32::MAX)),
        };
        // Its error is nobody's business.
        let _ = self.fs.start_writeback(ino, start, end);
        // Pages that lie in the range only in part stay, but for the last one of the file.
        let size = self.fs.stat(ino).size;
        let whole_first = page_of(from.next_multiple_of(block_bytes()));
        let behind_whole = match behind {
            Some(behind) if behind != size => page_of(behind),
            Some(_) | None => last.get().checked_add(1).map_or(last, FileBlock::new),
        };
        if let Some(whole_last) = behind_whole.get().checked_sub(1).map(FileBlock::new)
            && whole_first <= whole_last
        {
            let mm = &self.mm;
            self.fs.within("invalidate_mapping_pages", |fs| {
                fs.invalidate_pages(ino, whole_first, whole_last, |page| mm.is_page_mapped(ino, page));
            });
        }
    }

    /// sync(2). v6.6 fs/sync.c, `ksys_sync`
    pub fn sync(&mut self) {
        self.through(&["sys_sync", "ksys_sync"], |vfs| vfs.fs.sync());
        self.note_synced(Synced::Everything);
    }
}

/// The page that holds a byte; behind the largest file it is the last.
fn page_of(byte: u64) -> FileBlock {
    FileBlock::of_byte(byte).unwrap_or(FileBlock::new(u32::MAX))
}
