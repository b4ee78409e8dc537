//! From the root to every name.
//!
//! ```text
//!   inode 2 ──▶ directory blocks ──▶ names ──▶ inodes ──▶ …      each inode is read once, each directory entered once
//! ```
//! A step reads one block of a directory, or the inode of one name. Inodes are checked as a lookup checks them, with
//! their checksums. A directory shows what readdir(2) shows: it passes over a block that is corrupt and returns no
//! error, so the names in it are missing and the damage is a repair. (Where entries have no checksums, Linux still shows
//! those before the corrupt one; here none of the block's.)
//! A directory with an index is read block by block too, its index being checked on the way.
//! A directory that has a second name is unreadable there. Names longer than a path can be end the descent.

use super::error::{MountError, errno_of};
use super::fs::Fs;
use super::inode::{self, Inode, Mapping};
use super::log::Sound;
use super::node::{node, text};
use super::preen::View;
use super::shelf::Shelf;
use super::tree::{Node, Tree};
use crate::device::{Media, Question};
use crate::format::{Compat, Dirent, ExtentState, FileKind, InodeSeed, dirent, htree};
use crate::history::Errno;
use crate::units::{Block, BlockNr, FileBlock, Ino, block_bytes};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The inode of the root directory (`EXT4_ROOT_INO`).
pub(super) const ROOT: Ino = Ino::new(2);
/// Bytes in a path (`PATH_MAX`).
const PATH_MAX: usize = 4096;

/// Which names are in this block of a directory?
struct AskNames {
    /// Its place, in a directory with an index.
    indexed: Option<FileBlock>,
    csum: Option<InodeSeed>,
    /// How many inodes there are.
    inodes: u32,
    view: View,
}

impl Question for AskNames {
    type Answer = Result<(Vec<Dirent>, Sound), Errno>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let read = |csum| match self.indexed {
            Some(at) => htree::names(content, at, csum),
            None => dirent::entries(content, csum),
        };
        let (found, checksum) = match (read(self.csum), self.view) {
            (Ok(found), _) => (found, Sound::Good),
            (Err(error), View::Mount) => return Err(errno_of(&error)),
            // e2fsprogs 1.47 e2fsck/pass2.c, check_dir_block: "passes checks but fails checksum", "has no checksum"
            (Err(_), View::Check) => (read(None).map_err(|error| errno_of(&error))?, Sound::Bad),
        };
        let exist = found.iter().all(|entry| (1..=self.inodes).contains(&entry.ino.get()));
        if exist { Ok((found, checksum)) } else { Err(Errno::EUCLEAN) }
    }
}

/// An inode that a name stands for.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) inode: Inode,
    pub(super) mapping: Result<Mapping, Errno>,
}

/// The names of a directory.
pub(super) type Names = Arc<Vec<Dirent>>;

/// What a walk found; a copy shares it.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk {
    /// What each path names.
    entries: Shelf<Arc<str>, Arc<Node>>,
    /// Every inode that a name stands for.
    pub(super) seen: Shelf<Ino, Result<Arc<Seen>, Errno>>,
    /// The names of each directory that could be read.
    pub(super) directories: Shelf<Ino, Names>,
    /// For each directory, the one that it was found in.
    pub(super) parents: Shelf<Ino, Ino>,
    /// Directories that were found a second time.
    pub(super) again: Vec<Ino>,
    /// Directories with a block that was passed over, and what looking up a name there returns.
    pub(super) damaged: BTreeMap<Ino, Errno>,
    /// Directories with a block of which only the checksum is bad; a check believes it.
    pub(super) unsealed: BTreeSet<Ino>,
    /// Inodes of which only the checksum is bad; a check believes them.
    pub(super) unsealed_inodes: BTreeSet<Ino>,
    /// Inodes that have a name and are not in use; a check clears the name.
    pub(super) unused: BTreeSet<Ino>,
}

impl Walk {
    /// The tree.
    pub(super) fn tree(&self) -> Tree {
        let shown = self.entries.iter().filter(|(path, _)| &***path != "/lost+found");
        let entries = shown.map(|(path, node)| (path.to_string(), Node::clone(node))).collect();
        Tree { entries, attributes: BTreeMap::new() }
    }

