//! The second pass: which copies must not be replayed.
//!
//! ```text
//!   7: D(23 24) c c C | 8: R(23) C | 9: D(23) c C        the copy of 23 in 7 is skipped, the one in 9 is not
//! ```

use super::error::MountError;
use super::log::{Cursor, Head, Log, Sound, corrupt};
use super::shelf::Shelf;
use crate::device::{Media, Question};
use crate::format::FormatError;
use crate::format::journal::{JournalFormat, Revoke};
use crate::units::{Block, BlockNr, Tid};
use std::ops::ControlFlow;
use std::sync::Arc;

/// For each revoked block the last transaction that revoked it; a copy shares them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Revoked(Shelf<BlockNr, Tid>);

impl Revoked {
    /// Whether a copy of this block in this transaction must not be replayed.
    // v6.6 fs/jbd2/revoke.c, jbd2_journal_test_revoke.
    pub(super) fn covers(&self, block: BlockNr, tid: Tid) -> bool {
        self.0.get(&block).is_some_and(|last| !tid.is_after(*last))
    }

    // v6.6 fs/jbd2/revoke.c, jbd2_journal_set_revoke.
    fn add(&mut self, block: BlockNr, tid: Tid) {
        if self.0.get(&block).is_none_or(|last| tid.is_after(*last)) {
            self.0.insert(block, tid);
        }
    }
}

/// Which blocks does this block revoke?
struct AskRevoked(JournalFormat);

impl Question for AskRevoked {
    type Answer = Result<Vec<BlockNr>, FormatError>;
    fn answer(&self, content: &Block) -> Self::Answer {
        Revoke::from_block(content, &self.0).map(|revoke| revoke.blocks)
    }
}

/// The second pass, as far as it came.
#[derive(Clone, Debug)]
pub(super) struct Revoker {
    log: Arc<Log>,
    /// The first transaction that is not read.
    end: Tid,
    cursor: Cursor,
    tid: Tid,
    revoked: Revoked,
    /// Those that were revoked since somebody asked for them.
    fresh: Arc<Vec<BlockNr>>,
}

impl Revoker {
    /// At the start of the log, with nothing to read.
    pub(super) fn of(log: Arc<Log>) -> Self {
        let (cursor, tid) = (log.start(), log.first_tid());
        Self { log, end: tid, cursor, tid, revoked: Revoked::default(), fresh: Arc::default() }
    }

    /// Goes on to this transaction.
    pub(super) const fn until(&mut self, end: Tid) {
        self.end = end;
    }

    /// What was revoked so far, and which blocks of them since this was last asked.
    pub(super) fn found(&mut self) -> (Revoked, Arc<Vec<BlockNr>>) {
        (self.revoked.clone(), std::mem::take(&mut self.fresh))
    }

    /// The first transaction that is not read.
    pub(super) const fn end(&self) -> Tid {
        self.end
    }

    /// Reads one block of the log that is no copy. After an error it stands where it stood.
    // v6.6 fs/jbd2/recovery.c, do_one_pass with PASS_REVOKE.
    pub(super) fn step<M: Media>(&mut self, disk: &mut M) -> Result<ControlFlow<()>, MountError> {
        let (here, tid) = (self.cursor, self.tid);
        if tid.is_at_or_after(self.end) {
            return self.ended();
        }
        match self.log.head(disk, here, tid)? {
            Head::End => return self.ended(),
            Head::Descriptor { checksum: Sound::Bad, .. } | Head::Revoke { checksum: Sound::Bad } => {
                return Err(MountError::BadDescriptor { tid });
            }
            Head::Descriptor { copies, checksum: Sound::Good } => {
                self.cursor = self.log.step(self.log.step(here, 1)?, copies)?;
            }
            Head::Revoke { checksum: Sound::Good } => {
                let blocks = disk.ask(self.log.block(here)?, &AskRevoked(self.log.format));
                let blocks = blocks.map_err(|error| corrupt(tid, error))?;
                self.cursor = self.log.step(here, 1)?;
                blocks.iter().for_each(|block| self.revoked.add(*block, tid));
                Arc::make_mut(&mut self.fresh).extend(blocks);
            }
            Head::Commit { .. } => {
                self.cursor = self.log.step(here, 1)?;
                self.tid = tid.next();
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    fn ended(&self) -> Result<ControlFlow<()>, MountError> {
        if self.tid != self.end {
            return Err(MountError::PassesDisagree { found: self.tid, expected: self.end });
        }
        Ok(ControlFlow::Break(()))
    }
}
