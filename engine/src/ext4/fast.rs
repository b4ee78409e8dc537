//! Fast commits: an fsync that writes what has changed, and not the blocks in which it has.
//!
//! ```text
//!   changes ─▶ running transaction ── full commit ─▶ log
//!          └─▶ names, inodes, ranges ── fsync of a file ─▶ HEAD INODE ADD_RANGE CREAT … TAIL, behind the log
//! ```
//! A fast commit takes along what all calls have changed since the last commit, whoever made it: names in their order,
//! then each file that changed, with the blocks that it got or lost. What it cannot say (ineligible) makes the next
//! sync a full commit. After a full commit fast commits start again; the first commit of a mount is a full one.
//!
//! Directories are never inodes of a fast commit but when they are new: their blocks, times and links are not in it.
//! Not modelled: encrypted names, inodes that change while a fast commit is written.
// v6.6 fs/ext4/fast_commit.c

use super::Fs;
use super::namei::Place;
use crate::format::fast::{self, FastName, FastTag, Head, InodeBytes, NameChange};
use crate::format::{Compat, Extent};
use crate::jbd2::{Journal, NoFastCommit, OrderedData, OrderedRange, Transaction};
use crate::units::{FileBlock, Ino, Tid};
use std::collections::BTreeMap;

/// The most blocks that a lookup of a hole tells of at once (`ext4_map_blocks`, INT_MAX).
const LOOKUP: u64 = 0x7FFF_FFFF;

/// What has changed since the last commit, full or fast.
#[derive(Clone, Default, Debug)]
pub(super) struct Fast {
    /// The inodes, in the order in which they first changed (`s_fc_q`).
    inodes: Vec<Ino>,
    /// The names, in their order (`s_fc_dentry_q`).
    names: Vec<FastName>,
    /// The blocks of files that may lie elsewhere now: first and last (`i_fc_lblk_start`, `i_fc_lblk_len`).
    ranges: BTreeMap<Ino, (FileBlock, FileBlock)>,
    /// Why the running transaction cannot be committed fast (EXT4_MF_FC_INELIGIBLE).
    ineligible: Option<&'static str>,
}

impl Fs {
    /// Whether fast commits are on. v6.6 fs/ext4/fast_commit.c, `ext4_fc_disabled`
    fn commits_fast(&self) -> bool {
        self.options.fast_commit && self.superblock.compat.has(Compat::FAST_COMMIT) && self.journal.is_some()
    }

    fn tracks(&self) -> bool {
        self.commits_fast() && self.fast.ineligible.is_none()
    }

    /// The running transaction has what no fast commit can say.
    /// v6.6 fs/ext4/fast_commit.c, `ext4_fc_mark_ineligible`
    pub(super) fn mark_ineligible(&mut self, why: &'static str) {
        if self.tracks() {
            self.within("ext4_fc_mark_ineligible", |fs| {
                fs.decide(format!("{why}: the next sync commits the whole transaction"));
            });
            self.fast.ineligible = Some(why);
        }
    }

    /// An inode changes. v6.6 fs/ext4/fast_commit.c, `ext4_fc_track_inode`
    pub(super) fn track_inode(&mut self, ino: Ino) {
        if !self.tracks() || self.inode(ino).is_directory() {
            return;
        }
        if !self.inode(ino).is_regular() {
            // Its blocks count as journalled data. v6.6 fs/ext4/ext4_jbd2.c, ext4_inode_journal_mode
            self.mark_ineligible("a symlink has changed");
            return;
        }
        if !self.fast.inodes.contains(&ino) {
            self.fast.inodes.push(ino);
        }
    }

    /// Blocks of a file may lie elsewhere now. v6.6 fs/ext4/fast_commit.c, `ext4_fc_track_range`
    pub(super) fn track_range(&mut self, ino: Ino, first: FileBlock, last: FileBlock) {
        if !self.tracks() || !self.inode(ino).is_regular() || first > last {
            return;
        }
        self.track_inode(ino);
        let range = self.fast.ranges.entry(ino).or_insert((first, last));
        *range = (range.0.min(first), range.1.max(last));
    }

    /// A name changes. v6.6 fs/ext4/fast_commit.c, `__track_dentry_update`
    pub(super) fn track_name(&mut self, change: NameChange, place: Place<'_>, ino: Ino) {
        if self.tracks() {
            self.fast.names.push(FastName { change, parent: place.dir, ino, name: place.name.to_vec() });
        }
    }

    /// An inode is gone: that it was made need not be said. v6.6 fs/ext4/fast_commit.c, `ext4_fc_del`
    pub(super) fn untrack(&mut self, ino: Ino) {
        self.fast.inodes.retain(|tracked| *tracked != ino);
        self.fast.names.retain(|name| name.change != NameChange::Creat || name.ino != ino);
        self.fast.ranges.remove(&ino);
    }

    /// A transaction was committed with all that is in it. v6.6 fs/ext4/fast_commit.c, `ext4_fc_cleanup`
    pub(super) fn forget_fast_changes(&mut self) {
        self.fast = Fast::default();
    }

