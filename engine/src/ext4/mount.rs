//! Mounting a file system that was left clean, and leaving it clean.

use super::Fs;
use super::fast::Fast;
use super::orphan::OrphanFile;
use crate::block::Queue;
use crate::device::Why;
use crate::format::journal::{ChecksumVersion, JournalFeatures, JournalIncompat, JournalSuperblock};
use crate::format::{
    Compat, Entries, ExtentNode, GroupDesc, Incompat, InodeSeed, RawInode, RoCompat, Superblock,
};
use crate::history::Errno;
use crate::jbd2::{CheckpointStep, Journal};
use crate::kernel::{FastCommits, Kernel, LogChecksum, Rules, StablePages};
use crate::page_cache::{Buffers, What};
use crate::scenario::{DataMode, Stack, Synchronous};
use crate::units::{BlockNr, Widen};
use std::collections::{BTreeMap, BTreeSet};

use super::writeback::SyncMode;

/// Mount options that the file system looks at while it runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Options {
    /// What is done about data: of a file system without a journal, nothing (`data=writeback`).
    pub data: DataMode,
    /// Which calls wait until their changes are durable.
    pub synchronous: Synchronous,
    /// `journal_checksum`, or what implies it.
    pub journal_checksum: bool,
    /// `journal_async_commit`
    pub journal_async_commit: bool,
    /// Whether a file that replaces another has its data written in time.
    pub auto_da_alloc: bool,
    /// `commit=`
    pub commit_secs: u64,
    /// Whether fsync may write fast commits, where the file system has room for them.
    pub fast_commit: bool,
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
        // v6.6 fs/ext4/ext4_jbd2.c, ext4_inode_journal_mode
        let data = if stack.has_journal() { mount.data } else { DataMode::Writeback };
        // v6.6 fs/ext4/super.c, __ext4_fill_super: data=journal does without
        let delalloc = mount.delalloc && data != DataMode::Journal;
        Self {
            data,
            synchronous: mount.synchronous,
            journal_checksum: mount.journal_checksum || mount.journal_async_commit,
            journal_async_commit: mount.journal_async_commit,
            auto_da_alloc: mount.auto_da_alloc,
            commit_secs: mount.commit_secs,
            // v6.6 fs/ext4/super.c, __ext4_fill_super: data=journal does without
            fast_commit: rules.fast_commit == FastCommits::Written && data != DataMode::Journal,
            delalloc,
            // v6.6 fs/ext4/ext4_jbd2.h, ext4_should_dioread_nolock
            dioread_nolock: mount.dioread_nolock && delalloc,
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
    /// Where that is not a sound, clean file system: a bug in the caller.
    #[expect(clippy::expect_used, reason = "our own mkfs made it")]
    pub fn mount(q: Queue, options: Options) -> Self {
        let superblock = Superblock::from_block(&q.read(BlockNr::new(0))).expect("a sound superblock");
        let seed = superblock.metadata_seed();
        let groups: Vec<GroupDesc> = (0..superblock.groups())
            .map(|group| {
                let (nr, index) = superblock.descriptor_place(group);
                GroupDesc::read_from(
                    &q.read(nr),
                    index,
                    superblock.desc_size(),
                    seed.map(|seed| (seed, group)),
                )
                .expect("a sound descriptor")
            })
            .collect();
        let mut fs = Self {
            journal: superblock.has_journal().then(|| load_journal(&q, &superblock, &groups, &options)),
            q,
            options,
            seed,
            groups,
            buffers: Buffers::new(),
            inodes: BTreeMap::new(),
            orphans: Vec::new(),
            attribute_blocks: BTreeSet::new(),
            orphan_file: OrphanFile::default(),
            writebacks: Vec::new(),
            flusher_wakes: None,
            fast: Fast::default(),
            generation: superblock.mount_count.into(),
            superblock,
        };
        fs.open_orphan_file();
        fs.mark_mounted();
        fs.orphan_cleanup();
        fs
    }

    /// The superblock on disk says that the journal may be needed, or, without one, that nobody has unmounted it. v6.6 fs/ext4/super.c, `ext4_setup_super`
    fn mark_mounted(&mut self) {
        let now = u32::try_from(self.q.now().secs()).unwrap_or(u32::MAX);
        match &self.journal {
            Some(_) => self.superblock.incompat = self.superblock.incompat.with(Incompat::RECOVER),
            None => self.superblock.state &= !Superblock::STATE_VALID,
        }
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

    /// Commits what is running, writes all metadata in its place and leaves the log empty.
    /// v6.6 fs/jbd2/journal.c, `jbd2_journal_flush`, `jbd2_journal_destroy`
    pub(super) fn flush_journal(&mut self) {
        loop {
            self.commit_running();
            match self.do_checkpoint() {
                CheckpointStep::Progress | CheckpointStep::CommitFirst => {}
                CheckpointStep::Nothing => break,
            }
        }
        match &mut self.journal {
            Some(journal) => journal.mark_empty(&mut self.q),
            None => self.write_metadata_in_place(),
        }
    }

    /// Writes everything and leaves the file system clean. v6.6 fs/ext4/super.c, `ext4_put_super`
    ///
    /// # Errors
    /// Where dirty data finds no block.
    pub fn unmount(mut self) -> Result<Queue, Errno> {
        self.write_all_inodes(SyncMode::All)?;
        self.finish_all_writebacks();
        self.flush_journal();
        self.superblock.state |= Superblock::STATE_VALID;
        self.superblock.incompat = self.superblock.incompat.without(Incompat::RECOVER);
        // Without orphans, as all files are closed.
        self.superblock.ro_compat = self.superblock.ro_compat.without(RoCompat::ORPHAN_PRESENT);
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
    let place = superblock.inode_place(superblock.journal_ino).expect("a journal inode");
    let nr = groups[place.group.index()].inode_table.plus(u64::from(place.table_block));
    let seed = superblock.metadata_seed().map(|seed| (seed, superblock.journal_ino));
    let raw = RawInode::read_from(&q.read(nr), place.slot, seed).expect("a sound journal inode");
    let inode_seed = superblock.inode_seed(superblock.journal_ino, raw.generation);
    let root = ExtentNode::from_root(&raw.block).expect("a sound extent root");
    let area = journal_area(q, root, inode_seed);
    let block = q.read(area[0]);
    let mut journal = JournalSuperblock::from_block(&block).expect("a sound journal superblock");
    // In memory now, on disk with the next write.
    journal.features = log_features(journal.features, superblock, options);
    Journal::load(area, journal, block, options.commit_secs, options.rules.transaction_room)
}

/// The blocks below a node of the journal's extent tree, in their order.
#[expect(clippy::expect_used, reason = "our own mkfs made it, or it was checked")]
fn journal_area(q: &Queue, node: ExtentNode, seed: Option<InodeSeed>) -> Vec<BlockNr> {
    match node.entries {
        Entries::Leaf(extents) => extents
            .iter()
            .flat_map(|extent| (0..u64::from(extent.blocks)).map(|nr| extent.at.plus(nr)))
            .collect(),
        Entries::Index(children) => children
            .iter()
            .flat_map(|child| {
                let node = ExtentNode::from_block(&q.read(child.leaf), seed).expect("a sound extent node");
                journal_area(q, node, seed)
            })
            .collect(),
    }
}

/// What the log looks like from this mount on. v6.6 fs/ext4/super.c, `set_journal_csum_feature_set`
fn log_features(found: JournalFeatures, superblock: &Superblock, options: &Options) -> JournalFeatures {
    let metadata_csum = superblock.has_metadata_csum();
    let checksums = match (metadata_csum, options.journal_checksum, options.rules.log_checksum) {
        (true, _, LogChecksum::V2) => ChecksumVersion::V2,
        (true, _, LogChecksum::V3) => ChecksumVersion::V3,
        (false, true, _) => ChecksumVersion::V1,
        (false, false, _) => ChecksumVersion::None,
    };
    let mut features = found.with_checksums(checksums);
    if superblock.incompat.has(Incompat::BITS_64) {
        features = features.with(JournalIncompat::BITS_64);
    }
    // v6.6 fs/ext4/super.c, __ext4_fill_super; fs/jbd2/journal.c, jbd2_journal_set_features
    features = match options.rules.fast_commit {
        FastCommits::Written if superblock.compat.has(Compat::FAST_COMMIT) => {
            features.with(JournalIncompat::FAST_COMMIT)
        }
        FastCommits::Written | FastCommits::Unknown => features.without(JournalIncompat::FAST_COMMIT),
    };
    if options.journal_async_commit {
        features.with(JournalIncompat::ASYNC_COMMIT)
    } else {
        features.without(JournalIncompat::ASYNC_COMMIT)
    }
}
