//! Inodes that were being deleted or truncated when the power was cut.
//!
//! ```text
//!   superblock.last_orphan ──▶ inode 14 ──dtime──▶ inode 12 ──dtime──▶ 0
//!   links > 0: truncated to its size         links = 0: deleted
//! ```
//! With the feature `orphan_file` they stand in the blocks of a file instead, in any order.
//!
//! Neither changes what can be read through a name: blocks behind the size are never read, and a deleted inode has
//! no name. So the list is only read here, one inode a step, and the audit counts its inodes as in use, which they
//! are until then.

use super::error::MountError;
use super::fs::Fs;
use super::inode::{self, FoundBy, Inode, Mapping};
use super::repair::Repair;
use crate::device::{Media, Question};
use crate::format::{self, Compat, InodeSeed, bitmap};
use crate::history::Errno;
use crate::units::{Block, BlockNr, Ino, Widen};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Orphans {
    /// The orphans, by number.
    pub(super) inodes: Arc<BTreeMap<Ino, Inode>>,
    /// The file that some of them stand in.
    pub(super) file: Option<(Ino, Arc<Mapping>)>,
}

/// Is this bit set?
struct AskBit(u32);

impl Question for AskBit {
    type Answer = bool;
    fn answer(&self, content: &Block) -> bool {
        bitmap::is_set(content, self.0)
    }
}

/// Which inodes are in this block of the file of orphans?
struct AskOrphans {
    nr: BlockNr,
    csum: Option<InodeSeed>,
}

impl Question for AskOrphans {
    type Answer = Option<Vec<Ino>>;
    fn answer(&self, content: &Block) -> Self::Answer {
        let places = format::orphan::orphans(content, self.nr, self.csum).ok()?;
        Some(places.into_iter().map(|(_, ino)| ino).collect())
    }
}

/// The orphans, as far as they were followed.
#[derive(Clone, Debug)]
pub(super) struct List {
    at: At,
    found: Orphans,
}

/// What is read next.
#[derive(Clone, Debug)]
enum At {
    /// The inode of the file.
    File,
    /// A block of it, and where checksums start.
    Block(u64, Option<InodeSeed>),
    /// An inode that stands in it, and the block behind.
    InFile(Arc<Vec<Ino>>, usize, u64, Option<InodeSeed>),
    /// An inode of the list.
    InList(Ino),
}

impl List {
    /// Nothing of it was read.
    pub(super) fn of(fs: &Fs) -> Self {
        let has_file = fs.superblock.compat.has(Compat::ORPHAN_FILE);
        let at = if has_file { At::File } else { At::InList(fs.superblock.last_orphan) };
        Self { at, found: Orphans::default() }
    }

    /// Reads one block of the file, or one inode.
    ///
    /// # Errors
    /// The file of orphans cannot be read.
    // v6.6 fs/ext4/orphan.c, ext4_init_orphan_info, ext4_orphan_cleanup.
    pub(super) fn step<M: Media>(
        mut self,
        disk: &mut M,
        fs: &Fs,
        repairs: &mut Vec<Repair>,
    ) -> Result<ControlFlow<Orphans, Self>, MountError> {
        let ino = fs.superblock.orphan_file;
        let refused = |errno| MountError::OrphanFile { ino, errno };
        let at = std::mem::replace(&mut self.at, At::InList(Ino::new(0)));
        self.at = match at {
            At::File => {
                let (mapping, seed) = inode::orphan_file(disk, fs, ino).map_err(refused)?;
                self.found.file = Some((ino, Arc::new(mapping)));
                At::Block(0, seed)
            }
            At::Block(next, csum) => match self.found.file.as_ref().and_then(|(_, file)| file.nth(next)) {
                Some(nr) => {
                    let inos = disk.ask(nr, &AskOrphans { nr, csum }).ok_or(refused(Errno::EIO))?;
                    At::InFile(Arc::new(inos), 0, next.saturating_add(1), csum)
                }
                None => At::InList(fs.superblock.last_orphan),
            },
            At::InFile(inos, nth, block, csum) => match inos.get(nth) {
                // What can't be one is passed over.
                Some(ino) => {
                    match orphan(disk, fs, *ino, FoundBy::File) {
                        Some((inode, _)) => self.add(*ino, inode),
                        None => repairs.push(Repair::Orphan { ino: *ino }),
                    }
                    At::InFile(inos.clone(), nth.saturating_add(1), block, csum)
                }
                None => At::Block(block, csum),
            },
            At::InList(ino) if ino.get() == 0 => return Ok(ControlFlow::Break(self.found)),
            // Each turn adds another inode, or ends the list.
            At::InList(ino) => {
                let is_new = !self.found.inodes.contains_key(&ino);
                match orphan(disk, fs, ino, FoundBy::List).filter(|_| is_new) {
                    Some((inode, next)) => {
                        self.add(ino, inode);
                        At::InList(next)
                    }
                    // What can't be an orphan ends the list, as in Linux, and is to be repaired.
                    None => {
                        repairs.push(Repair::Orphan { ino });
                        return Ok(ControlFlow::Break(self.found));
                    }
                }
            }
        };
        Ok(ControlFlow::Continue(self))
    }

    fn add(&mut self, ino: Ino, inode: Inode) {
        Arc::make_mut(&mut self.found.inodes).insert(ino, inode);
    }
}

fn orphan<M: Media>(disk: &mut M, fs: &Fs, ino: Ino, found_by: FoundBy) -> Option<(Inode, Ino)> {
    let place = fs.superblock.inode_place(ino).filter(|_| ino >= fs.superblock.first_ino)?;
    let group = fs.groups.get(place.group.index())?;
    if !disk.ask(group.inode_bitmap, &AskBit(place.bit)) {
        return None;
    }
    inode::orphan(disk, fs, ino, found_by)
}
