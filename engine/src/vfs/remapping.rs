//! munmap, mremap, mprotect, mlock, munlock, remap_file_pages: what is done to mappings that are there.
//!
//! Not modelled: non-linear mappings. remap_file_pages maps anew on every kernel, as kernels since 4.0 do.

use super::mapping::Request;
use super::{FileId, Mapped, Vfs};
use crate::history::Errno;
use crate::kernel::Feature;
use crate::mm::{Access, Lock, PAGE, Remap, RemapFlags, Unmapped, page_align};
use crate::scenario::{At, MapFlags, MremapFlags, Name, Prot};

/// The arguments of `mremap`; `to` is the address for MREMAP_FIXED.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "mremap(2)")]
pub struct Mremap<'a> {
    pub offset: i64,
    pub length: Option<u64>,
    pub new_length: u64,
    pub flags: MremapFlags,
    pub to: Option<&'a At>,
}

impl Vfs {
    /// munmap(2). v6.6 mm/mmap.c, `__vm_munmap`
    ///
    /// # Errors
    /// EINVAL (alignment, length, outside of the address space), ENOMEM (too many mappings).
    pub fn munmap(&mut self, map: &Name, offset: i64, length: Option<u64>) -> Result<(), Errno> {
        let (start, len) = (self.address(map, offset), self.length(map, length));
        self.through(&["sys_munmap", "__vm_munmap"], |vfs| {
            let old = vfs.mm.unmap(start, len)?;
            if old.is_empty() {
                vfs.decide("nothing is mapped there, which is no error");
            }
            vfs.unmapped(&old);
            vfs.put_files();
            Ok(())
        })
    }

    /// mremap(2). v6.6 mm/mremap.c, `mremap`
    ///
    /// # Errors
    /// EINVAL, EFAULT, ENOMEM, in the kernel's order.
    pub fn mremap(&mut self, map: &Name, asked: &Mremap<'_>) -> Result<(), Errno> {
        let remap = Remap {
            address: self.address(map, asked.offset),
            old_len: self.length(map, asked.length),
            new_len: asked.new_length,
            flags: RemapFlags {
                may_move: asked.flags.has(MremapFlags::MREMAP_MAYMOVE),
                fixed: asked.flags.has(MremapFlags::MREMAP_FIXED),
                dont_unmap: asked.flags.has(MremapFlags::MREMAP_DONTUNMAP),
            },
            to: asked.to.map_or(0, |at| self.at(at)),
        };
        self.within("sys_mremap", |vfs| {
            if remap.flags.dont_unmap && !vfs.fs.options().kernel.has(Feature::MremapDontunmap) {
                vfs.decide("this kernel does not know MREMAP_DONTUNMAP");
                return Err(Errno::EINVAL);
            }
            let mut old = Unmapped::new();
            let result = vfs.mm.remap(&remap, &mut old);
            vfs.unmapped(&old);
            if let Ok(done) = &result {
                let how =
                    if done.address == remap.address { "it stays" } else { "it moves, with its page table," };
                vfs.decide(format!("{how} at {:#x}", done.address));
                vfs.maps.insert(map.clone(), Mapped { start: done.address, length: asked.new_length });
                if let Some((start, end)) = done.populate {
                    // mm_populate ignores errors
                    let _ = vfs.populate(start, end);
                }
            }
            vfs.put_files();
            result.map(|_| ())
        })
    }

    /// mprotect(2). v6.6 mm/mprotect.c, `do_mprotect_pkey`
    ///
    /// Dirty bits stay where they are.
    ///
    /// # Errors
    /// EINVAL, ENOMEM, EACCES, in the kernel's order.
    pub fn mprotect(
        &mut self,
        map: &Name,
        offset: i64,
        length: Option<u64>,
        prot: Prot,
    ) -> Result<(), Errno> {
        let (start, len) = (self.address(map, offset), self.length(map, length));
        let access = Access {
            read: prot.has(Prot::PROT_READ),
            write: prot.has(Prot::PROT_WRITE),
            exec: prot.has(Prot::PROT_EXEC),
        };
        self.through(&["sys_mprotect", "do_mprotect_pkey"], |vfs| {
            let result = vfs.mm.protect(start, len, access);
            vfs.put_files();
            result
        })
    }

    /// mlock(2). v6.6 mm/mlock.c, `do_mlock`
    ///
    /// # Errors
    /// ENOMEM (a hole, or a page that cannot be faulted in), EAGAIN (the fault found no memory).
    pub fn mlock(&mut self, map: &Name) -> Result<(), Errno> {
        self.through(&["sys_mlock", "do_mlock"], |vfs| {
            let (start, end) = vfs.apply_lock(map, Lock::Locked)?;
            // v6.6 mm/mlock.c, __mlock_posix_error_return
            vfs.populate(start, end)
                .map_err(|errno| if errno == Errno::ENOMEM { Errno::EAGAIN } else { Errno::ENOMEM })
        })
    }

    /// munlock(2). v6.6 mm/mlock.c, `munlock`
    ///
    /// # Errors
    /// ENOMEM: a hole.
    pub fn munlock(&mut self, map: &Name) -> Result<(), Errno> {
        self.within("sys_munlock", |vfs| vfs.apply_lock(map, Lock::Unlocked).map(|_| ()))
    }

    /// Returns the range of addresses. v6.6 mm/mlock.c, `apply_vma_lock_flags`
    fn apply_lock(&mut self, map: &Name, lock: Lock) -> Result<(u64, u64), Errno> {
        let address = self.address(map, 0);
        let start = address - address % PAGE;
        let end = start.wrapping_add(page_align(self.length(map, None).wrapping_add(address % PAGE)));
        let result = self.within("apply_vma_lock_flags", |vfs| vfs.mm.lock(start, end, lock));
        self.put_files();
        result.map(|()| (start, end))
    }

    /// remap_file_pages(2). v6.6 mm/mmap.c, `remap_file_pages`: a new mapping in place of the old one.
    ///
    /// # Errors
    /// EINVAL (nothing to map, not one shared writable mapping, the page offset wraps around), and those of mmap.
    pub fn remap_file_pages(
        &mut self,
        map: &Name,
        offset: i64,
        length: u64,
        pgoff: u64,
    ) -> Result<(), Errno> {
        let address = self.address(map, offset);
        let (start, size) = (address - address % PAGE, length - length % PAGE);
        self.within("sys_remap_file_pages", |vfs| {
            let vma = vfs.mm.remappable(start, size, pgoff)?;
            let (flags, file) = (vma.flags, vma.file);
            let mut prot = Prot::PROT_NONE;
            for (is_set, bit) in [
                (flags.read, Prot::PROT_READ),
                (flags.write, Prot::PROT_WRITE),
                (flags.exec, Prot::PROT_EXEC),
            ] {
                prot = if is_set { prot.with(bit) } else { prot };
            }
            let fixed = MapFlags::MAP_SHARED.with(MapFlags::MAP_FIXED).with(MapFlags::MAP_POPULATE);
            let fixed = if flags.locked { fixed.with(MapFlags::MAP_LOCKED) } else { fixed };
            let file = file.and_then(|file| vfs.files.get_key_value(&FileId(file.file)));
            let file = file.map(|(id, file)| (*id, *file));
            let request = Request { at: start, len: size, prot, flags: fixed, pgoff, file };
            let mapped = vfs.do_mmap(&request);
            if let Ok(start) = mapped {
                vfs.populate_new(start, &request);
            }
            vfs.put_files();
            mapped.map(|_| ())
        })
    }
}
