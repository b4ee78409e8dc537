//! Directories with an index: a name goes to the block that its hash leads to.
//!
//! ```text
//!   root ─▶ node ─▶ leaf      a full leaf is split by hash; a full node is halved; a full root gets a level below it
//! ```
//! Names are looked for block by block all the same: what a lookup finds does not depend on the way.
//!
//! Not modelled: compaction of leaves before they are split (the kernel does not do it either), `large_dir`.

use super::Fs;
use crate::format::dirent::{self, Inserted};
use crate::format::htree::{DirHash, HashVersion, IndexBlock, IndexEntry, IndexKind, MAX_LEVELS, limit};
use crate::format::{Compat, Dirent, FileKind, InodeFlags, InodeSeed};
use crate::history::Errno;
use crate::page_cache::What;
use crate::units::{BLOCK_BYTES, Block, BlockNr, FileBlock, Ino};

/// An index block on the way to a leaf.
struct Frame {
    nr: BlockNr,
    index: IndexBlock,
    /// The entry that the way goes on at.
    entry: usize,
}

impl Fs {
    /// Whether a directory has an index. v6.6 fs/ext4/ext4.h, `is_dx`
    pub(super) fn is_indexed(&self, dir: Ino) -> bool {
        self.has_dir_index() && self.inode(dir).raw.flags.has(InodeFlags::INDEX)
    }

    pub(super) const fn has_dir_index(&self) -> bool {
        self.superblock.compat.has(Compat::DIR_INDEX)
    }

    /// How many blocks more a handle may change that enters a name: two leaves, two levels of the index, and what
    /// allocating them takes.
    pub(super) const fn index_credits(&self) -> u32 {
        if self.has_dir_index() { 12 } else { 0 }
    }

    /// Whether the leaf that a name belongs to has room for it.
    pub(super) fn leaf_takes(&mut self, dir: Ino, entry: &Dirent) -> Result<bool, Errno> {
        let (_, leaf) = self.dx_probe(dir, &entry.name)?;
        let mut block = self.bread(leaf, What::Directory(dir));
        Ok(takes(&mut block, entry, self.dir_seed(dir)))
    }

    /// Enters a name. Needs a handle. v6.6 fs/ext4/namei.c, `ext4_dx_add_entry`
    pub(super) fn dx_add_entry(&mut self, dir: Ino, entry: &Dirent) -> Result<(), Errno> {
        self.within("ext4_dx_add_entry", |fs| {
            let seed = fs.dir_seed(dir);
            loop {
                let (frames, leaf) = fs.dx_probe(dir, &entry.name)?;
                let mut block = fs.bread(leaf, What::Directory(dir));
                if takes(&mut block, entry, seed) {
                    fs.change_block(leaf, What::Directory(dir), |block| takes(block, entry, seed));
                    return Ok(());
                }
                let full = |frame: &Frame| frame.index.entries.len() >= limit(&frame.index.kind, seed);
                match frames.last() {
                    Some(last) if full(last) => fs.split_index(dir, frames, full)?,
                    Some(_) | None => fs.do_split(dir, frames, leaf)?,
                }
            }
        })
    }

    /// A directory of one full block gets an index: its names move to a block of their own.
    /// v6.6 fs/ext4/namei.c, `make_indexed_dir`
    pub(super) fn make_indexed_dir(&mut self, dir: Ino) -> Result<(), Errno> {
        self.within("make_indexed_dir", |fs| {
            fs.decide("the directory outgrows its only block: it gets an index");
            let names = fs.entries(dir);
            let root = names.first().map_or(BlockNr::new(0), |(nr, _)| *nr);
            let parent =
                names.iter().find(|(_, entry)| entry.name == b"..").map_or(dir, |(_, entry)| entry.ino);
            let seed = fs.dir_seed(dir);
            let version = HashVersion::of(fs.superblock.hash_version).unwrap_or(HashVersion::HalfMd4);
            let leaf = fs.append_dir_block(dir)?;
            let names: Vec<Dirent> = names.into_iter().map(|(_, entry)| entry).filter(is_plain).collect();
            fs.change_block(leaf, What::Directory(dir), |block| *block = filled(&names, seed));
            let kind = IndexKind::Root { dir, parent, version, levels: 0 };
            let index = IndexBlock { kind, entries: vec![IndexEntry { hash: 0, block: FileBlock::new(1) }] };
            fs.change_block(root, What::Directory(dir), |block| *block = index.to_block(seed));
            let flags = fs.inode(dir).raw.flags;
            fs.inode_mut(dir).raw.flags = flags.with(InodeFlags::INDEX);
            fs.mark_inode_dirty(dir);
            Ok(())
        })
    }

