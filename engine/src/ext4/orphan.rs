//! Inodes that must be finished off after a crash: unlinked but open, or half truncated.
//!
//! ```text
//!   superblock.last_orphan ─▶ inode ─(dtime field)─▶ inode ─▶ … ─▶ 0
//!   with the feature orphan_file: places in the blocks of a file; the list only where that is full
//! ```

use super::Fs;
use crate::format::{Compat, InodeSeed, RoCompat, orphan};
use crate::page_cache::What;
use crate::units::{BlockNr, Ino};
use std::collections::BTreeMap;

/// The file of orphans (`struct ext4_orphan_info`).
#[derive(Clone, Debug, Default)]
pub(super) struct OrphanFile {
    blocks: Vec<BlockNr>,
    seed: Option<InodeSeed>,
    /// Where in it an inode stands: the block and the place.
    places: BTreeMap<Ino, (BlockNr, usize)>,
}

impl Fs {
    /// Notes an inode. Needs a handle. v6.6 fs/ext4/orphan.c, `ext4_orphan_add`
    pub(super) fn orphan_add(&mut self, ino: Ino) {
        // v6.6 fs/ext4/orphan.c, ext4_orphan_add: without a journal nothing would clear it up
        if self.journal.is_none() || self.orphans.contains(&ino) || self.orphan_file.places.contains_key(&ino)
        {
            return;
        }
        self.within("ext4_orphan_add", |fs| {
            if fs.orphan_file_add(ino) {
                return;
            }
            fs.inode_mut(ino).raw.dtime = fs.orphans.first().map_or(0, |next| next.get());
            fs.orphans.insert(0, ino);
            fs.superblock.last_orphan = ino;
            fs.change_superblock();
            fs.mark_inode_dirty(ino);
        });
    }

    /// Takes an inode off the list. Needs a handle. v6.6 fs/ext4/orphan.c, `ext4_orphan_del`
    pub(super) fn orphan_del(&mut self, ino: Ino) {
        if let Some((nr, place)) = self.orphan_file.places.remove(&ino) {
            self.within("ext4_orphan_file_del", |fs| fs.change_orphan_block(nr, place, Ino::new(0)));
            return;
        }
        let Some(at) = self.orphans.iter().position(|orphan| *orphan == ino) else { return };
        self.within("ext4_orphan_del", |fs| {
            fs.orphans.remove(at);
            let next = fs.inode(ino).raw.dtime;
            fs.inode_mut(ino).raw.dtime = 0;
            match at.checked_sub(1).and_then(|before| fs.orphans.get(before)).copied() {
                None => {
                    fs.superblock.last_orphan = Ino::new(next);
                    fs.change_superblock();
                }
                Some(before) => {
                    fs.inode_mut(before).raw.dtime = next;
                    fs.mark_inode_dirty(before);
                }
            }
            fs.mark_inode_dirty(ino);
        });
    }

    /// Puts an inode in the first free place of the file; whether there is one.
    /// v6.6 fs/ext4/orphan.c, `ext4_orphan_file_add`: the program runs on the first processor, so in the first block
    fn orphan_file_add(&mut self, ino: Ino) -> bool {
        if self.orphan_file.blocks.is_empty() {
            return false;
        }
        self.within("ext4_orphan_file_add", |fs| {
            for nr in fs.orphan_file.blocks.clone() {
                let block = fs.bread(nr, What::OrphanFile);
                if let Some(place) = orphan::find_free(&block) {
                    fs.decide(format!("inode {ino} takes place {place} of the orphan file's block {nr}"));
                    fs.orphan_file.places.insert(ino, (nr, place));
                    fs.change_orphan_block(nr, place, ino);
                    return true;
                }
            }
            fs.decide("the orphan file is full: the list takes the inode");
            false
        })
    }

    fn change_orphan_block(&mut self, nr: BlockNr, place: usize, ino: Ino) {
        let seed = self.orphan_file.seed;
        self.change_block(nr, What::OrphanFile, |block| orphan::put(block, nr, place, ino, seed));
    }

    /// Reads where the file of orphans is. v6.6 fs/ext4/orphan.c, `ext4_init_orphan_info`
    #[expect(clippy::expect_used, reason = "our own mkfs made it, or it was checked")]
    pub(super) fn open_orphan_file(&mut self) {
        if !self.superblock.compat.has(Compat::ORPHAN_FILE) {
            return;
        }
        let ino = self.superblock.orphan_file;
        self.load_inode(ino);
        let inode = self.inode(ino);
        let seed = self.superblock.inode_seed(ino, inode.raw.generation);
        let extents = inode.tree.extents();
        let blocks: Vec<BlockNr> = extents
            .iter()
            .flat_map(|extent| (0..extent.blocks).map(|nr| extent.at.plus(nr.into())))
            .collect();
        let mut places = BTreeMap::new();
        for nr in &blocks {
            let block = self.bread(*nr, What::OrphanFile);
            let found = orphan::orphans(&block, *nr, seed).expect("a sound block of orphans");
            places.extend(found.into_iter().map(|(place, ino)| (ino, (*nr, place))));
        }
        self.orphan_file = OrphanFile { blocks, seed, places };
        if self.journal.is_none() {
            return;
        }
        // v6.6 fs/ext4/super.c, ext4_setup_super
        self.superblock.ro_compat = self.superblock.ro_compat.with(RoCompat::ORPHAN_PRESENT);
    }

    /// Finishes off the inodes that a crash left: those without a name are deleted, others truncated to their size.
    /// v6.6 fs/ext4/orphan.c, `ext4_orphan_cleanup`
    pub(super) fn orphan_cleanup(&mut self) {
        let mut next = self.superblock.last_orphan;
        while next.get() != 0 && !self.orphans.contains(&next) {
            self.load_inode(next);
            self.orphans.push(next);
            next = Ino::new(self.inode(next).raw.dtime);
        }
        let all: Vec<Ino> = self.orphans.iter().chain(self.orphan_file.places.keys()).copied().collect();
        if all.is_empty() {
            return;
        }
        self.within("ext4_orphan_cleanup", |fs| {
            for ino in all {
                fs.load_inode(ino);
                fs.within("ext4_process_orphan", |fs| {
                    if fs.inode(ino).raw.links > 0 {
                        fs.decide(format!("truncates inode {ino} to its size"));
                        fs.truncate(ino);
                        fs.orphan_del(ino);
                    } else {
                        fs.decide(format!("deletes inode {ino}"));
                        fs.evict(ino);
                    }
                });
            }
            fs.flush_journal();
        });
    }
}
