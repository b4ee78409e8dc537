//! The journal's state: where the log begins and ends, which transactions there are, how much room is left.

use super::checkpoint::Checkpoint;
use super::{OrderedData, OrderedRange, Transaction};
use crate::block::Queue;
use crate::format::journal::{JournalFormat, JournalIncompat, JournalSuperblock};
use crate::kernel::CommitRoom;
use crate::mutant::Mutant;
use crate::page_cache::Buffers;
use crate::units::{Block, BlockNr, FileBlock, Ino, Tid, Widen, len_u32};
use std::collections::VecDeque;

/// A mounted journal (`journal_t`).
#[derive(Debug)]
pub struct Journal {
    /// The blocks of the journal file, in order; the first holds the journal superblock.
    pub(super) area: Vec<BlockNr>,
    pub(super) superblock: JournalSuperblock,
    pub(super) superblock_block: Block,
    pub(super) format: JournalFormat,
    pub(super) commit_secs: u64,
    pub(super) room: CommitRoom,
    /// Whether the superblock on disk says that the log is empty (JBD2_FLUSHED).
    pub(super) flushed: bool,
    pub(super) head: u32,
    pub(super) free: u32,
    pub(super) tail: u32,
    pub(super) tail_tid: Tid,
    pub(super) next_tid: Tid,
    pub(super) committed: Tid,
    /// The next block for fast commits (`j_fc_off`), from the start of the journal.
    pub(super) fast_next: u32,
    /// Whether this mount has committed a transaction (`j_stats.ts_tid`).
    pub(super) has_committed: bool,
    pub(super) running: Option<Transaction>,
    pub(super) committing: Option<Transaction>,
    pub(super) checkpoints: VecDeque<Checkpoint>,
}

impl Journal {
    /// The journal of a file system that was cleanly unmounted.
    /// v6.6 fs/jbd2/journal.c, `jbd2_journal_load`, `journal_reset`
    pub fn load(
        area: Vec<BlockNr>,
        superblock: JournalSuperblock,
        superblock_block: Block,
        commit_secs: u64,
        room: CommitRoom,
    ) -> Self {
        let format = superblock.format();
        let next_tid = superblock.sequence.next();
        // v6.6 fs/ext4/super.c sets JBD2_CYCLE_RECORD: logging resumes where it stopped
        let head = if (superblock.first + 1..superblock.log_end()).contains(&superblock.head) {
            superblock.head
        } else {
            superblock.first
        };
        let fast_next = superblock.fast_area().start;
        let free = superblock.log_end() - superblock.first;
        Self {
            area,
            superblock,
            superblock_block,
            format,
            commit_secs,
            room,
            flushed: true,
            head,
            free,
            tail: head,
            tail_tid: next_tid,
            next_tid,
            committed: next_tid.previous(),
            fast_next,
            has_committed: false,
            running: None,
            committing: None,
            checkpoints: VecDeque::new(),
        }
    }

    /// The running transaction.
    pub const fn running(&self) -> Option<&Transaction> {
        self.running.as_ref()
    }

    /// The committing transaction.
    pub const fn committing(&self) -> Option<&Transaction> {
        self.committing.as_ref()
    }

    /// The last transaction whose commit block is durable (`j_commit_sequence`).
    pub const fn committed(&self) -> Tid {
        self.committed
    }

    /// The tid that an inode gets which is read from disk now.
    /// v6.6 fs/ext4/inode.c, `__ext4_iget`
    pub fn tid_for_loaded_inode(&self) -> Tid {
        self.running.as_ref().or(self.committing.as_ref()).map_or(self.committed, Transaction::tid)
    }

    /// Whether a commit of `tid` that has not finished will send a flush that covers data written before.
    /// v6.6 fs/jbd2/journal.c, `jbd2_trans_will_send_data_barrier`
    pub fn will_send_data_barrier(&self, tid: Tid) -> bool {
        !self.committed.is_at_or_after(tid)
    }

    /// How many blocks a transaction may have (`j_max_transaction_buffers`).
    pub const fn max_transaction_buffers(&self) -> u32 {
        match self.room {
            CommitRoom::Quarter => self.superblock.log_end() / 4,
            CommitRoom::Third => self.superblock.log_end() / 3,
        }
    }

    /// The blocks that a new handle may count on. v6.6 fs/jbd2/transaction.c, `jbd2_log_space_left`
    pub const fn space_left(&self) -> u32 {
        self.free.saturating_sub(32)
    }

