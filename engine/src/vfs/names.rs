//! Calls that change names.

use super::Vfs;
use super::path::{Component, Last, Resolved};
use crate::ext4::Place;
use crate::history::Errno;
use crate::kernel::Feature;
use crate::scenario::{Name, RenameFlags};
use crate::units::{BLOCK_BYTES, Ino};

impl Vfs {
    /// mkdir(2). v6.6 fs/namei.c, `do_mkdirat`
    ///
    /// # Errors
    /// Those of path lookup, EEXIST, EMLINK, ENOSPC.
    pub fn mkdir(&mut self, path: &str, mode: u16) -> Result<(), Errno> {
        self.through(&["sys_mkdir", "do_mkdirat"], |vfs| {
            let (dir, name) = vfs.new_name(path, Slashes::Allowed)?;
            vfs.within("vfs_mkdir", |vfs| {
                let ino = vfs.fs.mkdir(Place { dir, name: &name }, mode)?;
                vfs.note_name(dir, &name, Some(ino));
                Ok(())
            })
        })
    }

    /// rmdir(2). v6.6 fs/namei.c, `do_rmdir`
    ///
    /// # Errors
    /// Those of path lookup, EINVAL for `.`, ENOTEMPTY, EBUSY for `/`, ENOENT, ENOTDIR.
    pub fn rmdir(&mut self, path: &str) -> Result<(), Errno> {
        self.through(&["sys_rmdir", "do_rmdir"], |vfs| {
            let found = vfs.resolve(path, Last::Parent)?;
            let name = match &found.last {
                Component::Name(name) => name,
                Component::Dot => return Err(Errno::EINVAL),
                Component::DotDot => return Err(Errno::ENOTEMPTY),
                Component::Root => return Err(Errno::EBUSY),
            };
            let ino = found.ino.ok_or(Errno::ENOENT)?;
            if !vfs.fs.is_dir(ino) {
                return Err(Errno::ENOTDIR);
            }
            vfs.within("vfs_rmdir", |vfs| vfs.fs.rmdir(Place { dir: found.dir, name }, ino))?;
            vfs.note_name(found.dir, name, None);
            Ok(())
        })
    }

    /// unlink(2). v6.6 fs/namei.c, `do_unlinkat`
    ///
    /// # Errors
    /// Those of path lookup, EISDIR, ENOENT, ENOTDIR for a file with a slash behind it.
    pub fn unlink(&mut self, path: &str) -> Result<(), Errno> {
        self.through(&["sys_unlink", "do_unlinkat"], |vfs| {
            let found = vfs.resolve(path, Last::Parent)?;
            let Component::Name(name) = &found.last else { return Err(Errno::EISDIR) };
            let ino = found.ino.ok_or(Errno::ENOENT)?;
            if vfs.fs.is_dir(ino) {
                return Err(Errno::EISDIR);
            }
            if found.slash {
                return Err(Errno::ENOTDIR);
            }
            vfs.within("vfs_unlink", |vfs| vfs.fs.unlink(Place { dir: found.dir, name }, ino));
            vfs.note_name(found.dir, name, None);
            Ok(())
        })
    }

    /// rename(2). v6.6 fs/namei.c, `do_renameat2`, `vfs_rename`
    ///
    /// # Errors
    /// Those of path lookup, EBUSY for `.`, `..` and `/`, ENOENT, ENOTDIR, EISDIR, EINVAL (into itself),
    /// ENOTEMPTY, EMLINK, ENOSPC.
    pub fn rename(&mut self, old: &str, new: &str) -> Result<(), Errno> {
        self.through(&["sys_rename", "do_renameat2"], |vfs| vfs.do_rename(old, new, RenameFlags::NONE))
    }

