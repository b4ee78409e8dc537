//! What the calls on mappings return, and what mappings keep open. The rows that Linux 6.6 answers were run on Linux
//! 6.18 too, with the same result; those of other kernels were not run.

mod kept;

use super::super::{Mmap, Mremap, Vfs};
use crate::block::{Barrier, Queue};
use crate::device::{Disk, DiskModel};
use crate::ext4::{Fs, Options, mkfs};
use crate::history::Errno;
use crate::kernel::Kernel;
use crate::mm::{PAGE, TASK_SIZE};
use crate::scenario::{At, MapFlags, MremapFlags, MsyncFlags, Name, OpenFlags, Prot, Stack};
use crate::schedule::Schedule;
use crate::units::{StepIdx, Time};

const R: Prot = Prot::PROT_READ;
const RW: Prot = Prot::PROT_READ.with(Prot::PROT_WRITE);
const SHARED: MapFlags = MapFlags::MAP_SHARED;
const PRIVATE: MapFlags = MapFlags::MAP_PRIVATE;
const VALIDATE: MapFlags = MapFlags::MAP_SHARED_VALIDATE;
const FIXED: MapFlags = MapFlags::MAP_SHARED.with(MapFlags::MAP_FIXED);
const NOREPLACE: MapFlags = MapFlags::MAP_SHARED.with(MapFlags::MAP_FIXED_NOREPLACE);
/// Nothing is ever mapped there.
const NOWHERE: u64 = 0x1_0000;

/// A file of 16 pages, open as "rw", "ro" and "wo"; the root directory, open as "dir".
fn machine(kernel: Kernel) -> Vfs {
    let stack = Stack { kernel, ..Stack::default() };
    let image = mkfs(&stack.mkfs, Time::from_secs(1_700_000_000));
    let disk = stack.disk;
    let model = DiskModel { blocks: image.blocks(), cache: disk.cache, atomic: disk.atomic, fua: disk.fua };
    let now = Time::from_secs(1_700_003_600);
    let queue = Queue::new(Disk::new(model, image), Barrier::On, Schedule::Prompt, None, now);
    let mut vfs = Vfs::new(Fs::mount(queue, Options::of(&stack)));
    let create = OpenFlags::O_CREAT.with(OpenFlags::O_RDWR);
    vfs.open(&"rw".into(), "/f", create, 0o644).unwrap();
    vfs.open(&"ro".into(), "/f", OpenFlags::O_RDONLY, 0).unwrap();
    vfs.open(&"wo".into(), "/f", OpenFlags::O_WRONLY, 0).unwrap();
    vfs.open(&"dir".into(), "/", OpenFlags::O_RDONLY, 0).unwrap();
    vfs.write(&"rw".into(), &[b'.'; 16 * 4096]).unwrap();
    vfs.fsync(&"rw".into(), crate::ext4::Datasync::No).unwrap();
    vfs
}

const fn plain(prot: Prot, flags: MapFlags) -> Mmap<'static> {
    Mmap { length: PAGE, prot, flags, offset: 0, at: None }
}

fn map(vfs: &mut Vfs, name: &str, fd: &str, asked: &Mmap<'_>) -> Result<(), Errno> {
    let fd: Option<Name> = if fd.is_empty() { None } else { Some(fd.into()) };
    vfs.mmap(&name.into(), fd.as_ref(), asked)
}

fn pages(pages: u64) -> Mmap<'static> {
    Mmap { length: pages * PAGE, ..plain(RW, SHARED) }
}

/// The functions and decisions on the way of something.
fn way(vfs: &mut Vfs, body: impl FnOnce(&mut Vfs)) -> Vec<String> {
    vfs.fs.queue().begin_step(StepIdx::new(0));
    body(vfs);
    vfs.fs.queue().take_way().texts()
}

