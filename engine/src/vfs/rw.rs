//! read, write and their relatives; lseek and truncate.

use super::facts::Note;
use super::path::Last;
use super::{File, Vfs};
use crate::ext4::{Datasync, DirectWrite, MAX_BYTES};
use crate::format::FileKind;
use crate::history::{Errno, Fact, Synced};
use crate::kernel::{Feature, OSync};
use crate::scenario::{DataMode, Name, OpenFlags, RwFlags, Synchronous, Whence};
use crate::units::{FileBlock, Ino, len_u64};

/// From write(2) to the file system.
const BYTES: &[&str] = &["vfs_write", "new_sync_write", "ext4_file_write_iter"];
/// From pwritev2(2) to the file system.
const VECTORS: &[&str] = &["vfs_writev", "do_iter_write", "do_iter_readv_writev", "ext4_file_write_iter"];
/// From read(2) to the file system.
const READ: &[&str] = &["vfs_read", "new_sync_read", "ext4_file_read_iter"];

impl Vfs {
    /// read(2). v6.6 fs/read_write.c, `ksys_read`
    ///
    /// # Errors
    /// EBADF, EISDIR; with O_DIRECT, EINVAL for what is not aligned.
    pub fn read(&mut self, fd: &Name, len: u64) -> Result<Vec<u8>, Errno> {
        self.through(&["sys_read", "ksys_read"], |vfs| {
            let (id, file) = vfs.file(fd)?;
            let bytes = vfs.read_at(&file, file.pos, len)?;
            vfs.move_to(id, file.pos + len_u64(bytes.len()));
            Ok(bytes)
        })
    }

    /// pread(2). v6.6 fs/read_write.c, `ksys_pread64`
    ///
    /// # Errors
    /// EINVAL (before the descriptor is looked at), EBADF, EISDIR.
    pub fn pread(&mut self, fd: &Name, offset: i64, len: u64) -> Result<Vec<u8>, Errno> {
        self.through(&["sys_pread64", "ksys_pread64"], |vfs| {
            let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
            let (_, file) = vfs.file(fd)?;
            vfs.read_at(&file, offset, len)
        })
    }

    /// v6.6 fs/read_write.c, `vfs_read`; fs/ext4/file.c, `ext4_file_read_iter`
    fn read_at(&mut self, file: &File, pos: u64, len: u64) -> Result<Vec<u8>, Errno> {
        self.through(READ, |vfs| {
            if !file.flags.reads() {
                return Err(Errno::EBADF);
            }
            if vfs.fs.is_dir(file.ino) {
                return Err(Errno::EISDIR);
            }
            if i64::try_from(pos.saturating_add(len)).is_err() {
                return Err(Errno::EINVAL);
            }
            if vfs.is_direct(file) {
                return vfs.fs.read_direct(file.ino, pos, len);
            }
            Ok(vfs.fs.read(file.ino, pos, len))
        })
    }

    /// write(2). v6.6 fs/read_write.c, `ksys_write`
    ///
    /// # Errors
    /// EBADF, EFBIG, ENOSPC.
    pub fn write(&mut self, fd: &Name, data: &[u8]) -> Result<u64, Errno> {
        self.through(&["sys_write", "ksys_write"], |vfs| {
            let (id, file) = vfs.file(fd)?;
            let (end, written) = vfs.write_at(BYTES, &file, file.pos, data, RwFlags::NONE)?;
            vfs.move_to(id, end);
            Ok(written)
        })
    }

    /// pwrite(2). v6.6 fs/read_write.c, `ksys_pwrite64`
    ///
    /// # Errors
    /// EINVAL (a negative offset, before the descriptor is looked at), EBADF, EFBIG, ENOSPC.
    pub fn pwrite(&mut self, fd: &Name, data: &[u8], offset: i64) -> Result<u64, Errno> {
        self.through(&["sys_pwrite64", "ksys_pwrite64"], |vfs| {
            let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
            let (_, file) = vfs.file(fd)?;
            vfs.write_at(BYTES, &file, offset, data, RwFlags::NONE).map(|(_, written)| written)
        })
    }

