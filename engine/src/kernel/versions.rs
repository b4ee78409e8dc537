//! The kernels that have a profile.

use std::fmt;

macro_rules! kernels {
    ($($name:ident $version:literal $released:literal $about:literal,)*) => {
        /// A Linux release, in order of release.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[expect(missing_docs, reason = "the version is the name")]
        pub enum Kernel { $($name,)* }

        impl Kernel {
            /// All of them, oldest first.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
            /// Its version, as a scenario names it.
            pub const fn version(self) -> &'static str {
                match self { $(Self::$name => $version,)* }
            }
            /// When it was released: year and month.
            pub const fn released(self) -> &'static str {
                match self { $(Self::$name => $released,)* }
            }
            /// What is remarkable about it, in a few words.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$name => $about,)* }
            }
        }
    };
}

kernels! {
    V2_5_67 "2.5.67" "2003-04" "the last whose msync(MS_ASYNC) starts I/O",
    V2_6_11 "2.6.11" "2005-03" "MS_ASYNC moves dirty bits only",
    V2_6_16 "2.6.16" "2006-03" "the last before msync lost count of holes",
    V2_6_17 "2.6.17" "2006-06" "msync loses count of holes",
    V2_6_18 "2.6.18" "2006-09" "the last that does not see stores through a mapping",
    V2_6_19 "2.6.19" "2006-11" "stores are tracked by write protection",
    V3_10 "3.10" "2013-06" "ext4; fsync flushes the disk's cache",
    V3_16 "3.16" "2014-08" "msync syncs its range only",
    V4_19 "4.19" "2018-10" "commits wait for delayed data, they do not write it",
    V5_4 "5.4" "2019-11" "the last with dioread_lock by default",
    V5_15 "5.15" "2021-10" "new blocks are unwritten until their data is there",
    V6_1 "6.1" "2022-12" "the last whose fsync with data=journal only commits",
    V6_6 "6.6" "2023-10" "the default; up to 6.6.50",
    V6_6_51 "6.6.51" "2024-09" "a torn commit block may pass",
    V6_12 "6.12" "2024-11" "6.12.9 or later: the rest of the last block is zeroed before a file grows",
}

impl Kernel {
    /// Its version, and which stable updates of it are meant where they differ.
    pub fn span(self) -> &'static str {
        const SPANS: &[(Kernel, &str)] = &[
            (Kernel::V6_6, "6.6 (before 6.6.51)"),
            (Kernel::V6_6_51, "6.6.51 or later 6.6"),
            (Kernel::V6_12, "6.12 (6.12.9 or later)"),
        ];
        SPANS.iter().find(|(kernel, _)| *kernel == self).map_or(self.version(), |(_, text)| *text)
    }

    /// The kernel with this version.
    pub fn named(version: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kernel| kernel.version() == version)
    }
}

/// A text names no kernel, or a range without one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum KernelError {
    /// There is no profile of this version.
    Unknown {
        /// The version as it was written.
        version: String,
    },
    /// The range begins behind its end.
    Backwards {
        /// Its first kernel.
        from: Kernel,
        /// Its last kernel, which is older.
        to: Kernel,
    },
}

impl fmt::Display for KernelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { version } => {
                write!(f, "there is no profile of kernel \"{version}\"; there is one of ")?;
                Kernel::ALL.iter().enumerate().try_for_each(|(index, kernel)| {
                    write!(f, "{}{kernel}", if index == 0 { "" } else { ", " })
                })
            }
            Self::Backwards { from, to } => write!(f, "the range is empty: {from} is newer than {to}"),
        }
    }
}

impl std::error::Error for KernelError {}

impl Kernel {
    /// The kernels that a text names, oldest first: `"6.6"`, or a range with both its ends, `"2.6.16..3.16"`, where
    /// an end that is left out is that of all kernels: `"..3.16"`, `"6.1.."`, `".."`.
    ///
    /// # Errors
    /// If a version has no profile, or the range begins behind its end.
    pub fn range(text: &str) -> Result<Vec<Self>, KernelError> {
        let named = |version: &str| {
            Self::named(version).ok_or_else(|| KernelError::Unknown { version: version.to_owned() })
        };
        let Some((from, to)) = text.split_once("..") else {
            return Ok(vec![named(text)?]);
        };
        let from = if from.is_empty() { None } else { Some(named(from)?) };
        let to = if to.is_empty() { None } else { Some(named(to)?) };
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(KernelError::Backwards { from, to });
        }
        let inside =
            |kernel: &Self| from.is_none_or(|from| from <= *kernel) && to.is_none_or(|to| *kernel <= to);
        Ok(Self::ALL.iter().copied().filter(inside).collect())
    }
}

impl Default for Kernel {
    /// What a scenario runs on that names none.
    fn default() -> Self {
        Self::V6_6
    }
}

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.version())
    }
}
