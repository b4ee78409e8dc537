//! The third pass: copies go home.
//!
//! ```text
//!   D(23, 40 escaped) c c C      block 23 := first copy, block 40 := second copy with its magic put back
//! ```
//! A copy whose checksum is bad is left out, all others are replayed, and then the mount fails.

use super::error::MountError;
use super::log::{Cursor, Head, Log, Sound};
use super::overlay::{After, Copied, Overlay};
use super::revoke::Revoked;
use crate::device::{Media, Question};
use crate::format::journal::{Descriptor, JournalFormat, Tag};
use crate::units::{Block, BlockNr, Tid};

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

/// Replays all transactions before `end`.
// v6.6 fs/jbd2/recovery.c, do_one_pass with PASS_REPLAY.
pub(super) fn replay<M: Media>(
    disk: &mut M,
    log: &Log,
    end: Tid,
    revoked: &Revoked,
) -> Result<Overlay, MountError> {
    let mut replay = Replay { log, revoked, overlay: Overlay::default(), bad: None };
    let (mut cursor, mut tid) = (log.start(), log.first_tid());
    while !tid.is_at_or_after(end) {
        // Where a hostile log replays onto itself, what was replayed is what is read.
        let head = log.head(&mut After::new(disk, &replay.overlay), cursor, tid)?;
        match head {
            Head::End => break,
            Head::Descriptor { checksum: Sound::Bad, .. } => return Err(MountError::BadDescriptor { tid }),
            Head::Descriptor { checksum: Sound::Good, .. } => {
                cursor = replay.descriptor(disk, cursor, tid)?
            }
            Head::Revoke { .. } => cursor = log.step(cursor, 1)?,
            Head::Commit { .. } => {
                cursor = log.step(cursor, 1)?;
                tid = tid.next();
            }
        }
    }
    if tid != end {
        return Err(MountError::PassesDisagree { found: tid, expected: end });
    }
    match replay.bad {
        Some((copies, block, tid)) => Err(MountError::BadCopies { copies, block, tid }),
        None => Ok(replay.overlay),
    }
}

struct Replay<'a> {
    log: &'a Log,
    revoked: &'a Revoked,
    overlay: Overlay,
    /// How many copies were bad, and the first of them.
    bad: Option<(u32, BlockNr, Tid)>,
}

impl Replay<'_> {
    fn descriptor<M: Media>(&mut self, disk: &mut M, at: Cursor, tid: Tid) -> Result<Cursor, MountError> {
        let (log, format) = (self.log, self.log.format);
        let tags = After::new(disk, &self.overlay).ask(log.block(at)?, &AskTags(format));
        let mut cursor = log.step(at, 1)?;
        for tag in tags {
            let copy = log.block(cursor)?;
            cursor = log.step(cursor, 1)?;
            if self.revoked.covers(tag.block, tid) {
                continue;
            }
            if !After::new(disk, &self.overlay).ask(copy, &AskCopy { tag, tid, format }) {
                let (copies, block, first) = self.bad.unwrap_or((0, tag.block, tid));
                self.bad = Some((copies.saturating_add(1), block, first));
                continue;
            }
            // The kernel finds no buffer for such a block.
            if tag.block.get() >= disk.blocks() {
                return Err(MountError::CopyOutside { tid, block: tag.block, blocks: disk.blocks() });
            }
            let copied = Copied { at: copy, escaped: tag.escaped, onto_log: log.contains(tag.block) };
            self.overlay.replay(disk, tag.block, copied);
        }
        Ok(cursor)
    }
}
