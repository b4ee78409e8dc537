//! open, close, dup.

use super::path::{Component, Last, Resolved};
use super::{File, FileId, Vfs};
use crate::ext4::{Linkable, Place};
use crate::format::FileKind;
use crate::history::Errno;
use crate::kernel::Feature;
use crate::scenario::{Name, OpenFlags};
use crate::units::Ino;

impl Vfs {
    /// open(2). v6.6 fs/open.c, `do_sys_openat2`; fs/namei.c, `path_openat`
    ///
    /// # Errors
    /// As open(2), in the kernel's order.
    pub fn open(&mut self, fd: &Name, path: &str, flags: OpenFlags, mode: u16) -> Result<(), Errno> {
        self.through(&["sys_openat", "do_sys_open", "do_sys_openat2"], |vfs| {
            // v6.6 fs/open.c, build_open_flags
            if flags.has(OpenFlags::O_CREAT) && flags.has(OpenFlags::O_DIRECTORY) {
                return Err(Errno::EINVAL);
            }
            let makes_tmpfile =
                flags.has(OpenFlags::O_TMPFILE) && vfs.fs.options().kernel.has(Feature::OTmpfile);
            if makes_tmpfile && !flags.writes() {
                return Err(Errno::EINVAL);
            }
            let ino = vfs.within("path_openat", |vfs| {
                if makes_tmpfile {
                    vfs.within("do_tmpfile", |vfs| vfs.tmpfile(path, flags, mode))
                } else {
                    vfs.open_last(path, flags, mode)
                }
            })?;
            vfs.fs.hold(ino);
            let id = FileId(vfs.next);
            vfs.next += 1;
            vfs.files.insert(id, File { ino, flags, pos: 0, descriptors: 1, mappings: 0 });
            vfs.descriptors.insert(fd.clone(), id);
            Ok(())
        })
    }

    /// v6.6 fs/namei.c, `open_last_lookups`, `do_open`
    fn open_last(&mut self, path: &str, flags: OpenFlags, mode: u16) -> Result<Ino, Errno> {
        let creates = flags.has(OpenFlags::O_CREAT);
        let exclusive = creates && flags.has(OpenFlags::O_EXCL);
        let last = if exclusive || flags.has(OpenFlags::O_NOFOLLOW) { Last::NoFollow } else { Last::Follow };
        let found = self.resolve(path, last)?;
        if creates && found.slash {
            return Err(Errno::EISDIR);
        }
        match found.ino {
            Some(_) if exclusive => Err(Errno::EEXIST),
            Some(ino) => self.open_existing(ino, flags, found.slash),
            None if !creates => Err(Errno::ENOENT),
            None => self.create_last(&found, mode),
        }
    }

    fn open_existing(&mut self, ino: Ino, flags: OpenFlags, slash: bool) -> Result<Ino, Errno> {
        let kind = self.fs.stat(ino).kind;
        let is_dir = kind == FileKind::DIRECTORY;
        if kind == FileKind::SYMLINK {
            return Err(if flags.has(OpenFlags::O_DIRECTORY) { Errno::ENOTDIR } else { Errno::ELOOP });
        }
        if flags.has(OpenFlags::O_CREAT) && is_dir {
            return Err(Errno::EISDIR);
        }
        if (flags.has(OpenFlags::O_DIRECTORY) || slash) && !is_dir {
            return Err(Errno::ENOTDIR);
        }
        if is_dir && (flags.writes() || flags.has(OpenFlags::O_TRUNC)) {
            return Err(Errno::EISDIR);
        }
        if flags.has(OpenFlags::O_TRUNC) {
            // Even with O_RDONLY. v6.6 fs/namei.c, handle_truncate
            self.within("handle_truncate", |vfs| vfs.do_truncate(ino, 0))?;
        }
        Ok(ino)
    }

    /// A file without a name, in the file system of a directory. Older kernels do not know the flag and see a directory
    /// that is opened for writing. v6.6 fs/namei.c, `do_tmpfile`, `vfs_tmpfile`
    fn tmpfile(&mut self, path: &str, flags: OpenFlags, mode: u16) -> Result<Ino, Errno> {
        let last = if flags.has(OpenFlags::O_NOFOLLOW) { Last::NoFollow } else { Last::Follow };
        let dir = self.lookup(path, last)?;
        if !self.fs.is_dir(dir) {
            return Err(Errno::ENOTDIR);
        }
        let linkable = if flags.has(OpenFlags::O_EXCL) { Linkable::No } else { Linkable::Yes };
        let ino = self.within("vfs_tmpfile", |vfs| vfs.fs.tmpfile(dir, mode, linkable))?;
        self.note_new(ino);
        Ok(ino)
    }

    fn create_last(&mut self, found: &Resolved, mode: u16) -> Result<Ino, Errno> {
        match &found.last {
            Component::Name(name) => {
                let ino = self.fs.create(Place { dir: found.dir, name }, mode)?;
                self.note_new(ino);
                self.note_name(found.dir, name, Some(ino));
                Ok(ino)
            }
            Component::Dot | Component::DotDot | Component::Root => Err(Errno::EISDIR),
        }
    }

    /// close(2). v6.6 fs/open.c, `filp_close`; fs/file_table.c, `__fput`
    ///
    /// # Errors
    /// EBADF.
    pub fn close(&mut self, fd: &Name) -> Result<(), Errno> {
        self.through(&["sys_close", "filp_close"], |vfs| {
            let (id, _) = vfs.file(fd)?;
            vfs.descriptors.remove(fd);
            if let Some(file) = vfs.files.get_mut(&id) {
                file.descriptors -= 1;
                if file.descriptors == 0 && file.mappings > 0 {
                    vfs.decide("the file stays open: it is mapped");
                }
            }
            vfs.put_files();
            Ok(())
        })
    }

    /// dup(2). v6.6 fs/file.c, `ksys_dup`
    ///
    /// # Errors
    /// EBADF.
    pub fn dup(&mut self, fd: &Name, of: &Name) -> Result<(), Errno> {
        self.through(&["sys_dup", "ksys_dup"], |vfs| {
            let (id, _) = vfs.file(of)?;
            if let Some(file) = vfs.files.get_mut(&id) {
                file.descriptors += 1;
            }
            vfs.descriptors.insert(fd.clone(), id);
            vfs.decide("one open file description, and one position, for both descriptors");
            Ok(())
        })
    }
}
