//! From a state to its name, and from a name to the bytes.
//!
//! ```text
//!   contents of all units ──name──▶ the shortest of: none but …, all but …, a number ──image──▶ the same bytes
//! ```
//! A name is made at the first moment of the state and depends on the contents alone.

use super::id::{Choice, CrashId, CrashIdError, Entry, Fate};
use super::space::{Alternative, Space};
use crate::device::{DeviceLog, DiskImage};
use crate::schedule::Schedule;
use crate::units::{Moment, RequestIdx, Widen, len_u32};
use num_bigint::BigUint;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// Up to this length, words are preferred to a number.
const WORDS: usize = 60;

/// A unit at a moment, and which version it holds.
struct Held {
    unit: usize,
    alternatives: Vec<Alternative>,
    choice: usize,
    newest: usize,
}

impl Held {
    fn version(&self) -> usize {
        self.alternatives[self.choice].version
    }
}

/// The name of a state that is legal at `moment`, from the content of every unit.
pub(super) fn name(
    space: &Space,
    schedule: Schedule,
    moment: Moment,
    contents: impl Iterator<Item = (usize, usize)>,
) -> CrashId {
    let mut held = Vec::new();
    for (unit, content) in contents {
        let versions = &space.units[unit];
        if versions.oldest(moment) < versions.newest(moment) {
            let alternatives = versions.alternatives(moment);
            let choice = alternatives.iter().position(|other| other.content == content).unwrap_or(0);
            held.push(Held { unit, alternatives, choice, newest: versions.newest(moment) });
        }
    }
    let words = [none_but(space, &held), all_but(space, &held)];
    let number = number(&held);
    // One word before a list, whatever their lengths.
    let length = |choice: &Choice| match choice {
        Choice::NoneBut(entries) | Choice::AllBut(entries) if entries.is_empty() => 0,
        Choice::NoneBut(_) | Choice::AllBut(_) | Choice::Number(_) => choice.to_string().len(),
    };
    let shortest = words.into_iter().min_by_key(length);
    let choice = match shortest {
        Some(words) if length(&words) <= length(&number).max(WORDS) => words,
        Some(_) | None => number,
    };
    CrashId { schedule, moment, choice }
}

fn number(held: &[Held]) -> Choice {
    let digit = |number, held: &Held| number * held.alternatives.len() + held.choice;
    Choice::Number(held.iter().rev().fold(BigUint::ZERO, digit))
}

fn none_but(space: &Space, held: &[Held]) -> Choice {
    let by_unit: BTreeMap<usize, &Held> = held.iter().map(|held| (held.unit, held)).collect();
    let survived = held.iter().filter(|held| held.choice > 0);
    let mut entries: BTreeMap<RequestIdx, Vec<usize>> = BTreeMap::new();
    for held in survived {
        if let Some(request) = space.units[held.unit].versions[held.version()].request {
            entries.entry(request).or_default().push(held.unit);
        }
    }
    let harmless = |request: RequestIdx, unit: usize| {
        let (Some(held), Some(version)) = (by_unit.get(&unit), space.units[unit].version_of(request)) else {
            return true;
        };
        let unit = &space.units[unit];
        // Not free, overwritten by a later entry, or the same bytes.
        version > held.newest
            || version < held.alternatives[0].version
            || (version <= held.version() && held.choice > 0)
            || unit.versions[version].content == held.alternatives[held.choice].content
    };
    let entry = |(request, units): (RequestIdx, Vec<usize>)| {
        let all = &space.written[request.get().index()];
        let whole = all.iter().all(|unit| harmless(request, *unit));
        Entry { fate: Fate::Survived, request, units: if whole { Vec::new() } else { ranges(all, &units) } }
    };
    Choice::NoneBut(entries.into_iter().map(entry).collect())
}

fn all_but(space: &Space, held: &[Held]) -> Choice {
    let mut entries: BTreeMap<(RequestIdx, bool), Vec<usize>> = BTreeMap::new();
    for held in held {
        let unit = &space.units[held.unit];
        let Some(newest) = unit.versions[held.newest].request else { continue };
        let content = unit.versions[held.version()].content;
        if unit.versions[held.newest].content == content {
            continue;
        }
        match unit.versions[held.version()].request {
            Some(request) if held.choice > 0 => entries.entry((request, true)).or_default().push(held.unit),
            Some(_) | None => entries.entry((newest, false)).or_default().push(held.unit),
        }
    }
    let entry = |((request, survived), units): ((RequestIdx, bool), Vec<usize>)| {
        let all = &space.written[request.get().index()];
        // The whole write is named where that says the same of its other units, or nothing.
        let whole = all.iter().all(|unit| {
            let at = held.binary_search_by_key(unit, |held| held.unit);
            let Some(held) = at.ok().and_then(|at| held.get(at)) else { return true };
            let version = space.units[*unit].version_of(request);
            let free = version.is_some_and(|it| held.alternatives[0].version <= it && it <= held.newest);
            !free || units.contains(unit) || (!survived && held.choice == 0)
        });
        let units = if whole { Vec::new() } else { ranges(all, &units) };
        Entry { fate: if survived { Fate::Survived } else { Fate::Lost }, request, units }
    };
    Choice::AllBut(entries.into_iter().map(entry).collect())
}

