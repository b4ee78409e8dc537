//! What is wrong with the bytes: corrupt (a bad checksum, an impossible value) or not supported.

use std::fmt;

/// Why bytes were refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum FormatError {
    /// Corrupt: the checksum does not belong to the bytes (`EFSBADCRC`).
    ///
    /// Neither of the two is told: bytes that are corrupt in different ways are refused for the same reason.
    #[error("corrupt {structure}: its checksum is bad")]
    Checksum {
        /// Where.
        structure: Structure,
    },
    /// Corrupt: a field holds what it may not (`EFSCORRUPTED`).
    #[error("corrupt {structure}: {field} is {found}, expected {expected}")]
    Field {
        /// Where.
        structure: Structure,
        /// Which field.
        field: &'static str,
        /// What it holds.
        found: u64,
        /// What it may hold.
        expected: Expected,
    },
    /// Not supported: a feature or a geometry that is legal, but not modelled.
    #[error("unsupported {what} in the {structure}: {found:#x}")]
    Unsupported {
        /// Where.
        structure: Structure,
        /// The name of the feature.
        what: &'static str,
        /// The bits or the value that ask for it.
        found: u64,
    },
}

impl FormatError {
    /// Whether the bytes fail their checksum, and nothing else is known to be wrong.
    pub const fn is_bad_checksum(&self) -> bool {
        matches!(self, Self::Checksum { .. })
    }

    /// Whether the bytes are legal, but ask for something that is not modelled.
    pub const fn is_unsupported(&self) -> bool {
        matches!(self, Self::Unsupported { .. })
    }
}

/// What a field may hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expected {
    /// This value.
    Exactly(u64),
    /// This value or a larger one.
    AtLeast(u64),
    /// This value or a smaller one.
    AtMost(u64),
    /// A multiple of this value.
    MultipleOf(u64),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(value) => write!(f, "{value}"),
            Self::AtLeast(value) => write!(f, "at least {value}"),
            Self::AtMost(value) => write!(f, "at most {value}"),
            Self::MultipleOf(value) => write!(f, "a multiple of {value}"),
        }
    }
}

impl Expected {
    /// Whether `found` is such a value.
    pub const fn allows(self, found: u64) -> bool {
        match self {
            Self::Exactly(value) => found == value,
            Self::AtLeast(value) => found >= value,
            Self::AtMost(value) => found <= value,
            Self::MultipleOf(value) => found.is_multiple_of(value),
        }
    }
}

/// A structure on the disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Structure {
    /// The superblock of the file system.
    Superblock,
    /// A group descriptor.
    GroupDescriptor,
    /// A block bitmap.
    BlockBitmap,
    /// An inode bitmap.
    InodeBitmap,
    /// An inode.
    Inode,
    /// A node of an extent tree.
    ExtentNode,
    /// A block of a directory.
    DirectoryBlock,
    /// A block of the index of a directory.
    DirectoryIndex,
    /// Extended attributes, in an inode or a block.
    Attributes,
    /// A block of the file of orphans.
    OrphanBlock,
    /// The superblock of the journal.
    JournalSuperblock,
    /// A descriptor block of the journal.
    DescriptorBlock,
    /// A revoke block of the journal.
    RevokeBlock,
    /// A commit block of the journal.
    CommitBlock,
    /// A block of the fast commit area.
    FastCommit,
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Superblock => "superblock",
            Self::GroupDescriptor => "group descriptor",
            Self::BlockBitmap => "block bitmap",
            Self::InodeBitmap => "inode bitmap",
            Self::Inode => "inode",
            Self::ExtentNode => "extent node",
            Self::DirectoryBlock => "directory block",
            Self::DirectoryIndex => "directory index",
            Self::Attributes => "extended attributes",
            Self::OrphanBlock => "orphan file",
            Self::JournalSuperblock => "journal superblock",
            Self::DescriptorBlock => "descriptor block",
            Self::RevokeBlock => "revoke block",
            Self::CommitBlock => "commit block",
            Self::FastCommit => "fast commit",
        })
    }
}

impl Structure {
    /// Refuses a field of this structure that holds what it may not.
    pub(super) fn demand(
        self,
        field: &'static str,
        found: impl Into<u64>,
        expected: Expected,
    ) -> Result<(), FormatError> {
        let found = found.into();
        if expected.allows(found) {
            Ok(())
        } else {
            Err(FormatError::Field { structure: self, field, found, expected })
        }
    }

    /// Refuses this structure if its checksum is another.
    pub(super) fn demand_checksum(
        self,
        stored: impl Into<u32>,
        computed: impl Into<u32>,
    ) -> Result<(), FormatError> {
        if stored.into() == computed.into() { Ok(()) } else { Err(FormatError::Checksum { structure: self }) }
    }

    /// The refusal of what is not modelled.
    pub(super) fn unsupported(self, what: &'static str, found: impl Into<u64>) -> FormatError {
        FormatError::Unsupported { structure: self, what, found: found.into() }
    }
}