#[test]
fn mmap_fails_as_the_kernel_does() {
    let anonymous = MapFlags::MAP_ANONYMOUS;
    let ok = plain(R, SHARED);
    let low = At::Address(TASK_SIZE);
    let crooked = At::Address(100);
    let rows = [
        (
            "an offset that is no multiple of 4096",
            "none",
            Mmap { offset: 100, length: 0, ..ok },
            Err(Errno::EINVAL),
        ),
        ("a descriptor that is not open", "none", Mmap { length: 0, ..ok }, Err(Errno::EBADF)),
        ("a length of 0", "rw", Mmap { length: 0, ..ok }, Err(Errno::EINVAL)),
        ("a length that becomes 0", "rw", Mmap { length: u64::MAX, ..ok }, Err(Errno::ENOMEM)),
        ("longer than the address space", "rw", Mmap { length: 1 << 47, ..ok }, Err(Errno::ENOMEM)),
        (
            "behind the largest offset",
            "rw",
            Mmap { offset: PAGE.wrapping_neg(), ..ok },
            Err(Errno::EOVERFLOW),
        ),
        (
            "the last page of the largest file",
            "rw",
            Mmap { offset: (1 << 63) - PAGE, ..ok },
            Err(Errno::EOVERFLOW),
        ),
        ("behind the end of the file", "rw", Mmap { offset: 1 << 30, ..ok }, Ok(())),
        ("MAP_FIXED, crooked", "rw", Mmap { flags: FIXED, at: Some(&crooked), ..ok }, Err(Errno::EINVAL)),
        ("MAP_FIXED, too high", "rw", Mmap { flags: FIXED, at: Some(&low), ..ok }, Err(Errno::ENOMEM)),
        ("a hint that is too high", "rw", Mmap { at: Some(&low), ..ok }, Ok(())),
        ("neither shared nor private", "rw", plain(R, MapFlags::NONE), Err(Errno::EINVAL)),
        ("the same, anonymous", "", plain(R, anonymous), Err(Errno::EINVAL)),
        ("anonymous, to be validated", "", plain(R, VALIDATE.with(anonymous)), Err(Errno::EINVAL)),
        ("anonymous, whatever the descriptor", "none", plain(R, PRIVATE.with(anonymous)), Ok(())),
        ("no descriptor", "", ok, Err(Errno::EBADF)),
        ("shared and writable, open to read", "ro", plain(RW, SHARED), Err(Errno::EACCES)),
        ("shared, open to read", "ro", plain(R, SHARED), Ok(())),
        ("private and writable, open to read", "ro", plain(RW, PRIVATE), Ok(())),
        ("open to write", "wo", plain(Prot::PROT_WRITE, SHARED), Err(Errno::EACCES)),
        ("no access, open to write", "wo", plain(Prot::PROT_NONE, PRIVATE), Err(Errno::EACCES)),
        ("a directory", "dir", plain(R, SHARED), Err(Errno::ENODEV)),
        ("a directory, of no type", "dir", plain(R, MapFlags::NONE), Err(Errno::EINVAL)),
        ("a directory, to write", "dir", plain(RW, SHARED), Err(Errno::EACCES)),
        ("MAP_SYNC, validated", "rw", plain(R, VALIDATE.with(MapFlags::MAP_SYNC)), Err(Errno::EOPNOTSUPP)),
        ("MAP_SYNC", "rw", plain(R, SHARED.with(MapFlags::MAP_SYNC)), Err(Errno::EOPNOTSUPP)),
        ("MAP_SYNC, private", "rw", plain(R, PRIVATE.with(MapFlags::MAP_SYNC)), Err(Errno::EOPNOTSUPP)),
        ("MAP_SYNC, anonymous", "", plain(R, PRIVATE.with(anonymous).with(MapFlags::MAP_SYNC)), Ok(())),
        (
            "MAP_FIXED_NOREPLACE, validated",
            "rw",
            plain(R, VALIDATE.with(MapFlags::MAP_FIXED_NOREPLACE)),
            Err(Errno::EOPNOTSUPP),
        ),
        (
            "MAP_POPULATE behind the end",
            "rw",
            Mmap { offset: 1 << 30, ..plain(R, SHARED.with(MapFlags::MAP_POPULATE)) },
            Ok(()),
        ),
    ];
    for (name, fd, asked, wanted) in rows {
        let mut vfs = machine(Kernel::default());
        assert_eq!(map(&mut vfs, "m", fd, &asked), wanted, "{name}");
        assert_eq!(vfs.mm.count(), usize::from(wanted.is_ok()), "{name}");
        vfs.mm.vmas().for_each(|vma| assert!(vma.end <= TASK_SIZE, "{name}"));
    }
}

