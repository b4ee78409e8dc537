//! mmap, and what a mapping keeps open.
//!
//! ```text
//!   name in the scenario ─▶ address (and length) ─▶ whatever is mapped there now
//!                                                    └─▶ open file description ─▶ inode
//! ```
//! A name stands for an address, as a pointer does: after munmap it still stands for it. The description lives as long
//! as a descriptor or a mapping refers to it.
//!
//! Not modelled: limits (the program is root), `noexec` mounts, MAP_POPULATE's effect on private mappings before 2.6.23.

use super::{File, FileId, Mapped, Vfs};
use crate::format::FileKind;
use crate::history::Errno;
use crate::kernel::{DirtyTracking, Feature};
use crate::mm::{DirtyPage, MappedFile, PAGE, Placement, Unmapped, VmFlags, Vma, page_align};
use crate::mutant::Mutant;
use crate::scenario::{At, MapFlags, Name, Prot};
use std::collections::BTreeMap;

/// The arguments of `mmap`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "mmap(2)")]
pub struct Mmap<'a> {
    pub length: u64,
    pub prot: Prot,
    pub flags: MapFlags,
    pub offset: u64,
    pub at: Option<&'a At>,
}

/// What `mmap` returns where it fails.
const MAP_FAILED: u64 = u64::MAX;
/// The pages of shared anonymous memory are numbered from a multiple of this on, another for each call.
const ANONYMOUS_PAGES: u64 = 1 << 36;

/// What `do_mmap` is asked for, the file found.
pub(super) struct Request {
    pub(super) at: u64,
    pub(super) len: u64,
    pub(super) prot: Prot,
    pub(super) flags: MapFlags,
    pub(super) pgoff: u64,
    pub(super) file: Option<(FileId, File)>,
}

impl Vfs {
    /// The address so many bytes behind the start of what a name stands for; behind MAP_FAILED where nothing was ever
    /// mapped under it.
    pub(super) fn address(&self, map: &Name, offset: i64) -> u64 {
        self.maps.get(map).map_or(MAP_FAILED, |mapped| mapped.start).wrapping_add_signed(offset)
    }

    /// A length, or that of what a name stands for.
    pub(super) fn length(&self, map: &Name, length: Option<u64>) -> u64 {
        length.or_else(|| self.maps.get(map).map(|mapped| mapped.length)).unwrap_or(0)
    }

    /// The address that an argument names.
    pub(super) fn at(&self, at: &At) -> u64 {
        match at {
            At::Address(address) => *address,
            At::Beside { map, offset } => self.address(map, *offset),
        }
    }

    /// mmap(2). v6.6 arch/x86/kernel/sys_x86_64.c, `mmap`; mm/mmap.c, `ksys_mmap_pgoff`
    ///
    /// # Errors
    /// As mmap(2), in the kernel's order. With MAP_FIXED the old mappings may be gone even so.
    pub fn mmap(&mut self, map: &Name, fd: Option<&Name>, asked: &Mmap<'_>) -> Result<(), Errno> {
        self.through(&["sys_mmap", "ksys_mmap_pgoff", "vm_mmap_pgoff"], |vfs| {
            if !asked.offset.is_multiple_of(PAGE) {
                return Err(Errno::EINVAL);
            }
            let file = match fd {
                _ if asked.flags.has(MapFlags::MAP_ANONYMOUS) => None,
                Some(fd) => Some(vfs.file(fd)?),
                None => return Err(Errno::EBADF),
            };
            let request = Request {
                at: asked.at.map_or(0, |at| vfs.at(at)),
                len: asked.length,
                prot: asked.prot,
                flags: asked.flags,
                pgoff: asked.offset / PAGE,
                file,
            };
            let mapped = vfs.do_mmap(&request);
            if let Ok(start) = mapped {
                vfs.maps.insert(map.clone(), Mapped { start, length: asked.length });
                vfs.populate_new(start, &request);
            }
            vfs.put_files();
            mapped.map(|_| ())
        })
    }

