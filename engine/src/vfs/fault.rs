//! What the CPU does through a mapping: loads, stores, and the faults they take.
//!
//! ```text
//!   handle_mm_fault ─┬─ anonymous                      do_anonymous_page   a page of zeros
//!                    ├─ load                           do_read_fault       the page of the file, to read
//!                    ├─ store, private                 do_cow_fault        a copy of its own
//!                    └─ store, shared   nothing there  do_shared_fault  ┐  page_mkwrite; the page of the file,
//!                                       read-only      do_wp_page       ┘  to write while its stamp is good
//! ```
//! A store where the page table permits it runs no function of the kernel. A range of bytes is taken page by page: what
//! was stored before a fault fails stays stored.
//!
//! Not modelled: protection keys (what may be executed may be read), huge pages, pages mapped around a fault, several
//! threads. Anonymous shared memory is as good as private: there is one process.

use super::Vfs;
use crate::history::{Errno, InMemory};
use crate::kernel::DirtyTracking;
use crate::mm::{MappedFile, Pte, VmFlags, Vma};
use crate::scenario::Name;
use crate::units::{BLOCK_BYTES, Block, FileBlock, Ino, Stamp, Widen, block_bytes, len_u64};

/// From the exception that the CPU raises to the page.
const FAULT: &[&str] = &["do_user_addr_fault", "handle_mm_fault"];

/// What the page table and the range say of one address.
struct Spot {
    /// The address of the page, as a number of pages: the key of its entry.
    page: u64,
    /// Where in the page.
    within: usize,
    flags: VmFlags,
    /// The page of the file, if it is one.
    backing: Option<(Ino, FileBlock)>,
    pte: Pte,
}

impl Vfs {
    /// The CPU stores bytes.
    ///
    /// # Errors
    /// Signals: SIGSEGV where nothing is mapped or stores are not allowed; SIGBUS behind the last page of the file,
    /// and where the disk has no block for a hole.
    pub fn store(&mut self, map: &Name, offset: i64, data: &[u8]) -> Result<(), Errno> {
        let mut address = self.address(map, offset);
        let mut left = data;
        while !left.is_empty() {
            let (piece, rest) = left.split_at(left.len().min(left_in_page(address)));
            self.store_in_page(address, piece)?;
            address = address.wrapping_add(len_u64(piece.len()));
            left = rest;
        }
        Ok(())
    }

    /// The CPU loads bytes.
    ///
    /// # Errors
    /// Signals: SIGSEGV where nothing is mapped or no access is allowed; SIGBUS behind the last page of the file.
    pub fn load(&mut self, map: &Name, offset: i64, len: u64) -> Result<Vec<u8>, Errno> {
        let mut address = self.address(map, offset);
        let mut bytes = Vec::new();
        while len_u64(bytes.len()) < len {
            let piece = (len - len_u64(bytes.len())).min(len_u64(left_in_page(address)));
            let (spot, data) = self.load_page(address)?;
            bytes.extend_from_slice(&data.bytes()[spot.within..spot.within + piece.index()]);
            address = address.wrapping_add(piece);
        }
        Ok(bytes)
    }

    /// Touches every page that is mapped between two addresses, as MAP_POPULATE and mlock(2) do: up to the first hole;
    /// by a store where that makes a private copy, else by a load. v6.6 mm/gup.c, `populate_vma_page_range`
    ///
    /// # Errors
    /// EFAULT where a page cannot be had.
    pub(super) fn populate(&mut self, start: u64, end: u64) -> Result<(), Errno> {
        let mut address = start;
        while address < end {
            let Some(vma) = self.mm.lookup(address) else { return Ok(()) };
            if vma.file.is_none() {
                // Anonymous pages are zeros, touched or not.
                address = vma.end;
                continue;
            }
            let flags = vma.flags;
            let copies = flags.write && !flags.shared;
            let touched =
                if copies { self.store_in_page(address, &[]) } else { self.load_page(address).map(|_| ()) };
            touched.map_err(|_| Errno::EFAULT)?;
            address += block_bytes();
        }
        Ok(())
    }

    /// What is nowhere but in memory; on kernels that track stores in the page table alone, files with stores that
    /// only it knows of are among it.
    pub fn in_memory(&mut self) -> InMemory {
        let mut memory = self.fs.in_memory();
        match self.fs.options().rules.dirty_tracking {
            DirtyTracking::Fault => {}
            DirtyTracking::PageTable => {
                memory.dirty.extend(self.mm.dirty_files());
                memory.dirty.sort_unstable();
                memory.dirty.dedup();
            }
        }
        memory
    }

