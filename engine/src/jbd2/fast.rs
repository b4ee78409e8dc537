//! Blocks behind the log, for fast commits of the running transaction.
//!
//! ```text
//!   log ──────────▶ │ unused │ W W W(PREFLUSH|FUA) │ W(PREFLUSH|FUA) │ …      from the start again with each commit
//! ```
//! What is in them is the file system's. Not modelled: fast commits of several threads.

use super::Journal;
use crate::block::Queue;
use crate::device::Why;
use crate::mutant::Mutant;
use crate::units::{Block, BlockNr, RequestIdx, Tid, Widen};

/// Why there is no fast commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoFastCommit {
    /// This mount has not committed any transaction.
    First,
    /// It is committed already.
    Committed,
}

impl Journal {
    /// Whether a fast commit of a transaction can begin. v6.6 fs/jbd2/journal.c, `jbd2_fc_begin_commit`
    pub fn begin_fast_commit(&self, tid: Tid) -> Result<(), NoFastCommit> {
        if !self.has_committed {
            return Err(NoFastCommit::First);
        }
        if self.committed.is_at_or_after(tid) {
            return Err(NoFastCommit::Committed);
        }
        Ok(())
    }

    /// Whether the next fast commit is the first since a transaction was committed.
    pub const fn is_fast_area_unused(&self) -> bool {
        self.fast_next == self.superblock.fast_area().start
    }

    /// Writes a fast commit. All but its last block are plain writes that nobody waits for before the last one goes out.
    /// Returns whether there was room; where there is not, the blocks that found some are written all the same.
    /// v6.6 fs/ext4/fast_commit.c, `ext4_fc_submit_bh`; fs/jbd2/journal.c, `jbd2_fc_get_buf`, `jbd2_fc_wait_bufs`
    pub fn write_fast_commit(&mut self, q: &mut Queue, tid: Tid, blocks: &[Block]) -> bool {
        let Some((last, others)) = blocks.split_last() else { return true };
        let mut io: Vec<RequestIdx> = Vec::new();
        for block in others {
            if let Some(at) = self.next_fast_block() {
                io.push(q.submit_write(at, std::slice::from_ref(block), Why::FastCommit(tid)));
            }
        }
        let Some(at) = self.next_fast_block() else {
            io.into_iter().for_each(|request| q.wait(request));
            return false;
        };
        if !others.is_empty() {
            q.way()
                .decide("the last block goes out with a flush before it, and waits for none of the others");
        }
        let preflush =
            (!q.lacks(Mutant::FastCommitWithoutPreflush)).then_some(Why::FlushBeforeFastCommit(tid));
        q.write_durably(at, last, preflush, Why::FastCommit(tid));
        io.into_iter().for_each(|request| q.wait(request));
        true
    }

    fn next_fast_block(&mut self) -> Option<BlockNr> {
        let nr = self.superblock.fast_area().contains(&self.fast_next).then_some(self.fast_next)?;
        let at = self.area.get(nr.index()).copied()?;
        self.fast_next = nr + 1;
        Some(at)
    }
}
