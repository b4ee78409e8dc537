//! The second pass: which copies must not be replayed.
//!
//! ```text
//!   7: D(23 24) c c C | 8: R(23) C | 9: D(23) c C        the copy of 23 in 7 is skipped, the one in 9 is not
//! ```

use super::error::MountError;
use super::log::{Head, Log, Sound, corrupt};
use crate::device::{Media, Question};
use crate::format::FormatError;
use crate::format::journal::{JournalFormat, Revoke};
use crate::units::{Block, BlockNr, Tid};
use std::collections::BTreeMap;

/// For each revoked block the last transaction that revoked it.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Revoked(BTreeMap<BlockNr, Tid>);

impl Revoked {
    /// Whether a copy of this block in this transaction must not be replayed.
    // v6.6 fs/jbd2/revoke.c, jbd2_journal_test_revoke.
    pub(super) fn covers(&self, block: BlockNr, tid: Tid) -> bool {
        self.0.get(&block).is_some_and(|last| !tid.is_after(*last))
    }

    // v6.6 fs/jbd2/revoke.c, jbd2_journal_set_revoke.
    fn add(&mut self, block: BlockNr, tid: Tid) {
        let last = self.0.entry(block).or_insert(tid);
        if tid.is_after(*last) {
            *last = tid;
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

/// Reads the revoke blocks of all transactions before `end`.
// v6.6 fs/jbd2/recovery.c, do_one_pass with PASS_REVOKE.
pub(super) fn revoked<M: Media>(disk: &mut M, log: &Log, end: Tid) -> Result<Revoked, MountError> {
    let mut revoked = Revoked::default();
    let (mut cursor, mut tid) = (log.start(), log.first_tid());
    while !tid.is_at_or_after(end) {
        let here = cursor;
        match log.head(disk, here, tid)? {
            Head::End => break,
            Head::Descriptor { checksum: Sound::Bad, .. } | Head::Revoke { checksum: Sound::Bad } => {
                return Err(MountError::BadDescriptor { tid });
            }
            Head::Descriptor { copies, checksum: Sound::Good } => {
                cursor = log.step(log.step(here, 1)?, copies)?
            }
            Head::Revoke { checksum: Sound::Good } => {
                let blocks = disk.ask(log.block(here)?, &AskRevoked(log.format));
                for block in blocks.map_err(|error| corrupt(tid, error))? {
                    revoked.add(block, tid);
                }
                cursor = log.step(here, 1)?;
            }
            Head::Commit { .. } => {
                cursor = log.step(here, 1)?;
                tid = tid.next();
            }
        }
    }
    if tid == end { Ok(revoked) } else { Err(MountError::PassesDisagree { found: tid, expected: end }) }
}
