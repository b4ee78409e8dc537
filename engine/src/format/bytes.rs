//! Integers in a slice, at an offset, in either byte order.
//!
//! Callers know the length of what they read; an access beyond the end is our bug and stops a debug build. Where it
//! happens all the same, bytes beyond the end read as zeros, and what is written there is dropped.

/// `N` bytes from `at` on.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    let end = at.saturating_add(N);
    debug_assert!(end <= bytes.len(), "bytes {at}..{end} of {}", bytes.len());
    if let Some(from) = bytes.get(at..end) {
        out.copy_from_slice(from);
    }
    out
}

/// Writes `value` from `at` on.
pub(super) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    let end = at.saturating_add(value.len());
    debug_assert!(end <= bytes.len(), "bytes {at}..{end} of {}", bytes.len());
    if let Some(to) = bytes.get_mut(at..end) {
        to.copy_from_slice(value);
    }
}

/// The first `len` bytes, or all where there are fewer.
pub(super) fn head(bytes: &[u8], len: usize) -> &[u8] {
    bytes.get(..len).unwrap_or(bytes)
}

/// The bytes from `from` to before `to`, or none where they don't all exist.
pub(super) fn span(bytes: &[u8], from: usize, to: usize) -> &[u8] {
    bytes.get(from..to).unwrap_or(&[])
}

/// Fills the bytes from `from` to before `to`, where they exist, with zeros.
pub(super) fn wipe(bytes: &mut [u8], from: usize, to: usize) {
    bytes.get_mut(from..to).unwrap_or(&mut []).fill(0);
}

macro_rules! integers {
    ($($get:ident $put:ident $int:ty, $from:ident $to:ident;)*) => {
        $(
            pub(super) fn $get(bytes: &[u8], at: usize) -> $int {
                <$int>::$from(array(bytes, at))
            }
            pub(super) fn $put(bytes: &mut [u8], at: usize, value: $int) {
                put(bytes, at, &value.$to());
            }
        )*
    };
}

integers! {
    byte put_byte u8, from_le_bytes to_le_bytes;
    le16 put_le16 u16, from_le_bytes to_le_bytes;
    le32 put_le32 u32, from_le_bytes to_le_bytes;
    be16 put_be16 u16, from_be_bytes to_be_bytes;
    be32 put_be32 u32, from_be_bytes to_be_bytes;
    be64 put_be64 u64, from_be_bytes to_be_bytes;
}

/// The low half of a number.
#[expect(clippy::as_conversions, reason = "the upper half is meant to be left out")]
pub(super) const fn low16(value: u32) -> u16 {
    value as u16
}

/// The upper half of a number.
pub(super) const fn high16(value: u32) -> u16 {
    low16(value >> 16)
}

/// The low half of a number.
#[expect(clippy::as_conversions, reason = "the upper half is meant to be left out")]
pub(super) const fn low32(value: u64) -> u32 {
    value as u32
}

/// The upper half of a number.
pub(super) const fn high32(value: u64) -> u32 {
    low32(value >> 32)
}

/// A number from its halves.
pub(super) fn join32(low: u16, high: u16) -> u32 {
    u32::from(low) | u32::from(high) << 16
}

/// A number from its halves.
pub(super) fn join64(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}