#[test]
fn old_kernels_know_fewer_flags() {
    let rows = [
        ("MAP_SHARED_VALIDATE", VALIDATE, Kernel::V3_16, Err(Errno::EINVAL)),
        ("MAP_SHARED_VALIDATE", VALIDATE, Kernel::V4_19, Ok(())),
        ("MAP_SYNC", SHARED.with(MapFlags::MAP_SYNC), Kernel::V3_16, Ok(())),
        ("MAP_SYNC", SHARED.with(MapFlags::MAP_SYNC), Kernel::V4_19, Err(Errno::EOPNOTSUPP)),
    ];
    for (name, flags, kernel, wanted) in rows {
        assert_eq!(map(&mut machine(kernel), "m", "rw", &plain(R, flags)), wanted, "{name}, {kernel}");
    }
    let there = At::Beside { map: "m".into(), offset: 0 };
    for (kernel, wanted) in [(Kernel::V3_16, Ok(())), (Kernel::V4_19, Err(Errno::EEXIST))] {
        let mut vfs = machine(kernel);
        map(&mut vfs, "m", "rw", &pages(1)).unwrap();
        let again = Mmap { at: Some(&there), ..plain(R, NOREPLACE) };
        assert_eq!(map(&mut vfs, "n", "rw", &again), wanted, "{kernel}");
        assert_ne!(vfs.address(&"m".into(), 0), vfs.address(&"n".into(), 0), "{kernel}: a hint at most");
    }
    let dont_unmap = MremapFlags::MREMAP_MAYMOVE.with(MremapFlags::MREMAP_DONTUNMAP);
    for (kernel, wanted) in [(Kernel::V5_4, Err(Errno::EINVAL)), (Kernel::V5_15, Ok(()))] {
        let mut vfs = machine(kernel);
        map(&mut vfs, "m", "rw", &pages(1)).unwrap();
        let asked = Mremap { offset: 0, length: None, new_length: PAGE, flags: dont_unmap, to: None };
        assert_eq!(vfs.mremap(&"m".into(), &asked), wanted, "{kernel}");
        assert_eq!(vfs.mm.count(), 1 + usize::from(wanted.is_ok()), "{kernel}");
    }
}

#[test]
fn a_failed_map_fixed_has_unmapped_what_was_there_if_it_got_so_far() {
    let there = At::Beside { map: "m".into(), offset: 0 };
    let rows = [
        ("refused for its access", "ro", plain(RW, FIXED), Errno::EACCES, Ok(())),
        (
            "refused by ext4",
            "rw",
            plain(R, FIXED.with(MapFlags::MAP_SYNC)),
            Errno::EOPNOTSUPP,
            Err(Errno::ENOMEM),
        ),
    ];
    for (name, fd, asked, wanted, left) in rows {
        let mut vfs = machine(Kernel::default());
        map(&mut vfs, "m", "rw", &pages(1)).unwrap();
        assert_eq!(map(&mut vfs, "n", fd, &Mmap { at: Some(&there), ..asked }), Err(wanted), "{name}");
        assert_eq!(vfs.msync(&"m".into(), 0, None, MsyncFlags::MS_ASYNC), left, "{name}");
    }
}