/// The numbers of `units` among all units of a write, as ranges.
fn ranges(all: &[usize], units: &[usize]) -> Vec<RangeInclusive<u32>> {
    let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
    for unit in units {
        let Ok(number) = all.binary_search(unit).map(len_u32) else { continue };
        match ranges.last_mut() {
            Some(last) if last.end() + 1 == number => *last = *last.start()..=number,
            Some(_) | None => ranges.push(number..=number),
        }
    }
    ranges
}

/// The disk after a power cut, to the byte.
///
/// # Errors
/// Where the id does not fit the log; it says why.
pub fn image(base: &DiskImage, log: &DeviceLog, id: &CrashId) -> Result<DiskImage, CrashIdError> {
    Space::of(base, log).image(base, id)
}

impl Space {
    /// The disk after a power cut, to the byte; `base` is the disk before the log.
    ///
    /// # Errors
    /// Where the id does not fit the log; it says why.
    pub fn image(&self, base: &DiskImage, id: &CrashId) -> Result<DiskImage, CrashIdError> {
        if id.moment > self.last() {
            return Err(CrashIdError::NoSuchMoment { moment: id.moment, last: self.last() });
        }
        let mut versions: Vec<usize> = self.units.iter().map(|unit| unit.oldest(id.moment)).collect();
        match &id.choice {
            Choice::NoneBut(entries) => apply(self, id.moment, entries, &mut versions)?,
            Choice::AllBut(entries) => {
                versions = self.units.iter().map(|unit| unit.newest(id.moment)).collect();
                apply(self, id.moment, entries, &mut versions)?;
            }
            Choice::Number(number) => digits(self, id.moment, number, &mut versions)?,
        }
        let mut image = base.clone();
        for (unit, version) in self.units.iter().zip(versions) {
            let content = unit.versions[version].content;
            if content != 0 {
                image.write(unit.lba, &unit.contents[content]);
            }
        }
        Ok(image)
    }
}

fn digits(
    space: &Space,
    moment: Moment,
    number: &BigUint,
    versions: &mut [usize],
) -> Result<(), CrashIdError> {
    let mut rest = number.clone();
    for (unit, version) in space.units.iter().zip(versions) {
        let alternatives = unit.alternatives(moment);
        let digit = &rest % alternatives.len();
        rest /= alternatives.len();
        let digit = usize::try_from(digit).unwrap_or(0);
        *version = alternatives[digit].version;
    }
    if rest == BigUint::ZERO {
        return Ok(());
    }
    Err(CrashIdError::NoSuchNumber { number: number.clone(), states: space.states_at(moment), moment })
}

fn apply(
    space: &Space,
    moment: Moment,
    entries: &[Entry],
    versions: &mut [usize],
) -> Result<(), CrashIdError> {
    for entry in entries {
        let request = entry.request;
        let Some(all) = space.written.get(request.get().index()) else {
            return Err(CrashIdError::NoSuchRequest { request, requests: space.requests() });
        };
        let mut any = false;
        for unit in named(entry, all)? {
            let Some(version) = space.units[unit].version_of(request) else { continue };
            let (oldest, newest) = (space.units[unit].oldest(moment), space.units[unit].newest(moment));
            let free = oldest < newest && oldest <= version && version <= newest;
            any |= free;
            if free {
                versions[unit] = match entry.fate {
                    Fate::Survived => version,
                    Fate::Lost => oldest,
                };
            } else if !entry.units.is_empty() {
                return Err(not_free(space, request, moment));
            }
        }
        if !any {
            return Err(not_free(space, request, moment));
        }
    }
    Ok(())
}

/// The units that an entry names.
fn named(entry: &Entry, all: &[usize]) -> Result<Vec<usize>, CrashIdError> {
    if entry.units.is_empty() {
        return Ok(all.to_vec());
    }
    let mut named = Vec::new();
    for range in &entry.units {
        let Some(units) = all.get(range.start().index()..=range.end().index()) else {
            let units = len_u32(all.len());
            return Err(CrashIdError::NoSuchUnit { request: entry.request, unit: *range.end(), units });
        };
        named.extend_from_slice(units);
    }
    Ok(named)
}

fn not_free(space: &Space, request: RequestIdx, moment: Moment) -> CrashIdError {
    let units = &space.written[request.get().index()];
    let early = |unit: &usize| {
        let unit = &space.units[*unit];
        unit.version_of(request).is_none_or(|version| version > unit.newest(moment))
    };
    let why = if units.is_empty() {
        "it is a flush, or was never submitted"
    } else if units.iter().any(early) {
        "it was submitted later"
    } else {
        "it is durable, or older than what is"
    };
    CrashIdError::NotFree { request, moment, why }
}
