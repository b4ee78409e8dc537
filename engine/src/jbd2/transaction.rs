//! One transaction.

use crate::units::{BlockNr, FileBlock, Ino, RequestIdx, Tid, Time};
use std::collections::{BTreeMap, BTreeSet};

/// What a commit does with the ordered data of an inode.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum OrderedData {
    /// It waits for what is on its way (JI_WAIT_DATA).
    Wait,
    /// It writes dirty pages that have a block, and waits (JI_WRITE_DATA and JI_WAIT_DATA).
    WriteAndWait,
}

/// The pages of an inode that a commit has to write and wait for (`struct jbd2_inode`, `i_dirty_start`).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderedRange {
    /// What the commit does with them.
    pub data: OrderedData,
    /// The first.
    pub first: FileBlock,
    /// The last.
    pub last: FileBlock,
}

/// A transaction on its way to the log (`transaction_t`).
#[derive(Clone, Debug)]
pub struct Transaction {
    pub(super) tid: Tid,
    pub(super) expires: Time,
    pub(super) buffers: Vec<BlockNr>,
    pub(super) members: BTreeSet<BlockNr>,
    pub(super) forgotten: BTreeSet<BlockNr>,
    pub(super) revoked: BTreeSet<BlockNr>,
    pub(super) ordered: BTreeMap<Ino, OrderedRange>,
    pub(super) freed: Vec<(BlockNr, u32)>,
    pub(super) log_start: u32,
    pub(super) io: Vec<RequestIdx>,
    /// The sum of descriptors and copies so far (checksum v1).
    pub(super) crc: u32,
}

impl Transaction {
    pub(super) const fn new(tid: Tid, expires: Time) -> Self {
        Self {
            tid,
            expires,
            buffers: Vec::new(),
            members: BTreeSet::new(),
            forgotten: BTreeSet::new(),
            revoked: BTreeSet::new(),
            ordered: BTreeMap::new(),
            freed: Vec::new(),
            log_start: 0,
            io: Vec::new(),
            crc: u32::MAX,
        }
    }

    /// Its number.
    pub const fn tid(&self) -> Tid {
        self.tid
    }

    /// The blocks that it will log, in the order in which they were first changed.
    pub fn blocks(&self) -> &[BlockNr] {
        &self.buffers
    }

    /// Whether it has anything to log.
    pub fn has_changes(&self) -> bool {
        !self.members.is_empty() || !self.revoked.is_empty()
    }

    /// When the commit timer fires for it.
    pub const fn expires(&self) -> Time {
        self.expires
    }

    /// The data that its commit writes and waits for.
    pub const fn ordered(&self) -> &BTreeMap<Ino, OrderedRange> {
        &self.ordered
    }

    /// The extents that it freed: first block and length.
    pub fn freed(&self) -> &[(BlockNr, u32)] {
        &self.freed
    }

    /// Whether it owns a block: it will write it, or has just dropped it.
    pub fn owns(&self, block: BlockNr) -> bool {
        self.members.contains(&block) || self.forgotten.contains(&block)
    }

    pub(super) fn add(&mut self, block: BlockNr) {
        // A block that is journalled again in the transaction that revoked it must be replayed.
        // v6.6 fs/jbd2/revoke.c, `jbd2_journal_cancel_revoke`
        self.revoked.remove(&block);
        self.forgotten.remove(&block);
        if self.members.insert(block) {
            self.buffers.push(block);
        }
    }

    pub(super) fn forget(&mut self, block: BlockNr) {
        if self.members.remove(&block) {
            self.buffers.retain(|member| *member != block);
        }
        self.forgotten.insert(block);
    }
}
