//! Directories: blocks of names, in a row or behind an index ([`super::htree`]).

use super::Fs;
use super::htree::takes;
use crate::format::{Dirent, ExtentState, FileKind, InodeSeed};
use crate::format::{dirent, htree};
use crate::history::Errno;
use crate::page_cache::What;
use crate::units::{Block, BlockNr, FileBlock, Ino, block_bytes};

impl Fs {
    /// The inode that a name in a directory stands for. v6.6 fs/ext4/namei.c, `ext4_lookup`
    pub fn lookup(&mut self, dir: Ino, name: &[u8]) -> Option<Ino> {
        self.find_entry(dir, name).map(|(_, entry)| entry.ino)
    }

    /// The names in a directory, `.` and `..` included. v6.6 fs/ext4/dir.c, `ext4_readdir`
    #[expect(clippy::expect_used, reason = "our own mkfs and our own writes made it")]
    pub(super) fn entries(&mut self, dir: Ino) -> Vec<(BlockNr, Dirent)> {
        self.load_inode(dir);
        let seed = self.dir_seed(dir);
        let mut all = Vec::new();
        let indexed = self.is_indexed(dir);
        for (at, nr) in (0..).map(FileBlock::new).zip(self.dir_blocks(dir)) {
            let block = self.bread(nr, What::Directory(dir));
            let entries =
                if indexed { htree::names(&block, at, seed) } else { dirent::entries(&block, seed) };
            let entries = entries.expect("a sound directory block");
            all.extend(entries.into_iter().map(|entry| (nr, entry)));
        }
        all
    }

    /// Whether a directory has nothing but `.` and `..`. v6.6 fs/ext4/namei.c, `ext4_empty_dir`
    pub fn is_empty_dir(&mut self, dir: Ino) -> bool {
        self.entries(dir).iter().all(|(_, entry)| entry.name == b"." || entry.name == b"..")
    }

    pub(super) fn find_entry(&mut self, dir: Ino, name: &[u8]) -> Option<(BlockNr, Dirent)> {
        self.entries(dir).into_iter().find(|(_, entry)| entry.name == name)
    }

    /// Enters a name. Needs a handle. v6.6 fs/ext4/namei.c, `ext4_add_entry`
    pub(super) fn add_entry(&mut self, dir: Ino, name: &[u8], ino: Ino) -> Result<(), Errno> {
        self.within("ext4_add_entry", |fs| {
            let entry = Dirent { ino, kind: fs.inode(ino).raw.kind(), name: name.to_vec() };
            if fs.is_indexed(dir) {
                fs.dx_add_entry(dir, &entry)?;
            } else {
                fs.add_linearly(dir, &entry)?;
            }
            fs.stamp_times(dir);
            fs.mark_inode_dirty(dir);
            if fs.journal.is_none() {
                fs.inode_mut(ino).new_in = Some(dir);
            }
            Ok(())
        })
    }

    fn add_linearly(&mut self, dir: Ino, entry: &Dirent) -> Result<(), Errno> {
        let seed = self.dir_seed(dir);
        let blocks = self.dir_blocks(dir);
        let place = blocks.iter().find(|nr| {
            let mut block = self.bread(**nr, What::Directory(dir));
            takes(&mut block, entry, seed)
        });
        let nr = match place {
            Some(nr) => *nr,
            None if blocks.len() == 1 && self.has_dir_index() => {
                self.make_indexed_dir(dir)?;
                return self.dx_add_entry(dir, entry);
            }
            None => self.append_dir_block(dir)?,
        };
        self.change_block(nr, What::Directory(dir), |block| takes(block, entry, seed));
        Ok(())
    }

