//! The promises of one run.

use super::table::{
    BEFORE, DIRECTORY_ORDER, FDATASYNC, FDATASYNC_NAME, FSYNC, FSYNC_DIRECTORY, FSYNC_NAMES, MOUNTS, MSYNC,
    OWN_BYTES, RENAME, RENAME_BYTES, RENAME_SIZE, Row, SYNC, SYNCHRONOUS_NAMES, TIMER, WRITTEN,
};
use super::world::{Life, NamePast, World, value, values};
use crate::history::{History, Synced};
use crate::oracle::{FileRequirement, NamesRequirement, Observation, Requirement};
use crate::scenario::{Call, RenameFlags, Scenario, Stack};
use crate::units::{Ino, StepIdx, Widen, len_u32};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// A promise about one file or directory is cut into so many parts at most. In each, what the program has changed by then
/// may be there too; where it changes something more often, the last part is about several changes at once.
const CLAUSES: usize = 12;

/// Something that a call of the program has promised.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Promise {
    /// The call; none for what was there before, and for what is promised always.
    pub step: Option<StepIdx>,
    /// The row of the table.
    pub row: Row,
    /// What it is about: paths and bytes.
    pub about: String,
    /// What must be found.
    pub clauses: Vec<Clause>,
}

/// What must be found in some windows. The window behind step `k` has the number `k + 1`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Clause {
    /// The windows.
    pub windows: RangeInclusive<usize>,
    /// What must be found.
    pub requirement: Requirement,
}

/// All promises of a run, in the order of the calls. `before` is what a program would have found on the disk at first.
pub fn promises(scenario: &Scenario, history: &History, before: &Observation) -> Vec<Promise> {
    let world = World::of(before, history);
    let maker = Maker { world: &world, stack: &scenario.stack };
    let mut promises = maker.always();
    let mut made: Vec<(u32, Promise)> = Vec::new();
    for (step, time, synced) in &world.synced {
        made.extend(maker.synced(*step, *time, *synced).into_iter().map(|promise| (*time, promise)));
    }
    for (step, call) in scenario.steps.iter().enumerate().map(|(step, of)| (step, &of.call)) {
        let index = StepIdx::new(len_u32(step));
        made.extend(maker.called(index, call).into_iter().map(|promise| (world.until(step), promise)));
    }
    made.sort_by_key(|(time, promise)| (promise.step, *time));
    promises.extend(made.into_iter().map(|(_, promise)| promise));
    promises.retain(|promise| promise.row.is_given(&scenario.stack) && !promise.clauses.is_empty());
    promises
}

struct Maker<'a> {
    world: &'a World,
    stack: &'a Stack,
}

/// Which bytes of a file.
const WHOLE: Range<u64> = 0..u64::MAX;

