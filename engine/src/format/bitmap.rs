//! Block and inode bitmaps: bit `n` is bit `n % 8` of byte `n / 8`.
//!
//! Bits behind the group's last block or inode are set, so that nothing is ever allocated there.

use super::{DescSize, FormatError, FsSeed, Structure, bytes};
use crate::units::{BLOCK_BYTES, Block, Widen, len_u32};

/// Bits in a bitmap block.
pub const BITS: u32 = 32768;

fn place(bit: u32) -> (usize, u8) {
    ((bit / 8).index(), 1 << (bit % 8))
}

/// Whether a bit is set. There is nothing free beyond the block: such a bit is set.
pub fn is_set(bitmap: &Block, bit: u32) -> bool {
    let (byte, mask) = place(bit);
    bitmap.bytes().get(byte).is_none_or(|found| found & mask != 0)
}

/// Sets a bit.
///
/// # Panics
/// Beyond the block.
pub fn set(bitmap: &mut Block, bit: u32) {
    assert!(bit < BITS, "bit {bit} of {BITS}");
    let (byte, mask) = place(bit);
    if let Some(found) = bitmap.bytes_mut().get_mut(byte) {
        *found |= mask;
    }
}

/// Clears a bit.
///
/// # Panics
/// Beyond the block.
pub fn clear(bitmap: &mut Block, bit: u32) {
    assert!(bit < BITS, "bit {bit} of {BITS}");
    let (byte, mask) = place(bit);
    if let Some(found) = bitmap.bytes_mut().get_mut(byte) {
        *found &= !mask;
    }
}

/// The first clear bit at or behind `from` and before `to`.
pub fn find_clear(bitmap: &Block, from: u32, to: u32) -> Option<u32> {
    let to = to.min(BITS);
    let mut bit = from;
    while bit < to {
        if bit.is_multiple_of(8) && bitmap.bytes().get((bit / 8).index()) == Some(&0xFF) {
            bit = bit.saturating_add(8);
        } else if is_set(bitmap, bit) {
            bit = bit.saturating_add(1);
        } else {
            return Some(bit);
        }
    }
    None
}

/// How many of the first `bits` bits are clear.
pub fn count_clear(bitmap: &Block, bits: u32) -> u32 {
    let bits = bits.min(BITS);
    let whole = (bits / 8).index();
    let clear: u32 = bytes::head(bitmap.bytes(), whole).iter().map(|byte| byte.count_zeros()).sum();
    let rest = (bits & !7..bits).filter(|bit| !is_set(bitmap, *bit)).count();
    clear.saturating_add(len_u32(rest))
}

/// The checksum of a bitmap, of which a short descriptor keeps the low half: over as many bytes as the group has blocks
/// or inodes divided by 8 (`ext4_block_bitmap_csum_set`, `ext4_inode_bitmap_csum_set`).
pub fn checksum(seed: FsSeed, bitmap: &Block, len_bytes: usize, size: DescSize) -> u32 {
    debug_assert!(len_bytes <= BLOCK_BYTES);
    size.kept(seed.checksum(bytes::head(bitmap.bytes(), len_bytes)))
}

/// Refuses a bitmap whose checksum is not the one in its descriptor.
///
/// # Errors
/// [`FormatError::Checksum`] for `structure`.
pub fn verify(
    structure: Structure,
    seed: FsSeed,
    bitmap: &Block,
    len_bytes: usize,
    (stored, size): (u32, DescSize),
) -> Result<(), FormatError> {
    structure.demand_checksum(stored, checksum(seed, bitmap, len_bytes, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_least_significant_first() {
        let mut bitmap = Block::zeroed();
        set(&mut bitmap, 0);
        set(&mut bitmap, 10);
        assert_eq!(bitmap.bytes()[..2], [0x01, 0x04]);
        assert!(is_set(&bitmap, 10) && !is_set(&bitmap, 11));
        clear(&mut bitmap, 10);
        assert_eq!(bitmap.bytes()[..2], [0x01, 0x00]);
        assert!(is_set(&bitmap, BITS), "nothing is free beyond the block");
    }

    #[test]
    fn clear_bits_are_found_and_counted() {
        let mut bitmap = Block::zeroed();
        (0..100).for_each(|bit| set(&mut bitmap, bit));
        set(&mut bitmap, 101);
        let check = |name: &str, from, to, found| assert_eq!(find_clear(&bitmap, from, to), found, "{name}");
        check("skips full bytes", 0, BITS, Some(100));
        check("starts in a gap", 100, BITS, Some(100));
        check("starts on a set bit", 101, BITS, Some(102));
        check("the end is left out", 0, 100, None);
        check("an end beyond the block", BITS - 1, u32::MAX, Some(BITS - 1));
        check("a start beyond the block", u32::MAX, u32::MAX, None);
        assert_eq!(count_clear(&bitmap, 103), 2);
        assert_eq!(count_clear(&bitmap, u32::MAX), BITS - 101);
    }
}
