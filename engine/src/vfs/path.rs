//! Path lookup. v6.6 fs/namei.c, `link_path_walk`

use super::Vfs;
use crate::format::FileKind;
use crate::history::Errno;
use crate::units::Ino;
use std::collections::VecDeque;

/// PATH_MAX, with the NUL.
const PATH_MAX: usize = 4096;
/// NAME_MAX
const NAME_MAX: usize = 255;
/// MAXSYMLINKS
const SYMLINKS_MAX: u32 = 40;

/// What happens to a symlink at the end of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Last {
    /// It is followed.
    Follow,
    /// It is what was asked for, unless a slash follows it.
    NoFollow,
    /// It is a name in its directory, whatever follows it (`filename_parentat`).
    Parent,
}

/// The last component of a path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Component {
    /// An ordinary name (LAST_NORM).
    Name(Vec<u8>),
    /// `.` (LAST_DOT)
    Dot,
    /// `..` (LAST_DOTDOT)
    DotDot,
    /// Nothing but slashes (LAST_ROOT).
    Root,
}

/// Where a path leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Resolved {
    /// The directory that holds the last component.
    pub(super) dir: Ino,
    /// The last component.
    pub(super) last: Component,
    /// Whether slashes follow it.
    pub(super) slash: bool,
    /// What it names, if it names something.
    pub(super) ino: Option<Ino>,
}

impl Vfs {
    /// What a path names.
    pub(super) fn lookup(&mut self, path: &str, last: Last) -> Result<Ino, Errno> {
        let found = self.resolve(path, last)?;
        let ino = found.ino.ok_or(Errno::ENOENT)?;
        if found.slash && !self.fs.is_dir(ino) { Err(Errno::ENOTDIR) } else { Ok(ino) }
    }

    /// Walks a path up to its last component.
    pub(super) fn resolve(&mut self, path: &str, last: Last) -> Result<Resolved, Errno> {
        if path.is_empty() {
            return Err(Errno::ENOENT);
        }
        if path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        let root = self.fs.root();
        let mut rest = components(path.as_bytes());
        let mut slash = path.ends_with('/');
        let (mut dir, mut symlinks) = (root, 0);
        while let Some(name) = rest.pop_front() {
            if !self.fs.is_dir(dir) {
                return Err(Errno::ENOTDIR);
            }
            if name.len() > NAME_MAX {
                return Err(Errno::ENAMETOOLONG);
            }
            let is_last = rest.is_empty();
            let ino = self.child(dir, &name);
            match ino {
                None if is_last => {
                    return Ok(Resolved { dir, last: Component::Name(name), slash, ino: None });
                }
                None => return Err(Errno::ENOENT),
                Some(ino) if self.follows(ino, is_last, slash, last) => {
                    symlinks += 1;
                    if symlinks > SYMLINKS_MAX {
                        return Err(Errno::ELOOP);
                    }
                    let target = self.fs.readlink(ino);
                    if target.starts_with(b"/") {
                        dir = root;
                    }
                    slash |= is_last && target.ends_with(b"/");
                    rest = components(&target).into_iter().chain(rest).collect();
                }
                Some(ino) if is_last => {
                    return Ok(Resolved { dir, last: component(name), slash, ino: Some(ino) });
                }
                Some(ino) => dir = ino,
            }
        }
        Ok(Resolved { dir, last: Component::Root, slash, ino: Some(dir) })
    }

    fn child(&mut self, dir: Ino, name: &[u8]) -> Option<Ino> {
        if name == b"." { Some(dir) } else { self.fs.lookup(dir, name) }
    }

    fn follows(&mut self, ino: Ino, is_last: bool, slash: bool, last: Last) -> bool {
        let wanted = match last {
            Last::Follow => true,
            Last::NoFollow => !is_last || slash,
            Last::Parent => !is_last,
        };
        wanted && self.fs.stat(ino).kind == FileKind::SYMLINK
    }
}

fn components(path: &[u8]) -> VecDeque<Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|name| !name.is_empty()).map(<[u8]>::to_vec).collect()
}

fn component(name: Vec<u8>) -> Component {
    match name.as_slice() {
        b"." => Component::Dot,
        b".." => Component::DotDot,
        _ => Component::Name(name),
    }
}
