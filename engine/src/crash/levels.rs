//! Sets of levels, as bits.

use crate::units::Widen;

const BITS: usize = 64;

/// A set of levels of one [`Images`](super::Images). All sets of one have the same length.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Levels(Vec<u64>);

impl Levels {
    /// No level of `levels`.
    pub(super) fn none(levels: usize) -> Self {
        Self(vec![0; levels.div_ceil(BITS)])
    }

    /// All levels of `levels`.
    pub(super) fn all(levels: usize) -> Self {
        let mut all = Self::none(levels);
        (0..levels).for_each(|level| all.insert(level));
        all
    }

    pub(super) fn insert(&mut self, level: usize) {
        self.0[level / BITS] |= 1 << (level % BITS);
    }

    pub(super) fn insert_all(&mut self, levels: std::ops::Range<usize>) {
        levels.for_each(|level| self.insert(level));
    }

    /// Whether the level is among them.
    pub fn contains(&self, level: usize) -> bool {
        self.0.get(level / BITS).is_some_and(|word| word >> (level % BITS) & 1 == 1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Those that are in both.
    pub fn and(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(one, other)| one & other).collect())
    }

    /// Leaves only those that are in both.
    pub(super) fn keep(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, other)| *one &= other);
    }

    /// Takes in those of the other.
    pub(super) fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(&other.0).for_each(|(one, other)| *one |= other);
    }

    /// Whether any level is in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(one, other)| one & other != 0)
    }

    /// Whether all of them are in the other.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).all(|(one, other)| one & !other == 0)
    }

    /// The levels, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        let bits = |(word, bits): (usize, &u64)| {
            let mut rest = *bits;
            std::iter::from_fn(move || {
                let bit = rest.trailing_zeros();
                rest &= rest.checked_sub(1)?;
                Some(word * BITS + bit.index())
            })
        };
        self.0.iter().enumerate().flat_map(bits)
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|word| word.count_ones()).sum()
    }
}