    /// renameat2(2). v6.6 fs/namei.c, `do_renameat2`
    ///
    /// # Errors
    /// ENOSYS, EINVAL (flags that exclude each other), EEXIST (RENAME_NOREPLACE), ENOENT (RENAME_EXCHANGE with
    /// nothing), and those of rename.
    pub fn renameat2(&mut self, old: &str, new: &str, flags: RenameFlags) -> Result<(), Errno> {
        let kernel = self.fs.options().kernel;
        if !kernel.has(Feature::Renameat2) {
            return Err(Errno::ENOSYS);
        }
        self.through(&["sys_renameat2", "do_renameat2"], |vfs| {
            let whiteout = flags.has(RenameFlags::RENAME_WHITEOUT);
            let exclusive = whiteout || flags.has(RenameFlags::RENAME_NOREPLACE);
            let is_unknown = whiteout && !kernel.has(Feature::RenameWhiteout);
            if is_unknown || exclusive && flags.has(RenameFlags::RENAME_EXCHANGE) {
                return Err(Errno::EINVAL);
            }
            vfs.do_rename(old, new, flags)
        })
    }

    fn do_rename(&mut self, old: &str, new: &str, flags: RenameFlags) -> Result<(), Errno> {
        let exchanges = flags.has(RenameFlags::RENAME_EXCHANGE);
        let replaces = !flags.has(RenameFlags::RENAME_NOREPLACE);
        let from = self.resolve(old, Last::Parent)?;
        let to = self.resolve(new, Last::Parent)?;
        let Component::Name(old_name) = &from.last else { return Err(Errno::EBUSY) };
        let Component::Name(new_name) = &to.last else {
            return Err(if replaces { Errno::EBUSY } else { Errno::EEXIST });
        };
        let ino = from.ino.ok_or(Errno::ENOENT)?;
        if !replaces && to.ino.is_some() {
            return Err(Errno::EEXIST);
        }
        if exchanges {
            let other = to.ino.ok_or(Errno::ENOENT)?;
            if to.slash && !self.fs.is_dir(other) {
                return Err(Errno::ENOTDIR);
            }
        }
        if !self.fs.is_dir(ino) && (from.slash || to.slash && !exchanges) {
            return Err(Errno::ENOTDIR);
        }
        if self.is_ancestor(ino, to.dir) {
            return Err(Errno::EINVAL);
        }
        if to.ino.is_some_and(|other| self.is_ancestor(other, from.dir)) {
            return Err(if exchanges { Errno::EINVAL } else { Errno::ENOTEMPTY });
        }
        if to.ino == Some(ino) {
            self.decide("two names of one inode: nothing to do, and both stay");
            return Ok(());
        }
        let (old, new) = (Place { dir: from.dir, name: old_name }, Place { dir: to.dir, name: new_name });
        self.within("vfs_rename", |vfs| match to.ino {
            Some(other) if exchanges => vfs.fs.exchange((old, ino), (new, other)),
            victim => {
                if let Some(victim) = victim {
                    vfs.may_replace(ino, victim)?;
                }
                vfs.fs.rename(old, ino, new, victim)
            }
        })?;
        self.note_name(to.dir, new_name, Some(ino));
        self.note_name(from.dir, old_name, to.ino.filter(|_| exchanges));
        Ok(())
    }

    /// What replaces a directory must be one, and what replaces anything else must be none.
    /// v6.6 fs/namei.c, `may_delete`
    fn may_replace(&mut self, ino: Ino, victim: Ino) -> Result<(), Errno> {
        match (self.fs.is_dir(ino), self.fs.is_dir(victim)) {
            (true, false) => Err(Errno::ENOTDIR),
            (false, true) => Err(Errno::EISDIR),
            (true, true) | (false, false) => Ok(()),
        }
    }

    /// linkat(2) of an open file, with AT_EMPTY_PATH. v6.6 fs/namei.c, `do_linkat`, `vfs_link`
    ///
    /// # Errors
    /// ENOSYS, EINVAL (AT_EMPTY_PATH is not known), EBADF, those of path lookup, EEXIST, EPERM for a directory, ENOENT
    /// for a file that has no name any more or that was opened with O_TMPFILE and O_EXCL, EMLINK, ENOSPC.
    pub fn linkat(&mut self, fd: &Name, path: &str) -> Result<(), Errno> {
        let kernel = self.fs.options().kernel;
        if !kernel.has(Feature::Linkat) {
            return Err(Errno::ENOSYS);
        }
        self.through(&["sys_linkat", "do_linkat"], |vfs| {
            if !kernel.has(Feature::AtEmptyPath) {
                return Err(Errno::EINVAL);
            }
            let (_, file) = vfs.file(fd)?;
            let (dir, name) = vfs.new_name(path, Slashes::Missing)?;
            vfs.within("vfs_link", |vfs| {
                if vfs.fs.is_dir(file.ino) {
                    return Err(Errno::EPERM);
                }
                if !vfs.fs.may_be_linked(file.ino) {
                    vfs.decide("it has no name, and must not get one");
                    return Err(Errno::ENOENT);
                }
                vfs.fs.link(file.ino, Place { dir, name: &name })?;
                vfs.note_name(dir, &name, Some(file.ino));
                Ok(())
            })
        })
    }

