//! A block of the file of orphans (`orphan_file`): inode numbers, 0 where a place is free.
//!
//! ```text
//!   ino u32 │ ino u32 │ … 1022 of them │ magic u32 │ checksum u32
//! ```

use super::bytes::{le32, put_le32, span};
use super::checksum::crc32c;
use super::{Expected, FormatError, InodeSeed, Structure};
use crate::units::{BLOCK_BYTES, Block, BlockNr, Ino};

/// Places in a block.
pub const PLACES: usize = 1022;
const MAGIC_AT: usize = BLOCK_BYTES - 8;
const CHECKSUM: usize = BLOCK_BYTES - 4;
const MAGIC: u32 = 0x0b10_ca04;

/// The inodes in the block that lies at `nr`, each with its place, verified where the file system has checksums.
///
/// # Errors
/// A wrong magic, or a bad checksum.
// v6.6 fs/ext4/orphan.c, ext4_init_orphan_info, ext4_orphan_file_block_csum_verify.
pub fn orphans(
    block: &Block,
    nr: BlockNr,
    csum: Option<InodeSeed>,
) -> Result<Vec<(usize, Ino)>, FormatError> {
    let b = block.bytes();
    Structure::OrphanBlock.demand("magic", le32(b, MAGIC_AT), Expected::Exactly(MAGIC.into()))?;
    if let Some(seed) = csum {
        Structure::OrphanBlock.demand_checksum(le32(b, CHECKSUM), checksum(b, nr, seed))?;
    }
    let inos = (0..PLACES).map(|place| (place, Ino::new(le32(b, place.saturating_mul(4)))));
    Ok(inos.filter(|(_, ino)| ino.get() != 0).collect())
}

/// The first free place.
pub fn find_free(block: &Block) -> Option<usize> {
    (0..PLACES).find(|place| le32(block.bytes(), place.saturating_mul(4)) == 0)
}

/// Puts an inode, or 0, in a place, and seals the block, which lies at `nr`.
///
/// # Panics
/// Where a block has no such place.
pub fn put(block: &mut Block, nr: BlockNr, place: usize, ino: Ino, csum: Option<InodeSeed>) {
    assert!(place < PLACES, "place {place} of {PLACES}");
    let b = block.bytes_mut();
    put_le32(b, place.saturating_mul(4), ino.get());
    put_le32(b, MAGIC_AT, MAGIC);
    if let Some(seed) = csum {
        let sealed = checksum(b, nr, seed);
        put_le32(b, CHECKSUM, sealed);
    }
}

/// A block without orphans, for the place `nr`.
pub fn new_block(nr: BlockNr, csum: Option<InodeSeed>) -> Block {
    let mut block = Block::zeroed();
    put(&mut block, nr, 0, Ino::new(0), csum);
    block
}

fn checksum(b: &[u8; BLOCK_BYTES], nr: BlockNr, seed: InodeSeed) -> u32 {
    crc32c(seed.checksum(&nr.get().to_le_bytes()), span(b, 0, PLACES.saturating_mul(4)))
}

#[cfg(test)]
mod tests {
    use super::super::reference::{flipped, inode_seed};
    use super::*;

    #[test]
    fn orphans_come_back_and_go() {
        for csum in [None, Some(inode_seed(12))] {
            let nr = BlockNr::new(77);
            let mut block = new_block(nr, csum);
            assert_eq!(orphans(&block, nr, csum), Ok(Vec::new()));
            put(&mut block, nr, 0, Ino::new(20), csum);
            put(&mut block, nr, 1021, Ino::new(21), csum);
            assert_eq!(orphans(&block, nr, csum), Ok(vec![(0, Ino::new(20)), (1021, Ino::new(21))]));
            assert_eq!(find_free(&block), Some(1));
            put(&mut block, nr, 0, Ino::new(0), csum);
            assert_eq!(find_free(&block), Some(0));
        }
    }

    #[test]
    fn what_is_no_block_of_it_is_refused() {
        let (nr, csum) = (BlockNr::new(77), Some(inode_seed(12)));
        let block = new_block(nr, csum);
        let refused = |block: &Block, nr| orphans(block, nr, csum).unwrap_err().to_string();
        assert!(refused(&flipped(&block, 8), nr).contains("checksum"), "a flipped bit");
        assert!(refused(&block, BlockNr::new(78)).contains("checksum"), "another place");
        assert_eq!(refused(&Block::zeroed(), nr), "corrupt orphan file: magic is 0, expected 185649668");
    }
}
