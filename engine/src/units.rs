//! Numbers that must not be mixed up, and the geometry that converts between them.
//!
//!   Lba (512 B sector on the device)  ──┐
//!   BlockNr (4 KiB block on the device) ┴── `BlockNr::first_lba`, `Lba::block`
//!   FileBlock (4 KiB block of a file)   ── mapped to a BlockNr by extents, never converted
//!
//! Not modelled: file systems with blocks other than 4 KiB.

use std::fmt;
use std::sync::Arc;

/// Bytes in a file-system block and in a page-cache page.
pub const BLOCK_BYTES: usize = 4096;
/// Bytes in a device sector, the unit of an [`Lba`].
pub const SECTOR_BYTES: usize = 512;
/// Sectors in a block.
pub const SECTORS_PER_BLOCK: u64 = 8;

#[cfg(not(target_pointer_width = "64"))]
compile_error!("unplug counts bytes of disks in usize and needs a 64-bit target");

macro_rules! number {
    ($(#[$doc:meta])* $name:ident($repr:ty)) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name($repr);

        impl $name {
            /// Wraps a raw number.
            pub const fn new(raw: $repr) -> Self {
                Self(raw)
            }
            /// The raw number.
            pub const fn get(self) -> $repr {
                self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    };
}

number! {
    /// A 512-byte sector of the device.
    Lba(u64)
}
number! {
    /// A 4 KiB block of the device (`ext4_fsblk_t`).
    BlockNr(u64)
}
number! {
    /// A 4 KiB block of a file (`ext4_lblk_t`), which is also the index of its page.
    FileBlock(u32)
}
number! {
    /// An inode number; 0 is none.
    Ino(u32)
}
number! {
    /// A step of a scenario, counted from 0 after loops are unrolled.
    StepIdx(u32)
}
number! {
    /// A request in the device log, counted from 0.
    RequestIdx(u32)
}
number! {
    /// A position in the device log's sequence of events: before event `n` happened, after event `n - 1`.
    Moment(u32)
}

impl Lba {
    /// The block that holds this sector.
    pub const fn block(self) -> BlockNr {
        BlockNr(self.0 / SECTORS_PER_BLOCK)
    }
    /// The sector `sectors` further on.
    pub const fn plus(self, sectors: u64) -> Self {
        Self(self.0 + sectors)
    }
}

impl BlockNr {
    /// The first sector of this block.
    pub const fn first_lba(self) -> Lba {
        Lba(self.0 * SECTORS_PER_BLOCK)
    }
    /// The block `blocks` further on.
    pub const fn plus(self, blocks: u64) -> Self {
        Self(self.0 + blocks)
    }
}

impl FileBlock {
    /// The block of the file that holds byte `offset`, if files can be that large (16 TiB).
    pub fn of_byte(offset: u64) -> Option<Self> {
        u32::try_from(offset / block_bytes()).ok().map(Self)
    }
    /// The offset of this block's first byte in the file.
    pub fn first_byte(self) -> u64 {
        u64::from(self.0) * block_bytes()
    }
    /// The block `blocks` further on.
    pub const fn plus(self, blocks: u32) -> Self {
        Self(self.0 + blocks)
    }
}

/// [`BLOCK_BYTES`] as a file offset.
pub const fn block_bytes() -> u64 {
    4096
}

/// A transaction of the journal (`tid_t`). It wraps, so it has an age but no order.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tid(u32);

impl Tid {
    /// Wraps a raw number.
    pub const fn new(raw: u32) -> Self {
        Self(raw)
    }
    /// The raw number.
    pub const fn get(self) -> u32 {
        self.0
    }
    /// The tid that follows.
    pub const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
    /// The tid before.
    pub const fn previous(self) -> Self {
        Self(self.0.wrapping_sub(1))
    }
    /// Whether this transaction is later than `other` (`tid_gt`).
    pub const fn is_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() > 0
    }
    /// Whether this transaction is `other` or later (`tid_geq`).
    pub const fn is_at_or_after(self, other: Self) -> bool {
        self.0.wrapping_sub(other.0).cast_signed() >= 0
    }
}

impl fmt::Display for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Tid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tid({})", self.0)
    }
}

/// Which state of a page-cache page a permission to write to it was given for. A page gets a fresh stamp when it enters
/// the cache and whenever its mappings are write-protected, so that an older permission is worth nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Stamp(u64);