    /// MAP_POPULATE and MAP_LOCKED: an error is nobody's. v6.6 include/linux/mm.h, `mm_populate`
    pub(super) fn populate_new(&mut self, start: u64, request: &Request) {
        let asked = request.flags.has(MapFlags::MAP_POPULATE) && !request.flags.has(MapFlags::MAP_NONBLOCK);
        if asked || request.flags.has(MapFlags::MAP_LOCKED) {
            let end = start + page_align(request.len);
            if self.populate(start, end).is_err() {
                self.decide("a page could not be faulted in, which mmap does not report");
            }
        }
    }

    /// v6.6 mm/mmap.c, `do_mmap`
    pub(super) fn do_mmap(&mut self, request: &Request) -> Result<u64, Errno> {
        self.within("do_mmap", |vfs| {
            let kernel = vfs.fs.options().kernel;
            if request.len == 0 {
                return Err(Errno::EINVAL);
            }
            let len = page_align(request.len);
            if len == 0 {
                return Err(Errno::ENOMEM);
            }
            let end = request.pgoff.checked_add(len / PAGE).ok_or(Errno::EOVERFLOW)?;
            vfs.mm.has_room()?;
            let noreplace = request.flags.has(MapFlags::MAP_FIXED_NOREPLACE);
            let spares = noreplace && kernel.has(Feature::MapFixedNoreplace);
            if noreplace && !spares {
                vfs.decide("this kernel does not know MAP_FIXED_NOREPLACE: the address is a hint");
            }
            let fixed = spares || request.flags.has(MapFlags::MAP_FIXED);
            let placement = if fixed { Placement::Fixed(request.at) } else { Placement::Hint(request.at) };
            let start = vfs.mm.unmapped_area(len, placement)?;
            if spares && vfs.mm.is_mapped(start, start + len) {
                return Err(Errno::EEXIST);
            }
            // v6.6 mm/mmap.c, file_mmap_ok: no byte of the file lies behind the largest offset
            if request.file.is_some() && end > (u64::MAX >> 1) / PAGE {
                return Err(Errno::EOVERFLOW);
            }
            let flags = vfs.vm_flags(request)?;
            let pgoff = match (&request.file, flags.shared) {
                (Some(_), _) => request.pgoff,
                (None, true) => {
                    vfs.next += 1;
                    u64::from(vfs.next) * ANONYMOUS_PAGES
                }
                (None, false) => start / PAGE,
            };
            let file = request.file.map(|(id, file)| MappedFile { file: id.0, ino: file.ino });
            let vma = Vma { start, end: start + len, pgoff, file, flags, ptes: BTreeMap::new() };
            vfs.mmap_region(vma, request.flags)?;
            vfs.decide(format!("mapped at {start:#x}"));
            Ok(start)
        })
    }

    /// What kind of mapping it is, and whether the file was opened for that. v6.6 mm/mmap.c, `do_mmap`
    fn vm_flags(&mut self, request: &Request) -> Result<VmFlags, Errno> {
        let kind = request.flags.kind();
        let validates = kind == MapFlags::MAP_SHARED_VALIDATE;
        if validates && !self.fs.options().kernel.has(Feature::MapSharedValidate) {
            return Err(Errno::EINVAL);
        }
        let shares = kind == MapFlags::MAP_SHARED || validates;
        if !shares && kind != MapFlags::MAP_PRIVATE {
            return Err(Errno::EINVAL);
        }
        let writes = request.prot.has(Prot::PROT_WRITE);
        let mut flags = VmFlags {
            read: request.prot.has(Prot::PROT_READ),
            write: writes,
            exec: request.prot.has(Prot::PROT_EXEC),
            shared: shares,
            may_share: shares,
            may_write: true,
            locked: request.flags.has(MapFlags::MAP_LOCKED),
        };
        let Some((_, file)) = request.file else {
            return if validates { Err(Errno::EINVAL) } else { Ok(flags) };
        };
        // Of the flags that a scenario can name, this one alone is neither an old one nor one that ext4 supports.
        if validates && request.flags.has(MapFlags::MAP_FIXED_NOREPLACE) {
            return Err(Errno::EOPNOTSUPP);
        }
        if shares && !file.flags.writes() {
            if writes {
                return Err(Errno::EACCES);
            }
            self.decide("MAP_SHARED of a file that is open read-only: not VM_SHARED, never writable");
            flags.shared = false;
            flags.may_write = false;
        }
        if !file.flags.reads() {
            return Err(Errno::EACCES);
        }
        if self.fs.stat(file.ino).kind != FileKind::REGULAR {
            return Err(Errno::ENODEV);
        }
        Ok(flags)
    }