    /// A file was truncated: whole pages behind its new end leave the page table, private copies among them.
    /// v6.6 mm/truncate.c, `truncate_pagecache`; mm/memory.c, `unmap_mapping_range`
    pub(super) fn unmap_mapping_range(&mut self, ino: Ino) {
        let pages = self.fs.stat(ino).size.div_ceil(block_bytes());
        if self.mm.unmap_mapping_range(ino, pages) {
            self.within("unmap_mapping_range", |vfs| {
                vfs.fs.decide(format!(
                    "pages from {pages} on leave the page table: the next access gets SIGBUS"
                ));
            });
        }
    }

    /// The pages of a file from one on are others now: they leave the page table, private copies among them.
    pub(super) fn unmap_pages_from(&mut self, ino: Ino, first: u64) {
        if self.mm.unmap_mapping_range(ino, first) {
            self.within("unmap_mapping_range", |vfs| {
                vfs.fs.decide(format!("pages from {first} on leave the page table: the next access faults"));
            });
        }
    }

    /// Stores bytes that lie in one page; none only make it ready.
    fn store_in_page(&mut self, address: u64, bytes: &[u8]) -> Result<(), Errno> {
        let spot = self.spot(address)?;
        if !spot.flags.write {
            self.decide_fault(address, "stores are not allowed: SIGSEGV");
            return Err(Errno::SIGSEGV);
        }
        match spot.backing {
            Some((ino, page)) if spot.flags.shared => {
                self.writable(&spot, ino, page)?;
                self.fs.store_in_page(ino, page, spot.within, bytes);
                if !bytes.is_empty() {
                    self.note_stored(ino, page, spot.within, bytes.len());
                }
            }
            backing => {
                let mut copy = match spot.pte {
                    Pte::Private(copy) => copy,
                    pte @ (Pte::Absent | Pte::ReadOnly | Pte::Writable { .. }) => {
                        self.own_copy(&pte, backing)?
                    }
                };
                copy.bytes_mut()[spot.within..spot.within + bytes.len()].copy_from_slice(bytes);
                self.set_pte(address, Pte::Private(copy));
            }
        }
        Ok(())
    }

    /// Makes sure that the page table permits stores to a page of a shared mapping.
    fn writable(&mut self, spot: &Spot, ino: Ino, page: FileBlock) -> Result<(), Errno> {
        let tracking = self.fs.options().rules.dirty_tracking;
        let there = self.fs.page_stamp(ino, page);
        let stamp = match spot.pte {
            Pte::Writable { stamp, .. } if there == Some(stamp) => {
                self.fs.decide(format!(
                    "page {page} is mapped writable: no fault, the kernel does not see the store"
                ));
                stamp
            }
            Pte::Writable { .. } | Pte::ReadOnly | Pte::Absent | Pte::Private(_) => {
                self.through(FAULT, |vfs| vfs.shared_fault(&spot.pte, ino, page))?
            }
        };
        let dirty = match tracking {
            DirtyTracking::PageTable => {
                self.fs.decide(format!(
                    "the CPU sets the dirty bit of page {page} in the page table, nothing else"
                ));
                true
            }
            DirtyTracking::Fault => false,
        };
        self.set_pte(spot.page * block_bytes(), Pte::Writable { stamp, dirty });
        Ok(())
    }

    /// A store that the page table does not permit. v6.6 mm/memory.c, `do_shared_fault`, `do_wp_page`
    fn shared_fault(&mut self, pte: &Pte, ino: Ino, page: FileBlock) -> Result<Stamp, Errno> {
        let why = match (pte, self.fs.page_stamp(ino, page)) {
            (Pte::Absent, _) | (_, None) => {
                return self.within("do_shared_fault", |vfs| {
                    vfs.fs.decide(format!("page {page} is not in the page table"));
                    vfs.fs.fault(ino, page)?;
                    vfs.fs.page_mkwrite(ino, page)
                });
            }
            (Pte::Writable { .. }, Some(_)) => "was write-protected",
            (Pte::ReadOnly | Pte::Private(_), Some(_)) => "is mapped read-only",
        };
        self.through(&["do_wp_page", "wp_page_shared"], |vfs| {
            vfs.fs.decide(format!("page {page} {why}"));
            // The page is in the cache: its fault has been.
            vfs.fs.silently(|fs| fs.fault(ino, page))?;
            vfs.fs.page_mkwrite(ino, page)
        })
    }

