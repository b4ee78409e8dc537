//! Loads and stores on mapped ranges that are put into the address space by hand; crash states of what they leave.

use super::super::Mapped;
use super::*;
use crate::block::{Barrier, Queue};
use crate::crash::brute::{Bounds, explore};
use crate::device::{AtomicUnit, Cache, Disk, DiskImage, DiskModel, Why};
use crate::ext4::{Datasync, Fs, Options, mkfs};
use crate::kernel::Kernel;
use crate::oracle::{observe, tree_text};
use crate::recovery::{Profile, recover};
use crate::scenario::{OpenFlags, Stack, Whence};
use crate::schedule::Schedule;
use crate::units::{StepIdx, Time};
use std::collections::BTreeSet;

const MADE: Time = Time::from_secs(1_700_000_000);
/// Where mappings of tests lie.
const BASE: u64 = 0x7f00_0000_0000;

const NONE: VmFlags = VmFlags {
    read: false,
    write: false,
    exec: false,
    shared: false,
    may_share: false,
    may_write: true,
    locked: false,
};
const SHARED: VmFlags = VmFlags { read: true, write: true, shared: true, may_share: true, ..NONE };
const PRIVATE: VmFlags = VmFlags { read: true, write: true, ..NONE };

/// A program with `/f` open as "f" and nothing in the log yet.
struct Machine {
    vfs: Vfs,
    base: DiskImage,
    stack: Stack,
    schedule: Schedule,
}

fn stack(kernel: Kernel) -> Stack {
    let mut stack = Stack { kernel, ..Stack::default() };
    stack.disk.atomic = AtomicUnit::Block;
    stack
}

impl Machine {
    /// `/f` holds `content`, durably.
    fn new(stack: Stack, schedule: Schedule, content: &[u8]) -> Self {
        let made = mkfs(&stack.mkfs, MADE);
        let mut setup = Vfs::new(Fs::mount(queue(&stack, made, Schedule::Prompt, MADE), Options::of(&stack)));
        let flags = OpenFlags::O_CREAT.with(OpenFlags::O_RDWR);
        setup.open(&"f".into(), "/f", flags, 0o644).unwrap();
        setup.write(&"f".into(), content).unwrap();
        let image = setup.exit().unmount().unwrap().into_parts().1;
        let q = queue(&stack, image, schedule, MADE.plus_secs(3600));
        let mut fs = Fs::mount(q, Options::of(&stack));
        let base = fs.queue().restart_log();
        let mut vfs = Vfs::new(fs);
        vfs.open(&"f".into(), "/f", OpenFlags::O_RDWR, 0).unwrap();
        Self { vfs, base, stack, schedule }
    }

    fn default(content: &[u8]) -> Self {
        Self::new(stack(Kernel::default()), Schedule::Prompt, content)
    }

    /// Maps `pages` pages as "m".
    fn map(&mut self, pages: u64, flags: VmFlags) {
        let file = Some(MappedFile { file: 0, ino: self.ino() });
        self.map_at("m", BASE, pages, flags, file);
    }

    fn map_at(&mut self, name: &str, start: u64, pages: u64, flags: VmFlags, file: Option<MappedFile>) {
        let end = start + pages * block_bytes();
        self.vfs.mm.map_for_test(Vma { start, end, pgoff: 0, file, flags, ptes: [].into() });
        self.vfs.maps.insert(name.into(), Mapped { start, length: end - start });
    }

    fn ino(&self) -> Ino {
        self.vfs.file(&"f".into()).unwrap().1.ino
    }

    fn store(&mut self, offset: i64, data: &[u8]) -> Result<(), Errno> {
        self.vfs.store(&"m".into(), offset, data)
    }

    fn load(&mut self, offset: i64, len: u64) -> Result<Vec<u8>, Errno> {
        self.vfs.load(&"m".into(), offset, len)
    }

    fn fsync(&mut self) {
        self.vfs.fsync(&"f".into(), Datasync::No).unwrap();
    }

    fn pass(&mut self, secs: u64) {
        let until = self.vfs.fs.queue().now().plus_secs(secs);
        self.vfs.fs.run_until(until);
    }

