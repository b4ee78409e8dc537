//! Calls on extended attributes.

use super::Vfs;
use super::path::Last;
use crate::ext4::AttributeName;
use crate::format::FileKind;
use crate::format::xattr::Namespace;
use crate::history::Errno;
use crate::scenario::{Target, XattrFlags};
use crate::units::Ino;

/// The longest name in bytes, with its namespace (`XATTR_NAME_MAX`).
const NAME_MAX: usize = 255;
/// The longest value in bytes (`XATTR_SIZE_MAX`).
const SIZE_MAX: usize = 65_536;

/// What a call does with an attribute.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Access {
    Read,
    Write,
}

impl Vfs {
    /// setxattr(2), fsetxattr(2). v6.6 fs/xattr.c, `setxattr`
    ///
    /// # Errors
    /// Those of path lookup, EBADF, EINVAL, ERANGE, E2BIG, EPERM, EOPNOTSUPP, EEXIST, ENODATA, ENOSPC.
    pub fn setxattr(
        &mut self,
        target: &Target,
        name: &str,
        value: &[u8],
        flags: XattrFlags,
    ) -> Result<(), Errno> {
        self.within("sys_setxattr", |vfs| {
            let ino = vfs.xattr_target(target)?;
            check_name(name)?;
            if value.len() > SIZE_MAX {
                return Err(Errno::E2BIG);
            }
            vfs.within("vfs_setxattr", |vfs| {
                let name = vfs.resolve_name(ino, name, Access::Write)?;
                vfs.fs.xattr_set(ino, name, Some(value), flags)
            })
        })
    }

    /// removexattr(2), fremovexattr(2). v6.6 fs/xattr.c, `removexattr`
    ///
    /// # Errors
    /// Those of path lookup, EBADF, ERANGE, EPERM, EOPNOTSUPP, ENODATA.
    pub fn removexattr(&mut self, target: &Target, name: &str) -> Result<(), Errno> {
        self.within("sys_removexattr", |vfs| {
            let ino = vfs.xattr_target(target)?;
            check_name(name)?;
            vfs.within("vfs_removexattr", |vfs| {
                let name = vfs.resolve_name(ino, name, Access::Write)?;
                vfs.fs.xattr_set(ino, name, None, XattrFlags::XATTR_REPLACE)
            })
        })
    }

    /// getxattr(2), fgetxattr(2), with a buffer that is large enough. v6.6 fs/xattr.c, `getxattr`
    ///
    /// # Errors
    /// Those of path lookup, EBADF, ERANGE, EOPNOTSUPP, ENODATA.
    pub fn getxattr(&mut self, target: &Target, name: &str) -> Result<Vec<u8>, Errno> {
        self.within("sys_getxattr", |vfs| {
            let ino = vfs.xattr_target(target)?;
            check_name(name)?;
            vfs.within("vfs_getxattr", |vfs| {
                let name = vfs.resolve_name(ino, name, Access::Read)?;
                vfs.fs.xattr_get(ino, name).ok_or(Errno::ENODATA)
            })
        })
    }

    fn xattr_target(&mut self, target: &Target) -> Result<Ino, Errno> {
        match target {
            Target::Path(path) => self.lookup(path, Last::Follow),
            Target::Descriptor(fd) => self.file(fd).map(|(_, file)| file.ino),
        }
    }

    /// v6.6 fs/xattr.c, `xattr_permission`, `xattr_resolve_name`
    fn resolve_name<'a>(
        &mut self,
        ino: Ino,
        name: &'a str,
        access: Access,
    ) -> Result<AttributeName<'a>, Errno> {
        let kind = self.fs.stat(ino).kind;
        if name.starts_with(Namespace::USER.prefix())
            && !matches!(kind, FileKind::REGULAR | FileKind::DIRECTORY)
        {
            return Err(match access {
                Access::Read => Errno::ENODATA,
                Access::Write => Errno::EPERM,
            });
        }
        let (namespace, rest) = Namespace::of(name).ok_or(Errno::EOPNOTSUPP)?;
        if rest.is_empty() {
            return Err(Errno::EINVAL);
        }
        Ok(AttributeName { namespace, name: rest.as_bytes() })
    }
}

const fn check_name(name: &str) -> Result<(), Errno> {
    if name.is_empty() || name.len() > NAME_MAX { Err(Errno::ERANGE) } else { Ok(()) }
}
