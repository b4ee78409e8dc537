//! What the page table says of one page.

use crate::units::{Block, Stamp};

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
