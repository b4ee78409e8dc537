//! Whether a claim is true of what was found.
//!
//! ```text
//!   predicate + outline ──compile──▶ formula over the contents of blocks ──see, see, …──▶ true or false
//! ```
//! What names, sizes and other structure decide is decided at once, and so are bytes that are known; the rest is left
//! to the formula. [`holds`] compiles on an outline that has all contents in it, so that there is one meaning only.
//!
//! A name is looked up as it stands: symlinks are not followed. Of a disk that cannot be mounted, every plain claim
//! is false, `missing` too: nobody can tell. `not`, `all`, `any` and `implies` are those of logic.

use super::formula::{Draft, Formula, Join};
use super::{Entry, FileShape, Mounted, Observation, Outline};
use crate::scenario::{Data, Expectation, Predicate};
use crate::units::{BLOCK_BYTES, FileBlock, Ino, Widen, block_bytes, len_u64};
use std::collections::BTreeSet;
use std::ops::Range;

/// Whether `predicate` is true of `found`.
pub fn holds(predicate: &Predicate, found: &Observation) -> bool {
    let formula = compile(predicate, &found.outline());
    debug_assert!(formula.known().is_some(), "an observation leaves nothing open");
    formula.known() == Some(true)
}

/// What of `predicate` is left to the contents of blocks, on all disks with this outline.
pub fn compile(predicate: &Predicate, outline: &Outline) -> Formula {
    let mounted = match outline {
        Observation::Mounted(mounted) => Some(mounted),
        Observation::Unmountable(_) => None,
    };
    Formula::of(draft(predicate, mounted))
}

fn draft(predicate: &Predicate, found: Option<&Mounted<FileShape>>) -> Draft {
    match predicate {
        Predicate::All(all) => Join::All.of(all.iter().map(|part| draft(part, found))),
        Predicate::Any(any) => Join::Any.of(any.iter().map(|part| draft(part, found))),
        Predicate::Not(not) => draft(not, found).negated(),
        Predicate::Implies(first, second) => {
            Join::Any.of([draft(first, found).negated(), draft(second, found)])
        }
        Predicate::Mounts
        | Predicate::Clean
        | Predicate::Exists(_)
        | Predicate::Missing(_)
        | Predicate::Content(..)
        | Predicate::PrefixOf(..)
        | Predicate::StartsWith(..)
        | Predicate::Range { .. }
        | Predicate::Size(..)
        | Predicate::SameFile(..)
        | Predicate::Entries(..)
        | Predicate::Target(..) => found.map_or(Draft::Known(false), |found| plain(predicate, found)),
    }
}

/// A claim that is not made of others, on a disk that can be mounted.
fn plain(predicate: &Predicate, found: &Mounted<FileShape>) -> Draft {
    let known = match predicate {
        Predicate::Content(path, data) => {
            return on_file(found, path, |file| {
                if file.size_bytes == len_u64(data.len()) { has(file, 0, data, 0..data.len()) } else { NO }
            });
        }
        Predicate::PrefixOf(path, data) => {
            return on_file(found, path, |file| {
                let fits = file.size_bytes <= len_u64(data.len());
                if fits { has(file, 0, data, 0..file.size_bytes.index()) } else { NO }
            });
        }
        Predicate::StartsWith(path, data) => {
            return on_file(found, path, |file| has(file, 0, data, 0..data.len()));
        }
        Predicate::Range { path, offset, data } => {
            return on_file(found, path, |file| has(file, *offset, data, 0..data.len()));
        }
        Predicate::Mounts => true,
        Predicate::Clean => found.repairs.is_empty(),
        Predicate::Exists(path) => exists(found, path),
        Predicate::Missing(path) => !exists(found, path),
        Predicate::Size(path, size) => file(found, path).is_some_and(|file| file.size_bytes == *size),
        Predicate::SameFile(one, other) => {
            ino(found, one).is_some_and(|ino_of_one| ino(found, other) == Some(ino_of_one))
        }
        Predicate::Entries(path, names) => {
            let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            entries(found, path).is_some_and(|names| names == wanted)
        }
        Predicate::Target(path, wanted) => {
            matches!(found.entries.get(&plain_path(path)), Some(Entry::Symlink(_, target)) if target == wanted)
        }
        Predicate::All(_) | Predicate::Any(_) | Predicate::Not(_) | Predicate::Implies(..) => {
            return draft(predicate, Some(found));
        }
    };
    Draft::Known(known)
}

