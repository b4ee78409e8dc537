//! The third pass: copies go home.
//!
//! ```text
//!   D(23, 40 escaped) c c C      block 23 := first copy, block 40 := second copy with its magic put back
//! ```
//! A copy whose checksum is bad ends it. (Linux leaves it out, replays all others, and then the mount fails: what it
//! wrote home is not looked at here.) e2fsck leaves it out, replays all others, and looks at all of the disk then.

use super::error::MountError;
use super::log::{Cursor, Head, Log, Sound};
use super::overlay::{After, Copied, Overlay};
use super::revoke::{Revoked, Revoker};
use crate::device::{Media, Question};
use crate::format::journal::{Descriptor, JournalFormat, Tag};
use crate::units::{Block, BlockNr, Tid};
use std::ops::ControlFlow;
use std::sync::Arc;

/// Which copies follow this descriptor?
struct AskTags(JournalFormat);

impl Question for AskTags {
    type Answer = Vec<Tag>;
    fn answer(&self, content: &Block) -> Vec<Tag> {
        Descriptor::from_block(content, &self.0).map(|descriptor| descriptor.tags).unwrap_or_default()
    }
}

/// Is this the copy that was logged?
struct AskCopy {
    tag: Tag,
    tid: Tid,
    format: JournalFormat,
}

impl Question for AskCopy {
    type Answer = bool;
    fn answer(&self, content: &Block) -> bool {
        self.tag.matches(&self.format, self.tid, content)
    }
}

/// What a bad copy leads to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BadCopy {
    /// The mount fails.
    Fails,
    /// It is left out.
    LeftOut,
}

/// The third pass, as far as it came.
#[derive(Clone, Debug)]
pub(super) struct Replayer {
    log: Arc<Log>,
    /// The first transaction that is not replayed.
    end: Tid,
    revoked: Revoked,
    overlay: Overlay,
    cursor: Cursor,
    tid: Tid,
    /// The tags of the descriptor that was read last, and how many of their copies are done.
    tags: Arc<[Tag]>,
    done: usize,
    bad: BadCopy,
    /// Whether a bad copy was left out.
    left_out: bool,
}

impl Replayer {
    /// At the start of the log, with nothing to read.
    pub(super) fn of(log: Arc<Log>, bad: BadCopy) -> Self {
        let (cursor, tid) = (log.start(), log.first_tid());
        let (revoked, overlay) = (Revoked::default(), Overlay::default());
        let (tags, done, left_out) = (Arc::default(), 0, false);
        Self { log, end: tid, revoked, overlay, cursor, tid, tags, done, bad, left_out }
    }

    /// Whether a bad copy was left out.
    pub(super) const fn left_out(&self) -> bool {
        self.left_out
    }

    /// Goes on to this transaction, to which the revoke blocks were read too. What was revoked since the last time is
    /// taken back: all that was replayed is from the transactions of those revokes, or from earlier ones.
    pub(super) fn until(&mut self, end: Tid, revoker: &mut Revoker) {
        self.end = end;
        let (revoked, fresh) = revoker.found();
        self.revoked = revoked;
        fresh.iter().for_each(|block| self.overlay.take_back(*block));
    }

    /// Whether the next copy is replayed onto the journal itself.
    pub(super) fn is_onto_log(&self) -> bool {
        self.tags.get(self.done).is_some_and(|tag| self.log.contains(tag.block))
    }

    /// Reads one block of the log: a copy, or what stands between them. Where a hostile log replays onto itself, what
    /// was replayed is what is read. After an error it stands where it stood.
    // v6.6 fs/jbd2/recovery.c, do_one_pass with PASS_REPLAY.
    pub(super) fn step<M: Media>(&mut self, disk: &mut M) -> Result<ControlFlow<Overlay>, MountError> {
        if let Some(tag) = self.tags.get(self.done).copied() {
            let at = self.log.block(self.cursor)?;
            let next = self.log.step(self.cursor, 1)?;
            self.copy(disk, at, tag)?;
            (self.cursor, self.done) = (next, self.done.saturating_add(1));
            return Ok(ControlFlow::Continue(()));
        }
        let (here, tid) = (self.cursor, self.tid);
        if tid.is_at_or_after(self.end) {
            return self.ended();
        }
        let mut after = After::new(disk, &self.overlay);
        let head = self.log.head(&mut after, here, tid)?;
        if head == Head::End {
            return self.ended();
        }
        let next = self.log.step(here, 1)?;
        match head {
            Head::End => return self.ended(),
            Head::Descriptor { checksum: Sound::Bad, .. } => return Err(MountError::BadDescriptor { tid }),
            Head::Descriptor { checksum: Sound::Good, .. } => {
                self.tags = after.ask(self.log.block(here)?, &AskTags(self.log.format)).into();
                self.done = 0;
            }
            Head::Revoke { .. } => {}
            Head::Commit { .. } => self.tid = tid.next(),
        }
        self.cursor = next;
        Ok(ControlFlow::Continue(()))
    }

    fn ended(&self) -> Result<ControlFlow<Overlay>, MountError> {
        if self.tid != self.end {
            return Err(MountError::PassesDisagree { found: self.tid, expected: self.end });
        }
        Ok(ControlFlow::Break(self.overlay.clone()))
    }

    /// Replays a copy.
    fn copy<M: Media>(&mut self, disk: &mut M, copy: BlockNr, tag: Tag) -> Result<(), MountError> {
        let (tid, format) = (self.tid, self.log.format);
        if self.revoked.covers(tag.block, tid) {
            return Ok(());
        }
        if !After::new(disk, &self.overlay).ask(copy, &AskCopy { tag, tid, format }) {
            return match self.bad {
                BadCopy::Fails => Err(MountError::BadCopy { block: tag.block, tid }),
                // e2fsprogs 1.47 e2fsck/recovery.c, do_one_pass: "Invalid checksum recovering data block"
                BadCopy::LeftOut => {
                    self.left_out = true;
                    Ok(())
                }
            };
        }
        // The kernel finds no buffer for such a block.
        if tag.block.get() >= disk.blocks() {
            return Err(MountError::CopyOutside { tid, block: tag.block, blocks: disk.blocks() });
        }
        let copied = Copied { at: copy, escaped: tag.escaped, onto_log: self.log.contains(tag.block) };
        self.overlay.replay(disk, tag.block, copied);
        Ok(())
    }
}
