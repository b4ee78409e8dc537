//! Whether what was found is what a call has promised.
//!
//! ```text
//!   bytes of inode 12 from time 4 on     /f is inode 12: each sector holds what the file held there at 4, or later
//!   names of inode 2 from time 4 on      /: each name stands for what it stood for at 4, or later
//! ```
//! A file is known by its inode, whatever name it is found by; one that is not found breaks no promise about its bytes.
//! Of a disk that cannot be mounted, every requirement is broken.
//!
//! A sector is all old or all new: within one, bytes of two times are not mixed.

use super::formula::{Draft, Formula, Join};
use super::{Entry, FileShape, Mounted, Observation, Outline, Past};
use crate::scenario::Data;
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, Widen, block_bytes};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

/// The bytes that the smallest disks write as one piece.
const SECTOR: usize = 512;

/// What must be so of what is found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Requirement {
    /// The disk can be mounted.
    Mounts,
    /// A file, if it is found, holds what it held at some time.
    File(FileRequirement),
    /// Names of a directory, if it is found, stand for what they stood for at some time.
    Names(NamesRequirement),
    /// All of these.
    All(Vec<Self>),
}

/// What must be so of a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileRequirement {
    /// What it held.
    pub past: Arc<Past>,
    /// From this time on.
    pub from: u32,
    /// Until this.
    pub until: u32,
    /// Of which bytes.
    pub bytes: Range<u64>,
    /// Zeros are fine too, and so is any size.
    pub zeros_too: bool,
    /// Only if it is found by this name of this directory.
    pub named: Option<(Ino, String)>,
}

/// What must be so of names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NamesRequirement {
    /// Their directory.
    pub dir: Ino,
    /// What each may stand for; none if it may be missing.
    pub allowed: BTreeMap<String, BTreeSet<Option<Ino>>>,
    /// Whether there may be other names.
    pub others: bool,
}

/// What was found, by inode.
#[derive(Debug)]
pub struct Found<'a> {
    mounted: Option<&'a Mounted<FileShape>>,
    files: BTreeMap<Ino, &'a FileShape>,
    dirs: BTreeMap<Ino, &'a str>,
}

impl<'a> Found<'a> {
    /// Of an outline.
    pub fn of(outline: &'a Outline) -> Self {
        let mut found = Self { mounted: None, files: BTreeMap::new(), dirs: BTreeMap::from([(ROOT, "")]) };
        if let Observation::Mounted(mounted) = outline {
            found.mounted = Some(mounted);
            for (path, entry) in &mounted.entries {
                match entry {
                    Entry::File(file) => {
                        found.files.insert(file.ino, file);
                    }
                    Entry::Directory(ino) => {
                        found.dirs.insert(*ino, path);
                    }
                    Entry::Symlink(..) | Entry::Unreadable(_) => {}
                }
            }
        }
        found
    }

    /// What a name of a directory stands for; that it cannot be read is `Err`.
    fn lookup(&self, dir: Ino, name: &str) -> Option<Result<Ino, ()>> {
        let path = format!("{}/{name}", self.dirs.get(&dir)?);
        self.mounted?.entries.get(&path).map(ino_of)
    }

    /// All names of a directory.
    fn names(&self, dir: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let within = format!("{dir}/");
        let entries = self.mounted.into_iter().flat_map({
            let within = within.clone();
            move |mounted| mounted.entries.range(within.clone()..)
        });
        let below = entries.map_while(move |(path, _)| path.strip_prefix(within.as_str()));
        below.filter(|name| !name.contains('/'))
    }
}

/// EXT4_ROOT_INO
const ROOT: Ino = Ino::new(2);

const fn ino_of(entry: &Entry<FileShape>) -> Result<Ino, ()> {
    match entry {
        Entry::Directory(ino) | Entry::Symlink(ino, _) => Ok(*ino),
        Entry::File(file) => Ok(file.ino),
        Entry::Unreadable(_) => Err(()),
    }
}

impl Requirement {
    /// What of it is left to the contents of blocks.
    pub fn compile(&self, found: &Found<'_>) -> Formula {
        Formula::of(self.draft(found))
    }