    /// The way to the leaf of a name; EUCLEAN where the index of an image leads nowhere.
    /// v6.6 fs/ext4/namei.c, `dx_probe`
    fn dx_probe(&mut self, dir: Ino, name: &[u8]) -> Result<(Vec<Frame>, BlockNr), Errno> {
        let seed = self.dir_seed(dir);
        let mut frames: Vec<Frame> = Vec::new();
        let mut at = FileBlock::new(0);
        let mut hash = 0;
        loop {
            let nr = self.inode(dir).tree.lookup(at).map(|(nr, _)| nr).ok_or(Errno::EUCLEAN)?;
            if let Some(Frame { index: IndexBlock { kind: IndexKind::Root { levels, .. }, .. }, .. }) =
                frames.first()
                && frames.len() > usize::from(*levels)
            {
                return Ok((frames, nr));
            }
            let block = self.bread(nr, What::Directory(dir));
            let index = IndexBlock::from_block(&block, at, seed).map_err(|_| Errno::EUCLEAN)?;
            if let IndexKind::Root { version, .. } = index.kind {
                hash = self.dir_hash(version).hash(name);
            }
            let entry = index.find(hash);
            at = index.entries[entry].block;
            frames.push(Frame { nr, index, entry });
        }
    }

    fn dir_hash(&self, version: HashVersion) -> DirHash {
        DirHash::new(version, self.superblock.flags, &self.superblock.hash_seed)
    }

    /// Makes room in the index: a full node is halved; where all are full, there is another level.
    fn split_index(
        &mut self,
        dir: Ino,
        mut frames: Vec<Frame>,
        full: impl Fn(&Frame) -> bool,
    ) -> Result<(), Errno> {
        let seed = self.dir_seed(dir);
        // The lowest index block that is full below one that is not.
        while frames.len() > 1 && frames.get(frames.len() - 2).is_some_and(&full) {
            frames.pop();
        }
        let levels = frames.len();
        let (Some(mut frame), above) = (frames.pop(), frames.pop()) else { return Err(Errno::ENOSPC) };
        let new_at = self.end_of_dir(dir)?;
        let Some(mut parent) = above else {
            let IndexKind::Root { levels: depth, .. } = &mut frame.index.kind else {
                return Err(Errno::ENOSPC);
            };
            if *depth + 1 >= MAX_LEVELS {
                self.decide("the index of the directory is full");
                return Err(Errno::ENOSPC);
            }
            self.decide(format!("the index is full at level {levels}: it gets another level"));
            *depth += 1;
            let new = self.append_dir_block(dir)?;
            let entries =
                std::mem::replace(&mut frame.index.entries, vec![IndexEntry { hash: 0, block: new_at }]);
            let node = IndexBlock { kind: IndexKind::Node, entries };
            self.change_block(new, What::Directory(dir), |block| *block = node.to_block(seed));
            self.change_block(frame.nr, What::Directory(dir), |block| *block = frame.index.to_block(seed));
            return Ok(());
        };
        self.decide("a block of the index is full: it is halved");
        let new = self.append_dir_block(dir)?;
        let upper = frame.index.entries.split_off(frame.index.entries.len() / 2);
        let hash = upper.first().map_or(0, |entry| entry.hash);
        parent.index.entries.insert(parent.entry + 1, IndexEntry { hash, block: new_at });
        let node = IndexBlock { kind: IndexKind::Node, entries: upper };
        for (nr, index) in [(new, node), (frame.nr, frame.index), (parent.nr, parent.index)] {
            self.change_block(nr, What::Directory(dir), |block| *block = index.to_block(seed));
        }
        Ok(())
    }

