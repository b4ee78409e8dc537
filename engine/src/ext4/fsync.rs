//! The sync calls.
//!
//! ```text
//!   fsync      dirty pages, wait ▸ commit of i_sync_tid      ▸ FLUSH if no commit will flush behind the data
//!   fdatasync  dirty pages, wait ▸ commit of i_datasync_tid  ▸ the same
//!   directory  commit of whatever is running, nothing if nothing is
//!   data=journal: the pages are committed, then written in place, then flushed (before 6.4: committed)
//!   syncfs     all dirty pages ▸ in-place writes ▸ wait ▸ commit ▸ in-place writes, not flushed
//! ```
//! What is done without a journal is in `nojournal.rs`.

use super::Fs;
use super::writeback::SyncMode;
use crate::block::Barrier;
use crate::device::{Cache, Why};
use crate::history::Errno;
use crate::jbd2::{Transaction, write_in_place};
use crate::kernel::{DataJournalSync, FdatasyncTimes, SyncData, SyncFlush, Writer};
use crate::mutant::Mutant;
use crate::scenario::DataMode;
use crate::units::{FileBlock, Ino, Tid};

/// Which metadata a sync call needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Datasync {
    /// All of the inode: fsync, O_SYNC.
    No,
    /// Only what is needed to read the data back: fdatasync, O_DSYNC.
    Yes,
}

impl Fs {
    /// Makes a file durable. v6.6 fs/ext4/fsync.c, `ext4_sync_file`
    pub fn sync_file(
        &mut self,
        ino: Ino,
        first: FileBlock,
        last: FileBlock,
        datasync: Datasync,
    ) -> Result<(), Errno> {
        match self.options.rules.sync_data {
            SyncData::Caller => self.write_pages(ino, first, last, SyncMode::All)?,
            SyncData::FileSystem => {}
        }
        self.within("ext4_sync_file", |fs| {
            if fs.journal.is_none() {
                return fs.fsync_nojournal(ino, (first, last), datasync);
            }
            // Before 6.4 by way of ext4_should_journal_data, which is true of everything but regular files.
            if !fs.inode(ino).is_regular() {
                fs.decide("a directory: whatever transaction is running is committed, whoever is in it");
                fs.force_commit();
                return Ok(());
            }
            match fs.options.rules.sync_data {
                SyncData::FileSystem => fs.within("file_write_and_wait_range", |fs| {
                    fs.write_pages(ino, first, last, SyncMode::All)
                })?,
                SyncData::Caller => {}
            }
            if fs.forces_commit(ino) {
                fs.force_commit();
                return Ok(());
            }
            let needs_barrier = fs.within("ext4_fsync_journal", |fs| fs.fsync_journal(ino, datasync));
            if needs_barrier && !fs.q.lacks(Mutant::SyncWithoutFlush) {
                fs.flush_of_sync();
            }
            Ok(())
        })
    }

    /// Commits whatever is running. v6.6 fs/ext4/ext4_jbd2.h, `ext4_force_commit`
    pub(super) fn force_commit(&mut self) {
        self.within("ext4_force_commit", |fs| match fs.running().map(Transaction::tid) {
            None => fs.decide("no transaction is running: nothing to do"),
            Some(tid) => {
                fs.decide(format!("transaction {tid} is running: it must be committed"));
                fs.wait_for_commit();
            }
        });
    }

    /// Whether the data of a file is durable with a commit, whatever it is. 6.1 fs/ext4/fsync.c, `ext4_sync_file`
    fn forces_commit(&self, ino: Ino) -> bool {
        self.options.data == DataMode::Journal
            && self.inode(ino).is_regular()
            && self.options.rules.data_journal_sync == DataJournalSync::Commits
    }

