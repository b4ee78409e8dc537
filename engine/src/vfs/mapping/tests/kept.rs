//! What mappings keep: files open, and on old kernels dirty bits.

use super::{
    FIXED, Kernel, Mmap, Mremap, MremapFlags, MsyncFlags, PAGE, R, RW, Vfs, machine, map, pages, plain, way,
};
use crate::device::{DeviceLog, Why};
use crate::ext4::Datasync;
use crate::mm::{Pte, Stamp};
use crate::scenario::{At, Name, OpenFlags};

/// Pages 0 to 7 of the file are mapped as "m" and read, and these are stored to as far as the page table knows.
fn stored(kernel: Kernel, dirty: &[u64]) -> Vfs {
    let mut vfs = machine(kernel);
    map(&mut vfs, "m", "rw", &pages(8)).unwrap();
    vfs.pread(&"rw".into(), 0, 8 * PAGE).unwrap();
    let start = vfs.address(&"m".into(), 0);
    for page in dirty {
        let pte = Pte::Writable { stamp: Stamp::default(), dirty: true };
        vfs.mm.lookup_mut(start).unwrap().ptes.insert(start / PAGE + page, pte);
    }
    vfs.fs.queue().restart_log();
    vfs
}

/// How many blocks of data were submitted.
fn data_in(log: &DeviceLog) -> u32 {
    let blocks = log.requests().iter().filter_map(|request| {
        let Why::Data { blocks, .. } = request.cause.why else { return None };
        Some(blocks)
    });
    blocks.sum()
}

fn data_blocks(vfs: Vfs) -> u32 {
    data_in(&vfs.into_fs().into_queue().into_parts().0)
}

#[test]
fn a_mapping_keeps_its_file_open() {
    let mut vfs = machine(Kernel::default());
    let m: Name = "m".into();
    map(&mut vfs, "m", "rw", &pages(8)).unwrap();
    for fd in ["ro", "wo"] {
        vfs.close(&fd.into()).unwrap();
    }
    vfs.unlink("/f").unwrap();
    let closed = way(&mut vfs, |vfs| vfs.close(&"rw".into()).unwrap());
    assert!(!closed.iter().any(|event| event == "__fput"), "{closed:?}");
    vfs.munmap(&m, 2 * 4096, Some(PAGE)).unwrap();
    vfs.msync(&m, 0, Some(PAGE), MsyncFlags::MS_SYNC).unwrap();
    let half = way(&mut vfs, |vfs| vfs.munmap(&m, 0, Some(2 * PAGE)).unwrap());
    assert!(
        !half.iter().any(|event| event == "__fput"),
        "the part behind the hole is mapped still: {half:?}"
    );
    let gone = way(&mut vfs, |vfs| vfs.munmap(&m, 0, None).unwrap());
    assert!(gone.iter().any(|event| event == "__fput"), "{gone:?}");
    assert!(gone.iter().any(|event| event == "ext4_evict_inode"), "its last user is gone: {gone:?}");
}

#[test]
fn two_descriptors_of_one_description_map_as_one_and_a_second_open_does_not() {
    for (second, ranges) in [("dup", 1), ("open", 2)] {
        let mut vfs = machine(Kernel::default());
        vfs.dup(&"dup".into(), &"rw".into()).unwrap();
        vfs.open(&"open".into(), "/f", OpenFlags::O_RDWR, 0).unwrap();
        map(&mut vfs, "m", "rw", &Mmap { at: Some(&At::Address(0x2000_0000)), ..pages(1) }).unwrap();
        let behind = At::Address(0x2000_0000 + PAGE);
        map(&mut vfs, "n", second, &Mmap { offset: PAGE, at: Some(&behind), ..plain(RW, FIXED) }).unwrap();
        assert_eq!(vfs.mm.count(), ranges, "{second}");
    }
}