    /// The names with the larger hashes of a full leaf move to a new one. v6.6 fs/ext4/namei.c, `do_split`
    fn do_split(&mut self, dir: Ino, mut frames: Vec<Frame>, leaf: BlockNr) -> Result<(), Errno> {
        self.within("do_split", |fs| {
            let Some(mut frame) = frames.pop() else { return Err(Errno::ENOSPC) };
            let root = frames.first().unwrap_or(&frame);
            let IndexKind::Root { version, .. } = root.index.kind else { return Err(Errno::ENOSPC) };
            let hash = fs.dir_hash(version);
            let seed = fs.dir_seed(dir);
            let names = dirent::entries(&fs.bread(leaf, What::Directory(dir)), seed).unwrap_or_default();
            let mut names: Vec<(u32, Dirent)> =
                names.into_iter().map(|name| (hash.hash(&name.name), name)).collect();
            names.sort_by_key(|(hash, _)| *hash);
            let upper = names.split_off(split_point(&names));
            let first = upper.first().map_or(0, |(hash, _)| *hash);
            // Names with one hash in both leaves: the lowest bit says so.
            let continues = names.last().is_some_and(|(hash, _)| *hash == first);
            let new_at = fs.end_of_dir(dir)?;
            let new = fs.append_dir_block(dir)?;
            fs.decide(format!("the leaf is full: names with a hash from {first:#x} on move to block {new}"));
            let entry = IndexEntry { hash: first | u32::from(continues), block: new_at };
            frame.index.entries.insert(frame.entry + 1, entry);
            let of = |names: Vec<(u32, Dirent)>| names.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
            let (lower, upper) = (filled(&of(names), seed), filled(&of(upper), seed));
            for (nr, data) in [(leaf, lower), (new, upper), (frame.nr, frame.index.to_block(seed))] {
                fs.change_block(nr, What::Directory(dir), |block| *block = data);
            }
            Ok(())
        })
    }

    fn end_of_dir(&self, dir: Ino) -> Result<FileBlock, Errno> {
        FileBlock::of_byte(self.inode(dir).size).ok_or(Errno::ENOSPC)
    }
}

/// Where a leaf is cut: each half takes at most half of a block; where all names do, by their number.
fn split_point(names: &[(u32, Dirent)]) -> usize {
    let (mut size, mut moved) = (0, 0);
    for (_, name) in names.iter().rev() {
        let len_bytes = (8 + name.name.len()).next_multiple_of(4);
        if size + len_bytes / 2 > BLOCK_BYTES / 2 {
            break;
        }
        size += len_bytes;
        moved += 1;
    }
    if moved < names.len() { names.len() - moved } else { names.len() / 2 }
}

fn is_plain(entry: &Dirent) -> bool {
    !(entry.kind == FileKind::DIRECTORY && (entry.name == b"." || entry.name == b".."))
}

/// A block with these names, which are those of another block.
fn filled(names: &[Dirent], seed: Option<InodeSeed>) -> Block {
    let mut block = dirent::new_empty_block(seed);
    for name in names {
        let inserted = dirent::insert(&mut block, name, seed);
        assert!(matches!(inserted, Ok(Inserted::Yes)), "what was in one block fits one block");
    }
    block
}

/// Enters a name into a block, if the block has room for it.
pub(super) fn takes(block: &mut Block, entry: &Dirent, seed: Option<InodeSeed>) -> bool {
    matches!(dirent::insert(block, entry, seed), Ok(Inserted::Yes))
}
