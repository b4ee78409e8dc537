//! Driving the journal: commits with their ordered data, and room in the log.

use super::Fs;
use crate::jbd2::{CheckpointStep, OrderedData, OrderedRange, Transaction};
use crate::kernel::{OrderedCommit, OrderedScope};
use crate::mutant::Mutant;
use crate::units::{FileBlock, Ino, Tid};

impl Fs {
    /// Commits the running transaction, if there is one. v6.6 fs/jbd2/commit.c, `jbd2_journal_commit_transaction`
    pub(super) fn commit_running(&mut self) {
        let Some(tid) = self.running().map(Transaction::tid) else { return };
        self.within("jbd2_journal_commit_transaction", |fs| {
            fs.decide(format!("commits transaction {tid}: from here on the next one takes what is changed"));
            fs.take_journalled_pages();
            let Some(journal) = &mut fs.journal else { return };
            journal.begin_commit(&mut fs.q, &fs.buffers);
            let ordered: Vec<(Ino, OrderedRange)> = journal
                .committing()
                .map(|committing| committing.ordered().iter().map(|(ino, range)| (*ino, *range)).collect())
                .unwrap_or_default();
            if !ordered.is_empty() {
                fs.within("journal_submit_data_buffers", |fs| {
                    ordered.iter().for_each(|(ino, range)| fs.submit_ordered_data(*ino, *range));
                });
            }
            if let Some(journal) = &mut fs.journal {
                journal.write_log(&mut fs.q, &fs.buffers);
            }
            if !ordered.is_empty() && !fs.q.lacks(Mutant::OrderedWithoutWait) {
                fs.within("journal_finish_inode_data_buffers", |fs| {
                    fs.decide("waits for the ordered data, before the commit block");
                    for (ino, range) in &ordered {
                        let (first, last) = fs.ordered_pages(*range);
                        fs.finish_mapped_writebacks(*ino, first, last);
                    }
                });
            }
            if let Some(journal) = &mut fs.journal {
                let tail = journal.write_record(&mut fs.q);
                journal.finish_commit(&mut fs.q, &mut fs.buffers, tail);
            }
            fs.forget_fast_changes();
        });
        // What was committed waits to be written in its place.
        if self.buffers.dirtied_when().is_some() {
            self.arm_flusher();
        }
    }

    /// Starts to write the ordered data of an inode, where the commit has to.
    /// v6.6 fs/jbd2/commit.c, `journal_submit_data_buffers`
    fn submit_ordered_data(&mut self, ino: Ino, range: OrderedRange) {
        match (range.data, self.options.rules.ordered_commit) {
            (OrderedData::WriteAndWait, _) | (OrderedData::Wait, OrderedCommit::Writes) => {
                let (first, last) = self.ordered_pages(range);
                self.decide(format!(
                    "inode {ino} has ordered data: what is dirty and has a block goes out now"
                ));
                // WB_SYNC_ALL: a page on its way is waited for and written again
                self.finish_mapped_writebacks(ino, first, last);
                self.submit_mapped_pages(ino, first, last);
            }
            (OrderedData::Wait, OrderedCommit::Waits) => {
                self.decide(format!("inode {ino} has ordered data on its way: it will be waited for"));
            }
        }
    }

    /// The pages that a commit looks at.
    pub(super) const fn ordered_pages(&self, range: OrderedRange) -> (FileBlock, FileBlock) {
        match self.options.rules.ordered_scope {
            OrderedScope::Range => (range.first, range.last),
            OrderedScope::WholeFile => (FileBlock::new(0), FileBlock::new(u32::MAX)),
        }
    }

    /// Makes sure that `tid` is committed. v6.6 fs/jbd2/journal.c, `jbd2_complete_transaction`
    pub(super) fn complete_transaction(&mut self, tid: Tid) {
        self.within("jbd2_complete_transaction", |fs| {
            if fs.running().is_some_and(|running| running.tid() == tid) {
                fs.within("jbd2_log_start_commit", |fs| {
                    fs.decide(format!("transaction {tid} is running: it must be committed"));
                });
                fs.wait_for_commit();
            } else {
                fs.decide(format!("transaction {tid} is committed already: nothing to do"));
            }
        });
    }

    /// Has the journal's thread commit what is running, and waits. v6.6 fs/jbd2/journal.c, `jbd2_log_wait_commit`
    pub(super) fn wait_for_commit(&mut self) {
        self.within("jbd2_log_wait_commit", |fs| fs.by_thread("kjournald2", Self::commit_running));
    }

    /// Frees log space until a whole transaction fits. v6.6 fs/jbd2/checkpoint.c, `__jbd2_log_wait_for_space`
    pub(super) fn wait_for_log_space(&mut self) {
        let is_full = |fs: &Self| {
            let journal = fs.journal.as_ref();
            journal.is_some_and(|journal| journal.space_left() < journal.max_transaction_buffers())
        };
        if !is_full(self) {
            return;
        }
        self.within("__jbd2_log_wait_for_space", |fs| {
            fs.decide("the log is nearly full");
            while is_full(fs) {
                match fs.within("jbd2_log_do_checkpoint", Self::do_checkpoint) {
                    CheckpointStep::Progress => {}
                    CheckpointStep::CommitFirst => fs.wait_for_commit(),
                    CheckpointStep::Nothing => unreachable!("an empty log has room for a transaction"),
                }
            }
        });
    }

    /// Writes the oldest transaction's blocks in their places. v6.6 fs/jbd2/checkpoint.c, `jbd2_log_do_checkpoint`
    pub(super) fn do_checkpoint(&mut self) -> CheckpointStep {
        match &mut self.journal {
            Some(journal) => journal.do_checkpoint(&mut self.q, &mut self.buffers),
            None => CheckpointStep::Nothing,
        }
    }
}
