//! The walk of msync over the mappings, as each kernel does it.
//!
//! ```text
//!   range      |------------------------------|
//!   mappings      [ A ]       [ B ]      [ C, beyond it ]
//!               hole     hole       hole
//!               └── ENOMEM is remembered; A and B are synced all the same ──┘
//! ```
//! Three walks: up to 2.6.16 under the mmap lock; in 2.6.17 and 2.6.18 the lock is dropped around each sync and the
//! error of the walk shares its variable with the error of the sync, so that holes are forgotten; since 2.6.19 holes
//! have a variable of their own.
//!
//! Not modelled: other threads that change the mappings while the lock is dropped.

mod old;

use super::{AddressSpace, MappedFile, PAGE, Vma, page_align};
use crate::history::Errno;
use crate::kernel::{DirtyTracking, MsyncAsync, MsyncSync, MsyncWalk, Rules};

/// The arguments of msync.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "msync(2)")]
pub struct Msync {
    pub address: u64,
    pub len: u64,
    pub ms_async: bool,
    pub ms_invalidate: bool,
    pub ms_sync: bool,
}

/// How much of a file MS_SYNC makes durable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// All of it, as fdatasync does.
    WholeData,
    /// All of it, as fsync does.
    Whole,
    /// Some pages, as fdatasync does.
    Pages {
        /// The first.
        first: u64,
        /// The last.
        last: u64,
    },
}

/// What msync needs of the rest of the kernel.
pub trait Storage {
    /// The mappings of the program, as they are now.
    fn space(&mut self) -> &mut AddressSpace;
    /// Moves the dirty bits of a range of one mapping from the page table to the page cache; returns how many.
    fn move_dirty_bits(&mut self, start: u64, end: u64) -> u64;
    /// Waits for I/O on the file that is on its way, then starts to write all of its dirty pages.
    ///
    /// # Errors
    /// Those of writing.
    fn start_io(&mut self, file: MappedFile) -> Result<(), Errno>;
    /// Makes a file, or some pages of it, durable.
    ///
    /// # Errors
    /// Those of the sync call.
    fn sync(&mut self, file: MappedFile, extent: Extent) -> Result<(), Errno>;
    /// Holds the caller up where too much is dirty.
    fn throttle(&mut self, file: MappedFile, pages: u64);
    /// A kernel function is entered.
    fn enter(&mut self, function: &'static str);
    /// It is left.
    fn leave(&mut self);
    /// Notes what was decided.
    fn decide(&mut self, what: String);
}

/// msync(2). v6.6 mm/msync.c, `msync`
///
/// # Errors
/// EINVAL (flags, alignment), ENOMEM (a hole, or the range wraps around), EBUSY (MS_INVALIDATE of locked memory), and
/// those of writing.
pub fn msync(asked: &Msync, rules: &Rules, storage: &mut impl Storage) -> Result<(), Errno> {
    storage.enter("sys_msync");
    let result = range(asked, storage).and_then(|range| match range {
        None => Ok(()),
        Some((start, end)) => Walk { asked, rules, start, end, storage: &mut *storage }.run(),
    });
    storage.leave();
    result
}

/// The range of addresses; none where it is empty, mapped or not.
fn range(asked: &Msync, storage: &mut impl Storage) -> Result<Option<(u64, u64)>, Errno> {
    if !asked.address.is_multiple_of(PAGE) || (asked.ms_async && asked.ms_sync) {
        return Err(Errno::EINVAL);
    }
    let len = page_align(asked.len);
    let end = asked.address.checked_add(len).ok_or(Errno::ENOMEM)?;
    if len == 0 {
        storage.decide("the length is 0, rounded up: success, mapped or not".to_owned());
        return Ok(None);
    }
    Ok(Some((asked.address, end)))
}

/// A walk over the mappings.
struct Walk<'a, S> {
    asked: &'a Msync,
    rules: &'a Rules,
    /// Where it has arrived.
    start: u64,
    end: u64,
    storage: &'a mut S,
}

impl<S: Storage> Walk<'_, S> {
    fn run(&mut self) -> Result<(), Errno> {
        match (self.rules.dirty_tracking, self.rules.msync_walk) {
            (DirtyTracking::Fault, _) => self.walk(),
            (DirtyTracking::PageTable, MsyncWalk::Sound) => self.walk_under_lock(),
            (DirtyTracking::PageTable, MsyncWalk::LosesHoles) => self.walk_and_forget(),
        }
    }

    /// The walk since 2.6.19. v6.6 mm/msync.c, `msync`
    fn walk(&mut self) -> Result<(), Errno> {
        let mut unmapped = Ok(());
        loop {
            let vma = self.next().ok_or(Errno::ENOMEM)?;
            if self.start < vma.start {
                self.start = vma.start;
                if self.start >= self.end {
                    self.decide("the range ends in a hole: ENOMEM");
                    return Err(Errno::ENOMEM);
                }
                self.decide("a hole: ENOMEM is remembered");
                unmapped = Err(Errno::ENOMEM);
            }
            self.refuse_locked(&vma)?;
            let upto = self.end.min(vma.end);
            let extent = match self.rules.msync_sync {
                MsyncSync::Range => {
                    Extent::Pages { first: vma.page_index(self.start), last: vma.page_index(upto - PAGE) }
                }
                MsyncSync::WholeFile => Extent::Whole,
                MsyncSync::WholeFileData => Extent::WholeData,
            };
            self.start = vma.end;
            if self.asked.ms_sync
                && let Some(file) = self.shared_file(&vma)
            {
                self.decide(
                    "the mmap lock is dropped for the sync; behind it the next mapping is looked up afresh",
                );
                self.storage.sync(file, extent)?;
            } else if !self.asked.ms_sync {
                self.decide("nothing to do: the page cache knows of every store since its fault");
            }
            if self.start >= self.end {
                return unmapped;
            }
        }
    }

    /// The first mapping that ends behind the present place: a copy without its page table.
    fn next(&mut self) -> Option<Vma> {
        let start = self.start;
        let found = self.storage.space().find(start).map(without_page_table);
        if found.is_none() {
            self.decide("nothing is mapped from here on");
        }
        found
    }

    fn refuse_locked(&mut self, vma: &Vma) -> Result<(), Errno> {
        if self.asked.ms_invalidate && vma.flags.locked {
            self.decide(
                "MS_INVALIDATE of memory that mlock holds: EBUSY, and no mapping behind it is looked at",
            );
            return Err(Errno::EBUSY);
        }
        Ok(())
    }

    /// The file that the stores of a mapping reach.
    fn shared_file(&mut self, vma: &Vma) -> Option<MappedFile> {
        let why = match (vma.file, vma.flags.shared, vma.flags.may_share) {
            (Some(file), true, _) => return Some(file),
            (None, _, _) => "anonymous memory: nothing to sync",
            (Some(_), false, true) => "not VM_SHARED, for its file was opened read-only: nothing is synced",
            (Some(_), false, false) => "a private mapping: nothing to sync",
        };
        self.decide(why);
        None
    }

    fn decide(&mut self, what: &str) {
        self.storage.decide(what.to_owned());
    }
}

fn without_page_table(vma: &Vma) -> Vma {
    let Vma { start, end, pgoff, file, flags, ptes: _ } = *vma;
    Vma { start, end, pgoff, file, flags, ptes: std::collections::BTreeMap::new() }
}
