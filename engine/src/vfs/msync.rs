//! msync: what its walk asks of the page table, the page cache and the file system.

use super::Vfs;
use crate::ext4::Datasync;
use crate::history::{Errno, Synced};
use crate::mm::{self, AddressSpace, Extent, MappedFile, Msync, Storage};
use crate::mutant::Mutant;
use crate::scenario::{MsyncFlags, Name};
use crate::units::{FileBlock, block_bytes, len_u64};

/// The last page of the largest file.
const END: FileBlock = FileBlock::new(u32::MAX);
/// The first page of a file.
const START: FileBlock = FileBlock::new(0);

impl Vfs {
    /// msync(2). v6.6 mm/msync.c, `msync`; the walk of each kernel is in `mm/msync.rs`.
    ///
    /// # Errors
    /// EINVAL (flags, alignment), ENOMEM (a hole), EBUSY (MS_INVALIDATE of locked memory), and those of writing.
    pub fn msync(
        &mut self,
        map: &Name,
        offset: i64,
        length: Option<u64>,
        flags: MsyncFlags,
    ) -> Result<(), Errno> {
        let asked = Msync {
            address: self.address(map, offset),
            len: self.length(map, length),
            ms_async: flags.has(MsyncFlags::MS_ASYNC),
            ms_invalidate: flags.has(MsyncFlags::MS_INVALIDATE),
            ms_sync: flags.has(MsyncFlags::MS_SYNC),
        };
        let rules = self.fs.options().rules;
        mm::msync(&asked, &rules, self)?;
        if asked.ms_sync {
            self.note_mapped(asked.address, asked.len);
        }
        Ok(())
    }

    /// The pages of shared mappings of files in a range are durable.
    fn note_mapped(&mut self, start: u64, len_bytes: u64) {
        let end = start.saturating_add(len_bytes.next_multiple_of(block_bytes()));
        let mut at = start;
        while let Some(vma) = self.mm.find(at).filter(|vma| vma.start < end) {
            let (from, upto) = (vma.start.max(at), vma.end.min(end));
            let offset = vma.pgoff * block_bytes() + (from - vma.start);
            let shown = vma.file.filter(|_| vma.flags.shared);
            at = vma.end;
            if let Some(file) = shown {
                self.note_synced(Synced::Mapped { ino: file.ino, from: offset, end: offset + (upto - from) });
            }
        }
    }
}

impl Storage for Vfs {
    fn space(&mut self) -> &mut AddressSpace {
        &mut self.mm
    }

    fn move_dirty_bits(&mut self, start: u64, end: u64) -> u64 {
        self.within("filemap_sync", |vfs| {
            let dirty = vfs.mm.lookup_mut(start).map(|vma| vma.take_dirty(start, end)).unwrap_or_default();
            if dirty.is_empty() {
                vfs.decide("no dirty bit in this part of the page table");
            }
            vfs.set_pages_dirty(&dirty);
            len_u64(dirty.len())
        })
    }

    fn start_io(&mut self, file: MappedFile) -> Result<(), Errno> {
        self.fs.wait_for_writeback(file.ino, START, END);
        self.fs.start_writeback(file.ino, START, END)
    }

    fn sync(&mut self, file: MappedFile, extent: Extent) -> Result<(), Errno> {
        match extent {
            Extent::WholeData => {
                self.decide("the whole file, as by fdatasync");
                let datasync = self.fs.fdatasync_asks();
                self.fs.sync_file(file.ino, START, END, datasync)
            }
            Extent::Whole => self.within("do_fsync", |vfs| {
                vfs.decide("the whole file, as by fsync");
                vfs.fs.sync_file(file.ino, START, END, Datasync::No)
            }),
            Extent::Pages { first, last } => self.within("vfs_fsync_range", |vfs| {
                let forgets = first < last && vfs.fs.queue().lacks(Mutant::MsyncWithoutLastPage);
                let last = if forgets { last - 1 } else { last };
                vfs.decide(format!("pages {first} to {last} of the file, as by fdatasync"));
                vfs.fs.sync_file(file.ino, page(first), page(last), Datasync::Yes)
            }),
        }
    }

    fn throttle(&mut self, _file: MappedFile, pages: u64) {
        self.within("balance_dirty_pages_ratelimited_nr", |vfs| {
            vfs.decide(match pages {
                1 => "1 page more is dirty: far below the limit, nobody waits".to_owned(),
                _ => format!("{pages} pages more are dirty: far below the limit, nobody waits"),
            });
        });
    }

    fn enter(&mut self, function: &'static str) {
        self.fs.queue().way().enter(function);
    }

    fn leave(&mut self) {
        self.fs.queue().way().leave();
    }

    fn decide(&mut self, what: String) {
        self.fs.queue().way().decide(what);
    }
}

/// A page of a file; no file has pages behind the last one.
fn page(nr: u64) -> FileBlock {
    u32::try_from(nr).map_or(END, FileBlock::new)
}
