//! What every file held and every name stood for, at each time.
//!
//! Time goes on by one with each fact of the history; 0 is before the program starts.

use crate::history::{Fact, History, Synced};
use crate::oracle::{Entry, Observation, Past};
use crate::units::{Ino, StepIdx, len_u32};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The inode of `/` (EXT4_ROOT_INO).
pub(super) const ROOT: Ino = Ino::new(2);

/// What a name stood for, by the time from which on it did.
pub(super) type NamePast = Vec<(u32, Option<Ino>)>;

/// What a program sees, at each time.
#[derive(Debug, Default)]
pub(super) struct World {
    /// What each file held. An inode that was used again stands here once for each file; the last one is the last.
    pub(super) files: BTreeMap<Ino, Vec<Life>>,
    /// The names of each directory.
    pub(super) dirs: BTreeMap<Ino, BTreeMap<String, NamePast>>,
    /// What was made durable, by whom and when.
    pub(super) synced: Vec<(StepIdx, u32, Synced)>,
    /// How many names each inode has now.
    links: BTreeMap<Ino, u32>,
    /// The time after each step.
    after: Vec<u32>,
    /// The steps in which blocks were shifted within a file.
    pub(super) shifted: BTreeMap<Ino, BTreeSet<u32>>,
}

/// A file, from its beginning until it has no name any more.
#[derive(Clone, Debug)]
pub(super) struct Life {
    pub(super) past: Arc<Past>,
    /// When it began.
    pub(super) born: u32,
    /// When its last name went.
    pub(super) gone: Option<u32>,
}

impl World {
    /// The world of a run that began with a disk.
    pub(super) fn of(before: &Observation, history: &History) -> Self {
        let mut world = Self::default();
        world.begin(before);
        let mut time = 0;
        for (step, record) in history.steps.iter().enumerate() {
            for fact in &record.facts {
                time += 1;
                world.take(StepIdx::new(len_u32(step)), time, fact);
            }
            world.after.push(time);
        }
        world
    }

    fn begin(&mut self, before: &Observation) {
        self.dirs.insert(ROOT, BTreeMap::new());
        let Observation::Mounted(mounted) = before else { return };
        let mut numbers = BTreeMap::from([("", ROOT)]);
        for (path, entry) in &mounted.entries {
            let Some(ino) = entry.ino() else { continue };
            if let Entry::Directory(ino) = entry {
                numbers.insert(path, *ino);
                self.dirs.entry(*ino).or_default();
            }
            if let Entry::File(content) = entry {
                let past = Arc::new(Past::of(content));
                self.files.entry(ino).or_insert_with(|| vec![Life { past, born: 0, gone: None }]);
            }
            let Some((dir, name)) = path.rsplit_once('/') else { continue };
            let dir = numbers.get(dir).copied().unwrap_or(ROOT);
            self.dirs.entry(dir).or_default().insert(name.to_owned(), vec![(0, Some(ino))]);
            *self.links.entry(ino).or_default() += 1;
        }
    }

    fn take(&mut self, step: StepIdx, time: u32, fact: &Fact) {
        match fact {
            Fact::New { ino } => {
                let life = Life { past: Arc::new(Past::new(*ino, time)), born: time, gone: None };
                self.files.entry(*ino).or_default().push(life);
            }
            Fact::Name { dir, name, ino } => self.name(time, *dir, name, *ino),
            Fact::Size { ino, size_bytes } => self.change(*ino, |past| past.resize(time, *size_bytes)),
            Fact::Bytes { ino, size_bytes, blocks } => self.change(*ino, |past| {
                past.resize(time, *size_bytes);
                for (at, block) in blocks {
                    past.put(time, *at, block);
                }
            }),
            Fact::Zeros { ino, from, end } => self.change(*ino, |past| past.zero(time, *from, *end)),
            Fact::Shifted { ino } => {
                self.shifted.entry(*ino).or_default().insert(time);
            }
            Fact::Synced(synced) => self.synced.push((step, time, *synced)),
        }
    }

    fn change(&mut self, ino: Ino, change: impl FnOnce(&mut Past)) {
        if let Some(life) = self.life_now(ino) {
            change(Arc::make_mut(&mut life.past));
        }
    }

    fn name(&mut self, time: u32, dir: Ino, name: &str, ino: Option<Ino>) {
        let past = self.dirs.entry(dir).or_default().entry(name.to_owned()).or_default();
        let was = past.last().and_then(|(_, was)| *was);
        past.push((time, ino));
        if let Some(was) = was {
            let links = self.links.entry(was).or_default();
            *links = links.saturating_sub(1);
            let is_gone = *links == 0;
            self.life_now(was).into_iter().filter(|_| is_gone).for_each(|life| life.gone = Some(time));
        }
        if let Some(ino) = ino {
            *self.links.entry(ino).or_default() += 1;
            self.life_now(ino).into_iter().for_each(|life| life.gone = None);
        }
    }

    fn life_now(&mut self, ino: Ino) -> Option<&mut Life> {
        self.files.get_mut(&ino).and_then(|lives| lives.last_mut())
    }

    /// The time at the end of a window: the one behind step `k` is `k + 1`, and step `k + 1` may be under way in it.
    pub(super) fn until(&self, window: usize) -> u32 {
        let last = self.after.last().copied().unwrap_or(0);
        self.after.get(window).copied().unwrap_or(last)
    }

    /// The step of a time.
    pub(super) fn step_of(&self, time: u32) -> usize {
        self.after.partition_point(|after| *after < time)
    }

    /// How many steps there are.
    pub(super) fn steps(&self) -> usize {
        self.after.len()
    }

    /// The time before a step.
    pub(super) fn before(&self, step: usize) -> u32 {
        step.checked_sub(1).map_or(0, |last| self.until(last))
    }

    /// The life of a file at a time.
    pub(super) fn life(&self, ino: Ino, time: u32) -> Option<&Life> {
        self.files.get(&ino)?.iter().rev().find(|life| life.born <= time)
    }

    /// The files that have a name at a time.
    pub(super) fn named_files(&self, time: u32) -> Vec<Ino> {
        let alive =
            |ino: &Ino| self.life(*ino, time).is_some_and(|life| life.gone.is_none_or(|gone| gone > time));
        self.files.keys().copied().filter(alive).collect()
    }

    /// A path of an inode at a time.
    pub(super) fn path(&self, ino: Ino, time: u32) -> Option<String> {
        let (mut path, mut at) = (String::new(), ino);
        // No tree is deeper than it has directories.
        for _ in 0..=self.dirs.len() {
            if at == ROOT {
                return Some(if path.is_empty() { "/".to_owned() } else { path });
            }
            let named =
                |(name, past): (&String, &NamePast)| (value(past, time) == Some(at)).then(|| name.clone());
            let (dir, name) =
                self.dirs.iter().find_map(|(dir, names)| Some((*dir, names.iter().find_map(named)?)))?;
            path = format!("/{name}{path}");
            at = dir;
        }
        None
    }
}

/// What a name stands for at a time.
pub(super) fn value(past: &NamePast, time: u32) -> Option<Ino> {
    let known = past.partition_point(|(from, _)| *from <= time);
    known.checked_sub(1).and_then(|last| past.get(last)?.1)
}

/// What a name stands for from one time until another.
pub(super) fn values(past: &NamePast, from: u32, until: u32) -> BTreeSet<Option<Ino>> {
    let later = past.iter().filter(|(time, _)| *time > from && *time <= until).map(|(_, ino)| *ino);
    later.chain([value(past, from)]).collect()
}
