//! What an inode stands for.
//!
//! ```text
//!   extents 0+2@22, 2+1@24, 5+1 unwritten, size 5 blocks ──▶ file: 0+3@22     target of a symlink, kind of the rest
//! ```
//! Contents of files are not read.

use super::inode::{Inode, Mapping};
use super::tree::{Extent, File, Node};
use super::walk::Seen;
use crate::device::{Media, Question};
use crate::format::{ExtentState, FileKind};
use crate::history::Errno;
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, Widen, block_bytes};

/// Which string is in the first bytes of this block?
struct AskTarget {
    len_bytes: usize,
}

impl Question for AskTarget {
    type Answer = Vec<u8>;
    fn answer(&self, content: &Block) -> Vec<u8> {
        // The kernel's string ends at the first zero byte.
        content.bytes().iter().take(self.len_bytes).take_while(|byte| **byte != 0).copied().collect()
    }
}

/// What an inode stands for.
pub(super) fn node<M: Media>(disk: &mut M, ino: Ino, seen: &Seen) -> Node {
    let mapping = match &seen.mapping {
        Ok(mapping) => mapping,
        Err(errno) => return Node::Unreadable(*errno),
    };
    match seen.inode.kind {
        FileKind::DIRECTORY => Node::Directory(ino),
        FileKind::REGULAR => Node::File(file(ino, &seen.inode, mapping)),
        FileKind::SYMLINK => match target(disk, &seen.inode, mapping) {
            Ok(target) => Node::Symlink(ino, text(&target)),
            Err(errno) => Node::Unreadable(errno),
        },
        FileKind(_) => Node::Unreadable(Errno::EOPNOTSUPP),
    }
}

/// What can be read of a file: written extents up to its size, joined where they lie in one piece.
fn file(ino: Ino, inode: &Inode, mapping: &Mapping) -> File {
    let end = inode.size.div_ceil(block_bytes());
    let mut extents: Vec<Extent> = Vec::new();
    for found in mapping.extents.iter().filter(|extent| extent.state == ExtentState::Written) {
        let room = end.saturating_sub(found.from.get().into());
        let blocks = u32::try_from(room).map_or(found.blocks, |room| room.min(found.blocks));
        if blocks == 0 {
            break;
        }
        match extents.last_mut() {
            Some(last)
                if last.from.get().checked_add(last.blocks) == Some(found.from.get())
                    && last.at.get().saturating_add(last.blocks.into()) == found.at.get() =>
            {
                last.blocks = last.blocks.saturating_add(blocks);
            }
            Some(_) | None => extents.push(Extent { from: found.from, blocks, at: found.at }),
        }
    }
    File { ino, size: inode.size, extents, unwritten: unwritten(mapping, end) }
}

/// The blocks below `end` that are allocated but not marked as written, in runs.
fn unwritten(mapping: &Mapping, end: u64) -> Vec<(FileBlock, u32)> {
    let mut runs: Vec<(FileBlock, u32)> = Vec::new();
    for found in mapping.extents.iter().filter(|extent| extent.state == ExtentState::Unwritten) {
        let room = end.saturating_sub(found.from.get().into());
        let blocks = u32::try_from(room).map_or(found.blocks, |room| room.min(found.blocks));
        match runs.last_mut() {
            Some((from, run)) if from.get().checked_add(*run) == Some(found.from.get()) => {
                *run = run.saturating_add(blocks);
            }
            Some(_) | None if blocks > 0 => runs.push((found.from, blocks)),
            Some(_) | None => {}
        }
    }
    runs
}

// v6.6 fs/ext4/symlink.c, ext4_get_link; fs/ext4/inode.c, __ext4_iget for the short ones.
fn target<M: Media>(disk: &mut M, inode: &Inode, mapping: &Mapping) -> Result<Vec<u8>, Errno> {
    if let Some(target) = &inode.target {
        return Ok(target.clone());
    }
    let first = FileBlock::new(0);
    let at = mapping.find(first).filter(|extent| extent.state == ExtentState::Written);
    let at = at.and_then(|extent| extent.find(first)).ok_or(Errno::EUCLEAN)?;
    Ok(disk.ask(at, &AskTarget { len_bytes: inode.size.index().min(BLOCK_BYTES) }))
}

/// Bytes as text: what is not UTF-8, and what no name may contain, as `\xNN`.
pub(super) fn text(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\0' => text.push_str("\\x00"),
                other => text.push(other),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}
