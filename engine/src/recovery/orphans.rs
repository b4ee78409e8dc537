//! Inodes that were being deleted or truncated when the power was cut.
//!
//! ```text
//!   superblock.last_orphan ──▶ inode 14 ──dtime──▶ inode 12 ──dtime──▶ 0
//!   links > 0: truncated to its size         links = 0: deleted
//! ```
//! Neither changes what can be read through a name: blocks behind the size are never read, and a deleted inode has
//! no name. So the list is only read here, and the audit counts its inodes as in use, which they are until then.

use super::fs::Fs;
use super::inode;
use super::repair::Repair;
use crate::device::{Media, Question};
use crate::format::{FileKind, RawInode, bitmap};
use crate::units::{Block, Ino, Widen};
use std::collections::BTreeMap;

/// Is this bit set?
struct AskBit(u32);

impl Question for AskBit {
    type Answer = bool;
    fn answer(&self, content: &Block) -> bool {
        bitmap::is_set(content, self.0)
    }
}

/// The orphans, by number. What can't be one ends the list, as in Linux, and is to be repaired.
// v6.6 fs/ext4/orphan.c, ext4_orphan_cleanup; fs/ext4/ialloc.c, ext4_orphan_get.
pub(super) fn list<M: Media>(disk: &mut M, fs: &Fs, repairs: &mut Vec<Repair>) -> BTreeMap<Ino, RawInode> {
    let mut orphans = BTreeMap::new();
    let mut next = fs.superblock.last_orphan;
    // Each turn adds another inode, or ends the list.
    while next.get() != 0 {
        match orphan(disk, fs, next).filter(|_| !orphans.contains_key(&next)) {
            Some(inode) => {
                let after = Ino::new(inode.dtime);
                orphans.insert(next, inode);
                next = after;
            }
            None => {
                repairs.push(Repair::Orphan { ino: next });
                break;
            }
        }
    }
    orphans
}

fn orphan<M: Media>(disk: &mut M, fs: &Fs, ino: Ino) -> Option<RawInode> {
    let place = fs.superblock.inode_place(ino).filter(|_| ino >= fs.superblock.first_ino)?;
    let group = fs.groups.get(place.group.index())?;
    if !disk.ask(group.inode_bitmap, &AskBit(place.bit)) {
        return None;
    }
    let inode = inode::raw(disk, fs, ino).ok()?;
    let can_truncate = [FileKind::REGULAR, FileKind::DIRECTORY, FileKind::SYMLINK].contains(&inode.kind());
    let is_last = inode.dtime <= fs.superblock.inodes;
    ((inode.links == 0 || can_truncate) && is_last && inode.kind() != FileKind::UNKNOWN).then_some(inode)
}
