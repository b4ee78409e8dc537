//! What was found after a crash, in the terms of the plain model.

use super::plain::{GRANULES, LETTERS, Mask, May, Promise, ZERO, byte};
use std::collections::BTreeMap;
use unplug::oracle::{Content, Entry, Observation};
use unplug::units::Widen;

/// A byte that no program of these writes.
const FOREIGN: Mask = 1 << 63;

/// A file: its size in bytes, and which values each granule holds before the end.
#[derive(Debug)]
struct FoundFile {
    size: usize,
    bytes: [Mask; GRANULES],
}

/// Every name that was found.
#[derive(Debug)]
pub(super) struct Found {
    files: BTreeMap<u8, FoundFile>,
}

/// Looks at a recovered file system.
///
/// # Errors
/// It does not mount, is damaged, or holds something else than files of the plain model.
pub(super) fn find(observation: &Observation) -> Result<Found, String> {
    let Observation::Mounted(mounted) = observation else { return Err(format!("{observation:?}")) };
    if !mounted.repairs.is_empty() {
        return Err(format!("needs repair: {:?}", mounted.repairs));
    }
    let mut files = BTreeMap::new();
    for (path, entry) in &mounted.entries {
        let name = path.trim_start_matches('/').parse().map_err(|_| format!("{path} was never there"))?;
        let Entry::File(content) = entry else { return Err(format!("{path}: {entry:?}")) };
        files.insert(name, file(content));
    }
    Ok(Found { files })
}

fn file(content: &Content) -> FoundFile {
    let size = content.size_bytes().index();
    let bytes = content.bytes(0, size.min(byte(GRANULES)));
    let mut masks = [0; GRANULES];
    for (granule, mask) in masks.iter_mut().enumerate() {
        let end = byte(granule + 1).min(bytes.len());
        let mut before = None;
        for value in bytes.get(byte(granule)..end).unwrap_or_default() {
            if before != Some(*value) {
                *mask |= bit(*value);
                before = Some(*value);
            }
        }
    }
    FoundFile { size, bytes: masks }
}

fn bit(value: u8) -> Mask {
    match LETTERS.iter().position(|letter| *letter == value) {
        Some(index) => 1 << (index + 1),
        None if value == 0 => ZERO,
        None => FOREIGN,
    }
}

impl Found {
    /// What of it cannot be, if anything.
    pub(super) fn breaks(&self, promise: &Promise) -> Option<String> {
        promise.names.iter().find_map(|(name, may)| match self.files.get(name) {
            None if may.contains(&None) => None,
            None => Some(format!("/{name} is missing")),
            Some(found) => {
                let broken: Vec<String> =
                    may.iter().flatten().filter_map(|file| found.breaks(&promise.files[*file])).collect();
                let all = broken.len() == may.iter().flatten().count();
                all.then(|| format!("/{name}: {}", broken.join("; or ")))
            }
        })
    }
}

impl FoundFile {
    fn breaks(&self, may: &May) -> Option<String> {
        let (low, high) = (byte(may.size.0), byte(may.size.1));
        if self.size < low || high < self.size {
            return Some(format!("{} bytes, not {low} to {high}", self.size));
        }
        let wrong = (0..GRANULES).find(|granule| self.bytes[*granule] & !may.bytes[*granule] != 0)?;
        let (found, may) = (letters(self.bytes[wrong]), letters(may.bytes[wrong]));
        Some(format!("bytes from {} on are of {found}, not only of {may}", byte(wrong)))
    }
}

/// A set of values, readable.
fn letters(mask: Mask) -> String {
    let zero = (mask & ZERO != 0).then_some('.');
    let foreign = (mask & FOREIGN != 0).then_some('?');
    let known = (0..LETTERS.len()).filter(|index| mask >> (index + 1) & 1 != 0);
    zero.into_iter().chain(known.map(|index| char::from(LETTERS[index]))).chain(foreign).collect()
}
