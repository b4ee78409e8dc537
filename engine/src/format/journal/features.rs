//! Features of a journal, and what they mean for its blocks.

use super::super::{FormatError, JournalSeed, Structure};
use crate::units::BLOCK_BYTES;

/// Features that a kernel which doesn't know them may ignore; others stay representable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalCompat(pub u32);

impl JournalCompat {
    /// Commit blocks have the checksum of the whole transaction (checksum v1).
    pub const CHECKSUM: Self = Self(1);
}

/// Features that a kernel must know to replay it; others stay representable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalIncompat(pub u32);

impl JournalIncompat {
    /// There are revoke blocks.
    pub const REVOKE: Self = Self(0x1);
    /// Block numbers have 64 bits.
    pub const BITS_64: Self = Self(0x2);
    /// Commit blocks may be written before what they commit (`journal_async_commit`).
    pub const ASYNC_COMMIT: Self = Self(0x4);
    /// Checksum v2.
    pub const CSUM_V2: Self = Self(0x8);
    /// Checksum v3.
    pub const CSUM_V3: Self = Self(0x10);
    /// There are fast commits behind the log.
    pub const FAST_COMMIT: Self = Self(0x20);
}

/// How the blocks of a journal are protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ChecksumVersion {
    /// Not at all.
    None,
    /// The commit block has a checksum of descriptors and copies.
    V1,
    /// Every block has a checksum, every tag 16 bits of one.
    V2,
    /// Every block and every tag has a checksum.
    V3,
}

/// The features of a journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalFeatures {
    /// Those that may be ignored.
    pub compat: JournalCompat,
    /// Those that may not.
    pub incompat: JournalIncompat,
}

impl JournalFeatures {
    /// No features, as mkfs leaves them.
    pub const NONE: Self = Self { compat: JournalCompat(0), incompat: JournalIncompat(0) };

    /// Whether there is this feature.
    pub const fn has(self, feature: JournalIncompat) -> bool {
        self.incompat.0 & feature.0 == feature.0
    }

    /// These features with one more.
    #[must_use]
    pub const fn with(self, feature: JournalIncompat) -> Self {
        Self { incompat: JournalIncompat(self.incompat.0 | feature.0), ..self }
    }

    /// These features without one.
    #[must_use]
    pub const fn without(self, feature: JournalIncompat) -> Self {
        Self { incompat: JournalIncompat(self.incompat.0 & !feature.0), ..self }
    }

    /// These features with these checksums and no others.
    #[must_use]
    pub const fn with_checksums(self, version: ChecksumVersion) -> Self {
        let plain = self.without(JournalIncompat::CSUM_V2).without(JournalIncompat::CSUM_V3);
        let compat = self.compat.0 & !JournalCompat::CHECKSUM.0;
        match version {
            ChecksumVersion::None => Self { compat: JournalCompat(compat), ..plain },
            ChecksumVersion::V1 => {
                Self { compat: JournalCompat(compat | JournalCompat::CHECKSUM.0), ..plain }
            }
            ChecksumVersion::V2 => {
                Self { compat: JournalCompat(compat), ..plain }.with(JournalIncompat::CSUM_V2)
            }
            ChecksumVersion::V3 => {
                Self { compat: JournalCompat(compat), ..plain }.with(JournalIncompat::CSUM_V3)
            }
        }
    }

    /// The checksums. Where several are asked for, which reading a superblock refuses, the strongest.
    pub const fn checksums(self) -> ChecksumVersion {
        if self.has(JournalIncompat::CSUM_V3) {
            ChecksumVersion::V3
        } else if self.has(JournalIncompat::CSUM_V2) {
            ChecksumVersion::V2
        } else if self.compat.0 & JournalCompat::CHECKSUM.0 != 0 {
            ChecksumVersion::V1
        } else {
            ChecksumVersion::None
        }
    }

    /// Whether blocks have checksums of their own (`jbd2_journal_has_csum_v2or3`).
    pub const fn has_block_checksums(self) -> bool {
        matches!(self.checksums(), ChecksumVersion::V2 | ChecksumVersion::V3)
    }

    /// Bytes of a tag in a descriptor (`journal_tag_bytes`).
    pub const fn tag_bytes(self) -> usize {
        match (self.checksums(), self.has(JournalIncompat::BITS_64)) {
            (ChecksumVersion::V3, _) => 16,
            (ChecksumVersion::V2, true) => 14,
            (ChecksumVersion::V2, false) => 10,
            (ChecksumVersion::V1 | ChecksumVersion::None, true) => 12,
            (ChecksumVersion::V1 | ChecksumVersion::None, false) => 8,
        }
    }

    /// Refuses what is not modelled.
    pub(super) fn check(self) -> Result<(), FormatError> {
        let at = Structure::JournalSuperblock;
        let known = JournalIncompat::REVOKE.0
            | JournalIncompat::BITS_64.0
            | JournalIncompat::ASYNC_COMMIT.0
            | JournalIncompat::CSUM_V2.0
            | JournalIncompat::CSUM_V3.0
            | JournalIncompat::FAST_COMMIT.0;
        if self.incompat.0 & !known != 0 {
            return Err(at.unsupported("unknown incompatible feature", self.incompat.0 & !known));
        }
        let kinds = [
            self.compat.0 & JournalCompat::CHECKSUM.0 != 0,
            self.has(JournalIncompat::CSUM_V2),
            self.has(JournalIncompat::CSUM_V3),
        ];
        if kinds.into_iter().filter(|has| *has).count() > 1 {
            return Err(at.unsupported("mixture of checksum versions", self.incompat.0));
        }
        Ok(())
    }
}

/// What the blocks of a journal look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalFormat {
    /// Its features.
    pub features: JournalFeatures,
    /// Where its checksums start.
    pub seed: JournalSeed,
}

impl JournalFormat {
    /// Bytes at the end of descriptor and revoke blocks that hold their checksum.
    pub(super) const fn tail_bytes(&self) -> usize {
        if self.features.has_block_checksums() { 4 } else { 0 }
    }

    /// Where the tail of descriptor and revoke blocks starts.
    pub(super) const fn tail(&self) -> usize {
        BLOCK_BYTES.saturating_sub(self.tail_bytes())
    }

    /// How many tags a descriptor takes before the next one is begun.
    // v6.6 fs/jbd2/commit.c, jbd2_journal_commit_transaction: room for one more tag and UUID must stay.
    pub const fn tags_per_descriptor(&self) -> usize {
        let tag = self.features.tag_bytes();
        let after_first = BLOCK_BYTES.saturating_sub(super::HEADER + UUID).saturating_sub(tag);
        let kept = tag.saturating_add(UUID).saturating_add(self.tail_bytes());
        match after_first.saturating_sub(kept).checked_div(tag) {
            Some(more) => more.saturating_add(2),
            None => 1,
        }
    }

    /// How many block numbers a revoke block takes.
    // v6.6 fs/jbd2/revoke.c, write_one_revoke_record.
    pub const fn revokes_per_block(&self) -> usize {
        let room = self.tail().saturating_sub(super::revoke::RECORDS);
        if self.features.has(JournalIncompat::BITS_64) { room / 8 } else { room / 4 }
    }

    /// Bytes of a block number in a revoke block.
    pub(super) const fn revoke_bytes(&self) -> usize {
        if self.features.has(JournalIncompat::BITS_64) { 8 } else { 4 }
    }
}

/// Bytes of the UUID behind the first tag.
pub(super) const UUID: usize = 16;
