//! Sets of levels, as ranges.

use smallvec::SmallVec;
use std::ops::Range;

/// A set of levels of one [`Images`](super::Images): what is legal is legal for a while, mostly once in each run.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Levels(
    /// First and behind the last of each range; ranges rise and do not touch.
    SmallVec<[(usize, usize); 2]>,
);

impl Levels {
    /// No level.
    pub fn none() -> Self {
        Self(SmallVec::new())
    }

    /// The levels of a range.
    pub(super) fn of(levels: Range<usize>) -> Self {
        let mut set = Self::none();
        set.insert(levels);
        set
    }

    /// Takes in all levels of a range.
    pub(super) fn insert(&mut self, levels: Range<usize>) {
        if levels.is_empty() {
            return;
        }
        let from = self.0.partition_point(|(_, end)| *end < levels.start);
        let to = self.0.partition_point(|(start, _)| *start <= levels.end);
        let joined = self.0[from..to]
            .iter()
            .fold((levels.start, levels.end), |(start, end), range| (start.min(range.0), end.max(range.1)));
        self.0.drain(from..to);
        self.0.insert(from, joined);
    }

    /// Whether the level is among them.
    pub fn contains(&self, level: usize) -> bool {
        self.0.iter().any(|(start, end)| *start <= level && level < *end)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What ranges of both have in common, in order.
    fn common<'s>(&'s self, other: &'s Self) -> impl Iterator<Item = (usize, usize)> + 's {
        let (mut one, mut two) = (self.0.iter().peekable(), other.0.iter().peekable());
        std::iter::from_fn(move || {
            loop {
                let (a, b) = (*one.peek()?, *two.peek()?);
                let (start, end) = (a.0.max(b.0), a.1.min(b.1));
                if a.1 <= b.1 {
                    one.next();
                } else {
                    two.next();
                }
                if start < end {
                    return Some((start, end));
                }
            }
        })
    }

    /// Those that are in both.
    pub fn and(&self, other: &Self) -> Self {
        Self(self.common(other).collect())
    }

    /// Those that are in either.
    pub fn or(&self, other: &Self) -> Self {
        let mut either = self.clone();
        either.add(other);
        either
    }

    /// Leaves only those that are in both.
    pub(super) fn keep(&mut self, other: &Self) {
        *self = self.and(other);
    }

    /// Takes in those of the other.
    pub(super) fn add(&mut self, other: &Self) {
        other.0.iter().for_each(|(start, end)| self.insert(*start..*end));
    }

    /// Whether any level is in both.
    pub fn meets(&self, other: &Self) -> bool {
        self.common(other).next().is_some()
    }

    /// Whether all of them are in the other.
    pub fn is_within(&self, other: &Self) -> bool {
        self.0.iter().all(|(start, end)| other.0.iter().any(|range| range.0 <= *start && *end <= range.1))
    }

    /// The levels, in order.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.iter().flat_map(|(start, end)| *start..*end)
    }

    /// The first level and the one behind the last.
    pub(super) fn span(&self) -> Range<usize> {
        let start = self.0.first().map_or(0, |range| range.0);
        start..self.0.last().map_or(start, |range| range.1)
    }

    /// The ranges, in order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.0.iter().map(|(start, end)| *start..*end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn set(ranges: &[(usize, usize)]) -> (Levels, BTreeSet<usize>) {
        let mut levels = Levels::none();
        let mut all = BTreeSet::new();
        for (start, len) in ranges {
            levels.insert(*start..start + len);
            all.extend(*start..start + len);
        }
        (levels, all)
    }

    proptest! {
        #[test]
        fn they_are_sets(one in prop::collection::vec((0..20_usize, 0..5_usize), 0..5),
                         two in prop::collection::vec((0..20_usize, 0..5_usize), 0..5)) {
            let ((one, a), (two, b)) = (set(&one), set(&two));
            prop_assert_eq!(one.iter().collect::<BTreeSet<_>>(), a.clone());
            let both: BTreeSet<usize> = a.intersection(&b).copied().collect();
            prop_assert_eq!(one.meets(&two), !both.is_empty());
            prop_assert_eq!(one.and(&two).iter().collect::<BTreeSet<_>>(), both);
            prop_assert_eq!(one.is_within(&two), a.is_subset(&b));
            let mut sum = one.clone();
            sum.add(&two);
            let all: BTreeSet<usize> = a.union(&b).copied().collect();
            prop_assert_eq!(sum.iter().collect::<BTreeSet<_>>(), all.clone());
            // One set has one form.
            let mut turned = two;
            turned.add(&one);
            prop_assert_eq!(turned, sum);
        }
    }
}