#[test]
fn the_other_calls_fail_as_the_kernel_does() {
    type Case = (&'static str, fn(&mut Vfs, &Name) -> Result<(), Errno>, Result<(), Errno>);
    // "m" is 8 pages, "r" 4 pages of a file that is open to read, "p" 4 private ones.
    let rows: &[Case] = &[
        ("munmap, crooked", |vfs, m| vfs.munmap(m, 100, None), Err(Errno::EINVAL)),
        ("munmap of nothing", |vfs, m| vfs.munmap(m, 0, Some(0)), Err(Errno::EINVAL)),
        ("munmap of everything", |vfs, m| vfs.munmap(m, 0, Some(u64::MAX)), Err(Errno::EINVAL)),
        ("munmap of a hole", |vfs, _| vfs.munmap(&"nowhere".into(), 0, Some(PAGE)), Ok(())),
        ("mprotect, crooked", |vfs, m| vfs.mprotect(m, 1, None, R), Err(Errno::EINVAL)),
        ("mprotect of nothing", |vfs, _| vfs.mprotect(&"nowhere".into(), 0, Some(0), R), Ok(())),
        (
            "mprotect of a hole",
            |vfs, _| vfs.mprotect(&"nowhere".into(), 0, Some(PAGE), R),
            Err(Errno::ENOMEM),
        ),
        ("mprotect of too much", |vfs, m| vfs.mprotect(m, 0, Some(u64::MAX), R), Err(Errno::ENOMEM)),
        (
            "mprotect that wraps around",
            |vfs, m| vfs.mprotect(m, 0, Some(u64::MAX - 8191), R),
            Err(Errno::ENOMEM),
        ),
        ("to write, open to read", |vfs, _| vfs.mprotect(&"r".into(), 0, None, RW), Err(Errno::EACCES)),
        ("to write, private", |vfs, _| vfs.mprotect(&"p".into(), 0, None, RW), Ok(())),
        ("mlock of a hole", |vfs, _| vfs.mlock(&"nowhere".into()), Err(Errno::ENOMEM)),
        ("munlock of a hole", |vfs, _| vfs.munlock(&"nowhere".into()), Err(Errno::ENOMEM)),
        ("mlock", |vfs, m| vfs.mlock(m), Ok(())),
        ("remap_file_pages of nothing", |vfs, m| vfs.remap_file_pages(m, 0, 100, 0), Err(Errno::EINVAL)),
        (
            "of a file open to read",
            |vfs, _| vfs.remap_file_pages(&"r".into(), 0, PAGE, 0),
            Err(Errno::EINVAL),
        ),
        ("of a private mapping", |vfs, _| vfs.remap_file_pages(&"p".into(), 0, PAGE, 0), Err(Errno::EINVAL)),
        ("of a hole", |vfs, _| vfs.remap_file_pages(&"nowhere".into(), 0, PAGE, 0), Err(Errno::EINVAL)),
        ("of one page", |vfs, m| vfs.remap_file_pages(m, 100, PAGE, 5), Ok(())),
        (
            "to the last page there is",
            |vfs, m| vfs.remap_file_pages(m, 0, PAGE, 1 << 51),
            Err(Errno::EOVERFLOW),
        ),
        ("too far", |vfs, m| vfs.remap_file_pages(m, 0, 100 * PAGE, 0), Err(Errno::EINVAL)),
    ];
    for (name, call, wanted) in rows {
        let mut vfs = machine(Kernel::default());
        map(&mut vfs, "m", "rw", &pages(8)).unwrap();
        map(&mut vfs, "r", "ro", &Mmap { length: 4 * PAGE, ..plain(R, SHARED) }).unwrap();
        map(&mut vfs, "p", "ro", &Mmap { length: 4 * PAGE, ..plain(R, PRIVATE) }).unwrap();
        let at = At::Address(NOWHERE);
        map(&mut vfs, "nowhere", "ro", &Mmap { at: Some(&at), ..plain(R, FIXED) }).unwrap();
        vfs.munmap(&"nowhere".into(), 0, None).unwrap();
        assert_eq!(call(&mut vfs, &"m".into()), *wanted, "{name}");
    }
}

#[test]
fn a_name_that_was_never_mapped_stands_for_map_failed() {
    let mut vfs = machine(Kernel::default());
    let m: Name = "m".into();
    assert_eq!(map(&mut vfs, "m", "ro", &plain(RW, SHARED)), Err(Errno::EACCES));
    assert_eq!(vfs.munmap(&m, 0, Some(PAGE)), Err(Errno::EINVAL));
    assert_eq!(vfs.msync(&m, 0, Some(PAGE), MsyncFlags::MS_SYNC), Err(Errno::EINVAL));
    assert_eq!(vfs.mlock(&m), Err(Errno::EINVAL));
}
