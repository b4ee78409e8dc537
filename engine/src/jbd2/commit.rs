//! The commit of a transaction, in the phases between which ext4 writes and waits for ordered data.
//!
//! ```text
//!   begin_commit   W(journal superblock) if it says empty
//!                  … ext4 submits ordered data …
//!   write_log      W(revoke) … W(descriptor) W(copy) …
//!                  … ext4 waits for ordered data …
//!   write_record   wait for the log │ PREFLUSH|FUA commit block
//!                  (journal_async_commit: commit block │ wait for all │ FLUSH)
//!   finish_commit  W+FUA(journal superblock) if the tail moves far enough
//! ```
//! v6.6 fs/jbd2/commit.c, `jbd2_journal_commit_transaction`

use super::checkpoint::Checkpoint;
use super::{Journal, Transaction};
use crate::block::{Barrier, Queue};
use crate::device::{Cache, Why};
use crate::format::checksum::crc32_be;
use crate::format::journal::{ChecksumVersion, Commit, Descriptor, JournalIncompat, Revoke, Tag, escape};
use crate::mutant::Mutant;
use crate::page_cache::Buffers;
use crate::units::{Block, BlockNr, RequestIdx, Tid};

impl Journal {
    /// The running transaction stops growing and becomes the committing one.
    ///
    /// # Panics
    /// Where none is running or one is committing.
    #[expect(clippy::expect_used, reason = "a bug in the caller")]
    pub fn begin_commit(&mut self, q: &mut Queue, buffers: &Buffers) {
        assert!(self.committing.is_none(), "one commit at a time");
        if self.flushed {
            q.way().decide("the journal superblock says that the log is empty: it must name the tail first");
            let (tid, tail) = (self.tail_tid, self.tail);
            self.write_superblock(tid, tail);
            let write = q.submit_write(
                self.area[0],
                std::slice::from_ref(&self.superblock_block),
                Why::JournalSuperblock,
            );
            q.wait(write);
            self.flushed = false;
        }
        let mut transaction = self.running.take().expect("a transaction to commit");
        transaction.log_start = self.head;
        self.committing = Some(transaction);
        self.clean_checkpoint_list(buffers);
    }

    /// Submits revoke blocks, descriptors and copies; waits for none of them.
    pub fn write_log(&mut self, q: &mut Queue, buffers: &Buffers) {
        let Some(mut transaction) = self.committing.take() else { return };
        if !transaction.revoked.is_empty() {
            q.way().enter("jbd2_journal_write_revoke_records");
            self.write_revokes(q, &mut transaction);
            q.way().leave();
        }
        q.way().enter("jbd2_journal_write_metadata_buffer");
        let is_v1 = self.format.features.checksums() == ChecksumVersion::V1;
        for batch in transaction.buffers.chunks(self.format.tags_per_descriptor()) {
            let at = self.next_log_block();
            let copies: Vec<_> =
                batch.iter().filter_map(|block| self.copy_of(buffers, transaction.tid, *block)).collect();
            let tags = copies.iter().map(|(tag, _)| *tag).collect();
            let descriptor = Descriptor { tid: transaction.tid, tags }.to_block(&self.format);
            if is_v1 {
                transaction.crc = crc32_be(transaction.crc, descriptor.bytes());
            }
            transaction.io.push(q.submit_write(at, &[descriptor], Why::Descriptor(transaction.tid)));
            for (tag, copy) in copies {
                if is_v1 {
                    transaction.crc = crc32_be(transaction.crc, copy.bytes());
                }
                let what = buffers.what(tag.block).map_or_else(String::new, ToString::to_string);
                let why = Why::Copy { tid: transaction.tid, of: tag.block, what };
                let at = self.next_log_block();
                transaction.io.push(q.submit_write(at, &[copy], why));
            }
        }
        q.way().leave();
        self.committing = Some(transaction);
    }

    /// Waits for the log and writes the commit block; with `journal_async_commit` in the other order. Returns where the
    /// log's tail could move to. v6.6 fs/jbd2/commit.c, `journal_submit_commit_record`
    pub fn write_record(&mut self, q: &mut Queue) -> Option<(Tid, u32)> {
        let mut tail = self.tail_worth_writing();
        if q.lacks(Mutant::TailBeforeRecord)
            && let Some((tid, block)) = tail.take()
        {
            self.update_log_tail(q, tid, block);
        }
        let transaction = self.committing.as_mut()?;
        let (tid, crc) = (transaction.tid, transaction.crc);
        let io = std::mem::take(&mut transaction.io);
        if self.format.features.has(JournalIncompat::ASYNC_COMMIT) {
            self.write_record_early(q, tid, crc, io);
            return tail;
        }
        if !q.lacks(Mutant::CommitWithoutWait) {
            q.way().decide("waits until the log blocks have arrived, which does not make them durable");
            io.into_iter().for_each(|request| q.wait(request));
        }
        q.way().enter("journal_submit_commit_record");
        let (at, commit) = self.record(q, tid, crc);
        let preflush = (!q.lacks(Mutant::CommitWithoutPreflush)).then_some(Why::FlushBeforeCommit(tid));
        let asked = match (q.barrier(), q.disk().cache) {
            (Barrier::Off, _) => "barriers are off: no PREFLUSH, no FUA",
            (Barrier::On, Cache::WriteThrough) => {
                "the disk has no volatile cache: PREFLUSH and FUA cost nothing"
            }
            (Barrier::On, Cache::Volatile) => {
                "REQ_PREFLUSH | REQ_FUA: all that has arrived becomes durable, then the commit block"
            }
        };
        q.way().decide(asked);
        q.write_durably(at, &commit, preflush, Why::Commit(tid));
        q.way().leave();
        tail
    }

