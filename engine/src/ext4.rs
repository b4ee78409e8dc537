//! The mounted file system: where everything is, and in which order it reaches the journal and the disk.
//!
//! ```text
//!   vfs ─▶ namei, inode, truncate ─▶ handle ─▶ jbd2          (metadata: real bytes in buffers)
//!       ─▶ write ─▶ pages ─▶ writeback ─▶ bio, then handle   (data: delayed allocation, unwritten until written)
//! ```
//! Each namespace operation is one handle, so it is in one transaction. Blocks that are freed stay pinned until the
//! transaction that freed them has committed.
//!
//! Not modelled: block groups' preallocation, quota, the last-mounted path in the superblock, permissions (the program is root).

mod alloc;
mod buffer;
mod commit;
mod dir;
mod direct;
mod exchange;
mod extents;
mod fallocate;
mod fast;
mod fault;
mod fsync;
mod handle;
mod htree;
mod ialloc;
mod inode;
mod journalled;
mod mkfs;
mod mount;
mod namei;
mod nojournal;
mod orphan;
mod prepare;
mod punch;
mod shift;
mod stable;
mod timers;
mod tmpfile;
mod truncate;
mod uninit;
mod write;
mod writeback;
mod xattr;

pub use direct::DirectWrite;
pub use fallocate::{Fallocate, FallocateMode, NewSize};
pub use fsync::Datasync;
pub use inode::{Inode, Stat};
pub use mkfs::mkfs;
pub use mount::Options;
pub use namei::Place;
pub use tmpfile::Linkable;
pub(crate) use truncate::MAX_BYTES;
pub use xattr::AttributeName;

use crate::block::Queue;
use crate::format::{FsSeed, GroupDesc, Superblock};
use crate::history::InMemory;
use crate::jbd2::{Journal, Transaction};
use crate::page_cache::Buffers;
use crate::units::{BlockNr, Ino, Time};
use std::collections::{BTreeMap, BTreeSet};
use writeback::Writeback;

/// The root directory.
pub const ROOT: Ino = Ino::new(2);
/// The journal's inode.
pub(crate) const JOURNAL: Ino = Ino::new(8);
/// `/lost+found`, the first inode that is not reserved.
pub(crate) const LOST_FOUND: Ino = Ino::new(11);

/// Blocks that an extent tree may need where an extent in its middle is split: a leaf and two levels of indices.
const ROOM_TO_SPLIT: u64 = 3;

/// A mounted ext4.
#[derive(Debug)]
pub struct Fs {
    q: Queue,
    options: Options,
    superblock: Superblock,
    seed: Option<FsSeed>,
    groups: Vec<GroupDesc>,
    buffers: Buffers,
    /// None where the file system was made without one.
    journal: Option<Journal>,
    inodes: BTreeMap<Ino, Inode>,
    /// The orphan list, newest first: the superblock names the first, each inode the next.
    orphans: Vec<Ino>,
    /// The blocks of attributes that were met, among which those with equal contents are found (`ea_block_cache`).
    attribute_blocks: BTreeSet<BlockNr>,
    /// The file that takes orphans instead, with the feature for it.
    orphan_file: orphan::OrphanFile,
    /// Data writes that nobody has waited for yet, oldest first.
    writebacks: Vec<Writeback>,
    /// When the flusher looks at dirty pages next.
    flusher_wakes: Option<Time>,
    /// What the next fast commit has to say.
    fast: fast::Fast,
    generation: u32,
}

impl Fs {
    /// The block layer beneath.
    pub const fn queue(&mut self) -> &mut Queue {
        &mut self.q
    }

    /// What it was mounted with.
    pub const fn options(&self) -> &Options {
        &self.options
    }

    /// What the disk has not been asked to keep.
    pub fn in_memory(&self) -> InMemory {
        let changed = self.running().filter(|running| running.has_changes());
        let dirty = self.inodes.iter().filter(|(_, inode)| inode.dirtied_when.is_some());
        InMemory { transaction: changed.map(Transaction::tid), dirty: dirty.map(|(ino, _)| *ino).collect() }
    }

    /// The block layer, as the power fails: nothing is written.
    pub fn into_queue(self) -> Queue {
        self.q
    }

    /// Runs a part of a call and notes the kernel function that it stands for.
    pub fn within<R>(&mut self, function: &'static str, body: impl FnOnce(&mut Self) -> R) -> R {
        self.q.way().enter(function);
        let result = body(self);
        self.q.way().leave();
        result
    }

    /// Runs a part of a call that goes through several functions before anything happens, outermost first.
    pub fn through<R>(&mut self, functions: &[&'static str], body: impl FnOnce(&mut Self) -> R) -> R {
        functions.iter().for_each(|function| self.q.way().enter(function));
        let result = body(self);
        functions.iter().for_each(|_| self.q.way().leave());
        result
    }

    /// Runs what another thread does.
    pub(crate) fn by_thread<R>(&mut self, name: &'static str, body: impl FnOnce(&mut Self) -> R) -> R {
        self.q.enter_thread(name);
        let result = body(self);
        self.q.way().leave();
        result
    }

    /// Runs what goes the way that was noted before: it is not noted again, but for the requests it makes.
    pub(crate) fn silently<R>(&mut self, body: impl FnOnce(&mut Self) -> R) -> R {
        self.q.way().mute();
        let result = body(self);
        self.q.way().unmute();
        result
    }

    pub(crate) fn decide(&mut self, what: impl Into<String>) {
        self.q.way().decide(what);
    }
}