    /// The functions and decisions on the way of something.
    fn way(&mut self, body: impl FnOnce(&mut Self)) -> Vec<String> {
        self.vfs.fs.queue().begin_step(StepIdx::new(0));
        body(self);
        self.vfs.fs.queue().take_way().texts()
    }

    /// What `/f` may be if the power fails now.
    fn survivors(self) -> BTreeSet<String> {
        let profile = Profile::of(self.stack.kernel);
        let log = self.vfs.into_fs().into_queue().into_parts().0;
        let moment = log.now();
        let mut found = BTreeSet::new();
        let judge = |view: &mut crate::crash::brute::CrashView<'_>| {
            let survivors = recover(view, &profile).unwrap();
            assert_eq!(survivors.repairs, [], "a sound file system");
            tree_text(&observe(&survivors, view))["/f"].clone()
        };
        let bounds = Bounds { max_states: 100_000, seed: 1 };
        explore(&self.base, &log, self.schedule, &bounds, judge, |state, text| {
            if state.legal.iter().any(|range| range.contains(&moment)) {
                found.insert(text);
            }
        });
        found
    }

    /// How many blocks of data were submitted.
    fn data_blocks(self) -> u32 {
        let log = self.vfs.into_fs().into_queue().into_parts().0;
        let blocks = log
            .requests()
            .iter()
            .map(|request| if let Why::Data { blocks, .. } = request.cause.why { blocks } else { 0 });
        blocks.sum()
    }
}

