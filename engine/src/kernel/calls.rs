//! Calls and flags that older kernels do not have.

use super::Kernel;

macro_rules! features {
    ($($(#[$doc:meta])* $name:ident $text:literal $kernel:ident $release:literal,)*) => {
        /// A call, or a flag of one, that some of the kernels lack.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Feature { $($(#[$doc])* $name,)* }

        /// Everything that some of the kernels lack.
        pub const NEWCOMERS: &[Newcomer] = &[
            $(Newcomer { feature: Feature::$name, name: $text, since: Kernel::$kernel, release: $release },)*
        ];
    };
}

/// Something that came later than the oldest kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Newcomer {
    /// What.
    pub feature: Feature,
    /// As a program names it.
    pub name: &'static str,
    /// The first profile that has it.
    pub since: Kernel,
    /// The release that brought it.
    pub release: &'static str,
}

features! {
    /// sync_file_range(2)
    SyncFileRange "sync_file_range" V2_6_17 "2.6.17",
    /// syncfs(2)
    Syncfs "syncfs" V3_10 "2.6.39",
    /// linkat(2)
    Linkat "linkat" V2_6_16 "2.6.16",
    /// linkat(2)
    AtEmptyPath "AT_EMPTY_PATH" V3_10 "2.6.39",
    /// fallocate(2)
    Fallocate "fallocate" V3_10 "2.6.23",
    /// fallocate(2); of ext4 since 3.0
    PunchHole "FALLOC_FL_PUNCH_HOLE" V3_10 "2.6.38",
    /// fallocate(2)
    CollapseRange "FALLOC_FL_COLLAPSE_RANGE" V3_16 "3.15",
    /// fallocate(2)
    ZeroRange "FALLOC_FL_ZERO_RANGE" V3_16 "3.15",
    /// fallocate(2); of ext4 since 4.2
    InsertRange "FALLOC_FL_INSERT_RANGE" V4_19 "4.1",
    /// open(2)
    OTmpfile "O_TMPFILE" V3_16 "3.11",
    /// renameat2(2)
    Renameat2 "renameat2" V3_16 "3.15",
    /// renameat2(2)
    RenameWhiteout "RENAME_WHITEOUT" V4_19 "3.18",
    /// pwritev2(2)
    Pwritev2 "pwritev2" V4_19 "4.6",
    /// mmap(2)
    MapSharedValidate "MAP_SHARED_VALIDATE" V4_19 "4.15",
    /// mmap(2): ignored before
    MapSync "MAP_SYNC" V4_19 "4.15",
    /// mmap(2): a hint before
    MapFixedNoreplace "MAP_FIXED_NOREPLACE" V4_19 "4.17",
    /// mremap(2)
    MremapDontunmap "MREMAP_DONTUNMAP" V5_15 "5.7",
}

impl Kernel {
    /// Whether it has a call or a flag.
    pub fn has(self, feature: Feature) -> bool {
        NEWCOMERS.iter().all(|newcomer| newcomer.feature != feature || newcomer.since <= self)
    }
}
