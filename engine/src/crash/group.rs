//! Cells that are alike: whatever is counted, they count the same.
//!
//! ```text
//!   cells 3 4 5 … 130   content 1 at levels 0 1 2   content 2 at levels 1 2     one group of 128 cells
//! ```
//! A write of many units makes one group, mostly. Around few levels few groups have a choice at all; they are listed
//! for each level.

use super::Levels;
use super::images::Cell;
use crate::units::Widen;
use std::collections::{BTreeMap, BTreeSet};

/// Contents that are legal at the same levels.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Kind {
    pub(super) legal: Levels,
    /// How many contents.
    pub(super) contents: u32,
}

/// Cells that are alike.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) kinds: Vec<Kind>,
    /// How many cells.
    pub(super) cells: u32,
}

/// All groups of a space.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub(super) groups: Vec<Group>,
    /// For each level, the groups that have a choice there, or that change between it and the next.
    busy: Vec<Vec<u32>>,
}

impl Groups {
    /// Sorts cells into groups.
    pub(super) fn of(cells: &mut [Cell], levels: usize) -> Self {
        let mut known: BTreeMap<Vec<Kind>, usize> = BTreeMap::new();
        let mut groups: Vec<Group> = Vec::new();
        for cell in cells.iter_mut() {
            let kinds = kinds(cell);
            let group = *known.entry(kinds).or_insert_with_key(|kinds| {
                groups.push(Group { kinds: kinds.clone(), cells: 0 });
                groups.len() - 1
            });
            cell.group = group;
            groups[group].cells += 1;
        }
        // In the order of time: sums over them then have few parts at once.
        let mut order: Vec<(usize, usize)> =
            groups.iter().map(|group| group.busy(levels).span().start).zip(0..).collect();
        order.sort_unstable();
        let mut places = vec![0; groups.len()];
        for (place, (_, group)) in order.iter().enumerate() {
            places[*group] = place;
        }
        cells.iter_mut().for_each(|cell| cell.group = places[cell.group]);
        let mut ordered: Vec<(usize, Group)> = places.into_iter().zip(groups).collect();
        ordered.sort_unstable_by_key(|(place, _)| *place);
        let groups: Vec<Group> = ordered.into_iter().map(|(_, group)| group).collect();
        let mut busy = vec![Vec::new(); levels];
        for (number, group) in (0..).zip(&groups) {
            for level in group.busy(levels).iter() {
                busy[level].push(number);
            }
        }
        Self { groups, busy }
    }

    /// The groups that have a choice within some levels.
    pub(super) fn within(&self, levels: &Levels) -> BTreeSet<usize> {
        let busy = self.busy.get(levels.span()).unwrap_or_default().iter().flatten();
        let busy: BTreeSet<usize> = busy.map(|group| group.index()).collect();
        let has_choice = |group: &usize| {
            let mut kinds = self.groups[*group].kinds.iter().filter(|kind| kind.legal.meets(levels));
            kinds.next().is_some_and(|kind| kind.contents > 1 || !levels.is_within(&kind.legal))
                || kinds.next().is_some()
        };
        busy.into_iter().filter(has_choice).collect()
    }
}

impl Group {
    /// The levels at which it has a choice, and those behind which it changes.
    fn busy(&self, levels: usize) -> Levels {
        let ranges = || self.kinds.iter().flat_map(|kind| kind.legal.ranges());
        let edges: BTreeSet<usize> = ranges().flat_map(|range| [range.start, range.end]).collect();
        let edges: Vec<usize> = edges.into_iter().filter(|edge| *edge <= levels).collect();
        let mut busy = Levels::none();
        for pair in edges.windows(2) {
            let [from, to] = *pair else { continue };
            let legal = self.kinds.iter().filter(|kind| kind.legal.contains(from));
            let contents: u32 = legal.map(|kind| kind.contents).sum();
            // Between two edges nothing changes; at an edge something does.
            busy.insert(if contents > 1 { from..to } else { to - 1..to });
        }
        busy
    }
}

fn kinds(cell: &Cell) -> Vec<Kind> {
    let mut kinds: BTreeMap<Levels, u32> = BTreeMap::new();
    for variant in &cell.variants {
        *kinds.entry(variant.legal.clone()).or_default() += 1;
    }
    kinds.into_iter().map(|(legal, contents)| Kind { legal, contents }).collect()
}
