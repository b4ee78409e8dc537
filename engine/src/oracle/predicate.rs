//! Whether a claim is true of what was found.
//!
//! ```text
//!   predicate + outline ──compile──▶ formula over the contents of blocks ──see, see, …──▶ true or false
//! ```
//! What names, sizes and other structure decide is decided at once, and so are bytes that are known; the rest is left
//! to the formula. [`holds`] compiles on an outline that has all contents in it, so that there is one meaning only.
//!
//! A name is looked up as it stands: symlinks are not followed. Of a disk that cannot be mounted, every plain claim
//! is false, `missing` too: nobody can tell; but for `repairable`. `not`, `all`, `any` and `implies` are those of logic.

use super::formula::{Draft, Formula, Join};
use super::{Entry, FileShape, Mounted, Observation, Outline, attribute_name};
use crate::format::xattr::Attribute;
use crate::recovery::RepairNeeded;
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
    Formula::of(draft(predicate, outline))
}

/// A claim that is not made of others is false on a disk that cannot be mounted, but for `repairable`.
fn draft(predicate: &Predicate, outline: &Outline) -> Draft {
    let mounted = match outline {
        Observation::Mounted(mounted) => Some(mounted),
        Observation::Unmountable { .. } => None,
    };
    let known = |known: bool| Draft::Known(known);
    let on_mounted = |holds: &dyn Fn(&Mounted<FileShape>) -> bool| known(mounted.is_some_and(holds));
    match predicate {
        Predicate::All(all) => Join::All.of(all.iter().map(|part| draft(part, outline))),
        Predicate::Any(any) => Join::Any.of(any.iter().map(|part| draft(part, outline))),
        Predicate::Not(not) => draft(not, outline).negated(),
        Predicate::Implies(first, second) => {
            Join::Any.of([draft(first, outline).negated(), draft(second, outline)])
        }
        Predicate::Content(path, data) => on_file(mounted, path, |file| {
            if file.size_bytes == len_u64(data.len()) { has(file, 0, data, 0..data.len()) } else { NO }
        }),
        Predicate::PrefixOf(path, data) => on_file(mounted, path, |file| {
            let fits = file.size_bytes <= len_u64(data.len());
            if fits { has(file, 0, data, 0..file.size_bytes.index()) } else { NO }
        }),
        Predicate::StartsWith(path, data) => on_file(mounted, path, |file| has(file, 0, data, 0..data.len())),
        Predicate::Range { path, offset, data } => {
            on_file(mounted, path, |file| has(file, *offset, data, 0..data.len()))
        }
        Predicate::Size(path, size) => on_file(mounted, path, |file| known(file.size_bytes == *size)),
        Predicate::Mounts => known(mounted.is_some()),
        Predicate::Repairable => known(outline.repair() <= RepairNeeded::Automatic),
        Predicate::Clean => on_mounted(&|found| found.repairs.is_empty()),
        Predicate::Exists(path) => on_mounted(&|found| exists(found, path)),
        Predicate::Missing(path) => on_mounted(&|found| !exists(found, path)),
        Predicate::SameFile(one, other) => on_mounted(&|found| {
            ino(found, one).is_some_and(|ino_of_one| ino(found, other) == Some(ino_of_one))
        }),
        Predicate::Entries(path, names) => on_mounted(&|found| {
            let wanted: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            entries(found, path).is_some_and(|names| names == wanted)
        }),
        Predicate::Target(path, wanted) => on_mounted(
            &|found| matches!(found.entries.get(&plain_path(path)), Some(Entry::Symlink(_, target)) if target == wanted),
        ),
        Predicate::Xattr(path, name, value) => {
            on_mounted(&|found| attribute(found, path, name).is_some_and(|found| found == Some(&**value)))
        }
        Predicate::NoXattr(path, name) => on_mounted(&|found| attribute(found, path, name) == Some(None)),
    }
}

const NO: Draft = Draft::Known(false);

fn on_file(found: Option<&Mounted<FileShape>>, path: &str, claim: impl FnOnce(&FileShape) -> Draft) -> Draft {
    found.and_then(|found| file(found, path)).map_or(NO, claim)
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
    speaks_of(expectations, |claim| matches!(claim, Predicate::Mounts))
}

/// Whether the scenario says something about extended attributes; else nobody reads them.
pub fn speaks_of_attributes(expectations: &[Expectation]) -> bool {
    speaks_of(expectations, |claim| matches!(claim, Predicate::Xattr(..) | Predicate::NoXattr(..)))
}

/// Whether an expectation is about what a disk needs to be repaired.
pub fn speaks_of_repairs(expectations: &[Expectation]) -> bool {
    speaks_of(expectations, |claim| matches!(claim, Predicate::Clean | Predicate::Repairable))
}

/// Whether a part of an expectation is such a claim.
fn speaks_of(expectations: &[Expectation], is_one: fn(&Predicate) -> bool) -> bool {
    expectations.iter().any(|expectation| has_part(&expectation.holds, is_one))
}

fn has_part(predicate: &Predicate, is_one: fn(&Predicate) -> bool) -> bool {
    if let Predicate::All(parts) | Predicate::Any(parts) = predicate {
        return parts.iter().any(|part| has_part(part, is_one));
    }
    if let Predicate::Not(part) = predicate {
        return has_part(part, is_one);
    }
    if let Predicate::Implies(first, second) = predicate {
        return has_part(first, is_one) || has_part(second, is_one);
    }
    is_one(predicate)
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
    if path.is_empty() { Some(ROOT) } else { found.entries.get(&path)?.shape_ino() }
}

/// The value of an attribute, or that there is none; nothing where that cannot be told: nothing has this name, or its
/// attributes cannot be read.
fn attribute<'a>(found: &'a Mounted<FileShape>, path: &str, name: &str) -> Option<Option<&'a [u8]>> {
    let Some(all) = found.attributes.get(&ino(found, path)?) else { return Some(None) };
    let is_it = |one: &&Attribute| attribute_name(one) == name.as_bytes();
    Some(all.as_ref().ok()?.iter().find(is_it).map(|one| one.value.as_slice()))
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