    fn see<M: Media>(&mut self, disk: &mut M, fs: &Fs, ino: Ino) {
        if !self.seen.contains(&ino) && !self.unused.contains(&ino) {
            let seen = inode::named(disk, fs, ino).map(|inode| {
                let mapping = inode::mapping(disk, fs, &inode);
                Arc::new(Seen { inode, mapping })
            });
            let seen = match (seen, fs.view) {
                (Err(errno), View::Check) => {
                    if inode::is_unused(disk, fs, ino) {
                        self.unused.insert(ino);
                        return;
                    }
                    self.believed(disk, fs, ino).ok_or(errno)
                }
                (seen, View::Check | View::Mount) => seen,
            };
            self.seen.insert(ino, seen);
        }
    }
}

impl Walk {
    /// An inode of which nothing but the checksum is bad.
    fn believed<M: Media>(&mut self, disk: &mut M, fs: &Fs, ino: Ino) -> Option<Arc<Seen>> {
        let inode = inode::unsealed(disk, fs, ino)?;
        let mapping = inode::mapping(disk, fs, &inode);
        if mapping.is_ok() {
            self.unsealed_inodes.insert(ino);
        }
        mapping.is_ok().then(|| Arc::new(Seen { inode, mapping }))
    }
}

/// A walk, as far as it came.
#[derive(Clone, Debug)]
pub(super) struct Walker {
    walk: Walk,
    /// The directories in the order in which they are read, and how many were.
    queue: Shelf<u64, (Arc<str>, Ino)>,
    entered: u64,
    at: At,
}

/// What a walk reads next.
#[derive(Clone, Debug)]
enum At {
    /// The inode of the root.
    Root,
    /// The next directory of the queue.
    Queue,
    /// A block of a directory.
    Blocks(Reading),
    /// The inode of a name.
    Names(Naming),
}

/// A directory whose blocks are read.
#[derive(Clone, Debug)]
struct Reading {
    path: Arc<str>,
    ino: Ino,
    seen: Arc<Seen>,
    next: u64,
    names: Names,
    damage: Option<Errno>,
}

/// A directory whose names are followed.
#[derive(Clone, Debug)]
struct Naming {
    path: Arc<str>,
    ino: Ino,
    names: Names,
    next: usize,
}

impl Walker {
    /// At the root.
    pub(super) fn new() -> Self {
        let (mut walk, mut queue) = (Walk::default(), Shelf::default());
        walk.parents.insert(ROOT, ROOT);
        queue.insert(0, (Arc::from(""), ROOT));
        Self { walk, queue, entered: 0, at: At::Root }
    }

    /// Reads one block of a directory, or one inode.
    pub(super) fn step<M: Media>(
        mut self,
        disk: &mut M,
        fs: &Fs,
    ) -> Result<ControlFlow<Walk, Self>, MountError> {
        self.at = match std::mem::replace(&mut self.at, At::Queue) {
            At::Root => {
                self.walk.see(disk, fs, ROOT);
                At::Queue
            }
            At::Queue => {
                let Some((path, ino)) = self.queue.get(&self.entered).cloned() else {
                    return Ok(ControlFlow::Break(self.walk));
                };
                self.entered = self.entered.saturating_add(1);
                match self.walk.enter(&path, ino) {
                    Ok(reading) => At::Blocks(reading),
                    Err(errno) if ino == ROOT => return Err(MountError::Root { errno }),
                    Err(errno) => {
                        self.walk.entries.insert(path, Arc::new(Node::Unreadable(errno)));
                        At::Queue
                    }
                }
            }
            At::Blocks(reading) => self.walk.read_block(disk, fs, reading),
            At::Names(Naming { path, ino, names, next }) => match names.get(next) {
                None => At::Queue,
                Some(entry) => {
                    if entry.name != b"." && entry.name != b".." {
                        self.name(disk, fs, (ino, &path), entry);
                    }
                    At::Names(Naming { path, ino, next: next.saturating_add(1), names })
                }
            },
        };
        Ok(ControlFlow::Continue(self))
    }