const NO: Draft = Draft::Known(false);

fn on_file(found: &Mounted<FileShape>, path: &str, claim: impl FnOnce(&FileShape) -> Draft) -> Draft {
    file(found, path).map_or(NO, claim)
}

/// Whether the file has these bytes of `data` at this offset, all of them before its end.
fn has(file: &FileShape, offset: u64, data: &Data, range: Range<usize>) -> Draft {
    let end = offset.checked_add(len_u64(range.len()));
    if end.is_none_or(|end| end > file.size_bytes) {
        return NO;
    }
    let mut parts = Vec::new();
    let mut at = offset;
    let mut rest = range;
    while !rest.is_empty() {
        let within = (at % block_bytes()).index();
        let now = rest.start..rest.end.min(rest.start + BLOCK_BYTES - within);
        rest.start = now.end;
        let found = FileBlock::of_byte(at)
            .and_then(|wanted| file.blocks.binary_search_by_key(&wanted, |(at, _)| *at).ok())
            .and_then(|place| file.blocks.get(place));
        at += len_u64(now.len());
        parts.push(Draft::bytes(found.map(|(_, source)| source), within, data, now));
    }
    Join::All.of(parts)
}

/// Whether the scenario itself says something about mounting; else `always(mounts)` is expected.
pub fn speaks_of_mounts(expectations: &[Expectation]) -> bool {
    expectations.iter().any(|expectation| names_mounts(&expectation.holds))
}

fn names_mounts(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Mounts => true,
        Predicate::All(all) | Predicate::Any(all) => all.iter().any(names_mounts),
        Predicate::Not(not) => names_mounts(not),
        Predicate::Implies(first, second) => names_mounts(first) || names_mounts(second),
        Predicate::Clean
        | Predicate::Exists(_)
        | Predicate::Missing(_)
        | Predicate::Content(..)
        | Predicate::PrefixOf(..)
        | Predicate::StartsWith(..)
        | Predicate::Range { .. }
        | Predicate::Size(..)
        | Predicate::SameFile(..)
        | Predicate::Entries(..)
        | Predicate::Target(..) => false,
    }
}

/// The inode of `/`: EXT4_ROOT_INO.
const ROOT: Ino = Ino::new(2);

/// `/a//b/` is `/a/b`; the root is the empty path.
fn plain_path(path: &str) -> String {
    path.split('/').filter(|part| !part.is_empty()).fold(String::new(), |plain, part| plain + "/" + part)
}

fn exists(found: &Mounted<FileShape>, path: &str) -> bool {
    let path = plain_path(path);
    path.is_empty() || found.entries.contains_key(&path)
}

fn file<'a>(found: &'a Mounted<FileShape>, path: &str) -> Option<&'a FileShape> {
    match found.entries.get(&plain_path(path))? {
        Entry::File(file) => Some(file),
        Entry::Directory(_) | Entry::Symlink(..) | Entry::Unreadable(_) => None,
    }
}

fn ino(found: &Mounted<FileShape>, path: &str) -> Option<Ino> {
    let path = plain_path(path);
    if path.is_empty() { Some(ROOT) } else { entry_ino(found.entries.get(&path)?) }
}

const fn entry_ino(entry: &Entry<FileShape>) -> Option<Ino> {
    match entry {
        Entry::Directory(ino) | Entry::Symlink(ino, _) => Some(*ino),
        Entry::File(file) => Some(file.ino),
        Entry::Unreadable(_) => None,
    }
}

fn entries<'a>(found: &'a Mounted<FileShape>, path: &str) -> Option<BTreeSet<&'a str>> {
    let dir = plain_path(path);
    if !dir.is_empty() && !matches!(found.entries.get(&dir)?, Entry::Directory(_)) {
        return None;
    }
    let within = format!("{dir}/");
    let below = found.entries.keys().filter_map(|path| path.strip_prefix(within.as_str()));
    Some(below.filter(|name| !name.contains('/')).collect())
}
