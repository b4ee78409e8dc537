//! Inodes that were being deleted or truncated when the power was cut.
//!
//! ```text
//!   superblock.last_orphan ──▶ inode 14 ──dtime──▶ inode 12 ──dtime──▶ 0
//!   links > 0: truncated to its size         links = 0: deleted
//! ```
//! Neither changes what can be read through a name: blocks behind the size are never read, and a deleted inode has
//! no name. So the list is only read here, one inode a step, and the audit counts its inodes as in use, which they
//! are until then.

use super::fs::Fs;
use super::inode::{self, Inode};
use super::repair::Repair;
use crate::device::{Media, Question};
use crate::format::bitmap;
use crate::units::{Block, Ino, Widen};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The orphans that were found, by number.
pub(super) type Orphans = Arc<BTreeMap<Ino, Inode>>;

/// Is this bit set?
struct AskBit(u32);

impl Question for AskBit {
    type Answer = bool;
    fn answer(&self, content: &Block) -> bool {
        bitmap::is_set(content, self.0)
    }
}

/// The list, as far as it was followed.
#[derive(Clone, Debug)]
pub(super) struct List {
    next: Ino,
    found: Orphans,
}

impl List {
    /// Nothing of it was read.
    pub(super) fn of(fs: &Fs) -> Self {
        Self { next: fs.superblock.last_orphan, found: Orphans::default() }
    }

    /// Reads one inode. What can't be an orphan ends the list, as in Linux, and is to be repaired.
    // v6.6 fs/ext4/orphan.c, ext4_orphan_cleanup.
    pub(super) fn step<M: Media>(
        &mut self,
        disk: &mut M,
        fs: &Fs,
        repairs: &mut Vec<Repair>,
    ) -> ControlFlow<Orphans> {
        let ino = self.next;
        if ino.get() == 0 {
            return ControlFlow::Break(self.found.clone());
        }
        // Each turn adds another inode, or ends the list.
        let orphan = if self.found.contains_key(&ino) { None } else { orphan(disk, fs, ino) };
        match orphan {
            Some((inode, next)) => {
                Arc::make_mut(&mut self.found).insert(ino, inode);
                self.next = next;
                ControlFlow::Continue(())
            }
            None => {
                repairs.push(Repair::Orphan { ino });
                ControlFlow::Break(self.found.clone())
            }
        }
    }
}

fn orphan<M: Media>(disk: &mut M, fs: &Fs, ino: Ino) -> Option<(Inode, Ino)> {
    let place = fs.superblock.inode_place(ino).filter(|_| ino >= fs.superblock.first_ino)?;
    let group = fs.groups.get(place.group.index())?;
    if !disk.ask(group.inode_bitmap, &AskBit(place.bit)) {
        return None;
    }
    inode::orphan(disk, fs, ino)
}