    /// Makes a transaction durable as far as it goes now. v6.6 fs/ext4/fast_commit.c, `ext4_fc_commit`
    pub(super) fn commit_fast(&mut self, tid: Tid) {
        if !self.commits_fast() {
            self.complete_transaction(tid);
            return;
        }
        match self.journal.as_ref().map(|journal| journal.begin_fast_commit(tid)) {
            Some(Err(NoFastCommit::First)) => {
                self.decide("no fast commit before the first full one of a mount");
                self.complete_transaction(tid);
            }
            Some(Err(NoFastCommit::Committed)) | None => {
                self.decide(format!("transaction {tid} is committed already: nothing to do"));
            }
            Some(Ok(())) => {
                if let Some(why) = self.fast.ineligible {
                    self.decide(format!("ineligible for a fast commit: {why}"));
                    self.complete_transaction(tid);
                } else if !self.within("ext4_fc_perform_commit", |fs| fs.write_fast_commit(tid)) {
                    self.decide("no block is left for fast commits: the whole transaction is committed");
                    self.complete_transaction(tid);
                }
            }
        }
    }

    /// Writes a fast commit, its data first. Returns whether there was room for it.
    /// v6.6 fs/ext4/fast_commit.c, `ext4_fc_perform_commit`
    fn write_fast_commit(&mut self, tid: Tid) -> bool {
        self.write_data_of_fast_commit();
        let is_first = self.journal.as_ref().is_some_and(Journal::is_fast_area_unused);
        let head = if is_first { Head::Written } else { Head::Before };
        let (inodes, names) = (std::mem::take(&mut self.fast.inodes), std::mem::take(&mut self.fast.names));
        let mut tags = Vec::new();
        for name in names {
            // A new inode is there before its name is.
            if name.change == NameChange::Creat {
                self.tag_inode(name.ino, &mut tags);
                self.tag_ranges(name.ino, &mut tags);
            }
            tags.push(FastTag::Name(name));
        }
        for ino in inodes {
            self.tag_ranges(ino, &mut tags);
            self.tag_inode(ino, &mut tags);
        }
        let blocks = fast::to_blocks(tid, head, &tags);
        self.decide(format!(
            "a fast commit of transaction {tid}: {} changes in {} blocks",
            tags.len(),
            blocks.len()
        ));
        match &mut self.journal {
            Some(journal) => journal.write_fast_commit(&mut self.q, tid, &blocks),
            None => false,
        }
    }

    /// Ordered data of the files that are in it. v6.6 fs/ext4/fast_commit.c, `ext4_fc_submit_inode_data_all`
    fn write_data_of_fast_commit(&mut self) {
        let ordered: Vec<(Ino, OrderedRange)> = self
            .running()
            .map(Transaction::ordered)
            .into_iter()
            .flatten()
            .filter(|(ino, _)| self.fast.inodes.contains(ino))
            .map(|(ino, range)| (*ino, *range))
            .collect();
        for (ino, range) in &ordered {
            let (first, last) = self.ordered_pages(*range);
            match range.data {
                OrderedData::WriteAndWait => {
                    self.finish_mapped_writebacks(*ino, first, last);
                    self.submit_mapped_pages(*ino, first, last);
                }
                OrderedData::Wait => {}
            }
        }
        for (ino, range) in &ordered {
            let (first, last) = self.ordered_pages(*range);
            self.finish_mapped_writebacks(*ino, first, last);
        }
    }

    /// The inode as the journal has been told. v6.6 fs/ext4/fast_commit.c, `ext4_fc_write_inode`
    fn tag_inode(&mut self, ino: Ino, tags: &mut Vec<FastTag>) {
        let (nr, what, slot) = self.inode_place(ino);
        let bytes = InodeBytes::of(&self.bread(nr, what), slot);
        tags.push(FastTag::Inode { ino, bytes });
    }

    /// Where the blocks of the tracked range lie. v6.6 fs/ext4/fast_commit.c, `ext4_fc_write_inode_data`
    fn tag_ranges(&mut self, ino: Ino, tags: &mut Vec<FastTag>) {
        let Some((first, last)) = self.fast.ranges.remove(&ino) else { return };
        let extents = self.inode(ino).tree.extents();
        let (start, end) = (u64::from(first.get()), u64::from(last.get()) + 1);
        let mut rest = extents.iter().filter(|extent| extent.end() > start).peekable();
        let mut at = start;
        while at < end {
            let from = FileBlock::new(u32::try_from(at).unwrap_or(u32::MAX));
            let next = rest.peek().map_or(end, |extent| u64::from(extent.from.get()).clamp(at, end));
            let blocks = if at < next {
                let blocks = u32::try_from((next - at).min(LOOKUP)).unwrap_or(u32::MAX);
                tags.push(FastTag::DelRange { ino, from, blocks });
                blocks
            } else if let Some(held) = rest.next() {
                let blocks = u32::try_from(held.end().min(end) - at).unwrap_or(u32::MAX);
                let skipped = u64::from(from.get() - held.from.get());
                let extent = Extent { from, blocks, at: held.at.plus(skipped), state: held.state };
                tags.push(FastTag::AddRange { ino, extent });
                blocks
            } else {
                return;
            };
            at += u64::from(blocks);
        }
    }
}