    /// link(2): a symlink is linked itself. v6.6 fs/namei.c, `do_linkat`
    ///
    /// # Errors
    /// Those of path lookup, ENOENT, EEXIST, EPERM for a directory, EMLINK, ENOSPC.
    pub fn link(&mut self, old: &str, new: &str) -> Result<(), Errno> {
        self.through(&["sys_link", "do_linkat"], |vfs| {
            let ino = vfs.lookup(old, Last::NoFollow)?;
            let (dir, name) = vfs.new_name(new, Slashes::Missing)?;
            if vfs.fs.is_dir(ino) {
                return Err(Errno::EPERM);
            }
            vfs.within("vfs_link", |vfs| vfs.fs.link(ino, Place { dir, name: &name }))?;
            vfs.note_name(dir, &name, Some(ino));
            Ok(())
        })
    }

    /// symlink(2). v6.6 fs/namei.c, `do_symlinkat`
    ///
    /// # Errors
    /// ENOENT for an empty target, ENAMETOOLONG, those of path lookup, EEXIST, ENOSPC.
    pub fn symlink(&mut self, target: &str, path: &str) -> Result<(), Errno> {
        self.through(&["sys_symlink", "do_symlinkat"], |vfs| {
            if target.is_empty() {
                return Err(Errno::ENOENT);
            }
            if target.len() >= BLOCK_BYTES {
                return Err(Errno::ENAMETOOLONG);
            }
            let (dir, name) = vfs.new_name(path, Slashes::Missing)?;
            vfs.within("vfs_symlink", |vfs| {
                let ino = vfs.fs.symlink(Place { dir, name: &name }, target.as_bytes())?;
                vfs.note_name(dir, &name, Some(ino));
                Ok(())
            })
        })
    }

    /// chmod(2). v6.6 fs/open.c, `do_fchmodat`
    ///
    /// # Errors
    /// Those of path lookup, ENOENT.
    pub fn chmod(&mut self, path: &str, mode: u16) -> Result<(), Errno> {
        self.through(&["sys_chmod", "do_fchmodat"], |vfs| {
            let ino = vfs.lookup(path, Last::Follow)?;
            vfs.within("notify_change", |vfs| vfs.fs.chmod(ino, mode));
            Ok(())
        })
    }

    /// A name that does not exist yet, in its directory. v6.6 fs/namei.c, `filename_create`
    fn new_name(&mut self, path: &str, slashes: Slashes) -> Result<(Ino, Vec<u8>), Errno> {
        let Resolved { dir, last, slash, ino } = self.resolve(path, Last::Parent)?;
        let Component::Name(name) = last else { return Err(Errno::EEXIST) };
        match (ino, slashes) {
            (Some(_), _) => Err(Errno::EEXIST),
            (None, Slashes::Missing) if slash => Err(Errno::ENOENT),
            (None, _) => Ok((dir, name)),
        }
    }

    /// Whether `ancestor` is a directory that is `dir` or holds it.
    fn is_ancestor(&mut self, ancestor: Ino, dir: Ino) -> bool {
        self.fs.is_dir(ancestor) && self.is_within(dir, ancestor)
    }

    /// Whether `dir` is `ancestor` or lies somewhere in it. v6.6 fs/namei.c, `lock_rename`
    fn is_within(&mut self, dir: Ino, ancestor: Ino) -> bool {
        let (root, mut at) = (self.fs.root(), dir);
        loop {
            if at == ancestor {
                return true;
            }
            if at == root {
                return false;
            }
            at = self.fs.lookup(at, b"..").unwrap_or(root);
        }
    }
}

/// What slashes behind a new name mean.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Slashes {
    /// Nothing: it will be a directory.
    Allowed,
    /// That the directory it should be is missing.
    Missing,
}
