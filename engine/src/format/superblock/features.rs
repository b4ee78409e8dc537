//! Features of a file system, and which of them are modelled.

macro_rules! features {
    ($(#[$doc:meta])* $set:ident: $($(#[$bit_doc:meta])* $name:ident = $bit:literal,)*) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub struct $set(pub u32);

        impl $set {
            $($(#[$bit_doc])* pub const $name: Self = Self($bit);)*

            /// Whether all of `other` are in this set.
            pub const fn has(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }
            /// This set with `other`.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
            /// This set without `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }
        }
    };
}

features! {
    /// Features that a kernel which doesn't know them may ignore.
    Compat:
    /// It has a journal.
    HAS_JOURNAL = 0x4,
    /// Extended attributes.
    EXT_ATTR = 0x8,
    /// Room for more group descriptors.
    RESIZE_INODE = 0x10,
    /// Hashed directories.
    DIR_INDEX = 0x20,
    /// Copies of the superblock in two groups that it names.
    SPARSE_SUPER2 = 0x200,
    /// Fast commits behind the log.
    FAST_COMMIT = 0x400,
    /// Orphans in a file instead of a list.
    ORPHAN_FILE = 0x1000,
}

features! {
    /// Features that a kernel must know to read it.
    Incompat:
    /// Directory entries have a kind.
    FILETYPE = 0x2,
    /// The journal must be replayed.
    RECOVER = 0x4,
    /// Files are mapped by extents.
    EXTENTS = 0x40,
    /// Block numbers have 64 bits, and group descriptors are long.
    BITS_64 = 0x80,
    /// Bitmaps and inode tables of several groups lie together.
    FLEX_BG = 0x200,
    /// The checksums' seed is in the superblock.
    CSUM_SEED = 0x2000,
}

features! {
    /// Features that a kernel must know to write it.
    RoCompat:
    /// Not every group has a copy of the superblock.
    SPARSE_SUPER = 0x1,
    /// Files may be larger than 2 GiB.
    LARGE_FILE = 0x2,
    /// Files may be larger than 2 TiB.
    HUGE_FILE = 0x8,
    /// Directories may have any number of subdirectories.
    DIR_NLINK = 0x20,
    /// Inodes have a known number of bytes behind the first 128.
    EXTRA_ISIZE = 0x40,
    /// Metadata has checksums.
    METADATA_CSUM = 0x400,
    /// The orphan file may not be empty.
    ORPHAN_PRESENT = 0x1_0000,
}

impl Compat {
    /// A feature that would change what recovery finds, and is not modelled.
    pub(super) fn refused(self) -> Option<(&'static str, u32)> {
        self.has(Self::SPARSE_SUPER2).then_some(("sparse_super2", Self::SPARSE_SUPER2.0))
    }
}

impl Incompat {
    const MODELLED: Self = Self(
        Self::FILETYPE.0
            | Self::RECOVER.0
            | Self::EXTENTS.0
            | Self::BITS_64.0
            | Self::FLEX_BG.0
            | Self::CSUM_SEED.0,
    );

    /// A feature that is not modelled, or the lack of one without which nothing can be read here.
    pub(super) fn refused(self) -> Option<(&'static str, u32)> {
        const NAMES: [(&str, u32); 9] = [
            ("compression", 0x1),
            ("journal_dev", 0x8),
            ("meta_bg", 0x10),
            ("mmp", 0x100),
            ("ea_inode", 0x400),
            ("large_dir", 0x4000),
            ("inline_data", 0x8000),
            ("encrypt", 0x1_0000),
            ("casefold", 0x2_0000),
        ];
        if !self.has(Self::FILETYPE) {
            return Some(("lack of filetype", self.0));
        }
        name_of(self.without(Self::MODELLED).0, &NAMES, "unknown incompatible feature")
    }
}

impl RoCompat {
    const MODELLED: Self = Self(
        Self::SPARSE_SUPER.0
            | Self::LARGE_FILE.0
            | Self::HUGE_FILE.0
            | Self::DIR_NLINK.0
            | Self::EXTRA_ISIZE.0
            | Self::METADATA_CSUM.0
            | Self::ORPHAN_PRESENT.0,
    );

    /// A feature that is not modelled.
    pub(super) fn refused(self) -> Option<(&'static str, u32)> {
        const NAMES: [(&str, u32); 6] = [
            ("uninit_bg", 0x10),
            ("quota", 0x100),
            ("bigalloc", 0x200),
            ("read-only", 0x1000),
            ("project", 0x2000),
            ("verity", 0x8000),
        ];
        name_of(self.without(Self::MODELLED).0, &NAMES, "unknown read-only compatible feature")
    }
}

/// The first of the bits that has a name, or `unknown` if none has and there are any.
fn name_of(bits: u32, names: &[(&'static str, u32)], unknown: &'static str) -> Option<(&'static str, u32)> {
    if bits == 0 {
        return None;
    }
    let known = names.iter().find(|(_, bit)| bits & bit != 0);
    Some(known.copied().unwrap_or((unknown, bits)))
}