#[test]
fn what_is_unmapped_hands_its_dirty_bits_to_the_page_cache() {
    type Case = (&'static str, fn(&mut Vfs, &Name), u32);
    let rows: &[Case] = &[
        ("nothing", |_, _| (), 0),
        ("munmap", |vfs, m| vfs.munmap(m, 0, None).unwrap(), 3),
        ("munmap of two of them", |vfs, m| vfs.munmap(m, 0, Some(3 * PAGE)).unwrap(), 2),
        ("msync of one of them", |vfs, m| vfs.msync(m, 4096, Some(PAGE), MsyncFlags::MS_ASYNC).unwrap(), 1),
        ("mprotect", |vfs, m| vfs.mprotect(m, 0, None, R).unwrap(), 0),
        ("MAP_FIXED over one of them", |vfs, m| map_over(vfs, m, R).unwrap(), 1),
        ("a MAP_FIXED that is refused", |vfs, m| assert!(map_over(vfs, m, RW).is_err()), 0),
        ("mremap to two pages", |vfs, m| resize(vfs, m, 2, MremapFlags::NONE, None), 2),
        ("mremap elsewhere", move_away, 0),
        ("remap_file_pages", |vfs, m| vfs.remap_file_pages(m, 0, 8 * PAGE, 8).unwrap(), 3),
    ];
    for (name, call, moved) in rows {
        for (kernel, knows) in [(Kernel::V2_6_11, true), (Kernel::V2_6_18, true), (Kernel::V2_6_19, false)] {
            let mut vfs = stored(kernel, &[1, 2, 5]);
            call(&mut vfs, &"m".into());
            vfs.fsync(&"rw".into(), Datasync::No).unwrap();
            let wanted = if knows { *moved } else { 0 };
            assert_eq!(data_blocks(vfs), wanted, "{name}, {kernel}");
        }
    }
}

/// Maps the file, as it is open to read, over the second page.
fn map_over(vfs: &mut Vfs, m: &Name, prot: crate::scenario::Prot) -> Result<(), crate::history::Errno> {
    let at = At::Beside { map: m.clone(), offset: 4096 };
    map(vfs, "n", "ro", &Mmap { at: Some(&at), ..plain(prot, FIXED) })
}

fn resize(vfs: &mut Vfs, m: &Name, pages: u64, flags: MremapFlags, to: Option<&At>) {
    let asked = Mremap { offset: 0, length: None, new_length: pages * PAGE, flags, to };
    vfs.mremap(m, &asked).unwrap();
}

fn move_away(vfs: &mut Vfs, m: &Name) {
    let flags = MremapFlags::MREMAP_MAYMOVE.with(MremapFlags::MREMAP_FIXED);
    let to = At::Beside { map: m.clone(), offset: -(64 * 4096) };
    resize(vfs, m, 8, flags, Some(&to));
}

#[test]
fn the_end_of_the_program_hands_over_what_is_still_mapped() {
    for (kernel, wanted) in [(Kernel::V2_6_11, 3), (Kernel::V2_6_19, 0)] {
        let log = stored(kernel, &[1, 2, 5]).exit().unmount().unwrap().into_parts().0;
        assert_eq!(data_in(&log), wanted, "{kernel}");
    }
}

#[test]
fn msync_writes_what_its_kernel_writes() {
    let rows = [
        ("starts I/O", Kernel::V2_5_67, MsyncFlags::MS_ASYNC, 1, "__filemap_fdatawrite_range"),
        ("moves dirty bits", Kernel::V2_6_11, MsyncFlags::MS_ASYNC, 0, "filemap_sync"),
        ("throttles", Kernel::V2_6_17, MsyncFlags::MS_ASYNC, 0, "balance_dirty_pages_ratelimited_nr"),
        ("does nothing", Kernel::V2_6_19, MsyncFlags::MS_ASYNC, 0, "sys_msync"),
        ("moves and syncs under the lock", Kernel::V2_6_16, MsyncFlags::MS_SYNC, 1, "msync_interval"),
        ("moves and syncs", Kernel::V2_6_18, MsyncFlags::MS_SYNC, 1, "do_fsync"),
        ("trusts the page cache", Kernel::V3_10, MsyncFlags::MS_SYNC, 0, "do_fsync"),
        ("trusts the page cache", Kernel::V6_6, MsyncFlags::MS_SYNC, 0, "vfs_fsync_range"),
    ];
    for (name, kernel, flags, blocks, function) in rows {
        let mut vfs = stored(kernel, &[1]);
        let way = way(&mut vfs, |vfs| vfs.msync(&"m".into(), 0, None, flags).unwrap());
        assert!(way.iter().any(|event| event == function), "{name}, {kernel}: {way:?}");
        assert_eq!(data_blocks(vfs), blocks, "{name}, {kernel}");
    }
}

#[test]
fn msync_writes_its_range_or_the_whole_file() {
    for (kernel, wanted) in [(Kernel::V2_6_19, 3), (Kernel::V3_10, 3), (Kernel::V3_16, 1), (Kernel::V6_12, 1)]
    {
        let mut vfs = stored(kernel, &[]);
        for page in [0, 2, 5] {
            vfs.pwrite(&"rw".into(), b"new", page * 4096).unwrap();
        }
        vfs.msync(&"m".into(), 2 * 4096, Some(PAGE), MsyncFlags::MS_SYNC).unwrap();
        assert_eq!(data_blocks(vfs), wanted, "{kernel}");
    }
}
