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