    /// pwritev2(2) with one buffer; offset -1 stands for the position, which it advances.
    /// v6.6 fs/read_write.c, `do_pwritev`, `do_writev`
    ///
    /// # Errors
    /// ENOSYS, EINVAL (a negative offset, before the descriptor is looked at), EBADF, EOPNOTSUPP (RWF_NOWAIT without
    /// O_DIRECT), EAGAIN (RWF_NOWAIT where it would wait), EFBIG, ENOSPC.
    pub fn pwritev2(&mut self, fd: &Name, data: &[u8], offset: i64, flags: RwFlags) -> Result<u64, Errno> {
        if !self.fs.options().kernel.has(Feature::Pwritev2) {
            return Err(Errno::ENOSYS);
        }
        if offset == -1 {
            return self.through(&["sys_pwritev2", "do_writev"], |vfs| {
                let (id, file) = vfs.file(fd)?;
                let (end, written) = vfs.write_at(VECTORS, &file, file.pos, data, flags)?;
                vfs.move_to(id, end);
                Ok(written)
            });
        }
        self.through(&["sys_pwritev2", "do_pwritev"], |vfs| {
            let offset = u64::try_from(offset).map_err(|_| Errno::EINVAL)?;
            let (_, file) = vfs.file(fd)?;
            vfs.write_at(VECTORS, &file, offset, data, flags).map(|(_, written)| written)
        })
    }

