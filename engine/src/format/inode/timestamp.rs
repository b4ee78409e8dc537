//! A time in an inode: 34 bits of seconds, 30 of nanoseconds.
//!
//! ```text
//!   u32: the low seconds, signed     u32: nanoseconds << 2 | how often 2^32 seconds are added
//! ```

use crate::units::Time;

/// A moment since 1970, as an inode stores it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Timestamp {
    /// Seconds, from 1901 to 2446.
    pub secs: i64,
    /// Nanoseconds; what is on the disk may be as large as 2^30 - 1.
    pub nanos: u32,
}

impl Timestamp {
    /// 1970.
    pub const EPOCH: Self = Self { secs: 0, nanos: 0 };
    /// The first second that can be stored (`EXT4_TIMESTAMP_MIN`).
    pub const MIN_SECS: i64 = -(1 << 31);
    /// The last second that can be stored (`EXT4_EXTRA_TIMESTAMP_MAX`).
    pub const MAX_SECS: i64 = (1 << 34) - 1 - (1 << 31);

    /// v6.6 fs/ext4/ext4.h, ext4_decode_extra_time.
    pub(super) fn decode(secs: u32, extra: u32) -> Self {
        let epochs = i64::from(extra & 3) << 32;
        Self { secs: i64::from(secs.cast_signed()).saturating_add(epochs), nanos: extra >> 2 }
    }

    /// The two words; seconds that can't be stored become the nearest that can (`timestamp_truncate`).
    // v6.6 fs/ext4/ext4.h, ext4_encode_extra_time.
    pub(super) fn encode(self) -> (u32, u32) {
        let secs = self.secs.clamp(Self::MIN_SECS, Self::MAX_SECS).cast_unsigned();
        let low = super::low32(secs);
        let epochs = secs.wrapping_sub(i64::from(low.cast_signed()).cast_unsigned()) >> 32;
        (low, super::low32(epochs) & 3 | self.nanos << 2)
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self { secs: i64::try_from(time.secs()).unwrap_or(Self::MAX_SECS), nanos: time.nanos() }
    }
}
