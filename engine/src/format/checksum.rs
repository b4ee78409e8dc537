//! The checksums of ext4 and jbd2, and the seeds they start from.
//!
//! ```text
//!   uuid ──▶ FsSeed ──ino, generation──▶ InodeSeed     superblock: seed ~0
//!   journal uuid ──▶ JournalSeed
//! ```
//! Not modelled: crc16 of descriptors (`uninit_bg`).

use crate::units::Ino;

/// CRC-32C as ext4 and jbd2 use it: the raw running value, reflected, not inverted at either end
/// (`ext4_chksum`, `jbd2_chksum`). `crc32c(crc32c(s, a), b)` is the checksum of `a` and `b` in a row.
pub fn crc32c(seed: u32, bytes: &[u8]) -> u32 {
    // The crate inverts before and behind.
    !crc32c::crc32c_append(!seed, bytes)
}

/// CRC-32 with its most significant bit first, polynomial 0x04C11DB7, not inverted at the end: the journal's first
/// checksum (`crc32_be`).
pub fn crc32_be(seed: u32, bytes: &[u8]) -> u32 {
    fn of_byte(byte: u32) -> u32 {
        (0..8).fold(byte << 24, |crc, _| if crc >> 31 == 1 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 })
    }
    bytes.iter().fold(seed, |crc, byte| crc << 8 ^ of_byte(crc >> 24 ^ u32::from(*byte)))
}

/// Where the checksums of a file system start (`s_csum_seed`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FsSeed(u32);

impl FsSeed {
    /// The seed of the file system with this UUID.
    pub fn of(uuid: &[u8; 16]) -> Self {
        Self(crc32c(u32::MAX, uuid))
    }

    /// The seed that a superblock has stored (`metadata_csum_seed`).
    pub const fn stored(seed: u32) -> Self {
        Self(seed)
    }

    /// The seed of what belongs to an inode (`i_csum_seed`).
    pub fn inode(self, ino: Ino, generation: u32) -> InodeSeed {
        let number = self.checksum(&ino.get().to_le_bytes());
        InodeSeed(crc32c(number, &generation.to_le_bytes()))
    }

    /// The checksum of `bytes`.
    pub fn checksum(self, bytes: &[u8]) -> u32 {
        crc32c(self.0, bytes)
    }
}

/// Where the checksums of an inode, its directory blocks and its extent nodes start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InodeSeed(u32);

impl InodeSeed {
    /// The checksum of `bytes`.
    pub fn checksum(self, bytes: &[u8]) -> u32 {
        crc32c(self.0, bytes)
    }
}

/// Where the checksums of journal blocks start (`j_csum_seed`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalSeed(u32);

impl JournalSeed {
    /// The seed of the journal whose superblock has this UUID.
    pub fn of(uuid: &[u8; 16]) -> Self {
        Self(crc32c(u32::MAX, uuid))
    }

    /// The checksum of `bytes`.
    pub fn checksum(self, bytes: &[u8]) -> u32 {
        crc32c(self.0, bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_check_values() {
        let check = b"123456789";
        assert_eq!(!crc32c(u32::MAX, check), 0xE306_9283, "CRC-32C/iSCSI");
        assert_eq!(crc32_be(u32::MAX, check), 0x0376_E6E7, "CRC-32/MPEG-2: MSB first, init ~0, no final xor");
    }

    #[test]
    fn running_values_can_be_continued() {
        assert_eq!(crc32c(crc32c(7, b"ab"), b"cd"), crc32c(7, b"abcd"));
        assert_eq!(crc32_be(crc32_be(7, b"ab"), b"cd"), crc32_be(7, b"abcd"));
    }
}