impl Stamp {
    /// The one after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The contents of one block, shared and copied on write.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block(Arc<[u8; BLOCK_BYTES]>);

impl Block {
    /// A block of zeros.
    pub fn zeroed() -> Self {
        Self(Arc::new([0; BLOCK_BYTES]))
    }
    /// A block that starts with `bytes` and is zero behind them. Bytes beyond the block are left out.
    pub fn starting_with(bytes: &[u8]) -> Self {
        let mut block = [0; BLOCK_BYTES];
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = *from;
        }
        Self(Arc::new(block))
    }
    /// The bytes.
    pub fn bytes(&self) -> &[u8; BLOCK_BYTES] {
        &self.0
    }
    /// The bytes, shared with the block.
    pub fn shared(&self) -> Arc<[u8]> {
        self.0.clone()
    }
    /// The bytes to change; a shared block is copied first.
    pub fn bytes_mut(&mut self) -> &mut [u8; BLOCK_BYTES] {
        Arc::make_mut(&mut self.0)
    }
    /// Whether both are the same piece of memory: a cheap and sufficient test of equality.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl From<[u8; BLOCK_BYTES]> for Block {
    fn from(bytes: [u8; BLOCK_BYTES]) -> Self {
        Self(Arc::new(bytes))
    }
}

impl fmt::Debug for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Block({:02x?}…)", &self.0[..16])
    }
}

/// Widening that cannot fail on a 64-bit target, where the standard library offers only a fallible conversion.
pub trait Widen {
    /// This number as an index.
    fn index(self) -> usize;
}

impl Widen for u32 {
    #[expect(clippy::as_conversions, reason = "usize has 64 bits here, checked at compile time")]
    fn index(self) -> usize {
        self as usize
    }
}

impl Widen for u64 {
    #[expect(clippy::as_conversions, reason = "usize has 64 bits here, checked at compile time")]
    fn index(self) -> usize {
        self as usize
    }
}

/// A length or an index as a 64-bit number.
#[expect(clippy::as_conversions, reason = "usize has 64 bits here, checked at compile time")]
pub const fn len_u64(len: usize) -> u64 {
    len as u64
}

/// A length or an index as a 32-bit number; all that we count this way is far below 2^32.
///
/// # Panics
/// Where it is not: a bug in the caller.
#[expect(clippy::expect_used, reason = "a bug in the caller")]
pub fn len_u32(len: usize) -> u32 {
    u32::try_from(len).expect("a count below 2^32")
}

/// A moment of the virtual clock, in nanoseconds since 1970.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Time(u64);

impl Time {
    const NANOS: u64 = 1_000_000_000;

    /// A moment from seconds since 1970.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs * Self::NANOS)
    }
    /// Whole seconds since 1970.
    pub const fn secs(self) -> u64 {
        self.0 / Self::NANOS
    }
    /// Nanoseconds within the second.
    #[expect(clippy::as_conversions, reason = "below 10^9")]
    pub const fn nanos(self) -> u32 {
        (self.0 % Self::NANOS) as u32
    }
    /// The moment `nanos` later.
    pub const fn plus_nanos(self, nanos: u64) -> Self {
        Self(self.0 + nanos)
    }
    /// The moment `nanos` earlier.
    pub const fn minus_nanos(self, nanos: u64) -> Self {
        Self(self.0.saturating_sub(nanos))
    }
    /// How many nanoseconds it is behind an earlier moment; 0 where that is not earlier.
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
    /// The moment `secs` later.
    pub const fn plus_secs(self, secs: u64) -> Self {
        Self(self.0 + secs * Self::NANOS)
    }
    /// Rounded up to a whole second (`round_jiffies_up`).
    pub const fn round_up_secs(self) -> Self {
        Self(self.0.div_ceil(Self::NANOS) * Self::NANOS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tids_wrap() {
        let last = Tid::new(u32::MAX);
        assert!(last.next().is_after(last), "0 comes after 2^32 - 1");
        assert!(!last.is_after(last));
        assert!(last.is_at_or_after(last));
        assert_eq!(last.next().previous(), last);
    }

    #[test]
    fn geometry_goes_both_ways() {
        let block = BlockNr::new(7);
        assert_eq!(block.first_lba(), Lba::new(56));
        assert_eq!(block.first_lba().plus(7).block(), block);
        assert_eq!(FileBlock::of_byte(8191), Some(FileBlock::new(1)));
        assert_eq!(FileBlock::of_byte(u64::MAX), None);
    }

    #[test]
    fn timers_round_up_to_whole_seconds() {
        let t = Time::from_secs(10).plus_nanos(1);
        assert_eq!(t.round_up_secs(), Time::from_secs(11));
        assert_eq!(t.round_up_secs().round_up_secs(), Time::from_secs(11));
        assert_eq!((t.secs(), t.nanos()), (10, 1));
    }
}
