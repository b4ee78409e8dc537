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

/// What the first pass found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Scan {
    /// The first transaction that is not replayed.
    pub(super) end: Tid,
    /// A transaction whose commit is corrupt: the mount fails after the others were replayed.
    pub(super) failed: Option<Tid>,
}

/// Scans the log.
pub(super) fn scan<M: Media>(disk: &mut M, log: &Log, torn: TornCommit) -> Result<Scan, MountError> {
    let mut scanner = Scanner {
        log,
        torn,
        cursor: log.start(),
        tid: log.first_tid(),
        end: None,
        failed: None,
        suspicious: false,
        last_secs: 0,
        crc: u32::MAX,
    };
    while scanner.block(disk)? == Next::GoOn {}
    Ok(Scan { end: scanner.end.unwrap_or(scanner.tid), failed: scanner.failed })
}

struct Scanner<'a> {
    log: &'a Log,
    torn: TornCommit,
    cursor: Cursor,
    /// The transaction that is expected.
    tid: Tid,
    end: Option<Tid>,
    failed: Option<Tid>,
    /// A descriptor or revoke block had a bad checksum.
    suspicious: bool,
    /// When the last transaction was committed.
    last_secs: u64,
    /// The checksum v1 of the transaction so far.
    crc: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    GoOn,
    Stop,
}

impl Scanner<'_> {
    // v6.6 fs/jbd2/recovery.c, do_one_pass with PASS_SCAN.
    fn block<M: Media>(&mut self, disk: &mut M) -> Result<Next, MountError> {
        let here = self.cursor;
        let head = self.log.head(disk, here, self.tid)?;
        if head == Head::End {
            return Ok(Next::Stop);
        }
        self.cursor = self.log.step(here, 1)?;
        match head {
            Head::End => Ok(Next::Stop),
            Head::Descriptor { copies, checksum } => {
                self.suspicious |= checksum == Sound::Bad;
                if self.sums_v1() && !self.suspicious && self.end.is_none() {
                    self.sum(disk, here, copies)?;
                } else {
                    self.cursor = self.log.step(self.cursor, copies)?;
                }
                Ok(Next::GoOn)
            }
            Head::Revoke { checksum } => {
                self.suspicious |= checksum == Sound::Bad;
                Ok(Next::GoOn)
            }
            Head::Commit { commit, checksum } => self.commit(&commit, checksum),
        }
    }

    fn commit(&mut self, commit: &Commit, checksum: CommitChecksum) -> Result<Next, MountError> {
        let is_older = commit.secs < self.last_secs;
        if self.suspicious {
            // Left over from an earlier lap, or corrupt?
            return if is_older { Ok(Next::Stop) } else { Err(MountError::BadDescriptor { tid: self.tid }) };
        }
        let mut good = match (checksum, self.torn) {
            (CommitChecksum::Good, _) | (CommitChecksum::GoodAsTorn, TornCommit::Accepted) => true,
            (CommitChecksum::GoodAsTorn, TornCommit::Rejected) | (CommitChecksum::Bad, _) => false,
        };
        if self.sums_v1() {
            if let Some(end) = self.end {
                // The transaction that failed was not the last one: this was no interrupted commit.
                self.failed = Some(end);
                return Ok(Next::GoOn);
            }
            good = commit.matches_v1(self.crc);
            if good {
                self.crc = u32::MAX;
            }
        }
        if !good {
            if is_older {
                return Ok(Next::Stop);
            }
            self.end = Some(self.tid);
            if !self.log.format.features.has(JournalIncompat::ASYNC_COMMIT) {
                self.failed = Some(self.tid);
                // The kernel's loop goes on, and still expects this transaction.
                return Ok(Next::GoOn);
            }
        }
        self.last_secs = commit.secs;
        self.tid = self.tid.next();
        Ok(Next::GoOn)
    }

    fn sums_v1(&self) -> bool {
        self.log.format.features.checksums() == ChecksumVersion::V1
    }

    /// Sums up a descriptor and its copies.
    // v6.6 fs/jbd2/recovery.c, calc_chksums.
    fn sum<M: Media>(&mut self, disk: &mut M, descriptor: Cursor, copies: u32) -> Result<(), MountError> {
        self.crc = disk.ask(self.log.block(descriptor)?, &AskCrc(self.crc));
        for _ in 0..copies {
            self.crc = disk.ask(self.log.block(self.cursor)?, &AskCrc(self.crc));
            self.cursor = self.log.step(self.cursor, 1)?;
        }
        Ok(())
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