    /// Removes a name. Needs a handle. v6.6 fs/ext4/namei.c, `ext4_delete_entry`
    pub(super) fn delete_entry(&mut self, dir: Ino, name: &[u8]) {
        self.within("ext4_delete_entry", |fs| {
            if let Some((nr, _)) = fs.find_entry(dir, name) {
                let seed = fs.dir_seed(dir);
                fs.change_block(nr, What::Directory(dir), |block| dirent::remove(block, name, seed).is_ok());
            }
        });
    }

    /// Lets a name stand for another inode. Needs a handle. v6.6 fs/ext4/namei.c, `ext4_setent`
    pub(super) fn set_entry(&mut self, dir: Ino, name: &[u8], ino: Ino) {
        if let Some((nr, _)) = self.find_entry(dir, name) {
            let (seed, kind) = (self.dir_seed(dir), self.inode(ino).raw.kind());
            if name == b".." && self.is_indexed(dir) {
                self.change_block(nr, What::Directory(dir), |block| {
                    htree::set_parent(block, ino, seed).is_ok()
                });
                return;
            }
            self.change_block(nr, What::Directory(dir), |block| {
                dirent::replace_ino(block, name, ino, kind, seed).is_ok()
            });
        }
    }

    /// Gives a new directory its first block, with `.` and `..`. v6.6 fs/ext4/namei.c, `ext4_init_new_dir`
    pub(super) fn init_dir(&mut self, dir: Ino, parent: Ino) -> Result<(), Errno> {
        let (nr, _) = self.map_new_blocks(dir, FileBlock::new(0), 1, ExtentState::Written)?;
        // v6.6 fs/ext4/inode.c, ext4_getblk: a new block of a directory is dirty before it has contents
        self.create_block(nr, Block::zeroed(), What::Directory(dir));
        let block = dirent::new_block_dots(dir, parent, self.dir_seed(dir));
        self.create_block(nr, block, What::Directory(dir));
        self.grow_dir(dir);
        Ok(())
    }

    /// Makes sure, before a handle starts, that a name can be entered.
    pub(super) fn make_room_for_entry(&mut self, dir: Ino, name: &[u8]) -> Result<(), Errno> {
        let seed = self.dir_seed(dir);
        let entry = Dirent { ino: dir, kind: FileKind::REGULAR, name: name.to_vec() };
        let fits = if self.is_indexed(dir) {
            self.leaf_takes(dir, &entry)?
        } else {
            self.dir_blocks(dir).into_iter().any(|nr| {
                let mut block = self.bread(nr, What::Directory(dir));
                takes(&mut block, &entry, seed)
            })
        };
        // A new block, and two new nodes at most where the tree has to grow for it; two more blocks for an index.
        let blocks = if self.has_dir_index() { 5 } else { 3 };
        if fits { Ok(()) } else { self.make_room(blocks) }
    }

    pub(super) fn append_dir_block(&mut self, dir: Ino) -> Result<BlockNr, Errno> {
        let at = FileBlock::of_byte(self.inode(dir).size).ok_or(Errno::ENOSPC)?;
        let (nr, _) = self.map_new_blocks(dir, at, 1, ExtentState::Written)?;
        self.create_block(nr, Block::zeroed(), What::Directory(dir));
        let block: Block = dirent::new_empty_block(self.dir_seed(dir));
        self.create_block(nr, block, What::Directory(dir));
        self.grow_dir(dir);
        Ok(nr)
    }

    fn grow_dir(&mut self, dir: Ino) {
        let inode = self.inode_mut(dir);
        inode.size += block_bytes();
        inode.raw.size = inode.size;
        self.mark_inode_dirty(dir);
    }

    fn dir_blocks(&self, dir: Ino) -> Vec<BlockNr> {
        let extents = self.inode(dir).tree.extents();
        extents.iter().flat_map(|extent| (0..u64::from(extent.blocks)).map(|nr| extent.at.plus(nr))).collect()
    }

    pub(super) fn dir_seed(&self, dir: Ino) -> Option<InodeSeed> {
        self.seed.map(|seed| seed.inode(dir, self.inode(dir).raw.generation))
    }
}