    /// v6.6 mm/mmap.c, `mmap_region`; fs/ext4/file.c, `ext4_file_mmap`
    fn mmap_region(&mut self, vma: Vma, flags: MapFlags) -> Result<(), Errno> {
        self.within("mmap_region", |vfs| {
            let (start, end, has_file) = (vma.start, vma.end, vma.file.is_some());
            if vfs.mm.is_mapped(start, end) {
                vfs.decide("what was mapped there before is unmapped first");
            }
            // VM_SYNC is computed from the flags before those that MAP_SHARED ignores are dropped.
            let dax = flags.has(MapFlags::MAP_SYNC) && vfs.fs.options().kernel.has(Feature::MapSync);
            if has_file && dax {
                let old = vfs.mm.unmap(start, end - start)?;
                vfs.unmapped(&old);
                return vfs.within("ext4_file_mmap", |vfs| {
                    vfs.decide("MAP_SYNC needs DAX, whatever the type of the mapping");
                    Err(Errno::EOPNOTSUPP)
                });
            }
            let old = vfs.mm.map(vma)?;
            vfs.unmapped(&old);
            if has_file {
                vfs.within("ext4_file_mmap", |_| ());
            }
            Ok(())
        })
    }

    /// What was unmapped hands its dirty bits to the page cache. 2.6.11 mm/memory.c, `zap_pte_range`
    pub(super) fn unmapped(&mut self, old: &Unmapped) {
        if self.fs.queue().lacks(Mutant::MunmapWithoutDirtyBits) {
            return;
        }
        let dirty: Vec<DirtyPage> = old.iter().flat_map(Vma::dirty_pages).collect();
        if !dirty.is_empty() && self.fs.options().rules.dirty_tracking == DirtyTracking::PageTable {
            self.within("zap_pte_range", |vfs| vfs.set_pages_dirty(&dirty));
        }
    }

    /// Pages are dirty, for so the page table says. 2.6.11 mm/page-writeback.c, `set_page_dirty`
    pub(super) fn set_pages_dirty(&mut self, dirty: &[DirtyPage]) {
        for DirtyPage { ino, page } in dirty {
            self.fs.set_page_dirty(*ino, *page);
        }
    }

    /// Counts which descriptions mappings refer to; what nothing refers to any more is released as the call returns.
    /// v6.6 fs/file_table.c, `fput`
    pub(super) fn put_files(&mut self) {
        for file in self.files.values_mut() {
            file.mappings = 0;
        }
        for file in self.mm.vmas().filter_map(|vma| vma.file) {
            if let Some(file) = self.files.get_mut(&FileId(file.file)) {
                file.mappings += 1;
            }
        }
        let unused: Vec<(FileId, File)> = self
            .files
            .iter()
            .filter(|(_, file)| file.descriptors == 0 && file.mappings == 0)
            .map(|(id, file)| (*id, *file))
            .collect();
        for (id, file) in unused {
            self.files.remove(&id);
            self.within("__fput", |vfs| vfs.fs.release(file.ino));
        }
    }

    /// The program ends: its mappings go before its descriptors. v6.6 kernel/exit.c, `exit_mm`
    pub(super) fn exit_mmap(&mut self) {
        self.within("exit_mmap", |vfs| {
            let old = vfs.mm.unmap_all();
            vfs.unmapped(&old);
            vfs.put_files();
        });
    }
}

#[cfg(test)]
mod tests;