    /// The copy that a store to a private page makes.
    fn own_copy(&mut self, pte: &Pte, backing: Option<(Ino, FileBlock)>) -> Result<Block, Errno> {
        self.through(FAULT, |vfs| {
            let Some((ino, page)) = backing else {
                return vfs.within("do_anonymous_page", |_| Ok(Block::zeroed()));
            };
            let functions: &[&'static str] =
                if *pte == Pte::Absent { &["do_cow_fault"] } else { &["do_wp_page", "wp_page_copy"] };
            vfs.through(functions, |vfs| {
                match pte {
                    Pte::Absent => vfs.fs.fault(ino, page)?,
                    // The page is in the cache: its fault has been.
                    Pte::ReadOnly | Pte::Writable { .. } | Pte::Private(_) => {
                        vfs.fs.silently(|fs| fs.fault(ino, page))?;
                    }
                }
                vfs.fs
                    .decide(format!("copies page {page}: the file does not see what is stored to the copy"));
                Ok(vfs.fs.cached_page(ino, page).cloned().unwrap_or_else(Block::zeroed))
            })
        })
    }

    /// The page at an address, as a load finds it.
    fn load_page(&mut self, address: u64) -> Result<(Spot, Block), Errno> {
        let spot = self.spot(address)?;
        let Some((ino, page)) = spot.backing else {
            let data = match &spot.pte {
                Pte::Private(copy) => copy.clone(),
                Pte::Absent => self.through(FAULT, |vfs| {
                    vfs.within("do_anonymous_page", |_| ());
                    vfs.set_pte(address, Pte::ReadOnly);
                    Block::zeroed()
                }),
                Pte::ReadOnly | Pte::Writable { .. } => Block::zeroed(),
            };
            return Ok((spot, data));
        };
        match (&spot.pte, self.fs.cached_page(ino, page)) {
            (Pte::Private(copy), _) => {
                let data = copy.clone();
                Ok((spot, data))
            }
            (Pte::ReadOnly | Pte::Writable { .. }, Some(data)) => {
                let data = data.clone();
                Ok((spot, data))
            }
            (Pte::Absent, _) | (Pte::ReadOnly | Pte::Writable { .. }, None) => {
                self.through(FAULT, |vfs| {
                    vfs.within("do_read_fault", |vfs| {
                        vfs.fs.fault(ino, page)?;
                        vfs.fs.decide(format!("page {page} is mapped read-only"));
                        Ok(())
                    })
                })?;
                self.set_pte(address, Pte::ReadOnly);
                let data = self.fs.cached_page(ino, page).cloned().unwrap_or_else(Block::zeroed);
                Ok((spot, data))
            }
        }
    }

    /// What is at an address. v6.6 arch/x86/mm/fault.c, `do_user_addr_fault`, `access_error`
    fn spot(&mut self, address: u64) -> Result<Spot, Errno> {
        match self.mm.lookup(address).map(|vma| Spot::of(vma, address)) {
            None => {
                self.decide_fault(address, "nothing is mapped there: SIGSEGV");
                Err(Errno::SIGSEGV)
            }
            // x86 has no way to forbid loads where it permits stores.
            Some(Spot { flags: VmFlags { read: false, write: false, exec: false, .. }, .. }) => {
                self.decide_fault(address, "no access is allowed: SIGSEGV");
                Err(Errno::SIGSEGV)
            }
            Some(spot) => Ok(spot),
        }
    }

    fn decide_fault(&mut self, address: u64, why: &str) {
        self.within("do_user_addr_fault", |vfs| vfs.fs.decide(format!("address {address:#x}: {why}")));
    }

    fn set_pte(&mut self, address: u64, pte: Pte) {
        if let Some(vma) = self.mm.lookup_mut(address) {
            vma.ptes.insert(address / block_bytes(), pte);
        }
    }
}

impl Spot {
    fn of(vma: &Vma, address: u64) -> Self {
        let page = address / block_bytes();
        let pgoff = vma.pgoff + (page - vma.start / block_bytes());
        // The largest file ends before the last page that has a number.
        let of_file = FileBlock::new(u32::try_from(pgoff).unwrap_or(u32::MAX));
        Self {
            page,
            within: (address % block_bytes()).index(),
            flags: vma.flags,
            backing: vma.file.map(|MappedFile { ino, .. }| (ino, of_file)),
            pte: vma.ptes.get(&page).cloned().unwrap_or_default(),
        }
    }
}

/// How many bytes of a page lie at an address and behind it.
fn left_in_page(address: u64) -> usize {
    BLOCK_BYTES - (address % block_bytes()).index()
}

#[cfg(test)]
mod tests;
