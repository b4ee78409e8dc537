//! Handles: what is told to the journal, and what is done instead where there is none.
//!
//! ```text
//!   with a journal     change ─▶ running transaction ─▶ log ─▶ place
//!   without            change ─▶ dirty buffer ───────────────▶ place, whenever it suits
//! ```
//! v6.6 fs/ext4/ext4_jbd2.c. `data=` decides here which data a transaction orders, and which freed blocks wait for it.

use super::Fs;
use super::alloc::Held;
use crate::jbd2::{Journal, Transaction};
use crate::mutant::Mutant;
use crate::page_cache::What;
use crate::scenario::{DataMode, Synchronous};
use crate::units::{BlockNr, FileBlock, Ino, Tid};

impl Fs {
    /// Starts a handle that may change up to `credits` blocks, and makes room for it where there is none.
    /// v6.6 fs/jbd2/transaction.c, `jbd2__journal_start`; fs/jbd2/checkpoint.c, `__jbd2_log_wait_for_space`
    pub(super) fn start_handle(&mut self, credits: u32) {
        if self.journal.is_none() {
            self.decide("no journal: each block that changes is dirty by itself");
            return;
        }
        self.within("jbd2__journal_start", |fs| {
            if fs.journal.as_ref().is_some_and(|journal| !journal.has_room(credits)) {
                fs.decide("the running transaction is full: it is committed first");
                fs.by_thread("kjournald2", Self::commit_running);
            }
            fs.wait_for_log_space();
            let fresh = fs.running().is_none();
            let Some(tid) = fs.journal.as_mut().map(|journal| journal.join(&fs.q)) else { return };
            fs.decide(if fresh {
                format!("transaction {tid} begins")
            } else {
                format!("joins transaction {tid}, which is running")
            });
        });
    }

    /// A handle of a call that changes names ends. v6.6 fs/jbd2/transaction.c, `jbd2_journal_stop`
    pub(super) fn stop_handle_of_names(&mut self) {
        if self.options.synchronous >= Synchronous::Directories {
            self.stop_sync_handle("the mount is dirsync or sync");
        }
    }

    /// A handle that cuts off or deletes data ends.
    pub(super) fn stop_handle_of_data(&mut self) {
        if self.options.synchronous >= Synchronous::All {
            self.stop_sync_handle("the mount is sync");
        }
    }

    fn stop_sync_handle(&mut self, why: &str) {
        if self.running().is_some() && !self.q.lacks(Mutant::DirsyncWithoutCommit) {
            self.within("jbd2_journal_stop", |fs| {
                fs.decide(format!("{why}: waits for the commit of what it has just changed"));
                fs.wait_for_commit();
            });
        }
    }

    /// The running transaction.
    pub(super) fn running(&self) -> Option<&Transaction> {
        self.journal.as_ref().and_then(Journal::running)
    }

    /// The last transaction that is durable; none ever is without a journal.
    pub(super) fn committed(&self) -> Tid {
        self.journal.as_ref().map_or(Tid::new(0), Journal::committed)
    }

    /// The transaction that a change belongs to now. v6.6 fs/ext4/inode.c, `__ext4_iget`
    pub(super) fn present_tid(&self) -> Tid {
        self.journal.as_ref().map_or(Tid::new(0), Journal::tid_for_loaded_inode)
    }

    /// A metadata block has changed. v6.6 fs/ext4/ext4_jbd2.c, `__ext4_handle_dirty_metadata`
    pub(super) fn dirty_metadata(&mut self, nr: BlockNr) {
        match &mut self.journal {
            Some(journal) => journal.dirty_metadata(&mut self.buffers, nr),
            None => self.dirty_buffer(nr),
        }
    }

    /// Whether a transaction still has to log a block.
    pub(super) fn is_owned(&self, nr: BlockNr) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.is_owned(nr))
    }

    /// A block is freed: what the journal knows of it is worth nothing. v6.6 fs/ext4/ext4_jbd2.c, `__ext4_forget`
    pub(super) fn forget(&mut self, nr: BlockNr, held: Held) {
        let Some(journal) = &mut self.journal else {
            self.buffers.forget(nr);
            return;
        };
        match (self.options.data, held) {
            // All blocks go through the log: an older copy never gets the last word.
            (DataMode::Journal, Held::Data | Held::Metadata) => journal.forget(&mut self.buffers, nr),
            (DataMode::Ordered | DataMode::Writeback, Held::Metadata) => {
                journal.revoke(&self.q, &mut self.buffers, nr);
            }
            (DataMode::Ordered | DataMode::Writeback, Held::Data) => {}
        }
    }

    /// Blocks were freed: nobody may have them before the running transaction has committed, unless they held data
    /// that no transaction orders. v6.6 fs/ext4/mballoc.c, `ext4_mb_clear_bb`
    pub(super) fn freed(&mut self, first: BlockNr, blocks: u32, held: Held) {
        let Some(journal) = &mut self.journal else { return };
        match (held, self.options.data) {
            (Held::Data, DataMode::Writeback) => {
                self.decide("data=writeback: the blocks can be given out again at once");
            }
            (Held::Data, DataMode::Ordered | DataMode::Journal) | (Held::Metadata, _) => {
                journal.freed(first, blocks);
            }
        }
    }

    /// The commit has to write and wait for this page. v6.6 fs/ext4/ext4_jbd2.h, `ext4_jbd2_inode_add_write`
    pub(super) fn order_data(&mut self, ino: Ino, at: FileBlock) {
        match (self.options.data, &mut self.journal) {
            (DataMode::Ordered, Some(journal)) => journal.order_data(ino, at),
            (DataMode::Ordered, None) | (DataMode::Writeback | DataMode::Journal, _) => {}
        }
    }

    /// The commit has to wait for these pages. v6.6 fs/ext4/ext4_jbd2.h, `ext4_jbd2_inode_add_wait`
    pub(super) fn wait_for_data(&mut self, ino: Ino, first: FileBlock, last: FileBlock) {
        match (self.options.data, &mut self.journal) {
            (DataMode::Ordered, Some(journal)) => journal.wait_for_data(ino, first, last),
            (DataMode::Ordered, None) | (DataMode::Writeback | DataMode::Journal, _) => {}
        }
    }

    /// An inode is gone, and with it the data that a commit would have waited for.
    pub(super) fn release_inode(&mut self, ino: Ino) {
        if let Some(journal) = &mut self.journal {
            journal.release_inode(ino);
        }
    }

    /// The inode on whose list a block is, if its blocks are written as they change.
    /// v6.6 fs/ext4/ext4_jbd2.c, `inode_needs_sync`
    pub(super) fn needs_sync(&self, what: &What) -> Option<Ino> {
        let ino = what.inode()?;
        let is_dir = self.inodes.get(&ino).is_some_and(super::Inode::is_directory);
        let needed = if is_dir { Synchronous::Directories } else { Synchronous::All };
        (self.options.synchronous >= needed).then_some(ino)
    }
}