fn queue(stack: &Stack, image: DiskImage, schedule: Schedule, now: Time) -> Queue {
    let disk = stack.disk;
    let model = DiskModel { blocks: image.blocks(), cache: disk.cache, atomic: disk.atomic, fua: disk.fua };
    Queue::new(Disk::new(model, image), Barrier::On, schedule, None, now)
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn has(way: &[String], what: &str) -> bool {
    way.iter().any(|line| line.contains(what))
}

#[test]
fn accesses_get_the_signals_of_the_kernel() {
    let rows = [
        ("a load of what is mapped", SHARED, 0, Ok(()), Ok(b'a')),
        ("the rest of the last page is zeros", SHARED, 4100, Ok(()), Ok(0)),
        ("behind the last page of the file", SHARED, 8192, Err(Errno::SIGBUS), Err(Errno::SIGBUS)),
        ("behind the last page, private", PRIVATE, 8192, Err(Errno::SIGBUS), Err(Errno::SIGBUS)),
        ("behind the mapping", SHARED, 16384, Err(Errno::SIGSEGV), Err(Errno::SIGSEGV)),
        ("before the mapping", SHARED, -1, Err(Errno::SIGSEGV), Err(Errno::SIGSEGV)),
        ("PROT_READ", VmFlags { write: false, ..SHARED }, 0, Err(Errno::SIGSEGV), Ok(b'a')),
        ("PROT_WRITE alone: x86 cannot forbid loads", VmFlags { read: false, ..SHARED }, 0, Ok(()), Ok(b'a')),
        ("PROT_NONE", NONE, 0, Err(Errno::SIGSEGV), Err(Errno::SIGSEGV)),
        ("PROT_NONE behind the end: not SIGBUS", NONE, 8192, Err(Errno::SIGSEGV), Err(Errno::SIGSEGV)),
    ];
    for (name, flags, offset, stored, loaded) in rows {
        let mut machine = Machine::default(&[b'a'; 4097]);
        machine.map(4, flags);
        assert_eq!(machine.load(offset, 1).map(|bytes| bytes[0]), loaded, "{name}: load");
        assert_eq!(machine.store(offset, b"x"), stored, "{name}: store");
        if stored.is_ok() {
            assert_eq!(machine.load(offset, 1).unwrap(), b"x", "{name}: load what was stored");
        }
    }
}

#[test]
fn a_store_keeps_what_it_did_before_the_fault() {
    let mut machine = Machine::default(&[b'a'; 4096]);
    machine.map(2, SHARED);
    assert_eq!(machine.store(4094, b"xyz"), Err(Errno::SIGBUS));
    assert_eq!(machine.load(4094, 2).unwrap(), b"xy");
}

#[test]
fn what_is_stored_is_durable_after_the_next_fsync_only() {
    for (synced, found) in [(false, "12d"), (true, "123")] {
        let mut machine = Machine::default(b"old");
        machine.map(1, SHARED);
        machine.store(0, b"12").unwrap();
        machine.fsync();
        machine.store(2, b"3").unwrap();
        if synced {
            machine.fsync();
        }
        assert_eq!(machine.survivors(), set(&[found]), "synced again: {synced}");
    }
}

#[test]
fn a_shared_store_faults_once_until_writeback_protects_the_page() {
    let mut machine = Machine::default(b"old");
    machine.map(1, SHARED);
    let way = machine.way(|m| m.store(0, b"1").unwrap());
    for function in ["handle_mm_fault", "do_shared_fault", "ext4_page_mkwrite", "file_update_time"] {
        assert!(has(&way, function), "{function}: {way:?}");
    }
    let way = machine.way(|m| m.store(1, b"2").unwrap());
    assert!(!has(&way, "handle_mm_fault"), "{way:?}");
    assert_eq!(machine.vfs.in_memory().dirty, [machine.ino()]);
    let way = machine.way(Machine::fsync);
    assert!(has(&way, "folio_mkclean"), "{way:?}");
    assert_eq!(machine.vfs.in_memory().dirty, []);
    let way = machine.way(|m| m.store(2, b"3").unwrap());
    assert!(has(&way, "do_wp_page") && has(&way, "ext4_page_mkwrite"), "{way:?}");
}

#[test]
fn a_load_maps_to_read_and_a_store_faults_again() {
    let mut machine = Machine::default(b"old");
    machine.map(1, SHARED);
    assert!(has(&machine.way(|m| drop(m.load(0, 1).unwrap())), "do_read_fault"));
    assert!(!has(&machine.way(|m| drop(m.load(1, 1).unwrap())), "handle_mm_fault"));
    assert!(has(&machine.way(|m| m.store(0, b"x").unwrap()), "do_wp_page"));
}

#[test]
fn write_and_mapping_see_each_other() {
    let mut machine = Machine::default(b"old");
    machine.map(1, SHARED);
    machine.store(0, b"ne").unwrap();
    assert_eq!(machine.vfs.pread(&"f".into(), 0, 9).unwrap(), b"ned");
    machine.vfs.pwrite(&"f".into(), b"w!", 2).unwrap();
    assert_eq!(machine.load(0, 5).unwrap(), b"new!\0");
    machine.fsync();
    assert_eq!(machine.survivors(), set(&["new!"]));
}

#[test]
fn bytes_behind_the_end_vanish_at_writeback() {
    let mut machine = Machine::default(b"old");
    machine.map(1, SHARED);
    machine.store(2, b"XYZ").unwrap();
    assert_eq!(machine.load(0, 6).unwrap(), b"olXYZ\0", "the program sees them");
    assert_eq!(machine.vfs.pread(&"f".into(), 0, 9).unwrap(), b"olX", "read does not");
    machine.fsync();
    assert_eq!(machine.load(0, 6).unwrap(), b"olX\0\0\0", "writeback zeroes them, in memory too");
    machine.vfs.ftruncate(&"f".into(), 5).unwrap();
    machine.fsync();
    assert_eq!(machine.survivors(), set(&["olX\\x00\\x00"]));
}

#[test]
fn growing_a_file_exposes_what_lies_behind_its_end_before_6_12() {
    let rows = [(Kernel::V6_6, "olXYZ", "olXYZw"), (Kernel::V6_12, "olX\\x00\\x00", "olX\\x00\\x00w")];
    for (kernel, truncated, written) in rows {
        for schedule in Schedule::ALL {
            let mut machine = Machine::new(stack(kernel), schedule, b"old");
            machine.map(1, SHARED);
            machine.store(2, b"XYZ").unwrap();
            machine.vfs.ftruncate(&"f".into(), 5).unwrap();
            machine.fsync();
            assert_eq!(machine.survivors(), set(&[truncated]), "{kernel}: ftruncate");

            let mut machine = Machine::new(stack(kernel), schedule, b"old");
            machine.map(1, SHARED);
            machine.store(2, b"XYZ").unwrap();
            machine.vfs.pwrite(&"f".into(), b"w", 5).unwrap();
            machine.fsync();
            assert_eq!(machine.survivors(), set(&[written]), "{kernel}: pwrite");
        }
    }
}

#[test]
fn a_commit_waits_for_the_zeroed_end_since_6_12() {
    for (kernel, blocks) in [(Kernel::V6_6, 0), (Kernel::V6_12, 1)] {
        let mut machine = Machine::new(stack(kernel), Schedule::Prompt, b"old");
        machine.vfs.ftruncate(&"f".into(), 10_000).unwrap();
        machine.pass(6);
        assert_eq!(machine.data_blocks(), blocks, "{kernel}: the commit timer");
    }
}

#[test]
fn truncation_takes_pages_out_of_the_page_table() {
    for flags in [SHARED, PRIVATE] {
        let mut machine = Machine::default(&[b'a'; 3 * 4096]);
        machine.map(3, flags);
        machine.store(0, b"xxxx").unwrap();
        machine.store(4096, b"y").unwrap();
        machine.store(8192, b"z").unwrap();
        machine.vfs.ftruncate(&"f".into(), 2).unwrap();
        assert_eq!(machine.load(4096, 1), Err(Errno::SIGBUS), "behind the new last page");
        assert_eq!(machine.store(8192, b"z"), Err(Errno::SIGBUS));
        let tail: &[u8] = if flags.shared { b"xx\0\0" } else { b"xxxx" };
        assert_eq!(machine.load(0, 4).unwrap(), tail, "the rest of the last page; a copy is not touched");
        machine.vfs.truncate("/f", 3 * 4096).unwrap();
        assert_eq!(machine.load(4096, 1).unwrap(), [0], "grown again: zeros, private copies are gone");
        assert_eq!(machine.load(8192, 1).unwrap(), [0]);
    }
}

#[test]
fn a_store_after_truncation_is_to_the_new_page() {
    let mut machine = Machine::default(&[b'a'; 4096]);
    machine.map(1, SHARED);
    machine.store(0, b"x").unwrap();
    machine.vfs.open(&"t".into(), "/f", OpenFlags::O_WRONLY.with(OpenFlags::O_TRUNC), 0).unwrap();
    assert_eq!(machine.store(0, b"x"), Err(Errno::SIGBUS));
    machine.vfs.ftruncate(&"f".into(), 2).unwrap();
    let way = machine.way(|m| m.store(1, b"n").unwrap());
    assert!(has(&way, "do_shared_fault"), "{way:?}");
    machine.fsync();
    assert_eq!(machine.survivors(), set(&["\\x00n"]));
}

#[test]
fn private_copies_never_reach_the_disk() {
    let mut machine = Machine::default(b"old");
    machine.map(1, PRIVATE);
    machine.store(0, b"new").unwrap();
    assert_eq!(machine.load(0, 3).unwrap(), b"new");
    machine.vfs.pwrite(&"f".into(), b"f", 2).unwrap();
    assert_eq!(machine.load(0, 3).unwrap(), b"new", "nor does what is written reach them");
    assert_eq!(machine.vfs.pread(&"f".into(), 0, 3).unwrap(), b"olf");
    machine.fsync();
    assert_eq!(machine.survivors(), set(&["olf"]));
}

#[test]
fn anonymous_memory_is_zeros_until_it_is_stored_to() {
    let mut machine = Machine::default(b"old");
    machine.map_at("m", BASE, 2, PRIVATE, None);
    assert_eq!(machine.load(4094, 4).unwrap(), [0; 4]);
    machine.store(4094, b"abcd").unwrap();
    assert_eq!(machine.load(4094, 4).unwrap(), b"abcd");
}

/// A disk on which `/f` is one hole and all blocks that can be had are taken by `/full`.
fn full_disk(kernel: Kernel) -> Machine {
    let mut machine = Machine::new(stack(kernel), Schedule::Prompt, b"");
    machine.vfs.ftruncate(&"f".into(), 8 * 4096).unwrap();
    let flags = OpenFlags::O_CREAT.with(OpenFlags::O_RDWR);
    machine.vfs.open(&"full".into(), "/full", flags, 0o644).unwrap();
    while machine.vfs.write(&"full".into(), &[b'x'; 1 << 20]).is_ok() {}
    machine.vfs.sync();
    machine.map(8, SHARED);
    machine
}

#[test]
fn a_store_over_a_hole_of_a_full_disk_is_sigbus() {
    let mut machine = full_disk(Kernel::default());
    assert_eq!(machine.load(0, 1).unwrap(), [0], "a hole can be read");
    let way = machine.way(|m| assert_eq!(m.store(0, b"x"), Err(Errno::SIGBUS)));
    assert!(has(&way, "ENOSPC: SIGBUS") && !has(&way, "ext4_should_retry_alloc"), "{way:?}");
    assert_eq!(machine.load(0, 1).unwrap(), [0], "nothing was stored");
    machine.vfs.ftruncate(&"full".into(), 4096).unwrap();
    assert_eq!(machine.store(0, b"x"), Ok(()), "there is room now");
}

#[test]
fn blocks_that_were_just_freed_are_worth_a_commit() {
    let mut machine = full_disk(Kernel::default());
    // A block of /full is freed, and promised to another page at once.
    let size = machine.vfs.lseek(&"full".into(), 0, Whence::End).unwrap();
    machine.vfs.ftruncate(&"full".into(), i64::try_from(size).unwrap() - 4096).unwrap();
    machine.store(4096, b"x").unwrap();
    let way = machine.way(|m| assert_eq!(m.store(0, b"x"), Err(Errno::SIGBUS)));
    let commits = way.iter().filter(|line| *line == "jbd2_journal_commit_transaction").count();
    assert!(has(&way, "ext4_should_retry_alloc") && commits == 1, "{way:?}");
}

/// "first" is on its way over "old", and "second" is stored.
fn rewritten_in_flight(stable: bool, kernel: Kernel, rewrite: impl Fn(&mut Machine, &[u8])) -> Machine {
    let mut stack = stack(kernel);
    stack.disk.stable_writes = stable;
    let mut machine = Machine::new(stack, Schedule::Late, b"old---");
    machine.map(1, SHARED);
    machine.vfs.pwrite(&"f".into(), b"first-", 0).unwrap();
    machine.pass(35);
    rewrite(&mut machine, b"second");
    machine
}

fn by_store(machine: &mut Machine, data: &[u8]) {
    machine.store(0, data).unwrap();
}

fn by_write(machine: &mut Machine, data: &[u8]) {
    machine.vfs.pwrite(&"f".into(), data, 0).unwrap();
}

#[test]
fn a_page_that_changes_on_its_way_may_arrive_old_or_new() {
    for rewrite in [by_store, by_write] {
        let machine = rewritten_in_flight(false, Kernel::default(), rewrite);
        assert_eq!(machine.survivors(), set(&["old---", "first-", "second"]));

        let mut machine = rewritten_in_flight(false, Kernel::default(), rewrite);
        machine.pass(1);
        machine.vfs.chmod("/f", 0o600).unwrap();
        machine.pass(6);
        assert_eq!(machine.survivors(), set(&["first-", "second"]), "durable, whichever it was");

        let mut machine = rewritten_in_flight(false, Kernel::default(), rewrite);
        machine.fsync();
        assert_eq!(machine.survivors(), set(&["second"]), "the page was dirty again, and is written again");
    }
}

#[test]
fn a_page_that_must_be_stable_is_waited_for() {
    for rewrite in [by_store, by_write] {
        let machine = rewritten_in_flight(true, Kernel::default(), rewrite);
        assert_eq!(machine.survivors(), set(&["old---", "first-"]));
        let mut machine = rewritten_in_flight(true, Kernel::default(), rewrite);
        machine.fsync();
        assert_eq!(machine.survivors(), set(&["second"]));
        // Before 3.9 nobody waits, whatever the disk asks for.
        let machine = rewritten_in_flight(true, Kernel::V2_6_19, rewrite);
        assert_eq!(machine.survivors(), set(&["old---", "first-", "second"]));
    }
}

#[test]
fn a_later_store_to_a_page_on_its_way_needs_no_fault_to_go_with_it() {
    let mut machine = rewritten_in_flight(false, Kernel::default(), by_store);
    let way = machine.way(|m| m.store(0, b"third!").unwrap());
    assert!(!has(&way, "handle_mm_fault") && has(&way, "request"), "{way:?}");
    assert_eq!(machine.survivors(), set(&["old---", "first-", "second", "third!"]));
}

#[test]
fn before_2_6_19_nobody_but_the_page_table_knows_of_a_store() {
    let mut machine = Machine::new(stack(Kernel::V2_6_18), Schedule::Prompt, b"old");
    machine.map(1, SHARED);
    let way = machine.way(|m| m.store(0, b"new").unwrap());
    assert!(!has(&way, "page_mkwrite") && has(&way, "dirty bit"), "{way:?}");
    assert_eq!(machine.vfs.pread(&"f".into(), 0, 3).unwrap(), b"new", "it is in the page cache all the same");
    assert_eq!(machine.vfs.fs.in_memory().dirty, []);
    assert_eq!(machine.vfs.in_memory().dirty, [machine.ino()]);
    machine.fsync();
    machine.pass(60);
    assert_eq!(machine.data_blocks(), 0, "neither fsync nor background writeback see it");

    // No cache on the disk: this kernel never flushes one for an overwrite.
    let mut stack = stack(Kernel::V2_6_18);
    stack.disk.cache = Cache::WriteThrough;
    let mut machine = Machine::new(stack, Schedule::Prompt, b"old");
    machine.map(1, SHARED);
    machine.store(0, b"new").unwrap();
    let ino = machine.ino();
    machine.vfs.fs.set_page_dirty(ino, FileBlock::new(0));
    machine.fsync();
    let way = machine.way(|m| m.store(0, b"N").unwrap());
    assert!(!has(&way, "handle_mm_fault"), "writeback does not write-protect: {way:?}");
    assert_eq!(machine.survivors(), set(&["new"]), "what msync does with the dirty bit makes it seen");
}

#[test]
fn a_file_system_without_page_mkwrite_reserves_nothing() {
    for kernel in [Kernel::V2_6_18, Kernel::V2_6_19] {
        let mut machine = full_disk(kernel);
        assert_eq!(machine.store(0, b"x"), Ok(()), "{kernel}: no SIGBUS");
        let ino = machine.ino();
        machine.vfs.fs.set_page_dirty(ino, FileBlock::new(0));
        assert_eq!(machine.vfs.fs.in_memory().dirty, [ino], "{kernel}");
    }
}

#[test]
fn populate_touches_pages_up_to_a_hole() {
    let table = |machine: &Machine| -> Vec<Pte> {
        let vma = machine.vfs.mm.lookup(BASE).unwrap();
        vma.ptes.values().cloned().collect()
    };
    let mut machine = Machine::default(&[b'a'; 8192]);
    machine.map(2, SHARED);
    assert_eq!(machine.vfs.populate(BASE, BASE + 5 * 4096), Ok(()), "the hole behind is no error");
    assert_eq!(
        table(&machine),
        [Pte::ReadOnly, Pte::ReadOnly],
        "a shared mapping is not dirtied for nothing"
    );

    let mut machine = Machine::default(&[b'a'; 8192]);
    machine.map(2, PRIVATE);
    assert_eq!(machine.vfs.populate(BASE, BASE + 8192), Ok(()));
    assert!(matches!(table(&machine)[..], [Pte::Private(_), Pte::Private(_)]), "copies are made in advance");

    let mut machine = Machine::default(&[b'a'; 4096]);
    machine.map(2, SHARED);
    assert_eq!(machine.vfs.populate(BASE, BASE + 8192), Err(Errno::EFAULT), "behind the end of the file");
}
