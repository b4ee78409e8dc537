//! Error numbers by name.

use std::fmt;

macro_rules! errnos {
    ($($name:ident $number:literal $text:literal,)*) => {
        /// An error number of Linux (errno(3)).
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs)]
        pub enum Errno { $($name,)* }

        impl Errno {
            /// Every error number that the model knows.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            /// Its name, as in errno.h.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
            /// Its number on x86-64.
            pub const fn number(self) -> u32 {
                match self { $(Self::$name => $number,)* }
            }
            /// What strerror(3) says.
            pub const fn text(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

errnos! {
    EPERM 1 "Operation not permitted",
    ENOENT 2 "No such file or directory",
    EINTR 4 "Interrupted system call",
    EIO 5 "Input/output error",
    ENXIO 6 "No such device or address",
    E2BIG 7 "Argument list too long",
    EBADF 9 "Bad file descriptor",
    EAGAIN 11 "Resource temporarily unavailable",
    ENOMEM 12 "Cannot allocate memory",
    EACCES 13 "Permission denied",
    EFAULT 14 "Bad address",
    EBUSY 16 "Device or resource busy",
    EEXIST 17 "File exists",
    EXDEV 18 "Invalid cross-device link",
    ENODEV 19 "No such device",
    ENOTDIR 20 "Not a directory",
    EISDIR 21 "Is a directory",
    EINVAL 22 "Invalid argument",
    ENFILE 23 "Too many open files in system",
    EMFILE 24 "Too many open files",
    ETXTBSY 26 "Text file busy",
    EFBIG 27 "File too large",
    ENOSPC 28 "No space left on device",
    ESPIPE 29 "Illegal seek",
    EROFS 30 "Read-only file system",
    EMLINK 31 "Too many links",
    ERANGE 34 "Numerical result out of range",
    ENAMETOOLONG 36 "File name too long",
    ENOSYS 38 "Function not implemented",
    ENOTEMPTY 39 "Directory not empty",
    ELOOP 40 "Too many levels of symbolic links",
    ENODATA 61 "No data available",
    EBADMSG 74 "Bad message",
    EOVERFLOW 75 "Value too large for defined data type",
    EOPNOTSUPP 95 "Operation not supported",
    EUCLEAN 117 "Structure needs cleaning",
    EDQUOT 122 "Disk quota exceeded",
    ECANCELED 125 "Operation canceled",
    SIGBUS 1007 "Bus error (a signal)",
    SIGSEGV 1011 "Segmentation fault (a signal)",
}

impl Errno {
    /// The error with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|errno| errno.name() == name)
    }
}

impl fmt::Display for Errno {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
