//! Outcomes that differ only in units that are free independently of one another, said once.
//!
//! ```text
//!   /f  A*512 A*512, A*512 B*512, B*512 A*512, B*512 B*512   ──▶  /f  [A*512 or B*512] [A*512 or B*512]
//! ```
//! It is exact: the outcomes of a group are distinct members of the product of what their units hold, so they are
//! the whole product when they are as many.
//!
//! Not joined: files above 1 MiB, and files whose size differs as well.

use super::{Choices, Shown, ShownTree};
use crate::oracle::{Content, Entry, Observation, summary};
use crate::units::{Widen, len_u64};
use std::collections::{BTreeMap, BTreeSet};

/// Fewer combinations are listed one by one.
const LISTED: usize = 16;
/// Larger files are left alone.
const LARGEST_BYTES: u64 = 1 << 20;

/// An outcome on its way into a report.
#[derive(Clone, Debug)]
pub(super) struct Draft<'a, T> {
    pub(super) tree: ShownTree,
    /// One observation that shows this tree.
    pub(super) found: &'a Observation,
    /// All the rest, which is merged as the caller says.
    pub(super) rest: T,
}

/// Joins what can be joined, with `merge` for the rest; in the order of the trees.
pub(super) fn join<'a, T>(
    mut drafts: Vec<Draft<'a, T>>,
    unit_bytes: usize,
    merge: impl Fn(T, T) -> T,
) -> Vec<Draft<'a, T>> {
    if drafts.len() > LISTED {
        let paths: BTreeSet<String> = drafts.iter().flat_map(|draft| draft.tree.keys().cloned()).collect();
        for path in paths {
            drafts = join_at(&path, drafts, unit_bytes, &merge);
        }
    }
    drafts.sort_by(|one, other| one.tree.cmp(&other.tree));
    drafts
}

fn join_at<'a, T>(
    path: &str,
    drafts: Vec<Draft<'a, T>>,
    unit_bytes: usize,
    merge: &impl Fn(T, T) -> T,
) -> Vec<Draft<'a, T>> {
    let mut groups: BTreeMap<(u64, ShownTree), Vec<Draft<'a, T>>> = BTreeMap::new();
    let mut joined = Vec::with_capacity(drafts.len());
    for draft in drafts {
        match file(draft.found, path) {
            Some(content) if content.size_bytes() <= LARGEST_BYTES => {
                let mut others = draft.tree.clone();
                others.remove(path);
                groups.entry((content.size_bytes(), others)).or_default().push(draft);
            }
            Some(_) | None => joined.push(draft),
        }
    }
    for ((size_bytes, _), group) in groups {
        let units = if group.len() > LISTED { product(path, size_bytes, &group, unit_bytes) } else { None };
        let mut group = group.into_iter();
        match (units, group.next()) {
            (Some(units), Some(mut first)) => {
                first.tree.insert(path.to_owned(), Shown::Units { size_bytes, units });
                first.rest = group.map(|draft| draft.rest).fold(first.rest, merge);
                joined.push(first);
            }
            (None | Some(_), first) => joined.extend(first.into_iter().chain(group)),
        }
    }
    joined
}

fn file<'a>(found: &'a Observation, path: &str) -> Option<&'a Content> {
    match found {
        Observation::Mounted(mounted) => match mounted.entries.get(path)? {
            Entry::File(content) => Some(content),
            Entry::Directory(_) | Entry::Symlink(..) | Entry::Unreadable(_) => None,
        },
        Observation::Unmountable(_) => None,
    }
}

/// What each unit holds, if the group is the whole product of it.
fn product<T>(
    path: &str,
    size_bytes: u64,
    group: &[Draft<'_, T>],
    unit_bytes: usize,
) -> Option<Vec<Choices>> {
    let contents: Vec<&Content> = group.iter().filter_map(|draft| file(draft.found, path)).collect();
    let mut units: Vec<(u64, BTreeSet<Vec<u8>>)> = Vec::new();
    let mut combinations = 1_usize;
    let mut at = 0;
    while at < size_bytes {
        let held: BTreeSet<Vec<u8>> = contents.iter().map(|content| content.bytes(at, unit_bytes)).collect();
        combinations = combinations.checked_mul(held.len()).filter(|product| *product <= group.len())?;
        units.push((at, held));
        at += len_u64(unit_bytes);
    }
    (combinations == group.len()).then(|| neighbours_joined(units, size_bytes, unit_bytes))
}

/// Neighbouring units with one and the same single content are one.
fn neighbours_joined(
    units: Vec<(u64, BTreeSet<Vec<u8>>)>,
    size_bytes: u64,
    unit_bytes: usize,
) -> Vec<Choices> {
    let mut joined: Vec<(u64, BTreeSet<Vec<u8>>, u64)> = Vec::new();
    for (at, held) in units {
        let len = (size_bytes - at).min(len_u64(unit_bytes));
        match joined.last_mut() {
            Some((_, same, len_bytes)) if same.len() == 1 && *same == held => *len_bytes += len,
            Some(_) | None => joined.push((at, held, len)),
        }
    }
    let text =
        |bytes: &Vec<u8>, len_bytes: u64| summary(&bytes.repeat(len_bytes.index() / bytes.len().max(1)));
    let choices = |(at, held, len_bytes): (u64, BTreeSet<Vec<u8>>, u64)| {
        let mut any: Vec<String> = held.iter().map(|bytes| text(bytes, len_bytes)).collect();
        any.sort();
        Choices { at, len_bytes, any }
    };
    joined.into_iter().map(choices).collect()
}
