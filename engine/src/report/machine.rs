//! The machine of a scenario in one line.
//!
//! ```text
//!   Linux 6.6 (before 6.6.51), ext4 32 MiB data=ordered, disk: volatile cache, writes 4096 bytes as one piece, no FUA
//! ```
//! Options that have their defaults are not said, apart from those of the disk and `data=`.

use crate::device::{Cache, Fua};
use crate::scenario::{Checksums, DataError, DataMode, OnError, Recoverer, Stack, Synchronous};
use crate::units::{BLOCK_BYTES, len_u64};

/// Seconds between commits, where a mount does not say.
const COMMIT_SECS: u64 = 5;

/// The machine in words.
pub(super) fn machine(stack: &Stack) -> String {
    format!("Linux {}, {}", stack.kernel.span(), storage(stack))
}

/// What is beneath the kernel, in words.
pub(super) fn storage(stack: &Stack) -> String {
    let recoverer = match stack.recovery {
        Recoverer::SameKernel => String::new(),
        Recoverer::Kernel(kernel) => format!(", recovered by Linux {}", kernel.span()),
        Recoverer::E2fsck => ", e2fsck 1.47 at boot".to_owned(),
    };
    format!("{}, disk: {}{recoverer}", file_system(stack), disk(stack))
}

fn file_system(stack: &Stack) -> String {
    let (mkfs, mount) = (&stack.mkfs, &stack.mount);
    let mib = (mkfs.blocks * len_u64(BLOCK_BYTES)) >> 20;
    let has_journal = stack.has_journal();
    let data = match mount.data {
        // v6.6 fs/ext4/ext4_jbd2.c, ext4_inode_journal_mode: an image may have no journal
        DataMode::Ordered if has_journal => "data=ordered",
        DataMode::Journal => "data=journal",
        DataMode::Ordered | DataMode::Writeback => "data=writeback",
    };
    let mut words = match &stack.image {
        Some(image) => format!("ext4 of {:?} {data}", image.path),
        None => format!("ext4 {mib} MiB {data}"),
    };
    let special = [
        (!has_journal, "no journal"),
        (mkfs.metadata_csum == Checksums::None, "no metadata_csum"),
        (mkfs.dir_index, "dir_index"),
        (mkfs.orphan_file, "orphan_file"),
        (mkfs.fast_commit, "fast_commit"),
        (!mount.delalloc, "nodelalloc"),
        (!mount.dioread_nolock, "dioread_lock"),
        (!mount.auto_da_alloc, "noauto_da_alloc"),
        (!mount.barrier, "nobarrier"),
        (mount.journal_checksum, "journal_checksum"),
        (mount.journal_async_commit, "journal_async_commit"),
        (mount.synchronous == Synchronous::Directories, "dirsync"),
        (mount.synchronous == Synchronous::All, "sync"),
        (mount.errors == OnError::RemountRo, "errors=remount-ro"),
        (mount.errors == OnError::Panic, "errors=panic"),
        (mount.data_err == DataError::Abort, "data_err=abort"),
    ];
    for (_, word) in special.iter().filter(|(there, _)| *there) {
        words.push(' ');
        words.push_str(word);
    }
    if mount.commit_secs != COMMIT_SECS {
        words.push_str(&format!(" commit={}", mount.commit_secs));
    }
    words
}

fn disk(stack: &Stack) -> String {
    let disk = &stack.disk;
    let cache = match disk.cache {
        Cache::Volatile => "volatile cache",
        Cache::WriteThrough => "write-through cache",
    };
    let fua = match disk.fua {
        Fua::Native => "FUA",
        Fua::Emulated => "no FUA",
    };
    format!("{cache}, writes {} bytes as one piece, {fua}", disk.atomic.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::parse;

    #[test]
    fn what_is_special_is_said() {
        let check = |stack: &str, wanted: &str| {
            let scenario = parse(&format!("(title: \"t\", stack: {stack}, steps: [sync])")).unwrap();
            assert_eq!(machine(&scenario.stack), wanted, "{stack}");
        };
        check(
            "()",
            "Linux 6.6 (before 6.6.51), ext4 32 MiB data=ordered, disk: volatile cache, writes 512 bytes as one \
             piece, no FUA",
        );
        check(
            "(kernel: \"6.6.51\", mkfs: (features: []), \
             mount: (barrier: false, auto_da_alloc: false, commit: 30), \
             disk: (cache: write_through, atomic_write: 4096, fua: true))",
            "Linux 6.6.51 or later 6.6, ext4 32 MiB data=ordered no metadata_csum noauto_da_alloc nobarrier \
             commit=30, disk: write-through cache, writes 4096 bytes as one piece, FUA",
        );
        check(
            "(mount: (data: writeback, journal_checksum: true, journal_async_commit: true, dirsync: true, \
             errors: remount_ro, data_err: abort))",
            "Linux 6.6 (before 6.6.51), ext4 32 MiB data=writeback journal_checksum journal_async_commit dirsync \
             errors=remount-ro data_err=abort, disk: volatile cache, writes 512 bytes as one piece, no FUA",
        );
        check(
            "(recovery: e2fsck)",
            "Linux 6.6 (before 6.6.51), ext4 32 MiB data=ordered, disk: volatile cache, writes 512 bytes as one \
             piece, no FUA, e2fsck 1.47 at boot",
        );
        check(
            "(recovery: \"6.6.51\")",
            "Linux 6.6 (before 6.6.51), ext4 32 MiB data=ordered, disk: volatile cache, writes 512 bytes as one \
             piece, no FUA, recovered by Linux 6.6.51 or later 6.6",
        );
        check(
            "(mkfs: (journal: false), mount: (sync: true, errors: panic))",
            "Linux 6.6 (before 6.6.51), ext4 32 MiB data=writeback no journal sync errors=panic, \
             disk: volatile cache, writes 512 bytes as one piece, no FUA",
        );
    }
}
