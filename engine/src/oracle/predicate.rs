//! Whether a claim is true of what was found.
//!
//! A name is looked up as it stands: symlinks are not followed. Of a disk that cannot be mounted, every plain claim
//! is false, `missing` too: nobody can tell. `not`, `all`, `any` and `implies` are those of logic.

use super::{Content, Entry, Mounted, Observation};
use crate::scenario::{Expectation, Predicate};
use crate::units::{Ino, Widen, len_u64};
use std::collections::BTreeSet;

/// Whether `predicate` is true of `found`.
pub fn holds(predicate: &Predicate, found: &Observation) -> bool {
    match found {
        Observation::Mounted(mounted) => holds_on(predicate, mounted),
        Observation::Unmountable(_) => holds_on_nothing(predicate),
    }
}

fn holds_on(predicate: &Predicate, found: &Mounted) -> bool {
    match predicate {
        Predicate::All(all) => all.iter().all(|predicate| holds_on(predicate, found)),
        Predicate::Any(any) => any.iter().any(|predicate| holds_on(predicate, found)),
        Predicate::Not(not) => !holds_on(not, found),
        Predicate::Implies(first, second) => !holds_on(first, found) || holds_on(second, found),
        Predicate::Mounts => true,
        Predicate::Clean => found.repairs.is_empty(),
        Predicate::Exists(path) => exists(found, path),
        Predicate::Missing(path) => !exists(found, path),
        Predicate::Content(path, data) => file(found, path)
            .is_some_and(|file| file.size_bytes() == len_u64(data.len()) && file.has(0, data)),
        Predicate::PrefixOf(path, data) => file(found, path).is_some_and(|file| {
            file.size_bytes() <= len_u64(data.len()) && file.has(0, &data[..file.size_bytes().index()])
        }),
        Predicate::StartsWith(path, data) => file(found, path).is_some_and(|file| file.has(0, data)),
        Predicate::Range { path, offset, data } => {
            file(found, path).is_some_and(|file| file.has(*offset, data))
        }
        Predicate::Size(path, size) => file(found, path).is_some_and(|file| file.size_bytes() == *size),
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
    }
}

fn holds_on_nothing(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::All(all) => all.iter().all(holds_on_nothing),
        Predicate::Any(any) => any.iter().any(holds_on_nothing),
        Predicate::Not(not) => !holds_on_nothing(not),
        Predicate::Implies(first, second) => !holds_on_nothing(first) || holds_on_nothing(second),
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
        | Predicate::Target(..) => false,
    }
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

fn exists(found: &Mounted, path: &str) -> bool {
    let path = plain_path(path);
    path.is_empty() || found.entries.contains_key(&path)
}

fn file<'a>(found: &'a Mounted, path: &str) -> Option<&'a Content> {
    match found.entries.get(&plain_path(path))? {
        Entry::File(content) => Some(content),
        Entry::Directory(_) | Entry::Symlink(..) | Entry::Unreadable(_) => None,
    }
}

fn ino(found: &Mounted, path: &str) -> Option<Ino> {
    let path = plain_path(path);
    if path.is_empty() { Some(ROOT) } else { found.entries.get(&path)?.ino() }
}

fn entries<'a>(found: &'a Mounted, path: &str) -> Option<BTreeSet<&'a str>> {
    let dir = plain_path(path);
    if !dir.is_empty() && !matches!(found.entries.get(&dir)?, Entry::Directory(_)) {
        return None;
    }
    let within = format!("{dir}/");
    let below = found.entries.keys().filter_map(|path| path.strip_prefix(within.as_str()));
    Some(below.filter(|name| !name.contains('/')).collect())
}
