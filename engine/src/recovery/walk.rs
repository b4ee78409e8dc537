//! From the root to every name.
//!
//! ```text
//!   inode 2 ──▶ directory blocks ──▶ names ──▶ inodes ──▶ …      each inode is read once, each directory entered once
//! ```
//! Inodes are checked as a lookup checks them, with their checksums. A directory shows what readdir(2) shows: it passes
//! over a block that is corrupt and returns no error, so the names in it are missing and the damage is a repair. (Where
//! entries have no checksums, Linux still shows those before the corrupt one; here none of the block's.)
//! A directory that has a second name is unreadable there. Names longer than a path can be end the descent.

use super::error::{MountError, errno_of};
use super::fs::Fs;
use super::inode::{self, Mapping};
use super::tree::{Extent, File, Node};
use crate::device::{Media, Question};
use crate::format::{Dirent, ExtentState, FileKind, FormatError, InodeSeed, RawInode, dirent};
use crate::history::Errno;
use crate::units::{BLOCK_BYTES, Block, BlockNr, FileBlock, Ino, Widen, block_bytes};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

/// The inode of the root directory (`EXT4_ROOT_INO`).
pub(super) const ROOT: Ino = Ino::new(2);
/// Bytes in a path (`PATH_MAX`).
const PATH_MAX: usize = 4096;

/// Which names are in this block of a directory?
struct AskNames {
    csum: Option<InodeSeed>,
}

impl Question for AskNames {
    type Answer = Result<Vec<Dirent>, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        dirent::entries(content, self.csum)
    }
}

/// What are the first bytes of this block?
struct AskStart {
    len_bytes: usize,
}

impl Question for AskStart {
    type Answer = Vec<u8>;
    fn answer(&self, content: &Block) -> Vec<u8> {
        content.bytes().iter().take(self.len_bytes).copied().collect()
    }
}

/// An inode that a name stands for.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) inode: RawInode,
    pub(super) mapping: Result<Mapping, Errno>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// The tree.
    pub(super) entries: BTreeMap<String, Node>,
    /// Every inode that a name stands for.
    pub(super) seen: BTreeMap<Ino, Result<Seen, Errno>>,
    /// How many entries lead to an inode, `.` and `..` too.
    pub(super) names: BTreeMap<Ino, u32>,
    /// The names of each directory that could be read.
    pub(super) directories: BTreeMap<Ino, Vec<Dirent>>,
    /// For each directory, the one that it was found in.
    pub(super) parents: BTreeMap<Ino, Ino>,
    /// Directories that were found a second time.
    pub(super) again: Vec<Ino>,
    /// Directories with a block that was passed over, and what looking up a name there returns.
    pub(super) damaged: BTreeMap<Ino, Errno>,
}

/// Reads all names.
pub(super) fn walk<M: Media>(disk: &mut M, fs: &Fs) -> Result<Walk, MountError> {
    let mut walk = Walk::default();
    walk.parents.insert(ROOT, ROOT);
    walk.see(disk, fs, ROOT);
    let mut queue = VecDeque::from([(String::new(), ROOT)]);
    while let Some((path, ino)) = queue.pop_front() {
        match walk.read_directory(disk, fs, ino) {
            Ok(names) => {
                for entry in names.iter().filter(|entry| entry.name != b"." && entry.name != b"..") {
                    walk.name(disk, fs, (ino, &path), entry, &mut queue);
                }
                walk.directories.insert(ino, names);
            }
            Err(errno) if ino == ROOT => return Err(MountError::Root { errno }),
            Err(errno) => {
                walk.entries.insert(path, Node::Unreadable(errno));
            }
        }
    }
    walk.entries.remove("/lost+found");
    Ok(walk)
}

impl Walk {
    fn see<M: Media>(&mut self, disk: &mut M, fs: &Fs, ino: Ino) {
        if let Entry::Vacant(place) = self.seen.entry(ino) {
            let seen = inode::named(disk, fs, ino).map(|inode| {
                let mapping = inode::mapping(disk, fs, ino, &inode);
                Seen { inode, mapping }
            });
            place.insert(seen);
        }
    }

