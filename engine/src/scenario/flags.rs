//! Flags of the calls, as the bits of x86-64.

macro_rules! flags {
    ($($(#[$doc:meta])* $type:ident { $($name:ident = $bits:expr,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
        pub struct $type(u32);

        #[allow(missing_docs)]
        impl $type {
            $(pub const $name: Self = Self($bits);)*

            /// No flag.
            pub const NONE: Self = Self(0);
            /// Both sets together.
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
            /// Whether all bits of `other` are set.
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
            /// The set without those of `other`.
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }
    )*};
}

flags! {
    /// Flags of `open` (open(2)).
    OpenFlags {
        O_RDONLY = 0,
        O_WRONLY = 1,
        O_RDWR = 2,
        O_CREAT = 0o100,
        O_EXCL = 0o200,
        O_TRUNC = 0o1000,
        O_APPEND = 0o2000,
        O_DSYNC = 0o10000,
        O_DIRECT = 0o40000,
        O_DIRECTORY = 0o200_000,
        O_NOFOLLOW = 0o400_000,
        O_SYNC = 0o4_010_000,
        O_TMPFILE = 0o20_200_000,
    }
    /// Protection of a mapping (mmap(2)).
    Prot {
        PROT_NONE = 0,
        PROT_READ = 1,
        PROT_WRITE = 2,
        PROT_EXEC = 4,
    }
    /// Flags of `mmap` (mmap(2)).
    MapFlags {
        MAP_SHARED = 0x1,
        MAP_PRIVATE = 0x2,
        MAP_SHARED_VALIDATE = 0x3,
        MAP_FIXED = 0x10,
        MAP_ANONYMOUS = 0x20,
        MAP_LOCKED = 0x2000,
        MAP_NORESERVE = 0x4000,
        MAP_POPULATE = 0x8000,
        MAP_NONBLOCK = 0x10000,
        MAP_SYNC = 0x80000,
        MAP_FIXED_NOREPLACE = 0x0010_0000,
    }
    /// Flags of `setxattr` (setxattr(2)).
    XattrFlags {
        XATTR_CREATE = 1,
        XATTR_REPLACE = 2,
    }
    /// Flags of `msync` (msync(2)).
    MsyncFlags {
        MS_ASYNC = 1,
        MS_INVALIDATE = 2,
        MS_SYNC = 4,
    }
    /// Flags of `mremap` (mremap(2)).
    MremapFlags {
        MREMAP_MAYMOVE = 1,
        MREMAP_FIXED = 2,
        MREMAP_DONTUNMAP = 4,
    }
    /// Flags of `sync_file_range` (sync_file_range(2)).
    SyncRangeFlags {
        SYNC_FILE_RANGE_WAIT_BEFORE = 1,
        SYNC_FILE_RANGE_WRITE = 2,
        SYNC_FILE_RANGE_WAIT_AFTER = 4,
    }
    /// The mode of `fallocate` (fallocate(2)); none of them allocates.
    FallocFlags {
        FALLOC_FL_KEEP_SIZE = 0x1,
        FALLOC_FL_PUNCH_HOLE = 0x2,
        FALLOC_FL_COLLAPSE_RANGE = 0x8,
        FALLOC_FL_ZERO_RANGE = 0x10,
        FALLOC_FL_INSERT_RANGE = 0x20,
        FALLOC_FL_UNSHARE_RANGE = 0x40,
    }
    /// Flags of `renameat2` (rename(2)).
    RenameFlags {
        RENAME_NOREPLACE = 1,
        RENAME_EXCHANGE = 2,
        RENAME_WHITEOUT = 4,
    }
    /// Flags of `pwritev2` (readv(2)).
    RwFlags {
        RWF_HIPRI = 1,
        RWF_DSYNC = 2,
        RWF_SYNC = 4,
        RWF_NOWAIT = 8,
        RWF_APPEND = 16,
    }
}

impl OpenFlags {
    /// Whether it can be read through (O_RDONLY or O_RDWR).
    pub const fn reads(self) -> bool {
        self.0 & 3 != 1
    }
    /// Whether it can be written through (O_WRONLY or O_RDWR).
    pub const fn writes(self) -> bool {
        self.0 & 3 != 0
    }
}

impl MapFlags {
    /// MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, or neither (MAP_TYPE).
    pub const fn kind(self) -> Self {
        Self(self.0 & 0xf)
    }
}
