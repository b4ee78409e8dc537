//! What random programs run on.

use proptest::prelude::*;
use unplug::block::{Barrier, Queue};
use unplug::device::{AtomicUnit, Cache, Disk, DiskModel, Fua};
use unplug::ext4::{Fs, Options, mkfs};
use unplug::scenario::{Checksums, DataMode, Kernel, Mkfs, Mount, Stack, Synchronous};
use unplug::schedule::Schedule;
use unplug::units::Time;
use unplug::vfs::Vfs;

/// Kernel, mkfs and mount.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    pub(super) kernel: Kernel,
    pub(super) schedule: Schedule,
    pub(super) mkfs: Mkfs,
    mount: Mount,
}

pub(super) fn machine() -> impl Strategy<Value = Machine> {
    let kernel = prop::sample::select(vec![Kernel::V6_6, Kernel::V5_15, Kernel::V6_1, Kernel::V6_12]);
    let data = prop::sample::select(vec![DataMode::Ordered, DataMode::Writeback, DataMode::Journal]);
    let synchronous = prop_oneof![
        6 => Just(Synchronous::None),
        1 => Just(Synchronous::Directories),
        1 => Just(Synchronous::All),
    ];
    let log = (prop::bool::weighted(0.8), any::<[bool; 3]>());
    (kernel, data, synchronous, log, any::<[bool; 6]>()).prop_map(
        |(kernel, data, synchronous, log, others)| {
            let (has_journal, [plain, log_checksums, early]) = log;
            let [late, nodelalloc, dioread_lock, noauto_da_alloc, dir_index, orphan_file] = others;
            let mkfs = Mkfs {
                blocks: 2600,
                journal_blocks: has_journal.then_some(1024),
                metadata_csum: if plain { Checksums::None } else { Checksums::Crc32c },
                inodes: 64,
                dir_index,
                orphan_file: orphan_file && has_journal,
                fast_commit: false,
            };
            // An early commit block needs a checksum of all that it commits, and is refused beside ordered data.
            let early = early && plain && has_journal && data != DataMode::Ordered;
            let mount = Mount {
                data: if has_journal { data } else { DataMode::Writeback },
                delalloc: !nodelalloc && data != DataMode::Journal,
                dioread_nolock: !dioread_lock,
                auto_da_alloc: !noauto_da_alloc,
                journal_checksum: log_checksums && has_journal,
                journal_async_commit: early,
                synchronous,
                ..Mount::of(kernel)
            };
            let schedule = if late { Schedule::Late } else { Schedule::Prompt };
            Machine { kernel, schedule, mkfs, mount }
        },
    )
}

pub(super) fn mounted(machine: &Machine) -> Vfs {
    let now = Time::from_secs(1_700_000_000);
    let image = mkfs(&machine.mkfs, now);
    let model = DiskModel {
        blocks: image.blocks(),
        cache: Cache::Volatile,
        atomic: AtomicUnit::Block,
        fua: Fua::Emulated,
    };
    let q = Queue::new(Disk::new(model, image), Barrier::On, machine.schedule, None, now);
    let (kernel, mkfs, mount) = (machine.kernel, machine.mkfs.clone(), machine.mount.clone());
    Vfs::new(Fs::mount(q, Options::of(&Stack { kernel, mkfs, mount, ..Stack::default() })))
}