    fn draft(&self, found: &Found<'_>) -> Draft {
        if found.mounted.is_none() {
            return Draft::Known(false);
        }
        match self {
            Self::Mounts => Draft::Known(true),
            Self::File(file) => file.draft(found),
            Self::Names(names) => Draft::Known(names.hold(found)),
            Self::All(all) => Join::All.of(all.iter().map(|part| part.draft(found))),
        }
    }
}

impl NamesRequirement {
    fn hold(&self, found: &Found<'_>) -> bool {
        let Some(dir) = found.dirs.get(&self.dir) else { return true };
        let stands = |(name, allowed): (&String, &BTreeSet<Option<Ino>>)| {
            let path = format!("{dir}/{name}");
            match found.mounted.and_then(|mounted| mounted.entries.get(&path)).map(ino_of) {
                None => allowed.contains(&None),
                Some(Ok(ino)) => allowed.contains(&Some(ino)),
                // The inode of a name that is being changed may not be there yet.
                Some(Err(())) => allowed.len() > 1,
            }
        };
        let others = || found.names(dir).all(|name| self.allowed.contains_key(name));
        self.allowed.iter().all(stands) && (self.others || others())
    }
}

impl FileRequirement {
    fn draft(&self, found: &Found<'_>) -> Draft {
        let ino = self.past.ino;
        if let Some((dir, name)) = &self.named
            && found.lookup(*dir, name) != Some(Ok(ino))
        {
            return Draft::Known(true);
        }
        let Some(file) = found.files.get(&ino) else { return Draft::Known(true) };
        if !self.zeros_too && !self.fits(file.size_bytes) {
            return Draft::Known(false);
        }
        let bytes = self.bytes.start..self.bytes.end.min(file.size_bytes);
        let mut blocks: BTreeSet<FileBlock> = file.blocks.iter().map(|(at, _)| *at).collect();
        if !self.zeros_too {
            blocks.extend(self.past.blocks());
        }
        let within =
            |at: &FileBlock| at.first_byte() < bytes.end && at.first_byte() + block_bytes() > bytes.start;
        Join::All.of(blocks.into_iter().filter(within).map(|at| self.block(file, at, &bytes)))
    }

    /// Whether a size is one that the file had, or between two of them; it reaches behind the bytes in question.
    fn fits(&self, size_bytes: u64) -> bool {
        let sizes = || self.past.sizes(self.from, self.until);
        let reach = self.bytes.end.min(self.past.size_at(self.from));
        let least = sizes().map(|size| size.min(reach)).min().unwrap_or(0);
        let whole = self.bytes.end == u64::MAX;
        size_bytes >= least && (!whole || sizes().max().is_some_and(|most| size_bytes <= most))
    }

    /// One block: each of its sectors holds what it held at one of the times.
    fn block(&self, file: &FileShape, at: FileBlock, bytes: &Range<u64>) -> Draft {
        let inside = |byte: u64| byte.saturating_sub(at.first_byte()).min(block_bytes()).index();
        let (from, end) = (inside(bytes.start), inside(bytes.end));
        let mut contents: Vec<Data> = Vec::new();
        let past = self.past.contents(at, self.from, self.until);
        for content in past.into_iter().chain(self.zeros_too.then_some(None)) {
            let data = content.map_or_else(zeros, Block::shared);
            if !contents.contains(&data) {
                contents.push(data);
            }
        }
        let found = file.blocks.binary_search_by_key(&at, |(at, _)| *at).ok();
        let source = found.and_then(|place| file.blocks.get(place)).map(|(_, source)| source);
        let sectors =
            (0..BLOCK_BYTES).step_by(SECTOR).map(|first| first.max(from)..(first + SECTOR).min(end));
        Join::All.of(sectors.filter(|sector| !sector.is_empty()).map(|sector| {
            let mut choices: Vec<&Data> = Vec::new();
            for data in &contents {
                if !choices.iter().any(|known| known[sector.clone()] == data[sector.clone()]) {
                    choices.push(data);
                }
            }
            let stands = |data: &Data| Draft::bytes(source, sector.start, data, sector.clone());
            Join::Any.of(choices.into_iter().map(stands))
        }))
    }
}

fn zeros() -> Data {
    Data::from([0; BLOCK_BYTES])
}
