//! The hashes of names: a legacy one, half of MD4, and TEA, each in a round over pieces of the name.
//!
//! ```text
//!   name ──pieces of 32 bytes, padded with its length──▶ half MD4 ──▶ hash (its lowest bit is always 0)
//!   seed ────────────────────────────────────────────────┘
//! ```

use super::super::bytes::le32;
use crate::units::{Widen, len_u32};

/// How names are hashed (`s_def_hash_version`); whether bytes are signed is a flag of the superblock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HashVersion {
    /// `DX_HASH_LEGACY`
    Legacy,
    /// `DX_HASH_HALF_MD4`
    HalfMd4,
    /// `DX_HASH_TEA`
    Tea,
}

impl HashVersion {
    /// The version with this number.
    pub const fn of(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Legacy),
            1 => Some(Self::HalfMd4),
            2 => Some(Self::Tea),
            3..=u8::MAX => None,
        }
    }

    /// Its number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Legacy => 0,
            Self::HalfMd4 => 1,
            Self::Tea => 2,
        }
    }
}

/// `s_flags`: bytes of names are unsigned.
const UNSIGNED: u32 = 2;
/// Where a hash starts without a seed: as MD4 does.
const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];
/// The largest hash is kept for the end of a directory (`EXT4_HTREE_EOF_32BIT`).
const END: u32 = 0x7FFF_FFFF << 1;

/// How the names of one directory are hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DirHash {
    version: HashVersion,
    unsigned: bool,
    start: [u32; 4],
}

impl DirHash {
    /// With the flags and the seed of a superblock.
    pub fn new(version: HashVersion, flags: u32, seed: &[u8; 16]) -> Self {
        let seed = [0, 4, 8, 12].map(|at| le32(seed, at));
        let start = if seed == [0; 4] { START } else { seed };
        Self { version, unsigned: flags & UNSIGNED != 0, start }
    }

    /// The version.
    pub const fn version(&self) -> HashVersion {
        self.version
    }

    /// The hash of a name. v6.6 fs/ext4/hash.c, `__ext4fs_dirhash`
    pub fn hash(&self, name: &[u8]) -> u32 {
        let major = match self.version {
            HashVersion::Legacy => self.legacy(name),
            HashVersion::HalfMd4 => {
                let mut state = self.start;
                for (left, piece) in pieces(name, 32) {
                    half_md4(&mut state, &self.words(piece, left, 8));
                }
                state[1]
            }
            HashVersion::Tea => {
                let mut state = self.start;
                for (left, piece) in pieces(name, 16) {
                    tea(&mut state, &self.words(piece, left, 4));
                }
                state[0]
            }
        } & !1;
        if major == END { END.wrapping_sub(2) } else { major }
    }

    fn byte(&self, byte: u8) -> u32 {
        if self.unsigned { byte.into() } else { i32::from(byte.cast_signed()).cast_unsigned() }
    }

    /// v6.6 fs/ext4/hash.c, `dx_hack_hash_signed`
    fn legacy(&self, name: &[u8]) -> u32 {
        let (mut one, mut other) = (0x12a3_fe2d_u32, 0x37ab_e8f9_u32);
        for byte in name {
            let next = other.wrapping_add(one ^ self.byte(*byte).wrapping_mul(7_152_373));
            let next = if next & 0x8000_0000 != 0 { next.wrapping_sub(0x7fff_ffff) } else { next };
            (other, one) = (one, next);
        }
        one << 1
    }

    /// A piece of a name as `count` words, of which `left` bytes are left with this piece: the first byte is the
    /// highest, and the length of what is left fills up. v6.6 fs/ext4/hash.c, `str2hashbuf_signed`
    fn words(&self, piece: &[u8], left: usize, count: usize) -> Vec<u32> {
        let len = len_u32(left) & 0xFF;
        let pad = len | len << 8 | len << 16 | len << 24;
        let mut words: Vec<u32> = piece
            .chunks(4)
            .map(|four| four.iter().fold(pad, |word, byte| self.byte(*byte).wrapping_add(word << 8)))
            .collect();
        words.resize(count, pad);
        words
    }
}

/// The pieces of a name, each with how many bytes are left where it starts.
fn pieces(name: &[u8], len: usize) -> impl Iterator<Item = (usize, &[u8])> {
    name.chunks(len)
        .enumerate()
        .map(move |(nr, piece)| (name.len().saturating_sub(nr.saturating_mul(len)), piece))
}

fn word(words: &[u32], at: usize) -> u32 {
    words.get(at).copied().unwrap_or(0)
}

/// Three rounds of MD4 over half of its input. RFC 1320; v6.6 fs/ext4/hash.c, `half_md4_transform`
fn half_md4(state: &mut [u32; 4], input: &[u32]) {
    type Mix = fn(u32, u32, u32) -> u32;
    const ROUNDS: [(Mix, u32, [u32; 8], [u32; 4]); 3] = [
        (|x, y, z| z ^ (x & (y ^ z)), 0, [0, 1, 2, 3, 4, 5, 6, 7], [3, 7, 11, 19]),
        (|x, y, z| (x & y).wrapping_add((x ^ y) & z), 0x5A82_7999, [1, 3, 5, 7, 0, 2, 4, 6], [3, 5, 9, 13]),
        (|x, y, z| x ^ y ^ z, 0x6ED9_EBA1, [3, 7, 2, 6, 1, 5, 0, 4], [3, 9, 11, 15]),
    ];
    let [mut a, mut b, mut c, mut d] = *state;
    for (mix, constant, order, shifts) in ROUNDS {
        for (at, shift) in order.into_iter().zip(shifts.into_iter().cycle()) {
            let sum =
                a.wrapping_add(mix(b, c, d)).wrapping_add(word(input, at.index())).wrapping_add(constant);
            (a, b, c, d) = (d, sum.rotate_left(shift), b, c);
        }
    }
    for (to, from) in state.iter_mut().zip([a, b, c, d]) {
        *to = to.wrapping_add(from);
    }
}

/// Sixteen cycles of the Tiny Encryption Algorithm. v6.6 fs/ext4/hash.c, `TEA_transform`
fn tea(state: &mut [u32; 4], key: &[u32]) {
    let mix = |half: u32, sum: u32, first: u32, second: u32| {
        (half << 4).wrapping_add(first) ^ half.wrapping_add(sum) ^ (half >> 5).wrapping_add(second)
    };
    let [mut low, mut high, ..] = *state;
    let mut sum = 0_u32;
    for _ in 0..16 {
        sum = sum.wrapping_add(0x9E37_79B9);
        low = low.wrapping_add(mix(high, sum, word(key, 0), word(key, 1)));
        high = high.wrapping_add(mix(low, sum, word(key, 2), word(key, 3)));
    }
    state[0] = state[0].wrapping_add(low);
    state[1] = state[1].wrapping_add(high);
}