    /// Whether the running transaction has room for `credits` more blocks.
    /// v6.6 fs/jbd2/transaction.c, `add_transaction_credits`
    pub fn has_room(&self, credits: u32) -> bool {
        self.running
            .as_ref()
            .is_none_or(|running| len_u32(running.buffers.len()) + credits <= self.max_transaction_buffers())
    }

    /// Joins the running transaction, or starts one. v6.6 fs/jbd2/transaction.c, `start_this_handle`
    pub fn join(&mut self, q: &Queue) -> Tid {
        let (next, expires) = (self.next_tid, q.now().plus_secs(self.commit_secs).round_up_secs());
        if self.running.is_none() {
            self.next_tid = next.next();
        }
        self.running.get_or_insert_with(|| Transaction::new(next, expires)).tid
    }

    /// The running transaction will log this block. Its handle must have joined.
    /// v6.6 fs/jbd2/transaction.c, `jbd2_journal_dirty_metadata`
    pub fn dirty_metadata(&mut self, buffers: &mut Buffers, block: BlockNr) {
        buffers.mark_clean(block);
        self.open_transaction().add(block);
    }

    /// A metadata block is freed: it will not be logged, and older copies in the log must not be replayed.
    /// v6.6 fs/jbd2/revoke.c, `jbd2_journal_revoke`; transaction.c, `jbd2_journal_forget`
    pub fn revoke(&mut self, q: &Queue, buffers: &mut Buffers, block: BlockNr) {
        self.forget(buffers, block);
        if !q.lacks(Mutant::NoRevoke) {
            self.open_transaction().revoked.insert(block);
            self.superblock.features = self.superblock.features.with(JournalIncompat::REVOKE);
        }
    }

    /// A block is freed whose next contents will be logged too, whatever they are: older copies in the log may be
    /// replayed. v6.6 fs/jbd2/transaction.c, `jbd2_journal_forget`
    pub fn forget(&mut self, buffers: &mut Buffers, block: BlockNr) {
        buffers.forget(block);
        self.open_transaction().forget(block);
    }

    /// These blocks were freed: they may be given out again when the transaction has committed.
    pub fn freed(&mut self, first: BlockNr, blocks: u32) {
        self.open_transaction().freed.push((first, blocks));
    }

    /// The commit has to write and wait for this page. v6.6 fs/jbd2/transaction.c, `jbd2_journal_inode_ranged_write`
    pub fn order_data(&mut self, ino: Ino, at: FileBlock) {
        self.order(ino, OrderedRange { data: OrderedData::WriteAndWait, first: at, last: at });
    }

    /// The commit has to wait for these pages, which have been submitted.
    /// v6.6 fs/jbd2/transaction.c, `jbd2_journal_inode_ranged_wait`
    pub fn wait_for_data(&mut self, ino: Ino, first: FileBlock, last: FileBlock) {
        self.order(ino, OrderedRange { data: OrderedData::Wait, first, last });
    }

    /// v6.6 fs/jbd2/transaction.c, `jbd2_journal_file_inode`: one range and one set of flags for each inode
    fn order(&mut self, ino: Ino, new: OrderedRange) {
        let range = self.open_transaction().ordered.entry(ino).or_insert(new);
        range.data = range.data.max(new.data);
        range.first = range.first.min(new.first);
        range.last = range.last.max(new.last);
    }

    /// An inode is gone, and with it the data that a commit would have waited for.
    /// v6.6 fs/jbd2/journal.c, `jbd2_journal_release_jbd_inode`
    pub fn release_inode(&mut self, ino: Ino) {
        if let Some(running) = &mut self.running {
            running.ordered.remove(&ino);
        }
    }

    /// Whether a transaction still needs this block in memory.
    pub fn is_owned(&self, block: BlockNr) -> bool {
        [&self.running, &self.committing].into_iter().flatten().any(|transaction| transaction.owns(block))
    }

    /// Takes the next block of the log. v6.6 fs/jbd2/journal.c, `jbd2_journal_next_log_block`
    pub(super) fn next_log_block(&mut self) -> BlockNr {
        assert!(self.free > 1, "a handle starts only where the log has room for it");
        let block = self.area[self.head.index()];
        self.head += 1;
        self.free -= 1;
        if self.head == self.superblock.log_end() {
            self.head = self.superblock.first;
        }
        block
    }

    #[expect(clippy::expect_used, reason = "a bug in the caller")]
    fn open_transaction(&mut self) -> &mut Transaction {
        self.running.as_mut().expect("a handle joined before it changed anything")
    }
}
