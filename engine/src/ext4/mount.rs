//! Mounting a file system that was left clean, and leaving it clean.

use super::{Fs, JOURNAL};
use crate::block::Queue;
use crate::device::Why;
use crate::format::journal::{JournalIncompat, JournalSuperblock};
use crate::format::{Entries, ExtentNode, GroupDesc, Incompat, RawInode, Superblock};
use crate::history::Errno;
use crate::jbd2::{CheckpointStep, Journal};
use crate::kernel::{Kernel, Rules, StablePages};
use crate::page_cache::{Buffers, What};
use crate::scenario::Stack;
use crate::units::{BlockNr, Widen};
use std::collections::BTreeMap;

use super::writeback::SyncMode;

/// Mount options that the file system looks at while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// Whether a file that replaces another has its data written in time.
    pub auto_da_alloc: bool,
    /// `commit=`
    pub commit_secs: u64,
    /// Whether blocks are allocated at writeback.
    pub delalloc: bool,
    /// Whether new blocks are unwritten until their data is there; never without delayed allocation.
    pub dioread_nolock: bool,
    /// Whether a page that is on its way to the disk must not change.
    pub stable_pages: bool,
    /// Which Linux.
    pub kernel: Kernel,
    /// What it does where kernels differ.
    pub rules: Rules,
}

impl Options {
    /// What the file system has to know of a scenario's machine.
    pub fn of(stack: &Stack) -> Self {
        let (mount, rules) = (&stack.mount, stack.kernel.rules());
        Self {
            auto_da_alloc: mount.auto_da_alloc,
            commit_secs: mount.commit_secs,
            delalloc: mount.delalloc,
            // v6.6 fs/ext4/ext4_jbd2.h, ext4_should_dioread_nolock
            dioread_nolock: mount.dioread_nolock && mount.delalloc,
            stable_pages: stack.disk.stable_writes && rules.stable_pages == StablePages::IfAsked,
            kernel: stack.kernel,
            rules,
        }
    }
}

impl Fs {
    /// Mounts what [`mkfs`](super::mkfs) or [`Fs::unmount`] left. v6.6 fs/ext4/super.c, `__ext4_fill_super`
    ///
    /// # Panics
    /// Where that is not a sound, clean file system with a journal: a bug in the caller.
    #[expect(clippy::expect_used, reason = "our own mkfs made it")]
    pub fn mount(q: Queue, options: Options) -> Self {
        let superblock = Superblock::from_block(&q.read(BlockNr::new(0))).expect("a sound superblock");
        let seed = superblock.metadata_seed();
        let groups: Vec<GroupDesc> = (0..superblock.groups())
            .map(|group| {
                let (nr, index) = superblock.descriptor_place(group);
                GroupDesc::read_from(&q.read(nr), index, seed.map(|seed| (seed, group)))
                    .expect("a sound descriptor")
            })
            .collect();
        let mut fs = Self {
            journal: load_journal(&q, &superblock, &groups, &options),
            q,
            options,
            seed,
            groups,
            buffers: Buffers::new(),
            inodes: BTreeMap::new(),
            orphans: Vec::new(),
            writebacks: Vec::new(),
            flusher_wakes: None,
            generation: superblock.mount_count.into(),
            superblock,
        };
        fs.mark_mounted();
        fs
    }

    /// The superblock on disk says that the journal may be needed. v6.6 fs/ext4/super.c, `ext4_setup_super`
    fn mark_mounted(&mut self) {
        let now = u32::try_from(self.q.now().secs()).unwrap_or(u32::MAX);
        self.superblock.incompat = self.superblock.incompat.with(Incompat::RECOVER);
        self.superblock.mount_count += 1;
        self.superblock.mount_time = now;
        self.superblock.write_time = now;
        self.write_superblock();
    }

    /// v6.6 fs/ext4/super.c, `ext4_commit_super`
    fn write_superblock(&mut self) {
        let mut block = self.bread(BlockNr::new(0), What::Superblock);
        self.superblock.write_into(&mut block);
        self.buffers.replace(BlockNr::new(0), block.clone());
        self.q.write_durably(BlockNr::new(0), &block, None, Why::Superblock);
    }

    /// Writes everything and leaves the file system clean. v6.6 fs/ext4/super.c, `ext4_put_super`
    ///
    /// # Errors
    /// Where dirty data finds no block.
    pub fn unmount(mut self) -> Result<Queue, Errno> {
        self.write_all_inodes(SyncMode::All)?;
        self.finish_all_writebacks();
        loop {
            self.commit_running();
            match self.journal.do_checkpoint(&mut self.q, &mut self.buffers) {
                CheckpointStep::Progress | CheckpointStep::CommitFirst => {}
                CheckpointStep::Nothing => break,
            }
        }
        self.journal.mark_empty(&mut self.q);
        self.superblock.incompat = self.superblock.incompat.without(Incompat::RECOVER);
        self.superblock.free_blocks = self.groups.iter().map(|group| group.free_blocks).sum();
        self.superblock.free_inodes = self.groups.iter().map(|group| group.free_inodes).sum();
        self.superblock.write_time = u32::try_from(self.q.now().secs()).unwrap_or(u32::MAX);
        self.write_superblock();
        Ok(self.q)
    }
}

/// Finds the journal and takes it up where it ended. v6.6 fs/ext4/super.c, `ext4_load_and_init_journal`
#[expect(clippy::expect_used, reason = "our own mkfs made it")]
fn load_journal(q: &Queue, superblock: &Superblock, groups: &[GroupDesc], options: &Options) -> Journal {
    let place = superblock.inode_place(JOURNAL).expect("a journal inode");
    let nr = groups[place.group.index()].inode_table.plus(u64::from(place.table_block));
    let seed = superblock.metadata_seed().map(|seed| (seed, JOURNAL));
    let raw = RawInode::read_from(&q.read(nr), place.slot, seed).expect("a sound journal inode");
    let area: Vec<BlockNr> = match ExtentNode::from_root(&raw.block).expect("a sound extent root").entries {
        Entries::Leaf(extents) => extents
            .iter()
            .flat_map(|extent| (0..u64::from(extent.blocks)).map(|nr| extent.at.plus(nr)))
            .collect(),
        Entries::Index(_) => unreachable!("mkfs gives the journal at most four extents"),
    };
    let block = q.read(area[0]);
    let mut journal = JournalSuperblock::from_block(&block).expect("a sound journal superblock");
    if superblock.has_metadata_csum() {
        // v6.6 fs/ext4/super.c, set_journal_csum_feature_set: in memory now, on disk with the next write
        journal.features = journal.features.with(JournalIncompat::CSUM_V3);
    }
    Journal::load(area, journal, block, options.commit_secs, options.rules.transaction_room)
}
