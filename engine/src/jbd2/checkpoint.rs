//! Making room in the log: blocks go to their places, then the tail moves on.
//!
//! ```text
//!   tail could move?  ── yes ──▶ FLUSH │ W+FUA(journal superblock) │ space is free
//!        no
//!         ▼
//!   oldest transaction: W(in place) … wait ── again
//! ```

use super::Journal;
use crate::block::Queue;
use crate::device::Why;
use crate::format::journal::JournalIncompat;
use crate::mutant::Mutant;
use crate::page_cache::Buffers;
use crate::units::{BlockNr, Tid};
use std::collections::BTreeSet;

/// How many blocks are in flight at a time (JBD2_NR_BATCH).
const BATCH: usize = 64;

/// A committed transaction whose blocks are not all in their places.
#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub(super) tid: Tid,
    pub(super) log_start: u32,
    pub(super) blocks: BTreeSet<BlockNr>,
}

/// What came of an attempt to free log space.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CheckpointStep {
    /// Something was written or freed: look again.
    Progress,
    /// The running transaction must commit first.
    CommitFirst,
    /// There is nothing to check-point.
    Nothing,
}

impl Journal {
    /// Writes the blocks of the oldest transaction in their places and moves the tail.
    /// v6.6 fs/jbd2/checkpoint.c, `jbd2_log_do_checkpoint`
    pub fn do_checkpoint(&mut self, q: &mut Queue, buffers: &mut Buffers) -> CheckpointStep {
        if self.cleanup_tail(q) {
            return CheckpointStep::Progress;
        }
        let Some(oldest) = self.checkpoints.front() else {
            return if self.running.is_some() {
                CheckpointStep::CommitFirst
            } else {
                CheckpointStep::Nothing
            };
        };
        if oldest.blocks.iter().any(|block| self.is_owned(*block)) {
            q.way().decide("the running transaction owns a block that must be written in its place");
            return CheckpointStep::CommitFirst;
        }
        let dirty: Vec<_> = oldest.blocks.iter().copied().filter(|block| buffers.is_dirty(*block)).collect();
        for batch in dirty.chunks(BATCH) {
            write_in_place(q, buffers, batch);
        }
        self.checkpoints.pop_front();
        self.cleanup_tail(q);
        CheckpointStep::Progress
    }

    /// Moves the tail behind what needs no replay any more. Returns whether it moved.
    /// v6.6 fs/jbd2/checkpoint.c, `jbd2_cleanup_journal_tail`
    pub fn cleanup_tail(&mut self, q: &mut Queue) -> bool {
        let (tid, block) = self.log_tail();
        if !tid.is_after(self.tail_tid) {
            return false;
        }
        q.way().enter("jbd2_cleanup_journal_tail");
        if !q.lacks(Mutant::TailWithoutFlush) {
            q.flush(Why::FlushBeforeTail);
        }
        self.update_log_tail(q, tid, block);
        q.way().leave();
        true
    }

    /// The log ends empty, at unmount. v6.6 fs/jbd2/journal.c, `jbd2_mark_journal_empty`
    pub fn mark_empty(&mut self, q: &mut Queue) {
        self.next_tid = self.next_tid.next();
        self.tail_tid = self.next_tid;
        self.superblock.head = self.head;
        let tid = self.tail_tid;
        // A log that is empty has no fast commits either, and the feature is not needed to read it.
        let features = self.superblock.features;
        self.superblock.features = features.without(JournalIncompat::FAST_COMMIT);
        self.write_superblock(tid, 0);
        self.superblock.features = features;
        q.write_durably(
            self.area[0],
            &self.superblock_block,
            Some(Why::FlushBeforeTail),
            Why::JournalSuperblock,
        );
        self.flushed = true;
    }

    /// Where the log could begin: the oldest transaction that is needed.
    /// v6.6 fs/jbd2/journal.c, `jbd2_journal_get_log_tail`
    pub(super) fn log_tail(&self) -> (Tid, u32) {
        if let Some(oldest) = self.checkpoints.front() {
            (oldest.tid, oldest.log_start)
        } else if let Some(committing) = &self.committing {
            (committing.tid, committing.log_start)
        } else if let Some(running) = &self.running {
            (running.tid, self.head)
        } else {
            (self.next_tid, self.head)
        }
    }

    /// Names a new tail; what lies before it is free. v6.6 fs/jbd2/journal.c, `__jbd2_update_log_tail`
    ///
    /// No crash state shows whether FUA was there: a handle starts only where more is free than a transaction takes, so
    /// that the log cannot reach what is freed here before another commit, and its flush, have come.
    pub(super) fn update_log_tail(&mut self, q: &mut Queue, tid: Tid, block: u32) {
        self.write_superblock(tid, block);
        q.write_durably(self.area[0], &self.superblock_block, None, Why::JournalSuperblock);
        self.free += self.distance(self.tail, block);
        self.tail_tid = tid;
        self.tail = block;
    }

    /// The new contents of the journal superblock.
    pub(super) fn write_superblock(&mut self, tid: Tid, start: u32) {
        self.superblock.sequence = tid;
        self.superblock.start = start;
        self.superblock.write_into(&mut self.superblock_block);
    }

    /// How far the log goes from one block to another, round its end.
    pub(super) const fn distance(&self, from: u32, to: u32) -> u32 {
        if to >= from { to - from } else { to + (self.superblock.log_end() - self.superblock.first) - from }
    }

    /// Drops blocks that are in their places already, from the oldest transaction on.
    /// v6.6 fs/jbd2/checkpoint.c, `__jbd2_journal_clean_checkpoint_list`
    pub(super) fn clean_checkpoint_list(&mut self, buffers: &Buffers) {
        while let Some(mut oldest) = self.checkpoints.pop_front() {
            oldest.blocks.retain(|block| buffers.is_dirty(*block) || self.is_owned(*block));
            if !oldest.blocks.is_empty() {
                self.checkpoints.push_front(oldest);
                return;
            }
        }
    }

    pub(super) fn drop_finished_checkpoints(&mut self) {
        self.checkpoints.retain(|checkpoint| !checkpoint.blocks.is_empty());
    }
}

/// Writes metadata blocks in their places, neighbours in one piece, and waits.
pub(crate) fn write_in_place(q: &mut Queue, buffers: &mut Buffers, blocks: &[BlockNr]) {
    let mut requests = Vec::new();
    for nr in blocks {
        if let Some(data) = buffers.get(*nr).cloned() {
            let what = buffers.what(*nr).map_or_else(String::new, ToString::to_string);
            buffers.mark_clean(*nr);
            requests.push(q.submit_write(*nr, &[data], Why::InPlace { block: *nr, what }));
        }
    }
    for request in requests {
        q.wait(request);
    }
}
