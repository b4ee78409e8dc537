//! What happens by itself as time goes by.
//!
//! ```text
//!   kjournald2   commits a transaction 5 s (commit=) after it began, rounded up to a whole second
//!   flusher      wakes every 5 s while anything is dirty; writes what has been dirty for 30 s
//! ```
//! Not modelled: writeback that memory pressure or the dirty limits start.

use super::Fs;
use super::writeback::SyncMode;
use crate::device::Origin;
use crate::jbd2::Transaction;
use crate::kernel::Writer;
use crate::schedule::Schedule;
use crate::units::{FileBlock, Ino, Time};

/// `dirty_writeback_centisecs`
const WAKE_SECS: u64 = 5;
/// `dirty_expire_centisecs`
const EXPIRE_SECS: u64 = 30;
/// How much sooner than that the flusher of the late schedule wakes: in time to find data not quite old enough.
const EARLY_NANOS: u64 = 4_000_000;
/// No I/O takes longer, however late it is.
const IO_NANOS: u64 = 100_000_000;

impl Fs {
    /// Time passes: timers that fire until then do their work at their time, and I/O on its way arrives if there is
    /// time for it.
    pub fn run_until(&mut self, time: Time) {
        loop {
            let commit = self.running().map(Transaction::expires);
            let next = [commit, self.flusher_wakes].into_iter().flatten().min().filter(|next| *next <= time);
            let until = next.unwrap_or(time);
            self.finish_writebacks_before(until.minus_nanos(IO_NANOS));
            self.q.advance_to(until);
            match next {
                None => break,
                Some(_) if next == commit => self.commit_timer(),
                Some(_) => self.flusher(),
            }
        }
    }

    /// v6.6 fs/jbd2/journal.c, `kjournald2`, woken by `commit_timeout`
    fn commit_timer(&mut self) {
        let before = self.q.set_origin(Origin::CommitTimer);
        self.by_thread("kjournald2", |fs| {
            fs.decide("the commit timer has fired for the running transaction");
            fs.commit_running();
        });
        self.q.set_origin(before);
    }

    /// v6.6 fs/fs-writeback.c, `wb_workfn`; before 2.6.32 mm/pdflush.c, `pdflush`; mm/page-writeback.c, `wb_kupdate`
    fn flusher(&mut self) {
        let before = self.q.set_origin(Origin::Flusher);
        match self.options.rules.writer {
            Writer::Flusher => self.by_thread("the flusher", |fs| {
                fs.through(&["wb_workfn", "wb_do_writeback", "wb_check_old_data_flush"], Self::write_expired);
            }),
            Writer::Pdflush => self.by_thread("pdflush", |fs| {
                fs.through(&["__pdflush", "wb_kupdate"], Self::write_expired);
            }),
        }
        self.flusher_wakes = None;
        if self.is_anything_dirty() {
            self.arm_flusher();
        }
        self.q.set_origin(before);
    }

    /// Writes what has been dirty for long. v6.6 fs/fs-writeback.c, `wb_check_old_data_flush`
    fn write_expired(&mut self) {
        let now = self.q.now();
        let expired = |since: Option<Time>| since.is_some_and(|since| since.plus_secs(EXPIRE_SECS) <= now);
        let inodes: Vec<Ino> = self
            .inodes
            .iter()
            .filter(|(_, inode)| expired(inode.dirtied_when))
            .map(|(ino, _)| *ino)
            .collect();
        if inodes.is_empty() {
            self.decide(format!("no file has been dirty for {EXPIRE_SECS} s: nothing to write"));
        }
        for ino in inodes {
            self.within("__writeback_single_inode", |fs| {
                fs.decide(format!("inode {ino} has been dirty for {EXPIRE_SECS} s or longer"));
                // Background writeback has nobody to tell of an error.
                let _ = fs.write_pages(ino, FileBlock::new(0), FileBlock::new(u32::MAX), SyncMode::None);
            });
        }
        self.note_vfs_clean(Some(now.minus_nanos(EXPIRE_SECS * 1_000_000_000)));
        if expired(self.buffers.dirtied_when()) {
            self.write_metadata_in_place();
        }
    }

    /// The flusher wakes in 5 s, if it does not already. v6.6 fs/fs-writeback.c, `wb_wakeup_delayed`
    ///
    /// What woke it first is nobody's choice, so neither is how old data is when its turn comes: from 30 to 35 s. The
    /// schedules are the two ends of that.
    pub(super) fn arm_flusher(&mut self) {
        let wakes = self.q.now().plus_secs(WAKE_SECS);
        let wakes = match self.q.schedule() {
            Schedule::Prompt => wakes,
            Schedule::Late => wakes.minus_nanos(EARLY_NANOS),
        };
        self.flusher_wakes.get_or_insert(wakes);
    }

    fn is_anything_dirty(&self) -> bool {
        self.buffers.dirtied_when().is_some()
            || self.inodes.values().any(|inode| inode.dirtied_when.is_some() || inode.vfs_dirty.is_some())
    }
}
