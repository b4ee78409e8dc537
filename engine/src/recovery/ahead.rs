//! Taking transactions ahead: what the second and the third pass would do with a transaction, as soon as the first has
//! passed its commit block.
//!
//! ```text
//!   scan       7: D c c C │ 8: R D c C │ 9: D c ·      in turn: scan 7 8 9, revokes 7 8, replay 7 8
//!   taken ahead         7 ┘          8 ┘               ahead:   scan 7, take 7, scan 8, take 8, scan 9
//! ```
//! Linux reads the log three times. A reader that is followed along every legal disk parts during the first pass: the
//! log can end at any transaction. What is taken ahead is read before the ways part, once for all of them, and behind
//! the end of the scan there is nothing left to read.
//!
//! It finds what the passes find in turn. Both passes stand still where they meet anything unusual, and go on from there
//! when the scan is over: an error is met again then. A revoke that is read later cancels what was replayed ahead: as
//! all of that is from the same or from earlier transactions, it cancels all of it. A copy that is bad may be revoked
//! later, so it stops the replay, but not the revokes. It may be asked about copies that are revoked later.
//!
//! Not taken ahead: logs with checksums v1 or asynchronous commits, logs that are ignored; anything from the first copy on
//! that is bad, is replayed onto the journal itself or belongs behind the end of the disk.

use super::log::Log;
use super::replay::{BadCopy, Replayer};
use super::revoke::Revoker;
use crate::device::Media;
use crate::format::journal::{ChecksumVersion, JournalIncompat};
use crate::units::Tid;
use std::ops::ControlFlow::{Break, Continue};
use std::sync::Arc;

/// Whether transactions are taken ahead, or the passes are made in turn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// As Linux does it.
    InTurn,
    /// So that what is common to several ways through the log is read once.
    Ahead,
}

/// The second and the third pass, as far as they came during the first.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    pub(super) revoker: Revoker,
    pub(super) replayer: Replayer,
    /// The first transaction that is not certain to be replayed.
    certain: Tid,
    at: At,
    revokes: Pass,
    replay: Pass,
}

/// Which pass reads next.
#[derive(Clone, Copy, Debug)]
enum At {
    /// None, until there is another transaction that is certain.
    Scan,
    Revoke,
    Replay,
}

/// Whether a pass is taken ahead.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pass {
    Going,
    /// It goes on when the scan is over.
    Waiting,
}

impl Ahead {
    /// At the start of the log. `needs_recovery` says whether somebody asks for the log.
    pub(super) fn of(log: &Arc<Log>, order: Order, needs_recovery: bool, bad: BadCopy) -> Self {
        let features = log.format.features;
        let usual = needs_recovery
            && features.checksums() != ChecksumVersion::V1
            && !features.has(JournalIncompat::ASYNC_COMMIT);
        let pass = match order {
            Order::Ahead if usual => Pass::Going,
            Order::Ahead | Order::InTurn => Pass::Waiting,
        };
        let (certain, at) = (log.first_tid(), At::Scan);
        let (revoker, replayer) = (Revoker::of(log.clone()), Replayer::of(log.clone(), bad));
        Self { revoker, replayer, certain, at, revokes: pass, replay: pass }
    }

    /// The scan is at this transaction: those before it are certain.
    pub(super) fn passed(&mut self, tid: Tid) {
        if tid != self.certain && self.revokes == Pass::Going {
            self.certain = tid;
            self.revoker.until(tid);
            self.at = At::Revoke;
        }
    }

    /// Whether there is something to read before the scan goes on.
    pub(super) const fn is_behind(&self) -> bool {
        match self.at {
            At::Scan => false,
            At::Revoke | At::Replay => true,
        }
    }

    /// Reads one block of a transaction that is certain. An error is not told: whoever goes on meets it again.
    pub(super) fn step<M: Media>(&mut self, disk: &mut M) {
        self.at = match self.at {
            At::Scan => At::Scan,
            At::Revoke => match self.revoker.step(disk) {
                Ok(Continue(())) => At::Revoke,
                Ok(Break(())) if self.replay == Pass::Going => {
                    self.replayer.until(self.certain, &mut self.revoker);
                    At::Replay
                }
                Ok(Break(())) => At::Scan,
                Err(_) => {
                    (self.revokes, self.replay) = (Pass::Waiting, Pass::Waiting);
                    At::Scan
                }
            },
            At::Replay if self.replayer.is_onto_log() => self.wait(),
            At::Replay => match self.replayer.step(disk) {
                Ok(Continue(())) => At::Replay,
                Ok(Break(_)) => At::Scan,
                Err(_) => self.wait(),
            },
        }
    }

    /// Replays nothing more until the scan is over.
    const fn wait(&mut self) -> At {
        self.replay = Pass::Waiting;
        At::Scan
    }
}