    /// Returns where the write ended, and how much it wrote.
    fn write_at(
        &mut self,
        functions: &[&'static str],
        file: &File,
        pos: u64,
        data: &[u8],
        flags: RwFlags,
    ) -> Result<(u64, u64), Errno> {
        self.through(functions, |vfs| {
            if !file.flags.writes() {
                return Err(Errno::EBADF);
            }
            if i64::try_from(pos.saturating_add(len_u64(data.len()))).is_err() {
                return Err(Errno::EINVAL);
            }
            // v6.6 fs/read_write.c, generic_write_checks: nothing happens, not even a sync
            if data.is_empty() {
                vfs.decide("no bytes to write: nothing happens, not even a sync");
                return Ok((pos, 0));
            }
            let (sync, nowait) = (vfs.sync_of(file, flags), flags.has(RwFlags::RWF_NOWAIT));
            let direct = vfs.is_direct(file);
            if nowait && !direct {
                vfs.fs.decide("RWF_NOWAIT: a buffered write of ext4 may wait");
                return Err(Errno::EOPNOTSUPP);
            }
            let appends = file.flags.has(OpenFlags::O_APPEND) || flags.has(RwFlags::RWF_APPEND);
            let pos = if appends { vfs.fs.stat(file.ino).size } else { pos };
            vfs.note_touched(file.ino, pos, len_u64(data.len()));
            let written = if direct {
                let written = vfs.fs.write_direct(file.ino, pos, data, DirectWrite { sync, nowait })?;
                vfs.note_written(file, pos, written, sync);
                written
            } else {
                let written = vfs.fs.write(file.ino, pos, data)?;
                vfs.sync_written(file, pos, written, sync)?;
                written
            };
            Ok((pos + written, written))
        })
    }

    /// Whether I/O goes past the page cache. v6.6 fs/ext4/file.c, `ext4_should_use_dio`
    fn is_direct(&mut self, file: &File) -> bool {
        let asked = file.flags.has(OpenFlags::O_DIRECT);
        let journalled = self.fs.options().data == DataMode::Journal;
        if asked && journalled {
            self.decide("data=journal: O_DIRECT goes through the page cache");
        }
        asked && !journalled
    }

    /// What must be durable when a write returns. v6.6 include/linux/fs.h, `iocb_flags`, `kiocb_set_rw_flags`, `iocb_is_dsync`
    fn sync_of(&self, file: &File, flags: RwFlags) -> Option<Datasync> {
        // O_SYNC contains O_DSYNC; RWF_SYNC implies RWF_DSYNC.
        let all = (file.flags.has(OpenFlags::O_SYNC) && self.fs.options().rules.o_sync == OSync::Full)
            || flags.has(RwFlags::RWF_SYNC);
        let data = file.flags.has(OpenFlags::O_DSYNC)
            || flags.has(RwFlags::RWF_DSYNC)
            || self.fs.options().synchronous == Synchronous::All;
        match (all, data) {
            (true, _) => Some(Datasync::No),
            (false, true) => Some(Datasync::Yes),
            (false, false) => None,
        }
    }

    /// O_SYNC, O_DSYNC and their like. v6.6 include/linux/fs.h, `generic_write_sync`
    fn sync_written(
        &mut self,
        file: &File,
        pos: u64,
        written: u64,
        sync: Option<Datasync>,
    ) -> Result<(), Errno> {
        let Some(datasync) = sync.filter(|_| written > 0) else { return Ok(()) };
        let end = FileBlock::new(u32::MAX);
        let (first, last) =
            (FileBlock::of_byte(pos).unwrap_or(end), FileBlock::of_byte(pos + written - 1).unwrap_or(end));
        self.within("generic_write_sync", |vfs| {
            vfs.decide(match datasync {
                Datasync::No => "O_SYNC: the bytes that were written and all metadata must be durable",
                Datasync::Yes => "O_DSYNC: the bytes that were written, and what is needed to read them back",
            });
            vfs.within("vfs_fsync_range", |vfs| vfs.fs.sync_file(file.ino, first, last, datasync))
        })?;
        self.note_written(file, pos, written, sync);
        Ok(())
    }

    /// A write is durable as it returns.
    fn note_written(&mut self, file: &File, pos: u64, written: u64, sync: Option<Datasync>) {
        if sync.is_some() && written > 0 {
            self.note_synced(Synced::Written { ino: file.ino, from: pos, end: pos + written });
        }
    }

    /// lseek(2). v6.6 fs/ext4/file.c, `ext4_llseek`
    ///
    /// # Errors
    /// EBADF, EINVAL.
    pub fn lseek(&mut self, fd: &Name, offset: i64, whence: Whence) -> Result<u64, Errno> {
        self.through(&["sys_lseek", "ksys_lseek"], |vfs| {
            let (id, file) = vfs.file(fd)?;
            let from = match whence {
                Whence::Set => 0,
                Whence::Cur => file.pos,
                Whence::End => vfs.fs.stat(file.ino).size,
            };
            let pos = from.checked_add_signed(offset).filter(|pos| *pos <= MAX_BYTES).ok_or(Errno::EINVAL)?;
            vfs.move_to(id, pos);
            Ok(pos)
        })
    }

    /// ftruncate(2). v6.6 fs/open.c, `do_sys_ftruncate`
    ///
    /// # Errors
    /// EINVAL (negative), EBADF, EINVAL (not a regular file, or not open for writing), EFBIG.
    pub fn ftruncate(&mut self, fd: &Name, length: i64) -> Result<(), Errno> {
        self.through(&["sys_ftruncate", "do_sys_ftruncate"], |vfs| {
            let length = u64::try_from(length).map_err(|_| Errno::EINVAL)?;
            let (_, file) = vfs.file(fd)?;
            if vfs.fs.stat(file.ino).kind != FileKind::REGULAR || !file.flags.writes() {
                return Err(Errno::EINVAL);
            }
            vfs.do_truncate(file.ino, length)
        })
    }

    /// truncate(2). v6.6 fs/open.c, `do_sys_truncate`, `vfs_truncate`
    ///
    /// # Errors
    /// EINVAL (negative), those of path lookup, EISDIR, EINVAL (not a regular file), EFBIG.
    pub fn truncate(&mut self, path: &str, length: i64) -> Result<(), Errno> {
        self.through(&["sys_truncate", "do_sys_truncate"], |vfs| {
            let length = u64::try_from(length).map_err(|_| Errno::EINVAL)?;
            let ino = vfs.lookup(path, Last::Follow)?;
            match vfs.fs.stat(ino).kind {
                FileKind::DIRECTORY => Err(Errno::EISDIR),
                FileKind::REGULAR => vfs.do_truncate(ino, length),
                _ => Err(Errno::EINVAL),
            }
        })
    }

    /// v6.6 fs/open.c, `do_truncate`
    pub(super) fn do_truncate(&mut self, ino: Ino, length: u64) -> Result<(), Errno> {
        self.through(&["do_truncate", "notify_change"], |vfs| {
            let is_growth = vfs.fs.size_of(ino).filter(|size| *size < length);
            vfs.fs.set_size(ino, length)?;
            vfs.notes.push(Note::Fact(Fact::Size { ino, size_bytes: length }));
            is_growth.into_iter().for_each(|size| vfs.note_touched(ino, size, 1));
            vfs.unmap_mapping_range(ino);
            Ok(())
        })
    }
}
