//! Fast commits behind the log: how far do they go, and what do they change?
//!
//! ```text
//!   log: … 7 8 │ · │ fast commits: HEAD(9) … TAIL(9) │ … TAIL(9) │ … TAIL(8)      read where the log ends before 9
//!                    counts ─────────────────────────────────────┘ stale
//! ```
//! The area is scanned with the log, one block a step. What is sealed by a good TAIL is done again behind the log's own
//! replay, one tag a step, on the blocks that replay has left: they go into the overlay as they are then. What Linux
//! gets wrong is done wrong here too: the mount fails where the first fast commit has a start and no end, where the
//! area is full, and where a file has lost its last name; a file made without a name loses the one it got; a directory
//! that was made or removed leaves wrong counts.
//!
//! Inodes, bitmaps, descriptors and directories are read whole where a tag changes them.
//!
//! Not modelled: the writes of a replay, which Linux makes in place while it goes.

mod names;
mod ranges;
mod tables;

use super::error::MountError;
use super::fs::Fs;
use super::log::Log;
use super::overlay::Overlay;
use crate::device::{Media, Question};
use crate::format::fast::{FastTag, Scan, ScanEnd, Scanned};
use crate::units::{Block, Ino, Tid};
use std::collections::BTreeSet;
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::Arc;
use tables::Tables;

/// Which tags are in this block of the area?
struct AskTags(Scan);

impl Question for AskTags {
    type Answer = Scanned;
    fn answer(&self, content: &Block) -> Scanned {
        self.0.block(content)
    }
}

/// The scan of the area, as far as it came.
#[derive(Clone, Debug)]
pub(super) struct FastScanner {
    log: Arc<Log>,
    /// The next block of the journal.
    next: u32,
    scan: Scan,
    sealed: Vec<FastTag>,
    open: Vec<FastTag>,
}

impl FastScanner {
    /// At the start of the area. `tid` is the first transaction that the log does not have.
    pub(super) fn of(log: Arc<Log>, tid: Tid) -> Self {
        let next = log.fast_area().start;
        Self { log, next, scan: Scan::of(tid), sealed: Vec::new(), open: Vec::new() }
    }

    /// Reads one block of the area; at its end, what counts.
    // v6.6 fs/jbd2/recovery.c, fc_do_one_pass with PASS_SCAN. It looks for one block more than there are.
    pub(super) fn step<M: Media>(&mut self, disk: &mut M) -> Result<ControlFlow<Arc<[FastTag]>>, MountError> {
        let area = self.log.fast_area();
        if !area.contains(&self.next) {
            return Err(MountError::FastArea { blocks: area.end.saturating_sub(area.start) });
        }
        let found = disk.ask(self.log.place(self.next)?, &AskTags(self.scan));
        if let Some(sealed) = found.sealed {
            self.sealed.append(&mut self.open);
            self.sealed.extend(sealed);
        }
        self.open.extend(found.open);
        self.next = self.next.saturating_add(1);
        match found.end {
            ScanEnd::GoOn(scan) => self.scan = scan,
            ScanEnd::Stop => return Ok(Break(std::mem::take(&mut self.sealed).into())),
            ScanEnd::Fail(error) => {
                return Err(MountError::FastCommit { tid: self.scan.tid, error: error.into() });
            }
        }
        Ok(Continue(()))
    }
}

/// The replay of fast commits, as far as it came.
#[derive(Clone, Debug)]
pub(super) struct FastReplayer {
    tags: Arc<[FastTag]>,
    done: usize,
    /// The inodes that were replayed: in the end their blocks are marked as used.
    changed: BTreeSet<Ino>,
    overlay: Overlay,
}

impl FastReplayer {
    /// At the first tag, on what the log has left.
    pub(super) fn of(tags: Arc<[FastTag]>, overlay: Overlay) -> Self {
        Self { tags, done: 0, changed: BTreeSet::new(), overlay }
    }

    /// Replays one tag; behind the last, marks the blocks of one inode.
    // v6.6 fs/ext4/fast_commit.c, ext4_fc_replay, ext4_fc_set_bitmaps_and_counters.
    pub(super) fn step<M: Media>(
        &mut self,
        disk: &mut M,
        fs: &Fs,
    ) -> Result<ControlFlow<Overlay>, MountError> {
        let tags = self.tags.clone();
        let mut tables = Tables { disk, fs, overlay: &mut self.overlay, tags: &tags };
        match tags.get(self.done) {
            Some(tag) => {
                match tag {
                    FastTag::AddRange { ino, extent } => tables.add_range(*ino, *extent)?,
                    FastTag::DelRange { ino, from, blocks } => tables.del_range(*ino, *from, *blocks)?,
                    FastTag::Name(name) => tables.name(name)?,
                    FastTag::Inode { ino, bytes } => {
                        tables.inode(*ino, bytes)?;
                        self.changed.insert(*ino);
                    }
                }
                self.done = self.done.saturating_add(1);
            }
            None => match self.changed.pop_first() {
                Some(ino) => tables.mark_mapping(ino, tables::Mark::Used),
                None => return Ok(Break(std::mem::take(&mut self.overlay))),
            },
        }
        Ok(Continue(()))
    }
}