impl Maker<'_> {
    /// What is promised without a call.
    fn always(&self) -> Vec<Promise> {
        let all = 0..=self.world.steps();
        let promise =
            |row: Row, about: &str, clauses| Promise { step: None, row, about: about.to_owned(), clauses };
        let mounts = Clause { windows: all.clone(), requirement: Requirement::Mounts };
        let own = self.world.files.values().filter_map(|lives| match &lives[..] {
            // An inode that was used again may show the bytes of the file before it, by its name.
            [life] => Some(Requirement::File(FileRequirement {
                past: Arc::clone(&life.past),
                from: 0,
                until: u32::MAX,
                bytes: WHOLE,
                zeros_too: true,
                named: None,
            })),
            [] | [_, ..] => None,
        });
        let own = Clause { windows: all, requirement: Requirement::All(own.collect()) };
        let before = self.everything(0, 0);
        let has_before = !before.is_empty();
        let mut promises = vec![promise(MOUNTS, "", vec![mounts]), promise(OWN_BYTES, "", vec![own])];
        if has_before {
            promises.push(promise(BEFORE, "", before));
        }
        promises
    }

    /// What a sync call promises that has returned at a time.
    fn synced(&self, step: StepIdx, time: u32, synced: Synced) -> Vec<Promise> {
        let first = step.get().index() + 1;
        let promise = |row: Row, about: String, clauses| Promise { step: Some(step), row, about, clauses };
        let path = |ino| self.world.path(ino, time).unwrap_or_else(|| format!("inode {ino}"));
        let range = |ino, from: u64, end: u64| format!("{} from {from} to {end}", path(ino));
        match synced {
            Synced::File(ino) => vec![
                promise(FSYNC, path(ino), self.file(ino, time, first, &WHOLE)),
                promise(FSYNC_NAMES, path(ino), self.names_of(ino, time, first)),
            ],
            Synced::Data(ino) => vec![
                promise(FDATASYNC, path(ino), self.file(ino, time, first, &WHOLE)),
                promise(FDATASYNC_NAME, path(ino), self.first_name(ino, time, first)),
            ],
            Synced::Directory(ino) => vec![
                promise(FSYNC_DIRECTORY, path(ino), self.directory(ino, time, first)),
                promise(DIRECTORY_ORDER, path(ino), self.order(ino, time, first)),
            ],
            Synced::Written { ino, from, end } => {
                vec![promise(WRITTEN, range(ino, from, end), self.file(ino, time, first, &(from..end)))]
            }
            Synced::Mapped { ino, from, end } => {
                vec![promise(MSYNC, range(ino, from, end), self.file(ino, time, first, &(from..end)))]
            }
            Synced::Everything => vec![promise(SYNC, String::new(), self.everything(time, first))],
        }
    }

    /// What a call promises that is no sync call.
    fn called(&self, step: StepIdx, call: &Call) -> Vec<Promise> {
        let at = step.get().index();
        let promise = |row: Row, about: String, clauses| Promise { step: Some(step), row, about, clauses };
        if let Call::Sleep { seconds } = call {
            let is_over = *seconds > self.stack.mount.commit_secs;
            let clauses = if is_over { self.all_names(self.world.before(at), at + 1) } else { Vec::new() };
            return vec![promise(TIMER, String::new(), clauses)];
        }
        let (before, after) = (self.world.before(at), self.world.until(at));
        let changed = self.changed_names(before, after);
        let mut promises = Vec::new();
        for (dir, name, past) in &changed {
            let new = value(past, after);
            if let (Some(old), Some(new)) = (value(past, before), new)
                && old != new
            {
                let exchanged =
                    matches!(call, Call::Renameat2 { flags, .. } if flags.has(RenameFlags::RENAME_EXCHANGE));
                promises.extend(self.renamed(step, (*dir, name, past), new, exchanged));
            }
        }
        if SYNCHRONOUS_NAMES.is_given(self.stack) && !changed.is_empty() {
            let clauses = changed.iter().flat_map(|(dir, name, past)| {
                self.name_clauses(*dir, &BTreeMap::from([((*name).to_owned(), *past)]), after, at + 1)
            });
            promises.push(promise(SYNCHRONOUS_NAMES, String::new(), clauses.collect()));
        }
        promises
    }

    /// A name that stood for one file stands for another.
    fn renamed(
        &self,
        step: StepIdx,
        (dir, name, past): (Ino, &str, &NamePast),
        new: Ino,
        exchanged: bool,
    ) -> Vec<Promise> {
        let at = step.get().index();
        let (before, after) = (self.world.before(at), self.world.until(at));
        let about = self.world.path(new, after).unwrap_or_else(|| name.to_owned());
        let promise = |row: Row, clauses| Promise { step: Some(step), row, about: about.clone(), clauses };
        let mut promises = Vec::new();
        // The old file had the name for certain since it was last made durable.
        let since = self.last_durable(dir, before);
        if !values(past, since, before).contains(&None) {
            let names = BTreeMap::from([(name.to_owned(), past)]);
            promises.push(promise(RENAME, self.name_clauses(dir, &names, since, at)));
        }
        // Nothing is started for an exchange.
        if let Some(life) = self.world.life(new, after).filter(|_| !exchanged) {
            let size = life.past.size_at(after);
            let named = Some((dir, name.to_owned()));
            // Bytes at the end of the file stand for its size.
            let sized = self.life_clauses(life, after, at + 1, &(size..size), &named);
            promises.push(promise(RENAME_SIZE, sized));
            promises.push(promise(RENAME_BYTES, self.life_clauses(life, after, at + 1, &WHOLE, &named)));
        }
        promises
    }

    /// When the names of a directory were last durable by contract, before a time.
    fn last_durable(&self, dir: Ino, before: u32) -> u32 {
        let covers = |synced: &Synced| match synced {
            Synced::Directory(ino) => *ino == dir,
            Synced::Everything => true,
            Synced::File(_) | Synced::Data(_) | Synced::Written { .. } | Synced::Mapped { .. } => false,
        };
        let earlier = self.world.synced.iter().filter(|(_, time, synced)| *time <= before && covers(synced));
        earlier.map(|(_, time, _)| *time).max().unwrap_or(0)
    }

    /// The names that stand for something else after some facts.
    fn changed_names(&self, before: u32, after: u32) -> Vec<(Ino, &str, &NamePast)> {
        if before == after {
            return Vec::new();
        }
        let names = self
            .world
            .dirs
            .iter()
            .flat_map(|(dir, names)| names.iter().map(|(name, past)| (*dir, name.as_str(), past)));
        names.filter(|(_, _, past)| value(past, before) != value(past, after)).collect()
    }

    /// All files and names, as they were at a time.
    fn everything(&self, time: u32, first: usize) -> Vec<Clause> {
        let files = self.world.named_files(time);
        let mut clauses: Vec<Clause> =
            files.into_iter().flat_map(|ino| self.file(ino, time, first, &WHOLE)).collect();
        clauses.extend(self.all_names(time, first));
        clauses
    }

    /// All names, as they were at a time.
    fn all_names(&self, time: u32, first: usize) -> Vec<Clause> {
        self.world.dirs.keys().flat_map(|dir| self.directory(*dir, time, first)).collect()
    }

    /// The bytes of a file, as they were at a time.
    fn file(&self, ino: Ino, time: u32, first: usize, bytes: &Range<u64>) -> Vec<Clause> {
        let life = self.world.life(ino, time);
        life.map_or_else(Vec::new, |life| self.life_clauses(life, time, first, bytes, &None))
    }

    fn life_clauses(
        &self,
        life: &Life,
        time: u32,
        first: usize,
        bytes: &Range<u64>,
        named: &Option<(Ino, String)>,
    ) -> Vec<Clause> {
        let ino = life.past.ino;
        if life.gone.is_some_and(|gone| gone <= time) {
            return Vec::new();
        }
        let lives = self.world.files.get(&ino).into_iter().flatten();
        let again = lives.map(|other| other.born).find(|born| *born > life.born);
        let shifted = self.world.shifted.get(&ino).and_then(|times| times.range(time + 1..).next());
        // Without its last name it is still what it was, should a crash bring the name back, until the inode is another
        // file's; while it is shifted, anything may be anywhere.
        let ends = [
            again.and_then(|born| self.world.step_of(born).checked_sub(1)),
            shifted.and_then(|shifted| self.world.step_of(*shifted).checked_sub(1)),
            self.taken_over(ino, time, bytes).filter(|_| named.is_none()),
        ];
        let last = ends.into_iter().flatten().min().unwrap_or(self.world.steps());
        let changes = life.past.changes().into_iter().filter(|change| *change > time);
        let steps: BTreeSet<usize> = changes.map(|change| self.world.step_of(change)).collect();
        self.clauses(first, last, &steps, |until| {
            Requirement::File(FileRequirement {
                past: Arc::clone(&life.past),
                from: time,
                until,
                bytes: bytes.clone(),
                zeros_too: false,
                named: named.clone(),
            })
        })
    }

    /// The step of the next call that promises as much of a file.
    fn taken_over(&self, ino: Ino, time: u32, bytes: &Range<u64>) -> Option<usize> {
        let covers = |synced: &Synced| match synced {
            Synced::File(other) | Synced::Data(other) => *other == ino,
            Synced::Everything => true,
            Synced::Directory(_) => false,
            Synced::Written { ino: other, from, end } | Synced::Mapped { ino: other, from, end } => {
                *other == ino && *from <= bytes.start && bytes.end <= *end
            }
        };
        let later = self.world.synced.iter().filter(|(_, at, _)| *at > time);
        later.filter(|(_, _, synced)| covers(synced)).map(|(step, _, _)| step.get().index()).next()
    }

    /// The names of a directory, as they were at a time.
    fn directory(&self, dir: Ino, time: u32, first: usize) -> Vec<Clause> {
        let Some(names) = self.world.dirs.get(&dir) else { return Vec::new() };
        let covers = |synced: &Synced| match synced {
            Synced::Directory(other) => *other == dir,
            Synced::Everything => true,
            Synced::File(_) | Synced::Data(_) | Synced::Written { .. } | Synced::Mapped { .. } => false,
        };
        let later = self.world.synced.iter().filter(|(_, at, synced)| *at > time && covers(synced));
        let last = later.map(|(step, _, _)| step.get().index()).next().unwrap_or(self.world.steps());
        let all = names.iter().map(|(name, past)| (name.clone(), past)).collect();
        self.names(dir, &all, (time, first, last), false)
    }

    /// Some names, as they were at a time; others do not matter.
    fn name_clauses(
        &self,
        dir: Ino,
        names: &BTreeMap<String, &NamePast>,
        time: u32,
        first: usize,
    ) -> Vec<Clause> {
        self.names(dir, names, (time, first, self.world.steps()), true)
    }

    fn names(
        &self,
        dir: Ino,
        names: &BTreeMap<String, &NamePast>,
        (time, first, last): (u32, usize, usize),
        others: bool,
    ) -> Vec<Clause> {
        let changes = names.values().flat_map(|past| past.iter().map(|(at, _)| *at)).filter(|at| *at > time);
        let steps: BTreeSet<usize> = changes.map(|change| self.world.step_of(change)).collect();
        self.clauses(first, last, &steps, |until| {
            let allowed = names.iter().map(|(name, past)| (name.clone(), values(past, time, until)));
            Requirement::Names(NamesRequirement { dir, allowed: allowed.collect(), others })
        })
    }

    /// The names that a file was given or lost until a time.
    fn names_of(&self, ino: Ino, time: u32, first: usize) -> Vec<Clause> {
        let had = |past: &NamePast| past.iter().any(|(at, named)| *at <= time && *named == Some(ino));
        self.some_names(time, first, |past| had(past))
    }

    /// The name that a new file was made with, if it still has it.
    fn first_name(&self, ino: Ino, time: u32, first: usize) -> Vec<Clause> {
        let Some(life) = self.world.life(ino, time).filter(|life| life.born > 0) else { return Vec::new() };
        let born = life.born;
        let is_first = |past: &NamePast| {
            past.iter().any(|(at, named)| *at == born + 1 && *named == Some(ino))
                && value(past, time) == Some(ino)
        };
        self.some_names(time, first, is_first)
    }

    /// All names that were changed before a directory was.
    fn order(&self, dir: Ino, time: u32, first: usize) -> Vec<Clause> {
        let changes = self.world.dirs.get(&dir).into_iter().flat_map(BTreeMap::values).flatten();
        let last = changes.map(|(at, _)| *at).filter(|at| *at <= time).max().unwrap_or(0);
        if last == 0 {
            Vec::new()
        } else {
            self.some_names(last, first, |past| value(past, 0) != value(past, last))
        }
    }

    fn some_names(&self, time: u32, first: usize, wanted: impl Fn(&NamePast) -> bool) -> Vec<Clause> {
        let of_dir = |(dir, names): (&Ino, &BTreeMap<String, NamePast>)| {
            let some: BTreeMap<String, &NamePast> = names
                .iter()
                .filter(|(_, past)| wanted(past))
                .map(|(name, past)| (name.clone(), past))
                .collect();
            if some.is_empty() { Vec::new() } else { self.name_clauses(*dir, &some, time, first) }
        };
        self.world.dirs.iter().flat_map(of_dir).collect()
    }

    /// The windows from `first` to `last`, parted at the steps in which something changes.
    fn clauses(
        &self,
        first: usize,
        last: usize,
        changes: &BTreeSet<usize>,
        requirement: impl Fn(u32) -> Requirement,
    ) -> Vec<Clause> {
        let mut starts: Vec<usize> = vec![first];
        starts.extend(changes.iter().copied().filter(|step| *step > first && *step <= last));
        starts.truncate(CLAUSES);
        let ends = starts.iter().skip(1).map(|start| start - 1).chain([last]);
        let windows = starts.iter().zip(ends).filter(|(start, end)| **start <= *end);
        windows
            .map(|(start, end)| Clause {
                windows: *start..=end,
                requirement: requirement(self.world.until(end)),
            })
            .collect()
    }
}