    /// Takes in one name; a directory that is new is queued.
    fn name<M: Media>(&mut self, disk: &mut M, fs: &Fs, (parent, path): (Ino, &str), entry: &Dirent) {
        let path: Arc<str> = format!("{path}/{}", text(&entry.name)).into();
        self.walk.see(disk, fs, entry.ino);
        if self.walk.unused.contains(&entry.ino) {
            return;
        }
        let mut node = match self.walk.seen.get(&entry.ino) {
            Some(Ok(seen)) => node(disk, entry.ino, seen),
            Some(Err(errno)) => Node::Unreadable(*errno),
            None => Node::Unreadable(Errno::EUCLEAN),
        };
        if matches!(node, Node::Directory(_)) {
            if self.walk.parents.contains(&entry.ino) {
                self.walk.again.push(entry.ino);
                node = Node::Unreadable(Errno::EUCLEAN);
            } else {
                self.walk.parents.insert(entry.ino, parent);
                if path.len() < PATH_MAX {
                    self.queue.insert(self.queue.len(), (path.clone(), entry.ino));
                } else {
                    node = Node::Unreadable(Errno::ENAMETOOLONG);
                }
            }
        }
        // Of two entries with one name, the first is found.
        if !self.walk.entries.contains(&*path) {
            self.walk.entries.insert(path, Arc::new(node));
        }
    }
}

impl Walk {
    /// A directory that can be read.
    fn enter(&self, path: &Arc<str>, ino: Ino) -> Result<Reading, Errno> {
        let seen = match self.seen.get(&ino) {
            Some(Ok(seen)) => seen.clone(),
            Some(Err(errno)) => return Err(*errno),
            None => return Err(Errno::EUCLEAN),
        };
        seen.mapping.as_ref().map_err(|errno| *errno)?;
        let size = seen.inode.size;
        if seen.inode.kind != FileKind::DIRECTORY || size == 0 || !size.is_multiple_of(block_bytes()) {
            return Err(Errno::EUCLEAN);
        }
        Ok(Reading { path: path.clone(), ino, seen, next: 0, names: Names::default(), damage: None })
    }

    /// Reads the next block of a directory.
    fn read_block<M: Media>(&mut self, disk: &mut M, fs: &Fs, mut reading: Reading) -> At {
        let inode = &reading.seen.inode;
        if reading.next >= inode.size.div_ceil(block_bytes()) {
            return self.read(reading);
        }
        let Some(at) = place_of(&reading.seen, reading.next) else {
            // A hole ends this, so that a size alone does not make it long.
            // A check corrects the size first: there is no block behind the last one.
            let last = reading.seen.mapping.as_ref().ok().and_then(|mapping| mapping.extents.last());
            let is_end = last.is_none_or(|last| reading.next >= last.end());
            if fs.view == View::Mount || !is_end {
                reading.damage = reading.damage.or(Some(Errno::EUCLEAN));
            }
            return self.read(reading);
        };
        // v6.6 fs/ext4/dir.c, ext4_readdir: "directory fails checksum", or ext4_check_dir_entry; goes on behind it
        // v6.6 fs/ext4/ext4.h, is_dx
        let is_indexed = inode.is_indexed && fs.superblock.compat.has(Compat::DIR_INDEX);
        let indexed = u32::try_from(reading.next).ok().filter(|_| is_indexed).map(FileBlock::new);
        let ask = AskNames { indexed, csum: inode.seed, inodes: fs.superblock.inodes, view: fs.view };
        match disk.ask(at, &ask) {
            Ok((found, checksum)) => {
                if checksum == Sound::Bad {
                    self.unsealed.insert(reading.ino);
                }
                Arc::make_mut(&mut reading.names).extend(found);
            }
            Err(errno) => reading.damage = reading.damage.or(Some(errno)),
        }
        reading.next = reading.next.saturating_add(1);
        At::Blocks(reading)
    }

    /// Takes in a directory that was read.
    fn read(&mut self, reading: Reading) -> At {
        let Reading { path, ino, names, damage, .. } = reading;
        if let Some(errno) = damage {
            self.damaged.insert(ino, errno);
        }
        self.directories.insert(ino, names.clone());
        At::Names(Naming { path, ino, names, next: 0 })
    }
}

/// Where a block of a directory lies.
fn place_of(seen: &Seen, block: u64) -> Option<BlockNr> {
    let block = u32::try_from(block).map(FileBlock::new).ok()?;
    let mapping = seen.mapping.as_ref().ok()?;
    mapping.find(block).filter(|extent| extent.state == ExtentState::Written)?.find(block)
}