    /// The commit block goes out beside what it commits; one flush behind all of it.
    /// v6.6 fs/jbd2/commit.c, `jbd2_journal_commit_transaction`, `jbd2_has_feature_async_commit`
    fn write_record_early(&mut self, q: &mut Queue, tid: Tid, crc: u32, io: Vec<RequestIdx>) {
        q.way().enter("journal_submit_commit_record");
        let (at, commit) = self.record(q, tid, crc);
        q.way().decide("journal_async_commit: the commit block waits for nothing, and is a plain write");
        let record = q.submit_write(at, &[commit], Why::Commit(tid));
        q.way().leave();
        q.way().decide("waits until the log blocks and the commit block have arrived, then flushes");
        io.into_iter().for_each(|request| q.wait(request));
        q.wait(record);
        if !q.lacks(Mutant::AsyncCommitWithoutFlush) {
            q.flush(Why::FlushBehindCommit(tid));
        }
    }

    /// Where the commit block goes, and what it says.
    fn record(&mut self, q: &Queue, tid: Tid, crc: u32) -> (BlockNr, Block) {
        let at = self.next_log_block();
        let now = q.now();
        let commit = Commit::new(tid, now.secs(), now.nanos());
        let commit = match self.format.features.checksums() {
            ChecksumVersion::V1 => commit.with_v1(crc),
            ChecksumVersion::None | ChecksumVersion::V2 | ChecksumVersion::V3 => commit,
        };
        (at, commit.to_block(&self.format))
    }

    /// The transaction is durable: its blocks may be written in their places from now on, and the tail moves if
    /// that frees enough. Returns the transaction, for what it freed.
    pub fn finish_commit(
        &mut self,
        q: &mut Queue,
        buffers: &mut Buffers,
        tail: Option<(Tid, u32)>,
    ) -> Option<Transaction> {
        if let Some((tid, block)) = tail {
            q.way().enter("jbd2_update_log_tail");
            q.way().decide(format!("the log's tail moves to transaction {tid}"));
            self.update_log_tail(q, tid, block);
            q.way().leave();
        }
        let transaction = self.committing.take()?;
        for checkpoint in &mut self.checkpoints {
            // A block that is logged again need not be written in its place for the older transaction.
            // v6.6 fs/jbd2/checkpoint.c, `__jbd2_journal_remove_checkpoint`
            checkpoint.blocks.retain(|block| !transaction.owns(*block));
        }
        for block in &transaction.buffers {
            buffers.mark_dirty(*block, q.now());
        }
        self.checkpoints.push_back(Checkpoint {
            tid: transaction.tid,
            log_start: transaction.log_start,
            blocks: transaction.members.clone(),
        });
        self.drop_finished_checkpoints();
        self.committed = transaction.tid;
        self.has_committed = true;
        self.fast_next = self.superblock.fast_area().start;
        Some(transaction)
    }

    fn write_revokes(&mut self, q: &mut Queue, transaction: &mut Transaction) {
        let revoked: Vec<BlockNr> = transaction.revoked.iter().copied().collect();
        for blocks in revoked.chunks(self.format.revokes_per_block()) {
            let revoke = Revoke { tid: transaction.tid, blocks: blocks.to_vec() }.to_block(&self.format);
            let at = self.next_log_block();
            transaction.io.push(q.submit_write(at, &[revoke], Why::Revoke(transaction.tid)));
        }
    }

    /// A block as it is logged. v6.6 fs/jbd2/journal.c, `jbd2_journal_write_metadata_buffer`
    fn copy_of(&self, buffers: &Buffers, tid: Tid, block: BlockNr) -> Option<(Tag, Block)> {
        let (copy, escaped) = escape(buffers.get(block)?);
        Some((Tag::of(block, escaped, &self.format, tid, &copy), copy))
    }

    /// The tail is moved in a commit only if that frees a whole transaction's worth of log.
    fn tail_worth_writing(&self) -> Option<(Tid, u32)> {
        let (tid, block) = self.log_tail();
        let freed = self.distance(self.tail, block);
        (tid.is_after(self.tail_tid) && freed >= self.max_transaction_buffers()).then_some((tid, block))
    }
}
