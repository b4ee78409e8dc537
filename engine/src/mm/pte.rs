//! What the page table says of one page.

use crate::units::Block;

/// Which state of a page-cache page a permission was given for. A page gets a fresh stamp when it enters the cache and
/// whenever its mappings are write-protected, so that an older permission is worth nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Stamp(u64);

impl Stamp {
    /// The one after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// A page table entry.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Pte {
    /// Nothing: the next access faults.
    #[default]
    Absent,
    /// The page of the file, to read.
    ReadOnly,
    /// The page of the file, to write, as long as its stamp is this one.
    Writable {
        /// For which state of the page.
        stamp: Stamp,
        /// The dirty bit, which the CPU sets.
        dirty: bool,
    },
    /// A copy of its own (MAP_PRIVATE after a store, or anonymous memory).
    Private(Block),
}