    /// Takes in one name; a directory that is new is queued.
    fn name<M: Media>(
        &mut self,
        disk: &mut M,
        fs: &Fs,
        (parent, path): (Ino, &str),
        entry: &Dirent,
        queue: &mut VecDeque<(String, Ino)>,
    ) {
        let path = format!("{path}/{}", text(&entry.name));
        self.see(disk, fs, entry.ino);
        let mut node = match self.seen.get(&entry.ino) {
            Some(Ok(seen)) => node(disk, entry.ino, seen),
            Some(Err(errno)) => Node::Unreadable(*errno),
            None => Node::Unreadable(Errno::EUCLEAN),
        };
        if matches!(node, Node::Directory(_)) {
            if let Entry::Vacant(place) = self.parents.entry(entry.ino) {
                place.insert(parent);
                if path.len() < PATH_MAX {
                    queue.push_back((path.clone(), entry.ino));
                } else {
                    node = Node::Unreadable(Errno::ENAMETOOLONG);
                }
            } else {
                self.again.push(entry.ino);
                node = Node::Unreadable(Errno::EUCLEAN);
            }
        }
        // Of two entries with one name, the first is found.
        self.entries.entry(path).or_insert(node);
    }

    fn read_directory<M: Media>(&mut self, disk: &mut M, fs: &Fs, ino: Ino) -> Result<Vec<Dirent>, Errno> {
        let seen = match self.seen.get(&ino) {
            Some(Ok(seen)) => seen,
            Some(Err(errno)) => return Err(*errno),
            None => return Err(Errno::EUCLEAN),
        };
        let mapping = seen.mapping.as_ref().map_err(|errno| *errno)?;
        let size = seen.inode.size;
        if seen.inode.kind() != FileKind::DIRECTORY || size == 0 || !size.is_multiple_of(block_bytes()) {
            return Err(Errno::EUCLEAN);
        }
        let csum = fs.superblock.inode_seed(ino, seen.inode.generation);
        let mut names: Vec<Dirent> = Vec::new();
        let mut damage = None;
        for block in 0..size.div_ceil(block_bytes()) {
            // A hole ends this, so that a size alone does not make it long.
            let Some(at) = place_of(mapping, block) else {
                damage = damage.or(Some(Errno::EUCLEAN));
                break;
            };
            // v6.6 fs/ext4/dir.c, ext4_readdir: "directory fails checksum", or ext4_check_dir_entry; goes on behind it
            let found = disk.ask(at, &AskNames { csum }).map_err(|error| errno_of(&error));
            let exist = |entry: &Dirent| fs.superblock.inode_place(entry.ino).is_some();
            match found {
                Ok(found) if found.iter().all(exist) => names.extend(found),
                Ok(_) => damage = damage.or(Some(Errno::EUCLEAN)),
                Err(errno) => damage = damage.or(Some(errno)),
            }
        }
        for entry in &names {
            let names = self.names.entry(entry.ino).or_default();
            *names = names.saturating_add(1);
        }
        if let Some(errno) = damage {
            self.damaged.insert(ino, errno);
        }
        Ok(names)
    }
}

/// Where a block of a directory lies.
fn place_of(mapping: &Mapping, block: u64) -> Option<BlockNr> {
    let block = u32::try_from(block).map(FileBlock::new).ok()?;
    mapping.find(block).filter(|extent| extent.state == ExtentState::Written)?.find(block)
}

/// What an inode stands for.
fn node<M: Media>(disk: &mut M, ino: Ino, seen: &Seen) -> Node {
    let mapping = match &seen.mapping {
        Ok(mapping) => mapping,
        Err(errno) => return Node::Unreadable(*errno),
    };
    match seen.inode.kind() {
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
fn file(ino: Ino, inode: &RawInode, mapping: &Mapping) -> File {
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
fn target<M: Media>(disk: &mut M, inode: &RawInode, mapping: &Mapping) -> Result<Vec<u8>, Errno> {
    let len_bytes = inode.size.index().min(BLOCK_BYTES);
    let bytes = if inode::is_short_symlink(inode) {
        inode.block.iter().take(len_bytes).copied().collect()
    } else {
        let first = FileBlock::new(0);
        let at = mapping.find(first).filter(|extent| extent.state == ExtentState::Written);
        let at = at.and_then(|extent| extent.find(first)).ok_or(Errno::EUCLEAN)?;
        disk.ask(at, &AskStart { len_bytes })
    };
    // The kernel's string ends at the first zero byte.
    Ok(bytes.into_iter().take_while(|byte| *byte != 0).collect())
}

/// Bytes as text: what is not UTF-8, and what no name may contain, as `\xNN`.
fn text(bytes: &[u8]) -> String {
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
