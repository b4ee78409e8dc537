//! The first pass: how far does the log go?
//!
//! ```text
//!   D c c C | D c C | D c ·        end = the tid of the third: it has no commit block
//!      7        8      9
//! ```
//! The log ends at the first block that is not of the expected transaction. A descriptor or revoke block with a bad
//! checksum may be left over from an earlier lap of the log: only a commit block with the expected tid, and no older
//! than the one before, proves that it is not. Meanwhile its tags are counted as they stand.

use super::TornCommit;
use super::error::MountError;
use super::log::{Cursor, Head, Log, Sound};
use crate::device::{Media, Question};
use crate::format::checksum::crc32_be;
use crate::format::journal::{ChecksumVersion, Commit, CommitChecksum, JournalIncompat};
use crate::units::{Block, Tid};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The first pass, as far as it came.
#[derive(Clone, Debug)]
pub(super) struct Scanner {
    log: Arc<Log>,
    torn: TornCommit,
    cursor: Cursor,
    /// The transaction that is expected.
    tid: Tid,
    end: Option<Tid>,
    /// A descriptor or revoke block had a bad checksum.
    suspicious: bool,
    /// When the last transaction was committed.
    last_secs: u64,
    /// The checksum v1 of the transaction so far.
    crc: u32,
    /// How many copies are to be summed up before the log goes on.
    to_sum: u32,
}

/// What the first pass does next, or the first transaction that is not replayed.
type Next = ControlFlow<Tid>;

impl Scanner {
    /// At the start of the log.
    pub(super) fn of(log: Arc<Log>, torn: TornCommit) -> Self {
        let (cursor, tid) = (log.start(), log.first_tid());
        Self { log, torn, cursor, tid, end: None, suspicious: false, last_secs: 0, crc: u32::MAX, to_sum: 0 }
    }

    /// The first transaction that is not certain to be replayed, if the mount does not fail.
    pub(super) fn certain(&self) -> Tid {
        self.end.unwrap_or(self.tid)
    }

    /// Reads one block of the log.
    ///
    /// A transaction whose commit is corrupt ends it: the mount fails, whatever else the log holds. (Linux goes on,
    /// replays the transactions before it, and fails then.)
    // v6.6 fs/jbd2/recovery.c, do_one_pass with PASS_SCAN; fs/jbd2/journal.c, jbd2_journal_load: j_failed_commit.
    pub(super) fn step<M: Media>(&mut self, disk: &mut M) -> Result<Next, MountError> {
        if self.to_sum > 0 {
            return self.sum(disk);
        }
        let here = self.cursor;
        let head = self.log.head(disk, here, self.tid)?;
        if head == Head::End {
            return Ok(self.stop());
        }
        self.cursor = self.log.step(here, 1)?;
        match head {
            Head::End => Ok(self.stop()),
            Head::Descriptor { copies, checksum } => {
                self.suspicious |= checksum == Sound::Bad;
                if self.sums_v1() && !self.suspicious && self.end.is_none() {
                    self.crc = disk.ask(self.log.block(here)?, &AskCrc(self.crc));
                    self.to_sum = copies;
                } else {
                    self.cursor = self.log.step(self.cursor, copies)?;
                }
                Ok(Next::Continue(()))
            }
            Head::Revoke { checksum } => {
                self.suspicious |= checksum == Sound::Bad;
                Ok(Next::Continue(()))
            }
            Head::Commit { commit, checksum } => self.commit(&commit, checksum),
        }
    }

    fn stop(&self) -> Next {
        Next::Break(self.certain())
    }

    fn commit(&mut self, commit: &Commit, checksum: CommitChecksum) -> Result<Next, MountError> {
        let is_older = commit.secs < self.last_secs;
        if self.suspicious {
            // Left over from an earlier lap, or corrupt?
            return if is_older { Ok(self.stop()) } else { Err(MountError::BadDescriptor { tid: self.tid }) };
        }
        let mut good = match (checksum, self.torn) {
            (CommitChecksum::Good, _) | (CommitChecksum::GoodAsTorn, TornCommit::Accepted) => true,
            (CommitChecksum::GoodAsTorn, TornCommit::Rejected) | (CommitChecksum::Bad, _) => false,
        };
        if self.sums_v1() {
            if let Some(tid) = self.end {
                // The transaction that failed was not the last one: this was no interrupted commit.
                return Err(MountError::BadCommit { tid });
            }
            good = commit.matches_v1(self.crc);
            if good {
                self.crc = u32::MAX;
            }
        }
        if !good {
            if is_older {
                return Ok(self.stop());
            }
            if !self.log.format.features.has(JournalIncompat::ASYNC_COMMIT) {
                return Err(MountError::BadCommit { tid: self.tid });
            }
            self.end = Some(self.tid);
        }
        self.last_secs = commit.secs;
        self.tid = self.tid.next();
        Ok(Next::Continue(()))
    }

    fn sums_v1(&self) -> bool {
        self.log.format.features.checksums() == ChecksumVersion::V1
    }

    /// Sums up a copy.
    // v6.6 fs/jbd2/recovery.c, calc_chksums.
    fn sum<M: Media>(&mut self, disk: &mut M) -> Result<Next, MountError> {
        self.crc = disk.ask(self.log.block(self.cursor)?, &AskCrc(self.crc));
        self.cursor = self.log.step(self.cursor, 1)?;
        self.to_sum = self.to_sum.saturating_sub(1);
        Ok(Next::Continue(()))
    }
}

/// What is the checksum v1 with this block behind it?
struct AskCrc(u32);

impl Question for AskCrc {
    type Answer = u32;
    fn answer(&self, content: &Block) -> u32 {
        crc32_be(self.0, content.bytes())
    }
}