    /// Whether a commit that has not finished will flush behind data written before.
    fn will_send_data_barrier(&self, tid: Tid) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.will_send_data_barrier(tid))
    }

    /// What fdatasync(2), and msync(2) where it does the same, asks of a file. That of a write with O_SYNC is not
    /// meant: it never waited for times. 2.6.19 fs/ext3/fsync.c, `ext3_sync_file`, which does not look at `datasync`
    pub fn fdatasync_asks(&self) -> Datasync {
        match self.options.rules.fdatasync_times {
            FdatasyncTimes::Commits => Datasync::No,
            FdatasyncTimes::Skips => Datasync::Yes,
        }
    }

    /// The flush that a sync call sends where no commit sends one. v6.6 block/blk-flush.c, `blkdev_issue_flush`
    pub(super) fn flush_of_sync(&mut self) {
        match self.options.rules.sync_flush {
            SyncFlush::Flush => self.within("blkdev_issue_flush", |fs| {
                match (fs.q.barrier(), fs.q.disk().cache) {
                    (Barrier::Off, _) => fs.decide("barriers are off: no flush"),
                    (Barrier::On, Cache::WriteThrough) => {
                        fs.decide("the disk has no volatile cache: no flush")
                    }
                    (Barrier::On, Cache::Volatile) => {}
                }
                fs.q.flush(Why::FlushOfSync);
            }),
            SyncFlush::None => self.decide("this kernel sends no flush of its own"),
        }
    }

    /// Commits what the inode needs; returns whether the caller has to flush.
    fn fsync_journal(&mut self, ino: Ino, datasync: Datasync) -> bool {
        let inode = self.inode(ino);
        let (tid, why) = match datasync {
            Datasync::No => (inode.sync_tid, "any change of the inode counts, its times too: i_sync_tid is"),
            Datasync::Yes => (
                inode.datasync_tid,
                "datasync: only what is needed to read the data back counts: i_datasync_tid is",
            ),
        };
        self.decide(format!("{why} {tid}"));
        let needs_barrier = self.q.barrier() == Barrier::On && !self.will_send_data_barrier(tid);
        self.decide(match (self.q.barrier(), needs_barrier) {
            (Barrier::On, true) => "no commit will flush behind the data: needs_barrier".to_owned(),
            (Barrier::On, false) => {
                format!(
                    "the commit of transaction {tid} flushes behind the data: no flush of its own is needed"
                )
            }
            (Barrier::Off, _) => "barriers are off: nothing will flush the disk's cache".to_owned(),
        });
        self.within("ext4_fc_commit", |fs| fs.commit_fast(tid));
        needs_barrier
    }

    /// Makes the whole file system durable. v6.6 fs/sync.c, `sync_filesystem`
    pub fn sync_filesystem(&mut self) -> Result<(), Errno> {
        self.within("sync_filesystem", |fs| {
            // An error of this pass is met again below.
            let _ = fs.within("writeback_inodes_sb", |fs| fs.write_all_inodes(SyncMode::None));
            fs.within("sync_blockdev_nowait", Self::write_metadata_in_place);
            fs.within("sync_inodes_sb", |fs| fs.write_all_inodes(SyncMode::All))?;
            fs.within("ext4_sync_fs", Self::sync_fs);
            fs.within("sync_blockdev", Self::write_metadata_in_place);
            Ok(())
        })
    }

    /// Makes everything durable, and ignores every error. v6.6 fs/sync.c, `ksys_sync`
    pub fn sync(&mut self) {
        let wake = |fs: &mut Self| {
            // Which comes first is the flusher's choice. Without a journal it matters: here the data does.
            if fs.journal.is_some() {
                fs.write_metadata_in_place();
            }
            let _ = fs.write_all_inodes(SyncMode::None);
            if fs.journal.is_none() {
                fs.write_metadata_in_place();
            }
        };
        match self.options.rules.writer {
            Writer::Flusher => self.within("wakeup_flusher_threads", wake),
            Writer::Pdflush => self.within("wakeup_pdflush", |fs| fs.within("background_writeout", wake)),
        }
        self.within("sync_inodes_one_sb", |fs| {
            let _ = fs.write_all_inodes(SyncMode::All);
        });
        self.within("ext4_sync_fs", Self::sync_fs);
        self.within("sync_bdevs", Self::write_metadata_in_place);
    }

    /// v6.6 fs/ext4/super.c, `ext4_sync_fs`
    fn sync_fs(&mut self) {
        self.finish_all_writebacks();
        if self.journal.is_none() {
            self.decide("no journal: a flush, behind which metadata may still be written");
            self.note_vfs_clean(None);
            self.flush_of_sync();
            return;
        }
        match self.running().map(Transaction::tid) {
            Some(tid) => {
                self.decide(format!("transaction {tid} is running: it must be committed"));
                self.wait_for_commit();
            }
            None => {
                let committed = self.committed();
                self.decide(format!("transaction {committed} is committed already: only a flush is needed"));
                self.flush_of_sync();
            }
        }
    }

    /// Writes the dirty pages of every inode.
    pub(super) fn write_all_inodes(&mut self, mode: SyncMode) -> Result<(), Errno> {
        let dirty: Vec<Ino> = self
            .inodes
            .iter()
            .filter(|(_, inode)| inode.dirtied_when.is_some())
            .map(|(ino, _)| *ino)
            .collect();
        if dirty.is_empty() {
            self.decide("no file has dirty pages");
        }
        let mut result = Ok(());
        for ino in dirty {
            // An error of one file does not keep the others from being written.
            result = result.and(self.write_pages(ino, FileBlock::new(0), FileBlock::new(u32::MAX), mode));
        }
        result
    }

    /// Writes committed metadata in its place; no flush follows.
    pub(super) fn write_metadata_in_place(&mut self) {
        let dirty = self.buffers.dirty();
        self.decide(match dirty.len() {
            _ if self.journal.is_none() => {
                format!(
                    "{} dirty metadata blocks go to their places; no flush of their own follows",
                    dirty.len()
                )
            }
            0 => "no committed metadata block waits to be written in its place".to_owned(),
            1 => "1 committed metadata block goes to its place; no flush follows".to_owned(),
            blocks => format!("{blocks} committed metadata blocks go to their places; no flush follows"),
        });
        write_in_place(&mut self.q, &mut self.buffers, &dirty);
        self.buffers.all_submitted();
    }
}
